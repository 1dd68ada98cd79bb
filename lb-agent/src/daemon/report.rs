//! The status, put together from the node, the kernel's counts and the routers' side.

use lb_core::Time;
use lb_core::announce::VipState;
use lb_core::config::ServiceAddress;
use lb_core::ipvs::ServiceKey;
use lb_core::node::{BackendStatus, KernelPhase, Life, ProbeKey, ServiceStatus};

use super::Daemon;
use crate::status::{
    Backend, ConfigStatus, Flows, KernelStatus, Service, Status, Vip, cause_words, health_word, service_word,
    traffic_word,
};

/// A VIP's state as a word.
pub(super) const fn vip_word(state: VipState) -> &'static str {
    match state {
        VipState::Announced => "announced",
        VipState::Down => "down",
        VipState::Drained => "drained",
        VipState::Draining => "draining",
        VipState::Suppressed => "suppressed",
        VipState::Unknown => "unknown",
        VipState::Withdrawing => "withdrawing",
    }
}

const fn phase_word(phase: KernelPhase) -> &'static str {
    match phase {
        KernelPhase::Failed => "failed",
        KernelPhase::Reading => "reading",
        KernelPhase::Settled => "settled",
        KernelPhase::Unread => "unread",
        KernelPhase::Writing => "writing",
    }
}

impl Daemon {
    pub(super) async fn status(&mut self, now: Time) -> Status {
        self.digests.refresh(&self.node);
        let state = match self.node.life() {
            Life::Cleaning { .. } => "cleaning",
            Life::Running if self.node.is_drained() => "draining",
            Life::Running => "running",
            Life::Stopped => "stopped",
            Life::Stopping { .. } => "stopping",
        };
        let vip = |vip: lb_core::node::VipStatus| Vip {
            vip: vip.vip,
            announced: vip.state == VipState::Announced,
            state: vip_word(vip.state).to_owned(),
            programmed: vip.programmed,
        };
        let flows = self.flows_by_address();
        Status {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            uptime_s: self.start.elapsed().as_secs_f64(),
            state: state.to_owned(),
            config: ConfigStatus {
                path: self.file.path.display().to_string(),
                generation: self.node.config().lb.generation,
                age_s: self.file.since.elapsed().as_secs_f64(),
                refused: self.file.refusal(),
            },
            kernel: self.kernel_status(),
            vips: self.node.vips().into_iter().map(vip).collect(),
            services: self.node.services(now).iter().map(|service| self.service(service, &flows)).collect(),
            sessions: self.air.sessions().await,
        }
    }

    fn kernel_status(&self) -> KernelStatus {
        let counters = self.node.counters();
        KernelStatus {
            programmed: self.node.is_programmed(),
            phase: phase_word(self.node.kernel_phase()).to_owned(),
            writes: counters.writes,
            reads: counters.reads,
            failures: counters.failures,
            drifts: counters.drifts,
            last_error: self.kernel_error.clone(),
            foreign: self.node.foreign().map(|key| key.to_string()).collect(),
        }
    }

    /// What went through each backend: all destinations of its address are one.
    fn flows_by_address(&self) -> std::collections::BTreeMap<(ServiceAddress, std::net::IpAddr), Flows> {
        let mut sums = std::collections::BTreeMap::new();
        for ((key, endpoint), flow) in &self.flows {
            let ServiceKey::Address(service) = key else { continue };
            let sum: &mut Flows = sums.entry((*service, endpoint.address)).or_default();
            *sum += Flows {
                connections: flow.statistics.connections,
                packets: flow.statistics.packets_in,
                bytes: flow.statistics.bytes_in,
                active: flow.active.into(),
                inactive: flow.inactive.into(),
                connections_per_s: flow.statistics.connections_per_s,
                bytes_per_s: flow.statistics.bytes_in_per_s,
            };
        }
        sums
    }

    fn service(
        &self,
        service: &ServiceStatus,
        flows: &std::collections::BTreeMap<(ServiceAddress, std::net::IpAddr), Flows>,
    ) -> Service {
        let (in_service, total) = service.weights;
        #[allow(clippy::cast_precision_loss, reason = "a share for people and rules")]
        let share = (total > 0).then(|| in_service as f64 / total as f64);
        let address = service.service;
        let backend = |backend: &BackendStatus| {
            let flows = flows.get(&(address, backend.endpoint.address)).copied().unwrap_or_default();
            self.backend(address, backend, flows)
        };
        Service {
            service: address.to_string(),
            state: service_word(service.state).to_owned(),
            in_service: share,
            table_digest: self.digests.get(address).map(str::to_owned),
            backends: service.backends.iter().map(backend).collect(),
        }
    }

    fn backend(&self, service: ServiceAddress, backend: &BackendStatus, flows: Flows) -> Backend {
        let last = self.probes.last(&ProbeKey { service, backend: backend.endpoint });
        Backend {
            backend: backend.endpoint.to_string(),
            state: health_word(backend.state).to_owned(),
            cause: cause_words(backend.cause).to_owned(),
            last_failure: last.and_then(|last| last.failure.clone()),
            probe_s: last.map(|last| last.took.as_secs_f64()),
            traffic: traffic_word(backend.traffic).to_owned(),
            weight: backend.weight.0,
            full_weight: backend.full.0,
            drained: backend.drained,
            path_dead: backend.path_dead,
            flows,
        }
    }
}
