//! What follows from what happened: the part of a rollout that every input ends with.
//!
//! In this order: failures against the budget, stages that are done and those
//! that pause, then as many targets as may be started. Doing it again changes
//! nothing.

use std::time::Duration;

use super::phase::{Input, Phase};
use super::target::{Demands, FailureCause, Progress, Signal, TargetState};
use super::{Apply, Event, Rollout};
use crate::access_point::RolloutPolicy;
use crate::api::OnFailure;
use crate::name::Name;
use crate::render::Revision;
use crate::time::{Time, WallTime};

/// The wall's clock may be set, so a window is looked at again after this at the latest.
const WINDOW_LOOK: Duration = Duration::from_secs(60);

/// What keeps targets of the stage whose turn it is from being started.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Hold {
    /// A verified target is no longer ready.
    Health(Name),
    /// As many are unverified as may be.
    Slots { unverified: usize, limit: usize },
    /// No window is open.
    Window(Option<WallTime>),
}

impl Rollout {
    /// Counts the time up to `now` for whoever is being watched.
    pub(super) fn pass(&mut self, now: Time) {
        let elapsed = now - self.counted;
        self.counted = self.counted.max(now);
        let watched: Vec<Name> = self.unverified().map(|(name, _)| name.clone()).collect();
        for name in watched {
            self.signal(&name, Signal::Passed(elapsed));
        }
    }

    /// Tells a target's progress what happened, and notes what became of it.
    pub(super) fn signal(&mut self, name: &Name, signal: Signal) {
        let proposed = self.proposed();
        let Some(target) = self.state.targets.get_mut(name) else { return };
        let before = target.progress;
        target.progress = before.next(signal, demands(&self.policy, target));
        let is_same = std::mem::discriminant(&before) == std::mem::discriminant(&target.progress);
        let is_of_proposed = target.given == proposed;
        match target.progress {
            _ if is_same => {}
            // whoever is not known to be back runs, as far as anybody knows, what nobody has verified
            Progress::Failed { cause } if is_of_proposed || cause == FailureCause::Unreturned => {
                self.state.failures.insert(name.clone());
                self.events.push_back(Event::Failed { target: name.clone(), cause });
            }
            Progress::Verified { .. } if is_of_proposed => {
                self.events.push_back(Event::Verified { target: name.clone() });
            }
            Progress::Failed { .. } | Progress::Verified { .. } => {}
            Progress::Applying { .. } | Progress::Held => {}
            Progress::Returning { .. } | Progress::Soaking { .. } => {}
        }
    }

    /// Draws all consequences.
    pub(super) fn settle(&mut self, now: Time, wall: WallTime) {
        self.judge_failures();
        self.return_strays();
        if let (Phase::Progressing | Phase::Waiting, Some(revision)) = (self.state.phase, self.proposed()) {
            self.judge_stages(revision);
            self.start(revision, wall);
        }
        let is_back = |target: &TargetState| target.applied == target.given;
        if self.state.phase == Phase::RollingBack && self.state.targets.values().all(is_back) {
            self.enter(Input::Returned);
        }
        self.timeout = self.next_timeout(now, wall);
    }

    /// Stops or returns if more targets failed than may.
    fn judge_failures(&mut self) {
        // a share of all that were asked: who failed and was taken away is one of them still
        let gone = self.state.failures.iter().filter(|name| !self.state.targets.contains_key(*name));
        let asked = u32::try_from(self.state.targets.len() + gone.count()).unwrap_or(u32::MAX);
        let (failed, budget) = (self.state.failures.len(), self.policy.failure_budget.of(asked));
        let is_running = matches!(self.state.phase, Phase::Progressing | Phase::Waiting);
        if is_running && failed > budget as usize {
            self.events.push_back(Event::BudgetSpent { failed, budget });
            self.give_up(self.policy.on_failure == OnFailure::Rollback);
        }
    }

