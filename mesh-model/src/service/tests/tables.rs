//! Tables: who asks, what answers, each field of a Service and what it changes.

use std::net::IpAddr;
use std::time::Duration;

use serde_json::json;

use super::*;
use crate::api::IpFamily;
use crate::names::{DrainState, DrainTransmit};
use crate::time::Time;

fn asked(claims: &Claims) -> Vec<String> {
    let one = |claim: &crate::vip::Claim| {
        let ports: Vec<String> = claim.ports.iter().map(ToString::to_string).collect();
        format!("{} {}", claim.key, ports.join(","))
    };
    claims.claims.iter().map(one).collect()
}

#[test]
fn who_asks_for_which_ports() {
    let ports = json!({ "ports": [{ "port": 443 }, { "name": "quic", "port": 443, "protocol": "UDP" }] });
    let mut world = World {
        access_points: vec![
            access_point("till", "{}"),
            access_point("web", "{ scope: all }"),
            access_point("mute", "{}"),
        ],
        services: vec![
            of("till", service("till", ports.clone())),
            service("dns", json!({ "ports": [{ "port": 53, "protocol": "UDP" }] })),
            of("left", service("left", ports.clone())),
            service(
                "cloud",
                json!({ "ports": [{ "port": 1 }], "loadBalancerClass": "cloud.example.com/lb" }),
            ),
            service("inside", json!({ "ports": [{ "port": 1 }], "type": "ClusterIP" })),
            service("going", ports),
        ],
        gateways: vec![gateway("web", &[443, 80]), gateway("till", &[8443])],
        ..World::default()
    };
    world.services[5]["metadata"]["deletionTimestamp"] = json!("2026-11-26T09:00:00Z");
    let found = world.claims();
    assert_eq!(
        asked(&found),
        ["shop/dns@slc-a-1 53/udp", "shop/till@slc-a-1 443/tcp,443/udp", "shop/web 80/tcp,443/tcp"]
    );
    assert!(found.is_complete);
    assert_eq!(
        problems(&found.problems),
        [
            "shop/mute: it asks for an address and has neither a Service of type LoadBalancer nor a Gateway on this target"
        ]
    );
    let strict = Settings { is_default: false, ..Settings::default() };
    let target = target();
    assert_eq!(
        asked(&claims(&world.observed(&target), &strict)),
        ["shop/till@slc-a-1 8443/tcp", "shop/web 80/tcp,443/tcp"],
        "no Service names our class"
    );
}

/// What a plain Service asks for, or what is wrong with that.
fn request(annotations: Value, spec: Value) -> Result<crate::access_point::VipRequest, String> {
    let mut object = service("dns", spec);
    object["metadata"]["annotations"] = annotations;
    object["spec"]["ports"] = json!([{ "port": 53 }]);
    let found = World { services: vec![object], ..World::default() }.claims();
    match &found.claims[..] {
        [claim] => Ok(claim.request.clone()),
        _ => Err(problems(&found.problems).concat()),
    }
}

/// The older field asks for the same, and does not contradict what is said elsewhere.
#[test]
fn an_address_may_be_asked_for_by_the_older_field() {
    let old = |annotation: &str, field: &str| {
        let annotations =
            if annotation.is_empty() { json!({}) } else { json!({ ADDRESSES_ANNOTATION: annotation }) };
        request(annotations, json!({ "loadBalancerIP": field }))
            .map(|request| request.addresses.iter().map(ToString::to_string).collect::<Vec<_>>())
    };
    assert_eq!(old("", "203.0.113.9").unwrap(), ["203.0.113.9"]);
    assert_eq!(old("", "").unwrap(), [""; 0]);
    assert_eq!(old("203.0.113.9,2001:db8::9", "2001:db8::9").unwrap(), ["203.0.113.9", "2001:db8::9"]);
    assert!(
        old("203.0.113.9", "203.0.113.8")
            .unwrap_err()
            .starts_with("shop/dns: spec.loadBalancerIP: `203.0.113.8` is not possible; write one of")
    );
    assert!(
        old("", "edge").unwrap_err().starts_with("shop/dns: spec.loadBalancerIP: `edge` is not possible")
    );
    let mut of_till =
        of("till", service("till", json!({ "ports": [{ "port": 53 }], "loadBalancerIP": "203.0.113.8" })));
    for (vip, is_told) in [("{}", true), ("{ scope: all, addresses: [203.0.113.8] }", false)] {
        let found = World {
            access_points: vec![access_point("till", vip)],
            services: vec![of_till.clone()],
            ..World::default()
        }
        .claims();
        assert_eq!(!found.problems.is_empty(), is_told, "{vip}");
    }
    of_till["spec"]["loadBalancerIP"] = json!("");
    assert_eq!(
        World {
            access_points: vec![access_point("till", "{}")],
            services: vec![of_till],
            ..World::default()
        }
        .claims()
        .problems,
        []
    );
}

