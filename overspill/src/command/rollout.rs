//! `rollout FILE EVENTS.jsonl`: the rollout machine, played over what was recorded.

mod show;

use mesh_model::access_point::{AccessPoint, Stage};
use mesh_model::fleet::Fleet;
use mesh_model::name::Name;
use mesh_model::rollout::{
    Decision, Happening, HappeningKind, Play, PlayError, Recorded, RecordedSpec, TargetExplanation,
};
use serde::Serialize;

use super::placed::{fleet_in, one_in};
use super::{Stop, misplaced, not_both_stdin, tell};
use crate::cli::{Kind, Rollout};
use crate::objects::{Located, Objects};
use crate::output::{Format, Output};
use crate::progress::Progress;
use files::{Fault, Severity, Source};

/// The JSON document.
#[derive(Debug, Serialize)]
struct Document {
    decisions: Vec<Decided>,
    /// Each target after the last line.
    targets: Vec<TargetExplanation>,
}

/// What was decided on a line.
#[derive(Debug, Serialize)]
struct Decided {
    line: u32,
    kind: HappeningKind,
    #[serde(flatten)]
    decision: Decision,
    #[serde(skip)]
    said: Happening,
    /// What is awaited then, for people who see that nothing was decided.
    #[serde(skip)]
    awaited: Option<String>,
}

const PLAYING: &str = "{bar:30} {human_pos} of {human_len} lines, {eta} left";
/// Telling how far it is costs more than playing a line.
const STRIDE: u64 = 256;

pub(super) fn run(arguments: &Rollout, out: &mut Output) -> Result<(), Stop> {
    not_both_stdin([("FILE", &arguments.file), ("EVENTS", &arguments.events)])?;
    let paths = [&arguments.file].into_iter().chain(&arguments.fleet);
    let objects = Objects::read(paths.map(std::path::PathBuf::as_path)).map_err(Stop::Faults)?;
    let access_point = one_in(&objects, &arguments.file)?;
    let fleet = fleet(arguments, &objects)?;
    warn_of_empty_stages(access_point, &fleet);
    let AccessPoint { rollout, placement, .. } = &access_point.value;
    let lines = lines_of(&Source::read(&arguments.events)?)?;
    let playing = Progress::new(lines.len() as u64, PLAYING);
    let mut play = Play::new(rollout.clone(), &fleet, placement.level);
    let mut decisions = Vec::with_capacity(lines.len());
    // every line is played before the first answer: a bad one must not leave half of it behind
    for (done, line) in (1..).zip(&lines) {
        let recorded = recorded(line)?;
        let said = recorded.happening.clone();
        let decision = play.step(recorded).map_err(|error| unplayable(line, &error))?;
        let is_quiet = out.format() == Format::Text && show::is_quiet(&decision);
        let awaited = is_quiet.then(|| play.awaited().as_ref().map(show::awaited)).flatten();
        decisions.push(Decided { line: line.first_line(), kind: said.kind(), decision, said, awaited });
        if done % STRIDE == 0 {
            playing.update(done);
        }
    }
    drop(playing);
    let document = Document { decisions, targets: play.explain() };
    match out.format() {
        Format::Json => out.json(&document)?,
        Format::Text => show::text(&document, out)?,
    }
    Ok(())
}

/// Warns of stages that no target can be in: a canary whose name is misspelt holds nothing back.
fn warn_of_empty_stages(access_point: &Located<AccessPoint>, fleet: &Fleet) {
    let AccessPoint { rollout, placement, .. } = &access_point.value;
    let stages = rollout.stages.iter().enumerate();
    let is_empty = |stage: &Stage| !fleet.targets(placement.level).any(|one| stage.targets.matches(&one));
    let warnings = stages.filter(|(_, stage)| is_empty(stage)).map(|(position, stage)| {
        let field = format!("spec.rollout.stages[{position}].targets");
        let message =
            format!("stage {} selects no target of this fleet, so it holds nothing back", stage.name);
        access_point.source.fault(&field, message)
    });
    tell(&warnings.collect::<Vec<_>>(), Severity::Warning);
}

/// The fleet of --fleet, or of the access point's own file.
fn fleet(arguments: &Rollout, objects: &Objects) -> Result<Fleet, Stop> {
    if !arguments.fleet.is_empty() {
        return fleet_in(objects, &arguments.fleet);
    }
    fleet_in(objects, std::slice::from_ref(&arguments.file)).map_err(|stop| match stop {
        Stop::Usage(_) => Stop::Usage(
            "the stages of a rollout are of a fleet's targets; name its zones and clusters with --fleet"
                .into(),
        ),
        other => other,
    })
}

/// The lines of a recording, of which there is one at least.
fn lines_of(events: &Source) -> Result<Vec<Source>, Fault> {
    let lines: Vec<Source> = events.lines().collect();
    let is_object = |line: &Source| line.text().trim_start().starts_with('{');
    if !lines.iter().any(is_object)
        && let Some(fault) = misplaced(events, Kind::Events.name())
    {
        return Err(fault);
    }
    if lines.is_empty() {
        let message = "nothing is in it; write one JSON object on each line".to_owned();
        return Err(Fault::whole(events.name().to_owned(), message));
    }
    Ok(lines)
}

/// Reads one line of a recording completely.
pub(super) fn recorded(line: &Source) -> Result<Recorded, Fault> {
    if line.text().trim_start().starts_with('#') {
        let message = "a recording has no comments; write one JSON object on each line".to_owned();
        return Err(line.fault_at(1, 1, None, message));
    }
    let spec: RecordedSpec = line.parse().map_err(|fault: Fault| {
        if fault.message.starts_with("no YAML") {
            let message = "no JSON object; write a whole one on each line, and no comma after it".to_owned();
            return Fault { message, ..fault };
        }
        fault
    })?;
    Recorded::try_from(spec).map_err(|error| line.fault(&error.path.to_string(), error.problem.to_string()))
}

/// The field of a line that cannot be played.
pub(super) fn unplayable(line: &Source, error: &PlayError) -> Fault {
    let field = match error {
        PlayError::Backwards { .. } => "at",
        PlayError::NoWall => "wall",
        PlayError::UnknownTarget { name, .. } => &field_of(line, name),
    };
    line.fault(field, error.to_string())
}

/// Where a line names a target.
fn field_of(line: &Source, name: &Name) -> String {
    let spec: Option<RecordedSpec> = line.parse().ok();
    let position = spec.and_then(|spec| spec.targets?.iter().position(|one| one == name));
    position.map_or_else(|| "target".to_owned(), |position| format!("targets[{position}]"))
}
