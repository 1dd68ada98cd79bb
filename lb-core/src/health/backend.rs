//! One backend's health: checks out, results in, service and weight as facts.

use super::passive::{Evidence, Observation, PassiveVerdict};
use super::policy::BackendPolicy;
use super::prober::{Outcome, ProbeFailure, ProbeId, Prober, Transmit};
use super::slow_start::Ramp;
use super::state::{HealthState, Input};
use crate::config::BackendState;
use crate::identity::Weight;
use crate::time::Time;

/// The health machine of one backend of one service.
///
/// Feed it results, observations and commands; after each `handle_*` drain
/// [`poll_transmit`](Self::poll_transmit), then
/// [`poll_event`](Self::poll_event), then read
/// [`poll_timeout`](Self::poll_timeout). It holds no queue: what is not drained
/// is merged, never piled up. Two machines of equal seeds act alike; give
/// each backend (and each node) another, or they check in step.
///
/// ```
/// use lb_core::health::{BackendEvent, BackendHealth, Cause, HealthFile, HealthState, ProbeFailure};
/// use lb_core::health::Transmit;
/// use lb_core::{Time, Weight};
///
/// // Found in service after a restart: it keeps its traffic until `fall` failures.
/// let policy = HealthFile { fall: Some(2), ..HealthFile::default() }.backend_policy()?;
/// let mut backend = BackendHealth::adopt(Time::ZERO, policy, Weight(1), 7);
/// assert_eq!(backend.state(), HealthState::Suspect { failures: 0 });
/// assert!(backend.in_service());
///
/// // No check is ever answered: the machine sees to the deadlines by itself.
/// let mut told = Vec::new();
/// while backend.in_service() {
///     let now = backend.poll_timeout().expect("it is checked");
///     backend.handle_timeout(now);
///     while let Some(transmit) = backend.poll_transmit() {
///         match transmit {
///             Transmit::Start(probe) => assert_eq!(probe.deadline, now + policy.timeout()),
///             Transmit::Cancel(_) => {} // close its socket
///         }
///     }
///     told.extend(core::iter::from_fn(|| backend.poll_event()));
/// }
/// let cause = Cause::ProbeFailed(ProbeFailure::Timeout);
/// let suspect = |failures| HealthState::Suspect { failures };
/// assert_eq!(told, [
///     BackendEvent::StateChanged { from: suspect(0), to: suspect(1), cause },
///     BackendEvent::StateChanged { from: suspect(1), to: HealthState::Down, cause },
/// ]);
/// # Ok::<(), lb_core::health::HealthError>(())
/// ```
#[derive(Clone, Debug)]
pub struct BackendHealth {
    policy: BackendPolicy,
    state: HealthState,
    cause: Cause,
    /// Since when it has been in service without a break.
    in_service_since: Time,
    prober: Prober,
    evidence: Evidence,
    full: Weight,
    ramp: Option<Ramp>,
    weight: Weight,
    told_state: HealthState,
    told_weight: Weight,
}

/// A fact about one backend.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BackendEvent {
    /// The state changed.
    StateChanged {
        /// The state that was told last.
        from: HealthState,
        /// The state now.
        to: HealthState,
        /// What made it so.
        cause: Cause,
    },
    /// The weight changed: a command, or a step of the slow start.
    WeightChanged {
        /// The weight for new flows while in service.
        weight: Weight,
    },
}

/// Why a backend's state is what it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Cause {
    /// A hand: enabled or disabled.
    Command,
    /// What flows said.
    Observed(Observation),
    /// A check failed.
    ProbeFailed(ProbeFailure),
    /// A check succeeded.
    ProbeSucceeded,
    /// The machine began.
    Started,
}

/// What a service needs to know of its backend.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Report {
    /// Its state.
    pub state: HealthState,
    /// Its configured weight: its part in the service's marks.
    pub full: Weight,
    /// Its weight for new flows now: less than `full` in a slow start.
    pub weight: Weight,
}

