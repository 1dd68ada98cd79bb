//! Tunnel devices: IP inside IP, in all four pairs of families, and UDP around it.
//!
//! | inside | outside | device kind | module | default device |
//! |---|---|---|---|---|
//! | IPv4 | IPv4 | `ipip` | `ipip` | `tunl0` |
//! | IPv6 | IPv4 | `sit` | `sit` | `sit0` |
//! | IPv6 | IPv6 | `ip6tnl` | `ip6_tunnel` | `ip6tnl0` |
//! | IPv4 | IPv6 | `ip6tnl` of mode `any` | `ip6_tunnel` | none: `ip6tnl0` takes IPv6 alone, and Linux 6.1 does not let netlink change that |
//!
//! A module that is loaded makes its default device in every namespace (unless
//! `net.core.fb_tunnels_only_for_init_net` forbids); that one takes packets from
//! any sender, and no second device may do so, except an [external] one, which
//! is asked before it. FOU and GUE put UDP around the outer header: a receive
//! port ([`fou`]) takes UDP off, then the same devices take the rest.
//! Source: `include/uapi/linux/if_tunnel.h`, `ip-link(8)`.
//!
//! [external]: Tunnel::external

pub mod fou;

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

use netlink_packet_route::IpProtocol;
use netlink_packet_route::link::{InfoIpTunnel, InfoKind, Ip6TunnelFlags, TunnelEncapFlags, TunnelEncapType};

/// The TTL or hop limit of outer headers where none is asked for, as IPVS has it.
const HOPS: u8 = 64;

/// IPv4 or IPv6.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Family {
    /// IPv4.
    V4,
    /// IPv6.
    V6,
}

impl Family {
    /// The family of an address.
    #[must_use]
    pub const fn of(address: IpAddr) -> Self {
        match address {
            IpAddr::V4(_) => Self::V4,
            IpAddr::V6(_) => Self::V6,
        }
    }
}

impl fmt::Display for Family {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::V4 => "IPv4",
            Self::V6 => "IPv6",
        })
    }
}

/// Which kind of device a tunnel is; it says the family of the outer header.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TunnelKind {
    /// IPv4 in IPv4.
    IpIp,
    /// Anything in IPv6.
    Ip6Tnl,
    /// IPv6 in IPv4.
    Sit,
}

impl TunnelKind {
    /// The kind that takes `inner` packets out of `outer` ones.
    #[must_use]
    pub const fn for_families(inner: Family, outer: Family) -> Self {
        match (inner, outer) {
            (Family::V4, Family::V4) => Self::IpIp,
            (Family::V6, Family::V4) => Self::Sit,
            (Family::V4 | Family::V6, Family::V6) => Self::Ip6Tnl,
        }
    }

    /// The name of the kind, as `ip link add type` takes it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::IpIp => "ipip",
            Self::Ip6Tnl => "ip6tnl",
            Self::Sit => "sit",
        }
    }

    /// The kernel module that brings the kind.
    #[must_use]
    pub const fn module(self) -> &'static str {
        match self {
            Self::IpIp => "ipip",
            Self::Ip6Tnl => "ip6_tunnel",
            Self::Sit => "sit",
        }
    }

    /// The device that the module makes by itself in every namespace.
    #[must_use]
    pub const fn default_device(self) -> &'static str {
        match self {
            Self::IpIp => "tunl0",
            Self::Ip6Tnl => "ip6tnl0",
            Self::Sit => "sit0",
        }
    }

    /// The family of the outer header.
    #[must_use]
    pub const fn outer(self) -> Family {
        match self {
            Self::IpIp | Self::Sit => Family::V4,
            Self::Ip6Tnl => Family::V6,
        }
    }

    /// The word that `ip link` takes after `mode`.
    const fn mode(self, inner: Inner) -> &'static str {
        match (self, inner) {
            (_, Inner::Any) => "any",
            (Self::IpIp | Self::Sit, Inner::Only(Family::V4)) => "ipip",
            (Self::IpIp | Self::Sit, Inner::Only(Family::V6)) => "ip6ip",
            (Self::Ip6Tnl, Inner::Only(Family::V4)) => "ipip6",
            (Self::Ip6Tnl, Inner::Only(Family::V6)) => "ip6ip6",
            (_, Inner::Other(_)) => "mplsip",
        }
    }

    pub(crate) const fn info_kind(self) -> InfoKind {
        match self {
            Self::IpIp => InfoKind::IpIp,
            Self::Ip6Tnl => InfoKind::Ip6Tnl,
            Self::Sit => InfoKind::SitTun,
        }
    }
}

