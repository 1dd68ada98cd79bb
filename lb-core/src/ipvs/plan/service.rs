//! One service that is there and is to be otherwise: its writes, in three parts.
//!
//! *First* what makes more of it: settings, weights that rise, and the dead
//! taken out, unless hardly anybody else serves. In the *middle* what must be in order:
//! destinations to add, and to delete and add anew. *Last* what goes.

use alloc::boxed::Box;
use alloc::collections::{BTreeMap, BTreeSet};
use alloc::vec::Vec;
use core::net::IpAddr;

use super::super::command::Command;
use super::super::destination::{KernelDestination, Standing};
use super::super::service::{ServiceFlags, ServiceKey};
use super::super::state::{DesiredService, ObservedDestination, ObservedService};
use super::Repair;
use super::order;
use crate::identity::Endpoint;
use crate::table::TableKind;

/// The writes that change one service.
#[derive(Debug)]
pub(super) struct Change {
    pub(super) key: ServiceKey,
    pub(super) first: Vec<Command>,
    pub(super) middle: Vec<Command>,
    /// Whether some of the middle is deleted only to be added anew.
    pub(super) has_pairs: bool,
    pub(super) last: Vec<Command>,
    pub(super) is_misordered: bool,
    pub(super) leaving: usize,
}

pub(super) fn change(
    key: ServiceKey,
    observed: &ObservedService,
    desired: &DesiredService,
    repair: Repair,
) -> Change {
    let change = Change {
        key,
        first: Vec::new(),
        middle: Vec::new(),
        has_pairs: false,
        last: Vec::new(),
        is_misordered: false,
        leaving: 0,
    };
    let places = observed.destinations.iter().enumerate();
    let places = places.map(|(place, one)| (one.destination.endpoint, (place, &one.destination))).collect();
    let mut differ = Differ { desired, places, change };
    // A fallback is there before anyone is parked, and goes when nobody is.
    let fallback = ServiceFlags::SCHEDULER_1;
    let loses_fallback =
        observed.service.flags.contains(fallback) && !desired.service.flags.contains(fallback);
    let settings = (observed.service != desired.service)
        .then(|| Command::SetService { key, service: Box::new(desired.service.clone()) });
    if !loses_fallback {
        differ.change.first.extend(settings.clone());
    }
    differ.wanted(repair);
    differ.unwanted(&observed.destinations);
    if loses_fallback {
        differ.change.last.extend(settings);
    }
    differ.change
}

/// The writes that add one destination; one that holds slots and takes no flow
/// has to serve for a moment, for only a weight above 0 gives it slots. Both
/// writes travel in one datagram; a flow that comes between them may stay with a
/// backend that drains or was not checked yet, and there is at most one such
/// flow for each destination.
pub(super) fn add(key: ServiceKey, table: TableKind, wanted: &KernelDestination, into: &mut Vec<Command>) {
    let destination = marked(table, wanted);
    if is_mh(table) && destination.standing() == Some(Standing::Parked) {
        into.push(Command::AddDestination { key, destination: for_a_moment(&destination) });
        into.push(Command::SetDestination { key, destination });
    } else {
        into.push(Command::AddDestination { key, destination });
    }
}

struct Differ<'a> {
    desired: &'a DesiredService,
    /// What the kernel holds, by endpoint, and how manieth it was added.
    places: BTreeMap<Endpoint, (usize, &'a KernelDestination)>,
    change: Change,
}

