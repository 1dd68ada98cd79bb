//! Whether fewer moves than those ever lead to the wanted order.

use std::collections::{BTreeMap, BTreeSet};
use std::vec::Vec;

use super::*;

/// Everything there is, in the wanted order.
const WANTED: [u8; 5] = [0, 1, 2, 3, 4];

/// The fewest writes from every order of some of them to the wanted order of
/// all, an add being one and a delete another: Dijkstra's algorithm backwards
/// from nothing but the rules of the kernel's list.
fn fewest_writes() -> BTreeMap<Vec<u8>, usize> {
    let mut orders: BTreeSet<Vec<u8>> = BTreeSet::from([Vec::new()]);
    let mut last = orders.clone();
    while !last.is_empty() {
        let longer = |order: &Vec<u8>| {
            let order = order.clone();
            let more = WANTED.into_iter().filter(|one| !order.contains(one)).collect::<Vec<_>>();
            more.into_iter().map(move |one| [&order[..], &[one]].concat()).collect::<Vec<_>>()
        };
        last = last.iter().flat_map(longer).collect();
        orders.extend(last.iter().cloned());
    }
    let mut fewest: BTreeMap<Vec<u8>, usize> = BTreeMap::from([(WANTED.to_vec(), 0)]);
    loop {
        let mut found = fewest.clone();
        for order in &orders {
            let deletes = (0..order.len()).map(|place| {
                let mut order = order.clone();
                order.remove(place);
                order
            });
            let adds = WANTED.into_iter().filter(|one| !order.contains(one));
            let adds = adds.map(|one| [&order[..], &[one]].concat());
            let best = deletes.chain(adds).filter_map(|next| fewest.get(&next)).min();
            if let Some(best) = best {
                let known = found.entry(order.clone()).or_insert(usize::MAX);
                *known = (*known).min(best + 1);
            }
        }
        if found == fewest {
            assert_eq!(fewest.len(), orders.len());
            return fewest;
        }
        fewest = found;
    }
}

#[test]
fn no_order_can_be_repaired_with_fewer_writes() {
    for (order, fewest) in fewest_writes() {
        let places = WANTED.iter().map(|one| order.iter().position(|other| other == one));
        let staying = staying(places);
        let writes = (order.len() - staying) + (WANTED.len() - staying);
        assert_eq!(writes, fewest, "{order:?}, of which the first {staying} of {WANTED:?} stay");
    }
}

#[test]
fn who_stays_is_a_beginning_in_order() {
    for (places, expected) in [
        (&[][..], 0),
        (&[Some(0), Some(1), Some(2)], 3),
        (&[Some(4), Some(7), Some(5)], 2),
        (&[Some(1), Some(0), Some(2)], 1),
        (&[None, Some(0), Some(1)], 0),
        (&[Some(0), None, Some(1)], 1),
    ] {
        assert_eq!(staying(places.iter().copied()), expected, "{places:?}");
    }
}
