//! Flows: names, directions and sets of fields.

use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::string::ToString;

use proptest::prelude::*;

use crate::flow::{Addresses, FlowKey, HashFields, Protocol};

#[test]
fn flows_print_as_people_write_them() {
    let v4 = |protocol| {
        FlowKey::v4(protocol, (Ipv4Addr::new(192, 0, 2, 1), 40_000), (Ipv4Addr::new(203, 0, 113, 10), 443))
    };
    let v6 = FlowKey::v6(Protocol::ICMPV6, (Ipv6Addr::LOCALHOST, 0), (Ipv6Addr::UNSPECIFIED, 0));
    let table = [
        (v4(Protocol::TCP), "tcp 192.0.2.1:40000 -> 203.0.113.10:443"),
        (v4(Protocol::UDP), "udp 192.0.2.1:40000 -> 203.0.113.10:443"),
        (v4(Protocol::SCTP), "sctp 192.0.2.1:40000 -> 203.0.113.10:443"),
        (v4(Protocol::ICMP), "icmp 192.0.2.1:40000 -> 203.0.113.10:443"),
        (v4(Protocol(50)), "protocol 50 192.0.2.1:40000 -> 203.0.113.10:443"),
        (v6, "icmpv6 [::1]:0 -> [::]:0"),
    ];
    for (flow, expected) in table {
        assert_eq!(flow.to_string(), expected);
    }
}

#[test]
fn three_protocols_have_ports() {
    let with_ports: std::vec::Vec<u8> = (0..=255).filter(|number| Protocol(*number).has_ports()).collect();
    assert_eq!(with_ports, [6, 17, 132]);
}

#[test]
fn sets_of_fields() {
    let pair = HashFields::SOURCE.union(HashFields::SOURCE_PORT);
    assert!(pair.contains(HashFields::SOURCE));
    assert!(pair.contains(HashFields::NONE));
    assert!(!pair.contains(HashFields::DESTINATION));
    assert!(!pair.contains(HashFields::ALL));
    assert!(HashFields::ALL.contains(pair));
    assert_eq!(HashFields::default(), HashFields::ALL);
    let all = [HashFields::PROTOCOL, HashFields::DESTINATION, HashFields::DESTINATION_PORT, pair];
    assert_eq!(all.into_iter().fold(HashFields::NONE, HashFields::union), HashFields::ALL);
}

proptest! {
    #[test]
    fn reversing_swaps_the_ends(protocol: u8, source: u32, destination: u32, ports: (u16, u16), v6: bool) {
        let addresses = if v6 {
            let wide = |address: u32| Ipv6Addr::from(u128::from(address) << 64 | 1);
            Addresses::V6 { source: wide(source), destination: wide(destination) }
        } else {
            Addresses::V4 { source: source.into(), destination: destination.into() }
        };
        let flow = FlowKey::new(Protocol(protocol), addresses, ports.0, ports.1);
        let back = flow.reversed();
        prop_assert_eq!((back.source(), back.source_port()), (flow.destination(), ports.1));
        prop_assert_eq!((back.destination(), back.destination_port()), (flow.source(), ports.0));
        prop_assert_eq!(back.protocol(), flow.protocol());
        prop_assert_eq!(back.reversed(), flow);
        prop_assert_eq!(matches!(flow.source(), IpAddr::V6(_)), v6);
    }
}
