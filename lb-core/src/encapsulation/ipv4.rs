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

use crate::checksum;
use crate::flow::Protocol;

/// Bytes of a header without options.
pub(crate) const HEADER_LENGTH: usize = 20;

/// Time to live of packets that begin here (the IANA "IP Parameters" default).
pub(crate) const TIME_TO_LIVE: u8 = 64;

/// The constant part of the headers of one source.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Template {
    source: Ipv4Addr,
    /// Of version, header length, time to live and source, as numbers; not folded.
    sum: u32,
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
        let sum = (VERSION_AND_LENGTH >> 16) + (u32::from(TIME_TO_LIVE) << 8) + halves(source);
        Self { source, sum }
    }

    #[inline]
    pub(crate) const fn source(&self) -> Ipv4Addr {
        self.source
    }

    /// Writes the header with its checksum.
    #[inline(always)]
    pub(crate) fn write(&self, fields: &Fields, header: &mut [u8; HEADER_LENGTH]) {
        let traffic_class = u32::from(fields.traffic_class);
        let total_length = u32::from(fields.total_length);
        let identification = u32::from(fields.identification);
        let flags = if fields.dont_fragment { DONT_FRAGMENT } else { 0 };
        let protocol = u32::from(fields.protocol.0);
        let varying = traffic_class + total_length + identification + flags + protocol;
        // At most ten words of 16 bits: two folds.
        let sum = self.sum + varying + halves(fields.destination);
        let sum = (sum & 0xffff) + (sum >> 16);
        let sum = (sum & 0xffff) + (sum >> 16);
        let checksum = !sum & 0xffff;

        let length = VERSION_AND_LENGTH | traffic_class << 16 | total_length;
        let hops = u32::from(TIME_TO_LIVE) << 24 | protocol << 16 | checksum;
        header[0..4].copy_from_slice(&length.to_be_bytes());
        header[4..8].copy_from_slice(&(identification << 16 | flags).to_be_bytes());
        header[8..12].copy_from_slice(&hops.to_be_bytes());
        header[12..16].copy_from_slice(&self.source.octets());
        header[16..20].copy_from_slice(&fields.destination.octets());
    }
}

/// The sum of an address' two words.
#[inline]
fn halves(address: Ipv4Addr) -> u32 {
    let bits = u32::from(address);
    (bits >> 16) + (bits & 0xffff)
}

/// Version 4, five words of header; the upper half of the first word.
const VERSION_AND_LENGTH: u32 = 0x4500_0000;
/// The flag word of an unfragmented packet with DF set.
const DONT_FRAGMENT: u32 = 0x4000;

/// Gives `out`, a copy of the packet `from`, a TTL one lower, and updates its checksum.
///
/// The caller has checked that the header is whole and the TTL above zero.
#[inline(always)]
pub(crate) fn decrement_time_to_live(from: &[u8], out: &mut [u8]) {
    // Read from the original: the copy is still on its way through the store buffer.
    let (Some(from), Some(out)) = (from.first_chunk::<HEADER_LENGTH>(), out.get_mut(8..12)) else { return };
    let hops = u32::from_be_bytes([from[8], from[9], from[10], from[11]]);
    out.copy_from_slice(&one_hop_less(hops).to_be_bytes());
}

/// TTL, protocol and checksum of a header after one hop.
///
/// The TTL is the upper half of its word, so the data lose 0x0100 and the
/// checksum gains as much, with the carry brought around. This is RFC 1624's
/// equation 3 for this one change: 0xffff, minus zero, becomes zero.
#[inline]
const fn one_hop_less(hops: u32) -> u32 {
    let checksum = (hops & 0xffff) + 0x0100;
    let checksum = (checksum + (checksum >= 0xffff) as u32) & 0xffff;
    (hops & 0xffff_0000).wrapping_sub(0x0100_0000) | checksum
}

/// Replaces the TOS byte of a header that starts `packet`, and updates its checksum.
pub(crate) fn set_traffic_class(packet: &mut [u8], traffic_class: u8) {
    let Some(header) = packet.first_chunk_mut::<HEADER_LENGTH>() else { return };
    let old = u16::from_be_bytes([header[0], header[1]]);
    header[1] = traffic_class;
    let new = u16::from_be_bytes([header[0], header[1]]);
    let checksum = checksum::update(u16::from_be_bytes([header[10], header[11]]), old, new);
    header[10..12].copy_from_slice(&checksum.to_be_bytes());
}

#[cfg(test)]
mod tests {
    use core::net::Ipv4Addr;

    use super::{Fields, HEADER_LENGTH, Template, one_hop_less};
    use crate::checksum::{self, Sum};
    use crate::flow::Protocol;

    /// Every value of one word, so that every carry of the sum is met.
    #[test]
    fn the_checksum_is_right_for_every_identification() {
        let template = Template::new(Ipv4Addr::new(255, 255, 255, 254));
        for identification in 0..=u16::MAX {
            let mut header = [0; HEADER_LENGTH];
            let fields = Fields {
                traffic_class: 0xff,
                total_length: 0xffff,
                identification,
                dont_fragment: true,
                protocol: Protocol::IPV4,
                destination: Ipv4Addr::new(255, 255, 255, 255),
            };
            template.write(&fields, &mut header);
            assert!(Sum::of(&header).is_valid(), "{header:x?}");
        }
    }

    /// Every checksum, with the TTLs at the edges and a usual one, against the general update.
    #[test]
    fn one_hop_less_is_the_general_update() {
        for before in 0..=u16::MAX {
            for time_to_live in [1_u8, 2, 64, 128, 255] {
                let old = u16::from_be_bytes([time_to_live, 6]);
                let new = u16::from_be_bytes([time_to_live - 1, 6]);
                let expected = u32::from(new) << 16 | u32::from(checksum::update(before, old, new));
                assert_eq!(one_hop_less(u32::from(old) << 16 | u32::from(before)), expected);
            }
        }
    }
}
