//! Tests of configurations that change under sessions: only what must fall falls.

use core::time::Duration;

use super::*;
use crate::bgp::{Asn, Community, DownReason, PeerConfig, SpeakerConfig, State};

fn configured(world: &mut World, change: impl FnOnce(&mut SpeakerConfig)) {
    let mut config = configs(V4)[NODE].clone();
    change(&mut config);
    let now = world.now;
    world.speakers[NODE].configure(now, config);
    world.settle();
}

fn with_a_route() -> World {
    let mut world = World::up(configs(V4));
    let now = world.now;
    world.speakers[NODE].announce(now, vip(1), Route::default());
    world.settle();
    world.forget();
    world
}

#[test]
fn the_same_configuration_changes_nothing() {
    let mut world = with_a_route();
    configured(&mut world, |_| {});
    assert_eq!((world.events[NODE].len(), world.updates[NODE].len()), (0, 0));
}

#[test]
fn what_routes_say_changes_in_the_session() {
    let mut world = with_a_route();
    configured(&mut world, |config| {
        config.peers[0].export.communities.push(Community::NO_EXPORT);
        config.peers[0].export.med = Some(7);
    });
    assert_eq!(world.downs(NODE), []);
    let Some(Event::Received { attributes, .. }) = world.events[ROUTER].first() else { panic!() };
    assert_eq!((attributes.med, &attributes.communities[..]), (Some(7), &[Community::NO_EXPORT][..]));
}

#[test]
fn a_graceful_shutdown_is_told_in_the_session_and_taken_back() {
    let mut world = with_a_route();
    let told = |world: &World| match world.events[ROUTER].last() {
        Some(Event::Received { attributes, .. }) => attributes.communities.clone(),
        other => panic!("{other:?}"),
    };
    configured(&mut world, |config| config.graceful_shutdown = true);
    assert_eq!(told(&world), [Community::GRACEFUL_SHUTDOWN]);
    configured(&mut world, |_| {});
    assert_eq!(told(&world), []);
    configured(&mut world, |config| config.peers[0].export.graceful_shutdown = true);
    assert_eq!(told(&world), [Community::GRACEFUL_SHUTDOWN]);
    assert_eq!(world.status(NODE).times_established, 1);
}

#[test]
fn a_next_hop_that_comes_and_goes_brings_and_takes_the_routes_of_its_family() {
    let mut world = with_a_route();
    let now = world.now;
    world.speakers[NODE].announce(now, prefix("2001:db8:f::10/128"), Route::default());
    world.settle();
    assert_eq!(world.status(NODE).routes_announced, 1);
    let next_hop = "2001:db8::11".parse().unwrap();
    configured(&mut world, |config| config.peers[0].export.next_hop_v6 = Some(next_hop));
    assert_eq!(world.status(NODE).routes_announced, 2);
    configured(&mut world, |_| {});
    assert_eq!((world.status(NODE).routes_announced, world.status(NODE).routes_pending), (1, 0));
    assert_eq!(world.status(ROUTER).routes_received, 1);
    assert_eq!(world.downs(NODE), []);
}

#[test]
fn times_of_our_own_change_in_the_session() {
    let mut world = with_a_route();
    configured(&mut world, |config| {
        let peer = &mut config.peers[0];
        peer.timers.connect_retry *= 2;
        peer.timers.idle_hold_min *= 2;
        peer.timers.idle_hold_max *= 2;
        peer.timers.keepalive = Some(Duration::from_secs(1));
        peer.graceful_restart.stale_time *= 2;
        peer.prefix_limit.max += 1;
    });
    assert_eq!(world.status(NODE).times_established, 1);
    let before = world.status(NODE).counters.messages_sent;
    world.pass(60);
    let sent = world.status(NODE).counters.messages_sent - before;
    assert!((55..=80).contains(&sent), "{sent} signs of life at the new pace");
    configured(&mut world, |config| config.peers[0].timers.hold *= 2);
    assert_eq!(world.status(NODE).times_established, 2, "the hold time is agreed on");
}

