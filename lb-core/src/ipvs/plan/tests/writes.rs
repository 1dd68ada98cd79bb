//! What is written for the changes of a node's life, write by write.

use std::string::String;
use std::vec::Vec;

use super::*;
use crate::config::{BackendConfig, BackendState, Forward, SchedulerKind, ServiceConfig};
use crate::flow::HashFields;
use crate::health::Offer;
use crate::identity::Weight;
use crate::ipvs::Grain;

const WITH: SchedulerKind = SchedulerKind::IpvsMh { port: true, fallback: true, table_size: 4_093 };
const WITHOUT: SchedulerKind = SchedulerKind::IpvsMh { port: true, fallback: false, table_size: 4_093 };

/// Backends 10.1.0.1, .2, ... : each `a`ctive, `d`raining, down `x` or not configured `-`.
fn wish(scheduler: SchedulerKind, states: &str) -> Desired {
    let state = |letter| match letter {
        'a' => BackendState::Active,
        'd' => BackendState::Drain,
        'x' => BackendState::Down,
        _ => panic!("{letter}"),
    };
    let numbered = (1_u8..).zip(states.chars()).filter(|(_, letter)| *letter != '-');
    let (backends, offers) = numbered
        .map(|(number, letter)| {
            let endpoint = Endpoint::new([10, 1, 0, number].into(), 443);
            let backend = BackendConfig { endpoint, weight: Weight(1), state: BackendState::Active };
            (backend, Offer { traffic: state(letter), weight: Weight(1) })
        })
        .unzip();
    all_of(&[(service(scheduler, backends), offers, Grain::Whole)])
}

fn service(scheduler: SchedulerKind, backends: Vec<BackendConfig>) -> ServiceConfig {
    ServiceConfig {
        address: "203.0.113.10:443/tcp".parse().unwrap(),
        hash_fields: HashFields::ALL,
        scheduler,
        forward: Forward::Ipip,
        spread: false,
        mtu: 1_500,
        backends,
    }
}

/// What is written between two states: `+1 2=0 -3`, weights of destinations by
/// the last number of their address, `expire` for the sysctl.
fn written(before: &Desired, after: &Desired) -> String {
    let mut kernel = Kernel::default();
    carry_out(&mut kernel, &plan(&Observed::default(), before, &ours(), Repair::Now).commands);
    let number = |endpoint: &Endpoint| match endpoint.address {
        core::net::IpAddr::V4(address) => address.octets()[3],
        core::net::IpAddr::V6(_) => 0,
    };
    let word = |command: &Command| match command {
        Command::AddDestination { destination, .. } => {
            std::format!("+{}={}", number(&destination.endpoint), destination.weight)
        }
        Command::SetDestination { destination, .. } => {
            std::format!("{}={}", number(&destination.endpoint), destination.weight)
        }
        Command::DeleteDestination { endpoint, .. } => std::format!("-{}", number(endpoint)),
        Command::SetExpireNodestConn { value } => std::format!("expire={}", u8::from(*value)),
        Command::AddService { .. } => "+service".into(),
        Command::SetService { .. } => "service".into(),
        Command::DeleteService { .. } => "-service".into(),
    };
    let commands = plan(&kernel.observed(), after, &ours(), Repair::Now).commands;
    commands.iter().map(word).collect::<Vec<_>>().join(" ")
}

