//! One session with one peer: a pure machine (RFC 4271 section 8).
//!
//! Two sides may connect to each other at once, so a session has up to two
//! machines of the RFC: the primary one, which also opens connections, and a
//! second one for a connection that the peer opened meanwhile. Once one of
//! them knows whom it speaks to, one is given up (section 6.8) and the other is
//! primary. Which state leads where is [`fsm`]'s; what it takes is here; which
//! routes are sent is the [`speaker`](super::speaker)'s.

mod connection;
mod ending;
mod event;
mod fsm;
mod input;
mod messages;
mod negotiate;
mod received;
mod sending;
pub(super) mod timers;
mod view;

use alloc::collections::{BTreeSet, VecDeque};
use alloc::vec::Vec;
use core::net::IpAddr;
use core::time::Duration;

use ipnet::IpNet;

pub use event::{ConnectionId, Down, DownReason, Established, Event, Side, Transmit};
pub use fsm::State;
pub use negotiate::{Local, OwnRestart};

use super::config::PeerConfig;
use super::message::{FaultKind, Message};
use super::speaker::Counters;
use crate::Time;
use connection::{Connection, Machine};
use fsm::{Action, Input};
use received::Received;
use timers::{Backoff, Jitter, LARGE_HOLD, SHORTEST, earliest, is_due, send_hold};

/// A session with one peer.
///
/// Drive it like any machine: after each `handle_*` drain
/// [`poll_transmit`](Self::poll_transmit), then [`poll_event`](Self::poll_event),
/// then read [`poll_timeout`](Self::poll_timeout). A [`Speaker`](super::Speaker)
/// does that for all of its own.
///
/// ```
/// use lb_core::Time;
/// use lb_core::bgp::session::{Local, Session};
/// use lb_core::bgp::{Asn, PeerConfig, State, Transmit};
///
/// let local = Local { asn: Asn(64_512), router_id: "10.0.0.11".parse()? };
/// let mut session = Session::new(local, PeerConfig::new("10.0.0.1".parse()?, Asn(64_500)), 7);
/// session.handle_start(Time::ZERO);
/// let Some(Transmit::Connect { connection }) = session.poll_transmit() else { panic!("it connects") };
/// session.handle_connected(Time::ZERO, connection, "10.0.0.11".parse()?);
/// assert_eq!(session.state(), State::OpenSent);
/// assert!(matches!(session.poll_transmit(), Some(Transmit::Send { .. })));
/// # Ok::<(), core::net::AddrParseError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Session {
    local: Local,
    config: PeerConfig,
    own_restart: OwnRestart,
    primary: Machine,
    second: Option<Machine>,
    connect_retry: Option<Time>,
    /// Until when it is left alone after a fall.
    idle_hold: Option<Time>,
    backoff: Backoff,
    jitter: Jitter,
    received: Received,
    next_connection: u64,
    /// The state that was last told, and since when it is.
    reported: (State, Time),
    last_down: Option<Down>,
    up_since: Option<Time>,
    times_established: u64,
    counters: Counters,
    /// Attributes and what was wrong with them, in this session.
    told_faults: BTreeSet<(u8, FaultKind)>,
    transmits: VecDeque<Transmit>,
    events: VecDeque<Event>,
}

/// One of the two machines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Slot {
    Primary,
    Second,
}

/// Octets handed out for one connection and not yet written, at most, but for one message.
pub(super) const WINDOW: usize = 65_536;

impl Session {
    /// A session that waits for [`handle_start`](Self::handle_start); `seed` is the randomness of its timers.
    #[must_use]
    pub fn new(local: Local, config: PeerConfig, seed: u64) -> Self {
        Self {
            local,
            config,
            own_restart: OwnRestart::default(),
            primary: Machine::default(),
            second: None,
            connect_retry: None,
            idle_hold: None,
            backoff: Backoff::default(),
            jitter: Jitter::new(seed),
            received: Received::default(),
            next_connection: 0,
            reported: (State::Idle, Time::ZERO),
            last_down: None,
            up_since: None,
            times_established: 0,
            counters: Counters::default(),
            told_faults: BTreeSet::new(),
            transmits: VecDeque::new(),
            events: VecDeque::new(),
        }
    }

    /// Starts, at once where it was left alone after a fall; does nothing where it runs.
    pub fn handle_start(&mut self, now: Time) {
        self.idle_hold = None;
        let start = if self.config.passive { Input::StartPassive } else { Input::Start };
        self.advance(now, Slot::Primary, start, None);
    }

    /// Stops and tells the peer why; it stays down until it is started.
    pub fn handle_stop(&mut self, now: Time, reason: &DownReason) {
        self.idle_hold = None;
        self.advance(now, Slot::Second, Input::Stop, Some(reason.clone()));
        self.advance(now, Slot::Primary, Input::Stop, Some(reason.clone()));
        // nobody waits for a peer that is not wanted
        let gone = self.received.session_down(now, None);
        self.withdrawn(gone);
    }

