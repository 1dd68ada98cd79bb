//! What happens at the wrong moment: targets that leave, move and come back, clocks
//! that are set, reports of what was and of whom nobody knows, policies that fit nobody.

use super::*;

fn all_at_once() -> RolloutPolicy {
    RolloutPolicy { stages: vec![stage("all", &[], "50%", 10, false)], ..RolloutPolicy::default() }
}

#[test]
fn whoever_leaves_while_soaking_gives_its_slot_back_and_proves_nothing() {
    let mut scene =
        Scene::new(3, RolloutPolicy { stages: vec![stage("all", &[], "1", 10, false)], ..all_at_once() });
    scene.propose(1);
    scene.check_given(&[("t000", 1)]);
    scene.report("t000", 1, TargetHealth::Ready);
    scene.pass(5);
    scene.leave("t000");
    scene.check_given(&[("t001", 1)]);
    // it comes back with nothing and waits for its turn
    scene.join("t000");
    scene.report("t000", 1, TargetHealth::Ready);
    scene.pass(20);
    scene.check_given(&[]);
    scene.report("t001", 1, TargetHealth::Ready);
    scene.pass(10);
    scene.check_given(&[("t000", 1)]);
}

#[test]
fn whoever_left_before_it_was_given_anything_is_given_nothing() {
    let mut scene = Scene::new(2, RolloutPolicy::default());
    scene.propose(1);
    scene.leave("t000");
    scene.check_given(&[("t001", 1)]);
}

#[test]
fn who_changes_its_zone_changes_its_stage() {
    let by_zone = |of: &str, zones: &str| {
        let zones = Some(vec![name(zones)]);
        Stage {
            targets: TargetSelection { zones, ..TargetSelection::default() },
            ..stage(of, &[], "9", 0, false)
        }
    };
    let fleet = |zone_of_t000: &str| {
        let clusters =
            vec![cluster("t000", &format!("{{ zone: {zone_of_t000} }}")), cluster("t001", "{ zone: a }")];
        Fleet::new(vec![zone("a", "r"), zone("b", "r")], clusters).unwrap()
    };
    let mut scene = Scene::new(
        0,
        RolloutPolicy { stages: vec![by_zone("one", "a"), by_zone("two", "b")], ..all_at_once() },
    );
    for fleet in [fleet("a"), fleet("b")] {
        let all: Vec<Target<'_>> = fleet.targets(PlacementLevel::Cluster).collect();
        scene.rollout.handle_targets(scene.now, scene.wall, &all, &[]);
    }
    scene.propose(1);
    scene.check_given(&[("t001", 1)]);
    scene.report("t001", 1, TargetHealth::Ready);
    scene.check_given(&[("t000", 1)]);
}

#[test]
fn targets_find_their_stages_when_the_policy_changed_over_a_restart() {
    let mut scene = Scene::new(3, canary_and_rest());
    scene.propose(1);
    scene.check_given(&[("t000", 1)]);
    let mut policy = canary_and_rest();
    policy.stages.insert(0, stage("before", &["t001"], "1", 0, true));
    let kept = scene.rollout.state().clone();
    scene.restart(policy, kept);
    scene.pass(0);
    scene.check_given(&[("t000", 1)]); // again, and it holds the one slot that there is
    scene.report("t000", 1, TargetHealth::Ready);
    scene.pass(10);
    // t001 comes before the canary now; it came behind it when the rollout began
    scene.check_given(&[]);
    let awaited = |scene: &Scene| scene.rollout.awaited(revision(1)).cloned();
    assert_eq!((scene.phase(), awaited(&scene)), (Phase::Waiting, Some(name("canary"))));
    scene.approve(1, "bob").unwrap();
    scene.check_given(&[("t001", 1)]);
    scene.report("t001", 1, TargetHealth::Ready);
    assert_eq!((scene.phase(), awaited(&scene)), (Phase::Waiting, Some(name("before"))));
}

