//! What is told when: policies, drains, damping, aggregates, maintenance, new configurations.

use alloc::vec;
use alloc::vec::Vec;
use core::time::Duration;

use super::super::{Aggregate, Damping, VipConfig};
use super::*;
use crate::bgp::Community;
use ServiceState::{Down, Panic, Unknown, Up};

mod properties;

fn vip(last: u8) -> IpAddr {
    IpAddr::from([203, 0, 113, last])
}

/// Service number `number` of VIP number `last`.
fn service(last: u8, number: u16) -> ServiceAddress {
    ServiceAddress::new(vip(last), number, crate::Protocol::TCP)
}

fn prefix(text: &str) -> IpNet {
    text.parse().unwrap()
}

fn with(config: AnnounceConfig, services: &[(u8, u16)]) -> Announcer {
    let mut announcer = Announcer::new(AnnounceConfig::default());
    announcer.configure(Time::ZERO, config, services.iter().map(|(last, number)| service(*last, *number)));
    announcer
}

fn told(announcer: &mut Announcer) -> Vec<Transmit> {
    core::iter::from_fn(|| announcer.poll_transmit()).collect()
}

fn announce(text: &str) -> Transmit {
    Transmit::Announce { prefix: prefix(text), route: Route::default() }
}

fn withdraw(text: &str) -> Transmit {
    Transmit::Withdraw { prefix: prefix(text) }
}

#[test]
fn when_a_vip_of_two_services_is_announced_for_the_first_time() {
    let states = [Unknown, Down, Panic, Up];
    // rows: the first service's state, columns: the second's
    let any = [[0, 0, 1, 1], [0, 0, 1, 1], [1, 1, 1, 1], [1, 1, 1, 1]];
    let all = [[0, 0, 0, 0], [0, 0, 0, 0], [0, 0, 1, 1], [0, 0, 1, 1]];
    for (policy, table) in [(Policy::Any, any), (Policy::All, all)] {
        for (first, row) in states.into_iter().zip(table) {
            for (second, expected) in states.into_iter().zip(row) {
                let config = AnnounceConfig { policy, ..AnnounceConfig::default() };
                let mut announcer = with(config, &[(1, 80), (1, 443)]);
                announcer.handle_service(Time::ZERO, service(1, 80), first);
                announcer.handle_service(Time::ZERO, service(1, 443), second);
                assert_eq!(told(&mut announcer).len(), expected, "{policy:?}: {first:?} and {second:?}");
            }
        }
    }
}

#[test]
fn when_an_announced_vip_of_two_services_is_withdrawn() {
    let states = [Unknown, Down, Panic, Up];
    let any = [[0, 0, 0, 0], [0, 1, 0, 0], [0; 4], [0; 4]];
    let all = [[0, 1, 0, 0], [1; 4], [0, 1, 0, 0], [0, 1, 0, 0]];
    for (policy, table) in [(Policy::Any, any), (Policy::All, all)] {
        for (first, row) in states.into_iter().zip(table) {
            for (second, expected) in states.into_iter().zip(row) {
                let config = AnnounceConfig { policy, ..AnnounceConfig::default() };
                let mut announcer = with(config, &[(1, 80), (1, 443)]);
                for number in [80, 443] {
                    announcer.handle_service(Time::ZERO, service(1, number), Up);
                }
                assert_eq!(told(&mut announcer), [announce("203.0.113.1/32")]);
                announcer.handle_service(Time::ZERO, service(1, 80), first);
                announcer.handle_service(Time::ZERO, service(1, 443), second);
                assert_eq!(told(&mut announcer).len(), expected, "{policy:?}: {first:?} and {second:?}");
            }
        }
    }
}

#[test]
fn the_vips_own_policy_comes_before_that_of_all() {
    let own = VipConfig { policy: Some(Policy::All), ..VipConfig::default() };
    let config = AnnounceConfig { vips: [(vip(1), own)].into(), ..AnnounceConfig::default() };
    let mut announcer = with(config, &[(1, 80), (1, 443), (2, 80), (2, 443)]);
    for last in [1, 2] {
        announcer.handle_service(Time::ZERO, service(last, 80), Up);
        announcer.handle_service(Time::ZERO, service(last, 443), Down);
    }
    assert_eq!(told(&mut announcer), [announce("203.0.113.2/32")]);
}

