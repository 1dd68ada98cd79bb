//! The node: one machine that turns configuration, probe results and what the kernel holds into actions.
//!
//! It owns the health machines, the announcements and the wanted state of
//! IPVS, and puts what they decide into an order in which no flow is lost:
//!
//! - nothing is announced before the kernel holds all that it is to hold for it;
//! - what would cost flows (the last backend of a service taken out, a service
//!   or its VIP removed) waits until the VIP has been withdrawn for the drain delay;
//! - at the start nothing is known of the backends, so what the kernel holds is
//!   the evidence: a backend that it sends flows to is taken for in service until
//!   checks say otherwise. A restart writes nothing that is already right.
//!
//! The agent's loop and the simulator drive it; neither decides. The contract
//! is that of all machines here: after every `handle_*`, drain `poll_action`,
//! then `poll_event`, until each gives `None`; then read `poll_timeout`.

mod action;
mod air;
mod config;
mod error;
mod event;
mod explain;
mod kernel;
mod program;
mod service;
mod settle;
mod status;
mod vip;

use alloc::collections::{BTreeMap, BTreeSet, VecDeque};
use core::net::IpAddr;
use core::time::Duration;

use ipnet::IpNet;

use kernel::Kernel;
use service::Service;
use vip::Vip;

use crate::announce::Announcer;
use crate::config::ServiceAddress;
use crate::health::{Outcome, ProbeId};
use crate::identity::Endpoint;
use crate::ipvs::{MARKS, Marks};
use crate::time::Time;

pub use action::{Action, ProbeKey, ProbeOrder, Write};
pub use config::{ControlConfig, LogConfig, NodeConfig, served};
pub use error::{NodeError, NodeProblem};
pub use event::Event;
pub use explain::Explanation;
pub use kernel::{KernelPhase, Snapshot};
pub use service::Wanted;
pub use status::{BackendStatus, Counters, Life, ServiceStatus, VipStatus};

/// The machine of one node.
///
/// ```
/// use lb_core::Time;
/// use lb_core::config::LbFile;
/// use lb_core::health::Outcome;
/// use lb_core::node::{Action, Node, NodeConfig, Snapshot};
///
/// let file: LbFile = serde_saphyr::from_str(
///     r#"
/// ownedPrefixes: [203.0.113.0/24]
/// services:
///   - vip: 203.0.113.10
///     port: 443
///     protocol: tcp
///     scheduler: { kind: ipvs-mh }
///     backends: [{ address: 10.1.0.5 }]
/// "#,
/// )?;
/// let mut now = Time::ZERO;
/// let mut node = Node::new(now, NodeConfig::try_from(file)?, 7);
/// let mut kernel = Snapshot::default();
/// let mut announced = None;
/// while announced.is_none() {
///     match node.poll_action() {
///         None => {
///             now = node.poll_timeout().expect("a check is due");
///             node.handle_timeout(now);
///         }
///         Some(Action::Read) => node.handle_snapshot(now, kernel.clone()),
///         Some(Action::StartProbe(order)) => {
///             node.handle_probe_result(now, order.key, order.probe.id, Outcome::Success);
///         }
///         Some(Action::Write(writes)) => {
///             writes.iter().for_each(|write| kernel.apply(write));
///             node.handle_written(now, writes.len());
///         }
///         Some(Action::Announce { prefix, .. }) => announced = Some(prefix.addr()),
///         Some(action) => panic!("nothing to stop or to withdraw: {action:?}"),
///     }
/// }
/// assert!(kernel.addresses.contains(&announced.unwrap()), "only what the kernel serves is announced");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Node {
    config: NodeConfig,
    /// Makes no two nodes check in step.
    seed: u64,
    announcer: Announcer,
    services: BTreeMap<ServiceAddress, Service>,
    vips: BTreeMap<IpAddr, Vip>,
    /// What the kernel is to hold: the services as they are, or as they were while that has to wait.
    desired: BTreeMap<ServiceAddress, Wanted>,
    kernel: Kernel,
    /// By which mark a check through the tunnel gets to its backend.
    marks: Marks,
    /// The next deadline of each backend.
    timers: BTreeSet<(Time, ServiceAddress, Endpoint)>,
    /// What hands took out: an address, of one service or of all.
    drains: BTreeSet<(IpAddr, Option<ServiceAddress>)>,
    /// Whether a hand took the whole node out.
    drained: bool,
    life: Life,
    pending: Pending,
    actions: VecDeque<Action>,
    events: VecDeque<Event>,
    counters: Counters,
}

