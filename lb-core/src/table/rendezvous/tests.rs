//! Lots, quotas of the starving, and updates that equal a build from nothing.

use proptest::prelude::*;

use super::*;
use crate::identity::Weight;
use crate::table::tests::members;
use crate::table::{Table, TableKind};

fn weight() -> impl Strategy<Value = u16> {
    prop_oneof![2 => Just(0_u16), 6 => Just(100), 4 => 1_u16..=200, 1 => any::<u16>()]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    /// No history, nobody starves, and nothing moves that need not: for any members and any change.
    #[test]
    fn only_those_who_change_move(
        weights in prop::collection::vec(weight(), 1..40), size in 40_u32..2_000, key: [u8; 16],
        changes in prop::collection::vec((any::<prop::sample::Index>(), weight()), 1..6),
    ) {
        let (kind, key) = (TableKind::Rendezvous { size }, HashKey::new(key));
        let mut all = members(&weights);
        let mut table = Table::build(kind, &key, &all).unwrap();
        for (index, weight) in changes {
            let index = index.index(all.len());
            let changed = all[index].endpoint;
            all[index].weight = Weight(weight);
            let next = table.update(&all).unwrap();
            let built = Table::build(kind, &key, &all).unwrap();
            prop_assert_eq!(next.slots(), built.slots());
            prop_assert!(next.slot_counts().iter().all(|&count| count > 0));
            let holder = |table: &Table, slot: usize| {
                table.members().get(usize::from(table.slots()[slot])).map(|member| member.endpoint)
            };
            let needless = (0..size as usize).filter(|&slot| {
                let (old, new) = (holder(&table, slot), holder(&next, slot));
                old != new && old.is_some() && new.is_some() && old != Some(changed) && new != Some(changed)
            });
            prop_assert!(needless.count() <= table.starved() + next.starved());
            table = next;
        }
    }
}

/// Shares over many slots come to the weights, within five standard deviations.
#[test]
fn shares_are_the_weights_in_the_mean() {
    let weights = [1, 10, 10, 50, 100, 100, 300, 1_000];
    let (size, all) = (1 << 18, members(&weights));
    let table = Table::build(TableKind::Rendezvous { size }, &HashKey::new([9; 16]), &all).unwrap();
    let total: f64 = weights.iter().map(|&weight| f64::from(weight)).sum();
    for (weight, count) in weights.into_iter().zip(table.slot_counts()) {
        let share = f64::from(weight) / total;
        let (mean, deviation) = (share * f64::from(size), (share * (1.0 - share) * f64::from(size)).sqrt());
        assert!((f64::from(count) - mean).abs() < 5.0 * deviation, "weight {weight}: {count} for {mean}");
    }
}
