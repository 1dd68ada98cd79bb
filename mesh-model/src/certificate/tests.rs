//! Tests of certificates: every pair of state and input, lives, failures, clocks that jump, restarts.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::state::Input;
use super::*;
use crate::api::CaSpec;
use crate::provision::{Authority, Issuer};
use crate::time::Time;
use State::{Expired, Failed, Issued as Served, Ordering, Renewing, Wanted};

mod hosts;
mod properties;

pub(super) const DAY: u64 = 86_400;

pub(super) fn issuer(max_names: u16) -> Issuer {
    Issuer {
        name: "corp".parse().unwrap(),
        authority: Authority::Ca(CaSpec { secret: "root".parse().unwrap() }),
        lifetime: Duration::from_secs(90 * DAY),
        max_names,
    }
}

pub(super) fn hosts(names: &str) -> BTreeSet<Fqdn> {
    names.split_whitespace().map(|name| format!("{name}.example.com").parse().unwrap()).collect()
}

/// The world around the machine: an authority, a store, gateways; all of it at once done.
pub(super) struct World {
    pub(super) machine: Certificates,
    pub(super) now: Time,
    /// The wall's clock, as far as it is ahead of the machine's, in seconds.
    pub(super) wall: i64,
    /// Hosts that fail.
    pub(super) failing: BTreeSet<Fqdn>,
    /// How many of them the authority names at once.
    pub(super) told: usize,
    pub(super) is_down: bool,
    pub(super) secrets: BTreeMap<CertificateId, Issued>,
    pub(super) done: Vec<String>,
    serial: u32,
}

impl World {
    pub(super) fn new(max_names: u16) -> Self {
        Self::with(Certificates::new(&issuer(max_names), 7, Vec::new()))
    }

    fn with(machine: Certificates) -> Self {
        Self {
            machine,
            now: Time::ZERO,
            wall: 1_800_000_000,
            failing: BTreeSet::new(),
            told: 1,
            is_down: false,
            secrets: BTreeMap::new(),
            done: Vec::new(),
            serial: 0,
        }
    }

    pub(super) fn wall(&self) -> WallTime {
        WallTime::from_unix_seconds(self.wall) + (self.now - Time::ZERO)
    }

    pub(super) fn want(&mut self, names: &str) {
        self.machine.handle_desired(self.now, self.wall(), &hosts(names));
        self.settle();
    }

    pub(super) fn settle(&mut self) {
        while let Some(transmit) = self.machine.poll_transmit() {
            let (now, wall) = (self.now, self.wall());
            match transmit {
                Transmit::Order { id, hosts } => {
                    let names: Vec<&str> =
                        hosts.iter().map(|host| host.as_str().split('.').next().unwrap()).collect();
                    self.done.push(format!("order {} {}", id.0, names.join("+")));
                    let result = self.sign(hosts);
                    self.machine.handle_order_result(now, wall, id, result);
                }
                Transmit::Store { id, issued } => {
                    self.secrets.insert(id, issued.clone());
                    self.machine.handle_stored(now, wall, id, &issued.serial);
                }
                Transmit::Push { id, serial } => self.machine.handle_pushed(now, wall, id, &serial),
                Transmit::Revoke { id, serial } => self.done.push(format!("revoke {} {serial}", id.0)),
                Transmit::Delete { id } => {
                    self.secrets.remove(&id).expect("what is deleted is there");
                    self.done.push(format!("delete {}", id.0));
                }
            }
        }
    }

    fn sign(&mut self, hosts: BTreeSet<Fqdn>) -> Result<Issued, OrderFailure> {
        if self.is_down {
            return Err(OrderFailure::Authority { reason: "busy".into(), retry_after: None });
        }
        let failing = hosts.intersection(&self.failing).take(self.told);
        let failed: BTreeMap<Fqdn, String> =
            failing.map(|host| (host.clone(), "no such record".to_owned())).collect();
        if !failed.is_empty() {
            return Err(OrderFailure::Hosts { failed });
        }
        self.serial += 1;
        let not_before = self.wall();
        Ok(Issued {
            hosts,
            serial: self.serial.to_string(),
            not_before,
            not_after: not_before + Duration::from_secs(90 * DAY),
        })
    }

