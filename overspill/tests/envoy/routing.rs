//! Where requests go and what becomes of them on the way.

use std::io::Read;
use std::net::TcpListener;

use crate::backend::Backend;
use crate::client::{ask, get};
use crate::gateway::Site;
use crate::grpc::PREFACE;
use crate::{envoy, networking};

const HOST: &str = "shop.example.com";

#[test]
fn hosts_paths_headers_and_queries_choose_the_route() {
    let Some(envoy) = envoy() else { return };
    let (web, api) = (Backend::new("web"), Backend::new("api"));
    let routes = "
    - { match: [{ uri: { exact: /exact } }], route: [{ destination: { host: api } }] }
    - { match: [{ uri: { prefix: /api/ } }, { uri: { regex: \"/v[0-9]+\" } }], route: [{ destination: { host: api } }] }
    - { match: [{ headers: { x-canary: { exact: \"yes\" } } }, { queryParams: { trial: { exact: \"1\" } } }], route: [{ destination: { host: api } }] }
    - { match: [{ method: { exact: DELETE } }, { uri: { prefix: /CASE }, ignoreUriCase: true }], route: [{ destination: { host: api } }] }
    - { match: [{ uri: { prefix: /no-bots }, withoutHeaders: { x-bot: {} } }], route: [{ destination: { host: api } }] }
    - { route: [{ destination: { host: web } }] }";
    let site = Site::plain(routes, &[("web", &[web.address]), ("api", &[api.address])]);
    let _gateway = site.start(&envoy);
    for (request, headers, expected) in [
        ("GET /", "", "web"),
        ("GET /exact", "", "api"),
        ("GET /exact/", "", "web"),
        ("GET /api/x", "", "api"),
        ("GET /api", "", "web"),
        ("GET /v12", "", "api"),
        ("GET /v12/x", "", "web"),
        ("GET /", "X-Canary: yes\r\n", "api"),
        ("GET /", "X-Canary: yes!\r\n", "web"),
        ("GET /?trial=1", "", "api"),
        ("GET /?trial=2", "", "web"),
        ("DELETE /", "", "api"),
        ("GET /case/x", "", "api"),
        ("GET /no-bots", "", "api"),
        ("GET /no-bots", "X-Bot: 1\r\n", "web"),
    ] {
        let response = ask(site.at, request, HOST, headers);
        assert_eq!((response.status, response.backend()), (200, expected), "{request} {headers}");
    }
    assert_eq!(get(site.at, "other.example.com", "/").status, 404);
    assert_eq!(get(site.at, "SHOP.example.com:8080", "/").status, 200, "neither case nor port is the host's");
}

#[test]
fn headers_paths_and_hosts_change_on_the_way() {
    let Some(envoy) = envoy() else { return };
    let web = Backend::new("web");
    let routes = "
    - match: [{ uri: { prefix: /old/ } }]
      redirect: { uri: /new, authority: www.example.com, scheme: https, redirectCode: 308 }
    - match: [{ uri: { prefix: /moved } }]
      redirect: { prefixRewrite: /here, port: 8443 }
    - match: [{ uri: { prefix: /api/ } }]
      rewrite: { uri: /inner/, authority: web.internal }
      route: [{ destination: { host: web } }]
    - match: [{ uri: { exact: /one } }]
      rewrite: { uri: /other }
      route: [{ destination: { host: web } }]
    - match: [{ uri: { prefix: /users/ } }]
      rewrite: { uriRegexRewrite: { match: \"^/users/([^/]+)(.*)$\", rewrite: '\\2/of/\\1' } }
      route: [{ destination: { host: web } }]
    - match: [{ uri: { exact: /healthz } }]
      directResponse: { status: 202, body: { string: fine } }
      headers: { response: { set: { x-health: good } } }
    - route:
        - destination: { host: web }
          headers: { request: { set: { x-of: destination } } }
      headers:
        request: { add: { x-edge: '1' }, set: { x-set: new }, remove: [x-internal] }
        response: { add: { x-served: '3' }, set: { x-backend: hidden }, remove: [x-inner] }";
    let site = Site::plain(routes, &[("web", &[web.address])]);
    let _gateway = site.start(&envoy);
    let to = |path: &str| {
        let response = get(site.at, HOST, path);
        (response.status, response.header("location").to_owned())
    };
    assert_eq!(to("/old/x"), (308, "https://www.example.com/new".to_owned()));
    assert_eq!(to("/moved/x?a=b"), (301, "http://shop.example.com:8443/here/x?a=b".to_owned()));
    let first_line = |path: &str| get(site.at, HOST, path).body.lines().next().unwrap_or_default().to_owned();
    assert_eq!(first_line("/api/x?a=b"), "GET /inner/x?a=b HTTP/1.1");
    assert!(get(site.at, HOST, "/api/x").body.contains("host: web.internal"));
    assert_eq!(first_line("/one?a=b"), "GET /other?a=b HTTP/1.1");
    assert_eq!(first_line("/users/ann/cart"), "GET /cart/of/ann HTTP/1.1");
    let health = get(site.at, HOST, "/healthz");
    assert_eq!((health.status, health.body.as_str(), health.header("x-health")), (202, "fine", "good"));
    let response = ask(
        site.at,
        "GET /",
        HOST,
        "X-Internal: 1\r\nX-Set: old\r\nX-Edge: 0\r\nX-Forwarded-For: 10.1.1.1\r\n",
    );
    let head = &response.body;
    assert!(
        head.contains("x-edge: 0") && head.contains("x-edge: 1") || head.contains("x-edge: 0,1"),
        "{head}"
    );
    assert!(head.contains("x-set: new") && head.contains("x-of: destination"), "{head}");
    assert!(!head.contains("old") && !head.contains("x-internal"), "{head}");
    assert_eq!(
        (response.header("x-served"), response.backend(), response.header("x-inner")),
        ("3", "hidden", "")
    );
}

#[test]
fn routes_of_several_objects_for_one_host_are_all_reached() {
    let Some(envoy) = envoy() else { return };
    let (web, api) = (Backend::new("web"), Backend::new("api"));
    let mut site = Site::plain(
        "[{ route: [{ destination: { host: web } }] }]",
        &[("web", &[web.address]), ("api", &[api.address])],
    );
    site.add(
        "
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: { name: shop-api }
spec:
  hosts: [shop.example.com]
  gateways: [edge]
  http: [{ match: [{ uri: { prefix: /api/ } }], route: [{ destination: { host: api } }] }]
",
    );
    let _gateway = site.start(&envoy);
    assert_eq!(get(site.at, HOST, "/").backend(), "web");
    assert_eq!(get(site.at, HOST, "/api/x").backend(), "api", "one that takes all comes last, as in Istio");
}

#[test]
fn an_answer_of_the_gateway_may_be_large() {
    let Some(envoy) = envoy() else { return };
    let text = "x".repeat(20_000);
    let site =
        Site::plain(&format!("[{{ directResponse: {{ status: 200, body: {{ string: {text} }} }} }}]"), &[]);
    let _gateway = site.start(&envoy);
    assert_eq!(get(site.at, HOST, "/").body, text);
}

#[test]
fn weights_split_and_mirrors_copy() {
    let Some(envoy) = envoy() else { return };
    let (one, two, copy) = (Backend::new("v1"), Backend::new("v2"), Backend::new("copy"));
    let routes = "
    - mirrors: [{ destination: { host: copy } }]
      route:
        - { destination: { host: web, subset: v1 }, weight: 80 }
        - { destination: { host: web, subset: v2 }, weight: 20 }";
    let mut site = Site::plain(routes, &[("web", &[one.address, two.address]), ("copy", &[copy.address])]);
    site.add(
        "
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: { name: web }
spec:
  host: web
  subsets: [{ name: v1, labels: { version: v1 } }, { name: v2, labels: { version: v2 } }]
",
    );
    let _gateway = site.start(&envoy);
    for _ in 0..1_000 {
        assert_eq!(get(site.at, HOST, "/").status, 200);
    }
    let (one, two) = (one.seen().len(), two.seen().len());
    // five standard deviations of 1,000 draws of 20 %
    assert!(one + two == 1_000 && (137..=263).contains(&two), "{one} {two}");
    for _ in 0..100 {
        if copy.seen().len() == 1_000 {
            break;
        }
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    let copies = copy.seen();
    assert_eq!(copies.len(), 1_000);
    assert!(copies[0].contains("host: shop.example.com-shadow"), "{}", copies[0]);
}

#[test]
fn a_service_of_another_namespace_is_spoken_to_by_its_own_protocol() {
    let Some(envoy) = envoy() else { return };
    let first = |app_protocol: Option<&str>| -> Vec<u8> {
        let listener = TcpListener::bind("127.0.79.5:0").unwrap();
        let host = "pay.other.svc.cluster.local";
        let mut site = Site::plain(&format!("[{{ route: [{{ destination: {{ host: {host} }} }}] }}]"), &[]);
        site.endpoints(host, 9000, &[listener.local_addr().unwrap()]);
        if let Some(protocol) = app_protocol {
            site.speaks(protocol);
        }
        let plain = format!("{{ host: {host}, trafficPolicy: {{ tls: {{ mode: DISABLE }} }} }}");
        site.add(&networking("DestinationRule", "pay", &plain));
        let _gateway = site.start(&envoy);
        let read = std::thread::spawn(move || {
            let mut bytes = vec![0; PREFACE.len()];
            listener.accept().unwrap().0.read_exact(&mut bytes).unwrap();
            bytes
        });
        // whoever is called closes the connection
        assert_eq!(get(site.at, HOST, "/pay.Pay/Now").status, 503);
        read.join().unwrap()
    };
    assert_eq!(first(Some("grpc")), PREFACE);
    assert_eq!(first(None), b"GET /pay.Pay/Now HTTP/1.1\r\n"[..PREFACE.len()]);
}

#[test]
fn a_hash_keeps_a_client_at_its_backend() {
    let Some(envoy) = envoy() else { return };
    let backends = [Backend::new("1"), Backend::new("2"), Backend::new("3")];
    let addresses: Vec<_> = backends.iter().map(|one| one.address).collect();
    let mut site = Site::plain("[{ route: [{ destination: { host: web } }] }]", &[("web", &addresses)]);
    site.add(
        "
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: { name: web }
spec: { host: web, trafficPolicy: { loadBalancer: { consistentHash: { httpHeaderName: x-user, maglev: {} } } } }
",
    );
    let _gateway = site.start(&envoy);
    let of = |user: usize| ask(site.at, "GET /", HOST, &format!("X-User: {user}\r\n")).backend().to_owned();
    let all: Vec<String> = (0..20).map(of).collect();
    assert_eq!((0..20).map(of).collect::<Vec<_>>(), all);
    for backend in ["1", "2", "3"] {
        assert!(all.iter().any(|one| one == backend), "{all:?}");
    }
}

#[test]
fn pages_of_other_origins_ask_first() {
    let Some(envoy) = envoy() else { return };
    let web = Backend::new("web");
    let routes = "
    - corsPolicy:
        allowOrigins: [{ exact: 'https://a.example.com' }]
        allowMethods: [GET, PUT]
        exposeHeaders: [x-backend]
        maxAge: 10m
        allowCredentials: true
      route: [{ destination: { host: web } }]";
    let site = Site::plain(routes, &[("web", &[web.address])]);
    let _gateway = site.start(&envoy);
    let preflight = |origin: &str| {
        let headers = format!("Origin: {origin}\r\nAccess-Control-Request-Method: PUT\r\n");
        ask(site.at, "OPTIONS /", HOST, &headers)
    };
    let answer = preflight("https://a.example.com");
    assert_eq!((answer.status, answer.backend()), (200, ""), "the gateway answers itself");
    for (name, value) in [
        ("access-control-allow-origin", "https://a.example.com"),
        ("access-control-allow-methods", "GET,PUT"),
        ("access-control-max-age", "600"),
        ("access-control-allow-credentials", "true"),
    ] {
        assert_eq!(answer.header(name), value, "{name}");
    }
    let other = preflight("https://b.example.com");
    assert_eq!((other.backend(), other.header("access-control-allow-origin")), ("web", ""));
    let page = ask(site.at, "GET /", HOST, "Origin: https://a.example.com\r\n");
    assert_eq!((page.backend(), page.header("access-control-expose-headers")), ("web", "x-backend"));
}

#[test]
fn faults_are_made_for_the_requests_that_are_named() {
    let Some(envoy) = envoy() else { return };
    let web = Backend::new("web");
    let routes = "
    - match: [{ headers: { x-test: { exact: slow } } }]
      fault: { delay: { percentage: { value: 100 }, fixedDelay: 400ms } }
      route: [{ destination: { host: web } }]
    - match: [{ headers: { x-test: { exact: fail } } }]
      fault: { abort: { percentage: { value: 100 }, httpStatus: 418 } }
      route: [{ destination: { host: web } }]
    - fault: { abort: { httpStatus: 500 } }
      route: [{ destination: { host: web } }]";
    let site = Site::plain(routes, &[("web", &[web.address])]);
    let _gateway = site.start(&envoy);
    let status = |headers: &str| ask(site.at, "GET /", HOST, headers).status;
    assert_eq!((status(""), status("X-Test: fail\r\n")), (200, 418), "no share is nobody's");
    let start = std::time::Instant::now();
    assert_eq!(status("X-Test: slow\r\n"), 200);
    assert!(start.elapsed().as_millis() > 300, "{:?}", start.elapsed());
}
