//! Why each target has what it has, and what it waits for.

use std::time::Duration;

use serde::Serialize;

use super::phase::Phase;
use super::settle::{Hold, demands, is_pending};
use super::target::Progress;
use super::{Identity, Proposal, Rollout, TargetState};
use crate::name::Name;
use crate::render::Revision;
use crate::time::WallTime;
use crate::units::HumanDuration;

/// Why a target has what it has.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct TargetExplanation {
    /// The target.
    pub target: Name,
    /// Its stage; `None` if no stage selects it, so that it comes last.
    pub stage: Option<Name>,
    /// What it was given last.
    pub given: Option<Revision>,
    /// What it said last that it has, since it was given that.
    pub applied: Option<Revision>,
    /// How far it has proved itself.
    pub progress: Progress,
    /// What is awaited before more happens to it; `None` if nothing is.
    pub waits_for: Option<Wait>,
}

/// What is awaited before more happens to a target.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "kind", rename_all = "camelCase")]
pub enum Wait {
    /// That somebody approves of `hash`, because `stage` pauses.
    Approval {
        /// The stage.
        stage: Name,
        /// What is to be approved.
        hash: Revision,
        /// Whose approval does not count, where the policy asks for two people.
        #[serde(skip_serializing_if = "Option::is_none")]
        not_by: Option<Identity>,
    },
    /// That it says it has what it was returned to, or given when it joined.
    Applied,
    /// That a verified target becomes ready again; it may be the target itself.
    Health {
        /// Which.
        of: Name,
    },
    /// That somebody is in `stage`, which pauses: nobody is now, and nobody is verified, so that there is
    /// nothing to approve of.
    Nobody {
        /// The stage.
        stage: Name,
    },
    /// That it becomes ready.
    Ready {
        /// How long it may take.
        within: HumanDuration,
    },
    /// That somebody resumes the rollout, or aborts it.
    Resume,
    /// That somebody proposes another revision, or resumes this one, which was returned.
    Revision,
    /// That fewer targets are unverified.
    Slot {
        /// How many are.
        unverified: usize,
        /// How many may be.
        limit: usize,
    },
    /// That it has been ready for long enough.
    Soak {
        /// How much longer.
        left: HumanDuration,
    },
    /// That the targets of an earlier stage are done; `None` is that of the targets that no stage selects.
    Stage {
        /// Which.
        before: Option<Name>,
    },
    /// That a target joins, for there is none.
    Targets,
    /// That a window opens.
    Window {
        /// When one does.
        opens: Option<WallTime>,
    },
}

/// Whose turn it is.
struct Turn<'a> {
    stage: usize,
    /// What keeps its targets from being started.
    hold: Option<Hold>,
    /// The stage whose approval is awaited.
    awaited: Option<&'a Name>,
}

/// What a rollout as a whole waits for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Awaited {
    /// Whose wait it is, of all that wait the one that the rest hangs on; `None` if it is no target's.
    pub target: Option<Name>,
    /// What is awaited.
    #[serde(flatten)]
    pub wait: Wait,
}

impl Wait {
    /// What the rest hangs on comes first.
    const fn rank(&self) -> u8 {
        match self {
            Self::Window { .. } => 0,
            Self::Health { .. } => 1,
            Self::Ready { .. } => 2,
            Self::Soak { .. } => 3,
            Self::Applied => 4,
            Self::Approval { .. } | Self::Nobody { .. } => 5,
            Self::Resume => 6,
            Self::Revision => 7,
            Self::Slot { .. } => 8,
            Self::Stage { .. } => 9,
            Self::Targets => 10,
        }
    }
}

impl Rollout {
    /// What has to happen before anything more does by itself; `None` if nothing is wanted.
    ///
    /// It agrees with the phase: while that is waiting, it is an approval, whether or not a target is there.
    #[must_use]
    pub fn awaited_now(&self, wall: WallTime) -> Option<Awaited> {
        let proposal = self.state.proposal.as_ref();
        if self.state.phase == Phase::Waiting
            && let Some(proposal) = proposal
            && let Some(stage) = self.awaited(proposal.revision)
        {
            return Some(Awaited { target: None, wait: self.wait_for_approval(proposal, stage) });
        }
        if self.state.targets.is_empty() {
            let is_wanted = matches!(self.state.phase, Phase::Progressing | Phase::Stopped);
            return is_wanted.then_some(Awaited { target: None, wait: Wait::Targets });
        }
        let waits = self.explain(wall).into_iter();
        let waits = waits.filter_map(|one| Some(Awaited { target: Some(one.target), wait: one.waits_for? }));
        waits.min_by_key(|awaited| awaited.wait.rank())
    }