#[test]
fn what_a_service_may_ask_for() {
    let (v4, v6) = (IpFamily::Ipv4, IpFamily::Ipv6);
    for (policy, families, expected) in [
        ("SingleStack", json!(["IPv6"]), vec![v6]),
        ("PreferDualStack", json!(["IPv4", "IPv6"]), vec![]),
        ("RequireDualStack", json!(["IPv6", "IPv4"]), vec![v6, v4]),
        ("RequireDualStack", json!(["IPv6"]), vec![v6, v4]),
        ("RequireDualStack", json!([]), vec![v4, v6]),
    ] {
        let spec = json!({ "ipFamilyPolicy": policy, "ipFamilies": families });
        assert_eq!(request(json!({}), spec).unwrap().families, expected, "{policy} {families}");
    }
    let all = request(json!({ ADDRESSES_ANNOTATION: "203.0.113.9, 2001:db8::9", POOL_ANNOTATION: "public", SHARING_ANNOTATION: "dns" }), json!({})).unwrap();
    assert_eq!(all.addresses, ["203.0.113.9".parse::<IpAddr>().unwrap(), "2001:db8::9".parse().unwrap()]);
    assert_eq!((all.pool.unwrap().as_str(), all.isolation_group.unwrap().as_str()), ("public", "shop"));
    for (field, found) in [
        (ADDRESSES_ANNOTATION, "203.0.113.300"),
        (ADDRESSES_ANNOTATION, "203.0.113.1,203.0.113.2"),
        (POOL_ANNOTATION, "Public"),
        (SHARING_ANNOTATION, ""),
    ] {
        let refused = request(json!({ field: found }), json!({})).unwrap_err();
        let last = found.rsplit(',').next().unwrap();
        assert!(
            refused.starts_with(&format!("shop/dns: {field}: `{last}` is not possible; write ")),
            "{refused}"
        );
    }
}

#[test]
fn one_owner_has_an_address_and_one_object_a_port_of_it() {
    let ports = json!({ "ports": [{ "port": 443 }] });
    let world = World {
        access_points: vec![access_point("till", "{}"), access_point("web", "{}")],
        services: vec![
            service("till", ports.clone()),
            of("till", service("b", ports.clone())),
            of("till", service("a", ports)),
        ],
        gateways: vec![gateway("web", &[443, 443])],
        ..World::default()
    };
    let found = world.claims();
    assert_eq!(asked(&found), ["shop/till@slc-a-1 443/tcp", "shop/web@slc-a-1 443/tcp"]);
    assert_eq!(
        problems(&found.problems),
        [
            "shop/b: 443/tcp of this access point is served by `shop/a` already; write another port",
            "shop/till: `shop/till` is an access point, and an address has one owner; give the Service another name, or the access point a Service of type LoadBalancer",
        ]
    );
}

