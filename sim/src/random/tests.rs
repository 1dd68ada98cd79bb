//! Random streams: fixed, independent, uniform.

use super::*;

#[test]
fn golden() {
    // Captured from this code; a change here changes every stored run.
    let mut stream = Seed(42).stream("client/1", "arrivals");
    let seed = Seed(42);
    let key = u128::from_be_bytes(seed.hash_key("router/1", "salt").to_bytes());
    let bits = format!(
        "{:016x} {:016x} {:016x} {:016x} {key:032x}",
        stream.next_u64(),
        stream.next_u64(),
        seed.fork("zone/1").0,
        seed.fork_index(7).0
    );
    assert_eq!(
        bits,
        "336ea62775013416 3ef20cd3c7bc5680 9908cd2bf1802ae8 625c0663409cb1d3 397b013637ecc3c5672e3f16b73c3836"
    );
}

#[test]
fn names_do_not_run_together() {
    let first = |component: &str, purpose: &str| Seed(1).stream(component, purpose).next_u64();
    let mut seen = vec![
        first("a", "bc"),
        first("ab", "c"),
        first("abc", ""),
        first("", "abc"),
        Seed(2).stream("a", "bc").next_u64(),
        Seed(1).fork("a").stream("", "bc").next_u64(),
        Seed(1).fork_index(0).stream("a", "bc").next_u64(),
    ];
    seen.sort_unstable();
    seen.dedup();
    assert_eq!(seen.len(), 7);
}

#[test]
fn below_is_even() {
    let mut stream = Seed(1).stream("test", "below");
    let mut counts = [0_u32; 6];
    for _ in 0..60_000 {
        counts[usize::try_from(stream.below(6)).unwrap()] += 1;
    }
    // Chi square with 5 degrees of freedom: 20.5 is exceeded once in a thousand seeds; this seed is fixed.
    let chi_square: f64 = counts.iter().map(|&count| (f64::from(count) - 1e4).powi(2) / 1e4).sum();
    assert!(chi_square < 20.5, "{counts:?}");
    assert_eq!(stream.below(1), 0);
    assert_eq!(stream.below(0), 0);
    // A bound that rejects nearly half of all numbers.
    let bound = (1 << 63) + 1;
    assert!((0..1000).all(|_| stream.below(bound) < bound));
}

#[test]
fn units_stay_inside() {
    let mut stream = Seed(1).stream("test", "unit");
    let (mut sum, mut squares) = (0.0, 0.0);
    for _ in 0..100_000 {
        let (half_open, open) = (stream.unit(), stream.open_unit());
        assert!((0.0..1.0).contains(&half_open) && open > 0.0 && open < 1.0);
        sum += open;
        squares += open * open;
    }
    assert!((sum / 1e5 - 0.5).abs() < 0.003 && (squares / 1e5 - 1.0 / 3.0).abs() < 0.003);
}

#[test]
fn a_chance_is_a_threshold() {
    assert_eq!(Chance::new(0.0), Chance(0));
    assert_eq!(Chance::new(-1.0), Chance(0));
    assert_eq!(Chance::new(f64::NAN), Chance(0));
    assert_eq!(Chance::new(0.5), Chance(1 << 63));
    assert_eq!(Chance::new(1.0), Chance(1 << 64));
    assert_eq!(Chance::new(2.0), Chance(1 << 64));
    let mut stream = Seed(1).stream("test", "chance");
    assert!((0..1000).all(|_| stream.chance(1.0)));
    assert!(!(0..1000).any(|_| stream.chance(0.0)));
    let hits = (0..100_000).filter(|_| stream.chance(0.01)).count();
    assert!((900..1100).contains(&hits), "{hits}");
}

#[test]
fn shuffling_reaches_every_order() {
    let mut stream = Seed(1).stream("test", "shuffle");
    let mut counts = std::collections::BTreeMap::new();
    for _ in 0..6000 {
        let mut items = [1, 2, 3];
        stream.shuffle(&mut items);
        *counts.entry(items).or_insert(0) += 1;
    }
    assert_eq!(counts.len(), 6);
    assert!(counts.values().all(|count| (850..1150).contains(count)), "{counts:?}");
}
