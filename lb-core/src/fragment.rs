//! Fragments: later pieces follow the first.
//!
//! Only the first fragment of a datagram carries ports. [`FragmentTable`]
//! remembers its flow under (source, destination, identification, and for IPv4
//! the protocol), so that the later ones find it and reach the same backend,
//! where the datagram is put together (RFC 791 §3.2, RFC 8200 §4.5). Nothing is
//! queued: a later fragment that comes before the first does not wait, it is
//! steered by the [three-tuple rule](three_tuple).
//!
//! The table is a ring of entries in order of arrival, indexed by a keyed hash:
//! its memory is allocated once, every operation is O(1), and a flood of first
//! fragments pushes out the oldest ones, which have had the longest time to be
//! of use. Which backend a flow is on is decided elsewhere, by
//! [`connection`](crate::connection) and the tables.

use alloc::boxed::Box;
use alloc::vec;
use core::net::Ipv4Addr;
use core::time::Duration;

use crate::flow::{Addresses, FlowKey, Protocol};
use crate::hash::HashKey;
use crate::packet::{Fragment, IcmpMessage, Packet, Payload};
use crate::time::Time;

/// How many datagrams in fragments a node remembers, and for how long.
///
/// The default is 16,384 (about a megabyte) for [`DEFAULT_TIMEOUT`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FragmentLimits {
    /// Datagrams at most, up to [`FragmentTable::MAX_LIMIT`]; with 0 none, all by the [three-tuple rule](three_tuple).
    pub max: u32,
    /// From its first fragment on, how long a datagram is remembered.
    pub timeout: Duration,
}

impl Default for FragmentLimits {
    fn default() -> Self {
        Self { max: 16_384, timeout: DEFAULT_TIMEOUT }
    }
}

/// How long a first fragment is remembered, unless told otherwise.
///
/// Linux gives up a datagram after as long (`net.ipv4.ipfrag_time`): a later
/// fragment that comes after it is of no use to the backend.
pub const DEFAULT_TIMEOUT: Duration = Duration::from_secs(30);

/// The flow by which a later fragment is steered whose first one is not known.
///
/// The *three-tuple rule*: source, destination and protocol count, both ports
/// are zero. So all such fragments of one datagram reach one backend, on every
/// node, without any state; it is the backend of the datagram only by luck,
/// unless the service hashes no ports.
#[must_use]
pub const fn three_tuple(packet: &Packet<'_>) -> FlowKey {
    FlowKey::new(packet.ip.protocol, packet.ip.addresses, 0, 0)
}

/// Remembers which flow the first fragment of a datagram belonged to.
///
/// At most `limit` datagrams are known; one more displaces the oldest. Memory
/// is taken once, 68 to 72 bytes per datagram, and never grows. [`record`] first
/// fragments, [`find`] later ones; other packets may be given to both and do
/// nothing. Call [`handle_timeout`] at [`poll_timeout`] or whenever convenient:
/// an entry that is too old is not found in any case.
///
/// [`record`]: Self::record
/// [`find`]: Self::find
/// [`handle_timeout`]: Self::handle_timeout
/// [`poll_timeout`]: Self::poll_timeout
///
/// ```
/// use lb_core::fragment::{DEFAULT_TIMEOUT, FragmentTable, three_tuple};
/// use lb_core::{HashKey, Time, packet};
///
/// // A UDP datagram in two fragments: bytes 0 to 7, then one byte more.
/// let first = [
///     0x45, 0, 0, 28, 0, 7, 0x20, 0, 64, 17, 0x5c, 0xbe, 192, 0, 2, 1, 203, 0, 113, 10, //
///     0x9c, 0x40, 0, 53, 0, 9, 0, 0,
/// ];
/// let later =
///     [0x45, 0, 0, 21, 0, 7, 0, 1, 64, 17, 0x7c, 0xc4, 192, 0, 2, 1, 203, 0, 113, 10, 0x2a];
/// let (first, later) = (packet::parse(&first).unwrap(), packet::parse(&later).unwrap());
///
/// let mut fragments = FragmentTable::new(1024, DEFAULT_TIMEOUT, HashKey::new([7; 16]));
/// assert_eq!(fragments.find(Time::ZERO, &later), None);
/// assert_eq!(three_tuple(&later).to_string(), "udp 192.0.2.1:0 -> 203.0.113.10:0");
///
/// fragments.record(Time::ZERO, &first);
/// assert_eq!(fragments.find(Time::ZERO, &later), first.flow_key());
/// ```
#[derive(Clone, Debug)]
pub struct FragmentTable {
    timeout: Duration,
    key: HashKey,
    /// A ring: `used` entries from `oldest` on, in order of `recorded`.
    entries: Box<[Entry]>,
    oldest: usize,
    used: usize,
    /// How many of the used entries are on a hash chain.
    len: usize,
    /// Heads of the hash chains, which run through `Entry::next`; a power of two.
    chains: Box<[u32]>,
    displaced: u64,
}

