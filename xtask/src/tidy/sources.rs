//! Rust sources, line by line: sizes, headers, leftovers, purity; and no machine's paths anywhere.

use std::path::Path;

use super::Finding;
use super::tree::{Tree, folder_of, join};

/// Lines of a source file at most, tests apart.
const MAX_LINES: usize = 600;

/// Packages without clock, socket, file, thread or state.
const PURE: [&str; 3] = ["lb-core", "mesh-model", "sim"];

/// What nobody leaves behind; in halves, so that this file does not find itself.
const LEFTOVERS: [(&str, &str); 5] =
    [("FIX", "ME"), ("XX", "X:"), ("todo", "!("), ("dbg", "!("), ("unimplemented", "!(")];

/// Where people's and machines' own folders begin; in halves, too.
const MACHINES: [(&str, &str); 4] = [("/ho", "me/"), ("/Us", "ers/"), ("/ro", "ot/"), ("C:\\", "Users")];

/// Types by which a `static` can change.
const CHANGEABLE: [&str; 11] = [
    "Atomic",
    "Cell<",
    "Lazy<",
    "LazyCell",
    "LazyLock",
    "Mutex<",
    "Once",
    "RefCell",
    "RwLock",
    "UnsafeCell",
    "static mut ",
];

pub(super) fn check(tree: &Tree, root: &Path) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (path, text) in tree.texts_ending(".rs") {
        size(path, text, &mut findings);
        header(path, text, &mut findings);
        leftovers(path, text, &mut findings);
        sentences(path, text, &mut findings);
        if is_test(path) || is_test_module(tree, path) {
            continue;
        }
        if PURE.iter().any(|package| path.starts_with(&format!("{package}/src/"))) {
            state(path, text, &mut findings);
        }
        if path.starts_with("lb-core/src/") {
            standard_library(path, text, &mut findings);
        }
    }
    purity_attributes(tree, &mut findings);
    let here = root.to_str().filter(|root| root.len() > 1);
    for (path, text) in tree.texts() {
        machine_paths(path, text, here, &mut findings);
    }
    findings
}

/// Whether a file holds tests only.
fn is_test(path: &str) -> bool {
    path.ends_with("/tests.rs") || path.contains("/tests/")
}

/// Whether a file is a module that its parent declares for tests only.
fn is_test_module(tree: &Tree, path: &str) -> bool {
    let folder = folder_of(path);
    let name = path.rsplit('/').next().and_then(|name| name.strip_suffix(".rs")).unwrap_or_default();
    let parents = [format!("{folder}.rs"), join(folder, "lib.rs"), join(folder, "main.rs")];
    parents.iter().filter_map(|parent| tree.text(parent)).any(|text| {
        let lines = text.lines().zip(text.lines().skip(1));
        let declaration = format!("mod {name};");
        lines.into_iter().any(|(line, next)| line == "#[cfg(test)]" && next.ends_with(&declaration))
    })
}

fn size(path: &str, text: &str, findings: &mut Vec<Finding>) {
    if is_test(path) {
        return;
    }
    let code = text.split("\n#[cfg(test)]\nmod ").next().unwrap_or(text);
    let lines = code.lines().count();
    if lines > MAX_LINES {
        findings.push(Finding::new(path, format!("{lines} lines; split it, {MAX_LINES} are the limit")));
    }
}

fn header(path: &str, text: &str, findings: &mut Vec<Finding>) {
    if !text.starts_with("//! ") {
        findings.push(Finding::at_line(path, 1, "no header; begin with `//! ` and what the file is for"));
    }
}

fn leftovers(path: &str, text: &str, findings: &mut Vec<Finding>) {
    for (line, (one, two)) in lines_with(text, &LEFTOVERS) {
        findings.push(Finding::at_line(path, line, format!("`{one}{two}` left behind; do it, or file it")));
    }
}

