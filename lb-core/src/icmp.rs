//! ICMP messages that a balancer answers, sends and passes on.
//!
//! The one idea: an ICMP message is sent only in answer to a packet, and the
//! rules about which packets may not be answered (RFC 1122 section 3.2.2, RFC
//! 4443 section 2.4) are checked here, once, for every message. So a balancer
//! cannot be made to reflect, amplify or answer an error with an error.
//!
//! | who asks | function |
//! |---|---|
//! | a client pings a VIP | [`echo_reply`] |
//! | a client's packet does not fit the tunnel | [`packet_too_big`] |
//! | a client's packet has no hop left | [`time_exceeded`] |
//! | a service refuses a flow (profile `ipvs`) | [`port_unreachable`] |
//! | a router beyond this node found our outer packet too big | [`translate_tunnel_error`] |
//!
//! How many are sent is [`IcmpBudgets`]', whether at all the director's.
//! Sources: RFC 792, 1191, 1812 (section 4.3), 4443, 4884, 8201.

mod budgets;
mod echo;
mod error;
mod rate_limiter;
mod translation;

use core::net::IpAddr;

use thiserror::Error;

use crate::checksum::Sum;
use crate::encapsulation::{ipv4, ipv6};
use crate::flow::{Addresses, Protocol};

pub use budgets::{IcmpBudgets, IcmpLimits, ReplyKind};
pub use echo::echo_reply;
pub use error::{packet_too_big, port_unreachable, time_exceeded};
pub use rate_limiter::{RateLimiter, RateLimits};
pub use translation::{TranslationError, TunnelError, translate_tunnel_error};

/// Why no ICMP message is sent: a rule forbids it, or the caller asked for what cannot be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum IcmpRefusal {
    /// The packet is itself an ICMP error (or may be one), which is never answered.
    #[error("an ICMP error is never answered")]
    AnswersError,
    /// The ICMP checksum of the request is wrong: it was damaged on the way.
    #[error("the ICMP checksum is wrong")]
    BadChecksum,
    /// The packet was sent to many: a multicast or broadcast destination.
    #[error("a packet to a multicast or broadcast address is not answered")]
    BadDestination,
    /// The source is no single host: multicast, broadcast, unspecified, loopback, or the destination itself.
    #[error("the packet's source is not an address to answer to")]
    BadSource,
    /// A fragment: an echo reply needs the whole datagram, an error the first part.
    #[error("a fragment is not answered")]
    Fragment,
    /// The packet is no echo request.
    #[error("not an echo request")]
    NotEchoRequest,
    /// The caller's buffer is too short.
    #[error("the buffer is too short, {needed} bytes are needed")]
    OutTooSmall {
        /// Bytes that are needed.
        needed: usize,
    },
    /// The caller's source address is not of the packet's family.
    #[error("the source address is not of the packet's family")]
    SourceFamily,
    /// The packet ends before its ICMP type.
    #[error("the packet ends before its ICMP type")]
    Truncated,
}

/// The IP protocol of ICMP messages between these addresses.
const fn protocol_of(addresses: &Addresses) -> Protocol {
    match addresses {
        Addresses::V4 { .. } => Protocol::ICMP,
        Addresses::V6 { .. } => Protocol::ICMPV6,
    }
}

/// Where a checksum of an ICMP message between these addresses starts:
/// ICMPv6 includes a pseudo-header, ICMP does not.
fn checksum_start(addresses: &Addresses, length: usize) -> Sum {
    match addresses {
        Addresses::V4 { .. } => Sum::ZERO,
        // An IPv6 payload is shorter than 2^16.
        Addresses::V6 { .. } => Sum::of_pseudo_header(addresses, Protocol::ICMPV6, length as u32),
    }
}

/// Refuses a source that is no single host, wherever the answer would go.
fn check_source(addresses: &Addresses) -> Result<(), IcmpRefusal> {
    if addresses.has_usable_source() { Ok(()) } else { Err(IcmpRefusal::BadSource) }
}

/// Writes the IP header before an ICMP message of `length` bytes into `out`;
/// returns the message's place, to be filled, and the whole length.
fn begin<'a>(out: &'a mut [u8], head: &Head, length: usize) -> Result<(&'a mut [u8], usize), IcmpRefusal> {
    let protocol = protocol_of(&head.addresses);
    let header_length = match head.addresses {
        Addresses::V4 { .. } => ipv4::HEADER_LENGTH,
        Addresses::V6 { .. } => ipv6::HEADER_LENGTH,
    };
    let needed = header_length + length;
    let out = out.get_mut(..needed).ok_or(IcmpRefusal::OutTooSmall { needed })?;
    let (header, message) = out.split_at_mut(header_length);
    match head.addresses {
        // A reply is as long as its request at most, an error shorter than 1,280: 16 bits hold both.
        Addresses::V4 { source, destination } => {
            let fields = ipv4::Fields {
                traffic_class: head.traffic_class,
                total_length: needed as u16,
                identification: head.identification,
                dont_fragment: head.dont_fragment,
                protocol,
                destination,
            };
            if let Some(header) = header.first_chunk_mut() {
                ipv4::Template::new(source).write(&fields, header);
            }
        }
        Addresses::V6 { source, destination } => {
            header.copy_from_slice(&ipv6::header(&ipv6::Fields {
                traffic_class: head.traffic_class,
                flow_label: 0,
                payload_length: length as u16,
                protocol,
                source,
                destination,
            }));
        }
    }
    Ok((message, needed))
}

/// What the IP header of a message of ours says.
struct Head {
    addresses: Addresses,
    traffic_class: u8,
    identification: u16,
    dont_fragment: bool,
}

/// The addresses of an answer from `source` to the sender of a packet.
fn answer_addresses(packet: &Addresses, source: IpAddr) -> Result<Addresses, IcmpRefusal> {
    match (*packet, source) {
        (Addresses::V4 { source: client, .. }, IpAddr::V4(source)) => {
            Ok(Addresses::V4 { source, destination: client })
        }
        (Addresses::V6 { source: client, .. }, IpAddr::V6(source)) => {
            Ok(Addresses::V6 { source, destination: client })
        }
        (Addresses::V4 { .. }, IpAddr::V6(_)) | (Addresses::V6 { .. }, IpAddr::V4(_)) => {
            Err(IcmpRefusal::SourceFamily)
        }
    }
}

/// Bytes of an ICMP header: type, code, checksum, four bytes by type.
const HEADER_LENGTH: usize = 8;

#[cfg(test)]
mod tests;
