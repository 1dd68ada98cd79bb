//! The clock and the agenda of a run: what happens next, in an order that is total.
//!
//! Events are ordered by (time, [`Class`], sequence). Time is integer
//! nanoseconds; the class settles what happens first at one instant (a packet
//! that arrives as its timer expires is seen before the timer); the sequence,
//! the order in which events were scheduled, settles the rest. No floating
//! point and no address takes part, so a run is the same everywhere.
//!
//! The queue moves 16-byte keys only ([`queue`]); payloads stay where they are
//! ([`slab`]). What the events mean is the model's business.

mod queue;
mod slab;

use core::fmt;

use lb_core::Time;

use queue::{Entry, Queue};
use slab::Slab;

pub use slab::EventId;

/// What kind of event it is: decides the order of events at the same instant, first variant first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Class {
    /// A packet, request or answer arrives.
    Delivery,
    /// A deadline of some machine.
    Timer,
    /// Configuration, faults and operator actions take effect.
    Control,
    /// A health check is sent or evaluated.
    Probe,
    /// Measurements are taken, after everything else of that instant.
    Statistics,
}

/// The agenda of one run: a clock and the pending events with payloads `P`.
///
/// Scheduling and taking cost O(1) for the distributions that occur and
/// O(log n) for the worst; cancelling costs O(1), its garbage is at most as
/// large as the number of live events plus a constant.
///
/// ```
/// use lb_core::Time;
/// use sim::engine::{Class, Engine};
///
/// let mut engine = Engine::new();
/// let deadline = engine.schedule(Time::from_secs(2), Class::Timer, "deadline");
/// engine.schedule(Time::from_secs(1), Class::Timer, "second");
/// engine.schedule(Time::from_secs(1), Class::Delivery, "first");
/// assert_eq!(engine.pop(), Some((Time::from_secs(1), "first")));
/// assert_eq!(engine.pop(), Some((Time::from_secs(1), "second")));
/// assert_eq!(engine.cancel(deadline), Some("deadline"));
/// assert_eq!(engine.pop(), None);
/// assert_eq!(engine.now(), Time::from_secs(1));
/// ```
pub struct Engine<P> {
    now: Time,
    sequence: u64,
    processed: u64,
    queue: Queue,
    slab: Slab<P>,
}

impl<P> Engine<P> {
    /// An empty agenda at time zero.
    #[must_use]
    pub fn new() -> Self {
        Self { now: Time::ZERO, sequence: 0, processed: 0, queue: Queue::new(), slab: Slab::new() }
    }

    /// The time of the event taken last.
    #[must_use]
    pub fn now(&self) -> Time {
        self.now
    }

    /// How many events wait, without the cancelled.
    #[must_use]
    pub fn pending(&self) -> usize {
        self.slab.live()
    }

    /// How many events were taken so far.
    #[must_use]
    pub fn processed(&self) -> u64 {
        self.processed
    }

    /// Puts an event on the agenda; a time that has passed means now.
    ///
    /// # Panics
    ///
    /// If more than 67,108,864 (2^26) events wait, cancelled ones that are not swept yet included.
    pub fn schedule(&mut self, at: Time, class: Class, payload: P) -> EventId {
        if self.sequence == Entry::SEQUENCE_END {
            self.renumber();
        }
        let id = self.slab.insert(payload);
        self.queue.push(Entry::new(at.max(self.now), class, self.sequence, id.slot()));
        self.sequence += 1;
        id
    }

    /// Takes an event off the agenda before it happens; `None` if it happened or was cancelled already.
    pub fn cancel(&mut self, event: EventId) -> Option<P> {
        let payload = self.slab.cancel(event)?;
        if self.slab.cancelled() > self.slab.live() + SWEEP_SLACK {
            self.sweep();
        }
        Some(payload)
    }

    /// The payload of an event that still waits.
    #[must_use]
    pub fn payload(&self, event: EventId) -> Option<&P> {
        self.slab.payload(event)
    }

    /// Takes the next event and moves the clock to it.
    #[inline]
    pub fn pop(&mut self) -> Option<(Time, P)> {
        loop {
            let entry = self.queue.pop().or_else(|| self.refill())?;
            if let Some(payload) = self.slab.take(entry.slot()) {
                self.now = entry.time();
                self.processed += 1;
                return Some((self.now, payload));
            }
        }
    }

    #[inline(never)]
    fn refill(&mut self) -> Option<Entry> {
        let entries = self.queue.refill();
        self.slab.touch(entries.iter().map(|entry| entry.slot()));
        self.queue.pop()
    }

    /// Takes the next event if it is due at `limit` or before; else moves the clock to `limit`.
    pub fn pop_until(&mut self, limit: Time) -> Option<(Time, P)> {
        match self.next_time() {
            Some(time) if time <= limit => self.pop(),
            Some(_) | None => {
                self.now = self.now.max(limit);
                None
            }
        }
    }

    /// When the next event is due.
    pub fn next_time(&mut self) -> Option<Time> {
        while let Some(entry) = self.queue.peek() {
            if self.slab.is_live(entry.slot()) {
                return Some(entry.time());
            }
            self.queue.pop();
            self.slab.release(entry.slot());
        }
        None
    }

    /// Drops the keys of cancelled events from the queue: O(pending), paid for by that many cancels.
    fn sweep(&mut self) {
        let slab = &mut self.slab;
        self.queue.retain(|entry| {
            let live = slab.is_live(entry.slot());
            if !live {
                slab.release(entry.slot());
            }
            live
        });
    }

    /// Gives the pending events new sequence numbers from 0 in their order.
    ///
    /// Sequence numbers have 35 bits; only their order among pending events matters.
    fn renumber(&mut self) {
        let mut entries = self.queue.drain();
        entries.sort_unstable();
        self.sequence = 0;
        for entry in entries {
            self.queue.push(entry.with_sequence(self.sequence));
            self.sequence += 1;
        }
    }
}

impl<P> Default for Engine<P> {
    fn default() -> Self {
        Self::new()
    }
}

impl<P> fmt::Debug for Engine<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Engine")
            .field("now", &self.now)
            .field("pending", &self.pending())
            .field("processed", &self.processed)
            .finish_non_exhaustive()
    }
}

/// Cancelled events that may lie about beyond the number of live ones: keeps small agendas from sweeping.
const SWEEP_SLACK: usize = 1024;

#[cfg(test)]
mod tests;
