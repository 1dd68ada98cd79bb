//! What the rest of the fleet would carry without some of it, and whether it can.
//!
//! Pods that are taken out of their Services are no unhealthy hosts: they do not
//! count, so the rest of their region takes everything, without a limit of 1.4,
//! and only a region without any gives its requests to others. In both cases by
//! the number of hosts, for which what clusters carry now stands.

use std::collections::BTreeMap;
use std::fmt;

use crate::fleet::{Cluster, Fleet};
use crate::name::Name;
use crate::units::Rate;

/// What clusters carry now, all access points together; a cluster that is not here carries nothing.
pub type Loads = BTreeMap<Name, Rate>;

/// What a cluster would carry.
#[derive(Clone, Debug, PartialEq, Eq)]
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

impl fmt::Display for Overload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the rest cannot bear this drain: ")?;
        for (position, one) in self.clusters.iter().enumerate() {
            let most = one.capacity.unwrap_or_default();
            let comma = if position == 0 { "" } else { ", " };
            write!(f, "{comma}{} would carry {} of {most}", one.cluster, one.after)?;
        }
        if self.lost > Rate::default() {
            write!(f, "{} would go nowhere", self.lost)?;
        }
        f.write_str("; add capacity, drain less, or force it")
    }
}

/// Whether the rest of the fleet can bear what its drained clusters carry.
///
/// The fleet is the one after the edit: its `drain` says what is to be empty. A
/// cluster of unknown capacity refuses nothing.
///
/// # Errors
///
/// Those that would get too much, or that nobody would be left.
///
/// ```
/// use mesh_model::fleet::Fleet;
/// use mesh_model::traffic::{Loads, drain_check};
///
/// # let frame = |kind: &str, rest: &str| format!("{{ apiVersion: overspill.dev/v1alpha1, kind: {kind}, {rest} }}");
/// # let zone = serde_saphyr::from_str(&frame("AvailabilityZone", "metadata: { name: slc-a }, spec: { region: us-west }"))?;
/// # let cluster = |name: &str, drain: &str| serde_saphyr::from_str(&frame("Cluster", &format!("metadata: {{ name: {name} }}, spec: {{ zone: slc-a, capacity: {{ requests: 1000/s }}, drain: {drain} }}")));
/// let fleet = Fleet::new(vec![zone], vec![cluster("slc-a-1", "true")?, cluster("slc-a-2", "false")?])?;
/// let loads = |each: &str| -> Result<Loads, Box<dyn std::error::Error>> {
///     Ok(Loads::from([("slc-a-1".parse()?, each.parse()?), ("slc-a-2".parse()?, each.parse()?)]))
/// };
/// assert_eq!(drain_check(&fleet, &loads("500/s")?), Ok(()));
/// let refused = drain_check(&fleet, &loads("501/s")?).unwrap_err();
/// assert!(refused.to_string().contains("slc-a-2 would carry 1002/s of 1000/s"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn drain_check(fleet: &Fleet, loads: &Loads) -> Result<(), Overload> {
    let is_drained =
        |cluster: &Cluster| cluster.drain || fleet.zone(cluster.zone.as_str()).is_some_and(|zone| zone.drain);
    let (shifted, lost) = without(fleet, loads, is_drained);
    let clusters: Vec<Shifted> = shifted.into_iter().filter(Shifted::is_over).collect();
    if clusters.is_empty() && lost == Rate::default() { Ok(()) } else { Err(Overload { clusters, lost }) }
}

/// What each cluster would carry without some, and what nobody would.
pub fn without(fleet: &Fleet, loads: &Loads, is_off: impl Fn(&Cluster) -> bool) -> (Vec<Shifted>, Rate) {
    let load = |cluster: &Cluster| loads.get(&cluster.name).copied().unwrap_or_default().as_per_second();
    let region = |cluster: &Cluster| fleet.zone(cluster.zone.as_str()).map(|zone| &zone.region);
    // requests of each region, and what its remaining clusters carry of them
    let mut regions: BTreeMap<Option<&Name>, (u64, u64)> = BTreeMap::new();
    for cluster in fleet.clusters() {
        let (all, left) = regions.entry(region(cluster)).or_default();
        *all = all.saturating_add(load(cluster));
        *left = left.saturating_add(if is_off(cluster) { 0 } else { load(cluster) });
    }
    let homeless =
        regions.values().filter(|(_, left)| *left == 0).fold(0_u64, |sum, (all, _)| sum.saturating_add(*all));
    let left = regions.values().fold(0_u64, |sum, (_, left)| sum.saturating_add(*left));
    let after = |cluster: &Cluster| {
        let own = load(cluster);
        let (all, of_region) = regions[&region(cluster)];
        if is_off(cluster) || own == 0 {
            return 0;
        }
        // of its region by its part there, of the homeless by its part of everything
        let part =
            |of: u64, whole: u64| (u128::from(own) * u128::from(of)).div_ceil(u128::from(whole.max(1)));
        u64::try_from(part(all, of_region) + part(homeless, left)).unwrap_or(u64::MAX)
    };
    let shifted = fleet.clusters().map(|cluster| Shifted {
        cluster: cluster.name.clone(),
        before: Rate::per_second(load(cluster)),
        after: Rate::per_second(after(cluster)),
        capacity: cluster.capacity,
    });
    (shifted.collect(), Rate::per_second(if left == 0 { homeless } else { 0 }))
}
