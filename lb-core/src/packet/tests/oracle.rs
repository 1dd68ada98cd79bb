//! An oracle: packets that etherparse builds mean to us what it meant by them,
//! and where both parsers take the same bytes they find the same things.

use core::net::{Ipv4Addr, Ipv6Addr};
use std::vec::Vec;

use etherparse::{
    IpAuthHeader, IpFragOffset, IpHeaders, IpNumber, IpSlice, Ipv4Extensions, Ipv4Header, Ipv4Options,
    Ipv6Extensions, Ipv6FlowLabel, Ipv6FragmentHeader, Ipv6Header, Ipv6RawExtHeader, Ipv6RoutingExtensions,
    PacketBuilder,
};
use proptest::prelude::*;

use super::build::fix_checksum;
use crate::flow::{Addresses, FlowKey, Protocol};
use crate::packet::{Fragment, Payload, TcpFlags, parse};

/// The upper layer that etherparse is asked for.
#[derive(Clone, Copy, Debug)]
enum Upper {
    Echo,
    Tcp { syn: bool, ack: bool, fin: bool, rst: bool },
    Udp,
}

proptest! {
    #[test]
    fn ipv4(header in ipv4_header(), upper in upper(), ports: (u16, u16), data: [u8; 32], length in 0_usize..=32) {
        let addresses =
            Addresses::V4 { source: header.source.into(), destination: header.destination.into() };
        let bytes = build(IpHeaders::Ipv4(header.clone(), Ipv4Extensions::default()), upper, ports, &data[..length]);

        let packet = parse(&bytes).unwrap();
        prop_assert_eq!(packet.ip.addresses, addresses);
        prop_assert_eq!(packet.ip.header_length, header.header_len());
        prop_assert_eq!(packet.ip.total_length, bytes.len());
        prop_assert_eq!(packet.ip.traffic_class, header.dscp.value() << 2 | header.ecn.value());
        prop_assert_eq!(packet.ip.time_to_live, header.time_to_live);
        prop_assert_eq!(packet.ip.dont_fragment, header.dont_fragment);
        let identification = u32::from(header.identification);
        let expected = match (header.fragment_offset.value(), header.more_fragments) {
            (0, false) => Fragment::Whole,
            (0, true) => Fragment::First { identification },
            _ => Fragment::Later { identification },
        };
        prop_assert_eq!(packet.ip.fragment, expected);
        check_upper(&bytes, addresses, upper, ports)?;
    }

    #[test]
    fn ipv6(
        header in ipv6_header(),
        extensions in ipv6_extensions(),
        upper in upper(),
        ports: (u16, u16),
        data: [u8; 32],
        length in 0_usize..=32,
    ) {
        let addresses =
            Addresses::V6 { source: header.source.into(), destination: header.destination.into() };
        let headers = IpHeaders::Ipv6(header.clone(), extensions.clone());
        let bytes = build(headers, upper, ports, &data[..length]);

        let packet = parse(&bytes).unwrap();
        prop_assert_eq!(packet.ip.addresses, addresses);
        prop_assert_eq!(packet.ip.total_length, bytes.len());
        prop_assert_eq!(packet.ip.traffic_class, header.traffic_class);
        prop_assert_eq!(packet.ip.flow_label, header.flow_label.value());
        prop_assert_eq!(packet.ip.time_to_live, header.hop_limit);
        let expected = match &extensions.fragment {
            Some(part) if part.is_fragmenting_payload() => match part.fragment_offset.value() {
                0 => Fragment::First { identification: part.identification },
                _ => Fragment::Later { identification: part.identification },
            },
            _ => Fragment::Whole,
        };
        prop_assert_eq!(packet.ip.fragment, expected);
        if !matches!(expected, Fragment::Later { .. }) {
            prop_assert_eq!(packet.ip.header_length, 40 + extensions.header_len());
        }
        check_upper(&bytes, addresses, upper, ports)?;
    }

    /// The same damage before both parsers.
    #[test]
    fn both_parsers_agree(
        v4 in ipv4_header(),
        v6 in (ipv6_header(), ipv6_extensions()),
        is_v6: bool,
        upper in upper(),
        damage in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..3),
    ) {
        let headers = if is_v6 { IpHeaders::Ipv6(v6.0, v6.1) } else { IpHeaders::Ipv4(v4, Ipv4Extensions::default()) };
        let mut bytes = build(headers, upper, (1, 2), &[7; 12]);
        for (place, value) in damage {
            let place = place.index(bytes.len().min(100));
            bytes[place] = value;
        }
        fix_checksum(&mut bytes);
        let (Ok(ours), Ok(theirs)) = (parse(&bytes), IpSlice::from_slice(&bytes)) else { return Ok(()) };
        prop_assert_eq!(ours.ip.addresses.source(), theirs.source_addr());
        prop_assert_eq!(ours.ip.addresses.destination(), theirs.destination_addr());
        prop_assert_eq!(ours.ip.fragment != Fragment::Whole, theirs.is_fragmenting_payload());
        // What etherparse steps over and we do not: IPv4 authentication headers; the reverse:
        // whatever follows out of the recommended order.
        let number = theirs.payload_ip_number();
        let differs = ours.ip.protocol == Protocol(51) || IpNumber::is_ipv6_ext_header_value(number);
        // It takes what a later fragment carries for extension headers, if the number says so.
        let later = is_v6 && matches!(ours.ip.fragment, Fragment::Later { .. });
        // It takes a length of zero for a segment that the network card is yet to cut.
        let zero = ours.ip.total_length == 40 && is_v6;
        if !differs && !later && !zero {
            prop_assert_eq!(ours.ip.protocol, Protocol(number.0));
            prop_assert_eq!(ours.upper_layer(), theirs.payload().payload);
        }
    }
}

