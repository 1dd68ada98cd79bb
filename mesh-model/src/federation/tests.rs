//! Tests of the federation: whose an object is, what is carried over, what is written and what is let be.

use serde_json::json;

use super::*;
use crate::patch::Pointer;
use crate::template::TemplateId;

pub(super) fn owner() -> AccessPointId {
    AccessPointId { namespace: "shop".parse().unwrap(), name: "web".parse().unwrap() }
}

pub(super) fn service(name: &str, spec: Value) -> Value {
    json!({ "apiVersion": "v1", "kind": "Service",
        "metadata": { "name": name, "namespace": "shop", "labels": { OWNER_LABEL: "web" } }, "spec": spec })
}

pub(super) fn rendering(objects: Vec<Value>) -> Rendering {
    Rendering { target: "slc-a-1".parse().unwrap(), objects, errors: Vec::new(), trace: Vec::new() }
}

pub(super) fn plan(objects: Vec<Value>, live: &[Value]) -> TargetPlan {
    reconcile(&owner(), &rendering(objects), Some(live))
}

/// An object as it is after we wrote it and the API server and controllers added theirs.
pub(super) fn written(object: &Value) -> Value {
    let mut there = marked(object);
    there["metadata"]["resourceVersion"] = json!("7");
    there["metadata"]["uid"] = json!("u-1");
    there["metadata"]["finalizers"] = json!(["lb.example.com/hold"]);
    there["metadata"]["annotations"]["cloud.example.com/id"] = json!("lb-9");
    if object["kind"] == "Service" {
        there["spec"]["clusterIP"] = json!("10.0.0.9");
        there["spec"]["clusterIPs"] = json!(["10.0.0.9"]);
        let affinity = there["spec"].as_object_mut().unwrap().entry("sessionAffinity");
        affinity.or_insert_with(|| json!("None"));
    }
    there["status"] = json!({ "loadBalancer": {} });
    there
}

fn kinds(plan: &TargetPlan) -> Vec<String> {
    let one = |command: &WriteCommand| match command {
        WriteCommand::Create { object } => format!("create {}", object["metadata"]["name"].as_str().unwrap()),
        WriteCommand::Update { object } => format!("update {}", object["metadata"]["name"].as_str().unwrap()),
        WriteCommand::Delete { object, .. } => format!("delete {}", object.name),
    };
    plan.commands.iter().map(one).collect()
}

#[test]
fn what_is_right_is_not_written_whatever_the_server_added() {
    let object = service("web", json!({ "ports": [{ "port": 443 }], "selector": {} }));
    assert_eq!(plan(vec![object.clone()], &[written(&object)]), TargetPlan::default());
    let mut other_version = written(&object);
    other_version["metadata"]["annotations"]["note"] = json!("somebody's");
    assert_eq!(plan(vec![object], &[other_version]), TargetPlan::default());
}

#[test]
fn a_change_keeps_what_is_not_ours_to_decide() {
    let ports = |numbers: Value| json!({ "type": "LoadBalancer", "externalTrafficPolicy": "Local", "ports": numbers });
    let old = service("web", ports(json!([{ "name": "a", "port": 80 }, { "name": "b", "port": 443 }])));
    let mut there = written(&old);
    there["spec"]["healthCheckNodePort"] = json!(31000);
    there["spec"]["ports"] = json!([
        { "name": "a", "port": 80, "protocol": "TCP", "nodePort": 30001 },
        { "name": "b", "port": 443, "protocol": "TCP", "nodePort": 30002 }
    ]);
    let new = service(
        "web",
        ports(json!([{ "name": "b", "port": 443 }, { "name": "b", "port": 443, "protocol": "UDP" }])),
    );
    let plan = plan(vec![new], &[there]);
    let [WriteCommand::Update { object }] = &plan.commands[..] else { panic!("{plan:?}") };
    assert_eq!(
        object["spec"]["ports"],
        json!([{ "name": "b", "port": 443, "nodePort": 30002 }, { "name": "b", "port": 443, "protocol": "UDP" }])
    );
    let get = |pointer: &str| object.pointer(pointer).cloned();
    assert_eq!(get("/spec/clusterIP"), Some(json!("10.0.0.9")));
    assert_eq!(get("/spec/healthCheckNodePort"), Some(json!(31000)));
    assert_eq!(get("/metadata/resourceVersion"), Some(json!("7")));
    assert_eq!(get("/metadata/finalizers"), Some(json!(["lb.example.com/hold"])));
    assert_eq!(get("/metadata/annotations/cloud.example.com~1id"), Some(json!("lb-9")));
    assert_eq!(plan.drift, [], "the change is ours");
}

