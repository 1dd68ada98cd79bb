//! Values with units, as a person writes them: `250ms`, `1200/s`, `10MiB`, `99%`.
//!
//! Integers inside, so that a file means the same on every machine. A bare
//! number is an error, because it hides the unit. Every type prints itself in
//! the largest unit that loses nothing, and what is printed parses back to the
//! same value. The same words as in the LB file, which this crate may not know.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

/// Serde and schema for a type that is written as one text.
macro_rules! text_value {
    ($type:ty, $noun:literal, $pattern:literal, $description:expr) => {
        impl serde::Serialize for $type {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> serde::Deserialize<'de> for $type {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                $crate::units::from_text::<Self, D>(deserializer, $noun)
            }
        }

        #[cfg(feature = "schema")]
        impl schemars::JsonSchema for $type {
            fn schema_name() -> std::borrow::Cow<'static, str> {
                stringify!($type).into()
            }

            fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
                schemars::json_schema!({ "type": "string", "pattern": $pattern, "description": $description })
            }
        }
    };
}
pub(crate) use text_value;

mod text;

pub(crate) use text::from_text;

/// Why a text is no value with a unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ParseUnitError {
    /// It does not start with a number.
    #[error("no number; write {0}")]
    NoNumber(&'static str),
    /// There is a number, but no unit after it.
    #[error("a number without a unit; write {0}")]
    NoUnit(&'static str),
    /// The unit is none that is known.
    #[error("unknown unit; write {0}")]
    UnknownUnit(&'static str),
    /// More digits after the point than the smallest unit can hold.
    #[error("more exact than can be kept; write {0}")]
    TooFine(&'static str),
    /// Greater than can be held.
    #[error("too large; write {0}")]
    TooLarge(&'static str),
}

/// A duration in nanoseconds, written with a unit: `250ms`, `5s`, `1.5h`, `90d`.
///
/// ```
/// use mesh_model::units::HumanDuration;
///
/// let soak: HumanDuration = "1.5m".parse()?;
/// assert_eq!(soak.as_duration(), std::time::Duration::from_secs(90));
/// assert_eq!(soak.to_string(), "90s");
/// assert!("90".parse::<HumanDuration>().is_err());
/// # Ok::<(), mesh_model::units::ParseUnitError>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct HumanDuration(u64);

/// Units of a duration in nanoseconds, longest first.
const DURATION_UNITS: [(&str, u64); 7] = [
    ("d", 86_400_000_000_000),
    ("h", 3_600_000_000_000),
    ("m", 60_000_000_000),
    ("s", 1_000_000_000),
    ("ms", 1_000_000),
    ("us", 1_000),
    ("ns", 1),
];
const DURATION: &str = "a duration with a unit: 250ms, 5s, 2m, 1h, 90d";

impl HumanDuration {
    /// No time.
    pub const ZERO: Self = Self(0);

    /// A duration of whole seconds, saturating.
    #[must_use]
    pub const fn from_secs(seconds: u64) -> Self {
        Self(seconds.saturating_mul(1_000_000_000))
    }

    /// A duration of nanoseconds.
    #[must_use]
    pub const fn from_nanos(nanoseconds: u64) -> Self {
        Self(nanoseconds)
    }

    /// As the standard library has it.
    #[must_use]
    pub const fn as_duration(self) -> Duration {
        Duration::from_nanos(self.0)
    }
}

impl FromStr for HumanDuration {
    type Err = ParseUnitError;

    fn from_str(text: &str) -> Result<Self, ParseUnitError> {
        text::number_with_unit(text, &DURATION_UNITS, DURATION).map(Self)
    }
}

impl fmt::Display for HumanDuration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        text::in_largest_unit(self.0, &DURATION_UNITS, "s", f)
    }
}

text_value!(HumanDuration, "duration", r"^[0-9]+(\.[0-9]+)?(ns|us|ms|s|m|h|d)$", DURATION);

/// A number of bytes, written with a unit: `512MiB`, `10kB`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ByteSize(u64);

/// Units of a size in bytes, largest first.
const SIZE_UNITS: [(&str, u64); 7] = [
    ("GiB", 1 << 30),
    ("GB", 1_000_000_000),
    ("MiB", 1 << 20),
    ("MB", 1_000_000),
    ("KiB", 1 << 10),
    ("kB", 1_000),
    ("B", 1),
];
const SIZE: &str = "a size with a unit: 512MiB, 2GiB, 10kB";

impl ByteSize {
    /// A number of bytes.
    #[must_use]
    pub const fn from_bytes(bytes: u64) -> Self {
        Self(bytes)
    }

    /// In bytes.
    #[must_use]
    pub const fn as_bytes(self) -> u64 {
        self.0
    }
}

impl FromStr for ByteSize {
    type Err = ParseUnitError;

    fn from_str(text: &str) -> Result<Self, ParseUnitError> {
        text::number_with_unit(text, &SIZE_UNITS, SIZE).map(Self)
    }
}

impl fmt::Display for ByteSize {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        text::in_largest_unit(self.0, &SIZE_UNITS, "B", f)
    }
}

text_value!(ByteSize, "size", r"^[0-9]+(\.[0-9]+)?(B|kB|KiB|MB|MiB|GB|GiB)$", SIZE);

/// Requests per second, written `1200/s`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Rate(u64);

const RATE: &str = "a rate in whole numbers per second: 1200/s";

impl Rate {
    /// A number of requests per second.
    #[must_use]
    pub const fn per_second(requests: u64) -> Self {
        Self(requests)
    }

    /// Requests per second.
    #[must_use]
    pub const fn as_per_second(self) -> u64 {
        self.0
    }
}

impl FromStr for Rate {
    type Err = ParseUnitError;

    fn from_str(text: &str) -> Result<Self, ParseUnitError> {
        text::number_with_unit(text, &[("/s", 1)], RATE).map(Self)
    }
}

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/s", self.0)
    }
}

