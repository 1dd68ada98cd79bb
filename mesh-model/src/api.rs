//! The API kinds: what people write, as serde types.
//!
//! One group, `overspill.dev/v1alpha1`. These types hold what is in a file and
//! nothing more: a field that may be left out is an `Option` and its document
//! says the default, unknown fields are errors, single values (names, host
//! names, durations, shares) are right by construction. What fields mean
//! together is checked where they become values to work with
//! ([`access_point`](crate::access_point), [`fleet`](crate::fleet),
//! [`provision`](crate::provision)); a [`SpecError`] then names the field.
//! Reading text is the caller's work: [`Head`] tells which type to read.
//!
//! Conventions are those of Kubernetes' API: `metadata`, `spec`, `status`,
//! conditions.

mod access_point;
mod condition;
mod error;
mod fleet;
mod metadata;
mod provision;
mod rollout;
mod selector;
mod status;

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::nearest::{did_you_mean, nearest, quoted};
use crate::units::text_value;

pub use access_point::{
    AccessPointSpec, CertificatesSpec, FollowSpec, FollowedKind, IpFamily, NameSpec, OperationName,
    OperationSpec, OverrideSpec, PlacementLevel, PlacementSpec, RuleSpec, TrafficSpec, VipScope, VipSpec,
};
pub use condition::{Condition, ConditionStatus};
pub use error::{FieldPath, Problem, SpecError, Step};
pub(crate) use error::{check_version, repeated};
pub use fleet::{
    AvailabilityZoneSpec, CapacitySpec, ClusterSpec, ClusterStatus, DeploymentPlacementSpec,
    DeploymentReadiness, EastWestSpec, FederatedDeploymentSpec, FederatedDeploymentStatus, ProxyMemorySpec,
    Reachability, ReplicasSpec, ZoneStatus,
};
pub use metadata::Metadata;
pub use provision::{
    AccessSpec, AcmeSpec, CaSpec, IssuerSpec, NameProviderSpec, NameServiceSpec, NameTargetSpec,
    ReservationSpec, VipPoolSpec,
};
pub use rollout::{ApprovalSpec, OnFailure, RolloutSpec, StageSpec, WindowSpec};
pub use selector::{LabelSelectorSpec, RequirementOperator, RequirementSpec, TargetsSpec};
pub use status::{
    AccessPointStatus, CertificateState, CertificateStatus, IssuerStatus, NameServiceStatus, RouteStatus,
    TargetStatus, VipPoolStatus,
};

/// The API group of our kinds; also the prefix of labels and annotations that are ours.
pub const GROUP: &str = "overspill.dev";
/// The group and version that our objects carry.
pub const API_VERSION: &str = "overspill.dev/v1alpha1";

/// An access point of a team: templates, where they go, how they differ there.
pub type FederatedAccessPoint = Resource<AccessPointSpec>;
/// A workload in many clusters, which an access point may follow.
pub type FederatedDeployment = Resource<FederatedDeploymentSpec>;
/// A Kubernetes cluster of the fleet.
pub type Cluster = Resource<ClusterSpec>;
/// A zone with its own power and cooling, and clusters in it.
pub type AvailabilityZone = Resource<AvailabilityZoneSpec>;
/// Addresses from which VIPs are taken.
pub type VipPool = Resource<VipPoolSpec>;
/// One name and what it leads to.
pub type NameService = Resource<NameServiceSpec>;
/// Who serves which domains.
pub type NameProvider = Resource<NameProviderSpec>;
/// A certification authority.
pub type Issuer = Resource<IssuerSpec>;

/// The part of an object that its writer decides, and what belongs to it.
pub trait Spec {
    /// The kind of object that has it.
    const KIND: Kind;
    /// What controllers report.
    type Status;
}

