//! The clients' packets: real bytes of IPv4 or IPv6 with TCP or UDP, built in one reused buffer.
//!
//! An L4 node must see what it would see on a wire, so headers and checksums
//! are right; the payload is zeros, which add nothing to a checksum (RFC 1071)
//! and cost nothing to build. All packets of a run are of one [`Wire`] kind, so
//! what never changes in them is written once.

use lb_core::flow::Addresses;
use lb_core::{FlowKey, Protocol};

use crate::scenario::{FamilyFile, ProtocolFile};

/// What a packet is for; over UDP all are datagrams, and only data carry anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// The last packet of a connection (FIN, ACK).
    Close,
    /// A request or a part of it (PSH, ACK), with so many bytes.
    Data(u16),
    /// The first packet of a connection (SYN).
    Open,
}

/// The kind of all packets of a run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Wire {
    /// The VIPs' and so the clients' address family.
    pub(crate) family: FamilyFile,
    /// The protocol over it.
    pub(crate) protocol: ProtocolFile,
}

impl Wire {
    /// The protocol's number.
    pub(super) const fn number(self) -> Protocol {
        match self.protocol {
            ProtocolFile::Tcp => Protocol::TCP,
            ProtocolFile::Udp => Protocol::UDP,
        }
    }

    /// Whether clients open connections, repeat what is lost, and close.
    pub(super) const fn is_tcp(self) -> bool {
        match self.protocol {
            ProtocolFile::Tcp => true,
            ProtocolFile::Udp => false,
        }
    }

    const fn ip_header(self) -> usize {
        match self.family {
            FamilyFile::Ipv4 => 20,
            FamilyFile::Ipv6 => 40,
        }
    }

    const fn headers(self) -> usize {
        self.ip_header()
            + match self.protocol {
                ProtocolFile::Tcp => 20,
                ProtocolFile::Udp => 8,
            }
    }

    /// The most payload that one packet carries: what path MTU discovery has left, less the headers.
    pub(super) const fn payload_max(self) -> u16 {
        (PACKET_MAX - self.headers()) as u16
    }

    /// Splits a request's bytes into the payloads of its packets.
    pub(super) fn payloads(self, bytes: u64) -> impl Iterator<Item = u16> {
        let most = self.payload_max();
        let whole = bytes / u64::from(most);
        let rest = (bytes % u64::from(most)) as u16;
        let rest = (rest > 0 || whole == 0).then_some(rest);
        (0..whole.min(PACKETS_MAX)).map(move |_| most).chain(rest)
    }
}

/// An Ethernet MTU of 1500 less the tunnel's outer header: gateways have IPv4 addresses.
const PACKET_MAX: usize = 1_480;

/// The packets that one request sends at most; a longer one is one window of this and its rest follows unseen.
const PACKETS_MAX: u64 = 64;

const FIN: u8 = 0x01;
const SYN: u8 = 0x02;
const PSH: u8 = 0x08;
const ACK: u8 = 0x10;

/// Offsets in the IPv4 header (RFC 791) and the IPv6 header (RFC 8200), and
/// from the transport header's start on (RFC 9293, RFC 768).
mod field {
    use core::ops::Range;

    pub(super) const V4_TOTAL_LENGTH: Range<usize> = 2..4;
    pub(super) const V4_HEADER_CHECKSUM: Range<usize> = 10..12;
    pub(super) const V4_SOURCE: Range<usize> = 12..16;
    pub(super) const V4_DESTINATION: Range<usize> = 16..20;
    pub(super) const V6_PAYLOAD_LENGTH: Range<usize> = 4..6;
    pub(super) const V6_SOURCE: Range<usize> = 8..24;
    pub(super) const V6_DESTINATION: Range<usize> = 24..40;
    pub(super) const SOURCE_PORT: Range<usize> = 0..2;
    pub(super) const DESTINATION_PORT: Range<usize> = 2..4;
    pub(super) const TCP_FLAGS: usize = 13;
    pub(super) const TCP_CHECKSUM: Range<usize> = 16..18;
    pub(super) const UDP_LENGTH: Range<usize> = 4..6;
    pub(super) const UDP_CHECKSUM: Range<usize> = 6..8;
}

