//! A router's error about a tunnel packet: what is quoted, and how much of it.

use super::*;
use crate::config::Forward;
use crate::encapsulation::{Identification, Tunnel};
use crate::flow::FlowKey;
use crate::hash::FlowHash;
use crate::packet::Fragment;

const ROUTER_V4: Ipv4Addr = Ipv4Addr::new(10, 9, 0, 1);
const ROUTER_V6: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 9, 0, 0, 0, 0, 1);

/// A tunnel packet as it was sent.
fn tunnel_packet(forward: Forward, client: &Client, backend: IpAddr) -> Vec<u8> {
    let bytes = client.bytes();
    let inner = packet::parse(&bytes).unwrap();
    let mut out = vec![0; bytes.len() + 60];
    let tunnel: Tunnel = tunnel(forward, 1500);
    let mut identification = Identification::starting_at(1);
    let length = tunnel.encapsulate(&inner, backend, FlowHash(9), &mut identification, &mut out).unwrap();
    out.truncate(length);
    out
}

/// A router's error of any type about `quoted`.
fn router_error(message_type: u8, code: u8, mtu: u32, quoted: &[u8]) -> Vec<u8> {
    let message = [&[message_type, code, 0, 0][..], &mtu.to_be_bytes(), quoted].concat();
    with_message(quoted[0] >> 4 == 6, &message)
}

/// Puts an ICMP message to the node behind an IP header and sums it.
fn with_message(v6: bool, message: &[u8]) -> Vec<u8> {
    let addresses = if v6 {
        Addresses::V6 { source: ROUTER_V6, destination: NODE_V6 }
    } else {
        Addresses::V4 { source: ROUTER_V4, destination: NODE_V4 }
    };
    let head = Head { addresses, traffic_class: 0, identification: 0, dont_fragment: false };
    let mut packet = vec![0; 40 + message.len()];
    let (place, length) = begin(&mut packet, &head, message.len()).unwrap();
    place.copy_from_slice(message);
    place[2..4].fill(0);
    let checksum = checksum_start(&addresses, message.len()).bytes(place).checksum();
    place[2..4].copy_from_slice(&checksum.to_be_bytes());
    packet.truncate(length);
    packet
}

fn too_big(mtu: u32, quoted: &[u8]) -> Vec<u8> {
    match quoted[0] >> 4 {
        4 => router_error(3, 4, mtu, quoted),
        _ => router_error(2, 0, mtu, quoted),
    }
}

fn translate(error: &[u8]) -> Result<TunnelError<'_>, TranslationError> {
    translate_tunnel_error(&packet::parse(error).unwrap(), 6080)
}

/// (form, backend, client) in all pairs.
fn all_pairs() -> impl Iterator<Item = (Forward, IpAddr, Client)> {
    FORWARDS.into_iter().flat_map(|forward| {
        BACKENDS
            .into_iter()
            .flat_map(move |backend| [false, true].map(|v6| (forward, backend, Client::of_length(v6, 1400))))
    })
}

#[test]
fn the_client_learns_the_mtu_less_the_overhead() {
    for (forward, backend, client) in all_pairs() {
        let packet = tunnel_packet(forward, &client, backend);
        let error = too_big(1400, &packet[..500]);
        let error = translate(&error).unwrap();
        let overhead = forward.overhead(backend);
        assert_eq!((error.backend, error.path_mtu), (backend, 1400));
        assert_eq!(error.client_mtu, 1400 - overhead);
        let inner = client.bytes();
        let flow = packet::parse(&inner).unwrap().flow_key().unwrap();
        assert_eq!(error.flow, Some(flow));

        let vip = error.addresses.destination();
        let out = sent(|out| error.emit(vip, out)).unwrap();
        check_with_etherparse(&out);
        let to_client = packet::parse(&out).unwrap();
        assert_eq!(to_client.ip.addresses, flow.addresses().reversed());
        let Payload::Icmp(IcmpMessage::Error(told)) = to_client.payload else { panic!("{to_client:?}") };
        assert_eq!(told.kind, IcmpErrorKind::TooBig { mtu: u32::from(1400 - overhead) });
        assert_eq!(told.quoted.flow_key(), Some(flow), "the client knows its packet");
        let quoted = &out[told.quoted.offset..];
        let older = Client { time_to_live: 60, ..client }.bytes();
        assert_eq!(quoted, &older[..quoted.len()], "nothing but the client's packet is shown to it");
    }
}