#[test]
fn who_joins_a_stage_that_is_done_is_waited_for_before_the_next() {
    let stages = vec![stage("one", &["t000", "t001"], "1", 0, false), stage("two", &[], "1", 0, false)];
    let mut scene = Scene::settled(4, RolloutPolicy { stages, ..RolloutPolicy::default() });
    scene.leave("t001");
    scene.propose(2);
    scene.report("t000", 2, TargetHealth::Ready);
    scene.check_given(&[("t000", 2), ("t002", 2)]);
    scene.join("t001");
    scene.check_given(&[("t001", 1)]);
    scene.report("t002", 2, TargetHealth::Ready);
    scene.check_given(&[("t001", 2)]);
    scene.report("t001", 2, TargetHealth::Ready);
    scene.check_given(&[("t003", 2)]);
}

#[test]
fn a_clock_that_is_set_back_a_day_changes_neither_soaks_nor_approvals() {
    let mut scene = Scene::new(2, canary_and_rest());
    scene.propose(1);
    scene.report("t000", 1, TargetHealth::Ready);
    scene.given();
    scene.pass(5);
    scene.wall = "2026-11-25T12:00:00Z".parse().unwrap();
    scene.pass(4);
    assert_eq!(scene.phase(), Phase::Progressing);
    scene.pass(1);
    scene.approve(1, "bob").unwrap();
    scene.check_given(&[("t001", 1)]);
}

#[test]
fn a_window_that_closes_in_the_middle_lets_what_was_started_end() {
    let window = Window {
        cron: "0 12 * * *".parse().unwrap(),
        duration: Duration::from_secs(60),
        time_zone: "UTC".parse().unwrap(),
    };
    let mut scene = Scene::new(3, RolloutPolicy { windows: vec![window], ..canary_and_rest() });
    scene.propose(1);
    scene.check_given(&[("t000", 1)]);
    scene.pass(61);
    scene.report("t000", 1, TargetHealth::Ready);
    scene.pass(10);
    assert_eq!(scene.phase(), Phase::Waiting, "it proves itself all the same");
    scene.approve(1, "bob").unwrap();
    scene.check_given(&[]);
    // set back into the window, the clock opens it again
    scene.wall = wall();
    scene.pass(0);
    scene.check_given(&[("t001", 1), ("t002", 1)]);
}

#[test]
fn a_failure_stays_one_when_its_target_leaves_and_when_it_comes_back() {
    let policy = RolloutPolicy { failure_budget: Amount::Count(1), ..RolloutPolicy::default() };
    let mut scene = Scene::settled(4, policy);
    scene.propose(2);
    scene.report("t000", 2, TargetHealth::Failed);
    scene.leave("t000");
    scene.join("t000");
    assert_eq!((scene.phase(), scene.rollout.state().failures.len()), (Phase::Progressing, 1));
    scene.report("t001", 2, TargetHealth::Failed);
    assert_eq!(scene.phase(), Phase::Stopped);
}

#[test]
fn taking_a_failed_target_out_of_the_fleet_spends_no_budget() {
    let policy = RolloutPolicy {
        stages: vec![stage("all", &[], "1", 0, false)],
        failure_budget: "25%".parse().unwrap(),
        on_failure: OnFailure::Rollback,
        ..RolloutPolicy::default()
    };
    let mut scene = Scene::settled(4, policy);
    scene.propose(2);
    scene.report("t000", 2, TargetHealth::Failed);
    scene.check_given(&[("t000", 2), ("t001", 2)]);
    scene.leave("t000");
    assert_eq!(scene.phase(), Phase::Progressing, "one of four that were asked, as before");
    scene.report("t001", 2, TargetHealth::Failed);
    assert_eq!(scene.phase(), Phase::RollingBack);
}