/// Builds packets of one kind, one at a time.
#[derive(Debug)]
pub(super) struct Builder {
    wire: Wire,
    buffer: [u8; PACKET_MAX],
}

impl Builder {
    pub(super) fn new(wire: Wire) -> Self {
        let mut buffer = [0; PACKET_MAX];
        match wire.family {
            FamilyFile::Ipv4 => {
                buffer[0] = 0x45; // version 4, five words of header
                buffer[6] = 0x40; // do not fragment
                buffer[8] = 64; // time to live
                buffer[9] = wire.number().0;
            }
            FamilyFile::Ipv6 => {
                buffer[0] = 0x60; // version 6
                buffer[6] = wire.number().0;
                buffer[7] = 64; // hop limit
            }
        }
        if wire.is_tcp() {
            let transport = wire.ip_header();
            buffer[transport + 12] = 0x50; // five words of TCP header
            buffer[transport + 14] = 0xff; // window
        }
        Self { wire, buffer }
    }

    /// The bytes of one packet of a flow of this kind, from the IP header on.
    pub(super) fn build(&mut self, flow: &FlowKey, kind: Kind) -> &[u8] {
        let payload = match kind {
            Kind::Close | Kind::Open => 0,
            Kind::Data(bytes) => bytes.min(self.wire.payload_max()),
        };
        let length = self.wire.headers() + usize::from(payload);
        let transport = (length - self.wire.ip_header()) as u16;
        let (ip, rest) = self.buffer.split_at_mut(self.wire.ip_header());
        let pseudo = write_ip(ip, flow, transport) + u32::from(self.wire.number().0) + u32::from(transport);
        rest[field::SOURCE_PORT].copy_from_slice(&flow.source_port().to_be_bytes());
        rest[field::DESTINATION_PORT].copy_from_slice(&flow.destination_port().to_be_bytes());
        match self.wire.protocol {
            ProtocolFile::Tcp => {
                rest[field::TCP_FLAGS] = match kind {
                    Kind::Close => FIN | ACK,
                    Kind::Data(_) => PSH | ACK,
                    Kind::Open => SYN,
                };
                rest[field::TCP_CHECKSUM].fill(0);
                let checksum = fold(pseudo + sum(&rest[..20]));
                rest[field::TCP_CHECKSUM].copy_from_slice(&checksum.to_be_bytes());
            }
            ProtocolFile::Udp => {
                rest[field::UDP_LENGTH].copy_from_slice(&transport.to_be_bytes());
                rest[field::UDP_CHECKSUM].fill(0);
                // A sum of zero is sent as all ones: zero means that there is none (RFC 768).
                let checksum = match fold(pseudo + sum(&rest[..8])) {
                    0 => 0xffff,
                    checksum => checksum,
                };
                rest[field::UDP_CHECKSUM].copy_from_slice(&checksum.to_be_bytes());
            }
        }
        &self.buffer[..length]
    }
}

/// Writes addresses, length and checksum of an IP header; the sum of the addresses, for the pseudo header.
fn write_ip(ip: &mut [u8], flow: &FlowKey, transport: u16) -> u32 {
    match flow.addresses() {
        Addresses::V4 { source, destination } => {
            ip[field::V4_TOTAL_LENGTH].copy_from_slice(&(20 + transport).to_be_bytes());
            ip[field::V4_HEADER_CHECKSUM].fill(0);
            ip[field::V4_SOURCE].copy_from_slice(&source.octets());
            ip[field::V4_DESTINATION].copy_from_slice(&destination.octets());
            let header = fold(sum(ip));
            ip[field::V4_HEADER_CHECKSUM].copy_from_slice(&header.to_be_bytes());
            sum(&ip[field::V4_SOURCE.start..field::V4_DESTINATION.end])
        }
        Addresses::V6 { source, destination } => {
            ip[field::V6_PAYLOAD_LENGTH].copy_from_slice(&transport.to_be_bytes());
            ip[field::V6_SOURCE].copy_from_slice(&source.octets());
            ip[field::V6_DESTINATION].copy_from_slice(&destination.octets());
            sum(&ip[field::V6_SOURCE.start..field::V6_DESTINATION.end])
        }
    }
}

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
