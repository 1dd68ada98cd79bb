//! The state of an access point: one set of conditions for each target, and one of all.
//!
//! The idea: counters. What a roll-up needs is how many targets say what of
//! each aspect, and a report changes at most one of each; so no report makes
//! anybody look at the other targets, and what says nothing new is not written.
//! A target has a slot, and whatever changes with a report (who is not well, who
//! was heard of longest ago) is a list of slots that is changed at one place: a
//! report costs the same among a hundred targets as among ten thousand.
//! News has an age: a target that was not heard of for the
//! limit reads `Unknown`, never what it said last.
//!
//! After a restart nothing is known but what the object shows, so its `freshAt`
//! bears the age over: it is written with every change, and where nothing
//! changes once in ten limits, however often news comes. What is shown is
//! therefore at most ten limits older than what was heard, and restored news is
//! believed until it is eleven limits old, one of them from the restart at most.
//! So a restart amid news writes nothing, one after a long silence makes all
//! `Unknown` at once, and no row of restarts keeps an old `Ready`: what it may
//! last is counted from `freshAt`, which no restart moves. A mark of the restart
//! would have to be written by each; without either a restart in a long calm and
//! one after a long silence look the same.
//!
//! Where reports come from is the adapter's business, who is given what the
//! [`rollout`](crate::rollout)'s. Source: Kubernetes' API conventions.

mod conditions;
mod slots;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use crate::api::{
    AccessPointStatus, CertificateStatus, Condition, ConditionStatus, RouteStatus, TargetStatus,
};
use crate::name::{Fqdn, Name};
use crate::time::{Time, WallTime};

use conditions::{Aspect, Counts, verdicts};
use slots::{Heard, Slots};

/// In how many limits `freshAt` is written where nothing else changes.
const LIMITS_TO_REFRESH: u32 = 10;

/// What was found out about a target.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TargetFindings {
    /// Its addresses; in order.
    pub vip: Vec<std::net::IpAddr>,
    /// Whose the addresses are, `namespace/name`, if they are somebody else's.
    pub vip_owner: Option<String>,
    /// The names that are published with them.
    pub fqdn: Vec<Fqdn>,
    /// The certificate that its gateways serve.
    pub certificate: Option<CertificateStatus>,
    /// Which revision is in its API server, and which in all of its proxies.
    pub route: RouteStatus,
    /// The generation of the spec that this was found under.
    pub observed_generation: u64,
}

/// What an access point asks of its targets, so that they are ready.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wanted {
    /// Whether it asks for addresses.
    pub vip: bool,
    /// The names that it asks for.
    pub names: BTreeSet<Fqdn>,
    /// Whether it asks for certificates.
    pub certificate: bool,
}

/// A change of what is to be shown: to be written once.
#[derive(Clone, Debug, PartialEq)]
pub struct StatusWrite {
    /// The target as it is to be shown; `None` if it is to be shown no longer.
    pub target: Option<TargetStatus>,
    /// The conditions of all targets together, if they changed.
    pub conditions: Option<Vec<Condition>>,
}

/// The state of one access point.
///
/// ```
/// use std::time::Duration;
/// use mesh_model::api::{ConditionStatus, RouteStatus};
/// use mesh_model::status::{StatusStore, TargetFindings, Wanted};
/// use mesh_model::time::Time;
///
/// let mut store = StatusStore::new(Wanted::default(), Duration::from_secs(60));
/// let (now, wall) = (Time::ZERO, "2026-11-26T12:00:00Z".parse()?);
/// let revision = Some("ab".repeat(32));
/// let route = RouteStatus { applied: revision.clone(), live: revision };
/// let report = TargetFindings { route, observed_generation: 1, ..TargetFindings::default() };
/// assert!(store.update(&"slc-a-1".parse()?, report.clone(), now, wall).is_some());
/// assert!(store.update(&"slc-a-1".parse()?, report, now, wall).is_none(), "nothing new, nothing written");
/// assert_eq!(store.roll_up()[0].status, ConditionStatus::True);
/// let writes = store.expire(Time::from_secs(61), wall);
/// assert_eq!(writes[0].target.as_ref().unwrap().conditions[0].status, ConditionStatus::Unknown);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct StatusStore {
    wanted: Wanted,
    max_age: Duration,
    targets: Slots<Entry>,
    /// The targets that are not `Unknown`, by when their news is too old.
    heard: Heard,
    counts: Counts,
    shown: Vec<Condition>,
}

#[derive(Clone, Debug)]
struct Entry {
    report: TargetFindings,
    fresh_at: Option<WallTime>,
    /// How fresh it was when it was written last.
    shown_fresh_at: Option<WallTime>,
    conditions: [Condition; Aspect::ALL.len()],
}

