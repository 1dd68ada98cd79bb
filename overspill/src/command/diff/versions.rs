//! Two versions of an access point, where each is placed, and what differs between them.

use std::collections::BTreeSet;

use mesh_model::access_point::AccessPoint;
use mesh_model::fleet::{Fleet, Target};
use mesh_model::name::Name;
use mesh_model::placement::{Decision, Outcome, targets};
use mesh_model::render::{Difference, Edit};
use mesh_model::template::Schemas;
use mesh_model::traffic::PlacementChange;
use serde::Serialize;

use super::Side;
use crate::command::placed::{current, decided, names_of, one_in, placed, right_templates};
use crate::command::{Stop, tell};
use crate::objects::{Located, Objects, rendering_faults};
use files::{Fault, Severity};

/// An access point that is on both sides.
pub(super) struct Version<'a> {
    old: &'a Located<AccessPoint>,
    new: &'a Located<AccessPoint>,
    /// The targets that the old one has.
    before: BTreeSet<Name>,
    /// What is decided of the new one, which begins with these.
    decisions: Vec<Decision>,
}

/// A target that is kept although nothing wants it.
#[derive(Debug, Serialize)]
pub(super) struct Kept {
    pub(super) access_point: String,
    pub(super) target: Name,
    pub(super) reason: String,
}

impl<'a> Version<'a> {
    /// The one access point that each of the two files holds.
    pub(super) fn of_both(old: &'a Side<'_>, new: &'a Side<'_>, around: &Objects) -> Result<Self, Stop> {
        let schemas = Schemas::embedded();
        right_templates(&old.objects, &schemas)?;
        right_templates(&new.objects, &schemas)?;
        let (before, after) = (one_in(&old.objects, old.path)?, one_in(&new.objects, new.path)?);
        if before.value.id != after.value.id {
            return Err(Stop::Usage(format!(
                "OLD is {} and NEW is {}; write two versions of one access point",
                before.value.id, after.value.id
            )));
        }
        let has = had(before, &known(before, after)?, old, around)?;
        let decisions = decided(after, &new.fleet, &new.workloads(around), &has)?;
        Ok(Self { old: before, new: after, before: has, decisions })
    }

    /// The access points around two fleets, which differ in where they are placed alone.
    pub(super) fn of_others(old: &Side<'_>, new: &Side<'_>, around: &'a Objects) -> Result<Vec<Self>, Stop> {
        let version = |access_point: &'a Located<AccessPoint>| {
            let before = had(access_point, &current(access_point)?, old, around)?;
            let decisions = placed(access_point, &new.fleet, &new.workloads(around), &before)?;
            Ok(Self { old: access_point, new: access_point, before, decisions })
        };
        around.access_points.iter().map(version).collect()
    }

    /// The targets that it gets or loses.
    pub(super) fn change(&self, fleet: &Fleet) -> Option<PlacementChange> {
        let after = names_of(&self.decisions, &self.new.value, fleet);
        PlacementChange::between(&self.new.value.id, &self.before, &after)
    }

    /// The targets that it keeps although nothing wants it there, and why.
    pub(super) fn kept(&self) -> impl Iterator<Item = Kept> {
        let kept = self.decisions.iter().filter(|decision| decision.outcome == Outcome::Retain);
        kept.map(|Decision { target, reason, .. }| Kept {
            access_point: self.new.value.id.to_string(),
            target: target.clone(),
            reason: reason.to_string(),
        })
    }

    /// The fields that take effect at once; warns of each at its line.
    pub(super) fn told_at_once(&self) -> Vec<&'static str> {
        let differing = self.new.value.differs_at_once(&self.old.value);
        let message = "differs, which is no revision: it takes effect at once, without a stage";
        let warnings: Vec<_> =
            differing.iter().map(|field| self.new.source.fault(field, message.to_owned())).collect();
        tell(&warnings, Severity::Warning);
        differing
    }

    /// What differs as revisions have it, on the targets of the new one.
    pub(super) fn difference(&self, fleet: &Fleet) -> Result<Difference, Stop> {
        let Self { old, new, decisions, .. } = self;
        let targets: Vec<Target<'_>> = targets(decisions, new.value.placement.level, fleet).collect();
        let edit = Edit::of(Some(&old.value), &new.value, &targets, &Schemas::embedded());
        let faults: Vec<_> = [(old, &edit.old), (new, &edit.new)]
            .into_iter()
            .flat_map(|(side, all)| rendering_faults(side, all))
            .collect();
        if !faults.is_empty() {
            // a target that cannot be rendered has no objects, which is no difference
            tell(&faults, Severity::Error);
            return Err(Stop::AnswerIsNo);
        }
        Ok(edit.difference())
    }
}

/// The targets that an access point has by its status. That of the old one counts, which is as things are; where it
/// names none, that of the new one, which is of the same object.
fn known(old: &Located<AccessPoint>, new: &Located<AccessPoint>) -> Result<BTreeSet<Name>, Fault> {
    let by_old = current(old)?;
    if by_old.is_empty() { current(new) } else { Ok(by_old) }
}

/// The targets that an access point has on the old side, where it has these already.
fn had(
    access_point: &Located<AccessPoint>,
    current: &BTreeSet<Name>,
    old: &Side<'_>,
    around: &Objects,
) -> Result<BTreeSet<Name>, Stop> {
    let decisions = placed(access_point, &old.fleet, &old.workloads(around), current)?;
    Ok(names_of(&decisions, &access_point.value, &old.fleet))
}
