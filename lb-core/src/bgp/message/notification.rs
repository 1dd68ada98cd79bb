//! NOTIFICATION: why a session ends, as a code, a subcode and a few octets.
//!
//! Codes are named where they have a name and kept where they have none, so
//! that a report of a peer's is complete. An administrative shutdown and reset
//! may carry a text for people (RFC 9003). RFC 4271 section 4.5, 6; RFC 4486,
//! RFC 6608, RFC 7313, RFC 8538, RFC 9384, RFC 9687.

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

/// A NOTIFICATION.
///
/// ```
/// use lb_core::bgp::message::{Cease, Notification};
///
/// let goodbye = Notification::cease(Cease::AdministrativeShutdown, "replacing the disk");
/// assert_eq!((goodbye.code, goodbye.subcode), (6, 2));
/// assert_eq!(goodbye.shutdown_communication(), Some("replacing the disk"));
/// assert_eq!(goodbye.to_string(), "Cease: Administrative Shutdown (\"replacing the disk\")");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notification {
    /// What kind of error.
    pub code: u8,
    /// Which one; 0 where the kind says it all.
    pub subcode: u8,
    /// What the error is about, by code and subcode.
    pub data: Vec<u8>,
}

/// Error codes.
pub(in crate::bgp) mod code {
    pub(in crate::bgp) const HEADER: u8 = 1;
    pub(in crate::bgp) const OPEN: u8 = 2;
    pub(in crate::bgp) const UPDATE: u8 = 3;
    pub(in crate::bgp) const HOLD_TIMER: u8 = 4;
    pub(in crate::bgp) const STATE_MACHINE: u8 = 5;
    pub(in crate::bgp) const CEASE: u8 = 6;
    pub(in crate::bgp) const ROUTE_REFRESH: u8 = 7;
    pub(in crate::bgp) const SEND_HOLD_TIMER: u8 = 8;
}

/// The subcodes of Cease (RFC 4486, RFC 8538, RFC 9384).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Cease {
    /// More prefixes than allowed.
    MaximumPrefixes = 1,
    /// Taken down by an operator, who may say why.
    AdministrativeShutdown = 2,
    /// The peer was removed from the configuration.
    PeerDeconfigured = 3,
    /// Taken down and up again by an operator.
    AdministrativeReset = 4,
    /// Connections of this peer are not wanted now.
    ConnectionRejected = 5,
    /// The session's configuration changed.
    ConfigurationChange = 6,
    /// The other of two connections is kept.
    CollisionResolution = 7,
    /// No memory.
    OutOfResources = 8,
    /// The session ends for good, although both can restart gracefully.
    HardReset = 9,
    /// BFD says that the peer is dead.
    BfdDown = 10,
}

/// The longest text of a shutdown communication, in bytes (RFC 9003).
pub const MAX_COMMUNICATION: usize = 255;

impl Notification {
    /// One with a code and a subcode alone.
    #[must_use]
    pub const fn new(code: u8, subcode: u8) -> Self {
        Self { code, subcode, data: Vec::new() }
    }

    /// A Cease; `text`, which may be empty, goes along where its subcode can carry one, cut to 255 bytes.
    #[must_use]
    pub fn cease(subcode: Cease, text: &str) -> Self {
        let mut notification = Self::new(code::CEASE, subcode as u8);
        if notification.may_communicate() && !text.is_empty() {
            let text = &text[..text.floor_char_boundary(MAX_COMMUNICATION)];
            notification.data.push(u8::try_from(text.len()).expect("cut to 255 bytes"));
            notification.data.extend_from_slice(text.as_bytes());
        }
        notification
    }

    /// The text that an operator of the other side left, if it is one (RFC 9003); it may hold any characters.
    #[must_use]
    pub fn shutdown_communication(&self) -> Option<&str> {
        let (length, rest) = self.data.split_first().filter(|_| self.may_communicate())?;
        let text = core::str::from_utf8(rest.get(..usize::from(*length))?).ok()?;
        (!text.is_empty()).then_some(text)
    }