#[test]
fn a_drain_withdraws_first_and_is_over_a_delay_after_the_peers_were_told() {
    let mut announcer = with(AnnounceConfig::default(), &[(1, 80), (2, 80)]);
    for last in [1, 2] {
        announcer.handle_service(Time::ZERO, service(last, 80), Up);
    }
    told(&mut announcer);
    announcer.handle_vip_drain(Time::ZERO, vip(1), true);
    assert_eq!(told(&mut announcer), [withdraw("203.0.113.1/32")]);
    assert_eq!(announcer.state(vip(1)), Some(VipState::Withdrawing));
    announcer.handle_timeout(Time::from_secs(60));
    assert_eq!(announcer.state(vip(1)), Some(VipState::Withdrawing), "nobody said that it was told");

    announcer.handle_withdrawn(Time::from_secs(60), prefix("203.0.113.1/32"));
    assert_eq!(announcer.poll_timeout(), Some(Time::from_secs(65)));
    announcer.handle_service(Time::from_secs(61), service(1, 80), Down);
    announcer.handle_service(Time::from_secs(62), service(1, 80), Up);
    announcer.handle_timeout(Time::from_secs(65));
    assert_eq!(announcer.state(vip(1)), Some(VipState::Drained));
    assert_eq!(told(&mut announcer), [], "whatever its services do meanwhile");

    announcer.handle_vip_drain(Time::from_secs(70), vip(1), false);
    assert_eq!(told(&mut announcer), [announce("203.0.113.1/32")], "a drain is no fall");
}

#[test]
fn the_node_is_drained_when_all_its_vips_are_and_says_so_once() {
    let mut announcer = with(AnnounceConfig::default(), &[(1, 80), (2, 80), (3, 80)]);
    announcer.handle_service(Time::ZERO, service(1, 80), Up);
    announcer.handle_service(Time::ZERO, service(2, 80), Down);
    told(&mut announcer);
    announcer.handle_node_drain(Time::ZERO, true);
    assert_eq!(told(&mut announcer), [withdraw("203.0.113.1/32")]);
    announcer.handle_timeout(Time::from_secs(5));
    let events =
        |announcer: &mut Announcer| core::iter::from_fn(|| announcer.poll_event()).collect::<Vec<_>>();
    assert!(!events(&mut announcer).contains(&Event::NodeDrained), "the first is not withdrawn yet");
    announcer.handle_withdrawn(Time::from_secs(5), prefix("203.0.113.1/32"));
    announcer.handle_timeout(Time::from_secs(10));
    assert_eq!(events(&mut announcer).last(), Some(&Event::NodeDrained));
    assert_eq!(events(&mut announcer), []);
    // A VIP that comes during the drain is not announced either.
    announcer.configure(Time::from_secs(11), AnnounceConfig::default(), [service(4, 80)]);
    announcer.handle_service(Time::from_secs(11), service(4, 80), Up);
    assert_eq!((told(&mut announcer), announcer.is_drained()), (vec![], false));
    announcer.handle_timeout(Time::from_secs(16));
    assert_eq!(events(&mut announcer).last(), Some(&Event::NodeDrained));
    announcer.handle_node_drain(Time::from_secs(20), false);
    assert_eq!(told(&mut announcer), [announce("203.0.113.4/32")]);
}

#[test]
fn both_hands_must_let_go() {
    let mut announcer = with(AnnounceConfig::default(), &[(1, 80)]);
    announcer.handle_service(Time::ZERO, service(1, 80), Up);
    told(&mut announcer);
    announcer.handle_vip_drain(Time::ZERO, vip(1), true);
    announcer.handle_node_drain(Time::ZERO, true);
    announcer.handle_node_drain(Time::ZERO, false);
    assert_eq!(announcer.state(vip(1)), Some(VipState::Withdrawing));
    announcer.handle_vip_drain(Time::ZERO, vip(1), false);
    assert_eq!(told(&mut announcer), [], "and nobody noticed");
    assert_eq!(announcer.state(vip(1)), Some(VipState::Announced));
}

#[test]
fn a_third_fall_in_a_row_keeps_a_vip_back_and_only_that_one() {
    let mut announcer = with(AnnounceConfig::default(), &[(1, 80), (2, 80)]);
    let mut now = Time::ZERO;
    for fall in 0..3 {
        announcer.handle_service(now, service(1, 80), Up);
        assert_eq!(told(&mut announcer), [announce("203.0.113.1/32")], "before fall {fall}");
        announcer.handle_service(now, service(1, 80), Down);
        assert_eq!(told(&mut announcer), [withdraw("203.0.113.1/32")], "never delayed");
        now += Duration::from_secs(5);
    }
    announcer.handle_service(now, service(1, 80), Up);
    announcer.handle_service(now, service(2, 80), Up);
    assert_eq!(told(&mut announcer), [announce("203.0.113.2/32")]);
    assert_eq!(announcer.state(vip(1)), Some(VipState::Suppressed));
    let until = announcer.suppressed_until(vip(1)).unwrap();
    assert_eq!(announcer.poll_timeout(), Some(until));
    assert!((100..125).contains(&(until - now).as_secs()), "{until}");
    assert!(announcer.penalty(now, vip(1)) > 2_000);
    announcer.handle_timeout(until);
    assert_eq!(told(&mut announcer), [announce("203.0.113.1/32")]);
    assert!(announcer.penalty(until, vip(1)) <= 750);
}

