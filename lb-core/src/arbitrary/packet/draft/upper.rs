//! The upper layer of a packet as a value, and the checksums that go with it.

use alloc::boxed::Box;
use alloc::vec::Vec;

use super::Draft;
use crate::arbitrary::packet::bytes;
use crate::connection::SctpClass;
use crate::flow::{Addresses, FlowKey, Protocol};
use crate::packet::{IcmpErrorKind, TcpFlags};

/// What the IP header is followed by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Upper {
    /// An echo request.
    EchoRequest {
        /// Who asks.
        identifier: u16,
        /// How often it has asked.
        sequence: u16,
        /// What is to be sent back.
        data: Vec<u8>,
    },
    /// An ICMP error of the packet's family.
    Error {
        /// What happened to the quoted packet, as far as the family can say it:
        /// IPv4 has 16 bits for an MTU, 8 for a pointer, and no code 4 of "unreachable".
        kind: IcmpErrorKind,
        /// The packet, of the same family.
        quoted: Box<Draft>,
        /// How many of its bytes are quoted, from its IP header on; at least
        /// that header and eight bytes, if it has as many.
        length: usize,
    },
    /// An ICMP message that is neither an echo request nor an error.
    Icmp {
        /// Its type.
        message_type: u8,
        /// Its code.
        code: u8,
        /// What follows the first eight bytes.
        data: Vec<u8>,
    },
    /// Another protocol, neither transport nor ICMP of the family.
    Other {
        /// Its number.
        protocol: Protocol,
        /// Everything it carries.
        data: Vec<u8>,
    },
    /// An SCTP packet.
    Sctp {
        /// The sender's port.
        source_port: u16,
        /// The receiver's port.
        destination_port: u16,
        /// Type and body of each chunk, at least one.
        chunks: Vec<(u8, Vec<u8>)>,
    },
    /// A TCP segment.
    Tcp {
        /// The sender's port.
        source_port: u16,
        /// The receiver's port.
        destination_port: u16,
        /// The control bits.
        flags: TcpFlags,
        /// What follows the header.
        data: Vec<u8>,
    },
    /// A UDP datagram.
    Udp {
        /// The sender's port.
        source_port: u16,
        /// The receiver's port.
        destination_port: u16,
        /// What follows the header.
        data: Vec<u8>,
    },
}

impl Upper {
    /// A TCP segment of a flow.
    #[must_use]
    pub fn tcp(flow: &FlowKey, flags: TcpFlags, data: &[u8]) -> Self {
        let (source_port, destination_port) = (flow.source_port(), flow.destination_port());
        Self::Tcp { source_port, destination_port, flags, data: data.to_vec() }
    }

    /// A UDP datagram of a flow.
    #[must_use]
    pub fn udp(flow: &FlowKey, data: &[u8]) -> Self {
        let (source_port, destination_port) = (flow.source_port(), flow.destination_port());
        Self::Udp { source_port, destination_port, data: data.to_vec() }
    }

    /// An SCTP packet of a flow with one chunk.
    #[must_use]
    pub fn sctp(flow: &FlowKey, chunk_type: u8, body: &[u8]) -> Self {
        let (source_port, destination_port) = (flow.source_port(), flow.destination_port());
        Self::Sctp { source_port, destination_port, chunks: [(chunk_type, body.to_vec())].into() }
    }

    /// Its protocol number between these addresses.
    #[must_use]
    pub const fn protocol(&self, addresses: &Addresses) -> Protocol {
        match (self, addresses) {
            (Self::EchoRequest { .. } | Self::Error { .. } | Self::Icmp { .. }, Addresses::V4 { .. }) => {
                Protocol::ICMP
            }
            (Self::EchoRequest { .. } | Self::Error { .. } | Self::Icmp { .. }, Addresses::V6 { .. }) => {
                Protocol::ICMPV6
            }
            (Self::Other { protocol, .. }, _) => *protocol,
            (Self::Sctp { .. }, _) => Protocol::SCTP,
            (Self::Tcp { .. }, _) => Protocol::TCP,
            (Self::Udp { .. }, _) => Protocol::UDP,
        }
    }

    /// Source and destination port, where it has them.
    #[must_use]
    pub const fn ports(&self) -> Option<(u16, u16)> {
        match self {
            Self::Sctp { source_port, destination_port, .. }
            | Self::Tcp { source_port, destination_port, .. }
            | Self::Udp { source_port, destination_port, .. } => Some((*source_port, *destination_port)),
            Self::EchoRequest { .. } | Self::Error { .. } | Self::Icmp { .. } | Self::Other { .. } => None,
        }
    }

