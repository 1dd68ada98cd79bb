//! What the API server and its controllers put into an object, carried over into what we write.
//!
//! Only where the template does not say otherwise: a field that is wanted wins.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::KEYS_ANNOTATION;

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
        let ours =
            metadata.get("annotations").and_then(|all| all.get(KEYS_ANNOTATION)).and_then(Value::as_str);
        let ours: BTreeSet<&str> = ours.into_iter().flat_map(|keys| keys.split(',')).collect();
        for field in ["annotations", "labels"] {
            let (Some(Value::Object(wanted)), Some(Value::Object(there))) =
                (wanted.get_mut(field), metadata.get(field))
            else {
                continue;
            };
            // what we wrote and want no longer goes, what others wrote stays
            for (key, value) in there.iter().filter(|(key, _)| !ours.contains(key.as_str())) {
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
            // one that is to have an address does not become headless by what is there
            let is_headless = spec.get("clusterIP") == Some(&"None".into());
            if !is_headless
                && (!wanted.contains_key("clusterIP") || wanted.get("clusterIP") == spec.get("clusterIP"))
            {
                keep(wanted, &spec, &["clusterIP", "clusterIPs"]);
            }
            families(wanted, &spec);
        }
        if kind == "LoadBalancer" && spec.get("type") == Some(&"LoadBalancer".into()) {
            // no server lets the class change, and one that is told nothing of ports on nodes opens some
            keep(wanted, &spec, &["loadBalancerClass", "allocateLoadBalancerNodePorts"]);
        }
        if kind == "LoadBalancer" && wanted.get("externalTrafficPolicy") == Some(&"Local".into()) {
            keep(wanted, &spec, &["healthCheckNodePort"]);
        }
        let has_node_ports = match kind.as_str() {
            "LoadBalancer" => wanted.get("allocateLoadBalancerNodePorts") != Some(&Value::Bool(false)),
            kind => kind == "NodePort",
        };
        if has_node_ports {
            node_ports(wanted, &spec);
        }
    }
}

/// Who says nothing of families keeps them; who wants one has one address.
fn families(wanted: &mut Map<String, Value>, there: &Map<String, Value>) {
    const FIELDS: [&str; 2] = ["ipFamilies", "ipFamilyPolicy"];
    if FIELDS.iter().all(|field| !wanted.contains_key(*field)) {
        for field in FIELDS {
            if let Some(value) = there.get(field) {
                wanted.insert(field.to_owned(), value.clone());
            }
        }
    } else if wanted.get("ipFamilyPolicy") == Some(&"SingleStack".into())
        && let Some(addresses) = wanted.get_mut("clusterIPs").and_then(Value::as_array_mut)
    {
        addresses.truncate(1);
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