impl FragmentTable {
    /// The highest limit, about a gigabyte.
    pub const MAX_LIMIT: usize = 1 << 24;

    /// A table for `limit` datagrams (0 to [`Self::MAX_LIMIT`], clamped), each
    /// remembered for `timeout`.
    ///
    /// `key` need not be the fleet's, but strangers must not know it.
    #[must_use]
    pub fn new(limit: usize, timeout: Duration, key: HashKey) -> Self {
        let limit = limit.min(Self::MAX_LIMIT);
        Self {
            timeout,
            key,
            entries: vec![Entry::EMPTY; limit].into_boxed_slice(),
            oldest: 0,
            used: 0,
            len: 0,
            chains: vec![NONE; limit.next_power_of_two()].into_boxed_slice(),
            displaced: 0,
        }
    }

    /// Remembers the flow of a first fragment; any other packet is ignored.
    ///
    /// A datagram of the same key is replaced: its identification has come round
    /// (RFC 6864 §1). A fragment of an ICMP error is ignored too: its flow is not
    /// its own, and no error is so long that it needs fragments (RFC 1812
    /// §4.3.2.3, RFC 4443 §2.4).
    pub fn record(&mut self, now: Time, packet: &Packet<'_>) {
        let Fragment::First { identification } = packet.ip.fragment else { return };
        let Some(flow) = packet.flow_key() else { return };
        let is_error = matches!(packet.payload, Payload::Icmp(IcmpMessage::Error(_)));
        if is_error || self.entries.is_empty() {
            return;
        }
        let chain = self.chain_of(packet, identification);
        if let Some(place) = self.place_of(chain, packet, identification) {
            self.forget(place);
        }
        if self.used == self.entries.len() {
            if self.entries[self.oldest].is_live() && !self.is_old(now, self.oldest) {
                self.displaced += 1;
            }
            self.pop_oldest();
        }
        let place = self.wrap(self.oldest + self.used);
        self.entries[place] = Entry {
            flow,
            identification,
            recorded: now,
            chain: index(chain),
            next: core::mem::replace(&mut self.chains[chain], index(place)),
        };
        self.used += 1;
        self.len += 1;
    }

    /// The flow that a later fragment belongs to, if its first one is remembered.
    ///
    /// `None` for any other packet; steer a later fragment by [`three_tuple`] then.
    #[must_use]
    pub fn find(&self, now: Time, packet: &Packet<'_>) -> Option<FlowKey> {
        let Fragment::Later { identification } = packet.ip.fragment else { return None };
        let place = self.place_of(self.chain_of(packet, identification), packet, identification)?;
        (!self.is_old(now, place)).then(|| self.entries[place].flow)
    }

    /// Forgets what is older than the timeout; constant work per recorded fragment.
    pub fn handle_timeout(&mut self, now: Time) {
        while self.used > 0 && self.is_old(now, self.oldest) {
            self.pop_oldest();
        }
    }

