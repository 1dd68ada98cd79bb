//! Q1 to Q5 and Q8: stations against queueing theory.

use super::closed_forms::{self, exponential_quantile, pollaczek_khinchine};
use super::stations::{Measured, Queue, SERVICE, exponential, service, simulate};
use super::{Check, Effort, Expected};
use crate::samplers::{Distribution, DistributionText, Nanoseconds};
use crate::station::Discipline;
use crate::statistics::Summary;

const KLEINROCK: &str = "Kleinrock, Queueing Systems 1 (1975)";
const ERLANG: &str = "Erlang (1917)";

/// The runs of one queue; each closure reads one number off each.
struct Runs(Vec<Measured>);

impl Runs {
    fn of(effort: Effort, name: &str, queue: &Queue, jobs: u64) -> Self {
        let jobs = effort.length(jobs);
        Self(effort.seeds(name).map(|seed| simulate(queue, jobs, seed)).collect())
    }

    fn summary(&self, read: impl Fn(&Measured) -> f64) -> Summary {
        self.0.iter().map(read).collect()
    }
}

/// Short runs wander further from the mean, so they are allowed more.
fn near(effort: Effort, value: f64, tolerance: f64) -> Expected {
    let shortening = libm::sqrt(1000.0 / f64::from(effort.length_permille.max(1)));
    Expected::near(value, tolerance * shortening)
}

/// Q1: M/M/1, means and quantiles.
pub(super) fn single_server(effort: Effort) -> Vec<Check> {
    let mut checks = Vec::new();
    let check = |what: String, value: f64, tolerance: f64, runs: &Summary| {
        Check::of_runs("Q1", what, KLEINROCK, near(effort, value, tolerance), runs)
    };
    // Rare long times come in bunches, so the tails are tested where the memory of the queue is short.
    let all = [(0.8, 400_000, vec![0.5, 0.99, 0.999]), (0.9, 500_000, vec![0.5, 0.99])];
    let loads = if effort.essential { &all[..1] } else { &all };
    for (load, jobs, shares) in loads {
        let load = *load;
        let name = format!("M/M/1, utilisation {load}");
        let mean = 1.0 / (1.0 - load);
        let quantiles: Vec<f64> = shares.iter().map(|&share| exponential_quantile(share, mean)).collect();
        let queue = Queue { sojourn_marks: quantiles.clone(), ..Queue::fifo(1, load, exponential()) };
        let runs = Runs::of(effort, &name, &queue, *jobs);
        let what = format!("{name}: mean time inside");
        checks.push(check(what, mean, 0.03, &runs.summary(Measured::mean_sojourn)));
        for (mark, (share, quantile)) in shares.iter().zip(quantiles).enumerate() {
            let what = format!("{name}: share inside for over {quantile:.3}");
            // The rarer, the fewer were seen.
            let tolerance = 0.03 + 0.007 / libm::sqrt(1.0 - share);
            checks.push(check(what, 1.0 - share, tolerance, &runs.summary(|run| run.sojourn_beyond(mark))));
        }
    }
    checks
}

/// Q2: M/M/c, who waits and how long.
pub(super) fn erlang_c(effort: Effort) -> Vec<Check> {
    let mut checks = Vec::new();
    let all = [(10, 8.0), (2, 1.6), (5, 4.0), (10, 9.0), (20, 18.0), (100, 90.0), (100, 95.0)];
    let queues = if effort.essential { &all[..1] } else { &all };
    for &(servers, load) in queues {
        let name = format!("M/M/{servers}, load {load}");
        let waits = closed_forms::erlang_c(servers, load);
        let free = f64::from(servers) - load;
        // P(wait > t) = C exp(-free t).
        let p99 = libm::log(waits / 0.01) / free;
        let queue = Queue { waiting_marks: vec![p99], ..Queue::fifo(servers, load, exponential()) };
        // The closer to full, the longer the memory of the queue.
        let jobs = if servers == 100 { 200_000 } else { 120_000 };
        let runs = Runs::of(effort, &name, &queue, jobs);
        let check = |what: &str, value: f64, tolerance: f64, summary: &Summary| {
            Check::of_runs("Q2", format!("{name}: {what}"), ERLANG, near(effort, value, tolerance), summary)
        };
        checks.push(check("share that waits", waits, 0.05, &runs.summary(Measured::waited_share)));
        if servers <= 10 {
            checks.push(check("mean waiting", waits / free, 0.08, &runs.summary(Measured::mean_waiting)));
            let what = format!("share that waits for over {p99:.4}");
            checks.push(check(&what, 0.01, 0.2, &runs.summary(|run| run.waiting_beyond(0))));
        }
    }
    checks
}

