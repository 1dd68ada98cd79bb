//! Tests of what no server lets change of a Service, and of what is carried over because it gave it.

use serde_json::json;

use super::*;
use crate::federation::WriteCommand;
use crate::federation::tests::{plan, service, written};

/// What a server refuses for ever is told and not written; each row is `wanted`, `there`, the field.
#[test]
fn fields_that_no_server_lets_change_are_told_and_not_written() {
    let lb = |fields: Value| {
        let mut spec = json!({ "type": "LoadBalancer" });
        spec.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
        spec
    };
    let address = json!({ "clusterIP": "10.0.0.9", "clusterIPs": ["10.0.0.9", "fd00::9"], "ipFamilies": ["IPv4", "IPv6"], "ipFamilyPolicy": "PreferDualStack" });
    let table = [
        (json!({ "clusterIP": "None" }), address.clone(), Some("/spec/clusterIP")),
        (json!({}), json!({ "clusterIP": "None", "clusterIPs": ["None"] }), Some("/spec/clusterIP")),
        (json!({ "clusterIP": "10.0.0.8" }), address.clone(), Some("/spec/clusterIP")),
        (json!({ "clusterIPs": ["10.0.0.8"] }), address.clone(), Some("/spec/clusterIPs/0")),
        (json!({ "ipFamilies": ["IPv6", "IPv4"] }), address.clone(), Some("/spec/ipFamilies/0")),
        (json!({ "ipFamilies": ["IPv4"], "ipFamilyPolicy": "SingleStack" }), address.clone(), None),
        (json!({ "type": "ExternalName", "externalName": "a.example.com" }), address.clone(), None),
        (address.clone(), json!({ "type": "ExternalName", "externalName": "a.example.com" }), None),
        (json!({ "clusterIP": "None" }), json!({ "clusterIP": "None" }), None),
        (lb(json!({ "loadBalancerClass": "a/b" })), lb(json!({})), Some("/spec/loadBalancerClass")),
        (
            lb(json!({ "loadBalancerClass": "a/b" })),
            lb(json!({ "loadBalancerClass": "a/c" })),
            Some("/spec/loadBalancerClass"),
        ),
        (lb(json!({ "loadBalancerClass": "a/b" })), json!({ "clusterIP": "10.0.0.9" }), None),
        (
            lb(json!({ "externalTrafficPolicy": "Local", "healthCheckNodePort": 31_001 })),
            lb(json!({ "externalTrafficPolicy": "Local", "healthCheckNodePort": 31_000 })),
            Some("/spec/healthCheckNodePort"),
        ),
        (lb(json!({ "externalTrafficPolicy": "Local", "healthCheckNodePort": 31_001 })), lb(json!({})), None),
    ];
    for (wanted, there, path) in table {
        let mut live = written(&service("web", json!({ "before": true })));
        live["spec"] = there.clone();
        let found = plan(vec![service("web", wanted.clone())], &[live]);
        let paths: Vec<String> = found.fixed.iter().map(|one| one.path.to_string()).collect();
        assert_eq!(paths, path.into_iter().collect::<Vec<_>>(), "{wanted} over {there}");
        assert_eq!(found.commands.is_empty(), path.is_some(), "{wanted} over {there}");
    }
}

/// Who opens no ports on nodes keeps none, and who says nothing keeps what was decided where it was made.
#[test]
fn ports_on_nodes_are_kept_unless_none_are_wanted() {
    let spec = |more: Value| {
        let mut spec = json!({ "type": "LoadBalancer", "ports": [{ "port": 443 }] });
        spec.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        spec
    };
    let after = |wanted: Value, allocates: bool| {
        let mut live = written(&service("web", json!({})));
        live["spec"] = spec(json!({ "allocateLoadBalancerNodePorts": allocates }));
        live["spec"]["ports"][0]["nodePort"] = json!(30_443);
        let found = plan(vec![service("web", wanted)], &[live]);
        let [WriteCommand::Update { object }] = &found.commands[..] else { panic!("{found:?}") };
        (
            object["spec"]["allocateLoadBalancerNodePorts"].clone(),
            object["spec"]["ports"][0]["nodePort"].clone(),
        )
    };
    assert_eq!(after(spec(json!({})), true), (json!(true), json!(30_443)));
    assert_eq!(after(spec(json!({})), false).0, json!(false), "a webhook's choice outlives our next write");
    assert_eq!(
        after(spec(json!({ "allocateLoadBalancerNodePorts": false })), true),
        (json!(false), Value::Null)
    );
}

#[test]
fn families_and_class_are_kept_as_a_server_wants_them() {
    let there = json!({ "type": "LoadBalancer", "loadBalancerClass": "overspill.dev/vip", "clusterIP": "10.0.0.9",
        "clusterIPs": ["10.0.0.9", "fd00::9"], "ipFamilies": ["IPv4", "IPv6"], "ipFamilyPolicy": "RequireDualStack" });
    let after = |spec: Value| {
        let mut live = written(&service("web", json!({})));
        live["spec"] = there.clone();
        let found = plan(vec![service("web", spec)], &[live]);
        let [WriteCommand::Update { object }] = &found.commands[..] else { panic!("{found:?}") };
        object["spec"].clone()
    };
    assert_eq!(after(json!({ "type": "LoadBalancer" })), there, "who says nothing keeps all of it");
    let single = after(json!({ "type": "LoadBalancer", "ipFamilyPolicy": "SingleStack" }));
    assert_eq!((&single["clusterIPs"], &single["ipFamilies"]), (&json!(["10.0.0.9"]), &Value::Null));
    assert_eq!(after(json!({ "type": "ClusterIP" })).get("loadBalancerClass"), None);
}
