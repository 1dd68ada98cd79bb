//! F4, F6, F8, F9: what happens when something fails, and how fast it is noticed.

use core::time::Duration;

use lb_core::health::{BackendEvent, BackendHealth, HealthFile, HealthState, Outcome, Transmit};
use lb_core::{FlowHash, Time, Weight};

use super::closed_forms::erlang_c;
use super::stations::{Queue, exponential, simulate};
use super::{Check, Effort, Expected};
use crate::dns::{Lookup, ResolverCache, ResolverPolicy};
use crate::ecmp::{EcmpGroup, EcmpKind};
use crate::random::{Chance, Seed, Stream};
use crate::retry::RetryPolicy;
use crate::statistics::Summary;

/// F4: the survivors of k zones carry k / (k - 1) of their load; three zones of 100 servers at 60 %.
pub(super) fn zone_loss(effort: Effort) -> Vec<Check> {
    let mut checks = Vec::new();
    for zones in [2_u32, 3, 4, 5] {
        let what = format!("1 of {zones} zones lost: load of a survivor over its load before");
        let runs = effort.summary(&what, |seed| survivors_load(seed, zones));
        let factor = f64::from(zones) / f64::from(zones - 1);
        checks.push(Check::of_runs("F4", what, "k / (k - 1)", Expected::near(factor, 0.01), &runs));
    }
    let load = 0.6 * 100.0 * 3.0 / 2.0;
    let queue = Queue::fifo(100, load, exponential());
    let jobs = effort.length(100_000);
    let mut busy = Summary::new();
    let waited = effort.summary("zone loss, waiting", |seed| {
        let measured = simulate(&queue, jobs, seed);
        busy.push(measured.utilisation);
        measured.waited_share()
    });
    let what = |what: &str| format!("1 of 3 zones of 100 servers at 60 % lost: {what}");
    let shortening = libm::sqrt(1000.0 / f64::from(effort.length_permille.max(1)));
    let expected = Expected::near(0.9, 0.01 * shortening);
    checks.push(Check::of_runs("F4", what("utilisation of a survivor"), "0.6 x 3/2", expected, &busy));
    let expected = Expected::near(erlang_c(100, load), 0.04 * shortening);
    checks.push(Check::of_runs(
        "F4",
        what("share of requests that wait"),
        "Erlang's C(100, 90)",
        expected,
        &waited,
    ));
    checks
}

/// New flows in a zone that survives, over those before.
fn survivors_load(seed: Seed, zones: u32) -> f64 {
    let all: Vec<u32> = (0..zones).collect();
    let resilient = EcmpKind::Resilient { buckets: 1260 };
    let before = EcmpGroup::new(resilient, seed.hash_key("router", "salt"), &all);
    let after = before.with_members(&all[1..]);
    let mut stream = seed.stream("clients", "flows");
    let mut counts = [0_u32; 2];
    for _ in 0..20_000 {
        let hash = FlowHash(stream.next_u64());
        for (group, count) in [&before, &after].into_iter().zip(&mut counts) {
            *count += u32::from(group.next_hop_of(hash).is_some_and(|&zone| zone == zones - 1));
        }
    }
    f64::from(counts[1]) / f64::from(counts[0])
}

/// F6: an active check of interval I, timeout T and threshold k notices a silent death.
pub(super) fn detection(effort: Effort) -> Vec<Check> {
    let all = [(5, 1, 3), (10, 5, 3), (1, 1, 3)];
    let draws = effort.length(500).max(100);
    let mut checks = Vec::new();
    for (interval, timeout, threshold) in all {
        let name = format!("checks every {interval} s, timeout {timeout} s, {threshold} failures");
        let (mut shortest, mut longest) = (f64::INFINITY, 0.0_f64);
        let runs = effort.summary(&name, |seed| {
            let mut stream = seed.stream("backend", "death");
            let times: Summary = (0..draws)
                .map(|_| {
                    let seconds = detect(interval, timeout, threshold, &mut stream);
                    (shortest, longest) = (shortest.min(seconds), longest.max(seconds));
                    seconds
                })
                .collect();
            times.mean()
        });
        let (i, t, k) = (f64::from(interval), f64::from(timeout), f64::from(threshold));
        let source = "I/2 + (k - 1) I + T";
        let mean = Expected::near(i / 2.0 + (k - 1.0) * i + t, 0.015);
        checks.push(Check::of_runs("F6", format!("{name}: mean seconds to notice"), source, mean, &runs));
        // Of so many draws the extremes lie this close to the bounds.
        let slack = i / 100.0;
        let (low, high) = ((k - 1.0) * i + t, k * i + t);
        for (what, value, from, to) in
            [("least", shortest, low, low + slack), ("most", longest, high - slack, high)]
        {
            let expected = Expected::Between { low: from, high: to };
            let pass = from <= value && value <= to;
            let what = format!("{name}: {what} seconds to notice");
            let source = "(k - 1) I + T to k I + T";
            checks.push(Check { id: "F6", what, source, expected, got: value, interval: None, pass });
        }
    }
    checks
}

