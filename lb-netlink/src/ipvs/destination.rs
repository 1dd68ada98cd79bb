//! A destination of a service: what names it, what it is set to, what the kernel tells of it.
//!
//! The one idea: as with services, three types for three uses
//! ([`DestinationKey`], [`Destination`], [`ListedDestination`]); and a listing
//! never fails because somebody else set something odd: tunnels and methods
//! that this library has no words for are kept as numbers.
//!
//! Source: `ip_vs_genl_parse_dest` and `ip_vs_genl_fill_dest` in
//! `net/netfilter/ipvs/ip_vs_ctl.c`.

use std::fmt;
use std::net::IpAddr;

use super::attribute::Attribute;
use super::error::DecodeError;
use super::schema::{command, destination};
use super::statistics::Statistics;
use super::{AddressFamily, Message};

/// The forwarding method within the connection flags.
const METHOD_MASK: u32 = 7;

/// What names a destination within its service.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct DestinationKey {
    /// Its address.
    pub address: IpAddr,
    /// Its port. With a tunnel or direct routing packets keep the service's
    /// port, and this only tells destinations of one address apart.
    pub port: u16,
}

/// A destination and everything about it that can be set.
///
/// ```
/// use lb_netlink::ipvs::{Checksum, Destination, Forward, Tunnel};
///
/// let gue = Forward::Tunnel(Tunnel::Gue { port: 6080, checksum: Checksum::None });
/// let destination = Destination::new([10, 2, 0, 10].into(), 80, gue).with_weight(100);
/// assert_eq!(destination.to_string(), "10.2.0.10:80, weight 100, gue port 6080");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Destination {
    /// What names it. Its family may differ from the service's with a tunnel.
    pub key: DestinationKey,
    /// How packets travel to it.
    pub forward: Forward,
    /// Its weight, at most `i32::MAX`; with 0 it keeps its connections and gets no new ones.
    pub weight: u32,
    /// Connections at which it gets no new ones; 0 is no limit. Kernels of late
    /// (Linux 6.1.192 for one) refuse more than `i32::MAX`.
    pub upper_threshold: u32,
    /// Connections below which it gets some again; 0 is three quarters of the upper.
    pub lower_threshold: u32,
}

/// A destination as the kernel lists it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedDestination {
    /// What it is set to.
    pub destination: Destination,
    /// Connections that it has.
    pub connections: Connections,
    /// What went through it.
    pub statistics: Statistics,
    /// What this version of the library does not know.
    pub unknown: Vec<Attribute>,
}

/// The connections of a destination, as this node counts them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Connections {
    /// Established ones.
    pub active: u32,
    /// Others: opening, closing, or without a notion of being established (UDP).
    pub inactive: u32,
    /// Templates of clients that are to come back to it.
    pub persistent: u32,
}

/// How packets travel to a destination.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Forward {
    /// Addresses are rewritten; answers come back through the node (`ipvsadm -m`).
    Masquerade,
    /// To this host's own stack.
    Local,
    /// Wrapped in a tunnel (`ipvsadm -i`).
    Tunnel(Tunnel),
    /// Unchanged, to the destination's link address (`ipvsadm -g`).
    DirectRoute,
    /// Past the balancer, as a cache's misses.
    Bypass,
    /// One that is unknown here: 5, 6 or 7.
    Other(u32),
}

/// A tunnel to a destination.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Tunnel {
    /// IP in IP, any family in any.
    Ipip,
    /// Generic UDP encapsulation.
    Gue {
        /// The UDP port of the receiver.
        port: u16,
        /// The UDP checksum.
        checksum: Checksum,
    },
    /// Generic routing encapsulation.
    Gre {
        /// The GRE checksum.
        checksum: Checksum,
    },
    /// A combination of the three numbers that has no name here.
    Other {
        /// `IPVS_DEST_ATTR_TUN_TYPE`.
        kind: u8,
        /// `IPVS_DEST_ATTR_TUN_PORT`.
        port: u16,
        /// `IPVS_DEST_ATTR_TUN_FLAGS`.
        flags: u16,
    },
}

