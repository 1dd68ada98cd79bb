//! What the rest of the fleet would carry without some of it, and whether it can.
//!
//! Pods that are taken out of their Services are no unhealthy hosts: they do not
//! count, so the rest of their region takes everything, without a limit of 1.4,
//! and only a region without any gives its requests to others: to those that the
//! policies of traffic send them to, in their order ([`Places`]), each access point
//! having an equal part of what the region carries, for what each carries is in no
//! file; and to all others alike where a policy says nothing. Wherever several take
//! them it is by the number of hosts, for which what clusters carry now stands.
//!
//! What is not known refuses nothing and is told by name ([`Outlook::unmeasured`],
//! [`Outlook::unbounded`]). Then capacity alone says how much would be left
//! ([`Room`]), which whoever knows the load compares it with.

use std::collections::BTreeMap;
use std::fmt;

use serde::Serialize;

use super::{Places, Steered};
use crate::access_point::Traffic;
use crate::api::PlacementLevel;
use crate::fleet::{Cluster, Fleet};
use crate::name::Name;
use crate::units::{Rate, Share};

/// What clusters carry now, all access points together; a cluster that is not here carries nothing.
pub type Loads = BTreeMap<Name, Rate>;

/// What a cluster would carry.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Shifted {
    /// The cluster.
    pub cluster: Name,
    /// What it carries now.
    pub before: Rate,
    /// What it would carry, rounded up.
    pub after: Rate,
    /// What it can bear, if that is known.
    pub capacity: Option<Rate>,
}

impl Shifted {
    /// Whether it would get more than it can bear; what it bears already is nobody's fault.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.after > self.before && self.capacity.is_some_and(|most| self.after > most)
    }
}

/// A drain that the rest cannot bear; say that it is wanted all the same, or add capacity first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Overload {
    /// The clusters that would get too much, by name.
    pub clusters: Vec<Shifted>,
    /// Requests that nobody would take.
    pub lost: Rate,
}

impl std::error::Error for Overload {}

impl Overload {
    /// Who would carry how much of what it can bear; of many clusters those that would be the most over.
    #[must_use]
    pub fn burden(&self) -> String {
        /// More would not be read.
        const SHOWN: usize = 3;
        let excess = |one: &&Shifted| {
            let most = one.capacity.unwrap_or_default().as_per_second().max(1);
            u128::from(one.after.as_per_second()) * 1_000_000 / u128::from(most)
        };
        let mut worst: Vec<&Shifted> = self.clusters.iter().collect();
        worst.sort_by_key(|one| std::cmp::Reverse(excess(one)));
        let more = worst.len().saturating_sub(SHOWN);
        let mut parts: Vec<String> = worst
            .into_iter()
            .take(SHOWN)
            .map(|one| {
                let most = one.capacity.unwrap_or_default();
                format!("{} would carry {} of {most}", one.cluster, one.after)
            })
            .collect();
        if more > 0 {
            parts.push(format!("{more} more would be over, too"));
        }
        if self.lost > Rate::default() {
            parts.push(format!("{} would go nowhere", self.lost));
        }
        parts.join(", ")
    }
}

impl fmt::Display for Overload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the rest cannot bear this drain: {}", self.burden())?;
        f.write_str("; add capacity, drain less, or force it")
    }
}

/// What is left of a region's capacity.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Room {
    /// The region.
    pub region: Name,
    /// What its clusters can bear that are not drained, as far as that is known.
    pub left: Rate,
    /// What all of its clusters can.
    pub whole: Rate,
}

/// What the drains of a fleet do to the rest of it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Outlook {
    /// The clusters that would carry something else than they do, by name.
    pub clusters: Vec<Shifted>,
    /// Requests that nobody would take.
    pub lost: Rate,
    /// Clusters of which nobody says what they carry; they are taken to carry nothing.
    pub unmeasured: Vec<Name>,
    /// Clusters that would carry more, of which nobody says how much they can bear.
    pub unbounded: Vec<Name>,
    /// The regions that a cluster is drained of, by name.
    pub rooms: Vec<Room>,
}

impl Outlook {
    /// What the drains of this fleet do, given what clusters carry now.
    #[must_use]
    pub fn of(steered: Steered<'_>, loads: &Loads) -> Self {
        let fleet = steered.fleet;
        let (shifted, lost) = without(steered, loads, |cluster| is_drained(fleet, cluster));
        let clusters: Vec<Shifted> = shifted.into_iter().filter(|one| one.after != one.before).collect();
        let unmeasured = fleet.clusters().filter(|cluster| !loads.contains_key(&cluster.name));
        let is_unbounded = |one: &&Shifted| one.after > one.before && one.capacity.is_none();
        Self {
            unmeasured: unmeasured.map(|cluster| cluster.name.clone()).collect(),
            unbounded: clusters.iter().filter(is_unbounded).map(|one| one.cluster.clone()).collect(),
            rooms: rooms(fleet),
            clusters,
            lost,
        }
    }

