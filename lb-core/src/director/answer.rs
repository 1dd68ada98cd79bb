//! What a node answers itself, written but not yet sent.
//!
//! Each function says which ICMP message a packet gets, if any, and writes it;
//! it changes nothing, so that [`explain`](super::explain) and the packet path
//! ask the same ones. Whether the rate allows the answer is the path's business,
//! how the messages look [`icmp`]'s.

use core::net::IpAddr;

use super::Director;
use super::registry::Quotable;
use super::verdict::{DropReason, PassReason, ReplyKind, Verdict};
use crate::encapsulation::EncapsulationError;
use crate::icmp::{self, IcmpRefusal, TranslationError};
use crate::packet::{IcmpError, Packet};

/// An answer of so many bytes, or why there is none.
pub(super) type Answer = Result<(usize, ReplyKind), DropReason>;

/// To a packet that its tunnel does not take.
pub(super) fn to_undeliverable(packet: &Packet<'_>, error: &EncapsulationError, out: &mut [u8]) -> Answer {
    let vip = packet.ip.addresses.destination();
    match *error {
        EncapsulationError::TooBig { mtu } => {
            let written = icmp::packet_too_big(packet, mtu, vip, out);
            answer(written, ReplyKind::TooBig, DropReason::TooBig)
        }
        EncapsulationError::TimeToLiveExpired => {
            let written = icmp::time_exceeded(packet, vip, out);
            answer(written, ReplyKind::TimeExceeded, DropReason::TimeToLiveExpired)
        }
        EncapsulationError::Loop => Err(DropReason::Loop),
        EncapsulationError::NoSourceAddress => Err(DropReason::NoSourceAddress),
        EncapsulationError::OutTooSmall { .. } => Err(DropReason::OutTooSmall),
        EncapsulationError::TooLong => Err(DropReason::TooBig),
    }
}

/// To an echo request for a VIP.
pub(super) fn to_echo(packet: &Packet<'_>, out: &mut [u8]) -> Answer {
    answer(icmp::echo_reply(packet, out), ReplyKind::Echo, DropReason::UselessError)
}

impl Director {
    /// To a flow that has no backend: the kernel says "port unreachable" (never a reset), we say nothing.
    pub(super) fn answer_to_refused(&self, packet: &Packet<'_>, out: &mut [u8]) -> Answer {
        if !self.is_kernel() {
            return Err(DropReason::NoBackend);
        }
        let written = icmp::port_unreachable(packet, packet.ip.addresses.destination(), out);
        answer(written, ReplyKind::PortUnreachable, DropReason::NoBackend)
    }

    /// What a router's error about a tunnel packet leads to.
    pub(super) fn answer_for_router(
        &self,
        packet: &Packet<'_>,
        error: &IcmpError,
        out: &mut [u8],
    ) -> RouterAnswer {
        let Quotable { addresses, gue_ports } = &self.quotable;
        let quoted_port = error.quoted.ports.map_or(0, |(_, destination)| destination);
        // Port 0 is no tunnel's: a UDP error about anything else is not taken for one.
        let gue_port = if gue_ports.contains(&quoted_port) { quoted_port } else { 0 };
        let translated = icmp::translate_tunnel_error(packet, gue_port);
        let useless = RouterAnswer { path: None, answer: Err(Verdict::Drop(DropReason::UselessError)) };
        if let Err(TranslationError::NotTunnel) = translated {
            // About traffic of the host itself, a BGP session's for instance.
            return RouterAnswer { answer: Err(Verdict::Pass(PassReason::NoService)), ..useless };
        }
        // Only what we could have sent: towards a backend, about a VIP of ours.
        if !addresses.contains_key(&error.quoted.addresses.destination()) {
            return useless;
        }
        match translated {
            Ok(error) if self.index.is_vip(error.addresses.destination()) => {
                let written = error.emit(error.addresses.destination(), out);
                let answer = answer(written, ReplyKind::TranslatedTooBig, DropReason::UselessError);
                let path = Some((error.backend, error.path_mtu));
                RouterAnswer { path, answer: Ok((error.addresses.source(), answer)) }
            }
            Err(TranslationError::QuoteTooShort { backend, path_mtu }) => {
                RouterAnswer { path: Some((backend, path_mtu)), ..useless }
            }
            Ok(_) | Err(_) => useless,
        }
    }
}

/// What a router's error about a tunnel packet leads to.
pub(super) struct RouterAnswer {
    /// The backend, and the MTU of the path to it.
    pub(super) path: Option<(IpAddr, u16)>,
    /// What the client is told in its own terms; or the verdict, if the error is
    /// the host's or tells no client anything.
    pub(super) answer: Result<(IpAddr, Answer), Verdict>,
}

fn answer(written: Result<usize, IcmpRefusal>, kind: ReplyKind, otherwise: DropReason) -> Answer {
    match written {
        Ok(length) => Ok((length, kind)),
        Err(IcmpRefusal::OutTooSmall { .. }) => Err(DropReason::OutTooSmall),
        Err(_) => Err(otherwise),
    }
}
