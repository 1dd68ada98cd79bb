//! Health alone, for a controller that sends its own checks: two kinds of machine, no socket.
//!
//! ```text
//! result of a check -> BackendHealth 10.1.0.5 --+
//! result of a check -> BackendHealth 10.1.0.6 --+- report -> ServiceHealth -> does it stand?
//! result of a check -> BackendHealth 10.1.0.7 --+                          -> what each is given
//! ```
//!
//! Three backends are checked every 5 s, every second while something is wrong
//! (`fall: 3`). One fails and is taken out; a second one fails, and so little is
//! left that nobody's health is believed any more (a panic); they recover and
//! their weight climbs. The clock is a number that this program sets: it jumps
//! from deadline to deadline, as a simulator does; a daemon sleeps as long.
//! Run it with `cargo run -p lb-core --example health`.

use std::collections::BTreeMap;

use lb_core::config::BackendState;
use lb_core::health::{
    BackendEvent, BackendHealth, HealthConfig, HealthFile, Outcome, ProbeFailure, ServiceEvent,
    ServiceHealth, ServiceState, Transmit,
};
use lb_core::{BackendId, Time, Weight};

const HEALTH: &str = "
check: { kind: http, path: /healthz }
interval: 5s
fastInterval: 1s
timeout: 500ms
rise: 2
fall: 3
slowStart: { duration: 4s, steps: 2, from: 50% }
panicThreshold: 50%
";

/// Backend `n` is 10.1.0.n.
const BACKENDS: [BackendId; 3] = [BackendId(5), BackendId(6), BackendId(7)];

fn main() {
    let file: HealthFile = serde_saphyr::from_str(HEALTH).expect("the text above is a health section");
    let config = HealthConfig::try_from(file).expect("the section above is right");
    println!("a dead backend is out after {:?} at the latest\n", config.backend.detection_bound());
    let mut fleet = Fleet::new(&config);

    // Until when, and who fails.
    fleet.run_until(Time::from_secs(20), &[]);
    assert_eq!(fleet.service.state(), ServiceState::Up);
    assert_eq!(fleet.given(7), (BackendState::Active, Weight(100)));

    fleet.run_until(Time::from_secs(30), &[7]);
    assert_eq!(fleet.service.state(), ServiceState::Up, "two of three are above the threshold");
    assert_eq!(fleet.given(7).0, BackendState::Down);
    assert!(fleet.went_down[&BackendId(7)] - Time::from_secs(20) <= config.backend.detection_bound());

    fleet.run_until(Time::from_secs(45), &[6, 7]);
    assert_eq!(fleet.service.state(), ServiceState::Panic);
    assert_eq!(fleet.given(7).0, BackendState::Active, "in a panic all that ever served are given traffic");

    fleet.run_until(Time::from_secs(60), &[]);
    assert_eq!(fleet.service.state(), ServiceState::Up);
    assert_eq!(fleet.given(7), (BackendState::Active, Weight(100)), "the slow start is over");
    assert_eq!(fleet.weights_seen[&BackendId(7)], [50, 75, 100].map(Weight));
}

/// The machines of one service, and what this program notes about them.
struct Fleet {
    backends: BTreeMap<BackendId, BackendHealth>,
    service: ServiceHealth,
    went_down: BTreeMap<BackendId, Time>,
    /// The weights of each backend since it last went down.
    weights_seen: BTreeMap<BackendId, Vec<Weight>>,
}

impl Fleet {
    fn new(config: &HealthConfig) -> Self {
        // A seed of its own for each, or all are checked at the same moment.
        let machine =
            |id: BackendId| BackendHealth::new(Time::ZERO, config.backend, Weight(100), id.0.into());
        Self {
            backends: BACKENDS.into_iter().map(|id| (id, machine(id))).collect(),
            service: ServiceHealth::new(config.service),
            went_down: BTreeMap::new(),
            weights_seen: BTreeMap::new(),
        }
    }

    /// Goes from deadline to deadline; the checks of `failing` backends get no answer.
    fn run_until(&mut self, end: Time, failing: &[u32]) {
        let next = |fleet: &Self| fleet.backends.values().filter_map(BackendHealth::poll_timeout).min();
        while let Some(now) = next(self).filter(|now| *now <= end) {
            for id in BACKENDS {
                self.step(now, id, failing.contains(&id.0));
            }
            self.tell_service(now);
        }
    }

    /// The contract of a machine: `handle_*`, then all of `poll_transmit`, then all of `poll_event`.
    fn step(&mut self, now: Time, id: BackendId, fails: bool) {
        let machine = self.backends.get_mut(&id).expect("every backend has a machine");
        machine.handle_timeout(now);
        while let Some(transmit) = machine.poll_transmit() {
            // Here a daemon opens a socket or, told `Cancel`, closes it.
            if let Transmit::Start(probe) = transmit {
                let failure = Outcome::Failure(ProbeFailure::Refused);
                machine.handle_result(now, probe.id, if fails { failure } else { Outcome::Success });
            }
        }
        while let Some(event) = machine.poll_event() {
            match event {
                BackendEvent::StateChanged { from, to, cause } => {
                    println!("{now}  10.1.0.{}  {from:?} -> {to:?} ({cause:?})", id.0);
                    if from.in_service() && !to.in_service() {
                        self.went_down.insert(id, now);
                        self.weights_seen.remove(&id);
                    }
                }
                // The service's offer, printed below, says the same.
                BackendEvent::WeightChanged { weight } => {
                    self.weights_seen.entry(id).or_default().push(weight);
                }
            }
        }
        self.service.handle_report(id, machine.report());
    }

    /// What a director and an announcer of routes would be told.
    fn tell_service(&mut self, now: Time) {
        while let Some(event) = self.service.poll_event() {
            match event {
                ServiceEvent::StateChanged { from, to } => {
                    let (in_service, all) = self.service.weights();
                    let stands = if to.stands() { "announce it" } else { "withdraw it" };
                    println!(
                        "{now}  service   {from:?} -> {to:?}, {in_service} of {all} in service: {stands}"
                    );
                }
                ServiceEvent::OfferChanged { backend, offer } => {
                    println!(
                        "{now}  director  10.1.0.{}: {:?}, weight {}",
                        backend.0, offer.traffic, offer.weight.0
                    );
                }
            }
        }
    }

    fn given(&self, id: u32) -> (BackendState, Weight) {
        let offer = self.service.offer(BackendId(id)).expect("it reported");
        (offer.traffic, offer.weight)
    }
}
