//! An access point on the targets that it has, or would have.
//!
//! Each is rendered once, for all that is asked of what it would receive, and only
//! where something asks: where an override or its traffic makes targets differ, or
//! where a drain may leave pods behind.

use std::collections::BTreeSet;

use super::FleetFacts;
use super::facts::workload;
use crate::access_point::{AccessPoint, PlacementRule};
use crate::fleet::Target;
use crate::placement::{self, Evidence, place};
use crate::render::{Inspection, inspect};
use crate::template::Schemas;

/// An access point among the facts of a fleet.
pub(super) struct Placed<'a> {
    pub(super) facts: &'a FleetFacts,
    pub(super) targets: Vec<Target<'a>>,
    /// Of each target, in their order.
    inspections: Vec<Option<Inspection>>,
}

impl<'a> Placed<'a> {
    pub(super) fn new(access_point: &AccessPoint, facts: &'a FleetFacts, schemas: &Schemas) -> Self {
        let targets = targets(access_point, facts);
        // without overrides and traffic all targets are alike, and what is wrong is the templates' own
        let differ = !access_point.overrides.is_empty() || access_point.traffic.is_some();
        let is_asked = |target: &Target<'_>| differ || facts.fleet.has_drain(target.zone);
        let inspection = |target: &Target<'_>| {
            is_asked(target).then(|| inspect(access_point, target, &facts.fleet, schemas))
        };
        let inspections = targets.iter().map(inspection).collect();
        Self { facts, targets, inspections }
    }

    /// The targets of which something is asked, with what they would receive.
    pub(super) fn inspected(&self) -> impl Iterator<Item = (&Target<'a>, &Inspection)> {
        let both = self.targets.iter().zip(&self.inspections);
        both.filter_map(|(target, inspection)| Some((target, inspection.as_ref()?)))
    }
}

/// The targets that an access point has, would have or keeps; all of its level if it follows what is not known.
pub(super) fn targets<'a>(access_point: &AccessPoint, facts: &'a FleetFacts) -> Vec<Target<'a>> {
    let placement = &access_point.placement;
    let workload = workload(access_point, facts);
    if matches!(placement.rule, PlacementRule::Follow(_)) && workload.is_none() {
        return facts.fleet.targets(placement.level).collect();
    }
    let none = BTreeSet::new();
    let current = facts.current.get(&access_point.id).unwrap_or(&none);
    let evidence = Evidence { fleet: &facts.fleet, is_complete: true, workload, current };
    placement::targets(&place(placement, evidence), placement.level, &facts.fleet).collect()
}
