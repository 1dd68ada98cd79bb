//! A model check: every interleaving of what can happen, judged by a checker
//! that sees only what the machine gives to whom and what targets said.
//!
//! To be given something is not to run it: a target runs what it said last, or anything that it was given
//! since, and nobody knows which until it says so; not even its leaving changes that.
//!
//! Four targets: a canary that pauses, a stage of two of which one at a time
//! may be unverified, and one that no stage selects. A tick is a second; soak
//! is one tick, the deadline two. Where there are windows, the wall's clock
//! jumps into one and back out of it. Where there are [`Changes`], labels of targets
//! change, so that each has a second stage that it goes to and comes back from (the canary
//! becomes empty, and others become it), and the policy becomes one without the canary and back. States that were seen before are not
//! entered again, so what is counted are different states: [`World::key`] says
//! which are one, and [`look_alikes`] tries whether they are. After every step
//! the controller could crash before it carries out what was decided; whoever
//! takes over must decide it again.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::hash::{DefaultHasher, Hash, Hasher};

use super::*;

/// What a target has to prove, as the checker sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Proof {
    Failed,
    /// It did not say in time that it is back.
    Lost,
    Nothing,
    Proven {
        ready: bool,
    },
    /// It was given what is proven, and may run what is not.
    Returning {
        unready: u8,
    },
    Unproven {
        unready: u8,
        ready: Option<u8>,
    },
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Seen {
    /// What it was given last.
    has: Option<u8>,
    before: Option<u8>,
    proof: Proof,
    /// What it may run of what is neither complete nor proven there.
    suspects: BTreeSet<u8>,
    /// Whether it said last that it has what it was given.
    is_told: bool,
}

/// What happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    Abort,
    Approve,
    /// A timer goes off that was set long ago, or by a clock that is behind.
    Early,
    Fail(usize),
    Join(usize),
    Leave(usize),
    /// It is no longer heard of.
    Lose(usize),
    /// Its labels change, and with them its stage.
    Move(usize),
    /// The controller is restarted with another policy.
    Policy,
    Propose,
    /// An older revision that never became complete is wanted after all.
    Repropose(u8),
    Restart,
    Resume,
    Revert,
    /// It says that it is ready with what it had before.
    Stale(usize),
    /// It says that it failed, as it did before it was given what it has.
    StillFailed(usize),
    Succeed(usize),
    Tick,
    Unready(usize),
    Window,
}

/// Where an enumeration begins, with all targets there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Start {
    /// Revision 1 is complete everywhere.
    Complete,
    /// No revision has ever been proposed.
    Nothing,
}

/// Whether stages change under way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Changes {
    None,
    OfStages,
}

/// Targets by number, each where it is and where it goes when its labels change; the policy, and the other one.
pub(super) struct Field<'a> {
    layouts: [Vec<Target<'a>>; 2],
    policies: [RolloutPolicy; 2],
    changes: Changes,
}

/// The machine and its surroundings.
#[derive(Clone)]
pub(super) struct World<'a> {
    bug: Bug,
    field: &'a Field<'a>,
    machine: Rollout,
    now: Time,
    checker: Checker,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Checker {
    present: BTreeMap<usize, Seen>,
    /// What those that left may run still.
    gone: BTreeMap<usize, BTreeSet<u8>>,
    proposed: u8,
    completed: Option<u8>,
    newest: u8,
    approved: bool,
    failures: BTreeSet<usize>,
    halted: bool,
    /// Whether the completed revision is wanted back: to want it once more changes nothing.
    is_returning: bool,
    window: bool,
    /// Whose labels are the other ones.
    moved: BTreeSet<usize>,
    /// Whether the policy is the other one.
    is_other: bool,
    /// Whether a policy since the proposal asks for an approval of the canary.
    is_gate: bool,
    /// Who was behind it at any time since.
    gated: BTreeSet<usize>,
    /// Whether the policy changed since.
    is_changed: bool,
    /// Whether stages may change at all.
    changes: bool,
}