#[test]
fn foreign_objects_are_let_be_and_named() {
    let object = service("web", json!({}));
    let foreign = |label: Option<&str>| {
        let mut there = written(&object);
        there["metadata"]["labels"] = label.map_or_else(|| json!({}), |label| json!({ OWNER_LABEL: label }));
        there
    };
    for label in [None, Some("shop")] {
        let found = plan(vec![object.clone()], &[foreign(label)]);
        assert_eq!(found.commands, []);
        assert_eq!(found.conflicts[0].owner.as_deref(), label);
        assert_eq!(plan(Vec::new(), &[foreign(label)]), TargetPlan::default(), "and is not deleted");
    }
    let mut elsewhere = written(&object);
    elsewhere["metadata"]["namespace"] = json!("other");
    assert_eq!(plan(Vec::new(), &[elsewhere]), TargetPlan::default(), "another web, in another namespace");
    let mut handed_over = foreign(None);
    handed_over["metadata"]["annotations"][ADOPT_ANNOTATION] = json!("shop/web");
    assert_eq!(kinds(&plan(vec![object], &[handed_over])), ["update web"]);
}

#[test]
fn drift_is_put_right_and_says_who() {
    let object = service("web", json!({ "ports": [{ "port": 443 }], "selector": { "app": "web" } }));
    let mut there = written(&object);
    there["spec"]["selector"]["app"] = json!("old");
    there["spec"]["ports"][0]["port"] = json!(80);
    there["metadata"]["managedFields"] = json!([
        { "manager": "overspill", "time": "2026-11-26T09:00:00Z", "fieldsV1": { "f:spec": { "f:selector": {}, "f:ports": {} } } },
        { "manager": "kubectl-edit", "time": "2026-11-26T10:00:00Z", "fieldsV1": { "f:spec": { "f:selector": { "f:app": {} } } } },
    ]);
    let found = plan(vec![object], &[there]);
    assert_eq!(kinds(&found), ["update web"]);
    let drift: Vec<(String, Option<&str>)> =
        found.drift.iter().map(|drift| (drift.path.to_string(), drift.manager.as_deref())).collect();
    assert_eq!(
        drift,
        [
            ("/spec/ports/0/port".into(), Some("overspill")),
            ("/spec/selector/app".into(), Some("kubectl-edit"))
        ]
    );
}

