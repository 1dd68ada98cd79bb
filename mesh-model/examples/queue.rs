//! A controller's day: a thousand keys, of which one fails, and bursts of changes.
//!
//! ```text
//!  changes ──> WorkQueue ──> two workers ──failed──> waits, twice as long each time
//!  changes ──> Gathering ──> one push for each burst
//! ```
//!
//! Run it with `cargo run -p mesh-model --example queue`.
#![allow(clippy::disallowed_macros, reason = "the crate does no I/O, a program may")]

use std::time::Duration;

use mesh_model::debounce::{Debounce, Gathering};
use mesh_model::time::Time;
use mesh_model::work_queue::{BackOff, WorkQueue, WorkResult};

fn main() {
    let mut queue = WorkQueue::new(BackOff::default(), 2, 7);
    (0..1_000_u32).for_each(|key| queue.handle_change(key));
    let (mut now, mut taken) = (Time::ZERO, 0);
    while now < Time::from_secs(2) {
        while let Some(key) = queue.poll_transmit() {
            taken += 1;
            let result = if key == 500 { WorkResult::Failed } else { WorkResult::Succeeded };
            queue.handle_result(now, &key, result);
            if key == 500 {
                println!("{now}: 500 failed {} times, after {taken} looks at keys", queue.failures(&key));
            }
        }
        now = queue.poll_timeout().unwrap_or(Time::MAX);
        queue.handle_timeout(now);
    }

    let mut changes = Gathering::new(Debounce::default());
    for milliseconds in [0, 20, 40, 60, 400, 420] {
        let now = Time::ZERO + Duration::from_millis(milliseconds);
        push(&mut changes, now);
        changes.handle_change(now);
    }
    push(&mut changes, Time::from_secs(1));
}

/// Carries out what is due by then.
fn push(changes: &mut Gathering, until: Time) {
    while let Some(due) = changes.poll_timeout().filter(|due| *due <= until) {
        changes.handle_timeout(due);
        if let Some(push) = changes.poll_transmit() {
            println!("{due}: {} changes at once", push.changes);
            changes.handle_done(due);
        }
    }
}