#[test]
fn the_changes_of_a_nodes_life() {
    let nothing = Desired::default();
    for (what, before, after, expected) in [
        ("start", nothing.clone(), wish(WITH, "aad"), "+service +1=1 +2=1 +3=1 3=0 service"),
        ("restart", wish(WITH, "aad"), wish(WITH, "aad"), ""),
        ("the last one is new", wish(WITH, "aa"), wish(WITH, "aaa"), "+3=1"),
        ("one drains", wish(WITH, "aaa"), wish(WITH, "ada"), "2=0"),
        ("and comes back", wish(WITH, "ada"), wish(WITH, "aaa"), "2=1"),
        ("one is down", wish(WITH, "aaa"), wish(WITH, "axa"), "-2"),
        ("one was taken out", wish(WITH, "aaa"), wish(WITH, "a-a"), "-2"),
        (
            "and comes back into the middle",
            wish(WITH, "axaa"),
            wish(WITH, "aaaa"),
            "expire=0 +2=1 -3 +3=1 -4 +4=1 expire=1",
        ),
        (
            "before one that drains",
            wish(WITH, "axd"),
            wish(WITH, "aad"),
            "expire=0 +2=1 -3 +3=1 3=0 expire=1",
        ),
        (
            "and another dies: its flows end after the repair",
            wish(WITH, "axaa"),
            wish(WITH, "aaxa"),
            "expire=0 -3 +2=1 -4 +4=1 expire=1",
        ),
        ("all are others", wish(WITH, "aa--"), wish(WITH, "--aa"), "+3=1 +4=1 -1 -2"),
        ("half are others", wish(WITH, "aaa-"), wish(WITH, "-aaa"), "-1 +4=1"),
        (
            "one drains without the fallback",
            wish(WITHOUT, "aaa"),
            wish(WITHOUT, "ada"),
            "expire=0 -2 +2=0 expire=1",
        ),
        ("and comes back", wish(WITHOUT, "ada"), wish(WITHOUT, "aaa"), "2=1"),
        ("the fallback comes", wish(WITHOUT, "aad"), wish(WITH, "aad"), "service 3=1 3=0"),
        (
            "the fallback goes when nobody is parked",
            wish(WITH, "aad"),
            wish(WITHOUT, "aad"),
            "expire=0 -3 +3=0 expire=1 service",
        ),
        ("the service goes", wish(WITH, "aa"), nothing, "-service"),
    ] {
        assert_eq!(written(&before, &after), expected, "{what}");
    }
}

/// `mh` takes no more destinations than it has slots: the old ones have to go first.
#[test]
fn where_both_do_not_fit_the_old_go_first() {
    let many = |third: u8| {
        let backend = |number: u8| BackendConfig {
            endpoint: Endpoint::new([10, 1, third, number].into(), 443),
            weight: Weight(1),
            state: BackendState::Active,
        };
        let backends: Vec<_> = (1..=200).map(backend).collect();
        let offer = Offer { traffic: BackendState::Active, weight: Weight(1) };
        let offers = std::vec![offer; backends.len()];
        let scheduler = SchedulerKind::IpvsMh { port: true, fallback: true, table_size: MH_SLOTS };
        all_of(&[(service(scheduler, backends), offers, Grain::Whole)])
    };
    let mut kernel = Kernel::new(MH_SLOTS, SH_BUCKETS);
    carry_out(&mut kernel, &plan(&Observed::default(), &many(1), &ours(), Repair::Now).commands);
    let commands = plan(&kernel.observed(), &many(2), &ours(), Repair::Now).commands;
    carry_out(&mut kernel, &commands);
    assert!(matches!(commands[0], Command::DeleteDestination { .. }));
    assert_eq!(plan(&kernel.observed(), &many(2), &ours(), Repair::Now), Plan::default());
}

#[test]
fn commands_are_shown_in_words() {
    let commands = plan(&Observed::default(), &wish(WITH, "ad"), &ours(), Repair::Now).commands;
    let expected = [
        "add service 203.0.113.10:443/tcp, scheduler none",
        "add 10.1.0.1:443 to 203.0.113.10:443/tcp, weight 1",
        "add 10.1.0.2:443 to 203.0.113.10:443/tcp, weight 1",
        "set 10.1.0.2:443 of 203.0.113.10:443/tcp to weight 0",
        "set service 203.0.113.10:443/tcp, scheduler mh",
    ];
    assert_eq!(shown(&commands), expected);
}
