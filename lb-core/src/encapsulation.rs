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
#[cfg(test)]
pub(crate) mod samples;

use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::{Ipv4Net, Ipv6Net};
use thiserror::Error;

use crate::checksum::Sum;
use crate::config::Forward;
use crate::flow::{Addresses, Protocol};
use crate::hash::FlowHash;
use crate::packet::Packet;

pub use decapsulation::{Decapsulated, DecapsulationError, Decapsulator, decapsulate};
pub use fragmentation::{FragmentationError, Fragments};
pub use identification::Identification;

/// How one service's packets travel; plain values, made into a [`Tunnel`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TunnelOptions {
    /// The format.
    pub forward: Forward,
    /// Outer source towards IPv4 backends.
    pub source_v4: Option<Ipv4Addr>,
    /// Outer source towards IPv6 backends.
    pub source_v6: Option<Ipv6Addr>,
    /// MTU of the path to the backends in bytes, outer headers included.
    pub mtu: u16,
    /// Whether a packet with DF that does not fit is refused
    /// ([`TooBig`](EncapsulationError::TooBig)) and DF is copied outward. Without
    /// it the outer packet never carries DF and is fragmented on its way: what
    /// Linux does with `pmtu_disc=0`. IPv6 packets are refused either way.
    pub path_mtu_discovery: bool,
    /// Which GUE packets carry a UDP checksum.
    pub udp_checksum: UdpChecksum,
    /// Whether the outer source address varies with the flow. GUE has its
    /// source port for that and keeps the address.
    pub spread: SourceSpread,
}

impl TunnelOptions {
    /// A tunnel with the usual switches: path MTU discovery on, UDP checksum
    /// where IPv6 wants it, no spreading of the source.
    #[must_use]
    pub const fn new(
        forward: Forward,
        source_v4: Option<Ipv4Addr>,
        source_v6: Option<Ipv6Addr>,
        mtu: u16,
    ) -> Self {
        Self {
            forward,
            source_v4,
            source_v6,
            mtu,
            path_mtu_discovery: true,
            udp_checksum: UdpChecksum::OverIpv6,
            spread: SourceSpread::OFF,
        }
    }
}

/// Which GUE packets carry a UDP checksum; the others carry zero, "none".
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum UdpChecksum {
    /// All.
    Always,
    /// None. Over IPv6 this is the zero-checksum mode of RFC 6935, allowed to a
    /// tunnel whose two ends agreed on it (RFC 6936 section 4): corrupted
    /// addresses then deliver to a wrong backend or port unnoticed.
    Never,
    /// Those over IPv6, where no header checksum protects the addresses. Over
    /// IPv4 the inner packet has its own and the outer header is summed.
    #[default]
    OverIpv6,
}

/// Prefixes from which the outer source of IPIP and GRE is picked by the flow's hash.
///
/// ECMP and receive queues that look at addresses alone then spread the flows
/// of one node and backend. The price: nobody owns these addresses, so what a
/// router reports about the path does not come back, and the fabric must accept
/// such sources (no reverse-path filter). Off by default.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SourceSpread {
    /// For IPv4 backends; the host bits come from the flow.
    pub v4: Option<Ipv4Net>,
    /// For IPv6 backends; up to 44 of the host bits come from the flow.
    pub v6: Option<Ipv6Net>,
}

impl SourceSpread {
    /// The node's own address always.
    pub const OFF: Self = Self { v4: None, v6: None };

