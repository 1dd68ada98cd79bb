//! Commands over links, addresses, routes, rules, ports and settings, and who executes them.
//!
//! A plan is a list of [`Command`]s: values that can be compared in a test,
//! printed as the `ip`, `sysctl` or `ip fou` command that does the same, and
//! executed. They name devices; the executor looks up the index at the moment
//! of use, so a plan may make a device and use it. [`Network`] is for tokio,
//! [`blocking::Network`] for everybody else. Executing is idempotent:
//! what is there already, or gone already, is done. What is to be done is for
//! plans to decide, not here.

use std::fmt;

use crate::address::{Address, Scope};
use crate::error::Error;
use crate::link::{DeviceName, LinkSettings};
use crate::origin::Origin;
use crate::route::Route;
use crate::rule::Rule;
use crate::sysctl::{Sysctl, SysctlError, Value};
use crate::tunnel::{Family, Tunnel, fou};

mod asynchronous;
pub mod blocking;
pub(crate) mod dialogue;

pub use asynchronous::Network;

/// One change of the namespace's networking.
///
/// ```
/// use lb_netlink::link::LinkSettings;
/// use lb_netlink::network::Command;
///
/// let up = LinkSettings { up: Some(true), ..LinkSettings::default() };
/// assert_eq!(Command::SetLink("tunl0".parse()?, up).to_string(), "ip link set dev tunl0 up");
/// # Ok::<(), lb_netlink::link::NameError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// Adds an address.
    AddAddress(Address),
    /// Adds a route, unless one has its key.
    AddRoute(Route),
    /// Adds a rule, unless there is one like it.
    AddRule(Rule),
    /// Makes a tunnel device, down.
    AddTunnel(DeviceName, Tunnel),
    /// Makes a pair of virtual Ethernet devices, down.
    AddVeth(DeviceName, DeviceName),
    /// Closes a FOU or GUE port.
    ClosePort(fou::Port),
    /// Opens a FOU or GUE port.
    OpenPort(fou::Port),
    /// Removes an address.
    RemoveAddress(Address),
    /// Removes a virtual device and all addresses on it.
    RemoveLink(DeviceName),
    /// Removes a route.
    RemoveRoute(Route),
    /// Removes a rule.
    RemoveRule(Rule),
    /// Puts a route in the place of the one with its key.
    ReplaceRoute(Route),
    /// Sets a device up or down, its alias, its MTU.
    SetLink(DeviceName, LinkSettings),
    /// Sets a kernel setting.
    SetSysctl(Sysctl, Value),
}

/// A command that could not be executed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{command}`: {problem}")]
pub struct CommandError {
    /// The command.
    pub command: Box<Command>,
    /// Why not, and what to do.
    pub problem: Problem,
}

/// Why a command could not be executed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Problem {
    /// IPv6 is switched off on the device.
    #[error("IPv6 is switched off on {device}; sysctl -w net.ipv6.conf.{}.disable_ipv6=0", .device.as_str().replace('.', "/"))]
    Ipv6Disabled {
        /// The device.
        device: DeviceName,
    },
    /// The conversation with the kernel failed, or it refused for another reason.
    #[error(transparent)]
    Netlink(#[from] Error),
    /// There is no such device.
    #[error("there is no device `{0}` in this network namespace; `ip link show` lists those there are")]
    NoDevice(DeviceName),
    /// The kernel does not know the kind of device.
    #[error(
        "this kernel has no devices of kind `{kind}`: load the module as root on the host (`modprobe {module}`)"
    )]
    NoKind {
        /// The kind.
        kind: String,
        /// The module that brings it.
        module: String,
    },
    /// The process may not change this namespace.
    #[error(
        "not permitted; it takes CAP_NET_ADMIN over this network namespace: run as root, or add NET_ADMIN \
         to the container's capabilities"
    )]
    NotPermitted,
    /// Another socket has the port.
    #[error("UDP port {0} is taken; `ss -lnup` shows by whom, choose another for both ends")]
    PortTaken(u16),
    /// A kernel setting.
    #[error(transparent)]
    Sysctl(#[from] SysctlError),
    /// Another tunnel device has the same ends, or the name.
    #[error(
        "the name `{device}` is taken, or another tunnel device takes packets from the same ends (`ip -d link show type \
         {kind}`): use that one, or remove it"
    )]
    TunnelTaken {
        /// The device that was to be made.
        device: DeviceName,
        /// Its kind.
        kind: String,
    },
}

impl fmt::Display for Command {
    /// The command that a person would type for the same.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AddAddress(address) => {
                write!(f, "ip address add {} dev {}", address.prefix, address.device)?;
                f.write_str(match address.scope {
                    Scope::Host => " scope host",
                    Scope::Link => " scope link",
                    Scope::Global | Scope::Other(_) => "",
                })?;
                if address.family() == Family::V6 {
                    f.write_str(" nodad noprefixroute")?;
                }
                f.write_str(if address.deprecated { " preferred_lft 0" } else { "" })?;
                match address.origin {
                    Origin::UNKNOWN => Ok(()),
                    origin => write!(f, " proto {origin}"),
                }
            }
            Self::RemoveAddress(address) => {
                write!(f, "ip address del {} dev {}", address.prefix, address.device)
            }
            Self::AddRoute(route) => write!(f, "{} route add {route}", ip(route.family())),
            Self::ReplaceRoute(route) => write!(f, "{} route replace {route}", ip(route.family())),
            Self::RemoveRoute(route) => write!(f, "{} route del {route}", ip(route.family())),
            Self::AddRule(rule) => write!(f, "{} rule add {rule}", ip(rule.family)),
            Self::RemoveRule(rule) => write!(f, "{} rule del {rule}", ip(rule.family)),
            Self::AddTunnel(device, tunnel) => write!(f, "ip link add name {device} {tunnel}"),
            Self::AddVeth(device, peer) => write!(f, "ip link add name {device} type veth peer name {peer}"),
            Self::RemoveLink(device) => write!(f, "ip link del dev {device}"),
            Self::SetLink(device, settings) => {
                write!(f, "ip link set dev {device}")?;
                match settings.up {
                    Some(true) => f.write_str(" up")?,
                    Some(false) => f.write_str(" down")?,
                    None => {}
                }
                if let Some(mtu) = settings.mtu {
                    write!(f, " mtu {mtu}")?;
                }
                match &settings.alias {
                    Some(alias) => write!(f, " alias '{}'", alias.replace('\'', r"'\''")),
                    None => Ok(()),
                }
            }
            Self::OpenPort(port) => write!(f, "ip fou add {port}"),
            Self::ClosePort(port) => write!(f, "ip fou del {port}"),
            Self::SetSysctl(sysctl, value) if value.as_str().contains(' ') => {
                write!(f, "sysctl -w {sysctl}='{value}'")
            }
            Self::SetSysctl(sysctl, value) => write!(f, "sysctl -w {sysctl}={value}"),
        }
    }
}

const fn ip(family: Family) -> &'static str {
    match family {
        Family::V4 => "ip",
        Family::V6 => "ip -6",
    }
}

#[cfg(test)]
pub(crate) mod golden;
#[cfg(test)]
mod tests;
