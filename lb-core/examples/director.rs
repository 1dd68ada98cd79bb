//! A whole node in somebody else's program: health moves a director's backends.
//!
//! ```text
//! client 192.0.2.1 -> VIP 203.0.113.10:443 -> director -> 10.1.0.5, 10.1.0.6
//!                                                ^ state and weight
//!                                          BackendHealth of each
//! ```
//!
//! Both backends come up, a flow is placed and explained, its backend fails
//! three checks, and the flow's next packet goes to the other one. The clock is
//! a number here; a daemon would read a monotonic one. Run it with
//! `cargo run -p lb-core --example director`.

use core::time::Duration;
use std::collections::BTreeMap;

use lb_core::checksum::Sum;
use lb_core::config::{Config, LbFile};
use lb_core::director::{Director, Verdict};
use lb_core::health::{BackendHealth, HealthFile, Outcome, ProbeFailure, Transmit};
use lb_core::table::TableCache;
use lb_core::{Endpoint, Time, Weight};

const LB_FILE: &str = r#"
node: { address: 10.0.0.11 }
hashKey: "000102030405060708090a0b0c0d0e0f"
services:
  - vip: 203.0.113.10
    port: 443
    protocol: tcp
    backends: [ { address: 10.1.0.5, state: down }, { address: 10.1.0.6, state: down } ]
"#;

fn main() {
    let file: LbFile = serde_saphyr::from_str(LB_FILE).expect("the text above is an LB file");
    let config = Config::try_from(file).expect("the file above is right");
    let mut node = Node::new(config);

    node.run_until(Time::from_secs(20), |_| Outcome::Success);
    let victim = node.send(Time::from_secs(20)).expect("both backends are up");

    let failing = |endpoint| {
        if endpoint == victim { Outcome::Failure(ProbeFailure::Timeout) } else { Outcome::Success }
    };
    node.run_until(Time::from_secs(60), failing);
    let heir = node.send(Time::from_secs(60)).expect("one backend is left");
    assert_ne!(victim, heir);
}

/// A director with a health machine for each of its backends.
struct Node {
    director: Director,
    tables: TableCache,
    health: BTreeMap<Endpoint, BackendHealth>,
}

impl Node {
    fn new(config: Config) -> Self {
        let file = HealthFile { interval: Some(Duration::from_secs(5).into()), ..HealthFile::default() };
        let policy = file.backend_policy().expect("the defaults are right");
        let endpoints = config.services[0].backends.iter().map(|backend| backend.endpoint);
        let machine = |seed| BackendHealth::new(Time::ZERO, policy, Weight(1), seed);
        let health = endpoints.zip(1..).map(|(endpoint, seed)| (endpoint, machine(seed))).collect();
        let mut tables = TableCache::default();
        let director = Director::new(config, &mut tables).expect("the table can be built");
        Self { director, tables, health }
    }

    /// Answers every check that falls due with what `check` says of the backend.
    fn run_until(&mut self, end: Time, check: impl Fn(Endpoint) -> Outcome) {
        let service = self.director.services()[0].address();
        while let Some(now) = self.health.values().filter_map(BackendHealth::poll_timeout).min() {
            if now > end {
                break;
            }
            for (endpoint, machine) in &mut self.health {
                machine.handle_timeout(now);
                while let Some(transmit) = machine.poll_transmit() {
                    if let Transmit::Start(probe) = transmit {
                        machine.handle_result(now, probe.id, check(*endpoint));
                    }
                }
                while let Some(event) = machine.poll_event() {
                    println!("{now}: {endpoint} {event:?}");
                    let (state, weight) = (machine.traffic(), machine.weight());
                    self.director
                        .set_backend(service, *endpoint, state, weight, &mut self.tables)
                        .expect("the backend is configured");
                }
            }
        }
    }

    /// Sends one segment of the client's connection and prints why it goes where it goes.
    fn send(&mut self, now: Time) -> Option<Endpoint> {
        let packet = client_packet();
        println!("\n{now}: {}", self.director.explain(now, &packet));
        let mut out = [0; 1600];
        match self.director.handle_packet(now, &packet, &mut out) {
            Verdict::Forward { backend, .. } => {
                self.director.backend(backend).map(|backend| backend.endpoint())
            }
            Verdict::Reply { .. } | Verdict::Pass(_) | Verdict::Drop(_) => None,
        }
    }
}

/// A bare acknowledgement from 192.0.2.1:40000 to the service.
fn client_packet() -> [u8; 40] {
    let mut packet = [
        0x45, 0, 0, 40, 0, 1, 0x40, 0, 64, 6, 0, 0, 192, 0, 2, 1, 203, 0, 113, 10, // IPv4
        0x9c, 0x40, 0x01, 0xbb, 0, 0, 0, 1, 0, 0, 0, 1, 0x50, 0x10, 0xff, 0xff, 0, 0, 0, 0, // TCP
    ];
    let checksum = Sum::of(&packet[..20]).checksum();
    packet[10..12].copy_from_slice(&checksum.to_be_bytes());
    packet
}
