//! Tests of peers that mean harm: none of what they send may crash us, cost much, or be taken for more than it is.

use super::*;
use crate::bgp::message::Notification;
use crate::bgp::{DownReason, State};

/// A message of this type with this body.
fn message(kind: u8, body: &[u8]) -> Vec<u8> {
    let length = u16::try_from(19 + body.len()).unwrap().to_be_bytes();
    [&[0xff; 16][..], &length, &[kind], body].concat()
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
