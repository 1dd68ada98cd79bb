//! What a rollout must not forget, in the form in which it is kept.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use serde::{Deserialize, Serialize};

use super::identity::Identity;
use super::phase::Phase;
use super::rule::ApprovalRule;
use super::target::TargetState;
use crate::name::Name;
use crate::render::Revision;
use crate::time::WallTime;

/// Everything that a rollout knows; has neither clocks nor queues, so it can be kept anywhere and restored.
///
/// Keep it before carrying out what `poll_transmit` gave: whatever was given
/// and not kept would be given again, and whatever was kept and not given is
/// given by `Rollout::restore`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RolloutState {
    /// What is wanted.
    pub proposal: Option<Proposal>,
    /// The revision that was complete last: what joins receive, and what a rollback returns to.
    pub completed: Option<Revision>,
    /// Where the rollout is.
    pub phase: Phase,
    /// Who let it pass which stage.
    #[serde(default)]
    pub approvals: Vec<GivenApproval>,
    /// Who failed with the proposed revision, or to return from another, since it began or was resumed; present or not.
    #[serde(default)]
    pub failures: BTreeSet<Name>,
    /// Who left while it may have run an unverified revision, and may do so still when it joins again.
    ///
    /// At most [`MAX_LEFT`](Self::MAX_LEFT), in order of their leaving; beyond that the earliest is forgotten.
    #[serde(default)]
    pub left: VecDeque<Name>,
    /// What approvals the rollout needs that is under way.
    #[serde(default)]
    pub rule: ApprovalRule,
    /// The targets.
    #[serde(default)]
    pub targets: BTreeMap<Name, TargetState>,
}

impl RolloutState {
    /// How many targets are remembered that left unverified: more than there are unverified at once in any rollout that
    /// is watched, and few enough that a fleet whose clusters have new names every day does not fill a state.
    pub const MAX_LEFT: usize = 256;
}

/// A revision that somebody wants everywhere.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Proposal {
    /// What the targets are to have, `Revision::of_access_point`: the same until the access point is edited,
    /// whoever joins or leaves, so that only an edit begins a rollout.
    pub revision: Revision,
    /// The hash of what is shown to whoever approves, of `render::Edit::difference` for the targets that there are.
    pub difference: Revision,
    /// Who made the change.
    pub author: Identity,
}

/// Somebody's consent.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Approval {
    /// The hash of what they saw.
    pub hash: Revision,
    /// Who.
    pub by: Identity,
}

/// A consent that was accepted.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct GivenApproval {
    /// The stage that it lets pass.
    pub stage: Name,
    /// Who, of what.
    pub approval: Approval,
    /// When.
    pub at: WallTime,
}

/// Why an approval does not count.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ApprovalRefusal {
    /// Another difference was seen than the one that would be rolled out.
    #[error("{given} was approved, but {wanted} would be rolled out; look at the difference again")]
    OtherHash {
        /// What was approved.
        given: Revision,
        /// What would be rolled out.
        wanted: Revision,
    },
    /// The policy asks for two people.
    #[error("{author} made the change; somebody else must approve of it")]
    SameAuthor {
        /// Who made the change and approved of it.
        author: Identity,
    },
    /// The stage that pauses selects nobody now, and nobody before it is verified: there is no evidence.
    #[error(
        "stage {stage} selects nobody now and nobody is verified, so an approval would be of nothing; correct what it selects, or take it out of the policy"
    )]
    NobodyThere {
        /// Which.
        stage: Name,
    },
    /// There is nothing to approve of.
    #[error("no stage waits for an approval; approve when the rollout waits")]
    NotWaiting,
}

/// Why an abort or a resume changes nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Idle {
    /// A resume of what goes on by itself.
    #[error("it goes on already; look at what each target waits for")]
    Progressing,
    /// An abort of what was aborted, or failed.
    #[error("the completed revision is what targets have or are returned to already")]
    Returned,
    /// No rollout is under way.
    #[error("no rollout is under way; propose the revision that is wanted, the one of before to go back")]
    Settled,
    /// A resume where somebody has to look first.
    #[error("a stage waits for an approval, which a resume is not; approve, or abort")]
    Waiting,
}
