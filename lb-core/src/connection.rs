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
//!    table by default. A new flow beyond that, or in a full table, takes the
//!    place of the oldest unproven one, exact to within a second.
//! 3. Proven flows are at most all but [`ConnectionLimits::reserve`], a
//!    sixteenth of the table, which nobody can take from newcomers. While there
//!    are as many, no further flow is proven, and a flow that would be becomes
//!    the youngest of the unproven.
//! 4. A proven flow leaves only by its timeout or its owner's word. So no flood
//!    of one-packet flows evicts an established one. (A forged reset shortens the
//!    timeout of a flow that is silent; one that talks is open again.)
//!
//! So a new flow is always entered. Under a flood of `r` new flows a second it
//! stays for `unproven / r` seconds to prove itself, while proven flows leave
//! that much room; and for `reserve / r` whatever anybody does. A stranger who
//! sends two packets a second apart for each made-up flow can fill all of the
//! table but the reserve until those time out: established flows are as safe as
//! before, but newcomers then have no more than the reserve to rely on. A flow
//! that is evicted still goes where the hash sends it, which is where it went
//! unless the backends have changed meanwhile.
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
mod entry;
mod event;
mod family;
mod found;
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
pub use found::{ConnectionHandle, Found, Insert, Touched};
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
use entry::Client;
use family::{Arrival, Family};
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

/// Marks the handle of an IPv6 flow.
const V6: u32 = 1 << 31;
/// The most flows a table may hold: numbers and marks share 32 bits.
const MOST: u32 = 1 << 30;
/// Flows that one [`ConnectionTable::handle_timeout`] looks at: some 0.1 ms.
const SWEEP: u32 = 1024;
/// Flows that an insert into a full table looks at before it evicts one.
const ROOM_SWEEP: u32 = 16;

impl ConnectionTable {
    /// An empty table; `seed` is this node's secret for the hash.
    ///
    /// It starts with some 25 KiB and grows with its flows, see
    /// [`memory_bytes`](Self::memory_bytes).
    #[must_use]
    pub fn new(limits: ConnectionLimits, machine: Machine, seed: HashKey) -> Self {
        let max = limits.max.clamp(1, MOST);
        let limits = ConnectionLimits { max, unproven: limits.unproven.clamp(1, max), ..limits };
        Self {
            rules: Rules::new(machine, &limits.timeouts),
            limits,
            seed,
            ledger: Ledger::new(limits.max - limits.reserve()),
            v4: Family::new(max),
            v6: Family::new(max),
            latest: 0,
            swept: 0,
        }
    }

    /// Finds a flow, advances its state by `segment` and remembers that it was seen.
    ///
    /// [`peek`](Self::peek) and [`observe`](Self::observe) in one, for an owner
    /// who need not decide between the two.
    #[inline]
    pub fn find(&mut self, now: Time, key: &ConnectionKey, segment: Segment) -> Option<Found> {
        let now = self.clock(now);
        let place = self.place(key);
        let (rules, ledger) = (&self.rules, &mut self.ledger);
        match key.source {
            IpAddr::V4(source) => {
                self.v4.find(rules, ledger, now, &client(key, source.to_bits()), place, segment)
            }
            IpAddr::V6(source) => {
                self.v6.find(rules, ledger, now, &client(key, source.to_bits()), place, segment).map(mark)
            }
        }
    }

    /// Hashes a key: the part of a look-up that needs no look at the table.
    ///
    /// One packet's key is hashed once and used for [`peek_touched`](Self::peek_touched)
    /// and [`insert_touched`](Self::insert_touched). For a batch of packets,
    /// touch all, then [`fetch_index`](Self::fetch_index) all, then
    /// [`fetch_entry`](Self::fetch_entry) all: the cache misses of the batch
    /// then overlap instead of following each other.
    #[inline(always)]
    #[must_use]
    pub fn touch(&self, key: &ConnectionKey) -> Touched {
        Touched { place: self.place(key), v6: key.source.is_ipv6() }
    }

    /// Fetches the line of the index that a key falls into.
    #[inline(always)]
    pub fn fetch_index(&self, touched: &Touched) {
        if touched.v6 { self.v6.fetch_index(touched.place) } else { self.v4.fetch_index(touched.place) }
    }

    /// Fetches the entry that a key probably has, by its line of the index.
    #[inline(always)]
    pub fn fetch_entry(&self, touched: &Touched) {
        if touched.v6 { self.v6.fetch_entry(touched.place) } else { self.v4.fetch_entry(touched.place) }
    }

    /// What the table knows of a flow; changes nothing.
    #[must_use]
    pub fn peek(&self, now: Time, key: &ConnectionKey) -> Option<Found> {
        self.peek_touched(now, key, &self.touch(key))
    }

