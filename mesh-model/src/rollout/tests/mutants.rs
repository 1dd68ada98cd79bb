//! The model check run: how many states there are, and planted bugs, all of which are found.

use super::model::{Bug, Start, enumerate, rules};
use super::*;

#[test]
fn all_interleavings_keep_the_invariants() {
    // start, targets, policy, revisions, depth; how many different states, and steps between them
    let cases = [
        (Start::Nothing, 4, rules(OnFailure::Rollback, 0, false), 2, 8, (3518, 24106)),
        (Start::Nothing, 3, rules(OnFailure::Rollback, 1, false), 2, 9, (8893, 71591)),
        (Start::Nothing, 2, rules(OnFailure::Pause, 0, true), 2, 12, (8124, 94623)),
        (Start::Complete, 4, rules(OnFailure::Rollback, 1, false), 2, 6, (3748, 42665)),
        (Start::Complete, 3, rules(OnFailure::Rollback, 0, true), 3, 6, (2416, 25095)),
        (Start::Complete, 2, rules(OnFailure::Pause, 0, false), 3, 9, (2357, 25752)),
    ];
    let found = cases.clone().map(|(start, targets, rules, revisions, depth, _)| {
        let counted = enumerate(start, targets, &rules, revisions, depth, Bug::None);
        let counted = counted.unwrap_or_else(|found| panic!("{found}"));
        (counted.states, counted.steps)
    });
    assert_eq!(found, cases.map(|(.., expected)| expected));
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
            for start in [Start::Nothing, Start::Complete] {
                let counted = enumerate(start, targets, &rules, 2, depth, Bug::None);
                let counted = counted.unwrap_or_else(|found| panic!("{found}"));
                let whole = if counted.is_whole { ", all there are" } else { "" };
                eprintln!(
                    "{targets} targets from {start:?}, {of}: {} states, {} steps{whole}",
                    counted.states, counted.steps
                );
            }
        }
    }
}

#[test]
fn every_planted_bug_is_found() {
    let bugs = [
        (Bug::ApprovalsOutliveTheirRevision, "nobody approved of it"),
        (Bug::BudgetIsLarger, "an approval counted while nothing waited"),
        (Bug::CrashLosesWhatWasDecided, "a crash would lose"),
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
        (Bug::StaleFailureIsFresh, "could be given 1, and is not"),
        (Bug::StaleIsFresh, "an approval counted while nothing waited"),
        (Bug::UnreadinessIsUntold, "but a verified target is not ready"),
    ];
    let alone =
        enumerate(Start::Nothing, 1, &rules(OnFailure::Rollback, 0, false), 1, 9, Bug::UnreadinessIsUntold);
    let found = alone.err().unwrap_or_default();
    assert!(found.contains("1 is called complete, and a verified target is not ready"), "{found}");
    for (bug, violation) in bugs {
        let rules = rules(OnFailure::Rollback, 0, bug == Bug::NoWindows);
        let found = enumerate(Start::Nothing, 4, &rules, 2, 9, bug)
            .err()
            .unwrap_or_else(|| panic!("{bug:?} was not found"));
        assert!(found.contains(violation), "{bug:?}: {found}");
    }
}
