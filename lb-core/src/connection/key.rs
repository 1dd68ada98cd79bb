//! The key of a connection, and its keyed hash.
//!
//! VIP, VIP port and protocol are the service's, so (service, client, client
//! port) says as much as the 5-tuple in fewer bytes, and is compared in full.
//! Strangers choose the keys, so the hash is SipHash-1-3 (Aumasson and
//! Bernstein, 2012) under a secret, written out for the two lengths there are.
//! It never leaves this node; the hash all nodes share is [`crate::hash`].

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
    fn hash(self, secret: Secret, service: ServiceId, port: u16) -> u64;

    fn to_ip(self) -> IpAddr;
}

/// For entries of 32 bytes: two to a line.
#[derive(Clone, Copy, Debug)]
#[repr(align(32))]
pub(super) struct HalfLine;

/// For entries of 48 bytes: three of four have their first 32 in one line.
#[derive(Clone, Copy, Debug)]
#[repr(align(16))]
pub(super) struct QuarterLine;

impl Address for u32 {
    type Alignment = HalfLine;

    #[inline]
    fn hash(self, secret: Secret, service: ServiceId, port: u16) -> u64 {
        let words = [u64::from(service.0) | u64::from(self) << 32, u64::from(port) | 10 << 56];
        secret.sip13(words)
    }

    fn to_ip(self) -> IpAddr {
        IpAddr::V4(Ipv4Addr::from_bits(self))
    }
}

impl Address for u128 {
    type Alignment = QuarterLine;

    #[inline]
    #[allow(clippy::cast_possible_truncation, reason = "the two halves")]
    fn hash(self, secret: Secret, service: ServiceId, port: u16) -> u64 {
        let rest = u64::from(service.0) | u64::from(port) << 32 | 22 << 56;
        secret.sip13([self as u64, (self >> 64) as u64, rest])
    }

    fn to_ip(self) -> IpAddr {
        IpAddr::V6(Ipv6Addr::from_bits(self))
    }
}

/// The secret of the hash, as the two words that SipHash starts from.
#[derive(Clone, Copy)]
pub(super) struct Secret {
    low: u64,
    high: u64,
}

impl core::fmt::Debug for Secret {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("Secret")
    }
}

impl Secret {
    pub(super) const fn new(key: HashKey) -> Self {
        let bits = u128::from_le_bytes(key.to_bytes());
        Self { low: bits as u64, high: (bits >> 64) as u64 }
    }

    /// SipHash-1-3 of whole words, the last of which holds the length in its
    /// top byte as the specification has it.
    #[inline]
    fn sip13<const WORDS: usize>(self, words: [u64; WORDS]) -> u64 {
        let mut state = [
            self.low ^ 0x736f_6d65_7073_6575,
            self.high ^ 0x646f_7261_6e64_6f6d,
            self.low ^ 0x6c79_6765_6e65_7261,
            self.high ^ 0x7465_6462_7974_6573,
        ];
        for word in words {
            state[3] ^= word;
            sip_round(&mut state);
            state[0] ^= word;
        }
        state[2] ^= 0xff;
        sip_round(&mut state);
        sip_round(&mut state);
        sip_round(&mut state);
        state[0] ^ state[1] ^ state[2] ^ state[3]
    }
}

#[inline]
const fn sip_round(state: &mut [u64; 4]) {
    let [mut a, mut b, mut c, mut d] = *state;
    a = a.wrapping_add(b);
    b = b.rotate_left(13) ^ a;
    a = a.rotate_left(32);
    c = c.wrapping_add(d);
    d = d.rotate_left(16) ^ c;
    a = a.wrapping_add(d);
    d = d.rotate_left(21) ^ a;
    c = c.wrapping_add(b);
    b = b.rotate_left(17) ^ c;
    c = c.rotate_left(32);
    *state = [a, b, c, d];
}

#[cfg(test)]
mod tests;
