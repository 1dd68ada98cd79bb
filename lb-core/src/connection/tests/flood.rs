//! No flood evicts a flow that has proven itself, nor keeps a new one from doing so.

use super::*;

const MAX: u32 = 4096;

/// A table with a quarter of its flows proven, and the time.
fn busy(machine: Machine) -> (ConnectionTable, u64) {
    let limits = ConnectionLimits::new(MAX, machine);
    let mut table = ConnectionTable::new(limits, machine, HashKey::new([9; 16]));
    let keys: Vec<_> = (0..MAX / 8).flat_map(|number| [v4(number), v6(number)]).collect();
    keys.iter().for_each(|key| _ = table.insert(at(0), *key, Segment::SYN, BACKEND));
    keys.iter().for_each(|key| _ = table.find(at(100), key, Segment::ACK).unwrap());
    for key in &keys {
        assert!(table.find(at(1200), key, Segment::ACK).unwrap().proven);
    }
    (table, 1200)
}

fn established_are_all_there(table: &ConnectionTable, now: u64) {
    for number in 0..MAX / 8 {
        for key in [v4(number), v6(number)] {
            let found = table.peek(at(now), &key).unwrap_or_else(|| panic!("{key:?} was lost"));
            assert_eq!((found.backend, found.proven), (BACKEND, true));
        }
    }
}

/// Twenty tables' worth of strangers, each sending `segment` once.
fn flood(machine: Machine, segment: Segment) {
    for stranger in [v4 as fn(u32) -> ConnectionKey, v6] {
        let (mut table, mut now) = busy(machine);
        for number in 0..20 * MAX {
            now += u64::from(number % 16 == 0);
            table.insert(at(now), stranger(1_000_000 + number), segment, OTHER);
            assert!(table.unproven() <= table.limits().unproven as usize);
            assert!(table.len() <= MAX as usize);
        }
        established_are_all_there(&table, now);
        assert_eq!(table.unproven(), MAX as usize / 2, "the flood has its share and no more");
        // Even now a newcomer can prove itself, if the share outlives a second.
        let newcomer = v4(500_000);
        table.insert(at(now), newcomer, Segment::SYN, BACKEND);
        for number in 0..MAX / 4 {
            table.insert(at(now + 500), stranger(9_000_000 + number), segment, OTHER);
        }
        assert!(table.find(at(now + 1000), &newcomer, Segment::ACK).unwrap().proven);
    }
}

#[test]
fn syn_flood() {
    flood(Machine::Own, Segment::SYN);
    flood(Machine::Ipvs, Segment::SYN);
}

#[test]
fn bare_ack_flood() {
    flood(Machine::Own, Segment::ACK);
    flood(Machine::Ipvs, Segment::ACK);
}

#[test]
fn udp_flood() {
    flood(Machine::Own, Segment::Udp);
    flood(Machine::Ipvs, Segment::Udp);
}

#[test]
fn sctp_flood() {
    flood(Machine::Own, Segment::Sctp(SctpClass::Init));
    flood(Machine::Own, Segment::Sctp(SctpClass::Data));
}

/// A flood from few addresses comes back to the same keys again and again.
#[test]
fn repeated_syns_prove_nothing() {
    let (mut table, mut now) = busy(Machine::Own);
    for _ in 0..10 {
        now += 1500;
        for number in 0..MAX {
            let key = v4(1_000_000 + number % 1024);
            if table.find(at(now), &key, Segment::SYN).is_none() {
                table.insert(at(now), key, Segment::SYN, OTHER);
            }
        }
        assert_eq!(table.unproven(), 1024);
    }
    established_are_all_there(&table, now);
}

#[test]
fn a_flood_ends_and_leaves_nothing() {
    let (mut table, now) = busy(Machine::Own);
    for number in 0..MAX {
        table.insert(at(now), v4(1_000_000 + number), Segment::SYN, OTHER);
    }
    settle(&mut table, at(now + 60_000));
    assert_eq!((table.len_of(OTHER).total(), table.unproven()), (0, 0));
    established_are_all_there(&table, now + 60_000);
}

#[test]
fn the_oldest_unproven_flow_of_all_queues_goes_first() {
    let limits = ConnectionLimits { unproven: 4, ..ConnectionLimits::new(10, Machine::Own) };
    let mut table = ConnectionTable::new(limits, Machine::Own, HashKey::new([9; 16]));
    let flows = [
        (v6(1), Segment::ACK),
        (v4(2), Segment::SYN),
        (v4(3), Segment::Udp),
        (v6(4), Segment::SYN),
        (v4(5), Segment::Udp),
        (v6(6), Segment::Udp),
        (v4(7), Segment::ACK),
        (v6(8), Segment::SYN),
    ];
    for (time, (key, segment)) in (0_u64..).zip(flows) {
        let outcome = table.insert(at(time), key, segment, BACKEND);
        assert_eq!(matches!(outcome, Insert::InsertedEvicting(_)), time >= 4);
    }
    for (key, _) in &flows[..4] {
        let event = ConnectionEvent { key: *key, backend: BACKEND, cause: Cause::Evicted };
        assert_eq!(table.poll_event(), Some(event));
    }
    assert_eq!((table.poll_event(), table.counters().evicted), (None, 4));
}

