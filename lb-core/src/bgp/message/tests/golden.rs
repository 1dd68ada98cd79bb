//! What BIRD 2.0.12, GoBGP 3.10 and FRR 8.4 really say, and what we read in it.
//!
//! The messages are recorded by `testdata/golden.py`: each router is AS 64500
//! and announces a prefix of each family with MED 10 and two communities.

use std::string::ToString;

use super::*;
use crate::bgp::{Families, Family};

const RECORDED: &str = include_str!("../testdata/golden.txt");
const FOUR: Dialect =
    Dialect { four_octet_as: true, extended_messages: false, extended_next_hop: false, external: true };

/// The messages of one router, in their order.
fn said(router: &str) -> Vec<Message> {
    let lines = RECORDED.lines().filter_map(|line| line.split_once(' '));
    let messages = lines.filter(|(name, _)| *name == router).map(|(_, hexadecimal)| {
        let pairs = hexadecimal.as_bytes().chunks(2);
        let bytes: Vec<u8> =
            pairs.map(|pair| u8::from_str_radix(core::str::from_utf8(pair).unwrap(), 16).unwrap()).collect();
        let parsed = parse(&bytes, FOUR).unwrap();
        assert_eq!(parsed.faults, []);
        let again = parse(&parsed.message.emit(FOUR).unwrap(), FOUR).unwrap();
        assert_eq!(again, parsed, "what they say can be said by us");
        parsed.message
    });
    messages.collect()
}

fn open(router: &str) -> Open {
    let Some(Message::Open(open)) = said(router).into_iter().next() else { panic!("the first is an OPEN") };
    assert_eq!((open.asn(), open.router_id), (Asn(64_500), [10, 0, 0, 1].into()));
    assert_eq!(open.capabilities.families(), Families::ALL);
    assert!(open.capabilities.has(&Capability::RouteRefresh));
    open
}

#[test]
fn bird_opens() {
    let open = open("bird");
    assert_eq!(open.hold_seconds, 240);
    assert!(open.capabilities.has(&Capability::ExtendedMessage));
    assert!(open.capabilities.has(&Capability::EnhancedRouteRefresh));
    let restart = open.capabilities.restart().unwrap();
    assert_eq!((restart.seconds, restart.restarted, restart.notification), (120, false, false));
    assert_eq!(restart.family(Family::Ipv6).map(|family| family.preserved), Some(false));
}

#[test]
fn gobgp_opens() {
    let open = open("gobgp");
    assert_eq!(open.hold_seconds, 90);
    let restart = open.capabilities.restart().unwrap();
    assert_eq!((restart.seconds, restart.notification), (120, true));
    assert!(restart.family(Family::Ipv4).is_some() && restart.family(Family::Ipv6).is_none());
    // the name that it gives itself (FQDN), which means nothing to us
    assert!(open.capabilities.0.iter().any(|one| one.code() == 73));
}

#[test]
fn frr_opens() {
    let open = open("frr");
    assert_eq!(open.hold_seconds, 180);
    let restart = open.capabilities.restart().unwrap();
    assert_eq!((restart.seconds, restart.restarted), (120, true));
    assert!(!open.capabilities.extended_next_hop());
    // a parameter for each capability, among them some of Cisco's own
    let codes: Vec<_> = open.capabilities.0.iter().map(Capability::code).collect();
    assert_eq!(codes, [1, 1, 128, 2, 70, 65, 6, 69, 73, 64, 71]);
}

/// All three announce the same, and say it is told whole.
#[test]
fn all_announce_the_same() {
    for (router, origin) in [("bird", Origin::Igp), ("gobgp", Origin::Incomplete), ("frr", Origin::Igp)] {
        let updates: Vec<Update> = said(router)
            .into_iter()
            .filter_map(|message| if let Message::Update(update) = message { Some(*update) } else { None })
            .collect();
        let attributes = |next_hop: Option<core::net::Ipv4Addr>| PathAttributes {
            origin: Some(origin),
            as_path: Some(AsPath::sequence([Asn(64_500)])),
            next_hop,
            med: Some(10),
            communities: ["64500:1".parse().unwrap()].to_vec(),
            large_communities: ["64500:1:2".parse().unwrap()].to_vec(),
            ..PathAttributes::default()
        };
        let v4 = Update {
            attributes: attributes(Some([10, 0, 0, 1].into())),
            announced: ["203.0.113.0/24".parse().unwrap()].to_vec(),
            ..Update::default()
        };
        let next_hop = NextHop::V6("2001:db8::1".parse().unwrap());
        let prefixes = ["2001:db8:f::/48".parse().unwrap()].to_vec();
        let v6 = Update {
            attributes: attributes(None),
            mp_announced: Some(MpReach::Ipv6 { next_hop, prefixes }),
            ..Update::default()
        };
        assert!(updates.contains(&v4), "{router}: {updates:?}");
        assert!(updates.contains(&v6), "{router}: {updates:?}");
        let ends: Vec<_> = updates.iter().filter_map(Update::as_end_of_rib).collect();
        assert_eq!(ends, Family::ALL, "{router}");
        assert_eq!(updates.len(), 4, "{router}");
    }
}

#[test]
fn bird_says_why_it_goes() {
    let Some(Message::Notification(notification)) = said("bird").pop() else { panic!() };
    assert_eq!(notification.to_string(), "Cease: Administrative Shutdown (\"moving to rack 7\")");
}
