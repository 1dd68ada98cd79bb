//! A virtual service: what names it, what it is set to, what the kernel tells of it.
//!
//! The one idea: three types for three uses. A [`ServiceKey`] names a service
//! and is all that deleting takes, a [`Service`] is everything that one can set
//! and compare, a [`ListedService`] is what a dump says, statistics included.
//!
//! Source: `ip_vs_genl_parse_service` and `ip_vs_genl_fill_service` in
//! `net/netfilter/ipvs/ip_vs_ctl.c`.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr};

use lb_core::Protocol;

use super::attribute::Attribute;
use super::error::DecodeError;
use super::schema::{command, service};
use super::statistics::Statistics;
use super::{AddressFamily, Message};

/// What names a service in the kernel: no two have one key.
///
/// Prints as `203.0.113.10:443/tcp`, `[2001:db8::10]:53/udp` or `fwmark 7 (IPv4)`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ServiceKey {
    /// Packets to a VIP's port.
    Address {
        /// TCP, UDP or SCTP.
        protocol: Protocol,
        /// The VIP.
        address: IpAddr,
        /// The port; 0 is all ports, which takes persistence.
        port: u16,
    },
    /// Packets with a firewall mark.
    Mark {
        /// The packets' family.
        family: AddressFamily,
        /// The mark; the kernel takes 0 for no mark.
        mark: u32,
    },
}

/// A service and everything about it that can be set.
///
/// ```
/// use lb_netlink::ipvs::{Protocol, Service, ServiceFlags, ServiceKey};
///
/// let key = ServiceKey::address(Protocol::TCP, [203, 0, 113, 10].into(), 443);
/// let service = Service::new(key, "mh").with_flags(ServiceFlags::MH_PORT.union(ServiceFlags::MH_FALLBACK));
/// assert_eq!(service.key.to_string(), "203.0.113.10:443/tcp");
/// assert_eq!(service.netmask, u32::MAX, "every client by itself");
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Service {
    /// What names it.
    pub key: ServiceKey,
    /// Its scheduler by the kernel's name, such as `mh`: at most 15 bytes, `none` is none.
    pub scheduler: String,
    /// Its flags.
    pub flags: ServiceFlags,
    /// How long a client keeps its destination with [`ServiceFlags::PERSISTENT`], in seconds.
    pub persistence_s: u32,
    /// Which clients count as one then: for IPv4 a mask as a number
    /// (`0xffff_ff00` is a /24), for IPv6 a prefix length.
    pub netmask: u32,
    /// The persistence engine by the kernel's name, such as `sip`.
    pub persistence_engine: Option<String>,
}

/// A service as the kernel lists it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedService {
    /// What it is set to; the flags have the kernel's own, too.
    pub service: Service,
    /// What went through it.
    pub statistics: Statistics,
    /// What this version of the library does not know.
    pub unknown: Vec<Attribute>,
}

/// A service's flags. What the three of the scheduler mean is the scheduler's.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ServiceFlags(pub u32);

impl ServiceFlags {
    /// None.
    pub const NONE: Self = Self(0);
    /// A client keeps its destination for a while.
    pub const PERSISTENT: Self = Self(0x1);
    /// The service is in the kernel's table: the kernel's own flag, which is never sent.
    pub const HASHED: Self = Self(0x2);
    /// Each datagram is scheduled by itself (UDP).
    pub const ONE_PACKET: Self = Self(0x4);
    /// The scheduler's first flag.
    pub const SCHEDULER_1: Self = Self(0x8);
    /// The scheduler's second flag.
    pub const SCHEDULER_2: Self = Self(0x10);
    /// The scheduler's third flag.
    pub const SCHEDULER_3: Self = Self(0x20);
    /// `mh`: a flow whose destination has weight 0 or is overloaded goes to another.
    pub const MH_FALLBACK: Self = Self::SCHEDULER_1;
    /// `mh`: the client's port is hashed beside its address.
    pub const MH_PORT: Self = Self::SCHEDULER_2;
    /// `sh`: a flow whose destination has weight 0 or is overloaded goes to another.
    pub const SH_FALLBACK: Self = Self::SCHEDULER_1;
    /// `sh`: the client's port is hashed beside its address.
    pub const SH_PORT: Self = Self::SCHEDULER_2;

    /// These and those.
    #[must_use]
    pub const fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Whether all of `other` are set.
    #[must_use]
    pub const fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// Without [`HASHED`](Self::HASHED): what a command set, to be compared with what it is to set.
    #[must_use]
    pub const fn settable(self) -> Self {
        Self(self.0 & !Self::HASHED.0)
    }
}

impl ServiceKey {
    /// The service at a VIP's port.
    #[must_use]
    pub const fn address(protocol: Protocol, address: IpAddr, port: u16) -> Self {
        Self::Address { protocol, address, port }
    }

    /// The family of its packets.
    #[must_use]
    pub const fn family(&self) -> AddressFamily {
        match self {
            Self::Address { address, .. } => AddressFamily::of(*address),
            Self::Mark { family, .. } => *family,
        }
    }

    /// It as attributes of a service.
    fn attributes(&self) -> Vec<Attribute> {
        let family = service::AF.with(self.family().number());
        match *self {
            Self::Address { protocol, address, port } => vec![
                family,
                service::PROTOCOL.with(protocol.0.into()),
                service::ADDR.with(AddressFamily::bytes(address)),
                service::PORT.with(port),
            ],
            Self::Mark { mark, .. } => vec![family, service::FWMARK.with(mark)],
        }
    }

    /// It as the attribute that names a service in a command.
    #[must_use]
    pub fn to_attribute(&self) -> Attribute {
        command::SERVICE.with(self.attributes())
    }

