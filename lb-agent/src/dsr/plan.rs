//! What to do so that VIPs work: a function of what is there and what is wanted.
//!
//! In the order in which it is safe: make devices; write down what was there
//! before; settings, so that no neighbour is ever told of a VIP; ports; devices
//! up; VIPs last. A VIP that somebody else added already is left to them.

use std::net::IpAddr;

use ipnet::IpNet;
use lb_netlink::Origin;
use lb_netlink::address::Address;
use lb_netlink::link::{ALIAS_MAX, DeviceName, Link, LinkSettings, Links};
use lb_netlink::network::Command;
use lb_netlink::sysctl::{Conf, Ipv4Conf, Ipv6Conf, Requirement, Sysctl, Value};
use lb_netlink::tunnel::fou::Port;
use lb_netlink::tunnel::{Family, Tunnel, TunnelKind};

use super::record::{Record, gue};
use super::shape::{self, Device, Shape, Wanted};

/// What is there.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Observed {
    pub(crate) links: Links,
    pub(crate) addresses: Vec<Address>,
    pub(crate) ports: Vec<Port>,
}

/// What to do, in order, and what a person should know.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Plan {
    pub(crate) commands: Vec<Command>,
    pub(crate) notes: Vec<Note>,
}

/// Something to know that is no failure.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Note {
    #[error("{vip} is on {device} already, put there by somebody else: it works, and --undo will leave it")]
    ForeignVip { vip: IpAddr, device: DeviceName },
    #[error("{device} stays as it is: it has {address}, which somebody else added")]
    DeviceInUse { device: DeviceName, address: IpNet },
    #[error("{setting} stays {found}: it is not what was set here, so somebody else changed it since")]
    SettingChanged { setting: Sysctl, found: Value },
}

/// A wish that cannot be met, and whose fault it is.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum PlanError {
    #[error(
        "{device} has the alias `{alias}`, and what was there before would be written there; clear it or use another --device"
    )]
    AliasTaken { device: DeviceName, alias: String },
    #[error("{device}: more has been changed than fits into its alias; run --undo first")]
    AliasTooLong { device: DeviceName },
    #[error("--device {name}: is no {kind} device but {}; name another", .found.as_deref().unwrap_or("hardware"))]
    DeviceOfOtherKind { name: DeviceName, kind: TunnelKind, found: Option<String> },
    #[error("--device {name}: does not take {inner} from every L4 node ({tunnel}); name another")]
    DeviceTakesOther { name: DeviceName, inner: Family, tunnel: Tunnel },
    #[error("--device {} and {} are both {kind}; name one", .names[0], .names[1])]
    DeviceTwice { kind: TunnelKind, names: [DeviceName; 2] },
    #[error("--device {kind}={name}: no VIP needs that kind, but {}", list(.kinds))]
    DeviceUnneeded { name: DeviceName, kind: TunnelKind, kinds: Vec<TunnelKind> },
    #[error("--device {name}: these VIPs need {}; say which one it is, as in {}={name}", list(.kinds), .kinds[0])]
    DeviceWithoutKind { name: DeviceName, kinds: Vec<TunnelKind> },
    #[error(
        "{vip}: no device has a global address at which an L4 node could reach this pod; say --outer ipv4 or ipv6"
    )]
    NoOuterAddress { vip: IpAddr },
}

fn list(kinds: &[TunnelKind]) -> String {
    kinds.iter().map(|kind| kind.as_str()).collect::<Vec<_>>().join(" and ")
}

