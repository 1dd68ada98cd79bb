//! Whether the simulator tells the truth: closed forms and published figures.
//!
//! Each check runs the code that a simulation runs (stations on the engine,
//! routers, resolver caches, retries, lb-core's tables and health machines) in
//! a set-up whose answer is known, and compares. A mean over independent runs
//! passes if the reference lies in its 99 % confidence interval *and* the error
//! is within a tolerance: the first alone passes for noise, the second alone
//! for luck. The seeds are fixed, so the outcome is too; with other seeds one
//! check in a hundred would miss its interval by chance.

mod closed_forms;
mod failover;
mod hashing;
mod queueing;
mod spreading;
mod stations;

use core::fmt;

use serde::Serialize;

use crate::random::Seed;
use crate::statistics::{Interval, Summary};

pub use closed_forms::{erlang_b, erlang_c};

/// One comparison with a reference.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Check {
    /// The reference's number, such as `Q1`; several checks may share one.
    pub id: &'static str,
    /// What was compared.
    pub what: String,
    /// Where the expected value comes from.
    pub source: &'static str,
    /// What is expected.
    pub expected: Expected,
    /// What the simulator gave: a mean over runs, or a count.
    pub got: f64,
    /// The 99 % confidence interval of `got`, where it is a mean over runs.
    pub interval: Option<Interval>,
    /// Whether they agree.
    pub pass: bool,
}

/// What a check expects.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case", tag = "relation")]
pub enum Expected {
    /// Not more than a published figure, and not less than the ideal: ours may be better than the paper's.
    Between {
        /// The ideal.
        low: f64,
        /// The published figure.
        high: f64,
    },
    /// Exactly this: a count, or an identity.
    Exactly {
        /// The value.
        value: f64,
    },
    /// This within a tolerance, and within the confidence interval where there is one.
    Near {
        /// The value.
        value: f64,
        /// Half a unit of the last digit of a published value; 0 for a closed form.
        rounding: f64,
        /// Relative error that is allowed.
        tolerance: f64,
    },
}

impl fmt::Display for Expected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Between { low, high } => write!(f, "{low:.6} to {high:.6}"),
            Self::Exactly { value } => write!(f, "exactly {value}"),
            Self::Near { value, tolerance, .. } => write!(f, "{value:.6} +-{:.1} %", tolerance * 100.0),
        }
    }
}

impl Check {
    fn exactly(id: &'static str, what: String, source: &'static str, value: f64, got: f64) -> Self {
        #[allow(clippy::float_cmp, reason = "counts and identities are exact")]
        let pass = got == value;
        Self { id, what, source, expected: Expected::Exactly { value }, got, interval: None, pass }
    }

    /// Compares the mean over runs with a reference.
    fn of_runs(
        id: &'static str,
        what: String,
        source: &'static str,
        expected: Expected,
        runs: &Summary,
    ) -> Self {
        let interval = runs.confidence(CONFIDENCE);
        let pass = expected.agrees(runs.mean(), interval);
        Self { id, what, source, expected, got: runs.mean(), interval: Some(interval), pass }
    }
}

impl Expected {
    const fn near(value: f64, tolerance: f64) -> Self {
        Self::Near { value, rounding: 0.0, tolerance }
    }

    fn agrees(&self, got: f64, interval: Interval) -> bool {
        match *self {
            Self::Between { low, high } => interval.high >= low && interval.low <= high,
            #[allow(clippy::float_cmp, reason = "exact means exact")]
            Self::Exactly { value } => got == value,
            Self::Near { value, rounding, tolerance } => {
                let wide = Interval { low: interval.low - rounding, high: interval.high + rounding };
                wide.contains(value) && (got - value).abs() <= tolerance * value.abs() + rounding
            }
        }
    }
}

const CONFIDENCE: f64 = 0.99;

/// How much work is put in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Effort {
    /// Independent runs of each check; at least 20 for an interval worth its name.
    pub runs: u32,
    /// Length of a run in a thousandth of the full one.
    pub length_permille: u32,
    /// Leaves out what only repeats another check at a larger size.
    pub essential: bool,
}

impl Effort {
    /// Everything: under a minute on one core of a release build.
    pub const FULL: Self = Self { runs: 20, length_permille: 1000, essential: false };
    /// One or two checks of each kind, for a debug build.
    pub const QUICK: Self = Self { runs: 20, length_permille: 20, essential: true };

    fn length(self, full: u64) -> u64 {
        (full * u64::from(self.length_permille)).div_ceil(1000)
    }

    /// The mean of a measurement over runs with independent seeds.
    fn summary(self, name: &str, mut measure: impl FnMut(Seed) -> f64) -> Summary {
        self.seeds(name).map(&mut measure).collect()
    }

    fn seeds(self, name: &str) -> impl Iterator<Item = Seed> + use<> {
        let seed = Seed(BASE_SEED).fork(name);
        (0..u64::from(self.runs)).map(move |run| seed.fork_index(run))
    }
}

/// Where all seeds come from; any other number would do.
const BASE_SEED: u64 = 20_260_101;

/// How far a validation is.
#[derive(Clone, Copy, Debug)]
pub struct Progress<'a> {
    /// Groups of checks that are done.
    pub done: usize,
    /// Groups there are.
    pub total: usize,
    /// The checks of the group that was done last.
    pub checks: &'a [Check],
}

/// All checks with full effort.
#[must_use]
pub fn all() -> Vec<Check> {
    run(Effort::FULL, &mut |_| {})
}

/// Runs every check; `progress` is called after each group.
///
/// ```no_run
/// use sim::validate::{Effort, run};
///
/// let checks = run(Effort::FULL, &mut |progress| eprintln!("{}/{}", progress.done, progress.total));
/// assert!(checks.iter().all(|check| check.pass));
/// ```
pub fn run(effort: Effort, progress: &mut dyn FnMut(Progress<'_>)) -> Vec<Check> {
    let groups = groups();
    let mut all = Vec::new();
    for (index, group) in groups.iter().enumerate() {
        let checks = group(effort);
        progress(Progress { done: index + 1, total: groups.len(), checks: &checks });
        all.extend(checks);
    }
    all
}

/// How many groups of checks there are.
#[must_use]
pub fn group_count() -> usize {
    groups().len()
}

type Group = fn(Effort) -> Vec<Check>;

fn groups() -> Vec<Group> {
    vec![
        queueing::single_server,
        queueing::erlang_c,
        queueing::erlang_b,
        queueing::general_service,
        queueing::processor_sharing,
        queueing::littles_law,
        hashing::balance,
        hashing::rendezvous,
        hashing::disruption,
        hashing::small_pools,
        hashing::modulo,
        spreading::equal_flows,
        spreading::polarisation,
        spreading::node_death,
        spreading::node_death_and_change,
        failover::zone_loss,
        failover::detection,
        failover::dns_drain,
        failover::retries,
    ]
}

#[cfg(test)]
mod tests;
