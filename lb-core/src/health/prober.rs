//! When to check: one check in flight, ordinary and fast pace, jitter from a seed.
//!
//! The interval counts from start to start (Seesaw's ticker); a check that
//! outlives it delays the next one, and missed turns are dropped. Jitter only
//! shortens an interval, so that the bound on detection, `fall` intervals and
//! one timeout, holds whatever the jitter. What results mean is
//! [`state`](super::state)'s.

use core::time::Duration;

use super::policy::{BackendPolicy, part_of};
use crate::time::Time;

/// One check of one backend; never given twice by one machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ProbeId(pub u64);

/// A check to be made now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Probe {
    /// The name by which its result is reported.
    pub id: ProbeId,
    /// A result after this counts as a failure (the machine sees to it by itself).
    pub deadline: Time,
}

/// What the machine wants of the adapter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transmit {
    /// Give this check up: close its socket, its result is no longer wanted.
    Cancel(ProbeId),
    /// Make this check.
    Start(Probe),
}

/// The result of a check.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Everything the check asks for was seen.
    Success,
    /// It was not.
    Failure(ProbeFailure),
    /// The check could not be made (the checker is short of descriptors, say): nothing is
    /// known of the backend, and nothing changes for it.
    Undecided,
}

/// Why a check failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ProbeFailure {
    /// An answer came, but not the one that was asked for.
    Mismatch,
    /// The backend refused: a TCP reset, an ICMP port unreachable.
    Refused,
    /// No answer in time.
    Timeout,
    /// The TLS handshake or the certificate failed.
    Tls,
    /// The network says that there is no way to the backend.
    Unreachable,
}

/// The timing of one backend's checks.
#[derive(Clone, Debug)]
pub(super) struct Prober {
    /// Start of the latest check, or of the machine.
    started: Time,
    /// When the next check starts, unless one is in flight; `None` while disabled.
    next: Option<Time>,
    in_flight: Option<Probe>,
    start: Option<Probe>,
    cancel: Option<ProbeId>,
    ids: u64,
    draws: Draws,
}

impl Prober {
    pub(super) const fn new(now: Time, seed: u64) -> Self {
        let draws = Draws { seed, count: 0 };
        Self { started: now, next: None, in_flight: None, start: None, cancel: None, ids: 0, draws }
    }

    /// Begins checking: the first comes within the policy's spread.
    pub(super) fn begin(&mut self, now: Time, policy: &BackendPolicy) {
        self.next = Some(now + self.draws.below(policy.start_within));
    }

    /// Stops checking and gives up what is in flight.
    pub(super) fn stop(&mut self) {
        self.next = None;
        self.abandon();
    }

    /// Takes the check named `id` out of flight; `false` if it is not the one in flight.
    pub(super) fn finish(&mut self, id: ProbeId) -> bool {
        let found = self.in_flight.is_some_and(|probe| probe.id == id);
        if found {
            self.in_flight = None;
            self.start = None;
        }
        found
    }

    /// The deadline of the check in flight.
    pub(super) fn deadline(&self) -> Option<Time> {
        self.in_flight.map(|probe| probe.deadline)
    }

    /// Gives up the check in flight if its deadline has come.
    pub(super) fn expire(&mut self, now: Time) -> bool {
        let expired = self.deadline().is_some_and(|deadline| deadline <= now);
        if expired {
            self.abandon();
        }
        expired
    }

    /// Sets the next start, one (ordinary or fast) interval after the latest.
    pub(super) fn pace(&mut self, policy: &BackendPolicy, settled: bool) {
        let interval = if settled { policy.interval } else { policy.fast_interval };
        let shorter = self.draws.below(part_of(policy.jitter, interval));
        self.next = Some(self.started + interval.saturating_sub(shorter));
    }

    /// Starts a check if one is due and none is in flight.
    pub(super) fn start_if_due(&mut self, now: Time, timeout: Duration) {
        let due = self.next.is_some_and(|next| next <= now);
        if !due || self.in_flight.is_some() {
            return;
        }
        let probe = Probe { id: ProbeId(self.ids), deadline: now + timeout };
        self.ids += 1;
        self.started = now;
        self.in_flight = Some(probe);
        self.start = Some(probe);
    }

    pub(super) fn poll_transmit(&mut self) -> Option<Transmit> {
        if let Some(id) = self.cancel.take() {
            return Some(Transmit::Cancel(id));
        }
        self.start.take().map(Transmit::Start)
    }

    /// The deadline in flight, else the next start.
    pub(super) fn poll_timeout(&self) -> Option<Time> {
        self.deadline().or(self.next)
    }

    fn abandon(&mut self) {
        let Some(probe) = self.in_flight.take() else { return };
        // A check that nobody has been told of needs no cancelling.
        if self.start.take().is_none() {
            self.cancel = Some(probe.id);
        }
    }
}

/// Random numbers by counting: SplitMix64 (Steele, Lea and Flood, "Fast
/// splittable pseudorandom number generators", 2014), of which the n-th number
/// is a function of seed and n alone.
#[derive(Clone, Debug)]
struct Draws {
    seed: u64,
    count: u64,
}

impl Draws {
    /// A duration in `[0, limit]`, uniform to the nanosecond.
    fn below(&mut self, limit: Duration) -> Duration {
        let limit = u64::try_from(limit.as_nanos()).unwrap_or(u64::MAX);
        let scaled = (u128::from(self.next()) * (u128::from(limit) + 1)) >> 64;
        Duration::from_nanos(u64::try_from(scaled).expect("a 64-bit draw times 2^64 at most, less 64 bits"))
    }

    fn next(&mut self) -> u64 {
        self.count = self.count.wrapping_add(1);
        let mut bits = self.seed.wrapping_add(self.count.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        bits ^ (bits >> 31)
    }
}
