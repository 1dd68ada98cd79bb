//! The other end of a tunnel: from the outer packet to the inner one.
//!
//! The one idea: every claim of the outer headers is checked against the bytes
//! (lengths, checksums, protocol against the inner version) before anything is
//! believed, and congestion marked on the way is carried inward by RFC 6040's
//! table ([`ecn`]). Whether the outer source is a known balancer,
//! and whether the inner destination is served here, is the caller's question.
//! Sources: RFC 2003 section 3.2, RFC 2473, RFC 2784, RFC 6935, RFC 6040.

use core::net::IpAddr;

use thiserror::Error;

use super::ecn::{self, Ecn, Egress};
use super::{gre, gue, ipv4, ipv6};
use crate::checksum::Sum;
use crate::flow::{Addresses, Protocol};
use crate::packet::{self, Fragment, Packet, ParseError};

/// What a receiver of tunnels accepts.
///
/// ```
/// use core::net::Ipv4Addr;
/// use lb_core::config::Forward;
/// use lb_core::encapsulation::{
///     DecapsulationError, Decapsulator, Identification, Tunnel, TunnelOptions,
/// };
/// use lb_core::{FlowHash, packet};
///
/// // UDP, 192.0.2.1:40000 to 203.0.113.10:53, in GUE on a port of our own.
/// let client = [
///     0x45, 0, 0, 28, 0, 1, 0x40, 0, 61, 17, 0x3f, 0xc4, 192, 0, 2, 1, 203, 0, 113, 10,
///     0x9c, 0x40, 0, 53, 0, 8, 0, 0,
/// ];
/// let (node, backend) = (Ipv4Addr::new(10, 0, 0, 11), Ipv4Addr::new(10, 1, 0, 5).into());
/// let tunnel = Tunnel::new(TunnelOptions::new(Forward::Gue { port: 9000 }, Some(node), None, 1500));
/// let (mut out, mut identification) = ([0; 1500], Identification::default());
/// let packet = packet::parse(&client).unwrap();
/// let length = tunnel.encapsulate(&packet, backend, FlowHash(1), &mut identification, &mut out).unwrap();
///
/// let receiver = Decapsulator { gue_port: 9000, ..Decapsulator::default() };
/// let arrived = receiver.decapsulate(&out[..length]).unwrap();
/// assert_eq!((arrived.backend(), arrived.inner().len()), (backend, client.len()));
/// assert_eq!(arrived.packet().flow_key(), packet.flow_key());
///
/// // To a receiver of another port it is an ordinary datagram.
/// let refused = Decapsulator::default().decapsulate(&out[..length]);
/// assert_eq!(refused, Err(DecapsulationError::NotTunnel));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Decapsulator {
    /// The UDP port on which GUE is expected.
    pub gue_port: u16,
    /// Whether GUE over IPv6 may come without UDP checksum (RFC 6935); both ends must agree on it.
    pub zero_checksum_v6: bool,
}

impl Default for Decapsulator {
    /// GUE's registered port, and no packet over IPv6 without checksum.
    fn default() -> Self {
        Self { gue_port: GUE_PORT, zero_checksum_v6: false }
    }
}

/// An inner packet as it lies in the outer one, checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Decapsulated<'a> {
    /// Outer source (the balancer) and destination (the backend).
    pub outer: Addresses,
    /// Bytes of outer headers before the inner packet.
    pub overhead: usize,
    /// The ECN field of the packet that goes on, by RFC 6040.
    pub ecn: Ecn,
    /// Whether the pair of ECN fields is one that no current node emits; worth a log line.
    pub ecn_alarm: bool,
    inner: Packet<'a>,
}

