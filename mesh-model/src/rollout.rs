//! The rollout of a revision, stage by stage, as a machine.
//!
//! The one idea: a target that was given something new *is unverified* until it
//! has been ready with exactly that for the soak of its stage, and everything
//! else follows from counting these. The completed revision needs no proof: a
//! target that joins receives it at once, and so does every target in a
//! rollback, without approval and outside all windows. What is unproven does
//! not outlive its rollout: a new proposal first returns whoever is unverified. And a stage in
//! which nobody is [proves nothing](empty_stages).
//!
//! Rendering decides what a revision is, [`placement`](crate::placement) which
//! targets there are, [`status`](crate::status) how they are; whoever owns this
//! writes to them. Drains and shifts of traffic are no revisions and do not pass here.

mod explain;
mod file;
mod identity;
mod phase;
mod record;
mod rule;
mod settle;
mod stages;
mod state;
mod target;
mod versions;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use crate::access_point::RolloutPolicy;
use crate::fleet::Target;
use crate::name::Name;
use crate::render::Revision;
use crate::time::{Time, WallTime};

pub use explain::{Awaited, TargetExplanation, Wait};
pub use file::{Clock, Decision, Play, PlayError};
pub use identity::{Identity, ParseIdentityError};
pub use phase::Phase;
pub use record::{Happening, HappeningKind, Recorded, RecordedSpec};
pub use rule::ApprovalRule;
pub use stages::{EmptyCause, EmptyStage, empty_stages, without_stage};
pub use state::{Approval, ApprovalRefusal, GivenApproval, Idle, Proposal, RolloutState};
pub use target::{FailureCause, Progress, TargetHealth, TargetReport, TargetState};
pub use versions::Versions;

use phase::Input;
use stages::stage_of;
use target::Signal;

/// A rollout of one access point.
///
/// ```
/// use mesh_model::access_point::RolloutPolicy;
/// # use mesh_model::api::PlacementLevel;
/// # use mesh_model::fleet::Fleet;
/// use mesh_model::render::Revision;
/// use mesh_model::rollout::{Proposal, Rollout, TargetHealth, TargetReport};
/// use mesh_model::time::Time;
///
/// # let frame = |kind: &str, rest: &str| format!("{{ apiVersion: overspill.dev/v1alpha1, kind: {kind}, {rest} }}");
/// # let zone = serde_saphyr::from_str(&frame("AvailabilityZone", "metadata: { name: a }, spec: { region: r }"))?;
/// # let cluster = |name| serde_saphyr::from_str(&frame("Cluster", &format!("metadata: {{ name: {name} }}, spec: {{ zone: a }}")));
/// # let fleet = Fleet::new(vec![zone], vec![cluster("a-1")?, cluster("a-2")?])?;
/// let targets: Vec<_> = fleet.targets(PlacementLevel::Cluster).collect(); // a-1, a-2
/// let (now, wall) = (Time::ZERO, "2026-11-26T09:00:00Z".parse()?);
/// let mut rollout = Rollout::new(RolloutPolicy::default()); // one target at a time
/// rollout.handle_targets(now, wall, &targets, &[]);
/// let revision = Revision([7; 32]);
/// rollout.handle_revision(now, wall, Proposal { revision, difference: revision, author: "ann".parse()? });
/// assert_eq!(rollout.poll_transmit().unwrap().target, "a-1");
/// assert_eq!(rollout.poll_transmit(), None, "a-2 waits until a-1 is verified");
/// let ready = TargetReport { applied: Some(revision), health: TargetHealth::Ready, since: now };
/// rollout.handle_target_report(now, wall, &"a-1".parse()?, ready);
/// assert_eq!(rollout.poll_transmit().unwrap().target, "a-2");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Rollout {
    policy: RolloutPolicy,
    state: RolloutState,
    /// Up to when the durations of the state are counted.
    counted: Time,
    timeout: Option<Time>,
    transmits: VecDeque<Apply>,
    events: VecDeque<Event>,
}

/// Give a target a revision.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
pub struct Apply {
    /// Who.
    pub target: Name,
    /// What.
    pub revision: Revision,
}

