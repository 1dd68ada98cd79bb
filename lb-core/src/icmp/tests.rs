//! ICMP messages: answered, refused, translated, rationed.

use core::net::{Ipv4Addr, Ipv6Addr};
use core::time::Duration;
use std::vec;
use std::vec::Vec;

use proptest::prelude::*;

use super::*;
use crate::encapsulation::samples::*;
use crate::hash::HashKey;
use crate::packet::{self, IcmpErrorKind, IcmpMessage, Packet, Payload};
use crate::time::Time;

mod translation;

const VIP: IpAddr = IpAddr::V4(VIP_V4);
const VIP6: IpAddr = IpAddr::V6(VIP_V6);

type Sent = Result<Vec<u8>, IcmpRefusal>;

fn sent(write: impl FnOnce(&mut [u8]) -> Result<usize, IcmpRefusal>) -> Sent {
    let mut out = vec![0xaa; 70_000];
    let length = write(&mut out)?;
    out.truncate(length);
    Ok(out)
}

/// Every message about a packet, by name.
fn all_errors(packet: &Packet<'_>, source: IpAddr) -> [Sent; 3] {
    [
        sent(|out| packet_too_big(packet, 1400, source, out)),
        sent(|out| time_exceeded(packet, source, out)),
        sent(|out| port_unreachable(packet, source, out)),
    ]
}

#[test]
fn every_message_is_what_scapy_builds() {
    let golden = golden(include_str!("testdata/golden.txt"));
    assert_eq!(golden.len(), 26);
    for (name, came, expected) in golden {
        let packet = packet::parse(&came).unwrap();
        let vip = if expected[0] >> 4 == 4 { VIP } else { VIP6 };
        let (verb, argument) = name.split_once(':').unwrap_or((&name, ""));
        let message = match verb {
            "echo" => sent(|out| echo_reply(&packet, out)),
            "port-unreachable" => sent(|out| port_unreachable(&packet, vip, out)),
            "time-exceeded" => sent(|out| time_exceeded(&packet, vip, out)),
            "too-big" => sent(|out| packet_too_big(&packet, argument.parse().unwrap(), vip, out)),
            "translate" => {
                let error = translate_tunnel_error(&packet, 6080).unwrap();
                assert_eq!(error.addresses.destination(), vip, "{name}");
                sent(|out| error.emit(vip, out))
            }
            other => panic!("no such verb: {other}"),
        };
        assert_eq!(message, Ok(expected), "{name}");
    }
}

/// Replaces the header checksum of an IPv4 packet without options.
fn fix_checksum(packet: &mut [u8]) {
    packet[10..12].fill(0);
    let checksum = Sum::of(&packet[..20]).checksum();
    packet[10..12].copy_from_slice(&checksum.to_be_bytes());
}

/// A UDP packet with these addresses.
fn between_v4(source: Ipv4Addr, destination: Ipv4Addr) -> Vec<u8> {
    let mut packet = Client { payload: 60, ..Client::V4 }.bytes();
    packet[12..16].copy_from_slice(&source.octets());
    packet[16..20].copy_from_slice(&destination.octets());
    fix_checksum(&mut packet);
    packet
}

fn between_v6(source: Ipv6Addr, destination: Ipv6Addr) -> Vec<u8> {
    let mut packet = Client::V6.bytes();
    packet[8..24].copy_from_slice(&source.octets());
    packet[24..40].copy_from_slice(&destination.octets());
    packet
}

/// An ICMP message of this type from the client to the VIP, in a packet of either family.
fn message(v6: bool, message_type: u8) -> Vec<u8> {
    let quoted = if v6 { between_v6(VIP_V6, CLIENT_V6) } else { between_v4(VIP_V4, CLIENT_V4) };
    let mut bytes = Client { v6, payload: quoted.len(), ..Client::V4 }.bytes();
    let at = if v6 { 40 } else { 20 };
    bytes[at] = message_type;
    bytes[at + 1..at + 8].fill(0);
    bytes[at + 8..].copy_from_slice(&quoted);
    if v6 {
        bytes[6] = 58;
    } else {
        bytes[9] = 1;
        fix_checksum(&mut bytes);
    }
    let addresses = packet::parse(&bytes).unwrap().ip.addresses;
    let checksum = checksum_start(&addresses, bytes.len() - at).bytes(&bytes[at..]).checksum();
    bytes[at + 2..at + 4].copy_from_slice(&checksum.to_be_bytes());
    bytes
}

