//! Repairing a table after a change of members, instead of filling it anew.
//!
//! The table is the one assignment in which nobody can do better: no slot has
//! an earlier arrival with room for it. Quotas and arrivals change with the
//! members; whoever could do better then, does, and may push another out, who
//! looks further in turn. Each such step exchanges arrivals for an earlier one,
//! so it ends, and as the assignment is unique it ends, in whatever order, at
//! the table that a build from nothing gives.
//!
//! Between steps holds: a member that does not wait in `looking` is full, and
//! each slot that comes before its worst one is held by an earlier arrival or
//! waits in `vacant`.

use alloc::boxed::Box;
use alloc::vec;
use alloc::vec::Vec;

use super::walk::{Arrival, Walks};
use super::{Late, Maglev, Member, NONE, quota};
use crate::hash::HashKey;

/// A table under repair.
struct Repair<'a> {
    walks: &'a Walks,
    slots: Box<[u16]>,
    seats: Vec<Seat>,
    late: Late,
    /// Slots that nobody holds.
    vacant: Vec<u32>,
    /// Members with room, or with ranks before their worst slot that they have not looked at.
    looking: Vec<usize>,
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
    /// Whether it is in `looking`.
    looks: bool,
}

/// The table of `members`; nothing if a build from nothing is likely to be faster.
pub(super) fn repair(
    base: &Maglev,
    key: &HashKey,
    old_members: &[Member],
    members: &[Member],
) -> Option<Maglev> {
    let size = base.walks.size();
    if members.is_empty() || old_members.is_empty() {
        return None;
    }
    let change = Change::between(old_members, members);
    if change.cost(base, old_members) > WORTH * u64::from(size) {
        return None;
    }
    let walks = Walks::taken_over(&base.walks, &change.kept, key, members);
    let quotas = quota::quotas(size, members);
    let mut repair = Repair::new(base, &walks, &quotas, &change, old_members, members);
    repair.settle();
    let Repair { slots, seats, mut late, .. } = repair;
    late.slots.retain(|&slot| walks.arrival(usize::from(slots[slot as usize]), slot).time > late.since);
    late.slots.sort_unstable();
    late.slots.dedup();
    if late.slots.len() > MANY_LATE {
        return None;
    }
    let worst = seats.iter().map(|seat| seat.worst).collect();
    Some(Maglev { slots, walks, quotas, worst, late })
}

/// Beyond this many looks per slot a build from nothing is faster.
const WORTH: u64 = 3;
/// So many late slots that looking through them is no shortcut any more.
const MANY_LATE: usize = 1_024;

/// Which members are which.
struct Change {
    /// For each new member, its old index.
    kept: Vec<Option<usize>>,
    /// For each old member, its new index.
    moved_to: Vec<Option<usize>>,
}

impl Change {
    /// Matches two lists, both sorted by endpoint.
    fn between(old: &[Member], new: &[Member]) -> Self {
        let (mut kept, mut moved_to) = (vec![None; new.len()], vec![None; old.len()]);
        let (mut from, mut to) = (0, 0);
        while from < old.len() && to < new.len() {
            let order = old[from].endpoint.cmp(&new[to].endpoint);
            if order.is_eq() {
                kept[to] = Some(from);
                moved_to[from] = Some(to);
            }
            from += usize::from(order.is_le());
            to += usize::from(order.is_ge());
        }
        Self { kept, moved_to }
    }

