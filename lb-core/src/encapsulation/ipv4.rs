//! The IPv4 header that this node writes itself: 20 bytes, no options.
//!
//! ```text
//!  0                   1                   2                   3
//!  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
//! +-------+-------+-----------+---+-------------------------------+
//! |   4   |   5   |   DSCP    |ECN|         total length          |
//! +-------+-------+-----------+---+-----+-------------------------+
//! |        identification         |0 D M|     fragment offset     |
//! +---------------+---------------+-----+-------------------------+
//! | time to live  |   protocol    |        header checksum        |
//! +---------------+---------------+-------------------------------+
//! |                        source address                         |
//! +---------------------------------------------------------------+
//! |                      destination address                      |
//! +---------------------------------------------------------------+
//! ```
//!
//! The one idea: what does not change from packet to packet (version, TTL,
//! source) is summed once, so the checksum costs a few additions per packet.
//! Which values go in is decided by the callers. Source: RFC 791 section 3.1.

use core::net::Ipv4Addr;

use crate::checksum::{self, Sum};
use crate::flow::Protocol;

/// Bytes of a header without options.
pub(crate) const HEADER_LENGTH: usize = 20;

/// Time to live of packets that begin here (the IANA "IP Parameters" default).
pub(crate) const TIME_TO_LIVE: u8 = 64;

/// The constant part of the headers of one source.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Template {
    source: Ipv4Addr,
    /// Of version, header length, time to live and source.
    sum: Sum,
}

/// The part that differs from packet to packet.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Fields {
    pub(crate) traffic_class: u8,
    /// Header included.
    pub(crate) total_length: u16,
    pub(crate) identification: u16,
    pub(crate) dont_fragment: bool,
    pub(crate) protocol: Protocol,
    pub(crate) destination: Ipv4Addr,
}

impl Template {
    pub(crate) fn new(source: Ipv4Addr) -> Self {
        let sum = Sum::of(&source.octets()).word(0x4500).word(u16::from(TIME_TO_LIVE) << 8);
        Self { source, sum }
    }

    pub(crate) const fn source(&self) -> Ipv4Addr {
        self.source
    }

    /// The header with its checksum.
    #[inline]
    pub(crate) fn header(&self, fields: &Fields) -> [u8; HEADER_LENGTH] {
        let flags = if fields.dont_fragment { DONT_FRAGMENT } else { 0 };
        let destination = fields.destination.octets();
        let checksum = self
            .sum
            .word(u16::from(fields.traffic_class))
            .word(fields.total_length)
            .word(fields.identification)
            .word(flags)
            .word(u16::from(fields.protocol.0))
            .bytes(&destination)
            .checksum();
        let mut header = [0; HEADER_LENGTH];
        header[0] = 0x45;
        header[1] = fields.traffic_class;
        header[2..4].copy_from_slice(&fields.total_length.to_be_bytes());
        header[4..6].copy_from_slice(&fields.identification.to_be_bytes());
        header[6..8].copy_from_slice(&flags.to_be_bytes());
        header[8] = TIME_TO_LIVE;
        header[9] = fields.protocol.0;
        header[10..12].copy_from_slice(&checksum.to_be_bytes());
        header[12..16].copy_from_slice(&self.source.octets());
        header[16..20].copy_from_slice(&destination);
        header
    }
}

/// The flag word of an unfragmented packet with DF set.
const DONT_FRAGMENT: u16 = 0x4000;

/// Subtracts one from the TTL of a header that starts `packet`, and updates its checksum.
///
/// The caller has checked that the header is whole and the TTL above zero.
#[inline]
pub(crate) fn decrement_time_to_live(packet: &mut [u8]) {
    let Some(header) = packet.first_chunk_mut::<HEADER_LENGTH>() else { return };
    let old = u16::from_be_bytes([header[8], header[9]]);
    header[8] = header[8].saturating_sub(1);
    replace_word(header, 8, old);
}

/// Replaces the TOS byte of a header that starts `packet`, and updates its checksum.
pub(crate) fn set_traffic_class(packet: &mut [u8], traffic_class: u8) {
    let Some(header) = packet.first_chunk_mut::<HEADER_LENGTH>() else { return };
    let old = u16::from_be_bytes([header[0], header[1]]);
    header[1] = traffic_class;
    replace_word(header, 0, old);
}

/// Brings the checksum up to date after the word at `offset`, once `old`, was changed.
#[inline]
fn replace_word(header: &mut [u8; HEADER_LENGTH], offset: usize, old: u16) {
    let new = u16::from_be_bytes([header[offset], header[offset + 1]]);
    let before = u16::from_be_bytes([header[10], header[11]]);
    header[10..12].copy_from_slice(&checksum::update(before, old, new).to_be_bytes());
}
