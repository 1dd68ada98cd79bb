//! When what failed is tried again: ever more rarely, never all at once.

use std::time::Duration;

use crate::time::Time;

/// The first wait after a failure; each further one doubles it. Short enough for a record that spreads, and
/// five failures take more than half an hour: Let's Encrypt lets a name fail five times an hour.
pub(super) const FIRST: Duration = Duration::from_secs(120);
/// The longest wait, but for what lives shortly: authorities count failed validations by the hour.
pub(super) const LAST: Duration = Duration::from_secs(6 * 3_600);

/// The longest wait where it is the authority that failed: an outage is over some time, and who is asked too often
/// says so and for how long it wants to be left alone.
pub(super) const LAST_OF_AUTHORITY: Duration = Duration::from_secs(3_600);

/// Failures in a row, and the end of the wait after the last.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Retry {
    failures: u32,
    at: Time,
}

impl Retry {
    /// No try before.
    pub(super) const fn at(&self) -> Time {
        self.at
    }

    /// Notes a failure, after which `most` is the longest wait; who was asked may want to be left alone for longer.
    pub(super) fn fail(&mut self, now: Time, lot: u64, most: Duration, retry_after: Option<Duration>) {
        let doubled = FIRST.saturating_mul(1_u32.checked_shl(self.failures).unwrap_or(u32::MAX));
        self.failures = self.failures.saturating_add(1).min(30);
        let wait = doubled.min(most);
        // only longer, so that authorities are never asked more often
        let wait = wait + part(wait / 10, mixed(lot ^ (u64::from(self.failures) << 32)));
        self.at = now + wait.max(retry_after.unwrap_or_default());
    }
}

/// A part of a duration, by a lot.
pub(super) fn part(whole: Duration, lot: u64) -> Duration {
    let nanoseconds = whole.as_nanos() * u128::from(lot) / u128::from(u64::MAX);
    Duration::from_nanos(u64::try_from(nanoseconds).unwrap_or(u64::MAX))
}

/// A lot for a text: the same from every run with one seed.
pub(super) fn lot_of(seed: u64, text: &str) -> u64 {
    text.bytes().fold(mixed(seed), |lot, byte| mixed(lot ^ u64::from(byte)))
}

/// A lot from a number (the finalizer of SplitMix64).
pub(super) const fn mixed(seed: u64) -> u64 {
    let lot = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let lot = (lot ^ (lot >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let lot = (lot ^ (lot >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    lot ^ (lot >> 31)
}
