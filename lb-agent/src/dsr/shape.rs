//! Which tunnel device each VIP needs: a function of the VIPs, the devices and the pod's addresses.
//!
//! A device takes one pair of families, inner and outer (the table is in
//! [`lb_netlink::tunnel`]). The default devices cost the kernel least, since an
//! external one makes it remember the outer header of every packet; so a device
//! is made only where no default one takes the pair.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::num::NonZeroU16;

use lb_netlink::Origin;
use lb_netlink::address::{Address, Scope};
use lb_netlink::link::{DeviceName, Link};
use lb_netlink::tunnel::{Family, Tunnel, TunnelKind};

use super::plan::{Observed, PlanError};

/// What the command line and the file ask for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Wanted {
    pub(crate) vips: BTreeSet<IpAddr>,
    /// Whether VIPs of ours that are not among them are removed.
    pub(crate) exclusive: bool,
    /// The families in which L4 nodes reach us; none: found out for each VIP.
    pub(crate) outer: BTreeSet<Family>,
    /// Devices by name, and for which kind if that was said.
    pub(crate) devices: Vec<(Option<TunnelKind>, DeviceName)>,
    pub(crate) gue: Option<NonZeroU16>,
    pub(crate) mtu: Option<u32>,
}

/// The devices and where the VIPs are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Shape {
    /// One per kind.
    pub(crate) devices: BTreeMap<TunnelKind, Device>,
    /// The device that has the VIP; packets may come through others as well.
    pub(crate) vips: BTreeMap<IpAddr, DeviceName>,
}

/// A device that is used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Device {
    pub(crate) name: DeviceName,
    /// What to make; none if it is there.
    pub(crate) make: Option<Tunnel>,
    /// The families of VIPs whose packets it takes out.
    pub(crate) inner: BTreeSet<Family>,
}

/// The device that is made for a kind whose default device does not take what is needed.
fn own_device(kind: TunnelKind) -> DeviceName {
    let name = match kind {
        TunnelKind::IpIp => "overspill4",
        TunnelKind::Ip6Tnl => "overspill6",
        // a second device that takes packets from anybody cannot be of this kind
        TunnelKind::Sit => kind.default_device(),
    };
    name.parse().expect("it is short and has letters and digits alone")
}

/// Chooses the devices.
pub(crate) fn choose(observed: &Observed, wanted: &Wanted) -> Result<Shape, PlanError> {
    let mut needed: BTreeMap<TunnelKind, BTreeSet<Family>> = BTreeMap::new();
    let mut first: BTreeMap<IpAddr, TunnelKind> = BTreeMap::new();
    for vip in &wanted.vips {
        let inner = Family::of(*vip);
        for outer in outer_families(observed, wanted, *vip)? {
            let kind = TunnelKind::for_families(inner, outer);
            needed.entry(kind).or_default().insert(inner);
            first.entry(*vip).or_insert(kind);
        }
    }
    let named = named(wanted, &needed)?;
    let mut shape = Shape::default();
    for (kind, inner) in needed {
        let device = match named.get(&kind) {
            Some(name) => by_name(observed, kind, name, inner)?,
            None => by_default(observed, kind, inner),
        };
        shape.devices.insert(kind, device);
    }
    shape.vips = first.into_iter().map(|(vip, kind)| (vip, shape.devices[&kind].name.clone())).collect();
    Ok(shape)
}

/// In which families packets for a VIP come.
fn outer_families(observed: &Observed, wanted: &Wanted, vip: IpAddr) -> Result<Vec<Family>, PlanError> {
    if !wanted.outer.is_empty() {
        let mut families: Vec<Family> = wanted.outer.iter().copied().collect();
        // the VIP's own first: that device gets the VIP
        families.sort_by_key(|family| *family != Family::of(vip));
        return Ok(families);
    }
    let own = Family::of(vip);
    let other = if own == Family::V4 { Family::V6 } else { Family::V4 };
    let reached = |family: &Family| pod_address(observed, *family).is_some();
    let found = [own, other].into_iter().find(reached);
    found.map(|family| vec![family]).ok_or(PlanError::NoOuterAddress { vip })
}

