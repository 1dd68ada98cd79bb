//! A pod's networking in memory: what plans look at, and what their commands change.
//!
//! It is as strict as the kernel where a plan could be wrong: a device must be
//! there before it is used, an address is added once, a device takes its addresses
//! and settings with it. That the kernel itself agrees is shown by the live tests.

use std::collections::BTreeMap;

use lb_netlink::Origin;
use lb_netlink::address::{Address, Scope};
use lb_netlink::link::{DeviceName, Link};
use lb_netlink::network::Command;
use lb_netlink::sysctl::{Conf, Ipv4Conf, Ipv6Conf, Sysctl, Value};
use lb_netlink::tunnel::{Family, Inner, Tunnel, TunnelKind};

use super::plan::{self, Observed, Plan, PlanError};
use super::shape::Wanted;
use super::undo;

/// The pod.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct World {
    pub(crate) observed: Observed,
    pub(crate) settings: BTreeMap<Sysctl, Value>,
}

pub(crate) fn device(name: &str) -> DeviceName {
    name.parse().expect("a test's name is a name")
}

pub(crate) fn address(prefix: &str, on: &str) -> Address {
    Address {
        device: device(on),
        prefix: prefix.parse().expect("a test's prefix is a prefix"),
        scope: Scope::Global,
        deprecated: false,
        origin: Origin::UNKNOWN,
    }
}

pub(crate) fn wanted(vips: &[&str]) -> Wanted {
    let vips = vips.iter().map(|vip| vip.parse().expect("a test's address is an address"));
    Wanted { vips: vips.collect(), ..Wanted::default() }
}

impl World {
    /// A pod with `lo` and `eth0` (both families), and the default devices of these kinds, down.
    pub(crate) fn new(defaults: &[TunnelKind]) -> Self {
        let mut world = Self { observed: Observed::default(), settings: Self::settings_of(&Conf::All, 1) };
        world.settings.extend(Self::settings_of(&Conf::Default, 1));
        world.add_link("lo", None);
        world.add_link("eth0", None);
        for kind in defaults {
            // as the kernel has them: ip6tnl0 takes IPv6 alone
            let inner = match kind {
                TunnelKind::IpIp => Inner::Any,
                TunnelKind::Ip6Tnl | TunnelKind::Sit => Inner::Only(Family::V6),
            };
            let tunnel = Tunnel { inner, ..Tunnel::between(*kind, None, None) };
            world.add_link(kind.default_device(), Some(tunnel));
        }
        world.observed.addresses = vec![
            address("127.0.0.1/8", "lo"),
            address("10.1.0.5/24", "eth0"),
            address("2001:db8:1::5/64", "eth0"),
        ];
        world
    }

    fn settings_of(conf: &Conf, rp_filter: i64) -> BTreeMap<Sysctl, Value> {
        let v4 = |name| Sysctl::Ipv4Conf(conf.clone(), name);
        [
            (v4(Ipv4Conf::RpFilter), rp_filter.into()),
            (v4(Ipv4Conf::ArpIgnore), 0.into()),
            (v4(Ipv4Conf::ArpAnnounce), 0.into()),
            (Sysctl::Ipv6Conf(conf.clone(), Ipv6Conf::DisableIpv6), 0.into()),
        ]
        .into()
    }

    pub(crate) fn add_link(&mut self, name: &str, tunnel: Option<Tunnel>) {
        let index = self.observed.links.iter().map(|link| link.index).max().unwrap_or(0) + 1;
        let link = Link {
            index,
            name: device(name),
            kind: tunnel.as_ref().map(|tunnel| tunnel.kind.to_string()),
            up: tunnel.is_none(),
            loopback: name == "lo",
            mtu: 1480,
            alias: None,
            tunnel,
        };
        self.observed.links = self.observed.links.iter().cloned().chain([link]).collect();
        // as the default has them at this moment
        for sysctl in Self::settings_of(&Conf::Device(device(name)), 0).into_keys() {
            let default = match &sysctl {
                Sysctl::Ipv4Conf(_, name) => Sysctl::Ipv4Conf(Conf::Default, *name),
                Sysctl::Ipv6Conf(_, name) => Sysctl::Ipv6Conf(Conf::Default, *name),
                other => other.clone(),
            };
            let value = self.settings[&default].clone();
            self.settings.insert(sysctl, value);
        }
    }

