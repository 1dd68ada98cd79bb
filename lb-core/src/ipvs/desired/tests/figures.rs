//! The figures of the module's documentation, computed anew.
//!
//! Slots and flows of the model of the kernel's `mh`, so exact: what a test
//! finds is within 3 % of what the documentation says with two digits.

use core::net::{IpAddr, Ipv4Addr};
use core::ops::Range;
use std::collections::BTreeMap;
use std::vec::Vec;

use super::{MH, MH_FALLBACK, offers, service};
use crate::config::{BackendState, SchedulerKind};
use crate::health::Offer;
use crate::identity::{Endpoint, Weight};
use crate::ipvs::{
    Desired, DesiredService, Grain, Kernel, Observed, Ownership, Repair, ServiceKey, desired, plan,
};
use crate::table::ipvs::{DestinationList, choose};
use crate::table::{Table, ipvs_mh};
use crate::{HashKey, ipvs::Standing};

const SLOTS: u32 = 4_093;
const FULL: u16 = 1_000;

/// N backends of equal weight, of which some have `weight` of 1,000.
fn wanted(scheduler: SchedulerKind, backends: usize, some: Range<usize>, weight: u16) -> DesiredService {
    let full = std::vec![FULL; backends];
    let mut now = full.clone();
    now[some].fill(weight);
    desired(&service(scheduler, &full), &offers(&now), Grain::Fine).unwrap().1
}

/// Who holds each slot, and which of them take flows.
struct Places {
    table: Table,
    takes: Vec<bool>,
}

impl Places {
    fn of(service: &DesiredService) -> Self {
        let mut list = DestinationList::default();
        for destination in &service.destinations {
            let holds = destination.standing().is_some_and(Standing::holds_slots);
            list.add(destination.endpoint, Weight(u16::from(holds)));
        }
        let table =
            Table::build(service.table, &HashKey::new([0; 16]), &list.members(service.table)).unwrap();
        let takes: BTreeMap<Endpoint, bool> =
            service.destinations.iter().map(|one| (one.endpoint, one.weight > 0)).collect();
        let takes = table.members().iter().map(|member| takes[&member.endpoint]).collect();
        Self { table, takes }
    }

    fn address(&self, member: u16) -> IpAddr {
        self.table.members()[usize::from(member)].endpoint.address
    }

    /// By slot.
    fn slots(&self) -> Vec<IpAddr> {
        self.table.slots().iter().map(|member| self.address(*member)).collect()
    }

    /// By flow, the fallback's tours included.
    fn flows(&self) -> Vec<Option<IpAddr>> {
        let chosen = |number: u32| {
            let client = Ipv4Addr::from_bits(0xc000_0200 + number * 7_919).into();
            let port = 1_024 + u16::try_from(number).unwrap();
            let slot = |offset| ipvs_mh::slot(SLOTS, client, port, offset);
            choose(self.table.slots(), true, slot, |member| self.takes[usize::from(member)]).0
        };
        (0..40_000).map(|number| chosen(number).map(|member| self.address(member))).collect()
    }
}

fn moved<T: PartialEq>(before: &[T], after: &[T]) -> f64 {
    let moved = before.iter().zip(after).filter(|(before, after)| before != after).count();
    100.0 * moved as f64 / before.len() as f64
}

/// What each step of a slow start from nothing to the full weight moves, in percent.
fn steps<T: PartialEq>(
    scheduler: SchedulerKind,
    (backends, rising): (usize, Range<usize>),
    look: impl Fn(&Places) -> Vec<T>,
) -> Vec<f64> {
    let units = wanted(scheduler, backends, 0..0, 0).destinations.len() / backends;
    let at = |step: usize| {
        let weight = u16::try_from(usize::from(FULL) * step / units).unwrap();
        look(&Places::of(&wanted(scheduler, backends, rising.clone(), weight)))
    };
    let tables: Vec<_> = (0..=units).map(at).collect();
    tables.windows(2).map(|pair| moved(&pair[0], &pair[1])).collect()
}

/// Equal to the figure of the documentation, which has two digits.
fn is_told(figure: f64, told: f64) -> bool {
    (figure - told).abs() <= 0.03 * told
}

fn mean_and_worst(steps: &[f64]) -> (f64, f64) {
    (steps.iter().sum::<f64>() / steps.len() as f64, steps.iter().copied().fold(0.0, f64::max))
}

#[test]
fn a_step_with_the_fallback_moves_one_units_flows() {
    for (backends, units, mean, worst) in
        [(3, 8, 4.1, 5.7), (10, 8, 1.2, 1.3), (100, 8, 0.12, 0.16), (400, 5, 0.038, 0.048)]
    {
        let steps = steps(MH_FALLBACK, (backends, 0..1), Places::flows);
        let found = mean_and_worst(&steps);
        assert_eq!(steps.len(), units, "{backends}");
        assert!(is_told(found.0, mean) && is_told(found.1, worst), "{backends}: {found:?}");
    }
}

#[test]
fn a_step_without_the_fallback_moves_less_than_one_percent_of_a_hundred() {
    for (backends, units, mean, worst) in
        [(3_usize, 16, 3.6, 4.4), (10, 16, 2.9, 3.3), (100, 16, 0.45, 0.76), (400, 5, 0.37, 0.54)]
    {
        let rising = (0..backends).step_by(backends.div_ceil(5));
        let steps: Vec<_> = rising.map(|one| steps(MH, (backends, one..one + 1), Places::slots)).collect();
        assert_eq!(steps[0].len(), units, "{backends}");
        let found = mean_and_worst(&steps.concat());
        assert!(is_told(found.0, mean) && is_told(found.1, worst), "{backends}: {found:?}");
    }
}

