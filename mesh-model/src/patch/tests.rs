//! Tests of patches: the examples of RFC 6901, 6902 and 7396, hostile patches,
//! the crate `json-patch` as an oracle, and who wrote what.

mod provenance;
mod rfc;
mod undo;

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

/// A document after a patch as JSON, or the error's words.
pub(super) fn patched(document: Value, patch: &Value) -> Result<Value, String> {
    let operations: Result<Vec<Operation>, OperationError> =
        patch.as_array().expect("a list").iter().map(Operation::from_value).collect();
    let mut document = Document::new(document, Origin(0));
    apply(&mut document, &operations.map_err(|error| error.to_string())?, Origin(1))
        .map_err(|error| error.to_string())?;
    Ok(document.into_value())
}

/// Documents of a few levels, with keys that need escapes.
pub(super) fn documents() -> impl Strategy<Value = Value> {
    let plain = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        (-3_i64..3).prop_map(Value::from),
        "[a-c]{0,2}".prop_map(Value::from),
    ];
    plain.prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map("[ab/~0-]{0,2}", inner, 0..4)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

fn pointers() -> impl Strategy<Value = String> {
    prop::collection::vec(prop_oneof!["[ab0-2-]", "~0|~1|01"], 0..4)
        .prop_map(|steps| steps.into_iter().map(|step| format!("/{step}")).collect())
}

pub(super) fn operations() -> impl Strategy<Value = Value> {
    (0_usize..6, pointers(), pointers(), documents()).prop_map(|(kind, path, from, value)| {
        let op = ["add", "copy", "move", "remove", "replace", "test"][kind];
        json!({ "op": op, "path": path, "from": from, "value": value })
    })
}

proptest! {
    #[test]
    fn a_difference_applied_to_the_old_is_the_new(old in documents(), new in documents()) {
        let patch = diff(&old, &new);
        let mut document = Document::new(old.clone(), Origin(0));
        apply(&mut document, &patch, Origin(1)).unwrap();
        prop_assert_eq!(document.value(), &new);
        prop_assert_eq!(diff(&old, &old), []);
        for operation in patch {
            prop_assert_eq!(Operation::from_value(&operation.to_value()), Ok(operation));
        }
    }

    #[test]
    fn another_implementation_agrees(document in documents(), patch in prop::collection::vec(operations(), 0..6)) {
        let own = patched(document.clone(), &json!(patch));
        let takes_root = patch.iter().any(|one| {
            // the other makes the document null; moves of a part onto itself and into itself differ, too
            let (op, path, from) = (&one["op"], one["path"].as_str().unwrap(), one["from"].as_str().unwrap());
            (op == "remove" && path.is_empty()) || (op == "move" && path.starts_with(from))
        });
        prop_assume!(!takes_root);
        let theirs: json_patch::Patch = serde_json::from_value(json!(patch)).unwrap();
        let mut other = document.clone();
        // its atomic form panics where it undoes a move to a place above, so the plain one is asked
        let theirs = json_patch::patch_unsafe(&mut other, &theirs).map(|()| other.clone());
        prop_assert_eq!(own.is_ok(), theirs.is_ok(), "{:?} {:?}", own, theirs);
        if let (Ok(own), Ok(theirs)) = (own, theirs) {
            prop_assert_eq!(own, theirs);
        }
    }

    #[test]
    fn another_implementation_merges_the_same(document in documents(), patch in documents()) {
        let mut own = Document::new(document.clone(), Origin(0));
        merge(&mut own, &patch, Origin(1));
        let mut theirs = document;
        json_patch::merge(&mut theirs, &patch);
        prop_assert_eq!(own.value(), &theirs);
        let once = own.value().clone();
        merge(&mut own, &patch, Origin(2));
        prop_assert_eq!(own.value(), &once, "merging again changes nothing");
    }

    #[test]
    fn a_pointer_is_printed_as_it_is_read(text in "(/[a-z0-9~/]{0,4}){0,4}") {
        if let Ok(pointer) = text.parse::<Pointer>() {
            prop_assert_eq!(pointer.to_string(), text);
        }
    }
}

#[test]
fn copies_cannot_grow_without_bound() {
    let grow = json!({ "op": "copy", "from": "", "path": "/a/-" });
    let patch = Value::Array(vec![grow; 40]);
    let refused = patched(json!({ "a": [1] }), &patch).unwrap_err();
    assert!(refused.contains("operation 15") && refused.contains("100000 parts"), "{refused}");
    let deepen = json!({ "op": "copy", "from": "", "path": "/a" });
    let refused = patched(json!({ "a": 1 }), &Value::Array(vec![deepen; 200])).unwrap_err();
    assert!(refused.contains("127 levels"), "{refused}");
}

#[test]
fn nothing_gets_deeper_at_the_end_of_a_list_either() {
    let nested = |levels: usize| (0..levels).fold(json!([]), |inner, _| json!([inner]));
    let path = |steps: usize| "/0".repeat(steps) + "/-";
    let put = |document: Value, steps: usize, levels: usize| {
        patched(document, &json!([{ "op": "add", "path": path(steps), "value": nested(levels) }]))
    };
    assert!(put(nested(60), 60, 60).is_ok());
    assert!(put(nested(100), 100, 100).unwrap_err().contains("127 levels"));
    let copy = json!([{ "op": "copy", "from": "/0", "path": path(60) }]);
    assert!(patched(nested(100), &copy).unwrap_err().contains("127 levels"));
}

/// Each operation is as quick in a large document as in a small one, and what is taken away makes room.
#[test]
fn many_operations_on_a_large_document() {
    let add = |path: &str, value: Value| json!({ "op": "add", "path": path, "value": value });
    let all = vec![add("/-", json!(0)); 50_000];
    assert_eq!(patched(json!([]), &Value::Array(all)).unwrap().as_array().unwrap().len(), 50_000);
    let large = || Value::Array(vec![json!(0); MAX_NODES - 3]);
    let replace = vec![json!({ "op": "replace", "path": "/a", "value": [1] }); 10];
    let document = json!({ "a": [0], "b": Value::Array(vec![json!(0); MAX_NODES - 4]) });
    assert!(patched(document.clone(), &Value::Array(replace)).is_ok(), "as many parts as before");
    assert!(patched(document.clone(), &json!([add("/a/-", json!(1))])).unwrap_err().contains("parts"));
    let room = json!([{ "op": "remove", "path": "/a/0" }, add("/a/-", json!(1))]);
    assert!(patched(document.clone(), &room).is_ok());
    assert!(patched(document, &json!([add("/b", large())])).unwrap_err().contains("parts"));
}

#[test]
fn a_patch_is_applied_whole_or_not_at_all() {
    let mut document = Document::new(json!({ "a": 1 }), Origin(0));
    let before = document.clone();
    let patch =
        [json!({ "op": "replace", "path": "/a", "value": 2 }), json!({ "op": "remove", "path": "/b" })]
            .map(|operation| Operation::from_value(&operation).unwrap());
    let error = apply(&mut document, &patch, Origin(1)).unwrap_err();
    let expected = PatchError {
        index: 1,
        operation: "remove",
        pointer: "/b".parse().unwrap(),
        problem: PatchProblem::NoMember { step: "b".into(), nearest: Some("a".into()) },
    };
    assert_eq!(error, expected);
    assert_eq!(document, before);
}
