//! Slow start: a backend that comes into service gets its weight in steps.
//!
//! Steps, not a slope, because every change of a weight is a new table; integer
//! arithmetic, because every node must compute the same weight.

use core::time::Duration;

use super::policy::SlowStart;
use crate::config::units::Share;
use crate::identity::Weight;
use crate::time::Time;

/// A weight on its way up since a point in time.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ramp {
    since: Time,
    slow_start: SlowStart,
    /// The step that it began with.
    first: u32,
    /// Steps climbed, less than the slow start has.
    step: u32,
}

impl Ramp {
    pub(super) const fn new(since: Time, slow_start: SlowStart) -> Self {
        Self { since, slow_start, first: 0, step: 0 }
    }

    /// One that goes on at a step; `None` at its top.
    pub(super) fn resume(since: Time, slow_start: SlowStart, step: u32) -> Option<Self> {
        (step < slow_start.steps).then_some(Self { since, slow_start, first: step, step })
    }

    /// The ramp at `now`; `None` at its top.
    pub(super) fn climb(mut self, now: Time) -> Option<Self> {
        let climbed = now.saturating_since(self.since) + self.slow_start.offset(self.first);
        self.step = self.step.max(self.slow_start.step(climbed));
        (self.step < self.slow_start.steps).then_some(self)
    }

    /// The weight here: never 0 for a backend that has one.
    pub(super) fn weight(&self, full: Weight) -> Weight {
        self.slow_start.weight(self.step, full)
    }

    /// When the next step comes.
    pub(super) fn next_step(&self) -> Time {
        self.since + (self.slow_start.offset(self.step + 1) - self.slow_start.offset(self.first))
    }
}

impl SlowStart {
    /// How many steps there are from the first weight to the whole one.
    #[must_use]
    pub const fn steps(&self) -> u32 {
        self.steps
    }

    /// The weight at step `step` of [`steps`](Self::steps) for a backend of weight `full`.
    ///
    /// # Panics
    ///
    /// If there are not so many steps.
    #[must_use]
    pub fn weight(&self, step: u32, full: Weight) -> Weight {
        let whole = u64::from(Share::ONE.billionths());
        let from = u64::from(self.from.billionths());
        let climbed = (whole - from) * u64::from(step) / u64::from(self.steps);
        let weight = (u64::from(full.0) * (from + climbed)).div_ceil(whole);
        let weight = u16::try_from(weight).expect("a share of a u16, rounded up, is at most that u16");
        Weight(weight.max(full.0.min(1)))
    }

    /// How long after the start step `step` comes, rounded up to the nanosecond.
    fn offset(&self, step: u32) -> Duration {
        let nanoseconds = (self.duration.as_nanos() * u128::from(step)).div_ceil(u128::from(self.steps));
        Duration::from_nanos(u64::try_from(nanoseconds).unwrap_or(u64::MAX))
    }

    /// The step that `elapsed` after the start has reached: the last one whose offset has passed.
    fn step(&self, elapsed: Duration) -> u32 {
        if elapsed >= self.duration {
            return self.steps;
        }
        let step = elapsed.as_nanos() * u128::from(self.steps) / self.duration.as_nanos();
        u32::try_from(step).unwrap_or(self.steps).min(self.steps)
    }
}

#[cfg(test)]
mod tests;