/// What steers traffic is put right if anybody adds to it; what servers and controllers add is theirs.
#[test]
fn what_somebody_adds_to_what_is_ours_is_drift_and_what_servers_give_is_not() {
    let spec = json!({ "type": "LoadBalancer", "sessionAffinity": "ClientIP", "selector": { "app": "web" },
        "ports": [{ "name": "https", "port": 443 }] });
    let rule =
        json!({ "host": "web", "trafficPolicy": { "outlierDetection": { "baseEjectionTime": "30s" } } });
    let policy = json!({ "selector": { "matchLabels": { "app": "web" } }, "rules": [{ "to": [{ "operation": { "paths": ["/admin"] } }] }] });
    let objects = [
        service("web", spec),
        object("DestinationRule", "web", rule),
        object("AuthorizationPolicy", "web", policy),
    ];
    let changed = |which: usize, path: &str, value: Value| {
        let mut there = written(&objects[which]);
        let (parent, key) = path.rsplit_once('/').unwrap();
        match there.pointer_mut(parent).unwrap() {
            Value::Object(fields) => drop(fields.insert(key.to_owned(), value)),
            Value::Array(items) => items.push(value),
            other => panic!("{other}"),
        }
        plan(vec![objects[which].clone()], &[there])
    };
    for (which, path, value) in [
        (0, "/spec/selector/version", json!("v2")),
        (0, "/spec/selector/type", json!("ClusterIP")),
        (0, "/spec/externalIPs", json!(["198.51.100.7"])),
        (0, "/spec/loadBalancerSourceRanges", json!(["10.0.0.0/8"])),
        (0, "/spec/externalTrafficPolicy", json!("Local")),
        (0, "/spec/internalTrafficPolicy", json!("Local")),
        (0, "/spec/publishNotReadyAddresses", json!(true)),
        (0, "/spec/ports/0/targetPort", json!(8443)),
        (0, "/spec/ports/0/appProtocol", json!("kubernetes.io/h2c")),
        (1, "/spec/trafficPolicy/tls", json!({})),
        (1, "/spec/trafficPolicy/outlierDetection/maxEjectionPercent", json!(100)),
        (1, "/spec/subsets", json!([{ "name": "v2" }])),
        (2, "/spec/selector/matchLabels/version", json!("v2")),
        (2, "/spec/action", json!("DENY")),
        (2, "/spec/rules/0/to/0/operation/methods", json!(["GET"])),
    ] {
        let found = changed(which, path, value);
        let drift: Vec<String> = found.drift.iter().map(|drift| drift.path.to_string()).collect();
        assert_eq!(drift, [path]);
        let [WriteCommand::Update { object }] = &found.commands[..] else { panic!("{path}: {found:?}") };
        assert_eq!(object.pointer(path), None, "{path} goes");
    }
    for (which, path, value) in [
        (0, "/spec/ipFamilies", json!(["IPv4"])),
        (0, "/spec/ipFamilyPolicy", json!("SingleStack")),
        (0, "/spec/externalTrafficPolicy", json!("Cluster")),
        (0, "/spec/internalTrafficPolicy", json!("Cluster")),
        (0, "/spec/allocateLoadBalancerNodePorts", json!(true)),
        (0, "/spec/healthCheckNodePort", json!(31_000)),
        (0, "/spec/loadBalancerClass", json!("overspill.dev/vip")),
        (0, "/spec/sessionAffinityConfig", json!({ "clientIP": { "timeoutSeconds": 10_800 } })),
        (0, "/spec/ports/0/protocol", json!("TCP")),
        (0, "/spec/ports/0/targetPort", json!(443)),
        (0, "/spec/ports/0/nodePort", json!(30_001)),
        (0, "/metadata/generation", json!(3)),
        (1, "/metadata/labels/team", json!("shop")),
        (1, "/status/validationMessages", json!([])),
        (2, "/spec/action", Value::Null),
    ] {
        assert_eq!(changed(which, path, value), TargetPlan::default(), "{path}");
    }
}

/// A webhook of the installation changes what we write, in our name: to fight it would never end.
#[test]
fn what_came_with_our_own_write_is_no_drift_and_the_same_by_another_hand_is() {
    let wanted = service("web", json!({ "ports": [{ "port": 443 }] }));
    let by = |manager: &str| {
        let mut there = written(&wanted);
        there["spec"]["trafficDistribution"] = json!("PreferClose");
        there["metadata"]["managedFields"] = json!([
            { "manager": "overspill", "time": "2026-11-26T09:00:00Z",
              "fieldsV1": { "f:metadata": { "f:annotations": { (format!("f:{APPLIED_ANNOTATION}")): {} } }, "f:spec": { "f:ports": {} } } },
            { "manager": manager, "time": "2026-11-26T10:00:00Z", "fieldsV1": { "f:spec": { "f:trafficDistribution": {} } } },
        ]);
        plan(vec![wanted.clone()], &[there])
    };
    assert_eq!(by("overspill"), TargetPlan::default());
    let found = by("kubectl-edit");
    assert_eq!(
        (kinds(&found), found.drift[0].manager.as_deref()),
        (vec!["update web".into()], Some("kubectl-edit"))
    );
}

