//! One backend's machine: scripts to read, then what holds for every course of events.

use core::time::Duration;
use std::string::String;
use std::vec::Vec;

use proptest::prelude::*;

use super::{BackendEvent, BackendHealth, Cause};
use crate::health::{
    BackendPolicy, HealthFile, HealthState, Observation, Outcome, PassiveFile, PassiveVerdict, Probe,
    ProbeFailure, ProbeId, SlowStartFile, Transmit,
};
use crate::identity::Weight;
use crate::time::Time;

mod detection;
mod properties;

const REFUSED: Outcome = Outcome::Failure(ProbeFailure::Refused);

/// A policy from a YAML text, as a person would write it.
fn policy(text: &str) -> BackendPolicy {
    let file: HealthFile = serde_saphyr::from_str(text).expect("the text parses");
    file.backend_policy().expect("the settings are valid")
}

/// A backend, the adapter's side of it, and what was told.
struct Bench {
    now: Time,
    backend: BackendHealth,
    in_flight: Option<Probe>,
    told: Vec<BackendEvent>,
}

impl Bench {
    fn new(backend: BackendHealth) -> Self {
        let mut bench = Self { now: Time::ZERO, backend, in_flight: None, told: Vec::new() };
        bench.drain();
        bench
    }

    /// Drains as the contract says; checks that no two checks are in flight.
    fn drain(&mut self) {
        while let Some(transmit) = self.backend.poll_transmit() {
            match transmit {
                Transmit::Cancel(id) => {
                    assert_eq!(
                        self.in_flight.take().map(|probe| probe.id),
                        Some(id),
                        "cancels what is in flight"
                    );
                }
                Transmit::Start(probe) => {
                    assert_eq!(self.in_flight.replace(probe), None, "no two checks in flight");
                }
            }
        }
        while let Some(event) = self.backend.poll_event() {
            self.told.push(event);
        }
    }

    /// Lets time pass until the next check starts.
    fn until_check(&mut self) -> Probe {
        while self.in_flight.is_none() {
            self.now = self.backend.poll_timeout().expect("checks go on");
            self.backend.handle_timeout(self.now);
            self.drain();
        }
        self.in_flight.expect("the loop ended")
    }

    /// The next check has this outcome at once.
    fn check(&mut self, outcome: Outcome) -> HealthState {
        let probe = self.until_check();
        self.in_flight = None;
        self.backend.handle_result(self.now, probe.id, outcome);
        self.drain();
        self.backend.state()
    }

    fn at(&mut self, now: Time) {
        self.now = now;
        self.backend.handle_timeout(now);
        self.drain();
    }
}

#[test]
fn a_check_that_could_not_be_made_changes_nothing() {
    let policy = policy("{ interval: 10s, fastInterval: 2s, rise: 2, fall: 2 }");
    let mut bench = Bench::new(BackendHealth::new(Time::ZERO, policy, Weight(1), 7));
    // Before each state that a check can leave it in, and in the count of either kind.
    let steps = [Outcome::Success, Outcome::Success, REFUSED, REFUSED, Outcome::Success, REFUSED];
    for outcome in steps {
        let (before, told) = (bench.backend.state(), bench.told.len());
        let first = bench.until_check();
        assert_eq!(bench.check(Outcome::Undecided), before);
        assert_eq!(bench.told.len(), told, "nothing to tell");
        let began = bench.now;
        assert_ne!(bench.until_check().id, first.id, "the next one comes");
        let pace = if before == HealthState::Up { 10 } else { 2 };
        assert_eq!(bench.now, began + Duration::from_secs(pace));
        bench.check(outcome);
    }
    assert_eq!(bench.backend.state(), HealthState::Down);
}

