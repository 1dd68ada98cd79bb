//! Whose packet is it: a service's, the node's own, or the host's.
//!
//! The first step of the path: from a parsed packet to a service and a flow,
//! or to one of the few things a balancer answers itself. Nothing is changed.

use core::net::IpAddr;

use super::Director;
use super::registry::without_ports;
use super::verdict::{DropReason, PassReason};
use crate::flow::FlowKey;
use crate::fragment::three_tuple;
use crate::packet::{self, IcmpError, IcmpErrorKind, IcmpMessage, Packet, ParseError, Payload};
use crate::time::Time;

/// What a packet is to this node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Class {
    /// A packet of a service's flow.
    Flow(ServiceFlow),
    /// An echo request to a VIP.
    Echo,
    /// An error about a tunnel packet that this node sent.
    TunnelError(IcmpError),
    /// The host's.
    Pass(PassReason),
    /// Nobody's.
    Drop(DropReason),
}

/// A packet of a service's flow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct ServiceFlow {
    /// Where the service stands in the director's list.
    pub(super) place: usize,
    /// The flow, client first.
    pub(super) flow: FlowKey,
    /// How much the packet itself says about the flow.
    pub(super) kind: PacketKind,
}

/// How much a packet says about its flow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum PacketKind {
    /// It carries the transport header.
    Transport,
    /// A later fragment: it has the flow of its first one, if that is known.
    LaterFragment {
        /// Whether the first fragment was seen.
        known: bool,
    },
    /// An ICMP error that quotes an answer of the flow.
    Error,
}

/// The flow of a packet that carries ports.
#[inline(always)]
pub(super) fn transport_flow(packet: &Packet<'_>) -> Option<FlowKey> {
    let (source_port, destination_port) = packet.payload.ports()?;
    Some(FlowKey::new(packet.ip.protocol, packet.ip.addresses, source_port, destination_port))
}

/// A packet of the flow of the service in that place, if there is one and the
/// flow can have a client.
#[inline(always)]
fn of_service(place: Option<usize>, flow: FlowKey, kind: PacketKind) -> Class {
    match place {
        Some(place) if flow.addresses().has_usable_source() => Class::Flow(ServiceFlow { place, flow, kind }),
        Some(_) => Class::Drop(DropReason::UnusableSource),
        None => Class::Pass(PassReason::NoService),
    }
}

impl Director {
    /// [`classify`](Self::classify) for a packet that carries ports, as nearly
    /// all do; `None` for any other.
    #[inline(always)]
    pub(super) fn classify_transport(&self, packet: &Packet<'_>) -> Option<Class> {
        Some(self.of_flow(transport_flow(packet)?, PacketKind::Transport))
    }

    /// Says whose packet this is.
    pub(super) fn classify(&self, now: Time, packet: &Packet<'_>) -> Class {
        match &packet.payload {
            Payload::Tcp { .. } | Payload::Udp { .. } | Payload::Sctp { .. } => {
                self.classify_transport(packet).unwrap_or(Class::Pass(PassReason::NoService))
            }
            Payload::LaterFragment => self.classify_later_fragment(now, packet),
            Payload::Icmp(IcmpMessage::EchoRequest) => self.classify_echo(packet),
            Payload::Icmp(IcmpMessage::Error(error)) => self.classify_error(packet, error),
            Payload::Icmp(IcmpMessage::Other) | Payload::Other => Class::Pass(PassReason::NoService),
        }
    }

    #[inline(always)]
    fn of_flow(&self, flow: FlowKey, kind: PacketKind) -> Class {
        of_service(self.index.find(&flow), flow, kind)
    }

    /// A later fragment goes with its first one; without it, by the three-tuple
    /// rule to the VIP's service of lowest port of its protocol.
    #[cold]
    fn classify_later_fragment(&self, now: Time, packet: &Packet<'_>) -> Class {
        if let Some(flow) = self.fragments.find(now, packet) {
            return self.of_flow(flow, PacketKind::LaterFragment { known: true });
        }
        let place = self.index.find_portless(packet.ip.addresses.destination(), packet.ip.protocol);
        of_service(place, three_tuple(packet), PacketKind::LaterFragment { known: false })
    }

    #[cold]
    fn classify_echo(&self, packet: &Packet<'_>) -> Class {
        match (self.index.is_vip(packet.ip.addresses.destination()), self.is_kernel()) {
            (true, false) => Class::Echo,
            (true, true) => Class::Pass(PassReason::LocalEcho),
            (false, _) => Class::Pass(PassReason::NoService),
        }
    }

    /// An error that a VIP receives is about an answer of some backend, and the
    /// client's flow leads there; one that the node's own address receives is
    /// about a tunnel packet.
    #[cold]
    fn classify_error(&self, packet: &Packet<'_>, error: &IcmpError) -> Class {
        let destination = packet.ip.addresses.destination();
        let is_own = self.is_own_address(destination);
        if !is_own && !self.index.is_vip(destination) {
            return Class::Pass(PassReason::NoService);
        }
        if !packet.ip.addresses.has_usable_source() {
            return Class::Drop(DropReason::UnusableSource);
        }
        if destination != error.quoted.addresses.source() {
            // RFC 792: an error goes to the source of what it quotes.
            return Class::Drop(DropReason::UselessError);
        }
        if is_own {
            return Class::TunnelError(*error);
        }
        // `ip_vs_in_icmp` takes three types; ICMPv6's counterpart takes every error.
        let is_v4_problem =
            matches!(error.kind, IcmpErrorKind::ParameterProblem { .. }) && destination.is_ipv4();
        if self.is_kernel() && is_v4_problem {
            return Class::Pass(PassReason::IcmpNotScheduled);
        }
        match packet.flow_key() {
            Some(flow) => self.of_flow(flow, PacketKind::Error),
            None => {
                let quoted = &error.quoted;
                let flow = without_ports(quoted.protocol, quoted.addresses.reversed());
                of_service(self.index.find_portless(destination, quoted.protocol), flow, PacketKind::Error)
            }
        }
    }

    /// What becomes of bytes that are no packet we could steer.
    ///
    /// What is wrong with a header that only its receiver reads (a routing
    /// header, a quotation cut short) is the receiver's to judge, unless that is us.
    #[cold]
    pub(super) fn classify_faulty(&self, error: ParseError, bytes: &[u8]) -> Class {
        let is_ours = || packet::destination(bytes).is_none_or(|address| self.index.is_vip(address));
        match error {
            ParseError::BadVersion => Class::Pass(PassReason::NotIp),
            ParseError::BadQuote | ParseError::SourceRouted | ParseError::TruncatedQuote if !is_ours() => {
                Class::Pass(PassReason::NoService)
            }
            error => Class::Drop(DropReason::Malformed(error)),
        }
    }

    fn is_own_address(&self, address: IpAddr) -> bool {
        match address {
            IpAddr::V4(address) => self.config.node.v4 == Some(address),
            IpAddr::V6(address) => self.config.node.v6 == Some(address),
        }
    }
}
