//! `diff OLD NEW [--fleet FLEET]`: what a change would alter.
//!
//! Of an access point, target by target: that is a revision, which waits for its
//! stages. Of a fleet, and of the placement and the `traffic` of an access point, what they
//! move: no revision, so what stands in place of stages is the question whether the rest
//! bears it, and `--force` to overrule the answer. Both are asked of `mesh_model`.

mod shift;
mod versions;

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use mesh_model::access_point::AccessPoint;
use mesh_model::fleet::Fleet;
use mesh_model::name::Name;
use mesh_model::placement::Workload;
use mesh_model::render::{Difference, render};
use mesh_model::template::Schemas;
use mesh_model::traffic::{Order, Steered, Verdict};
use serde::Serialize;

use super::placed::{rendered, warn_of_workloads};
use super::{Stop, read_apart};
use crate::cli::Diff;
use crate::objects::Objects;
use crate::output::{Format, Output};
use shift::Moved;
use versions::{Kept, Version};

/// The JSON document.
#[derive(Debug, Serialize)]
struct Document {
    #[serde(flatten)]
    difference: Option<Difference>,
    /// The fields that differ and are no revision.
    at_once: Vec<&'static str>,
    /// Targets that are kept until there is evidence that nothing of theirs is needed.
    kept: Vec<Kept>,
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
    let (mut difference, mut at_once) = (None, Vec::new());
    let versions = if is_of_fleets {
        Version::of_others(&old, &new, &around)?
    } else {
        let version = Version::of_both(&old, &new, &around)?;
        at_once = version.told_at_once();
        difference = Some(version.difference(&new.fleet)?);
        vec![version]
    };
    let placements = versions.iter().filter_map(|version| version.change(&new.fleet)).collect();
    // nothing goes to a cluster that is gone, as to one that is drained
    let fleet = new.fleet.with_gone_drained(&old.fleet);
    let after = Steered { fleet: &fleet, access_points: &new.access_points };
    let moved = Moved::between(old.steered(), after, placements, arguments.force, order(arguments))
        .map_err(|refused| Stop::Usage(format!("--by: {refused}")))?;
    if is_of_fleets {
        warn_of_drains(&new, &around)?;
    }
    let verdict = moved.verdict();
    let kept = versions.iter().flat_map(Version::kept).collect();
    let document = Document { difference, at_once, kept, shift: moved };
    match out.format() {
        Format::Json => out.json(&document)?,
        Format::Text => {
            if let Some(difference) = &document.difference {
                show(difference, &document.at_once, out)?;
            }
            for name in gone(&old.fleet, &new.fleet) {
                out.told(&format!("cluster {name} is no longer in the fleet"))?;
            }
            for Kept { access_point, target, reason } in &document.kept {
                out.told(&format!("{access_point} keeps {target}: {reason}"))?;
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

    /// The workloads of this side and of what is around both.
    fn workloads(&self, around: &Objects) -> Vec<Workload> {
        self.objects.workloads.iter().chain(&around.workloads).cloned().collect()
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

/// The clusters that only the old fleet has.
fn gone<'a>(old: &'a Fleet, new: &'a Fleet) -> impl Iterator<Item = &'a Name> {
    old.clusters().map(|cluster| &cluster.name).filter(|name| new.cluster(name.as_str()).is_none())
}

/// Warns of what the drains of the new fleet leave where it is, of each access point that is known.
fn warn_of_drains(new: &Side<'_>, around: &Objects) -> Result<(), Stop> {
    let schemas = Schemas::embedded();
    let workloads = new.workloads(around);
    for access_point in &around.access_points {
        rendered(access_point, &new.fleet, &workloads, |value, target| render(value, target, &schemas))?;
    }
    Ok(())
}

fn show(difference: &Difference, at_once: &[&str], out: &mut Output) -> io::Result<()> {
    if !at_once.is_empty() {
        out.told(&format!("at once, without a stage: {}", at_once.join(", ")))?;
    }
    if difference.targets.is_empty() {
        let of_what = if at_once.is_empty() { "" } else { " of objects" };
        return writeln!(out, "no difference{of_what}");
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
