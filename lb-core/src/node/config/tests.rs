//! Tests of an agent's file: what becomes of its sections, and what an agent refuses in which words.

use std::format;
use std::string::{String, ToString};

use proptest::prelude::*;
use serde_saphyr::from_str;

use super::*;
use crate::config::Prefix;

/// A file that an agent takes, with more lines at the top and in its one service.
fn text(top: &str, service: &str) -> String {
    format!(
        "{{ node: {{ address: 10.0.0.11 }}, {top}, services: [{{ vip: 203.0.113.10, port: 443, protocol: tcp, {service} }}] }}"
    )
}

const OWNED: &str = "ownedPrefixes: [203.0.113.0/24]";
const MH: &str = "scheduler: { kind: ipvs-mh }";

fn read(text: &str) -> Result<NodeConfig, String> {
    let file: LbFile = from_str(text).map_err(|error| error.without_snippet().to_string())?;
    NodeConfig::try_from(file).map_err(|error| error.to_string())
}

#[test]
fn sections_have_defaults() {
    let config = read(&text(OWNED, MH)).unwrap();
    assert_eq!(config.read_interval, Duration::from_secs(30));
    assert_eq!(config.control.socket, "/run/lb-agent/control.sock");
    assert_eq!((config.metrics, config.tracing), (None, None));
    assert_eq!(config.log, LogConfig { format: LogFormat::Text, level: LogLevel::Info });
    assert_eq!(config.health, [HealthConfig::try_from(HealthFile::default()).unwrap()]);
}

#[test]
fn sections_are_read() {
    let top = r#"ownedPrefixes: [203.0.113.10, "2001:db8::/32"], kernel: { readInterval: 5s },
        metrics: { address: "[::1]:9469" }, control: { socket: /tmp/x, group: ops },
        log: { format: json, level: debug }, tracing: { address: 127.0.0.1 }, health: { fall: 3 }"#;
    let config = read(&text(top, MH)).unwrap();
    assert_eq!(config.owned, ["203.0.113.10/32".parse().unwrap(), "2001:db8::/32".parse::<IpNet>().unwrap()]);
    assert!(config.owns([203, 0, 113, 10].into()) && !config.owns([203, 0, 113, 11].into()));
    assert_eq!(config.read_interval, Duration::from_secs(5));
    assert_eq!(config.metrics, Some("[::1]:9469".parse().unwrap()));
    let group = Some("ops".to_string());
    assert_eq!(config.control, ControlConfig { socket: "/tmp/x".to_string(), group });
    assert_eq!(config.log, LogConfig { format: LogFormat::Json, level: LogLevel::Debug });
    assert_eq!(config.tracing, Some("127.0.0.1:4318".parse().unwrap()));
    assert_eq!(config.health[0].backend.fall(), 3);
}

#[test]
fn a_service_has_its_own_health_or_the_files() {
    let own =
        read(&text(&format!("{OWNED}, health: {{ fall: 3 }}"), &format!("{MH}, health: {{ rise: 2 }}")));
    let policy = own.unwrap().health[0].backend;
    assert_eq!((policy.rise(), policy.fall()), (2, 1), "a section is taken whole, not field by field");
}

#[test]
fn backends_are_in_the_order_of_their_endpoints() {
    let backends = "backends: [{ address: 10.1.0.10 }, { address: 10.1.0.9 }, { address: 10.1.0.100 }]";
    let config = read(&text(OWNED, &format!("{MH}, {backends}"))).unwrap();
    let order: Vec<_> =
        config.lb.services[0].backends.iter().map(|b| b.endpoint.address.to_string()).collect();
    assert_eq!(order, ["10.1.0.9", "10.1.0.10", "10.1.0.100"]);
}

