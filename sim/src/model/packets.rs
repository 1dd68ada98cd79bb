//! The clients' packets: real IPv4 and TCP bytes, built in one reused buffer.
//!
//! An L4 node must see what it would see on a wire, so headers and checksums
//! are right; the payload is zeros, which add nothing to a checksum (RFC 1071)
//! and cost nothing to build.

use core::net::Ipv4Addr;

/// What a packet is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// The last packet of a connection (FIN, ACK).
    Close,
    /// A request or a part of it (PSH, ACK), with so many bytes.
    Data(u16),
    /// The first packet of a connection (SYN).
    Open,
}

/// Both ends of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Ends {
    pub(super) client: Ipv4Addr,
    pub(super) client_port: u16,
    pub(super) vip: Ipv4Addr,
    pub(super) vip_port: u16,
}

/// Builds packets, one at a time.
#[derive(Debug)]
pub(super) struct Builder {
    buffer: [u8; BUFFER],
}

/// The most payload that one packet carries: an Ethernet MTU of 1500 less the
/// tunnel's outer header, which path MTU discovery has told the client, and its own headers.
pub(super) const PAYLOAD_MAX: u16 = 1_440;

const HEADERS: usize = 40;
const BUFFER: usize = HEADERS + PAYLOAD_MAX as usize;

const FIN: u8 = 0x01;
const SYN: u8 = 0x02;
const PSH: u8 = 0x08;
const ACK: u8 = 0x10;

/// Offsets in the IPv4 header (RFC 791) and, from 20 on, in the TCP header (RFC 9293).
mod field {
    use core::ops::Range;

    pub(super) const TOTAL_LENGTH: Range<usize> = 2..4;
    pub(super) const HEADER_CHECKSUM: Range<usize> = 10..12;
    pub(super) const SOURCE: Range<usize> = 12..16;
    pub(super) const DESTINATION: Range<usize> = 16..20;
    pub(super) const SOURCE_PORT: Range<usize> = 20..22;
    pub(super) const DESTINATION_PORT: Range<usize> = 22..24;
    pub(super) const FLAGS: usize = 33;
    pub(super) const TCP_CHECKSUM: Range<usize> = 36..38;
}

impl Builder {
    pub(super) fn new() -> Self {
        let mut buffer = [0; BUFFER];
        buffer[0] = 0x45; // version 4, five words of header
        buffer[6] = 0x40; // do not fragment
        buffer[8] = 64; // time to live
        buffer[9] = 6; // TCP
        buffer[32] = 0x50; // five words of TCP header
        buffer[34] = 0xff; // window
        Self { buffer }
    }

    /// The bytes of one packet, from the IP header on.
    pub(super) fn build(&mut self, ends: Ends, kind: Kind) -> &[u8] {
        let (flags, payload) = match kind {
            Kind::Close => (FIN | ACK, 0),
            Kind::Data(bytes) => (PSH | ACK, bytes.min(PAYLOAD_MAX)),
            Kind::Open => (SYN, 0),
        };
        let length = HEADERS as u16 + payload;
        let buffer = &mut self.buffer;
        buffer[field::TOTAL_LENGTH].copy_from_slice(&length.to_be_bytes());
        buffer[field::HEADER_CHECKSUM].fill(0);
        buffer[field::SOURCE].copy_from_slice(&ends.client.octets());
        buffer[field::DESTINATION].copy_from_slice(&ends.vip.octets());
        buffer[field::SOURCE_PORT].copy_from_slice(&ends.client_port.to_be_bytes());
        buffer[field::DESTINATION_PORT].copy_from_slice(&ends.vip_port.to_be_bytes());
        buffer[field::FLAGS] = flags;
        buffer[field::TCP_CHECKSUM].fill(0);
        let header = fold(sum(&buffer[..20]));
        buffer[field::HEADER_CHECKSUM].copy_from_slice(&header.to_be_bytes());
        // pseudo header: addresses, protocol, length of the TCP part
        let pseudo = sum(&buffer[field::SOURCE.start..field::DESTINATION.end]) + 6 + u32::from(length - 20);
        let transport = fold(pseudo + sum(&buffer[20..HEADERS]));
        buffer[field::TCP_CHECKSUM].copy_from_slice(&transport.to_be_bytes());
        &self.buffer[..usize::from(length)]
    }
}

/// Splits a request's bytes into the payloads of its packets.
pub(super) fn payloads(bytes: u64) -> impl Iterator<Item = u16> {
    let whole = bytes / u64::from(PAYLOAD_MAX);
    let rest = (bytes % u64::from(PAYLOAD_MAX)) as u16;
    let rest = (rest > 0 || whole == 0).then_some(rest);
    (0..whole.min(PACKETS_MAX)).map(|_| PAYLOAD_MAX).chain(rest)
}

/// The packets that one request sends at most; a longer one is one window of this and its rest follows unseen.
const PACKETS_MAX: u64 = 64;

/// The sum of 16-bit words, not folded.
fn sum(bytes: &[u8]) -> u32 {
    bytes.chunks_exact(2).map(|word| u32::from(u16::from_be_bytes([word[0], word[1]]))).sum()
}

/// The Internet checksum of a sum (RFC 1071).
fn fold(sum: u32) -> u16 {
    let once = (sum & 0xffff) + (sum >> 16);
    !((once & 0xffff) + (once >> 16)) as u16
}

#[cfg(test)]
mod tests;
