//! Generic netlink: families that are found by their name.
//!
//! The one idea: a family has no fixed number; the kernel hands one out when
//! the family's module is loaded, and tells it to whoever asks. Numbers hold in
//! all network namespaces until the module is unloaded, but whether a family
//! answers in a namespace is up to the family. What a family's messages mean is
//! its own module's, for example [`ipvs`](crate::ipvs).
//!
//! Source: `Documentation/userspace-api/netlink/specs.rst`; `net/netlink/genetlink.c`.

use netlink_packet_core::NlasIterator;
use netlink_packet_generic::ctrl::nlas::GenlCtrlAttrs;
use netlink_packet_generic::ctrl::{GenlCtrl, GenlCtrlCmd};
use netlink_packet_generic::{GenlHeader, GenlMessage};

use crate::error::{Errno, Error, Malformed};
use crate::socket::{Replies, Request};

/// Bytes of a generic netlink header: command, version, two of padding.
pub const HEADER_LENGTH: usize = 4;

/// `CTRL_ATTR_FAMILY_ID`, a u16.
const FAMILY_ID: u16 = 1;
/// `CTRL_ATTR_VERSION`, a u32 of which one byte is used.
const VERSION: u16 = 3;

/// A family as the kernel knows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Family {
    /// Its number: the message type of its requests.
    pub id: u16,
    /// The version of its messages.
    pub version: u8,
}

/// The question for a family's number.
#[must_use]
pub fn resolve(name: &str) -> Request {
    let payload =
        GenlCtrl { cmd: GenlCtrlCmd::GetFamily, nlas: vec![GenlCtrlAttrs::FamilyName(name.to_owned())] };
    Request::new(&GenlMessage::from_payload(payload))
}

/// Reads the answer to [`resolve`]; `module` is what to load if there is no such family.
///
/// # Errors
///
/// [`Error::FamilyMissing`] if the kernel has no such family, [`Error::Malformed`] if the answer has no number in it.
pub fn resolved(name: &str, module: &str, answer: Result<Replies, Error>) -> Result<Family, Error> {
    let replies = answer.map_err(|error| match error {
        Error::Rejected(rejection) if rejection.errno == Errno::ENOENT => {
            Error::FamilyMissing { family: name.to_owned(), module: module.to_owned() }
        }
        other => other,
    })?;
    let reply = replies.iter().next().ok_or(Malformed::Lacks("a family"))?;
    let (_, attributes) = split(reply.payload)?;
    let mut family = Family { id: 0, version: 1 };
    for attribute in NlasIterator::new(attributes).map_while(Result::ok) {
        match (attribute.kind(), attribute.value()) {
            (FAMILY_ID, &[low, high]) => family.id = u16::from_ne_bytes([low, high]),
            (VERSION, value) => {
                family.version = value.first_chunk().map_or(1, |word| u32::from_ne_bytes(*word) as u8)
            }
            _ => {} // what operations and groups it has is of no interest here
        }
    }
    if family.id == 0 { Err(Malformed::Lacks("a family's number").into()) } else { Ok(family) }
}

/// A generic netlink message's header, and what follows it.
///
/// # Errors
///
/// If there is no header.
pub fn split(payload: &[u8]) -> Result<(GenlHeader, &[u8]), Malformed> {
    let (header, rest) =
        payload.split_first_chunk::<HEADER_LENGTH>().ok_or(Malformed::GenericHeader(payload.len()))?;
    Ok((GenlHeader { cmd: header[0], version: header[1] }, rest))
}