    /// Lets time pass, as the machine asks to be called.
    pub(super) fn pass(&mut self, duration: Duration) {
        let end = self.now + duration;
        while let Some(next) = self.machine.poll_timeout().filter(|next| *next <= end) {
            assert!(next > self.now, "it asks to be called at {next}, which is not ahead of {}", self.now);
            self.now = next;
            self.machine.handle_timeout(self.now, self.wall());
            self.settle();
        }
        self.now = end;
        self.machine.handle_timeout(self.now, self.wall());
        self.settle();
    }

    pub(super) fn done(&mut self) -> Vec<String> {
        std::mem::take(&mut self.done)
    }

    fn states(&self) -> Vec<State> {
        self.machine.states().map(|(_, state, ..)| state).collect()
    }

    pub(super) fn serves(&self, name: &str) -> Option<u32> {
        let host = hosts(name).pop_first().unwrap();
        self.machine.serving(self.wall(), &host).map(|(id, _)| id.0)
    }

    /// The same after a restart: only what is stored is known.
    pub(super) fn restart(&mut self, max_names: u16) {
        let stored = self.secrets.iter().map(|(id, issued)| (*id, issued.clone())).collect();
        self.machine = Certificates::new(&issuer(max_names), 7, stored);
    }
}

fn days(days: u64) -> Duration {
    Duration::from_secs(days * DAY)
}

