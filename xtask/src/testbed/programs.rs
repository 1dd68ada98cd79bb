//! Our own programs for the guest: static, so that it needs no library of ours.
//!
//! They have a profile and a target folder of their own: optimised enough for
//! emulation, quick to build, and nothing of the usual builds is thrown away.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, ensure};
use serde::Deserialize;

use crate::metadata::Metadata;
use crate::test::cargo;

const TARGET: &str = "x86_64-unknown-linux-gnu";
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

/// What cargo says of a thing that it built, as far as we need it.
#[derive(Debug, Deserialize)]
struct Message {
    target: Option<Target>,
    executable: Option<PathBuf>,
}

#[derive(Debug, Deserialize)]
struct Target {
    name: String,
}

/// Builds everything that goes into the guest.
pub(super) fn build(root: &Path, metadata: &Metadata, folder: &Path) -> anyhow::Result<Programs> {
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
    for package in metadata.members() {
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
    let output = Command::new(cargo())
        .args(words)
        .args(["--locked", "--quiet", "--profile", "testbed", "--target", TARGET, "--message-format", "json"])
        .arg("--target-dir")
        .arg(folder)
        .env("RUSTFLAGS", "-C target-feature=+crt-static")
        .current_dir(root)
        .stderr(Stdio::inherit())
        .output()
        .context("could not start cargo")?;
    ensure!(output.status.success(), "`cargo {}` for the guest failed", words.join(" "));
    let lines = String::from_utf8(output.stdout).context("cargo printed something else than JSON")?;
    let mut built = Vec::new();
    for line in lines.lines() {
        let message: Message = serde_json::from_str(line).context("cargo printed something else")?;
        if let (Some(target), Some(executable)) = (message.target, message.executable) {
            built.push((target.name, executable));
        }
    }
    Ok(built)
}
