//! Bytes of an exchange: as a person writes them, and what an answer must begin with.
//!
//! A text can hold only UTF-8; what a binary protocol says is written in
//! hexadecimal, and in what is awaited an `X` stands for a digit that may be
//! anything, as in keepalived's UDP check. [`AnswerStart`] keeps to itself how
//! it compares.

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

/// What a pattern looks like, for messages.
const RIGHT_PATTERN: &str =
    "two hexadecimal digits for each byte, X for any digit, in quotes, such as \"16 03 0X XX\"";

/// Why a text is no bytes in hexadecimal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ParseHexError {
    /// A byte has one digit only.
    #[error("a byte has only one digit; write {RIGHT}")]
    HalfAByte,
    /// There is something else than digits and blanks.
    #[error("other characters than hexadecimal digits and blanks; write {RIGHT}")]
    NoDigit,
    /// There is something else than digits, `X` and blanks.
    #[error("other characters than hexadecimal digits, X and blanks; write {RIGHT_PATTERN}")]
    NoPattern,
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
        let digit = |byte| hex_digit(byte).ok_or(ParseHexError::NoDigit);
        pairs(text, digit, |high, low| high << 4 | low).map(Self)
    }
}

impl fmt::Display for HexBytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// How an answer must begin: bytes in hexadecimal in which `X` is any digit.
///
/// ```
/// use lb_core::health::HexPattern;
///
/// let server_hello: HexPattern = "16 03 0X XX XX".parse()?;
/// assert_eq!(server_hello.to_string(), "16030XXXXX");
/// # Ok::<(), lb_core::health::ParseHexError>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HexPattern(AnswerStart);

impl HexPattern {
    /// What an answer is compared with.
    #[must_use]
    pub fn into_answer(self) -> AnswerStart {
        self.0
    }
}

impl FromStr for HexPattern {
    type Err = ParseHexError;

    fn from_str(text: &str) -> Result<Self, ParseHexError> {
        let digit = |byte: u8| match byte {
            // Not the small letter: in `0x00` it is no digit that may be anything.
            b'X' => Ok((0, 0)),
            digit => Ok((hex_digit(digit).ok_or(ParseHexError::NoPattern)?, 0xf)),
        };
        let byte =
            |high: (u8, u8), low: (u8, u8)| Part { value: high.0 << 4 | low.0, mask: high.1 << 4 | low.1 };
        Ok(Self(AnswerStart(pairs(text, digit, byte)?)))
    }
}

impl fmt::Display for HexPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.0.iter().try_for_each(|part| {
            [4, 0].into_iter().try_for_each(|shift| match part.mask >> shift & 0xf {
                0 => f.write_str("X"),
                _ => write!(f, "{:x}", part.value >> shift & 0xf),
            })
        })
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
/// assert_eq!(greeting.first_difference(b"22"), None);
/// assert_eq!(greeting.first_difference(b"554 no"), Some(0));
/// assert!(AnswerStart::default().matches(b"anything"));
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AnswerStart(Vec<Part>);

/// One byte that is awaited: `got & mask == value`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Part {
    value: u8,
    mask: u8,
}

impl AnswerStart {
    /// Whether an answer begins so.
    #[must_use]
    pub fn matches(&self, answer: &[u8]) -> bool {
        answer.len() >= self.0.len() && self.first_difference(answer).is_none()
    }

    /// Where an answer differs from the wanted one, as far as both go.
    #[must_use]
    pub fn first_difference(&self, answer: &[u8]) -> Option<usize> {
        self.0.iter().zip(answer).position(|(part, got)| got & part.mask != part.value)
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
        Self(bytes.into_iter().map(|value| Part { value, mask: 0xff }).collect())
    }
}

fn hex_digit(byte: u8) -> Option<u8> {
    char::from(byte).to_digit(16).map(|digit| u8::try_from(digit).expect("a digit is below 16"))
}

/// Pairs of digits, with blanks between pairs as one likes.
fn pairs<D: Copy, B>(
    text: &str,
    digit: impl Fn(u8) -> Result<D, ParseHexError>,
    byte: impl Fn(D, D) -> B,
) -> Result<Vec<B>, ParseHexError> {
    let mut bytes = Vec::new();
    for word in text.split(' ') {
        for pair in word.as_bytes().chunks(2) {
            let (high, low) = (digit(pair[0])?, pair.get(1).map(|low| digit(*low)).transpose()?);
            bytes.push(byte(high, low.ok_or(ParseHexError::HalfAByte)?));
        }
    }
    Ok(bytes)
}

/// A text in a file that becomes bytes, or a pattern of them.
macro_rules! text_in_files {
    ($type:ident, $name:literal, $pattern:literal, $right:expr) => {
        impl Serialize for $type {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $type {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                struct Text;

                impl Visitor<'_> for Text {
                    type Value = $type;

                    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                        // A number has lost its leading zeros, so it is none.
                        f.write_str($right)
                    }

                    fn visit_str<E: Error>(self, text: &str) -> Result<$type, E> {
                        text.parse().map_err(E::custom)
                    }
                }

                deserializer.deserialize_str(Text)
            }
        }

        #[cfg(feature = "schema")]
        impl schemars::JsonSchema for $type {
            fn schema_name() -> alloc::borrow::Cow<'static, str> {
                $name.into()
            }

            fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
                schemars::json_schema!({ "type": "string", "pattern": $pattern, "description": $right })
            }
        }
    };
}

text_in_files!(HexBytes, "HexBytes", "^([0-9a-fA-F]{2}| )*$", RIGHT);
text_in_files!(HexPattern, "HexPattern", "^([0-9a-fA-FX]{2}| )*$", RIGHT_PATTERN);
