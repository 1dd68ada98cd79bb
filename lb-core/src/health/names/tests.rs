//! A name's answers: every mix of what machines and operators say.

use super::{NameTarget, name_weights};

const UP: NameTarget = NameTarget { weight: 3, stands: true, disabled: false };
const DOWN: NameTarget = NameTarget { stands: false, ..UP };
const DISABLED: NameTarget = NameTarget { disabled: true, ..UP };
const LOST: NameTarget = NameTarget { disabled: true, ..DOWN };
const WEIGHTLESS: NameTarget = NameTarget { weight: 0, ..UP };

#[test]
fn what_stands_is_named_and_else_all_that_may_be() {
    let table: [(&[NameTarget], &[u32]); 8] = [
        (&[], &[]),
        (&[UP, UP], &[3, 3]),
        (&[UP, DOWN], &[3, 0]),
        (&[DOWN, DOWN], &[3, 3]),
        (&[DISABLED, DOWN], &[0, 3]),
        (&[WEIGHTLESS, DOWN], &[0, 3]),
        (&[DISABLED, LOST], &[0, 0]),
        (&[WEIGHTLESS, LOST], &[0, 0]),
    ];
    for (targets, expected) in table {
        assert_eq!(name_weights(targets), expected, "{targets:?}");
    }
}

#[test]
fn no_operator_is_overruled_and_no_answer_is_empty_without_need() {
    let kinds = [UP, DOWN, DISABLED, LOST, WEIGHTLESS];
    for one in kinds {
        for two in kinds {
            for three in kinds {
                let targets = [one, two, three];
                let weights = name_weights(&targets);
                for (target, weight) in targets.iter().zip(&weights) {
                    assert!(*weight == 0 || !target.disabled && *weight == target.weight, "{targets:?}");
                }
                let any = targets.iter().any(NameTarget::may_be_named);
                assert_eq!(weights.iter().any(|weight| *weight > 0), any, "{targets:?}");
                let up = targets.iter().any(|target| target.stands && target.may_be_named());
                let names_down =
                    targets.iter().zip(&weights).any(|(target, weight)| *weight > 0 && !target.stands);
                assert!(!(up && names_down), "{targets:?}");
            }
        }
    }
}
