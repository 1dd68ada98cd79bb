//! `rendezvous`: each slot to the member that draws the best lot for it.
//!
//! A lot depends on member, weight and slot alone, so who leaves gives up its
//! own slots and no other moves; who joins takes only what it gets; a weight
//! change moves slots only to or from that member. The price is chance: shares
//! scatter by the square root of the quota. Lots are exponential with the weight
//! as rate, `-log2(uniform) / weight`, least wins, which gives each member its
//! share exactly in the mean; in fixed point, so alike on every machine.
//!
//! Chance may leave a light member without any slot. Then each such member, in
//! order, takes the first slot of its own walk whose holder has another one.
//! Only that costs movement beyond the rule: at most one slot for each member
//! that starved before or starves after the change, and none where nobody does.
//!
//! Source: Thaler and Ravishankar, "A Name-Based Mapping Scheme for Rendezvous"
//! (1996); weights after Schindelhauer and Schomaker, "Weighted Distributed
//! Hash Tables" (SPAA 2005).

use alloc::boxed::Box;
use alloc::vec;
use alloc::vec::Vec;

use super::walk::Walks;
use super::{Member, NONE};
use crate::hash::HashKey;

mod lot;
#[cfg(test)]
mod tests;

use lot::Lots;

/// A filled table.
#[derive(Clone, Debug)]
pub(super) struct Rendezvous {
    /// Who holds each slot.
    pub(super) slots: Box<[u16]>,
    /// Who drew the best lot, where that is not who holds it: (slot, member).
    starved: Vec<(u32, u16)>,
}

/// Fills `size` slots from nothing: one lot for each member and slot.
pub(super) fn build(size: u32, key: &HashKey, members: &[Member]) -> Rendezvous {
    let lots = Lots::new(key, members);
    let slots = (0..size).map(|slot| lots.best(slot)).collect();
    feed(slots, key, members)
}

/// The table of `members` from that of `old_members`: the same slots as [`build`]'s.
///
/// Only the lots of who changed are drawn, and all lots for slots that lost their holder.
pub(super) fn update(
    base: &Rendezvous,
    key: &HashKey,
    old_members: &[Member],
    members: &[Member],
) -> Rendezvous {
    let mut slots = base.slots.clone();
    for &(slot, best) in &base.starved {
        slots[slot as usize] = best;
    }
    let lots = Lots::new(key, members);
    let kept: Vec<u16> = old_members.iter().map(|old| kept(old, members)).collect();
    let same = |member: &Member| old_members.binary_search(member).is_ok();
    let changed: Vec<u16> =
        (0..).zip(members).filter(|(_, member)| !same(member)).map(|(index, _)| index).collect();
    for (slot, holder) in (0..).zip(&mut slots) {
        *holder = match kept.get(usize::from(*holder)) {
            None | Some(&NONE) => lots.best(slot),
            Some(&kept) => lots.best_of(slot, kept, &changed),
        };
    }
    feed(slots, key, members)
}

/// The new index of a member whose lots did not get worse, else [`NONE`].
fn kept(old: &Member, members: &[Member]) -> u16 {
    match members.binary_search_by_key(&old.endpoint, |member| member.endpoint) {
        Ok(index) if members[index].weight >= old.weight => index as u16,
        Ok(_) | Err(_) => NONE,
    }
}

/// Gives each member without a slot one: the first of its walk whose holder has another.
fn feed(mut slots: Box<[u16]>, key: &HashKey, members: &[Member]) -> Rendezvous {
    let mut counts = vec![0_u32; members.len()];
    for &holder in &slots {
        if holder != NONE {
            counts[usize::from(holder)] += 1;
        }
    }
    let starving: Vec<usize> = (0..members.len()).filter(|&member| counts[member] == 0).collect();
    let size = slots.len() as u32;
    let hungry: Vec<Member> = starving.iter().map(|&member| members[member]).collect();
    let walks = Walks::new(size, key, &hungry);
    let mut starved = Vec::with_capacity(starving.len());
    for (place, &member) in starving.iter().enumerate() {
        let rich = |&slot: &u32| counts[usize::from(slots[slot as usize])] > 1;
        // slots are at least as many as members, so while one has none another has two
        let Some(slot) = (0..size).map(|rank| walks.slot(place, rank)).find(rich) else { break };
        let holder = core::mem::replace(&mut slots[slot as usize], member as u16);
        counts[usize::from(holder)] -= 1;
        counts[member] = 1;
        starved.push((slot, holder));
    }
    Rendezvous { slots, starved }
}

impl Rendezvous {
    /// How many members have a slot only because they would have none.
    #[must_use]
    pub(super) const fn starved(&self) -> usize {
        self.starved.len()
    }
}
