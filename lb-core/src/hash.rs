//! The keyed hash of a flow: SipHash-1-3 over canonical bytes.
//!
//! All nodes share one 128-bit key, so any node places any flow alike, and a
//! stranger who does not know the key cannot choose flows that collide
//! (Aumasson and Bernstein, "SipHash: a fast short-input PRF", 2012). The bytes
//! are laid out by hand in network order: the result is the same on every
//! machine, endianness and build.

use core::fmt;

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
    pub fn hash_flow(&self, flow: &FlowKey, fields: HashFields) -> FlowHash {
        let hash = match flow.addresses() {
            Addresses::V4 { source, destination } => {
                self.hash_bytes(&canonical::<4, 13>(flow, fields, source.octets(), destination.octets()))
            }
            Addresses::V6 { source, destination } => {
                self.hash_bytes(&canonical::<16, 37>(flow, fields, source.octets(), destination.octets()))
            }
        };
        FlowHash(hash)
    }
}

/// Lays the chosen fields out; `LENGTH` is `2 * ADDRESS + 5`.
fn canonical<const ADDRESS: usize, const LENGTH: usize>(
    flow: &FlowKey,
    fields: HashFields,
    source: [u8; ADDRESS],
    destination: [u8; ADDRESS],
) -> [u8; LENGTH] {
    let mut bytes = [0; LENGTH];
    if fields.contains(HashFields::PROTOCOL) {
        bytes[0] = flow.protocol().0;
    }
    if fields.contains(HashFields::SOURCE) {
        bytes[1..1 + ADDRESS].copy_from_slice(&source);
    }
    if fields.contains(HashFields::SOURCE_PORT) {
        bytes[1 + ADDRESS..3 + ADDRESS].copy_from_slice(&flow.source_port().to_be_bytes());
    }
    if fields.contains(HashFields::DESTINATION) {
        bytes[3 + ADDRESS..3 + 2 * ADDRESS].copy_from_slice(&destination);
    }
    if fields.contains(HashFields::DESTINATION_PORT) {
        bytes[3 + 2 * ADDRESS..].copy_from_slice(&flow.destination_port().to_be_bytes());
    }
    bytes
}

impl fmt::Debug for HashKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("HashKey(secret)")
    }
}

#[cfg(test)]
mod tests;