impl Differ<'_> {
    /// Destinations that are to be there.
    fn wanted(&mut self, repair: Repair) {
        let wanted = &self.desired.destinations;
        let table = self.desired.table;
        let holders = || wanted.iter().enumerate().filter(|(_, one)| counts(table, one));
        let staying =
            order::staying(holders().map(|(_, one)| self.places.get(&one.endpoint).map(|(place, _)| *place)));
        let cut = holders().nth(staying).map_or(wanted.len(), |(number, _)| number);
        // Only if a holder stands in a wrong place is there anything to repair.
        let is_wrong = holders().skip(staying).any(|(_, one)| self.places.contains_key(&one.endpoint));
        let moves = is_wrong && repair == Repair::Now;
        self.change.is_misordered = is_wrong && !moves;
        let mut lowered = Vec::new();
        for (number, one) in wanted.iter().enumerate() {
            match self.places.get(&one.endpoint).map(|(_, observed)| **observed) {
                None => add(self.change.key, table, one, &mut self.change.middle),
                Some(observed) if moves && number >= cut => {
                    if observed.weight > 0 && one.weight == 0 && counts(table, one) {
                        // whoever takes flows goes on until those after it do
                        let serving = serving(table, &observed, one);
                        self.renew(&serving);
                        lowered.push((serving, one));
                    } else {
                        self.renew(one);
                    }
                }
                Some(observed) if one.weight > 0 => self.adjust(&observed, one),
                Some(observed) => lowered.push((observed, one)),
            }
        }
        for (observed, one) in lowered {
            self.adjust(&observed, one);
        }
    }

    /// Changes a destination in its place, as far as that can be.
    fn adjust(&mut self, observed: &KernelDestination, wanted: &KernelDestination) {
        let key = self.change.key;
        let destination = marked(self.desired.table, wanted);
        if *observed == destination {
            return;
        }
        if destination.weight > 0 {
            return self.change.first.push(Command::SetDestination { key, destination });
        }
        if is_mh(self.desired.table) && observed.standing() != destination.standing() {
            if destination.standing() == Some(Standing::Idle) {
                return self.renew(wanted);
            }
            // It is to hold the slots of weight 1, and may never have had it.
            if observed.weight != 1 {
                let destination = for_a_moment(&destination);
                self.change.middle.push(Command::SetDestination { key, destination });
            }
        }
        self.change.middle.push(Command::SetDestination { key, destination });
    }

    /// Deletes a destination and adds it anew, which keeps its connections.
    fn renew(&mut self, wanted: &KernelDestination) {
        let key = self.change.key;
        self.change.middle.push(Command::DeleteDestination { key, endpoint: wanted.endpoint });
        add(key, self.desired.table, wanted, &mut self.change.middle);
        self.change.has_pairs = true;
    }

    /// Destinations that are not to be there: of backends that are gone, and
    /// units that a backend no longer has, which keep their connections.
    fn unwanted(&mut self, observed: &[ObservedDestination]) {
        let wanted: BTreeMap<Endpoint, u32> =
            self.desired.destinations.iter().map(|one| (one.endpoint, one.weight)).collect();
        let living: BTreeSet<IpAddr> = wanted.keys().map(|endpoint| endpoint.address).collect();
        let serves = |one: &ObservedDestination| {
            one.destination.weight > 0
                && wanted.get(&one.destination.endpoint).is_some_and(|weight| *weight > 0)
        };
        let added = wanted.keys().filter(|endpoint| !self.places.contains_key(endpoint)).count();
        let is_crowded = observed.len() + added > room(self.desired.table);
        // Whoever is left may have to be added anew: one alone would be missed for that moment.
        let is_urgent = is_crowded || observed.iter().filter(|one| serves(one)).count() > 1;
        let key = self.change.key;
        for one in observed.iter().filter(|one| !wanted.contains_key(&one.destination.endpoint)) {
            let endpoint = one.destination.endpoint;
            let delete = Command::DeleteDestination { key, endpoint };
            let is_idle = one.destination.standing() == Some(Standing::Idle);
            if !living.contains(&endpoint.address) || is_crowded {
                if is_urgent { &mut self.change.first } else { &mut self.change.last }.push(delete);
            } else if !is_mh(self.desired.table) || (is_idle && one.connections == Some(0)) {
                self.change.last.push(delete);
            } else {
                self.change.leaving += 1;
                if !is_idle {
                    let forward = one.destination.forward;
                    self.renew(&KernelDestination::new(endpoint, forward, Standing::Idle));
                }
            }
        }
    }
}

/// Whether a destination's place in the order decides anything.
fn counts(table: TableKind, destination: &KernelDestination) -> bool {
    match table {
        TableKind::IpvsMh { .. } => marked(table, destination).standing().is_some_and(Standing::holds_slots),
        TableKind::IpvsSh { .. } => true,
        TableKind::Maglev { .. } | TableKind::Rendezvous { .. } | TableKind::Ring { .. } => false,
    }
}

const fn is_mh(table: TableKind) -> bool {
    matches!(table, TableKind::IpvsMh { .. })
}

/// How many destinations the scheduler takes.
const fn room(table: TableKind) -> usize {
    match table {
        TableKind::IpvsMh { size, .. } => size as usize,
        TableKind::IpvsSh { .. }
        | TableKind::Maglev { .. }
        | TableKind::Rendezvous { .. }
        | TableKind::Ring { .. } => usize::MAX,
    }
}

/// A weight of 0 without a mark is taken for parked, where marks mean something.
fn marked(table: TableKind, wanted: &KernelDestination) -> KernelDestination {
    match wanted.standing() {
        None if is_mh(table) => KernelDestination::new(wanted.endpoint, wanted.forward, Standing::Parked),
        None | Some(_) => *wanted,
    }
}

/// What is to take no flow any more, as it still does.
const fn serving(
    table: TableKind,
    observed: &KernelDestination,
    wanted: &KernelDestination,
) -> KernelDestination {
    if is_mh(table) {
        KernelDestination::new(wanted.endpoint, wanted.forward, Standing::Serving)
    } else {
        KernelDestination { weight: observed.weight, ..*wanted }
    }
}

/// A weight above 0 for as long as it takes to get slots. The limit of one
/// connection has the kernel refuse a second flow that comes meanwhile; the next
/// write lifts it.
const fn for_a_moment(destination: &KernelDestination) -> KernelDestination {
    let serving = KernelDestination::new(destination.endpoint, destination.forward, Standing::Serving);
    KernelDestination { upper_threshold: 1, ..serving }
}
