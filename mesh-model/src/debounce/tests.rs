//! Tests of gathering: every pair of state and input; no change is lost, none waits longer than it may, none is
//! carried out beside another.

use proptest::prelude::*;

use super::*;

#[test]
fn every_pair_of_state_and_input() {
    use GatheringState::{Busy, BusyGathering, Gathering, Idle};
    use Input::{Change, Done, Due};
    let table = [
        (Idle, Change, Gathering),
        (Idle, Done, Idle),
        (Idle, Due, Idle),
        (Gathering, Change, Gathering),
        (Gathering, Done, Gathering),
        (Gathering, Due, Busy),
        (Busy, Change, BusyGathering),
        (Busy, Done, Idle),
        (Busy, Due, Busy),
        (BusyGathering, Change, BusyGathering),
        (BusyGathering, Done, Gathering),
        (BusyGathering, Due, BusyGathering),
    ];
    assert_eq!(table.len(), 4 * 3);
    for (state, input, expected) in table {
        assert_eq!(next(state, input), expected, "{state:?} {input:?}");
    }
}

fn at(milliseconds: u64) -> Time {
    Time::ZERO + Duration::from_millis(milliseconds)
}

#[test]
fn a_burst_is_one_and_a_storm_is_one_every_ten_seconds() {
    let mut changes = Gathering::new(Debounce::default());
    let mut pushed = Vec::new();
    for now in 0..=25_000 {
        if now % 50 == 0 && now <= 20_050 {
            changes.handle_change(at(now));
        }
        changes.handle_timeout(at(now));
        if let Some(push) = changes.poll_transmit() {
            pushed.push((now, push.changes));
            changes.handle_done(at(now));
        }
    }
    // every 50 ms something changes: it is never quiet for 100 ms until the end
    assert_eq!(pushed, [(10_000, 201), (20_050, 201)], "{pushed:?}");
    assert_eq!((changes.state(), changes.poll_timeout()), (GatheringState::Idle, None));
}

#[test]
fn what_changes_meanwhile_is_carried_out_by_the_next() {
    let mut changes = Gathering::new(Debounce::default());
    changes.handle_change(at(0));
    changes.handle_timeout(at(100));
    assert_eq!(changes.poll_transmit(), Some(Push { changes: 1 }));
    changes.handle_change(at(150));
    changes.handle_timeout(at(5_000));
    assert_eq!(
        (changes.poll_transmit(), changes.poll_timeout()),
        (None, None),
        "the last one is still under way"
    );
    changes.handle_done(at(6_000));
    assert_eq!(changes.poll_transmit(), Some(Push { changes: 1 }), "it has been quiet for long");
}

proptest! {
    #[test]
    fn no_change_is_lost_none_waits_too_long_and_none_is_carried_out_beside_another(
        steps in prop::collection::vec((0..3_u8, 0..3_000_u64), 1..120),
    ) {
        let debounce = Debounce::default();
        let mut changes = Gathering::new(debounce);
        let (mut now, mut told, mut done) = (0, 0, 0);
        let (mut first, mut is_busy) = (None, false);
        for (kind, pass) in steps {
            // whoever drives it is punctual
            let next = now + pass;
            while let Some(due) = changes.poll_timeout().filter(|due| *due <= at(next)) {
                changes.handle_timeout(due);
                if let Some(push) = changes.poll_transmit() {
                    prop_assert!(!is_busy);
                    let since: Time = first.take().expect("something changed");
                    prop_assert!(due <= since + debounce.most);
                    done += push.changes;
                    is_busy = true;
                }
            }
            now = next;
            if kind < 2 {
                changes.handle_change(at(now));
                told += 1;
                first = first.or_else(|| Some(at(now)));
            } else {
                changes.handle_done(at(now));
                is_busy = false;
                if let Some(push) = changes.poll_transmit() {
                    (first, is_busy) = (None, true);
                    done += push.changes;
                }
                // from here on it waits for its owner no longer
                first = first.map(|since: Time| since.max(at(now)));
            }
        }
        changes.handle_done(at(now));
        changes.handle_timeout(at(now + 20_000));
        done += changes.poll_transmit().map_or(0, |push| push.changes);
        prop_assert_eq!(done, told);
    }
}
