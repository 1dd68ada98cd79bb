//! Tests of which servers a gateway has and what they carry: Gateways of other workloads, hosts of other
//! namespaces, servers without routes, routes without servers, and routes that say two things at once.

use std::time::Duration;

use serde_json::{Value, json};

use super::{configured, endpoints, id, input, proxy, refused, simple};
use crate::envoy::{Configured, Feature, GatewayInput, Proxy, RateLimit, configure};

fn https(hosts: Value) -> Value {
    let tls = json!({ "mode": "SIMPLE", "credentialName": "shop-cert" });
    json!({ "port": { "number": 443, "name": "https", "protocol": "HTTPS" }, "hosts": hosts, "tls": tls })
}

fn passthrough(hosts: Value) -> Value {
    let port = json!({ "number": 443, "name": "tls", "protocol": "TLS" });
    json!({ "port": port, "hosts": hosts, "tls": { "mode": "PASSTHROUGH" } })
}

#[test]
fn a_gateway_that_selects_other_workloads_is_not_served_and_told() {
    let web = [endpoints("web.shop.svc.cluster.local", 80)];
    let selector = |labels: Value| simple("a.example.com", &[("1/spec/selector", labels)]);
    let result = |objects: &[Value], proxy: &Proxy| -> Configured {
        configure(proxy, &[input("shop/edge", "203.0.113.10", objects, &web)])
    };
    for (labels, is_served) in [
        (json!({}), true),
        (json!({ "istio": "ingressgateway" }), true),
        (json!({ "istio": "ingressgateway", "topology.kubernetes.io/region": "us-west" }), true),
        (json!({ "istio": "other" }), false),
        (json!({ "istio": "ingressgateway", "app": "edge" }), false),
    ] {
        let objects = selector(labels.clone());
        let found = result(&objects, &proxy());
        assert_eq!(found.refused.len(), 0, "{labels}: {:?}", found.refused);
        assert_eq!(found.config.listeners.contains_key("shop/edge:80"), is_served, "{labels}");
        let told = found.passed_over.get(&id("shop/edge")).map(|gateways| gateways[0].to_string());
        assert_eq!(told.is_none(), is_served, "{labels}");
        assert!(told.is_none_or(|told| told == "Gateway/edge"), "{labels}");
    }
    // a proxy of no labels has those of everybody only
    let objects = selector(json!({ "istio": "ingressgateway" }));
    assert_eq!(result(&objects, &Proxy::default()).passed_over.len(), 1);
    assert!(result(&selector(json!({})), &Proxy::default()).passed_over.is_empty());
}

#[test]
fn a_gateway_of_others_takes_no_address_and_has_no_fault_here() {
    let web = [endpoints("web.shop.svc.cluster.local", 80)];
    let other = simple(
        "a.example.com",
        &[("1/spec/selector", json!({ "istio": "other" })), ("1/spec/servers/0/bind", json!("10.0.0.1"))],
    );
    let own = simple("a.example.com", &[]);
    // it is first, and asks for the same port of the same address
    let inputs = [input("shop/a", "203.0.113.10", &other, &web), input("shop/b", "203.0.113.10", &own, &web)];
    let found = configure(&proxy(), &inputs);
    assert_eq!((found.refused.len(), found.passed_over.len()), (0, 1));
    assert_eq!(found.config.listeners.keys().collect::<Vec<_>>(), ["shop/b:80"]);
    let nowhere = GatewayInput { vips: Vec::new(), ..inputs[0].clone() };
    assert!(configure(&proxy(), &[nowhere]).refused.is_empty(), "what does not listen needs no address");
}

