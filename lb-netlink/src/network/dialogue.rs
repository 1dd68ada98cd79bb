//! What is sent for a command and what an answer means, for both executors.
//!
//! Pure: requests, replies and the devices of the moment go in, values come out.

use netlink_packet_core::{
    NLM_F_CREATE, NLM_F_EXCL, NLM_F_REPLACE, NetlinkDeserializable, NetlinkHeader, ParseableParametrized,
};
use netlink_packet_generic::GenlMessage;
use netlink_packet_route::RouteNetlinkMessage;

use super::{Command, Problem};
use crate::error::{Errno, Error, Rejection};
use crate::generic;
use crate::link::{self, DeviceName, Link, Links};
use crate::route::{self, Route};
use crate::socket::{Replies, Reply, Request};
use crate::sysctl::{Sysctl, Value};
use crate::tunnel::{Family, fou};

/// A command as what is sent or written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Step {
    Fou(fou::Message),
    Route(Request),
    Sysctl(Sysctl, Value),
}

impl Command {
    /// What to send for the command, given the devices of the moment.
    pub(super) fn step(&self, links: &Links) -> Result<Step, Problem> {
        let index = |device: &DeviceName| {
            links.named(device).map(|link| link.index).ok_or_else(|| Problem::NoDevice(device.clone()))
        };
        let new = NLM_F_CREATE | NLM_F_EXCL;
        let route = |route: &Route| route::add_message(route, links).map_err(Problem::NoDevice);
        let (message, flags) = match self {
            Self::AddAddress(address) => (address.add_message(index(&address.device)?), new),
            Self::RemoveAddress(address) => (address.delete_message(index(&address.device)?), 0),
            Self::AddRoute(added) => (route(added)?, new),
            Self::ReplaceRoute(added) => (route(added)?, NLM_F_CREATE | NLM_F_REPLACE),
            Self::RemoveRoute(removed) => (route::delete_message(removed), 0),
            Self::AddRule(rule) => (rule.add_message(), new),
            Self::RemoveRule(rule) => (rule.delete_message(), 0),
            Self::AddTunnel(device, tunnel) => (link::add_tunnel_message(device, tunnel), new),
            Self::AddVeth(device, peer) => (link::add_veth_message(device, peer), new),
            Self::RemoveLink(device) => (link::delete_message(index(device)?), 0),
            Self::SetLink(device, settings) => (link::set_message(index(device)?, settings), 0),
            Self::OpenPort(port) => return Ok(Step::Fou(port.add_message())),
            Self::ClosePort(port) => return Ok(Step::Fou(port.delete_message())),
            Self::SetSysctl(sysctl, value) => return Ok(Step::Sysctl(sysctl.clone(), value.clone())),
        };
        Ok(Step::Route(Request::new(&message).with_flags(flags)))
    }

    /// Whether the command has nothing to do because of what the kernel answered.
    pub(super) fn is_done_by(&self, rejection: &Rejection) -> bool {
        match (self, rejection.errno) {
            (Self::AddAddress(_) | Self::AddRule(_), Errno::EEXIST) => true,
            (Self::RemoveAddress(_), errno) => errno == Errno::EADDRNOTAVAIL,
            (Self::RemoveRoute(_), errno) => errno == Errno::ESRCH,
            (Self::RemoveRule(_), errno) => errno == Errno::ENOENT,
            (Self::RemoveLink(_), errno) => errno == Errno::ENODEV,
            (Self::ClosePort(_), errno) => matches!(errno, Errno::ENOENT | Errno::EINVAL),
            _ => false,
        }
    }

    /// Whether the command has nothing to do because its device is gone.
    pub(super) fn is_done_without(&self, device: &DeviceName) -> bool {
        match self {
            Self::RemoveAddress(address) => address.device == *device,
            Self::RemoveLink(name) => name == device,
            _ => false,
        }
    }

