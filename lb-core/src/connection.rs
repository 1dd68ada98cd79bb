//! The connection table: which flow is on which backend, and for how long.
//!
//! The table remembers; its owner, the director, decides. It finds a flow's
//! backend and follows its state; whether that backend may still be used, and
//! which one a new flow gets, comes in through [`ConnectionTable::insert`] and
//! [`ConnectionTable::rebind`]. Draining is the owner's decision too, helped by
//! [`ConnectionTable::len_of`].
//!
//! # Which flow goes when the table is full
//!
//! A stranger can make up any number of flows, each of one packet. So every
//! flow begins *unproven*, whatever its first packet: SYN, datagram, INIT or an
//! ACK in mid-flow.
//!
//! 1. It is proven, for as long as it lives, by a packet at least one second
//!    (in whole milliseconds) after its first one. A SYN or INIT proves nothing
//!    and starts that second again: a flood from few addresses repeats itself.
//!    Packets without a transport header ([`Segment::Other`]) do nothing.
//! 2. Unproven flows are at most [`ConnectionLimits::unproven`], half of the
//!    table by default. A new flow beyond that takes the place of the oldest
//!    unproven one, exact to within a second. At a flood of `r` packets a
//!    second a newcomer has `unproven / r` seconds to prove itself.
//! 3. A new flow in a full table takes the place of the oldest unproven one; if
//!    there is none it is refused, and its packets go where the hash sends them.
//! 4. A proven flow leaves only by its timeout or its owner's word. So no flood
//!    of one-packet flows evicts an established one.
//!
//! The same rules hold under [`Machine::Ipvs`], though the kernel, which has no
//! limit, has none like them.
//!
//! # Time
//!
//! Time is counted in whole milliseconds and never goes back. A flow is found
//! until its timeout after its last packet, to the millisecond if it is proven
//! and up to a second less if it is not; nothing past its deadline is found,
//! whether [`ConnectionTable::handle_timeout`] came by or not. Collecting takes
//! 64 ms longer at most, a second if it is unproven.
//!
//! # Cost
//!
//! A hit touches two cache lines, one of the index and one of the entries; all
//! operations take constant time but for [`ConnectionTable::remove_backend`].
//! Nothing is rebuilt when the table grows.

mod code;
mod event;
mod family;
mod index;
mod ipvs;
mod key;
mod ledger;
mod limits;
mod lists;
mod own;
mod segment;
mod segmented;
mod state;
mod wheel;

pub use event::{Cause, ConnectionCounters, ConnectionEvent};
pub use ipvs::{IpvsSctpState, IpvsTcpState};
pub use key::ConnectionKey;
pub use ledger::BackendConnections;
pub use limits::{ConnectionLimits, Timeouts};
pub use own::{SctpState, TcpState, UdpState};
pub use segment::{SctpClass, Segment, TcpEvent};
pub use state::{Machine, State, next};

use core::net::IpAddr;

use crate::hash::HashKey;
use crate::identity::BackendId;
use crate::time::Time;
use code::Rules;
use family::{Arrival, Client, Family};
use index::Place;
use key::Address;
use ledger::Ledger;