#[test]
fn each_condition_of_an_endpoint_and_what_it_may_be_given() {
    let table = [
        (json!({}), "10.1.0.1"),
        (json!({ "ready": null }), "10.1.0.1"),
        (json!({ "ready": true, "serving": true, "terminating": false }), "10.1.0.1"),
        // publishNotReadyAddresses says ready of everybody
        (json!({ "ready": true, "serving": true, "terminating": true }), "10.1.0.1"),
        (json!({ "ready": false, "serving": false, "terminating": false }), "10.1.0.1 drain"),
        (json!({ "ready": false }), "10.1.0.1 drain"),
        (json!({ "ready": false, "serving": true, "terminating": true }), "10.1.0.1 drain"),
        (json!({ "ready": false, "serving": false, "terminating": true }), ""),
    ];
    for (conditions, expected) in table {
        let world = World {
            services: vec![service("dns", json!({ "ports": [{ "port": 53 }] }))],
            slices: vec![
                slice("dns", 53, &[("10.1.0.1", conditions.clone(), "n1"), ("10.1.0.2", json!({}), "n2")]),
                slice("other", 53, &[("10.1.0.3", json!({}), "n3")]),
            ],
            ..World::default()
        };
        let plan = world.plan(&[held("shop/dns@slc-a-1", &["203.0.113.1"])], &Settings::default());
        let first = if expected.is_empty() { String::new() } else { format!("{expected}, ") };
        assert_eq!(lines(&plan), [format!("203.0.113.1:53 {first}10.1.0.2")], "{conditions}");
    }
}

#[test]
fn those_that_leave_serve_on_where_nobody_is_ready() {
    let leaving = json!({ "ready": false, "serving": true, "terminating": true });
    let unready = json!({ "ready": false, "serving": false, "terminating": false });
    let world = |extra: Option<Value>| World {
        services: vec![service("dns", json!({ "ports": [{ "port": 53 }] }))],
        slices: vec![slice(
            "dns",
            53,
            &[("10.1.0.1", leaving.clone(), "n1"), ("10.1.0.2", unready.clone(), "n2")],
        )]
        .into_iter()
        .chain(extra)
        .collect(),
        ..World::default()
    };
    let held = [held("shop/dns@slc-a-1", &["203.0.113.1"])];
    assert_eq!(
        lines(&world(None).plan(&held, &Settings::default())),
        ["203.0.113.1:53 10.1.0.1, 10.1.0.2 drain"]
    );
    // the same pod in two slices: the better word counts
    let again = slice("dns", 53, &[("10.1.0.2", json!({}), "n2")]);
    assert_eq!(
        lines(&world(Some(again)).plan(&held, &Settings::default())),
        ["203.0.113.1:53 10.1.0.1 drain, 10.1.0.2"]
    );
}

#[test]
fn both_families_of_an_address_have_backends_of_their_own() {
    let dual = |slices: Vec<Value>| World {
        services: vec![service("dns", json!({ "ports": [{ "port": 53 }] }))],
        slices,
        ..World::default()
    };
    let held = [held("shop/dns@slc-a-1", &["203.0.113.1", "2001:db8::1"])];
    let v4 = slice("dns", 53, &[("10.1.0.1", json!({}), "n1")]);
    let v6 = slice("dns", 53, &[("fd00::1", json!({}), "n1")]);
    let both = dual(vec![v4.clone(), v6]).plan(&held, &Settings::default());
    assert_eq!(lines(&both), ["203.0.113.1:53 10.1.0.1", "2001:db8::1:53 fd00::1"]);
    let one = dual(vec![v4]).plan(&held, &Settings::default());
    assert_eq!(lines(&one), ["203.0.113.1:53 10.1.0.1"]);
    assert_eq!(
        problems(&one.problems),
        [
            "shop/dns: no endpoint is of the family of 2001:db8::1; give the pods addresses of it, or ask for the other family alone"
        ]
    );
    let none = dual(Vec::new()).plan(&held, &Settings::default());
    assert_eq!(
        (lines(&none), none.problems),
        (vec!["203.0.113.1:53 ".into(), "2001:db8::1:53 ".into()], vec![]),
        "a service without pods is one that drops"
    );
}

