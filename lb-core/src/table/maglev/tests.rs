//! Maglev: filled, and repaired to the same bytes for no more work than filling.

use alloc::vec;

use proptest::prelude::*;

use super::*;
use crate::identity::Weight;
use crate::table::tests::members;
use crate::table::{Table, TableKind};

/// The definition, literally: all pairs in order of arrival.
fn maglev_model(size: u32, key: &HashKey, members: &[Member]) -> Vec<u16> {
    let walks = Walks::new(size, key, members);
    let mut pairs: Vec<_> = (0..members.len())
        .flat_map(|member| (0..size).map(move |slot| (member, slot)))
        .map(|(member, slot)| (walks.arrival(member, slot), member, slot))
        .collect();
    pairs.sort_unstable();
    let mut left = quota::quotas(size, members);
    let mut slots = vec![NONE; size as usize];
    for (_, member, slot) in pairs {
        if slots[slot as usize] == NONE && left[member] > 0 {
            slots[slot as usize] = member as u16;
            left[member] -= 1;
        }
    }
    slots
}

fn weights() -> impl Strategy<Value = Vec<u16>> {
    let weight = prop_oneof![3 => Just(0_u16), 6 => Just(100), 4 => 1_u16..=200, 1 => any::<u16>()];
    prop::collection::vec(weight, 1..60)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]
    #[test]
    fn maglev_is_the_assignment_that_its_definition_says(
        weights in weights(), size in prop_oneof![Just(61_u32), Just(251), 60_u32..2000], key: [u8; 16],
    ) {
        let members = members(&weights);
        let key = HashKey::new(key);
        let table = Table::build(TableKind::Maglev { size }, &key, &members).unwrap();
        if table.members().is_empty() {
            prop_assert!(table.slots().iter().all(|&slot| slot == NONE));
        } else {
            prop_assert_eq!(table.slots(), &maglev_model(size, &key, table.members())[..]);
        }
    }

    #[test]
    fn a_maglev_update_gives_the_bytes_of_a_build(
        weights in weights(), size in prop_oneof![Just(61_u32), Just(251), 60_u32..8000],
        changes in prop::collection::vec((any::<prop::sample::Index>(), prop_oneof![Just(0_u16), Just(100), 1_u16..300, any::<u16>()]), 1..20),
    ) {
        let mut members = members(&weights);
        let key = HashKey::new([3; 16]);
        let kind = TableKind::Maglev { size };
        let mut table = Table::build(kind, &key, &members).unwrap();
        for (index, weight) in changes {
            let index = index.index(members.len());
            members[index].weight = Weight(weight);
            table = table.update(&members).unwrap();
            let built = Table::build(kind, &key, &members).unwrap();
            prop_assert_eq!(table.slots(), built.slots());
            prop_assert_eq!(table.digest(), built.digest());
        }
    }

    /// Members of very unlike weights: here a change spreads farthest.
    #[test]
    fn an_update_among_unlike_members_gives_the_bytes_of_a_build(
        weights in prop::collection::vec(prop_oneof![Just(1_u16), 1_u16..=100, any::<u16>()], 2..40),
        size in prop_oneof![Just(251_u32), 1_000_u32..20_000],
        changes in prop::collection::vec((any::<prop::sample::Index>(), -1_i32..=1, 0_u16..=100), 1..8),
    ) {
        let mut members = members(&weights);
        let kind = TableKind::Maglev { size };
        let mut table = Table::build(kind, &HashKey::new([5; 16]), &members).unwrap();
        for (index, step, weight) in changes {
            let member = &mut members[index.index(weights.len())];
            let near = u16::try_from(i32::from(member.weight.0) + step).unwrap_or(1);
            member.weight = Weight(if step == 0 { weight } else { near });
            table = table.update(&members).unwrap();
            let built = Table::build(kind, &HashKey::new([5; 16]), &members).unwrap();
            prop_assert_eq!(table.slots(), built.slots());
        }
    }
}

/// The steps of a build before the last slots are settled: each member's until it is full.
fn steps_of_a_build(built: &Maglev) -> u64 {
    let since = built.late.since;
    let steps = built
        .walks
        .all()
        .iter()
        .zip(&built.worst)
        .map(|(walk, worst)| walk.ranks_before(since).min(worst + 1));
    steps.map(u64::from).sum()
}

/// Whatever changes among however many members, a repair looks at fewer pairs than half of a
/// build's steps, whether it comes to its end or is given up; and both happens.
#[test]
fn a_repair_takes_less_than_half_of_a_build() {
    let (size, key) = (16_381, HashKey::new([9; 16]));
    let (mut repaired, mut given_up) = (0, 0);
    for count in [2, 3, 10, 16, 30, 100, 300] {
        let unlike: Vec<u16> = (0..count).map(|place| place * 37 % 100 + 1).collect();
        for weights in [vec![100; usize::from(count)], unlike, vec![60_000; usize::from(count)]] {
            let before = members(&weights);
            let base = build(size, &key, &before);
            for place in (0..weights.len()).step_by(weights.len() / 2) {
                for weight in [
                    0,
                    1,
                    weights[place] - 1,
                    weights[place] + 1,
                    weights[place] / 2,
                    weights[place].saturating_mul(2),
                ] {
                    let mut after = before.clone();
                    after[place].weight = Weight(weight);
                    after.retain(|member| member.weight.0 > 0);
                    for (base, from, to) in
                        [(&base, &before, &after), (&build(size, &key, &after), &after, &before)]
                    {
                        let (table, looks) = repair::repair(base, &key, from, to);
                        let built = build(size, &key, to);
                        let steps = steps_of_a_build(&built);
                        assert!(
                            2 * looks <= steps,
                            "{weights:?} {place} {weight}: {looks} looks, {steps} steps"
                        );
                        match table {
                            Some(table) => {
                                repaired += 1;
                                assert_eq!(table.slots, built.slots);
                            }
                            None => given_up += u32::from(looks > 0),
                        }
                    }
                }
            }
        }
    }
    assert!(repaired > 50 && given_up > 0, "{repaired} {given_up}");
}
