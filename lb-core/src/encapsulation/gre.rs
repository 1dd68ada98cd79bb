//! GRE between the outer IP header and the inner packet.
//!
//! ```text
//!  0                   1                   2                   3
//!  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
//! +-+-----------------------+-----+-------------------------------+
//! |C|       reserved0       |  0  |         protocol type         |
//! +-+-----------------------+-----+-------------------------------+
//! |      checksum (if C)          |      reserved1 (if C)         |
//! +-------------------------------+-------------------------------+
//! ```
//!
//! We write the four-byte form; a receiver must also take the checksummed one.
//! Keys and sequence numbers (RFC 2890) are an agreement of two ends that we
//! do not make, so they are refused. Source: RFC 2784 section 2.

use crate::checksum::Sum;
use crate::flow::Protocol;

/// Bytes of the header as we write it.
pub(crate) const HEADER_LENGTH: usize = 4;

/// Why a GRE header is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    Truncated,
    BadChecksum,
    Unsupported,
    NotIp,
}

/// The header for an inner packet of `protocol` (4 or 41).
#[inline]
pub(crate) fn header(protocol: Protocol) -> [u8; HEADER_LENGTH] {
    let [high, low] = if protocol == Protocol::IPV6 { ETHERTYPE_IPV6 } else { ETHERTYPE_IPV4 }.to_be_bytes();
    [0, 0, high, low]
}

/// The length of the header that starts `bytes` and the protocol (4 or 41) that follows it.
pub(crate) fn parse(bytes: &[u8]) -> Result<(usize, Protocol), Refusal> {
    let &[flags_high, flags_low, type_high, type_low] =
        bytes.first_chunk::<HEADER_LENGTH>().ok_or(Refusal::Truncated)?;
    let flags = u16::from_be_bytes([flags_high, flags_low]);
    // "A receiver MUST discard a packet where any of bits 1-5 are non-zero"; bits 6-12 "MUST be ignored".
    if flags & (BITS_1_TO_5 | VERSION) != 0 {
        return Err(Refusal::Unsupported);
    }
    let length = if flags & CHECKSUM_PRESENT == 0 {
        HEADER_LENGTH
    } else {
        if bytes.len() < HEADER_LENGTH + 4 {
            return Err(Refusal::Truncated);
        }
        if !Sum::of(bytes).is_valid() {
            return Err(Refusal::BadChecksum);
        }
        HEADER_LENGTH + 4
    };
    match u16::from_be_bytes([type_high, type_low]) {
        ETHERTYPE_IPV4 => Ok((length, Protocol::IPV4)),
        ETHERTYPE_IPV6 => Ok((length, Protocol::IPV6)),
        _ => Err(Refusal::NotIp),
    }
}

const ETHERTYPE_IPV4: u16 = 0x0800;
const ETHERTYPE_IPV6: u16 = 0x86dd;
const CHECKSUM_PRESENT: u16 = 0x8000;
const BITS_1_TO_5: u16 = 0x7c00;
const VERSION: u16 = 0x0007;
