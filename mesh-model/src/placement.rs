//! Placement: which targets an access point has, and why.
//!
//! One pure function from evidence to decisions, one for every name that
//! matters, each with its reason. The idea: to add is cheap and to remove is
//! not, so only evidence removes. A target that is there stays when the list of
//! clusters was read in part, when the cluster of a workload that is said to have
//! left does not answer, when nobody knows whether it has left. A target is added as soon as the
//! workload is *wanted* there, before it takes traffic, and leaves when the
//! workload was *seen* to have left.
//!
//! An operator's drain is not placement: a drained target keeps its objects
//! ([`Target::is_drained`] tells). Writing, waiting and removing in order is for
//! the rollout and the federation. How others do it, and what went wrong there:
//! Karmada evicts what is not ready, KubeFed takes no list for all.

mod workload;

use std::collections::{BTreeMap, BTreeSet};

use crate::access_point::{Placement, PlacementRule, TargetSelection};
use crate::api::{Condition, ConditionStatus, PlacementLevel, Reachability};
use crate::fleet::{Cluster, Fleet, Target};
use crate::name::Name;
use crate::nearest::{did_you_mean, nearest};
use crate::time::WallTime;

pub use workload::{Presence, Workload};

/// What placement is decided by.
#[derive(Clone, Copy, Debug)]
pub struct Evidence<'a> {
    /// The zones and clusters that were found.
    pub fleet: &'a Fleet,
    /// Whether the lists of them were read to the end.
    pub is_complete: bool,
    /// The workload that is followed, if one is and it was found.
    pub workload: Option<&'a Workload>,
    /// The targets that the access point has now.
    pub current: &'a BTreeSet<Name>,
}

/// What is decided of one target, and why; displays as a line for people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision {
    /// The target's name.
    pub target: Name,
    /// What is decided.
    pub outcome: Outcome,
    /// Why.
    pub reason: Reason,
}

/// What is decided of one target.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// It is no target and has not been one.
    Skip,
    /// It has been one and is not to be: traffic off it, then its objects away.
    Drain,
    /// It has been one and stays, although nothing wants it there: see the reason.
    Retain,
    /// It is one.
    Place,
}

/// Why something is decided.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, thiserror::Error)]
pub enum Reason {
    /// The cluster or zone was taken out of the fleet.
    #[error("it is no longer in the fleet")]
    Gone,
    /// The list of clusters was not read to the end, so it may be there.
    #[error("it was not found, but the list was not read to the end")]
    HalfRead,
    /// A zone without a gateway cluster can be no target.
    #[error("the zone has no gateway cluster")]
    NoGateway,
    /// The placement does not select it.
    #[error("the placement does not select it")]
    NotSelected,
    /// The placement names it, and it is not in the fleet.
    #[error("the placement names it, and the fleet has none of this name{}", did_you_mean(nearest.as_deref()))]
    NotThere {
        /// The nearest name in the fleet.
        nearest: Option<String>,
    },
    /// The placement selects it.
    #[error("the placement selects it")]
    Selected,
    /// The workload is said to have left, by a cluster that does not answer any more: that may be old.
    #[error("the workload is said to have left, but the cluster does not answer, so that may be old")]
    Unreachable,
    /// The workload is not wanted there.
    #[error("the workload is not there")]
    WorkloadAbsent,
    /// The workload was seen to have no replicas there any more.
    #[error("the workload has left")]
    WorkloadLeft,
    /// The workload is to leave and still has replicas there.
    #[error("the workload is leaving and still has {replicas} replicas there")]
    WorkloadLeaving {
        /// How many.
        replicas: u32,
    },
    /// The workload was not found.
    #[error("the workload to follow was not found")]
    WorkloadMissing,
    /// The workload is wanted in a cluster that is not in the fleet.
    #[error("the workload is wanted there, and the fleet has no cluster of this name{}", did_you_mean(nearest.as_deref()))]
    WorkloadNotThere {
        /// The nearest name in the fleet.
        nearest: Option<String>,
    },
    /// The workload is not wanted there, and nobody saw whether it has left.
    #[error("the workload is not wanted there, and nobody saw it leave")]
    WorkloadUnseen,
    /// The workload is wanted there.
    #[error("the workload is wanted there")]
    WorkloadWanted,
}

impl Reason {
    /// In one CamelCase word, for programs and conditions.
    #[must_use]
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Gone => "Gone",
            Self::HalfRead => "HalfRead",
            Self::NoGateway => "NoGateway",
            Self::NotSelected => "NotSelected",
            Self::NotThere { .. } => "NotThere",
            Self::Selected => "Selected",
            Self::Unreachable => "Unreachable",
            Self::WorkloadAbsent => "WorkloadAbsent",
            Self::WorkloadLeft => "WorkloadLeft",
            Self::WorkloadLeaving { .. } => "WorkloadLeaving",
            Self::WorkloadMissing => "WorkloadMissing",
            Self::WorkloadNotThere { .. } => "WorkloadNotThere",
            Self::WorkloadUnseen => "WorkloadUnseen",
            Self::WorkloadWanted => "WorkloadWanted",
        }
    }
}

