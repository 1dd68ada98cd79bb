//! What is refused, and in which words: one line per fault.

use super::*;
use crate::table::{Member, Table, TableKind};

/// The fault found in a file, without the reader's own position.
fn fault(text: &str) -> String {
    let error = read(text).expect_err(text);
    let end = error.find(" at line").or_else(|| error.find(": line ")).unwrap_or(error.len());
    error[..end].to_string()
}

/// Faults in one service's lines; paths are below `services[0].`.
fn check(lines: &str, expected: &str) {
    let found = fault(&with_service(lines));
    assert_eq!(found.strip_prefix("services[0].").unwrap_or(&found), expected, "{lines}");
}

#[test]
fn numbers_out_of_range() {
    check("mtu: 70000", "70000 is out of range; write a whole number from 596 to 65535");
    check("mtu: 1.5", "1.5 is no whole number; write one from 596 to 65535");
    check("mtu: 7e4", "70000 is out of range; write a whole number from 596 to 65535");
    check("mtu: 1e300", "1e300 is out of range; write a whole number from 596 to 65535");
    check("mtu: big", "`big` is no number; write a whole number from 596 to 65535");
    check(
        "scheduler: { kind: ring, points: 5e9 }",
        "5000000000 is out of range; write a whole number from 1 to 4096",
    );
    check(
        "scheduler: { kind: maglev, tableSize: -1 }",
        "-1 is out of range; write a whole number from 1 to 4194304",
    );
    check(
        "forward: { kind: gue, port: 65536 }",
        "65536 is out of range; write a whole number from 1 to 65535",
    );
    check(
        "backends: [{ address: 10.1.0.5, weight: 65536 }]",
        "65536 is out of range; write a whole number from 0 to 65535",
    );
    check(
        "backends: [{ address: 10.1.0.5, weight: -1 }]",
        "-1 is out of range; write a whole number from 0 to 65535",
    );
    check(
        "mtu: \"1500\"",
        "`1500` is a text, not a number; write the digits alone: no quotes, no leading zeros, no underscores",
    );
    check("mtu: 595", "mtu: 595 leaves the client too little; write 596 to 65535");
    check("mtu: 607, forward: { kind: gue }", "mtu: 607 leaves the client too little; write 608 to 65535");
    check(
        "mtu: 595, backends: [{ address: 10.1.0.5 }]",
        "mtu: 595 leaves the client too little; write 596 to 65535",
    );
    check(
        "forward: { kind: gue, port: 0 }",
        "forward.port: 0 is too small; write a whole number from 1 to 65535",
    );
    let text = "{ services: [{ vip: 203.0.113.10, port: 0, protocol: tcp, scheduler: { kind: ipvs-mh } }] }";
    assert_eq!(fault(text), "services[0].port: 0 is too small; write a whole number from 1 to 65535");
}

#[test]
fn an_ipv6_client_must_be_able_to_send_1280_bytes() {
    let service = "vip: \"2001:db8::a\", port: 1, protocol: tcp, scheduler: { kind: ipvs-mh }";
    let text =
        std::format!("services: [{{ {service}, mtu: 1319, backends: [{{ address: \"2001:db8::5\" }}] }}]");
    assert_eq!(fault(&text), "services[0].mtu: 1319 leaves the client too little; write 1320 to 65535");
    assert!(read(&text.replace("1319", "1320")).is_ok());
}

#[test]
fn table_sizes() {
    let size = |kind: &str, lines: &str, expected: &str| {
        check(&std::format!("scheduler: {{ kind: {kind}, {lines} }}"), expected)
    };
    size(
        "maglev",
        "tableSize: 65536",
        "scheduler.tableSize: 65536 slots are not possible; write a prime, such as 65537",
    );
    size("maglev", "tableSize: 0", "scheduler.tableSize: 0 slots are not possible; write a prime, such as 2");
    size(
        "maglev",
        "tableSize: 4294967295",
        "scheduler.tableSize: 4294967295 slots are not possible; write a prime, such as 4194301",
    );
    size("rendezvous", "tableSize: 0", "scheduler.tableSize: 0 slots are not possible; write 1 to 4194304");
    size(
        "ring",
        "points: 0",
        "scheduler.points: 0 points for each unit of weight are not possible; write 1 to 4096 (160 is usual)",
    );
    size(
        "ipvs-mh",
        "tableSize: 65537",
        "scheduler.tableSize: 65537 slots are not possible; write one of the kernel's: 251, 509, 1021, 2039, 4093, 8191, 16381, 32749, 65521, 131071",
    );
    size(
        "ipvs-sh",
        "tableSize: 8",
        "scheduler.tableSize: 8 slots are not possible; write a power of two from 16 to 1048576",
    );
    size(
        "ipvs-sh",
        "tableSize: 100",
        "scheduler.tableSize: 100 slots are not possible; write a power of two from 16 to 1048576",
    );
    size(
        "maglev",
        "points: 160",
        "scheduler.points: not a parameter of `maglev`; remove it (it takes `tableSize`)",
    );
    size(
        "ipvs-sh",
        "points: 160",
        "scheduler.points: not a parameter of `ipvs-sh`; remove it (it takes `port`, `fallback`, `tableSize`)",
    );
}

