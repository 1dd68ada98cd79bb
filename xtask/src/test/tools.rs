//! Tools that a toolchain does not always bring: looked for, installed if we may, else named.

use std::path::Path;
use std::process::{Command, Stdio};

/// Whether cargo-nextest is there; without it `cargo test` does the same, slower.
pub(super) fn has_nextest() -> bool {
    answers(Command::new(super::cargo()).args(["nextest", "--version"]))
}

/// Makes sure of a rustup component that brings `cargo SUBCOMMAND`.
///
/// # Errors
/// Says how to get it.
pub(super) fn component(name: &str, subcommand: &str) -> Result<(), String> {
    let is_there = || answers(Command::new(super::cargo()).args([subcommand, "--version"]));
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

/// Makes sure of `promtool`, which judges the alert rules.
///
/// Its package brings a server that starts by itself; one that came with it is turned off again.
///
/// # Errors
/// Says how to get it.
pub(super) fn promtool() -> Result<(), String> {
    let was_there = answers(Command::new("promtool").arg("--version"));
    program("promtool", "prometheus")?;
    if !was_there && Path::new("/run/systemd/system").exists() {
        let turned_off = answers(Command::new("systemctl").args(["disable", "--now", "prometheus"]));
        if !turned_off {
            println!(
                "prometheus came with promtool and may be running: `systemctl disable --now prometheus`"
            );
        }
    }
    Ok(())
}

/// Installs a Debian package, if this is Debian (or Ubuntu) and we are root.
fn install_package(package: &str) -> bool {
    if !Path::new("/etc/debian_version").exists() || !is_root() {
        return false;
    }
    println!("{package} is missing: installing it with apt-get");
    let apt = |arguments: &[&str]| {
        let mut command = Command::new("apt-get");
        command.args(arguments).env("DEBIAN_FRONTEND", "noninteractive").stdin(Stdio::null());
        command.status().is_ok_and(|status| status.success())
    };
    apt(&["update", "--quiet"]) && apt(&["install", "--quiet", "--yes", "--no-install-recommends", package])
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
