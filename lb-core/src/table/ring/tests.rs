//! Shares, places and look-ups of the ring.

use proptest::prelude::*;

use super::*;
use crate::table::tests::members;

proptest! {
    #[test]
    fn a_hash_belongs_to_the_next_point(
        weights in prop::collection::vec(0_u16..30, 0..20), hashes: [u64; 16], key: [u8; 16],
    ) {
        let (members, key) = (members(&weights), HashKey::new(key));
        let ring = Ring::build(3, &key, &members);
        let mut all: Vec<(u32, u16)> = Vec::new();
        for (index, member) in (0..).zip(&members) {
            let seed = mix::seed(&key, PURPOSE, member);
            let points = 0..3 * u32::from(member.weight.0);
            all.extend(points.map(|number| ((mix::number(seed, number) >> 32) as u32, index)));
        }
        for hash in hashes {
            let next = all.iter().filter(|point| u64::from(point.0) >= hash >> 32).min();
            prop_assert_eq!(ring.holder(hash), next.or_else(|| all.iter().min()).map(|point| point.1));
        }
        prop_assert_eq!(ring.slots.len(), SAMPLES as usize);
    }
}
