//! From a configuration back to a file, every default written out.

use super::{
    BackendConfig, BackendFile, Config, ConnectionsFile, Forward, ForwardFile, ForwardKind, FragmentsFile,
    IpvsOptions, LbFile, NodeAddresses, NodeFile, Profile, ProfileFile, ProfileKind, ProtocolName,
    SchedulerFile, SchedulerKind, SchedulerName, ServiceConfig, ServiceFile, TimeoutsFile, file,
};
use crate::connection::ConnectionLimits;
use crate::flow::Protocol;

impl From<&Config> for LbFile {
    /// Writes every value out, defaults too, so that the file says all.
    fn from(config: &Config) -> Self {
        let node = NodeFile { address: config.node.v4, address6: config.node.v6 };
        Self {
            version: Some(1),
            node: (config.node != NodeAddresses::default()).then_some(node),
            hash_key: Some(config.hash_key),
            connections: Some(connections_file(&config.connections)),
            fragments: Some(FragmentsFile {
                max: Some(config.fragments.max),
                timeout: Some(config.fragments.timeout.into()),
            }),
            icmp: Some(config.icmp.into()),
            profile: Some(profile_file(config.profile)),
            generation: config.generation,
            services: config.services.iter().map(service_file).collect(),
            ..Self::default()
        }
    }
}

fn connections_file(limits: &ConnectionLimits) -> ConnectionsFile {
    let from = limits.timeouts;
    let timeouts = TimeoutsFile {
        tcp_established: Some(from.tcp_established.into()),
        tcp_syn_received: Some(from.tcp_syn_received.into()),
        tcp_fin_wait: Some(from.tcp_fin_wait.into()),
        tcp_closed: Some(from.tcp_closed.into()),
        udp: Some(from.udp.into()),
        udp_stream: Some(from.udp_stream.into()),
        sctp_init: Some(from.sctp_init.into()),
        sctp_established: Some(from.sctp_established.into()),
        sctp_shutdown: Some(from.sctp_shutdown.into()),
        sctp_closed: Some(from.sctp_closed.into()),
        unknown: Some(from.unknown.into()),
    };
    ConnectionsFile { max: Some(limits.max), unproven: Some(limits.unproven), timeouts: Some(timeouts) }
}

fn profile_file(profile: Profile) -> ProfileFile {
    let own = ProfileFile {
        kind: ProfileKind::Own,
        sloppy_tcp: None,
        expire_nodest_conn: None,
        schedule_icmp: None,
        pmtu_disc: None,
    };
    match profile {
        Profile::Own => own,
        Profile::Ipvs(IpvsOptions { sloppy_tcp, expire_nodest_conn, schedule_icmp, pmtu_disc }) => {
            ProfileFile {
                kind: ProfileKind::Ipvs,
                sloppy_tcp: Some(sloppy_tcp),
                expire_nodest_conn: Some(expire_nodest_conn),
                schedule_icmp: Some(schedule_icmp),
                pmtu_disc: Some(pmtu_disc),
            }
        }
    }
}

fn service_file(service: &ServiceConfig) -> ServiceFile {
    let backend = |backend: &BackendConfig| BackendFile {
        address: backend.endpoint.address,
        // under a tunnel it is the service's, but for the kernel's schedulers it can be a name
        port: Some(backend.endpoint.port).filter(|port| *port != service.address.port),
        weight: backend.weight.0,
        state: backend.state,
    };
    let (kind, port) = match service.forward {
        Forward::Ipip => (ForwardKind::Ipip, None),
        Forward::Gue { port } => (ForwardKind::Gue, Some(port)),
        Forward::Gre => (ForwardKind::Gre, None),
    };
    ServiceFile {
        vip: service.address.address,
        port: service.address.port,
        protocol: match service.address.protocol {
            Protocol::UDP => ProtocolName::Udp,
            Protocol::SCTP => ProtocolName::Sctp,
            _ => ProtocolName::Tcp,
        },
        hash_fields: file::all_hash_fields()
            .into_iter()
            .filter(|name| service.hash_fields.contains((*name).into()))
            .collect(),
        scheduler: service.scheduler.into(),
        forward: ForwardFile { kind, port, spread: Some(service.spread) },
        mtu: service.mtu,
        health: None, // a configuration of services knows nothing of checks
        backends: service.backends.iter().map(backend).collect(),
    }
}

impl From<SchedulerKind> for SchedulerFile {
    fn from(kind: SchedulerKind) -> Self {
        let file = |kind| Self { kind, ..Self::default() };
        match kind {
            SchedulerKind::Maglev { table_size } => {
                Self { table_size: Some(table_size), ..file(SchedulerName::Maglev) }
            }
            SchedulerKind::Rendezvous { table_size } => {
                Self { table_size: Some(table_size), ..file(SchedulerName::Rendezvous) }
            }
            SchedulerKind::Ring { points } => Self { points: Some(points), ..file(SchedulerName::Ring) },
            SchedulerKind::IpvsMh { port, fallback, table_size } => Self {
                port: Some(port),
                fallback: Some(fallback),
                table_size: Some(table_size),
                ..file(SchedulerName::IpvsMh)
            },
            SchedulerKind::IpvsSh { port, fallback, table_size } => Self {
                port: Some(port),
                fallback: Some(fallback),
                table_size: Some(table_size),
                ..file(SchedulerName::IpvsSh)
            },
        }
    }
}