/// A paragraph of documentation ends its sentence or leads to what follows it; half of one is what a merge left behind.
fn sentences(path: &str, text: &str, findings: &mut Vec<Finding>) {
    let (mut is_code, mut is_apart) = (false, false);
    let mut open = None;
    // one line of code more, so that the last paragraph has something behind it
    for (line, number) in text.lines().chain([""]).zip(1..) {
        let line = line.trim_start();
        let prose = line.strip_prefix("//!").or_else(|| line.strip_prefix("///")).map(str::trim);
        let is_broken = match prose {
            None => {
                is_code = false;
                open.is_some()
            }
            Some(prose) if prose.starts_with("```") => {
                is_code = !is_code;
                open = None;
                false
            }
            Some(_) if is_code => false,
            Some("") => {
                is_apart = true;
                false
            }
            Some(prose) => is_apart && !prose.starts_with(['-', '*', '|', '1']) && open.is_some(),
        };
        if let Some(at) = open.filter(|_| is_broken) {
            let what = "this sentence has no end; finish it, or take away what is left of it";
            findings.push(Finding::at_line(path, at, what));
        }
        if is_code || prose == Some("") {
            continue;
        }
        is_apart = false;
        open = prose.filter(|prose| !is_finished(prose)).map(|_| number);
    }
}

/// Whether a paragraph may end with this line: a heading, and where a link leads, are no sentences.
fn is_finished(prose: &str) -> bool {
    prose.ends_with(['.', ':', ';', '!', '?', ')', '`', '|', '>', ']'])
        || prose.starts_with('#')
        || (prose.starts_with('[') && prose.contains("]: "))
}

fn machine_paths(path: &str, text: &str, here: Option<&str>, findings: &mut Vec<Finding>) {
    let lines = lines_with(text, &MACHINES).map(|(line, _)| line);
    let own = text.lines().zip(1..).filter(|(line, _)| here.is_some_and(|here| line.contains(here)));
    for line in lines.chain(own.map(|(_, number)| number)) {
        findings.push(Finding::at_line(
            path,
            line,
            "a path of one machine; write it from the root of the project",
        ));
    }
}

/// The lines (from 1) that hold one of the words, with the word.
fn lines_with<'a>(
    text: &'a str,
    words: &'a [(&'a str, &'a str)],
) -> impl Iterator<Item = (usize, (&'a str, &'a str))> {
    text.lines().zip(1..).filter_map(move |(line, number)| {
        let found = words.iter().find(|(one, two)| {
            line.match_indices(one).any(|(at, _)| line[at + one.len()..].starts_with(two))
        });
        found.map(|word| (number, *word))
    })
}

fn state(path: &str, text: &str, findings: &mut Vec<Finding>) {
    for (line, number) in text.lines().zip(1..) {
        let code = line.trim_start();
        let code = code.strip_prefix("pub").map_or(code, |rest| {
            let rest =
                rest.strip_prefix('(').and_then(|rest| rest.split_once(')')).map_or(rest, |(_, rest)| rest);
            rest.trim_start()
        });
        let is_static = code.starts_with("static ") && CHANGEABLE.iter().any(|word| code.contains(word));
        if is_static || code.starts_with("thread_local!") {
            let what = "state that outlives its owner; make it a field, and let the owner pass it";
            findings.push(Finding::at_line(path, number, what));
        }
    }
}

fn standard_library(path: &str, text: &str, findings: &mut Vec<Finding>) {
    let mut previous = "";
    for (line, number) in text.lines().zip(1..) {
        let code = line.trim_start();
        let is_comment = code.starts_with("//");
        let is_test_only = previous == "#[cfg(test)]";
        let names_std = code.starts_with("extern crate std") || names_crate(code, "std");
        if names_std && !is_comment && !is_test_only {
            findings.push(Finding::at_line(path, number, "`std` in a no_std crate; use `core` or `alloc`"));
        }
        previous = code;
    }
}

/// Whether `code` holds a path that begins with the crate `name`.
fn names_crate(code: &str, name: &str) -> bool {
    code.match_indices(name).any(|(at, _)| {
        let before = code[..at].chars().next_back();
        let is_start = !before.is_some_and(|c| c.is_alphanumeric() || c == '_' || c == ':');
        is_start && code[at + name.len()..].starts_with("::")
    })
}

fn purity_attributes(tree: &Tree, findings: &mut Vec<Finding>) {
    for package in PURE {
        let path = format!("{package}/src/lib.rs");
        let Some(text) = tree.text(&path) else { continue };
        let mut wanted = vec!["#![forbid(unsafe_code)]"];
        if package == "lb-core" {
            wanted.push("#![no_std]");
        }
        for attribute in wanted {
            if !text.lines().any(|line| line == attribute) {
                findings.push(Finding::new(&path, format!("`{attribute}` is missing: the package is pure")));
            }
        }
    }
}

#[cfg(test)]
mod tests;
