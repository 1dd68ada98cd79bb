//! The status, put together from the node, the kernel's counts and the routers' side.

use lb_core::Time;
use lb_core::announce::VipState;
use lb_core::config::ServiceAddress;
use lb_core::node::{BackendStatus, KernelPhase, Life, ProbeKey, ServiceStatus};

use super::Daemon;
use crate::status::{
    Backend, ConfigStatus, KernelStatus, Service, Status, Vip, cause_words, health_word, service_word,
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
    /// How things stand, as far as is known now.
    pub(super) fn status(&mut self, now: Time) -> Status {
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
            services: self.node.services(now).iter().map(|service| self.service(service)).collect(),
            sessions: self.sessions.clone(),
            left_out: self.left_out,
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
            listing_age_s: self.listed.map(|listed| listed.elapsed().as_secs_f64()),
            last_error: self.kernel_error.clone(),
            foreign: self.node.foreign().map(|key| key.to_string()).collect(),
        }
    }

    fn service(&self, service: &ServiceStatus) -> Service {
        let (in_service, total) = service.weights;
        #[allow(clippy::cast_precision_loss, reason = "a share for people and rules")]
        let share = (total > 0).then(|| in_service as f64 / total as f64);
        let address = service.service;
        Service {
            service: address.to_string(),
            state: service_word(service.state).to_owned(),
            in_service: share,
            table_digest: self.digests.get(address).map(str::to_owned),
            backends: service.backends.iter().map(|backend| self.backend(address, backend)).collect(),
        }
    }

    fn backend(&self, service: ServiceAddress, backend: &BackendStatus) -> Backend {
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
            flows: self.flows.now(service, backend.endpoint.address),
            counted: self.flows.counted(service, backend.endpoint.address),
        }
    }
}
