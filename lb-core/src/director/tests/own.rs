//! Profile `own`: any node serves any flow, and a flow keeps its backend.

use std::string::ToString;
use std::vec::Vec;

use etherparse::PacketBuilder;

use super::{Client, VIP, World, client_address, icmp_error, play};
use crate::arbitrary::packet::{Draft, Upper, bytes::fix_checksum};
use crate::config::BackendState;
use crate::director::{BatchPacket, DropReason, PassReason, ReplyKind, Verdict};
use crate::encapsulation::decapsulate;
use crate::packet;
use crate::{FlowKey, Protocol, Time};

const OWN: &str = "profile: { kind: own }";
const ONE: Client = Client { port: 40_000 };

#[test]
fn a_connection_from_syn_to_port_reuse() {
    let mut world = World::new(OWN);
    play(
        &mut world,
        &[
            ("opens", ONE.tcp("S", 0), "new"),
            ("acknowledges", ONE.tcp("A", 0), "existing"),
            ("sends", ONE.tcp("A", 100), "existing"),
            ("a path reports", ONE.too_big(), "existing"),
            ("closes", ONE.tcp("FA", 0), "existing"),
            ("uses the port anew", ONE.tcp("S", 0), "new"),
            ("resets", ONE.tcp("R", 0), "existing"),
        ],
    );
    let counters = world.director.services()[0].counters();
    assert_eq!((counters.packets, counters.new_flows, counters.refused), (7, 2, 0));
}

#[test]
fn without_an_entry_every_packet_still_finds_the_same_backend() {
    let mut world = World::new(OWN);
    let syn_goes_to = world.backend_of(&ONE.tcp("S", 0));
    for (what, packet, choice) in [
        ("data of a flow from another node", ONE.tcp("A", 10), "picked-up"),
        ("a reset", ONE.tcp("R", 0), "untracked"),
        ("an error about an answer", ONE.too_big(), "untracked"),
    ] {
        let mut other = World::new(OWN);
        let said = other.say(&packet);
        assert_eq!(said, std::format!("{choice} {}", syn_goes_to.address), "{what}");
    }
}

#[test]
fn a_flow_leaves_a_backend_only_when_that_is_out_of_service() {
    for (state, expected) in [
        (BackendState::Active, "existing"),
        (BackendState::Drain, "existing"),
        (BackendState::Down, "rechosen"),
    ] {
        let mut world = World::new(OWN);
        let before = world.backend_of(&ONE.tcp("S", 0));
        world.set(before, state);
        let said = world.say(&ONE.tcp("A", 0));
        assert!(said.starts_with(expected), "{state:?}: {said}");
        let after = world.backend_of(&ONE.tcp("A", 0));
        assert_eq!(after == before, state != BackendState::Down, "{state:?}");
    }
}

#[test]
fn udp_to_a_dead_backend_is_rechosen_with_the_first_packet() {
    let mut world = World::new(OWN);
    let before = world.backend_of(&ONE.udp());
    let service = world.director.services()[1].address();
    let weight = crate::Weight(1);
    world.director.set_backend(service, before, BackendState::Down, weight, &mut world.tables).unwrap();
    assert!(world.say(&ONE.udp()).starts_with("rechosen"));
    assert_ne!(world.backend_of(&ONE.udp()), before);
    assert!(world.say(&ONE.udp()).starts_with("existing"));
}

#[test]
fn no_backend_is_a_drop_and_no_service_is_the_hosts() {
    let mut world = World::with(OWN, &["down", "drain"]);
    assert_eq!(world.handle(&ONE.tcp("S", 0)), Verdict::Drop(DropReason::NoBackend));
    assert_eq!(world.director.services()[0].counters().refused, 1);
    assert_eq!(world.director.counters().dropped(DropReason::NoBackend), 1);

    let mut other_port = ONE.tcp("S", 0);
    other_port[22..24].copy_from_slice(&444_u16.to_be_bytes());
    assert_eq!(world.handle(&other_port), Verdict::Pass(PassReason::NoService));
    assert_eq!(world.handle(&[0x90, 1, 2]), Verdict::Pass(PassReason::NotIp));
    let cut = world.handle(&ONE.tcp("S", 0)[..30]);
    assert!(matches!(cut, Verdict::Drop(DropReason::Malformed(_))), "{cut:?}");
}

