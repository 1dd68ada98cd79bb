//! Each check of sources can fail, and passes what is right.

use super::*;

const HEADER: &str = "//! What it is for.\n";

/// The places of the findings in one file of this text.
fn places(path: &str, text: &str) -> Vec<String> {
    check(&Tree::of(&[(path, text)]), Path::new("/anywhere/at/all"))
        .into_iter()
        .map(|finding| finding.place)
        .collect()
}

fn check_line(path: &str, line: &str, is_right: bool) {
    let found = places(path, &format!("{HEADER}{line}\n"));
    let expected = if is_right { vec![] } else { vec![format!("{path}:2")] };
    assert_eq!(found, expected, "{line}");
}

#[test]
fn size_is_counted_without_tests() {
    let lines = |count: usize| HEADER.repeat(count);
    assert_eq!(places("sim/src/a.rs", &lines(600)), [""; 0]);
    assert_eq!(places("sim/src/a.rs", &lines(601)), ["sim/src/a.rs"]);
    assert_eq!(
        places("sim/src/a.rs", &format!("{}#[cfg(test)]\nmod tests {{\n{}}}", lines(600), lines(99))),
        [""; 0]
    );
    assert_eq!(places("sim/src/a/tests.rs", &lines(999)), [""; 0]);
}

#[test]
fn a_header_comes_first() {
    assert_eq!(places("sim/src/a.rs", "fn main() {}\n"), ["sim/src/a.rs:1"]);
    assert_eq!(places("sim/src/a.rs", HEADER), [""; 0]);
}

#[test]
fn nothing_is_left_behind() {
    for (one, two) in LEFTOVERS {
        check_line("overspill/src/a.rs", &format!("    {one}{two}"), false);
    }
    check_line("overspill/src/a.rs", "let todo = debug!(1);", true);
}

#[test]
fn a_paragraph_ends_its_sentence() {
    let half = "//! One, two and";
    for wrong in
        ["//!\n//! One, two and three.", "//!\n//! # Cost", "", "use a::B;", "//!\n//! ```\n//! a\n//! ```"]
    {
        let expected: &[&str] = if wrong.contains("```") { &[] } else { &["sim/src/a.rs:2"] };
        assert_eq!(places("sim/src/a.rs", &format!("{HEADER}{half}\n{wrong}\n")), expected, "{wrong}");
    }
    for right in [
        "//! One, two and\n//! three.",
        "//! Two:\n//!\n//! one.",
        "//! Both where\n//!\n//! - one, and\n//! - two.",
        "//! # Cost\n//!\n//! Little, see [this].\n//!\n//! [this]: Self::other",
        "//! ```text\n//! one\n//!\n//! two\n//! ```\n//! Two.",
        "// no documentation, so it may",
    ] {
        assert_eq!(places("sim/src/a.rs", &format!("{HEADER}{right}\n")), [""; 0], "{right}");
    }
}

#[test]
fn paths_of_one_machine_are_found_in_any_text() {
    for (one, two) in MACHINES {
        check_line("README.md", &format!("see {one}{two}me/x"), false);
    }
    check_line("README.md", "see /anywhere/at/all/README.md", false);
    check_line("README.md", "see /proc/self/maps and https://example.com/homepage", true);
}

#[test]
fn pure_packages_have_no_changeable_state() {
    let wrong = [
        "static COUNT: AtomicU64 = AtomicU64::new(0);",
        "pub static A: Mutex<u8> = Mutex::new(0);",
        "    pub(crate) static A: OnceLock<u8> = OnceLock::new();",
        "static mut A: u8 = 0;",
        "thread_local! {",
    ];
    for line in wrong {
        check_line("sim/src/a.rs", line, false);
        check_line("xtask/src/a.rs", line, true);
        check_line("sim/src/a/tests.rs", line, true);
    }
    for line in ["static NAMES: [&str; 1] = [\"a\"];", "fn f(x: &'static Mutex<u8>) {}"] {
        check_line("sim/src/a.rs", line, true);
    }
}

#[test]
fn lb_core_does_not_name_the_standard_library() {
    for line in ["use std::fmt;", "let x = std::mem::take(y);", "extern crate std;"] {
        check_line("lb-core/src/a.rs", line, false);
        check_line("lb-core/src/a/tests.rs", line, true);
        check_line("sim/src/a.rs", line, true);
    }
    for line in ["/// use std::fmt;", "use core::fmt;", "my_std::f();", "foo::std::f();"] {
        check_line("lb-core/src/a.rs", line, true);
    }
    assert_eq!(places("lb-core/src/a.rs", &format!("{HEADER}#[cfg(test)]\nextern crate std;\n")), [""; 0]);
}

#[test]
fn a_module_for_tests_only_may_name_it() {
    let parent = format!("{HEADER}#[cfg(test)]\npub(crate) mod samples;\nmod other;\n");
    let text = format!("{HEADER}use std::vec;\n");
    let files = [
        ("lb-core/src/a.rs", parent.as_str()),
        ("lb-core/src/a/samples.rs", &text),
        ("lb-core/src/a/other.rs", &text),
    ];
    let places: Vec<_> = check(&Tree::of(&files), Path::new("/")).into_iter().map(|it| it.place).collect();
    assert_eq!(places, ["lb-core/src/a/other.rs:2"]);
}

#[test]
fn pure_packages_say_so() {
    let right = format!("{HEADER}#![no_std]\n#![forbid(unsafe_code)]\n");
    assert_eq!(places("lb-core/src/lib.rs", &right), [""; 0]);
    assert_eq!(places("lb-core/src/lib.rs", HEADER), ["lb-core/src/lib.rs"; 2]);
    assert_eq!(places("sim/src/lib.rs", HEADER), ["sim/src/lib.rs"]);
}
