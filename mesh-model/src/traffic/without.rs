//! What the rest of the fleet would carry without some of its clusters.
//!
//! Pods that are taken out of their Services are no unhealthy hosts: they do not
//! count, so the rest of their region takes everything, without a limit of 1.4,
//! and only a region without any gives its requests to others: to those that the
//! policies of traffic send them to, in their order ([`Places`]), each access point
//! having an equal part of what the region carries, for what each carries is in no
//! file; and to all others alike where a policy says nothing. Wherever several take
//! them it is by the number of hosts, for which what clusters carry now stands, or,
//! where that is not known of all or is nothing, what they can bear.

use std::collections::{BTreeMap, BTreeSet};

use super::capacity::region_of;
use super::{Loads, Places, Shifted, Steered};
use crate::access_point::Traffic;
use crate::api::PlacementLevel;
use crate::fleet::{Cluster, Fleet};
use crate::name::Name;
use crate::units::{Rate, Share};

/// What each cluster would carry without some, and what nobody would.
pub fn without(
    steered: Steered<'_>,
    loads: &Loads,
    is_off: impl Fn(&Cluster) -> bool,
) -> (Vec<Shifted>, Rate) {
    let fleet = steered.fleet;
    let (regions, lost) = moved(steered, loads, &is_off);
    let after = |cluster: &Cluster| {
        if is_off(cluster) {
            return 0;
        }
        let region = &regions[region_of(fleet, cluster)];
        let moved = (u128::from(region.carried - region.kept) * FINE).saturating_add(region.taken);
        let part = moved.saturating_mul(region.weight_of(cluster, load(loads, cluster)));
        let more = part.div_ceil(region.weight.saturating_mul(FINE).max(1));
        u64::try_from(u128::from(load(loads, cluster)).saturating_add(more)).unwrap_or(u64::MAX)
    };
    let shifted = fleet.clusters().map(|cluster| Shifted {
        cluster: cluster.name.clone(),
        before: Rate::per_second(load(loads, cluster)),
        after: Rate::per_second(after(cluster)),
        capacity: cluster.capacity,
    });
    (shifted.collect(), Rate::per_second(lost))
}

/// What a cluster carries now, as far as anybody says.
fn load(loads: &Loads, cluster: &Cluster) -> u64 {
    loads.get(&cluster.name).copied().unwrap_or_default().as_per_second()
}

/// What each region takes from those of which nothing is left, and what nobody takes.
fn moved<'a>(steered: Steered<'a>, loads: &Loads, is_off: impl Fn(&Cluster) -> bool) -> (Regions<'a>, u64) {
    let mut regions = regions(steered.fleet, loads, is_off);
    let homeless = regions.iter().filter(|(_, region)| region.clusters == 0 && region.carried > 0);
    let homeless: Vec<(&Name, u64)> = homeless.map(|(name, region)| (*name, region.carried)).collect();
    if regions.values().all(|region| region.clusters == 0) {
        let lost = homeless.iter().fold(0_u64, |sum, (_, carried)| sum.saturating_add(*carried));
        return (regions, lost);
    }
    let orders = orders(steered);
    for (name, carried) in homeless {
        resettle(&mut regions, steered.fleet, name, carried, &orders);
    }
    (regions, 0)
}

/// What a region carries, what of that its remaining clusters do, and what it takes from others.
#[derive(Clone, Copy, Debug, Default)]
struct Region {
    carried: u64,
    /// What its remaining clusters carry of that.
    kept: u64,
    /// How many remain.
    clusters: usize,
    /// Whether one of these is such that nobody says what it carries.
    has_unmeasured: bool,
    /// Whether one of these is such that nobody says what it can bear.
    has_unbounded: bool,
    /// Whether it takes a part of what others carried that may be less, for nobody knows what the other parts are.
    takes_a_guess: bool,
    /// The sum of its remaining clusters' weights.
    weight: u128,
    /// In parts of [`FINE`], so that what is divided and summed up again is what it was.
    taken: u128,
}

impl Region {
    /// For how many hosts a cluster that remains stands.
    fn weight_of(&self, cluster: &Cluster, load: u64) -> u128 {
        if !self.has_unmeasured && self.kept > 0 {
            return load.into();
        }
        let known = cluster.capacity.filter(|_| !self.has_unbounded);
        known.map_or(1, |capacity| capacity.as_per_second().max(1)).into()
    }

