//! Restarts: no old `Ready` outlives them, however many there are, and one amid news writes nothing.

use super::*;

/// What is written, in an API server that outlives the controller.
#[derive(Default)]
pub(super) struct Object {
    pub(super) status: AccessPointStatus,
    pub(super) writes: usize,
}

impl Object {
    pub(super) fn write(&mut self, writes: impl IntoIterator<Item = StatusWrite>) {
        for StatusWrite { target, conditions } in writes {
            self.writes += 1;
            if let Some(target) = target {
                self.status.targets.retain(|other| other.name != target.name);
                self.status.targets.push(target);
            }
            self.status.conditions =
                conditions.unwrap_or_else(|| std::mem::take(&mut self.status.conditions));
        }
    }

    fn ready(&self) -> ConditionStatus {
        self.status.targets[0].conditions[0].status
    }

    /// A controller whose clock begins at zero, and which knows nothing of the one before.
    fn restart(&mut self, second: u64) -> StatusStore {
        self.restart_after(second, None)
    }

    /// The same where a Lease says until when the one before was alive.
    fn restart_after(&mut self, second: u64, alive: Option<u64>) -> StatusStore {
        let (store, writes) =
            StatusStore::restore(all(), LIMIT, &self.status, Time::ZERO, wall(second), alive.map(wall));
        self.write(writes);
        store
    }
}

/// One target that was heard of once, at second 0.
fn heard_once() -> Object {
    let mut object = Object::default();
    object.write(store().update(&name("a"), well(), Time::ZERO, wall(0)));
    object
}

#[test]
fn after_a_long_silence_all_is_unknown_at_once_and_stays_so() {
    let mut object = heard_once();
    for restart in 0..72 {
        let second = 36_000 + restart * 50; // within the limit of each other
        let mut store = object.restart(second);
        object.write(store.expire(Time::from_secs(50), wall(second + 50)));
        assert_eq!((object.ready(), object.writes), (ConditionStatus::Unknown, 2), "restart {restart}");
    }
    assert_eq!(object.status.conditions[0].status, ConditionStatus::Unknown);
    assert_eq!(object.status.targets[0].fresh_at, Some(wall(0)));
}

#[test]
fn a_restart_amid_unchanged_news_writes_nothing() {
    let (mut object, mut store) = (Object::default(), store());
    let mut started = 0;
    for second in (0..7_200).step_by(10) {
        object.write(store.update(&name("a"), well(), Time::from_secs(second - started), wall(second)));
        if second % 70 == 60 {
            let before = object.writes;
            (store, started) = (object.restart(second + 5), second + 5);
            assert_eq!((object.writes, object.ready()), (before, ConditionStatus::True), "at {second}");
        }
    }
    assert_eq!(object.writes, 12, "720 reports, and one write in ten limits");
}

#[test]
fn no_row_of_restarts_keeps_what_is_shown() {
    let mut object = heard_once();
    for second in (0..=660).step_by(20) {
        object.restart(second);
        assert_eq!(object.ready(), ConditionStatus::True, "it may have been heard of at 600, as at {second}");
    }
    object.restart(661);
    assert_eq!((object.ready(), object.writes), (ConditionStatus::Unknown, 2));
    // one restart is one limit
    let mut object = heard_once();
    let mut store = object.restart(300);
    assert_eq!(store.poll_timeout(), Some(Time::from_nanos(60_000_000_001)));
    object.write(store.expire(Time::from_secs(61), wall(361)));
    assert_eq!(object.ready(), ConditionStatus::Unknown);
}

#[test]
fn a_lease_says_how_old_what_is_shown_is_at_most() {
    // (restart, alive until, for how long what was heard of at 0 is believed)
    let cases = [
        (30, None, Some(60)),
        (30, Some(30), Some(60)),
        (30, Some(29), Some(59)),
        (60, Some(0), Some(0)),
        (61, Some(0), None),
        (655, None, Some(5)),
        (655, Some(654), Some(5)), // it was heard of once more since it was written
        (655, Some(5), None),
        (30, Some(1_000_000), Some(60)), // its clock was wrong
    ];
    for (second, alive, left) in cases {
        let mut object = heard_once();
        let store = object.restart_after(second, alive);
        let due = left.map(|left| Time::from_secs(left) + Duration::from_nanos(1));
        assert_eq!(store.poll_timeout(), due, "at {second}, alive until {alive:?}");
        let expected = if left.is_some() { ConditionStatus::True } else { ConditionStatus::Unknown };
        assert_eq!((object.ready(), object.writes), (expected, 1 + usize::from(left.is_none())));
    }
}

