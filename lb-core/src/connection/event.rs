//! What became of flows that the table dropped by itself.
//!
//! The owner may want to know (a simulator counts broken connections by
//! cause); it need not. So the queue is short and forgets its oldest event
//! first, and counters tell the whole truth.

use alloc::collections::VecDeque;

use super::key::ConnectionKey;
use crate::identity::BackendId;

/// A flow that the table dropped by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ConnectionEvent {
    /// The flow.
    pub key: ConnectionKey,
    /// The backend it was on.
    pub backend: BackendId,
    /// Why it is gone.
    pub cause: Cause,
}

/// Why the table dropped a flow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Cause {
    /// It was the oldest unproven flow when a new one needed its place.
    Evicted,
    /// It was silent for its state's timeout.
    Expired,
}

/// What a table did since it was made; nothing here is ever reset.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ConnectionCounters {
    /// Flows entered.
    pub inserted: u64,
    /// Flows dropped because they were silent for too long.
    pub expired: u64,
    /// Unproven flows dropped to make room.
    pub evicted: u64,
    /// Events nobody fetched in time.
    pub events_lost: u64,
}

/// A queue of at most [`EventQueue::LIMIT`] events that forgets the oldest.
#[derive(Clone, Debug, Default)]
pub(super) struct EventQueue {
    events: VecDeque<ConnectionEvent>,
}

impl EventQueue {
    /// Enough for the expiries of one sweep; 40 KiB when full.
    pub(super) const LIMIT: usize = 1024;

    /// Appends an event; true if the oldest had to go for it.
    pub(super) fn push(&mut self, event: ConnectionEvent) -> bool {
        let full = self.events.len() == Self::LIMIT;
        if full {
            self.events.pop_front();
        }
        self.events.push_back(event);
        full
    }

    pub(super) fn pop(&mut self) -> Option<ConnectionEvent> {
        self.events.pop_front()
    }

    pub(super) fn backends(&self) -> impl Iterator<Item = BackendId> {
        self.events.iter().map(|event| event.backend)
    }

    pub(super) fn memory_bytes(&self) -> usize {
        self.events.capacity() * size_of::<ConnectionEvent>()
    }
}
