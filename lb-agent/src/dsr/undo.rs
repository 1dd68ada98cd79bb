//! What to do so that nothing of ours is left: a function of what is there.
//!
//! The VIPs go first; if no VIP of ours stays, the rest goes too, and the records
//! last, so that what a crash left undone is found by the next run. What somebody
//! else added or changed since stays, and is told.

use std::collections::BTreeMap;

use ipnet::IpNet;
use lb_netlink::Origin;
use lb_netlink::address::{Address, Scope};
use lb_netlink::link::{Link, LinkSettings};
use lb_netlink::network::Command;
use lb_netlink::sysctl::{Sysctl, Value};

use super::plan::{Note, Observed, Plan, is_as_we_set_it, on_device_of_ours, ours};
use super::record::Record;
use super::shape::Wanted;

/// The commands that take back what was added; with VIPs in `wanted`, only those.
pub(crate) fn plan(observed: &Observed, setting: impl Fn(&Sysctl) -> Option<Value>, wanted: &Wanted) -> Plan {
    let named = |address: &&Address| wanted.vips.contains(&address.prefix.addr());
    let unmarked =
        observed.addresses.iter().filter(|address| on_device_of_ours(observed, address)).filter(named);
    let mine: Vec<&Address> = ours(observed).collect();
    let removed: Vec<&Address> = mine
        .iter()
        .copied()
        .filter(|address| wanted.vips.is_empty() || named(address))
        .chain(unmarked)
        .collect();
    let mut plan = Plan::default();
    plan.commands.extend(removed.iter().map(|address| Command::RemoveAddress((*address).clone())));
    if mine.iter().all(|address| removed.contains(address)) {
        let stays = |address: &&Address| !removed.contains(address);
        let rest: Vec<&Address> = observed.addresses.iter().filter(stays).collect();
        take_back_the_rest(observed, &rest, setting, &mut plan);
    }
    plan
}

fn take_back_the_rest(
    observed: &Observed,
    rest: &[&Address],
    setting: impl Fn(&Sysctl) -> Option<Value>,
    plan: &mut Plan,
) {
    let recorded: BTreeMap<_, (&Link, Record)> = observed
        .links
        .iter()
        .filter_map(|link| Some((link.name.clone(), (link, Record::of(link).ok()??))))
        .collect();
    let mut lasts = Vec::new();
    for (link, record) in recorded.values() {
        let foreign = rest.iter().find(|address| address.device == link.name && !is_the_kernels(address));
        if let Some(address) = foreign {
            plan.notes.push(Note::DeviceInUse { device: link.name.clone(), address: address.prefix });
            continue;
        }
        let settings =
            LinkSettings { up: (record.made || record.down).then_some(false), mtu: record.mtu, alias: None };
        let settings = settings.missing_in(link);
        if !settings.is_empty() {
            plan.commands.push(Command::SetLink(link.name.clone(), settings));
        }
        let open = record.ports.iter().filter(|port| observed.ports.contains(port));
        plan.commands.extend(open.map(|port| Command::ClosePort(*port)));
        for (sysctl, before) in &record.settings {
            match setting(sysctl) {
                Some(found) if found == *before => {}
                Some(found) if !is_as_we_set_it(sysctl, &found) => {
                    plan.notes.push(Note::SettingChanged { setting: sysctl.clone(), found });
                }
                Some(_) => plan.commands.push(Command::SetSysctl(sysctl.clone(), before.clone())),
                None => {}
            }
        }
        let default = link.tunnel.as_ref().map(|tunnel| tunnel.kind.default_device());
        if !record.made || default == Some(link.name.as_str()) {
            let forget = LinkSettings { alias: Some(String::new()), ..LinkSettings::default() };
            lasts.push(Command::SetLink(link.name.clone(), forget));
        }
        if record.made {
            // of a default device that its module made, the kernel takes this and does nothing
            lasts.push(Command::RemoveLink(link.name.clone()));
        }
    }
    plan.commands.extend(lasts);
}

/// Whether the kernel gave a tunnel device the address by itself when it came up: a link-local
/// one, and on `sit` one for each IPv4 address (`::10.1.0.5/96`). They go when it goes down.
fn is_the_kernels(address: &Address) -> bool {
    let compatible = match address.prefix {
        IpNet::V6(prefix) => prefix.addr().segments()[..6] == [0; 6],
        IpNet::V4(_) => false,
    };
    address.scope == Scope::Link || (compatible && address.origin == Origin::UNKNOWN)
}

#[cfg(test)]
mod tests;
