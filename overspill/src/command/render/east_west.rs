//! `render --east-west`: what each cluster is to have, so that zones call each other's services.
//!
//! Objects as they are written, and the values of Istio's charts beside them: as
//! comments in the stream, so that it stays one that other tools take, as files
//! under `--out`, as fields in the JSON.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use mesh_model::eastwest::{ClusterPlan, EastWest, Exposed, LeftOut, Mesh, Role, plan};
use mesh_model::fleet::Fleet;
use mesh_model::render::Rendering;
use serde_json::Value;

use super::{Rendered, file_of, show};
use crate::command::placed::some_of;
use crate::command::{Stop, tell};
use crate::objects::Objects;
use crate::output::{Format, Output};
use files::{Fault, Severity, did_you_mean};

pub(super) fn run(
    all: &[Rendered<'_>],
    objects: &Objects,
    fleet: &Fleet,
    target: Option<&str>,
    folder: Option<&Path>,
    out: &mut Output,
) -> Result<(), Stop> {
    let renderings: Vec<Rendering> = all.iter().flat_map(|one| one.renderings.iter().cloned()).collect();
    let mut plan = plan(fleet, &Mesh::default(), &Exposed::of(&renderings, fleet)).map_err(|errors| {
        let fault = |error: &mesh_model::eastwest::EastWestError| {
            objects.zone_fault(error.zone.as_str(), "spec.eastWest", error.problem.to_string())
        };
        Stop::Faults(errors.iter().map(fault).collect())
    })?;
    if plan.clusters.is_empty() {
        let message = "no zone of this fleet has an east-west address; write `eastWest: { addresses: [..] }` into its AvailabilityZone";
        return Err(Stop::Usage(message.to_owned()));
    }
    if let Some(name) = target {
        only(&mut plan, name)?;
    }
    let warning =
        |one: &LeftOut| Fault::whole(one.host.clone(), format!("in zone {}: {}", one.zone, one.reason));
    tell(&plan.left_out.iter().map(warning).collect::<Vec<_>>(), Severity::Warning);
    match (folder, out.format()) {
        (Some(folder), _) => show::write_all(&files(&plan, folder)),
        (None, Format::Json) => Ok(out.json(&plan)?),
        (None, Format::Text) => Ok(stream(&plan, out)?),
    }
}

/// Keeps one cluster, or those of one zone.
fn only(plan: &mut EastWest, name: &str) -> Result<(), Stop> {
    let is_it = |one: &ClusterPlan| one.cluster == *name || one.zone == *name;
    if !plan.clusters.iter().any(is_it) {
        let names: Vec<&str> = plan.clusters.iter().map(|one| one.cluster.as_str()).collect();
        let zones = plan.clusters.iter().map(|one| one.zone.as_str());
        let near = did_you_mean(name, names.iter().copied().chain(zones));
        return Err(Stop::Usage(format!(
            "`{name}` is no cluster or zone with an east-west address{near} (clusters: {})",
            some_of(&names)
        )));
    }
    plan.clusters.retain(is_it);
    plan.left_out.retain(|one| plan.clusters.iter().any(|cluster| cluster.zone == one.zone));
    Ok(())
}

fn stream(plan: &EastWest, out: &mut Output) -> io::Result<()> {
    for one in &plan.clusters {
        match &one.role {
            Role::Primary { .. } => writeln!(out, "# {}: the primary of zone {}", one.cluster, one.zone)?,
            Role::Remote { primary, .. } => writeln!(out, "# {}: a remote of {primary}", one.cluster)?,
        }
        for (chart, values) in charts(one) {
            writeln!(out, "# values of istio/{chart}:")?;
            for line in text(values).lines() {
                writeln!(out, "#   {line}")?;
            }
        }
        for object in &one.objects {
            writeln!(out, "---\n# {}", one.cluster)?;
            out.write_all(text(object).as_bytes())?;
        }
    }
    Ok(())
}

fn files(plan: &EastWest, folder: &Path) -> BTreeMap<PathBuf, String> {
    let mut texts = BTreeMap::new();
    for one in &plan.clusters {
        for object in &one.objects {
            let (kind, name) = show::kind_and_name(object);
            texts.insert(file_of(folder, one.cluster.as_str(), kind, name), text(object));
        }
        for (chart, values) in charts(one) {
            texts
                .insert(folder.join(one.cluster.as_str()).join(format!("values-{chart}.yaml")), text(values));
        }
    }
    texts
}

/// The charts of a cluster that have values, in order of installation.
fn charts(one: &ClusterPlan) -> impl Iterator<Item = (&'static str, &Value)> {
    let charts = [
        ("base", Some(&one.charts.base)),
        ("istiod", Some(&one.charts.istiod)),
        ("gateway", one.charts.gateway.as_ref()),
    ];
    charts.into_iter().filter_map(|(chart, values)| Some((chart, values?)))
}

fn text(value: &Value) -> String {
    files::yaml(value).expect("a JSON value has a form in YAML")
}
