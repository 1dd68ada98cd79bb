//! Damping: a VIP that falls again and again stays withdrawn for a while.
//!
//! RFC 2439, turned to the origin: each fall adds to a penalty that halves in
//! every half-life. Once over `suppress`, the VIP is not announced again before
//! the penalty is under `reuse`. A withdrawal is never delayed. Routers that
//! damp by themselves would do worse: they cannot tell a VIP's flapping from a
//! path's, and punish for longer. Integer arithmetic: all nodes agree.

use core::time::Duration;

use crate::time::Time;

/// What a fall adds to the penalty (RFC 2439 section 4.2; the usual figure).
const FALL: u32 = 1_000;
/// A thousand falls in a row; beyond, penalties would not fit their integers.
const MAX_SUPPRESS_MARK: u32 = 1_000_000;
/// Half-lives of the longest suppression that make a difference: 2^40 is more than all falls.
const MAX_HALVINGS: u32 = 40;

/// How flapping VIPs are held back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Damping {
    half_life: Duration,
    suppress: u32,
    reuse: u32,
    max_suppress: Duration,
    /// The most that a penalty can be: from there it takes `max_suppress` to be under `reuse`.
    ceiling: Scaled,
}

/// Why damping cannot be so.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DampingError {
    /// Nothing decays in no time.
    #[error("a half-life of 0 forgets nothing and everything; choose about a minute")]
    HalfLife,
    /// The longest suppression ends before the penalty is served.
    #[error("the penalty cannot fall from suppress to reuse in that time; choose {least:?} or more")]
    MaxSuppressShort {
        /// What it takes from the one to the other.
        least: Duration,
    },
    /// The marks are not 0 < reuse < suppress <= 1,000,000.
    #[error("the order is 0 < reuse < suppress <= 1000000")]
    Order,
}

impl Default for Damping {
    /// A third fall within about a minute costs 85 to 300 seconds.
    fn default() -> Self {
        Self::new(Duration::from_secs(60), 2_000, 750, Duration::from_secs(300))
            .expect("750 < 2000, and five minutes are more than the 85 s from one to the other")
    }
}

impl Damping {
    /// Damping with this half-life of penalties, of which a fall costs 1,000.
    ///
    /// # Errors
    ///
    /// The values contradict each other.
    pub fn new(
        half_life: Duration,
        suppress: u32,
        reuse: u32,
        max_suppress: Duration,
    ) -> Result<Self, DampingError> {
        if half_life.is_zero() {
            return Err(DampingError::HalfLife);
        }
        if reuse == 0 || reuse >= suppress || suppress > MAX_SUPPRESS_MARK {
            return Err(DampingError::Order);
        }
        let least = until_under(scaled(suppress), scaled(reuse), half_life);
        if max_suppress < least {
            return Err(DampingError::MaxSuppressShort { least });
        }
        let halvings = u32::try_from(max_suppress.as_nanos() / half_life.as_nanos()).unwrap_or(u32::MAX);
        // More halvings than that and no number of falls reaches the ceiling.
        let halvings = halvings.min(MAX_HALVINGS) + 1;
        let rest = half_life.saturating_mul(halvings).saturating_sub(max_suppress);
        let ceiling = decayed(scaled(reuse) << halvings, rest, half_life).max(scaled(suppress));
        Ok(Self { half_life, suppress, reuse, max_suppress, ceiling })
    }

    /// The time in which a penalty halves.
    #[must_use]
    pub const fn half_life(&self) -> Duration {
        self.half_life
    }

    /// The penalty from which on a VIP is not announced again.
    #[must_use]
    pub const fn suppress(&self) -> u32 {
        self.suppress
    }

    /// The penalty under which it is.
    #[must_use]
    pub const fn reuse(&self) -> u32 {
        self.reuse
    }

    /// The longest time from the last fall to the next announcement.
    #[must_use]
    pub const fn max_suppress(&self) -> Duration {
        self.max_suppress
    }
}

/// A VIP's past.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Penalty {
    value: Scaled,
    /// When it had that value.
    at: Time,
    /// Not announced again before.
    served: Time,
}

impl Penalty {
    /// Adds a fall.
    pub(super) fn fall(&mut self, now: Time, damping: &Damping) {
        let value = decayed(self.value, now - self.at, damping.half_life) + scaled(FALL);
        self.value = value.min(damping.ceiling);
        self.at = now;
        // Over `suppress` it is suppressed; once it is, each fall prolongs it.
        if self.value >= scaled(damping.suppress) || now < self.served {
            let wait = until_under(self.value, scaled(damping.reuse), damping.half_life);
            self.served = now + wait.min(damping.max_suppress);
        }
    }

    /// When the VIP may be announced again, if it must wait.
    pub(super) fn waits_until(&self, now: Time) -> Option<Time> {
        (now < self.served).then_some(self.served)
    }

    /// The penalty as it is now, rounded down.
    pub(super) fn value(&self, now: Time, damping: &Damping) -> u32 {
        let value = decayed(self.value, now - self.at, damping.half_life) >> SCALE;
        u32::try_from(value).unwrap_or(u32::MAX)
    }
}

/// How long it takes until a penalty is under a mark, found by halving: so it
/// agrees with the decay to the nanosecond.
fn until_under(value: Scaled, mark: Scaled, half_life: Duration) -> Duration {
    let under = |nanoseconds| decayed(value, Duration::from_nanos(nanoseconds), half_life) < mark;
    let longest = half_life.saturating_mul(2 * MAX_HALVINGS);
    let (mut over, mut first) = (0, u64::try_from(longest.as_nanos()).unwrap_or(u64::MAX));
    while over < first {
        let middle = over + (first - over) / 2;
        if under(middle) {
            first = middle;
        } else {
            over = middle + 1;
        }
    }
    Duration::from_nanos(first)
}

/// A penalty in units of 2^-32.
type Scaled = u128;

const SCALE: u32 = 32;

fn scaled(value: u32) -> Scaled {
    Scaled::from(value) << SCALE
}

/// 2^-(1/2), 2^-(1/4), ... 2^-(1/65536), in units of 2^-32.
const ROOTS: [Scaled; 16] = [
    0xb504_f334,
    0xd744_fccb,
    0xeac0_c6e8,
    0xf525_7d15,
    0xfa83_b2db,
    0xfd3e_0c0d,
    0xfe9e_115c,
    0xff4e_cb59,
    0xffa7_5652,
    0xffd3_a752,
    0xffe9_d2b3,
    0xfff4_e91c,
    0xfffa_747f,
    0xfffd_3a3b,
    0xfffe_9d1d,
    0xffff_4e8e,
];

/// What is left of a penalty: halved for each whole half-life, and for the rest
/// multiplied by a root of a half for each bit of the fraction.
fn decayed(value: Scaled, elapsed: Duration, half_life: Duration) -> Scaled {
    let (elapsed, half_life) = (elapsed.as_nanos(), half_life.as_nanos());
    let halvings = u32::try_from(elapsed / half_life).unwrap_or(u32::MAX);
    let fraction = ((elapsed % half_life) << 16) / half_life;
    let rest = value.checked_shr(halvings).unwrap_or(0);
    let bits = (0..16_u32).zip(ROOTS).filter(|(bit, _)| fraction >> (15 - bit) & 1 == 1);
    bits.fold(rest, |rest, (_, root)| (rest * root) >> SCALE)
}

#[cfg(test)]
mod tests;
