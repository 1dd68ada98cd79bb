//! The decay against powers of two, and what a given course of falls costs.

use proptest::prelude::*;

use super::*;

const MINUTE: Duration = Duration::from_secs(60);

#[test]
fn each_root_squared_is_the_one_before() {
    let half: Scaled = 1 << 31;
    let mut before = half;
    for root in ROOTS {
        let squared = (root * root) >> SCALE;
        assert!(squared.abs_diff(before) <= 2, "{root:x}");
        before = root;
    }
}

#[test]
fn a_penalty_halves_in_each_half_life() {
    for (elapsed_s, expected) in
        [(0, 1_000), (60, 500), (120, 250), (600, 0), (30, 707), (90, 353), (15, 840)]
    {
        let left = decayed(scaled(1_000), Duration::from_secs(elapsed_s), MINUTE) >> SCALE;
        assert_eq!(left, expected, "after {elapsed_s} s");
    }
}

#[test]
fn what_a_course_of_falls_costs() {
    let cases: [(&str, &[u64], Option<u64>); 6] = [
        ("one", &[0], None),
        ("two", &[0, 10], None),
        // 1000 x 2^-(20/60) + 1000 x 2^-(10/60) + 1000 = 2685, and 60 s x log2(2685 / 750) = 110.4 s
        ("three in a row", &[0, 10, 20], Some(20 + 110)),
        ("one a minute goes on for ever", &[0, 60, 120, 180, 240, 300], None),
        // 2685 x 2^-(80/60) + 1000 = 2065, and 60 s x log2(2065 / 750) = 87.7 s
        ("a fourth prolongs it", &[0, 10, 20, 100], Some(100 + 87)),
        ("never longer than five minutes", &[0; 500], Some(300)),
    ];
    for (case, falls, until_s) in cases {
        let mut penalty = Penalty::default();
        let mut now = Time::ZERO;
        for second in falls {
            now = Time::from_secs(*second);
            penalty.fall(now, &Damping::default());
        }
        let waits = penalty.waits_until(now).map(|until| until.as_nanos() / 1_000_000_000);
        assert_eq!(waits, until_s, "{case}");
    }
}

#[test]
fn the_ceiling_is_served_in_exactly_the_longest_time() {
    let damping = Damping::default();
    let mut penalty = Penalty::default();
    (0..100).for_each(|_| penalty.fall(Time::ZERO, &damping));
    let end = penalty.waits_until(Time::ZERO).unwrap();
    assert_eq!(end.saturating_since(Time::ZERO).as_secs(), 300);
    assert!((749..=750).contains(&penalty.value(end, &damping)));
    assert_eq!(penalty.waits_until(end), None);
}

#[test]
fn what_contradicts_itself_is_refused() {
    let least = Duration::from_nanos(84_903_258_000);
    let short = |given: Duration| match Damping::new(MINUTE, 2_000, 750, given) {
        Err(DampingError::MaxSuppressShort { least }) => least,
        other => panic!("{other:?}"),
    };
    assert!(short(MINUTE).abs_diff(least) < Duration::from_millis(2), "60 s x log2(2000 / 750)");
    assert_eq!(Damping::new(Duration::ZERO, 2_000, 750, MINUTE), Err(DampingError::HalfLife));
    assert_eq!(Damping::new(MINUTE, 750, 750, MINUTE), Err(DampingError::Order));
    assert_eq!(Damping::new(MINUTE, 750, 0, MINUTE), Err(DampingError::Order));
    assert_eq!(Damping::new(MINUTE, 1_000_001, 750, MINUTE), Err(DampingError::Order));
}

#[test]
fn the_greatest_values_fit() {
    let day = Duration::from_secs(86_400);
    let damping = Damping::new(Duration::from_secs(1), 1_000_000, 999_999, day).unwrap();
    let mut penalty = Penalty::default();
    (0..10_000).for_each(|_| penalty.fall(Time::ZERO, &damping));
    assert_eq!(penalty.value(Time::ZERO, &damping), 10_000_000);
    assert!(penalty.waits_until(Time::ZERO).unwrap() < Time::from_secs(5));
}

proptest! {
    #[test]
    fn the_wait_ends_under_the_reuse_mark_and_within_the_longest(
        pauses_ms in prop::collection::vec(0_u64..100_000, 1..40),
        half_life_s in 1_u64..600,
        reuse in 1_u32..3_000,
        more in 1_u32..5_000,
        max_s in 1_u64..40_000,
    ) {
        let (half_life, max) = (Duration::from_secs(half_life_s), Duration::from_secs(max_s));
        let Ok(damping) = Damping::new(half_life, reuse + more, reuse, max) else {
            return Err(TestCaseError::reject("too short"));
        };
        let (mut penalty, mut now) = (Penalty::default(), Time::ZERO);
        for pause in pauses_ms {
            now += Duration::from_millis(pause);
            let waited = penalty.waits_until(now).is_some();
            penalty.fall(now, &damping);
            let waits = penalty.waits_until(now);
            prop_assert!(!waited || waits.is_some(), "a fall never ends the wait");
            if let Some(until) = waits {
                prop_assert!(until - now <= max);
                prop_assert!(penalty.value(until, &damping) <= reuse);
            }
        }
    }

    #[test]
    fn decay_is_close_to_the_exact_one(value in 1_u32..1_000_000, elapsed_ms in 0_u64..3_600_000, half_life_ms in 1_000_u64..600_000) {
        let left = decayed(scaled(value), Duration::from_millis(elapsed_ms), Duration::from_millis(half_life_ms));
        let exact = f64::from(value) * (-(elapsed_ms as f64) / half_life_ms as f64).exp2();
        let left = left as f64 / 4_294_967_296.0;
        prop_assert!((left - exact).abs() <= exact * 2e-5 + 1e-6, "{left} for {exact}");
    }
}