#[test]
fn without_damping_every_change_is_told() {
    let mut announcer = with(AnnounceConfig { damping: None, ..AnnounceConfig::default() }, &[(1, 80)]);
    for _ in 0..20 {
        announcer.handle_service(Time::ZERO, service(1, 80), Up);
        announcer.handle_service(Time::ZERO, service(1, 80), Down);
        announcer.handle_service(Time::ZERO, service(1, 80), Up);
        assert_eq!(told(&mut announcer).len(), 1);
        announcer.handle_service(Time::ZERO, service(1, 80), Down);
        assert_eq!(told(&mut announcer).len(), 1);
    }
}

#[test]
fn aggregates_stand_while_one_of_theirs_does() {
    let aggregates = vec![
        Aggregate { prefix: prefix("203.0.113.0/29"), only: true },
        Aggregate { prefix: prefix("203.0.113.0/24"), only: false },
        Aggregate { prefix: prefix("198.51.100.0/24"), only: false },
    ];
    let config = AnnounceConfig { aggregates, ..AnnounceConfig::default() };
    let mut announcer = with(config, &[(1, 80), (2, 80), (9, 80)]);
    announcer.handle_service(Time::ZERO, service(1, 80), Up);
    assert_eq!(told(&mut announcer), [announce("203.0.113.0/24"), announce("203.0.113.0/29")]);
    announcer.handle_service(Time::ZERO, service(2, 80), Up);
    assert_eq!(told(&mut announcer), []);
    announcer.handle_service(Time::ZERO, service(9, 80), Up);
    assert_eq!(told(&mut announcer), [announce("203.0.113.9/32")], "outside the shorter one");
    announcer.handle_service(Time::ZERO, service(1, 80), Down);
    assert_eq!(told(&mut announcer), []);
    announcer.handle_service(Time::ZERO, service(2, 80), Down);
    assert_eq!(told(&mut announcer), [withdraw("203.0.113.0/29")]);
    // A VIP that an aggregate hides has no withdrawal to wait for.
    announcer.handle_service(Time::ZERO, service(1, 80), Up);
    told(&mut announcer);
    announcer.handle_vip_drain(Time::ZERO, vip(1), true);
    assert_eq!(announcer.state(vip(1)), Some(VipState::Draining));
}

#[test]
fn routes_say_what_the_file_says_and_maintenance_on_top() {
    let common = Route { communities: vec![Community::new(64_512, 1)], ..Route::default() };
    let own = Route { med: Some(7), ..Route::default() };
    let vips = [
        (vip(1), VipConfig { route: Some(own.clone()), ..VipConfig::default() }),
        (vip(3), VipConfig { silent: true, ..VipConfig::default() }),
    ];
    let config = AnnounceConfig { route: common.clone(), vips: vips.into(), ..AnnounceConfig::default() };
    let mut announcer = with(config, &[(1, 80), (2, 80), (3, 80)]);
    for last in [1, 2, 3] {
        announcer.handle_service(Time::ZERO, service(last, 80), Up);
    }
    let expected = |graceful_shutdown| {
        [("203.0.113.1/32", &own), ("203.0.113.2/32", &common)].map(|(text, route)| Transmit::Announce {
            prefix: prefix(text),
            route: Route { graceful_shutdown, ..route.clone() },
        })
    };
    assert_eq!(told(&mut announcer), expected(false));
    announcer.handle_maintenance(true);
    assert_eq!(told(&mut announcer), expected(true));
    announcer.handle_maintenance(true);
    assert_eq!(told(&mut announcer), [], "nothing is said twice");
    announcer.handle_maintenance(false);
    assert_eq!(told(&mut announcer), expected(false));
}

#[test]
fn a_new_configuration_tells_only_what_differs() {
    let mut announcer = with(AnnounceConfig::default(), &[(1, 80), (2, 80), (3, 80)]);
    for last in [1, 2, 3] {
        announcer.handle_service(Time::ZERO, service(last, 80), Up);
    }
    told(&mut announcer);
    let services = [service(1, 80), service(2, 80), service(2, 443), service(4, 80)];
    announcer.configure(Time::ZERO, AnnounceConfig::default(), services);
    assert_eq!(told(&mut announcer), [withdraw("203.0.113.3/32")], "a new service takes nothing away");
    let all = AnnounceConfig { policy: Policy::All, ..AnnounceConfig::default() };
    announcer.configure(Time::ZERO, all, services);
    assert_eq!(told(&mut announcer), [], "nothing is withdrawn for what is not known yet");
    let aggregates = vec![Aggregate { prefix: prefix("203.0.113.0/24"), only: true }];
    announcer.configure(Time::ZERO, AnnounceConfig { aggregates, ..AnnounceConfig::default() }, services);
    let expected = [announce("203.0.113.0/24"), withdraw("203.0.113.1/32"), withdraw("203.0.113.2/32")];
    assert_eq!(told(&mut announcer), expected);
    announcer.configure(Time::ZERO, AnnounceConfig::default(), []);
    assert_eq!(told(&mut announcer), [withdraw("203.0.113.0/24")]);
    assert_eq!(announcer.iter().count(), 0);
}
