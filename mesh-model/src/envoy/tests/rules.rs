//! Tests of DestinationRules: which hold for a host and a port, and what they say together.

use serde_json::{Value, json};

use super::{configured, input, proxy, refused, simple};
use crate::envoy::{Proxy, configure};

/// A rule by its name and what it says.
fn rule(name: &str, spec: Value) -> Value {
    json!({ "apiVersion": "networking.istio.io/v1", "kind": "DestinationRule", "metadata": { "name": name }, "spec": spec })
}

/// The cluster of the subset `v2` of port 80.
fn of_subset(rules: &[Value]) -> Value {
    let mut objects = simple("a.example.com", &[("2/spec/http/0/route/0/destination/subset", json!("v2"))]);
    objects.extend(rules.iter().cloned());
    configured(&objects).unwrap().clusters["shop/edge|80|v2|web.shop.svc.cluster.local"].clone()
}

/// The most connections, how an endpoint is chosen, and whether any is ejected.
fn said(cluster: &Value) -> (u64, &str, bool) {
    let most = &cluster["circuit_breakers"]["thresholds"][0]["max_connections"];
    let balancer = cluster["lb_policy"].as_str().unwrap();
    (most.as_u64().unwrap(), balancer, cluster.get("outlier_detection").is_some())
}

#[test]
fn what_a_port_and_a_subset_say_is_put_together_as_istio_does() {
    const NO: u64 = u32::MAX as u64;
    let limit = |most: u32| json!({ "connectionPool": { "tcp": { "maxConnections": most } } });
    let port = |number: u32, mut policy: Value| {
        policy["port"] = json!({ "number": number });
        json!({ "portLevelSettings": [policy] })
    };
    let robin = || json!({ "loadBalancer": { "simple": "ROUND_ROBIN" } });
    let with = |one: Value, other: Value| {
        let mut all = one.as_object().unwrap().clone();
        all.extend(other.as_object().unwrap().clone());
        Value::Object(all)
    };
    let ejects = || json!({ "outlierDetection": { "consecutive5xxErrors": 3 } });
    for (policy, subset, expected) in [
        // the rule's port first, and over it what the subset has
        (port(80, limit(7)), with(robin(), ejects()), (7, "ROUND_ROBIN", true)),
        (port(80, limit(7)), limit(9), (9, "LEAST_REQUEST", false)),
        (with(ejects(), port(80, limit(7))), robin(), (7, "ROUND_ROBIN", false)),
        // another port of the subset is nothing to this one
        (port(80, limit(7)), port(90, robin()), (7, "LEAST_REQUEST", false)),
        (port(80, limit(7)), with(ejects(), port(90, robin())), (7, "LEAST_REQUEST", true)),
        (with(ejects(), limit(7)), port(90, robin()), (7, "LEAST_REQUEST", true)),
        // its own settings for the port are all that holds
        (with(ejects(), limit(7)), port(80, robin()), (NO, "ROUND_ROBIN", false)),
        (port(80, limit(7)), with(ejects(), port(80, robin())), (NO, "ROUND_ROBIN", false)),
        (port(90, limit(7)), robin(), (NO, "ROUND_ROBIN", false)),
        (limit(7), json!({}), (7, "LEAST_REQUEST", false)),
        (json!({}), port(80, limit(7)), (7, "LEAST_REQUEST", false)),
    ] {
        let subsets = json!([{ "name": "v2", "labels": { "version": "v2" }, "trafficPolicy": subset }]);
        let cluster =
            of_subset(&[rule("web", json!({ "host": "web", "trafficPolicy": policy, "subsets": subsets }))]);
        assert_eq!(said(&cluster), expected, "{policy} {subset}");
    }
}

#[test]
fn a_budget_of_retries_is_the_hosts_or_the_subsets_whatever_a_port_says() {
    let port = json!([{ "port": { "number": 80 }, "loadBalancer": { "simple": "RANDOM" } }]);
    for (own, expected) in [(json!({ "retryBudget": { "percent": 30.0 } }), 30.0), (json!({}), 20.0)] {
        let cluster = of_subset(&[rule(
            "web",
            json!({
                "host": "web",
                "trafficPolicy": { "retryBudget": { "percent": 20.0 }, "portLevelSettings": port },
                "subsets": [{ "name": "v2", "labels": { "version": "v2" }, "trafficPolicy": own }],
            }),
        )]);
        let budget = &cluster["circuit_breakers"]["thresholds"][0]["retry_budget"]["budget_percent"];
        assert_eq!(*budget, json!({ "value": expected }));
    }
}

#[test]
fn the_rules_of_the_narrowest_host_hold_put_together() {
    let policy = || json!({ "loadBalancer": { "simple": "ROUND_ROBIN" }, "connectionPool": { "tcp": { "maxConnections": 7 } } });
    let subsets = || json!([{ "name": "v2", "labels": { "version": "v2" } }]);
    let full = "web.shop.svc.cluster.local";
    for rules in [
        vec![json!({ "host": "*.shop.svc.cluster.local", "trafficPolicy": policy(), "subsets": subsets() })],
        // the subset in the second rule
        vec![
            json!({ "host": "web", "trafficPolicy": policy() }),
            json!({ "host": full, "subsets": subsets() }),
        ],
        // the policy in the second rule
        vec![
            json!({ "host": full, "subsets": subsets() }),
            json!({ "host": "web", "trafficPolicy": policy() }),
        ],
        // what a wildcard says beside them is nothing
        vec![
            json!({ "host": "*", "trafficPolicy": { "outlierDetection": {} } }),
            json!({ "host": "web", "trafficPolicy": policy(), "subsets": subsets() }),
        ],
    ] {
        let named = rules.iter().enumerate().map(|(number, spec)| rule(&format!("r{number}"), spec.clone()));
        let cluster = of_subset(&named.collect::<Vec<_>>());
        assert_eq!(said(&cluster), (7, "ROUND_ROBIN", false), "{rules:?}");
    }
}

