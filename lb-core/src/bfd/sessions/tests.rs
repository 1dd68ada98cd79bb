//! Demultiplexing, the proofs of where a packet comes from, limits, and leaving.

use alloc::vec::Vec;

use super::super::{Cause, Diagnostic};
use super::*;

const ROUTER: IpAddr = IpAddr::V4(core::net::Ipv4Addr::new(192, 0, 2, 1));
const OTHER: IpAddr = IpAddr::V4(core::net::Ipv4Addr::new(192, 0, 2, 2));
const NEAR: Neighbor = Neighbor { address: ROUTER, hops: Hops::One };
const FAR: Neighbor = Neighbor { address: ROUTER, hops: Hops::Many { least_ttl: 250 } };

fn origin(address: IpAddr, arrived: Arrived, ttl: u8) -> Origin {
    Origin { address, arrived, ttl }
}

fn near(address: IpAddr) -> Origin {
    origin(address, Arrived::OneHop, 255)
}

fn with(neighbors: &[Neighbor]) -> Sessions {
    let mut sessions = Sessions::new(8, 7);
    for neighbor in neighbors {
        sessions.add(Time::ZERO, *neighbor, SessionConfig::default()).unwrap();
    }
    sessions
}

fn packet(state: SessionState, your_discriminator: u32) -> ControlPacket {
    ControlPacket { state, my_discriminator: 99, your_discriminator, ..ControlPacket::default() }
}

fn discriminator(sessions: &Sessions, neighbor: Neighbor) -> u32 {
    sessions.session(neighbor.address, neighbor.hops.arrived()).unwrap().discriminator()
}

fn drain(sessions: &mut Sessions) -> Vec<(Neighbor, ControlPacket)> {
    core::iter::from_fn(|| sessions.poll_transmit())
        .map(|transmit| (transmit.to, ControlPacket::parse(&transmit.bytes).unwrap().0))
        .collect()
}

#[test]
fn each_reason_to_discard_that_needs_a_session() {
    let sessions = with(&[NEAR, FAR]);
    let (near_name, far_name) = (discriminator(&sessions, NEAR), discriminator(&sessions, FAR));
    let unknown = (1..).find(|name| *name != near_name && *name != far_name).unwrap();
    let (down, up) = (SessionState::Down, SessionState::Up);
    let far = |ttl| origin(ROUTER, Arrived::ManyHops, ttl);
    let cases = [
        ("first packet", near(ROUTER), packet(down, 0), Ok(NEAR)),
        ("first packet by the other port", far(250), packet(down, 0), Ok(FAR)),
        ("by name", near(ROUTER), packet(down, near_name), Ok(NEAR)),
        // RFC 5880 section 6.3: the source address may change once the name is known
        ("by name from elsewhere", near(OTHER), packet(down, near_name), Ok(NEAR)),
        (
            "unknown name",
            near(ROUTER),
            packet(up, unknown),
            Err(Discard::UnknownDiscriminator { discriminator: unknown }),
        ),
        ("up without name", near(ROUTER), packet(up, 0), Err(Discard::YourDiscriminatorZero { state: up })),
        ("a stranger", near(OTHER), packet(down, 0), Err(Discard::UnknownPeer { peer: OTHER })),
        (
            "one router between",
            origin(ROUTER, Arrived::OneHop, 254),
            packet(down, 0),
            Err(Discard::Ttl { ttl: 254, least: 255 }),
        ),
        ("too many routers", far(249), packet(up, far_name), Err(Discard::Ttl { ttl: 249, least: 250 })),
        (
            "a near session by the far port, where TTL proves nothing",
            far(255),
            packet(up, near_name),
            Err(Discard::WrongHops { arrived: Arrived::ManyHops, expected: Arrived::OneHop }),
        ),
        (
            "and the reverse",
            near(ROUTER),
            packet(up, far_name),
            Err(Discard::WrongHops { arrived: Arrived::OneHop, expected: Arrived::ManyHops }),
        ),
    ];
    for (case, origin, packet, expected) in cases {
        let heard = sessions.clone().handle_packet(Time::ZERO, origin, &packet.emit());
        assert_eq!(heard, expected, "{case}");
    }
}

#[test]
fn what_is_discarded_changes_nothing() {
    let mut sessions = with(&[NEAR]);
    let name = discriminator(&sessions, NEAR);
    let mut keyed = [&packet(SessionState::Init, name).emit()[..], &[5, 3, 0]].concat();
    (keyed[1], keyed[3]) = (keyed[1] | 4, 27);
    assert_eq!(
        sessions.handle_packet(Time::ZERO, near(ROUTER), &keyed),
        Err(Discard::Authenticated { kind: 5 })
    );
    let forged = packet(SessionState::Init, name).emit();
    let from_afar = origin(ROUTER, Arrived::OneHop, 64);
    assert_eq!(
        sessions.handle_packet(Time::ZERO, from_afar, &forged),
        Err(Discard::Ttl { ttl: 64, least: 255 })
    );
    let session = sessions.session(ROUTER, Arrived::OneHop).unwrap();
    assert_eq!((session.state(), session.remote_discriminator()), (SessionState::Down, None));
    assert_eq!(sessions.poll_event(), None);
}

