//! Lots against their definition and their distribution, what the starving get, and what a change moves.

use proptest::prelude::*;

use super::*;
use crate::identity::Weight;
use crate::table::tests::members;
use crate::table::{Table, TableKind};

fn weight() -> impl Strategy<Value = u16> {
    prop_oneof![2 => Just(0_u16), 6 => Just(100), 4 => 1_u16..=200, 1 => any::<u16>()]
}

/// The definition, literally: of all calls of a slot the earliest, of those the earlier member's.
fn model(size: u32, key: &HashKey, members: &[Member]) -> Vec<u16> {
    let mut earliest = vec![(u64::MAX, NONE); size as usize];
    for (member, place) in members.iter().zip(0..) {
        // far more calls than it takes
        let until = calls::time_of(60 * u64::from(size), 1);
        Caller::new(key, member).call_until(until.min(u64::MAX / 2), size, |slot, time| {
            let best = &mut earliest[slot as usize];
            *best = (time, place).min(*best);
        });
    }
    earliest.into_iter().map(|(_, member)| member).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn each_slot_has_the_best_lot(
        weights in prop::collection::vec(prop_oneof![Just(1_u16), 1_u16..=20], 1..8), size in 8_u32..200, key: [u8; 16],
    ) {
        let (key, members) = (HashKey::new(key), members(&weights));
        prop_assert_eq!(&best(size, &key, &members)[..], &model(size, &key, &members)[..]);
    }

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

/// Lots are independent and not just fair: members' shares scatter as if each slot were thrown for,
/// so that the squared deviations over the mean are chi-square, with one degree less than members.
#[test]
fn shares_scatter_like_independent_throws() {
    let (size, count, tables) = (1 << 14, 100_u16, 20_u8);
    let all = members(&vec![100; usize::from(count)]);
    let mean = f64::from(size) / f64::from(count);
    let of_one = |key: u8| -> f64 {
        let table = Table::build(TableKind::Rendezvous { size }, &HashKey::new([key; 16]), &all).unwrap();
        table.slot_counts().into_iter().map(|count| (f64::from(count) - mean).powi(2) / mean).sum()
    };
    let sum: f64 = (0..tables).map(of_one).sum();
    let degrees = f64::from(tables) * f64::from(count - 1);
    assert!((sum - degrees).abs() < 5.0 * (2.0 * degrees).sqrt(), "{sum} for {degrees}");
}

/// Every lot, not only the winning ones: the first call of a slot is exponential, with the weight as its rate.
#[test]
fn a_lot_is_exponential_by_its_weight() {
    let size = 1 << 14;
    for member in members(&[1, 7, 1_000, 65_535]) {
        let mut lots = vec![u64::MAX; size as usize];
        // the time in which a member of weight 1 calls a slot once in the mean
        let unit = calls::time_of(size.into(), 1) as f64;
        let until = (unit * 3.0 / f64::from(member.weight.0)) as u64;
        Caller::new(&HashKey::new([4; 16]), &member).call_until(until, size, |slot, time| {
            lots[slot as usize] = time.min(lots[slot as usize]);
        });
        for quantile in [0.01, 0.1, 0.5, 0.9] {
            let bound = -f64::ln(1.0 - quantile) * unit / f64::from(member.weight.0);
            let below = lots.iter().filter(|&&lot| (lot as f64) < bound).count() as f64;
            let (mean, deviation) =
                (quantile * f64::from(size), (quantile * (1.0 - quantile) * f64::from(size)).sqrt());
            assert!((below - mean).abs() < 5.0 * deviation, "{member:?} {quantile}: {below} for {mean}");
        }
    }
}
