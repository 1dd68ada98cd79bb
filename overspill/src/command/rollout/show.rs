//! A rollout in words: a line for each event, then where each target stands.

use std::io::{self, Write};

use comfy_table::CellAlignment::{Left, Right};
use mesh_model::name::Name;
use mesh_model::render::Revision;
use mesh_model::rollout::{
    Apply, Awaited, Decision, Event, FailureCause, Happening, Phase, Progress, TargetExplanation,
    TargetHealth, Wait,
};

use super::{Decided, Document};
use crate::numbers::counted;
use crate::output::{Output, lines_of_80, table};
use files::printable;

pub(super) fn text(document: &Document, out: &mut Output) -> io::Result<()> {
    let mut decisions = table(&[("AT", Right), ("EVENT", Left), ("PHASE", Left), ("DECISION", Left)]);
    for Decided { decision, said, awaited, .. } in &document.decisions {
        let words = if is_quiet(decision) { awaited.clone() } else { Some(decided(decision)) };
        decisions.add_row([
            decision.at.to_string(),
            printable(&happening(said)),
            phase(decision.phase).to_owned(),
            words.map_or_else(|| "-".to_owned(), |words| printable(&words)),
        ]);
    }
    out.write_all(lines_of_80(decisions).as_bytes())?;
    if document.targets.is_empty() {
        return Ok(());
    }
    let mut targets =
        table(&[("TARGET", Left), ("STAGE", Left), ("GIVEN", Left), ("IS", Left), ("WAITS FOR", Left)]);
    for target in &document.targets {
        targets.add_row([
            target.target.to_string(),
            target.stage.as_ref().map_or_else(|| "-".to_owned(), ToString::to_string),
            target.given.map_or_else(|| "-".to_owned(), short),
            progress(target).to_owned(),
            target.waits_for.as_ref().map_or_else(|| "-".to_owned(), waits_for),
        ]);
    }
    writeln!(out)?;
    out.write_all(lines_of_80(targets).as_bytes())
}

fn happening(said: &Happening) -> String {
    match said {
        Happening::Abort { by } => format!("abort by {by}"),
        Happening::Approval { by, .. } => format!("approval by {by}"),
        Happening::Join { targets } => format!("join {}", several(targets)),
        Happening::Leave { targets } => format!("leave {}", several(targets)),
        Happening::Report { target, health, .. } => {
            let health = match health {
                TargetHealth::Failed => "failed",
                TargetHealth::NotReady => "not ready",
                TargetHealth::Ready => "ready",
                TargetHealth::Unknown => "unknown",
            };
            format!("{target} {health}")
        }
        Happening::Restart {} => "restart".to_owned(),
        Happening::Resume { by } => format!("resume by {by}"),
        Happening::Revision { revision, author, .. } => format!("{} by {author}", short(*revision)),
        Happening::Timeout {} => "timeout".to_owned(),
    }
}

const fn phase(phase: Phase) -> &'static str {
    match phase {
        Phase::Progressing => "progressing",
        Phase::RolledBack => "rolled back",
        Phase::RollingBack => "rolling back",
        Phase::Settled => "settled",
        Phase::Stopped => "stopped",
        Phase::Waiting => "waiting",
    }
}

/// Whether nothing was decided that stands beside the phase.
pub(super) fn is_quiet(decision: &Decision) -> bool {
    decided(decision).is_empty()
}

/// What is told and what targets are given.
fn decided(decision: &Decision) -> String {
    let mut words: Vec<String> = decision.refused.iter().map(|why| format!("refused: {why}")).collect();
    words.extend(decision.events.iter().filter_map(event));
    words.extend(given(&decision.apply));
    words.join("; ")
}

/// What everything waits for.
pub(super) fn awaited(Awaited { target, wait }: &Awaited) -> String {
    let name = target.as_ref().map_or("nobody", Name::as_str);
    match wait {
        Wait::Applied => format!("{name} has not said that it has it"),
        Wait::Approval { .. } | Wait::Resume | Wait::Revision | Wait::Targets => {
            format!("waits for {}", waits_for(wait))
        }
        Wait::Health { of } => format!("{of} is no longer ready"),
        Wait::Nobody { stage } => format!("stage {stage} pauses, and nobody is in it"),
        Wait::Ready { within } => format!("{name} has {within} to become ready"),
        Wait::Soak { left } => format!("{name} soaks for {left} more"),
        Wait::Window { opens: Some(opens) } => format!("a window opens {opens}"),
        Wait::Slot { .. } | Wait::Stage { .. } | Wait::Window { opens: None } => {
            format!("{name} waits for {}", waits_for(wait))
        }
    }
}

