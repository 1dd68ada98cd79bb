//! Measured distributions: a cumulative distribution function by points, linear in between.
//!
//! The text form is the one that data-center papers share their flow sizes in:
//! a line per point, value and cumulative percentage, both rising.

/// A cumulative distribution function through given points.
///
/// ```
/// use sim::samplers::EmpiricalCdf;
///
/// let sizes: EmpiricalCdf = "0 0\n1000 50\n3000 100".parse()?;
/// assert_eq!(sizes.quantile(0.75), 2000.0);
/// assert_eq!(sizes.mean(), 1250.0);
/// # Ok::<(), sim::samplers::EmpiricalError>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct EmpiricalCdf {
    /// (value, cumulative share), both never falling; the last share is 1.
    points: Vec<(f64, f64)>,
}

/// Why points make no distribution function; points and lines count from 1.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EmpiricalError {
    /// There is no point.
    #[error("a measured distribution needs at least one point")]
    Empty,
    /// A line is not two numbers.
    #[error("line {line} is not a value and a cumulative percentage")]
    Line {
        /// The line.
        line: usize,
    },
    /// A value or share falls, is negative or is no number.
    #[error("point {point}: values and shares must be numbers from zero on that never fall")]
    Order {
        /// The point.
        point: usize,
    },
    /// The last share is not the whole.
    #[error("the last point must have the share 1 (100 % in a file)")]
    Whole,
}

impl EmpiricalCdf {
    /// A distribution function through (value, cumulative share) points, shares from 0 to 1.
    ///
    /// A first share above zero means that this part of all has exactly the first value.
    ///
    /// # Errors
    ///
    /// [`EmpiricalError`] says which point is wrong.
    pub fn new(points: Vec<(f64, f64)>) -> Result<Self, EmpiricalError> {
        let Some(&(_, whole)) = points.last() else {
            return Err(EmpiricalError::Empty);
        };
        let mut before = (0.0, 0.0);
        for (index, &(value, share)) in points.iter().enumerate() {
            let rises = value >= before.0 && share >= before.1 && value.is_finite() && share <= 1.0;
            if !rises {
                return Err(EmpiricalError::Order { point: index + 1 });
            }
            before = (value, share);
        }
        if whole < 1.0 {
            return Err(EmpiricalError::Whole);
        }
        Ok(Self { points })
    }

    /// The points, as (value, cumulative share).
    #[must_use]
    pub fn points(&self) -> &[(f64, f64)] {
        &self.points
    }

    /// The value that the given share of all is at most as large as.
    #[must_use]
    pub fn quantile(&self, share: f64) -> f64 {
        let above = self.points.partition_point(|&(_, cumulative)| cumulative < share);
        let last = self.points.len() - 1;
        let (high, high_share) = self.points[above.min(last)];
        if above == 0 || above > last {
            return high;
        }
        let (low, low_share) = self.points[above - 1];
        low + (high - low) * ((share - low_share) / (high_share - low_share))
    }

    /// The mean.
    #[must_use]
    pub fn mean(&self) -> f64 {
        self.moment(|value| value, |low, high| (low + high) / 2.0)
    }

    pub(super) fn second_moment(&self) -> f64 {
        self.moment(|value| value * value, |low, high| (low * low + low * high + high * high) / 3.0)
    }

    fn moment(&self, at_first: impl Fn(f64) -> f64, between: impl Fn(f64, f64) -> f64) -> f64 {
        let (first, first_share) = self.points[0];
        let pieces =
            self.points.windows(2).map(|pair| (pair[1].1 - pair[0].1) * between(pair[0].0, pair[1].0));
        first_share * at_first(first) + pieces.sum::<f64>()
    }
}

impl core::str::FromStr for EmpiricalCdf {
    type Err = EmpiricalError;

    /// Reads lines of value and cumulative percentage; empty lines and lines that begin with `#` are skipped.
    fn from_str(text: &str) -> Result<Self, EmpiricalError> {
        let mut points = Vec::new();
        for (index, line) in text.lines().enumerate() {
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let mut numbers =
                line.split([' ', '\t', ',']).filter(|part| !part.is_empty()).map(str::parse::<f64>);
            match (numbers.next(), numbers.next(), numbers.next()) {
                (Some(Ok(value)), Some(Ok(percent)), None) => points.push((value, percent / 100.0)),
                _ => return Err(EmpiricalError::Line { line: index + 1 }),
            }
        }
        Self::new(points)
    }
}
