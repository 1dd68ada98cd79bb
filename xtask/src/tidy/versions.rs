//! One version of each crate, or a reason for the other.
//!
//! Two versions cost build time, and types that look alike and are not. Those
//! that are there nevertheless stand in the list `skip` of `deny.toml`, each
//! with who brings it. cargo-deny enforces that list where it is installed;
//! this does so everywhere, and finds entries that nothing needs any more.

use std::collections::{BTreeMap, BTreeSet};

use super::Finding;
use crate::metadata::Metadata;

/// Where the list is.
pub(super) const LIST: &str = "deny.toml";

/// Versions of crates that may be there beside another one.
#[derive(Debug)]
pub(super) struct Skips<'a> {
    /// Line, and `name@version`.
    entries: Vec<(usize, &'a str)>,
}

impl<'a> Skips<'a> {
    /// Reads the list: one entry a line, between `skip = [` and `]`.
    pub(super) fn read(text: &'a str) -> (Self, Vec<Finding>) {
        let (mut entries, mut findings) = (Vec::new(), Vec::new());
        let lines = (1..).zip(text.lines().map(str::trim));
        let list = lines.skip_while(|(_, line)| *line != "skip = [").skip(1);
        for (number, line) in list.take_while(|(_, line)| *line != "]") {
            match entry(line) {
                Some(entry) => entries.push((number, entry)),
                None => findings.push(Finding::at_line(
                    LIST,
                    number,
                    r#"write one entry a line: { crate = "name@version", reason = "who brings it" },"#,
                )),
            }
        }
        (Self { entries }, findings)
    }

    /// Crates of a workspace with more than one version that is not on the list.
    pub(super) fn check(&self, metadata: &Metadata) -> Vec<Finding> {
        let mut versions: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
        for package in &metadata.packages {
            let label = format!("{}@{}", package.name, package.version);
            if !self.entries.iter().any(|(_, entry)| *entry == label) {
                versions.entry(&package.name).or_default().insert(&package.version);
            }
        }
        let several = versions.into_iter().filter(|(_, versions)| versions.len() > 1);
        let finding = |(name, versions): (&str, BTreeSet<&str>)| {
            let versions = versions.into_iter().collect::<Vec<_>>().join(" and ");
            let what = format!("is there as {versions}; agree on one, or give {LIST} a reason for the older");
            Finding::new(name, what)
        };
        several.map(finding).collect()
    }

    /// Entries for what the workspace of the list has no second version of.
    pub(super) fn check_needed(&self, metadata: &Metadata) -> Vec<Finding> {
        let is_needed = |entry: &str| {
            let Some((name, version)) = entry.split_once('@') else { return false };
            let is_of = |version_is_listed: bool| {
                metadata
                    .packages
                    .iter()
                    .any(|package| package.name == name && (package.version == version) == version_is_listed)
            };
            is_of(true) && is_of(false)
        };
        let stale = self.entries.iter().filter(|(_, entry)| !is_needed(entry));
        stale
            .map(|(line, entry)| {
                Finding::at_line(LIST, *line, format!("`{entry}` is needed no more; remove it"))
            })
            .collect()
    }
}

/// The crate of a line with a crate and a reason.
fn entry(line: &str) -> Option<&str> {
    let (entry, reason) = line.strip_prefix(r#"{ crate = ""#)?.split_once(r#"", reason = ""#)?;
    let reason = reason.strip_suffix(r#"" },"#)?;
    (entry.contains('@') && !reason.is_empty()).then_some(entry)
}

#[cfg(test)]
mod tests;
