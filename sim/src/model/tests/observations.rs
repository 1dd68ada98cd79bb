//! Passive observations: unanswered opening packets beside the nodes' checks.

use lb_core::config::BackendState;
use lb_core::health::HealthState;
use lb_core::{FlowKey, Time, Weight};

use super::scenario;
use crate::model::Model;
use crate::model::cause::Cause;
use crate::model::client::{Trouble, flow};
use crate::model::front::Delivery;
use crate::model::packets::Kind;
use crate::record::{Observer, Record};
use crate::run::run;

/// When each node took the gateway out for the first time.
#[derive(Default)]
struct Verdicts(std::collections::BTreeMap<u64, f64>);

impl Observer for Verdicts {
    fn event(&mut self, record: &Record<'_>) {
        if let ("gateway_health", Some("down"), Some(node)) = (record.kind, record.state, record.node) {
            self.0.entry(u64::from(node)).or_insert(record.t_s);
        }
    }
}

/// Mean seconds from an event at 20 s until a node's verdict, over the nodes that came to one.
fn detected_after(event: &str, passive: &str) -> (usize, f64) {
    let check = format!(
        "healthChecks.gateway-check={{check: {{kind: tcp}}, interval: 30s, fastInterval: 1s, timeout: 1s, \
         rise: 2, {passive}}}"
    );
    let event = format!("events=[{{at: 20s, {event}}}]");
    let scenario = scenario("scale-out", &["duration=90s", "expect=[]", &event, &check]);
    let mut verdicts = Verdicts::default();
    let result = run(&scenario, scenario.seed, &mut verdicts).unwrap();
    assert_eq!(result.violations, []);
    let seconds: Vec<f64> = verdicts.0.values().map(|at| at - 20.0).collect();
    (seconds.len(), seconds.iter().sum::<f64>() / seconds.len().max(1) as f64)
}

#[test]
fn unanswered_opening_packets_bring_the_checks_forward() {
    let crash = "kind: crash, target: slc-a/gateway-2";
    let (alone, slow) = detected_after(crash, "fall: 2");
    let (helped, quick) = detected_after(crash, "fall: 2, passive: {threshold: 3, within: 10s}");
    assert_eq!((alone, helped), (4, 4), "every node notices in the end");
    // Checks alone: 15 s on average to the next one, a timeout, a second one.
    assert!(slow > 10.0, "{slow}");
    assert!(quick < 0.5 * slow, "{quick} against {slow}");
}

#[test]
fn a_gateway_that_only_checks_reach_is_noticed_by_its_clients_alone() {
    // A black hole answers checks and nothing else; nodes that trust their clients take it out.
    let hole = "kind: black-hole, target: slc-a/gateway-2";
    assert_eq!(detected_after(hole, "fall: 1").0, 0);
    assert_eq!(detected_after(hole, "fall: 1, passive: {threshold: 3, within: 10s}").0, 0, "doubt only");
    let (nodes, seconds) =
        detected_after(hole, "fall: 1, passive: {threshold: 3, within: 10s, verdict: failure}");
    assert_eq!(nodes, 4);
    assert!(seconds < 30.0, "{seconds}");
}

#[test]
fn clients_that_are_answered_keep_a_gateway_in_service() {
    // One packet in ten is lost: some openings are repeated, but gateways answer in between.
    let loss = "kind: link-loss, between: [clients, slc], loss: 10%";
    let passive = "fall: 1, passive: {threshold: 5, within: 10s, verdict: failure}";
    assert_eq!(detected_after(loss, passive).0, 0);
}

/// Opens flows at a zone of one node, and sends the first one's opening packet again without hearing
/// what that said; then what the node's machines say of its gateways after `next`, given the first flow
/// and one that goes to another gateway.
fn states_after(next: impl Fn(&mut Model<'_, ()>, Time, [(FlowKey, u16); 2])) -> (u16, Vec<HealthState>) {
    let passive = "healthChecks.gateway-check={check: {kind: tcp}, interval: 30s, timeout: 1s, rise: 2, \
                   fall: 1, passive: {threshold: 1, within: 10s, verdict: failure}}";
    let overrides = ["duration=90s", "expect=[]", "events=[]", "zoneKinds.standard.nodes=1", passive];
    let scenario = scenario("scale-out", &overrides);
    let mut observer = ();
    let mut model = Model::new(&scenario, 1, &mut observer);
    let now = Time::from_secs(1);
    let mut opened = Vec::new();
    for number in 0..16 {
        let flow = flow(model.wire, number, 0);
        let passage = model.carry(now, 0, &flow, Kind::Open).unwrap();
        opened.push((flow, passage.gateway));
    }
    let first = opened[0];
    let other = *opened.iter().find(|(_, gateway)| *gateway != first.1).unwrap();
    let now = Time::from_secs(2);
    let again = model.zones[0].front.deliver(now, 0, &first.0, Kind::Open);
    assert!(matches!(again, Delivery::Gateway { gateway, .. } if gateway == first.1), "{again:?}");
    next(&mut model, now, [first, other]);
    (first.1, model.zones[0].health[0].gateways.iter().map(|(machine, _)| machine.state()).collect())
}

/// The first gateway is out of service, and no other.
fn assert_only_one_is_down((gateway, states): (u16, Vec<HealthState>)) {
    for (number, state) in (0..).zip(states) {
        assert_eq!(state.in_service(), number != gateway, "gateway {number} is {state:?}");
    }
}

#[test]
fn an_observation_counts_against_the_gateway_that_it_names() {
    assert_only_one_is_down(states_after(|model, now, [_, (other, gateway)]| {
        // Not an opening packet, so it says nothing against its own gateway.
        let passage = model.carry(now, 0, &other, Kind::Data(100)).unwrap();
        assert_eq!(passage.gateway, gateway);
    }));
}

#[test]
fn an_observation_is_heard_whatever_becomes_of_the_packet() {
    assert_only_one_is_down(states_after(|model, now, _| {
        let front = &mut model.zones[0].front;
        for gateway in 0..4 {
            front.set_backend(0, gateway, BackendState::Down, Weight(1), &mut model.tables);
        }
        let unknown = flow(model.wire, 1_000, 0);
        let refused = model.carry(now, 0, &unknown, Kind::Open);
        assert_eq!(refused, Err(Trouble::Silence(Cause::NoBackend)));
    }));
}
