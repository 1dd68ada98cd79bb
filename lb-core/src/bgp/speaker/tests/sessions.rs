//! Tests of sessions: up, silent, refused, stopped, with peers that send garbage or read nothing.

use core::time::Duration;
use std::string::ToString;

use super::*;
use crate::bgp::message::{Cease, Dialect, Message, Notification};
use crate::bgp::{Asn, DownReason, Families, Side, State, Timers};

#[test]
fn a_session_comes_up_and_both_agree() {
    let world = World::up(configs(V4));
    for who in [NODE, ROUTER] {
        assert_eq!(world.state(who), State::Established);
        let agreed = world.agreed(who);
        assert_eq!(agreed.hold_time, Duration::from_secs(9));
        assert_eq!(agreed.families, Families::ALL);
        assert!(agreed.capabilities.four_octet_as().is_some());
    }
    assert_eq!(world.agreed(NODE).asn, Asn(64_500));
    assert_eq!(world.connections(), 1);
    assert_eq!(world.status(NODE).local_address, Some(world.addresses[NODE]));
}

#[test]
fn the_states_are_told_in_order() {
    let world = World::up(configs(V4));
    let states: Vec<State> = world.events[NODE]
        .iter()
        .filter_map(|event| if let Event::State { to, .. } = event { Some(*to) } else { None })
        .collect();
    assert_eq!(states, [State::Connect, State::OpenSent, State::OpenConfirm, State::Established]);
    let states = world.events[ROUTER].iter().filter(|event| matches!(event, Event::State { .. }));
    assert_eq!(states.count(), 4, "Active, OpenSent, OpenConfirm, Established");
}

#[test]
fn signs_of_life_keep_a_session_up_for_a_day() {
    let mut world = World::up(configs(V4));
    world.pass(86_400);
    assert_eq!(world.status(NODE).times_established, 1);
    let sent = world.status(NODE).counters.messages_sent;
    // every 2.25 to 3 seconds
    assert!((28_800..=38_400).contains(&sent), "{sent}");
}

#[test]
fn without_hold_times_silence_is_no_fault() {
    let mut configs = configs(V4);
    configs[ROUTER].peers[0].timers.hold = Duration::ZERO;
    let mut world = World::up(configs);
    let before = world.status(NODE).counters.messages_sent;
    world.cut = true;
    world.pass(86_400);
    assert_eq!(world.state(NODE), State::Established);
    assert_eq!(world.status(NODE).counters.messages_sent, before, "no signs of life either");
}

#[test]
fn a_silent_peer_is_dead_after_the_hold_time() {
    let mut world = World::up(configs(V4));
    world.cut = true;
    world.pass(5);
    assert_eq!(world.state(NODE), State::Established);
    world.pass(4);
    let downs = world.downs(NODE);
    assert_eq!(downs.len(), 1);
    assert_eq!(downs[0].reason, DownReason::HoldTimerExpired);
    assert_eq!(downs[0].reason.side(), Side::Network);
    world.cut = false;
    world.pass(20);
    assert_eq!(world.state(NODE), State::Established, "and comes back with the network");
}

#[test]
fn the_smaller_hold_time_counts() {
    let mut configs = configs(V4);
    configs[ROUTER].peers[0].timers = Timers {
        hold: Duration::from_secs(180),
        keepalive: Some(Duration::from_secs(90)),
        ..Timers::default()
    };
    configs[NODE].peers[0].timers.hold = Duration::from_secs(1); // not possible: 3 is the least
    let mut world = World::up(configs);
    assert_eq!(world.agreed(ROUTER).hold_time, Duration::from_secs(3));
    world.pass(3_600);
    assert_eq!(world.downs(NODE), [], "signs of life come thrice in a hold time, whatever was configured");
}

#[test]
fn a_wrong_autonomous_system_is_refused_and_tried_less_and_less_often() {
    let mut configs = configs(V4);
    configs[NODE].peers[0].asn = Asn(64_999);
    let mut world = World::up(configs);
    let refused = Notification::new(2, 2);
    assert_eq!(world.downs(NODE)[0].reason, DownReason::NotificationSent(refused.clone()));
    assert_eq!(world.downs(ROUTER)[0].reason, DownReason::NotificationReceived(refused));
    assert_eq!(
        world.downs(NODE)[0].reason.to_string(),
        "we refused what it sent: OPEN Message Error: Bad Peer AS"
    );
    world.pass(600);
    let attempts = world.downs(NODE).len();
    assert!((10..=22).contains(&attempts), "{attempts}: 1, 2, 4 ... 60 s apart");
}

