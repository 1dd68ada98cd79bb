//! A director against a naive model of it, over random operations.
//!
//! The model is what the documents promise, in maps and with a table built anew
//! for every change: a flow keeps its backend while its entry lives and the
//! backend is in service; else the table decides. Fragments and ICMP errors go
//! where their flow goes, as far as it can be told. States and timeouts are
//! written a second time. Where the model cannot tell (tables too small for all
//! flows, the kernel's profile), only what must hold in any case is checked.

mod model;
mod setting;

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::Duration;

use arbitrary::{Arbitrary, Unstructured};
use lb_core::config::{BackendConfig, BackendState, ServiceAddress};
use lb_core::director::{Director, ReplyKind, Step, Verdict};
use lb_core::encapsulation::decapsulate;
use lb_core::packet::{self, IcmpErrorKind};
use lb_core::table::TableCache;
use lb_core::{Endpoint, Time, Weight};

use crate::packets::{draft, echo, error, flow, fragments, packet, renumber};
use model::{Budget, Model, Outcome};
use setting::{FRAGMENTS, Setting, client_of, config, endpoint, other_vip, state_of, transport_of};

/// Time passes in these: no timeout is a multiple, so nothing expires at the very moment.
const TICK: Duration = Duration::from_millis(700);
/// Operations of one input at most.
const MAX_OPERATIONS: usize = 300;

/// One thing that happens to a director.
#[derive(Arbitrary, Clone, Copy, Debug)]
enum Operation {
    Packet {
        service: u8,
        client: u8,
        kind: u8,
    },
    Garbage {
        length: u8,
        seed: u8,
    },
    SetBackend {
        service: u8,
        backend: u8,
        state: u8,
        weight: u8,
    },
    SetConfig {
        present: u8,
        states: u16,
        weights: u16,
    },
    Pass {
        ticks: u16,
    },
    Timeout,
    FirstFragment {
        service: u8,
        client: u8,
        kind: u8,
        datagram: u8,
    },
    LaterFragment {
        service: u8,
        datagram: u8,
        place: u8,
    },
    Error {
        service: u8,
        client: u8,
        kind: u8,
    },
    Echo {
        service: u8,
    },
    /// First fragments of one client, one less than are remembered. That takes
    /// its time, so it happens for one value of the dice in sixteen, and once.
    Flood {
        service: u8,
        dice: u8,
    },
}

/// Plays the operations that `bytes` stand for.
pub fn check(bytes: &[u8]) {
    let mut input = Unstructured::new(bytes);
    let Ok(setting) = Setting::arbitrary(&mut input) else { return };
    let mut world = World::new(setting);
    for _ in 0..MAX_OPERATIONS {
        if input.is_empty() {
            break;
        }
        let Ok(operation) = Operation::arbitrary(&mut input) else { break };
        world.play(operation);
    }
}

struct World {
    setting: Setting,
    director: Director,
    tables: TableCache,
    model: Model,
    now: Time,
    generation: u64,
    budgets: BTreeMap<IpAddr, Budget>,
    is_flooded: bool,
}

impl World {
    fn new(setting: Setting) -> Self {
        let config = config(setting, 0, 0b11_1111, 0, 0x1111);
        let mut tables = TableCache::default();
        let director = Director::new(config.clone(), &mut tables).expect("a valid configuration");
        let model = Model::new(config);
        Self {
            setting,
            director,
            tables,
            model,
            now: Time::from_secs(1_000),
            generation: 0,
            budgets: BTreeMap::new(),
            is_flooded: false,
        }
    }

    /// Whether the model knows the outcome.
    fn is_exact(&self) -> bool {
        !self.setting.is_small && !self.setting.is_kernel
    }

    fn play(&mut self, operation: Operation) {
        match operation {
            Operation::Packet { service, client, kind } => self.send(service, client, kind),
            Operation::Garbage { length, seed } => {
                let garbage: Vec<u8> = (0..length).map(|byte| byte.wrapping_mul(seed) ^ seed).collect();
                self.director.handle_packet(self.now, &garbage, &mut [0; 600]);
            }
            Operation::SetBackend { service, backend, state, weight } => {
                self.set_backend(service, backend, state, weight);
            }
            Operation::SetConfig { present, states, weights } => {
                self.generation += 1;
                let config = config(self.setting, self.generation, present, states, weights);
                self.director
                    .set_config(self.now, config.clone(), &mut self.tables)
                    .expect("a valid configuration with the old limits");
                self.model.set_config(config);
            }
            Operation::Pass { ticks } => self.now += TICK * u32::from(ticks % 2_048),
            Operation::Timeout => self.director.handle_timeout(self.now),
            Operation::FirstFragment { service, client, kind, datagram } => {
                self.send_first(service, client, kind, datagram);
            }
            Operation::LaterFragment { service, datagram, place } => {
                self.send_later(service, datagram, place);
            }
            Operation::Error { service, client, kind } => self.send_error(service, client, kind),
            Operation::Echo { service } => self.ping(service),
            Operation::Flood { service, dice } => {
                if dice % 16 == 0 && !std::mem::replace(&mut self.is_flooded, true) {
                    self.flood(service);
                }
            }
        }
        assert_eq!(self.director.config(), self.model.config());
        let max = usize::try_from(self.director.config().connections.max).expect("a small table");
        assert!(self.director.connections().len() <= max);
        assert!(self.director.fragments().len() <= FRAGMENTS.max as usize);
        while self.director.poll_event().is_some() {}
    }

