//! What changes between two lists of members, and whether repairing is less than building.

use alloc::vec;
use alloc::vec::Vec;

use crate::table::Member;
use crate::table::maglev::Maglev;

/// How many looks a repair may take: less than half of a build's time.
///
/// A look is at a pair of member and slot. With 65,537 slots a build takes as long as 3 looks a slot
/// among 10 members, 4 among 100 and 7 among 1,000.
pub(super) fn budget(size: u32, members: usize) -> u64 {
    u64::from(size) * 3 * (1_000 + members.min(1_000) as u64) / 2_000
}

/// What settling a matter takes beside looks, in looks.
pub(super) const MATTER: u64 = 24;
/// Among fewer members a build takes too few steps for a repair to be less.
pub(super) const FEW_MEMBERS: usize = 16;
/// So many late slots that looking through them is no shortcut any more.
pub(super) const MANY_LATE: usize = 1_024;

/// Which members are which.
pub(super) struct Change {
    /// For each new member, its old index.
    pub(super) kept: Vec<Option<usize>>,
    /// For each old member, its new index.
    pub(super) moved_to: Vec<Option<usize>>,
}

impl Change {
    /// Matches two lists, both sorted by endpoint.
    pub(super) fn between(old: &[Member], new: &[Member]) -> Self {
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

    /// About how many looks the repair takes: each vacated slot asks all members, and so does each
    /// that must move and those that it moves on its way.
    pub(super) fn cost(
        &self,
        base: &Maglev,
        old_members: &[Member],
        members: &[Member],
        quotas: &[u32],
    ) -> u64 {
        let is_lighter = |(from, to): &(usize, &Option<usize>)| {
            to.is_none_or(|to| members[to].weight < old_members[*from].weight)
        };
        let vacated = self.moved_to.iter().enumerate().filter(is_lighter);
        let vacated: u64 = vacated.map(|(from, _)| u64::from(base.quotas[from])).sum();
        let before = |from: &Option<usize>| from.map_or(0, |from| base.quotas[from]);
        let gains = quotas.iter().zip(&self.kept).map(|(quota, from)| quota.saturating_sub(before(from)));
        let gains: u64 = gains.map(u64::from).sum();
        // who loses a slot looks through the late ones; how many do, is as measured
        let looks = members.len() as u64 + MATTER;
        let looks_to_move = looks + 2 * base.late.slots.len() as u64;
        let moved_by_one = if are_alike(members) { 2 } else { 10 };
        vacated * looks + gains * moved_by_one * looks_to_move
    }
}

/// Whether most weights are near their mean: their variance is at most a quarter of its square.
fn are_alike(members: &[Member]) -> bool {
    let weights = members.iter().map(|member| u128::from(member.weight.0));
    let (sum, squares) =
        weights.fold((0, 0), |(sum, squares), weight| (sum + weight, squares + weight * weight));
    4 * squares * members.len() as u128 <= 5 * sum * sum
}
