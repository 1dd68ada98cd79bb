//! Repairing a table after a change of members, instead of filling it anew.
//!
//! The table is the one assignment in which nobody can do better: no slot has
//! an earlier arrival with room for it. Quotas and arrivals change with the
//! members; whoever could do better then, does, and may push another out, who
//! looks further in turn. Each such step exchanges arrivals for an earlier one,
//! so it ends, and as the assignment is unique it ends, in whatever order, at
//! the table that a build from nothing gives.
//!
//! How far a change spreads cannot be known before, and where weights are very
//! unlike it spreads far. So a repair has a budget of looks, well below what a
//! build takes; what is likely to exceed it is not begun, and what exceeds it is
//! given up.
//!
//! Between steps holds: a member that does not wait in `looking` is full, and
//! each slot that comes before its worst one is held by an earlier arrival or
//! waits in `vacant`.

use alloc::boxed::Box;
use alloc::collections::BinaryHeap;
use alloc::vec::Vec;
use core::cmp::{Ordering, Reverse};

use super::{Late, Maglev, Member, NONE, quota};
use crate::hash::HashKey;
use crate::table::walk::{Arrival, Walk, Walks};

mod change;

use change::{Change, FEW_MEMBERS, MANY_LATE, MATTER, budget};

/// A table under repair.
struct Repair<'a> {
    walks: &'a Walks,
    slots: Box<[u16]>,
    seats: Vec<Seat>,
    /// Until when each member takes what it comes to: always while it has room, else before its worst slot.
    limits: Vec<u64>,
    /// All members, those with the greatest limits first.
    order: Vec<Asked>,
    /// Members whose limits changed since.
    touched: Vec<u32>,
    late: Late,
    /// What is still to be settled, earliest first: so hardly a step is undone by a later one.
    queue: BinaryHeap<Reverse<(u64, Matter)>>,
    /// Looks that are left of the budget.
    budget: u64,
}

/// A member that is asked whether it wants a vacant slot.
#[derive(Clone, Copy)]
struct Asked {
    /// Its limit before the repair.
    limit: u64,
    member: u32,
    /// A copy, so that asking many reads memory in order.
    walk: Walk,
}

/// Something to settle, queued at the time from which it may matter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Matter {
    /// A slot that nobody holds, at the time when its last holder came to it:
    /// who stopped walking before, cannot want it.
    Vacant(u32),
    /// A member with room, or with ranks before its worst slot that it has not looked at.
    Looking(u32),
    /// A member that holds more than its quota, at the time of its worst slot.
    Over(u32),
}

/// What a member holds.
#[derive(Clone, Copy)]
struct Seat {
    quota: u32,
    held: u32,
    /// No slot it holds comes at a later rank; exactly its last one while it is full.
    worst: u32,
    /// Ranks before this one need no look.
    cursor: u32,
    /// Whether it is in `touched`.
    touched: bool,
}

/// The table of `members`, or nothing if a build from nothing is likely to be faster; and the looks it took.
pub(super) fn repair(
    base: &Maglev,
    key: &HashKey,
    old_members: &[Member],
    members: &[Member],
) -> (Option<Maglev>, u64) {
    let size = base.walks.size();
    let (change, quotas) = (Change::between(old_members, members), quota::quotas(size, members));
    let budget = budget(size, members.len());
    let is_like_a_build =
        members.len().min(old_members.len()) < FEW_MEMBERS || base.late.slots.len() > MANY_LATE;
    if is_like_a_build || change.cost(base, old_members, members, &quotas) > budget {
        return (None, 0);
    }
    let walks = Walks::taken_over(&base.walks, &change.kept, key, members);
    let mut repair = Repair::new(base, &walks, &quotas, &change, old_members, members, budget);
    let is_settled = repair.settle();
    let Repair { slots, seats, mut late, budget: left, .. } = repair;
    if !is_settled {
        return (None, budget - left);
    }
    late.slots.retain(|&slot| walks.arrival(usize::from(slots[slot as usize]), slot).time > late.since);
    late.slots.sort_unstable();
    late.slots.dedup();
    let worst = seats.iter().map(|seat| seat.worst).collect();
    (Some(Maglev { slots, walks, quotas, worst, late }), budget - left)
}

