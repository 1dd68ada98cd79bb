//! Tests of gateway configuration: no field without an effect, isolation, rules, endpoints.
//!
//! That Envoy takes what is made here is tested with a real one in `overspill/tests/envoy`.

mod bound;
mod effect;
mod endpoints;
mod routes;
mod rules;
mod sharing;
mod text;

use serde_json::{Value, json};

use super::*;

const EVERYTHING: &str = include_str!("tests/everything.yaml");

fn objects(text: &str) -> Vec<Value> {
    text.split("\n---\n").map(|one| serde_saphyr::from_str(one).unwrap()).collect()
}

fn endpoints(host: &str, port: u32) -> HostEndpoints {
    let one = |number: u8, zone: &str, version: &str| Endpoint {
        address: format!("10.1.0.{number}:8080").parse().unwrap(),
        locality: Locality::new(zone),
        labels: [("version".to_owned(), version.to_owned())].into(),
        weight: 1,
        is_healthy: number != 2,
    };
    let endpoints = vec![
        one(1, "us-west/slc-a", "v1"),
        one(2, "us-west/slc-b", "v2"),
        one(3, "us-south/phx-a", "v2"),
        one(4, "us-north/rno-a", "v1"),
    ];
    HostEndpoints { host: host.to_owned(), port, endpoints }
}

fn web() -> Vec<HostEndpoints> {
    [80, 90, 5432].map(|port| endpoints("web.shop.svc.cluster.local", port)).into()
}

fn proxy() -> Proxy {
    Proxy {
        locality: Locality::new("us-west/slc-a"),
        labels: [
            ("istio".to_owned(), "ingressgateway".to_owned()),
            ("topology.kubernetes.io/region".to_owned(), "us-west".to_owned()),
        ]
        .into(),
        ..Proxy::default()
    }
}

fn id(text: &str) -> AccessPointId {
    let (namespace, name) = text.split_once('/').unwrap();
    AccessPointId { namespace: namespace.parse().unwrap(), name: name.parse().unwrap() }
}

fn input<'a>(
    name: &str,
    vip: &str,
    objects: &'a [Value],
    endpoints: &'a [HostEndpoints],
) -> GatewayInput<'a> {
    let vips = vec![vip.parse().unwrap()];
    GatewayInput { access_point: id(name), vips, objects, endpoints, rate_limit: None }
}

/// Everything that is supported, with changes.
fn configured(objects: &[Value]) -> Result<EnvoyConfig, Vec<Unsupported>> {
    configure(&proxy(), &[input("shop/edge", "203.0.113.10", objects, &web())]).whole()
}

/// A Gateway and a VirtualService of one host, and what differs from the simplest.
fn simple(host: &str, changes: &[(&str, Value)]) -> Vec<Value> {
    let mut all = vec![
        json!({ "apiVersion": "v1", "kind": "Service", "metadata": { "name": "web" },
            "spec": { "selector": { "app": "web" }, "ports": [{ "port": 80 }] } }),
        json!({ "apiVersion": "networking.istio.io/v1", "kind": "Gateway", "metadata": { "name": "edge" },
            "spec": { "servers": [{ "port": { "number": 80, "name": "http", "protocol": "HTTP" }, "hosts": [host] }] } }),
        json!({ "apiVersion": "networking.istio.io/v1", "kind": "VirtualService", "metadata": { "name": "shop" },
            "spec": { "hosts": [host], "gateways": ["edge"], "http": [{ "route": [{ "destination": { "host": "web" } }] }] } }),
    ];
    for (pointer, value) in changes {
        let (number, pointer) = pointer.split_once('/').unwrap();
        let object = &mut all[number.parse::<usize>().unwrap()];
        let (parent, key) = pointer.rsplit_once('/').unwrap();
        object.pointer_mut(&format!("/{parent}")).unwrap()[key] = value.clone();
    }
    all
}

/// What cannot be done, as lines.
fn refused(objects: &[Value]) -> Vec<String> {
    configured(objects).unwrap_err().iter().map(ToString::to_string).collect()
}

