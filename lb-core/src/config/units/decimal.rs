//! Decimal numbers in front of a unit, in integers.

use core::fmt;

use super::ParseUnitError;

/// Splits `12.5ms` into its number and its unit.
///
/// # Errors
/// If the text does not start with digits (optionally with a fraction).
pub(super) fn split<'a>(
    text: &'a str,
    right: &'static str,
) -> Result<(Decimal<'a>, &'a str), ParseUnitError> {
    let end = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (number, unit) = text.split_at(end);
    let (whole, fraction) = number.split_once('.').unwrap_or((number, "0"));
    if whole.is_empty() || fraction.is_empty() || fraction.contains('.') {
        return Err(ParseUnitError::NoNumber(right));
    }
    let unit = unit.strip_prefix(' ').unwrap_or(unit);
    if unit.is_empty() {
        return Err(ParseUnitError::NoUnit(right));
    }
    Ok((Decimal { whole, fraction: fraction.trim_end_matches('0') }, unit))
}

/// Reads a number with one of `units`, in the smallest of them.
///
/// # Errors
/// As [`split`] and [`Decimal::scaled`], and if the unit is none of these.
pub(super) fn parse(text: &str, units: &[Unit], right: &'static str) -> Result<u64, ParseUnitError> {
    let (number, unit) = split(text, right)?;
    let known = units.iter().find(|(name, _)| *name == unit);
    let (_, scale) = known.ok_or(ParseUnitError::UnknownUnit(right))?;
    number.scaled(*scale, right)
}

/// A unit's name, and how many of the smallest unit it is.
pub(super) type Unit = (&'static str, u64);

/// Writes a whole number in the first unit that loses nothing; `zero` for none at all.
pub(super) fn write_whole(f: &mut fmt::Formatter<'_>, value: u64, units: &[Unit], zero: &str) -> fmt::Result {
    match units.iter().find(|(_, scale)| value.is_multiple_of(*scale)) {
        Some((name, scale)) if value > 0 => write!(f, "{}{name}", value / scale),
        _ => f.write_str(zero),
    }
}

/// A number as written: digits before and after the point.
#[derive(Clone, Copy, Debug)]
pub(super) struct Decimal<'a> {
    whole: &'a str,
    fraction: &'a str,
}

impl Decimal<'_> {
    /// The number in units of `1 / scale`, exactly.
    ///
    /// # Errors
    /// If that is no whole number, or does not fit.
    pub(super) fn scaled(self, scale: u64, right: &'static str) -> Result<u64, ParseUnitError> {
        let whole: u64 = self.whole.parse().map_err(|_| ParseUnitError::TooLarge(right))?;
        let base = whole.checked_mul(scale).ok_or(ParseUnitError::TooLarge(right))?;
        // 18 digits fit 64 bits; no unit here is that fine
        if self.fraction.len() > 18 {
            return Err(ParseUnitError::TooFine(right));
        }
        let (mut numerator, mut denominator) = (0_u128, 1_u128);
        for digit in self.fraction.bytes() {
            numerator = numerator * 10 + u128::from(digit - b'0');
            denominator *= 10;
        }
        let product = numerator * u128::from(scale);
        if product % denominator != 0 {
            return Err(ParseUnitError::TooFine(right));
        }
        let part = u64::try_from(product / denominator).map_err(|_| ParseUnitError::TooLarge(right))?;
        base.checked_add(part).ok_or(ParseUnitError::TooLarge(right))
    }
}

/// Writes `value / 10^digits` without trailing zeros.
pub(super) fn write(f: &mut fmt::Formatter<'_>, value: u64, digits: u32) -> fmt::Result {
    let scale = 10_u64.pow(digits);
    write!(f, "{}", value / scale)?;
    let (mut rest, mut width) = (value % scale, digits as usize);
    if rest == 0 {
        return Ok(());
    }
    while rest % 10 == 0 {
        rest /= 10;
        width -= 1;
    }
    write!(f, ".{rest:0width$}")
}