impl Decision {
    /// As a target's condition `Placed`: true while it is one, whatever keeps it. Put it to the one that is
    /// there by [`Condition::updated`], so that the time is that of the last change.
    #[must_use]
    pub fn condition(&self, wall: WallTime, generation: u64) -> Condition {
        let is_placed = matches!(self.outcome, Outcome::Place | Outcome::Retain);
        Condition {
            kind: "Placed".into(),
            status: if is_placed { ConditionStatus::True } else { ConditionStatus::False },
            observed_generation: Some(generation),
            last_transition_time: wall,
            reason: self.reason.word().into(),
            message: self.reason.to_string(),
        }
    }
}

/// As `{target, outcome, reason, message}`.
impl serde::Serialize for Decision {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        use serde::ser::SerializeStruct as _;
        let mut decision = serializer.serialize_struct("Decision", 4)?;
        decision.serialize_field("target", &self.target)?;
        decision.serialize_field("outcome", &self.outcome)?;
        decision.serialize_field("reason", self.reason.word())?;
        decision.serialize_field("message", &self.reason.to_string())?;
        decision.end()
    }
}

impl std::fmt::Display for Decision {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let outcome = match self.outcome {
            Outcome::Drain => "drain",
            Outcome::Place => "place",
            Outcome::Retain => "retain",
            Outcome::Skip => "skip",
        };
        write!(f, "{}: {outcome}: {}", self.target, self.reason)
    }
}

/// Decides for every target that is there, is wanted, or could be; in order of name.
///
/// A cluster that a followed workload is wanted in and the fleet does not have gets a decision by its own
/// name, also where targets are zones: nobody knows its zone.
///
/// ```
/// use std::collections::BTreeSet;
///
/// use mesh_model::access_point::{Placement, PlacementRule, TargetSelection};
/// use mesh_model::api::{AvailabilityZone, Cluster, PlacementLevel};
/// use mesh_model::fleet::Fleet;
/// use mesh_model::placement::{Evidence, place};
///
/// # let frame = |kind: &str, rest: &str| format!("{{ apiVersion: overspill.dev/v1alpha1, kind: {kind}, {rest} }}");
/// # let zone: AvailabilityZone = serde_saphyr::from_str(&frame("AvailabilityZone", "metadata: { name: slc-a }, spec: { region: us-west }"))?;
/// # let cluster = |name: &str| serde_saphyr::from_str::<Cluster>(&frame("Cluster", &format!("metadata: {{ name: {name} }}, spec: {{ zone: slc-a }}")));
/// let fleet = Fleet::new(vec![zone], vec![cluster("slc-a-1")?, cluster("slc-a-2")?])?;
/// let names = Some(vec!["slc-a-2".parse()?]);
/// let rule = PlacementRule::Select(TargetSelection { names, ..TargetSelection::default() });
/// let placement = Placement { level: PlacementLevel::Cluster, rule };
/// let current = BTreeSet::from(["slc-a-1".parse()?]);
/// let evidence = Evidence { fleet: &fleet, is_complete: true, workload: None, current: &current };
/// let lines: Vec<String> = place(&placement, evidence).iter().map(ToString::to_string).collect();
/// assert_eq!(
///     lines,
///     ["slc-a-1: drain: the placement does not select it", "slc-a-2: place: the placement selects it"]
/// );
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use]
pub fn place(placement: &Placement, evidence: Evidence<'_>) -> Vec<Decision> {
    let mut decisions: BTreeMap<Name, (Outcome, Reason)> = BTreeMap::new();
    let level = placement.level;
    for target in evidence.fleet.targets(level) {
        let is_current = evidence.current.contains(target.name());
        let decided = match &placement.rule {
            PlacementRule::Select(selection) => selected(selection, &target, is_current),
            PlacementRule::Follow(_) => followed(&target, evidence, is_current),
        };
        decisions.insert(target.name().clone(), decided);
    }
    if level == PlacementLevel::Zone {
        for zone in evidence.fleet.zones().filter(|zone| zone.gateway.is_none()) {
            let is_current = evidence.current.contains(&zone.name);
            // the gateway cluster itself may be what was not read
            decisions.insert(zone.name.clone(), gone(is_current, evidence.is_complete, Reason::NoGateway));
        }
    }
    let absent: Vec<&Name> = evidence.current.iter().filter(|name| !decisions.contains_key(*name)).collect();
    for name in absent {
        decisions.insert(name.clone(), gone(true, evidence.is_complete, Reason::Gone));
    }
    if let PlacementRule::Select(TargetSelection { names: Some(names), .. }) = &placement.rule {
        for name in names {
            let known = || decisions_nearest(&decisions, name);
            let reason =
                if evidence.is_complete { Reason::NotThere { nearest: known() } } else { Reason::HalfRead };
            decisions.entry(name.clone()).or_insert((Outcome::Skip, reason));
        }
    }
    if let (PlacementRule::Follow(_), Some(workload)) = (&placement.rule, evidence.workload) {
        let clusters = || evidence.fleet.clusters().map(|cluster| cluster.name.as_str());
        for name in workload.clusters().filter(|name| evidence.fleet.cluster(name.as_str()).is_none()) {
            let nearest = || nearest(name.as_str(), clusters()).map(str::to_owned);
            let reason = if evidence.is_complete {
                Reason::WorkloadNotThere { nearest: nearest() }
            } else {
                Reason::HalfRead
            };
            decisions.entry(name.clone()).or_insert((Outcome::Skip, reason));
        }
    }
    let decision = |(target, (outcome, reason))| Decision { target, outcome, reason };
    decisions.into_iter().map(decision).collect()
}

