//! Hostile packets: random bytes, and good packets with something broken.
//!
//! Whatever the bytes, [`check`] holds what callers rely on, and that the short
//! way for plain packets is only a short way.

use std::vec::Vec;

use proptest::prelude::*;

use super::build::{self, V4, chain, fix_checksum, icmp, sctp, tcp, udp};
use crate::packet::{Fragment, IcmpMessage, Packet, ParseError, Payload, ipv4, ipv6, parse};

/// Parses, checks what every answer must satisfy, hands the answer back.
fn check(bytes: &[u8]) -> Result<Packet<'_>, ParseError> {
    let parsed = parse(bytes);
    match bytes.first().map(|first| first >> 4) {
        Some(4) => assert_eq!(parsed, ipv4::parse_any(bytes), "the short way differs"),
        Some(6) => assert_eq!(parsed, ipv6::parse_any(bytes), "the short way differs"),
        Some(_) => assert_eq!(parsed, Err(ParseError::BadVersion)),
        None => assert_eq!(parsed, Err(ParseError::Truncated)),
    }
    let Ok(packet) = parsed else { return parsed };
    let ip = &packet.ip;
    assert_eq!(packet.bytes(), &bytes[..ip.total_length]);
    assert_eq!(packet.upper_layer().len(), ip.total_length - ip.header_length);
    assert!(ip.flow_label < 1 << 20);
    let later = matches!(ip.fragment, Fragment::Later { .. });
    assert_eq!(packet.payload == Payload::LaterFragment, later);
    match packet.payload {
        Payload::Tcp { .. } | Payload::Udp { .. } | Payload::Sctp { .. } => {
            assert!(ip.protocol.has_ports());
            let flow = packet.flow_key().unwrap();
            assert_eq!((flow.protocol(), flow.addresses()), (ip.protocol, ip.addresses));
        }
        Payload::Icmp(IcmpMessage::Error(error)) => {
            let quoted = error.quoted;
            assert_eq!(quoted.offset, ip.header_length + 8);
            assert!(quoted.offset + quoted.header_length <= ip.total_length);
            let quotes_later = matches!(quoted.fragment, Fragment::Later { .. });
            assert_eq!(packet.flow_key().is_none(), quotes_later);
            assert_eq!(packet.flow_key().map(|flow| flow.reversed()), quoted.flow_key());
        }
        Payload::Icmp(IcmpMessage::EchoRequest | IcmpMessage::Other) | Payload::Other => {
            let flow = packet.flow_key().unwrap();
            assert_eq!((flow.source_port(), flow.destination_port()), (0, 0));
        }
        Payload::LaterFragment => assert_eq!(packet.flow_key(), None),
    }
    parsed
}

proptest! {
    #[test]
    fn random_bytes(mut bytes in proptest::collection::vec(any::<u8>(), 0..200), first in first_byte()) {
        if let Some(start) = bytes.first_mut() {
            *start = first;
        }
        let _ = check(&bytes);
        // Most random IPv4 packets fail at their checksum and length; let some past.
        if bytes.len() >= 20 && first >> 4 == 4 {
            let total = bytes.len() as u16;
            bytes[2..4].copy_from_slice(&total.to_be_bytes());
            fix_checksum(&mut bytes);
            let _ = check(&bytes);
        }
    }

    #[test]
    fn random_extension_headers(
        bytes in proptest::collection::vec(prop_oneof![Just(0_u8), Just(44), Just(60), 0_u8..3, any::<u8>()], 0..120),
        next_header in prop_oneof![Just(0_u8), Just(43), Just(44), Just(51), Just(60), Just(135)],
    ) {
        let _ = check(&build::v6(next_header, &bytes));
    }

    #[test]
    fn good_packets_are_read(bytes in good_packet()) {
        prop_assert!(check(&bytes).is_ok(), "{:?} {:x?}", parse(&bytes), bytes);
    }

    /// A good packet cut short is never taken for a packet.
    #[test]
    fn cut_short(bytes in good_packet(), cut: prop::sample::Index) {
        let cut = cut.index(bytes.len());
        prop_assert_eq!(check(&bytes[..cut]), Err(ParseError::Truncated));
    }

    #[test]
    fn damaged(
        mut bytes in good_packet(),
        damage in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
        honest_checksum: bool,
        padding in 0_usize..30,
    ) {
        bytes.resize(bytes.len() + padding, 0);
        for (place, value) in damage {
            let place = place.index(bytes.len());
            bytes[place] = value;
        }
        if honest_checksum {
            fix_checksum(&mut bytes);
        }
        let _ = check(&bytes);
    }

    /// One flipped bit in an IPv4 header never goes unnoticed.
    #[test]
    fn a_checksum_notices_every_bit(options in 0_usize..=10, bit in 0_usize..480) {
        let header = V4 { options: std::vec![1; options * 4], ..V4::default() };
        let mut bytes = header.build(&udp(1, 2));
        let bit = bit % ((20 + options * 4) * 8);
        prop_assume!(bit != 5, "that makes IPv6 of it");
        bytes[bit / 8] ^= 1 << (bit % 8);
        prop_assert!(check(&bytes).is_err());
    }
}

