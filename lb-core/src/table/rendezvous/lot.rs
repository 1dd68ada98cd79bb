//! Lots: one for each pair of member and slot, and who has the best.

use alloc::boxed::Box;

use crate::hash::HashKey;
use crate::table::{Member, NONE, mix};

/// What all members draw.
pub(super) struct Lots {
    /// By member.
    tickets: Box<[Ticket]>,
    /// The same heaviest first: with a good lot found early, most are seen not to beat it at a glance.
    by_weight: Box<[Ticket]>,
}

/// What a member's lots depend on, beside the slot.
#[derive(Clone, Copy)]
struct Ticket {
    seed: u64,
    weight: u64,
    member: u16,
}

/// A drawn lot: `cost / weight`, the least is the best, then the earlier member.
#[derive(Clone, Copy)]
struct Lot {
    /// `-log2` of a uniform number, in parts of 2^-40: below 2^46.
    cost: u64,
    weight: u64,
    member: u16,
}

/// Bits of the fraction of a cost.
const FRACTION: u32 = 40;

impl Lots {
    /// The tickets of `members`, whose weights are above 0.
    pub(super) fn new(key: &HashKey, members: &[Member]) -> Self {
        let ticket = |(member, drawn): (u16, &Member)| {
            let seed = mix::seed(key, PURPOSE, drawn);
            Ticket { seed, weight: u64::from(drawn.weight.0), member }
        };
        let tickets: Box<[Ticket]> = (0..).zip(members).map(ticket).collect();
        let mut by_weight = tickets.clone();
        by_weight.sort_by_key(|ticket| core::cmp::Reverse(ticket.weight));
        Self { tickets, by_weight }
    }

    /// The member with the best lot for a slot; [`NONE`] without members.
    pub(super) fn best(&self, slot: u32) -> u16 {
        let mut tickets = self.by_weight.iter();
        let Some(first) = tickets.next() else { return NONE };
        let mut best = first.draw(slot);
        let mut weight = first.weight;
        let mut bound = best.bound(weight);
        for ticket in tickets {
            if ticket.weight != weight {
                weight = ticket.weight;
                bound = best.bound(weight);
            }
            let uniform = ticket.uniform(slot);
            if uniform < bound {
                let lot = ticket.lot(uniform);
                if lot.beats(&best) {
                    best = lot;
                    bound = best.bound(weight);
                }
            }
        }
        best.member
    }

    /// The best of a slot's holder and those who changed.
    pub(super) fn best_of(&self, slot: u32, holder: u16, changed: &[u16]) -> u16 {
        if changed.is_empty() {
            return holder;
        }
        let draw = |member: u16| self.tickets[usize::from(member)].draw(slot);
        let better = |best: Lot, &member: &u16| {
            let lot = draw(member);
            if lot.beats(&best) { lot } else { best }
        };
        changed.iter().fold(draw(holder), better).member
    }
}

impl Ticket {
    /// A uniform number for a slot, of [`FRACTION`] bits.
    #[inline]
    const fn uniform(&self, slot: u32) -> u64 {
        mix::number(self.seed, slot) >> (u64::BITS - FRACTION)
    }

    fn lot(&self, uniform: u64) -> Lot {
        Lot { cost: cost(uniform), weight: self.weight, member: self.member }
    }

    fn draw(&self, slot: u32) -> Lot {
        self.lot(self.uniform(slot))
    }
}

impl Lot {
    /// Whether it wins; compared crosswise, as `cost / weight` is no whole number.
    fn beats(&self, other: &Self) -> bool {
        let (own, others) = (self.cost * other.weight, other.cost * self.weight);
        (own, self.member) < (others, other.member)
    }

    /// A uniform number from which on no lot of this weight, at most its own, can win.
    ///
    /// `-log2(1 - x)` is at least `x / ln 2`, more than `23 x / 16`; the 2 is for rounding.
    fn bound(&self, weight: u64) -> u64 {
        self.cost * weight / self.weight * 16 / 23 + 2
    }
}

/// `-log2(1 - uniform / 2^40)` in parts of 2^-40, bit by bit: squaring a number doubles its logarithm.
///
/// Truncated at every step, alike on every machine; too great by a few parts of 2^-40.
fn cost(uniform: u64) -> u64 {
    let rest = (1 << FRACTION) - uniform; // 1..=2^40
    let whole = rest.ilog2();
    // 1 <= mantissa < 2, in parts of 2^-63
    let mut mantissa = rest << (63 - whole);
    let mut logarithm = u64::from(whole) << FRACTION;
    for bit in (0..FRACTION).rev() {
        let square = (u128::from(mantissa) * u128::from(mantissa)) >> 63;
        let doubled = square >> 64 != 0;
        logarithm |= u64::from(doubled) << bit;
        mantissa = (square >> u32::from(doubled)) as u64;
    }
    (u64::from(FRACTION) << FRACTION) - logarithm
}

/// Keeps these numbers apart from other uses of the key.
const PURPOSE: u8 = b'h';

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn costs_are_logarithms() {
        let unit = (1_u64 << FRACTION) as f64;
        let ends = |bit| [1_u64 << bit, (3_u64 << bit) >> 1, (1_u64 << FRACTION) - (1_u64 << bit)];
        for uniform in (0..FRACTION).flat_map(ends) {
            let exact = -(-(uniform as f64) / unit).ln_1p() / 2_f64.ln();
            let cost = cost(uniform) as f64 / unit;
            assert!((cost - exact).abs() < 1e-10, "{uniform}: {cost} {exact}");
        }
        assert_eq!((cost(0), cost(1 << 39)), (0, 1 << FRACTION), "log2 of 1 and of a half");
    }

    #[test]
    fn the_bound_never_skips_a_winner() {
        for step in 0..200_000_u32 {
            let uniform = mix::number(1, step) >> (24 + step % 40);
            let best = Lot { cost: cost(uniform), weight: 3, member: 0 };
            assert!(uniform < best.bound(3), "an equal lot of an earlier member would win: {uniform}");
        }
    }
}
