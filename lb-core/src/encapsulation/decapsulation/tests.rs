//! Tunnel packets that are opened, and those that are refused.

use core::net::{Ipv4Addr, Ipv6Addr};
use std::vec;
use std::vec::Vec;

use proptest::prelude::*;

use super::super::samples::*;
use super::*;
use crate::arbitrary::packet::bytes::fix_checksum;
use crate::config::Forward;
use crate::encapsulation::{Identification, Tunnel, TunnelOptions, UdpChecksum};
use crate::hash::FlowHash;

/// A tunnel packet around `client`.
fn outer(options: TunnelOptions, client: &Client, backend: IpAddr) -> Vec<u8> {
    outer_of(options, &client.bytes(), backend)
}

fn outer_of(options: TunnelOptions, bytes: &[u8], backend: IpAddr) -> Vec<u8> {
    let inner = packet::parse(bytes).unwrap();
    let mut out = vec![0; bytes.len() + 60];
    let mut identification = Identification::starting_at(1);
    let length = Tunnel::new(options)
        .encapsulate(&inner, backend, FlowHash(7), &mut identification, &mut out)
        .unwrap();
    out.truncate(length);
    out
}

fn sample(form: usize, client: &Client) -> Vec<u8> {
    outer(options(FORWARDS[form / 2], 1500), client, BACKENDS[form % 2])
}

fn check(packet: &[u8], expected: &DecapsulationError) {
    assert_eq!(&decapsulate(packet).unwrap_err(), expected);
}

#[test]
fn what_is_cut_off_is_refused_at_every_length() {
    for form in 0..6 {
        for client in [Client::V4, Client::V6] {
            let packet = sample(form, &client);
            for length in 0..packet.len() {
                check(&packet[..length], &DecapsulationError::Outer(ParseError::Truncated));
            }
            let padded = [&packet[..], &[0; 9]].concat();
            assert_eq!(decapsulate(&padded).unwrap().inner(), decapsulate(&packet).unwrap().inner());
        }
    }
}

#[test]
fn an_inner_packet_cut_off_within_a_whole_outer_one_is_refused() {
    for client in [Client::V4, Client::V6] {
        let packet = sample(0, &client);
        for length in 20..packet.len() {
            let mut packet = packet[..length].to_vec();
            packet[2..4].copy_from_slice(&(length as u16).to_be_bytes());
            fix_checksum(&mut packet);
            let expected = match length {
                20 => DecapsulationError::Truncated,
                _ => DecapsulationError::Inner(ParseError::Truncated),
            };
            check(&packet, &expected);
        }
    }
}

#[test]
fn the_announced_version_must_be_the_inner_packets() {
    let protocol_at = [(0, 9), (1, 6), (2, 29), (3, 49)];
    for (form, at) in protocol_at {
        for (client, other) in [(Client::V4, 41), (Client::V6, 4)] {
            let options =
                TunnelOptions { udp_checksum: UdpChecksum::Never, ..options(FORWARDS[form / 2], 1500) };
            let mut packet = outer(options, &client, BACKENDS[form % 2]);
            packet[at] = other;
            if form % 2 == 0 {
                fix_checksum(&mut packet);
            }
            let lenient = Decapsulator { zero_checksum_v6: true, ..Decapsulator::default() };
            assert_eq!(lenient.decapsulate(&packet), Err(DecapsulationError::VersionMismatch));
        }
    }
    let mut gre = sample(4, &Client::V4);
    gre[22..24].copy_from_slice(&0x86dd_u16.to_be_bytes());
    check(&gre, &DecapsulationError::VersionMismatch);
}

#[test]
fn what_is_no_tunnel_is_left_alone() {
    check(&Client::V4.bytes(), &DecapsulationError::NotTunnel);
    check(&Client::V6.bytes(), &DecapsulationError::NotTunnel);
    let other_port = outer(options(Forward::Gue { port: 6081 }, 1500), &Client::V4, BACKENDS[0]);
    check(&other_port, &DecapsulationError::NotTunnel);
    let decapsulator = Decapsulator { gue_port: 6081, ..Decapsulator::default() };
    assert!(decapsulator.decapsulate(&other_port).is_ok());
}

#[test]
fn a_fragment_of_the_outer_packet_waits_for_reassembly() {
    for form in [0, 2, 4] {
        let mut packet = sample(form, &Client::V4);
        packet[6] = 0x20; // more fragments
        fix_checksum(&mut packet);
        check(&packet, &DecapsulationError::Fragmented);
    }
}

