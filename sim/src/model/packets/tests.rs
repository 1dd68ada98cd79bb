//! The packets are what lb-core's own parser takes them for.

use lb_core::packet;

use super::*;

fn ends() -> Ends {
    Ends {
        client: Ipv4Addr::new(100, 64, 1, 2),
        client_port: 40_000,
        vip: Ipv4Addr::new(203, 0, 113, 1),
        vip_port: 443,
    }
}

#[test]
fn each_kind_parses_as_its_flow() {
    let mut builder = Builder::new();
    for (kind, length) in
        [(Kind::Open, 40), (Kind::Data(1_440), 1_480), (Kind::Data(0), 40), (Kind::Close, 40)]
    {
        let bytes = builder.build(ends(), kind);
        assert_eq!(bytes.len(), length, "{kind:?}");
        let parsed = packet::parse(bytes).unwrap();
        let flow = parsed.flow_key().unwrap();
        assert_eq!(flow.to_string(), "tcp 100.64.1.2:40000 -> 203.0.113.1:443", "{kind:?}");
    }
}

#[test]
fn checksums_add_up() {
    let mut builder = Builder::new();
    for kind in [Kind::Open, Kind::Data(77), Kind::Close] {
        let bytes = builder.build(ends(), kind).to_vec();
        assert_eq!(fold(sum(&bytes[..20])), 0, "header of {kind:?}");
        let mut covered = bytes[12..20].to_vec();
        covered.extend([0, 6]);
        covered.extend((bytes.len() as u16 - 20).to_be_bytes());
        covered.extend(&bytes[20..]);
        covered.resize(covered.len().next_multiple_of(2), 0);
        assert_eq!(fold(sum(&covered)), 0, "transport of {kind:?}");
    }
}

#[test]
fn a_request_is_cut_into_packets() {
    for (bytes, expected) in [
        (0, vec![0]),
        (1, vec![1]),
        (1_440, vec![1_440]),
        (1_441, vec![1_440, 1]),
        (3_000, vec![1_440, 1_440, 120]),
    ] {
        assert_eq!(payloads(bytes).collect::<Vec<_>>(), expected, "{bytes} bytes");
    }
}