#[test]
fn a_life_with_rise_two_and_fall_three() {
    use HealthState::{Down, Recovering, Suspect, Unknown, Up};
    let backend = BackendHealth::new(
        Time::ZERO,
        policy("{ interval: 10s, timeout: 1s, rise: 2, fall: 3 }"),
        Weight(7),
        1,
    );
    let mut bench = Bench::new(backend);
    assert_eq!(bench.backend.state(), Unknown);
    let course = [
        (Outcome::Success, Up),
        (REFUSED, Suspect { failures: 1 }),
        (REFUSED, Suspect { failures: 2 }),
        (Outcome::Success, Up),
        (REFUSED, Suspect { failures: 1 }),
        (REFUSED, Suspect { failures: 2 }),
        (REFUSED, Down),
        (REFUSED, Down),
        (Outcome::Success, Recovering { successes: 1 }),
        (REFUSED, Down),
        (Outcome::Success, Recovering { successes: 1 }),
        (Outcome::Success, Up),
    ];
    for (step, (outcome, expected)) in course.into_iter().enumerate() {
        assert_eq!(bench.check(outcome), expected, "step {step}");
    }
    let first = BackendEvent::StateChanged { from: Unknown, to: Up, cause: Cause::ProbeSucceeded };
    assert_eq!(bench.told[0], first);
    let fell = BackendEvent::StateChanged {
        from: Suspect { failures: 2 },
        to: Down,
        cause: Cause::ProbeFailed(ProbeFailure::Refused),
    };
    assert!(bench.told.contains(&fell));
}

#[test]
fn checks_come_at_the_interval_and_faster_while_failing() {
    let text = "{ interval: 10s, fastInterval: 2s, timeout: 1s, fall: 2, startWithin: 1ms }";
    let mut bench = Bench::new(BackendHealth::new(Time::ZERO, policy(text), Weight(1), 1));
    bench.until_check();
    let start = bench.now;
    let mut log = String::new();
    for outcome in [Outcome::Success, Outcome::Success, REFUSED, REFUSED, REFUSED, Outcome::Success, REFUSED]
    {
        bench.check(outcome);
        log += &std::format!("{}s {:?}\n", (bench.now - start).as_secs(), bench.backend.state());
    }
    assert_eq!(
        log,
        "0s Up\n10s Up\n20s Suspect { failures: 1 }\n22s Down\n24s Down\n26s Up\n36s Suspect { failures: 1 }\n"
    );
}

#[test]
fn a_check_without_result_fails_at_its_deadline_and_is_cancelled() {
    let text = "{ interval: 5s, timeout: 2s, fall: 1, startWithin: 1ms }";
    let mut bench = Bench::new(BackendHealth::adopt(Time::ZERO, policy(text), Weight(1), 1));
    let probe = bench.until_check();
    assert_eq!(probe.deadline, bench.now + Duration::from_secs(2));
    assert_eq!(bench.backend.poll_timeout(), Some(probe.deadline));
    bench.at(probe.deadline);
    assert_eq!((bench.backend.state(), bench.in_flight), (HealthState::Down, None));
    assert_eq!(bench.backend.cause(), Cause::ProbeFailed(ProbeFailure::Timeout));

    // Its result comes after all, and counts for nothing.
    bench.backend.handle_result(bench.now, probe.id, Outcome::Success);
    assert_eq!(bench.backend.state(), HealthState::Down);
}

#[test]
fn a_result_exactly_at_the_deadline_counts_and_one_after_does_not() {
    let text = "{ interval: 5s, timeout: 2s, startWithin: 1ms }";
    for (late, expected) in [(0, HealthState::Up), (1, HealthState::Down)] {
        let mut bench = Bench::new(BackendHealth::new(Time::ZERO, policy(text), Weight(1), 1));
        let probe = bench.until_check();
        let now = probe.deadline + Duration::from_nanos(late);
        bench.backend.handle_result(now, probe.id, Outcome::Success);
        assert_eq!(bench.backend.state(), expected, "{late} ns late");
    }
}

#[test]
fn a_check_longer_than_the_interval_delays_the_next_and_drops_what_was_missed() {
    let text = "{ interval: 1s, timeout: 10s, startWithin: 1ms }";
    let mut bench = Bench::new(BackendHealth::new(Time::ZERO, policy(text), Weight(1), 1));
    let probe = bench.until_check();
    let answered = bench.now + Duration::from_millis(3_500);
    bench.in_flight = None;
    bench.backend.handle_result(answered, probe.id, Outcome::Success);
    bench.drain();
    let second = bench.in_flight.expect("the next starts at once");
    assert_eq!(second.deadline, answered + Duration::from_secs(10));
    bench.in_flight = None;
    bench.backend.handle_result(answered, second.id, Outcome::Success);
    assert_eq!(bench.backend.poll_timeout(), Some(answered + Duration::from_secs(1)), "no burst");
}

