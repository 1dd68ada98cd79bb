//! Tunnel packets, byte by byte and by their properties.

use std::format;
use std::string::{String, ToString};
use std::vec;
use std::vec::Vec;

use etherparse::{Ipv4HeaderSlice, Ipv6HeaderSlice, UdpHeaderSlice};
use proptest::prelude::*;

use super::samples::*;
use super::*;
use crate::packet;

const HASH: FlowHash = FlowHash(0x0123_4567_89ab_cdef);

/// Encapsulates with a fresh identification counter that starts at 500.
fn encapsulate(tunnel: &Tunnel, inner: &[u8], backend: IpAddr) -> Result<Vec<u8>, EncapsulationError> {
    let inner = packet::parse(inner).unwrap();
    let mut out = vec![0xaa; 70_000];
    let mut identification = Identification::starting_at(500);
    let length = tunnel.encapsulate(&inner, backend, HASH, &mut identification, &mut out)?;
    out.truncate(length);
    Ok(out)
}

#[test]
fn every_form_and_family_is_what_scapy_builds() {
    let golden = golden(include_str!("testdata/golden.txt"));
    assert_eq!(golden.len(), 12);
    for (name, client, expected) in golden {
        let forward = match name.split(' ').next().unwrap() {
            "ipip" => Forward::Ipip,
            "gue" => Forward::Gue { port: 6080 },
            "gre" => Forward::Gre,
            other => panic!("no such form: {other}"),
        };
        let backend = if name.ends_with('4') { BACKENDS[0] } else { BACKENDS[1] };
        let out = encapsulate(&tunnel(forward, 1500), &client, backend).unwrap();
        assert_eq!(out, expected, "{name}");
        let arrived = decapsulate(&expected).unwrap();
        assert_eq!(arrived.backend(), backend, "{name}");
        let mut inner = vec![0; 100];
        let length = arrived.emit(&mut inner).unwrap();
        assert_eq!(inner[..length], expected[expected.len() - client.len()..], "{name}");
    }
}

/// (inner, length, DF) through (form, outer family, MTU): what becomes of it.
const SIZES: &str = "
inner | length | df | tunnel     | mtu  | result
v4    | 1480   | df | ipip in v4 | 1500 | 1500 df id 0
v4    | 1481   | df | ipip in v4 | 1500 | too big, 1480
v4    | 1480   | -  | ipip in v4 | 1500 | 1500 - id 500
v4    | 1481   | -  | ipip in v4 | 1500 | 1501 - id 500
v4    | 1460   | df | ipip in v6 | 1500 | 1500
v4    | 1461   | df | ipip in v6 | 1500 | too big, 1460
v4    | 1461   | -  | ipip in v6 | 1500 | 1501
v4    | 1468   | df | gue in v4  | 1500 | 1500 df id 0
v4    | 1469   | df | gue in v4  | 1500 | too big, 1468
v4    | 1449   | df | gue in v6  | 1500 | too big, 1448
v4    | 1477   | df | gre in v4  | 1500 | too big, 1476
v4    | 1457   | df | gre in v6  | 1500 | too big, 1456
v4    | 69     | df | ipip in v4 | 80   | too big, 68
v4    | 68     | df | ipip in v4 | 80   | 88 - id 500
v6    | 1480   | -  | ipip in v4 | 1500 | 1500 df id 0
v6    | 1481   | -  | ipip in v4 | 1500 | too big, 1480
v6    | 1461   | -  | ipip in v6 | 1500 | too big, 1460
v6    | 1469   | -  | gue in v4  | 1500 | too big, 1468
v6    | 1280   | -  | ipip in v4 | 1300 | 1300 - id 500
v6    | 1281   | -  | ipip in v4 | 1301 | 1301 df id 0
v6    | 1280   | -  | ipip in v4 | 1299 | 1300 - id 500
v6    | 100    | -  | ipip in v4 | 1299 | 120 - id 500
v6    | 1281   | -  | ipip in v4 | 1299 | too big, 1280
v6    | 1280   | -  | ipip in v6 | 1300 | 1320
v6    | 1281   | -  | ipip in v6 | 1300 | too big, 1280
";

#[test]
fn sizes_df_and_identification() {
    check_sizes(SIZES, true);
}

