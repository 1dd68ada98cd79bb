//! Quantities with a unit, as people write them: `250ms`, `10kB`, a bare count.
//!
//! A [`Distribution`](super::Distribution) is over one of these, so that its
//! parameters carry units in the file and a duration cannot be given in bytes.

use core::time::Duration;
use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// What a distribution is over: a number in the quantity's base unit.
pub trait Quantity: Copy + core::fmt::Debug + PartialEq {
    /// The quantity from its value in the base unit.
    fn from_base(value: f64) -> Self;

    /// The value in the base unit.
    fn base(self) -> f64;
}

/// A duration; base unit nanoseconds. Written `250ns`, `10us`, `5ms`, `1.5s`, `2m`, `1h`.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd)]
pub struct Nanoseconds(pub f64);

/// A size; base unit bytes. Written `512B`, `10kB`, `1.5MB`, `1GB` (powers of 1000) or `4KiB`, `1MiB`, `1GiB`
/// (powers of 1024).
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd)]
pub struct Bytes(pub f64);

/// Why a text is no such quantity.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum QuantityError {
    /// The text does not begin with a number, or the number is negative or too large.
    #[error("`{text}` is no number that is zero or more; write for example `{example}`")]
    Number {
        /// What was written.
        text: String,
        /// What would be right.
        example: &'static str,
    },
    /// The unit is missing or unknown.
    #[error("`{text}` has no unit of {units}; write for example `{example}`")]
    Unit {
        /// What was written.
        text: String,
        /// The units there are.
        units: &'static str,
        /// What would be right.
        example: &'static str,
    },
}

impl Quantity for Nanoseconds {
    fn from_base(value: f64) -> Self {
        Self(value)
    }

    fn base(self) -> f64 {
        self.0
    }
}

impl Quantity for Bytes {
    fn from_base(value: f64) -> Self {
        Self(value)
    }

    fn base(self) -> f64 {
        self.0
    }
}

/// A bare number: a count, a factor.
impl Quantity for f64 {
    fn from_base(value: f64) -> Self {
        value
    }

    fn base(self) -> f64 {
        self
    }
}

impl Nanoseconds {
    /// The duration rounded to the nearest nanosecond; at least zero, saturating.
    #[must_use]
    pub fn to_duration(self) -> Duration {
        Duration::from_nanos(round(self.0))
    }
}

impl Bytes {
    /// The size rounded to the nearest byte; at least zero, saturating.
    #[must_use]
    pub fn to_bytes(self) -> u64 {
        round(self.0)
    }
}

impl From<Duration> for Nanoseconds {
    #[allow(clippy::cast_precision_loss, reason = "104 days are exact, beyond that 2^-53 is enough")]
    fn from(duration: Duration) -> Self {
        Self(duration.as_nanos() as f64)
    }
}

/// Half up, the same everywhere: `as` saturates and makes not-a-number zero.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "saturation is meant")]
fn round(value: f64) -> u64 {
    (value + 0.5) as u64
}

/// Units with their size in the base unit, the largest first.
type Units = &'static [(&'static str, f64)];

const DURATIONS: Units =
    &[("h", 3.6e12), ("m", 6e10), ("s", 1e9), ("ms", 1e6), ("us", 1e3), ("µs", 1e3), ("ns", 1.0)];
const SIZES: Units = &[
    ("GiB", 1_073_741_824.0),
    ("GB", 1e9),
    ("MiB", 1_048_576.0),
    ("MB", 1e6),
    ("KiB", 1024.0),
    ("kB", 1e3),
    ("B", 1.0),
];

fn parse(text: &str, units: Units, names: &'static str, example: &'static str) -> Result<f64, QuantityError> {
    let text = text.trim();
    let digits = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let number_error = || QuantityError::Number { text: text.to_owned(), example };
    let number: f64 = text[..digits].parse().map_err(|_| number_error())?;
    let unit = text[digits..].trim_start();
    match units.iter().find(|(name, _)| *name == unit) {
        Some((_, size)) if (number * size).is_finite() => Ok(number * size),
        Some(_) => Err(number_error()),
        None if number == 0.0 && unit.is_empty() => Ok(0.0),
        None => Err(QuantityError::Unit { text: text.to_owned(), units: names, example }),
    }
}

/// In the largest unit that divides the value, as it would be written by hand.
fn print(value: f64, units: Units) -> String {
    let whole = units.iter().find(|(_, size)| value >= *size && libm::fmod(value, *size) == 0.0);
    let (name, size) = whole.or_else(|| units.last()).copied().unwrap_or(("", 1.0));
    format!("{}{name}", value / size)
}

impl core::str::FromStr for Nanoseconds {
    type Err = QuantityError;

    fn from_str(text: &str) -> Result<Self, QuantityError> {
        parse(text, DURATIONS, "ns, us, ms, s, m, h", "5ms").map(Self)
    }
}

impl core::str::FromStr for Bytes {
    type Err = QuantityError;

    fn from_str(text: &str) -> Result<Self, QuantityError> {
        parse(text, SIZES, "B, kB, KiB, MB, MiB, GB, GiB", "10kB").map(Self)
    }
}

impl core::fmt::Display for Nanoseconds {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(&print(self.0, DURATIONS))
    }
}

impl core::fmt::Display for Bytes {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(&print(self.0, SIZES))
    }
}

macro_rules! text_form {
    ($type:ident, $name:literal, $pattern:literal) => {
        impl<'de> Deserialize<'de> for $type {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = Cow::<'_, str>::deserialize(deserializer)?;
                text.parse().map_err(serde::de::Error::custom)
            }
        }

        impl Serialize for $type {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl JsonSchema for $type {
            fn schema_name() -> Cow<'static, str> {
                $name.into()
            }

            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                json_schema!({ "type": "string", "pattern": $pattern })
            }
        }
    };
}

text_form!(Nanoseconds, "Duration", "^[0-9.]+ *(ns|us|µs|ms|s|m|h)$|^0$");
text_form!(Bytes, "Size", "^[0-9.]+ *(B|kB|KiB|MB|MiB|GB|GiB)$|^0$");
