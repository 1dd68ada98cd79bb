//! The flow: which packets belong together, and which of their fields count.
//!
//! [`FlowKey`] is the 5-tuple as the client's packet carries it, source first.
//! Its canonical bytes (13 for IPv4, 37 for IPv6, network byte order) are what
//! is hashed, so that every machine computes the same number. Parsing a packet
//! into a key is [`packet`](crate::packet)'s work.

use core::fmt;
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// An IP protocol number (the IANA registry "Assigned Internet Protocol Numbers").
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Protocol(pub u8);

impl Protocol {
    /// ICMP for IPv4.
    pub const ICMP: Self = Self(1);
    /// IPv4 inside IP (RFC 2003).
    pub const IPV4: Self = Self(4);
    /// TCP.
    pub const TCP: Self = Self(6);
    /// UDP.
    pub const UDP: Self = Self(17);
    /// IPv6 inside IP (RFC 2473).
    pub const IPV6: Self = Self(41);
    /// GRE (RFC 2784).
    pub const GRE: Self = Self(47);
    /// ICMP for IPv6.
    pub const ICMPV6: Self = Self(58);
    /// SCTP.
    pub const SCTP: Self = Self(132);

    /// Whether the first four bytes of the payload are source and destination port.
    #[must_use]
    pub const fn has_ports(self) -> bool {
        matches!(self, Self::TCP | Self::UDP | Self::SCTP)
    }
}

impl fmt::Display for Protocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::TCP => f.write_str("tcp"),
            Self::UDP => f.write_str("udp"),
            Self::SCTP => f.write_str("sctp"),
            Self::ICMP => f.write_str("icmp"),
            Self::ICMPV6 => f.write_str("icmpv6"),
            Self(number) => write!(f, "protocol {number}"),
        }
    }
}

/// A flow's 5-tuple in the direction client to VIP; both addresses are of one family.
///
/// ```
/// use core::net::Ipv4Addr;
/// use lb_core::{FlowKey, Protocol};
///
/// let client = (Ipv4Addr::new(192, 0, 2, 1), 40_000);
/// let vip = (Ipv4Addr::new(203, 0, 113, 10), 443);
/// let flow = FlowKey::v4(Protocol::TCP, client, vip);
/// assert_eq!(flow.to_string(), "tcp 192.0.2.1:40000 -> 203.0.113.10:443");
/// assert_eq!(flow.reversed().source_port(), 443);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FlowKey {
    protocol: Protocol,
    addresses: Addresses,
    source_port: u16,
    destination_port: u16,
}

/// Source and destination, of one family by construction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Addresses {
    /// IPv4 source and destination.
    V4 {
        /// The sender.
        source: Ipv4Addr,
        /// The receiver.
        destination: Ipv4Addr,
    },
    /// IPv6 source and destination.
    V6 {
        /// The sender.
        source: Ipv6Addr,
        /// The receiver.
        destination: Ipv6Addr,
    },
}

impl Addresses {
    /// The sender.
    #[must_use]
    pub const fn source(&self) -> IpAddr {
        match *self {
            Self::V4 { source, .. } => IpAddr::V4(source),
            Self::V6 { source, .. } => IpAddr::V6(source),
        }
    }

    /// The receiver.
    #[must_use]
    pub const fn destination(&self) -> IpAddr {
        match *self {
            Self::V4 { destination, .. } => IpAddr::V4(destination),
            Self::V6 { destination, .. } => IpAddr::V6(destination),
        }
    }

    /// The same pair the other way round.
    #[must_use]
    pub const fn reversed(self) -> Self {
        match self {
            Self::V4 { source, destination } => Self::V4 { source: destination, destination: source },
            Self::V6 { source, destination } => Self::V6 { source: destination, destination: source },
        }
    }
}

