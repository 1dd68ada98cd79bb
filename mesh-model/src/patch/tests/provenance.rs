//! Who wrote what: each field's writers survive shifts, moves and merges.

use serde_json::json;

use super::*;

/// All writes as `writer path`, a removal with a minus.
fn writes(document: &Document) -> Vec<String> {
    let line = |write: Write| {
        format!("{}{} {}", if write.is_removal { "-" } else { "" }, write.origin.0, write.path)
    };
    document.writes().map(line).collect()
}

fn after(document: Value, patches: &[Value]) -> Vec<String> {
    let mut document = Document::new(document, Origin(0));
    for (patch, origin) in patches.iter().zip(1..) {
        match patch {
            Value::Array(operations) => {
                let operations: Vec<Operation> =
                    operations.iter().map(|one| Operation::from_value(one).unwrap()).collect();
                apply(&mut document, &operations, Origin(origin)).unwrap();
            }
            patch => merge(&mut document, patch, Origin(origin)),
        }
    }
    writes(&document)
}

#[test]
fn the_last_write_of_a_path_holds() {
    let table: [(&str, Value, Vec<Value>, &[&str]); 9] = [
        ("a template alone", json!({ "a": { "b": 1 }, "c": [] }), vec![], &["0 /a/b", "0 /c"]),
        (
            "two overrides of one field",
            json!({ "a": 1 }),
            vec![json!({ "a": 2 }), json!({ "a": 3 })],
            &["0 /a", "1 /a", "2 /a"],
        ),
        (
            "what follows a removed item keeps its writer",
            json!([10, 20, 30]),
            vec![json!([{ "op": "remove", "path": "/0" }])],
            &["0 /0", "0 /1", "-1 /-"],
        ),
        (
            "what was removed in an item that was removed in turn",
            json!([{ "a": 1, "b": 2 }, { "a": 3 }]),
            vec![json!([{ "op": "remove", "path": "/0/a" }]), json!([{ "op": "remove", "path": "/0" }])],
            &["0 /0/a", "-1 /-/a", "-2 /-"],
        ),
        (
            "removed, and written again by the same patch",
            json!({ "a": 1 }),
            vec![json!([{ "op": "remove", "path": "/a" }, { "op": "add", "path": "/a", "value": 2 }])],
            &["-1 /a", "1 /a"],
        ),
        (
            "an inserted item",
            json!([10]),
            vec![json!([{ "op": "add", "path": "/0", "value": 5 }])],
            &["0 /1", "1 /0"],
        ),
        (
            "a move is a write where it arrives and a removal where it left",
            json!({ "a": { "b": 1 } }),
            vec![json!([{ "op": "move", "from": "/a/b", "path": "/c" }])],
            &["0 /c", "0 /a", "1 /c", "-1 /a/b"],
        ),
        (
            "replacing a mapping keeps the writers of what has the same name",
            json!({ "a": { "b": 1, "c": 2 } }),
            vec![json!([{ "op": "replace", "path": "/a", "value": { "b": 3 } }])],
            &["0 /a/b", "1 /a/b"],
        ),
        (
            "null in a merge patch removes",
            json!({ "a": 1, "b": 2 }),
            vec![json!({ "a": null, "c": { "d": 4 } })],
            &["0 /b", "1 /c/d", "-1 /a"],
        ),
    ];
    for (name, document, patches, expected) in table {
        let mut found = after(document, &patches);
        let mut expected: Vec<String> = expected.iter().map(ToString::to_string).collect();
        found.sort();
        expected.sort();
        assert_eq!(found, expected, "{name}");
    }
}

proptest! {
    /// Precedence is total: every field of the result has exactly one last writer, and no other path claims to be there.
    #[test]
    fn every_field_has_a_last_writer(document in documents(), patches in prop::collection::vec(documents(), 0..4)) {
        let mut tracked = Document::new(document, Origin(0));
        for (patch, origin) in patches.iter().zip(1..) {
            merge(&mut tracked, patch, Origin(origin));
        }
        let value = tracked.value();
        let mut last = std::collections::BTreeMap::new();
        for write in tracked.writes().filter(|write| !write.is_removal) {
            let found = value.pointer(&write.path.to_string());
            let is_field = |value: &Value| match value {
                Value::Array(items) => items.is_empty(),
                Value::Object(members) => members.is_empty(),
                _ => true,
            };
            prop_assert!(found.is_some_and(is_field), "{} in {}", write.path, value);
            let before = last.insert(write.path.clone(), write.origin);
            prop_assert!(before.is_none_or(|before| before < write.origin), "{}", write.path);
        }
    }
    /// What is there was not removed last, whatever has come to its place.
    #[test]
    fn what_is_there_was_not_removed_last(document in documents(), wanted in prop::collection::vec(documents(), 1..4)) {
        let mut tracked = Document::new(document, Origin(0));
        for (wanted, origin) in wanted.iter().zip(1..) {
            let patch = diff(tracked.value(), wanted);
            apply(&mut tracked, &patch, Origin(origin)).unwrap();
        }
        let last: std::collections::BTreeMap<String, bool> =
            tracked.writes().map(|write| (write.path.to_string(), write.is_removal)).collect();
        for (path, is_removal) in last {
            let is_field = tracked.value().pointer(&path).is_some_and(|value| match value {
                Value::Array(items) => items.is_empty(),
                Value::Object(members) => members.is_empty(),
                _ => true,
            });
            prop_assert!(!(is_removal && is_field), "{path} in {}", tracked.value());
        }
    }
}