/// Why an outer packet was not decapsulated; drop it and count the cause.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum DecapsulationError {
    /// The GRE or UDP checksum is wrong: damaged on the way.
    #[error("the tunnel header's checksum is wrong")]
    BadChecksum,
    /// Congestion was marked on a packet whose transport cannot be told but by a loss (RFC 6040).
    #[error("congestion experienced by a transport without ECN")]
    Congestion,
    /// A GUE control message: for a GUE implementation, not for a host behind it.
    #[error("a GUE control message carries no packet")]
    Control,
    /// A fragment of the outer packet: reassemble first.
    #[error("a fragment of the outer packet, reassemble first")]
    Fragmented,
    /// The inner packet is not one: damaged, or a sender's fault.
    #[error("the inner packet: {0}")]
    Inner(ParseError),
    /// GUE over IPv6 without UDP checksum, which this receiver does not accept.
    #[error("a UDP checksum is required over IPv6")]
    MissingChecksum,
    /// Not a tunnel: another protocol, or UDP to another port.
    #[error("not a tunnel packet")]
    NotTunnel,
    /// The outer packet cannot be read.
    #[error("the outer packet: {0}")]
    Outer(ParseError),
    /// The tunnel header ends before it is whole, or disagrees with the outer length.
    #[error("the tunnel header is cut off")]
    Truncated,
    /// Options of GUE or GRE that this end does not know and must not ignore.
    #[error("the tunnel header has unsupported options")]
    Unsupported,
    /// The tunnel header announces one IP version, the inner packet is of another.
    #[error("the inner packet is not of the announced IP version")]
    VersionMismatch,
    /// The tunnel carries something that is not an IP packet.
    #[error("the tunnel carries no IP packet")]
    NotIp,
    /// The caller's buffer is too short.
    #[error("the buffer is too short, {needed} bytes are needed")]
    OutTooSmall {
        /// Bytes that are needed.
        needed: usize,
    },
}

/// Opens a tunnel packet of any form with the default [`Decapsulator`].
///
/// # Errors
///
/// [`DecapsulationError`]; the packet should be dropped, `NotTunnel` passed on.
pub fn decapsulate(outer: &[u8]) -> Result<Decapsulated<'_>, DecapsulationError> {
    Decapsulator::default().decapsulate(outer)
}

impl Decapsulator {
    /// Opens a tunnel packet of any form.
    ///
    /// # Errors
    ///
    /// [`DecapsulationError`]; the packet should be dropped, `NotTunnel` passed on.
    pub fn decapsulate<'a>(&self, outer: &'a [u8]) -> Result<Decapsulated<'a>, DecapsulationError> {
        let outer = packet::parse(outer).map_err(DecapsulationError::Outer)?;
        let form = Form::of(&outer, self.gue_port).ok_or(DecapsulationError::NotTunnel)?;
        if outer.ip.fragment != Fragment::Whole {
            return Err(DecapsulationError::Fragmented);
        }
        let payload = outer.upper_layer();
        let (shim, protocol) = match form {
            Form::Ip(protocol) => (0, protocol),
            Form::Gre => gre::parse(payload)?,
            Form::Gue => self.open_udp(&outer, payload)?,
        };
        let inner = payload.get(shim..).ok_or(DecapsulationError::Truncated)?;
        let version = inner.first().ok_or(DecapsulationError::Truncated)? >> 4;
        if version != if protocol == Protocol::IPV6 { 6 } else { 4 } {
            return Err(DecapsulationError::VersionMismatch);
        }
        let inner = packet::parse(inner).map_err(DecapsulationError::Inner)?;
        let (ecn, ecn_alarm) =
            match ecn::egress(Ecn::of(inner.ip.traffic_class), Ecn::of(outer.ip.traffic_class)) {
                Egress::Forward(ecn) => (ecn, false),
                Egress::Alarm(ecn) => (ecn, true),
                Egress::Drop => return Err(DecapsulationError::Congestion),
            };
        let overhead = outer.ip.header_length + shim;
        Ok(Decapsulated { outer: outer.ip.addresses, overhead, ecn, ecn_alarm, inner })
    }

    /// Checks the UDP header; gives the length of UDP and GUE header, and the inner protocol.
    fn open_udp(&self, outer: &Packet<'_>, payload: &[u8]) -> Result<(usize, Protocol), DecapsulationError> {
        let &[_, _, _, _, length_high, length_low, checksum_high, checksum_low] =
            payload.first_chunk::<{ gue::UDP_LENGTH }>().ok_or(DecapsulationError::Truncated)?;
        let length = usize::from(u16::from_be_bytes([length_high, length_low]));
        // A tunnel fills its IP packet: a shorter datagram would hide bytes behind the inner packet.
        if length != payload.len() {
            return Err(DecapsulationError::Truncated);
        }
        if (checksum_high, checksum_low) == (0, 0) {
            if let Addresses::V6 { .. } = outer.ip.addresses
                && !self.zero_checksum_v6
            {
                return Err(DecapsulationError::MissingChecksum);
            }
        } else {
            // The length came from 16 bits.
            let sum = Sum::of_pseudo_header(&outer.ip.addresses, Protocol::UDP, length as u32);
            if !sum.bytes(payload).is_valid() {
                return Err(DecapsulationError::BadChecksum);
            }
        }
        let (header, protocol) = gue::parse(&payload[gue::UDP_LENGTH..])?;
        Ok((gue::UDP_LENGTH + header, protocol))
    }
}

