//! The speaker: one set of routes, and a session with each peer to tell it to.
//!
//! A change of the set marks prefixes; messages are made of the marks only as
//! fast as the peer takes them, so that a slow peer costs memory for what
//! differs and not for what happened. What the peer has heard is remembered:
//! nothing is told twice, and nothing is withdrawn that was not told.

mod configure;
mod export;
mod peer;
mod rib_out;
mod routes;
mod status;

use alloc::collections::{BTreeMap, VecDeque};
use alloc::sync::Arc;
use core::fmt;
use core::net::IpAddr;

use ipnet::IpNet;

use super::config::{PeerConfig, SpeakerConfig};
use super::identity::Family;
use super::session::timers::{Jitter, earliest, is_due};
use super::session::{ConnectionId, DownReason, Event, OwnRestart, Session, Transmit, WINDOW};
use crate::Time;
use peer::{Common, Peer};
use routes::Routes;

pub use routes::Route;
pub use status::{Counters, PeerStatus};

/// A peer of a speaker; the number of one that is gone is not given to another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PeerId(pub u32);

impl fmt::Display for PeerId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
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
/// that is gone do nothing, so that an adapter need not race. Hand over what
/// has arrived before telling the time: a peer whose words wait in a socket is
/// not silent.
///
/// On each connection no more than [`WINDOW`](Self::WINDOW) octets and one
/// message are handed out before [`handle_sent`](Self::handle_sent) says that
/// some were written: the queue in front of a slow peer is bounded.
///
/// ```
/// use lb_core::Time;
/// use lb_core::bgp::{Asn, PeerConfig, Route, Speaker, SpeakerConfig, Start, State, Transmit};
///
/// let router = PeerConfig::new("10.0.0.1".parse()?, Asn(64_500));
/// let config = SpeakerConfig { peers: vec![router], ..SpeakerConfig::new(Asn(64_512), "10.0.0.11".parse()?) };
/// let mut speaker = Speaker::new(config, Start::Cold, 7);
/// speaker.start(Time::ZERO);
/// speaker.announce(Time::ZERO, "203.0.113.10/32".parse()?, Route::default());
///
/// let Some((peer, Transmit::Connect { connection })) = speaker.poll_transmit() else { panic!("it connects") };
/// speaker.handle_closed(Time::ZERO, peer, connection); // nobody there
/// assert_eq!(speaker.status(peer).map(|status| status.state), Some(State::Active));
/// assert!(speaker.poll_timeout().is_some(), "it tries again");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Speaker {
    config: SpeakerConfig,
    start: Start,
    /// When it was started, once it was.
    started: Option<Time>,
    /// The set of routes is whole.
    complete: bool,
    /// The last time that anybody told.
    now: Time,
    jitter: Jitter,
    next_peer: u32,
    peers: BTreeMap<PeerId, Peer>,
    routes: Routes,
    /// The last words of peers that are gone.
    farewells: VecDeque<(PeerId, Transmit)>,
    events: VecDeque<(PeerId, Event)>,
}

impl Speaker {
    /// Octets handed out for one connection and not yet written, at most, but for one message.
    pub const WINDOW: usize = WINDOW;

    /// A speaker that does nothing before [`start`](Self::start).
    ///
    /// `seed` is the randomness of its timers; two nodes should not have the same.
    #[must_use]
    pub fn new(config: SpeakerConfig, start: Start, seed: u64) -> Self {
        let mut speaker = Self {
            config: SpeakerConfig::new(config.asn, config.router_id),
            start,
            started: None,
            complete: false,
            now: Time::ZERO,
            jitter: Jitter::new(seed),
            next_peer: 0,
            peers: BTreeMap::new(),
            routes: Routes::default(),
            farewells: VecDeque::new(),
            events: VecDeque::new(),
        };
        speaker.configure(Time::ZERO, config);
        speaker
    }

    /// Starts all sessions that are not started.
    pub fn start(&mut self, now: Time) {
        self.started.get_or_insert(now);
        for peer in self.peer_ids() {
            self.start_peer(now, peer);
        }
    }

    /// Ends all sessions and tells the peers why (RFC 9003); `start` begins anew.
    ///
    /// Peers that help with restarts do not keep the routes: they are told a hard reset (RFC 8538).
    /// An agent that will be back at once just closes its sockets.
    pub fn stop(&mut self, now: Time, text: &str) {
        for peer in self.peer_ids() {
            self.stop_peer(now, peer, text);
        }
        self.started = None;
    }

