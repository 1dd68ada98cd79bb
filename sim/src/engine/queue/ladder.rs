//! The radix ladder: eight levels of 256 buckets, and the chunks that the buckets are made of.
//!
//! All chunks live in one pool, so a bucket that grew once holds no memory
//! afterwards and the whole takes what the peak took, plus at most one chunk
//! per bucket in use.

use lb_core::Time;

use super::Entry;

pub(super) struct Ladder {
    /// All entries are later; each lies where its time first differs from this.
    base: Time,
    /// Bit `L`: level `L` holds something.
    occupied: u8,
    levels: [Level; LEVELS],
    chunks: Vec<Chunk>,
    /// First free chunk, or `NONE`.
    free: u32,
}

struct Level {
    occupied: [u64; BUCKETS / 64],
    buckets: [Bucket; BUCKETS],
}

#[derive(Clone, Copy)]
struct Bucket {
    /// The chunk being filled, or `NONE`.
    head: u32,
    length: u32,
}

struct Chunk {
    entries: [Entry; CHUNK],
    next: u32,
}

const LEVELS: usize = 8;
const BUCKETS: usize = 256;
const NONE: u32 = u32::MAX;
/// Entries in a chunk: 256 bytes, four cache lines.
const CHUNK: usize = 16;
const EMPTY: Bucket = Bucket { head: NONE, length: 0 };

impl Ladder {
    pub(super) fn new() -> Self {
        let level = || Level { occupied: [0; BUCKETS / 64], buckets: [EMPTY; BUCKETS] };
        Self {
            base: Time::ZERO,
            occupied: 0,
            levels: core::array::from_fn(|_| level()),
            chunks: Vec::new(),
            free: NONE,
        }
    }

    pub(super) const fn base(&self) -> Time {
        self.base
    }

    /// Adds an entry whose time is after the base.
    #[inline]
    #[allow(clippy::cast_possible_truncation, reason = "one byte is meant")]
    pub(super) fn push(&mut self, entry: Entry) {
        let time = entry.time().as_nanos();
        let level = ((63 - (time ^ self.base.as_nanos()).leading_zeros()) / 8) as usize;
        let digit = (time >> (8 * level)) as u8 as usize;
        self.occupied |= 1 << level;
        let rung = &mut self.levels[level];
        rung.occupied[digit / 64] |= 1 << (digit % 64);
        let bucket = &mut rung.buckets[digit];
        let place = bucket.length as usize % CHUNK;
        if place == 0 {
            bucket.head = allocate(&mut self.chunks, &mut self.free, bucket.head);
        }
        bucket.length += 1;
        self.chunks[bucket.head as usize].entries[place] = entry;
    }

    /// Moves the base forward inside the range that was taken last.
    pub(super) fn enter(&mut self, base: Time) {
        debug_assert!(base >= self.base, "the base never goes back");
        self.base = base;
    }

    /// Takes the entries of the first range out, roughly latest first, and answers the range's last instant;
    /// `None` if there is nothing.
    ///
    /// The range is one bucket of at most `limit` entries (or of one instant), and as many buckets
    /// after it as together hold at most `enough`.
    pub(super) fn take_first(&mut self, limit: u32, enough: u32, into: &mut Vec<Entry>) -> Option<Time> {
        loop {
            if self.occupied == 0 {
                return None;
            }
            let level = self.occupied.trailing_zeros() as usize;
            let first = self.levels[level].occupied_from(0).expect("an occupied level has a bucket");
            let length = self.levels[level].buckets[first].length;
            if level == 0 || length <= limit {
                let last = self.levels[level].gather(first, enough);
                self.enter_bucket(level, last);
                self.take_buckets(level, first, last, into);
                let below = (1_u64 << (8 * level)) - 1;
                return Some(Time::from_nanos(self.base.as_nanos() | below));
            }
            self.enter_bucket(level, first);
            self.spread(level, first, into);
            // An entry at the base itself differs from it nowhere and so has no level: it is next.
            if !into.is_empty() {
                return Some(self.base);
            }
        }
    }