    /// Why the rest cannot bear it, as far as that is known.
    #[must_use]
    pub fn overload(&self) -> Option<Overload> {
        let clusters: Vec<Shifted> = self.clusters.iter().filter(|one| one.is_over()).cloned().collect();
        let is_borne = clusters.is_empty() && self.lost == Rate::default();
        (!is_borne).then_some(Overload { clusters, lost: self.lost })
    }

    /// The same as far as the drains of one region are to blame: for the rest of it, or where it has none,
    /// for all others.
    #[must_use]
    pub fn overload_by(&self, fleet: &Fleet, region: &Name) -> Option<Overload> {
        let mut overload = self.overload()?;
        let mut clusters = fleet.clusters().filter(|cluster| region_of(fleet, cluster) == region);
        let is_whole = clusters.all(|cluster| is_drained(fleet, cluster));
        let is_here = |one: &Shifted| {
            fleet.cluster(one.cluster.as_str()).is_some_and(|cluster| region_of(fleet, cluster) == region)
        };
        // whoever carried nothing has given nobody anything
        if !self.clusters.iter().any(|one| is_here(one) && one.after < one.before) {
            return None;
        }
        overload.clusters.retain(|one| is_whole != is_here(one));
        let is_to_blame = !overload.clusters.is_empty() || overload.lost > Rate::default();
        is_to_blame.then_some(overload)
    }

    /// Whether nothing that the answer needs is unknown.
    #[must_use]
    pub fn is_certain(&self) -> bool {
        self.unmeasured.is_empty() && self.unbounded.is_empty()
    }
}

/// Whether a cluster is drained, by itself or with its zone.
fn is_drained(fleet: &Fleet, cluster: &Cluster) -> bool {
    cluster.drain || fleet.zone(cluster.zone.as_str()).is_some_and(|zone| zone.drain)
}

fn rooms(fleet: &Fleet) -> Vec<Room> {
    let mut regions: BTreeMap<&Name, (bool, u64, u64)> = BTreeMap::new();
    for cluster in fleet.clusters() {
        let capacity = cluster.capacity.unwrap_or_default().as_per_second();
        let (is_touched, left, whole) = regions.entry(region_of(fleet, cluster)).or_default();
        let is_off = is_drained(fleet, cluster);
        *is_touched |= is_off;
        *whole = whole.saturating_add(capacity);
        *left = left.saturating_add(if is_off { 0 } else { capacity });
    }
    let touched = regions.into_iter().filter(|(_, (is_touched, ..))| *is_touched);
    let room = |(region, (_, left, whole)): (&Name, (bool, u64, u64))| Room {
        region: region.clone(),
        left: Rate::per_second(left),
        whole: Rate::per_second(whole),
    };
    touched.map(room).collect()
}

fn region_of<'a>(fleet: &'a Fleet, cluster: &Cluster) -> &'a Name {
    &fleet.zone(cluster.zone.as_str()).expect("a cluster is added only to a zone that is there").region
}

/// Whether the rest of the fleet can bear what its drained clusters carry.
///
/// The fleet is the one after the edit: its `drain` says what is to be empty; the access points say by
/// their policies which regions take what a drained one carries. A cluster of unknown capacity refuses nothing.
///
/// # Errors
///
/// Those that would get too much, or that nobody would be left.
///
/// ```
/// use mesh_model::fleet::Fleet;
/// use mesh_model::traffic::{Loads, Steered, drain_check};
///
/// # let frame = |kind: &str, rest: &str| format!("{{ apiVersion: overspill.dev/v1alpha1, kind: {kind}, {rest} }}");
/// # let zone = serde_saphyr::from_str(&frame("AvailabilityZone", "metadata: { name: slc-a }, spec: { region: us-west }"))?;
/// # let cluster = |name: &str, drain: &str| serde_saphyr::from_str(&frame("Cluster", &format!("metadata: {{ name: {name} }}, spec: {{ zone: slc-a, capacity: {{ requests: 1000/s }}, drain: {drain} }}")));
/// let fleet = Fleet::new(vec![zone], vec![cluster("slc-a-1", "true")?, cluster("slc-a-2", "false")?])?;
/// let loads = |each: &str| -> Result<Loads, Box<dyn std::error::Error>> {
///     Ok(Loads::from([("slc-a-1".parse()?, each.parse()?), ("slc-a-2".parse()?, each.parse()?)]))
/// };
/// let steered = Steered { fleet: &fleet, access_points: &[] };
/// assert_eq!(drain_check(steered, &loads("500/s")?), Ok(()));
/// let refused = drain_check(steered, &loads("501/s")?).unwrap_err();
/// assert!(refused.to_string().contains("slc-a-2 would carry 1002/s of 1000/s"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn drain_check(steered: Steered<'_>, loads: &Loads) -> Result<(), Overload> {
    Outlook::of(steered, loads).overload().map_or(Ok(()), Err)
}

