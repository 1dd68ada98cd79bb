//! Counts, latencies and utilisation, and the series made of them.

use core::time::Duration;

use lb_core::Time;

use super::Model;
use super::cause::Cause;
use super::happening::Happening;
use crate::engine::Class;
use crate::record::{Observer, Sample};
use crate::run::{Connections, Latency, Requests, ZoneResult};
use crate::station::Condition;
use crate::statistics::Latencies;

/// Everything that is counted.
#[derive(Debug)]
pub(super) struct Metrics {
    pub(super) requests_started: u64,
    pub(super) retried: u64,
    ok: u64,
    failed_by: [u64; Cause::ALL.len()],
    pub(super) connections: ConnectionCounts,
    broken_by: [u64; Cause::ALL.len()],
    /// Nanoseconds, of the whole run and of the interval.
    latency: Latencies,
    interval_latency: Latencies,
    pub(super) zones: Vec<ZoneCounts>,
    before: Before,
}

#[derive(Clone, Copy, Debug, Default)]
pub(super) struct ConnectionCounts {
    pub(super) opened: u64,
    pub(super) closed: u64,
    broken: u64,
}

/// One zone's counts since the start.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct ZoneCounts {
    /// Requests that its gateways took.
    pub(super) requests: u64,
    /// Connections that clients began to it.
    pub(super) connections: u64,
    ok: u64,
    broken: u64,
    utilisation_max: f64,
    /// Busy and offered server time of the window, in nanoseconds.
    busy: u128,
    offered: u128,
    /// The same of the interval.
    interval_busy: u128,
    interval_offered: u128,
}

/// Counts at the end of the last interval.
#[derive(Clone, Debug, Default)]
struct Before {
    started: u64,
    ok: u64,
    failed: u64,
    broken: u64,
    zones: Vec<ZoneCounts>,
}

/// Utilisation is averaged over so many seconds, and the worst of these averages is told.
const WINDOW: u64 = 10;

impl Metrics {
    pub(super) fn new(zones: usize) -> Self {
        Self {
            requests_started: 0,
            retried: 0,
            ok: 0,
            failed_by: [0; Cause::ALL.len()],
            connections: ConnectionCounts::default(),
            broken_by: [0; Cause::ALL.len()],
            latency: Latencies::new(),
            interval_latency: Latencies::new(),
            zones: vec![ZoneCounts::default(); zones],
            before: Before { zones: vec![ZoneCounts::default(); zones], ..Before::default() },
        }
    }

    pub(super) fn count_ok(&mut self, zone: Option<u16>, latency: Duration) {
        self.ok += 1;
        if let Some(zone) = zone {
            self.zones[usize::from(zone)].ok += 1;
        }
        self.latency.record(latency);
        self.interval_latency.record(latency);
    }

    pub(super) fn count_failed(&mut self, cause: Cause) {
        self.failed_by[cause as usize] += 1;
    }

    pub(super) fn count_broken(&mut self, zone: u16, cause: Cause) {
        self.connections.broken += 1;
        self.broken_by[cause as usize] += 1;
        self.zones[usize::from(zone)].broken += 1;
    }

    fn failed(&self) -> u64 {
        self.failed_by.iter().sum()
    }

    pub(super) fn requests(&self, open_at_end: u64) -> Requests {
        let failed = self.failed();
        Requests {
            total: self.ok + failed,
            ok: self.ok,
            failed,
            open_at_end,
            retried: self.retried,
            failed_by: by_cause(&self.failed_by),
        }
    }

    pub(super) fn connections(&self, open_at_end: u64) -> Connections {
        Connections {
            opened: self.connections.opened,
            closed: self.connections.closed,
            broken: self.connections.broken,
            open_at_end,
            broken_by: by_cause(&self.broken_by),
        }
    }

    pub(super) fn latency(&self) -> Latency {
        let at = |share: f64| self.latency.quantile(share).map(milliseconds);
        Latency {
            mean: self.latency.mean().map(milliseconds),
            p50: at(0.5),
            p90: at(0.9),
            p99: at(0.99),
            p999: at(0.999),
        }
    }

    pub(super) fn zone_results<'a>(&self, names: impl Iterator<Item = &'a str>) -> Vec<ZoneResult> {
        names
            .zip(&self.zones)
            .map(|(name, zone)| ZoneResult {
                zone: name.to_owned(),
                utilisation_max: zone.utilisation_max,
                requests: zone.requests,
            })
            .collect()
    }
}

