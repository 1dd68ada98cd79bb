//! `lint FILE...`: what is accepted everywhere and silently does not do what it says.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::path::PathBuf;

use mesh_model::access_point::AccessPoint;
use mesh_model::footprint::Services;
use mesh_model::lint::{Code, Finding, FleetFacts, Severity, lint};
use mesh_model::name::Name;
use mesh_model::template::Schemas;
use serde::Serialize;

use super::placed::{current, decided, fleet_in, some_in, warn_of_workloads};
use super::{Stop, read_apart};
use crate::cli::Lint;
use crate::numbers::counted;
use crate::objects::Objects;
use crate::output::{Format, Output, wrapped};
use crate::progress::Progress;
use files::printable;

/// The JSON document.
#[derive(Debug, Serialize)]
struct Document {
    findings: Vec<Placed>,
}

/// A finding and where it is.
#[derive(Debug, Serialize)]
struct Placed {
    code: Code,
    severity: Severity,
    file: String,
    line: Option<u32>,
    column: Option<u32>,
    object: String,
    path: String,
    message: String,
    fix: String,
}

pub(super) fn run(arguments: &Lint, out: &mut Output) -> Result<(), Stop> {
    let given = || arguments.files.iter().chain(&arguments.fleet).map(PathBuf::as_path);
    if let Some(services) = &arguments.services {
        read_apart(("--services", services), given().map(|path| ("another file", path)))?;
    }
    let looking = Progress::new(0, "{spinner} looking, {elapsed}");
    let objects = Objects::read(given()).map_err(Stop::Faults)?;
    some_in(&objects, &arguments.files)?;
    let facts = if arguments.fleet.is_empty() { None } else { Some(facts(arguments, &objects)?) };
    let access_points: Vec<AccessPoint> =
        objects.access_points.iter().map(|access_point| access_point.value.clone()).collect();
    let findings = lint(&access_points, facts.as_ref(), &Schemas::embedded());
    let findings: Vec<Placed> = findings.into_iter().map(|finding| placed(finding, &objects)).collect();
    drop(looking);
    let errors = findings.iter().filter(|finding| finding.severity == Severity::Error).count();
    match out.format() {
        Format::Json => out.json(&Document { findings })?,
        Format::Text => {
            findings.iter().try_for_each(|finding| show(finding, out))?;
            let warnings = findings.len() - errors;
            write!(out, "{}: ", counted(access_points.len(), "access point"))?;
            writeln!(out, "{}, {}", counted(errors, "error"), counted(warnings, "warning"))?;
            if let Some(unseen) = unseen(arguments) {
                write!(out, "{}", wrapped(unseen, ""))?;
            }
        }
    }
    if errors > 0 { Err(Stop::AnswerIsNo) } else { Ok(()) }
}

/// What was not looked at for want of facts.
const fn unseen(arguments: &Lint) -> Option<&'static str> {
    if arguments.fleet.is_empty() {
        Some("without --fleet, targets, pools, providers, authorities and regions were not looked at")
    } else if arguments.services.is_none() {
        Some("without --services, the labels of gateways and the hosts of others were not looked at")
    } else {
        None
    }
}

/// All that the files say of the fleet and the mesh.
fn facts(arguments: &Lint, objects: &Objects) -> Result<FleetFacts, Stop> {
    let fleet = fleet_in(objects, &arguments.fleet)?;
    warn_of_workloads(objects, &fleet)?;
    // most findings are of targets: whom an access point follows must be known, and none at all is told
    let mut targets = BTreeMap::new();
    for access_point in &objects.access_points {
        let current = current(access_point)?;
        decided(access_point, &fleet, &objects.workloads, &current)?;
        targets.insert(access_point.value.id.clone(), current);
    }
    let given = arguments.services.is_some();
    let Services { gateways, root_namespace, default_export, services, discovery, sidecars, .. } =
        super::footprint::services(arguments.services.as_deref())?;
    // the object itself is the fuller truth of the Sidecar that a services file sums up
    let is_there = |name: &Name| {
        objects.sidecars.iter().any(|sidecar| sidecar.namespace == *name && sidecar.selector.is_none())
    };
    let summed_up = sidecars.into_iter().filter(|(name, _)| !is_there(name));
    let sidecars = objects.sidecars.iter().cloned().chain(summed_up.map(|(_, sidecar)| sidecar));
    Ok(FleetFacts {
        loads: fleet.loads(),
        fleet,
        gateways,
        root_namespace,
        default_export,
        services: given.then_some(services),
        discovery,
        sidecars: sidecars.collect(),
        current: targets,
        names: objects.names.clone(),
        workloads: objects.workloads.clone(),
        pools: objects.pools.clone(),
        providers: objects.providers.clone(),
        issuers: objects.issuers.clone(),
    })
}

fn placed(finding: Finding, objects: &Objects) -> Placed {
    let Finding { code, severity, object, path, message, fix } = finding;
    let fault = objects.source(&object).map(|source| source.fault(&path.to_string(), message.clone()));
    let (line, column) = fault.as_ref().map_or((None, None), |fault| (fault.line, fault.column));
    let file = fault.map(|fault| fault.file).unwrap_or_default();
    let (object, path) = (object.to_string(), path.to_string());
    Placed { code, severity, file, line, column, object, path, message, fix }
}

/// One line that an editor can jump to, and what it means below.
fn show(finding: &Placed, out: &mut Output) -> io::Result<()> {
    let Placed { code, severity, file, line, column, object, path, message, fix } = finding;
    write!(out, "{}", printable(file))?;
    for number in [line, column].into_iter().flatten() {
        write!(out, ":{number}")?;
    }
    let severity = match severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
    };
    writeln!(out, ": {severity}: {code}")?;
    write!(out, "    {}\n    {}\n", printable(object), printable(path))?;
    write!(out, "{}{}", wrapped(message, "    "), wrapped(&format!("fix: {fix}"), "    "))
}
