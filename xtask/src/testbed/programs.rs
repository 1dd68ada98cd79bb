//! Our own programs for the guest: static, so that it needs no library of ours.
//!
//! They have a profile and a target folder of their own: optimised enough for
//! emulation, quick to build, and nothing of the usual builds is thrown away.

use std::path::{Path, PathBuf};

use anyhow::Context as _;

use crate::metadata::Metadata;
use crate::portable;

/// Tests whose names start so need a kernel with IPVS and root: they run in the guest.
const LIVE: &str = "live";

/// What was built.
#[derive(Debug, Default)]
pub(super) struct Programs {
    /// The guest's first process.
    pub(super) testbed: PathBuf,
    /// The daemon under test.
    pub(super) agent: PathBuf,
    /// Live tests of the packages, by name.
    pub(super) tests: Vec<(String, PathBuf)>,
}

/// Builds everything that goes into the guest.
///
/// The live tests take as long as all else, and are left out where nobody asks for them.
pub(super) fn build(
    root: &Path,
    metadata: &Metadata,
    folder: &Path,
    with_tests: bool,
) -> anyhow::Result<Programs> {
    println!("building the guest's programs");
    let mut programs = Programs::default();
    for (name, path) in
        cargo_build(root, folder, &["build", "--package", "testbed", "--package", "lb-agent"])?
    {
        match name.as_str() {
            "testbed" => programs.testbed = path,
            "lb-agent" => programs.agent = path,
            _ => {}
        }
    }
    for package in metadata.members().filter(|_| with_tests) {
        let tests = package.targets.iter().filter(|target| target.kind.iter().any(|kind| kind == "test"));
        let live: Vec<_> = tests.filter(|target| target.name.starts_with(LIVE)).collect();
        if live.is_empty() {
            continue;
        }
        let mut words = vec!["test", "--no-run", "--package", &package.name];
        words.extend(live.iter().flat_map(|target| ["--test", &target.name]));
        let built = cargo_build(root, folder, &words)?;
        // programs that the tests start are built along with them
        programs.tests.extend(built.into_iter().filter(|(name, _)| name.starts_with(LIVE)));
    }
    Ok(programs)
}

/// Runs cargo for the guest; the programs that came of it, by target.
fn cargo_build(root: &Path, folder: &Path, words: &[&str]) -> anyhow::Result<Vec<(String, PathBuf)>> {
    let folder = folder.to_str().context("the folder's name is no text")?;
    portable::build(root, &[words, &["--profile", "testbed", "--target-dir", folder]].concat())
}
