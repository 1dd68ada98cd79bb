//! Tests of peers that mean harm: none of what they send may crash us, cost much, or be taken for more than it is.

use super::*;
use crate::bgp::message::Notification;
use crate::bgp::{DownReason, State};

/// A message of this type with this body.
fn message(kind: u8, body: &[u8]) -> Vec<u8> {
    let length = u16::try_from(19 + body.len()).unwrap().to_be_bytes();
    [&[0xff; 16][..], &length, &[kind], body].concat()
}

/// An UPDATE that announces 192.0.2.0/24 with this path, and an attribute more.
fn update(path: &[u32], more: &[u8]) -> Vec<u8> {
    let numbers = path.iter().flat_map(|asn| asn.to_be_bytes()).collect::<Vec<u8>>();
    let length = u8::try_from(path.len()).unwrap();
    let path = [&[0x40, 2, 2 + 4 * length, 2, length], &numbers[..]].concat();
    let attributes = [&[0x40, 1, 1, 0][..], &path, &[0x40, 3, 4, 10, 0, 0, 1], more].concat();
    let length = u16::try_from(attributes.len()).unwrap().to_be_bytes();
    message(2, &[&[0, 0][..], &length, &attributes, &[24, 192, 0, 2]].concat())
}

#[test]
fn the_longest_refresh_is_refused_with_as_much_of_it_as_fits() {
    let mut world = World::up(configs(V4));
    let refresh = message(5, &[0; 4_096 - 19]);
    world.inject(NODE, &refresh);
    let DownReason::NotificationSent(Notification { code, subcode, data }) = &world.downs(NODE)[0].reason
    else {
        panic!("{:?}", world.downs(NODE))
    };
    assert_eq!((*code, *subcode), (7, 1));
    assert_eq!(data[..], refresh[..4_096 - 19 - 2]);
    let DownReason::NotificationReceived(told) = &world.downs(ROUTER)[0].reason else { panic!() };
    assert_eq!((told.code, told.data.len()), (7, data.len()), "and the peer can read it");
    world.pass(10);
    assert_eq!(world.state(NODE), State::Established);
}

#[test]
fn routes_that_have_been_here_are_withdrawn_and_count_towards_no_limit() {
    let mut world = World::up(configs(V4));
    let ours = u32::from(configs(V4)[NODE].router_id);
    let originator = |router_id: u32| [&[0x80, 9, 4][..], &router_id.to_be_bytes()].concat();
    let good = update(&[64_500, 65_000], &originator(ours + 1));
    for looped in [update(&[64_500, 64_512], &[]), update(&[64_500], &originator(ours))] {
        let before = world.status(NODE).counters.loops;
        world.inject(NODE, &good);
        assert_eq!(world.heard(NODE).len(), 1);
        world.inject(NODE, &looped);
        assert_eq!(world.heard(NODE).len(), 0, "it took the place of the good one");
        assert_eq!(world.status(NODE).routes_received, 0);
        assert_eq!(world.status(NODE).counters.loops, before + 1);
    }
    assert_eq!((world.state(NODE), world.status(NODE).counters.faults), (State::Established, 0));
}

#[test]
fn a_path_through_nobody_is_no_path() {
    let mut world = World::up(configs(V4));
    world.inject(NODE, &update(&[64_500], &[]));
    world.inject(NODE, &update(&[64_500, 0], &[]));
    assert_eq!((world.status(NODE).routes_received, world.status(NODE).counters.faults), (0, 1));
    assert_eq!(world.state(NODE), State::Established);
}

#[test]
fn a_fault_is_told_once_in_a_session_and_always_counted() {
    let mut world = World::up(configs(V4));
    let told = |world: &World| {
        let faults = world.events[NODE].iter().filter_map(|event| match event {
            Event::Faults(faults) => Some(faults.len()),
            _ => None,
        });
        faults.sum::<usize>()
    };
    // A preference that must not come from outside, again and again.
    let faulty = update(&[64_500], &[0x40, 5, 4, 0, 0, 0, 1].repeat(100));
    for _ in 0..50 {
        world.inject(NODE, &faulty);
    }
    assert_eq!(world.status(NODE).counters.faults, 50 * 100);
    assert_eq!(told(&world), 2, "that it is there, and that it is there again");
    world.break_connections();
    world.pass(30);
    world.inject(NODE, &faulty);
    assert_eq!(told(&world), 4, "another session");
}