/// Q3: M/G/c/c, who is turned away, whatever the law of service.
pub(super) fn erlang_b(effort: Effort) -> Vec<Check> {
    let constant = || Distribution::constant(Nanoseconds(SERVICE));
    let variable = || hyperexponential(4.0);
    let all: [(u32, f64, &str, Distribution<Nanoseconds>); 10] = [
        (10, 8.0, "M", exponential()),
        (10, 8.0, "D", constant()),
        (10, 8.0, "H2", variable()),
        (1, 0.5, "M", exponential()),
        (5, 3.0, "M", exponential()),
        (10, 5.0, "M", exponential()),
        (20, 15.0, "M", exponential()),
        (100, 80.0, "M", exponential()),
        (100, 95.0, "M", exponential()),
        (1000, 950.0, "M", exponential()),
    ];
    let queues = if effort.essential { &all[..2] } else { &all };
    let run = |(servers, load, law, service): &(u32, f64, &str, Distribution<Nanoseconds>)| {
        let name = format!("M/{law}/{servers}/{servers}, load {load}: share refused");
        let queue = Queue { queue_limit: 0, ..Queue::fifo(*servers, *load, service.clone()) };
        let runs = Runs::of(effort, &name, &queue, 100_000);
        let expected = near(effort, closed_forms::erlang_b(*servers, *load), 0.06);
        Check::of_runs("Q3", name, ERLANG, expected, &runs.summary(Measured::refused_share))
    };
    queues.iter().map(run).collect()
}

/// Q4: M/G/1, the effect of variable service.
pub(super) fn general_service(effort: Effort) -> Vec<Check> {
    let all = [
        (0.8, 0.0),
        (0.8, 4.0),
        (0.5, 0.0),
        (0.5, 1.0),
        (0.5, 4.0),
        (0.5, 10.0),
        (0.8, 1.0),
        (0.8, 10.0),
        (0.9, 0.0),
        (0.9, 1.0),
        (0.9, 4.0),
        (0.9, 10.0),
    ];
    let queues = if effort.essential { &all[..2] } else { &all[..] };
    let run = |&(load, scv): &(f64, f64)| {
        let name = format!("M/G/1, utilisation {load}, scv of service {scv}: mean time inside");
        // What comes in bursts to a queue that is nearly full takes long to average out.
        let jobs = match load * (1.0 + scv) {
            variability if variability > 9.0 => 800_000,
            variability if variability > 2.0 => 200_000,
            _ => 100_000,
        };
        let runs = Runs::of(effort, &name, &Queue::fifo(1, load, variable(scv)), jobs);
        let expected = near(effort, pollaczek_khinchine(load, scv), 0.05);
        let source = "Pollaczek (1930), Khinchine (1932)";
        Check::of_runs("Q4", name, source, expected, &runs.summary(Measured::mean_sojourn))
    };
    queues.iter().map(run).collect()
}

/// Q5: M/G/1 with processor sharing, where the law of service does not matter.
pub(super) fn processor_sharing(effort: Effort) -> Vec<Check> {
    let load = 0.8;
    let lognormal = service(DistributionText::Lognormal { mean: Nanoseconds(SERVICE), scv: 4.0 });
    let all = [("D", variable(0.0)), ("H2", variable(4.0)), ("M", exponential()), ("lognormal", lognormal)];
    let laws = if effort.essential { &all[..2] } else { &all };
    let run = |(law, service): &(&str, Distribution<Nanoseconds>)| {
        let name = format!("M/{law}/1 sharing, utilisation {load}: mean time inside");
        let queue =
            Queue { discipline: Discipline::ProcessorSharing, ..Queue::fifo(1, load, service.clone()) };
        let runs = Runs::of(effort, &name, &queue, 150_000);
        let expected = near(effort, 1.0 / (1.0 - load), 0.03);
        Check::of_runs("Q5", name, KLEINROCK, expected, &runs.summary(Measured::mean_sojourn))
    };
    laws.iter().map(run).collect()
}

/// Q8: Little's law and conservation, exact in every run of every kind of station.
pub(super) fn littles_law(effort: Effort) -> Vec<Check> {
    let queues = [
        Queue::fifo(1, 0.9, exponential()),
        Queue::fifo(10, 8.0, variable(4.0)),
        Queue { queue_limit: 5, ..Queue::fifo(5, 6.0, exponential()) },
        Queue { discipline: Discipline::ProcessorSharing, ..Queue::fifo(2, 1.8, variable(10.0)) },
    ];
    let runs: Vec<Measured> =
        queues.iter().flat_map(|queue| Runs::of(effort, "Little's law", queue, 10_000).0).collect();
    let worst = runs.iter().fold(0.0_f64, |worst, run| worst.max(run.little_error));
    let missing: u64 = runs.iter().map(|run| run.missing).sum();
    let what = |what: &str| format!("{} runs of 4 queues: {what}", runs.len());
    let little = "Little (1961)";
    #[allow(clippy::cast_precision_loss, reason = "zero, one hopes")]
    let missing = missing as f64;
    vec![
        Check::exactly("Q8", what("largest |L - lambda W| / L"), little, 0.0, worst),
        Check::exactly("Q8", what("jobs neither served nor inside"), "conservation", 0.0, missing),
    ]
}

/// Service of mean [`SERVICE`] and the given squared coefficient of variation: 0, or 1 and more.
fn variable(scv: f64) -> Distribution<Nanoseconds> {
    if scv == 0.0 { Distribution::constant(Nanoseconds(SERVICE)) } else { hyperexponential(scv) }
}

fn hyperexponential(scv: f64) -> Distribution<Nanoseconds> {
    service(DistributionText::Hyperexponential { mean: Nanoseconds(SERVICE), scv })
}