/// What a tunnel's header does about checksums.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum Checksum {
    /// None (`--tun-nocsum`).
    #[default]
    None,
    /// One over the inner packet (`--tun-csum`).
    Full,
    /// Remote checksum offload (`--tun-remcsum`), GUE only.
    Remote,
}

impl Checksum {
    const fn flags(self) -> u16 {
        match self {
            Self::None => 0,
            Self::Full => 1,
            Self::Remote => 2,
        }
    }

    const fn from_flags(flags: u16) -> Option<Self> {
        match flags {
            0 => Some(Self::None),
            1 => Some(Self::Full),
            2 => Some(Self::Remote),
            _ => None,
        }
    }
}

impl Tunnel {
    /// Kind, port and flags.
    const fn numbers(self) -> (u8, u16, u16) {
        match self {
            Self::Ipip => (0, 0, 0),
            Self::Gue { port, checksum } => (1, port, checksum.flags()),
            Self::Gre { checksum } => (2, 0, checksum.flags()),
            Self::Other { kind, port, flags } => (kind, port, flags),
        }
    }

    const fn from_numbers(kind: u8, port: u16, flags: u16) -> Self {
        match (kind, port, Checksum::from_flags(flags)) {
            (0, 0, Some(Checksum::None)) => Self::Ipip,
            (1, port, Some(checksum)) => Self::Gue { port, checksum },
            (2, 0, Some(checksum)) => Self::Gre { checksum },
            (kind, port, _) => Self::Other { kind, port, flags },
        }
    }
}

impl Forward {
    const fn number(self) -> u32 {
        match self {
            Self::Masquerade => 0,
            Self::Local => 1,
            Self::Tunnel(_) => 2,
            Self::DirectRoute => 3,
            Self::Bypass => 4,
            Self::Other(number) => number & METHOD_MASK,
        }
    }

    fn from_attributes(attributes: &[Attribute]) -> Result<Self, DecodeError> {
        Ok(match destination::FWD_METHOD.require(attributes)? & METHOD_MASK {
            0 => Self::Masquerade,
            1 => Self::Local,
            2 => Self::Tunnel(Tunnel::from_numbers(
                // Kernels before 5.3 know IP in IP alone, and have no words for it.
                destination::TUN_TYPE.find(attributes).unwrap_or_default(),
                destination::TUN_PORT.find(attributes).unwrap_or_default(),
                destination::TUN_FLAGS.find(attributes).unwrap_or_default(),
            )),
            3 => Self::DirectRoute,
            4 => Self::Bypass,
            number => Self::Other(number),
        })
    }
}

impl DestinationKey {
    fn attributes(&self) -> Vec<Attribute> {
        vec![
            destination::ADDR_FAMILY.with(AddressFamily::of(self.address).number()),
            destination::ADDR.with(AddressFamily::bytes(self.address)),
            destination::PORT.with(self.port),
        ]
    }

    /// It as the attribute that names a destination in a command.
    #[must_use]
    pub fn to_attribute(&self) -> Attribute {
        command::DEST.with(self.attributes())
    }

    fn from_attributes(attributes: &[Attribute], service: AddressFamily) -> Result<Self, DecodeError> {
        let family = match destination::ADDR_FAMILY.find(attributes) {
            None | Some(0) => service, // kernels before 3.18, which know no mixed families
            Some(number) => AddressFamily::from_number(number, &destination::ADDR_FAMILY.spec)?,
        };
        let address = family.address(destination::ADDR.require(attributes)?);
        Ok(Self { address, port: destination::PORT.require(attributes)? })
    }
}

impl Destination {
    /// A destination of weight 1 without thresholds.
    #[must_use]
    pub const fn new(address: IpAddr, port: u16, forward: Forward) -> Self {
        let key = DestinationKey { address, port };
        Self { key, forward, weight: 1, upper_threshold: 0, lower_threshold: 0 }
    }