    /// Ends one session like [`stop`](Self::stop), until [`start_peer`](Self::start_peer).
    pub fn stop_peer(&mut self, now: Time, peer: PeerId, text: &str) {
        self.with(now, peer, |peer| {
            peer.stopped = true;
            peer.session.handle_stop(now, &DownReason::Stopped { text: text.into() });
        });
    }

    /// Starts one session, at once where it was waiting for its next attempt.
    pub fn start_peer(&mut self, now: Time, peer: PeerId) {
        self.with(now, peer, |peer| {
            peer.stopped = false;
            peer.session.handle_start(now);
        });
    }

    /// Announces a prefix to all peers, or changes what its route says. Bits past its length are ignored.
    pub fn announce(&mut self, now: Time, prefix: IpNet, route: Route) {
        self.now = now;
        let prefix = prefix.trunc();
        if let Some(route) = self.routes.insert(prefix, route) {
            self.want(prefix, Some(&route));
        }
    }

    /// Withdraws a prefix from all peers.
    pub fn withdraw(&mut self, now: Time, prefix: &IpNet) {
        self.now = now;
        let prefix = prefix.trunc();
        if self.routes.remove(&prefix) {
            self.want(prefix, None);
        }
    }

    /// Says that the set of routes is whole after a start.
    ///
    /// A peer that kept our routes over a restart forgets those that were not told again when it hears
    /// End-of-RIB; so that is held back until this, and the restart time at most.
    pub fn complete(&mut self, now: Time) {
        self.now = now;
        self.complete = true;
        self.tell_restart();
    }

    /// A connection that [`Transmit::Connect`] asked for is open, from this local address.
    pub fn handle_connected(&mut self, now: Time, peer: PeerId, connection: ConnectionId, local: IpAddr) {
        self.with(now, peer, |peer| peer.session.handle_connected(now, connection, local));
    }

    /// The peer opened a connection to this local address; `None`: close it.
    #[must_use]
    pub fn handle_accepted(&mut self, now: Time, peer: PeerId, local: IpAddr) -> Option<ConnectionId> {
        self.with(now, peer, |peer| peer.session.handle_accepted(now, local)).flatten()
    }

    /// A connection could not be opened, or ended, for whatever reason.
    pub fn handle_closed(&mut self, now: Time, peer: PeerId, connection: ConnectionId) {
        self.with(now, peer, |peer| peer.session.handle_closed(now, connection));
    }

    /// Octets arrived.
    pub fn handle_bytes(&mut self, now: Time, peer: PeerId, connection: ConnectionId, bytes: &[u8]) {
        self.with(now, peer, |peer| peer.session.handle_bytes(now, connection, bytes));
    }

    /// So many octets of what [`Transmit::Send`] asked for were written.
    pub fn handle_sent(&mut self, now: Time, peer: PeerId, connection: ConnectionId, octets: usize) {
        self.with(now, peer, |peer| peer.session.handle_sent(now, connection, octets));
    }

    /// BFD says that the peer is dead, which was last heard while it lived at `heard`
    /// ([`bfd::Session::last_alive`](crate::bfd::Session::last_alive)): its session ends at once,
    /// unless its connection is younger than that.
    pub fn handle_neighbour_down(&mut self, now: Time, peer: PeerId, heard: Time) {
        self.with(now, peer, |peer| peer.session.handle_neighbour_down(now, heard));
    }

    /// Does what is due.
    pub fn handle_timeout(&mut self, now: Time) {
        self.now = now;
        for peer in self.peer_ids() {
            self.with(now, peer, |peer| peer.session.handle_timeout(now));
        }
    }

    /// What the adapter shall do next.
    #[must_use]
    pub fn poll_transmit(&mut self) -> Option<(PeerId, Transmit)> {
        if let Some(farewell) = self.farewells.pop_front() {
            return Some(farewell);
        }
        let (now, started, complete) = (self.now, self.started, self.may_end_rib());
        let common = common(&self.config, &self.routes);
        self.peers.iter_mut().find_map(|(id, peer)| {
            if let Some(transmit) = peer.session.poll_transmit() {
                return Some((*id, transmit));
            }
            let deadline = started.and_then(|started| peer.end_of_rib_deadline(started));
            let may_end = complete || deadline.is_none() || is_due(deadline, now);
            let update = peer.next_update(may_end, common)?;
            peer.session.send_update(now, update);
            peer.session.poll_transmit().map(|transmit| (*id, transmit))
        })
    }

    /// What happened.
    #[must_use]
    pub fn poll_event(&mut self) -> Option<(PeerId, Event)> {
        self.events.pop_front()
    }

