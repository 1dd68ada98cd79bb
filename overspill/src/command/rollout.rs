//! `rollout FILE EVENTS.jsonl`: the rollout machine, played over what was recorded.

mod show;

use mesh_model::access_point::AccessPoint;
use mesh_model::fleet::Fleet;
use mesh_model::name::Name;
use mesh_model::rollout::{
    Decision, Happening, HappeningKind, Play, PlayError, Recorded, RecordedSpec, TargetExplanation,
    empty_stages,
};
use mesh_model::template::Schemas;
use serde::Serialize;
use serde::de::IgnoredAny;

use super::placed::{fleet_in, one_in, right_templates};
use super::{Stop, misplaced, read_apart, tell};
use crate::cli::{Kind, Rollout};
use crate::objects::{Located, Objects, spec_fault};
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
    let others = arguments.fleet.iter().map(|path| ("--fleet", path.as_path()));
    read_apart(("FILE", &arguments.file), [("EVENTS", arguments.events.as_path())])?;
    read_apart(("EVENTS", &arguments.events), others)?;
    let paths = [&arguments.file].into_iter().chain(&arguments.fleet);
    let objects = Objects::read(paths.map(std::path::PathBuf::as_path)).map_err(Stop::Faults)?;
    right_templates(&objects, &Schemas::embedded())?;
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

/// Warns of stages that no target of the fleet is in: a canary whose name is misspelt proves nothing.
fn warn_of_empty_stages(access_point: &Located<AccessPoint>, fleet: &Fleet) {
    let AccessPoint { rollout, placement, .. } = &access_point.value;
    let targets: Vec<_> = fleet.targets(placement.level).collect();
    let warnings = empty_stages(rollout, &targets).into_iter().map(|empty| {
        let field = format!("spec.rollout.stages[{}].targets", empty.position);
        access_point.source.fault(&field, format!("{empty}, so it proves nothing"))
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
    if let Some(fault) = not_in_lines(events) {
        return Err(fault);
    }
    if lines.is_empty() {
        let message = "nothing is in it; write one JSON object on each line".to_owned();
        return Err(Fault::whole(events.name().to_owned(), message));
    }
    Ok(lines)
}

/// What is wrong with JSON that is no recording only because it does not stand in lines.
pub(super) fn not_in_lines(events: &Source) -> Option<Fault> {
    let first = events.lines().next()?;
    let text = first.text().trim();
    let is_cut = || first.parse::<IgnoredAny>().is_err() && events.parse::<IgnoredAny>().is_ok();
    let (what, filter) = if text.starts_with('[') {
        (
            "this is a JSON array, and a recording has one object on each line, without brackets around them and commas between",
            ".[]",
        )
    } else if text == "{" || (text.starts_with('{') && is_cut()) {
        ("this object goes over several lines, and a recording has a whole one on each line", ".")
    } else {
        return None;
    };
    let message = format!("{what}; `jq -c '{filter}'` writes it so");
    Some(first.fault_at(1, 1, None, message))
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
    Recorded::try_from(spec).map_err(|error| spec_fault(line, &error))
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
