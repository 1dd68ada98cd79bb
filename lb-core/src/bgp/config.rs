//! What a speaker is told to do: itself, its peers, and what it may tell each of them.
//!
//! Plain values with sensible defaults. They are checked where a file is read;
//! whoever writes them in code keeps to the ranges given on each field, and a
//! session holds a value outside of them to the nearest that can be. Password,
//! TTL and BFD are only carried here, for the adapter that has the sockets.

use alloc::string::String;
use alloc::vec::Vec;
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use core::time::Duration;

use super::identity::{Asn, Community, Families, LargeCommunity, Password};

/// A speaker: who it is, and whom it speaks to.
///
/// ```
/// use lb_core::bgp::{Asn, PeerConfig, SpeakerConfig};
///
/// let router = PeerConfig::new("10.0.0.1".parse()?, Asn(64_500));
/// let config = SpeakerConfig { peers: vec![router], ..SpeakerConfig::new(Asn(64_512), "10.0.0.11".parse()?) };
/// assert!(config.peers[0].is_external(config.asn));
/// # Ok::<(), core::net::AddrParseError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SpeakerConfig {
    /// Our autonomous system, never 0.
    pub asn: Asn,
    /// Our BGP identifier, never 0.0.0.0; unique in the autonomous system.
    pub router_id: Ipv4Addr,
    /// All routes say that they go away soon (RFC 8326), to all peers.
    pub graceful_shutdown: bool,
    /// The peers; of two with one address and interface the first counts.
    pub peers: Vec<PeerConfig>,
}

impl SpeakerConfig {
    /// A speaker without peers.
    #[must_use]
    pub const fn new(asn: Asn, router_id: Ipv4Addr) -> Self {
        Self { asn, router_id, graceful_shutdown: false, peers: Vec::new() }
    }
}

/// One peer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PeerConfig {
    /// Where it is; with `interface`, what tells peers apart.
    pub address: IpAddr,
    /// The interface to reach it by, and no other; needed where the address is link-local.
    pub interface: Option<String>,
    /// Its port.
    pub port: u16,
    /// Its autonomous system; ours for an internal peer.
    pub asn: Asn,
    /// The address to connect from and to be reached at; the kernel's choice where `None`.
    pub local_address: Option<IpAddr>,
    /// Wait for the peer to connect.
    pub passive: bool,
    /// The password of the connection (TCP MD5, RFC 2385).
    pub password: Option<Password>,
    /// How far away it may be.
    pub reach: Reach,
    /// BFD with the peer: the name of its settings; the adapter reports a death with
    /// [`Speaker::handle_neighbour_down`](super::Speaker::handle_neighbour_down).
    pub bfd: Option<String>,
    /// How long to wait for what.
    pub timers: Timers,
    /// Which families to exchange; never none.
    pub families: Families,
    /// Whether messages may be up to 65,535 octets where the peer agrees (RFC 8654).
    pub extended_messages: bool,
    /// Graceful restart of the peer, and of this speaker (RFC 4724).
    pub graceful_restart: GracefulRestart,
    /// How many prefixes it may tell us of.
    pub prefix_limit: PrefixLimit,
    /// What our routes look like to it.
    pub export: Export,
}

impl PeerConfig {
    /// A peer with all defaults.
    #[must_use]
    pub fn new(address: IpAddr, asn: Asn) -> Self {
        Self {
            address,
            interface: None,
            port: 179,
            asn,
            local_address: None,
            passive: false,
            password: None,
            reach: Reach::Link,
            bfd: None,
            timers: Timers::default(),
            families: Families::ALL,
            extended_messages: false,
            graceful_restart: GracefulRestart::default(),
            prefix_limit: PrefixLimit::default(),
            export: Export::default(),
        }
    }

    /// Whether the peer is of another autonomous system than `ours`.
    #[must_use]
    pub fn is_external(&self, ours: Asn) -> bool {
        self.asn != ours
    }
}

