//! What happens where backends are slow, ill or too busy, and where clients ask too much.

use std::time::{Duration, Instant};

use mesh_model::envoy::RateLimit;

use crate::backend::{Answer, Backend, GOOD};
use crate::client::get;
use crate::gateway::Site;
use crate::{envoy, networking};

const HOST: &str = "shop.example.com";
const ILL: Answer = Answer { status: 503, delay: Duration::ZERO };
const SLOW: Answer = Answer { status: 200, delay: Duration::from_secs(2) };

/// A rule of the service `web`.
fn rule(policy: &str) -> String {
    format!(
        "
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {{ name: web }}
spec: {{ host: web, trafficPolicy: {policy} }}
"
    )
}

#[test]
fn a_failed_attempt_is_made_again() {
    let Some(envoy) = envoy() else { return };
    let first_fails = |count: usize| move |number: usize| if number < count { ILL } else { GOOD };
    for (retries, failures, expected) in [
        ("{ attempts: 3, retryOn: 5xx }", 3, (200, 4)),
        ("{ attempts: 2, retryOn: 5xx }", 3, (503, 3)),
        ("{ attempts: 3, retryOn: '503' }", 1, (200, 2)),
        ("{ attempts: 3, retryOn: gateway-error, backoff: 10ms }", 1, (200, 2)),
        ("{ attempts: 3, retryOn: connect-failure }", 1, (503, 1)),
        ("{ attempts: 0 }", 1, (503, 1)),
        ("{ attempts: 3, retryOn: '' }", 3, (200, 4)),
        // what is not said is Istio's: twice, and 503 is among it
        ("null", 2, (200, 3)),
    ] {
        let web = Backend::with("web", first_fails(failures));
        let routes = format!("[{{ retries: {retries}, route: [{{ destination: {{ host: web }} }}] }}]");
        let site = Site::plain(&routes.replace("retries: null, ", ""), &[("web", &[web.address])]);
        let _gateway = site.start(&envoy);
        assert_eq!((get(site.at, HOST, "/").status, web.seen().len()), expected, "{retries}");
    }
}

#[test]
fn nobody_waits_longer_than_is_said() {
    let Some(envoy) = envoy() else { return };
    let web = Backend::with("web", |number| if number == 0 { SLOW } else { GOOD });
    let slow = Backend::with("slow", |_| SLOW);
    let routes = "
    - match: [{ uri: { prefix: /slow } }]
      timeout: 300ms
      route: [{ destination: { host: slow } }]
    - timeout: 5s
      retries: { attempts: 1, perTryTimeout: 300ms, retryOn: gateway-error }
      route: [{ destination: { host: web } }]";
    let site = Site::plain(routes, &[("web", &[web.address]), ("slow", &[slow.address])]);
    let _gateway = site.start(&envoy);
    let start = Instant::now();
    assert_eq!(get(site.at, HOST, "/slow").status, 504);
    // its clock is as coarse as its turns; the backend would answer after 2 s
    assert!((200..1_900).contains(&start.elapsed().as_millis()), "{:?}", start.elapsed());
    assert_eq!(
        (get(site.at, HOST, "/").status, web.seen().len()),
        (200, 2),
        "an attempt has a time of its own"
    );
}

#[test]
fn a_circuit_breaker_turns_away_what_is_too_much() {
    let Some(envoy) = envoy() else { return };
    let statuses = |limits: &str| {
        let web = Backend::with("web", |_| Answer { status: 200, delay: Duration::from_millis(700) });
        let mut site = Site::plain(
            "[{ retries: { attempts: 0 }, route: [{ destination: { host: web } }] }]",
            &[("web", &[web.address])],
        );
        site.add(&rule(&format!("{{ connectionPool: {limits} }}")));
        let gateway = site.start(&envoy);
        let at = site.at;
        // the first has its connection before the others come
        let first = std::thread::spawn(move || get(at, HOST, "/").status);
        std::thread::sleep(Duration::from_millis(200));
        let threads: Vec<_> = (0..5).map(|_| std::thread::spawn(move || get(at, HOST, "/").status)).collect();
        let mut statuses: Vec<u16> =
            threads.into_iter().chain([first]).map(|one| one.join().unwrap()).collect();
        statuses.sort_unstable();
        drop(gateway);
        statuses
    };
    assert_eq!(statuses("{ http: { http2MaxRequests: 2 } }"), [200, 200, 503, 503, 503, 503]);
    let one = "{ tcp: { maxConnections: 1 }, http: { http1MaxPendingRequests: 1 } }";
    assert_eq!(statuses(one), [200, 200, 503, 503, 503, 503]);
    // 0 is no limit of Istio's but a word for its default
    let none = "{ tcp: { maxConnections: 0 }, http: { http1MaxPendingRequests: 0, http2MaxRequests: 0, maxRequestsPerConnection: 0, maxRetries: 0 } }";
    assert_eq!(statuses(none), [200; 6]);
}

