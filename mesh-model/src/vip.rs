//! Virtual addresses: who has which, and that nobody ever loses one by accident.
//!
//! The idea: what is recorded is true. An [`Allocator`] cannot be made without
//! the [`Records`] of those that hold addresses, so that no claim is ever
//! answered by one that does not know them yet; a holder keeps its addresses
//! whatever becomes of its pool, and only its own [release](Allocator::release)
//! ends that. A released address rests: until its quarantine is over, nobody
//! else gets the ports that its last owner had there. A holder whose pool gains a
//! family is given an address of it, which moves none, unless its claim names
//! families: an access point has the same ones on its old targets and its new.
//!
//! [`plan()`] is the whole decision at once, whatever the order of its input. It
//! releases what nobody claims any more, but not many holdings of a pool at once:
//! a list of claims that was cut off looks just like that.
//! Writing records is for the adapters, withdrawing a name before its address
//! for [`names`](crate::names). What went wrong elsewhere is in the tests by
//! number: MetalLB issues 435, 1591, 1774, 2443, 2479.

mod allocator;
mod book;
mod circle;
mod file;
mod plan;
mod refusal;
mod renewal;
mod runs;

use std::collections::BTreeSet;
use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::access_point::{AccessPoint, AccessPointId, VipRequest};
use crate::api::VipScope;
use crate::labels::Labels;
use crate::name::Name;
use crate::time::WallTime;
use crate::units::text_value;

pub use allocator::Allocator;
pub use file::{ClaimSpec, ClaimsFile};
pub use plan::{Asked, Assignment, PoolUse, Refused, Release, Unclaimed, VipPlan, plan};
pub use refusal::{RecordProblem, Refusal, Tried, Unfit, Unshared};

/// Whose addresses: an access point's on one target, or on all; displays as `payments/checkout@slc-a-1`.
///
/// ```
/// use mesh_model::vip::ClaimKey;
///
/// let key: ClaimKey = "payments/checkout@slc-a-1".parse()?;
/// assert_eq!(key.owner.to_string(), "payments/checkout");
/// assert_eq!(key.target.as_ref().map(|name| name.as_str()), Some("slc-a-1"));
/// assert!("payments/checkout".parse::<ClaimKey>()?.target.is_none());
/// # Ok::<(), mesh_model::vip::ParseClaimKeyError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ClaimKey {
    /// The access point.
    pub owner: AccessPointId,
    /// The target; `None` if all targets have the same addresses.
    pub target: Option<Name>,
}

/// A text does not say whose addresses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("write namespace/name, or namespace/name@target: payments/checkout@slc-a-1")]
pub struct ParseClaimKeyError;

impl fmt::Display for ClaimKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.target {
            Some(target) => write!(f, "{}@{target}", self.owner),
            None => self.owner.fmt(f),
        }
    }
}

impl FromStr for ClaimKey {
    type Err = ParseClaimKeyError;

    fn from_str(text: &str) -> Result<Self, ParseClaimKeyError> {
        let name = |text: &str| text.parse::<Name>().map_err(|_| ParseClaimKeyError);
        let (owner, target) = text.split_once('@').map_or((text, None), |(owner, at)| (owner, Some(at)));
        let (namespace, owner) = owner.split_once('/').ok_or(ParseClaimKeyError)?;
        let owner = AccessPointId { namespace: name(namespace)?, name: name(owner)? };
        Ok(Self { owner, target: target.map(name).transpose()? })
    }
}

text_value!(
    ClaimKey,
    "owner of addresses",
    "^[a-z0-9-]+/[a-z0-9-]+(@[a-z0-9-]+)?$",
    "An access point, and a target after `@`."
);

/// What a port is spoken to by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Protocol {
    /// SCTP.
    Sctp,
    /// TCP.
    Tcp,
    /// UDP.
    Udp,
}

/// A port of an address; displays as `443/tcp`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Port {
    /// Its protocol.
    pub protocol: Protocol,
    /// Its number.
    pub number: u16,
}

/// A text is no port.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("write a number from 1 to 65535 and a protocol: 443/tcp, 53/udp, 3868/sctp")]
pub struct ParsePortError;

impl fmt::Display for Port {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let protocol = match self.protocol {
            Protocol::Sctp => "sctp",
            Protocol::Tcp => "tcp",
            Protocol::Udp => "udp",
        };
        write!(f, "{}/{protocol}", self.number)
    }
}

impl FromStr for Port {
    type Err = ParsePortError;

    fn from_str(text: &str) -> Result<Self, ParsePortError> {
        let (number, protocol) = text.split_once('/').ok_or(ParsePortError)?;
        let number = number.parse().ok().filter(|number| *number != 0).ok_or(ParsePortError)?;
        let known = [("sctp", Protocol::Sctp), ("tcp", Protocol::Tcp), ("udp", Protocol::Udp)];
        let known = known.into_iter().find(|(name, _)| protocol.eq_ignore_ascii_case(name));
        known.map(|(_, protocol)| Self { protocol, number }).ok_or(ParsePortError)
    }
}

text_value!(Port, "port", "^[0-9]+/(sctp|tcp|udp)$", "A port and its protocol.");

/// What an access point wants on one target, or on all.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claim {
    /// Whose it is.
    pub key: ClaimKey,
    /// What is wanted.
    pub request: VipRequest,
    /// The ports that it serves; nobody shares with one that names none.
    pub ports: BTreeSet<Port>,
    /// The access point's labels, which pools select by.
    pub labels: Labels,
}

impl Claim {
    /// The claims of an access point: one for each target, or one for all, as it asks; none without a request.
    #[must_use]
    pub fn of(access_point: &AccessPoint, targets: &[Name], ports: &BTreeSet<Port>) -> Vec<Self> {
        let Some(request) = &access_point.vip else { return Vec::new() };
        let claim = |target: Option<Name>| Self {
            key: ClaimKey { owner: access_point.id.clone(), target },
            request: request.clone(),
            ports: ports.clone(),
            labels: access_point.labels.clone(),
        };
        match request.scope {
            VipScope::All if targets.is_empty() => Vec::new(),
            VipScope::All => vec![claim(None)],
            VipScope::Target => targets.iter().map(|target| claim(Some(target.clone()))).collect(),
        }
    }
}

/// The record of who holds which addresses, on which terms: what is written down and read again.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Held {
    /// Whose they are.
    pub owner: ClaimKey,
    /// The pool that they came from.
    pub pool: Name,
    /// The addresses, at most one of each family where nothing went wrong.
    pub addresses: Vec<IpAddr>,
    /// Who else may have them: holders with the same key; nobody where left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sharing_key: Option<Name>,
    /// Sharing goes no further than this group.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub isolation_group: Option<Name>,
    /// The ports that are served.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub ports: BTreeSet<Port>,
}

/// The record of an address that rests.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Released {
    /// What was held, with this one address.
    pub held: Held,
    /// Until then nobody else gets the ports that were served there. By the wall's clock, so that it
    /// survives a restart; a clock that jumps makes it longer or shorter by the jump.
    pub until: WallTime,
}

/// All that has to be written down.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Records {
    /// Who holds what.
    pub held: Vec<Held>,
    /// What rests.
    pub released: Vec<Released>,
}

#[cfg(test)]
mod tests;
