//! Data for the cases: clients' packets, backends, a node's configuration.
//!
//! Everything is derived from small numbers, so that each run measures the same
//! work. What is measured, and beside which peers, is each bench's own.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use lb_core::checksum::Sum;
use lb_core::config::{Config, LbFile};

/// The VIP of every bench that sends packets.
pub const VIP: Ipv4Addr = Ipv4Addr::new(203, 0, 113, 10);

/// The same for IPv6.
pub const VIP_V6: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 0xa, 0, 0, 0, 0, 10);

/// TCP flags byte of a bare acknowledgement.
pub const ACK: u8 = 0x10;
/// TCP flags byte of an opening segment.
pub const SYN: u8 = 0x02;

/// The address of the n-th backend.
#[must_use]
pub fn backend_address(number: u32) -> IpAddr {
    IpAddr::V4(Ipv4Addr::from(0x0a01_0000 + number + 1))
}

/// The n-th client: an address and a port, no two alike below 2^31.
#[must_use]
pub fn client_v4(number: u32) -> (Ipv4Addr, u16) {
    // Scattered by an odd factor: neighbours in time are none in memory.
    let scattered = number.wrapping_mul(0x9e37_79b1);
    (Ipv4Addr::from(0x6000_0000 | scattered >> 4), 1_024 + (scattered & 0xf) as u16)
}

/// The n-th IPv6 client.
#[must_use]
pub fn client_v6(number: u32) -> (Ipv6Addr, u16) {
    let (v4, port) = client_v4(number);
    (Ipv6Addr::from((0x2001_0db8_u128 << 96) | u128::from(u32::from(v4))), port)
}

/// A client's TCP segment of 60 bytes to port 443 of [`VIP`].
#[must_use]
pub fn tcp_packet(client: (Ipv4Addr, u16), flags: u8) -> [u8; 60] {
    let mut packet = [0; 60];
    packet[..10].copy_from_slice(&[0x45, 0, 0, 60, 0, 1, 0x40, 0, 64, 6]);
    packet[12..16].copy_from_slice(&client.0.octets());
    packet[16..20].copy_from_slice(&VIP.octets());
    let sum = Sum::of(&packet[..20]).checksum();
    packet[10..12].copy_from_slice(&sum.to_be_bytes());
    packet[20..22].copy_from_slice(&client.1.to_be_bytes());
    packet[22..24].copy_from_slice(&443_u16.to_be_bytes());
    packet[32] = 0x50;
    packet[33] = flags;
    packet
}

/// The same of an IPv6 client, 80 bytes, to the IPv6 VIP.
#[must_use]
pub fn tcp_packet_v6(client: (Ipv6Addr, u16), flags: u8) -> [u8; 80] {
    let mut packet = [0; 80];
    packet[..8].copy_from_slice(&[0x60, 0, 0, 0, 0, 40, 6, 64]);
    packet[8..24].copy_from_slice(&client.0.octets());
    packet[24..40].copy_from_slice(&VIP_V6.octets());
    packet[40..42].copy_from_slice(&client.1.to_be_bytes());
    packet[42..44].copy_from_slice(&443_u16.to_be_bytes());
    packet[52] = 0x50;
    packet[53] = flags;
    packet
}

/// A node with one TCP service for each family and this many backends.
///
/// # Panics
///
/// Never: the configuration is written here.
#[must_use]
pub fn node(backends: u32, connections: u32) -> Config {
    let backends: Vec<_> =
        (0..backends).map(|number| format!("{{ address: {} }}", backend_address(number))).collect();
    let backends = backends.join(", ");
    let text = format!(
        "node: {{ address: 10.0.0.11 }}\nhashKey: \"000102030405060708090a0b0c0d0e0f\"\n\
         connections: {{ max: {connections} }}\nservices:\n\
         \x20 - {{ vip: {VIP}, port: 443, protocol: tcp, backends: [{backends}] }}\n\
         \x20 - {{ vip: \"{VIP_V6}\", port: 443, protocol: tcp, backends: [{backends}] }}\n",
    );
    let file: LbFile = serde_saphyr::from_str(&text).expect("the text above is an LB file");
    Config::try_from(file).expect("the file above is right")
}

/// Puts things into an order of which the caches know nothing, the same in each run.
pub fn shuffle<T>(things: &mut [T]) {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    for last in (1..things.len()).rev() {
        state = state.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(1);
        let other = (u128::from(state) * (last as u128 + 1)) >> 64;
        things.swap(last, other as usize);
    }
}
