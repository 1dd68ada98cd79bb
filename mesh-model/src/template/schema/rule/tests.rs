//! Tests of the rules that schemas write in CEL: each that the embedded schemas have is known, and means what it says.

use serde_json::json;

use super::super::texts;
use super::*;

/// All rules and patterns of a schema.
fn collect(schema: &Value, rules: &mut BTreeSet<String>, patterns: &mut BTreeSet<String>) {
    match schema {
        Value::Array(items) => items.iter().for_each(|item| collect(item, rules, patterns)),
        Value::Object(members) => {
            for (key, value) in members {
                match (key.as_str(), value) {
                    ("rule", Value::String(rule)) => drop(rules.insert(rule.clone())),
                    ("pattern", Value::String(pattern)) => drop(patterns.insert(pattern.clone())),
                    _ => collect(value, rules, patterns),
                }
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

#[test]
fn every_rule_of_the_schemas_is_known_and_none_is_for_nothing() {
    let (mut rules, mut patterns) = (BTreeSet::new(), BTreeSet::new());
    for schema in texts().values() {
        collect(schema, &mut rules, &mut patterns);
    }
    assert!(rules.len() > 20 && patterns.len() == 2, "{} rules, {} patterns", rules.len(), patterns.len());
    for rule in &rules {
        assert!(of(rule).is_some(), "{rule}");
    }
    assert_eq!(RULES.len(), rules.len(), "each is in some schema");
    for pattern in patterns {
        assert!(super::pattern(&pattern).is_some(), "{pattern}");
    }
}

#[test]
fn durations_as_go_writes_them() {
    for (text, expected) in [
        ("1ms", Some(1e6)),
        ("1h30m", Some(5.4e12)),
        ("1.5s", Some(1.5e9)),
        (".5s", Some(5e8)),
        ("100us", Some(1e5)),
        ("-1s", Some(-1e9)),
        ("0", Some(0.0)),
        ("5", None),
        ("", None),
        ("5 s", None),
        ("5sec", None),
        ("1d", None),
        ("s", None),
    ] {
        assert_eq!(nanoseconds(text), expected, "{text}");
    }
}

#[test]
fn each_rule_both_ways() {
    let table = [
        ("duration(self) >= duration('1ms')", json!("2s"), json!("100us")),
        (r#"self.all(key, !key.contains("*"))"#, json!({ "a": "*" }), json!({ "a*": "" })),
        ("self.all(key, key.size() != 0)", json!({ "a": "" }), json!({ "": "a" })),
        (r#"!self.contains("*")"#, json!("a"), json!("a*")),
        (r#"self != "*""#, json!("*.a"), json!("*")),
        ("self.size() == 0", json!(""), json!("a")),
        ("0 < self && self <= 65535", json!(65_535), json!(0)),
        ("self.all(key, 0 < int(key) && int(key) <= 65535)", json!({ "8080": 1 }), json!({ "http": 1 })),
        (RULES[8].0, json!({ "http-a": 1 }), json!({ "-a": 1 })),
        (RULES[9].0, json!([{ "number": 1 }, { "number": 2 }]), json!([{ "number": 1 }, { "number": 1 }])),
        (RULES[10].0, json!("unix:///a"), json!("unix://a")),
        (RULES[11].0, json!("unix:///a"), json!("unix:///a/")),
        (RULES[12].0, json!({ "address": "a", "ports": {} }), json!({ "address": "unix:///a", "ports": {} })),
        (RULES[13].0, json!({ "network": "a" }), json!({ "weight": 1 })),
        (RULES[14].0, json!({ "credentialNames": 1 }), json!({ "credentialNames": 1, "tlsCertificates": 1 })),
        (RULES[15].0, json!({ "credentialName": 1 }), json!({ "credentialName": 1, "credentialNames": 1 })),
        (RULES[16].0, json!({ "tlsCertificates": 1 }), json!({ "credentialNames": 1, "tlsCertificates": 1 })),
        (RULES[17].0, json!({ "endpoints": 1 }), json!({ "endpoints": 1, "workloadSelector": 1 })),
        (RULES[18].0, json!({ "targetRefs": 1 }), json!({ "targetRefs": 1, "selector": 1 })),
        (
            RULES[19].0,
            json!({ "addresses": ["10.0.0.0/8"], "resolution": "STATIC" }),
            json!({ "addresses": ["10.0.0.0/8"], "resolution": "DNS" }),
        ),
        (RULES[20].0, json!({ "endpoints": [], "resolution": "DNS" }), json!({ "endpoints": [] })),
        (
            RULES[21].0,
            json!({ "endpoints": [1], "resolution": "DNS_ROUND_ROBIN" }),
            json!({ "endpoints": [1, 2], "resolution": "DNS_ROUND_ROBIN" }),
        ),
        (RULES[22].0, json!({ "serviceAccounts": 1 }), json!({ "serviceAccounts": 1, "namespaces": 1 })),
        (
            RULES[23].0,
            json!({ "portLevelMtls": {}, "selector": { "matchLabels": { "a": "b" } } }),
            json!({ "portLevelMtls": {}, "selector": {} }),
        ),
    ];
    assert_eq!(table.len(), RULES.len());
    for (position, (rule, right, wrong)) in table.iter().enumerate() {
        assert_eq!(*rule, RULES[position].0);
        let holds = of(rule).expect("it is one of them");
        assert!(holds(right), "{rule} {right}");
        assert!(!holds(wrong), "{rule} {wrong}");
    }
}