#[test]
fn an_adopted_backend_keeps_its_whole_weight_until_fall_failures() {
    let text = "{ interval: 5s, timeout: 1s, fall: 3, slowStart: { duration: 60s } }";
    let mut bench = Bench::new(BackendHealth::adopt(Time::ZERO, policy(text), Weight(100), 1));
    for expected in [true, true, false] {
        assert_eq!(bench.backend.weight(), Weight(100));
        bench.check(REFUSED);
        assert_eq!(bench.backend.in_service(), expected);
    }
}

#[test]
fn a_hand_takes_out_and_back() {
    let text = "{ interval: 5s, timeout: 1s, rise: 3 }";
    let mut bench = Bench::new(BackendHealth::new(Time::ZERO, policy(text), Weight(1), 1));
    bench.check(Outcome::Success);
    let probe = bench.until_check();
    bench.backend.handle_disable(bench.now);
    assert_eq!(bench.backend.poll_transmit(), Some(Transmit::Cancel(probe.id)));
    bench.in_flight = None;
    assert_eq!((bench.backend.state(), bench.backend.poll_timeout()), (HealthState::Disabled, None));
    bench.backend.handle_result(bench.now, probe.id, Outcome::Success);
    bench.backend.handle_observation(bench.now, Observation::Reset);
    assert_eq!(bench.backend.state(), HealthState::Disabled);

    bench.backend.handle_enable(bench.now);
    assert_eq!(bench.backend.state(), HealthState::Unknown, "it must prove itself again");
    assert_eq!(bench.check(Outcome::Success), HealthState::Up);
}

#[test]
fn a_check_that_nobody_was_told_of_is_not_cancelled() {
    let mut backend =
        BackendHealth::new(Time::ZERO, policy("{ timeout: 1s, startWithin: 1ms }"), Weight(1), 1);
    backend.handle_timeout(Time::from_secs(1));
    backend.handle_disable(Time::from_secs(1));
    assert_eq!(backend.poll_transmit(), None);
}

#[test]
fn the_weight_climbs_in_steps_and_starts_again_after_a_fall() {
    let text = "{ interval: 100s, timeout: 1s, slowStart: { duration: 40s, steps: 4, from: 20% } }";
    let mut bench = Bench::new(BackendHealth::new(Time::ZERO, policy(text), Weight(10), 1));
    bench.check(Outcome::Success);
    let start = bench.now;
    let mut weights = Vec::from([bench.backend.weight().0]);
    for seconds in [10, 20, 30, 40] {
        assert_eq!(bench.backend.poll_timeout(), Some(start + Duration::from_secs(seconds)));
        bench.at(start + Duration::from_secs(seconds));
        weights.push(bench.backend.weight().0);
    }
    assert_eq!(weights, [2, 4, 6, 8, 10]);
    assert_eq!(bench.told.last(), Some(&BackendEvent::WeightChanged { weight: Weight(10) }));
    bench.check(REFUSED);
    bench.check(Outcome::Success);
    assert_eq!(bench.backend.weight(), Weight(2));
    bench.backend.handle_weight(bench.now, Weight(50));
    assert_eq!(bench.backend.weight(), Weight(10), "a fifth of the new weight");
}

#[test]
fn doubt_brings_the_next_check_forward_and_decides_nothing() {
    let text = "{ interval: 60s, fastInterval: 1s, timeout: 1s, passive: { threshold: 3 } }";
    let mut bench = Bench::new(BackendHealth::new(Time::ZERO, policy(text), Weight(1), 1));
    bench.check(Outcome::Success);
    let seen = bench.now + Duration::from_secs(5);
    for _ in 0..2 {
        bench.backend.handle_observation(seen, Observation::SynUnanswered);
    }
    bench.backend.handle_observation(seen, Observation::Answered);
    for _ in 0..2 {
        bench.backend.handle_observation(seen, Observation::SynUnanswered);
    }
    assert_eq!(bench.backend.state(), HealthState::Up, "a proof of life came between");
    bench.backend.handle_observation(seen, Observation::Reset);
    assert_eq!(bench.backend.state(), HealthState::Suspect { failures: 0 });
    assert_eq!(bench.backend.cause(), Cause::Observed(Observation::Reset));
    bench.drain();
    assert!(bench.in_flight.is_some(), "the fast interval is over, so it is checked at once");
    for _ in 0..1_000 {
        bench.backend.handle_observation(seen, Observation::SynUnanswered);
    }
    assert!(bench.backend.in_service(), "a flood of forged SYNs takes nothing out");
}

