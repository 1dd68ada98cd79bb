//! `maglev`: exact quotas with little movement.
//!
//! Each member walks its own permutation of the slots (offset and skip, as in
//! the Maglev paper) at a speed proportional to its weight; whoever comes to a
//! slot first holds it, and a member that has its quota stops. "Comes first" is
//! one total order over all pairs of member and slot (time, then the heavier,
//! then the earlier endpoint), and it depends on that pair alone. So the table
//! is the one stable assignment of that order: it has neither order nor history,
//! and a change can be repaired where it happened ([`repair`]), if that is less
//! than a build from nothing, and still give its bytes.
//!
//! This differs from the paper, where a member in its turn walks on until it
//! finds a free slot. There a late turn depends on all earlier ones; here a
//! member that comes too late simply walks on with the others. Quotas end as
//! exact, and about half as many slots move (`examples/table_movement.rs`).

use alloc::boxed::Box;
use alloc::vec::Vec;

use super::{Member, NONE, quota};
use crate::hash::HashKey;

mod fill;
mod repair;
#[cfg(test)]
mod tests;

use super::walk::Walks;
use fill::Filling;

/// A filled table with what a later repair needs to know.
#[derive(Clone, Debug)]
pub(super) struct Maglev {
    /// Who holds each slot.
    pub(super) slots: Box<[u16]>,
    walks: Walks,
    /// Each member's quota.
    quotas: Vec<u32>,
    /// The rank of the last slot that each member holds.
    worst: Vec<u32>,
    late: Late,
}

/// The slots that were taken last.
///
/// A member that looks for a late slot would walk past nearly all others;
/// it looks here instead.
#[derive(Clone, Debug)]
struct Late {
    /// A slot that is not listed was taken at this time or before.
    since: u64,
    /// All slots that were taken later, perhaps some others.
    slots: Vec<u32>,
}

/// Fills `size` slots from nothing.
pub(super) fn build(size: u32, key: &HashKey, members: &[Member]) -> Maglev {
    let walks = Walks::new(size, key, members);
    let quotas = quota::quotas(size, members);
    let mut filling = Filling::new(&walks, &quotas);
    filling.walk();
    let late = filling.finish();
    let (slots, worst) = filling.into_parts();
    Maglev { slots, walks, quotas, worst, late }
}

/// The table of `members`, from that of `old_members`: the same slots as [`build`]'s.
pub(super) fn update(base: &Maglev, key: &HashKey, old_members: &[Member], members: &[Member]) -> Maglev {
    let (repaired, _) = repair::repair(base, key, old_members, members);
    repaired.unwrap_or_else(|| build(base.walks.size(), key, members))
}
