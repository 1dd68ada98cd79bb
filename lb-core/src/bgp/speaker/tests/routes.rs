//! Tests of routes: what was announced is what the peer hears, in few messages, by the rules of both sides.

use core::net::IpAddr;
use std::collections::{BTreeMap, BTreeSet};
use std::string::ToString;

use proptest::prelude::*;

use super::*;
use crate::bgp::message::{self, NextHop, Parsed, PathAttributes, Update};
use crate::bgp::{Asn, Community, Families, LargeCommunity, Password, SpeakerConfig};

/// The UPDATEs that the node sent.
fn sent(world: &World) -> Vec<Update> {
    let dialect = message::Dialect { four_octet_as: true, extended_next_hop: true, ..Default::default() };
    let parse = |bytes: &Vec<u8>| match message::parse(bytes, dialect).unwrap() {
        Parsed { message: message::Message::Update(update), faults } if faults.is_empty() => *update,
        other => panic!("{other:?}"),
    };
    world.updates[NODE].iter().map(parse).collect()
}

/// What the router hears of one route.
fn heard_of(configs: [SpeakerConfig; 2], prefix: IpNet, route: Route) -> (NextHop, PathAttributes) {
    let mut world = World::up(configs);
    let now = world.now;
    world.speakers[NODE].announce(now, prefix, route);
    world.settle();
    let received = world.events[ROUTER].iter().find_map(|event| match event {
        Event::Received { next_hop, attributes, .. } => Some((*next_hop, (**attributes).clone())),
        _ => None,
    });
    received.expect("the route was told")
}

#[test]
fn what_is_announced_is_heard_and_what_is_withdrawn_is_gone() {
    let mut world = World::new(configs(V4));
    let now = world.now;
    world.speakers[NODE].announce(now, prefix("203.0.113.10/32"), Route::default());
    world.start();
    assert!(world.heard(ROUTER).contains(&prefix("203.0.113.10/32")), "what was there before the session");
    world.speakers[NODE].announce(now, prefix("203.0.113.11/32"), Route::default());
    world.speakers[NODE].withdraw(now, &prefix("203.0.113.10/32"));
    world.settle();
    assert_eq!(world.heard(ROUTER), BTreeSet::from([prefix("203.0.113.11/32")]));
    assert_eq!(world.status(NODE).routes_announced, 1);
    assert_eq!(world.status(NODE).times_established, 1, "no change of the set moves the session");
}

#[test]
fn nothing_is_told_twice_and_what_changes_back_is_not_told() {
    let mut world = World::up(configs(V4));
    world.forget();
    let now = world.now;
    let node = &mut world.speakers[NODE];
    node.announce(now, vip(1), Route::default());
    node.withdraw(now, &vip(1));
    node.withdraw(now, &vip(2));
    world.settle();
    assert_eq!(world.updates[NODE].len(), 0);
    world.speakers[NODE].announce(now, vip(1), Route::default());
    world.settle();
    assert_eq!(world.updates[NODE].len(), 1);
    let node = &mut world.speakers[NODE];
    node.announce(now, vip(1), Route::default());
    node.announce(now, vip(1), Route { med: Some(5), ..Route::default() });
    node.announce(now, vip(1), Route::default());
    world.settle();
    assert_eq!(world.updates[NODE].len(), 1);
}

#[test]
fn an_end_of_rib_follows_the_first_routes_of_each_family() {
    let mut world = World::new(configs(V4));
    let now = world.now;
    world.speakers[NODE].announce(now, vip(1), Route::default());
    world.start();
    let sent = sent(&world);
    let ends: Vec<_> = sent.iter().map(Update::as_end_of_rib).collect();
    // with nothing to tell of IPv6, its end comes first
    assert_eq!(ends, [Some(Family::Ipv6), None, Some(Family::Ipv4)]);
    let told: Vec<_> = world.events[ROUTER]
        .iter()
        .filter_map(|event| if let Event::EndOfRib { family } = event { Some(*family) } else { None })
        .collect();
    assert_eq!(told, [Family::Ipv6, Family::Ipv4]);
}

#[test]
fn an_external_peer_hears_our_number_and_no_preference() {
    let mut configs = configs(V4);
    let export = &mut configs[NODE].peers[0].export;
    export.med = Some(10);
    export.local_pref = Some(300);
    export.prepend = 1;
    export.communities = Vec::from(["64512:2".parse().unwrap(), "64512:1".parse().unwrap()]);
    let large = LargeCommunity { global: 64_512, first: 1, second: 2 };
    let route = Route {
        prepend: 1,
        communities: Vec::from([Community::NO_EXPORT, "64512:1".parse().unwrap()]),
        large_communities: Vec::from([large]),
        ..Route::default()
    };
    let (next_hop, attributes) = heard_of(configs, vip(1), route);
    assert_eq!(next_hop, NextHop::V4("10.0.0.11".parse().unwrap()), "this node");
    assert_eq!(attributes.as_path.unwrap().to_string(), "64512 64512 64512");
    assert_eq!((attributes.med, attributes.local_pref), (Some(10), None));
    let communities: Vec<_> = attributes.communities.iter().map(ToString::to_string).collect();
    assert_eq!(communities, ["64512:1", "64512:2", "65535:65281"]);
    assert_eq!(attributes.large_communities, [large]);
}