#[test]
fn nothing_answers_an_icmp_error() {
    // RFC 1122 section 3.2.2: unreachable, source quench, redirect, time exceeded, parameter problem.
    for message_type in [3, 4, 5, 11, 12, 200] {
        let bytes = message(false, message_type);
        let packet = packet::parse(&bytes).unwrap();
        let expected = Err(IcmpRefusal::AnswersError);
        assert!(all_errors(&packet, VIP).iter().all(|result| *result == expected), "type {message_type}");
        assert_eq!(sent(|out| echo_reply(&packet, out)), Err(IcmpRefusal::NotEchoRequest));
    }
    // RFC 4443 section 2.1: types 0 to 127; section 2.4 (e.2) adds redirect.
    for message_type in [1, 2, 3, 4, 100, 127, 137] {
        let bytes = message(true, message_type);
        let packet = packet::parse(&bytes).unwrap();
        let expected = Err(IcmpRefusal::AnswersError);
        assert!(all_errors(&packet, VIP6).iter().all(|result| *result == expected), "type {message_type}");
    }
    for (v6, message_type, vip) in [(false, 8, VIP), (false, 0, VIP), (true, 128, VIP6), (true, 129, VIP6)] {
        let bytes = message(v6, message_type);
        let packet = packet::parse(&bytes).unwrap();
        assert!(all_errors(&packet, vip).iter().all(Result::is_ok), "queries may be answered");
    }
}

#[test]
fn nothing_answers_a_source_that_is_no_host() {
    let mut packets: Vec<Vec<u8>> = [
        [0, 0, 0, 0],
        [0, 1, 2, 3],
        [127, 0, 0, 1],
        [224, 0, 0, 1],
        [239, 255, 255, 255],
        [240, 0, 0, 1],
        [255, 255, 255, 255],
        VIP_V4.octets(), // a LAND packet: from the VIP to itself
    ]
    .into_iter()
    .map(|source| between_v4(Ipv4Addr::from(source), VIP_V4))
    .collect();
    packets.extend(
        ["::", "::1", "ff02::1", "ff0e::5", "2001:db8:2::10"]
            .map(|source| between_v6(source.parse().unwrap(), VIP_V6)),
    );
    for bytes in packets {
        let packet = packet::parse(&bytes).unwrap();
        let vip = packet.ip.addresses.destination();
        let expected = Err(IcmpRefusal::BadSource);
        assert!(all_errors(&packet, vip).iter().all(|result| *result == expected), "{packet:?}");
    }
    let mut ping = message(false, 8);
    ping[12..16].fill(255);
    fix_checksum(&mut ping);
    let result = sent(|out| echo_reply(&packet::parse(&ping).unwrap(), out));
    assert_eq!(result, Err(IcmpRefusal::BadSource), "pings neither");
}

#[test]
fn nothing_answers_a_packet_sent_to_many() {
    for group in [[224, 0, 0, 1], [255, 255, 255, 255]] {
        let bytes = between_v4(CLIENT_V4, Ipv4Addr::from(group));
        let results = all_errors(&packet::parse(&bytes).unwrap(), VIP);
        assert!(results.iter().all(|result| *result == Err(IcmpRefusal::BadDestination)));
    }
    let bytes = between_v6(CLIENT_V6, "ff0e::1".parse().unwrap());
    let [too_big, exceeded, unreachable] = all_errors(&packet::parse(&bytes).unwrap(), VIP6);
    assert!(too_big.is_ok(), "RFC 4443 section 2.4 (e.3): path MTU discovery works for multicast");
    assert_eq!(exceeded, Err(IcmpRefusal::BadDestination));
    assert_eq!(unreachable, Err(IcmpRefusal::BadDestination));
}

#[test]
fn fragments() {
    let mut later = Client::V4.bytes();
    later[6..8].copy_from_slice(&[0x20, 5]);
    fix_checksum(&mut later);
    let results = all_errors(&packet::parse(&later).unwrap(), VIP);
    assert!(results.iter().all(|result| *result == Err(IcmpRefusal::Fragment)), "RFC 1122 section 3.2.2");

    let mut first = Client::V4.bytes();
    first[6..8].copy_from_slice(&[0x20, 0]);
    fix_checksum(&mut first);
    assert!(all_errors(&packet::parse(&first).unwrap(), VIP).iter().all(Result::is_ok));

    let plain = Client { payload: 16, ..Client::V6 }.bytes();
    let fragment = |offset: u8| {
        let mut packet = [&plain[..40], &[17, 0, 0, offset, 0, 0, 0, 1], &plain[40..]].concat();
        packet[6] = 44;
        packet[5] += 8;
        packet
    };
    let later = fragment(0x09);
    let [too_big, exceeded, _] = all_errors(&packet::parse(&later).unwrap(), VIP6);
    assert!(too_big.is_ok(), "RFC 4443 has no such rule, and path MTU discovery needs it");
    assert_eq!(exceeded, Err(IcmpRefusal::Fragment));

    let mut ping = message(false, 8);
    ping[6] = 0x20;
    fix_checksum(&mut ping);
    let result = sent(|out| echo_reply(&packet::parse(&ping).unwrap(), out));
    assert_eq!(result, Err(IcmpRefusal::Fragment), "its checksum covers what is not here");
}

