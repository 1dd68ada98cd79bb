//! The table's books: flows per backend, counters, events.

use alloc::vec::Vec;

use super::event::{Cause, ConnectionCounters, ConnectionEvent, EventQueue};
use super::key::ConnectionKey;
use crate::identity::BackendId;

/// How many flows a backend has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct BackendConnections {
    /// Flows not on their way out ([`State::is_active`](super::State::is_active)).
    pub active: u32,
    /// The other flows: closing or closed.
    pub inactive: u32,
    /// Of both, those not yet proven.
    pub unproven: u32,
}

impl BackendConnections {
    /// All flows.
    #[must_use]
    pub const fn total(&self) -> u32 {
        self.active + self.inactive
    }
}

/// A flow as the books see it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Standing {
    pub(super) backend: BackendId,
    pub(super) active: bool,
    pub(super) proven: bool,
}

/// A flow that left the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Gone {
    pub(super) key: ConnectionKey,
    pub(super) standing: Standing,
}

/// Everything that is counted.
#[derive(Clone, Debug)]
pub(super) struct Ledger {
    /// By backend id: ids are small and dense.
    backends: Vec<BackendConnections>,
    pub(super) counters: ConnectionCounters,
    pub(super) events: EventQueue,
    /// Flows in the table, both families.
    pub(super) flows: u32,
    /// Of these, the unproven.
    pub(super) unproven: u32,
    /// How many flows may be proven at once.
    most_proven: u32,
}

impl Ledger {
    /// Empty books of a table in which so many flows may be proven.
    pub(super) fn new(most_proven: u32) -> Self {
        Self {
            backends: Vec::new(),
            counters: ConnectionCounters::default(),
            events: EventQueue::default(),
            flows: 0,
            unproven: 0,
            most_proven,
        }
    }

    /// Whether one more flow may be proven.
    pub(super) const fn may_prove(&self) -> bool {
        self.flows - self.unproven < self.most_proven
    }

    pub(super) fn of(&self, backend: BackendId) -> BackendConnections {
        self.backends.get(backend.0 as usize).copied().unwrap_or_default()
    }

    /// A flow came in.
    pub(super) fn enter(&mut self, standing: Standing) {
        self.counters.inserted += 1;
        self.flows += 1;
        self.add(standing);
    }

    /// A flow changed its state, backend or proof.
    pub(super) fn change(&mut self, before: Standing, after: Standing) {
        self.subtract(before);
        self.add(after);
    }

    /// A flow left by its owner's word.
    pub(super) fn leave(&mut self, gone: &Gone) {
        self.flows -= 1;
        self.subtract(gone.standing);
    }

    /// A flow left by the table's own rule.
    pub(super) fn drop_flow(&mut self, gone: &Gone, cause: Cause) {
        self.leave(gone);
        match cause {
            Cause::Evicted => self.counters.evicted += 1,
            Cause::Expired => self.counters.expired += 1,
        }
        let event = ConnectionEvent { key: gone.key, backend: gone.standing.backend, cause };
        self.counters.events_lost += u64::from(self.events.push(event));
    }

    pub(super) fn memory_bytes(&self) -> usize {
        self.backends.capacity() * size_of::<BackendConnections>() + self.events.memory_bytes()
    }

    fn add(&mut self, standing: Standing) {
        let index = standing.backend.0 as usize;
        if index >= self.backends.len() {
            self.backends.resize(index + 1, BackendConnections::default());
        }
        let backend = &mut self.backends[index];
        if standing.active {
            backend.active += 1;
        } else {
            backend.inactive += 1;
        }
        backend.unproven += u32::from(!standing.proven);
        self.unproven += u32::from(!standing.proven);
    }

    fn subtract(&mut self, standing: Standing) {
        let backend = &mut self.backends[standing.backend.0 as usize];
        if standing.active {
            backend.active -= 1;
        } else {
            backend.inactive -= 1;
        }
        backend.unproven -= u32::from(!standing.proven);
        self.unproven -= u32::from(!standing.proven);
    }
}
