//! What a report says of each aspect, and how many targets say what.

use std::collections::BTreeMap;

use super::slots::Slots;
use super::{TargetFindings, Wanted};
use crate::api::{CertificateState, Condition, ConditionStatus};
use crate::time::WallTime;

/// An aspect of a target, and the type of its condition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Aspect {
    Ready,
    Certificate,
    Name,
    Route,
    Vip,
}

impl Aspect {
    /// The roll-up of all others first.
    pub(super) const ALL: [Self; 5] = [Self::Ready, Self::Certificate, Self::Name, Self::Route, Self::Vip];

    const fn as_str(self) -> &'static str {
        match self {
            Self::Ready => "Ready",
            Self::Certificate => "Certificate",
            Self::Name => "Name",
            Self::Route => "Route",
            Self::Vip => "Vip",
        }
    }
}

/// What is said of one aspect.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Verdict {
    status: ConditionStatus,
    reason: &'static str,
    message: String,
}

impl Verdict {
    const fn new(status: ConditionStatus, reason: &'static str, message: String) -> Self {
        Self { status, reason, message }
    }

    const fn yes(reason: &'static str) -> Self {
        Self::new(ConditionStatus::True, reason, String::new())
    }

    const fn no(reason: &'static str, message: String) -> Self {
        Self::new(ConditionStatus::False, reason, message)
    }

    /// Whether a condition says this already.
    pub(super) fn is_shown_as(&self, shown: &Condition, generation: u64) -> bool {
        shown.status == self.status
            && shown.reason == self.reason
            && shown.message == self.message
            && shown.observed_generation == Some(generation)
    }

    pub(super) fn condition(self, aspect: Aspect, generation: u64, wall: WallTime) -> Condition {
        Condition {
            kind: aspect.as_str().into(),
            status: self.status,
            observed_generation: Some(generation),
            last_transition_time: wall,
            reason: self.reason.into(),
            message: self.message,
        }
    }
}

/// What a report says of each aspect, in the order of [`Aspect::ALL`].
pub(super) fn verdicts(report: &TargetFindings, is_stale: bool, wanted: &Wanted) -> [Verdict; 5] {
    if is_stale {
        let message = "not heard of within the limit; what is shown is what it said last".to_owned();
        return std::array::from_fn(|_| Verdict::new(ConditionStatus::Unknown, "NoNews", message.clone()));
    }
    let parts = [certificate(report, wanted), names(report, wanted), route(report), vip(report, wanted)];
    let missing: Vec<&str> = parts
        .iter()
        .zip(&Aspect::ALL[1..])
        .filter(|(verdict, _)| verdict.status != ConditionStatus::True)
        .map(|(_, aspect)| aspect.as_str())
        .collect();
    let ready = match missing.as_slice() {
        [] => Verdict::yes("AllParts"),
        missing => Verdict::no("PartsMissing", format!("not ready: {}", missing.join(", "))),
    };
    let [certificate, names, route, vip] = parts;
    [ready, certificate, names, route, vip]
}

fn certificate(report: &TargetFindings, wanted: &Wanted) -> Verdict {
    let state = report.certificate.as_ref().map(|certificate| certificate.state);
    match state {
        _ if !wanted.certificate => Verdict::yes("NotWanted"),
        None => Verdict::no("None", "no certificate was ordered yet".into()),
        Some(CertificateState::Issued) => Verdict::yes("Issued"),
        Some(CertificateState::Renewing) => Verdict::yes("Renewing"),
        Some(CertificateState::Pending) => Verdict::no("Pending", "the authority has not signed yet".into()),
        Some(CertificateState::Failed) => {
            Verdict::no("Failed", "the authority refused; it is asked again".into())
        }
        Some(CertificateState::Expired) => Verdict::no("Expired", "it is past its end".into()),
    }
}

fn names(report: &TargetFindings, wanted: &Wanted) -> Verdict {
    let mut missing = wanted.names.iter().filter(|name| !report.fqdn.contains(name));
    match (missing.next(), missing.count()) {
        (None, _) if wanted.names.is_empty() => Verdict::yes("NotWanted"),
        (None, _) => Verdict::yes("Published"),
        (Some(name), 0) => Verdict::no("NotPublished", format!("{name} is not published")),
        (Some(name), more) => {
            Verdict::no("NotPublished", format!("{name} and {more} more names are not published"))
        }
    }
}

/// The reason of a route that has failed; its message is why.
const FAILED: &str = "Failed";

/// Why a route has failed, as its condition shows it.
pub(super) fn failure(route: &Condition) -> Option<String> {
    let has_failed = route.status == ConditionStatus::False && route.reason == FAILED;
    has_failed.then(|| route.message.clone())
}

