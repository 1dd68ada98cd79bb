//! Fragments: stories one can read, a naive model, a flood.

use core::net::Ipv6Addr;
use std::format;
use std::vec::Vec;

use proptest::prelude::*;

use super::*;
use crate::packet::parse;
use crate::packet::tests::build::{self, CLIENT, CLIENT_V6, V4, VIP, VIP_V6, icmp, tcp, udp};

const KEY: HashKey = HashKey::new([7; 16]);
const MORE: u16 = 0x2000;

/// A first fragment of a datagram from the client's port.
fn first(identification: u16, port: u16) -> Vec<u8> {
    V4 { identification, flags: MORE, ..V4::default() }.build(&udp(port, 53))
}

/// A later fragment of that datagram.
fn later(identification: u16) -> Vec<u8> {
    V4 { identification, flags: 1, ..V4::default() }.build(b"more")
}

fn v6_part(source: Ipv6Addr, next_header: u8, offset: u16, identification: u32) -> Vec<u8> {
    let mut bytes = build::fragment(next_header, offset, offset == 0, identification);
    bytes.extend(udp(40_000, 53));
    build::v6_between(source, VIP_V6, 44, &bytes)
}

fn record(table: &mut FragmentTable, now: Time, bytes: &[u8]) {
    table.record(now, &parse(bytes).unwrap());
}

/// The port that a later fragment's flow is found to have.
fn port(table: &FragmentTable, now: Time, bytes: &[u8]) -> Option<u16> {
    table.find(now, &parse(bytes).unwrap()).map(|flow| flow.source_port())
}

#[test]
fn later_fragments_follow_the_first_for_the_timeout() {
    let mut table = FragmentTable::new(8, Duration::from_secs(30), KEY);
    assert_eq!((table.poll_timeout(), table.is_empty()), (None, true));
    assert_eq!(port(&table, Time::ZERO, &later(1)), None);

    record(&mut table, Time::from_secs(1), &first(1, 40_000));
    record(&mut table, Time::from_secs(2), &first(2, 40_001));
    assert_eq!(table.len(), 2);
    let at = Time::from_secs;
    let seen = |table: &FragmentTable, second| [1, 2, 3].map(|id| port(table, at(second), &later(id)));
    assert_eq!(seen(&table, 2), [Some(40_000), Some(40_001), None]);
    assert_eq!(seen(&table, 30), [Some(40_000), Some(40_001), None]);
    assert_eq!(seen(&table, 31), [None, Some(40_001), None]);

    assert_eq!(table.poll_timeout(), Some(at(31)));
    table.handle_timeout(at(30));
    assert_eq!(table.len(), 2);
    table.handle_timeout(at(31));
    assert_eq!((table.len(), table.poll_timeout()), (1, Some(at(32))));
    table.handle_timeout(at(100));
    assert_eq!((table.len(), table.poll_timeout()), (0, None));
    assert_eq!(table.displaced(), 0);
}

/// What names a datagram, and what does not. With a limit of 1 all names are
/// on one chain, so that the hash cannot do the comparison's work.
#[test]
fn the_whole_name_is_compared() {
    let mut v4_table = FragmentTable::new(1, DEFAULT_TIMEOUT, KEY);
    record(&mut v4_table, Time::ZERO, &first(7, 40_000));
    let base = V4 { identification: 7, flags: 1, ..V4::default() };
    let rows = [
        ("the same datagram", base.clone(), true),
        ("its last part", V4 { flags: 0x0100, ..base.clone() }, true),
        ("another identification", V4 { identification: 8, ..base.clone() }, false),
        ("another protocol", V4 { protocol: 6, ..base.clone() }, false),
        ("another source", V4 { source: VIP, ..base.clone() }, false),
        ("another destination", V4 { destination: CLIENT, ..base.clone() }, false),
        ("a whole packet", V4 { flags: 0, ..base.clone() }, false),
        ("the first fragment itself", V4 { flags: MORE, ..base }, false),
    ];
    for (what, header, expected) in rows {
        let bytes = header.build(&tcp(1, 2, 2));
        assert_eq!(port(&v4_table, Time::ZERO, &bytes).is_some(), expected, "{what}");
    }

    let mut v6_table = FragmentTable::new(1, DEFAULT_TIMEOUT, KEY);
    record(&mut v6_table, Time::ZERO, &v6_part(CLIENT_V6, 17, 0, 70_000));
    let rows = [
        ("the same datagram", v6_part(CLIENT_V6, 17, 8, 70_000), true),
        // RFC 8200 §4.5: the next header of later fragments is not compared.
        ("another next header", v6_part(CLIENT_V6, 60, 8, 70_000), true),
        ("the lower half of the identification", v6_part(CLIENT_V6, 17, 8, 70_000 - 65_536), false),
        ("another source", v6_part(VIP_V6, 17, 8, 70_000), false),
        ("the other family", later(1), false),
    ];
    for (what, bytes, expected) in rows {
        assert_eq!(port(&v6_table, Time::ZERO, &bytes).is_some(), expected, "{what}");
    }
}

