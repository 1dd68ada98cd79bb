//! The examples of the RFCs, and what each operation is refused for.

use serde_json::json;

use super::*;

/// RFC 6901 section 5.
#[test]
fn pointers_of_rfc_6901() {
    let document = json!({
        "foo": ["bar", "baz"], "": 0, "a/b": 1, "c%d": 2, "e^f": 3, "g|h": 4, "i\\j": 5, "k\"l": 6, " ": 7, "m~n": 8
    });
    let table = [
        ("", document.clone()),
        ("/foo", json!(["bar", "baz"])),
        ("/foo/0", json!("bar")),
        ("/", json!(0)),
        ("/a~1b", json!(1)),
        ("/c%d", json!(2)),
        ("/e^f", json!(3)),
        ("/g|h", json!(4)),
        ("/i\\j", json!(5)),
        ("/k\"l", json!(6)),
        ("/ ", json!(7)),
        ("/m~0n", json!(8)),
    ];
    for (pointer, value) in table {
        let test = json!([{ "op": "test", "path": pointer, "value": value }]);
        assert_eq!(patched(document.clone(), &test), Ok(document.clone()), "{pointer}");
    }
    for (text, expected) in [
        ("foo", ParsePointerError::NoSlash { text: "foo".into() }),
        ("/a~2", ParsePointerError::Escape { text: "/a~2".into() }),
        ("/a~", ParsePointerError::Escape { text: "/a~".into() }),
    ] {
        assert_eq!(text.parse::<Pointer>(), Err(expected));
    }
    assert_eq!("/~01".parse::<Pointer>().unwrap().steps()[0].as_ref(), "~1", "not unescaped twice");
}

/// RFC 6902 appendix A: number, document, patch, result; `null` where it must fail.
const APPENDIX_A: &str = r#"[
    [1, { "foo": "bar" }, [{ "op": "add", "path": "/baz", "value": "qux" }], { "baz": "qux", "foo": "bar" }],
    [2, { "foo": ["bar", "baz"] }, [{ "op": "add", "path": "/foo/1", "value": "qux" }], { "foo": ["bar", "qux", "baz"] }],
    [3, { "baz": "qux", "foo": "bar" }, [{ "op": "remove", "path": "/baz" }], { "foo": "bar" }],
    [4, { "foo": ["bar", "qux", "baz"] }, [{ "op": "remove", "path": "/foo/1" }], { "foo": ["bar", "baz"] }],
    [5, { "baz": "qux", "foo": "bar" }, [{ "op": "replace", "path": "/baz", "value": "boo" }], { "baz": "boo", "foo": "bar" }],
    [6, { "foo": { "bar": "baz", "waldo": "fred" }, "qux": { "corge": "grault" } },
        [{ "op": "move", "from": "/foo/waldo", "path": "/qux/thud" }],
        { "foo": { "bar": "baz" }, "qux": { "corge": "grault", "thud": "fred" } }],
    [7, { "foo": ["all", "grass", "cows", "eat"] }, [{ "op": "move", "from": "/foo/1", "path": "/foo/3" }],
        { "foo": ["all", "cows", "eat", "grass"] }],
    [8, { "baz": "qux", "foo": ["a", 2, "c"] },
        [{ "op": "test", "path": "/baz", "value": "qux" }, { "op": "test", "path": "/foo/1", "value": 2 }],
        { "baz": "qux", "foo": ["a", 2, "c"] }],
    [9, { "baz": "qux" }, [{ "op": "test", "path": "/baz", "value": "bar" }], null],
    [10, { "foo": "bar" }, [{ "op": "add", "path": "/child", "value": { "grandchild": {} } }],
        { "foo": "bar", "child": { "grandchild": {} } }],
    [11, { "foo": "bar" }, [{ "op": "add", "path": "/baz", "value": "qux", "xyz": 123 }], { "foo": "bar", "baz": "qux" }],
    [12, { "foo": "bar" }, [{ "op": "add", "path": "/baz/bat", "value": "qux" }], null],
    [14, { "/": 9, "~1": 10 }, [{ "op": "test", "path": "/~01", "value": 10 }], { "/": 9, "~1": 10 }],
    [15, { "/": 9, "~1": 10 }, [{ "op": "test", "path": "/~01", "value": "10" }], null],
    [16, { "foo": ["bar"] }, [{ "op": "add", "path": "/foo/-", "value": ["abc", "def"] }], { "foo": ["bar", ["abc", "def"]] }]
]"#;

/// Number 13 has one member twice, which no JSON value can have.
#[test]
fn examples_of_rfc_6902() {
    let rows: Vec<(u32, Value, Value, Option<Value>)> = serde_json::from_str(APPENDIX_A).unwrap();
    for (number, document, patch, expected) in rows {
        assert_eq!(patched(document, &patch).ok(), expected, "A.{number}");
    }
}

