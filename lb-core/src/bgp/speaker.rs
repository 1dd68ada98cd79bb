//! The speaker: one set of routes, and a session with each peer to tell it to.
//!
//! A change of the set marks prefixes; messages are made of the marks only as
//! fast as the peer takes them, so that a slow peer costs memory for what
//! differs and not for what happened. What the peer has heard is remembered:
//! nothing is told twice, and nothing is withdrawn that was not told.

mod status;

use alloc::collections::BTreeMap;
use alloc::vec::Vec;
use core::fmt;
use core::net::IpAddr;

use ipnet::IpNet;

use super::config::{PeerConfig, SpeakerConfig};
use super::identity::{Community, Family, LargeCommunity};
use super::session::{ConnectionId, Event, Transmit};
use crate::Time;

pub use status::{Counters, PeerStatus};

/// A peer of a speaker; the number of one that is gone is not given to another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PeerId(pub u32);

impl fmt::Display for PeerId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// What a route says of itself; the rest is the [`Export`](super::Export) of each peer.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Route {
    /// `MULTI_EXIT_DISC`; the peer's where `None`.
    pub med: Option<u32>,
    /// `LOCAL_PREF`, to internal peers; the peer's where `None`.
    pub local_pref: Option<u32>,
    /// How much longer its path is made, on top of the peer's, up to 32.
    pub prepend: u8,
    /// Communities, on top of the peer's.
    pub communities: Vec<Community>,
    /// Large communities, on top of the peer's.
    pub large_communities: Vec<LargeCommunity>,
    /// It goes away soon (RFC 8326): told before a drain, so that traffic leaves first.
    pub graceful_shutdown: bool,
}

/// How a speaker came to be; it decides what peers that kept our routes are told (RFC 4724).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Start {
    /// The node forwards nothing yet.
    #[default]
    Cold,
    /// The process is new, and the kernel has been forwarding all the while.
    ForwardingPreserved,
}

/// A BGP speaker: pure, to be driven by whoever has the sockets.
///
/// After each `handle_*` (and `start`, `stop`, `configure`, `announce`,
/// `withdraw`, `complete`), drain [`poll_transmit`](Self::poll_transmit), then
/// [`poll_event`](Self::poll_event), then read
/// [`poll_timeout`](Self::poll_timeout). Calls about a peer or a connection
/// that is gone do nothing, so that an adapter need not race.
///
/// On each connection no more than [`WINDOW`](Self::WINDOW) octets and a few
/// signs of life are handed out before [`handle_sent`](Self::handle_sent)
/// says that they were written: the queue in front of a slow peer is bounded.
#[derive(Debug)]
pub struct Speaker {
    config: SpeakerConfig,
    routes: BTreeMap<IpNet, Route>,
}

impl Speaker {
    /// Octets handed out for one connection and not yet written, at most, but for one message.
    pub const WINDOW: usize = 65_536;

    /// A speaker that does nothing before [`start`](Self::start).
    ///
    /// `seed` is the randomness of its timers; two nodes should not have the same.
    #[must_use]
    pub fn new(config: SpeakerConfig, start: Start, seed: u64) -> Self {
        let _ = (start, seed);
        Self { config, routes: BTreeMap::new() }
    }

    /// Starts all sessions that are not started.
    pub fn start(&mut self, now: Time) {
        let _ = now;
    }

    /// Ends all sessions and tells the peers why (RFC 9003); `start` begins anew.
    ///
    /// Peers that help with restarts do not keep the routes: they are told a hard reset (RFC 8538).
    /// An agent that will be back at once just closes its sockets.
    pub fn stop(&mut self, now: Time, text: &str) {
        let _ = (now, text);
    }

    /// Ends one session like [`stop`](Self::stop), until [`start_peer`](Self::start_peer).
    pub fn stop_peer(&mut self, now: Time, peer: PeerId, text: &str) {
        let _ = (now, peer, text);
    }

    /// Starts one session, at once where it was waiting for its next attempt.
    pub fn start_peer(&mut self, now: Time, peer: PeerId) {
        let _ = (now, peer);
    }