/// What six calls at once to a slow backend are answered, by these rules of it.
fn six_at_once(envoy: &std::path::Path, destination: &str, rules: &[String]) -> Vec<u16> {
    let web = Backend::with("web", |_| Answer { status: 200, delay: Duration::from_millis(700) });
    let routes = format!("[{{ retries: {{ attempts: 0 }}, route: [{{ destination: {destination} }}] }}]");
    let mut site = Site::plain(&routes, &[("web", &[web.address])]);
    rules.iter().for_each(|rule| site.add(rule));
    let _gateway = site.start(envoy);
    let at = site.at;
    let threads: Vec<_> = (0..6).map(|_| std::thread::spawn(move || get(at, HOST, "/").status)).collect();
    let mut statuses: Vec<u16> = threads.into_iter().map(|one| one.join().unwrap()).collect();
    statuses.sort_unstable();
    statuses
}

const TWO_OF_SIX: [u16; 6] = [200, 200, 503, 503, 503, 503];
const LIMIT: &str = "connectionPool: { http: { http2MaxRequests: 2 } }";

#[test]
fn the_limit_of_a_port_holds_for_a_subset_that_speaks_of_another_port() {
    let Some(envoy) = envoy() else { return };
    let other = "{ portLevelSettings: [{ port: { number: 90 }, tls: { mode: DISABLE } }] }";
    let rule = networking(
        "DestinationRule",
        "web",
        &format!(
            "{{ host: web, trafficPolicy: {{ portLevelSettings: [{{ port: {{ number: 80 }}, {LIMIT} }}] }}, \
             subsets: [{{ name: v1, labels: {{ version: v1 }}, trafficPolicy: {other} }}] }}"
        ),
    );
    assert_eq!(six_at_once(&envoy, "{ host: web, subset: v1 }", &[rule]), TWO_OF_SIX);
}

#[test]
fn rules_of_a_wildcard_and_second_rules_hold() {
    let Some(envoy) = envoy() else { return };
    let rule = |name: &str, spec: &str| networking("DestinationRule", name, spec);
    let wide = format!("{{ host: '*.shop.svc.cluster.local', trafficPolicy: {{ {LIMIT} }} }}");
    assert_eq!(six_at_once(&envoy, "{ host: web }", &[rule("all", &wide)]), TWO_OF_SIX);
    let subset = "{ host: web, subsets: [{ name: v1, labels: { version: v1 } }] }";
    let policy = format!("{{ host: web.shop.svc.cluster.local, trafficPolicy: {{ {LIMIT} }} }}");
    let rules = [rule("subsets", subset), rule("policy", &policy)];
    assert_eq!(six_at_once(&envoy, "{ host: web, subset: v1 }", &rules), TWO_OF_SIX);
}

/// Istio has both for all connections, also those of HTTP.
#[test]
fn a_connection_ends_when_it_is_old_and_when_it_is_idle() {
    let Some(envoy) = envoy() else { return };
    for (limit, stat) in [
        ("maxConnectionDuration: 200ms", "upstream_cx_max_duration_reached"),
        ("idleTimeout: 200ms", "upstream_cx_idle_timeout"),
    ] {
        let web = Backend::new("web");
        let mut site =
            Site::plain("[{ route: [{ destination: { host: web } }] }]", &[("web", &[web.address])]);
        site.add(&rule(&format!("{{ connectionPool: {{ tcp: {{ {limit} }} }} }}")));
        let gateway = site.start(&envoy);
        assert_eq!(get(site.at, HOST, "/").status, 200);
        let until = Instant::now() + Duration::from_secs(10);
        while gateway.stat(stat) == 0 {
            assert!(Instant::now() < until, "{limit}");
            std::thread::sleep(Duration::from_millis(20));
        }
        assert_eq!(get(site.at, HOST, "/").status, 200, "{limit}");
        assert_eq!(gateway.stat("shop.svc.cluster.local.upstream_cx_total"), 2, "{limit}");
    }
}

