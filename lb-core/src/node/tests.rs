//! Tests of the node: the order of what it does, its restarts, drains and ends, in a small simulated world.

mod properties;
mod world;

use std::string::ToString;
use std::vec::Vec;

use super::*;
use crate::announce::VipState;
use crate::health::ServiceState;
use crate::ipvs::{Command, Family, KernelService, ObservedService, ServiceFlags, ServiceKey};
use world::{Trouble, World, address, config};

const ONE: &str = "203.0.113.10 443 10.1.0.1 10.1.0.2";
const TWO: &str = "203.0.113.11 443 10.1.0.1 10.1.0.2";
const SECOND: Duration = Duration::from_secs(1);

fn vip(last: u8) -> IpAddr {
    IpAddr::from([203, 0, 113, last])
}

fn service(text: &str) -> ServiceAddress {
    text.parse().unwrap()
}

/// A world at rest with one service announced.
fn at_rest() -> World {
    let mut world = World::new(config(&[ONE]));
    world.pass(3 * SECOND);
    assert!(world.announced.contains(&vip(10)));
    world.written();
    world
}

#[test]
fn from_an_empty_kernel_to_an_announcement() {
    let mut world = World::new(config(&[ONE]));
    assert!(world.announced.is_empty(), "nothing is known of the backends");
    world.pass(3 * SECOND);
    let written = world.written();
    assert!(written[0].starts_with("add service 203.0.113.10:443/tcp"), "{written:?}");
    assert!(written.contains(&"add 203.0.113.10 to lo".to_string()));
    assert_eq!(world.announced, [vip(10)].into());
    assert!(world.node.is_programmed());
}

#[test]
fn a_restart_writes_nothing_that_is_right_already() {
    let mut world = at_rest();
    world.restart();
    assert!(world.announced.contains(&vip(10)), "what the kernel holds is evidence enough");
    world.pass(120 * SECOND);
    assert_eq!(world.written(), [""; 0]);
}

#[test]
fn a_restart_in_the_middle_of_a_slow_start_goes_on_from_there() {
    let text = "
ownedPrefixes: [203.0.113.0/24]
health: { interval: 1s, startWithin: 500ms, slowStart: { duration: 80s, steps: 8 } }
services:
  - vip: 203.0.113.10
    port: 443
    protocol: tcp
    scheduler: { kind: ipvs-mh, fallback: true }
    backends: [{ address: 10.1.0.1, weight: 10 }, { address: 10.1.0.2, weight: 10 }, { address: 10.1.0.3, weight: 5 }]
";
    let file: crate::config::LbFile = serde_saphyr::from_str(text).unwrap();
    let mut world = World::new(NodeConfig::try_from(file).unwrap());
    world.pass(120 * SECOND);
    let full = world.serving_of("10.1.0.3");
    assert_eq!(full * 2, world.serving_of("10.1.0.2"), "half its weight is all of it");
    world.alive.remove(&address("10.1.0.1"));
    world.pass(10 * SECOND);
    world.alive.insert(address("10.1.0.1"));
    world.pass(45 * SECOND);
    let middle = world.serving_of("10.1.0.1");
    assert!(1 < middle && middle < world.serving_of("10.1.0.2"), "{middle}");
    world.written();
    for _ in 0..2 {
        world.restart();
        assert_eq!(world.written(), [""; 0]);
        assert_eq!(world.serving_of("10.1.0.1"), middle);
        // less than a step
        world.pass(5 * SECOND);
    }
    world.pass(12 * SECOND);
    assert!(world.serving_of("10.1.0.1") > middle, "it goes on");
    world.pass(60 * SECOND);
    assert_eq!(world.serving_of("10.1.0.1"), world.serving_of("10.1.0.2"));
    world.written();
    world.restart();
    world.pass(120 * SECOND);
    assert_eq!(world.written(), [""; 0], "who has all of it begins nothing anew");
}

#[test]
fn a_restart_while_a_backend_is_down_leaves_it_out_and_the_others_in() {
    let mut world = at_rest();
    world.alive.remove(&address("10.1.0.1"));
    world.pass(5 * SECOND);
    assert_eq!(world.serving(service("203.0.113.10:443/tcp")), world.serving_of("10.1.0.2"));
    world.written();
    world.restart();
    world.pass(60 * SECOND);
    assert_eq!(world.written(), [""; 0]);
}

