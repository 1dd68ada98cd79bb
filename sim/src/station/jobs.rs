//! The jobs inside a station, by id, and what leaves it.

use lb_core::Time;

use super::work::Work;

/// A job's name inside its station; later arrivals compare greater.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct JobId {
    /// The place comes second: equal ends are settled by arrival.
    arrival: u64,
    place: u32,
}

/// A job that left the station.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Departure<J> {
    /// The caller's name of it.
    pub job: J,
    /// When it arrived.
    pub arrived: Time,
    /// When its service began, if it did.
    pub started: Option<Time>,
    /// When it left.
    pub left: Time,
}

/// What happened to a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StationEvent<J> {
    /// It was served.
    Finished(Departure<J>),
    /// It left unserved at its deadline.
    TimedOut(Departure<J>),
    /// The station crashed with the job inside.
    Lost(Departure<J>),
}

/// A job that was not let in.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the station refused the job: {cause}")]
pub struct Refused<J> {
    /// The caller's name of it.
    pub job: J,
    /// Why.
    pub cause: Refusal,
}

/// Why a job was not let in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, thiserror::Error)]
pub enum Refusal {
    /// The station is down.
    #[error("it is down")]
    Down,
    /// The queue is at its limit.
    #[error("its queue is full")]
    Full,
}

/// Counts and areas of a station: `arrived = finished + timed_out + lost + cancelled + jobs inside`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct StationCounters {
    /// Jobs let in.
    pub arrived: u64,
    /// Jobs served.
    pub finished: u64,
    /// Jobs that reached their deadline.
    pub timed_out: u64,
    /// Jobs lost in a crash.
    pub lost: u64,
    /// Jobs taken out by their owner.
    pub cancelled: u64,
    /// Jobs not let in.
    pub refused: u64,
    /// Sum over time of the servers at work, in server-nanoseconds; utilisation is its growth over
    /// elapsed time and servers.
    pub busy_area: u128,
    /// Sum over time of the jobs inside, in job-nanoseconds: the `L` of Little's law.
    pub job_area: u128,
}

#[derive(Clone, Debug)]
pub(super) struct Job<J> {
    pub(super) job: J,
    pub(super) arrived: Time,
    pub(super) started: Option<Time>,
    pub(super) work: Work,
}

/// Jobs in reusable places.
#[derive(Clone, Debug)]
pub(super) struct Jobs<J> {
    places: Vec<Option<(u64, Job<J>)>>,
    free: Vec<u32>,
    arrivals: u64,
    length: usize,
    in_service: u32,
}

impl<J> Jobs<J> {
    pub(super) const fn new() -> Self {
        Self { places: Vec::new(), free: Vec::new(), arrivals: 0, length: 0, in_service: 0 }
    }

    pub(super) const fn len(&self) -> usize {
        self.length
    }

    pub(super) const fn in_service(&self) -> u32 {
        self.in_service
    }

    pub(super) fn insert(&mut self, job: Job<J>) -> JobId {
        let arrival = self.arrivals;
        self.arrivals += 1;
        self.length += 1;
        let place = self.free.pop().unwrap_or_else(|| {
            self.places.push(None);
            u32::try_from(self.places.len() - 1)
                .expect("servers and queue limit together are a 32-bit number")
        });
        self.places[place as usize] = Some((arrival, job));
        JobId { arrival, place }
    }

    pub(super) fn contains(&self, id: JobId) -> bool {
        matches!(self.places.get(id.place as usize), Some(Some((arrival, _))) if *arrival == id.arrival)
    }

    /// Marks a job that is here as in service and answers its work.
    pub(super) fn start(&mut self, id: JobId, now: Time) -> Work {
        let (_, job) = self.places[id.place as usize].as_mut().expect("only a job that is here is started");
        job.started = Some(now);
        self.in_service += 1;
        job.work
    }

    pub(super) fn remove(&mut self, id: JobId, now: Time) -> Option<Departure<J>> {
        if !self.contains(id) {
            return None;
        }
        let (_, job) = self.places[id.place as usize].take()?;
        self.free.push(id.place);
        self.length -= 1;
        self.in_service -= u32::from(job.started.is_some());
        Some(Departure { job: job.job, arrived: job.arrived, started: job.started, left: now })
    }

    /// Takes all jobs out, in order of arrival.
    pub(super) fn drain(&mut self, now: Time) -> Vec<Departure<J>> {
        let mut left: Vec<(u64, Job<J>)> = self.places.drain(..).flatten().collect();
        left.sort_unstable_by_key(|&(arrival, _)| arrival);
        self.free.clear();
        (self.length, self.in_service) = (0, 0);
        let depart = |(_, job): (u64, Job<J>)| Departure {
            job: job.job,
            arrived: job.arrived,
            started: job.started,
            left: now,
        };
        left.into_iter().map(depart).collect()
    }
}
