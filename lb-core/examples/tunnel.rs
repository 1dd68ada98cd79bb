//! A tunnel alone, for a forwarder that has its own idea of which backend gets a packet.
//!
//! ```text
//! client 192.0.2.1 -> VIP 203.0.113.10    node 10.0.0.11 ==GUE==> backend 2001:db8::5
//! ```
//!
//! A packet that fits goes out encapsulated and comes out at the backend; one
//! that does not is answered with "fragmentation needed", as often as the rate
//! limit allows. Run it with `cargo run -p lb-core --example tunnel`.

use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use lb_core::checksum::Sum;
use lb_core::config::Forward;
use lb_core::encapsulation::{EncapsulationError, Identification, Tunnel, TunnelOptions, decapsulate};
use lb_core::icmp::{RateLimiter, RateLimits, packet_too_big};
use lb_core::{HashFields, HashKey, Time, packet};

fn main() {
    let node = Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 0x11);
    let backend = IpAddr::V6(Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 5));
    let tunnel = Tunnel::new(TunnelOptions::new(Forward::Gue { port: 6080 }, None, Some(node), 1500));
    let key = HashKey::new([7; 16]);
    let mut limiter = RateLimiter::new(RateLimits::default(), key);
    let mut identification = Identification::starting_at(1);
    let mut out = [0; 2048];

    for length in [100, 1448, 1449] {
        let bytes = client_packet(length);
        let packet = packet::parse(&bytes).expect("the packet is well formed");
        let flow = packet.flow_key().expect("a whole UDP packet has ports");
        let hash = key.hash_flow(&flow, HashFields::ALL);
        match tunnel.encapsulate(&packet, backend, hash, &mut identification, &mut out) {
            Ok(sent) => {
                let arrived = decapsulate(&out[..sent]).expect("what we send can be opened");
                println!("{flow}: {length} bytes sent as {sent}, {} arrived", arrived.inner().len());
                assert_eq!(arrived.inner().len(), usize::from(length));
                assert_eq!(sent, usize::from(length) + tunnel.overhead(backend));
            }
            Err(EncapsulationError::TooBig { mtu }) => {
                let (client, vip) = (flow.source(), flow.destination());
                assert_eq!(mtu, 1448, "1,500 less IPv6, UDP and GUE");
                if limiter.allow(Time::ZERO, client) {
                    let length =
                        packet_too_big(&packet, mtu, vip, &mut out).expect("a client may be answered");
                    println!("{flow}: too big, {client} told {mtu} in {length} bytes");
                }
            }
            Err(error) => panic!("{flow}: {error}"),
        }
    }
}

/// A UDP packet of `length` bytes with DF, 192.0.2.1:40000 to 203.0.113.10:443.
fn client_packet(length: u16) -> Vec<u8> {
    let [high, low] = length.to_be_bytes();
    let source = Ipv4Addr::new(192, 0, 2, 1).octets();
    let destination = Ipv4Addr::new(203, 0, 113, 10).octets();
    let header = [0x45, 0, high, low, 0, 0, 0x40, 0, 61, 17, 0, 0];
    let mut packet = [&header[..], &source, &destination].concat();
    let checksum = Sum::of(&packet).checksum();
    packet[10..12].copy_from_slice(&checksum.to_be_bytes());
    packet.extend([0x9c, 0x40, 0x01, 0xbb]);
    packet.extend((length - 20).to_be_bytes());
    packet.resize(usize::from(length), 0);
    packet
}
