//! Tests of keys in values of any type: which text each is, and what is told of the others.

use crate::Source;

/// In a value of any type: the keys that a text has, or the line and column, field and message of its fault.
#[test]
fn keys_of_other_peoples_objects_are_texts_as_servers_make_them() {
    let read = |text: &str| Source::new("any.yaml", text).parse::<serde_json::Value>();
    for (text, expected) in [
        ("m: { 8080: a, \"9090\": b }", serde_json::json!({ "m": { "8080": "a", "9090": "b" } })),
        (
            "m:\n  - { -1: a, 0x1F: b, true: c, false: d }",
            serde_json::json!({ "m": [{ "-1": "a", "31": "b", "true": "c", "false": "d" }] }),
        ),
        // texts of YAML 1.2
        (
            "{ on: a, 012: b, 1_000: c, 1.2.3: d, Null-ish: e }",
            serde_json::json!({ "on": "a", "012": "b", "1_000": "c", "1.2.3": "d", "Null-ish": "e" }),
        ),
        ("{ 18446744073709551615: a }", serde_json::json!({ "18446744073709551615": "a" })),
        // below a value that an alias repeats
        ("{ a: &a { 1: x }, b: *a }", serde_json::json!({ "a": { "1": "x" }, "b": { "1": "x" } })),
    ] {
        assert_eq!(read(text).unwrap(), expected, "{text}");
    }
    let twice = "is already given in this mapping; remove one of the two";
    for (text, line, column, message) in [
        ("m:\n  8080: a\n  \"8080\": b\n", 3, 3, twice),
        ("m:\n  \"8080\": a\n  8080: b\n", 3, 3, twice),
        ("m:\n  8080: a\n  0x1F90: b\n", 3, 3, twice),
        ("m:\n  true: a\n  \"true\": b\n", 3, 3, twice),
        ("m:\n  8080: a\n  8080: b\n", 3, 3, twice),
        ("m:\n  1.5: a\n", 2, 3, "servers make one with other digits; write it in quotes"),
        ("m:\n  1e3: a\n", 2, 3, "write it in quotes"),
        ("m:\n  null: a\n", 2, 3, "write one, `null` in quotes"),
        ("m:\n  ~: a\n", 2, 3, "write one, `null` in quotes"),
    ] {
        let fault = read(text).expect_err(text);
        assert!(fault.message.contains(message), "{text}: {fault:?}");
        assert_eq!((fault.line, fault.column), (Some(line), Some(column)), "{text}: {fault:?}");
    }
    // a type of ours asks for quotes
    let own = Source::new("own.yaml", "{ 8080: a }").parse::<std::collections::BTreeMap<String, String>>();
    assert_eq!(own.unwrap_err().message, "`8080` is a number, and a text is wanted here; write \"8080\"");
}