/// An object of one of our kinds.
///
/// ```
/// use mesh_model::api::Cluster;
///
/// let text = "
/// apiVersion: overspill.dev/v1alpha1
/// kind: Cluster
/// metadata: { name: slc-a-1 }
/// spec: { zone: slc-a, gateway: true }";
/// let cluster: Cluster = serde_saphyr::from_str(text)?;
/// assert_eq!(cluster.spec.zone, "slc-a");
/// assert!(serde_saphyr::from_str::<Cluster>(&text.replace("Cluster", "Issuer")).is_err());
/// # Ok::<(), serde_saphyr::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[serde(bound(
    serialize = "S: Spec + Serialize, S::Status: Serialize",
    deserialize = "S: Spec + Deserialize<'de>, S::Status: Deserialize<'de>"
))]
pub struct Resource<S: Spec> {
    /// `overspill.dev/v1alpha1`.
    pub api_version: ApiVersion,
    /// The kind, which the spec decides.
    #[serde(serialize_with = "write_kind::<S, _>", deserialize_with = "read_kind::<S, _>")]
    pub kind: Kind,
    /// Name, namespace, labels, annotations.
    pub metadata: Metadata,
    /// What is wanted.
    pub spec: S,
    /// What is; written by controllers.
    #[serde(default = "no_status", skip_serializing_if = "Option::is_none")]
    pub status: Option<S::Status>,
}

impl<S: Spec> Resource<S> {
    /// An object without status.
    #[must_use]
    pub const fn new(metadata: Metadata, spec: S) -> Self {
        Self { api_version: ApiVersion, kind: S::KIND, metadata, spec, status: None }
    }

    /// Kind, namespace and name.
    #[must_use]
    pub fn reference(&self) -> Reference {
        Reference {
            kind: S::KIND,
            namespace: self.metadata.namespace.clone(),
            name: self.metadata.name.clone(),
        }
    }
}

/// Absent, whatever the status is: serde's own default would ask it to have one.
const fn no_status<T>() -> Option<T> {
    None
}

fn write_kind<S: Spec, W: serde::Serializer>(_: &Kind, serializer: W) -> Result<W::Ok, W::Error> {
    serializer.serialize_str(S::KIND.as_str())
}

fn read_kind<'de, S: Spec, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Kind, D::Error> {
    let kind = Kind::deserialize(deserializer)?;
    if kind == S::KIND {
        return Ok(kind);
    }
    Err(serde::de::Error::custom(format_args!("{kind} is not possible here; write {}", S::KIND)))
}

/// The version that all our objects carry.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct ApiVersion;

/// Another version.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("write {API_VERSION}")]
pub struct ParseApiVersionError;

impl fmt::Display for ApiVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(API_VERSION)
    }
}

impl FromStr for ApiVersion {
    type Err = ParseApiVersionError;

    fn from_str(text: &str) -> Result<Self, ParseApiVersionError> {
        if text == API_VERSION { Ok(Self) } else { Err(ParseApiVersionError) }
    }
}

text_value!(ApiVersion, "version of ours", "^overspill\\.dev/v1alpha1$", "The group and version.");

/// Our kinds of objects.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// [`AvailabilityZone`].
    AvailabilityZone,
    /// [`Cluster`].
    Cluster,
    /// [`FederatedAccessPoint`].
    FederatedAccessPoint,
    /// [`FederatedDeployment`].
    FederatedDeployment,
    /// [`Issuer`].
    Issuer,
    /// [`NameProvider`].
    NameProvider,
    /// [`NameService`].
    NameService,
    /// [`VipPool`].
    VipPool,
}

/// A text is no kind of ours.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("write one of {}{}", Kind::ALL.map(Kind::as_str).join(", "), did_you_mean(*nearest))]
pub struct ParseKindError {
    /// The kind with the nearest name.
    pub nearest: Option<&'static str>,
}

