//! What a tunnel is made of: format, outer sources, MTU and the optional habits.
//!
//! The one idea: plain values with the usual habits as defaults, so that an
//! owner names only what differs. [`Tunnel`](super::Tunnel) precomputes from
//! them what it can. Sources: RFC 6935 and 6936 (zero UDP checksums), RFC 1191.

use core::net::{Ipv4Addr, Ipv6Addr};

use ipnet::{Ipv4Net, Ipv6Net};

use crate::config::Forward;

/// How one service's packets travel; plain values, made into a [`Tunnel`](super::Tunnel).
///
/// ```
/// use core::net::{IpAddr, Ipv4Addr};
/// use lb_core::config::Forward;
/// use lb_core::encapsulation::{SourceSpread, Tunnel, TunnelOptions};
///
/// // IP in IP whose outer source varies, so that ECMP behind the node spreads its flows.
/// let node = Ipv4Addr::new(10, 0, 0, 11);
/// let usual = TunnelOptions::new(Forward::Ipip, Some(node), None, 1500);
/// let tunnel = Tunnel::new(TunnelOptions { spread: SourceSpread::unowned(), ..usual });
/// assert_eq!(tunnel.overhead(IpAddr::V4(Ipv4Addr::new(10, 1, 0, 5))), 20);
/// ```
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
    /// ([`TooBig`](super::EncapsulationError::TooBig)) and DF is copied outward. Without
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
