//! Any packet through any tunnel: what comes out is what went in, one hop older.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use arbitrary::{Arbitrary, Unstructured};
use lb_core::FlowHash;
use lb_core::config::Forward;
use lb_core::encapsulation::{
    EncapsulationError, Identification, SourceSpread, Tunnel, TunnelOptions, UdpChecksum, decapsulate,
};
use lb_core::packet::{self, Packet};

const NODE_V4: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 11);
const NODE_V6: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 0x11);
const BACKEND_V4: Ipv4Addr = Ipv4Addr::new(10, 1, 0, 5);
const BACKEND_V6: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 1, 0, 0, 0, 0, 5);

/// The tunnel; the rest of the input is the packet.
#[derive(Arbitrary, Debug)]
struct Options {
    form: u8,
    outer_v6: bool,
    spread: bool,
    path_mtu_discovery: bool,
    checksum_always: bool,
    mtu: u16,
    room: u16,
    flow: u64,
}

/// Reads options and a packet out of `bytes` and sends it through.
pub fn check(bytes: &[u8]) {
    let mut input = Unstructured::new(bytes);
    let Ok(options) = Options::arbitrary(&mut input) else { return };
    let rest = input.take_rest();
    let Ok(inner) = packet::parse(rest) else { return };
    round_trip(&options, &inner);
}

fn round_trip(options: &Options, inner: &Packet<'_>) {
    let backend = if options.outer_v6 { IpAddr::V6(BACKEND_V6) } else { IpAddr::V4(BACKEND_V4) };
    let tunnel = tunnel(options);
    let mut out = vec![0; usize::from(options.room)];
    let mut identification = Identification::default();
    let flow = FlowHash(options.flow);
    let mut written = tunnel.encapsulate(inner, backend, flow, &mut identification, &mut out);
    if let Err(EncapsulationError::OutTooSmall { needed }) = written {
        assert!(needed > out.len());
        out.resize(needed, 0);
        written = tunnel.encapsulate(inner, backend, flow, &mut identification, &mut out);
    }
    let length = match written {
        Ok(length) => length,
        Err(error) => return refused(&tunnel, inner, backend, &error),
    };
    assert_eq!(length, inner.bytes().len() + tunnel.overhead(backend));
    let arrived = match decapsulate(&out[..length]) {
        Ok(arrived) => arrived,
        Err(error) => panic!("{options:?}: {error:?}"),
    };
    assert_eq!(arrived.backend(), backend);
    assert_eq!(arrived.overhead, tunnel.overhead(backend));
    one_hop_older(inner.bytes(), arrived.inner());
    let again = arrived.packet();
    assert_eq!(again.flow_key(), inner.flow_key());
    assert_eq!(again.ip.time_to_live + 1, inner.ip.time_to_live);
    assert_eq!(again.ip.traffic_class, inner.ip.traffic_class);
}

fn tunnel(options: &Options) -> Tunnel {
    let forward = match options.form % 3 {
        0 => Forward::Ipip,
        1 => Forward::Gue { port: 6_080 },
        _ => Forward::Gre,
    };
    let base = TunnelOptions::new(forward, Some(NODE_V4), Some(NODE_V6), options.mtu.max(576));
    Tunnel::new(TunnelOptions {
        path_mtu_discovery: options.path_mtu_discovery,
        udp_checksum: if options.checksum_always { UdpChecksum::Always } else { UdpChecksum::OverIpv6 },
        spread: if options.spread { SourceSpread::unowned() } else { SourceSpread::OFF },
        ..base
    })
}

/// A refusal has its reason in the packet.
fn refused(tunnel: &Tunnel, inner: &Packet<'_>, backend: IpAddr, error: &EncapsulationError) {
    let length = inner.bytes().len();
    match *error {
        EncapsulationError::Loop => {
            let source = inner.ip.addresses.source();
            let ends = [IpAddr::V4(NODE_V4), IpAddr::V6(NODE_V6), backend];
            assert!(ends.contains(&source));
        }
        EncapsulationError::TimeToLiveExpired => assert!(inner.ip.time_to_live <= 1),
        EncapsulationError::TooBig { mtu } => {
            assert!(inner.ip.dont_fragment, "what may be fragmented fits");
            assert!(length > usize::from(mtu));
            assert!(mtu >= 68);
        }
        EncapsulationError::TooLong => assert!(length + tunnel.overhead(backend) > usize::from(u16::MAX)),
        EncapsulationError::NoSourceAddress | EncapsulationError::OutTooSmall { .. } => {
            panic!("there is a source and room: {error:?}")
        }
    }
}

/// Nothing differs but the time to live, and in IPv4 the header's checksum.
fn one_hop_older(sent: &[u8], arrived: &[u8]) {
    let mut expected = sent.to_vec();
    if sent[0] >> 4 == 4 {
        expected[8] -= 1;
        expected[10..12].copy_from_slice(&arrived[10..12]);
    } else {
        expected[7] -= 1;
    }
    assert_eq!(arrived, expected);
}