/// Without path MTU discovery (Linux: `pmtu_disc=0`) IPv4 is never refused and DF never set.
const SIZES_WITHOUT_DISCOVERY: &str = "
inner | length | df | tunnel     | mtu  | result
v4    | 1481   | df | ipip in v4 | 1500 | 1501 - id 500
v4    | 100    | df | ipip in v4 | 1500 | 120 - id 500
v4    | 1461   | df | ipip in v6 | 1500 | 1501
v6    | 1481   | -  | ipip in v4 | 1500 | too big, 1480
";

#[test]
fn sizes_without_path_mtu_discovery() {
    check_sizes(SIZES_WITHOUT_DISCOVERY, false);
}

fn check_sizes(table: &str, path_mtu_discovery: bool) {
    for line in table.trim().lines().skip(1) {
        let cells: Vec<&str> = line.split('|').map(str::trim).collect();
        let [inner, length, df, form, mtu, expected] = cells[..] else { panic!("{line}") };
        let mut client = Client::of_length(inner == "v6", length.parse().unwrap());
        client.dont_fragment = df == "df";
        let forward = match form.split(' ').next().unwrap() {
            "ipip" => Forward::Ipip,
            "gue" => Forward::Gue { port: 6080 },
            _ => Forward::Gre,
        };
        let backend = if form.ends_with('4') { BACKENDS[0] } else { BACKENDS[1] };
        let options = TunnelOptions { path_mtu_discovery, ..options(forward, mtu.parse().unwrap()) };
        let result = match encapsulate(&Tunnel::new(options), &client.bytes(), backend) {
            Ok(out) if out[0] == 0x45 => {
                let header = Ipv4HeaderSlice::from_slice(&out).unwrap();
                let df = if header.dont_fragment() { "df" } else { "-" };
                format!("{} {df} id {}", out.len(), header.identification())
            }
            Ok(out) => out.len().to_string(),
            Err(EncapsulationError::TooBig { mtu }) => format!("too big, {mtu}"),
            Err(other) => other.to_string(),
        };
        assert_eq!(result, expected, "{line}");
    }
}

#[test]
fn a_packet_with_one_hop_left_ends_here() {
    for (v6, time_to_live) in [(false, 0), (false, 1), (true, 0), (true, 1)] {
        let client = Client { v6, time_to_live, ..Client::V4 };
        for (forward, backend) in forms() {
            let result = encapsulate(&tunnel(forward, 1500), &client.bytes(), backend);
            assert_eq!(result, Err(EncapsulationError::TimeToLiveExpired));
        }
    }
}

#[test]
fn a_tunnel_does_not_go_in_circles() {
    for (node, backend) in [(CLIENT_V4, BACKEND_V4), (NODE_V4, CLIENT_V4)] {
        let tunnel = Tunnel::new(TunnelOptions::new(Forward::Ipip, Some(node), None, 1500));
        let result = encapsulate(&tunnel, &Client::V4.bytes(), IpAddr::V4(backend));
        assert_eq!(result, Err(EncapsulationError::Loop));
    }
}

#[test]
fn a_family_without_source_address_is_refused() {
    let v4_only = Tunnel::new(TunnelOptions::new(Forward::Ipip, Some(NODE_V4), None, 1500));
    let v6_only = Tunnel::new(TunnelOptions::new(Forward::Ipip, None, Some(NODE_V6), 1500));
    let client = Client::V4.bytes();
    assert!(encapsulate(&v4_only, &client, BACKENDS[0]).is_ok());
    assert_eq!(encapsulate(&v4_only, &client, BACKENDS[1]), Err(EncapsulationError::NoSourceAddress));
    assert!(encapsulate(&v6_only, &client, BACKENDS[1]).is_ok());
    assert_eq!(encapsulate(&v6_only, &client, BACKENDS[0]), Err(EncapsulationError::NoSourceAddress));
}

#[test]
fn a_short_buffer_is_an_error_that_says_how_long() {
    let client = Client::V6.bytes();
    let inner = packet::parse(&client).unwrap();
    for (forward, backend) in forms() {
        let tunnel = tunnel(forward, 1500);
        let needed = client.len() + tunnel.overhead(backend);
        assert_eq!(tunnel.overhead(backend), usize::from(forward.overhead(backend)));
        for length in 0..needed {
            let mut out = vec![0; length];
            let result = tunnel.encapsulate(&inner, backend, HASH, &mut Identification::default(), &mut out);
            assert_eq!(result, Err(EncapsulationError::OutTooSmall { needed }));
        }
    }
}

