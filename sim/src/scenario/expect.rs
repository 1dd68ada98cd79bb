//! What a scenario expects at the end: one comparison per line.
//!
//! `METRIC [/ METRIC] COMPARISON VALUE`, where a metric is a path into the JSON
//! of `run` (`requests.failed`, `latency_ms.p99`, `requests.failed_by.timeout`,
//! `zones.slc-a.utilisation_max`; without a name the worst of all zones, the
//! slowest of all shifts), and the value carries its unit: `99.9%`, `250ms`,
//! `1000`. A metric that has no value (a shift that never happened) fails.

use core::fmt;
use core::str::FromStr;

use lb_core::config::units::{HumanDuration, Share};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::nearest;
use crate::model::Cause;
use crate::run::RunResult;

/// One expectation, as written and as understood.
///
/// ```
/// use sim::scenario::Expectation;
///
/// let expectation: Expectation = "requests.failed / requests.total <= 0.5%".parse()?;
/// assert_eq!(expectation.to_string(), "requests.failed / requests.total <= 0.5%");
/// assert!("availability > fast".parse::<Expectation>().is_err());
/// # Ok::<(), sim::scenario::ExpectationError>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Expectation {
    text: String,
    metric: Metric,
    divisor: Option<Metric>,
    comparison: Comparison,
    limit: f64,
}

/// An expectation and what was measured.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ExpectationResult {
    /// The expectation as written.
    pub text: String,
    /// Whether it held.
    pub pass: bool,
    /// What was measured, in `unit`; `None` if there was nothing to measure.
    pub measured: Option<f64>,
    /// `fraction`, `ms`, `s` or `count`.
    pub unit: &'static str,
}

/// Why a text is no expectation.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ExpectationError {
    /// There is no comparison.
    #[error("no comparison; write METRIC <= VALUE, with one of <= < == >= >")]
    NoComparison,
    /// The metric is none that a run has.
    #[error("`{name}` is no metric; did you mean `{nearest}`?")]
    UnknownMetric {
        /// As written.
        name: String,
        /// The known metric with the nearest name.
        nearest: &'static str,
    },
    /// Two metrics of different units are divided.
    #[error("`{dividend}` and `{divisor}` have different units; divide like by like")]
    Units {
        /// The first metric.
        dividend: String,
        /// The second.
        divisor: String,
    },
    /// The value does not fit the metric.
    #[error("`{value}` does not compare with this metric; write {right}")]
    Value {
        /// As written.
        value: String,
        /// What would be right.
        right: &'static str,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Comparison {
    AtLeast,
    AtMost,
    Equal,
    Greater,
    Less,
}

/// Longest first, so that `<=` is not read as `<`.
const COMPARISONS: [(&str, Comparison); 5] = [
    ("<=", Comparison::AtMost),
    (">=", Comparison::AtLeast),
    ("==", Comparison::Equal),
    ("<", Comparison::Less),
    (">", Comparison::Greater),
];

