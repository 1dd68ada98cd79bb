//! Network devices: their names, and what is known about each of them.
//!
//! The kernel knows a device by an index that lasts as long as the device;
//! people and plans know it by its name. A [`Links`] is one look at the devices
//! of a namespace and turns one into the other. A [`DeviceName`] is valid by
//! construction, so that nothing written later can be half a path or an option.
//! What a tunnel device is like is in [`crate::tunnel`]. Source: `rtnetlink(7)`,
//! `include/uapi/linux/if_link.h`; the rules of names are `dev_valid_name`'s.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use netlink_packet_route::RouteNetlinkMessage;
use netlink_packet_route::link::{
    InfoData, InfoKind, InfoVeth, LinkAttribute, LinkFlags, LinkInfo, LinkMessage,
};

use crate::tunnel::Tunnel;

/// The longest name of a device in bytes; the kernel's field has one more for its end.
const NAME_MAX: usize = 15;

/// The longest alias of a device in bytes.
pub const ALIAS_MAX: usize = 255;

/// The name of a network device, such as `eth0`.
///
/// ```
/// use lb_netlink::link::DeviceName;
///
/// let device: DeviceName = "tunl0".parse()?;
/// assert_eq!(device.as_str(), "tunl0");
/// let error = "../../etc".parse::<DeviceName>().unwrap_err();
/// assert_eq!(error.to_string(), "device name `../../etc`: `/` may not be in a name");
/// # Ok::<(), lb_netlink::link::NameError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DeviceName(Box<str>);

impl DeviceName {
    /// The loopback device, which every namespace has.
    #[must_use]
    pub fn loopback() -> Self {
        Self("lo".into())
    }

    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for DeviceName {
    type Err = NameError;

    fn from_str(name: &str) -> Result<Self, NameError> {
        let fail = |problem| Err(NameError { name: name.to_owned(), problem });
        if name.is_empty() {
            return fail(NameProblem::Empty);
        }
        if name.len() > NAME_MAX {
            return fail(NameProblem::TooLong);
        }
        if matches!(name, "." | "..") {
            return fail(NameProblem::Dots);
        }
        let bad = |character: char| matches!(character, '/' | ':' | '\0') || character.is_whitespace();
        match name.chars().find(|character| bad(*character)) {
            Some(character) => fail(NameProblem::Character(character)),
            None => Ok(Self(name.into())),
        }
    }
}

impl fmt::Display for DeviceName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A text that no device can be called.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("device name `{name}`: {problem}")]
pub struct NameError {
    /// The text.
    pub name: String,
    /// What is wrong with it.
    pub problem: NameProblem,
}

/// Why a text is no name of a device.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NameProblem {
    /// The kernel refuses white space, `/` and `:`.
    #[error("`{}` may not be in a name", .0.escape_default())]
    Character(char),
    /// `.` and `..` would be folders below `/proc/sys`.
    #[error("is no name; write for example eth0")]
    Dots,
    /// There is nothing.
    #[error("is empty; write for example eth0")]
    Empty,
    /// Names have at most 15 bytes.
    #[error("too long; write at most 15 bytes")]
    TooLong,
}

/// One network device, as far as it matters here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    /// The kernel's number of the device, unique in its namespace.
    pub index: u32,
    /// The name.
    pub name: DeviceName,
    /// The type of a virtual device, such as `veth` or `ipip`; none for hardware and `lo`.
    pub kind: Option<String>,
    /// Whether it is set up (administratively; a carrier may still be missing).
    pub up: bool,
    /// Whether it is the loopback device.
    pub loopback: bool,
    /// The largest packet in bytes, without the link layer's header.
    pub mtu: u32,
    /// A text that a person or program left on the device, at most [`ALIAS_MAX`] bytes.
    pub alias: Option<String>,
    /// What kind of tunnel it is, for the kinds that are modelled.
    pub tunnel: Option<Tunnel>,
}

impl Link {
    /// Reads what the kernel tells of a device; none if it tells no usable name.
    #[must_use]
    pub fn from_message(message: &LinkMessage) -> Option<Self> {
        let flags = message.header.flags;
        let mut name = None;
        let mut link = Self {
            index: message.header.index,
            name: DeviceName::loopback(),
            kind: None,
            up: flags.contains(LinkFlags::Up),
            loopback: flags.contains(LinkFlags::Loopback),
            mtu: 0,
            alias: None,
            tunnel: None,
        };
        for attribute in &message.attributes {
            match attribute {
                LinkAttribute::IfName(text) => name = text.parse().ok(),
                LinkAttribute::Mtu(mtu) => link.mtu = *mtu,
                LinkAttribute::IfAlias(alias) => link.alias = Some(alias.clone()),
                LinkAttribute::LinkInfo(infos) => {
                    for info in infos {
                        match info {
                            LinkInfo::Kind(kind) => link.kind = Some(kind.to_string()),
                            LinkInfo::Data(InfoData::IpTunnel(data)) => {
                                let kind = link.kind.as_deref().and_then(|kind| kind.parse().ok());
                                link.tunnel = kind.map(|kind| Tunnel::from_attributes(kind, data));
                            }
                            _ => {}
                        }
                    }
                }
                _ => {}
            }
        }
        link.name = name?;
        Some(link)
    }
}

