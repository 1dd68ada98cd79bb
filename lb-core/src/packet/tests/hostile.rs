//! Hostile packets: random bytes, and good packets with something broken.
//!
//! Whatever the bytes, [`check`] holds what callers rely on, and that the short
//! way for plain packets is only a short way.

use proptest::prelude::*;

use super::build::{self, V4, fix_checksum, udp};
use crate::arbitrary::packet::{cut_short, damaged, packet};
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
    fn good_packets_are_read(draft in packet()) {
        let bytes = draft.emit();
        prop_assert!(check(&bytes).is_ok(), "{:?} {:x?}", parse(&bytes), bytes);
    }

    /// A good packet cut short is never taken for a packet.
    #[test]
    fn a_cut_is_noticed(bytes in cut_short()) {
        prop_assert_eq!(check(&bytes), Err(ParseError::Truncated));
    }

    #[test]
    fn damage_does_no_harm(bytes in damaged()) {
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