#[test]
fn deletions_are_last_and_only_of_what_is_ours() {
    let (kept, gone) = (service("a-kept", json!({})), service("a-gone", json!({})));
    let found = plan(vec![service("z-new", json!({})), kept.clone()], &[written(&gone), written(&kept)]);
    assert_eq!(kinds(&found), ["create z-new", "delete a-gone"]);
    let WriteCommand::Delete { resource_version, .. } = &found.commands[1] else { panic!("{found:?}") };
    assert_eq!(resource_version.as_deref(), Some("7"));
    let mut going = written(&gone);
    going["metadata"]["deletionTimestamp"] = json!("2026-11-26T09:00:00Z");
    let held = plan(vec![gone], &[going.clone()]);
    assert_eq!(held.commands, [], "whoever holds it finishes first");
    assert_eq!(held.leaving[0].finalizers, ["lb.example.com/hold"]);
    assert_eq!(plan(Vec::new(), &[going]), held, "nor is it deleted twice");
    let target = "slc-a-1".parse().unwrap();
    assert_eq!(kinds(&withdraw(&owner(), &target, Some(&[written(&kept)]))), ["delete a-kept"]);
}

/// Of Istio's kinds a server keeps what is empty, and it says something.
#[test]
fn an_empty_field_that_goes_is_noticed() {
    let subject =
        |policy: Value| object("DestinationRule", "web", json!({ "host": "web", "trafficPolicy": policy }));
    let with = subject(json!({ "tls": {}, "outlierDetection": {} }));
    let without = subject(json!({ "outlierDetection": {} }));
    // wanted no longer and still there
    assert_eq!(kinds(&plan(vec![without.clone()], &[written(&with)])), ["update web"]);
    // wanted and taken away, the object's mark untouched
    let mut there = written(&with);
    there["spec"]["trafficPolicy"].as_object_mut().unwrap().remove("tls");
    let found = plan(vec![with.clone()], &[there]);
    let path: Pointer = "/spec/trafficPolicy/tls".parse().unwrap();
    assert_eq!((kinds(&found), &found.drift[0].path), (vec!["update web".to_owned()], &path));
    // not wanted and put in
    let mut there = written(&without);
    there["spec"]["trafficPolicy"]["tls"] = json!({});
    let found = plan(vec![without], &[there]);
    assert_eq!((kinds(&found), &found.drift[0].path), (vec!["update web".to_owned()], &path));
    // what a server leaves out is none missing
    let mut labels = with;
    labels["metadata"]["annotations"] = json!({});
    labels["metadata"]["ownerReferences"] = json!([]);
    let mut there = written(&labels);
    there["metadata"].as_object_mut().unwrap().remove("ownerReferences");
    assert_eq!(plan(vec![labels], &[there]), TargetPlan::default());
}

/// Controllers copy labels to what they make, as a Service's to its EndpointSlices.
#[test]
fn what_a_controller_made_of_ours_is_not_deleted() {
    let mut copied = written(&service("web-x7z", json!({})));
    copied["metadata"]["ownerReferences"] =
        json!([{ "apiVersion": "v1", "kind": "Service", "name": "web", "uid": "u-1", "controller": true }]);
    assert_eq!(plan(Vec::new(), &[copied.clone()]), TargetPlan::default());
    copied["metadata"]["ownerReferences"][0]["controller"] = json!(false);
    assert_eq!(kinds(&plan(Vec::new(), &[copied])), ["delete web-x7z"]);
}

