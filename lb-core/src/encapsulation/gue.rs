//! Generic UDP Encapsulation: UDP and GUE headers before the inner packet.
//!
//! ```text
//!  0                   1                   2                   3
//!  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
//! +-------------------------------+-------------------------------+
//! |   source port: of the flow    |    destination port: 6080     |
//! +-------------------------------+-------------------------------+
//! |          UDP length           |         UDP checksum          |
//! +---+-+---------+---------------+-------------------------------+
//! | 0 |C|  hlen   |  proto/ctype  |             flags             |
//! +---+-+---------+---------------+-------------------------------+
//! ```
//!
//! The one idea: any network device spreads UDP by its ports, so the source
//! port carries the flow's entropy and nothing else. We write variant 0 with
//! no extension; a receiver also takes variant 1 (IP straight in UDP) and
//! refuses extensions, as it must what it does not know.
//! Sources: draft-ietf-intarea-gue-09 sections 3 and 4, RFC 768.

use crate::flow::Protocol;

/// Bytes of the UDP and the GUE header as we write them.
pub(crate) const HEADER_LENGTH: usize = UDP_LENGTH + GUE_LENGTH;
/// Where the checksum stands, from the UDP header on.
pub(crate) const CHECKSUM_OFFSET: usize = 6;

/// Why a GUE header is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    Truncated,
    Control,
    Unsupported,
    NotIp,
}

/// Both headers, the UDP checksum zero; `length` is that of headers and inner packet.
#[inline]
pub(crate) fn header(source_port: u16, port: u16, length: u16, protocol: Protocol) -> [u8; HEADER_LENGTH] {
    let mut header = [0; HEADER_LENGTH];
    header[0..2].copy_from_slice(&source_port.to_be_bytes());
    header[2..4].copy_from_slice(&port.to_be_bytes());
    header[4..6].copy_from_slice(&length.to_be_bytes());
    header[UDP_LENGTH + 1] = protocol.0;
    header
}

/// The length of the GUE header that starts `bytes` (the UDP payload) and the
/// protocol (4 or 41) that follows it.
pub(crate) fn parse(bytes: &[u8]) -> Result<(usize, Protocol), Refusal> {
    let first = *bytes.first().ok_or(Refusal::Truncated)?;
    match first >> 6 {
        0 => {}
        // Variant 1 has no header: these two bits are the first of the IP version, 4 or 6.
        1 if first >> 4 == 4 => return Ok((0, Protocol::IPV4)),
        1 if first >> 4 == 6 => return Ok((0, Protocol::IPV6)),
        _ => return Err(Refusal::Unsupported),
    }
    let &[_, protocol, flags_high, flags_low] =
        bytes.first_chunk::<GUE_LENGTH>().ok_or(Refusal::Truncated)?;
    if first & CONTROL != 0 {
        return Err(Refusal::Control);
    }
    // Flags and the fields they announce, or private data: what is not understood is dropped.
    if first & HLEN != 0 || flags_high != 0 || flags_low != 0 {
        return Err(Refusal::Unsupported);
    }
    match Protocol(protocol) {
        protocol @ (Protocol::IPV4 | Protocol::IPV6) => Ok((GUE_LENGTH, protocol)),
        _ => Err(Refusal::NotIp),
    }
}

/// Bytes of a UDP header.
pub(crate) const UDP_LENGTH: usize = 8;
const GUE_LENGTH: usize = 4;
const CONTROL: u8 = 0x20;
const HLEN: u8 = 0x1f;
