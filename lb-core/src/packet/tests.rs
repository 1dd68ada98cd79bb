//! What packets mean, as tables: one row per packet.
//!
//! [`golden`] has a kernel's packets, [`oracle`] compares with another parser,
//! [`hostile`] throws what no kernel sends.

pub(crate) mod build;
mod golden;
mod hostile;
mod oracle;

use std::format;
use std::string::String;
use std::vec;
use std::vec::Vec;

use build::{V4, chain, extension, fix_checksum, fragment, icmp, sctp, tcp, udp, v4, v6};

use super::*;
use crate::connection::{SctpClass, TcpEvent};

/// Breaks one thing of a good packet each and names what is found.
#[test]
fn what_is_refused_and_why() {
    use ParseError as E;
    let syn = v4(6, &tcp(1, 2, 2));
    let table: [(&str, Vec<u8>, ParseError); 24] = [
        ("nothing", vec![], E::Truncated),
        ("IPv5", patched(&syn, 0, 0x55), E::BadVersion),
        ("19 bytes", syn[..19].to_vec(), E::Truncated),
        ("39 bytes of IPv6", v6(17, &udp(1, 2))[..39].to_vec(), E::Truncated),
        ("IPv4 header of 16 bytes", fixed(patched(&syn, 0, 0x44)), E::BadHeaderLength),
        ("options past the end", patched(&v4(17, &[0; 8]), 0, 0x4f), E::Truncated),
        ("total length below the header", fixed(patched(&syn, 3, 19)), E::BadTotalLength),
        ("total length past the end", fixed(patched(&syn, 3, 41)), E::Truncated),
        ("payload length past the end", patched(&v6(17, &udp(1, 2)), 5, 9), E::Truncated),
        ("a wrong checksum", patched(&syn, 8, 63), E::BadChecksum),
        ("no checksum", patched(&patched(&syn, 10, 0), 11, 0), E::BadChecksum),
        ("a wrong checksum over options", patched(&with_options(), 23, 1), E::BadChecksum),
        ("ping of death", V4 { flags: 0x1fff, ..V4::default() }.build(&[0; 8]), E::BadFragment),
        ("the same over IPv6", v6(44, &long_fragment()), E::BadFragment),
        ("TCP of 19 bytes", v4(6, &tcp(1, 2, 2)[..19]), E::TruncatedTransport),
        ("UDP of 7 bytes", v4(17, &[0; 7]), E::TruncatedTransport),
        ("SCTP without a chunk", v4(132, &[0; 12]), E::TruncatedTransport),
        ("ICMP of 7 bytes", v4(1, &[3, 3, 0, 0, 0, 0, 0]), E::TruncatedTransport),
        (
            "a tiny first fragment",
            V4 { protocol: 6, flags: 0x2000, ..V4::default() }.build(&[0; 16]),
            E::TruncatedTransport,
        ),
        ("an extension header past the end", v6(60, &patched(&extension(60, 17, 8), 1, 1)), E::Truncated),
        ("hop-by-hop in second place", v6_chain(&[(60, 8), (0, 8)]), E::BadExtensionHeader),
        ("two fragment headers", v6_chain(&[(44, 8), (44, 8)]), E::BadExtensionHeader),
        ("segments left", v6(43, &patched(&chain(&[(43, 24)], 17, &udp(1, 2)).1, 3, 1)), E::SourceRouted),
        ("nine extension headers", v6_chain(&[(60, 8); 9]), E::TooManyExtensionHeaders),
    ];
    for (what, bytes, expected) in table {
        assert_eq!(parse(&bytes), Err(expected), "{what}");
    }
}

#[test]
fn errors_have_places_for_counters() {
    for (index, error) in ParseError::ALL.into_iter().enumerate() {
        assert_eq!(error.index(), index, "{error}");
    }
}

