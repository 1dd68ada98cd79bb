//! Packets: good ones of every kind, those of one flow, and damaged ones.
//!
//! A good packet is a [`Draft`], a value that is written by [`Draft::emit`] and
//! knows what a reader must find; a damaged one is bytes, of which nobody knows
//! what a reader may find. Good means: what RFC 791, 8200, 9293, 768, 9260, 792
//! and 4443 allow, in any combination that this crate tells apart, checksums
//! included, those of a fragment's whole datagram too.

pub(crate) mod bytes;
mod damage;
mod draft;

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::net::{Ipv4Addr, Ipv6Addr};

use proptest::prelude::*;
use proptest::sample::{Index, select};

pub use damage::{cut_short, damaged, flipped, lying};
pub use draft::{Draft, Piece, Upper};

use super::flow;
use crate::flow::{Addresses, FlowKey, Protocol};
use crate::packet::{IcmpErrorKind, TcpFlags};

/// A good packet of any kind: transport, ICMP, other protocols; whole or a fragment; either family.
///
/// ```
/// use lb_core::arbitrary::packet;
/// use proptest::prelude::*;
///
/// proptest!(|(draft in packet::packet())| {
///     let bytes = draft.emit();
///     let read = lb_core::packet::parse(&bytes).unwrap();
///     prop_assert_eq!(read.payload, draft.payload());
/// });
/// ```
pub fn packet() -> impl Strategy<Value = Draft> {
    prop_oneof![
        6 => flow::flow().prop_flat_map(|flow| upper_of(flow).prop_map(move |upper| (flow.addresses(), upper)))
            .prop_flat_map(|(addresses, upper)| piece_of(dressed(addresses, upper))),
        2 => (flow::addresses(), upper_without_ports())
            .prop_flat_map(|(addresses, upper)| piece_of(dressed(addresses, upper))),
        2 => flow::flow().prop_flat_map(error_about),
    ]
}

/// A packet that is steered by this flow: whole, a first fragment, or an ICMP
/// error that quotes an answer to it.
///
/// ```
/// use lb_core::arbitrary::{flow, packet};
/// use proptest::prelude::*;
///
/// let one = flow::flow().prop_flat_map(|flow| (Just(flow), packet::of_flow(flow)));
/// proptest!(|((flow, draft) in one)| {
///     let bytes = draft.emit();
///     prop_assert_eq!(lb_core::packet::parse(&bytes).unwrap().flow_key(), Some(flow));
/// });
/// ```
pub fn of_flow(flow: FlowKey) -> impl Strategy<Value = Draft> {
    prop_oneof![
        6 => whole_of_flow(flow),
        1 => (whole_of_flow(flow), any::<Index>()).prop_map(|(draft, cut)| first_piece(draft, cut)),
        // Of a later fragment there would be no ports to steer by.
        1 => error_quoting(flow, whole_of_flow(flow.reversed()).boxed()),
    ]
}

/// A whole packet of this flow that carries its ports (or, of a protocol without, its addresses).
///
/// ```
/// use lb_core::arbitrary::{flow, packet};
/// use lb_core::packet::Fragment;
/// use proptest::prelude::*;
///
/// proptest!(|(draft in flow::flow().prop_flat_map(packet::whole_of_flow))| {
///     prop_assert_eq!(draft.fragment(), Fragment::Whole);
/// });
/// ```
pub fn whole_of_flow(flow: FlowKey) -> impl Strategy<Value = Draft> {
    upper_of(flow).prop_flat_map(move |upper| dressed(flow.addresses(), upper))
}

