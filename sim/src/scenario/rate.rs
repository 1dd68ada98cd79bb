//! How many requests per second, over time: a recorded curve or a formula.
//!
//! Every form becomes one thing, a piecewise linear [`RateCurve`] in requests
//! per second, of which the model asks the next arrival of a Poisson process
//! by inversion of the integral. Only `+ - * / sqrt` touch it there, which are
//! the same on every machine.

use core::fmt;
use core::str::FromStr;

use lb_core::config::units::{HumanDuration, Rate, Share};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Requests per second over time, as written: a kind and its parameters.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RateFile {
    /// What gives the rate.
    pub kind: RateKind,
    /// `constant`: the rate, or a share of the fleet's capacity. `sine`: the mean.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rate: Option<RateOrShare>,
    /// `sine`: how far the rate rises above its mean and falls below it, as a share of the mean.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub swing: Option<Share>,
    /// `sine`: the length of a wave.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub period: Option<HumanDuration>,
    /// `points`: the rate at some times, linear between, constant before and after.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub points: Vec<RatePoint>,
    /// `csv`: a file of counts per interval, two columns: time stamp, value.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data: Option<String>,
    /// `csv`: the time from one row to the next.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub interval: Option<HumanDuration>,
    /// `csv`: the time stamp of the row that is the peak.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub peak: Option<String>,
    /// `csv`: when in the run the peak is reached.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub peak_at: Option<HumanDuration>,
    /// `csv`: for how long the peak is held; the rows after it follow later by as much.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub peak_hold: Option<HumanDuration>,
    /// `csv`: the rate that the peak is scaled to, or a share of the fleet's capacity.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub peak_rate: Option<RateOrShare>,
}

/// What gives the rate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum RateKind {
    /// One rate all the time.
    Constant,
    /// Recorded counts, scaled.
    Csv,
    /// Rates at given times, linear between.
    Points,
    /// A wave around a mean.
    Sine,
}

/// The rate at one time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RatePoint {
    /// Since the start of the run.
    pub at: HumanDuration,
    /// The rate then.
    pub rate: RateOrShare,
}

/// When connections begin, given the rate.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ArrivalsFile {
    /// What gives the arrivals; `poisson` where left out.
    #[serde(default)]
    pub kind: ArrivalsKind,
    /// `given`: a file of arrivals, first column seconds since the start of the run, one connection each.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data: Option<String>,
}

/// What gives the arrivals.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ArrivalsKind {
    /// Recorded; the rate is then not asked.
    Given,
    /// Independent of each other, at the rate of the moment.
    #[default]
    Poisson,
}

/// A rate such as `1200/s`, or a share of the fleet's capacity such as `60%`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RateOrShare {
    /// Requests per time.
    Rate(Rate),
    /// A part of what the fleet can serve.
    Share(Share),
}

impl RateOrShare {
    /// Requests per second, given the fleet's capacity in requests per second.
    #[must_use]
    pub fn per_second(self, capacity: f64) -> f64 {
        match self {
            Self::Rate(rate) => rate.per_second(),
            Self::Share(share) => share.fraction() * capacity,
        }
    }
}

impl FromStr for RateOrShare {
    type Err = lb_core::config::units::ParseUnitError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.ends_with('%') { text.parse().map(Self::Share) } else { text.parse().map(Self::Rate) }
    }
}

impl fmt::Display for RateOrShare {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Rate(rate) => rate.fmt(f),
            Self::Share(share) => share.fmt(f),
        }
    }
}

impl Serialize for RateOrShare {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for RateOrShare {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

impl JsonSchema for RateOrShare {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "RateOrShare".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "type": "string",
            "description": "A rate such as 1200/s, or a share of the fleet's capacity such as 60%.",
            "pattern": "^[0-9]+(\\.[0-9]+)? ?(/(s|m|h)|%)$"
        })
    }
}