impl Kind {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::AvailabilityZone,
        Self::Cluster,
        Self::FederatedAccessPoint,
        Self::FederatedDeployment,
        Self::Issuer,
        Self::NameProvider,
        Self::NameService,
        Self::VipPool,
    ];

    /// As it is written.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::AvailabilityZone => "AvailabilityZone",
            Self::Cluster => "Cluster",
            Self::FederatedAccessPoint => "FederatedAccessPoint",
            Self::FederatedDeployment => "FederatedDeployment",
            Self::Issuer => "Issuer",
            Self::NameProvider => "NameProvider",
            Self::NameService => "NameService",
            Self::VipPool => "VipPool",
        }
    }

    /// The plural in lower case: the resource's name in URLs and CRDs.
    #[must_use]
    pub const fn plural(self) -> &'static str {
        match self {
            Self::AvailabilityZone => "availabilityzones",
            Self::Cluster => "clusters",
            Self::FederatedAccessPoint => "federatedaccesspoints",
            Self::FederatedDeployment => "federateddeployments",
            Self::Issuer => "issuers",
            Self::NameProvider => "nameproviders",
            Self::NameService => "nameservices",
            Self::VipPool => "vippools",
        }
    }

    /// Whether objects of it belong to a namespace; the others are the platform's.
    #[must_use]
    pub const fn is_namespaced(self) -> bool {
        match self {
            Self::FederatedAccessPoint | Self::FederatedDeployment | Self::NameService => true,
            Self::AvailabilityZone | Self::Cluster | Self::Issuer | Self::NameProvider | Self::VipPool => {
                false
            }
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Kind {
    type Err = ParseKindError;

    fn from_str(text: &str) -> Result<Self, ParseKindError> {
        let known = Self::ALL.into_iter().find(|kind| kind.as_str() == text);
        known.ok_or_else(|| ParseKindError {
            nearest: nearest(text, Self::ALL.iter().map(|kind| kind.as_str())),
        })
    }
}

text_value!(Kind, "kind", "^[A-Z][A-Za-z]+$", "A kind of object.");

/// Which object: kind, namespace, name; displays as `Cluster/slc-a-1`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Reference {
    /// The kind.
    pub kind: Kind,
    /// Its namespace, if the kind has one.
    pub namespace: Option<crate::name::Name>,
    /// Its name.
    pub name: crate::name::Name,
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.namespace {
            Some(namespace) => write!(f, "{}/{namespace}/{}", self.kind, self.name),
            None => write!(f, "{}/{}", self.kind, self.name),
        }
    }
}

/// The two fields by which a document says what it is; the rest is not looked at.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Head {
    /// Group and version.
    pub api_version: Option<String>,
    /// Kind.
    pub kind: Option<String>,
}

/// Why a document is no object of ours.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HeadError {
    /// A kind of ours under another version.
    #[error("{} is no version of {kind}; write {API_VERSION}", if found.is_empty() { "nothing".to_owned() } else { quoted(found) })]
    ApiVersion {
        /// The kind.
        kind: Kind,
        /// As written.
        found: String,
    },
    /// Of another kind.
    #[error("{} is no kind of ours; {error}", quoted(found))]
    Kind {
        /// As written.
        found: String,
        /// What is known.
        error: ParseKindError,
    },
    /// Without a kind.
    #[error("no kind; write `apiVersion: {API_VERSION}` and `kind: ` with a kind of ours")]
    NoKind,
}

impl Head {
    /// The kind of ours that the document claims to be.
    ///
    /// # Errors
    ///
    /// It has no kind, one that is not ours, or another version.
    pub fn kind(&self) -> Result<Kind, HeadError> {
        let found = self.kind.as_deref().ok_or(HeadError::NoKind)?;
        let kind = found.parse().map_err(|error| HeadError::Kind { found: found.to_owned(), error })?;
        match self.api_version.as_deref() {
            Some(API_VERSION) => Ok(kind),
            other => Err(HeadError::ApiVersion { kind, found: other.unwrap_or_default().to_owned() }),
        }
    }
}

#[cfg(feature = "schema")]
mod schema;

#[cfg(test)]
pub(crate) mod tests;
