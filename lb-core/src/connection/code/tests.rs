//! The table must say what the machines say.

use super::*;

#[test]
fn codes_are_dense_and_name_their_states() {
    for (number, state) in STATES.iter().enumerate() {
        let code = Code(u8::try_from(number).unwrap());
        assert_eq!(code.state(), *state);
        assert_eq!(Code::of(code.machine(), *state), code, "{state:?}");
    }
}

#[test]
fn events_are_dense_and_name_their_segments() {
    for (number, (segment, proven)) in EVENTS.into_iter().enumerate() {
        assert_eq!(usize::from(Event::of(segment, proven).0), number, "{segment:?} {proven}");
    }
}

#[test]
fn the_table_agrees_with_the_machines() {
    for (number, state) in STATES.iter().enumerate() {
        let code = Code(u8::try_from(number).unwrap());
        for (segment, _) in EVENTS {
            for proven in [false, true] {
                let expected = next(code.machine(), *state, segment, proven);
                assert_eq!(code.next(Event::of(segment, proven)).state(), expected, "{state:?} {segment:?}");
            }
        }
    }
}