#[test]
fn a_new_revision_while_rolling_back_begins_with_the_canary_and_an_abort_then_changes_nothing() {
    let mut scene = Scene::settled(3, RolloutPolicy { on_failure: OnFailure::Rollback, ..canary_and_rest() });
    scene.propose(2);
    scene.report("t000", 2, TargetHealth::Failed);
    scene.check_given(&[("t000", 2), ("t000", 1)]);
    assert_eq!(scene.rollout.handle_abort(scene.now, scene.wall, &who("eve")), Err(Idle::Returned));
    assert_eq!(scene.phase(), Phase::RollingBack);
    scene.check_given(&[]);
    scene.propose(3);
    scene.check_given(&[("t000", 3)]);
    scene.report("t000", 3, TargetHealth::Ready);
    scene.pass(10);
    assert_eq!(scene.phase(), Phase::Waiting, "the approval of 2 is none of 3");
    assert_eq!(
        scene.approve(2, "bob"),
        Err(ApprovalRefusal::OtherHash { given: difference(2), wanted: difference(3) })
    );
}

#[test]
fn what_failed_with_a_revision_tries_it_again_when_it_is_proposed_once_more() {
    // an edit that is taken back: what failed before was counted as done, and the canary passed by its failure
    let mut scene = Scene::new(2, canary_and_rest());
    scene.propose(1);
    scene.check_given(&[("t000", 1)]);
    scene.report("t000", 1, TargetHealth::Failed);
    assert_eq!(scene.phase(), Phase::Stopped);
    let never = Window {
        cron: "0 3 * * *".parse().unwrap(),
        duration: Duration::from_secs(60),
        time_zone: "UTC".parse().unwrap(),
    };
    scene.restart(RolloutPolicy { windows: vec![never], ..canary_and_rest() }, scene.rollout.state().clone());
    scene.propose(2);
    scene.check_given(&[]);
    scene.restart(canary_and_rest(), scene.rollout.state().clone());
    scene.propose(1);
    assert_eq!(scene.phase(), Phase::Progressing);
    scene.check_given(&[("t000", 1)]);
}

#[test]
fn what_is_said_of_a_target_that_nobody_hears_is_no_evidence_that_it_is_back() {
    let mut scene = Scene::settled(3, RolloutPolicy { on_failure: OnFailure::Rollback, ..canary_and_rest() });
    scene.propose(2);
    scene.report("t000", 2, TargetHealth::Failed);
    scene.report("t000", 1, TargetHealth::Unknown);
    assert_eq!(scene.phase(), Phase::RollingBack);
    scene.report("t000", 1, TargetHealth::NotReady);
    assert_eq!(scene.phase(), Phase::RolledBack, "it has it, well or not");
}

#[test]
fn every_stage_that_pauses_asks_anew_and_the_last_one_too() {
    let stages = vec![stage("one", &["t000"], "1", 0, true), stage("two", &["t001"], "1", 0, true)];
    let mut scene = Scene::new(2, RolloutPolicy { stages, ..RolloutPolicy::default() });
    scene.propose(1);
    for target in ["t000", "t001"] {
        scene.check_given(&[(target, 1)]);
        scene.report(target, 1, TargetHealth::Ready);
        assert_eq!((scene.phase(), scene.rollout.state().completed), (Phase::Waiting, None));
        scene.approve(1, "bob").unwrap();
    }
    assert_eq!((scene.phase(), scene.rollout.state().completed), (Phase::Settled, Some(revision(1))));
    let stages: Vec<&str> =
        scene.rollout.state().approvals.iter().map(|given| given.stage.as_str()).collect();
    assert_eq!(stages, ["one", "two"]);
}

#[test]
fn with_no_targets_nothing_is_complete_and_who_joins_is_the_canary() {
    let mut scene = Scene::new(0, canary_and_rest());
    scene.fleet = fleet(2);
    scene.propose(1);
    assert_eq!((scene.phase(), scene.rollout.state().completed), (Phase::Waiting, None));
    scene.join("t001");
    scene.check_given(&[]);
    scene.join("t000");
    scene.check_given(&[("t000", 1)]);
}