/// An event in words; none for phases: where the rollout is stands beside it, and what it went through on the way
/// there would be taken for that.
fn event(event: &Event) -> Option<String> {
    match event {
        Event::Aborted { by } => Some(format!("aborted by {by}")),
        Event::Approved { stage, by } => Some(format!("{stage} approved by {by}")),
        Event::BudgetSpent { failed, budget } => Some(format!("{failed} failed of at most {budget}")),
        Event::Completed { revision } => Some(format!("{} is everywhere", short(*revision))),
        Event::EmptyStage { stage } => {
            Some(format!("{stage} passed, for nobody is in it: it proved nothing"))
        }
        Event::Failed { target, cause } => Some(match cause {
            FailureCause::Deadline => format!("{target} failed: not ready in time"),
            FailureCause::Reported => format!("{target} failed: it says so"),
            FailureCause::Unreturned => format!("{target} failed: not known to be back in time"),
        }),
        Event::Phase { .. } => None,
        Event::Resumed { by } => Some(format!("resumed by {by}")),
        Event::Verified { target } => Some(format!("{target} verified")),
    }
}

/// What targets are given, revision by revision in the order in which they first come.
fn given(apply: &[Apply]) -> Vec<String> {
    let mut revisions: Vec<(Revision, Vec<Name>)> = Vec::new();
    for Apply { target, revision } in apply {
        match revisions.iter_mut().find(|(known, _)| known == revision) {
            Some((_, targets)) => targets.push(target.clone()),
            None => revisions.push((*revision, vec![target.clone()])),
        }
    }
    let words =
        |(revision, targets): (Revision, Vec<Name>)| format!("{} to {}", short(revision), several(&targets));
    revisions.into_iter().map(words).collect()
}

/// A few names, or how many they are.
fn several(names: &[Name]) -> String {
    const SHOWN: usize = 3;
    if names.len() > SHOWN {
        return counted(names.len(), "target");
    }
    names.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

/// As much of a hash as people tell apart.
fn short(revision: Revision) -> String {
    revision.to_string().chars().take(8).collect()
}

const fn progress(target: &TargetExplanation) -> &'static str {
    match target.progress {
        Progress::Applying { .. } => "applying",
        Progress::Failed { .. } => "failed",
        Progress::Held => "held",
        Progress::Returning { .. } => "returning",
        Progress::Soaking { .. } => "soaking",
        Progress::Verified { ready: true } => "verified",
        Progress::Verified { ready: false } => "not ready",
    }
}

fn waits_for(wait: &Wait) -> String {
    match wait {
        Wait::Approval { stage, hash, not_by } => {
            let whose = not_by.as_ref().map(|author| format!(", not by {author}"));
            format!("approval of {}{} ({stage})", short(*hash), whose.unwrap_or_default())
        }
        Wait::Applied => "its word that it has it".to_owned(),
        Wait::Health { of } => format!("{of} to be ready again"),
        Wait::Nobody { stage } => format!("somebody in {stage}, which nobody is in"),
        Wait::Ready { within } => format!("being ready within {within}"),
        Wait::Resume => "resume or abort".to_owned(),
        Wait::Revision => "another revision, or resume".to_owned(),
        Wait::Slot { unverified, limit } => format!("a slot: {unverified} of {limit} taken"),
        Wait::Soak { left } => format!("{left} more of soak"),
        Wait::Stage { before: Some(before) } => format!("stage {before}"),
        Wait::Stage { before: None } => "the targets of no stage".to_owned(),
        Wait::Targets => "a target to join".to_owned(),
        Wait::Window { opens: Some(opens) } => format!("the window of {opens}"),
        Wait::Window { opens: None } => "a window, and none opens".to_owned(),
    }
}
