//! Acknowledgements, with what the kernel has to say about a refusal.
//!
//! The one idea: an acknowledgement is an error number, zero for success, then
//! the header of the request, then (if asked for, `NETLINK_EXT_ACK`) attributes
//! with a sentence, the place of the faulty attribute, or the number of a
//! missing one. All of it is optional and none of it is trusted: what cannot be
//! read is left out, because the number alone is already the answer. Which
//! attribute lies at that place is known to the protocol's own module.
//!
//! Source: `enum nlmsgerr_attrs` in `include/uapi/linux/netlink.h`.

use netlink_packet_core::{NLM_F_ACK_TLVS, NLM_F_CAPPED, NlaBuffer, NlasIterator};

use super::frame::{Frame, HEADER_LENGTH};
use crate::error::{Errno, Malformed, Rejection};

/// A sentence, with its NUL.
const MESSAGE: u16 = 1;
/// Where in the request the faulty attribute begins.
const OFFSET: u16 = 2;
/// The number of the missing attribute.
const MISSING: u16 = 5;

/// Reads an `NLMSG_ERROR`: success, or why not.
///
/// # Errors
///
/// If there is no error number in it.
pub fn of_error(frame: &Frame<'_>) -> Result<Result<(), Rejection>, Malformed> {
    let (errno, rest) = errno(frame.payload)?;
    let Some(errno) = errno else { return Ok(Ok(())) };
    // The request is quoted whole, unless the socket asked for its header alone.
    let quoted = if frame.flags & NLM_F_CAPPED == 0 { quoted_length(rest) } else { HEADER_LENGTH };
    let attributes =
        quoted.checked_next_multiple_of(4).and_then(|start| rest.get(start..)).unwrap_or_default();
    Ok(Err(rejection(errno, frame.flags, attributes)))
}

/// Reads an `NLMSG_DONE`: a dump that is complete, or why it is not.
///
/// # Errors
///
/// If what is in it is too short for an error number; an empty one is success.
pub fn of_done(frame: &Frame<'_>) -> Result<Result<(), Rejection>, Malformed> {
    if frame.payload.is_empty() {
        return Ok(Ok(()));
    }
    let (errno, attributes) = errno(frame.payload)?;
    Ok(errno.map_or(Ok(()), |errno| Err(rejection(errno, frame.flags, attributes))))
}

fn errno(payload: &[u8]) -> Result<(Option<Errno>, &[u8]), Malformed> {
    let (number, rest) = payload.split_first_chunk().ok_or(Malformed::Acknowledgement(payload.len()))?;
    let number = i32::from_ne_bytes(*number);
    Ok(((number < 0).then(|| Errno(number.saturating_neg())), rest))
}

fn quoted_length(quoted: &[u8]) -> usize {
    quoted.first_chunk().map_or(HEADER_LENGTH, |length| u32::from_ne_bytes(*length) as usize)
}

fn rejection(errno: Errno, flags: u16, attributes: &[u8]) -> Rejection {
    let mut rejection = Rejection::new(errno);
    if flags & NLM_F_ACK_TLVS != 0 {
        // `map_while`: after an attribute that cannot be read there is nothing more to be read.
        NlasIterator::new(attributes)
            .map_while(Result::ok)
            .for_each(|attribute| note(&mut rejection, &attribute));
    }
    rejection
}

fn note(rejection: &mut Rejection, attribute: &NlaBuffer<&[u8]>) {
    let value = attribute.value();
    let word = || value.first_chunk().map(|bytes| u32::from_ne_bytes(*bytes));
    match attribute.kind() {
        MESSAGE => {
            let text = String::from_utf8_lossy(value);
            rejection.message = Some(text.trim_end_matches('\0').to_owned());
        }
        OFFSET => rejection.offset = word(),
        MISSING => rejection.missing = word().and_then(|number| u16::try_from(number).ok()),
        _ => {} // a cookie, a policy: nothing for a person
    }
}
