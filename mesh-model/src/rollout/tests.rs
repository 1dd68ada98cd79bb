//! Tests of the rollout: each rule by itself, the tables of its two machines,
//! recordings, and a check of all interleavings with planted bugs.

mod adversity;
mod approvals;
mod model;
mod mutants;
mod play;
mod slots;
mod tables;

use std::time::Duration;

use super::*;
use crate::access_point::{Stage, TargetSelection, Window};
use crate::api::{OnFailure, PlacementLevel};
use crate::fleet::Fleet;
use crate::fleet::tests::{cluster, zone};
use crate::units::Amount;

const SECOND: Duration = Duration::from_secs(1);

fn revision(number: u8) -> Revision {
    Revision([number; 32])
}

/// What is shown to whoever approves of a revision.
fn difference(number: u8) -> Revision {
    Revision([number + 100; 32])
}

fn name(text: &str) -> Name {
    text.parse().unwrap()
}

fn who(text: &str) -> Identity {
    text.parse().unwrap()
}

fn wall() -> WallTime {
    "2026-11-26T12:00:00Z".parse().unwrap()
}

/// Targets t000, t001 and so on.
fn fleet(targets: usize) -> Fleet {
    let clusters = (0..targets).map(|number| cluster(&format!("t{number:03}"), "{ zone: z }")).collect();
    Fleet::new(vec![zone("z", "r")], clusters).unwrap()
}

fn stage(of: &str, targets: &[&str], max_concurrency: &str, soak: u64, pause: bool) -> Stage {
    let names = (!targets.is_empty()).then(|| targets.iter().map(|target| name(target)).collect());
    Stage {
        name: name(of),
        targets: TargetSelection { names, ..TargetSelection::default() },
        max_concurrency: max_concurrency.parse().unwrap(),
        soak: Duration::from_secs(soak),
        pause,
    }
}

/// A rollout, its fleet and its clock.
struct Scene {
    fleet: Fleet,
    rollout: Rollout,
    now: Time,
    wall: WallTime,
}

impl Scene {
    /// All targets are there, and no revision.
    fn new(targets: usize, policy: RolloutPolicy) -> Self {
        let (fleet, rollout) = (fleet(targets), Rollout::new(policy));
        let mut scene = Self { fleet, rollout, now: Time::from_secs(1000), wall: wall() };
        let all: Vec<Target<'_>> = scene.fleet.targets(PlacementLevel::Cluster).collect();
        scene.rollout.handle_targets(scene.now, scene.wall, &all, &[]);
        scene
    }

    /// The same, with revision 1 complete everywhere.
    fn settled(targets: usize, policy: RolloutPolicy) -> Self {
        let mut scene = Self::new(targets, policy);
        scene.propose(1);
        scene.succeed_all(1);
        assert_eq!(scene.rollout.state().completed, Some(revision(1)));
        scene.given();
        scene
    }

    /// Lets whoever is given a revision become ready, approves, lets time pass, until nothing is left.
    fn succeed_all(&mut self, number: u8) {
        while self.rollout.state().phase != Phase::Settled {
            for (name, _) in self.given() {
                self.report(&name, number, TargetHealth::Ready);
            }
            let _ = self.approve(number, "bob");
            self.pass(10);
            assert!(!matches!(self.phase(), Phase::Stopped | Phase::RolledBack), "it succeeds");
        }
    }

    fn propose(&mut self, number: u8) {
        let (revision, difference) = (revision(number), difference(number));
        let proposal = Proposal { revision, difference, author: who("ann") };
        self.rollout.handle_revision(self.now, self.wall, proposal);
    }

    fn report(&mut self, target: &str, number: u8, health: TargetHealth) {
        let report = TargetReport { applied: Some(revision(number)), health, since: self.now };
        self.rollout.handle_target_report(self.now, self.wall, &name(target), report);
    }

    fn approve(&mut self, number: u8, by: &str) -> Result<(), ApprovalRefusal> {
        let approval = Approval { hash: difference(number), by: who(by) };
        self.rollout.handle_approval(self.now, self.wall, approval)
    }

