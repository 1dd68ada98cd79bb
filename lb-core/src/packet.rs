//! Packets: from bytes to a flow, without trust.
//!
//! [`parse`] reads a packet from its IP header on and keeps only what a
//! balancer decides by: addresses, ports, flags, what an ICMP error quotes. It
//! copies those few fields and borrows the rest; whatever the bytes are, it
//! neither panics nor allocates nor loops for long.
//!
//! Of all checksums only the IPv4 header's is verified, because a router must
//! (RFC 1812 §5.2.2); the transport's belong to the backend, which sees the
//! packet untouched. What a packet means for a connection is left to
//! [`connection`](crate::connection), what becomes of fragments to
//! [`fragment`](crate::fragment). Sources: RFC 791, 8200, 9293, 768, 9260, 792, 4443.

mod error;
mod icmp;
mod ipv4;
mod ipv6;
pub(crate) mod plain;
mod transport;

pub use error::ParseError;
pub(crate) use icmp::parse_quoted;
pub use icmp::{IcmpError, IcmpErrorKind, IcmpMessage, Quoted};
pub use ipv6::MAX_EXTENSION_HEADERS;
pub use transport::{Payload, TcpFlags};

use core::net::IpAddr;

use crate::connection::{Segment, TcpEvent};
use crate::flow::{Addresses, FlowKey, Protocol};

/// Reads a packet that begins with its IP header.
///
/// Bytes past the length that the IP header announces (Ethernet padding) are
/// cut off. The work is bounded by the headers alone, never by the payload.
///
/// # Errors
///
/// [`ParseError`] if the bytes are no packet that can be steered; the sender
/// (or the link) is at fault and the packet should be dropped and counted.
///
/// ```
/// use lb_core::packet::{self, ParseError, Payload};
///
/// // A SYN from 192.0.2.1:40000 to 203.0.113.10:443.
/// let mut syn = [
///     0x45, 0, 0, 40, 0, 1, 0x40, 0, 64, 6, 0, 0, 192, 0, 2, 1, 203, 0, 113, 10, // IPv4
///     0x9c, 0x40, 0x01, 0xbb, 0, 0, 0, 1, 0, 0, 0, 0, 0x50, 0x02, 0xff, 0xff, 0, 0, 0, 0, // TCP
/// ];
/// assert_eq!(packet::parse(&syn), Err(ParseError::BadChecksum));
///
/// syn[10..12].copy_from_slice(&[0x3c, 0xc3]);
/// let packet = packet::parse(&syn).unwrap();
/// assert!(matches!(packet.payload, Payload::Tcp { flags, .. } if flags.syn() && !flags.ack()));
/// let flow = packet.flow_key().unwrap();
/// assert_eq!(flow.to_string(), "tcp 192.0.2.1:40000 -> 203.0.113.10:443");
/// ```
#[inline]
pub fn parse(bytes: &[u8]) -> Result<Packet<'_>, ParseError> {
    match bytes.first().map(|first| first >> 4) {
        Some(4) => ipv4::parse(bytes),
        Some(6) => ipv6::parse(bytes),
        Some(_) => Err(ParseError::BadVersion),
        None => Err(ParseError::Truncated),
    }
}

/// The destination that the IP header of any bytes names, whatever else is wrong with them.
pub(crate) fn destination(bytes: &[u8]) -> Option<IpAddr> {
    match bytes.first()? >> 4 {
        4 => bytes.get(16..20)?.first_chunk::<4>().map(|octets| IpAddr::from(*octets)),
        6 => bytes.get(24..40)?.first_chunk::<16>().map(|octets| IpAddr::from(*octets)),
        _ => None,
    }
}

/// A packet that was understood, beside its bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Packet<'a> {
    /// What the IP header says, extension headers included.
    pub ip: IpHeader,
    /// What the upper layer says.
    pub payload: Payload,
    bytes: &'a [u8],
}

