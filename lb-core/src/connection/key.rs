//! The key of a connection, and its keyed hash.
//!
//! VIP, VIP port and protocol are the service's, so (service, client, client
//! port) says as much as the 5-tuple in fewer bytes, and is compared in full.
//! Strangers choose the keys, so the hash is keyed, over words laid
//! out for the two lengths there are. It never leaves this node.

use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::hash::HashKey;
use crate::identity::ServiceId;

/// What names a connection: the service and the client's end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ConnectionKey {
    /// The service: VIP, port and protocol.
    pub service: ServiceId,
    /// The client's address.
    pub source: IpAddr,
    /// The client's port.
    pub source_port: u16,
}

impl ConnectionKey {
    /// A key from its three parts.
    #[must_use]
    pub const fn new(service: ServiceId, source: IpAddr, source_port: u16) -> Self {
        Self { service, source, source_port }
    }
}

/// A client's address of one family.
pub(super) trait Address: Copy + Eq {
    /// Makes the entries of this family lie well in cache lines.
    type Alignment: Copy + core::fmt::Debug;

    /// The keyed hash of service, address and port.
    fn hash(self, key: &HashKey, service: ServiceId, port: u16) -> u64;

    fn to_ip(self) -> IpAddr;
}

/// For entries of 32 bytes: two to a line.
#[derive(Clone, Copy, Debug)]
#[repr(align(32))]
pub(super) struct HalfLine;

impl Address for u32 {
    type Alignment = Self;

    #[inline]
    fn hash(self, key: &HashKey, service: ServiceId, port: u16) -> u64 {
        let words = [u64::from(service.0) | u64::from(self) << 32, u64::from(port) | 10 << 56];
        key.hash_words(words)
    }

    fn to_ip(self) -> IpAddr {
        IpAddr::V4(Ipv4Addr::from_bits(self))
    }
}

impl Address for u128 {
    type Alignment = HalfLine;

    #[inline]
    #[allow(clippy::cast_possible_truncation, reason = "the two halves")]
    fn hash(self, key: &HashKey, service: ServiceId, port: u16) -> u64 {
        let rest = u64::from(service.0) | u64::from(port) << 32 | 22 << 56;
        key.hash_words([self as u64, (self >> 64) as u64, rest])
    }

    fn to_ip(self) -> IpAddr {
        IpAddr::V6(Ipv6Addr::from_bits(self))
    }
}

#[cfg(test)]
mod tests;
