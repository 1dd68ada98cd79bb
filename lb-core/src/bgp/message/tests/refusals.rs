//! Tests of faults: each ends the session, costs the routes or costs the attribute, as RFC 4271 and RFC 7606 say.

use super::*;

const EXTERNAL: Dialect =
    Dialect { four_octet_as: true, extended_messages: false, extended_next_hop: false, external: true };
const INTERNAL: Dialect = Dialect { external: false, ..EXTERNAL };

/// An UPDATE of withdrawn routes, attributes and routes, each as bytes.
fn update(withdrawn: &[u8], attributes: &[u8], routes: &[u8]) -> Vec<u8> {
    let length = |bytes: &[u8]| u16::try_from(bytes.len()).unwrap().to_be_bytes();
    let body = [&length(withdrawn), withdrawn, &length(attributes), attributes, routes].concat();
    let whole = u16::try_from(HEADER_LENGTH + body.len()).unwrap().to_be_bytes();
    [&MARKER[..], &whole, &[kind::UPDATE], &body].concat()
}

const ORIGIN: [u8; 4] = [0x40, 1, 1, 0];
const PATH: [u8; 9] = [0x40, 2, 6, 2, 1, 0, 0, 0xfb, 0xf4]; // 64500
const NEXT_HOP: [u8; 7] = [0x40, 3, 4, 10, 0, 0, 1];
const ROUTE: [u8; 4] = [24, 192, 0, 2];

/// What an attribute beside good ones costs.
fn cost(dialect: Dialect, attribute: &[u8]) -> Vec<(u8, FaultKind, Reaction)> {
    let attributes = [&ORIGIN[..], &PATH, &NEXT_HOP, attribute].concat();
    faults(dialect, &attributes)
}

fn faults(dialect: Dialect, attributes: &[u8]) -> Vec<(u8, FaultKind, Reaction)> {
    let parsed = parse(&update(&[], attributes, &ROUTE), dialect).unwrap();
    parsed.faults.iter().map(|fault| (fault.attribute, fault.kind, fault.reaction)).collect()
}

#[test]
fn attributes_that_cost_the_routes_or_themselves() {
    use FaultKind::{Again, External, Flags, Length, Overrun, Value};
    use Reaction::{DiscardAttribute as Discard, TreatAsWithdraw as Withdraw};
    for (what, dialect, attribute, expected) in [
        ("nothing wrong", EXTERNAL, &[][..], &[][..]),
        ("MED of three octets", EXTERNAL, &[0x80, 4, 3, 0, 0, 1], &[(4, Length, Withdraw)]),
        ("MED marked as transitive", EXTERNAL, &[0xc0, 4, 4, 0, 0, 0, 1], &[(4, Flags, Withdraw)]),
        ("LOCAL_PREF from outside", EXTERNAL, &[0x40, 5, 4, 0, 0, 0, 1], &[(5, External, Discard)]),
        ("LOCAL_PREF from outside and too short", EXTERNAL, &[0x40, 5, 1, 0], &[(5, External, Discard)]),
        ("LOCAL_PREF from inside", INTERNAL, &[0x40, 5, 4, 0, 0, 0, 1], &[]),
        ("LOCAL_PREF from inside and too short", INTERNAL, &[0x40, 5, 1, 0], &[(5, Length, Withdraw)]),
        ("ATOMIC_AGGREGATE with a value", EXTERNAL, &[0x40, 6, 1, 0], &[(6, Length, Discard)]),
        ("AGGREGATOR of two octets", EXTERNAL, &[0xc0, 7, 6, 0, 1, 1, 1, 1, 1], &[(7, Length, Discard)]),
        (
            "AGGREGATOR with wrong flags",
            EXTERNAL,
            &[0x40, 7, 8, 0, 0, 0, 1, 1, 1, 1, 1],
            &[(7, Flags, Discard)],
        ),
        ("no community at all", EXTERNAL, &[0xc0, 8, 0], &[(8, Length, Withdraw)]),
        ("a community and a half", EXTERNAL, &[0xc0, 8, 6, 0, 1, 0, 2, 0, 3], &[(8, Length, Withdraw)]),
        ("a partial community", EXTERNAL, &[0xe0, 8, 4, 0, 1, 0, 2], &[]),
        ("a large community cut short", EXTERNAL, &[0xc0, 32, 4, 0, 0, 0, 1], &[(32, Length, Withdraw)]),
        (
            "AS4_PATH with an unknown segment",
            Dialect { four_octet_as: false, ..EXTERNAL },
            &[0xc0, 17, 6, 9, 1, 0, 1, 0, 0],
            &[(17, Value, Discard), (2, Value, Withdraw)],
        ),
        ("ORIGIN again, and another", EXTERNAL, &[0x40, 1, 1, 2], &[(1, Again, Discard)]),
        ("an unknown one, twice", EXTERNAL, &[0xc0, 200, 0, 0xc0, 200, 0], &[(200, Again, Discard)]),
        ("one that goes on after the end", EXTERNAL, &[0xc0, 8, 8, 0, 1, 0, 2], &[(8, Overrun, Withdraw)]),
        ("half a head", EXTERNAL, &[0xc0], &[(0, Overrun, Withdraw)]),
        ("half an extended length", EXTERNAL, &[0xd0, 8, 0], &[(8, Overrun, Withdraw)]),
        ("meaningless bits of the flags", EXTERNAL, &[0x8f, 4, 4, 0, 0, 0, 1], &[]),
    ] {
        let mut costs = cost(dialect, attribute);
        let mut expected = expected.to_vec();
        costs.sort();
        expected.sort();
        assert_eq!(costs, expected, "{what}");
    }
}

