//! The service's machine: every pair of state and level, then courses to read.

use std::vec::Vec;

use proptest::prelude::*;

use super::{Level, Offer, ServiceEvent, ServiceHealth, ServiceState};
use crate::config::BackendState;
use crate::health::{HealthFile, HealthState, Report, ServicePolicy};
use crate::identity::{BackendId, Weight};

const UP: HealthState = HealthState::Up;
const DOWN: HealthState = HealthState::Down;
const UNKNOWN: HealthState = HealthState::Unknown;
const DISABLED: HealthState = HealthState::Disabled;

fn policy(text: &str) -> ServicePolicy {
    let file: HealthFile = serde_saphyr::from_str(text).expect("the text parses");
    file.service_policy().expect("the settings are valid")
}

fn report(state: HealthState, weight: u16) -> Report {
    Report { state, full: Weight(weight), weight: Weight(weight) }
}

/// A service of which `states` were told, each with weight 1.
fn service(text: &str, states: &[HealthState]) -> ServiceHealth {
    let mut service = ServiceHealth::new(policy(text));
    for (id, state) in (0..).zip(states) {
        service.handle_report(BackendId(id), report(*state, 1));
    }
    service
}

fn drain(service: &mut ServiceHealth) -> Vec<ServiceEvent> {
    core::iter::from_fn(|| service.poll_event()).collect()
}

#[test]
fn every_pair_of_state_and_level() {
    use ServiceState::{Down, Panic, Unknown, Up};
    let levels = [Level::Good, Level::Hopeful, Level::Fair, Level::Poor, Level::Bad, Level::Unclear];
    let table = [
        //        good hopeful fair   poor   bad   unclear
        (Unknown, [Up, Unknown, Down, Down, Down, Unknown]),
        (Up, [Up, Up, Up, Panic, Down, Up]),
        (Panic, [Up, Up, Panic, Panic, Down, Panic]),
        (Down, [Up, Up, Down, Down, Down, Down]),
    ];
    for (state, row) in table {
        for (level, expected) in levels.into_iter().zip(row) {
            assert_eq!(state.after(level), expected, "{state:?} and {level:?}");
        }
    }
    assert_eq!([Unknown, Up, Panic, Down].map(ServiceState::stands), [false, true, true, false]);
}

#[test]
fn without_marks_one_backend_is_enough() {
    let mut service = service("{}", &[UNKNOWN, UNKNOWN]);
    assert_eq!(service.state(), ServiceState::Unknown);
    service.handle_report(BackendId(0), report(DOWN, 1));
    assert_eq!(service.state(), ServiceState::Unknown, "the other may yet be good");
    service.handle_report(BackendId(1), report(UP, 1));
    assert_eq!(service.state(), ServiceState::Up);
    service.handle_report(BackendId(1), report(DOWN, 1));
    assert_eq!(service.state(), ServiceState::Down);
}

/// Else a node that joins would send other nodes' connections with backends that it has not yet seen
/// to the first that it has.
#[test]
fn a_service_that_begins_waits_for_all_of_its_backends() {
    let mut service = service("{}", &[UNKNOWN, UNKNOWN, UNKNOWN]);
    for (id, state, expected) in
        [(0, UP, ServiceState::Unknown), (1, UP, ServiceState::Unknown), (2, DOWN, ServiceState::Up)]
    {
        service.handle_report(BackendId(id), report(state, 1));
        assert_eq!(service.state(), expected);
    }
    service.handle_report(BackendId(3), report(UNKNOWN, 1));
    assert_eq!(service.state(), ServiceState::Up, "one that joins later takes nothing down");
}

