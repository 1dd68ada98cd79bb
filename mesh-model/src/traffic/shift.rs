//! Edits that move traffic: what they change, whether the rest bears it, and what is written down of them.
//!
//! A drain and a change of an access point's `traffic` are no revisions: no
//! stage and no window stands between them and the fleet. In place of these
//! come a question before, which whoever is in a hurry may overrule
//! ([`Order::force`]), and a [`Record`] after: who, when, why, what it was
//! before, and what was overruled. A record says how to take the edit back,
//! [`Shift::reversed`], which is an edit like any other.
//!
//! Who may give orders, where loads come from and where records are kept is
//! the adapter's business.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::{Deserialize, Serialize};

use super::{Loads, Outlook, Overload, RegionLoad, RegionState, drain_check, region_loads};
use crate::access_point::{AccessPoint, AccessPointId, Traffic};
use crate::api::{PlacementLevel, TrafficSpec};
use crate::fleet::Fleet;
use crate::name::Name;
use crate::time::WallTime;
use crate::units::{Rate, Share};

/// What decides where traffic goes, before an edit or after.
#[derive(Clone, Copy, Debug)]
pub struct Steered<'a> {
    /// Whose zones and clusters may be drained.
    pub fleet: &'a Fleet,
    /// Whose policies of traffic count.
    pub access_points: &'a [AccessPoint],
}

/// An edit that moves traffic; empty where nothing of it differs.
///
/// ```
/// use mesh_model::fleet::Fleet;
/// use mesh_model::traffic::{Demands, Loads, Order, Shift, Steered};
///
/// # let frame = |kind: &str, rest: &str| format!("{{ apiVersion: overspill.dev/v1alpha1, kind: {kind}, {rest} }}");
/// # let zone = || serde_saphyr::from_str(&frame("AvailabilityZone", "metadata: { name: slc-a }, spec: { region: us-west }"));
/// # let cluster = |name: &str, drain: bool| serde_saphyr::from_str(&frame("Cluster", &format!("metadata: {{ name: {name} }}, spec: {{ zone: slc-a, capacity: {{ requests: 1000/s }}, drain: {drain} }}")));
/// let fleet = |drain| -> Result<Fleet, Box<dyn std::error::Error>> {
///     Ok(Fleet::new(vec![zone()?], vec![cluster("slc-a-1", drain)?, cluster("slc-a-2", false)?])?)
/// };
/// let (before, after) = (fleet(false)?, fleet(true)?);
/// let steered = |fleet| Steered { fleet, access_points: &[] };
/// let shift = Shift::between(steered(&before), steered(&after));
/// let loads = Loads::from([("slc-a-1".parse()?, "800/s".parse()?), ("slc-a-2".parse()?, "800/s".parse()?)]);
/// let order = |force| Order {
///     by: "ann".into(),
///     at: "2026-11-26T09:00:00Z".parse().expect("a date"),
///     reason: "INC-7, the switch of slc-a".into(),
///     force,
/// };
/// let refused = shift.order(order(false), steered(&after), &loads, &Demands::new()).unwrap_err();
/// assert!(refused.to_string().contains("slc-a-2 would carry 1600/s of 1000/s"));
/// let record = shift.order(order(true), steered(&after), &loads, &Demands::new())?;
/// assert_eq!((record.by.as_str(), record.overruled.len()), ("ann", 1));
/// assert_eq!(record.shift.reversed(), Shift::between(steered(&after), steered(&before)));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Shift {
    /// Drains that are begun or ended: zones by name, then clusters.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub drains: Vec<DrainChange>,
    /// Policies of traffic that are others, by access point.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub policies: Vec<PolicyChange>,
    /// Targets that access points get or lose, by access point.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub placements: Vec<PlacementChange>,
}

