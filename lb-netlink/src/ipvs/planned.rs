//! What [`lb_core::ipvs`] plans, said over netlink; and what netlink lists, as plans take it.
//!
//! Both have words for everything, so this loses nothing but what only others can have set:
//! a forwarding method or a tunnel that has no name in the plans is no
//! destination of ours, and is told apart from all that could be.
//!
//! ```no_run
//! use lb_core::ipvs::{Desired, Ownership, Repair, plan};
//! use lb_netlink::ipvs::{blocking::Client, planned};
//! use lb_netlink::socket::OnFailure;
//!
//! # let (desired, ours) = (Desired::default(), Ownership::default());
//! let mut client = Client::open()?;
//! let observed = planned::observed(&client.snapshot()?);
//! let plan = plan(&observed, &desired, &ours, Repair::Now);
//! // the one command that is no message, a parameter's, splits the plan
//! for run in plan.commands.split(|command| planned::command(command).is_none()) {
//!     let messages: Vec<_> = run.iter().filter_map(planned::command).collect();
//!     client.execute_until(&messages, OnFailure::Stop)?;
//! }
//! # Ok::<(), lb_netlink::ipvs::Error>(())
//! ```

use lb_core::Endpoint;
use lb_core::config::ServiceAddress;
use lb_core::ipvs as core;

use super as netlink;

/// Everything that a client listed.
#[must_use]
pub fn observed(tables: &[netlink::ServiceTable]) -> core::Observed {
    core::Observed { services: tables.iter().map(observed_service).collect() }
}

/// A service that was listed, its destinations in the order in which they were added.
#[must_use]
pub fn observed_service(table: &netlink::ServiceTable) -> (core::ServiceKey, core::ObservedService) {
    let destinations = table.destinations.iter().map(|listed| {
        let netlink::Connections { active, inactive, persistent } = listed.connections;
        core::ObservedDestination {
            destination: destination(&listed.destination),
            connections: Some([active, inactive, persistent].map(u64::from).iter().sum()),
        }
    });
    let service = core::ObservedService::from_dump(service(&table.service.service), destinations);
    (key(&table.service.service.key), service)
}

/// A service's key.
#[must_use]
pub const fn key(key: &netlink::ServiceKey) -> core::ServiceKey {
    match *key {
        netlink::ServiceKey::Address { protocol, address, port } => {
            core::ServiceKey::Address(ServiceAddress::new(address, port, protocol))
        }
        netlink::ServiceKey::Mark { family, mark } => core::ServiceKey::Mark {
            family: match family {
                netlink::AddressFamily::V4 => core::Family::V4,
                netlink::AddressFamily::V6 => core::Family::V6,
            },
            mark,
        },
    }
}

const fn to_key(key: &core::ServiceKey) -> netlink::ServiceKey {
    match *key {
        core::ServiceKey::Address(service) => {
            netlink::ServiceKey::address(service.protocol, service.address, service.port)
        }
        core::ServiceKey::Mark { family, mark } => netlink::ServiceKey::Mark {
            family: match family {
                core::Family::V4 => netlink::AddressFamily::V4,
                core::Family::V6 => netlink::AddressFamily::V6,
            },
            mark,
        },
    }
}

/// A service's settings.
#[must_use]
pub fn service(service: &netlink::Service) -> core::KernelService {
    core::KernelService {
        scheduler: service.scheduler.clone(),
        flags: core::ServiceFlags::from_bits(service.flags.0),
        persistence_s: service.persistence_s,
        netmask: service.netmask,
        persistence_engine: service.persistence_engine.clone(),
    }
}

fn to_service(key: &core::ServiceKey, service: &core::KernelService) -> netlink::Service {
    netlink::Service {
        key: to_key(key),
        scheduler: service.scheduler.clone(),
        flags: netlink::ServiceFlags(service.flags.bits()),
        persistence_s: service.persistence_s,
        netmask: service.netmask,
        persistence_engine: service.persistence_engine.clone(),
    }
}

/// A destination's name.
#[must_use]
pub const fn endpoint(key: &netlink::DestinationKey) -> Endpoint {
    Endpoint::new(key.address, key.port)
}

const fn to_destination_key(endpoint: &Endpoint) -> netlink::DestinationKey {
    netlink::DestinationKey { address: endpoint.address, port: endpoint.port }
}