/// Identifications come round; the newest first fragment counts, for a timeout of its own.
#[test]
fn a_new_datagram_of_the_same_name_replaces_the_old() {
    let mut table = FragmentTable::new(4, Duration::from_secs(30), KEY);
    record(&mut table, Time::from_secs(0), &first(1, 40_000));
    record(&mut table, Time::from_secs(20), &first(1, 40_001));
    assert_eq!((table.len(), port(&table, Time::from_secs(20), &later(1))), (1, Some(40_001)));
    table.handle_timeout(Time::from_secs(30));
    assert_eq!((table.len(), port(&table, Time::from_secs(49), &later(1))), (1, Some(40_001)));
    table.handle_timeout(Time::from_secs(50));
    assert_eq!(table.len(), 0);
}

#[test]
fn a_full_table_forgets_the_oldest() {
    let mut table = FragmentTable::new(3, DEFAULT_TIMEOUT, KEY);
    for id in 1..=5 {
        record(&mut table, Time::from_millis(u64::from(id)), &first(id, id));
    }
    let found: Vec<_> = (1..=5).map(|id| port(&table, Time::from_millis(5), &later(id))).collect();
    assert_eq!(found, [None, None, Some(3), Some(4), Some(5)]);
    assert_eq!((table.len(), table.limit(), table.displaced()), (3, 3, 2));
}

#[test]
fn only_first_fragments_with_a_flow_of_their_own_are_recorded() {
    let quoted = V4 { source: VIP, destination: CLIENT, ..V4::default() }.build(&udp(53, 40_000));
    let rows = [
        ("a whole packet", build::v4(17, &udp(1, 2)), 0),
        ("a later fragment", later(1), 0),
        ("an ICMP error", V4 { protocol: 1, flags: MORE, ..V4::default() }.build(&icmp(3, 3, 0, &quoted)), 0),
        ("an echo request", V4 { protocol: 1, flags: MORE, ..V4::default() }.build(&icmp(8, 0, 0, &[])), 1),
        ("TCP", V4 { protocol: 6, flags: MORE, ..V4::default() }.build(&tcp(1, 2, 2)), 1),
    ];
    for (what, bytes, expected) in rows {
        let mut table = FragmentTable::new(8, DEFAULT_TIMEOUT, KEY);
        record(&mut table, Time::ZERO, &bytes);
        assert_eq!(table.len(), expected, "{what}");
    }
}

#[test]
fn a_limit_of_zero_remembers_nothing() {
    let mut table = FragmentTable::new(0, DEFAULT_TIMEOUT, KEY);
    record(&mut table, Time::ZERO, &first(1, 40_000));
    assert_eq!((table.len(), port(&table, Time::ZERO, &later(1))), (0, None));
    table.handle_timeout(Time::MAX);
}

#[test]
fn the_three_tuple_rule() {
    let rows = [
        (later(1), "udp 192.0.2.1:0 -> 203.0.113.10:0"),
        (first(1, 40_000), "udp 192.0.2.1:0 -> 203.0.113.10:0"),
        (v6_part(CLIENT_V6, 17, 8, 1), "udp [2001:db8:1::1]:0 -> [2001:db8:2::10]:0"),
    ];
    for (bytes, expected) in rows {
        assert_eq!(format!("{}", three_tuple(&parse(&bytes).unwrap())), expected);
    }
}