/// The commands after which the wanted VIPs work.
///
/// `setting` gives a setting's present value, none if the kernel does not have it.
pub(crate) fn plan(
    observed: &Observed,
    setting: impl Fn(&Sysctl) -> Option<Value>,
    wanted: &Wanted,
) -> Result<Plan, PlanError> {
    let shape = shape::choose(observed, wanted)?;
    let setting = |sysctl: &Sysctl| setting(sysctl).or_else(|| setting(&before_made(sysctl)?));
    let unmet = unmet(&shape, setting);
    let ports = missing_ports(observed, &shape, wanted);
    let mut plan = Plan::default();
    for device in shape.devices.values() {
        let make = device.make.clone().map(|tunnel| Command::AddTunnel(device.name.clone(), tunnel));
        plan.commands.extend(make);
    }
    let mut ups = Vec::new();
    for (position, device) in shape.devices.values().enumerate() {
        let link = observed.links.named(&device.name);
        let changes = LinkSettings { up: Some(true), mtu: wanted.mtu, alias: None };
        let changes = link.map_or_else(|| changes.clone(), |link| changes.missing_in(link));
        let mut record = remembered(device, link, &changes);
        // what belongs to no device is written down with the first
        let concerns = |sysctl: &Sysctl| device_of(sysctl).map_or(position == 0, |name| *name == device.name);
        for requirement in unmet.iter().filter(|requirement| concerns(&requirement.sysctl)) {
            let vanishes = device.make.is_some() && device_of(&requirement.sysctl).is_some();
            if let Some(before) = setting(&requirement.sysctl).filter(|_| !vanishes) {
                record.remember(&requirement.sysctl, &before);
            }
        }
        if position == 0 {
            record.ports.extend(
                ports.iter().filter(|port| !record.ports.contains(port)).copied().collect::<Vec<_>>(),
            );
        }
        plan.commands.extend(write_down(device, link, &record)?);
        if !changes.is_empty() {
            ups.push(Command::SetLink(device.name.clone(), changes));
        }
    }
    let settings = unmet.iter().map(|unmet| Command::SetSysctl(unmet.sysctl.clone(), unmet.value.clone()));
    plan.commands.extend(settings);
    plan.commands.extend(ports.into_iter().map(Command::OpenPort));
    plan.commands.extend(ups);
    place_vips(observed, &shape, wanted, &mut plan);
    Ok(plan)
}

/// The settings that are not as they must be.
fn unmet(shape: &Shape, setting: impl Fn(&Sysctl) -> Option<Value>) -> Vec<Requirement> {
    let has = |family: Family| shape.vips.keys().any(|vip| Family::of(*vip) == family);
    let mut requirements = Vec::new();
    if has(Family::V4) {
        requirements.extend([
            Requirement::exactly(Sysctl::Ipv4Conf(Conf::All, Ipv4Conf::RpFilter), 0),
            Requirement::at_least(Sysctl::Ipv4Conf(Conf::All, Ipv4Conf::ArpIgnore), 1),
            Requirement::at_least(Sysctl::Ipv4Conf(Conf::All, Ipv4Conf::ArpAnnounce), 2),
        ]);
    }
    for device in shape.devices.values() {
        let conf = || Conf::Device(device.name.clone());
        // the packet comes out of the device with a client's address, which is routed elsewhere
        if device.inner.contains(&Family::V4) {
            requirements.push(Requirement::exactly(Sysctl::Ipv4Conf(conf(), Ipv4Conf::RpFilter), 0));
        }
        if device.inner.contains(&Family::V6) {
            requirements.push(Requirement::exactly(Sysctl::Ipv6Conf(conf(), Ipv6Conf::DisableIpv6), 0));
        }
    }
    requirements.retain(|wanted| !setting(&wanted.sysctl).is_some_and(|found| wanted.is_met_by(&found)));
    requirements
}

/// What a device that is not there yet will have: the default.
fn before_made(sysctl: &Sysctl) -> Option<Sysctl> {
    match sysctl {
        Sysctl::Ipv4Conf(Conf::Device(_), name) => Some(Sysctl::Ipv4Conf(Conf::Default, *name)),
        Sysctl::Ipv6Conf(Conf::Device(_), name) => Some(Sysctl::Ipv6Conf(Conf::Default, *name)),
        _ => None,
    }
}

fn device_of(sysctl: &Sysctl) -> Option<&DeviceName> {
    match sysctl {
        Sysctl::Ipv4Conf(Conf::Device(device), _) | Sysctl::Ipv6Conf(Conf::Device(device), _) => Some(device),
        _ => None,
    }
}