/// A stranger who takes the trouble of two packets a second apart for each flow.
#[test]
fn a_two_packet_flood_leaves_newcomers_the_reserve() {
    let (mut table, mut now) = busy(Machine::Own);
    for round in 0..10 {
        let flows = (0..MAX / 2).map(|number| v4(1_000_000 + round * MAX + number));
        flows.clone().for_each(|key| _ = table.insert(at(now), key, Segment::ACK, OTHER));
        now += 1000;
        flows.for_each(|key| _ = table.find(at(now), &key, Segment::ACK));
    }
    established_are_all_there(&table, now);
    let reserve = table.limits().reserve();
    let proven = |table: &ConnectionTable| table.len() - table.unproven();
    assert_eq!((reserve, proven(&table)), (MAX / 16, (MAX - reserve) as usize));

    // A newcomer is entered all the same, and stays until the reserve was used once.
    let newcomer = v6(500_000);
    table.insert(at(now), newcomer, Segment::SYN, BACKEND);
    for number in 0..reserve - 1 {
        table.insert(at(now + 1), v4(9_000_000 + number), Segment::SYN, OTHER);
    }
    let found = table.find(at(now + 1000), &newcomer, Segment::ACK).expect("the reserve is as large");
    assert!(!found.proven, "there is no room among the proven");

    // The flood's flows time out, the newcomer's next packet proves it.
    settle(&mut table, at(now + 2000));
    let [backend, other] = [BACKEND, OTHER].map(|backend| table.len_of(backend).total());
    assert_eq!((backend, other > 0), (MAX / 4 + 1, true));
    for number in 0..MAX / 8 {
        table.find(at(now + 800_000), &v4(number), Segment::ACK).unwrap();
        table.find(at(now + 800_000), &v6(number), Segment::ACK).unwrap();
    }
    settle(&mut table, at(now + 899_500));
    assert_eq!(table.unproven(), 1);
    assert!(table.find(at(now + 899_500), &newcomer, Segment::ACK).expect("not yet due").proven);
}

/// A flow that is refused proof but goes on talking is neither forgotten nor the first to go.
#[test]
fn who_talks_outlasts_who_does_not_though_neither_can_be_proven() {
    let limits = ConnectionLimits::new(64, Machine::Own);
    let mut table = ConnectionTable::new(limits, Machine::Own, HashKey::new([9; 16]));
    let most_proven = limits.max - limits.reserve();
    // In halves, as only half of the table may be unproven at once.
    for (start, half) in [(0, 0..limits.max / 2), (1000, limits.max / 2..most_proven)] {
        half.clone().for_each(|number| _ = table.insert(at(start), v4(number), Segment::ACK, BACKEND));
        let find = |number| table.find(at(start + 1000), &v4(number), Segment::ACK).unwrap();
        assert!(half.map(find).all(|found| found.proven));
    }
    let (talker, other, silent) = (v4(1000), v6(1001), v4(1002));
    for key in [talker, other] {
        table.insert(at(2000), key, Segment::SYN, OTHER);
    }
    table.insert(at(3000), silent, Segment::SYN, OTHER);
    for second in 3..2_000 {
        let now = at(second * 1000);
        for key in [talker, other] {
            let found = table.find(now, &key, Segment::ACK).expect("it talks");
            assert!(!found.proven);
        }
        // The proven keep their places.
        (0..most_proven).for_each(|number| _ = table.find(now, &v4(number), Segment::ACK));
        if second == 10 {
            // Two newcomers take the one free place and that of the silent flow.
            table.insert(now, v4(2000), Segment::SYN, OTHER);
            table.insert(now, v4(2001), Segment::SYN, OTHER);
            let gone: Vec<_> = core::iter::from_fn(|| table.poll_event()).map(|event| event.key).collect();
            assert_eq!(gone, [silent]);
        }
    }
}

/// Nobody swept for an hour: the dead make room before the living.
#[test]
fn those_whose_time_is_up_go_first() {
    let mut table = table(8, Machine::Own);
    (0..8).for_each(|number| _ = table.insert(at(0), v4(number), Segment::ACK, BACKEND));
    (0..8).for_each(|number| _ = table.find(at(1000), &v4(number), Segment::ACK).unwrap());
    assert_eq!((table.len(), table.unproven()), (8, 1));
    for number in 0..8 {
        let outcome = table.insert(at(3_600_000), v6(number), Segment::SYN, BACKEND);
        assert!(matches!(outcome, Insert::Inserted(_)), "{number}: {outcome:?}");
    }
    assert_eq!((table.counters().expired, table.counters().evicted), (8, 0));
}

#[test]
fn a_table_for_nothing_holds_one_flow() {
    let mut table = table(0, Machine::Own);
    assert!(matches!(table.insert(at(0), v4(1), Segment::SYN, BACKEND), Insert::Inserted(_)));
    assert!(matches!(table.insert(at(0), v4(2), Segment::SYN, BACKEND), Insert::InsertedEvicting(_)));
    assert_eq!(table.find(at(0), &v4(1), Segment::SYN), None);
}
