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

use super::{Fragment, IpHeader, ParseError};
use crate::flow::{Addresses, Protocol};

/// The header without options.
pub(super) const HEADER: usize = 20;

const DONT_FRAGMENT: u16 = 0x4000;
const MORE_FRAGMENTS: u16 = 0x2000;
const OFFSET: u16 = 0x1fff;

/// Checks the header and cuts the bytes to the announced length.
#[inline]
pub(super) fn parse(bytes: &[u8]) -> Result<(IpHeader, &[u8]), ParseError> {
    let header = bytes.first_chunk::<HEADER>().ok_or(ParseError::Truncated)?;
    let total_length = usize::from(u16::from_be_bytes([header[2], header[3]]));
    let header_length = header_length(header);
    if header_length == HEADER {
        if !checksum_holds(header) {
            return Err(ParseError::BadChecksum);
        }
    } else {
        check_options(bytes, header_length)?;
    }
    if total_length < header_length {
        return Err(ParseError::BadTotalLength);
    }
    let bytes = bytes.get(..total_length).ok_or(ParseError::Truncated)?;
    let flags = u16::from_be_bytes([header[6], header[7]]);
    let fragment = if flags & (MORE_FRAGMENTS | OFFSET) == 0 {
        Fragment::Whole
    } else {
        check_fragment(flags, total_length - header_length)?;
        fragment(header)
    };
    let ip = IpHeader {
        addresses: addresses(header),
        protocol: Protocol(header[9]),
        header_length,
        total_length,
        traffic_class: header[1],
        time_to_live: header[8],
        flow_label: 0,
        dont_fragment: flags & DONT_FRAGMENT != 0,
        fragment,
    };
    Ok((ip, bytes))
}

/// The options' length and the checksum that covers them.
#[cold]
fn check_options(bytes: &[u8], header_length: usize) -> Result<(), ParseError> {
    if header_length < HEADER {
        return Err(ParseError::BadHeaderLength);
    }
    let header = bytes.get(..header_length).ok_or(ParseError::Truncated)?;
    let sum: u64 = header.as_chunks().0.iter().map(|word| u64::from(u32::from_ne_bytes(*word))).sum();
    if sum.is_multiple_of(ONES) { Ok(()) } else { Err(ParseError::BadChecksum) }
}

/// A datagram is at most 65,535 bytes, whatever its fragments claim.
#[cold]
fn check_fragment(flags: u16, payload: usize) -> Result<(), ParseError> {
    let end = usize::from(flags & OFFSET) * 8 + payload;
    if end > usize::from(u16::MAX) { Err(ParseError::BadFragment) } else { Ok(()) }
}

/// Whether the header's sixteen-bit words add up to "minus zero" (RFC 1071).
///
/// A one's complement sum of 16-bit words is a residue modulo 65,535, of which
/// a sum of 32-bit words is just as good, in either byte order; and whether it
/// is zero takes one multiplication instead of folding. (All words zero would
/// pass too, but the version is not zero.)
#[inline]
fn checksum_holds(header: &[u8; HEADER]) -> bool {
    let mut sum = 0;
    for word in header.as_chunks().0 {
        sum += u64::from(u32::from_ne_bytes(*word));
    }
    sum.is_multiple_of(ONES)
}

const ONES: u64 = 0xffff;

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
    let header = bytes.first_chunk::<HEADER>().ok_or(ParseError::TruncatedQuote)?;
    let header_length = header_length(header);
    if header[0] >> 4 != 4 || header_length < HEADER {
        return Err(ParseError::BadQuote);
    }
    Ok(QuotedHeader {
        addresses: addresses(header),
        protocol: Protocol(header[9]),
        header_length,
        fragment: fragment(header),
    })
}

#[inline]
fn header_length(header: &[u8; HEADER]) -> usize {
    usize::from(header[0] & 0x0f) * 4
}

#[inline]
fn addresses(header: &[u8; HEADER]) -> Addresses {
    Addresses::V4 {
        source: Ipv4Addr::new(header[12], header[13], header[14], header[15]),
        destination: Ipv4Addr::new(header[16], header[17], header[18], header[19]),
    }
}

fn fragment(header: &[u8; HEADER]) -> Fragment {
    let flags = u16::from_be_bytes([header[6], header[7]]);
    let identification = u16::from_be_bytes([header[4], header[5]]);
    Fragment::new(flags & OFFSET, flags & MORE_FRAGMENTS != 0, identification.into())
}