#[test]
fn a_table_holds_every_backend() {
    let backends = "backends: [{ address: 10.1.0.5 }, { address: 10.1.0.6 }, { address: 10.1.0.7 }]";
    check(
        &std::format!("scheduler: {{ kind: maglev, tableSize: 3 }}, {backends}"),
        "scheduler.tableSize: 3 slots are too few for 3 backends; write a prime, such as 5",
    );
    check(
        &std::format!("scheduler: {{ kind: rendezvous, tableSize: 2 }}, {backends}"),
        "scheduler.tableSize: 2 slots are too few for 3 backends; write 3 to 4194304",
    );
    assert!(
        read(&with_service(&std::format!("scheduler: {{ kind: maglev, tableSize: 5 }}, {backends}"))).is_ok()
    );
    assert!(
        read(&with_service(&std::format!("scheduler: {{ kind: rendezvous, tableSize: 3 }}, {backends}")))
            .is_ok()
    );
}

#[test]
fn a_ring_holds_every_backend_at_its_weight() {
    let ring = |points: u32, backends: &str| {
        std::format!("scheduler: {{ kind: ring, points: {points} }}, backends: [{backends}]")
    };
    let heavy = "{ address: 10.1.0.5, weight: 65535 }";
    check(
        &ring(257, heavy),
        "scheduler.points: 257 points for each of 65535 units of weight are more than the 16777216 of a ring; write at most 256 points, or smaller weights of the same proportions",
    );
    let config = read(&with_service(&ring(256, heavy))).unwrap();
    let member = Member::new(config.services[0].backends[0].endpoint, Weight(65_535));
    assert!(Table::digest_of(TableKind::Ring { points: 256 }, &config.hash_key, &[member]).is_ok());

    // who is out today may be in tomorrow
    let other = "{ address: 10.1.0.6, weight: 65535, state: down }";
    assert!(read(&with_service(&ring(256, &std::format!("{heavy}, {other}")))).is_err());

    let many: Vec<_> = (0..300)
        .map(|n| std::format!("{{ address: 10.1.{}.{}, weight: 65535 }}", n / 250, n % 250 + 1))
        .collect();
    check(
        &std::format!("scheduler: {{ kind: ring }}, backends: [{}]", many.join(", ")),
        "scheduler.points: 160 points for each of 19660500 units of weight are more than the 16777216 of a ring; write smaller weights of the same proportions, 16777216 together at most",
    );
}

#[test]
fn a_service_has_at_most_65535_backends() {
    let mut file: LbFile = from_str(&with_service("backends: [{ address: 10.1.0.5 }]")).unwrap();
    file.services[0].backends = std::vec![file.services[0].backends[0]; 65_536];
    assert_eq!(
        Config::try_from(file).unwrap_err().to_string(),
        "services[0].backends: 65536 backends are too many; write at most 65535 and split the service"
    );
}

#[test]
fn backends_and_addresses() {
    check(
        "backends: [{ address: 10.1.0.5, port: 8443 }]",
        "backends[0].port: port 8443 is not the service's; under a tunnel packets arrive unchanged, so leave it out or write 443",
    );
    check(
        "backends: [{ address: 10.1.0.5 }, { address: 10.1.0.5, weight: 3 }]",
        "backends[1].address: 10.1.0.5:443 is already backends[0] of this service; remove one of the two",
    );
    check(
        "backends: [{ address: \"::ffff:10.1.0.5\" }]",
        "backends[0].address: ::ffff:10.1.0.5 is an IPv4 address written as IPv6; write 10.1.0.5",
    );
    check(
        "backends: [{ address: 10.1.0 }]",
        "`10.1.0` is no IP address: write an address such as 10.1.0.5 or \"2001:db8::5\", without port or prefix length",
    );
    check(
        "forward: { kind: ipip, port: 6080 }",
        "forward.port: not a parameter of `ipip`; remove it (it takes `spread`)",
    );
    check("hashFields: [src, dst, src]", "hashFields[2]: this field is already named; remove one of the two");
}