    fn pass(&mut self, seconds: u64) {
        self.now = self.now + Duration::from_secs(seconds);
        self.wall = self.wall + Duration::from_secs(seconds);
        self.rollout.handle_timeout(self.now, self.wall);
    }

    fn join(&mut self, target: &str) {
        let target = self.fleet.target(PlacementLevel::Cluster, target).unwrap();
        self.rollout.handle_targets(self.now, self.wall, &[target], &[]);
    }

    fn leave(&mut self, target: &str) {
        self.rollout.handle_targets(self.now, self.wall, &[], &[name(target)]);
    }

    /// Another process goes on, by a policy that may have changed.
    fn restart(&mut self, policy: RolloutPolicy, state: RolloutState) {
        let all: Vec<Target<'_>> = self.fleet.targets(PlacementLevel::Cluster).collect();
        self.rollout = Rollout::restore(policy, state, &all, self.now);
    }

    /// Who was given what since the last time.
    fn given(&mut self) -> Vec<(String, u8)> {
        let applies = std::iter::from_fn(|| self.rollout.poll_transmit());
        applies.map(|apply| (apply.target.to_string(), apply.revision.0[0])).collect()
    }

    fn check_given(&mut self, expected: &[(&str, u8)]) {
        let given = self.given();
        let given: Vec<(&str, u8)> = given.iter().map(|(name, number)| (name.as_str(), *number)).collect();
        assert_eq!(given, expected);
    }

    fn phase(&self) -> Phase {
        self.rollout.state().phase
    }
}

/// A canary that pauses, then the rest, two at a time, with ten seconds of soak.
fn canary_and_rest() -> RolloutPolicy {
    let stages = vec![stage("canary", &["t000"], "1", 10, true), stage("rest", &[], "2", 10, false)];
    RolloutPolicy { stages, four_eyes: true, ..RolloutPolicy::default() }
}

#[test]
fn a_canary_pauses_and_goes_on_by_an_approval_of_what_was_shown_by_somebody_else() {
    let mut scene = Scene::new(4, canary_and_rest());
    scene.propose(1);
    scene.check_given(&[("t000", 1)]);
    assert_eq!(scene.approve(1, "bob"), Err(ApprovalRefusal::NotWaiting), "nobody has seen the canary yet");
    scene.report("t000", 1, TargetHealth::Ready);
    scene.pass(9);
    assert_eq!(scene.phase(), Phase::Progressing);
    assert_eq!(scene.rollout.poll_timeout(), Some(scene.now + SECOND), "the end of its soak");
    scene.pass(1);
    assert_eq!(scene.phase(), Phase::Waiting);
    scene.check_given(&[]);
    assert_eq!(
        scene.approve(2, "bob"),
        Err(ApprovalRefusal::OtherHash { given: difference(2), wanted: difference(1) })
    );
    assert_eq!(scene.approve(1, "ann"), Err(ApprovalRefusal::SameAuthor { author: who("ann") }));
    assert_eq!(scene.phase(), Phase::Waiting);
    assert_eq!(scene.approve(1, "bob"), Ok(()));
    scene.check_given(&[("t001", 1), ("t002", 1)]);
    let given = &scene.rollout.state().approvals;
    assert_eq!((given[0].stage.as_str(), given[0].approval.by.as_str()), ("canary", "bob"));
}

#[test]
fn a_soak_counts_from_this_revisions_own_readiness_directly_after_another() {
    // as in open-cluster-management/ocm#1207, where the second change met all clusters at once
    let policy =
        RolloutPolicy { stages: vec![stage("all", &[], "1", 10, false)], ..RolloutPolicy::default() };
    let mut scene = Scene::settled(3, policy);
    scene.propose(2);
    scene.check_given(&[("t000", 2)]);
    // still ready since long ago, with revision 1
    let stale = TargetReport { applied: Some(revision(1)), health: TargetHealth::Ready, since: Time::ZERO };
    scene.rollout.handle_target_report(scene.now, scene.wall, &name("t000"), stale);
    scene.pass(20);
    scene.check_given(&[]);
    // has revision 2, and a condition that nobody has touched since revision 1
    scene.rollout.handle_target_report(scene.now, scene.wall, &name("t000"), stale);
    let untouched = TargetReport { applied: Some(revision(2)), ..stale };
    scene.pass(4);
    scene.rollout.handle_target_report(scene.now, scene.wall, &name("t000"), untouched);
    scene.pass(9);
    scene.check_given(&[]);
    scene.pass(1);
    scene.check_given(&[("t001", 2)]);
}

