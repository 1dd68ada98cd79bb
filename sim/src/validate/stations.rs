//! A station on the engine with Poisson arrivals, and what is measured of it.

use core::time::Duration;

use lb_core::Time;

use crate::engine::{Class, Engine, EventId};
use crate::random::{Seed, Stream};
use crate::samplers::{Distribution, DistributionText, Nanoseconds, PoissonArrivals, RateCurve};
use crate::station::{Discipline, Station, StationConfig, StationEvent};
use crate::statistics::LittlesLaw;

/// The mean service time: long against the clock's nanosecond.
pub(super) const SERVICE: f64 = 1e6;

/// One queue with its load.
#[derive(Clone, Debug)]
pub(super) struct Queue {
    pub(super) servers: u32,
    pub(super) discipline: Discipline,
    pub(super) queue_limit: u32,
    /// Arrival rate times mean service time, in servers.
    pub(super) load: f64,
    pub(super) service: Distribution<Nanoseconds>,
    /// Times inside, in mean services: how many jobs exceed each is counted.
    pub(super) sojourn_marks: Vec<f64>,
    /// The same for times before service.
    pub(super) waiting_marks: Vec<f64>,
}

impl Queue {
    /// First come, first served, with no limit.
    pub(super) fn fifo(servers: u32, load: f64, service: Distribution<Nanoseconds>) -> Self {
        Self {
            servers,
            discipline: Discipline::Fifo,
            queue_limit: u32::MAX,
            load,
            service,
            sojourn_marks: Vec::new(),
            waiting_marks: Vec::new(),
        }
    }
}

/// A distribution of mean [`SERVICE`].
pub(super) fn service(text: DistributionText<Nanoseconds>) -> Distribution<Nanoseconds> {
    Distribution::new(text).expect("the parameters are constants of this crate")
}

/// Exponential service.
pub(super) fn exponential() -> Distribution<Nanoseconds> {
    service(DistributionText::Exponential { mean: Nanoseconds(SERVICE) })
}

/// What one run gave; jobs of the warm-up left out.
#[derive(Clone, Debug, Default)]
pub(super) struct Measured {
    sojourn: Times,
    waiting: Times,
    waited: u64,
    refused: u64,
    offered: u64,
    /// |L - lambda W| / L of the whole run, L from the station's own account.
    pub(super) little_error: f64,
    /// Jobs that are unaccounted for: let in, but neither served nor inside.
    pub(super) missing: u64,
    pub(super) utilisation: f64,
}

/// Times of many jobs: their sum, and how many exceed each mark.
///
/// A quantile of a run is biased and its mean over runs more so; the share beyond a fixed mark is not.
#[derive(Clone, Debug, Default)]
struct Times {
    count: u64,
    total: u128,
    marks: Vec<(Duration, u64)>,
}

impl Times {
    fn new(marks: &[f64]) -> Self {
        let mark = |mark: &f64| (Nanoseconds(mark * SERVICE).to_duration(), 0);
        Self { count: 0, total: 0, marks: marks.iter().map(mark).collect() }
    }

    fn record(&mut self, time: Duration) {
        self.count += 1;
        self.total += time.as_nanos();
        for (mark, beyond) in &mut self.marks {
            *beyond += u64::from(time > *mark);
        }
    }

    /// In mean services.
    #[allow(clippy::cast_precision_loss, reason = "sums of a run")]
    fn mean(&self) -> f64 {
        self.total as f64 / SERVICE / self.count.max(1) as f64
    }

    fn share_beyond(&self, mark: usize) -> f64 {
        share(self.marks[mark].1, self.count)
    }
}

impl Measured {
    /// Mean time inside, in mean services.
    pub(super) fn mean_sojourn(&self) -> f64 {
        self.sojourn.mean()
    }

    /// Mean time before service, in mean services.
    pub(super) fn mean_waiting(&self) -> f64 {
        self.waiting.mean()
    }

    pub(super) fn sojourn_beyond(&self, mark: usize) -> f64 {
        self.sojourn.share_beyond(mark)
    }

    pub(super) fn waiting_beyond(&self, mark: usize) -> f64 {
        self.waiting.share_beyond(mark)
    }

    pub(super) fn waited_share(&self) -> f64 {
        share(self.waited, self.waiting.count)
    }

    pub(super) fn refused_share(&self) -> f64 {
        share(self.refused, self.offered)
    }
}

