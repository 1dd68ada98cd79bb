//! Tests of destinations: the way to attributes and back, what must be there, what is odd, how they print.

use proptest::prelude::*;

use super::{Checksum, Connections, Destination, DestinationKey, Forward, ListedDestination, Tunnel};
use crate::arbitrary::ipvs;
use crate::ipvs::attribute::Attribute;
use crate::ipvs::schema::{command, destination};
use crate::ipvs::{AddressFamily, CommandCode, DecodeError, Message, Statistics};

fn listed(attributes: Vec<Attribute>) -> Result<ListedDestination, DecodeError> {
    let message = Message::new(CommandCode::NewDest, vec![command::DEST.with(attributes)]);
    ListedDestination::from_message(&message, AddressFamily::V4)
}

/// The attributes of a destination that a kernel would tell, with some replaced or added.
fn with(destination: Destination, others: &[Attribute]) -> Vec<Attribute> {
    let mut attributes = command::DEST.find(&[destination.to_attribute()]).unwrap();
    attributes.extend_from_slice(others);
    attributes
}

fn backend(forward: Forward) -> Destination {
    Destination::new([10, 2, 0, 10].into(), 80, forward)
}

proptest! {
    #[test]
    fn a_destination_is_read_as_it_was_sent(destination in ipvs::destination(), service in ipvs::family()) {
        let message = Message::new(CommandCode::NewDest, vec![destination.to_attribute()]);
        let message = Message::decode(&message.to_bytes()).unwrap();
        let (connections, statistics) = (Connections::default(), Statistics::default());
        let expected = ListedDestination { destination, connections, statistics, unknown: vec![] };
        prop_assert_eq!(ListedDestination::from_message(&message, service), Ok(expected));
    }

    /// Whatever numbers a stranger sets, they are listed, and the same numbers are sent again.
    #[test]
    fn odd_tunnels_are_kept(kind: u8, port: u16, flags: u16) {
        let numbers =
            [destination::TUN_TYPE.with(kind), destination::TUN_PORT.with(port), destination::TUN_FLAGS.with(flags)];
        let found = listed(with(backend(Forward::Tunnel(Tunnel::Ipip)), &numbers)).unwrap().destination;
        let sent = command::DEST.find(&[found.to_attribute()]).unwrap();
        prop_assert_eq!(destination::TUN_TYPE.find(&sent), Some(kind));
        prop_assert_eq!(destination::TUN_PORT.find(&sent), Some(port));
        prop_assert_eq!(destination::TUN_FLAGS.find(&sent), Some(flags));
    }
}

#[test]
fn every_method_has_its_number() {
    let tunnel = Forward::Tunnel(Tunnel::Ipip);
    let methods = [
        Forward::Masquerade,
        Forward::Local,
        tunnel,
        Forward::DirectRoute,
        Forward::Bypass,
        Forward::Other(5),
    ];
    for (number, forward) in (0..).zip(methods) {
        let sent = with(backend(forward), &[]);
        assert_eq!(destination::FWD_METHOD.find(&sent), Some(number));
        assert_eq!(listed(sent).unwrap().destination.forward, forward);
        // Other bits of the connection flags are not the method's.
        let with_more = with(backend(tunnel), &[destination::FWD_METHOD.with(number | 0x100)]);
        assert_eq!(listed(with_more).unwrap().destination.forward, forward);
    }
}

#[test]
fn an_old_kernels_destination_has_its_services_family_and_ipip() {
    let whole = with(backend(Forward::Tunnel(Tunnel::Ipip)), &[]);
    let new = [
        "IPVS_DEST_ATTR_ADDR_FAMILY",
        "IPVS_DEST_ATTR_TUN_TYPE",
        "IPVS_DEST_ATTR_TUN_PORT",
        "IPVS_DEST_ATTR_TUN_FLAGS",
    ];
    let old: Vec<_> = whole
        .into_iter()
        .filter(|one| !matches!(one, Attribute::Known { spec, .. } if new.contains(&spec.name)))
        .collect();
    assert_eq!(old.len(), 6);
    assert_eq!(listed(old).unwrap().destination, backend(Forward::Tunnel(Tunnel::Ipip)));
}

#[test]
fn what_is_missing_or_wrong_is_named() {
    let whole = with(backend(Forward::DirectRoute), &[]);
    for left_out in &whole[1..] {
        let Attribute::Known { spec, .. } = left_out else { panic!("all are known") };
        let rest = whole.iter().filter(|one| *one != left_out).cloned().collect();
        assert_eq!(listed(rest), Err(DecodeError::Missing { attribute: spec.name }));
    }
    let wrong = with(backend(Forward::Local), &[destination::ADDR_FAMILY.with(3)]);
    let error = DecodeError::Value { attribute: "IPVS_DEST_ATTR_ADDR_FAMILY", value: 3 };
    assert_eq!(listed(wrong), Err(error));
}

#[test]
fn counts_and_what_is_unknown_are_beside_the_destination() {
    let unknown = Attribute::Unknown { number: 16, bytes: vec![7] };
    let counts = [
        destination::ACTIVE_CONNS.with(1),
        destination::INACT_CONNS.with(2),
        destination::PERSIST_CONNS.with(3),
    ];
    let found =
        listed(with(backend(Forward::Local), &[&counts[..], std::slice::from_ref(&unknown)].concat()))
            .unwrap();
    assert_eq!(found.connections, Connections { active: 1, inactive: 2, persistent: 3 });
    assert_eq!(found.unknown, [unknown]);
}

#[test]
fn destinations_print_as_people_call_them() {
    let gue = |checksum| Forward::Tunnel(Tunnel::Gue { port: 6080, checksum });
    let other = Forward::Tunnel(Tunnel::Other { kind: 9, port: 8, flags: 7 });
    let limited = Destination { upper_threshold: 100, lower_threshold: 75, ..backend(Forward::Masquerade) };
    let cases = [
        (backend(gue(Checksum::Remote)), "10.2.0.10:80, weight 1, gue port 6080 with remote checksum"),
        (
            backend(Forward::Tunnel(Tunnel::Gre { checksum: Checksum::Full })),
            "10.2.0.10:80, weight 1, gre with checksum",
        ),
        (backend(other), "10.2.0.10:80, weight 1, tunnel 9 port 8 flags 7"),
        (backend(Forward::Other(6)), "10.2.0.10:80, weight 1, method 6"),
        (limited, "10.2.0.10:80, weight 1, masquerade, thresholds 75 to 100"),
    ];
    for (destination, expected) in cases {
        assert_eq!(destination.to_string(), expected);
    }
    let key = DestinationKey { address: "2001:db8::7".parse().unwrap(), port: 443 };
    assert_eq!(key.to_string(), "[2001:db8::7]:443");
}
