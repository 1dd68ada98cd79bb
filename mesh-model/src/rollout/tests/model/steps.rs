//! What each step does to the machine: as it should be, or with a planted bug.

use super::*;

impl World<'_> {
    /// Lets something happen to the machine; `before` is what its target was until then.
    pub(super) fn act(&mut self, step: Step, before: Option<Seen>) -> Result<(), String> {
        let (now, wall) = (self.now, self.wall());
        let machine = &mut self.machine;
        match step {
            Step::Abort => drop(machine.handle_abort(now, wall, &who("eve"))),
            Step::Approve => self.approve()?,
            Step::Early if self.bug == Bug::EarlyIsLate => machine.handle_timeout(now + SECOND, wall),
            Step::Early => machine.handle_timeout(Time::from_secs(1), wall),
            Step::Fail(target) => {
                self.report(target, before.and_then(|seen| seen.has), TargetHealth::Failed, now)
            }
            Step::Move(_) if self.bug == Bug::MovesAreUnheard => machine.handle_timeout(now, wall),
            Step::Join(target) | Step::Move(target) => self.join(target),
            Step::Leave(target) => {
                machine.handle_targets(now, wall, &[], &[self.field.layouts[0][target].name().clone()])
            }
            Step::Lose(target) => {
                self.report(target, before.and_then(|seen| seen.has), TargetHealth::Unknown, Time::ZERO)
            }
            Step::Propose => {
                let kept = machine.state.approvals.clone();
                machine.handle_revision(now, wall, Self::proposal(self.checker.newest));
                if self.bug == Bug::ApprovalsOutliveTheirRevision {
                    machine.state.approvals = kept;
                    machine.handle_timeout(now, wall);
                }
            }
            Step::Repropose(number) => self.repropose(number),
            Step::Policy | Step::Restart => self.restart(),
            Step::Resume => drop(machine.handle_resume(now, wall, &who("eve"))),
            Step::Revert => machine.handle_revision(now, wall, Self::proposal(self.checker.proposed)),
            Step::Stale(target) => {
                let applied = if self.bug == Bug::StaleIsFresh {
                    before.and_then(|seen| seen.has)
                } else {
                    before.and_then(|seen| seen.before)
                };
                self.report(target, applied, TargetHealth::Ready, Time::ZERO);
            }
            Step::StillFailed(target) => {
                let since = if self.bug == Bug::StaleFailureIsFresh { now } else { Time::ZERO };
                self.report(target, before.and_then(|seen| seen.has), TargetHealth::Failed, since);
            }
            Step::Succeed(target) => {
                self.report(target, before.and_then(|seen| seen.has), TargetHealth::Ready, Time::ZERO)
            }
            Step::Tick | Step::Window => machine.handle_timeout(now, wall),
            Step::Unready(target) => {
                let is_verified =
                    before.as_ref().is_some_and(|seen| matches!(seen.proof, Proof::Proven { .. }));
                if self.bug == Bug::UnreadinessIsUntold && is_verified {
                    return Ok(());
                }
                self.report(target, before.and_then(|seen| seen.has), TargetHealth::NotReady, Time::ZERO)
            }
        }
        Ok(())
    }

    /// Lets a broken machine forget who may run what nobody verified.
    pub(super) fn forget(&mut self) {
        match self.bug {
            Bug::LeftAreForgotten => self.machine.state.left.clear(),
            Bug::ReturnedAreBack => {
                for target in self.machine.state.targets.values_mut() {
                    if matches!(target.progress, Progress::Returning { .. }) {
                        target.progress = Progress::Held;
                    }
                }
            }
            Bug::UnheardAreDone => {
                for target in self.machine.state.targets.values_mut() {
                    if target.progress == Progress::UNRETURNED {
                        target.progress = Progress::Held;
                    }
                }
            }
            _ => return,
        }
        let wall = self.wall();
        self.machine.handle_timeout(self.now, wall);
    }

    fn join(&mut self, target: usize) {
        let (now, wall) = (self.now, self.wall());
        let real = self.machine.state.completed;
        if self.bug == Bug::JoinsReceiveTheProposed {
            self.machine.state.completed = self.machine.proposed();
        }
        let target = self.target(target);
        self.machine.handle_targets(now, wall, &[target], &[]);
        if self.bug == Bug::JoinsReceiveTheProposed {
            self.machine.state.completed = real;
        }
    }

    fn report(&mut self, target: usize, applied: Option<u8>, health: TargetHealth, since: Time) {
        let report = TargetReport { applied: applied.map(revision), health, since };
        let wall = self.wall();
        self.machine.handle_target_report(self.now, wall, self.target(target).name(), report);
    }

    /// Three approvals of which one counts: of something else, by the author, and a good one.
    fn approve(&mut self) -> Result<(), String> {
        let (now, wall, proposed) = (self.now, self.wall(), self.checker.proposed);
        if self.bug == Bug::EmptyStageIsVerified && self.machine.state.phase == Phase::Waiting {
            let approval = Approval { hash: difference(proposed), by: who("bob") };
            self.machine.state.approvals.push(GivenApproval { stage: name("canary"), approval, at: wall });
            self.machine.handle_timeout(now, wall);
            return Ok(());
        }
        for (number, by) in [(proposed + 50, "bob"), (proposed, "ann")] {
            let seen = if self.bug == Bug::AnyHashApproves { proposed } else { number };
            let approval = Approval { hash: difference(seen), by: who(by) };
            if self.machine.handle_approval(now, wall, approval).is_ok() {
                return Err(format!("an approval of {number} by {by} counted"));
            }
        }
        let approval = Approval { hash: difference(proposed), by: who("bob") };
        let counted = self.machine.handle_approval(now, wall, approval).is_ok();
        if counted != self.checker.approved && counted {
            return Err("an approval counted while nothing waited".into());
        }
        Ok(())
    }

    fn repropose(&mut self, number: u8) {
        let failed: Vec<Name> = self
            .machine
            .state
            .targets
            .iter()
            .filter(|(_, target)| target.given == Some(revision(number)))
            .filter(|(_, target)| matches!(target.progress, Progress::Failed { .. }))
            .map(|(name, _)| name.clone())
            .collect();
        let (now, wall) = (self.now, self.wall());
        self.machine.handle_revision(now, wall, Self::proposal(number));
        if self.bug == Bug::OldFailuresAreDone {
            for name in failed {
                self.machine.state.targets.get_mut(&name).unwrap().progress =
                    Progress::Failed { cause: FailureCause::Reported };
                self.machine.transmits.retain(|apply| apply.target != name);
            }
        }
    }

    /// The state goes through its text, as an adapter would keep it.
    fn restart(&mut self) {
        let text = serde_json::to_string(self.machine.state()).unwrap();
        let state: RolloutState = serde_json::from_str(&text).unwrap();
        assert_eq!(&state, self.machine.state());
        self.machine = self.restored(state);
        let wall = self.wall();
        self.machine.handle_timeout(self.now, wall);
    }

    /// What takes over from the machine.
    fn restored(&self, mut state: RolloutState) -> Rollout {
        for target in state.targets.values_mut().filter(|target| target.progress.is_unverified()) {
            match self.bug {
                Bug::RestartForgetsTheUnverified => target.progress = Progress::Held,
                Bug::RestartVerifiesTheUnverified => target.progress = Progress::Verified { ready: true },
                _ => {}
            }
        }
        let is_deaf = self.bug == Bug::OtherPolicyIsUnheard;
        let rules = if is_deaf { &self.field.policies[0] } else { self.rules() };
        let targets: Vec<Target<'_>> = (0..self.field.len()).map(|target| self.target(target)).collect();
        let mut machine = Rollout::restore(self.bug.policy(rules), state, &targets, self.now);
        if self.bug == Bug::CrashLosesWhatWasDecided {
            machine.transmits.clear();
        }
        machine
    }

    /// Whoever takes over before what was decided is carried out must give everybody the same.
    pub(super) fn survives_a_crash(&self) -> Result<(), String> {
        let last: BTreeMap<&Name, Revision> =
            self.machine.transmits.iter().map(|apply| (&apply.target, apply.revision)).collect();
        if last.is_empty() {
            return Ok(());
        }
        let after = self.restored(self.machine.state().clone());
        let again: BTreeMap<&Name, Revision> =
            after.transmits.iter().map(|apply| (&apply.target, apply.revision)).collect();
        match last.iter().find(|(name, revision)| again.get(*name) != Some(*revision)) {
            None => Ok(()),
            Some((name, _)) => Err(format!("a crash would lose what {name} is to be given")),
        }
    }
}
