//! Intervals, detection time, poll sequences, demand: RFC 5880 sections 6.5, 6.6, 6.8.2 to 6.8.7.

use super::*;

impl Session {
    /// When the last periodic packet became due.
    pub(super) fn pace_sent(&self) -> Time {
        self.pace.sent()
    }
}

/// The packets that are due at the next deadlines up to `until`, with their times.
fn run(session: &mut Session, until: Time) -> Vec<(Time, ControlPacket)> {
    let mut sent = Vec::new();
    while let Some(deadline) = session.poll_timeout().filter(|deadline| *deadline <= until) {
        session.handle_timeout(deadline);
        sent.extend(drain(session).into_iter().map(|packet| (deadline, packet)));
    }
    sent
}

#[test]
fn both_ends_settle_on_the_slower_of_want_and_can() {
    let cases = [
        // own tx, own rx, multiplier; the neighbour's tx, rx, multiplier; interval, detection
        ((50, 60, 3), (100, 100, 3), 100, 300),
        ((200, 60, 3), (100, 100, 4), 200, 400),
        ((50, 300, 3), (100, 10, 5), 50, 1_500),
        ((50, 20, 3), (7, 10, 255), 50, 5_100),
    ];
    for ((tx, rx, multiplier), (remote_tx, remote_rx, remote_multiplier), interval, detection) in cases {
        let now = Time::ZERO;
        let mut session = Session::new(now, 7, config(tx, rx, multiplier), 1);
        let packet = ControlPacket {
            detect_multiplier: remote_multiplier,
            desired_min_tx_us: remote_tx * 1_000,
            required_min_rx_us: remote_rx * 1_000,
            ..heard(SessionState::Init)
        };
        session.handle_packet(now, &packet).unwrap();
        assert_eq!(session.transmit_interval(), Some(Duration::from_millis(interval)));
        assert_eq!(session.detection_time(), Some(Duration::from_millis(detection)));
    }
}

#[test]
fn a_silence_of_the_detection_time_is_death_and_not_a_nanosecond_less() {
    let (mut session, now) = up(config(100, 100, 3));
    let death = now + Duration::from_millis(300);
    session.handle_timeout(Time::from_nanos(death.as_nanos() - 1));
    assert_eq!(session.state(), SessionState::Up);
    session.handle_timeout(death);
    assert_eq!(session.state(), SessionState::Down);
}

#[test]
fn any_packet_puts_death_off() {
    let (mut session, mut now) = up(config(100, 100, 3));
    for _ in 0..20 {
        now += Duration::from_millis(299);
        session.handle_timeout(now);
        session.handle_packet(now, &heard(SessionState::Up)).unwrap();
    }
    assert_eq!(session.state(), SessionState::Up);
}

#[test]
fn jitter_only_shortens_and_leaves_a_tenth_where_none_may_be_missed() {
    for (multiplier, longest) in [(3, 100), (1, 90)] {
        let (mut session, mut now) = up(config(100, 100, multiplier));
        let mut intervals = Vec::new();
        for _ in 0..400 {
            session.handle_packet(now, &heard(SessionState::Up)).unwrap();
            let next = session.poll_timeout().unwrap();
            intervals.push((next - session.pace_sent()).as_micros());
            session.handle_timeout(next);
            drain(&mut session);
            now = next;
        }
        // The first is what was scheduled when the session came up.
        let (least, most) = (*intervals[1..].iter().min().unwrap(), *intervals[1..].iter().max().unwrap());
        assert!((75_000..76_000).contains(&least), "multiplier {multiplier}: {least}");
        assert!(
            (longest * 1_000 - 1_000..=longest * 1_000).contains(&most),
            "multiplier {multiplier}: {most}"
        );
    }
}

#[test]
fn coming_up_is_asked_about_until_it_is_answered() {
    let (mut session, now) = up(config(100, 100, 3));
    let asked = run(&mut session, now + Duration::from_millis(250));
    assert!(asked.len() >= 2 && asked.iter().all(|(_, packet)| packet.poll), "{asked:?}");
    session.handle_packet(now, &ControlPacket { final_: true, ..heard(SessionState::Up) }).unwrap();
    let now = now + Duration::from_millis(250);
    session.handle_packet(now, &heard(SessionState::Up)).unwrap();
    let after = run(&mut session, now + Duration::from_millis(250));
    assert!(after.len() >= 2 && after.iter().all(|(_, packet)| !packet.poll), "{after:?}");
}

/// A session that is up, with its first question answered.
fn settled(config: SessionConfig) -> (Session, Time) {
    let (mut session, now) = up(config);
    session.handle_packet(now, &ControlPacket { final_: true, ..heard(SessionState::Up) }).unwrap();
    drain(&mut session);
    (session, now)
}

