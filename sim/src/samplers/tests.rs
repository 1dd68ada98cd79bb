//! Samplers: golden bits, means, and the distributions' own shapes.

#![allow(clippy::disallowed_methods, reason = "the platform's functions are the independent oracle here")]

use core::time::Duration;

use lb_core::Time;

use super::*;
use crate::random::{Seed, Stream};

type Text = DistributionText<f64>;

fn stream(purpose: &str) -> Stream {
    Seed(20_260_101).stream("test", purpose)
}

/// A shape with what a textbook says of it.
struct Known {
    name: &'static str,
    text: Text,
    mean: f64,
    scv: f64,
    cdf: fn(f64) -> f64,
}

fn known(name: &'static str, text: Text, (mean, scv): (f64, f64), cdf: fn(f64) -> f64) -> Known {
    Known { name, text, mean, scv, cdf }
}

/// sigma of a lognormal distribution with median 1 and 99 % below 10.
fn wide() -> f64 {
    10.0_f64.ln() / 2.326_347_874_040_841
}

fn shapes() -> Vec<Known> {
    let points = vec![(0.0, 0.0), (1.0, 0.5), (3.0, 1.0)];
    let wide_moments = ((wide() * wide() / 2.0).exp(), (wide() * wide()).exp() - 1.0);
    let bounded_mean = 100.0 / 99.0 * 100.0_f64.ln();
    let bounded = Text::Pareto { min: 1.0, shape: 1.0, max: Some(100.0) };
    vec![
        known("exponential", Text::Exponential { mean: 2.0 }, (2.0, 1.0), |x| 1.0 - (-x / 2.0).exp()),
        known("uniform", Text::Uniform { min: 1.0, max: 3.0 }, (2.0, 1.0 / 12.0), |x| (x - 1.0) / 2.0),
        known("lognormal", Text::Lognormal { mean: 1.0, scv: 1.0 }, (1.0, 1.0), |x| {
            let variance = 2.0_f64.ln();
            normal_cdf((x.ln() + variance / 2.0) / variance.sqrt())
        }),
        known("quantiles", Text::LognormalQuantiles { p50: 1.0, p99: 10.0 }, wide_moments, |x| {
            normal_cdf(x.ln() / wide())
        }),
        known("pareto", Text::Pareto { min: 1.0, shape: 3.0, max: None }, (1.5, 1.0 / 3.0), |x| {
            1.0 - x.powi(-3)
        }),
        known("bounded pareto", bounded, (bounded_mean, 100.0 / bounded_mean.powi(2) - 1.0), |x| {
            (1.0 - 1.0 / x) / 0.99
        }),
        known("hyperexponential", Text::Hyperexponential { mean: 1.0, scv: 4.0 }, (1.0, 4.0), |x| {
            let first = 0.5 * (1.0 + 0.6_f64.sqrt());
            1.0 - first * (-2.0 * first * x).exp() - (1.0 - first) * (-2.0 * (1.0 - first) * x).exp()
        }),
        // Second moment 1/2 * 1/3 + 1/2 * 13/3.
        known("empirical", Text::Empirical(points), (1.25, 7.0 / 3.0 / 1.5625 - 1.0), |x| {
            if x < 1.0 { x / 2.0 } else { 0.5 + (x - 1.0) / 4.0 }
        }),
    ]
}

#[test]
fn each_shape_follows_its_distribution_function() {
    for Known { name, text, cdf, .. } in shapes() {
        let distribution = Distribution::new(text).unwrap();
        let mut stream = stream(name);
        let mut values: Vec<f64> = (0..20_000).map(|_| distribution.sample(&mut stream)).collect();
        values.sort_by(f64::total_cmp);
        // Kolmogorov and Smirnov: sqrt(n) D > 1.95 once in a thousand seeds; the seed is fixed.
        let distance = values.iter().enumerate().fold(0.0_f64, |worst, (rank, &value)| {
            let share = cdf(value);
            worst.max((share - rank as f64 / 2e4).abs()).max((share - (rank + 1) as f64 / 2e4).abs())
        });
        assert!(distance * 2e4_f64.sqrt() < 1.95, "{name}: {distance}");
    }
}