impl<'a> Repair<'a> {
    /// The old assignment with those slots vacated and those members looking that the change touches.
    fn new(
        base: &Maglev,
        walks: &'a Walks,
        quotas: &[u32],
        change: &Change,
        old_members: &[Member],
        members: &[Member],
        budget: u64,
    ) -> Self {
        // who became lighter comes later everywhere, so that others may claim all its slots
        let keeps =
            |from: usize| change.moved_to[from].filter(|&to| old_members[from].weight <= members[to].weight);
        let seats = quotas.iter().zip(&change.kept).enumerate().map(|(to, (&quota, from))| match *from {
            Some(from) => {
                // who became heavier comes earlier everywhere, so that it may claim slots it could not have
                let heavier = old_members[from].weight < members[to].weight;
                let held = if keeps(from).is_some() { base.quotas[from] } else { 0 };
                let worst = base.worst[from];
                Seat { quota, held, worst, cursor: if heavier { 0 } else { worst + 1 }, touched: false }
            }
            None => Seat { quota, held: 0, worst: 0, cursor: 0, touched: false },
        });
        let seats: Vec<Seat> = seats.collect();
        let limits: Vec<u64> = seats.iter().zip(walks.all()).map(|(seat, walk)| seat.limit(walk)).collect();
        let mut order: Vec<(u64, u32)> = limits.iter().copied().zip(0..).collect();
        order.sort_unstable_by_key(|&(limit, _)| Reverse(limit));
        let asked = |(limit, member)| Asked { limit, member, walk: walks.all()[member as usize] };
        let order = order.into_iter().map(asked).collect();
        let mut slots = base.slots.clone();
        let renamed: Vec<u16> =
            (0..old_members.len()).map(|from| keeps(from).map_or(NONE, |to| to as u16)).collect();
        let mut vacant: Vec<(u64, u32)> = Vec::new();
        if renamed.iter().enumerate().any(|(from, &to)| usize::from(to) != from) {
            for (slot, holder) in slots.iter_mut().enumerate() {
                let from = usize::from(*holder);
                *holder = renamed[from];
                if *holder == NONE {
                    let slot = slot as u32;
                    vacant.push((base.walks.arrival(from, slot).time, slot));
                }
            }
        }
        let vacant = vacant.into_iter().map(|(time, slot)| Reverse((time, Matter::Vacant(slot))));
        let queue = vacant.collect();
        Self {
            walks,
            slots,
            seats,
            limits,
            order,
            touched: Vec::new(),
            late: base.late.clone(),
            queue,
            budget,
        }
    }

    /// Lets everybody improve until nobody can; false if that would exceed the budget.
    fn settle(&mut self) -> bool {
        for member in 0..self.seats.len() {
            let seat = self.seats[member];
            if seat.held > seat.quota {
                self.enqueue_over(member);
            }
            if seat.held < seat.quota || seat.cursor <= seat.worst {
                self.enqueue_looking(member);
            }
        }
        while let Some(Reverse((since, matter))) = self.queue.pop() {
            self.spend(MATTER);
            if self.budget == 0 {
                return false;
            }
            match matter {
                Matter::Vacant(slot) if self.slots[slot as usize] == NONE => self.offer(slot, since),
                Matter::Vacant(_) => {}
                Matter::Looking(member) => self.look_on(member as usize),
                Matter::Over(member) => self.drop_worst(member as usize),
            }
        }
        self.budget > 0
    }

    const fn spend(&mut self, looks: u64) {
        self.budget = self.budget.saturating_sub(looks);
    }

    fn enqueue_looking(&mut self, member: usize) {
        let time = self.walks.all()[member].time(self.seats[member].cursor);
        self.queue.push(Reverse((time, Matter::Looking(member as u32))));
    }

    fn enqueue_over(&mut self, member: usize) {
        let time = self.walks.all()[member].time(self.seats[member].worst);
        self.queue.push(Reverse((time, Matter::Over(member as u32))));
    }

    fn set_limit(&mut self, member: usize, limit: u64) {
        self.limits[member] = limit;
        if !self.seats[member].touched {
            self.seats[member].touched = true;
            self.touched.push(member as u32);
        }
    }

    /// Gives a vacant slot to the first to come of all who would take it.
    ///
    /// Nobody comes before `since` who has not a better slot already or will look at this one yet.
    fn offer(&mut self, slot: u32, since: u64) {
        let size = self.walks.size();
        let mut best = Arrival { time: u64::MAX, stride: u32::MAX, member: u32::MAX };
        let mut hear = |walk: &Walk, member: u32| {
            let time = walk.time(walk.rank(size, slot));
            if time <= best.time && time <= self.limits[member as usize] {
                best = best.min(Arrival { time, stride: walk.stride, member });
            }
        };
        let willing = self.order.partition_point(|asked| asked.limit >= since);
        for asked in &self.order[..willing] {
            hear(&asked.walk, asked.member);
        }
        for &member in &self.touched {
            if self.limits[member as usize] >= since {
                hear(&self.walks.all()[member as usize], member);
            }
        }
        self.spend((willing + self.touched.len()) as u64);
        // quotas sum to the size, so with a slot vacant somebody has room
        let rank = self.walks.rank(best.member as usize, slot);
        self.take(best, slot, rank);
    }

    /// Looks on from the member's cursor for the next slot to be had; with more wanted, it is queued again.
    fn look_on(&mut self, member: usize) {
        let Seat { quota, held, worst, cursor, .. } = self.seats[member];
        let last = if held < quota { self.walks.size() - 1 } else { worst };
        let found = if cursor > last { None } else { self.next_slot(member, cursor, last) };
        let Some((rank, slot)) = found else {
            // what it may lack is among the vacant slots, which will be offered to it
            self.seats[member].cursor = last + 1;
            return;
        };
        self.seats[member].cursor = rank + 1;
        let holder = usize::from(self.slots[slot as usize]);
        if holder == usize::from(NONE) {
            // others may come to it earlier still
            self.offer(slot, 0);
        } else {
            self.take(self.walks.arrival(member, slot), slot, rank);
            self.lose(holder);
        }
        let seat = self.seats[member];
        if seat.held < seat.quota || seat.cursor <= seat.worst {
            self.enqueue_looking(member);
        }
    }

