//! A packet as a value: written as bytes, and what a parser must find in them.
//!
//! The one idea: the value says everything, so what a reader of the bytes must
//! find ([`Draft::ip_header`], [`Draft::payload`], [`Draft::flow_key`]) follows
//! from it without reading them. A fragment is a whole datagram of which only a
//! piece is written, so its checksums are those of the datagram.

use alloc::boxed::Box;
use alloc::vec::Vec;

use super::bytes::{self, V4, V6};
use crate::flow::{Addresses, FlowKey, Protocol};
use crate::packet::{
    Fragment, IcmpError, IcmpErrorKind, IcmpMessage, IpHeader, Payload, Quoted, SctpChunk, TcpFlags,
};

/// A packet that is yet to be written.
///
/// ```
/// use core::net::Ipv4Addr;
/// use lb_core::arbitrary::packet::{Draft, Upper};
/// use lb_core::packet::{self, TcpFlags};
/// use lb_core::{FlowKey, Protocol};
///
/// let client = (Ipv4Addr::new(192, 0, 2, 1), 40_000);
/// let vip = (Ipv4Addr::new(203, 0, 113, 10), 443);
/// let flow = FlowKey::v4(Protocol::TCP, client, vip);
/// let hello = Draft::new(flow.addresses(), Upper::tcp(&flow, TcpFlags::SYN, b"hello"));
///
/// let bytes = hello.emit();
/// let packet = packet::parse(&bytes).unwrap();
/// assert_eq!((packet.ip, packet.payload), (hello.ip_header(), hello.payload()));
/// assert_eq!(packet.flow_key(), Some(flow));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Draft {
    /// Source and destination; their family is the packet's.
    pub addresses: Addresses,
    /// The DSCP (upper six bits) and the ECN field (lower two).
    pub traffic_class: u8,
    /// Time to live or hop limit.
    pub time_to_live: u8,
    /// IPv6 only: 20 bits.
    pub flow_label: u32,
    /// IPv4 only: routers may not fragment the packet.
    pub dont_fragment: bool,
    /// The number of the datagram: 16 bits in IPv4, in IPv6 only written into fragments.
    pub identification: u32,
    /// IPv4 only: options, a multiple of four bytes, 40 at most.
    pub options: Vec<u8>,
    /// IPv6 only: extension headers (kind, length in bytes) before a fragment header, seven at most.
    pub extensions: Vec<(u8, usize)>,
    /// Which part of the upper layer is written.
    pub piece: Piece,
    /// The upper layer of the whole datagram.
    pub upper: Upper,
}

/// Which part of a datagram's upper layer a packet carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Piece {
    /// All of it.
    Whole,
    /// The bytes from `start` on, a multiple of eight, up to `end`, which is
    /// one too or is past the last byte.
    ///
    /// All bytes in a `Part` are an IPv6 "atomic" fragment (RFC 6946).
    Part {
        /// The first byte.
        start: usize,
        /// The byte after the last one.
        end: usize,
    },
}

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

impl Draft {
    /// A whole packet without options, 64 hops to live, DF set.
    #[must_use]
    pub const fn new(addresses: Addresses, upper: Upper) -> Self {
        Self {
            addresses,
            traffic_class: 0,
            time_to_live: 64,
            flow_label: 0,
            dont_fragment: matches!(addresses, Addresses::V4 { .. }),
            identification: 0,
            options: Vec::new(),
            extensions: Vec::new(),
            piece: Piece::Whole,
            upper,
        }
    }

    /// The packet's bytes, from the IP header on, all lengths and checksums right.
    #[must_use]
    pub fn emit(&self) -> Vec<u8> {
        let upper = self.upper.emit(&self.addresses);
        let (start, end) = self.range(upper.len());
        let (part, more) = (&upper[start..end], end < upper.len());
        let protocol = self.upper.protocol(&self.addresses).0;
        match self.addresses {
            Addresses::V4 { source, destination } => {
                let flags = u16::from(self.dont_fragment) << 14 | u16::from(more) << 13;
                let header = V4 {
                    source,
                    destination,
                    traffic_class: self.traffic_class,
                    time_to_live: self.time_to_live,
                    protocol,
                    identification: self.identification as u16,
                    flags: flags | (start / 8) as u16,
                    options: self.options.clone(),
                };
                header.build(part)
            }
            Addresses::V6 { source, destination } => {
                let (protocol, part) = match self.piece {
                    Piece::Whole => (protocol, part.to_vec()),
                    Piece::Part { .. } => {
                        let header = bytes::fragment(protocol, start as u16, more, self.identification);
                        (FRAGMENT, [&header, part].concat())
                    }
                };
                let (next_header, payload) = bytes::chain(&self.extensions, protocol, &part);
                let header = V6 {
                    source,
                    destination,
                    traffic_class: self.traffic_class,
                    flow_label: self.flow_label,
                    hop_limit: self.time_to_live,
                    next_header,
                };
                header.build(&payload)
            }
        }
    }

    /// The datagram in pieces of `step` bytes of its upper layer (rounded down to eights, at least 8), in order.
    ///
    /// ```
    /// use lb_core::arbitrary::packet::{Draft, Upper};
    /// use lb_core::packet::{Fragment, parse};
    /// use lb_core::{FlowKey, Protocol};
    ///
    /// let flow = FlowKey::v4(Protocol::UDP, ([192, 0, 2, 1].into(), 40_000), ([203, 0, 113, 10].into(), 53));
    /// let datagram = Draft::new(flow.addresses(), Upper::udp(&flow, &[7; 100]));
    /// let pieces: Vec<Vec<u8>> = datagram.cut(48).iter().map(Draft::emit).collect();
    /// assert_eq!(pieces.len(), 3);
    /// assert!(matches!(parse(&pieces[2]).unwrap().ip.fragment, Fragment::Later { .. }));
    /// ```
    #[must_use]
    pub fn cut(&self, step: usize) -> Vec<Self> {
        let length = self.upper.emit(&self.addresses).len();
        let step = (step & !7).max(8);
        let piece = |start: usize| Piece::Part { start, end: (start + step).min(length) };
        let starts = (0..length).step_by(step);
        starts.map(|start| Self { piece: piece(start), dont_fragment: false, ..self.clone() }).collect()
    }