    /// Whether it is a guess who of its clusters takes how much.
    const fn is_guessed(&self) -> bool {
        self.has_unmeasured || (self.kept == 0 && self.has_unbounded)
    }

    /// For how many hosts it stands to those who spill to it: one that carries nothing, as is known, has none.
    fn hosts(&self) -> u128 {
        if self.has_unmeasured || self.kept > 0 { self.weight } else { 0 }
    }
}

fn regions<'a>(fleet: &'a Fleet, loads: &Loads, is_off: impl Fn(&Cluster) -> bool) -> Regions<'a> {
    let mut regions: Regions<'_> = BTreeMap::new();
    for cluster in fleet.clusters() {
        let region = regions.entry(region_of(fleet, cluster)).or_default();
        region.carried = region.carried.saturating_add(load(loads, cluster));
        if !is_off(cluster) {
            region.kept = region.kept.saturating_add(load(loads, cluster));
            region.clusters += 1;
            region.has_unmeasured |= !loads.contains_key(&cluster.name);
            region.has_unbounded |= cluster.capacity.is_none();
        }
    }
    for cluster in fleet.clusters().filter(|cluster| !is_off(cluster)) {
        if let Some(region) = regions.get_mut(region_of(fleet, cluster)) {
            region.weight += region.weight_of(cluster, load(loads, cluster));
        }
    }
    regions
}

/// Clusters that may carry less than is said: all of a region that together bear what it has, where nobody says what
/// others of it carry, or can bear; and all of a region to which others spill, and to one of which that is so, too.
pub(super) fn doubted(
    steered: Steered<'_>,
    loads: &Loads,
    shifted: &[Shifted],
    is_off: impl Fn(&Cluster) -> bool,
) -> BTreeSet<Name> {
    let fleet = steered.fleet;
    let (regions, _) = moved(steered, loads, &is_off);
    let mut sums: BTreeMap<&Name, (u64, u64, Vec<&Name>)> = BTreeMap::new();
    for one in shifted {
        let Some(cluster) = fleet.cluster(one.cluster.as_str()).filter(|cluster| !is_off(cluster)) else {
            continue;
        };
        let (carried, capacity, names) = sums.entry(region_of(fleet, cluster)).or_default();
        *carried = carried.saturating_add(one.after.as_per_second());
        *capacity = capacity.saturating_add(one.capacity.map_or(u64::MAX, Rate::as_per_second));
        names.push(&cluster.name);
    }
    let may_bear = |(region, (carried, capacity, _)): &(&Name, (u64, u64, Vec<&Name>))| {
        let region = &regions[*region];
        region.takes_a_guess || (region.is_guessed() && carried <= capacity)
    };
    sums.into_iter().filter(may_bear).flat_map(|(_, (.., names))| names.into_iter().cloned()).collect()
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
            let hosts = |region: &Name| regions.get(region).map_or(0, Region::hosts);
            let has_hosts = |tier: &&Vec<Name>| tier.iter().any(|region| hosts(region) > 0);
            let takers = tiers.iter().find(has_hosts).unwrap_or(&everywhere).clone();
            // where nobody is known to have any, whoever remains
            let is_any = takers.iter().any(|region| hosts(region) > 0);
            let weight = |region: &Region| if is_any { region.hosts() } else { region.weight };
            let weights = takers.iter().map(|name| regions.get(name).map_or(0, weight));
            let weights: Vec<u128> = weights.collect();
            let whole: u128 = weights.iter().sum();
            let millionths = u128::from(share.as_millionths()) * u128::from(*count);
            let amount = (u128::from(carried) * FINE).saturating_mul(millionths)
                / (u128::from(Share::ALL.as_millionths()) * u128::from(of_all));
            let is_guess = takers.len() > 1
                && takers.iter().any(|name| regions.get(name).is_some_and(Region::is_guessed));
            for (taker, weight) in takers.iter().zip(weights) {
                let part = amount.saturating_mul(weight) / whole.max(1);
                if let Some(region) = regions.get_mut(taker) {
                    region.taken = region.taken.saturating_add(part);
                    region.takes_a_guess |= is_guess && part > 0;
                }
            }
        }
    }
}
