//! One session against packets made by hand, and two sessions against each other over a line that loses.

use alloc::vec::Vec;

use proptest::prelude::*;

use super::*;

mod pace;
mod pair;

fn config(tx_ms: u64, rx_ms: u64, multiplier: u8) -> SessionConfig {
    SessionConfig::new(Duration::from_millis(tx_ms), Duration::from_millis(rx_ms), multiplier).unwrap()
}

/// A session that came up with a neighbour of 100 ms, 100 ms, 3; all packets drained.
fn up(config: SessionConfig) -> (Session, Time) {
    let now = Time::from_secs(10);
    let mut session = Session::new(now, 7, config, 1);
    for state in [SessionState::Down, SessionState::Init] {
        session.handle_packet(now, &heard(state)).unwrap();
    }
    assert_eq!(session.state(), SessionState::Up);
    drain(&mut session);
    assert!(session.poll_event().is_some());
    (session, now)
}

fn heard(state: SessionState) -> ControlPacket {
    ControlPacket {
        state,
        my_discriminator: 9,
        your_discriminator: 7,
        desired_min_tx_us: 100_000,
        required_min_rx_us: 100_000,
        ..ControlPacket::default()
    }
}

fn drain(session: &mut Session) -> Vec<ControlPacket> {
    core::iter::from_fn(|| session.poll_transmit()).collect()
}

#[test]
fn it_speaks_at_once_and_then_once_a_second() {
    let mut session = Session::new(Time::ZERO, 7, config(50, 60, 4), 1);
    assert_eq!(session.poll_timeout(), Some(Time::ZERO));
    session.handle_timeout(Time::ZERO);
    let expected = ControlPacket {
        my_discriminator: 7,
        detect_multiplier: 4,
        desired_min_tx_us: 1_000_000,
        required_min_rx_us: 60_000,
        ..ControlPacket::default()
    };
    assert_eq!(drain(&mut session), [expected]);
    assert_eq!(drain(&mut session), []);
    for _ in 0..50 {
        let (before, next) = (session.pace_sent(), session.poll_timeout().unwrap());
        let interval = next - before;
        assert!((750..=1_000).contains(&interval.as_millis()), "{interval:?}");
        session.handle_timeout(next);
        assert_eq!(drain(&mut session), [expected]);
    }
}

