//! The kernel's filter for a raw ICMP socket, as a program of classic BPF (`socket(7)`, `SO_ATTACH_FILTER`).
//!
//! Without it every ping through or to a busy node would wake the process.

use socket2::SockFilter;

use super::message::Family;

/// Instructions (`linux/bpf_common.h`).
mod op {
    /// Load a byte at X + k, a half word at X + k.
    pub(super) const LOAD_BYTE: u16 = 0x50;
    pub(super) const LOAD_HALF: u16 = 0x48;
    /// X = 4 * (low half of the byte at k): the length of an IPv4 header; X = k.
    pub(super) const X_HEADER: u16 = 0xb1;
    pub(super) const X_CONSTANT: u16 = 0x01;
    /// Jump by the first offset if equal to k, else by the second.
    pub(super) const JUMP_EQUAL: u16 = 0x15;
    pub(super) const RETURN: u16 = 0x06;
}

/// Takes "unreachable", and echo replies with this identifier.
pub(super) fn ours(family: Family, identifier: u16) -> [SockFilter; 8] {
    let (unreachable, _, reply) = family.types();
    let header = match family {
        Family::V4 => SockFilter::new(op::X_HEADER, 0, 0, 0),
        Family::V6 => SockFilter::new(op::X_CONSTANT, 0, 0, 0),
    };
    [
        header,
        SockFilter::new(op::LOAD_BYTE, 0, 0, 0),
        SockFilter::new(op::JUMP_EQUAL, 3, 0, unreachable.into()),
        SockFilter::new(op::JUMP_EQUAL, 0, 3, reply.into()),
        SockFilter::new(op::LOAD_HALF, 0, 0, 4),
        SockFilter::new(op::JUMP_EQUAL, 0, 1, identifier.into()),
        SockFilter::new(op::RETURN, 0, 0, u32::MAX),
        SockFilter::new(op::RETURN, 0, 0, 0),
    ]
}
