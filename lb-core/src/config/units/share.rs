//! Shares of a whole: `99%`, `0.1%`.

use core::fmt;
use core::str::FromStr;

use super::{ParseUnitError, decimal};

/// A part of a whole, 0 % to 100 %, exact to a billionth of the whole.
///
/// ```
/// use lb_core::config::units::Share;
///
/// let share: Share = "99.9%".parse()?;
/// assert_eq!(share.fraction(), 0.999);
/// assert_eq!(share.to_string(), "99.9%");
/// assert!("101%".parse::<Share>().is_err());
/// # Ok::<(), lb_core::config::units::ParseUnitError>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Share(u32);

/// What a share looks like, for messages.
const RIGHT: &str = "a share from 0% to 100%, such as 99% or 0.5%";

impl Share {
    /// Nothing.
    pub const ZERO: Self = Self(0);
    /// The whole.
    pub const ONE: Self = Self(1_000_000_000);

    /// A share in billionths; `None` above the whole.
    #[must_use]
    pub const fn from_billionths(billionths: u32) -> Option<Self> {
        if billionths <= Self::ONE.0 { Some(Self(billionths)) } else { None }
    }

    /// The share in billionths of the whole, 0 to 1,000,000,000.
    #[must_use]
    pub const fn billionths(self) -> u32 {
        self.0
    }

    /// The share as a fraction, 0 to 1: one division, alike on every machine.
    #[must_use]
    pub fn fraction(self) -> f64 {
        f64::from(self.0) / 1e9
    }

    /// This share of `whole`, rounded down.
    #[must_use]
    #[allow(clippy::cast_possible_truncation, reason = "a part is no greater than its whole")]
    pub const fn of(self, whole: u64) -> u64 {
        (whole as u128 * self.0 as u128 / 1_000_000_000) as u64
    }
}

impl FromStr for Share {
    type Err = ParseUnitError;

    fn from_str(text: &str) -> Result<Self, ParseUnitError> {
        let (number, unit) = decimal::split(text, RIGHT)?;
        if unit != "%" {
            return Err(ParseUnitError::UnknownUnit(RIGHT));
        }
        // one percent is ten million billionths
        let billionths = number.scaled(10_000_000, RIGHT)?;
        u32::try_from(billionths).ok().and_then(Self::from_billionths).ok_or(ParseUnitError::TooLarge(RIGHT))
    }
}

impl fmt::Display for Share {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        decimal::write(f, u64::from(self.0), 7)?;
        f.write_str("%")
    }
}

super::text_value!(Share, "share", "^[0-9]+(\\.[0-9]+)? ?%$");
