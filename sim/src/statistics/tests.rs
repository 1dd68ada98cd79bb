//! Histograms, gauges and intervals against known figures.

use core::time::Duration;

use lb_core::Time;
use proptest::prelude::*;

use super::*;

#[test]
fn student_t_agrees_with_printed_tables() {
    // (probability, degrees of freedom, quantile): any table of the t distribution.
    let table = [
        (0.975, 1, 12.7062),
        (0.995, 2, 9.92484),
        (0.95, 5, 2.01505),
        (0.975, 10, 2.22814),
        (0.995, 19, 2.86093),
        (0.995, 30, 2.75000),
        (0.975, 100, 1.98397),
        (0.995, 1_000_000, 2.57583),
        (0.025, 10, -2.22814),
        (0.5, 7, 0.0),
    ];
    for (probability, degrees, expected) in table {
        let quantile = student_t_quantile(probability, degrees);
        assert!(
            (quantile - expected).abs() < 6e-5,
            "t({probability}, {degrees}) = {quantile}, not {expected}"
        );
    }
}

#[test]
fn latencies_are_exact_where_they_say_so() {
    let mut latencies = Latencies::new();
    assert_eq!((latencies.mean(), latencies.quantile(0.5), latencies.max()), (None, None, None));
    for nanoseconds in [0, 1, 1_000_000_007, 200_000_000_000_000] {
        latencies.record(Duration::from_nanos(nanoseconds));
    }
    assert_eq!(latencies.count(), 4);
    assert_eq!(latencies.min(), Some(Duration::ZERO));
    assert_eq!(latencies.max(), Some(Duration::from_nanos(200_000_000_000_000)));
    assert_eq!(latencies.mean(), Some(Duration::from_nanos(50_000_250_000_002)));
    // Beyond a day the percentile says a day.
    assert!(latencies.quantile(1.0).unwrap() <= Duration::from_secs(87_000));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn merged_latencies_are_those_of_one_histogram(
        left in prop::collection::vec(0_u64..1 << 46, 0..200),
        right in prop::collection::vec(0_u64..1 << 46, 0..200),
    ) {
        let of = |values: &[u64]| {
            let mut latencies = Latencies::new();
            values.iter().for_each(|&value| latencies.record(Duration::from_nanos(value)));
            latencies
        };
        let mut merged = of(&left);
        merged.merge(&of(&right));
        let mut all = [left, right].concat();
        let together = of(&all);
        all.sort_unstable();
        for share in [0.0, 0.01, 0.5, 0.9, 0.99, 0.999, 1.0] {
            prop_assert_eq!(merged.quantile(share), together.quantile(share));
            if let Some(quantile) = merged.quantile(share) {
                let rank = ((share * all.len() as f64).ceil() as usize).clamp(1, all.len());
                let exact = all[rank - 1] as f64;
                prop_assert!((quantile.as_nanos() as f64 - exact).abs() <= exact / 1000.0 + 1.0);
            }
        }
        prop_assert_eq!(merged.mean(), together.mean());
    }

    #[test]
    fn merged_summaries_are_those_of_all_numbers(
        left in prop::collection::vec(-1e6..1e6, 0..50),
        right in prop::collection::vec(-1e6..1e6, 0..50),
    ) {
        let mut merged: Summary = left.iter().copied().collect();
        merged.merge(&right.iter().copied().collect());
        let all: Vec<f64> = left.into_iter().chain(right).collect();
        let count = all.len().max(1) as f64;
        let mean = all.iter().sum::<f64>() / count;
        let squares: f64 = all.iter().map(|value| (value - mean) * (value - mean)).sum();
        let variance = if all.len() < 2 { 0.0 } else { squares / (count - 1.0) };
        prop_assert!((merged.mean() - mean).abs() < 1e-6);
        prop_assert!((merged.variance() - variance).abs() <= 1e-9 * variance.max(1.0));
    }
}

#[test]
fn a_series_is_bounded() {
    let mut series = Series::new(Duration::from_secs(1), 3);
    for milliseconds in [0, 999, 1000, 2500, 1_000_000] {
        series.add(Time::from_millis(milliseconds), 1);
    }
    assert_eq!(series.counts(), [2, 1, 2]);
    let mut other = Series::new(Duration::from_secs(1), 3);
    other.add(Time::ZERO, 5);
    other.merge(&series);
    assert_eq!(other.counts(), [7, 1, 2]);
}

#[test]
fn littles_law_is_exact_and_notices_a_lie() {
    let mut law = LittlesLaw::new(Time::ZERO);
    law.handle_arrival(Time::from_secs(1));
    law.handle_arrival(Time::from_secs(2));
    law.handle_departure(Time::from_secs(5), Time::from_secs(1));
    assert_eq!((law.counts(), law.inside()), ((2, 1), 1));
    let now = Time::from_secs(10);
    assert_eq!(law.relative_error(now, law.area(now)), 0.0);
    law.handle_departure(Time::from_secs(10), Time::from_secs(4));
    assert!(law.relative_error(now, law.area(now)) > 0.1);
}
