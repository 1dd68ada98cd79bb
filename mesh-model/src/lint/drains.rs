//! Drains: what they leave where it is, or nobody to answer, and what the rest cannot bear.

use super::placed::Placed;
use super::{Code, FleetFacts, Report, inside, spec};
use crate::access_point::AccessPoint;
use crate::api::{Kind, Reference};
use crate::fleet::Target;
use crate::name::Name;
use crate::patch::Pointer;
use crate::placement::Workload;
use crate::render::Inspection;
use crate::traffic::{Outlook, Steered, listed, unreached, unreached_if_drained};

/// What the drains of a fleet mean to one access point.
pub(super) fn check(
    access_point: &AccessPoint,
    placed: &Placed<'_>,
    workload: Option<&Workload>,
    report: &mut Report,
) {
    let Placed { facts, targets, .. } = placed;
    let has_drain = |target: &Target<'_>| facts.fleet.has_drain(target.zone);
    nobody(access_point, facts, targets, report);
    for (target, inspection) in placed.inspected().filter(|(target, _)| has_drain(target)) {
        left_behind(access_point, facts, target, inspection, workload, report);
    }
    for target in targets.iter().filter(|target| !has_drain(target)) {
        not_drainable(access_point, facts, target, workload, report);
    }
}

/// Whether nobody is left to answer, or no region of an order.
fn nobody(access_point: &AccessPoint, facts: &FleetFacts, targets: &[Target<'_>], report: &mut Report) {
    if !targets.is_empty() && targets.iter().all(Target::is_drained) {
        let message = "every target is drained, so nobody answers it".to_owned();
        let fix = "end the drain of one of them, or place it at others";
        return report.of(&access_point.id, Code::DrainedWhole, spec("placement"), message, fix);
    }
    let Some(traffic) = &access_point.traffic else { return };
    // a region without a cluster is not drained: whatever it has is in files that are not here
    let is_known = |region: &&Name| {
        let mut zones = facts.fleet.zones().filter(|zone| zone.region == **region);
        zones.any(|zone| facts.fleet.clusters().any(|cluster| cluster.zone == zone.name))
    };
    let mut regions = traffic.regions.iter().filter(is_known).peekable();
    if regions.peek().is_some() && regions.all(|region| !facts.fleet.serves(region)) {
        let path = spec("traffic").field("regions");
        let message = "every region of this order is drained, so it orders nothing: what begins there goes to all others alike".to_owned();
        let fix = "name a region that serves, or end the drain of one";
        report.of(&access_point.id, Code::DrainedWhole, path, message, fix);
    }
}

/// What a drain that is written leaves where it is.
fn left_behind(
    access_point: &AccessPoint,
    facts: &FleetFacts,
    target: &Target<'_>,
    inspection: &Inspection,
    workload: Option<&Workload>,
    report: &mut Report,
) {
    let objects = inspection.objects.iter().map(|(id, document)| (id, document.value()));
    let unreached = unreached(objects, access_point, target, &facts.fleet).of_workload(workload);
    for (service, message) in unreached.told(target.name()) {
        let (path, fix) = match service {
            Some(service) => {
                let path = inside(access_point, service, &Pointer::default().then("spec"));
                (path, "whoever writes its endpoints must take them away")
            }
            None => (spec("placement").field("level"), WAY_OUT),
        };
        report.of(&access_point.id, Code::DrainNotWhole, path, message, fix);
    }
}

/// What a drain of the zone would leave there, where it is known that there is something.
fn not_drainable(
    access_point: &AccessPoint,
    facts: &FleetFacts,
    target: &Target<'_>,
    workload: Option<&Workload>,
    report: &mut Report,
) {
    let clusters = unreached_if_drained(access_point, workload, target, &facts.fleet);
    if !clusters.is_empty() {
        let message = format!(
            "a drain of {} would take no pods of {} out of their Services, for nothing is written there",
            target.name(),
            listed(clusters.iter())
        );
        report.of(
            &access_point.id,
            Code::ZoneNotDrainable,
            spec("placement").field("level"),
            message,
            WAY_OUT,
        );
    }
}

/// How a drain of a zone becomes whole.
const WAY_OUT: &str =
    "place it by cluster, or give the zones an eastWest entrance and it a `traffic` with failover";

/// Drains that the rest cannot bear, each where it is written.
pub(super) fn check_fleet(access_points: &[AccessPoint], facts: &FleetFacts, report: &mut Report) {
    let (fleet, Some(loads)) = (&facts.fleet, &facts.loads) else { return };
    let outlook = Outlook::of(Steered { fleet, access_points }, loads);
    let zones = fleet
        .zones()
        .filter(|zone| zone.drain)
        .map(|zone| (Kind::AvailabilityZone, &zone.name, &zone.region));
    let clusters = fleet.clusters().filter(|cluster| cluster.drain).filter_map(|cluster| {
        let zone = fleet.zone(cluster.zone.as_str()).filter(|zone| !zone.drain)?;
        Some((Kind::Cluster, &cluster.name, &zone.region))
    });
    for (kind, name, region) in zones.chain(clusters) {
        let Some(overload) = outlook.overload_by(fleet, region) else { continue };
        let object = Reference { kind, namespace: None, name: name.clone() };
        let message = format!("the rest cannot bear this drain: {}", overload.burden());
        let fix = "add capacity first, or drain less";
        report.add(Code::DrainOverloads, object, spec("drain"), message, fix);
    }
}
