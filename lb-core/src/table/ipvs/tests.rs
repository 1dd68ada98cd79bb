//! Tests of the kernel's destination list: against a plain vector, and at the size of a large service.

use std::time::{Duration, Instant};
use std::vec::Vec;

use proptest::prelude::*;

use super::*;

fn endpoint(number: u32) -> Endpoint {
    Endpoint::new(IpAddr::V4((0x0a00_0000 + number).into()), 80)
}

/// One change of the list.
#[derive(Clone, Copy, Debug)]
enum Change {
    Add(u32, Weight),
    SetWeight(u32, Weight),
    Remove(u32),
}

fn change() -> impl Strategy<Value = Change> {
    let (number, weight) = (0..6_u32, || (0..4_u16).prop_map(Weight));
    prop_oneof![
        (number.clone(), weight()).prop_map(|(number, weight)| Change::Add(number, weight)),
        (number.clone(), weight()).prop_map(|(number, weight)| Change::SetWeight(number, weight)),
        number.prop_map(Change::Remove),
    ]
}

/// The same change of a vector whose first item is the list's head.
fn apply(list: &mut Vec<Destination>, change: Change) {
    let place = |list: &[Destination], number| list.iter().position(|item| item.endpoint == endpoint(number));
    match change {
        Change::Add(number, weight) => {
            if place(list, number).is_none() {
                list.insert(0, Destination { endpoint: endpoint(number), weight, last_weight: weight });
            }
        }
        Change::SetWeight(number, weight) => {
            if let Some(place) = place(list, number) {
                let last_weight = if weight.0 > 0 { weight } else { list[place].last_weight };
                list[place] = Destination { weight, last_weight, ..list[place] };
            }
        }
        Change::Remove(number) => list.retain(|item| item.endpoint != endpoint(number)),
    }
}

proptest! {
    /// Head insertion, weights, deletion and adding again, in any order.
    #[test]
    fn it_is_the_list_that_a_vector_would_be(changes in prop::collection::vec(change(), 0..40)) {
        let (mut list, mut model) = (DestinationList::default(), Vec::new());
        for change in changes {
            match change {
                Change::Add(number, weight) => list.add(endpoint(number), weight),
                Change::SetWeight(number, weight) => list.set_weight(&endpoint(number), weight),
                Change::Remove(number) => list.remove(&endpoint(number)),
            }
            apply(&mut model, change);
            prop_assert_eq!(list.iter().copied().collect::<Vec<_>>(), model.clone());
            for number in 0..6 {
                let found = model.iter().find(|item| item.endpoint == endpoint(number));
                prop_assert_eq!(list.find(&endpoint(number)), found);
            }
        }
    }
}

/// As many as a service can have, added, drained and deleted: in a fraction of
/// the limit, which a list that is searched or shifted exceeds several times.
#[test]
fn the_largest_service_takes_no_time() {
    const LIMIT: Duration = Duration::from_secs(3);
    let start = Instant::now();
    let mut list = DestinationList::default();
    let all = || (0..65_535).map(endpoint);
    all().for_each(|endpoint| list.add(endpoint, Weight(1)));
    all().for_each(|endpoint| list.set_weight(&endpoint, Weight(0)));
    assert_eq!(list.iter().count(), 65_535);
    all().for_each(|endpoint| list.remove(&endpoint));
    assert_eq!(list.iter().next(), None);
    assert!(start.elapsed() < LIMIT, "{:?}", start.elapsed());
}
