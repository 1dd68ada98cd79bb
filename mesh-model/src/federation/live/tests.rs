//! Tests of who wrote a field, as `managedFields` of real servers say it.

use serde_json::json;

use super::*;

#[test]
fn an_item_of_a_list_that_is_merged_by_keys_has_its_own_manager() {
    let object = json!({
        "metadata": { "finalizers": ["a"], "managedFields": [
            { "manager": "overspill", "time": "2026-11-26T09:00:00Z", "fieldsV1": { "f:spec": { "f:type": {}, "f:ports": {
                ".": {}, "k:{\"port\":443,\"protocol\":\"TCP\"}": { ".": {}, "f:port": {}, "f:targetPort": {} } } } } },
            { "manager": "kubectl-edit", "time": "2026-11-26T10:00:00Z", "fieldsV1": { "f:spec": { "f:ports": {
                "k:{\"port\":80,\"protocol\":\"TCP\"}": { ".": {}, "f:port": {}, "f:nodePort": {} } } } } },
            { "manager": "istiod", "time": "2026-11-26T08:00:00Z", "fieldsV1": { "f:spec": { "f:servers": {} } } },
        ] },
        "spec": { "type": "ClusterIP", "servers": [{ "port": 1 }],
            "ports": [{ "port": 80, "protocol": "TCP", "nodePort": 1 }, { "port": 443, "protocol": "TCP", "targetPort": 8443 }] }
    });
    for (path, manager) in [
        ("/spec/ports/0/nodePort", Some("kubectl-edit")),
        ("/spec/ports/1/targetPort", Some("overspill")),
        ("/spec/ports/1/nodePort", None),
        ("/spec/ports/0", Some("kubectl-edit")),
        ("/spec/ports/2", None),
        ("/spec/ports", Some("kubectl-edit")),
        ("/spec/servers/0/port", Some("istiod")),
        ("/spec/type", Some("overspill")),
        ("/spec/type/0", Some("overspill")),
        ("/spec/selector/app", None),
    ] {
        assert_eq!(manager_of(&object, &path.parse().unwrap()).as_deref(), manager, "{path}");
    }
}