/// Seconds from a silent death at a random moment until lb-core's machine takes the backend out.
fn detect(interval: u32, timeout: u32, threshold: u32, stream: &mut Stream) -> f64 {
    let seconds = |seconds: u32| Some(Duration::from_secs(seconds.into()).into());
    let file = HealthFile {
        interval: seconds(interval),
        fast_interval: seconds(interval),
        timeout: seconds(timeout),
        fall: Some(threshold),
        rise: Some(1),
        jitter: Some(lb_core::config::units::Share::ZERO),
        ..HealthFile::default()
    };
    let policy = file.backend_policy().expect("the settings are constants of this crate");
    let mut backend = BackendHealth::adopt(Time::ZERO, policy, Weight(1), stream.next_u64());
    // Long after the start, anywhere within an interval.
    let spread = u64::from(interval) * 1_000_000_000;
    let death = Time::from_secs(5 * u64::from(interval)) + Duration::from_nanos(stream.below(spread));
    loop {
        let now = backend.poll_timeout().expect("a backend that is checked has a next check");
        backend.handle_timeout(now);
        while let Some(transmit) = backend.poll_transmit() {
            match transmit {
                // A live backend answers at once; a dead one says nothing.
                Transmit::Start(probe) if now < death => {
                    backend.handle_result(now, probe.id, Outcome::Success);
                }
                Transmit::Start(_) | Transmit::Cancel(_) => {}
            }
        }
        while let Some(event) = backend.poll_event() {
            if matches!(event, BackendEvent::StateChanged { to: HealthState::Down, .. }) {
                return (now - death).as_secs_f64();
            }
        }
    }
}

/// F8: a name's answer changes; resolvers that asked at any time within the TTL before follow.
pub(super) fn dns_drain(effort: Effort) -> Vec<Check> {
    let ttl = Duration::from_secs(60);
    let change = Time::from_secs(1000);
    let check = |quarter: u32| {
        let what = format!("DNS, {quarter}/4 of the TTL later: share of resolvers on the old answer");
        let runs = effort.summary(&what, |seed| {
            let mut stream = seed.stream("resolvers", "age");
            let mut old = 0_u32;
            for _ in 0..2000 {
                let age = Duration::from_nanos(stream.below(60_000_000_000));
                let asked = Time::from_nanos(change.as_nanos()) - Time::ZERO - age;
                let mut cache = ResolverCache::new(ResolverPolicy::default());
                cache.handle_answer(Time::ZERO + asked, "old", ttl);
                old += u32::from(cache.handle_query(change + ttl * quarter / 4) == Lookup::Answer(&"old"));
            }
            f64::from(old) / 2000.0
        });
        let expected = 1.0 - f64::from(quarter) / 4.0;
        Check::of_runs("F8", what, "1 - t / TTL", Expected::near(expected, 0.02), &runs)
    };
    (1..=4).map(check).collect()
}

/// F9: attempts per request with r retries at failure probability p, and through three layers.
pub(super) fn retries(effort: Effort) -> Vec<Check> {
    let policy = RetryPolicy { retries: 3, ..RetryPolicy::NONE };
    let mut checks = Vec::new();
    for failure in [0.1, 0.5, 0.9, 1.0] {
        let what = format!("3 retries, {} % of attempts fail: attempts per request", failure * 100.0);
        let runs = effort.summary(&what, |seed| {
            let mut stream = seed.stream("client", "attempts");
            let total: u32 = (0..5000).map(|_| attempts(&policy, 1, Chance::new(failure), &mut stream)).sum();
            f64::from(total) / 5000.0
        });
        let expected = if failure < 1.0 { (1.0 - libm::pow(failure, 4.0)) / (1.0 - failure) } else { 4.0 };
        let source = "(1 - p^(r+1)) / (1 - p)";
        checks.push(Check::of_runs("F9", what, source, Expected::near(expected, 0.02), &runs));
    }
    let mut stream = Seed(0).stream("client", "attempts");
    let total = attempts(&policy, 3, Chance::new(1.0), &mut stream);
    let what = "3 retries in 3 layers, all fail: attempts at the bottom per request".to_owned();
    checks.push(Check::exactly("F9", what, "SRE book, ch. 22: 4^3", 64.0, f64::from(total)));
    checks
}

/// Attempts that reach the bottom for one request that enters at the top of `layers`.
fn attempts(policy: &RetryPolicy, layers: u32, failure: Chance, stream: &mut Stream) -> u32 {
    fn attempt(policy: &RetryPolicy, layers: u32, failure: Chance, stream: &mut Stream) -> (u32, bool) {
        if layers == 0 {
            return (1, stream.chance_of(failure));
        }
        let mut total = 0;
        for number in 1.. {
            let (below, failed) = attempt(policy, layers - 1, failure, stream);
            total += below;
            if !failed || policy.pause_after(number, stream).is_none() {
                return (total, failed);
            }
        }
        (total, true)
    }
    attempt(policy, layers, failure, stream).0
}
