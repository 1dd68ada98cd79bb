//! Rates: `1200/s`, `6/m`.

use core::fmt;
use core::str::FromStr;

use super::{ParseUnitError, decimal};

/// Events per second, minute or hour, exact to a millionth of an event.
///
/// ```
/// use lb_core::config::units::Rate;
///
/// let rate: Rate = "1200/s".parse()?;
/// assert_eq!(rate.per_second(), 1200.0);
/// assert_eq!("0.5/m".parse::<Rate>()?.to_string(), "0.5/m");
/// # Ok::<(), lb_core::config::units::ParseUnitError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Rate {
    millionths: u64,
    period: RatePeriod,
}

/// What a rate is counted over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RatePeriod {
    /// One second.
    Second,
    /// One minute.
    Minute,
    /// One hour.
    Hour,
}

/// What a rate looks like, for messages.
const RIGHT: &str = "a rate such as 1200/s, 6/m or 1/h";

/// Parts of one event.
const MILLION: u64 = 1_000_000;

impl RatePeriod {
    /// Its length in seconds.
    #[must_use]
    pub const fn seconds(self) -> u32 {
        match self {
            Self::Second => 1,
            Self::Minute => 60,
            Self::Hour => 3_600,
        }
    }
}

impl Rate {
    /// A rate of millionths of an event per period.
    #[must_use]
    pub const fn new(millionths: u64, period: RatePeriod) -> Self {
        Self { millionths, period }
    }

    /// Millionths of an event per [`period`](Self::period).
    #[must_use]
    pub const fn millionths(self) -> u64 {
        self.millionths
    }

    /// What it is counted over.
    #[must_use]
    pub const fn period(self) -> RatePeriod {
        self.period
    }

    /// Events per second: one division, rounded as IEEE 754 says, alike on every machine.
    #[must_use]
    #[allow(clippy::cast_precision_loss, reason = "rates past 2^53 millionths are beyond any use")]
    pub fn per_second(self) -> f64 {
        self.millionths as f64 / (f64::from(self.period.seconds()) * 1e6)
    }
}

impl FromStr for Rate {
    type Err = ParseUnitError;

    fn from_str(text: &str) -> Result<Self, ParseUnitError> {
        let (number, unit) = decimal::split(text, RIGHT)?;
        let period = match unit {
            "/s" => RatePeriod::Second,
            "/m" => RatePeriod::Minute,
            "/h" => RatePeriod::Hour,
            _ => return Err(ParseUnitError::UnknownUnit(RIGHT)),
        };
        let millionths = number.scaled(MILLION, RIGHT)?;
        Ok(Self { millionths, period })
    }
}

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        decimal::write(f, self.millionths, 6)?;
        f.write_str(match self.period {
            RatePeriod::Second => "/s",
            RatePeriod::Minute => "/m",
            RatePeriod::Hour => "/h",
        })
    }
}

super::text_value!(Rate, "rate", "^[0-9]+(\\.[0-9]+)? ?/(s|m|h)$");
