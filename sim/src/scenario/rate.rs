//! How many requests per second, over time: a recorded curve or a formula.
//!
//! Every form becomes one thing, a piecewise linear [`RateCurve`] in requests
//! per second ([`RateFile::curve`]); drawing arrivals from it is
//! [`samplers`](crate::samplers)' work.

use core::fmt;
use core::str::FromStr;

use lb_core::Time;
use lb_core::config::units::{HumanDuration, Rate, Share};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::data::{self, DataSource};
use super::error::{Path, Problem, ProblemAt, ScenarioError};
use crate::samplers::{RateCurve, RatePoint};

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
    pub points: Vec<RatePointFile>,
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
pub struct RatePointFile {
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

impl RateFile {
    /// The rate over time, for a fleet of this capacity in requests per second.
    pub(super) fn curve(&self, capacity: f64, source: &dyn DataSource) -> Result<RateCurve, ProblemAt> {
        self.check_fields()?;
        let curve = match self.kind {
            RateKind::Constant => {
                let rate = self.rate.ok_or(MISSING_RATE)?;
                RateCurve::constant(rate.per_second(capacity))
            }
            RateKind::Csv => return self.recorded(capacity, source),
            RateKind::Points => {
                let point = |point: &RatePointFile| RatePoint {
                    at: Time::ZERO + point.at.duration(),
                    per_second: point.rate.per_second(capacity),
                };
                RateCurve::new(self.points.iter().map(point).collect())
                    .map_err(|error| ProblemAt::field("points", Problem::Curve(error)))?
            }
            RateKind::Sine => self.wave(capacity)?,
        };
        Ok(curve)
    }

    /// A sine sampled so finely that the straight pieces between miss it by less than 0.02 %.
    fn wave(&self, capacity: f64) -> Result<RateCurve, ProblemAt> {
        let mean = self.rate.ok_or(MISSING_RATE)?.per_second(capacity);
        let swing = self.swing.unwrap_or_default().fraction();
        let period = self.period.ok_or(ProblemAt::field("period", Problem::Missing))?.as_nanos();
        if period < WAVE_STEPS {
            return Err(ProblemAt::field("period", Problem::TooSmall { least: "1us" }));
        }
        let step = |index: u64| {
            let angle = core::f64::consts::TAU * (index % WAVE_STEPS) as f64 / WAVE_STEPS as f64;
            let at = Time::from_nanos(period / WAVE_STEPS * index);
            RatePoint { at, per_second: mean * (1.0 + swing * libm::sin(angle)) }
        };
        RateCurve::new((0..=WAVE_STEPS * WAVES_MAX).map(step).collect())
            .map_err(|error| ProblemAt::field("rate", Problem::Curve(error)))
    }

    /// Recorded counts, scaled so that the chosen row is the peak, which is held.
    fn recorded(&self, capacity: f64, source: &dyn DataSource) -> Result<RateCurve, ProblemAt> {
        let missing = |field| ProblemAt::field(field, Problem::Missing);
        let name = self.data.as_deref().ok_or_else(|| missing("data"))?;
        let interval = self.interval.ok_or_else(|| missing("interval"))?.as_nanos();
        let peak = self.peak.as_deref().ok_or_else(|| missing("peak"))?;
        let peak_rate = self.peak_rate.ok_or_else(|| missing("peakRate"))?.per_second(capacity);
        if interval == 0 {
            return Err(ProblemAt::field("interval", Problem::TooSmall { least: "1ns" }));
        }
        let text = data::read(source, name).map_err(|problem| ProblemAt::field("data", problem))?;
        let rows = data::stamped_counts(&text, name).map_err(|problem| ProblemAt::field("data", problem))?;
        let unknown = || ProblemAt::field("peak", Problem::UnknownRow { row: peak.to_owned() });
        let position = rows.iter().position(|(stamp, _)| *stamp == peak).ok_or_else(unknown)?;
        let top = rows[position].1;
        if top <= 0.0 {
            return Err(ProblemAt::field("peak", Problem::NoPeak { row: peak.to_owned() }));
        }
        let begin = i128::from(self.peak_at.unwrap_or_default().as_nanos());
        let hold = i128::from(self.peak_hold.unwrap_or_default().as_nanos());
        let mut points = Vec::new();
        for (index, (_, count)) in rows.iter().enumerate() {
            let rows_away = index as i128 - position as i128;
            let mut at = begin + rows_away * i128::from(interval);
            if index > position {
                at += hold;
            }
            let per_second = peak_rate * count / top;
            points.push((at, per_second));
            if index == position && hold > 0 {
                points.push((at + hold, per_second));
            }
        }
        // Rows before the start matter only as the left end of the piece that reaches into the run.
        let first = points.iter().rposition(|point| point.0 <= 0).unwrap_or(0);
        let mut points: Vec<(i128, f64)> = points.split_off(first);
        if let [(before, low), (after, high), ..] = points[..]
            && before < 0
        {
            let share = (0 - before) as f64 / (after - before) as f64;
            points[0] = (0, low + (high - low) * share);
        }
        let point = |(at, per_second): (i128, f64)| {
            let at = Time::from_nanos(u64::try_from(at.max(0)).unwrap_or(u64::MAX));
            RatePoint { at, per_second }
        };
        RateCurve::new(points.into_iter().map(point).collect())
            .map_err(|error| ProblemAt::field("data", Problem::Curve(error)))
    }