#[test]
fn gue_variants_and_options() {
    // (the GUE header, what follows is an IPv4 packet) over IPv4 without UDP checksum.
    let table: [(&[u8], Result<(), DecapsulationError>); 9] = [
        (&[0x00, 4, 0, 0], Ok(())),
        (&[], Ok(())), // variant 1: the inner packet's first bits are the header
        (&[0x20, 4, 0, 0], Err(DecapsulationError::Control)),
        (&[0x01, 4, 0, 0, 1, 2, 3, 4], Err(DecapsulationError::Unsupported)), // private data
        (&[0x00, 4, 0x80, 0], Err(DecapsulationError::Unsupported)),          // a flag
        (&[0x00, 4, 0, 1], Err(DecapsulationError::Unsupported)),
        (&[0x00, 6, 0, 0], Err(DecapsulationError::NotIp)), // TCP in GUE
        (&[0x50, 4, 0, 0], Err(DecapsulationError::Unsupported)), // variant 1, but IP version 5
        (&[0x80, 4, 0, 0], Err(DecapsulationError::Unsupported)), // variant 2
    ];
    for (header, expected) in table {
        let inner = Client::V4.bytes();
        let packet = in_udp(&[header, &inner].concat());
        let result = decapsulate(&packet);
        assert_eq!(result.map(|arrived| assert_eq!(arrived.inner(), inner)), expected, "{header:?}");
    }
    for length in 0..4 {
        let expected = Err(DecapsulationError::Truncated);
        assert_eq!(decapsulate(&in_udp(&[0, 4, 0, 0][..length])), expected, "{length} bytes of GUE");
    }
}

/// An IPv4 packet of protocol 17 to the GUE port with this payload.
fn in_udp(payload: &[u8]) -> Vec<u8> {
    let length = (payload.len() + 8) as u16;
    let udp = [&[0xc0, 1, 0x17, 0xc0][..], &length.to_be_bytes(), &[0, 0]].concat();
    in_ipv4(17, &[&udp[..], payload].concat())
}

fn in_ipv4(protocol: u8, payload: &[u8]) -> Vec<u8> {
    let mut packet = vec![0x45, 0, 0, 0, 0, 0, 0x40, 0, 64, protocol, 0, 0, 10, 0, 0, 11, 10, 1, 0, 5];
    packet.extend(payload);
    let length = packet.len() as u16;
    packet[2..4].copy_from_slice(&length.to_be_bytes());
    fix_checksum(&mut packet);
    packet
}

#[test]
fn gre_versions_and_options() {
    let inner = Client::V4.bytes();
    let with_checksum = |damage: u8| {
        let mut gre = [&[0x80, 0, 8, 0, 0, 0, 0, 0][..], &inner].concat();
        let checksum = Sum::of(&gre).checksum().to_be_bytes();
        gre[4..6].copy_from_slice(&checksum);
        gre[10] ^= damage;
        gre
    };
    let plain = |header: [u8; 4]| [&header[..], &inner].concat();
    let table = [
        (plain([0, 0, 8, 0]), Ok(())),
        (plain([0x03, 0xf8, 8, 0]), Ok(())), // bits 6 to 12 are ignored
        (plain([0x20, 0, 8, 0]), Err(DecapsulationError::Unsupported)), // a key
        (plain([0x10, 0, 8, 0]), Err(DecapsulationError::Unsupported)), // a sequence number
        (plain([0x40, 0, 8, 0]), Err(DecapsulationError::Unsupported)), // RFC 1701 routing
        (plain([0x04, 0, 8, 0]), Err(DecapsulationError::Unsupported)), // RFC 1701 recursion, bit 5
        (plain([0, 1, 8, 0]), Err(DecapsulationError::Unsupported)), // PPTP's version
        (plain([0, 0, 0x65, 0x58]), Err(DecapsulationError::NotIp)), // Ethernet
        (vec![0, 0, 8], Err(DecapsulationError::Truncated)),
        (vec![0x80, 0, 8, 0, 0], Err(DecapsulationError::Truncated)),
        (with_checksum(0), Ok(())),
        (with_checksum(1), Err(DecapsulationError::BadChecksum)),
    ];
    for (payload, expected) in table {
        let packet = in_ipv4(47, &payload);
        let result = decapsulate(&packet).map(|arrived| assert_eq!(arrived.inner(), inner));
        assert_eq!(result, expected, "{:x?}", &payload[..4.min(payload.len())]);
    }
}

#[test]
fn udp_lengths_and_checksums() {
    let good = outer(options(FORWARDS[1], 1500), &Client::V4, BACKENDS[1]);
    assert!(decapsulate(&good).is_ok());
    // Every single damaged byte of what the checksum covers is found, by it or by something stricter.
    for at in 8..good.len() {
        let mut damaged = good.clone();
        damaged[at] ^= 0x04;
        assert!(decapsulate(&damaged).is_err(), "byte {at}");
    }
    let mut none = good.clone();
    none[46..48].fill(0);
    check(&none, &DecapsulationError::MissingChecksum);
    let lenient = Decapsulator { zero_checksum_v6: true, ..Decapsulator::default() };
    assert!(lenient.decapsulate(&none).is_ok());
    let mut short = none.clone();
    short[45] -= 1;
    assert_eq!(lenient.decapsulate(&short), Err(DecapsulationError::Truncated));
}

