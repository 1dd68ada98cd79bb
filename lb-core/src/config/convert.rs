//! From what a person wrote to a checked configuration.
//!
//! The first fault found is reported; nothing is repaired.

use alloc::collections::BTreeMap;
use alloc::vec::Vec;
use core::net::{IpAddr, Ipv4Addr};
use core::time::Duration;

use super::hosts::{Hosts, reachable};
use super::scheduler::scheduler;
use super::units::HumanDuration;
use super::{
    BackendConfig, BackendFile, Config, ConfigError, ConnectionsFile, FieldPath, Forward, ForwardFile,
    ForwardKind, FragmentsFile, HashField, IpvsOptions, LbFile, NodeAddresses, NodeFile, Problem, Profile,
    ProfileFile, ProfileKind, ProtocolName, SchedulerKind, SchedulerName, ServiceAddress, ServiceConfig,
    ServiceFile, TimeoutsFile, file,
};
use crate::connection::{ConnectionLimits, Machine, Timeouts};
use crate::flow::{HashFields, Protocol};
use crate::fragment::{FragmentLimits, FragmentTable};
use crate::hash::HashKey;
use crate::identity::{Endpoint, Weight};

/// The least MTU an IPv6 sender can be told (RFC 8200 section 5).
const LEAST_V6: u16 = 1_280;
/// What every IPv4 host must be able to receive (RFC 791 section 3.1).
const LEAST_V4: u16 = 576;
/// The least path MTU of all services: IPv4's through the smallest tunnel.
pub(super) const LEAST_MTU: u16 = LEAST_V4 + Forward::Ipip.overhead(ANY_V4);
/// Stands for a backend where there is none yet.
const ANY_V4: IpAddr = IpAddr::V4(Ipv4Addr::UNSPECIFIED);

/// Connections where the file says none: some 50 MB of memory.
const CONNECTIONS: u32 = 1_000_000;
/// The most backends of one service: a slot names its holder in 16 bits.
const MAX_BACKENDS: usize = 65_535;
/// The most connections a table can address.
pub(super) const MAX_CONNECTIONS: u32 = 1 << 30;
/// The most datagrams that a fragment table can hold.
const MAX_FRAGMENTS: u32 = FragmentTable::MAX_LIMIT as u32;
/// The timers' resolution.
const MIN_TIMEOUT: HumanDuration = HumanDuration::from_nanos(1_000_000);
/// The timers' range, 2^30 ms, in whole days.
const MAX_TIMEOUT: HumanDuration = HumanDuration::from_nanos(12 * 86_400 * 1_000_000_000);

impl TryFrom<LbFile> for Config {
    type Error = ConfigError;

    fn try_from(file: LbFile) -> Result<Self, ConfigError> {
        let top = FieldPath::default();
        if let Some(version) = file.version.filter(|version| *version != 1) {
            return Err(top.field("version").wrong(Problem::Version { version }));
        }
        let node = file.node.map(|node| node_addresses(&node, &top.field("node"))).transpose()?;
        let profile = file.profile.map_or(Ok(Profile::Own), |file| profile(&file, &top.field("profile")))?;
        let connections =
            connections(file.connections.unwrap_or_default(), profile.machine(), &top.field("connections"))?;
        let fragments = fragments(file.fragments.unwrap_or_default(), &top.field("fragments"))?;
        let hash_key = match (file.hash_key, file.services.iter().find(|service| needs_key(service))) {
            (Some(key), _) => key,
            (None, None) => HashKey::new([0; 16]),
            (None, Some(service)) => {
                return Err(top
                    .field("hashKey")
                    .wrong(Problem::MissingHashKey { kind: service.scheduler.kind }));
            }
        };
        let hosts = Hosts::new(node.unwrap_or_default(), &file.services);
        let mut seen = BTreeMap::new();
        let mut services = Vec::with_capacity(file.services.len());
        for (position, service) in file.services.iter().enumerate() {
            let path = top.field("services").item(position);
            let service = self::service(service, &hosts, &path)?;
            if let Some(first) = seen.insert(service.address, position) {
                return Err(path
                    .field("vip")
                    .wrong(Problem::DuplicateService { service: service.address, first }));
            }
            services.push(service);
        }
        let is_for_one_node = node.is_some();
        let node = node.unwrap_or_default();
        let generation = file.generation;
        let icmp = file.icmp.unwrap_or_default().into();
        let config = Self { node, hash_key, connections, fragments, icmp, profile, generation, services };
        if is_for_one_node {
            config.check_sources()?;
        }
        Ok(config)
    }
}

fn needs_key(service: &ServiceFile) -> bool {
    match service.scheduler.kind {
        SchedulerName::Maglev | SchedulerName::Rendezvous | SchedulerName::Ring => true,
        SchedulerName::IpvsMh | SchedulerName::IpvsSh => false,
    }
}

