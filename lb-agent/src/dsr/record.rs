//! What was there before, kept in the alias of a tunnel device.
//!
//! A device that we change or make gets an alias such as
//!
//! ```text
//! overspill dsr: down rp_filter=1 all.rp_filter=2 all.arp_ignore=0 gue4=6080
//! ```
//!
//! It is written before the change that it tells of, and the first value stays
//! when the command is run again, so that `--undo` goes back to what was there
//! before all runs, also after a crash. An alias has at most 255 bytes; this one
//! stays below 200 with one port.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::num::NonZeroU16;

use lb_netlink::link::{DeviceName, Link};
use lb_netlink::sysctl::{Conf, Ipv4Conf, Ipv6Conf, Sysctl, Value};
use lb_netlink::tunnel::Family;
use lb_netlink::tunnel::fou::{Payload, Port};

/// How an alias of ours begins.
const PREFIX: &str = "overspill dsr:";

/// Settings that are recorded: the word, whether it is of all devices, and the setting.
const ALL_RP_FILTER: &str = "all.rp_filter";
const ALL_ARP_IGNORE: &str = "all.arp_ignore";
const ALL_ARP_ANNOUNCE: &str = "all.arp_announce";
const RP_FILTER: &str = "rp_filter";
const DISABLE_IPV6: &str = "disable_ipv6";
const WORDS: [&str; 5] = [ALL_RP_FILTER, ALL_ARP_IGNORE, ALL_ARP_ANNOUNCE, RP_FILTER, DISABLE_IPV6];

/// What was there before.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Record {
    /// The device was made.
    pub(crate) made: bool,
    /// The device was down.
    pub(crate) down: bool,
    /// The device's MTU.
    pub(crate) mtu: Option<u32>,
    /// Settings and their values.
    pub(crate) settings: BTreeMap<Sysctl, Value>,
    /// Ports that were opened.
    pub(crate) ports: Vec<Port>,
}

impl Record {
    /// The record on a device: `Ok(None)` without an alias, the alias if it is somebody else's.
    pub(crate) fn of(link: &Link) -> Result<Option<Self>, &str> {
        match link.alias.as_deref() {
            None | Some("") => Ok(None),
            Some(alias) => Self::read(alias, &link.name).map(Some).ok_or(alias),
        }
    }

    /// Reads an alias; none if it is not one of ours.
    pub(crate) fn read(alias: &str, device: &DeviceName) -> Option<Self> {
        let mut record = Self::default();
        for word in alias.strip_prefix(PREFIX)?.split_ascii_whitespace() {
            match word.split_once('=') {
                None if word == "made" => record.made = true,
                None if word == "down" => record.down = true,
                None => return None,
                Some(("mtu", mtu)) => record.mtu = Some(mtu.parse().ok()?),
                Some(("gue4", port)) => record.ports.push(gue(port.parse().ok()?, Family::V4)),
                Some(("gue6", port)) => record.ports.push(gue(port.parse().ok()?, Family::V6)),
                Some((word, value)) => {
                    let value: i64 = value.parse().ok()?;
                    record.settings.insert(sysctl(word, device)?, value.into());
                }
            }
        }
        Some(record)
    }

    /// The alias that tells it.
    pub(crate) fn alias(&self) -> String {
        let mut alias = PREFIX.to_owned();
        for (word, is) in [("made", self.made), ("down", self.down)] {
            if is {
                let _ = write!(alias, " {word}");
            }
        }
        if let Some(mtu) = self.mtu {
            let _ = write!(alias, " mtu={mtu}");
        }
        for (setting, value) in &self.settings {
            let _ = write!(alias, " {}={value}", word(setting));
        }
        for port in &self.ports {
            let family = if port.family == Family::V4 { 4 } else { 6 };
            let _ = write!(alias, " gue{family}={}", port.number);
        }
        alias
    }

    /// Remembers a setting's value from before, unless an earlier one is known.
    pub(crate) fn remember(&mut self, setting: &Sysctl, before: &Value) {
        self.settings.entry(setting.clone()).or_insert_with(|| before.clone());
    }
}

/// A GUE port.
pub(crate) const fn gue(number: NonZeroU16, family: Family) -> Port {
    Port { number, family, payload: Payload::Gue }
}

fn sysctl(word: &str, device: &DeviceName) -> Option<Sysctl> {
    let own = || Conf::Device(device.clone());
    Some(match word {
        ALL_RP_FILTER => Sysctl::Ipv4Conf(Conf::All, Ipv4Conf::RpFilter),
        ALL_ARP_IGNORE => Sysctl::Ipv4Conf(Conf::All, Ipv4Conf::ArpIgnore),
        ALL_ARP_ANNOUNCE => Sysctl::Ipv4Conf(Conf::All, Ipv4Conf::ArpAnnounce),
        RP_FILTER => Sysctl::Ipv4Conf(own(), Ipv4Conf::RpFilter),
        DISABLE_IPV6 => Sysctl::Ipv6Conf(own(), Ipv6Conf::DisableIpv6),
        _ => return None,
    })
}

fn word(setting: &Sysctl) -> &'static str {
    let device = match setting {
        Sysctl::Ipv4Conf(Conf::Device(device), _) | Sysctl::Ipv6Conf(Conf::Device(device), _) => {
            device.clone()
        }
        _ => DeviceName::loopback(),
    };
    let same = |word: &&str| sysctl(word, &device).as_ref() == Some(setting);
    WORDS.into_iter().find(same).expect("only settings of the plan are remembered, and it has these five")
}

#[cfg(test)]
mod tests;
