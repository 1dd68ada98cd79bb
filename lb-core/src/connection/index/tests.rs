//! The index against a map, through all rounds of growth and back.

use std::collections::BTreeMap;
use std::vec::Vec;

use proptest::prelude::*;

use super::*;

/// Finds by the hash alone; the numbers stand for the keys.
fn find(index: &Index, place: Place, number: u32) -> Option<u32> {
    index.find(place, |other| other == number)
}

fn scatter(number: u32) -> Place {
    Place(number.wrapping_mul(0x9e37_79b9) ^ number.wrapping_mul(0x85eb_ca6b).rotate_right(13))
}

#[test]
fn finds_every_entry_at_every_size() {
    let mut index = Index::new(20_000);
    let mut seen = Vec::new();
    for number in 0..20_000 {
        index.insert(scatter(number), number, scatter);
        if number.is_power_of_two() || number % 1999 == 0 {
            seen.push((number + 1, index.buckets.len()));
            assert!((0..=number).all(|other| find(&index, scatter(other), other) == Some(other)));
            assert_eq!(find(&index, scatter(number + 1), number + 1), None);
        }
    }
    // Nine entries to a bucket, and never more buckets than planned.
    for (entries, buckets) in seen {
        assert!(buckets >= (entries / FILL).max(index.base) && buckets <= index.limit, "{entries}");
    }
    assert_eq!(index.buckets.len(), 20_000_u32.div_ceil(FILL));
    assert!(index.limit - index.buckets.len() < index.limit / 8, "the last round is all but done");
}

#[test]
fn an_even_table_has_few_overflow_buckets() {
    let mut index = Index::new(100_000);
    (0..100_000).for_each(|number| index.insert(scatter(number), number, scatter));
    let share = f64::from(index.overflow.len()) / f64::from(index.buckets.len());
    assert!(share < 0.25, "{share}");
}

#[test]
fn memory_is_reused_after_removal() {
    let mut index = Index::new(5000);
    let mut filled = 0;
    for round in 0..5 {
        (0..5000).for_each(|number| index.insert(scatter(number), number, scatter));
        (0..5000).for_each(|number| index.remove(scatter(number), number));
        assert_eq!(index.length, 0);
        if round == 0 {
            filled = index.memory_bytes();
        }
    }
    assert_eq!(index.memory_bytes(), filled);
}

#[test]
fn no_tag_is_taken_for_a_free_slot() {
    for bits in 0..=u32::MAX >> 20 {
        let tag = Place(bits << 20).tag();
        assert!(tag > 1);
        assert_eq!(Bucket::EMPTY.matching(tag).count(), 0);
    }
}

#[test]
fn matching_finds_exactly_the_slots_of_a_tag_but_for_its_neighbour() {
    for slot in 0..SLOTS {
        let mut bucket = Bucket::EMPTY;
        bucket.tags = core::array::from_fn(|other| if other == slot { 8 } else { 0x90 + other as u8 });
        assert_eq!(bucket.matching(8).collect::<Vec<_>>(), [slot]);
        assert_eq!(bucket.matching(0).count(), 0);
    }
}

proptest! {
    /// Places from a small set: chains of many buckets, splits that separate nothing.
    #[test]
    fn agrees_with_a_map(
        limit in 1_u32..300,
        spread in prop_oneof![Just(0_u32), Just(3), Just(u32::MAX)],
        operations in prop::collection::vec((any::<bool>(), 0_u32..300), 1..900),
    ) {
        let place_of = |number: u32| Place(scatter(number).0 & spread);
        let mut index = Index::new(limit);
        let mut model = BTreeMap::new();
        for (insert, number) in operations {
            let place = place_of(number);
            if insert && model.len() < limit as usize && model.insert(number, place).is_none() {
                index.insert(place, number, place_of);
            } else if !insert {
                model.remove(&number);
                index.remove(place, number);
            }
            prop_assert_eq!(index.length as usize, model.len());
        }
        for number in 0..300 {
            let expected = model.contains_key(&number).then_some(number);
            prop_assert_eq!(find(&index, place_of(number), number), expected);
        }
    }
}
