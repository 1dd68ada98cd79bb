//! `cargo xtask`: the project's own checks (`tidy`), the whole test run (`test`), a kernel to test in (`testbed`),
//! the agent for other machines (`static`).
//!
//! Plain std and `cargo` itself, so that a fresh machine with a Rust toolchain
//! can run it. What each part does is in its module's header.

#![forbid(unsafe_code)]

use std::path::{Path, PathBuf};
use std::process::ExitCode;

mod metadata;
mod portable;
mod test;
mod testbed;
mod tidy;

const USAGE: &str = "\
cargo xtask test [STEP]...   run every step, or only those whose name starts with STEP
cargo xtask tidy             only the project's own checks: sizes, headers, directions, licences, paths
cargo xtask static           the agent as one file that runs on any x86-64 Linux machine: path, size, digest
cargo xtask testbed [--help | --smoke | --only NAME]...
                             scenarios on a real kernel, in an emulated guest: what there is, the small set, or some";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let outcome = match arguments.split_first() {
        Some((command, steps)) if command == "test" => test::run(&root(), steps),
        Some((command, [])) if command == "tidy" => tidy_only(),
        Some((command, [])) if command == "static" => portable::command(&root()),
        Some((command, words)) if command == "testbed" => testbed::command(&root(), words),
        _ => {
            eprintln!("{USAGE}");
            return ExitCode::from(2);
        }
    };
    match outcome {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn tidy_only() -> anyhow::Result<bool> {
    let findings = tidy::run(&root())?;
    for finding in &findings {
        println!("{finding}");
    }
    println!("tidy: {} finding(s)", findings.len());
    Ok(findings.is_empty())
}

/// The root of the workspace: the folder above this package's.
fn root() -> PathBuf {
    let package = std::env::var_os("CARGO_MANIFEST_DIR").map(PathBuf::from);
    let package = package.unwrap_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")));
    package.parent().map_or_else(|| PathBuf::from("."), Path::to_path_buf)
}
