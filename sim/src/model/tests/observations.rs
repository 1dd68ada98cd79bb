//! Passive observations: unanswered opening packets beside the nodes' checks.

use super::scenario;
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
