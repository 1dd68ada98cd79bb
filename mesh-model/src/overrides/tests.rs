//! Tests of overrides: variables, what is protected, each action on an object.

use serde_json::json;

use super::*;
use crate::api::PlacementLevel;
use crate::fleet::Fleet;
use crate::fleet::tests::{cluster, zone};

fn fleet() -> Fleet {
    let mut one = cluster("slc-a-1", "{ zone: slc-a, gateway: true, network: n1 }");
    one.metadata.labels.insert("example.com/tier".into(), "edge".into());
    Fleet::new(vec![zone("slc-a", "us-west")], vec![one]).unwrap()
}

#[test]
fn variables_have_the_values_of_the_target() {
    let fleet = fleet();
    let table = [
        ("plain", Ok("plain")),
        ("${cluster.name}/${zone.name}/${region.name}/${cluster.network}", Ok("slc-a-1/slc-a/us-west/n1")),
        ("a${target.name}b", Ok("aslc-ab")),
        ("${cluster.labels.example.com/tier}", Ok("edge")),
        ("${zone.labels.of}", Ok("slc-a")),
        ("$${zone.name} $5 $ {", Ok("${zone.name} $5 $ {")),
        ("${zone.labels.none}", Err("`zone.labels.none` has no value on this target; give it the label")),
    ];
    let target = fleet.target(PlacementLevel::Zone, "slc-a").unwrap();
    for (text, expected) in table {
        let expanded = expand(&json!({ "key": [text] }), &target).map_err(|error| error.to_string());
        assert_eq!(expanded, expected.map(|text| json!({ "key": [text] })).map_err(str::to_owned), "{text}");
    }
}

#[test]
fn variables_that_nobody_knows_are_told_with_the_nearest() {
    let refused = |text: &str| variables_of(text).unwrap_err();
    assert_eq!(
        refused("${zone.nam}"),
        VariableProblem::Unknown { name: "zone.nam".into(), nearest: Some("zone.name") }
    );
    assert_eq!(refused("a${zone.name"), VariableProblem::Open { text: "a${zone.name".into() });
    assert!(matches!(refused("${}"), VariableProblem::Unknown { nearest: None, .. }));
    assert!(matches!(refused("${cluster.labels.}"), VariableProblem::Unknown { .. }));
    let all = "${cluster.name}${cluster.network}${region.name}${target.name}${zone.name}${cluster.labels.a}${zone.labels.b}";
    let printed: String = variables_of(all).unwrap().iter().map(|one| format!("${{{one}}}")).collect();
    assert_eq!(printed, all);
}

#[test]
fn what_is_protected() {
    let table = [
        ("", true),
        ("/kind", true),
        ("/apiVersion", false),
        ("/status/x", true),
        ("/metadata", true),
        ("/metadata/name", true),
        ("/metadata/namespace", true),
        ("/metadata/finalizers/-", true),
        ("/metadata/labels/overspill.dev~1access-point", true),
        ("/metadata/labels", false),
        ("/metadata/labels/a", false),
        ("/metadata/annotations/a~1b", false),
        ("/spec", false),
        ("/spec/ports/0", false),
        ("/kinds", false),
    ];
    for (pointer, expected) in table {
        assert_eq!(is_protected(&pointer.parse().unwrap()), expected, "{pointer}");
    }
}

#[test]
fn each_action_changes_what_it_says() {
    let fleet = fleet();
    let target = fleet.target(PlacementLevel::Cluster, "slc-a-1").unwrap();
    let object = json!({ "metadata": { "labels": { "a": "1", "b": "2" } }, "spec": { "x": [1] } });
    let marks = |pairs: &[(&str, Option<&str>)]| -> Marks {
        pairs.iter().map(|(key, value)| ((*key).to_owned(), value.map(str::to_owned))).collect()
    };
    let patch = |value: Value| Action::Patch(vec![Operation::from_value(&value).unwrap()]);
    let table = [
        (
            Action::Labels(marks(&[("a", None), ("none", None), ("zone", Some("${zone.name}"))])),
            json!({ "metadata": { "labels": { "b": "2", "zone": "slc-a" } }, "spec": { "x": [1] } }),
        ),
        (
            Action::Annotations(marks(&[("a", Some("1"))])),
            json!({ "metadata": { "labels": { "a": "1", "b": "2" }, "annotations": { "a": "1" } }, "spec": { "x": [1] } }),
        ),
        (
            Action::Merge(json!({ "spec": { "x": null, "y": "${region.name}" } })),
            json!({ "metadata": { "labels": { "a": "1", "b": "2" } }, "spec": { "y": "us-west" } }),
        ),
        (
            patch(json!({ "op": "add", "path": "/spec/x/-", "value": { "n": "${cluster.name}" } })),
            json!({ "metadata": { "labels": { "a": "1", "b": "2" } }, "spec": { "x": [1, { "n": "slc-a-1" }] } }),
        ),
    ];
    for (action, expected) in table {
        let rule = Rule { kind: TemplateKind::Service, name: None, action };
        let mut document = Document::new(object.clone(), Origin(0));
        assert_eq!(rule.apply(&mut document, &target, Origin(1)), Ok(Fate::Kept));
        assert_eq!(*document.value(), expected);
    }
}

#[test]
fn a_rule_that_fails_changes_nothing_and_says_why() {
    let fleet = fleet();
    let target = fleet.target(PlacementLevel::Cluster, "slc-a-1").unwrap();
    let mut document = Document::new(json!({ "spec": { "a": 1 } }), Origin(0));
    let before = document.clone();
    let operations = [
        json!({ "op": "replace", "path": "/spec/a", "value": 2 }),
        json!({ "op": "remove", "path": "/spec/b/c" }),
    ]
    .map(|one| Operation::from_value(&one).unwrap());
    let rule = |action| Rule { kind: TemplateKind::Service, name: None, action };
    let error = rule(Action::Patch(operations.into())).apply(&mut document, &target, Origin(1)).unwrap_err();
    assert_eq!(error.path().to_string(), "/spec/b/c");
    assert!(error.to_string().contains("operation 1 (remove `/spec/b/c`): there is no `b`"), "{error}");
    let none = "${cluster.labels.none}";
    let add = json!({ "op": "add", "path": "/spec/c", "value": { "d": [1, none] } });
    for (action, path) in [
        (Action::Merge(json!({ "a": { "b/c": none } })), "/a/b~1c"),
        (Action::Patch(vec![Operation::from_value(&add).unwrap()]), "/spec/c/d/1"),
        (Action::Labels([("x".to_owned(), Some(none.to_owned()))].into()), "/metadata/labels/x"),
    ] {
        let error = rule(action).apply(&mut document, &target, Origin(1)).unwrap_err();
        assert!(matches!(error, RuleError::Variable { problem: VariableProblem::NoValue { .. }, .. }));
        assert_eq!(error.path().to_string(), path);
    }
    assert_eq!(document, before);
}

#[test]
fn whom_a_rule_concerns() {
    let id = |kind, name: &str| TemplateId { kind, name: name.into() };
    let rule = |name: Option<&str>| Rule {
        kind: TemplateKind::Service,
        name: name.map(Into::into),
        action: Action::Delete,
    };
    assert!(rule(None).concerns(&id(TemplateKind::Service, "a")));
    assert!(rule(Some("a")).concerns(&id(TemplateKind::Service, "a")));
    assert!(!rule(Some("b")).concerns(&id(TemplateKind::Service, "a")));
    assert!(!rule(None).concerns(&id(TemplateKind::Gateway, "a")));
}