/// What the owner of a rollout may want to tell people.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(tag = "kind", rename_all = "camelCase")]
pub enum Event {
    /// Somebody aborted it.
    Aborted {
        /// Who.
        by: Identity,
    },
    /// Somebody let it pass a stage.
    Approved {
        /// The stage.
        stage: Name,
        /// Who.
        by: Identity,
    },
    /// More targets failed than may.
    BudgetSpent {
        /// How many failed.
        failed: usize,
        /// How many may.
        budget: u32,
    },
    /// A revision is everywhere, and is what joins and rollbacks receive from now on.
    Completed {
        /// Which.
        revision: Revision,
    },
    /// A stage that does not pause, or was approved of, selects nobody now: it was passed and proved nothing,
    /// so whoever comes first after it goes alone.
    EmptyStage {
        /// Which.
        stage: Name,
    },
    /// A target failed with the proposed revision, or to return from an earlier one.
    Failed {
        /// Which.
        target: Name,
        /// Why.
        cause: FailureCause,
    },
    /// The rollout went from one phase to another; what it only passed through is left out.
    Phase {
        /// Where it was.
        from: Phase,
        /// Where it is.
        to: Phase,
    },
    /// Somebody resumed it.
    Resumed {
        /// Who.
        by: Identity,
    },
    /// A target is verified with the proposed revision.
    Verified {
        /// Which.
        target: Name,
    },
}

impl Rollout {
    /// A rollout that has never seen anything.
    #[must_use]
    pub const fn new(policy: RolloutPolicy) -> Self {
        Self {
            policy,
            state: RolloutState {
                proposal: None,
                completed: None,
                phase: Phase::Settled,
                approvals: Vec::new(),
                failures: BTreeSet::new(),
                left: VecDeque::new(),
                rule: ApprovalRule {
                    four_eyes: false,
                    pauses: BTreeSet::new(),
                    stages: None,
                    is_changed: false,
                },
                targets: BTreeMap::new(),
            },
            counted: Time::ZERO,
            timeout: None,
            transmits: VecDeque::new(),
            events: VecDeque::new(),
        }
    }

