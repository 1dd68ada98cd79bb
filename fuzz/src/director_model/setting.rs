//! Who takes part: settings of a director, its services and backends, and their clients.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use arbitrary::Arbitrary;
use lb_core::config::{
    BackendConfig, BackendState, Config, Forward, IpvsOptions, NodeAddresses, Profile, SchedulerKind,
    ServiceAddress, ServiceConfig,
};
use lb_core::connection::ConnectionLimits;
use lb_core::fragment::FragmentLimits;
use lb_core::icmp::IcmpLimits;
use lb_core::{Endpoint, HashFields, HashKey, Protocol, Weight};

use crate::packets::{Socket, Transport, chunk, flag};

/// Few enough that a flood of first fragments is quickly played.
pub(super) const FRAGMENTS: FragmentLimits =
    FragmentLimits { max: 1_024, timeout: std::time::Duration::from_secs(30) };

/// The services: every protocol over both families; of UDP over IPv4 two, the lower port last.
const SERVICES: [&str; 7] = [
    "203.0.113.10:443/tcp",
    "203.0.113.10:443/udp",
    "[2001:db8:f::10]:443/tcp",
    "203.0.113.10:9/sctp",
    "203.0.113.10:53/udp",
    "[2001:db8:f::10]:53/udp",
    "[2001:db8:f::10]:9/sctp",
];
/// The backends that a configuration may have; two families for every service.
const BACKENDS: [&str; 6] =
    ["10.1.0.1", "10.1.0.2", "10.1.0.3", "2001:db8:1::1", "2001:db8:1::2", "10.1.0.4"];
/// What kind of director is under test.
#[derive(Arbitrary, Clone, Copy, Debug)]
pub(super) struct Setting {
    pub(super) scheduler: u8,
    /// A table of eight flows, to see evictions.
    pub(super) is_small: bool,
    pub(super) is_kernel: bool,
}

/// One of sixteen clients, all of one host.
pub(super) fn client_of(service: ServiceAddress, client: u8) -> Socket {
    let port = 40_000 + u16::from(client % 16);
    match service.address {
        IpAddr::V4(_) => (IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1)), port),
        IpAddr::V6(_) => (IpAddr::V6(Ipv6Addr::new(0x2001, 0xdb8, 0xc, 0, 0, 0, 0, 1)), port),
    }
}

/// What a client may send by a protocol; the first opens, the second goes on.
pub(super) fn transport_of(protocol: Protocol, kind: u8) -> Transport {
    const FLAGS: [u8; 5] = [flag::SYN, flag::ACK, flag::FIN | flag::ACK, flag::RST, 0];
    const CHUNKS: [u8; 6] = [
        chunk::INIT,
        chunk::DATA,
        chunk::COOKIE_ECHO,
        chunk::SHUTDOWN,
        chunk::ABORT,
        chunk::SHUTDOWN_COMPLETE,
    ];
    match protocol {
        Protocol::TCP => Transport::Tcp(FLAGS[usize::from(kind) % FLAGS.len()]),
        Protocol::SCTP => Transport::Sctp(CHUNKS[usize::from(kind) % CHUNKS.len()]),
        _ => Transport::Udp,
    }
}

/// An address of the family that no service has.
pub(super) fn other_vip(vip: IpAddr) -> IpAddr {
    match vip {
        IpAddr::V4(_) => IpAddr::V4(Ipv4Addr::new(203, 0, 113, 99)),
        IpAddr::V6(_) => IpAddr::V6(Ipv6Addr::new(0x2001, 0xdb8, 0xf, 0, 0, 0, 0, 0x99)),
    }
}

pub(super) fn endpoint(backend: u8, port: u16) -> Endpoint {
    let address = BACKENDS[usize::from(backend) % BACKENDS.len()].parse().expect("an address");
    Endpoint::new(address, port)
}

pub(super) fn state_of(number: u16) -> BackendState {
    match number % 3 {
        0 => BackendState::Active,
        1 => BackendState::Drain,
        _ => BackendState::Down,
    }
}

/// A configuration from bits: which backends are there, and two bits of state and weight for each.
pub(super) fn config(setting: Setting, generation: u64, present: u8, states: u16, weights: u16) -> Config {
    let scheduler = match setting.scheduler % 3 {
        0 => SchedulerKind::Maglev { table_size: 251 },
        1 => SchedulerKind::Rendezvous { table_size: 256 },
        _ => SchedulerKind::Ring { points: 8 },
    };
    let profile = if setting.is_kernel { Profile::Ipvs(IpvsOptions::default()) } else { Profile::Own };
    let service = |service: &str| {
        let address: ServiceAddress = service.parse().expect("an address of a service");
        let there = (0_u8..).take(BACKENDS.len()).filter(|place| present >> place & 1 == 1);
        let backend = |place: u8| BackendConfig {
            endpoint: endpoint(place, address.port),
            weight: Weight(weights >> (2 * place) & 3),
            state: state_of(states >> (2 * place) & 3),
        };
        ServiceConfig {
            address,
            hash_fields: HashFields::ALL,
            scheduler,
            forward: Forward::Ipip,
            spread: false,
            mtu: 1_500,
            backends: there.map(backend).collect(),
        }
    };
    let node6 = Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 0x11);
    Config {
        node: NodeAddresses { v4: Some(Ipv4Addr::new(10, 0, 0, 11)), v6: Some(node6) },
        hash_key: HashKey::new([7; 16]),
        connections: ConnectionLimits::new(if setting.is_small { 8 } else { 1_000 }, profile.machine()),
        fragments: FRAGMENTS,
        icmp: IcmpLimits::default(),
        profile,
        generation,
        services: SERVICES.map(service).into(),
    }
}
