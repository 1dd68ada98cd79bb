//! When a change window is open, and when it opens next, on the clock of its zone.
//!
//! A zone's time is a row of stretches between two transitions, in each of
//! which the clock runs evenly. A stretch begins on the clock where the one
//! before stopped: so a moment that comes twice opens a window once, unless the
//! line names every hour, and one that is skipped opens it when the clock has jumped. Days, hours and minutes
//! are reached by leaps from field to field, never minute by minute.
//!
//! What a cron line means is [`Cron`]'s to say; what waits for a window is the
//! [`rollout`](crate::rollout). Source: crontab(5), the IANA time zone database.

mod leap;

use jiff::civil::DateTime;
use jiff::tz::{Offset, TimeZone as Rules};
use jiff::{SignedDuration, Timestamp};

use crate::access_point::{Cron, Window};
use crate::time::WallTime;

const NANOSECOND: SignedDuration = SignedDuration::from_nanos(1);
/// No zone has so many transitions in a century; a cron line that comes at all comes in half of it.
const MOST_STRETCHES: usize = 400;

impl Window {
    /// Whether it is open: it opened at `wall` or less than its duration before.
    ///
    /// ```
    /// use mesh_model::access_point::Window;
    ///
    /// let window = Window {
    ///     cron: "0 9 * * 1-5".parse()?,
    ///     duration: std::time::Duration::from_secs(8 * 3600),
    ///     time_zone: "America/Los_Angeles".parse()?,
    /// };
    /// let thursday = "2026-11-26T16:59:59-08:00".parse()?;
    /// assert!(window.is_open(thursday));
    /// let friday = window.next_opening(thursday).unwrap();
    /// assert_eq!(friday, "2026-11-27T09:00:00-08:00".parse()?);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn is_open(&self, wall: WallTime) -> bool {
        let earliest = wall.timestamp().saturating_sub(self.duration).unwrap_or(Timestamp::MIN);
        let mut stretch = Some(Stretch::at(self.time_zone.rules(), wall.timestamp()));
        while let Some(here) = stretch {
            if let Some(opening) = here.last_opening(&self.cron, wall.timestamp()) {
                return opening > earliest;
            }
            stretch = here.before(self.time_zone.rules()).filter(|before| before.end > earliest);
        }
        false
    }

    /// When it opens next after `wall`, open as it may be; `None` if that is after the year 9999.
    #[must_use]
    pub fn next_opening(&self, wall: WallTime) -> Option<WallTime> {
        let rules = self.time_zone.rules();
        let mut stretch = Stretch::at(rules, wall.timestamp());
        for _ in 0..MOST_STRETCHES {
            if let Some(opening) = stretch.first_opening(&self.cron, wall.timestamp()) {
                return Some(opening.into());
            }
            stretch = stretch.after(rules)?;
        }
        None
    }
}

/// The moments from `start` on, before `end`, in which a zone's clock runs evenly.
#[derive(Clone, Copy, Debug)]
struct Stretch {
    start: Timestamp,
    end: Timestamp,
    offset: Offset,
    /// Where the clock stopped before `start`: later than it starts where an hour comes twice.
    resumes: DateTime,
}

impl Stretch {
    /// The stretch that a moment is in.
    fn at(rules: &Rules, moment: Timestamp) -> Self {
        let next = moment.checked_add(NANOSECOND).unwrap_or(moment);
        let start = rules.preceding(next).next().map(|transition| transition.timestamp());
        let end = rules.following(moment).next().map(|transition| transition.timestamp());
        let resumes = start.map_or(DateTime::MIN, |start| {
            let before = start.checked_sub(NANOSECOND).unwrap_or(start);
            rules.to_offset(before).to_datetime(start)
        });
        Self {
            start: start.unwrap_or(Timestamp::MIN),
            end: end.unwrap_or(Timestamp::MAX),
            offset: rules.to_offset(moment),
            resumes,
        }
    }

    fn before(&self, rules: &Rules) -> Option<Self> {
        Some(Self::at(rules, self.start.checked_sub(NANOSECOND).ok()?))
    }

    fn after(&self, rules: &Rules) -> Option<Self> {
        (self.end < Timestamp::MAX).then(|| Self::at(rules, self.end))
    }

    /// From where on the clock moments of this stretch count; what comes every hour does so in one that repeats, too.
    fn beginning(&self, cron: &Cron) -> DateTime {
        if cron.has_every_hour() {
            self.resumes.min(self.offset.to_datetime(self.start))
        } else {
            self.resumes
        }
    }

    /// The last opening of this stretch at `latest` or before.
    fn last_opening(&self, cron: &Cron, latest: Timestamp) -> Option<Timestamp> {
        let latest = if latest < self.end { latest } else { self.end.checked_sub(NANOSECOND).ok()? };
        let moment = leap::last(cron, self.offset.to_datetime(latest), self.beginning(cron))?;
        // what is skipped lies before the stretch on its own clock, and comes when it starts
        Some(self.offset.to_timestamp(moment).unwrap_or(Timestamp::MIN).max(self.start))
    }

    /// The first opening of this stretch after `earlier`.
    fn first_opening(&self, cron: &Cron, earlier: Timestamp) -> Option<Timestamp> {
        let from = if earlier < self.start {
            self.beginning(cron)
        } else {
            self.beginning(cron).max(leap::next_minute(self.offset.to_datetime(earlier))?)
        };
        let moment = leap::first(cron, from, self.offset.to_datetime(self.end))?;
        let opening = self.offset.to_timestamp(moment).ok()?.max(self.start);
        (opening < self.end).then_some(opening)
    }
}

#[cfg(test)]
mod tests;
