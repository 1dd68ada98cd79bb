//! BGP messages: bytes to values and back.
//!
//! ```text
//!  0                   1                   2                   3
//!  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
//! +-------------------------------+-------------------------------+
//! |                    16 octets, all ones                        |
//! +-------------------------------+---------------+---------------+
//! |            Length             |     Type      | body ...
//! +-------------------------------+---------------+
//! ```
//!
//! [`frame_length`] finds where a message ends, [`parse`] makes a value of it,
//! [`Message::emit`] bytes of a value, and `parse(emit(x))` is `x`. How some
//! fields are written depends on what both sides agreed on ([`Dialect`]). What
//! is wrong with a message ends the session ([`MessageError`]) or only costs
//! routes or an attribute ([`AttributeFault`], RFC 7606); who does what about
//! it is the [`session`](super::session)'s. RFC 4271 section 4.

mod as_path;
mod attribute;
mod capability;
mod emit;
mod error;
mod nlri;
pub(super) mod notification;
mod open;
mod reader;
mod update;

use alloc::boxed::Box;
use alloc::vec::Vec;

pub use as_path::{AsPath, AsSegment, SegmentKind};
pub use attribute::{Aggregator, Origin, PathAttributes, UnknownAttribute};
pub use capability::{Capabilities, Capability, ExtendedNextHop, Restart, RestartFamily};
pub use emit::EmitError;
pub use error::{AttributeFault, FaultKind, MessageError, Reaction};
pub use notification::{Cease, MAX_COMMUNICATION, Notification};
pub use open::Open;
pub use update::{MpReach, MpUnreach, NextHop, Update};

use reader::Reader;

/// Octets of a header.
pub const HEADER_LENGTH: usize = 19;
/// The longest message.
pub const MAX_LENGTH: usize = 4_096;
/// The longest message but OPEN and KEEPALIVE where both sides can (RFC 8654).
pub const MAX_EXTENDED_LENGTH: usize = 65_535;

/// The numbers of the message types.
mod kind {
    pub(super) const OPEN: u8 = 1;
    pub(super) const UPDATE: u8 = 2;
    pub(super) const NOTIFICATION: u8 = 3;
    pub(super) const KEEPALIVE: u8 = 4;
    pub(super) const ROUTE_REFRESH: u8 = 5;
}

/// A message.
///
/// ```
/// use lb_core::bgp::message::{self, Dialect, Message};
///
/// let bytes = Message::Keepalive.emit(Dialect::default())?;
/// assert_eq!(bytes.len(), 19);
/// let parsed = message::parse(&bytes, Dialect::default()).expect("it is whole");
/// assert_eq!(parsed.message, Message::Keepalive);
/// # Ok::<(), lb_core::bgp::message::EmitError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Message {
    /// The first of each side: who it is and what it can.
    Open(Open),
    /// Routes that come and go.
    Update(Box<Update>),
    /// The last: why the session ends.
    Notification(Notification),
    /// A sign of life.
    Keepalive,
    /// A wish to hear all routes of a family again (RFC 2918).
    RouteRefresh(RouteRefresh),
}

/// A ROUTE-REFRESH.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RouteRefresh {
    /// The address family's number.
    pub afi: u16,
    /// 0: the request; 1 and 2: begin and end of the answer (RFC 7313); others are to be ignored.
    pub subtype: u8,
    /// The subsequent address family's number.
    pub safi: u8,
}

/// How messages are written between two peers: what their OPENs agreed on.
///
/// `default()` is how an OPEN itself is written, and all else between old speakers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Dialect {
    /// AS numbers in paths have four octets (RFC 6793).
    pub four_octet_as: bool,
    /// Messages may be up to 65,535 octets (RFC 8654).
    pub extended_messages: bool,
    /// IPv4 routes may have an IPv6 next hop (RFC 8950).
    pub extended_next_hop: bool,
    /// The peer is of another autonomous system: its `LOCAL_PREF` does not count.
    pub external: bool,
}

impl Dialect {
    /// The longest UPDATE, in octets.
    #[must_use]
    pub const fn max_update_length(self) -> usize {
        self.max_length(kind::UPDATE)
    }

