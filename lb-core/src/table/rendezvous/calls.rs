//! A member's calls: random slots at random times, a Poisson process.
//!
//! When such a process, of one call a slot in a unit of time, first calls a
//! given slot is exponential, and for different slots independent. Time is cut
//! into blocks: how many calls fall into a block is drawn first, then each
//! call's time in it and its slot. Weight shortens the blocks and changes
//! nothing else, so a heavier member's lots are all better by that factor.

use crate::hash::HashKey;
use crate::table::{Member, mix};

/// A member that calls.
#[derive(Clone, Debug)]
pub(super) struct Caller {
    seed: u64,
    /// The length of a block.
    block: u64,
    /// The start of the next block.
    at: u64,
    /// Random numbers drawn so far.
    drawn: u32,
}

/// The length of a block for weight 1.
///
/// Large enough that a weight divides it to a millionth, and small enough that
/// the calls of one light member to the largest table end before the time does.
const BLOCK: u64 = 1 << 36;

/// Calls in a block, in the mean.
const CALLS: u64 = 16;

/// Keeps these numbers apart from other uses of the key.
const PURPOSE: u8 = b'h';

/// When members of this weight in all have made so many calls, in the mean.
pub(super) const fn time_of(calls: u64, weights: u64) -> u64 {
    calls / CALLS * BLOCK / weights
}

impl Caller {
    /// Before the first call of a member, whose weight is above 0.
    pub(super) fn new(key: &HashKey, member: &Member) -> Self {
        let block = BLOCK / u64::from(member.weight.0);
        Self { seed: mix::seed(key, PURPOSE, member), block, at: 0, drawn: 0 }
    }

    /// Makes all calls of the blocks that start before `until`; `hear` is told slot and time.
    #[inline]
    pub(super) fn call_until(&mut self, until: u64, size: u32, mut hear: impl FnMut(u32, u64)) {
        while self.at < until {
            for _ in 0..calls_in_a_block(self.draw()) {
                let number = self.draw();
                // the time by the foremost bits, the slot by the last 32
                let time = self.at + ((u128::from(number) * u128::from(self.block)) >> 64) as u64;
                let slot = ((number & u64::from(u32::MAX)) * u64::from(size)) >> 32;
                hear(slot as u32, time);
            }
            self.at += self.block;
        }
    }

    fn draw(&mut self) -> u64 {
        self.drawn += 1;
        mix::number(self.seed, self.drawn)
    }
}

/// How many calls fall into a block, by a random number: Poisson, by inversion.
fn calls_in_a_block(number: u64) -> usize {
    AT_MOST.iter().take_while(|&&at_most| number >= at_most).count()
}

/// The probability of so many calls in a block or fewer, in parts of 2^-64.
static AT_MOST: [u64; 64] = {
    // of none: e^-16; in parts of 2^-96, so that what is cut off does not add up
    let (mut probability, mut sum) = (8_915_955_111_228_592_727_647_u128, 0);
    let mut at_most = [0; 64];
    let mut calls = 0;
    while calls < at_most.len() {
        sum += probability;
        at_most[calls] = (sum >> 32) as u64;
        calls += 1;
        probability = probability * CALLS as u128 / calls as u128;
    }
    at_most
};

#[cfg(test)]
mod tests {
    use super::*;

    /// The constant and the recurrence against the definition.
    #[test]
    fn blocks_have_poisson_many_calls() {
        let (mut term, mut sum) = ((-16.0_f64).exp(), 0.0);
        for (calls, &at_most) in AT_MOST.iter().enumerate() {
            sum += term;
            term *= 16.0 / (calls + 1) as f64;
            assert!((at_most as f64 / 2.0_f64.powi(64) - sum).abs() < 1e-15, "{calls}");
        }
        assert_eq!(calls_in_a_block(0), 0);
        assert_eq!(calls_in_a_block(AT_MOST[0]), 1);
        assert!(calls_in_a_block(u64::MAX) > 44);
    }
}
