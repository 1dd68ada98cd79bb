//! Golden hashes: every node, machine and build must agree with them.
//!
//! The expected numbers come from an implementation in Python written for this
//! purpose after section 2 of the SipHash paper (rounds as parameters; with 2
//! and 4 rounds it gives the paper's vector of appendix A, 0xa129ca6149be45e5),
//! run over bytes that Python's `ipaddress` and `int.to_bytes` laid out.

use core::net::{Ipv4Addr, Ipv6Addr};
use std::collections::BTreeSet;
use std::format;

use proptest::prelude::*;

use crate::flow::{Addresses, FlowKey, HashFields, Protocol};
use crate::hash::{FlowHash, HashKey};

/// The paper's key: bytes 0 to 15.
const KEY: HashKey = HashKey::new([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15]);

/// `udp [2001:db8:1::1]:40001 -> [2001:db8:2::10]:53`.
const FLOW_V6: FlowKey = FlowKey::v6(
    Protocol::UDP,
    (Ipv6Addr::new(0x2001, 0xdb8, 1, 0, 0, 0, 0, 1), 40_001),
    (Ipv6Addr::new(0x2001, 0xdb8, 2, 0, 0, 0, 0, 0x10), 53),
);

/// `tcp 192.0.2.1:40000 -> 203.0.113.10:443`.
const FLOW_V4: FlowKey =
    FlowKey::v4(Protocol::TCP, (Ipv4Addr::new(192, 0, 2, 1), 40_000), (Ipv4Addr::new(203, 0, 113, 10), 443));

/// SipHash-1-3 of the first n bytes of 0, 1, 2, ...
const PREFIXES: [(usize, u64); 9] = [
    (0, 0xabac0158_050fc4dc),
    (1, 0xc9f49bf3_7d57ca93),
    (7, 0xd3927d98_9bb11140),
    (8, 0x36909511_8d299a8e),
    (13, 0x306f760c_1229ffa7),
    (15, 0xd320d86d_2a519956),
    (16, 0xcc4fdd1a_7d908b66),
    (37, 0xb6101c2d_a3c33057),
    (63, 0x9d199062_b7bbb3a8),
];

/// [`FLOW_V4`] under every subset of fields; the index has bit 0 for the protocol, 1 source, 2
/// source port, 3 destination, 4 destination port.
const SUBSETS_V4: [u64; 32] = [
    0x23c1a1b1_aaa0af63,
    0x64f16806_32ba0dbd,
    0xd98bc80d_2625065e,
    0x55a4e89f_3d1eb771,
    0x8cd7ed20_8413e2b5,
    0xaf8b12c2_ff5dca57,
    0xf2e1f9d3_172784ad,
    0x16935970_49d69f89,
    0xff649114_fc1430a3,
    0xdb6729cb_34ee7159,
    0x442ef313_6a409c8f,
    0x46f16ab7_4774b810,
    0x7cf11c57_b177f04b,
    0xed59e462_97dd013d,
    0x8fbec418_a8637bb9,
    0xfbc79859_08026371,
    0xb70a7c49_094e55b2,
    0xb74afa79_ea4bc259,
    0x8168471a_3baa281d,
    0x11398a5e_a2059577,
    0xa6a0eb17_88b35014,
    0x76a39aa4_9c1be3d0,
    0x7bf2ab8a_117030c0,
    0xadfae5e0_11239b10,
    0x894c66ee_2fe643ef,
    0xf0edf4bd_10a6c01b,
    0x3c39e296_e5a187ee,
    0x3c3a5710_7797b49b,
    0xf8d8a55e_a11da505,
    0x3edd7ed4_3b284532,
    0x5d496cf4_b6e77f4e,
    0xf3451444_3d74a850,
];

/// [`FLOW_V6`] likewise.
const SUBSETS_V6: [u64; 32] = [
    0xc0a67181_f905a146,
    0xe36744c8_f8aaa31d,
    0x05ebf2da_a7ed5e91,
    0xa1557c02_6d4b6721,
    0x571a9c16_6d7c79c5,
    0xa9f94f9a_30374601,
    0xc3ce01ff_446d4c32,
    0xdc3ec632_f96c4055,
    0x8f77b9ad_a29e387b,
    0xa2fd3022_f5d02c83,
    0xedc2cbc3_01047203,
    0xbf077415_4ad03ed4,
    0x993b5073_0f8bdbe7,
    0x072453ef_1d669a5b,
    0xa468e06f_9c1c7eb3,
    0x2c1119c1_ac12d5c9,
    0xc50b3cd5_903290f5,
    0x2be48fed_f84d6e47,
    0xeaa3cc3c_a6215578,
    0x05de4edd_64b396fb,
    0xc995a6da_2d44d47d,
    0xf6e9664a_e3e82ba6,
    0x0061b3a8_baca422a,
    0x6e23b6c3_d34b9fac,
    0x2e1da178_145ec5f6,
    0xcc53a546_0c046380,
    0xbc3f47dc_d9465c47,
    0x7902de68_be004789,
    0xcc5cf05d_a4007de4,
    0xb25b0628_2e6b3856,
    0x24e9d6a9_080bfc6c,
    0xab0f24e8_d4264e63,
];

#[test]
fn bytes_hash_as_an_independent_implementation_says() {
    let bytes: [u8; 63] = core::array::from_fn(|index| index as u8);
    for (length, expected) in PREFIXES {
        assert_eq!(KEY.hash_bytes(&bytes[..length]), expected, "{length} bytes");
    }
}

