//! Messages within a datagram, and how one is written.
//!
//! The one idea: a datagram from the kernel is a row of messages, each with a
//! header of 16 bytes in the machine's own byte order, each padded to four.
//! A reader here hands out slices and believes no length that it has not
//! compared with what is there. What messages mean is the exchange's.
//!
//! ```text
//!  0                   1                   2                   3
//! +---------------------------------------------------------------+
//! |                 length, this header included                  |
//! +-------------------------------+-------------------------------+
//! |             type              |             flags             |
//! +-------------------------------+-------------------------------+
//! |                        sequence number                        |
//! +---------------------------------------------------------------+
//! |                   port number (0: the kernel)                 |
//! +---------------------------------------------------------------+
//! ```
//!
//! Source: RFC 3549 §2.2; `include/uapi/linux/netlink.h`.

use netlink_packet_core::NLM_F_REQUEST;

use super::Request;
use crate::error::Malformed;

/// Bytes of a netlink header.
pub const HEADER_LENGTH: usize = 16;

/// One message as it lies in a datagram.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Frame<'a> {
    /// The message type.
    pub kind: u16,
    /// `NLM_F_*`.
    pub flags: u16,
    /// The number of the request that it answers.
    pub sequence: u32,
    /// What follows the header, without padding.
    pub payload: &'a [u8],
}

/// The messages of a datagram; ends after the first that cannot be read.
#[derive(Debug, Clone)]
pub struct Frames<'a> {
    rest: &'a [u8],
}

impl<'a> Frames<'a> {
    /// Reads `datagram`.
    #[must_use]
    pub const fn new(datagram: &'a [u8]) -> Self {
        Self { rest: datagram }
    }
}

impl<'a> Iterator for Frames<'a> {
    type Item = Result<Frame<'a>, Malformed>;

    fn next(&mut self) -> Option<Self::Item> {
        let bytes = std::mem::take(&mut self.rest);
        if bytes.is_empty() {
            return None;
        }
        let Some((header, _)) = bytes.split_first_chunk::<HEADER_LENGTH>() else {
            return Some(Err(Malformed::Length { claimed: HEADER_LENGTH, available: bytes.len() }));
        };
        let [l0, l1, l2, l3, k0, k1, f0, f1, s0, s1, s2, s3, ..] = *header;
        let claimed = u32::from_ne_bytes([l0, l1, l2, l3]) as usize;
        let Some(payload) = bytes.get(HEADER_LENGTH..claimed) else {
            return Some(Err(Malformed::Length { claimed, available: bytes.len() }));
        };
        self.rest = bytes.get(claimed.next_multiple_of(4)..).unwrap_or_default();
        Some(Ok(Frame {
            kind: u16::from_ne_bytes([k0, k1]),
            flags: u16::from_ne_bytes([f0, f1]),
            sequence: u32::from_ne_bytes([s0, s1, s2, s3]),
            payload,
        }))
    }
}

/// Appends a request to a datagram, with flags beside its own and `NLM_F_REQUEST`.
pub(super) fn write(request: &Request, flags: u16, sequence: u32, datagram: &mut Vec<u8>) {
    let length = HEADER_LENGTH + request.payload.len();
    let claimed = u32::try_from(length).expect("a request is far shorter than 4 GiB");
    datagram.extend(claimed.to_ne_bytes());
    datagram.extend(request.kind.to_ne_bytes());
    datagram.extend((request.flags | flags | NLM_F_REQUEST).to_ne_bytes());
    datagram.extend(sequence.to_ne_bytes());
    datagram.extend(0_u32.to_ne_bytes());
    datagram.extend_from_slice(&request.payload);
    datagram.resize(datagram.len().next_multiple_of(4), 0);
}