    /// The longest message of a type, in octets.
    const fn max_length(self, kind: u8) -> usize {
        // "all messages except the OPEN and KEEPALIVE" (RFC 8654 section 4)
        if self.extended_messages && kind != kind::OPEN && kind != kind::KEEPALIVE {
            MAX_EXTENDED_LENGTH
        } else {
            MAX_LENGTH
        }
    }
}

/// A message, and what was wrong with it that does not end the session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parsed {
    /// The message, without the attributes that were discarded.
    pub message: Message,
    /// Faults of an UPDATE's attributes, in their order.
    pub faults: Vec<AttributeFault>,
}

/// The length in octets of the message that `bytes` begin with, header included; `None` while
/// the header is not whole.
///
/// # Errors
/// The header cannot be: the stream is beyond repair.
pub fn frame_length(bytes: &[u8], dialect: Dialect) -> Result<Option<usize>, MessageError> {
    let marker = bytes.len().min(MARKER.len());
    if bytes[..marker] != MARKER[..marker] {
        return Err(MessageError::NotSynchronized);
    }
    let Some(header) = bytes.get(..HEADER_LENGTH) else { return Ok(None) };
    let (length, kind) = (u16::from_be_bytes([header[16], header[17]]), header[18]);
    let least = match kind {
        kind::OPEN => open::MIN_LENGTH,
        kind::UPDATE => update::MIN_LENGTH,
        kind::NOTIFICATION => 2,
        kind::KEEPALIVE => 0,
        kind::ROUTE_REFRESH => REFRESH_LENGTH,
        _ => return Err(MessageError::Type { kind }),
    };
    let most = if kind == kind::KEEPALIVE { HEADER_LENGTH } else { dialect.max_length(kind) };
    // A ROUTE-REFRESH that is too short has a NOTIFICATION of its own, which quotes it (RFC 7313 section 5).
    let least = HEADER_LENGTH + if kind == kind::ROUTE_REFRESH { 0 } else { least };
    if (least..=most).contains(&usize::from(length)) {
        Ok(Some(usize::from(length)))
    } else {
        Err(MessageError::Length { length })
    }
}

/// Reads one whole message.
///
/// # Errors
/// What ends the session, and with which NOTIFICATION.
pub fn parse(bytes: &[u8], dialect: Dialect) -> Result<Parsed, MessageError> {
    let length = frame_length(bytes, dialect)?;
    if length != Some(bytes.len()) {
        let length = u16::try_from(bytes.len()).unwrap_or(u16::MAX);
        return Err(MessageError::Length { length });
    }
    let body = &bytes[HEADER_LENGTH..];
    let message = match bytes[18] {
        kind::OPEN => Message::Open(open::parse(body)?),
        kind::UPDATE => return update::parse(body, dialect),
        kind::NOTIFICATION => {
            Message::Notification(Notification { code: body[0], subcode: body[1], data: body[2..].to_vec() })
        }
        kind::KEEPALIVE => Message::Keepalive,
        kind => parse_refresh(bytes).ok_or(MessageError::Type { kind })??,
    };
    Ok(Parsed { message, faults: Vec::new() })
}

/// A ROUTE-REFRESH, if it is one.
fn parse_refresh(bytes: &[u8]) -> Option<Result<Message, MessageError>> {
    let mut body = Reader::new(bytes.get(HEADER_LENGTH..)?);
    if bytes[18] != kind::ROUTE_REFRESH {
        return None;
    }
    // Outbound route filters (RFC 5291) would follow; we do not offer them.
    let refresh = body
        .u16()
        .zip(body.u8())
        .zip(body.u8())
        .filter(|_| body.is_empty())
        .map(|((afi, subtype), safi)| Message::RouteRefresh(RouteRefresh { afi, subtype, safi }));
    Some(refresh.ok_or_else(|| MessageError::RefreshLength { message: bytes.to_vec() }))
}

/// All ones.
const MARKER: [u8; 16] = [0xff; 16];
/// Octets of a ROUTE-REFRESH's body.
const REFRESH_LENGTH: usize = 4;

#[cfg(test)]
mod tests;
