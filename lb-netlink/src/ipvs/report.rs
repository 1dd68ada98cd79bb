//! What clients give back: a batch's outcome, and a service with its destinations.

use super::error::Refused;
use super::{ListedDestination, ListedService};

/// What became of a batch of commands.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Report {
    /// How many commands the kernel has seen, the first so many of the batch: all, unless a failure stopped it.
    pub executed: usize,
    /// Those that it refused, in order.
    pub failures: Vec<Failure>,
    /// How many round trips that took.
    pub round_trips: usize,
}

/// A command of a batch that was refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// Its place in the batch.
    pub index: usize,
    /// What was refused, and why.
    pub refused: Refused,
}

/// A service and its destinations, as the kernel has them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServiceTable {
    /// The service.
    pub service: ListedService,
    /// Its destinations in the kernel's order: the one that was **added last comes first**.
    pub destinations: Vec<ListedDestination>,
}

impl Report {
    /// Whether every one of so many commands was executed and none refused.
    #[must_use]
    pub const fn is_complete(&self, commands: usize) -> bool {
        self.executed == commands && self.failures.is_empty()
    }
}