/// The flows of one director and where they go; the rules are in the [module's
/// documentation](self).
///
/// ```
/// use core::net::Ipv4Addr;
/// use lb_core::connection::{
///     ConnectionKey, ConnectionLimits, ConnectionTable, Insert, Machine, Segment,
/// };
/// use lb_core::{BackendId, HashKey, ServiceId, Time};
///
/// let limits = ConnectionLimits::new(100_000, Machine::Own);
/// let mut table = ConnectionTable::new(limits, Machine::Own, HashKey::new(*b"0123456789abcdef"));
///
/// let client = ConnectionKey::new(ServiceId(0), Ipv4Addr::new(192, 0, 2, 1).into(), 40_000);
/// let start = Time::from_secs(1);
/// assert_eq!(table.find(start, &client, Segment::SYN), None);
/// assert!(matches!(table.insert(start, client, Segment::SYN, BackendId(7)), Insert::Inserted(_)));
///
/// let found = table.find(Time::from_secs(3), &client, Segment::ACK).expect("it was entered");
/// assert_eq!((found.backend, found.proven), (BackendId(7), true));
/// assert_eq!(table.len_of(BackendId(7)).active, 1);
///
/// // Silent for 15 minutes: forgotten.
/// assert!(table.poll_timeout().is_some_and(|due| due <= Time::from_secs(903)));
/// assert_eq!(table.find(Time::from_secs(903), &client, Segment::ACK), None);
/// ```
#[derive(Debug)]
pub struct ConnectionTable {
    limits: ConnectionLimits,
    rules: Rules,
    seed: HashKey,
    ledger: Ledger,
    v4: Family<u32>,
    v6: Family<u128>,
    /// The latest time seen, in milliseconds; time never goes back.
    latest: u64,
    /// Everything due at this millisecond was collected.
    swept: u64,
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

/// An early look at where a flow's entry should be; see [`ConnectionTable::touch`].
#[derive(Clone, Copy, Debug)]
pub struct Touched {
    place: Place,
    entry: Option<u32>,
    v6: bool,
}

/// Marks the handle of an IPv6 flow.
const V6: u32 = 1 << 31;
/// The most flows a table may hold: numbers and marks share 32 bits.
const MOST: u32 = 1 << 30;
/// Flows that one [`ConnectionTable::handle_timeout`] looks at: some 0.1 ms.
const SWEEP: u32 = 1024;

impl ConnectionTable {
    /// An empty table; `seed` is this node's secret for the hash.
    ///
    /// It starts with some 25 KiB and grows with its flows, see
    /// [`memory_bytes`](Self::memory_bytes).
    #[must_use]
    pub fn new(limits: ConnectionLimits, machine: Machine, seed: HashKey) -> Self {
        let max = limits.max.min(MOST);
        let limits = ConnectionLimits { max, unproven: limits.unproven.clamp(1, max.max(1)), ..limits };
        Self {
            rules: Rules::new(machine, &limits.timeouts),
            limits,
            seed,
            ledger: Ledger::default(),
            v4: Family::new(max),
            v6: Family::new(max),
            latest: 0,
            swept: 0,
        }
    }

    /// Finds a flow, advances its state by `segment` and remembers that it was seen.
    #[inline(always)]
    pub fn find(&mut self, now: Time, key: &ConnectionKey, segment: Segment) -> Option<Found> {
        let place = self.place(key);
        self.find_placed(now, key, place, segment)
    }

    /// Hashes the key and fetches the line of the index it falls into.
    ///
    /// For a batch: touch every packet, then [`touch_entry`](Self::touch_entry)
    /// every one, then [`find_touched`](Self::find_touched) each. The cache
    /// misses of the batch then overlap instead of following each other.
    #[inline]
    #[must_use]
    pub fn touch(&self, key: &ConnectionKey) -> Touched {
        let place = self.place(key);
        match key.source {
            IpAddr::V4(_) => Touched { place, entry: self.v4.candidate(place), v6: false },
            IpAddr::V6(_) => Touched { place, entry: self.v6.candidate(place), v6: true },
        }
    }

    /// The second step of a batch: fetches the entry that the index names.
    #[inline]
    pub fn touch_entry(&self, touched: &Touched) {
        match (touched.entry, touched.v6) {
            (Some(number), false) => self.v4.fetch(number),
            (Some(number), true) => self.v6.fetch(number),
            (None, _) => {}
        }
    }

    /// [`find`](Self::find), with the key hashed by [`touch`](Self::touch).
    ///
    /// The touch may be of any age, but must be of this key.
    #[inline(always)]
    pub fn find_touched(
        &mut self,
        now: Time,
        key: &ConnectionKey,
        touched: &Touched,
        segment: Segment,
    ) -> Option<Found> {
        self.find_placed(now, key, touched.place, segment)
    }

    /// Enters a flow; unproven until it has shown packets a second apart.
    ///
    /// A flow that is there already is bound to `backend` as by
    /// [`rebind`](Self::rebind).
    pub fn insert(&mut self, now: Time, key: ConnectionKey, segment: Segment, backend: BackendId) -> Insert {
        let place = self.place(&key);
        self.insert_placed(now, &key, place, segment, backend)
    }

    /// [`insert`](Self::insert), with the key hashed by [`touch`](Self::touch).
    pub fn insert_touched(
        &mut self,
        now: Time,
        key: ConnectionKey,
        touched: &Touched,
        segment: Segment,
        backend: BackendId,
    ) -> Insert {
        self.insert_placed(now, &key, touched.place, segment, backend)
    }

