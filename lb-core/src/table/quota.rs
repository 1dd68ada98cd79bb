//! Quotas: how many slots each member is due.
//!
//! Each member first gets one slot, so that nobody starves; the rest is shared
//! by weight, and what rounding leaves over goes to the largest remainders
//! (Hamilton's method), ties to the earlier member. In integers throughout.

use alloc::vec::Vec;
use core::cmp::Reverse;

use super::Member;

/// The quota of each of `members`, summing to `size`.
///
/// Expects weights above 0 and at most `size` members.
///
/// ```
/// use lb_core::table::{Member, quota};
/// use lb_core::{Endpoint, Weight};
///
/// let member = |last, weight| {
///     Member::new(Endpoint::new([10, 1, 0, last].into(), 443), Weight(weight))
/// };
/// // One each; of the other 7 slots 0.7, 0.7 and 5.6.
/// assert_eq!(quota::quotas(10, &[member(1, 1), member(2, 1), member(3, 8)]), [2, 2, 6]);
/// ```
#[must_use]
pub fn quotas(size: u32, members: &[Member]) -> Vec<u32> {
    if members.is_empty() {
        return Vec::new();
    }
    let rest = (size as usize).saturating_sub(members.len()) as u64;
    let total = members.iter().map(|member| u64::from(member.weight.0)).sum::<u64>();
    let mut left_over = rest;
    let mut remainders = Vec::with_capacity(members.len());
    let mut quotas = Vec::with_capacity(members.len());
    for (index, member) in members.iter().enumerate() {
        let product = rest * u64::from(member.weight.0);
        left_over -= product / total;
        remainders.push((Reverse(product % total), index));
        let share = u32::try_from(product / total).expect("at most `size`");
        quotas.push(1 + share);
    }
    let left_over = usize::try_from(left_over).expect("fewer than there are members");
    if 0 < left_over && left_over < remainders.len() {
        remainders.select_nth_unstable(left_over);
    }
    for &(_, index) in &remainders[..left_over] {
        quotas[index] += 1;
    }
    quotas
}