#[derive(Clone, Debug, PartialEq, Eq)]
struct Metric {
    quantity: Quantity,
    /// The cause of a `_by` metric, the zone of a zone's.
    part: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Quantity {
    Availability,
    ConnectionsBroken,
    ConnectionsBrokenBy,
    ConnectionsClosed,
    ConnectionsOpened,
    LatencyMean,
    LatencyP50,
    LatencyP90,
    LatencyP99,
    LatencyP999,
    RequestsFailed,
    RequestsFailedBy,
    RequestsOk,
    RequestsRetried,
    RequestsTotal,
    ShiftDetected,
    ShiftT50,
    ShiftT99,
    ZoneRequests,
    ZoneUtilisation,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Unit {
    Count,
    Fraction,
    Milliseconds,
    Seconds,
}

/// Every metric: its name, what it is, and its unit.
const METRICS: [(&str, Quantity, Unit); 20] = [
    ("availability", Quantity::Availability, Unit::Fraction),
    ("connections.broken", Quantity::ConnectionsBroken, Unit::Count),
    ("connections.broken_by.CAUSE", Quantity::ConnectionsBrokenBy, Unit::Count),
    ("connections.closed", Quantity::ConnectionsClosed, Unit::Count),
    ("connections.opened", Quantity::ConnectionsOpened, Unit::Count),
    ("latency_ms.mean", Quantity::LatencyMean, Unit::Milliseconds),
    ("latency_ms.p50", Quantity::LatencyP50, Unit::Milliseconds),
    ("latency_ms.p90", Quantity::LatencyP90, Unit::Milliseconds),
    ("latency_ms.p99", Quantity::LatencyP99, Unit::Milliseconds),
    ("latency_ms.p999", Quantity::LatencyP999, Unit::Milliseconds),
    ("requests.failed", Quantity::RequestsFailed, Unit::Count),
    ("requests.failed_by.CAUSE", Quantity::RequestsFailedBy, Unit::Count),
    ("requests.ok", Quantity::RequestsOk, Unit::Count),
    ("requests.retried", Quantity::RequestsRetried, Unit::Count),
    ("requests.total", Quantity::RequestsTotal, Unit::Count),
    ("shifts.detected_s", Quantity::ShiftDetected, Unit::Seconds),
    ("shifts.t50_s", Quantity::ShiftT50, Unit::Seconds),
    ("shifts.t99_s", Quantity::ShiftT99, Unit::Seconds),
    ("zones.requests", Quantity::ZoneRequests, Unit::Count),
    ("zones.utilisation_max", Quantity::ZoneUtilisation, Unit::Fraction),
];

impl Expectation {
    /// Measures a run.
    #[must_use]
    pub fn check(&self, run: &RunResult) -> ExpectationResult {
        let measured = self.metric.measure(run).and_then(|value| match &self.divisor {
            None => Some(value),
            Some(divisor) => divisor.measure(run).filter(|&divisor| divisor > 0.0).map(|other| value / other),
        });
        let pass = measured.is_some_and(|measured| match self.comparison {
            Comparison::AtLeast => measured >= self.limit,
            Comparison::AtMost => measured <= self.limit,
            Comparison::Equal => (measured - self.limit).abs() < 1e-9,
            Comparison::Greater => measured > self.limit,
            Comparison::Less => measured < self.limit,
        });
        ExpectationResult { text: self.text.clone(), pass, measured, unit: self.unit().name() }
    }

    /// The zone that it speaks of, to be checked against the fleet.
    pub(super) fn zone(&self) -> Option<&str> {
        match self.metric.quantity {
            Quantity::ZoneRequests | Quantity::ZoneUtilisation => self.metric.part.as_deref(),
            _ => None,
        }
    }

    fn unit(&self) -> Unit {
        if self.divisor.is_some() { Unit::Fraction } else { self.metric.unit() }
    }
}

impl Metric {
    fn unit(&self) -> Unit {
        METRICS
            .iter()
            .find(|(_, quantity, _)| *quantity == self.quantity)
            .map(|(_, _, unit)| *unit)
            .expect("the table has every quantity")
    }

    #[allow(clippy::cast_precision_loss, reason = "counts stay far below 2^53")]
    fn measure(&self, run: &RunResult) -> Option<f64> {
        let shifts = |of: fn(&crate::run::Shift) -> Option<f64>| worst(run.shifts.iter().map(of));
        let zones = |of: fn(&crate::run::ZoneResult) -> f64| {
            let chosen =
                run.zones.iter().filter(|zone| self.part.as_ref().is_none_or(|part| *part == zone.zone));
            worst(chosen.map(|zone| Some(of(zone))))
        };
        let caused = |by: &std::collections::BTreeMap<String, u64>| {
            let cause = self.part.as_deref().unwrap_or_default();
            by.get(cause).copied().unwrap_or(0) as f64
        };
        match self.quantity {
            Quantity::Availability => run.availability,
            Quantity::ConnectionsBroken => Some(run.connections.broken as f64),
            Quantity::ConnectionsBrokenBy => Some(caused(&run.connections.broken_by)),
            Quantity::ConnectionsClosed => Some(run.connections.closed as f64),
            Quantity::ConnectionsOpened => Some(run.connections.opened as f64),
            Quantity::LatencyMean => run.latency_ms.mean,
            Quantity::LatencyP50 => run.latency_ms.p50,
            Quantity::LatencyP90 => run.latency_ms.p90,
            Quantity::LatencyP99 => run.latency_ms.p99,
            Quantity::LatencyP999 => run.latency_ms.p999,
            Quantity::RequestsFailed => Some(run.requests.failed as f64),
            Quantity::RequestsFailedBy => Some(caused(&run.requests.failed_by)),
            Quantity::RequestsOk => Some(run.requests.ok as f64),
            Quantity::RequestsRetried => Some(run.requests.retried as f64),
            Quantity::RequestsTotal => Some(run.requests.total as f64),
            Quantity::ShiftDetected => shifts(|shift| shift.detected_s),
            Quantity::ShiftT50 => shifts(|shift| shift.t50_s),
            Quantity::ShiftT99 => shifts(|shift| shift.t99_s),
            Quantity::ZoneRequests => zones(|zone| zone.requests as f64),
            Quantity::ZoneUtilisation => zones(|zone| zone.utilisation_max),
        }
    }
}

/// The greatest; nothing if there is none, or one is nothing: that one is the worst of all.
fn worst(mut values: impl Iterator<Item = Option<f64>>) -> Option<f64> {
    let first = values.next()??;
    values.try_fold(first, |worst, value| Some(worst.max(value?)))
}

impl Unit {
    const fn name(self) -> &'static str {
        match self {
            Self::Count => "count",
            Self::Fraction => "fraction",
            Self::Milliseconds => "ms",
            Self::Seconds => "s",
        }
    }

    /// Reads a limit in this unit.
    #[allow(clippy::cast_precision_loss, reason = "limits stay far below 2^53")]
    fn limit(self, text: &str) -> Result<f64, ExpectationError> {
        let wrong = |right| ExpectationError::Value { value: text.to_owned(), right };
        let number = || text.parse::<f64>().ok().filter(|number| number.is_finite());
        match self {
            Self::Count => number().ok_or_else(|| wrong("a number such as 1000")),
            Self::Fraction => {
                let share = text.parse::<Share>().map(Share::fraction).ok();
                share
                    .or_else(number)
                    .ok_or_else(|| wrong("a share such as 99.9% or a fraction such as 0.999"))
            }
            Self::Milliseconds | Self::Seconds => {
                let scale = if self == Self::Seconds { 1e9 } else { 1e6 };
                let duration =
                    text.parse::<HumanDuration>().map_err(|_| wrong("a duration such as 250ms or 5s"));
                duration.map(|duration| duration.as_nanos() as f64 / scale)
            }
        }
    }
}

impl FromStr for Metric {
    type Err = ExpectationError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let exact = METRICS.iter().find(|(name, quantity, _)| *name == text && !quantity.has_cause());
        if let Some((_, quantity, _)) = exact {
            return Ok(Self { quantity: *quantity, part: None });
        }
        let unknown = |nearest| ExpectationError::UnknownMetric { name: text.to_owned(), nearest };
        for (name, quantity, _) in METRICS.iter().filter(|(_, quantity, _)| quantity.takes_part()) {
            let (before, after) = match quantity {
                Quantity::ZoneRequests => ("zones.", ".requests"),
                Quantity::ZoneUtilisation => ("zones.", ".utilisation_max"),
                _ => (name.trim_end_matches("CAUSE"), ""),
            };
            let part = text.strip_prefix(before).and_then(|rest| rest.strip_suffix(after));
            let Some(part) = part.filter(|part| !part.is_empty()) else { continue };
            let causes = Cause::ALL.map(Cause::name);
            if quantity.has_cause() && !causes.contains(&part) {
                return Err(unknown(nearest(part, causes.into_iter()).unwrap_or(name)));
            }
            return Ok(Self { quantity: *quantity, part: Some(part.to_owned()) });
        }
        let names = METRICS.iter().map(|(name, _, _)| *name);
        if let Some(name) = names.clone().find(|name| name.strip_suffix(".CAUSE") == Some(text)) {
            return Err(unknown(name));
        }
        Err(unknown(nearest(text, names).unwrap_or("availability")))
    }
}