#[test]
fn an_internal_peer_hears_a_preference_and_an_empty_path() {
    let mut configs = configs(V4);
    configs[ROUTER].asn = Asn(64_512);
    configs[NODE].peers[0].asn = Asn(64_512);
    configs[NODE].peers[0].export.prepend = 3;
    let (_, attributes) = heard_of(configs.clone(), vip(1), Route::default());
    assert_eq!(attributes.as_path.unwrap().hops(), 0);
    assert_eq!(attributes.local_pref, Some(100));
    let route = Route { local_pref: Some(50), ..Route::default() };
    assert_eq!(heard_of(configs.clone(), vip(1), route).1.local_pref, Some(50));
    let leaving = Route { graceful_shutdown: true, local_pref: Some(50), ..Route::default() };
    let (_, attributes) = heard_of(configs, vip(1), leaving);
    assert_eq!(attributes.local_pref, Some(0), "the least (RFC 8326)");
    assert_eq!(attributes.communities, [Community::GRACEFUL_SHUTDOWN]);
}

#[test]
fn a_route_says_otherwise_than_its_peer() {
    let mut configs = configs(V4);
    configs[NODE].peers[0].export.med = Some(10);
    let route = Route { med: Some(7), ..Route::default() };
    assert_eq!(heard_of(configs, vip(1), route).1.med, Some(7));
}

#[test]
fn next_hops_by_family_and_session() {
    let v4 = || prefix("203.0.113.10/32");
    let v6 = || prefix("2001:db8:f::10/128");
    let ours: core::net::Ipv6Addr = "2001:db8::11".parse().unwrap();
    // IPv4 over IPv6 has the node's IPv6 address where both can (RFC 8950), or a configured one
    assert_eq!(heard_of(configs(V6), v4(), Route::default()).0, NextHop::V6(ours));
    assert_eq!(heard_of(configs(V6), v6(), Route::default()).0, NextHop::V6(ours));
    let mut over_six = configs(V6);
    over_six[NODE].peers[0].export.next_hop_v4 = Some("10.9.9.9".parse().unwrap());
    assert_eq!(heard_of(over_six, v4(), Route::default()).0, NextHop::V4("10.9.9.9".parse().unwrap()));
    // IPv6 over IPv4 needs a configured one
    let mut over_four = configs(V4);
    over_four[NODE].peers[0].export.next_hop_v6 = Some(ours);
    assert_eq!(heard_of(over_four, v6(), Route::default()).0, NextHop::V6(ours));
    // over link-local addresses the configured one goes along with the other
    let mut local = configs(["fe80::11", "fe80::1"]);
    local[NODE].peers[0].export.next_hop_v6 = Some(ours);
    let link_local = "fe80::11".parse().unwrap();
    assert_eq!(
        heard_of(local, v6(), Route::default()).0,
        NextHop::V6WithLinkLocal { global: ours, link_local }
    );
}

#[test]
fn routes_without_a_next_hop_are_not_told_and_said_so() {
    let mut world = World::up(configs(V4));
    let now = world.now;
    world.speakers[NODE].announce(now, prefix("2001:db8:f::10/128"), Route::default());
    world.settle();
    let status = world.status(NODE);
    assert_eq!((status.routes_announced, status.routes_pending), (0, 0));
    assert_eq!(status.without_next_hop, Families::from_iter([Family::Ipv6]));
}

#[test]
fn ten_thousand_vips_that_say_the_same_fit_into_few_messages() {
    let mut world = World::new(configs(V4));
    let now = world.now;
    for number in 0..10_000 {
        world.speakers[NODE].announce(now, vip(number), Route::default());
    }
    world.start();
    assert_eq!(world.status(NODE).routes_announced, 10_000);
    let octets: usize = world.updates[NODE].iter().map(Vec::len).sum();
    // 5 octets each, some 807 to a message
    assert!(world.updates[NODE].len() <= 15 && octets <= 51_000, "{} {octets}", world.updates[NODE].len());
    world.forget();
    let now = world.now;
    for number in 0..10_000 {
        world.speakers[NODE].withdraw(now, &vip(number));
    }
    world.settle();
    assert!(world.updates[NODE].len() <= 13, "{}", world.updates[NODE].len());
}

#[test]
fn withdrawals_go_first() {
    let mut world = World::up(configs(V4));
    let now = world.now;
    world.speakers[NODE].announce(now, vip(9), Route::default());
    world.settle();
    world.forget();
    world.speakers[NODE].announce(now, vip(1), Route::default());
    world.speakers[NODE].withdraw(now, &vip(9));
    world.settle();
    let sent = sent(&world);
    assert_eq!((sent.len(), sent[0].withdrawn.len(), sent[1].announced.len()), (2, 1, 1));
}