#[test]
fn old_observations_do_not_add_up() {
    let text = "{ passive: { threshold: 2, within: 10s } }";
    let mut bench = Bench::new(BackendHealth::new(Time::ZERO, policy(text), Weight(1), 1));
    bench.check(Outcome::Success);
    bench.backend.handle_observation(bench.now, Observation::Reset);
    bench.backend.handle_observation(bench.now + Duration::from_secs(11), Observation::Reset);
    assert_eq!(bench.backend.state(), HealthState::Up);
    bench.backend.handle_observation(bench.now + Duration::from_secs(21), Observation::Reset);
    assert_eq!(bench.backend.state(), HealthState::Suspect { failures: 0 });
}

#[test]
fn a_fall_by_observation_holds_down_longer_each_time_and_shorter_after_peace() {
    let text = "{ interval: 1s, timeout: 1s, passive: \
                { threshold: 1, verdict: failure, holdMin: 10s, holdMax: 40s } }";
    let mut bench = Bench::new(BackendHealth::new(Time::ZERO, policy(text), Weight(1), 1));
    let mut held = Vec::new();
    for peace in [0, 0, 0, 0, 40, 1_000] {
        while !bench.backend.in_service() {
            bench.check(Outcome::Success);
        }
        let fall = bench.now + Duration::from_secs(peace);
        while bench.now < fall {
            bench.check(Outcome::Success);
        }
        let fell = bench.now;
        bench.backend.handle_observation(fell, Observation::Reset);
        bench.drain();
        while !bench.backend.in_service() {
            bench.check(Outcome::Success);
        }
        held.push((bench.now - fell).as_secs());
    }
    assert_eq!(held, [10, 20, 40, 40, 20, 10]);
}

#[test]
fn a_new_policy_keeps_the_state_and_sets_the_pace() {
    let mut bench =
        Bench::new(BackendHealth::new(Time::ZERO, policy("{ interval: 60s, fall: 5 }"), Weight(1), 1));
    bench.check(Outcome::Success);
    bench.check(REFUSED);
    bench.backend.handle_policy(bench.now, policy("{ interval: 2s, timeout: 1s, fall: 2 }"));
    assert_eq!(bench.backend.state(), HealthState::Suspect { failures: 1 });
    assert_eq!(bench.backend.poll_timeout(), Some(bench.now + Duration::from_secs(2)));
    assert_eq!(bench.check(REFUSED), HealthState::Down);
}

#[test]
fn what_is_not_drained_is_merged() {
    let mut backend = BackendHealth::new(
        Time::ZERO,
        policy("{ interval: 1s, timeout: 1s, startWithin: 1ms }"),
        Weight(1),
        1,
    );
    for second in 1..1_000 {
        backend.handle_timeout(Time::from_secs(second));
    }
    let transmits = core::iter::from_fn(|| backend.poll_transmit()).count();
    let events = core::iter::from_fn(|| backend.poll_event()).count();
    assert!(transmits <= 2 && events <= 2, "{transmits} transmits, {events} events");
}

#[test]
fn first_checks_of_many_backends_spread_over_the_interval() {
    let policy = policy("{ interval: 10s, timeout: 1s }");
    let mut per_second = [0_u32; 10];
    for seed in 0..1_000 {
        let backend = BackendHealth::new(Time::ZERO, policy, Weight(1), seed);
        let first = backend.poll_timeout().expect("a first check").saturating_since(Time::ZERO);
        per_second[usize::try_from(first.as_secs()).expect("small").min(9)] += 1;
    }
    // Binomial(1000, 0.1): mean 100, five standard deviations 47.
    assert!(per_second.iter().all(|count| (53..=147).contains(count)), "{per_second:?}");
}
