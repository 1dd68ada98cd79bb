//! The decisions' words for IPVS and netlink's, each from the other.
//!
//! Both are complete, so this loses nothing but what only others can have set:
//! a forwarding method or a tunnel that has no name in the decisions is no
//! destination of ours, and is told apart from all that could be.

use lb_core::Endpoint;
use lb_core::config::ServiceAddress;
use lb_core::ipvs as core;
use lb_netlink::ipvs as netlink;

/// A service's key.
pub(super) const fn key(key: &netlink::ServiceKey) -> core::ServiceKey {
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
pub(super) fn service(service: &netlink::Service) -> core::KernelService {
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
pub(super) const fn endpoint(key: &netlink::DestinationKey) -> Endpoint {
    Endpoint::new(key.address, key.port)
}

const fn to_destination_key(endpoint: &Endpoint) -> netlink::DestinationKey {
    netlink::DestinationKey { address: endpoint.address, port: endpoint.port }
}

/// A destination.
pub(super) const fn destination(destination: &netlink::Destination) -> core::KernelDestination {
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
pub(super) fn command(command: &core::Command) -> Option<netlink::Command> {
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
mod tests {
    //! Tests of the words: what is written, listed and read is what was decided.

    use lb_core::config::Forward;
    use lb_core::ipvs::{KernelDestination, Standing};

    use super::*;

    #[test]
    fn a_destination_comes_back_as_it_was_sent() {
        for address in ["10.1.0.5", "2001:db8::5"] {
            let endpoint = Endpoint::new(address.parse().unwrap(), 443);
            for forward in [Forward::Ipip, Forward::Gue { port: 6080 }, Forward::Gre] {
                for standing in [Standing::Idle, Standing::Parked, Standing::Serving] {
                    let method = core::ForwardMethod::tunnel(forward, &endpoint);
                    let sent = KernelDestination::new(endpoint, method, standing);
                    assert_eq!(destination(&to_destination(&sent)), sent);
                }
            }
        }
    }

    #[test]
    fn a_service_comes_back_as_it_was_sent() {
        let flags = core::ServiceFlags::SCHEDULER_1.union(core::ServiceFlags::SCHEDULER_2);
        for address in ["203.0.113.10:443/tcp", "[2001:db8::10]:53/udp"] {
            let sent = core::ServiceKey::Address(address.parse().unwrap());
            let settings = core::KernelService::new("mh", flags, sent.family());
            let written = to_service(&sent, &settings);
            assert_eq!((key(&written.key), service(&written)), (sent, settings));
        }
    }
}