fn first_byte() -> impl Strategy<Value = u8> {
    prop_oneof![4 => Just(0x45_u8), 2 => 0x40_u8..0x50, 4 => 0x60_u8..0x70, 1 => any::<u8>()]
}

/// A good packet of any kind that this crate tells apart.
fn good_packet() -> impl Strategy<Value = Vec<u8>> {
    // Header, options and eight bytes at least are quoted.
    let error_v4 = (plain_v4(), 0_u8..=16)
        .prop_map(|(quoted, code)| build::v4(1, &icmp(3, code, 1400, &quoted[..quoted.len().min(68)])));
    let error_v6 =
        (plain_v6(), 1_u8..=4).prop_map(|(quoted, kind)| build::v6(58, &icmp(kind, 0, 1400, &quoted)));
    prop_oneof![4 => plain_v4(), 4 => plain_v6(), 1 => error_v4, 1 => error_v6]
}

fn plain_v4() -> impl Strategy<Value = Vec<u8>> {
    let flags = prop_oneof![Just(0_u16), Just(0x4000), Just(0x2000), 0_u16..0x1000, 0x2000_u16..0x3000];
    let options = prop_oneof![3 => Just(0_usize), 1 => 0_usize..=10];
    (upper_layer(), flags, options, any::<u16>()).prop_map(
        |((protocol, payload), flags, options, identification)| {
            let options = std::vec![u8::from(identification % 2 == 0); options * 4];
            V4 { protocol, flags, options, identification, ..V4::default() }.build(&payload)
        },
    )
}

fn plain_v6() -> impl Strategy<Value = Vec<u8>> {
    let kinds = prop_oneof![Just(43_u8), Just(60), Just(135), Just(139), Just(140)];
    let kinds = prop_oneof![
        1 => Just(Vec::new()),
        1 => proptest::collection::vec((kinds, (1_usize..=3).prop_map(|units| units * 8)), 0..=8),
        1 => Just(std::vec![(0, 8), (44, 8), (51, 12)]),
    ];
    (upper_layer(), kinds).prop_map(|((protocol, payload), kinds)| {
        let protocol = if protocol == 1 { 58 } else { protocol };
        let (next_header, bytes) = chain(&kinds, protocol, &payload);
        build::v6(next_header, &bytes)
    })
}

/// A protocol and a payload that fits it.
fn upper_layer() -> impl Strategy<Value = (u8, Vec<u8>)> {
    let ports = (any::<u16>(), any::<u16>());
    let data = proptest::collection::vec(any::<u8>(), 0..64);
    (ports, any::<u8>(), data, 0_u8..5).prop_map(|((source, destination), byte, data, kind)| {
        let (protocol, mut payload) = match kind {
            0 => (6, tcp(source, destination, byte)),
            1 => (17, udp(source, destination)),
            2 => (132, sctp(source, destination, &[(byte, &data)])),
            3 => (1, icmp(if byte % 2 == 0 { 8 } else { 128 }, 0, 0, &[])),
            _ => (50, Vec::new()),
        };
        payload.extend(data);
        (protocol, payload)
    })
}
