//! Marks over the life of a node: kept, freed, adopted from a kernel, and never more than there are.

use std::string::ToString;
use std::vec::Vec;

use proptest::prelude::*;

use super::*;
use crate::ipvs::{ObservedDestination, ObservedService, Ownership, Plan, Repair, Tunnel, plan};

fn way(number: u8) -> Way {
    let (family, forward) = match number % 3 {
        0 => (Family::V4, ForwardMethod::Tunnel(Tunnel::Ipip)),
        1 => (Family::V6, ForwardMethod::Tunnel(Tunnel::Ipip)),
        _ => (Family::V4, ForwardMethod::Tunnel(Tunnel::Gre { checksum: Default::default() })),
    };
    Way { family, backend: [10, 0, 0, number].into(), forward }
}

/// What a kernel holds that did what was desired.
fn observed(desired: &Desired) -> Observed {
    let destination = |destination: &KernelDestination| ObservedDestination {
        destination: *destination,
        connections: Some(0),
    };
    let service = |service: &DesiredService| ObservedService {
        service: service.service.clone(),
        destinations: service.destinations.iter().map(destination).collect(),
    };
    Observed { services: desired.services.iter().map(|(key, one)| (*key, service(one))).collect() }
}

fn desired(marks: &Marks) -> Desired {
    let mut desired = Desired::default();
    marks.extend(&mut desired);
    desired
}

fn planned(marks: &Marks, observed: &Observed) -> Plan {
    let ownership = Ownership { prefixes: Vec::new(), marks: Some(marks.range().clone()) };
    plan(observed, &desired(marks), &ownership, Repair::Now)
}

#[test]
fn a_mark_leads_to_one_backend() {
    let mut marks = Marks::new(7..=8);
    marks.assign([way(0)]).unwrap();
    let desired = desired(&marks);
    let (key, service) = desired.services.first_key_value().unwrap();
    assert_eq!(key.to_string(), "fwmark 7 (IPv4)");
    let [one] = service.destinations.as_slice() else { panic!("{service:?}") };
    assert_eq!((one.endpoint, one.weight), (Endpoint::new([10, 0, 0, 0].into(), 0), 1));
    assert_eq!(service.service.scheduler, "rr");
}

#[test]
fn the_default_marks_leave_kube_proxys_bits_alone() {
    assert!(MARKS.clone().all(|mark| mark & 0xc000 == 0));
    assert_eq!(MARKS.count(), 16_384);
}

#[test]
fn a_restart_writes_nothing_and_leftovers_go() {
    let mut before = Marks::new(MARKS);
    before.assign([way(1), way(2), way(3)]).unwrap();
    // The first one goes, so that a new start would count otherwise.
    before.assign([way(2), way(3), way(4)]).unwrap();
    let kernel = observed(&desired(&before));
    let mut after = Marks::new(MARKS);
    after.adopt(&kernel);
    after.assign([way(2), way(3), way(4)]).unwrap();
    assert_eq!(after, before);
    assert!(planned(&after, &kernel).is_empty(), "{:?}", planned(&after, &kernel));
    // While the agent was away a backend was taken out of the file.
    after.assign([way(2), way(3)]).unwrap();
    assert_eq!(planned(&after, &kernel).commands.len(), 1);
    // Marks of others are not adopted, nor touched.
    let mut narrow = Marks::new(1..=2);
    narrow.adopt(&kernel);
    assert_eq!(narrow, Marks::new(1..=2));
    assert_eq!(planned(&narrow, &kernel).foreign.len(), 3);
}

#[test]
fn two_marks_for_one_way_become_one() {
    let mut one = Marks::new(5..=5);
    one.assign([way(0)]).unwrap();
    let mut two = Marks::new(6..=6);
    two.assign([way(0)]).unwrap();
    let mut both = desired(&one);
    two.extend(&mut both);
    let kernel = observed(&both);
    let mut marks = Marks::new(1..=10);
    marks.adopt(&kernel);
    assert_eq!(marks.mark(&way(0)), Some(5));
    assert_eq!(planned(&marks, &kernel).commands.len(), 1, "the other is removed");
}

#[test]
fn who_is_left_over_is_counted() {
    let mut marks = Marks::new(0..=2);
    assert_eq!(marks.assign((0..5).map(way)), Err(NoMarkLeft { missing: 3, marks: 2 }));
    assert_eq!(
        [0, 1, 2].map(|number| marks.mark(&way(number)).is_some()).iter().filter(|has| **has).count(),
        2
    );
}

proptest! {
    #[test]
    fn no_two_ways_share_a_mark_and_who_stays_keeps_it(
        steps in prop::collection::vec(prop::collection::btree_set(0_u8..40, 0..30), 1..10),
    ) {
        let mut marks = Marks::new(100..=129);
        for step in steps {
            let before = marks.clone();
            marks.assign(step.iter().copied().map(way)).expect("as many marks as ways at most");
            let given: BTreeSet<u32> = step.iter().map(|number| marks.mark(&way(*number)).unwrap()).collect();
            prop_assert_eq!(given.len(), step.len());
            prop_assert!(given.iter().all(|mark| marks.range().contains(mark)));
            for number in 0..40 {
                let (was, is) = (before.mark(&way(number)), marks.mark(&way(number)));
                prop_assert_eq!(is.is_some(), step.contains(&number));
                prop_assert!(was.is_none() || is.is_none() || was == is);
            }
        }
    }
}
