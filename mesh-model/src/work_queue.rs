//! What is to be looked at next, and when to try again what failed.
//!
//! The idea, client-go's: what is queued is a key, not a change. A key is
//! queued once, however often it changes; it is worked on by one at a time, and
//! what changes meanwhile queues it again; a failure lets it wait, twice as long each
//! time, until it succeeds.
//!
//! ```text
//!          change              taken             failed
//!  (none) ────────> Queued ───────────> Working ────────> Waiting ──due, change──> Queued
//!     ^               ^                 │  │ change
//!     ├──succeeded────│─────────────────┘  v
//!     │               └──succeeded, failed── Dirty
//! ```
//!
//! **Fair**: keys are taken in the order in which they were queued, so whoever
//! is queued waits for no more takes than there were keys ahead of it, however
//! often others change or fail. **Seeded**: waiting times are shortened by a
//! random part, so that what failed together does not come back together.
//! What working on a key means is its owner's business. Keys are objects of ours, not
//! strangers' words, and one that has nothing to do costs nothing.
//!
//! Two things differ from client-go: what waits after a failure is queued once when it changes (there it comes
//! back once more when its time is up), and there is no bucket that all retries share (10 a second there):
//! workers bound how much is tried at once, back-off how often.
//!
//! Source: kubernetes/client-go `util/workqueue`.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use crate::time::Time;
use crate::units::Share;

/// How long a key waits after failures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BackOff {
    /// After the first.
    pub base: Duration,
    /// At most.
    pub most: Duration,
    /// The share by which each wait is shortened at most, at random.
    pub jitter: Share,
}

impl Default for BackOff {
    /// client-go's 5 ms, doubled up to 1,000 s, shortened by up to a tenth.
    fn default() -> Self {
        let jitter = "10%".parse().expect("a share");
        Self { base: Duration::from_millis(5), most: Duration::from_secs(1_000), jitter }
    }
}

impl BackOff {
    /// The wait after so many failures in a row, from 1; `random` picks the part that is taken off.
    #[must_use]
    pub fn wait(self, failures: u32, random: u64) -> Duration {
        let doubled =
            1_u32.checked_shl(failures.saturating_sub(1)).and_then(|times| self.base.checked_mul(times));
        let whole = doubled.map_or(self.most, |wait| wait.min(self.most)).as_nanos();
        // a share of a share: random is all of 64 bits, the jitter millionths
        let jitter = whole * u128::from(self.jitter.as_millionths()) / 1_000_000;
        let off = (jitter * u128::from(random >> 32)) >> 32;
        Duration::from_nanos(u64::try_from(whole - off).unwrap_or(u64::MAX))
    }
}

/// A queue of keys that are to be looked at.
///
/// After every `handle_*` drain [`poll_transmit`](Self::poll_transmit), then read [`poll_timeout`](Self::poll_timeout).
///
/// ```
/// use mesh_model::time::Time;
/// use mesh_model::work_queue::{BackOff, WorkResult, WorkQueue};
///
/// let mut queue = WorkQueue::new(BackOff::default(), 1, 7);
/// queue.handle_change("payments/checkout");
/// queue.handle_change("payments/checkout");
/// assert_eq!(queue.poll_transmit(), Some("payments/checkout"));
/// assert_eq!(queue.poll_transmit(), None, "once, however often it changed");
/// queue.handle_result(Time::ZERO, &"payments/checkout", WorkResult::Failed);
/// let again = queue.poll_timeout().unwrap();
/// queue.handle_timeout(again);
/// assert_eq!(queue.poll_transmit(), Some("payments/checkout"));
/// ```
#[derive(Clone, Debug)]
pub struct WorkQueue<K> {
    back_off: BackOff,
    workers: usize,
    working: usize,
    random: u64,
    sequence: u64,
    keys: BTreeMap<K, Entry>,
    /// Keys to be taken, in order.
    queued: BTreeMap<u64, K>,
    /// Keys that wait, by when.
    waiting: BTreeSet<(Time, u64, K)>,
}

/// How a key is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Entry {
    state: KeyState,
    /// In a row.
    failures: u32,
    /// Its place among the queued or waiting.
    place: u64,
    /// Until when it waits.
    until: Time,
}

/// Where a key is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum KeyState {
    /// It is worked on, and has changed since.
    Dirty,
    /// Nothing is to be done.
    #[default]
    Idle,
    /// It is worked on, and of no interest any more.
    Leaving,
    /// It is to be taken.
    Queued,
    /// It is tried again later.
    Waiting,
    /// It is worked on.
    Working,
}

/// What came of working on a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WorkResult {
    /// It is right, and to be looked at again after a while.
    Again(Duration),
    /// It failed.
    Failed,
    /// It is right.
    Succeeded,
}

/// What happens to a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Input {
    Again,
    Changed,
    Due,
    Failed,
    Forgotten,
    Succeeded,
    Taken,
}

impl<K: Ord + Clone> WorkQueue<K> {
    /// An empty queue for so many workers at a time, at least one; the seed is of the random part of waits.
    #[must_use]
    pub fn new(back_off: BackOff, workers: usize, seed: u64) -> Self {
        Self {
            back_off,
            workers: workers.max(1),
            working: 0,
            random: seed,
            sequence: 0,
            keys: BTreeMap::new(),
            queued: BTreeMap::new(),
            waiting: BTreeSet::new(),
        }
    }