#[test]
fn a_failure_counts_from_this_attempt_as_a_soak_does() {
    let mut scene = Scene::new(2, RolloutPolicy::default());
    scene.propose(1);
    scene.pass(5);
    scene.report("t000", 1, TargetHealth::Failed);
    assert_eq!(scene.phase(), Phase::Stopped);
    let stale = TargetReport { applied: Some(revision(1)), health: TargetHealth::Failed, since: scene.now };
    scene.pass(60);
    assert_eq!(scene.rollout.handle_resume(scene.now, scene.wall, &who("eve")), Ok(()));
    scene.check_given(&[("t000", 1), ("t000", 1)]);
    // nobody has looked at it since, so its status says what it said of the first attempt
    scene.pass(1);
    scene.rollout.handle_target_report(scene.now, scene.wall, &name("t000"), stale);
    assert_eq!(scene.phase(), Phase::Progressing, "that is no news");
    scene.report("t000", 1, TargetHealth::Ready);
    scene.check_given(&[("t001", 1)]);
    // what fails after it was verified fails now, however long ago it says that it began
    scene.rollout.handle_target_report(scene.now, scene.wall, &name("t000"), stale);
    assert_eq!(scene.phase(), Phase::Stopped);
}

#[test]
fn a_soak_that_is_interrupted_begins_anew_and_unready_time_adds_up() {
    let policy = RolloutPolicy {
        stages: vec![stage("all", &[], "1", 10, false)],
        progress_deadline: Duration::from_secs(9),
        ..RolloutPolicy::default()
    };
    let mut scene = Scene::new(2, policy);
    scene.propose(1);
    scene.check_given(&[("t000", 1)]);
    for _ in 0..2 {
        scene.pass(4);
        scene.report("t000", 1, TargetHealth::Ready);
        scene.pass(9);
        scene.report("t000", 1, TargetHealth::Unknown);
    }
    scene.check_given(&[]);
    assert_eq!(scene.phase(), Phase::Progressing);
    scene.pass(1);
    assert_eq!(scene.phase(), Phase::Stopped, "nine seconds unready in all");
}

#[test]
fn failed_targets_hold_no_slot_and_a_budget_above_the_number_of_targets_is_that_number() {
    // OCM takes a maximum above the number of clusters for 0
    let policy = RolloutPolicy { failure_budget: Amount::Count(5), ..RolloutPolicy::default() };
    let mut scene = Scene::new(3, policy);
    scene.propose(1);
    for target in ["t000", "t001", "t002"] {
        scene.check_given(&[(target, 1)]);
        scene.report(target, 1, TargetHealth::Failed);
    }
    assert_eq!(scene.phase(), Phase::Progressing);
    assert_eq!(scene.rollout.state().completed, None, "nobody proved it");
}

#[test]
fn a_spent_budget_returns_everybody_at_once_outside_windows_without_approval() {
    let window = Window {
        cron: "0 12 * * *".parse().unwrap(),
        duration: Duration::from_secs(7200),
        time_zone: "UTC".parse().unwrap(),
    };
    let mut policy = canary_and_rest();
    policy.on_failure = OnFailure::Rollback;
    let mut scene = Scene::settled(4, policy.clone());
    policy.windows = vec![window];
    scene.restart(policy, scene.rollout.state().clone());
    scene.wall = wall();
    scene.propose(2);
    scene.check_given(&[("t000", 2)]);
    scene.report("t000", 2, TargetHealth::Ready);
    scene.pass(10);
    scene.approve(2, "bob").unwrap();
    scene.check_given(&[("t001", 2), ("t002", 2)]);
    scene.pass(86_400 / 2);
    assert!(!scene.rollout.policy.windows[0].is_open(scene.wall));
    assert_eq!(scene.phase(), Phase::RollingBack, "both took longer than the deadline");
    scene.check_given(&[("t000", 1), ("t001", 1), ("t002", 1)]);
    for target in ["t000", "t001", "t002"] {
        assert_eq!(scene.phase(), Phase::RollingBack);
        scene.report(target, 1, TargetHealth::NotReady);
    }
    assert_eq!(scene.phase(), Phase::RolledBack);
    // the author takes the change back: nothing to do, and nobody has to approve
    scene.propose(1);
    assert_eq!(scene.phase(), Phase::Settled);
    scene.check_given(&[]);
}