    /// Prefixes that belong to nobody: 198.18.0.0/15 (RFC 2544, benchmarks) and
    /// 100::/64 (RFC 6666, discard).
    #[must_use]
    pub const fn unowned() -> Self {
        Self {
            v4: Some(Ipv4Net::new_assert(Ipv4Addr::new(198, 18, 0, 0), 15)),
            v6: Some(Ipv6Net::new_assert(Ipv6Addr::new(0x100, 0, 0, 0, 0, 0, 0, 0), 64)),
        }
    }
}

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
        let shim = match options.forward {
            Forward::Ipip => 0,
            Forward::Gue { .. } => gue::HEADER_LENGTH,
            Forward::Gre => gre::HEADER_LENGTH,
        };
        Self { options, v4: options.source_v4.map(ipv4::Template::new), shim }
    }

    /// What the tunnel was made of.
    #[must_use]
    pub const fn options(&self) -> &TunnelOptions {
        &self.options
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
    #[inline]
    pub fn encapsulate(
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
                self.encapsulate_v4(inner, template, backend, flow, identification, out)
            }
            IpAddr::V6(backend) => {
                let source = self.options.source_v6.ok_or(EncapsulationError::NoSourceAddress)?;
                self.encapsulate_v6(inner, source, backend, flow, out)
            }
        }
    }

    #[inline]
    fn encapsulate_v4(
        &self,
        inner: &Packet<'_>,
        template: &ipv4::Template,
        backend: Ipv4Addr,
        flow: FlowHash,
        identification: &mut Identification,
        out: &mut [u8],
    ) -> Result<usize, EncapsulationError> {
        let overhead = ipv4::HEADER_LENGTH + self.shim;
        self.admit(inner, IpAddr::V4(template.source()), IpAddr::V4(backend), overhead)?;
        let total_length = inner.bytes().len() + overhead;
        let length = u16::try_from(total_length).map_err(|_| EncapsulationError::TooLong)?;
        let out = room(out, total_length)?;

        let dont_fragment = match inner.ip.addresses {
            // What does not fit although the client was told the least is left to fragments.
            Addresses::V4 { .. } => {
                inner.ip.dont_fragment
                    && self.options.path_mtu_discovery
                    && total_length <= usize::from(self.options.mtu)
            }
            // RFC 4213 section 3.2.2: where 1,280 bytes do not fit unfragmented, DF stays clear.
            Addresses::V6 { .. } => {
                usize::from(self.options.mtu) >= usize::from(ipv6::MINIMUM_MTU) + overhead
            }
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
        let source = self.spread_v4(flow);
        let header = source.as_ref().unwrap_or(template).header(&fields);
        let (header_out, body) = out.split_at_mut(ipv4::HEADER_LENGTH);
        header_out.copy_from_slice(&header);
        self.write_body(inner, flow, body);
        if let Forward::Gue { .. } = self.options.forward
            && self.options.udp_checksum == UdpChecksum::Always
        {
            set_udp_checksum(&Addresses::V4 { source: template.source(), destination: backend }, body);
        }
        Ok(total_length)
    }

    #[inline]
    fn encapsulate_v6(
        &self,
        inner: &Packet<'_>,
        source: Ipv6Addr,
        backend: Ipv6Addr,
        flow: FlowHash,
        out: &mut [u8],
    ) -> Result<usize, EncapsulationError> {
        let overhead = ipv6::HEADER_LENGTH + self.shim;
        self.admit(inner, IpAddr::V6(source), IpAddr::V6(backend), overhead)?;
        let total_length = inner.bytes().len() + overhead;
        let payload_length =
            u16::try_from(total_length - ipv6::HEADER_LENGTH).map_err(|_| EncapsulationError::TooLong)?;
        let out = room(out, total_length)?;

        let fields = ipv6::Fields {
            traffic_class: inner.ip.traffic_class,
            flow_label: flow_label(flow),
            payload_length,
            protocol: self.outer_protocol(inner),
            source: self.spread_v6(flow).unwrap_or(source),
            destination: backend,
        };
        let (header_out, body) = out.split_at_mut(ipv6::HEADER_LENGTH);
        header_out.copy_from_slice(&ipv6::header(&fields));
        self.write_body(inner, flow, body);
        if let Forward::Gue { .. } = self.options.forward
            && self.options.udp_checksum != UdpChecksum::Never
        {
            set_udp_checksum(&Addresses::V6 { source, destination: backend }, body);
        }
        Ok(total_length)
    }

    /// The checks that do not depend on the outer family.
    #[inline]
    fn admit(
        &self,
        inner: &Packet<'_>,
        source: IpAddr,
        backend: IpAddr,
        overhead: usize,
    ) -> Result<(), EncapsulationError> {
        // RFC 2003 section 3.1: the inner TTL is decremented; at zero the packet is discarded.
        if inner.ip.time_to_live <= 1 {
            return Err(EncapsulationError::TimeToLiveExpired);
        }
        let client = inner.ip.addresses.source();
        if client == source || client == backend {
            return Err(EncapsulationError::Loop);
        }
        let may_fragment = match inner.ip.addresses {
            Addresses::V4 { .. } => !(inner.ip.dont_fragment && self.options.path_mtu_discovery),
            Addresses::V6 { .. } => false,
        };
        if inner.bytes().len() + overhead > usize::from(self.options.mtu) && !may_fragment {
            let mtu = self.client_mtu(&inner.ip.addresses, backend);
            if inner.bytes().len() > usize::from(mtu) {
                return Err(EncapsulationError::TooBig { mtu });
            }
        }
        Ok(())
    }

    /// Writes what follows the outer IP header: shim and inner packet, one hop older.
    #[inline]
    fn write_body(&self, inner: &Packet<'_>, flow: FlowHash, body: &mut [u8]) {
        match self.options.forward {
            Forward::Ipip => {}
            Forward::Gue { port } => {
                // The caller made sure that the whole fits 16 bits.
                let header = gue::header(source_port(flow), port, body.len() as u16, inner_protocol(inner));
                body[..gue::HEADER_LENGTH].copy_from_slice(&header);
            }
            Forward::Gre => body[..gre::HEADER_LENGTH].copy_from_slice(&gre::header(inner_protocol(inner))),
        }
        let body = &mut body[self.shim..];
        body.copy_from_slice(inner.bytes());
        match inner.ip.addresses {
            Addresses::V4 { .. } => ipv4::decrement_time_to_live(body),
            Addresses::V6 { .. } => ipv6::decrement_hop_limit(body),
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

    #[inline]
    fn spread_v4(&self, flow: FlowHash) -> Option<ipv4::Template> {
        let prefix = self.options.spread.v4.filter(|_| self.spreads_source())?;
        let host = entropy(flow) as u32 & u32::from(prefix.hostmask());
        Some(ipv4::Template::new(Ipv4Addr::from(u32::from(prefix.network()) | host)))
    }

    #[inline]
    fn spread_v6(&self, flow: FlowHash) -> Option<Ipv6Addr> {
        let prefix = self.options.spread.v6.filter(|_| self.spreads_source())?;
        let host = u128::from(entropy(flow)) & u128::from(prefix.hostmask());
        Some(Ipv6Addr::from(u128::from(prefix.network()) | host))
    }

    const fn spreads_source(&self) -> bool {
        match self.options.forward {
            Forward::Ipip | Forward::Gre => true,
            Forward::Gue { .. } => false,
        }
    }
}

/// The first `length` bytes of `out`.
#[inline]
fn room(out: &mut [u8], length: usize) -> Result<&mut [u8], EncapsulationError> {
    out.get_mut(..length).ok_or(EncapsulationError::OutTooSmall { needed: length })
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