/// Everything that RFC 8200 and the registry let stand before the upper layer.
#[test]
fn extension_headers_are_stepped_over() {
    type Kinds = &'static [(u8, usize)];
    let table: [(&str, Kinds, usize); 9] = [
        ("none", &[], 40),
        ("hop-by-hop", &[(0, 8)], 48),
        ("a long one", &[(60, 2048)], 2088),
        ("authentication counts in words", &[(51, 24)], 64),
        ("authentication of 12 bytes", &[(51, 12)], 52),
        ("mobility, host identity, shim6", &[(135, 8), (139, 16), (140, 8)], 72),
        ("routing with no segments left", &[(43, 24)], 64),
        ("the recommended order", &[(0, 8), (60, 8), (43, 24), (44, 8), (51, 24), (60, 16), (135, 8)], 136),
        ("eight", &[(60, 8); 8], 104),
    ];
    for (what, kinds, header_length) in table {
        for (protocol, payload) in [(6, tcp(40_000, 443, 0x10)), (17, udp(40_000, 443))] {
            let (next_header, bytes) = chain(kinds, protocol, &payload);
            let bytes = v6(next_header, &bytes);
            let packet = parse(&bytes).unwrap_or_else(|error| panic!("{what}: {error}"));
            assert_eq!(packet.ip.header_length, header_length, "{what}");
            assert_eq!(packet.ip.fragment, Fragment::Whole, "{what}");
            assert_eq!(packet.upper_layer(), payload, "{what}");
            let flow = format!("{} [2001:db8:1::1]:40000 -> [2001:db8:2::10]:443", Protocol(protocol));
            assert_eq!(flow_of(&bytes), flow, "{what}");
        }
    }
}

#[test]
fn other_protocols_have_no_ports() {
    let table = [
        (v4(50, &[]), "protocol 50 192.0.2.1:0 -> 203.0.113.10:0"),
        (v4(4, &v4(17, &udp(1, 2))), "protocol 4 192.0.2.1:0 -> 203.0.113.10:0"),
        (v4(58, &icmp(128, 0, 0, &[])), "icmpv6 192.0.2.1:0 -> 203.0.113.10:0"),
        (v6(1, &icmp(8, 0, 0, &[])), "icmp [2001:db8:1::1]:0 -> [2001:db8:2::10]:0"),
        (v6(59, &[]), "protocol 59 [2001:db8:1::1]:0 -> [2001:db8:2::10]:0"),
        (v6(50, &[0; 16]), "protocol 50 [2001:db8:1::1]:0 -> [2001:db8:2::10]:0"),
    ];
    for (bytes, flow) in table {
        assert_eq!(parse(&bytes).unwrap().payload, Payload::Other, "{flow}");
        assert_eq!(flow_of(&bytes), flow);
    }
}

#[test]
fn sctp_chunks_and_what_they_tell_a_connection() {
    type Chunks = &'static [(u8, &'static [u8])];
    let table: [(Chunks, SctpClass); 12] = [
        (&[(0, &[7])], SctpClass::Data),
        (&[(1, &[0; 16])], SctpClass::Init),
        (&[(3, &[])], SctpClass::Data),
        (&[(6, &[])], SctpClass::Abort),
        (&[(7, &[0; 4])], SctpClass::Shutdown),
        (&[(14, &[])], SctpClass::ShutdownComplete),
        (&[(0xc0, &[])], SctpClass::Data),
        (&[(10, &[1, 2, 3]), (0, &[7])], SctpClass::CookieEcho),
        (&[(10, &[1, 2, 3]), (6, &[])], SctpClass::Abort),
        (&[(11, &[]), (6, &[])], SctpClass::Abort),
        (&[(0, &[7]), (6, &[])], SctpClass::Data),
        (&[(10, &[])], SctpClass::CookieEcho),
    ];
    for (chunks, chunk) in table {
        for bytes in [v4(132, &sctp(9, 7, chunks)), v6(132, &sctp(9, 7, chunks))] {
            let packet = parse(&bytes).unwrap();
            assert_eq!(packet.payload, Payload::Sctp { source_port: 9, destination_port: 7, chunk });
            assert_eq!(packet.segment(), Segment::Sctp(chunk));
        }
    }
}

#[test]
fn tcp_flags_and_what_they_tell_a_connection() {
    let table = [
        (0x02, "TcpFlags(SYN)", Segment::SYN),
        (0x10, "TcpFlags(ACK)", Segment::ACK),
        (0x11, "TcpFlags(FIN ACK)", Segment::FIN),
        (0x04, "TcpFlags(RST)", Segment::RST),
        (0xc2, "TcpFlags(SYN ECE CWR)", Segment::SYN),
        (0x38, "TcpFlags(PSH ACK URG)", Segment::ACK),
        (0, "TcpFlags()", Segment::Tcp(TcpEvent::None)),
    ];
    for (bits, shown, segment) in table {
        let bytes = v4(6, &tcp(1, 2, bits));
        let packet = parse(&bytes).unwrap();
        let Payload::Tcp { flags, .. } = packet.payload else { panic!("{packet:?}") };
        assert_eq!((flags.bits(), format!("{flags:?}").as_str()), (bits, shown));
        assert_eq!(packet.segment(), segment);
    }
    assert_eq!(TcpFlags::SYN.union(TcpFlags::ACK), TcpFlags::from_bits(0x12));
    assert_eq!(parse(&v4(17, &udp(1, 2))).unwrap().segment(), Segment::Udp);
    assert_eq!(parse(&v4(1, &icmp(8, 0, 0, &[]))).unwrap().segment(), Segment::Other);
}