#[test]
fn the_longest_packet_does_not_overflow() {
    let client = Client { dont_fragment: false, ..Client::of_length(false, 65_515) }.bytes();
    assert_eq!(encapsulate(&tunnel(Forward::Ipip, 1500), &client, BACKENDS[0]).unwrap().len(), 65_535);
    assert_eq!(encapsulate(&tunnel(Forward::Ipip, 1500), &client, BACKENDS[1]).unwrap().len(), 65_555);
    let client = Client { dont_fragment: false, ..Client::of_length(false, 65_535) }.bytes();
    for (forward, backend) in forms() {
        let result = encapsulate(&tunnel(forward, 1500), &client, backend);
        match (forward, backend) {
            (Forward::Ipip, IpAddr::V6(_)) => assert_eq!(result.unwrap().len(), 65_575),
            _ => assert_eq!(result, Err(EncapsulationError::TooLong)),
        }
    }
}

#[test]
fn identification_is_spent_on_packets_that_may_be_fragmented_only() {
    let tunnel = tunnel(Forward::Ipip, 1500);
    let mut identification = Identification::starting_at(0xfffe);
    let mut out = [0; 100];
    let mut seen = Vec::new();
    for dont_fragment in [true, false, true, false, false] {
        let client = Client { dont_fragment, ..Client::V4 }.bytes();
        let inner = packet::parse(&client).unwrap();
        tunnel.encapsulate(&inner, BACKENDS[0], HASH, &mut identification, &mut out).unwrap();
        seen.push(u16::from_be_bytes([out[4], out[5]]));
    }
    assert_eq!(seen, [0, 0xfffe, 0, 0xffff, 1]);
}

#[test]
fn the_udp_checksum_is_there_when_asked_for() {
    for (mode, v4, v6) in [
        (UdpChecksum::Always, true, true),
        (UdpChecksum::Never, false, false),
        (UdpChecksum::OverIpv6, false, true),
    ] {
        let options = TunnelOptions { udp_checksum: mode, ..options(FORWARDS[1], 1500) };
        let tunnel = Tunnel::new(options);
        for client in [Client::V4, Client::V6] {
            let out = encapsulate(&tunnel, &client.bytes(), BACKENDS[0]).unwrap();
            let udp = UdpHeaderSlice::from_slice(&out[20..]).unwrap();
            let ip = Ipv4HeaderSlice::from_slice(&out).unwrap();
            let correct = udp.to_header().calc_checksum_ipv4(&ip.to_header(), &out[28..]).unwrap();
            assert_eq!(udp.checksum(), if v4 { correct } else { 0 }, "{mode:?} over IPv4");
            let out = encapsulate(&tunnel, &client.bytes(), BACKENDS[1]).unwrap();
            let udp = UdpHeaderSlice::from_slice(&out[40..]).unwrap();
            let ip = Ipv6HeaderSlice::from_slice(&out).unwrap();
            let correct = udp.to_header().calc_checksum_ipv6(&ip.to_header(), &out[48..]).unwrap();
            assert_eq!(udp.checksum(), if v6 { correct } else { 0 }, "{mode:?} over IPv6");
        }
    }
}

#[test]
fn the_outer_source_varies_with_the_flow_where_asked() {
    let sources = |forward, spread, backend: IpAddr| {
        let tunnel = Tunnel::new(TunnelOptions { spread, ..options(forward, 1500) });
        let client = Client::V4.bytes();
        let inner = packet::parse(&client).unwrap();
        let mut sources: Vec<String> = (0..64_u64)
            .map(|flow| {
                let mut out = [0; 200];
                let hash = FlowHash(flow.wrapping_mul(0x9e37_79b9_7f4a_7c15));
                let mut identification = Identification::default();
                let length =
                    tunnel.encapsulate(&inner, backend, hash, &mut identification, &mut out).unwrap();
                let outer = packet::parse(&out[..length]).unwrap().ip.addresses.source();
                assert_eq!(decapsulate(&out[..length]).unwrap().overhead, tunnel.overhead(backend));
                outer.to_string()
            })
            .collect();
        sources.sort();
        sources.dedup();
        sources
    };
    for forward in FORWARDS {
        assert_eq!(sources(forward, SourceSpread::OFF, BACKENDS[0]), [NODE_V4.to_string()]);
        assert_eq!(sources(forward, SourceSpread::OFF, BACKENDS[1]), [NODE_V6.to_string()]);
    }
    for forward in [Forward::Ipip, Forward::Gre] {
        let v4 = sources(forward, SourceSpread::unowned(), BACKENDS[0]);
        assert!(v4.len() > 60 && v4.iter().all(|source| source.starts_with("198.1")), "{v4:?}");
        let v6 = sources(forward, SourceSpread::unowned(), BACKENDS[1]);
        assert!(v6.len() > 60 && v6.iter().all(|source| source.starts_with("100::")), "{v6:?}");
    }
    assert_eq!(sources(FORWARDS[1], SourceSpread::unowned(), BACKENDS[0]), [NODE_V4.to_string()]);
}

