//! How many units a backend has, and that their walks through the table differ.

use std::collections::BTreeSet;
use std::vec::Vec;

use proptest::prelude::*;

use super::*;

fn shares(weights: &[(u16, u16)]) -> Vec<Share> {
    let share = |(number, (full, now)): (u8, &(u16, u16))| Share {
        endpoint: Endpoint::new([10, 1, 0, number].into(), 443),
        full: Weight(*full),
        now: Weight(*now),
    };
    (1..).zip(weights).map(share).collect()
}

/// Units in all and serving, for each backend.
fn counts(weights: &[(u16, u16)], median: u32, room: u32) -> Vec<(usize, usize)> {
    let units = units(&shares(weights), median, room);
    units.iter().map(|units| (units.endpoints.len(), units.serving)).collect()
}

#[test]
fn the_median_weight_is_a_fixed_number_of_units() {
    for (weights, room, expected) in [
        (&[(100, 100), (100, 100), (100, 100)][..], 2_046, &[(8, 8), (8, 8), (8, 8)][..]),
        // one that rises, one that an operator made lighter, one that he emptied
        (&[(100, 10), (50, 50), (0, 0), (100, 100)], 2_046, &[(8, 1), (8, 4), (8, 0), (8, 8)]),
        (&[(100, 100), (300, 300), (100, 100)], 2_046, &[(8, 8), (24, 24), (8, 8)]),
        (&[(100, 100), (300, 150), (100, 0)], 2_046, &[(8, 8), (24, 12), (8, 0)]),
        // a weight of next to nothing is one unit
        (&[(1, 1), (1_000, 1_000), (1_000, 1_000)], 2_046, &[(8, 1), (8, 8), (8, 8)]),
        // where there is little room, the median has fewer
        (&[(100, 100), (100, 100), (100, 100)], 20, &[(6, 6), (6, 6), (6, 6)]),
        (&[(1, 1), (1, 1), (60, 60)], 125, &[(2, 2), (2, 2), (120, 120)]),
        // and where there is none for its measure, the rest is shared
        (&[(1, 1), (1, 1), (200, 100)], 125, &[(1, 1), (1, 1), (121, 61)]),
        (&[(0, 0), (0, 0)], 125, &[(1, 0), (1, 0)]),
        (&[(5, 5), (5, 5), (5, 5)], 2, &[(1, 1), (1, 1), (1, 1)]),
        (&[], 125, &[]),
    ] {
        assert_eq!(counts(weights, 8, room), expected, "{weights:?} in {room}");
    }
}

/// The kernel hashes the sum of address and port, so equal sums walk alike.
#[test]
fn no_two_units_of_many_neighbours_walk_alike() {
    let mut sums = BTreeSet::new();
    for number in 0..2_000_u32 {
        let address = core::net::Ipv4Addr::from_bits(0x0a01_0001 + number);
        let units = endpoints(Endpoint::new(address.into(), 443), 16, &mut BTreeSet::new());
        assert_eq!(units[0].port, 443);
        for unit in units {
            assert_ne!(unit.port, 0);
            assert!(sums.insert(address.to_bits() + u32::from(unit.port)), "{unit}");
        }
    }
}

#[test]
fn every_port_comes_once() {
    let ports: BTreeSet<u16> = (0..65_535).map(|step| port(443, step)).collect();
    assert_eq!((ports.len(), ports.first()), (65_535, Some(&1)));
}

/// Two backends on one address: what one took the other passes over.
#[test]
fn units_never_share_an_endpoint() {
    let first = Endpoint::new([10, 1, 0, 1].into(), 443);
    let second = Endpoint::new(first.address, port(443, 1));
    let share = |endpoint| Share { endpoint, full: Weight(1), now: Weight(1) };
    let units = units(&[share(first), share(second)], 16, 2_046);
    let all: Vec<_> = units.iter().flat_map(|units| &units.endpoints).collect();
    assert_eq!(all.len(), 32);
    assert_eq!(all.iter().collect::<BTreeSet<_>>().len(), 32);
}

proptest! {
    /// What a slow start or an operator does to one backend is no other's business.
    #[test]
    fn one_weight_changes_nobody_elses_units(
        weights in prop::collection::vec(1..=1_000_u16, 3..20),
        now in any::<prop::sample::Index>(),
        other in 1..=1_000_u16,
    ) {
        let equal: Vec<_> = weights.iter().map(|_| (100, 100)).collect();
        let mut changed = equal.clone();
        let place = now.index(changed.len());
        changed[place] = (other, other);
        let (before, after) = (counts(&equal, 8, 2_046), counts(&changed, 8, 2_046));
        for (number, (before, after)) in before.iter().zip(&after).enumerate() {
            prop_assert!(before == after || number == place, "{number}: {before:?} {after:?}");
        }
        prop_assert!(other > 100 || after[place].0 == before[place].0, "lighter ones keep their units");
    }

    #[test]
    fn whoever_has_a_weight_serves_and_there_is_room(
        weights in prop::collection::vec((any::<u16>(), any::<u16>()), 1..60),
        median in 1..=16_u32,
    ) {
        let weights: Vec<_> = weights.iter().map(|(a, b)| (*a.max(b), *a.min(b))).collect();
        let counts = counts(&weights, median, 125);
        for ((_, now), (present, serving)) in weights.iter().zip(&counts) {
            prop_assert_eq!(*serving > 0, *now > 0);
            prop_assert!(serving <= present);
        }
        prop_assert!(counts.iter().map(|(present, _)| present).sum::<usize>() <= 125);
    }
}
