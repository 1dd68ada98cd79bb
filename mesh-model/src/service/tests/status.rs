//! What a Service is told, as a table of every case: marks, addresses, and when it may go.

use std::net::IpAddr;

use serde_json::json;

use super::*;
use crate::names::DrainState;

const OTHER: &str = "other.example.com/hold";

/// A Service with these finalizers, and these addresses in its status.
fn ours(finalizers: &[&str], ingress: &Value) -> Value {
    let mut service = service("dns", json!({ "ports": [{ "port": 53 }] }));
    service["metadata"]["finalizers"] = json!(finalizers);
    service["status"] = json!({ "loadBalancer": { "ingress": ingress } });
    service
}

fn going(finalizers: &[&str], ingress: &Value) -> Value {
    let mut service = ours(finalizers, ingress);
    service["metadata"]["deletionTimestamp"] = json!("2026-11-26T09:00:00Z");
    service
}

fn of_another_type(finalizers: &[&str], ingress: &Value) -> Value {
    let mut service = ours(finalizers, ingress);
    service["spec"]["type"] = json!("ClusterIP");
    service
}

/// Checks what is to be written: `null`, `finalizers` or `ingress`.
fn check(
    case: &str,
    service: &Value,
    announced: Option<&[&str]>,
    drain: Option<DrainState>,
    expected: &Value,
) {
    let announced =
        announced.map(|all| all.iter().map(|text| text.parse().unwrap()).collect::<Vec<IpAddr>>());
    let command = publish(service, &Settings::default(), announced.as_deref(), drain).unwrap();
    let mut found = serde_json::to_value(&command).unwrap();
    if let Some(fields) = found.as_object_mut() {
        assert_eq!(fields.remove("resource_version").unwrap(), "7", "{case}");
        assert_eq!(fields.remove("object").unwrap()["name"], "dns", "{case}");
        fields.remove("kind");
    }
    assert_eq!(found, *expected, "{case}");
}

#[test]
fn a_service_that_is_wanted_is_marked_and_then_told() {
    let there = json!([{ "ip": "203.0.113.1", "ipMode": "VIP" }]);
    let added = json!([{ "ip": "203.0.113.1", "ipMode": "VIP", "ports": [] }]);
    let (foreign, none, both) = (json!([{ "hostname": "lb-9.example.com" }]), json!([]), [OTHER, FINALIZER]);
    let (vip, serving) = (Some(&["203.0.113.1"][..]), Some(DrainState::Serving));
    check("a new one is marked first", &ours(&[OTHER], &none), vip, None, &json!({ "finalizers": both }));
    check("then told", &ours(&both, &none), vip, serving, &json!({ "ingress": there }));
    check("once", &ours(&both, &there), vip, serving, &Value::Null);
    check("what a server adds is no difference", &ours(&both, &added), vip, serving, &Value::Null);
    check(
        "what was changed is put right",
        &ours(&both, &foreign),
        vip,
        serving,
        &json!({ "ingress": there }),
    );
    check("nobody knows: nothing", &ours(&both, &there), None, serving, &Value::Null);
    check("announced no longer", &ours(&both, &there), Some(&[]), serving, &json!({ "ingress": none }));
    // a cloud's controller says first that it serves it, then at which address
    let held =
        publish(&ours(&[OTHER, CLOUD_FINALIZER], &none), &Settings::default(), None, None).unwrap_err();
    assert_eq!(held, StatusConflict::Finalizer { service: "shop/dns".into() });
    check(
        "one that is marked stays ours",
        &ours(&[OTHER, CLOUD_FINALIZER, FINALIZER], &none),
        vip,
        serving,
        &json!({ "ingress": there }),
    );
    let conflict = publish(&ours(&[], &foreign), &Settings::default(), None, None).unwrap_err();
    let expected = "shop/dns has addresses of another controller (lb-9.example.com); ";
    assert!(conflict.to_string().starts_with(expected), "{conflict}");
}

#[test]
fn a_service_may_go_when_its_address_is_gone() {
    let there = json!([{ "ip": "203.0.113.1", "ipMode": "VIP" }]);
    let (none, both) = (json!([]), [OTHER, FINALIZER]);
    let vip = Some(&["203.0.113.1"][..]);
    for leaves in [going, of_another_type] {
        for state in [
            DrainState::Serving,
            DrainState::NamesGoing,
            DrainState::Waiting,
            DrainState::VipGoing,
            DrainState::Returning,
        ] {
            check("not before", &leaves(&both, &there), vip, Some(state), &Value::Null);
        }
        let gone = Some(DrainState::Gone);
        check("first its status", &leaves(&both, &there), Some(&[]), gone, &json!({ "ingress": none }));
        check("then its mark", &leaves(&both, &none), Some(&[]), gone, &json!({ "finalizers": [OTHER] }));
        check(
            "it never had an address",
            &leaves(&both, &none),
            None,
            None,
            &json!({ "finalizers": [OTHER] }),
        );
        check("without our mark it is none of ours", &leaves(&[OTHER], &there), vip, None, &Value::Null);
    }
}

/// A Service that was deleted and made anew under the name is the same owner: what it had it has, and it is
/// marked before it is told, for nothing of the old one is on it.
#[test]
fn a_service_that_is_made_anew_is_marked_and_told_anew() {
    let mut anew = ours(&[], &json!([]));
    anew["metadata"]["uid"] = json!("another");
    let (vip, serving) = (Some(&["203.0.113.1"][..]), Some(DrainState::Serving));
    for state in [serving, Some(DrainState::Returning), Some(DrainState::Gone), None] {
        check("marked first", &anew, vip, state, &json!({ "finalizers": [FINALIZER] }));
    }
    anew["metadata"]["finalizers"] = json!([FINALIZER]);
    check(
        "then told",
        &anew,
        vip,
        serving,
        &json!({ "ingress": [{ "ip": "203.0.113.1", "ipMode": "VIP" }] }),
    );
    let claims = |service: Value| World { services: vec![service], ..World::default() }.claims().claims;
    let mut before = anew.clone();
    before["metadata"]["uid"] = json!("u-1");
    assert_eq!(claims(before), claims(anew), "and it asks for the same");
}
