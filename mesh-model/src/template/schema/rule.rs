//! What schemas say in CEL and in regular expressions.
//!
//! No evaluator: Istio's CRDs have some twenty rules, again and again, so each
//! is known by its text and written here as a function. A test reads the
//! embedded schemas and fails at a rule that is not here, so that new schemas
//! cannot weaken the check. Source: the `x-kubernetes-validations` and
//! `pattern`s of Istio's CRDs (`data/README.md`).

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use crate::name::is_subdomain;

/// Whether a value satisfies a rule.
pub(super) type Holds = fn(&Value) -> bool;
/// Whether a text matches a pattern.
pub(super) type Matches = fn(&str) -> bool;

/// The rule of this text, in one line; `None` if nobody knows it.
pub(super) fn of(rule: &str) -> Option<Holds> {
    RULES.iter().find(|(known, _)| *known == rule).map(|(_, holds)| *holds)
}

/// Writes the rules of a schema in one line each, as they are here: YAML folds the lines of some.
pub(super) fn unfold(schema: &mut Value) {
    match schema {
        Value::Array(items) => items.iter_mut().for_each(unfold),
        Value::Object(members) => {
            for (key, value) in members {
                match value {
                    Value::String(rule) if key == "rule" => {
                        *rule = rule.split_whitespace().collect::<Vec<_>>().join(" ");
                    }
                    _ => unfold(value),
                }
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// The pattern of this text; `None` if nobody knows it.
pub(super) fn pattern(pattern: &str) -> Option<Matches> {
    match pattern {
        r"^$|^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$" => {
            Some(|text| text.is_empty() || is_subdomain(text))
        }
        r"^[a-zA-Z]([-a-zA-Z0-9]*[a-zA-Z0-9])?$" => Some(|text| {
            text.starts_with(|first: char| first.is_ascii_alphabetic())
                && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
                && !text.ends_with('-')
        }),
        _ => None,
    }
}

type Rule = (&'static str, Holds);

/// Each rule as the schemas have it, and what it means.
const RULES: &[Rule] = &[
    ("duration(self) >= duration('1ms')", |value| nanoseconds(text(value)).is_some_and(|all| all >= 1e6)),
    (r#"self.all(key, !key.contains("*"))"#, |value| keys(value).all(|key| !key.contains('*'))),
    ("self.all(key, key.size() != 0)", |value| keys(value).all(|key| !key.is_empty())),
    (r#"!self.contains("*")"#, |value| !text(value).contains('*')),
    (r#"self != "*""#, |value| text(value) != "*"),
    ("self.size() == 0", |value| text(value).is_empty()),
    ("0 < self && self <= 65535", is_port),
    ("self.all(key, 0 < int(key) && int(key) <= 65535)", |value| {
        keys(value).all(|key| key.parse::<i64>().is_ok_and(|port| (1..=65_535).contains(&port)))
    }),
    (
        r#"self.all(key, size(key) < 63 && key.matches("^[a-zA-Z0-9](?:[-a-zA-Z0-9]*[a-zA-Z0-9])?$"))"#,
        |value| keys(value).all(is_port_name),
    ),
    ("self.all(l1, self.exists_one(l2, l1.number == l2.number))", |value| {
        let items = value.as_array().map(Vec::as_slice).unwrap_or_default();
        let numbers: Vec<Option<i64>> = items.iter().map(|item| item["number"].as_i64()).collect();
        numbers.iter().collect::<BTreeSet<_>>().len() == numbers.len()
    }),
    (
        r#"self.startsWith("unix://") ? (self.substring(7, 8) == "/" || self.substring(7, 8) == "@") : true"#,
        |value| text(value).strip_prefix("unix://").is_none_or(|path| path.starts_with(['/', '@'])),
    ),
    (r#"self.startsWith("unix://") ? !self.endsWith("/") : true"#, |value| {
        !text(value).starts_with("unix://") || !text(value).ends_with('/')
    }),
    (r#"(has(self.address) ? self.address : "").startsWith("unix://") ? !has(self.ports) : true"#, |value| {
        !text(&value["address"]).starts_with("unix://") || !has(value, "ports")
    }),
    ("has(self.address) || has(self.network)", |value| has(value, "address") || has(value, "network")),
    ("(has(self.tlsCertificates) ? 1 : 0) + (has(self.credentialNames) ? 1 : 0) <= 1", |value| {
        at_most_one(value, &["tlsCertificates", "credentialNames"])
    }),
    ("(has(self.credentialName) ? 1 : 0) + (has(self.credentialNames) ? 1 : 0) <= 1", |value| {
        at_most_one(value, &["credentialName", "credentialNames"])
    }),
    ("(has(self.credentialNames) ? 1 : 0) + (has(self.tlsCertificates) ? 1 : 0) <= 1", |value| {
        at_most_one(value, &["credentialNames", "tlsCertificates"])
    }),
    ("(has(self.workloadSelector) ? 1 : 0) + (has(self.endpoints) ? 1 : 0) <= 1", |value| {
        at_most_one(value, &["workloadSelector", "endpoints"])
    }),
    (
        "(has(self.selector) ? 1 : 0) + (has(self.targetRef) ? 1 : 0) + (has(self.targetRefs) ? 1 : 0) <= 1",
        |value| at_most_one(value, &["selector", "targetRef", "targetRefs"]),
    ),
    (
        r#"!((has(self.addresses) ? self.addresses : []).exists(k, k.contains("/")) && !((has(self.resolution) ? self.resolution : "NONE") in ["STATIC", "NONE"]))"#,
        |value| {
            let mut addresses = value["addresses"].as_array().into_iter().flatten();
            ["STATIC", "NONE"].contains(&resolution(value)) || addresses.all(|one| !text(one).contains('/'))
        },
    ),
    (
        r#"((has(self.resolution) ? self.resolution : "NONE") == "NONE") ? !has(self.endpoints) : true"#,
        |value| resolution(value) != "NONE" || !has(value, "endpoints"),
    ),
    (
        r#"((has(self.resolution) ? self.resolution : "") == "DNS_ROUND_ROBIN") ? ((has(self.endpoints) ? self.endpoints : []).size() <= 1) : true"#,
        |value| {
            resolution(value) != "DNS_ROUND_ROBIN"
                || value["endpoints"].as_array().is_none_or(|endpoints| endpoints.len() <= 1)
        },
    ),
    (
        "(has(self.serviceAccounts) || has(self.notServiceAccounts)) ? (!has(self.principals) && !has(self.notPrincipals) && !has(self.namespaces) && !has(self.notNamespaces)) : true",
        |value| {
            let any = |fields: &[&str]| fields.iter().any(|field| has(value, field));
            !any(&["serviceAccounts", "notServiceAccounts"])
                || !any(&["principals", "notPrincipals", "namespaces", "notNamespaces"])
        },
    ),
    (
        "has(self.portLevelMtls) ? (((has(self.selector) && has(self.selector.matchLabels)) ? self.selector.matchLabels : {}).size() > 0) : true",
        |value| {
            !has(value, "portLevelMtls")
                || value["selector"]["matchLabels"].as_object().is_some_and(|labels| !labels.is_empty())
        },
    ),
];

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

fn has(value: &Value, field: &str) -> bool {
    value.get(field).is_some()
}

fn keys(value: &Value) -> impl Iterator<Item = &str> {
    value.as_object().into_iter().flat_map(Map::keys).map(String::as_str)
}

fn at_most_one(value: &Value, fields: &[&str]) -> bool {
    fields.iter().filter(|field| has(value, field)).count() <= 1
}

/// How a ServiceEntry finds its endpoints.
fn resolution(value: &Value) -> &str {
    value["resolution"].as_str().unwrap_or("NONE")
}

fn is_port(value: &Value) -> bool {
    value.as_i64().is_some_and(|port| (1..=65_535).contains(&port))
}

fn is_port_name(name: &str) -> bool {
    let bytes = name.as_bytes();
    let is_edge = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_alphanumeric);
    bytes.len() < 63
        && is_edge(bytes.first())
        && is_edge(bytes.last())
        && bytes.iter().all(|byte| byte.is_ascii_alphanumeric() || *byte == b'-')
}

/// A duration as Go and CEL write it, `1h30m` or `1.5s`; `None` for what is none.
fn nanoseconds(text: &str) -> Option<f64> {
    const UNITS: [(&str, f64); 8] = [
        ("ns", 1.0),
        ("us", 1e3),
        ("\u{b5}s", 1e3),
        ("\u{3bc}s", 1e3),
        ("ms", 1e6),
        ("s", 1e9),
        ("m", 6e10),
        ("h", 3.6e12),
    ];
    let (mut rest, mut sum) = (text.strip_prefix(['-', '+']).unwrap_or(text), 0.0);
    if rest == "0" {
        return Some(0.0);
    }
    if rest.is_empty() {
        return None;
    }
    while !rest.is_empty() {
        let end = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let number: f64 = rest[..end].parse().ok()?;
        let after = &rest[end..];
        let length = after.find(|c: char| c.is_ascii_digit() || c == '.').unwrap_or(after.len());
        let (_, unit) = UNITS.iter().find(|(name, _)| *name == &after[..length])?;
        sum += number * unit;
        rest = &after[length..];
    }
    Some(if text.starts_with('-') { -sum } else { sum })
}

#[cfg(test)]
mod tests;
