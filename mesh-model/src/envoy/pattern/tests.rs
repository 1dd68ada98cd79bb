//! Tests of patterns: what both languages have is taken, what only one has is told.
//!
//! That what is taken (`taken.txt`) is taken by Envoy, in the size that is asked for, is tried in `overspill/tests/envoy`.

use super::*;

#[test]
fn what_both_languages_have_is_taken() {
    // of the last ones RE2 makes more than Envoy takes by itself
    for pattern in include_str!("taken.txt").lines() {
        assert!(check(pattern).is_ok(), "{pattern}: {:?}", check(pattern));
    }
}

#[test]
fn what_re2_would_not_take_or_take_otherwise_is_told() {
    for (pattern, words) in [
        ("", "write a pattern"),
        ("(?=a)", "no pattern of RE2"),
        ("(a)\\1", "no pattern of RE2"),
        ("\\Qa\\E", "no pattern of RE2"),
        ("\\C", "no pattern of RE2"),
        ("/{id}", "no pattern of RE2"),
        ("(a", "no pattern of RE2"),
        ("a**", "repeats no repetition"),
        ("a{2}{3}", "repeats no repetition"),
        ("a{1001}", "a thousand times"),
        ("(a{100}){11}", "a thousand times"),
        ("(?x)a", "flags i, m, s and U"),
        ("(?:(?u)a)", "flags i, m, s and U"),
        ("(?u:a)", "flags i, m, s and U"),
        ("\\u0041", "\\x and two digits"),
        ("\\x{100}", "\\x and two digits"),
        ("[\\x{100}]", "\\x and two digits"),
        ("é", "Envoy reads bytes"),
        ("\\b{start}", "\\b and \\B only"),
        ("\\<a", "\\b and \\B only"),
        ("[a&&b]", "no &&"),
        ("[a[b]]", "no [..] in [..]"),
        ("\\p{Greek}", "general categories"),
        ("\\p{Script=Greek}", "general categories"),
        ("(?P<a.b>x)", "a group's name"),
        (&"a".repeat(20_000), "too much"),
        ("(?:[[:punct:]]{1000}){1}", "too much"),
    ] {
        let found = check(pattern).unwrap_err();
        assert!(found.contains(words), "{pattern}: {found}");
    }
}

#[test]
fn a_large_pattern_says_how_large_it_may_be() {
    assert_eq!(matcher("/a.*"), json!({ "regex": "/a.*" }));
    let large = "[a-z]{0,60}";
    assert_eq!(matcher(large), json!({ "google_re2": { "max_program_size": 32_768 }, "regex": large }));
}

#[test]
fn groups_are_those_that_are_kept() {
    assert_eq!(groups("(a)(?:b(c)*)|(?P<d>[(]\\()"), 3);
}
