//! The plain packet: TCP or UDP, no options, no extension headers, whole.
//!
//! Nearly every packet is plain, and then every field has a fixed place, so
//! that one length check covers them all. [`v4`] and [`v6`] take such packets
//! only, and of them only faultless ones; all others, and the judgement of what
//! is wrong with them, are left to the general path of each family. A property test
//! holds the two paths to the same answers.

use super::{Fragment, Packet, ipv4, ipv6, transport};
use crate::flow::Protocol;

/// An IPv4 header without options and a TCP header.
const START_V4: usize = ipv4::HEADER + transport::TCP_HEADER;
/// An IPv6 header without extensions and a TCP header.
const START_V6: usize = ipv6::HEADER + transport::TCP_HEADER;

/// UDP shorter than a TCP header is left to the general path.
#[inline(always)]
pub(crate) fn v4(bytes: &[u8]) -> Option<Packet<'_>> {
    let start = bytes.first_chunk::<START_V4>()?;
    let (header, upper) = (start.first_chunk()?, start.last_chunk()?);
    let total_length = ipv4::total_length(header);
    let whole = ipv4::is_whole(ipv4::flags(header));
    if start[0] != 0x45 || !whole || total_length < START_V4 || !ipv4::checksum_holds(header) {
        return None;
    }
    let bytes = bytes.get(..total_length)?;
    let payload = match ipv4::protocol(header) {
        Protocol::TCP => transport::tcp(upper),
        Protocol::UDP => transport::udp(upper.first_chunk()?),
        _ => return None,
    };
    let ip = ipv4::header(header, ipv4::HEADER, Fragment::Whole);
    Some(Packet { ip, payload, bytes })
}

/// UDP shorter than a TCP header is left to the general path.
#[inline(always)]
pub(crate) fn v6(bytes: &[u8]) -> Option<Packet<'_>> {
    let start = bytes.first_chunk::<START_V6>()?;
    let (header, upper) = (start.first_chunk()?, start.last_chunk()?);
    let total_length = ipv6::total_length(header);
    if start[0] >> 4 != 6 || total_length < START_V6 {
        return None;
    }
    let bytes = bytes.get(..total_length)?;
    let chain = ipv6::Chain::none(header);
    let payload = match chain.protocol {
        Protocol::TCP => transport::tcp(upper),
        Protocol::UDP => transport::udp(upper.first_chunk()?),
        _ => return None,
    };
    Some(Packet { ip: ipv6::header(header, &chain), payload, bytes })
}
