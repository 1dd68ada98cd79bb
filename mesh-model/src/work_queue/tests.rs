//! Tests of the queue: every pair of state and input, waits, fairness, and random events beside a naive model of client-go's.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use proptest::prelude::*;

use super::*;

#[test]
fn every_pair_of_state_and_input() {
    use Input::{Again, Changed, Due, Failed, Forgotten, Succeeded, Taken};
    use KeyState::{Dirty, Idle, Leaving, Queued, Waiting, Working};
    let inputs = [Again, Changed, Due, Failed, Forgotten, Succeeded, Taken];
    let table = [
        (Dirty, [Queued, Dirty, Dirty, Queued, Leaving, Queued, Dirty]),
        (Idle, [Idle, Queued, Idle, Idle, Idle, Idle, Idle]),
        (Leaving, [Idle, Dirty, Leaving, Idle, Leaving, Idle, Leaving]),
        (Queued, [Queued, Queued, Queued, Queued, Idle, Queued, Working]),
        (Waiting, [Waiting, Queued, Queued, Waiting, Idle, Waiting, Waiting]),
        (Working, [Waiting, Dirty, Working, Waiting, Leaving, Idle, Working]),
    ];
    for (state, row) in table {
        for (input, expected) in inputs.into_iter().zip(row) {
            assert_eq!(next(state, input), expected, "{state:?} {input:?}");
        }
    }
}

fn back_off(jitter: &str) -> BackOff {
    BackOff { base: Duration::from_millis(10), most: Duration::from_secs(1), jitter: jitter.parse().unwrap() }
}

#[test]
fn waits_double_up_to_the_most_and_are_shortened_by_a_part() {
    let none = back_off("0%");
    let waits: Vec<u128> = (1..=9).map(|failures| none.wait(failures, u64::MAX).as_millis()).collect();
    assert_eq!(waits, [10, 20, 40, 80, 160, 320, 640, 1_000, 1_000]);
    assert_eq!([32, 33, 64, 65, u32::MAX].map(|failures| none.wait(failures, 0).as_millis()), [1_000; 5]);
    let some = back_off("50%");
    assert_eq!(some.wait(4, 0), Duration::from_millis(80));
    assert_eq!(some.wait(4, u64::MAX / 2).as_millis(), 60);
    let least = some.wait(4, u64::MAX);
    assert!(least >= Duration::from_millis(40) && least < Duration::from_micros(40_001), "{least:?}");
    assert_eq!(back_off("100%").wait(1, u64::MAX).as_millis(), 0);
}

#[test]
fn what_failed_together_does_not_come_back_together_and_a_seed_is_a_seed() {
    let times = |seed| {
        let mut queue = WorkQueue::new(back_off("50%"), 1_000, seed);
        (0..1_000_u32).for_each(|key| queue.handle_change(key));
        while let Some(key) = queue.poll_transmit() {
            queue.handle_result(Time::ZERO, &key, WorkResult::Failed);
        }
        queue.waiting.iter().map(|(until, _, _)| *until).collect::<Vec<Time>>()
    };
    let found = times(7);
    let different: BTreeSet<&Time> = found.iter().collect();
    assert!(different.len() > 990, "{}", different.len());
    let early = found.iter().filter(|until| until.as_nanos() < 7_500_000).count();
    assert!((400..600).contains(&early), "half of them in the first half: {early}");
    assert_eq!(found, times(7));
    assert_ne!(found, times(8));
}

#[test]
fn success_resets_a_change_in_the_middle_queues_again_and_a_failure_waits() {
    let mut queue = WorkQueue::new(back_off("0%"), 2, 0);
    let at = |milliseconds| Time::ZERO + Duration::from_millis(milliseconds);
    queue.handle_change("a");
    for (failures, wait) in [(1, 10), (2, 20), (3, 40)] {
        assert_eq!(queue.poll_transmit(), Some("a"));
        queue.handle_result(at(0), &"a", WorkResult::Failed);
        assert_eq!(
            (queue.failures(&"a"), queue.poll_timeout(), queue.poll_transmit()),
            (failures, Some(at(wait)), None)
        );
        queue.handle_timeout(at(wait));
    }
    assert_eq!(queue.poll_transmit(), Some("a"));
    queue.handle_change("a");
    assert_eq!(queue.poll_transmit(), None, "by one worker at a time");
    queue.handle_result(at(0), &"a", WorkResult::Succeeded);
    assert_eq!(
        (queue.failures(&"a"), queue.poll_transmit()),
        (0, Some("a")),
        "it changed while it was worked on"
    );
    queue.handle_result(at(0), &"a", WorkResult::Failed);
    queue.handle_change("a");
    assert_eq!(
        (queue.poll_transmit(), queue.poll_timeout()),
        (Some("a"), None),
        "a change may have mended it"
    );
    queue.handle_result(at(0), &"a", WorkResult::Again(Duration::from_secs(60)));
    assert_eq!((queue.poll_timeout(), queue.failures(&"a")), (Some(at(60_000)), 0));
    queue.handle_forget(&"a");
    assert_eq!((queue.poll_timeout(), queue.keys.len()), (None, 0), "nothing to do costs nothing");
    queue.handle_change("a");
    assert_eq!(queue.poll_transmit(), Some("a"));
    queue.handle_forget(&"a");
    queue.handle_result(at(0), &"a", WorkResult::Failed);
    assert_eq!((queue.state(&"a"), queue.keys.len(), queue.working), (KeyState::Idle, 0, 0));
}

