//! Tunnels: the client's packet, untouched, inside one for the backend.
//!
//! [`Tunnel`] writes IP-in-IP, GUE and GRE, any family in any family, into the
//! caller's buffer without allocating. The one idea: the inner packet is
//! evidence (the backend answers the client directly from it), so nothing in it
//! changes but what a router must change, its TTL. What a tunnel owes to the
//! path, it copies outward: DSCP, ECN ([`ecn`]) and DF.
//!
//! [`decapsulation`] is the other end. ICMP errors about a packet that does not
//! fit are written by [`icmp`](crate::icmp), which backend gets a packet is
//! decided before. Sources: RFC 2003 and RFC 4213 (outer IPv4), RFC 2473 (outer
//! IPv6), RFC 6040 (ECN), RFC 6864 (identification), RFC 6438 (flow label).

pub mod decapsulation;
pub mod ecn;
pub mod fragmentation;
pub(crate) mod gre;
pub(crate) mod gue;
mod identification;
pub(crate) mod ipv4;
pub(crate) mod ipv6;
mod options;
#[cfg(test)]
pub(crate) mod samples;

use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use thiserror::Error;

use crate::checksum::Sum;
use crate::config::Forward;
use crate::flow::{Addresses, Protocol};
use crate::hash::FlowHash;
use crate::packet::Packet;

pub use decapsulation::{Decapsulated, DecapsulationError, Decapsulator, decapsulate};
pub use fragmentation::{FragmentationError, Fragments};
pub use identification::Identification;
pub use options::{SourceSpread, TunnelOptions, UdpChecksum};

/// One service's tunnel, ready to write packets.
///
/// ```
/// use core::net::{IpAddr, Ipv4Addr};
/// use lb_core::FlowHash;
/// use lb_core::config::Forward;
/// use lb_core::encapsulation::{Identification, Tunnel, TunnelOptions, decapsulate};
/// use lb_core::packet;
///
/// // UDP, 192.0.2.1:40000 to 203.0.113.10:53, TTL 61.
/// let client = [
///     0x45, 0, 0, 28, 0, 1, 0x40, 0, 61, 17, 0x3f, 0xc4, 192, 0, 2, 1, 203, 0, 113, 10,
///     0x9c, 0x40, 0, 53, 0, 8, 0, 0,
/// ];
/// let node = Ipv4Addr::new(10, 0, 0, 11);
/// let tunnel = Tunnel::new(TunnelOptions::new(Forward::Ipip, Some(node), None, 1500));
///
/// let packet = packet::parse(&client).unwrap();
/// let backend = IpAddr::V4(Ipv4Addr::new(10, 1, 0, 5));
/// let mut out = [0; 1500];
/// let mut identification = Identification::default();
/// let length = tunnel.encapsulate(&packet, backend, FlowHash(1), &mut identification, &mut out).unwrap();
/// assert_eq!(length, client.len() + tunnel.overhead(backend));
///
/// let arrived = decapsulate(&out[..length]).unwrap();
/// assert_eq!(packet::parse(arrived.inner()).unwrap().ip.time_to_live, 60);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tunnel {
    options: TunnelOptions,
    v4: Option<ipv4::Template>,
    /// Bytes between the outer IP header and the inner packet.
    shim: usize,
    /// None where the source does not vary: not asked for, or GUE.
    spread: SourceSpread,
    /// Whether GUE over IPv4 gets a UDP checksum.
    sums_udp_v4: bool,
    /// Whether GUE over IPv6 gets a UDP checksum.
    sums_udp_v6: bool,
}

/// Why a packet was not encapsulated.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum EncapsulationError {
    /// The packet comes from the node or from the backend itself, and a tunnel
    /// would send it in a circle (RFC 2003 section 4); drop it.
    #[error("the packet's source is an end of the tunnel")]
    Loop,
    /// The configuration has no outer source of the backend's family.
    #[error("no outer source address of the backend's family is configured")]
    NoSourceAddress,
    /// The caller's buffer is too short.
    #[error("the buffer is too short, {needed} bytes are needed")]
    OutTooSmall {
        /// Bytes that are needed.
        needed: usize,
    },
    /// The packet has one hop left: drop it and tell the client "time exceeded".
    #[error("the packet's time to live ends here")]
    TimeToLiveExpired,
    /// The packet does not fit and may not be fragmented: drop it and tell the client.
    #[error("the packet is too big, {mtu} bytes would fit")]
    TooBig {
        /// The longest packet that the client may send, in bytes.
        mtu: u16,
    },
    /// With its outer header the packet is longer than IP allows; drop it.
    #[error("the packet and its outer headers exceed the longest IP packet")]
    TooLong,
}

