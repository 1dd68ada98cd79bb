//! The calendar's words in a change window: when it opens, and on whose clock.
//!
//! Both are checked when they are read: a cron line that never comes and a zone
//! that nobody knows are refused. Which window is open now is for the rollout
//! to say. Source: crontab(5); the IANA time zone database is compiled in.

use std::fmt;
use std::str::FromStr;

use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZoneDatabase;

use crate::nearest::{did_you_mean, nearest};
use crate::units::text_value;

/// A set of moments, in five fields: minute, hour, day of month, month, day of week (0 and 7 are Sunday).
///
/// A field is `*`, a number, a range `1-5`, a step `*/15` or `8-18/2`, or several
/// with commas between. As in cron, where both days are restricted one of them
/// is enough.
///
/// ```
/// use mesh_model::access_point::Cron;
///
/// let cron: Cron = "0 9 * * 1-5".parse()?;
/// assert!(cron.matches("2026-11-26T09:00:00".parse().unwrap()), "a Thursday");
/// assert!(!cron.matches("2026-11-28T09:00:00".parse().unwrap()), "a Saturday");
/// # Ok::<(), mesh_model::access_point::ParseCronError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cron {
    text: Box<str>,
    /// Bit n: the value n is in the set.
    fields: [u64; 5],
    /// Whether the day of the month, and that of the week, are restricted.
    days: (bool, bool),
}

/// A text is no cron line.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ParseCronError {
    /// Not five fields.
    #[error("{found} fields; write five: minute, hour, day of month, month, day of week")]
    Fields {
        /// How many there are.
        found: usize,
    },
    /// One field is none.
    #[error(
        "`{found}` is no {field}; write *, a number from {least} to {most}, a range, a step, or several with commas"
    )]
    Field {
        /// As written.
        found: String,
        /// Which field.
        field: &'static str,
        /// The least value.
        least: u32,
        /// The largest value.
        most: u32,
    },
    /// A date that no year has.
    #[error("this day is in none of these months; write a date that comes")]
    Never,
}

/// Name, least and largest value of each field.
const FIELDS: [(&str, u32, u32); 5] =
    [("minute", 0, 59), ("hour", 0, 23), ("day of month", 1, 31), ("month", 1, 12), ("day of week", 0, 7)];
/// Days of each month, at most.
const LONGEST: [u32; 12] = [31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];

impl Cron {
    /// Whether a moment, to the minute, is one of them.
    #[must_use]
    pub fn matches(&self, moment: DateTime) -> bool {
        self.has(0, moment.minute())
            && self.has(1, moment.hour())
            && self.has_month(moment.month())
            && self.has_day(moment.date())
    }

    /// The minutes as bits: bit n is set for minute n.
    pub(crate) const fn minutes(&self) -> u64 {
        self.fields[0]
    }

    /// The hours as bits.
    pub(crate) const fn hours(&self) -> u64 {
        self.fields[1]
    }

    /// Whether it names every hour.
    pub(crate) const fn has_every_hour(&self) -> bool {
        self.fields[1].count_ones() == 24
    }

    /// Whether the line names this month.
    pub(crate) fn has_month(&self, month: i8) -> bool {
        self.has(3, month)
    }

    /// Whether it names this day, whatever the month.
    pub(crate) fn has_day(&self, date: Date) -> bool {
        let of_month = self.has(2, date.day());
        let of_week = self.has(4, date.weekday().to_sunday_zero_offset());
        match self.days {
            (true, true) => of_month || of_week,
            _ => of_month && of_week,
        }
    }

    fn has(&self, field: usize, value: i8) -> bool {
        u32::try_from(value).is_ok_and(|value| self.fields[field] >> value & 1 == 1)
    }
}

impl FromStr for Cron {
    type Err = ParseCronError;

    fn from_str(text: &str) -> Result<Self, ParseCronError> {
        let words: Vec<&str> = text.split_ascii_whitespace().collect();
        let words: [&str; 5] =
            words.try_into().map_err(|words: Vec<&str>| ParseCronError::Fields { found: words.len() })?;
        let mut fields = [0; 5];
        for ((set, word), (field, least, most)) in fields.iter_mut().zip(words).zip(FIELDS) {
            let wrong = || ParseCronError::Field { found: word.to_owned(), field, least, most };
            *set = self::field(word, least, most).ok_or_else(wrong)?;
        }
        fields[4] |= fields[4] >> 7 & 1;
        let days = (!words[2].starts_with('*'), !words[4].starts_with('*'));
        let comes = |month: u32| {
            fields[3] >> month & 1 == 1 && fields[2] & ((2 << LONGEST[month as usize - 1]) - 1) != 0
        };
        if !days.1 && !(1..=12).any(comes) {
            return Err(ParseCronError::Never);
        }
        Ok(Self { text: words.join(" ").into(), fields, days })
    }
}

/// The set that one field names.
fn field(word: &str, least: u32, most: u32) -> Option<u64> {
    // not `+5`, which Rust would take for a number
    let is_number = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let number = |text: &str| {
        let number = text.parse::<u32>().ok().filter(|_| is_number(text));
        number.filter(|number| (least..=most).contains(number))
    };
    let mut set = 0;
    for part in word.split(',') {
        let (range, step) = part.split_once('/').map_or((part, "1"), |(range, step)| (range, step));
        let step = step.parse::<usize>().ok().filter(|number| is_number(step) && *number > 0)?;
        let (first, last) = match range.split_once('-') {
            Some((first, last)) => (number(first)?, number(last)?),
            None if range == "*" => (least, most),
            None if part.contains('/') => (number(range)?, most),
            None => (number(range)?, number(range)?),
        };
        if first > last {
            return None;
        }
        set |= (first..=last).step_by(step).fold(0, |set, value| set | 1 << value);
    }
    Some(set)
}

impl fmt::Display for Cron {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

text_value!(Cron, "cron line", r"^\S+ \S+ \S+ \S+ \S+$", "Minute, hour, day of month, month, day of week.");

/// A time zone of the IANA database; `default()` is UTC.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TimeZone(jiff::tz::TimeZone);

/// A text is no time zone.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the database of IANA does not know it; write a name such as America/Los_Angeles or UTC{}", did_you_mean(nearest.as_deref()))]
pub struct ParseTimeZoneError {
    /// The zone with the nearest name.
    pub nearest: Option<String>,
}

impl TimeZone {
    /// The calendar's own type.
    #[must_use]
    pub const fn rules(&self) -> &jiff::tz::TimeZone {
        &self.0
    }
}

impl Default for TimeZone {
    fn default() -> Self {
        Self(jiff::tz::TimeZone::UTC)
    }
}

impl FromStr for TimeZone {
    type Err = ParseTimeZoneError;

    fn from_str(text: &str) -> Result<Self, ParseTimeZoneError> {
        // never the machine's own database: a file means the same everywhere
        let database = TimeZoneDatabase::bundled();
        database.get(text).map(Self).map_err(|_| {
            let known: Vec<String> = database.available().map(|name| name.as_str().to_owned()).collect();
            ParseTimeZoneError { nearest: nearest(text, known.iter().map(String::as_str)).map(str::to_owned) }
        })
    }
}

impl fmt::Display for TimeZone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.iana_name().unwrap_or("UTC"))
    }
}

text_value!(TimeZone, "time zone", "^[A-Za-z0-9_+/-]+$", "A zone of the IANA database.");
