//! Port unreachable, the kernel's answer for a service without a backend: what clients do about it.

use super::scenario;
use crate::record::{Observer, Record};
use crate::run::{RunResult, run};

/// Broken connections by whether they were established, with causes and times.
#[derive(Default)]
struct Broken {
    established: Vec<(f64, &'static str)>,
    opening: Vec<(f64, &'static str)>,
}

impl Observer for Broken {
    fn event(&mut self, record: &Record<'_>) {
        if record.kind == "connection_broken" {
            let entry = (record.t_s, record.cause.unwrap());
            match record.state {
                Some("established") => self.established.push(entry),
                _ => self.opening.push(entry),
            }
        }
    }
}

/// The only gateway stands still for a while, and kernel nodes, whose router is slow, take it out.
fn outage(protocol: &str) -> (RunResult, Broken) {
    let pause = "events=[{at: 10s, kind: pause, target: slc-a/gateway-1, for: 8s}]";
    let kernel = "nodeKinds.stateless={profile: {kind: ipvs, sloppyTcp: true, expireNodestConn: true}, \
                  scheduler: {kind: ipvs-mh, port: true}, healthCheck: gateway-check}";
    let overrides = [
        "duration=60s",
        "expect=[]",
        pause,
        "zoneKinds.standard.gateways=1",
        kernel,
        protocol,
        "routers.spine.detection=1m",
        "stations.edge.timeout=40s",
        "traffic.requestTimeout=40s",
        "traffic.retry.retries=0",
    ];
    let scenario = scenario("health-flap", &overrides);
    let mut broken = Broken::default();
    let result = run(&scenario, scenario.seed, &mut broken).unwrap();
    assert_eq!(result.violations, []);
    (result, broken)
}

#[test]
fn a_new_connection_fails_at_once_and_an_established_one_outlives_the_outage() {
    let (result, broken) = outage("traffic.protocol=tcp");
    assert!(broken.opening.len() > 20, "{:?}", broken.opening);
    assert!(broken.opening.iter().all(|(_, cause)| *cause == "refused"), "{:?}", broken.opening);
    assert_eq!(broken.established, [], "data are repeated until there is a gateway again");
    let failed: Vec<_> = result.requests.failed_by.keys().collect();
    assert_eq!(failed, ["refused"], "what new connections were for, and nothing else");
}

#[test]
fn a_datagram_is_told_at_once() {
    let (result, _) = outage("traffic.protocol=udp");
    assert!(result.requests.failed_by.get("refused").is_some_and(|failed| *failed > 20), "{result:?}");
}
