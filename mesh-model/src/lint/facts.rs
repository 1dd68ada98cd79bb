//! What only the fleet can tell.

use std::collections::{BTreeMap, BTreeSet};

use super::placed::Placed;
use super::{Code, FleetFacts, Report, drains, inside, provisions, spec};
use crate::access_point::{AccessPoint, PlacementRule, TargetSelection};
use crate::api::{FieldPath, Kind, PlacementLevel, Reference};
use crate::fleet::{Cluster, Fleet, Target};
use crate::name::Name;
use crate::patch::Pointer;
use crate::placement::Workload;
use crate::rollout::{EmptyCause, empty_stages, without_stage};
use crate::template::TemplateKind;
use crate::traffic::{Places, Steered, without};
use crate::visibility::ambiguous;

pub(super) fn workload<'a>(access_point: &AccessPoint, facts: &'a FleetFacts) -> Option<&'a Workload> {
    let PlacementRule::Follow(name) = &access_point.placement.rule else { return None };
    let namespace = &access_point.id.namespace;
    facts.workloads.iter().find(|one| one.name == *name && one.namespace == *namespace)
}

/// The replicas that are wanted in a cluster; 1 where no workload is followed.
pub(super) fn replicas(access_point: &AccessPoint, facts: &FleetFacts, cluster: &Cluster) -> u32 {
    workload(access_point, facts).map_or(1, |workload| workload.wanted(&cluster.name))
}

pub(super) fn check(access_point: &AccessPoint, placed: &Placed<'_>, report: &mut Report) {
    let Placed { facts, targets, .. } = placed;
    provisions::check(access_point, facts, report);
    // where it is nowhere, that is what is wrong, and not each of the selections in it
    if targets.is_empty() && facts.fleet.clusters().next().is_some() {
        let message = "it has no target in this fleet, so nobody receives any of it".to_owned();
        let fix = "correct the names or labels that it asks for, or add the targets to the fleet";
        report.of(&access_point.id, Code::PlacedNowhere, spec("placement"), message, fix);
    }
    for (position, one) in access_point.overrides.iter().enumerate().filter(|_| !targets.is_empty()) {
        if !targets.iter().any(|target| one.targets.matches(target)) {
            let path = spec("overrides").item(position).field("targets");
            let message = format!("override {} holds on none of the {} targets", one.name, targets.len());
            let fix = "correct the names, or take the override away";
            report.of(&access_point.id, Code::OverrideNeverMatches, path, message, fix);
        }
    }
    selections(access_point, facts, report);
    regions(access_point, facts, report);
    stages(access_point, targets, report);
    order(access_point, &facts.fleet, targets, report);
    unread(access_point, targets, report);
    undiscovered(access_point, facts, report);
    drains::check(access_point, placed, workload(access_point, facts), report);
}

fn regions(access_point: &AccessPoint, facts: &FleetFacts, report: &mut Report) {
    let known: BTreeSet<&Name> = facts.fleet.zones().map(|zone| &zone.region).collect();
    let regions = access_point.traffic.iter().flat_map(|traffic| &traffic.regions).enumerate();
    for (position, region) in regions.filter(|(_, region)| !known.contains(region)) {
        let path = spec("traffic").field("regions").item(position);
        let message = provisions::missing("region", region, known.iter().copied());
        report.of(&access_point.id, Code::UnknownRegion, path, message, "name a region of the fleet's zones");
    }
}

/// What placement, overrides and stages name that the fleet does not have.
fn selections(access_point: &AccessPoint, facts: &FleetFacts, report: &mut Report) {
    let placed = match &access_point.placement.rule {
        PlacementRule::Select(selection) => Some((spec("placement"), selection)),
        PlacementRule::Follow(_) => None,
    };
    let targets = |list: FieldPath, position: usize| list.item(position).field("targets");
    let overridden = access_point.overrides.iter().enumerate();
    let overridden = overridden.map(|(position, one)| (targets(spec("overrides"), position), &one.targets));
    let staged = access_point.rollout.stages.iter().enumerate();
    let staged =
        staged.map(|(position, one)| (targets(spec("rollout").field("stages"), position), &one.targets));
    let all: BTreeSet<&Name> =
        facts.fleet.targets(access_point.placement.level).map(|target| target.name()).collect();
    let zones: BTreeSet<&Name> = facts.fleet.zones().map(|zone| &zone.name).collect();
    let regions: BTreeSet<&Name> = facts.fleet.zones().map(|zone| &zone.region).collect();
    for (path, selection) in placed.into_iter().chain(overridden).chain(staged) {
        let TargetSelection { names, zones: in_zones, regions: in_regions, selector: _ } = selection;
        for (field, kind, code, named, known, fix) in [
            ("names", "target", Code::UnknownTarget, names, &all, "name a target of the fleet"),
            ("zones", "zone", Code::UnknownZone, in_zones, &zones, "name a zone of the fleet"),
            (
                "regions",
                "region",
                Code::UnknownRegion,
                in_regions,
                &regions,
                "name a region of the fleet's zones",
            ),
        ] {
            let named = named.iter().flatten().enumerate();
            for (position, name) in named.filter(|(_, name)| !known.contains(name)) {
                let path = path.field(field).item(position);
                let is_zone = field == "names" && facts.fleet.zone(name.as_str()).is_some();
                let message = if is_zone && access_point.placement.level == PlacementLevel::Zone {
                    format!("zone {name} has no gateway cluster, so it is no target")
                } else {
                    provisions::missing(kind, name, known.iter().copied())
                };
                report.of(&access_point.id, code, path, message, fix);
            }
        }
    }
}

