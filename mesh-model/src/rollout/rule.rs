//! What approvals a rollout needs, whatever becomes of its policy meanwhile.
//!
//! The idea: a policy is no revision, so an edit of it takes effect at once and
//! unseen; it may ask for more then, but let nothing pass that an approval is
//! awaited for. So from its proposal until it settles a rollout remembers what
//! any policy asked of it: whether two people, which stages pause, and for each
//! target those that it comes behind. Pace, windows and budgets are the present
//! policy's.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::phase::Phase;
use super::settle::is_pending;
use super::{Rollout, TargetState};
use crate::access_point::RolloutPolicy;
use crate::name::Name;
use crate::render::Revision;

/// What approvals a rollout needs: what the policies since its proposal ask for, taken together.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ApprovalRule {
    /// Whether they must come from somebody else than the author.
    pub four_eyes: bool,
    /// The stages that pause, those too that do so no longer or are gone.
    pub pauses: BTreeSet<Name>,
    /// The hash of who is in which stage and which of them pause, so that another policy is known over a restart.
    pub stages: Option<Revision>,
    /// Whether that changed meanwhile: whoever joins then waits for all approvals that are missing.
    pub is_changed: bool,
}

impl ApprovalRule {
    /// A rule adds what a policy asks for to what it asked for before.
    fn add(&mut self, policy: &RolloutPolicy) {
        let stages: Vec<Value> = policy
            .stages
            .iter()
            .map(|stage| json!({ "name": stage.name, "targets": stage.targets, "pause": stage.pause }))
            .collect();
        let stages = Revision::of_json(&stages);
        self.is_changed |= self.stages.is_some_and(|known| known != stages);
        self.stages = Some(stages);
        self.four_eyes |= policy.four_eyes;
        self.pauses.extend(pauses(policy, policy.stages.len()).cloned());
    }
}

/// The stages that pause of the first `count`.
fn pauses(policy: &RolloutPolicy, count: usize) -> impl Iterator<Item = &Name> {
    policy.stages.iter().take(count).filter(|stage| stage.pause).map(|stage| &stage.name)
}

impl Rollout {
    /// Notes what the policy asks of the rollout that is under way, and of each target.
    pub(super) fn bind(&mut self) {
        self.state.rule.add(&self.policy);
        for target in self.state.targets.values_mut() {
            target.awaits.extend(pauses(&self.policy, target.stage).cloned());
        }
    }

    /// The stages that pause and that a target of a stage comes behind, if a rollout is under way.
    pub(super) fn awaits(&self, stage: usize, is_known: bool) -> BTreeSet<Name> {
        if self.state.phase == Phase::Settled {
            return BTreeSet::new();
        }
        // whoever joins may have been behind any of them when it left
        let is_any = self.state.rule.is_changed && !is_known;
        let all = self.state.rule.pauses.iter().filter(|_| is_any);
        pauses(&self.policy, stage).chain(all).cloned().collect()
    }

    /// Nothing is under way any more, so the policy alone says what the next is to need.
    pub(super) fn unbind(&mut self) {
        self.state.rule = ApprovalRule::default();
        for target in self.state.targets.values_mut() {
            target.awaits.clear();
        }
    }

    /// The stages that a target comes behind and that nobody let pass.
    pub(super) fn missing<'a>(&'a self, target: &'a TargetState) -> impl Iterator<Item = &'a Name> {
        target.awaits.iter().filter(|stage| !self.is_passed(stage))
    }

    /// The stage whose approval is awaited, if nothing else is left to be done before it.
    pub(super) fn awaited(&self, revision: Revision) -> Option<&Name> {
        let mut missing = BTreeSet::new();
        if let Some(turn) = self.turn(revision) {
            for target in self.open(revision).filter(|target| target.stage_in(&self.policy) == turn) {
                if !is_pending(target, revision) || self.missing(target).next().is_none() {
                    return None;
                }
                missing.extend(self.missing(target));
            }
        } else {
            missing.extend(self.state.rule.pauses.iter().filter(|stage| !self.is_passed(stage)));
        }
        // as the policy orders them, and before these any that it no longer has
        let position = |name: &Name| self.policy.stages.iter().position(|stage| stage.name == *name);
        missing.into_iter().min_by_key(|name| position(name))
    }

    fn is_passed(&self, stage: &Name) -> bool {
        self.state.approvals.iter().any(|given| given.stage == *stage)
    }
}