    fn set_backend(&mut self, service: u8, backend: u8, state: u8, weight: u8) {
        let address = self.service(service);
        let endpoint = endpoint(backend, address.port);
        let (state, weight) = (state_of(state.into()), Weight(u16::from(weight % 4)));
        let services = &self.model.config().services;
        let service = services.iter().find(|service| service.address == address).expect("services stay");
        let is_there = service.backends.iter().any(|backend| backend.endpoint == endpoint);
        let set = self.director.set_backend(address, endpoint, state, weight, &mut self.tables);
        assert_eq!(set.is_ok(), is_there, "{set:?}");
        self.model.set_backend(address, BackendConfig { endpoint, weight, state });
    }

    fn service(&self, service: u8) -> ServiceAddress {
        let services = &self.model.config().services;
        services[usize::from(service) % services.len()].address
    }

    /// A whole packet of a flow.
    fn send(&mut self, service: u8, client: u8, kind: u8) {
        let address = self.service(service);
        let (from, transport) = (client_of(address, client), transport_of(address.protocol, kind));
        let sent = packet(transport, from, (address.address, address.port));
        let outcome = self.handle(&sent);
        if self.is_exact() {
            let expected = self.model.send(self.now, address, from, transport);
            assert_eq!(outcome, expected, "at {} from {from:?}: {transport:?}", self.now);
        } else {
            self.plausible(&[address], outcome);
        }
    }

    /// The first part of one of four datagrams; numbers are the host's, so its flows share them.
    fn send_first(&mut self, service: u8, client: u8, kind: u8, datagram: u8) {
        let address = self.service(service);
        let (from, transport) = (client_of(address, client), transport_of(address.protocol, kind));
        let to = (address.address, address.port);
        let identification = u32::from(datagram % 4);
        let outcome = self.handle(&fragments(transport, from, to, identification)[0].emit());
        if self.is_exact() {
            self.model.record(self.now, flow(address.protocol, from, to), identification);
            let expected = self.model.send(self.now, address, from, transport);
            assert_eq!(outcome, expected, "at {} from {from:?}: {transport:?}", self.now);
        } else {
            self.plausible(&[address], outcome);
        }
    }

    /// A later part: it says of its flow only what the addresses and the number say.
    fn send_later(&mut self, service: u8, datagram: u8, place: u8) {
        let address = self.service(service);
        let (from, to) = (client_of(address, 0), (address.address, address.port));
        let identification = u32::from(datagram % 4);
        let pieces = fragments(transport_of(address.protocol, 1), from, to, identification);
        let outcome = self.handle(&pieces[1 + usize::from(place) % (pieces.len() - 1)].emit());
        if self.is_exact() {
            let ends = flow(address.protocol, from, to);
            let expected = self.model.later(self.now, ends, identification, FRAGMENTS.max as usize);
            assert_eq!(outcome, expected, "at {}: a part of {identification} of {ends}", self.now);
        } else {
            self.plausible(&self.services(), outcome);
        }
    }

    /// A router's error about an answer to a client, known or not.
    fn send_error(&mut self, service: u8, client: u8, kind: u8) {
        let address = self.service(service);
        let (from, vip) = (client_of(address, client), (address.address, address.port));
        // Kind 3 quotes an answer of a service that is not there.
        let port = if kind % 5 == 3 { vip.1 + 1 } else { vip.1 };
        let answer = transport_of(address.protocol, 1);
        let whole = draft(answer, (vip.0, port), from, &[0x2a; 40]);
        let least = whole.header_length() + 8;
        let (quoted, length, to) = match kind % 5 {
            1 => (whole, least, vip.0),
            2 => (fragments(answer, vip, from, 7).swap_remove(1), least, vip.0),
            // Not to the sender of what it quotes: nothing can be made of it.
            4 => (whole, usize::MAX, other_vip(vip.0)),
            _ => (whole, usize::MAX, vip.0),
        };
        let outcome = self.handle(&error(IcmpErrorKind::TooBig { mtu: 1_400 }, quoted, length, to).emit());
        if self.is_exact() {
            let about = flow(address.protocol, from, (vip.0, port));
            let expected = match kind % 5 {
                2 => self.model.speak_without_ports(self.now, about),
                4 => Outcome::Refused,
                _ => self.model.speak(self.now, about),
            };
            assert_eq!(outcome, expected, "at {}: an error about {about}", self.now);
        } else {
            self.plausible(&self.services(), outcome);
        }
    }

