//! What the owner of the routing gets to see: events as they come, and a snapshot.

use std::fmt;
use std::io;
use std::net::IpAddr;
use std::time::Duration;

use lb_core::Time;
use lb_core::bfd::{Diagnostic, SessionState, StateChange};
use lb_core::bgp::{Event, PeerId, PeerStatus};

/// Something happened that people and metrics look at; prints as one line.
#[derive(Debug)]
pub enum RoutingEvent {
    /// Of a BGP session. Routes of peers are not among them: a node uses none.
    Bgp {
        /// The peer's address.
        peer: IpAddr,
        /// What.
        event: Event,
    },
    /// The state of a BFD session changed.
    Bfd {
        /// The peer's address.
        peer: IpAddr,
        /// How.
        change: StateChange,
    },
    /// A connection to a peer could not be opened, or broke.
    Connection {
        /// The peer's address.
        peer: IpAddr,
        /// What the kernel says.
        error: io::Error,
    },
}

impl RoutingEvent {
    /// Whether a peer can bring it about as often as it likes, so that it is no news.
    #[must_use]
    pub const fn is_minor(&self) -> bool {
        matches!(self, Self::Bgp { event: Event::EndOfRib { .. } | Event::RefreshRequested { .. }, .. })
    }
}

impl fmt::Display for RoutingEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bgp { peer, event: Event::State { from, to } } => write!(f, "bgp {peer}: {from} -> {to}"),
            Self::Bgp { peer, event: Event::Up(established) } => {
                write!(f, "bgp {peer}: up, hold time {} s", established.hold_time.as_secs())
            }
            Self::Bgp { peer, event: Event::Down(down) } => write!(f, "bgp {peer}: down: {}", down.reason),
            Self::Bgp { peer, event } => write!(f, "bgp {peer}: {event:?}"),
            Self::Bfd { peer, change: StateChange { from, to, cause } } => {
                write!(f, "bfd {peer}: {from} -> {to} ({cause:?})")
            }
            Self::Connection { peer, error } => write!(f, "connection {peer}: {error}"),
        }
    }
}

/// How it stands.
#[derive(Clone, Debug)]
pub struct RoutingStatus {
    /// The peers, by number.
    pub peers: Vec<RoutingPeer>,
    /// Routes that are announced.
    pub routes: usize,
    /// Events that the owner was too slow to take.
    pub events_lost: u64,
    /// BFD packets that were no good; at level `debug` the log has the reasons.
    pub bfd_discarded: u64,
}

/// How it stands with one peer.
#[derive(Clone, Debug)]
pub struct RoutingPeer {
    /// Its number.
    pub id: PeerId,
    /// Its address.
    pub address: IpAddr,
    /// The interface that it is reached by, if that is configured: with the address it tells peers apart.
    pub interface: Option<String>,
    /// Its BGP session.
    pub bgp: PeerStatus,
    /// Its BFD session, if it has one.
    pub bfd: Option<BfdStatus>,
}

/// How it stands with a BFD session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BfdStatus {
    /// Our state.
    pub state: SessionState,
    /// Since when, in the time of the machines.
    pub since: Time,
    /// Why it changed last.
    pub diagnostic: Diagnostic,
    /// The neighbour's state and reason, as heard last.
    pub remote: (SessionState, Diagnostic),
    /// The longest time between our packets.
    pub transmit_interval: Option<Duration>,
    /// The silence that is death.
    pub detection_time: Option<Duration>,
}