#[test]
fn a_stop_says_why_and_lasts() {
    let mut world = World::up(configs(V4));
    let now = world.now;
    world.speakers[NODE].stop(now, "moving to rack 7");
    world.settle();
    let DownReason::NotificationReceived(notification) = &world.downs(ROUTER)[0].reason else { panic!() };
    assert_eq!(notification.shutdown_communication(), Some("moving to rack 7"));
    assert_eq!(world.downs(NODE)[0].reason, DownReason::Stopped { text: "moving to rack 7".into() });
    world.pass(3_600);
    assert_eq!(world.state(NODE), State::Idle);
    assert_eq!(world.speakers[NODE].poll_timeout(), None);
    world.start();
    world.pass(60);
    assert_eq!(world.state(NODE), State::Established);
}

#[test]
fn a_peer_that_is_not_there_is_tried_again_and_again() {
    let mut world = World::new(configs(V4));
    let now = world.now;
    world.speakers[NODE].start(now);
    world.settle();
    assert_eq!(world.state(NODE), State::Active);
    world.pass(60);
    let attempts =
        world.events[NODE].iter().filter(|event| matches!(event, Event::State { to: State::Connect, .. }));
    let attempts = attempts.count();
    assert!((12..=17).contains(&attempts), "{attempts}: every 3.75 to 5 s");
    assert_eq!(world.downs(NODE), [], "what never was up is not down");
    world.start();
    world.pass(5);
    assert_eq!(world.state(NODE), State::Established);
}

#[test]
fn an_attempt_that_hangs_is_given_up_for_another() {
    let mut world = World::new(configs(V4));
    world.cut = true;
    let now = world.now;
    world.speakers[NODE].start(now);
    let Some((_, Transmit::Connect { connection: first })) = world.speakers[NODE].poll_transmit() else {
        panic!()
    };
    let later = world.speakers[NODE].poll_timeout().unwrap();
    world.speakers[NODE].handle_timeout(later);
    let moves: Vec<_> =
        core::iter::from_fn(|| world.speakers[NODE].poll_transmit()).map(|(_, transmit)| transmit).collect();
    let [Transmit::Close { connection }, Transmit::Connect { connection: second }] = moves[..] else {
        panic!("{moves:?}")
    };
    assert!(connection == first && second != first);
}

#[test]
fn garbage_ends_the_session_and_the_next_one_is_well() {
    for (garbage, code) in [
        (&b"GET / HTTP/1.1\r\n\r\n"[..], (1, 1)),
        (&[[0xff; 16].as_slice(), &[0, 18, 4]].concat()[..], (1, 2)),
        (&[[0xff; 16].as_slice(), &[0x10, 1, 2]].concat()[..], (1, 2)),
        (&[[0xff; 16].as_slice(), &[0, 19, 9]].concat()[..], (1, 3)),
        (&[[0xff; 16].as_slice(), &[0, 23, 2, 0, 1, 0, 0]].concat()[..], (3, 1)),
        (
            &Message::Open(crate::bgp::message::Open {
                two_octet_as: 64_500,
                hold_seconds: 9,
                router_id: [10, 0, 0, 1].into(),
                capabilities: Default::default(),
            })
            .emit(Dialect::default())
            .unwrap()[..],
            (5, 3),
        ),
    ] {
        let mut world = World::up(configs(V4));
        world.inject(NODE, garbage);
        let DownReason::NotificationSent(sent) = &world.downs(NODE)[0].reason else { panic!("{garbage:?}") };
        assert_eq!((sent.code, sent.subcode), code, "{garbage:?}");
        assert!(matches!(world.downs(ROUTER)[0].reason, DownReason::NotificationReceived(_)));
        world.pass(60);
        assert_eq!(world.state(NODE), State::Established);
    }
}