/// Targets that an access point gets or loses, whatever moves it: its placement, the workload that it follows, the
/// fleet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PlacementChange {
    /// The namespace of the access point.
    pub namespace: Name,
    /// Its name there.
    pub name: Name,
    /// Targets that it gets.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub joins: Vec<Name>,
    /// Targets that it loses: traffic off them, then its objects away.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub leaves: Vec<Name>,
}

/// A drain that is begun or ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct DrainChange {
    /// Whether of a zone or of a cluster.
    pub level: PlacementLevel,
    /// Which.
    pub name: Name,
    /// What `drain` is afterwards; before it was the contrary.
    pub drain: bool,
}

/// A policy of traffic that is another one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PolicyChange {
    /// The namespace of the access point.
    pub namespace: Name,
    /// Its name there.
    pub name: Name,
    /// What its `traffic` was; left out if it had none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<TrafficSpec>,
    /// What it is; left out if it has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<TrafficSpec>,
}

/// Somebody's wish that an edit be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Order {
    /// Who.
    pub by: String,
    /// When.
    pub at: WallTime,
    /// Why, in their words; may be empty.
    pub reason: String,
    /// Whether it is to be made even where the rest lacks capacity.
    pub force: bool,
}

/// What is written down of an edit that moved traffic.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Record {
    /// Who ordered it.
    pub by: String,
    /// When.
    pub at: WallTime,
    /// Why, in their words.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub reason: String,
    /// What was changed.
    pub shift: Shift,
    /// What spoke against it, and was overruled by force.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub overruled: Vec<String>,
}

/// What is known of whether the rest bears an edit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Verdict {
    /// It moves nothing.
    Nothing,
    /// The rest bears it.
    Borne,
    /// Nothing speaks against it, and something that the answer needs is not known.
    Unknown,
    /// The rest does not bear it, and that is overruled.
    Forced,
    /// The rest does not bear it.
    Refused,
}

/// How regions are for each access point: the requests that begin there, hosts, and what of a region's capacity is its own.
pub type Demands = BTreeMap<AccessPointId, BTreeMap<Name, RegionState>>;

/// Why an edit that moves traffic is not made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// Each by itself; at least one.
    pub problems: Vec<ShiftProblem>,
}

/// What speaks against an edit that moves traffic.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ShiftProblem {
    /// A record without a person is none; this is not to be forced.
    #[error("nobody orders it; say who does")]
    Anonymous,
    /// What is drained has nowhere to go.
    #[error(transparent)]
    Drain(#[from] Overload),
    /// A policy gives a region more than it bears.
    #[error(
        "with this `traffic` of {access_point}, {region} would carry {after} of {capacity}; add capacity, shift less, or force it"
    )]
    Region {
        /// Whose policy.
        access_point: AccessPointId,
        /// The region that would get too much.
        region: Name,
        /// What it would carry, rounded up.
        after: Rate,
        /// What it can bear.
        capacity: Rate,
    },
}

impl std::error::Error for Refused {}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (position, problem) in self.problems.iter().enumerate() {
            write!(f, "{}{problem}", if position == 0 { "" } else { "\n" })?;
        }
        Ok(())
    }
}

impl Shift {
    /// What of an edit moves traffic; all else that it changes is none of this.
    ///
    /// Zones, clusters and access points that are on one side alone are not
    /// shifted ([`Fleet::with_gone_drained`] has those that go on both). Which targets access points get or lose is
    /// decided by placement, and added by whoever asked it ([`PlacementChange::between`]).
    #[must_use]
    pub fn between(before: Steered<'_>, after: Steered<'_>) -> Self {
        let zones = before.fleet.zones().filter_map(|zone| {
            let drain = after.fleet.zone(zone.name.as_str())?.drain;
            let change = DrainChange { level: PlacementLevel::Zone, name: zone.name.clone(), drain };
            (zone.drain != drain).then_some(change)
        });
        let clusters = before.fleet.clusters().filter_map(|cluster| {
            let drain = after.fleet.cluster(cluster.name.as_str())?.drain;
            let change = DrainChange { level: PlacementLevel::Cluster, name: cluster.name.clone(), drain };
            (cluster.drain != drain).then_some(change)
        });
        let (old, new) = (policies(before.access_points), policies(after.access_points));
        let policies = old.iter().filter_map(|(id, before)| {
            let after = new.get(id)?;
            (before != after).then(|| PolicyChange {
                namespace: id.namespace.clone(),
                name: id.name.clone(),
                before: before.map(spec),
                after: after.map(spec),
            })
        });
        let drains = zones.chain(clusters).collect();
        Self { drains, policies: policies.collect(), placements: Vec::new() }
    }

