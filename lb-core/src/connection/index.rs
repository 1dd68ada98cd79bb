//! The hash index: from a hash to the numbers of the entries that may have it.
//!
//! A bucket is one cache line: twelve one-byte tags, the numbers of twelve
//! entries, and the number of an overflow bucket for the few that do not fit.
//! A tag only saves a look at the entry; the caller compares the whole key.
//!
//! The index grows by linear hashing (Litwin, "Linear hashing: a new tool for
//! file and table addressing", 1980): when the buckets hold more than nine
//! entries each on average, the next bucket in turn is split in two. So the
//! index is never rebuilt, an insert costs one split at most, and its memory
//! follows the number of entries. The first round begins with as many buckets
//! as make the last round end at the limit, so that a full table is evenly filled.

use alloc::vec::Vec;
use core::hint::black_box;

use super::segmented::Segmented;

/// Entries in a bucket.
const SLOTS: usize = 12;
/// Average entries in a bucket: at nine, one bucket in eight overflows and
/// 3 % of the entries lie in a second line.
const FILL: u32 = 9;
/// No bucket, no entry.
const NONE: u32 = u32::MAX;

/// The 32 bits of a keyed hash that place an entry; the entry keeps them for
/// splits and removal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place(u32);

impl Place {
    #[inline]
    #[allow(clippy::cast_possible_truncation, reason = "32 bits are wanted")]
    pub(super) const fn of(hash: u64) -> Self {
        Self(hash as u32)
    }

    /// The filter of a slot: never 0, which marks a free one, nor 1, see
    /// [`Bucket::matching`].
    ///
    /// Bits 20 to 27: the bucket is chosen by the bits above and, in tables of
    /// up to 100 million flows, by those below.
    #[inline]
    const fn tag(self) -> u8 {
        let tag = (self.0 >> 20) as u8;
        if tag < 2 { tag + 2 } else { tag }
    }
}

/// One cache line.
#[derive(Clone, Debug)]
#[repr(C, align(64))]
struct Bucket {
    tags: [u8; SLOTS],
    /// The overflow bucket that goes on where this one ends, or [`NONE`].
    next: u32,
    /// Entry numbers; meaningless where the tag is 0.
    slots: [u32; SLOTS],
}

/// Maps hashes to entry numbers; the owner has the keys.
#[derive(Clone, Debug)]
pub(super) struct Index {
    buckets: Segmented<Bucket>,
    overflow: Segmented<Bucket>,
    /// The first of the unused overflow buckets, linked by `next`.
    free: u32,
    /// Buckets at the start of the first round.
    base: u32,
    /// The round of splits, as the bit that it looks at: in round r every
    /// bucket has been split r times, and those before the next one in turn
    /// once more.
    round: u32,
    /// Buckets when the table is full.
    limit: u32,
    /// Entries.
    length: u32,
}

impl Index {
    /// An empty index for at most `limit` entries.
    pub(super) fn new(limit: u32) -> Self {
        let last = limit.div_ceil(FILL).max(1);
        let rounds = last.ilog2().saturating_sub(3);
        let base = last.div_ceil(1 << rounds);
        let limit = base << rounds;
        let mut buckets = Segmented::new(limit);
        for _ in 0..base {
            buckets.push(Bucket::EMPTY);
        }
        Self { buckets, overflow: Segmented::new(limit), free: NONE, base, round: 1, limit, length: 0 }
    }

    /// The first entry with this hash that `matches`.
    #[inline(always)]
    pub(super) fn find(&self, place: Place, mut matches: impl FnMut(u32) -> bool) -> Option<u32> {
        let tag = place.tag();
        let mut bucket = self.buckets.at(self.home(place));
        loop {
            for number in bucket.candidates(tag) {
                if matches(number) {
                    return Some(number);
                }
            }
            if bucket.next == NONE {
                return None;
            }
            bucket = self.overflow.at(bucket.next);
        }
    }

    /// Fetches the first line that a hash leads to into the cache.
    #[inline(always)]
    pub(super) fn fetch(&self, place: Place) {
        black_box(self.buckets.at(self.home(place)).next);
    }