pub(super) struct Counted {
    pub(super) states: usize,
    pub(super) steps: usize,
    /// Whether all states were entered, whatever their depth.
    pub(super) is_whole: bool,
}

/// A violation, and how many different states were entered before it.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) violation: String,
    pub(super) states: usize,
}

/// What holds in all checks: two stages and a rest.
pub(super) fn rules(on_failure: OnFailure, budget: u32, windows: bool) -> RolloutPolicy {
    let window = Window {
        cron: "0 12 * * *".parse().unwrap(),
        duration: 3600 * SECOND,
        time_zone: "UTC".parse().unwrap(),
    };
    RolloutPolicy {
        stages: vec![
            Stage { targets: in_zone("canary"), ..stage("canary", &[], "1", 1, true) },
            Stage { targets: in_zone("second"), ..stage("second", &[], "50%", 1, false) },
        ],
        four_eyes: true,
        failure_budget: Amount::Count(budget),
        on_failure,
        progress_deadline: 2 * SECOND,
        windows: if windows { vec![window] } else { Vec::new() },
    }
}

fn in_zone(zone: &str) -> TargetSelection {
    TargetSelection { zones: Some(vec![name(zone)]), ..TargetSelection::default() }
}

/// The zone, and so the stage, of each target, and the one that it goes to.
const ZONES: [[&str; 4]; 2] = [["canary", "second", "second", "rest"], ["rest", "canary", "rest", "second"]];

/// So many targets in their zones.
pub(super) fn layout(targets: usize, zones: &[&str; 4]) -> Fleet {
    let of = |number: usize| cluster(&format!("t{number:03}"), &format!("{{ zone: {} }}", zones[number]));
    let all = ["canary", "second", "rest"].map(|name| zone(name, "r"));
    Fleet::new(all.into(), (0..targets).map(of).collect()).unwrap()
}

impl<'a> Field<'a> {
    pub(super) fn new(fleets: &'a [Fleet; 2], rules: &RolloutPolicy, changes: Changes) -> Self {
        let targets = |fleet: &'a Fleet| fleet.targets(PlacementLevel::Cluster).collect();
        let mut other = rules.clone();
        other.stages.remove(0);
        Self { layouts: fleets.each_ref().map(targets), policies: [rules.clone(), other], changes }
    }

    fn len(&self) -> usize {
        self.layouts[0].len()
    }
}

/// 128 bits of a hash, so that two of some millions have the same by no chance worth naming.
fn digest(of: impl Hash) -> u128 {
    let half = |salt: u8| {
        let mut hasher = DefaultHasher::new();
        (salt, &of).hash(&mut hasher);
        u128::from(hasher.finish())
    };
    half(0) << 64 | half(1)
}

/// Enters all states up to `depth` steps from the beginning; the first violation with the steps to it.
pub(super) fn enumerate(
    start: Start,
    targets: usize,
    rules: &RolloutPolicy,
    revisions: u8,
    depth: usize,
    (changes, bug): (Changes, Bug),
) -> Result<Counted, Found> {
    let fleets = ZONES.map(|zones| layout(targets, &zones));
    let field = Field::new(&fleets, rules, changes);
    let world = World::begin(start, &field, bug).map_err(|violation| Found { violation, states: 0 })?;
    let mut seen = BTreeSet::from([world.key()]);
    let mut parents: Vec<(usize, Step)> = vec![(0, Step::Tick)];
    let mut queue = VecDeque::from([(world, 0, 0)]);
    let mut counted = Counted { states: 1, steps: 0, is_whole: true };
    while let Some((world, at, level)) = queue.pop_front() {
        for step in world.steps(revisions) {
            let mut next = world.clone();
            counted.steps += 1;
            if let Err(violation) = next.take(step) {
                let mut path = vec![step];
                let mut back = at;
                while back != 0 {
                    path.push(parents[back].1);
                    back = parents[back].0;
                }
                path.reverse();
                let violation = format!("{violation}, after {path:?}");
                return Err(Found { violation, states: counted.states });
            }
            if !seen.insert(next.key()) {
                continue;
            }
            counted.states += 1;
            if level + 1 < depth {
                parents.push((at, step));
                queue.push_back((next, parents.len() - 1, level + 1));
            } else {
                counted.is_whole = false;
            }
        }
    }
    Ok(counted)
}