fn build(headers: IpHeaders, upper: Upper, ports: (u16, u16), data: &[u8]) -> Vec<u8> {
    let is_v6 = matches!(headers, IpHeaders::Ipv6(..));
    let builder = PacketBuilder::ip(headers);
    let mut bytes = Vec::new();
    match upper {
        Upper::Tcp { syn, ack, fin, rst } => {
            let mut header = etherparse::TcpHeader::new(ports.0, ports.1, 1, 1000);
            (header.syn, header.ack, header.fin, header.rst) = (syn, ack, fin, rst);
            builder.tcp_header(header).write(&mut bytes, data)
        }
        Upper::Udp => builder.udp(ports.0, ports.1).write(&mut bytes, data),
        Upper::Echo if is_v6 => builder.icmpv6_echo_request(ports.0, ports.1).write(&mut bytes, data),
        Upper::Echo => builder.icmpv4_echo_request(ports.0, ports.1).write(&mut bytes, data),
    }
    .unwrap();
    bytes
}

fn check_upper(
    bytes: &[u8],
    addresses: Addresses,
    upper: Upper,
    ports: (u16, u16),
) -> Result<(), TestCaseError> {
    let packet = parse(bytes).unwrap();
    if let Fragment::Later { .. } = packet.ip.fragment {
        prop_assert_eq!(packet.payload, Payload::LaterFragment);
        prop_assert_eq!(packet.flow_key(), None);
        return Ok(());
    }
    let is_v6 = matches!(addresses, Addresses::V6 { .. });
    let (protocol, ports) = match upper {
        Upper::Tcp { .. } => (Protocol::TCP, ports),
        Upper::Udp => (Protocol::UDP, ports),
        Upper::Echo if is_v6 => (Protocol::ICMPV6, (0, 0)),
        Upper::Echo => (Protocol::ICMP, (0, 0)),
    };
    prop_assert_eq!(packet.flow_key(), Some(FlowKey::new(protocol, addresses, ports.0, ports.1)));
    if let (Upper::Tcp { syn, ack, fin, rst }, Payload::Tcp { flags, .. }) = (upper, packet.payload) {
        prop_assert_eq!((flags.syn(), flags.ack(), flags.fin(), flags.rst()), (syn, ack, fin, rst));
        prop_assert_eq!(flags, TcpFlags::from_bits(packet.upper_layer()[13]));
    }
    Ok(())
}

