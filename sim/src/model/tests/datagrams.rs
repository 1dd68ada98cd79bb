//! UDP and IPv6: flows without handshakes, what is lost, and when they move.

use super::{run_of, scenario};
use crate::record::{Observer, Record};
use crate::run::run;

/// A gateway dies at 10 s and stays dead.
const CRASH: &str = "events=[{at: 10s, kind: crash, target: slc-a/gateway-2}]";

#[test]
fn flows_of_a_dead_gateway_move_after_the_verdict_and_nothing_is_lost() {
    let result = run_of(&scenario("datagrams", &["duration=40s", CRASH, "expect=[]"]));
    assert_eq!((result.requests.failed, result.connections.broken), (0, 0), "{result:?}");
    assert!(result.requests.retried > 10, "{:?}", result.requests);
}

#[test]
fn connections_of_a_dead_gateway_break_where_datagram_flows_do_not() {
    let overrides = ["duration=40s", CRASH, "expect=[]", "traffic.protocol=tcp"];
    let result = run_of(&scenario("datagrams", &overrides));
    assert!(
        result.connections.broken_by.get("backend_lost").is_some_and(|broken| *broken > 10),
        "{result:?}"
    );
}

#[test]
fn a_flow_is_given_up_with_its_last_try_and_not_before() {
    // Three seconds of checks against one try of one second: what the dead gateway's flows ask is lost.
    let overrides = ["duration=40s", CRASH, "expect=[]", "traffic.retry.retries=0"];
    let result = run_of(&scenario("datagrams", &overrides));
    let lost = result.requests.failed_by.get("backend_lost").copied().unwrap_or_default();
    let broken = result.connections.broken_by.get("backend_lost").copied().unwrap_or_default();
    assert!(lost > 10 && broken > 5, "{result:?}");
    assert_eq!(result.requests.retried, 0);
    assert_eq!(result.requests.failed, lost, "{:?}", result.requests);
}

#[test]
fn the_last_lost_datagram_is_before_the_first_nodes_verdict_plus_the_spread_of_the_nodes() {
    /// When the nodes took the gateway out, and when flows of it were given up.
    #[derive(Default)]
    struct Watch {
        verdicts: Vec<f64>,
        given_up: Vec<f64>,
    }
    impl Observer for Watch {
        fn event(&mut self, record: &Record<'_>) {
            match (record.kind, record.state) {
                ("gateway_health", Some("down")) => self.verdicts.push(record.t_s),
                ("connection_broken", _) => self.given_up.push(record.t_s),
                _ => {}
            }
        }
    }
    let scenario = scenario("datagrams", &["duration=40s", CRASH, "expect=[]", "traffic.retry.retries=0"]);
    let mut watch = Watch::default();
    let result = run(&scenario, scenario.seed, &mut watch).unwrap();
    assert_eq!(result.violations, []);
    assert_eq!(watch.verdicts.len(), 4, "one a node");
    let last_verdict = watch.verdicts.iter().copied().fold(0.0, f64::max);
    let last_given_up = watch.given_up.iter().copied().fold(0.0, f64::max);
    // A datagram that left before the last verdict is missed a second later; none that left after it is lost.
    assert!((10.0..last_verdict + 1.0).contains(&last_given_up), "{last_given_up} {last_verdict}");
}

#[test]
fn what_a_link_loses_is_asked_again_and_never_repeated_by_itself() {
    let loss = "events=[{at: 5s, kind: link-loss, between: [clients, slc], loss: 5%}]";
    let result = run_of(&scenario("datagrams", &["duration=30s", "expect=[]", loss]));
    assert_eq!(result.requests.failed, 0, "{result:?}");
    // Two ways at 5 %: about one try in ten.
    let share = result.requests.retried as f64 / result.requests.total as f64;
    assert!((0.05..0.15).contains(&share), "{share}");
    assert!(result.latency_ms.p99.unwrap() > 1_000.0, "the client's own patience is a second");
}

#[test]
fn every_mix_of_family_and_protocol_works_with_every_profile() {
    let kernel = "nodeKinds.stateless={profile: {kind: ipvs}, scheduler: {kind: ipvs-mh, port: true}, healthCheck: server-check}";
    let own = "nodeKinds.stateless.profile={kind: own}";
    for family in ["ipv4", "ipv6"] {
        for protocol in ["tcp", "udp"] {
            for profile in [own, kernel] {
                let (family, protocol) =
                    (format!("traffic.family={family}"), format!("traffic.protocol={protocol}"));
                let overrides = ["duration=10s", "events=[]", "expect=[]", &family, &protocol, profile];
                let result = run_of(&scenario("datagrams", &overrides));
                assert!(result.requests.ok > 400, "{family} {protocol} {profile}: {:?}", result.requests);
                assert_eq!((result.requests.failed, result.connections.broken), (0, 0));
            }
        }
    }
}

#[test]
fn gateways_reach_other_data_centers_by_datagram() {
    let two = "fleet.dataCenters=[{name: slc, zones: [slc-a]}, {name: lvs, zones: [lvs-a]}]";
    let overrides = ["duration=10s", "events=[]", "expect=[]", two, "routing.remote=50%"];
    let result = run_of(&scenario("datagrams", &overrides));
    assert_eq!(result.requests.failed, 0, "{result:?}");
    let taken: u64 = result.zones.iter().map(|zone| zone.requests).sum();
    assert!(taken as f64 > 1.4 * result.requests.total as f64, "half of them are taken twice");
}

#[test]
fn a_lost_node_moves_no_flow_to_another_gateway() {
    // The model itself checks that no flow moves while tables stay as they are.
    for ecmp in ["hash-threshold", "mod-n", "resilient"] {
        let ecmp = format!("routers.spine.ecmp={ecmp}");
        let event = "events=[{at: 10s, kind: crash, target: slc-a/node-2, for: 10s}]";
        let result = run_of(&scenario("datagrams", &["duration=40s", "expect=[]", event, &ecmp]));
        assert_eq!((result.requests.failed, result.connections.broken), (0, 0), "{ecmp}: {result:?}");
        assert!(result.requests.retried > 0, "{ecmp}: {:?}", result.requests);
    }
}
