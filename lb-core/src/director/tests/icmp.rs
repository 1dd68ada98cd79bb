//! ICMP at a node: what it answers, passes on, leaves to the host, and how often.

use std::time::Duration;
use std::vec::Vec;

use etherparse::PacketBuilder;

use super::{Client, VIP, World, icmp_error, set_dont_fragment};
use crate::director::{DropReason, PassReason, ReplyKind, Verdict};
use crate::packet::{self, ParseError};

const OWN: &str = "profile: { kind: own }";
const ONE: Client = Client { port: 40_000 };

#[test]
fn too_big_and_too_old_packets_are_answered_within_a_rate() {
    let mut world = World::new(OWN);
    // 1,500 bytes with DF do not fit beside 20 bytes of tunnel.
    let mut big = ONE.tcp("A", 1_460);
    set_dont_fragment(&mut big, true);
    let Verdict::Reply { kind: ReplyKind::TooBig, length } = world.handle(&big) else { panic!("no answer") };
    let answer = packet::parse(&world.out[..length]).unwrap();
    assert_eq!(answer.ip.addresses.source(), std::net::IpAddr::V4(VIP));
    assert_eq!(world.out[26..28], 1_480_u16.to_be_bytes(), "next-hop MTU");
    assert_eq!(answer.flow_key().unwrap(), packet::parse(&big).unwrap().flow_key().unwrap().reversed());

    let verdicts: Vec<_> = (0..100).map(|_| world.handle(&big)).collect();
    assert!(verdicts.contains(&Verdict::Drop(DropReason::RateLimited)));

    let mut world = World::new(OWN);
    let old = PacketBuilder::ipv4([192, 0, 2, 1], VIP.octets(), 1).tcp(40_000, 443, 0, 0);
    let mut bytes = Vec::new();
    old.write(&mut bytes, &[]).unwrap();
    assert!(matches!(world.handle(&bytes), Verdict::Reply { kind: ReplyKind::TimeExceeded, .. }));
}

#[test]
fn echo_requests_to_a_vip_are_answered() {
    let mut world = World::new(OWN);
    let ping = |destination| {
        let mut bytes = Vec::new();
        let builder = PacketBuilder::ipv4([192, 0, 2, 1], destination, 64).icmpv4_echo_request(7, 9);
        builder.write(&mut bytes, b"hello").unwrap();
        bytes
    };
    assert!(matches!(world.handle(&ping(VIP.octets())), Verdict::Reply { kind: ReplyKind::Echo, .. }));
    assert_eq!(world.handle(&ping([10, 0, 0, 11])), Verdict::Pass(PassReason::NoService));
}

#[test]
fn a_routers_error_about_the_tunnel_reaches_the_client() {
    let mut world = World::new(OWN);
    let mut data = ONE.tcp("A", 1_400);
    set_dont_fragment(&mut data, true);
    let Verdict::Forward { length, .. } = world.handle(&data) else { panic!("not forwarded") };
    let outer = world.out[..length].to_vec();

    let report = icmp_error([10, 9, 9, 9], [10, 0, 0, 11], &outer[..100]);
    let Verdict::Reply { kind: ReplyKind::TranslatedTooBig, .. } = world.handle(&report) else {
        panic!("not passed on")
    };
    assert_eq!(world.out[16..20], [192, 0, 2, 1], "to the client");
    assert_eq!(world.out[26..28], 1_380_u16.to_be_bytes(), "the tunnel's 20 bytes less");

    // A forged one about a backend that is not ours is good for nothing.
    let mut forged = outer;
    forged[19] = 77;
    let report = icmp_error([10, 9, 9, 9], [10, 0, 0, 11], &forged[..100]);
    assert_eq!(world.handle(&report), Verdict::Drop(DropReason::UselessError));
    // Neither is one that quotes somebody else's packet.
    forged[15] = 99;
    let report = icmp_error([10, 9, 9, 9], [10, 0, 0, 11], &forged[..100]);
    assert_eq!(world.handle(&report), Verdict::Drop(DropReason::UselessError));
}

/// RFC 792 asks a router for eight bytes of what it could not send; RFC 2003
/// section 5 the tunnel's beginning to remember what it is told.
#[test]
fn a_narrow_path_is_remembered_for_ten_minutes() {
    for quoted in [28, 100] {
        let mut world = World::with(OWN, &["active"]);
        let mut data = ONE.tcp("A", 1_420);
        set_dont_fragment(&mut data, true);
        let Verdict::Forward { length, backend, .. } = world.handle(&data) else { panic!("not forwarded") };
        let outer = world.out[..length].to_vec();
        assert_eq!(world.director.backend(backend).unwrap().path_mtu(world.now), None);
        world.handle(&icmp_error([10, 9, 9, 9], [10, 0, 0, 11], &outer[..quoted]));
        assert_eq!(world.director.backend(backend).unwrap().path_mtu(world.now), Some(1_400));

        // Any client's next big packet is answered here, with the tunnel's 20 bytes taken off.
        let mut other = Client { port: 40_001 }.tcp("A", 1_420);
        set_dont_fragment(&mut other, true);
        let verdict = world.handle(&other);
        assert!(matches!(verdict, Verdict::Reply { kind: ReplyKind::TooBig, .. }), "{verdict:?}");
        assert_eq!(world.out[26..28], 1_380_u16.to_be_bytes());
        let mut fits = Client { port: 40_001 }.tcp("A", 1_340);
        set_dont_fragment(&mut fits, true);
        assert!(matches!(world.handle(&fits), Verdict::Forward { length: 1_400, .. }));

        world.now += Duration::from_secs(600);
        assert!(matches!(world.handle(&other), Verdict::Forward { .. }), "it may have become wider");
    }
}