    /// What the kernel's refusal means for this command.
    pub(super) fn problem(&self, error: Error) -> Problem {
        let Error::Rejected(rejection) = &error else { return error.into() };
        match (self, rejection.errno) {
            (_, Errno::EPERM) => Problem::NotPermitted,
            (Self::AddTunnel(_, tunnel), Errno::EOPNOTSUPP) => {
                Problem::NoKind { kind: tunnel.kind.to_string(), module: tunnel.kind.module().to_owned() }
            }
            (Self::AddTunnel(device, tunnel), Errno::EEXIST) => {
                Problem::TunnelTaken { device: device.clone(), kind: tunnel.kind.to_string() }
            }
            (Self::OpenPort(port), Errno::EADDRINUSE) => Problem::PortTaken(port.number.get()),
            (Self::AddVeth(..), Errno::EOPNOTSUPP) => {
                Problem::NoKind { kind: "veth".to_owned(), module: "veth".to_owned() }
            }
            (Self::AddAddress(address), Errno::EACCES) if address.family() == Family::V6 => {
                Problem::Ipv6Disabled { device: address.device.clone() }
            }
            _ => error.into(),
        }
    }
}

/// What became of a command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// It is done, or was already.
    Done,
    /// It was refused.
    Failed(Problem),
    /// It was refused, and is done all the same if its module made the device meanwhile.
    FailedUnlessMade(Problem),
}

impl Command {
    /// What an answer means.
    pub(super) fn outcome(&self, answer: Result<Replies, Error>) -> Outcome {
        let Err(error) = answer else { return Outcome::Done };
        if matches!(&error, Error::Rejected(rejection) if self.is_done_by(rejection)) {
            return Outcome::Done;
        }
        match (self, self.problem(error)) {
            (Self::AddTunnel(device, tunnel), problem @ Problem::TunnelTaken { .. })
                if device.as_str() == tunnel.kind.default_device() =>
            {
                Outcome::FailedUnlessMade(problem)
            }
            (_, problem) => Outcome::Failed(problem),
        }
    }

    /// Whether the device that was to be made is there: a default one appears when its module is
    /// loaded, which asking for it does.
    pub(super) fn was_made(&self, links: &Links) -> bool {
        let Self::AddTunnel(device, tunnel) = self else { return false };
        links.named(device).and_then(|link| link.kind.as_deref()) == Some(tunnel.kind.as_str())
    }

    /// The devices whose indexes the command needs.
    pub(super) fn devices(&self) -> Vec<&DeviceName> {
        match self {
            Self::AddAddress(address) | Self::RemoveAddress(address) => vec![&address.device],
            Self::AddRoute(route) | Self::ReplaceRoute(route) => {
                route.next_hops.iter().filter_map(|hop| hop.device.as_ref()).collect()
            }
            Self::RemoveLink(device) | Self::SetLink(device, _) => vec![device],
            Self::AddRule(_)
            | Self::AddTunnel(..)
            | Self::AddVeth(..)
            | Self::ClosePort(_)
            | Self::OpenPort(_)
            | Self::RemoveRoute(_)
            | Self::RemoveRule(_)
            | Self::SetSysctl(..) => Vec::new(),
        }
    }
}

/// The device in the answer to [`link::get_message`]; none if there is no such device.
pub(super) fn found(answer: Result<Replies, Error>) -> Result<Option<Link>, Error> {
    match answer {
        Ok(replies) => Ok(Links::from_messages(&route_messages(&replies)).iter().next().cloned()),
        Err(Error::Rejected(rejection)) if rejection.errno == Errno::ENODEV => Ok(None),
        Err(error) => Err(error),
    }
}

/// A message of the family `fou`, once the family's number is known.
pub(crate) fn fou_request(message: fou::Message, family: u16) -> Request {
    let mut message = GenlMessage::from_payload(message);
    message.set_resolved_family_id(family);
    Request::new(&message)
}

/// The rtnetlink messages among replies; those that cannot be read are passed over.
pub(super) fn route_messages(replies: &Replies) -> Vec<RouteNetlinkMessage> {
    let read = |reply: Reply<'_>| {
        let mut header = NetlinkHeader::default();
        header.message_type = reply.kind;
        RouteNetlinkMessage::deserialize(&header, reply.payload).ok()
    };
    replies.iter().filter_map(read).collect()
}

/// The ports in the answer to a dump.
pub(super) fn ports(replies: &Replies) -> Result<Vec<fou::Port>, Error> {
    let mut ports = Vec::new();
    for reply in replies.iter() {
        let (header, attributes) = generic::split(reply.payload)?;
        let message = fou::Message::parse_with_param(attributes, header);
        ports.extend(message.ok().as_ref().and_then(fou::Port::from_message));
    }
    Ok(ports)
}