#[test]
fn canonical_bytes_are_in_network_order() {
    let Addresses::V4 { source, destination } = FLOW_V4.addresses() else { unreachable!() };
    let bytes = canonical::<4, 13>(&FLOW_V4, HashFields::ALL, source.octets(), destination.octets());
    assert_eq!(bytes, [6, 192, 0, 2, 1, 0x9c, 0x40, 203, 0, 113, 10, 0x01, 0xbb]);

    let Addresses::V6 { source, destination } = FLOW_V6.addresses() else { unreachable!() };
    let bytes = canonical::<16, 37>(&FLOW_V6, HashFields::ALL, source.octets(), destination.octets());
    let expected = "1120010db80001000000000000000000019c4120010db80002000000000000000000100035";
    let hex: std::string::String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(hex, expected);
}

#[test]
fn every_subset_of_fields_hashes_as_an_independent_implementation_says() {
    for (flow, subsets) in [(FLOW_V4, SUBSETS_V4), (FLOW_V6, SUBSETS_V6)] {
        for (bits, expected) in subsets.into_iter().enumerate() {
            let hash = KEY.hash_flow(&flow, subset(bits));
            assert_eq!(hash, FlowHash(expected), "{flow} subset {bits:05b}");
        }
        assert_eq!(subsets.into_iter().collect::<BTreeSet<_>>().len(), 32, "{flow}: subsets that collide");
    }
}

#[test]
fn a_key_is_not_shown() {
    let shown = format!("{KEY:?}");
    assert_eq!(shown, "HashKey(secret)");
}

proptest! {
    /// A field that is left out does not matter, one that is in does.
    #[test]
    fn only_chosen_fields_matter(key: [u8; 16], bits in 0_usize..32, field in 0_usize..5, v6: bool) {
        let key = HashKey::new(key);
        let before = if v6 { FLOW_V6 } else { FLOW_V4 };
        let after = changed(&before, field);
        let equal = key.hash_flow(&before, subset(bits)) == key.hash_flow(&after, subset(bits));
        // By chance two different inputs agree once in 2^64.
        prop_assert_eq!(equal, bits >> field & 1 == 0);
    }

    /// The words that are hashed are the canonical bytes.
    #[test]
    fn words_are_the_canonical_bytes(
        key: [u8; 16],
        bits in 0_usize..32,
        protocol: u8,
        v4: ([u8; 4], [u8; 4]),
        v6: ([u8; 16], [u8; 16]),
        ports: (u16, u16),
    ) {
        let (key, fields) = (HashKey::new(key), subset(bits));
        let addresses = Addresses::V4 { source: v4.0.into(), destination: v4.1.into() };
        let flow = FlowKey::new(Protocol(protocol), addresses, ports.0, ports.1);
        let bytes = canonical::<4, 13>(&flow, fields, v4.0, v4.1);
        prop_assert_eq!(key.hash_flow(&flow, fields).0, key.hash_bytes(&bytes));
        let addresses = Addresses::V6 { source: v6.0.into(), destination: v6.1.into() };
        let flow = FlowKey::new(Protocol(protocol), addresses, ports.0, ports.1);
        let bytes = canonical::<16, 37>(&flow, fields, v6.0, v6.1);
        prop_assert_eq!(key.hash_flow(&flow, fields).0, key.hash_bytes(&bytes));
    }
}

fn subset(bits: usize) -> HashFields {
    let fields = [
        HashFields::PROTOCOL,
        HashFields::SOURCE,
        HashFields::SOURCE_PORT,
        HashFields::DESTINATION,
        HashFields::DESTINATION_PORT,
    ];
    let chosen = fields.into_iter().enumerate().filter(|(index, _)| bits >> index & 1 != 0);
    chosen.fold(HashFields::NONE, |all, (_, field)| all.union(field))
}

/// The flow with one of its five fields changed.
fn changed(flow: &FlowKey, field: usize) -> FlowKey {
    let protocol = if field == 0 { Protocol::SCTP } else { flow.protocol() };
    let addresses = match flow.addresses() {
        Addresses::V4 { source, destination } => Addresses::V4 {
            source: if field == 1 { Ipv4Addr::LOCALHOST } else { source },
            destination: if field == 3 { Ipv4Addr::LOCALHOST } else { destination },
        },
        Addresses::V6 { source, destination } => Addresses::V6 {
            source: if field == 1 { Ipv6Addr::LOCALHOST } else { source },
            destination: if field == 3 { Ipv6Addr::LOCALHOST } else { destination },
        },
    };
    let source_port = flow.source_port() ^ u16::from(field == 2);
    let destination_port = flow.destination_port() ^ u16::from(field == 4);
    FlowKey::new(protocol, addresses, source_port, destination_port)
}

/// Lays the chosen fields out; `LENGTH` is `2 * ADDRESS + 5`.
fn canonical<const ADDRESS: usize, const LENGTH: usize>(
    flow: &FlowKey,
    fields: HashFields,
    source: [u8; ADDRESS],
    destination: [u8; ADDRESS],
) -> [u8; LENGTH] {
    let mut bytes = [0; LENGTH];
    if fields.contains(HashFields::PROTOCOL) {
        bytes[0] = flow.protocol().0;
    }
    if fields.contains(HashFields::SOURCE) {
        bytes[1..1 + ADDRESS].copy_from_slice(&source);
    }
    if fields.contains(HashFields::SOURCE_PORT) {
        bytes[1 + ADDRESS..3 + ADDRESS].copy_from_slice(&flow.source_port().to_be_bytes());
    }
    if fields.contains(HashFields::DESTINATION) {
        bytes[3 + ADDRESS..3 + 2 * ADDRESS].copy_from_slice(&destination);
    }
    if fields.contains(HashFields::DESTINATION_PORT) {
        bytes[3 + 2 * ADDRESS..].copy_from_slice(&flow.destination_port().to_be_bytes());
    }
    bytes
}
