//! What is seen of a rollout, and what must hold of it.

use std::collections::BTreeMap;

use mesh_model::access_point::RolloutPolicy;
use mesh_model::fleet::Target;
use mesh_model::name::Name;
use mesh_model::render::Revision;
use mesh_model::rollout::{Apply, Event, Phase, RolloutState, TargetHealth, TargetReport};
use mesh_model::time::{Time, WallTime};

/// What is known from outside.
pub(super) struct Observer<'a> {
    policy: &'a RolloutPolicy,
    /// The stage of each target that may join.
    stages: BTreeMap<Name, usize>,
    present: BTreeMap<Name, Seen>,
    /// Who left, and whether it was certainly unverified then.
    gone: BTreeMap<Name, bool>,
    proposal: Option<(Revision, Revision, &'static str)>,
    completed: Option<Revision>,
    /// How many stages that pause were let pass.
    passed: usize,
}

/// What is known of a target.
#[derive(Clone, Debug, Default)]
struct Seen {
    has: Option<Revision>,
    given_at: Time,
    /// When it said last that it is not ready with that.
    unready_at: Time,
    /// Since when it is ready with it, as far as that can be believed.
    ready_from: Option<Time>,
    /// Whether it may be verified or failed, by all that is known.
    may_be_done: bool,
    /// Whether it may have proved what it has.
    may_be_verified: bool,
    /// Since when it was to return from what was certainly unverified, if it has not said that it did.
    returning_since: Option<Time>,
    /// Whether it may be held to run what it had before.
    may_be_returning: bool,
}

