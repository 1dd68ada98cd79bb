//! A queueing station: servers, a queue, and jobs whose length the caller knows.
//!
//! L7 gateways and services are stations in the model, and the closed forms of
//! [`validate`](crate::validate) test this very machine. The one idea is a
//! virtual clock that runs at the pace each job in service gets: a job that
//! enters service at virtual time `v` with work `w` is done at `v + w`, however
//! the pace changes in between. So first-come-first-served and processor sharing,
//! slow-down and pause are the same few lines, and an event costs O(log n). All
//! arithmetic is on integers.
//!
//! Who arrives, how long a job is and what follows are the caller's business.

mod jobs;
mod work;

use core::cmp::Reverse;
use core::time::Duration;
use std::collections::{BinaryHeap, VecDeque};

use lb_core::Time;

pub use jobs::{Departure, JobId, Refusal, Refused, StationCounters, StationEvent};
use jobs::{Job, Jobs};
pub use work::Speed;
use work::{Virtual, Work};

/// What a station is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StationConfig {
    /// How many jobs are served at full pace at the same time; at least one.
    pub servers: u32,
    /// Who is served when there are more jobs than servers.
    pub discipline: Discipline,
    /// How many jobs there may be beyond `servers`; the next one is refused.
    pub queue_limit: u32,
    /// A job that is not done so long after its arrival leaves unserved.
    pub timeout: Option<Duration>,
}

/// Who is served when there are more jobs than servers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Discipline {
    /// The oldest jobs, one per server; the others wait.
    Fifo,
    /// All jobs at once, each at the same part of the servers' pace.
    ProcessorSharing,
}

/// Whether a station works.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Condition {
    /// It works.
    Running,
    /// It stands still: jobs arrive and time out, none advances.
    Paused,
    /// It is down: its jobs were lost and arrivals are refused.
    Down,
}

/// A queueing station with jobs named by the caller's `J`.
///
/// After every `handle_*`: drain [`poll_event`](Self::poll_event), then read
/// [`poll_timeout`](Self::poll_timeout). Called late, it does what was due at
/// the time it was due. At one instant jobs are finished before they time out.
///
/// ```
/// use core::time::Duration;
/// use lb_core::Time;
/// use sim::station::{Discipline, Station, StationConfig, StationEvent};
///
/// let config =
///     StationConfig { servers: 1, discipline: Discipline::Fifo, queue_limit: 1, timeout: None };
/// let mut station = Station::new(config);
/// station.handle_arrival(Time::ZERO, "first", Duration::from_millis(2)).unwrap();
/// station.handle_arrival(Time::ZERO, "second", Duration::from_millis(3)).unwrap();
/// assert!(station.handle_arrival(Time::ZERO, "third", Duration::from_millis(1)).is_err());
///
/// assert_eq!(station.poll_timeout(), Some(Time::from_millis(2)));
/// station.handle_timeout(Time::from_millis(2));
/// let Some(StationEvent::Finished(departure)) = station.poll_event() else { unreachable!() };
/// assert_eq!((departure.job, departure.left), ("first", Time::from_millis(2)));
/// assert_eq!(station.poll_timeout(), Some(Time::from_millis(5)));
/// ```
#[derive(Clone, Debug)]
pub struct Station<J> {
    config: StationConfig,
    condition: Condition,
    speed: Speed,
    /// Everything up to here is done.
    now: Time,
    virtual_now: Virtual,
    jobs: Jobs<J>,
    /// Jobs in service by the virtual time of their end, then by arrival; may name jobs that have left.
    serving: BinaryHeap<Reverse<(Virtual, JobId)>>,
    /// Jobs that wait for a server, oldest first; may name jobs that have left.
    waiting: VecDeque<JobId>,
    /// When jobs time out, in order of arrival; may name jobs that have left.
    deadlines: VecDeque<(Time, JobId)>,
    events: VecDeque<StationEvent<J>>,
    counters: StationCounters,
}

