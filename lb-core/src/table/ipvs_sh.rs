//! `ipvs_sh`: the Linux scheduler `sh`, slot by slot.
//!
//! A model of `net/netfilter/ipvs/ip_vs_sh.c` (Linux 6.12) from its described
//! behaviour: the destination list is laid over the buckets again and again,
//! each member as many times in a row as its weight (a weight of 0 counts as
//! one). Not a consistent hash: any change shifts all that follows.

use alloc::boxed::Box;
use alloc::vec;
use core::net::IpAddr;

use super::{Member, NONE, ipvs};

/// 2^32 divided by the golden ratio, the kernel's `GOLDEN_RATIO_32`.
const GOLDEN_RATIO: u32 = 0x61c8_8647;

/// Where a client's flows fall, `offset` being added by [the fallback's tour](ipvs::choose);
/// `port` is 0 without the flag `sh-port`, `size` a power of two above 1.
#[must_use]
pub fn slot(size: u32, address: IpAddr, port: u16, offset: u32) -> u32 {
    let word = u32::from(port).wrapping_add(ipvs::fold(address));
    let hash = word.wrapping_mul(GOLDEN_RATIO) >> (32 - size.trailing_zeros());
    offset.wrapping_add(hash) & (size - 1)
}

/// Fills the buckets from a destination list, head first; `weight` is that of the moment.
pub(super) fn build(size: u32, members: &[Member]) -> Box<[u16]> {
    let mut slots = vec![NONE; size as usize].into_boxed_slice();
    let places = 0..u16::try_from(members.len()).expect("at most MAX_MEMBERS members");
    let in_a_row = |place: u16| core::iter::repeat_n(place, turns(&members[usize::from(place)]) as usize);
    for (slot, place) in slots.iter_mut().zip(places.cycle().flat_map(in_a_row)) {
        *slot = place;
    }
    slots
}

/// How many buckets in a row a member takes: one even with weight 0.
pub(super) fn turns(member: &Member) -> u32 {
    u32::from(member.weight.0).max(1)
}

#[cfg(test)]
mod tests;