#[test]
fn the_tunnel_carries_the_packet_one_hop_older() {
    let mut world = World::new(OWN);
    let inner = ONE.tcp("A", 100);
    let Verdict::Forward { backend, length, .. } = world.handle(&inner) else { panic!("not forwarded") };
    let endpoint = world.director.backend(backend).unwrap().endpoint();
    let outer = packet::parse(&world.out[..length]).unwrap();
    assert_eq!(outer.ip.addresses.source().to_string(), "10.0.0.11");
    assert_eq!(outer.ip.addresses.destination(), endpoint.address);
    let arrived = decapsulate(&world.out[..length]).unwrap();
    let arrived = packet::parse(arrived.inner()).unwrap();
    assert_eq!(arrived.ip.time_to_live, 63);
    assert_eq!(arrived.flow_key().unwrap().source().to_string(), client_address(ONE).ip().to_string());
    assert_eq!(arrived.upper_layer(), packet::parse(&inner).unwrap().upper_layer());
}

#[test]
fn too_big_and_too_old_packets_are_answered_within_a_rate() {
    let mut world = World::new(OWN);
    // 1,500 bytes with DF do not fit beside 20 bytes of tunnel.
    let mut big = ONE.tcp("A", 1_460);
    set_dont_fragment(&mut big);
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
    set_dont_fragment(&mut data);
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
    let report = icmp_error([10, 9, 9, 9], [10, 0, 0, 99], &forged[..100]);
    assert_eq!(world.handle(&report), Verdict::Drop(DropReason::UselessError));
}

#[test]
fn later_fragments_follow_the_first_and_wait_for_nothing() {
    let mut world = World::new(OWN);
    let (first, later) = fragments();
    // Before the first: three-tuple rule. After it: the flow's backend.
    assert!(world.say(&later).starts_with("untracked"));
    let backend = world.backend_of(&first);
    let said = world.say(&later);
    assert_eq!(said, std::format!("existing {}", backend.address));
}

#[test]
fn a_batch_says_what_one_by_one_says() {
    let packets: Vec<Vec<u8>> = (0..50)
        .flat_map(|port| {
            let client = Client { port: 41_000 + port % 20 };
            [client.tcp("S", 0), client.udp(), client.too_big(), client.tcp("FA", 0), Vec::from([0x90, 0])]
        })
        .collect();
    let (mut single, mut batched) = (World::new(OWN), World::new(OWN));
    let one_by_one: Vec<_> = packets.iter().map(|packet| single.handle(packet)).collect();

    let mut outs = std::vec![[0_u8; 2_000]; packets.len()];
    let mut batch: Vec<_> =
        packets.iter().zip(&mut outs).map(|(packet, out)| BatchPacket::new(packet, out)).collect();
    batched.director.handle_packets(Time::from_secs(100), &mut batch);
    let together: Vec<_> = batch.iter().map(|item| item.verdict).collect();
    assert_eq!(one_by_one, together);
    assert_eq!(single.director.counters(), batched.director.counters());
}

fn set_dont_fragment(packet: &mut [u8]) {
    packet[6] |= 0x40;
    fix_checksum(packet);
}

/// A UDP datagram to port 53 in two pieces.
fn fragments() -> (Vec<u8>, Vec<u8>) {
    let client = client_address(ONE);
    let flow = FlowKey::v4(Protocol::UDP, (*client.ip(), client.port()), (VIP, 53));
    let whole = Draft { identification: 7, ..Draft::new(flow.addresses(), Upper::udp(&flow, &[0; 20])) };
    let pieces = whole.cut(16);
    assert_eq!(pieces.len(), 2);
    (pieces[0].emit(), pieces[1].emit())
}
