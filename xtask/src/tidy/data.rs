//! Data that others made: each file has its origin and licence beside it.
//!
//! A folder `data` has a `README.md` with a table, one row for each file or
//! `folder/*.ending`: file, what it is, from where, licence. A licence text that
//! the row names is there. What tests keep below `tests` is ours.

use super::Finding;
use super::tree::{Tree, join};

pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for path in tree.paths() {
        let is_ours = path.ends_with(".rs") || path.contains("/tests/");
        let Some((folder, name)) = split(path).filter(|_| !is_ours) else { continue };
        let is_note =
            name == "README.md" || name.rsplit('/').next().is_some_and(|name| name.starts_with("LICEN"));
        if !is_note {
            let readme = join(&folder, "README.md");
            let rows = tree.text(&readme).unwrap_or_default();
            if let Err(what) = explained(tree, &folder, rows, name) {
                findings.push(Finding::new(path, format!("{what} in {readme}")));
            }
        }
    }
    findings
}

/// Splits a path at its folder `data`.
fn split(path: &str) -> Option<(String, &str)> {
    let (before, name) = path.split_once("/data/").or_else(|| Some(("", path.strip_prefix("data/")?)))?;
    Some((join(before, "data"), name))
}

fn explained(tree: &Tree, folder: &str, rows: &str, name: &str) -> Result<(), &'static str> {
    let row = rows.lines().find(|row| row.starts_with('|') && names(row, name));
    let cells: Vec<&str> = row.ok_or("has no row")?.trim_matches('|').split('|').map(str::trim).collect();
    let [_, _, from, licence, ..] = cells.as_slice() else { return Err("has less than four cells") };
    if from.is_empty() || licence.is_empty() {
        return Err("has no origin or no licence");
    }
    let text = licence.split('`').nth(1);
    if text.is_some_and(|text| !tree.has_file(&join(folder, text))) {
        return Err("names a licence text that is not there");
    }
    Ok(())
}

/// Whether a row's first cell names the file, or its folder and ending.
fn names(row: &str, name: &str) -> bool {
    row.split('`').nth(1).is_some_and(|pattern| match pattern.split_once('*') {
        Some((start, end)) => name.starts_with(start) && name.ends_with(end),
        None => pattern == name,
    })
}

#[cfg(test)]
mod tests;