#[test]
fn a_window_gates_what_is_started_and_its_opening_is_a_timeout() {
    let policy = RolloutPolicy {
        windows: vec![Window {
            cron: "5 12 * * *".parse().unwrap(),
            duration: Duration::from_secs(60),
            time_zone: "UTC".parse().unwrap(),
        }],
        ..RolloutPolicy::default()
    };
    let mut scene = Scene::new(2, policy);
    scene.propose(1);
    scene.check_given(&[]);
    let opens = Some("2026-11-26T12:05:00Z".parse().unwrap());
    assert_eq!(scene.rollout.explain(scene.wall)[0].waits_for, Some(Wait::Window { opens }));
    assert_eq!(scene.rollout.poll_timeout(), Some(scene.now + 60 * SECOND), "the clock might be set");
    scene.pass(290);
    assert_eq!(scene.rollout.poll_timeout(), Some(scene.now + 10 * SECOND));
    scene.pass(10);
    scene.check_given(&[("t000", 1)]);
    scene.pass(61);
    scene.report("t000", 1, TargetHealth::Ready);
    scene.check_given(&[]);
    scene.wall = "2026-11-27T12:05:30Z".parse().unwrap(); // the clock is set
    scene.pass(0);
    scene.check_given(&[("t001", 1)]);
}

#[test]
fn joins_receive_the_completed_revision_at_once_and_the_new_one_in_their_stage() {
    let mut scene = Scene::settled(4, canary_and_rest());
    scene.leave("t000");
    scene.leave("t003");
    scene.propose(2);
    assert_eq!(scene.phase(), Phase::Waiting, "a canary that is not there does not let the rest pass");
    scene.join("t003");
    scene.join("t000");
    scene.check_given(&[("t003", 1), ("t000", 1), ("t000", 2)]);
    scene.report("t000", 2, TargetHealth::Ready);
    scene.pass(10);
    scene.approve(2, "bob").unwrap();
    scene.check_given(&[("t001", 2), ("t002", 2)]);
}

#[test]
fn targets_that_no_stage_selects_are_last_one_at_a_time() {
    let policy =
        RolloutPolicy { stages: vec![stage("first", &["t002"], "9", 0, false)], ..RolloutPolicy::default() };
    let mut scene = Scene::new(3, policy);
    scene.propose(1);
    for target in ["t002", "t000", "t001"] {
        scene.check_given(&[(target, 1)]);
        scene.report(target, 1, TargetHealth::Ready);
    }
    assert_eq!(scene.phase(), Phase::Settled);
}

#[test]
fn a_share_of_a_stage_is_rounded_down_and_is_one_at_least() {
    for (share, started) in [("25%", 2), ("1%", 1), ("100%", 10), ("99", 10)] {
        let stages = vec![stage("all", &[], share, 0, false)];
        let mut scene = Scene::new(10, RolloutPolicy { stages, ..RolloutPolicy::default() });
        scene.propose(1);
        assert_eq!(scene.given().len(), started, "{share}");
    }
}

