//! The packets are what lb-core's own parser takes them for, and their checksums add up.

use lb_core::packet;

use super::super::client::flow;
use super::*;

const FAMILIES: [FamilyFile; 2] = [FamilyFile::Ipv4, FamilyFile::Ipv6];
const PROTOCOLS: [ProtocolFile; 2] = [ProtocolFile::Tcp, ProtocolFile::Udp];

fn wires() -> impl Iterator<Item = Wire> {
    FAMILIES
        .into_iter()
        .flat_map(|family| PROTOCOLS.into_iter().map(move |protocol| Wire { family, protocol }))
}

#[test]
fn each_kind_parses_as_its_flow() {
    for wire in wires() {
        let mut builder = Builder::new(wire);
        for kind in [Kind::Open, Kind::Data(wire.payload_max()), Kind::Data(0), Kind::Data(9), Kind::Close] {
            let expected = flow(wire, 77, 4);
            let bytes = builder.build(&expected, kind);
            let payload = if let Kind::Data(payload) = kind { payload } else { 0 };
            assert_eq!(bytes.len(), wire.headers() + usize::from(payload), "{wire:?} {kind:?}");
            let parsed = packet::parse(bytes).unwrap_or_else(|error| panic!("{wire:?} {kind:?}: {error}"));
            assert_eq!(parsed.flow_key(), Some(expected), "{wire:?} {kind:?}");
        }
        let most = builder.build(&flow(wire, 1, 0), Kind::Data(u16::MAX)).len();
        assert_eq!(most, PACKET_MAX, "{wire:?}: no packet is larger than the path takes");
    }
}

#[test]
fn flows_read_as_their_addresses() {
    let of = |family, protocol| flow(Wire { family, protocol }, 1, 2).to_string();
    assert_eq!(of(FamilyFile::Ipv4, ProtocolFile::Tcp), "tcp 100.119.121.177:32769 -> 203.0.113.3:443");
    assert_eq!(
        of(FamilyFile::Ipv6, ProtocolFile::Udp),
        "udp [2001:db8:c::6477:79b1]:32769 -> [2001:db8:f::3]:443"
    );
}

#[test]
fn checksums_add_up() {
    for wire in wires() {
        let mut builder = Builder::new(wire);
        for (number, kind) in [(1, Kind::Open), (2, Kind::Data(77)), (3, Kind::Close), (4, Kind::Data(78))] {
            let bytes = builder.build(&flow(wire, number, 1), kind).to_vec();
            let (ip, transport) = bytes.split_at(wire.ip_header());
            let addresses = match wire.family {
                FamilyFile::Ipv4 => {
                    assert_eq!(fold(sum(ip)), 0, "header of {wire:?} {kind:?}");
                    &ip[12..20]
                }
                FamilyFile::Ipv6 => &ip[8..40],
            };
            let mut covered = addresses.to_vec();
            covered.extend([0, wire.number().0]);
            covered.extend((transport.len() as u16).to_be_bytes());
            covered.extend(transport);
            covered.resize(covered.len().next_multiple_of(2), 0);
            assert_eq!(fold(sum(&covered)), 0, "transport of {wire:?} {kind:?}");
        }
    }
}

#[test]
fn a_datagrams_checksum_is_never_zero() {
    let wire = Wire { family: FamilyFile::Ipv4, protocol: ProtocolFile::Udp };
    let mut builder = Builder::new(wire);
    // Some source port makes the sum zero, which is to be sent as all ones.
    let mut seen = false;
    for number in 0..200_000 {
        let bytes = builder.build(&flow(wire, number, 0), Kind::Data(0));
        let checksum = u16::from_be_bytes([bytes[26], bytes[27]]);
        assert_ne!(checksum, 0, "{number}");
        seen |= checksum == 0xffff;
    }
    assert!(seen);
}

#[test]
fn a_request_is_cut_into_packets() {
    let wire = Wire::default();
    for (bytes, expected) in [
        (0, vec![0]),
        (1, vec![1]),
        (1_440, vec![1_440]),
        (1_441, vec![1_440, 1]),
        (3_000, vec![1_440, 1_440, 120]),
    ] {
        assert_eq!(wire.payloads(bytes).collect::<Vec<_>>(), expected, "{bytes} bytes");
    }
    let longest: Vec<u16> = wires().map(Wire::payload_max).collect();
    assert_eq!(longest, [1_440, 1_452, 1_420, 1_432]);
}
