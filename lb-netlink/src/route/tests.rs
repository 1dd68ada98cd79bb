//! Tests of routes: requests against what `ip` sends, reading back, and the plan as a table.

use netlink_packet_route::RouteNetlinkMessage;
use netlink_packet_route::link::{LinkAttribute, LinkMessage};
use proptest::prelude::*;

use super::*;
use crate::link::Links;
use crate::network::{Command, golden};

fn links() -> Links {
    let link = |index, name: &str| {
        let mut message = LinkMessage::default();
        message.header.index = index;
        message.attributes.push(LinkAttribute::IfName(name.to_owned()));
        RouteNetlinkMessage::NewLink(message)
    };
    Links::from_messages(&[link(1, "lo"), link(2, "eth0"), link(3, "v0")])
}

fn via(gateway: &str) -> NextHop {
    NextHop::gateway(gateway.parse().unwrap())
}

fn to(destination: &str, next_hops: Vec<NextHop>) -> Route {
    Route::new(destination.parse().unwrap(), next_hops)
}

#[test]
fn routes_are_what_ip_sends() {
    let links = links();
    // ip route add 10.9.0.0/16 table 1001 metric 20 proto 79 mtu 1400
    //    nexthop via 10.0.0.3 weight 1 nexthop via 10.0.0.4 weight 3
    let several = "64000000180005067176076b00000000 02100000004f0001000000000800 0100
                   0a09000008000f00e903000008000600 140000000c0008000800020078050000
                   24000900100000000000000008000500 0a000003100000020000000008000500 0a000004";
    let route = Route {
        table: 1001,
        metric: 20,
        mtu: Some(1400),
        ..to("10.9.0.0/16", vec![via("10.0.0.3"), NextHop { weight: 3, ..via("10.0.0.4") }])
    };
    assert_eq!(golden::only_in_ip(&add_message(&route, &links).unwrap(), several), Vec::<String>::new());

    // ip route add 203.0.113.10/32 encap ip id 0 dst 10.1.0.5 ttl 64 dev v0 table 1001
    let tunnel = "5c000000180005067176076b00000000 022000000003fd010000000008000100
                  cb00710a200016800c00010000000000 00000000080002000a01000505000400
                  40f00100060015000200010008000f00 e90300000800040003000000";
    let hop = NextHop { tunnel: Some("10.1.0.5".parse().unwrap()), ..NextHop::device("v0".parse().unwrap()) };
    let route = Route { table: 1001, origin: Origin(3), ..to("203.0.113.10/32", vec![hop]) };
    let RouteNetlinkMessage::NewRoute(mut ours) = add_message(&route, &links).unwrap() else { panic!() };
    // `ip` takes the outer destination for one on the link, which matters to no tunnel
    ours.header.scope = netlink_packet_route::route::RouteScope::Link;
    let rest = golden::only_in_ip(&RouteNetlinkMessage::NewRoute(ours), tunnel);
    assert_eq!(rest.len(), 1, "the tunnel's id, which is 0 unless said: {rest:?}");

    // ip -6 route add 2001:db8:9::/48 dev v0 metric 1024 proto 79
    let v6 = "40000000180005067176076b00000000 0a300000fe4f00010000000014000100
              20010db8000900000000000000000000 08000600000400000800040003000000";
    let route = to("2001:db8:9::/48", vec![NextHop::device("v0".parse().unwrap())]);
    let rest = golden::only_in_ip(&add_message(&route, &links).unwrap(), v6);
    assert_eq!(rest, Vec::<String>::new());
}

#[test]
fn removing_is_what_ip_sends() {
    // ip route del 10.9.0.0/16 table 1001 metric 20
    let captured = "34000000190005007176076b00000000 021000000000ff000000000008000100
                    0a09000008000f00e903000008000600 14000000";
    let route = Route { table: 1001, metric: 20, origin: Origin::UNKNOWN, ..to("10.9.0.0/16", vec![]) };
    assert_eq!(golden::only_in_ip(&delete_message(&route), captured), Vec::<String>::new());
}

#[test]
fn a_device_that_is_not_there_is_named() {
    let gone: DeviceName = "gone0".parse().unwrap();
    let route = to("10.9.0.0/16", vec![NextHop::device(gone.clone()), via("10.0.0.3")]);
    assert_eq!(add_message(&route, &links()), Err(gone));
}