impl<'a> World<'a> {
    fn begin(start: Start, field: &'a Field<'a>, bug: Bug) -> Result<Self, String> {
        let mut world = Self::new(field, bug);
        if start == Start::Complete {
            world
                .complete()
                .map_err(|violation| format!("{violation}, on the way to the first completion"))?;
        }
        Ok(world)
    }

    /// All targets are there, and no revision.
    fn new(field: &'a Field<'a>, bug: Bug) -> Self {
        let checker = Checker {
            present: BTreeMap::new(),
            gone: BTreeMap::new(),
            proposed: 0,
            completed: None,
            newest: 0,
            approved: false,
            failures: BTreeSet::new(),
            halted: false,
            is_returning: false,
            window: true,
            moved: BTreeSet::new(),
            is_other: false,
            is_gate: false,
            gated: BTreeSet::new(),
            is_changed: false,
            changes: field.changes == Changes::OfStages,
        };
        let machine = Rollout::new(bug.policy(&field.policies[0]));
        let mut world = Self { bug, field, machine, now: Time::from_secs(1), checker };
        for target in 0..field.len() {
            world.take(Step::Join(target)).expect("nothing was given yet");
        }
        world
    }

    /// Lets revision 1 become complete.
    fn complete(&mut self) -> Result<(), String> {
        self.take(Step::Propose)?;
        for target in 0..self.field.len() {
            self.take(Step::Succeed(target))?;
            self.take(Step::Tick)?;
            if target == 0 {
                self.take(Step::Approve)?;
            }
        }
        if self.checker.completed == Some(1) { Ok(()) } else { Err("all succeeded to no end".into()) }
    }

