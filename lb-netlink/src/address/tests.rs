//! Tests of addresses: requests against what `ip` sends, reading back, and the plan as a table.

use netlink_packet_route::link::{LinkAttribute, LinkMessage};
use proptest::prelude::*;

use super::*;
use crate::network::golden;

fn links() -> Links {
    let link = |index, name: &str| {
        let mut message = LinkMessage::default();
        message.header.index = index;
        message.attributes.push(LinkAttribute::IfName(name.to_owned()));
        RouteNetlinkMessage::NewLink(message)
    };
    Links::from_messages(&[link(1, "lo"), link(2, "eth0")])
}

fn vip(address: &str) -> Address {
    Address::virtual_ip(address.parse().unwrap(), DeviceName::loopback())
}

#[test]
fn a_virtual_ip_is_what_ip_sends() {
    // ip addr add 203.0.113.10/32 dev lo scope host
    let v4 = "28000000140005067176076b00000000 022000fe0100000008000200cb00710a 08000100cb00710a";
    // ip addr add 2001:db8::1/128 dev lo nodad noprefixroute preferred_lft 0
    let v6 = "5c000000140005067176076b00000000 0a8000000100000014000200 20010db8000000000000000000000001
              0800080002020000 14000100 20010db8000000000000000000000001 14000600 00000000ffffffff0000000000000000";
    // iproute2 6.1 cannot say `proto`
    for (address, captured) in [("203.0.113.10", v4), ("2001:db8::1", v6)] {
        let unmarked = Address { origin: Origin::UNKNOWN, ..vip(address) };
        assert_eq!(golden::only_in_ip(&unmarked.add_message(1), captured), Vec::<String>::new());
    }
    let RouteNetlinkMessage::NewAddress(marked) = vip("203.0.113.10").add_message(1) else { panic!() };
    assert!(marked.attributes.contains(&AddressAttribute::Protocol(AddressProtocol::Other(79))));
}

#[test]
fn removing_is_what_ip_sends() {
    // ip addr del 203.0.113.10/32 dev lo
    let captured = "28000000150005007176076b00000000 022000000100000008000200cb00710a 08000100cb00710a";
    let unscoped = Address { scope: Scope::Global, ..vip("203.0.113.10") };
    assert_eq!(golden::only_in_ip(&unscoped.delete_message(1), captured), Vec::<String>::new());
}

/// What is there, what is wanted, and the commands.
type Case<'a> = (&'a str, Vec<Address>, Vec<Address>, &'a [&'a str]);

#[test]
fn the_plan_adds_what_is_missing_and_removes_what_is_ours() {
    let foreign = |address: &str| Address { origin: Origin::UNKNOWN, ..vip(address) };
    let elsewhere = |address: &str| Address { device: "eth0".parse().unwrap(), ..vip(address) };
    let owned = |address: &Address| address.origin == Origin::OVERSPILL && address.device.as_str() == "lo";
    let cases: [Case<'_>; 7] = [
        ("nothing", vec![], vec![], &[]),
        (
            "from empty",
            vec![],
            vec![vip("203.0.113.10"), vip("2001:db8::1")],
            &[
                "ip address add 203.0.113.10/32 dev lo scope host proto 79",
                "ip address add 2001:db8::1/128 dev lo nodad noprefixroute preferred_lft 0 proto 79",
            ],
        ),
        ("already so", vec![vip("203.0.113.10")], vec![vip("203.0.113.10")], &[]),
        ("added by somebody else", vec![foreign("203.0.113.10")], vec![vip("203.0.113.10")], &[]),
        (
            "somebody else's stays",
            vec![foreign("127.0.0.1"), vip("203.0.113.10"), elsewhere("203.0.113.11")],
            vec![],
            &["ip address del 203.0.113.10/32 dev lo"],
        ),
        (
            "on another device does not count",
            vec![elsewhere("203.0.113.10")],
            vec![vip("203.0.113.10")],
            &["ip address add 203.0.113.10/32 dev lo scope host proto 79"],
        ),
        (
            "wanted twice",
            vec![],
            vec![vip("203.0.113.10"), vip("203.0.113.10")],
            &["ip address add 203.0.113.10/32 dev lo scope host proto 79"],
        ),
    ];
    for (case, observed, wanted, expected) in cases {
        let commands: Vec<String> = plan(&observed, &wanted, owned).iter().map(ToString::to_string).collect();
        assert_eq!(commands, expected, "{case}");
    }
}

fn addresses() -> impl Strategy<Value = Address> {
    let prefix = any::<IpAddr>().prop_flat_map(|address| {
        let longest = if address.is_ipv4() { 32 } else { 128 };
        (0_u8..=longest).prop_map(move |length| IpNet::new(address, length).unwrap())
    });
    let device = prop_oneof![Just("lo"), Just("eth0")];
    (prefix, device, any::<u8>(), any::<bool>(), any::<u8>()).prop_map(
        |(prefix, device, scope, deprecated, origin)| Address {
            device: device.parse().unwrap(),
            prefix,
            scope: Scope::from_number(scope),
            deprecated,
            origin: Origin(origin),
        },
    )
}

proptest! {
    #[test]
    fn what_is_added_is_what_is_read(address in addresses()) {
        let links = links();
        let index = links.named(&address.device).unwrap().index;
        let read = Address::from_messages([&golden::again(&address.add_message(index))], &links);
        // the kernel sets the flag from the lifetime
        let expected = Address { deprecated: false, ..address };
        prop_assert_eq!(read, [expected]);
    }

    /// After the commands of a plan, a plan has nothing to do; and foreign addresses are all there.
    #[test]
    fn a_plan_is_enough_and_spares_others(
        observed in proptest::collection::vec(addresses(), 0..6),
        wanted in proptest::collection::vec(addresses(), 0..6),
    ) {
        let owned = |address: &Address| address.origin.0 < 128;
        let mut present = observed.clone();
        for command in plan(&observed, &wanted, owned) {
            match command {
                crate::network::Command::AddAddress(address) => present.push(address),
                crate::network::Command::RemoveAddress(address) => {
                    prop_assert!(owned(&address));
                    present.retain(|other| *other != address);
                }
                other => prop_assert!(false, "unexpected {}", other),
            }
        }
        prop_assert_eq!(plan(&present, &wanted, owned), []);
        for address in observed.iter().filter(|address| !owned(address)) {
            prop_assert!(present.contains(address));
        }
    }
}