/// All that an API server fills in where a template says nothing.
#[test]
fn defaults_of_a_service_are_no_drift() {
    let wanted = service("web", json!({ "ports": [{ "port": 443 }], "selector": { "app": "web" } }));
    let mut there = written(&wanted);
    there["spec"] = json!({ "clusterIP": "10.0.0.9", "clusterIPs": ["10.0.0.9"], "ipFamilies": ["IPv4"],
        "ipFamilyPolicy": "SingleStack", "internalTrafficPolicy": "Cluster", "sessionAffinity": "None",
        "type": "ClusterIP", "selector": { "app": "web" },
        "ports": [{ "port": 443, "protocol": "TCP", "targetPort": 443 }] });
    assert_eq!(plan(vec![wanted], &[there]), TargetPlan::default());
    let wanted = service("web", json!({ "type": "LoadBalancer", "ports": [{ "port": 443 }] }));
    let mut there = written(&wanted);
    there["spec"] = json!({ "clusterIP": "10.0.0.9", "clusterIPs": ["10.0.0.9"], "ipFamilies": ["IPv4"],
        "ipFamilyPolicy": "SingleStack", "internalTrafficPolicy": "Cluster", "sessionAffinity": "None",
        "externalTrafficPolicy": "Cluster", "allocateLoadBalancerNodePorts": true, "type": "LoadBalancer",
        "ports": [{ "port": 443, "protocol": "TCP", "targetPort": 443, "nodePort": 30443 }] });
    assert_eq!(plan(vec![wanted], &[there]), TargetPlan::default());
}

/// A write that came too late is refused by its version (409); what was read since decides anew.
#[test]
fn every_write_of_what_is_there_carries_the_version_that_was_seen() {
    let (old, new) = (
        service("web", json!({ "selector": { "app": "old" } })),
        service("web", json!({ "selector": { "app": "web" } })),
    );
    let found = plan(vec![new.clone()], &[written(&old)]);
    let [WriteCommand::Update { object }] = &found.commands[..] else { panic!("{found:?}") };
    assert_eq!(
        (&object["metadata"]["resourceVersion"], &object["metadata"]["uid"]),
        (&json!("7"), &json!("u-1"))
    );
    // refused: somebody added a finalizer and handed the object to nobody; ours says so still
    let mut since = written(&old);
    since["metadata"]["resourceVersion"] = json!("8");
    since["metadata"]["finalizers"] = json!(["lb.example.com/hold", "other.example.com/too"]);
    let found = plan(vec![new.clone()], &[since.clone()]);
    let [WriteCommand::Update { object }] = &found.commands[..] else { panic!("{found:?}") };
    assert_eq!(
        (&object["metadata"]["resourceVersion"], object["metadata"]["finalizers"].as_array().unwrap().len()),
        (&json!("8"), 2)
    );
    // refused: it is somebody else's by now
    since["metadata"]["labels"][OWNER_LABEL] = json!("other");
    let found = plan(vec![new], &[since]);
    assert_eq!((found.commands.len(), found.conflicts[0].owner.as_deref()), (0, Some("other")));
}

/// Who adopts an object writes it whole, under its mark, and lets others' labels, finalizers and owners be.
#[test]
fn an_adopted_object_becomes_ours_and_goes_with_us() {
    let wanted = service("web", json!({ "selector": { "app": "web" } }));
    let mut there = json!({ "apiVersion": "v1", "kind": "Service", "metadata": { "name": "web", "namespace": "shop",
        "resourceVersion": "3", "uid": "u-9", "labels": { "team": "shop" }, "finalizers": ["old.example.com/x"],
        "annotations": { ADOPT_ANNOTATION: "shop/web" } }, "spec": { "selector": { "app": "old" }, "clusterIP": "10.0.0.1" } });
    let found = plan(vec![wanted.clone()], &[there.clone()]);
    let [WriteCommand::Update { object }] = &found.commands[..] else { panic!("{found:?}") };
    assert_eq!(found.drift, [], "what it was before is nobody's change of ours");
    assert_eq!(object["metadata"]["labels"], json!({ "team": "shop", OWNER_LABEL: "web" }));
    assert_eq!(
        (&object["spec"]["selector"], &object["spec"]["clusterIP"]),
        (&json!({ "app": "web" }), &json!("10.0.0.1"))
    );
    let target = "slc-a-1".parse().unwrap();
    assert_eq!(
        withdraw(&owner(), &target, Some(&[there.clone()])).commands,
        [],
        "handed over, not taken yet"
    );
    assert_eq!(kinds(&withdraw(&owner(), &target, Some(std::slice::from_ref(object)))), ["delete web"]);
    there["metadata"]["annotations"][ADOPT_ANNOTATION] = json!("shop/other");
    assert_eq!(plan(vec![wanted], &[there]).conflicts.len(), 1, "handed to another");
}

