//! `dns-plan DESIRED CURRENT`: the planner of names by itself.

use std::io::{self, Write};

use mesh_model::names::{
    Change, CurrentFile, Deletion, DesiredFile, Gone, Mark, NamePlan, Note, Record, RecordKind, Wanted, plan,
};
use mesh_model::provision::NameProvider;
use mesh_model::render::Revision;

use super::{Stop, checked, read_apart};
use crate::cli::{DnsPlan, Kind};
use crate::numbers::{counted, grouped};
use crate::output::{Format, Output, wrapped};
use crate::progress::Progress;
use files::{Fault, Source, printable};

/// What is wanted, whose it is, and the deletions that are approved.
pub(super) type Desired = (NameProvider, Vec<Wanted>, Option<Revision>);

pub(super) fn run(arguments: &DnsPlan, out: &mut Output) -> Result<(), Stop> {
    read_apart(("DESIRED", &arguments.desired), [("CURRENT", arguments.current.as_path())])?;
    let planning = Progress::new(0, "{spinner} planning, {elapsed}");
    let (provider, wanted, approved) = desired(&Source::read(&arguments.desired)?)?;
    let current = current(&Source::read(&arguments.current)?)?;
    let plan = plan(&wanted, &current, &provider, approved);
    drop(planning);
    match out.format() {
        Format::Json => out.json(&plan)?,
        Format::Text => show(&plan, out)?,
    }
    if plan.errors.is_empty() && plan.held_back.is_empty() { Ok(()) } else { Err(Stop::AnswerIsNo) }
}

/// Reads a file of names that are wanted completely.
pub(super) fn desired(source: &Source) -> Result<Desired, Fault> {
    checked(source, Kind::Desired, |file: DesiredFile| {
        let (provider, wanted) = file.check()?;
        Ok((provider, wanted, file.approved))
    })
}

/// Reads a file of records that are there completely.
pub(super) fn current(source: &Source) -> Result<Vec<Record>, Fault> {
    checked(source, Kind::Current, |file: CurrentFile| file.check())
}

fn show(plan: &NamePlan, out: &mut Output) -> io::Result<()> {
    for change in &plan.changes {
        match change {
            Change::Create { record } => {
                head('+', record, &record.ttl.to_string(), out)?;
                values('+', record, |_| true, out)?;
            }
            Change::Delete { record } => {
                head('-', record, &record.ttl.to_string(), out)?;
                values('-', record, |_| true, out)?;
            }
            Change::Update { old, record } => {
                let ttl = if old.ttl == record.ttl {
                    record.ttl.to_string()
                } else {
                    format!("{} -> {}", old.ttl, record.ttl)
                };
                head('~', record, &ttl, out)?;
                values('-', old, |value| !record.values.contains(value), out)?;
                values('+', record, |value| !old.values.contains(value), out)?;
            }
        }
    }
    let count = |is: fn(&Change) -> bool| plan.changes.iter().filter(|change| is(change)).count();
    let [creates, updates, deletes] = [
        count(|change| matches!(change, Change::Create { .. })),
        count(|change| matches!(change, Change::Update { .. })),
        count(|change| matches!(change, Change::Delete { .. })),
    ];
    writeln!(
        out,
        "{}, {}, {}, {}",
        counted(creates, "create"),
        counted(updates, "update"),
        counted(deletes, "delete"),
        counted(plan.errors.len(), "error"),
    )?;
    if plan.held_back.is_empty() && plan.deletions > 0 {
        writeln!(out, "{}; {} may without an approval", leaving(plan), grouped(plan.max_deletions as u64))?;
    }
    held_back(plan, out)?;
    plan.notes.iter().try_for_each(|note| write!(out, "{}", wrapped(&format!("note: {note}"), "")))?;
    plan.errors.iter().try_for_each(|error| write!(out, "{}", wrapped(&format!("error: {error}"), "")))
}

/// How many owners and values go.
fn leaving(plan: &NamePlan) -> String {
    let strays = plan.notes.iter().filter(|note| matches!(note.note, Note::Stray { .. })).count();
    let owners = plan.deletions - strays;
    let leave = if owners == 1 { "owner leaves" } else { "owners leave" };
    let go = if strays == 1 { "value without a mark goes" } else { "values without a mark go" };
    match (owners, strays) {
        (_, 0) => format!("{} {leave} a record", grouped(owners as u64)),
        (0, _) => format!("{} {go}", grouped(strays as u64)),
        _ => format!("{} {leave} a record and {} {go}", grouped(owners as u64), grouped(strays as u64)),
    }
}

/// What a change is about: kind, name, how long it is remembered, and which of several it is.
fn head(sign: char, record: &Record, ttl: &str, out: &mut Output) -> io::Result<()> {
    write!(out, "{sign} {:5} {}  {ttl}", record.kind.to_string(), record.name)?;
    if let Some(set) = &record.set_id {
        write!(out, "  set {}", printable(set))?;
    }
    if let Some(weight) = record.weight {
        write!(out, "  weight {weight}")?;
    }
    writeln!(out)
}

fn values(sign: char, record: &Record, is_meant: impl Fn(&str) -> bool, out: &mut Output) -> io::Result<()> {
    for value in record.values.iter().filter(|value| is_meant(value)) {
        let mark = (record.kind == RecordKind::Txt).then(|| value.parse::<Mark>().ok()).flatten();
        let text = match mark {
            Some(Mark { owner, values, .. }) => {
                let values = values.into_iter().collect::<Vec<_>>().join(" ");
                format!("mark of {owner}: {values}")
            }
            None => printable(value),
        };
        writeln!(out, "    {sign} {text}")?;
    }
    Ok(())
}

fn held_back(plan: &NamePlan, out: &mut Output) -> io::Result<()> {
    let (Some(hash), false) = (plan.hash, plan.held_back.is_empty()) else { return Ok(()) };
    let held = counted(plan.held_back.len(), "deletion");
    let told = if plan.deletions > plan.max_deletions {
        let most = grouped(plan.max_deletions as u64);
        format!("held back: {held}, where {most} may be made without an approval:")
    } else {
        format!("held back: {held} that would leave nobody healthy:")
    };
    write!(out, "{}", wrapped(&told, ""))?;
    for deletion in &plan.held_back {
        let Deletion { name, kind, gone } = deletion;
        match gone {
            Gone::Owner(owner) => writeln!(out, "  {kind} {name} for {owner}")?,
            Gone::Value(value) => writeln!(out, "  {kind} {name}: {}, which no mark has", printable(value))?,
        }
    }
    writeln!(out, "exactly these are approved by this line in DESIRED:")?;
    writeln!(out, "  approved: {hash}")
}