#[test]
fn each_shape_knows_its_moments() {
    for Known { name, text, mean, scv, .. } in shapes() {
        let distribution = Distribution::new(text).unwrap();
        assert!((distribution.mean() / mean - 1.0).abs() < 1e-9, "{name}: {}", distribution.mean());
        assert!((distribution.scv() - scv).abs() < 1e-9, "{name}: {}", distribution.scv());
    }
    let heavy = Distribution::new(Text::Pareto { min: 1.0, shape: 1.0, max: None }).unwrap();
    assert_eq!((heavy.mean(), heavy.scv()), (f64::INFINITY, f64::INFINITY));
    assert_eq!((Distribution::constant(3.0).mean(), Distribution::constant(3.0).scv()), (3.0, 0.0));
}

#[test]
fn golden_bits() {
    // Captured from this code on x86-64, debug and release alike. A difference on another machine or
    // build is the bug that these samplers exist to prevent.
    let mut log = String::new();
    for Known { name, text, .. } in shapes() {
        let distribution = Distribution::new(text).unwrap();
        let mut stream = stream(name);
        let bits = (0..1000).fold(0_u64, |hash, _| {
            (hash ^ distribution.sample(&mut stream).to_bits())
                .wrapping_mul(0x9e37_79b9_7f4a_7c15)
                .rotate_left(29)
        });
        log.push_str(&format!("{name} {bits:016x}\n"));
    }
    let curve = RateCurve::new(vec![
        RatePoint { at: Time::ZERO, per_second: 10.0 },
        RatePoint { at: Time::from_secs(100), per_second: 1000.0 },
        RatePoint { at: Time::from_secs(200), per_second: 0.0 },
    ]);
    let mut arrivals = PoissonArrivals::new(curve.unwrap(), Time::ZERO, stream("arrivals"));
    let all: Vec<Time> = core::iter::from_fn(|| arrivals.next_arrival()).collect();
    log.push_str(&format!(
        "arrivals {} {} {}\n",
        all.len(),
        all[1000].as_nanos(),
        all[all.len() - 1].as_nanos()
    ));
    assert_eq!(log, include_str!("golden.txt"));
}

#[test]
fn normal_quantile_inverts_the_distribution_function() {
    for probability in [1e-300, 1e-20, 1e-6, 0.01, 0.07, 0.075, 0.3, 0.5, 0.8, 0.925, 0.99, 0.999_999] {
        let back = normal_cdf(normal_quantile(probability));
        assert!((back / probability - 1.0).abs() < 1e-12, "{probability}: {back}");
    }
    assert_eq!(normal_quantile(0.0), f64::NEG_INFINITY);
    assert_eq!(normal_quantile(1.0), f64::INFINITY);
}

#[test]
fn arrivals_follow_their_curve() {
    let curve = RateCurve::new(vec![
        RatePoint { at: Time::from_secs(10), per_second: 0.0 },
        RatePoint { at: Time::from_secs(20), per_second: 2000.0 },
        RatePoint { at: Time::from_secs(40), per_second: 500.0 },
        RatePoint { at: Time::from_secs(50), per_second: 500.0 },
        RatePoint { at: Time::from_secs(51), per_second: 0.0 },
    ])
    .unwrap();
    assert_eq!(curve.peak(), 2000.0);
    let mut arrivals = PoissonArrivals::new(curve.clone(), Time::ZERO, stream("curve"));
    let all: Vec<Time> = core::iter::from_fn(|| arrivals.next_arrival()).collect();
    assert!(all.is_sorted());
    // Counts over 100 ms against the area under the curve: chi square over 400 intervals.
    let mut chi_square = 0.0;
    for interval in 110..510_u64 {
        let (from, until) = (Time::from_millis(interval * 100), Time::from_millis(interval * 100 + 100));
        let expected = curve.expected(from, until);
        let count = all.iter().filter(|&&time| from <= time && time < until).count();
        chi_square += (count as f64 - expected).powi(2) / expected;
    }
    // Mean 400, standard deviation 28.3.
    assert!((300.0..500.0).contains(&chi_square), "{chi_square}");
    assert!(all[0] > Time::from_secs(10) && all[all.len() - 1] < Time::from_secs(51));
}

