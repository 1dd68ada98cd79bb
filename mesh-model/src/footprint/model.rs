//! The size model: bytes for what was counted.
//!
//! Fitted to an Envoy 1.40 with two workers, statistics on, ten endpoints and a route for
//! each service, configured over ADS: 67 MB at rest; 172, 473, 872, 1,744 MB
//! with 1,000, 4,000, 8,000, 16,000 plain clusters, and 215, 649, 1,212, 2,347 MB
//! with circuit breakers, outlier detection and mutual TLS. Within 5 % of each.
//! Listeners: the resident memory of one with 500 of them, less that of one with 1. Routes: 65 MB with one,
//! 95, 181 and 297 MB with 5,000, 20,000 and 40,000 of them, five to a host, with retries and names as Istio writes them.

use serde::Serialize;

/// What a proxy holds, counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Counts {
    /// Clusters: ports of services, and of each subset.
    pub clusters: u64,
    /// Of these, the second ones by which an east-west gateway passes TLS on (`outbound_.PORT_.SUBSET_.HOST`).
    #[serde(skip_serializing_if = "is_zero")]
    pub passed: u64,
    /// Routes.
    pub routes: u64,
    /// Listeners; at gateways each server with TLS, which is a chain of filters of its own, is one.
    pub listeners: u64,
    /// Endpoints of all clusters; one that is in two counts twice.
    pub endpoints: u64,
}

impl Counts {
    /// Both together.
    #[must_use]
    pub const fn plus(self, other: Self) -> Self {
        Self {
            clusters: self.clusters.saturating_add(other.clusters),
            passed: self.passed.saturating_add(other.passed),
            routes: self.routes.saturating_add(other.routes),
            listeners: self.listeners.saturating_add(other.listeners),
            endpoints: self.endpoints.saturating_add(other.endpoints),
        }
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
const fn is_zero(count: &u64) -> bool {
    *count == 0
}

/// Bytes for each part of a configuration.
///
/// A cluster that passes TLS on is as large as any other here. It has no TLS of
/// its own, which would save a quarter; the filter chain that leads to it was not measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SizeModel {
    /// Memory at rest.
    pub base: u64,
    /// Memory of a cluster without its endpoints and routes, statistics included.
    pub cluster: u64,
    /// Memory of an endpoint.
    pub endpoint: u64,
    /// Memory of a listener, or of one of its chains of filters.
    pub listener: u64,
    /// Memory of a route, its part of the host's entry included.
    pub route: u64,
    /// Memory of a cluster for each worker beyond the second.
    pub worker: u64,
    /// Workers of each proxy.
    pub workers: u64,
}

/// Endpoints of each cluster when the slope was measured.
const MEASURED_ENDPOINTS: u64 = 10;
/// Workers then.
const MEASURED_WORKERS: u64 = 2;
/// Memory of an endpoint.
const ENDPOINT: u64 = 1_550;
/// Memory of a listener: 58 kB of plain HTTP, 83 kB of HTTPS, with an access log and a table of one route.
const LISTENER: u64 = 83_000;
/// Memory of a route: (297 - 65) MB / 40,000.
const ROUTE: u64 = 5_900;
/// Bytes on the wire of a cluster, an endpoint, a route, a listener (1.1 kB of HTTP, 1.45 kB of HTTPS).
const WIRE: [u64; 4] = [760, 45, 250, 1_450];

/// What a configuration takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Size {
    pub(super) config_bytes: u64,
    pub(super) memory_bytes: u64,
}

impl SizeModel {
    /// Clusters without anything.
    pub const PLAIN: Self = Self::measured(105_000);
    /// Clusters with circuit breakers, outlier detection and mutual TLS, as a mesh has them.
    pub const FULL: Self = Self::measured(142_000);

    const fn measured(slope: u64) -> Self {
        Self {
            base: 67_000_000,
            // the slope was measured with endpoints and a route, which are counted by themselves
            cluster: slope - MEASURED_ENDPOINTS * ENDPOINT - ROUTE,
            endpoint: ENDPOINT,
            listener: LISTENER,
            route: ROUTE,
            worker: 5_600,
            workers: MEASURED_WORKERS,
        }
    }

    /// The same with another number of workers.
    #[must_use]
    pub const fn with_workers(self, workers: u64) -> Self {
        Self { workers, ..self }
    }

    pub(super) const fn size(&self, counts: Counts) -> Size {
        let workers = self.workers.saturating_sub(MEASURED_WORKERS);
        let cluster = self.cluster.saturating_add(self.worker.saturating_mul(workers));
        let memory = counts.clusters.saturating_mul(cluster);
        let memory = memory.saturating_add(counts.endpoints.saturating_mul(self.endpoint));
        let memory = memory.saturating_add(counts.listeners.saturating_mul(self.listener));
        let memory = memory.saturating_add(counts.routes.saturating_mul(self.route));
        let config = counts.clusters.saturating_mul(WIRE[0]);
        let config = config.saturating_add(counts.endpoints.saturating_mul(WIRE[1]));
        let config = config.saturating_add(counts.listeners.saturating_mul(WIRE[3]));
        Size {
            config_bytes: config.saturating_add(counts.routes.saturating_mul(WIRE[2])),
            memory_bytes: self.base.saturating_add(memory),
        }
    }
}
