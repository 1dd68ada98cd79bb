//! The event queue by the hold model: take the next event, put it back later.
//!
//! Dimensions: 1 k, 16 k and 1 M pending events. The delays are exponential,
//! drawn from a table beforehand, so that the queue is measured and not a
//! logarithm. Peers: std's `BinaryHeap` of (time, sequence, payload), the queue
//! of simulacra, and NeXosim on one thread. The last has no queue that can be
//! held by itself: [`nexosim`] is a model that schedules its own input again,
//! so its figure is of the whole way through its scheduler and executor.

mod nexosim;

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::hint::black_box;

use lb_core::Time;
use sim::engine::{Class, Engine};

use crate::{Case, Work, timed};

/// All cases.
pub const CASES: &[Case] = &[
    Case::new("hold-1k/overspill", |scale| hold::<Engine<u32>>(scale.pick(1_000, 100))),
    Case::new("hold-1k/std", |scale| hold::<Heap>(scale.pick(1_000, 100))),
    Case::new("hold-1k/simulacra", |scale| hold::<Simulacra>(scale.pick(1_000, 100))),
    Case::new("hold-1k/nexosim", |scale| nexosim::hold(scale.pick(1_000, 100))),
    Case::new("hold-16k/overspill", |scale| hold::<Engine<u32>>(scale.pick(16_384, 200))),
    Case::new("hold-16k/std", |scale| hold::<Heap>(scale.pick(16_384, 200))),
    Case::new("hold-16k/simulacra", |scale| hold::<Simulacra>(scale.pick(16_384, 200))),
    Case::new("hold-16k/nexosim", |scale| nexosim::hold(scale.pick(16_384, 200))),
    Case::new("hold-1M/overspill", |scale| hold::<Engine<u32>>(scale.pick(1_000_000, 300))),
    Case::new("hold-1M/std", |scale| hold::<Heap>(scale.pick(1_000_000, 300))),
    Case::new("hold-1M/simulacra", |scale| hold::<Simulacra>(scale.pick(1_000_000, 300))),
    Case::new("hold-1M/nexosim", |scale| nexosim::hold(scale.pick(1_000_000, 300))),
];

/// An agenda of events with a payload of four bytes.
trait Agenda: Default + 'static {
    fn put(&mut self, at: u64, payload: u32);
    fn take(&mut self) -> Option<(u64, u32)>;
}

/// Takes an event and puts it back, in the order of time.
fn hold<A: Agenda>(pending: u32) -> Work {
    let delays = Delays::new();
    let mut draw = 1_u64;
    let mut agenda = A::default();
    for payload in 0..pending {
        agenda.put(delays.draw(&mut draw), payload);
    }
    let mut now = 0;
    let mut step = move |count: u64| {
        for _ in 0..count {
            let (at, payload) = agenda.take().expect("as many events as were put in");
            assert!(at >= now, "events come in the order of time");
            now = at;
            agenda.put(at + delays.draw(&mut draw), black_box(payload));
        }
    };
    // Into the steady state, in which the figures hold.
    step(2 * u64::from(pending));
    Box::new(move |count| timed(|| step(count)))
}

/// Exponential delays of one millisecond on average.
#[derive(Debug)]
struct Delays([u64; 1_024]);

impl Delays {
    fn new() -> Self {
        Self(std::array::from_fn(|number| {
            let uniform = (number as f64 + 0.5) / 1_024.0;
            (-uniform.ln() * 1e6) as u64
        }))
    }

    fn draw(&self, state: &mut u64) -> u64 {
        *state = state.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(1);
        // A few bits more, so that the same delay does not come again to the nanosecond.
        self.0[(*state >> 54) as usize] + (*state >> 44 & 0x3ff)
    }
}

impl Agenda for Engine<u32> {
    fn put(&mut self, at: u64, payload: u32) {
        self.schedule(Time::from_nanos(at), Class::Delivery, payload);
    }

    fn take(&mut self) -> Option<(u64, u32)> {
        self.pop().map(|(at, payload)| (at.as_nanos(), payload))
    }
}

/// The next event is the greatest.
#[derive(Default)]
struct Heap {
    events: BinaryHeap<Reverse<(u64, u64, u32)>>,
    sequence: u64,
}

impl Agenda for Heap {
    fn put(&mut self, at: u64, payload: u32) {
        self.events.push(Reverse((at, self.sequence, payload)));
        self.sequence += 1;
    }

    fn take(&mut self) -> Option<(u64, u32)> {
        self.events.pop().map(|Reverse((at, _, payload))| (at, payload))
    }
}

#[derive(Default)]
struct Simulacra(simulacra::EventQueue<u32>);

impl Agenda for Simulacra {
    fn put(&mut self, at: u64, payload: u32) {
        self.0.schedule(simulacra::Time::from_nanos(at), payload);
    }

    fn take(&mut self) -> Option<(u64, u32)> {
        self.0.pop().map(|event| (event.time.as_nanos(), event.event))
    }
}