#[test]
fn all_backends_down_the_vip_goes_first_and_comes_back() {
    let mut world = at_rest();
    for backend in ["10.1.0.1", "10.1.0.2"] {
        world.alive.remove(&address(backend));
    }
    world.pass(4 * SECOND);
    assert!(world.announced.is_empty());
    assert!(world.serving(service("203.0.113.10:443/tcp")) > 0, "flows still on their way are served");
    world.pass(10 * SECOND);
    assert_eq!(world.serving(service("203.0.113.10:443/tcp")), 0);
    world.alive.insert(address("10.1.0.2"));
    world.pass(4 * SECOND);
    assert!(world.announced.contains(&vip(10)));
}

#[test]
fn a_service_is_removed_only_after_its_vip_was_silent() {
    let mut world = World::new(config(&[ONE, TWO]));
    world.pass(3 * SECOND);
    world.written();
    world.node.handle_config(world.now, config(&[TWO]));
    world.act();
    assert_eq!(world.announced, [vip(11)].into());
    world.pass(4 * SECOND);
    assert_eq!(world.written(), [""; 0], "the routers have five seconds");
    world.pass(2 * SECOND);
    assert_eq!(
        world.written(),
        ["remove 203.0.113.10 from lo", "delete service 203.0.113.10:443/tcp"],
        "the address first, or the host itself would answer with resets"
    );
    assert_eq!(world.announced, [vip(11)].into());
}

#[test]
fn a_new_service_on_a_vip_takes_nothing_away() {
    let mut world = at_rest();
    let events = world.events.len();
    world.node.handle_config(world.now, config(&[ONE, "203.0.113.10 80 10.1.0.3"]));
    world.act();
    world.pass(5 * SECOND);
    assert!(world.serving(service("203.0.113.10:80/tcp")) > 0);
    let withdrawn = |event: &&Event| matches!(event, Event::VipChanged { from: VipState::Announced, .. });
    assert_eq!(world.events[events..].iter().find(withdrawn), None);
}

#[test]
fn a_drained_backend_keeps_its_flows_and_a_drained_node_its_kernel() {
    let mut world = at_rest();
    let drain = Drain::Backend { address: address("10.1.0.1"), service: None };
    assert_eq!(world.node.handle_drain(world.now, drain, true), 1);
    world.act();
    let written = world.written();
    assert!(
        !written.is_empty() && written.iter().all(|write| write.starts_with("set 10.1.0.1:")),
        "{written:?}"
    );
    assert_eq!(world.node.drains().collect::<Vec<_>>(), [drain]);
    world.node.handle_drain(world.now, drain, false);
    world.act();
    world.pass(5 * SECOND);
    assert_eq!(world.node.drains().count(), 0);
    assert_eq!(world.serving_of("10.1.0.1"), world.serving_of("10.1.0.2"));

    world.written();
    world.node.handle_drain(world.now, Drain::Node, true);
    world.act();
    assert!(world.announced.is_empty());
    world.pass(60 * SECOND);
    assert_eq!(world.written(), [""; 0]);
    world.node.handle_drain(world.now, Drain::Node, false);
    world.act();
    assert!(world.announced.contains(&vip(10)));
}

#[test]
fn what_a_file_says_is_served_is_what_a_node_programs_when_all_is_well() {
    let config =
        config(&["203.0.113.10 443 10.1.0.1=100 10.1.0.2=50 10.1.0.3=drain", "203.0.113.11 80 10.1.0.4=1"]);
    let mut world = World::new(config.clone());
    world.pass(60 * SECOND);
    assert_eq!(config.served(), crate::ipvs::mirror(&config.lb, &world.node.desired()));
    assert!(config.served().services[0].backends.len() > 3);
}

/// Opens connections and checks that each keeps its destination while `change` happens.
fn connections_outlive(world: &mut World, change: impl FnOnce(&mut World)) {
    let key = ServiceKey::Address(service("203.0.113.10:443/tcp"));
    let clients = (0..500_u32).map(|number| (IpAddr::from((0x0a09_0000 + number).to_be_bytes()), 40_000));
    let clients: Vec<_> = clients
        .map(|client| (client, world.kernel.ipvs.handle_packet(&key, client).expect("is served")))
        .collect();
    change(world);
    for (client, endpoint) in clients {
        assert_eq!(world.kernel.ipvs.handle_packet(&key, client), Some(endpoint), "{client:?}");
    }
}

#[test]
fn a_weight_that_falls_back_ends_no_connection_and_units_go_when_theirs_have_ended() {
    let mut world = World::new(config(&["203.0.113.10 443 10.1.0.1=30 10.1.0.2=10 10.1.0.3=10"]));
    world.pass(3 * SECOND);
    assert_eq!(world.serving_of("10.1.0.1"), 3 * world.serving_of("10.1.0.2"));
    let equal = config(&["203.0.113.10 443 10.1.0.1=10 10.1.0.2=10 10.1.0.3=10"]);
    connections_outlive(&mut world, |world| {
        world.node.handle_config(world.now, equal);
        world.act();
        world.pass(120 * SECOND);
    });
    let key = ServiceKey::Address(service("203.0.113.10:443/tcp"));
    let held = |world: &World| world.kernel.snapshot().ipvs.services[&key].destinations.len();
    assert!(held(&world) > 24);
    world.kernel.ipvs.end_connections(&key);
    world.pass(61 * SECOND);
    assert_eq!(held(&world), 24);
}