/// Whoever knows both addresses can make a path narrow, but not useless.
#[test]
fn no_error_makes_a_path_narrower_than_every_path_is() {
    let mut world = World::with(OWN, &["active"]);
    let mut data = ONE.tcp("A", 1_000);
    set_dont_fragment(&mut data, true);
    let Verdict::Forward { length, backend, .. } = world.handle(&data) else { panic!("not forwarded") };
    let mut report = icmp_error([10, 9, 9, 9], [10, 0, 0, 11], &world.out[..length][..28]);
    report[26..28].copy_from_slice(&68_u16.to_be_bytes());
    report[22..24].fill(0);
    let checksum = crate::checksum::Sum::ZERO.bytes(&report[20..]).checksum();
    report[22..24].copy_from_slice(&checksum.to_be_bytes());
    world.handle(&report);
    assert_eq!(world.director.backend(backend).unwrap().path_mtu(world.now), Some(576));
}

/// What is wrong with a packet for somebody else is for somebody else to say.
#[test]
fn packets_for_other_hosts_are_left_to_the_host() {
    let mut world = World::new(OWN);
    // An answer of another address, as a translator quotes it.
    let quote = ONE.tcp("A", 0);
    let foreign = icmp_error([198, 51, 100, 1], [198, 18, 9, 9], &quote[..28]);
    assert_eq!(world.handle(&foreign), Verdict::Pass(PassReason::NoService));
    // The node's own connections have errors too; a short quotation tells the host enough.
    let short = |destination| icmp_error([198, 51, 100, 1], destination, &quote[..22]);
    assert_eq!(world.handle(&short([10, 0, 0, 11])), Verdict::Pass(PassReason::NoService));
    let ours = world.handle(&short(VIP.octets()));
    assert_eq!(ours, Verdict::Drop(DropReason::Malformed(ParseError::TruncatedQuote)));
    // A routing header with segments left: the receiver goes on with it, or refuses it.
    let mut routed = std::vec![0_u8; 40 + 24 + 20];
    routed[0] = 0x60;
    routed[4..6].copy_from_slice(&44_u16.to_be_bytes());
    (routed[6], routed[7]) = (43, 64);
    routed[8..24].copy_from_slice(&[0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]);
    routed[24..40].copy_from_slice(&[0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2]);
    routed[40..44].copy_from_slice(&[6, 2, 0, 1]);
    assert_eq!(packet::parse(&routed), Err(ParseError::SourceRouted));
    assert_eq!(world.handle(&routed), Verdict::Pass(PassReason::NoService));
}

/// Rates are configuration, and change while the node runs.
#[test]
fn pings_are_answered_at_the_configured_rate() {
    let answered = |world: &mut World| {
        (0..10)
            .filter(|_| {
                let builder = PacketBuilder::ipv4([192, 0, 2, 1], VIP.octets(), 64).icmpv4_echo_request(7, 9);
                let mut ping = Vec::new();
                builder.write(&mut ping, b"hello").unwrap();
                matches!(world.handle(&ping), Verdict::Reply { kind: ReplyKind::Echo, .. })
            })
            .count()
    };
    let mut world = World::new("icmp: { echo: { clientPerSecond: 1, clientBurst: 3 } }");
    assert_eq!(answered(&mut world), 3);
    world.set_config("icmp: { echo: { perSecond: 0 } }", &["active"]);
    assert_eq!(answered(&mut world), 0);
    world.set_config("", &["active"]);
    assert_eq!(answered(&mut world), 10);
}

/// A client that is not told its path's MTU hangs; a ping that is not answered is asked again.
#[test]
fn a_ping_flood_leaves_path_mtu_discovery_alone() {
    let mut world = World::new(OWN);
    let mut big = ONE.tcp("A", 1_460);
    set_dont_fragment(&mut big, true);
    let mut told = 0;
    for number in 0..20_000_u32 {
        world.now += Duration::from_micros(50);
        let [_, _, high, low] = number.to_be_bytes();
        let builder = PacketBuilder::ipv4([10, 7, high, low], VIP.octets(), 64).icmpv4_echo_request(7, 9);
        let mut ping = Vec::new();
        builder.write(&mut ping, b"hello").unwrap();
        world.handle(&ping);
        if number % 4_000 == 0 {
            let verdict = world.handle(&big);
            told += u32::from(matches!(verdict, Verdict::Reply { kind: ReplyKind::TooBig, .. }));
        }
    }
    assert_eq!(told, 5);
    assert!(world.director.counters().dropped(DropReason::RateLimited) > 0, "pings are rationed");
}
