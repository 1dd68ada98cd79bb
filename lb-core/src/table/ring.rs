//! `ring`: hashed points on a circle.
//!
//! Each member has points on the circle, as many as its weight times a factor;
//! a hash belongs to the first point at or after it, round the end to the
//! first (Karger et al., "Consistent Hashing and Random Trees", STOC 1997). A
//! member's points depend on nothing but itself, so a change moves nothing but
//! its own stretches; the price is shares that scatter by about one part in
//! the square root of a member's points, and memory for them.
//!
//! A look-up goes by the hash's first bits to the stretch of the circle it is
//! in and walks from there, a step or two.

use alloc::boxed::Box;
use alloc::vec::Vec;

use super::{Member, NONE, mix};
use crate::hash::HashKey;

/// The most points of one ring, all members together: some 160 MiB with the index.
pub const MAX_POINTS: u64 = 1 << 24;

/// How finely the circle is sampled for [`Table::slots`](super::Table::slots).
pub const SAMPLES: u32 = 1 << 16;

/// A circle of points, and a sample of it.
#[derive(Clone, Debug)]
pub(super) struct Ring {
    /// Where the points are, ascending, in parts of 2^-32 of the circle.
    places: Box<[u32]>,
    /// Whose they are.
    holders: Box<[u16]>,
    /// For each stretch the first point at or after its start; about as many as points.
    starts: Box<[u32]>,
    /// A place without so many of its last bits is the number of its stretch.
    stretch_bits: u32,
    /// Who holds the start of each of [`SAMPLES`] stretches.
    pub(super) slots: Box<[u16]>,
}

impl Ring {
    /// A ring with `points` per unit of weight, at most [`MAX_POINTS`] in all.
    pub(super) fn build(points: u32, key: &HashKey, members: &[Member]) -> Self {
        let mut all: Vec<u64> = Vec::new();
        for (index, member) in (0_u64..).zip(members) {
            let seed = mix::seed(key, PURPOSE, member);
            let numbers = (0..points * u32::from(member.weight.0)).map(|number| mix::number(seed, number));
            // Place, then member: where two fall on one place the earlier member has it.
            all.extend(numbers.map(|number| number >> 32 << 16 | index));
        }
        all.sort_unstable();
        let places: Box<[u32]> = all.iter().map(|point| (point >> 16) as u32).collect();
        let holders = all.iter().map(|point| *point as u16).collect();
        let stretch_bits = u32::BITS - places.len().max(2).ilog2();
        let starts = starts(&places, stretch_bits);
        let mut ring = Self { places, holders, starts, stretch_bits, slots: Box::default() };
        let samples = 0..u64::from(SAMPLES);
        ring.slots = samples.map(|sample| ring.holder(sample << 48).unwrap_or(NONE)).collect();
        ring
    }

    /// Who holds a hash's place on the circle; nobody if there are no points.
    #[inline]
    pub(super) fn holder(&self, hash: u64) -> Option<u16> {
        let place = (hash >> 32) as u32;
        let start = self.starts[(place >> self.stretch_bits) as usize] as usize;
        let before = self.places[start..].iter().take_while(|&&point| point < place).count();
        self.holders.get(start + before).or_else(|| self.holders.first()).copied()
    }
}

fn starts(places: &[u32], stretch_bits: u32) -> Box<[u32]> {
    let mut next = 0;
    let stretches = 0..1_u32 << (u32::BITS - stretch_bits);
    let start = |stretch| {
        while places.get(next).is_some_and(|&place| place < stretch << stretch_bits) {
            next += 1;
        }
        u32::try_from(next).expect("at most MAX_POINTS points")
    };
    stretches.map(start).collect()
}

/// Keeps these numbers apart from other uses of the key.
const PURPOSE: u8 = b'r';

#[cfg(test)]
mod tests;