/// A datagram of this flow in two to eight fragments, in order.
///
/// ```
/// use lb_core::arbitrary::{flow, packet};
/// use lb_core::fragment::{DEFAULT_TIMEOUT, FragmentTable};
/// use lb_core::{HashKey, Time, packet::parse};
/// use proptest::prelude::*;
///
/// let one = flow::flow().prop_flat_map(|flow| (Just(flow), packet::fragments_of_flow(flow)));
/// proptest!(|((flow, pieces) in one)| {
///     let mut table = FragmentTable::new(1, DEFAULT_TIMEOUT, HashKey::new([7; 16]));
///     table.record(Time::ZERO, &parse(&pieces[0].emit()).unwrap());
///     for later in &pieces[1..] {
///         prop_assert_eq!(table.find(Time::ZERO, &parse(&later.emit()).unwrap()), Some(flow));
///     }
/// });
/// ```
pub fn fragments_of_flow(flow: FlowKey) -> impl Strategy<Value = Vec<Draft>> {
    // Long enough that two pieces hold any transport header and something more.
    (whole_of_flow(flow), 2_usize..=8, any::<u8>()).prop_map(|(mut draft, count, byte)| {
        let step = 24;
        pad(&mut draft.upper, step * (count - 1) + 1, byte);
        let length = draft.ip_header().total_length - draft.header_length();
        draft.cut(length.div_ceil(count).next_multiple_of(8).max(step))
    })
}

/// An ICMP error of a router about an answer of this flow, to the flow's destination.
///
/// At least the header and eight bytes of the answer are quoted; the answer may
/// be a fragment, and of a later one there are no ports to steer by.
///
/// ```
/// use lb_core::arbitrary::{flow, packet};
/// use proptest::prelude::*;
///
/// let one = flow::flow().prop_flat_map(|flow| (Just(flow), packet::error_about(flow)));
/// proptest!(|((flow, error) in one)| {
///     prop_assert!(error.flow_key().is_none_or(|found| found == flow));
/// });
/// ```
pub fn error_about(flow: FlowKey) -> impl Strategy<Value = Draft> {
    error_quoting(flow, piece_of(whole_of_flow(flow.reversed())).boxed())
}

fn error_quoting(flow: FlowKey, quoted: BoxedStrategy<Draft>) -> impl Strategy<Value = Draft> {
    let is_v6 = matches!(flow.addresses(), Addresses::V6 { .. });
    (quoted, error_kind(is_v6), any::<Index>(), any::<u8>()).prop_flat_map(
        move |(quoted, kind, length, router)| {
            let header = quoted.ip_header();
            let least = header.total_length.min(header.header_length + 8);
            let length = least + length.index(header.total_length - least + 1);
            let addresses = from_router(flow.addresses(), router);
            dressed(addresses, Upper::Error { kind, quoted: Box::new(quoted), length })
        },
    )
}

/// An echo request to this address, from a client of its family.
///
/// ```
/// use lb_core::arbitrary::packet;
/// use lb_core::icmp::echo_reply;
/// use proptest::prelude::*;
///
/// let vip = [203, 0, 113, 10].into();
/// proptest!(|(ping in packet::echo_to(vip))| {
///     let bytes = ping.emit();
///     let request = lb_core::packet::parse(&bytes).unwrap();
///     prop_assert!(echo_reply(&request, &mut [0; 1500]).is_ok());
/// });
/// ```
pub fn echo_to(destination: core::net::IpAddr) -> impl Strategy<Value = Draft> {
    let addresses = match destination {
        core::net::IpAddr::V4(destination) => flow::addresses_v4()
            .prop_map(move |addresses| with_destination_v4(addresses, destination))
            .boxed(),
        core::net::IpAddr::V6(destination) => flow::addresses_v6()
            .prop_map(move |addresses| with_destination_v6(addresses, destination))
            .boxed(),
    };
    (addresses, echo()).prop_flat_map(|(addresses, upper)| dressed(addresses, upper))
}

/// What packets carry: short as a rule, sometimes up to 1,400 bytes.
///
/// ```
/// use lb_core::arbitrary::packet;
/// use proptest::prelude::*;
///
/// proptest!(|(data in packet::data())| prop_assert!(data.len() < 1_400));
/// ```
pub fn data() -> impl Strategy<Value = Vec<u8>> {
    let length = prop_oneof![6 => 0_usize..64, 1 => 64_usize..1_400];
    (length, any::<u8>()).prop_map(|(length, seed)| {
        // Written by counting: a vector of random bytes is slow to make and says no more.
        (0..length).map(|place| (place as u8).wrapping_mul(7) ^ seed).collect()
    })
}

