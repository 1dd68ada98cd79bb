//! Mean, variance and confidence interval of numbers from independent runs.

use super::student::student_t_quantile;

/// Mean and variance, updated number by number (Welford, 1962) and mergeable (Chan, Golub, LeVeque, 1979).
///
/// ```
/// use sim::statistics::Summary;
///
/// let runs: Summary = [4.9, 5.1, 5.0, 5.2, 4.8].into_iter().collect();
/// assert!((runs.mean() - 5.0).abs() < 1e-12);
/// let interval = runs.confidence(0.99);
/// assert!(interval.contains(5.3) && !interval.contains(5.4));
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Summary {
    count: u64,
    mean: f64,
    /// Sum of squared distances from the mean.
    squares: f64,
}

/// A range that holds the true value with a stated confidence.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize)]
pub struct Interval {
    /// Its lower end.
    pub low: f64,
    /// Its upper end.
    pub high: f64,
}

impl Interval {
    /// Whether a value lies inside, the ends included.
    #[must_use]
    pub fn contains(&self, value: f64) -> bool {
        self.low <= value && value <= self.high
    }
}

impl Summary {
    /// Of no numbers.
    #[must_use]
    pub const fn new() -> Self {
        Self { count: 0, mean: 0.0, squares: 0.0 }
    }

    /// Takes one number in.
    #[allow(clippy::cast_precision_loss, reason = "counts stay far below 2^53")]
    pub fn push(&mut self, value: f64) {
        self.count += 1;
        let before = value - self.mean;
        self.mean += before / self.count as f64;
        self.squares += before * (value - self.mean);
    }

    /// Takes all numbers of another summary in.
    #[allow(clippy::cast_precision_loss, reason = "counts stay far below 2^53")]
    pub fn merge(&mut self, other: &Self) {
        if other.count == 0 {
            return;
        }
        let (here, there) = (self.count as f64, other.count as f64);
        let difference = other.mean - self.mean;
        self.count += other.count;
        self.mean += difference * there / (here + there);
        self.squares += other.squares + difference * difference * here * there / (here + there);
    }

    /// How many numbers.
    #[must_use]
    pub const fn count(&self) -> u64 {
        self.count
    }

    /// Their mean; 0 of none.
    #[must_use]
    pub const fn mean(&self) -> f64 {
        self.mean
    }

    /// The unbiased estimate of their variance; 0 of fewer than two.
    #[must_use]
    #[allow(clippy::cast_precision_loss, reason = "counts stay far below 2^53")]
    pub fn variance(&self) -> f64 {
        if self.count < 2 { 0.0 } else { self.squares / (self.count - 1) as f64 }
    }

    /// The two-sided confidence interval of the mean at a level such as 0.99, after Student.
    ///
    /// Without bounds for fewer than two numbers.
    #[must_use]
    #[allow(clippy::cast_precision_loss, reason = "counts stay far below 2^53")]
    pub fn confidence(&self, level: f64) -> Interval {
        if self.count < 2 {
            return Interval { low: f64::NEG_INFINITY, high: f64::INFINITY };
        }
        let error = libm::sqrt(self.variance() / self.count as f64);
        let half = student_t_quantile(0.5 + level / 2.0, self.count - 1) * error;
        Interval { low: self.mean - half, high: self.mean + half }
    }
}

impl FromIterator<f64> for Summary {
    fn from_iter<I: IntoIterator<Item = f64>>(values: I) -> Self {
        let mut summary = Self::new();
        values.into_iter().for_each(|value| summary.push(value));
        summary
    }
}
