//! How a node stands, as values for whoever shows it.

use alloc::collections::BTreeSet;
use alloc::vec::Vec;
use core::net::IpAddr;

use super::kernel::{KernelPhase, Snapshot};
use super::service::{Service, Wanted};
use super::{Drain, Node, ProbeKey};
use crate::announce::VipState;
use crate::config::{BackendConfig, BackendState, ServiceAddress, ServiceConfig};
use crate::health::{Cause, HealthState, ServiceState};
use crate::identity::{Endpoint, Weight};
use crate::ipvs::ServiceKey;
use crate::node::NodeConfig;
use crate::time::Time;

/// Where a node is between its start and its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Life {
    /// It was told to clean up, and the kernel's writes are under way.
    Cleaning {
        /// When it stops even if the kernel still refuses.
        give_up: Time,
    },
    /// It serves.
    Running,
    /// It has stopped; nothing more comes of it.
    Stopped,
    /// Everything is withdrawn, and the routers have time to notice.
    Stopping {
        /// Whether the kernel is cleaned of what is ours then.
        cleanup: bool,
    },
}

/// What a node has done since its start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Listings of the kernel.
    pub reads: u64,
    /// Writes that the kernel took.
    pub writes: u64,
    /// Listings and writes that failed.
    pub failures: u64,
    /// Listings that showed what somebody else had changed.
    pub drifts: u64,
}

/// One VIP.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct VipStatus {
    /// The VIP.
    pub vip: IpAddr,
    /// Whether it is announced, or why not.
    pub state: VipState,
    /// Whether the kernel holds all that it is to hold for it.
    pub programmed: bool,
}

/// One service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServiceStatus {
    /// Which.
    pub service: ServiceAddress,
    /// Whether it stands.
    pub state: ServiceState,
    /// Configured weight in service, and in all.
    pub weights: (u64, u64),
    /// Its backends, by endpoint.
    pub backends: Vec<BackendStatus>,
}

/// One backend of one service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BackendStatus {
    /// Where it answers.
    pub endpoint: Endpoint,
    /// What checks say.
    pub state: HealthState,
    /// What last changed that.
    pub cause: Cause,
    /// What the kernel is to give it.
    pub traffic: BackendState,
    /// Its weight for new flows now.
    pub weight: Weight,
    /// Its configured weight.
    pub full: Weight,
    /// Whether a hand took it out.
    pub drained: bool,
    /// Whether the path to it is held for dead.
    pub path_dead: bool,
}

impl Node {
    /// The configuration at work.
    #[must_use]
    pub const fn config(&self) -> &NodeConfig {
        &self.config
    }

    /// Where the node is between its start and its end.
    #[must_use]
    pub const fn life(&self) -> Life {
        self.life
    }

    /// Whether a hand took the whole node out.
    #[must_use]
    pub const fn is_drained(&self) -> bool {
        self.drained
    }

    /// What hands took out: whoever restarts the node tells it again.
    pub fn drains(&self) -> impl Iterator<Item = Drain> {
        let backend = |(address, service): &(IpAddr, Option<ServiceAddress>)| Drain::Backend {
            address: *address,
            service: *service,
        };
        self.drained.then_some(Drain::Node).into_iter().chain(self.drains.iter().map(backend))
    }

    /// How far the node is with its kernel.
    #[must_use]
    pub const fn kernel_phase(&self) -> KernelPhase {
        self.kernel.phase()
    }

    /// What the kernel is believed to hold; `None` before it was first read.
    #[must_use]
    pub const fn believed(&self) -> Option<&Snapshot> {
        if self.kernel.is_known() { Some(self.kernel.believed()) } else { None }
    }

    /// Whether the kernel holds everything that it is to hold.
    #[must_use]
    pub const fn is_programmed(&self) -> bool {
        self.pending.at_rest
    }

    /// Whether it has come to rest: the kernel holds everything, every backend
    /// is known and has its whole weight, and nothing waits.
    #[must_use]
    pub fn is_settled(&self) -> bool {
        let known = |service: &Service| {
            service.members().all(|(_, member)| {
                let health = member.health();
                health.state() != HealthState::Unknown && member.weight() == member.config().weight
            })
        };
        self.pending.at_rest && self.pending.held.is_empty() && self.services.values().all(known)
    }

    /// What was done since the start.
    #[must_use]
    pub const fn counters(&self) -> Counters {
        self.counters
    }

    /// The kernel's services that are not the agent's to touch.
    pub fn foreign(&self) -> impl Iterator<Item = ServiceKey> {
        let ours = self.ownership();
        self.kernel.believed().ipvs.services.keys().filter(move |key| !ours.owns(key)).copied()
    }

    /// The VIPs, by address; before the kernel was read, those of the configuration.
    #[must_use]
    pub fn vips(&self) -> Vec<VipStatus> {
        if !self.kernel.is_known() {
            let vips: BTreeSet<IpAddr> =
                self.config.lb.services.iter().map(|service| service.address.address).collect();
            let unread = |vip| VipStatus { vip, state: VipState::Unknown, programmed: false };
            return vips.into_iter().map(unread).collect();
        }
        let status = |vip: &IpAddr| VipStatus {
            vip: *vip,
            // one that left the configuration has been withdrawn, and is waited for
            state: self.announcer.state(*vip).unwrap_or(VipState::Draining),
            programmed: self.holds(*vip),
        };
        self.vips.keys().map(status).collect()
    }

    /// The services, by address; before the kernel was read, those of the configuration, of which nothing is known.
    #[must_use]
    pub fn services(&self, now: Time) -> Vec<ServiceStatus> {
        if self.kernel.is_known() {
            return self.services.iter().map(|(address, service)| service.status(now, *address)).collect();
        }
        let mut services: Vec<_> =
            self.config.lb.services.iter().map(|service| self.unread(service)).collect();
        services.sort_unstable_by_key(|service| service.service);
        services
    }

    /// A service before the kernel was read.
    fn unread(&self, service: &ServiceConfig) -> ServiceStatus {
        let backend = |backend: &BackendConfig| BackendStatus {
            endpoint: backend.endpoint,
            state: HealthState::Unknown,
            cause: Cause::Started,
            traffic: BackendState::Drain,
            weight: backend.weight,
            full: backend.weight,
            drained: self.is_out(&ProbeKey { service: service.address, backend: backend.endpoint }),
            path_dead: false,
        };
        let total = service.backends.iter().map(|backend| u64::from(backend.weight.0)).sum();
        ServiceStatus {
            service: service.address,
            state: ServiceState::Unknown,
            weights: (0, total),
            backends: service.backends.iter().map(backend).collect(),
        }
    }

    /// The services as the kernel is to hold them.
    pub fn wanted(&self) -> impl Iterator<Item = &Wanted> {
        self.desired.values()
    }
}

impl Service {
    fn status(&self, now: Time, service: ServiceAddress) -> ServiceStatus {
        let wanted = self.wanted();
        let backends = self.members().zip(&wanted.offers).map(|((endpoint, member), wanted)| BackendStatus {
            endpoint,
            state: member.health().state(),
            cause: member.health().cause(),
            traffic: wanted.traffic,
            weight: member.weight(),
            full: member.config().weight,
            drained: member.drained(),
            path_dead: member.path_is_dead(now),
        });
        ServiceStatus { service, state: self.state(), weights: self.weights(), backends: backends.collect() }
    }
}
