//! ECMP groups: shares, and what a change moves.

use super::*;
use proptest::prelude::*;

const SALT: [u8; 16] = *b"a device's salt.";

fn hashes() -> impl Iterator<Item = FlowHash> {
    let salt = HashKey::new(SALT);
    (0..20_000_u32).map(move |flow| FlowHash(salt.hash_bytes(&flow.to_be_bytes())))
}

fn moved(before: &EcmpGroup<u32>, after: &EcmpGroup<u32>) -> f64 {
    let moved = hashes().filter(|&hash| before.next_hop_of(hash) != after.next_hop_of(hash)).count();
    moved as f64 / 20_000.0
}

fn group(kind: EcmpKind, members: &[u32]) -> EcmpGroup<u32> {
    EcmpGroup::new(kind, HashKey::new(SALT), members)
}

#[test]
fn what_a_lost_member_moves() {
    let all = [0, 1, 2, 3, 4, 5, 6, 7];
    // (kind, member lost, share of flows that move)
    let table = [
        (EcmpKind::ModN, 3, 1.0 - 1.0 / 8.0),
        // RFC 2992: a half at the end, less in the middle.
        (EcmpKind::HashThreshold, 0, 0.5),
        (EcmpKind::HashThreshold, 3, 0.286),
        (EcmpKind::HashThreshold, 7, 0.5),
        (EcmpKind::Resilient { buckets: 1024 }, 3, 1.0 / 8.0),
    ];
    for (kind, lost, expected) in table {
        let before = group(kind, &all);
        let left: Vec<u32> = all.into_iter().filter(|&member| member != lost).collect();
        let share = moved(&before, &before.with_members(&left));
        assert!((share - expected).abs() < 0.015, "{kind:?} without {lost}: {share}, not {expected}");
    }
}

#[test]
fn nobody_gets_nothing() {
    for kind in [EcmpKind::ModN, EcmpKind::HashThreshold, EcmpKind::Resilient { buckets: 16 }] {
        let empty = group(kind, &[]);
        assert_eq!(empty.next_hop_of(FlowHash(u64::MAX)), None);
        assert_eq!(empty.with_members(&[5]).next_hop_of(FlowHash(u64::MAX)), Some(&5));
    }
}

proptest! {
    #[test]
    fn resilient_moves_no_more_than_it_must(
        size in 1_u32..200,
        first in prop::collection::btree_set(0_u32..12, 1..8),
        second in prop::collection::btree_set(0_u32..12, 1..8),
    ) {
        let kind = EcmpKind::Resilient { buckets: size };
        let first: Vec<u32> = first.into_iter().collect();
        let second: Vec<u32> = second.into_iter().collect();
        let before = group(kind, &first);
        let after = before.with_members(&second);
        let count = |member: u32| after.buckets.iter().filter(|&&other| other == member).count();
        let counts: Vec<usize> = second.iter().map(|&member| count(member)).collect();
        prop_assert!(counts.iter().max().unwrap() - counts.iter().min().unwrap() <= 1);
        // A bucket moves only because its member is gone or held more than an equal share.
        let moved = before.buckets.iter().zip(&after.buckets).filter(|(old, new)| old != new).count();
        let lost = before.buckets.iter().filter(|member| !second.contains(member)).count();
        let share = size as usize / second.len();
        let excess: usize = second
            .iter()
            .map(|member| before.buckets.iter().filter(|old| *old == member).count().saturating_sub(share))
            .sum();
        prop_assert!(moved <= lost + excess);
        prop_assert_eq!(after.with_members(&second), after);
    }

    #[test]
    fn order_of_members_is_irrelevant(mut members in prop::collection::vec(0_u32..50, 1..20), hash: u64) {
        for kind in [EcmpKind::ModN, EcmpKind::HashThreshold, EcmpKind::Resilient { buckets: 64 }] {
            let one = group(kind, &members);
            members.reverse();
            let other = group(kind, &members);
            prop_assert_eq!(one.next_hop_of(FlowHash(hash)), other.next_hop_of(FlowHash(hash)));
        }
    }
}