    /// Takes a revision that is no longer wanted from whoever proved it once and fails with it now.
    fn return_strays(&mut self) {
        let (proposed, completed) = (self.proposed(), self.state.completed);
        let is_stray = |target: &TargetState| {
            let is_wanted = target.given == proposed || target.given == completed;
            matches!(target.progress, Progress::Failed { .. }) && !is_wanted
        };
        if self.state.targets.values().any(is_stray) {
            self.return_targets(is_stray);
        }
    }

    /// Lets those that failed be given what they have once more, in their turn, or return once more.
    pub(super) fn try_again(&mut self, concerned: impl Fn(&TargetState) -> bool) {
        for target in self.state.targets.values_mut().filter(|target| concerned(target)) {
            match target.progress {
                Progress::UNRETURNED => target.progress = Progress::RETURNED,
                Progress::Failed { .. } => target.progress = Progress::Held,
                Progress::Applying { .. } | Progress::Held | Progress::Returning { .. } => {}
                Progress::Soaking { .. } | Progress::Verified { .. } => {}
            }
        }
    }

    /// Finds out whether the stages are done, up to one that pauses or all.
    fn judge_stages(&mut self, revision: Revision) {
        if self.awaited(revision).is_some() {
            return self.enter(Input::GateReached);
        }
        self.enter(Input::WorkFound);
        let turn = self.turn(revision);
        // what nobody has proved is not complete, even if nobody is left to prove it; nor is what joins and
        // rollbacks are to receive while somebody is not ready with it
        let is_proved = self.verified(revision).next().is_some() && self.unready(revision).is_none();
        if turn.is_none() && is_proved {
            self.state.completed = Some(revision);
            for target in self.state.targets.values_mut() {
                // it never said that it has it, so it may have what it had before, verified or not
                if matches!(target.progress, Progress::Failed { .. }) && target.applied != target.given {
                    target.progress = Progress::UNRETURNED;
                }
            }
            self.events.push_back(Event::Completed { revision });
            self.enter(Input::Finished);
        }
    }

    /// Gives the proposed revision to as many targets of the stage whose turn it is as may be unverified.
    fn start(&mut self, revision: Revision, wall: WallTime) {
        let Some(stage) = self.turn(revision).filter(|_| self.state.phase == Phase::Progressing) else {
            return;
        };
        if matches!(self.hold(revision, stage, wall), Some(Hold::Health(_) | Hold::Window(_))) {
            return;
        }
        let passed = self.newly_passed(revision, stage);
        let before = self.transmits.len();
        let (limit, unverified) = (self.limit(stage), self.unverified().count());
        let mut free = limit.saturating_sub(unverified);
        let is_its_turn = |target: &TargetState| {
            let is_here = target.stage_in(&self.policy) == stage && is_pending(target, revision);
            is_here && self.missing(target).next().is_none()
        };
        let pending = self.state.targets.iter().filter(|(_, target)| is_its_turn(target));
        let given: Vec<Name> = pending
            .filter(|(_, target)| {
                // whoever is unverified with something older has its slot already, unless it came back to find it taken
                let has_slot = target.progress.is_unverified();
                let is_given = if has_slot { unverified <= limit } else { free > 0 };
                free -= usize::from(is_given && !has_slot);
                is_given
            })
            .map(|(name, _)| name.clone())
            .collect();
        for name in given {
            let target = self.state.targets.get_mut(&name).expect("it was found among them");
            target.give(revision, Progress::GIVEN);
            self.transmits.push_back(Apply { target: name, revision });
        }
        if self.transmits.len() > before {
            self.events.extend(passed.into_iter().map(|stage| Event::EmptyStage { stage }));
        }
    }

    /// The empty stages before a stage whose turn it is, after which nobody has been given the revision yet.
    fn newly_passed(&self, revision: Revision, turn: usize) -> Vec<Name> {
        let is_new = |stage: usize| {
            let mut later =
                self.state.targets.values().filter(|target| target.stage_in(&self.policy) > stage);
            later.all(|target| target.given != Some(revision))
        };
        let empty = (0..turn).filter(|stage| self.is_empty(*stage) && is_new(*stage));
        empty.filter_map(|stage| Some(self.policy.stages.get(stage)?.name.clone())).collect()
    }

