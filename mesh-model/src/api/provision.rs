//! What access points are provided with, as it is written: addresses, names, certificates.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use super::{IssuerStatus, Kind, LabelSelectorSpec, NameServiceStatus, Spec, TargetsSpec, VipPoolStatus};
use crate::name::{Fqdn, Name};
use crate::units::{Amount, HumanDuration, Share};

/// What a `VipPool` is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct VipPoolSpec {
    /// Prefixes (`203.0.113.0/24`, every address of it) and ranges (`203.0.113.10-203.0.113.20`), IPv4 and IPv6.
    pub addresses: Vec<String>,
    /// What is left out of them, in the same forms.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub exclude: Vec<String>,
    /// Whether an access point that names no pool may get an address of it. Default: true.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub auto_assign: Option<bool>,
    /// Among pools that fit, the highest is tried first, then by name. Default: 0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub priority: Option<i32>,
    /// Who may have addresses of it; everybody where left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub access_points: Option<AccessSpec>,
    /// The targets that it serves; all where left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub targets: Option<TargetsSpec>,
    /// How long a released address is given to nobody else: longer than any cache of names. Default: 1h.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quarantine: Option<HumanDuration>,
    /// How many of its holders one plan may release without an approval because nobody claims their addresses any
    /// more, a number or a share of all; of a few at least one. Default: 10%.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_releases: Option<Amount>,
}

impl Spec for VipPoolSpec {
    const KIND: Kind = Kind::VipPool;
    type Status = VipPoolStatus;
}

/// Who may have addresses of a pool, or names of a provider; every field that is given must hold.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AccessSpec {
    /// Access points of these namespaces.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub namespaces: Option<Vec<Name>>,
    /// Access points with these labels.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub selector: Option<LabelSelectorSpec>,
}

/// What a `NameService` is: one name and what it leads to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NameServiceSpec {
    /// The name.
    pub fqdn: Fqdn,
    /// How long resolvers may remember it. Default: 30s.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ttl: Option<HumanDuration>,
    /// The `NameProvider` that serves it.
    pub provider: Name,
    /// What it leads to.
    pub target: NameTargetSpec,
}

impl Spec for NameServiceSpec {
    const KIND: Kind = Kind::NameService;
    type Status = NameServiceStatus;
}

/// What a name leads to: one of the fields.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NameTargetSpec {
    /// The VIPs of an access point of the same namespace, as far as they are healthy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub access_point: Option<Name>,
    /// These addresses.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub addresses: Option<Vec<IpAddr>>,
    /// Another name (CNAME).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub alias: Option<Fqdn>,
}

/// What a `NameProvider` is: who serves which domains, and how far it is trusted with changes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NameProviderSpec {
    /// The domains whose records it serves.
    pub domains: Vec<Fqdn>,
    /// What marks records as ours; two fleets that share a domain have two. Default: `overspill`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<Name>,
    /// How many of our records one plan may delete without an approval, a number or a share of all; an owner that
    /// leaves one family of its addresses counts. Default: 10%.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_deletions: Option<Amount>,
    /// Whose access points and `NameService`s may publish names by it; everybody's where left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub access_points: Option<AccessSpec>,
    /// Names that are for certain namespaces alone, which share them. Any other name is of one namespace: of
    /// whichever has it published.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub reservations: Vec<ReservationSpec>,
    /// The least share of a name's members that may be left when the unhealthy are taken out, from 0% to
    /// 100%; where less would be left, checks are taken to be wrong, and whoever is published stays. Default: 50%.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min_healthy: Option<Share>,
}

impl Spec for NameProviderSpec {
    const KIND: Kind = Kind::NameProvider;
    type Status = NameServiceStatus;
}

/// A name that is for certain namespaces alone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ReservationSpec {
    /// The name: just this one, and none below it.
    pub name: Fqdn,
    /// The namespaces that may publish it; several share it.
    pub namespaces: Vec<Name>,
}

/// What an `Issuer` is: which authority signs. One of `acme` and `ca`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct IssuerSpec {
    /// An authority that speaks ACME (RFC 8555).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub acme: Option<AcmeSpec>,
    /// An authority whose key we have.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ca: Option<CaSpec>,
    /// How long certificates are asked to live. Default: 90d.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lifetime: Option<HumanDuration>,
    /// The most names in one certificate. Default: 100.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_names: Option<u16>,
}

impl Spec for IssuerSpec {
    const KIND: Kind = Kind::Issuer;
    type Status = IssuerStatus;
}

/// An authority that speaks ACME.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AcmeSpec {
    /// The URL of its directory.
    pub directory: String,
    /// Where it writes to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    /// The `NameProvider` that answers `dns-01` challenges; `http-01` at the gateways where left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dns_provider: Option<Name>,
}

/// An authority whose key we have.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CaSpec {
    /// The Secret with its certificate and key, in the controller's namespace.
    pub secret: Name,
}