#[test]
fn a_faulty_attribute_costs_the_route_and_not_the_session() {
    let mut world = World::up(configs(V4));
    // ORIGIN 7, an empty path, next hop 10.0.0.1: 192.0.2.0/24
    let attributes = [0x40, 1, 1, 7, 0x40, 2, 0, 0x40, 3, 4, 10, 0, 0, 1];
    let good = [0x40, 1, 1, 0, 0x40, 2, 0, 0x40, 3, 4, 10, 0, 0, 1];
    let update = |attributes: &[u8]| {
        let body = [&[0, 0, 0, 14], attributes, &[24, 192, 0, 2]].concat();
        [&[0xff; 16][..], &[0, u8::try_from(body.len() + 19).unwrap(), 2], &body].concat()
    };
    world.inject(NODE, &update(&good));
    assert_eq!(world.status(NODE).routes_received, 1);
    world.inject(NODE, &update(&attributes));
    assert_eq!(world.state(NODE), State::Established);
    assert_eq!((world.status(NODE).routes_received, world.status(NODE).counters.faults), (0, 1));
    assert!(world.heard(NODE).is_empty());
}

#[test]
fn a_dead_neighbour_ends_the_session_at_once() {
    let mut world = World::up(configs(V4));
    let (now, peer) = (world.now, world.peer(NODE));
    world.cut = true;
    world.speakers[NODE].handle_neighbour_down(now, peer, now);
    world.settle();
    assert_eq!(world.downs(NODE)[0].reason, DownReason::NeighbourDown);
    world.cut = false;
    world.pass(30);
    assert_eq!(world.state(NODE), State::Established);
}

#[test]
fn a_peer_that_reads_nothing_is_given_up_and_costs_a_window() {
    let mut world = World::up(configs(V4));
    world.stuck = Some(NODE);
    let now = world.now;
    for number in 0..100_000 {
        // each says something of its own, so that each is a message
        let route = Route { med: Some(number), ..Route::default() };
        world.speakers[NODE].announce(now, vip(number), route);
    }
    world.settle();
    let handed_out: usize = world.updates[NODE].iter().map(Vec::len).sum();
    assert!((Speaker::WINDOW..Speaker::WINDOW + 4_096).contains(&handed_out), "{handed_out}");
    // the router's words still arrive, ours do not: it gives up first
    world.pass(10);
    assert_eq!(world.downs(ROUTER)[0].reason, DownReason::HoldTimerExpired);
}

#[test]
fn a_peer_that_speaks_but_does_not_read_is_given_up_after_eight_minutes() {
    let mut configs = configs(V4);
    configs[ROUTER].peers[0].timers.hold = Duration::ZERO;
    let mut world = World::up(configs);
    world.stuck = Some(NODE);
    let now = world.now;
    world.speakers[NODE].announce(now, vip(1), Route::default());
    world.pass(479);
    assert_eq!(world.downs(NODE), []);
    world.pass(1);
    assert_eq!(world.downs(NODE)[0].reason, DownReason::SendHoldTimerExpired);
}

#[test]
fn too_many_prefixes_end_the_session_for_the_time_configured() {
    let mut configs = configs(V4);
    let restart_after = Some(Duration::from_secs(300));
    configs[NODE].peers[0].prefix_limit =
        crate::bgp::PrefixLimit { max: 2, excess: crate::bgp::Excess::Teardown { restart_after } };
    let mut world = World::up(configs);
    let now = world.now;
    for number in 0..3 {
        world.speakers[ROUTER].announce(now, vip(number), Route::default());
    }
    world.settle();
    assert_eq!(world.downs(NODE)[0].reason, DownReason::PrefixLimit { max: 2 });
    let DownReason::NotificationReceived(told) = &world.downs(ROUTER)[0].reason else { panic!() };
    assert_eq!(told, &Notification::cease(Cease::MaximumPrefixes, ""));
    assert_eq!(world.status(NODE).routes_received, 0);
    world.speakers[ROUTER].withdraw(now, &vip(0));
    world.pass(224);
    assert_eq!(world.state(NODE), State::Idle, "and nobody is let in meanwhile");
    world.pass(150);
    assert_eq!(world.state(NODE), State::Established);
}

#[test]
fn prefixes_over_the_limit_are_only_counted_by_default() {
    let mut world = World::up(configs(V4));
    let now = world.now;
    for number in 0..1_500 {
        world.speakers[ROUTER].announce(now, vip(number), Route::default());
    }
    world.settle();
    let status = world.status(NODE);
    assert_eq!((status.routes_received, status.routes_ignored), (1_000, 500));
    let told =
        world.events[NODE].iter().filter(|event| matches!(event, Event::PrefixLimitReached { max: 1_000 }));
    assert_eq!(told.count(), 1);
}
