//! Programs that run on any Linux machine of this architecture: static, so that they need no library of it.
//!
//! The C library is glibc, linked in. It is the one library that cannot be
//! linked in wholly: name resolution (`getaddrinfo`) and look-ups of users load
//! parts of the very same version at run time. So no program of ours that is
//! built so may resolve names; the agent's file has addresses only, and groups
//! are read from `/etc/group` by itself. That no such function is in it is
//! looked up in its symbols.

mod elf;

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, ensure};
use serde::Deserialize;

use crate::test::cargo;

/// What they are built for.
const TARGET: &str = "x86_64-unknown-linux-gnu";

/// Functions of glibc that load libraries while the program runs. (`dlopen` is always there: glibc's own
/// conversion of character sets has it, which nothing of ours calls.)
const LOADING: [&str; 5] = ["getaddrinfo", "gethostbyname_r", "getgrnam_r", "getpwnam_r", "getpwuid_r"];

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

/// Builds statically with these words for cargo; the programs that came of it, by target.
pub(crate) fn build(root: &Path, words: &[&str]) -> anyhow::Result<Vec<(String, PathBuf)>> {
    let output = cargo()
        .args(words)
        .args(["--locked", "--quiet", "--target", TARGET, "--message-format", "json"])
        .env("RUSTFLAGS", "-C target-feature=+crt-static")
        .current_dir(root)
        .stderr(Stdio::inherit())
        .output()
        .context("could not start cargo")?;
    ensure!(output.status.success(), "`cargo {}`, statically, failed", words.join(" "));
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

/// `cargo xtask static`: builds the agent for other machines, and proves that it needs nothing there.
pub(crate) fn command(root: &Path) -> anyhow::Result<bool> {
    let built = build(root, &["build", "--package", "lb-agent", "--bin", "lb-agent", "--release"])?;
    let (_, path) = built.first().context("cargo built no program")?;
    let bytes = std::fs::read(path).with_context(|| format!("could not read {}", path.display()))?;
    elf::needs_nothing(&bytes).with_context(|| format!("{} is not static", path.display()))?;
    let symbols = elf::symbols(&bytes)?;
    let has = |name: &str| symbols.contains(name.as_bytes());
    ensure!(has("main"), "{} is stripped: what it calls cannot be told", path.display());
    let loading: Vec<_> = LOADING.into_iter().filter(|name| has(name)).collect();
    ensure!(loading.is_empty(), "{} would load libraries of this glibc: {loading:?}", path.display());
    println!("{}", path.display());
    println!("static, {TARGET}, {:.1} MB", megabytes(bytes.len()));
    println!("sha256 {}", digest(path)?);
    Ok(true)
}

fn megabytes(bytes: usize) -> f64 {
    #[allow(clippy::cast_precision_loss, reason = "no program has 2^53 bytes")]
    let bytes = bytes as f64;
    bytes / 1e6
}

/// The digest by `sha256sum`, which people check it with.
fn digest(path: &Path) -> anyhow::Result<String> {
    let output = Command::new("sha256sum").arg(path).output().context("could not start sha256sum")?;
    ensure!(output.status.success(), "sha256sum failed");
    let line = String::from_utf8(output.stdout).context("sha256sum printed no text")?;
    Ok(line.split(' ').next().unwrap_or_default().to_owned())
}
