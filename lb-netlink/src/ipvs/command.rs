//! What can be done to IPVS: one value for each write.
//!
//! The one idea: a plan is a list of values that can be printed, compared and
//! sent, in this order: [`Client::execute`](super::Client::execute) takes many.
//!
//! A deleted destination that still has connections waits on a list of the
//! kernel's; if it is added again meanwhile, it comes back with its connections
//! and statistics.

use std::fmt;

use super::{
    CommandCode, Daemon, DaemonRole, Destination, DestinationKey, Message, Service, ServiceKey, Timeouts,
};

/// One write.
///
/// ```
/// use lb_netlink::ipvs::{Command, Destination, Forward, Protocol, Service, ServiceKey, Tunnel};
///
/// let key = ServiceKey::address(Protocol::TCP, [203, 0, 113, 10].into(), 443);
/// let destination = Destination::new([10, 2, 0, 10].into(), 443, Forward::Tunnel(Tunnel::Ipip));
/// let commands = [Command::AddService(Service::new(key, "mh")), Command::AddDestination(key, destination)];
/// assert_eq!(commands[1].to_string(), "add destination 10.2.0.10:443, weight 1, ipip to 203.0.113.10:443/tcp");
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// Adds a service.
    AddService(Service),
    /// Changes a service: all of it but its key. Another scheduler begins anew with the same destinations.
    SetService(Service),
    /// Deletes a service with its destinations.
    DeleteService(ServiceKey),
    /// Adds a destination to a service, at the head of its list.
    AddDestination(ServiceKey, Destination),
    /// Changes a destination: all of it but its key. Its place in the list stays.
    SetDestination(ServiceKey, Destination),
    /// Deletes a destination of a service.
    DeleteDestination(ServiceKey, DestinationKey),
    /// Starts a synchronisation daemon. There is at most one of each role.
    StartDaemon(Daemon),
    /// Stops a synchronisation daemon.
    StopDaemon(DaemonRole),
    /// Sets those timeouts that are not 0.
    SetTimeouts(Timeouts),
    /// Clears the statistics of a service and its destinations, or of everything.
    Zero(Option<ServiceKey>),
    /// Deletes all services, whoever made them.
    Flush,
}

impl Command {
    /// It as a message.
    #[must_use]
    pub fn to_message(&self) -> Message {
        let (code, attributes) = match self {
            Self::AddService(service) => (CommandCode::NewService, vec![service.to_attribute()]),
            Self::SetService(service) => (CommandCode::SetService, vec![service.to_attribute()]),
            Self::DeleteService(key) => (CommandCode::DelService, vec![key.to_attribute()]),
            Self::AddDestination(key, destination) => {
                (CommandCode::NewDest, vec![key.to_attribute(), destination.to_attribute()])
            }
            Self::SetDestination(key, destination) => {
                (CommandCode::SetDest, vec![key.to_attribute(), destination.to_attribute()])
            }
            Self::DeleteDestination(key, destination) => {
                (CommandCode::DelDest, vec![key.to_attribute(), destination.to_attribute()])
            }
            Self::StartDaemon(daemon) => (CommandCode::NewDaemon, vec![daemon.to_attribute()]),
            Self::StopDaemon(role) => (CommandCode::DelDaemon, vec![role.to_attribute()]),
            Self::SetTimeouts(timeouts) => (CommandCode::SetConfig, timeouts.to_attributes()),
            Self::Zero(key) => (CommandCode::Zero, key.iter().map(ServiceKey::to_attribute).collect()),
            Self::Flush => (CommandCode::Flush, vec![]),
        };
        Message::new(code, attributes)
    }
}

impl fmt::Display for Command {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AddService(service) => write!(formatter, "add service {service}"),
            Self::SetService(service) => write!(formatter, "set service {service}"),
            Self::DeleteService(key) => write!(formatter, "delete service {key}"),
            Self::AddDestination(key, destination) => {
                write!(formatter, "add destination {destination} to {key}")
            }
            Self::SetDestination(key, destination) => {
                write!(formatter, "set destination {destination} of {key}")
            }
            Self::DeleteDestination(key, destination) => {
                write!(formatter, "delete destination {destination} of {key}")
            }
            Self::StartDaemon(Daemon { role, interface, sync_id, .. }) => {
                write!(formatter, "start the {role} daemon {sync_id} on {interface}")
            }
            Self::StopDaemon(role) => write!(formatter, "stop the {role} daemon"),
            Self::SetTimeouts(Timeouts { tcp_s, tcp_fin_s, udp_s }) => {
                write!(formatter, "set timeouts to {tcp_s}, {tcp_fin_s}, {udp_s} s")
            }
            Self::Zero(None) => formatter.write_str("clear all statistics"),
            Self::Zero(Some(key)) => write!(formatter, "clear the statistics of {key}"),
            Self::Flush => formatter.write_str("delete all services"),
        }
    }
}

#[cfg(test)]
mod tests;