#[test]
fn addresses_of_no_host_are_refused_everywhere() {
    for (address, range) in [
        ("0.1.2.3", "0.0.0.0/8 is this network"),
        ("127.0.0.1", "127.0.0.0/8 is loopback"),
        ("127.255.255.255", "127.0.0.0/8 is loopback"),
        ("224.0.0.1", "224.0.0.0/4 is multicast"),
        ("239.255.255.255", "224.0.0.0/4 is multicast"),
        ("240.0.0.1", "240.0.0.0/4 is reserved"),
        ("255.255.255.255", "240.0.0.0/4 is reserved"),
        ("::", "::/128 is unspecified"),
        ("::1", "::1/128 is loopback"),
        ("fe80::1", "fe80::/10 is link-local"),
        ("febf::1", "fe80::/10 is link-local"),
        ("ff02::1", "ff00::/8 is multicast"),
    ] {
        let wrong =
            std::format!("{address} cannot be used here ({range}); write the unicast address of a host");
        check(
            &std::format!("backends: [{{ address: 10.1.0.5 }}, {{ address: \"{address}\" }}]"),
            &std::format!("backends[1].address: {wrong}"),
        );
        let vip = with_service("").replace("203.0.113.10", &std::format!("\"{address}\""));
        assert_eq!(fault(&vip), std::format!("services[0].vip: {wrong}"));
        let field = if address.contains(':') { "address6" } else { "address" };
        let node = std::format!("{{ node: {{ {field}: \"{address}\" }}, services: [] }}");
        assert_eq!(fault(&node), std::format!("node.{field}: {wrong}"));
    }
    // what tests and documentation use, and the ranges' neighbours
    for address in ["192.0.2.1", "198.18.0.1", "100.64.0.1", "169.254.1.1", "1.0.0.0", "223.255.255.255"] {
        assert!(read(&with_service(&std::format!("backends: [{{ address: {address} }}]"))).is_ok());
    }
    for address in ["2001:db8::1", "::2", "fd00::1", "fec0::1"] {
        assert!(read(&with_service(&std::format!("backends: [{{ address: \"{address}\" }}]"))).is_ok());
    }
}

#[test]
fn nobody_plays_two_parts() {
    check(
        "backends: [{ address: 203.0.113.10 }]",
        "backends[0].address: 203.0.113.10 is the VIP of services[0]; write the backend's own address",
    );
    let service = "port: 443, protocol: tcp, scheduler: { kind: ipvs-mh }";
    let text = std::format!(
        "services: [{{ vip: 203.0.113.10, {service}, backends: [{{ address: \"2001:db8::a\" }}] }}, \
         {{ vip: 203.0.113.11, {service} }}, {{ vip: \"2001:db8::a\", {service} }}]"
    );
    assert_eq!(
        fault(&text),
        "services[0].backends[0].address: 2001:db8::a is the VIP of services[2]; write the backend's own address"
    );
    let with_node = |vip: &str, backend: &str| {
        std::format!(
            "{{ node: {{ address: 10.0.0.11, address6: \"2001:db8::11\" }}, \
             services: [{{ vip: \"{vip}\", {service}, backends: [{{ address: \"{backend}\" }}] }}] }}"
        )
    };
    assert_eq!(
        fault(&with_node("10.0.0.11", "10.1.0.5")),
        "services[0].vip: 10.0.0.11 is the node's own (node.address); write the service's address"
    );
    assert_eq!(
        fault(&with_node("203.0.113.10", "2001:db8::11")),
        "services[0].backends[0].address: 2001:db8::11 is the node's own (node.address6); write the backend's address"
    );
    assert!(read(&with_node("203.0.113.10", "10.1.0.5")).is_ok());
}