impl<J> Station<J> {
    /// An empty station that runs at its normal pace; no servers counts as one.
    #[must_use]
    pub fn new(config: StationConfig) -> Self {
        Self {
            config: StationConfig { servers: config.servers.max(1), ..config },
            condition: Condition::Running,
            speed: Speed::NORMAL,
            now: Time::ZERO,
            virtual_now: Virtual::ZERO,
            jobs: Jobs::new(),
            serving: BinaryHeap::new(),
            waiting: VecDeque::new(),
            deadlines: VecDeque::new(),
            events: VecDeque::new(),
            counters: StationCounters::default(),
        }
    }

    /// A job arrives whose service takes `service` on a server of its own at normal pace.
    ///
    /// # Errors
    ///
    /// [`Refused`] gives the job back if the station is full or down.
    pub fn handle_arrival(&mut self, now: Time, job: J, service: Duration) -> Result<JobId, Refused<J>> {
        self.run(now);
        let limit = self.config.servers.saturating_add(self.config.queue_limit);
        let cause = match self.condition {
            Condition::Down => Some(Refusal::Down),
            Condition::Running | Condition::Paused => {
                (self.jobs.len() >= limit as usize).then_some(Refusal::Full)
            }
        };
        if let Some(cause) = cause {
            self.counters.refused += 1;
            return Err(Refused { job, cause });
        }
        self.counters.arrived += 1;
        let id = self.jobs.insert(Job { job, arrived: self.now, started: None, work: Work::new(service) });
        if let Some(timeout) = self.config.timeout {
            self.deadlines.push_back((self.now + timeout, id));
        }
        match self.config.discipline {
            Discipline::Fifo if self.jobs.in_service() >= self.config.servers => self.waiting.push_back(id),
            Discipline::Fifo | Discipline::ProcessorSharing => self.start(id),
        }
        Ok(id)
    }

    /// Takes a job out before it is done, because nobody waits for it any more; `None` if it has left.
    pub fn handle_cancel(&mut self, now: Time, job: JobId) -> Option<J> {
        self.run(now);
        let left = self.leave(job)?;
        self.counters.cancelled += 1;
        self.refill();
        self.drop_leavers();
        Some(left.job)
    }

    /// Changes the pace: a fault makes a station slow.
    pub fn handle_speed(&mut self, now: Time, speed: Speed) {
        self.run(now);
        self.speed = speed;
    }

    /// Pauses, crashes or starts the station; on a crash every job is lost.
    pub fn handle_condition(&mut self, now: Time, condition: Condition) {
        self.run(now);
        self.condition = condition;
        match condition {
            Condition::Running | Condition::Paused => {}
            Condition::Down => self.lose_all(),
        }
    }

    /// Does what is due up to `now`; may be called too early or too often.
    pub fn handle_timeout(&mut self, now: Time) {
        self.run(now);
    }

    /// What happened to jobs, in order.
    #[must_use]
    pub fn poll_event(&mut self) -> Option<StationEvent<J>> {
        self.events.pop_front()
    }

