//! Every pair of state and input, and what follows.

use super::HealthState::{Disabled as X, Down, Recovering, Suspect, Unknown, Up};
use super::{HealthState, Input};
use crate::config::BackendState;

const RISE: u32 = 3;
const FALL: u32 = 3;

const S0: HealthState = Suspect { failures: 0 };
const S1: HealthState = Suspect { failures: 1 };
const S2: HealthState = Suspect { failures: 2 };
const R1: HealthState = Recovering { successes: 1 };
const R2: HealthState = Recovering { successes: 2 };

#[test]
fn every_pair_of_state_and_input() {
    use Input::{Disabled, Doubted, Enabled, Failed, Succeeded};
    let inputs = [Disabled, Enabled, Succeeded, Failed, Doubted];
    let table = [
        //         disabled enabled  succeeded failed doubted
        (X, [X, Unknown, X, X, X]),
        (Unknown, [X, Unknown, Up, Down, Unknown]),
        (Up, [X, Up, Up, S1, S0]),
        (S0, [X, S0, Up, S1, S0]),
        (S1, [X, S1, Up, S2, S1]),
        (S2, [X, S2, Up, Down, S2]),
        (Down, [X, Down, R1, Down, Down]),
        (R1, [X, R1, R2, Down, R1]),
        (R2, [X, R2, Up, Down, R2]),
    ];
    for (state, row) in table {
        for (input, expected) in inputs.into_iter().zip(row) {
            assert_eq!(state.after(input, RISE, FALL), expected, "{state:?} and {input:?}");
        }
    }
}

#[test]
fn one_result_suffices_where_rise_and_fall_are_one() {
    for state in [Up, S0] {
        assert_eq!(state.after(Input::Failed, 1, 1), Down, "{state:?}");
    }
    assert_eq!(Down.after(Input::Succeeded, 1, 1), Up);
}

#[test]
fn counts_beyond_a_threshold_that_was_lowered_are_enough() {
    assert_eq!(S2.after(Input::Failed, 1, 1), Down);
    assert_eq!(R2.after(Input::Succeeded, 1, 1), Up);
    assert_eq!(Suspect { failures: u32::MAX }.after(Input::Failed, 1, u32::MAX), Down);
}

#[test]
fn what_a_state_means_for_flows() {
    let table = [
        (X, BackendState::Drain, false),
        (Unknown, BackendState::Drain, false),
        (Up, BackendState::Active, true),
        (S0, BackendState::Active, true),
        (S2, BackendState::Active, true),
        (Down, BackendState::Down, false),
        (R1, BackendState::Down, false),
    ];
    for (state, traffic, in_service) in table {
        assert_eq!((state.traffic(), state.in_service()), (traffic, in_service), "{state:?}");
    }
}
