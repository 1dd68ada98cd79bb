//! The table as its owner sees it; floods and the model have files of their own.

mod flood;
mod model;

use core::net::{Ipv4Addr, Ipv6Addr};
use core::time::Duration;
use std::vec::Vec;

use super::*;
use crate::identity::ServiceId;

const BACKEND: BackendId = BackendId(3);
const OTHER: BackendId = BackendId(4);

/// A table of at most `max` flows, all of which may be unproven.
fn table(max: u32, machine: Machine) -> ConnectionTable {
    let limits = ConnectionLimits { unproven: max, ..ConnectionLimits::new(max, machine) };
    ConnectionTable::new(limits, machine, HashKey::new(*b"a secret for us!"))
}

/// The `number`-th client, with an address of IPv4.
fn v4(number: u32) -> ConnectionKey {
    let [_, a, b, c] = (number / 50_000).to_be_bytes();
    let port = u16::try_from(1024 + number % 50_000).unwrap();
    ConnectionKey::new(ServiceId(1), Ipv4Addr::new(10, a, b, c).into(), port)
}

/// The `number`-th client, with an address of IPv6.
fn v6(number: u32) -> ConnectionKey {
    let source = Ipv6Addr::from_bits(0x2001_0db8 << 96 | u128::from(number));
    ConnectionKey::new(ServiceId(1), source.into(), 443)
}

fn at(milliseconds: u64) -> Time {
    Time::from_millis(milliseconds)
}

/// Handles all timeouts until `now`, and says what happened.
fn settle(table: &mut ConnectionTable, now: Time) -> Vec<ConnectionEvent> {
    let mut events = Vec::new();
    while table.poll_timeout().is_some_and(|due| due <= now) {
        table.handle_timeout(now);
        events.extend(core::iter::from_fn(|| table.poll_event()));
    }
    events
}

#[test]
fn a_flow_keeps_its_backend_and_moves_through_its_states() {
    for key in [v4(1), v6(1)] {
        let mut table = table(10, Machine::Own);
        assert_eq!(table.find(at(0), &key, Segment::SYN), None);
        assert!(matches!(table.insert(at(0), key, Segment::SYN, BACKEND), Insert::Inserted(_)));
        let steps = [
            (1, Segment::SYN, TcpState::SynReceived, false),
            (20, Segment::ACK, TcpState::Established, false),
            (1019, Segment::ACK, TcpState::Established, true),
            (2000, Segment::SYN, TcpState::Established, true),
            (3000, Segment::FIN, TcpState::FinWait, true),
            (3100, Segment::ACK, TcpState::FinWait, true),
            (4000, Segment::RST, TcpState::Closed, true),
            (5000, Segment::SYN, TcpState::SynReceived, true),
        ];
        for (now, segment, state, proven) in steps {
            let found = table.find(at(now), &key, segment).unwrap();
            assert_eq!(
                (found.backend, found.state, found.proven),
                (BACKEND, State::Tcp(state), proven),
                "{now}"
            );
        }
        assert_eq!(table.peek(at(5000), &key).unwrap().state, State::Tcp(TcpState::SynReceived));
        table.remove(table.peek(at(5000), &key).unwrap().handle);
        assert!(table.is_empty());
    }
}

#[test]
fn neighbours_of_a_key_are_other_flows() {
    let mut table = table(10, Machine::Own);
    let key = v6(1);
    table.insert(at(0), key, Segment::SYN, BACKEND);
    let service = ConnectionKey { service: ServiceId(2), ..key };
    let port = ConnectionKey { source_port: 444, ..key };
    let last_byte = v6(0);
    let first_bit = ConnectionKey { source: Ipv6Addr::from_bits(0xa001_0db8 << 96 | 1).into(), ..key };
    for other in [service, port, last_byte, first_bit] {
        assert_eq!(table.find(at(1), &other, Segment::ACK), None, "{other:?}");
    }
}

#[test]
fn a_silent_flow_is_gone_at_its_timeout_whether_collected_or_not() {
    let cases = [
        (Machine::Own, Segment::SYN, 60),
        (Machine::Own, Segment::ACK, 900),
        (Machine::Own, Segment::FIN, 120),
        (Machine::Own, Segment::RST, 10),
        (Machine::Own, Segment::Udp, 30),
        (Machine::Own, Segment::Sctp(SctpClass::Init), 60),
        (Machine::Own, Segment::Other, 10),
        (Machine::Ipvs, Segment::SYN, 60),
        (Machine::Ipvs, Segment::FIN, 10),
        (Machine::Ipvs, Segment::Udp, 300),
        (Machine::Ipvs, Segment::Sctp(SctpClass::Init), 4),
    ];
    for (machine, segment, seconds) in cases {
        let deadline = at(5) + Duration::from_secs(seconds);
        let almost = at(4) + Duration::from_secs(seconds);
        for collect in [false, true] {
            let mut table = table(10, machine);
            table.insert(at(5), v4(1), segment, BACKEND);
            assert!(table.peek(almost, &v4(1)).is_some(), "{machine:?} {segment:?}");
            assert_eq!(table.peek(deadline, &v4(1)), None, "{machine:?} {segment:?}");
            if collect {
                assert_eq!(table.poll_timeout(), Some(deadline), "{machine:?} {segment:?}");
                assert_eq!(settle(&mut table, deadline).len(), 1);
            } else {
                assert_eq!(table.find(deadline, &v4(1), segment), None);
            }
            assert_eq!((table.len(), table.counters().expired), (0, 1));
            assert_eq!(table.len_of(BACKEND), BackendConnections::default());
        }
    }
}

