//! Why connections break: one small fleet per cause, in which nothing else can be the cause.

use std::collections::BTreeMap;

use super::{run_of, scenario};

/// Ten times its weight for a gateway: slots move to it, and flows without an entry with them.
const WEIGHT: &str = "{at: 10s, kind: gateway-weight, target: slc-a/gateway-1, weight: 10}";

/// Of a lost node's flows only: other kinds of router move flows between living nodes too.
const RESILIENT: &str = "routers.spine.ecmp=resilient";

/// How many connections broke for what, in half a minute of four nodes and four gateways.
fn broken_by(events: &str, more: &[&str]) -> BTreeMap<String, u64> {
    let events = format!("events=[{events}]");
    let overrides = [&["duration=30s", "expect=[]", events.as_str()], more].concat();
    run_of(&scenario("health-flap", &overrides)).connections.broken_by
}

/// The one cause, which must be that of more than a handful.
fn only(cause: &str, broken: &BTreeMap<String, u64>) {
    assert!(broken.len() == 1 && broken.get(cause).is_some_and(|count| *count > 5), "{cause}: {broken:?}");
}

#[test]
fn a_gateway_that_health_took_out_is_a_lost_backend() {
    only("backend_lost", &broken_by("{at: 5s, kind: pause, target: slc-a/gateway-2, for: 1m}", &[]));
}

#[test]
fn a_lost_backend_is_the_cause_even_where_tables_overflow() {
    let pause = "{at: 5s, kind: pause, target: slc-a/gateway-2, for: 1m}";
    let broken = broken_by(pause, &["nodeKinds.stateless.connections.max=60"]);
    // Gateway-2 held a quarter of the flows; others break only if both evicted and in a slot that moved.
    assert!(broken.get("backend_lost").is_some_and(|count| *count > 20), "{broken:?}");
    assert!(broken.keys().all(|cause| cause == "backend_lost" || cause == "table_full"), "{broken:?}");
}

#[test]
fn a_flow_that_its_node_evicted_suffered_a_full_table() {
    // Every newcomer takes the place of the last one.
    only("table_full", &broken_by(WEIGHT, &["nodeKinds.stateless.connections={max: 1000, unproven: 1}"]));
}

#[test]
fn a_flow_that_was_silent_for_too_long_timed_out() {
    let limits = "nodeKinds.stateless.connections={max: 20000, timeouts: {tcpEstablished: 1s}}";
    only("timeout", &broken_by(WEIGHT, &[limits]));
}

#[test]
fn flows_of_a_lost_node_break_where_slots_moved_since() {
    let crash = |node| format!("{{at: 15s, kind: crash, target: slc-a/node-{node}}}");
    let events = format!("{WEIGHT}, {}, {}", crash(2), crash(4));
    only("node_lost", &broken_by(&events, &[RESILIENT]));
}

#[test]
fn a_node_that_restarts_before_its_router_notices_has_lost_its_flows() {
    let events = format!("{WEIGHT}, {{at: 15s, kind: crash, target: slc-a/node-1, for: 500ms}}");
    only("node_lost", &broken_by(&events, &["routers.spine.detection=20s"]));
}

#[test]
fn flows_that_a_router_sends_to_another_living_node_break_by_the_change_of_tables() {
    let events = format!("{WEIGHT}, {{at: 15s, kind: add-nodes, target: slc-a, count: 1}}");
    only("table_change", &broken_by(&events, &["routers.spine.ecmp=mod-n"]));
}

#[test]
fn kernel_nodes_reset_what_they_do_not_know_each_for_its_cause() {
    let kernel = |more: &str| {
        format!(
            "nodeKinds.stateless={{profile: {{kind: ipvs, sloppyTcp: false}}, \
             scheduler: {{kind: ipvs-mh, port: true}}, healthCheck: gateway-check{more}}}"
        )
    };
    only("timeout", &broken_by("", &[&kernel(", connections: {timeouts: {tcpEstablished: 1s}}")]));
    only("table_full", &broken_by("", &[&kernel(", connections: {max: 60}")]));
    // Without expireNodestConn its packets go nowhere until the entry expires.
    let pause = "{at: 5s, kind: pause, target: slc-a/gateway-2, for: 1m}";
    only("backend_lost", &broken_by(pause, &[&kernel("")]));
    let added = "{at: 15s, kind: add-nodes, target: slc-a, count: 1}";
    // The node that they came from lives and no table changed: the new one just does not know them.
    only("refused", &broken_by(added, &[&kernel(""), "routers.spine.ecmp=mod-n"]));
    let crash = "{at: 15s, kind: crash, target: slc-a/node-1}";
    only("node_lost", &broken_by(crash, &[&kernel(""), RESILIENT]));
}