    /// What a parser must read from the IP header and its extensions.
    #[must_use]
    pub fn ip_header(&self) -> IpHeader {
        let upper = self.upper.emit(&self.addresses).len();
        let (start, end) = self.range(upper);
        let header_length = self.header_length();
        let is_v6 = self.is_v6();
        IpHeader {
            addresses: self.addresses,
            protocol: self.upper.protocol(&self.addresses),
            header_length,
            total_length: header_length + end - start,
            traffic_class: self.traffic_class,
            time_to_live: self.time_to_live,
            flow_label: if is_v6 { self.flow_label } else { 0 },
            dont_fragment: is_v6 || self.dont_fragment,
            fragment: self.fragment(),
        }
    }

    /// What a parser must read from the upper layer.
    #[must_use]
    pub fn payload(&self) -> Payload {
        if matches!(self.fragment(), Fragment::Later { .. }) {
            return Payload::LaterFragment;
        }
        match &self.upper {
            Upper::EchoRequest { .. } => Payload::Icmp(IcmpMessage::EchoRequest),
            Upper::Error { kind, quoted, .. } => {
                let quoted = quoted.as_quoted(self.header_length() + 8);
                Payload::Icmp(IcmpMessage::Error(IcmpError { kind: *kind, quoted }))
            }
            Upper::Icmp { .. } => Payload::Icmp(IcmpMessage::Other),
            Upper::Other { .. } => Payload::Other,
            Upper::Sctp { source_port, destination_port, chunks } => Payload::Sctp {
                source_port: *source_port,
                destination_port: *destination_port,
                chunk: deciding_chunk(chunks, self.range(usize::MAX).1),
            },
            Upper::Tcp { source_port, destination_port, flags, .. } => {
                Payload::Tcp { source_port: *source_port, destination_port: *destination_port, flags: *flags }
            }
            Upper::Udp { source_port, destination_port, .. } => {
                Payload::Udp { source_port: *source_port, destination_port: *destination_port }
            }
        }
    }

    /// The flow by which the packet must be steered; `None` for a later fragment.
    #[must_use]
    pub fn flow_key(&self) -> Option<FlowKey> {
        if matches!(self.fragment(), Fragment::Later { .. }) {
            return None;
        }
        match &self.upper {
            Upper::Error { quoted, .. } => quoted.flow_key().map(|answer| answer.reversed()),
            upper => {
                let (source, destination) = upper.ports().unwrap_or_default();
                let protocol = upper.protocol(&self.addresses);
                Some(FlowKey::new(protocol, self.addresses, source, destination))
            }
        }
    }

    /// Bytes before the upper layer.
    #[must_use]
    pub fn header_length(&self) -> usize {
        match (self.addresses, self.piece) {
            (Addresses::V4 { .. }, _) => 20 + self.options.len(),
            (Addresses::V6 { .. }, Piece::Whole) => 40 + self.extensions_length(),
            (Addresses::V6 { .. }, Piece::Part { .. }) => 48 + self.extensions_length(),
        }
    }

    /// Whether it is an IPv6 packet.
    #[must_use]
    pub const fn is_v6(&self) -> bool {
        matches!(self.addresses, Addresses::V6 { .. })
    }

    /// Which part of a datagram it is.
    #[must_use]
    pub fn fragment(&self) -> Fragment {
        let length = self.upper.emit(&self.addresses).len();
        let (start, end) = self.range(length);
        let identification = if self.is_v6() { self.identification } else { self.identification & 0xffff };
        match (start, end == length) {
            (0, true) => Fragment::Whole,
            (0, false) => Fragment::First { identification },
            (_, _) => Fragment::Later { identification },
        }
    }

    fn extensions_length(&self) -> usize {
        self.extensions.iter().map(|(_, length)| length).sum()
    }

    fn range(&self, length: usize) -> (usize, usize) {
        match self.piece {
            Piece::Whole => (0, length),
            Piece::Part { start, end } => (start.min(length), end.min(length)),
        }
    }

    /// How an error that quotes this packet at `offset` describes it.
    fn as_quoted(&self, offset: usize) -> Quoted {
        let fragment = self.fragment();
        let ports = match fragment {
            Fragment::Later { .. } => None,
            Fragment::First { .. } | Fragment::Whole => self.upper.ports(),
        };
        Quoted {
            addresses: self.addresses,
            protocol: self.upper.protocol(&self.addresses),
            ports,
            fragment,
            offset,
            header_length: self.header_length(),
        }
    }
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
    fn emit(&self, addresses: &Addresses) -> Vec<u8> {
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
fn deciding_chunk(chunks: &[(u8, Vec<u8>)], visible: usize) -> SctpChunk {
    let mut types = chunks.iter().map(|(kind, _)| SctpChunk::from(*kind));
    let second = 12 + chunks.first().map_or(0, |(_, body)| (4 + body.len()).next_multiple_of(4));
    match (types.next(), types.next().filter(|_| second < visible)) {
        (Some(SctpChunk::CookieEcho | SctpChunk::CookieAck), Some(SctpChunk::Abort)) => SctpChunk::Abort,
        (Some(first), _) => first,
        (None, _) => SctpChunk::Other(u8::MAX),
    }
}

/// The next-header value of a fragment header.
const FRAGMENT: u8 = 44;