#[test]
fn a_pod_that_answers_directly_has_the_services_port() {
    for (target, slice_port, expected) in [
        (json!(8080), 8080, Some(8080)),
        (json!("web"), 8081, Some(8081)),
        (json!(80), 80, None),
        (json!("web"), 80, None),
    ] {
        let world = World {
            services: vec![service("web", json!({ "ports": [{ "port": 80, "targetPort": target }] }))],
            slices: vec![slice("web", slice_port, &[("10.1.0.1", json!({}), "n1")])],
            ..World::default()
        };
        let plan = world.plan(&[held("shop/web@slc-a-1", &["203.0.113.1"])], &Settings::default());
        let found = plan.problems.first().map(|one| one.problem.clone());
        assert_eq!(found, expected.map(|target| Problem::PortRewritten { port: 80, target }));
        assert_eq!(lines(&plan).len(), usize::from(expected.is_none()));
    }
}

/// A port by name has two numbers while a revision of the pods is rolled out: those that have the Service's serve.
#[test]
fn endpoints_that_cannot_serve_are_left_out_and_told() {
    let world = World {
        services: vec![
            service("web", json!({ "ports": [{ "port": 80, "targetPort": "web" }] })),
            service("odd", json!({ "ports": [{ "port": 80 }] })),
        ],
        slices: vec![
            slice("web", 80, &[("10.1.0.1", json!({}), "n1")]),
            slice("web", 8080, &[("10.1.0.2", json!({}), "n1")]),
            slice(
                "odd",
                80,
                &[
                    ("10.1.0.3", json!({}), "n1"),
                    ("127.0.0.1", json!({}), "n1"),
                    ("203.0.113.1", json!({}), "n1"),
                ],
            ),
        ],
        ..World::default()
    };
    let held = [held("shop/web@slc-a-1", &["203.0.113.1"]), held("shop/odd@slc-a-1", &["203.0.113.2"])];
    let plan = world.plan(&held, &Settings::default());
    assert_eq!(lines(&plan), ["203.0.113.2:80 10.1.0.3", "203.0.113.1:80 10.1.0.1"]);
    let found: Vec<Problem> = plan.problems.into_iter().map(|one| one.problem).collect();
    let no_host = |text: &str| Problem::NoHost { address: text.parse().unwrap() };
    assert_eq!(
        found,
        [no_host("127.0.0.1"), no_host("203.0.113.1"), Problem::PortRewritten { port: 80, target: 8080 }]
    );
}

#[test]
fn nodes_are_chosen_by_the_traffic_policy() {
    let node = |name: &str, address: &str, is_ready| Node {
        name: name.into(),
        addresses: vec![address.parse().unwrap()],
        is_ready,
    };
    let leaving = json!({ "ready": false, "serving": true, "terminating": true });
    let world = |spec: Value| World {
        services: vec![service("web", spec)],
        slices: vec![slice(
            "web",
            8080,
            &[
                ("10.1.0.1", json!({}), "n1"),
                ("10.1.0.2", json!({}), "n1"),
                ("10.1.0.3", leaving.clone(), "n1"),
                ("10.1.0.4", leaving.clone(), "n2"),
                ("10.1.0.5", json!({}), "n4"),
            ],
        )],
        nodes: vec![
            node("n1", "10.0.0.1", true),
            node("n2", "10.0.0.2", true),
            node("n3", "10.0.0.3", true),
            node("n4", "10.0.0.4", false),
        ],
        ..World::default()
    };
    let settings = Settings { backends: Backends::Nodes, ..Settings::default() };
    let held = [held("shop/web@slc-a-1", &["203.0.113.1"])];
    let ports = json!([{ "port": 80, "targetPort": 8080 }]);
    let all = world(json!({ "ports": ports })).plan(&held, &settings);
    assert_eq!(lines(&all), ["203.0.113.1:80 10.0.0.1, 10.0.0.2, 10.0.0.3, 10.0.0.4 drain"]);
    assert_eq!(all.services.values().flatten().next().unwrap().health, None);
    let local =
        world(json!({ "ports": ports, "externalTrafficPolicy": "Local", "healthCheckNodePort": 31000 }))
            .plan(&held, &settings);
    assert_eq!(
        lines(&local),
        ["203.0.113.1:80 10.0.0.1x2, 10.0.0.2 drain, 10.0.0.4 drain"],
        "by their pods that take new flows"
    );
    let health = local.services.values().flatten().next().unwrap().health.clone();
    assert_eq!(
        serde_json::to_value(health).unwrap(),
        json!({ "check": { "kind": "http", "port": 31000, "path": "/healthz" } })
    );
    let early = world(json!({ "ports": ports, "externalTrafficPolicy": "Local" })).plan(&held, &settings);
    assert_eq!(early.problems[0].problem, Problem::NoHealthCheckNodePort);
    // where pods are the backends the policy says nothing: the client's address is seen anyway
    let pods = json!({ "ports": [{ "port": 8080 }], "externalTrafficPolicy": "Local" });
    let plan = world(pods).plan(&held, &Settings::default());
    assert_eq!(
        lines(&plan),
        ["203.0.113.1:8080 10.1.0.1, 10.1.0.2, 10.1.0.3 drain, 10.1.0.4 drain, 10.1.0.5"]
    );
}

