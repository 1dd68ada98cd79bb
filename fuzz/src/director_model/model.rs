//! The naive model: maps, and tables built from nothing after every change.
//!
//! A packet of a flow is *sent*; a later fragment or an ICMP error only *speaks*
//! of a flow: it goes where the flow goes, and changes nothing about it.

mod budget;
mod state;

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::Duration;

use lb_core::config::{BackendConfig, BackendState, Config, ServiceAddress, ServiceConfig};
use lb_core::director::Choice;
use lb_core::scheduler::Scheduler;
use lb_core::table::TableCache;
use lb_core::{Endpoint, FlowKey, Protocol, Time};

use crate::packets::{Transport, flow};
pub(super) use budget::Budget;
use state::Standing;

/// What became of a packet, as far as the model goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    Answered,
    Forwarded { endpoint: Endpoint, choice: Choice },
    Refused,
}

/// The promises, kept slowly.
#[derive(Debug)]
pub(super) struct Model {
    config: Config,
    /// By service; empty after a change.
    schedulers: BTreeMap<ServiceAddress, Scheduler>,
    /// Where each flow goes, and how far it is.
    flows: BTreeMap<(ServiceAddress, IpAddr, u16), (Endpoint, Standing)>,
    datagrams: BTreeMap<Name, Datagram>,
    /// First fragments so far.
    recorded: usize,
}

/// What the fragments of one datagram share: the protocol only in IPv4 (RFC 791, RFC 8200).
type Name = (IpAddr, IpAddr, u32, Option<Protocol>);

/// A first fragment.
#[derive(Clone, Copy, Debug)]
struct Datagram {
    flow: FlowKey,
    seen: Time,
    /// How many were recorded before it.
    before: usize,
}

/// A datagram is put together within this time, or never.
const REASSEMBLY: Duration = Duration::from_secs(30);

