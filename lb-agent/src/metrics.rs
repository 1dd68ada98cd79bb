//! Metrics in OpenMetrics text, for Prometheus.
//!
//! What the agent's status says is written anew at each scrape, so that a
//! backend that is gone is gone here too; only what must be summed up while it
//! happens (check times, reloads) is kept. Counts are 64 bits wide from the
//! kernel on. `table_digest` is a label of an information metric: a rule that
//! counts its values over the nodes sees when two nodes would place a flow
//! differently.
//!
//! | metric (`lb_agent_` before each) | labels | says |
//! |---|---|---|
//! | `build_info` | `version` | the agent's version |
//! | `uptime_seconds`, `draining` | | since the start; whether a hand took the node out |
//! | `config_generation`, `config_age_seconds`, `config_refused` | | the file at work; whether the file as it is now is refused |
//! | `config_reloads_total` | `result`: `taken`, `refused` | files read because they changed |
//! | `kernel_programmed` | | whether the kernel holds all that it is to hold |
//! | `kernel_writes_total`, `kernel_reads_total`, `kernel_failures_total`, `kernel_drifts_total` | | what was done to it; what others had changed |
//! | `kernel_listing_age_seconds` | | how old the counts of flows are; grows while the kernel cannot be read, absent before it first was |
//! | `kernel_foreign_services` | | services that are not the agent's |
//! | `vip_announced`, `vip_programmed` | `vip` | whether routers are told of it; whether the kernel holds it |
//! | `vip_state_info` | `vip`, `state` | why it is announced or not: `announced`, `down`, `suppressed`, ... |
//! | `service_up`, `service_panic`, `service_in_service_ratio` | `service` | whether it stands; the share of its weight in service |
//! | `table_digest_info` | `service`, `table_digest` | the name of its table |
//! | `backend_up`, `backend_weight`, `backend_drained`, `backend_path_dead` | `service`, `backend` | its health, its weight for new flows |
//! | `backend_connections_total`, `backend_packets_total`, `backend_bytes_total`, `backend_active_connections` | `service`, `backend` | what the kernel counted since the agent's start, and what is there now |
//! | `probe_duration_seconds` (histogram) | `service`, `result` | checks: `success`, `refused`, `timeout`, `tls`, `mismatch`, `unreachable`, `undecided` |
//! | `loop_late_seconds` (histogram) | | how long after its time the loop did what was due |
//! | `session_up`, `session_routes` | `protocol`, `peer` | sessions with routers |
//! | `bfd_packets_discarded_total`, `session_events_lost_total` | | BFD packets that were no good; events of sessions that came faster than they could be logged |
//! | `session_state_info` | `protocol`, `peer`, `state` | the same in the protocol's words |
//! | `trace_spans_total` | `result`: `delivered`, `dropped`, `lost` | spans, where the file has `tracing`: taken by the collector, not queued, given up |

mod document;
mod server;

use std::collections::{BTreeSet, HashSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::Registry;

use crate::status::Status;
use crate::traces::Counts;
use document::{Latest, Traces};

pub(crate) use server::{MetricsServer, Scrape};

/// All that the agent counts.
#[derive(Debug)]
pub(crate) struct Metrics {
    registry: Registry,
    latest: Latest,
    probes: Family<ProbeLabels, Histogram, fn() -> Histogram>,
    /// The labels that are in `probes`.
    probed: HashSet<ProbeLabels>,
    reloads: Family<ReloadLabels, Counter>,
    lateness: Histogram,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ProbeLabels {
    service: String,
    result: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ReloadLabels {
    result: &'static str,
}

/// From a tenth of a millisecond to some 13 s: the times of checks.
fn check_times() -> Histogram {
    Histogram::new(exponential_buckets(0.000_1, 2.5, 14))
}

/// From a millisecond to some 4 s: how late the loop was.
fn late_times() -> Histogram {
    Histogram::new(exponential_buckets(0.001, 2.0, 13))
}

impl Metrics {
    pub(crate) fn new(traces: Option<Counts>) -> Self {
        let mut registry = Registry::with_prefix("lb_agent");
        let latest = Latest(Arc::new(Mutex::new(None)));
        let probes = Family::new_with_constructor(check_times as fn() -> Histogram);
        let reloads = Family::<ReloadLabels, Counter>::default();
        let lateness = late_times();
        registry.register("probe_duration_seconds", "Time of whole checks, by result", probes.clone());
        registry.register("config_reloads", "Files read because they changed, by result", reloads.clone());
        registry.register(
            "loop_late_seconds",
            "How long after its time the loop did what was due",
            lateness.clone(),
        );
        registry.register_collector(Box::new(latest.clone()));
        if let Some(counts) = traces {
            registry.register_collector(Box::new(Traces(counts)));
        }
        for result in ["taken", "refused"] {
            // so that a rate over it exists from the start
            drop(reloads.get_or_create(&ReloadLabels { result }));
        }
        Self { registry, latest, probes, probed: HashSet::new(), reloads, lateness }
    }

    /// A check is over.
    pub(crate) fn probe(&mut self, service: &str, result: &'static str, took: Duration) {
        let labels = ProbeLabels { service: service.to_owned(), result };
        self.probes.get_or_create(&labels).observe(took.as_secs_f64());
        self.probed.insert(labels);
    }

    /// A file was read because it changed.
    pub(crate) fn reload(&self, taken: bool) {
        let result = if taken { "taken" } else { "refused" };
        self.reloads.get_or_create(&ReloadLabels { result }).inc();
    }

    /// The loop came to what was due so much later.
    pub(crate) fn late(&self, by: Duration) {
        self.lateness.observe(by.as_secs_f64());
    }

    /// Forgets the checks of services that are no more.
    pub(crate) fn retain(&mut self, services: &BTreeSet<String>) {
        let gone: Vec<ProbeLabels> =
            self.probed.iter().filter(|labels| !services.contains(&labels.service)).cloned().collect();
        for labels in gone {
            self.probes.remove(&labels);
            self.probed.remove(&labels);
        }
    }

    /// Everything as text, with this status.
    ///
    /// # Errors
    ///
    /// None that can happen: a text takes whatever is written into it.
    pub(crate) fn text(&self, status: Status) -> Result<String, std::fmt::Error> {
        *self.latest.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(status);
        let mut text = String::new();
        encode(&mut text, &self.registry)?;
        Ok(text)
    }
}

#[cfg(test)]
mod tests;