#[test]
fn a_proven_flow_is_collected_one_tick_late_at_most() {
    let mut table = table(10, Machine::Own);
    table.insert(at(0), v4(1), Segment::ACK, BACKEND);
    let mut last = 0;
    for now in (0..5_000_000).step_by(799_999) {
        table.find(at(now), &v4(1), Segment::ACK).unwrap();
        assert_eq!(settle(&mut table, at(now)), []);
        last = now;
    }
    let deadline = last + 900_000;
    assert_eq!(settle(&mut table, at(deadline - 1)), []);
    assert_eq!(settle(&mut table, at(deadline + 64)).len(), 1);
    assert_eq!(table.poll_timeout(), None);
}

#[test]
fn a_sooner_timeout_is_kept_too() {
    let mut table = table(10, Machine::Own);
    table.insert(at(0), v4(1), Segment::ACK, BACKEND);
    table.find(at(1000), &v4(1), Segment::ACK).unwrap();
    table.find(at(2000), &v4(1), Segment::RST).unwrap();
    assert_eq!(settle(&mut table, at(11_999)), []);
    assert_eq!(settle(&mut table, at(12_064)).len(), 1);
}

#[test]
fn udp_becomes_a_stream_once_it_is_proven() {
    let mut table = table(10, Machine::Own);
    table.insert(at(0), v4(1), Segment::Udp, BACKEND);
    let found = table.find(at(999), &v4(1), Segment::Udp).unwrap();
    assert_eq!((found.state, found.proven), (State::Udp(UdpState::New), false));
    let found = table.find(at(1000), &v4(1), Segment::Udp).unwrap();
    assert_eq!((found.state, found.proven), (State::Udp(UdpState::Stream), true));
    assert!(table.peek(at(180_999), &v4(1)).is_some());
    assert_eq!(table.peek(at(181_000), &v4(1)), None);
}

#[test]
fn packets_without_a_header_keep_no_flow_alive() {
    let mut table = table(10, Machine::Own);
    for key in [v4(1), v4(2)] {
        table.insert(at(0), key, Segment::ACK, BACKEND);
    }
    table.find(at(1000), &v4(1), Segment::ACK).unwrap();
    assert!(table.find(at(800_000), &v4(1), Segment::Other).unwrap().proven);
    assert!(!table.find(at(800_000), &v4(2), Segment::Other).unwrap().proven);
    assert_eq!(table.peek(at(901_000), &v4(1)), None);
    assert_eq!(table.peek(at(900_000), &v4(2)), None);
}

#[test]
fn a_rebound_flow_starts_again_at_its_new_backend() {
    let mut table = table(10, Machine::Own);
    table.insert(at(0), v6(1), Segment::ACK, BACKEND);
    table.find(at(1500), &v6(1), Segment::FIN).unwrap();
    assert_eq!(table.len_of(BACKEND), BackendConnections { active: 0, inactive: 1, unproven: 0 });
    let found = table.find(at(1600), &v6(1), Segment::ACK).unwrap();
    table.rebind(at(1600), found.handle, OTHER, Segment::ACK);
    let found = table.peek(at(1600), &v6(1)).unwrap();
    assert_eq!((found.backend, found.state), (OTHER, State::Tcp(TcpState::Established)));
    assert!(found.proven);
    assert_eq!(table.len_of(BACKEND).total(), 0);
    assert_eq!(table.len_of(OTHER), BackendConnections { active: 1, inactive: 0, unproven: 0 });
}

#[test]
fn inserting_a_flow_again_binds_it() {
    let mut table = table(10, Machine::Own);
    table.insert(at(0), v4(1), Segment::SYN, BACKEND);
    table.insert(at(1), v4(1), Segment::SYN, OTHER);
    assert_eq!((table.len(), table.len_of(OTHER).total()), (1, 1));
}

