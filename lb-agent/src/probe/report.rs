//! What a check found: success or why not, and how long each part took.

use std::fmt;
use std::time::Duration;

use lb_core::health::Outcome;
use tokio::time::Instant;

use super::failure::Failure;

/// The parts of a check, in the order in which they come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Phase {
    /// Waiting for its turn while as many checks are under way as the limit lets.
    Queue,
    /// The TCP connection.
    Connect,
    /// The TLS handshake.
    Tls,
    /// From the request to the first byte of the answer.
    Answer,
    /// The rest of the answer.
    Body,
}

impl fmt::Display for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Queue => "waiting for its turn",
            Self::Connect => "connecting",
            Self::Tls => "shaking hands over TLS",
            Self::Answer => "waiting for the answer",
            Self::Body => "reading the answer",
        })
    }
}

/// What one check found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// Whether everything that the check asks for was seen.
    pub result: Result<(), Failure>,
    /// How long it took.
    pub timings: Timings,
}

impl Report {
    /// The same in the words of the health machines.
    #[must_use]
    pub fn outcome(&self) -> Outcome {
        match &self.result {
            Ok(()) => Outcome::Success,
            Err(failure) => failure.outcome(),
        }
    }
}

/// How long the parts of a check took; `None` for one that was not there or did not end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Timings {
    /// The TCP connection.
    pub connect: Option<Duration>,
    /// The TLS handshake alone.
    pub tls: Option<Duration>,
    /// From the request to the first byte of the answer.
    pub answer: Option<Duration>,
    /// From the first packet to the verdict; waiting for a turn does not count.
    pub total: Duration,
}

/// Where a check stands; whoever stops it finds here how far it came.
#[derive(Debug)]
pub(super) struct Progress {
    phase: Phase,
    started: Instant,
    since: Instant,
    timings: Timings,
}

impl Progress {
    pub(super) fn new() -> Self {
        let now = Instant::now();
        Self { phase: Phase::Queue, started: now, since: now, timings: Timings::default() }
    }

    /// The phase is over, the next begins.
    pub(super) fn enter(&mut self, next: Phase) {
        let now = Instant::now();
        let took = Some(now - self.since);
        match self.phase {
            Phase::Connect => self.timings.connect = took,
            Phase::Tls => self.timings.tls = took,
            Phase::Answer => self.timings.answer = took,
            Phase::Queue => self.started = now,
            Phase::Body => {}
        }
        self.phase = next;
        self.since = now;
    }

    pub(super) const fn phase(&self) -> Phase {
        self.phase
    }

    pub(super) fn report(&self, result: Result<(), Failure>) -> Report {
        Report { result, timings: Timings { total: self.started.elapsed(), ..self.timings } }
    }
}
