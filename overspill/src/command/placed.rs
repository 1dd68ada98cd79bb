//! Access points of files, where they are placed and what they are there: what several commands begin with.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use mesh_model::access_point::{AccessPoint, PlacementRule};
use mesh_model::api::{self, Kind};
use mesh_model::fleet::{Fleet, Target};
use mesh_model::name::Name;
use mesh_model::placement::{Decision, Evidence, Outcome, Reason, Workload, place, targets};
use mesh_model::render::Rendering;
use mesh_model::template::Schemas;
use mesh_model::traffic::unreached;

use super::{Stop, tell};
use crate::objects::{Located, Objects, template_findings};
use files::{Fault, Severity, did_you_mean};

/// An access point, its targets and what they would receive.
#[derive(Debug)]
pub(super) struct Rendered<'a> {
    pub(super) access_point: &'a Located<AccessPoint>,
    pub(super) decisions: Vec<Decision>,
    pub(super) renderings: Vec<Rendering>,
}

/// Asks for at least one access point.
pub(super) fn some_in(objects: &Objects, files: &[PathBuf]) -> Result<(), Stop> {
    if !objects.access_points.is_empty() {
        return Ok(());
    }
    Err(Stop::Usage(format!("no FederatedAccessPoint is in {}; name its file", listed(files))))
}

/// Refuses access points of which a template is not as its schema says: that is bad input, whatever the target.
pub(super) fn right_templates(objects: &Objects, schemas: &Schemas) -> Result<(), Stop> {
    let wrong = |access_point| template_findings(access_point, schemas).0;
    let faults: Vec<Fault> = objects.access_points.iter().flat_map(wrong).collect();
    if faults.is_empty() { Ok(()) } else { Err(Stop::Faults(faults)) }
}

/// `NAME, NAME, ...`: all names, or the first of many.
pub(super) fn some_of(names: &[&str]) -> String {
    const SHOWN: usize = 10;
    let shown = names.iter().take(SHOWN).copied().collect::<Vec<_>>().join(", ");
    match names.len().saturating_sub(SHOWN) {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}

/// The one access point of a file.
pub(super) fn one_in<'a>(objects: &'a Objects, path: &Path) -> Result<&'a Located<AccessPoint>, Stop> {
    match &objects.access_points[..] {
        [one] => Ok(one),
        all => Err(Stop::Usage(format!(
            "{} holds {} access points; write a file with one",
            path.display(),
            all.len()
        ))),
    }
}

/// The fleet, which must have a cluster: without one, nothing that is said of targets would mean anything.
pub(super) fn fleet_in(objects: &Objects, files: &[PathBuf]) -> Result<Fleet, Stop> {
    let fleet = objects.fleet()?;
    if fleet.clusters().len() == 0 {
        return Err(Stop::Usage(format!("no Cluster is in {}; name the files of the fleet", listed(files))));
    }
    Ok(fleet)
}

fn listed(files: &[PathBuf]) -> String {
    files.iter().map(|path| path.display().to_string()).collect::<Vec<_>>().join(", ")
}

/// Places an access point and renders it for each target; warns of names that are not in the fleet, and of no target at all or none that answers.
pub(super) fn rendered<'a>(
    access_point: &'a Located<AccessPoint>,
    fleet: &Fleet,
    workloads: &[Workload],
    render: impl Fn(&AccessPoint, &Target<'_>) -> Rendering,
) -> Result<Rendered<'a>, Fault> {
    let decisions = decided(access_point, fleet, workloads, &current(access_point)?)?;
    let targets: Vec<Target<'_>> = targets(&decisions, access_point.value.placement.level, fleet).collect();
    let renderings: Vec<Rendering> =
        targets.iter().map(|target| render(&access_point.value, target)).collect();
    warn_of_drains(access_point, &targets, &renderings, fleet, workloads)?;
    Ok(Rendered { access_point, decisions, renderings })
}

/// The targets that an access point has, as far as its file says so (`status.targets`): placement keeps them until
/// there is evidence that nothing of theirs is needed.
pub(super) fn current(access_point: &Located<AccessPoint>) -> Result<BTreeSet<Name>, Fault> {
    let object: api::FederatedAccessPoint = access_point.source.parse()?;
    let targets = object.status.map(|status| status.targets).unwrap_or_default();
    Ok(targets.into_iter().map(|target| target.name).collect())
}