#[test]
fn a_stage_of_nobody_is_passed_and_a_target_belongs_to_the_first_that_selects_it() {
    let stages = vec![
        stage("nobody", &["t009"], "1", 0, false),
        stage("one", &["t001"], "1", 0, false),
        stage("again", &["t001", "t000"], "1", 0, false),
    ];
    let mut scene = Scene::new(2, RolloutPolicy { stages, ..RolloutPolicy::default() });
    scene.propose(1);
    scene.check_given(&[("t001", 1)]);
    let stages: Vec<_> = scene.rollout.explain(scene.wall).into_iter().map(|one| one.stage).collect();
    assert_eq!(stages, [Some(name("again")), Some(name("one"))]);
    scene.report("t001", 1, TargetHealth::Ready);
    scene.check_given(&[("t000", 1)]);
}

#[test]
fn a_share_of_a_stage_that_shrank_is_a_share_of_what_is_left() {
    let mut scene = Scene::new(8, all_at_once());
    scene.propose(1);
    assert_eq!(scene.given().len(), 4);
    for target in ["t004", "t005", "t006", "t007"] {
        scene.leave(target);
    }
    scene.report("t000", 1, TargetHealth::Ready);
    scene.report("t001", 1, TargetHealth::Ready);
    scene.pass(10);
    assert_eq!(scene.rollout.limit(0), 2);
    scene.check_given(&[]);
    scene.join("t004");
    scene.check_given(&[]); // two of five are unverified
}

#[test]
fn reports_of_nobody_of_older_revisions_and_the_same_ones_again_change_nothing() {
    let mut scene = Scene::settled(2, canary_and_rest());
    scene.propose(2);
    scene.given();
    let _: Vec<Event> = std::iter::from_fn(|| scene.rollout.poll_event()).collect();
    let before = scene.rollout.state().clone();
    scene.report("t777", 2, TargetHealth::Failed);
    scene.report("t000", 1, TargetHealth::Failed);
    scene.report("t001", 2, TargetHealth::Ready);
    let mut expected = before;
    for (target, applied) in [("t000", 1), ("t001", 2)] {
        expected.targets.get_mut(target).unwrap().applied = Some(revision(applied));
    }
    assert_eq!(scene.rollout.state(), &expected, "what they say is noted, and no more");
    for _ in 0..2 {
        scene.report("t000", 2, TargetHealth::Ready);
        scene.pass(5);
    }
    scene.report("t000", 2, TargetHealth::Ready);
    let events: Vec<Event> = std::iter::from_fn(|| scene.rollout.poll_event()).collect();
    let (from, to) = (Phase::Progressing, Phase::Waiting);
    assert_eq!(events, [Event::Verified { target: name("t000") }, Event::Phase { from, to }]);
    scene.check_given(&[]);
}

/// Whose labels are those of the canary is the canary; where nobody's are, nobody has proved anything.
#[test]
fn an_approval_of_a_stage_of_nobody_counts_only_with_a_proof() {
    let mut scene = Scene::new(3, canary_and_rest());
    scene.leave("t000");
    scene.propose(1);
    scene.check_given(&[]);
    assert_eq!(scene.phase(), Phase::Waiting);
    let there = Some(Wait::Nobody { stage: name("canary") });
    assert!(scene.rollout.explain(scene.wall).iter().all(|one| one.waits_for == there));
    assert_eq!(scene.approve(1, "bob"), Err(ApprovalRefusal::NobodyThere { stage: name("canary") }));
    assert!(scene.rollout.state().approvals.is_empty());
    // a policy that has no such stage is the way out: what was to be approved of still is, but without a proof
    let mut policy = canary_and_rest();
    policy.stages.remove(0);
    scene.restart(policy, scene.rollout.state().clone());
    scene.pass(0);
    scene.check_given(&[]);
    assert_eq!((scene.phase(), scene.approve(1, "bob")), (Phase::Waiting, Ok(())));
    scene.check_given(&[("t001", 1), ("t002", 1)]);
}