#[test]
fn what_is_ill_is_ejected_and_another_region_takes_over() {
    let Some(envoy) = envoy() else { return };
    let (near, far) =
        (Backend::with("near", |number| if number < 5 { GOOD } else { ILL }), Backend::new("far"));
    let mut site = Site::plain(
        "[{ retries: { attempts: 0 }, route: [{ destination: { host: web } }] }]",
        &[("web", &[near.address, far.address])],
    );
    let failover = "loadBalancer: { localityLbSetting: { failover: [{ from: us-west, to: us-south }] } }";
    let outlier = "outlierDetection: { consecutive5xxErrors: 3, interval: 1s, baseEjectionTime: 60s, maxEjectionPercent: 100 }";
    site.add(&rule(&format!("{{ {failover}, {outlier} }}")));
    let gateway = site.start(&envoy);
    let answer = || {
        let response = get(site.at, HOST, "/");
        (response.status, response.backend().to_owned())
    };
    let is = |one: &(u16, String), status, backend: &str| *one == (status, backend.to_owned());
    assert!((0..5).all(|_| is(&answer(), 200, "near")));
    // the third failure ejects, as soon as Envoy has a turn for it
    let ill: Vec<_> = (0..100)
        .map(|_| {
            std::thread::sleep(Duration::from_millis(20));
            answer()
        })
        .take_while(|one| is(one, 503, "near"))
        .collect();
    assert!((3..100).contains(&ill.len()), "{}", ill.len());
    assert!((0..10).all(|_| is(&answer(), 200, "far")));
    assert_eq!(gateway.stat("outlier_detection.ejections_active"), 1);
}

/// By the zone-aware setting: the region that takes over comes before the third, whatever their order here.
#[test]
fn regions_take_over_one_after_another() {
    let Some(envoy) = envoy() else { return };
    let ill_after = |good: usize| move |number: usize| if number < good { GOOD } else { ILL };
    let near = Backend::with("near", ill_after(5));
    let (third, second) = (Backend::new("third"), Backend::with("second", ill_after(5)));
    let mut site = Site::plain(
        "[{ retries: { attempts: 0 }, route: [{ destination: { host: web } }] }]",
        &[("web", &[near.address, third.address, second.address])],
    );
    let regions = "loadBalancer: { zoneAwareLbSetting: { failover: [{ from: us-west, to: us-north }], minClusterSize: 4294967295 } }";
    let outlier = "outlierDetection: { consecutive5xxErrors: 3, interval: 1s, baseEjectionTime: 60s, maxEjectionPercent: 100 }";
    site.add(&rule(&format!("{{ {regions}, {outlier} }}")));
    let gateway = site.start(&envoy);
    let answer = || {
        std::thread::sleep(Duration::from_millis(20));
        let response = get(site.at, HOST, "/");
        (response.status, response.backend().to_owned())
    };
    let is = |one: &(u16, String), status, backend: &str| *one == (status, backend.to_owned());
    for (ejected, backend) in ["near", "second"].into_iter().enumerate() {
        // the one that ended the row before was of this backend already
        assert!((0..5 - ejected.min(1)).all(|_| is(&answer(), 200, backend)), "{backend}");
        let ill = (0..100).map(|_| answer()).take_while(|one| is(one, 503, backend)).count();
        assert!((3..100).contains(&ill), "{backend}: {ill}");
        assert_eq!(gateway.stat("outlier_detection.ejections_active"), ejected as u64 + 1);
    }
    assert!((0..10).all(|_| is(&answer(), 200, "third")));
}

#[test]
fn more_than_the_bucket_holds_is_too_many() {
    let Some(envoy) = envoy() else { return };
    let web = Backend::new("web");
    let mut site = Site::plain("[{ route: [{ destination: { host: web } }] }]", &[("web", &[web.address])]);
    site.rate_limit = Some(RateLimit { requests: 1, interval: Duration::from_secs(60), burst: 5 });
    let _gateway = site.start(&envoy);
    let statuses: Vec<u16> = (0..7).map(|_| get(site.at, HOST, "/").status).collect();
    assert_eq!(statuses, [200, 200, 200, 200, 200, 429, 429]);
    assert_eq!(web.seen().len(), 5);
}