#[test]
fn services_and_the_whole() {
    let service = "{ vip: 203.0.113.10, port: 443, protocol: tcp, scheduler: { kind: ipvs-mh } }";
    assert_eq!(
        fault(&std::format!("services: [{service}, {service}]")),
        "services[1].vip: 203.0.113.10:443/tcp is already services[0]; put all its backends there"
    );
    assert_eq!(fault("{ version: a, services: [] }"), "`a` is no number; write 1");
    assert_eq!(
        fault("{ connections: { max: 5e9 }, services: [] }"),
        "5000000000 is out of range; write a whole number from 1 to 1073741824"
    );
    // a float of this size is not the number that was written
    assert_eq!(
        fault("{ generation: 1e16, services: [] }"),
        "1e16 is not exact; write a whole number from 0 to 18446744073709551615 in digits alone"
    );
    assert_eq!(fault("{ version: 2, services: [] }"), "version: version 2 is not known; write version: 1");
    assert_eq!(
        fault("{ connections: { max: 0 }, services: [] }"),
        "connections.max: 0 connections are not possible; write 1 to 1073741824"
    );
    assert_eq!(
        fault("{ connections: { max: 10, unproven: 11 }, services: [] }"),
        "connections.unproven: 11 connections are not possible; write 1 to 10"
    );
    assert_eq!(
        fault("{ connections: { timeouts: { udp: 0s } }, services: [] }"),
        "connections.timeouts.udp: 0s is out of range; write a duration from 1ms to 288h"
    );
    assert_eq!(
        fault("{ fragments: { max: 16777217 }, services: [] }"),
        "fragments.max: 16777217 datagrams are not possible; write 0 to 16777216"
    );
    assert_eq!(
        fault("{ fragments: { max: -1 }, services: [] }"),
        "-1 is out of range; write a whole number from 0 to 16777216"
    );
    assert_eq!(
        fault("{ fragments: { timeout: 300h }, services: [] }"),
        "fragments.timeout: 300h is out of range; write a duration from 1ms to 288h"
    );
    assert_eq!(
        fault("{ profile: { kind: own, sloppyTcp: true }, services: [] }"),
        "profile.sloppyTcp: not a parameter of `own`; remove it"
    );
    assert_eq!(
        fault("services: [{ vip: 203.0.113.10, port: 443, protocol: tcp }]"),
        "hashKey: missing, but `maglev` hashes with it; add hashKey: 32 hexadecimal digits in quotes, the same on every node (`openssl rand -hex 16` makes one)"
    );
}

#[test]
fn a_node_needs_an_address_of_each_family_it_sends_to() {
    let with_node = |node: &str, backend: &str| {
        let text = with_service(&std::format!("backends: [{{ address: {backend} }}]"));
        text.replacen('{', &std::format!("{{ node: {node}, "), 1)
    };
    assert_eq!(
        fault(&with_node("{ address: 10.0.0.11 }", "\"2001:db8::5\"")),
        "services[0].backends[0].address: 2001:db8::5 needs an outer source of its family; add node.address6, or a backend of the other family"
    );
    assert_eq!(
        fault(&with_node("{ address6: \"2001:db8::11\" }", "10.1.0.5")),
        "services[0].backends[0].address: 10.1.0.5 needs an outer source of its family; add node.address, or a backend of the other family"
    );
    assert_eq!(
        fault(&with_node("{ address: \"2001:db8::11\" }", "10.1.0.5")),
        "`2001:db8::11` is no IPv4 address: write an IPv4 address such as 10.0.0.11; an IPv6 address goes into `address6`"
    );
    // a file for any node names none, but none can put it to work
    let config =
        read(&with_service("backends: [{ address: 10.1.0.5 }, { address: \"2001:db8::5\" }]")).unwrap();
    let with = |v4, v6| Config { node: NodeAddresses { v4, v6 }, ..config.clone() }.check_sources();
    let missing = |number, backend: &str, field| {
        let path = FieldPath::default().field("services").item(0).field("backends").item(number);
        let problem = Problem::MissingNodeAddress { backend: backend.parse().unwrap(), field };
        Err(ConfigError { path: path.field("address"), problem })
    };
    let (v4, v6) = (Some(Ipv4Addr::new(10, 0, 0, 11)), Some("2001:db8::11".parse().unwrap()));
    assert_eq!(with(None, None), missing(0, "10.1.0.5", "address"));
    assert_eq!(with(v4, None), missing(1, "2001:db8::5", "address6"));
    assert_eq!(with(None, v6), missing(0, "10.1.0.5", "address"));
    assert_eq!(with(v4, v6), Ok(()));
}

#[test]
fn a_bad_hash_key_is_not_repeated() {
    let right = "write 32 hexadecimal digits in quotes (128 bits, the same on every node; `openssl rand -hex 16` makes one)";
    for (key, expected) in [
        ("\"0011223344556677\"", std::format!("the key has 16 digits; {right}")),
        ("0011223344556677", std::format!("the key has 16 digits; {right}")),
        (
            "\"0011223344556677gg11223344556677\"",
            std::format!("the key has other characters than hexadecimal digits; {right}"),
        ),
    ] {
        let found = fault(&std::format!("{{ hashKey: {key}, services: [] }}"));
        assert_eq!(found, expected);
        assert!(!found.contains("00112233"));
    }
    for key in ["[00112233]", "{ a: 00112233 }", "!!int 00112233"] {
        let found = fault(&std::format!("{{ hashKey: {key}, services: [] }}"));
        assert!(!found.contains("00112233"), "{found}");
    }
    let config = read(EXAMPLE).unwrap();
    let shown = std::format!("{config:?}{:?}", LbFile::from(&config));
    assert!(!shown.contains("0f") && shown.contains("HashKey(secret)"), "{shown}");
}