    /// An entry that probably has this hash, by the first line alone.
    #[inline(always)]
    pub(super) fn candidate(&self, place: Place) -> Option<u32> {
        self.buckets.at(self.home(place)).candidates(place.tag()).next()
    }

    /// Enters an entry; `place_of` tells the place of those that are there.
    pub(super) fn insert(&mut self, place: Place, number: u32, place_of: impl Fn(u32) -> Place) {
        self.put(self.home(place), place.tag(), number);
        self.length += 1;
        if self.length > FILL * self.buckets.len() && self.buckets.len() < self.limit {
            self.split(place_of);
        }
    }

    /// Takes an entry out; nothing happens if it is not there.
    pub(super) fn remove(&mut self, place: Place, number: u32) {
        let home = self.home(place);
        let mut before = NONE;
        let mut at = NONE;
        loop {
            let bucket = self.chained(home, at);
            if let Some(slot) = bucket.slot_of(place.tag(), number) {
                self.length -= 1;
                self.vacate(home, before, at, slot);
                return;
            }
            if bucket.next == NONE {
                return;
            }
            before = at;
            at = bucket.next;
        }
    }

    /// The memory reserved for buckets.
    pub(super) fn memory_bytes(&self) -> usize {
        self.buckets.memory_bytes() + self.overflow.memory_bytes()
    }

    /// The bucket in which the entries of a place begin.
    #[inline(always)]
    const fn home(&self, place: Place) -> u32 {
        // The high bits choose one of the first buckets, the low bits one of
        // those that were split off it, one more bit for each round.
        let first = ((place.0 as u64 * self.base as u64) >> 32) as u32;
        let split = place.0 & (2 * self.round - 1);
        let number = first + self.base * split;
        if number < self.buckets.len() {
            return number;
        }
        first + self.base * (split & (self.round - 1))
    }

    /// A bucket of the chain that begins at `home`: itself for [`NONE`].
    fn chained(&mut self, home: u32, at: u32) -> &mut Bucket {
        if at == NONE { self.buckets.at_mut(home) } else { self.overflow.at_mut(at) }
    }

    /// Writes an entry into the first free slot of a chain.
    fn put(&mut self, home: u32, tag: u8, number: u32) {
        let mut at = NONE;
        loop {
            let bucket = self.chained(home, at);
            if let Some(slot) = bucket.free_slot() {
                bucket.tags[slot] = tag;
                bucket.slots[slot] = number;
                return;
            }
            if bucket.next == NONE {
                let fresh = self.allocate();
                self.chained(home, at).next = fresh;
                at = fresh;
            } else {
                at = bucket.next;
            }
        }
    }

    /// Empties a slot of bucket `at`, whose predecessor in the chain is
    /// `before`: fills it from the next bucket, and gives an empty bucket back.
    fn vacate(&mut self, home: u32, before: u32, at: u32, slot: usize) {
        let bucket = self.chained(home, at);
        bucket.tags[slot] = 0;
        let next = bucket.next;
        if next != NONE {
            let source = self.overflow.at_mut(next);
            let from = source.used_slot().expect("a chained bucket is never empty");
            let (tag, number) = (source.tags[from], source.slots[from]);
            source.tags[from] = 0;
            let bucket = self.chained(home, at);
            bucket.tags[slot] = tag;
            bucket.slots[slot] = number;
            self.unchain_if_empty(home, at, next);
        } else if at != NONE {
            self.unchain_if_empty(home, before, at);
        }
    }

    /// Gives overflow bucket `at` back if it is empty; `before` leads to it.
    fn unchain_if_empty(&mut self, home: u32, before: u32, at: u32) {
        let bucket = self.overflow.at_mut(at);
        if bucket.used_slot().is_none() {
            let next = core::mem::replace(&mut bucket.next, self.free);
            self.free = at;
            self.chained(home, before).next = next;
        }
    }

    /// An empty overflow bucket.
    fn allocate(&mut self) -> u32 {
        if self.free == NONE {
            self.overflow.push(Bucket::EMPTY);
            return self.overflow.len() - 1;
        }
        let number = self.free;
        let bucket = self.overflow.at_mut(number);
        self.free = core::mem::replace(&mut bucket.next, NONE);
        number
    }

