//! How long a failure stays unseen: the closed forms of an active check.
//!
//! A backend that stops answering at a uniform moment between two checks is out
//! after `I/2 + (k-1)I + T` on average, at least `(k-1)I + T`, at most `kI + T`.

use super::*;

/// From the moment a backend stops answering, a part of an interval after a check, to its fall.
fn detect(policy: BackendPolicy, phase: Duration, seed: u64) -> Duration {
    let mut bench = Bench::new(BackendHealth::new(Time::ZERO, policy, Weight(1), seed));
    bench.check(Outcome::Success);
    let stopped = bench.now + phase;
    while bench.backend.in_service() {
        let probe = bench.until_check();
        if bench.now <= stopped {
            bench.check(Outcome::Success);
        } else {
            bench.at(probe.deadline);
        }
    }
    bench.now - stopped
}

#[test]
fn detection_time_has_the_closed_form() {
    let table = [
        // mean, least, most: seconds
        ("{ interval: 5s, timeout: 1s, fall: 3 }", 13.5, 11, 16),
        ("{ interval: 10s, timeout: 5s, fall: 3 }", 30.0, 25, 35),
        ("{ interval: 1s, timeout: 1s, fall: 3 }", 3.5, 3, 4),
    ];
    for (text, mean, least, most) in table {
        let policy = policy(text);
        assert_eq!(policy.detection_bound(), Duration::from_secs(most));
        let phases = 1_000;
        let step = policy.interval() / phases;
        // The middles of a thousand equal parts of the interval: exact for a straight line.
        let times: Vec<_> = (0..phases).map(|phase| detect(policy, step * phase + step / 2, 3)).collect();
        let sum: Duration = times.iter().sum();
        assert!((sum.as_secs_f64() / f64::from(phases) - mean).abs() < 1e-6, "{text}: {sum:?}");
        assert!(times.iter().all(|time| *time > Duration::from_secs(least)), "{text}");
        assert!(times.iter().all(|time| *time <= Duration::from_secs(most)), "{text}");
    }
}

proptest! {
    /// No phase, pace, jitter or timeout takes detection over its bound.
    #[test]
    fn detection_is_bounded(
        interval in 2_u64..20_000,
        fast in 1_u64..=100,
        timeout in 1_u64..30_000,
        fall in 1_u32..6,
        jitter in 0_u64..=50,
        phase in 0.0..1.0,
        seed: u64,
    ) {
        let fast = (interval * fast).div_ceil(100);
        let text = std::format!(
            "{{ interval: {interval}ms, fastInterval: {fast}ms, timeout: {timeout}ms, \
             fall: {fall}, jitter: {jitter}% }}"
        );
        let policy = policy(&text);
        let unseen = detect(policy, policy.interval().mul_f64(phase), seed);
        prop_assert!(unseen <= policy.detection_bound(), "{:?} over {:?}", unseen, policy.detection_bound());
        prop_assert!(unseen >= policy.timeout());
    }
}