    /// The first slot, by the member's ranks `from..=to`, to which it comes before the holder.
    fn next_slot(&mut self, member: usize, from: u32, to: u32) -> Option<(u32, u32)> {
        let (size, walk) = (self.walks.size(), self.walks.all()[member]);
        let mut slot = self.walks.slot(member, from);
        for rank in from..=to {
            if self.budget == 0 {
                return None;
            }
            self.budget -= 1;
            if walk.time(rank) > self.late.since {
                // only late slots can be had from here on
                self.spend(self.late.slots.len() as u64);
                let ranked = self.late.slots.iter().map(|&slot| (self.walks.rank(member, slot), slot));
                let wanted =
                    |&(at, slot): &(u32, u32)| rank <= at && at <= to && self.comes_first(member, slot, at);
                return ranked.filter(wanted).min();
            }
            if self.comes_first(member, slot, rank) {
                return Some((rank, slot));
            }
            slot += walk.skip;
            slot = slot.min(slot.wrapping_sub(size));
        }
        None
    }

    /// Whether the member comes to a slot before its holder does.
    fn comes_first(&self, member: usize, slot: u32, rank: u32) -> bool {
        let holder = usize::from(self.slots[slot as usize]);
        let walk = &self.walks.all()[member];
        let arrival = Arrival { time: walk.time(rank), stride: walk.stride, member: member as u32 };
        holder == usize::from(NONE) || (holder != member && arrival < self.walks.arrival(holder, slot))
    }

    /// Books that a member was pushed out of a slot.
    fn lose(&mut self, member: usize) {
        let seat = &mut self.seats[member];
        seat.held -= 1;
        if seat.held < seat.quota {
            self.set_limit(member, u64::MAX);
            self.enqueue_looking(member);
        } else {
            self.find_worst(member);
        }
    }

    /// Makes the member the slot's holder; what exceeds its quota is vacated.
    fn take(&mut self, arrival: Arrival, slot: u32, rank: u32) {
        let member = arrival.member as usize;
        self.slots[slot as usize] = member as u16;
        if arrival.time > self.late.since {
            self.late.slots.push(slot);
        }
        let seat = &mut self.seats[member];
        seat.held += 1;
        seat.worst = seat.worst.max(rank);
        match seat.held.cmp(&seat.quota) {
            Ordering::Less => {}
            Ordering::Equal => self.find_worst(member),
            Ordering::Greater => {
                self.find_worst(member);
                self.enqueue_over(member);
            }
        }
    }

    /// Vacates the last slot of a member that is over its quota.
    fn drop_worst(&mut self, member: usize) {
        let seat = self.seats[member];
        if seat.held <= seat.quota {
            return;
        }
        let slot = self.walks.slot(member, seat.worst);
        let time = self.walks.arrival(member, slot).time;
        self.slots[slot as usize] = NONE;
        self.seats[member].held -= 1;
        self.queue.push(Reverse((time, Matter::Vacant(slot))));
        self.find_worst(member);
        if self.seats[member].held > self.seats[member].quota {
            self.enqueue_over(member);
        }
    }

    /// Lowers `worst` to the last slot that the member holds; beyond it all is to be looked at again.
    fn find_worst(&mut self, member: usize) {
        let (size, walk) = (self.walks.size(), self.walks.all()[member]);
        let holds = |slot: u32| usize::from(self.slots[slot as usize]) == member;
        let (mut worst, mut budget) = (self.seats[member].worst, self.budget);
        let mut slot = self.walks.slot(member, worst);
        if !holds(slot) && walk.time(worst) > self.late.since {
            // late slots are far apart: so many steps back, or this list
            let late = self.late.slots.iter().filter(|slot| holds(**slot));
            let late = late.map(|&slot| self.walks.rank(member, slot)).max();
            worst = late.unwrap_or(0).max(walk.steps_until(self.late.since));
            slot = self.walks.slot(member, worst);
            budget = budget.saturating_sub(self.late.slots.len() as u64);
        }
        while !holds(slot) && worst > 0 && budget > 0 {
            slot = if slot < walk.skip { slot + size - walk.skip } else { slot - walk.skip };
            worst -= 1;
            budget -= 1;
        }
        self.budget = budget;
        let seat = &mut self.seats[member];
        seat.worst = worst;
        seat.cursor = seat.cursor.min(worst + 1);
        let limit = seat.limit(&walk);
        self.set_limit(member, limit);
    }
}

impl Seat {
    /// Until when the member takes what it comes to.
    fn limit(&self, walk: &Walk) -> u64 {
        if self.held < self.quota { u64::MAX } else { walk.time(self.worst) }
    }
}
