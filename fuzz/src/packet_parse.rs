//! Any bytes: parsed or refused, and whatever is made of a packet is a packet.

use std::net::IpAddr;
use std::time::Duration;

use lb_core::encapsulation::decapsulate;
use lb_core::fragment::{FragmentTable, three_tuple};
use lb_core::icmp::{self, IcmpRefusal, translate_tunnel_error};
use lb_core::packet::{self, Packet};
use lb_core::{HashFields, HashKey, Time};

/// Puts `bytes` through everything that reads packets.
pub fn check(bytes: &[u8]) {
    let _ = decapsulate(bytes);
    let Ok(packet) = packet::parse(bytes) else { return };
    assert_eq!(packet.bytes().len(), packet.ip.total_length);
    assert!(packet.ip.header_length <= packet.ip.total_length);
    assert_eq!(packet.bytes(), &bytes[..packet.ip.total_length], "only padding is cut off");
    assert_eq!(packet::parse(packet.bytes()), Ok(packet), "what was parsed parses alike");

    let key = HashKey::new([7; 16]);
    if let Some(flow) = packet.flow_key() {
        assert_eq!(flow.reversed().reversed(), flow);
        let _ = key.hash_flow(&flow, HashFields::ALL);
    }
    let _ = packet.segment();
    fragments(&packet, key);
    answers(&packet);
}

/// A later fragment finds what a first one left, and nothing else does.
fn fragments(packet: &Packet<'_>, key: HashKey) {
    let mut table = FragmentTable::new(4, Duration::from_secs(30), key);
    assert_eq!(table.find(Time::ZERO, packet), None);
    table.record(Time::ZERO, packet);
    assert!(table.len() <= 1);
    assert_eq!(table.find(Time::ZERO, packet), None, "a packet is not both a first and a later part");
    let _ = three_tuple(packet);
}

/// What is answered can be read, goes back where the packet came from, and is no longer than allowed.
fn answers(packet: &Packet<'_>) {
    let vip = packet.ip.addresses.destination();
    let mut out = [0; 65_600];
    answered(packet, vip, icmp::echo_reply(packet, &mut out), &out);
    for mtu in [0, 68, 576, 1_280, 1_500, u16::MAX] {
        answered(packet, vip, icmp::packet_too_big(packet, mtu, vip, &mut out), &out);
    }
    answered(packet, vip, icmp::time_exceeded(packet, vip, &mut out), &out);
    answered(packet, vip, icmp::port_unreachable(packet, vip, &mut out), &out);
    if let Ok(error) = translate_tunnel_error(packet, 6_080) {
        let client = error.addresses.source();
        if let Ok(length) = error.emit(error.addresses.destination(), &mut out) {
            let emitted = packet::parse(&out[..length]).expect("what we emit can be parsed");
            assert_eq!(emitted.ip.addresses.destination(), client);
        }
    }
}

fn answered(packet: &Packet<'_>, vip: IpAddr, written: Result<usize, IcmpRefusal>, out: &[u8]) {
    let Ok(length) = written else { return };
    let answer = packet::parse(&out[..length]).expect("what we emit can be parsed");
    assert_eq!(answer.bytes().len(), length);
    assert_eq!(answer.ip.addresses.destination(), packet.ip.addresses.source());
    assert_eq!(answer.ip.addresses.source(), vip);
}
