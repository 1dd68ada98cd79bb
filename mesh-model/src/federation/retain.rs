//! What the API server and its controllers put into an object, carried over into what we write.
//!
//! Only where the template does not say otherwise: a field that is wanted wins.

use serde_json::{Map, Value};

/// Carries over what is there and not ours to decide.
pub(super) fn retain(desired: &mut Value, there: &Value) {
    let keep = |desired: &mut Map<String, Value>, there: &Map<String, Value>, fields: &[&str]| {
        for field in fields {
            if let (false, Some(value)) = (desired.contains_key(*field), there.get(*field)) {
                desired.insert((*field).to_owned(), value.clone());
            }
        }
    };
    let both = |desired: &mut Value, field: &str| -> Option<Map<String, Value>> {
        desired.get(field)?.as_object()?;
        there.get(field)?.as_object().cloned()
    };
    if let Some(metadata) = both(desired, "metadata") {
        let wanted = desired["metadata"].as_object_mut().expect("just looked at");
        keep(wanted, &metadata, &["resourceVersion", "uid", "finalizers", "ownerReferences"]);
        if let (Some(Value::Object(wanted)), Some(Value::Object(there))) =
            (wanted.get_mut("annotations"), metadata.get("annotations"))
        {
            for (key, value) in there {
                wanted.entry(key.clone()).or_insert_with(|| value.clone());
            }
        }
    }
    if desired["kind"] != "Service" || desired["apiVersion"] != "v1" {
        return;
    }
    if let Some(spec) = both(desired, "spec") {
        let wanted = desired["spec"].as_object_mut().expect("just looked at");
        let kind = wanted.get("type").and_then(Value::as_str).unwrap_or("ClusterIP").to_owned();
        if kind != "ExternalName" {
            keep(wanted, &spec, &["clusterIP", "clusterIPs"]);
        }
        if kind == "LoadBalancer" && wanted.get("externalTrafficPolicy") == Some(&"Local".into()) {
            keep(wanted, &spec, &["healthCheckNodePort"]);
        }
        if matches!(kind.as_str(), "LoadBalancer" | "NodePort") {
            node_ports(wanted, &spec);
        }
    }
}

/// A port keeps its number on the nodes while it is the same by name, protocol and number.
fn node_ports(wanted: &mut Map<String, Value>, there: &Map<String, Value>) {
    let key = |port: &Value| {
        let text = |field: &str, default: &str| {
            port.get(field).and_then(Value::as_str).unwrap_or(default).to_owned()
        };
        (text("name", ""), text("protocol", "TCP"), port.get("port").and_then(Value::as_u64))
    };
    let Some(there) = there.get("ports").and_then(Value::as_array) else { return };
    for port in wanted.get_mut("ports").and_then(Value::as_array_mut).into_iter().flatten() {
        let number =
            there.iter().find(|other| key(other) == key(port)).and_then(|other| other.get("nodePort"));
        if let (Some(number), Some(fields)) = (number.cloned(), port.as_object_mut()) {
            fields.entry("nodePort").or_insert(number);
        }
    }
}
