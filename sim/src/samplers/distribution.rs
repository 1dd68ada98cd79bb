//! A distribution as a scenario writes it, checked, with what sampling needs computed once.

use core::time::Duration;
use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Deserialize, Serialize};

use super::empirical::{EmpiricalCdf, EmpiricalError};
use super::normal::normal_quantile;
use super::quantity::{Bytes, Nanoseconds, Quantity};
use crate::random::Stream;

/// A distribution as it is written: `{ exponential: { mean: 5ms } }`, `{ constant: 10kB }`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase", deny_unknown_fields)]
pub enum DistributionText<Q> {
    /// Always the same value.
    Constant(Q),
    /// A measured distribution: (value, share of all that are at most this large), linear in between.
    Empirical(Vec<(Q, f64)>),
    /// Memoryless.
    Exponential {
        /// The mean, above zero.
        mean: Q,
    },
    /// A mixture of two exponentials of equal load: more variable than one exponential.
    Hyperexponential {
        /// The mean, above zero.
        mean: Q,
        /// Variance over squared mean, at least 1.
        scv: f64,
    },
    /// The logarithm is normal: response times, sizes.
    Lognormal {
        /// The mean, above zero.
        mean: Q,
        /// Variance over squared mean, above zero.
        scv: f64,
    },
    /// The lognormal distribution with two given quantiles.
    LognormalQuantiles {
        /// Half of all are below, above zero.
        p50: Q,
        /// 99 % of all are below, above `p50`.
        p99: Q,
    },
    /// A power law: heavy tails.
    Pareto {
        /// The smallest value, above zero.
        min: Q,
        /// The exponent of the tail, above zero; up to 1 the mean is infinite unless `max` is given.
        shape: f64,
        /// The largest value, above `min`; without it there is none.
        #[serde(skip_serializing_if = "Option::is_none")]
        max: Option<Q>,
    },
    /// Every value between two with the same chance.
    Uniform {
        /// The smallest value.
        min: Q,
        /// The largest value, at least `min`.
        max: Q,
    },
}

/// Why a distribution's parameters make none.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DistributionError {
    /// The points of a measured distribution are wrong.
    #[error(transparent)]
    Empirical(#[from] EmpiricalError),
    /// A parameter is outside of its range.
    #[error("`{parameter}` must be {range}")]
    Range {
        /// The parameter as written.
        parameter: &'static str,
        /// What is allowed.
        range: &'static str,
    },
}

/// A distribution over a quantity: [`Nanoseconds`], [`Bytes`] or a bare number.
///
/// ```
/// use sim::random::Seed;
/// use sim::samplers::{Distribution, DistributionText, Nanoseconds};
///
/// let text = DistributionText::Exponential { mean: Nanoseconds(5e6) };
/// let service_time = Distribution::new(text)?;
/// let mut stream = Seed(1).stream("gateway/1", "service-time");
/// let total: f64 = (0..10_000).map(|_| service_time.sample(&mut stream).0).sum();
/// assert!((total / 10_000.0 / 5e6 - 1.0).abs() < 0.05);
/// assert_eq!(service_time.scv(), 1.0);
/// # Ok::<(), sim::samplers::DistributionError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(
    try_from = "DistributionText<Q>",
    into = "DistributionText<Q>",
    bound(deserialize = "Q: Quantity + Deserialize<'de>", serialize = "Q: Quantity + Serialize")
)]
pub struct Distribution<Q: Quantity> {
    text: DistributionText<Q>,
    shape: Shape,
}

/// What sampling needs, in base units.
#[derive(Clone, Debug, PartialEq)]
enum Shape {
    Constant {
        value: f64,
    },
    Empirical(EmpiricalCdf),
    Exponential {
        mean: f64,
    },
    Hyperexponential {
        first_share: f64,
        first_mean: f64,
        second_mean: f64,
    },
    Lognormal {
        mu: f64,
        sigma: f64,
    },
    /// `cut` is 1 - (min / max)^shape, 1 if unbounded.
    Pareto {
        min: f64,
        shape: f64,
        max: f64,
        cut: f64,
    },
    Uniform {
        min: f64,
        width: f64,
    },
}

impl<Q: Quantity> Distribution<Q> {
    /// Checks the parameters.
    ///
    /// # Errors
    ///
    /// [`DistributionError`] names the parameter that is out of range.
    pub fn new(text: DistributionText<Q>) -> Result<Self, DistributionError> {
        let shape = Shape::new(&text)?;
        Ok(Self { text, shape })
    }

