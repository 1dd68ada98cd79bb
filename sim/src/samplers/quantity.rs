//! Quantities that distributions are over: durations, sizes, bare numbers.
//!
//! In a file they are written with lb-core's units, so a duration cannot be
//! given in bytes; inside they are floating point, because a mean or a quantile
//! need not be whole.

use core::time::Duration;
use std::borrow::Cow;

use lb_core::config::units::{ByteSize, HumanDuration};
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Deserialize, Serialize};

/// What a distribution is over: a number in the quantity's base unit.
pub trait Quantity: Copy + core::fmt::Debug + PartialEq {
    /// The quantity from its value in the base unit.
    fn from_base(value: f64) -> Self;

    /// The value in the base unit.
    fn base(self) -> f64;
}

/// A duration; base unit nanoseconds. Written as a [`HumanDuration`]: `250ms`, `5s`.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd, Deserialize, Serialize)]
#[serde(from = "HumanDuration", into = "HumanDuration")]
pub struct Nanoseconds(pub f64);

/// A size; base unit bytes. Written as a [`ByteSize`]: `10kB`, `1MiB`.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd, Deserialize, Serialize)]
#[serde(from = "ByteSize", into = "ByteSize")]
pub struct Bytes(pub f64);

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

impl From<HumanDuration> for Nanoseconds {
    fn from(duration: HumanDuration) -> Self {
        duration.duration().into()
    }
}

impl From<Nanoseconds> for HumanDuration {
    fn from(duration: Nanoseconds) -> Self {
        Self::from_nanos(round(duration.0))
    }
}

impl From<ByteSize> for Bytes {
    #[allow(clippy::cast_precision_loss, reason = "9 PB are exact, beyond that 2^-53 is enough")]
    fn from(size: ByteSize) -> Self {
        Self(size.bytes() as f64)
    }
}

impl From<Bytes> for ByteSize {
    fn from(size: Bytes) -> Self {
        Self::new(size.to_bytes())
    }
}

impl JsonSchema for Nanoseconds {
    fn schema_name() -> Cow<'static, str> {
        HumanDuration::schema_name()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        HumanDuration::json_schema(generator)
    }
}

impl JsonSchema for Bytes {
    fn schema_name() -> Cow<'static, str> {
        ByteSize::schema_name()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        ByteSize::json_schema(generator)
    }
}

/// Half up, the same everywhere: `as` saturates and makes not-a-number zero.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "saturation is meant")]
fn round(value: f64) -> u64 {
    (value + 0.5) as u64
}
