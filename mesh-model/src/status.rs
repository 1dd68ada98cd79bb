//! The state of an access point: one set of conditions for each target, and one of all.
//!
//! The idea: counters. What a roll-up needs is how many targets say what of
//! each aspect, and a report changes at most one of each; so no report makes
//! anybody look at the other targets, and what says nothing new is not written.
//! A target has a slot, and whatever changes with a report (who is not well, who
//! was heard of longest ago) is a list of slots that is changed at one place: a
//! report costs the same among a hundred targets as among ten thousand.
//! News has an age: a target that was not heard of for the
//! limit reads `Unknown`, never what it said last; what outlives a restart says [`StatusStore::restore`].
//! And it is of a generation: what is wanted may change before a target is heard of again, so everybody is
//! judged by the new at once, and nobody is said to be of it who was not looked at under it.
//!
//! Where reports come from is the adapter's business, who is given what the
//! [`rollout`](crate::rollout)'s. Source: Kubernetes' API conventions.

mod conditions;
mod report;
mod restore;
mod slots;

use std::collections::BTreeSet;
use std::time::Duration;

use crate::access_point::AccessPoint;
use crate::api::{
    AccessPointStatus, CertificateStatus, Condition, ConditionStatus, RouteStatus, TargetStatus,
};
use crate::name::{Fqdn, Name};
use crate::rollout::TargetReport;
use crate::time::{Time, WallTime};

use conditions::{Aspect, Counts, verdicts};
use report::told;
use slots::{Heard, Slots};

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
    /// Why it will not become ready with the revision that is in its API server: what proxies refuse of it, which
    /// health gate says no, in words for people; `None` if nothing says so. Other words are a change, and written:
    /// say what is wrong, not how much it is at this moment.
    pub failure: Option<String>,
    /// The generation of the spec that this was found under.
    pub observed_generation: u64,
}

/// What an access point asks of its targets, so that they are ready.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wanted {
    /// The generation of the spec that asks for it.
    pub generation: u64,
    /// Whether it asks for addresses.
    pub vip: bool,
    /// The names that it asks for.
    pub names: BTreeSet<Fqdn>,
    /// Whether it asks for certificates.
    pub certificate: bool,
}

impl Wanted {
    /// What an access point asks for as it is written now.
    #[must_use]
    pub fn of(access_point: &AccessPoint) -> Self {
        Self {
            generation: access_point.generation,
            vip: access_point.vip.is_some(),
            names: access_point.names.iter().map(|name| name.fqdn.clone()).collect(),
            certificate: access_point.issuer.is_some(),
        }
    }
}

/// A change of what is to be shown: to be written once.
#[derive(Clone, Debug, PartialEq)]
pub struct StatusWrite {
    /// The target as it is to be shown; `None` if it is to be shown no longer, or there is none.
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
    /// What the rollout is told.
    told: TargetReport,
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

    /// Something else is wanted: all targets are judged by it at once, by what was found out last.
    ///
    /// There is one write for each target of which something else is said now, the roll-up with the last, and none
    /// for the others. What was found under an earlier generation stays of that one, be it `True` or `False`, until
    /// the target is heard of again: nobody has looked yet whether it has what the new spec writes. Whoever
    /// was never heard of is of the new one at once.
    pub fn handle_wanted(&mut self, wanted: Wanted, wall: WallTime) -> Vec<StatusWrite> {
        if self.wanted == wanted {
            return Vec::new();
        }
        self.wanted = wanted;
        self.judge(wall)
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
        self.note(name, report, News::Heard(now), wall)
    }

