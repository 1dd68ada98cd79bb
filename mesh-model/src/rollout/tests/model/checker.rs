//! What must hold, from what is seen alone: who is given what, and what targets say.

use super::*;

impl Checker {
    /// The stage of a target; that of the last is the rest.
    fn stage_of(&self, target: usize) -> usize {
        let zone = ZONES[usize::from(self.moved.contains(&target))][target];
        match (zone, self.is_other) {
            ("canary", false) | ("second", true) => 0,
            ("second", false) | (_, true) => 1,
            (_, false) => 2,
        }
    }

    /// Whether a stage selects a target that has not left.
    fn is_there(&self, stage: usize) -> bool {
        self.present.keys().any(|target| self.stage_of(*target) == stage)
    }

    /// Whether nobody has to approve of what follows the canary, or somebody did.
    fn may_pass(&self) -> bool {
        self.approved || !self.is_gate
    }

    /// Whether there is anything to approve of: somebody in the stage, or a proof; of a stage that is gone nothing
    /// but the approval can be asked.
    fn has_evidence(&self) -> bool {
        let is_proof =
            |seen: &Seen| seen.has == Some(self.proposed) && matches!(seen.proof, Proof::Proven { .. });
        self.is_other || self.is_there(0) || self.present.values().any(is_proof)
    }

    /// Whether whoever comes before the gate is done; where stages change, that is not one stage.
    fn done_before_the_gate(&self) -> bool {
        self.changes || self.done_before(1)
    }

    /// Whose stage asks for no soak, or no longer, is proven by being ready.
    fn judge_soaks(&mut self) {
        let rest = if self.is_other { 1 } else { 2 };
        let targets = self.present.keys().copied().filter(|target| self.stage_of(*target) == rest);
        for target in targets.collect::<Vec<usize>>() {
            let seen = self.present.get_mut(&target).expect("it is one of them");
            if matches!(seen.proof, Proof::Unproven { ready: Some(_), .. }) {
                seen.prove();
            }
        }
    }

    /// Whether nothing is under way: what was asked of the last revision is forgotten.
    fn is_settled(&self) -> bool {
        self.proposed == 0 || self.completed == Some(self.proposed)
    }

    /// Notes who is behind the canary by the policy and the labels of now: whatever they become, these wait for
    /// the approval of it, until the revision is complete.
    fn bind(&mut self) {
        // the other policy has no canary, and nothing else pauses
        if self.is_settled() || self.is_other {
            return;
        }
        self.is_gate = true;
        let behind = self.present.keys().copied().filter(|target| self.stage_of(*target) > 0);
        let behind: Vec<usize> = behind.collect();
        self.gated.extend(behind);
    }

    fn unbind(&mut self) {
        (self.is_gate, self.is_changed) = (false, false);
        self.gated.clear();
    }

    /// Takes note of what is about to happen.
    pub(super) fn expect(&mut self, step: Step, rules: &RolloutPolicy, is_waiting: bool) {
        match step {
            Step::Abort if self.is_running() || self.halted && !self.is_returning => self.give_up(true),
            Step::Approve => {
                self.approved |=
                    is_waiting && self.is_running() && self.done_before_the_gate() && self.has_evidence();
            }
            Step::Fail(target) => {
                self.told(target, self.present[&target].has);
                self.fail(target);
            }
            Step::StillFailed(target) => {
                self.told(target, self.present[&target].has);
                // whoever proved itself fails now, whatever it says of when it began
                if matches!(self.present[&target].proof, Proof::Proven { .. }) {
                    self.fail(target);
                } else {
                    self.unready(target);
                }
            }
            Step::Join(target) => self.join(target),
            Step::Leave(target) => {
                self.gated.remove(&target);
                let seen = self.present.remove(&target).expect("only what is there leaves");
                if !matches!(seen.proof, Proof::Nothing | Proof::Proven { .. }) {
                    self.gone.insert(target, seen.suspects);
                }
            }
            Step::Move(target) => {
                if !self.moved.insert(target) {
                    self.moved.remove(&target);
                }
                self.judge_soaks();
                self.bind();
            }
            Step::Policy => {
                self.is_other = !self.is_other;
                self.is_changed |= !self.is_settled();
                self.judge_soaks();
                self.bind();
            }
            Step::Propose => {
                self.newest += 1;
                self.begin(self.newest);
            }
            Step::Repropose(number) => self.begin(number),
            Step::Resume if self.halted => self.resume(),
            Step::Revert => self.begin(self.completed.expect("there is one to go back to")),
            Step::Lose(target) => self.unready(target),
            Step::Stale(target) => {
                self.told(target, self.present[&target].before);
                self.unready(target);
            }
            Step::Unready(target) => {
                self.told(target, self.present[&target].has);
                self.unready(target);
            }
            Step::Succeed(target) => {
                self.told(target, self.present[&target].has);
                self.ready(target);
            }
            Step::Tick => self.tick(),
            Step::Window => self.window = !self.window,
            Step::Abort | Step::Early | Step::Restart | Step::Resume => {}
        }
        if self.is_running() && self.failures.len() > self.budget(rules) {
            self.give_up(rules.on_failure == OnFailure::Rollback);
        }
    }