    /// Splits the next bucket in turn into itself and a new last one.
    fn split(&mut self, place_of: impl Fn(u32) -> Place) {
        let added = self.buckets.len();
        let old = added - self.base * self.round;
        let mut drained = self.buckets.at(old).clone();
        let mut halves = [Bucket::EMPTY; 2];
        let mut used = [0; 2];
        let mut rest = Vec::new();
        loop {
            // All entries are read before any is looked at: the cache misses
            // overlap, where a branch on each would wait for it.
            let sides: [bool; SLOTS] = core::array::from_fn(|slot| {
                let number = if drained.tags[slot] == 0 { 0 } else { drained.slots[slot] };
                place_of(number).0 & self.round != 0
            });
            for (slot, side) in sides.into_iter().enumerate() {
                let (tag, number, side) = (drained.tags[slot], drained.slots[slot], usize::from(side));
                if used[side] == SLOTS {
                    rest.push((side, tag, number));
                    continue;
                }
                // A free slot is written too, and then overwritten.
                halves[side].tags[used[side]] = tag;
                halves[side].slots[used[side]] = number;
                used[side] += usize::from(tag != 0);
            }
            let next = drained.next;
            if next == NONE {
                break;
            }
            let freed = Bucket { next: self.free, ..Bucket::EMPTY };
            drained = core::mem::replace(self.overflow.at_mut(next), freed);
            self.free = next;
        }
        let [stays, moves] = halves;
        *self.buckets.at_mut(old) = stays;
        self.buckets.push(moves);
        for (side, tag, number) in rest.into_iter().filter(|(_, tag, _)| *tag != 0) {
            self.put(if side == 0 { old } else { added }, tag, number);
        }
        if self.buckets.len() == self.base * self.round * 2 {
            self.round *= 2;
        }
    }
}

impl Bucket {
    const EMPTY: Self = Self { tags: [0; SLOTS], next: NONE, slots: [NONE; SLOTS] };

    /// The slots whose tag is `tag`, and by chance one whose tag differs from
    /// it in the lowest bit: a word of tags at a time, one bit for each slot.
    ///
    /// No tag is 1, so a free slot is never found by mistake, nor a used one free.
    #[inline]
    const fn matching(&self, tag: u8) -> Slots {
        const LOWEST: u64 = 0x0101_0101_0101_0101;
        let [a, b, c, d, e, f, g, h, i, j, k, l] = self.tags;
        let low = u64::from_le_bytes([a, b, c, d, e, f, g, h]) ^ (LOWEST * tag as u64);
        let high = u64::from_le_bytes([i, j, k, l, 0, 0, 0, 0]) ^ (LOWEST * tag as u64);
        let zero = low.wrapping_sub(LOWEST) & !low & (LOWEST << 7);
        let zero_high = high.wrapping_sub(LOWEST) & !high & (LOWEST << 7 & 0xffff_ffff);
        Slots(zero | zero_high >> 1)
    }

    /// The entries whose tag is `tag`.
    #[inline]
    fn candidates(&self, tag: u8) -> impl Iterator<Item = u32> {
        self.matching(tag).filter_map(|slot| self.slots.get(slot).copied())
    }

    fn free_slot(&self) -> Option<usize> {
        self.matching(0).next()
    }

    fn used_slot(&self) -> Option<usize> {
        self.tags.iter().rposition(|tag| *tag != 0)
    }

    fn slot_of(&self, tag: u8, number: u32) -> Option<usize> {
        self.matching(tag).find(|slot| self.slots[*slot] == number)
    }
}

/// Slots of a bucket: slot s < 8 is bit 8 s + 7, slot 8 + s is bit 8 s + 6.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Slots(u64);

impl Iterator for Slots {
    type Item = usize;

    #[inline]
    fn next(&mut self) -> Option<usize> {
        if self.0 == 0 {
            return None;
        }
        let bit = self.0.trailing_zeros() as usize;
        self.0 &= self.0 - 1;
        Some(bit / 8 + (!bit & 1) * 8)
    }
}

#[cfg(test)]
mod tests;
