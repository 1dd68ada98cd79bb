//! The simplest plan: what differs is written, in no particular order; `ipvs::plan` takes its place.

use crate::config::{BackendState, SchedulerKind};
use crate::ipvs::*;
use alloc::vec::Vec;
use core::net::IpAddr;

impl Observed {
    /// Does what a command did.
    pub fn apply(&mut self, command: &Command) {
        match command {
            Command::AddService { key, service } => {
                self.services
                    .insert(*key, ObservedService { service: (**service).clone(), destinations: Vec::new() });
            }
            Command::SetService { key, service } => {
                if let Some(found) = self.services.get_mut(key) {
                    found.service = (**service).clone();
                }
            }
            Command::DeleteService { key } => {
                self.services.remove(key);
            }
            Command::AddDestination { key, destination } => {
                if let Some(found) = self.services.get_mut(key) {
                    found
                        .destinations
                        .push(ObservedDestination { destination: *destination, connections: 0 });
                }
            }
            Command::SetDestination { key, destination } => {
                if let Some(found) = self.services.get_mut(key) {
                    for d in &mut found.destinations {
                        if d.destination.endpoint == destination.endpoint {
                            d.destination = *destination;
                        }
                    }
                }
            }
            Command::DeleteDestination { key, endpoint } => {
                if let Some(found) = self.services.get_mut(key) {
                    found.destinations.retain(|d| d.destination.endpoint != *endpoint);
                }
            }
            Command::SetExpireNodestConn { .. } => {}
        }
    }
}

pub(super) fn desired(wanted: &super::Wanted) -> DesiredService {
    let service = &wanted.config;
    let (name, port, fallback) = match service.scheduler {
        SchedulerKind::IpvsSh { port, fallback, .. } => ("sh", port, fallback),
        SchedulerKind::IpvsMh { port, fallback, .. } => ("mh", port, fallback),
        _ => ("mh", false, false),
    };
    let mut flags = ServiceFlags::NONE;
    if fallback {
        flags = flags.union(ServiceFlags::SCHEDULER_1);
    }
    if port {
        flags = flags.union(ServiceFlags::SCHEDULER_2);
    }
    let destinations = service
        .backends
        .iter()
        .zip(&wanted.offers)
        .filter_map(|(backend, offer)| {
            let standing = match (offer.traffic, offer.weight.0) {
                (BackendState::Down, _) => return None,
                (BackendState::Active, 0) => Standing::Idle,
                (BackendState::Active, _) => Standing::Serving,
                (BackendState::Drain, _) => Standing::Parked,
            };
            Some(KernelDestination::new(
                backend.endpoint,
                ForwardMethod::tunnel(service.forward, &backend.endpoint),
                standing,
            ))
        })
        .collect();
    DesiredService {
        service: KernelService::new(name, flags, Family::of(service.address.address)),
        destinations,
    }
}

pub(super) fn plan(observed: &Observed, desired: &Desired, owns: impl Fn(IpAddr) -> bool) -> Vec<Command> {
    let mut commands = Vec::new();
    for (key, found) in &observed.services {
        let ServiceKey::Address(address) = key else { continue };
        if owns(address.address) && !desired.services.contains_key(key) {
            let _ = found;
            commands.push(Command::DeleteService { key: *key });
        }
    }
    for (key, wanted) in &desired.services {
        let empty = Vec::new();
        let have = match observed.services.get(key) {
            None => {
                commands.push(Command::AddService { key: *key, service: wanted.service.clone().into() });
                &empty
            }
            Some(found) => {
                if found.service != wanted.service {
                    commands.push(Command::SetService { key: *key, service: wanted.service.clone().into() });
                }
                &found.destinations
            }
        };
        for d in have {
            if !wanted.destinations.iter().any(|w| w.endpoint == d.destination.endpoint) {
                commands.push(Command::DeleteDestination { key: *key, endpoint: d.destination.endpoint });
            }
        }
        for w in &wanted.destinations {
            match have.iter().find(|d| d.destination.endpoint == w.endpoint) {
                None => commands.push(Command::AddDestination { key: *key, destination: *w }),
                Some(d) if d.destination != *w => {
                    commands.push(Command::SetDestination { key: *key, destination: *w })
                }
                Some(_) => {}
            }
        }
    }
    commands
}
