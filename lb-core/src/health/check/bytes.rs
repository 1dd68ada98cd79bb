//! Bytes of an exchange: as a person writes them, and what an answer must begin with.
//!
//! A text can hold only UTF-8; what a binary protocol says is written in
//! hexadecimal. [`AnswerStart`] keeps to itself how it compares, so that a
//! pattern with bytes that may be anything can become one.

use alloc::vec::Vec;
use core::fmt;
use core::str::FromStr;

use serde::de::{Error, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Bytes written in hexadecimal, two digits for each, blanks between bytes as one likes.
///
/// ```
/// use lb_core::health::HexBytes;
///
/// let hello: HexBytes = "16 03 01 00FF".parse()?;
/// assert_eq!(hello.bytes(), [0x16, 3, 1, 0, 0xff]);
/// assert_eq!(hello.to_string(), "16030100ff");
/// assert!("1 6".parse::<HexBytes>().is_err());
/// # Ok::<(), lb_core::health::ParseHexError>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HexBytes(Vec<u8>);

/// What such a text looks like, for messages.
const RIGHT: &str = "two hexadecimal digits for each byte, in quotes, such as \"16 03 01 ff\"";

/// Why a text is no bytes in hexadecimal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ParseHexError {
    /// A byte has one digit only.
    #[error("a byte has only one digit; write {RIGHT}")]
    HalfAByte,
    /// There is something else than digits and blanks.
    #[error("other characters than hexadecimal digits and blanks; write {RIGHT}")]
    NoDigit,
}

impl HexBytes {
    /// Bytes to be written so.
    #[must_use]
    pub const fn new(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }

    /// The bytes.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.0
    }

    /// The bytes, to keep.
    #[must_use]
    pub fn into_bytes(self) -> Vec<u8> {
        self.0
    }
}

impl FromStr for HexBytes {
    type Err = ParseHexError;

    fn from_str(text: &str) -> Result<Self, ParseHexError> {
        let digit = |byte: u8| char::from(byte).to_digit(16).ok_or(ParseHexError::NoDigit);
        let mut bytes = Vec::new();
        for word in text.split(' ') {
            for pair in word.as_bytes().chunks(2) {
                let (high, low) = (digit(pair[0])?, pair.get(1).map(|low| digit(*low)).transpose()?);
                let byte = high * 16 + low.ok_or(ParseHexError::HalfAByte)?;
                bytes.push(u8::try_from(byte).expect("two digits are one byte"));
            }
        }
        Ok(Self(bytes))
    }
}

impl fmt::Display for HexBytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl Serialize for HexBytes {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for HexBytes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(HexVisitor)
    }
}

#[cfg(feature = "schema")]
impl schemars::JsonSchema for HexBytes {
    fn schema_name() -> alloc::borrow::Cow<'static, str> {
        "HexBytes".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({ "type": "string", "pattern": "^([0-9a-fA-F]{2}| )*$", "description": RIGHT })
    }
}

struct HexVisitor;

impl Visitor<'_> for HexVisitor {
    type Value = HexBytes;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // A number has lost its leading zeros, so it is none.
        f.write_str(RIGHT)
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<HexBytes, E> {
        text.parse().map_err(E::custom)
    }
}

/// How an answer must begin.
///
/// ```
/// use lb_core::health::AnswerStart;
///
/// let greeting = AnswerStart::from(b"220 ".to_vec());
/// assert!(greeting.matches(b"220 mail.example ESMTP"));
/// assert!(!greeting.matches(b"22"), "too short to tell: read on");
/// assert!(AnswerStart::default().matches(b"anything"));
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AnswerStart(Vec<u8>);

impl AnswerStart {
    /// Whether an answer begins so.
    #[must_use]
    pub fn matches(&self, answer: &[u8]) -> bool {
        answer.starts_with(&self.0)
    }

    /// How many bytes of an answer there must be to tell.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether any answer will do, an empty one too.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl From<Vec<u8>> for AnswerStart {
    fn from(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }
}
