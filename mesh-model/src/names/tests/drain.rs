//! The drain: every pair of state and input, the old time to live, the order of things.

use DrainState::{Gone, NamesGoing, Returning, Serving, VipGoing, Waiting};

use super::super::drain::{Input, next};
use super::*;
use crate::time::Time;

const STATES: [DrainState; 6] = [Serving, NamesGoing, Waiting, VipGoing, Gone, Returning];
const INPUTS: [Input; 7] = [
    Input::Drain,
    Input::NamesGone,
    Input::NamesThere,
    Input::Timeout,
    Input::Undrain,
    Input::VipGone,
    Input::VipThere,
];

#[test]
fn all_pairs() {
    // columns as in INPUTS
    let table = [
        (Serving, [NamesGoing, Serving, Serving, Serving, Serving, Serving, Serving]),
        (NamesGoing, [NamesGoing, Waiting, NamesGoing, NamesGoing, Returning, NamesGoing, NamesGoing]),
        (Waiting, [Waiting, Waiting, NamesGoing, VipGoing, Returning, Waiting, Waiting]),
        (VipGoing, [VipGoing, VipGoing, NamesGoing, VipGoing, Returning, Gone, VipGoing]),
        (Gone, [Gone, Gone, NamesGoing, Gone, Returning, Gone, VipGoing]),
        (Returning, [NamesGoing, Returning, Returning, Returning, Returning, Returning, Serving]),
    ];
    assert_eq!(table.map(|(state, _)| state), STATES);
    for (state, row) in table {
        for (input, expected) in INPUTS.into_iter().zip(row) {
            assert_eq!(next(state, input), expected, "{state:?} {input:?}");
        }
    }
}

fn transmits(drain: &mut Drain) -> Vec<DrainTransmit> {
    std::iter::from_fn(|| drain.poll_transmit()).collect()
}

fn seconds(seconds: u64) -> Time {
    Time::from_secs(seconds)
}

#[test]
fn the_old_time_to_live_is_waited_for() {
    let mut drain = Drain::new();
    drain.handle_published(seconds(0), Some(Duration::from_secs(3_600)));
    // lowered a minute before the drain: who asked under the old one remembers for an hour
    drain.handle_published(seconds(1_000), Some(Duration::from_secs(30)));
    drain.handle_drain(seconds(1_060), true);
    drain.handle_published(seconds(1_061), None);
    assert_eq!(drain.poll_timeout(), Some(seconds(4_600)));
    drain.handle_timeout(seconds(4_599));
    assert_eq!(drain.state(), Waiting, "too early");
    drain.handle_timeout(seconds(4_600));
    assert_eq!(drain.state(), VipGoing);
    // long ago, it is forgotten
    let mut drain = Drain::new();
    drain.handle_published(seconds(0), Some(Duration::from_secs(3_600)));
    drain.handle_published(seconds(10), Some(Duration::from_secs(30)));
    drain.handle_drain(seconds(9_000), true);
    drain.handle_published(seconds(9_001), None);
    assert_eq!(drain.poll_timeout(), Some(seconds(9_031)));
}

#[test]
fn the_address_goes_last_and_comes_first() {
    let mut drain = Drain::new();
    drain.handle_published(seconds(0), Some(Duration::from_secs(30)));
    drain.handle_drain(seconds(1), true);
    drain.handle_drain(seconds(1), true);
    assert_eq!(transmits(&mut drain), [DrainTransmit::WithdrawNames], "asked once");
    drain.handle_published(seconds(2), None);
    assert_eq!(transmits(&mut drain), []);
    drain.handle_timeout(seconds(32));
    assert_eq!(transmits(&mut drain), [DrainTransmit::WithdrawVip]);
    drain.handle_vip(seconds(33), false);
    assert_eq!((drain.state(), drain.poll_timeout()), (Gone, None));
    drain.handle_drain(seconds(40), false);
    assert_eq!(transmits(&mut drain), [DrainTransmit::AnnounceVip], "no name before the address is there");
    drain.handle_vip(seconds(41), true);
    assert_eq!(transmits(&mut drain), [DrainTransmit::PublishNames]);
    let path: Vec<DrainState> = std::iter::from_fn(|| drain.poll_event()).map(|event| event.to).collect();
    assert_eq!(path, [NamesGoing, Waiting, VipGoing, Gone, Returning, Serving]);
}

