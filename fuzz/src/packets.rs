//! Packets of a few clients, byte by byte: enough for a director to steer them.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// What a client sends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transport {
    /// TCP with these flag bits.
    Tcp(u8),
    /// UDP.
    Udp,
}

/// TCP's flag bits.
pub mod flag {
    /// No more data from the client.
    pub const FIN: u8 = 0x01;
    /// A new connection.
    pub const SYN: u8 = 0x02;
    /// The end, at once.
    pub const RST: u8 = 0x04;
    /// Something was received.
    pub const ACK: u8 = 0x10;
}

/// A packet without payload from one (address, port) to another, both of one family.
///
/// The checksums of transport headers are left out: a balancer does not look at them.
#[must_use]
pub fn packet(transport: Transport, from: (IpAddr, u16), to: (IpAddr, u16)) -> Vec<u8> {
    let (protocol, mut segment) = match transport {
        Transport::Tcp(flags) => {
            (6, [0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0x50, flags, 0xff, 0xff, 0, 0, 0, 0].to_vec())
        }
        Transport::Udp => (17, vec![0, 0, 0, 0, 0, 8, 0, 0]),
    };
    segment[..2].copy_from_slice(&from.1.to_be_bytes());
    segment[2..4].copy_from_slice(&to.1.to_be_bytes());
    let mut packet = match (from.0, to.0) {
        (IpAddr::V4(from), IpAddr::V4(to)) => ipv4(protocol, from, to, segment.len()),
        (IpAddr::V6(from), IpAddr::V6(to)) => ipv6(protocol, from, to, segment.len()),
        (IpAddr::V4(_), IpAddr::V6(_)) | (IpAddr::V6(_), IpAddr::V4(_)) => {
            panic!("source and destination are of one family")
        }
    };
    packet.extend(segment);
    packet
}

fn ipv4(protocol: u8, from: Ipv4Addr, to: Ipv4Addr, payload: usize) -> Vec<u8> {
    let length = u16::try_from(20 + payload).expect("short packets").to_be_bytes();
    let mut header = vec![0x45, 0, length[0], length[1], 0, 1, 0x40, 0, 64, protocol, 0, 0];
    header.extend(from.octets());
    header.extend(to.octets());
    let words = header.chunks(2).map(|pair| u32::from(u16::from_be_bytes([pair[0], pair[1]])));
    let sum: u32 = words.sum();
    let folded = (sum & 0xffff) + (sum >> 16);
    let checksum = !u16::try_from((folded & 0xffff) + (folded >> 16)).expect("folded twice");
    header[10..12].copy_from_slice(&checksum.to_be_bytes());
    header
}

fn ipv6(protocol: u8, from: Ipv6Addr, to: Ipv6Addr, payload: usize) -> Vec<u8> {
    let length = u16::try_from(payload).expect("short packets").to_be_bytes();
    let mut header = vec![0x60, 0, 0, 0, length[0], length[1], protocol, 64];
    header.extend(from.octets());
    header.extend(to.octets());
    header
}
