//! Profile `own`: any node serves any flow, and a flow keeps its backend.

use std::string::ToString;
use std::time::Duration;
use std::vec::Vec;

use etherparse::PacketBuilder;

use super::{Client, VIP, World, client_address, icmp_error, play, set_dont_fragment};
use crate::arbitrary::packet::{Draft, Upper, bytes::fix_checksum};
use crate::config::BackendState;
use crate::director::{BatchPacket, DropReason, PassReason, Step, Verdict};
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

/// A reset and a SYN need no sequence number to be forged.
#[test]
fn forged_packets_move_no_flow_off_an_active_backend() {
    let mut world = World::with(OWN, &["active", "active"]);
    let clients: Vec<_> = (0..400).map(|number| Client { port: 20_000 + number }).collect();
    let before: Vec<_> = clients.iter().map(|client| world.backend_of(&client.tcp("S", 0))).collect();
    world.set_config(OWN, &["active", "active", "active"]);
    for (client, backend) in clients.iter().zip(before) {
        for forged in ["R", "S"] {
            world.handle(&client.tcp(forged, 0));
        }
        assert_eq!(world.backend_of(&client.tcp("A", 0)), backend);
    }
}

/// Who drains keeps its flows and gets no new one, on old ports neither.
#[test]
fn a_port_used_anew_leaves_a_draining_backend() {
    for ended in ["FA", "R"] {
        let mut world = World::new(OWN);
        let backend = world.backend_of(&ONE.tcp("S", 0));
        world.set(backend, BackendState::Drain);
        assert_eq!(world.backend_of(&ONE.tcp(ended, 0)), backend);
        assert!(world.say(&ONE.tcp("S", 0)).starts_with("new"));
        assert_ne!(world.backend_of(&ONE.tcp("A", 0)), backend);
    }
}