#[test]
fn tls_ends_for_a_host_to_which_only_another_namespace_may_bind_routes() {
    let chains = |servers: Value| -> Result<Vec<Value>, Vec<String>> {
        let objects = simple("checkout.example.com", &[("1/spec/servers", servers)]);
        let config = configured(&objects)
            .map_err(|faults| faults.iter().map(ToString::to_string).collect::<Vec<_>>())?;
        let routes = &config.routes["shop/edge:443/edge/0"]["virtual_hosts"];
        assert_eq!(*routes, json!([]), "nobody here may bind routes to it");
        let chains = config.listeners["shop/edge:443"]["filter_chains"].as_array().unwrap().clone();
        Ok(chains.iter().map(|chain| chain["filter_chain_match"].clone()).collect())
    };
    let other = || https(json!(["other/Checkout.example.com"]));
    let own = json!({ "server_names": ["checkout.example.com"] });
    assert_eq!(chains(json!([other()])).unwrap(), [json!({ "server_names": ["checkout.example.com"] })]);
    assert_eq!(chains(json!([other(), https(json!(["*"]))])).unwrap(), [own, Value::Null]);
    // the name is taken all the same
    let faults = chains(json!([other(), https(json!(["checkout.example.com"]))])).unwrap_err();
    assert!(faults[0].contains("/spec/servers/1/hosts: `checkout.example.com`"), "{faults:?}");
    let faults = chains(json!([https(json!(["other/*"])), https(json!(["*"]))])).unwrap_err();
    assert!(faults[0].contains("/spec/servers/1/hosts: `*`"), "{faults:?}");
}

#[test]
fn a_server_without_hosts_would_take_any_and_is_refused() {
    for server in [https(json!([])), passthrough(json!([]))] {
        let lines = refused(&simple("a.example.com", &[("1/spec/servers", json!([server]))]));
        assert!(
            lines.iter().any(|line| line.contains("/spec/servers/0/hosts: `` is not possible")),
            "{lines:?}"
        );
    }
}

#[test]
fn what_goes_through_unread_needs_routes_by_name() {
    let tls = |hosts: Value| json!([{ "match": [{ "sniHosts": hosts }], "route": [{ "destination": { "host": "web" } }] }]);
    let faults = |server_hosts: Value, hosts: Value, routes: Option<Value>| -> Vec<Feature> {
        let server = json!([passthrough(server_hosts)]);
        let mut objects = simple("x", &[("1/spec/servers", server), ("2/spec/hosts", hosts)]);
        if let Some(routes) = routes {
            objects[2]["spec"]["tls"] = routes;
        }
        configured(&objects)
            .map_or_else(|faults| faults.into_iter().map(|one| one.feature).collect(), |_| vec![])
    };
    let (a, b) = ("a.example.com", "b.example.com");
    let through = |host: &str| Feature::GoesThrough { host: host.to_owned(), port: 443 };
    assert_eq!(faults(json!([a]), json!([a]), None), [through(a)]);
    assert_eq!(faults(json!([a]), json!([a]), Some(tls(json!([a])))), []);
    assert_eq!(faults(json!([a, b]), json!([a, b]), Some(tls(json!([a])))), [through(b)]);
    assert_eq!(faults(json!(["*"]), json!(["*.example.com"]), Some(tls(json!([a])))), []);
    assert_eq!(faults(json!([a]), json!(["*"]), Some(tls(json!(["*"])))), []);
    // nobody speaks of its hosts
    assert_eq!(faults(json!([a]), json!([b]), None), [Feature::NoRoute { section: "tls" }]);
    assert_eq!(
        faults(json!(["other/a.example.com"]), json!([a]), None),
        [Feature::NoRoute { section: "tls" }]
    );
}

#[test]
fn a_port_of_bytes_without_a_route_is_told() {
    let port = json!({ "number": 5432, "name": "db", "protocol": "TCP" });
    let server = json!([{ "port": port, "hosts": ["*"] }]);
    let lines = refused(&simple("a.example.com", &[("1/spec/servers", server)]));
    assert_eq!(lines.len(), 1, "{lines:?}");
    assert!(
        lines[0]
            .contains("Gateway/edge/spec/servers/0: no VirtualService of this Gateway has a route of `tcp`")
    );
}

