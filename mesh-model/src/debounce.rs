//! Changes that come in bursts, carried out once each burst.
//!
//! The idea, Istio's: wait until nothing has changed for a while, but never
//! longer than the most; and never begin while the last one is still under
//! way, for what changes meanwhile is carried out by the next.
//!
//! ```text
//!         change              quiet, or too long            done
//!  Idle ─────────> Gathering ────────────────────> Busy ─────────> Idle
//!                      ^                            │ change
//!                      └──────── done ─────────── BusyGathering
//! ```
//!
//! What changed is its owner's to remember. For single objects that fail and are tried
//! again there is [`work_queue`](crate::work_queue). Source: istio/istio
//! `pilot/pkg/xds/discovery.go` and its defaults in `features/tuning.go`.

use std::time::Duration;

use crate::time::Time;

/// How long changes are gathered before they are carried out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Debounce {
    /// After the last one.
    pub quiet: Duration,
    /// After the first one, at most.
    pub most: Duration,
}

impl Default for Debounce {
    /// Istio's: 100 ms, at most 10 s.
    fn default() -> Self {
        Self { quiet: Duration::from_millis(100), most: Duration::from_secs(10) }
    }
}

impl Debounce {
    /// When changes are carried out of which these are the first and the last.
    #[must_use]
    pub fn due(self, first: Time, last: Time) -> Time {
        (last + self.quiet).min(first + self.most)
    }
}

/// Gathers changes.
///
/// After every `handle_*` drain [`poll_transmit`](Self::poll_transmit), then read [`poll_timeout`](Self::poll_timeout).
///
/// ```
/// use std::time::Duration;
/// use mesh_model::debounce::{Debounce, Gathering, Push};
/// use mesh_model::time::Time;
///
/// let after = |milliseconds| Time::ZERO + Duration::from_millis(milliseconds);
/// let mut changes = Gathering::new(Debounce::default());
/// changes.handle_change(after(0));
/// changes.handle_change(after(60));
/// changes.handle_timeout(after(100));
/// assert_eq!(changes.poll_transmit(), None, "it is not quiet yet");
/// assert_eq!(changes.poll_timeout(), Some(after(160)));
/// changes.handle_timeout(after(160));
/// assert_eq!(changes.poll_transmit(), Some(Push { changes: 2 }));
/// ```
#[derive(Clone, Debug)]
pub struct Gathering {
    debounce: Debounce,
    state: GatheringState,
    burst: Option<Burst>,
    push: Option<Push>,
}

/// Changes that were not carried out yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Burst {
    first: Time,
    last: Time,
    changes: u64,
}

/// Carry out all that changed, then tell [`Gathering::handle_done`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Push {
    /// How many changes were told of.
    pub changes: u64,
}

/// Where it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum GatheringState {
    /// Changes are being carried out.
    Busy,
    /// The same, and more have come.
    BusyGathering,
    /// Something changed.
    Gathering,
    /// Nothing changed.
    #[default]
    Idle,
}

/// What happens to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Input {
    Change,
    Done,
    Due,
}

impl Gathering {
    /// Nothing changed yet.
    #[must_use]
    pub const fn new(debounce: Debounce) -> Self {
        Self { debounce, state: GatheringState::Idle, burst: None, push: None }
    }

    /// Something changed.
    pub fn handle_change(&mut self, now: Time) {
        let burst = self.burst.get_or_insert(Burst { first: now, last: now, changes: 0 });
        burst.last = burst.last.max(now);
        burst.changes = burst.changes.saturating_add(1);
        self.enter(Input::Change);
    }

    /// What was to be carried out is, or failed: then whoever failed asks again by a change.
    pub fn handle_done(&mut self, now: Time) {
        self.enter(Input::Done);
        self.handle_timeout(now); // it may have been quiet for long
    }

    /// Time has passed; may be called too early or too often.
    pub fn handle_timeout(&mut self, now: Time) {
        if self.poll_timeout().is_some_and(|due| due <= now) {
            self.enter(Input::Due);
        }
    }

    /// What is to be done next.
    #[must_use]
    pub fn poll_transmit(&mut self) -> Option<Push> {
        self.push.take()
    }

    /// When [`handle_timeout`](Self::handle_timeout) is to be called.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Time> {
        let burst = self.burst.filter(|_| self.state == GatheringState::Gathering)?;
        Some(self.debounce.due(burst.first, burst.last))
    }

    /// Where it is.
    #[must_use]
    pub const fn state(&self) -> GatheringState {
        self.state
    }

    /// The one place where the state changes.
    fn enter(&mut self, input: Input) {
        let from = self.state;
        self.state = next(from, input);
        if from == GatheringState::Gathering && self.state == GatheringState::Busy {
            self.push = self.burst.take().map(|burst| Push { changes: burst.changes });
        }
    }
}

/// Where an input leads.
const fn next(state: GatheringState, input: Input) -> GatheringState {
    use GatheringState::{Busy, BusyGathering, Gathering, Idle};
    match (state, input) {
        (Idle | Gathering, Input::Change) | (BusyGathering, Input::Done) | (Gathering, Input::Done) => {
            Gathering
        }
        (Idle, Input::Done | Input::Due) | (Busy, Input::Done) => Idle,
        (Gathering | Busy, Input::Due) => Busy,
        (Busy | BusyGathering, Input::Change) | (BusyGathering, Input::Due) => BusyGathering,
    }
}

#[cfg(test)]
mod tests;