#[test]
fn a_short_quotation_says_so_at_every_length() {
    for (forward, backend, client) in all_pairs() {
        let packet = tunnel_packet(forward, &client, backend);
        let outer = if backend.is_ipv4() { 20 } else { 40 };
        let inner = if client.v6 { 40 } else { 20 };
        let needed = usize::from(forward.overhead(backend)) + inner + 8;
        // The quoted UDP ports are needed to see a tunnel at all.
        for length in outer + 8..needed + 20 {
            let error = too_big(1300, &packet[..length]);
            let result = translate(&error);
            if length < needed {
                let short = TranslationError::QuoteTooShort { backend, path_mtu: 1300 };
                assert_eq!(result, Err(short), "{length} bytes");
            } else {
                assert!(result.is_ok(), "{length} bytes");
            }
        }
    }
}

#[test]
fn a_router_that_does_not_tell_its_mtu() {
    // (client's length, what the client is told), by the plateaus of RFC 1191 less 20.
    for (length, expected) in [(1480, 1472), (1472, 986), (986, 488), (400, 276), (200, 48)] {
        let client = Client::of_length(false, length);
        let packet = tunnel_packet(Forward::Ipip, &client, BACKENDS[0]);
        let error = too_big(0, &packet[..100]);
        let result = translate(&error).map(|error| error.client_mtu);
        if expected < 68 {
            assert_eq!(result, Err(TranslationError::ImpossibleMtu { path_mtu: 68 }));
        } else {
            assert_eq!(result, Ok(expected), "{length}");
        }
    }
}

#[test]
fn an_mtu_that_is_no_news() {
    let v4 = tunnel_packet(Forward::Ipip, &Client::of_length(false, 1400), BACKENDS[0]);
    for path_mtu in [1420, 1500, 65_535] {
        let expected = TranslationError::NotSmaller { backend: BACKENDS[0], path_mtu };
        assert_eq!(translate(&too_big(path_mtu.into(), &v4)), Err(expected));
    }
    let expected = TranslationError::NotSmaller { backend: BACKENDS[0], path_mtu: 1420 };
    assert_eq!(translate(&too_big(1420, &v4[..28])), Err(expected), "whatever is quoted");
    assert_eq!(translate(&too_big(1419, &v4)).unwrap().client_mtu, 1399);
    assert_eq!(translate(&too_big(88, &v4)).unwrap().client_mtu, 68);
    let error = too_big(87, &v4);
    assert_eq!(translate(&error), Err(TranslationError::ImpossibleMtu { path_mtu: 87 }));

    // An IPv6 client is never told less than 1280, and nothing at all if it sends no more.
    let v6 = tunnel_packet(Forward::Ipip, &Client::of_length(true, 1400), BACKENDS[1]);
    assert_eq!(translate(&too_big(1280, &v6)).unwrap().client_mtu, 1280);
    assert_eq!(translate(&too_big(100, &v6)).unwrap().client_mtu, 1280);
    let small = tunnel_packet(Forward::Ipip, &Client::of_length(true, 1280), BACKENDS[1]);
    let expected = TranslationError::NotSmaller { backend: BACKENDS[1], path_mtu: 1300 };
    assert_eq!(translate(&too_big(1300, &small)), Err(expected));
    // 32 bits of MTU are more than any packet.
    let expected = TranslationError::NotSmaller { backend: BACKENDS[1], path_mtu: 65_535 };
    assert_eq!(translate(&too_big(u32::MAX, &v6)), Err(expected));
}

#[test]
fn what_is_not_about_a_tunnel_is_left_to_others() {
    let answer = between_v4(VIP_V4, CLIENT_V4);
    assert_eq!(translate(&too_big(1400, &answer)), Err(TranslationError::NotTunnel));
    assert_eq!(translate(&Client::V4.bytes()), Err(TranslationError::NotTunnel));
    let other_port = tunnel_packet(Forward::Gue { port: 99 }, &Client::V4, BACKENDS[0]);
    assert_eq!(translate(&too_big(20, &other_port)), Err(TranslationError::NotTunnel));
}

#[test]
fn other_errors_about_a_tunnel_name_the_backend() {
    let packet = tunnel_packet(Forward::Ipip, &Client::V4, BACKENDS[0]);
    for (message_type, code) in [(3, 1), (3, 2), (3, 13), (11, 0), (12, 0)] {
        let expected = TranslationError::NotTooBig { backend: BACKENDS[0] };
        assert_eq!(translate(&router_error(message_type, code, 0, &packet)), Err(expected));
    }
}

#[test]
fn a_damaged_error_tells_nothing() {
    let packet = tunnel_packet(Forward::Gre, &Client::of_length(true, 1400), BACKENDS[0]);
    let mut error = too_big(1300, &packet[..200]);
    error[27] ^= 1; // the MTU
    assert_eq!(translate(&error), Err(TranslationError::Damaged));
}

