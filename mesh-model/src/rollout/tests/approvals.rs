//! Approvals: what they are of, who gives them, and policies that are edited while one is awaited.

use super::*;

impl Scene {
    /// The same revision is shown by another difference: somebody joined or left.
    fn show(&mut self, number: u8, shown: u8, author: &str) {
        let (revision, difference) = (revision(number), difference(shown));
        let proposal = Proposal { revision, difference, author: who(author) };
        self.rollout.handle_revision(self.now, self.wall, proposal);
    }

    fn edit_policy(&mut self, policy: RolloutPolicy) {
        let all: Vec<Target<'_>> = self.fleet.targets(PlacementLevel::Cluster).collect();
        self.rollout.handle_policy(self.now, self.wall, policy, &all);
    }

    /// Revision 1 waits for an approval behind its canary.
    fn waiting(targets: usize, policy: RolloutPolicy) -> Self {
        let mut scene = Self::new(targets, policy);
        scene.propose(1);
        scene.report("t000", 1, TargetHealth::Ready);
        scene.pass(10);
        assert_eq!(scene.phase(), Phase::Waiting);
        scene.given();
        scene
    }
}

#[test]
fn an_approval_is_of_what_is_shown_now() {
    let mut scene = Scene::waiting(3, canary_and_rest());
    scene.fleet = fleet(4);
    scene.join("t003");
    scene.show(1, 7, "ann");
    assert_eq!(
        scene.approve(1, "bob"),
        Err(ApprovalRefusal::OtherHash { given: difference(1), wanted: difference(7) }),
        "t003 is not in what was seen"
    );
    assert_eq!(scene.approve(7, "bob"), Ok(()));
    scene.check_given(&[("t001", 1), ("t002", 1)]);
    // and the approval stands, whoever joins or leaves then
    scene.leave("t003");
    scene.show(1, 1, "ann");
    for target in ["t001", "t002"] {
        scene.report(target, 1, TargetHealth::Ready);
    }
    scene.join("t003");
    scene.show(1, 7, "ann");
    scene.pass(10);
    scene.check_given(&[("t003", 1)]);
}

#[test]
fn what_is_shown_after_an_abort_and_a_resume_can_be_approved() {
    let mut scene = Scene::settled(3, canary_and_rest());
    scene.propose(2);
    assert_eq!(scene.rollout.handle_abort(scene.now, scene.wall, &who("eve")), Ok(()));
    scene.report("t000", 1, TargetHealth::Ready);
    scene.show(2, 8, "ann");
    assert_eq!(scene.rollout.handle_resume(scene.now, scene.wall, &who("eve")), Ok(()));
    scene.report("t000", 2, TargetHealth::Ready);
    scene.pass(10);
    assert_eq!(scene.approve(8, "bob"), Ok(()));
}

#[test]
fn whoever_shows_a_revision_again_is_not_its_author() {
    let mut scene = Scene::waiting(3, canary_and_rest());
    scene.show(1, 7, "bob");
    assert_eq!(scene.approve(7, "ann"), Err(ApprovalRefusal::SameAuthor { author: who("ann") }));
    assert_eq!(scene.approve(7, "bob"), Ok(()));
}

#[test]
fn four_eyes_are_not_those_of_one_person_written_otherwise() {
    for by in ["Ann", " ann ", "ANN"] {
        let mut scene = Scene::waiting(2, canary_and_rest());
        assert_eq!(scene.approve(1, by), Err(ApprovalRefusal::SameAuthor { author: who("ann") }), "{by:?}");
    }
    for (one, other, is_same) in [
        ("Straße", "STRASSE", true),
        ("Émile", "émile", true),
        ("ſam", "Sam", true),
        ("ann", "anna", false),
        ("ann@a.example", "ann@b.example", false),
    ] {
        assert_eq!(who(one).is_same(&who(other)), is_same, "{one} and {other}");
    }
}