/// Places an access point that has these targets; warns of names that are not in the fleet, and of no target at all.
pub(super) fn decided(
    access_point: &Located<AccessPoint>,
    fleet: &Fleet,
    workloads: &[Workload],
    current: &BTreeSet<Name>,
) -> Result<Vec<Decision>, Fault> {
    let decisions = placed(access_point, fleet, workloads, current)?;
    warn(access_point, &decisions);
    Ok(decisions)
}

/// Places an access point that has these targets.
pub(super) fn placed(
    access_point: &Located<AccessPoint>,
    fleet: &Fleet,
    workloads: &[Workload],
    current: &BTreeSet<Name>,
) -> Result<Vec<Decision>, Fault> {
    let workload = workload_of(access_point, workloads)?;
    Ok(place(&access_point.value.placement, Evidence { fleet, is_complete: true, workload, current }))
}

/// The names of the targets that an access point has by these decisions.
pub(super) fn names_of(decisions: &[Decision], access_point: &AccessPoint, fleet: &Fleet) -> BTreeSet<Name> {
    targets(decisions, access_point.placement.level, fleet).map(|target| target.name().clone()).collect()
}

/// Warns of clusters that workloads are wanted in and the fleet does not have: whoever follows them is not there.
pub(super) fn warn_of_workloads(objects: &Objects, fleet: &Fleet) -> Result<(), Fault> {
    let mut warnings = Vec::new();
    let workloads = objects.found().iter().filter(|(found, _)| found.kind == Kind::FederatedDeployment);
    for (reference, source) in workloads {
        let object: api::FederatedDeployment = source.parse()?;
        for (position, cluster) in object.spec.placement.clusters.iter().enumerate() {
            if cluster.replicas > 0 && fleet.cluster(cluster.name.as_str()).is_none() {
                let message = format!(
                    "{reference} is wanted in cluster `{}`, which this fleet does not have{}",
                    cluster.name,
                    did_you_mean(
                        cluster.name.as_str(),
                        fleet.clusters().map(|cluster| cluster.name.as_str())
                    )
                );
                warnings.push(source.fault(&format!("spec.placement.clusters[{position}].name"), message));
            }
        }
    }
    tell(&warnings, Severity::Warning);
    Ok(())
}

/// The workload that an access point follows, if it follows one.
fn workload_of<'a>(
    access_point: &Located<AccessPoint>,
    workloads: &'a [Workload],
) -> Result<Option<&'a Workload>, Fault> {
    let AccessPoint { id, placement, .. } = &access_point.value;
    let PlacementRule::Follow(name) = &placement.rule else { return Ok(None) };
    let found = workloads.iter().find(|one| one.name == *name && one.namespace == id.namespace);
    let missing = || {
        let of_namespace = workloads.iter().filter(|one| one.namespace == id.namespace);
        let message = format!(
            "there is no FederatedDeployment `{name}` of namespace `{}` in these files; add its file with --fleet{}",
            id.namespace,
            did_you_mean(name.as_str(), of_namespace.map(|one| one.name.as_str()))
        );
        access_point.source.fault("spec.placement.follow.name", message)
    };
    found.map(Some).ok_or_else(missing)
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

/// Warns of drains that leave nobody to answer, or endpoints where they are.
fn warn_of_drains(
    access_point: &Located<AccessPoint>,
    targets: &[Target<'_>],
    renderings: &[Rendering],
    fleet: &Fleet,
    workloads: &[Workload],
) -> Result<(), Fault> {
    let Located { value, source } = access_point;
    let mut warnings = Vec::new();
    if !targets.is_empty() && targets.iter().all(Target::is_drained) {
        let message = format!("every target of {} is drained, so nobody answers it", value.id);
        warnings.push(source.fault("spec.placement", message));
    }
    let workload = workload_of(access_point, workloads)?;
    let both = targets.iter().zip(renderings);
    for (target, rendering) in both.filter(|(target, _)| fleet.has_drain(target.zone)) {
        let objects = rendering.identified();
        let objects = objects.iter().map(|(id, object)| (id, object));
        let left = unreached(objects, value, target, fleet).of_workload(workload);
        let told = left.told(target.name()).into_iter();
        warnings.extend(told.map(|(_, message)| source.fault("spec.placement", message)));
    }
    tell(&warnings, Severity::Warning);
    Ok(())
}
