//! A director against a naive model of it, over random operations.
//!
//! The model is what the documents promise, in maps and with a table built anew
//! for every change: a flow keeps its backend while its entry lives and the
//! backend is in service; else the table decides. Its states and timeouts of
//! TCP are written a second time. Where the model cannot tell (tables too small
//! for all flows, the kernel's profile), only what must hold in any case is checked.

mod model;

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::time::Duration;

use arbitrary::{Arbitrary, Unstructured};
use lb_core::config::{BackendConfig, BackendState, Config, LbFile, ServiceAddress};
use lb_core::director::{Director, Step, Verdict};
use lb_core::encapsulation::decapsulate;
use lb_core::table::TableCache;
use lb_core::{Endpoint, Time, Weight};

use crate::packets::{Transport, flag, packet};
use model::{Model, Outcome};

/// The VIPs: TCP and UDP over IPv4, TCP over IPv6.
const VIPS: [(&str, u16, &str); 3] =
    [("203.0.113.10", 443, "tcp"), ("203.0.113.10", 53, "udp"), ("2001:db8:f::10", 443, "tcp")];
/// The backends that a configuration may have; two families for every service.
const BACKENDS: [&str; 6] =
    ["10.1.0.1", "10.1.0.2", "10.1.0.3", "2001:db8:1::1", "2001:db8:1::2", "10.1.0.4"];
/// Time passes in these: no timeout is a multiple, so nothing expires at the very moment.
const TICK: Duration = Duration::from_millis(700);
/// Operations of one input at most.
const MAX_OPERATIONS: usize = 300;

/// One thing that happens to a director.
#[derive(Arbitrary, Clone, Copy, Debug)]
enum Operation {
    Packet { service: u8, client: u8, flags: u8 },
    Garbage { length: u8, seed: u8 },
    SetBackend { service: u8, backend: u8, state: u8, weight: u8 },
    SetConfig { present: u8, states: u16, weights: u16 },
    Pass { ticks: u16 },
    Timeout,
}

/// What kind of director is under test.
#[derive(Arbitrary, Clone, Copy, Debug)]
struct Setting {
    scheduler: u8,
    /// A table of eight flows, to see evictions.
    is_small: bool,
    is_kernel: bool,
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
}

impl World {
    fn new(setting: Setting) -> Self {
        let config = config(setting, 0, 0b11_1111, 0, 0x1111);
        let mut tables = TableCache::default();
        let director = Director::new(config.clone(), &mut tables).expect("a valid configuration");
        let model = Model::new(config);
        Self { setting, director, tables, model, now: Time::from_secs(1_000), generation: 0 }
    }

    /// Whether the model knows the outcome.
    fn is_exact(&self) -> bool {
        !self.setting.is_small && !self.setting.is_kernel
    }

