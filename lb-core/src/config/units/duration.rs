//! Durations: `250ms 5s 2m 1h`.

use core::fmt;
use core::str::FromStr;
use core::time::Duration;

use super::{ParseUnitError, decimal};

/// A length of time with its unit, at most about 584 years, exact to the nanosecond.
///
/// Units: `ns us ms s m h d`.
///
/// ```
/// use core::time::Duration;
/// use lb_core::config::units::HumanDuration;
///
/// let timeout: HumanDuration = "1.5s".parse()?;
/// assert_eq!(timeout.duration(), Duration::from_millis(1_500));
/// assert_eq!(timeout.to_string(), "1500ms");
/// assert!("15".parse::<HumanDuration>().is_err());
/// # Ok::<(), lb_core::config::units::ParseUnitError>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct HumanDuration(u64);

/// What a duration looks like, for messages.
const RIGHT: &str = "a duration such as 250ms, 5s, 2m or 1h";

/// Units by size, largest first.
const UNITS: [(&str, u64); 7] = [
    ("d", 86_400_000_000_000),
    ("h", 3_600_000_000_000),
    ("m", 60_000_000_000),
    ("s", 1_000_000_000),
    ("ms", 1_000_000),
    ("us", 1_000),
    ("ns", 1),
];

impl HumanDuration {
    /// No time at all.
    pub const ZERO: Self = Self(0);

    /// A duration of whole nanoseconds.
    #[must_use]
    pub const fn from_nanos(nanoseconds: u64) -> Self {
        Self(nanoseconds)
    }

    /// The duration in nanoseconds.
    #[must_use]
    pub const fn as_nanos(self) -> u64 {
        self.0
    }

    /// As the standard library's type.
    #[must_use]
    pub const fn duration(self) -> Duration {
        Duration::from_nanos(self.0)
    }
}

impl From<Duration> for HumanDuration {
    /// Saturates at about 584 years.
    fn from(duration: Duration) -> Self {
        Self(u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX))
    }
}

impl From<HumanDuration> for Duration {
    fn from(duration: HumanDuration) -> Self {
        duration.duration()
    }
}

impl FromStr for HumanDuration {
    type Err = ParseUnitError;

    fn from_str(text: &str) -> Result<Self, ParseUnitError> {
        decimal::parse(text, &UNITS, RIGHT).map(Self)
    }
}

impl fmt::Display for HumanDuration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // days are read, but 24h is what people write
        decimal::write_whole(f, self.0, &UNITS[1..], "0s")
    }
}

super::text_value!(HumanDuration, "duration", "^[0-9]+(\\.[0-9]+)? ?(ns|us|ms|s|m|h|d)$");