    fn from_attributes(attributes: &[Attribute]) -> Result<Self, DecodeError> {
        let family = AddressFamily::from_number(service::AF.require(attributes)?, &service::AF.spec)?;
        if let Some(mark) = service::FWMARK.find(attributes) {
            return Ok(Self::Mark { family, mark });
        }
        let number = service::PROTOCOL.require(attributes)?;
        let unknown = DecodeError::Value { attribute: service::PROTOCOL.spec.name, value: number.into() };
        let protocol = Protocol(u8::try_from(number).map_err(|_| unknown)?);
        let address = family.address(service::ADDR.require(attributes)?);
        Ok(Self::Address { protocol, address, port: service::PORT.require(attributes)? })
    }
}

impl Service {
    /// A service without flags and persistence.
    #[must_use]
    pub fn new(key: ServiceKey, scheduler: &str) -> Self {
        let netmask = match key.family() {
            AddressFamily::V4 => u32::MAX,
            AddressFamily::V6 => 128,
        };
        let flags = ServiceFlags::NONE;
        Self {
            key,
            scheduler: scheduler.to_owned(),
            flags,
            persistence_s: 0,
            netmask,
            persistence_engine: None,
        }
    }

    /// The same with these flags.
    #[must_use]
    pub fn with_flags(self, flags: ServiceFlags) -> Self {
        Self { flags, ..self }
    }

    /// It as the attribute that describes a service in a command.
    ///
    /// All flags are meant, so that those which are not set are cleared. The
    /// kernel's own is not sent, so that a listed service can be added elsewhere:
    /// one that claims to be in the kernel's table already is never put there,
    /// takes no packet, and can neither be seen nor deleted.
    #[must_use]
    pub fn to_attribute(&self) -> Attribute {
        let netmask = match self.key.family() {
            AddressFamily::V4 => self.netmask.to_be_bytes(),
            AddressFamily::V6 => self.netmask.to_ne_bytes(),
        };
        let mut attributes = self.key.attributes();
        attributes.push(service::SCHED_NAME.with(self.scheduler.clone()));
        attributes.extend(self.persistence_engine.clone().map(|name| service::PE_NAME.with(name)));
        attributes.push(service::FLAGS.with((self.flags.settable().0, u32::MAX)));
        attributes.push(service::TIMEOUT.with(self.persistence_s));
        attributes.push(service::NETMASK.with(netmask));
        command::SERVICE.with(attributes)
    }

    fn from_attributes(attributes: &[Attribute]) -> Result<Self, DecodeError> {
        let key = ServiceKey::from_attributes(attributes)?;
        let netmask = service::NETMASK.require(attributes)?;
        Ok(Self {
            key,
            scheduler: service::SCHED_NAME.require(attributes)?,
            flags: ServiceFlags(service::FLAGS.require(attributes)?.0),
            persistence_s: service::TIMEOUT.require(attributes)?,
            netmask: match key.family() {
                AddressFamily::V4 => u32::from_be_bytes(netmask),
                AddressFamily::V6 => u32::from_ne_bytes(netmask),
            },
            persistence_engine: service::PE_NAME.find(attributes),
        })
    }
}

impl ListedService {
    /// The service that a message of the kernel describes.
    ///
    /// # Errors
    ///
    /// [`DecodeError`] if something is missing that every kernel sends.
    pub fn from_message(message: &Message) -> Result<Self, DecodeError> {
        let attributes = command::SERVICE.inside(&message.attributes)?;
        Ok(Self {
            service: Service::from_attributes(attributes)?,
            statistics: Statistics::of_service(attributes),
            unknown: attributes.iter().filter(|attribute| attribute.is_unknown()).cloned().collect(),
        })
    }
}

impl fmt::Display for ServiceKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Address { protocol, address, port } => {
                match address {
                    IpAddr::V4(address) => write!(formatter, "{address}:{port}")?,
                    IpAddr::V6(address) => write!(formatter, "[{address}]:{port}")?,
                }
                match *protocol {
                    Protocol::TCP => formatter.write_str("/tcp"),
                    Protocol::UDP => formatter.write_str("/udp"),
                    Protocol::SCTP => formatter.write_str("/sctp"),
                    Protocol(number) => write!(formatter, "/{number}"),
                }
            }
            Self::Mark { family, mark } => write!(formatter, "fwmark {mark} ({family})"),
        }
    }
}

impl fmt::Display for Service {
    /// In the words of `ipvsadm -S`, as far as it has some.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}, scheduler {}", self.key, self.scheduler)?;
        let names = match self.scheduler.as_str() {
            "mh" => ["mh-fallback", "mh-port", "flag-3"],
            "sh" => ["sh-fallback", "sh-port", "flag-3"],
            _ => ["flag-1", "flag-2", "flag-3"],
        };
        let flags = [ServiceFlags::SCHEDULER_1, ServiceFlags::SCHEDULER_2, ServiceFlags::SCHEDULER_3];
        for (name, _) in names.iter().zip(flags).filter(|(_, flag)| self.flags.contains(*flag)) {
            write!(formatter, " {name}")?;
        }
        if self.flags.contains(ServiceFlags::ONE_PACKET) {
            formatter.write_str(" one-packet")?;
        }
        if self.flags.contains(ServiceFlags::PERSISTENT) {
            write!(formatter, " persistent {} s", self.persistence_s)?;
            match self.key.family() {
                AddressFamily::V4 if self.netmask != u32::MAX => {
                    write!(formatter, " by {}", Ipv4Addr::from(self.netmask))?;
                }
                AddressFamily::V6 if self.netmask != 128 => write!(formatter, " by /{}", self.netmask)?,
                AddressFamily::V4 | AddressFamily::V6 => {}
            }
        }
        match &self.persistence_engine {
            Some(engine) => write!(formatter, " engine {engine}"),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests;