/// A rate over time: linear between points, constant before the first and after the last.
///
/// ```
/// use sim::scenario::RateCurve;
///
/// let ramp = RateCurve::new(vec![(0, 0.0), (10_000_000_000, 100.0)]);
/// assert_eq!(ramp.at(5_000_000_000), 50.0);
/// // 500 arrivals are expected in these ten seconds, half of them in the first 7.07 s
/// let middle = ramp.after(0, 250.0).unwrap();
/// assert_eq!(middle / 10_000_000, 707);
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct RateCurve {
    /// (nanoseconds since the start, requests per second), times strictly rising.
    points: Vec<(u64, f64)>,
}

impl RateCurve {
    /// A curve through points (nanoseconds, per second), by rising time.
    ///
    /// # Panics
    ///
    /// If there is no point, or times do not rise: the caller's fault.
    #[must_use]
    pub fn new(points: Vec<(u64, f64)>) -> Self {
        assert!(!points.is_empty(), "a curve needs a point");
        assert!(points.windows(2).all(|pair| pair[0].0 < pair[1].0), "times must rise");
        Self { points }
    }

    /// The points: (nanoseconds since the start, per second).
    #[must_use]
    pub fn points(&self) -> &[(u64, f64)] {
        &self.points
    }

    /// The greatest rate.
    #[must_use]
    pub fn peak(&self) -> f64 {
        self.points.iter().fold(0.0, |peak, point| if point.1 > peak { point.1 } else { peak })
    }

    /// The same curve with every rate multiplied.
    #[must_use]
    pub fn scaled(&self, factor: f64) -> Self {
        Self { points: self.points.iter().map(|&(at, rate)| (at, rate * factor)).collect() }
    }

    /// The rate at a time, per second.
    #[must_use]
    pub fn at(&self, nanoseconds: u64) -> f64 {
        let next = self.points.partition_point(|point| point.0 <= nanoseconds);
        let Some(&(from, rate)) = next.checked_sub(1).map(|index| &self.points[index]) else {
            return self.points[0].1;
        };
        let Some(&(until, end_rate)) = self.points.get(next) else { return rate };
        rate + (end_rate - rate) * seconds(nanoseconds - from) / seconds(until - from)
    }

    /// When, from a time on, `amount` arrivals have been expected; `None` if never.
    ///
    /// With `amount` drawn from the exponential distribution of mean 1 this is
    /// the next arrival of the Poisson process of this rate.
    #[must_use]
    pub fn after(&self, nanoseconds: u64, amount: f64) -> Option<u64> {
        let mut now = nanoseconds;
        let mut left = amount;
        let mut next = self.points.partition_point(|point| point.0 <= now);
        loop {
            let rate = self.at(now);
            let Some(&(until, end_rate)) = self.points.get(next) else {
                return (rate > 0.0).then(|| now.saturating_add(to_nanoseconds(left / rate)));
            };
            let length = seconds(until - now);
            // before the first point the rate is constant
            let end_rate = if next == 0 { rate } else { end_rate };
            let expected = (rate + end_rate) / 2.0 * length;
            if expected >= left && expected > 0.0 {
                let slope = (end_rate - rate) / length;
                // the root of rate x + slope/2 x^2 = left, in the form that loses no digits near slope 0
                let root = (rate * rate + 2.0 * slope * left).max(0.0).sqrt();
                return Some(now.saturating_add(to_nanoseconds(2.0 * left / (rate + root))));
            }
            left -= expected;
            now = until;
            next += 1;
        }
    }
}

#[allow(clippy::cast_precision_loss, reason = "runs are shorter than 2^53 ns = 104 days")]
fn seconds(nanoseconds: u64) -> f64 {
    nanoseconds as f64 / 1e9
}

#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "saturates; never negative")]
fn to_nanoseconds(seconds: f64) -> u64 {
    (seconds * 1e9) as u64
}

#[cfg(test)]
mod tests;
