//! Random shapes: what is drawn from a [`Stream`](crate::random::Stream).
//!
//! All of them are ours, on `libm`: the platform's `ln` and `exp` differ in the
//! last bit between machines, and a library's samplers may change with a
//! feature flag of some other crate. Each draw takes exactly one number from
//! the stream where the shape allows it (inversion), so two runs that differ in
//! a parameter stay aligned. Golden bit patterns in the tests fix the results.
//!
//! [`Distribution`] is a shape as a scenario file writes it, over a quantity
//! with a unit; [`RateCurve`] and [`PoissonArrivals`] give arrivals whose rate
//! changes with time.

mod arrivals;
mod distribution;
mod empirical;
mod normal;
mod quantity;

pub use arrivals::{PoissonArrivals, RateCurve, RateCurveError, RatePoint};
pub use distribution::{Distribution, DistributionError, DistributionText};
pub use empirical::{EmpiricalCdf, EmpiricalError};
pub use normal::{normal_cdf, normal_quantile};
pub use quantity::{Bytes, Nanoseconds, Quantity};

#[cfg(test)]
mod tests;
