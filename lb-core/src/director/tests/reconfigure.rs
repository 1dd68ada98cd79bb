//! Replacing the configuration: all or nothing, and flows stay.

use std::string::ToString;
use std::time::{Duration, Instant};
use std::vec::Vec;

use super::{Client, World, config};
use crate::Time;
use crate::config::{BackendState, SchedulerKind, ServiceAddress, ServiceConfig};
use crate::director::{Choice, Director, DirectorError, Verdict};
use crate::identity::Weight;
use crate::table::TableCache;

const OWN: &str = "profile: { kind: own }";

fn clients() -> Vec<Client> {
    (40_000..40_400).map(|port| Client { port }).collect()
}

#[test]
fn flows_stay_through_any_change_that_leaves_their_backend_in_service() {
    let mut world = World::new(OWN);
    let before: Vec<_> = clients().iter().map(|client| world.backend_of(&client.tcp("S", 0))).collect();
    // One more backend, then the order turned round.
    world.set_config(OWN, &["active", "active", "active", "active"]);
    let after: Vec<_> = clients().iter().map(|client| world.backend_of(&client.tcp("A", 0))).collect();
    assert_eq!(before, after);
    let mut turned = config(OWN, &["active", "active", "active"]);
    turned.services.reverse();
    turned.services.iter_mut().for_each(|service| service.backends.reverse());
    world.director.set_config(world.now, turned, &mut world.tables).unwrap();
    let after: Vec<_> = clients().iter().map(|client| world.backend_of(&client.tcp("A", 0))).collect();
    assert_eq!(before, after);
}

#[test]
fn flows_of_a_removed_backend_and_only_those_are_rechosen() {
    let mut world = World::new(OWN);
    let before: Vec<_> = clients().iter().map(|client| world.backend_of(&client.tcp("S", 0))).collect();
    world.set_config(OWN, &["active", "absent", "active"]);
    for (client, old) in clients().into_iter().zip(before) {
        let Verdict::Forward { choice, .. } = world.handle(&client.tcp("A", 0)) else { panic!() };
        let gone = old.address.to_string() == "10.1.0.2";
        assert_eq!(choice == Choice::Rechosen, gone, "{old}");
    }
    // The slot of the removed backend is used again only when no flow refers to it.
    world.set_config(OWN, &["active", "absent", "active", "active"]);
    let ids = world.director.services()[0].backends().to_vec();
    assert_eq!(ids.len(), 3);
    assert!(ids.iter().all(|id| world.director.backend(*id).unwrap().state() == BackendState::Active));
}

#[test]
fn a_backend_that_comes_back_gets_its_waiting_flows_back() {
    let mut world = World::new(OWN);
    let before: Vec<_> = clients().iter().map(|client| world.backend_of(&client.tcp("S", 0))).collect();
    world.set_config(OWN, &["active", "absent", "active"]);
    world.set_config(OWN, &["active", "active", "active"]);
    let after: Vec<_> = clients().iter().map(|client| world.backend_of(&client.tcp("A", 0))).collect();
    assert_eq!(before, after, "no packet came in between, so nothing was re-chosen");
}

#[test]
fn a_refused_change_changes_nothing() {
    let mut world = World::new(OWN);
    let service = world.director.services()[0].address();
    let backend = world.backend_of(&Client { port: 1 }.tcp("S", 0));
    let old = world.director.config().clone();

    let other_profile = config("profile: { kind: ipvs }", &["active"]);
    let refused = world.director.set_config(world.now, other_profile, &mut world.tables);
    assert_eq!(refused, Err(DirectorError::NeedsRestart));
    let other_fragments = config("fragments: { max: 1 }", &["active"]);
    let refused = world.director.set_config(world.now, other_fragments, &mut world.tables);
    assert_eq!(refused, Err(DirectorError::NeedsRestart));

    let nobody = crate::Endpoint::new([10, 1, 0, 99].into(), 443);
    let refused =
        world.director.set_backend(service, nobody, BackendState::Down, Weight(1), &mut world.tables);
    assert_eq!(refused, Err(DirectorError::UnknownBackend { service, endpoint: nobody }));

    assert_eq!(*world.director.config(), old);
    assert_eq!(world.backend_of(&Client { port: 1 }.tcp("A", 0)), backend);
}

#[test]
fn a_service_that_is_gone_leaves_nothing_to_its_successor() {
    let mut world = World::new(OWN);
    let flow = Client { port: 40_000 };
    world.backend_of(&flow.tcp("S", 0));
    let mut none = config(OWN, &["active"]);
    none.services.remove(0);
    world.director.set_config(world.now, none, &mut world.tables).unwrap();
    assert!(world.say(&flow.tcp("A", 0)).starts_with("pass no-service"));
    // The same address again is another service: the old entry does not count.
    world.set_config(OWN, &["active"]);
    assert!(world.say(&flow.tcp("A", 0)).starts_with("picked-up"));
}

/// A large node's configuration is replaced in a fraction of the limit, which
/// a search of all old services for each new one exceeds several times.
#[test]
fn many_services_are_replaced_in_no_time() {
    const LIMIT: Duration = Duration::from_secs(4);
    let mut large = config(OWN, &["active"]);
    let mut service = large.services.remove(0);
    service.scheduler = SchedulerKind::IpvsSh { port: false, fallback: false, table_size: 16 };
    large.services = (1..=40_000)
        .map(|port| ServiceConfig {
            address: ServiceAddress { port, ..service.address },
            backends: Vec::new(),
            ..service.clone()
        })
        .collect();
    let mut tables = TableCache::default();
    let mut director = Director::new(large.clone(), &mut tables).unwrap();
    let id = director.services()[39_999].id();
    large.services.iter_mut().for_each(|service| service.mtu = 1_400);
    let start = Instant::now();
    let diff = director.set_config(Time::ZERO, large, &mut tables).unwrap();
    assert!(start.elapsed() < LIMIT, "{:?}", start.elapsed());
    assert_eq!((diff.changed.len(), director.services()[39_999].id()), (40_000, id));
}