#[test]
fn attributes_that_routes_cannot_do_without() {
    use FaultKind::{Length, Missing, Value};
    use Reaction::TreatAsWithdraw as Withdraw;
    for (attributes, expected) in [
        ([&ORIGIN[..], &PATH].concat(), &[(3, Missing, Withdraw)][..]),
        ([&ORIGIN[..], &NEXT_HOP].concat(), &[(2, Missing, Withdraw)]),
        ([&PATH[..], &NEXT_HOP].concat(), &[(1, Missing, Withdraw)]),
        (Vec::new(), &[(1, Missing, Withdraw), (2, Missing, Withdraw), (3, Missing, Withdraw)]),
        // one that is there and wrong is not missing besides
        ([&[0x40, 1, 1, 3][..], &PATH, &NEXT_HOP].concat(), &[(1, Value, Withdraw)]),
        ([&[0x40, 1, 2, 0, 0][..], &PATH, &NEXT_HOP].concat(), &[(1, Length, Withdraw)]),
        ([&ORIGIN[..], &PATH, &[0x40, 3, 3, 10, 0, 0]].concat(), &[(3, Length, Withdraw)]),
        // paths: an unknown segment, one that is empty, one that is cut off, one octet left over
        ([&ORIGIN[..], &[0x40, 2, 6, 5, 1, 0, 0, 0, 1], &NEXT_HOP].concat(), &[(2, Value, Withdraw)]),
        ([&ORIGIN[..], &[0x40, 2, 2, 2, 0], &NEXT_HOP].concat(), &[(2, Value, Withdraw)]),
        ([&ORIGIN[..], &[0x40, 2, 4, 2, 1, 0, 0], &NEXT_HOP].concat(), &[(2, Value, Withdraw)]),
        ([&ORIGIN[..], &[0x40, 2, 7, 2, 1, 0, 0, 0, 1, 2], &NEXT_HOP].concat(), &[(2, Value, Withdraw)]),
    ] {
        assert_eq!(faults(EXTERNAL, &attributes), expected, "{attributes:?}");
    }
}

/// An attribute with routes of another family.
fn mp(code: u8, value: &[u8]) -> Vec<u8> {
    [&[0x80, code, u8::try_from(value.len()).unwrap()], value].concat()
}

/// Each of these ends the session with this error and subcode.
fn ends_the_session<const N: usize>(cases: [(&str, Vec<u8>, MessageError, u8); N]) {
    for (what, bytes, expected, subcode) in cases {
        let error = parse(&bytes, EXTERNAL).unwrap_err();
        assert_eq!(error, expected, "{what}");
        let notification = error.notification();
        assert_eq!((notification.code, notification.subcode), (3, subcode), "{what}");
    }
}