#[test]
fn a_route_that_answers_calls_nobody() {
    let call = json!([{ "destination": { "host": "web" } }]);
    let with = |extra: Value| -> Vec<String> {
        let mut objects = simple("a.example.com", &[]);
        objects[2]["spec"]["http"] = json!([extra]);
        let line = |line: String| line.split_once("/spec/http/0/").unwrap().1.to_owned();
        configured(&objects).map_or_else(|_| refused(&objects).into_iter().map(line).collect(), |_| vec![])
    };
    let answer = json!({ "status": 200 });
    assert_eq!(
        with(json!({ "redirect": { "uri": "/" }, "route": call })),
        ["route: does nothing beside redirect, which answers the request already; remove one of the two"]
    );
    for (field, value) in
        [("redirect", json!({ "uri": "/" })), ("rewrite", json!({ "uri": "/" })), ("route", call.clone())]
    {
        let found = with(json!({ "directResponse": answer, field: value }));
        assert_eq!(found.len(), 1, "{field}: {found:?}");
        assert!(found[0].starts_with(&format!("{field}: does nothing beside directResponse")), "{found:?}");
    }
    assert_eq!(
        with(json!({ "redirect": { "uri": "/" }, "headers": { "response": { "set": { "a": "b" } } } })),
        [""; 0]
    );
    // what bounds or copies a call that is not made
    assert_eq!(
        with(json!({ "redirect": { "uri": "/" }, "timeout": "5s", "retries": { "attempts": 1 } })),
        [""; 0]
    );
    assert_eq!(with(json!({ "directResponse": answer, "mirror": { "host": "web" } })), [""; 0]);
    assert_eq!(with(json!({ "directResponse": answer })), [""; 0]);
}

/// One VirtualService for both ports: its routes of HTTP are for the port that reads requests.
#[test]
fn routes_of_http_for_another_port_are_no_fault_where_tls_goes_through() {
    let plain = json!({ "port": { "number": 80, "name": "http", "protocol": "HTTP" }, "hosts": ["*"] });
    let (a, b) = ("a.example.com", "b.example.com");
    let tls = json!([{ "match": [{ "sniHosts": [b] }], "route": [{ "destination": { "host": "web" } }] }]);
    let faults = |servers: Value| -> Vec<Feature> {
        let mut objects = simple("x", &[("1/spec/servers", servers), ("2/spec/hosts", json!([a, b]))]);
        objects[2]["spec"]["tls"] = tls.clone();
        objects[2]["spec"]["gateways"] = json!(["./edge"]);
        configured(&objects)
            .map_or_else(|faults| faults.into_iter().map(|one| one.feature).collect(), |_| vec![])
    };
    assert_eq!(faults(json!([passthrough(json!(["*"])), plain])), []);
    let through = Feature::GoesThrough { host: a.to_owned(), port: 443 };
    assert_eq!(faults(json!([passthrough(json!(["*"]))])), std::slice::from_ref(&through));
    let mut redirect = plain;
    redirect["tls"] = json!({ "httpsRedirect": true });
    assert_eq!(faults(json!([passthrough(json!(["*"])), redirect])), [through]);
}

/// `chekout` for `checkout`, a port of yesterday: the route would be dropped, and the next one answers.
#[test]
fn a_match_that_no_server_meets_is_told() {
    let call = json!([{ "destination": { "host": "web" } }]);
    let with = |gateways: Value, wanted: Value| -> Vec<String> {
        let routes = json!([{ "match": [wanted], "route": call }, { "route": call }]);
        let objects = simple("a.example.com", &[("2/spec/gateways", gateways), ("2/spec/http", routes)]);
        let line = |line: String| line.split_once("/spec/http/0/match/0/").unwrap().1.to_owned();
        configured(&objects).map_or_else(|_| refused(&objects).into_iter().map(line).collect(), |_| vec![])
    };
    let edge = || json!(["edge"]);
    assert_eq!(
        with(edge(), json!({ "gateways": ["egde"] })),
        ["gateways/0: `egde` is not possible here; write a Gateway of the access point, or mesh"]
    );
    assert_eq!(
        with(edge(), json!({ "port": 443 })),
        [
            "port: `443` is not possible here; no server of its Gateways has this port; write one of theirs, or leave it out"
        ]
    );
    assert_eq!(
        with(json!(["mesh"]), json!({ "gateways": ["edge"] })),
        [
            "gateways/0: `edge` is not possible here; the VirtualService is not bound to it; name it in gateways of the spec, too"
        ]
    );
    for (gateways, wanted) in [
        (edge(), json!({ "gateways": ["shop/edge"], "port": 80 })),
        (json!(["./edge"]), json!({ "gateways": ["edge.shop.svc.cluster.local"] })),
        // for sidecars: at their ports nobody looks here
        (json!(["edge", "mesh"]), json!({ "port": 8080 })),
        (json!(["edge", "mesh"]), json!({ "gateways": ["mesh"], "port": 8080 })),
        (json!([]), json!({ "port": 8080 })),
    ] {
        assert_eq!(with(gateways.clone(), wanted.clone()), [""; 0], "{gateways} {wanted}");
    }
    // what servers another gateway has is not known here
    let mut objects = simple("a.example.com", &[("2/spec/gateways", json!(["edge", "other"]))]);
    let mut other = objects[1].clone();
    other["metadata"]["name"] = json!("other");
    other["spec"]["selector"] = json!({ "istio": "other" });
    objects.push(other);
    objects[2]["spec"]["http"][0]["match"] = json!([{ "port": 443, "gateways": ["other"] }]);
    assert!(configured(&objects).is_ok(), "{:?}", refused(&objects));
}