impl FromStr for TunnelKind {
    type Err = KindError;

    fn from_str(name: &str) -> Result<Self, KindError> {
        let kinds = [Self::IpIp, Self::Ip6Tnl, Self::Sit];
        let found = kinds.into_iter().find(|kind| kind.as_str() == name);
        found.ok_or_else(|| KindError { name: name.to_owned() })
    }
}

impl fmt::Display for TunnelKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A text that names no kind of tunnel.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("tunnel kind `{name}` is not known; write ipip, ip6tnl or sit")]
pub struct KindError {
    /// The text.
    pub name: String,
}

/// What a tunnel device carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Inner {
    /// Whatever the kind can carry: mode `any`.
    Any,
    /// One family.
    Only(Family),
    /// Another protocol, by its number.
    Other(u8),
}

impl Inner {
    /// Whether packets of `family` are taken.
    #[must_use]
    pub fn takes(self, family: Family) -> bool {
        self == Self::Any || self == Self::Only(family)
    }

    const fn protocol(self) -> u8 {
        match self {
            Self::Any => 0,
            Self::Only(Family::V4) => 4,
            Self::Only(Family::V6) => 41,
            Self::Other(protocol) => protocol,
        }
    }

    const fn from_protocol(protocol: u8) -> Self {
        match protocol {
            0 => Self::Any,
            4 => Self::Only(Family::V4),
            41 => Self::Only(Family::V6),
            other => Self::Other(other),
        }
    }
}

/// UDP around the outer header of what a tunnel sends.
///
/// What it receives needs a port of [`fou`] instead.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UdpEncapsulation {
    /// With a GUE header, or plain (FOU).
    pub gue: bool,
    /// The sender's port; 0 lets the kernel choose one by flow, which spreads over ECMP paths.
    pub source_port: u16,
    /// The receiver's port.
    pub destination_port: u16,
    /// Whether UDP carries a checksum.
    pub checksum: bool,
}

/// A tunnel device's properties.
///
/// ```
/// use lb_netlink::tunnel::{Family, Tunnel, TunnelKind};
///
/// // what a backend needs for IPv4 in IPv6, from any L4 node
/// let tunnel = Tunnel::external(TunnelKind::for_families(Family::V4, Family::V6));
/// assert_eq!(tunnel.to_string(), "type ip6tnl mode any external");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tunnel {
    /// The kind of device.
    pub kind: TunnelKind,
    /// What it carries.
    pub inner: Inner,
    /// Our end; none takes packets to any of our addresses.
    pub local: Option<IpAddr>,
    /// The other end; none takes packets from anybody.
    pub remote: Option<IpAddr>,
    /// Whether the other end is written on each packet (by a route's `encap`) instead of on the
    /// device. It takes what is sent to us from anybody; a namespace has one such device of a kind.
    pub external: bool,
    /// The TTL or hop limit of the outer header; 0 copies the inner one.
    pub hops: u8,
    /// UDP around what is sent.
    pub udp: Option<UdpEncapsulation>,
}

impl Tunnel {
    /// A tunnel from anybody to any of our addresses, beside the kind's default device.
    #[must_use]
    pub const fn external(kind: TunnelKind) -> Self {
        Self { external: true, ..Self::between(kind, None, None) }
    }

    /// A tunnel between two ends; an address of the other family than the kind's cannot be sent
    /// and is refused by the kernel.
    #[must_use]
    pub const fn between(kind: TunnelKind, local: Option<IpAddr>, remote: Option<IpAddr>) -> Self {
        // `sit` with mode any would take IPv4 too, which is `ipip`'s
        let inner = match kind {
            TunnelKind::IpIp => Inner::Only(Family::V4),
            TunnelKind::Ip6Tnl => Inner::Any,
            TunnelKind::Sit => Inner::Only(Family::V6),
        };
        Self { kind, inner, local, remote, external: false, hops: HOPS, udp: None }
    }

    /// Whether it takes packets of the inner family from any sender to the address `to`.
    #[must_use]
    pub fn receives(&self, inner: Family, to: Option<IpAddr>) -> bool {
        let to_us = self.local.is_none() || self.local == to;
        // `any` of `ipip` is IPv4 and MPLS
        let can = self.kind != TunnelKind::IpIp || inner == Family::V4;
        can && self.inner.takes(inner) && (self.external || (self.remote.is_none() && to_us))
    }

