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
use super::{Fragment, IpHeader, ParseError};
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

/// Checks the header and its extensions and cuts the bytes to the announced length.
#[inline]
pub(super) fn parse(bytes: &[u8]) -> Result<(IpHeader, &[u8]), ParseError> {
    let header = bytes.first_chunk::<HEADER>().ok_or(ParseError::Truncated)?;
    let total_length = HEADER + usize::from(u16::from_be_bytes([header[4], header[5]]));
    let bytes = bytes.get(..total_length).ok_or(ParseError::Truncated)?;
    let chain = if is_extension(header[6]) {
        let chain = follow(bytes, header[6])?;
        if chain.segments_left {
            return Err(ParseError::SourceRouted);
        }
        chain
    } else {
        Chain::none(header[6])
    };
    let word = u32::from_be_bytes([header[0], header[1], header[2], header[3]]);
    let ip = IpHeader {
        addresses: addresses(header),
        protocol: chain.protocol,
        header_length: chain.header_length,
        total_length,
        traffic_class: (word >> 20) as u8,
        time_to_live: header[7],
        flow_label: word & 0x000f_ffff,
        dont_fragment: true,
        fragment: chain.fragment,
    };
    Ok((ip, bytes))
}

/// Reads a header that an ICMP error quotes; the quotation may end before the packet did.
pub(super) fn quoted(bytes: &[u8]) -> Result<QuotedHeader, ParseError> {
    let header = bytes.first_chunk::<HEADER>().ok_or(ParseError::TruncatedQuote)?;
    if header[0] >> 4 != 6 {
        return Err(ParseError::BadQuote);
    }
    let chain = match follow(bytes, header[6]) {
        Ok(chain) => chain,
        Err(ParseError::Truncated) => return Err(ParseError::TruncatedQuote),
        Err(_) => return Err(ParseError::BadQuote),
    };
    Ok(QuotedHeader {
        addresses: addresses(header),
        protocol: chain.protocol,
        header_length: chain.header_length,
        fragment: chain.fragment,
    })
}

/// Where a chain of extension headers leads.
struct Chain {
    protocol: Protocol,
    header_length: usize,
    fragment: Fragment,
    segments_left: bool,
}

impl Chain {
    #[inline]
    const fn none(next_header: u8) -> Self {
        Self {
            protocol: Protocol(next_header),
            header_length: HEADER,
            fragment: Fragment::Whole,
            segments_left: false,
        }
    }
}

/// Follows the chain from the fixed header to the upper layer, or to the
/// fragment header of a later fragment: what follows that is not a header.
#[inline(never)]
fn follow(bytes: &[u8], next_header: u8) -> Result<Chain, ParseError> {
    let mut chain = Chain::none(next_header);
    let mut seen_fragment = false;
    for count in 0..=MAX_EXTENSION_HEADERS {
        let kind = chain.protocol.0;
        if !is_extension(kind) {
            return Ok(chain);
        }
        if count == MAX_EXTENSION_HEADERS {
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
        if rest.len() < length {
            return Err(ParseError::Truncated);
        }
        chain.protocol = Protocol(extension[0]);
        chain.header_length += length;
        if kind == next_header::ROUTING && extension[3] != 0 {
            chain.segments_left = true;
        }
        if kind == next_header::FRAGMENT {
            seen_fragment = true;
            chain.fragment = fragment(extension, rest.len() - length)?;
            if matches!(chain.fragment, Fragment::Later { .. }) {
                return Ok(chain);
            }
        }
    }
    Err(ParseError::TooManyExtensionHeaders)
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

#[inline]
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

#[inline]
fn addresses(header: &[u8; HEADER]) -> Addresses {
    let mut source = [0; 16];
    let mut destination = [0; 16];
    source.copy_from_slice(&header[8..24]);
    destination.copy_from_slice(&header[24..]);
    Addresses::V6 { source: Ipv6Addr::from(source), destination: Ipv6Addr::from(destination) }
}