fn route(report: &TargetFindings) -> Verdict {
    if let (Some(_), Some(why)) = (&report.route.applied, &report.failure) {
        return Verdict::no(FAILED, why.clone());
    }
    match (&report.route.applied, &report.route.live) {
        (None, _) => Verdict::no("NotApplied", "no revision is in the API server".into()),
        (Some(applied), Some(live)) if applied == live => Verdict::yes("Live"),
        (Some(applied), Some(live)) => {
            Verdict::no("Propagating", format!("{applied} is applied, some proxies still have {live}"))
        }
        (Some(applied), None) => {
            Verdict::no("Propagating", format!("{applied} is applied, no proxy has it yet"))
        }
    }
}

fn vip(report: &TargetFindings, wanted: &Wanted) -> Verdict {
    match &report.vip_owner {
        _ if !wanted.vip => Verdict::yes("NotWanted"),
        Some(owner) => Verdict::no("Conflict", format!("the address is {owner}'s; ask for another")),
        None if report.vip.is_empty() => Verdict::no("None", "no address was allocated yet".into()),
        None => Verdict::yes("Allocated"),
    }
}

/// The conditions of all aspects as an object shows them; `None` if they are others than ours.
pub(super) fn all(shown: &[Condition]) -> Option<[Condition; 5]> {
    let conditions: [Condition; 5] = shown.to_vec().try_into().ok()?;
    let are_ours =
        conditions.iter().zip(Aspect::ALL).all(|(condition, aspect)| condition.kind == aspect.as_str());
    are_ours.then_some(conditions)
}

/// How many targets say what of each aspect, and which are not well.
#[derive(Clone, Debug, Default)]
pub(super) struct Counts {
    /// The slots of those that say `False` and of those that say `Unknown`, by aspect; the rest say `True`.
    unwell: [[Vec<usize>; 2]; 5],
    /// By slot, where it is in the list of what it says, by aspect.
    places: Vec<[usize; 5]>,
    generations: BTreeMap<u64, usize>,
}

impl Counts {
    pub(super) fn add(&mut self, conditions: &[Condition; 5], slot: usize) {
        if self.places.len() <= slot {
            self.places.resize(slot + 1, [0; 5]);
        }
        for (aspect, condition) in conditions.iter().enumerate() {
            if let Some(list) = list(&mut self.unwell[aspect], condition.status) {
                self.places[slot][aspect] = list.len();
                list.push(slot);
            }
        }
        *self.generations.entry(generation(conditions)).or_default() += 1;
    }

    pub(super) fn remove(&mut self, conditions: &[Condition; 5], slot: usize) {
        for (aspect, condition) in conditions.iter().enumerate() {
            if let Some(list) = list(&mut self.unwell[aspect], condition.status) {
                let place = self.places[slot][aspect];
                list.swap_remove(place);
                // the last one took its place
                if let Some(moved) = list.get(place) {
                    self.places[*moved][aspect] = place;
                }
            }
        }
        let generation = generation(conditions);
        let left = self.generations.get_mut(&generation).expect("it was added with this generation");
        *left -= 1;
        if *left == 0 {
            self.generations.remove(&generation);
        }
    }

    /// The oldest generation, `None` of nobody, and what all targets together say: `False` if one does, else `Unknown` if one does.
    ///
    /// It names one of them, and the same as long as that one says so: who reads it has somewhere to begin.
    pub(super) fn roll_up<T>(&self, targets: &Slots<T>) -> (Option<u64>, [Verdict; 5]) {
        let oldest = self.generations.keys().next().copied();
        let one = |aspect: Aspect| {
            let [no, unknown] = &self.unwell[aspect as usize];
            let example = |list: &[usize], what: &str| {
                let first = list.first().and_then(|slot| targets.name(*slot));
                let first = first.expect("whoever is counted is there");
                let rest = if list.len() > 1 { ", ..." } else { "" };
                format!("{} of {} targets {what}: {first}{rest}", list.len(), targets.len())
            };
            if targets.len() == 0 {
                Verdict::new(ConditionStatus::Unknown, "NoTargets", "there are no targets".into())
            } else if !no.is_empty() {
                Verdict::no("TargetsNotReady", example(no, "are not ready"))
            } else if !unknown.is_empty() {
                Verdict::new(ConditionStatus::Unknown, "NoNews", example(unknown, "were not heard of"))
            } else {
                Verdict::yes("AllTargets")
            }
        };
        (oldest, Aspect::ALL.map(one))
    }

    /// How many say what, for tests that count anew.
    #[cfg(test)]
    pub(super) fn unwell(&self) -> [[usize; 2]; 5] {
        self.unwell.each_ref().map(|lists| lists.each_ref().map(Vec::len))
    }
}

const fn list(lists: &mut [Vec<usize>; 2], status: ConditionStatus) -> Option<&mut Vec<usize>> {
    let [no, unknown] = lists;
    match status {
        ConditionStatus::True => None,
        ConditionStatus::False => Some(no),
        ConditionStatus::Unknown => Some(unknown),
    }
}

/// All conditions of a target are of one generation.
fn generation(conditions: &[Condition; 5]) -> u64 {
    conditions[0].observed_generation.unwrap_or_default()
}