    /// Each target by name: what it has, and what it waits for at `wall`.
    ///
    /// What time did since the last `handle_` is not in it.
    #[must_use]
    pub fn explain(&self, wall: WallTime) -> Vec<TargetExplanation> {
        let turn = self.proposed().and_then(|revision| {
            let stage = self.turn(revision)?;
            Some(Turn { stage, hold: self.hold(revision, stage, wall), awaited: self.awaited(revision) })
        });
        let explain = |(name, target): (&Name, &TargetState)| TargetExplanation {
            target: name.clone(),
            stage: self.stage_name(target.stage),
            given: target.given,
            applied: target.applied,
            progress: target.progress,
            waits_for: self.wait(name, target, turn.as_ref()),
        };
        self.state.targets.iter().map(explain).collect()
    }

    fn stage_name(&self, stage: usize) -> Option<Name> {
        self.policy.stages.get(stage).map(|stage| stage.name.clone())
    }

    fn wait(&self, name: &Name, target: &TargetState, turn: Option<&Turn<'_>>) -> Option<Wait> {
        let demands = demands(&self.policy, target);
        let left = || {
            let left = target.progress.changes_in(demands).unwrap_or(Duration::ZERO);
            HumanDuration::from_nanos(u64::try_from(left.as_nanos()).unwrap_or(u64::MAX))
        };
        match target.progress {
            Progress::Applying { .. } => return Some(Wait::Ready { within: left() }),
            Progress::Returning { .. } => return Some(Wait::Applied),
            Progress::Soaking { .. } => return Some(Wait::Soak { left: left() }),
            Progress::Failed { .. } | Progress::Held | Progress::Verified { .. } => {}
        }
        let proposal = self.state.proposal.as_ref()?;
        let is_pending =
            is_pending(target, proposal.revision) && self.state.completed != Some(proposal.revision);
        match self.state.phase {
            Phase::RollingBack | Phase::Settled => (target.given != target.applied).then_some(Wait::Applied),
            // who failed is tried again by whoever resumes, and returned by whoever aborts
            Phase::Stopped if matches!(target.progress, Progress::Failed { .. }) => Some(Wait::Resume),
            Phase::Stopped => is_pending.then_some(Wait::Resume),
            Phase::RolledBack => is_pending.then_some(Wait::Revision),
            Phase::Progressing | Phase::Waiting if target.progress == Progress::Verified { ready: false } => {
                Some(Wait::Health { of: name.clone() })
            }
            Phase::Progressing | Phase::Waiting if !is_pending => None,
            Phase::Progressing | Phase::Waiting => {
                let stage = target.stage_in(&self.policy);
                let turn = turn?;
                let missing = || self.missing(target).next();
                if let Some(awaited) = turn.awaited.filter(|_| missing().is_some()) {
                    return Some(self.wait_for_approval(proposal, awaited));
                }
                if stage > turn.stage {
                    return Some(Wait::Stage { before: self.stage_name(turn.stage) });
                }
                if let Some(missing) = missing() {
                    return Some(self.wait_for_approval(proposal, missing));
                }
                turn.hold.clone().map(|hold| match hold {
                    Hold::Health(of) => Wait::Health { of },
                    Hold::Slots { unverified, limit } => Wait::Slot { unverified, limit },
                    Hold::Window(opens) => Wait::Window { opens },
                })
            }
        }
    }

    fn wait_for_approval(&self, proposal: &Proposal, stage: &Name) -> Wait {
        if self.is_unproven(stage) {
            return Wait::Nobody { stage: stage.clone() };
        }
        let not_by = self.state.rule.four_eyes.then(|| proposal.author.clone());
        Wait::Approval { stage: stage.clone(), hash: proposal.difference, not_by }
    }
}