fn node_addresses(node: &NodeFile, path: &FieldPath) -> Result<NodeAddresses, ConfigError> {
    if let Some(address) = node.address {
        reachable(address.into(), &path.field("address"))?;
    }
    if let Some(address) = node.address6 {
        reachable(address.into(), &path.field("address6"))?;
    }
    Ok(NodeAddresses { v4: node.address, v6: node.address6 })
}

fn connections(
    file: ConnectionsFile,
    machine: Machine,
    path: &FieldPath,
) -> Result<ConnectionLimits, ConfigError> {
    let max = file.max.unwrap_or(CONNECTIONS);
    if !(1..=MAX_CONNECTIONS).contains(&max) {
        return Err(path.field("max").wrong(Problem::Connections { number: max, max: MAX_CONNECTIONS }));
    }
    let mut limits = ConnectionLimits::new(max, machine);
    if let Some(unproven) = file.unproven {
        if !(1..=max).contains(&unproven) {
            return Err(path.field("unproven").wrong(Problem::Connections { number: unproven, max }));
        }
        limits.unproven = unproven;
    }
    timeouts(&file.timeouts.unwrap_or_default(), &mut limits.timeouts, &path.field("timeouts"))?;
    Ok(limits)
}

fn timeouts(from: &TimeoutsFile, into: &mut Timeouts, path: &FieldPath) -> Result<(), ConfigError> {
    for (name, from, into) in [
        ("tcpEstablished", from.tcp_established, &mut into.tcp_established),
        ("tcpSynReceived", from.tcp_syn_received, &mut into.tcp_syn_received),
        ("tcpFinWait", from.tcp_fin_wait, &mut into.tcp_fin_wait),
        ("tcpClosed", from.tcp_closed, &mut into.tcp_closed),
        ("udp", from.udp, &mut into.udp),
        ("udpStream", from.udp_stream, &mut into.udp_stream),
        ("sctpInit", from.sctp_init, &mut into.sctp_init),
        ("sctpEstablished", from.sctp_established, &mut into.sctp_established),
        ("sctpShutdown", from.sctp_shutdown, &mut into.sctp_shutdown),
        ("sctpClosed", from.sctp_closed, &mut into.sctp_closed),
        ("unknown", from.unknown, &mut into.unknown),
    ] {
        if let Some(written) = from {
            *into = timeout(written, &path.field(name))?;
        }
    }
    Ok(())
}

fn timeout(timeout: HumanDuration, path: &FieldPath) -> Result<Duration, ConfigError> {
    if (MIN_TIMEOUT..=MAX_TIMEOUT).contains(&timeout) {
        return Ok(timeout.duration());
    }
    Err(path.wrong(Problem::Timeout { timeout, min: MIN_TIMEOUT, max: MAX_TIMEOUT }))
}

fn fragments(file: FragmentsFile, path: &FieldPath) -> Result<FragmentLimits, ConfigError> {
    let usual = FragmentLimits::default();
    let number = file.max.unwrap_or(usual.max);
    if number > MAX_FRAGMENTS {
        return Err(path.field("max").wrong(Problem::Fragments { number, max: MAX_FRAGMENTS }));
    }
    let timeout = file.timeout.map(|written| timeout(written, &path.field("timeout"))).transpose()?;
    Ok(FragmentLimits { max: number, timeout: timeout.unwrap_or(usual.timeout) })
}

fn profile(file: &ProfileFile, path: &FieldPath) -> Result<Profile, ConfigError> {
    let given = [
        ("sloppyTcp", file.sloppy_tcp),
        ("expireNodestConn", file.expire_nodest_conn),
        ("scheduleIcmp", file.schedule_icmp),
        ("pmtuDisc", file.pmtu_disc),
    ];
    match file.kind {
        ProfileKind::Own => match given.iter().find(|(_, value)| value.is_some()) {
            Some((name, _)) => {
                Err(path.field(name).wrong(Problem::NotAParameter { kind: "own", right: &[] }))
            }
            None => Ok(Profile::Own),
        },
        ProfileKind::Ipvs => {
            let kernel = IpvsOptions::default();
            Ok(Profile::Ipvs(IpvsOptions {
                sloppy_tcp: file.sloppy_tcp.unwrap_or(kernel.sloppy_tcp),
                expire_nodest_conn: file.expire_nodest_conn.unwrap_or(kernel.expire_nodest_conn),
                schedule_icmp: file.schedule_icmp.unwrap_or(kernel.schedule_icmp),
                pmtu_disc: file.pmtu_disc.unwrap_or(kernel.pmtu_disc),
            }))
        }
    }
}