#[test]
fn a_backend_is_removed_with_all_its_flows_and_no_others() {
    let mut table = table(1000, Machine::Own);
    for number in 0..500 {
        let backend = if number % 3 == 0 { BACKEND } else { OTHER };
        table.insert(at(0), v4(number), Segment::Udp, backend);
        table.insert(at(0), v6(number), Segment::Udp, backend);
    }
    assert_eq!(table.remove_backend(BACKEND), 2 * 167);
    assert_eq!((table.len(), table.len_of(OTHER).total()), (666, 666));
    assert!((0..500).all(|number| table.peek(at(1), &v6(number)).is_some() == (number % 3 != 0)));
    assert_eq!(table.poll_event(), None);
}

#[test]
fn a_touched_flow_is_found_as_any_other() {
    let mut table = table(100, Machine::Own);
    for key in [v4(7), v6(7)] {
        let touched = table.touch(&key);
        table.fetch_index(&touched);
        table.fetch_entry(&touched);
        assert_eq!(table.peek_touched(at(0), &key, &touched), None);
        assert!(matches!(
            table.insert_touched(at(0), key, &touched, Segment::ACK, BACKEND),
            Insert::Inserted(_)
        ));
        table.fetch_entry(&touched);
        assert_eq!(table.peek_touched(at(1), &key, &touched).unwrap().backend, BACKEND);
    }
}

#[test]
fn time_that_goes_back_stands_still() {
    let mut table = table(10, Machine::Own);
    table.insert(at(100_000), v4(1), Segment::ACK, BACKEND);
    assert!(table.find(at(5), &v4(1), Segment::ACK).is_some());
    table.handle_timeout(at(0));
    assert!(table.peek(at(0), &v4(1)).is_some());
    assert_eq!(table.poll_timeout(), Some(at(1_000_000)));
}

#[test]
fn weeks_without_a_call_expire_everything() {
    let week = 7 * 86_400_000;
    // Multiples of 2^32 ms, the modulus of the entries' clock, are in it.
    for gap in [week, 2 * week, (1 << 32) - 1, 1 << 32, (1 << 32) + 100, 20 * week] {
        let mut table = table(10, Machine::Own);
        for key in [v4(1), v6(1)] {
            table.insert(at(50), key, Segment::ACK, BACKEND);
            table.find(at(1050), &key, Segment::ACK).unwrap();
        }
        assert_eq!(table.peek(at(1050 + gap), &v4(1)), None, "{gap}");
        assert_eq!(table.find(at(1050 + gap), &v4(1), Segment::ACK), None, "{gap}");
        assert_eq!(table.find(at(1050 + gap), &v6(1), Segment::ACK), None, "{gap}");
        assert_eq!(table.counters().expired, 2, "{gap}");
    }
}

#[test]
fn a_flow_seen_for_months_without_a_sweep_stays() {
    let mut table = table(10, Machine::Own);
    table.insert(at(0), v4(1), Segment::ACK, BACKEND);
    table.insert(at(0), v4(2), Segment::ACK, BACKEND);
    for now in (0..100 * 86_400_000_u64).step_by(890_000) {
        assert!(table.find(at(now), &v4(1), Segment::ACK).is_some(), "{now}");
    }
    assert_eq!(table.len(), 1, "the silent one was collected on the way");
}

#[test]
fn one_call_collects_a_bounded_number_of_flows() {
    let mut table = table(5000, Machine::Own);
    (0..3000).for_each(|number| _ = table.insert(at(0), v4(number), Segment::Udp, BACKEND));
    (0..2000).for_each(|number| _ = table.insert(at(0), v6(number), Segment::ACK, BACKEND));
    (0..2000).for_each(|number| _ = table.find(at(1000), &v6(number), Segment::ACK));
    for left in [3976, 2952, 2000] {
        assert!(table.poll_timeout().unwrap() <= at(30_000));
        table.handle_timeout(at(30_000));
        assert_eq!(table.len(), left);
    }
    assert!(table.poll_timeout().unwrap() > at(30_000));
    assert_eq!(table.counters().events_lost, 3000 - 1024);
    assert_eq!(core::iter::from_fn(|| table.poll_event()).count(), 1024);
    settle(&mut table, at(902_000));
    assert_eq!(table.len(), 0);
}

#[test]
fn memory_follows_the_flows() {
    let seed = HashKey::new([7; 16]);
    let small = ConnectionTable::new(ConnectionLimits::new(1_000_000, Machine::Own), Machine::Own, seed);
    assert!(small.memory_bytes() < 32 << 10, "an empty table is small: {}", small.memory_bytes());
    for (key, bound) in [(v4 as fn(u32) -> ConnectionKey, 48), (v6, 64)] {
        let mut table = table(200_000, Machine::Own);
        for number in 0..200_000 {
            table.insert(at(0), key(number), Segment::ACK, BACKEND);
        }
        let each = table.memory_bytes() / table.len();
        assert!(each < bound, "{each} bytes for each flow");
    }
}