impl Addresses {
    /// Whether the source is one single host, and not the destination itself.
    ///
    /// Not so are "this network", loopback, multicast and class E with broadcast
    /// (RFC 1122 section 3.2.1.3), unspecified, loopback and multicast (RFC 4291
    /// section 2). A router forwards no such packet (RFC 1812 section 5.3.7), and
    /// nobody answers it.
    #[must_use]
    #[inline]
    pub const fn has_usable_source(&self) -> bool {
        match *self {
            Self::V4 { source, destination } => {
                let [first, ..] = source.octets();
                let is_host = first != 0 && first != 127 && first < 224;
                is_host && source.to_bits() != destination.to_bits()
            }
            Self::V6 { source, destination } => {
                let is_host = source.to_bits() > 1 && source.octets()[0] != 0xff;
                is_host && source.to_bits() != destination.to_bits()
            }
        }
    }
}

impl FlowKey {
    /// A flow between two addresses of one family; ports are 0 where the protocol has none.
    #[must_use]
    pub const fn new(
        protocol: Protocol,
        addresses: Addresses,
        source_port: u16,
        destination_port: u16,
    ) -> Self {
        Self { protocol, addresses, source_port, destination_port }
    }

    /// An IPv4 flow from (address, port) to (address, port).
    #[must_use]
    pub const fn v4(protocol: Protocol, source: (Ipv4Addr, u16), destination: (Ipv4Addr, u16)) -> Self {
        let addresses = Addresses::V4 { source: source.0, destination: destination.0 };
        Self::new(protocol, addresses, source.1, destination.1)
    }

    /// An IPv6 flow from (address, port) to (address, port).
    #[must_use]
    pub const fn v6(protocol: Protocol, source: (Ipv6Addr, u16), destination: (Ipv6Addr, u16)) -> Self {
        let addresses = Addresses::V6 { source: source.0, destination: destination.0 };
        Self::new(protocol, addresses, source.1, destination.1)
    }

    /// The transport protocol.
    #[must_use]
    pub const fn protocol(&self) -> Protocol {
        self.protocol
    }

    /// Source and destination address.
    #[must_use]
    pub const fn addresses(&self) -> Addresses {
        self.addresses
    }

    /// The client's address.
    #[must_use]
    pub const fn source(&self) -> IpAddr {
        self.addresses.source()
    }

    /// The VIP.
    #[must_use]
    pub const fn destination(&self) -> IpAddr {
        self.addresses.destination()
    }

    /// The client's port, 0 where the protocol has none.
    #[must_use]
    pub const fn source_port(&self) -> u16 {
        self.source_port
    }

    /// The service's port, 0 where the protocol has none.
    #[must_use]
    pub const fn destination_port(&self) -> u16 {
        self.destination_port
    }

    /// The flow of the answers.
    #[must_use]
    pub const fn reversed(&self) -> Self {
        Self {
            protocol: self.protocol,
            addresses: self.addresses.reversed(),
            source_port: self.destination_port,
            destination_port: self.source_port,
        }
    }
}

impl fmt::Display for FlowKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let source = SocketAddr::new(self.source(), self.source_port);
        let destination = SocketAddr::new(self.destination(), self.destination_port);
        write!(f, "{} {source} -> {destination}", self.protocol)
    }
}

/// Which fields of a flow take part in its hash: any subset of the five.
///
/// A field that is left out is hashed as zero, so the length of the hashed
/// bytes, and with it the cost, depends on the family alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct HashFields(u8);

impl HashFields {
    /// No field: every flow hashes alike.
    pub const NONE: Self = Self(0);
    /// The protocol number.
    pub const PROTOCOL: Self = Self(1);
    /// The client's address.
    pub const SOURCE: Self = Self(2);
    /// The client's port.
    pub const SOURCE_PORT: Self = Self(4);
    /// The VIP.
    pub const DESTINATION: Self = Self(8);
    /// The service's port.
    pub const DESTINATION_PORT: Self = Self(16);
    /// All five.
    pub const ALL: Self = Self(31);

    /// These fields and `other`'s.
    #[must_use]
    pub const fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Whether every field of `other` is among these.
    #[must_use]
    pub const fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }
}

impl Default for HashFields {
    fn default() -> Self {
        Self::ALL
    }
}

#[cfg(test)]
mod tests;
