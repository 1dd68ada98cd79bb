//! A node in a small world: a kernel that does what is written, backends that answer checks or not, and routers that are told.
//!
//! It carries out what the node asks for and watches what no order of events
//! may bring about; see `World::act`.

use std::collections::{BTreeMap, BTreeSet};
use std::string::{String, ToString};
use std::vec::Vec;

use super::*;
use crate::announce::Policy;
use crate::config::LbFile;
use crate::health::ProbeFailure;
use crate::ipvs::{Kernel, ObservedService, ServiceKey};

/// What the world does to the node's wishes for a while.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Trouble {
    /// Listings fail.
    pub(super) unreadable: bool,
    /// Every write batch stops after so many writes.
    pub(super) refuse_after: Option<usize>,
}

/// What the node may touch of its host.
#[derive(Clone, Debug, Default)]
pub(super) struct SimulatedKernel {
    pub(super) ipvs: Kernel,
    pub(super) addresses: BTreeSet<IpAddr>,
    pub(super) sysctls: BTreeMap<&'static str, u32>,
}

impl SimulatedKernel {
    pub(super) fn snapshot(&self) -> Snapshot {
        Snapshot {
            ipvs: self.ipvs.observed(),
            addresses: self.addresses.clone(),
            sysctls: self.sysctls.clone(),
        }
    }

    /// Does one write; `false` if the kernel refuses it.
    fn take(&mut self, write: &Write) -> bool {
        match write {
            // an address that is there already, or is not there any more, is what was wanted
            Write::Address { vip, present: true } => {
                self.addresses.insert(*vip);
            }
            Write::Address { vip, present: false } => {
                self.addresses.remove(vip);
            }
            Write::Ipvs(command) => return self.ipvs.apply(command).is_ok(),
            Write::Sysctl { name, value } => {
                self.sysctls.insert(name, *value);
            }
        }
        true
    }

    /// The services that a snapshot has, in the kernel's own words.
    fn services(&self) -> BTreeMap<ServiceKey, ObservedService> {
        self.ipvs.observed().services
    }
}

pub(super) struct World {
    pub(super) now: Time,
    pub(super) node: Node,
    pub(super) kernel: SimulatedKernel,
    /// Backends that answer their checks.
    pub(super) alive: BTreeSet<IpAddr>,
    pub(super) trouble: Trouble,
    pub(super) announced: BTreeSet<IpAddr>,
    /// When each VIP was last withdrawn.
    silent_since: BTreeMap<IpAddr, Time>,
    pub(super) writes: Vec<Write>,
    pub(super) events: Vec<Event>,
    pub(super) stopped: bool,
    /// The marks that checks were sent with.
    pub(super) marks: BTreeSet<Option<u32>>,
    /// Somebody wrote to the kernel since the node last read it.
    pub(super) interfered: bool,
    /// Failures until now, and when the last was.
    failures: u64,
    troubled: Option<Time>,
    /// Since when the kernel may go through all connections, after a deletion while it ends those of nobody.
    walks_since: Option<Time>,
}

/// How long the kernel's walk may take to begin and to end: a jiffy, and then some.
const WALK: Duration = Duration::from_millis(20);

/// An agent's file with these services, as `VIP PORT ADDRESS...` lines; an address may have a state after `=`, or a weight.
pub(super) fn config(services: &[&str]) -> NodeConfig {
    let mut text = String::from(
        "ownedPrefixes: [203.0.113.0/24]\nannounce: { policy: all, damping: { enabled: false } }\nhealth: { interval: 1s, timeout: 500ms, fall: 2, startWithin: 500ms }\nservices:\n",
    );
    for service in services {
        let mut words = service.split_whitespace();
        let (vip, port) = (words.next().unwrap(), words.next().unwrap());
        text += &std::format!(
            "  - vip: {vip}\n    port: {port}\n    protocol: tcp\n    scheduler: {{ kind: ipvs-mh, fallback: true }}\n    backends:\n"
        );
        for backend in words {
            let (address, word) = backend.split_once('=').unwrap_or((backend, "active"));
            let (weight, state) = word.parse::<u16>().map_or((10, word), |weight| (weight, "active"));
            text += &std::format!("      - {{ address: {address}, weight: {weight}, state: {state} }}\n");
        }
    }
    let file: LbFile = serde_saphyr::from_str(&text.replace("backends:\n  -", "backends: []\n  -")).unwrap();
    NodeConfig::try_from(file).unwrap()
}

