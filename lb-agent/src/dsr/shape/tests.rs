//! Tests of which device a VIP gets: a table over families, what is there, and what was asked for.

use super::*;
use crate::dsr::world::{World, address, device, wanted};

const ALL: [TunnelKind; 3] = [TunnelKind::IpIp, TunnelKind::Ip6Tnl, TunnelKind::Sit];

/// The shape in words: `VIP on DEVICE`, then `make DEVICE`, in order.
fn words(shape: &Shape) -> Vec<String> {
    let vips = shape.vips.iter().map(|(vip, device)| format!("{vip} on {device}"));
    let made = shape.devices.values().filter_map(|device| {
        let tunnel = device.make.as_ref()?;
        Some(format!("make {} {tunnel}", device.name))
    });
    vips.chain(made).collect()
}

#[test]
fn each_vip_gets_a_device_of_its_pair_of_families() {
    let only = |world: &World, prefixes: &[&str]| {
        let mut world = world.clone();
        world.observed.addresses = prefixes.iter().map(|prefix| address(prefix, "eth0")).collect();
        world
    };
    let outer = |families: &[Family], vips: &[&str]| Wanted {
        outer: families.iter().copied().collect(),
        ..wanted(vips)
    };
    let full = World::new(&ALL);
    let v4_only = only(&full, &["10.1.0.5/24"]);
    let v6_only = only(&full, &["2001:db8:1::5/64"]);
    let none = World::new(&[]);
    let both = ["203.0.113.10", "2001:db8::1"];
    let cases: [(&str, &World, Wanted, &[&str]); 9] = [
        ("by own family", &full, wanted(&both), &["203.0.113.10 on tunl0", "2001:db8::1 on ip6tnl0"]),
        ("a pod with IPv4 alone", &v4_only, wanted(&both), &["203.0.113.10 on tunl0", "2001:db8::1 on sit0"]),
        (
            "a pod with IPv6 alone",
            &v6_only,
            wanted(&both),
            &[
                "203.0.113.10 on overspill6",
                "2001:db8::1 on overspill6",
                "make overspill6 type ip6tnl mode any external",
            ],
        ),
        ("IPv6 in IPv6 needs nothing made", &v6_only, wanted(&both[1..]), &["2001:db8::1 on ip6tnl0"]),
        ("asked for", &full, outer(&[Family::V4], &both[1..]), &["2001:db8::1 on sit0"]),
        ("asked for both", &full, outer(&[Family::V4, Family::V6], &both[1..]), &["2001:db8::1 on ip6tnl0"]),
        (
            "no module is loaded",
            &none,
            wanted(&both),
            &[
                "203.0.113.10 on tunl0",
                "2001:db8::1 on ip6tnl0",
                "make tunl0 type ipip mode ipip ttl 64",
                "make ip6tnl0 type ip6tnl mode any hoplimit 64 encaplimit none",
            ],
        ),
        (
            "no module is loaded, IPv4 in IPv6",
            &none,
            outer(&[Family::V6], &both[..1]),
            &["203.0.113.10 on overspill6", "make overspill6 type ip6tnl mode any external"],
        ),
        (
            "no module is loaded, IPv6 in IPv4",
            &none,
            outer(&[Family::V4], &both[1..]),
            &["2001:db8::1 on sit0", "make sit0 type sit mode ip6ip ttl 64"],
        ),
    ];
    for (case, world, wanted, expected) in cases {
        assert_eq!(words(&choose(&world.observed, &wanted).unwrap()), expected, "{case}");
    }
}

#[test]
fn the_device_that_was_made_before_is_used_again() {
    let mut world = World::new(&ALL);
    world.add_link("overspill6", Some(Tunnel::external(TunnelKind::Ip6Tnl)));
    let shape = choose(&world.observed, &wanted(&["2001:db8::1"])).unwrap();
    assert_eq!(words(&shape), ["2001:db8::1 on overspill6"]);
}

#[test]
fn a_named_device_is_used_or_made() {
    let mut world = World::new(&ALL);
    world.add_link("tun-a", Some(Tunnel::between(TunnelKind::IpIp, "10.1.0.5".parse().ok(), None)));
    let named = |kind: Option<TunnelKind>, name: &str, vips: &[&str]| Wanted {
        devices: vec![(kind, device(name))],
        ..wanted(vips)
    };
    let cases: [(Wanted, &[&str]); 4] = [
        (named(None, "tun-a", &["203.0.113.10"]), &["203.0.113.10 on tun-a"]),
        (
            named(None, "new", &["203.0.113.10"]),
            &["203.0.113.10 on new", "make new type ipip mode ipip external"],
        ),
        (
            named(Some(TunnelKind::IpIp), "new", &["203.0.113.10", "2001:db8::1"]),
            &["203.0.113.10 on new", "2001:db8::1 on ip6tnl0", "make new type ipip mode ipip external"],
        ),
        (
            Wanted { outer: [Family::V4].into(), ..named(None, "new", &["2001:db8::1"]) },
            // no second device of the kind takes packets to every address
            &["2001:db8::1 on new", "make new type sit mode ip6ip local 10.1.0.5 ttl 64"],
        ),
    ];
    for (wanted, expected) in cases {
        assert_eq!(words(&choose(&world.observed, &wanted).unwrap()), expected, "{wanted:?}");
    }
}

#[test]
fn what_cannot_be_met_is_said() {
    let mut world = World::new(&ALL);
    world.add_link("to-one", Some(Tunnel::between(TunnelKind::IpIp, None, "10.0.0.11".parse().ok())));
    let named = |devices: &[(Option<TunnelKind>, &str)], vips: &[&str]| Wanted {
        devices: devices.iter().map(|(kind, name)| (*kind, device(name))).collect(),
        ..wanted(vips)
    };
    let both = ["203.0.113.10", "2001:db8::1"];
    let cases = [
        (named(&[(None, "eth0")], &both[..1]), "--device eth0: is no ipip device but hardware; name another"),
        (named(&[(None, "sit0")], &both[..1]), "--device sit0: is no ipip device but sit; name another"),
        (
            named(&[(None, "to-one")], &both[..1]),
            "--device to-one: does not take IPv4 from every L4 node (type ipip mode ipip remote 10.0.0.11 ttl 64); \
             name another",
        ),
        (
            named(&[(None, "new")], &both),
            "--device new: these VIPs need ipip and ip6tnl; say which one it is, as in ipip=new",
        ),
        (
            named(&[(Some(TunnelKind::Sit), "sit0")], &both),
            "--device sit=sit0: no VIP needs that kind, but ipip and ip6tnl",
        ),
        (
            named(&[(None, "one"), (Some(TunnelKind::IpIp), "two")], &both[..1]),
            "--device one and two are both ipip; name one",
        ),
    ];
    for (wanted, text) in cases {
        assert_eq!(choose(&world.observed, &wanted).unwrap_err().to_string(), text);
    }
    world.observed.addresses.retain(|address| address.device.as_str() == "lo");
    let error = choose(&world.observed, &wanted(&both)).unwrap_err();
    assert_eq!(error, PlanError::NoOuterAddress { vip: "203.0.113.10".parse().unwrap() });
}

#[test]
fn a_named_device_that_a_watched_file_needs_not_yet_is_no_mistake() {
    let world = World::new(&ALL);
    let devices = vec![(Some(TunnelKind::Sit), device("sit0"))];
    let wanted = Wanted { devices, exclusive: true, ..wanted(&["203.0.113.10"]) };
    assert_eq!(words(&choose(&world.observed, &wanted).unwrap()), ["203.0.113.10 on tunl0"]);
}
