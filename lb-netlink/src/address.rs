//! Addresses of devices, above all virtual IPs: read, added, removed.
//!
//! A virtual IP is a host address (`/32`, `/128`) that must be local here and
//! must never be chosen for connections that the host itself opens. Therefore
//! IPv4 ones get the scope `host` and IPv6 ones a preferred lifetime of zero.
//! Ours carry [`Origin::OVERSPILL`]; [`plan()`] never touches others.
//! Source: `rtnetlink(7)`, `include/uapi/linux/if_addr.h`.

use std::net::IpAddr;

use ipnet::IpNet;
use netlink_packet_route::address::{
    AddressAttribute, AddressFlags, AddressMessage, AddressProtocol, AddressScope, CacheInfo,
};
use netlink_packet_route::{AddressFamily, RouteNetlinkMessage};

use crate::link::{DeviceName, Links};
use crate::origin::Origin;
use crate::tunnel::Family;

mod plan;

pub use plan::plan;

/// A lifetime that does not end, as the kernel writes it.
const FOREVER: u32 = u32::MAX;

/// An address of a device.
///
/// ```
/// use lb_netlink::address::Address;
///
/// let vip = Address::virtual_ip("2001:db8::1".parse()?, "lo".parse()?);
/// assert_eq!((vip.prefix.to_string(), vip.deprecated), ("2001:db8::1/128".to_owned(), true));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Address {
    /// The device that has it.
    pub device: DeviceName,
    /// The address with the length of its network's prefix.
    pub prefix: IpNet,
    /// How far it is valid.
    pub scope: Scope,
    /// Whether it is used for new connections only if asked for (IPv6: preferred lifetime 0).
    pub deprecated: bool,
    /// Who added it, if the kernel keeps that (Linux 5.18 and later).
    pub origin: Origin,
}

/// How far an address or route is valid.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Scope {
    /// Everywhere.
    Global,
    /// On this host: never chosen as a source towards others. IPv4 only.
    Host,
    /// On the link of the device.
    Link,
    /// Another, by its number.
    Other(u8),
}

impl Scope {
    pub(crate) const fn from_number(number: u8) -> Self {
        match number {
            0 => Self::Global,
            253 => Self::Link,
            254 => Self::Host,
            other => Self::Other(other),
        }
    }

    pub(crate) const fn number(self) -> u8 {
        match self {
            Self::Global => 0,
            Self::Link => 253,
            Self::Host => 254,
            Self::Other(number) => number,
        }
    }
}

impl Address {
    /// A virtual IP of ours on a device.
    #[must_use]
    pub fn virtual_ip(address: IpAddr, device: DeviceName) -> Self {
        let (scope, deprecated) = match Family::of(address) {
            Family::V4 => (Scope::Host, false),
            Family::V6 => (Scope::Global, true),
        };
        Self { device, prefix: IpNet::from(address), scope, deprecated, origin: Origin::OVERSPILL }
    }

    /// The addresses in the answer to a dump; those of unknown devices are passed over.
    #[must_use]
    pub fn from_messages<'a>(
        messages: impl IntoIterator<Item = &'a RouteNetlinkMessage>,
        links: &Links,
    ) -> Vec<Self> {
        let addresses = messages.into_iter().filter_map(|message| match message {
            RouteNetlinkMessage::NewAddress(message) => Self::from_message(message, links),
            _ => None,
        });
        addresses.collect()
    }

    /// Reads one address; none if its device is not in `links` or it has no usable prefix.
    #[must_use]
    pub fn from_message(message: &AddressMessage, links: &Links) -> Option<Self> {
        let device = links.indexed(message.header.index)?.name.clone();
        let mut flags = AddressFlags::from_bits_retain(u32::from(message.header.flags.bits()));
        let (mut address, mut local, mut origin) = (None, None, Origin::UNKNOWN);
        for attribute in &message.attributes {
            match attribute {
                AddressAttribute::Address(value) => address = Some(*value),
                AddressAttribute::Local(value) => local = Some(*value),
                AddressAttribute::Flags(value) => flags = *value,
                AddressAttribute::Protocol(value) => origin = Origin(u8::from(*value)),
                _ => {}
            }
        }
        // on a point-to-point device `Address` is the peer and `Local` is ours
        let prefix = IpNet::new(local.or(address)?, message.header.prefix_len).ok()?;
        let scope = Scope::from_number(u8::from(message.header.scope));
        Some(Self { device, prefix, scope, deprecated: flags.contains(AddressFlags::Deprecated), origin })
    }

    /// The family.
    #[must_use]
    pub fn family(&self) -> Family {
        Family::of(self.prefix.addr())
    }

    /// The request that adds the address to the device with the index `index`.
    #[must_use]
    pub fn add_message(&self, index: u32) -> RouteNetlinkMessage {
        let mut message = self.named(index);
        let attributes = &mut message.attributes;
        if self.family() == Family::V6 {
            // a virtual IP is on many hosts: no duplicate address detection, no route to a prefix
            let flags = AddressFlags::Nodad | AddressFlags::Noprefixroute;
            attributes.push(AddressAttribute::Flags(flags));
        }
        if self.deprecated {
            let mut lifetimes = CacheInfo::default();
            (lifetimes.ifa_preferred, lifetimes.ifa_valid) = (0, FOREVER);
            attributes.push(AddressAttribute::CacheInfo(lifetimes));
        }
        if self.origin != Origin::UNKNOWN {
            attributes.push(AddressAttribute::Protocol(AddressProtocol::from(self.origin.0)));
        }
        RouteNetlinkMessage::NewAddress(message)
    }

    /// The request that removes the address from the device with the index `index`.
    #[must_use]
    pub fn delete_message(&self, index: u32) -> RouteNetlinkMessage {
        RouteNetlinkMessage::DelAddress(self.named(index))
    }

    fn named(&self, index: u32) -> AddressMessage {
        let mut message = AddressMessage::default();
        message.header.family = address_family(self.family());
        message.header.prefix_len = self.prefix.prefix_len();
        message.header.scope = AddressScope::from(self.scope.number());
        message.header.index = index;
        message.attributes =
            vec![AddressAttribute::Local(self.prefix.addr()), AddressAttribute::Address(self.prefix.addr())];
        message
    }
}

/// The request for all addresses of both families.
#[must_use]
pub fn dump_message() -> RouteNetlinkMessage {
    RouteNetlinkMessage::GetAddress(AddressMessage::default())
}

pub(crate) const fn address_family(family: Family) -> AddressFamily {
    match family {
        Family::V4 => AddressFamily::Inet,
        Family::V6 => AddressFamily::Inet6,
    }
}

#[cfg(test)]
mod tests;
