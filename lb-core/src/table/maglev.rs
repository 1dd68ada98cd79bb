//! `maglev`: exact quotas with little movement.
//!
//! Each member walks its own permutation of the slots (offset and skip, as in
//! the Maglev paper) at a speed proportional to its weight, and takes the slots
//! that are still free until it has its quota. Who comes to a slot first, gets
//! it. This differs from the paper, where a member in its turn walks on until
//! it finds a free slot.

use alloc::boxed::Box;
use alloc::vec;
use alloc::vec::Vec;

use super::digest::endpoint_bytes;
use super::{Member, NONE, quota};
use crate::hash::HashKey;

/// Fills `size` slots.
pub(super) fn build(size: u32, key: &HashKey, members: &[Member]) -> Box<[u16]> {
    let mut slots = vec![NONE; size as usize].into_boxed_slice();
    let mut left = quota::quotas(size, members);
    let mut walks: Vec<(u64, u64, u32, u32)> = members
        .iter()
        .map(|member| {
            let (bytes, length) = endpoint_bytes(&member.endpoint);
            let hash = key.hash_bytes(&bytes[..length]);
            let stride = (1 << 32) / u64::from(member.weight.0.max(1));
            let offset = ((hash >> 32) * u64::from(size) >> 32) as u32;
            let skip = 1 + ((hash & 0xffff_ffff) * u64::from(size.saturating_sub(1)) >> 32) as u32;
            (stride, stride, offset, skip)
        })
        .collect();
    let mut free = if members.is_empty() { 0 } else { size };
    while free > 0 {
        let due = (0..walks.len()).filter(|&index| left[index] > 0);
        let index =
            due.min_by_key(|&index| (walks[index].0, walks[index].1, index)).expect("quotas sum to the size");
        let (time, stride, position, skip) = &mut walks[index];
        if slots[*position as usize] == NONE {
            slots[*position as usize] = u16::try_from(index).expect("at most MAX_MEMBERS");
            left[index] -= 1;
            free -= 1;
        }
        *time += *stride;
        *position = (*position + *skip) % size;
    }
    slots
}
