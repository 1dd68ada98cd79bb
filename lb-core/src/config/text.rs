//! Serde for values that are written as text, and for whole numbers, with
//! messages that say what would be right.
//!
//! A serde error knows neither the accepted range nor an example; these
//! visitors do. Values from outside are quoted in messages, cut to a sensible
//! length, except secrets.

use alloc::format;
use alloc::string::String;
use core::fmt;
use core::marker::PhantomData;
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use serde::de::{Error, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::hash::HashKey;

/// A value that is written as one text.
pub(super) trait FromText: Sized {
    /// What it is, for messages: `a {NOUN}`.
    const NOUN: &'static str;
    /// Why a text is none; says what would be right.
    type Error: fmt::Display;
    /// Reads the text.
    fn from_text(text: &str) -> Result<Self, Self::Error>;
}

/// A text from outside, quoted for a message and cut to 40 characters.
pub(super) fn quoted(text: &str) -> String {
    match text.char_indices().nth(40) {
        Some((end, _)) => format!("`{}...`", &text[..end]),
        None => format!("`{text}`"),
    }
}

/// Reads a [`FromText`] value.
pub(super) fn required<'de, T: FromText, D: Deserializer<'de>>(deserializer: D) -> Result<T, D::Error> {
    deserializer.deserialize_str(TextVisitor(PhantomData))
}

/// Reads a [`FromText`] value that may be absent or null.
pub(super) fn optional<'de, T: FromText, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<T>, D::Error> {
    Option::<Text<T>>::deserialize(deserializer).map(|value| value.map(|text| text.0))
}

/// Makes a [`FromText`] value a serde value.
struct Text<T>(T);

impl<'de, T: FromText> Deserialize<'de> for Text<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        required(deserializer).map(Self)
    }
}

struct TextVisitor<T>(PhantomData<T>);

impl<T: FromText> Visitor<'_> for TextVisitor<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a {}", T::NOUN)
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<T, E> {
        T::from_text(text)
            .map_err(|error| E::custom(format_args!("{} is no {}: {error}", quoted(text), T::NOUN)))
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<T, E> {
        self.visit_str(&format!("{number}"))
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<T, E> {
        self.visit_str(&format!("{number}"))
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<T, E> {
        self.visit_str(&format!("{number}"))
    }
}

/// What to write instead of a text that is no address of the wanted family.
#[derive(Debug, thiserror::Error)]
pub(super) enum AddressTextError {
    #[error("write an address such as 10.1.0.5 or \"2001:db8::5\", without port or prefix length")]
    Any,
    #[error("write an IPv4 address such as 10.0.0.11; an IPv6 address goes into `address6`")]
    V4,
    #[error("write an IPv6 address such as \"2001:db8::11\"; an IPv4 address goes into `address`")]
    V6,
}

impl FromText for IpAddr {
    const NOUN: &'static str = "IP address";
    type Error = AddressTextError;

    fn from_text(text: &str) -> Result<Self, AddressTextError> {
        text.parse().map_err(|_| AddressTextError::Any)
    }
}

impl FromText for Ipv4Addr {
    const NOUN: &'static str = "IPv4 address";
    type Error = AddressTextError;

    fn from_text(text: &str) -> Result<Self, AddressTextError> {
        text.parse().map_err(|_| AddressTextError::V4)
    }
}

impl FromText for Ipv6Addr {
    const NOUN: &'static str = "IPv6 address";
    type Error = AddressTextError;

    fn from_text(text: &str) -> Result<Self, AddressTextError> {
        text.parse().map_err(|_| AddressTextError::V6)
    }
}

/// The hash key as 32 hexadecimal digits; a message never repeats it.
pub(super) mod hash_key {
    use super::*;

    /// What a key looks like, for messages.
    const RIGHT: &str = "32 hexadecimal digits in quotes (128 bits, the same on every node; `openssl rand -hex 16` makes one)";

    pub(in super::super) fn serialize<S: Serializer>(
        key: &Option<HashKey>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        key.map(|key| key.to_bytes().iter().map(|byte| format!("{byte:02x}")).collect::<String>())
            .serialize(serializer)
    }

    pub(in super::super) fn deserialize<'de, D: Deserializer<'de>>(
        d: D,
    ) -> Result<Option<HashKey>, D::Error> {
        Option::<Secret>::deserialize(d).map(|value| value.map(|secret| secret.0))
    }

    struct Secret(HashKey);

    impl<'de> Deserialize<'de> for Secret {
        fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            deserializer.deserialize_str(SecretVisitor)
        }
    }

    struct SecretVisitor;

    impl Visitor<'_> for SecretVisitor {
        type Value = Secret;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str(RIGHT)
        }

        fn visit_str<E: Error>(self, text: &str) -> Result<Secret, E> {
            parse(text).map(Secret).ok_or_else(|| match text.chars().all(|c| c.is_ascii_hexdigit()) {
                true => E::custom(format_args!("the key has {} digits; write {RIGHT}", text.len())),
                false => E::custom(format_args!(
                    "the key has other characters than hexadecimal digits; write {RIGHT}"
                )),
            })
        }

        // the default messages of serde repeat the value
        fn visit_u64<E: Error>(self, _: u64) -> Result<Secret, E> {
            Err(E::custom(format_args!("the key is written as a number; write {RIGHT}")))
        }

        fn visit_i64<E: Error>(self, _: i64) -> Result<Secret, E> {
            self.visit_u64(0)
        }

        fn visit_f64<E: Error>(self, _: f64) -> Result<Secret, E> {
            self.visit_u64(0)
        }

        fn visit_u128<E: Error>(self, _: u128) -> Result<Secret, E> {
            self.visit_u64(0)
        }
    }

    fn parse(text: &str) -> Option<HashKey> {
        let digits = text.as_bytes();
        let mut bytes = [0_u8; 16];
        if digits.len() != 32 {
            return None;
        }
        for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
            let (high, low) = (char::from(pair[0]).to_digit(16)?, char::from(pair[1]).to_digit(16)?);
            *byte = u8::try_from(high * 16 + low).ok()?;
        }
        Some(HashKey::new(bytes))
    }
}

