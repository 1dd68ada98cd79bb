//! The queue of 16-byte keys: a radix ladder that adapts to any distribution of times.
//!
//! Level `L` has 256 buckets; a key lies at the level of the highest byte in
//! which its time differs from `base`, in the bucket of that byte. The first
//! bucket of the lowest level that is not empty holds the next keys: a small
//! one is sorted and consumed from its end, a large one is spread over the
//! levels below. A key moves at most eight times, mostly once or twice, always
//! by appending: no tuning, no width to guess, and few cache misses at a
//! million keys. Keys that fall into the part being consumed are inserted in
//! order, or wait in a heap when there are many.
//!
//! After Ahuja, Mehlhorn, Orlin and Tarjan, "Faster algorithms for the shortest
//! path problem" (radix heap, 1990) and Tang, Goh and Thng, "Ladder queue" (2005).

mod ladder;

use core::cmp::Reverse;
use std::collections::BinaryHeap;

use lb_core::Time;

use super::Class;
use ladder::Ladder;

/// A key of the queue: time, class, sequence and slot, from the highest bits to the lowest, so that
/// the order of the integers is the order of the events.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Entry(u128);

/// How many slots an entry can name.
pub(super) const SLOTS: u32 = 1 << SLOT_BITS;
const SLOT_BITS: u32 = 26;
const SEQUENCE_BITS: u32 = 35;

impl Entry {
    /// The first sequence number that does not fit.
    pub(super) const SEQUENCE_END: u64 = 1 << SEQUENCE_BITS;

    #[inline]
    pub(super) fn new(time: Time, class: Class, sequence: u64, slot: u32) -> Self {
        let class = u64::from(class as u8) << (SEQUENCE_BITS + SLOT_BITS);
        let low = class | (sequence << SLOT_BITS) | u64::from(slot);
        Self((u128::from(time.as_nanos()) << 64) | u128::from(low))
    }

    #[inline]
    #[allow(clippy::cast_possible_truncation, reason = "the high half")]
    pub(super) const fn time(self) -> Time {
        Time::from_nanos((self.0 >> 64) as u64)
    }

    #[inline]
    #[allow(clippy::cast_possible_truncation, reason = "masked")]
    pub(super) const fn slot(self) -> u32 {
        (self.0 as u32) & (SLOTS - 1)
    }

    pub(super) const fn with_sequence(self, sequence: u64) -> Self {
        let mask = ((Self::SEQUENCE_END - 1) << SLOT_BITS) as u128;
        Self((self.0 & !mask) | ((sequence as u128) << SLOT_BITS))
    }
}

/// A priority queue of entries whose minimum never goes back by more than the owner's clock allows.
pub(super) struct Queue {
    /// The entries of the range being consumed, latest first.
    current: Vec<Entry>,
    /// Times up to this one belong to the range being consumed.
    current_end: Time,
    /// Entries of that range which did not fit cheaply into `current`.
    late: BinaryHeap<Reverse<Entry>>,
    /// Everything after that range.
    ladder: Box<Ladder>,
}

/// A bucket of at most so many entries is sorted at once: to spread it would cost more (callgrind).
const SORT_LIMIT: u32 = 320;
/// Sparse buckets are consumed together up to so many entries: enough to pay for looking for them.
const GATHER: u32 = 16;
/// An insertion that would move more entries than this goes to the heap.
const SHIFT_LIMIT: usize = 32;
/// So many entries in the heap, and the range is split.
const LATE_LIMIT: usize = 256;

impl Queue {
    pub(super) fn new() -> Self {
        Self {
            current: Vec::with_capacity(SORT_LIMIT as usize),
            current_end: Time::ZERO,
            late: BinaryHeap::new(),
            ladder: Box::new(Ladder::new()),
        }
    }

    #[inline]
    pub(super) fn push(&mut self, entry: Entry) {
        if entry.time() > self.current_end {
            self.ladder.push(entry);
        } else {
            self.push_current(entry);
        }
    }

    /// The first entry, if [`refill`](Self::refill) has been called since the range ran empty.
    #[inline]
    pub(super) fn pop(&mut self) -> Option<Entry> {
        if self.late.is_empty() { self.current.pop() } else { self.pop_late() }
    }

    pub(super) fn peek(&mut self) -> Option<Entry> {
        self.refill();
        let late = self.late.peek().map(|&Reverse(entry)| entry);
        match (self.current.last().copied(), late) {
            (Some(current), Some(late)) => Some(current.min(late)),
            (current, late) => current.or(late),
        }
    }

    /// Keeps the entries for which `keep` says so.
    pub(super) fn retain(&mut self, mut keep: impl FnMut(Entry) -> bool) {
        let entries = self.drain();
        for entry in entries {
            if keep(entry) {
                self.push(entry);
            }
        }
    }

    /// Takes all entries out, in no order.
    pub(super) fn drain(&mut self) -> Vec<Entry> {
        let mut entries = core::mem::take(&mut self.current);
        entries.extend(self.late.drain().map(|Reverse(entry)| entry));
        self.ladder.drain_into(&mut entries);
        entries
    }

    /// Inserts into the range being consumed, near its end as a rule: soon is more common than late.
    fn push_current(&mut self, entry: Entry) {
        let from_end = self.current.iter().rev().take(SHIFT_LIMIT + 1).take_while(|&&other| other < entry);
        let shift = from_end.count();
        if shift <= SHIFT_LIMIT {
            self.current.insert(self.current.len() - shift, entry);
            return;
        }
        self.late.push(Reverse(entry));
        if self.late.len() > LATE_LIMIT && self.current_end > self.ladder.base() {
            self.split();
        }
    }

    fn pop_late(&mut self) -> Option<Entry> {
        let Reverse(late) = *self.late.peek()?;
        match self.current.last() {
            Some(&current) if current < late => self.current.pop(),
            Some(_) | None => self.late.pop().map(|Reverse(entry)| entry),
        }
    }

    /// Spreads a crowded range over the lower levels, so that the next one consumed is narrower.
    fn split(&mut self) {
        let mut entries = core::mem::take(&mut self.current);
        entries.extend(self.late.drain().map(|Reverse(entry)| entry));
        let earliest = entries.iter().map(|entry| entry.time()).min().unwrap_or(self.current_end);
        // An owner that peeked may have scheduled before the base, which never goes back.
        let base = earliest.max(self.ladder.base());
        self.ladder.enter(base);
        self.current_end = base;
        for entry in entries {
            if entry.time() > base {
                self.ladder.push(entry);
            } else {
                self.current.push(entry);
            }
        }
        self.current.sort_unstable_by(|left, right| right.cmp(left));
    }

    /// Makes the next range current if this one is empty, and shows its entries; none if nothing waits.
    #[cold]
    #[inline(never)]
    pub(super) fn refill(&mut self) -> &[Entry] {
        if self.current.is_empty()
            && self.late.is_empty()
            && let Some(end) = self.ladder.take_first(SORT_LIMIT, GATHER, &mut self.current)
        {
            self.current_end = end;
            sort_latest_first(&mut self.current);
        }
        &self.current
    }
}

/// Sorts what is short and nearly sorted by insertion, the rest by the standard library's means.
fn sort_latest_first(entries: &mut [Entry]) {
    if entries.len() > 20 {
        entries.sort_unstable_by(|left, right| right.cmp(left));
        return;
    }
    for sorted in 1..entries.len() {
        let entry = entries[sorted];
        let mut place = sorted;
        while place > 0 && entries[place - 1] < entry {
            entries[place] = entries[place - 1];
            place -= 1;
        }
        entries[place] = entry;
    }
}

#[cfg(test)]
mod tests;
