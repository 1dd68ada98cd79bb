//! Values with units, as a person writes them: `250ms`, `1200/s`, `10MiB`, `99%`.
//!
//! Integers inside, so that a file means the same on every machine. A number
//! may have a decimal fraction (`1.5s`) where the result is a whole number of
//! the smallest unit; a bare number is an error, because it hides the unit.
//! Every type prints itself in the largest unit that loses nothing, and what
//! is printed parses back to the same value. Shared with the simulator's
//! scenarios.

/// Serde and schema for a type that is written as one text with a unit.
macro_rules! text_value {
    ($type:ty, $noun:literal, $pattern:literal) => {
        impl $crate::config::text::FromText for $type {
            const NOUN: &'static str = $noun;
            type Error = ParseUnitError;

            fn from_text(text: &str) -> Result<Self, ParseUnitError> {
                text.parse()
            }
        }

        impl serde::Serialize for $type {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> serde::Deserialize<'de> for $type {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                $crate::config::text::required(deserializer)
            }
        }

        #[cfg(feature = "schema")]
        impl schemars::JsonSchema for $type {
            fn schema_name() -> alloc::borrow::Cow<'static, str> {
                stringify!($type).into()
            }

            fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
                schemars::json_schema!({ "type": "string", "pattern": $pattern, "description": RIGHT })
            }
        }
    };
}
use text_value;

mod bytes;
mod decimal;
mod duration;
mod rate;
mod share;

pub use bytes::ByteSize;
pub use duration::HumanDuration;
pub use rate::{Rate, RatePeriod};
pub use share::Share;

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

#[cfg(test)]
mod tests;
