//! The IPv6 header and its chain of extension headers (RFC 8200).
//!
//! ```text
//!  0                   1                   2                   3
//!  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
//! +-------+---------------+---------------------------------------+
//! |   6   | traffic class |              flow label               |
//! +-------+---------------+-------+---------------+---------------+
//! |        payload length         |  next header  |   hop limit   |
//! +-------------------------------+---------------+---------------+
//! |                   source address, 16 bytes                    |
//! |                 destination address, 16 bytes                 |
//! +---------------------------------------------------------------+
//! ```
//!
//! The chain is followed to the upper layer, over at most
//! [`MAX_EXTENSION_HEADERS`]; what is inside the headers is the backend's to
//! judge. A jumbogram (RFC 2675) announces length 0 and is refused as truncated.

use core::net::Ipv6Addr;

use super::ipv4::QuotedHeader;
use super::{Fragment, IpHeader, Packet, ParseError, Payload, icmp, plain, transport};
use crate::flow::{Addresses, Protocol};

/// How many extension headers are followed.
///
/// RFC 8200 §4.1 recommends an order with room for seven; with mobility (RFC
/// 6275) it is eight. More is an attack on the parser (RFC 9098 §4).
pub const MAX_EXTENSION_HEADERS: usize = 8;

/// The fixed header.
pub(super) const HEADER: usize = 40;

/// Protocol numbers of the IANA registry "IPv6 Extension Header Types" that can be stepped over.
mod next_header {
    pub(super) const HOP_BY_HOP: u8 = 0;
    pub(super) const ROUTING: u8 = 43;
    pub(super) const FRAGMENT: u8 = 44;
    pub(super) const AUTHENTICATION: u8 = 51;
    pub(super) const DESTINATION_OPTIONS: u8 = 60;
    pub(super) const MOBILITY: u8 = 135;
    pub(super) const HOST_IDENTITY: u8 = 139;
    pub(super) const SHIM6: u8 = 140;
}

/// Reads a packet whose first four bits are right.
///
/// Not inlined, so that what a plain packet needs is written once, straight to
/// where the caller wants it.
#[inline(never)]
pub(super) fn parse(bytes: &[u8]) -> Result<Packet<'_>, ParseError> {
    match plain::v6(bytes) {
        Some(packet) => Ok(packet),
        None => parse_any(bytes),
    }
}

/// The general path. Checks the header and its extensions, cuts the bytes to the announced
/// length, reads the upper layer.
#[inline(never)]
pub(super) fn parse_any(bytes: &[u8]) -> Result<Packet<'_>, ParseError> {
    let start = bytes.first_chunk::<HEADER>().ok_or(ParseError::Truncated)?;
    let bytes = bytes.get(..total_length(start)).ok_or(ParseError::Truncated)?;
    let chain = Chain::follow(start, bytes)?;
    if chain.segments_left {
        return Err(ParseError::SourceRouted);
    }
    let upper = bytes.get(chain.header_length..).ok_or(ParseError::Truncated)?;
    let payload = match (chain.fragment, chain.protocol) {
        (Fragment::Later { .. }, _) => Payload::LaterFragment,
        (Fragment::Whole | Fragment::First { .. }, Protocol::ICMPV6) => {
            icmp::parse_v6(upper, chain.header_length)?
        }
        (Fragment::Whole | Fragment::First { .. }, protocol) => transport::parse(protocol, upper)?,
    };
    Ok(Packet { ip: header(start, &chain), payload, bytes })
}

/// The fields of the header that starts so and is followed by these extensions.
#[inline]
pub(super) fn header(start: &[u8; HEADER], chain: &Chain) -> IpHeader {
    let word = u32::from_be_bytes([start[0], start[1], start[2], start[3]]);
    IpHeader {
        addresses: addresses(start),
        protocol: chain.protocol,
        header_length: chain.header_length,
        total_length: total_length(start),
        traffic_class: (word >> 20) as u8,
        time_to_live: start[7],
        flow_label: word & 0x000f_ffff,
        dont_fragment: true,
        fragment: chain.fragment,
    }
}