    /// Whether it moves nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.drains.is_empty() && self.policies.is_empty() && self.placements.is_empty()
    }

    /// The edit that takes it back.
    #[must_use]
    pub fn reversed(&self) -> Self {
        let drain = |change: &DrainChange| DrainChange { drain: !change.drain, ..change.clone() };
        let policy = |change: &PolicyChange| PolicyChange {
            before: change.after.clone(),
            after: change.before.clone(),
            ..change.clone()
        };
        let placement = |change: &PlacementChange| PlacementChange {
            joins: change.leaves.clone(),
            leaves: change.joins.clone(),
            ..change.clone()
        };
        Self {
            drains: self.drains.iter().map(drain).collect(),
            policies: self.policies.iter().map(policy).collect(),
            placements: self.placements.iter().map(placement).collect(),
        }
    }

    /// Whether the rest bears the edit.
    ///
    /// `after` is how things are with the edit, `loads` and `demands` how they are
    /// now. What nobody knows refuses nothing, nor does the end of a drain.
    ///
    /// # Errors
    ///
    /// The rest lacks capacity.
    pub fn check(&self, after: Steered<'_>, loads: &Loads, demands: &Demands) -> Result<(), Refused> {
        let mut problems = Vec::new();
        if self.begins_drain() {
            problems.extend(drain_check(after, loads).err().map(ShiftProblem::Drain));
        }
        problems.extend(self.overloads(after, demands));
        if problems.is_empty() { Ok(()) } else { Err(Refused { problems }) }
    }

    /// What is known of whether the rest bears it, and what speaks against it.
    ///
    /// The questions are those of [`check`](Self::check); `outlook` says what of the answer
    /// to them is not known, as is the effect of a policy without demands, and what an access point carries on a
    /// target that it loses, if that is not drained.
    #[must_use]
    pub fn verdict(
        &self,
        after: Steered<'_>,
        (loads, demands): (&Loads, &Demands),
        outlook: &Outlook,
        force: bool,
    ) -> (Verdict, Vec<ShiftProblem>) {
        if self.is_empty() {
            return (Verdict::Nothing, Vec::new());
        }
        if let Err(Refused { problems }) = self.check(after, loads, demands) {
            return (if force { Verdict::Forced } else { Verdict::Refused }, problems);
        }
        let is_known = |change: &PolicyChange| {
            demands.keys().any(|id| id.namespace == change.namespace && id.name == change.name)
        };
        let is_certain = (!self.begins_drain() || outlook.is_certain())
            && self.policies.iter().all(is_known)
            && self
                .placements
                .iter()
                .flat_map(|change| &change.leaves)
                .all(|target| is_off(after.fleet, target));
        (if is_certain { Verdict::Borne } else { Verdict::Unknown }, Vec::new())
    }

    /// Whether a drain is begun.
    #[must_use]
    pub fn begins_drain(&self) -> bool {
        self.drains.iter().any(|change| change.drain)
    }

    /// Whether the edit may be made, and what is written down of it.
    ///
    /// It is asked what [`check`](Self::check) is.
    ///
    /// # Errors
    ///
    /// The rest lacks capacity and the order does not force it, or nobody gave the order.
    pub fn order(
        &self,
        order: Order,
        after: Steered<'_>,
        loads: &Loads,
        demands: &Demands,
    ) -> Result<Record, Refused> {
        if order.by.trim().is_empty() {
            return Err(Refused { problems: vec![ShiftProblem::Anonymous] });
        }
        let overruled = match self.check(after, loads, demands) {
            Err(refused) if !order.force => return Err(refused),
            Err(refused) => refused.problems.iter().map(ToString::to_string).collect(),
            Ok(()) => Vec::new(),
        };
        let Order { by, at, reason, force: _ } = order;
        Ok(Record { by, at, reason, shift: self.clone(), overruled })
    }

    /// Regions that a policy gives more than before, and more than they bear.
    fn overloads(&self, after: Steered<'_>, demands: &Demands) -> Vec<ShiftProblem> {
        let policies = policies(after.access_points);
        let mut problems = Vec::new();
        for change in &self.policies {
            let id = AccessPointId { namespace: change.namespace.clone(), name: change.name.clone() };
            let (Some(regions), Some(policy)) = (demands.get(&id), policies.get(&id)) else { continue };
            let before = carried(change.before.as_ref().map(policy_of).as_ref(), regions);
            let after = carried(*policy, regions);
            for (region, state) in regions {
                let (before, after) = (&before[region], &after[region]);
                // a hair, for sums of fractions; what it bears already is no fault of this edit
                if let (Some(capacity), true) = (state.capacity, after.is_over)
                    && after.requests > before.requests * (1.0 + 1e-9)
                {
                    let after = Rate::per_second((after.requests - 1e-6).ceil() as u64);
                    let (access_point, region) = (id.clone(), region.clone());
                    problems.push(ShiftProblem::Region { access_point, region, after, capacity });
                }
            }
        }
        problems
    }
}