#[test]
fn a_host_is_on_its_own_address_only() {
    let (one, other) = (simple("a.example.com", &[]), simple("b.example.com", &[]));
    let web = [endpoints("web.shop.svc.cluster.local", 80)];
    let inputs = [input("shop/a", "203.0.113.10", &one, &web), input("shop/b", "203.0.113.11", &other, &web)];
    let config = configure(&proxy(), &inputs).whole().unwrap();
    for (name, vip, host) in
        [("shop/a", "203.0.113.10", "a.example.com"), ("shop/b", "203.0.113.11", "b.example.com")]
    {
        let listener = &config.listeners[&format!("{name}:80")];
        assert_eq!(listener["address"]["socket_address"]["address"], vip);
        let tables: Vec<&Value> = listener["filter_chains"]
            .as_array()
            .unwrap()
            .iter()
            .map(|chain| &chain["filters"][0]["typed_config"]["rds"]["route_config_name"])
            .collect();
        assert_eq!(tables, [&json!(format!("{name}:80"))]);
        let hosts = config.routes[&format!("{name}:80")]["virtual_hosts"].as_array().unwrap();
        assert_eq!(hosts.iter().map(|one| &one["domains"]).collect::<Vec<_>>(), [&json!([host])]);
        // not even the cluster of one and the same service is shared
        assert_eq!(
            hosts[0]["routes"][0]["route"]["cluster"],
            format!("{name}|80||web.shop.svc.cluster.local")
        );
    }
    assert_eq!((config.clusters.len(), config.endpoints.len()), (2, 2));
    // a port of an address is one's alone
    let inputs = [input("shop/a", "203.0.113.10", &one, &web), input("shop/b", "203.0.113.10", &other, &web)];
    let faults = configure(&proxy(), &inputs).whole().unwrap_err();
    let address = "203.0.113.10:80".parse().unwrap();
    assert_eq!(faults[0].feature, Feature::AddressTaken { address, owner: id("shop/a") });
    assert_eq!((faults.len(), &faults[0].access_point), (1, &id("shop/b")));
    let nowhere = GatewayInput { vips: Vec::new(), ..inputs[0].clone() };
    assert_eq!(configure(&proxy(), &[nowhere]).whole().unwrap_err()[0].feature, Feature::NoAddress);
}

#[test]
fn two_families_are_one_listener() {
    let objects = simple("a.example.com", &[]);
    let web = web();
    let mut given = input("shop/edge", "203.0.113.10", &objects, &web);
    given.vips.push("2001:db8::10".parse().unwrap());
    let config = configure(&proxy(), &[given]).whole().unwrap();
    let more = &config.listeners["shop/edge:80"]["additional_addresses"];
    assert_eq!(
        more,
        &json!([{ "address": { "socket_address": { "address": "2001:db8::10", "port_value": 80 } } }])
    );
}