#[test]
fn what_makes_a_session_slower_waits_for_consent() {
    let (mut session, now) = settled(config(100, 200, 3));
    session.handle_config(now, config(500, 100, 3));
    // said at once, used only after the answer
    let said = drain(&mut session);
    assert_eq!(
        said.iter().map(|p| (p.desired_min_tx_us, p.required_min_rx_us)).collect::<Vec<_>>(),
        [(500_000, 100_000)]
    );
    assert_eq!(session.transmit_interval(), Some(Duration::from_millis(100)));
    assert_eq!(session.detection_time(), Some(Duration::from_millis(600)));
    let asked = run(&mut session, now + Duration::from_millis(150));
    assert!(!asked.is_empty() && asked.iter().all(|(_, packet)| packet.poll), "{asked:?}");
    session.handle_packet(now, &ControlPacket { final_: true, ..heard(SessionState::Up) }).unwrap();
    assert_eq!(session.transmit_interval(), Some(Duration::from_millis(500)));
    assert_eq!(session.detection_time(), Some(Duration::from_millis(300)));
    assert_eq!(session.state(), SessionState::Up);
}

#[test]
fn what_makes_a_session_livelier_holds_at_once() {
    let (mut session, now) = settled(config(500, 100, 3));
    assert_eq!(session.transmit_interval(), Some(Duration::from_millis(500)));
    session.handle_config(now, config(100, 400, 3));
    assert_eq!(session.transmit_interval(), Some(Duration::from_millis(100)));
    assert_eq!(session.detection_time(), Some(Duration::from_millis(1_200)));
    let next = session.poll_timeout().unwrap();
    assert!(next <= now + Duration::from_millis(100), "{next}");
}

#[test]
fn a_neighbour_that_can_take_more_gets_more_at_once() {
    let (mut session, mut now) = settled(config(50, 50, 3));
    let slow = ControlPacket {
        required_min_rx_us: 10_000_000,
        desired_min_tx_us: 10_000_000,
        ..heard(SessionState::Up)
    };
    session.handle_packet(now, &slow).unwrap();
    now += Duration::from_millis(100);
    session.handle_timeout(now);
    drain(&mut session);
    assert!(session.poll_timeout().unwrap() > now + Duration::from_secs(7));
    session.handle_packet(now, &ControlPacket { required_min_rx_us: 50_000, ..slow }).unwrap();
    assert!(session.poll_timeout().unwrap() <= now + Duration::from_millis(50));
}

#[test]
fn a_change_during_a_question_is_asked_about_in_another_after_a_pause() {
    let answer = ControlPacket { final_: true, ..heard(SessionState::Up) };
    let (mut session, now) = settled(config(100, 100, 3));
    session.handle_config(now, config(300, 100, 3));
    let first = run(&mut session, now + Duration::from_millis(100));
    assert!(first.iter().any(|(_, packet)| packet.poll));
    session.handle_config(now, config(500, 100, 3));
    session.handle_packet(now, &answer).unwrap();
    assert_eq!(session.transmit_interval(), Some(Duration::from_millis(100)), "not what was answered");
    drain(&mut session);
    let now = now + Duration::from_millis(100);
    session.handle_packet(now, &heard(SessionState::Up)).unwrap();
    let polls: Vec<_> =
        run(&mut session, now + Duration::from_millis(290)).iter().map(|(_, p)| p.poll).collect();
    assert_eq!(polls[..2], [false, true]);
    session.handle_packet(now, &answer).unwrap();
    assert_eq!(session.transmit_interval(), Some(Duration::from_millis(500)));
}

#[test]
fn a_neighbour_in_demand_mode_gets_questions_and_changes_only() {
    let (mut session, now) = settled(config(100, 100, 3));
    let demanding = ControlPacket { demand: true, ..heard(SessionState::Up) };
    session.handle_packet(now, &demanding).unwrap();
    assert_eq!(run(&mut session, now + Duration::from_millis(290)), []);
    session.handle_config(now, config(200, 100, 3));
    let asked = run(&mut session, now + Duration::from_millis(290));
    assert!(asked.iter().filter(|(_, packet)| packet.poll).count() >= 2, "{asked:?}");
    session.handle_packet(now, &ControlPacket { final_: true, ..demanding }).unwrap();
    assert_eq!(run(&mut session, now + Duration::from_millis(290)), []);
    assert_eq!(session.state(), SessionState::Up, "its own packets still count");
    session.handle_timeout(now + Duration::from_millis(300));
    assert_eq!(session.state(), SessionState::Down);
}

#[test]
fn one_who_wants_no_packets_gets_answers_only() {
    let (mut session, now) = settled(config(100, 100, 3));
    let deaf = ControlPacket { required_min_rx_us: 0, ..heard(SessionState::Up) };
    session.handle_packet(now, &deaf).unwrap();
    assert_eq!(session.transmit_interval(), None);
    assert_eq!(run(&mut session, now + Duration::from_millis(290)), []);
    session.handle_packet(now, &ControlPacket { poll: true, ..deaf }).unwrap();
    assert_eq!(drain(&mut session).iter().filter(|packet| packet.final_).count(), 1);
    // Once it is gone, it is spoken to as before.
    let sent = run(&mut session, now + Duration::from_secs(5));
    assert!(sent.len() >= 4, "{sent:?}");
}

#[test]
fn it_is_slow_again_once_it_is_down() {
    let (mut session, now) = settled(config(100, 100, 3));
    session.handle_packet(now, &heard(SessionState::Down)).unwrap();
    let said = drain(&mut session);
    assert_eq!(said.iter().map(|packet| packet.desired_min_tx_us).collect::<Vec<_>>(), [1_000_000]);
    assert_eq!(session.transmit_interval(), Some(Duration::from_secs(1)));
}
