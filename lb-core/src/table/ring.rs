//! `ring`: hashed points on a circle of 2^64.
//!
//! Each member has points on the circle, as many as its weight times a factor;
//! a hash belongs to the first point at or after it, round the end to the
//! first (Karger et al., "Consistent Hashing and Random Trees", STOC 1997). A
//! member's points depend on nothing but itself, so a change moves nothing but
//! its own stretches; the price is shares that scatter by about one part in
//! the square root of a member's points.
//!
//! A look-up goes by the hash's first bits to the stretch of the circle it is
//! in and walks from there, a step or two.

use alloc::boxed::Box;
use alloc::vec;
use alloc::vec::Vec;

use super::digest::endpoint_bytes;
use super::{Member, NONE};
use crate::hash::HashKey;

/// The most points of one ring, all members together: 64 MiB.
pub const MAX_POINTS: u64 = 1 << 22;

/// How finely the circle is sampled for [`Table::slots`](super::Table::slots).
pub const SAMPLES: u32 = 1 << 16;

/// A circle of points, and a sample of it.
#[derive(Clone, Debug)]
pub(super) struct Ring {
    /// Sorted by place on the circle.
    points: Box<[Point]>,
    /// For each of [`SAMPLES`] stretches the first point at or after its start.
    starts: Box<[u32]>,
    /// Who holds the start of each stretch.
    pub(super) slots: Box<[u16]>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Point {
    at: u64,
    member: u16,
}

impl Ring {
    /// A ring with `points` per unit of weight.
    pub(super) fn build(points: u32, key: &HashKey, members: &[Member]) -> Self {
        let mut all: Vec<_> =
            (0..).zip(members).flat_map(|(place, member)| points_of(points, key, place, member)).collect();
        // Where two fall on one place the earlier member has it, whatever the order they came in.
        all.sort_unstable();
        let points = all.into_boxed_slice();
        let starts = starts(&points);
        let mut ring = Self { points, starts, slots: vec![NONE; SAMPLES as usize].into_boxed_slice() };
        ring.slots =
            (0..u64::from(SAMPLES)).map(|sample| ring.holder(sample << 48).unwrap_or(NONE)).collect();
        ring
    }

    /// Who holds a place on the circle; nobody if there are no points.
    #[inline]
    pub(super) fn holder(&self, hash: u64) -> Option<u16> {
        let start = self.starts[(hash >> 48) as usize] as usize;
        let after = self.points[start..].iter().find(|point| point.at >= hash);
        after.or_else(|| self.points.first()).map(|point| point.member)
    }
}

fn points_of(points: u32, key: &HashKey, place: u16, member: &Member) -> impl Iterator<Item = Point> + use<> {
    let (endpoint, length) = endpoint_bytes(&member.endpoint);
    let key = *key;
    (0..points * u32::from(member.weight.0)).map(move |number| {
        let mut bytes = [0; 23];
        bytes[..length].copy_from_slice(&endpoint[..length]);
        bytes[length..length + 4].copy_from_slice(&number.to_be_bytes());
        Point { at: key.hash_bytes(&bytes[..length + 4]), member: place }
    })
}

fn starts(points: &[Point]) -> Box<[u32]> {
    let mut next = 0;
    (0..u64::from(SAMPLES))
        .map(|stretch| {
            while points.get(next).is_some_and(|point| point.at < stretch << 48) {
                next += 1;
            }
            u32::try_from(next).expect("at most MAX_POINTS points")
        })
        .collect()
}
