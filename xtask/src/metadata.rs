//! What `cargo metadata` says of the packages, as far as the checks need it.

use std::path::{Path, PathBuf};
use std::process::Stdio;

use anyhow::{Context as _, ensure};
use serde::Deserialize;

/// Every package that a workspace's lock file names, with its own packages marked.
#[derive(Debug, Deserialize)]
pub(crate) struct Metadata {
    pub(crate) packages: Vec<Package>,
    workspace_members: Vec<String>,
    /// Where cargo builds.
    pub(crate) target_directory: PathBuf,
}

/// One package of a lock file.
#[derive(Debug, Deserialize)]
pub(crate) struct Package {
    id: String,
    pub(crate) name: String,
    pub(crate) version: String,
    /// An SPDX expression.
    pub(crate) license: Option<String>,
    /// Where it comes from; `None` for a folder of ours.
    pub(crate) source: Option<String>,
    pub(crate) dependencies: Vec<Dependency>,
    pub(crate) targets: Vec<Target>,
}

/// A dependency as a manifest names it.
#[derive(Debug, Deserialize)]
pub(crate) struct Dependency {
    pub(crate) name: String,
    /// `None` for a normal one, else `dev` or `build`.
    pub(crate) kind: Option<String>,
    pub(crate) optional: bool,
    pub(crate) uses_default_features: bool,
    pub(crate) features: Vec<String>,
    /// The folder of a path dependency.
    pub(crate) path: Option<String>,
}

/// Something that cargo builds of a package.
#[derive(Debug, Deserialize)]
pub(crate) struct Target {
    pub(crate) name: String,
    pub(crate) kind: Vec<String>,
}

impl Metadata {
    /// Reads the metadata of the workspace in `folder`; its lock file must be up to date.
    pub(crate) fn read(folder: &Path) -> anyhow::Result<Self> {
        let output = crate::test::cargo()
            .args(["metadata", "--format-version", "1", "--locked", "--all-features", "--quiet"])
            .current_dir(folder)
            .stderr(Stdio::inherit())
            .output()
            .context("could not start cargo")?;
        ensure!(output.status.success(), "cargo metadata failed in {}", folder.display());
        serde_json::from_slice(&output.stdout).context("cargo metadata printed something else")
    }

    /// The workspace's own packages.
    pub(crate) fn members(&self) -> impl Iterator<Item = &Package> {
        self.packages.iter().filter(|package| self.workspace_members.contains(&package.id))
    }
}
