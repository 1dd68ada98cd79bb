//! What the kernel holds and what it is to hold: whole tables as values.
//!
//! Destinations are listed in the order in which they were **added**, for that
//! order decides the schedulers' tables. The kernel lists the newest first:
//! [`ObservedService::from_dump`] turns a dump round.

use alloc::collections::BTreeMap;
use alloc::vec::Vec;

use super::destination::{KernelDestination, Standing};
use super::service::{KernelService, ServiceKey};
use crate::hash::HashKey;
use crate::identity::Weight;
use crate::table::ipvs::DestinationList;
use crate::table::{Table, TableKind};

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

    /// The table that the kernel has, as the model of `kind` fills it: its digest
    /// is the same on two nodes only if their kernels choose alike.
    ///
    /// `None` if no dump can tell: somebody left a destination of `mh` at weight
    /// 0, or there are more destinations than slots.
    #[must_use]
    pub fn table(&self, kind: TableKind) -> Option<Table> {
        let mut list = DestinationList::default();
        for ObservedDestination { destination, .. } in &self.destinations {
            let weight = match (kind, destination.standing()) {
                (TableKind::IpvsMh { .. }, Some(Standing::Parked)) => 1,
                (TableKind::IpvsMh { .. }, None) => return None,
                _ => destination.weight,
            };
            list.add(destination.endpoint, Weight(u16::try_from(weight).unwrap_or(u16::MAX)));
        }
        Table::build(kind, &HashKey::new([0; 16]), &list.members(kind)).ok()
    }
}

/// One destination that the kernel holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ObservedDestination {
    /// Its settings.
    pub destination: KernelDestination,
    /// Connections that it has: active, inactive and persistent ones. `None` if
    /// nobody counted since it was added, for it may have been added to those it
    /// had before; it is not deleted for want of them then.
    pub connections: Option<u64>,
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
    /// `mh` each has a [`Standing`], and weight 1 if it serves.
    pub destinations: Vec<KernelDestination>,
}