/// What the RFC leaves to care: the whole document, null, numbers, places in lists.
#[test]
fn corners_of_rfc_6902() {
    let document = json!({ "a": [1, 2], "n": null, "f": 1.0, "big": 18_446_744_073_709_551_615_u64 });
    let table: [(Value, Result<Value, &str>); 23] = [
        (json!({ "op": "replace", "path": "", "value": 1 }), Ok(json!(1))),
        (json!({ "op": "add", "path": "", "value": null }), Ok(Value::Null)),
        (json!({ "op": "remove", "path": "" }), Err("the whole document cannot be taken away")),
        (json!({ "op": "test", "path": "/n", "value": null }), Ok(document.clone())),
        (json!({ "op": "test", "path": "/n" }), Err("`value` is missing")),
        (json!({ "op": "test", "path": "/f", "value": 1 }), Ok(document.clone())),
        (json!({ "op": "test", "path": "/a/0", "value": 1.0 }), Ok(document.clone())),
        (json!({ "op": "test", "path": "/a", "value": [2, 1] }), Err("`[1,2]` is there, not `[2,1]`")),
        (
            json!({ "op": "test", "path": "/big", "value": 18_446_744_073_709_551_614_u64 }),
            Err("is there, not"),
        ),
        (json!({ "op": "test", "path": "/none", "value": null }), Err("there is no `none`")),
        (json!({ "op": "remove", "path": "/a/-" }), Err("`-` is no place in a list")),
        (
            json!({ "op": "remove", "path": "/a/2" }),
            Err("the list has 2 entries, there is no index 2 (counted from 0)"),
        ),
        (
            json!({ "op": "add", "path": "/a/3", "value": 1 }),
            Err("the list has 2 entries, there is no index 3"),
        ),
        (json!({ "op": "add", "path": "/a/01", "value": 1 }), Err("without leading zeros")),
        (json!({ "op": "add", "path": "/a/-1", "value": 1 }), Err("`-1` is no place in a list")),
        (json!({ "op": "add", "path": "/a/", "value": 1 }), Err("`` is no place in a list")),
        (json!({ "op": "replace", "path": "/c", "value": 1 }), Err("there is no `c`; did you mean `a`?")),
        (json!({ "op": "add", "path": "/f/x", "value": 1 }), Err("there is `1.0` on the way")),
        (json!({ "op": "move", "from": "/a", "path": "/a/0" }), Err("cannot be moved into itself")),
        (json!({ "op": "move", "from": "/a", "path": "/a" }), Ok(document.clone())),
        (json!({ "op": "copy", "path": "/a" }), Err("`from` is missing")),
        (json!({ "op": "append", "path": "/a" }), Err("`append` is no operation")),
        (json!({ "op": "repalce", "path": "/a" }), Err("did you mean `replace`?")),
    ];
    for (operation, expected) in table {
        let found = patched(document.clone(), &json!([operation]));
        match (&found, &expected) {
            (Err(found), Err(expected)) => assert!(found.contains(expected), "{operation}: {found}"),
            _ => assert_eq!(found.as_ref().ok(), expected.as_ref().ok(), "{operation}: {found:?}"),
        }
    }
}

/// RFC 6902 section 4.6: numbers are equal if their values are, which rounding must not decide.
#[test]
fn numbers_are_compared_by_their_exact_values() {
    // one more than what a float holds exactly, and the float beside it
    let odd = 9_007_199_254_740_993_u64;
    let table = [
        (json!(odd), json!(9_007_199_254_740_992.0), false),
        (json!(odd - 1), json!(9_007_199_254_740_992.0), true),
        (json!(-9_007_199_254_740_993_i64), json!(-9_007_199_254_740_992.0), false),
        (json!(i64::MIN), json!(-9_223_372_036_854_775_808.0), true),
        (json!(u64::MAX), json!(18_446_744_073_709_551_616.0), false),
        (json!(1), json!(1.5), false),
        (json!(0), json!(-0.0), true),
        (json!(0.0), json!(-0.0), true),
        (json!(1e300), json!(1e300), true),
        (json!(1e300), json!(1), false),
        (json!(0.5), json!(0.5), true),
    ];
    for (one, other, expected) in table {
        for (there, wanted) in [(&one, &other), (&other, &one)] {
            let test = json!([{ "op": "test", "path": "/n", "value": [wanted] }]);
            let found = patched(json!({ "n": [there] }), &test);
            assert_eq!(found.is_ok(), expected, "{there} and {wanted}: {found:?}");
        }
    }
}

/// RFC 7396 appendix A: original, patch, result.
#[test]
fn examples_of_rfc_7396() {
    let table = [
        (json!({ "a": "b" }), json!({ "a": "c" }), json!({ "a": "c" })),
        (json!({ "a": "b" }), json!({ "b": "c" }), json!({ "a": "b", "b": "c" })),
        (json!({ "a": "b" }), json!({ "a": null }), json!({})),
        (json!({ "a": "b", "b": "c" }), json!({ "a": null }), json!({ "b": "c" })),
        (json!({ "a": ["b"] }), json!({ "a": "c" }), json!({ "a": "c" })),
        (json!({ "a": "c" }), json!({ "a": ["b"] }), json!({ "a": ["b"] })),
        (json!({ "a": { "b": "c" } }), json!({ "a": { "b": "d", "c": null } }), json!({ "a": { "b": "d" } })),
        (json!({ "a": [{ "b": "c" }] }), json!({ "a": [1] }), json!({ "a": [1] })),
        (json!(["a", "b"]), json!(["c", "d"]), json!(["c", "d"])),
        (json!({ "a": "b" }), json!(["c"]), json!(["c"])),
        (json!({ "a": "foo" }), json!(null), json!(null)),
        (json!({ "a": "foo" }), json!("bar"), json!("bar")),
        (json!({ "e": null }), json!({ "a": 1 }), json!({ "e": null, "a": 1 })),
        (json!([1, 2]), json!({ "a": "b", "c": null }), json!({ "a": "b" })),
        (json!({}), json!({ "a": { "bb": { "ccc": null } } }), json!({ "a": { "bb": {} } })),
    ];
    for (original, patch, result) in table {
        let mut document = Document::new(original.clone(), Origin(0));
        merge(&mut document, &patch, Origin(1));
        assert_eq!(*document.value(), result, "{original} with {patch}");
    }
}