#[test]
fn nobody_neither_proposes_nor_approves() {
    for (text, expected) in [
        ("", ParseIdentityError::Empty),
        (" \t", ParseIdentityError::Empty),
        ("ann\u{200b}", ParseIdentityError::Invisible { code: 0x200b }),
        ("\u{feff}ann", ParseIdentityError::Invisible { code: 0xfeff }),
        ("a\u{7}nn", ParseIdentityError::Invisible { code: 7 }),
    ] {
        assert_eq!(text.parse::<Identity>(), Err(expected), "{text:?}");
    }
    let hash = revision(1);
    for line in [
        format!(r#"{{"at":"1s","kind":"approval","hash":"{hash}","by":""}}"#),
        format!(r#"{{"at":"1s","kind":"revision","revision":"{hash}","author":" "}}"#),
    ] {
        let told = serde_json::from_str::<Recorded>(&line).unwrap_err().to_string();
        assert!(told.contains("write who it is"), "{told}");
    }
}

#[test]
fn a_weaker_policy_lets_nothing_pass_that_an_approval_is_awaited_for() {
    let everybody = stage("canary", &[], "9", 0, true);
    let canary = stage("canary", &["t000"], "1", 10, true);
    let rest = stage("rest", &[], "2", 10, false);
    let weaker = [
        ("no pause", vec![Stage { pause: false, ..canary.clone() }, rest.clone()]),
        ("no stages", vec![]),
        ("another name", vec![Stage { name: name("first"), pause: false, ..canary.clone() }, rest.clone()]),
        ("another order", vec![Stage { soak: 10 * SECOND, ..rest.clone() }, canary.clone()]),
        ("all are the canary", vec![everybody]),
    ];
    for (what, stages) in weaker {
        for is_restarted in [false, true] {
            let mut scene = Scene::waiting(3, canary_and_rest());
            let policy = RolloutPolicy { stages: stages.clone(), ..RolloutPolicy::default() };
            if is_restarted {
                let kept = serde_json::to_string(scene.rollout.state()).unwrap();
                scene.restart(policy, serde_json::from_str(&kept).unwrap());
                scene.pass(0);
            } else {
                scene.edit_policy(policy);
            }
            assert_eq!((scene.phase(), scene.given()), (Phase::Waiting, vec![]), "{what}");
            let awaited = scene.rollout.awaited_now(scene.wall).unwrap().wait;
            let (stage, not_by) = (name("canary"), Some(who("ann")));
            assert_eq!(awaited, Wait::Approval { stage, hash: difference(1), not_by }, "{what}");
            // nor does it help to leave and to join under the new one, or to propose something else
            scene.leave("t002");
            scene.join("t002");
            scene.check_given(&[]);
            assert_eq!(scene.approve(1, "ann"), Err(ApprovalRefusal::SameAuthor { author: who("ann") }));
            assert_eq!(scene.approve(1, "bob"), Ok(()), "{what}");
            assert!(!scene.given().is_empty(), "{what}");
        }
    }
}

#[test]
fn another_revision_is_no_way_round_and_a_settled_rollout_forgets() {
    let none = RolloutPolicy { failure_budget: Amount::Count(3), ..RolloutPolicy::default() };
    let mut scene = Scene::waiting(3, canary_and_rest());
    scene.edit_policy(none.clone());
    scene.propose(2);
    // t000 proved revision 1 and has nothing to return to; it is behind no stage that pauses
    scene.check_given(&[("t000", 2)]);
    scene.report("t000", 2, TargetHealth::Ready);
    assert_eq!(scene.phase(), Phase::Waiting);
    assert_eq!(scene.approve(2, "ann"), Err(ApprovalRefusal::SameAuthor { author: who("ann") }));
    assert_eq!(scene.approve(2, "bob"), Ok(()));
    for target in ["t001", "t002"] {
        scene.check_given(&[(target, 2)]);
        scene.report(target, 2, TargetHealth::Ready);
    }
    assert_eq!((scene.phase(), &scene.rollout.state().rule), (Phase::Settled, &ApprovalRule::default()));
    scene.propose(3);
    for target in ["t000", "t001", "t002"] {
        scene.check_given(&[(target, 3)]);
        scene.report(target, 3, TargetHealth::Ready);
    }
    assert_eq!(scene.phase(), Phase::Settled);
}

#[test]
fn a_stricter_policy_holds_at_once() {
    let open = RolloutPolicy { four_eyes: false, ..canary_and_rest() };
    let mut scene = Scene::waiting(4, open);
    let mut stricter = canary_and_rest();
    stricter.stages.insert(1, stage("second", &["t001"], "1", 0, true));
    scene.edit_policy(stricter);
    assert_eq!(scene.approve(1, "ann"), Err(ApprovalRefusal::SameAuthor { author: who("ann") }));
    assert_eq!(scene.approve(1, "bob"), Ok(()));
    scene.check_given(&[("t001", 1)]);
    scene.report("t001", 1, TargetHealth::Ready);
    assert_eq!((scene.phase(), scene.rollout.awaited(revision(1))), (Phase::Waiting, Some(&name("second"))));
    assert_eq!(scene.approve(1, "bob"), Ok(()));
    scene.check_given(&[("t002", 1), ("t003", 1)]);
}

#[test]
fn the_last_pause_of_a_policy_that_is_gone_is_awaited_before_completion() {
    let all = vec![stage("all", &[], "9", 0, true)];
    let mut scene = Scene::new(2, RolloutPolicy { stages: all, ..RolloutPolicy::default() });
    scene.propose(1);
    scene.edit_policy(RolloutPolicy::default());
    for target in ["t000", "t001"] {
        scene.report(target, 1, TargetHealth::Ready);
    }
    assert_eq!((scene.phase(), scene.rollout.state().completed), (Phase::Waiting, None));
    assert_eq!(scene.approve(1, "ann"), Ok(()), "two were never asked for");
    assert_eq!(scene.phase(), Phase::Settled);
}

#[test]
fn what_a_rollout_without_targets_waits_for_agrees_with_its_phase() {
    let awaited = |scene: &Scene| scene.rollout.awaited_now(scene.wall);
    let events =
        |scene: &mut Scene| -> Vec<Event> { std::iter::from_fn(|| scene.rollout.poll_event()).collect() };
    let mut scene = Scene::new(0, canary_and_rest());
    assert_eq!(awaited(&scene), None);
    scene.propose(1);
    let wait = Wait::Nobody { stage: name("canary") };
    assert_eq!(awaited(&scene), Some(Awaited { target: None, wait }));
    assert_eq!(events(&mut scene), [Event::Phase { from: Phase::Settled, to: Phase::Waiting }]);
    let mut scene = Scene::new(0, RolloutPolicy::default());
    scene.propose(1);
    assert_eq!(scene.phase(), Phase::Progressing);
    assert_eq!(awaited(&scene), Some(Awaited { target: None, wait: Wait::Targets }));
    // nor does it say that nothing is awaited where all are done up to a stage that pauses
    let stages = vec![stage("all", &[], "9", 0, true)];
    let mut scene = Scene::new(1, RolloutPolicy { stages, ..RolloutPolicy::default() });
    scene.propose(1);
    scene.report("t000", 1, TargetHealth::Ready);
    assert!(matches!(awaited(&scene), Some(Awaited { target: None, wait: Wait::Approval { .. } })));
}