    /// As it is written.
    #[must_use]
    pub fn text(&self) -> &DistributionText<Q> {
        &self.text
    }

    /// Draws one value; takes exactly one number from the stream (none if constant).
    #[must_use]
    pub fn sample(&self, stream: &mut Stream) -> Q {
        Q::from_base(self.shape.sample(stream))
    }

    /// The mean, infinite for an unbounded Pareto of shape 1 or less.
    #[must_use]
    pub fn mean(&self) -> Q {
        Q::from_base(self.shape.moments().0)
    }

    /// The squared coefficient of variation: variance over squared mean; 0 for a constant.
    #[must_use]
    pub fn scv(&self) -> f64 {
        let (mean, second) = self.shape.moments();
        match &self.shape {
            Shape::Constant { .. } => 0.0,
            Shape::Exponential { .. } => 1.0,
            Shape::Empirical(_)
            | Shape::Hyperexponential { .. }
            | Shape::Lognormal { .. }
            | Shape::Pareto { .. }
            | Shape::Uniform { .. } => {
                if second.is_infinite() {
                    f64::INFINITY
                } else {
                    (second / (mean * mean) - 1.0).max(0.0)
                }
            }
        }
    }

    /// A constant; no parameter of it can be wrong.
    #[must_use]
    pub fn constant(value: Q) -> Self {
        Self { text: DistributionText::Constant(value), shape: Shape::Constant { value: value.base() } }
    }
}

impl Distribution<Nanoseconds> {
    /// Draws one duration, rounded to the nearest nanosecond.
    #[must_use]
    pub fn sample_duration(&self, stream: &mut Stream) -> Duration {
        self.sample(stream).to_duration()
    }
}

impl Distribution<Bytes> {
    /// Draws one size, rounded to the nearest byte.
    #[must_use]
    pub fn sample_bytes(&self, stream: &mut Stream) -> u64 {
        self.sample(stream).to_bytes()
    }
}

impl<Q: Quantity> TryFrom<DistributionText<Q>> for Distribution<Q> {
    type Error = DistributionError;

    fn try_from(text: DistributionText<Q>) -> Result<Self, DistributionError> {
        Self::new(text)
    }
}

impl<Q: Quantity> From<Distribution<Q>> for DistributionText<Q> {
    fn from(distribution: Distribution<Q>) -> Self {
        distribution.text
    }
}

impl<Q: Quantity + JsonSchema> JsonSchema for Distribution<Q> {
    fn schema_name() -> Cow<'static, str> {
        format!("DistributionOf{}", Q::schema_name()).into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        DistributionText::<Q>::json_schema(generator)
    }
}

impl Shape {
    fn new<Q: Quantity>(text: &DistributionText<Q>) -> Result<Self, DistributionError> {
        Ok(match text {
            DistributionText::Constant(value) => {
                Self::Constant { value: at_least_zero("constant", value.base())? }
            }
            DistributionText::Empirical(points) => {
                let points = points.iter().map(|(value, share)| (value.base(), *share)).collect();
                Self::Empirical(EmpiricalCdf::new(points)?)
            }
            DistributionText::Exponential { mean } => {
                Self::Exponential { mean: above_zero("mean", mean.base())? }
            }
            DistributionText::Hyperexponential { mean, scv } => {
                let mean = above_zero("mean", mean.base())?;
                check("scv", "at least 1", *scv >= 1.0 && scv.is_finite())?;
                // "Balanced means": both phases carry half of the load.
                let first_share = 0.5 * (1.0 + libm::sqrt((scv - 1.0) / (scv + 1.0)));
                let first_mean = mean / (2.0 * first_share);
                Self::Hyperexponential {
                    first_share,
                    first_mean,
                    second_mean: mean / (2.0 * (1.0 - first_share)),
                }
            }
            DistributionText::Lognormal { mean, scv } => {
                let mean = above_zero("mean", mean.base())?;
                let variance = libm::log1p(above_zero("scv", *scv)?);
                Self::Lognormal { mu: libm::log(mean) - variance / 2.0, sigma: libm::sqrt(variance) }
            }
            DistributionText::LognormalQuantiles { p50, p99 } => {
                let median = above_zero("p50", p50.base())?;
                check("p99", "above `p50`", p99.base() > median && p99.base().is_finite())?;
                let mu = libm::log(median);
                Self::Lognormal { mu, sigma: (libm::log(p99.base()) - mu) / normal_quantile(0.99) }
            }
            DistributionText::Pareto { min, shape, max } => {
                let min = above_zero("min", min.base())?;
                let shape = above_zero("shape", *shape)?;
                let max = max.map_or(f64::INFINITY, Q::base);
                check("max", "above `min`", max > min)?;
                Self::Pareto { min, shape, max, cut: 1.0 - libm::pow(min / max, shape) }
            }
            DistributionText::Uniform { min, max } => {
                let min = at_least_zero("min", min.base())?;
                check("max", "at least `min`", max.base() >= min && max.base().is_finite())?;
                Self::Uniform { min, width: max.base() - min }
            }
        })
    }