/// A flood takes no memory, keeps chains short (so that every packet costs the
/// same), and what came last is still found.
#[test]
fn a_flood_of_first_fragments() {
    const LIMIT: usize = 4096;
    let mut table = FragmentTable::new(LIMIT, DEFAULT_TIMEOUT, KEY);
    let memory = table.memory_bytes();
    assert!(memory <= 72 * LIMIT + size_of::<FragmentTable>(), "{memory} bytes");
    for round in 0..20_u32 {
        for id in 0..5_000_u16 {
            let source = (0x0a00_0000 + round).into();
            let bytes = V4 { source, identification: id, flags: MORE, ..V4::default() }.build(&udp(id, 53));
            record(&mut table, Time::from_nanos(u64::from(round)), &bytes);
        }
        assert_eq!((table.len(), table.memory_bytes()), (LIMIT, memory));
    }
    let source = (0x0a00_0000 + 19).into();
    let bytes = V4 { source, identification: 4_999, flags: 1, ..V4::default() }.build(b"more");
    assert_eq!(port(&table, Time::from_nanos(19), &bytes), Some(4_999));
    assert_eq!(table.displaced(), 20 * 5_000 - LIMIT as u64);

    let longest = (0..table.chains.len()).map(|chain| chain_length(&table, chain)).max();
    // Balls into bins: above 12 of 4,096 in one of as many bins has a chance of 10^-6.
    assert!(longest <= Some(12), "a chain of {longest:?}");
}

fn chain_length(table: &FragmentTable, chain: usize) -> usize {
    let there = |place: u32| (place != NONE).then_some(place);
    let next = |place: &u32| there(table.entries[*place as usize].next);
    core::iter::successors(there(table.chains[chain]), next).count()
}

/// What a random history is made of.
#[derive(Clone, Debug)]
enum Operation {
    Record { id: u16, port: u16 },
    Find { id: u16 },
    Timeout,
    Wait { seconds: u64 },
}

fn operation() -> impl Strategy<Value = Operation> {
    prop_oneof![
        4 => (0_u16..12, any::<u16>()).prop_map(|(id, port)| Operation::Record { id, port }),
        4 => (0_u16..12).prop_map(|id| Operation::Find { id }),
        1 => Just(Operation::Timeout),
        2 => (0_u64..20).prop_map(|seconds| Operation::Wait { seconds }),
    ]
}

/// The same by a list of all records: the newest of a name is found, unless it
/// is too old or `limit` records came after it.
#[derive(Default)]
struct Model(Vec<(Time, u16, u16)>);

impl Model {
    fn find(&self, now: Time, limit: usize, id: u16) -> Option<u16> {
        let recent = self.0.iter().rev().take(limit);
        let (time, _, port) = recent.into_iter().find(|(_, known, _)| *known == id)?;
        (now - *time < Duration::from_secs(30)).then_some(*port)
    }
}

proptest! {
    #[test]
    fn behaves_as_the_model(limit in 1_usize..8, operations in proptest::collection::vec(operation(), 0..80)) {
        let mut table = FragmentTable::new(limit, Duration::from_secs(30), KEY);
        let mut model = Model::default();
        let mut now = Time::ZERO;
        for operation in operations {
            match operation {
                Operation::Record { id, port } => {
                    record(&mut table, now, &first(id, port));
                    model.0.push((now, id, port));
                }
                Operation::Find { id } => {
                    prop_assert_eq!(port(&table, now, &later(id)), model.find(now, limit, id));
                }
                Operation::Timeout => {
                    table.handle_timeout(now);
                    prop_assert!(table.poll_timeout().is_none_or(|due| due > now));
                }
                Operation::Wait { seconds } => now += Duration::from_secs(seconds),
            }
            prop_assert!(table.len() <= limit);
            let on_chains: usize = (0..table.chains.len()).map(|chain| chain_length(&table, chain)).sum();
            prop_assert_eq!(table.len(), on_chains);
        }
        table.handle_timeout(now + Duration::from_secs(30));
        prop_assert_eq!((table.len(), table.poll_timeout()), (0, None));
    }
}
