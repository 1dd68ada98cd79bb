//! Maglev: filled, and repaired to the same bytes.

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
}