#[test]
fn all_pairs() {
    const INPUTS: [Input; 5] = [Input::Due, Input::Failed, Input::Lapsed, Input::Revived, Input::Served];
    let table = [
        (Wanted, [Ordering, Wanted, Wanted, Wanted, Served]),
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
    let mut world = World::new(100);
    world.want("a b");
    assert_eq!(world.done(), ["order 0 a+b"]);
    let path: Vec<(State, State)> = std::iter::from_fn(|| world.machine.poll_event())
        .map(|event| match event {
            Event::State { from, to, .. } => (from, to),
            Event::OrderFailed { failure, .. } => panic!("{failure}"),
        })
        .collect();
    assert_eq!(path, [(Wanted, Ordering), (Ordering, Served)]);
    assert_eq!((world.serves("a"), world.serves("c")), (Some(0), None));
    // at two thirds of ninety days, or up to four and a half days earlier
    world.pass(days(55));
    assert_eq!(world.done(), [] as [&str; 0]);
    world.pass(days(5));
    assert_eq!(world.done(), ["order 0 a+b"], "once");
    assert_eq!(world.states(), [Served]);
}

#[test]
fn renewals_are_spread() {
    let renewed: BTreeSet<WallTime> = (0..100)
        .map(|seed| {
            let not_before = WallTime::from_unix_seconds(1_800_000_000);
            let issued = Issued {
                hosts: BTreeSet::new(),
                serial: String::new(),
                not_before,
                not_after: not_before + days(90),
            };
            group::renew_at(&issued, CertificateId(0), seed)
        })
        .collect();
    let (first, last) = (*renewed.first().unwrap(), *renewed.last().unwrap());
    let begin = WallTime::from_unix_seconds(1_800_000_000);
    assert!(first >= begin + days(55) && last <= begin + days(60), "{first} {last}");
    assert!(renewed.len() > 95 && last - first > days(3), "{first} {last}");
}

#[test]
fn what_is_added_is_served_before_what_was_there_goes() {
    let mut world = World::new(100);
    world.want("a");
    world.done();
    // step by step: nothing answers at once
    world.machine.handle_desired(world.now, world.wall(), &hosts("a b"));
    assert_eq!(world.states(), [Renewing]);
    let Some(Transmit::Order { id, hosts: asked }) = world.machine.poll_transmit() else {
        panic!("it is ordered")
    };
    assert_eq!((asked.clone(), world.serves("a"), world.serves("b")), (hosts("a b"), Some(0), None));
    let issued = world.sign(asked).unwrap();
    world.machine.handle_order_result(world.now, world.wall(), id, Ok(issued.clone()));
    assert_eq!(
        (world.serves("b"), world.machine.poll_transmit().is_some()),
        (None, true),
        "signed, not stored"
    );
    world.machine.handle_stored(world.now, world.wall(), id, "another");
    assert!(world.machine.poll_transmit().is_none(), "that is not the one");
    world.machine.handle_stored(world.now, world.wall(), id, &issued.serial);
    assert_eq!(world.machine.poll_transmit(), Some(Transmit::Push { id, serial: issued.serial.clone() }));
    assert_eq!(world.serves("b"), None, "stored, not served");
    world.machine.handle_pushed(world.now, world.wall(), id, &issued.serial);
    assert_eq!((world.serves("a"), world.serves("b")), (Some(0), Some(0)));
    assert_eq!(world.machine.poll_transmit(), None, "the old one named nobody that is unwanted");
}

#[test]
fn what_is_not_confirmed_is_asked_for_again() {
    let mut world = World::new(100);
    world.machine.handle_desired(world.now, world.wall(), &hosts("a"));
    let Some(Transmit::Order { id, hosts: asked }) = world.machine.poll_transmit() else {
        panic!("it is ordered")
    };
    let issued = world.sign(asked).unwrap();
    world.machine.handle_order_result(world.now, world.wall(), id, Ok(issued.clone()));
    for minute in 1..3 {
        assert_eq!(world.machine.poll_transmit(), Some(Transmit::Store { id, issued: issued.clone() }));
        assert_eq!(world.machine.poll_timeout(), Some(Time::from_secs(minute * 60)));
        world.machine.handle_timeout(Time::from_secs(minute * 60), world.wall());
    }
    // a gateway that does not answer: the successor is ordered in time nevertheless
    let _ = world.machine.poll_transmit();
    world.machine.handle_stored(Time::from_secs(200), world.wall(), id, &issued.serial);
    while world.machine.poll_transmit().is_some() {}
    world.machine.handle_timeout(Time::from_secs(61 * DAY), world.wall() + days(61));
    let asked: Vec<Transmit> = std::iter::from_fn(|| world.machine.poll_transmit()).collect();
    assert!(matches!(asked[..], [Transmit::Push { .. }, Transmit::Order { .. }]), "{asked:?}");
}

#[test]
fn a_failing_host_holds_nobody_else() {
    let mut world = World::new(100);
    world.failing = hosts("c");
    world.want("a b c d");
    assert_eq!(world.done(), ["order 0 a+b+c+d", "order 0 a+b+d"]);
    assert_eq!((world.serves("a"), world.serves("d"), world.serves("c")), (Some(0), Some(0), None));
    assert_eq!(world.states(), [Served, Failed]);
    // it is tried again, ever more rarely, alone
    let mut gaps = Vec::new();
    for _ in 0..12 {
        let before = world.now;
        while world.done.is_empty() {
            let next = world.machine.poll_timeout().unwrap();
            world.pass(next - world.now);
        }
        assert_eq!(world.done(), ["order 1 c"]);
        gaps.push((world.now - before).as_secs());
    }
    assert!(gaps.windows(2).all(|pair| pair[0] < pair[1] + 2_200), "{gaps:?}");
    assert!((60..=66).contains(&gaps[0]) && (120..=132).contains(&gaps[1]), "{gaps:?}");
    assert!(gaps.iter().all(|gap| *gap <= 6 * 3_600 + 2_160) && gaps[11] >= 6 * 3_600, "{gaps:?}");
    world.failing.clear();
    world.pass(days(1));
    assert_eq!((world.done(), world.serves("c")), (vec!["order 1 c".to_owned()], Some(1)));
}

#[test]
fn all_hosts_that_fail_in_one_order_are_let_alone_at_once() {
    let mut world = World::new(100);
    world.told = usize::MAX;
    world.failing = hosts("b c e");
    world.want("a b c d e");
    assert_eq!(world.done(), ["order 0 a+b+c+d+e", "order 0 a+d"], "not one order for each");
    assert_eq!(world.states(), [Served, Failed, Failed, Failed]);
    world.failing = hosts("c");
    world.pass(Duration::from_secs(70));
    assert_eq!(world.states(), [Served, Served, Failed, Served]);
    assert_eq!((world.serves("a"), world.serves("b"), world.serves("c")), (Some(0), Some(1), None));
    // all of them: each waits by itself
    let mut world = World::new(100);
    world.told = usize::MAX;
    world.failing = hosts("a b c");
    world.want("a b c");
    assert_eq!((world.states(), world.done()), (vec![Failed; 3], vec!["order 0 a+b+c".to_owned()]));
    let said: Vec<String> = world.machine.states().filter_map(|(.., why)| Some(why?.to_string())).collect();
    assert_eq!(said.len(), 3);
    world.failing = hosts("a");
    world.pass(Duration::from_secs(70));
    assert_eq!(world.states(), [Served, Failed, Served]);
    // one that was proved since has room for others
    world.done();
    world.want("a b c d");
    assert_eq!(world.done(), ["order 0 c+d"]);
    assert_eq!(
        said[1..2],
        [
            "a.example.com could not be proved to be ours: no such record; check where the names lead, they are tried again"
        ]
    );
}

#[test]
fn a_host_that_fails_at_renewal_keeps_the_last_certificate_that_names_it() {
    let mut world = World::new(100);
    world.want("a b c");
    world.done();
    world.failing = hosts("b");
    world.pass(days(60));
    let done = world.done();
    assert_eq!(done[..2], ["order 0 a+b+c", "order 2 a+c"], "{done:?}");
    assert_eq!((world.serves("a"), world.serves("b"), world.serves("c")), (Some(2), Some(0), Some(2)));
    world.pass(days(29));
    assert_eq!(world.serves("b"), Some(0), "to its last day");
    world.failing.clear();
    world.pass(days(1));
    assert_eq!(
        (world.serves("a"), world.serves("b"), world.states()),
        (Some(2), Some(1), vec![Served, Served])
    );
    let done = world.done();
    assert_eq!(done.last().unwrap(), "delete 0", "{done:?}");
    assert!(!done.iter().any(|line| line.starts_with("revoke")), "all its hosts are still wanted: {done:?}");
}

#[test]
fn an_authority_that_is_down_splits_nobody() {
    let mut world = World::new(100);
    world.is_down = true;
    world.want("a b c");
    world.pass(days(1));
    assert_eq!(world.states(), [Failed]);
    assert!(world.done().iter().all(|line| line == "order 0 a+b+c"));
    world.is_down = false;
    world.pass(days(1));
    assert_eq!((world.states(), world.serves("b")), (vec![Served], Some(0)));
    // it may say how long it wants to be left alone
    let mut world = World::new(100);
    world.machine.handle_desired(world.now, world.wall(), &hosts("a"));
    let _ = world.machine.poll_transmit();
    let busy = OrderFailure::Authority { reason: "rate limited".into(), retry_after: Some(days(2)) };
    world.machine.handle_order_result(world.now, world.wall(), CertificateId(0), Err(busy));
    assert_eq!(world.machine.poll_timeout(), Some(Time::ZERO + days(2)));
    // and may not sign something else
    world.machine.handle_timeout(Time::ZERO + days(2), world.wall());
    assert!(matches!(world.machine.poll_transmit(), Some(Transmit::Order { .. })));
    let other = world.sign(hosts("b")).unwrap();
    world.machine.handle_order_result(Time::ZERO + days(2), world.wall(), CertificateId(0), Ok(other));
    assert_eq!((world.states(), world.machine.poll_transmit()), (vec![Failed], None));
}

#[test]
fn what_nobody_wants_is_revoked_and_deleted_after_a_while() {
    let mut world = World::new(1);
    world.want("a b");
    world.done();
    world.want("b");
    world.pass(Duration::from_secs(3_599));
    world.want("a b");
    assert_eq!(world.done(), [] as [&str; 0], "a half-read list costs nothing");
    world.want("b");
    world.pass(Duration::from_secs(3_600));
    assert_eq!(world.done(), ["revoke 0 1", "delete 0"]);
    assert_eq!((world.serves("a"), world.serves("b")), (None, Some(1)));
    // one of several leaves at the next renewal, and then the old one is revoked
    let mut world = World::new(100);
    world.want("a b");
    world.want("b");
    world.pass(days(60));
    assert_eq!(world.done(), ["order 0 a+b", "order 0 b", "revoke 0 1"]);
}

#[test]
fn the_walls_clock_jumps() {
    let mut world = World::new(100);
    world.want("a");
    world.done();
    let wall = world.wall;
    world.wall += i64::try_from(400 * DAY).unwrap();
    world.is_down = true; // and nobody signs meanwhile
    world.pass(Duration::from_secs(3_600));
    assert_eq!((world.states(), world.serves("a")), (vec![Expired], None), "as far as anybody can tell");
    world.wall = wall;
    world.pass(Duration::from_secs(3_600));
    assert_eq!((world.states(), world.serves("a")), (vec![Served], Some(0)), "it never ended");
    world.is_down = false;
    world.done();
    world.wall -= i64::try_from(1_000 * DAY).unwrap();
    world.pass(days(2));
    assert_eq!(world.done(), [] as [&str; 0], "early is not due");
    // an authority whose clock differs from ours signs what is due at once: not more than now and then
    world.wall = wall + i64::try_from(400 * DAY).unwrap();
    let mut orders = 0;
    for _ in 0..24 {
        world.machine.handle_timeout(world.now, world.wall());
        while let Some(transmit) = world.machine.poll_transmit() {
            let (now, real) = (world.now, WallTime::from_unix_seconds(wall));
            match transmit {
                Transmit::Order { id, hosts } => {
                    orders += 1;
                    let issued = Issued {
                        hosts,
                        serial: format!("x{orders}"),
                        not_before: real,
                        not_after: real + days(90),
                    };
                    world.machine.handle_order_result(now, world.wall(), id, Ok(issued));
                }
                Transmit::Store { id, issued } => {
                    world.machine.handle_stored(now, world.wall(), id, &issued.serial)
                }
                Transmit::Push { id, serial } => world.machine.handle_pushed(now, world.wall(), id, &serial),
                other => panic!("{other:?}"),
            }
        }
        world.now = world.machine.poll_timeout().unwrap();
    }
    assert!(orders <= 12, "{orders}");
}

#[test]
fn a_restart_writes_nothing() {
    let mut world = World::new(2);
    world.want("a b c d e");
    assert_eq!(world.secrets.len(), 3);
    world.done();
    world.restart(2);
    world.want("a b c d e");
    assert_eq!((world.done(), world.secrets.len()), (vec![], 3));
    assert_eq!(
        ["a", "b", "c", "d", "e"].map(|name| world.serves(name)),
        [Some(0), Some(0), Some(1), Some(1), Some(2)]
    );
    world.restart(2);
    world.want("a b c d e 0");
    assert_eq!(world.done(), ["order 2 0+e"], "a newcomer, which comes first by name, displaces nobody");
    // with fewer names in one the groups are made anew, and nobody is without meanwhile
    world.restart(1);
    world.want("a b c d e 0");
    assert!(["a", "b", "c", "d", "e", "0"].iter().all(|name| world.serves(name).is_some()));
}

#[test]
fn a_thousand_hosts() {
    for (max_names, groups) in [(100, 10), (1, 1_000)] {
        let mut world = World::new(max_names);
        let names: Vec<String> = (0..1_000).map(|number| format!("h{number}")).collect();
        world.machine.handle_desired(world.now, world.wall(), &hosts(&names.join(" ")));
        let mut under_way = Vec::new();
        while let Some(transmit) = world.machine.poll_transmit() {
            under_way.push(transmit);
        }
        assert_eq!(under_way.len(), groups.min(16), "no more at once");
        assert!(under_way.iter().all(
            |order| matches!(order, Transmit::Order { hosts, .. } if hosts.len() == usize::from(max_names))
        ));
        world.machine.transmits.extend(under_way);
        world.settle();
        assert_eq!(world.secrets.len(), groups);
        assert!(names.iter().all(|name| world.serves(name).is_some()));
        if groups == 10 {
            world.done();
            world.pass(days(61));
            assert_eq!(world.done().len(), groups, "each renewed once");
        }
    }
}