#[test]
fn a_damaged_ping_is_not_answered() {
    for v6 in [false, true] {
        let mut ping = message(v6, if v6 { 128 } else { 8 });
        assert!(echo_reply(&packet::parse(&ping).unwrap(), &mut [0; 200]).is_ok());
        let last = ping.len() - 1;
        ping[last] ^= 1;
        let result = sent(|out| echo_reply(&packet::parse(&ping).unwrap(), out));
        assert_eq!(result, Err(IcmpRefusal::BadChecksum));
    }
}

#[test]
fn options_and_extension_headers_do_not_come_back() {
    // A v4 ping with four bytes of options, a v6 ping behind a destination options header.
    let plain = message(false, 8);
    let mut ping = [&plain[..20], &[1, 1, 1, 0], &plain[20..]].concat();
    ping[0] = 0x46;
    ping[3] += 4;
    ping[10..12].fill(0);
    let checksum = Sum::of(&ping[..24]).checksum().to_be_bytes();
    ping[10..12].copy_from_slice(&checksum);
    let with_options = sent(|out| echo_reply(&packet::parse(&ping).unwrap(), out));
    assert_eq!(with_options, sent(|out| echo_reply(&packet::parse(&plain).unwrap(), out)));

    let plain = message(true, 128);
    let mut ping = [&plain[..40], &[58, 0, 1, 4, 0, 0, 0, 0], &plain[40..]].concat();
    ping[6] = 60;
    ping[5] += 8;
    let with_extension = sent(|out| echo_reply(&packet::parse(&ping).unwrap(), out));
    assert_eq!(with_extension, sent(|out| echo_reply(&packet::parse(&plain).unwrap(), out)));
}

#[test]
fn a_source_of_the_other_family_is_the_callers_mistake() {
    let (v4, v6) = (Client::V4.bytes(), Client::V6.bytes());
    let (v4, v6) = (packet::parse(&v4).unwrap(), packet::parse(&v6).unwrap());
    for result in all_errors(&v4, VIP6).iter().chain(&all_errors(&v6, VIP)) {
        assert_eq!(*result, Err(IcmpRefusal::SourceFamily));
    }
}

#[test]
fn a_short_buffer_is_an_error_that_says_how_long() {
    let bytes = Client::V4.bytes();
    let packet = packet::parse(&bytes).unwrap();
    let needed = 28 + bytes.len();
    for length in 0..needed {
        let result = time_exceeded(&packet, VIP, &mut vec![0; length]);
        assert_eq!(result, Err(IcmpRefusal::OutTooSmall { needed }));
    }
    let ping = message(true, 128);
    let result = echo_reply(&packet::parse(&ping).unwrap(), &mut [0; 10]);
    assert_eq!(result, Err(IcmpRefusal::OutTooSmall { needed: ping.len() }));
}

proptest! {
    /// Whatever the packet: within the size limit, right checksums (etherparse's), and our
    /// own parser finds the client's flow in the quotation.
    #[test]
    fn errors_are_well_formed(client in client(), kind in 0_usize..3, mtu in 68_u16..9000) {
        let bytes = client.bytes();
        let packet = packet::parse(&bytes).unwrap();
        let source = if client.v6 { VIP6 } else { VIP };
        let out = match kind {
            0 => sent(|out| packet_too_big(&packet, mtu, source, out)),
            1 => sent(|out| time_exceeded(&packet, source, out)),
            _ => sent(|out| port_unreachable(&packet, source, out)),
        }.unwrap();
        let limit = if client.v6 { 1280 } else { 576 };
        let header = if client.v6 { 48 } else { 28 };
        prop_assert_eq!(out.len(), (bytes.len() + header).min(limit));
        check_with_etherparse(&out);
        let Payload::Icmp(IcmpMessage::Error(error)) = packet::parse(&out).unwrap().payload else {
            panic!("no error: {out:?}");
        };
        match (kind, error.kind) {
            (0, IcmpErrorKind::TooBig { mtu: told }) => prop_assert_eq!(told, u32::from(mtu)),
            (1, IcmpErrorKind::TimeExceeded { code: 0 }) => {}
            (2, IcmpErrorKind::Unreachable { code }) => prop_assert_eq!(code, if client.v6 { 4 } else { 3 }),
            (_, other) => prop_assert!(false, "{:?}", other),
        }
        prop_assert_eq!(error.quoted.flow_key(), packet.flow_key());
        // An error about our error is never sent.
        let ours = packet::parse(&out).unwrap();
        prop_assert!(all_errors(&ours, source).iter().all(Result::is_err));
    }

    #[test]
    fn random_packets_are_no_reason_to_panic(
        v6: bool, message_type: u8, damage in proptest::collection::vec((0_usize..90, any::<u8>()), 0..4),
    ) {
        let mut bytes = message(v6, message_type);
        for (at, value) in damage {
            let at = at % bytes.len();
            bytes[at] = value;
        }
        if !v6 { fix_checksum(&mut bytes); }
        if let Ok(packet) = packet::parse(&bytes) {
            let source = packet.ip.addresses.destination();
            let _ = (all_errors(&packet, source), sent(|out| echo_reply(&packet, out)));
            let _ = translate_tunnel_error(&packet, 6080);
        }
    }

    /// Over any time span no more leaves than the burst and what the rate brings back.
    #[test]
    fn the_rate_limit_holds(
        steps in proptest::collection::vec((0_u64..200, 0_u8..4), 1..300), rate in 1_u32..50, burst in 1_u32..20
    ) {
        let limits = RateLimits {
            per_second: rate * 2, burst: burst * 2, client_per_second: rate, client_burst: burst, client_buckets: 64,
        };
        let mut limiter = RateLimiter::new(limits, HashKey::new([1; 16]));
        let mut now = Time::from_millis(5);
        let mut all = Vec::new();
        let mut by_client: [Vec<Time>; 4] = Default::default();
        for (milliseconds, client) in steps {
            now += Duration::from_millis(milliseconds);
            let address = IpAddr::V4(Ipv4Addr::new(192, 0, 2, client));
            if limiter.allow(now, address) {
                all.push(now);
                by_client[usize::from(client)].push(now);
            }
        }
        prop_assert!(!all.is_empty());
        check_spans(&all, burst * 2, rate * 2);
        by_client.iter().for_each(|times| check_spans(times, burst, rate));
    }
}