    fn play(&mut self, operation: Operation) {
        match operation {
            Operation::Packet { service, client, flags } => self.send(service, client, flags),
            Operation::Garbage { length, seed } => {
                let garbage: Vec<u8> = (0..length).map(|byte| byte.wrapping_mul(seed) ^ seed).collect();
                self.director.handle_packet(self.now, &garbage, &mut [0; 600]);
            }
            Operation::SetBackend { service, backend, state, weight } => {
                let services = &self.model.config().services;
                let service = &services[usize::from(service) % services.len()];
                let endpoint = endpoint(backend, service.address.port);
                let (state, weight) = (state_of(state.into()), Weight(u16::from(weight % 4)));
                let address = service.address;
                let is_there = service.backends.iter().any(|backend| backend.endpoint == endpoint);
                let set = self.director.set_backend(address, endpoint, state, weight, &mut self.tables);
                assert_eq!(set.is_ok(), is_there, "{set:?}");
                self.model.set_backend(address, BackendConfig { endpoint, weight, state });
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
        }
        assert_eq!(self.director.config(), self.model.config());
        let max = usize::try_from(self.director.config().connections.max).expect("a small table");
        assert!(self.director.connections().len() <= max);
        while self.director.poll_event().is_some() {}
    }

    fn send(&mut self, service: u8, client: u8, flags: u8) {
        let service = usize::from(service) % VIPS.len();
        let address = self.model.config().services[service].address;
        let flags = [flag::SYN, flag::ACK, flag::FIN | flag::ACK, flag::RST, 0][usize::from(flags) % 5];
        let transport = if service == 1 { Transport::Udp } else { Transport::Tcp(flags) };
        let port = 40_000 + u16::from(client % 16);
        let from = match address.address {
            IpAddr::V4(_) => IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1)),
            IpAddr::V6(_) => IpAddr::V6(Ipv6Addr::new(0x2001, 0xdb8, 0xc, 0, 0, 0, 0, 1)),
        };
        let sent = packet(transport, (from, port), (address.address, address.port));
        let explained = self.director.explain(self.now, &sent);
        let mut out = [0; 600];
        let verdict = self.director.handle_packet(self.now, &sent, &mut out);
        let outcome = self.outcome(verdict);
        if let Outcome::Forwarded { endpoint, choice } = outcome {
            let Verdict::Forward { length, .. } = verdict else { unreachable!("it was forwarded") };
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
            delivered(&sent, &out[..length], endpoint);
        }
        if self.is_exact() {
            let expected = self.model.handle(self.now, address, (from, port), transport);
            assert_eq!(outcome, expected, "at {} from port {port}: {transport:?}", self.now);
        } else {
            self.plausible(address, outcome);
        }
    }

    fn outcome(&self, verdict: Verdict) -> Outcome {
        match verdict {
            Verdict::Forward { backend, choice, .. } => {
                let endpoint = self.director.backend(backend).expect("an id that was handed out").endpoint();
                Outcome::Forwarded { endpoint, choice }
            }
            Verdict::Reply { .. } | Verdict::Pass(_) | Verdict::Drop(_) => Outcome::Refused,
        }
    }

    /// Whatever the table's size and the profile: no packet to a backend that is down or gone.
    fn plausible(&self, address: ServiceAddress, outcome: Outcome) {
        if let Outcome::Forwarded { endpoint, .. } = outcome {
            let state = self.model.state_of(address, endpoint);
            assert_ne!(state, BackendState::Down, "{endpoint} is out of service");
        }
    }
}

/// The tunnel packet leads to the backend and holds the client's packet.
fn delivered(sent: &[u8], out: &[u8], endpoint: Endpoint) {
    let arrived = decapsulate(out).expect("what we send can be opened");
    assert_eq!(arrived.backend(), endpoint.address);
    assert_eq!(arrived.inner().len(), sent.len());
    assert_eq!(arrived.inner()[20..], sent[20..]);
}

fn endpoint(backend: u8, port: u16) -> Endpoint {
    let address = BACKENDS[usize::from(backend) % BACKENDS.len()].parse().expect("an address");
    Endpoint::new(address, port)
}

fn state_of(number: u16) -> BackendState {
    match number % 3 {
        0 => BackendState::Active,
        1 => BackendState::Drain,
        _ => BackendState::Down,
    }
}

/// A configuration from bits: which backends are there, and two bits of state and weight for each.
fn config(setting: Setting, generation: u64, present: u8, states: u16, weights: u16) -> Config {
    let word = |state| match state {
        BackendState::Active => "active",
        BackendState::Drain => "drain",
        BackendState::Down => "down",
    };
    let there = (0..BACKENDS.len()).filter(|place| present >> place & 1 == 1);
    let backends = there.map(|place| {
        let state = word(state_of(states >> (2 * place) & 3));
        let weight = weights >> (2 * place) & 3;
        format!("{{ address: \"{}\", state: {state}, weight: {weight} }}", BACKENDS[place])
    });
    let backends = backends.collect::<Vec<_>>().join(", ");
    let scheduler = match setting.scheduler % 3 {
        0 => "{ kind: maglev, tableSize: 251 }",
        1 => "{ kind: rendezvous, tableSize: 256 }",
        _ => "{ kind: ring, points: 8 }",
    };
    let services = VIPS.map(|(vip, port, protocol)| {
        format!(
            "- {{ vip: \"{vip}\", port: {port}, protocol: {protocol}, scheduler: {scheduler}, backends: [{backends}] }}\n"
        )
    });
    let text = format!(
        "node: {{ address: 10.0.0.11, address6: \"2001:db8::11\" }}\n\
         hashKey: \"000102030405060708090a0b0c0d0e0f\"\n\
         connections: {{ max: {} }}\nprofile: {{ kind: {} }}\ngeneration: {generation}\nservices:\n{}",
        if setting.is_small { 8 } else { 1_000 },
        if setting.is_kernel { "ipvs" } else { "own" },
        services.concat(),
    );
    let file: LbFile = serde_saphyr::from_str(&text).unwrap_or_else(|error| panic!("{text}: {error}"));
    Config::try_from(file).unwrap_or_else(|error| panic!("{text}: {error}"))
}