impl<'a> Decapsulated<'a> {
    /// The inner packet as it was carried: its ECN field is still the sender's.
    #[must_use]
    pub const fn inner(&self) -> &'a [u8] {
        self.inner.bytes()
    }

    /// The inner packet, parsed.
    #[must_use]
    pub const fn packet(&self) -> &Packet<'a> {
        &self.inner
    }

    /// The backend's own address: where the outer packet was sent.
    #[must_use]
    pub const fn backend(&self) -> IpAddr {
        self.outer.destination()
    }

    /// Writes the inner packet with its outgoing ECN field into `out` and returns its length.
    ///
    /// # Errors
    ///
    /// [`DecapsulationError::OutTooSmall`] only.
    pub fn emit(&self, out: &mut [u8]) -> Result<usize, DecapsulationError> {
        let length = self.inner().len();
        let out = out.get_mut(..length).ok_or(DecapsulationError::OutTooSmall { needed: length })?;
        out.copy_from_slice(self.inner());
        let traffic_class = self.ecn.set_in(self.inner.ip.traffic_class);
        if traffic_class != self.inner.ip.traffic_class {
            match self.inner.ip.addresses {
                Addresses::V4 { .. } => ipv4::set_traffic_class(out, traffic_class),
                Addresses::V6 { .. } => ipv6::set_traffic_class(out, traffic_class),
            }
        }
        Ok(length)
    }
}

/// The three ways to put an IP packet into another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// Straight, by protocol 4 or 41.
    Ip(Protocol),
    Gre,
    Gue,
}

impl Form {
    /// The form of a packet, by protocol and port; fragments of UDP show no port.
    fn of(outer: &Packet<'_>, gue_port: u16) -> Option<Self> {
        match outer.ip.protocol {
            protocol @ (Protocol::IPV4 | Protocol::IPV6) => Some(Self::Ip(protocol)),
            Protocol::GRE => Some(Self::Gre),
            Protocol::UDP => {
                let port = outer.upper_layer().get(2..4)?;
                (port == gue_port.to_be_bytes()).then_some(Self::Gue)
            }
            _ => None,
        }
    }
}

impl From<gre::Refusal> for DecapsulationError {
    fn from(refusal: gre::Refusal) -> Self {
        match refusal {
            gre::Refusal::Truncated => Self::Truncated,
            gre::Refusal::BadChecksum => Self::BadChecksum,
            gre::Refusal::Unsupported => Self::Unsupported,
            gre::Refusal::NotIp => Self::NotIp,
        }
    }
}

impl From<gue::Refusal> for DecapsulationError {
    fn from(refusal: gue::Refusal) -> Self {
        match refusal {
            gue::Refusal::Truncated => Self::Truncated,
            gue::Refusal::Control => Self::Control,
            gue::Refusal::Unsupported => Self::Unsupported,
            gue::Refusal::NotIp => Self::NotIp,
        }
    }
}

/// The port registered for GUE (IANA "Service Name and Transport Protocol Port Number Registry").
pub(crate) const GUE_PORT: u16 = 6080;

#[cfg(test)]
mod tests;
