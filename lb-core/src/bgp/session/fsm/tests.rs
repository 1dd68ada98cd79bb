//! The whole transition table: every state with every input, written out as the RFC has it.

use super::Action::{
    Abandon, Alive, Await, Confirm, Connect, End, Establish, Ignore, SendKeepalive, SendOpen,
};
use super::Ending::{Collision, Given, Lost, Silent, Unexpected};
use super::*;

/// Each input, and for each state in the order of [`State::ALL`] where it leads.
#[rustfmt::skip]
const TABLE: [(Input, [(State, Action); 6]); 15] = {
    use Input as In;
    const I: State = State::Idle;
    const C: State = State::Connect;
    const A: State = State::Active;
    const S: State = State::OpenSent;
    const O: State = State::OpenConfirm;
    const E: State = State::Established;
    [
        //                        Idle          Connect       Active        OpenSent              OpenConfirm           Established
        (In::Start,               [(C, Connect), (C, Ignore),  (A, Ignore),  (S, Ignore),          (O, Ignore),          (E, Ignore)]),
        (In::StartPassive,        [(A, Await),   (C, Ignore),  (A, Ignore),  (S, Ignore),          (O, Ignore),          (E, Ignore)]),
        (In::Stop,                [(I, Ignore),  (I, Abandon), (I, Abandon), (I, End(Given)),      (I, End(Given)),      (I, End(Given))]),
        (In::ConnectRetryExpired, [(I, Ignore),  (C, Connect), (C, Connect), (I, End(Unexpected)), (I, End(Unexpected)), (I, End(Unexpected))]),
        (In::HoldExpired,         [(I, Ignore),  (I, Abandon), (I, Abandon), (I, End(Silent)),     (I, End(Silent)),     (I, End(Silent))]),
        (In::KeepaliveExpired,    [(I, Ignore),  (I, Abandon), (I, Abandon), (I, End(Unexpected)), (O, SendKeepalive),   (E, SendKeepalive)]),
        (In::Connected,           [(I, Ignore),  (S, SendOpen), (S, SendOpen), (S, Ignore),        (O, Ignore),          (E, Ignore)]),
        (In::ConnectionLost,      [(I, Ignore),  (A, Await),   (A, Await),   (A, Await),           (I, End(Lost)),       (I, End(Lost))]),
        (In::Open,                [(I, Ignore),  (I, Abandon), (I, Abandon), (O, Confirm),         (I, End(Unexpected)), (I, End(Unexpected))]),
        (In::Refused,             [(I, Ignore),  (I, Abandon), (I, Abandon), (I, End(Given)),      (I, End(Given)),      (I, End(Given))]),
        (In::CollisionLost,       [(I, Ignore),  (I, Abandon), (I, Abandon), (I, End(Collision)),  (I, End(Collision)),  (I, End(Collision))]),
        (In::Notification,        [(I, Ignore),  (I, Abandon), (I, Abandon), (I, End(Given)),      (I, End(Given)),      (I, End(Given))]),
        (In::Keepalive,           [(I, Ignore),  (I, Abandon), (I, Abandon), (I, End(Unexpected)), (E, Establish),       (E, Alive)]),
        (In::Update,              [(I, Ignore),  (I, Abandon), (I, Abandon), (I, End(Unexpected)), (I, End(Unexpected)), (E, Alive)]),
        (In::Refresh,             [(I, Ignore),  (I, Abandon), (I, Abandon), (I, End(Unexpected)), (I, End(Unexpected)), (E, Alive)]),
    ]
};

#[test]
fn every_state_with_every_input() {
    for (input, row) in TABLE {
        for (state, expected) in State::ALL.into_iter().zip(row) {
            assert_eq!(state.next(input), expected, "{state} with {input:?}");
        }
    }
}

#[test]
fn the_table_has_every_input_once() {
    let mut inputs: std::vec::Vec<Input> = TABLE.iter().map(|(input, _)| *input).collect();
    inputs.sort();
    inputs.dedup();
    // `Refresh` is the last: an input that is added without a row makes this fail.
    assert_eq!(inputs.len(), Input::Refresh as usize + 1);
}

/// An end leads to Idle and nothing else does, but for giving up an attempt and for what never began.
#[test]
fn what_ends_a_connection_leads_to_idle() {
    for (_, row) in TABLE {
        for (state, (next, action)) in State::ALL.into_iter().zip(row) {
            let ends = matches!(action, End(_) | Abandon);
            assert_eq!(ends, next == State::Idle && state != State::Idle, "{state} {action:?}");
        }
    }
}