pub(super) fn address(text: &str) -> IpAddr {
    text.parse().unwrap()
}

impl World {
    /// A world in which every backend answers, and a node that has just begun.
    pub(super) fn new(config: NodeConfig) -> Self {
        let alive = (1..=9).map(|last| IpAddr::from([10, 1, 0, last])).collect();
        Self::with(config, SimulatedKernel::default(), alive, Time::ZERO)
    }

    fn with(config: NodeConfig, kernel: SimulatedKernel, alive: BTreeSet<IpAddr>, now: Time) -> Self {
        let mut world = Self {
            now,
            node: Node::new(now, config, 7),
            kernel,
            alive,
            trouble: Trouble::default(),
            announced: BTreeSet::new(),
            silent_since: BTreeMap::new(),
            writes: Vec::new(),
            events: Vec::new(),
            stopped: false,
            marks: BTreeSet::new(),
            interfered: false,
            failures: 0,
            troubled: None,
            walks_since: None,
        };
        world.act();
        world
    }

    /// The agent is killed and started anew: the routers lose its routes, the kernel keeps what it holds.
    pub(super) fn restart(&mut self) {
        let config = self.node.config().clone();
        let (kernel, alive) = (core::mem::take(&mut self.kernel), core::mem::take(&mut self.alive));
        *self = Self { trouble: self.trouble, ..Self::with(config, kernel, alive, self.now) };
        self.act();
    }

    /// Carries out what the node asks for, until it asks for nothing.
    pub(super) fn act(&mut self) {
        while let Some(action) = self.node.poll_action() {
            match action {
                Action::Announce { prefix, .. } => self.tell(prefix.addr()),
                Action::Withdraw { prefix } => {
                    assert!(self.announced.remove(&prefix.addr()), "{prefix} was not announced");
                    self.silent_since.insert(prefix.addr(), self.now);
                    self.node.handle_withdrawn(self.now, prefix);
                }
                Action::CancelProbe { key, id } => {
                    panic!("every check is answered at once, so none is given up: {key:?} {id:?}");
                }
                Action::StartProbe(order) => self.check(&order),
                Action::Read if self.trouble.unreadable => self.node.handle_read_failed(self.now),
                Action::Read => {
                    self.interfered = false;
                    self.node.handle_snapshot(self.now, self.kernel.snapshot());
                }
                Action::Write(writes) => self.write(writes),
                Action::Stop => {
                    assert!(self.announced.is_empty(), "nothing is left announced");
                    self.stopped = true;
                }
            }
        }
        if self.trouble != Trouble::default() || self.failures != self.node.counters().failures {
            self.failures = self.node.counters().failures;
            self.troubled = Some(self.now);
        }
        self.events.extend(core::iter::from_fn(|| self.node.poll_event()));
    }

    fn tell(&mut self, vip: IpAddr) {
        assert!(self.announced.insert(vip), "{vip} is announced already");
        assert!(self.interfered || self.kernel.addresses.contains(&vip), "{vip} is announced and not on lo");
        let services = self.node.config().lb.services.iter().map(|found| found.address);
        let mut services = services.filter(|service| service.address == vip);
        let serves = |service| self.serving(service) > 0;
        let enough = match self.node.config().announce.policy {
            Policy::All => services.all(serves),
            Policy::Any => services.any(serves),
        };
        assert!(self.interfered || enough, "{vip} is announced, and the kernel has nobody for it");
    }

    fn check(&mut self, order: &ProbeOrder) {
        self.marks.insert(order.mark);
        let outcome = if self.alive.contains(&order.key.backend.address) {
            Outcome::Success
        } else {
            Outcome::Failure(ProbeFailure::Refused)
        };
        self.node.handle_probe_result(self.now, order.key, order.probe.id, outcome);
    }

