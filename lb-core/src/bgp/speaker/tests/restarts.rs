//! Tests of graceful restarts (RFC 4724, RFC 8538): whose routes are kept, for how long, and who is told what.

use core::time::Duration;

use super::*;
use crate::bgp::{DownReason, SpeakerConfig, State};

/// The node restarts gracefully, the router helps.
fn restarting() -> [SpeakerConfig; 2] {
    let mut configs = configs(V4);
    configs[NODE].peers[0].graceful_restart.restarting = true;
    configs
}

fn with_routes(configs: [SpeakerConfig; 2], count: u32) -> World {
    let mut world = World::up(configs);
    let now = world.now;
    for number in 0..count {
        world.speakers[NODE].announce(now, vip(number), Route::default());
    }
    world.speakers[NODE].complete(now);
    world.settle();
    assert_eq!(world.status(ROUTER).routes_received, usize::try_from(count).unwrap());
    world
}

/// Another process of the node, not started.
fn successor(configs: &[SpeakerConfig; 2], start: Start) -> Speaker {
    Speaker::new(configs[NODE].clone(), start, 99)
}

#[test]
fn routes_stay_over_a_restart_and_those_that_are_gone_go_with_the_end() {
    let mut world = with_routes(restarting(), 3);
    world.replace(NODE, successor(&restarting(), Start::ForwardingPreserved));
    assert!(world.downs(ROUTER)[0].stale_kept);
    assert_eq!(world.status(ROUTER).routes_stale, 3);
    world.pass(5);
    let now = world.now;
    world.speakers[NODE].start(now);
    world.pass(10);
    assert_eq!(world.state(ROUTER), State::Established);
    assert_eq!(world.status(ROUTER).routes_stale, 3, "the node does not know yet what is healthy");
    world.speakers[NODE].announce(now, vip(0), Route::default());
    world.speakers[NODE].announce(now, vip(1), Route::default());
    world.settle();
    assert_eq!((world.status(ROUTER).routes_received, world.status(ROUTER).routes_stale), (3, 1));
    world.speakers[NODE].complete(now);
    world.settle();
    assert_eq!((world.status(ROUTER).routes_received, world.status(ROUTER).routes_stale), (2, 0));
    assert_eq!(world.heard(ROUTER), [vip(0), vip(1)].into());
}

#[test]
fn the_end_waits_no_longer_than_the_restart_time() {
    let mut world = with_routes(restarting(), 3);
    let mut node = successor(&restarting(), Start::ForwardingPreserved);
    node.start(world.now);
    world.replace(NODE, node);
    world.pass(119);
    assert_eq!(world.status(ROUTER).routes_stale, 3);
    world.pass(1);
    assert_eq!(world.status(ROUTER).routes_received, 0, "nobody said that the set is whole");
}

#[test]
fn a_node_that_lost_its_forwarding_says_so() {
    let mut world = with_routes(restarting(), 3);
    let mut node = successor(&restarting(), Start::Cold);
    node.start(world.now);
    world.replace(NODE, node);
    world.pass(10);
    assert_eq!(world.state(ROUTER), State::Established);
    assert_eq!(world.status(ROUTER).routes_received, 0);
}

#[test]
fn a_node_that_does_not_come_back_loses_its_routes() {
    let mut world = with_routes(restarting(), 3);
    world.replace(NODE, successor(&restarting(), Start::Cold));
    world.pass(119);
    assert_eq!(world.status(ROUTER).routes_received, 3);
    world.pass(1);
    assert_eq!((world.status(ROUTER).routes_received, world.heard(ROUTER).len()), (0, 0));
}

#[test]
fn a_session_that_only_broke_keeps_its_routes() {
    let mut world = with_routes(restarting(), 3);
    world.break_connections();
    world.pass(10);
    assert_eq!(world.status(ROUTER).times_established, 2);
    assert_eq!((world.status(ROUTER).routes_received, world.status(ROUTER).routes_stale), (3, 0));
    let withdrawn = world.events[ROUTER].iter().filter(|event| matches!(event, Event::Withdrawn { .. }));
    assert_eq!(withdrawn.count(), 0);
}

#[test]
fn restarting_is_off_unless_asked_for() {
    let mut world = with_routes(configs(V4), 3);
    world.refuses = true;
    world.break_connections();
    assert_eq!(world.status(ROUTER).routes_received, 0);
    assert!(!world.downs(ROUTER)[0].stale_kept);
}

#[test]
fn a_router_that_does_not_help_forgets() {
    let mut configs = restarting();
    configs[ROUTER].peers[0].graceful_restart.helper = false;
    let mut world = with_routes(configs, 3);
    world.refuses = true;
    world.break_connections();
    assert_eq!(world.heard(ROUTER).len(), 0);
}