/// The receive ports that are to be opened: one for each outer family.
fn missing_ports(observed: &Observed, shape: &Shape, wanted: &Wanted) -> Vec<Port> {
    let mut families: Vec<Family> = shape.devices.keys().map(|kind| kind.outer()).collect();
    families.sort();
    families.dedup();
    let ports = families.iter().filter_map(|family| wanted.gue.map(|number| gue(number, *family)));
    ports.filter(|port| !observed.ports.contains(port)).collect()
}

/// The record of a device, with what `changes` would change.
fn remembered(device: &Device, link: Option<&Link>, changes: &LinkSettings) -> Record {
    let known = link.and_then(|link| Record::of(link).ok().flatten());
    let Some(link) = link else { return Record { made: device.make.is_some(), ..Record::default() } };
    let mut record = known.unwrap_or_default();
    if !record.made {
        record.down |= changes.up.is_some();
        record.mtu = record.mtu.or_else(|| changes.mtu.map(|_| link.mtu));
    }
    record
}

/// Writes a record into the alias, if it says something new.
fn write_down(device: &Device, link: Option<&Link>, record: &Record) -> Result<Option<Command>, PlanError> {
    let known = match link.map(Record::of).transpose() {
        Ok(known) => known.flatten(),
        // nothing of it is changed, so nothing needs to be written
        Err(_) if *record == Record::default() => return Ok(None),
        Err(alias) => {
            return Err(PlanError::AliasTaken { device: device.name.clone(), alias: alias.to_owned() });
        }
    };
    if known.unwrap_or_default() == *record {
        return Ok(None);
    }
    let alias = record.alias();
    if alias.len() > ALIAS_MAX {
        return Err(PlanError::AliasTooLong { device: device.name.clone() });
    }
    let settings = LinkSettings { alias: Some(alias), ..LinkSettings::default() };
    Ok(Some(Command::SetLink(device.name.clone(), settings)))
}

/// Adds VIPs that are nowhere, and removes those of ours that are not wanted, if asked to.
fn place_vips(observed: &Observed, shape: &Shape, wanted: &Wanted, plan: &mut Plan) {
    for (vip, device) in &shape.vips {
        match observed.addresses.iter().find(|address| address.prefix.addr() == *vip) {
            None => plan.commands.push(Command::AddAddress(Address::virtual_ip(*vip, device.clone()))),
            Some(address) if address.origin == Origin::OVERSPILL => {}
            Some(address) if on_device_of_ours(observed, address) => {}
            Some(address) => {
                plan.notes.push(Note::ForeignVip { vip: *vip, device: address.device.clone() });
            }
        }
    }
    if wanted.exclusive {
        let surplus = ours(observed).filter(|address| !wanted.vips.contains(&address.prefix.addr()));
        plan.commands.extend(surplus.cloned().map(Command::RemoveAddress));
    }
}

/// The VIPs that this command added.
pub(crate) fn ours(observed: &Observed) -> impl Iterator<Item = &Address> {
    let on_tunnel =
        |address: &&Address| observed.links.named(&address.device).is_some_and(|link| link.tunnel.is_some());
    observed.addresses.iter().filter(|address| address.origin == Origin::OVERSPILL).filter(on_tunnel)
}

/// Whether an address without a mark is on a device with our record, as on kernels that keep no marks.
pub(crate) fn on_device_of_ours(observed: &Observed, address: &Address) -> bool {
    let link = observed.links.named(&address.device);
    address.origin == Origin::UNKNOWN && link.is_some_and(|link| matches!(Record::of(link), Ok(Some(_))))
}

/// Whether a setting is what [`plan`] makes it.
pub(crate) fn is_as_we_set_it(sysctl: &Sysctl, found: &Value) -> bool {
    let set = match sysctl {
        Sysctl::Ipv4Conf(_, Ipv4Conf::ArpIgnore) => 1,
        Sysctl::Ipv4Conf(_, Ipv4Conf::ArpAnnounce) => 2,
        _ => 0,
    };
    *found == Value::from(set)
}

#[cfg(test)]
pub(crate) mod tests;
