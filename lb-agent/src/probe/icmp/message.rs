//! Echo messages as bytes: RFC 792 and RFC 4443 4, and what quotes them.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use lb_core::checksum::Sum;

use crate::probe::failure::NoWay;

/// The family of a socket: a raw socket of IPv4 delivers the IP header too, one of IPv6 does not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Family {
    V4,
    V6,
}

/// Types of messages: unreachable, echo, echo reply.
pub(super) const V4_TYPES: (u8, u8, u8) = (3, 8, 0);
pub(super) const V6_TYPES: (u8, u8, u8) = (1, 128, 129);
/// A message's header, and the whole.
const HEADER: usize = 8;
pub(super) const SIZE: usize = 64;
/// What fills the rest, for whoever sees it in a capture.
const FILLER: &[u8; 40] = b"lb-agent health check -- lb-agent health";

/// One echo.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ping {
    pub(super) identifier: u16,
    pub(super) sequence: u16,
    pub(super) nonce: [u8; 16],
}

/// What a message says to us.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Heard<'a> {
    /// The reply, with its payload.
    Reply(&'a [u8]),
    /// There is no way to the address that was asked.
    Unreachable { asked: IpAddr, what: NoWay },
}

impl Ping {
    /// The request; the kernel adds the checksum of IPv6.
    pub(super) fn request(&self, family: Family) -> [u8; SIZE] {
        let mut message = [0; SIZE];
        message[0] = family.types().1;
        message[4..6].copy_from_slice(&self.identifier.to_be_bytes());
        message[6..8].copy_from_slice(&self.sequence.to_be_bytes());
        message[HEADER..].copy_from_slice(&self.payload());
        if family == Family::V4 {
            let checksum = Sum::of(&message).checksum();
            message[2..4].copy_from_slice(&checksum.to_be_bytes());
        }
        message
    }

    pub(super) fn payload(&self) -> [u8; SIZE - HEADER] {
        let mut payload = [0; SIZE - HEADER];
        let (nonce, filler) = payload.split_at_mut(self.nonce.len());
        nonce.copy_from_slice(&self.nonce);
        filler.copy_from_slice(FILLER);
        payload
    }
}

impl Family {
    pub(super) const fn types(self) -> (u8, u8, u8) {
        match self {
            Self::V4 => V4_TYPES,
            Self::V6 => V6_TYPES,
        }
    }
}

/// What came, and for which sequence number; `None` if it is not about an echo of ours.
pub(super) fn read(family: Family, identifier: u16, bytes: &[u8]) -> Option<(u16, Heard<'_>)> {
    let message = match family {
        Family::V4 => bytes.get(v4_header(bytes)?..)?,
        Family::V6 => bytes,
    };
    let (unreachable, echo, reply) = family.types();
    let kind = *message.first()?;
    if kind == reply {
        return Some((sequence(message, identifier)?, Heard::Reply(&message[HEADER..])));
    }
    if kind != unreachable {
        return None;
    }
    let quoted = message.get(HEADER..)?;
    let (asked, inner) = match family {
        Family::V4 => {
            let asked: [u8; 4] = quoted.get(16..20)?.try_into().ok()?;
            (IpAddr::from(Ipv4Addr::from(asked)), quoted.get(v4_header(quoted)?..)?)
        }
        Family::V6 => {
            let asked: [u8; 16] = quoted.get(24..40)?.try_into().ok()?;
            (IpAddr::from(Ipv6Addr::from(asked)), quoted.get(40..)?)
        }
    };
    if *inner.first()? != echo {
        return None;
    }
    let what = no_way(family, *message.get(1)?);
    Some((sequence(inner, identifier)?, Heard::Unreachable { asked, what }))
}

/// The sequence number of an echo or reply with our identifier.
fn sequence(message: &[u8], identifier: u16) -> Option<u16> {
    let header = message.get(..HEADER)?;
    let number = |at: usize| u16::from_be_bytes([header[at], header[at + 1]]);
    (number(4) == identifier).then(|| number(6))
}

/// What a code of "unreachable" means (RFC 792, RFC 1812 5.2.7.1, RFC 4443 3.1).
const fn no_way(family: Family, code: u8) -> NoWay {
    match (family, code) {
        (Family::V4, 0 | 6) | (Family::V6, 0) => NoWay::Network,
        (Family::V4, 9 | 10 | 13) | (Family::V6, 1 | 5 | 6) => NoWay::Forbidden,
        _ => NoWay::Host,
    }
}

/// The length of an IPv4 header.
fn v4_header(packet: &[u8]) -> Option<usize> {
    Some(usize::from(packet.first()? & 0xf) * 4)
}