#[test]
fn a_dead_path_takes_a_backend_out_until_it_is_forgotten() {
    let mut world = at_rest();
    let dead = Some(10 * SECOND);
    assert_eq!(world.node.handle_path(world.now, address("10.1.0.1"), None, dead), 1);
    world.act();
    assert_eq!(world.serving_of("10.1.0.1"), 0);
    world.pass(11 * SECOND);
    assert!(world.serving_of("10.1.0.1") > 0, "a checker that fell silent holds nothing back");
}

#[test]
fn drift_is_repaired_and_counted_and_what_is_foreign_is_let_be() {
    let mut world = at_rest();
    let foreign = ServiceKey::Address(service("192.0.2.1:53/udp"));
    let theirs = ObservedService {
        service: KernelService::new("wlc", ServiceFlags::NONE, Family::V4),
        destinations: Vec::new(),
    };
    let add = Command::AddService { key: foreign, service: theirs.service.clone().into() };
    world.kernel.ipvs.apply(&add).unwrap();
    world.kernel.addresses.insert(address("192.0.2.1"));
    let key = ServiceKey::Address(service("203.0.113.10:443/tcp"));
    world.kernel.ipvs.apply(&Command::DeleteService { key }).unwrap();
    world.kernel.addresses.remove(&vip(10));
    world.pass(31 * SECOND);
    assert!(world.serving(service("203.0.113.10:443/tcp")) > 0);
    assert_eq!(world.node.counters().drifts, 1);
    assert_eq!(world.node.foreign().collect::<Vec<_>>(), [foreign]);
    world.node.handle_shutdown(world.now, true);
    world.act();
    world.pass(10 * SECOND);
    assert!(world.stopped);
    assert_eq!(world.kernel.snapshot().ipvs.services, [(foreign, theirs)].into());
    assert_eq!(world.kernel.addresses, [address("192.0.2.1")].into());
}

#[test]
fn a_shutdown_withdraws_waits_and_leaves_the_kernel() {
    let mut world = at_rest();
    let before = world.kernel.snapshot();
    world.node.handle_shutdown(world.now, false);
    world.act();
    assert!(world.announced.is_empty() && !world.stopped);
    world.pass(4 * SECOND);
    assert!(!world.stopped, "the routers have five seconds");
    world.pass(2 * SECOND);
    assert!(world.stopped && world.kernel.snapshot() == before);
    assert_eq!(world.node.poll_timeout(), None);
}

#[test]
fn a_configuration_that_comes_while_the_kernel_is_cleaned_brings_nothing_back() {
    let mut world = at_rest();
    world.node.handle_shutdown(world.now, true);
    world.act();
    world.trouble = Trouble { unreadable: false, refuse_after: Some(0) };
    world.pass(6 * SECOND);
    assert!(matches!(world.node.life(), Life::Cleaning { .. }));
    world.trouble = Trouble::default();
    assert!(!world.node.handle_config(world.now, config(&[ONE, TWO])));
    world.act();
    world.pass(9 * SECOND);
    assert!(world.stopped);
    assert_eq!(world.kernel.addresses, BTreeSet::new());
    assert_eq!(world.kernel.snapshot().ipvs.services, BTreeMap::new());
}

#[test]
fn a_kernel_that_refuses_is_asked_again_and_nothing_is_announced_meanwhile() {
    let mut world = World::new(config(&[ONE]));
    world.trouble = Trouble { unreadable: false, refuse_after: Some(0) };
    world.pass(3 * SECOND);
    assert!(world.announced.is_empty());
    world.trouble = Trouble::default();
    world.pass(15 * SECOND);
    assert!(world.announced.contains(&vip(10)));
}

