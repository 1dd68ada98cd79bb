//! Builds captures of every shape, byte by byte.

use super::super::Order;

impl Order {
    pub(super) fn half(self, value: u16) -> [u8; 2] {
        match self {
            Self::Big => value.to_be_bytes(),
            Self::Little => value.to_le_bytes(),
        }
    }

    pub(super) fn word(self, value: u32) -> [u8; 4] {
        match self {
            Self::Big => value.to_be_bytes(),
            Self::Little => value.to_le_bytes(),
        }
    }
}

/// A pcap's header; `magic` as it reads in the file's own order.
pub(super) fn pcap(order: Order, magic: u32, link: u32) -> Vec<u8> {
    [&order.word(magic)[..], &order.half(2), &order.half(4), &[0; 8], &order.word(65_535), &order.word(link)]
        .concat()
}

/// One packet of a pcap.
pub(super) fn record(order: Order, seconds: u32, fraction: u32, bytes: &[u8]) -> Vec<u8> {
    let length = order.word(bytes.len() as u32);
    [&order.word(seconds)[..], &order.word(fraction), &length, &length, bytes].concat()
}

/// A block of pcapng around a body, which is padded.
pub(super) fn block(order: Order, kind: u32, body: &[u8]) -> Vec<u8> {
    let padding = vec![0; body.len().next_multiple_of(4) - body.len()];
    let length = order.word((body.len() + padding.len()) as u32 + 12);
    [&order.word(kind)[..], &length, body, &padding, &length].concat()
}

/// A section header with an option that is to be read over.
pub(super) fn section(order: Order) -> Vec<u8> {
    let comment = [&order.half(1)[..], &order.half(3), b"hi!\0"].concat();
    let fixed = [&order.word(0x1a2b_3c4d)[..], &order.half(1), &order.half(0), &[0xff; 8]].concat();
    block(order, 0x0a0d_0d0a, &[fixed, comment, vec![0; 4]].concat())
}

/// An interface with options, each a code and a value.
pub(super) fn interface(order: Order, link: u16, snap_length: u32, options: &[(u16, &[u8])]) -> Vec<u8> {
    let mut body = [&order.half(link)[..], &[0, 0], &order.word(snap_length)].concat();
    for (code, value) in options {
        body.extend(order.half(*code));
        body.extend(order.half(value.len() as u16));
        body.extend(*value);
        body.resize(body.len().next_multiple_of(4), 0);
    }
    block(order, 1, &body)
}

/// An enhanced packet with a comment behind it.
pub(super) fn packet(order: Order, interface: u32, units: u64, bytes: &[u8]) -> Vec<u8> {
    let mut body = [interface, (units >> 32) as u32, units as u32, bytes.len() as u32, bytes.len() as u32]
        .map(|field| order.word(field))
        .concat();
    body.extend(bytes);
    body.resize(body.len().next_multiple_of(4), 0);
    body.extend([&order.half(1)[..], &order.half(2), b"ok\0\0"].concat());
    block(order, 6, &body)
}