    /// [`peek`](Self::peek), with the key hashed by [`touch`](Self::touch).
    ///
    /// The touch may be of any age, but must be of this key.
    #[inline(always)]
    #[must_use]
    pub fn peek_touched(&self, now: Time, key: &ConnectionKey, touched: &Touched) -> Option<Found> {
        let now = milliseconds(now).max(self.latest);
        if now - self.latest > u64::from(Rules::LONGEST_MS) {
            return None;
        }
        match key.source {
            IpAddr::V4(source) => {
                let number = self.v4.search(&client(key, source.to_bits()), touched.place)?;
                self.v4.view(&self.rules, now, number)
            }
            IpAddr::V6(source) => {
                let number = self.v6.search(&client(key, source.to_bits()), touched.place)?;
                self.v6.view(&self.rules, now, number).map(mark)
            }
        }
    }

    /// Advances the state of a flow that was found by `segment` and remembers that it was seen.
    #[inline(always)]
    pub fn observe(&mut self, now: Time, handle: ConnectionHandle, segment: Segment) {
        let now = self.clock(now);
        let (rules, ledger, number) = (&self.rules, &mut self.ledger, handle.0 & !V6);
        if handle.0 & V6 == 0 {
            self.v4.observe(rules, ledger, now, number, segment);
        } else {
            self.v6.observe(rules, ledger, now, number, segment);
        }
    }

    /// Enters a flow; unproven until it has shown packets a second apart.
    ///
    /// A flow that is there already is bound to `backend` as by
    /// [`rebind`](Self::rebind).
    pub fn insert(&mut self, now: Time, key: ConnectionKey, segment: Segment, backend: BackendId) -> Insert {
        let touched = self.touch(&key);
        self.insert_touched(now, key, &touched, segment, backend)
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
        let now = self.clock(now);
        if let Some(handle) = self.live(now, &key, touched.place) {
            self.rebind_at(now, handle, backend, segment);
            return Insert::Inserted(handle);
        }
        let evicts = self.make_room(now);
        let (rules, ledger, place) = (&self.rules, &mut self.ledger, touched.place);
        let handle = ConnectionHandle(match key.source {
            IpAddr::V4(source) => {
                let client = client(&key, source.to_bits());
                self.v4.insert(rules, ledger, now, Arrival { client, place, segment, backend })
            }
            IpAddr::V6(source) => {
                let client = client(&key, source.to_bits());
                V6 | self.v6.insert(rules, ledger, now, Arrival { client, place, segment, backend })
            }
        });
        if evicts { Insert::InsertedEvicting(handle) } else { Insert::Inserted(handle) }
    }

    /// Sends a flow to another backend from this packet on.
    ///
    /// The new backend has never heard of the flow, so it starts again: its
    /// state is that of a first packet, and if it was not proven yet this is
    /// its first packet. A flow that was proven remains so.
    pub fn rebind(&mut self, now: Time, handle: ConnectionHandle, backend: BackendId, segment: Segment) {
        let now = self.clock(now);
        self.rebind_at(now, handle, backend, segment);
    }

    fn rebind_at(&mut self, now: u64, handle: ConnectionHandle, backend: BackendId, segment: Segment) {
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
    /// back; a table full of IPv4 (IPv6) flows holds 42 (54) bytes for each.
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

    /// Whom the events that wait to be fetched are about.
    pub(crate) fn backends_of_events(&self) -> impl Iterator<Item = BackendId> {
        self.ledger.events.backends()
    }

    #[inline(always)]
    fn place(&self, key: &ConnectionKey) -> Place {
        let hash = match key.source {
            IpAddr::V4(source) => source.to_bits().hash(&self.seed, key.service, key.source_port),
            IpAddr::V6(source) => source.to_bits().hash(&self.seed, key.service, key.source_port),
        };
        Place::of(hash)
    }

    /// A flow that is there; an expired one is dropped.
    fn live(&mut self, now: u64, key: &ConnectionKey, place: Place) -> Option<ConnectionHandle> {
        let (rules, ledger) = (&self.rules, &mut self.ledger);
        match key.source {
            IpAddr::V4(source) => {
                let number = self.v4.live(rules, ledger, now, &client(key, source.to_bits()), place)?;
                Some(ConnectionHandle(number))
            }
            IpAddr::V6(source) => {
                let number = self.v6.live(rules, ledger, now, &client(key, source.to_bits()), place)?;
                Some(ConnectionHandle(V6 | number))
            }
        }
    }

    /// Makes room for one more flow; whether another had to go before its time.
    fn make_room(&mut self, now: u64) -> bool {
        let wants_room =
            |ledger: &Ledger| ledger.flows >= self.limits.max || ledger.unproven >= self.limits.unproven;
        if !wants_room(&self.ledger) {
            return false;
        }
        // Those whose time is up go first, as far as a few looks find any.
        let mut budget = ROOM_SWEEP;
        if self.v4.sweep(&self.rules, &mut self.ledger, now, &mut budget) {
            self.v6.sweep(&self.rules, &mut self.ledger, now, &mut budget);
        }
        let evicts = wants_room(&self.ledger);
        if evicts {
            self.evict(now);
        }
        evicts
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