#[test]
fn a_flow_label_is_never_the_one_that_means_none() {
    assert_eq!(flow_label(FlowHash(0)), 1);
    assert_eq!(flow_label(FlowHash(0xf)), 1);
    assert_eq!(flow_label(FlowHash(0x20)), 2);
}

proptest! {
    /// `decapsulate(encapsulate(x))` is x, one hop older; the outer header says what it must.
    #[test]
    fn the_inner_packet_comes_out_one_hop_older(
        client in client(), form in 0_usize..6, hash: u64, first: u32
    ) {
        let (forward, backend) = forms()[form];
        let tunnel = tunnel(forward, u16::MAX);
        let bytes = client.bytes();
        let inner = packet::parse(&bytes).unwrap();
        let mut out = vec![0x55; bytes.len() + tunnel.overhead(backend)];
        let mut identification = Identification::starting_at(first);
        let length =
            tunnel.encapsulate(&inner, backend, FlowHash(hash), &mut identification, &mut out).unwrap();
        prop_assert_eq!(length, out.len());
        check_outer(&out, &client, forward);

        let arrived = decapsulate(&out).unwrap();
        prop_assert_eq!(arrived.backend(), backend);
        prop_assert!(!arrived.ecn_alarm);
        let mut emitted = vec![0; bytes.len()];
        prop_assert_eq!(arrived.emit(&mut emitted).unwrap(), bytes.len());
        let older = Client { time_to_live: client.time_to_live - 1, ..client };
        prop_assert_eq!(emitted, older.bytes());
    }

    /// The hash's upper bits choose the backend; flows of one backend still get all ports and labels.
    #[test]
    fn entropy_stays_in_range(hash: u64) {
        prop_assert!(source_port(FlowHash(hash)) >= 49_152);
        prop_assert!((1..1 << 20).contains(&flow_label(FlowHash(hash))));
        prop_assert_eq!(source_port(FlowHash(hash)), source_port(FlowHash(hash | 0xffff << 48)));
    }
}

fn check_outer(out: &[u8], client: &Client, forward: Forward) {
    let number = match forward {
        Forward::Ipip => {
            if client.v6 {
                41
            } else {
                4
            }
        }
        Forward::Gue { .. } => 17,
        Forward::Gre => 47,
    };
    if out[0] >> 4 == 4 {
        let header = Ipv4HeaderSlice::from_slice(out).unwrap();
        assert_eq!(header.header_checksum(), header.to_header().calc_header_checksum());
        assert_eq!(usize::from(header.total_len()), out.len());
        assert_eq!(header.dcp().value() << 2 | header.ecn().value(), client.traffic_class);
        assert_eq!((header.ttl(), header.protocol().0), (64, number));
        let dont_fragment = if client.v6 { client.bytes().len() > 1_280 } else { client.dont_fragment };
        assert_eq!(header.dont_fragment(), dont_fragment);
        assert_eq!(header.identification() == 0, dont_fragment);
    } else {
        let header = Ipv6HeaderSlice::from_slice(out).unwrap();
        assert_eq!(usize::from(header.payload_length()), out.len() - 40);
        assert_eq!(header.traffic_class(), client.traffic_class);
        assert_eq!((header.hop_limit(), header.next_header().0), (64, number));
        assert_ne!(header.flow_label().value(), 0);
    }
}

/// Every form in every outer family.
fn forms() -> [(Forward, IpAddr); 6] {
    core::array::from_fn(|at| (FORWARDS[at / 2], BACKENDS[at % 2]))
}