#[test]
fn icmp_types() {
    use IcmpErrorKind as K;
    let answer = v4_answer(&udp(53, 40_000));
    let answer_v6 = v6_answer(17, &udp(53, 40_000));
    let error_v4 = |kind, code, word| parse_kind(&v4(1, &icmp(kind, code, word, &answer)));
    let error_v6 = |kind, code, word| parse_kind(&v6(58, &icmp(kind, code, word, &answer_v6)));
    let table = [
        ("unreachable", error_v4(3, 1, 0), Some(K::Unreachable { code: 1 })),
        ("fragmentation needed", error_v4(3, 4, 1400), Some(K::TooBig { mtu: 1400 })),
        ("from an old router", error_v4(3, 4, 0), Some(K::TooBig { mtu: 0 })),
        ("unused bits", error_v4(3, 4, 0xffff_0578), Some(K::TooBig { mtu: 1400 })),
        ("source quench", error_v4(4, 0, 0), None),
        ("redirect", error_v4(5, 1, 0), None),
        ("time exceeded", error_v4(11, 1, 0), Some(K::TimeExceeded { code: 1 })),
        (
            "parameter problem",
            error_v4(12, 0, 0x1400_0000),
            Some(K::ParameterProblem { code: 0, pointer: 20 }),
        ),
        ("timestamp", error_v4(13, 0, 0), None),
        ("unreachable", error_v6(1, 4, 0), Some(K::Unreachable { code: 4 })),
        ("packet too big", error_v6(2, 0, 1280), Some(K::TooBig { mtu: 1280 })),
        ("a wide link", error_v6(2, 0, 0x1_0000), Some(K::TooBig { mtu: 0x1_0000 })),
        ("time exceeded", error_v6(3, 0, 0), Some(K::TimeExceeded { code: 0 })),
        ("parameter problem", error_v6(4, 1, 40), Some(K::ParameterProblem { code: 1, pointer: 40 })),
        ("unknown error", error_v6(100, 0, 0), None),
        ("neighbour solicitation", error_v6(135, 0, 0), None),
        ("redirect", error_v6(137, 0, 0), None),
    ];
    for (what, found, expected) in table {
        assert_eq!(found, expected, "{what}");
    }
}

/// An error is steered by the packet it quotes, reversed; eight bytes of transport will do.
#[test]
fn errors_follow_the_flow_they_quote() {
    let tcp_answer = v4_answer(&tcp(443, 40_000, 0x12));
    let client = "tcp 192.0.2.1:40000 -> 203.0.113.10:443";
    let protocol_6 = |flags| V4 { protocol: 6, flags, ..answering() };
    let (next_header, chained) = chain(&[(0, 8), (60, 16)], 6, &tcp(443, 40_000, 0x12));
    let v6_client = "tcp [2001:db8:1::1]:40000 -> [2001:db8:2::10]:443";
    let fragment_v6 = |offset, more| {
        let mut bytes = fragment(6, offset, more, 9);
        bytes.extend(tcp(443, 40_000, 0x12));
        v6_answer(44, &bytes)
    };
    let table: [(&str, Vec<u8>, Option<&str>); 13] = [
        ("all of it", error(&tcp_answer), Some(client)),
        ("8 bytes of transport", error(&tcp_answer[..28]), Some(client)),
        ("only the ports", error(&tcp_answer[..24]), Some(client)),
        ("with options", error(&quoted_options()[..36]), Some(client)),
        ("a first fragment", error(&protocol_6(0x2000).build(&tcp(443, 40_000, 0x12))), Some(client)),
        ("a later fragment", error(&protocol_6(0x2001).build(&[1; 8])), None),
        (
            "an echo reply",
            error(&V4 { protocol: 1, ..answering() }.build(&[0; 8])),
            Some("icmp 192.0.2.1:0 -> 203.0.113.10:0"),
        ),
        (
            "a tunnel packet",
            error(&V4 { protocol: 4, ..answering() }.build(&[0x45; 8])),
            Some("protocol 4 192.0.2.1:0 -> 203.0.113.10:0"),
        ),
        ("IPv6", error_v6(&v6_answer(6, &tcp(443, 40_000, 0x12))), Some(v6_client)),
        ("IPv6, 8 bytes", error_v6(&v6_answer(6, &tcp(443, 40_000, 0x12)[..8])), Some(v6_client)),
        ("IPv6 with extension headers", error_v6(&v6_answer(next_header, &chained)), Some(v6_client)),
        ("IPv6, a first fragment", error_v6(&fragment_v6(0, true)), Some(v6_client)),
        ("IPv6, a later fragment", error_v6(&fragment_v6(8, true)), None),
    ];
    for (what, bytes, flow) in table {
        let packet = parse(&bytes).unwrap_or_else(|error| panic!("{what}: {error}"));
        assert_eq!(packet.flow_key().map(|flow| format!("{flow}")).as_deref(), flow, "{what}");
        assert_eq!(packet.segment(), Segment::Other, "{what}");
        let Payload::Icmp(IcmpMessage::Error(IcmpError { quoted, .. })) = packet.payload else {
            panic!("{what}: {packet:?}")
        };
        assert_eq!(quoted.offset, packet.ip.header_length + 8, "{what}");
        assert_eq!(quoted.ports.is_some(), quoted.protocol.has_ports() && flow.is_some(), "{what}");
    }
}

