//! The speaker against BIRD, GoBGP and FRR, and against peers that misbehave.
//!
//! Each test makes two network namespaces with a link between them: the
//! example `speaker` runs in one, a real router in the other. Nothing is
//! imitated: the routers are Debian's, started with configurations written
//! here and asked by their own commands. A test whose program is not installed,
//! or that may not make namespaces, says so and passes; with `CI=true` it fails.

#![allow(clippy::unwrap_used, reason = "a test may; clippy knows only functions that are one")]

mod bfd;
mod faults;
mod figures;
mod link;
mod process;
mod restarts;
mod router;
mod routes;
mod speaker;

use std::time::{Duration, Instant};

use router::{ALL, Brand};

/// Calls `look` until it finds something; panics with `what` after `budget`.
fn eventually<T>(budget: Duration, what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let began = Instant::now();
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(began.elapsed() < budget, "not within {budget:?}: {what}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// Runs a test against each router that is installed, side by side.
fn with_each(test: impl Fn(Brand) + Sync) {
    with_some(&ALL, test);
}

/// Runs a test against some routers, side by side.
fn with_some(brands: &[Brand], test: impl Fn(Brand) + Sync) {
    let ready: Vec<_> = brands.iter().filter(|brand| brand.is_ready()).collect();
    let run = |brand: Brand| {
        let began = Instant::now();
        test(brand);
        println!("{brand:?}: {:.1} s", began.elapsed().as_secs_f64());
    };
    std::thread::scope(|scope| {
        let running: Vec<_> = ready.iter().map(|brand| (brand, scope.spawn(|| run(**brand)))).collect();
        let failed: Vec<_> =
            running.into_iter().filter_map(|(brand, test)| test.join().err().map(|_| brand)).collect();
        assert!(failed.is_empty(), "failed against {failed:?}; the reasons are above");
    });
}
