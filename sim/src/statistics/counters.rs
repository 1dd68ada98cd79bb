//! Counts over time, in integers.

use core::time::Duration;

use lb_core::Time;

/// A level over time (jobs inside, connections open): its mean weighs each value by how long it held.
///
/// ```
/// use lb_core::Time;
/// use sim::statistics::TimeWeighted;
///
/// let mut connections = TimeWeighted::new(Time::ZERO, 0);
/// connections.set(Time::from_secs(1), 10);
/// connections.set(Time::from_secs(3), 0);
/// assert_eq!(connections.mean(Time::from_secs(4)), 5.0);
/// assert_eq!(connections.max(), 10);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TimeWeighted {
    start: Time,
    since: Time,
    value: u64,
    max: u64,
    area: u128,
}

impl TimeWeighted {
    /// A level that is measured from `start` on.
    #[must_use]
    pub const fn new(start: Time, value: u64) -> Self {
        Self { start, since: start, value, max: value, area: 0 }
    }

    /// The level changes; a time before the last change counts as that one.
    pub fn set(&mut self, now: Time, value: u64) {
        self.area = self.area(now);
        self.since = self.since.max(now);
        self.value = value;
        self.max = self.max.max(value);
    }

    /// The level rises by `amount`.
    pub fn add(&mut self, now: Time, amount: u64) {
        self.set(now, self.value.saturating_add(amount));
    }

    /// The level falls by `amount`, to zero at most.
    pub fn subtract(&mut self, now: Time, amount: u64) {
        self.set(now, self.value.saturating_sub(amount));
    }

    /// The level now.
    #[must_use]
    pub const fn value(&self) -> u64 {
        self.value
    }

    /// The highest level so far.
    #[must_use]
    pub const fn max(&self) -> u64 {
        self.max
    }

    /// Level times nanoseconds, summed up to `now`.
    #[must_use]
    pub fn area(&self, now: Time) -> u128 {
        self.area + u128::from(self.value) * (now - self.since).as_nanos()
    }

    /// The mean level up to `now`; the level itself if no time has passed.
    #[must_use]
    #[allow(clippy::cast_precision_loss, reason = "a mean is for reading")]
    pub fn mean(&self, now: Time) -> f64 {
        let elapsed = (now - self.start).as_nanos();
        if elapsed == 0 { self.value as f64 } else { self.area(now) as f64 / elapsed as f64 }
    }
}

/// Counts per interval of time, such as requests per second.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Series {
    interval: Duration,
    limit: usize,
    counts: Vec<u64>,
}

impl Series {
    /// Counts per `interval` (at least a nanosecond) from time zero on; what comes after `limit` intervals
    /// is counted in the last one.
    #[must_use]
    pub fn new(interval: Duration, limit: usize) -> Self {
        Self { interval: interval.max(Duration::from_nanos(1)), limit: limit.max(1), counts: Vec::new() }
    }

    /// Counts `amount` at a time.
    pub fn add(&mut self, at: Time, amount: u64) {
        let index = u128::from(at.as_nanos()) / self.interval.as_nanos();
        let index = usize::try_from(index).unwrap_or(usize::MAX).min(self.limit - 1);
        if index >= self.counts.len() {
            self.counts.resize(index + 1, 0);
        }
        self.counts[index] += amount;
    }

    /// Adds the other's counts, interval by interval; both must have been made with the same arguments.
    pub fn merge(&mut self, other: &Self) {
        if other.counts.len() > self.counts.len() {
            self.counts.resize(other.counts.len(), 0);
        }
        for (count, more) in self.counts.iter_mut().zip(&other.counts) {
            *count += more;
        }
    }

    /// The counts so far; intervals after the last count are missing.
    #[must_use]
    pub fn counts(&self) -> &[u64] {
        &self.counts
    }

    /// The length of an interval.
    #[must_use]
    pub const fn interval(&self) -> Duration {
        self.interval
    }
}

/// Little's law kept as an account: what came in, what left, and the area between.
///
/// The law `L = lambda W` is exact when all three are taken over one window; this
/// computes both sides from different sums, so a model that forgets a departure
/// or stamps a wrong time is caught.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LittlesLaw {
    inside: TimeWeighted,
    arrived: u64,
    left: u64,
    /// Sum of the arrival times of those inside, in nanoseconds.
    arrival_times: u128,
    sojourn: u128,
}

impl LittlesLaw {
    /// An account that begins with nobody inside.
    #[must_use]
    pub const fn new(start: Time) -> Self {
        Self { inside: TimeWeighted::new(start, 0), arrived: 0, left: 0, arrival_times: 0, sojourn: 0 }
    }

    /// Somebody arrives.
    pub fn handle_arrival(&mut self, now: Time) {
        self.inside.add(now, 1);
        self.arrived += 1;
        self.arrival_times += u128::from(now.as_nanos());
    }

    /// Somebody who arrived at `arrived` leaves, for whatever reason.
    pub fn handle_departure(&mut self, now: Time, arrived: Time) {
        self.inside.subtract(now, 1);
        self.left += 1;
        self.sojourn += (now - arrived).as_nanos();
        self.arrival_times = self.arrival_times.saturating_sub(u128::from(arrived.as_nanos()));
    }

    /// How many arrived and left.
    #[must_use]
    pub const fn counts(&self) -> (u64, u64) {
        (self.arrived, self.left)
    }

    /// How many are inside.
    #[must_use]
    pub const fn inside(&self) -> u64 {
        self.inside.value()
    }

    /// Sum over time of those inside, in nanoseconds: the `L` of the law, by this account.
    #[must_use]
    pub fn area(&self, now: Time) -> u128 {
        self.inside.area(now)
    }

    /// |L - lambda W| / L over the window up to `now`, for an `L` that somebody measured as an area; the
    /// time spent so far by those inside is part of `W`.
    #[must_use]
    #[allow(clippy::cast_precision_loss, reason = "an error is for reading")]
    pub fn relative_error(&self, now: Time, area: u128) -> f64 {
        let until_now = u128::from(self.inside.value()) * u128::from(now.as_nanos());
        let unfinished = until_now.saturating_sub(self.arrival_times);
        let difference = area.abs_diff(self.sojourn + unfinished);
        if area == 0 { difference as f64 } else { difference as f64 / area as f64 }
    }
}