#[test]
fn a_canary_that_selects_nobody_is_told_and_whoever_is_first_goes_alone() {
    let stages = vec![stage("canary", &["t009"], "1", 10, false), stage("rest", &[], "100%", 10, false)];
    let mut scene = Scene::new(4, RolloutPolicy { stages, ..RolloutPolicy::default() });
    scene.propose(1);
    scene.check_given(&[("t000", 1)]);
    let told = |scene: &mut Scene| {
        let events = std::iter::from_fn(|| scene.rollout.poll_event());
        events.filter(|event| matches!(event, Event::EmptyStage { .. })).collect::<Vec<_>>()
    };
    assert_eq!(told(&mut scene), [Event::EmptyStage { stage: name("canary") }]);
    scene.report("t000", 1, TargetHealth::Ready);
    scene.pass(9);
    scene.check_given(&[]);
    scene.pass(1);
    scene.check_given(&[("t001", 1), ("t002", 1), ("t003", 1)]);
    assert_eq!(told(&mut scene), [], "once");
    for target in ["t001", "t002", "t003"] {
        scene.report(target, 1, TargetHealth::Ready);
    }
    scene.pass(10);
    assert_eq!(scene.phase(), Phase::Settled);
}

/// What the canary failed with within the budget nobody has proved: whoever is first after it goes alone, then all.
#[test]
fn a_canary_that_fails_within_the_budget_releases_one_and_not_all() {
    for pause in [false, true] {
        let stages = vec![stage("canary", &["t000"], "1", 0, pause), stage("rest", &[], "100%", 10, false)];
        let policy = RolloutPolicy { stages, failure_budget: Amount::Count(1), ..RolloutPolicy::default() };
        for (health, first, slots) in [
            (TargetHealth::Ready, &["t001", "t002", "t003"][..], 3),
            (TargetHealth::Failed, &["t001"][..], 1),
        ] {
            let mut scene = Scene::new(4, policy.clone());
            scene.propose(1);
            scene.check_given(&[("t000", 1)]);
            scene.report("t000", 1, health);
            if pause {
                scene.check_given(&[]);
                // somebody looked at the canary, and takes the next step
                scene.approve(1, "bob").unwrap();
            }
            let given: Vec<(&str, u8)> = first.iter().map(|target| (*target, 1)).collect();
            scene.check_given(&given);
            let slot = Wait::Slot { unverified: 1, limit: slots };
            let waits = scene.rollout.explain(scene.wall).remove(3).waits_for;
            assert_eq!(waits == Some(slot), slots == 1, "{health:?}: {waits:?}");
            scene.report("t001", 1, TargetHealth::Ready);
            scene.check_given(&[]);
            scene.pass(10);
            let rest: &[(&str, u8)] = if slots == 1 { &[("t002", 1), ("t003", 1)] } else { &[] };
            scene.check_given(rest);
        }
    }
}

#[test]
fn who_moves_to_a_stage_that_asks_for_less_is_judged_at_once() {
    let by_zone = |of: &str, zones: &str, soak: u64| {
        let zones = Some(vec![name(zones)]);
        Stage {
            targets: TargetSelection { zones, ..TargetSelection::default() },
            ..stage(of, &[], "9", soak, false)
        }
    };
    let fleet = |zone_of_t000: &str| {
        let clusters = vec![cluster("t000", &format!("{{ zone: {zone_of_t000} }}"))];
        Fleet::new(vec![zone("a", "r"), zone("b", "r")], clusters).unwrap()
    };
    let stages = vec![by_zone("one", "a", 10), by_zone("two", "b", 5)];
    let mut scene = Scene::new(0, RolloutPolicy { stages, ..RolloutPolicy::default() });
    let place = |scene: &mut Scene, zone| {
        let fleet = fleet(zone);
        let all: Vec<Target<'_>> = fleet.targets(PlacementLevel::Cluster).collect();
        scene.rollout.handle_targets(scene.now, scene.wall, &all, &[]);
    };
    place(&mut scene, "a");
    scene.propose(1);
    scene.report("t000", 1, TargetHealth::Ready);
    scene.pass(6);
    assert_eq!(scene.phase(), Phase::Progressing);
    place(&mut scene, "b");
    assert_eq!(scene.phase(), Phase::Settled);
}