    /// Moves the base to the first instant of a bucket.
    fn enter_bucket(&mut self, level: usize, digit: usize) {
        let width = 8 * level;
        let above = if level == LEVELS - 1 { 0 } else { u64::MAX << (width + 8) };
        self.base = Time::from_nanos((self.base.as_nanos() & above) | ((digit as u64) << width));
    }

    /// Moves the entries of the buckets `first..=last` of one level out, the last bucket first.
    fn take_buckets(&mut self, level: usize, first: usize, last: usize, into: &mut Vec<Entry>) {
        let mut digit = last;
        loop {
            let bucket = self.remove(level, digit);
            self.empty(bucket, |_, entries| into.extend_from_slice(entries));
            let Some(before) = self.levels[level].occupied_before(digit).filter(|&before| before >= first)
            else {
                return;
            };
            digit = before;
        }
    }

    /// Takes everything out, in no order.
    pub(super) fn drain_into(&mut self, into: &mut Vec<Entry>) {
        while self.occupied != 0 {
            self.take_buckets(self.occupied.trailing_zeros() as usize, 0, BUCKETS - 1, into);
        }
    }

    /// Puts the entries of a bucket into lower levels; those at the base itself go to `at_base`.
    fn spread(&mut self, level: usize, digit: usize, at_base: &mut Vec<Entry>) {
        let bucket = self.remove(level, digit);
        let base = self.base;
        self.empty(bucket, |ladder, entries| {
            for &entry in entries {
                if entry.time() == base {
                    at_base.push(entry);
                } else {
                    ladder.push(entry);
                }
            }
        });
    }

    fn remove(&mut self, level: usize, digit: usize) -> Bucket {
        let rung = &mut self.levels[level];
        rung.occupied[digit / 64] &= !(1 << (digit % 64));
        if rung.occupied == [0; BUCKETS / 64] {
            self.occupied &= !(1 << level);
        }
        core::mem::replace(&mut rung.buckets[digit], EMPTY)
    }

    /// Hands the bucket's chunks out one by one and frees each.
    fn empty(&mut self, bucket: Bucket, mut each: impl FnMut(&mut Self, &[Entry])) {
        let mut left = bucket.length as usize;
        let mut head = bucket.head;
        while left > 0 {
            let filled = (left - 1) % CHUNK + 1;
            let chunk = &mut self.chunks[head as usize];
            let next = core::mem::replace(&mut chunk.next, self.free);
            let entries = chunk.entries;
            self.free = head;
            each(self, &entries[..filled]);
            left -= filled;
            head = next;
        }
    }
}

impl Level {
    /// The first bucket from `digit` on that holds something.
    #[inline]
    fn occupied_from(&self, digit: usize) -> Option<usize> {
        let mut index = digit / 64;
        let mut word = self.occupied.get(index)? & (u64::MAX << (digit % 64));
        while word == 0 {
            index += 1;
            word = *self.occupied.get(index)?;
        }
        Some(index * 64 + word.trailing_zeros() as usize)
    }

    /// The last bucket before `digit` that holds something.
    #[inline]
    fn occupied_before(&self, digit: usize) -> Option<usize> {
        let mut index = digit / 64;
        let mut word = self.occupied[index] & !(u64::MAX << (digit % 64));
        while word == 0 {
            index = index.checked_sub(1)?;
            word = self.occupied[index];
        }
        Some(index * 64 + 63 - word.leading_zeros() as usize)
    }

    /// The last of the buckets from `first` on that together hold at most `enough`; at least `first`.
    fn gather(&self, first: usize, enough: u32) -> usize {
        let mut last = first;
        let mut total = self.buckets[first].length;
        while let Some(next) = self.occupied_from(last + 1) {
            total += self.buckets[next].length;
            if total > enough {
                break;
            }
            last = next;
        }
        last
    }
}

/// A chunk in front of `next`, from the free list if there is one.
#[inline]
fn allocate(chunks: &mut Vec<Chunk>, free: &mut u32, next: u32) -> u32 {
    let head = *free;
    if let Some(chunk) = chunks.get_mut(head as usize) {
        *free = core::mem::replace(&mut chunk.next, next);
        return head;
    }
    let head = u32::try_from(chunks.len()).expect("slots are fewer than 2^32, so chunks are");
    chunks.push(Chunk { entries: [Entry::default(); CHUNK], next });
    head
}
