//! Small fleets for seconds: what must hold in every run.

mod bounds;
mod causes;
mod datagrams;
mod names;
mod observations;
mod unreachable;

use super::Model;
use crate::record::{Observer, Record, Sample};
use crate::run::{RunResult, run};
use crate::scenario::{EmbeddedData, Scenario, embedded, with_overrides};

/// An embedded scenario with overrides, at half a minute where nothing else is said.
fn scenario(name: &str, overrides: &[&str]) -> Scenario {
    let found = embedded().iter().find(|scenario| scenario.name == name).unwrap();
    let text = with_overrides(found.text, overrides).unwrap();
    Scenario::from_yaml(&text, &EmbeddedData).unwrap_or_else(|error| panic!("{name}: {error}"))
}

fn run_of(scenario: &Scenario) -> RunResult {
    let result = run(scenario, scenario.seed, &mut ()).unwrap();
    assert_eq!(result.violations, [], "{}", scenario.name);
    let requests = &result.requests;
    assert_eq!(requests.total, requests.ok + requests.failed);
    assert_eq!(requests.failed, requests.failed_by.values().sum::<u64>());
    let connections = &result.connections;
    assert_eq!(connections.opened, connections.closed + connections.broken + connections.open_at_end);
    assert_eq!(connections.broken, connections.broken_by.values().sum::<u64>());
    result
}

/// Short forms of the embedded scenarios: the same events, close together.
const SHORT: [(&str, &[&str]); 11] = [
    (
        "az-loss",
        &["duration=20s", "expect=[]", "events[0].at=10s", "traffic.rate={kind: constant, rate: 10%}"],
    ),
    ("datagrams", &["duration=20s", "events[0].at=5s", "events[0].for=10s"]),
    ("health-flap", &["duration=20s", "events[0].at=5s", "events[0].count=1"]),
    ("kernel-drain", &["duration=20s", "events[0].at=2s", "events[0].every=5s", "events[0].drain=3s"]),
    ("local-loss", &["duration=20s", "events[0].at=5s", "events[1].at=5s", "events[2].at=10s"]),
    ("node-added", &["duration=20s", "events[0].at=5s"]),
    ("node-loss", &["duration=20s", "events[0].at=5s", "events[0].for=5s"]),
    ("rolling-restart", &["duration=20s", "events[0].at=2s", "events[0].every=5s", "events[0].drain=3s"]),
    ("scale-out", &["duration=20s", "events[0].at=5s"]),
    ("silent-node", &["duration=20s", "events[0].at=5s", "events[0].for=5s"]),
    ("survivors-overload", &["duration=20s", "events[0].at=5s", "events[0].for=5s"]),
];

/// What makes a scenario short.
fn short(name: &str) -> &'static [&'static str] {
    SHORT.iter().find(|(known, _)| *known == name).unwrap().1
}

#[test]
fn every_scenario_runs_accounts_for_everything_and_breaks_no_invariant() {
    for (name, overrides) in SHORT {
        let result = run_of(&scenario(name, overrides));
        assert!(result.requests.ok > 100, "{name}: {:?}", result.requests);
        assert!(result.packets > result.requests.total, "{name}");
    }
    assert!(embedded().iter().all(|found| SHORT.iter().any(|(name, _)| *name == found.name)));
}

#[test]
fn the_same_seed_gives_the_same_bytes_and_another_does_not() {
    let scenario = scenario("local-loss", short("local-loss"));
    let (one, again) = (run(&scenario, 1, &mut ()).unwrap(), run(&scenario, 1, &mut ()).unwrap());
    assert_eq!(one, again);
    assert_eq!(one.digest.len(), 64);
    assert_ne!(one.digest, run(&scenario, 2, &mut ()).unwrap().digest);
}