/// Nobody has said yet whether names lead there; after a restart nobody knows since when they do not.
#[test]
fn the_address_stays_while_names_may_lead_there() {
    let mut drain = Drain::new();
    drain.handle_drain(seconds(1), true);
    drain.handle_timeout(seconds(1_000));
    assert_eq!((drain.state(), transmits(&mut drain)), (NamesGoing, vec![DrainTransmit::WithdrawNames]));
    drain.handle_published(seconds(1_001), Some(Duration::from_secs(30)));
    drain.handle_published(seconds(1_002), None);
    assert_eq!((drain.state(), drain.poll_timeout()), (Waiting, Some(seconds(1_032))));

    let mut drain = Drain::restarted(seconds(500), Duration::from_secs(60));
    drain.handle_published(seconds(501), None);
    drain.handle_drain(seconds(502), true);
    assert_eq!((drain.state(), drain.poll_timeout()), (Waiting, Some(seconds(560))));
    drain.handle_timeout(seconds(560));
    assert_eq!(drain.state(), VipGoing);
}

#[test]
fn without_names_there_is_nothing_to_wait_for() {
    let mut drain = Drain::new();
    drain.handle_published(seconds(0), None);
    drain.handle_drain(seconds(1), true);
    assert_eq!(drain.state(), VipGoing);
    assert_eq!(transmits(&mut drain).last(), Some(&DrainTransmit::WithdrawVip));
    // a drain that is taken back while resolvers remember publishes again once the address is known to be there
    let mut drain = Drain::new();
    drain.handle_published(seconds(0), Some(Duration::from_secs(30)));
    drain.handle_drain(seconds(1), true);
    drain.handle_published(seconds(2), None);
    drain.handle_drain(seconds(3), false);
    assert_eq!((drain.state(), transmits(&mut drain).last()), (Returning, Some(&DrainTransmit::AnnounceVip)));
    drain.handle_vip(seconds(3), true);
    assert_eq!((drain.state(), transmits(&mut drain)), (Serving, vec![DrainTransmit::PublishNames]));
}

/// An edit, a second controller or a person may publish a name that was withdrawn.
#[test]
fn a_name_that_is_published_again_is_withdrawn_again_and_waited_for() {
    let ttl = Some(Duration::from_secs(30));
    let mut drain = Drain::new();
    drain.handle_published(seconds(0), ttl);
    drain.handle_drain(seconds(0), true);
    drain.handle_published(seconds(0), None);
    drain.handle_published(seconds(1), ttl);
    assert_eq!(transmits(&mut drain), [DrainTransmit::WithdrawNames, DrainTransmit::WithdrawNames]);
    drain.handle_timeout(seconds(30));
    assert_eq!((drain.state(), drain.poll_timeout()), (NamesGoing, None), "a name leads there");
    drain.handle_published(seconds(31), None);
    assert_eq!(drain.poll_timeout(), Some(seconds(61)));
    drain.handle_timeout(seconds(61));
    assert_eq!(transmits(&mut drain), [DrainTransmit::WithdrawVip]);
    // and where the address is gone it is nobody else's until the name is gone and forgotten
    drain.handle_vip(seconds(62), false);
    drain.handle_published(seconds(63), ttl);
    assert_eq!((drain.state(), transmits(&mut drain)), (NamesGoing, vec![DrainTransmit::WithdrawNames]));
    let mut back = drain.clone();
    drain.handle_published(seconds(64), None);
    assert_eq!((drain.state(), drain.poll_timeout()), (Waiting, Some(seconds(94))));
    // who takes the drain back is led to no address that is away
    back.handle_drain(seconds(64), false);
    assert_eq!(transmits(&mut back), [DrainTransmit::AnnounceVip]);
    // and who thinks better of that finds the name where it was
    back.handle_drain(seconds(65), true);
    assert_eq!((back.state(), transmits(&mut back)), (NamesGoing, vec![DrainTransmit::WithdrawNames]));
}