#[allow(clippy::cast_precision_loss, reason = "counts of a run")]
fn share(part: u64, whole: u64) -> f64 {
    part as f64 / whole.max(1) as f64
}

#[derive(Clone, Copy, Debug)]
enum Event {
    Arrival,
    Deadline,
}

/// A run in progress.
struct Run {
    engine: Engine<Event>,
    station: Station<u64>,
    deadline: Option<(Time, EventId)>,
    arrivals: PoissonArrivals,
    service: Distribution<Nanoseconds>,
    services: Stream,
    warm_up: u64,
    /// When the warm-up ended, and the station's busy area then.
    warm: (Time, u128),
    law: LittlesLaw,
    measured: Measured,
}

/// Runs until `jobs` were offered after a warm-up of a tenth as many.
pub(super) fn simulate(queue: &Queue, jobs: u64, seed: Seed) -> Measured {
    let config = StationConfig {
        servers: queue.servers,
        discipline: queue.discipline,
        queue_limit: queue.queue_limit,
        timeout: None,
    };
    let rate = RateCurve::constant(queue.load / (SERVICE / 1e9));
    let mut run = Run {
        engine: Engine::new(),
        station: Station::new(config),
        deadline: None,
        arrivals: PoissonArrivals::new(rate, Time::ZERO, seed.stream("source", "arrivals")),
        service: queue.service.clone(),
        services: seed.stream("station", "service"),
        warm_up: jobs / 10,
        warm: (Time::ZERO, 0),
        law: LittlesLaw::new(Time::ZERO),
        measured: Measured {
            sojourn: Times::new(&queue.sojourn_marks),
            waiting: Times::new(&queue.waiting_marks),
            ..Measured::default()
        },
    };
    run.go(jobs);
    run.measured
}

impl Run {
    #[allow(clippy::cast_precision_loss, reason = "areas and times of a run")]
    fn go(&mut self, jobs: u64) {
        let total = self.warm_up + jobs;
        let mut offered = 0;
        self.schedule_arrival();
        while offered < total
            && let Some((now, event)) = self.engine.pop()
        {
            match event {
                Event::Arrival => {
                    self.offer(now, offered);
                    offered += 1;
                    self.schedule_arrival();
                }
                Event::Deadline => {
                    self.deadline = None;
                    self.station.handle_timeout(now);
                }
            }
            self.settle();
        }
        let now = self.engine.now();
        let counters = self.station.counters();
        let inside = self.station.jobs() as u64;
        self.measured.little_error = self.law.relative_error(now, counters.job_area);
        self.measured.missing = counters.arrived.abs_diff(counters.finished + inside);
        let (since, busy) = self.warm;
        let server_time = (now - since).as_nanos() as f64 * f64::from(self.station.config().servers);
        self.measured.utilisation = (counters.busy_area - busy) as f64 / server_time;
    }

    fn schedule_arrival(&mut self) {
        if let Some(at) = self.arrivals.next_arrival() {
            self.engine.schedule(at, Class::Delivery, Event::Arrival);
        }
    }

    fn offer(&mut self, now: Time, number: u64) {
        let service = self.service.sample_duration(&mut self.services);
        let measured = number >= self.warm_up;
        self.measured.offered += u64::from(measured);
        match self.station.handle_arrival(now, number, service) {
            Ok(_) => self.law.handle_arrival(now),
            Err(_) => self.measured.refused += u64::from(measured),
        }
        if number == self.warm_up {
            self.warm = (now, self.station.counters().busy_area);
        }
    }

    /// Takes in what happened and brings the timer to the station's next deadline.
    fn settle(&mut self) {
        while let Some(event) = self.station.poll_event() {
            match event {
                StationEvent::Finished(departure) => {
                    self.law.handle_departure(departure.left, departure.arrived);
                    if departure.job >= self.warm_up {
                        let started = departure.started.unwrap_or(departure.left);
                        self.measured.sojourn.record(departure.left - departure.arrived);
                        self.measured.waiting.record(started - departure.arrived);
                        self.measured.waited += u64::from(started > departure.arrived);
                    }
                }
                StationEvent::Lost(_) | StationEvent::TimedOut(_) => {}
            }
        }
        let wanted = self.station.poll_timeout();
        if self.deadline.map(|(at, _)| at) == wanted {
            return;
        }
        if let Some((_, event)) = self.deadline.take() {
            self.engine.cancel(event);
        }
        self.deadline = wanted.map(|at| (at, self.engine.schedule(at, Class::Timer, Event::Deadline)));
    }
}
