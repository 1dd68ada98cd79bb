//! What controllers report, as it is written.
//!
//! All of it can be thrown away: it is computed again from what is observed.

use std::collections::BTreeMap;
use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use super::Condition;
use crate::name::{Fqdn, Name};
use crate::time::WallTime;

/// The state of an access point.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AccessPointStatus {
    /// Target by target, by name.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub targets: Vec<TargetStatus>,
    /// Of all targets together.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub conditions: Vec<Condition>,
    /// The revision that is rolled out: the hash of templates and overrides as they were written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revision: Option<String>,
    /// The generation of the spec that this was computed from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<u64>,
}

/// The state of one target.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct TargetStatus {
    /// The target.
    pub name: Name,
    /// Its addresses.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub vip: Vec<IpAddr>,
    /// Whose they are, `namespace/name`, where they are somebody else's: `Vip` is `False` then. The access
    /// point's own where left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vip_owner: Option<String>,
    /// The names that are published with them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub fqdn: Vec<Fqdn>,
    /// The certificate that its gateways serve.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub certificate: Option<CertificateStatus>,
    /// Which revision is where.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub route: Option<RouteStatus>,
    /// When the target was heard of last before this was written: with every change, and where nothing changes
    /// once in ten times the limit after which no news is `Unknown`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fresh_at: Option<WallTime>,
    /// `Ready`, `Vip`, `Name`, `Certificate`, `Route`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub conditions: Vec<Condition>,
}

/// The state of a certificate.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CertificateStatus {
    /// Where it is in its life.
    pub state: CertificateState,
    /// Its serial number in hexadecimal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub serial: Option<String>,
    /// When it ends.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub not_after: Option<WallTime>,
}

/// Where a certificate is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum CertificateState {
    /// It is past its end.
    Expired,
    /// The authority refused, and it will be asked again.
    Failed,
    /// It is served.
    Issued,
    /// It was asked for.
    Pending,
    /// It is served, and its successor was asked for.
    Renewing,
}

/// Which revision of the routing is where.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RouteStatus {
    /// In the target's API server.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub applied: Option<String>,
    /// In all of its proxies.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub live: Option<String>,
}

/// The state of a pool.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct VipPoolStatus {
    /// Who has which address: `namespace/name` and, after a `@`, the target.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub assigned: BTreeMap<IpAddr, Vec<String>>,
    /// `Available`: whether there are free addresses.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub conditions: Vec<Condition>,
}

/// The state of a name, or of a provider of names.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NameServiceStatus {
    /// `Published`: whether the records are as wanted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub conditions: Vec<Condition>,
}

/// The state of an authority.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct IssuerStatus {
    /// `Ready`: whether it answers.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub conditions: Vec<Condition>,
}
