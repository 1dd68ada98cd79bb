//! ICMP errors about a client's packet, quoting it.
//!
//! The one idea: all kinds differ in eight bytes; what may be answered and how
//! much is quoted is the same for all. IPv4 quotes as much as keeps the message
//! at 576 bytes (RFC 1812 section 4.3.2.3), IPv6 at 1,280 (RFC 4443 section
//! 2.4 (c)): the client's stack needs the transport header, and whatever tunnel
//! stands before the client needs more.

use core::net::IpAddr;

use super::{HEADER_LENGTH, Head, IcmpRefusal, answer_addresses, begin, check_source, checksum_start};
use crate::encapsulation::{ipv4, ipv6};
use crate::flow::{Addresses, Protocol};
use crate::packet::{Fragment, Packet};

/// Writes "fragmentation needed" (IPv4) or "packet too big" (IPv6) about
/// `packet` into `out` and returns its length.
///
/// `mtu` is the longest packet that the client may send, as
/// [`TooBig`](crate::encapsulation::EncapsulationError::TooBig) tells; `source`
/// is the VIP, or the node where it has a public address. Whether the client
/// gets one more message is for a [`RateLimiter`](super::RateLimiter) to say.
///
/// # Errors
///
/// [`IcmpRefusal`]; nothing is to be sent then.
///
/// ```
/// use core::net::{IpAddr, Ipv4Addr};
/// use lb_core::{icmp, packet};
///
/// let packet = [
///     0x45, 0, 0, 28, 0, 1, 0x40, 0, 61, 17, 0x3f, 0xc4, 192, 0, 2, 1, 203, 0, 113, 10,
///     0x9c, 0x40, 0, 53, 0, 8, 0, 0,
/// ];
/// let vip = IpAddr::V4(Ipv4Addr::new(203, 0, 113, 10));
/// let mut out = [0; 576];
/// let length = icmp::packet_too_big(&packet::parse(&packet).unwrap(), 1480, vip, &mut out).unwrap();
/// assert_eq!(out[20..22], [3, 4]); // destination unreachable, fragmentation needed
/// assert_eq!(out[26..28], 1480_u16.to_be_bytes());
/// assert_eq!(out[28..length], packet);
/// ```
pub fn packet_too_big(
    packet: &Packet<'_>,
    mtu: u16,
    source: IpAddr,
    out: &mut [u8],
) -> Result<usize, IcmpRefusal> {
    Offending::from(packet).report(Kind::TooBig { mtu }, source, out)
}

/// Writes "time exceeded in transit" about `packet` into `out` and returns its length.
///
/// # Errors
///
/// [`IcmpRefusal`]; nothing is to be sent then.
pub fn time_exceeded(packet: &Packet<'_>, source: IpAddr, out: &mut [u8]) -> Result<usize, IcmpRefusal> {
    Offending::from(packet).report(Kind::TimeExceeded, source, out)
}

/// Writes "port unreachable" about `packet` into `out` and returns its length:
/// how Linux refuses a flow of a service that has no backend for it.
///
/// # Errors
///
/// [`IcmpRefusal`]; nothing is to be sent then.
pub fn port_unreachable(packet: &Packet<'_>, source: IpAddr, out: &mut [u8]) -> Result<usize, IcmpRefusal> {
    Offending::from(packet).report(Kind::PortUnreachable, source, out)
}

/// What is reported.
#[derive(Clone, Copy, Debug)]
pub(super) enum Kind {
    PortUnreachable,
    TimeExceeded,
    TooBig { mtu: u16 },
}

/// The packet that is reported about: received, or itself quoted.
pub(super) struct Offending<'a> {
    pub(super) addresses: Addresses,
    pub(super) protocol: Protocol,
    pub(super) fragment: Fragment,
    /// From the IP header on, perhaps cut short.
    pub(super) bytes: &'a [u8],
    /// From the upper layer on.
    pub(super) upper_layer: &'a [u8],
}

impl<'a> From<&Packet<'a>> for Offending<'a> {
    fn from(packet: &Packet<'a>) -> Self {
        Self {
            addresses: packet.ip.addresses,
            protocol: packet.ip.protocol,
            fragment: packet.ip.fragment,
            bytes: packet.bytes(),
            upper_layer: packet.upper_layer(),
        }
    }
}