    /// BFD says that the peer is dead, which was last heard while it lived at `heard`.
    ///
    /// A connection that opened later is another's: of a peer that has restarted meanwhile, faster
    /// than BFD noticed. It stays, and so do the routes that a graceful restart has kept.
    pub fn handle_neighbour_down(&mut self, now: Time, heard: Time) {
        // An attempt that is on its way says by itself whether anybody is there.
        let is_older = |connection: &Connection| connection.opened.is_some_and(|opened| opened <= heard);
        for slot in [Slot::Second, Slot::Primary] {
            if self.connection(slot).is_some_and(is_older) {
                self.advance(now, slot, Input::Refused, Some(DownReason::NeighbourDown));
            }
        }
    }

    /// The connection that was asked for is open, from this address of ours.
    pub fn handle_connected(&mut self, now: Time, connection: ConnectionId, local: IpAddr) {
        let Some(slot) = self.slot(connection) else { return };
        if let Some(connection) = self.connection_mut(slot) {
            connection.local.get_or_insert(local);
            connection.opened.get_or_insert(now);
        }
        self.advance(now, slot, Input::Connected, None);
    }

    /// The peer opened a connection; its name from now on, or `None` to close it.
    #[must_use]
    pub fn handle_accepted(&mut self, now: Time, local: IpAddr) -> Option<ConnectionId> {
        let slot = match self.primary.state {
            State::Idle => return None,
            State::Active => Slot::Primary,
            State::Connect | State::OpenSent | State::OpenConfirm | State::Established => Slot::Second,
        };
        let id = self.new_connection();
        let connection = Connection { opened: Some(now), ..Connection::new(id, Some(local)) };
        let machine = Machine { state: State::Active, connection: Some(connection) };
        match slot {
            Slot::Primary => self.primary.connection = machine.connection,
            Slot::Second => {
                // The peer opens one at a time: it has given up the one before.
                self.advance(now, Slot::Second, Input::CollisionLost, None);
                self.second = Some(machine);
            }
        }
        self.advance(now, slot, Input::Connected, None);
        Some(id)
    }

    /// A connection could not be opened, or is gone.
    pub fn handle_closed(&mut self, now: Time, connection: ConnectionId) {
        if let Some(slot) = self.slot(connection) {
            self.advance(now, slot, Input::ConnectionLost, None);
        }
    }

    /// So many octets were written.
    pub fn handle_sent(&mut self, now: Time, connection: ConnectionId, octets: usize) {
        let Some(slot) = self.slot(connection) else { return };
        let Some(connection) = self.connection_mut(slot) else { return };
        connection.in_flight = connection.in_flight.saturating_sub(octets);
        let hold = connection.agreed.as_ref().map_or(Duration::ZERO, |agreed| agreed.hold_time);
        connection.send_hold = (connection.in_flight > 0).then(|| now + send_hold(hold));
    }

    /// Does what is due.
    pub fn handle_timeout(&mut self, now: Time) {
        if is_due(self.idle_hold, now) {
            self.handle_start(now);
        }
        if is_due(self.connect_retry, now) {
            self.connect_retry = None;
            self.advance(now, Slot::Primary, Input::ConnectRetryExpired, None);
        }
        for slot in [Slot::Second, Slot::Primary] {
            let due = |deadline: fn(&Connection) -> Option<Time>, session: &Self| {
                is_due(session.connection(slot).and_then(deadline), now)
            };
            if due(|connection| connection.hold, self) {
                self.advance(now, slot, Input::HoldExpired, None);
            }
            if due(|connection| connection.send_hold, self) {
                self.advance(now, slot, Input::Refused, Some(DownReason::SendHoldTimerExpired));
            }
            if due(|connection| connection.keepalive, self) {
                self.advance(now, slot, Input::KeepaliveExpired, None);
            }
        }
        let gone = self.received.handle_timeout(now);
        self.withdrawn(gone);
    }

    /// What the adapter shall do next.
    #[must_use]
    pub fn poll_transmit(&mut self) -> Option<Transmit> {
        self.transmits.pop_front()
    }

    /// What happened.
    #[must_use]
    pub fn poll_event(&mut self) -> Option<Event> {
        self.events.pop_front()
    }