    /// A target is there of which nothing has been heard yet: it reads `Unknown`, of the generation that is wanted.
    pub fn expect(&mut self, name: &Name, wall: WallTime) -> Option<StatusWrite> {
        if self.targets.slot(name).is_some() {
            return None;
        }
        self.note(name, TargetFindings::default(), News::None, wall)
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
            writes.extend(self.note(&name, report, News::None, wall));
        }
        writes
    }

    /// When `expire` is due: a nanosecond after the limit of the news that is oldest.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Time> {
        self.heard.first().map(|(_, due)| due)
    }

    /// What the rollout is to be told of a target: after each [`update`](Self::update), and of whoever
    /// [`expire`](Self::expire) names. `None` if it is none of ours.
    #[must_use]
    pub fn report(&self, name: &Name) -> Option<TargetReport> {
        let (_, entry) = self.targets.get(self.targets.slot(name)?)?;
        Some(entry.told)
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

    /// Takes note of a report; what is to be written, if that is anything new.
    fn note(
        &mut self,
        name: &Name,
        report: TargetFindings,
        news: News,
        wall: WallTime,
    ) -> Option<StatusWrite> {
        let target = Some(self.put(name, report, news, wall)?);
        Some(StatusWrite { target, conditions: self.changed_roll_up(wall) })
    }

    /// Judges all targets by what is wanted now; the roll-up goes with the last.
    fn judge(&mut self, wall: WallTime) -> Vec<StatusWrite> {
        let all: Vec<(Name, TargetFindings)> = self
            .targets
            .by_name()
            .into_iter()
            .map(|(name, entry)| (name.clone(), entry.report.clone()))
            .collect();
        let is_of_none = all.is_empty() && !self.shown.is_empty();
        let mut writes = Vec::new();
        for (name, report) in all {
            let target = self.put(&name, report, News::Same, wall);
            writes.extend(target.map(|target| StatusWrite { target: Some(target), conditions: None }));
        }
        let conditions = (is_of_none || !writes.is_empty()).then(|| self.changed_roll_up(wall)).flatten();
        match writes.last_mut() {
            Some(last) => last.conditions = conditions,
            None => writes.extend(conditions.map(|all| StatusWrite { target: None, conditions: Some(all) })),
        }
        writes
    }

    /// Puts a report in the place of the one before; the target as it is to be shown, if it is to be written.
    fn put(
        &mut self,
        name: &Name,
        mut report: TargetFindings,
        news: News,
        wall: WallTime,
    ) -> Option<TargetStatus> {
        let slot = self.targets.take(name);
        let before = self.targets.lift(slot);
        let (old_fresh_at, shown_fresh_at) =
            before.as_ref().map_or((None, None), |before| (before.fresh_at, before.shown_fresh_at));
        let (fresh_at, is_stale) = match news {
            News::Heard(_) => (Some(wall), false),
            News::None => (old_fresh_at, true),
            News::Same => (old_fresh_at, before.as_ref().is_none_or(Entry::is_stale)),
        };
        if fresh_at.is_none() {
            report.observed_generation = self.wanted.generation; // nothing was found under another
        }
        let conditions = self.said(before.as_ref(), &report, is_stale, wall);
        let told = told(before.as_ref(), &report, news);
        if let Some(before) = &before {
            self.counts.remove(&before.conditions, slot);
        }
        self.counts.add(&conditions, slot);
        let mut entry = Entry { report, fresh_at, shown_fresh_at, conditions, told };
        let is_heard = matches!(news, News::Heard(_));
        let is_lagging = is_heard && self.is_lagging(shown_fresh_at, wall);
        let is_new = is_lagging || before.is_none_or(|before| !before.is_shown_as(&entry));
        if is_new {
            entry.shown_fresh_at = fresh_at;
        }
        match news {
            News::Heard(now) => {
                self.heard.remove(slot);
                self.heard.insert(slot, after(now, self.max_age));
            }
            News::None => self.heard.remove(slot),
            News::Same => {}
        }
        let shown = is_new.then(|| entry.shown(name));
        self.targets.put(slot, entry);
        shown
    }

    /// What is said of a report, each since when it is so.
    fn said(
        &self,
        before: Option<&Entry>,
        report: &TargetFindings,
        is_stale: bool,
        wall: WallTime,
    ) -> [Condition; Aspect::ALL.len()] {
        let verdicts = verdicts(report, is_stale, &self.wanted);
        let mut said = verdicts.into_iter().zip(Aspect::ALL);
        std::array::from_fn(|at| {
            let (verdict, aspect) = said.next().expect("there is a verdict of each aspect");
            let said = verdict.condition(aspect, report.observed_generation, wall);
            match before {
                Some(before) => before.conditions[at].updated(said),
                None => said,
            }
        })
    }

    /// The roll-up, if it is another than before.
    fn changed_roll_up(&mut self, wall: WallTime) -> Option<Vec<Condition>> {
        let (oldest, verdicts) = self.counts.roll_up(&self.targets);
        let generation = oldest.unwrap_or(self.wanted.generation);
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

/// What a report is.
#[derive(Clone, Copy, Debug)]
enum News {
    /// It was heard now.
    Heard(Time),
    /// There is none, or what there was is too old.
    None,
    /// It is the one of before, as old as it is.
    Same,
}

impl Entry {
    /// Whether both are shown alike; how fresh they are alone is no reason to write.
    fn is_shown_as(&self, other: &Self) -> bool {
        let (one, two) = (&self.report, &other.report);
        (&one.vip, &one.fqdn, &one.certificate, &one.route, &self.conditions)
            == (&two.vip, &two.fqdn, &two.certificate, &two.route, &other.conditions)
    }

    /// Whether it was not heard of within the limit, or never.
    fn is_stale(&self) -> bool {
        self.conditions[0].status == ConditionStatus::Unknown
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