/// An address at which others reach this pod.
fn pod_address(observed: &Observed, family: Family) -> Option<&Address> {
    let usable = |address: &&Address| {
        let link = observed.links.named(&address.device);
        let reachable = link.is_some_and(|link| link.up && !link.loopback && link.tunnel.is_none());
        let plain = address.origin != Origin::OVERSPILL && !address.deprecated;
        address.family() == family && address.scope == Scope::Global && reachable && plain
    };
    observed.addresses.iter().find(usable)
}

/// The devices that were named, by kind.
fn named(
    wanted: &Wanted,
    needed: &BTreeMap<TunnelKind, BTreeSet<Family>>,
) -> Result<BTreeMap<TunnelKind, DeviceName>, PlanError> {
    let mut named = BTreeMap::new();
    for (kind, name) in &wanted.devices {
        let kinds = || needed.keys().copied().collect::<Vec<_>>();
        let kind = match (kind, kinds().as_slice()) {
            // a file may need it later
            (Some(kind), _) if !needed.contains_key(kind) && wanted.exclusive => continue,
            (Some(kind), _) if !needed.contains_key(kind) => {
                return Err(PlanError::DeviceUnneeded { name: name.clone(), kind: *kind, kinds: kinds() });
            }
            (Some(kind), _) => *kind,
            (None, []) => continue,
            (None, [only]) => *only,
            (None, _) => return Err(PlanError::DeviceWithoutKind { name: name.clone(), kinds: kinds() }),
        };
        if let Some(other) = named.insert(kind, name.clone()) {
            return Err(PlanError::DeviceTwice { kind, names: [other, name.clone()] });
        }
    }
    Ok(named)
}

/// A device that was named: the one that is there, or one to be made.
fn by_name(
    observed: &Observed,
    kind: TunnelKind,
    name: &DeviceName,
    inner: BTreeSet<Family>,
) -> Result<Device, PlanError> {
    let local = pod_address(observed, kind.outer()).map(|address| address.prefix.addr());
    let Some(link) = observed.links.named(name) else {
        let is_default = name.as_str() == kind.default_device();
        let make = match kind {
            // no external device exists of this kind, and only the default one takes packets to any address
            TunnelKind::Sit if !is_default => Tunnel::between(kind, local, None),
            _ if is_default => Tunnel::between(kind, None, None),
            _ => Tunnel::external(kind),
        };
        return Ok(Device { name: name.clone(), make: Some(make), inner });
    };
    let Some(tunnel) = link.tunnel.as_ref().filter(|tunnel| tunnel.kind == kind) else {
        let found = link.kind.clone();
        return Err(PlanError::DeviceOfOtherKind { name: name.clone(), kind, found });
    };
    match inner.iter().find(|inner| !tunnel.receives(**inner, local)) {
        Some(inner) => {
            Err(PlanError::DeviceTakesOther { name: name.clone(), inner: *inner, tunnel: tunnel.clone() })
        }
        None => Ok(Device { name: name.clone(), make: None, inner }),
    }
}

/// The device of ours, if it is there; else the default one, if it takes what is needed; else one to be made.
fn by_default(observed: &Observed, kind: TunnelKind, inner: BTreeSet<Family>) -> Device {
    let own = own_device(kind);
    let default: DeviceName = kind.default_device().parse().expect("a kernel's name is a name");
    let takes = |link: &&Link| {
        let tunnel = link.tunnel.as_ref().filter(|tunnel| tunnel.kind == kind);
        tunnel.is_some_and(|tunnel| inner.iter().all(|inner| tunnel.receives(*inner, None)))
    };
    let there = [&own, &default].into_iter().filter_map(|name| observed.links.named(name)).find(takes);
    if let Some(link) = there {
        return Device { name: link.name.clone(), make: None, inner };
    }
    let by_default = kind != TunnelKind::Ip6Tnl || !inner.contains(&Family::V4);
    // a default device that is there and does not take it was seen above
    if by_default && observed.links.named(&default).is_none() {
        return Device { name: default, make: Some(Tunnel::between(kind, None, None)), inner };
    }
    Device { name: own, make: Some(Tunnel::external(kind)), inner }
}

#[cfg(test)]
mod tests;
