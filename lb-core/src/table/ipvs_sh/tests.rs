//! Numbers of the kernel's `sh`, and how it lays its list over the buckets.

use super::*;
use crate::identity::{Endpoint, Weight};

#[test]
fn buckets_of_the_kernel() {
    let rows = [
        ([192, 0, 2, 1], 0, 50),
        ([192, 0, 2, 1], 54_321, 249),
        ([198, 51, 100, 7], 0, 171),
        ([198, 51, 100, 7], 54_321, 113),
    ];
    for (address, port, expected) in rows {
        assert_eq!(slot(256, address.into(), port, 0), expected, "{address:?}:{port}");
    }
}

#[test]
fn each_member_as_often_in_a_row_as_its_weight_and_zero_counts_as_one() {
    let member = |last, weight| Member::new(Endpoint::new([10, 0, 0, last].into(), 80), Weight(weight));
    let slots = build(16, &[member(3, 2), member(2, 0), member(1, 3)]);
    assert_eq!(slots[..], [0, 0, 1, 2, 2, 2, 0, 0, 1, 2, 2, 2, 0, 0, 1, 2]);
    assert_eq!(build(16, &[])[..], [NONE; 16]);
}

#[test]
fn the_fallback_ends_at_whoever_takes_flows() {
    let member = |last| Member::new(Endpoint::new([10, 0, 0, last].into(), 80), Weight(1));
    let slots = build(16, &[member(1), member(2)]);
    for last in 0..=255 {
        let fall = |offset| slot(16, [192, 0, 2, last].into(), 0, offset);
        let (with, _) = ipvs::choose(&slots, true, fall, |member| member == 1);
        assert_eq!(with, Some(1));
        let (without, looked_at) = ipvs::choose(&slots, false, fall, |member| member == 1);
        let first = slots[fall(0) as usize];
        assert_eq!((without, looked_at), ((first == 1).then_some(1), 1));
        assert_eq!(ipvs::choose(&slots, true, fall, |_| false), (None, 17), "the holder, then all slots");
    }
}
