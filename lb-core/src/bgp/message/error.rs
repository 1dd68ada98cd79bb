//! What is wrong with a message, and what that costs: the session, routes, or an attribute.

use alloc::vec::Vec;
use core::fmt;

use super::notification::code;
use super::{HEADER_LENGTH, MAX_LENGTH, Notification};
use crate::bgp::identity::Family;

/// What ends a session: the peer's fault, and the NOTIFICATION that says so.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MessageError {
    /// The marker is not all ones: the peer lost its place in the stream, or speaks no BGP.
    #[error("the marker is not all ones; the peer lost its place in the stream or speaks no BGP")]
    NotSynchronized,
    /// No message of this type can be so long, or so short.
    #[error("a message of {length} octets; the peer's type allows no such length")]
    Length {
        /// As the peer wrote it.
        length: u16,
    },
    /// A message type that is not known.
    #[error("message type {kind} is not known; the peer sent what we did not offer")]
    Type {
        /// As the peer wrote it.
        kind: u8,
    },
    /// Not BGP-4.
    #[error("version {version}; the peer must speak version 4")]
    Version {
        /// As the peer wrote it.
        version: u8,
    },
    /// The BGP identifier is 0.0.0.0.
    #[error("BGP identifier 0.0.0.0; the peer's router id is not set")]
    Identifier,
    /// The autonomous system is 0 (RFC 7607).
    #[error("autonomous system 0; the peer's own is not set")]
    AutonomousSystem,
    /// A hold time of one or two seconds.
    #[error("hold time {seconds}s; the peer must offer 0 or at least 3")]
    HoldTime {
        /// As the peer wrote it.
        seconds: u16,
    },
    /// An optional parameter of an OPEN that is not known.
    #[error("optional parameter {parameter} of OPEN is not known; the peer must use capabilities")]
    OptionalParameter {
        /// Its type.
        parameter: u8,
    },
    /// The optional parameters of an OPEN do not end where they should.
    #[error("the optional parameters of OPEN are cut off; the peer's encoder is wrong")]
    OpenLayout,
    /// Lengths inside an UPDATE contradict each other.
    #[error("the fields of UPDATE do not fit in it; the peer's encoder is wrong")]
    UpdateLayout,
    /// An attribute that may be there only once is there twice.
    #[error("attribute {attribute} is there twice; no telling which routes are meant")]
    Twice {
        /// Its type code.
        attribute: u8,
    },
    /// An attribute that every speaker must know, and we do not.
    #[error("attribute {attribute} is marked as well-known, and is not known")]
    WellKnown {
        /// Its type code.
        attribute: u8,
        /// The whole attribute.
        bytes: Vec<u8>,
    },
    /// Prefixes that cannot be read.
    #[error("a prefix of {family} is too long or cut off; no telling where the others are")]
    Network {
        /// Whose prefixes.
        family: Family,
    },
    /// The next hop in front of the routes has an impossible length.
    #[error("a next hop of {length} octets for {family}; no telling where the routes begin")]
    NextHopLength {
        /// Whose routes.
        family: Family,
        /// As the peer wrote it.
        length: u8,
    },
    /// An attribute is wrong, and there is no route that could be treated as withdrawn (RFC 7606 section 5.2).
    #[error("{0}, and there are no routes to withdraw instead")]
    Attribute(AttributeFault),
    /// A ROUTE-REFRESH of the wrong length (RFC 7313).
    #[error("a ROUTE-REFRESH of {} octets; it must have 23", message.len())]
    RefreshLength {
        /// The whole message.
        message: Vec<u8>,
    },
}

impl MessageError {
    /// The NOTIFICATION that tells the peer.
    #[must_use]
    pub fn notification(&self) -> Notification {
        let (code, subcode, data) = match self {
            Self::NotSynchronized => (code::HEADER, 1, Vec::new()),
            Self::Length { length } => (code::HEADER, 2, length.to_be_bytes().to_vec()),
            Self::Type { kind } => (code::HEADER, 3, Vec::from([*kind])),
            Self::Version { .. } => (code::OPEN, 1, Vec::from([0, 4])),
            Self::AutonomousSystem => (code::OPEN, 2, Vec::new()),
            Self::Identifier => (code::OPEN, 3, Vec::new()),
            Self::OptionalParameter { .. } => (code::OPEN, 4, Vec::new()),
            Self::HoldTime { .. } => (code::OPEN, 6, Vec::new()),
            Self::OpenLayout => (code::OPEN, 0, Vec::new()),
            Self::UpdateLayout | Self::Twice { .. } => (code::UPDATE, 1, Vec::new()),
            Self::WellKnown { bytes, .. } => (code::UPDATE, 2, quoted(bytes)),
            Self::Network { .. } => (code::UPDATE, 10, Vec::new()),
            Self::NextHopLength { .. } => (code::UPDATE, 9, Vec::new()),
            Self::Attribute(fault) => (code::UPDATE, fault.subcode(), Vec::new()),
            Self::RefreshLength { message } => (code::ROUTE_REFRESH, 1, quoted(message)),
        };
        Notification { code, subcode, data }
    }
}

/// As much of what the peer sent as a NOTIFICATION of the usual length can carry: a quotation of a
/// whole message is longer than that message.
fn quoted(bytes: &[u8]) -> Vec<u8> {
    bytes[..bytes.len().min(MAX_LENGTH - HEADER_LENGTH - 2)].to_vec()
}

/// What is wrong with one attribute of an UPDATE, and what it costs (RFC 7606).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AttributeFault {
    /// The attribute's type code.
    pub attribute: u8,
    /// What is wrong with it.
    pub kind: FaultKind,
    /// What it costs.
    pub reaction: Reaction,
}

/// What is wrong with an attribute.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum FaultKind {
    /// It has bits for optional or transitive that it must not have.
    Flags,
    /// It must have another length.
    Length,
    /// It goes on after the attributes have ended.
    Overrun,
    /// Its value is none.
    Value,
    /// It must be there and is not.
    Missing,
    /// It is there again; the first counts.
    Again,
    /// It must not come from another autonomous system.
    External,
}

/// What a faulty attribute costs; the third possibility, the session, is a [`MessageError`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Reaction {
    /// The attribute is ignored.
    DiscardAttribute,
    /// The routes of the UPDATE count as withdrawn.
    TreatAsWithdraw,
}

impl AttributeFault {
    /// The subcode of an UPDATE Message Error.
    const fn subcode(self) -> u8 {
        match (self.kind, self.attribute) {
            (FaultKind::Overrun | FaultKind::Again, _) => 1,
            (FaultKind::Missing, _) => 3,
            (FaultKind::Flags, _) => 4,
            (FaultKind::Length, _) => 5,
            (FaultKind::Value, 1) => 6,
            (FaultKind::Value, 2 | 17) => 11,
            (FaultKind::Value, 3) => 8,
            (FaultKind::Value | FaultKind::External, _) => 9,
        }
    }
}

impl fmt::Display for AttributeFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = match self.kind {
            FaultKind::Flags => "has the wrong flags",
            FaultKind::Length => "has a wrong length",
            FaultKind::Overrun => "is cut off",
            FaultKind::Value => "has an impossible value",
            FaultKind::Missing => "is missing",
            FaultKind::Again => "is there again",
            FaultKind::External => "must not come from outside",
        };
        write!(f, "attribute {} {what}", self.attribute)
    }
}
