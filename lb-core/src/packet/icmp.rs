//! ICMP and ICMPv6 as a balancer meets them: echo requests, errors, the rest.
//!
//! An error is about a packet that it quotes: an answer that a backend sent to
//! a client from the VIP, or a tunnel packet of our own. [`Quoted`] says whose,
//! and where in the error it stands, so that a tunnel's inside can be looked
//! at. Making answers and translating errors is [`icmp`](crate::icmp)'s work.
//! Sources: RFC 792, RFC 1191 §4, RFC 4443 §3; only 8 bytes of transport need be quoted.

use super::{Fragment, ParseError, Payload, ipv4, ipv6};
use crate::flow::{Addresses, FlowKey, Protocol};

/// An ICMP message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IcmpMessage {
    /// "Are you there?": answered by the balancer itself.
    EchoRequest,
    /// A report about a packet that was sent before.
    Error(IcmpError),
    /// Anything else: answers, redirects, source quench (RFC 6633), neighbour discovery.
    Other,
}

/// A report about a packet that was sent before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IcmpError {
    /// What happened to it.
    pub kind: IcmpErrorKind,
    /// The packet.
    pub quoted: Quoted,
}

/// What happened to the quoted packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IcmpErrorKind {
    /// The receiver did not understand a field.
    ParameterProblem {
        /// The family's code.
        code: u8,
        /// The field's offset in the quoted packet.
        pointer: u32,
    },
    /// Its time to live (code 0) or its time for reassembly (code 1) ran out.
    TimeExceeded {
        /// The family's code.
        code: u8,
    },
    /// A link was too narrow: "fragmentation needed" or "packet too big".
    TooBig {
        /// The longest packet in bytes that fits; 0 if an old router does not say (RFC 1191 §5).
        mtu: u32,
    },
    /// Nobody there, or nobody who may be talked to.
    Unreachable {
        /// The family's code; never IPv4's "fragmentation needed".
        code: u8,
    },
}

/// A packet as an ICMP error quotes it, in its own direction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quoted {
    /// Its source and destination.
    pub addresses: Addresses,
    /// Its upper layer's protocol, after all extension headers.
    pub protocol: Protocol,
    /// Its ports; `None` if its protocol has none or it is a later fragment.
    pub ports: Option<(u16, u16)>,
    /// Which part of a datagram it is.
    pub fragment: Fragment,
    /// Where its IP header begins, from the start of the error's IP header.
    pub offset: usize,
    /// Bytes before its upper layer; all of them are quoted, and what is left
    /// of the upper layer begins at `offset + header_length`.
    pub header_length: usize,
}

impl Quoted {
    /// The flow that the quoted packet belongs to, in its own direction.
    ///
    /// `None` if it is a later fragment; ports are 0 where the protocol has none.
    #[must_use]
    pub fn flow_key(&self) -> Option<FlowKey> {
        let (source_port, destination_port) = match self.fragment {
            Fragment::Later { .. } => return None,
            Fragment::First { .. } | Fragment::Whole => self.ports.unwrap_or_default(),
        };
        Some(FlowKey::new(self.protocol, self.addresses, source_port, destination_port))
    }
}

/// The message's own header: type, code, checksum, four bytes by type.
const HEADER: usize = 8;

/// Reads the ICMP message that begins `offset` bytes into an IPv4 packet.
pub(super) fn parse_v4(message: &[u8], offset: usize) -> Result<Payload, ParseError> {
    let (header, quotation) = message.split_first_chunk::<HEADER>().ok_or(ParseError::TruncatedTransport)?;
    let kind = match (header[0], header[1]) {
        (8, 0) => return Ok(Payload::Icmp(IcmpMessage::EchoRequest)),
        (3, 4) => IcmpErrorKind::TooBig { mtu: u16::from_be_bytes([header[6], header[7]]).into() },
        (3, code) => IcmpErrorKind::Unreachable { code },
        (11, code) => IcmpErrorKind::TimeExceeded { code },
        (12, code) => IcmpErrorKind::ParameterProblem { code, pointer: header[4].into() },
        (_, _) => return Ok(Payload::Icmp(IcmpMessage::Other)),
    };
    let ip = ipv4::quoted(quotation)?;
    let quoted = quoted(&ip, quotation, offset + HEADER)?;
    Ok(Payload::Icmp(IcmpMessage::Error(IcmpError { kind, quoted })))
}

/// Reads the ICMPv6 message that begins `offset` bytes into an IPv6 packet.
pub(super) fn parse_v6(message: &[u8], offset: usize) -> Result<Payload, ParseError> {
    let (header, quotation) = message.split_first_chunk::<HEADER>().ok_or(ParseError::TruncatedTransport)?;
    let word = u32::from_be_bytes([header[4], header[5], header[6], header[7]]);
    let kind = match (header[0], header[1]) {
        (128, 0) => return Ok(Payload::Icmp(IcmpMessage::EchoRequest)),
        (1, code) => IcmpErrorKind::Unreachable { code },
        (2, _) => IcmpErrorKind::TooBig { mtu: word },
        (3, code) => IcmpErrorKind::TimeExceeded { code },
        (4, code) => IcmpErrorKind::ParameterProblem { code, pointer: word },
        (_, _) => return Ok(Payload::Icmp(IcmpMessage::Other)),
    };
    let ip = ipv6::quoted(quotation)?;
    let quoted = quoted(&ip, quotation, offset + HEADER)?;
    Ok(Payload::Icmp(IcmpMessage::Error(IcmpError { kind, quoted })))
}

/// Reads a quoted packet of either family that stands at `offset` of the quoting one.
pub(crate) fn parse_quoted(quotation: &[u8], offset: usize) -> Result<Quoted, ParseError> {
    let ip = match quotation.first().ok_or(ParseError::TruncatedQuote)? >> 4 {
        4 => ipv4::quoted(quotation)?,
        _ => ipv6::quoted(quotation)?,
    };
    quoted(&ip, quotation, offset)
}

fn quoted(ip: &ipv4::QuotedHeader, quotation: &[u8], offset: usize) -> Result<Quoted, ParseError> {
    let upper = quotation.get(ip.header_length..).ok_or(ParseError::TruncatedQuote)?;
    let later = matches!(ip.fragment, Fragment::Later { .. });
    let ports = if ip.protocol.has_ports() && !later {
        let &[a, b, c, d] = upper.first_chunk().ok_or(ParseError::TruncatedQuote)?;
        Some((u16::from_be_bytes([a, b]), u16::from_be_bytes([c, d])))
    } else {
        None
    };
    Ok(Quoted {
        addresses: ip.addresses,
        protocol: ip.protocol,
        ports,
        fragment: ip.fragment,
        offset,
        header_length: ip.header_length,
    })
}
