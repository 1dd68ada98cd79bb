//! A rollout under any policy and any course of events, judged by what is seen of it alone.
//!
//! The observer knows what was given to whom, what targets said and who
//! approved; from that it can tell who is *certainly* unverified, and that is
//! enough to see too many of them, a stage or an approval that was jumped over,
//! a closed window, a revision that nobody wants. It is sure and not sharp: the
//! sharp one is the enumeration among mesh-model's own tests, under a policy of
//! its own; this one sees all policies.

mod observer;

use std::time::Duration;

use arbitrary::{Arbitrary, Unstructured};
use mesh_model::access_point::{RolloutPolicy, Stage, TargetSelection, Window};
use mesh_model::api::{OnFailure, PlacementLevel};
use mesh_model::fleet::{Fleet, Target};
use mesh_model::render::Revision;
use mesh_model::rollout::{
    Approval, Identity, Phase, Proposal, Rollout, RolloutState, TargetHealth, TargetReport,
};
use mesh_model::time::{Time, WallTime};
use mesh_model::units::{Amount, Share};

use observer::Observer;

/// Operations of one input at most.
const MAX_OPERATIONS: usize = 200;
/// Targets of the fleet.
const TARGETS: usize = 6;
/// What time passes in.
const TICK: Duration = Duration::from_secs(1);

/// How a rollout is to be done; every stage takes the targets whose bits it has.
#[derive(Arbitrary, Debug)]
struct Setting {
    stages: [StageSetting; 3],
    four_eyes: bool,
    budget: u8,
    is_rolled_back: bool,
    deadline: u8,
    has_window: bool,
}

#[derive(Arbitrary, Debug)]
struct StageSetting {
    is_there: bool,
    targets: u8,
    concurrency: u8,
    soak: u8,
    pause: bool,
}

/// One thing that happens.
#[derive(Arbitrary, Clone, Copy, Debug)]
enum Operation {
    Abort,
    Approve { is_right: bool, by: u8 },
    Join { targets: u8 },
    Leave { targets: u8 },
    Propose { number: u8 },
    Report { target: u8, what: What, health: u8, since: u8 },
    Restart,
    Resume,
    Tick { ticks: u8 },
    Wall { hours: u8 },
}

/// What a target says that it has.
#[derive(Arbitrary, Clone, Copy, Debug)]
enum What {
    Given,
    Nothing,
    Other(u8),
}

/// Plays the operations that the bytes stand for.
pub fn check(bytes: &[u8]) {
    let mut input = Unstructured::new(bytes);
    let Ok(setting) = Setting::arbitrary(&mut input) else { return };
    let (policy, fleet) = (policy(&setting), fleet());
    let targets: Vec<Target<'_>> = fleet.targets(PlacementLevel::Cluster).collect();
    let mut course = Course {
        rollout: Rollout::new(policy.clone()),
        observer: Observer::new(&policy, &targets),
        policy: &policy,
        targets: &targets,
        now: Time::from_secs(1),
        wall: WallTime::from_unix_seconds(1_795_694_400), // a Thursday at noon, when the window opens
    };
    for _ in 0..MAX_OPERATIONS {
        if input.is_empty() {
            break;
        }
        let Ok(operation) = Operation::arbitrary(&mut input) else { break };
        course.play(operation);
        course.settle(matches!(operation, Operation::Restart));
    }
}

struct Course<'a> {
    rollout: Rollout,
    observer: Observer<'a>,
    policy: &'a RolloutPolicy,
    targets: &'a [Target<'a>],
    now: Time,
    wall: WallTime,
}

