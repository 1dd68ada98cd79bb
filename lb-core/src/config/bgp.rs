//! The node file's section `bgp`: the speaker and its peers, as a person writes them.
//!
//! Serde types only, with what is left out as `None`; what values mean together
//! is checked by the conversion to [`SpeakerConfig`](crate::bgp::SpeakerConfig),
//! which says what is wrong and where ([`BgpError`]). The speaker knows nothing
//! of files; the sockets are the agent's.

mod choice;
mod convert;
mod error;

use alloc::string::String;
use alloc::vec::Vec;
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use serde::{Deserialize, Serialize};

use super::text;
use super::units::HumanDuration;
use crate::health::Secret;

pub use choice::{AnyCommunity, BfdChoice};
pub use error::{BgpError, BgpProblem};

/// Bounds as messages have them; the conversion checks.
const MAX_PORT: u64 = u16::MAX as u64;
const MAX_AS: u64 = u32::MAX as u64;
const MAX_U32: u64 = u32::MAX as u64;
const MAX_PREPEND: u64 = convert::MAX_PREPEND as u64;

/// The BGP speaker of a node.
///
/// ```
/// use core::time::Duration;
/// use lb_core::bgp::{Asn, SpeakerConfig};
/// use lb_core::config::BgpFile;
///
/// let text = "{ as: 64512, routerId: 10.0.0.11, peers: [{ address: 10.0.0.1, as: 64500, holdTime: 3s }] }";
/// let file: BgpFile = serde_saphyr::from_str(text)?;
/// let config = SpeakerConfig::try_from(file)?;
/// assert_eq!(config.peers[0].asn, Asn(64_500));
/// assert_eq!(config.peers[0].timers.hold, Duration::from_secs(3));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(description = "The BGP speaker of a node."))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct BgpFile {
    /// Our autonomous system.
    #[serde(rename = "as", deserialize_with = "text::between::<1, MAX_AS, _, _>")]
    #[cfg_attr(feature = "schema", schemars(range(min = 1)))]
    pub asn: u32,
    /// Our BGP identifier, written as an IPv4 address: the node's own is usual.
    #[serde(deserialize_with = "text::required")]
    #[cfg_attr(feature = "schema", schemars(with = "String", extend("format" = "ipv4")))]
    pub router_id: Ipv4Addr,
    /// All routes say to all peers that they go away soon (RFC 8326): before maintenance; false where left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub graceful_shutdown: Option<bool>,
    /// The routers to announce to.
    pub peers: Vec<PeerFile>,
}