#[test]
fn a_peer_with_an_address_of_its_own_is_known_by_it_on_whatever_interface() {
    for address in ["10.0.0.1", "2001:db8::1"] {
        let peer = PeerConfig {
            interface: Some("eth0".into()),
            ..PeerConfig::new(address.parse().unwrap(), Asn(1))
        };
        let config = SpeakerConfig {
            peers: [peer].to_vec(),
            ..SpeakerConfig::new(Asn(64_512), [10, 0, 0, 11].into())
        };
        let speaker = Speaker::new(config, Start::Cold, 1);
        // sockets tell the interface of link-local addresses alone
        assert!(speaker.peer_at(address.parse().unwrap(), None).is_some(), "{address}");
    }
}

#[test]
fn what_was_agreed_on_begins_a_new_session() {
    let mut world = with_a_route();
    configured(&mut world, |config| config.peers[0].timers.hold = Duration::from_secs(6));
    assert_eq!(world.downs(NODE)[0].reason, DownReason::ConfigurationChanged);
    world.pass(5);
    assert_eq!(world.agreed(NODE).hold_time, Duration::from_secs(6));
    assert_eq!(world.status(ROUTER).routes_received, 1);
}

#[test]
fn another_identity_begins_all_sessions_anew() {
    let mut world = with_a_route();
    configured(&mut world, |config| config.router_id = "10.0.0.12".parse().unwrap());
    assert_eq!(world.downs(NODE).len(), 1);
    world.pass(5);
    assert_eq!(world.agreed(ROUTER).router_id, core::net::Ipv4Addr::new(10, 0, 0, 12));
}

#[test]
fn a_peer_that_comes_does_not_touch_the_other_and_one_that_goes_is_told() {
    let mut world = with_a_route();
    let other = PeerConfig::new([10, 0, 0, 2].into(), Asn(64_501));
    configured(&mut world, |config| config.peers.push(other.clone()));
    assert_eq!(world.speakers[NODE].peers().count(), 2);
    assert_eq!(world.state(NODE), State::Established);
    assert_eq!(world.downs(NODE), []);
    let first = world.peer(NODE);

    configured(&mut world, |config| config.peers = [other].to_vec());
    let DownReason::NotificationReceived(told) = &world.downs(ROUTER)[0].reason else { panic!() };
    assert_eq!((told.code, told.subcode), (6, 3), "de-configured");
    assert_eq!(world.speakers[NODE].status(first), None);
    assert_ne!(world.peer(NODE), first, "the number is not given again");
    assert_eq!(world.events[NODE].iter().filter(|event| matches!(event, Event::Down(_))).count(), 1);
}

#[test]
fn of_two_peers_at_one_address_the_first_counts_unless_the_interface_tells_them_apart() {
    let at = |interface: Option<&str>, asn| PeerConfig {
        interface: interface.map(Into::into),
        ..PeerConfig::new("fe80::1".parse().unwrap(), Asn(asn))
    };
    let peers = [at(Some("eth0"), 1), at(Some("eth1"), 2), at(Some("eth0"), 3)].to_vec();
    let config = SpeakerConfig { peers, ..SpeakerConfig::new(Asn(64_512), [10, 0, 0, 11].into()) };
    let speaker = Speaker::new(config, Start::Cold, 1);
    let numbers: Vec<_> = speaker.peers().map(|(_, peer)| peer.asn).collect();
    assert_eq!(numbers, [Asn(1), Asn(2)]);
    let address = "fe80::1".parse().unwrap();
    assert_eq!(speaker.peer_at(address, Some("eth1")), speaker.peers().nth(1).map(|(id, _)| id));
    assert_eq!(speaker.peer_at(address, None), None);
}

#[test]
fn a_peer_that_an_operator_stopped_stays_so() {
    let mut world = with_a_route();
    let (now, peer) = (world.now, world.peer(NODE));
    world.speakers[NODE].stop_peer(now, peer, "");
    world.settle();
    configured(&mut world, |config| config.peers[0].timers.hold = Duration::from_secs(6));
    world.pass(600);
    assert_eq!(world.state(NODE), State::Idle);
    let now = world.now;
    world.speakers[NODE].start_peer(now, peer);
    world.pass(60);
    assert_eq!(world.state(NODE), State::Established);
}