#[test]
fn affinity_and_the_path_are_settings_of_the_load_balancer() {
    let world = World {
        services: vec![service("web", json!({ "ports": [{ "port": 80 }], "sessionAffinity": "ClientIP" }))],
        slices: vec![slice("web", 80, &[("10.1.0.1", json!({}), "n1")])],
        ..World::default()
    };
    let forward = Forward { kind: ForwardKind::Gue, port: Some(6081) };
    let settings = Settings { forward, mtu: Some(9000), ..Settings::default() };
    let plan = world.plan(&[held("shop/web@slc-a-1", &["203.0.113.1"])], &settings);
    assert_eq!(
        plan.file(),
        json!({ "version": 1, "services": [{
        "vip": "203.0.113.1", "port": 80, "protocol": "tcp", "hashFields": ["proto", "src", "dst", "dport"],
        "forward": { "kind": "gue", "port": 6081 }, "mtu": 9000, "backends": [{ "address": "10.1.0.1" }] }] })
    );
    let text = serde_json::to_string(&plan.services.values().flatten().next()).unwrap();
    assert_eq!(
        serde_json::from_str::<Option<LbService>>(&text).unwrap().as_ref(),
        plan.services.values().flatten().next()
    );
}

#[test]
fn an_access_points_address_leads_to_the_pods_of_its_gateway() {
    let mut other = pod("10.1.0.9", Condition::Ready);
    other.labels.clear();
    let world = World {
        access_points: vec![access_point("web", "{}")],
        gateways: vec![gateway("web", &[443, 80])],
        pods: vec![pod("10.1.0.2", Condition::Leaving), pod("10.1.0.1", Condition::Ready), other],
        ..World::default()
    };
    let plan = world.plan(&[held("shop/web@slc-a-1", &["203.0.113.1"])], &Settings::default());
    assert_eq!(
        lines(&plan),
        ["203.0.113.1:80 10.1.0.1, 10.1.0.2 drain", "203.0.113.1:443 10.1.0.1, 10.1.0.2 drain"]
    );
}