#[test]
fn what_two_rules_of_a_host_say_is_a_fault_and_no_choice() {
    let lines = |one: Value, other: Value| {
        let mut objects = simple("a.example.com", &[]);
        objects.extend([rule("one", one), rule("two", other)]);
        refused(&objects)
    };
    let policy = || json!({ "host": "web", "trafficPolicy": { "tls": { "mode": "DISABLE" } } });
    let told = |at: &str| {
        format!(
            "shop/edge: DestinationRule/two/spec/{at}: DestinationRule/one is for web.shop.svc.cluster.local too, and of the two Istio takes the older one's words and drops these; write them in one rule"
        )
    };
    assert_eq!(lines(policy(), policy()), [told("trafficPolicy")]);
    let subsets = || json!({ "host": "web", "subsets": [{ "name": "v1" }] });
    assert_eq!(lines(subsets(), subsets()), [told("subsets/0/name")]);
    let apart = "shop/edge: DestinationRule/two/spec/exportTo: DestinationRule/one is for web.shop.svc.cluster.local too, and other namespaces see that one, so that the two are not put together; give both one exportTo, or let the gateway's namespace see one alone (and say which it is in)";
    assert_eq!(lines(policy(), json!({ "host": "web", "exportTo": ["."] })), [apart]);
    // nobody calls that host here
    let other = || json!({ "host": "api", "trafficPolicy": {} });
    let mut objects = simple("a.example.com", &[]);
    objects.extend([rule("one", other()), rule("two", other())]);
    assert!(configured(&objects).is_ok());
}

/// One rule for the sidecars and one for the gateways, as teams write them.
#[test]
fn a_gateway_has_the_rule_that_its_namespace_sees() {
    let of = |simple: &str, export_to: &str| {
        let policy = json!({ "loadBalancer": { "simple": simple } });
        json!({ "host": "web", "trafficPolicy": policy, "exportTo": [export_to] })
    };
    let mut objects = simple("a.example.com", &[]);
    objects.extend([rule("inside", of("RANDOM", ".")), rule("edge", of("ROUND_ROBIN", "ingress"))]);
    for (namespace, expected) in [("shop", "RANDOM"), ("ingress", "ROUND_ROBIN"), ("bank", "LEAST_REQUEST")] {
        let proxy = Proxy { namespace: Some(namespace.parse().unwrap()), ..proxy() };
        let input = input("shop/edge", "203.0.113.10", &objects, &[]);
        let config = configure(&proxy, &[input]).whole().unwrap();
        let policies: Vec<&str> = config
            .clusters
            .values()
            .map(|one| one["lb_policy"].as_str().unwrap_or("LEAST_REQUEST"))
            .collect();
        assert_eq!(policies, [expected], "{namespace}");
    }
}

#[test]
fn nobody_is_ejected_for_a_rate_of_success() {
    let detection = |outlier: Value| -> Value {
        let subsets = json!([{ "name": "v2", "labels": { "version": "v2" } }]);
        let spec =
            json!({ "host": "web", "trafficPolicy": { "outlierDetection": outlier }, "subsets": subsets });
        of_subset(&[rule("web", spec)])["outlier_detection"].clone()
    };
    assert_eq!(detection(json!({})), json!({ "enforcing_success_rate": 0 }));
    // Envoy has a second rate, of failures to connect, where these are counted apart
    assert_eq!(
        detection(json!({ "splitExternalLocalOriginErrors": true })),
        json!({
            "enforcing_success_rate": 0,
            "split_external_local_origin_errors": true,
            "enforcing_local_origin_success_rate": 0,
        })
    );
}

#[test]
fn a_pool_of_tcp_is_one_of_http_too() {
    let options = |pool: Value| -> Value {
        let subsets = json!([{ "name": "v2", "labels": { "version": "v2" } }]);
        let spec = json!({ "host": "web", "trafficPolicy": { "connectionPool": pool }, "subsets": subsets });
        let cluster = of_subset(&[rule("web", spec)]);
        let options = cluster["typed_extension_protocol_options"].as_object().unwrap();
        options.values().next().unwrap()["common_http_protocol_options"].clone()
    };
    let tcp = || json!({ "idleTimeout": "7s", "maxConnectionDuration": "30s" });
    assert_eq!(options(json!({})), json!({}));
    assert_eq!(
        options(json!({ "tcp": tcp() })),
        json!({ "idle_timeout": "7s", "max_connection_duration": "30s" })
    );
    assert_eq!(
        options(json!({ "tcp": tcp(), "http": { "idleTimeout": "9s" } })),
        json!({ "idle_timeout": "9s", "max_connection_duration": "30s" })
    );
}

#[test]
fn a_hash_warms_nobody_up() {
    let lines = |balancer: Value| {
        let mut objects = simple("a.example.com", &[]);
        let policy = json!({ "loadBalancer": balancer });
        objects.push(rule("web", json!({ "host": "web", "trafficPolicy": policy })));
        refused(&objects)
    };
    let warmup = json!({ "duration": "10s" });
    for (balancer, found) in [
        (json!({ "consistentHash": { "useSourceIp": true }, "warmup": warmup }), "consistentHash"),
        (json!({ "simple": "RANDOM", "warmup": warmup }), "RANDOM"),
    ] {
        let line = format!(
            "shop/edge: DestinationRule/web/spec/trafficPolicy/loadBalancer/warmup: `{found}` is not possible here; only LEAST_REQUEST and ROUND_ROBIN warm up"
        );
        assert_eq!(lines(balancer), [line]);
    }
}