    /// Sends a flow to another backend from this packet on.
    ///
    /// The new backend has never heard of the flow, so it starts again: its
    /// state is that of a first packet, and if it was not proven yet this is
    /// its first packet. A flow that was proven remains so.
    pub fn rebind(&mut self, now: Time, handle: ConnectionHandle, backend: BackendId, segment: Segment) {
        let now = self.clock(now);
        let (rules, ledger, number) = (&self.rules, &mut self.ledger, handle.0 & !V6);
        if handle.0 & V6 == 0 {
            self.v4.rebind(rules, ledger, now, number, segment, backend);
        } else {
            self.v6.rebind(rules, ledger, now, number, segment, backend);
        }
    }

    /// Forgets a flow; no event.
    pub fn remove(&mut self, handle: ConnectionHandle) {
        let number = handle.0 & !V6;
        if handle.0 & V6 == 0 {
            self.v4.remove(&mut self.ledger, number);
        } else {
            self.v6.remove(&mut self.ledger, number);
        }
    }

    /// Forgets all flows of a backend and says how many; no events.
    ///
    /// Walks over the entries until the last flow of the backend is gone: some
    /// 2 ns for each entry, and an eviction's cost for each flow of the backend.
    pub fn remove_backend(&mut self, backend: BackendId) -> u32 {
        let before = self.ledger.flows;
        self.v4.remove_backend(&mut self.ledger, backend);
        self.v6.remove_backend(&mut self.ledger, backend);
        before - self.ledger.flows
    }

    /// What the table knows of a flow; changes nothing.
    #[must_use]
    pub fn peek(&self, now: Time, key: &ConnectionKey) -> Option<Found> {
        let now = milliseconds(now).max(self.latest);
        if now - self.latest > u64::from(Rules::LONGEST_MS) {
            return None;
        }
        let place = self.place(key);
        match key.source {
            IpAddr::V4(source) => {
                let number = self.v4.search(&client(key, source.to_bits()), place)?;
                (!self.v4.is_expired(&self.rules, now, number)).then(|| self.v4.view(number))
            }
            IpAddr::V6(source) => {
                let number = self.v6.search(&client(key, source.to_bits()), place)?;
                (!self.v6.is_expired(&self.rules, now, number)).then(|| mark(self.v6.view(number)))
            }
        }
    }

    /// How many flows are in the table, expired ones that were not yet collected included.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.ledger.flows as usize
    }