impl BackendHealth {
    /// A backend of which nothing is known: `Unknown`, without traffic until its first success.
    #[must_use]
    pub fn new(now: Time, policy: BackendPolicy, weight: Weight, seed: u64) -> Self {
        Self::started(now, policy, weight, seed, HealthState::Unknown)
    }

    /// A backend found in service after a restart: it keeps its traffic, at
    /// full weight, until `fall` failures.
    #[must_use]
    pub fn adopt(now: Time, policy: BackendPolicy, weight: Weight, seed: u64) -> Self {
        Self::started(now, policy, weight, seed, HealthState::Suspect { failures: 0 })
    }

    /// A backend found in service after a restart in the middle of its slow
    /// start: as with [`adopt`](Self::adopt), but its weight goes on growing
    /// from that step. Without a slow start, or at its last step, it is the whole weight.
    #[must_use]
    pub fn adopt_at(now: Time, policy: BackendPolicy, weight: Weight, seed: u64, step: u32) -> Self {
        let mut adopted = Self::adopt(now, policy, weight, seed);
        adopted.ramp = policy.slow_start.and_then(|slow_start| Ramp::resume(now, slow_start, step));
        adopted.climb(now);
        adopted.told_weight = adopted.weight;
        adopted
    }

    fn started(now: Time, policy: BackendPolicy, weight: Weight, seed: u64, state: HealthState) -> Self {
        let mut prober = Prober::new(now, seed);
        prober.begin(now, &policy);
        Self {
            policy,
            state,
            cause: Cause::Started,
            in_service_since: now,
            prober,
            evidence: Evidence::default(),
            full: weight,
            ramp: None,
            weight,
            told_state: state,
            told_weight: weight,
        }
    }

    /// Takes a check's result; one that is late, or not of the check in flight, is ignored.
    ///
    /// Exactly at its deadline a result still counts.
    pub fn handle_result(&mut self, now: Time, id: ProbeId, outcome: Outcome) {
        if self.prober.deadline().is_some_and(|deadline| deadline < now) {
            return self.handle_timeout(now);
        }
        if self.prober.finish(id) {
            self.judge(now, outcome);
        }
        self.handle_timeout(now);
    }

    /// Takes what a flow said of the backend; nothing comes of it without a passive policy.
    pub fn handle_observation(&mut self, now: Time, observation: Observation) {
        let Some(passive) = self.policy.passive else { return };
        if !self.state.in_service() || !self.evidence.observe(now, &passive, observation) {
            return;
        }
        let before = self.state;
        let cause = Cause::Observed(observation);
        match passive.verdict {
            PassiveVerdict::Doubt => self.set_state(now, Input::Doubted, cause),
            PassiveVerdict::Failure => {
                let served = now.saturating_since(self.in_service_since);
                self.set_state(now, Input::Failed, cause);
                if !self.state.in_service() {
                    self.evidence.hold_down(now, &passive, served);
                }
            }
        }
        if self.state != before {
            self.prober.pace(&self.policy, self.state.is_settled());
        }
        self.handle_timeout(now);
    }

    /// Puts the backend back by hand: `Unknown` if it was disabled, else no change.
    pub fn handle_enable(&mut self, now: Time) {
        if self.state == HealthState::Disabled {
            self.evidence.clear();
            self.prober.begin(now, &self.policy);
            self.set_state(now, Input::Enabled, Cause::Command);
        }
        self.handle_timeout(now);
    }

    /// Takes the backend out by hand: no checks, no new flows; a check in flight is cancelled.
    pub fn handle_disable(&mut self, now: Time) {
        self.prober.stop();
        self.set_state(now, Input::Disabled, Cause::Command);
        self.climb(now);
    }

    /// Sets the configured weight; a slow start under way goes on towards it.
    pub fn handle_weight(&mut self, now: Time, weight: Weight) {
        self.full = weight;
        self.handle_timeout(now);
    }

