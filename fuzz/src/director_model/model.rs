//! The naive model: maps, and tables built from nothing after every change.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::Duration;

use lb_core::config::{BackendConfig, BackendState, Config, ServiceAddress, ServiceConfig};
use lb_core::director::Choice;
use lb_core::flow::Addresses;
use lb_core::scheduler::Scheduler;
use lb_core::table::TableCache;
use lb_core::{Endpoint, FlowKey, Time};

use crate::packets::{Transport, flag};

/// What became of a packet, as far as the model goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    Forwarded { endpoint: Endpoint, choice: Choice },
    Refused,
}

/// The promises, kept slowly.
#[derive(Debug)]
pub(super) struct Model {
    config: Config,
    /// By service; empty after a change.
    schedulers: BTreeMap<ServiceAddress, Scheduler>,
    flows: BTreeMap<(ServiceAddress, IpAddr, u16), Entry>,
}

#[derive(Clone, Copy, Debug)]
struct Entry {
    endpoint: Endpoint,
    state: State,
    /// Whether two packets at least a second apart were seen.
    proven: bool,
    /// The last packet; of a flow that is not proven the first, or the last SYN.
    seen: Time,
}

/// How far a flow is, by what its client has said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    SynReceived,
    Established,
    FinWait,
    Closed,
    /// A stream is a proven flow.
    Udp {
        is_stream: bool,
    },
}

impl Model {
    pub(super) fn new(config: Config) -> Self {
        Self { config, schedulers: BTreeMap::new(), flows: BTreeMap::new() }
    }

    pub(super) const fn config(&self) -> &Config {
        &self.config
    }

    pub(super) fn set_config(&mut self, config: Config) {
        self.config = config;
        self.schedulers.clear();
    }

    pub(super) fn set_backend(&mut self, address: ServiceAddress, backend: BackendConfig) {
        for service in self.config.services.iter_mut().filter(|service| service.address == address) {
            for place in service.backends.iter_mut().filter(|place| place.endpoint == backend.endpoint) {
                *place = backend;
            }
        }
        self.schedulers.remove(&address);
    }

    /// A backend that is not configured is down.
    pub(super) fn state_of(&self, address: ServiceAddress, endpoint: Endpoint) -> BackendState {
        let backends = &self.service(address).backends;
        backends.iter().find(|backend| backend.endpoint == endpoint).map_or(BackendState::Down, |it| it.state)
    }

    /// What becomes of a packet from a client to a service.
    pub(super) fn handle(
        &mut self,
        now: Time,
        address: ServiceAddress,
        client: (IpAddr, u16),
        transport: Transport,
    ) -> Outcome {
        let key = (address, client.0, client.1);
        let entry = self.flows.remove(&key).filter(|entry| now - entry.seen < entry.state.timeout());
        let picked = self.pick(address, client);
        let is_syn = transport == Transport::Tcp(flag::SYN);
        let is_reset = transport == Transport::Tcp(flag::RST);

        let (endpoint, choice, kept) = match entry {
            Some(entry) if self.state_of(address, entry.endpoint) == BackendState::Down => {
                (picked, Choice::Rechosen, None)
            }
            Some(entry) if is_syn && matches!(entry.state, State::FinWait | State::Closed) => {
                match self.state_of(address, entry.endpoint) {
                    BackendState::Active => (Some(entry.endpoint), Choice::New, Some(entry)),
                    BackendState::Drain | BackendState::Down => (picked, Choice::New, None),
                }
            }
            Some(entry) => (Some(entry.endpoint), Choice::Existing, Some(entry)),
            None if is_reset => (picked, Choice::Untracked, None),
            None if is_syn || transport == Transport::Udp => (picked, Choice::New, None),
            None => (picked, Choice::PickedUp, None),
        };
        let Some(endpoint) = endpoint else {
            self.flows.extend(entry.map(|entry| (key, entry)));
            return Outcome::Refused;
        };
        if choice != Choice::Untracked {
            // A flow that is bound anew begins again, but remains proven.
            let proven = entry.is_some_and(|entry| {
                entry.proven || kept.is_some() && !is_syn && now - entry.seen >= Duration::from_secs(1)
            });
            let state = match kept {
                Some(entry) => entry.state.next(transport, proven),
                None => State::first(transport, proven),
            };
            let seen = match kept {
                Some(entry) if !proven && !is_syn => entry.seen,
                Some(_) | None => now,
            };
            self.flows.insert(key, Entry { endpoint, state, proven, seen });
        }
        Outcome::Forwarded { endpoint, choice }
    }

