//! From what a person wrote to a checked access point.
//!
//! The first fault found is reported; nothing is repaired.

use std::net::IpAddr;
use std::time::Duration;

use super::{
    AccessPoint, AccessPointId, Placement, PlacementRule, PublishedName, Sharing, TargetSelection, Traffic,
    VipRequest, rollout, rules,
};
use crate::api::{
    self, FieldPath, IpFamily, NameSpec, PlacementSpec, Problem, SpecError, TargetsSpec, TrafficSpec,
    VipScope, VipSpec, repeated,
};
use crate::labels::check_marks;
use crate::provision::{RangeProblem, is_of_a_host};
use crate::template;
use crate::units::{HumanDuration, Share};

/// How long resolvers may remember a name where the file does not say.
const TTL: HumanDuration = HumanDuration::from_secs(30);
/// The longest: a week.
const MAX_TTL_S: i64 = 604_800;

pub(super) fn access_point(object: api::FederatedAccessPoint) -> Result<AccessPoint, SpecError> {
    let top = FieldPath::default();
    let metadata = object.metadata;
    let Some(namespace) = metadata.namespace else {
        return Err(top.field("metadata").field("namespace").wrong(Problem::Namespace { wanted: true }));
    };
    check_marks(&metadata.labels, &metadata.annotations, &top.field("metadata"))?;
    let (spec, at) = (object.spec, top.field("spec"));
    let templates = template::check(spec.templates, &namespace, &at.field("templates"))?;
    let overrides = rules::check(spec.overrides, &templates, &at.field("overrides"))?;
    Ok(AccessPoint {
        placement: placement(spec.placement, &at.field("placement"))?,
        vip: spec.vip.map(|vip| self::vip(vip, &at.field("vip"))).transpose()?,
        names: names(spec.names, &at.field("names"))?,
        issuer: spec.certificates.map(|certificates| certificates.issuer),
        templates,
        overrides,
        traffic: spec.traffic.map(|traffic| self::traffic(traffic, &at.field("traffic"))).transpose()?,
        rollout: rollout::check(spec.rollout.unwrap_or_default(), &at.field("rollout"))?,
        id: AccessPointId { namespace, name: metadata.name },
        labels: metadata.labels,
        generation: metadata.generation,
    })
}

/// The ways to say where.
const PLACEMENTS: &[&str] = &["names", "selector", "zones", "regions", "follow"];

fn placement(spec: PlacementSpec, path: &FieldPath) -> Result<Placement, SpecError> {
    let level = spec.level.unwrap_or_default();
    let selects = [
        ("selector", spec.selector.is_some()),
        ("zones", spec.zones.is_some()),
        ("regions", spec.regions.is_some()),
    ];
    let selects = selects.into_iter().filter_map(|(name, is_given)| is_given.then_some(name));
    let mut given: Vec<&'static str> = selects.collect();
    // one by one they exclude what the selecting fields say together
    let ways = usize::from(!given.is_empty())
        + usize::from(spec.names.is_some())
        + usize::from(spec.follow.is_some());
    if ways != 1 {
        given.extend(spec.names.is_some().then_some("names"));
        given.extend(spec.follow.is_some().then_some("follow"));
        return Err(path.wrong(Problem::OneOf { given, of: PLACEMENTS }));
    }
    let rule = match spec.follow {
        Some(follow) => PlacementRule::Follow(follow.name),
        None => {
            let targets = TargetsSpec {
                names: spec.names,
                zones: spec.zones,
                regions: spec.regions,
                selector: spec.selector,
            };
            PlacementRule::Select(TargetSelection::check(targets, path)?)
        }
    };
    Ok(Placement { level, rule })
}

