//! Arrivals whose rate changes with time: a curve, and a Poisson process along it.
//!
//! The process is drawn by inversion: each arrival takes one exponential number
//! and lies where that much area under the curve has passed. So scaling the
//! curve moves arrivals but does not reshuffle them.

use lb_core::Time;

use crate::random::Stream;

/// One point of a [`RateCurve`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RatePoint {
    /// When.
    pub at: Time,
    /// Events per second at that time, zero or more.
    pub per_second: f64,
}

/// A rate over time: linear between its points, constant before the first and after the last.
///
/// ```
/// use lb_core::Time;
/// use sim::samplers::{RateCurve, RatePoint};
///
/// let point = |seconds, per_second| RatePoint { at: Time::from_secs(seconds), per_second };
/// let curve = RateCurve::new(vec![point(0, 0.0), point(10, 100.0)])?;
/// assert_eq!(curve.rate_at(Time::from_secs(5)), 50.0);
/// assert_eq!(curve.expected(Time::ZERO, Time::from_secs(20)), 500.0 + 1000.0);
/// # Ok::<(), sim::samplers::RateCurveError>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct RateCurve {
    points: Vec<RatePoint>,
}

/// Why points make no curve; points count from 1.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RateCurveError {
    /// There is no point.
    #[error("a rate curve needs at least one point")]
    Empty,
    /// A point is not later than the one before.
    #[error("point {point} of the rate curve must be later than the point before it")]
    Order {
        /// The point.
        point: usize,
    },
    /// A rate is negative or no number.
    #[error("point {point} of the rate curve needs a finite rate of zero or more")]
    Rate {
        /// The point.
        point: usize,
    },
}

impl RateCurve {
    /// A curve through points in rising time.
    ///
    /// # Errors
    ///
    /// [`RateCurveError`] says which point is wrong.
    pub fn new(points: Vec<RatePoint>) -> Result<Self, RateCurveError> {
        if points.is_empty() {
            return Err(RateCurveError::Empty);
        }
        for (index, point) in points.iter().enumerate() {
            if !(point.per_second >= 0.0 && point.per_second.is_finite()) {
                return Err(RateCurveError::Rate { point: index + 1 });
            }
            if index > 0 && point.at <= points[index - 1].at {
                return Err(RateCurveError::Order { point: index + 1 });
            }
        }
        Ok(Self { points })
    }

    /// A rate that never changes, per second; negative or no number counts as zero.
    #[must_use]
    pub fn constant(per_second: f64) -> Self {
        let per_second = if per_second.is_finite() { per_second.max(0.0) } else { 0.0 };
        Self { points: vec![RatePoint { at: Time::ZERO, per_second }] }
    }

    /// The points.
    #[must_use]
    pub fn points(&self) -> &[RatePoint] {
        &self.points
    }

    /// The highest rate, per second.
    #[must_use]
    pub fn peak(&self) -> f64 {
        self.points.iter().fold(0.0, |peak, point| point.per_second.max(peak))
    }

    /// The same curve with every rate times `factor`.
    ///
    /// # Errors
    ///
    /// [`RateCurveError::Rate`] if a rate becomes negative or infinite.
    pub fn scaled(&self, factor: f64) -> Result<Self, RateCurveError> {
        let scale = |point: &RatePoint| RatePoint { per_second: point.per_second * factor, ..*point };
        Self::new(self.points.iter().map(scale).collect())
    }

    /// The rate at a time, per second.
    #[must_use]
    pub fn rate_at(&self, time: Time) -> f64 {
        let piece = self.piece_at(time);
        piece.rate + piece.slope * nanoseconds(piece.start, time)
    }

    /// How many events are expected between two times.
    #[must_use]
    pub fn expected(&self, from: Time, until: Time) -> f64 {
        let mut total = 0.0;
        let mut start = from;
        while start < until {
            let piece = self.piece_at(start);
            let end = piece.end.min(until);
            total += (self.rate_at(start) + self.rate_at(end)) / 2.0 * nanoseconds(start, end) / 1e9;
            start = end;
        }
        total
    }

    /// The linear piece that begins at or before `time` and ends after it.
    fn piece_at(&self, time: Time) -> Piece {
        let after = self.points.partition_point(|point| point.at <= time);
        let flat = |per_second, start, end| Piece { start, end, rate: per_second, slope: 0.0 };
        match (after.checked_sub(1).map(|index| self.points[index]), self.points.get(after)) {
            (Some(low), Some(high)) => {
                let slope = (high.per_second - low.per_second) / nanoseconds(low.at, high.at);
                Piece { start: low.at, end: high.at, rate: low.per_second, slope }
            }
            (Some(last), None) => flat(last.per_second, last.at, Time::MAX),
            (None, Some(first)) => flat(first.per_second, Time::ZERO, first.at),
            (None, None) => flat(0.0, Time::ZERO, Time::MAX),
        }
    }
}

/// One linear piece: rate per second at `start`, slope per second per nanosecond.
#[derive(Clone, Copy, Debug)]
struct Piece {
    start: Time,
    end: Time,
    rate: f64,
    slope: f64,
}

#[allow(clippy::cast_precision_loss, reason = "104 days are exact")]
fn nanoseconds(from: Time, until: Time) -> f64 {
    (until.as_nanos() - from.as_nanos()) as f64
}

/// A Poisson process whose rate follows a curve.
#[derive(Clone, Debug)]
pub struct PoissonArrivals {
    curve: RateCurve,
    stream: Stream,
    /// The last arrival, and what rounding to nanoseconds took from it.
    time: Time,
    fraction: f64,
    piece: Piece,
}

impl PoissonArrivals {
    /// A process that begins at `start`.
    #[must_use]
    pub fn new(curve: RateCurve, start: Time, stream: Stream) -> Self {
        let piece = curve.piece_at(start);
        Self { curve, stream, time: start, fraction: 0.0, piece }
    }

    /// The next arrival, never before the last; `None` if the rate stays zero for ever.
    pub fn next_arrival(&mut self) -> Option<Time> {
        // Rates are per second and distances in nanoseconds, so the area to pass is in their product.
        let mut area = -1e9 * libm::log(self.stream.open_unit());
        loop {
            let offset = nanoseconds(self.piece.start, self.time) + self.fraction;
            let rate = (self.piece.rate + self.piece.slope * offset).max(0.0);
            let left = nanoseconds(self.piece.start, self.piece.end) - offset;
            let area_left = (rate + self.piece.slope * left / 2.0) * left;
            if area < area_left {
                return Some(self.advance(distance(area, rate, self.piece.slope)));
            }
            if self.piece.end == Time::MAX {
                return None;
            }
            area -= area_left.max(0.0);
            (self.time, self.fraction) = (self.piece.end, 0.0);
            self.piece = self.curve.piece_at(self.time);
        }
    }

    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the whole part is meant")]
    fn advance(&mut self, distance: f64) -> Time {
        let total = self.fraction + distance;
        let whole = libm::floor(total);
        self.fraction = total - whole;
        let time = Time::from_nanos(self.time.as_nanos().saturating_add(whole as u64));
        self.time = time.min(self.piece.end);
        self.time
    }
}

/// How far the area under `rate + slope * x` reaches: the root of a quadratic in its stable form.
fn distance(area: f64, rate: f64, slope: f64) -> f64 {
    let root = libm::sqrt((rate * rate + 2.0 * slope * area).max(0.0));
    2.0 * area / (rate + root)
}