/// Reads a header that an ICMP error quotes; the quotation may end before the packet did.
pub(super) fn quoted(bytes: &[u8]) -> Result<QuotedHeader, ParseError> {
    let start = bytes.first_chunk::<HEADER>().ok_or(ParseError::TruncatedQuote)?;
    if start[0] >> 4 != 6 {
        return Err(ParseError::BadQuote);
    }
    let chain = Chain::follow(start, bytes).map_err(|error| match error {
        ParseError::Truncated => ParseError::TruncatedQuote,
        _ => ParseError::BadQuote,
    })?;
    Ok(QuotedHeader {
        addresses: addresses(start),
        protocol: chain.protocol,
        header_length: chain.header_length,
        fragment: chain.fragment,
    })
}

/// Where a chain of extension headers leads.
pub(super) struct Chain {
    pub(super) protocol: Protocol,
    header_length: usize,
    fragment: Fragment,
    /// Whether a routing header names receivers after this one.
    segments_left: bool,
}

impl Chain {
    /// The chain that ends before it begins: the fixed header names the upper layer.
    #[inline]
    pub(super) const fn none(start: &[u8; HEADER]) -> Self {
        Self {
            protocol: Protocol(start[6]),
            header_length: HEADER,
            fragment: Fragment::Whole,
            segments_left: false,
        }
    }

    /// Follows the chain from the fixed header to the upper layer, or to the
    /// fragment header of a later fragment: what follows that is not a header.
    fn follow(start: &[u8; HEADER], bytes: &[u8]) -> Result<Self, ParseError> {
        let mut chain = Self::none(start);
        let mut seen_fragment = false;
        for count in 0..MAX_EXTENSION_HEADERS {
            let kind = chain.protocol.0;
            if !is_extension(kind) {
                break;
            }
            let rest = bytes.get(chain.header_length..).unwrap_or_default();
            let extension = rest.first_chunk::<8>().ok_or(ParseError::Truncated)?;
            let length = match kind {
                // RFC 8200 §4.3: "restricted to appear immediately after an IPv6 header only".
                next_header::HOP_BY_HOP if count > 0 => return Err(ParseError::BadExtensionHeader),
                next_header::FRAGMENT if seen_fragment => return Err(ParseError::BadExtensionHeader),
                next_header::FRAGMENT => 8,
                // RFC 4302 §2.2: in four-byte units, minus two.
                next_header::AUTHENTICATION => (usize::from(extension[1]) + 2) * 4,
                _ => (usize::from(extension[1]) + 1) * 8,
            };
            let payload = rest.len().checked_sub(length).ok_or(ParseError::Truncated)?;
            chain.protocol = Protocol(extension[0]);
            chain.header_length += length;
            chain.segments_left |= kind == next_header::ROUTING && extension[3] != 0;
            if kind == next_header::FRAGMENT {
                seen_fragment = true;
                chain.fragment = fragment(extension, payload)?;
                if matches!(chain.fragment, Fragment::Later { .. }) {
                    return Ok(chain);
                }
            }
        }
        if is_extension(chain.protocol.0) { Err(ParseError::TooManyExtensionHeaders) } else { Ok(chain) }
    }
}

/// The fragment header (RFC 8200 §4.5): offset in the upper 13 bits, "more" in the lowest.
fn fragment(extension: &[u8; 8], payload: usize) -> Result<Fragment, ParseError> {
    let word = u16::from_be_bytes([extension[2], extension[3]]);
    let identification = u32::from_be_bytes([extension[4], extension[5], extension[6], extension[7]]);
    // The offset is in units of eight bytes, three bits above the lowest.
    if usize::from(word & !7) + payload > usize::from(u16::MAX) {
        return Err(ParseError::BadFragment);
    }
    Ok(Fragment::new(word >> 3, word & 1 != 0, identification))
}

const fn is_extension(kind: u8) -> bool {
    matches!(
        kind,
        next_header::HOP_BY_HOP
            | next_header::ROUTING
            | next_header::FRAGMENT
            | next_header::AUTHENTICATION
            | next_header::DESTINATION_OPTIONS
            | next_header::MOBILITY
            | next_header::HOST_IDENTITY
            | next_header::SHIM6
    )
}

/// The whole packet's length.
#[inline]
pub(super) fn total_length(start: &[u8; HEADER]) -> usize {
    HEADER + usize::from(u16::from_be_bytes([start[4], start[5]]))
}

#[inline]
fn addresses(start: &[u8; HEADER]) -> Addresses {
    let mut source = [0; 16];
    let mut destination = [0; 16];
    source.copy_from_slice(&start[8..24]);
    destination.copy_from_slice(&start[24..]);
    Addresses::V6 { source: Ipv6Addr::from(source), destination: Ipv6Addr::from(destination) }
}