impl Model {
    pub(super) fn new(config: Config) -> Self {
        let (schedulers, flows, datagrams) = (BTreeMap::new(), BTreeMap::new(), BTreeMap::new());
        Self { config, schedulers, flows, datagrams, recorded: 0 }
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
    pub(super) fn send(
        &mut self,
        now: Time,
        address: ServiceAddress,
        client: (IpAddr, u16),
        transport: Transport,
    ) -> Outcome {
        let key = (address, client.0, client.1);
        let flow = flow(address.protocol, client, (address.address, address.port));
        let entry = self.flows.remove(&key).filter(|(_, standing)| standing.lives(now));

        let (endpoint, choice, standing) = match entry {
            None => {
                let choice = match transport {
                    _ if state::ends_at_once(transport) => Choice::Untracked,
                    _ if state::opens(transport) || transport == Transport::Udp => Choice::New,
                    _ => Choice::PickedUp,
                };
                (self.pick(address, &flow), choice, Standing::first(now, transport, false))
            }
            Some((endpoint, before)) => {
                let after = before.after(now, transport);
                let anew = Standing::first(now, transport, before.proven);
                let reopens = state::opens(transport) && before.has_ended();
                match self.state_of(address, endpoint) {
                    BackendState::Down => (self.pick(address, &flow), Choice::Rechosen, anew),
                    BackendState::Drain if reopens => (self.pick(address, &flow), Choice::New, anew),
                    BackendState::Active if reopens => (Some(endpoint), Choice::New, after),
                    BackendState::Active | BackendState::Drain => (Some(endpoint), Choice::Existing, after),
                }
            }
        };
        let Some(endpoint) = endpoint else {
            // Who is not served now may be again, when its backend is back.
            self.flows.extend(entry.map(|entry| (key, entry)));
            return Outcome::Refused;
        };
        if choice != Choice::Untracked {
            self.flows.insert(key, (endpoint, standing));
        }
        Outcome::Forwarded { endpoint, choice }
    }

    /// Remembers a first fragment, which is also a packet of its flow.
    pub(super) fn record(&mut self, now: Time, flow: FlowKey, identification: u32) {
        let datagram = Datagram { flow, seen: now, before: self.recorded };
        self.datagrams.insert(name(&flow, identification), datagram);
        self.recorded += 1;
    }

    /// What becomes of a later fragment between these ends: it goes with the
    /// first, if that came within 30 seconds and `limit` datagrams; else by the
    /// addresses to the service of the lowest port.
    pub(super) fn later(&mut self, now: Time, ends: FlowKey, identification: u32, limit: usize) -> Outcome {
        let known = self
            .datagrams
            .get(&name(&ends, identification))
            .filter(|datagram| now - datagram.seen < REASSEMBLY && self.recorded - datagram.before <= limit);
        match known.map(|datagram| datagram.flow) {
            Some(flow) => self.speak(now, flow),
            None => self.speak_without_ports(now, ends),
        }
    }

    /// What becomes of a packet that speaks of this flow.
    pub(super) fn speak(&mut self, now: Time, flow: FlowKey) -> Outcome {
        let is_of = |address: &ServiceAddress| {
            address.address == flow.destination()
                && address.port == flow.destination_port()
                && address.protocol == flow.protocol()
        };
        let service = self.addresses().find(is_of);
        match service {
            Some(address) => self.speak_to(now, address, flow),
            None => Outcome::Refused,
        }
    }

    /// What becomes of a packet that speaks of some flow between these ends.
    pub(super) fn speak_without_ports(&mut self, now: Time, ends: FlowKey) -> Outcome {
        let ends = FlowKey::new(ends.protocol(), ends.addresses(), 0, 0);
        let is_of = |address: &ServiceAddress| {
            address.address == ends.destination() && address.protocol == ends.protocol()
        };
        let service = self.addresses().filter(is_of).min_by_key(|address| address.port);
        match service {
            Some(address) => self.speak_to(now, address, ends),
            None => Outcome::Refused,
        }
    }

    fn speak_to(&mut self, now: Time, address: ServiceAddress, flow: FlowKey) -> Outcome {
        let key = (address, flow.source(), flow.source_port());
        let entry = self.flows.get(&key).copied().filter(|(_, standing)| standing.lives(now));
        if let Some((endpoint, _)) = entry
            && self.state_of(address, endpoint) != BackendState::Down
        {
            return Outcome::Forwarded { endpoint, choice: Choice::Existing };
        }
        match self.pick(address, &flow) {
            Some(endpoint) => Outcome::Forwarded { endpoint, choice: Choice::Untracked },
            None => Outcome::Refused,
        }
    }

    /// The backend that a table built from nothing names.
    fn pick(&mut self, address: ServiceAddress, flow: &FlowKey) -> Option<Endpoint> {
        let scheduler = match self.schedulers.remove(&address) {
            Some(scheduler) => scheduler,
            None => self.build(address),
        };
        let place = scheduler.schedule(flow);
        self.schedulers.insert(address, scheduler);
        let backend = self.service(address).backends[place?];
        assert_eq!(backend.state, BackendState::Active, "the table names only who may get new flows");
        assert!(backend.weight.0 > 0, "the table names nobody without weight");
        Some(backend.endpoint)
    }

    fn build(&self, address: ServiceAddress) -> Scheduler {
        let service = self.service(address);
        let mut tables = TableCache::default();
        Scheduler::new(service, self.config.hash_key, &mut tables, None).expect("a valid configuration")
    }

    fn service(&self, address: ServiceAddress) -> &ServiceConfig {
        self.config.services.iter().find(|service| service.address == address).expect("services stay")
    }

    fn addresses(&self) -> impl Iterator<Item = ServiceAddress> {
        self.config.services.iter().map(|service| service.address)
    }
}

fn name(flow: &FlowKey, identification: u32) -> Name {
    let protocol = flow.source().is_ipv4().then_some(flow.protocol());
    (flow.source(), flow.destination(), identification, protocol)
}
