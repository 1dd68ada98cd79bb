//! Every pair of state and input, and what follows.

use super::VipState::{Announced, Down, Drained, Draining, Suppressed, Unknown, Withdrawing};
use super::{Input, Verdict, VipState};

const STATES: [VipState; 7] = [Unknown, Announced, Down, Suppressed, Withdrawing, Draining, Drained];
const VERDICTS: [Verdict; 4] = [Verdict::Unknown, Verdict::Stands, Verdict::Falls, Verdict::Damped];

#[test]
fn every_pair_of_state_and_verdict() {
    let table = [
        // state       unknown      stands       falls        damped
        (Unknown, [Unknown, Announced, Down, Suppressed]),
        (Announced, [Announced, Announced, Down, Announced]),
        (Down, [Down, Announced, Down, Suppressed]),
        (Suppressed, [Suppressed, Announced, Down, Suppressed]),
        (Withdrawing, [Withdrawing; 4]),
        (Draining, [Draining; 4]),
        (Drained, [Drained; 4]),
    ];
    for (state, row) in table {
        for (verdict, expected) in VERDICTS.into_iter().zip(row) {
            assert_eq!(state.after(Input::Judged(verdict)), expected, "{state:?} and {verdict:?}");
        }
    }
}

#[test]
fn every_pair_of_state_and_other_input() {
    let inputs = [Input::Drain, Input::Acknowledged, Input::Elapsed];
    let table = [
        // state       drain        told         elapsed
        (Unknown, [Draining, Unknown, Unknown]),
        (Announced, [Withdrawing, Announced, Announced]),
        (Down, [Draining, Down, Down]),
        (Suppressed, [Draining, Suppressed, Suppressed]),
        (Withdrawing, [Withdrawing, Draining, Withdrawing]),
        (Draining, [Draining, Draining, Drained]),
        (Drained, [Drained, Drained, Drained]),
    ];
    for (state, row) in table {
        for (input, expected) in inputs.into_iter().zip(row) {
            assert_eq!(state.after(input), expected, "{state:?} and {input:?}");
        }
    }
}

#[test]
fn the_end_of_a_drain_is_a_fresh_start_and_else_a_verdict() {
    for state in STATES {
        for verdict in VERDICTS {
            let from = if state.is_draining() { Unknown } else { state };
            let expected = from.after(Input::Judged(verdict));
            assert_eq!(state.after(Input::Undrain(verdict)), expected, "{state:?} and {verdict:?}");
        }
    }
}

#[test]
fn nothing_leads_to_an_announcement_but_a_vip_that_stands() {
    let others = [Input::Drain, Input::Acknowledged, Input::Elapsed];
    let judged = VERDICTS.into_iter().flat_map(|verdict| [Input::Judged(verdict), Input::Undrain(verdict)]);
    for input in judged.chain(others) {
        for state in STATES.into_iter().filter(|state| *state != Announced) {
            let stands = matches!(input, Input::Judged(Verdict::Stands) | Input::Undrain(Verdict::Stands));
            assert!(stands || state.after(input) != Announced, "{state:?} and {input:?}");
        }
    }
}