impl Course<'_> {
    fn play(&mut self, operation: Operation) {
        if let Operation::Tick { ticks } = operation {
            self.now = self.now + TICK * u32::from(ticks % 8);
            self.wall = self.wall + TICK * u32::from(ticks % 8);
        }
        let (now, wall) = (self.now, self.wall);
        self.observer.look(now);
        match operation {
            Operation::Abort => drop(self.rollout.handle_abort(now, wall, &who("eve"))),
            Operation::Approve { is_right, by } => self.approve(is_right, by),
            Operation::Join { targets } => {
                let joined = self.targets.iter().enumerate().filter(|(at, _)| has(targets, *at));
                let joined: Vec<Target<'_>> = joined.map(|(_, target)| *target).collect();
                self.observer.join(&joined, now);
                self.rollout.handle_targets(now, wall, &joined, &[]);
            }
            Operation::Leave { targets } => {
                let left = self.targets.iter().enumerate().filter(|(at, _)| has(targets, *at));
                let left: Vec<_> = left.map(|(_, target)| target.name().clone()).collect();
                self.observer.leave(&left);
                self.rollout.handle_targets(now, wall, &[], &left);
            }
            Operation::Propose { number } => {
                let number = 1 + number % 4;
                let author = ["ann", "bob"][usize::from(number % 2)];
                self.observer.propose(revision(number), difference(number), author);
                let (revision, difference) = (revision(number), difference(number));
                self.rollout.handle_revision(
                    now,
                    wall,
                    Proposal { revision, difference, author: who(author) },
                );
            }
            Operation::Report { target, what, health, since } => self.report(target, what, health, since),
            Operation::Restart => self.restart(),
            Operation::Resume => {
                if matches!(self.rollout.state().phase, Phase::RolledBack | Phase::RollingBack) {
                    self.observer.begin_anew();
                }
                let _ = self.rollout.handle_resume(now, wall, &who("eve"));
            }
            Operation::Tick { .. } => self.rollout.handle_timeout(now, wall),
            Operation::Wall { hours } => {
                self.wall = WallTime::from_unix_seconds(1_795_694_400 + 3_600 * i64::from(hours));
                self.rollout.handle_timeout(now, self.wall);
            }
        }
    }

    fn approve(&mut self, is_right: bool, by: u8) {
        let proposal = self.rollout.state().proposal.clone();
        let hash = proposal.filter(|_| is_right).map_or(Revision([0; 32]), |proposal| proposal.difference);
        let by = ["ann", "bob", "eve"][usize::from(by % 3)];
        let approval = Approval { hash, by: who(by) };
        if self.rollout.handle_approval(self.now, self.wall, approval).is_ok() {
            self.observer.approve(hash, by);
        }
    }

    fn report(&mut self, target: u8, what: What, health: u8, since: u8) {
        let name = self.targets[usize::from(target) % TARGETS].name();
        let applied = match what {
            What::Given => self.observer.has(name),
            What::Nothing => None,
            What::Other(number) => Some(revision(number % 5)),
        };
        let health =
            [TargetHealth::Failed, TargetHealth::NotReady, TargetHealth::Ready, TargetHealth::Unknown]
                [usize::from(health % 4)];
        // before the machine began, before now, now, or in the future
        let since = Time::ZERO + (self.now + TICK * 2 - (Time::ZERO + TICK * u32::from(since % 8)));
        let report = TargetReport { applied, health, since };
        self.observer.report(name, &report, self.now);
        self.rollout.handle_target_report(self.now, self.wall, name, report);
    }

    /// The state goes through its text, as an adapter keeps it.
    fn restart(&mut self) {
        let text = serde_json::to_string(self.rollout.state()).expect("it can be written");
        let state: RolloutState = serde_json::from_str(&text).expect("what is written can be read");
        assert_eq!(&state, self.rollout.state());
        self.rollout = Rollout::restore(self.policy.clone(), state, self.targets, self.now);
        self.rollout.handle_timeout(self.now, self.wall);
    }

    /// Judges what follows, and that nothing more does.
    fn settle(&mut self, is_restarted: bool) {
        while let Some(apply) = self.rollout.poll_transmit() {
            self.observer.given(&apply, self.now, self.wall, is_restarted);
        }
        while let Some(event) = self.rollout.poll_event() {
            self.observer.told(&event, self.now);
        }
        self.observer.at_rest(self.rollout.state());
        let before = self.rollout.state().clone();
        self.rollout.handle_timeout(self.now, self.wall);
        assert_eq!(self.rollout.state(), &before, "nothing happened, and it changed");
        assert_eq!(self.rollout.poll_transmit(), None, "nothing happened");
        assert_eq!(self.rollout.poll_event(), None, "nothing happened");
        let due = self.rollout.poll_timeout();
        assert!(due.is_none_or(|due| due > self.now), "due at {due:?}, which has been");
        assert_eq!(self.rollout.explain(self.wall).len(), before.targets.len());
    }
}

fn who(name: &str) -> Identity {
    name.parse().expect("is a name")
}

fn has(bits: u8, at: usize) -> bool {
    bits >> at & 1 == 1
}

fn revision(number: u8) -> Revision {
    Revision([number; 32])
}

/// What is shown to whoever approves of a revision.
fn difference(number: u8) -> Revision {
    Revision([number + 100; 32])
}

fn policy(setting: &Setting) -> RolloutPolicy {
    let stage = |(number, stage): (usize, &StageSetting)| {
        let names = (0..TARGETS).filter(|at| has(stage.targets, *at)).map(target_name);
        let max_concurrency = match stage.concurrency {
            percent @ 128.. => Amount::Share(format!("{}%", percent % 101).parse::<Share>().expect("is one")),
            count => Amount::Count(u32::from(count % 5)),
        };
        Stage {
            name: format!("stage-{number}").parse().expect("is a name"),
            targets: TargetSelection { names: Some(names.collect()), ..TargetSelection::default() },
            max_concurrency,
            soak: TICK * u32::from(stage.soak % 4),
            pause: stage.pause,
        }
    };
    let stages = setting.stages.iter().enumerate().filter(|(_, stage)| stage.is_there);
    let window = Window {
        cron: "0 12 * * *".parse().expect("is one"),
        duration: Duration::from_secs(3_600),
        time_zone: "UTC".parse().expect("is one"),
    };
    RolloutPolicy {
        stages: stages.map(stage).collect(),
        four_eyes: setting.four_eyes,
        failure_budget: Amount::Count(u32::from(setting.budget % 3)),
        on_failure: if setting.is_rolled_back { OnFailure::Rollback } else { OnFailure::Pause },
        progress_deadline: TICK * u32::from(1 + setting.deadline % 8),
        windows: if setting.has_window { vec![window] } else { Vec::new() },
    }
}

fn target_name(at: usize) -> mesh_model::name::Name {
    format!("t{at}").parse().expect("is a name")
}

fn fleet() -> Fleet {
    let object = |kind: &str, name: &str, spec: &str| {
        format!(
            r#"{{ "apiVersion": "overspill.dev/v1alpha1", "kind": "{kind}", "metadata": {{ "name": "{name}" }}, "spec": {spec} }}"#
        )
    };
    let zone = serde_json::from_str(&object("AvailabilityZone", "z", r#"{ "region": "r" }"#));
    let cluster = |at: usize| {
        let text = object("Cluster", target_name(at).as_str(), r#"{ "zone": "z" }"#);
        serde_json::from_str(&text).expect("is a cluster")
    };
    Fleet::new(vec![zone.expect("is a zone")], (0..TARGETS).map(cluster).collect()).expect("is a fleet")
}
