//! Kernel modules: which ones a guest needs, each after those it stands on.
//!
//! The order is read from the modules themselves (`depends=` in their section
//! `.modinfo`), so that no `depmod` has to be installed.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, bail, ensure};

/// What the scenarios use; what these stand on comes with them.
const WANTED: [&str; 20] = [
    "nf_conntrack",
    "ip_vs",
    "ip_vs_mh",
    "ip_vs_sh",
    "ip_vs_rr",
    "ip_vs_wrr",
    "ip_vs_lc",
    "ip_vs_wlc",
    "ipip",
    "ip6_tunnel",
    "sit",
    "ip_gre",
    "ip6_gre",
    "fou",
    "fou6",
    "dummy",
    "veth",
    "tun",
    "inet_diag",
    "tcp_diag",
];

/// A module's name and its content, not compressed.
#[derive(Debug)]
pub(super) struct Module {
    pub(super) name: String,
    pub(super) bytes: Vec<u8>,
}

/// Reads the modules that are wanted from a kernel's folder, in the order of loading.
///
/// # Errors
/// If one is not there, or cannot be read.
pub(super) fn read(folder: &Path) -> anyhow::Result<Vec<Module>> {
    let mut files = BTreeMap::new();
    find(folder, &mut files)?;
    let mut loaded = Vec::new();
    for name in WANTED {
        add(name, &files, &mut loaded, 0)?;
    }
    Ok(loaded)
}

/// All modules below a folder by the names that the kernel gives them.
fn find(folder: &Path, files: &mut BTreeMap<String, PathBuf>) -> anyhow::Result<()> {
    for entry in fs::read_dir(folder).with_context(|| format!("{}", folder.display()))? {
        let path = entry?.path();
        if path.is_dir() && !path.is_symlink() {
            find(&path, files)?;
        } else if let Some(name) = path.file_name().and_then(|name| name.to_str()) {
            let stem = name.strip_suffix(".xz").unwrap_or(name).strip_suffix(".ko");
            if let Some(stem) = stem {
                files.insert(stem.replace('-', "_"), path);
            }
        }
    }
    Ok(())
}

/// Adds a module behind those that it stands on.
fn add(
    name: &str,
    files: &BTreeMap<String, PathBuf>,
    loaded: &mut Vec<Module>,
    depth: usize,
) -> anyhow::Result<()> {
    if loaded.iter().any(|module| module.name == name) {
        return Ok(());
    }
    ensure!(depth < 20, "modules that stand on each other, at {name}");
    let path = files.get(name).with_context(|| format!("this kernel has no module {name}"))?;
    let bytes = content(path)?;
    for below in stands_on(&bytes) {
        add(&below, files, loaded, depth + 1)?;
    }
    loaded.push(Module { name: name.to_owned(), bytes });
    Ok(())
}

/// The file's content; newer Debian kernels bring modules compressed.
fn content(path: &Path) -> anyhow::Result<Vec<u8>> {
    if path.extension().is_some_and(|extension| extension == "xz") {
        let output = Command::new("xz").args(["--decompress", "--stdout"]).arg(path).output();
        let output = output.context("could not start xz (package xz-utils)")?;
        if !output.status.success() {
            bail!("xz could not unpack {}", path.display());
        }
        return Ok(output.stdout);
    }
    fs::read(path).with_context(|| format!("{}", path.display()))
}

/// The names in a module's `depends=`, as the kernel writes names.
fn stands_on(module: &[u8]) -> Vec<String> {
    const KEY: &[u8] = b"\0depends=";
    let Some(at) = module.windows(KEY.len()).position(|window| window == KEY) else { return Vec::new() };
    let value = module[at + KEY.len()..].split(|byte| *byte == 0).next().unwrap_or_default();
    let names = String::from_utf8_lossy(value);
    names.split(',').filter(|name| !name.is_empty()).map(|name| name.replace('-', "_")).collect()
}

#[cfg(test)]
mod tests;