text_value!(Rate, "rate", "^[0-9]+/s$", RATE);

/// A share of a whole in millionths, written `99%` or `99.5%`; at most 100 %.
///
/// ```
/// use mesh_model::units::Share;
///
/// let local: Share = "99%".parse()?;
/// assert_eq!(local.of(1_000), 990);
/// assert_eq!(local.complement().to_string(), "1%");
/// # Ok::<(), mesh_model::units::ParseUnitError>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Share(u32);

const SHARE: &str = "a share from 0% to 100% with at most four decimals: 99%, 0.5%";

impl Share {
    /// Nothing.
    pub const NONE: Self = Self(0);
    /// All of it.
    pub const ALL: Self = Self(1_000_000);

    /// In millionths, 0 to 1,000,000.
    #[must_use]
    pub const fn as_millionths(self) -> u32 {
        self.0
    }

    /// This share of a number, rounded down.
    #[must_use]
    pub fn of(self, whole: u64) -> u64 {
        let part = u128::from(whole) * u128::from(self.0) / 1_000_000;
        u64::try_from(part).expect("a share of a u64 is at most that u64")
    }

    /// So many percent of it, 100 at most, rounded down.
    #[must_use]
    pub fn part(self, percent: u32) -> Self {
        let millionths = u64::from(self.0) * u64::from(percent.min(100)) / 100;
        Self(u32::try_from(millionths).expect("a part of a share is at most that share"))
    }

    /// What lacks to 100 %.
    #[must_use]
    pub const fn complement(self) -> Self {
        Self(1_000_000 - self.0)
    }
}

impl FromStr for Share {
    type Err = ParseUnitError;

    fn from_str(text: &str) -> Result<Self, ParseUnitError> {
        let millionths = text::number_with_unit(text, &[("%", 10_000)], SHARE)?;
        let millionths = u32::try_from(millionths).ok().filter(|millionths| *millionths <= 1_000_000);
        millionths.map(Self).ok_or(ParseUnitError::TooLarge(SHARE))
    }
}

impl fmt::Display for Share {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (whole, rest) = (self.0 / 10_000, self.0 % 10_000);
        match rest {
            0 => write!(f, "{whole}%"),
            _ => write!(f, "{whole}.{}%", format!("{rest:04}").trim_end_matches('0')),
        }
    }
}

text_value!(Share, "share", r"^[0-9]+(\.[0-9]{1,4})?%$", SHARE);

/// A number of things, or a share of them: `3` or `25%`.
///
/// ```
/// use mesh_model::units::Amount;
///
/// let quarter: Amount = "25%".parse()?;
/// assert_eq!((quarter.of(10), quarter.of(3)), (2, 0), "a share is rounded down");
/// assert_eq!("3".parse::<Amount>()?.of(2), 3, "a number is itself");
/// # Ok::<(), mesh_model::units::ParseUnitError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Amount {
    /// So many.
    Count(u32),
    /// Such a part of all.
    Share(Share),
}

const AMOUNT: &str = "a number or a share: 3, 25%";

impl Amount {
    /// How many of `whole` that is; a share is rounded down, a number is itself.
    #[must_use]
    pub fn of(self, whole: u32) -> u32 {
        match self {
            Self::Count(count) => count,
            Self::Share(share) => {
                u32::try_from(share.of(whole.into())).expect("a share of a u32 is at most that u32")
            }
        }
    }

    /// How many of all may go at once without an approval: a share of a few is one, or nothing could ever go.
    pub(crate) fn at_once(self, all: usize) -> usize {
        let all = u32::try_from(all).unwrap_or(u32::MAX);
        let max = match self {
            Self::Count(count) => count,
            Self::Share(share) if share.as_millionths() == 0 => 0,
            Self::Share(_) => self.of(all).max(1),
        };
        usize::try_from(max).unwrap_or(usize::MAX)
    }
}

impl FromStr for Amount {
    type Err = ParseUnitError;

    fn from_str(text: &str) -> Result<Self, ParseUnitError> {
        if text.ends_with('%') {
            return text.parse().map(Self::Share);
        }
        text.parse().map(Self::Count).map_err(|_| ParseUnitError::NoNumber(AMOUNT))
    }
}

impl fmt::Display for Amount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Count(count) => count.fmt(f),
            Self::Share(share) => share.fmt(f),
        }
    }
}

impl serde::Serialize for Amount {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Count(count) => serializer.serialize_u32(*count),
            Self::Share(share) => serializer.collect_str(share),
        }
    }
}

impl<'de> serde::Deserialize<'de> for Amount {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        text::from_text_or_number(deserializer, "amount")
    }
}

#[cfg(feature = "schema")]
impl schemars::JsonSchema for Amount {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Amount".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "oneOf": [
                { "type": "integer", "minimum": 0, "maximum": u32::MAX },
                { "type": "string", "pattern": r"^[0-9]+(\.[0-9]{1,4})?%$" },
            ],
            "description": AMOUNT,
        })
    }
}

#[cfg(test)]
mod tests;