    /// The backend that a table built from nothing names.
    fn pick(&mut self, address: ServiceAddress, (client, port): (IpAddr, u16)) -> Option<Endpoint> {
        let scheduler = match self.schedulers.remove(&address) {
            Some(scheduler) => scheduler,
            None => self.build(address),
        };
        let addresses = match (client, address.address) {
            (IpAddr::V4(source), IpAddr::V4(destination)) => Addresses::V4 { source, destination },
            (IpAddr::V6(source), IpAddr::V6(destination)) => Addresses::V6 { source, destination },
            (IpAddr::V4(_), IpAddr::V6(_)) | (IpAddr::V6(_), IpAddr::V4(_)) => panic!("one family"),
        };
        let flow = FlowKey::new(address.protocol, addresses, port, address.port);
        let place = scheduler.schedule(&flow);
        self.schedulers.insert(address, scheduler);
        let backend = self.service(address).backends[place?];
        assert_eq!(backend.state, BackendState::Active, "the table names only who may get new flows");
        assert!(backend.weight.0 > 0, "the table names nobody without weight");
        Some(backend.endpoint)
    }

    fn build(&self, address: ServiceAddress) -> Scheduler {
        let service = self.service(address);
        let mut tables = TableCache::default();
        let (kind, key, fields) = (service.scheduler, self.config.hash_key, service.hash_fields);
        Scheduler::new(kind, key, fields, &service.backends, &mut tables, None)
            .expect("a valid configuration")
    }

    fn service(&self, address: ServiceAddress) -> &ServiceConfig {
        self.config.services.iter().find(|service| service.address == address).expect("services stay")
    }
}

impl State {
    /// The state of a flow that begins with this packet.
    fn first(transport: Transport, proven: bool) -> Self {
        match transport {
            Transport::Udp => Self::Udp { is_stream: proven },
            Transport::Tcp(flag::SYN) => Self::SynReceived,
            Transport::Tcp(flags) if flags & flag::FIN != 0 => Self::FinWait,
            Transport::Tcp(flags) if flags & flag::ACK != 0 => Self::Established,
            Transport::Tcp(_) => Self::Closed,
        }
    }

    fn next(self, transport: Transport, proven: bool) -> Self {
        match (self, transport) {
            (Self::Udp { .. }, _) => Self::Udp { is_stream: proven },
            (Self::Established, Transport::Tcp(flag::SYN)) => Self::Established,
            (_, Transport::Tcp(flag::SYN)) => Self::SynReceived,
            (_, Transport::Tcp(flag::RST)) => Self::Closed,
            (_, Transport::Tcp(flags)) if flags & flag::FIN != 0 => Self::FinWait,
            (Self::FinWait, _) | (_, Transport::Udp) => self,
            (_, Transport::Tcp(flag::ACK)) => Self::Established,
            (_, Transport::Tcp(_)) => self,
        }
    }

    /// For how long its silence is borne; the defaults of the LB file.
    fn timeout(self) -> Duration {
        Duration::from_secs(match self {
            Self::SynReceived => 60,
            Self::Established => 900,
            Self::FinWait => 120,
            Self::Closed => 10,
            Self::Udp { is_stream: false, .. } => 30,
            Self::Udp { is_stream: true, .. } => 180,
        })
    }
}
