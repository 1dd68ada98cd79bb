//! The upper layer: ports, flags and chunk types of TCP, UDP and SCTP.
//!
//! Only the fixed part of each header is read; lengths and checksums inside it
//! are the backend's to judge. ICMP has a [file of its own](super::icmp).
//! Sources: RFC 9293 §3.1, RFC 768, RFC 9260 §3.

use core::fmt;

use super::{IcmpMessage, ParseError};
use crate::connection::SctpClass;
use crate::flow::Protocol;

/// What the upper layer carries.
// `repr`: the ports are at one place in all variants, so that reading them needs no jump.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Payload {
    /// A TCP segment.
    Tcp {
        /// The sender's port.
        source_port: u16,
        /// The receiver's port.
        destination_port: u16,
        /// The control bits.
        flags: TcpFlags,
    },
    /// A UDP datagram.
    Udp {
        /// The sender's port.
        source_port: u16,
        /// The receiver's port.
        destination_port: u16,
    },
    /// An SCTP packet.
    Sctp {
        /// The sender's port.
        source_port: u16,
        /// The receiver's port.
        destination_port: u16,
        /// The chunk that decides about the association.
        chunk: SctpClass,
    },
    /// An ICMP message in IPv4 or an ICMPv6 message in IPv6.
    Icmp(IcmpMessage),
    /// A part of a datagram without the upper layer's header.
    LaterFragment,
    /// Any other protocol: a tunnel, ESP, nothing at all.
    Other,
}

impl Payload {
    /// Source and destination port, where the packet carries them itself.
    #[must_use]
    #[inline]
    pub const fn ports(&self) -> Option<(u16, u16)> {
        match self {
            Self::Tcp { source_port, destination_port, .. }
            | Self::Udp { source_port, destination_port }
            | Self::Sctp { source_port, destination_port, .. } => Some((*source_port, *destination_port)),
            Self::Icmp(_) | Self::LaterFragment | Self::Other => None,
        }
    }
}

/// TCP's eight control bits: CWR, ECE, URG, ACK, PSH, RST, SYN, FIN from the highest.
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct TcpFlags(u8);

impl TcpFlags {
    /// The sender has finished.
    pub const FIN: Self = Self(0x01);
    /// A connection begins.
    pub const SYN: Self = Self(0x02);
    /// A connection is broken off.
    pub const RST: Self = Self(0x04);
    /// The acknowledgement number counts.
    pub const ACK: Self = Self(0x10);

    /// Flags from byte 13 of a TCP header.
    #[must_use]
    #[inline]
    pub const fn from_bits(bits: u8) -> Self {
        Self(bits)
    }

    /// Byte 13 of a TCP header.
    #[must_use]
    #[inline]
    pub const fn bits(self) -> u8 {
        self.0
    }

    /// These flags and `other`'s.
    #[must_use]
    pub const fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Whether the sender has finished.
    #[must_use]
    #[inline]
    pub const fn fin(self) -> bool {
        self.0 & Self::FIN.0 != 0
    }

    /// Whether a connection begins.
    #[must_use]
    #[inline]
    pub const fn syn(self) -> bool {
        self.0 & Self::SYN.0 != 0
    }

    /// Whether a connection is broken off.
    #[must_use]
    #[inline]
    pub const fn rst(self) -> bool {
        self.0 & Self::RST.0 != 0
    }

    /// Whether the acknowledgement number counts.
    #[must_use]
    #[inline]
    pub const fn ack(self) -> bool {
        self.0 & Self::ACK.0 != 0
    }
}

impl fmt::Debug for TcpFlags {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const NAMES: [&str; 8] = ["FIN", "SYN", "RST", "PSH", "ACK", "URG", "ECE", "CWR"];
        let mut set = NAMES.iter().enumerate().filter(|(bit, _)| self.0 >> bit & 1 != 0);
        f.write_str("TcpFlags(")?;
        if let Some((_, name)) = set.next() {
            f.write_str(name)?;
        }
        set.try_for_each(|(_, name)| write!(f, " {name}"))?;
        f.write_str(")")
    }
}

/// TCP's header without options.
pub(super) const TCP_HEADER: usize = 20;
/// UDP's header.
pub(super) const UDP_HEADER: usize = 8;

/// Reads the upper layer, but for ICMP, whose meaning depends on the family.
pub(super) fn parse(protocol: Protocol, upper: &[u8]) -> Result<Payload, ParseError> {
    match protocol {
        Protocol::TCP => upper.first_chunk().map(tcp).ok_or(ParseError::TruncatedTransport),
        Protocol::UDP => upper.first_chunk().map(udp).ok_or(ParseError::TruncatedTransport),
        Protocol::SCTP => sctp(upper),
        _ => Ok(Payload::Other),
    }
}

#[inline]
pub(super) fn tcp(header: &[u8; TCP_HEADER]) -> Payload {
    let (source_port, destination_port) = ports(header);
    Payload::Tcp { source_port, destination_port, flags: TcpFlags(header[13]) }
}

#[inline]
pub(super) fn udp(header: &[u8; UDP_HEADER]) -> Payload {
    let (source_port, destination_port) = ports(header);
    Payload::Udp { source_port, destination_port }
}

/// The common header is 12 bytes; a packet without a chunk means nothing.
///
/// An ABORT that follows a COOKIE ECHO or COOKIE ACK in the same packet ends
/// the association that those had made; every other packet is its first chunk.
fn sctp(upper: &[u8]) -> Result<Payload, ParseError> {
    let header = upper.first_chunk::<16>().ok_or(ParseError::TruncatedTransport)?;
    let (source_port, destination_port) = ports(header);
    let mut chunk = SctpClass::of_chunk(header[12]);
    if matches!(chunk, SctpClass::CookieEcho | SctpClass::CookieAck) {
        // RFC 9260 §3.2: the length counts the chunk's header but not its padding to four bytes.
        // (One that is below four leads back into this chunk, which is no ABORT.)
        let length = usize::from(u16::from_be_bytes([header[14], header[15]])).next_multiple_of(4);
        let next = upper.get(12 + length).copied().map(SctpClass::of_chunk);
        if next == Some(SctpClass::Abort) {
            chunk = SctpClass::Abort;
        }
    }
    Ok(Payload::Sctp { source_port, destination_port, chunk })
}

/// Source and destination port, where all three protocols have them.
#[inline]
const fn ports<const LENGTH: usize>(header: &[u8; LENGTH]) -> (u16, u16) {
    (u16::from_be_bytes([header[0], header[1]]), u16::from_be_bytes([header[2], header[3]]))
}