/// Between any two of `times`, both counted, lie no more than the burst and what came back.
fn check_spans(times: &[Time], burst: u32, rate: u32) {
    for (first, &since) in times.iter().enumerate() {
        for (last, &until) in times.iter().enumerate().skip(first) {
            let came_back = f64::from(rate) * (until - since).as_secs_f64();
            assert!((last - first + 1) as f64 <= f64::from(burst) + came_back + 1e-3);
        }
    }
}

fn check_with_etherparse(packet: &[u8]) {
    use etherparse::{Icmpv4Slice, Icmpv6Slice, Ipv4HeaderSlice, Ipv6HeaderSlice};
    if packet[0] >> 4 == 4 {
        let ip = Ipv4HeaderSlice::from_slice(packet).unwrap();
        assert_eq!(ip.header_checksum(), ip.to_header().calc_header_checksum());
        let icmp = Icmpv4Slice::from_slice(&packet[20..]).unwrap();
        assert_eq!(icmp.checksum(), icmp.icmp_type().calc_checksum(icmp.payload()));
    } else {
        let ip = Ipv6HeaderSlice::from_slice(packet).unwrap();
        let icmp = Icmpv6Slice::from_slice(&packet[40..]).unwrap();
        assert!(icmp.is_checksum_valid(ip.source(), ip.destination()));
    }
}

#[test]
fn a_noisy_client_does_not_use_up_the_others_share() {
    let mut limiter = RateLimiter::new(RateLimits::default(), HashKey::new([2; 16]));
    let noisy = IpAddr::V6(CLIENT_V6);
    let now = Time::from_millis(1);
    assert_eq!((0..1000).filter(|_| limiter.allow(now, noisy)).count(), 10);
    let neighbour = "2001:db8:1:0:ffff::1".parse().unwrap();
    assert!(!limiter.allow(now, neighbour), "the same /64 is the same host");
    let others = (0..100_u8).map(|last| IpAddr::V4(Ipv4Addr::new(198, 51, 100, last)));
    let served = others.filter(|&client| limiter.allow(now, client)).count();
    assert_eq!(served, 40, "the burst for all less what the noisy client got");
}

#[test]
fn rates_of_zero_and_no_buckets() {
    let client = IpAddr::V4(CLIENT_V4);
    let none = RateLimits { per_second: 0, ..RateLimits::default() };
    assert!(!RateLimiter::new(none, HashKey::new([0; 16])).allow(Time::ZERO, client));
    let none = RateLimits { client_burst: 0, ..RateLimits::default() };
    assert!(!RateLimiter::new(none, HashKey::new([0; 16])).allow(Time::ZERO, client));
    let shared = RateLimits { client_buckets: 0, ..RateLimits::default() };
    let mut limiter = RateLimiter::new(shared, HashKey::new([0; 16]));
    assert_eq!((0..1000).filter(|_| limiter.allow(Time::ZERO, client)).count(), 50);
    assert!(limiter.allow(Time::MAX, client), "the end of time is a time");
}