pub(super) fn object(kind: &str, name: &str, spec: Value) -> Value {
    let api = match kind {
        "Service" => "v1",
        "AuthorizationPolicy" | "PeerAuthentication" => "security.istio.io/v1",
        _ => "networking.istio.io/v1",
    };
    let mut object = service(name, spec);
    (object["apiVersion"], object["kind"]) = (json!(api), json!(kind));
    object
}

#[test]
fn what_is_referred_to_comes_first_and_goes_last() {
    let kinds_of = |plan: &TargetPlan| -> Vec<String> {
        let kind = |command: &WriteCommand| match command {
            WriteCommand::Create { object } | WriteCommand::Update { object } => {
                object["kind"].as_str().unwrap().to_owned()
            }
            WriteCommand::Delete { object, .. } => object.kind.clone(),
        };
        plan.commands.iter().map(kind).collect()
    };
    let order = [
        "AuthorizationPolicy",
        "PeerAuthentication",
        "WorkloadEntry",
        "ServiceEntry",
        "Service",
        "DestinationRule",
        "Gateway",
        "VirtualService",
    ];
    let mut all: Vec<Value> = order.iter().map(|kind| object(kind, "web", json!({}))).collect();
    let mut live: Vec<Value> = all.iter().map(written).collect();
    for one in &mut live {
        one["metadata"].as_object_mut().unwrap().remove("finalizers");
    }
    for _ in 0..order.len() {
        all.rotate_left(3);
        assert_eq!(kinds_of(&plan(all.clone(), &[])), order);
    }
    let gone = withdraw(&owner(), &"slc-a-1".parse().unwrap(), Some(&live));
    assert_eq!(kinds_of(&gone), order.iter().rev().copied().collect::<Vec<_>>());
}

/// What a finalizer holds still serves: it is not bared of what protects it, nor led to what is not there.
#[test]
fn what_is_held_by_a_finalizer_keeps_what_it_needs() {
    let mut live: Vec<Value> = ["AuthorizationPolicy", "Service", "Gateway", "VirtualService"]
        .map(|kind| written(&object(kind, "web", json!({}))))
        .into();
    let hold = |object: &mut Value, is_held: bool| {
        object["metadata"]["finalizers"] = if is_held { json!(["a.example.com/hold"]) } else { json!([]) };
    };
    live.iter_mut().for_each(|object| hold(object, false));
    hold(&mut live[2], true);
    let deleted = |live: &[Value]| -> (Vec<String>, Vec<String>) {
        let plan = withdraw(&owner(), &"slc-a-1".parse().unwrap(), Some(live));
        let kinds = |keys: Vec<ObjectKey>| keys.into_iter().map(|key| key.kind).collect();
        let commands = plan.commands.iter().map(|command| command.key().unwrap()).collect();
        (kinds(commands), kinds(plan.leaving.into_iter().map(|one| one.object).collect()))
    };
    let words = |all: &[&str]| all.iter().map(|&one| one.to_owned()).collect::<Vec<String>>();
    assert_eq!(deleted(&live), (words(&["VirtualService", "Gateway"]), words(&["Gateway"])));
    live.pop();
    live[2]["metadata"]["deletionTimestamp"] = json!("2026-11-26T09:00:00Z");
    assert_eq!(deleted(&live), (vec![], words(&["Gateway"])), "the gateway serves on, and is protected");
    live.pop();
    assert_eq!(deleted(&live), (words(&["Service", "AuthorizationPolicy"]), vec![]));
    // somebody deletes one that is wanted: what it leads to is not taken away either
    let mut going = written(&object("VirtualService", "web", json!({})));
    going["metadata"]["deletionTimestamp"] = json!("2026-11-26T09:00:00Z");
    let wanted = vec![object("VirtualService", "web", json!({}))];
    let found = plan(wanted, &[going, live[1].clone()]);
    assert_eq!((found.commands, found.leaving[0].object.kind.as_str()), (vec![], "VirtualService"));
}

