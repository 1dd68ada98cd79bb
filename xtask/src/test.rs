//! The whole test run: what CI runs and what a person runs before a commit.
//!
//! Steps in order of what fails fastest; a failed step does not stop the
//! others. A tool that is missing is installed if we may (root on Debian or
//! Ubuntu, a rustup toolchain); else the step says what to install and is
//! skipped, which with `CI=true` is a failure: CI must not pass by not looking.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

mod fuzz;
mod release;
mod report;
mod steps;
pub(crate) mod tools;

use steps::STEPS;

/// Gigabytes that a run builds from nothing, in CI; with what cargo keeps for next time it is twice that.
const ROOM: u64 = 20;

/// One part of the run.
struct Step {
    name: &'static str,
    run: fn(&Context) -> Outcome,
}

/// What a step came to.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Outcome {
    /// It passed; with something to say or without.
    Passed(String),
    /// It failed, and why.
    Failed(String),
    /// It could not be made, and what is missing.
    Skipped(String),
}

/// A step that was made.
#[derive(Debug)]
struct Record {
    name: &'static str,
    outcome: Outcome,
    took: Duration,
}

/// Where the run takes place.
struct Context {
    root: PathBuf,
    /// Whether this is CI, which looks at everything and skips nothing.
    is_ci: bool,
}

/// Runs the steps whose names start with one of `wanted`, or all of them; `true` if all passed.
///
/// # Errors
/// If `wanted` names no step.
pub(crate) fn run(root: &Path, wanted: &[String]) -> anyhow::Result<bool> {
    for name in wanted {
        let known = || STEPS.map(|step| step.name).join(", ");
        anyhow::ensure!(
            STEPS.iter().any(|step| step.name.starts_with(name)),
            "no step `{name}`; there are: {}",
            known()
        );
    }
    let is_ci = is_ci();
    let context = Context { root: root.to_path_buf(), is_ci };
    let free = || tools::free_gigabytes(root);
    if let Some(free) = free().filter(|free| *free < ROOM) {
        println!("the disk has {free} GB free; a run from nothing takes up to {ROOM}");
    }
    let mut records = Vec::new();
    for step in &STEPS {
        if wanted.is_empty() || wanted.iter().any(|name| step.name.starts_with(name)) {
            println!("\n=== {} ===", step.name);
            let start = Instant::now();
            let outcome = strict((step.run)(&context), is_ci);
            records.push(Record { name: step.name, outcome, took: start.elapsed() });
        }
    }
    if let Some(free) = free() {
        println!("\nthe disk has {free} GB free now");
    }
    print!("{}", report::render(&records));
    Ok(!records.iter().any(|record| matches!(record.outcome, Outcome::Failed(_))))
}

/// With `CI=true` what was skipped has failed.
fn strict(outcome: Outcome, is_ci: bool) -> Outcome {
    match outcome {
        Outcome::Skipped(why) if is_ci => Outcome::Failed(format!("skipped, and CI=true: {why}")),
        Outcome::Failed(_) | Outcome::Passed(_) | Outcome::Skipped(_) => outcome,
    }
}

/// A command of the cargo that runs us, or of the one on the path.
///
/// CI builds everything once: what cargo would keep to build it again faster is more than all
/// that it builds, and has filled a disk.
pub(crate) fn cargo() -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    if is_ci() {
        command.env("CARGO_INCREMENTAL", "0");
    }
    command
}

/// Whether this is CI.
fn is_ci() -> bool {
    std::env::var("CI").is_ok_and(|ci| ci == "true" || ci == "1")
}

impl Context {
    /// A cargo command in the root, lock files unchanged.
    fn cargo(&self, arguments: &[&str]) -> Command {
        let mut command = cargo();
        let (own, rest): (Vec<&str>, Vec<&str>) =
            match arguments.iter().position(|argument| *argument == "--") {
                Some(at) => (arguments[..at].to_vec(), arguments[at..].to_vec()),
                None => (arguments.to_vec(), Vec::new()),
            };
        command.args(own);
        if arguments.first() != Some(&"fmt") {
            command.arg("--locked");
        }
        command.args(rest).current_dir(&self.root);
        command
    }

    /// Shows a command, runs it and waits.
    fn run(&self, command: &mut Command) -> Outcome {
        println!("$ {}", shown(command));
        match command.status() {
            Ok(status) if status.success() => Outcome::Passed(String::new()),
            Ok(status) => Outcome::Failed(format!("`{}`: {status}", shown(command))),
            Err(error) => Outcome::Failed(format!("`{}` could not be started: {error}", shown(command))),
        }
    }
}

/// A command as a person would type it, without its environment.
fn shown(command: &Command) -> String {
    let program =
        Path::new(command.get_program()).file_name().unwrap_or_default().to_string_lossy().into_owned();
    let words = command.get_args().map(|word| word.to_string_lossy().into_owned());
    std::iter::once(program).chain(words).collect::<Vec<_>>().join(" ")
}

impl Outcome {
    /// This outcome, or if it passed the next one's.
    fn and(self, next: impl FnOnce() -> Self) -> Self {
        match self {
            Self::Passed(_) => next(),
            Self::Failed(_) | Self::Skipped(_) => self,
        }
    }
}

#[cfg(test)]
mod tests;
