//! Inputs of what routers say: BFD and BGP.

use lb_core::bgp::message::{
    AsPath, Capabilities, Capability, Cease, Dialect, ExtendedNextHop, Message, MpReach, NextHop,
    Notification, Open, Origin, PathAttributes, RouteRefresh, Update,
};
use lb_core::bgp::{Asn, Community, Family, LargeCommunity};

use super::{NODE, NODE6};

/// BFD: an operation is a 32-bit choice of its kind (times eight), then its fields.
pub(super) fn bfd_sessions() -> Vec<(&'static str, Vec<u8>)> {
    let operation = |kind: u32, fields: &[u8]| [&(kind << 29 | 1 << 28).to_le_bytes()[..], fields].concat();
    // from, TTL, named, state and flags, diagnostic, multiplier, intervals of 100 ms
    let heard = |bits: u8| operation(1, &[0, 0, 1, bits, 0, 3, 100, 0, 100, 0]);
    let pass = |milliseconds: u16| operation(2, &milliseconds.to_le_bytes());
    let deadline = || operation(3, &[]);
    let (up, poll, demand) = (3, 4, 32);
    let come_up = || [heard(1), heard(2)].concat();
    vec![
        (
            "comes-up-and-falls-silent",
            [come_up(), heard(up), pass(250), heard(up), pass(300), deadline()].concat(),
        ),
        (
            "asks-and-answers",
            [come_up(), heard(up | poll), heard(up | 8), deadline(), heard(up | 8)].concat(),
        ),
        ("demand", [come_up(), heard(up | demand), deadline(), deadline()].concat()),
        ("by-hand", [come_up(), operation(4, &[0, 0]), heard(1), operation(4, &[0, 1]), come_up()].concat()),
        (
            "new-settings",
            [come_up(), operation(5, &[0, 50, 0, 200, 0, 5]), deadline(), heard(up | 8)].concat(),
        ),
        (
            "leaves-and-comes-back",
            [come_up(), operation(6, &[0]), pass(500), operation(7, &[0]), come_up()].concat(),
        ),
        ("garbage", operation(0, &[0, 0, 0x20, 0xc0, 3, 24, 0, 0, 0, 1])),
    ]
}

/// BGP: streams of messages behind the octet that chooses a dialect.
pub(super) fn bgp_messages() -> Vec<(&'static str, Vec<u8>)> {
    let open = Message::Open(Open {
        two_octet_as: 23_456,
        hold_seconds: 9,
        router_id: NODE,
        capabilities: Capabilities(vec![
            Capability::Multiprotocol { afi: 1, safi: 1 },
            Capability::RouteRefresh,
            Capability::ExtendedNextHop(vec![ExtendedNextHop { afi: 1, safi: 1, next_hop_afi: 2 }]),
            Capability::FourOctetAs(Asn(4_200_000_001)),
        ]),
    });
    let attributes = PathAttributes {
        origin: Some(Origin::Igp),
        as_path: Some(AsPath::sequence([Asn(4_200_000_001), Asn(64_500)])),
        next_hop: Some(NODE),
        med: Some(10),
        communities: vec![Community::GRACEFUL_SHUTDOWN],
        large_communities: vec![LargeCommunity { global: 64_512, first: 1, second: 2 }],
        ..PathAttributes::default()
    };
    let four = Update {
        attributes: attributes.clone(),
        withdrawn: vec!["198.51.100.0/24".parse().expect("a prefix")],
        announced: vec!["203.0.113.10/32".parse().expect("a prefix")],
        ..Update::default()
    };
    let prefixes = vec!["2001:db8:f::10/128".parse().expect("a prefix")];
    let reach = MpReach::Ipv6 { next_hop: NextHop::V6(NODE6), prefixes };
    let six = Update { attributes, mp_announced: Some(reach), ..Update::default() };
    let goodbye = Notification::cease(Cease::AdministrativeShutdown, "moving");
    let update = |update: Update| Message::Update(Box::new(update));
    let stream = |choice: u8, all: &[Message]| {
        let dialect = Dialect { four_octet_as: choice & 1 != 0, ..Dialect::default() };
        let bytes = all.iter().flat_map(|one| one.emit(dialect).expect("short"));
        std::iter::once(choice).chain(bytes).collect::<Vec<u8>>()
    };
    vec![
        ("open", stream(0, &[open.clone(), Message::Keepalive])),
        ("updates", stream(1, &[update(four.clone()), update(six.clone())])),
        ("updates-old", stream(0, &[update(four), update(six)])),
        ("end-of-rib", stream(1, &Family::ALL.map(|family| update(Update::end_of_rib(family))))),
        ("goodbye", stream(0, &[Message::Notification(goodbye)])),
        ("refresh", stream(0, &[Message::RouteRefresh(RouteRefresh { afi: 1, subtype: 0, safi: 1 })])),
        ("garbage", b"\0GET / HTTP/1.1\r\n\r\n".to_vec()),
    ]
}