    /// When [`handle_timeout`](Self::handle_timeout) is due.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Time> {
        earliest([
            self.idle_hold,
            self.connect_retry,
            self.primary.poll_timeout(),
            self.second.as_ref().and_then(Machine::poll_timeout),
            self.received.poll_timeout(),
        ])
    }

    /// Another configuration of the same peer, for the next OPEN and the next prefix.
    pub(super) fn reconfigure(&mut self, local: Local, config: PeerConfig) {
        (self.local, self.config) = (local, config);
    }

    /// What to say of our own restart in the next OPEN.
    pub const fn set_own_restart(&mut self, own: OwnRestart) {
        self.own_restart = own;
    }

    /// Lets an input act on a machine: the one place that assigns a state.
    fn advance(&mut self, now: Time, slot: Slot, input: Input, reason: Option<DownReason>) {
        let machine = match slot {
            Slot::Primary => &mut self.primary,
            Slot::Second => match &mut self.second {
                Some(machine) => machine,
                None => return,
            },
        };
        let from = machine.state;
        let (next, action) = from.next(input);
        machine.state = next;
        self.report(now);
        self.act(now, slot, from, action, reason);
    }

    /// Tells of the session's state if it is another.
    fn report(&mut self, now: Time) {
        let (from, to) = (self.reported.0, self.state());
        if from != to {
            self.reported = (to, now);
            self.events.push_back(Event::State { from, to });
        }
    }

    fn act(&mut self, now: Time, slot: Slot, from: State, action: Action, reason: Option<DownReason>) {
        match action {
            Action::Ignore => {}
            Action::Connect => {
                self.abandon(slot);
                let connection = self.new_connection();
                self.primary.connection = Some(Connection::new(connection, None));
                self.transmits.push_back(Transmit::Connect { connection });
                self.arm_retry(now);
            }
            Action::Await => self.wait(now, slot),
            Action::SendOpen => {
                if slot == Slot::Primary {
                    self.connect_retry = None;
                }
                let open = negotiate::offer(self.local, &self.config, self.own_restart);
                self.send(now, slot, &Message::Open(open));
                if let Some(connection) = self.connection_mut(slot) {
                    connection.hold = Some(now + LARGE_HOLD);
                }
            }
            Action::Confirm => {
                self.send_keepalive(now, slot);
                self.restart_hold(now, slot);
            }
            Action::Establish => {
                self.restart_hold(now, slot);
                self.establish(now, slot);
            }
            Action::Alive => self.restart_hold(now, slot),
            Action::SendKeepalive => self.send_keepalive(now, slot),
            Action::Abandon => {
                self.connect_retry = None;
                self.abandon(slot);
            }
            Action::End(ending) => self.end(now, slot, from, ending, reason),
        }
    }

    /// Active: the connection is gone or was never there.
    fn wait(&mut self, now: Time, slot: Slot) {
        if let Some(machine) = self.machine_mut(slot) {
            machine.connection = None;
        }
        if self.second.is_some() {
            // whichever of the two is gone, the other goes on
            self.drop_machine(now, slot);
        } else if !self.config.passive {
            self.arm_retry(now);
        }
    }

    fn arm_retry(&mut self, now: Time) {
        let interval = self.config.timers.connect_retry.max(SHORTEST);
        self.connect_retry = Some(now + self.jitter.shortened(interval));
    }

    fn establish(&mut self, now: Time, slot: Slot) {
        let other = if slot == Slot::Primary { Slot::Second } else { Slot::Primary };
        self.advance(now, other, Input::CollisionLost, None);
        self.promote(now);
        self.connect_retry = None;
        self.up_since = Some(now);
        self.times_established += 1;
        self.told_faults.clear();
        let Some(agreed) = self.established().cloned() else { return };
        let stale_time = self.config.graceful_restart.stale_time;
        let gone = self.received.session_up(now, agreed.capabilities.restart(), stale_time);
        self.withdrawn(gone);
        self.events.push_back(Event::Up(agreed));
    }

    fn withdrawn(&mut self, prefixes: Vec<IpNet>) {
        if !prefixes.is_empty() {
            self.events.push_back(Event::Withdrawn { prefixes });
        }
    }

    const fn new_connection(&mut self) -> ConnectionId {
        self.next_connection += 1;
        ConnectionId(self.next_connection)
    }

    fn slot(&self, id: ConnectionId) -> Option<Slot> {
        let has = |slot: &Slot| self.connection(*slot).is_some_and(|connection| connection.id == id);
        [Slot::Primary, Slot::Second].into_iter().find(has)
    }

    fn machine(&self, slot: Slot) -> Option<&Machine> {
        match slot {
            Slot::Primary => Some(&self.primary),
            Slot::Second => self.second.as_ref(),
        }
    }

    fn machine_mut(&mut self, slot: Slot) -> Option<&mut Machine> {
        match slot {
            Slot::Primary => Some(&mut self.primary),
            Slot::Second => self.second.as_mut(),
        }
    }

    fn connection(&self, slot: Slot) -> Option<&Connection> {
        self.machine(slot)?.connection.as_ref()
    }

    fn connection_mut(&mut self, slot: Slot) -> Option<&mut Connection> {
        self.machine_mut(slot)?.connection.as_mut()
    }
}