#[test]
fn a_route_reads_as_the_command() {
    let blackhole = Route { kind: Kind::Blackhole, table: 9, ..to("10.9.0.0/16", vec![]) };
    let onlink = NextHop { onlink: true, device: Some("eth0".parse().unwrap()), ..via("2001:db8::1") };
    let full = Route {
        source: Some("10.0.0.2".parse().unwrap()),
        advertised_mss: Some(1440),
        metric: 5,
        ..to("0.0.0.0/0", vec![onlink])
    };
    let several = to("10.9.0.0/16", vec![via("10.0.0.3"), NextHop { weight: 3, ..via("10.0.0.4") }]);
    let cases = [
        (blackhole, "blackhole 10.9.0.0/16 table 9 proto 79"),
        (full, "0.0.0.0/0 via inet6 2001:db8::1 dev eth0 onlink metric 5 proto 79 src 10.0.0.2 advmss 1440"),
        (several, "10.9.0.0/16 proto 79 nexthop via 10.0.0.3 weight 1 nexthop via 10.0.0.4 weight 3"),
    ];
    for (route, text) in cases {
        assert_eq!(route.to_string(), text);
    }
}

/// What is there, what is wanted, and the commands.
type Case<'a> = (&'a str, Vec<Route>, Vec<Route>, &'a [&'a str]);

#[test]
fn the_plan_adds_replaces_and_removes_ours_alone() {
    let ours = |gateway| to("10.9.0.0/16", vec![via(gateway)]);
    let theirs = |gateway| Route { origin: Origin(12), ..ours(gateway) };
    let with_device =
        |gateway| to("10.9.0.0/16", vec![NextHop { device: Some("eth0".parse().unwrap()), ..via(gateway) }]);
    let v6 = |metric| Route { metric, ..to("2001:db8:9::/48", vec![via("2001:db8::1")]) };
    let weights = |one, other| {
        let hops = [("10.0.0.3", one), ("10.0.0.4", other)];
        to("10.9.0.0/16", hops.map(|(hop, weight)| NextHop { weight, ..via(hop) }).into())
    };
    let turned = Route { next_hops: weights(1, 3).next_hops.into_iter().rev().collect(), ..weights(1, 3) };
    let cases: [Case<'_>; 9] = [
        ("nothing", vec![], vec![], &[]),
        ("missing", vec![], vec![ours("10.0.0.1")], &["ip route add 10.9.0.0/16 via 10.0.0.1 proto 79"]),
        ("the kernel found the device", vec![with_device("10.0.0.1")], vec![ours("10.0.0.1")], &[]),
        ("somebody else's does it", vec![theirs("10.0.0.1")], vec![ours("10.0.0.1")], &[]),
        (
            "another gateway",
            vec![ours("10.0.0.1")],
            vec![ours("10.0.0.2")],
            &["ip route replace 10.9.0.0/16 via 10.0.0.2 proto 79"],
        ),
        (
            "not wanted any more; somebody else's stays",
            vec![ours("10.0.0.1"), Route { metric: 7, ..theirs("10.0.0.1") }],
            vec![],
            &["ip route del 10.9.0.0/16 via 10.0.0.1 proto 79"],
        ),
        ("IPv6 has no metric 0", vec![v6(1024)], vec![v6(0)], &[]),
        ("the order of next hops means nothing", vec![turned], vec![weights(1, 3)], &[]),
        (
            "their weights do",
            vec![weights(1, 1)],
            vec![weights(1, 3)],
            &[
                "ip route replace 10.9.0.0/16 proto 79 nexthop via 10.0.0.3 weight 1 nexthop via 10.0.0.4 weight 3",
            ],
        ),
    ];
    for (case, observed, wanted, expected) in cases {
        let plan = plan(&observed, &wanted, |route| route.origin == Origin::OVERSPILL);
        let commands: Vec<String> = plan.commands.iter().map(ToString::to_string).collect();
        assert_eq!(commands, expected, "{case}");
        assert_eq!(plan.conflicts, [], "{case}");
    }
}

#[test]
fn a_foreign_route_in_the_way_is_a_conflict() {
    let wanted = to("10.9.0.0/16", vec![via("10.0.0.1")]);
    let present = Route { origin: Origin(12), ..to("10.9.0.0/16", vec![via("10.0.0.2")]) };
    let observed = std::slice::from_ref(&present);
    let plan = plan(observed, std::slice::from_ref(&wanted), |route| route.origin == Origin::OVERSPILL);
    let conflict = Conflict { wanted: Box::new(wanted), present: Box::new(present) };
    assert_eq!(plan, Plan { commands: vec![], conflicts: vec![conflict.clone()] });
    assert_eq!(
        conflict.to_string(),
        "route 10.9.0.0/16 via 10.0.0.1 proto 79: another program (protocol 12) has a route to 10.9.0.0/16 \
         with this metric in this table; choose another metric or remove it: ip route del 10.9.0.0/16 via \
         10.0.0.2 proto 12"
    );
}