    /// Refuses what no fleet of this capacity is asked in earnest.
    pub(super) fn check_peak(
        &self,
        curve: &RateCurve,
        capacity: f64,
        path: &Path,
    ) -> Result<(), ScenarioError> {
        let most = libm::ceil(OVERLOAD_MAX * capacity);
        if curve.peak() <= most {
            return Ok(());
        }
        let too_fast = |point: &RatePointFile| point.rate.per_second(capacity) > most;
        let here = match self.kind {
            RateKind::Constant | RateKind::Sine => path.key("rate"),
            RateKind::Csv => path.key("peakRate"),
            RateKind::Points => {
                let index = self.points.iter().position(too_fast).unwrap_or_default();
                path.key("points").index(index).key("rate")
            }
        };
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "saturation is meant")]
        let most_per_s = most as u64;
        Err(here.error(Problem::TooFast { most_per_s }))
    }

    fn check_fields(&self) -> Result<(), ProblemAt> {
        let given = [
            ("rate", self.rate.is_some()),
            ("swing", self.swing.is_some()),
            ("period", self.period.is_some()),
            ("points", !self.points.is_empty()),
            ("data", self.data.is_some()),
            ("interval", self.interval.is_some()),
            ("peak", self.peak.is_some()),
            ("peakAt", self.peak_at.is_some()),
            ("peakHold", self.peak_hold.is_some()),
            ("peakRate", self.peak_rate.is_some()),
        ];
        let right = self.kind.fields();
        match given.iter().find(|(name, is_given)| *is_given && !right.contains(name)) {
            None => Ok(()),
            Some(&(name, _)) => {
                Err(ProblemAt::field(name, Problem::NotAParameter { kind: self.kind.name(), right }))
            }
        }
    }
}

impl RateKind {
    const fn fields(self) -> &'static [&'static str] {
        match self {
            Self::Constant => &["rate"],
            Self::Csv => &["data", "interval", "peak", "peakAt", "peakHold", "peakRate"],
            Self::Points => &["points"],
            Self::Sine => &["rate", "swing", "period"],
        }
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Constant => "constant",
            Self::Csv => "csv",
            Self::Points => "points",
            Self::Sine => "sine",
        }
    }
}

/// A peak may be so many times what the fleet can serve. A few times as much is an overload worth
/// looking at; at twenty times it nearly everything fails, and a slip of the pen is more likely.
const OVERLOAD_MAX: f64 = 20.0;

/// A rate is needed and not given.
const MISSING_RATE: ProblemAt = ProblemAt::field("rate", Problem::Missing);
/// Straight pieces per wave.
const WAVE_STEPS: u64 = 240;
/// Waves that are drawn; after them the rate stays at the mean.
const WAVES_MAX: u64 = 400;

#[cfg(test)]
mod tests;