fn service(file: &ServiceFile, hosts: &Hosts, path: &FieldPath) -> Result<ServiceConfig, ConfigError> {
    hosts.check_vip(file.vip, &path.field("vip"))?;
    if file.port == 0 {
        return Err(path.field("port").wrong(Problem::Zero { max: u32::from(u16::MAX) }));
    }
    let address = ServiceAddress::new(file.vip, file.port, file.protocol.into());
    let hash_fields = hash_fields(&file.hash_fields, &path.field("hashFields"))?;
    let scheduler = scheduler(&file.scheduler, &file.backends, &path.field("scheduler"))?;
    let forward = forward(&file.forward, &path.field("forward"))?;
    if file.backends.len() > MAX_BACKENDS {
        let problem = Problem::TooManyBackends { backends: file.backends.len(), max: MAX_BACKENDS };
        return Err(path.field("backends").wrong(problem));
    }
    let mut seen = BTreeMap::new();
    let mut backends = Vec::with_capacity(file.backends.len());
    for (position, backend) in file.backends.iter().enumerate() {
        let path = path.field("backends").item(position);
        let backend = self::backend(backend, address, scheduler, hosts, &path)?;
        if let Some(first) = seen.insert(backend.endpoint, position) {
            let endpoint = backend.endpoint;
            return Err(path.field("address").wrong(Problem::DuplicateBackend { endpoint, first }));
        }
        backends.push(backend);
    }
    let min = least_mtu(file.vip, forward, &backends);
    if file.mtu < min {
        return Err(path.field("mtu").wrong(Problem::Mtu { mtu: file.mtu, min }));
    }
    let spread = file.forward.spread.unwrap_or(false);
    Ok(ServiceConfig { address, hash_fields, scheduler, forward, spread, mtu: file.mtu, backends })
}

/// The least path MTU that leaves the client's packets what their family must have.
fn least_mtu(vip: IpAddr, forward: Forward, backends: &[BackendConfig]) -> u16 {
    let overhead = backends.iter().map(|backend| forward.overhead(backend.endpoint.address)).max();
    let overhead = overhead.unwrap_or_else(|| forward.overhead(ANY_V4));
    match vip {
        IpAddr::V4(_) => LEAST_V4 + overhead,
        IpAddr::V6(_) => LEAST_V6 + overhead,
    }
}

fn hash_fields(names: &[HashField], path: &FieldPath) -> Result<HashFields, ConfigError> {
    let mut fields = HashFields::NONE;
    for (position, name) in names.iter().enumerate() {
        let field = HashFields::from(*name);
        if fields.contains(field) {
            return Err(path.item(position).wrong(Problem::DuplicateHashField));
        }
        fields = fields.union(field);
    }
    Ok(fields)
}

fn forward(file: &ForwardFile, path: &FieldPath) -> Result<Forward, ConfigError> {
    let not_here = |kind| path.field("port").wrong(Problem::NotAParameter { kind, right: &["spread"] });
    match (file.kind, file.port) {
        (ForwardKind::Ipip, None) => Ok(Forward::Ipip),
        (ForwardKind::Ipip, Some(_)) => Err(not_here("ipip")),
        (ForwardKind::Gre, None) => Ok(Forward::Gre),
        (ForwardKind::Gre, Some(_)) => Err(not_here("gre")),
        (ForwardKind::Gue, Some(0)) => {
            Err(path.field("port").wrong(Problem::Zero { max: u32::from(u16::MAX) }))
        }
        (ForwardKind::Gue, port) => Ok(Forward::Gue { port: port.unwrap_or(file::GUE_PORT) }),
    }
}

fn backend(
    file: &BackendFile,
    service: ServiceAddress,
    scheduler: SchedulerKind,
    hosts: &Hosts,
    path: &FieldPath,
) -> Result<BackendConfig, ConfigError> {
    hosts.check_backend(file.address, &path.field("address"))?;
    let port = file.port.unwrap_or(service.port);
    // To the kernel a port is part of a destination's name, which its schedulers hash.
    if port != service.port && !scheduler.is_ipvs() {
        return Err(path.field("port").wrong(Problem::BackendPort { port, service: service.port }));
    }
    let endpoint = Endpoint::new(file.address, port);
    Ok(BackendConfig { endpoint, weight: Weight(file.weight), state: file.state })
}

impl From<ProtocolName> for Protocol {
    fn from(name: ProtocolName) -> Self {
        match name {
            ProtocolName::Tcp => Self::TCP,
            ProtocolName::Udp => Self::UDP,
            ProtocolName::Sctp => Self::SCTP,
        }
    }
}

impl From<HashField> for HashFields {
    fn from(name: HashField) -> Self {
        match name {
            HashField::Proto => Self::PROTOCOL,
            HashField::Src => Self::SOURCE,
            HashField::Sport => Self::SOURCE_PORT,
            HashField::Dst => Self::DESTINATION,
            HashField::Dport => Self::DESTINATION_PORT,
        }
    }
}
