//! Tests of what an API server's answers mean, as a table of the `Status` objects that servers send.

use serde_json::json;

use super::*;

#[test]
fn each_answer_and_what_follows_from_it() {
    let object =
        json!({ "apiVersion": "v1", "kind": "Service", "metadata": { "name": "web", "namespace": "shop" } });
    let create = WriteCommand::Create { object: object.clone() };
    let update = WriteCommand::Update { object: object.clone() };
    let delete = WriteCommand::Delete { object: create.key().unwrap(), resource_version: Some("7".into()) };
    let not_found = json!({ "reason": "NotFound", "message": "services \"web\" not found", "details": { "name": "web", "kind": "services" } });
    let no_namespace = json!({ "reason": "NotFound", "details": { "name": "shop", "kind": "namespaces" } });
    let no_page = json!({ "reason": "NotFound", "message": "the server could not find the requested resource", "details": {} });
    let going = json!({ "reason": "Forbidden", "message": "unable to create new content", "details": { "causes": [
        { "reason": "NamespaceTerminating", "message": "namespace shop is being terminated", "field": "metadata.namespace" }] } });
    let fixed = json!({ "reason": "Invalid", "details": { "causes": [
        { "reason": "FieldValueInvalid", "message": "Invalid value: [\"10.0.0.8\"]: may not change once set", "field": "spec.clusterIPs[0]" }] } });
    let wrong = json!({ "reason": "Invalid", "message": "spec.ports: Required value", "details": { "causes": [
        { "reason": "FieldValueRequired", "message": "Required value", "field": "spec.ports" }] } });
    let busy = json!({ "reason": "TooManyRequests", "details": { "retryAfterSeconds": 3 } });
    let refused = WriteAnswer::Refused;
    let later = |seconds: Option<u64>| WriteAnswer::Later { after: seconds.map(Duration::from_secs) };
    let table = [
        (&create, 201, json!({}), WriteAnswer::Done),
        (&delete, 404, not_found.clone(), WriteAnswer::Done),
        (&update, 404, not_found, WriteAnswer::Stale),
        (&create, 404, no_namespace, refused(Refusal::NoNamespace { namespace: "shop".into() })),
        (&create, 404, no_page.clone(), refused(Refusal::NoKind)),
        (&delete, 404, no_page, refused(Refusal::NoKind)),
        (&create, 409, json!({ "reason": "AlreadyExists" }), WriteAnswer::Stale),
        (&update, 409, json!({ "reason": "Conflict" }), WriteAnswer::Stale),
        (&create, 403, going, refused(Refusal::NamespaceGoing)),
        (&create, 403, json!({ "message": "no" }), refused(Refusal::Forbidden { message: "no".into() })),
        (&create, 401, Value::Null, refused(Refusal::Forbidden { message: "no reason given".into() })),
        (&update, 422, fixed, refused(Refusal::Immutable { fields: vec!["spec.clusterIPs[0]".into()] })),
        (&update, 422, wrong, refused(Refusal::Invalid { message: "spec.ports: Required value".into() })),
        (
            &create,
            400,
            json!({ "message": "denied the request" }),
            refused(Refusal::Invalid { message: "denied the request".into() }),
        ),
        (&create, 429, busy, later(Some(3))),
        (&create, 503, Value::Null, later(None)),
        (&create, 0, Value::Null, later(None)),
    ];
    for (command, code, status, expected) in table {
        assert_eq!(WriteAnswer::of(command, code, &status), expected, "{code} {status}");
    }
}