fn hops(family: Family) -> impl Strategy<Value = NextHop> {
    let address = move |bytes: [u8; 16]| match family {
        Family::V4 => IpAddr::from(*bytes.first_chunk::<4>().unwrap()),
        Family::V6 => IpAddr::from(bytes),
    };
    let device = prop_oneof![Just("eth0"), Just("v0")];
    (
        proptest::option::of(any::<[u8; 16]>()),
        device,
        1_u16..=256,
        any::<bool>(),
        proptest::option::of(any::<IpAddr>()),
    )
        .prop_map(move |(gateway, device, weight, onlink, tunnel)| NextHop {
            gateway: gateway.map(address),
            device: Some(device.parse().unwrap()),
            weight,
            onlink,
            tunnel,
        })
}

fn routes() -> impl Strategy<Value = Route> {
    let family = prop_oneof![Just(Family::V4), Just(Family::V6)];
    let of = |family: Family| {
        let longest: u8 = if family == Family::V4 { 32 } else { 128 };
        let hops = proptest::collection::vec(hops(family), 1..4);
        (
            any::<[u8; 16]>(),
            0..=longest,
            hops,
            (1_u32.., any::<u32>(), any::<u8>()),
            any::<(Option<u32>, Option<u32>)>(),
        )
            .prop_map(move |(bytes, length, mut next_hops, (table, metric, origin), (mtu, mss))| {
                let address = match family {
                    Family::V4 => IpAddr::from(*bytes.first_chunk::<4>().unwrap()),
                    Family::V6 => IpAddr::from(bytes),
                };
                if let [only] = next_hops.as_mut_slice() {
                    only.weight = 1;
                }
                let route = Route::new(IpNet::new(address, length).unwrap(), next_hops);
                Route { table, metric, origin: Origin(origin), mtu, advertised_mss: mss, ..route }
            })
    };
    family.prop_flat_map(of)
}

proptest! {
    #[test]
    fn what_is_added_is_what_is_read(route in routes()) {
        let links = links();
        let message = golden::again(&add_message(&route, &links).unwrap());
        let expected = Route { metric: route.key().metric, ..route };
        prop_assert_eq!(from_messages([&message], &links), [expected]);
    }

    /// After the commands of a plan, a plan has nothing to do; and foreign routes are all there.
    #[test]
    fn a_plan_is_enough_and_spares_others(
        observed in proptest::collection::vec((routes(), 0_u32..2), 0..5),
        wanted in proptest::collection::vec((routes(), 0_u32..2), 0..5),
    ) {
        // few destinations, so that keys meet
        let narrow = |(route, table): &(Route, u32)| {
            let destination = if route.family() == Family::V4 { "10.0.0.0/8" } else { "2001:db8::/32" };
            Route { destination: destination.parse().unwrap(), table: 1 + *table, metric: 1, ..route.clone() }
        };
        let mut present: Vec<Route> = Vec::new();
        for route in observed.iter().map(narrow) {
            if at_key(&present, &route).is_none() {
                present.push(route);
            }
        }
        let foreign: Vec<Route> = present.iter().filter(|route| route.origin.0 >= 128).cloned().collect();
        let wanted: Vec<Route> = wanted.iter().map(narrow).collect();
        let owned = |route: &Route| route.origin.0 < 128;
        let first = plan(&present, &wanted, owned);
        for command in first.commands {
            match command {
                Command::AddRoute(route) => {
                    prop_assert_eq!(at_key(&present, &route), None);
                    present.push(Route { origin: Origin(0), ..route });
                }
                Command::ReplaceRoute(route) => {
                    let place = at_key(&present, &route).unwrap();
                    present[place] = Route { origin: Origin(0), ..route };
                }
                Command::RemoveRoute(route) => drop(present.remove(at_key(&present, &route).unwrap())),
                other => prop_assert!(false, "unexpected {}", other),
            }
        }
        prop_assert_eq!(plan(&present, &wanted, owned).commands, []);
        for route in foreign {
            prop_assert!(present.contains(&route));
        }
    }
}

fn at_key(routes: &[Route], route: &Route) -> Option<usize> {
    routes.iter().position(|other| other.key() == route.key())
}