#[test]
fn an_observer_changes_nothing() {
    struct Busy(usize);
    impl Observer for Busy {
        fn event(&mut self, _: &Record<'_>) {
            self.0 += 1;
        }
        fn sample(&mut self, _: &Sample<'_>) {
            self.0 += 1;
        }
    }
    let scenario = scenario("node-loss", short("node-loss"));
    let mut busy = Busy(0);
    assert_eq!(run(&scenario, 3, &mut busy).unwrap(), run(&scenario, 3, &mut ()).unwrap());
    assert!(busy.0 > 100);
}

#[test]
fn without_events_nothing_is_lost() {
    let scenario = scenario("node-loss", &["duration=20s", "events=[]", "expect=[]"]);
    let result = run_of(&scenario);
    assert_eq!((result.requests.failed, result.connections.broken, result.requests.retried), (0, 0, 0));
    // One way and back twice (handshake, request), the gateway and the replica: at least 60 ms for a first request.
    assert!(result.latency_ms.p99.unwrap() > 60.0);
    assert!(result.latency_ms.p50.unwrap() < 300.0);
}

#[test]
fn a_lost_node_breaks_no_connection_whatever_the_router() {
    for ecmp in ["hash-threshold", "mod-n", "resilient"] {
        let ecmp = format!("routers.spine.ecmp={ecmp}");
        let overrides = ["duration=30s", "events[0].at=10s", "events[0].for=10s", "expect=[]", &ecmp];
        let result = run_of(&scenario("node-loss", &overrides));
        assert_eq!(result.connections.broken, 0, "{ecmp}: {:?}", result.connections);
        assert_eq!(result.requests.failed, 0, "{ecmp}");
    }
}

#[test]
fn kernel_nodes_without_sloppy_tcp_reset_the_flows_of_a_lost_node() {
    let kernel = "nodeKinds.stateless={profile: {kind: ipvs, sloppyTcp: false}, \
                  scheduler: {kind: ipvs-mh, port: true}, healthCheck: gateway-check}";
    let overrides = ["duration=30s", "events[0].at=10s", "events[0].for=10s", "expect=[]", kernel];
    let result = run_of(&scenario("node-loss", &overrides));
    assert!(result.connections.broken_by.get("node_lost").is_some_and(|broken| *broken > 10), "{result:?}");
}

#[test]
fn a_partition_is_the_networks_fault_and_ends() {
    let event = "events=[{at: 10s, kind: partition, between: [clients, slc-a], for: 3s}]";
    let impatient = "traffic.requestTimeout=2s";
    let overrides = ["duration=30s", "expect=[]", "traffic.retry.retries=3", "traffic.connectTimeout=2s"];
    let overrides = [&overrides[..], &[event, impatient]].concat();
    let result = run_of(&scenario("node-loss", &overrides));
    let causes: Vec<_> = result.connections.broken_by.keys().collect();
    assert_eq!(causes, ["network"], "{:?}", result.connections);
    // Who has something to send within the first second of the three waits out its two seconds.
    assert!(result.connections.broken > 30, "{:?}", result.connections);
    assert!(result.requests.retried >= result.connections.broken, "{:?}", result.requests);
    // It ends: another try gets through, and what comes after it is as before.
    assert_eq!(result.requests.failed, 0, "{:?}", result.requests);
}

#[test]
fn a_lossy_link_is_repaired_by_repeating() {
    let event = "events=[{at: 5s, kind: link-loss, between: [clients, slc], loss: 5%}]";
    let result = run_of(&scenario("node-loss", &["duration=20s", "expect=[]", event]));
    assert_eq!(result.requests.failed, 0, "{result:?}");
    assert!(result.latency_ms.p99.unwrap() > 300.0, "a repeat takes 200 ms or a second");
}