#[test]
fn two_nodes_come_up_and_say_so() {
    let (mut left, mut right) = (with(&[NEAR]), Sessions::new(8, 8));
    let node = Neighbor { address: OTHER, hops: Hops::One };
    right.add(Time::ZERO, node, SessionConfig::default()).unwrap();
    let mut now = Time::ZERO;
    while now < Time::from_secs(3) {
        left.handle_timeout(now);
        right.handle_timeout(now);
        while let Some(transmit) = left.poll_transmit() {
            right.handle_packet(now, near(OTHER), &transmit.bytes).unwrap();
        }
        while let Some(transmit) = right.poll_transmit() {
            left.handle_packet(now, near(ROUTER), &transmit.bytes).unwrap();
        }
        now += Duration::from_millis(10);
    }
    for (sessions, neighbor) in [(&mut left, NEAR), (&mut right, node)] {
        let event = sessions.poll_event().unwrap();
        assert_eq!((event.neighbor, event.change.to), (neighbor, SessionState::Up));
        assert_eq!(sessions.poll_event(), None);
    }
}

#[test]
fn a_set_has_a_limit_and_one_session_per_neighbour() {
    let mut sessions = Sessions::new(2, 7);
    let config = SessionConfig::default();
    assert_eq!(sessions.add(Time::ZERO, NEAR, config), Ok(()));
    assert_eq!(sessions.add(Time::ZERO, NEAR, config), Err(AddError::Exists { address: ROUTER }));
    assert_eq!(sessions.add(Time::ZERO, FAR, config), Ok(()), "by the other port");
    let third = Neighbor { address: OTHER, hops: Hops::One };
    assert_eq!(sessions.add(Time::ZERO, third, config), Err(AddError::Full { limit: 2 }));
}

#[test]
fn one_that_leaves_says_so_for_a_detection_time_and_is_silent_about_it_here() {
    let mut sessions = with(&[NEAR]);
    let name = discriminator(&sessions, NEAR);
    sessions.handle_packet(Time::ZERO, near(ROUTER), &packet(SessionState::Init, name).emit()).unwrap();
    drain(&mut sessions);
    assert!(sessions.poll_event().is_some());

    sessions.remove(Time::ZERO, ROUTER, Arrived::OneHop);
    assert!(sessions.session(ROUTER, Arrived::OneHop).is_none());
    assert_eq!(sessions.iter().count(), 0);
    assert!(sessions.speaks_to(ROUTER, Arrived::OneHop));
    let mut said = drain(&mut sessions);
    while let Some(deadline) = sessions.poll_timeout() {
        sessions.handle_timeout(deadline);
        said.extend(drain(&mut sessions));
        assert!(deadline <= Time::from_secs(3), "gone after 3 x 1 s");
    }
    assert!(!sessions.speaks_to(ROUTER, Arrived::OneHop));
    assert!(said.len() >= 3, "{said:?}");
    for (to, packet) in said {
        assert_eq!((to, packet.state), (NEAR, SessionState::AdminDown));
        assert_eq!(packet.diagnostic, Diagnostic::ADMINISTRATIVELY_DOWN);
    }
    assert_eq!(sessions.poll_event(), None);
}

#[test]
fn one_that_comes_back_while_it_leaves_begins_anew() {
    let mut sessions = with(&[NEAR]);
    let earlier = discriminator(&sessions, NEAR);
    sessions.remove(Time::ZERO, ROUTER, Arrived::OneHop);
    sessions.add(Time::ZERO, NEAR, SessionConfig::default()).unwrap();
    assert_ne!(discriminator(&sessions, NEAR), earlier);
    sessions.handle_timeout(Time::from_secs(60));
    let states: Vec<_> = drain(&mut sessions).iter().map(|(_, packet)| packet.state).collect();
    assert_eq!(states, [SessionState::Down]);
}

#[test]
fn a_hand_takes_one_session_down_and_puts_it_back() {
    let mut sessions = with(&[NEAR, FAR]);
    sessions.handle_admin(Time::ZERO, ROUTER, Arrived::OneHop, false);
    let change = StateChange { from: SessionState::Down, to: SessionState::AdminDown, cause: Cause::Command };
    assert_eq!(sessions.poll_event(), Some(Event { neighbor: NEAR, change }));
    let name = discriminator(&sessions, NEAR);
    let heard = sessions.handle_packet(Time::ZERO, near(ROUTER), &packet(SessionState::Init, name).emit());
    assert_eq!(heard, Err(Discard::AdminDown));
    sessions.handle_admin(Time::ZERO, ROUTER, Arrived::OneHop, true);
    let change = StateChange { from: SessionState::AdminDown, to: SessionState::Down, cause: Cause::Command };
    assert_eq!(sessions.poll_event(), Some(Event { neighbor: NEAR, change }));
    assert_eq!(sessions.poll_event(), None, "the other session is as it was");
}

#[test]
fn names_differ_from_start_to_start() {
    let names = |seed| {
        let mut sessions = Sessions::new(8, seed);
        sessions.add(Time::ZERO, NEAR, SessionConfig::default()).unwrap();
        discriminator(&sessions, NEAR)
    };
    assert_eq!(names(1), names(1));
    assert_ne!(names(1), names(2));
}
