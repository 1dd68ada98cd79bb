//! What the kernel holds and what it is to hold: whole tables as values.
//!
//! Destinations are listed in the order in which they were **added**, for that
//! order decides the schedulers' tables. The kernel lists the newest first:
//! [`ObservedService::from_dump`] turns a dump round.

use alloc::collections::BTreeMap;
use alloc::vec::Vec;

use super::destination::KernelDestination;
use super::service::{KernelService, ServiceKey};
use crate::table::TableKind;

/// Everything that the kernel holds, ours and others'.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Observed {
    /// The services by key.
    pub services: BTreeMap<ServiceKey, ObservedService>,
}

/// One service that the kernel holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ObservedService {
    /// Its settings.
    pub service: KernelService,
    /// Its destinations, the first one added first.
    pub destinations: Vec<ObservedDestination>,
}

impl ObservedService {
    /// A service from a dump of its destinations, which has the newest first.
    #[must_use]
    pub fn from_dump(
        service: KernelService,
        newest_first: impl DoubleEndedIterator<Item = ObservedDestination>,
    ) -> Self {
        Self { service, destinations: newest_first.rev().collect() }
    }
}

/// One destination that the kernel holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ObservedDestination {
    /// Its settings.
    pub destination: KernelDestination,
    /// Connections that it has: active, inactive and persistent ones.
    pub connections: u64,
}

/// Everything of ours that the kernel is to hold.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Desired {
    /// The services by key.
    pub services: BTreeMap<ServiceKey, DesiredService>,
}

/// One service that the kernel is to hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DesiredService {
    /// Its settings.
    pub service: KernelService,
    /// The table that its scheduler fills: the kind decides what of the order
    /// of destinations matters.
    pub table: TableKind,
    /// Its destinations in the order in which they are to have been added; of
    /// `mh` each has a [`Standing`](super::Standing), and weight 1 if it serves.
    pub destinations: Vec<KernelDestination>,
}
