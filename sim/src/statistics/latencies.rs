//! Durations with their percentiles: three significant digits, exact to merge.

use core::time::Duration;

use hdrhistogram::Histogram;

/// A histogram of durations from 1 ns to a day, with three significant digits.
///
/// Longer durations count as a day in percentiles; the mean is exact. Merging
/// in any order gives the same; percentiles must not be averaged, merge instead.
///
/// ```
/// use core::time::Duration;
/// use sim::statistics::Latencies;
///
/// let mut latencies = Latencies::new();
/// for milliseconds in 1..=100 {
///     latencies.record(Duration::from_millis(milliseconds));
/// }
/// assert_eq!(latencies.mean(), Some(Duration::from_micros(50_500)));
/// let p99 = latencies.quantile(0.99).unwrap();
/// assert!((p99.as_secs_f64() / 0.099 - 1.0).abs() < 0.001);
/// ```
#[derive(Clone, Debug)]
pub struct Latencies {
    histogram: Histogram<u64>,
    total: u128,
    min: Duration,
    max: Duration,
}

impl Latencies {
    /// An empty histogram; it takes about 300 kB.
    #[must_use]
    pub fn new() -> Self {
        Self {
            histogram: Histogram::new_with_bounds(1, LONGEST, 3).expect("the bounds are constants that fit"),
            total: 0,
            min: Duration::MAX,
            max: Duration::ZERO,
        }
    }

    /// Counts one duration.
    pub fn record(&mut self, duration: Duration) {
        let nanoseconds = duration.as_nanos();
        self.histogram.saturating_record(u64::try_from(nanoseconds).unwrap_or(u64::MAX).max(1));
        self.total += nanoseconds;
        self.min = self.min.min(duration);
        self.max = self.max.max(duration);
    }

    /// Adds everything the other has counted.
    pub fn merge(&mut self, other: &Self) {
        self.histogram.add(&other.histogram).expect("both have the same bounds");
        self.total += other.total;
        self.min = self.min.min(other.min);
        self.max = self.max.max(other.max);
    }

    /// How many durations were counted.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.histogram.len()
    }

    /// The exact mean, rounded down to a nanosecond; `None` if nothing was counted.
    #[must_use]
    pub fn mean(&self) -> Option<Duration> {
        let mean = self.total.checked_div(u128::from(self.count()))?;
        Some(Duration::from_nanos(u64::try_from(mean).unwrap_or(u64::MAX)))
    }

    /// The duration that a share (0..=1) of all are at most as long as; `None` if nothing was counted.
    #[must_use]
    pub fn quantile(&self, share: f64) -> Option<Duration> {
        let nanoseconds = self.histogram.value_at_quantile(share);
        (self.count() > 0).then(|| Duration::from_nanos(nanoseconds).clamp(self.min, self.max))
    }

    /// The shortest, exact; `None` if nothing was counted.
    #[must_use]
    pub fn min(&self) -> Option<Duration> {
        (self.count() > 0).then_some(self.min)
    }

    /// The longest, exact; `None` if nothing was counted.
    #[must_use]
    pub fn max(&self) -> Option<Duration> {
        (self.count() > 0).then_some(self.max)
    }
}

/// A day, in nanoseconds.
const LONGEST: u64 = 86_400_000_000_000;

impl Default for Latencies {
    fn default() -> Self {
        Self::new()
    }
}