/// The upper layer of a packet of this flow.
fn upper_of(flow: FlowKey) -> BoxedStrategy<Upper> {
    match flow.protocol() {
        Protocol::TCP => {
            let flags = prop_oneof![select(&[0x02_u8, 0x10, 0x18, 0x11, 0x04, 0x14][..]), any::<u8>()];
            let tcp =
                move |(flags, data): (u8, Vec<u8>)| Upper::tcp(&flow, TcpFlags::from_bits(flags), &data);
            (flags, data()).prop_map(tcp).boxed()
        }
        Protocol::UDP => data().prop_map(move |data| Upper::udp(&flow, &data)).boxed(),
        Protocol::SCTP => {
            let kind = prop_oneof![8 => 0_u8..15, 1 => any::<u8>()];
            let chunks = prop::collection::vec((kind, data()), 1..3);
            let (source_port, destination_port) = (flow.source_port(), flow.destination_port());
            chunks.prop_map(move |chunks| Upper::Sctp { source_port, destination_port, chunks }).boxed()
        }
        protocol => match (protocol, flow.addresses()) {
            (Protocol::ICMP, Addresses::V4 { .. }) | (Protocol::ICMPV6, Addresses::V6 { .. }) => {
                echo().boxed()
            }
            _ => data().prop_map(move |data| Upper::Other { protocol, data }).boxed(),
        },
    }
}

fn upper_without_ports() -> impl Strategy<Value = Upper> {
    // Neither an error of ICMP nor of ICMPv6: echo reply, timestamp; neighbour discovery.
    let message = (select(&[0_u8, 13, 14, 129, 133, 135, 136][..]), 0_u8..2, data())
        .prop_map(|(message_type, code, data)| Upper::Icmp { message_type, code, data });
    // Tunnels, ESP, "no next header", VRRP, and a number that nobody has.
    let other = (select(&[4_u8, 41, 47, 50, 59, 112, 253][..]), data())
        .prop_map(|(protocol, data)| Upper::Other { protocol: Protocol(protocol), data });
    prop_oneof![2 => echo(), 1 => message, 1 => other]
}

fn echo() -> impl Strategy<Value = Upper> {
    (any::<u16>(), any::<u16>(), data()).prop_map(|(identifier, sequence, data)| Upper::EchoRequest {
        identifier,
        sequence,
        data,
    })
}

fn error_kind(is_v6: bool) -> impl Strategy<Value = IcmpErrorKind> {
    let widest = if is_v6 { u32::MAX } else { u32::from(u16::MAX) };
    let farthest = if is_v6 { u32::MAX } else { u32::from(u8::MAX) };
    prop_oneof![
        3 => (0..=widest).prop_map(|mtu| IcmpErrorKind::TooBig { mtu }),
        // IPv4's code 4 is "fragmentation needed".
        1 => (0_u8..16).prop_map(move |code| IcmpErrorKind::Unreachable {
            code: if code == 4 && !is_v6 { 3 } else { code }
        }),
        1 => (0_u8..2).prop_map(|code| IcmpErrorKind::TimeExceeded { code }),
        1 => (0_u8..3, 0..=farthest)
            .prop_map(|(code, pointer)| IcmpErrorKind::ParameterProblem { code, pointer }),
    ]
}

/// A whole packet with anything in the header that a sender may choose.
fn dressed(addresses: Addresses, upper: Upper) -> BoxedStrategy<Draft> {
    let fields = any::<(u8, u8, bool, u32)>();
    let plain = move |(traffic_class, time_to_live, dont_fragment, identification)| Draft {
        traffic_class,
        time_to_live,
        dont_fragment,
        identification,
        ..Draft::new(addresses, upper.clone())
    };
    let draft = fields.prop_map(plain);
    match addresses {
        Addresses::V4 { .. } => {
            // "No operation", or "end of options" in all places.
            let options = prop_oneof![3 => Just(0_usize), 1 => 1_usize..=10];
            (draft, options, 0_u8..2)
                .prop_map(|(draft, words, kind)| Draft { options: alloc::vec![kind; words * 4], ..draft })
                .boxed()
        }
        Addresses::V6 { .. } => (draft, 0_u32..1 << 20, extensions())
            .prop_map(|(draft, flow_label, extensions)| Draft {
                dont_fragment: false,
                flow_label,
                extensions,
                ..draft
            })
            .boxed(),
    }
}

