//! An access point as a checked value: what all decisions about it start from.
//!
//! `AccessPoint::try_from(object)` is the only way from what a person wrote
//! ([`api::FederatedAccessPoint`]) to it, and finds every fault that one object
//! can have by itself: choices without exactly one answer, names given twice,
//! rules for templates that are not there, pointers, protected fields, unknown
//! variables. What only the fleet can tell (a zone that does not exist, a pool
//! that is missing) is for placement and lint.

mod calendar;
mod check;
mod rollout;
mod rules;
mod selection;

use std::net::IpAddr;
use std::time::Duration;

use crate::api::{self, IpFamily, PlacementLevel, VipScope};
use crate::labels::Labels;
use crate::name::{Fqdn, Name};
use crate::overrides::Override;
use crate::template::Template;
use crate::units::Share;

pub(crate) use check::{vip as check_vip, whole_seconds};

pub use calendar::{Cron, ParseCronError, ParseTimeZoneError, TimeZone};
pub use rollout::{RolloutPolicy, Stage, Window};
pub use rules::RuleProblem;
pub use selection::TargetSelection;

/// An access point, complete and checked.
///
/// ```
/// use mesh_model::access_point::AccessPoint;
/// use mesh_model::api::{FederatedAccessPoint, PlacementLevel};
///
/// let object: FederatedAccessPoint = serde_saphyr::from_str(
///     "
/// apiVersion: overspill.dev/v1alpha1
/// kind: FederatedAccessPoint
/// metadata: { name: checkout, namespace: payments }
/// spec:
///   placement: { selector: {} }
///   templates:
///     - apiVersion: v1
///       kind: Service
///       metadata: { name: checkout }
///       spec: { ports: [{ port: 443 }] }
/// ",
/// )?;
/// let access_point = AccessPoint::try_from(object)?;
/// assert_eq!(access_point.id.to_string(), "payments/checkout");
/// assert_eq!(access_point.placement.level, PlacementLevel::Cluster);
/// assert_eq!(access_point.templates[0].to_string(), "Service/checkout");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct AccessPoint {
    /// Its namespace and name.
    pub id: AccessPointId,
    /// Its labels, which pools select by.
    pub labels: Labels,
    /// The number of the spec; 0 where no server gave one.
    pub generation: u64,
    /// Which targets it has.
    pub placement: Placement,
    /// The virtual addresses that it wants.
    pub vip: Option<VipRequest>,
    /// The names that it is to be found under; no two are one.
    pub names: Vec<PublishedName>,
    /// The `Issuer` that signs for the hosts of its Gateways.
    pub issuer: Option<Name>,
    /// Its objects; no two have one kind and name.
    pub templates: Vec<Template>,
    /// How objects differ on some targets, in order of application; no two have one name.
    pub overrides: Vec<Override>,
    /// Where its requests go.
    pub traffic: Option<Traffic>,
    /// How a change reaches the targets.
    pub rollout: RolloutPolicy,
}

impl AccessPoint {
    /// The fields that differ from another version's and are no revision: they take effect at once, without a
    /// stage and without an approval.
    #[must_use]
    pub fn differs_at_once(&self, other: &Self) -> Vec<&'static str> {
        // whoever adds a field has to say here which it is
        let Self {
            id: _, // another one is no version of this
            labels,
            generation: _, // the server's
            placement,
            vip,
            names,
            issuer,
            templates: _, // of a revision
            overrides: _, // of a revision
            traffic,
            rollout,
        } = self;
        let all = [
            ("metadata.labels", *labels != other.labels),
            ("spec.certificates", *issuer != other.issuer),
            ("spec.names", *names != other.names),
            ("spec.placement", *placement != other.placement),
            ("spec.rollout", *rollout != other.rollout),
            ("spec.traffic", *traffic != other.traffic),
            ("spec.vip", *vip != other.vip),
        ];
        all.into_iter().filter(|(_, differs)| *differs).map(|(field, _)| field).collect()
    }
}

/// Which access point; displays as `payments/checkout`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AccessPointId {
    /// The team's namespace.
    pub namespace: Name,
    /// Its name there.
    pub name: Name,
}

impl std::fmt::Display for AccessPointId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}", self.namespace, self.name)
    }
}

/// Which targets an access point has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Placement {
    /// What a target is.
    pub level: PlacementLevel,
    /// How they are found.
    pub rule: PlacementRule,
}

/// How targets are found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PlacementRule {
    /// Wherever the FederatedDeployment of this name, in the access point's namespace, is.
    Follow(Name),
    /// Those that this selects.
    Select(TargetSelection),
}

/// The virtual addresses that an access point wants.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VipRequest {
    /// The pool; any that lets it if `None`.
    pub pool: Option<Name>,
    /// One allocation for each target, or one for all.
    pub scope: VipScope,
    /// Who else may have them.
    pub sharing: Sharing,
    /// Addresses are shared at most within one group.
    pub isolation_group: Option<Name>,
    /// The families, all of which one allocation has, in order of wish; those of the pool if empty.
    pub families: Vec<IpFamily>,
    /// These and no others, one of each family; empty for any.
    pub addresses: Vec<IpAddr>,
}

/// Who else may have one's addresses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Sharing {
    /// Nobody.
    Exclusive,
    /// Access points with the same key, where their ports differ.
    Key(Name),
}

/// A name that an access point is to be found under.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublishedName {
    /// The name.
    pub fqdn: Fqdn,
    /// How long resolvers may remember it: whole seconds.
    pub ttl: Duration,
    /// The `NameProvider` that serves it.
    pub provider: Name,
}

/// Where requests go, by distance.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Traffic {
    /// The share of the target's own region while it is healthy; the rest is the others'.
    pub local: Share,
    /// Whether local requests spill over to other regions as local health falls.
    pub failover: bool,
    /// The regions in the order in which they are spilled to; at least one, no two are one.
    pub regions: Vec<Name>,
}

impl TryFrom<api::FederatedAccessPoint> for AccessPoint {
    type Error = api::SpecError;

    fn try_from(object: api::FederatedAccessPoint) -> Result<Self, api::SpecError> {
        check::access_point(object)
    }
}

#[cfg(test)]
mod tests;
