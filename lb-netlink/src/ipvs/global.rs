//! What IPVS has once per network namespace: timeouts, daemons, and word of itself.
//!
//! The one idea: plain values with the kernel's meaning; nothing here belongs to a service.
//!
//! Source: `ip_vs_genl_set_config`, `ip_vs_genl_new_daemon` and
//! `ip_vs_genl_get_cmd` in `net/netfilter/ipvs/ip_vs_ctl.c`.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::Message;
use super::attribute::Attribute;
use super::error::DecodeError;
use super::schema::{command, daemon, info};

/// How long idle connections are kept, in seconds.
///
/// In a command, 0 leaves a timeout as it is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Timeouts {
    /// An established TCP connection; the kernel begins with 900.
    pub tcp_s: u32,
    /// A TCP connection after a FIN; the kernel begins with 120.
    pub tcp_fin_s: u32,
    /// A flow of UDP; the kernel begins with 300.
    pub udp_s: u32,
}

/// A daemon that sends connections to other nodes, or takes theirs.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Daemon {
    /// What it does.
    pub role: DaemonRole,
    /// The interface it multicasts on, which must be up and able to: at most 15 bytes.
    pub interface: String,
    /// Which nodes belong together, at most 255; a backup with 0 takes all.
    pub sync_id: u32,
    /// The longest datagram; `None` has the kernel follow the interface's MTU.
    pub max_length: Option<u16>,
    /// The group; `None` has the kernel take 224.0.0.81.
    pub group: Option<IpAddr>,
    /// The first of its UDP ports; `None` has the kernel take 8848.
    pub port: Option<u16>,
    /// The hop limit; `None` has the kernel take 1.
    pub ttl: Option<u8>,
}

/// What a synchronisation daemon does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DaemonRole {
    /// Sends.
    Master,
    /// Receives.
    Backup,
}

/// What the kernel's IPVS says of itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Info {
    /// Its version.
    pub version: Version,
    /// Rows of the connection table, 4096 unless the module was told otherwise.
    pub connection_table_size: u32,
}

/// A version of IPVS; 1.2.1 since 2005.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Version(pub u32);

impl Timeouts {
    pub(super) fn to_attributes(self) -> Vec<Attribute> {
        vec![
            command::TIMEOUT_TCP.with(self.tcp_s),
            command::TIMEOUT_TCP_FIN.with(self.tcp_fin_s),
            command::TIMEOUT_UDP.with(self.udp_s),
        ]
    }

    /// The timeouts that a message of the kernel tells.
    ///
    /// # Errors
    ///
    /// [`DecodeError`] if there is none for TCP. Kernels built without UDP have none for it; that is 0 here.
    pub fn from_message(message: &Message) -> Result<Self, DecodeError> {
        Ok(Self {
            tcp_s: command::TIMEOUT_TCP.require(&message.attributes)?,
            tcp_fin_s: command::TIMEOUT_TCP_FIN.require(&message.attributes)?,
            udp_s: command::TIMEOUT_UDP.find(&message.attributes).unwrap_or_default(),
        })
    }
}

impl DaemonRole {
    const fn number(self) -> u32 {
        match self {
            Self::Master => 1,
            Self::Backup => 2,
        }
    }

    fn from_number(number: u32) -> Result<Self, DecodeError> {
        match number {
            1 => Ok(Self::Master),
            2 => Ok(Self::Backup),
            number => Err(DecodeError::Value { attribute: daemon::STATE.spec.name, value: number.into() }),
        }
    }

    /// It as the attribute that names a daemon in a command.
    #[must_use]
    pub fn to_attribute(self) -> Attribute {
        command::DAEMON.with(vec![daemon::STATE.with(self.number())])
    }
}

impl Daemon {
    /// A daemon with the kernel's own ideas of group, port and lengths.
    #[must_use]
    pub fn new(role: DaemonRole, interface: &str, sync_id: u32) -> Self {
        let interface = interface.to_owned();
        Self { role, interface, sync_id, max_length: None, group: None, port: None, ttl: None }
    }

    /// It as the attribute that describes a daemon in a command.
    #[must_use]
    pub fn to_attribute(&self) -> Attribute {
        let mut attributes = vec![
            daemon::STATE.with(self.role.number()),
            daemon::MCAST_IFN.with(self.interface.clone()),
            daemon::SYNC_ID.with(self.sync_id),
        ];
        attributes.extend(self.max_length.map(|length| daemon::SYNC_MAXLEN.with(length)));
        attributes.extend(self.port.map(|port| daemon::MCAST_PORT.with(port)));
        attributes.extend(self.ttl.map(|ttl| daemon::MCAST_TTL.with(ttl)));
        attributes.extend(self.group.map(|group| match group {
            IpAddr::V4(group) => daemon::MCAST_GROUP.with(group.octets()),
            IpAddr::V6(group) => daemon::MCAST_GROUP6.with(group.octets()),
        }));
        command::DAEMON.with(attributes)
    }

    /// The daemon that a message of the kernel describes.
    ///
    /// # Errors
    ///
    /// [`DecodeError`] if something is missing that every kernel sends.
    pub fn from_message(message: &Message) -> Result<Self, DecodeError> {
        let attributes = command::DAEMON.inside(&message.attributes)?;
        let group = daemon::MCAST_GROUP.find(attributes).map(|group| Ipv4Addr::from(group).into());
        let group6 = daemon::MCAST_GROUP6.find(attributes).map(|group| Ipv6Addr::from(group).into());
        Ok(Self {
            role: DaemonRole::from_number(daemon::STATE.require(attributes)?)?,
            interface: daemon::MCAST_IFN.require(attributes)?,
            sync_id: daemon::SYNC_ID.require(attributes)?,
            max_length: daemon::SYNC_MAXLEN.find(attributes),
            group: group.or(group6),
            port: daemon::MCAST_PORT.find(attributes),
            ttl: daemon::MCAST_TTL.find(attributes),
        })
    }
}

impl Info {
    /// What a message of the kernel says of it.
    ///
    /// # Errors
    ///
    /// [`DecodeError`] if something is missing that every kernel sends.
    pub fn from_message(message: &Message) -> Result<Self, DecodeError> {
        Ok(Self {
            version: Version(info::VERSION.require(&message.attributes)?),
            connection_table_size: info::CONN_TAB_SIZE.require(&message.attributes)?,
        })
    }
}

impl fmt::Display for Version {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [_, major, minor, patch] = self.0.to_be_bytes();
        write!(formatter, "{major}.{minor}.{patch}")
    }
}

impl fmt::Display for DaemonRole {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Master => "master",
            Self::Backup => "backup",
        })
    }
}

#[cfg(test)]
mod tests;