#[test]
fn a_new_revision_in_the_middle_returns_what_is_unproven_and_begins_with_the_canary() {
    let mut scene = Scene::settled(4, canary_and_rest());
    scene.propose(2);
    scene.given();
    scene.report("t000", 2, TargetHealth::Ready);
    scene.pass(10);
    scene.approve(2, "bob").unwrap();
    scene.check_given(&[("t001", 2), ("t002", 2)]);
    scene.propose(3);
    scene.check_given(&[("t001", 1), ("t002", 1)]);
    assert!(scene.rollout.state().approvals.is_empty(), "an approval is of one difference");
    scene.report("t001", 1, TargetHealth::Ready);
    scene.check_given(&[]); // the canary's stage lets one be unverified, and t002 may run revision 2
    scene.report("t002", 1, TargetHealth::NotReady);
    scene.check_given(&[("t000", 3)]);
}

#[test]
fn whoever_fails_with_what_nobody_wants_any_more_is_returned_at_once() {
    let mut scene = Scene::settled(3, canary_and_rest());
    scene.propose(2);
    scene.report("t000", 2, TargetHealth::Ready);
    scene.pass(10);
    scene.approve(2, "bob").unwrap();
    scene.report("t001", 2, TargetHealth::Ready);
    scene.pass(10);
    scene.given();
    // t001 proved revision 2 and keeps it until its turn; then it fails with it after all
    scene.propose(3);
    scene.check_given(&[("t002", 1)]);
    scene.report("t002", 1, TargetHealth::Ready);
    scene.check_given(&[("t000", 3)]);
    scene.report("t001", 2, TargetHealth::Failed);
    scene.check_given(&[("t001", 1)]);
    assert_eq!((scene.phase(), scene.rollout.state().failures.len()), (Phase::Progressing, 0), "not with 3");
}

#[test]
fn a_verified_target_that_is_no_longer_ready_holds_the_rest() {
    let mut scene = Scene::new(3, RolloutPolicy::default());
    scene.propose(1);
    scene.report("t000", 1, TargetHealth::Ready);
    scene.check_given(&[("t000", 1), ("t001", 1)]);
    scene.report("t000", 1, TargetHealth::Unknown);
    scene.report("t001", 1, TargetHealth::Ready);
    scene.check_given(&[]);
    let of = name("t000");
    let waits = |scene: &Scene, of: usize| scene.rollout.explain(scene.wall)[of].waits_for.clone();
    assert_eq!(waits(&scene, 2), Some(Wait::Health { of: of.clone() }));
    scene.report("t000", 1, TargetHealth::Ready);
    scene.check_given(&[("t002", 1)]);
    // nor is the revision complete, which joins and rollbacks would receive
    scene.report("t000", 1, TargetHealth::NotReady);
    scene.report("t002", 1, TargetHealth::Ready);
    assert_eq!((scene.phase(), waits(&scene, 0)), (Phase::Progressing, Some(Wait::Health { of })));
    scene.pass(3_600);
    assert_eq!(
        scene.phase(),
        Phase::Progressing,
        "that it is unready is no failure of the revision by itself"
    );
    scene.report("t000", 1, TargetHealth::Ready);
    assert_eq!(scene.phase(), Phase::Settled);
}

#[test]
fn abort_returns_or_stops_and_resume_begins_again_or_goes_on() {
    let mut first = Scene::new(2, RolloutPolicy::default());
    first.propose(1);
    assert_eq!(first.rollout.handle_abort(first.now, first.wall, &who("eve")), Ok(()));
    assert_eq!(first.phase(), Phase::Stopped, "there is nothing to return to");
    first.report("t000", 1, TargetHealth::Ready);
    first.check_given(&[("t000", 1)]);
    assert_eq!(first.rollout.handle_resume(first.now, first.wall, &who("eve")), Ok(()));
    first.check_given(&[("t001", 1)]);

    let mut second = Scene::settled(2, canary_and_rest());
    second.propose(2);
    second.report("t000", 2, TargetHealth::Ready);
    second.pass(10);
    second.approve(2, "bob").unwrap();
    second.given();
    assert_eq!(second.rollout.handle_abort(second.now, second.wall, &who("eve")), Ok(()));
    second.check_given(&[("t000", 1), ("t001", 1)]);
    assert_eq!(second.rollout.handle_resume(second.now, second.wall, &who("eve")), Ok(()));
    second.check_given(&[]); // t001 may run revision 2 still
    second.report("t001", 1, TargetHealth::Ready);
    second.check_given(&[("t000", 2)]);
    assert!(second.rollout.state().approvals.is_empty());
}