#[test]
fn a_tunnel_encapsulation_limit_is_stepped_over() {
    // Linux' ip6tnl puts RFC 2473's destination option between the headers unless told not to.
    let plain = sample(1, &Client::V4);
    let option = [4, 0, 4, 1, 4, 1, 1, 0];
    let mut packet = [&plain[..40], &option, &plain[40..]].concat();
    packet[6] = 60;
    packet[5] += 8;
    let arrived = decapsulate(&packet).unwrap();
    assert_eq!(arrived.overhead, 48);
    assert_eq!(arrived.inner(), decapsulate(&plain).unwrap().inner());
}

#[test]
fn congestion_on_the_way_reaches_the_receiver() {
    for form in 0..6 {
        for v6 in [false, true] {
            for inner_ecn in 0..4 {
                for outer_ecn in 0..4 {
                    congest(form, v6, inner_ecn, outer_ecn);
                }
            }
        }
    }
}

/// Checks one pair of ECN fields from bytes to bytes; the table itself is tested in `ecn`.
fn congest(form: usize, v6: bool, inner_ecn: u8, outer_ecn: u8) {
    let client = Client { v6, traffic_class: 0xb8 | inner_ecn, ..Client::V4 };
    let mut packet = sample(form, &client);
    if form.is_multiple_of(2) {
        packet[1] = 0x20 | outer_ecn; // the outer DSCP is not copied inward
        fix_checksum(&mut packet);
    } else {
        packet[1] = packet[1] & 0x0f | outer_ecn << 4;
    }
    let expected = match ecn::egress(Ecn::of(inner_ecn), Ecn::of(outer_ecn)) {
        Egress::Drop => {
            check(&packet, &DecapsulationError::Congestion);
            return;
        }
        Egress::Forward(ecn) => (ecn, false),
        Egress::Alarm(ecn) => (ecn, true),
    };
    let arrived = decapsulate(&packet).unwrap();
    assert_eq!((arrived.ecn, arrived.ecn_alarm), expected);
    let mut emitted = vec![0; 200];
    let length = arrived.emit(&mut emitted).unwrap();
    // The header's checksum is right too: the parser would refuse it otherwise.
    let outgoing = Client { traffic_class: expected.0.set_in(0xb8), time_to_live: 60, ..client };
    assert_eq!(emitted[..length], outgoing.bytes());
    assert!(packet::parse(&emitted[..length]).is_ok());
}

#[test]
fn a_short_buffer_is_an_error_that_says_how_long() {
    let packet = sample(0, &Client::V4);
    let arrived = decapsulate(&packet).unwrap();
    assert_eq!(arrived.emit(&mut [0; 20]), Err(DecapsulationError::OutTooSmall { needed: 38 }));
    assert_eq!(arrived.outer.source(), IpAddr::V4(Ipv4Addr::new(10, 0, 0, 11)));
    let packet = sample(1, &Client::V4);
    let node = Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 0x11);
    assert_eq!(decapsulate(&packet).unwrap().outer.source(), IpAddr::V6(node));
}

proptest! {
    #[test]
    fn random_bytes_are_no_reason_to_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _ = decapsulate(&bytes);
    }

    #[test]
    fn damaged_packets_are_no_reason_to_panic(
        mut client in crate::arbitrary::packet::packet(), form in 0_usize..6,
        damage in proptest::collection::vec((0_usize..120, any::<u8>()), 1..4), cut in 0_usize..200,
    ) {
        client.time_to_live = client.time_to_live.max(2);
        let options = options(FORWARDS[form / 2], u16::MAX);
        let mut packet = outer_of(options, &client.emit(), BACKENDS[form % 2]);
        for (at, value) in damage {
            let at = at % packet.len();
            packet[at] = value;
        }
        if packet[0] == 0x45 { fix_checksum(&mut packet); }
        packet.truncate(cut.max(20));
        let strict = decapsulate(&packet);
        let lenient = Decapsulator { zero_checksum_v6: true, ..Decapsulator::default() };
        if let Ok(arrived) = strict.or_else(|_| lenient.decapsulate(&packet)) {
            prop_assert!(arrived.inner().len() + arrived.overhead <= packet.len());
            prop_assert!(arrived.emit(&mut [0; 2000]).is_ok());
        }
    }
}
