//! A member's walk over the slots: an arithmetic progression modulo the size.
//!
//! It can be asked both ways: which slot comes at a rank, and at which rank a
//! slot comes. The latter needs the skip's inverse.

use alloc::vec::Vec;

use super::Member;
use super::digest::endpoint_bytes;
use crate::hash::HashKey;

/// The walks of all members over one number of slots.
#[derive(Clone, Debug)]
pub(super) struct Walks {
    size: u32,
    walks: Vec<Walk>,
}

/// One member's walk.
#[derive(Clone, Copy, Debug)]
pub(super) struct Walk {
    /// The slot at rank 0.
    pub(super) offset: u32,
    /// From one slot to the next, modulo the size and coprime to it.
    pub(super) skip: u32,
    /// The inverse of `skip` modulo the size.
    inverse: u32,
    /// `inverse * 2^32 / size`, for a division by the size without dividing.
    quotient: u32,
    /// Time from one slot to the next, in parts of 2^-32 for weight 1: the speed is the weight.
    pub(super) stride: u32,
}

/// Strides are `2^32 / weight`, less one so that weight 1 fits 32 bits.
const SCALE: u32 = u32::MAX;

impl Walks {
    /// The walks of `members`, whose weights are above 0.
    pub(super) fn new(size: u32, key: &HashKey, members: &[Member]) -> Self {
        let prime = is_prime(size);
        let mut walks: Vec<Walk> = members.iter().map(|member| Walk::new(size, prime, key, member)).collect();
        invert(size, &mut walks);
        Self { size, walks }
    }

    /// The walks of `members`, taking over those of `old`, by the pairs in `kept` (new index, old index).
    pub(super) fn taken_over(old: &Self, kept: &[Option<usize>], key: &HashKey, members: &[Member]) -> Self {
        let size = old.size;
        let mut fresh: Vec<Walk> = Vec::new();
        if kept.iter().any(Option::is_none) {
            let prime = is_prime(size);
            let added = members.iter().zip(kept).filter(|(_, kept)| kept.is_none());
            fresh.extend(added.map(|(member, _)| Walk::new(size, prime, key, member)));
            invert(size, &mut fresh);
        }
        let mut fresh = fresh.into_iter();
        let walks = members.iter().zip(kept).map(|(member, kept)| match kept {
            Some(index) => Walk { stride: stride(member), ..old.walks[*index] },
            None => fresh.next().expect("one was made for each member without an old one"),
        });
        Self { size, walks: walks.collect() }
    }

    /// The number of slots.
    pub(super) const fn size(&self) -> u32 {
        self.size
    }

    /// All walks, by member.
    pub(super) fn all(&self) -> &[Walk] {
        &self.walks
    }

    /// The slot at which `member` comes at `rank`.
    pub(super) fn slot(&self, member: usize, rank: u32) -> u32 {
        let walk = &self.walks[member];
        let steps = u64::from(rank) * u64::from(walk.skip) + u64::from(walk.offset);
        (steps % u64::from(self.size)) as u32
    }

    /// The rank at which `member` comes to `slot`.
    pub(super) fn rank(&self, member: usize, slot: u32) -> u32 {
        self.walks[member].rank(self.size, slot)
    }

    /// When `member` comes to `slot`: what decides who holds it.
    pub(super) fn arrival(&self, member: usize, slot: u32) -> Arrival {
        let walk = &self.walks[member];
        Arrival { time: walk.time(walk.rank(self.size, slot)), stride: walk.stride, member: member as u32 }
    }
}

/// When a member comes to a slot; the least of a slot's arrivals that has room holds it.
///
/// A total order: at equal times the heavier member, then the earlier endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Arrival {
    pub(super) time: u64,
    pub(super) stride: u32,
    pub(super) member: u32,
}

impl Walk {
    /// The time that a member of weight 1 needs for a step.
    pub(super) const UNIT: u64 = SCALE as u64;