    /// Changes a device that is there.
    pub(crate) fn edit(&mut self, name: &DeviceName, edit: impl Fn(&mut Link)) {
        assert!(self.observed.links.named(name).is_some(), "{name} is not there");
        let changed = self.observed.links.iter().cloned().map(|mut link| {
            if link.name == *name {
                edit(&mut link);
            }
            link
        });
        self.observed.links = changed.collect();
    }

    /// What the kernel adds by itself when a tunnel device comes up, and takes when it goes down.
    fn give_kernels_addresses(&mut self, name: &DeviceName, up: Option<bool>) {
        let link = self.observed.links.named(name);
        let Some(tunnel) = link.and_then(|link| link.tunnel.as_ref()) else { return };
        let mut own = vec![Address { scope: Scope::Link, ..address("fe80::5/64", name.as_str()) }];
        if tunnel.kind == TunnelKind::Sit {
            own.push(address("::10.1.0.5/96", name.as_str()));
        }
        if up.is_some() {
            self.observed.addresses.retain(|address| !own.contains(address));
        }
        if up == Some(true) {
            self.observed.addresses.extend(own);
        }
    }

    pub(crate) fn setting(&self) -> impl Fn(&Sysctl) -> Option<Value> {
        |sysctl| self.settings.get(sysctl).cloned()
    }

    pub(crate) fn plan(&self, wanted: &Wanted) -> Result<Plan, PlanError> {
        plan::plan(&self.observed, self.setting(), wanted)
    }

    pub(crate) fn undo(&self, wanted: &Wanted) -> Plan {
        undo::plan(&self.observed, self.setting(), wanted)
    }

    pub(crate) fn apply(&mut self, commands: &[Command]) {
        commands.iter().for_each(|command| self.execute(command));
    }

    fn execute(&mut self, command: &Command) {
        match command {
            Command::AddAddress(address) => {
                assert!(self.observed.links.named(&address.device).is_some(), "{command}");
                assert!(!self.observed.addresses.contains(address), "{command}");
                self.observed.addresses.push(address.clone());
            }
            Command::RemoveAddress(address) => {
                let place = self.observed.addresses.iter().position(|other| other == address);
                self.observed.addresses.remove(place.expect("it is there"));
            }
            Command::AddTunnel(name, tunnel) => {
                assert!(self.observed.links.named(name).is_none(), "{command}");
                self.add_link(name.as_str(), Some(tunnel.clone()));
            }
            Command::SetLink(name, settings) => {
                self.edit(name, |link| {
                    link.up = settings.up.unwrap_or(link.up);
                    link.mtu = settings.mtu.unwrap_or(link.mtu);
                    if let Some(alias) = &settings.alias {
                        link.alias = Some(alias.clone()).filter(|alias| !alias.is_empty());
                    }
                });
                self.give_kernels_addresses(name, settings.up);
            }
            Command::RemoveLink(name) => {
                let kept = self.observed.links.iter().filter(|link| link.name != *name).cloned();
                self.observed.links = kept.collect();
                self.observed.addresses.retain(|address| address.device != *name);
                let of_it = |sysctl: &Sysctl| match sysctl {
                    Sysctl::Ipv4Conf(Conf::Device(device), _) => device == name,
                    Sysctl::Ipv6Conf(Conf::Device(device), _) => device == name,
                    _ => false,
                };
                self.settings.retain(|sysctl, _| !of_it(sysctl));
            }
            Command::OpenPort(port) => {
                assert!(!self.observed.ports.contains(port), "{command}");
                self.observed.ports.push(*port);
            }
            Command::ClosePort(port) => self.observed.ports.retain(|other| other != port),
            Command::SetSysctl(sysctl, value) => {
                assert!(self.settings.contains_key(sysctl), "{command}: is not there");
                self.settings.insert(sysctl.clone(), value.clone());
            }
            other => panic!("a plan of this command has no {other}"),
        }
    }
}
