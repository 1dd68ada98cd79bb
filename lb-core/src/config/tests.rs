//! Tests of the configuration: what is accepted, what is refused and how it
//! is said, round trips, differences.

mod diffs;
mod refusals;

use std::string::{String, ToString};
use std::time::Duration;

use proptest::prelude::*;
use serde_saphyr::{from_str, to_string};

use super::*;
use crate::icmp::RateLimits;

/// The example of the documentation, every default written out or used.
const EXAMPLE: &str = r#"
version: 1
node: { address: 10.0.0.11, address6: "2001:db8::11" }
hashKey: "000102030405060708090a0b0c0d0e0f"
connections: { max: 1000000, timeouts: { tcpEstablished: 15m } }
services:
  - vip: 203.0.113.10
    port: 443
    protocol: tcp
    hashFields: [proto, src, sport, dst, dport]
    scheduler: { kind: maglev, tableSize: 65537 }
    forward: { kind: ipip }
    mtu: 1500
    backends:
      - { address: 10.1.0.5, weight: 100, state: active }
      - { address: "2001:db8::5", port: 443, state: drain }
"#;

/// A file of one service with the given lines in it, and one backend.
fn with_service(lines: &str) -> String {
    std::format!(
        "{{ hashKey: 000102030405060708090a0b0c0d0e0f, services: [{{ vip: 203.0.113.10, port: 443, protocol: tcp, {lines} }}] }}"
    )
}

/// Reads a file's text as far as it goes.
fn read(text: &str) -> Result<Config, String> {
    let file: LbFile = from_str(text).map_err(|error| error.without_snippet().to_string())?;
    Config::try_from(file).map_err(|error| error.to_string())
}

/// To the kernel's schedulers a port is part of a destination's name.
#[test]
fn a_backends_port_is_a_name_for_the_kernels_schedulers() {
    let backends = "backends: [{ address: 10.1.0.5 }, { address: 10.1.0.5, port: 40944 }]";
    for kind in ["ipvs-mh", "ipvs-sh"] {
        let text = with_service(&std::format!("scheduler: {{ kind: {kind} }}, {backends}"));
        let config = read(&text).unwrap();
        let ports: Vec<_> = config.services[0].backends.iter().map(|one| one.endpoint.port).collect();
        assert_eq!(ports, [443, 40_944]);
        assert_eq!(Config::try_from(LbFile::from(&config)), Ok(config), "written back");
    }
    let refused = read(&with_service(backends)).unwrap_err();
    assert!(
        refused.starts_with("services[0].backends[1].port: port 40944 is not the service's"),
        "{refused}"
    );
}

#[test]
fn the_example_is_read() {
    let config = read(EXAMPLE).unwrap();
    assert_eq!(config.node.v4, Some(Ipv4Addr::new(10, 0, 0, 11)));
    assert_eq!(config.hash_key, HashKey::new([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15]));
    assert_eq!(config.connections.max, 1_000_000);
    assert_eq!(config.connections.timeouts.tcp_established.as_secs(), 900);
    assert_eq!(config.profile, Profile::Own);
    let service = &config.services[0];
    assert_eq!(service.address.to_string(), "203.0.113.10:443/tcp");
    assert_eq!(service.hash_fields, HashFields::ALL);
    assert_eq!(service.scheduler, SchedulerKind::Maglev { table_size: 65_537 });
    assert_eq!((service.forward, service.spread, service.mtu), (Forward::Ipip, false, 1_500));
    let backends: Vec<_> =
        service.backends.iter().map(|b| (b.endpoint.to_string(), b.weight.0, b.state)).collect();
    assert_eq!(
        backends,
        [
            ("10.1.0.5:443".to_string(), 100, BackendState::Active),
            ("[2001:db8::5]:443".to_string(), 1, BackendState::Drain),
        ]
    );
}

#[test]
fn defaults_are_those_of_the_documentation() {
    for (lines, scheduler) in [
        ("", SchedulerKind::Maglev { table_size: 65_537 }),
        ("scheduler: { kind: maglev }", SchedulerKind::Maglev { table_size: 65_537 }),
        ("scheduler: { kind: rendezvous }", SchedulerKind::Rendezvous { table_size: 65_536 }),
        ("scheduler: { kind: ring }", SchedulerKind::Ring { points: 160 }),
        (
            "scheduler: { kind: ipvs-mh }",
            SchedulerKind::IpvsMh { port: false, fallback: false, table_size: 4_093 },
        ),
        (
            "scheduler: { kind: ipvs-sh, port: true }",
            SchedulerKind::IpvsSh { port: true, fallback: false, table_size: 256 },
        ),
    ] {
        assert_eq!(read(&with_service(lines)).unwrap().services[0].scheduler, scheduler, "{lines}");
    }
    let forward = |lines| read(&with_service(lines)).unwrap().services[0].forward;
    assert_eq!(forward(""), Forward::Ipip);
    assert_eq!(forward("forward: { kind: gue }"), Forward::Gue { port: 6_080 });
    assert_eq!(forward("forward: { kind: gre }"), Forward::Gre);
    let fragments = |text: &str| read(&std::format!("{{ services: [], {text} }}")).unwrap().fragments;
    let usual = FragmentLimits { max: 16_384, timeout: Duration::from_secs(30) };
    assert_eq!(fragments(""), usual);
    assert_eq!(fragments("fragments: { max: 0 }"), FragmentLimits { max: 0, ..usual });
    let shorter = FragmentLimits { timeout: Duration::from_secs(5), ..usual };
    assert_eq!(fragments("fragments: { timeout: 5s }"), shorter);
    let icmp = |text: &str| read(&std::format!("{{ services: [], {text} }}")).unwrap().icmp;
    let usual = IcmpLimits::default();
    assert_eq!(icmp(""), usual);
    let echo = RateLimits { per_second: 5, ..usual.echo };
    assert_eq!(icmp("icmp: { echo: { perSecond: 5 } }"), IcmpLimits { echo, ..usual });
    let too_big = RateLimits { client_burst: 0, ..usual.too_big };
    assert_eq!(icmp("icmp: { tooBig: { clientBurst: 0 } }"), IcmpLimits { too_big, ..usual });
    let profile = |text: &str| read(&std::format!("{{ services: [], profile: {text} }}")).unwrap().profile;
    assert_eq!(profile("null"), Profile::Own);
    assert_eq!(profile("{ kind: own }"), Profile::Own);
    let kernel =
        IpvsOptions { sloppy_tcp: false, expire_nodest_conn: false, schedule_icmp: false, pmtu_disc: true };
    assert_eq!(profile("{ kind: ipvs }"), Profile::Ipvs(kernel));
    assert_eq!(
        profile("{ kind: ipvs, sloppyTcp: true }"),
        Profile::Ipvs(IpvsOptions { sloppy_tcp: true, ..kernel })
    );
}

