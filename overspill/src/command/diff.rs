//! `diff OLD NEW [--fleet FLEET]`: what a change would alter.
//!
//! Of an access point, target by target: that is a revision, which waits for its
//! stages. Of a fleet, and of the `traffic` of an access point, what they move: no
//! revision, so what stands in place of stages is the question whether the rest
//! bears it, and `--force` to overrule the answer. Both are asked of `mesh_model`.

mod shift;

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use mesh_model::access_point::AccessPoint;
use mesh_model::fleet::{Fleet, Target};
use mesh_model::placement::targets;
use mesh_model::render::{Difference, Edit, render};
use mesh_model::template::Schemas;
use mesh_model::traffic::{Order, Steered, Verdict};
use serde::Serialize;

use super::placed::{decided, one_in, rendered, right_templates, warn_of_workloads};
use super::{Stop, read_apart, tell};
use crate::cli::Diff;
use crate::objects::{Objects, rendering_faults};
use crate::output::{Format, Output};
use files::Severity;
use shift::Moved;

/// The JSON document.
#[derive(Debug, Serialize)]
struct Document {
    #[serde(flatten)]
    difference: Option<Difference>,
    shift: Moved,
}

/// One of the two sides.
struct Side<'a> {
    path: &'a Path,
    objects: Objects,
    fleet: Fleet,
    access_points: Vec<AccessPoint>,
}

pub(super) fn run(arguments: &Diff, out: &mut Output) -> Result<(), Stop> {
    let fleet = || arguments.fleet.iter().map(|path| ("--fleet", path.as_path()));
    read_apart(("OLD", &arguments.old), [("NEW", arguments.new.as_path())].into_iter().chain(fleet()))?;
    read_apart(("NEW", &arguments.new), fleet())?;
    let around = Objects::read(arguments.fleet.iter().map(PathBuf::as_path)).map_err(Stop::Faults)?;
    let old = Side::read(&arguments.old, &around)?;
    let new = Side::read(&arguments.new, &around)?;
    check_fleets(arguments, &old, &new)?;
    warn_of_workloads(&around, &new.fleet)?;
    let is_of_fleets =
        [&old, &new].iter().all(|side| side.objects.access_points.is_empty()) && old.objects.has_fleet();
    let difference = if is_of_fleets { None } else { Some(difference(&old, &new, &around)?) };
    let moved = Moved::between(old.steered(), new.steered(), arguments.force, order(arguments))
        .map_err(|refused| Stop::Usage(format!("--by: {refused}")))?;
    if is_of_fleets {
        warn_of_drains(&new, &around)?;
    }
    let verdict = moved.verdict();
    let document = Document { difference, shift: moved };
    match out.format() {
        Format::Json => out.json(&document)?,
        Format::Text => {
            if let Some(difference) = &document.difference {
                show(difference, out)?;
            }
            document.shift.show(is_of_fleets, out)?;
        }
    }
    if verdict == Verdict::Refused { Err(Stop::AnswerIsNo) } else { Ok(()) }
}

impl<'a> Side<'a> {
    fn read(path: &'a Path, around: &Objects) -> Result<Self, Stop> {
        let objects = Objects::read([path]).map_err(Stop::Faults)?;
        let fleet = if objects.has_fleet() { objects.fleet_beside(around)? } else { around.fleet()? };
        let all = objects.access_points.iter().chain(&around.access_points);
        let access_points = all.map(|access_point| access_point.value.clone()).collect();
        Ok(Self { path, objects, fleet, access_points })
    }

    fn steered(&self) -> Steered<'_> {
        Steered { fleet: &self.fleet, access_points: &self.access_points }
    }
}

/// Who wants it, if somebody says so.
fn order(arguments: &Diff) -> Option<Order> {
    let by = arguments.by.clone()?;
    let reason = arguments.reason.clone().unwrap_or_default();
    Some(Order { by, at: super::vip_plan::now(), reason, force: arguments.force })
}

