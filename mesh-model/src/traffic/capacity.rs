//! Whether the rest of the fleet can bear what it would carry without some of it.
//!
//! How much that is, [`without`] says.
//!
//! What is not known refuses nothing and is told by name ([`Outlook::unmeasured`],
//! [`Outlook::unbounded`], [`Outlook::unreachable`]). Then capacity alone says how much would be left
//! ([`Room`]), which whoever knows the load compares it with.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::Serialize;

use super::Steered;
use super::without::{doubted, without};
use crate::api::Reachability;
use crate::fleet::{Cluster, Fleet};
use crate::name::Name;
use crate::units::Rate;

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
    /// Clusters of which nobody says what they carry; they are taken to carry nothing, and to take a part by capacity.
    pub unmeasured: Vec<Name>,
    /// Clusters that would carry more, of which nobody says how much they can bear.
    pub unbounded: Vec<Name>,
    /// Clusters that would carry more and do not answer, so that nobody knows whether they can.
    pub unreachable: Vec<Name>,
    /// The regions that a cluster is drained of, by name.
    pub rooms: Vec<Room>,
    /// Clusters that may carry less than is said, by what others carry or can bear, which nobody says.
    #[serde(skip)]
    doubted: BTreeSet<Name>,
}

impl Outlook {
    /// What the drains of this fleet do, given what clusters carry now.
    #[must_use]
    pub fn of(steered: Steered<'_>, loads: &Loads) -> Self {
        let fleet = steered.fleet;
        let is_off = |cluster: &Cluster| is_drained(fleet, cluster);
        let (shifted, lost) = without(steered, loads, is_off);
        let doubted = doubted(steered, loads, &shifted, is_off);
        let clusters: Vec<Shifted> = shifted.into_iter().filter(|one| one.after != one.before).collect();
        let more = || clusters.iter().filter(|one| one.after > one.before);
        let is_unreachable = |one: &&Shifted| {
            let cluster = fleet.cluster(one.cluster.as_str());
            cluster.is_some_and(|cluster| cluster.reachability == Reachability::Unreachable)
        };
        let unmeasured = fleet.clusters().filter(|cluster| !loads.contains_key(&cluster.name));
        let is_unbounded = |one: &&Shifted| one.capacity.is_none();
        Self {
            unmeasured: unmeasured.map(|cluster| cluster.name.clone()).collect(),
            unbounded: more().filter(is_unbounded).map(|one| one.cluster.clone()).collect(),
            unreachable: more().filter(is_unreachable).map(|one| one.cluster.clone()).collect(),
            doubted,
            rooms: rooms(fleet),
            clusters,
            lost,
        }
    }

    /// Why the rest cannot bear it, as far as that is known.
    #[must_use]
    pub fn overload(&self) -> Option<Overload> {
        let is_over = |one: &&Shifted| one.is_over() && !self.doubted.contains(&one.cluster);
        let clusters: Vec<Shifted> = self.clusters.iter().filter(is_over).cloned().collect();
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
        self.unmeasured.is_empty() && self.unbounded.is_empty() && self.unreachable.is_empty()
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

pub(super) fn region_of<'a>(fleet: &'a Fleet, cluster: &Cluster) -> &'a Name {
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