#[test]
fn routes_of_bytes_need_a_server_that_carries_them() {
    let route = |wanted: Value| json!([{ "match": wanted, "route": [{ "destination": { "host": "web" } }] }]);
    let faults = |servers: Value, section: &str, wanted: Value| -> Vec<(String, Feature)> {
        let mut objects = simple("a.example.com", &[("1/spec/servers", servers)]);
        objects[2]["spec"][section] = route(wanted);
        let told = |faults: Vec<crate::envoy::Unsupported>| {
            faults.into_iter().map(|one| (one.path, one.feature)).collect()
        };
        configured(&objects).map_or_else(told, |_| vec![])
    };
    let plain = || json!({ "port": { "number": 80, "name": "http", "protocol": "HTTP" }, "hosts": ["*"] });
    let bytes = || json!({ "port": { "number": 5432, "name": "db", "protocol": "TCP" }, "hosts": ["*"] });
    let never = |section: &'static str| vec![(format!("/spec/{section}/0"), Feature::NoServer { section })];
    let sni = || json!([{ "sniHosts": ["a.example.com"] }]);
    assert_eq!(faults(json!([plain()]), "tcp", json!([{ "port": 80 }])), never("tcp"));
    assert_eq!(faults(json!([plain()]), "tcp", json!([])), never("tcp"));
    assert_eq!(faults(json!([plain()]), "tls", sni()), never("tls"));
    assert_eq!(faults(json!([plain(), bytes()]), "tcp", json!([{ "port": 80 }, { "port": 5432 }])), []);
    assert_eq!(faults(json!([plain(), bytes()]), "tcp", json!([])), []);
    assert_eq!(faults(json!([plain(), passthrough(json!(["*"]))]), "tls", sni()), []);
    // once, and where it is
    let found = faults(json!([plain()]), "tls", json!([{ "port": 443, "sniHosts": ["a.example.com"] }]));
    assert_eq!(found.iter().map(|(path, _)| path.as_str()).collect::<Vec<_>>(), ["/spec/tls/0/match/0/port"]);
}

#[test]
fn a_limit_of_requests_needs_a_server_that_reads_them() {
    let web = [endpoints("web.shop.svc.cluster.local", 80)];
    let bytes = || json!({ "port": { "number": 5432, "name": "db", "protocol": "TCP" }, "hosts": ["*"] });
    let plain = || json!({ "port": { "number": 80, "name": "http", "protocol": "HTTP" }, "hosts": ["a.example.com"] });
    let call = || json!([{ "destination": { "host": "web" } }]);
    let by_port = || json!({ "tcp": [{ "route": call() }] });
    let by_name = || json!({ "tls": [{ "match": [{ "sniHosts": ["a.example.com"] }], "route": call() }] });
    let faults = |servers: Value, routes: Value| -> Vec<Feature> {
        let mut objects = simple("a.example.com", &[("1/spec/servers", servers)]);
        objects[2]["spec"].as_object_mut().unwrap().extend(routes.as_object().unwrap().clone());
        let mut given = input("shop/edge", "203.0.113.10", &objects, &web);
        let interval = Duration::from_secs(1);
        given.rate_limit = Some(RateLimit { requests: 1, interval, burst: 1 });
        let faults = configure(&proxy(), &[given]).whole().map_or_else(|faults| faults, |_| vec![]);
        faults.into_iter().map(|one| one.feature).collect()
    };
    assert_eq!(faults(json!([bytes()]), by_port()), [Feature::NoRequests]);
    assert_eq!(faults(json!([passthrough(json!(["*"]))]), by_name()), [Feature::NoRequests]);
    assert_eq!(faults(json!([plain(), bytes()]), by_port()), []);
    assert_eq!(faults(json!([plain()]), json!({})), []);
    assert_eq!(faults(json!([https(json!(["a.example.com"]))]), json!({})), []);
}
