//! Slots of those that may run an unverified revision: superseded, aborted, gone and back, and not heard of.

use super::*;

/// Two stages of one at a time, both without soak: t000, then the rest.
fn one_by_one() -> RolloutPolicy {
    let stages = vec![stage("first", &["t000"], "1", 0, false), stage("rest", &[], "1", 0, false)];
    RolloutPolicy { stages, ..RolloutPolicy::default() }
}

/// Revision 1 is complete, and t001 was given revision 2 last.
fn second_under_way(policy: RolloutPolicy) -> Scene {
    let mut scene = Scene::settled(3, policy);
    scene.propose(2);
    scene.check_given(&[("t000", 2)]);
    scene.report("t000", 2, TargetHealth::Ready);
    scene.check_given(&[("t001", 2)]);
    scene
}

#[test]
fn whoever_is_returned_holds_its_slot_until_it_says_that_it_is_back() {
    let mut scene = second_under_way(one_by_one());
    scene.report("t001", 2, TargetHealth::NotReady);
    scene.propose(3);
    scene.check_given(&[("t001", 1)]);
    assert_eq!(scene.rollout.explain(scene.wall)[1].waits_for, Some(Wait::Applied));
    let slot = Wait::Slot { unverified: 1, limit: 1 };
    assert_eq!(scene.rollout.explain(scene.wall)[0].waits_for, Some(slot));
    scene.report("t001", 2, TargetHealth::NotReady);
    scene.report("t001", 1, TargetHealth::Unknown);
    scene.check_given(&[]);
    scene.report("t001", 1, TargetHealth::NotReady);
    scene.check_given(&[("t000", 3)]);
}

#[test]
fn whoever_leaves_unverified_and_joins_again_may_run_it_still() {
    let mut scene = second_under_way(one_by_one());
    scene.leave("t001");
    scene.check_given(&[("t002", 2)]);
    scene.report("t002", 2, TargetHealth::Failed);
    assert_eq!(scene.phase(), Phase::Stopped);
    scene.join("t001");
    scene.check_given(&[("t001", 1)]);
    assert_eq!(scene.rollout.handle_resume(scene.now, scene.wall, &who("eve")), Ok(()));
    scene.check_given(&[("t001", 2)]); // its own slot is what it goes on with
    // gone and back once more, and superseded meanwhile, over a restart
    scene.leave("t001");
    scene.report("t002", 1, TargetHealth::Ready);
    scene.given();
    scene.propose(3);
    scene.given();
    let kept = serde_json::to_string(scene.rollout.state()).unwrap();
    scene.restart(one_by_one(), serde_json::from_str(&kept).unwrap());
    scene.join("t001");
    assert!(scene.rollout.state().targets["t001"].progress.is_unverified());
    scene.report("t001", 1, TargetHealth::Ready);
    assert!(!scene.rollout.state().targets["t001"].progress.is_unverified());
}

#[test]
fn a_new_target_and_one_that_left_verified_hold_no_slot() {
    let mut scene = second_under_way(one_by_one());
    scene.report("t001", 2, TargetHealth::Ready);
    scene.check_given(&[("t002", 2)]);
    scene.leave("t001");
    scene.fleet = fleet(4);
    for target in ["t001", "t003"] {
        scene.join(target);
        scene.check_given(&[(target, 1)]);
        assert_eq!(scene.rollout.state().targets[target].progress, Progress::Held);
    }
}

#[test]
fn whoever_does_not_say_in_time_that_it_is_back_counts_as_failed_and_holds_no_slot() {
    for (budget, phase) in [(0, Phase::Stopped), (1, Phase::Progressing)] {
        let policy = RolloutPolicy { failure_budget: Amount::Count(budget), ..one_by_one() };
        let mut scene = second_under_way(policy);
        scene.propose(3);
        scene.check_given(&[("t001", 1)]);
        let _: Vec<Event> = std::iter::from_fn(|| scene.rollout.poll_event()).collect();
        assert_eq!(scene.rollout.poll_timeout(), Some(scene.now + 600 * SECOND), "the progress deadline");
        scene.pass(600);
        let failed = Event::Failed { target: name("t001"), cause: FailureCause::Unreturned };
        assert_eq!((scene.phase(), scene.rollout.poll_event()), (phase, Some(failed)));
        if budget == 0 {
            scene.check_given(&[]);
            // it is waited for once more, and then it is there
            assert_eq!(scene.rollout.handle_resume(scene.now, scene.wall, &who("eve")), Ok(()));
            scene.check_given(&[]);
            scene.report("t001", 1, TargetHealth::Ready);
        }
        scene.check_given(&[("t000", 3)]);
        scene.report("t001", 1, TargetHealth::Ready);
        assert_eq!(scene.rollout.state().targets["t001"].progress, Progress::Held, "better late than never");
    }
}

#[test]
fn whoever_is_aborted_holds_its_slot_when_somebody_resumes() {
    let mut scene = second_under_way(one_by_one());
    assert_eq!(scene.rollout.handle_abort(scene.now, scene.wall, &who("eve")), Ok(()));
    scene.check_given(&[("t000", 1), ("t001", 1)]);
    assert_eq!(scene.rollout.handle_resume(scene.now, scene.wall, &who("eve")), Ok(()));
    scene.check_given(&[]);
    scene.report("t001", 1, TargetHealth::Ready);
    scene.check_given(&[("t000", 2)]);
}

#[test]
fn who_never_said_that_it_has_what_is_complete_may_run_what_it_had_before() {
    let policy = RolloutPolicy { failure_budget: Amount::Count(1), ..one_by_one() };
    let mut scene = second_under_way(policy);
    scene.pass(600);
    scene.check_given(&[("t002", 2)]);
    scene.report("t002", 2, TargetHealth::Ready);
    assert_eq!((scene.phase(), scene.rollout.state().completed), (Phase::Settled, Some(revision(2))));
    scene.propose(3);
    scene.check_given(&[]);
    scene.report("t001", 2, TargetHealth::NotReady);
    scene.check_given(&[("t000", 3)]);
}

#[test]
fn those_that_left_are_remembered_up_to_a_number() {
    let most = RolloutState::MAX_LEFT + 10;
    let policy = RolloutPolicy { stages: vec![stage("all", &[], "100%", 9, false)], ..one_by_one() };
    let mut scene = Scene::new(most, policy);
    scene.propose(1);
    let all: Vec<Name> = scene.given().iter().map(|(target, _)| name(target)).collect();
    scene.rollout.handle_targets(scene.now, scene.wall, &[], &all);
    assert_eq!(scene.rollout.state().left.len(), RolloutState::MAX_LEFT);
    assert_eq!(scene.rollout.state().left[0], all[10], "the earliest are forgotten");
}
