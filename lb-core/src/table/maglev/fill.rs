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
    /// One bit a slot: whether it was taken before this window. Fits the first-level cache, which `slots` does not.
    settled: Vec<u64>,
    /// The slots that were taken in this window.
    fresh: Vec<u32>,
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
/// Of the steps that `size * ln(size)` predicts, nearly a half is spent on these.
const FEW: u32 = 128;

/// Steps of all members in a window: one for so many slots, and so many for each member.
///
/// More leave less to do between windows and members, but more arrivals to compare in a window.
const SLOTS_PER_STEP: u64 = 16;
const STEPS_PER_MEMBER: u64 = 8;

/// Steps looked at in one go.
const AHEAD: usize = u64::BITS as usize;

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
            fresh: Vec::new(),
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
        let mut ahead = [0; AHEAD];
        while self.free > FEW {
            let steps =
                u64::from(self.walks.size()) / SLOTS_PER_STEP + STEPS_PER_MEMBER * self.active.len() as u64;
            // as long as those who still walk need for so many steps in all
            self.until += steps * Walk::UNIT / self.speed.max(1) + 1;
            for place in 0..self.active.len() {
                self.walk_on(self.active[place], &mut ahead);
            }
            while let Some(member) = self.displaced.pop() {
                self.walk_on(member, &mut ahead);
            }
            self.free -= self.fresh.len() as u32;
            for slot in self.fresh.drain(..) {
                self.settled[slot as usize / 64] |= 1 << (slot % 64);
            }
            let (walkers, walks, speed) = (&self.walkers, self.walks.all(), &mut self.speed);
            self.active.retain(|&member| {
                let walks_on = walkers[usize::from(member)].left > 0;
                *speed -= if walks_on { 0 } else { walks[usize::from(member)].speed() };
                walks_on
            });
        }
    }

    /// Lets a member walk until it has its quota or the window is over.
    ///
    /// Whether a slot is settled is as good as random, so asking by a branch costs more than
    /// looking at many first and then only at those that are not.
    fn walk_on(&mut self, member: u16, ahead: &mut [u32; AHEAD]) {
        let index = usize::from(member);
        let (size, walk) = (self.walks.size(), self.walks.all()[index]);
        let mut walker = self.walkers[index];
        let end = walk.ranks_before(self.until);
        while walker.left > 0 && walker.rank < end {
            let steps = (end - walker.rank).min(AHEAD as u32);
            let mut free = self.look_ahead(&walk, &mut walker.position, &mut ahead[..steps as usize]);
            let first = walker.rank;
            walker.rank += steps;
            while free != 0 {
                let step = free.leading_zeros();
                free ^= 1 << (u64::BITS - 1) >> step;
                let (slot, rank) = (ahead[step as usize], first + step);
                let arrival = Arrival { time: walk.time(rank), stride: walk.stride, member: member.into() };
                if self.claim(slot, arrival) {
                    walker.left -= 1;
                    walker.worst = rank;
                    if walker.left == 0 {
                        (walker.position, walker.rank) = (walk.next(slot, size), rank + 1);
                        break;
                    }
                }
            }
        }
        self.walkers[index] = walker;
    }

    /// Notes the slots of the next steps; a bit for each, the first one's foremost: whether it is not settled.
    fn look_ahead(&self, walk: &Walk, position: &mut u32, ahead: &mut [u32]) -> u64 {
        let (size, unused) = (self.walks.size(), AHEAD - ahead.len());
        let mut slot = *position;
        let mut settled = 0;
        for ahead in ahead {
            *ahead = slot;
            settled = settled << 1 | self.settled[slot as usize / 64] >> (slot % 64) & 1;
            slot = walk.next(slot, size);
        }
        *position = slot;
        !settled << unused
    }

    /// Takes a slot for who arrives, unless somebody was there before.
    fn claim(&mut self, slot: u32, arrival: Arrival) -> bool {
        let holder = self.slots[slot as usize];
        if holder == NONE {
            self.fresh.push(slot);
        } else {
            let index = usize::from(holder);
            if self.walks.arrival(index, slot) <= arrival {
                return false;
            }
            self.walkers[index].left += 1;
            self.displaced.push(holder);
        }
        self.slots[slot as usize] = arrival.member as u16;
        true
    }

    /// Settles the last free slots: each goes to the first to come who has room.
    pub(super) fn finish(&mut self) -> Late {
        let mut late = Late { since: self.until, slots: Vec::new() };
        if self.free == 0 {
            return late;
        }
        let walks = self.walks;
        for (word, bits) in (0..).zip(&self.settled) {
            let free = (0..64).filter(|bit| bits >> bit & 1 == 0).map(|bit| word * 64 + bit);
            late.slots.extend(free.take_while(|&slot| *bits != u64::MAX && slot < walks.size()));
        }
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
