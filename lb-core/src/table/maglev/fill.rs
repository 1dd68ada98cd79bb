//! Filling a table from nothing: all members walk, window of time by window.
//!
//! A slot that was taken in an earlier window was taken by an earlier arrival,
//! which one bit tells. Inside a window members walk one after the other, so
//! who finds a slot taken compares arrivals, and who is pushed out walks on.
//! The last few slots would take most of the steps (the coupon collector's
//! problem), so they are settled from the slots' side: each asks who comes first.

use alloc::boxed::Box;
use alloc::collections::BinaryHeap;
use alloc::vec;
use alloc::vec::Vec;
use core::cmp::Reverse;

use super::{Late, NONE};
use crate::table::walk::{Arrival, Walk, Walks};

/// A table being filled.
pub(super) struct Filling<'a> {
    walks: &'a Walks,
    slots: Box<[u16]>,
    /// One bit a slot: whether somebody holds it.
    taken: Vec<u64>,
    /// `taken` as it was before this window. Fits the first-level cache, which `slots` does not.
    settled: Vec<u64>,
    free: u32,
    walkers: Vec<Walker>,
    /// Members that still walk.
    active: Vec<u16>,
    /// Steps of all of them in a unit of time.
    speed: u64,
    /// Members that were pushed out in this window and have not walked on yet.
    displaced: Vec<u16>,
    /// The end of the window.
    until: u64,
}

/// How far a member has come.
#[derive(Clone, Copy)]
struct Walker {
    /// The slot of the next step.
    position: u32,
    /// The rank of the next step.
    rank: u32,
    /// Slots that are due to it yet.
    left: u32,
    /// The rank of the last slot it took.
    worst: u32,
}

/// From this many free slots on they are settled from the slots' side.
///
/// Of the steps that `size * ln(size)` predicts, a half is spent on these.
const FEW: u32 = 256;

/// Steps of all members in a window: one for so many slots.
///
/// More leave less to do between windows, but more arrivals to compare in them.
const SLOTS_PER_STEP: u64 = 4;

impl<'a> Filling<'a> {
    /// Nothing taken yet.
    pub(super) fn new(walks: &'a Walks, quotas: &[u32]) -> Self {
        let size = walks.size();
        let members = walks.all().iter().zip(quotas);
        let walker = |offset, left| Walker { position: offset, rank: 0, left, worst: 0 };
        let walkers: Vec<Walker> = members.map(|(walk, &quota)| walker(walk.offset, quota)).collect();
        Self {
            walks,
            slots: vec![NONE; size as usize].into_boxed_slice(),
            settled: vec![0; size.div_ceil(64) as usize],
            taken: vec![0; size.div_ceil(64) as usize],
            free: if walkers.is_empty() { 0 } else { size },
            speed: walks.all().iter().map(Walk::speed).sum(),
            active: (0..walkers.len() as u16).collect(),
            walkers,
            displaced: Vec::new(),
            until: 0,
        }
    }

    /// Lets all members walk until few slots are free.
    pub(super) fn walk(&mut self) {
        let steps = u64::from(self.walks.size()) / SLOTS_PER_STEP;
        while self.free > FEW {
            // as long as those who still walk need for so many steps in all
            self.until += steps * Walk::UNIT / self.speed.max(1) + 1;
            for place in 0..self.active.len() {
                self.walk_on(self.active[place]);
            }
            while let Some(member) = self.displaced.pop() {
                self.walk_on(member);
            }
            self.settled.copy_from_slice(&self.taken);
            let (walkers, walks, speed) = (&self.walkers, self.walks.all(), &mut self.speed);
            self.active.retain(|&member| {
                let walks_on = walkers[usize::from(member)].left > 0;
                *speed -= if walks_on { 0 } else { walks[usize::from(member)].speed() };
                walks_on
            });
        }
    }

    /// Lets a member walk until it has its quota or the window is over.
    fn walk_on(&mut self, member: u16) {
        let index = usize::from(member);
        let (size, walk, until) = (self.walks.size(), self.walks.all()[index], self.until);
        let (slots, taken, settled) = (&mut self.slots[..], &mut self.taken[..], &self.settled[..]);
        let Walker { mut position, mut rank, mut left, mut worst } = self.walkers[index];
        let mut time = walk.time(rank);
        while time < until && left > 0 {
            let (word, bit) = (position as usize / 64, 1 << (position % 64));
            if settled[word] & bit == 0 {
                let holder = slots[position as usize];
                let arrival = Arrival { time, stride: walk.stride, member: member.into() };
                if holder == NONE || arrival < self.walks.arrival(usize::from(holder), position) {
                    slots[position as usize] = member;
                    (left, worst) = (left - 1, rank);
                    taken[word] |= bit;
                    match self.walkers.get_mut(usize::from(holder)) {
                        None => self.free -= 1,
                        Some(displaced) => {
                            displaced.left += 1;
                            self.displaced.push(holder);
                        }
                    }
                }
            }
            let next = position + walk.skip;
            // below the size `next` is the lesser, else what is left of it
            position = next.min(next.wrapping_sub(size));
            rank += 1;
            time += u64::from(walk.stride);
        }
        self.walkers[index] = Walker { position, rank, left, worst };
    }

    /// Settles the last free slots: each goes to the first to come who has room.
    pub(super) fn finish(&mut self) -> Late {
        let mut late = Late { since: self.until, slots: Vec::new() };
        if self.free == 0 {
            return late;
        }
        let walks = self.walks;
        let free = |slot: &u32| self.settled[*slot as usize / 64] >> (slot % 64) & 1 == 0;
        late.slots.extend((0..walks.size()).filter(free));
        let first = |active: &[u16], slot: u32| -> Arrival {
            let arrivals = active.iter().map(|&member| walks.arrival(usize::from(member), slot));
            arrivals.min().expect("quotas sum to the size, so with a slot free somebody has room")
        };
        let queued = late.slots.iter().map(|&slot| Reverse((first(&self.active, slot), slot)));
        let mut queue: BinaryHeap<_> = queued.collect();
        while let Some(Reverse((arrival, slot))) = queue.pop() {
            let walker = &mut self.walkers[arrival.member as usize];
            if walker.left == 0 {
                queue.push(Reverse((first(&self.active, slot), slot)));
                continue;
            }
            self.slots[slot as usize] = arrival.member as u16;
            walker.worst = walks.rank(arrival.member as usize, slot);
            walker.left -= 1;
            if walker.left == 0 {
                self.active.retain(|&member| u32::from(member) != arrival.member);
            }
        }
        late
    }

    /// The slots, and the rank of the last slot of each member.
    pub(super) fn into_parts(self) -> (Box<[u16]>, Vec<u32>) {
        (self.slots, self.walkers.iter().map(|walker| walker.worst).collect())
    }
}