#[test]
fn what_a_controller_makes_is_not_taken_whatever_it_carries() {
    let wanted = service("web", json!({ "ports": [{ "port": 443 }] }));
    let mut there = written(&wanted);
    there["spec"]["ports"][0]["port"] = json!(80);
    there["metadata"]["annotations"][ADOPT_ANNOTATION] = json!("shop/web");
    there["metadata"]["ownerReferences"] = json!([{ "apiVersion": "example.com/v1", "kind": "Edge", "name": "web", "uid": "u-1", "controller": true }]);
    let found = plan(vec![wanted.clone()], &[there.clone()]);
    assert_eq!((found.commands.len(), found.conflicts[0].controller.as_deref()), (0, Some("Edge/web")));
    there["metadata"]["ownerReferences"][0]["controller"] = json!(false);
    assert_eq!(kinds(&plan(vec![wanted], &[there])), ["update web"]);
}

/// A server shows an object in the version that it was asked for, whichever it was written in.
#[test]
fn another_version_of_the_same_object_is_no_difference() {
    let mut wanted = object("Gateway", "web", json!({ "selector": { "istio": "edge" } }));
    let there = written(&wanted);
    wanted["apiVersion"] = json!("networking.istio.io/v1beta1");
    let mut there = there;
    there["metadata"]["annotations"][APPLIED_ANNOTATION] =
        marked(&wanted)["metadata"]["annotations"][APPLIED_ANNOTATION].clone();
    assert_eq!(plan(vec![wanted], &[there]), TargetPlan::default());
}

#[test]
fn an_object_that_does_not_say_which_it_is_makes_the_list_unread() {
    let mut nameless = written(&service("gone", json!({})));
    nameless.as_object_mut().unwrap().remove("kind"); // as an item of a list has none
    assert_eq!(plan(vec![service("web", json!({}))], &[nameless]), TargetPlan::default());
}

