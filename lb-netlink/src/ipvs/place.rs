//! Which attribute lies where in a message: the names in the kernel's refusals.
//!
//! The one idea: an extended acknowledgement points at an attribute by its
//! distance from the start of the request. The request is here, the table of
//! attributes too, so the way down to that place can be told by name.

use netlink_packet_core::NLA_TYPE_MASK;

use super::CommandCode;
use super::attribute::{Group, Kind, split};
use crate::error::Rejection;
use crate::generic;
use crate::socket::frame;

/// Bytes before the first attribute: both headers.
const ATTRIBUTES: usize = frame::HEADER_LENGTH + generic::HEADER_LENGTH;

/// The attribute that a rejection of these bytes (generic netlink header and attributes) is about.
pub(super) fn name(code: CommandCode, payload: &[u8], rejection: &Rejection) -> Option<String> {
    let top = code.group();
    if let Some(offset) = rejection.offset {
        let within = (offset as usize).checked_sub(ATTRIBUTES)?;
        return down(top, payload.get(generic::HEADER_LENGTH..)?, within);
    }
    let missing = top.spec(rejection.missing?)?;
    Some(format!("{} (missing)", missing.name))
}

/// The way down to the attribute that begins `target` bytes into `bytes`.
fn down(group: &'static Group, bytes: &[u8], target: usize) -> Option<String> {
    let mut start = 0;
    while let Some((number, value, length)) = split(bytes.get(start..)?) {
        if (start..start + length).contains(&target) {
            let spec = group.spec(number & NLA_TYPE_MASK)?;
            let inner = match spec.kind {
                Kind::Nested(inner) => {
                    target.checked_sub(start + 4).and_then(|target| down(inner, value, target))
                }
                _ => None,
            };
            return Some(
                inner.map_or_else(|| spec.name.to_owned(), |inner| format!("{} > {inner}", spec.name)),
            );
        }
        start += length.next_multiple_of(4);
    }
    None
}

#[cfg(test)]
mod tests;