#[test]
fn what_was_not_read_changes_nothing_and_what_leaves_goes_on_until_it_is_gone() {
    let world = World {
        access_points: vec![access_point("web", "{}")],
        services: vec![service("dns", json!({ "ports": [{ "port": 53 }] }))],
        slices: vec![slice("dns", 53, &[("10.1.0.1", json!({}), "n1")])],
        gateways: vec![gateway("web", &[443])],
        pods: vec![pod("10.1.0.2", Condition::Ready)],
        ..World::default()
    };
    let held = [held("shop/dns@slc-a-1", &["203.0.113.1"]), held("shop/web@slc-a-1", &["203.0.113.2"])];
    let (target, settings) = (target(), Settings::default());
    let all = world.observed(&target);
    let before = world.plan(&held, &settings);
    assert_eq!(lines(&before).len(), 2);
    let unread: [(&str, Observed<'_>); 5] = [
        ("services", Observed { services: None, ..all }),
        ("access points", Observed { access_points: None, ..all }),
        ("gateways", Observed { gateways: None, ..all }),
        ("slices", Observed { slices: None, ..all }),
        ("pods", Observed { pods: None, ..all }),
    ];
    for (what, observed) in unread {
        let claims = claims(&observed, &settings);
        let plan = configure(&claims, &held, &observed, &settings, &before.services, |_| false);
        assert_eq!(plan.services, before.services, "{what}");
        assert_eq!(claims.is_complete, ["slices", "pods"].contains(&what), "{what}");
    }
    let empty = World::default();
    let gone = claims(&empty.observed(&target), &settings);
    let leaving = |is_leaving: bool| {
        configure(&gone, &held, &empty.observed(&target), &settings, &before.services, |_| is_leaving)
            .services
    };
    assert_eq!((leaving(true), leaving(false)), (before.services, LbServices::new()));
}

#[test]
fn an_owner_leaves_name_first_and_address_last_and_may_come_back() {
    let key: ClaimKey = "shop/web@slc-a-1".parse().unwrap();
    let (wanted, nobody): (std::collections::BTreeSet<ClaimKey>, _) =
        ([key.clone()].into(), Default::default());
    let ttl = Some(Duration::from_secs(30));
    let at = Time::from_secs;
    let mut all = Withdrawals::default();
    let step = |all: &mut Withdrawals| all.poll_transmit().map(|one| one.what);
    all.handle_wanted(at(0), &wanted, true);
    all.handle_published(at(0), &key, ttl);
    all.handle_wanted(at(1), &nobody, false);
    assert_eq!(
        (step(&mut all), all.is_leaving(&key)),
        (None, true),
        "a list that is half read takes nobody away"
    );
    all.handle_wanted(at(2), &nobody, true);
    assert_eq!(step(&mut all), Some(DrainTransmit::WithdrawNames));
    all.handle_published(at(3), &key, None);
    assert_eq!((step(&mut all), all.poll_timeout()), (None, Some(at(33))));
    all.handle_timeout(at(32));
    assert_eq!(step(&mut all), None, "too early");
    all.handle_timeout(at(33));
    assert_eq!(step(&mut all), Some(DrainTransmit::WithdrawVip));
    assert_eq!(
        (all.is_leaving(&key), all.gone().count()),
        (true, 0),
        "load balancers go on until it is withdrawn"
    );
    all.handle_released(&key);
    assert!(all.is_leaving(&key), "nobody is forgotten before");
    let back = all.clone();
    all.handle_vip(at(34), &key, false);
    assert_eq!(
        (all.state(&key), all.is_leaving(&key), all.gone().count()),
        (Some(DrainState::Gone), false, 1)
    );
    all.handle_released(&key);
    assert_eq!(all.state(&key), None);
    let mut all = back;
    all.handle_wanted(at(34), &wanted, false);
    assert_eq!(step(&mut all), Some(DrainTransmit::AnnounceVip), "on the way back the address comes first");
    all.handle_vip(at(35), &key, true);
    assert_eq!(
        (step(&mut all), all.state(&key)),
        (Some(DrainTransmit::PublishNames), Some(DrainState::Serving))
    );
}

/// A controller that starts again in the middle of the wait finds no name and knows not since when.
#[test]
fn after_a_restart_in_the_wait_the_address_stays_as_long_as_names_may_be_remembered() {
    let key: ClaimKey = "shop/web@slc-a-1".parse().unwrap();
    let at = Time::from_secs;
    let mut all = Withdrawals::restarted(at(1_000), [key.clone()], Duration::from_secs(300));
    all.handle_wanted(at(1_000), &Default::default(), true);
    all.handle_published(at(1_001), &key, None);
    assert_eq!((all.state(&key), all.poll_timeout()), (Some(DrainState::Waiting), Some(at(1_300))));
    all.handle_timeout(at(1_299));
    let steps = |all: &mut Withdrawals| {
        std::iter::from_fn(|| all.poll_transmit()).map(|one| one.what).collect::<Vec<_>>()
    };
    assert!(!steps(&mut all).contains(&DrainTransmit::WithdrawVip));
    all.handle_timeout(at(1_300));
    assert_eq!(steps(&mut all), [DrainTransmit::WithdrawVip]);
}