    /// A target is given a revision: may it be?
    pub(super) fn given(&mut self, target: usize, number: u8, rules: &RolloutPolicy) -> Result<(), String> {
        let seen = self.present.get(&target).ok_or("given to a target that is not there")?;
        let again = seen.has == Some(number);
        if self.completed == Some(number) {
            let seen = self.present.get_mut(&target).expect("just found");
            if !again {
                let is_sure = matches!(seen.proof, Proof::Nothing | Proof::Proven { .. });
                seen.proof = if is_sure { Proof::Nothing } else { Proof::Returning { unready: 0 } };
                seen.before = seen.has.or(seen.before).filter(|before| *before != number);
                (seen.has, seen.is_told) = (Some(number), false);
            }
            return Ok(());
        }
        // after a restart, what nobody has confirmed is given again: that changes nothing
        if again
            && matches!(seen.proof, Proof::Unproven { .. } | Proof::Failed | Proof::Proven { .. })
            && !self.may_retry(target)
        {
            return Ok(());
        }
        self.permits(target, number, rules)
            .map_err(|why| format!("t{target} was given {number}, but {why}"))?;
        let seen = self.present.get_mut(&target).expect("just found");
        if !again {
            seen.before = seen.has.or(seen.before).filter(|before| *before != number);
        }
        (seen.has, seen.is_told) = (Some(number), false);
        seen.suspects.insert(number);
        seen.proof = Proof::Unproven { unready: 0, ready: None };
        Ok(())
    }

    fn join(&mut self, target: usize) {
        let earlier = self.gone.remove(&target);
        let proof = if earlier.is_some() { Proof::Returning { unready: 0 } } else { Proof::Nothing };
        let suspects = earlier.unwrap_or_default();
        let before = suspects.last().copied();
        self.present.insert(target, Seen { has: None, before, proof, suspects, is_told: false });
        // it may have been behind the gate when it left
        if self.is_changed && self.is_gate {
            self.gated.insert(target);
        }
        self.bind();
    }

    /// A target says what it runs: that, or what it was given, is all that it may run from now on.
    fn told(&mut self, target: usize, said: Option<u8>) {
        let seen = self.present.get_mut(&target).expect("only what is there says anything");
        seen.suspects.retain(|one| Some(*one) == said || Some(*one) == seen.has);
        seen.is_told = said == seen.has;
        if seen.is_told && matches!(seen.proof, Proof::Lost | Proof::Returning { .. }) {
            seen.proof = Proof::Nothing;
        }
    }

