//! What holds whatever happens to a backend, in whatever order.

use super::*;

#[derive(Clone, Debug)]
enum Step {
    Disable,
    Enable,
    Observe(Observation),
    Pass(u32),
    /// A result of the check in flight, if any, after so many milliseconds.
    Result(u32, bool),
    /// A result of a check that is not in flight.
    StaleResult(u64, bool),
    UntilTimeout,
    Weigh(u16),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        1 => Just(Step::Disable),
        2 => Just(Step::Enable),
        3 => prop_oneof![
            Just(Observation::Answered),
            Just(Observation::Reset),
            Just(Observation::SynUnanswered)
        ]
        .prop_map(Step::Observe),
        2 => (0_u32..20_000).prop_map(Step::Pass),
        8 => (0_u32..2_000, any::<bool>()).prop_map(|(after, success)| Step::Result(after, success)),
        2 => (0_u64..40, any::<bool>()).prop_map(|(id, success)| Step::StaleResult(id, success)),
        8 => Just(Step::UntilTimeout),
        1 => any::<u16>().prop_map(Step::Weigh),
    ]
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    proptest::collection::vec(step(), 0..100)
}

fn any_policy() -> impl Strategy<Value = BackendPolicy> {
    let times = (2_u64..10_000, 1_u64..=100, 1_u64..3_000, 0_u64..=50);
    let passive = (1_u32..4, any::<bool>());
    (times, 1_u32..4, 1_u32..4, passive, any::<bool>()).prop_map(
        |((interval, fast, timeout, jitter), rise, fall, (threshold, failure), slow)| {
            let milliseconds = |number| Some(Duration::from_millis(number).into());
            let verdict = if failure { PassiveVerdict::Failure } else { PassiveVerdict::Doubt };
            let slow_start =
                SlowStartFile { duration: Duration::from_secs(7).into(), steps: Some(3), from: None };
            let passive = PassiveFile {
                threshold,
                within: None,
                verdict: Some(verdict),
                hold_min: milliseconds(500),
                hold_max: milliseconds(4_000),
            };
            let file = HealthFile {
                interval: milliseconds(interval),
                fast_interval: milliseconds((interval * fast).div_ceil(100)),
                timeout: milliseconds(timeout),
                rise: Some(rise),
                fall: Some(fall),
                jitter: Some(std::format!("{jitter}%").parse().expect("a share")),
                slow_start: slow.then_some(slow_start),
                passive: Some(passive),
                ..HealthFile::default()
            };
            file.backend_policy().expect("valid by construction")
        },
    )
}

/// Takes one step; `true` if a check succeeded in time.
fn take(bench: &mut Bench, step: &Step) -> bool {
    let outcome = |success| if success { Outcome::Success } else { REFUSED };
    let mut succeeded = false;
    match *step {
        Step::Disable => bench.backend.handle_disable(bench.now),
        Step::Enable => bench.backend.handle_enable(bench.now),
        Step::Observe(observation) => bench.backend.handle_observation(bench.now, observation),
        Step::Pass(milliseconds) => {
            bench.now += Duration::from_millis(milliseconds.into());
            bench.backend.handle_timeout(bench.now);
        }
        Step::Result(after, success) => {
            if let Some(probe) = bench.in_flight {
                bench.now += Duration::from_millis(after.into());
                let in_time = bench.now <= probe.deadline;
                succeeded = success && in_time;
                if in_time {
                    bench.in_flight = None;
                }
                bench.backend.handle_result(bench.now, probe.id, outcome(success));
            }
        }
        Step::StaleResult(id, success) => {
            if bench.in_flight.map(|probe| probe.id) != Some(ProbeId(id)) {
                let before = bench.backend.state();
                bench.backend.handle_result(bench.now, ProbeId(id), outcome(success));
                assert_eq!(bench.backend.state(), before, "a result nobody waits for changes nothing");
            }
        }
        Step::UntilTimeout => {
            if let Some(timeout) = bench.backend.poll_timeout() {
                bench.now = bench.now.max(timeout);
                bench.backend.handle_timeout(bench.now);
            }
        }
        Step::Weigh(weight) => bench.backend.handle_weight(bench.now, Weight(weight)),
    }
    bench.drain();
    succeeded
}

/// Runs the steps; the bench checks on the way that no two checks are in flight.
fn run(policy: BackendPolicy, seed: u64, steps: &[Step], mut each: impl FnMut(&Bench, &Step, bool)) -> Bench {
    let mut bench = Bench::new(BackendHealth::new(Time::ZERO, policy, Weight(100), seed));
    for step in steps {
        let succeeded = take(&mut bench, step);
        each(&bench, step, succeeded);
    }
    bench
}

proptest! {
    #[test]
    fn no_traffic_before_the_first_success(policy in any_policy(), seed: u64, steps in steps()) {
        let mut proven = false;
        run(policy, seed, &steps, |bench, step, succeeded| {
            proven |= succeeded;
            if matches!(step, Step::Disable) {
                proven = false;
            }
            assert!(proven || !bench.backend.in_service());
        });
    }

    #[test]
    fn the_deadline_is_always_ahead_and_asking_early_changes_nothing(
        policy in any_policy(), seed: u64, steps in steps(),
    ) {
        run(policy, seed, &steps, |bench, _, _| {
            let timeout = bench.backend.poll_timeout();
            assert!(timeout.is_none_or(|timeout| timeout > bench.now), "{timeout:?} at {}", bench.now);
            assert_eq!(timeout.is_none(), bench.backend.state() == HealthState::Disabled);
            let mut again = bench.backend.clone();
            again.handle_timeout(bench.now);
            again.handle_timeout(bench.now);
            assert_eq!(again.poll_timeout(), timeout);
            assert_eq!((again.poll_transmit(), again.poll_event()), (None, None));
        });
    }

    #[test]
    fn events_tell_the_whole_story(policy in any_policy(), seed: u64, steps in steps()) {
        let bench = run(policy, seed, &steps, |_, _, _| ());
        let (mut state, mut weight) = (HealthState::Unknown, Weight(100));
        for event in &bench.told {
            match *event {
                BackendEvent::StateChanged { from, to, cause: _ } => {
                    prop_assert_eq!(from, state);
                    prop_assert_ne!(from, to);
                    state = to;
                }
                BackendEvent::WeightChanged { weight: told } => weight = told,
            }
        }
        prop_assert_eq!((state, weight), (bench.backend.state(), bench.backend.weight()));
    }

    #[test]
    fn the_same_seed_gives_the_same_course(policy in any_policy(), seed: u64, steps in steps()) {
        let one = run(policy, seed, &steps, |_, _, _| ());
        let two = run(policy, seed, &steps, |_, _, _| ());
        prop_assert_eq!(one.told, two.told);
        prop_assert_eq!(one.now, two.now);
    }
}