    /// Its bytes with the right checksum.
    pub(super) fn emit(&self, addresses: &Addresses) -> Vec<u8> {
        let is_v6 = matches!(addresses, Addresses::V6 { .. });
        let mut message = match self {
            Self::EchoRequest { identifier, sequence, data } => {
                let word = u32::from(*identifier) << 16 | u32::from(*sequence);
                bytes::icmp(if is_v6 { 128 } else { 8 }, 0, word, data)
            }
            Self::Error { kind, quoted, length } => {
                let quotation = quoted.emit();
                let quotation = &quotation[..quotation.len().min(*length)];
                let (message_type, code, word) = error_header(*kind, is_v6);
                bytes::icmp(message_type, code, word, quotation)
            }
            Self::Icmp { message_type, code, data } => bytes::icmp(*message_type, *code, 0, data),
            Self::Other { data, .. } => data.clone(),
            Self::Sctp { source_port, destination_port, chunks } => {
                bytes::sctp(*source_port, *destination_port, chunks)
            }
            Self::Tcp { source_port, destination_port, flags, data } => {
                [bytes::tcp(*source_port, *destination_port, flags.bits()), data.clone()].concat()
            }
            Self::Udp { source_port, destination_port, data } => {
                let mut header = bytes::udp(*source_port, *destination_port);
                header[4..6].copy_from_slice(&(8 + data.len() as u16).to_be_bytes());
                [header, data.clone()].concat()
            }
        };
        self.put_checksum(addresses, &mut message);
        message
    }

    fn put_checksum(&self, addresses: &Addresses, message: &mut [u8]) {
        let is_v6 = matches!(addresses, Addresses::V6 { .. });
        let with_addresses = |message: &[u8]| {
            let protocol = self.protocol(addresses);
            let head = pseudo_header(addresses, protocol, message.len());
            bytes::internet_checksum(&[&head, message].concat())
        };
        match self {
            Self::Tcp { .. } => {
                let checksum = with_addresses(message);
                message[16..18].copy_from_slice(&checksum.to_be_bytes());
            }
            Self::Udp { .. } => {
                // Zero means "none" (RFC 768), so that a sum of zero is written the other way.
                let checksum = match with_addresses(message) {
                    0 => u16::MAX,
                    checksum => checksum,
                };
                message[6..8].copy_from_slice(&checksum.to_be_bytes());
            }
            Self::Sctp { .. } => {
                let checksum = bytes::crc32c(message);
                message[8..12].copy_from_slice(&checksum.to_le_bytes());
            }
            Self::EchoRequest { .. } | Self::Error { .. } | Self::Icmp { .. } => {
                let checksum =
                    if is_v6 { with_addresses(message) } else { bytes::internet_checksum(message) };
                message[2..4].copy_from_slice(&checksum.to_be_bytes());
            }
            Self::Other { .. } => {}
        }
    }
}

/// What TCP, UDP and ICMPv6 sum beside themselves (RFC 9293 §3.1, RFC 8200 §8.1).
fn pseudo_header(addresses: &Addresses, protocol: Protocol, length: usize) -> Vec<u8> {
    let mut bytes = match addresses {
        Addresses::V4 { source, destination } => [source.octets(), destination.octets()].concat(),
        Addresses::V6 { source, destination } => [source.octets(), destination.octets()].concat(),
    };
    bytes.extend((length as u32).to_be_bytes());
    bytes.extend([0, protocol.0]);
    bytes
}

/// Type, code and the word by type: RFC 792, RFC 1191 §4, RFC 4443 §3.
const fn error_header(kind: IcmpErrorKind, is_v6: bool) -> (u8, u8, u32) {
    match (kind, is_v6) {
        (IcmpErrorKind::ParameterProblem { code, pointer }, false) => (12, code, pointer << 24),
        (IcmpErrorKind::ParameterProblem { code, pointer }, true) => (4, code, pointer),
        (IcmpErrorKind::TimeExceeded { code }, false) => (11, code, 0),
        (IcmpErrorKind::TimeExceeded { code }, true) => (3, code, 0),
        (IcmpErrorKind::TooBig { mtu }, false) => (3, 4, mtu & 0xffff),
        (IcmpErrorKind::TooBig { mtu }, true) => (2, 0, mtu),
        (IcmpErrorKind::Unreachable { code }, false) => (3, code, 0),
        (IcmpErrorKind::Unreachable { code }, true) => (1, code, 0),
    }
}

/// The first chunk; an ABORT right after a COOKIE ECHO or COOKIE ACK ends what
/// those began, if it is within the `visible` bytes of the packet.
pub(super) fn deciding_chunk(chunks: &[(u8, Vec<u8>)], visible: usize) -> SctpClass {
    let mut types = chunks.iter().map(|(kind, _)| SctpClass::of_chunk(*kind));
    let second = 12 + chunks.first().map_or(0, |(_, body)| (4 + body.len()).next_multiple_of(4));
    match (types.next(), types.next().filter(|_| second < visible)) {
        (Some(SctpClass::CookieEcho | SctpClass::CookieAck), Some(SctpClass::Abort)) => SctpClass::Abort,
        (Some(first), _) => first,
        (None, _) => SctpClass::Data,
    }
}