#[test]
fn bad_quotations() {
    let answer = v4_answer(&udp(53, 40_000));
    let answer_v6 = v6_answer(17, &udp(53, 40_000));
    let table = [
        ("nothing", error(&[]), ParseError::TruncatedQuote),
        ("19 bytes", error(&answer[..19]), ParseError::TruncatedQuote),
        ("no ports", error(&answer[..23]), ParseError::TruncatedQuote),
        ("options cut off", error(&quoted_options()[..27]), ParseError::TruncatedQuote),
        ("IPv6 in ICMP", error(&answer_v6), ParseError::BadQuote),
        ("a header of 16 bytes", error(&patched(&answer, 0, 0x44)), ParseError::BadQuote),
        ("39 bytes of IPv6", error_v6(&answer_v6[..39]), ParseError::TruncatedQuote),
        ("IPv6 without ports", error_v6(&answer_v6[..43]), ParseError::TruncatedQuote),
        (
            "a chain cut off",
            error_v6(&v6_answer(60, &extension(60, 17, 16)[..12])),
            ParseError::TruncatedQuote,
        ),
        ("a chain too long", error_v6(&v6_chain(&[(60, 8); 9])), ParseError::BadQuote),
        ("IPv4 in ICMPv6", error_v6(&v4_answer(&[0; 40])), ParseError::BadQuote),
    ];
    for (what, bytes, expected) in table {
        assert_eq!(parse(&bytes), Err(expected), "{what}");
    }
}

/// Fragments of either family; an "atomic" one is whole.
#[test]
fn fragments() {
    let v4_part = |flags| V4 { identification: 7, flags, ..V4::default() }.build(&udp(1, 2));
    let v6_part = |offset, more| {
        let mut bytes = fragment(17, offset, more, 70_000);
        bytes.extend(udp(1, 2));
        v6(44, &bytes)
    };
    let first = |identification| Fragment::First { identification };
    let later = |identification| Fragment::Later { identification };
    let table = [
        (v4_part(0), Fragment::Whole),
        (v4_part(0x8000), Fragment::Whole),
        (v4_part(0x2000), first(7)),
        (v4_part(0x2001), later(7)),
        (v4_part(0x0001), later(7)),
        (v4_part(0x6000), first(7)),
        (v6_part(0, false), Fragment::Whole),
        (v6_part(0, true), first(70_000)),
        (v6_part(8, true), later(70_000)),
        (v6_part(0x7ff8, false), later(70_000)),
    ];
    for (bytes, expected) in table {
        let packet = parse(&bytes).unwrap();
        assert_eq!(packet.ip.fragment, expected);
        let is_later = matches!(expected, Fragment::Later { .. });
        assert_eq!(packet.payload == Payload::LaterFragment, is_later);
        assert_eq!(packet.flow_key().is_none(), is_later);
        assert_eq!(expected.identification().is_none(), expected == Fragment::Whole);
    }
}

#[test]
fn a_later_fragment_ends_the_chain() {
    // What follows looks like a destination options header that is too long: it is data.
    let mut bytes = fragment(60, 8, false, 9);
    bytes.extend([17, 255, 0, 0]);
    let bytes = v6(44, &bytes);
    let packet = parse(&bytes).unwrap();
    assert_eq!((packet.ip.protocol, packet.ip.header_length), (Protocol(60), 48));
}

/// A small Ethernet frame is padded to 46 bytes; what is past the announced length is not the packet.
#[test]
fn padding_is_cut_off() {
    for whole in [v4(17, &udp(1, 2)), v6(17, &udp(1, 2)), v4(6, &tcp(1, 2, 2)), v6(6, &tcp(1, 2, 2))] {
        let mut padded = whole.clone();
        padded.resize(whole.len() + 18, 0xaa);
        let packet = parse(&padded).unwrap();
        assert_eq!(packet.bytes(), whole);
        assert_eq!(packet.ip.total_length, whole.len());
        assert_eq!(packet, parse(&whole).unwrap());
    }
}

