//! Pace, work and the virtual clock of a station, in integers.
//!
//! Work is nanoseconds at normal pace times 2^20; the virtual clock counts the
//! work that each job in service has received. At a pace that does not divide
//! evenly it loses less than 2^-20 ns per event, on every machine alike.

use core::time::Duration;

/// The pace of a station relative to its normal one, in units of 2^-20.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Speed(u32);

const SPEED_BITS: u32 = 20;

impl Speed {
    /// The normal pace.
    pub const NORMAL: Self = Self(1 << SPEED_BITS);

    /// The pace at which everything takes `factor` times as long: 3 is a third of the normal pace.
    ///
    /// Limited to between a millionth of the normal pace and 4,000 times as fast; no number counts as 1.
    #[must_use]
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped before")]
    pub fn slowed(factor: f64) -> Self {
        let units = f64::from(Self::NORMAL.0) / factor;
        if units.is_nan() {
            Self::NORMAL
        } else {
            Self(libm::round(units.clamp(1.0, 4_194_304_000.0)) as u32)
        }
    }
}

/// Work still to be done for a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Work(u128);

impl Work {
    pub(super) const fn new(service: Duration) -> Self {
        // 2^94 nanoseconds are the longest duration: this does not overflow.
        Self(service.as_nanos() << SPEED_BITS)
    }
}

/// A point on the virtual clock: work received by a job that is always in service.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Virtual(u128);

impl Virtual {
    pub(super) const ZERO: Self = Self(0);

    pub(super) const fn after(self, work: Work) -> Self {
        Self(self.0 + work.0)
    }

    /// Lets `elapsed` nanoseconds pass while `servers` are shared by `sharing` jobs (at least as many).
    #[inline]
    pub(super) fn advance(&mut self, elapsed: u64, speed: Speed, servers: u32, sharing: u32) {
        let full = u128::from(elapsed) * u128::from(speed.0);
        self.0 += if sharing == servers {
            full
        } else {
            // A product of at most 64 + 32 + 32 bits.
            divide(full * u128::from(servers), sharing)
        };
    }

    /// The fewest nanoseconds after which [`advance`](Self::advance) reaches `end`; `None` if beyond all time.
    #[inline]
    pub(super) fn until(self, end: Self, speed: Speed, servers: u32, sharing: u32) -> Option<Duration> {
        let left = end.0.saturating_sub(self.0);
        let elapsed = if sharing == servers {
            divide_up(left, u64::from(speed.0))
        } else {
            divide_up(left.saturating_mul(u128::from(sharing)), u64::from(speed.0) * u64::from(servers))
        };
        u64::try_from(elapsed).ok().map(Duration::from_nanos)
    }
}

/// Division that takes the short way where the dividend is short, as it nearly always is.
#[inline]
fn divide(dividend: u128, divisor: u32) -> u128 {
    match u64::try_from(dividend) {
        Ok(short) => u128::from(short / u64::from(divisor)),
        Err(_) => dividend / u128::from(divisor),
    }
}

#[inline]
fn divide_up(dividend: u128, divisor: u64) -> u128 {
    match u64::try_from(dividend) {
        Ok(short) => u128::from(short.div_ceil(divisor)),
        Err(_) => dividend.div_ceil(u128::from(divisor)),
    }
}
