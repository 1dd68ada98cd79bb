//! A patch that fails leaves no trace: neither in the value nor in who wrote what.

use serde_json::json;

use super::*;

/// Every part with all its writers, mappings and lists too, as they show once a part is emptied; and the removals.
fn record(document: &Document) -> (Value, Vec<Write>, Vec<String>) {
    let mut probes = Vec::new();
    probe(document, document.value(), &mut Pointer::default(), &mut probes);
    (document.value().clone(), document.writes().collect(), probes)
}

/// Empties each list and mapping in a copy by a patch of its own, and notes whose it then is.
fn probe(document: &Document, part: &Value, at: &mut Pointer, probes: &mut Vec<String>) {
    let parts: Vec<(String, &Value)> = match part {
        Value::Array(items) => {
            items.iter().enumerate().map(|(index, item)| (index.to_string(), item)).collect()
        }
        Value::Object(members) => members.iter().map(|(key, member)| (key.clone(), member)).collect(),
        _ => return,
    };
    let removals: Vec<Operation> =
        parts.iter().rev().map(|(step, _)| Operation::Remove { path: at.then(step) }).collect();
    let mut emptied = document.clone();
    apply(&mut emptied, &removals, Origin(9)).expect("its parts are there");
    let own = emptied.writes().filter(|write| !write.is_removal && write.path == *at);
    probes.push(format!("{at} {:?}", own.map(|write| write.origin.0).collect::<Vec<_>>()));
    for (step, part) in parts {
        at.push(&step);
        probe(document, part, at, probes);
        at.pop();
    }
}

/// A document with some history.
fn histories() -> impl Strategy<Value = Document> {
    (documents(), prop::collection::vec(documents(), 0..3), prop::collection::vec(operations(), 0..4))
        .prop_map(|(first, merged, patched)| {
            let mut document = Document::new(first, Origin(0));
            for (patch, origin) in merged.iter().zip(1..) {
                merge(&mut document, patch, Origin(origin));
            }
            for operation in patched {
                let operation = Operation::from_value(&operation).unwrap();
                _ = apply(&mut document, &[operation], Origin(4));
            }
            document
        })
}

proptest! {
    #[test]
    fn a_patch_that_fails_leaves_the_document_as_it_was(
        document in histories(),
        patch in prop::collection::vec(operations(), 0..8),
    ) {
        let before = record(&document);
        let patch: Vec<Operation> = patch.iter().map(|one| Operation::from_value(one).unwrap()).collect();
        // so that many operations succeed before one fails, those that fail by themselves are left out
        let mut tried = document.clone();
        let mut patch: Vec<Operation> = patch
            .into_iter()
            .filter(|one| apply(&mut tried, std::slice::from_ref(one), Origin(5)).is_ok())
            .collect();
        let length = patch.len();
        patch.push(Operation::Remove { path: "/no/such/place".parse().unwrap() });
        let mut patched = document.clone();
        let error = apply(&mut patched, &patch, Origin(5)).unwrap_err();
        prop_assert_eq!(error.index, length);
        prop_assert!(patched == document);
        prop_assert_eq!(record(&patched), before);
        // and what comes later finds it so, the room for more parts included
        patch.pop();
        for document in [&mut patched, &mut document.clone()] {
            apply(document, &patch, Origin(6)).unwrap();
            prop_assert_eq!(document.value(), tried.value());
        }
    }

    /// Operations one by one and in one patch are the same, and the parts that are counted are those that are there.
    #[test]
    fn parts_are_counted_right(document in histories(), patch in prop::collection::vec(operations(), 0..8)) {
        let mut document = document;
        for operation in patch {
            let operation = Operation::from_value(&operation).unwrap();
            _ = apply(&mut document, &[operation], Origin(5));
            prop_assert_eq!(document.parts, document::size(document.value()));
        }
    }
}

#[test]
fn each_operation_is_taken_back() {
    let table: [(&str, Value); 12] = [
        ("a new member", json!({ "op": "add", "path": "/c", "value": 1 })),
        ("a member overwritten", json!({ "op": "add", "path": "/a", "value": { "x": 5 } })),
        ("the document", json!({ "op": "add", "path": "", "value": 1 })),
        ("an item", json!({ "op": "add", "path": "/b/0", "value": 1 })),
        ("a last item", json!({ "op": "add", "path": "/b/-", "value": 1 })),
        ("an item overwritten", json!({ "op": "replace", "path": "/b/1", "value": [7, 8] })),
        ("an item removed", json!({ "op": "remove", "path": "/b/0" })),
        ("a member removed", json!({ "op": "remove", "path": "/a" })),
        ("a copy", json!({ "op": "copy", "from": "/b", "path": "/b/1" })),
        ("a move within a list", json!({ "op": "move", "from": "/b/0", "path": "/b/-" })),
        ("a move over another", json!({ "op": "move", "from": "/b", "path": "/a" })),
        ("a move to the top", json!({ "op": "move", "from": "/a/x", "path": "" })),
    ];
    let mut before = Document::new(json!({ "a": { "x": 1, "y": 2 }, "b": [10, [20, 21], 30] }), Origin(0));
    merge(&mut before, &json!({ "a": { "x": 3 } }), Origin(1));
    let insert = json!({ "op": "add", "path": "/b/2", "value": 25 });
    apply(&mut before, &[Operation::from_value(&insert).unwrap()], Origin(2)).unwrap();
    for (name, operation) in table {
        let operation = Operation::from_value(&operation).unwrap();
        let mut document = before.clone();
        apply(&mut document, std::slice::from_ref(&operation), Origin(3)).unwrap();
        assert!(document != before, "{name} changes something");
        let fails = Operation::Test { path: Pointer::default(), value: json!("another") };
        let mut document = before.clone();
        apply(&mut document, &[operation, fails], Origin(3)).unwrap_err();
        assert!(document == before && record(&document) == record(&before), "{name}");
    }
}

/// A move that cannot arrive has left nothing behind, whatever it is that is in its way.
#[test]
fn a_move_that_cannot_arrive_stays() {
    let before = Document::new(json!({ "a": [1, 2], "b": { "c": 3 }, "d": 4 }), Origin(0));
    let steps = "/0".repeat(MAX_DEPTH);
    for (from, path, words) in [
        ("/a/0", "/a/2", "the list has 1 entry, there is no index 2"),
        ("/b/c", "/a/x", "`x` is no place in a list"),
        ("/b/c", "/d/x", "`4` on the way"),
        ("/b/c", "/e/x", "there is no `e`"),
        ("/a", steps.as_str(), "127 levels"),
    ] {
        let operation = Operation::Move { from: from.parse().unwrap(), path: path.parse().unwrap() };
        let mut document = before.clone();
        let error = apply(&mut document, &[operation], Origin(1)).unwrap_err();
        assert!(error.to_string().contains(words), "{error}");
        assert!(document == before && record(&document) == record(&before), "{from} to {path}");
    }
}