/// What has changed and was not yet seen to.
#[derive(Clone, Debug, Default)]
struct Pending {
    /// Services of which the wanted state may have changed.
    services: BTreeSet<ServiceAddress>,
    /// VIPs of which the announcer may know too little.
    vips: BTreeSet<IpAddr>,
    /// VIPs that stand and wait for what the kernel does not hold yet.
    waiting: BTreeSet<IpAddr>,
    /// VIPs that stand and wait for the end of the writes that are under way.
    behind: BTreeSet<IpAddr>,
    /// When patience with a new VIP ends next, or earlier.
    patience: Option<Time>,
    /// Whether there may be VIPs without a service, to be forgotten when they are quiet.
    orphans: bool,
    /// VIPs for which a change waits until they are quiet.
    held: BTreeSet<IpAddr>,
    /// Services whose desired state the kernel may not hold yet.
    unplanned: BTreeSet<ServiceAddress>,
    /// Whether all is to be compared with the kernel, not only what changed.
    compare_all: bool,
    /// Whether the VIPs on `lo` and the kernel's switches are to be looked at too.
    surroundings: bool,
    /// Whether the kernel held everything when it was last compared, and nothing else was wanted since.
    at_rest: bool,
    /// Destinations that wait for their last connection.
    leaving: usize,
    /// Whether services are in the wrong order, which is put right when everything serves.
    unordered: bool,
    /// Writes since the kernel was last at rest.
    writes: usize,
}

/// What a hand takes out, or puts back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Drain {
    /// A backend, of one service or of all.
    Backend {
        /// Its address.
        address: IpAddr,
        /// Of this service alone.
        service: Option<ServiceAddress>,
    },
    /// The whole node: every VIP is withdrawn, the kernel stays as it is.
    Node,
}

impl Node {
    /// A node that knows its configuration and nothing of its kernel: it begins by reading that.
    ///
    /// `seed` is to differ from node to node, so that they do not check in step.
    #[must_use]
    pub fn new(now: Time, config: NodeConfig, seed: u64) -> Self {
        let kernel = Kernel::new(now, config.read_interval);
        let announcer = Announcer::new(config.announce.clone());
        let mut node = Self {
            config,
            seed,
            announcer,
            services: BTreeMap::new(),
            vips: BTreeMap::new(),
            desired: BTreeMap::new(),
            kernel,
            marks: Marks::new(MARKS),
            timers: BTreeSet::new(),
            drains: BTreeSet::new(),
            drained: false,
            life: Life::Running,
            pending: Pending::default(),
            actions: VecDeque::new(),
            events: VecDeque::new(),
            counters: Counters::default(),
        };
        node.settle(now);
        node
    }

    /// Takes another configuration, whole: what stays keeps its health and its flows.
    ///
    /// `false` if it is too late for one: the kernel is being cleaned, and nothing is to come back.
    pub fn handle_config(&mut self, now: Time, config: NodeConfig) -> bool {
        if matches!(self.life, Life::Cleaning { .. } | Life::Stopped) {
            return false;
        }
        self.kernel.set_read_interval(now, config.read_interval);
        self.config = config;
        if self.kernel.is_known() {
            self.configure(now);
        }
        self.settle(now);
        true
    }

    /// Takes what the kernel holds, as [`Action::Read`] asked for.
    pub fn handle_snapshot(&mut self, now: Time, snapshot: Snapshot) {
        let first = !self.kernel.is_known();
        if !self.kernel.handle_snapshot(now, snapshot) {
            return;
        }
        self.counters.reads += 1;
        self.pending.compare_all = true;
        if first {
            self.configure(now);
        }
        self.judge_waiting();
        self.settle(now);
    }

    /// Takes word that the kernel could not be read.
    pub fn handle_read_failed(&mut self, now: Time) {
        if self.kernel.handle_read_failed(now) {
            self.counters.failures += 1;
            self.events.push_back(Event::ReadFailed);
        }
        self.settle(now);
    }

    /// Takes how many of the writes of [`Action::Write`] were done: all, or those before the one that failed.
    pub fn handle_written(&mut self, now: Time, done: usize) {
        if let Some(written) = self.kernel.handle_written(now, done) {
            let wanted = written.asked;
            let done = done.min(wanted);
            self.counters.writes += done as u64;
            self.pending.writes += done;
            if done < wanted {
                self.counters.failures += 1;
                self.events.push_back(Event::WriteFailed { done, wanted });
                self.pending.compare_all = true;
                self.judge_broken();
                self.judge_waiting();
            }
            self.note_places(&written.services);
            self.kernel_changed(&written.vips);
        }
        self.settle(now);
    }

    /// Takes the result of a check; one that is late or unknown is ignored.
    pub fn handle_probe_result(&mut self, now: Time, key: ProbeKey, id: ProbeId, outcome: Outcome) {
        if let Some(service) = self.services.get_mut(&key.service) {
            service.handle_result(now, key.backend, id, outcome);
            self.touch(now, key.service, Some(key.backend));
        }
        self.settle(now);
    }

