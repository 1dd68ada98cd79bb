//! One client and one VIP for the tables of packets; the bytes are [`arbitrary`](crate::arbitrary)'s.

use core::net::{Ipv4Addr, Ipv6Addr};
use std::vec::Vec;

pub(crate) use crate::arbitrary::packet::bytes::*;

pub(crate) const CLIENT: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 1);
pub(crate) const VIP: Ipv4Addr = Ipv4Addr::new(203, 0, 113, 10);
pub(crate) const CLIENT_V6: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 1, 0, 0, 0, 0, 1);
pub(crate) const VIP_V6: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 2, 0, 0, 0, 0, 0x10);

impl Default for V4 {
    fn default() -> Self {
        Self {
            source: CLIENT,
            destination: VIP,
            traffic_class: 0,
            time_to_live: 64,
            protocol: 17,
            identification: 1,
            flags: 0x4000,
            options: Vec::new(),
        }
    }
}

/// An IPv4 header without options and what follows it; see [`V4`] for more.
pub(crate) fn v4(protocol: u8, payload: &[u8]) -> Vec<u8> {
    V4 { protocol, ..V4::default() }.build(payload)
}

/// An IPv6 header and what follows it, from [`CLIENT_V6`] to [`VIP_V6`].
pub(crate) fn v6(next_header: u8, payload: &[u8]) -> Vec<u8> {
    v6_between(CLIENT_V6, VIP_V6, next_header, payload)
}

pub(crate) fn v6_between(
    source: Ipv6Addr,
    destination: Ipv6Addr,
    next_header: u8,
    payload: &[u8],
) -> Vec<u8> {
    V6 { source, destination, traffic_class: 0, flow_label: 0, hop_limit: 64, next_header }.build(payload)
}