/// The targets that an access point has by these decisions, as far as the fleet knows them.
pub fn targets<'a>(
    decisions: &[Decision],
    level: PlacementLevel,
    fleet: &'a Fleet,
) -> impl Iterator<Item = Target<'a>> {
    decisions
        .iter()
        .filter(|decision| matches!(decision.outcome, Outcome::Place | Outcome::Retain))
        .filter_map(move |decision| fleet.target(level, decision.target.as_str()))
}

fn decisions_nearest(decisions: &BTreeMap<Name, (Outcome, Reason)>, name: &Name) -> Option<String> {
    nearest(name.as_str(), decisions.keys().map(Name::as_str)).map(str::to_owned)
}

fn selected(selection: &TargetSelection, target: &Target<'_>, is_current: bool) -> (Outcome, Reason) {
    match (selection.matches(target), is_current) {
        (true, _) => (Outcome::Place, Reason::Selected),
        (false, true) => (Outcome::Drain, Reason::NotSelected),
        (false, false) => (Outcome::Skip, Reason::NotSelected),
    }
}

/// What is decided of a name that could not be found.
fn gone(is_current: bool, is_complete: bool, reason: Reason) -> (Outcome, Reason) {
    match (is_current, is_complete) {
        (true, true) => (Outcome::Drain, reason),
        (true, false) => (Outcome::Retain, Reason::HalfRead),
        (false, _) => (Outcome::Skip, reason),
    }
}

/// What is decided of a target that has what a workload has.
fn followed(target: &Target<'_>, evidence: Evidence<'_>, is_current: bool) -> (Outcome, Reason) {
    let Some(workload) = evidence.workload else {
        let outcome = if is_current { Outcome::Retain } else { Outcome::Skip };
        return (outcome, Reason::WorkloadMissing);
    };
    let of_zone = |target: &Target<'_>| {
        let clusters = evidence.fleet.clusters().filter(|cluster| cluster.zone == target.zone.name);
        // the strongest reason to stay decides for the zone
        let known = clusters.map(|cluster| follow_cluster(workload, cluster, is_current)).max();
        // and a cluster that was not read may have one
        let unread = (is_current && !evidence.is_complete).then_some((Outcome::Retain, Reason::HalfRead));
        known.max(unread)
    };
    match target.level {
        PlacementLevel::Cluster => follow_cluster(workload, target.cluster, is_current),
        PlacementLevel::Zone => of_zone(target).expect("a target's zone has the target's cluster at least"),
    }
}

fn follow_cluster(workload: &Workload, cluster: &Cluster, is_current: bool) -> (Outcome, Reason) {
    let is_silent = cluster.reachability == Reachability::Unreachable;
    match (workload.presence(&cluster.name), is_current) {
        (Presence::Wanted, _) => (Outcome::Place, Reason::WorkloadWanted),
        (Presence::Leaving { replicas }, true) => (Outcome::Retain, Reason::WorkloadLeaving { replicas }),
        (Presence::Unseen, true) => (Outcome::Retain, Reason::WorkloadUnseen),
        (Presence::Left, true) if is_silent => (Outcome::Retain, Reason::Unreachable),
        (Presence::Left, true) => (Outcome::Drain, Reason::WorkloadLeft),
        (Presence::Leaving { .. } | Presence::Unseen | Presence::Left, false) => {
            (Outcome::Skip, Reason::WorkloadAbsent)
        }
    }
}

#[cfg(test)]
mod tests;
