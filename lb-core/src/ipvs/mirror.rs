//! The mirror: a configuration in which our models do what the kernel will.
//!
//! What `overspill pick` says of a file and what a node's kernel does agree if
//! the file lists the kernel's destinations: all units, in the order of adding,
//! each with its port. This writes that file. The scheduler in it is the model
//! of the kernel's, the profile a kernel's with the switches that we set.

use alloc::vec::Vec;

use super::destination::{KernelDestination, Standing};
use super::service::ServiceKey;
use super::state::{Desired, DesiredService};
use super::sysctls::OPTIONS;
use crate::config::{BackendConfig, BackendState, Config, LbFile, Profile, ServiceConfig};
use crate::identity::Weight;

/// The configuration in which the models do what a kernel does that holds `desired`.
///
/// Services of `config` that are not in `desired` are left out.
#[must_use]
pub fn mirror(config: &Config, desired: &Desired) -> Config {
    let service = |service: &ServiceConfig| {
        let kernel = desired.services.get(&ServiceKey::Address(service.address))?;
        Some(mirror_service(service, kernel))
    };
    let services: Vec<_> = config.services.iter().filter_map(service).collect();
    Config { profile: Profile::Ipvs(OPTIONS), services, ..config.clone() }
}

/// One service of a [`mirror`].
#[must_use]
pub fn mirror_service(service: &ServiceConfig, kernel: &DesiredService) -> ServiceConfig {
    let backends = kernel.destinations.iter().map(backend).collect();
    ServiceConfig { backends, ..service.clone() }
}

/// The file of [`mirror`].
#[must_use]
pub fn print_lb(config: &Config, desired: &Desired) -> LbFile {
    LbFile::from(&mirror(config, desired))
}

/// A destination as a backend: parked is draining, for that holds its slots.
fn backend(destination: &KernelDestination) -> BackendConfig {
    let (weight, state) = match destination.standing() {
        Some(Standing::Serving) => (destination.weight, BackendState::Active),
        Some(Standing::Idle) => (0, BackendState::Active),
        Some(Standing::Parked) | None => (1, BackendState::Drain),
    };
    let weight = Weight(u16::try_from(weight).unwrap_or(u16::MAX));
    BackendConfig { endpoint: destination.endpoint, weight, state }
}

#[cfg(test)]
mod tests;