    /// Whether there is no flow.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.ledger.flows == 0
    }

    /// How many flows are not yet proven.
    #[must_use]
    pub const fn unproven(&self) -> usize {
        self.ledger.unproven as usize
    }

    /// How many flows a backend has.
    #[must_use]
    pub fn len_of(&self, backend: BackendId) -> BackendConnections {
        self.ledger.of(backend)
    }

    /// The memory the table holds: entries, index, timers, counters, events.
    ///
    /// It grows with the flows, by segments that double, and is never given
    /// back; a table full of IPv4 (IPv6) flows holds 41 (57) bytes for each.
    #[must_use]
    pub fn memory_bytes(&self) -> usize {
        size_of::<Self>() + self.v4.memory_bytes() + self.v6.memory_bytes() + self.ledger.memory_bytes()
    }

    /// The limits it keeps.
    #[must_use]
    pub const fn limits(&self) -> &ConnectionLimits {
        &self.limits
    }

    /// What it did since it was made.
    #[must_use]
    pub const fn counters(&self) -> &ConnectionCounters {
        &self.ledger.counters
    }

    /// Collects flows whose time is up, a bounded number of them.
    ///
    /// Call it when [`poll_timeout`](Self::poll_timeout) says so, and again
    /// while that still lies in the past. A flow whose time is up is never
    /// found, collected or not.
    pub fn handle_timeout(&mut self, now: Time) {
        let now = self.clock(now);
        let mut budget = SWEEP;
        let v4_done = self.v4.sweep(&self.rules, &mut self.ledger, now, &mut budget);
        if v4_done && self.v6.sweep(&self.rules, &mut self.ledger, now, &mut budget) {
            self.swept = now;
        }
    }

    /// When to call [`handle_timeout`](Self::handle_timeout) next; it may be too early.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Time> {
        let wake = self.v4.wake().min(self.v6.wake());
        (wake != u64::MAX).then(|| Time::from_millis(wake))
    }

    /// The oldest event that was not fetched yet.
    pub fn poll_event(&mut self) -> Option<ConnectionEvent> {
        self.ledger.events.pop()
    }

    #[inline(always)]
    fn place(&self, key: &ConnectionKey) -> Place {
        let hash = match key.source {
            IpAddr::V4(source) => source.to_bits().hash(&self.seed, key.service, key.source_port),
            IpAddr::V6(source) => source.to_bits().hash(&self.seed, key.service, key.source_port),
        };
        Place::of(hash)
    }

    #[inline(always)]
    fn find_placed(
        &mut self,
        now: Time,
        key: &ConnectionKey,
        place: Place,
        segment: Segment,
    ) -> Option<Found> {
        let now = self.clock(now);
        let (rules, ledger) = (&self.rules, &mut self.ledger);
        match key.source {
            IpAddr::V4(source) => {
                let number = self.v4.search(&client(key, source.to_bits()), place)?;
                self.v4.observe(rules, ledger, now, number, segment)
            }
            IpAddr::V6(source) => {
                let number = self.v6.search(&client(key, source.to_bits()), place)?;
                self.v6.observe(rules, ledger, now, number, segment).map(mark)
            }
        }
    }

    fn insert_placed(
        &mut self,
        now: Time,
        key: &ConnectionKey,
        place: Place,
        segment: Segment,
        backend: BackendId,
    ) -> Insert {
        if let Some(found) = self.find_placed(now, key, place, Segment::Other) {
            self.rebind(now, found.handle, backend, segment);
            return Insert::Inserted(found.handle);
        }
        let now = self.clock(now);
        let full = self.ledger.flows >= self.limits.max;
        if full && self.ledger.unproven == 0 {
            self.ledger.counters.refused += 1;
            return Insert::Refused;
        }
        let evict = full || self.ledger.unproven >= self.limits.unproven;
        if evict {
            self.evict(now);
        }
        let (rules, ledger) = (&self.rules, &mut self.ledger);
        let handle = match key.source {
            IpAddr::V4(source) => {
                let client = client(key, source.to_bits());
                self.v4.insert(rules, ledger, now, Arrival { client, place, segment, backend })
            }
            IpAddr::V6(source) => {
                let client = client(key, source.to_bits());
                V6 | self.v6.insert(rules, ledger, now, Arrival { client, place, segment, backend })
            }
        };
        if evict {
            Insert::InsertedEvicting(ConnectionHandle(handle))
        } else {
            Insert::Inserted(ConnectionHandle(handle))
        }
    }

    /// Drops the oldest unproven flow of both families.
    fn evict(&mut self, now: u64) {
        match (self.v4.oldest_unproven(now), self.v6.oldest_unproven(now)) {
            (Some((age, _)), Some((age6, number))) if age6 > age => {
                self.v6.drop_flow(&mut self.ledger, number, Cause::Evicted);
            }
            (Some((_, number)), _) => self.v4.drop_flow(&mut self.ledger, number, Cause::Evicted),
            (None, Some((_, number))) => self.v6.drop_flow(&mut self.ledger, number, Cause::Evicted),
            (None, None) => {}
        }
    }

    /// Time as the table counts it: whole milliseconds that never go back.
    #[inline]
    fn clock(&mut self, now: Time) -> u64 {
        let now = milliseconds(now).max(self.latest);
        if now - self.swept > u64::from(Rules::LONGEST_MS) {
            self.catch_up(now);
        }
        self.latest = now;
        now
    }

    /// Nobody swept for 12 days: before times modulo 2^32 become ambiguous,
    /// collect everything that is due, however much it is.
    #[cold]
    fn catch_up(&mut self, now: u64) {
        if now - self.latest > u64::from(Rules::LONGEST_MS) {
            self.v4.expire_all(&mut self.ledger);
            self.v6.expire_all(&mut self.ledger);
        }
        let mut budget = u32::MAX;
        self.v4.sweep(&self.rules, &mut self.ledger, now, &mut budget);
        self.v6.sweep(&self.rules, &mut self.ledger, now, &mut budget);
        self.swept = now;
    }
}

#[inline]
const fn milliseconds(time: Time) -> u64 {
    time.as_nanos() / 1_000_000
}

#[inline]
const fn client<A: Copy>(key: &ConnectionKey, source: A) -> Client<A> {
    Client { service: key.service, source, port: key.source_port }
}

/// An IPv6 flow's handle is marked.
#[inline]
const fn mark(found: Found) -> Found {
    Found { handle: ConnectionHandle(found.handle.0 | V6), ..found }
}

#[cfg(test)]
mod tests;
