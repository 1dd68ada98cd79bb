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