#[test]
fn checks_through_the_tunnel_wait_for_their_way_and_keep_it_over_a_restart() {
    let text = "
node: { address: 10.0.0.11 }
ownedPrefixes: [203.0.113.0/24]
health: { check: { kind: tcp, via: tunnel }, interval: 1s, startWithin: 0s }
services:
  - vip: 203.0.113.10
    port: 443
    protocol: tcp
    scheduler: { kind: ipvs-mh, fallback: true }
    backends: [{ address: 10.1.0.1 }, { address: 10.1.0.2 }]
";
    let file: crate::config::LbFile = serde_saphyr::from_str(text).unwrap();
    let mut world = World::new(NodeConfig::try_from(file).unwrap());
    world.pass(5 * SECOND);
    let marks: BTreeSet<Option<u32>> = [MARKS.start(), &(MARKS.start() + 1)].map(|mark| Some(*mark)).into();
    assert_eq!(world.marks, marks, "none was sent without its way");
    assert!(world.announced.contains(&vip(10)));
    assert_eq!(world.node.foreign().count(), 0);
    world.written();
    world.restart();
    world.pass(60 * SECOND);
    assert_eq!((world.written(), &world.marks), (Vec::new(), &marks));
    world.node.handle_shutdown(world.now, true);
    world.act();
    world.pass(10 * SECOND);
    assert!(world.stopped && world.kernel.snapshot().ipvs.services.is_empty());
}

#[test]
fn an_order_is_repaired_only_when_the_kernel_has_done_with_what_was_deleted() {
    let mut world = World::new(config(&["203.0.113.10 443 10.1.0.2 10.1.0.3 10.1.0.4"]));
    world.pass(5 * SECOND);
    world.written();
    world.node.handle_config(world.now, config(&["203.0.113.10 443 10.1.0.2 10.1.0.4"]));
    world.act();
    let deleted = world.written();
    assert!(deleted.iter().any(|write| write.starts_with("delete 10.1.0.3")), "{deleted:?}");
    // one that comes before the others, and takes its place at once
    world.node.handle_config(world.now, config(&["203.0.113.10 443 10.1.0.1=drain 10.1.0.2 10.1.0.4"]));
    world.act();
    world.pass(Duration::from_millis(900));
    let repaired = world.written();
    assert!(repaired.iter().any(|write| write.starts_with("delete 10.1.0.2")), "{repaired:?}");
    assert!(world.node.is_programmed());
}

#[test]
fn a_start_with_many_backends_puts_nothing_in_order_that_it_added_itself() {
    let backends: Vec<_> = (1..=9).map(|last| std::format!("10.1.0.{last}=1")).collect();
    let mut world = World::new(config(&[&std::format!("203.0.113.10 443 {}", backends.join(" "))]));
    world.pass(5 * SECOND);
    let written = world.written();
    let deleted: Vec<_> = written.iter().filter(|write| write.starts_with("delete")).collect();
    assert_eq!(deleted, Vec::<&std::string::String>::new());
    // a service, its scheduler, an address, and for each backend: add, park, serve
    assert!(written.len() <= 3 + 3 * backends.len(), "{written:#?}");
}

#[test]
fn a_new_vip_waits_for_a_word_of_all_its_services_but_not_for_ever() {
    // `any` would be content with the first that stands
    let any = |mut config: NodeConfig| {
        config.announce.policy = crate::announce::Policy::Any;
        config
    };
    let services = ["203.0.113.10 443 10.1.0.1", "203.0.113.10 80 10.1.0.2"];
    let mut world = World::new(any(config(&services)));
    while world.announced.is_empty() {
        world.pass(Duration::from_millis(10));
    }
    assert!(
        world.serving(service("203.0.113.10:443/tcp")) > 0
            && world.serving(service("203.0.113.10:80/tcp")) > 0
    );
    // one of which nothing can be known
    let mut silent = any(config(&services));
    silent.health[1] = crate::health::HealthConfig::try_from(crate::health::HealthFile {
        start_within: Some(Duration::from_secs(3_600).into()),
        ..crate::health::HealthFile::default()
    })
    .unwrap();
    let mut world = World::new(silent);
    world.pass(9 * SECOND);
    assert!(world.announced.is_empty());
    world.pass(2 * SECOND);
    assert!(world.announced.contains(&vip(10)));
}

#[test]
fn before_the_kernel_was_read_the_file_is_shown_and_drains_are_remembered() {
    let mut world = World::new(config(&[ONE]));
    let mut node = Node::new(Time::ZERO, config(&[ONE]), 7);
    let drain = Drain::Backend { address: address("10.1.0.1"), service: None };
    assert_eq!(node.handle_drain(Time::ZERO, drain, true), 1);
    let services = node.services(Time::ZERO);
    assert_eq!((services.len(), services[0].state), (1, ServiceState::Unknown));
    let drained: Vec<bool> = services[0].backends.iter().map(|backend| backend.drained).collect();
    assert_eq!((drained, node.vips().len()), (Vec::from([true, false]), 1));
    world.node = node;
    world.act();
    world.pass(5 * SECOND);
    assert_eq!(world.serving_of("10.1.0.1"), 0);
    assert!(world.serving_of("10.1.0.2") > 0);
}