impl StatusStore {
    /// Nothing is known; news older than `max_age` is none.
    #[must_use]
    pub fn new(wanted: Wanted, max_age: Duration) -> Self {
        Self {
            wanted,
            max_age,
            targets: Slots::default(),
            heard: Heard::default(),
            counts: Counts::default(),
            shown: Vec::new(),
        }
    }

    /// Goes on from what the object shows, so that a controller that restarts writes only what is new: what is
    /// to be written at once is whoever is `Unknown` now.
    ///
    /// What it shows is believed for the limit from `now`, and not after its `freshAt` is eleven limits before
    /// `wall` (why, says the module): whoever is not heard of until then becomes `Unknown`. A `freshAt` in the
    /// future counts as now, and who has none is not believed. Targets whose conditions are not those of this
    /// store are left out, and written when they are heard of.
    #[must_use]
    pub fn restore(
        wanted: Wanted,
        max_age: Duration,
        status: &AccessPointStatus,
        now: Time,
        wall: WallTime,
    ) -> (Self, Vec<StatusWrite>) {
        let mut store = Self::new(wanted, max_age);
        if let Some(shown) = conditions::all(&status.conditions) {
            store.shown = shown.to_vec();
        }
        let mut due: BTreeMap<usize, Time> = BTreeMap::new();
        for target in &status.targets {
            let Some(conditions) = conditions::all(&target.conditions) else { continue };
            let report = TargetFindings::shown_as(target, &conditions);
            let is_heard_of = conditions[0].status != ConditionStatus::Unknown;
            let fresh_at = target.fresh_at;
            let entry = Entry { report, fresh_at, shown_fresh_at: fresh_at, conditions };
            // of one that is shown twice the last is what it is
            if let Some((slot, before)) = store.targets.remove(&target.name) {
                store.counts.remove(&before.conditions, slot);
                due.remove(&slot);
            }
            let slot = store.targets.take(&target.name);
            store.counts.add(&entry.conditions, slot);
            if is_heard_of {
                due.insert(slot, store.restored_due(fresh_at, now, wall));
            }
            store.targets.put(slot, entry);
        }
        let mut due: Vec<(Time, usize)> = due.into_iter().map(|(slot, due)| (due, slot)).collect();
        due.sort_unstable();
        for (due, slot) in due {
            store.heard.insert(slot, due);
        }
        let writes = store.expire(now, wall);
        (store, writes)
    }

    /// A target was heard of; what is to be written, if that is anything new.
    ///
    /// That it was heard of again is not: `freshAt` is written with the next change, and once in ten limits.
    pub fn update(
        &mut self,
        name: &Name,
        report: TargetFindings,
        now: Time,
        wall: WallTime,
    ) -> Option<StatusWrite> {
        self.note(name, report, Some((now, wall)), wall)
    }

    /// A target is there of which nothing has been heard yet: it reads `Unknown`.
    pub fn expect(&mut self, name: &Name, wall: WallTime) -> Option<StatusWrite> {
        if self.targets.slot(name).is_some() {
            return None;
        }
        self.note(name, TargetFindings::default(), None, wall)
    }

    /// A target is no longer one.
    pub fn remove(&mut self, name: &Name, wall: WallTime) -> Option<StatusWrite> {
        let (slot, entry) = self.targets.remove(name)?;
        self.heard.remove(slot);
        self.counts.remove(&entry.conditions, slot);
        Some(StatusWrite { target: None, conditions: self.changed_roll_up(wall) })
    }

    /// Whoever was not heard of for longer than the limit becomes `Unknown`: one write for each.
    pub fn expire(&mut self, now: Time, wall: WallTime) -> Vec<StatusWrite> {
        let mut writes = Vec::new();
        while let Some((slot, _)) = self.heard.first().filter(|(_, due)| *due <= now) {
            let (name, entry) = self.targets.get(slot).expect("whoever was heard of is there");
            let (name, report) = (name.clone(), entry.report.clone());
            writes.extend(self.note(&name, report, None, wall));
        }
        writes
    }

