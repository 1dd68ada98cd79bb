//! The formulas that queueing theory has an answer for.
//!
//! Source: Kleinrock, "Queueing Systems" volume 1 (1975); Erlang (1917).

/// The share of calls that `servers` busy lines lose at `load` (arrival rate times mean service): Erlang's B.
///
/// ```
/// assert!((sim::validate::erlang_b(10, 8.0) - 0.121_661).abs() < 1e-6);
/// ```
#[must_use]
pub fn erlang_b(servers: u32, load: f64) -> f64 {
    (1..=servers).fold(1.0, |blocked, server| load * blocked / (f64::from(server) + load * blocked))
}

/// The share of jobs that wait at all for one of `servers` at `load` below `servers`: Erlang's C.
///
/// ```
/// assert!((sim::validate::erlang_c(10, 8.0) - 0.409_180).abs() < 1e-6);
/// ```
#[must_use]
pub fn erlang_c(servers: u32, load: f64) -> f64 {
    let blocked = erlang_b(servers, load);
    let utilisation = load / f64::from(servers);
    blocked / (1.0 - utilisation * (1.0 - blocked))
}

/// Mean time in an M/G/1 queue in units of the mean service time (Pollaczek and Khinchine).
pub(super) fn pollaczek_khinchine(utilisation: f64, scv: f64) -> f64 {
    1.0 + utilisation * (1.0 + scv) / (2.0 * (1.0 - utilisation))
}

/// The quantile of an exponential distribution.
pub(super) fn exponential_quantile(share: f64, mean: f64) -> f64 {
    -mean * libm::log1p(-share)
}

/// The expected largest of `cells` counts when `balls` fall into them at random, cells taken as
/// independent Poisson counts.
pub(super) fn largest_cell(cells: u32, balls: f64) -> f64 {
    let mean = balls / f64::from(cells);
    let (mut term, mut below, mut expected) = (libm::exp(-mean), 0.0, 0.0);
    // E max = sum over k of P(max > k); far above the mean the terms vanish.
    for count in 0..10 * (mean as u32 + 10) {
        below += term;
        expected += 1.0 - libm::pow(below.min(1.0), f64::from(cells));
        term *= mean / f64::from(count + 1);
    }
    expected
}