    /// Whether a stage selects nobody now.
    fn is_empty(&self, stage: usize) -> bool {
        !self.state.targets.values().any(|target| target.stage_in(&self.policy) == stage)
    }

    /// Whether an approval of a stage would be of nothing: nobody is in it, and nobody is verified. Of one that the
    /// policy no longer has nothing can be asked but the approval.
    pub(super) fn is_unproven(&self, stage: &Name) -> bool {
        let position = self.policy.stages.iter().position(|one| one.name == *stage);
        position.is_some_and(|position| self.is_empty(position) && !self.is_proved())
    }

    /// Whether anybody there is has verified what is proposed.
    fn is_proved(&self) -> bool {
        self.proposed().is_some_and(|revision| self.verified(revision).next().is_some())
    }

    /// What keeps the targets of a stage from being started, all but their own order.
    pub(super) fn hold(&self, revision: Revision, stage: usize, wall: WallTime) -> Option<Hold> {
        if let Some(name) = self.unready(revision) {
            return Some(Hold::Health(name.clone()));
        }
        let windows = &self.policy.windows;
        if !windows.is_empty() && !windows.iter().any(|window| window.is_open(wall)) {
            return Some(Hold::Window(windows.iter().filter_map(|window| window.next_opening(wall)).min()));
        }
        let (unverified, limit) = (self.unverified().count(), self.limit(stage));
        (unverified >= limit).then_some(Hold::Slots { unverified, limit })
    }

    /// Goes to the next phase by the table, and says so.
    pub(super) fn enter(&mut self, input: Input) {
        let from = self.state.phase;
        let to = from.next(input);
        if from == to {
            return;
        }
        self.state.phase = to;
        if to == Phase::Settled {
            self.unbind();
        }
        // where one thing leads through several phases, only its end is news
        let earlier = self.events.iter().position(|event| matches!(event, Event::Phase { .. }));
        let from = match earlier.and_then(|position| self.events.remove(position)) {
            Some(Event::Phase { from, .. }) => from,
            _ => from,
        };
        if from != to {
            self.events.push_back(Event::Phase { from, to });
        }
    }

    /// Returns to the completed revision if that is wanted and possible, else stops.
    pub(super) fn give_up(&mut self, is_return_wanted: bool) {
        if is_return_wanted && self.state.completed.is_some() {
            self.return_targets(|_| true);
            self.enter(Input::Return);
        } else {
            self.enter(Input::Stop);
        }
    }

    /// Gives targets the completed revision, which needs no proof; nothing if there is none.
    ///
    /// Whoever may run an unverified revision has its slot until it says that it has the completed one again.
    pub(super) fn return_targets(&mut self, concerned: impl Fn(&TargetState) -> bool) {
        let Some(completed) = self.state.completed else { return };
        for (name, target) in &mut self.state.targets {
            if target.given == Some(completed) {
                target.progress = match target.progress {
                    Progress::UNRETURNED if concerned(target) => Progress::RETURNED,
                    Progress::UNRETURNED | Progress::Returning { .. } => target.progress,
                    Progress::Applying { .. } | Progress::Failed { .. } | Progress::Held => Progress::Held,
                    Progress::Soaking { .. } | Progress::Verified { .. } => Progress::Held,
                };
            } else if concerned(target) {
                let is_suspect = target.may_run_unverified(Some(completed));
                target.give(completed, if is_suspect { Progress::RETURNED } else { Progress::Held });
                self.transmits.push_back(Apply { target: name.clone(), revision: completed });
            }
        }
    }

    /// The revision that is proposed.
    pub(super) fn proposed(&self) -> Option<Revision> {
        self.state.proposal.as_ref().map(|proposal| proposal.revision)
    }

    /// The first stage with a target that is not done with a revision.
    pub(super) fn turn(&self, revision: Revision) -> Option<usize> {
        self.open(revision).map(|target| target.stage_in(&self.policy)).min()
    }