    /// Whether a target may be given an unproven revision now.
    fn permits(&self, target: usize, number: u8, rules: &RolloutPolicy) -> Result<(), String> {
        let stage = self.stage_of(target);
        let holds = |seen: &Seen| matches!(seen.proof, Proof::Returning { .. } | Proof::Unproven { .. });
        let is_new = usize::from(!holds(&self.present[&target]));
        let unverified = self.present.values().filter(|seen| holds(seen)).count() + is_new;
        // and whatever is made of it: how many would run, as far as anybody knows, what nobody verified?
        let may_run = |(other, seen): &(&usize, &Seen)| {
            **other != target
                && !seen.suspects.is_empty()
                && !matches!(seen.proof, Proof::Failed | Proof::Lost)
        };
        let running = self.present.iter().filter(may_run).count() + 1;
        let unready = |seen: &Seen| seen.has == Some(number) && seen.proof == Proof::Proven { ready: false };
        if number != self.proposed {
            return Err("it is neither proposed nor completed".into());
        }
        if !self.is_running() {
            return Err("nothing may be started".into());
        }
        if self.gated.contains(&target) && !self.may_pass() {
            return Err("nobody approved of it".into());
        }
        if !self.done_before(stage) {
            return Err("an earlier stage is not done".into());
        }
        if running > 1 {
            return Err(format!("{running} may run what nobody verified"));
        }
        if unverified > 1 {
            return Err(format!("{unverified} are unverified"));
        }
        if !rules.windows.is_empty() && !self.window {
            return Err("no window is open".into());
        }
        if self.present.values().any(unready) {
            return Err("a verified target is not ready".into());
        }
        Ok(())
    }

    pub(super) fn complete(&mut self, number: u8) -> Result<(), String> {
        let proven = |seen: &Seen| matches!(seen.proof, Proof::Proven { .. });
        if number != self.proposed || !self.may_pass() || !self.done_before(3) {
            return Err(format!("{number} is called complete, but it is not"));
        }
        if !self.present.values().any(proven) {
            return Err(format!("{number} is called complete, and nobody proved it"));
        }
        if self.present.values().any(|seen| seen.proof == Proof::Proven { ready: false }) {
            return Err(format!("{number} is called complete, and a verified target is not ready"));
        }
        self.completed = Some(number);
        self.unbind();
        self.failures.clear();
        for suspects in self.gone.values_mut() {
            suspects.remove(&number);
        }
        for seen in self.present.values_mut() {
            seen.suspects.remove(&number);
            // it may have what it had before: nobody heard that it has what is complete
            let is_unheard = seen.proof == Proof::Failed && !seen.is_told;
            seen.proof = if is_unheard { Proof::Lost } else { Proof::Nothing };
        }
        Ok(())
    }

    /// What must hold when the machine has nothing more to give.
    pub(super) fn at_rest(&self, rules: &RolloutPolicy) -> Result<(), String> {
        for (target, seen) in &self.present {
            let Some(completed) = self.completed else { break };
            let is_back = seen.has == Some(completed);
            if seen.has.is_none() {
                return Err(format!("t{target} joined and was given nothing"));
            }
            if self.halted && rules.on_failure == OnFailure::Rollback && !is_back {
                return Err(format!("t{target} was not returned"));
            }
            if seen.has != Some(self.proposed) && !is_back && !matches!(seen.proof, Proof::Proven { .. }) {
                return Err(format!("t{target} was left with what nobody proved and nobody wants"));
            }
        }
        let is_proved = self.present.values().all(|seen| {
            seen.has == Some(self.proposed)
                && matches!(seen.proof, Proof::Proven { ready: true } | Proof::Failed)
        });
        let is_any = self.present.values().any(|seen| seen.proof == Proof::Proven { ready: true });
        if self.is_running() && self.may_pass() && is_proved && is_any && self.done_before(3) {
            return Err(format!("{} is proved everywhere and not called complete", self.proposed));
        }
        for (target, seen) in &self.present {
            let pending = seen.has != Some(self.proposed) || self.may_retry(*target);
            if self.proposed != 0 && pending && self.permits(*target, self.proposed, rules).is_ok() {
                return Err(format!("t{target} could be given {}, and is not", self.proposed));
            }
        }
        Ok(())
    }

    fn begin(&mut self, number: u8) {
        if self.is_settled() || self.completed == Some(number) {
            self.unbind();
        }
        self.proposed = number;
        self.approved = false;
        self.failures.clear();
        (self.halted, self.is_returning) = (false, false);
        self.await_the_lost();
        self.bind();
    }

    /// Whoever was given up is waited for once more.
    fn await_the_lost(&mut self) {
        for seen in self.present.values_mut().filter(|seen| seen.proof == Proof::Lost) {
            seen.proof = Proof::Returning { unready: 0 };
        }
    }