#[test]
fn routes_that_cannot_be_found_end_the_session() {
    let good = [&ORIGIN[..], &PATH, &NEXT_HOP].concat();
    let v6_hop = [&[0, 2, 1, 16][..], &[0x20; 16], &[0]].concat();
    let family = |family| MessageError::Network { family };
    use crate::bgp::Family::{Ipv4, Ipv6};
    ends_the_session([
        ("a prefix of 33 bits", update(&[], &good, &[33, 1, 2, 3, 4, 5]), family(Ipv4), 10),
        ("a prefix cut off", update(&[], &good, &[24, 1, 2]), family(Ipv4), 10),
        ("a withdrawn prefix cut off", update(&[24, 1, 2], &[], &[]), family(Ipv4), 10),
        (
            "a prefix of 129 bits",
            update(&[], &[&good[..], &mp(14, &[&v6_hop[..], &[129], &[0; 17]].concat())].concat(), &[]),
            family(Ipv6),
            10,
        ),
        (
            "a withdrawn prefix of IPv6 cut off",
            update(&[], &mp(15, &[0, 2, 1, 48, 1]), &[]),
            family(Ipv6),
            10,
        ),
        (
            "a next hop of four octets for IPv6",
            update(&[], &[&good[..], &mp(14, &[0, 2, 1, 4, 1, 2, 3, 4, 0])].concat(), &[]),
            MessageError::NextHopLength { family: Ipv6, length: 4 },
            9,
        ),
        (
            "a next hop of IPv6 for IPv4, not agreed on",
            update(&[], &[&good[..], &mp(14, &[&[0, 1, 1, 16][..], &[0x20; 17]].concat())].concat(), &[]),
            MessageError::NextHopLength { family: Ipv4, length: 16 },
            9,
        ),
    ]);
}

#[test]
fn layouts_that_cannot_be_end_the_session() {
    let good = [&ORIGIN[..], &PATH, &NEXT_HOP].concat();
    ends_the_session([
        (
            "a next hop that does not end",
            update(&[], &[&good[..], &mp(14, &[0, 2, 1, 16, 1])].concat(), &[]),
            MessageError::UpdateLayout,
            1,
        ),
        ("no family", update(&[], &mp(15, &[0, 2]), &[]), MessageError::UpdateLayout, 1),
        (
            "MP_UNREACH twice",
            update(&[], &[mp(15, &[0, 2, 1]), mp(15, &[0, 2, 1])].concat(), &[]),
            MessageError::Twice { attribute: 15 },
            1,
        ),
        (
            "a well-known one that nobody knows",
            update(&[], &[&good[..], &[0x40, 99, 1, 7]].concat(), &ROUTE),
            MessageError::WellKnown { attribute: 99, bytes: std::vec![0x40, 99, 1, 7] },
            2,
        ),
        (
            "a fault and no routes to withdraw",
            update(&[], &[&good[..], &[0x80, 4, 0]].concat(), &[]),
            MessageError::Attribute(AttributeFault {
                attribute: 4,
                kind: FaultKind::Length,
                reaction: Reaction::TreatAsWithdraw,
            }),
            5,
        ),
        (
            "withdrawn routes longer than the message",
            [&MARKER[..], &[0, 23, 2, 0, 9, 0, 0]].concat(),
            MessageError::UpdateLayout,
            1,
        ),
        (
            "attributes longer than the message",
            [&MARKER[..], &[0, 23, 2, 0, 0, 0, 9]].concat(),
            MessageError::UpdateLayout,
            1,
        ),
    ]);
}

#[test]
fn a_faulty_attribute_leaves_the_routes_in_the_others_to_be_withdrawn() {
    // MP_REACH with the flags of a transitive attribute, and its routes
    let reach =
        [&[0xc0, 14, 28, 0, 2, 1, 16][..], &[0x20; 16], &[0, 48, 0x20, 1, 0xd, 0xb8, 0, 0xf]].concat();
    let attributes = [&ORIGIN[..], &PATH, &NEXT_HOP, &reach].concat();
    let parsed = parse(&update(&[16, 10, 1], &attributes, &ROUTE), EXTERNAL).unwrap();
    assert_eq!(parsed.faults[0].kind, FaultKind::Flags);
    let Message::Update(update) = parsed.message else { panic!() };
    let withdrawn: Vec<_> = update.into_withdrawal().all_withdrawn();
    let expected = ["10.1.0.0/16", "192.0.2.0/24", "2001:db8:f::/48"];
    assert_eq!(withdrawn, expected.map(|text| text.parse().unwrap()));
}

