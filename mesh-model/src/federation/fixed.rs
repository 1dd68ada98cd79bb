//! Fields that no API server lets change: to write them is refused for ever, so it is told, and nothing is written.
//!
//! Somebody has to delete the object; it is then made anew, as it is wanted. We do not do that ourselves, for a
//! Service that is deleted loses its addresses, and whoever uses them is cut off.
//!
//! Source: Kubernetes' validation of an update of a Service (`may not change once set`). Istio's schemas have no
//! such rules.

use serde::Serialize;
use serde_json::{Map, Value};

use super::{ObjectKey, text};
use crate::patch::Pointer;

/// A field that cannot be changed where the object is: delete the object, and it is made anew.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Fixed {
    /// The object, which is not written.
    pub object: ObjectKey,
    /// The field.
    #[serde(serialize_with = "super::as_text")]
    pub path: Pointer,
    /// What is wanted; null for what the server gives.
    pub wanted: Value,
    /// What is there.
    pub there: Value,
}

/// The fields of an object of ours that would have to change and cannot; `desired` carries over what is kept.
pub(super) fn fixed(key: &ObjectKey, desired: &Value, there: &Value) -> Vec<Fixed> {
    let (Some(Value::Object(wanted)), Some(Value::Object(found))) = (desired.get("spec"), there.get("spec"))
    else {
        return Vec::new();
    };
    if !key.group.is_empty() || key.kind != "Service" {
        return Vec::new();
    }
    let is_of = |object: &Value, kind: &str| text(object, "/spec/type").unwrap_or("ClusterIP") == kind;
    let both_are = |kind: &str| is_of(desired, kind) && is_of(there, kind);
    let mut differing = Vec::new();
    if !is_of(desired, "ExternalName") && !is_of(there, "ExternalName") {
        differing.extend(address(wanted, found));
        for list in ["clusterIPs", "ipFamilies"] {
            differing.extend(first_of(list, wanted, found));
        }
    }
    if both_are("LoadBalancer") {
        let class = |fields: &Map<String, Value>| fields.get("loadBalancerClass").cloned();
        if class(wanted).is_some() && class(wanted) != class(found) {
            differing.push(("/spec/loadBalancerClass", class(wanted), class(found)));
        }
        let port = |fields: &Map<String, Value>| {
            fields.get("healthCheckNodePort").filter(|port| *port != 0).cloned()
        };
        let is_local = |object: &Value| text(object, "/spec/externalTrafficPolicy") == Some("Local");
        if is_local(desired) && port(wanted).is_some() && port(found).is_some() && port(wanted) != port(found)
        {
            differing.push(("/spec/healthCheckNodePort", port(wanted), port(found)));
        }
    }
    // of one address that is written in two fields one is enough
    differing.dedup_by(|next, before| next.0 == "/spec/clusterIPs/0" && before.0 == "/spec/clusterIP");
    let fixed = |(path, wanted, there): Differing| Fixed {
        object: key.clone(),
        path: path.parse().expect("it is written as a pointer"),
        wanted: wanted.unwrap_or_default(),
        there: there.unwrap_or_default(),
    };
    differing.into_iter().map(fixed).collect()
}

/// A path, what is wanted there, what is there.
type Differing = (&'static str, Option<Value>, Option<Value>);

/// A Service has an address, or none and is headless, as long as it lives.
fn address(wanted: &Map<String, Value>, there: &Map<String, Value>) -> Option<Differing> {
    let of = |fields: &Map<String, Value>| fields.get("clusterIP").filter(|one| *one != "").cloned();
    let (wanted, there) = (of(wanted), of(there)?);
    (wanted.as_ref() != Some(&there)).then_some(("/spec/clusterIP", wanted, Some(there)))
}

/// The first of a list is fixed, a second may come and go.
fn first_of(list: &str, wanted: &Map<String, Value>, there: &Map<String, Value>) -> Option<Differing> {
    let first = |fields: &Map<String, Value>| fields.get(list)?.as_array()?.first().cloned();
    let (wanted, there) = (first(wanted)?, first(there)?);
    let path = if list == "clusterIPs" { "/spec/clusterIPs/0" } else { "/spec/ipFamilies/0" };
    (wanted != there).then_some((path, Some(wanted), Some(there)))
}

#[cfg(test)]
mod tests;