impl Tunnel {
    /// A tunnel of these options.
    #[must_use]
    pub fn new(options: TunnelOptions) -> Self {
        let (shim, spread) = match options.forward {
            Forward::Ipip => (0, options.spread),
            Forward::Gue { .. } => (gue::HEADER_LENGTH, SourceSpread::OFF),
            Forward::Gre => (gre::HEADER_LENGTH, options.spread),
        };
        let (sums_udp_v4, sums_udp_v6) = match options.udp_checksum {
            UdpChecksum::Always => (true, true),
            UdpChecksum::Never => (false, false),
            UdpChecksum::OverIpv6 => (false, true),
        };
        let v4 = options.source_v4.map(ipv4::Template::new);
        Self { options, v4, shim, spread, sums_udp_v4, sums_udp_v6 }
    }

    /// What the tunnel was made of.
    #[must_use]
    pub const fn options(&self) -> &TunnelOptions {
        &self.options
    }

    /// The same tunnel over a path of another MTU.
    #[must_use]
    pub const fn with_mtu(mut self, mtu: u16) -> Self {
        self.options.mtu = mtu;
        self
    }

    /// Bytes that the tunnel adds to a packet for this backend.
    #[must_use]
    pub const fn overhead(&self, backend: IpAddr) -> usize {
        self.shim
            + match backend {
                IpAddr::V4(_) => ipv4::HEADER_LENGTH,
                IpAddr::V6(_) => ipv6::HEADER_LENGTH,
            }
    }

    /// The longest packet of a client that fits the path to this backend, in bytes.
    ///
    /// Not below what the client's family guarantees (68 or 1280): a shorter
    /// path is bridged by fragments of the outer packet.
    #[must_use]
    pub fn client_mtu(&self, client: &Addresses, backend: IpAddr) -> u16 {
        // The overhead is at most 52.
        let inside = self.options.mtu.saturating_sub(self.overhead(backend) as u16);
        inside.max(minimum_mtu(client))
    }

    /// Writes the packet for `backend` into `out` and returns its length.
    ///
    /// `flow` gives the entropy for the outer source port, source address and
    /// flow label; `identification` moves only for packets without DF.
    ///
    /// A length above [`TunnelOptions::mtu`] is possible, only where the packet
    /// may be fragmented (inner IPv4 without DF; inner IPv6 of up to 1,280 bytes
    /// on a narrower path): the sending IP stack, or [`Fragments`], cuts it.
    ///
    /// # Errors
    ///
    /// [`EncapsulationError`]; nothing useful is in `out` then.
    #[inline(always)]
    pub fn encapsulate(
        &self,
        inner: &Packet<'_>,
        backend: IpAddr,
        flow: FlowHash,
        identification: &mut Identification,
        out: &mut [u8],
    ) -> Result<usize, EncapsulationError> {
        // One copy of the code for each form: what lies between the headers is then a constant.
        match self.options.forward {
            Forward::Ipip => self.write::<0>(inner, backend, flow, identification, out),
            Forward::Gue { .. } => {
                self.write::<{ gue::HEADER_LENGTH }>(inner, backend, flow, identification, out)
            }
            Forward::Gre => self.write::<{ gre::HEADER_LENGTH }>(inner, backend, flow, identification, out),
        }
    }

    /// Writes the packet with `SHIM` bytes, those of the tunnel's form, between the headers.
    #[inline(always)]
    fn write<const SHIM: usize>(
        &self,
        inner: &Packet<'_>,
        backend: IpAddr,
        flow: FlowHash,
        identification: &mut Identification,
        out: &mut [u8],
    ) -> Result<usize, EncapsulationError> {
        match backend {
            IpAddr::V4(backend) => {
                let template = self.v4.as_ref().ok_or(EncapsulationError::NoSourceAddress)?;
                self.write_v4::<SHIM>(inner, template, backend, flow, identification, out)
            }
            IpAddr::V6(backend) => {
                let source = self.options.source_v6.ok_or(EncapsulationError::NoSourceAddress)?;
                self.write_v6::<SHIM>(inner, source, backend, flow, out)
            }
        }
    }

