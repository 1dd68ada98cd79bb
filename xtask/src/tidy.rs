//! The project's own checks: what no compiler and no lint sees.
//!
//! Each module looks at one kind of thing and gives findings; a finding names
//! the place and what would be right. The checks are textual where a parser
//! would buy little: they keep honest people honest. `cargo test -p xtask` runs
//! them too, and shows that each can fail.

use std::fmt;
use std::path::Path;

mod data;
mod documents;
mod licences;
mod packages;
mod sources;
mod tree;
mod versions;

use crate::metadata::Metadata;
use tree::Tree;

/// Something that is not as it should be.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Finding {
    /// File (with line, if it has one) or package.
    pub(crate) place: String,
    /// What is wrong, and what would be right.
    pub(crate) what: String,
}

impl Finding {
    fn new(place: impl Into<String>, what: impl Into<String>) -> Self {
        Self { place: place.into(), what: what.into() }
    }

    fn at_line(path: &str, line: usize, what: impl Into<String>) -> Self {
        Self::new(format!("{path}:{line}"), what)
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place, self.what)
    }
}

/// Runs every check over the tree below `root`.
///
/// # Errors
/// If a file cannot be read or cargo cannot be asked; what is wrong with the
/// project itself is a finding.
pub(crate) fn run(root: &Path) -> anyhow::Result<Vec<Finding>> {
    let tree = Tree::read(root)?;
    let mut findings = Vec::new();
    findings.extend(sources::check(&tree, root));
    findings.extend(documents::check(&tree));
    findings.extend(data::check(&tree));
    let (skips, faulty) = versions::Skips::read(tree.text(versions::LIST).unwrap_or_default());
    findings.extend(faulty);
    for folder in ["", "fuzz"] {
        if tree.has_file(&tree::join(folder, "Cargo.toml")) {
            let metadata = Metadata::read(&root.join(folder))?;
            findings.extend(packages::check(&metadata));
            findings.extend(licences::check(&metadata));
            findings.extend(skips.check(&metadata));
            if folder.is_empty() {
                findings.extend(skips.check_needed(&metadata));
            }
        }
    }
    findings.extend(packages::check_manifests(&tree));
    findings.extend(packages::check_bans(&tree));
    findings.sort();
    Ok(findings)
}

#[cfg(test)]
mod tests;