impl PlacementChange {
    /// The targets that an access point gets and loses; `None` if there are none.
    #[must_use]
    pub fn between(id: &AccessPointId, before: &BTreeSet<Name>, after: &BTreeSet<Name>) -> Option<Self> {
        let joins: Vec<Name> = after.difference(before).cloned().collect();
        let leaves: Vec<Name> = before.difference(after).cloned().collect();
        let AccessPointId { namespace, name } = id.clone();
        let is_none = joins.is_empty() && leaves.is_empty();
        (!is_none).then_some(Self { namespace, name, joins, leaves })
    }
}

/// Whether nothing goes to a target, a cluster or a zone, whoever has it.
fn is_off(fleet: &Fleet, target: &Name) -> bool {
    let cluster = fleet.target(PlacementLevel::Cluster, target.as_str());
    let zone = fleet.target(PlacementLevel::Zone, target.as_str());
    cluster.or(zone).is_some_and(|target| target.is_drained())
}

/// The policies of traffic by access point.
fn policies(access_points: &[AccessPoint]) -> BTreeMap<AccessPointId, Option<&Traffic>> {
    access_points.iter().map(|one| (one.id.clone(), one.traffic.as_ref())).collect()
}

/// What regions carry by a policy; without one, what begins there.
fn carried(traffic: Option<&Traffic>, regions: &BTreeMap<Name, RegionState>) -> BTreeMap<Name, RegionLoad> {
    let at_home = |regions: Vec<Name>| Traffic { local: Share::ALL, failover: true, regions };
    match traffic {
        Some(traffic) => region_loads(traffic, regions),
        None => region_loads(&at_home(regions.keys().cloned().collect()), regions),
    }
}

/// A policy as it is written, with nothing left to defaults.
fn spec(traffic: &Traffic) -> TrafficSpec {
    let Traffic { local, failover, regions } = traffic.clone();
    TrafficSpec { local: Some(local), remote: Some(local.complement()), failover: Some(failover), regions }
}

/// The policy that [`spec`] wrote.
fn policy_of(spec: &TrafficSpec) -> Traffic {
    let local = spec.local.or_else(|| Some(spec.remote?.complement())).unwrap_or(Share::ALL);
    Traffic { local, failover: spec.failover.unwrap_or(true), regions: spec.regions.clone() }
}
