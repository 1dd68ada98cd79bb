//! `rendezvous`: each slot to the member that draws the best lot for it.
//!
//! A lot depends on member, weight and slot alone, so who leaves gives up its
//! own slots and no other moves; who joins takes only what it gets; a weight
//! change moves slots only to or from that member. The price is chance: shares
//! scatter by the square root of the quota. Lots are exponential with the weight
//! as rate, least wins, which gives each member its share exactly in the mean;
//! in fixed point, so alike on every machine.
//!
//! All lots of a member are drawn at once, and the good ones first: it calls out
//! slots at random, at random times, as often as its weight is ([`calls`]). Its
//! lot for a slot is when it first calls it. So nobody has to draw a lot for
//! each pair of member and slot: when every slot was called by somebody, after
//! about `size * ln(size)` calls by all members together, the lots that were not
//! drawn are no better than those that were. That is so little work that an
//! update is a build.
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

mod calls;
#[cfg(test)]
mod tests;

use calls::Caller;

/// A filled table.
#[derive(Clone, Debug)]
pub(super) struct Rendezvous {
    /// Who holds each slot.
    pub(super) slots: Box<[u16]>,
    /// How many members have a slot only because they would have none.
    pub(super) starved: usize,
}

/// Fills `size` slots.
pub(super) fn build(size: u32, key: &HashKey, members: &[Member]) -> Rendezvous {
    feed(best(size, key, members), key, members)
}

/// Who has the best lot for each slot: the earliest call, then the earlier member.
fn best(size: u32, key: &HashKey, members: &[Member]) -> Box<[u16]> {
    let mut slots = vec![NONE; size as usize].into_boxed_slice();
    if members.is_empty() {
        return slots;
    }
    let mut called_at = vec![u64::MAX; size as usize];
    let mut callers: Vec<Caller> = members.iter().map(|member| Caller::new(key, member)).collect();
    let weights = members.iter().map(|member| u64::from(member.weight.0)).sum();
    // so many calls leave none of `size` slots out about as often as not
    let mut calls = u64::from(size) * (u64::from(size.ilog2()) + 1) * 3 / 4;
    loop {
        let until = calls::time_of(calls, weights);
        for (caller, member) in callers.iter_mut().zip(0..) {
            caller.call_until(until, size, |slot, time| {
                let (holder, best) = (&mut slots[slot as usize], &mut called_at[slot as usize]);
                if (time, member) < (*best, *holder) {
                    (*best, *holder) = (time, member);
                }
            });
        }
        // what is called from now on is called at that time or later
        if called_at.iter().all(|&time| time < until) {
            return slots;
        }
        calls += u64::from(size);
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
    for (place, &member) in starving.iter().enumerate() {
        let rich = |&slot: &u32| counts[usize::from(slots[slot as usize])] > 1;
        let slot = (0..size).map(|rank| walks.slot(place, rank)).find(rich);
        let slot = slot.expect("slots are at least as many as members: while one has none another has two");
        let holder = core::mem::replace(&mut slots[slot as usize], member as u16);
        counts[usize::from(holder)] -= 1;
        counts[member] = 1;
    }
    Rendezvous { slots, starved: starving.len() }
}