impl Quantity {
    const fn has_cause(self) -> bool {
        matches!(self, Self::ConnectionsBrokenBy | Self::RequestsFailedBy)
    }

    const fn takes_part(self) -> bool {
        self.has_cause() || matches!(self, Self::ZoneRequests | Self::ZoneUtilisation)
    }
}

impl FromStr for Expectation {
    type Err = ExpectationError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (left, comparison, right) = COMPARISONS
            .iter()
            .find_map(|(sign, comparison)| {
                text.split_once(sign).map(|(left, right)| (left.trim(), *comparison, right.trim()))
            })
            .ok_or(ExpectationError::NoComparison)?;
        let (metric, divisor) = match left.split_once('/') {
            None => (left.parse::<Metric>()?, None),
            Some((dividend, divisor)) => {
                (dividend.trim().parse::<Metric>()?, Some(divisor.trim().parse::<Metric>()?))
            }
        };
        if let Some(divisor) = &divisor
            && divisor.unit() != metric.unit()
        {
            let (dividend, divisor) = left.split_once('/').unwrap_or((left, ""));
            return Err(ExpectationError::Units {
                dividend: dividend.trim().to_owned(),
                divisor: divisor.trim().to_owned(),
            });
        }
        let unit = if divisor.is_some() { Unit::Fraction } else { metric.unit() };
        let limit = unit.limit(right)?;
        Ok(Self { text: text.trim().to_owned(), metric, divisor, comparison, limit })
    }
}

impl fmt::Display for Expectation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl Serialize for Expectation {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.text)
    }
}

impl<'de> Deserialize<'de> for Expectation {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

impl JsonSchema for Expectation {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Expectation".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "type": "string",
            "description": "METRIC [/ METRIC] COMPARISON VALUE, such as `availability >= 99.9%`.",
            "pattern": "^.+(<=|>=|==|<|>).+$"
        })
    }
}

#[cfg(test)]
mod tests;