    fn sample(&self, stream: &mut Stream) -> f64 {
        match self {
            Self::Constant { value } => *value,
            Self::Empirical(cdf) => cdf.quantile(stream.unit()),
            Self::Exponential { mean } => -mean * libm::log(stream.open_unit()),
            Self::Hyperexponential { first_share, first_mean, second_mean } => {
                let unit = stream.open_unit();
                // The number that chose the phase is uniform again inside the phase's share.
                if unit < *first_share {
                    -first_mean * libm::log(unit / first_share)
                } else {
                    let rest = (unit - first_share) / (1.0 - first_share);
                    -second_mean * libm::log(rest.max(f64::EPSILON / 4.0))
                }
            }
            Self::Lognormal { mu, sigma } => libm::exp(mu + sigma * normal_quantile(stream.open_unit())),
            Self::Pareto { min, shape, cut, .. } => min * libm::pow(1.0 - stream.unit() * cut, -1.0 / shape),
            Self::Uniform { min, width } => min + width * stream.unit(),
        }
    }

    /// The first two moments; either may be infinite.
    fn moments(&self) -> (f64, f64) {
        match self {
            Self::Constant { value } => (*value, value * value),
            Self::Empirical(cdf) => (cdf.mean(), cdf.second_moment()),
            Self::Exponential { mean } => (*mean, 2.0 * mean * mean),
            Self::Hyperexponential { first_share, first_mean, second_mean } => {
                let second_share = 1.0 - first_share;
                let mean = first_share * first_mean + second_share * second_mean;
                let squares =
                    first_share * first_mean * first_mean + second_share * second_mean * second_mean;
                (mean, 2.0 * squares)
            }
            Self::Lognormal { mu, sigma } => {
                let variance = sigma * sigma;
                (libm::exp(mu + variance / 2.0), libm::exp(2.0 * (mu + variance)))
            }
            Self::Pareto { min, shape, max, cut } => {
                let moment = |order: f64| pareto_moment(*min, *shape, *max, *cut, order);
                (moment(1.0), moment(2.0))
            }
            Self::Uniform { min, width } => {
                let mean = min + width / 2.0;
                (mean, mean * mean + width * width / 12.0)
            }
        }
    }
}

/// The moment of the given order of a Pareto distribution cut at `max`.
fn pareto_moment(min: f64, shape: f64, max: f64, cut: f64, order: f64) -> f64 {
    if max.is_infinite() {
        let finite = shape > order;
        return if finite { shape * libm::pow(min, order) / (shape - order) } else { f64::INFINITY };
    }
    let scale = shape * libm::pow(min, shape) / cut;
    // At shape = order the integral is a logarithm; the neighbouring formula would lose all digits.
    if (shape - order).abs() < 1e-9 {
        return scale * libm::log(max / min);
    }
    scale * (libm::pow(min, order - shape) - libm::pow(max, order - shape)) / (shape - order)
}

fn check(parameter: &'static str, range: &'static str, holds: bool) -> Result<(), DistributionError> {
    if holds { Ok(()) } else { Err(DistributionError::Range { parameter, range }) }
}

fn above_zero(parameter: &'static str, value: f64) -> Result<f64, DistributionError> {
    check(parameter, "above zero and finite", value > 0.0 && value.is_finite()).map(|()| value)
}

fn at_least_zero(parameter: &'static str, value: f64) -> Result<f64, DistributionError> {
    check(parameter, "zero or more and finite", value >= 0.0 && value.is_finite()).map(|()| value)
}