/// Both sides are of one kind, and there is a fleet.
fn check_fleets(arguments: &Diff, old: &Side<'_>, new: &Side<'_>) -> Result<(), Stop> {
    if old.objects.has_fleet() != new.objects.has_fleet() {
        let [with, without] = if old.objects.has_fleet() { ["OLD", "NEW"] } else { ["NEW", "OLD"] };
        let message =
            format!("{with} holds zones or clusters and {without} does not; write two versions of one file");
        return Err(Stop::Usage(message));
    }
    if arguments.fleet.is_empty() && !old.objects.has_fleet() {
        let message =
            "neither OLD nor NEW holds a zone or a cluster; name the files of the fleet with --fleet";
        return Err(Stop::Usage(message.to_owned()));
    }
    Ok(())
}

/// What differs between two versions of one access point, as revisions have it.
fn difference(old: &Side<'_>, new: &Side<'_>, around: &Objects) -> Result<Difference, Stop> {
    let schemas = Schemas::embedded();
    right_templates(&old.objects, &schemas)?;
    right_templates(&new.objects, &schemas)?;
    let (before, after) = (one_in(&old.objects, old.path)?, one_in(&new.objects, new.path)?);
    if before.value.id != after.value.id {
        return Err(Stop::Usage(format!(
            "OLD is {} and NEW is {}; write two versions of one access point",
            before.value.id, after.value.id
        )));
    }
    let message = "differs, which is no revision: it takes effect at once, without a stage";
    let no_revision = [
        ("spec.certificates", before.value.issuer != after.value.issuer),
        ("spec.names", before.value.names != after.value.names),
        ("spec.placement", before.value.placement != after.value.placement),
        ("spec.rollout", before.value.rollout != after.value.rollout),
        ("spec.traffic", before.value.traffic != after.value.traffic),
        ("spec.vip", before.value.vip != after.value.vip),
    ];
    let differing = no_revision.into_iter().filter(|(_, differs)| *differs);
    let warnings: Vec<_> =
        differing.map(|(field, _)| after.source.fault(field, message.to_owned())).collect();
    tell(&warnings, Severity::Warning);
    let workloads: Vec<_> = new.objects.workloads.iter().chain(&around.workloads).cloned().collect();
    let decisions = decided(after, &new.fleet, &workloads)?;
    let targets: Vec<Target<'_>> = targets(&decisions, after.value.placement.level, &new.fleet).collect();
    let edit = Edit::of(Some(&before.value), &after.value, &targets, &schemas);
    let faults: Vec<_> = [(before, &edit.old), (after, &edit.new)]
        .into_iter()
        .flat_map(|(side, all)| rendering_faults(side, all))
        .collect();
    if !faults.is_empty() {
        // a target that cannot be rendered has no objects, which is no difference
        tell(&faults, Severity::Error);
        return Err(Stop::AnswerIsNo);
    }
    Ok(edit.difference())
}

/// Warns of what the drains of the new fleet leave where it is, of each access point that is known.
fn warn_of_drains(new: &Side<'_>, around: &Objects) -> Result<(), Stop> {
    let schemas = Schemas::embedded();
    let workloads: Vec<_> = new.objects.workloads.iter().chain(&around.workloads).cloned().collect();
    for access_point in &around.access_points {
        rendered(access_point, &new.fleet, &workloads, |value, target| render(value, target, &schemas))?;
    }
    Ok(())
}

fn show(difference: &Difference, out: &mut Output) -> io::Result<()> {
    if difference.targets.is_empty() {
        return writeln!(out, "no difference");
    }
    writeln!(out, "hash {}", difference.hash)?;
    for target in &difference.targets {
        writeln!(out, "{}", target.target)?;
        for object in &target.added {
            writeln!(out, "  + {object}")?;
        }
        for object in &target.removed {
            writeln!(out, "  - {object}")?;
        }
        for change in &target.changed {
            writeln!(out, "  ~ {}", change.object)?;
            for operation in &change.patch {
                writeln!(out, "      {}", operation.to_value())?;
            }
        }
    }
    Ok(())
}