/// The fields of an IPv4 or IPv6 header that a balancer uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IpHeader {
    /// Source and destination.
    pub addresses: Addresses,
    /// The upper layer's protocol, after all extension headers.
    ///
    /// In a later IPv6 fragment it is what the fragment header names, and that
    /// may be an extension header of the fragmented part.
    pub protocol: Protocol,
    /// Bytes before the upper layer: the header with its options or extension headers.
    pub header_length: usize,
    /// Bytes of the whole packet, header included: 20 to 65,575.
    pub total_length: usize,
    /// The DSCP (upper six bits) and the ECN field (lower two).
    pub traffic_class: u8,
    /// Time to live or hop limit, as received.
    pub time_to_live: u8,
    /// The IPv6 flow label (20 bits), 0 for IPv4.
    pub flow_label: u32,
    /// Whether routers may not fragment the packet: IPv4's DF, always so for IPv6.
    pub dont_fragment: bool,
    /// Which part of a datagram this is.
    pub fragment: Fragment,
}

/// Which part of a datagram a packet carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fragment {
    /// All of it; an IPv6 "atomic" fragment (RFC 6946) too.
    Whole,
    /// The first part, with the upper layer's header.
    First {
        /// The number that the parts of one datagram share; 16 bits in IPv4, 32 in IPv6.
        identification: u32,
    },
    /// A later part, without the upper layer's header.
    Later {
        /// The number that the parts of one datagram share; 16 bits in IPv4, 32 in IPv6.
        identification: u32,
    },
}

impl<'a> Packet<'a> {
    /// The packet, exactly [`IpHeader::total_length`] bytes.
    #[must_use]
    #[inline]
    pub const fn bytes(&self) -> &'a [u8] {
        self.bytes
    }

    /// What follows the IP header and its extension headers.
    #[must_use]
    #[inline]
    pub fn upper_layer(&self) -> &'a [u8] {
        self.bytes.get(self.ip.header_length..).unwrap_or_default()
    }

    /// The flow by which the packet is steered, in the direction client to VIP.
    ///
    /// | packet | flow |
    /// |---|---|
    /// | TCP, UDP, SCTP; whole or first fragment | its 5-tuple |
    /// | ICMP error | the quoted packet's 5-tuple, reversed: what is quoted is an answer |
    /// | other ICMP, other protocols | addresses and protocol, both ports 0 |
    /// | later fragment, or an error that quotes one | `None`: it carries no ports |
    ///
    /// A later fragment is found by [`FragmentTable`](crate::fragment::FragmentTable).
    #[must_use]
    #[inline]
    pub fn flow_key(&self) -> Option<FlowKey> {
        let (source_port, destination_port) = match &self.payload {
            Payload::Tcp { source_port, destination_port, .. }
            | Payload::Udp { source_port, destination_port }
            | Payload::Sctp { source_port, destination_port, .. } => (*source_port, *destination_port),
            Payload::Icmp(IcmpMessage::Error(error)) => {
                return error.quoted.flow_key().map(|flow| flow.reversed());
            }
            Payload::Icmp(IcmpMessage::EchoRequest | IcmpMessage::Other) | Payload::Other => (0, 0),
            Payload::LaterFragment => return None,
        };
        Some(FlowKey::new(self.ip.protocol, self.ip.addresses, source_port, destination_port))
    }

    /// What the packet tells the state machine of its connection.
    #[must_use]
    #[inline]
    pub const fn segment(&self) -> Segment {
        match &self.payload {
            Payload::Tcp { flags, .. } => Segment::Tcp(TcpEvent::of_flags(flags.bits())),
            Payload::Udp { .. } => Segment::Udp,
            Payload::Sctp { chunk, .. } => Segment::Sctp(*chunk),
            Payload::Icmp(_) | Payload::LaterFragment | Payload::Other => Segment::Other,
        }
    }
}

impl Fragment {
    /// The datagram's number, if the packet is a part of one.
    #[must_use]
    pub const fn identification(self) -> Option<u32> {
        match self {
            Self::Whole => None,
            Self::First { identification } | Self::Later { identification } => Some(identification),
        }
    }

    /// From offset and "more fragments", as both families have them.
    const fn new(offset: u16, more: bool, identification: u32) -> Self {
        match (offset, more) {
            (0, false) => Self::Whole,
            (0, true) => Self::First { identification },
            (_, _) => Self::Later { identification },
        }
    }
}

#[cfg(test)]
pub(crate) mod tests;