    /// About how many looks the repair takes at least: each vacated slot asks all members.
    fn cost(&self, base: &Maglev, old_members: &[Member]) -> u64 {
        let gone = self.moved_to.iter().zip(&base.quotas).filter(|(to, _)| to.is_none());
        let vacated: u64 = gone.map(|(_, quota)| u64::from(*quota)).sum();
        let joined = self.kept.iter().filter(|from| from.is_none()).count() as u64;
        let share = u64::from(base.walks.size()) / old_members.len() as u64;
        (vacated + joined * share) * self.kept.len() as u64
    }
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
    ) -> Self {
        let same_weight = |from: usize, to: usize| old_members[from].weight == members[to].weight;
        let seats = quotas.iter().zip(&change.kept).enumerate().map(|(to, (&quota, from))| match *from {
            Some(from) if same_weight(from, to) => {
                let worst = base.worst[from];
                Seat { quota, held: base.quotas[from], worst, cursor: worst + 1, looks: false }
            }
            Some(_) | None => Seat { quota, held: 0, worst: 0, cursor: 0, looks: false },
        });
        let seats = seats.collect();
        let mut slots = base.slots.clone();
        let keeps = |from: usize| change.moved_to[from].filter(|&to| same_weight(from, to));
        let renamed: Vec<u16> =
            (0..old_members.len()).map(|from| keeps(from).map_or(NONE, |to| to as u16)).collect();
        let mut vacant = Vec::new();
        if renamed.iter().enumerate().any(|(from, &to)| usize::from(to) != from) {
            for (slot, holder) in slots.iter_mut().enumerate() {
                *holder = renamed[usize::from(*holder)];
                if *holder == NONE {
                    vacant.push(slot as u32);
                }
            }
        }
        Self { walks, slots, seats, late: base.late.clone(), vacant, looking: Vec::new() }
    }

    /// Lets everybody improve until nobody can.
    fn settle(&mut self) {
        for member in 0..self.seats.len() {
            while self.seats[member].held > self.seats[member].quota {
                self.drop_worst(member);
            }
            if self.seats[member].held < self.seats[member].quota {
                self.look(member);
            }
        }
        loop {
            if let Some(slot) = self.vacant.pop() {
                if self.slots[slot as usize] == NONE {
                    self.offer(slot);
                }
            } else if let Some(member) = self.looking.pop() {
                self.improve(member);
            } else {
                return;
            }
        }
    }

    fn look(&mut self, member: usize) {
        if !self.seats[member].looks {
            self.seats[member].looks = true;
            self.looking.push(member);
        }
    }

    /// Gives a vacant slot to the first to come of all who would take it.
    fn offer(&mut self, slot: u32) {
        let size = self.walks.size();
        let mut best: Option<(Arrival, u32)> = None;
        for (member, (walk, seat)) in self.walks.all().iter().zip(&self.seats).enumerate() {
            let rank = walk.rank(size, slot);
            if rank > seat.worst && seat.held == seat.quota {
                continue;
            }
            let arrival = Arrival { time: walk.time(rank), stride: walk.stride, member: member as u32 };
            if best.is_none_or(|(best, _)| arrival < best) {
                best = Some((arrival, rank));
            }
        }
        let (arrival, rank) = best.expect("quotas sum to the size, so with a slot vacant somebody has room");
        self.take(arrival, slot, rank);
    }

    /// Looks on from the member's cursor until it is full and nothing earlier is to be had.
    fn improve(&mut self, member: usize) {
        let walk = self.walks.all()[member];
        let size = self.walks.size();
        self.seats[member].looks = false;
        let mut position = self.walks.slot(member, self.seats[member].cursor);
        loop {
            let seat = self.seats[member];
            if seat.cursor >= size || (seat.held >= seat.quota && seat.cursor > seat.worst) {
                break;
            }
            if walk.time(seat.cursor) > self.late.since {
                self.improve_late(member);
                break;
            }
            self.try_slot(member, position, seat.cursor);
            self.seats[member].cursor += 1;
            let next = position + walk.skip;
            position = if next >= size { next - size } else { next };
        }
        let seat = &mut self.seats[member];
        if seat.held < seat.quota {
            // what it lacks is among the vacant slots, which will be offered to it
            seat.cursor = size;
        } else {
            seat.cursor = seat.worst + 1;
        }
    }

    /// As [`improve`](Self::improve), where only late slots can be had.
    fn improve_late(&mut self, member: usize) {
        let cursor = self.seats[member].cursor;
        let ranked = self.late.slots.iter().map(|&slot| (self.walks.rank(member, slot), slot));
        let mut ranked: Vec<(u32, u32)> = ranked.filter(|(rank, _)| *rank >= cursor).collect();
        ranked.sort_unstable();
        for (rank, slot) in ranked {
            let seat = self.seats[member];
            if seat.held >= seat.quota && rank > seat.worst {
                break;
            }
            self.try_slot(member, slot, rank);
        }
    }

    /// Takes a slot if the member comes to it before its holder.
    fn try_slot(&mut self, member: usize, slot: u32, rank: u32) {
        let holder = usize::from(self.slots[slot as usize]);
        if holder == member {
            return;
        }
        let walk = &self.walks.all()[member];
        let arrival = Arrival { time: walk.time(rank), stride: walk.stride, member: member as u32 };
        if holder == usize::from(NONE) {
            self.take(arrival, slot, rank);
        } else if arrival < self.walks.arrival(holder, slot) {
            self.seats[holder].held -= 1;
            self.take(arrival, slot, rank);
            self.look(holder);
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
        if seat.held > seat.quota {
            self.drop_worst(member);
        } else if seat.held == seat.quota {
            self.find_worst(member);
        }
    }

    fn drop_worst(&mut self, member: usize) {
        self.find_worst(member);
        let slot = self.walks.slot(member, self.seats[member].worst);
        self.slots[slot as usize] = NONE;
        self.seats[member].held -= 1;
        self.vacant.push(slot);
        self.find_worst(member);
    }

    /// Lowers `worst` to the last slot that the member holds; beyond it all is to be looked at again.
    fn find_worst(&mut self, member: usize) {
        let (size, walk) = (self.walks.size(), self.walks.all()[member]);
        let mut worst = self.seats[member].worst;
        let mut slot = self.walks.slot(member, worst);
        while usize::from(self.slots[slot as usize]) != member && worst > 0 {
            slot = if slot < walk.skip { slot + size - walk.skip } else { slot - walk.skip };
            worst -= 1;
        }
        let seat = &mut self.seats[member];
        seat.worst = worst;
        seat.cursor = seat.cursor.min(worst + 1);
    }
}
