//! The ramp: a table to read, and what holds for every one.

use core::time::Duration;
use std::vec::Vec;

use proptest::prelude::*;

use super::Ramp;
use crate::config::units::Share;
use crate::health::SlowStart;
use crate::identity::Weight;
use crate::time::Time;

fn slow_start(duration: Duration, steps: u32, from_percent: u32) -> SlowStart {
    let from = Share::from_billionths(from_percent * 10_000_000).expect("a percentage");
    SlowStart { duration, steps, from }
}

/// The weights at each step as an owner sees them, with the seconds at which they come.
fn climb(slow_start: SlowStart, full: Weight) -> Vec<(f64, u16)> {
    let start = Time::from_secs(100);
    let mut seen = Vec::new();
    let (mut now, mut next) = (start, Some(Ramp::new(start, slow_start)));
    while let Some(ramp) = next {
        seen.push(((now - start).as_secs_f64(), ramp.weight(full).0));
        now = ramp.next_step();
        next = ramp.climb(now);
    }
    seen.push(((now - start).as_secs_f64(), full.0));
    seen
}

#[test]
fn a_weight_of_100_in_five_steps_from_a_tenth() {
    let weights = climb(slow_start(Duration::from_secs(30), 5, 10), Weight(100));
    assert_eq!(weights, [(0.0, 10), (6.0, 28), (12.0, 46), (18.0, 64), (24.0, 82), (30.0, 100)]);
}

#[test]
fn a_small_weight_is_never_zero() {
    let weights = climb(slow_start(Duration::from_secs(4), 4, 0), Weight(2));
    assert_eq!(weights, [(0.0, 1), (1.0, 1), (2.0, 1), (3.0, 2), (4.0, 2)]);
    let weights = climb(slow_start(Duration::from_secs(4), 4, 10), Weight(0));
    assert!(weights.iter().all(|(_, weight)| *weight == 0), "no weight is no weight");
}

#[test]
fn what_goes_on_at_a_step_has_the_rest_before_it() {
    let slow_start = slow_start(Duration::from_secs(30), 5, 10);
    let now = Time::from_secs(7);
    let ramp = Ramp::resume(now, slow_start, 3).unwrap();
    assert_eq!((ramp.weight(Weight(100)), ramp.next_step() - now), (Weight(64), Duration::from_secs(6)));
    let ramp = ramp.climb(ramp.next_step()).unwrap();
    assert_eq!((ramp.weight(Weight(100)), ramp.next_step() - now), (Weight(82), Duration::from_secs(12)));
    assert!(ramp.climb(ramp.next_step()).is_none() && Ramp::resume(now, slow_start, 5).is_none());
}

proptest! {
    /// Weights climb, every step is a deadline in the future, the last is the whole weight in time.
    #[test]
    fn weights_are_monotone_and_end_whole(
        nanoseconds in 1_000_000_u64..86_400_000_000_000,
        steps in 1_u32..=1_000,
        from in 0_u32..=100,
        full in 1_u16..,
        looks in proptest::collection::vec(0_u64..100_000_000_000_000, 0..20),
    ) {
        let slow_start = slow_start(Duration::from_nanos(nanoseconds), steps, from);
        let start = Time::from_secs(1);
        let mut previous = Weight(1);
        let mut now = start;
        let mut ramp = Ramp::new(start, slow_start);
        loop {
            prop_assert!(previous <= ramp.weight(Weight(full)));
            previous = ramp.weight(Weight(full));
            prop_assert!(ramp.next_step() > now);
            now = ramp.next_step();
            let Some(next) = ramp.climb(now) else { break };
            ramp = next;
        }
        prop_assert!(previous <= Weight(full));
        prop_assert_eq!(now, start + slow_start.duration);

        // Whoever looks rarely sees the same weights as whoever looks at every step.
        for look in looks {
            let at = start + Duration::from_nanos(look);
            let direct = Ramp::new(start, slow_start).climb(at);
            let mut stepwise = Some(Ramp::new(start, slow_start));
            while let Some(ramp) = stepwise.filter(|ramp| ramp.next_step() <= at) {
                stepwise = ramp.climb(ramp.next_step());
            }
            let weight = |ramp: Option<Ramp>| ramp.map(|ramp| ramp.weight(Weight(full)));
            prop_assert_eq!(weight(direct), weight(stepwise));
        }
    }
}