fn by_cause(counts: &[u64; Cause::ALL.len()]) -> std::collections::BTreeMap<String, u64> {
    let counted = Cause::ALL.iter().zip(counts).filter(|(_, count)| **count > 0);
    counted.map(|(cause, count)| (cause.name().to_owned(), *count)).collect()
}

impl<O: Observer> Model<'_, O> {
    /// A second is over.
    pub(super) fn handle_sample(&mut self, now: Time) {
        self.shifts.tick(now, &self.names);
        let second = now.as_nanos() / 1_000_000_000;
        self.measure_busy(now);
        if second.is_multiple_of(WINDOW) {
            for zone in &mut self.metrics.zones {
                let utilisation = share(zone.busy, zone.offered);
                zone.utilisation_max = zone.utilisation_max.max(utilisation);
                (zone.busy, zone.offered) = (0, 0);
            }
        }
        if second.is_multiple_of(self.sample_interval) {
            self.tell_samples(now);
        }
        for zone in 0..self.zones.len() {
            self.checks.tables_are_within_limits(now, &self.zones[zone]);
        }
        let end = Time::ZERO + self.scenario.duration;
        if second.is_multiple_of(self.progress_interval) {
            self.observer.progress(now, end);
        }
        let next = now + Duration::from_secs(1);
        if next <= end {
            self.engine.schedule(next, Class::Statistics, Happening::Sample);
        }
    }

    /// Adds what the replicas did in the last second.
    fn measure_busy(&mut self, now: Time) {
        for (place, counts) in self.zones.iter_mut().zip(&mut self.metrics.zones) {
            for slot in &mut place.replicas {
                if slot.station.condition() == Condition::Down {
                    slot.busy_before = slot.station.counters().busy_area;
                    continue;
                }
                // Brings the area up to now; what is due at this very instant was done before.
                slot.station.handle_timeout(now);
                let busy = slot.station.counters().busy_area;
                let added = busy - slot.busy_before;
                let offered = u128::from(slot.station.config().servers) * 1_000_000_000;
                slot.busy_before = busy;
                counts.busy += added;
                counts.interval_busy += added;
                counts.offered += offered;
                counts.interval_offered += offered;
            }
        }
    }

    #[allow(clippy::cast_precision_loss, reason = "counts below 2^53")]
    fn tell_samples(&mut self, now: Time) {
        let t_s = now.as_secs_f64();
        let seconds = self.sample_interval as f64;
        let metrics = &mut self.metrics;
        let failed = metrics.failed();
        let mut tell = |zone: &str, metric, value| {
            self.observer.sample(&Sample { t_s, zone, metric, value });
        };
        let rate = |now: u64, before: u64| (now - before) as f64 / seconds;
        let before = &mut metrics.before;
        tell("", "requests_per_s", rate(metrics.requests_started, before.started));
        tell("", "ok_per_s", rate(metrics.ok, before.ok));
        tell("", "failed_per_s", rate(failed, before.failed));
        tell("", "broken_per_s", rate(metrics.connections.broken, before.broken));
        tell("", "open_connections", self.connections.len() as f64);
        for (metric, share) in [("latency_p50_ms", 0.5), ("latency_p99_ms", 0.99)] {
            if let Some(latency) = metrics.interval_latency.quantile(share) {
                tell("", metric, milliseconds(latency));
            }
        }
        metrics.interval_latency = Latencies::new();
        (before.started, before.ok, before.failed) = (metrics.requests_started, metrics.ok, failed);
        before.broken = metrics.connections.broken;
        for (index, counts) in metrics.zones.iter_mut().enumerate() {
            let zone = self.scenario.zones[index].name.as_str();
            let old = before.zones[index];
            tell(zone, "requests_per_s", rate(counts.requests, old.requests));
            tell(zone, "connections_per_s", rate(counts.connections, old.connections));
            tell(zone, "ok_per_s", rate(counts.ok, old.ok));
            tell(zone, "broken_per_s", rate(counts.broken, old.broken));
            tell(zone, "utilisation", share(counts.interval_busy, counts.interval_offered));
            (counts.interval_busy, counts.interval_offered) = (0, 0);
            before.zones[index] = *counts;
        }
    }
}

#[allow(clippy::cast_precision_loss, reason = "a ratio for people")]
fn share(part: u128, whole: u128) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 / whole as f64 }
}

/// One division of whole nanoseconds: prints without the noise of a product.
#[allow(clippy::cast_precision_loss, reason = "104 days of nanoseconds are exact")]
fn milliseconds(duration: Duration) -> f64 {
    duration.as_nanos() as f64 / 1e6
}
