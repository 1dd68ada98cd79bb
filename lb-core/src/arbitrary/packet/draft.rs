//! A packet as a value: written as bytes, and what a parser must find in them.
//!
//! The one idea: the value says everything, so what a reader of the bytes must
//! find ([`Draft::ip_header`], [`Draft::payload`], [`Draft::flow_key`]) follows
//! from it without reading them. A fragment is a whole datagram of which only a
//! piece is written, so its checksums are those of the datagram.

mod upper;

use alloc::vec::Vec;

use super::bytes::{self, V4, V6};
use crate::flow::{Addresses, FlowKey};
use crate::packet::{Fragment, IcmpError, IcmpMessage, IpHeader, Payload, Quoted};

pub use upper::Upper;
use upper::deciding_chunk;

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

/// The next-header value of a fragment header.
const FRAGMENT: u8 = 44;