/// An error or a fragment does not decide where a flow goes from now on.
#[test]
fn errors_about_a_flow_of_a_dead_backend_are_not_counted_as_flows() {
    let mut world = World::new(OWN);
    let backend = world.backend_of(&ONE.tcp("S", 0));
    world.set(backend, BackendState::Down);
    (0..10).for_each(|_| assert!(world.say(&ONE.too_big()).starts_with("untracked")));
    let counters = *world.director.services()[0].counters();
    assert_eq!((counters.rechosen, counters.untracked), (0, 10));
    assert!(world.say(&ONE.tcp("A", 0)).starts_with("rechosen"));
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
    // As well formed as a plain packet of IPv6, but for the version.
    for version in (0..16_u8).filter(|version| *version != 4 && *version != 6) {
        let mut unknown = [7; 60];
        unknown[..8].copy_from_slice(&[version << 4, 0, 0, 0, 0, 20, 6, 64]);
        assert_eq!(world.handle(&unknown), Verdict::Pass(PassReason::NotIp), "version {version}");
    }
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
fn no_packet_comes_from_loopback_or_from_a_group() {
    for source in [[127, 0, 0, 1], [0, 0, 0, 5], [224, 0, 0, 1], [255, 255, 255, 255], VIP.octets()] {
        let mut world = World::new(OWN);
        let builder = PacketBuilder::ipv4(source, VIP.octets(), 64).tcp(40_000, 443, 0, 0).syn();
        let mut syn = Vec::new();
        builder.write(&mut syn, &[]).unwrap();
        let (_, mut later) = fragments();
        later[12..16].copy_from_slice(&source);
        fix_checksum(&mut later);
        let answer = PacketBuilder::ipv4(VIP.octets(), [192, 0, 2, 1], 60).tcp(443, 40_000, 1, 1);
        let mut quote = Vec::new();
        answer.write(&mut quote, &[]).unwrap();
        let error_from_it = icmp_error(source, VIP.octets(), &quote[..28]);
        quote[16..20].copy_from_slice(&source);
        let error_about_it = icmp_error([198, 51, 100, 1], VIP.octets(), &quote[..28]);
        // Of the quoted packet's later fragments too, which carry no ports.
        quote[6..8].copy_from_slice(&2_u16.to_be_bytes());
        let error_about_its_fragment = icmp_error([198, 51, 100, 1], VIP.octets(), &quote[..28]);

        let packets = [syn, later, error_from_it, error_about_it, error_about_its_fragment];
        for (number, packet) in packets.iter().enumerate() {
            let verdict = world.handle(packet);
            assert_eq!(verdict, Verdict::Drop(DropReason::UnusableSource), "{source:?}, packet {number}");
        }
        assert!(world.director.connections().is_empty());
        assert_eq!(world.director.counters().dropped(DropReason::UnusableSource), 5);
    }
}

/// What is told of a backend that is gone must not be read as told of its successor.
#[test]
fn events_name_the_backend_that_they_were_about() {
    let mut world = World::with(OWN, &["active"]);
    world.director.set_observing(true);
    (0..2).for_each(|_| _ = world.handle(&ONE.tcp("S", 0)));
    world.set_config(OWN, &["absent"]);
    world.now += Duration::from_secs(1_000);
    world.set_config(OWN, &["absent", "active"]);

    let event = world.director.poll_event().expect("the flow was forgotten");
    let (observed, _) = world.director.poll_observation().expect("its second SYN was noted");
    for id in [event.backend, observed] {
        let named = world.director.backend(id).expect("an id that was handed out").endpoint();
        assert_eq!(named.address, std::net::IpAddr::from([10, 1, 0, 1]));
    }
    // Once nobody can ask any more the number is free.
    world.set_config(OWN, &["absent", "active", "active"]);
    let numbers = world.director.services()[0].backends().iter().map(|id| id.0);
    assert_eq!(numbers.collect::<Vec<_>>(), [1, 0]);
}

#[test]
fn explain_tells_what_decided_and_what_is_answered() {
    let mut world = World::new(OWN);
    for flags in ["S", "FA"] {
        world.handle(&ONE.tcp(flags, 0));
    }
    let explained = world.director.explain(world.now, &ONE.tcp("S", 0));
    let by_table = |step: &Step| matches!(step, Step::Table(_));
    assert!(!explained.steps.iter().any(by_table), "its entry names the backend:\n{explained}");

    let mut big = ONE.tcp("A", 1_460);
    set_dont_fragment(&mut big, true);
    let explained = world.director.explain(world.now, &big).to_string();
    assert!(explained.ends_with("answered here: too-big\n"), "{explained}");
}

/// Who sends fragments and errors makes no entries and moves none.
#[test]
fn floods_of_fragments_and_errors_touch_no_connection() {
    let mut world = World::new("connections: { max: 64 }");
    let clients: Vec<_> = (0..32).map(|number| Client { port: 20_000 + number }).collect();
    let before: Vec<_> = clients.iter().map(|client| world.backend_of(&client.tcp("S", 0))).collect();
    world.now += Duration::from_secs(2);
    clients.iter().for_each(|client| _ = world.backend_of(&client.tcp("A", 0)));
    let (mut first, later) = fragments();
    for number in 0..20_000_u16 {
        first[4..6].copy_from_slice(&number.to_be_bytes());
        fix_checksum(&mut first);
        world.handle(&later);
        world.handle(&Client { port: number }.too_big());
        // A first fragment has ports and opens its one flow, however many there are.
        world.handle(&first);
    }
    assert_eq!(world.director.connections().len(), 33);
    assert_eq!(world.director.fragments().len(), world.director.fragments().limit());
    for (client, backend) in clients.iter().zip(before) {
        assert_eq!(world.say(&client.tcp("A", 0)), std::format!("existing {}", backend.address));
    }
}

#[test]
fn outer_identifications_begin_anywhere_and_count_for_each_backend() {
    let mut world = World::new(OWN);
    let mut identification_of = |client: Client| {
        let mut datagram = client.udp();
        set_dont_fragment(&mut datagram, false);
        let Verdict::Forward { backend, .. } = world.handle(&datagram) else { panic!("not forwarded") };
        (backend, u16::from_be_bytes([world.out[4], world.out[5]]))
    };
    let mut latest = std::collections::BTreeMap::new();
    for port in 0..100 {
        let (backend, identification) = identification_of(Client { port: 30_000 + port });
        if let Some(before) = latest.insert(backend, identification) {
            assert_eq!(identification, before.wrapping_add(1), "one after the other");
        } else {
            assert!(identification > 100, "whoever knows no key cannot foresee it");
        }
    }
    assert_eq!(latest.len(), 3);
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

/// The fragment table is as large, and remembers for as long, as the configuration says.
#[test]
fn fragments_are_remembered_as_configured() {
    let (first, later) = fragments();
    for (head, limit, seconds) in [("", 16_384, 30), ("fragments: { max: 7, timeout: 5s }", 7, 5)] {
        let mut world = World::new(head);
        assert_eq!(world.director.fragments().limit(), limit);
        world.handle(&first);
        let forgotten = world.now + Duration::from_secs(seconds);
        assert_eq!(world.director.fragments().poll_timeout(), Some(forgotten));
        world.director.handle_timeout(forgotten);
        assert!(world.director.fragments().is_empty());
    }
    let mut world = World::new("fragments: { max: 0 }");
    world.handle(&first);
    assert!(world.director.fragments().is_empty());
    assert!(matches!(world.handle(&later), Verdict::Forward { .. }), "by its addresses");
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