/// Stages that no target is in, and targets that are in none although the stages ask for a soak.
fn stages(access_point: &AccessPoint, targets: &[Target<'_>], report: &mut Report) {
    let policy = &access_point.rollout;
    for empty in empty_stages(policy, targets) {
        let path = spec("rollout").field("stages").item(empty.position).field("targets");
        let fix = match empty.cause {
            EmptyCause::Taken { is_narrower: true, .. } => "put the narrower stage first",
            EmptyCause::Taken { is_narrower: false, .. } => {
                "let it select others, or take it away: whatever it asks for, such as its soak, is asked of nobody"
            }
            EmptyCause::SelectsNobody { .. } => {
                "correct the names, or take the stage away: it proves nothing, and if it pauses nobody can let it pass"
            }
        };
        report.of(&access_point.id, Code::StageNeverMatches, path, empty.to_string(), fix);
    }
    let forgotten = without_stage(policy, targets);
    let soak = policy.stages.iter().map(|stage| stage.soak).max().unwrap_or_default();
    if let (Some(first), false) = (forgotten.first(), soak.is_zero()) {
        let more =
            if forgotten.len() > 1 { format!(" and {} more", forgotten.len() - 1) } else { String::new() };
        let message = format!(
            "no stage selects {}{more}: they come last, one at a time, and none of them soaks",
            first.name()
        );
        let fix = "add a stage without targets at the end, which selects all that is left, with the soak that it is to have";
        report.of(&access_point.id, Code::TargetsWithoutStage, spec("rollout").field("stages"), message, fix);
    }
}

/// Regions of the policy that take the spill of a target at once, although the policy has an order of them.
fn order(access_point: &AccessPoint, fleet: &Fleet, targets: &[Target<'_>], report: &mut Report) {
    let Some(traffic) = &access_point.traffic else { return };
    let mut found: BTreeMap<(Name, Vec<Name>, bool), Vec<&Target<'_>>> = BTreeMap::new();
    for target in targets {
        let places = Places::of(traffic, target, fleet);
        let regions = places.unordered();
        if !regions.is_empty() {
            let second = places.away.first().filter(|_| places.is_ordered);
            let before = second.unwrap_or(&places.home).clone();
            found.entry((before, regions, places.is_ordered)).or_default().push(target);
        }
    }
    for ((before, regions, is_ordered), targets) in found {
        let regions: Vec<&str> = regions.iter().map(Name::as_str).collect();
        let (last, first) = regions.split_last().expect("one alone has no order to lose");
        let more = if targets.len() > 1 { format!(" and {} more", targets.len() - 1) } else { String::new() };
        let amount = if regions.len() == 2 { "both" } else { "all" };
        let message = format!(
            "on {}{more}: {amount} {} and {last} take what spills beyond {before} at once, by the number of their hosts",
            targets[0].name(),
            first.join(", ")
        );
        let fix = if is_ordered {
            "Istio has three places, which these exceed; give all zones an eastWest entrance, or let them share the third"
        } else {
            "write `istio` in the Cluster if it is 1.31 or later, or give all zones an eastWest entrance; else there is no order"
        };
        let path = spec("traffic").field("regions");
        report.of(&access_point.id, Code::RegionsUnordered, path, message, fix);
    }
}

/// Objects of Istio in clusters from which nobody reads them: in a zone with an entrance, the
/// [control plane](crate::eastwest) of the gateway cluster reads no other cluster's.
fn unread(access_point: &AccessPoint, targets: &[Target<'_>], report: &mut Report) {
    let unread = |target: &&Target<'_>| !target.zone.east_west.is_empty() && !target.cluster.is_gateway;
    let clusters: Vec<&Target<'_>> = targets.iter().filter(unread).collect();
    let object = access_point.templates.iter().find(|template| template.id.kind != TemplateKind::Service);
    let (Some(first), Some(object)) = (clusters.first(), object) else { return };
    let more = if clusters.len() > 1 { format!(" and {} more", clusters.len() - 1) } else { String::new() };
    let gateway = first.zone.gateway.as_ref().map_or("the gateway cluster", |name| name.as_str());
    let message = format!(
        "on {}{more}: the control plane of zone {} reads objects of Istio from {gateway} alone, so nobody reads {} there",
        first.cluster.name, first.zone.name, object.id
    );
    let fix = "place it at the gateway cluster (level: zone), or leave out the zone's eastWest if its clusters have control planes of their own";
    report.of(&access_point.id, Code::UnreadObjects, spec("placement"), message, fix);
}

/// A namespace that no control plane looks at: whatever is written there, nobody reads.
fn undiscovered(access_point: &AccessPoint, facts: &FleetFacts, report: &mut Report) {
    let namespace = &access_point.id.namespace;
    if facts.discovery.admits(namespace) {
        return;
    }
    let message =
        format!("no discoverySelector has namespace {namespace}, so that Istio reads none of these objects");
    let path = FieldPath::default().field("metadata").field("namespace");
    let fix = "label the namespace as a discoverySelector asks, or add one for it";
    report.of(&access_point.id, Code::UnreadObjects, path, message, fix);
}

/// Gateways that no pod serves.
pub(super) fn selectors(access_point: &AccessPoint, facts: &FleetFacts, report: &mut Report) {
    let Some(pods) = &facts.gateways else { return };
    for template in access_point.templates.iter().filter(|one| one.id.kind == TemplateKind::Gateway) {
        if !pods.iter().any(|pods| pods.serve(&template.object)) {
            let at = Pointer::default().then("spec").then("selector");
            let path = inside(access_point, &template.id, &at);
            let message = "no gateway has these labels, so nobody serves this Gateway".to_owned();
            let fix = "write labels that gateways of the fleet have";
            report.of(&access_point.id, Code::GatewaySelectsNothing, path, message, fix);
        }
    }
}

/// What is wrong with the fleet itself.
pub(super) fn check_fleet(access_points: &[AccessPoint], facts: &FleetFacts, report: &mut Report) {
    for (one, other) in ambiguous(&facts.sidecars) {
        // a Sidecar is no object of ours, so whoever owns the namespace is told by an access point of it
        let of = access_points.iter().find(|access_point| access_point.id.namespace == one.namespace);
        if let Some(access_point) = of {
            let message = format!(
                "the Sidecars {} and {} of namespace {} hold for the same workloads, and Istio does not say which",
                one.name, other.name, one.namespace
            );
            let path = FieldPath::default().field("metadata").field("namespace");
            let fix = "merge them, or give them selectors that exclude each other";
            report.of(&access_point.id, Code::AmbiguousSidecars, path, message, fix);
        }
    }
    drains::check_fleet(access_points, facts, report);
    provisions::check_fleet(facts, report);
    let fails_over =
        access_points.iter().any(|one| one.traffic.as_ref().is_some_and(|traffic| traffic.failover));
    let (Some(loads), true) = (&facts.loads, fails_over) else { return };
    let region = |cluster: &Cluster| facts.fleet.zone(cluster.zone.as_str()).map(|zone| &zone.region);
    // of a region that is drained whole, its drain is told
    let regions: BTreeSet<&Name> =
        facts.fleet.zones().map(|zone| &zone.region).filter(|region| facts.fleet.serves(region)).collect();
    for lost in regions {
        let steered = Steered { fleet: &facts.fleet, access_points };
        let (shifted, _) = without(steered, loads, |cluster| region(cluster) == Some(lost));
        for one in shifted.iter().filter(|one| one.is_over()) {
            let factor = one.after.as_per_second() as f64 / one.before.as_per_second().max(1) as f64;
            let message = format!(
                "without {lost} it would carry {}, {factor:.2} times as much, of {}",
                one.after,
                one.capacity.unwrap_or_default()
            );
            let object = Reference { kind: Kind::Cluster, namespace: None, name: one.cluster.clone() };
            let path = spec("capacity").field("requests");
            report.add(Code::RegionLossOverloads, object, path, message, "add capacity, or spread the load");
        }
    }
}