/// Up to seven extension headers, hop-by-hop options first if at all.
fn extensions() -> impl Strategy<Value = Vec<(u8, usize)>> {
    // Routing without segments left, destination options, authentication, mobility, HIP, shim6.
    let kind = select(&[43_u8, 51, 60, 135, 139, 140][..]);
    let one =
        (kind, 1_usize..=3).prop_map(|(kind, units)| (kind, units * 8 + if kind == 51 { 8 } else { 0 }));
    let chain = (any::<bool>(), prop::collection::vec(one, 0..=6)).prop_map(|(hop_by_hop, mut chain)| {
        if hop_by_hop {
            chain.insert(0, (0, 8));
        }
        chain
    });
    prop_oneof![2 => Just(Vec::new()), 1 => chain]
}

/// The packet, or one fragment of it.
fn piece_of(whole: impl Strategy<Value = Draft>) -> impl Strategy<Value = Draft> {
    let piece = (whole, 0_u8..8, any::<Index>(), any::<Index>());
    piece.prop_map(|(draft, kind, start, end)| match kind {
        0 => first_piece(draft, end),
        1 => later_piece(draft, start, end),
        // Of IPv6 that is an atomic fragment.
        2 => Draft { piece: Piece::Part { start: 0, end: usize::MAX }, ..draft },
        _ => draft,
    })
}

/// The first fragment, with the whole transport header; the packet itself if it is too short to cut.
fn first_piece(draft: Draft, cut: Index) -> Draft {
    let header: usize = match draft.upper {
        Upper::Tcp { .. } => 24,
        Upper::Sctp { .. } => 16,
        Upper::EchoRequest { .. } | Upper::Icmp { .. } | Upper::Other { .. } | Upper::Udp { .. } => 8,
        // No error is so long that it needs fragments.
        Upper::Error { .. } => return draft,
    };
    let length = draft.ip_header().total_length - draft.header_length();
    if length <= header {
        return draft;
    }
    let end = header + cut.index((length - 1 - header) / 8 + 1) * 8;
    Draft { piece: Piece::Part { start: 0, end }, ..draft }
}

/// A later fragment; the packet itself if it is too short to cut.
fn later_piece(draft: Draft, start: Index, end: Index) -> Draft {
    let length = draft.ip_header().total_length - draft.header_length();
    if length <= 8 {
        return draft;
    }
    let start = 8 + start.index((length - 1) / 8) * 8;
    let end = start + 8 + end.index((length - start).div_ceil(8)) * 8;
    Draft { piece: Piece::Part { start, end }, ..draft }
}

/// Makes the upper layer's data `length` bytes long, if it is shorter.
fn pad(upper: &mut Upper, length: usize, byte: u8) {
    let data = match upper {
        Upper::EchoRequest { data, .. }
        | Upper::Icmp { data, .. }
        | Upper::Other { data, .. }
        | Upper::Tcp { data, .. }
        | Upper::Udp { data, .. } => data,
        Upper::Sctp { chunks, .. } => match chunks.first_mut() {
            Some((_, body)) => body,
            None => return,
        },
        Upper::Error { .. } => return,
    };
    if data.len() < length {
        data.resize(length, byte);
    }
}

/// From a router to the flow's destination.
fn from_router(flow: Addresses, router: u8) -> Addresses {
    match flow {
        Addresses::V4 { destination, .. } => {
            Addresses::V4 { source: Ipv4Addr::new(198, 51, 100, router), destination }
        }
        Addresses::V6 { destination, .. } => Addresses::V6 {
            source: Ipv6Addr::new(0x2001, 0xdb8, 0xa, 0, 0, 0, 0, router.into()),
            destination,
        },
    }
}

fn with_destination_v4(addresses: Addresses, destination: Ipv4Addr) -> Addresses {
    match addresses {
        Addresses::V4 { source, .. } => Addresses::V4 { source, destination },
        Addresses::V6 { .. } => addresses,
    }
}

fn with_destination_v6(addresses: Addresses, destination: Ipv6Addr) -> Addresses {
    match addresses {
        Addresses::V6 { source, .. } => Addresses::V6 { source, destination },
        Addresses::V4 { .. } => addresses,
    }
}