impl Offending<'_> {
    /// Writes the error into `out` and returns its length.
    pub(super) fn report(&self, kind: Kind, source: IpAddr, out: &mut [u8]) -> Result<usize, IcmpRefusal> {
        self.check(kind)?;
        let addresses = answer_addresses(&self.addresses, source)?;
        let (limit, header_length, traffic_class) = match addresses {
            Addresses::V4 { .. } => (MESSAGE_LIMIT_V4, ipv4::HEADER_LENGTH, INTERNETWORK_CONTROL),
            Addresses::V6 { .. } => (usize::from(ipv6::MINIMUM_MTU), ipv6::HEADER_LENGTH, 0),
        };
        let quote = &self.bytes[..self.bytes.len().min(limit - header_length - HEADER_LENGTH)];
        // At most 576 bytes: no path needs to fragment it, so it is atomic and needs no identification.
        let head = Head { addresses, traffic_class, identification: 0, dont_fragment: true };
        let (message, length) = begin(out, &head, HEADER_LENGTH + quote.len())?;
        let (header, quoted) = message.split_at_mut(HEADER_LENGTH);
        header.copy_from_slice(&kind.header(&addresses));
        quoted.copy_from_slice(quote);
        let checksum = checksum_start(&addresses, message.len()).bytes(message).checksum();
        message[2..4].copy_from_slice(&checksum.to_be_bytes());
        Ok(length)
    }

    /// RFC 1122 section 3.2.2 and RFC 4443 section 2.4 (e): what is never answered with an error.
    fn check(&self, kind: Kind) -> Result<(), IcmpRefusal> {
        check_source(&self.addresses)?;
        match self.addresses {
            Addresses::V4 { destination, .. } => {
                // "... or as a non-initial fragment": IPv4 only, IPv6 wants every too-big fragment reported.
                if let Fragment::Later { .. } = self.fragment {
                    return Err(IcmpRefusal::Fragment);
                }
                if destination.octets()[0] >= 224 {
                    return Err(IcmpRefusal::BadDestination);
                }
            }
            Addresses::V6 { destination, .. } => {
                // "Packet too big" is the exception, so that path MTU discovery works for multicast.
                let too_big = matches!(kind, Kind::TooBig { .. });
                if destination.is_multicast() && !too_big {
                    return Err(IcmpRefusal::BadDestination);
                }
                if let Fragment::Later { .. } = self.fragment {
                    // Its upper layer is not here, so it cannot be told whether it is an error.
                    return if too_big && self.protocol != Protocol::ICMPV6 {
                        Ok(())
                    } else {
                        Err(IcmpRefusal::Fragment)
                    };
                }
            }
        }
        if self.protocol == super::protocol_of(&self.addresses) {
            let message_type = *self.upper_layer.first().ok_or(IcmpRefusal::Truncated)?;
            if !is_query(&self.addresses, message_type) {
                return Err(IcmpRefusal::AnswersError);
            }
        }
        Ok(())
    }
}

impl Kind {
    /// Type, code, checksum (zero) and the four bytes by type.
    fn header(self, addresses: &Addresses) -> [u8; HEADER_LENGTH] {
        let (message_type, code) = match (self, addresses) {
            (Self::PortUnreachable, Addresses::V4 { .. }) => (3, 3),
            (Self::PortUnreachable, Addresses::V6 { .. }) => (1, 4),
            (Self::TimeExceeded, Addresses::V4 { .. }) => (11, 0),
            (Self::TimeExceeded, Addresses::V6 { .. }) => (3, 0),
            (Self::TooBig { .. }, Addresses::V4 { .. }) => (3, 4),
            (Self::TooBig { .. }, Addresses::V6 { .. }) => (2, 0),
        };
        // RFC 1191 section 4 has 16 bits for the MTU, the lower half of what RFC 4443 section 3.2 has.
        let [high, low] = match self {
            Self::TooBig { mtu } => mtu.to_be_bytes(),
            Self::PortUnreachable | Self::TimeExceeded => [0, 0],
        };
        [message_type, code, 0, 0, 0, 0, high, low]
    }
}

/// Whether a message of this type is surely no error, so that it may be answered with one.
///
/// IPv4: the queries and replies of RFC 792, 950, 1256 and 8335; a type that is
/// none of them may be an error of the future. IPv6: bit 7 tells, but a redirect
/// counts as an error.
const fn is_query(addresses: &Addresses, message_type: u8) -> bool {
    match addresses {
        Addresses::V4 { .. } => matches!(message_type, 0 | 8 | 9 | 10 | 13..=18 | 42 | 43),
        Addresses::V6 { .. } => message_type >= 128 && message_type != 137,
    }
}

/// RFC 1812 section 4.3.2.3: "the ICMP datagram SHOULD contain as much of the
/// original datagram as possible without the ICMP datagram exceeding 576 bytes".
const MESSAGE_LIMIT_V4: usize = 576;
/// RFC 1812 section 4.3.2.5: errors are sent with precedence 6.
const INTERNETWORK_CONTROL: u8 = 0xc0;
