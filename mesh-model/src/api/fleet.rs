//! The fleet as it is written: zones, clusters, and workloads in them.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use super::{Condition, Kind, Spec};
use crate::istio::IstioVersion;
use crate::name::Name;
use crate::time::WallTime;
use crate::units::{ByteSize, Rate};

/// What an `AvailabilityZone` is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AvailabilityZoneSpec {
    /// The region, as localities have it; zones of one data center share it.
    pub region: Name,
    /// Whether all access points are to be off it; no revision. Default: false.
    #[serde(default, skip_serializing_if = "is_false")]
    pub drain: bool,
    /// Where other zones reach its services; it takes no part in calls between zones where left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub east_west: Option<EastWestSpec>,
}

/// The entrance of a zone for calls of other zones.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct EastWestSpec {
    /// The addresses of its east-west gateway, which other zones and the zone's own clusters reach; one of each
    /// family at most.
    pub addresses: Vec<IpAddr>,
}

impl Spec for AvailabilityZoneSpec {
    const KIND: Kind = Kind::AvailabilityZone;
    type Status = ZoneStatus;
}

/// What is known of a zone.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ZoneStatus {
    /// `Drained`: whether traffic is off it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub conditions: Vec<Condition>,
}

/// What a `Cluster` is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ClusterSpec {
    /// The zone in which it is.
    pub zone: Name,
    /// Whether it is the gateway cluster of its zone, of which there is one. Default: false.
    #[serde(default, skip_serializing_if = "is_false")]
    pub gateway: bool,
    /// Istio's network; clusters of one network reach each other's pods. Default: the zone's name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub network: Option<Name>,
    /// The oldest Istio there, definitions, control plane and proxies: `1.31`; unknown where left out.
    /// What only younger ones have is not written to it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub istio: Option<IstioVersion>,
    /// What it can bear; unknown where left out, and then no drain is refused for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub capacity: Option<CapacitySpec>,
    /// The memory that proxies in it may use; no budget where left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proxy_memory: Option<ProxyMemorySpec>,
    /// Whether all access points are to be off it; no revision. Default: false.
    #[serde(default, skip_serializing_if = "is_false")]
    pub drain: bool,
}

impl Spec for ClusterSpec {
    const KIND: Kind = Kind::Cluster;
    type Status = ClusterStatus;
}

/// What a cluster can bear.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CapacitySpec {
    /// Requests of all access points together.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub requests: Option<Rate>,
}

/// The memory that one proxy may use.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ProxyMemorySpec {
    /// One gateway.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gateway: Option<ByteSize>,
    /// One sidecar.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sidecar: Option<ByteSize>,
}

/// What is known of a cluster.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ClusterStatus {
    /// Whether it answers. Default: unknown.
    #[serde(default)]
    pub reachability: Reachability,
    /// When that was seen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed_at: Option<WallTime>,
    /// The requests of all access points together that it carries now. Default: unknown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub requests: Option<Rate>,
    /// `Ready`, `Drained`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub conditions: Vec<Condition>,
}

/// Whether a cluster answers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum Reachability {
    /// It answers.
    Reachable,
    /// Nobody asked, or the answer is too old.
    #[default]
    Unknown,
    /// It does not answer; what was in it is taken to be there still.
    Unreachable,
}

/// What a `FederatedDeployment` is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct FederatedDeploymentSpec {
    /// Where it runs, and how many replicas of it.
    pub placement: DeploymentPlacementSpec,
}

impl Spec for FederatedDeploymentSpec {
    const KIND: Kind = Kind::FederatedDeployment;
    type Status = FederatedDeploymentStatus;
}

/// Where a workload runs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct DeploymentPlacementSpec {
    /// The clusters; empty is nowhere.
    pub clusters: Vec<ReplicasSpec>,
}

/// Replicas in one cluster.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ReplicasSpec {
    /// The cluster.
    pub name: Name,
    /// How many; 0 is as if it were not here.
    pub replicas: u32,
}

/// What is known of a workload.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct FederatedDeploymentStatus {
    /// Cluster by cluster; one that is not here was not seen.
    #[serde(default)]
    pub clusters: Vec<DeploymentReadiness>,
}

/// What is known of a workload in one cluster.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct DeploymentReadiness {
    /// The cluster.
    pub name: Name,
    /// Replicas that exist.
    pub replicas: u32,
    /// Replicas that take traffic.
    pub ready: u32,
    /// When that was seen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed_at: Option<WallTime>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
pub(super) const fn is_false(truth: &bool) -> bool {
    !*truth
}