#[test]
fn what_follows_the_quotation_is_not_shown() {
    // RFC 4884: a length of 32 words, then an extension structure.
    let packet = tunnel_packet(Forward::Ipip, &Client::of_length(false, 1400), BACKENDS[0]);
    let message = [&[3, 4, 0, 0, 0, 32, 5, 0][..], &packet[..128], &[0x20, 0, 0, 0, 0xee, 0xee]].concat();
    let error = with_message(false, &message);
    let out = sent(|out| translate(&error).unwrap().emit(VIP, out)).unwrap();
    assert_eq!(out.len(), 20 + 8 + 128 - 20);
    // Padding behind a packet that is quoted whole is not shown either.
    let packet = tunnel_packet(Forward::Ipip, &Client::of_length(false, 100), BACKENDS[0]);
    let error = too_big(110, &[&packet[..], &[0xee; 30]].concat());
    let out = sent(|out| translate(&error).unwrap().emit(VIP, out)).unwrap();
    assert_eq!(out.len(), 20 + 8 + 100);
}

#[test]
fn an_error_within_the_tunnel_is_not_answered() {
    // A client's own ICMP error was on its way to a backend and found too big.
    let error_of_client = {
        let answer = between_v4(VIP_V4, CLIENT_V4);
        let mut packet = message(false, 3);
        packet[28..].copy_from_slice(&answer);
        packet
    };
    let outer = {
        let inner = packet::parse(&error_of_client).unwrap();
        let mut out = vec![0; 200];
        let mut identification = Identification::default();
        let length = tunnel(Forward::Ipip, 1500)
            .encapsulate(&inner, BACKENDS[0], FlowHash(1), &mut identification, &mut out)
            .unwrap();
        out.truncate(length);
        out
    };
    let error = too_big(120, &outer);
    let error = translate(&error).unwrap();
    assert_eq!(error.emit(VIP, &mut [0; 600]), Err(IcmpRefusal::AnswersError));
}

#[test]
fn a_later_fragment_of_the_outer_packet_shows_no_client() {
    let mut packet = tunnel_packet(Forward::Ipip, &Client::of_length(false, 1400), BACKENDS[0]);
    packet[6..8].copy_from_slice(&[0x00, 0x20]);
    let expected = TranslationError::QuoteTooShort { backend: BACKENDS[0], path_mtu: 600 };
    assert_eq!(translate(&too_big(600, &packet)), Err(expected));
}

#[test]
fn nonsense_inside_the_tunnel_is_not_passed_on() {
    let mut packet = tunnel_packet(Forward::Ipip, &Client::of_length(false, 1400), BACKENDS[0]);
    packet[20] = 0x15;
    assert_eq!(translate(&too_big(600, &packet)), Err(TranslationError::BadInner));
    let mut packet = tunnel_packet(Forward::Gre, &Client::of_length(false, 1400), BACKENDS[0]);
    packet[22..24].copy_from_slice(&[0x65, 0x58]);
    assert_eq!(translate(&too_big(600, &packet)), Err(TranslationError::BadInner));
    let mut packet = tunnel_packet(FORWARDS[1], &Client::of_length(false, 1400), BACKENDS[0]);
    packet[28] = 0x20;
    assert_eq!(translate(&too_big(600, &packet)), Err(TranslationError::BadInner));
}

proptest! {
    #[test]
    fn damaged_quotations_are_no_reason_to_panic(
        pair in 0_usize..12, mtu in 0_u32..2000, length in 28_usize..200,
        damage in proptest::collection::vec((0_usize..120, any::<u8>()), 0..5),
    ) {
        let (forward, backend, client) = all_pairs().nth(pair).unwrap();
        let mut packet = tunnel_packet(forward, &client, backend);
        for (at, value) in damage {
            packet[at] = value;
        }
        let v6 = backend.is_ipv6();
        let header = if v6 { [2, 0, 0, 0] } else { [3, 4, 0, 0] };
        let message = [&header[..], &mtu.to_be_bytes(), &packet[..length]].concat();
        let error = with_message(v6, &message);
        if let Ok(parsed) = packet::parse(&error)
            && let Ok(error) = translate_tunnel_error(&parsed, 6080)
        {
            let source = error.addresses.destination();
            if let Ok(out) = sent(|out| error.emit(source, out)) {
                check_with_etherparse(&out);
                let flow: Option<FlowKey> = error.flow;
                let fragment = packet::parse(&out).map(|packet| packet.ip.fragment);
                prop_assert_eq!(fragment, Ok(Fragment::Whole));
                prop_assert!(flow.is_none_or(|flow| flow.addresses() == error.addresses));
            }
        }
    }
}
