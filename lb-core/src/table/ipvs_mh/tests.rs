//! Numbers that were checked against a live Linux kernel and against the
//! kernel's own siphash compiled for user space.

use std::vec::Vec;

use super::*;
use crate::identity::{Endpoint, Weight};
use crate::table::ipvs::DestinationList;
use crate::table::{Table, TableKind};

const KIND: TableKind = TableKind::IpvsMh { size: 4_093, family: Family::V4 };

fn server(last: u8) -> Endpoint {
    Endpoint::new([10, 0, 0, last].into(), 80)
}

fn table(list: &DestinationList) -> Table {
    Table::build(KIND, &HashKey::new([0; 16]), &list.members(KIND)).unwrap()
}

/// The last octet of who holds each slot.
fn octets(table: &Table) -> Vec<u8> {
    let octet = |member: &Member| match member.endpoint.address {
        IpAddr::V4(address) => address.octets()[3],
        IpAddr::V6(_) => 0,
    };
    let members: Vec<_> = table.members().iter().map(octet).collect();
    table.slots().iter().map(|slot| members[usize::from(*slot)]).collect()
}

#[test]
fn hashes_of_the_kernel() {
    // address, port, h1, h2, offset, skip
    let rows = [
        ([10, 0, 0, 1], 80, 0x439c_0cbe, 0x97b3_dc47, 3_167, 700),
        ([10, 0, 0, 2], 80, 0xa1cf_683b, 0xfa5d_46df, 1_231, 3_544),
        ([192, 0, 2, 1], 0, 0x9288_9c88, 0xc6fe_83e5, 2_891, 4_086),
        ([198, 51, 100, 7], 54_321, 0x19d9_5dd0, 0x9324_b015, 1_913, 630),
    ];
    for (address, port, h1, h2, offset, skip) in rows {
        let address = IpAddr::from(address);
        let word = ipvs::fold(address);
        assert_eq!(hash(OFFSET_KEY, word, port, 0), h1, "{address}");
        assert_eq!(hash(SKIP_KEY, word, port, 0), h2, "{address}");
        assert_eq!(slot(4_093, address, port, 0), offset, "{address}");
        assert_eq!(h2 % 4_092 + 1, skip, "{address}");
    }
}

#[test]
fn three_servers_of_weights_1_1_2() {
    let mut list = DestinationList::default();
    for (last, weight) in [(1, 1), (2, 1), (3, 2)] {
        list.add(server(last), Weight(weight));
    }
    let table = table(&list);
    // Head first: .3, .2, .1.
    assert_eq!(table.slot_counts(), [2_047, 1_023, 1_023]);
    let first = [1, 2, 3, 3, 3, 3, 2, 3, 3, 1, 1, 2, 2, 1, 1, 3, 2, 3, 3, 1, 3, 3, 3, 3];
    let octets = octets(&table);
    assert_eq!(octets[..24], first);
    let clients = [[192, 0, 2, 1], [192, 0, 2, 2], [192, 0, 2, 3], [198, 51, 100, 7]];
    for (port, expected) in [(0, [3, 2, 3, 1]), (54_321, [2, 3, 1, 3])] {
        let got = clients.map(|client| octets[slot(4_093, client.into(), port, 0) as usize]);
        assert_eq!(got, expected, "port {port}");
    }
}

#[test]
fn one_weight_of_99_among_hundreds_starves_18_of_100_servers() {
    let mut list = DestinationList::default();
    for last in 1..=100 {
        list.add(server(last), Weight(100));
    }
    let before = table(&list);
    list.set_weight(&server(100), Weight(99));
    let after = table(&list);
    assert_eq!(after.slot_counts().iter().filter(|count| **count == 0).count(), 18);
    assert_eq!(after.slot_counts().iter().max(), Some(&50));
    // More than half of the table moves for a hundredth of a percent of the load.
    let moved = octets(&before).iter().zip(octets(&after)).filter(|(old, new)| **old != *new).count();
    assert!((2_100..2_400).contains(&moved), "{moved}");
}

#[test]
fn weight_zero_keeps_the_slots_and_delete_and_add_moves_to_the_head() {
    let mut list = DestinationList::default();
    for last in 1..=3 {
        list.add(server(last), Weight(1));
    }
    let before = table(&list);
    list.set_weight(&server(2), Weight(0));
    assert_eq!(table(&list).slots(), before.slots());
    list.remove(&server(2));
    list.add(server(2), Weight(1));
    assert_ne!(octets(&table(&list)), octets(&before));
    // Added with weight 0, a server holds nothing.
    list.remove(&server(2));
    list.add(server(2), Weight(0));
    assert_eq!(table(&list).slot_counts()[0], 0);
    assert!(!octets(&table(&list)).contains(&2));
}

#[test]
fn ipv6_addresses_are_folded() {
    let v6 = IpAddr::from([0x2001, 0xdb8, 0, 0, 0, 0, 0, 5_u16]);
    assert_eq!(ipvs::fold(v6), 0x2001_0db8 ^ 5);
}

fn mixed(family: Family, addresses: &[&str]) -> Table {
    let mut list = DestinationList::default();
    for address in addresses {
        list.add(Endpoint::new(address.parse().unwrap(), 80), Weight(1));
    }
    let kind = TableKind::IpvsMh { size: 4_093, family };
    Table::build(kind, &HashKey::new([0; 16]), &list.members(kind)).unwrap()
}

/// `ip_vs_mh_hashkey(svc->af, &dest->addr, ...)`: a union is read in the family of the service.
#[test]
fn destinations_are_read_in_the_family_of_the_service() {
    let over6 = ["2001:db8:1::1", "2001:db9:2::2", "fd00:b::3"];
    let first_words = ["32.1.13.184", "32.1.13.185", "253.0.0.11"];
    assert_eq!(mixed(Family::V4, &over6).slots(), mixed(Family::V4, &first_words).slots());
    assert_ne!(mixed(Family::V4, &over6).slots(), mixed(Family::V6, &over6).slots());
    let over4 = ["10.0.0.1", "10.0.0.2", "10.0.0.3"];
    assert_eq!(
        mixed(Family::V6, &over4).slots(),
        mixed(Family::V4, &over4).slots(),
        "one word, the rest is zero"
    );
    let names = |family, addresses| mixed(family, addresses).digest();
    assert_ne!(names(Family::V4, &over6), names(Family::V6, &over6));
}

/// All in one /32 walk the same way, so they take its slots in turn, and one less moves most of them.
#[test]
fn an_ipv4_service_cannot_tell_destinations_of_one_prefix_apart() {
    let table = mixed(Family::V4, &["fd00:b:1::2", "fd00:b:2::2", "fd00:b:3::2"]);
    assert_eq!(table.slot_counts(), [1_365, 1_364, 1_364]);
    let without = mixed(Family::V4, &["fd00:b:1::2", "fd00:b:2::2"]);
    let (all, own) = (table.moved(&without).slots, 1_365);
    assert!(all - own > 4_093 / 4, "{all} slots moved, {own} of them its own");
}
