//! Tests of the plan: tables of commands, and that plans do what they say on a pod in memory.

use proptest::prelude::*;

use super::*;
use crate::dsr::world::{World, address, device, wanted};

pub(crate) const ALL: [TunnelKind; 3] = [TunnelKind::IpIp, TunnelKind::Ip6Tnl, TunnelKind::Sit];

fn lines(plan: &Plan) -> Vec<String> {
    plan.commands.iter().map(ToString::to_string).collect()
}

#[test]
fn a_fresh_pod_gets_all_in_a_safe_order() {
    let plan = World::new(&ALL).plan(&wanted(&["203.0.113.10", "2001:db8::1"])).unwrap();
    assert_eq!(
        lines(&plan),
        [
            "ip link set dev tunl0 alias 'overspill dsr: down all.rp_filter=1 all.arp_ignore=0 all.arp_announce=0 \
             rp_filter=1'"
                .replace("all.rp_filter=1 all.arp_ignore=0 all.arp_announce=0", ORDER),
            "ip link set dev ip6tnl0 alias 'overspill dsr: down'".to_owned(),
            "sysctl -w net.ipv4.conf.all.rp_filter=0".to_owned(),
            "sysctl -w net.ipv4.conf.all.arp_ignore=1".to_owned(),
            "sysctl -w net.ipv4.conf.all.arp_announce=2".to_owned(),
            "sysctl -w net.ipv4.conf.tunl0.rp_filter=0".to_owned(),
            "ip link set dev tunl0 up".to_owned(),
            "ip link set dev ip6tnl0 up".to_owned(),
            "ip address add 203.0.113.10/32 dev tunl0 scope host proto 79".to_owned(),
            "ip address add 2001:db8::1/128 dev ip6tnl0 nodad noprefixroute preferred_lft 0 proto 79".to_owned(),
        ]
    );
    assert_eq!(plan.notes, []);
}

/// The order of settings in a record is that of their names.
const ORDER: &str = "all.arp_announce=0 all.arp_ignore=0 all.rp_filter=1";

#[test]
fn a_pod_without_modules_gets_devices_made_first() {
    let mut wanted = wanted(&["203.0.113.10"]);
    (wanted.gue, wanted.mtu) = (6080.try_into().ok(), Some(1400));
    wanted.outer = [Family::V6].into();
    let mut world = World::new(&[]);
    for (_, value) in world.settings.iter_mut() {
        *value = 0.into();
    }
    assert_eq!(
        lines(&world.plan(&wanted).unwrap()),
        [
            "ip link add name overspill6 type ip6tnl mode any external",
            "ip link set dev overspill6 alias 'overspill dsr: made all.arp_announce=0 all.arp_ignore=0 gue6=6080'",
            "sysctl -w net.ipv4.conf.all.arp_ignore=1",
            "sysctl -w net.ipv4.conf.all.arp_announce=2",
            "ip fou add port 6080 gue -6",
            "ip link set dev overspill6 up mtu 1400",
            "ip address add 203.0.113.10/32 dev overspill6 scope host proto 79",
        ]
    );
}

#[test]
fn what_is_so_already_is_left_and_what_others_did_is_told() {
    let vip = wanted(&["203.0.113.10"]);
    let mut done = World::new(&ALL);
    done.apply(&done.plan(&vip).unwrap().commands);
    assert_eq!(done.plan(&vip), Ok(Plan::default()));

    let mut foreign = World::new(&ALL);
    foreign.observed.addresses.push(address("203.0.113.10/32", "lo"));
    let plan = foreign.plan(&vip).unwrap();
    let note = Note::ForeignVip { vip: "203.0.113.10".parse().unwrap(), device: device("lo") };
    assert_eq!(plan.notes, [note]);
    assert!(!lines(&plan).iter().any(|line| line.starts_with("ip address")), "{plan:?}");

    // a larger arp_ignore is as good
    let mut strict = World::new(&ALL);
    for (name, number) in [(Ipv4Conf::ArpIgnore, 8), (Ipv4Conf::RpFilter, 0)] {
        strict.settings.insert(Sysctl::Ipv4Conf(Conf::All, name), number.into());
    }
    let commands = lines(&strict.plan(&vip).unwrap());
    assert!(!commands.iter().any(|line| line.contains("arp_ignore") || line.contains("all.rp_filter")));

    let mut marked = World::new(&ALL);
    marked.edit(&device("tunl0"), |link| link.alias = Some("uplink".to_owned()));
    let taken = PlanError::AliasTaken { device: device("tunl0"), alias: "uplink".to_owned() };
    assert_eq!(marked.plan(&vip), Err(taken));
}

#[test]
fn a_device_that_others_keep_up_is_used_without_becoming_ours() {
    let mut world = World::new(&ALL);
    world.edit(&device("tunl0"), |link| (link.up, link.alias) = (true, Some("calico".to_owned())));
    for conf in [Conf::All, Conf::Device(device("tunl0"))] {
        world.settings.insert(Sysctl::Ipv4Conf(conf.clone(), Ipv4Conf::RpFilter), 0.into());
        world.settings.insert(Sysctl::Ipv4Conf(conf.clone(), Ipv4Conf::ArpIgnore), 1.into());
        world.settings.insert(Sysctl::Ipv4Conf(conf, Ipv4Conf::ArpAnnounce), 2.into());
    }
    let before = world.clone();
    let commands = world.plan(&wanted(&["203.0.113.10"])).unwrap().commands;
    assert_eq!(commands.len(), 1, "the VIP alone: {commands:?}");
    world.apply(&commands);
    world.apply(&world.undo(&wanted(&[])).commands);
    assert_eq!(world, before);
}

