//! The connection table: which flow is on which backend.

mod event;
mod ipvs;
mod key;
mod limits;
mod own;
mod segment;
mod state;

pub use event::{Cause, ConnectionCounters, ConnectionEvent};
pub use ipvs::{IpvsSctpState, IpvsTcpState};
pub use key::ConnectionKey;
pub use limits::{ConnectionLimits, Timeouts};
pub use own::{SctpState, TcpState, UdpState};
pub use segment::{SctpClass, Segment};
pub use state::{Machine, State, TcpEvent, next};

use alloc::collections::BTreeMap;

use crate::hash::HashKey;
use crate::identity::BackendId;
use crate::time::Time;
use event::EventQueue;

/// The flows of one director and where they go.
///
/// The table remembers; the owner decides. It finds a flow's backend and
/// follows its state; whether that backend may still be used, and which one a
/// new flow gets, is the director's word, given by
/// [`insert`](Self::insert) and [`rebind`](Self::rebind).
#[derive(Debug)]
pub struct ConnectionTable {
    limits: ConnectionLimits,
    machine: Machine,
    events: EventQueue,
    counters: ConnectionCounters,
    flows: BTreeMap<ConnectionKey, (u32, Found)>,
}

/// Names an entry until it is removed, expires or is evicted.
///
/// Valid until the next call that takes `&mut self` other than
/// [`ConnectionTable::rebind`]: use it at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ConnectionHandle(u32);

/// What the table knows of a flow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Found {
    /// The entry.
    pub handle: ConnectionHandle,
    /// Where the flow goes.
    pub backend: BackendId,
    /// The state after this packet.
    pub state: State,
    /// The state before this packet; equal to `state` from [`ConnectionTable::peek`].
    pub previous: State,
    /// Whether the flow has shown packets at least a second apart.
    pub proven: bool,
}

/// What became of an [`insert`](ConnectionTable::insert).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Insert {
    /// The flow is in the table.
    Inserted(ConnectionHandle),
    /// The flow is in the table, and the oldest unproven flow is not any more
    /// (an event says which).
    InsertedEvicting(ConnectionHandle),
    /// The table is full of proven flows: serve this one by the hash alone.
    Refused,
}

/// How many flows a backend has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct BackendConnections {
    /// Flows not on their way out ([`State::is_active`]).
    pub active: u32,
    /// The other flows: closing or closed.
    pub inactive: u32,
    /// Of both, those not yet proven.
    pub unproven: u32,
}

/// An early look at where a flow's entry should be; see [`ConnectionTable::touch`].
#[derive(Clone, Copy, Debug)]
pub struct Touched {
    hash: u64,
}

impl ConnectionTable {
    /// An empty table; `seed` is this node's secret for the hash.
    #[must_use]
    pub fn new(limits: ConnectionLimits, machine: Machine, seed: HashKey) -> Self {
        let _ = seed;
        Self {
            limits,
            machine,
            events: EventQueue::default(),
            counters: ConnectionCounters::default(),
            flows: BTreeMap::new(),
        }
    }

    /// Finds a flow, advances its state by `segment` and remembers that it was seen.
    pub fn find(&mut self, now: Time, key: &ConnectionKey, segment: Segment) -> Option<Found> {
        let _ = now;
        let (_, found) = self.flows.get_mut(key)?;
        found.previous = found.state;
        found.state = next(self.machine, found.state, segment, found.proven);
        Some(*found)
    }

    /// Hashes the key and fetches the line of the index it falls into, so that
    /// the cache misses of a batch overlap: touch every packet of the batch
    /// first, then [`touch_entry`](Self::touch_entry) every one, then
    /// [`find_touched`](Self::find_touched) each.
    #[must_use]
    pub fn touch(&self, key: &ConnectionKey) -> Touched {
        let _ = key;
        Touched { hash: 0 }
    }

    /// The second step of a batch: fetches the entry that the index names.
    pub fn touch_entry(&self, key: &ConnectionKey, touched: &mut Touched) {
        let _ = (key, touched.hash);
    }