    /// The targets that are not done with a revision.
    pub(super) fn open(&self, revision: Revision) -> impl Iterator<Item = &TargetState> {
        let is_open =
            move |target: &&TargetState| target.given != Some(revision) || !target.progress.is_done();
        self.state.targets.values().filter(is_open)
    }

    /// How many targets may be unverified while a stage has its turn.
    pub(super) fn limit(&self, stage: usize) -> usize {
        let Some(policy) = self.policy.stages.get(stage) else { return 1 };
        // the stages before were to prove it: where they are empty, or failed within the budget, whoever is first does
        if stage > 0 && !self.is_proved() {
            return 1;
        }
        let here = |target: &&TargetState| target.stage_in(&self.policy) == stage;
        let size = u32::try_from(self.state.targets.values().filter(here).count()).unwrap_or(u32::MAX);
        policy.max_concurrency.of(size).max(1) as usize
    }

    fn unverified(&self) -> impl Iterator<Item = (&Name, &TargetState)> {
        self.state.targets.iter().filter(|(_, target)| target.progress.is_unverified())
    }

    fn verified(&self, revision: Revision) -> impl Iterator<Item = (&Name, &TargetState)> {
        self.state.targets.iter().filter(move |(_, target)| {
            target.given == Some(revision) && matches!(target.progress, Progress::Verified { .. })
        })
    }

    /// A target that proved the revision and is not ready with it now.
    fn unready(&self, revision: Revision) -> Option<&Name> {
        let is_unready =
            |(_, target): &(&Name, &TargetState)| target.progress == Progress::Verified { ready: false };
        self.verified(revision).find(is_unready).map(|(name, _)| name)
    }

    fn next_timeout(&self, now: Time, wall: WallTime) -> Option<Time> {
        let watched = self.unverified();
        let own = watched.filter_map(|(_, target)| target.progress.changes_in(demands(&self.policy, target)));
        let own = own.min().map(|left| self.counted + left);
        let window = self.waits_for_window(wall).map(|opens| {
            let wait = opens.map_or(WINDOW_LOOK, |opens| (opens - wall).min(WINDOW_LOOK));
            now + wait
        });
        own.into_iter().chain(window).min()
    }

    /// Whether a window is all that is awaited, and when it opens.
    fn waits_for_window(&self, wall: WallTime) -> Option<Option<WallTime>> {
        let revision = self.proposed().filter(|_| self.state.phase == Phase::Progressing)?;
        match self.hold(revision, self.turn(revision)?, wall)? {
            Hold::Window(opens) => Some(opens),
            Hold::Health(_) | Hold::Slots { .. } => None,
        }
    }
}

impl TargetState {
    /// It is given a revision; what it said before is no evidence of what it will have.
    fn give(&mut self, revision: Revision, progress: Progress) {
        (self.given, self.applied, self.progress) = (Some(revision), None, progress);
    }

    /// Whether it runs or may run a revision that is neither complete nor verified there.
    pub(super) fn may_run_unverified(&self, completed: Option<Revision>) -> bool {
        let is_unproven = self.given.is_some() && self.given != completed;
        match self.progress {
            Progress::Applying { .. } | Progress::Returning { .. } | Progress::Soaking { .. } => true,
            Progress::UNRETURNED => true,
            Progress::Failed { .. } | Progress::Held => is_unproven,
            Progress::Verified { .. } => false,
        }
    }

    /// Its stage under a policy that may have fewer than when it joined.
    pub(super) fn stage_in(&self, policy: &RolloutPolicy) -> usize {
        self.stage.min(policy.stages.len())
    }
}

/// Whether a target is still to be given a revision: it has another, or failed with it and is to try again.
pub(super) fn is_pending(target: &TargetState, revision: Revision) -> bool {
    target.given != Some(revision) || target.progress == Progress::Held
}

/// What the policy asks of a target.
pub(super) fn demands(policy: &RolloutPolicy, target: &TargetState) -> Demands {
    let soak = policy.stages.get(target.stage).map_or(Duration::ZERO, |stage| stage.soak);
    Demands { soak, deadline: policy.progress_deadline }
}