/// Padding is not read as a header, nor zero options as none.
#[test]
fn the_short_way_is_for_plain_packets_only() {
    let short = |whole: Vec<u8>| {
        let mut padded = whole;
        padded.resize(100, 0);
        padded
    };
    for (what, bytes) in [("IPv4", short(v4(6, &[0; 12]))), ("IPv6", short(v6(6, &[0; 12])))] {
        assert_eq!(parse(&bytes), Err(ParseError::TruncatedTransport), "{what}");
    }
    let options = vec![0; 8];
    let bytes = V4 { protocol: 6, options, ..V4::default() }.build(&tcp(1, 2, 2));
    let packet = parse(&bytes).unwrap();
    assert_eq!((packet.ip.header_length, packet.upper_layer()), (28, &tcp(1, 2, 2)[..]));
}

/// It is taken: else all would still be right, only slow.
#[test]
fn the_short_way_is_taken() {
    for upper in [tcp(1, 2, 2), [udp(1, 2), vec![0; 12]].concat()] {
        let protocol = if upper[12] == 0x50 { 6 } else { 17 };
        assert!(plain::v4(&v4(protocol, &upper)).is_some());
        assert!(plain::v6(&v6(protocol, &upper)).is_some());
    }
}

fn flow_of(bytes: &[u8]) -> String {
    format!("{}", parse(bytes).unwrap().flow_key().unwrap())
}

fn parse_kind(bytes: &[u8]) -> Option<IcmpErrorKind> {
    match parse(bytes).unwrap().payload {
        Payload::Icmp(IcmpMessage::Error(error)) => Some(error.kind),
        _ => None,
    }
}

/// The header of a backend's answer to the client: from the VIP.
fn answering() -> V4 {
    V4 { source: build::VIP, destination: build::CLIENT, protocol: 17, ..V4::default() }
}

/// A backend's answer: TCP if it is as long as a TCP header, else UDP.
fn v4_answer(payload: &[u8]) -> Vec<u8> {
    let protocol = if payload.len() == 20 { 6 } else { 17 };
    V4 { protocol, ..answering() }.build(payload)
}

fn v6_answer(next_header: u8, payload: &[u8]) -> Vec<u8> {
    build::v6_between(build::VIP_V6, build::CLIENT_V6, next_header, payload)
}

/// An ICMP error that quotes these bytes.
fn error(quotation: &[u8]) -> Vec<u8> {
    v4(1, &icmp(3, 3, 0, quotation))
}

fn error_v6(quotation: &[u8]) -> Vec<u8> {
    v6(58, &icmp(1, 4, 0, quotation))
}

fn quoted_options() -> Vec<u8> {
    V4 { protocol: 6, options: vec![1; 8], ..answering() }.build(&tcp(443, 40_000, 0x12))
}

fn with_options() -> Vec<u8> {
    V4 { options: vec![7, 7, 4, 0, 0, 0, 0, 0], ..V4::default() }.build(&udp(1, 2))
}

fn v6_chain(kinds: &[(u8, usize)]) -> Vec<u8> {
    let (next_header, bytes) = chain(kinds, 17, &udp(1, 2));
    v6(next_header, &bytes)
}

/// An IPv6 fragment that ends past 65,535 bytes.
fn long_fragment() -> Vec<u8> {
    let mut bytes = fragment(17, 0xfff8, false, 1);
    bytes.extend([0; 8]);
    bytes
}

fn patched(bytes: &[u8], place: usize, value: u8) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    bytes[place] = value;
    bytes
}

fn fixed(mut bytes: Vec<u8>) -> Vec<u8> {
    fix_checksum(&mut bytes);
    bytes
}

/// Bytes from hexadecimal digits; blanks do not matter.
fn hex(digits: &str) -> Vec<u8> {
    let digits: Vec<u8> = digits.bytes().filter(|digit| !digit.is_ascii_whitespace()).collect();
    let pairs = digits.chunks(2).map(|pair| core::str::from_utf8(pair).unwrap());
    pairs.map(|pair| u8::from_str_radix(pair, 16).unwrap()).collect()
}

/// How long the IP header says that the packet is.
fn announced_length(bytes: &[u8]) -> usize {
    let word = |place: usize| usize::from(bytes[place]) << 8 | usize::from(bytes[place + 1]);
    if bytes[0] >> 4 == 4 { word(2) } else { 40 + word(4) }
}