    fn ping(&mut self, service: u8) {
        let vip = self.service(service).address;
        let client = client_of(self.service(service), 0).0;
        let outcome = self.handle(&echo(client, vip).emit());
        if self.setting.is_kernel {
            assert_eq!(outcome, Outcome::Refused, "the host's own stack answers");
        } else {
            self.budgets.entry(client).or_default().check(self.now, outcome == Outcome::Answered);
        }
    }

    fn flood(&mut self, service: u8) {
        let address = self.service(service);
        let (from, to) = (client_of(address, 0), (address.address, address.port));
        let transport = transport_of(address.protocol, 1);
        let mut first = fragments(transport, from, to, 0).swap_remove(0).emit();
        let limit = u16::try_from(FRAGMENTS.max).expect("a small table");
        for identification in 100..99 + limit {
            renumber(&mut first, identification);
            self.director.handle_packet(self.now, &first, &mut [0; 600]);
            if self.is_exact() {
                self.model.record(self.now, flow(address.protocol, from, to), identification.into());
            }
        }
        // All at one moment from one client: the second says as much as the last.
        for _ in 0..2 {
            if self.is_exact() {
                self.model.send(self.now, address, from, transport);
            }
        }
    }

    /// Hands a packet over, and checks what must hold of any.
    fn handle(&mut self, sent: &[u8]) -> Outcome {
        let explained = self.director.explain(self.now, sent);
        let mut out = [0; 600];
        let verdict = self.director.handle_packet(self.now, sent, &mut out);
        let outcome = self.outcome(verdict);
        if let (Outcome::Forwarded { endpoint, choice }, Verdict::Forward { length, .. }) = (outcome, verdict)
        {
            assert_eq!(
                explained.steps.last(),
                Some(&Step::Forward { length }),
                "explaining tells the outcome"
            );
            let named = explained.steps.iter().any(|step| {
                matches!(step, Step::Chosen { backend, choice: told, .. } if *backend == endpoint && *told == choice)
            });
            // A full table is found out only by entering.
            assert!(named || !self.is_exact(), "{:?} is not {outcome:?}", explained.steps);
            delivered(sent, &out[..length], endpoint);
        }
        if let Verdict::Reply { length, .. } = verdict {
            let (asked, answer) = (packet::parse(sent), packet::parse(&out[..length]));
            let (asked, answer) = (asked.expect("it was read"), answer.expect("what we send can be read"));
            assert_eq!(answer.ip.addresses.destination(), asked.ip.addresses.source());
        }
        outcome
    }

    fn outcome(&self, verdict: Verdict) -> Outcome {
        match verdict {
            Verdict::Forward { backend, choice, .. } => {
                let endpoint = self.director.backend(backend).expect("an id that was handed out").endpoint();
                Outcome::Forwarded { endpoint, choice }
            }
            Verdict::Reply { kind: ReplyKind::Echo, .. } => Outcome::Answered,
            Verdict::Reply { .. } | Verdict::Pass(_) | Verdict::Drop(_) => Outcome::Refused,
        }
    }

    /// Whatever the table's size and the profile: no packet to a backend that is
    /// down or gone, in the one of these services that the flow is of.
    fn plausible(&self, services: &[ServiceAddress], outcome: Outcome) {
        if let Outcome::Forwarded { endpoint, .. } = outcome {
            let mut states = services.iter().map(|address| self.model.state_of(*address, endpoint));
            assert!(states.any(|state| state != BackendState::Down), "{endpoint} is out of service");
        }
    }

    /// Where a packet without ports may lead.
    fn services(&self) -> Vec<ServiceAddress> {
        self.model.config().services.iter().map(|service| service.address).collect()
    }
}

/// The tunnel packet leads to the backend and holds the client's packet.
fn delivered(sent: &[u8], out: &[u8], endpoint: Endpoint) {
    let arrived = decapsulate(out).expect("what we send can be opened");
    assert_eq!(arrived.backend(), endpoint.address);
    assert_eq!(arrived.inner().len(), sent.len());
    assert_eq!(arrived.inner()[20..], sent[20..]);
}
