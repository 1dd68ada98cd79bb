//! The hold model in NeXosim: one model whose every event schedules the next.
//!
//! On one thread, as our engine runs. A step of its simulation takes all events
//! of one time, so a count of events decides when a round is over.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use nexosim::model::{Context, Model, schedulable};
use nexosim::simulation::{Mailbox, SimInit, Simulation};
use nexosim::time::MonotonicTime;
use serde::{Deserialize, Serialize};

use super::Delays;
use crate::{Work, timed};

/// Keeps so many events pending.
#[derive(Debug, Serialize, Deserialize)]
struct Holder {
    pending: u32,
    draw: u64,
    #[serde(skip, default = "Delays::new")]
    delays: Delays,
    /// Events so far, for whoever steps the simulation.
    #[serde(skip)]
    fired: Arc<AtomicU64>,
}

#[Model]
impl Holder {
    #[nexosim(init)]
    async fn init(&mut self, cx: &Context<Self>) {
        for payload in 0..self.pending {
            self.schedule(payload, cx);
        }
    }

    #[nexosim(schedulable)]
    async fn fire(&mut self, payload: u32, cx: &Context<Self>) {
        self.fired.fetch_add(1, Ordering::Relaxed);
        self.schedule(payload, cx);
    }

    fn schedule(&mut self, payload: u32, cx: &Context<Self>) {
        let delay = Duration::from_nanos(self.delays.draw(&mut self.draw).max(1));
        cx.schedule_event(delay, schedulable!(Self::fire), payload).expect("a delay is in the future");
    }
}

/// Takes an event and puts it back, in the order of time.
pub(super) fn hold(pending: u32) -> Work {
    let fired = Arc::new(AtomicU64::new(0));
    let holder = Holder { pending, draw: 1, delays: Delays::new(), fired: Arc::clone(&fired) };
    let simulation = SimInit::with_num_threads(1).add_model(holder, Mailbox::new(), "holder");
    let mut simulation: Simulation = simulation.init(MonotonicTime::EPOCH).expect("the model is complete");
    let mut step = move |count: u64| {
        let end = fired.load(Ordering::Relaxed) + count;
        while fired.load(Ordering::Relaxed) < end {
            simulation.step().expect("the model does not fail");
        }
    };
    // Into the steady state, in which the figures hold.
    step(2 * u64::from(pending));
    Box::new(move |count| timed(|| step(count)))
}
