//! Every pair of state and input, and what follows.

use super::SessionState::{AdminDown, Down, Init, Up};
use super::{Input, SessionState};

const STATES: [SessionState; 4] = [AdminDown, Down, Init, Up];

#[test]
fn every_pair_of_state_and_input() {
    let inputs = [
        Input::Disabled,
        Input::Enabled,
        Input::Expired,
        Input::Heard(AdminDown),
        Input::Heard(Down),
        Input::Heard(Init),
        Input::Heard(Up),
    ];
    let table = [
        // state     disabled   enabled  expired    heard: AdminDown, Down, Init, Up
        (AdminDown, [AdminDown, Down, AdminDown, AdminDown, AdminDown, AdminDown, AdminDown]),
        (Down, [AdminDown, Down, Down, Down, Init, Up, Down]),
        (Init, [AdminDown, Init, Down, Down, Init, Up, Up]),
        (Up, [AdminDown, Up, Down, Down, Down, Up, Up]),
    ];
    for (state, row) in table {
        for (input, expected) in inputs.into_iter().zip(row) {
            assert_eq!(state.after(input), expected, "{state} and {input:?}");
        }
    }
}

#[test]
fn two_bits_hold_a_state() {
    for (bits, state) in (0_u8..).zip(STATES) {
        assert_eq!((state.bits(), SessionState::from_bits(bits)), (bits, state));
        assert_eq!(SessionState::from_bits(bits | 0xfc), state, "only two bits count");
    }
}

#[test]
fn two_ends_that_hear_each_other_come_up_from_wherever_they_are() {
    for left in [Down, Init, Up] {
        for right in [Down, Init, Up] {
            let mut ends = [left, right];
            for _ in 0..6 {
                ends[1] = ends[1].after(Input::Heard(ends[0]));
                ends[0] = ends[0].after(Input::Heard(ends[1]));
            }
            assert_eq!(ends, [Up, Up], "from {left} and {right}");
        }
    }
}
