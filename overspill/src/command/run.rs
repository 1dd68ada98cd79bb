//! `run SCENARIO`: simulate, tell what an operator asks first, and keep it if asked to.
//!
//! The simulation is `sim`'s; here a scenario is found, its events and samples
//! are written as they come, and the result is printed. Whether the run passes
//! is the exit status.

mod artifacts;
mod load;
mod show;

use std::time::Instant;

use lb_core::Time;
use serde::Serialize;
use sim::record::{Observer, Record, Sample};
use sim::run::RunResult;
use sim::scenario::Scenario;

use super::Stop;
use crate::cli::Run;
use crate::output::{Format, Output};
use crate::progress::Progress;
use crate::report::{self, Curves, Report};
use artifacts::Artifacts;
use files::Fault;
pub(super) use load::{check_scenario, embedded_named};

/// The JSON document: the result, and the command that gives it again.
#[derive(Debug, Serialize)]
struct Document<'a> {
    #[serde(flatten)]
    result: &'a RunResult,
    replay: &'a str,
}

const PROGRESS: &str = "{bar:30} {percent}% simulated, {eta} left";

pub(super) fn run(arguments: &Run, out: &mut Output) -> Result<(), Stop> {
    let loaded = load::load(&arguments.scenario, &arguments.set)?;
    let seed = arguments.seed.unwrap_or(loaded.scenario.seed);
    let replay = replay(arguments, seed);
    let artifacts = arguments.out.as_deref().map(Artifacts::create).transpose()?;
    let start = Instant::now();
    let mut watcher = Watcher::new(&loaded.scenario, artifacts);
    let mut result = sim::run::run(&loaded.scenario, seed, &mut watcher).map_err(|error| {
        Fault::whole(arguments.scenario.to_string_lossy().into_owned(), error.to_string())
    })?;
    // the run does not know what was set
    result.violations.iter_mut().for_each(|violation| violation.replay.clone_from(&replay));
    let took = start.elapsed();
    let Watcher { artifacts, curves, progress } = watcher;
    drop(progress);
    if let Some(artifacts) = artifacts {
        let report = Report {
            result: &result,
            scenario: &loaded.scenario,
            text: &loaded.text,
            curves: &curves,
            replay: &replay,
            version: env!("CARGO_PKG_VERSION"),
        };
        artifacts.finish(&report::render(&report))?;
    }
    match out.format() {
        Format::Json => out.json(&Document { result: &result, replay: &replay })?,
        Format::Text => {
            let title = &loaded.scenario.title;
            show::print(&result, title, took, &replay, arguments.out.as_deref(), out)?;
        }
    }
    if result.passed() { Ok(()) } else { Err(Stop::AnswerIsNo) }
}

/// The command that gives the same run again.
fn replay(arguments: &Run, seed: u64) -> String {
    let mut words =
        vec!["overspill".to_owned(), "run".to_owned(), quoted(&arguments.scenario.to_string_lossy())];
    words.extend(["--seed".to_owned(), seed.to_string()]);
    for set in &arguments.set {
        words.extend(["--set".to_owned(), quoted(set)]);
    }
    words.join(" ")
}

/// A word as a shell takes it.
fn quoted(word: &str) -> String {
    let plain = |character: char| character.is_ascii_alphanumeric() || "-_./=:,%@+".contains(character);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

/// Keeps what a run tells.
#[derive(Debug)]
struct Watcher {
    artifacts: Option<Artifacts>,
    curves: Curves,
    progress: Progress,
}

impl Watcher {
    fn new(scenario: &Scenario, artifacts: Option<Artifacts>) -> Self {
        let length = u64::try_from(scenario.duration.as_millis()).unwrap_or(u64::MAX);
        Self { artifacts, curves: Curves::default(), progress: Progress::new(length, PROGRESS) }
    }
}

impl Observer for Watcher {
    fn event(&mut self, record: &Record<'_>) {
        if let Some(artifacts) = &mut self.artifacts {
            artifacts.event(record);
            self.curves.event(record);
        }
    }

    fn sample(&mut self, sample: &Sample<'_>) {
        if let Some(artifacts) = &mut self.artifacts {
            artifacts.sample(sample);
            self.curves.sample(sample);
        }
    }

    fn progress(&mut self, now: Time, _end: Time) {
        self.progress.update(now.as_nanos() / 1_000_000);
    }
}
