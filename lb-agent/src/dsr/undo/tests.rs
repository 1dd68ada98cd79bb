//! Tests of taking back: tables, and that afterwards everything is as it was.

use lb_netlink::Origin;
use lb_netlink::sysctl::{Conf, Ipv4Conf};
use lb_netlink::tunnel::TunnelKind;
use proptest::prelude::*;

use super::*;
use crate::dsr::plan::tests::{ALL, cases};
use crate::dsr::world::{World, address, device, wanted};

fn lines(plan: &Plan) -> Vec<String> {
    plan.commands.iter().map(ToString::to_string).collect()
}

#[test]
fn all_is_taken_back_vips_first_and_records_last() {
    let mut world = World::new(&ALL[..1]);
    let mut both = wanted(&["203.0.113.10", "2001:db8::1"]);
    both.gue = 6080.try_into().ok();
    world.apply(&world.plan(&both).unwrap().commands);
    assert_eq!(
        lines(&world.undo(&wanted(&[]))),
        [
            "ip address del 203.0.113.10/32 dev tunl0",
            "ip address del 2001:db8::1/128 dev ip6tnl0",
            "ip link set dev ip6tnl0 down",
            "ip link set dev tunl0 down",
            "ip fou del port 6080 gue",
            "ip fou del port 6080 gue -6",
            "sysctl -w net.ipv4.conf.all.arp_announce=0",
            "sysctl -w net.ipv4.conf.all.arp_ignore=0",
            "sysctl -w net.ipv4.conf.all.rp_filter=1",
            "sysctl -w net.ipv4.conf.tunl0.rp_filter=1",
            "ip link set dev ip6tnl0 alias ''",
            "ip link del dev ip6tnl0",
            "ip link set dev tunl0 alias ''",
        ]
    );
}

#[test]
fn some_vips_alone_leave_the_rest() {
    let mut world = World::new(&ALL);
    world.apply(&world.plan(&wanted(&["203.0.113.10", "203.0.113.11"])).unwrap().commands);
    let plan = world.undo(&wanted(&["203.0.113.10"]));
    assert_eq!(lines(&plan), ["ip address del 203.0.113.10/32 dev tunl0"]);
    world.apply(&plan.commands);
    let last = world.undo(&wanted(&["203.0.113.11"]));
    assert_eq!(
        last.commands.last().map(ToString::to_string).as_deref(),
        Some("ip link set dev tunl0 alias ''")
    );
}

#[test]
fn nothing_is_undone_twice_or_without_a_trace() {
    let mut world = World::new(&ALL);
    assert_eq!(world.undo(&wanted(&[])), Plan::default());
    world.observed.addresses.push(address("203.0.113.10/32", "tunl0"));
    assert_eq!(world.undo(&wanted(&["203.0.113.10"])), Plan::default(), "somebody else added it");
}

#[test]
fn what_others_added_or_changed_since_stays_and_is_told() {
    let mut world = World::new(&ALL);
    world.apply(&world.plan(&wanted(&["203.0.113.10"])).unwrap().commands);
    let changed = Sysctl::Ipv4Conf(Conf::All, Ipv4Conf::RpFilter);
    world.settings.insert(changed.clone(), 2.into());
    let plan = world.undo(&wanted(&[]));
    assert_eq!(plan.notes, [Note::SettingChanged { setting: changed, found: 2.into() }]);
    assert!(!lines(&plan).iter().any(|line| line.contains("all.rp_filter")), "{plan:?}");

    let foreign = address("192.0.2.77/32", "tunl0");
    world.observed.addresses.push(foreign.clone());
    let plan = world.undo(&wanted(&[]));
    assert_eq!(lines(&plan), ["ip address del 203.0.113.10/32 dev tunl0"]);
    let note = Note::DeviceInUse { device: device("tunl0"), address: foreign.prefix };
    assert_eq!(plan.notes, [note]);
}

#[test]
fn a_kernel_without_marks_has_to_be_told_the_vips() {
    let mut world = World::new(&ALL);
    let vip = wanted(&["203.0.113.10"]);
    world.apply(&world.plan(&vip).unwrap().commands);
    for address in &mut world.observed.addresses {
        address.origin = Origin::UNKNOWN;
    }
    assert_eq!(world.plan(&vip).unwrap(), Plan::default(), "it is there and ours");
    assert_eq!(world.undo(&wanted(&[])).commands, []);
    let commands = lines(&world.undo(&vip));
    assert_eq!(commands.first().map(String::as_str), Some("ip address del 203.0.113.10/32 dev tunl0"));
    assert_eq!(commands.last().map(String::as_str), Some("ip link set dev tunl0 alias ''"));
}

#[test]
fn a_device_that_was_made_is_removed() {
    let mut world = World::new(&ALL);
    let mut v4_in_v6 = wanted(&["203.0.113.10"]);
    v4_in_v6.outer = [lb_netlink::tunnel::Family::V6].into();
    let before = world.clone();
    world.apply(&world.plan(&v4_in_v6).unwrap().commands);
    let tunnel = world.observed.links.named(&device("overspill6")).unwrap().tunnel.as_ref().unwrap();
    assert_eq!(tunnel.kind, TunnelKind::Ip6Tnl);
    let plan = world.undo(&wanted(&[]));
    assert_eq!(plan.commands.last().map(ToString::to_string).as_deref(), Some("ip link del dev overspill6"));
    world.apply(&plan.commands);
    assert_eq!(world, before);
}

proptest! {
    /// Whatever was done, in however many runs, taking it back leaves what was there before.
    #[test]
    fn afterwards_all_is_as_it_was((before, wishes) in cases()) {
        let mut world = before.clone();
        for wanted in &wishes {
            world.apply(&world.plan(wanted).unwrap().commands);
        }
        world.apply(&world.undo(&wanted(&[])).commands);
        world.apply(&world.undo(&wanted(&[])).commands);
        let foreign = before.observed.addresses.iter().any(|address| address.prefix.to_string() == "192.0.2.77/32");
        if foreign {
            // its device stays as it is, and with it the record
            for address in &before.observed.addresses {
                prop_assert!(world.observed.addresses.contains(address));
            }
        } else {
            prop_assert_eq!(world, before);
        }
    }
}