    /// Replaces the policy; state and counts stay, the next check follows the new pace.
    pub fn handle_policy(&mut self, now: Time, policy: BackendPolicy) {
        self.policy = policy;
        if policy.slow_start.is_none() {
            self.ramp = None;
        }
        if self.state != HealthState::Disabled {
            self.prober.pace(&self.policy, self.state.is_settled());
        }
        self.handle_timeout(now);
    }

    /// Does what is due: ends a check that took too long, starts the next, climbs a step.
    pub fn handle_timeout(&mut self, now: Time) {
        if self.prober.expire(now) {
            self.judge(now, Outcome::Failure(ProbeFailure::Timeout));
        }
        self.prober.start_if_due(now, self.policy.timeout);
        self.climb(now);
    }

    /// The next check to make or to give up.
    #[must_use]
    pub fn poll_transmit(&mut self) -> Option<Transmit> {
        self.prober.poll_transmit()
    }

    /// The next fact: first the state, then the weight.
    #[must_use]
    pub fn poll_event(&mut self) -> Option<BackendEvent> {
        if self.told_state != self.state {
            let from = core::mem::replace(&mut self.told_state, self.state);
            return Some(BackendEvent::StateChanged { from, to: self.state, cause: self.cause });
        }
        if self.told_weight != self.weight {
            self.told_weight = self.weight;
            return Some(BackendEvent::WeightChanged { weight: self.weight });
        }
        None
    }

    /// When `handle_timeout` is next needed; `None` while disabled.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Time> {
        let step = self.ramp.map(|ramp| ramp.next_step());
        [self.prober.poll_timeout(), step].into_iter().flatten().min()
    }

    /// The state.
    #[must_use]
    pub const fn state(&self) -> HealthState {
        self.state
    }

    /// What last changed the state.
    #[must_use]
    pub const fn cause(&self) -> Cause {
        self.cause
    }

    /// Whether it may get new flows.
    #[must_use]
    pub const fn in_service(&self) -> bool {
        self.state.in_service()
    }

    /// What its state means for flows.
    #[must_use]
    pub const fn traffic(&self) -> BackendState {
        self.state.traffic()
    }

    /// The weight for new flows: the configured one but for a slow start.
    #[must_use]
    pub const fn weight(&self) -> Weight {
        self.weight
    }

    /// What the service's machine needs to know.
    #[must_use]
    pub const fn report(&self) -> Report {
        Report { state: self.state, full: self.full, weight: self.weight }
    }

    fn judge(&mut self, now: Time, outcome: Outcome) {
        let held = self.evidence.holds(now);
        match outcome {
            Outcome::Success if held => {}
            // What is missing is no evidence: who can check nothing must take nobody out.
            Outcome::Undecided => {}
            Outcome::Success => self.set_state(now, Input::Succeeded, Cause::ProbeSucceeded),
            Outcome::Failure(reason) => self.set_state(now, Input::Failed, Cause::ProbeFailed(reason)),
        }
        self.prober.pace(&self.policy, self.state.is_settled());
    }

    /// The one place that assigns the state.
    fn set_state(&mut self, now: Time, input: Input, cause: Cause) {
        let next = self.state.after(input, self.policy.rise, self.policy.fall);
        if next == self.state {
            return;
        }
        let entered = next.in_service() && !self.state.in_service();
        self.state = next;
        self.cause = cause;
        if entered {
            self.in_service_since = now;
            self.ramp = self.policy.slow_start.map(|slow_start| Ramp::new(now, slow_start));
        } else if !next.in_service() {
            self.ramp = None;
        }
    }

    /// Sets the weight that the slow start has reached.
    fn climb(&mut self, now: Time) {
        self.ramp = self.ramp.and_then(|ramp| ramp.climb(now));
        self.weight = self.ramp.map_or(self.full, |ramp| ramp.weight(self.full));
    }
}

#[cfg(test)]
mod tests;