#[test]
fn each_change_of_state_is_told_once_with_its_cause_and_diagnostic() {
    use SessionState::{AdminDown, Down, Init, Up};
    let now = Time::ZERO;
    let mut session = Session::new(now, 7, config(100, 100, 3), 1);
    type Step = (&'static str, fn(&mut Session), Option<(SessionState, SessionState, Cause)>, Diagnostic);
    let steps: [Step; 11] = [
        ("down", |s| hear(s, Down), Some((Down, Init, Cause::Heard(Down))), Diagnostic::NONE),
        ("init", |s| hear(s, Init), Some((Init, Up, Cause::Heard(Init))), Diagnostic::NONE),
        ("again", |s| hear(s, Up), None, Diagnostic::NONE),
        (
            "gone",
            |s| s.handle_timeout(Time::from_millis(300)),
            Some((Up, Down, Cause::Expired)),
            Diagnostic::DETECTION_TIME_EXPIRED,
        ),
        (
            "heard, the reason stands",
            |s| hear(s, Down),
            Some((Down, Init, Cause::Heard(Down))),
            Diagnostic::DETECTION_TIME_EXPIRED,
        ),
        ("up", |s| hear(s, Up), Some((Init, Up, Cause::Heard(Up))), Diagnostic::NONE),
        (
            "signalled",
            |s| hear(s, Down),
            Some((Up, Down, Cause::Heard(Down))),
            Diagnostic::NEIGHBOR_SIGNALED_DOWN,
        ),
        (
            "by hand",
            |s| s.handle_disable(Time::ZERO),
            Some((Down, AdminDown, Cause::Command)),
            Diagnostic::ADMINISTRATIVELY_DOWN,
        ),
        ("heard by hand", |s| hear(s, Init), None, Diagnostic::ADMINISTRATIVELY_DOWN),
        ("back", |s| s.handle_enable(Time::ZERO), Some((AdminDown, Down, Cause::Command)), Diagnostic::NONE),
        ("and up", |s| hear(s, Init), Some((Down, Up, Cause::Heard(Init))), Diagnostic::NONE),
    ];
    for (step, act, told, diagnostic) in steps {
        act(&mut session);
        let told = told.map(|(from, to, cause)| StateChange { from, to, cause });
        assert_eq!((session.poll_event(), session.diagnostic()), (told, diagnostic), "{step}");
        assert_eq!(session.poll_event(), None, "{step}");
    }
}

fn hear(session: &mut Session, state: SessionState) {
    let heard = session.handle_packet(Time::ZERO, &heard(state));
    assert_eq!(heard.is_err(), session.state() == SessionState::AdminDown);
}

#[test]
fn only_a_silence_and_a_neighbour_that_lost_us_are_failures() {
    use SessionState::{AdminDown, Down, Init, Up};
    let cases = [
        (Up, Down, Cause::Expired, true),
        (Up, Down, Cause::Heard(Down), true),
        (Up, Down, Cause::Heard(AdminDown), false),
        (Up, AdminDown, Cause::Command, false),
        (Init, Down, Cause::Expired, false),
        (Down, Init, Cause::Heard(Down), false),
        (Init, Up, Cause::Heard(Up), false),
    ];
    for (from, to, cause, expected) in cases {
        let change = StateChange { from, to, cause };
        assert_eq!(change.is_failure(), expected, "{change:?}");
    }
}

#[test]
fn a_question_is_answered_at_once_whatever_the_state() {
    let now = Time::ZERO;
    for (states, expected) in [
        (&[SessionState::Down][..], SessionState::Init),
        (&[SessionState::Init], SessionState::Up),
        (&[SessionState::Up], SessionState::Down),
    ] {
        let mut session = Session::new(now, 7, config(100, 100, 3), 1);
        for state in states {
            session.handle_packet(now, &ControlPacket { poll: true, ..heard(*state) }).unwrap();
        }
        let sent = drain(&mut session);
        assert_eq!(sent.len(), 1, "the answer says the change of state as well");
        assert!(sent[0].final_ && !sent[0].poll);
        assert_eq!((sent[0].state, sent[0].your_discriminator), (expected, 9));
    }
}

#[test]
fn a_change_of_state_does_not_wait_for_the_timer() {
    let (mut session, now) = up(config(100, 100, 3));
    session.handle_packet(now, &heard(SessionState::Down)).unwrap();
    let sent = drain(&mut session);
    assert_eq!(sent.len(), 1);
    assert_eq!(sent[0].state, SessionState::Down);
    assert!(!sent[0].poll, "only scheduled packets ask (section 6.5)");
}

#[test]
fn one_who_is_down_by_hand_goes_on_saying_so_and_hears_nothing() {
    let (mut session, now) = up(config(100, 100, 3));
    session.handle_disable(now);
    let said: Vec<_> = drain(&mut session).iter().map(|packet| (packet.state, packet.diagnostic)).collect();
    assert_eq!(said, [(SessionState::AdminDown, Diagnostic::ADMINISTRATIVELY_DOWN)]);
    let poll = ControlPacket { poll: true, ..heard(SessionState::Down) };
    assert_eq!(session.handle_packet(now, &poll), Err(Discard::AdminDown));
    assert_eq!(drain(&mut session), [], "not even a question is answered");
    let mut sent = 0;
    for _ in 0..10 {
        session.handle_timeout(session.poll_timeout().unwrap());
        sent += drain(&mut session).len();
    }
    assert!(sent >= 9, "{sent} of ten deadlines, one of which is the neighbour's silence");
}

#[test]
fn after_a_silence_the_neighbour_is_forgotten() {
    let (mut session, now) = up(config(100, 100, 3));
    assert_eq!(session.remote_discriminator(), Some(9));
    session.handle_timeout(now + Duration::from_millis(300));
    assert_eq!(session.remote_discriminator(), None);
    let sent = drain(&mut session);
    assert_eq!(sent.last().map(|packet| packet.your_discriminator), Some(0));
    assert_eq!(session.detection_time(), None);
}

#[test]
fn no_deadline_is_left_in_the_past_when_a_death_makes_the_pace_quicker() {
    let (mut session, now) = up(config(100, 100, 3));
    let slow = ControlPacket { required_min_rx_us: 60_000_000, ..heard(SessionState::Up) };
    session.handle_packet(now, &slow).unwrap();
    let death = now + Duration::from_secs(24);
    session.handle_timeout(death);
    assert_eq!(session.state(), SessionState::Down);
    assert!(session.poll_timeout().unwrap() > death);
}

#[test]
#[should_panic(expected = "0 is the discriminator of nobody")]
fn nobody_is_called_zero() {
    let _ = Session::new(Time::ZERO, 0, SessionConfig::default(), 1);
}

#[test]
fn the_last_sign_of_life_is_one_of_a_session_that_was_up() {
    use SessionState::{Down, Init, Up};
    let mut session = Session::new(Time::ZERO, 1, SessionConfig::default(), 7);
    for (second, state, last) in [(1, Down, None), (2, Init, Some(2)), (3, Up, Some(3)), (4, Down, Some(3))] {
        session.handle_packet(Time::from_secs(second), &heard(state)).unwrap();
        assert_eq!(session.last_alive(), last.map(Time::from_secs), "{second}s");
    }
    assert_eq!(session.state(), Down);
    session.handle_timeout(Time::from_secs(100));
    assert_eq!(session.last_alive(), Some(Time::from_secs(3)), "a death moves it no more");
}