/// A destination.
#[must_use]
pub const fn destination(destination: &netlink::Destination) -> core::KernelDestination {
    core::KernelDestination {
        endpoint: endpoint(&destination.key),
        forward: forward(destination.forward),
        weight: destination.weight,
        upper_threshold: destination.upper_threshold,
        lower_threshold: destination.lower_threshold,
    }
}

const fn to_destination(destination: &core::KernelDestination) -> netlink::Destination {
    netlink::Destination {
        key: to_destination_key(&destination.endpoint),
        forward: to_forward(destination.forward),
        weight: destination.weight,
        upper_threshold: destination.upper_threshold,
        lower_threshold: destination.lower_threshold,
    }
}

const fn forward(forward: netlink::Forward) -> core::ForwardMethod {
    match forward {
        netlink::Forward::Masquerade => core::ForwardMethod::Masquerade,
        netlink::Forward::Local => core::ForwardMethod::Local,
        netlink::Forward::Tunnel(netlink::Tunnel::Ipip) => core::ForwardMethod::Tunnel(core::Tunnel::Ipip),
        netlink::Forward::Tunnel(netlink::Tunnel::Gue { port, checksum }) => {
            core::ForwardMethod::Tunnel(core::Tunnel::Gue { port, checksum: self::checksum(checksum) })
        }
        netlink::Forward::Tunnel(netlink::Tunnel::Gre { checksum }) => {
            core::ForwardMethod::Tunnel(core::Tunnel::Gre { checksum: self::checksum(checksum) })
        }
        netlink::Forward::DirectRoute => core::ForwardMethod::DirectRoute,
        // nothing that we would want: so it differs from it, and is set right where it is ours
        netlink::Forward::Tunnel(netlink::Tunnel::Other { .. })
        | netlink::Forward::Bypass
        | netlink::Forward::Other(_) => core::ForwardMethod::Bypass,
    }
}

const fn to_forward(forward: core::ForwardMethod) -> netlink::Forward {
    match forward {
        core::ForwardMethod::Masquerade => netlink::Forward::Masquerade,
        core::ForwardMethod::Local => netlink::Forward::Local,
        core::ForwardMethod::Tunnel(core::Tunnel::Ipip) => netlink::Forward::Tunnel(netlink::Tunnel::Ipip),
        core::ForwardMethod::Tunnel(core::Tunnel::Gue { port, checksum }) => {
            netlink::Forward::Tunnel(netlink::Tunnel::Gue { port, checksum: to_checksum(checksum) })
        }
        core::ForwardMethod::Tunnel(core::Tunnel::Gre { checksum }) => {
            netlink::Forward::Tunnel(netlink::Tunnel::Gre { checksum: to_checksum(checksum) })
        }
        core::ForwardMethod::DirectRoute => netlink::Forward::DirectRoute,
        core::ForwardMethod::Bypass => netlink::Forward::Bypass,
    }
}

const fn checksum(checksum: netlink::Checksum) -> core::TunnelChecksum {
    match checksum {
        netlink::Checksum::None => core::TunnelChecksum::None,
        netlink::Checksum::Full => core::TunnelChecksum::Full,
        netlink::Checksum::Remote => core::TunnelChecksum::Remote,
    }
}

const fn to_checksum(checksum: core::TunnelChecksum) -> netlink::Checksum {
    match checksum {
        core::TunnelChecksum::None => netlink::Checksum::None,
        core::TunnelChecksum::Full => netlink::Checksum::Full,
        core::TunnelChecksum::Remote => netlink::Checksum::Remote,
    }
}

/// A command as a netlink message; `None` for the one that is a parameter.
#[must_use]
pub fn command(command: &core::Command) -> Option<netlink::Command> {
    Some(match command {
        core::Command::AddService { key, service } => netlink::Command::AddService(to_service(key, service)),
        core::Command::SetService { key, service } => netlink::Command::SetService(to_service(key, service)),
        core::Command::DeleteService { key } => netlink::Command::DeleteService(to_key(key)),
        core::Command::AddDestination { key, destination } => {
            netlink::Command::AddDestination(to_key(key), to_destination(destination))
        }
        core::Command::SetDestination { key, destination } => {
            netlink::Command::SetDestination(to_key(key), to_destination(destination))
        }
        core::Command::DeleteDestination { key, endpoint } => {
            netlink::Command::DeleteDestination(to_key(key), to_destination_key(endpoint))
        }
        core::Command::SetExpireNodestConn { .. } => return None,
    })
}

#[cfg(test)]
mod tests;
