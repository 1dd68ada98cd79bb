//! Documents: every path that a `*.md` names is there.
//!
//! A path is the target of a link, or code in the text that looks like one of
//! ours: it begins with a file or folder of the root, or ends like a file that
//! we write. It counts from the document's folder or from the root; a file's
//! bare name may be anywhere. Fenced code is left alone: commands and examples
//! name what does not exist yet.

use super::Finding;
use super::tree::{Tree, folder_of, join};

/// Endings of files that are in the project, not made by running it.
const ENDINGS: [&str; 6] = [".rs", ".toml", ".md", ".yaml", ".csv", ".sh"];

pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (path, text) in tree.texts_ending(".md") {
        let mut fenced = false;
        for (line, number) in text.lines().zip(1..) {
            if line.trim_start().starts_with("```") {
                fenced = !fenced;
            } else if !fenced {
                for named in links(line).chain(code(line).filter(|span| looks_like_path(tree, span))) {
                    if !exists(tree, folder_of(path), named) {
                        let what = format!("`{named}` is not there; correct the path, or remove it");
                        findings.push(Finding::at_line(path, number, what));
                    }
                }
            }
        }
    }
    findings
}

/// The targets of links that are files.
fn links(line: &str) -> impl Iterator<Item = &str> {
    let targets = line.split("](").skip(1).filter_map(|rest| rest.split_once(')')).map(|(target, _)| target);
    let files = targets.filter(|target| !target.contains("://") && !target.starts_with(['#', '<']));
    files.map(|target| target.split('#').next().unwrap_or(target))
}

/// The code spans of a line.
fn code(line: &str) -> impl Iterator<Item = &str> {
    line.split('`').skip(1).step_by(2)
}

fn looks_like_path(tree: &Tree, span: &str) -> bool {
    let is_plain = span.chars().all(|c| c.is_ascii_alphanumeric() || "._-/".contains(c));
    let first = span.split('/').next().unwrap_or(span);
    let is_ours = span.contains('/') && !first.is_empty() && (tree.has_folder(first) || tree.has_file(first));
    let is_written = ENDINGS.iter().any(|ending| span.len() > ending.len() && span.ends_with(ending));
    is_plain && !span.starts_with('/') && (is_ours || is_written)
}

fn exists(tree: &Tree, folder: &str, named: &str) -> bool {
    let named = named.trim_start_matches("./").trim_end_matches('/');
    let is_there = |path: &str| tree.has_file(path) || tree.has_folder(path);
    let by_name = || tree.paths().any(|path| path.rsplit('/').next() == Some(named));
    is_there(named) || is_there(&join(folder, named)) || (!named.contains('/') && by_name())
}

#[cfg(test)]
mod tests;