/// How far away a peer may be; the adapter sets and checks the TTL.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// On the same link: packets leave with TTL 1.
    Link,
    /// At most so many hops away: packets leave with this TTL.
    Hops(u8),
    /// At most so many hops away, and proved so: packets leave with TTL 255 and those that
    /// arrive with less than 256 - hops are dropped (GTSM, RFC 5082). 1 is the same link.
    Secured(u8),
}

/// How long a session waits for what.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timers {
    /// Silence after which a peer counts as dead: whole seconds from 3 to 65,535, or zero for never;
    /// the smaller of ours and the peer's holds. 9 s.
    pub hold: Duration,
    /// Between two KEEPALIVEs, less up to a quarter; a third of the hold time where `None`, and at most that.
    pub keepalive: Option<Duration>,
    /// Between two attempts to connect, less up to a quarter. 5 s.
    pub connect_retry: Duration,
    /// How long a session that fell is left alone; doubled each time it falls again soon. 1 s.
    pub idle_hold_min: Duration,
    /// The most that doubling makes of it. 60 s.
    pub idle_hold_max: Duration,
}

impl Default for Timers {
    fn default() -> Self {
        Self {
            hold: Duration::from_secs(9),
            keepalive: None,
            connect_retry: Duration::from_secs(5),
            idle_hold_min: Duration::from_secs(1),
            idle_hold_max: Duration::from_secs(60),
        }
    }
}

/// Graceful restart (RFC 4724, RFC 8538).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GracefulRestart {
    /// Ask the peer to keep our routes while we restart, which is right only where the kernel goes on
    /// forwarding. Off by default: a peer that helps keeps the routes of a node that died, too.
    pub restarting: bool,
    /// For how long it shall wait for us, whole seconds up to 4,095. 120 s.
    pub restart_time: Duration,
    /// Keep the peer's routes while it restarts.
    pub helper: bool,
    /// The longest that its routes are kept after it is back, without an End-of-RIB. 360 s.
    pub stale_time: Duration,
    /// Restart gracefully after a NOTIFICATION and an expired hold timer as well (RFC 8538).
    pub notification: bool,
}

impl Default for GracefulRestart {
    fn default() -> Self {
        Self {
            restarting: false,
            restart_time: Duration::from_secs(120),
            helper: true,
            stale_time: Duration::from_secs(360),
            notification: true,
        }
    }
}

/// How many prefixes a peer may tell us of, all families together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PrefixLimit {
    /// So many are remembered.
    pub max: u32,
    /// What the next one does.
    pub excess: Excess,
}

/// What one prefix more than allowed does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Excess {
    /// It is counted, but neither remembered nor reported.
    Ignore,
    /// It ends the session, which is started again after this time, or by hand where `None`.
    Teardown {
        /// How long the session is left alone.
        restart_after: Option<Duration>,
    },
}

impl Default for PrefixLimit {
    /// A speaker of VIPs needs none of its peer's routes; 1,000 hold what it may be curious about.
    fn default() -> Self {
        Self { max: 1_000, excess: Excess::Ignore }
    }
}

/// What our routes look like to a peer; what a route says of itself comes on top.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Export {
    /// The next hop of IPv4 routes; the session's local address where `None` and of that family.
    pub next_hop_v4: Option<Ipv4Addr>,
    /// The next hop of IPv6 routes, likewise: over an IPv4 session there is no other.
    pub next_hop_v6: Option<Ipv6Addr>,
    /// Communities on all routes.
    pub communities: Vec<Community>,
    /// Large communities on all routes.
    pub large_communities: Vec<LargeCommunity>,
    /// `MULTI_EXIT_DISC` of routes that have none of their own: the lower, the better.
    pub med: Option<u32>,
    /// `LOCAL_PREF` of routes that have none of their own, to an internal peer: the higher, the better; 100 where `None`.
    pub local_pref: Option<u32>,
    /// How often our number stands in the path of an external route besides the once that it must, up to 32.
    pub prepend: u8,
    /// Routes say that they go away soon: the community of RFC 8326, and `LOCAL_PREF` 0 inside.
    pub graceful_shutdown: bool,
}
