//! Packages: which may know which, what the core may stand on, and one set of rules for all.

use super::Finding;
use super::tree::{Tree, folder_of};
use crate::metadata::{Metadata, Package};

/// Each package of ours and those of ours that it may depend on, for tests too.
///
/// `lb-core` and `mesh-model` know nothing of each other, adapters nothing of `sim`.
const MAY_USE: [(&str, &[&str]); 12] = [
    ("benches", &["lb-core", "lb-netlink", "mesh-model", "sim"]),
    ("files", &["lb-core"]), // in its tests
    ("fuzz", &["lb-core", "lb-netlink", "mesh-model", "sim"]),
    ("lb-agent", &["files", "lb-core", "lb-netlink"]),
    ("lb-core", &[]),
    ("lb-netlink", &["lb-core"]),
    ("mesh-kube", &["files", "mesh-model"]),
    ("mesh-model", &[]),
    ("overspill", &["files", "lb-core", "mesh-model", "sim"]),
    ("sim", &["lb-core", "mesh-model"]),
    ("testbed", &["files", "lb-core", "lb-netlink"]),
    ("xtask", &[]),
];

/// The crates that `lb-core` may stand on, and those behind a feature.
const CORE_ALWAYS: [&str; 5] = ["hashbrown", "ipnet", "serde", "siphasher", "thiserror"];
const CORE_OPTIONAL: [&str; 2] = ["proptest", "schemars"];

pub(super) fn check(metadata: &Metadata) -> Vec<Finding> {
    let mut findings = Vec::new();
    for package in metadata.members() {
        direction(package, &mut findings);
        if package.name == "lb-core" {
            core(package, &mut findings);
        }
    }
    findings
}

fn direction(package: &Package, findings: &mut Vec<Finding>) {
    let Some((_, may_use)) = MAY_USE.iter().find(|(name, _)| *name == package.name) else {
        let what = "a package that tidy does not know; say in its table what it may depend on";
        return findings.push(Finding::new(&package.name, what));
    };
    for dependency in package.dependencies.iter().filter(|dependency| dependency.path.is_some()) {
        if !may_use.contains(&dependency.name.as_str()) {
            let what = format!("may not depend on `{}`: that is against the direction", dependency.name);
            findings.push(Finding::new(&package.name, what));
        }
    }
}

fn core(package: &Package, findings: &mut Vec<Finding>) {
    for dependency in package.dependencies.iter().filter(|dependency| dependency.kind.is_none()) {
        let name = dependency.name.as_str();
        let allowed =
            if dependency.optional { CORE_OPTIONAL.contains(&name) } else { CORE_ALWAYS.contains(&name) };
        if !allowed {
            let what = format!("may not stand on `{name}`: the core stays small");
            findings.push(Finding::new("lb-core", what));
        }
        let has_std =
            dependency.uses_default_features || dependency.features.iter().any(|name| name == "std");
        if !dependency.optional && has_std {
            let what = format!("takes `{name}` with std: write default-features = false");
            findings.push(Finding::new("lb-core", what));
        }
    }
}

/// Every package takes lints and licence from the workspace; `fuzz` has a workspace of its own.
pub(super) fn check_manifests(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (path, text) in tree.texts_ending("Cargo.toml") {
        if matches!(folder_of(path), "" | "fuzz") {
            continue;
        }
        for wanted in
            ["[lints]\nworkspace = true", "license.workspace = true", "rust-version.workspace = true"]
        {
            if !text.contains(wanted) {
                findings.push(Finding::new(path, format!("`{}` is missing", wanted.replace('\n', " "))));
            }
        }
    }
    findings
}

/// The pure packages that use std ban the same things: what is added to one list is added to all.
pub(super) fn check_bans(tree: &Tree) -> Vec<Finding> {
    let mut lists = tree.texts_ending("clippy.toml").filter(|(path, _)| !folder_of(path).is_empty());
    let Some((first, bans)) = lists.next() else { return Vec::new() };
    let others = lists.filter(|(_, text)| *text != bans);
    others.map(|(path, _)| Finding::new(path, format!("not the list of {first}; copy it"))).collect()
}

#[cfg(test)]
mod tests;