    /// A key is to be looked at. One that waits after a failure does so no longer: the change may have mended it.
    pub fn handle_change(&mut self, key: K) {
        self.enter(&key, Input::Changed, Time::ZERO);
    }

    /// A key is there no longer; whoever works on it finishes, and nothing follows.
    pub fn handle_forget(&mut self, key: &K) {
        self.enter(key, Input::Forgotten, Time::ZERO);
    }

    /// What came of working on a key; of one that nobody works on it is ignored.
    pub fn handle_result(&mut self, now: Time, key: &K, result: WorkResult) {
        match result {
            WorkResult::Again(after) => self.enter(key, Input::Again, now + after),
            WorkResult::Failed => {
                let failures = self.keys.get(key).map_or(0, |entry| entry.failures).saturating_add(1);
                let random = self.draw();
                self.enter(key, Input::Failed, now + self.back_off.wait(failures, random));
            }
            WorkResult::Succeeded => self.enter(key, Input::Succeeded, now),
        }
    }

    /// Time has passed; may be called too early or too often.
    pub fn handle_timeout(&mut self, now: Time) {
        while let Some((_, _, key)) = self.waiting.first().filter(|(until, _, _)| *until <= now).cloned() {
            self.enter(&key, Input::Due, now);
        }
    }

    /// The key to work on next, if a worker is free; then tell [`handle_result`](Self::handle_result).
    #[must_use]
    pub fn poll_transmit(&mut self) -> Option<K> {
        if self.working >= self.workers {
            return None;
        }
        let key = self.queued.first_key_value()?.1.clone();
        self.enter(&key, Input::Taken, Time::ZERO);
        Some(key)
    }

    /// When [`handle_timeout`](Self::handle_timeout) is to be called.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Time> {
        self.waiting.first().map(|(until, _, _)| *until)
    }

    /// Where a key is.
    #[must_use]
    pub fn state(&self, key: &K) -> KeyState {
        self.keys.get(key).map_or(KeyState::Idle, |entry| entry.state)
    }

    /// How often a key failed in a row.
    #[must_use]
    pub fn failures(&self, key: &K) -> u32 {
        self.keys.get(key).map_or(0, |entry| entry.failures)
    }

    /// How many keys are to be taken.
    #[must_use]
    pub fn len(&self) -> usize {
        self.queued.len()
    }

    /// Whether none is.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.queued.is_empty()
    }

    /// The one place where the state of a key changes; `until` is when it comes back, if it waits.
    fn enter(&mut self, key: &K, input: Input, until: Time) {
        let mut entry = self.keys.remove(key).unwrap_or_default();
        let from = entry.state;
        entry.state = next(from, input);
        let is_worked = |state| matches!(state, KeyState::Dirty | KeyState::Leaving | KeyState::Working);
        match input {
            Input::Failed if is_worked(from) => entry.failures = entry.failures.saturating_add(1),
            Input::Again | Input::Succeeded if is_worked(from) => entry.failures = 0,
            Input::Forgotten => entry.failures = 0,
            Input::Again | Input::Changed | Input::Due | Input::Failed | Input::Succeeded | Input::Taken => {}
        }
        if from != entry.state {
            self.leave(key, from, &entry);
            self.sequence += 1;
            (entry.place, entry.until) = (self.sequence, until);
            match entry.state {
                KeyState::Queued => drop(self.queued.insert(entry.place, key.clone())),
                KeyState::Waiting => drop(self.waiting.insert((until, entry.place, key.clone()))),
                KeyState::Dirty | KeyState::Idle | KeyState::Leaving | KeyState::Working => {}
            }
            self.working += usize::from(is_worked(entry.state));
        }
        if entry.state != KeyState::Idle {
            self.keys.insert(key.clone(), entry);
        }
    }

    /// Takes a key from where it was.
    fn leave(&mut self, key: &K, from: KeyState, entry: &Entry) {
        match from {
            KeyState::Queued => drop(self.queued.remove(&entry.place)),
            KeyState::Waiting => drop(self.waiting.remove(&(entry.until, entry.place, key.clone()))),
            KeyState::Dirty | KeyState::Leaving | KeyState::Working => self.working -= 1,
            KeyState::Idle => {}
        }
    }

    /// The next random number (SplitMix64: Steele, Lea, Flood 2014).
    const fn draw(&mut self) -> u64 {
        self.random = self.random.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.random;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }
}

/// Where an input leads.
const fn next(state: KeyState, input: Input) -> KeyState {
    use Input::{Again, Changed, Due, Failed, Forgotten, Succeeded, Taken};
    use KeyState::{Dirty, Idle, Leaving, Queued, Waiting, Working};
    match (state, input) {
        (Idle | Queued | Waiting, Changed) | (Waiting, Due) => Queued,
        (Queued, Again | Due | Failed | Succeeded) => Queued,
        (Dirty, Again | Failed | Succeeded) => Queued,
        (Idle, Again | Due | Failed | Forgotten | Succeeded | Taken) => Idle,
        (Queued | Waiting, Forgotten) | (Working, Succeeded) => Idle,
        (Leaving, Again | Failed | Succeeded) => Idle,
        (Queued, Taken) | (Working, Due | Taken) => Working,
        (Working, Again | Failed) | (Waiting, Again | Failed | Succeeded | Taken) => Waiting,
        (Working | Dirty | Leaving, Changed) | (Dirty, Due | Taken) => Dirty,
        (Working | Dirty | Leaving, Forgotten) | (Leaving, Due | Taken) => Leaving,
    }
}

#[cfg(test)]
mod tests;
