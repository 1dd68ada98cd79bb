//! Which HTTP status codes count as success: one, several, ranges of them, or any.

use alloc::vec::Vec;
use core::fmt;
use core::ops::RangeInclusive;
use core::str::FromStr;

use serde::de::{Error, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The status codes that count as success.
///
/// ```
/// use lb_core::health::StatusCodes;
///
/// let codes: StatusCodes = "200-299, 401".parse()?;
/// assert!(codes.contains(204) && codes.contains(401) && !codes.contains(302));
/// assert_eq!(codes.to_string(), "200-299, 401");
/// assert!("0".parse::<StatusCodes>()?.contains(503), "any will do");
/// # Ok::<(), lb_core::health::ParseStatusError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StatusCodes(Vec<RangeInclusive<u16>>);

/// What such a text looks like, for messages.
const RIGHT: &str = "codes from 100 to 599, such as 200 or \"200-299, 401\", or 0 for any";
/// The codes there are (RFC 9110 15).
const ALL: RangeInclusive<u16> = 100..=599;
/// Parts of a list at most: who needs more wants another check.
const MAX_PARTS: usize = 16;

/// Why a text is no list of status codes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ParseStatusError {
    /// A range ends before it begins.
    #[error("{first}-{last} holds no code; write the lower code first")]
    Backwards {
        /// The lower end as written.
        first: u16,
        /// The upper end as written.
        last: u16,
    },
    /// A number that is no status.
    #[error("{code} is no status; write {RIGHT}")]
    NoStatus {
        /// As written.
        code: u64,
    },
    /// Something that is no number, or none at all.
    #[error("no list of codes; write {RIGHT}")]
    NoCodes,
    /// Too many parts.
    #[error("too many codes; write at most {MAX_PARTS} codes and ranges")]
    TooMany,
}

impl StatusCodes {
    /// Whether a code counts as success.
    #[must_use]
    pub fn contains(&self, code: u16) -> bool {
        self.0.iter().any(|range| range.contains(&code))
    }

    /// Whether any code does.
    #[must_use]
    pub fn is_any(&self) -> bool {
        self.0 == [ALL]
    }

    /// One code; 0 for any.
    ///
    /// # Errors
    /// [`ParseStatusError::NoStatus`] for a number that is none.
    pub fn one(code: u64) -> Result<Self, ParseStatusError> {
        if code == 0 {
            return Ok(Self([ALL].into()));
        }
        let code = status(code)?;
        Ok(Self([code..=code].into()))
    }
}

impl Default for StatusCodes {
    /// 200 alone: what Seesaw takes for success.
    fn default() -> Self {
        Self([200..=200].into())
    }
}

impl FromStr for StatusCodes {
    type Err = ParseStatusError;

    fn from_str(text: &str) -> Result<Self, ParseStatusError> {
        if text.trim() == "0" {
            return Self::one(0);
        }
        if text.split(',').count() > MAX_PARTS {
            return Err(ParseStatusError::TooMany);
        }
        text.split(',').map(range).collect::<Result<_, _>>().map(Self)
    }
}

fn range(text: &str) -> Result<RangeInclusive<u16>, ParseStatusError> {
    let number = |text: &str| {
        let digits = text.trim();
        // No signs, which `parse` would take.
        let is_number = digits.bytes().all(|byte| byte.is_ascii_digit());
        let code = if is_number { digits.parse().ok() } else { None };
        status(code.ok_or(ParseStatusError::NoCodes)?)
    };
    let (first, last) = match text.split_once('-') {
        Some((first, last)) => (number(first)?, number(last)?),
        None => (number(text)?, number(text)?),
    };
    if first > last { Err(ParseStatusError::Backwards { first, last }) } else { Ok(first..=last) }
}

fn status(code: u64) -> Result<u16, ParseStatusError> {
    let is_status = u16::try_from(code).ok().filter(|code| ALL.contains(code));
    is_status.ok_or(ParseStatusError::NoStatus { code })
}

impl fmt::Display for StatusCodes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_any() {
            return f.write_str("0");
        }
        for (position, range) in self.0.iter().enumerate() {
            let comma = if position == 0 { "" } else { ", " };
            match (range.start(), range.end()) {
                (first, last) if first == last => write!(f, "{comma}{first}")?,
                (first, last) => write!(f, "{comma}{first}-{last}")?,
            }
        }
        Ok(())
    }
}

impl Serialize for StatusCodes {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0.as_slice() {
            _ if self.is_any() => serializer.serialize_u16(0),
            [range] if range.start() == range.end() => serializer.serialize_u16(*range.start()),
            _ => serializer.collect_str(self),
        }
    }
}

impl<'de> Deserialize<'de> for StatusCodes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(StatusVisitor)
    }
}

struct StatusVisitor;

impl Visitor<'_> for StatusVisitor {
    type Value = StatusCodes;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(RIGHT)
    }

    fn visit_u64<E: Error>(self, code: u64) -> Result<StatusCodes, E> {
        StatusCodes::one(code).map_err(E::custom)
    }

    fn visit_i64<E: Error>(self, code: i64) -> Result<StatusCodes, E> {
        u64::try_from(code).map_or(Err(ParseStatusError::NoCodes), StatusCodes::one).map_err(E::custom)
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<StatusCodes, E> {
        text.parse().map_err(E::custom)
    }
}

#[cfg(feature = "schema")]
impl schemars::JsonSchema for StatusCodes {
    fn schema_name() -> alloc::borrow::Cow<'static, str> {
        "StatusCodes".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "description": RIGHT,
            "oneOf": [
                { "type": "integer", "minimum": 0, "maximum": 599 },
                { "type": "string", "pattern": "^[0-9]{1,3}( *- *[0-9]{3})?( *, *[0-9]{3}( *- *[0-9]{3})?)*$" }
            ]
        })
    }
}
