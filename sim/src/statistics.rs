//! What is measured in a run, and how sure a mean over runs is.
//!
//! Everything in a run is counted in integers, so that merging is exact and the
//! order of merging is irrelevant; floating point begins where numbers are read
//! off. [`Summary`] and [`student_t_quantile`] are for the numbers of many runs.

mod counters;
mod latencies;
mod student;
mod summary;

pub use counters::{LittlesLaw, Series, TimeWeighted};
pub use latencies::Latencies;
pub use student::student_t_quantile;
pub use summary::{Interval, Summary};

#[cfg(test)]
mod tests;