    pub(crate) fn from_attributes(kind: TunnelKind, attributes: &[InfoIpTunnel]) -> Self {
        let mut tunnel = Self { hops: 0, ..Self::between(kind, None, None) };
        let mut udp = UdpEncapsulation { gue: false, source_port: 0, destination_port: 0, checksum: false };
        for attribute in attributes {
            match attribute {
                InfoIpTunnel::Local(address) => tunnel.local = specified(*address),
                InfoIpTunnel::Remote(address) => tunnel.remote = specified(*address),
                InfoIpTunnel::Protocol(protocol) => {
                    tunnel.inner = Inner::from_protocol(u8::from(*protocol));
                }
                InfoIpTunnel::Ttl(hops) => tunnel.hops = *hops,
                InfoIpTunnel::CollectMetadata => tunnel.external = true,
                InfoIpTunnel::EncapType(TunnelEncapType::Fou) => tunnel.udp = Some(udp),
                InfoIpTunnel::EncapType(TunnelEncapType::Gue) => {
                    udp.gue = true;
                    tunnel.udp = Some(udp);
                }
                InfoIpTunnel::EncapSPort(port) => udp.source_port = *port,
                InfoIpTunnel::EncapDPort(port) => udp.destination_port = *port,
                InfoIpTunnel::EncapFlags(flags) => {
                    udp.checksum = flags.intersects(TunnelEncapFlags::CSum | TunnelEncapFlags::CSum6);
                }
                _ => {}
            }
        }
        tunnel.udp = tunnel.udp.map(|_| udp);
        tunnel
    }

    pub(crate) fn attributes(&self) -> Vec<InfoIpTunnel> {
        let mut attributes = vec![InfoIpTunnel::Protocol(IpProtocol::from(self.inner.protocol()))];
        if self.external {
            attributes.push(InfoIpTunnel::CollectMetadata);
            return attributes;
        }
        attributes.extend(self.local.map(InfoIpTunnel::Local));
        attributes.extend(self.remote.map(InfoIpTunnel::Remote));
        attributes.push(InfoIpTunnel::Ttl(self.hops));
        match self.kind {
            TunnelKind::IpIp | TunnelKind::Sit => attributes.push(InfoIpTunnel::PMtuDisc(true)),
            // no destination-options header with a limit of nesting: routers drop such packets
            TunnelKind::Ip6Tnl => {
                attributes.push(InfoIpTunnel::Ipv6Flags(Ip6TunnelFlags::IgnEncapLimit));
            }
        }
        if let Some(udp) = self.udp {
            let kind = if udp.gue { TunnelEncapType::Gue } else { TunnelEncapType::Fou };
            let checksum = TunnelEncapFlags::CSum | TunnelEncapFlags::CSum6;
            attributes.extend([
                InfoIpTunnel::EncapType(kind),
                InfoIpTunnel::EncapFlags(if udp.checksum { checksum } else { TunnelEncapFlags::empty() }),
                InfoIpTunnel::EncapSPort(udp.source_port),
                InfoIpTunnel::EncapDPort(udp.destination_port),
            ]);
        }
        attributes
    }
}

impl fmt::Display for Tunnel {
    /// As `ip link add` takes it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "type {} mode {}", self.kind, self.kind.mode(self.inner))?;
        if self.external {
            return f.write_str(" external");
        }
        for (word, address) in [("local", self.local), ("remote", self.remote)] {
            if let Some(address) = address {
                write!(f, " {word} {address}")?;
            }
        }
        match (self.kind, self.hops) {
            (TunnelKind::IpIp | TunnelKind::Sit, 0) => f.write_str(" ttl inherit")?,
            (TunnelKind::IpIp | TunnelKind::Sit, hops) => write!(f, " ttl {hops}")?,
            (TunnelKind::Ip6Tnl, hops) => write!(f, " hoplimit {hops} encaplimit none")?,
        }
        if let Some(udp) = self.udp {
            write!(f, " encap {} encap-sport ", if udp.gue { "gue" } else { "fou" })?;
            match udp.source_port {
                0 => f.write_str("auto")?,
                port => write!(f, "{port}")?,
            }
            write!(f, " encap-dport {}", udp.destination_port)?;
            f.write_str(if udp.checksum { " encap-csum encap-csum6" } else { "" })?;
        }
        Ok(())
    }
}

/// The kernel writes "any" as zeros.
fn specified(address: IpAddr) -> Option<IpAddr> {
    Some(address).filter(|address| *address != Ipv4Addr::UNSPECIFIED && *address != Ipv6Addr::UNSPECIFIED)
}

#[cfg(test)]
mod tests;