    /// When the oldest datagram will be forgotten; `None` if there is none.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Time> {
        (self.used > 0).then(|| self.entries[self.oldest].recorded + self.timeout)
    }

    /// How many datagrams are remembered, at most [`limit`](Self::limit); those
    /// that the next [`handle_timeout`](Self::handle_timeout) forgets count too.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.len
    }

    /// Whether no datagram is remembered.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// How many datagrams can be remembered.
    #[must_use]
    pub const fn limit(&self) -> usize {
        self.entries.len()
    }

    /// How many datagrams were displaced by newer ones before their time, since
    /// the start: more than a few means a flood or too low a limit.
    #[must_use]
    pub const fn displaced(&self) -> u64 {
        self.displaced
    }

    /// Bytes taken, all in; they depend on the limit alone.
    #[must_use]
    pub const fn memory_bytes(&self) -> usize {
        size_of::<Self>() + size_of_val::<[Entry]>(&self.entries) + size_of_val::<[u32]>(&self.chains)
    }

    /// The chain of a datagram. What the specifications do not count to a
    /// datagram's name is not hashed: in IPv6 the protocol (RFC 8200 §4.5).
    fn chain_of(&self, packet: &Packet<'_>, identification: u32) -> usize {
        let identification = identification.to_be_bytes();
        let hash = match packet.ip.addresses {
            Addresses::V4 { source, destination } => {
                let mut bytes = [0; 13];
                bytes[..4].copy_from_slice(&source.octets());
                bytes[4..8].copy_from_slice(&destination.octets());
                bytes[8..12].copy_from_slice(&identification);
                bytes[12] = packet.ip.protocol.0;
                self.key.hash_bytes(&bytes)
            }
            Addresses::V6 { source, destination } => {
                let mut bytes = [0; 36];
                bytes[..16].copy_from_slice(&source.octets());
                bytes[16..32].copy_from_slice(&destination.octets());
                bytes[32..].copy_from_slice(&identification);
                self.key.hash_bytes(&bytes)
            }
        };
        // The low bits, whatever the width of `usize`.
        hash as usize & (self.chains.len() - 1)
    }

    /// Where the datagram of a packet is, full names compared. A chain holds one
    /// entry on average, and who does not know the key cannot make it longer.
    fn place_of(&self, chain: usize, packet: &Packet<'_>, identification: u32) -> Option<usize> {
        let mut place = self.chains[chain];
        while place != NONE {
            let entry = &self.entries[place as usize];
            if entry.is_of(packet, identification) {
                return Some(place as usize);
            }
            place = entry.next;
        }
        None
    }

    /// A place in the ring, from an index below twice its length.
    fn wrap(&self, index: usize) -> usize {
        if index < self.entries.len() { index } else { index - self.entries.len() }
    }

    fn is_old(&self, now: Time, place: usize) -> bool {
        now.saturating_since(self.entries[place].recorded) >= self.timeout
    }

    fn pop_oldest(&mut self) {
        if self.entries[self.oldest].is_live() {
            self.forget(self.oldest);
        }
        self.oldest = self.wrap(self.oldest + 1);
        self.used -= 1;
    }

    /// Takes a live entry off its chain; its place in the ring stays taken until it is the oldest.
    fn forget(&mut self, place: usize) {
        let Entry { chain, next, .. } = self.entries[place];
        let mut link = &mut self.chains[chain as usize];
        while *link != index(place) {
            link = &mut self.entries[*link as usize].next;
        }
        *link = next;
        self.entries[place].chain = NONE;
        self.len -= 1;
    }
}

/// One datagram.
#[derive(Clone, Copy, Debug)]
struct Entry {
    flow: FlowKey,
    identification: u32,
    recorded: Time,
    /// The chain it is on, [`NONE`] once it is forgotten.
    chain: u32,
    /// The next entry on the chain, [`NONE`] at its end.
    next: u32,
}

/// No entry, no chain: above every index.
const NONE: u32 = u32::MAX;

impl Entry {
    const EMPTY: Self = Self {
        flow: FlowKey::v4(Protocol(0), (Ipv4Addr::UNSPECIFIED, 0), (Ipv4Addr::UNSPECIFIED, 0)),
        identification: 0,
        recorded: Time::ZERO,
        chain: NONE,
        next: NONE,
    };

    const fn is_live(&self) -> bool {
        self.chain != NONE
    }

    /// Whether the packet is part of this datagram (RFC 791 §3.2: source,
    /// destination, protocol, identification; RFC 8200 §4.5: all but the protocol).
    fn is_of(&self, packet: &Packet<'_>, identification: u32) -> bool {
        let same_protocol = match packet.ip.addresses {
            Addresses::V4 { .. } => self.flow.protocol() == packet.ip.protocol,
            Addresses::V6 { .. } => true,
        };
        self.identification == identification && self.flow.addresses() == packet.ip.addresses && same_protocol
    }
}

fn index(place: usize) -> u32 {
    u32::try_from(place).expect("limits are at most MAX_LIMIT, far below 2^32")
}

#[cfg(test)]
mod tests;
