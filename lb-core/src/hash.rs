//! The keyed hash of a flow: SipHash-1-3 over canonical bytes.
//!
//! All nodes share one 128-bit key, so any node places any flow alike, and a
//! stranger who does not know the key cannot choose flows that collide
//! (Aumasson and Bernstein, "SipHash: a fast short-input PRF", 2012). The bytes
//! are laid out by hand in network order: the result is the same on every
//! machine, endianness and build.

use core::fmt;
use core::net::Ipv6Addr;

use siphasher::sip::SipHasher13;

use crate::flow::{Addresses, FlowKey, HashFields};

/// The 128-bit key that all nodes of a fleet share; a secret.
///
/// `Debug` does not print it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct HashKey([u8; 16]);

/// A flow's place: a uniform 64-bit number that every node computes alike.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FlowHash(pub u64);

impl HashKey {
    /// A key from its 16 bytes.
    #[must_use]
    pub const fn new(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// The key's bytes, for writing a configuration back; do not log them.
    #[must_use]
    pub const fn to_bytes(self) -> [u8; 16] {
        self.0
    }

    /// Hashes any bytes with this key.
    #[must_use]
    pub fn hash_bytes(&self, bytes: &[u8]) -> u64 {
        SipHasher13::new_with_key(&self.0).hash(bytes)
    }

    /// Hashes the chosen fields of a flow.
    ///
    /// The hashed bytes are protocol (1), source (4 or 16), source port (2),
    /// destination (4 or 16), destination port (2), in network order; a field
    /// that is not in `fields` is zero.
    ///
    /// ```
    /// use core::net::Ipv4Addr;
    /// use lb_core::{FlowKey, HashFields, HashKey, Protocol};
    ///
    /// let key = HashKey::new(*b"0123456789abcdef");
    /// let vip = (Ipv4Addr::new(203, 0, 113, 10), 443);
    /// let one = FlowKey::v4(Protocol::TCP, (Ipv4Addr::new(192, 0, 2, 1), 40_000), vip);
    /// let two = FlowKey::v4(Protocol::TCP, (Ipv4Addr::new(192, 0, 2, 1), 40_001), vip);
    /// assert_ne!(key.hash_flow(&one, HashFields::ALL), key.hash_flow(&two, HashFields::ALL));
    /// let address_only = HashFields::SOURCE;
    /// assert_eq!(key.hash_flow(&one, address_only), key.hash_flow(&two, address_only));
    /// ```
    #[must_use]
    #[inline]
    pub fn hash_flow(&self, flow: &FlowKey, fields: HashFields) -> FlowHash {
        let pick = |field: HashFields, value: u64| if fields.contains(field) { value } else { 0 };
        // Little-endian words of bytes in network order, as SipHash reads them.
        let port = |port: u16| u64::from(port.swap_bytes());
        let protocol = pick(HashFields::PROTOCOL, flow.protocol().0.into());
        let source_port = pick(HashFields::SOURCE_PORT, port(flow.source_port()));
        let destination_port = pick(HashFields::DESTINATION_PORT, port(flow.destination_port()));
        let hash = match flow.addresses() {
            Addresses::V4 { source, destination } => {
                let source = pick(HashFields::SOURCE, source.to_bits().swap_bytes().into());
                let destination = pick(HashFields::DESTINATION, destination.to_bits().swap_bytes().into());
                self.hash_words([
                    protocol | source << 8 | source_port << 40 | destination << 56,
                    destination >> 8 | destination_port << 24 | 13 << 56,
                ])
            }
            Addresses::V6 { source, destination } => {
                let [source_low, source_high] = halves(source).map(|half| pick(HashFields::SOURCE, half));
                let [low, high] = halves(destination).map(|half| pick(HashFields::DESTINATION, half));
                self.hash_words([
                    protocol | source_low << 8,
                    source_low >> 56 | source_high << 8,
                    source_high >> 56 | source_port << 8 | low << 24,
                    low >> 40 | high << 24,
                    high >> 40 | destination_port << 24 | 37 << 56,
                ])
            }
        };
        FlowHash(hash)
    }

    /// SipHash-1-3 of a message given as its words, the last of which has the
    /// message's length in bytes at its top, as the specification pads it.
    ///
    /// The same number as [`hash_bytes`](Self::hash_bytes), for messages of a
    /// length known beforehand and in about half the instructions.
    #[inline]
    pub(crate) fn hash_words<const WORDS: usize>(&self, words: [u64; WORDS]) -> u64 {
        let key = u128::from_le_bytes(self.0);
        let (low, high) = (key as u64, (key >> 64) as u64);
        // "somepseudorandomlygeneratedbytes", as the specification starts.
        let mut state = [
            low ^ 0x736f_6d65_7073_6575,
            high ^ 0x646f_7261_6e64_6f6d,
            low ^ 0x6c79_6765_6e65_7261,
            high ^ 0x7465_6462_7974_6573,
        ];
        for word in words {
            state[3] ^= word;
            state = sip_round(state);
            state[0] ^= word;
        }
        state[2] ^= 0xff;
        for _ in 0..3 {
            state = sip_round(state);
        }
        state[0] ^ state[1] ^ state[2] ^ state[3]
    }
}

/// An address as two little-endian words of its bytes in network order.
#[inline]
fn halves(address: Ipv6Addr) -> [u64; 2] {
    let bits = address.to_bits().swap_bytes();
    [bits as u64, (bits >> 64) as u64]
}

#[inline]
const fn sip_round([mut a, mut b, mut c, mut d]: [u64; 4]) -> [u64; 4] {
    a = a.wrapping_add(b);
    c = c.wrapping_add(d);
    b = b.rotate_left(13) ^ a;
    d = d.rotate_left(16) ^ c;
    a = a.rotate_left(32).wrapping_add(d);
    c = c.wrapping_add(b);
    d = d.rotate_left(21) ^ a;
    b = b.rotate_left(17) ^ c;
    [a, b, c.rotate_left(32), d]
}

impl fmt::Debug for HashKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("HashKey(secret)")
    }
}

#[cfg(test)]
mod tests;
