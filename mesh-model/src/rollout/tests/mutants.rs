//! The model check run: how many states there are, and planted bugs, all of which are found.

use super::model::{Bug, enumerate, rules};
use super::*;

#[test]
fn all_interleavings_keep_the_invariants() {
    // targets, policy, revisions, depth; how many different states, and steps between them
    let cases = [
        (4, rules(OnFailure::Rollback, 0, false), 2, 8, (3512, 22131)),
        (3, rules(OnFailure::Rollback, 1, false), 2, 9, (8807, 63293)),
        (2, rules(OnFailure::Pause, 0, true), 2, 12, (8034, 84041)),
    ];
    for (targets, rules, revisions, depth, expected) in cases {
        let counted = enumerate(targets, &rules, revisions, depth, Bug::None);
        let counted = counted.unwrap_or_else(|found| panic!("{found}"));
        assert_eq!((counted.states, counted.steps), expected, "{targets} targets");
    }
}

/// Deeper than every test run has time for: `cargo test --release -p mesh-model deep -- --ignored --nocapture`.
#[test]
#[ignore = "a minute, optimised"]
#[expect(clippy::disallowed_macros, reason = "a person runs it to read the counts")]
fn all_interleavings_deep() {
    for (targets, depth) in [(4, 14), (3, 18), (2, 60)] {
        for (rules, of) in [
            (rules(OnFailure::Rollback, 1, false), "rollback, budget 1"),
            (rules(OnFailure::Pause, 0, true), "pause, budget 0, windows"),
        ] {
            let counted =
                enumerate(targets, &rules, 2, depth, Bug::None).unwrap_or_else(|found| panic!("{found}"));
            let whole = if counted.is_whole { ", all there are" } else { "" };
            eprintln!("{targets} targets, {of}: {} states, {} steps{whole}", counted.states, counted.steps);
        }
    }
}

#[test]
fn every_planted_bug_is_found() {
    let bugs = [
        (Bug::ApprovalsOutliveTheirRevision, "nobody approved of it"),
        (Bug::BudgetIsLarger, "an approval counted while nothing waited"),
        (Bug::FourEyesAreTwo, "by ann counted"),
        (Bug::JoinsReceiveTheProposed, "nobody approved of it"),
        (Bug::NoPause, "nobody approved of it"),
        (Bug::NoWindows, "no window is open"),
        (Bug::RestartForgetsTheUnverified, "could be given 1, and is not"),
        (Bug::RestartVerifiesTheUnverified, "an approval counted while nothing waited"),
        (Bug::RollbackForgotten, "was not returned"),
        (Bug::SlotsAreMore, "2 are unverified"),
        (Bug::SoakIsLess, "2 are unverified"),
        (Bug::StageOrderReversed, "nobody approved of it"),
        (Bug::StaleIsFresh, "an approval counted while nothing waited"),
    ];
    for (bug, violation) in bugs {
        let rules = rules(OnFailure::Rollback, 0, bug == Bug::NoWindows);
        let found = enumerate(4, &rules, 2, 9, bug).err().unwrap_or_else(|| panic!("{bug:?} was not found"));
        assert!(found.contains(violation), "{bug:?}: {found}");
    }
}
