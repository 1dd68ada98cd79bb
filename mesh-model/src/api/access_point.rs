//! An access point as it is written.
//!
//! Templates are kept as they are: `serde_json::Value`, whatever fields they
//! have. The rest is ours and strict.

use std::collections::BTreeMap;
use std::net::IpAddr;

use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

use super::fleet::is_false;
use super::{AccessPointStatus, Kind, LabelSelectorSpec, RolloutSpec, Spec, TargetsSpec};
use crate::name::{Fqdn, Name};
use crate::units::{HumanDuration, Share};

/// What a `FederatedAccessPoint` is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AccessPointSpec {
    /// Which targets it has.
    pub placement: PlacementSpec,
    /// The virtual addresses that it wants; none where left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vip: Option<VipSpec>,
    /// The names that it is to be found under.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub names: Vec<NameSpec>,
    /// Who signs certificates for the hosts of its Gateways; nobody where left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub certificates: Option<CertificatesSpec>,
    /// Kubernetes and Istio objects: Service, Gateway, VirtualService, DestinationRule, ServiceEntry,
    /// WorkloadEntry, AuthorizationPolicy, PeerAuthentication; any number of each. Read as API servers read
    /// YAML: a key that is a whole number or a truth value (`8080`) is that text, and whole numbers beyond
    /// 64 bits become floating point.
    #[cfg_attr(feature = "schema", schemars(schema_with = "super::schema::objects"))]
    pub templates: Vec<Value>,
    /// How objects differ on some targets; applied in this order, the later wins.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub overrides: Vec<OverrideSpec>,
    /// Where its requests go; no revision. Nothing is added to the templates where left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub traffic: Option<TrafficSpec>,
    /// How a change reaches the targets; one target at a time where left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rollout: Option<RolloutSpec>,
}

impl Spec for AccessPointSpec {
    const KIND: Kind = Kind::FederatedAccessPoint;
    type Status = AccessPointStatus;
}

/// Which targets: `names`; or any of `selector`, `zones` and `regions`, all of which must hold; or `follow`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PlacementSpec {
    /// What a target is. Default: cluster.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub level: Option<PlacementLevel>,
    /// These targets.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub names: Option<Vec<Name>>,
    /// Targets with these labels; `{}` is all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub selector: Option<LabelSelectorSpec>,
    /// Targets in these zones.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub zones: Option<Vec<Name>>,
    /// Targets in these regions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub regions: Option<Vec<Name>>,
    /// Wherever this workload is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub follow: Option<FollowSpec>,
}

/// What a target is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum PlacementLevel {
    /// A cluster.
    #[default]
    Cluster,
    /// A zone: objects go to its gateway cluster.
    Zone,
}

/// The workload that an access point follows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct FollowSpec {
    /// Its kind. Default: FederatedDeployment.
    #[serde(default)]
    pub kind: FollowedKind,
    /// Its name, in the access point's namespace.
    pub name: Name,
}

/// What can be followed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum FollowedKind {
    /// A [`FederatedDeployment`](super::FederatedDeployment).
    #[default]
    FederatedDeployment,
}

/// The virtual addresses that an access point wants.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct VipSpec {
    /// The pool; any that lets it where left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pool: Option<Name>,
    /// One allocation for each target, or one for all. Default: target.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scope: Option<VipScope>,
    /// Whether nobody else may have them too. Default: true without a `sharingKey`, false with one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exclusive: Option<bool>,
    /// Access points with one key may share addresses, where their ports differ.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sharing_key: Option<Name>,
    /// Addresses are shared at most within one group.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub isolation_group: Option<Name>,
    /// The families, all of which one allocation has. Default: those that the pool has, also one that it gains later.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub families: Option<Vec<IpFamily>>,
    /// These addresses and no others, one of each family; only with scope `all`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub addresses: Option<Vec<IpAddr>>,
}

/// How far one allocation reaches.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum VipScope {
    /// All targets have the same addresses (anycast).
    All,
    /// Each target has its own.
    #[default]
    Target,
}

/// A family of addresses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum IpFamily {
    /// IPv4.
    Ipv4,
    /// IPv6.
    Ipv6,
}

/// A name that an access point is to be found under.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NameSpec {
    /// The name.
    pub fqdn: Fqdn,
    /// How long resolvers may remember it, in whole seconds from 1s to 7d. Default: 30s.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ttl: Option<HumanDuration>,
    /// The `NameProvider` that serves it.
    pub provider: Name,
}

/// Who signs certificates.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CertificatesSpec {
    /// The `Issuer`.
    pub issuer: Name,
}

/// How objects differ on some targets.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct OverrideSpec {
    /// Its name, which explanations and errors call it by.
    pub name: Name,
    /// Where it holds; on all targets where left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub targets: Option<TargetsSpec>,
    /// What it changes; applied in this order, the later wins.
    pub rules: Vec<RuleSpec>,
}

/// One change of one object, or of all of a kind: one of `patch`, `merge`, `labels`, `annotations` and `delete`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RuleSpec {
    /// The kind of the template.
    pub kind: String,
    /// Its name; all templates of the kind where left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// A JSON Patch (RFC 6902); all of its operations or none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub patch: Option<Vec<OperationSpec>>,
    /// A merge patch (RFC 7396): null removes, lists are replaced.
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub merge: Option<Value>,
    /// Labels to set; null removes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub labels: Option<BTreeMap<String, Option<String>>>,
    /// Annotations to set; null removes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub annotations: Option<BTreeMap<String, Option<String>>>,
    /// Whether the object is not to be there at all. Default: false.
    #[serde(default, skip_serializing_if = "is_false")]
    pub delete: bool,
}

/// One operation of a JSON Patch (RFC 6902).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct OperationSpec {
    /// What is done.
    pub op: OperationName,
    /// Where, as a JSON pointer (RFC 6901): `/spec/servers/0/port`.
    pub path: String,
    /// Whence, for `move` and `copy`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    /// What, for `add`, `replace` and `test`; may be null.
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub value: Option<Value>,
}

/// What an operation does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum OperationName {
    /// Sets a member, or inserts before an item; `-` is after the last.
    Add,
    /// Adds what is elsewhere.
    Copy,
    /// Removes and adds elsewhere.
    Move,
    /// Takes away what is there.
    Remove,
    /// Changes what is there.
    Replace,
    /// Fails unless this is there.
    Test,
}

/// Where its requests go, by distance; shares are of all requests.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct TrafficSpec {
    /// To the target's own region while it is healthy. Default: what `remote` leaves.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub local: Option<Share>,
    /// To the next region of `regions`, always, so that the way is known to work; from there on to the others
    /// as its health falls. Without `failover` to the others of `regions` in equal shares. Default: what
    /// `local` leaves.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub remote: Option<Share>,
    /// Whether local requests spill over to other regions as local health falls. Default: true.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failover: Option<bool>,
    /// The regions, in the order in which they are spilled to. A region that is not named takes part all the
    /// same, after those that are.
    pub regions: Vec<Name>,
}

/// Reads a value that may be null as present.
fn present<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Value>, D::Error> {
    Value::deserialize(deserializer).map(Some)
}