    /// Takes another configuration: peers come, go and change without touching the others.
    ///
    /// What a peer is told of routes is changed in its session; what sessions agree on (addresses,
    /// numbers, password, times, families) ends it and begins a new one.
    pub fn configure(&mut self, now: Time, config: SpeakerConfig) {
        let _ = now;
        self.config = config;
    }

    /// Announces a prefix to all peers, or changes what its route says. Bits past its length are ignored.
    pub fn announce(&mut self, now: Time, prefix: IpNet, route: Route) {
        let _ = now;
        self.routes.insert(prefix.trunc(), route);
    }

    /// Withdraws a prefix from all peers.
    pub fn withdraw(&mut self, now: Time, prefix: &IpNet) {
        let _ = now;
        self.routes.remove(&prefix.trunc());
    }

    /// Says that the set of routes is whole after a start.
    ///
    /// A peer that kept our routes over a restart forgets those that were not told again when it hears
    /// End-of-RIB; so that is held back until this, and the restart time at most.
    pub fn complete(&mut self, now: Time) {
        let _ = now;
    }

    /// A connection that [`Transmit::Connect`] asked for is open, from this local address.
    pub fn handle_connected(&mut self, now: Time, peer: PeerId, connection: ConnectionId, local: IpAddr) {
        let _ = (now, peer, connection, local);
    }

    /// The peer opened a connection to this local address; `None`: close it.
    #[must_use]
    pub fn handle_accepted(&mut self, now: Time, peer: PeerId, local: IpAddr) -> Option<ConnectionId> {
        let _ = (now, peer, local);
        None
    }

    /// A connection could not be opened, or ended, for whatever reason.
    pub fn handle_closed(&mut self, now: Time, peer: PeerId, connection: ConnectionId) {
        let _ = (now, peer, connection);
    }

    /// Octets arrived.
    pub fn handle_bytes(&mut self, now: Time, peer: PeerId, connection: ConnectionId, bytes: &[u8]) {
        let _ = (now, peer, connection, bytes);
    }

    /// So many octets of what [`Transmit::Send`] asked for were written.
    pub fn handle_sent(&mut self, now: Time, peer: PeerId, connection: ConnectionId, octets: usize) {
        let _ = (now, peer, connection, octets);
    }

    /// BFD says that the peer is dead; its session ends at once.
    pub fn handle_neighbour_down(&mut self, now: Time, peer: PeerId) {
        let _ = (now, peer);
    }

    /// Does what is due.
    pub fn handle_timeout(&mut self, now: Time) {
        let _ = now;
    }

    /// What the adapter shall do next.
    #[must_use]
    pub fn poll_transmit(&mut self) -> Option<(PeerId, Transmit)> {
        None
    }

    /// What happened.
    #[must_use]
    pub fn poll_event(&mut self) -> Option<(PeerId, Event)> {
        None
    }

    /// When [`handle_timeout`](Self::handle_timeout) is due.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Time> {
        None
    }

    /// The peers with their configuration, by number.
    pub fn peers(&self) -> impl Iterator<Item = (PeerId, &PeerConfig)> {
        (0..).map(PeerId).zip(&self.config.peers)
    }

    /// The peer at an address; of several with a link-local one, that on the interface.
    #[must_use]
    pub fn peer_at(&self, address: IpAddr, interface: Option<&str>) -> Option<PeerId> {
        let is = |peer: &PeerConfig| {
            peer.address == address && (peer.interface.is_none() || peer.interface.as_deref() == interface)
        };
        self.peers().find(|(_, peer)| is(peer)).map(|(id, _)| id)
    }

    /// How it stands with a peer.
    #[must_use]
    pub fn status(&self, peer: PeerId) -> Option<PeerStatus> {
        let _ = peer;
        None
    }

    /// The routes that are announced, by prefix.
    pub fn routes(&self) -> impl Iterator<Item = (&IpNet, &Route)> {
        self.routes.iter()
    }

    /// Asks a peer to tell its routes of a family again, if it can (RFC 2918).
    pub fn request_refresh(&mut self, now: Time, peer: PeerId, family: Family) {
        let _ = (now, peer, family);
    }
}
