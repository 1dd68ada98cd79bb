//! Retry policies and their amplification.

use super::*;
use crate::random::Seed;

#[test]
fn pauses_double_up_to_the_longest() {
    let policy = RetryPolicy {
        retries: 100,
        backoff: Duration::from_millis(25),
        backoff_max: Duration::from_millis(250),
        jitter: false,
    };
    let mut stream = Seed(1).stream("client", "retry");
    let pauses: Vec<u128> = (1..=6)
        .filter_map(|attempt| policy.pause_after(attempt, &mut stream))
        .map(|pause| pause.as_millis())
        .collect();
    assert_eq!(pauses, [25, 50, 100, 200, 250, 250]);
    assert_eq!(policy.pause_after(100, &mut stream), Some(Duration::from_millis(250)));
    assert_eq!(policy.pause_after(101, &mut stream), None);
}

#[test]
fn jitter_covers_the_whole_range() {
    let policy = RetryPolicy {
        retries: 1,
        backoff: Duration::from_nanos(4),
        backoff_max: Duration::MAX,
        jitter: true,
    };
    let mut stream = Seed(1).stream("client", "retry");
    let mut seen = [0; 4];
    for _ in 0..400 {
        let pause = policy.pause_after(1, &mut stream).unwrap();
        seen[pause.as_nanos() as usize] += 1;
    }
    assert!(seen.iter().all(|&count| (70..=130).contains(&count)), "{seen:?}");
}

#[test]
fn a_budget_bounds_an_outage() {
    let mut budget = RetryBudget::new(0.2, 10);
    let mut retries = 0;
    for _ in 0..1000 {
        budget.handle_request();
        retries += u32::from(budget.handle_retry());
    }
    assert!((200..=210).contains(&retries), "{retries}");
}