    /// Whether a rollout is under way that nobody stopped.
    fn is_running(&self) -> bool {
        self.proposed != 0 && self.completed != Some(self.proposed) && !self.halted
    }

    fn is_running_or_halted(&self) -> bool {
        self.is_running() || self.halted
    }

    fn give_up(&mut self, is_return_wanted: bool) {
        self.halted = true;
        if is_return_wanted && self.completed.is_some() {
            self.is_returning = true;
            self.approved = false; // whoever resumes begins with the first stage
            self.await_the_lost();
        }
    }

    fn resume(&mut self) {
        (self.halted, self.is_returning) = (false, false);
        self.failures.clear();
        self.await_the_lost();
    }

    /// Whether it failed, and somebody resumed since.
    fn may_retry(&self, target: usize) -> bool {
        let seen = &self.present[&target];
        seen.has == Some(self.proposed) && seen.proof == Proof::Failed && !self.failures.contains(&target)
    }

    /// Whether all that are there of earlier stages are done.
    fn done_before(&self, stage: usize) -> bool {
        let is_done = |(target, seen): (&usize, &Seen)| {
            let is_proved = matches!(seen.proof, Proof::Proven { .. } | Proof::Failed);
            seen.has == Some(self.proposed) && is_proved && !self.may_retry(*target)
        };
        self.present.iter().filter(|(target, _)| self.stage_of(**target) < stage).all(is_done)
    }

    fn budget(&self, rules: &RolloutPolicy) -> usize {
        rules.failure_budget.of(u32::try_from(self.present.len()).unwrap()) as usize
    }

    fn ready(&mut self, target: usize) {
        let seen = self.present.get_mut(&target).expect("only what is there says anything");
        match &mut seen.proof {
            Proof::Proven { ready } => *ready = true,
            Proof::Unproven { ready, .. } => *ready = ready.or(Some(0)),
            Proof::Failed | Proof::Lost | Proof::Nothing | Proof::Returning { .. } => {}
        }
        self.judge_soaks();
    }

    fn fail(&mut self, target: usize) {
        let proposed = self.proposed;
        let seen = self.present.get_mut(&target).expect("only what is there says anything");
        if matches!(seen.proof, Proof::Proven { .. } | Proof::Unproven { .. }) {
            seen.proof = Proof::Failed;
            seen.suspects.extend(seen.has);
            if seen.has == Some(proposed) && self.is_running_or_halted() {
                self.failures.insert(target);
            }
        }
    }

    fn unready(&mut self, target: usize) {
        let seen = self.present.get_mut(&target).expect("only what is there says anything");
        match &mut seen.proof {
            Proof::Proven { ready } => *ready = false,
            Proof::Unproven { ready, .. } => *ready = None,
            Proof::Failed | Proof::Lost | Proof::Nothing | Proof::Returning { .. } => {}
        }
    }

    fn tick(&mut self) {
        let counts = self.is_running_or_halted();
        for (target, seen) in &mut self.present {
            match seen.proof {
                Proof::Unproven { ready: Some(_), .. } => seen.prove(),
                Proof::Unproven { unready, ready: None } if unready < 1 => {
                    seen.proof = Proof::Unproven { unready: unready + 1, ready: None };
                }
                Proof::Unproven { .. } => {
                    seen.proof = Proof::Failed;
                    if counts && seen.has == Some(self.proposed) {
                        self.failures.insert(*target);
                    }
                }
                Proof::Returning { unready } if unready < 1 => {
                    seen.proof = Proof::Returning { unready: unready + 1 };
                }
                Proof::Returning { .. } => {
                    seen.proof = Proof::Lost;
                    if counts {
                        self.failures.insert(*target);
                    }
                }
                Proof::Failed | Proof::Lost | Proof::Nothing | Proof::Proven { .. } => {}
            }
        }
    }
}

impl Seen {
    /// It ran what it was given for as long as is asked.
    fn prove(&mut self) {
        self.proof = Proof::Proven { ready: true };
        self.suspects.retain(|one| Some(*one) != self.has);
    }
}
