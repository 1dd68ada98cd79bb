//! `render FILE... --fleet FLEET`: what each target would receive, and why.
//!
//! With `--east-west`: what their zones' clusters would, so that zones call each other's services.
//! There is no live state here but `status.targets` of an access point that has it: what it has is kept until there is
//! evidence that it has left.

mod east_west;
mod shared;
mod show;

use std::collections::BTreeSet;
use std::path::Path;

use mesh_model::access_point::AccessPoint;
use mesh_model::fleet::Target;
use mesh_model::render::render_steered;
use mesh_model::template::Schemas;

use super::placed::{Rendered, rendered, right_templates, some_in, some_of, warn_of_workloads};
use super::{Stop, tell};
use crate::cli::Render;
use crate::objects::{Objects, rendering_faults};
use crate::output::Output;
use files::{Severity, did_you_mean};

pub(super) fn run(arguments: &Render, out: &mut Output) -> Result<(), Stop> {
    let paths = arguments.files.iter().chain(&arguments.fleet).map(std::path::PathBuf::as_path);
    let objects = Objects::read(paths).map_err(Stop::Faults)?;
    some_in(&objects, &arguments.files)?;
    let fleet = objects.fleet()?;
    warn_of_workloads(&objects, &fleet)?;
    let schemas = Schemas::embedded();
    right_templates(&objects, &schemas)?;
    let mut all = Vec::new();
    for access_point in &objects.access_points {
        let steered =
            |value: &AccessPoint, target: &Target<'_>| render_steered(value, target, &fleet, &schemas);
        all.push(rendered(access_point, &fleet, &objects.workloads, steered)?);
    }
    shared::refuse(&mut all, &fleet);
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
        Some(folder) => {
            show::files(&all, folder, arguments.explain)?;
            if arguments.explain {
                show::placement(&all, out)?;
            }
        }
        None => show::print(&all, arguments.explain, out)?,
    }
    if all.iter().any(has_errors) { Err(Stop::AnswerIsNo) } else { Ok(()) }
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
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let (why, near) = if reasons.is_empty() {
            ("it is not in the fleet".to_owned(), did_you_mean(name, names.iter().copied()))
        } else {
            (reasons.join("; "), String::new())
        };
        return Err(Stop::Usage(match &names[..] {
            [] => format!("`{name}` is no target ({why}), nor is anything else"),
            names if near.is_empty() => {
                format!("`{name}` is no target ({why}); write one of: {}", some_of(names))
            }
            names => format!("`{name}` is no target ({why}){near} (targets: {})", some_of(names)),
        }));
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