    /// When `expire` is due: a nanosecond after the limit of the news that is oldest.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Time> {
        self.heard.first().map(|(_, due)| due)
    }

    /// How much older what is shown may be than what was heard.
    const fn lag(&self) -> Duration {
        self.max_age.saturating_mul(LIMITS_TO_REFRESH)
    }

    /// When news that was restored is too old.
    fn restored_due(&self, fresh_at: Option<WallTime>, now: Time, wall: WallTime) -> Time {
        // nobody can say how old the rest is
        let left = fresh_at
            .and_then(|fresh_at| self.lag().saturating_add(self.max_age).checked_sub(wall - fresh_at));
        left.map_or(now, |left| after(now, left.min(self.max_age)))
    }

    /// Whether what is shown is so much older than news, or later, that a restart would be misled.
    fn is_lagging(&self, shown: Option<WallTime>, wall: WallTime) -> bool {
        shown.is_none_or(|shown| (wall - shown).max(shown - wall) >= self.lag())
    }

    /// The conditions of all targets together: `Ready` first.
    #[must_use]
    pub fn roll_up(&self) -> &[Condition] {
        &self.shown
    }

    /// All of it, as the object shows it.
    #[must_use]
    pub fn status(&self, revision: Option<String>, observed_generation: u64) -> AccessPointStatus {
        AccessPointStatus {
            targets: self.targets.by_name().into_iter().map(|(name, entry)| entry.shown(name)).collect(),
            conditions: self.shown.clone(),
            revision,
            observed_generation: Some(observed_generation),
        }
    }

    /// Takes note of a report, fresh if it has a time.
    fn note(
        &mut self,
        name: &Name,
        report: TargetFindings,
        fresh: Option<(Time, WallTime)>,
        wall: WallTime,
    ) -> Option<StatusWrite> {
        let verdicts = verdicts(&report, fresh.is_none(), &self.wanted);
        let slot = self.targets.take(name);
        let before = self.targets.lift(slot);
        let generation = report.observed_generation;
        let mut said = verdicts.into_iter().zip(Aspect::ALL);
        let conditions = std::array::from_fn(|at| {
            let (verdict, aspect) = said.next().expect("there is a verdict of each aspect");
            let said = verdict.condition(aspect, generation, wall);
            match &before {
                Some(before) => before.conditions[at].updated(said),
                None => said,
            }
        });
        if let Some(before) = &before {
            self.counts.remove(&before.conditions, slot);
        }
        self.counts.add(&conditions, slot);
        let (old_fresh_at, shown_fresh_at) =
            before.as_ref().map_or((None, None), |before| (before.fresh_at, before.shown_fresh_at));
        let fresh_at = fresh.map(|(_, wall)| wall).or(old_fresh_at);
        let mut entry = Entry { report, fresh_at, shown_fresh_at, conditions };
        let is_lagging = fresh.is_some_and(|(_, wall)| self.is_lagging(shown_fresh_at, wall));
        let is_new = is_lagging || before.is_none_or(|before| !before.is_shown_as(&entry));
        if is_new {
            entry.shown_fresh_at = fresh_at;
        }
        self.heard.remove(slot);
        if let Some((now, _)) = fresh {
            self.heard.insert(slot, after(now, self.max_age));
        }
        let write = is_new.then(|| entry.shown(name));
        self.targets.put(slot, entry);
        let target = Some(write?);
        Some(StatusWrite { target, conditions: self.changed_roll_up(wall) })
    }

    /// The roll-up, if it is another than before.
    fn changed_roll_up(&mut self, wall: WallTime) -> Option<Vec<Condition>> {
        let (generation, verdicts) = self.counts.roll_up(&self.targets);
        let is_same = self.shown.len() == verdicts.len()
            && self
                .shown
                .iter()
                .zip(&verdicts)
                .all(|(shown, verdict)| verdict.is_shown_as(shown, generation));
        if is_same {
            return None;
        }
        let said = verdicts.into_iter().zip(Aspect::ALL);
        let said = said.map(|(verdict, aspect)| verdict.condition(aspect, generation, wall));
        self.shown = match std::mem::take(&mut self.shown) {
            none if none.is_empty() => said.collect(),
            old => old.iter().zip(said).map(|(old, new)| old.updated(new)).collect(),
        };
        Some(self.shown.clone())
    }
}

/// The first moment after a span of time.
fn after(now: Time, span: Duration) -> Time {
    now + span + Duration::from_nanos(1)
}

impl TargetFindings {
    /// What a target that is shown so said, as far as that is shown.
    fn shown_as(target: &TargetStatus, conditions: &[Condition; Aspect::ALL.len()]) -> Self {
        Self {
            vip: target.vip.clone(),
            vip_owner: target.vip_owner.clone(),
            fqdn: target.fqdn.clone(),
            certificate: target.certificate.clone(),
            route: target.route.clone().unwrap_or_default(),
            observed_generation: conditions[0].observed_generation.unwrap_or_default(),
        }
    }
}

impl Entry {
    /// Whether both are shown alike; how fresh they are alone is no reason to write.
    fn is_shown_as(&self, other: &Self) -> bool {
        let (one, two) = (&self.report, &other.report);
        (&one.vip, &one.fqdn, &one.certificate, &one.route, &self.conditions)
            == (&two.vip, &two.fqdn, &two.certificate, &two.route, &other.conditions)
    }

    fn shown(&self, name: &Name) -> TargetStatus {
        let report = self.report.clone();
        let is_routed = report.route != RouteStatus::default();
        TargetStatus {
            name: name.clone(),
            vip: report.vip,
            vip_owner: report.vip_owner,
            fqdn: report.fqdn,
            certificate: report.certificate,
            route: is_routed.then_some(report.route),
            fresh_at: self.fresh_at,
            conditions: self.conditions.to_vec(),
        }
    }
}

#[cfg(test)]
mod tests;