impl<'a> Observer<'a> {
    pub(super) fn new(policy: &'a RolloutPolicy, targets: &[Target<'_>]) -> Self {
        let stage = |target: &Target<'_>| {
            let stage = policy.stages.iter().position(|stage| stage.targets.matches(target));
            (target.name().clone(), stage.unwrap_or(policy.stages.len()))
        };
        Self {
            policy,
            stages: targets.iter().map(stage).collect(),
            present: BTreeMap::new(),
            gone: BTreeMap::new(),
            proposal: None,
            completed: None,
            passed: 0,
        }
    }

    pub(super) fn has(&self, name: &Name) -> Option<Revision> {
        self.present.get(name).and_then(|seen| seen.has)
    }

    pub(super) fn join(&mut self, targets: &[Target<'_>], now: Time) {
        for target in targets {
            let earlier = self.gone.remove(target.name());
            self.present.entry(target.name().clone()).or_insert_with(|| Seen {
                may_be_returning: earlier.is_some(),
                returning_since: earlier.filter(|is_certain| *is_certain).map(|_| now),
                ..Seen::default()
            });
        }
    }

    pub(super) fn leave(&mut self, names: &[Name]) {
        for name in names {
            if let Some(seen) = self.present.remove(name) {
                self.gone.insert(name.clone(), self.is_unverified(&seen));
            }
        }
    }

    pub(super) fn propose(&mut self, revision: Revision, difference: Revision, author: &'static str) {
        if self.proposal.is_none_or(|(current, ..)| current != revision) {
            self.proposal = Some((revision, difference, author));
            self.passed = 0;
        }
    }

    /// Whoever resumes what was rolled back begins with the first stage.
    pub(super) const fn begin_anew(&mut self) {
        self.passed = 0;
    }

    /// Time came this far: who may be done by now?
    pub(super) fn look(&mut self, now: Time) {
        for (name, seen) in &mut self.present {
            let stage = self.policy.stages.get(self.stages[name]);
            let soak = stage.map(|stage| stage.soak).unwrap_or_default();
            seen.may_be_verified |= seen.ready_from.is_some_and(|from| now >= from + soak);
            seen.may_be_done |= seen.may_be_verified || now >= seen.given_at + self.policy.progress_deadline;
            let deadline = self.policy.progress_deadline;
            seen.returning_since = seen.returning_since.filter(|since| now < *since + deadline);
        }
    }

    pub(super) fn report(&mut self, name: &Name, report: &TargetReport, now: Time) {
        let Some(seen) = self.present.get_mut(name) else { return };
        let is_about_given = report.applied.is_some() && report.applied == seen.has;
        if report.health != TargetHealth::Unknown && report.applied == seen.has {
            (seen.returning_since, seen.may_be_returning) = (None, false);
        }
        match report.health {
            TargetHealth::Ready if is_about_given => {
                let earliest = report.since.min(now).max(seen.given_at).max(seen.unready_at);
                seen.ready_from = seen.ready_from.or(Some(earliest));
            }
            TargetHealth::Failed if is_about_given => seen.may_be_done = true,
            TargetHealth::Failed | TargetHealth::NotReady | TargetHealth::Ready | TargetHealth::Unknown => {
                (seen.unready_at, seen.ready_from) = (now, None);
            }
        }
        self.look(now);
    }

    pub(super) fn approve(&mut self, hash: Revision, by: &str) {
        let (_, difference, author) = self.proposal.expect("there is something to approve of");
        assert_eq!(hash, difference, "something else was approved of");
        assert!(!self.policy.four_eyes || by != author, "{by} approved of a change of {author}");
        let mut gates = self.policy.stages.iter().enumerate().filter(|(_, stage)| stage.pause);
        let (gate, _) = gates.nth(self.passed).expect("no stage pauses any more");
        self.done_up_to(gate + 1).expect("an approval counted before there was anything to see");
        self.passed += 1;
    }

    /// A target is given a revision: may it be?
    pub(super) fn given(&mut self, apply: &Apply, now: Time, wall: WallTime, is_restarted: bool) {
        let seen = self.present.get(&apply.target).expect("given to a target that is not there").clone();
        let is_again = seen.has == Some(apply.revision);
        if Some(apply.revision) == self.completed {
            if is_again {
                return; // after a restart; it is waited for as before
            }
            let since = seen.returning_since.or_else(|| self.is_unverified(&seen).then_some(now));
            let fresh = Seen {
                has: Some(apply.revision),
                may_be_done: true,
                returning_since: since,
                may_be_returning: seen.has.is_some() || seen.may_be_returning,
                ..Seen::default()
            };
            self.present.insert(apply.target.clone(), fresh);
            return;
        }
        if is_again && is_restarted {
            return; // what nobody has confirmed is given again, which changes nothing
        }
        self.permits(&seen, apply, wall).unwrap_or_else(|why| panic!("{apply:?}, but {why}"));
        let fresh = Seen { has: Some(apply.revision), given_at: now, unready_at: now, ..Seen::default() };
        self.present.insert(apply.target.clone(), fresh);
        self.look(now);
    }

    fn permits(&self, seen: &Seen, apply: &Apply, wall: WallTime) -> Result<(), String> {
        if self.proposal.is_none_or(|(revision, ..)| revision != apply.revision) {
            return Err("it is neither proposed nor completed".to_owned());
        }
        let stage = self.stages[&apply.target];
        let gates = self.policy.stages.iter().take(stage).filter(|stage| stage.pause).count();
        if gates > self.passed {
            return Err("nobody approved of it".to_owned());
        }
        self.done_up_to(stage)?;
        let windows = &self.policy.windows;
        if !windows.is_empty() && !windows.iter().any(|window| window.is_open(wall)) {
            return Err("no window is open".to_owned());
        }
        // whoever has something unproven may have a slot for it, which it keeps
        let has_unproven =
            seen.has.is_some() && seen.has != self.completed && seen.has != Some(apply.revision);
        let may_have_slot = has_unproven || seen.may_be_returning;
        let (unverified, limit) = (self.unverified().count(), self.limit(stage));
        if !may_have_slot && unverified + 1 > limit {
            return Err(format!("{unverified} of {limit} are unverified already"));
        }
        Ok(())
    }

    pub(super) fn told(&mut self, event: &Event, now: Time) {
        if let Event::Completed { revision } = event {
            assert_eq!(self.proposal.map(|(proposed, ..)| proposed), Some(*revision));
            let gates = self.policy.stages.iter().filter(|stage| stage.pause).count();
            assert_eq!(self.passed, gates, "completed without approval");
            self.look(now);
            self.done_up_to(usize::MAX).expect("completed");
            self.completed = Some(*revision);
        }
    }

    /// What must hold when nothing more is given.
    pub(super) fn at_rest(&self, state: &RolloutState) {
        assert_eq!(state.completed, self.completed);
        assert!(state.targets.keys().eq(self.present.keys()));
        for (name, seen) in &self.present {
            assert_eq!(state.targets[name].given, seen.has, "{name}");
            assert!(self.completed.is_none() || seen.has.is_some(), "{name} joined and was given nothing");
            if matches!(state.phase, Phase::RolledBack | Phase::RollingBack) {
                assert_eq!(seen.has, self.completed, "{name} was not returned");
            }
        }
        if self
            .unverified()
            .filter(|(_, seen)| seen.has != self.completed)
            .any(|(_, seen)| self.proposal.is_some_and(|(proposed, ..)| seen.has == Some(proposed)))
        {
            assert_ne!(state.phase, Phase::Settled);
        }
    }

    /// Who runs or may run something unproven, and can be neither verified nor failed yet.
    fn unverified(&self) -> impl Iterator<Item = (&Name, &Seen)> {
        self.present.iter().filter(|(_, seen)| self.is_unverified(seen))
    }

    fn is_unverified(&self, seen: &Seen) -> bool {
        let is_unproven = seen.has.is_some() && seen.has != self.completed && !seen.may_be_done;
        is_unproven || seen.returning_since.is_some()
    }

    /// Whether all that are there of the stages before one have the proposed revision, and may be done with it.
    fn done_up_to(&self, stage: usize) -> Result<(), String> {
        let proposed = self.proposal.map(|(revision, ..)| revision);
        let mut before = self.present.iter().filter(|(name, _)| self.stages[*name] < stage);
        let open = before.find(|(_, seen)| seen.has != proposed || !seen.may_be_done);
        open.map_or(Ok(()), |(name, seen)| Err(format!("{name} of an earlier stage is not done: {seen:?}")))
    }

    fn limit(&self, stage: usize) -> usize {
        let Some(policy) = self.policy.stages.get(stage) else { return 1 };
        let proposed = self.proposal.map(|(revision, ..)| revision);
        if stage > 0 && !self.present.values().any(|seen| seen.has == proposed && seen.may_be_verified) {
            return 1; // the stages before did not prove it
        }
        let size = self.present.keys().filter(|name| self.stages[*name] == stage).count();
        let size = u32::try_from(size).expect("a few");
        usize::try_from(policy.max_concurrency.of(size)).expect("few").max(1)
    }
}
