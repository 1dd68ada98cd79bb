//! Packets byte by byte: every length and the IPv4 checksum right.
//!
//! What [`Draft`](super::Draft) is written with, and what this crate's own
//! tests build their tables of packets with. The checksums are computed as RFC
//! 1071 and RFC 9260 write them down and not by [`checksum`](crate::checksum):
//! a test must not believe what it tests.

use alloc::vec;
use alloc::vec::Vec;
use core::net::{Ipv4Addr, Ipv6Addr};

/// What may be chosen about an IPv4 header.
#[derive(Clone)]
pub(crate) struct V4 {
    pub(crate) source: Ipv4Addr,
    pub(crate) destination: Ipv4Addr,
    pub(crate) traffic_class: u8,
    pub(crate) time_to_live: u8,
    pub(crate) protocol: u8,
    pub(crate) identification: u16,
    /// Flags and fragment offset.
    pub(crate) flags: u16,
    /// Options, a multiple of four bytes.
    pub(crate) options: Vec<u8>,
}

impl V4 {
    pub(crate) fn build(&self, payload: &[u8]) -> Vec<u8> {
        let header_length = 20 + self.options.len();
        let mut bytes = vec![0x40 | (header_length / 4) as u8, self.traffic_class];
        bytes.extend(((header_length + payload.len()) as u16).to_be_bytes());
        bytes.extend(self.identification.to_be_bytes());
        bytes.extend(self.flags.to_be_bytes());
        bytes.extend([self.time_to_live, self.protocol, 0, 0]);
        bytes.extend(self.source.octets());
        bytes.extend(self.destination.octets());
        bytes.extend(&self.options);
        bytes.extend(payload);
        fix_checksum(&mut bytes);
        bytes
    }
}

/// What may be chosen about an IPv6 header.
#[derive(Clone)]
pub(crate) struct V6 {
    pub(crate) source: Ipv6Addr,
    pub(crate) destination: Ipv6Addr,
    pub(crate) traffic_class: u8,
    pub(crate) flow_label: u32,
    pub(crate) hop_limit: u8,
    pub(crate) next_header: u8,
}

impl V6 {
    pub(crate) fn build(&self, payload: &[u8]) -> Vec<u8> {
        let start = 6 << 28 | u32::from(self.traffic_class) << 20 | self.flow_label;
        let mut bytes = start.to_be_bytes().to_vec();
        bytes.extend((payload.len() as u16).to_be_bytes());
        bytes.extend([self.next_header, self.hop_limit]);
        bytes.extend(self.source.octets());
        bytes.extend(self.destination.octets());
        bytes.extend(payload);
        bytes
    }
}

/// The Internet checksum as RFC 1071 §4.1 computes it.
pub(crate) fn internet_checksum(bytes: &[u8]) -> u16 {
    let word = |word: &[u8]| u32::from(word[0]) << 8 | word.get(1).map_or(0, |low| u32::from(*low));
    let mut sum: u32 = bytes.chunks(2).map(word).sum();
    while sum >> 16 != 0 {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    !sum as u16
}

/// SCTP's checksum as RFC 9260 appendix A defines it, bit by bit.
pub(crate) fn crc32c(bytes: &[u8]) -> u32 {
    let step = |sum: u32, _| if sum & 1 == 0 { sum >> 1 } else { sum >> 1 ^ 0x82f6_3b78 };
    let sum = bytes.iter().fold(u32::MAX, |sum, byte| (0..8).fold(sum ^ u32::from(*byte), step));
    !sum
}

/// Puts the right checksum into an IPv4 header; anything else is left alone.
pub(crate) fn fix_checksum(bytes: &mut [u8]) {
    let Some(first) = bytes.first() else { return };
    let length = usize::from(first & 0x0f) * 4;
    if first >> 4 != 4 || length < 20 || bytes.len() < length {
        return;
    }
    bytes[10..12].fill(0);
    let checksum = internet_checksum(&bytes[..length]);
    bytes[10..12].copy_from_slice(&checksum.to_be_bytes());
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
pub(crate) fn sctp<Body: AsRef<[u8]>>(
    source_port: u16,
    destination_port: u16,
    chunks: &[(u8, Body)],
) -> Vec<u8> {
    let mut bytes = ports(source_port, destination_port);
    bytes.extend([0, 0, 0, 1, 0, 0, 0, 0]);
    for (kind, body) in chunks {
        let body = body.as_ref();
        bytes.extend([*kind, 0]);
        bytes.extend((4 + body.len() as u16).to_be_bytes());
        bytes.extend(body);
        bytes.resize(bytes.len().next_multiple_of(4), 0);
    }
    bytes
}

/// An ICMP or ICMPv6 message: type, code, the word after the checksum, the rest.
pub(crate) fn icmp(kind: u8, code: u8, word: u32, rest: &[u8]) -> Vec<u8> {
    let mut bytes = vec![kind, code, 0, 0];
    bytes.extend(word.to_be_bytes());
    bytes.extend(rest);
    bytes
}

/// An IPv6 extension header of `length` bytes (8 at least), all zero but for what it must say.
pub(crate) fn extension(kind: u8, next_header: u8, length: usize) -> Vec<u8> {
    let unit = if kind == 51 { length / 4 - 2 } else { length / 8 - 1 };
    let mut bytes = vec![0; length];
    bytes[0] = next_header;
    bytes[1] = unit as u8;
    bytes
}

/// An IPv6 fragment header; the offset in bytes.
pub(crate) fn fragment(next_header: u8, offset: u16, more: bool, identification: u32) -> Vec<u8> {
    let mut bytes = vec![next_header, 0];
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