/// A step of a test: what happens, to which key.
fn steps() -> impl Strategy<Value = Vec<(u8, u8)>> {
    prop::collection::vec((0..7_u8, 0..5_u8), 1..200)
}

proptest! {
    /// Beside client-go's own three sets: the queue, the dirty, the processing.
    #[test]
    fn it_takes_what_a_naive_queue_takes(steps in steps(), workers in 1..4_usize) {
        let mut queue = WorkQueue::new(back_off("50%"), workers, 3);
        let (mut order, mut dirty, mut processing) = (VecDeque::new(), BTreeSet::new(), BTreeSet::new());
        let mut delayed: BTreeSet<u8> = BTreeSet::new();
        let mut now = Time::ZERO;
        let add = |key: u8, order: &mut VecDeque<u8>, dirty: &mut BTreeSet<u8>, processing: &BTreeSet<u8>| {
            if dirty.insert(key) && !processing.contains(&key) {
                order.push_back(key);
            }
        };
        for (kind, key) in steps {
            match kind {
                0..=2 => {
                    queue.handle_change(key);
                    add(key, &mut order, &mut dirty, &processing);
                    delayed.remove(&key);
                }
                3 | 4 => {
                    let result = if kind == 3 { WorkResult::Succeeded } else { WorkResult::Failed };
                    queue.handle_result(now, &key, result);
                    if processing.remove(&key) {
                        if dirty.contains(&key) {
                            order.push_back(key);
                        } else if kind == 4 {
                            delayed.insert(key);
                        }
                    }
                }
                5 => {
                    now = now + Duration::from_secs(2); // all waits are over
                    let due: Vec<u8> = queue.waiting.iter().map(|(_, _, key)| *key).collect();
                    queue.handle_timeout(now);
                    for key in due {
                        prop_assert!(delayed.remove(&key));
                        add(key, &mut order, &mut dirty, &processing);
                    }
                    prop_assert!(delayed.is_empty());
                }
                _ => {
                    let expected = (processing.len() < workers).then(|| order.pop_front()).flatten();
                    if let Some(key) = expected {
                        dirty.remove(&key);
                        processing.insert(key);
                    }
                    prop_assert_eq!(queue.poll_transmit(), expected);
                }
            }
            prop_assert_eq!((queue.len(), queue.working, queue.waiting.len()), (order.len(), processing.len(), delayed.len()));
        }
    }

    /// Whoever is queued waits for no more takes than there were keys ahead.
    #[test]
    fn nobody_waits_longer_than_for_those_ahead(steps in steps()) {
        let mut queue = WorkQueue::new(back_off("50%"), 2, 3);
        let mut ahead: BTreeMap<u8, usize> = BTreeMap::new();
        let mut now = Time::ZERO;
        for (kind, key) in steps {
            match kind {
                0..=2 => queue.handle_change(key),
                3 => queue.handle_result(now, &key, WorkResult::Succeeded),
                4 => queue.handle_result(now, &key, WorkResult::Failed),
                5 => queue.handle_forget(&key),
                _ => {}
            }
            now = now + Duration::from_millis(3);
            queue.handle_timeout(now);
            ahead.retain(|key, _| queue.state(key) == KeyState::Queued);
            for (place, key) in queue.queued.values().enumerate() {
                ahead.entry(*key).or_insert(place);
            }
            if let Some(taken) = queue.poll_transmit() {
                prop_assert!(ahead.remove(&taken).is_some());
                for left in ahead.values_mut() {
                    prop_assert!(*left > 0, "it was passed by");
                    *left -= 1;
                }
            }
        }
    }
}