#[test]
fn high_brings_up_and_low_keeps_up() {
    // Ten backends, 60 % to come up, 30 % to stay.
    let text = "{ lowWatermark: 30%, highWatermark: 60% }";
    let mut service = service(text, &[DOWN; 10]);
    let mut course = Vec::new();
    for id in 0..10 {
        service.handle_report(BackendId(id), report(UP, 1));
        course.push((service.weights().0, service.state()));
    }
    for id in 0..10 {
        service.handle_report(BackendId(id), report(DOWN, 1));
        course.push((service.weights().0, service.state()));
    }
    let expected: Vec<_> = (1..=10)
        .map(|up| (up, if up >= 6 { ServiceState::Up } else { ServiceState::Down }))
        .chain((0..10).rev().map(|up| (up, if up >= 3 { ServiceState::Up } else { ServiceState::Down })))
        .collect();
    assert_eq!(course, expected);
}

#[test]
fn shares_are_of_weight_and_what_has_none_counts_nothing() {
    let mut service = ServiceHealth::new(policy("{ lowWatermark: 50% }"));
    service.handle_report(BackendId(0), report(UP, 100));
    service.handle_report(BackendId(1), report(DOWN, 50));
    service.handle_report(BackendId(2), report(DOWN, 0));
    assert_eq!((service.state(), service.weights()), (ServiceState::Up, (100, 150)));
    service.handle_report(BackendId(0), report(UP, 0));
    assert_eq!(service.state(), ServiceState::Down, "no weight, no service");
}

#[test]
fn disabling_all_local_members_takes_the_service_down_at_once() {
    let mut service = service("{}", &[UP, UP, UP]);
    drain(&mut service);
    for id in 0..3 {
        service.handle_report(BackendId(id), report(DISABLED, 1));
    }
    let events = drain(&mut service);
    assert_eq!(events[0], ServiceEvent::StateChanged { from: ServiceState::Up, to: ServiceState::Down });
    let drained = Offer { traffic: BackendState::Drain, weight: Weight(1) };
    let expected = (0..3).map(|id| ServiceEvent::OfferChanged { backend: BackendId(id), offer: drained });
    assert!(events[1..].iter().copied().eq(expected), "{events:?}");
}

#[test]
fn backends_that_join_unknown_take_nothing_down() {
    let mut service = service("{ lowWatermark: 60%, panicThreshold: 70% }", &[UP, UP]);
    for id in 2..10 {
        service.handle_report(BackendId(id), report(UNKNOWN, 1));
        assert_eq!(service.state(), ServiceState::Up);
    }
    // Only once they are known to be bad: 3 down of 10 leave 70 %, 4 are a panic, 5 take it down.
    let mut course = Vec::new();
    for id in 2..7 {
        service.handle_report(BackendId(id), report(DOWN, 1));
        course.push(service.state());
    }
    let expected =
        [ServiceState::Up, ServiceState::Up, ServiceState::Up, ServiceState::Panic, ServiceState::Down];
    assert_eq!(course, expected);
}

#[test]
fn a_panic_gives_traffic_to_all_that_were_ever_proven() {
    let states = [UP, UP, UP, UP, UNKNOWN, DISABLED];
    let mut service = service("{ panicThreshold: 50%, highWatermark: 60% }", &states);
    service.handle_report(BackendId(4), report(UP, 1));
    drain(&mut service);
    assert_eq!(service.state(), ServiceState::Up);
    for id in 0..3 {
        service.handle_report(BackendId(id), report(DOWN, 1));
    }
    assert_eq!(service.state(), ServiceState::Panic);
    service.handle_report(BackendId(4), report(UNKNOWN, 1));
    let traffic: Vec<_> = (0..6).map(|id| service.offer(BackendId(id)).expect("a member").traffic).collect();
    use BackendState::{Active, Drain};
    assert_eq!(traffic, [Active, Active, Active, Active, Drain, Drain]);

    // 3 of 6 are at the threshold, but only the high mark ends a panic.
    service.handle_report(BackendId(0), report(UP, 1));
    service.handle_report(BackendId(4), report(UP, 1));
    assert_eq!(service.state(), ServiceState::Panic);
    service.handle_report(BackendId(1), report(UP, 1));
    assert_eq!(service.state(), ServiceState::Up);
    assert_eq!(service.offer(BackendId(2)).expect("a member").traffic, BackendState::Down);
}