/// An integer type that a file may hold.
pub(super) trait Whole: Sized + TryFrom<i128> {
    /// The greatest value.
    const GREATEST: u64;
}

impl Whole for u16 {
    const GREATEST: u64 = Self::MAX as u64;
}
impl Whole for u32 {
    const GREATEST: u64 = Self::MAX as u64;
}
impl Whole for u64 {
    const GREATEST: Self = Self::MAX;
}

/// Reads any whole number that the type holds.
pub(super) fn whole<'de, T: Whole, D: Deserializer<'de>>(deserializer: D) -> Result<T, D::Error> {
    between::<0, { u64::MAX }, T, D>(deserializer)
}

/// Reads a whole number of which messages say that it is from `MIN` to `MAX`.
///
/// What the type holds is let through: whether it is within these bounds, or
/// narrower ones, is the conversion's to say, which files made by code pass too.
pub(super) fn between<'de, const MIN: u64, const MAX: u64, T: Whole, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<T, D::Error> {
    let span = Span { min: MIN, max: MAX.min(T::GREATEST) };
    deserializer.deserialize_any(WholeVisitor { span, value: PhantomData })
}

/// As [`between`] for a number that may be absent or null.
pub(super) fn optional_between<'de, const MIN: u64, const MAX: u64, T: Whole, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<T>, D::Error> {
    Option::<Number<MIN, MAX, T>>::deserialize(deserializer).map(|value| value.map(|number| number.0))
}

/// Makes a [`Whole`] a serde value with our messages.
struct Number<const MIN: u64, const MAX: u64, T>(T);

impl<'de, const MIN: u64, const MAX: u64, T: Whole> Deserialize<'de> for Number<MIN, MAX, T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        between::<MIN, MAX, T, D>(deserializer).map(Self)
    }
}

/// The values that messages offer.
#[derive(Clone, Copy)]
struct Span {
    min: u64,
    max: u64,
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self { min, max } if min == max => write!(f, "{min}"),
            Self { min, max } => write!(f, "a whole number from {min} to {max}"),
        }
    }
}

struct WholeVisitor<T> {
    span: Span,
    value: PhantomData<T>,
}

impl<T: Whole> WholeVisitor<T> {
    fn number<E: Error>(&self, value: i128) -> Result<T, E> {
        T::try_from(value)
            .map_err(|_| E::custom(format_args!("{value} is out of range; write {}", self.span)))
    }
}

/// Up to here (2^53) each whole number is a float of its own.
const EXACT: f64 = 9_007_199_254_740_992.0;

impl<T: Whole> Visitor<'_> for WholeVisitor<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.span)
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<T, E> {
        self.number(i128::from(value))
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<T, E> {
        self.number(i128::from(value))
    }

    fn visit_i128<E: Error>(self, value: i128) -> Result<T, E> {
        self.number(value)
    }

    fn visit_u128<E: Error>(self, value: u128) -> Result<T, E> {
        self.number(i128::try_from(value).unwrap_or(i128::MAX))
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<T, E> {
        let (Span { min, max }, span) = (self.span, self.span);
        let whole = value as i128;
        if value.abs() <= EXACT && whole as f64 == value {
            return self.number(whole);
        }
        Err(if value < 0.0 || value > max as f64 {
            E::custom(format_args!("{value:e} is out of range; write {span}"))
        } else if value > EXACT {
            E::custom(format_args!("{value:e} is not exact; write {span} in digits alone"))
        } else {
            E::custom(format_args!("{value} is no whole number; write one from {min} to {max}"))
        })
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<T, E> {
        let quoted = quoted(text);
        // YAML 1.2 takes "443", 012 and 1_000 for texts
        if text.contains(|c: char| c.is_ascii_digit()) && text.chars().all(|c| c.is_ascii_digit() || c == '_')
        {
            let right = "write the digits alone: no quotes, no leading zeros, no underscores";
            return Err(E::custom(format_args!("{quoted} is a text, not a number; {right}")));
        }
        Err(E::custom(format_args!("{quoted} is no number; write {}", self.span)))
    }
}