#[test]
fn a_refresh_tells_all_routes_of_the_family_again() {
    let mut configs = configs(V6);
    configs[ROUTER].peers[0].password = Some(Password::new("not looked at here".into()));
    let mut world = World::up(configs);
    let now = world.now;
    for number in 0..100 {
        world.speakers[NODE].announce(now, vip(number), Route::default());
    }
    world.speakers[NODE].announce(now, prefix("2001:db8:f::10/128"), Route::default());
    world.settle();
    world.forget();
    let peer = world.peer(ROUTER);
    assert!(world.speakers[ROUTER].request_refresh(now, peer, Family::Ipv6));
    world.settle();
    assert_eq!(world.heard(ROUTER).len(), 1);
    assert!(world.events[NODE].contains(&Event::RefreshRequested { family: Family::Ipv6 }));
    world.forget();
    assert!(world.speakers[ROUTER].request_refresh(now, peer, Family::Ipv4));
    world.settle();
    assert_eq!(world.heard(ROUTER).len(), 100);
}

#[test]
fn a_peer_of_two_octets_hears_true_numbers_beside_its_own() {
    let view = export::View {
        asn: Asn(4_200_000_001),
        peer: &PeerConfig::new(IpAddr::from([10, 0, 0, 1]), Asn(64_500)),
        local: IpAddr::from([10, 0, 0, 11]),
        dialect: message::Dialect::default(),
        graceful_shutdown: false,
    };
    let (update, _) = view.announcement(&Route { prepend: 1, ..Route::default() }, Family::Ipv4).unwrap();
    let bytes = message::Message::Update(update.into()).emit(view.dialect).unwrap();
    // AS_PATH: a sequence of AS_TRANS twice; AS4_PATH: of the true number twice
    assert!(bytes.windows(9).any(|w| w == [0x40, 2, 6, 2, 2, 0x5b, 0xa0, 0x5b, 0xa0]));
    assert!(bytes.windows(13).any(|w| w == [0xc0, 17, 10, 2, 2, 0xfa, 0x56, 0xea, 1, 0xfa, 0x56, 0xea, 1]));
}

/// What may happen to the set, in any order.
#[derive(Clone, Debug)]
enum Operation {
    Announce(u8, u8),
    Withdraw(u8),
    Break,
    Refresh,
    Pass(u8),
    Stick(bool),
}

fn operations() -> impl Strategy<Value = Vec<Operation>> {
    let operation = prop_oneof![
        5 => (0..20_u8, 0..3_u8).prop_map(|(prefix, route)| Operation::Announce(prefix, route)),
        4 => (0..20_u8).prop_map(Operation::Withdraw),
        1 => Just(Operation::Break),
        1 => Just(Operation::Refresh),
        2 => (1..30_u8).prop_map(Operation::Pass),
        1 => any::<bool>().prop_map(Operation::Stick),
    ];
    proptest::collection::vec(operation, 0..60)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Whatever happened, once all is quiet the peer has heard the set, with the attributes of the set.
    #[test]
    fn the_peer_hears_the_set(operations in operations()) {
        let mut world = World::up(configs(V6));
        let mut set = BTreeMap::new();
        let at = |number: u8| if number.is_multiple_of(2) {
            vip(number.into())
        } else {
            std::format!("2001:db8:f::{number}/128").parse().unwrap()
        };
        for operation in operations {
            let now = world.now;
            match operation {
                Operation::Announce(prefix, med) => {
                    set.insert(at(prefix), u32::from(med));
                    let route = Route { med: Some(med.into()), ..Route::default() };
                    world.speakers[NODE].announce(now, at(prefix), route);
                }
                Operation::Withdraw(prefix) => {
                    set.remove(&at(prefix));
                    world.speakers[NODE].withdraw(now, &at(prefix));
                }
                Operation::Break => world.break_connections(),
                Operation::Refresh => {
                    let peer = world.peer(ROUTER);
                    world.speakers[ROUTER].request_refresh(now, peer, Family::Ipv4);
                }
                Operation::Pass(seconds) => world.pass(seconds.into()),
                Operation::Stick(stuck) => world.stuck = stuck.then_some(NODE),
            }
        }
        world.stuck = None;
        world.pass(200);
        let mut heard = BTreeMap::new();
        for event in &world.events[ROUTER] {
            match event {
                Event::Received { prefixes, attributes, .. } => {
                    heard.extend(prefixes.iter().map(|prefix| (*prefix, attributes.med.unwrap())));
                }
                Event::Withdrawn { prefixes } => prefixes.iter().for_each(|prefix| { heard.remove(prefix); }),
                _ => {}
            }
        }
        prop_assert_eq!(heard, set);
    }
}
