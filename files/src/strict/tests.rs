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

/// A merge gives only what is not there, however a key is written: what is explicit holds, then the first of a list.
#[test]
fn what_is_explicit_holds_over_what_is_merged_whatever_the_type_of_a_key() {
    let read = |text: &str| Source::new("any.yaml", text).parse::<serde_json::Value>();
    let expected = serde_json::json!({ "8080": "explicit", "a": "merged" });
    for (base, text) in [
        ("8080: merged", "<<: *base, \"8080\": explicit"),
        ("8080: merged", "\"8080\": explicit, <<: *base"),
        ("\"8080\": merged", "<<: *base, 8080: explicit"),
        ("0x1F90: merged", "<<: *base, '8080': explicit"),
        // what was written alike held already
        ("8080: merged", "<<: *base, 8080: explicit"),
        ("8080: merged", "<<: *base, 0x1F90: explicit"),
        // of several the first, be it in a list, by itself or in what is merged
        ("8080: explicit", "<<: [*base, { \"8080\": later }]"),
        ("8080: explicit", "<<: *base, <<: { \"8080\": later }"),
        ("8080: explicit, <<: { \"8080\": later }", "<<: *base"),
        ("8080: merged", "<<: { b: { c: &c { 8080: inner } } }, <<: *base, \"8080\": explicit, b: *c"),
    ] {
        let text = format!("base: &base {{ {base}, a: merged }}\ntop: {{ {text} }}\n");
        let mut value = read(&text).unwrap_or_else(|fault| panic!("{text}{fault:?}"));
        let top = value["top"].as_object_mut().expect("a mapping");
        top.remove("b");
        assert_eq!(value["top"], expected, "{text}");
    }
    // of what is explicit nobody knows which is meant, merges or not
    let twice = "`8080` is already given in this mapping; remove one of the two";
    for (text, line, column) in [
        ("a: &a { b: c }\nm:\n  <<: *a\n  8080: a\n  \"8080\": b\n", 5, 3),
        ("m:\n  <<: { 8080: a, \"8080\": b }\n", 2, 7),
        ("a: &a\n  8080: a\n  \"8080\": b\nm: { <<: *a }\n", 3, 3),
        // a text that only looks like a merge is none
        ("m: { \"<<\": { 8080: a }, 8080: b, \"8080\": c }\n", 1, 34),
    ] {
        let fault = read(text).expect_err(text);
        assert_eq!((fault.line, fault.column), (Some(line), Some(column)), "{text}: {fault:?}");
        assert_eq!(fault.message, twice, "{text}");
    }
    // a fault that is found later stands where the value that holds does
    let text = "base: &base { 8080: merged }\ntop: { <<: *base, \"8080\": explicit }\n";
    let fault = Source::new("any.yaml", text).fault("top.8080", String::new());
    assert_eq!((fault.line, fault.column), (Some(2), Some(27)));
}