    /// How many destinations of a service take new flows.
    pub(super) fn serving(&self, service: ServiceAddress) -> usize {
        let services = self.kernel.services();
        let found = services.get(&ServiceKey::Address(service));
        found
            .map_or(0, |found| found.destinations.iter().filter(|found| found.destination.weight > 0).count())
    }

    /// How many destinations at an address take new flows, of all services.
    pub(super) fn serving_of(&self, backend: &str) -> usize {
        let services = self.kernel.services();
        let all = services.values().flat_map(|found| &found.destinations);
        let at = all.filter(|found| found.destination.endpoint.address == address(backend));
        at.filter(|found| found.destination.weight > 0).count()
    }

    /// Whether a service has a backend that takes new flows.
    pub(super) fn holds(&self, service: ServiceAddress, backend: IpAddr) -> bool {
        self.kernel.services().get(&ServiceKey::Address(service)).is_some_and(|found| {
            found
                .destinations
                .iter()
                .any(|found| found.destination.endpoint.address == backend && found.destination.weight > 0)
        })
    }

    fn write(&mut self, writes: Vec<Write>) {
        let served = self.kernel.services().into_keys().filter_map(|key| match key {
            ServiceKey::Address(service) if self.serving(service) > 0 => Some(service),
            ServiceKey::Address(_) | ServiceKey::Mark { .. } => None,
        });
        let served: Vec<_> = served.collect();
        let local = self.kernel.addresses.clone();
        let done = self.trouble.refuse_after.unwrap_or(writes.len()).min(writes.len());
        let done = writes[..done].iter().position(|write| !self.kernel.take(write)).unwrap_or(done);
        // what a kernel in trouble did not do when it was right may be done when it no longer is
        let calm = self.troubled.is_none_or(|last| self.now - last > Duration::from_secs(15))
            && done == writes.len();
        let configured: BTreeSet<_> =
            self.node.config().lb.services.iter().map(|found| found.address).collect();
        // nothing that carries flows goes before its VIP was silent long enough
        for service in served {
            let lost = self.serving(service) == 0 || !self.kernel.addresses.contains(&service.address);
            if lost && local.contains(&service.address) && calm {
                let vip = service.address;
                let silent = self.silent_since.get(&vip).map(|since| self.now - *since);
                let announced = self.announced.contains(&vip);
                assert!(
                    !announced || !configured.contains(&service),
                    "{service} loses its last backend while announced"
                );
                // a service that leaves a VIP which others keep goes at the operator's word
                let shared = configured.iter().any(|other| other.address == vip);
                let at_word = shared && !configured.contains(&service);
                let early =
                    !announced && !at_word && silent.is_some_and(|silent| silent < self.node.drain_delay());
                assert!(!early, "{service} loses its last backend {silent:?} after its VIP was withdrawn");
            }
        }
        self.watch_walks(&writes[..done]);
        self.writes.extend_from_slice(&writes[..done]);
        self.node.handle_written(self.now, done);
    }

    /// What is deleted only to be added anew must not be missing while the kernel looks for connections of nobody.
    fn watch_walks(&mut self, writes: &[Write]) {
        let mut ends_flows = true;
        for write in writes {
            match write {
                Write::Ipvs(Command::SetExpireNodestConn { value }) => {
                    ends_flows = *value;
                    let walked = self.walks_since.map(|since| self.now - since);
                    assert!(
                        *value || walked.is_none_or(|walked| walked >= WALK),
                        "repaired after {walked:?}"
                    );
                }
                Write::Ipvs(Command::DeleteDestination { .. } | Command::DeleteService { .. })
                    if ends_flows =>
                {
                    self.walks_since = Some(self.now);
                }
                Write::Address { .. } | Write::Ipvs(_) | Write::Sysctl { .. } => {}
            }
        }
    }

    /// Lets time pass.
    pub(super) fn pass(&mut self, duration: Duration) {
        let end = self.now + duration;
        while let Some(due) = self.node.poll_timeout().filter(|due| *due <= end) {
            self.now = self.now.max(due);
            self.node.handle_timeout(self.now);
            self.act();
        }
        self.now = end;
    }

    /// Writes since the last call.
    pub(super) fn written(&mut self) -> Vec<String> {
        core::mem::take(&mut self.writes).iter().map(ToString::to_string).collect()
    }
}