fn upper() -> impl Strategy<Value = Upper> {
    let tcp = any::<(bool, bool, bool, bool)>();
    prop_oneof![
        3 => tcp.prop_map(|(syn, ack, fin, rst)| Upper::Tcp { syn, ack, fin, rst }),
        2 => Just(Upper::Udp),
        1 => Just(Upper::Echo),
    ]
}

/// Offset in units of eight bytes, far enough from 65,535; and "more".
fn part() -> impl Strategy<Value = (IpFragOffset, bool)> {
    let offset = prop_oneof![3 => Just(0_u16), 1 => 0_u16..8000];
    (offset, prop::bool::weighted(0.3))
        .prop_map(|(offset, more)| (IpFragOffset::try_new(offset).unwrap(), more))
}

fn ipv4_header() -> impl Strategy<Value = Ipv4Header> {
    let options = prop_oneof![Just(0_usize), 0_usize..=10];
    let fields = any::<(u8, u8, u16, bool, u8)>();
    (any::<([u8; 4], [u8; 4])>(), part(), options, fields).prop_map(
        |((source, destination), (fragment_offset, more_fragments), options, fields)| {
            let (dscp, ecn, identification, dont_fragment, time_to_live) = fields;
            Ipv4Header {
                dscp: (dscp >> 2).try_into().unwrap(),
                ecn: (ecn >> 6).try_into().unwrap(),
                identification,
                dont_fragment,
                more_fragments,
                fragment_offset,
                time_to_live,
                source: Ipv4Addr::from(source).octets(),
                destination: Ipv4Addr::from(destination).octets(),
                options: Ipv4Options::try_from(&std::vec![1; options * 4][..]).unwrap(),
                ..Ipv4Header::default()
            }
        },
    )
}

fn ipv6_header() -> impl Strategy<Value = Ipv6Header> {
    any::<(u8, u32, u8, u128, u128)>().prop_map(|(traffic_class, label, hop_limit, source, destination)| {
        Ipv6Header {
            traffic_class,
            flow_label: Ipv6FlowLabel::try_new(label >> 12).unwrap(),
            hop_limit,
            source: Ipv6Addr::from(source).octets(),
            destination: Ipv6Addr::from(destination).octets(),
            ..Ipv6Header::default()
        }
    })
}

fn ipv6_extensions() -> impl Strategy<Value = Ipv6Extensions> {
    let options = || {
        // The options' lengths that fill a header: two bytes are its own.
        (0_usize..4).prop_map(|units| {
            // Byte 1 of a routing header's payload are the segments left.
            Ipv6RawExtHeader::new_raw(IpNumber::UDP, &std::vec![0; 6 + 8 * units]).unwrap()
        })
    };
    let fragment = (part(), any::<u32>()).prop_map(|((offset, more), identification)| {
        Ipv6FragmentHeader::new(IpNumber::UDP, offset, more, identification)
    });
    let auth = (0_usize..4)
        .prop_map(|words| IpAuthHeader::new(IpNumber::UDP, 1, 2, &std::vec![0; words * 4]).unwrap());
    let maybe = prop::option::of::<BoxedStrategy<Ipv6RawExtHeader>>;
    let routing = (options(), maybe(options().boxed())).prop_map(|(routing, final_destination_options)| {
        Ipv6RoutingExtensions { routing, final_destination_options }
    });
    let first = (maybe(options().boxed()), maybe(options().boxed()));
    (first, prop::option::of(routing), prop::option::of(fragment), prop::option::of(auth)).prop_map(
        |((hop_by_hop_options, destination_options), routing, fragment, auth)| Ipv6Extensions {
            hop_by_hop_options,
            destination_options,
            routing,
            fragment,
            auth,
        },
    )
}