#[test]
fn a_restart_gives_again_only_what_nobody_has_said_to_have() {
    let mut scene = Scene::new(4, canary_and_rest());
    scene.propose(1);
    scene.report("t000", 1, TargetHealth::Ready);
    scene.pass(10);
    scene.approve(1, "bob").unwrap();
    scene.given();
    scene.report("t001", 1, TargetHealth::Ready);
    scene.pass(4);
    let kept = serde_json::to_string(scene.rollout.state()).unwrap();
    let state: RolloutState = serde_json::from_str(&kept).unwrap();
    assert_eq!(&state, scene.rollout.state());
    scene.now = Time::ZERO; // the new process has a clock of its own
    scene.restart(canary_and_rest(), state);
    scene.pass(0);
    scene.check_given(&[("t002", 1)]);
    scene.pass(5);
    scene.check_given(&[]);
    scene.pass(1);
    scene.check_given(&[("t003", 1)]);
}

#[test]
fn every_target_says_what_it_waits_for() {
    let mut scene = Scene::new(4, canary_and_rest());
    scene.propose(1);
    let waits = |scene: &Scene| -> Vec<Option<Wait>> {
        scene.rollout.explain(scene.wall).into_iter().map(|one| one.waits_for).collect()
    };
    let stage = Some(Wait::Stage { before: Some(name("canary")) });
    let ready = Some(Wait::Ready { within: "600s".parse().unwrap() });
    assert_eq!(waits(&scene), [ready, stage.clone(), stage.clone(), stage]);
    scene.report("t000", 1, TargetHealth::Ready);
    scene.pass(4);
    assert_eq!(waits(&scene)[0], Some(Wait::Soak { left: "6s".parse().unwrap() }));
    scene.pass(6);
    let approval =
        Some(Wait::Approval { stage: name("canary"), hash: difference(1), not_by: Some(who("ann")) });
    assert_eq!(waits(&scene), [None, approval.clone(), approval.clone(), approval]);
    scene.approve(1, "bob").unwrap();
    assert_eq!(waits(&scene)[3], Some(Wait::Slot { unverified: 2, limit: 2 }));
    assert_eq!(scene.rollout.handle_abort(scene.now, scene.wall, &who("eve")), Ok(()));
    assert_eq!(waits(&scene)[3], Some(Wait::Resume));
    let mut scene = Scene::new(2, RolloutPolicy::default());
    scene.propose(1);
    scene.report("t000", 1, TargetHealth::Failed);
    assert_eq!(scene.phase(), Phase::Stopped);
    assert_eq!(waits(&scene), [Some(Wait::Resume), Some(Wait::Resume)], "who failed, too");
}

#[test]
fn an_abort_and_a_resume_that_change_nothing_say_why() {
    let abort = |scene: &mut Scene| scene.rollout.handle_abort(scene.now, scene.wall, &who("eve"));
    let resume = |scene: &mut Scene| scene.rollout.handle_resume(scene.now, scene.wall, &who("eve"));
    let mut scene = Scene::settled(2, canary_and_rest());
    assert_eq!((abort(&mut scene), resume(&mut scene)), (Err(Idle::Settled), Err(Idle::Settled)));
    scene.propose(2);
    assert_eq!(resume(&mut scene), Err(Idle::Progressing));
    scene.report("t000", 2, TargetHealth::Ready);
    scene.pass(10);
    assert_eq!((scene.phase(), resume(&mut scene)), (Phase::Waiting, Err(Idle::Waiting)));
    assert_eq!((abort(&mut scene), abort(&mut scene)), (Ok(()), Err(Idle::Returned)));
    scene.report("t000", 1, TargetHealth::Ready);
    assert_eq!((scene.phase(), abort(&mut scene)), (Phase::RolledBack, Err(Idle::Returned)));
    let waits = scene.rollout.explain(scene.wall);
    assert!(waits.iter().all(|one| one.waits_for == Some(Wait::Revision)), "an abort would not help");
    assert_eq!(resume(&mut scene), Ok(()));
}
