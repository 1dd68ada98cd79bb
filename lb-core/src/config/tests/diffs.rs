//! Differences between configurations.

use std::format;
use std::string::{String, ToString};
use std::vec::Vec;

use super::*;

/// A configuration of services given as `PORT: backends`.
fn config(services: &[(u16, &str)]) -> Config {
    let mut text = String::from("{ hashKey: 000102030405060708090a0b0c0d0e0f, services: [");
    for (port, backends) in services {
        text += &format!("{{ vip: 203.0.113.10, port: {port}, protocol: tcp, backends: [{backends}] }},");
    }
    read(&(text + "] }")).unwrap()
}

fn names<T: ToString>(items: &[T]) -> Vec<String> {
    items.iter().map(ToString::to_string).collect()
}

#[test]
fn equal_configurations_do_not_differ() {
    let one = config(&[(443, "{ address: 10.1.0.5 }")]);
    let mut other = one.clone();
    other.generation = 7;
    assert!(diff(&one, &other).is_empty());
}

#[test]
fn services_are_compared_by_address() {
    let old = config(&[(80, "{ address: 10.1.0.5 }"), (443, "{ address: 10.1.0.5 }"), (444, "")]);
    let new = config(&[(8080, ""), (443, "{ address: 10.1.0.6 }"), (444, "")]);
    let diff = diff(&old, &new);
    assert_eq!(names(&diff.added), ["203.0.113.10:8080/tcp"]);
    assert_eq!(names(&diff.removed), ["203.0.113.10:80/tcp"]);
    assert_eq!(diff.changed.len(), 1);
    assert_eq!(diff.changed[0].service.to_string(), "203.0.113.10:443/tcp");
}

#[test]
fn backends_are_compared_by_endpoint() {
    let old = config(&[(443, "{ address: 10.1.0.5 }, { address: 10.1.0.6 }, { address: 10.1.0.7 }")]);
    let new =
        config(&[(443, "{ address: 10.1.0.6, weight: 2 }, { address: 10.1.0.5 }, { address: 10.1.0.8 }")]);
    let diff = diff(&old, &new);
    let service = &diff.changed[0];
    assert_eq!(names(&service.added), ["10.1.0.8:443"]);
    assert_eq!(names(&service.removed), ["10.1.0.7:443"]);
    assert_eq!(service.changed.len(), 1);
    assert_eq!((service.changed[0].old.weight, service.changed[0].new.weight), (Weight(1), Weight(2)));
    assert!(service.reordered);
    assert!(!service.scheduler && !service.forward && !service.hash_fields);
}

#[test]
fn every_part_is_compared() {
    let old = config(&[(443, "{ address: 10.1.0.5 }")]);
    let changed = |change: fn(&mut Config)| {
        let mut new = old.clone();
        change(&mut new);
        diff(&old, &new)
    };
    assert!(changed(|config| config.node.v4 = Some(Ipv4Addr::LOCALHOST)).node);
    assert!(changed(|config| config.hash_key = HashKey::new([9; 16])).hash_key);
    assert!(changed(|config| config.connections.max = 5).connections);
    assert!(changed(|config| config.fragments.max = 5).fragments);
    assert!(changed(|config| config.fragments.timeout *= 2).fragments);
    assert!(changed(|config| config.profile = Profile::Ipvs(IpvsOptions::default())).profile);
    let service = |change: fn(&mut Config)| changed(change).changed.remove(0);
    assert!(service(|config| config.services[0].hash_fields = HashFields::SOURCE).hash_fields);
    assert!(service(|config| config.services[0].scheduler = SchedulerKind::Ring { points: 1 }).scheduler);
    assert!(service(|config| config.services[0].forward = Forward::Gre).forward);
    assert!(service(|config| config.services[0].spread = true).forward);
    assert!(service(|config| config.services[0].mtu = 1_400).forward);
    assert!(!service(|config| config.services[0].backends[0].state = BackendState::Down).changed.is_empty());
}