#[test]
fn vips_stay_unless_a_file_says_which_there_are() {
    let mut world = World::new(&ALL);
    world.apply(&world.plan(&wanted(&["203.0.113.10"])).unwrap().commands);
    let other = wanted(&["203.0.113.11"]);
    assert_eq!(
        lines(&world.plan(&other).unwrap()),
        ["ip address add 203.0.113.11/32 dev tunl0 scope host proto 79"]
    );
    let only = Wanted { exclusive: true, ..other };
    assert_eq!(
        lines(&world.plan(&only).unwrap()),
        [
            "ip address add 203.0.113.11/32 dev tunl0 scope host proto 79",
            "ip address del 203.0.113.10/32 dev tunl0",
        ]
    );
    // a node's own VIPs, on lo, are the agent's and not this command's
    let on_lo = Address::virtual_ip("203.0.113.12".parse().unwrap(), device("lo"));
    world.observed.addresses.push(on_lo);
    let none = Wanted { exclusive: true, ..wanted(&[]) };
    assert_eq!(lines(&world.plan(&none).unwrap()), ["ip address del 203.0.113.10/32 dev tunl0"]);
}

/// Pods and wishes of all sorts that can be met.
pub(crate) fn cases() -> impl Strategy<Value = (World, Vec<Wanted>)> {
    let vips = proptest::collection::btree_set(
        prop_oneof![Just("203.0.113.10"), Just("203.0.113.11"), Just("2001:db8::1"), Just("2001:db8::2")],
        0..=4,
    );
    let outer = prop_oneof![
        Just(vec![]),
        Just(vec![Family::V4]),
        Just(vec![Family::V6]),
        Just(vec![Family::V4, Family::V6])
    ];
    let gue = proptest::option::of(Just(6080_u16.try_into().expect("not 0")));
    let one = (vips, outer, gue, proptest::option::of(1280_u32..1500), any::<bool>()).prop_map(
        |(vips, outer, gue, mtu, exclusive)| {
            let vips: Vec<&str> = vips.into_iter().collect();
            Wanted { outer: outer.into_iter().collect(), gue, mtu, exclusive, ..wanted(&vips) }
        },
    );
    let defaults = proptest::collection::btree_set(prop_oneof![Just(0), Just(1), Just(2)], 0..=3);
    let values = proptest::collection::vec(0_i64..3, 40);
    (defaults, values, any::<[bool; 2]>(), proptest::collection::vec(one, 1..4)).prop_map(
        |(defaults, values, [up, foreign], wanted)| {
            let kinds: Vec<TunnelKind> = defaults.into_iter().map(|kind| ALL[kind]).collect();
            let mut world = World::new(&kinds);
            for (value, random) in world.settings.values_mut().zip(values) {
                *value = random.into();
            }
            for name in kinds.iter().map(|kind| device(kind.default_device())) {
                world.edit(&name, |link| link.up = up);
            }
            if foreign && !kinds.is_empty() {
                let name = kinds[0].default_device();
                world.observed.addresses.push(address("192.0.2.77/32", name));
                world.edit(&device(name), |link| link.up = true);
            }
            (world, wanted)
        },
    )
}

proptest! {
    /// After a plan's commands the VIPs are there, on devices that are up, and there is nothing more to do.
    #[test]
    fn a_plan_is_enough((mut world, wishes) in cases()) {
        for wanted in &wishes {
            let plan = world.plan(wanted).unwrap();
            world.apply(&plan.commands);
            prop_assert_eq!(world.plan(wanted).unwrap().commands, []);
            for vip in &wanted.vips {
                let on = world.observed.addresses.iter().find(|address| address.prefix.addr() == *vip).unwrap();
                prop_assert!(world.observed.links.named(&on.device).unwrap().up);
            }
        }
    }

    /// A run that ends half-way is finished by the next.
    #[test]
    fn half_a_plan_is_finished_by_the_next((mut world, wishes) in cases(), part in 0.0_f64..1.0) {
        let mut whole = world.clone();
        whole.apply(&whole.plan(&wishes[0]).unwrap().commands);
        let commands = world.plan(&wishes[0]).unwrap().commands;
        let done = (commands.len() as f64 * part) as usize;
        world.apply(&commands[..done]);
        world.apply(&world.plan(&wishes[0]).unwrap().commands);
        prop_assert_eq!(world.plan(&wishes[0]).unwrap().commands, []);
        let mut vips: Vec<_> = world.observed.addresses.clone();
        let mut expected = whole.observed.addresses.clone();
        vips.sort();
        expected.sort();
        prop_assert_eq!(vips, expected);
        prop_assert_eq!(world.settings, whole.settings);
    }
}
