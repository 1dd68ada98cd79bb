//! The guest's first file system: everything it needs, and nothing else.
//!
//! Debian's programs bring their libraries: the dynamic linker of the unpacked
//! packages is asked which, so that nothing of the host's is mixed in.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::BufWriter;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, ensure};

use super::archive::Archive;
use super::modules;
use super::pieces::Pieces;
use super::programs::Programs;

/// Programs of Debian's, by the names under which the guest starts them.
const PROGRAMS: [&str; 8] = ["bird", "birdc", "ip", "ipvsadm", "busybox", "nsenter", "setpriv", "unshare"];
/// What tests and a person's shell start by name, of busybox's.
const APPLETS: [&str; 4] = ["kill", "sh", "sleep", "true"];
/// Where packages put programs.
const PROGRAM_FOLDERS: [&str; 4] = ["usr/sbin", "usr/bin", "sbin", "bin"];
/// Where packages put libraries.
const LIBRARY_FOLDERS: [&str; 2] = ["lib/x86_64-linux-gnu", "usr/lib/x86_64-linux-gnu"];
/// Where the programs look for their linker.
const LINKER: &str = "lib64/ld-linux-x86-64.so.2";

/// Writes the image.
pub(super) fn write(to: &Path, pieces: &Pieces, programs: &Programs) -> anyhow::Result<()> {
    let file = File::create(to).with_context(|| format!("{}", to.display()))?;
    let mut archive = Archive::new(BufWriter::new(file));
    for folder in ["dev", "proc", "sys", "run", "tmp", "etc", "root", "var/run"] {
        archive.folder(folder)?;
    }
    archive.file("init", &read(&programs.testbed)?)?;
    archive.file("bin/lb-agent", &read(&programs.agent)?)?;
    for name in APPLETS {
        archive.link(&format!("bin/{name}"), "busybox")?;
    }
    for (number, module) in modules::read(&pieces.modules)?.iter().enumerate() {
        // numbered, because the guest loads them in the order of their names
        archive.file(&format!("modules/{number:02}-{}.ko", module.name), &module.bytes)?;
    }
    let mut libraries = BTreeMap::new();
    for name in PROGRAMS {
        let path = program(&pieces.root, name)?;
        libraries.extend(libraries_of(&pieces.root, &path)?);
        archive.file(&format!("bin/{name}"), &read(&path)?)?;
    }
    archive.file(LINKER, &read(&linker(&pieces.root)?)?)?;
    for (name, path) in libraries {
        archive.file(&format!("lib/x86_64-linux-gnu/{name}"), &read(&path)?)?;
    }
    for (name, path) in &programs.tests {
        archive.file(&format!("tests/{name}"), &read(path)?)?;
    }
    archive.finish()?;
    Ok(())
}

fn read(path: &Path) -> anyhow::Result<Vec<u8>> {
    fs::read(path).with_context(|| format!("{}", path.display()))
}

fn program(root: &Path, name: &str) -> anyhow::Result<PathBuf> {
    let mut paths = PROGRAM_FOLDERS.iter().map(|folder| root.join(folder).join(name));
    // links of packages are from their own root, not from ours
    let found = paths.find(|path| path.is_file() && !path.is_symlink());
    found.with_context(|| format!("no program `{name}` in the packages; remove {}", root.display()))
}

fn linker(root: &Path) -> anyhow::Result<PathBuf> {
    let mut paths = LIBRARY_FOLDERS.iter().map(|folder| root.join(folder).join("ld-linux-x86-64.so.2"));
    paths.find(|path| path.is_file()).context("no dynamic linker in the packages")
}

/// The libraries that a program needs, by name; none of a static one.
fn libraries_of(root: &Path, program: &Path) -> anyhow::Result<BTreeMap<String, PathBuf>> {
    let linker = linker(root)?;
    let ask = |words: &[&str]| Command::new(&linker).args(words).arg(program).output();
    let is_dynamic = ask(&["--verify"]).context("could not start the packages' dynamic linker")?;
    if !is_dynamic.status.success() {
        return Ok(BTreeMap::new());
    }
    let folders = LIBRARY_FOLDERS.map(|folder| root.join(folder).display().to_string());
    let output = ask(&["--library-path", &folders.join(":"), "--list"])?;
    let (listed, faults) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    ensure!(output.status.success(), "{}: {faults}", program.display());
    Ok(listed.lines().filter_map(found).collect())
}

/// A line `NAME => PATH (0x...)` of the linker's list.
fn found(line: &str) -> Option<(String, PathBuf)> {
    let (name, rest) = line.trim().split_once(" => ")?;
    let path = rest.rsplit_once(" (").map_or(rest, |(path, _)| path);
    Some((name.to_owned(), PathBuf::from(path)))
}
