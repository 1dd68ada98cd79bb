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
    levels: Vec<Level>,
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
            levels: (0..LEVELS).map(|_| level()).collect(),
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

    /// Takes the entries of the first range with at most `limit` of them (or of one instant) out, and
    /// answers the range's last instant; `None` if there is nothing.
    pub(super) fn take_first(&mut self, limit: usize, into: &mut Vec<Entry>) -> Option<Time> {
        loop {
            if self.occupied == 0 {
                return None;
            }
            let level = self.occupied.trailing_zeros() as usize;
            let digit = self.levels[level].first();
            let width = 8 * level;
            let below = (1_u64 << width) - 1;
            let above = u64::MAX.checked_shl(u32::try_from(width + 8).unwrap_or(64)).unwrap_or(0);
            let start = (self.base.as_nanos() & above) | ((digit as u64) << width);
            let bucket = self.remove(level, digit);
            self.base = Time::from_nanos(start);
            if level == 0 || bucket.length as usize <= limit {
                self.empty(bucket, |_, entries| into.extend_from_slice(entries));
                return Some(Time::from_nanos(start | below));
            }
            // An entry at the base itself differs from it nowhere and so has no level: it is next.
            self.spread(bucket, into);
            if !into.is_empty() {
                return Some(self.base);
            }
        }
    }

    /// Takes everything out, in no order.
    pub(super) fn drain_into(&mut self, into: &mut Vec<Entry>) {
        while self.occupied != 0 {
            let level = self.occupied.trailing_zeros() as usize;
            let digit = self.levels[level].first();
            let bucket = self.remove(level, digit);
            self.empty(bucket, |_, entries| into.extend_from_slice(entries));
        }
    }

    /// Puts the entries of a bucket into lower levels; those at the base itself go to `at_base`.
    fn spread(&mut self, bucket: Bucket, at_base: &mut Vec<Entry>) {
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
    fn first(&self) -> usize {
        let word = self.occupied.iter().position(|&word| word != 0).expect("an occupied level has a bucket");
        word * 64 + self.occupied[word].trailing_zeros() as usize
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