    /// Takes what a path checker saw: the way from this node to a backend is
    /// dead, to be believed for so long; or it lives (`None`). Gives back how
    /// many backends (of services) it is about.
    pub fn handle_path(
        &mut self,
        now: Time,
        address: IpAddr,
        service: Option<ServiceAddress>,
        dead_for: Option<Duration>,
    ) -> usize {
        let found = self.members_at(address, service);
        for key in &found {
            if let Some(service) = self.services.get_mut(&key.service) {
                service.handle_path(now, key.backend, dead_for);
            }
            self.touch(now, key.service, Some(key.backend));
        }
        self.settle(now);
        found.len()
    }

    /// How long a VIP is withdrawn before what carries it goes.
    pub(crate) const fn drain_delay(&self) -> Duration {
        self.config.announce.drain_delay
    }

    /// All routers that had a prefix were told that it is withdrawn.
    pub fn handle_withdrawn(&mut self, now: Time, prefix: IpNet) {
        self.announcer.handle_withdrawn(now, prefix);
        if let Some(vip) = self.vips.get_mut(&prefix.addr())
            && prefix.prefix_len() == prefix.max_prefix_len()
            && !vip.announced
        {
            vip.withdrawn = Some(now);
        }
        self.settle(now);
    }

    /// Takes out by hand, or puts back (`out` false); gives back how many backends (of services) that is about.
    ///
    /// A drain of a backend holds for whatever service it joins later.
    pub fn handle_drain(&mut self, now: Time, drain: Drain, out: bool) -> usize {
        let about = match drain {
            Drain::Node => {
                self.drained = out;
                // it announces at once what it holds for standing
                self.pending.vips.extend(self.vips.keys());
                self.judge_vips(now);
                self.announcer.handle_node_drain(now, self.is_leaving());
                self.services.values().map(|service| service.members().count()).sum()
            }
            Drain::Backend { address, service } => {
                if out {
                    self.drains.insert((address, service));
                } else {
                    // putting back a backend of all services leaves none of it out
                    self.drains
                        .retain(|(other, of)| *other != address || (service.is_some() && *of != service));
                }
                let found = self.members_at(address, service);
                for key in &found {
                    let drained = self.is_out(key);
                    if let Some(service) = self.services.get_mut(&key.service) {
                        service.handle_drain(now, key.backend, drained);
                    }
                    self.touch(now, key.service, Some(key.backend));
                }
                found.len()
            }
        };
        self.settle(now);
        about
    }

    /// Withdraws everything, waits for the drain delay, and then has the process
    /// stop; the kernel stays as it is, or is cleaned of what is ours.
    pub fn handle_shutdown(&mut self, now: Time, cleanup: bool) {
        if self.life == Life::Running {
            self.life = Life::Stopping { cleanup };
            self.announcer.handle_node_drain(now, self.is_leaving());
        }
        self.settle(now);
    }

    /// Does what is due.
    pub fn handle_timeout(&mut self, now: Time) {
        while let Some((due, service, backend)) = self.timers.first().copied() {
            if due > now {
                break;
            }
            self.timers.pop_first();
            if let Some(found) = self.services.get_mut(&service) {
                found.handle_timeout(now, backend);
            }
            self.touch(now, service, Some(backend));
        }
        self.kernel.handle_timeout(now);
        self.announcer.handle_timeout(now);
        self.end_patience(now);
        self.settle(now);
    }

    /// The next thing to do.
    #[must_use]
    pub fn poll_action(&mut self) -> Option<Action> {
        self.actions.pop_front()
    }

    /// The next fact.
    #[must_use]
    pub fn poll_event(&mut self) -> Option<Event> {
        self.events.pop_front()
    }

    /// When `handle_timeout` is next needed; `None` once it has stopped.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Time> {
        let delay = self.drain_delay();
        let quiet = |vip: &IpAddr| self.vips.get(vip).and_then(|vip| vip.quiet_at(delay));
        let held = self.pending.held.iter().filter_map(quiet).min();
        let backend = self.timers.first().map(|(due, _, _)| *due);
        let stop = match self.life {
            Life::Stopping { .. } => self.vips.keys().filter_map(quiet).max(),
            Life::Cleaning { give_up } => Some(give_up),
            Life::Running => None,
            Life::Stopped => return None,
        };
        let machines = [self.kernel.poll_timeout(), self.announcer.poll_timeout(), self.pending.patience];
        [held, backend, stop].into_iter().chain(machines).flatten().min()
    }
}

#[cfg(test)]
mod tests;