/// RFC 8538: an expired hold timer is no death where both say so; a stop is.
#[test]
fn notifications_keep_routes_where_both_can_and_a_stop_never_does() {
    for (notification, kept) in [(true, 3), (false, 0)] {
        let mut configs = restarting();
        configs[ROUTER].peers[0].graceful_restart.notification = notification;
        let mut world = with_routes(configs, 3);
        world.cut = true;
        world.pass(9);
        assert_eq!(world.downs(ROUTER)[0].reason, DownReason::HoldTimerExpired);
        assert_eq!(world.status(ROUTER).routes_received, kept, "N is {notification}");
    }
    let mut world = with_routes(restarting(), 3);
    let now = world.now;
    world.speakers[NODE].stop(now, "for good");
    world.settle();
    let DownReason::NotificationReceived(notification) = &world.downs(ROUTER)[0].reason else { panic!() };
    assert!(notification.is_hard_reset());
    let inside = notification.inside_hard_reset().unwrap();
    assert_eq!(inside.shutdown_communication(), Some("for good"));
    assert_eq!(
        std::format!("{notification}"),
        "Cease: Hard Reset (Cease: Administrative Shutdown (\"for good\"))"
    );
    assert_eq!(world.status(ROUTER).routes_received, 0);
}

#[test]
fn routes_of_a_neighbour_that_bfd_calls_dead_are_not_kept() {
    let mut world = with_routes(restarting(), 3);
    let (now, peer) = (world.now, world.peer(ROUTER));
    world.refuses = true;
    world.speakers[ROUTER].handle_neighbour_down(now, peer, now);
    world.settle();
    assert_eq!(world.heard(ROUTER).len(), 0);
}

/// RFC 9384 section 3: where both keep routes over a NOTIFICATION, one for BFD's sake is a hard reset around BFD Down.
#[test]
fn a_router_keeps_no_routes_of_a_node_that_cannot_reach_it() {
    for (notification, words) in [(true, "Cease: Hard Reset (Cease: BFD Down)"), (false, "Cease: BFD Down")] {
        let mut configs = restarting();
        configs[ROUTER].peers[0].graceful_restart.notification = notification;
        let mut world = with_routes(configs, 3);
        let (now, peer) = (world.now, world.peer(NODE));
        world.refuses = true;
        world.speakers[NODE].handle_neighbour_down(now, peer, now);
        world.settle();
        let DownReason::NotificationReceived(told) = &world.downs(ROUTER)[0].reason else { panic!() };
        assert_eq!(std::format!("{told}"), words, "N is {notification}");
        assert_eq!(world.status(ROUTER).routes_received, 0, "N is {notification}");
    }
}

#[test]
fn the_node_helps_a_router_too() {
    let mut configs = configs(V4);
    configs[ROUTER].peers[0].graceful_restart.restarting = true;
    configs[ROUTER].peers[0].graceful_restart.restart_time = Duration::from_secs(60);
    let mut world = World::up(configs.clone());
    let now = world.now;
    world.speakers[ROUTER].announce(now, prefix("0.0.0.0/0"), Route::default());
    world.speakers[ROUTER].complete(now);
    world.settle();
    let mut router = Speaker::new(configs[ROUTER].clone(), Start::ForwardingPreserved, 5);
    router.start(now);
    world.replace(ROUTER, router);
    assert_eq!(world.status(NODE).routes_stale, 1);
    world.pass(30);
    assert_eq!((world.state(NODE), world.status(NODE).routes_stale), (State::Established, 1));
    world.pass(40);
    assert_eq!(world.status(NODE).routes_received, 0, "it came back and did not tell it again");
}

#[test]
fn what_bfd_says_of_a_router_before_its_restart_does_not_touch_the_session_after_it() {
    let mut configs = configs(V4);
    configs[ROUTER].peers[0].graceful_restart.restarting = true;
    let mut world = World::up(configs.clone());
    let heard = world.now;
    world.pass(1);
    let mut router = Speaker::new(configs[ROUTER].clone(), Start::ForwardingPreserved, 5);
    router.start(world.now);
    world.replace(ROUTER, router);
    world.pass(6);
    assert_eq!(world.status(NODE).times_established, 2, "it is back");
    let (now, peer) = (world.now, world.peer(NODE));
    world.speakers[NODE].handle_neighbour_down(now, peer, heard);
    world.settle();
    assert_eq!((world.state(NODE), world.downs(NODE).len()), (State::Established, 1));
    // BFD has found the new one too, and it dies like any other.
    world.speakers[NODE].handle_neighbour_down(now, peer, now);
    world.settle();
    assert_eq!(world.downs(NODE)[1].reason, DownReason::NeighbourDown);
}

#[test]
fn a_restart_is_over_after_the_restart_time_even_if_nobody_says_so() {
    for (seconds, restarted) in [(100, true), (130, false)] {
        let configs = restarting();
        let mut world = World::new(configs.clone());
        world.refuses = true;
        let mut node = Speaker::new(configs[NODE].clone(), Start::ForwardingPreserved, 5);
        node.start(world.now);
        world.replace(NODE, node);
        world.pass(seconds);
        world.refuses = false;
        world.start();
        world.pass(6);
        let agreed = world.agreed(ROUTER);
        let told = agreed.capabilities.restart().expect("it can restart");
        assert_eq!(told.restarted, restarted, "after {seconds}s");
        assert!(told.family(Family::Ipv4).unwrap().preserved, "and forwards all the while");
    }
}
