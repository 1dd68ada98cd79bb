//! Tests of certificates: every pair of state and input, lives, what is served before it is used, clocks that jump.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::state::Input;
use super::*;
use crate::time::Time;
use State::{Expired, Failed, Issued as Served, Ordering, Renewing, Wanted as Asked};
use world::{DAY, World, credential, days, host, hosts, wanted};

mod failures;
mod hosts;
mod operations;
mod properties;
mod servers;
mod usable;
mod world;

#[test]
fn all_pairs() {
    const INPUTS: [Input; 5] = [Input::Due, Input::Failed, Input::Lapsed, Input::Revived, Input::Served];
    let table = [
        (Asked, [Ordering, Failed, Asked, Asked, Served]),
        (Ordering, [Ordering, Failed, Ordering, Ordering, Served]),
        (Served, [Renewing, Served, Expired, Served, Served]),
        (Renewing, [Renewing, Served, Expired, Renewing, Served]),
        (Failed, [Ordering, Failed, Failed, Failed, Served]),
        (Expired, [Expired, Expired, Expired, Served, Served]),
    ];
    for (state, row) in table {
        for (input, expected) in INPUTS.into_iter().zip(row) {
            assert_eq!(state.next(input), expected, "{state:?} {input:?}");
        }
    }
}

#[test]
fn a_life() {
    let mut world = World::new();
    world.want("x: a b");
    assert_eq!(world.done(), ["order x a+b", "store x", "push x"]);
    let path: Vec<(State, State)> = std::iter::from_fn(|| world.machine.poll_event())
        .map(|event| match event {
            Event::State { from, to, .. } => (from, to),
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(path, [(Asked, Ordering), (Ordering, Served)]);
    assert_eq!((world.serves("x a"), world.serves("x c"), world.serves("y a")), (Some(1), None, None));
    // at two thirds of ninety days, or up to four and a half days earlier
    world.pass(days(55));
    assert_eq!(world.done(), [] as [&str; 0]);
    world.pass(days(5));
    assert_eq!(world.done(), ["order x a+b", "store x", "push x"], "once");
    assert_eq!((world.state("x"), world.serves("x a")), (Some(Served), Some(2)));
}

#[test]
fn renewals_are_spread_and_the_same_after_a_restart() {
    let begin = WallTime::from_unix_seconds(1_800_000_000);
    let renewed = |number: u64| {
        let issued = Issued {
            issuer: "corp".parse().unwrap(),
            hosts: BTreeSet::new(),
            serial: String::new(),
            not_before: begin,
            not_after: begin + days(90),
        };
        Certificate::new(retry::lot_of(7, &format!("shop/c{number}"))).renew_at(&issued)
    };
    let all: BTreeSet<WallTime> = (0..100).map(renewed).collect();
    let (first, last) = (*all.first().unwrap(), *all.last().unwrap());
    assert!(first >= begin + days(55) && last <= begin + days(60), "{first} {last}");
    assert!(all.len() > 95 && last - first > days(3), "{first} {last}");
    assert_eq!(renewed(3), renewed(3));
}

#[test]
fn what_is_added_is_served_before_what_was_there_goes() {
    let mut world = World::new();
    world.want("x: a");
    world.done();
    // step by step: nothing answers at once
    let (now, wall, x) = (world.now, world.wall(), credential("x"));
    world.machine.handle_desired(now, wall, &wanted("x: a b"));
    assert_eq!(world.state("x"), Some(Renewing));
    let Some(Transmit::Order { hosts: asked, .. }) = world.machine.poll_transmit() else {
        panic!("it is ordered")
    };
    assert_eq!((asked.clone(), world.serves("x a"), world.serves("x b")), (hosts("a b"), Some(1), None));
    let issued = world.sign("corp", asked).unwrap();
    world.machine.handle_order_result(now, wall, &x, Ok(issued.clone()));
    let store = world.machine.poll_transmit();
    assert_eq!(store, Some(Transmit::Store { credential: x.clone(), issued: issued.clone() }));
    assert_eq!(world.serves("x b"), None, "signed, not stored");
    world.machine.handle_stored(now, wall, &x, "another");
    assert!(world.machine.poll_transmit().is_none(), "that is not the one");
    world.machine.handle_stored(now, wall, &x, &issued.serial);
    let push = Transmit::Push { credential: x.clone(), serial: issued.serial.clone() };
    assert_eq!(world.machine.poll_transmit(), Some(push));
    assert_eq!((world.serves("x a"), world.serves("x b")), (Some(1), None), "stored, not served");
    world.machine.handle_pushed(now, wall, &x, &issued.serial);
    assert_eq!((world.serves("x a"), world.serves("x b")), (Some(2), Some(2)));
    assert_eq!(world.machine.poll_transmit(), None, "the old one named nobody that is unwanted");
}

#[test]
fn what_is_not_confirmed_is_asked_for_again() {
    let mut world = World::new();
    let x = credential("x");
    world.machine.handle_desired(world.now, world.wall(), &wanted("x: a"));
    let Some(Transmit::Order { hosts: asked, .. }) = world.machine.poll_transmit() else {
        panic!("it is ordered")
    };
    let issued = world.sign("corp", asked).unwrap();
    world.machine.handle_order_result(world.now, world.wall(), &x, Ok(issued.clone()));
    for minute in 1..3 {
        let store = Transmit::Store { credential: x.clone(), issued: issued.clone() };
        assert_eq!(world.machine.poll_transmit(), Some(store));
        assert_eq!(world.machine.poll_timeout(), Some(Time::from_secs(minute * 60)));
        world.machine.handle_timeout(Time::from_secs(minute * 60), world.wall());
    }
    // a gateway that does not answer: the successor is ordered in time nevertheless
    let _ = world.machine.poll_transmit();
    world.machine.handle_stored(Time::from_secs(200), world.wall(), &x, &issued.serial);
    while world.machine.poll_transmit().is_some() {}
    world.machine.handle_timeout(Time::from_secs(61 * DAY), world.wall() + days(61));
    let asked: Vec<Transmit> = std::iter::from_fn(|| world.machine.poll_transmit()).collect();
    assert!(matches!(asked[..], [Transmit::Push { .. }, Transmit::Order { .. }]), "{asked:?}");
}

#[test]
fn the_walls_clock_jumps() {
    let mut world = World::new();
    world.want("x: a");
    world.done();
    let wall = world.wall;
    world.wall += i64::try_from(400 * DAY).unwrap();
    world.is_down = true; // and nobody signs meanwhile
    world.pass(Duration::from_secs(3_600));
    assert_eq!((world.state("x"), world.serves("x a")), (Some(Expired), None), "as far as anybody can tell");
    world.wall = wall;
    world.pass(Duration::from_secs(3_600));
    assert_eq!((world.state("x"), world.serves("x a")), (Some(Served), Some(1)), "it never ended");
    world.is_down = false;
    world.done();
    world.wall -= i64::try_from(1_000 * DAY).unwrap();
    world.pass(days(2));
    assert_eq!(world.done(), [] as [&str; 0], "early is not due");
    // an authority whose clock differs from ours signs what is due at once: not more than now and then
    world.wall = wall + i64::try_from(400 * DAY).unwrap();
    world.signed_from = Some(WallTime::from_unix_seconds(wall));
    world.pass(days(1));
    let orders = world.done().iter().filter(|line| line.starts_with("order")).count();
    assert!((4..=12).contains(&orders), "{orders}");
}

#[test]
fn a_thousand_hosts() {
    for (hosts_each, credentials) in [(100, 10), (1, 1_000)] {
        let mut world = World::new();
        let names = |number: usize| {
            let all: Vec<String> = (0..hosts_each).map(|host| format!("h{number}-{host}")).collect();
            all.join(" ")
        };
        let text: Vec<String> =
            (0..credentials).map(|number| format!("x{number}: {}", names(number))).collect();
        world.machine.handle_desired(world.now, world.wall(), &wanted(&text.join(";")));
        let under_way: Vec<Transmit> = std::iter::from_fn(|| world.machine.poll_transmit()).collect();
        assert_eq!(under_way.len(), credentials.min(16), "no more at once");
        assert!(
            under_way
                .iter()
                .all(|order| matches!(order, Transmit::Order { hosts, .. } if hosts.len() == hosts_each))
        );
        world.machine.transmits.extend(under_way);
        world.settle();
        assert_eq!(world.secrets.len(), credentials);
        assert!((0..credentials).all(|number| world.serves(&format!("x{number} h{number}-0")).is_some()));
        if credentials == 10 {
            world.done();
            world.pass(days(61));
            let orders = world.done().iter().filter(|line| line.starts_with("order")).count();
            assert_eq!(orders, credentials, "each renewed once");
        }
    }
}

/// The wall's clock is looked at for all of them at once, however many there are.
#[test]
fn certificates_at_rest_are_not_looked_at() {
    let mut world = World::new();
    for number in 1..=50 {
        let text: Vec<String> = (0..number).map(|number| format!("x{number}: h{number}")).collect();
        world.want(&text.join(";"));
        world.pass(Duration::from_secs(61));
    }
    let (end, mut looks) = (world.now + days(1), 0);
    while let Some(next) = world.machine.poll_timeout().filter(|next| *next <= end) {
        world.now = next;
        world.machine.handle_timeout(next, world.wall());
        looks += 1;
    }
    assert_eq!(looks, 24);
}

/// A date that is far enough away is kept to the minute whatever a clock that is a little fast or slow does.
#[test]
fn a_clock_that_drifts_renews_once_and_in_time() {
    for drift in [-1, 1] {
        let mut world = World::new();
        world.want("x: a");
        world.done();
        for _ in 0..60 * 24 {
            world.pass(Duration::from_secs(3_600));
            world.wall += 2 * drift;
        }
        assert_eq!(world.done(), ["order x a", "store x", "push x"], "{drift}");
    }
}
