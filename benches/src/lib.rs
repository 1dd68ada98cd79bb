//! What is measured: lb-core, mesh-model and sim beside their peers, each thing once.
//!
//! A [`Case`] prepares its data and gives a loop of one operation; the loop
//! checks its answers. Three users share the cases: the criterion benches in
//! `benches/`, the README's figures (`examples/figures.rs`) and the counts of
//! instructions (`examples/instructions.rs`). So a figure, its ratio to a peer
//! and its count are always of the same work.

pub mod connections;
pub mod fixtures;
pub mod harness;
pub mod instructions;
pub mod mesh;
pub mod movement;
pub mod node;
pub mod path;
pub mod queue;
pub mod simulated;
pub mod tables;

use std::time::{Duration, Instant};

/// Repeats one operation so many times and says how long that took.
pub type Work = Box<dyn FnMut(u64) -> Duration>;

/// One thing to measure.
#[derive(Clone, Copy, Debug)]
pub struct Case {
    /// Operation, dimensions and candidate, `lookup-13/maglev` for instance.
    pub name: &'static str,
    /// Makes the data, which is not measured, and the loop, which is.
    pub prepare: fn(Scale) -> Work,
}

/// How much data a case works on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scale {
    /// What the figures are of.
    Full,
    /// Enough to see that a case works, in a debug build too.
    Small,
    /// Ten times as much as the figures are of, where a case grows: to see how.
    Tenfold,
}

impl Case {
    /// A case of this name.
    #[must_use]
    pub const fn new(name: &'static str, prepare: fn(Scale) -> Work) -> Self {
        Self { name, prepare }
    }

    /// Nanoseconds for one operation, in the best of the rounds of so many
    /// operations that fit the budget, but of three at least.
    ///
    /// The best, because a busy machine can only make a round slower.
    #[must_use]
    pub fn best(&self, budget: Duration, operations: u32) -> f64 {
        self.best_at(Scale::Full, budget, operations)
    }

    /// The same on as much data as said.
    #[must_use]
    pub fn best_at(&self, scale: Scale, budget: Duration, operations: u32) -> f64 {
        let mut work = (self.prepare)(scale);
        let start = Instant::now();
        let rounds = (0..).take_while(|&round| round < 3 || start.elapsed() < budget);
        let best = rounds.map(|_| work(u64::from(operations))).min().unwrap_or_default();
        best.as_secs_f64() * 1e9 / f64::from(operations)
    }
}

impl Scale {
    /// How many flows: a million or so, always a power of two.
    #[must_use]
    pub const fn flows(self) -> u32 {
        match self {
            Self::Full | Self::Tenfold => 1 << 20,
            Self::Small => 1 << 8,
        }
    }

    /// One of two numbers.
    #[must_use]
    pub const fn pick(self, full: u32, small: u32) -> u32 {
        match self {
            Self::Full | Self::Tenfold => full,
            Self::Small => small,
        }
    }

    /// One of two numbers, the first of which grows.
    #[must_use]
    pub const fn grown(self, full: u32, small: u32) -> u32 {
        match self {
            Self::Full => full,
            Self::Small => small,
            Self::Tenfold => 10 * full,
        }
    }
}

/// How long something took.
pub fn timed(work: impl FnOnce()) -> Duration {
    let start = Instant::now();
    work();
    start.elapsed()
}
