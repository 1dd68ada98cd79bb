//! From one moment of a cron line to its neighbour, on a clock that runs evenly.
//!
//! A month that the line does not name is left in one step, a day that does
//! not match in one; hours and minutes are found as bits. What zones do to a
//! clock is the caller's business.

use jiff::civil::{Date, DateTime, Time};
use jiff::{RoundMode, ToSpan, Unit};

use crate::access_point::Cron;

/// The first moment at `from` or later, before `end`.
pub(super) fn first(cron: &Cron, from: DateTime, end: DateTime) -> Option<DateTime> {
    let from = whole_minute(from, RoundMode::Ceil)?;
    let (mut date, mut time) = (from.date(), from.time());
    while date <= end.date() {
        if !cron.has_month(date.month()) {
            date = date.last_of_month().tomorrow().ok()?;
        } else if let Some(time) = first_time(cron, date, time) {
            return Some(date.to_datetime(time)).filter(|moment| *moment < end);
        } else {
            date = date.tomorrow().ok()?;
        }
        time = Time::midnight();
    }
    None
}

/// The last moment at `until` or earlier, not before `start`.
pub(super) fn last(cron: &Cron, until: DateTime, start: DateTime) -> Option<DateTime> {
    const LAST: Time = Time::constant(23, 59, 0, 0);
    let until = whole_minute(until, RoundMode::Floor)?;
    let (mut date, mut time) = (until.date(), until.time());
    while date >= start.date() {
        if !cron.has_month(date.month()) {
            date = date.first_of_month().yesterday().ok()?;
        } else if let Some(time) = last_time(cron, date, time) {
            return Some(date.to_datetime(time)).filter(|moment| *moment >= start);
        } else {
            date = date.yesterday().ok()?;
        }
        time = LAST;
    }
    None
}

/// The first whole minute after a moment.
pub(super) fn next_minute(moment: DateTime) -> Option<DateTime> {
    whole_minute(moment, RoundMode::Floor)?.checked_add(1.minute()).ok()
}

fn whole_minute(moment: DateTime, mode: RoundMode) -> Option<DateTime> {
    moment.round(jiff::civil::DateTimeRound::new().smallest(Unit::Minute).mode(mode)).ok()
}

fn first_time(cron: &Cron, date: Date, from: Time) -> Option<Time> {
    if !cron.has_day(date) {
        return None;
    }
    let (hours, minutes) = (cron.hours(), cron.minutes());
    let this_hour =
        (hours >> from.hour() & 1 == 1).then(|| lowest(minutes & u64::MAX << from.minute())).flatten();
    if let Some(minute) = this_hour {
        return Some(clock(from.hour(), minute));
    }
    let hour = lowest(hours & u64::MAX << (from.hour() + 1))?;
    Some(clock(hour, lowest(minutes)?))
}

fn last_time(cron: &Cron, date: Date, until: Time) -> Option<Time> {
    if !cron.has_day(date) {
        return None;
    }
    let (hours, minutes) = (cron.hours(), cron.minutes());
    let this_hour =
        (hours >> until.hour() & 1 == 1).then(|| highest(minutes & ((2 << until.minute()) - 1))).flatten();
    if let Some(minute) = this_hour {
        return Some(clock(until.hour(), minute));
    }
    let hour = highest(hours & ((1 << until.hour()) - 1))?;
    Some(clock(hour, highest(minutes)?))
}

fn clock(hour: i8, minute: i8) -> Time {
    Time::new(hour, minute, 0, 0).expect("hours and minutes of a cron line are those of a clock")
}

/// The number of the lowest bit.
fn lowest(set: u64) -> Option<i8> {
    i8::try_from(set.trailing_zeros()).ok().filter(|bit| *bit < 64)
}

/// The number of the highest bit.
fn highest(set: u64) -> Option<i8> {
    i8::try_from(set.checked_ilog2()?).ok()
}
