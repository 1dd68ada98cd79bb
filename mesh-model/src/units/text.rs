//! Numbers with units in and out of text, and serde for values that are texts.
//!
//! A serde error knows neither the accepted range nor an example; the visitor
//! here says what would be right.

use std::fmt;
use std::marker::PhantomData;
use std::str::FromStr;

use serde::Deserializer;
use serde::de::{Error, Visitor};

use super::ParseUnitError;
use crate::nearest::quoted;

/// Reads a value that is written as one text; `noun` is what it is, for messages.
pub(crate) fn from_text<'de, T, D>(deserializer: D, noun: &'static str) -> Result<T, D::Error>
where
    T: FromStr<Err: fmt::Display>,
    D: Deserializer<'de>,
{
    deserializer.deserialize_str(TextVisitor { noun, value: PhantomData })
}

/// The same where a bare number is right too.
pub(super) fn from_text_or_number<'de, T, D>(deserializer: D, noun: &'static str) -> Result<T, D::Error>
where
    T: FromStr<Err: fmt::Display>,
    D: Deserializer<'de>,
{
    deserializer.deserialize_any(TextVisitor { noun, value: PhantomData })
}

struct TextVisitor<T> {
    noun: &'static str,
    value: PhantomData<T>,
}

impl<T: FromStr<Err: fmt::Display>> Visitor<'_> for TextVisitor<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a {}", self.noun)
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<T, E> {
        text.parse().map_err(|error| E::custom(format_args!("{} is no {}: {error}", quoted(text), self.noun)))
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<T, E> {
        self.visit_str(&number.to_string())
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<T, E> {
        self.visit_str(&number.to_string())
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<T, E> {
        self.visit_str(&number.to_string())
    }
}

/// Reads `1.5s` as a whole number of the smallest unit.
pub(super) fn number_with_unit(
    text: &str,
    units: &[(&str, u64)],
    right: &'static str,
) -> Result<u64, ParseUnitError> {
    let end = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (number, unit) = text.split_at(end);
    let (whole, fraction) = number.split_once('.').unwrap_or((number, "0"));
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if !is_number(whole) || !is_number(fraction) {
        return Err(ParseUnitError::NoNumber(right));
    }
    if unit.is_empty() {
        return Err(ParseUnitError::NoUnit(right));
    }
    let known = units.iter().find(|(name, _)| *name == unit);
    let size = known.ok_or(ParseUnitError::UnknownUnit(right))?.1;
    let whole: u64 = whole.parse().map_err(|_| ParseUnitError::TooLarge(right))?;
    let fraction = fraction.trim_end_matches('0');
    let scale = u32::try_from(fraction.len()).ok().and_then(|digits| 10_u128.checked_pow(digits));
    let scale = scale.ok_or(ParseUnitError::TooFine(right))?;
    let digits: u128 = if fraction.is_empty() { 0 } else { fraction.parse().unwrap_or(u128::MAX) };
    let part = digits.checked_mul(size.into()).ok_or(ParseUnitError::TooFine(right))?;
    if part % scale != 0 {
        return Err(ParseUnitError::TooFine(right));
    }
    let part = u64::try_from(part / scale).map_err(|_| ParseUnitError::TooLarge(right))?;
    let value = whole.checked_mul(size).and_then(|value| value.checked_add(part));
    value.ok_or(ParseUnitError::TooLarge(right))
}

/// Writes a number in the largest unit that loses nothing; zero in the unit `zero`.
pub(super) fn in_largest_unit(
    value: u64,
    units: &[(&str, u64)],
    zero: &str,
    f: &mut fmt::Formatter<'_>,
) -> fmt::Result {
    match units.iter().find(|(_, size)| value.is_multiple_of(*size) && value > 0) {
        Some((unit, size)) => write!(f, "{}{unit}", value / size),
        None => write!(f, "0{zero}"),
    }
}