#[test]
fn half_of_all_that_rise_together_move_little_more_than_they_must() {
    let steps = steps(MH_FALLBACK, (100, 0..50), Places::flows);
    let all = steps.iter().sum::<f64>();
    assert!(is_told(all, 65.5), "{all}");
}

/// Nobody starves, and units in rounds are as fair as single destinations.
#[test]
fn shares_are_even() {
    for backends in [3, 10, 100, 400] {
        let places = Places::of(&wanted(MH_FALLBACK, backends, 0..0, 0));
        let mut counts: BTreeMap<IpAddr, usize> = BTreeMap::new();
        places.slots().iter().for_each(|holder| *counts.entry(*holder).or_default() += 1);
        let (fewest, most) = (counts.values().min().unwrap(), counts.values().max().unwrap());
        assert_eq!(counts.len(), backends);
        assert!(most - fewest <= 1, "{backends}: {fewest} to {most}");
    }
}

/// From one unit each to several, and what one backend less moves beside its own slots.
#[test]
fn other_changes_cost_what_is_told() {
    for (backends, finer, whole_removal, fine_removal) in
        [(3, 59.0, 0.0, 1.0), (10, 79.0, 0.8, 3.1), (100, 88.0, 2.9, 3.5), (400, 86.0, 1.2, 1.0)]
    {
        let full = std::vec![FULL; backends];
        let slots = |grain, down: Option<usize>| {
            let mut offers = offers(&full);
            if let Some(down) = down {
                offers[down].traffic = BackendState::Down;
            }
            let wanted = desired(&service(MH_FALLBACK, &full), &offers, grain).unwrap().1;
            Places::of(&wanted).slots()
        };
        let removal = |grain| {
            let all = slots(grain, None);
            let own = 100.0 / backends as f64;
            moved(&all, &slots(grain, Some(backends / 2))) - own
        };
        let grains = moved(&slots(Grain::Whole, None), &slots(Grain::Fine, None));
        let found = [grains, removal(Grain::Whole), removal(Grain::Fine)];
        let told = [finer, whole_removal, fine_removal];
        assert!(
            found.iter().zip(told).all(|(found, told)| (found - told).abs() < 0.5),
            "{backends}: {found:?}"
        );
    }
}

/// A backend that was deleted takes its places at once when it comes back for a slow start, and the flows
/// of those that are parked go on to others.
#[test]
fn a_first_step_after_death_costs_what_is_told() {
    for (backends, told) in [(3, 20.0), (10, 12.0), (100, 4.3), (400, 1.3)] {
        let full = std::vec![FULL; backends];
        let mut offers = offers(&full);
        let mut flows = |traffic, weight| {
            offers[backends / 2] = Offer { traffic, weight: Weight(weight) };
            let wanted = desired(&service(MH_FALLBACK, &full), &offers, Grain::Fine).unwrap().1;
            Places::of(&wanted).flows()
        };
        let found = moved(&flows(BackendState::Down, 0), &flows(BackendState::Active, 1));
        assert!(is_told(found, told), "{backends}: {found}");
    }
}

/// What a destination of the middle that comes back costs: writes, and slots
/// that are elsewhere meanwhile.
#[test]
fn repairs_cost_what_is_told() {
    for (backends, grain, writes, mean, worst) in [
        (10, Grain::Whole, 9, 5.1, 11.3),
        (100, Grain::Whole, 99, 3.1, 4.9),
        (400, Grain::Whole, 399, 6.3, 8.6),
        (10, Grain::Fine, 142, 8.1, 13.2),
        (100, Grain::Fine, 1_492, 15.0, 20.9),
    ] {
        let full = std::vec![FULL; backends];
        let key = ServiceKey::Address(service(MH_FALLBACK, &full).address);
        let wish = |traffic| {
            let mut offers = offers(&full);
            offers[backends / 2].traffic = traffic;
            let wanted = desired(&service(MH_FALLBACK, &full), &offers, grain).unwrap().1;
            Desired { services: [(key, wanted)].into() }
        };
        let ours = Ownership { prefixes: std::vec!["203.0.113.0/24".parse().unwrap()], marks: None };
        let mut kernel = Kernel::default();
        for command in plan(&Observed::default(), &wish(BackendState::Down), &ours, Repair::Now).commands {
            kernel.apply(&command).unwrap();
        }
        let repair = plan(&kernel.observed(), &wish(BackendState::Active), &ours, Repair::Now).commands;
        let mut after = kernel.clone();
        repair.iter().for_each(|command| after.apply(command).unwrap());
        let holders = |kernel: &Kernel| -> Vec<_> {
            let slots = kernel.slots(&key).unwrap().unwrap();
            slots.into_iter().map(|holder| holder.map(|endpoint| endpoint.address)).collect()
        };
        let goal = holders(&after);
        // every fourth table in between is enough to know the mean
        let every = repair.len().div_ceil(400);
        let mut elsewhere = Vec::new();
        for (number, command) in repair.iter().enumerate() {
            kernel.apply(command).unwrap();
            if number % every == 0 {
                elsewhere.push(moved(&holders(&kernel), &goal));
            }
        }
        let found = mean_and_worst(&elsewhere);
        let is_expected = repair.len() == writes + 2 && is_told(found.0, mean) && is_told(found.1, worst);
        assert!(is_expected, "{backends} {grain:?}: {} writes, {found:?}", repair.len());
    }
}