    /// Whether this ends the session for good even where both can restart gracefully (RFC 8538).
    #[must_use]
    pub const fn is_hard_reset(&self) -> bool {
        self.code == code::CEASE && self.subcode == Cease::HardReset as u8
    }

    /// What a hard reset says that it is about (RFC 8538).
    #[must_use]
    pub fn inside_hard_reset(&self) -> Option<Self> {
        match &self.data[..] {
            [code, subcode, data @ ..] if self.is_hard_reset() => {
                Some(Self { code: *code, subcode: *subcode, data: data.to_vec() })
            }
            _ => None,
        }
    }

    const fn may_communicate(&self) -> bool {
        self.code == code::CEASE
            && (self.subcode == Cease::AdministrativeShutdown as u8
                || self.subcode == Cease::AdministrativeReset as u8)
    }

    /// The kind of error in words.
    #[must_use]
    pub const fn code_name(&self) -> &'static str {
        match self.code {
            code::HEADER => "Message Header Error",
            code::OPEN => "OPEN Message Error",
            code::UPDATE => "UPDATE Message Error",
            code::HOLD_TIMER => "Hold Timer Expired",
            code::STATE_MACHINE => "Finite State Machine Error",
            code::CEASE => "Cease",
            code::ROUTE_REFRESH => "ROUTE-REFRESH Message Error",
            code::SEND_HOLD_TIMER => "Send Hold Timer Expired",
            _ => "unknown code",
        }
    }

    /// The error itself in words, if it has a name.
    #[must_use]
    pub fn subcode_name(&self) -> Option<&'static str> {
        let names: &[&str] = match self.code {
            code::HEADER => &["Connection Not Synchronized", "Bad Message Length", "Bad Message Type"],
            code::OPEN => &[
                "Unsupported Version Number",
                "Bad Peer AS",
                "Bad BGP Identifier",
                "Unsupported Optional Parameter",
                "Authentication Failure",
                "Unacceptable Hold Time",
                "Unsupported Capability",
            ],
            code::UPDATE => &[
                "Malformed Attribute List",
                "Unrecognized Well-known Attribute",
                "Missing Well-known Attribute",
                "Attribute Flags Error",
                "Attribute Length Error",
                "Invalid ORIGIN Attribute",
                "AS Routing Loop",
                "Invalid NEXT_HOP Attribute",
                "Optional Attribute Error",
                "Invalid Network Field",
                "Malformed AS_PATH",
            ],
            code::STATE_MACHINE => &[
                "Unexpected Message in OpenSent",
                "Unexpected Message in OpenConfirm",
                "Unexpected Message in Established",
            ],
            code::CEASE => &[
                "Maximum Number of Prefixes Reached",
                "Administrative Shutdown",
                "Peer De-configured",
                "Administrative Reset",
                "Connection Rejected",
                "Other Configuration Change",
                "Connection Collision Resolution",
                "Out of Resources",
                "Hard Reset",
                "BFD Down",
            ],
            code::ROUTE_REFRESH => &["Invalid Message Length"],
            _ => &[],
        };
        names.get(usize::from(self.subcode).checked_sub(1)?).copied()
    }
}

impl fmt::Display for Notification {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code_name())?;
        match self.subcode_name() {
            Some(name) => write!(f, ": {name}")?,
            None if self.code_name() == "unknown code" => write!(f, " {}/{}", self.code, self.subcode)?,
            None if self.subcode == 0 => {}
            None => write!(f, "/{}", self.subcode)?,
        }
        // Strangers choose the text: nothing of it may act on a terminal.
        if let Some(text) = self.shutdown_communication() {
            write!(f, " (\"{}\")", text.escape_debug().collect::<String>())?;
        }
        // one level alone, for a stranger may have put many into each other
        match self.inside_hard_reset().filter(|inside| !inside.is_hard_reset()) {
            Some(inside) => write!(f, " ({inside})"),
            None => Ok(()),
        }
    }
}
