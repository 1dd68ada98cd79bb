//! A cheap keyed sequence of random numbers for each member.
//!
//! SipHash of the endpoint under the fleet's key gives a member's seed; the
//! numbers after it are SplitMix64's (Steele, Lea, Flood 2014). So a stranger
//! cannot predict them, and the millions that a table needs cost a nanosecond each.

use super::Member;
use super::digest::endpoint_bytes;
use crate::hash::HashKey;

/// The golden ratio's odd neighbour, SplitMix64's step.
const STEP: u64 = 0x9E37_79B9_7F4A_7C15;

/// The seed of a member's numbers; `purpose` keeps two uses of one key apart.
pub(super) fn seed(key: &HashKey, purpose: u8, member: &Member) -> u64 {
    let (endpoint, length) = endpoint_bytes(&member.endpoint);
    let mut bytes = [purpose; 20];
    bytes[1..=length].copy_from_slice(&endpoint[..length]);
    key.hash_bytes(&bytes[..=length])
}

/// The number at `index` of a seed's sequence: uniform in 64 bits.
#[inline]
pub(super) const fn number(seed: u64, index: u32) -> u64 {
    let mut bits = seed.wrapping_add((index as u64).wrapping_mul(STEP));
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    bits ^ (bits >> 31)
}
