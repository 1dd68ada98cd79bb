//! What happened on a node, for its log, its metrics and whoever watches.

use core::net::IpAddr;

use crate::announce::VipState;
use crate::config::ServiceAddress;
use crate::health::{Cause, HealthState, ServiceState};
use crate::identity::Endpoint;

/// A fact.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// A backend's health changed.
    BackendChanged {
        /// Of which service.
        service: ServiceAddress,
        /// The backend.
        backend: Endpoint,
        /// Its state before.
        from: HealthState,
        /// Its state now.
        to: HealthState,
        /// What made it so.
        cause: Cause,
    },
    /// A configuration was put to work.
    Configured {
        /// Its generation.
        generation: u64,
        /// How many services it has.
        services: usize,
    },
    /// The kernel did not hold what it held when it was last looked at: somebody else wrote.
    Drifted {
        /// How many writes put it right again.
        writes: usize,
    },
    /// The kernel holds everything that it is to hold.
    Programmed {
        /// How many writes it took.
        writes: usize,
    },
    /// The kernel could not be read; it is tried again.
    ReadFailed,
    /// A service's state changed.
    ServiceChanged {
        /// Which.
        service: ServiceAddress,
        /// Its state before.
        from: ServiceState,
        /// Its state now.
        to: ServiceState,
    },
    /// Whether a VIP is announced changed, or why it is not.
    VipChanged {
        /// The VIP.
        vip: IpAddr,
        /// Its state before.
        from: VipState,
        /// Its state now.
        to: VipState,
    },
    /// The kernel refused a write; it is read again and tried again.
    WriteFailed {
        /// How many writes before it were done.
        done: usize,
        /// How many were to be done.
        wanted: usize,
    },
}
