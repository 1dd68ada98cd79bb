//! Fuzz targets on a stable toolchain, without cargo-fuzz.
//!
//! What cargo-fuzz does, less the sanitizers, which need a nightly: LLVM's
//! coverage passes through plain code generation options, and libFuzzer's
//! runtime from the crate libfuzzer-sys. Each target runs a few seconds over
//! its corpus and a little beyond; new inputs go to a scratch folder, so that a
//! test run changes no file of the project.

use std::path::PathBuf;
use std::process::Command;

use super::{Context, Outcome, tools};
use crate::metadata::Metadata;

/// Code generation as libFuzzer wants it.
const FLAGS: [&str; 9] = [
    "--cfg fuzzing",
    "-Cpasses=sancov-module",
    "-Cllvm-args=-sanitizer-coverage-level=4",
    "-Cllvm-args=-sanitizer-coverage-inline-8bit-counters",
    "-Cllvm-args=-sanitizer-coverage-pc-table",
    "-Cllvm-args=-sanitizer-coverage-trace-compares",
    "-Ccodegen-units=1",
    "-Cdebug-assertions",
    "-Coverflow-checks",
];

/// Seconds that each target runs.
const SECONDS: u32 = 3;

/// Clippy over the targets.
pub(super) fn lint(context: &Context) -> Outcome {
    if let Err(missing) = tools::component("clippy", "clippy").and_then(|()| tools::cpp_compiler()) {
        return Outcome::Skipped(missing);
    }
    context.run(&mut cargo(context, &["clippy", "--all-targets", "--", "-D", "warnings"]))
}

/// Builds every target.
pub(super) fn build(context: &Context) -> Outcome {
    if let Err(missing) = tools::cpp_compiler() {
        return Outcome::Skipped(missing);
    }
    let Some(host) = host() else {
        return Outcome::Failed("`rustc -vV` does not say which machine this is".to_owned());
    };
    // With a target given, flags do not reach build scripts and macros.
    let mut command = cargo(context, &["build", "--bins", "--target", &host]);
    context.run(command.env("RUSTFLAGS", FLAGS.join(" ")))
}

/// Runs every target over its corpus.
pub(super) fn run(context: &Context) -> Outcome {
    if let Err(missing) = tools::cpp_compiler() {
        return Outcome::Skipped(missing);
    }
    let metadata = match Metadata::read(&context.root.join("fuzz")) {
        Ok(metadata) => metadata,
        Err(error) => return Outcome::Failed(format!("{error:#}")),
    };
    let Some(host) = host() else {
        return Outcome::Failed("`rustc -vV` does not say which machine this is".to_owned());
    };
    let programs = folder(context).join(host).join("debug");
    let targets = metadata.members().flat_map(|package| &package.targets);
    let names: Vec<&str> = targets
        .filter(|target| target.kind.iter().any(|kind| kind == "bin"))
        .map(|target| target.name.as_str())
        .collect();
    let mut outcome = Outcome::Passed(String::new());
    for name in &names {
        outcome = outcome.and(|| run_one(context, &programs, name));
    }
    outcome.and(|| Outcome::Passed(format!("{} targets, {SECONDS} s each", names.len())))
}

fn run_one(context: &Context, programs: &std::path::Path, name: &str) -> Outcome {
    let corpus = context.root.join("fuzz/corpus").join(name);
    let found = folder(context).join("found").join(name);
    let artifacts = context.root.join("fuzz/artifacts").join(name);
    if !corpus.is_dir() {
        return Outcome::Failed(format!(
            "fuzz/corpus/{name} is missing: a target needs inputs to begin with"
        ));
    }
    for folder in [&found, &artifacts] {
        if let Err(error) = std::fs::create_dir_all(folder) {
            return Outcome::Failed(format!("could not make {}: {error}", folder.display()));
        }
    }
    let mut command = Command::new(programs.join(name));
    command
        .arg(format!("-max_total_time={SECONDS}"))
        .args(["-seed=1", "-timeout=10", "-rss_limit_mb=2048", "-max_len=8192", "-verbosity=0"])
        .arg("-print_final_stats=1")
        .arg(format!("-artifact_prefix={}/", artifacts.display()))
        .args([&found, &corpus])
        .current_dir(&context.root);
    context.run(&mut command)
}

/// A cargo command for the fuzz workspace, built in a folder of its own.
fn cargo(context: &Context, arguments: &[&str]) -> Command {
    let mut command = context.cargo(arguments);
    command.current_dir(context.root.join("fuzz")).env("CARGO_TARGET_DIR", folder(context));
    command
}

fn folder(context: &Context) -> PathBuf {
    context.root.join("target/fuzz")
}

/// The target triple of this machine.
fn host() -> Option<String> {
    let output = Command::new("rustc").arg("-vV").output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    text.lines().find_map(|line| line.strip_prefix("host: ")).map(str::to_owned)
}