/// What each cluster would carry without some, and what nobody would.
pub fn without(
    steered: Steered<'_>,
    loads: &Loads,
    is_off: impl Fn(&Cluster) -> bool,
) -> (Vec<Shifted>, Rate) {
    let fleet = steered.fleet;
    let load = |cluster: &Cluster| loads.get(&cluster.name).copied().unwrap_or_default().as_per_second();
    let mut regions: Regions<'_> = BTreeMap::new();
    for cluster in fleet.clusters() {
        let region = regions.entry(region_of(fleet, cluster)).or_default();
        region.carried = region.carried.saturating_add(load(cluster));
        region.left = region.left.saturating_add(if is_off(cluster) { 0 } else { load(cluster) });
    }
    let orders = orders(steered);
    let homeless = regions.iter().filter(|(_, region)| region.left == 0 && region.carried > 0);
    let homeless: Vec<(&Name, u64)> = homeless.map(|(name, region)| (*name, region.carried)).collect();
    let lost = if regions.values().all(|region| region.left == 0) {
        homeless.iter().fold(0_u64, |sum, (_, carried)| sum.saturating_add(*carried))
    } else {
        for (name, carried) in homeless {
            resettle(&mut regions, fleet, name, carried, &orders);
        }
        0
    };
    let after = |cluster: &Cluster| {
        let region = &regions[region_of(fleet, cluster)];
        if is_off(cluster) || load(cluster) == 0 {
            return 0;
        }
        let own = u128::from(load(cluster));
        let whole = (u128::from(region.carried) * FINE).saturating_add(region.taken);
        u64::try_from(own.saturating_mul(whole).div_ceil(u128::from(region.left) * FINE)).unwrap_or(u64::MAX)
    };
    let shifted = fleet.clusters().map(|cluster| Shifted {
        cluster: cluster.name.clone(),
        before: Rate::per_second(load(cluster)),
        after: Rate::per_second(after(cluster)),
        capacity: cluster.capacity,
    });
    (shifted.collect(), Rate::per_second(lost))
}

/// What a region carries, what of that its remaining clusters do, and what it takes from others.
#[derive(Clone, Copy, Debug, Default)]
struct Region {
    carried: u64,
    left: u64,
    /// In parts of [`FINE`], so that what is divided and summed up again is what it was.
    taken: u128,
}

/// The parts of a request per second that are counted where one is divided.
const FINE: u128 = 1_000_000;

type Regions<'a> = BTreeMap<&'a Name, Region>;

/// The policies of access points that differ, and how many have each.
type Orders<'a> = Vec<(Option<&'a Traffic>, u64)>;

fn orders(steered: Steered<'_>) -> Orders<'_> {
    let mut orders: Orders<'_> = Vec::new();
    for traffic in steered.access_points.iter().map(|one| one.traffic.as_ref()) {
        match orders.iter_mut().find(|(known, _)| *known == traffic) {
            Some((_, count)) => *count += 1,
            None => orders.push((traffic, 1)),
        }
    }
    if orders.is_empty() {
        orders.push((None, 1));
    }
    orders
}

/// Gives what a region without a cluster carries to the regions that its policies send it to.
fn resettle(regions: &mut Regions<'_>, fleet: &Fleet, name: &Name, carried: u64, orders: &Orders<'_>) {
    let everywhere: Vec<Name> = regions.keys().map(|region| (*region).clone()).collect();
    let cluster = fleet.clusters().find(|cluster| region_of(fleet, cluster) == name);
    let cluster = cluster.expect("what a region carries, its clusters do").name.as_str();
    let target = fleet.target(PlacementLevel::Cluster, cluster).expect("it is a cluster of the fleet");
    let of_all: u64 = orders.iter().map(|(_, count)| count).sum();
    for (traffic, count) in orders {
        // the places of the local share in order, then of the remote one
        let parts = traffic.map_or_else(
            || vec![(Share::ALL, Vec::new())],
            |traffic| {
                let places = Places::of(traffic, &target, fleet);
                let away = if places.failover {
                    places.away.iter().map(|region| vec![region.clone()]).collect()
                } else {
                    vec![places.away.clone()]
                };
                vec![(places.local, places.tiers()), (places.local.complement(), away)]
            },
        );
        for (share, tiers) in parts {
            let has_hosts = |tier: &&Vec<Name>| tier.iter().any(|region| left(regions, region) > 0);
            let takers = tiers.iter().find(has_hosts).unwrap_or(&everywhere).clone();
            let whole: u128 = takers.iter().map(|region| left(regions, region)).sum();
            let millionths = u128::from(share.as_millionths()) * u128::from(*count);
            let amount = (u128::from(carried) * FINE).saturating_mul(millionths)
                / (u128::from(Share::ALL.as_millionths()) * u128::from(of_all));
            for taker in &takers {
                let part = amount.saturating_mul(left(regions, taker)) / whole.max(1);
                if let Some(region) = regions.get_mut(taker) {
                    region.taken = region.taken.saturating_add(part);
                }
            }
        }
    }
}

fn left(regions: &Regions<'_>, region: &Name) -> u128 {
    regions.get(region).map_or(0, |region| u128::from(region.left))
}
