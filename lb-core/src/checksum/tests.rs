//! The checksum against known sums.

use std::vec::Vec;

use proptest::prelude::*;

use super::*;

/// RFC 1071 section 4.1, word by word in wide arithmetic.
fn naive(bytes: &[u8]) -> u16 {
    let mut sum: u64 = 0;
    for pair in bytes.chunks(2) {
        sum += u64::from(u16::from_be_bytes([pair[0], pair.get(1).copied().unwrap_or(0)]));
    }
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    !(sum as u16)
}

#[test]
fn the_example_of_rfc_1071() {
    // Section 3: 00 01 f2 03 f4 f5 f6 f7 sums to ddf2.
    let bytes = [0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7];
    assert_eq!(Sum::of(&bytes).checksum(), !0xddf2);
    assert_eq!(Sum::ZERO.word(0x0001).word(0xf203).word(0xf4f5).word(0xf6f7).checksum(), !0xddf2);
}

#[test]
fn udp_never_sends_zero() {
    assert_eq!(Sum::of(&[0xff, 0xff]).checksum(), 0);
    assert_eq!(Sum::of(&[0xff, 0xff]).udp_checksum(), 0xffff);
    assert_eq!(Sum::of(&[0xff, 0xfe]).udp_checksum(), 1);
}

proptest! {
    #[test]
    fn agrees_with_the_naive_sum(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        prop_assert_eq!(Sum::of(&bytes).checksum(), naive(&bytes));
    }

    #[test]
    fn the_largest_words_lose_no_carry(length in 0_usize..70_000) {
        let bytes: Vec<u8> = std::iter::repeat_n(0xff, length).collect();
        prop_assert_eq!(Sum::of(&bytes).checksum(), naive(&bytes));
    }

    #[test]
    fn may_be_split_at_even_offsets(
        bytes in proptest::collection::vec(any::<u8>(), 0..100), at in 0_usize..50
    ) {
        let at = (at * 2).min(bytes.len() & !1);
        let (front, back) = bytes.split_at(at);
        prop_assert_eq!(Sum::of(front).bytes(back).checksum(), Sum::of(&bytes).checksum());
    }

    #[test]
    fn an_update_equals_a_new_sum(
        mut bytes in proptest::collection::vec(any::<u8>(), 4..60), at in 0_usize..30, new: u16
    ) {
        // All-zero data has two representations of its sum; a header's first byte is never zero.
        bytes[0] |= 1;
        if bytes.len() % 2 == 1 { bytes.pop(); }
        let at = 2 + (at * 2) % (bytes.len() - 2);
        let before = Sum::of(&bytes).checksum();
        let old = u16::from_be_bytes([bytes[at], bytes[at + 1]]);
        bytes[at..at + 2].copy_from_slice(&new.to_be_bytes());
        prop_assert_eq!(update(before, old, new), Sum::of(&bytes).checksum());
    }
}
