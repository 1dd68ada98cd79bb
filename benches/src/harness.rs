//! Runs cases under criterion.

use std::time::Duration;

use criterion::{Criterion, Throughput};

use crate::{Case, Scale, Work};

/// Runs a bench of these cases as the command line asks.
///
/// With `--test` each case runs one operation on little data and checks it.
pub fn run(group: &str, cases: &[Case]) {
    let mut criterion = Criterion::default()
        .warm_up_time(Duration::from_millis(300))
        .measurement_time(Duration::from_secs(2))
        .sample_size(20)
        .configure_from_args();
    let scale =
        if std::env::args().any(|argument| argument == "--test") { Scale::Small } else { Scale::Full };
    let mut group = criterion.benchmark_group(group);
    group.throughput(Throughput::Elements(1));
    for case in cases {
        // Prepared when first asked for: a filter leaves most cases out.
        let mut work: Option<Work> = None;
        group.bench_function(case.name, |bencher| {
            let work = work.get_or_insert_with(|| (case.prepare)(scale));
            bencher.iter_custom(&mut **work);
        });
    }
    group.finish();
    criterion.final_summary();
}