/// The wall's clock may jump, and another's may have been wrong.
#[test]
fn a_date_that_is_wrong_makes_nothing_fresher_than_now() {
    let mut object = heard_once();
    let mut store = object.restart(0);
    assert_eq!(store.poll_timeout(), Some(Time::from_nanos(60_000_000_001)), "as fresh as now");
    object.status.targets[0].fresh_at = Some(wall(1_000_000));
    let mut back = object.restart(0);
    assert_eq!(back.poll_timeout(), Some(Time::from_nanos(60_000_000_001)), "no fresher");
    let write = back.update(&name("a"), well(), Time::ZERO, wall(0)).expect("a restart would be misled");
    assert_eq!((write.target.unwrap().fresh_at, write.conditions), (Some(wall(0)), None));
    assert_eq!(store.update(&name("a"), well(), Time::ZERO, wall(0)), None, "this one had the right date");
    object.status.targets[0].fresh_at = None;
    object.restart(0);
    assert_eq!(object.ready(), ConditionStatus::Unknown, "nobody says how old it is");
}

proptest! {
    /// What is shown is never much older than what was heard, and a restart while there is news is no event.
    #[test]
    fn any_course(steps in prop::collection::vec((0..3_u8, 0..200_u64), 1..60)) {
        let mut object = heard_once();
        let mut store = object.restart(0);
        let (mut second, mut started, mut heard) = (0, 0, 0);
        for (what, pause) in steps {
            second += pause;
            let now = Time::from_secs(second - started);
            object.write(store.expire(now, wall(second)));
            let (was, before) = (object.ready(), object.writes);
            match what {
                0 => {
                    object.write(store.update(&name("a"), well(), now, wall(second)));
                    heard = second;
                    prop_assert_eq!(object.ready(), ConditionStatus::True);
                }
                1 => {
                    (store, started) = (object.restart(second), second);
                    if second - heard <= 60 {
                        prop_assert_eq!((object.ready(), object.writes), (was, before));
                    }
                }
                _ => {}
            }
            let is_old = second - heard > 660 || (started <= heard && second - heard > 60);
            prop_assert!(!is_old || object.ready() == ConditionStatus::Unknown, "{} s after {}", second, heard);
            // one when it changes, on each silence and its end, and one in ten limits
            prop_assert!(object.writes - before <= 1);
        }
    }

    /// With a Lease it is at most a limit older than what was heard, and one more for each restart since.
    #[test]
    fn any_course_with_a_lease(steps in prop::collection::vec((0..4_u8, 0..200_u64), 1..60)) {
        let mut object = heard_once();
        let mut store = object.restart(0);
        let (mut second, mut started, mut heard, mut alive, mut restarts) = (0, 0, 0, 0, 0);
        for (what, pause) in steps {
            second += pause;
            let is_down = what > 1;
            if is_down {
                // it did nothing since the step before
                let (was, before) = (object.ready(), object.writes);
                (store, started) = (object.restart_after(second, Some(alive)), second);
                restarts += 1;
                if second - heard <= 60 {
                    prop_assert_eq!((object.ready(), object.writes), (was, before), "a restart amid news is no event");
                }
                if second - alive > 60 {
                    prop_assert_eq!(object.ready(), ConditionStatus::Unknown, "nobody listened");
                }
            } else {
                let now = Time::from_secs(second - started);
                object.write(store.expire(now, wall(second)));
                if what == 0 {
                    object.write(store.update(&name("a"), well(), now, wall(second)));
                    (heard, restarts) = (second, 0);
                    prop_assert_eq!(object.ready(), ConditionStatus::True);
                }
            }
            alive = second;
            let is_old = second - heard > 60 * (1 + restarts).min(11);
            prop_assert!(!is_old || object.ready() == ConditionStatus::Unknown, "{} s after {}, {} restarts", second, heard, restarts);
        }
    }
}