/// YAML and JSON have one kind of number: 1.5e3 is as whole as 1500.
#[test]
fn a_whole_number_may_be_written_as_a_float() {
    let config = read(&with_service("mtu: 1.5e3, backends: [{ address: 10.1.0.5, weight: 1e2 }]")).unwrap();
    assert_eq!((config.services[0].mtu, config.services[0].backends[0].weight), (1_500, Weight(100)));
    let text = "{ connections: { max: 1e6, unproven: 10.0 }, generation: 9007199254740992.0, services: [] }";
    let config = read(text).unwrap();
    assert_eq!((config.connections.max, config.connections.unproven), (1_000_000, 10));
    assert_eq!(config.generation, 1 << 53);
}

#[test]
fn hash_fields_that_divide_nothing_are_remarked_on() {
    let remarks = |lines: &str| read(&with_service(lines)).unwrap().remarks();
    for fields in ["", "proto", "dst, dport", "proto, dst, dport"] {
        let remarks = remarks(&std::format!("hashFields: [{fields}]"));
        let path = FieldPath::new([Step::Field("services"), Step::Index(0), Step::Field("hashFields")]);
        assert_eq!(remarks, [Remark { path, concern: Concern::OneBackendGetsAll }], "{fields}");
    }
    for lines in ["", "hashFields: [src]", "hashFields: [sport, dst]", "scheduler: { kind: ipvs-sh }"] {
        assert_eq!(remarks(lines), [], "{lines}");
    }
    let remarks = remarks("scheduler: { kind: ipvs-mh }, hashFields: [src]");
    assert_eq!(remarks[0].concern, Concern::HashFieldsUnused { kind: SchedulerName::IpvsMh });
    assert!(remarks[0].to_string().starts_with("services[0].hashFields: `ipvs-mh` hashes the source"));
}

#[test]
fn json_is_yaml() {
    let text = r#"{"hashKey":"000102030405060708090A0B0C0D0E0F","services":[{"vip":"2001:db8::a","port":53,"protocol":"udp","hashFields":["src"],"backends":[{"address":"10.1.0.5"}]}]}"#;
    let config = read(text).unwrap();
    assert_eq!(config.services[0].address.to_string(), "[2001:db8::a]:53/udp");
    assert_eq!(config.services[0].hash_fields, HashFields::SOURCE);
}

#[test]
fn service_addresses_read_back() {
    for text in ["10.1.0.5:443/tcp", "[2001:db8::5]:53/udp", "203.0.113.10:9899/sctp"] {
        assert_eq!(text.parse::<ServiceAddress>().unwrap().to_string(), text);
    }
    for (text, error) in [
        ("10.1.0.5:443", ParseServiceAddressError::MissingProtocol),
        ("10.1.0.5:443/icmp", ParseServiceAddressError::Protocol),
        ("10.1.0.5/tcp", ParseServiceAddressError::Socket),
        ("2001:db8::5:443/tcp", ParseServiceAddressError::Socket),
    ] {
        assert_eq!(text.parse::<ServiceAddress>(), Err(error), "{text}");
    }
}

proptest! {
    /// A configuration is written and read without a change, also through text.
    #[test]
    fn configurations_survive_a_file(config in crate::arbitrary::config::config()) {
        let file = LbFile::from(&config);
        let text = to_string(&file).unwrap();
        let read: LbFile = from_str(&text).unwrap();
        prop_assert_eq!(&read, &file, "{}", text);
        prop_assert_eq!(Config::try_from(read), Ok(config));
    }

    /// No text makes the reader panic.
    #[test]
    fn any_value_is_accepted_or_refused(
        name in prop::sample::select(&["mtu", "port", "backends", "scheduler", "forward", "hashFields", "vip"][..]),
        value in "[-+]?[0-9a-z.:{}\\[\\], ]{0,12}",
    ) {
        let _ = read(&with_service(&std::format!("{name}: {value}")));
    }
}
