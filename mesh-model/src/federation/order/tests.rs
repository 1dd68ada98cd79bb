//! Tests of which subsets a rule keeps while routes lead to them, also to those of a wildcard.

use serde_json::json;

use super::*;

fn rule(name: &str, host: &str, subsets: &[&str]) -> Value {
    let subsets: Vec<Value> = subsets.iter().map(|name| json!({ "name": name })).collect();
    json!({
        "apiVersion": "networking.istio.io/v1", "kind": "DestinationRule",
        "metadata": { "name": name, "namespace": "shop" },
        "spec": { "host": host, "subsets": subsets },
    })
}

/// What the rule `rule`, which is there among these, keeps where it is to have no subset any more.
fn kept(live: &[Value]) -> Vec<String> {
    let to = |subset: &str| json!({ "route": [{ "destination": { "host": "web", "subset": subset } }] });
    let routes = json!({
        "kind": "VirtualService", "metadata": { "name": "web", "namespace": "shop" },
        "spec": { "http": [to("v1"), to("v2")] },
    });
    let all: Vec<Value> = live.iter().cloned().chain([routes]).collect();
    let there = &live[0];
    let mut desired = there.clone();
    desired["spec"]["subsets"] = json!([]);
    let key = ObjectKey::of(there).unwrap();
    keep_routed(&key, &mut desired, there, &routed(&all))
}

#[test]
fn subsets_of_the_rule_that_holds_are_kept_and_no_others() {
    let subsets = ["v1", "v3"];
    for host in ["web", "web.shop.svc.cluster.local", "*.shop.svc.cluster.local", "*"] {
        assert_eq!(kept(&[rule("rule", host, &subsets)]), ["v1"], "{host}");
    }
    for host in ["api", "*.bank.svc.cluster.local"] {
        assert_eq!(kept(&[rule("rule", host, &subsets)]), [""; 0], "{host}");
    }
    // a narrower one says what its host's subsets are
    let narrow = rule("web", "web", &["v1", "v2"]);
    assert_eq!(kept(&[rule("rule", "*.shop.svc.cluster.local", &subsets), narrow.clone()]), [""; 0]);
    // two of one host have their subsets together
    assert_eq!(kept(&[rule("rule", "web.shop.svc.cluster.local", &subsets), narrow]), ["v1"]);
}