#[test]
fn a_zone_taken_out_by_hand_empties_within_a_time_to_live() {
    let event = "events=[{at: 40s, kind: disable-zone, target: lvs-a, delay: 3s}]";
    let overrides = ["duration=70s", "expect=[]", "dns.ttl=10s", "traffic.rate.rate=30%", event];
    let result = run_of(&scenario("survivors-overload", &overrides));
    let [shift] = &result.shifts[..] else { panic!("{:?}", result.shifts) };
    assert_eq!((shift.from.as_str(), &shift.to[..]), ("lvs-a", &["slc-a".to_owned()][..]));
    assert_eq!(shift.detected_s, Some(3.0));
    // 3 s push, 2 s propagation, then at most the time to live; old connections linger on.
    assert!(shift.t50_s.is_some_and(|t50| (5.0..=17.0).contains(&t50)), "{shift:?}");
    assert_eq!(result.requests.failed, 0);
}

#[test]
fn recorded_arrivals_begin_visits_when_they_say() {
    struct Folder;
    impl crate::scenario::DataSource for Folder {
        fn read(&self, path: &str) -> Option<std::borrow::Cow<'_, str>> {
            (path == "three.csv").then_some("seconds\n1\n2\n2\n".into())
        }
    }
    let found = embedded().iter().find(|scenario| scenario.name == "node-loss").unwrap();
    let given = "traffic.arrivals={kind: given, data: three.csv}";
    let text = with_overrides(found.text, &["duration=60s", "events=[]", "expect=[]", given]).unwrap();
    let result = run_of(&Scenario::from_yaml(&text, &Folder).unwrap());
    assert_eq!(result.connections.opened, 3);
}

#[test]
fn a_slow_cluster_is_seen_in_the_latency() {
    let event = "events=[{at: 5s, kind: slow, target: slc-a/web-1, percent: 400}]";
    let base = run_of(&scenario("node-loss", &["duration=20s", "events=[]", "expect=[]"]));
    let slow = run_of(&scenario("node-loss", &["duration=20s", "expect=[]", event]));
    assert!(slow.latency_ms.mean.unwrap() > 1.3 * base.latency_ms.mean.unwrap());
    assert_eq!(base.connections.opened, slow.connections.opened, "arrivals do not know of it");
}

#[test]
fn a_paused_gateway_goes_on_where_it_stopped() {
    let event = "events=[{at: 10s, kind: pause, target: slc-a/gateway-1, for: 1s}]";
    let result = run_of(&scenario("node-loss", &["duration=20s", "expect=[]", event]));
    assert_eq!(result.requests.failed, 0);
    assert_eq!(result.connections.broken, 0);
    assert!(result.latency_ms.p999.unwrap() > 900.0);
}

#[test]
fn a_small_connection_table_evicts_and_stays_within_its_limit() {
    /// Evictions of all nodes, and the most entries that one had, over a run.
    fn crowd(limits: &str) -> (u64, usize) {
        let limits = format!("nodeKinds.stateless.connections={limits}");
        let scenario = scenario("node-loss", &["duration=20s", "events=[]", "expect=[]", &limits]);
        let mut observer = ();
        let mut model = Model::new(&scenario, scenario.seed, &mut observer);
        let mut most = 0;
        while let Some((now, happening)) = model.engine.pop_until(model.end) {
            model.handle(now, happening);
            let tables = model.zones[0].front.nodes.iter().map(|node| node.director.connections().len());
            most = tables.max().unwrap_or_default().max(most);
        }
        let tables = model.zones[0].front.nodes.iter().map(|node| node.director.connections());
        let evicted = tables.map(|table| table.counters().evicted).sum();
        let result = model.finish();
        assert_eq!(result.violations, []);
        // Full tables move nothing while members stay: flows go where their entries would have sent them.
        assert_eq!((result.requests.failed, result.connections.broken), (0, 0), "{limits}");
        (evicted, most)
    }
    assert_eq!(crowd("{max: 20000}").0, 0, "with room nobody has to go");
    let (evicted, most) = crowd("{max: 20}");
    assert!(evicted > 50 && most == 20, "{evicted} {most}");
    let (evicted, most) = crowd("{max: 1000, unproven: 1}");
    assert!(evicted > 50 && most < 1000, "{evicted} {most}");
}
