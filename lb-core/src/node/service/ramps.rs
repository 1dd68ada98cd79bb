//! Where a slow start is after a restart: what the kernel serves says how far it was.
//!
//! A node keeps nothing but its kernel. A backend of which fewer units serve
//! than its weight would have is in the middle of its slow start, and goes on
//! at the last step that serves no more than that: what the kernel holds is then
//! what it is to hold, and nothing is written. The time that it had spent at
//! that step is lost, so it comes to its whole weight one step late at most.

use alloc::collections::BTreeMap;
use core::net::IpAddr;

use crate::config::{BackendState, ServiceConfig};
use crate::health::{Offer, SlowStart};
use crate::identity::Weight;
use crate::ipvs::{Grain, desired};

/// What the backends of a service have in the kernel at each step, as far as it was asked.
#[derive(Debug)]
pub(super) struct Ramps<'a> {
    service: &'a ServiceConfig,
    slow_start: SlowStart,
    /// By step: the weight of all destinations at an address.
    steps: BTreeMap<u32, BTreeMap<IpAddr, u64>>,
}

impl<'a> Ramps<'a> {
    pub(super) const fn new(service: &'a ServiceConfig, slow_start: SlowStart) -> Self {
        Self { service, slow_start, steps: BTreeMap::new() }
    }

    /// The last step at which the backends at an address have no more than that; the first if all have.
    pub(super) fn step(&mut self, backend: IpAddr, served: u64) -> u32 {
        // weights only grow, so it can be sought by halves
        let (mut reached, mut beyond) = (0, self.slow_start.steps() + 1);
        while beyond - reached > 1 {
            let middle = u32::midpoint(reached, beyond);
            if self.serving(middle, backend) <= served {
                reached = middle;
            } else {
                beyond = middle;
            }
        }
        reached
    }

    fn serving(&mut self, step: u32, backend: IpAddr) -> u64 {
        let (service, slow_start) = (self.service, self.slow_start);
        let serving = self.steps.entry(step).or_insert_with(|| {
            let weight = |full: Weight| slow_start.weight(step, full);
            let offers: alloc::vec::Vec<_> = service
                .backends
                .iter()
                .map(|backend| Offer { traffic: BackendState::Active, weight: weight(backend.weight) })
                .collect();
            let mut serving = BTreeMap::new();
            // a configuration that no kernel can hold was refused
            let destinations = desired(service, &offers, Grain::Fine)
                .map_or_else(|_| Default::default(), |(_, wanted)| wanted.destinations);
            for destination in destinations {
                *serving.entry(destination.endpoint.address).or_default() += u64::from(destination.weight);
            }
            serving
        });
        serving.get(&backend).copied().unwrap_or_default()
    }
}