/// The devices of a namespace at one moment.
///
/// ```
/// use lb_netlink::link::{DeviceName, Links};
///
/// let links = Links::default();
/// assert_eq!(links.named(&DeviceName::loopback()), None);
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Links {
    by_index: BTreeMap<u32, Link>,
}

impl Links {
    /// The devices in the answer to a dump; other messages are passed over.
    #[must_use]
    pub fn from_messages<'a>(messages: impl IntoIterator<Item = &'a RouteNetlinkMessage>) -> Self {
        let links = messages.into_iter().filter_map(|message| match message {
            RouteNetlinkMessage::NewLink(message) => Link::from_message(message),
            _ => None,
        });
        links.collect()
    }

    /// The device with this name.
    #[must_use]
    pub fn named(&self, name: &DeviceName) -> Option<&Link> {
        self.iter().find(|link| link.name == *name)
    }

    /// The device with this index.
    #[must_use]
    pub fn indexed(&self, index: u32) -> Option<&Link> {
        self.by_index.get(&index)
    }

    /// All devices by index, oldest first.
    pub fn iter(&self) -> impl Iterator<Item = &Link> {
        self.by_index.values()
    }
}

impl FromIterator<Link> for Links {
    fn from_iter<I: IntoIterator<Item = Link>>(links: I) -> Self {
        Self { by_index: links.into_iter().map(|link| (link.index, link)).collect() }
    }
}

/// Whether a device should be up, its alias and MTU: what may be changed while it lives.
///
/// What is none stays as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LinkSettings {
    /// Set up or down.
    pub up: Option<bool>,
    /// The alias; an empty one removes it.
    pub alias: Option<String>,
    /// The MTU in bytes.
    pub mtu: Option<u32>,
}

impl LinkSettings {
    /// What of these settings `link` does not have yet.
    #[must_use]
    pub fn missing_in(&self, link: &Link) -> Self {
        let alias = self.alias.as_ref().filter(|alias| **alias != *link.alias.as_deref().unwrap_or_default());
        Self {
            up: self.up.filter(|up| *up != link.up),
            alias: alias.cloned(),
            mtu: self.mtu.filter(|mtu| *mtu != link.mtu),
        }
    }

    /// Whether nothing is to be changed.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    fn apply(&self, message: &mut LinkMessage) {
        if let Some(up) = self.up {
            message.header.flags.set(LinkFlags::Up, up);
            message.header.change_mask = LinkFlags::Up;
        }
        message.attributes.extend(self.mtu.map(LinkAttribute::Mtu));
        message.attributes.extend(self.alias.clone().map(LinkAttribute::IfAlias));
    }
}

/// The request for all devices.
#[must_use]
pub fn dump_message() -> RouteNetlinkMessage {
    RouteNetlinkMessage::GetLink(LinkMessage::default())
}

/// The request for one device by its name.
#[must_use]
pub fn get_message(name: &DeviceName) -> RouteNetlinkMessage {
    let mut message = LinkMessage::default();
    message.attributes.push(LinkAttribute::IfName(name.to_string()));
    RouteNetlinkMessage::GetLink(message)
}

/// The request that changes a device.
#[must_use]
pub fn set_message(index: u32, settings: &LinkSettings) -> RouteNetlinkMessage {
    let mut message = LinkMessage::default();
    message.header.index = index;
    settings.apply(&mut message);
    RouteNetlinkMessage::NewLink(message)
}

/// The request that removes a virtual device.
#[must_use]
pub fn delete_message(index: u32) -> RouteNetlinkMessage {
    let mut message = LinkMessage::default();
    message.header.index = index;
    RouteNetlinkMessage::DelLink(message)
}

/// The request that makes a pair of virtual Ethernet devices, as tests and test-beds need.
#[must_use]
pub fn add_veth_message(name: &DeviceName, peer: &DeviceName) -> RouteNetlinkMessage {
    let mut other = LinkMessage::default();
    other.attributes.push(LinkAttribute::IfName(peer.to_string()));
    add_message(name, InfoKind::Veth, InfoData::Veth(InfoVeth::Peer(other)))
}

/// The request that makes a tunnel device, down and without alias.
#[must_use]
pub fn add_tunnel_message(name: &DeviceName, tunnel: &Tunnel) -> RouteNetlinkMessage {
    add_message(name, tunnel.kind.info_kind(), InfoData::IpTunnel(tunnel.attributes()))
}

fn add_message(name: &DeviceName, kind: InfoKind, data: InfoData) -> RouteNetlinkMessage {
    let mut message = LinkMessage::default();
    message.attributes.push(LinkAttribute::IfName(name.to_string()));
    message.attributes.push(LinkAttribute::LinkInfo(vec![LinkInfo::Kind(kind), LinkInfo::Data(data)]));
    RouteNetlinkMessage::NewLink(message)
}

#[cfg(test)]
mod tests;