    /// When [`handle_timeout`](Self::handle_timeout) is due.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Time> {
        let waits = |peer: &Peer| {
            let started = self.started.filter(|_| !self.may_end_rib())?;
            peer.end_of_rib_deadline(started).filter(|deadline| *deadline > self.now)
        };
        let of_peer = |peer: &Peer| earliest([peer.session.poll_timeout(), waits(peer)]);
        self.peers.values().filter_map(of_peer).min()
    }

    /// The peers with their configuration, by number.
    pub fn peers(&self) -> impl Iterator<Item = (PeerId, &PeerConfig)> {
        self.peers.iter().map(|(id, peer)| (*id, peer.session.config()))
    }

    /// The peer at an address; of several with a link-local one of IPv6, that on the interface, which
    /// tells nothing apart elsewhere.
    #[must_use]
    pub fn peer_at(&self, address: IpAddr, interface: Option<&str>) -> Option<PeerId> {
        let is_local = matches!(address, IpAddr::V6(address) if address.is_unicast_link_local());
        let is = |peer: &PeerConfig| {
            let is_there = peer.interface.is_none() || peer.interface.as_deref() == interface;
            peer.address == address && (is_there || !is_local)
        };
        self.peers().find(|(_, peer)| is(peer)).map(|(id, _)| id)
    }

    /// How it stands with a peer.
    #[must_use]
    pub fn status(&self, peer: PeerId) -> Option<PeerStatus> {
        self.peers.get(&peer).map(|peer| peer.status(common(&self.config, &self.routes)))
    }

    /// The routes that are announced, by prefix.
    pub fn routes(&self) -> impl Iterator<Item = (&IpNet, &Route)> {
        self.routes.iter().map(|(prefix, route)| (prefix, &**route))
    }

    /// Asks a peer to tell its routes of a family again (RFC 2918); whether it can be asked.
    pub fn request_refresh(&mut self, now: Time, peer: PeerId, family: Family) -> bool {
        self.with(now, peer, |peer| peer.session.request_refresh(now, family)).unwrap_or(false)
    }

    /// Lets something happen to a peer, and takes note of what came of it.
    fn with<T>(&mut self, now: Time, id: PeerId, happen: impl FnOnce(&mut Peer) -> T) -> Option<T> {
        self.now = now;
        self.end_restart();
        let common = common(&self.config, &self.routes);
        let peer = self.peers.get_mut(&id)?;
        let outcome = happen(peer);
        while let Some(event) = peer.session.poll_event() {
            peer.note(&event, common);
            self.events.push_back((id, event));
        }
        Some(outcome)
    }

    fn want(&mut self, prefix: IpNet, route: Option<&Arc<Route>>) {
        let common = common(&self.config, &self.routes);
        for peer in self.peers.values_mut() {
            peer.want(prefix, route, common);
        }
    }

    /// Whether End-of-RIB need not wait for [`complete`](Self::complete): nobody kept anything of ours.
    fn may_end_rib(&self) -> bool {
        self.complete || self.start == Start::Cold
    }

    /// What the next OPENs say of our restart.
    fn own_restart(&self) -> OwnRestart {
        let preserved = self.start == Start::ForwardingPreserved;
        // Once all was told, whatever restarts is a session alone, and forwarding goes on.
        OwnRestart { restarted: preserved && !self.complete, preserved: preserved || self.complete }
    }

    /// Whoever kept our routes waits no longer than it was asked to: after that a restart is over, and
    /// OPENs do not speak of it any more, whether or not anybody said that the routes are complete.
    fn end_restart(&mut self) {
        if self.may_end_rib() {
            return;
        }
        let restarts = self.peers.values().map(|peer| peer.session.config().graceful_restart);
        let longest = restarts.filter(|restart| restart.restarting).map(|restart| restart.restart_time).max();
        let over = self.started.zip(longest).map(|(started, longest)| started + longest);
        if is_due(over, self.now) {
            self.complete = true;
            self.tell_restart();
        }
    }

    fn tell_restart(&mut self) {
        let own = self.own_restart();
        for peer in self.peers.values_mut() {
            peer.session.set_own_restart(own);
        }
    }

    fn add_peer(&mut self, session: Session) -> PeerId {
        let id = PeerId(self.next_peer);
        self.next_peer += 1;
        self.peers.insert(id, Peer { session, stopped: false, rib: None });
        id
    }

    fn peer_ids(&self) -> alloc::vec::Vec<PeerId> {
        self.peers.keys().copied().collect()
    }
}

const fn common<'a>(config: &SpeakerConfig, routes: &'a Routes) -> Common<'a> {
    Common { asn: config.asn, graceful_shutdown: config.graceful_shutdown, routes }
}

#[cfg(test)]
mod tests;
