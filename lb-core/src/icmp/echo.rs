//! Answers to pings of a VIP.
//!
//! The one idea: a reply is the request with its addresses swapped and another
//! type, so its checksum is the request's, updated by one word; a damaged
//! request stays damaged and is not answered. Sources: RFC 792 "Echo", RFC 1122
//! section 3.2.2.6, RFC 4443 section 4.

use super::{Head, IcmpRefusal, begin, check_source, checksum_start};
use crate::checksum;
use crate::encapsulation::ecn::Ecn;
use crate::flow::Addresses;
use crate::packet::{Fragment, IcmpMessage, Packet, Payload};

/// Writes the reply to an echo request into `out` and returns its length.
///
/// The reply comes from the address that was asked, with a TTL of 64 and
/// neither options nor extension headers, so it is never longer than the
/// request. DSCP is the request's, ECN is off (RFC 3168 section 6.1.5 leaves it to
/// data). IPv4 repeats DF and identification: the replies are then as unique as
/// the requests were (RFC 6864 section 4.3).
///
/// # Errors
///
/// [`IcmpRefusal`], among them `NotEchoRequest`; nothing is to be sent then.
///
/// ```
/// use lb_core::{icmp, packet};
///
/// // 192.0.2.1 pings 203.0.113.10.
/// let ping = [
///     0x45, 0, 0, 28, 0, 1, 0x40, 0, 61, 1, 0x3f, 0xd4, 192, 0, 2, 1, 203, 0, 113, 10,
///     8, 0, 0xf7, 0xf8, 0, 1, 0, 6,
/// ];
/// let mut out = [0; 64];
/// let length = icmp::echo_reply(&packet::parse(&ping).unwrap(), &mut out).unwrap();
/// assert_eq!(out[12..length], [203, 0, 113, 10, 192, 0, 2, 1, 0, 0, 0xff, 0xf8, 0, 1, 0, 6]);
/// ```
pub fn echo_reply(request: &Packet<'_>, out: &mut [u8]) -> Result<usize, IcmpRefusal> {
    if request.payload != Payload::Icmp(IcmpMessage::EchoRequest) {
        return Err(IcmpRefusal::NotEchoRequest);
    }
    if request.ip.fragment != Fragment::Whole {
        return Err(IcmpRefusal::Fragment);
    }
    check_source(&request.ip.addresses)?;
    let message = request.upper_layer();
    if !checksum_start(&request.ip.addresses, message.len()).bytes(message).is_valid() {
        return Err(IcmpRefusal::BadChecksum);
    }
    let identification = match request.ip.addresses {
        Addresses::V4 { .. } => {
            request.bytes().get(4..6).map_or(0, |field| u16::from_be_bytes([field[0], field[1]]))
        }
        Addresses::V6 { .. } => 0,
    };
    let head = Head {
        addresses: request.ip.addresses.reversed(),
        traffic_class: Ecn::NotEct.set_in(request.ip.traffic_class),
        identification,
        dont_fragment: request.ip.dont_fragment,
    };
    let (reply, length) = begin(out, &head, message.len())?;
    reply.copy_from_slice(message);
    let reply_type = match request.ip.addresses {
        Addresses::V4 { .. } => 0,
        Addresses::V6 { .. } => 129,
    };
    if let Some(header) = reply.first_chunk_mut::<4>() {
        // The code stays zero; swapped addresses leave the pseudo-header's sum alone.
        let old = u16::from_be_bytes([header[0], header[1]]);
        header[0] = reply_type;
        let new = u16::from_be_bytes([header[0], header[1]]);
        let checksum = checksum::update(u16::from_be_bytes([header[2], header[3]]), old, new);
        header[2..4].copy_from_slice(&checksum.to_be_bytes());
    }
    Ok(length)
}
