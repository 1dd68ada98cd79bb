//! Filling a table from nothing, in the order of arrivals.
//!
//! Members of one weight walk in step, so the order of arrivals needs a queue
//! of weights only, and inside a weight it is the order of endpoints. The last
//! few slots would take most of the steps (the coupon collector's problem), so
//! they are settled from the slots' side: each asks who comes first.

use alloc::boxed::Box;
use alloc::collections::BinaryHeap;
use alloc::collections::binary_heap::PeekMut;
use alloc::vec;
use alloc::vec::Vec;
use core::cmp::Reverse;

use super::walk::{Arrival, Walk, Walks};
use super::{Late, NONE};

/// A table being filled.
pub(super) struct Filling {
    slots: Box<[u16]>,
    /// One bit a slot: fits the first-level cache where `slots` does not.
    taken: Vec<u64>,
    free: u32,
    /// The rank of the last slot that each member holds.
    worst: Vec<u32>,
    /// Members by weight, heaviest first.
    groups: Vec<Group>,
}

/// The members of one weight that still walk.
struct Group {
    /// The time of the next step.
    time: u64,
    stride: u32,
    /// The rank of the next step.
    rank: u32,
    walkers: Vec<Walker>,
}

/// A member that still walks.
#[derive(Clone, Copy)]
struct Walker {
    /// The slot of the next step.
    position: u32,
    skip: u32,
    /// Slots that are due to it yet.
    left: u32,
    member: u16,
}

/// From this many free slots on they are settled from the slots' side.
///
/// Of the steps that `size * ln(size)` predicts, a half is spent on these.
const FEW: u32 = 256;

impl Filling {
    /// Nothing taken yet.
    pub(super) fn new(size: u32, walks: &Walks, quotas: &[u32]) -> Self {
        let mut order: Vec<usize> = (0..quotas.len()).collect();
        order.sort_by_key(|&member| walks.all()[member].stride);
        let mut groups: Vec<Group> = Vec::new();
        for member in order {
            let Walk { offset, skip, stride, .. } = walks.all()[member];
            if groups.last().is_none_or(|group| group.stride != stride) {
                groups.push(Group { time: u64::from(stride), stride, rank: 0, walkers: Vec::new() });
            }
            let walker = Walker { position: offset, skip, left: quotas[member], member: member as u16 };
            groups.last_mut().expect("just pushed").walkers.push(walker);
        }
        Self {
            slots: vec![NONE; size as usize].into_boxed_slice(),
            taken: vec![0; size.div_ceil(64) as usize],
            free: if quotas.is_empty() { 0 } else { size },
            worst: vec![0; quotas.len()],
            groups,
        }
    }

    /// Lets all members walk until few slots are free.
    pub(super) fn walk(&mut self) {
        let next = |group: &Group| (group.time, group.stride);
        let first = self.groups.iter().enumerate().map(|(index, group)| Reverse((next(group), index)));
        let mut queue: BinaryHeap<_> = first.collect();
        while self.free > FEW {
            let Some(mut due) = queue.peek_mut() else { return };
            let index = due.0.1;
            self.step(index);
            let group = &self.groups[index];
            if group.walkers.is_empty() {
                PeekMut::pop(due);
            } else {
                *due = Reverse((next(group), index));
            }
        }
    }

    /// One step of each member of a group.
    fn step(&mut self, group: usize) {
        let size = self.slots.len() as u32;
        let Group { time, stride, rank, walkers } = &mut self.groups[group];
        let mut done = 0;
        for walker in walkers.iter_mut() {
            let position = walker.position;
            let word = &mut self.taken[position as usize / 64];
            let bit = 1 << (position % 64);
            if *word & bit == 0 {
                *word |= bit;
                self.slots[position as usize] = walker.member;
                self.free -= 1;
                self.worst[usize::from(walker.member)] = *rank;
                walker.left -= 1;
                done += u32::from(walker.left == 0);
            }
            let next = position + walker.skip;
            walker.position = if next >= size { next - size } else { next };
        }
        *time += u64::from(*stride);
        *rank += 1;
        if done > 0 {
            walkers.retain(|walker| walker.left > 0);
        }
    }

    /// Settles the last free slots: each goes to the first to come who has room.
    pub(super) fn finish(&mut self, walks: &Walks) -> Late {
        let walking = self.groups.iter().filter(|group| !group.walkers.is_empty());
        let since = walking.map(|group| group.time).min().unwrap_or(u64::MAX);
        let free = (0..walks.size()).filter(|slot| self.taken[*slot as usize / 64] >> (slot % 64) & 1 == 0);
        let free: Vec<u32> = if self.free == 0 { Vec::new() } else { free.collect() };
        let mut room: Vec<(u32, u32)> = self
            .groups
            .iter()
            .flat_map(|group| &group.walkers)
            .map(|walker| (u32::from(walker.member), walker.left))
            .collect();
        let first = |room: &[(u32, u32)], slot: u32| -> Arrival {
            let arrivals = room.iter().map(|&(member, _)| walks.arrival(member as usize, slot));
            arrivals.min().expect("slots are free, so somebody has room")
        };
        let mut queue: BinaryHeap<_> = free.iter().map(|&slot| Reverse((first(&room, slot), slot))).collect();
        while let Some(Reverse((arrival, slot))) = queue.pop() {
            let Some(place) = room.iter().position(|&(member, _)| member == arrival.member) else {
                queue.push(Reverse((first(&room, slot), slot)));
                continue;
            };
            let member = arrival.member as usize;
            self.slots[slot as usize] = arrival.member as u16;
            self.worst[member] = walks.rank(member, slot);
            room[place].1 -= 1;
            if room[place].1 == 0 {
                room.swap_remove(place);
            }
        }
        Late { since, slots: free }
    }

    /// The slots, and the rank of the last slot of each member.
    pub(super) fn into_parts(self) -> (Box<[u16]>, Vec<u32>) {
        (self.slots, self.worst)
    }
}
