//! The IPv6 header that this node writes itself: 40 bytes, no extension headers.
//!
//! ```text
//!  0                   1                   2                   3
//!  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
//! +-------+---------------+---------------------------------------+
//! |   6   | traffic class |              flow label               |
//! +-------+---------------+-------+---------------+---------------+
//! |        payload length         |  next header  |   hop limit   |
//! +-------------------------------+---------------+---------------+
//! |                  source address (16 bytes)                    |
//! +---------------------------------------------------------------+
//! |                destination address (16 bytes)                 |
//! +---------------------------------------------------------------+
//! ```
//!
//! There is no header checksum, so nothing is worth summing beforehand. Which
//! values go in is decided by the callers. Source: RFC 8200 section 3.

use core::net::Ipv6Addr;

use crate::flow::Protocol;

/// Bytes of a header without extension headers.
pub(crate) const HEADER_LENGTH: usize = 40;

/// Hop limit of packets that begin here; as for IPv4.
pub(crate) const HOP_LIMIT: u8 = 64;

/// The smallest MTU a link may have (RFC 8200 section 5).
pub(crate) const MINIMUM_MTU: u16 = 1280;

/// What goes into the header.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Fields {
    pub(crate) traffic_class: u8,
    /// 20 bits; zero means "not labelled" (RFC 6437 section 2).
    pub(crate) flow_label: u32,
    /// Without this header.
    pub(crate) payload_length: u16,
    pub(crate) protocol: Protocol,
    pub(crate) source: Ipv6Addr,
    pub(crate) destination: Ipv6Addr,
}

/// The header's bytes.
#[inline]
pub(crate) fn header(fields: &Fields) -> [u8; HEADER_LENGTH] {
    let first = 6 << 28 | u32::from(fields.traffic_class) << 20 | fields.flow_label & 0xf_ffff;
    let mut header = [0; HEADER_LENGTH];
    header[0..4].copy_from_slice(&first.to_be_bytes());
    header[4..6].copy_from_slice(&fields.payload_length.to_be_bytes());
    header[6] = fields.protocol.0;
    header[7] = HOP_LIMIT;
    header[8..24].copy_from_slice(&fields.source.octets());
    header[24..40].copy_from_slice(&fields.destination.octets());
    header
}

/// Replaces the hop limit of a header that starts `packet`.
#[inline]
pub(crate) fn set_hop_limit(packet: &mut [u8], hop_limit: u8) {
    if let Some(header) = packet.first_chunk_mut::<HEADER_LENGTH>() {
        header[7] = hop_limit;
    }
}

/// Replaces the traffic class of a header that starts `packet`.
pub(crate) fn set_traffic_class(packet: &mut [u8], traffic_class: u8) {
    let Some(header) = packet.first_chunk_mut::<HEADER_LENGTH>() else { return };
    header[0] = header[0] & 0xf0 | traffic_class >> 4;
    header[1] = header[1] & 0x0f | traffic_class << 4;
}