    /// When a job will be done or time out, if nothing else happens before.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Time> {
        match (self.next_end(), self.next_deadline()) {
            (Some(end), Some(deadline)) => Some(end.min(deadline)),
            (end, deadline) => end.or(deadline),
        }
    }

    /// How many jobs are here, waiting or in service.
    #[must_use]
    pub fn jobs(&self) -> usize {
        self.jobs.len()
    }

    /// How many jobs are in service.
    #[must_use]
    pub fn in_service(&self) -> u32 {
        self.jobs.in_service()
    }

    /// Whether it works.
    #[must_use]
    pub fn condition(&self) -> Condition {
        self.condition
    }

    /// What it is made of.
    #[must_use]
    pub fn config(&self) -> &StationConfig {
        &self.config
    }

    /// Counts and areas since the start, up to the last `handle_*`.
    #[must_use]
    pub fn counters(&self) -> &StationCounters {
        &self.counters
    }

    /// Brings the station to `now`, one end or deadline after the other.
    fn run(&mut self, now: Time) {
        loop {
            self.drop_leavers();
            let (end, deadline) = (self.next_end(), self.next_deadline());
            let next = match (end, deadline) {
                (Some(end), Some(deadline)) => end.min(deadline),
                (Some(next), None) | (None, Some(next)) => next,
                (None, None) => break,
            };
            if next > now {
                break;
            }
            self.advance(next);
            if end == Some(next) {
                self.finish_first();
            } else {
                self.time_out_first();
            }
        }
        self.advance(now);
    }

    /// Moves both clocks and the areas forward; nothing ends in between.
    fn advance(&mut self, now: Time) {
        if now <= self.now {
            return;
        }
        let elapsed = now.as_nanos() - self.now.as_nanos();
        self.now = now;
        let in_service = self.jobs.in_service();
        self.counters.job_area += u128::from(elapsed) * self.jobs.len() as u128;
        match self.condition {
            Condition::Running => {
                let busy = in_service.min(self.config.servers);
                self.counters.busy_area += u128::from(elapsed) * u128::from(busy);
                let sharing = in_service.max(self.config.servers);
                self.virtual_now.advance(elapsed, self.speed, self.config.servers, sharing);
            }
            Condition::Paused | Condition::Down => {}
        }
    }

    fn next_end(&self) -> Option<Time> {
        match self.condition {
            Condition::Running => {}
            Condition::Paused | Condition::Down => return None,
        }
        let &Reverse((end, _)) = self.serving.peek()?;
        let sharing = self.jobs.in_service().max(self.config.servers);
        self.virtual_now.until(end, self.speed, self.config.servers, sharing).map(|left| self.now + left)
    }

    fn next_deadline(&self) -> Option<Time> {
        self.deadlines.front().map(|&(deadline, _)| deadline)
    }

    fn start(&mut self, id: JobId) {
        let work = self.jobs.start(id, self.now);
        self.serving.push(Reverse((self.virtual_now.after(work), id)));
    }

    fn finish_first(&mut self) {
        if let Some(Reverse((_, id))) = self.serving.pop()
            && let Some(departure) = self.leave(id)
        {
            self.counters.finished += 1;
            self.events.push_back(StationEvent::Finished(departure));
            self.refill();
        }
    }

    fn time_out_first(&mut self) {
        if let Some((_, id)) = self.deadlines.pop_front()
            && let Some(departure) = self.leave(id)
        {
            self.counters.timed_out += 1;
            self.events.push_back(StationEvent::TimedOut(departure));
            self.refill();
        }
    }

    fn lose_all(&mut self) {
        self.serving.clear();
        self.waiting.clear();
        self.deadlines.clear();
        for departure in self.jobs.drain(self.now) {
            self.counters.lost += 1;
            self.events.push_back(StationEvent::Lost(departure));
        }
    }

    fn leave(&mut self, id: JobId) -> Option<Departure<J>> {
        self.jobs.remove(id, self.now)
    }

    /// Gives free servers to the oldest that wait.
    fn refill(&mut self) {
        while self.jobs.in_service() < self.config.servers
            && let Some(id) = self.waiting.pop_front()
        {
            if self.jobs.contains(id) {
                self.start(id);
            }
        }
    }

    /// Forgets jobs that have left at the front of each order, and everywhere once they are the majority.
    fn drop_leavers(&mut self) {
        let jobs = &self.jobs;
        while self.serving.peek().is_some_and(|&Reverse((_, id))| !jobs.contains(id)) {
            self.serving.pop();
        }
        while self.deadlines.front().is_some_and(|&(_, id)| !jobs.contains(id)) {
            self.deadlines.pop_front();
        }
        let crowded = |length: usize| length > 2 * jobs.len() + LEAVER_SLACK;
        if crowded(self.serving.len()) {
            self.serving.retain(|&Reverse((_, id))| jobs.contains(id));
        }
        if crowded(self.deadlines.len()) {
            self.deadlines.retain(|&(_, id)| jobs.contains(id));
        }
        if crowded(self.waiting.len()) {
            self.waiting.retain(|&id| jobs.contains(id));
        }
    }
}

/// So many forgotten jobs may lie about in each order: small stations never sweep.
const LEAVER_SLACK: usize = 64;

#[cfg(test)]
mod tests;
