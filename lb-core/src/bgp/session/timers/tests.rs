//! Tests of jitter's bounds, of waits that double, and of the generator against its published numbers.

use super::*;

#[test]
fn the_generator_gives_the_published_numbers() {
    // SplitMix64 of seed 1234567, as in the tests of the Java and C originals.
    let mut jitter = Jitter::new(1_234_567);
    assert_eq!(
        [jitter.draw(), jitter.draw(), jitter.draw()],
        [6_457_827_717_110_365_317, 3_203_168_211_198_807_973, 9_817_491_932_198_370_423]
    );
}

#[test]
fn jitter_takes_up_to_a_quarter_and_uses_the_whole_range() {
    let mut jitter = Jitter::new(7);
    let base = Duration::from_secs(60);
    let drawn: std::vec::Vec<_> = (0..1_000).map(|_| jitter.shortened(base)).collect();
    assert_eq!(drawn.iter().min(), Some(&Duration::from_secs(45)));
    assert_eq!(drawn.iter().max(), Some(&base));
}

#[test]
fn waits_double_up_to_the_most_and_a_stable_time_forgives() {
    let mut backoff = Backoff::default();
    let (min, max) = (Duration::from_secs(1), Duration::from_secs(6));
    let mut fall = || backoff.after_fall(min, max).as_secs();
    assert_eq!([fall(), fall(), fall(), fall(), fall(), fall()], [0, 1, 2, 4, 6, 6]);
    backoff.note_uptime(Duration::from_secs(59));
    assert_eq!(backoff.after_fall(min, max), max, "it was up, but not for long");
    backoff.note_uptime(Duration::from_secs(60));
    assert_eq!(backoff.after_fall(min, max), Duration::ZERO);
    for _ in 0..100 {
        backoff.after_fall(min, max);
    }
    assert_eq!(backoff.after_fall(min, max), max, "no overflow");
}

#[test]
fn a_peer_that_reads_nothing_has_eight_minutes_or_two_hold_times() {
    assert_eq!(send_hold(Duration::from_secs(9)), Duration::from_secs(480));
    assert_eq!(send_hold(Duration::from_secs(600)), Duration::from_secs(1_200));
}
