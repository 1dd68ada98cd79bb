//! In which order objects are written, so that nothing ever refers to what is not there.
//!
//! Protection first and last, then whatever is referred to before whatever
//! refers to it; deletions the other way round. One object can be both: a
//! DestinationRule that loses a subset to which routes still lead keeps it until
//! they are seen to lead there no longer.

use std::collections::BTreeSet;

use serde_json::Value;

use super::ObjectKey;
use crate::name::Name;
use crate::rules::narrowness;
use crate::template::TemplateKind;
use crate::traffic::full_host;

/// The place of an object among those that are written; deletions have the reverse.
pub(super) fn rank(kind: &str) -> u8 {
    match kind.parse::<TemplateKind>() {
        Ok(TemplateKind::AuthorizationPolicy) => 0,
        Ok(TemplateKind::PeerAuthentication) => 1,
        Ok(TemplateKind::WorkloadEntry) => 2,
        Ok(TemplateKind::ServiceEntry) => 3,
        Ok(TemplateKind::Service) => 4,
        Ok(TemplateKind::DestinationRule) => 5,
        Ok(TemplateKind::Gateway) => 6,
        Ok(TemplateKind::VirtualService) => 7,
        Err(_) if kind == "Namespace" => 0,
        Err(_) => 4,
    }
}

/// The subsets to which routes among these objects lead, with the full hosts of the rules that have them: of
/// each host the narrowest, which may be a wildcard.
pub(super) fn routed(live: &[Value]) -> BTreeSet<(String, String)> {
    let mut called = BTreeSet::new();
    for route in live.iter().filter(|object| object["kind"] == "VirtualService") {
        let Some(namespace) = namespace(route) else { continue };
        collect(&route["spec"], &namespace, &mut called);
    }
    let rules = live.iter().filter(|object| object["kind"] == TemplateKind::DestinationRule.as_str());
    // those of some callers alone are nothing to the others
    let of_all = rules.filter(|rule| rule.pointer("/spec/workloadSelector").is_none_or(Value::is_null));
    let hosts: BTreeSet<String> = of_all.filter_map(host).collect();
    let of = |(host, subset): (String, String)| {
        let all = hosts.iter().filter_map(|named| Some((narrowness(named, &host)?, named)));
        let named = all.max().map(|(_, named)| named.clone());
        (named.unwrap_or(host), subset)
    };
    called.into_iter().map(of).collect()
}

/// The host of a rule in full.
fn host(rule: &Value) -> Option<String> {
    Some(full_host(rule.pointer("/spec/host")?.as_str()?, &namespace(rule)?))
}

/// Destinations are everywhere in a route (`route`, `mirror`, `mirrors`), and look the same.
fn collect(value: &Value, namespace: &Name, routed: &mut BTreeSet<(String, String)>) {
    match value {
        Value::Array(items) => items.iter().for_each(|item| collect(item, namespace, routed)),
        Value::Object(fields) => {
            let text = |field: &str| fields.get(field).and_then(Value::as_str);
            if let (Some(host), Some(subset)) = (text("host"), text("subset")) {
                routed.insert((full_host(host, namespace), subset.to_owned()));
            }
            fields.values().for_each(|field| collect(field, namespace, routed));
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// Keeps the subsets of a rule that routes lead to still; their names.
pub(super) fn keep_routed(
    key: &ObjectKey,
    desired: &mut Value,
    there: &Value,
    routed: &BTreeSet<(String, String)>,
) -> Vec<String> {
    let (Some(before), Some(after)) = (host(there), host(desired)) else { return Vec::new() };
    if key.kind != TemplateKind::DestinationRule.as_str() || before != after {
        return Vec::new();
    }
    let subsets = |object: &Value| {
        object.pointer("/spec/subsets").and_then(Value::as_array).cloned().unwrap_or_default()
    };
    let name = |subset: &Value| subset.get("name").and_then(Value::as_str).unwrap_or_default().to_owned();
    let mut wanted = subsets(desired);
    let names: BTreeSet<String> = wanted.iter().map(name).collect();
    let kept: Vec<Value> = subsets(there)
        .into_iter()
        .filter(|subset| !names.contains(&name(subset)) && routed.contains(&(before.clone(), name(subset))))
        .collect();
    let kept_names = kept.iter().map(name).collect();
    if !kept.is_empty() {
        wanted.extend(kept);
        desired["spec"]["subsets"] = Value::Array(wanted);
    }
    kept_names
}

fn namespace(object: &Value) -> Option<Name> {
    object.pointer("/metadata/namespace")?.as_str()?.parse().ok()
}

#[cfg(test)]
mod tests;
