//! The IPv4 header (RFC 791): checked for a packet, lenient for a quotation.
//!
//! ```text
//!  0                   1                   2                   3
//!  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
//! +-------+-------+---------------+-------------------------------+
//! |   4   |  IHL  |  DSCP + ECN   |         total length          |
//! +-------+-------+---------------+-----+-------------------------+
//! |        identification         |0|D|M|     fragment offset     |
//! +---------------+---------------+-----+-------------------------+
//! | time to live  |   protocol    |        header checksum        |
//! +---------------+---------------+-------------------------------+
//! |                        source address                         |
//! +---------------------------------------------------------------+
//! |                      destination address                      |
//! +---------------------------------------------------------------+
//! ```
//!
//! Options are stepped over and not read: they are the backend's.

use core::net::Ipv4Addr;

use super::{Fragment, IpHeader, Packet, ParseError, Payload, icmp, plain, transport};
use crate::flow::{Addresses, Protocol};

/// The header without options.
pub(super) const HEADER: usize = 20;

const DONT_FRAGMENT: u16 = 0x4000;
const MORE_FRAGMENTS: u16 = 0x2000;
const OFFSET: u16 = 0x1fff;

/// Reads a packet whose first four bits are right.
///
/// Not inlined, so that what a plain packet needs is written once, straight to
/// where the caller wants it.
#[inline(never)]
pub(super) fn parse(bytes: &[u8]) -> Result<Packet<'_>, ParseError> {
    match plain::v4(bytes) {
        Some(packet) => Ok(packet),
        None => parse_any(bytes),
    }
}

/// The general path. Checks the header, cuts the bytes to the announced length, reads the upper layer.
#[inline(never)]
pub(super) fn parse_any(bytes: &[u8]) -> Result<Packet<'_>, ParseError> {
    let start = bytes.first_chunk::<HEADER>().ok_or(ParseError::Truncated)?;
    let header_length = header_length(start);
    check_header(bytes, header_length)?;
    let bytes = bytes.get(..total_length(start)).ok_or(ParseError::Truncated)?;
    let upper = bytes.get(header_length..).ok_or(ParseError::BadTotalLength)?;
    let fragment = fragment(start);
    let end = usize::from(flags(start) & OFFSET) * 8 + upper.len();
    if end > usize::from(u16::MAX) {
        return Err(ParseError::BadFragment);
    }
    let payload = match (fragment, protocol(start)) {
        (Fragment::Later { .. }, _) => Payload::LaterFragment,
        (Fragment::Whole | Fragment::First { .. }, Protocol::ICMP) => icmp::parse_v4(upper, header_length)?,
        (Fragment::Whole | Fragment::First { .. }, protocol) => transport::parse(protocol, upper)?,
    };
    Ok(Packet { ip: header(start, header_length, fragment), payload, bytes })
}

/// The header's length and the checksum over its whole length.
fn check_header(bytes: &[u8], header_length: usize) -> Result<(), ParseError> {
    if header_length < HEADER {
        return Err(ParseError::BadHeaderLength);
    }
    let header = bytes.get(..header_length).ok_or(ParseError::Truncated)?;
    if long_checksum_holds(header) { Ok(()) } else { Err(ParseError::BadChecksum) }
}

/// Whether the sixteen-bit words of a header without options add up to "minus
/// zero" (RFC 1071).
///
/// A one's complement sum of 16-bit words is a residue modulo 65,535, of which
/// a sum of 32-bit words is just as good, in either byte order; and whether it
/// is zero takes one multiplication instead of folding. (All words zero would
/// pass too, but the version is not zero.)
#[inline]
pub(super) fn checksum_holds(start: &[u8; HEADER]) -> bool {
    let &[a, b, c, d, e, f, g, h, i, j, k, l, addresses @ ..] = start;
    let pair = u64::from_ne_bytes([a, b, c, d, e, f, g, h]);
    // Both addresses in one load, because `addresses` stores them in one.
    let addresses = u64::from_ne_bytes(addresses);
    let sum = halves(pair) + u64::from(u32::from_ne_bytes([i, j, k, l])) + halves(addresses);
    sum.is_multiple_of(0xffff)
}

/// The same for a header with options.
fn long_checksum_holds(header: &[u8]) -> bool {
    let words = header.as_chunks().0.iter();
    let sum: u64 = words.map(|word| u64::from(u32::from_ne_bytes(*word))).sum();
    sum.is_multiple_of(0xffff)
}

#[inline]
const fn halves(pair: u64) -> u64 {
    (pair >> 32) + (pair & 0xffff_ffff)
}

/// The fields of the header that starts so.
#[inline]
pub(super) fn header(start: &[u8; HEADER], header_length: usize, fragment: Fragment) -> IpHeader {
    IpHeader {
        addresses: addresses(start),
        protocol: protocol(start),
        header_length,
        total_length: total_length(start),
        traffic_class: start[1],
        time_to_live: start[8],
        flow_label: 0,
        dont_fragment: flags(start) & DONT_FRAGMENT != 0,
        fragment,
    }
}

/// A quoted header: its parts are checked only as far as they lead to the ports.
pub(super) struct QuotedHeader {
    pub(super) addresses: Addresses,
    pub(super) protocol: Protocol,
    pub(super) header_length: usize,
    pub(super) fragment: Fragment,
}

/// Reads a header that an ICMP error quotes.
///
/// Length and checksum are not verified: the quotation is cut short, and
/// routers quote the header as they had changed it.
pub(super) fn quoted(bytes: &[u8]) -> Result<QuotedHeader, ParseError> {
    let start = bytes.first_chunk::<HEADER>().ok_or(ParseError::TruncatedQuote)?;
    let header_length = header_length(start);
    if start[0] >> 4 != 4 || header_length < HEADER {
        return Err(ParseError::BadQuote);
    }
    Ok(QuotedHeader {
        addresses: addresses(start),
        protocol: protocol(start),
        header_length,
        fragment: fragment(start),
    })
}

#[inline]
fn header_length(start: &[u8; HEADER]) -> usize {
    usize::from(start[0] & 0x0f) * 4
}

#[inline]
pub(super) fn total_length(start: &[u8; HEADER]) -> usize {
    usize::from(u16::from_be_bytes([start[2], start[3]]))
}

/// The flags and the fragment offset.
#[inline]
pub(super) fn flags(start: &[u8; HEADER]) -> u16 {
    u16::from_be_bytes([start[6], start[7]])
}

/// Whether flags and offset are those of a packet that is no fragment.
#[inline]
pub(super) const fn is_whole(flags: u16) -> bool {
    flags & (MORE_FRAGMENTS | OFFSET) == 0
}

#[inline]
pub(super) fn protocol(start: &[u8; HEADER]) -> Protocol {
    Protocol(start[9])
}

#[inline]
fn addresses(start: &[u8; HEADER]) -> Addresses {
    Addresses::V4 {
        source: Ipv4Addr::new(start[12], start[13], start[14], start[15]),
        destination: Ipv4Addr::new(start[16], start[17], start[18], start[19]),
    }
}

fn fragment(start: &[u8; HEADER]) -> Fragment {
    let identification = u16::from_be_bytes([start[4], start[5]]);
    let flags = flags(start);
    Fragment::new(flags & OFFSET, flags & MORE_FRAGMENTS != 0, identification.into())
}
