//! Time as a value: deadlines on a monotonic clock, dates on the wall's.
//!
//! Two types, so that nobody compares them. [`Time`] is nanoseconds since a
//! start that the owner chooses: soak, quarantine, every deadline. [`WallTime`]
//! is Unix time: what a certificate, a condition or a change window speaks of;
//! it may jump. Neither is ever asked for here: both are arguments.

use std::fmt;
use std::ops::{Add, Sub};
use std::str::FromStr;
use std::time::Duration;

use jiff::Timestamp;

/// A point in time, in nanoseconds since an arbitrary start; arithmetic saturates.
///
/// ```
/// use std::time::Duration;
/// use mesh_model::time::Time;
///
/// let deadline = Time::from_secs(3) + Duration::from_millis(500);
/// assert_eq!(deadline - Time::from_secs(3), Duration::from_millis(500));
/// assert_eq!(deadline.to_string(), "3.500000000s");
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Time(u64);

impl Time {
    /// The start.
    pub const ZERO: Self = Self(0);
    /// The last point in time, about 584 years after the start.
    pub const MAX: Self = Self(u64::MAX);

    /// The point `nanoseconds` after the start.
    #[must_use]
    pub const fn from_nanos(nanoseconds: u64) -> Self {
        Self(nanoseconds)
    }

    /// The point `seconds` after the start, saturating.
    #[must_use]
    pub const fn from_secs(seconds: u64) -> Self {
        Self(seconds.saturating_mul(1_000_000_000))
    }

    /// Nanoseconds since the start.
    #[must_use]
    pub const fn as_nanos(self) -> u64 {
        self.0
    }
}

impl Add<Duration> for Time {
    type Output = Self;

    fn add(self, duration: Duration) -> Self {
        Self(self.0.saturating_add(u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)))
    }
}

impl Sub for Time {
    type Output = Duration;

    /// The time from `earlier` to `self`, zero if `earlier` is later.
    fn sub(self, earlier: Self) -> Duration {
        Duration::from_nanos(self.0.saturating_sub(earlier.0))
    }
}

impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{:09}s", self.0 / 1_000_000_000, self.0 % 1_000_000_000)
    }
}

/// A date and time of day: nanoseconds since 1970 in UTC, written as RFC 3339; arithmetic saturates.
///
/// ```
/// use mesh_model::time::WallTime;
///
/// let date: WallTime = "2026-11-26T03:21:23Z".parse()?;
/// assert_eq!(date, "2026-11-25T19:21:23-08:00".parse()?);
/// assert_eq!(date.to_string(), "2026-11-26T03:21:23Z");
/// # Ok::<(), mesh_model::time::ParseWallTimeError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct WallTime(Timestamp);

/// A text is no date.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("write a date such as 2026-11-26T03:21:23Z (RFC 3339)")]
pub struct ParseWallTimeError;

impl WallTime {
    /// From seconds since 1970; the nearest date that can be written where they are beyond the year 9999.
    #[must_use]
    pub fn from_unix_seconds(seconds: i64) -> Self {
        let clamped = seconds.clamp(Timestamp::MIN.as_second(), Timestamp::MAX.as_second());
        Self(Timestamp::from_second(clamped).unwrap_or(Timestamp::MAX))
    }

    /// Whole seconds since 1970.
    #[must_use]
    pub fn as_unix_seconds(self) -> i64 {
        self.0.as_second()
    }

    /// The calendar's own type, for time zones.
    #[must_use]
    pub const fn timestamp(self) -> Timestamp {
        self.0
    }
}

impl From<Timestamp> for WallTime {
    fn from(timestamp: Timestamp) -> Self {
        Self(timestamp)
    }
}

impl Add<Duration> for WallTime {
    type Output = Self;

    fn add(self, duration: Duration) -> Self {
        Self(self.0.saturating_add(duration).unwrap_or(Timestamp::MAX))
    }
}

impl Sub for WallTime {
    type Output = Duration;

    /// The time from `earlier` to `self`, zero if `earlier` is later.
    fn sub(self, earlier: Self) -> Duration {
        Duration::try_from(self.0.duration_since(earlier.0)).unwrap_or(Duration::ZERO)
    }
}

impl fmt::Display for WallTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for WallTime {
    type Err = ParseWallTimeError;

    fn from_str(text: &str) -> Result<Self, ParseWallTimeError> {
        text.parse().map(Self).map_err(|_| ParseWallTimeError)
    }
}

crate::units::text_value!(
    WallTime,
    "date",
    "^[0-9]{4}-[0-9]{2}-[0-9]{2}T.*$",
    "A date and time of day, as RFC 3339."
);

#[cfg(test)]
mod tests;