#[test]
fn a_cold_start_is_no_panic() {
    let mut service = service("{ panicThreshold: 50% }", &[UNKNOWN; 4]);
    for (id, state) in [(0, UP), (1, DOWN), (2, DOWN), (3, DOWN)] {
        service.handle_report(BackendId(id), report(state, 1));
    }
    assert_eq!(service.state(), ServiceState::Down);
    assert_eq!(service.offer(BackendId(0)).expect("a member").traffic, BackendState::Active);
    assert_eq!(service.offer(BackendId(1)).expect("a member").traffic, BackendState::Down);
}

#[test]
fn with_a_low_mark_of_nothing_the_last_failure_is_a_panic() {
    let mut service = service("{ lowWatermark: 0%, panicThreshold: 20% }", &[UP, UP]);
    for id in 0..2 {
        service.handle_report(BackendId(id), report(DOWN, 1));
    }
    assert_eq!(service.state(), ServiceState::Panic);
    assert_eq!(service.offer(BackendId(1)).expect("a member").traffic, BackendState::Active);
}

#[test]
fn the_last_backend_to_leave_takes_the_service_down() {
    let mut service = service("{}", &[UP]);
    drain(&mut service);
    service.handle_removal(BackendId(0));
    let down = ServiceEvent::StateChanged { from: ServiceState::Up, to: ServiceState::Down };
    assert_eq!(drain(&mut service), [down]);
    assert_eq!((service.offer(BackendId(0)), service.weights()), (None, (0, 0)));
}

fn any_state() -> impl Strategy<Value = HealthState> {
    prop_oneof![
        Just(UP),
        Just(DOWN),
        Just(UNKNOWN),
        Just(DISABLED),
        (0_u32..3).prop_map(|failures| HealthState::Suspect { failures }),
        (1_u32..3).prop_map(|successes| HealthState::Recovering { successes }),
    ]
}

proptest! {
    /// Sums kept up to date are sums counted anew, and offers told are offers that hold.
    #[test]
    fn sums_and_offers_are_those_of_a_naive_count(
        steps in proptest::collection::vec((0_u32..8, proptest::option::of((any_state(), any::<u16>()))), 0..100),
        low in 1_u32..=50, panic in 0_u32..=50,
    ) {
        let text = std::format!("{{ lowWatermark: {low}%, panicThreshold: {}% }}", low + panic);
        let mut service = ServiceHealth::new(policy(&text));
        let mut members = std::collections::BTreeMap::new();
        let mut told = std::collections::BTreeMap::new();
        let mut state = ServiceState::Unknown;
        for (id, change) in steps {
            let id = BackendId(id);
            match change {
                Some((state, weight)) => {
                    members.insert(id, report(state, weight));
                    service.handle_report(id, report(state, weight));
                }
                None => {
                    members.remove(&id);
                    told.remove(&id);
                    service.handle_removal(id);
                }
            }
            for event in drain(&mut service) {
                match event {
                    ServiceEvent::StateChanged { from, to } => {
                        prop_assert_eq!(from, state);
                        state = to;
                    }
                    ServiceEvent::OfferChanged { backend, offer } => {
                        prop_assert_ne!(told.insert(backend, offer), Some(offer));
                    }
                }
            }
            let weight = |report: &Report| u64::from(report.full.0);
            let total: u64 = members.values().map(weight).sum();
            let up: u64 = members.values().filter(|report| report.state.in_service()).map(weight).sum();
            prop_assert_eq!(service.weights(), (up, total));
            prop_assert_eq!(service.state(), state);
            for id in members.keys() {
                prop_assert_eq!(service.offer(*id), told.get(id).copied());
            }
            prop_assert_eq!(members.len(), told.len());
        }
    }
}
