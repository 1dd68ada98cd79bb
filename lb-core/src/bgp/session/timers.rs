//! Times: a source of jitter, and how long a session that falls again and again is left alone.

use core::time::Duration;

use crate::Time;

/// Randomness for timers alone: SplitMix64 (Steele, Lea and Flood, 2014) from a seed.
#[derive(Clone, Debug)]
pub(in crate::bgp) struct Jitter(u64);

impl Jitter {
    pub(in crate::bgp) const fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The next number; also the seed of another.
    pub(in crate::bgp) const fn draw(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// Three quarters of a duration to the whole (RFC 4271 section 10).
    pub(super) fn shortened(&mut self, duration: Duration) -> Duration {
        let least = duration / 4 * 3;
        let sixteenths = u32::try_from(self.draw() >> 60).expect("four bits are left");
        least + (duration - least) / 15 * sixteenths
    }
}

/// Waits that double: the damping of a session that oscillates (RFC 4271 section 8.1.1).
#[derive(Clone, Debug, Default)]
pub(super) struct Backoff {
    /// Falls without a stable time between.
    falls: u32,
}

impl Backoff {
    /// How long to wait after a fall: not at all after the first, then `min`, doubled up to `max`.
    pub(super) fn after_fall(&mut self, min: Duration, max: Duration) -> Duration {
        let doublings = self.falls.checked_sub(1);
        self.falls = self.falls.saturating_add(1);
        match doublings {
            None => Duration::ZERO,
            Some(doublings) => min.max(SHORTEST).saturating_mul(1 << doublings.min(20)).min(max.max(min)),
        }
    }

    /// A session was up for this long before it fell.
    pub(super) fn note_uptime(&mut self, up: Duration) {
        if up >= STABLE {
            self.falls = 0;
        }
    }
}

/// A session that was up for so long does not oscillate.
const STABLE: Duration = Duration::from_secs(60);
/// Shorter waits would make a machine spin, whatever the configuration says.
pub(super) const SHORTEST: Duration = Duration::from_millis(10);
/// For the first OPEN: "a large value" (RFC 4271 section 8.2.2).
pub(super) const LARGE_HOLD: Duration = Duration::from_secs(240);

/// For how long a peer may take nothing of what is sent (RFC 9687 section 3.1).
pub(super) fn send_hold(hold: Duration) -> Duration {
    (hold * 2).max(Duration::from_secs(480))
}

/// The earliest of some deadlines.
pub(in crate::bgp) fn earliest<const N: usize>(deadlines: [Option<Time>; N]) -> Option<Time> {
    deadlines.into_iter().flatten().min()
}

/// Whether a deadline is over.
pub(in crate::bgp) fn is_due(deadline: Option<Time>, now: Time) -> bool {
    deadline.is_some_and(|deadline| deadline <= now)
}

#[cfg(test)]
mod tests;