    /// Goes on from a state that was kept; the policy may be another one than before.
    ///
    /// What was given to targets that have not said that they have it is given
    /// again. The time since the state was kept counts for nothing: a soak gets
    /// longer by it, never shorter. `targets` are those that there are now: they
    /// find their stages anew, for the policy may have others; what that means for
    /// approvals is [`handle_policy`](Self::handle_policy)'s. Whoever is not
    /// among them keeps its place and whoever joined has none, until
    /// [`handle_targets`](Self::handle_targets) says so.
    #[must_use]
    pub fn restore(policy: RolloutPolicy, state: RolloutState, targets: &[Target<'_>], now: Time) -> Self {
        let (transmits, events) = (VecDeque::new(), VecDeque::new());
        let mut rollout = Self { policy, state, counted: now, timeout: Some(now), transmits, events };
        rollout.find_stages(targets);
        let Self { state, transmits, .. } = &mut rollout;
        // whoever failed with a revision is given it again when somebody resumes, and in its turn
        let is_owed = |target: &TargetState| {
            target.applied != target.given
                && (target.progress.is_unverified() || target.given == state.completed)
        };
        let missing = state.targets.iter().filter(|(_, target)| is_owed(target));
        transmits.extend(
            missing
                .filter_map(|(name, target)| Some(Apply { target: name.clone(), revision: target.given? })),
        );
        rollout
    }

    /// What must be kept.
    #[must_use]
    pub const fn state(&self) -> &RolloutState {
        &self.state
    }

    /// The policy is edited; `targets` are all that there are, which find their stages anew.
    ///
    /// It takes effect at once but for one thing: until the rollout that is under
    /// way settles, no approval that any policy asked of it since its proposal is
    /// spared it. A stage that pauses no longer, or is gone, is still waited for
    /// by whoever came behind it; whoever is moved to a stage before it is, too;
    /// and where two people were asked for, two are needed. Another revision that
    /// is proposed meanwhile is no way round. Who may edit a policy while
    /// nothing is under way is for whoever admits edits.
    pub fn handle_policy(
        &mut self,
        now: Time,
        wall: WallTime,
        policy: RolloutPolicy,
        targets: &[Target<'_>],
    ) {
        self.pass(now);
        self.policy = policy;
        self.find_stages(targets);
        self.settle(now, wall);
    }

    fn find_stages(&mut self, targets: &[Target<'_>]) {
        for target in targets {
            if let Some(known) = self.state.targets.get_mut(target.name()) {
                known.stage = stage_of(&self.policy, target);
            }
        }
        if self.state.phase != Phase::Settled {
            self.bind();
        }
    }

    /// A revision is wanted everywhere.
    ///
    /// The one that is under way already goes on, by the difference that is shown
    /// of it now: say so whenever targets joined or left, before any approval. An
    /// approval that is awaited must be of that hash from then on; one that was
    /// given stands, for the revision is what its author wrote and the same on
    /// whoever joins; and its author is who proposed it first. The completed one is
    /// a rollback: it goes to all targets at once. Any other begins with the
    /// first stage, after whoever is unverified was returned to the completed one;
    /// whoever failed with it before, and has it still, tries it again in its turn.
    pub fn handle_revision(&mut self, now: Time, wall: WallTime, proposal: Proposal) {
        self.pass(now);
        let revision = proposal.revision;
        if let Some(current) = self.state.proposal.as_mut().filter(|current| current.revision == revision) {
            current.difference = proposal.difference;
            return self.settle(now, wall);
        }
        self.state.proposal = Some(proposal);
        self.state.approvals.clear();
        self.state.failures.clear();
        // what failed with it in an earlier rollout is no evidence for this one, neither of success nor of failure
        self.try_again(|target| target.given == Some(revision) || target.progress == Progress::UNRETURNED);
        if self.state.completed == Some(revision) {
            self.return_targets(|_| true);
            self.enter(Input::Reverted);
        } else {
            // with nothing to return to, whoever is unverified goes on proving itself and holds its slot
            self.return_targets(|target| !matches!(target.progress, Progress::Verified { .. }));
            self.enter(Input::Proposed);
            self.bind();
        }
        self.settle(now, wall);
    }

    /// Targets were added or their labels changed, and others left.
    ///
    /// Whoever joins receives the completed revision at once, and the proposed
    /// one in its stage. Whoever left holds no slot, but a failure stays one; and
    /// whoever left unverified holds one again when it joins, until it says that it
    /// has what it is given.
    pub fn handle_targets(&mut self, now: Time, wall: WallTime, joined: &[Target<'_>], left: &[Name]) {
        self.pass(now);
        for name in left {
            if let Some(gone) = self.state.targets.remove(name)
                && gone.may_run_unverified(self.state.completed)
            {
                self.state.left.push_back(name.clone());
            }
            self.transmits.retain(|apply| apply.target != *name);
        }
        let surplus = self.state.left.len().saturating_sub(RolloutState::MAX_LEFT);
        self.state.left.drain(..surplus);
        for target in joined {
            let stage = stage_of(&self.policy, target);
            let awaits = self.awaits(stage, self.state.targets.contains_key(target.name()));
            if let Some(known) = self.state.targets.get_mut(target.name()) {
                known.stage = stage;
                known.awaits.extend(awaits);
                // its stage may ask for less than it has done already
                self.signal(target.name(), Signal::Passed(Duration::ZERO));
                continue;
            }
            let given = self.state.completed;
            let earlier = self.state.left.iter().position(|name| name == target.name());
            let is_suspect = earlier.and_then(|position| self.state.left.remove(position)).is_some();
            let progress = if is_suspect { Progress::RETURNED } else { Progress::Held };
            let fresh = TargetState { stage, given, applied: None, progress, awaits };
            self.state.targets.insert(target.name().clone(), fresh);
            if let Some(revision) = given {
                self.transmits.push_back(Apply { target: target.name().clone(), revision });
            }
        }
        self.settle(now, wall);
    }

    /// A target says how it is, or is no longer heard of; a target that is not known is let be.
    pub fn handle_target_report(&mut self, now: Time, wall: WallTime, name: &Name, report: TargetReport) {
        self.pass(now);
        if let Some(target) = self.state.targets.get_mut(name) {
            let is_about_given = report.applied.is_some() && report.applied == target.given;
            let is_heard = report.health != TargetHealth::Unknown;
            if is_heard {
                target.applied = report.applied;
            }
            let has_given = is_heard && report.applied == target.given;
            let since = now - report.since;
            let signal = match report.health {
                TargetHealth::Ready if is_about_given => Signal::Ready(since),
                TargetHealth::Failed if is_about_given => Signal::Failed(since),
                TargetHealth::Failed | TargetHealth::Ready => Signal::NotReady,
                TargetHealth::NotReady | TargetHealth::Unknown => Signal::NotReady,
            };
            if has_given {
                self.signal(name, Signal::Has);
            }
            self.signal(name, signal);
        }
        self.settle(now, wall);
    }

    /// Somebody approves of what follows the stage that is done.
    ///
    /// # Errors
    ///
    /// It does not count: of another difference, by the author where two are
    /// asked for, while nothing waits for one, or of a stage that selects nobody while nobody
    /// before it is verified. Nothing changes then.
    pub fn handle_approval(
        &mut self,
        now: Time,
        wall: WallTime,
        approval: Approval,
    ) -> Result<(), ApprovalRefusal> {
        self.pass(now);
        self.settle(now, wall);
        let proposal = self.state.proposal.as_ref().filter(|_| self.state.phase == Phase::Waiting);
        let awaited = proposal.and_then(|proposal| Some((proposal, self.awaited(proposal.revision)?)));
        let Some((proposal, stage)) = awaited else { return Err(ApprovalRefusal::NotWaiting) };
        if approval.hash != proposal.difference {
            return Err(ApprovalRefusal::OtherHash { given: approval.hash, wanted: proposal.difference });
        }
        if self.state.rule.four_eyes && approval.by.is_same(&proposal.author) {
            return Err(ApprovalRefusal::SameAuthor { author: proposal.author.clone() });
        }
        let stage = stage.clone();
        if self.is_unproven(&stage) {
            return Err(ApprovalRefusal::NobodyThere { stage });
        }
        self.events.push_back(Event::Approved { stage: stage.clone(), by: approval.by.clone() });
        self.state.approvals.push(GivenApproval { stage, approval, at: wall });
        self.enter(Input::Approved);
        self.settle(now, wall);
        Ok(())
    }

    /// Somebody wants the completed revision back, or, if there is none, nothing to be started.
    ///
    /// # Errors
    ///
    /// There is nothing to abort. Nothing changes then.
    pub fn handle_abort(&mut self, now: Time, wall: WallTime, by: &Identity) -> Result<(), Idle> {
        self.pass(now);
        let idle = match self.state.phase {
            Phase::Progressing | Phase::Waiting | Phase::Stopped => None,
            Phase::RolledBack | Phase::RollingBack => Some(Idle::Returned),
            Phase::Settled => Some(Idle::Settled),
        };
        if idle.is_none() {
            self.events.push_back(Event::Aborted { by: by.clone() });
            self.give_up(true);
        }
        self.settle(now, wall);
        idle.map_or(Ok(()), Err)
    }

    /// Somebody wants it to go on: what failed is tried again, what was rolled back begins with the first stage.
    ///
    /// # Errors
    ///
    /// Nothing stands still. Nothing changes then.
    pub fn handle_resume(&mut self, now: Time, wall: WallTime, by: &Identity) -> Result<(), Idle> {
        self.pass(now);
        let is_over = matches!(self.state.phase, Phase::RolledBack | Phase::RollingBack);
        let idle = match self.state.phase {
            Phase::RolledBack | Phase::RollingBack | Phase::Stopped => None,
            Phase::Progressing => Some(Idle::Progressing),
            Phase::Settled => Some(Idle::Settled),
            Phase::Waiting => Some(Idle::Waiting),
        };
        if idle.is_none() {
            self.events.push_back(Event::Resumed { by: by.clone() });
            self.state.failures.clear();
            if is_over {
                self.state.approvals.clear();
            }
            self.try_again(|_| true);
            self.enter(Input::Resume);
        }
        self.settle(now, wall);
        idle.map_or(Ok(()), Err)
    }

    /// Time passed; may be called too early or too often.
    pub fn handle_timeout(&mut self, now: Time, wall: WallTime) {
        self.pass(now);
        self.settle(now, wall);
    }

    /// What a target is to be given.
    pub fn poll_transmit(&mut self) -> Option<Apply> {
        self.transmits.pop_front()
    }

    /// What happened.
    pub fn poll_event(&mut self) -> Option<Event> {
        self.events.pop_front()
    }

    /// When `handle_timeout` is due.
    #[must_use]
    pub const fn poll_timeout(&self) -> Option<Time> {
        self.timeout
    }
}

#[cfg(test)]
mod tests;