#[test]
fn only_the_hosts_of_the_server_are_served() {
    let hosts = |server: Value, service: Value| -> Vec<String> {
        let objects = simple("x", &[("1/spec/servers/0/hosts", server), ("2/spec/hosts", service)]);
        let config = configured(&objects).unwrap();
        let hosts = config.routes["shop/edge:80"]["virtual_hosts"].as_array().unwrap().clone();
        hosts.iter().map(|one| one["domains"][0].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(hosts(json!(["*.example.com"]), json!(["a.example.com", "a.example.net"])), ["a.example.com"]);
    assert_eq!(hosts(json!(["a.example.com"]), json!(["*"])), ["a.example.com"]);
    assert_eq!(hosts(json!(["*.example.com"]), json!(["example.com", "xexample.com"])), [""; 0]);
    assert_eq!(hosts(json!(["shop/a.example.com", "other/b.example.com"]), json!(["*"])), ["a.example.com"]);
    // as in Istio: of each pair of a server's host and a route's host the narrower
    let (a, b) = ("a.example.com", "b.example.com");
    assert_eq!(hosts(json!([a, b]), json!(["*"])), [a, b]);
    assert_eq!(hosts(json!([a, "c.example.org", b]), json!(["*.example.com"])), [a, b]);
    assert_eq!(hosts(json!(["*.example.com", b]), json!([a])), [a]);
}

#[test]
fn what_is_not_supported_has_a_name() {
    let lines = |changes: &[(&str, Value)]| refused(&simple("a.example.com", changes));
    let cannot = "gateways here cannot do this";
    assert_eq!(
        lines(&[
            ("2/spec/http/0/fault", json!({ "abort": { "httpStatus": 503, "grpcStatus": "UNAVAILABLE" } })),
            ("2/spec/http/0/delegate", json!({ "name": "other" })),
            ("2/spec/http/0/mirror_percent", json!(1)),
            ("1/spec/servers/0/bind", json!("10.0.0.1")),
            ("2/spec/http/0/match", json!([{ "sourceLabels": { "a": "b" } }])),
        ]),
        [
            format!(
                "shop/edge: Gateway/edge/spec/servers/0/bind: {cannot}; the address is the access point's own"
            ),
            format!(
                "shop/edge: VirtualService/shop/spec/http/0/delegate: {cannot}; write the routes of the delegate here, each with a narrower match"
            ),
            "shop/edge: VirtualService/shop/spec/http/0/fault/abort: `httpStatus and grpcStatus` is not possible here; write httpStatus or grpcStatus".to_owned(),
            format!(
                "shop/edge: VirtualService/shop/spec/http/0/match/0/sourceLabels: {cannot}; only a sidecar knows whose call it is; match a header, or bind the routes to mesh alone"
            ),
            format!(
                "shop/edge: VirtualService/shop/spec/http/0/mirror_percent: {cannot}; remove it, or see the documents for what there is"
            ),
        ]
    );
}

#[test]
fn a_value_that_is_not_possible_is_told_with_what_would_be() {
    let lines = |changes: &[(&str, Value)]| refused(&simple("a.example.com", changes));
    for (pointer, value, expected) in [
        (
            "2/spec/http/0/timeout",
            json!("soon"),
            "/spec/http/0/timeout: `soon` is not possible here; write a duration such as 5s",
        ),
        (
            "2/spec/http/0/route/0/destination/host",
            json!("wbe"),
            "/spec/http/0/route/0/destination: nothing is known of port 0 of host wbe.shop.svc.cluster.local",
        ),
        (
            "2/spec/http/0/route/0/destination/subset",
            json!("v9"),
            "/spec/http/0/route/0/destination/subset: no DestinationRule of web.shop.svc.cluster.local has the subset v9",
        ),
        ("2/spec/gateways", json!(["edeg"]), "/spec/gateways/0: `edeg` is not possible here"),
        (
            "2/spec/http/0/headers",
            json!({ "request": { "set": { "Host": "x" } } }),
            "/spec/http/0/headers/request/set/Host: `Host`",
        ),
        (
            "1/spec/servers/0/tls",
            json!({ "mode": "AUTO_PASSTHROUGH" }),
            "/spec/servers/0/tls/mode: `AUTO_PASSTHROUGH`",
        ),
        ("1/spec/servers/0/port/protocol", json!("MONGO"), "/spec/servers/0/port/protocol: `MONGO`"),
        (
            "1/spec/servers/0/tls",
            json!({ "mode": "SIMPLE", "credentialName": "x" }),
            "/spec/servers/0/tls: `HTTP` is not possible here",
        ),
        ("1/spec/servers/0/hosts", json!("a"), "/spec: not as its schema says"),
        ("1/spec/servers/0/port/number", json!(65_536), "/spec/servers/0/port/number: `65536`"),
        (
            "2/spec/http/0/retries",
            json!({ "attempts": 1, "retryOn": "5xx,sometimes" }),
            "/spec/http/0/retries/retryOn: `sometimes`",
        ),
        (
            "2/spec/http/0/retries",
            json!({ "attempts": 1, "retryOn": "5xx,99" }),
            "/spec/http/0/retries/retryOn: `99`",
        ),
        ("2/spec/http/0/directResponse", json!({ "status": 99 }), "/spec/http/0/directResponse/status: `99`"),
        ("2/spec/http/0/corsPolicy", json!({ "maxAge": "1ms" }), "/spec/http/0/corsPolicy/maxAge: `1ms`"),
        ("2/spec/http/0/fault", json!({ "delay": {} }), "/spec/http/0/fault/delay/fixedDelay: "),
        (
            "2/spec/http/0/rewrite",
            json!({ "uri": "/", "uriRegexRewrite": { "match": "a", "rewrite": "b" } }),
            "/spec/http/0/rewrite: `uri and uriRegexRewrite`",
        ),
        (
            "2/spec/http/0/directResponse",
            json!({ "status": 200, "body": { "string": "x".repeat((1 << 20) + 1) } }),
            "/spec/http/0/directResponse/body/string: `a body of 1048577 bytes`",
        ),
    ] {
        let lines = lines(&[(pointer, value)]);
        assert!(lines.iter().any(|line| line.contains(expected)), "{expected}: {lines:?}");
    }
}

#[test]
fn two_servers_of_one_port_have_names_of_their_own() {
    let server = |hosts: Value, protocol: &str, mode: &str| {
        let tls = json!({ "mode": mode, "credentialName": "a" });
        json!({ "port": { "number": 443, "name": "x", "protocol": protocol }, "hosts": hosts, "tls": tls })
    };
    let both = |one: Value, other: Value| {
        let mut all = simple("a.example.com", &[("1/spec/servers", json!([one, other]))]);
        all[2]["spec"]["tls"] = json!([{ "match": [{ "sniHosts": ["a.example.com"] }], "route": [{ "destination": { "host": "web" } }] }]);
        configured(&all).map_err(|faults| faults.iter().map(ToString::to_string).collect::<Vec<_>>())
    };
    let a = || server(json!(["a.example.com"]), "HTTPS", "SIMPLE");
    assert!(both(a(), server(json!(["*.example.com"]), "HTTPS", "SIMPLE")).is_ok());
    for (other, name) in [
        (server(json!(["b.example.com", "a.example.com"]), "HTTPS", "SIMPLE"), "a.example.com"),
        (server(json!(["./a.example.com"]), "TLS", "PASSTHROUGH"), "a.example.com"),
    ] {
        let faults = both(a(), other).unwrap_err();
        assert!(faults[0].contains("/spec/servers/1/hosts") && faults[0].contains(name), "{faults:?}");
    }
    let all = || server(json!(["*"]), "HTTPS", "SIMPLE");
    assert!(both(all(), all()).unwrap_err()[0].contains("/spec/servers/1/hosts"));
    // a certificate is chosen by whole labels
    let faults = both(a(), server(json!(["*-b.example.com"]), "HTTPS", "SIMPLE")).unwrap_err();
    assert!(faults[0].contains("`*-b.example.com` is not possible here"), "{faults:?}");
}

#[test]
fn secrets_are_of_the_own_namespace_only() {
    let tls = |name: &str| json!({ "mode": "SIMPLE", "credentialName": name });
    let https = |name: &str| {
        simple(
            "a.example.com",
            &[("1/spec/servers/0/port/protocol", json!("HTTPS")), ("1/spec/servers/0/tls", tls(name))],
        )
    };
    let config = configured(&https("shop-cert")).unwrap();
    assert!(config.secrets.contains("kubernetes://shop/shop-cert"), "{:?}", config.secrets);
    for name in ["bank/key", "kubernetes://bank/key", "Key", "key_1"] {
        assert!(refused(&https(name))[0].contains("of the access point's own namespace"), "{name}");
    }
}

/// The filters of the first listener, and what the first route fills them with.
fn filters(policy: Value) -> Result<(Value, Value), Vec<Unsupported>> {
    let mut objects = simple("a.example.com", &[]);
    objects.push(json!({ "apiVersion": "security.istio.io/v1", "kind": "AuthorizationPolicy", "metadata": { "name": "rule" }, "spec": policy }));
    let config = configured(&objects)?;
    let manager = &config.listeners["shop/edge:80"]["filter_chains"][0]["filters"][0]["typed_config"];
    let route = &config.routes["shop/edge:80"]["virtual_hosts"][0]["routes"][0];
    Ok((manager["http_filters"].clone(), route["typed_per_filter_config"].clone()))
}

#[test]
fn admin_only_from_inside_by_the_address_of_the_connection() {
    let filters = filters(json!({
        "selector": { "matchLabels": { "app": "web" } }, "action": "DENY",
        "rules": [{
            "from": [{ "source": { "notRemoteIpBlocks": ["10.0.0.0/8", "2001:db8::/32"] } }],
            "to": [{ "operation": { "paths": ["*/admin"] } }],
        }],
    }));
    let outside = json!({ "or_ids": { "ids": [
        { "direct_remote_ip": { "address_prefix": "10.0.0.0", "prefix_len": 8 } },
        { "direct_remote_ip": { "address_prefix": "2001:db8::", "prefix_len": 32 } },
    ] } });
    let rules = json!({ "action": "DENY", "policies": { "rule/0": {
        "permissions": [{ "url_path": { "path": { "suffix": "/admin" } } }],
        "principals": [{ "not_id": outside }],
    } } });
    let (filters, route) = filters.unwrap();
    assert_eq!(route["overspill.pods.deny"]["rbac"]["rules"], rules);
    let names: Vec<&Value> = filters.as_array().unwrap().iter().map(|one| &one["name"]).collect();
    let expected = ["overspill.pods.deny", "overspill.pods.allow", "envoy.filters.http.router"];
    assert_eq!(names, expected, "nothing passes the rule by");
}

#[test]
fn rules_are_enforced_by_whom_they_are_for() {
    let selector = json!({ "matchLabels": { "app": "web" } });
    let inside = json!([{ "source": { "remoteIpBlocks": ["10.0.0.0/8"] } }]);
    let identity = json!([{ "source": { "principals": ["cluster.local/ns/a/sa/b"] } }]);
    let actions = |policy: Value| -> Vec<String> {
        let (filters, route) = filters(policy).unwrap();
        let of_gateway = filters.as_array().unwrap().iter().map(|one| ("gateway", &one["typed_config"]));
        let of_pods = route.as_object().into_iter().flatten().map(|(_, one)| ("pods", &one["rbac"]));
        let action =
            |(whose, rules): (&str, &Value)| Some(format!("{whose} {}", rules["rules"]["action"].as_str()?));
        of_gateway.chain(of_pods).filter_map(action).collect()
    };
    // identities are the sidecars' to check, addresses the gateway's
    assert_eq!(actions(json!({ "selector": selector, "rules": [{ "from": identity }] })), [""; 0]);
    assert_eq!(actions(json!({ "selector": selector, "rules": [{ "from": inside }] })), ["pods ALLOW"]);
    let gateway = json!({ "matchLabels": { "istio": "ingressgateway" } });
    assert_eq!(actions(json!({ "selector": gateway, "rules": [{ "from": inside }] })), ["gateway ALLOW"]);
    assert_eq!(
        actions(json!({ "selector": { "matchLabels": { "app": "other" } }, "rules": [{ "from": inside }] })),
        [""; 0]
    );
    // an ALLOW of all of the namespace without rules lets nothing through
    assert_eq!(actions(json!({ "action": "ALLOW" })), ["gateway ALLOW"]);
    assert_eq!(actions(json!({ "action": "DENY" })), [""; 0]);
    // nobody could enforce both halves of this
    let both = json!([{ "source": { "remoteIpBlocks": ["10.0.0.0/8"], "principals": ["a"] } }]);
    let faults = filters(json!({ "selector": selector, "rules": [{ "from": both }] })).unwrap_err();
    assert_eq!(faults[0].path, "/spec/rules/0/from/0/source/principals");
}

#[test]
fn a_path_that_is_rewritten_does_not_slip_past_a_rule_of_pods() {
    let rule = |selector: Value, to: Value| {
        let mut objects = simple("a.example.com", &[("2/spec/http/0/rewrite", json!({ "uri": "/admin" }))]);
        let inside = json!([{ "source": { "notIpBlocks": ["10.0.0.0/8"] } }]);
        objects.push(json!({ "apiVersion": "security.istio.io/v1", "kind": "AuthorizationPolicy", "metadata": { "name": "rule" },
            "spec": { "selector": { "matchLabels": selector }, "action": "DENY", "rules": [{ "from": inside, "to": to }] } }));
        configured(&objects)
    };
    let paths = || json!([{ "operation": { "paths": ["/admin"] } }]);
    let faults = rule(json!({ "app": "web" }), paths()).unwrap_err();
    assert_eq!((faults[0].path.as_str(), faults.len()), ("/spec/http/0/rewrite", 1));
    assert!(rule(json!({ "app": "web" }), json!([])).is_ok(), "addresses alone are the same at both");
    assert!(rule(json!({ "istio": "ingressgateway" }), paths()).is_ok(), "what the gateway sees is meant");
}

#[test]
fn what_envoy_would_refuse_is_a_fault_by_name() {
    let rule = |policy: Value| {
        let mut objects = simple("a.example.com", &[]);
        objects.push(json!({ "apiVersion": "networking.istio.io/v1", "kind": "DestinationRule", "metadata": { "name": "web" },
            "spec": { "host": "web", "trafficPolicy": policy } }));
        refused(&objects)
    };
    for (policy, expected) in [
        (
            json!({ "connectionPool": { "tcp": { "connectTimeout": "0s" } } }),
            "connectionPool/tcp/connectTimeout: `0s`",
        ),
        (json!({ "outlierDetection": { "interval": "0s" } }), "outlierDetection/interval: `0s`"),
        (
            json!({ "outlierDetection": { "baseEjectionTime": "0s" } }),
            "outlierDetection/baseEjectionTime: `0s`",
        ),
        (
            json!({ "outlierDetection": { "maxEjectionPercent": 101 } }),
            "outlierDetection/maxEjectionPercent: `101`",
        ),
        (
            json!({ "outlierDetection": { "minHealthPercent": 101 } }),
            "outlierDetection/minHealthPercent: `101`",
        ),
        (
            json!({ "loadBalancer": { "consistentHash": { "maglev": { "tableSize": 65_536 } } } }),
            "maglev/tableSize: `65536`",
        ),
        (
            json!({ "loadBalancer": { "consistentHash": { "maglev": { "tableSize": 5_000_017 } } } }),
            "maglev/tableSize: `5000017`",
        ),
        (
            json!({ "loadBalancer": { "consistentHash": { "ringHash": { "minimumRingSize": 8_388_609 } } } }),
            "ringHash/minimumRingSize: `8388609`",
        ),
    ] {
        let lines = rule(policy);
        assert!(lines.len() == 1 && lines[0].contains(expected), "{expected}: {lines:?}");
    }
    let path =
        |path: &str| filters(json!({ "rules": [{ "to": [{ "operation": { "paths": [path] } }] }] })).is_ok();
    for (text, is_good) in [
        ("/a/{*}/b", true),
        ("/a/{**}", true),
        ("/a/{**}/b", false),
        ("/a{*}", false),
        ("/{x}", false),
        ("*{*}", false),
    ] {
        assert_eq!(path(text), is_good, "{text}");
    }
    let objects = simple("a.example.com", &[]);
    let web = web();
    for (requests, milliseconds, burst) in [(0, 1_000, 1), (1, 49, 1), (1, 1_000, 0)] {
        let mut given = input("shop/edge", "203.0.113.10", &objects, &web);
        given.rate_limit = Some(RateLimit { requests, interval: Duration::from_millis(milliseconds), burst });
        let faults = configure(&proxy(), &[given]).whole().unwrap_err();
        assert_eq!(faults[0].feature, Feature::NoBucket, "{requests} {milliseconds} {burst}");
    }
}

#[test]
fn endpoints_have_istios_priorities() {
    let policy = |policy: Value| {
        let mut objects = simple("a.example.com", &[]);
        objects.push(json!({ "apiVersion": "networking.istio.io/v1", "kind": "DestinationRule", "metadata": { "name": "web" },
            "spec": { "host": "web", "trafficPolicy": policy } }));
        let config = configured(&objects).unwrap();
        let name = "shop/edge|80||web.shop.svc.cluster.local";
        let localities = config.endpoints[name]["endpoints"].as_array().unwrap().clone();
        let of = |one: &Value| {
            let zone = one["locality"]["zone"].as_str().unwrap().to_owned();
            (zone, one["priority"].as_u64().unwrap(), one["load_balancing_weight"].as_u64())
        };
        let found: Vec<_> = localities.iter().map(of).collect();
        (found, config.clusters[name]["common_lb_config"].clone())
    };
    let zones = |all: &[(&str, u64, Option<u64>)]| -> Vec<(String, u64, Option<u64>)> {
        all.iter().map(|(zone, priority, weight)| ((*zone).to_owned(), *priority, *weight)).collect()
    };
    let equal = [("rno-a", 0, None), ("phx-a", 0, None), ("slc-a", 0, None), ("slc-b", 0, None)];
    assert_eq!(policy(json!({})).0, zones(&equal));
    let (found, common) = policy(json!({ "outlierDetection": { "interval": "5s" } }));
    assert_eq!(
        found,
        zones(&[("rno-a", 2, None), ("phx-a", 2, None), ("slc-a", 0, None), ("slc-b", 1, None)])
    );
    assert_eq!(common, json!({ "healthy_panic_threshold": { "value": 0 } }));
    // a locality that is not named gets nothing
    let distribute =
        json!({ "distribute": [{ "from": "us-west/*", "to": { "us-west/*": 99, "us-south/*": 1 } }] });
    let (found, common) = policy(json!({ "loadBalancer": { "localityLbSetting": distribute } }));
    assert_eq!(found, zones(&[("phx-a", 0, Some(1)), ("slc-a", 0, Some(50)), ("slc-b", 0, Some(50))]));
    assert_eq!(common, json!({ "locality_weighted_lb_config": {} }));
    // the own region whole, then the one that takes over, then the rest; hosts count, not weights
    let regions = json!({ "failover": [{ "from": "us-west", "to": "us-south" }], "minClusterSize": 100 });
    let (found, common) = policy(json!({ "loadBalancer": { "zoneAwareLbSetting": regions } }));
    assert_eq!(
        found,
        zones(&[("rno-a", 2, None), ("phx-a", 1, None), ("slc-a", 0, None), ("slc-b", 0, None)])
    );
    assert_eq!(common, json!({ "zone_aware_lb_config": { "min_cluster_size": 100 } }));
    let (found, common) = policy(json!({ "loadBalancer": { "zoneAwareLbSetting": { "enabled": false } } }));
    assert_eq!(
        (found, common),
        (zones(&equal), json!({ "zone_aware_lb_config": { "routing_enabled": { "value": 0 } } }))
    );
}

#[test]
fn calls_inside_of_the_mesh_are_encrypted_unless_pods_take_plain_ones_only() {
    let socket = |mode: Option<&str>| {
        let mut objects = simple("a.example.com", &[]);
        objects.extend(mode.map(|mode| json!({ "apiVersion": "security.istio.io/v1", "kind": "PeerAuthentication", "metadata": { "name": "web" },
            "spec": { "selector": { "matchLabels": { "app": "web" } }, "mtls": { "mode": mode } } })));
        let config = configured(&objects).unwrap();
        config.clusters["shop/edge|80||web.shop.svc.cluster.local"].get("transport_socket").cloned()
    };
    for mode in [None, Some("STRICT"), Some("PERMISSIVE"), Some("UNSET")] {
        let context = &socket(mode).unwrap()["typed_config"];
        assert_eq!(context["sni"], "outbound_.80_._.web.shop.svc.cluster.local");
        assert_eq!(context["common_tls_context"]["tls_certificate_sds_secret_configs"][0]["name"], "default");
    }
    assert_eq!(socket(Some("DISABLE")), None);
}

#[test]
fn durations_are_protobufs() {
    for (text, expected) in [
        ("2s", Some("2s")),
        ("500ms", Some("0.5s")),
        ("1m30s", Some("90s")),
        ("1h", Some("3600s")),
        ("1.5s", Some("1.5s")),
        ("0s", Some("0s")),
        ("1ms", Some("0.001s")),
        ("1us", None),
        ("1.0005s", None),
        ("", None),
        ("5", None),
        ("s", None),
        ("5s5", None),
    ] {
        assert_eq!(value::duration(text).as_deref(), expected, "{text}");
    }
}