#[test]
fn headers_and_opens_that_cannot_be() {
    let open = |body: &[u8]| {
        let length = u16::try_from(HEADER_LENGTH + body.len()).unwrap().to_be_bytes();
        [&MARKER[..], &length, &[kind::OPEN], body].concat()
    };
    let good = [4, 0xfc, 0, 0, 9, 10, 0, 0, 11, 0];
    assert!(parse(&open(&good), Dialect::default()).is_ok());
    let changed = |place: usize, value: &[u8]| {
        let mut body = good.to_vec();
        body[place..place + value.len()].copy_from_slice(value);
        open(&body)
    };
    let with = |parameters: &[u8]| {
        open(&[&good[..9], &[u8::try_from(parameters.len()).unwrap()], parameters].concat())
    };
    for (what, bytes, code, subcode, data) in [
        ("version 3", changed(0, &[3]), 2, 1, &[0, 4][..]),
        ("autonomous system 0", changed(1, &[0, 0]), 2, 2, &[]),
        ("autonomous system 0 of four octets", with(&[2, 6, 65, 4, 0, 0, 0, 0]), 2, 2, &[]),
        ("hold time 1", changed(3, &[0, 1]), 2, 6, &[]),
        ("hold time 2", changed(3, &[0, 2]), 2, 6, &[]),
        ("identifier 0.0.0.0", changed(5, &[0; 4]), 2, 3, &[]),
        ("parameters that do not end", changed(9, &[1]), 2, 0, &[]),
        ("a parameter that does not end", with(&[2, 3, 2, 0]), 2, 0, &[]),
        ("a capability that does not end", with(&[2, 2, 65, 4]), 2, 0, &[]),
        ("authentication, which is no more", with(&[1, 1, 0]), 2, 4, &[]),
        ("a short OPEN", open(&good[..9]), 1, 2, &[0, 28]),
        ("no marker", std::vec![0; 19], 1, 1, &[]),
        ("an unknown type", [&MARKER[..], &[0, 19, 6]].concat(), 1, 3, &[6]),
        ("a long KEEPALIVE", [&MARKER[..], &[0, 20, 4, 0]].concat(), 1, 2, &[0, 20]),
        ("a short NOTIFICATION", [&MARKER[..], &[0, 20, 3, 0]].concat(), 1, 2, &[0, 20]),
        (
            "a short ROUTE-REFRESH",
            [&MARKER[..], &[0, 20, 5, 0]].concat(),
            7,
            1,
            &[&MARKER[..], &[0, 20, 5, 0]].concat(),
        ),
    ] {
        let notification = parse(&bytes, Dialect::default()).unwrap_err().notification();
        assert_eq!(
            (notification.code, notification.subcode, &notification.data[..]),
            (code, subcode, data),
            "{what}"
        );
    }
}

#[test]
fn capabilities_that_are_malformed_mean_nothing() {
    // a family of three octets, a restart of one, a number of three
    let parameters = [2, 14, 1, 3, 0, 1, 0, 64, 1, 0, 65, 3, 0, 0, 1, 2];
    let body = [&[4, 0xfc, 0, 0, 9, 10, 0, 0, 11, 15][..], &parameters[..15]].concat();
    let parameters = [&[2, 13][..], &parameters[2..15]].concat();
    let body = [&body[..9], &[u8::try_from(parameters.len()).unwrap()], &parameters].concat();
    let length = u16::try_from(HEADER_LENGTH + body.len()).unwrap().to_be_bytes();
    let bytes = [&MARKER[..], &length, &[kind::OPEN], &body].concat();
    let Message::Open(open) = parse(&bytes, Dialect::default()).unwrap().message else { panic!() };
    assert!(open.capabilities.0.iter().all(|one| matches!(one, Capability::Unknown { .. })));
    assert_eq!(open.capabilities.families(), crate::bgp::Families::IPV4);
    assert_eq!(open.asn(), Asn(64_512));
}

#[test]
fn a_text_of_an_operator_is_cut_and_cannot_act_on_a_terminal() {
    use std::string::ToString;
    let long = "ä".repeat(200);
    let notification = Notification::cease(Cease::AdministrativeReset, &long);
    assert_eq!(notification.data.len(), 255, "254 bytes of whole characters and their length");
    assert_eq!(notification.shutdown_communication().map(str::len), Some(254));
    let nasty = Notification::cease(Cease::AdministrativeShutdown, "bye\u{1b}[2J\n");
    assert_eq!(nasty.to_string(), "Cease: Administrative Shutdown (\"bye\\u{1b}[2J\\n\")");
    for data in [&[5, b'a'][..], &[2, 0xff, 0xff], &[0], &[]] {
        let wrong = Notification { code: 6, subcode: 2, data: data.to_vec() };
        assert_eq!(wrong.shutdown_communication(), None, "{data:?}");
    }
    assert_eq!(Notification::new(6, 99).to_string(), "Cease/99");
    assert_eq!(Notification::new(77, 1).to_string(), "unknown code 77/1");
    assert_eq!(Notification::new(4, 0).to_string(), "Hold Timer Expired");
}