    /// The same with this weight.
    #[must_use]
    pub const fn with_weight(self, weight: u32) -> Self {
        Self { weight, ..self }
    }

    /// It as the attribute that describes a destination in a command.
    #[must_use]
    pub fn to_attribute(&self) -> Attribute {
        let mut attributes = self.key.attributes();
        attributes.push(destination::FWD_METHOD.with(self.forward.number()));
        attributes.push(destination::WEIGHT.with(self.weight));
        if let Forward::Tunnel(tunnel) = self.forward {
            let (kind, port, flags) = tunnel.numbers();
            attributes.push(destination::TUN_TYPE.with(kind));
            attributes.push(destination::TUN_PORT.with(port));
            attributes.push(destination::TUN_FLAGS.with(flags));
        }
        attributes.push(destination::U_THRESH.with(self.upper_threshold));
        attributes.push(destination::L_THRESH.with(self.lower_threshold));
        command::DEST.with(attributes)
    }

    fn from_attributes(attributes: &[Attribute], service: AddressFamily) -> Result<Self, DecodeError> {
        Ok(Self {
            key: DestinationKey::from_attributes(attributes, service)?,
            forward: Forward::from_attributes(attributes)?,
            weight: destination::WEIGHT.require(attributes)?,
            upper_threshold: destination::U_THRESH.require(attributes)?,
            lower_threshold: destination::L_THRESH.require(attributes)?,
        })
    }
}

impl ListedDestination {
    /// The destination that a message of the kernel describes, of a service of that family.
    ///
    /// # Errors
    ///
    /// [`DecodeError`] if something is missing that every kernel sends.
    pub fn from_message(message: &Message, service: AddressFamily) -> Result<Self, DecodeError> {
        let attributes = command::DEST.inside(&message.attributes)?;
        Ok(Self {
            destination: Destination::from_attributes(attributes, service)?,
            connections: Connections {
                active: destination::ACTIVE_CONNS.find(attributes).unwrap_or_default(),
                inactive: destination::INACT_CONNS.find(attributes).unwrap_or_default(),
                persistent: destination::PERSIST_CONNS.find(attributes).unwrap_or_default(),
            },
            statistics: Statistics::of_destination(attributes),
            unknown: attributes.iter().filter(|attribute| attribute.is_unknown()).cloned().collect(),
        })
    }
}

impl fmt::Display for DestinationKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.address {
            IpAddr::V4(address) => write!(formatter, "{address}:{}", self.port),
            IpAddr::V6(address) => write!(formatter, "[{address}]:{}", self.port),
        }
    }
}

impl fmt::Display for Destination {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}, weight {}, {}", self.key, self.weight, self.forward)?;
        if self.upper_threshold != 0 {
            write!(formatter, ", thresholds {} to {}", self.lower_threshold, self.upper_threshold)?;
        }
        Ok(())
    }
}

impl fmt::Display for Forward {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Masquerade => formatter.write_str("masquerade"),
            Self::Local => formatter.write_str("local"),
            Self::Tunnel(tunnel) => tunnel.fmt(formatter),
            Self::DirectRoute => formatter.write_str("direct routing"),
            Self::Bypass => formatter.write_str("bypass"),
            Self::Other(number) => write!(formatter, "method {number}"),
        }
    }
}

impl fmt::Display for Tunnel {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ipip => formatter.write_str("ipip"),
            Self::Gue { port, checksum } => write!(formatter, "gue port {port}{checksum}"),
            Self::Gre { checksum } => write!(formatter, "gre{checksum}"),
            Self::Other { kind, port, flags } => write!(formatter, "tunnel {kind} port {port} flags {flags}"),
        }
    }
}

impl fmt::Display for Checksum {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::None => "",
            Self::Full => " with checksum",
            Self::Remote => " with remote checksum",
        })
    }
}

#[cfg(test)]
mod tests;
