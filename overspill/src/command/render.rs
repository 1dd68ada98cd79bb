//! `render FILE... --fleet FLEET`: what each target would receive, and why.
//!
//! With `--east-west`: what their zones' clusters would, so that zones call each other's services.
//! There is no live state here: every target that the placement wants is one,
//! and none is kept because it has been one.

mod east_west;
mod show;

use std::collections::BTreeSet;
use std::path::Path;

use mesh_model::access_point::{AccessPoint, PlacementRule};
use mesh_model::fleet::{Fleet, Target};
use mesh_model::placement::{Decision, Evidence, Outcome, Reason, Workload, place, targets};
use mesh_model::render::{Rendering, render_steered};
use mesh_model::template::Schemas;

use super::{Stop, tell};
use crate::cli::Render;
use crate::objects::{Located, Objects, rendering_faults};
use crate::output::Output;
use files::{Fault, Severity};

/// An access point, its targets and what they would receive.
#[derive(Debug)]
pub(super) struct Rendered<'a> {
    pub(super) access_point: &'a Located<AccessPoint>,
    pub(super) decisions: Vec<Decision>,
    pub(super) renderings: Vec<Rendering>,
}

pub(super) fn run(arguments: &Render, out: &mut Output) -> Result<(), Stop> {
    let paths = arguments.files.iter().chain(&arguments.fleet).map(std::path::PathBuf::as_path);
    let objects = Objects::read(paths).map_err(Stop::Faults)?;
    if objects.access_points.is_empty() {
        let names: Vec<String> = arguments.files.iter().map(|path| path.display().to_string()).collect();
        return Err(Stop::Usage(format!(
            "no FederatedAccessPoint is in {}; name its file",
            names.join(", ")
        )));
    }
    let fleet = objects.fleet()?;
    let schemas = Schemas::embedded();
    let mut all = Vec::new();
    for access_point in &objects.access_points {
        let steered =
            |value: &AccessPoint, target: &Target<'_>| render_steered(value, target, &fleet, &schemas);
        all.push(rendered(access_point, &fleet, &objects.workloads, steered)?);
    }
    if let (Some(name), false) = (&arguments.target, arguments.east_west) {
        only(&mut all, name)?;
    }
    for one in &all {
        tell(&rendering_faults(one.access_point, &one.renderings), Severity::Error);
    }
    let has_errors = |one: &Rendered<'_>| one.renderings.iter().any(|rendering| !rendering.errors.is_empty());
    if arguments.east_west {
        // a service that could not be rendered would be taken from the zones that have it
        if all.iter().any(has_errors) {
            return Err(Stop::AnswerIsNo);
        }
        return east_west::run(
            &all,
            &objects,
            &fleet,
            arguments.target.as_deref(),
            arguments.out.as_deref(),
            out,
        );
    }
    match &arguments.out {
        Some(folder) => show::files(&all, folder, arguments.explain)?,
        None => show::print(&all, arguments.explain, out)?,
    }
    if all.iter().any(has_errors) { Err(Stop::AnswerIsNo) } else { Ok(()) }
}

/// Places an access point and renders it for each target; warns of names that are not in the fleet and of no target at all.
pub(super) fn rendered<'a>(
    access_point: &'a Located<AccessPoint>,
    fleet: &Fleet,
    workloads: &[Workload],
    render: impl Fn(&AccessPoint, &Target<'_>) -> Rendering,
) -> Result<Rendered<'a>, Fault> {
    let AccessPoint { id, placement, .. } = &access_point.value;
    let workload = match &placement.rule {
        PlacementRule::Select(_) => None,
        PlacementRule::Follow(name) => {
            let found = workloads.iter().find(|one| one.name == *name && one.namespace == id.namespace);
            let missing = || {
                let message = format!(
                    "there is no FederatedDeployment `{name}` of namespace `{}` in these files; add its file with --fleet",
                    id.namespace
                );
                access_point.source.fault("spec.placement.follow.name", message)
            };
            Some(found.ok_or_else(missing)?)
        }
    };
    let current = BTreeSet::new();
    let decisions = place(placement, Evidence { fleet, is_complete: true, workload, current: &current });
    warn(access_point, &decisions);
    let targets = targets(&decisions, placement.level, fleet);
    let renderings = targets.map(|target| render(&access_point.value, &target)).collect();
    Ok(Rendered { access_point, decisions, renderings })
}

fn warn(access_point: &Located<AccessPoint>, decisions: &[Decision]) {
    let source = &access_point.source;
    let absent = decisions.iter().filter(|decision| matches!(decision.reason, Reason::NotThere { .. }));
    let mut warnings: Vec<Fault> = absent
        .map(|decision| {
            source.fault("spec.placement.names", format!("{}: {}", decision.target, decision.reason))
        })
        .collect();
    if decisions.iter().all(|decision| decision.outcome == Outcome::Skip) {
        let message = format!("{} has no target in this fleet", access_point.value.id);
        warnings.push(source.fault("spec.placement", message));
    }
    tell(&warnings, Severity::Warning);
}

/// Keeps one target, which must be one.
fn only(all: &mut Vec<Rendered<'_>>, name: &str) -> Result<(), Stop> {
    let mut reasons = Vec::new();
    let mut names = BTreeSet::new();
    for one in all.iter() {
        names.extend(one.renderings.iter().map(|rendering| rendering.target.to_string()));
        let decisions = one.decisions.iter().filter(|decision| decision.target.as_str() == name);
        reasons
            .extend(decisions.map(|decision| format!("{}: {}", one.access_point.value.id, decision.reason)));
    }
    if !names.contains(name) {
        let names: Vec<String> = names.into_iter().collect();
        let why = if reasons.is_empty() { "it is not in the fleet".to_owned() } else { reasons.join("; ") };
        let message = match &names[..] {
            [] => format!("`{name}` is no target ({why}), nor is anything else"),
            names => format!("`{name}` is no target ({why}); write one of: {}", names.join(", ")),
        };
        return Err(Stop::Usage(message));
    }
    for one in all.iter_mut() {
        one.renderings.retain(|rendering| rendering.target.as_str() == name);
        one.decisions.retain(|decision| decision.target.as_str() == name);
    }
    all.retain(|one| !one.renderings.is_empty());
    Ok(())
}

/// Where the objects of a target lie under a folder.
fn file_of(folder: &Path, target: &str, kind: &str, name: &str) -> std::path::PathBuf {
    folder.join(target).join(format!("{kind}-{name}.yaml"))
}