    #[inline(always)]
    fn write_v4<const SHIM: usize>(
        &self,
        inner: &Packet<'_>,
        template: &ipv4::Template,
        backend: Ipv4Addr,
        flow: FlowHash,
        identification: &mut Identification,
        out: &mut [u8],
    ) -> Result<usize, EncapsulationError> {
        let source = template.source();
        self.check_hops(inner, IpAddr::V4(source), IpAddr::V4(backend))?;
        let total_length = inner.bytes().len() + (ipv4::HEADER_LENGTH + SHIM);
        let fits = total_length <= usize::from(self.options.mtu);
        if !fits {
            self.check_size(
                inner.ip.addresses,
                inner.ip.dont_fragment,
                inner.bytes().len(),
                IpAddr::V4(backend),
            )?;
        }
        let length = u16::try_from(total_length).map_err(|_| EncapsulationError::TooLong)?;
        let dont_fragment = match inner.ip.addresses {
            // What does not fit although the client was told the least is left to fragments.
            Addresses::V4 { .. } => inner.ip.dont_fragment && self.options.path_mtu_discovery && fits,
            // RFC 4213 section 3.2.2: what an IPv6 sender need not make smaller is left
            // to fragments, however narrow a path turns out to be; the rest is told.
            Addresses::V6 { .. } => inner.bytes().len() > usize::from(ipv6::MINIMUM_MTU),
        };
        let too_small = EncapsulationError::OutTooSmall { needed: total_length };
        let Some((header, body)) = out.get_mut(..total_length).and_then(<[u8]>::split_first_chunk_mut) else {
            return Err(too_small);
        };
        let fields = ipv4::Fields {
            // DSCP and ECN alike: RFC 2983 uniform model, RFC 6040 normal mode.
            traffic_class: inner.ip.traffic_class,
            total_length: length,
            // RFC 6864 section 4.1: an atomic datagram's identification may be anything.
            identification: if dont_fragment { 0 } else { identification.next_v4() },
            dont_fragment,
            protocol: self.outer_protocol(inner),
            destination: backend,
        };
        match self.spread.v4 {
            None => template.write(&fields, header),
            Some(prefix) => {
                let host = entropy(flow) as u32 & u32::from(prefix.hostmask());
                let source = Ipv4Addr::from(u32::from(prefix.network()) | host);
                ipv4::Template::new(source).write(&fields, header);
            }
        }
        self.write_body::<SHIM>(inner, flow, body);
        if SHIM == gue::HEADER_LENGTH && self.sums_udp_v4 {
            set_udp_checksum(&Addresses::V4 { source, destination: backend }, body);
        }
        Ok(total_length)
    }

    #[inline(always)]
    fn write_v6<const SHIM: usize>(
        &self,
        inner: &Packet<'_>,
        source: Ipv6Addr,
        backend: Ipv6Addr,
        flow: FlowHash,
        out: &mut [u8],
    ) -> Result<usize, EncapsulationError> {
        self.check_hops(inner, IpAddr::V6(source), IpAddr::V6(backend))?;
        let payload_length = inner.bytes().len() + SHIM;
        let total_length = payload_length + ipv6::HEADER_LENGTH;
        if total_length > usize::from(self.options.mtu) {
            self.check_size(
                inner.ip.addresses,
                inner.ip.dont_fragment,
                inner.bytes().len(),
                IpAddr::V6(backend),
            )?;
        }
        let payload_length = u16::try_from(payload_length).map_err(|_| EncapsulationError::TooLong)?;
        let too_small = EncapsulationError::OutTooSmall { needed: total_length };
        let Some((header, body)) = out.get_mut(..total_length).and_then(<[u8]>::split_first_chunk_mut) else {
            return Err(too_small);
        };
        let source = match self.spread.v6 {
            None => source,
            Some(prefix) => {
                let host = u128::from(entropy(flow)) & u128::from(prefix.hostmask());
                Ipv6Addr::from(u128::from(prefix.network()) | host)
            }
        };
        let fields = ipv6::Fields {
            traffic_class: inner.ip.traffic_class,
            flow_label: flow_label(flow),
            payload_length,
            protocol: self.outer_protocol(inner),
            source,
            destination: backend,
        };
        *header = ipv6::header(&fields);
        self.write_body::<SHIM>(inner, flow, body);
        if SHIM == gue::HEADER_LENGTH && self.sums_udp_v6 {
            set_udp_checksum(&Addresses::V6 { source, destination: backend }, body);
        }
        Ok(total_length)
    }

