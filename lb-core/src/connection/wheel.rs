//! The timer wheel: four levels of 256 slots, without the entries.
//!
//! A deadline goes into the level of the highest byte in which it differs from
//! the wheel's clock (Varghese and Lauck, "Hashed and hierarchical timing
//! wheels", 1987, scheme 7). A slot comes due when the clock reaches its first
//! tick; its entries are then looked at and placed again or collected. Bit
//! maps of the occupied slots let time jump: no empty slot is ever visited.
//!
//! The wheel only counts ticks and says which slot; the lists are the owner's.

/// Slots of a level.
const SLOTS: usize = 256;
/// Levels; the highest holds 2^32 ticks.
const LEVELS: usize = 4;

/// A clock and the slots that are occupied.
#[derive(Clone, Debug)]
pub(super) struct Wheel {
    clock: u64,
    occupied: [[u64; SLOTS / 64]; LEVELS],
    /// How many slots are.
    count: u32,
}

impl Wheel {
    /// How many slots there are, on all levels.
    pub(super) const SLOTS: usize = SLOTS * LEVELS;

    pub(super) const fn new() -> Self {
        Self { clock: 0, occupied: [[0; SLOTS / 64]; LEVELS], count: 0 }
    }

    /// The slot of a deadline less than 2^32 ticks ahead; `None` if it is not
    /// ahead of the clock.
    pub(super) const fn slot(&self, deadline: u64) -> Option<usize> {
        if deadline <= self.clock {
            return None;
        }
        let level = ((deadline ^ self.clock).ilog2() / 8) as usize;
        // A deadline beyond the end of the highest level wraps around in it.
        let level = if level < LEVELS { level } else { LEVELS - 1 };
        Some(level * SLOTS + digit(deadline, level))
    }

    /// The occupied slot that comes due first, and the tick at which it does.
    pub(super) fn next(&self) -> Option<(u64, usize)> {
        for level in 0..LEVELS {
            let now = digit(self.clock, level);
            let slots = &self.occupied[level];
            let found = first_from(slots, now + 1)
                .or_else(|| if level == LEVELS - 1 { first_from(slots, 0) } else { None });
            if let Some(slot) = found {
                let ahead = (slot + SLOTS - now) % SLOTS;
                let start = ((self.clock >> (8 * level)) + ahead as u64) << (8 * level);
                return Some((start, level * SLOTS + slot));
            }
        }
        None
    }

    /// Moves the clock; no occupied slot may come due before `tick`.
    pub(super) fn advance(&mut self, tick: u64) {
        self.clock = self.clock.max(tick);
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Marks a slot whose list has become non-empty, or already is.
    pub(super) const fn occupy(&mut self, slot: usize) {
        let word = &mut self.occupied[slot / SLOTS][slot % SLOTS / 64];
        let bit = 1 << (slot % 64);
        self.count += (*word & bit == 0) as u32;
        *word |= bit;
    }

    /// Marks a slot whose list has become empty.
    pub(super) const fn vacate(&mut self, slot: usize) {
        let word = &mut self.occupied[slot / SLOTS][slot % SLOTS / 64];
        let bit = 1 << (slot % 64);
        self.count -= (*word & bit != 0) as u32;
        *word &= !bit;
    }

    /// The tick at which the slot of a deadline comes due.
    pub(super) const fn start(deadline: u64, slot: usize) -> u64 {
        let shift = 8 * (slot / SLOTS);
        deadline >> shift << shift
    }
}

/// The byte of a tick that counts on a level.
const fn digit(tick: u64, level: usize) -> usize {
    (tick >> (8 * level)) as usize % SLOTS
}

/// The first occupied slot at or after `from`.
fn first_from(slots: &[u64; SLOTS / 64], from: usize) -> Option<usize> {
    let mut word = from / 64;
    let mut mask = u64::MAX << (from % 64);
    while word < slots.len() {
        let bits = slots[word] & mask;
        if bits != 0 {
            return Some(word * 64 + bits.trailing_zeros() as usize);
        }
        mask = u64::MAX;
        word += 1;
    }
    None
}

#[cfg(test)]
mod tests;
