//! The guest's kernel, router and tools, from Debian packages by name.
//!
//! `apt-get download` checks their signatures and needs no root; `dpkg -x`
//! unpacks them into a folder of ours, so that nothing is installed. Libraries
//! come the same way: whatever packages of libraries the programs name. The
//! cache is filled once; remove it to take newer ones.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, ensure};

use super::Trouble;
use crate::test::tools;

/// The package that always names the newest kernel for virtual machines.
const KERNEL: &str = "linux-image-cloud-amd64";
/// Programs of the guest that are not ours.
const PROGRAMS: [&str; 5] = ["bird2", "iproute2", "ipvsadm", "busybox-static", "util-linux"];

/// Where everything lies, unpacked.
#[derive(Debug)]
pub(super) struct Pieces {
    /// The tree of all packages.
    pub(super) root: PathBuf,
    /// The kernel's image.
    pub(super) kernel: PathBuf,
    /// The folder of its modules.
    pub(super) modules: PathBuf,
}

/// Takes the pieces from the cache, which it fills if need be.
pub(super) fn fetch(cache: &Path) -> Result<Pieces, Trouble> {
    let complete = cache.join("complete");
    let wanted = format!("{KERNEL} {}", PROGRAMS.join(" "));
    if fs::read_to_string(&complete).is_ok_and(|filled| filled == wanted) {
        return found(cache);
    }
    fill(cache)?;
    fs::write(&complete, wanted).context("could not write to the cache")?;
    found(cache)
}

fn found(cache: &Path) -> Result<Pieces, Trouble> {
    let root = cache.join("root");
    let kernel = only_entry(&root.join("boot"), "vmlinuz-")?;
    let modules = only_entry(&root.join("lib/modules"), "")
        .or_else(|_| only_entry(&root.join("usr/lib/modules"), ""))?;
    Ok(Pieces { root, kernel, modules })
}

fn fill(cache: &Path) -> Result<(), Trouble> {
    for program in ["apt-get", "apt-cache", "dpkg"] {
        if !tools::answers(Command::new(program).arg("--version")) {
            let what = "the test-bed takes its kernel from Debian packages";
            return Err(Trouble::Missing(format!("{what}, and there is no program `{program}` here")));
        }
    }
    if depends(KERNEL)?.is_empty() && tools::is_root() {
        println!("no package lists are here: updating them");
        tools::answers(Command::new("apt-get").args(["update", "--quiet"]));
    }
    let kernel = depends(KERNEL)?.into_iter().find(|name| name.starts_with("linux-image-"));
    let kernel = kernel.ok_or_else(|| {
        Trouble::Missing(format!("apt knows no package {KERNEL}: `apt-get update` on a Debian system"))
    })?;
    let mut packages = BTreeSet::from([kernel]);
    let mut open: Vec<String> = PROGRAMS.map(str::to_owned).into();
    while let Some(package) = open.pop() {
        open.extend(depends(&package)?.into_iter().filter(|name| name.starts_with("lib")));
        open.retain(|name| !packages.contains(name));
        packages.insert(package);
    }
    download(cache, &packages)?;
    Ok(())
}

fn download(cache: &Path, packages: &BTreeSet<String>) -> anyhow::Result<()> {
    println!("downloading {} Debian packages: kernel, router, tools and their libraries", packages.len());
    let (debs, root) = (cache.join("packages"), cache.join("root"));
    for folder in [&debs, &root] {
        if folder.exists() {
            fs::remove_dir_all(folder).with_context(|| format!("{}", folder.display()))?;
        }
        fs::create_dir_all(folder).with_context(|| format!("{}", folder.display()))?;
    }
    let mut apt = Command::new("apt-get");
    apt.args(["download", "--quiet=2"]).args(packages).current_dir(&debs);
    // as root it warns that it may not drop privileges for files in our folder
    let output = apt.stdin(Stdio::null()).output().context("could not start apt-get")?;
    ensure!(output.status.success(), "apt-get download: {}", String::from_utf8_lossy(&output.stderr));
    for entry in fs::read_dir(&debs)? {
        let deb = entry?.path();
        let status = Command::new("dpkg").arg("-x").args([&deb, &root]).status();
        ensure!(status.is_ok_and(|status| status.success()), "dpkg could not unpack {}", deb.display());
    }
    Ok(())
}

/// The packages that a package depends on.
fn depends(package: &str) -> anyhow::Result<Vec<String>> {
    let output = Command::new("apt-cache").args(["depends", package]).stderr(Stdio::null()).output();
    let output = output.context("could not start apt-cache")?;
    Ok(named(&String::from_utf8_lossy(&output.stdout)))
}

/// The names that `apt-cache depends` printed, virtual ones left out.
fn named(printed: &str) -> Vec<String> {
    let words = printed.lines().filter_map(|line| {
        let line = line.trim_start_matches([' ', '|']);
        line.strip_prefix("Depends: ").or_else(|| line.strip_prefix("PreDepends: "))
    });
    words.filter(|name| !name.starts_with('<')).map(str::to_owned).collect()
}

/// The one entry of a folder whose name starts so.
fn only_entry(folder: &Path, start: &str) -> anyhow::Result<PathBuf> {
    let entries = fs::read_dir(folder).with_context(|| format!("{}", folder.display()))?;
    let paths = entries.filter_map(Result::ok).map(|entry| entry.path());
    let mut paths: Vec<_> = paths
        .filter(|path| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with(start)))
        .collect();
    paths.sort();
    let last = paths.pop();
    last.with_context(|| format!("nothing named `{start}...` in {}", folder.display()))
}

#[cfg(test)]
mod tests;