    /// Refuses a packet that may not take one more hop, this one.
    #[inline]
    fn check_hops(
        &self,
        inner: &Packet<'_>,
        node: IpAddr,
        backend: IpAddr,
    ) -> Result<(), EncapsulationError> {
        // RFC 2003 section 3.1: the inner TTL is decremented; at zero the packet is discarded.
        if inner.ip.time_to_live <= 1 {
            return Err(EncapsulationError::TimeToLiveExpired);
        }
        let is_loop = match (inner.ip.addresses, node, backend) {
            (Addresses::V4 { source, .. }, IpAddr::V4(node), IpAddr::V4(backend)) => {
                source == node || source == backend
            }
            (Addresses::V6 { source, .. }, IpAddr::V6(node), IpAddr::V6(backend)) => {
                source == node || source == backend
            }
            // Another family has other addresses.
            (Addresses::V4 { .. } | Addresses::V6 { .. }, _, _) => false,
        };
        if is_loop { Err(EncapsulationError::Loop) } else { Ok(()) }
    }

    /// Refuses a packet that does not fit, unless the outer packet may be fragmented.
    #[cold]
    fn check_size(
        &self,
        inner: Addresses,
        dont_fragment: bool,
        length: usize,
        backend: IpAddr,
    ) -> Result<(), EncapsulationError> {
        let mtu = self.client_mtu(&inner, backend);
        let must_fit = match inner {
            Addresses::V4 { .. } => dont_fragment && self.options.path_mtu_discovery,
            Addresses::V6 { .. } => true,
        };
        if must_fit && length > usize::from(mtu) { Err(EncapsulationError::TooBig { mtu }) } else { Ok(()) }
    }

    /// Writes what follows the outer IP header: shim and inner packet, one hop older.
    #[inline(always)]
    fn write_body<const SHIM: usize>(&self, inner: &Packet<'_>, flow: FlowHash, body: &mut [u8]) {
        // The caller made sure that the whole fits 16 bits.
        let length = body.len() as u16;
        let (shim, body) = body.split_at_mut(SHIM);
        match self.options.forward {
            Forward::Ipip => {}
            Forward::Gue { port } => {
                shim.copy_from_slice(&gue::header(source_port(flow), port, length, inner_protocol(inner)));
            }
            Forward::Gre => shim.copy_from_slice(&gre::header(inner_protocol(inner))),
        }
        body.copy_from_slice(inner.bytes());
        match inner.ip.addresses {
            Addresses::V4 { .. } => ipv4::decrement_time_to_live(inner.bytes(), body),
            Addresses::V6 { .. } => ipv6::set_hop_limit(body, inner.ip.time_to_live.saturating_sub(1)),
        }
    }

    #[inline]
    const fn outer_protocol(&self, inner: &Packet<'_>) -> Protocol {
        match self.options.forward {
            Forward::Ipip => inner_protocol(inner),
            Forward::Gue { .. } => Protocol::UDP,
            Forward::Gre => Protocol::GRE,
        }
    }
}

/// The protocol number of a whole inner packet: 4 or 41.
#[inline]
const fn inner_protocol(inner: &Packet<'_>) -> Protocol {
    match inner.ip.addresses {
        Addresses::V4 { .. } => Protocol::IPV4,
        Addresses::V6 { .. } => Protocol::IPV6,
    }
}

/// The smallest packet that every link carries: RFC 791 section 3.2, RFC 8200 section 5.
pub(crate) const fn minimum_mtu(client: &Addresses) -> u16 {
    match client {
        Addresses::V4 { .. } => 68,
        Addresses::V6 { .. } => ipv6::MINIMUM_MTU,
    }
}

/// The hash without its top bits, which may have chosen the backend already:
/// what is left still differs among the flows of one backend.
#[inline]
const fn entropy(flow: FlowHash) -> u64 {
    flow.0 >> 4 & 0xfff_ffff_ffff
}

/// A port of the dynamic range 49152 to 65535 (RFC 6335), as GUE recommends.
#[inline]
const fn source_port(flow: FlowHash) -> u16 {
    0xc000 | entropy(flow) as u16 & 0x3fff
}

/// 20 bits, never zero: zero means "not labelled" (RFC 6437 section 2).
#[inline]
const fn flow_label(flow: FlowHash) -> u32 {
    match entropy(flow) as u32 & 0xf_ffff {
        0 => 1,
        label => label,
    }
}

/// Sums the UDP datagram `body` and writes the checksum into it.
fn set_udp_checksum(addresses: &Addresses, body: &mut [u8]) {
    let sum = Sum::of_pseudo_header(addresses, Protocol::UDP, body.len() as u32).bytes(body);
    let checksum = sum.udp_checksum().to_be_bytes();
    body[gue::CHECKSUM_OFFSET..gue::CHECKSUM_OFFSET + 2].copy_from_slice(&checksum);
}

#[cfg(test)]
mod tests;