/// Checks the request for addresses as it is written at `path`.
pub(crate) fn vip(spec: VipSpec, path: &FieldPath) -> Result<VipRequest, SpecError> {
    let sharing = match (spec.sharing_key, spec.exclusive) {
        (None, None | Some(true)) => Sharing::Exclusive,
        (Some(key), None | Some(false)) => Sharing::Key(key),
        (Some(_), Some(true)) => {
            let advice = "leave one of the two out";
            let problem = Problem::Useless { given: "a sharingKey", needs: "exclusive: false", advice };
            return Err(path.field("sharingKey").wrong(problem));
        }
        (None, Some(false)) => {
            let advice = "say by a key with whom, or leave it out";
            let problem = Problem::Useless { given: "exclusive: false", needs: "a sharingKey", advice };
            return Err(path.field("exclusive").wrong(problem));
        }
    };
    let families = filled(spec.families, &path.field("families"))?;
    if let Some((position, first)) = repeated(&families) {
        let name = if families[first] == IpFamily::Ipv4 { "ipv4" } else { "ipv6" }.to_owned();
        return Err(path.field("families").item(position).wrong(Problem::Duplicate { name, first }));
    }
    let scope = spec.scope.unwrap_or_default();
    let at = path.field("addresses");
    let addresses = filled(spec.addresses, &at)?;
    if !addresses.is_empty() && scope == VipScope::Target {
        let advice = "each target would need its own; write it, or leave the addresses out";
        return Err(at.wrong(Problem::Useless { given: "an address", needs: "scope: all", advice }));
    }
    let of: Vec<bool> = addresses.iter().map(IpAddr::is_ipv4).collect();
    if let Some((position, _)) = repeated(&of) {
        let found = addresses[position].to_string();
        return Err(at.item(position).wrong(Problem::SecondOfFamily { found }));
    }
    if let Some(position) = addresses.iter().position(|address| !is_of_a_host(*address)) {
        return Err(at.item(position).wrong(RangeProblem::Unicast { address: addresses[position] }));
    }
    let is_of =
        |family: IpFamily| addresses.iter().any(|address| address.is_ipv4() == (family == IpFamily::Ipv4));
    let differ =
        [IpFamily::Ipv4, IpFamily::Ipv6].iter().any(|family| families.contains(family) != is_of(*family));
    if !addresses.is_empty() && !families.is_empty() && differ {
        return Err(at.wrong(Problem::OtherFamilies));
    }
    Ok(VipRequest {
        pool: spec.pool,
        scope,
        sharing,
        isolation_group: spec.isolation_group,
        families,
        addresses,
    })
}

/// A list that is left out, or has at least one item.
fn filled<T>(list: Option<Vec<T>>, path: &FieldPath) -> Result<Vec<T>, SpecError> {
    if list.as_ref().is_some_and(Vec::is_empty) {
        return Err(path.wrong(Problem::Empty));
    }
    Ok(list.unwrap_or_default())
}

fn names(specs: Vec<NameSpec>, path: &FieldPath) -> Result<Vec<PublishedName>, SpecError> {
    let fqdns: Vec<_> = specs.iter().map(|spec| spec.fqdn.clone()).collect();
    if let Some((position, first)) = repeated(&fqdns) {
        let name = fqdns[first].to_string();
        return Err(path.item(position).field("fqdn").wrong(Problem::Duplicate { name, first }));
    }
    let name = |(position, spec): (usize, NameSpec)| {
        let ttl = whole_seconds(spec.ttl.unwrap_or(TTL), &path.item(position).field("ttl"))?;
        Ok(PublishedName { fqdn: spec.fqdn, ttl, provider: spec.provider })
    };
    specs.into_iter().enumerate().map(name).collect()
}

/// A time to live as records have it.
pub(crate) fn whole_seconds(ttl: HumanDuration, path: &FieldPath) -> Result<Duration, SpecError> {
    let duration = ttl.as_duration();
    let seconds = i64::try_from(duration.as_secs()).unwrap_or(i64::MAX);
    if !(1..=MAX_TTL_S).contains(&seconds) || duration.subsec_nanos() != 0 {
        return Err(path.wrong(Problem::Ttl { found: ttl }));
    }
    Ok(duration)
}

fn traffic(spec: TrafficSpec, path: &FieldPath) -> Result<Traffic, SpecError> {
    let at = path.field("regions");
    if spec.regions.is_empty() {
        return Err(at.wrong(Problem::Nothing { what: "a region" }));
    }
    if let Some((position, first)) = repeated(&spec.regions) {
        let name = spec.regions[first].to_string();
        return Err(at.item(position).wrong(Problem::Duplicate { name, first }));
    }
    let local = match (spec.local, spec.remote) {
        (Some(local), Some(remote)) if local.complement() == remote => local,
        (Some(local), Some(remote)) => return Err(path.wrong(Problem::shares(local, remote))),
        (Some(local), None) => local,
        (None, Some(remote)) => remote.complement(),
        (None, None) => Share::ALL,
    };
    if local != Share::ALL && spec.regions.len() < 2 {
        let advice = "name the regions that the rest goes to";
        return Err(at.wrong(Problem::Useless { given: "a remote share", needs: "a second region", advice }));
    }
    Ok(Traffic { local, failover: spec.failover.unwrap_or(true), regions: spec.regions })
}
