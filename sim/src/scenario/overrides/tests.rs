//! `--set`: what it changes and what it refuses.

use super::*;

fn set(text: &str, change: &str) -> String {
    with_overrides(text, &[change]).unwrap()
}

#[test]
fn values_are_yaml_and_places_are_made() {
    for (text, change, expected) in [
        ("a: 1", "a=2", r#"{"a":2}"#),
        ("a: 1", "b.c=x", r#"{"a":1,"b":{"c":"x"}}"#),
        ("a: [1, 2]", "a[1]=3", r#"{"a":[1,3]}"#),
        ("a: [[1], [2]]", "a[1][0]=3", r#"{"a":[[1],[3]]}"#),
        ("a: 1", "a={b: 60%}", r#"{"a":{"b":"60%"}}"#),
        ("a: 1", "a=x=y", r#"{"a":"x=y"}"#),
        ("a: 1", "a=no", r#"{"a":"no"}"#),
    ] {
        assert_eq!(set(text, change), expected, "{change}");
    }
}

#[test]
fn a_new_name_with_parts_is_told_with_those_that_are_there() {
    let text = "{ kinds: { small: { size: 1 }, large: { size: 2 } }, list: [{ width: 1 }], none: }";
    for (change, expected) in [
        ("kinds.0.size=3", Some("kinds.0: `kinds` has no `0`; it has: large, small")),
        (
            "kinds.smal.size=3",
            Some("kinds.smal: `kinds` has no `smal`; did you mean `small`? (it has: large, small)"),
        ),
        ("list[0].b.c=3", Some("list[0].b: `list[0]` has no `b`; it has: width")),
        (
            "kind.small.size=3",
            Some("kind: the scenario has no `kind`; did you mean `kinds`? (it has: kinds, list, none)"),
        ),
        ("kinds.small.size.more.still=3", None),
        // what is there, what is named in full, and what had no names before
        ("kinds.small.size=3", None),
        ("kinds.medium={size: 3}", None),
        ("none.a.b=3", None),
        ("kinds", None),
    ] {
        let told = new_name(text, change).map(|new| format!("{}: {new}", new.path));
        assert_eq!(told.as_deref(), expected, "{change}");
    }
}

#[test]
fn what_cannot_be_set_is_named() {
    for (change, expected) in [
        ("a", "--set a: write PATH=VALUE, for example dns.ttl=60s or events[0].at=10m"),
        ("a[5]=1", "--set a[5]: index 5 does not exist; the list has 2 items, counted from 0"),
        ("b.c=1", "--set b.c: `b` has no parts"),
        ("b[0]=1", "--set b[0]: `b` has no parts"),
        (".a=1", "--set .a: `` is no path; write names with dots between, and [N] for items"),
        ("a[x]=1", "--set a[x]: `a[x]` is no path; write names with dots between, and [N] for items"),
    ] {
        let error = with_overrides("{ a: [1, 2], b: 7 }", &[change]).unwrap_err();
        assert_eq!(error.to_string(), expected);
    }
}