    fn rules(&self) -> &'a RolloutPolicy {
        &self.field.policies[usize::from(self.checker.is_other)]
    }

    /// A target with the labels that it has now.
    fn target(&self, target: usize) -> Target<'a> {
        self.field.layouts[usize::from(self.checker.moved.contains(&target))][target]
    }

    /// Equal for worlds that cannot be told apart from here on.
    ///
    /// Without the clock, for a state holds durations alone, and without what the machine has to give and to
    /// say, for that is always taken from it.
    pub(super) fn key(&self) -> u128 {
        digest((self.machine.state(), &self.checker))
    }

    /// What only the machine knows: too little to tell worlds apart.
    pub(super) fn key_of_the_machine(&self) -> u128 {
        digest(self.machine.state())
    }

    fn steps(&self, revisions: u8) -> Vec<Step> {
        let checker = &self.checker;
        let mut steps =
            vec![Step::Tick, Step::Early, Step::Restart, Step::Approve, Step::Abort, Step::Resume];
        if checker.newest < revisions {
            steps.push(Step::Propose);
        }
        let is_other = |number: &u8| *number != checker.proposed && Some(*number) != checker.completed;
        steps.extend((1..=checker.newest).filter(is_other).map(Step::Repropose));
        if checker.completed.is_some_and(|completed| completed != checker.proposed) {
            steps.push(Step::Revert);
        }
        if !self.rules().windows.is_empty() {
            steps.push(Step::Window);
        }
        if self.field.changes == Changes::OfStages {
            steps.push(Step::Policy);
        }
        for target in 0..self.field.len() {
            let Some(seen) = checker.present.get(&target) else {
                steps.push(Step::Join(target));
                continue;
            };
            steps.push(Step::Leave(target));
            if self.field.changes == Changes::OfStages {
                steps.push(Step::Move(target));
            }
            if seen.has.is_some() {
                steps.extend([Step::Succeed(target), Step::Fail(target), Step::Unready(target)]);
                steps.extend([Step::StillFailed(target), Step::Lose(target)]);
            } else if !seen.suspects.is_empty() {
                steps.push(Step::Unready(target)); // it has nothing of ours any more
            }
            if seen.before.is_some() {
                steps.push(Step::Stale(target));
            }
        }
        steps
    }

    fn wall(&self) -> WallTime {
        let hour = if self.checker.window { "2026-11-26T12:30:00Z" } else { "2026-11-26T20:00:00Z" };
        hour.parse().unwrap()
    }

    fn proposal(number: u8) -> Proposal {
        Proposal { revision: revision(number), difference: difference(number), author: who("ann") }
    }

    fn after(&self, step: Step) -> (Result<(), String>, Self) {
        let mut next = self.clone();
        let taken = next.take(step);
        (taken, next)
    }

    /// Lets something happen to the machine and to the checker, and compares.
    fn take(&mut self, step: Step) -> Result<(), String> {
        let rules = self.rules();
        self.checker.expect(step, rules, self.machine.state().phase == Phase::Waiting);
        let before = self.checker.present.get(&step.target()).cloned();
        let kept = (step == Step::Early).then(|| self.machine.state().clone());
        let is_due =
            self.bug.wakes_at(self.machine.poll_timeout()).is_some_and(|due| due <= self.now + SECOND);
        if step == Step::Tick {
            self.now = self.now + SECOND;
        }
        self.act(step, before)?;
        self.forget();
        if kept.is_some_and(|kept| kept != *self.machine.state()) {
            return Err("a timer that came too early changed something".into());
        }
        let is_news = !self.machine.transmits.is_empty() || !self.machine.events.is_empty();
        if step == Step::Tick && is_news && !is_due {
            return Err("time changed something for which nobody was to be woken".into());
        }
        let crash = if matches!(self.bug, Bug::None | Bug::CrashLosesWhatWasDecided) {
            self.survives_a_crash()
        } else {
            Ok(()) // it is to be found by what it does, not by how
        };
        self.compare().and(crash)
    }

    /// Judges what the machine gives and says, and whether it holds back what it could give.
    fn compare(&mut self) -> Result<(), String> {
        let position =
            |name: &Name| self.field.layouts[0].iter().position(|target| target.name() == name).unwrap();
        let given = std::iter::from_fn(|| self.machine.poll_transmit());
        let mut given: Vec<(usize, u8)> =
            given.map(|apply| (position(&apply.target), apply.revision.0[0])).collect();
        let completed = std::iter::from_fn(|| self.machine.poll_event()).filter_map(|event| match event {
            Event::Completed { revision } => Some(revision.0[0]),
            _ => None,
        });
        let mut completed: Vec<u8> = completed.collect();
        self.bug.tamper(&self.checker, self.field.len(), &mut given, &mut completed);
        for (target, number) in given {
            self.checker.given(target, number, self.rules())?;
        }
        for number in completed {
            self.checker.complete(number)?;
        }
        self.checker.at_rest(self.rules())
    }
}

impl Step {
    const fn target(self) -> usize {
        match self {
            Self::Fail(target) | Self::Join(target) | Self::Leave(target) | Self::Stale(target) => target,
            Self::StillFailed(target) | Self::Succeed(target) | Self::Unready(target) => target,
            Self::Lose(target) | Self::Move(target) => target,
            Self::Abort | Self::Approve | Self::Early | Self::Propose | Self::Repropose(_) => usize::MAX,
            Self::Policy | Self::Restart | Self::Resume | Self::Revert => usize::MAX,
            Self::Tick | Self::Window => usize::MAX,
        }
    }
}

mod bug;
mod checker;
mod look_alikes;
mod steps;

pub(super) use bug::Bug;
pub(super) use look_alikes::look_alikes;
