//! What can be typed after `lb-agent dsr`.

use std::net::IpAddr;
use std::num::NonZeroU16;
use std::path::PathBuf;

use lb_netlink::link::DeviceName;
use lb_netlink::tunnel::{Family, TunnelKind};

use super::shape::Wanted;
use super::vips;

/// `dsr`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Which device is used for a VIP, unless --device says otherwise:
  IPv4 in IPv4   tunl0 (module ipip)
  IPv6 in IPv6   ip6tnl0 (module ip6_tunnel)
  IPv6 in IPv4   sit0 (module sit)
  IPv4 in IPv6   overspill6, which is made (module ip6_tunnel)
The outer family is the VIP's own if this pod has an address of it, else the
other.

Settings that are made where they are not so: rp_filter 0 of all and of the
device, arp_ignore 1 and arp_announce 2 of all (IPv4); disable_ipv6 0 of the
device (IPv6). In a container /proc/sys is writable only if it is privileged.

What was added is known by its mark (addresses carry protocol 79, the device's
alias holds what was there before), so --undo needs nothing but itself; on
Linux before 5.18 name the VIPs again. It takes CAP_NET_ADMIN.

Exit status: 0 done; 1 it could not be done, or --check found something missing;
2 bad input, nothing was changed.

Examples:
  lb-agent dsr --vip 203.0.113.10 --vip 2001:db8::1
  lb-agent dsr --vip 203.0.113.10 --encapsulation gue:6080 --check
  lb-agent dsr --watch /etc/vips --undo       until SIGTERM, then take all back
  lb-agent dsr --undo")]
pub(crate) struct Arguments {
    /// A VIP that this pod serves; may be repeated. Others that are there stay.
    #[arg(long = "vip", value_name = "ADDRESS", value_parser = vips::parse)]
    #[arg(required_unless_present_any = ["watch", "undo"])]
    pub(crate) vips: Vec<IpAddr>,

    /// A file with one VIP per line (`#` begins a comment): add and remove VIPs as it changes, until SIGTERM.
    #[arg(long, value_name = "FILE")]
    pub(crate) watch: Option<PathBuf>,

    /// The tunnel device to use, made if it is not there; with its kind (ipip, sit, ip6tnl) where several are needed.
    #[arg(long = "device", value_name = "[KIND=]NAME", value_parser = device)]
    pub(crate) devices: Vec<(Option<TunnelKind>, DeviceName)>,

    /// The family in which the L4 nodes reach this pod; may be repeated.
    #[arg(long = "outer", value_name = "ipv4|ipv6", value_parser = family)]
    pub(crate) outer: Vec<Family>,

    /// How packets come: straight in IP, or in GUE over UDP to a port.
    #[arg(long, value_name = "ipip|gue:PORT", default_value = "ipip", value_parser = encapsulation)]
    pub(crate) encapsulation: Encapsulation,

    /// The tunnel device's MTU in bytes; what is received may be larger.
    #[arg(long, value_name = "BYTES", value_parser = clap::value_parser!(u32).range(68..=65_535))]
    pub(crate) mtu: Option<u32>,

    /// Print what would be done as `ip` and `sysctl` commands, and what is missing for it; do nothing.
    #[arg(long)]
    pub(crate) check: bool,

    /// Remove what was added, and nothing else; with --vip those alone, with --watch at the end.
    #[arg(long)]
    pub(crate) undo: bool,
}

/// How packets come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Encapsulation {
    /// IP in GUE in UDP to this port.
    Gue(NonZeroU16),
    /// IP in IP.
    IpIp,
}

impl Arguments {
    /// What is wanted, without the file's VIPs.
    pub(crate) fn wanted(&self) -> Wanted {
        Wanted {
            vips: self.vips.iter().copied().collect(),
            exclusive: false,
            outer: self.outer.iter().copied().collect(),
            devices: self.devices.clone(),
            gue: match self.encapsulation {
                Encapsulation::Gue(port) => Some(port),
                Encapsulation::IpIp => None,
            },
            mtu: self.mtu,
        }
    }
}

fn device(text: &str) -> Result<(Option<TunnelKind>, DeviceName), String> {
    let (kind, name) = match text.split_once('=') {
        Some((kind, name)) => (Some(kind.parse::<TunnelKind>().map_err(|error| error.to_string())?), name),
        None => (None, text),
    };
    Ok((kind, name.parse::<DeviceName>().map_err(|error| error.to_string())?))
}

fn family(text: &str) -> Result<Family, String> {
    match text {
        "ipv4" => Ok(Family::V4),
        "ipv6" => Ok(Family::V6),
        _ => Err("write ipv4 or ipv6".to_owned()),
    }
}

fn encapsulation(text: &str) -> Result<Encapsulation, String> {
    let usage =
        || "write ipip, or gue:PORT with the port that the L4 nodes send to, such as gue:6080".to_owned();
    match text.split_once(':') {
        None if text == "ipip" => Ok(Encapsulation::IpIp),
        Some(("gue", port)) => port.parse().map(Encapsulation::Gue).map_err(|_| usage()),
        _ => Err(usage()),
    }
}