    fn new(size: u32, prime: bool, key: &HashKey, member: &Member) -> Self {
        let (bytes, length) = endpoint_bytes(&member.endpoint);
        let hash = key.hash_bytes(&bytes[..length]);
        let scale = |half: u64, range: u32| ((half * u64::from(range)) >> 32) as u32;
        let offset = scale(hash >> 32, size);
        let mut skip = 1 + scale(hash & u64::from(u32::MAX), size.saturating_sub(1));
        // 1 is coprime to every size, so this ends.
        while !prime && greatest_common_divisor(skip, size) != 1 {
            skip = skip % size + 1;
        }
        Self { offset, skip, inverse: 0, quotient: 0, stride: stride(member) }
    }

    /// The rank at which it comes to `slot`.
    #[inline]
    pub(super) fn rank(&self, size: u32, slot: u32) -> u32 {
        let distance = slot.wrapping_sub(self.offset);
        let distance = if slot < self.offset { distance.wrapping_add(size) } else { distance };
        // distance * inverse % size, after Shoup: the estimated quotient is at most 1 too small
        let quotient = ((distance as u64 * self.quotient as u64) >> 32) as u32;
        let rest = distance.wrapping_mul(self.inverse).wrapping_sub(quotient.wrapping_mul(size));
        // below the size the rest is the lesser, else what is left of it
        rest.min(rest.wrapping_sub(size))
    }

    /// Steps in a [`UNIT`](Self::UNIT) of time: about the weight.
    pub(super) fn speed(&self) -> u64 {
        Self::UNIT / u64::from(self.stride)
    }

    /// The last rank to which it comes by `time`, or 0.
    pub(super) fn steps_until(&self, time: u64) -> u32 {
        (time / u64::from(self.stride)).saturating_sub(1).min(u64::from(u32::MAX)) as u32
    }

    /// The slot after `slot`.
    #[inline]
    pub(super) const fn next(&self, slot: u32, size: u32) -> u32 {
        // forwards by `skip`: backwards by what it lacks to `size`, and a whole round forwards
        let (next, is_before) = slot.overflowing_sub(size - self.skip);
        if is_before { next.wrapping_add(size) } else { next }
    }

    /// How many ranks it comes to before `time`.
    #[inline]
    pub(super) fn ranks_before(&self, time: u64) -> u32 {
        (time.saturating_sub(1) / u64::from(self.stride)).min(u64::from(u32::MAX)) as u32
    }

    /// When it comes to the slot at `rank`.
    #[inline]
    pub(super) const fn time(&self, rank: u32) -> u64 {
        (rank as u64 + 1) * self.stride as u64
    }
}

fn stride(member: &Member) -> u32 {
    SCALE / u32::from(member.weight.0.max(1))
}

/// Sets all inverses with a single division chain: the inverse of a product gives those of its factors.
fn invert(size: u32, walks: &mut [Walk]) {
    let modulus = u64::from(size);
    let mut product = 1 % modulus;
    for walk in walks.iter_mut() {
        walk.inverse = product as u32; // of all before it, for now
        product = product * u64::from(walk.skip) % modulus;
    }
    let mut inverse = inverse_modulo(product, modulus);
    for walk in walks.iter_mut().rev() {
        let before = u64::from(walk.inverse);
        walk.inverse = (inverse * before % modulus) as u32;
        walk.quotient = ((u64::from(walk.inverse) << 32) / modulus) as u32;
        inverse = inverse * u64::from(walk.skip) % modulus;
    }
}

/// The inverse of `number` modulo `modulus`, to which it is coprime (extended Euclid).
fn inverse_modulo(number: u64, modulus: u64) -> u64 {
    let (mut rest, mut next_rest) = (modulus as i64, number as i64);
    let (mut factor, mut next_factor) = (0_i64, 1_i64);
    while next_rest != 0 {
        let quotient = rest / next_rest;
        (rest, next_rest) = (next_rest, rest - quotient * next_rest);
        (factor, next_factor) = (next_factor, factor - quotient * next_factor);
    }
    factor.rem_euclid(modulus as i64) as u64
}

fn greatest_common_divisor(mut one: u32, mut other: u32) -> u32 {
    while other != 0 {
        (one, other) = (other, one % other);
    }
    one
}

fn is_prime(number: u32) -> bool {
    number >= 2
        && (2..)
            .take_while(|divisor| divisor * divisor <= number)
            .all(|divisor| !number.is_multiple_of(divisor))
}