#[test]
fn a_subset_stays_until_no_route_leads_there() {
    let rule = |subsets: &[&str]| {
        let subsets: Vec<Value> = subsets.iter().map(|name| json!({ "name": name })).collect();
        object("DestinationRule", "web", json!({ "host": "web", "subsets": subsets }))
    };
    let route = |subset: &str| {
        let host = "web.shop.svc.cluster.local";
        object(
            "VirtualService",
            "web",
            json!({ "http": [{ "route": [{ "destination": { "host": host, "subset": subset } }] }] }),
        )
    };
    let apply = |plan: &TargetPlan| -> Vec<Value> {
        let object = |command: &WriteCommand| match command {
            WriteCommand::Create { object } | WriteCommand::Update { object } => object.clone(),
            WriteCommand::Delete { .. } => panic!("{command:?}"),
        };
        plan.commands.iter().map(object).collect()
    };
    let live = [written(&rule(&["v1", "canary"])), written(&route("v1"))];
    let first = plan(vec![route("v2"), rule(&["v2"])], &live);
    let names = |rule: &Value| {
        rule["spec"]["subsets"]
            .as_array()
            .unwrap()
            .iter()
            .map(|one| one["name"].as_str().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    let after = apply(&first);
    assert_eq!(
        after.iter().map(|one| one["kind"].as_str().unwrap()).collect::<Vec<_>>(),
        ["DestinationRule", "VirtualService"]
    );
    assert_eq!(names(&after[0]), ["v2", "v1"], "nobody is led to what is not there; canary was not used");
    assert_eq!(first.held_back[0].subsets, ["v1"]);
    let second = plan(vec![route("v2"), rule(&["v2"])], &after);
    let last = apply(&second);
    assert_eq!(
        (last.len(), names(&last[0]), &second.drift, &second.held_back),
        (1, vec!["v2".to_owned()], &vec![], &vec![])
    );
    let done = [last[0].clone(), after[1].clone()];
    assert_eq!(plan(vec![route("v2"), rule(&["v2"])], &done), TargetPlan::default());
}

#[test]
fn what_we_wrote_and_want_no_longer_goes_and_what_others_wrote_stays() {
    let mut old = service("web", json!({}));
    old["metadata"]["annotations"] = json!({ "networking.istio.io/exportTo": ".", "team": "shop" });
    old["metadata"]["labels"]["tier"] = json!("edge");
    let mut there = written(&old);
    there["metadata"]["labels"]["topology.example.com/rack"] = json!("r7");
    let found = plan(vec![service("web", json!({}))], &[there]);
    let [WriteCommand::Update { object }] = &found.commands[..] else { panic!("{found:?}") };
    let keys =
        |field: &str| object["metadata"][field].as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    assert_eq!(keys("labels"), [OWNER_LABEL, "topology.example.com/rack"]);
    assert_eq!(keys("annotations"), ["cloud.example.com/id", APPLIED_ANNOTATION, KEYS_ANNOTATION]);
    assert_eq!(plan(vec![service("web", json!({}))], std::slice::from_ref(object)), TargetPlan::default());
}

#[test]
fn what_zones_need_is_theirs_in_all_namespaces_and_a_namespace_is_everybodys() {
    let marked = |kind: &str, namespace: &str, zone: &str| {
        let mut one = object(kind, "east-west", json!({}));
        one["metadata"]["namespace"] = json!(namespace);
        one["metadata"]["labels"] = json!({ EAST_WEST_LABEL: zone });
        one
    };
    let namespace = |labels: Value| json!({ "apiVersion": "v1", "kind": "Namespace", "metadata": { "name": "istio-system", "labels": labels } });
    let zone: Name = "slc-a".parse().unwrap();
    let wanted = vec![
        marked("ServiceEntry", "shop", "slc-a"),
        namespace(json!({ EAST_WEST_LABEL: "slc-a", "topology.istio.io/network": "slc-a" })),
    ];
    let live = [
        namespace(json!({ "team": "mesh" })),
        written(&marked("ServiceEntry", "till", "slc-a")),
        written(&marked("ServiceEntry", "till-2", "slc-b")),
        written(&service("web", json!({}))),
    ];
    let found = reconcile(Owner::EastWest(zone.clone()), &rendering(wanted.clone()), Some(&live));
    let [
        WriteCommand::Update { object: first },
        WriteCommand::Create { object: second },
        WriteCommand::Delete { object: last, .. },
    ] = &found.commands[..]
    else {
        panic!("{found:?}")
    };
    assert_eq!(
        first["metadata"]["labels"],
        json!({ EAST_WEST_LABEL: "slc-a", "team": "mesh", "topology.istio.io/network": "slc-a" })
    );
    assert_eq!((&second["metadata"]["namespace"], last.namespace.as_str()), (&json!("shop"), "till"));
    let there = [first.clone(), second.clone()];
    assert_eq!(
        reconcile(Owner::EastWest(zone.clone()), &rendering(wanted), Some(&there)),
        TargetPlan::default()
    );
    let gone = withdraw(Owner::EastWest(zone.clone()), &"slc-a-1".parse().unwrap(), Some(&there));
    assert_eq!(kinds(&gone), ["delete east-west"], "never the namespace");
    // an access point and a zone never take each other's
    assert_eq!(
        reconcile(&owner(), &rendering(vec![object("ServiceEntry", "east-west", json!({}))]), Some(&there))
            .conflicts[0]
            .owner
            .as_deref(),
        Some("slc-a")
    );
}

#[test]
fn missing_evidence_and_faulty_renderings_write_nothing() {
    let object = service("web", json!({}));
    assert_eq!(reconcile(&owner(), &rendering(vec![object.clone()]), None), TargetPlan::default());
    assert_eq!(withdraw(&owner(), &"slc-a-1".parse().unwrap(), None), TargetPlan::default());
    let mut faulty = rendering(Vec::new());
    faulty.errors.push(crate::render::RenderError {
        object: TemplateId { kind: crate::template::TemplateKind::Service, name: "web".into() },
        rule: crate::render::Writer::Template,
        path: "".parse::<Pointer>().unwrap(),
        reason: "for the test".into(),
    });
    assert_eq!(reconcile(&owner(), &faulty, Some(&[written(&object)])), TargetPlan::default());
}