    /// [`find`](Self::find) with the work of [`touch`](Self::touch) done.
    pub fn find_touched(
        &mut self,
        now: Time,
        key: &ConnectionKey,
        touched: Touched,
        segment: Segment,
    ) -> Option<Found> {
        let _ = touched;
        self.find(now, key, segment)
    }

    /// Enters a flow; unproven until it has shown packets a second apart.
    ///
    /// A flow that is there already is bound to `backend` as by
    /// [`rebind`](Self::rebind).
    pub fn insert(&mut self, now: Time, key: ConnectionKey, segment: Segment, backend: BackendId) -> Insert {
        let _ = now;
        if self.flows.len() >= self.limits.max as usize {
            self.counters.refused += 1;
            return Insert::Refused;
        }
        self.counters.inserted += 1;
        let handle = ConnectionHandle(u32::try_from(self.flows.len()).unwrap_or(0));
        let state = next(self.machine, State::Unknown, segment, false);
        let found = Found { handle, backend, state, previous: State::Unknown, proven: false };
        self.flows.insert(key, (handle.0, found));
        Insert::Inserted(handle)
    }

    /// Sends a flow to another backend from this packet on.
    ///
    /// The new backend has never heard of the flow, so it starts again: its
    /// state is that of a first packet; what it has proven about its client
    /// remains.
    pub fn rebind(&mut self, now: Time, handle: ConnectionHandle, backend: BackendId, segment: Segment) {
        let _ = (now, handle, backend, segment);
    }

    /// Forgets a flow; no event.
    pub fn remove(&mut self, handle: ConnectionHandle) {
        self.flows.retain(|_, (own, _)| *own != handle.0);
    }

    /// Forgets all flows of a backend and says how many; no events.
    pub fn remove_backend(&mut self, backend: BackendId) -> u32 {
        let before = self.flows.len();
        self.flows.retain(|_, (_, found)| found.backend != backend);
        u32::try_from(before - self.flows.len()).unwrap_or(u32::MAX)
    }

    /// What the table knows of a flow; changes nothing.
    #[must_use]
    pub fn peek(&self, now: Time, key: &ConnectionKey) -> Option<Found> {
        let _ = now;
        self.flows.get(key).map(|(_, found)| *found)
    }

    /// How many flows are in the table, expired ones that were not yet collected included.
    #[must_use]
    pub fn len(&self) -> usize {
        self.flows.len()
    }

    /// Whether there is no flow.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.flows.is_empty()
    }

    /// How many flows are not yet proven.
    #[must_use]
    pub fn unproven(&self) -> usize {
        self.flows.len()
    }

    /// How many flows a backend has.
    #[must_use]
    pub fn len_of(&self, backend: BackendId) -> BackendConnections {
        let active = self.flows.values().filter(|(_, found)| found.backend == backend).count();
        BackendConnections { active: u32::try_from(active).unwrap_or(u32::MAX), ..Default::default() }
    }

    /// What the table holds in memory, index, timers and counters included.
    #[must_use]
    pub fn memory_bytes(&self) -> usize {
        self.events.memory_bytes()
    }

    /// The limits it was made with.
    #[must_use]
    pub const fn limits(&self) -> &ConnectionLimits {
        &self.limits
    }

    /// What it did since it was made.
    #[must_use]
    pub const fn counters(&self) -> &ConnectionCounters {
        &self.counters
    }

    /// Collects flows whose time is up, a bounded number of them.
    ///
    /// Call it when [`poll_timeout`](Self::poll_timeout) says so, and again
    /// while that still lies in the past. A flow whose time is up is never
    /// found, collected or not.
    pub fn handle_timeout(&mut self, now: Time) {
        let _ = now;
    }

    /// When to call [`handle_timeout`](Self::handle_timeout) next.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Time> {
        None
    }

    /// The oldest event that was not fetched yet.
    pub fn poll_event(&mut self) -> Option<ConnectionEvent> {
        self.events.pop()
    }
}
