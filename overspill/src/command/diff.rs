//! `diff OLD NEW --fleet FLEET`: what a change would alter, target by target.

use std::io::{self, Write};
use std::path::Path;

use mesh_model::fleet::Target;
use mesh_model::placement::targets;
use mesh_model::render::{Difference, Edit};
use mesh_model::template::Schemas;

use super::placed::{decided, one_in, warn_of_workloads};
use super::{Stop, tell};
use crate::cli::Diff;
use crate::objects::{Objects, rendering_faults};
use crate::output::{Format, Output};
use files::Severity;

pub(super) fn run(arguments: &Diff, out: &mut Output) -> Result<(), Stop> {
    if [&arguments.old, &arguments.new].iter().all(|path| path.as_os_str() == "-") {
        return Err(Stop::Usage("OLD and NEW cannot both be standard input; name one of the two".into()));
    }
    let around =
        Objects::read(arguments.fleet.iter().map(std::path::PathBuf::as_path)).map_err(Stop::Faults)?;
    let fleet = around.fleet()?;
    warn_of_workloads(&around, &fleet)?;
    let (old, new) = (read(&arguments.old)?, read(&arguments.new)?);
    let (before, after) = (one_in(&old, &arguments.old)?, one_in(&new, &arguments.new)?);
    if before.value.id != after.value.id {
        return Err(Stop::Usage(format!(
            "OLD is {} and NEW is {}; write two versions of one access point",
            before.value.id, after.value.id
        )));
    }
    let message = "differs, which is no revision: it takes effect at once and is not shown here";
    let no_revision = [
        ("spec.placement", before.value.placement != after.value.placement),
        ("spec.rollout", before.value.rollout != after.value.rollout),
        ("spec.traffic", before.value.traffic != after.value.traffic),
    ];
    let differing = no_revision.into_iter().filter(|(_, differs)| *differs);
    let warnings: Vec<_> =
        differing.map(|(field, _)| after.source.fault(field, message.to_owned())).collect();
    tell(&warnings, Severity::Warning);
    let workloads: Vec<_> = new.workloads.iter().chain(&around.workloads).cloned().collect();
    let decisions = decided(after, &fleet, &workloads)?;
    let targets: Vec<Target<'_>> = targets(&decisions, after.value.placement.level, &fleet).collect();
    let edit = Edit::of(Some(&before.value), &after.value, &targets, &Schemas::embedded());
    let faults: Vec<_> = [(before, &edit.old), (after, &edit.new)]
        .into_iter()
        .flat_map(|(side, all)| rendering_faults(side, all))
        .collect();
    if !faults.is_empty() {
        // a target that cannot be rendered has no objects, which is no difference
        tell(&faults, Severity::Error);
        return Err(Stop::AnswerIsNo);
    }
    let difference = edit.difference();
    match out.format() {
        Format::Json => out.json(&difference)?,
        Format::Text => show(&difference, out)?,
    }
    Ok(())
}

fn read(path: &Path) -> Result<Objects, Stop> {
    Objects::read([path]).map_err(Stop::Faults)
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