#[test]
fn what_an_agent_cannot_do_is_refused_with_the_reason() {
    let check = |top: &str, service: &str, expected: &str| {
        let found = read(&text(top, service)).expect_err(expected);
        assert!(found.starts_with(expected), "{found}");
    };
    let ours = "services[0].scheduler.kind: the kernel has no `maglev`, and lb-agent programs the kernel; write ipvs-mh";
    check(OWNED, "mtu: 1500", ours);
    let key = format!("{OWNED}, hashKey: \"000102030405060708090a0b0c0d0e0f\"");
    check(&key, "scheduler: { kind: maglev }", ours);
    check(
        OWNED,
        "scheduler: { kind: ipvs-mh, tableSize: 251 }",
        "services[0].scheduler.tableSize: 251 slots are not the kernel's: its size is fixed when it is built, and lb-agent knows 4093",
    );
    check(
        OWNED,
        "scheduler: { kind: ipvs-sh, tableSize: 512 }",
        "services[0].scheduler.tableSize: 512 slots are not the kernel's",
    );
    let spread = format!("{MH}, forward: {{ kind: ipip, spread: true }}");
    check(OWNED, &spread, "services[0].forward.spread: the kernel does not vary the outer source");
    let port = format!("{MH}, backends: [{{ address: 10.1.0.5 }}, {{ address: 10.1.0.6, port: 8443 }}]");
    check(
        OWNED,
        &port,
        "services[0].backends[1].port: port 8443 is not the service's; under a tunnel packets arrive",
    );
    check("generation: 1", MH, "ownedPrefixes: missing; the agent changes only what lies within");
    check(
        "ownedPrefixes: [203.0.114.0/24]",
        MH,
        "services[0].vip: 203.0.113.10 lies in none of ownedPrefixes, so it is not the agent's to touch",
    );
    check(
        "ownedPrefixes: [203.0.113.0/24, 10.0.0.0/8]",
        MH,
        "ownedPrefixes[1]: 10.0.0.0/8 holds the node's own 10.0.0.11 (node.address)",
    );
    check(
        &format!("{OWNED}, kernel: {{ readInterval: 10ms }}"),
        MH,
        "kernel.readInterval: 10ms is out of range; write a duration from 1s to 24h",
    );
    check(&format!("{OWNED}, control: {{ socket: run.sock }}"), MH, "control.socket: no path of a socket");
    let bgp = |peer: &str| {
        format!(
            "{OWNED}, bgp: {{ as: 64512, routerId: 10.0.0.11, peers: [{{ address: 10.0.0.1, as: 64500, {peer} }}] }}"
        )
    };
    check(&bgp("holdTime: 1s"), MH, "bgp.peers[0].holdTime: ");
    check(&bgp("bfd: fast"), MH, "bgp.peers[0].bfd: no BFD profile `fast` is there");
    check(&format!("{OWNED}, bfd: {{ multiplier: 1 }}"), MH, "bfd.multiplier: ");
    check(&format!("{OWNED}, announce: {{ drainDelay: 2h }}"), MH, "announce.drainDelay: ");
    let through = "{ node: { address6: \"2001:db8::11\" }, ownedPrefixes: [203.0.113.0/24], health: { check: { kind: tcp, via: tunnel } }, services: [{ vip: 203.0.113.10, port: 443, protocol: tcp, scheduler: { kind: ipvs-mh } }] }";
    let found = read(through).expect_err("no address to ask from");
    assert!(found.starts_with("services[0].vip: its checks go through the tunnel"), "{found}");
    check(&format!("{OWNED}, health: {{ fall: 0 }}"), MH, "health.fall: 0 is too small");
    let health = format!("{MH}, health: {{ slowStart: {{ duration: 1m, steps: 0 }} }}");
    check(OWNED, &health, "services[0].health.slowStart.steps: 0 steps are not possible");
    check(
        "ownedPrefixes: [203.0.113.1/24]",
        MH,
        "`203.0.113.1/24` is no prefix: it has bits beyond its length; write 203.0.113.0/24",
    );
}

#[test]
fn an_unknown_version_is_refused_by_number() {
    let found = read(&text(&format!("{OWNED}, version: 2"), MH)).expect_err("a future version");
    assert_eq!(found, "version: version 2 is not known; write version: 1");
}

proptest! {
    #[test]
    fn a_prefix_reads_as_it_prints(address: u32, length in 0_u8..=32) {
        let net = ipnet::Ipv4Net::new(address.into(), length).unwrap().trunc();
        let prefix = Prefix(net.into());
        let text = serde_saphyr::to_string(&prefix).unwrap();
        prop_assert_eq!(from_str::<Prefix>(&text).unwrap(), prefix);
    }
}
