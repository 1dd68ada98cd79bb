//! Packets built by hand, for tests: every length and checksum right unless a test breaks it.

use core::net::{Ipv4Addr, Ipv6Addr};
use std::vec::Vec;

pub(crate) const CLIENT: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 1);
pub(crate) const VIP: Ipv4Addr = Ipv4Addr::new(203, 0, 113, 10);
pub(crate) const CLIENT_V6: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 1, 0, 0, 0, 0, 1);
pub(crate) const VIP_V6: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 2, 0, 0, 0, 0, 0x10);

/// An IPv4 header without options and what follows it; see [`V4`] for more.
pub(crate) fn v4(protocol: u8, payload: &[u8]) -> Vec<u8> {
    V4 { protocol, ..V4::default() }.build(payload)
}

/// An IPv6 header and what follows it, from [`CLIENT_V6`] to [`VIP_V6`].
pub(crate) fn v6(next_header: u8, payload: &[u8]) -> Vec<u8> {
    v6_between(CLIENT_V6, VIP_V6, next_header, payload)
}

pub(crate) fn v6_between(
    source: Ipv6Addr,
    destination: Ipv6Addr,
    next_header: u8,
    payload: &[u8],
) -> Vec<u8> {
    let mut bytes = std::vec![0x60, 0, 0, 0];
    bytes.extend((payload.len() as u16).to_be_bytes());
    bytes.extend([next_header, 64]);
    bytes.extend(source.octets());
    bytes.extend(destination.octets());
    bytes.extend(payload);
    bytes
}

/// What a test may want to choose about an IPv4 header.
#[derive(Clone)]
pub(crate) struct V4 {
    pub(crate) source: Ipv4Addr,
    pub(crate) destination: Ipv4Addr,
    pub(crate) protocol: u8,
    pub(crate) identification: u16,
    /// Flags and fragment offset.
    pub(crate) flags: u16,
    /// Options, a multiple of four bytes.
    pub(crate) options: Vec<u8>,
}

impl Default for V4 {
    fn default() -> Self {
        let (identification, flags, options) = (1, 0x4000, Vec::new());
        Self { source: CLIENT, destination: VIP, protocol: 17, identification, flags, options }
    }
}

impl V4 {
    pub(crate) fn build(&self, payload: &[u8]) -> Vec<u8> {
        let header_length = 20 + self.options.len();
        let mut bytes = std::vec![0x40 | (header_length / 4) as u8, 0];
        bytes.extend(((header_length + payload.len()) as u16).to_be_bytes());
        bytes.extend(self.identification.to_be_bytes());
        bytes.extend(self.flags.to_be_bytes());
        bytes.extend([64, self.protocol, 0, 0]);
        bytes.extend(self.source.octets());
        bytes.extend(self.destination.octets());
        bytes.extend(&self.options);
        bytes.extend(payload);
        fix_checksum(&mut bytes);
        bytes
    }
}

/// Puts the right checksum into an IPv4 header, as RFC 1071 §4.1 computes it;
/// anything else is left alone.
pub(crate) fn fix_checksum(bytes: &mut [u8]) {
    let Some(first) = bytes.first() else { return };
    let length = usize::from(first & 0x0f) * 4;
    if first >> 4 != 4 || length < 20 || bytes.len() < length {
        return;
    }
    bytes[10..12].fill(0);
    let words = bytes[..length].chunks(2).map(|word| u32::from(word[0]) << 8 | u32::from(word[1]));
    let mut sum: u32 = words.sum();
    while sum >> 16 != 0 {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    bytes[10..12].copy_from_slice(&(!sum as u16).to_be_bytes());
}

/// A TCP header.
pub(crate) fn tcp(source_port: u16, destination_port: u16, flags: u8) -> Vec<u8> {
    let mut bytes = ports(source_port, destination_port);
    bytes.extend([0, 0, 0, 1, 0, 0, 0, 2, 0x50, flags, 0xff, 0xff, 0, 0, 0, 0]);
    bytes
}

/// A UDP datagram without data.
pub(crate) fn udp(source_port: u16, destination_port: u16) -> Vec<u8> {
    let mut bytes = ports(source_port, destination_port);
    bytes.extend([0, 8, 0, 0]);
    bytes
}

/// An SCTP packet of chunks of a type and a body.
pub(crate) fn sctp(source_port: u16, destination_port: u16, chunks: &[(u8, &[u8])]) -> Vec<u8> {
    let mut bytes = ports(source_port, destination_port);
    bytes.extend([0, 0, 0, 1, 0, 0, 0, 0]);
    for (kind, body) in chunks {
        bytes.extend([*kind, 0]);
        bytes.extend((4 + body.len() as u16).to_be_bytes());
        bytes.extend(*body);
        bytes.resize(bytes.len().next_multiple_of(4), 0);
    }
    bytes
}

/// An ICMP or ICMPv6 message: type, code, the word after the checksum, the rest.
pub(crate) fn icmp(kind: u8, code: u8, word: u32, rest: &[u8]) -> Vec<u8> {
    let mut bytes = std::vec![kind, code, 0, 0];
    bytes.extend(word.to_be_bytes());
    bytes.extend(rest);
    bytes
}

/// An IPv6 extension header of `length` bytes (8 at least), all zero but for what it must say.
pub(crate) fn extension(kind: u8, next_header: u8, length: usize) -> Vec<u8> {
    let unit = if kind == 51 { length / 4 - 2 } else { length / 8 - 1 };
    let mut bytes = std::vec![0; length];
    bytes[0] = next_header;
    bytes[1] = unit as u8;
    bytes
}

/// An IPv6 fragment header; the offset in bytes.
pub(crate) fn fragment(next_header: u8, offset: u16, more: bool, identification: u32) -> Vec<u8> {
    let mut bytes = std::vec![next_header, 0];
    bytes.extend((offset | u16::from(more)).to_be_bytes());
    bytes.extend(identification.to_be_bytes());
    bytes
}

/// A chain of extension headers (kind, length in bytes) before `upper`, and the first kind.
pub(crate) fn chain(kinds: &[(u8, usize)], upper: u8, payload: &[u8]) -> (u8, Vec<u8>) {
    let mut bytes = payload.to_vec();
    let mut next_header = upper;
    for (kind, length) in kinds.iter().rev() {
        let mut header = extension(*kind, next_header, *length);
        header.extend(bytes);
        bytes = header;
        next_header = *kind;
    }
    (next_header, bytes)
}

fn ports(source: u16, destination: u16) -> Vec<u8> {
    let mut bytes = source.to_be_bytes().to_vec();
    bytes.extend(destination.to_be_bytes());
    bytes
}
