//! `diff OLD NEW --fleet FLEET`: what a change would alter, target by target.

use std::io::{self, Write};
use std::path::Path;

use mesh_model::render::{Difference, compare, render};
use mesh_model::template::Schemas;

use super::placed::{one_in, rendered, right_templates, warn_of_workloads};
use super::{Stop, read_apart, tell};
use crate::cli::Diff;
use crate::objects::{Objects, rendering_faults};
use crate::output::{Format, Output};
use files::Severity;

pub(super) fn run(arguments: &Diff, out: &mut Output) -> Result<(), Stop> {
    let fleet = || arguments.fleet.iter().map(|path| ("--fleet", path.as_path()));
    read_apart(("OLD", &arguments.old), [("NEW", arguments.new.as_path())].into_iter().chain(fleet()))?;
    read_apart(("NEW", &arguments.new), fleet())?;
    let around =
        Objects::read(arguments.fleet.iter().map(std::path::PathBuf::as_path)).map_err(Stop::Faults)?;
    let fleet = around.fleet()?;
    warn_of_workloads(&around, &fleet)?;
    let (old, new) = (read(&arguments.old)?, read(&arguments.new)?);
    let schemas = Schemas::embedded();
    right_templates(&old, &schemas)?;
    right_templates(&new, &schemas)?;
    let (before, after) = (one_in(&old, &arguments.old)?, one_in(&new, &arguments.new)?);
    if before.value.id != after.value.id {
        return Err(Stop::Usage(format!(
            "OLD is {} and NEW is {}; write two versions of one access point",
            before.value.id, after.value.id
        )));
    }
    if before.value.traffic != after.value.traffic {
        let message =
            "differs, which is no revision: it takes effect at once and is not shown here".to_owned();
        tell(&[after.source.fault("spec.traffic", message)], Severity::Warning);
    }
    let mut sides = Vec::new();
    for (objects, access_point) in [(&old, before), (&new, after)] {
        let workloads: Vec<_> = objects.workloads.iter().chain(&around.workloads).cloned().collect();
        // as revisions have it: what traffic is steered to is none
        sides.push(rendered(access_point, &fleet, &workloads, |value, target| {
            render(value, target, &schemas)
        })?);
    }
    let faults: Vec<_> =
        sides.iter().flat_map(|side| rendering_faults(side.access_point, &side.renderings)).collect();
    if !faults.is_empty() {
        // a target that cannot be rendered has no objects, which is no difference
        tell(&faults, Severity::Error);
        return Err(Stop::AnswerIsNo);
    }
    let difference = compare(&sides[0].renderings, &sides[1].renderings);
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