#[test]
fn a_high_rate_keeps_its_mean_in_spite_of_rounding() {
    let mut arrivals = PoissonArrivals::new(RateCurve::constant(1e8), Time::ZERO, stream("high"));
    let last = (0..1_000_000).filter_map(|_| arrivals.next_arrival()).last().unwrap();
    // A million arrivals 10 ns apart: 0.1 % standard deviation, half a nanosecond each would be 5 %.
    assert!((last.as_nanos() as f64 / 1e7 - 1.0).abs() < 0.004, "{last}");
}

#[test]
fn flow_sizes_of_the_papers() {
    // WebSearch (DCTCP, 2010) as its CDF is passed around; mean and scv as others computed them.
    let text = "0 0\n10000 15\n20000 20\n30000 30\n50000 40\n80000 53\n200000 60\n1e6 70\n2e6 80\n5e6 90\n1e7 97\n3e7 100";
    let sizes: EmpiricalCdf = text.parse().unwrap();
    assert_eq!(sizes.mean(), 1_711_250.0);
    let points = sizes.points().iter().map(|&(value, share)| (Bytes(value), share)).collect();
    let distribution = Distribution::new(DistributionText::Empirical(points)).unwrap();
    assert!((distribution.scv() - 5.37).abs() < 0.005, "{}", distribution.scv());
}

#[test]
fn wrong_parameters_are_named() {
    let range = |parameter, range| Err(DistributionError::Range { parameter, range });
    let check = |text: Text, expected| assert_eq!(Distribution::new(text).map(|_| ()), expected);
    check(Text::Exponential { mean: 0.0 }, range("mean", "above zero and finite"));
    check(Text::Hyperexponential { mean: 1.0, scv: 0.5 }, range("scv", "at least 1"));
    check(Text::LognormalQuantiles { p50: 2.0, p99: 1.0 }, range("p99", "above `p50`"));
    check(Text::Pareto { min: 1.0, shape: 1.0, max: Some(1.0) }, range("max", "above `min`"));
    check(Text::Uniform { min: 2.0, max: 1.0 }, range("max", "at least `min`"));
    check(Text::Constant(f64::NAN), range("constant", "zero or more and finite"));
    check(Text::Empirical(Vec::new()), Err(EmpiricalError::Empty.into()));
    check(Text::Empirical(vec![(2.0, 0.5), (1.0, 1.0)]), Err(EmpiricalError::Order { point: 2 }.into()));
    check(Text::Empirical(vec![(2.0, 0.5)]), Err(EmpiricalError::Whole.into()));
    assert_eq!("1 50\nx".parse::<EmpiricalCdf>(), Err(EmpiricalError::Line { line: 2 }));
}

#[test]
fn quantities_round_to_whole_units() {
    assert_eq!(Nanoseconds(1.5).to_duration(), Duration::from_nanos(2));
    assert_eq!(Nanoseconds(-1.0).to_duration(), Duration::ZERO);
    assert_eq!(Nanoseconds(f64::NAN).to_duration(), Duration::ZERO);
    assert_eq!(Bytes(1e30).to_bytes(), u64::MAX);
    assert_eq!(Nanoseconds::from(Duration::from_millis(5)), Nanoseconds(5e6));
}

#[test]
fn distributions_read_from_yaml() {
    let read = |text: &str| serde_saphyr::from_str::<Distribution<Nanoseconds>>(text);
    let distribution = read("exponential: { mean: 5ms }").unwrap();
    assert_eq!(distribution.mean(), Nanoseconds(5e6));
    assert_eq!(
        read("constant: 250us").unwrap().sample_duration(&mut stream("yaml")),
        Duration::from_micros(250)
    );
    assert_eq!(read("pareto: { min: 1ms, shape: 2.5 }").unwrap().scv(), 0.8);
    assert_eq!(read("empirical: [[1ms, 0.5], [3ms, 1]]").unwrap().mean(), Nanoseconds(1.5e6));
    for wrong in [
        "exponential: { mean: 5 }",
        "exponential: { mean: 5kB }",
        "exponential: { men: 5ms }",
        "poisson: 5ms",
    ] {
        assert!(read(wrong).is_err(), "{wrong}");
    }
    let error = read("hyperexponential: { mean: 5ms, scv: 0.5 }").unwrap_err().to_string();
    assert!(error.contains("`scv` must be at least 1"), "{error}");
    let written = serde_saphyr::to_string(&distribution).unwrap();
    assert_eq!(read(&written).unwrap(), distribution);
}
