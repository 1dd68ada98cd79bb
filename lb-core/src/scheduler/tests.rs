//! Who gets new flows, by kind and by the backends' states.

use std::string::ToString;
use std::vec::Vec;

use super::*;
use crate::config::{Forward, ServiceAddress};
use crate::flow::Protocol;

const KEY: HashKey = HashKey::new([7; 16]);
const MH: SchedulerKind = SchedulerKind::IpvsMh { port: true, fallback: false, table_size: 251 };
const MH_FALLBACK: SchedulerKind = SchedulerKind::IpvsMh { port: true, fallback: true, table_size: 251 };
const SH: SchedulerKind = SchedulerKind::IpvsSh { port: true, fallback: false, table_size: 256 };
const SH_FALLBACK: SchedulerKind = SchedulerKind::IpvsSh { port: true, fallback: true, table_size: 256 };
const OWN: [SchedulerKind; 3] = [
    SchedulerKind::Maglev { table_size: 251 },
    SchedulerKind::Rendezvous { table_size: 256 },
    SchedulerKind::Ring { points: 40 },
];

fn backends(states: &[(u16, BackendState)]) -> Vec<BackendConfig> {
    let backend = |(last, (weight, state)): (u8, &(u16, BackendState))| BackendConfig {
        endpoint: Endpoint::new([10, 1, 0, last].into(), 443),
        weight: Weight(*weight),
        state: *state,
    };
    (1..).zip(states).map(backend).collect()
}

fn service(kind: SchedulerKind, backends: &[BackendConfig]) -> ServiceConfig {
    ServiceConfig {
        address: ServiceAddress::new([203, 0, 113, 10].into(), 443, Protocol::TCP),
        hash_fields: HashFields::ALL,
        scheduler: kind,
        forward: Forward::Ipip,
        spread: false,
        mtu: 1_500,
        backends: backends.to_vec(),
    }
}

fn scheduler(kind: SchedulerKind, backends: &[BackendConfig]) -> Scheduler {
    Scheduler::new(&service(kind, backends), KEY, &mut TableCache::default(), None).unwrap()
}

fn flow(number: u16) -> FlowKey {
    let [high, low] = number.to_be_bytes();
    FlowKey::v4(
        Protocol::TCP,
        ([192, 0, high, low].into(), 40_000 + number % 50),
        ([203, 0, 113, 10].into(), 443),
    )
}

/// How many of 2,000 flows each backend gets, and how many nobody.
fn spread(scheduler: &Scheduler, count: usize) -> (Vec<usize>, usize) {
    let mut got = std::vec![0; count];
    let mut nobody = 0;
    for number in 0..2_000 {
        match scheduler.schedule(&flow(number)) {
            Some(place) => got[place] += 1,
            None => nobody += 1,
        }
        let trace = scheduler.explain(&flow(number));
        let chosen = scheduler.schedule(&flow(number)).is_some();
        assert_eq!(trace.backend.is_some(), chosen, "{trace}");
    }
    (got, nobody)
}

#[test]
fn own_kinds_give_flows_to_active_backends_with_a_weight() {
    use BackendState::{Active, Down, Drain};
    let all = backends(&[(1, Active), (0, Active), (1, Drain), (1, Down), (3, Active)]);
    for kind in OWN {
        let (got, nobody) = spread(&scheduler(kind, &all), all.len());
        assert_eq!((got[1], got[2], got[3], nobody), (0, 0, 0, 0), "{kind:?}");
        assert!(got[0] > 200 && got[4] > 2 * got[0], "{kind:?}: {got:?}");
        // The order of the backends is irrelevant.
        let mut turned = all.clone();
        turned.reverse();
        let turned = spread(&scheduler(kind, &turned), all.len()).0;
        assert_eq!(turned.into_iter().rev().collect::<Vec<_>>(), got, "{kind:?}");
    }
}

#[test]
fn kernel_kinds_refuse_flows_that_fall_on_a_draining_backend_unless_told_to_fall_back() {
    use BackendState::{Active, Drain};
    let all = backends(&[(1, Active), (1, Drain), (1, Active)]);
    for (kind, fallback) in [(MH, false), (MH_FALLBACK, true), (SH, false), (SH_FALLBACK, true)] {
        let (got, nobody) = spread(&scheduler(kind, &all), all.len());
        assert_eq!(got[1], 0, "{kind:?}");
        if fallback {
            assert_eq!(nobody, 0, "{kind:?}");
        } else {
            assert!((500..800).contains(&nobody), "{kind:?}: {nobody}");
        }
    }
}

#[test]
fn a_deleted_backend_leaves_the_kernels_table() {
    use BackendState::{Active, Down};
    let (got, nobody) = spread(&scheduler(MH, &backends(&[(1, Active), (1, Down), (1, Active)])), 3);
    assert_eq!((got[1], nobody), (0, 0));
}

/// With many points between two samples, the sample's holder is mostly another than the flow's.
#[test]
fn explain_knows_who_holds_a_rings_place() {
    let all = backends(&[(100, BackendState::Active); 10]);
    let scheduler = scheduler(SchedulerKind::Ring { points: 200 }, &all);
    for number in 0..200 {
        let trace = scheduler.explain(&flow(number));
        assert_eq!(trace.holder, trace.backend, "{trace}");
        let place = scheduler.schedule(&flow(number));
        assert_eq!(trace.backend, place.map(|place| all[place].endpoint));
    }
}

#[test]
fn no_backends_no_flows() {
    for kind in OWN.into_iter().chain([MH, MH_FALLBACK, SH, SH_FALLBACK]) {
        assert_eq!(scheduler(kind, &[]).schedule(&flow(1)), None, "{kind:?}");
        assert!(scheduler(kind, &[]).explain(&flow(1)).to_string().ends_with("empty"), "{kind:?}");
    }
}

#[test]
fn a_base_changes_the_work_and_not_the_outcome() {
    use BackendState::{Active, Down};
    let before = backends(&[(1, Active), (2, Active), (3, Active)]);
    let after = backends(&[(1, Active), (2, Down), (5, Active)]);
    for kind in OWN.into_iter().chain([MH, SH]) {
        let base = scheduler(kind, &before);
        let updated =
            Scheduler::new(&service(kind, &after), KEY, &mut TableCache::default(), Some(&base)).unwrap();
        assert_eq!(updated.slots_by_backend(), scheduler(kind, &after).slots_by_backend(), "{kind:?}");
    }
}