/// One peer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PeerFile {
    /// Its address.
    #[serde(deserialize_with = "text::required")]
    #[cfg_attr(feature = "schema", schemars(with = "String", extend("format" = "ip")))]
    pub address: IpAddr,
    /// The interface to reach it by, and no other; needed where the address is link-local.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub interface: Option<String>,
    /// Its autonomous system; ours for an internal peer.
    #[serde(rename = "as", deserialize_with = "text::between::<1, MAX_AS, _, _>")]
    #[cfg_attr(feature = "schema", schemars(range(min = 1)))]
    pub asn: u32,
    /// Its port; 179 where left out.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "text::optional_between::<1, MAX_PORT, _, _>"
    )]
    #[cfg_attr(feature = "schema", schemars(range(min = 1)))]
    pub port: Option<u16>,
    /// The address to connect from; the kernel's choice where left out.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "text::optional")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<String>", extend("format" = "ip")))]
    pub local_address: Option<IpAddr>,
    /// Wait for the peer to connect; false where left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub passive: Option<bool>,
    /// The password of the connection (TCP MD5), 1 to 80 bytes; none where left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub password: Option<Secret>,
    /// At most so many hops away, 1 to 255; on the same link where left out.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "text::optional_between::<1, 255, _, _>"
    )]
    #[cfg_attr(feature = "schema", schemars(range(min = 1, max = 255)))]
    pub multihop: Option<u16>,
    /// Prove by the TTL that the peer is no further away (GTSM, RFC 5082); it must do so too. False where left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ttl_security: Option<bool>,
    /// BFD with it: true for the settings of the section `bfd`, or the name of one of its profiles; false where left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bfd: Option<BfdChoice>,
    /// Silence after which it counts as dead: 3s to 65535s, or 0s for never; 9s where left out. The smaller of both sides' counts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hold_time: Option<HumanDuration>,
    /// Between two signs of life, at most a third of the hold time; that where left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub keepalive: Option<HumanDuration>,
    /// Between two attempts to connect, 100ms to 1h; 5s where left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub connect_retry: Option<HumanDuration>,
    /// The longest that a session that keeps falling is left alone, 1s to 24h; 1m where left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub idle_hold_max: Option<HumanDuration>,
    /// The families to announce; both where left out. IPv6 over an IPv4 session needs `nextHop6`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub families: Option<Vec<FamilyName>>,
    /// Messages of up to 65,535 bytes where it can (RFC 8654); false where left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub extended_messages: Option<bool>,
    /// Prefixes that it may tell us; one more ends the session. Where left out 1,000 are remembered and the rest ignored.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "text::optional_between::<1, MAX_U32, _, _>"
    )]
    #[cfg_attr(feature = "schema", schemars(range(min = 1)))]
    pub max_prefixes: Option<u32>,
    /// With `maxPrefixes`: when the session is started again, 1s to 24h; 5m where left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_prefixes_restart: Option<HumanDuration>,
    /// Graceful restart; of the peer alone where left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub graceful_restart: Option<GracefulRestartFile>,
    /// The next hop of IPv4 routes; our end of the session where left out.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "text::optional")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<String>", extend("format" = "ipv4")))]
    pub next_hop: Option<Ipv4Addr>,
    /// The next hop of IPv6 routes; our end of the session where left out.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "text::optional")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<String>", extend("format" = "ipv6")))]
    pub next_hop6: Option<Ipv6Addr>,
    /// Communities on all routes: `64512:100`, large ones `64512:1:2`, or `no-export`, `no-advertise`; at most 64 of each.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub communities: Vec<AnyCommunity>,
    /// `MULTI_EXIT_DISC`: the lower, the better; none where left out.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "text::optional_between::<0, MAX_U32, _, _>"
    )]
    pub med: Option<u32>,
    /// Internal peers: `LOCAL_PREF`: the higher, the better; 100 where left out.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "text::optional_between::<0, MAX_U32, _, _>"
    )]
    pub local_preference: Option<u32>,
    /// External peers: how much longer our path is made, 0 to 32; 0 where left out.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "text::optional_between::<0, MAX_PREPEND, _, _>"
    )]
    #[cfg_attr(feature = "schema", schemars(range(max = 32)))]
    pub prepend: Option<u16>,
    /// Routes say to this peer that they go away soon (RFC 8326); false where left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub graceful_shutdown: Option<bool>,
}

/// Graceful restart (RFC 4724, RFC 8538).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct GracefulRestartFile {
    /// Ask the peer to keep our routes while we restart. It then keeps those of a node that died as well;
    /// false where left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub restarting: Option<bool>,
    /// For how long it shall wait for us, 1s to 4095s; 120s where left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub restart_time: Option<HumanDuration>,
    /// Keep the peer's routes while it restarts; true where left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub helper: Option<bool>,
    /// The longest that its routes are kept after it is back, 1s to 24h; 6m where left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stale_time: Option<HumanDuration>,
    /// After NOTIFICATIONs and expired hold timers as well, where the peer agrees; true where left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub notification: Option<bool>,
}

/// The families of routes by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum FamilyName {
    /// IPv4 unicast.
    Ipv4,
    /// IPv6 unicast.
    Ipv6,
}

#[cfg(test)]
mod tests;