/// BGP sessions: a configuration, then operations as `bgp_session` reads them.
pub(super) fn bgp_sessions() -> Vec<(&'static str, Vec<u8>)> {
    let operation = |number: u64, fields: &[u8]| {
        let chosen = u32::try_from((number << 32).div_ceil(12)).expect("less than all");
        [&chosen.to_le_bytes()[..], fields].concat()
    };
    let said = |kind: u8, choice: u8| operation(1, &[0, 0, kind, choice]);
    let (opened, accepted, closed) = (operation(2, &[0, 0]), operation(3, &[0]), operation(4, &[0, 0]));
    let (deadline, written) = (operation(7, &[]), operation(5, &[0, 0, 255]));
    let announce = |prefix: u8, route: u8| operation(8, &[prefix, route]);
    let withdraw = |prefix: u8| operation(9, &[prefix]);
    let command = |kind: u8| operation(10, &[0, kind]);
    let up = || [opened.clone(), said(0, 0x0e), said(1, 0)].concat();
    let course = |choice: u8, parts: &[Vec<u8>]| [vec![choice], parts.concat()].concat();
    let routes = || [announce(2, 0), announce(3, 1), announce(4, 2), withdraw(2)].concat();
    vec![
        ("comes-up-and-announces", course(0, &[routes(), up(), written.clone(), announce(6, 4), written])),
        ("hears-routes", course(0, &[up(), said(2, 2), said(2, 4), said(2, 5), said(3, 0), said(4, 1)])),
        (
            "hears-too-many",
            course(
                0x41,
                &[
                    accepted.clone(),
                    said(0, 0),
                    said(1, 0),
                    said(2, 0),
                    said(2, 2),
                    said(2, 4),
                    said(2, 6),
                    deadline.clone(),
                ],
            ),
        ),
        (
            "falls-silent",
            course(0, &[up(), deadline.clone(), deadline.clone(), deadline.clone(), deadline.clone()]),
        ),
        (
            "connects-at-once",
            course(
                0,
                &[opened.clone(), accepted.clone(), said(0, 0x2e), said(0, 0x0e), said(1, 0), said(1, 0)],
            ),
        ),
        (
            "restarts",
            course(
                0x84,
                &[
                    routes(),
                    up(),
                    closed.clone(),
                    deadline.clone(),
                    up(),
                    command(3),
                    accepted,
                    said(0, 0x0e),
                ],
            ),
        ),
        ("by-hand", course(0, &[up(), command(0), command(1), up(), command(2), command(4), command(5)])),
        (
            "configured-anew",
            course(
                0,
                &[
                    up(),
                    routes(),
                    operation(11, &[3, 0x10]),
                    operation(11, &[2, 0x30]),
                    operation(11, &[3, 8]),
                ],
            ),
        ),
        ("refused", course(0, &[opened.clone(), said(2, 0), deadline, closed])),
        ("garbage", course(0, &[up(), operation(0, &[0, 0, 1, 2, 3, 4, 5, 6, 7, 8])])),
    ]
}
