//! The kernel's destination list, as its schedulers see it.
//!
//! IPVS adds a destination at the **head** of its service's list, so the last
//! one added comes first, and both `mh` and `sh` read the list in that order:
//! their tables depend on history. [`DestinationList`] keeps that history the
//! way `net/netfilter/ipvs/ip_vs_ctl.c` (Linux 6.12) does: add, change weight,
//! delete, add again. What the tables make of it is [`ipvs_mh`](super::ipvs_mh)'s
//! and [`ipvs_sh`](super::ipvs_sh)'s.

use alloc::collections::BTreeMap;
use alloc::collections::btree_map::Entry;
use alloc::vec::Vec;
use core::net::IpAddr;

use super::{Member, TableKind};
use crate::identity::{Endpoint, Weight};

/// One destination of a kernel service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Destination {
    /// Its address and port.
    pub endpoint: Endpoint,
    /// Its weight now; at 0 it takes no new flow.
    pub weight: Weight,
    /// Its last weight above 0 since it was added, or 0: what `mh` fills its table by.
    pub last_weight: Weight,
}

/// A kernel service's destinations, head of the list first.
///
/// ```
/// use lb_core::table::ipvs::DestinationList;
/// use lb_core::{Endpoint, Weight};
///
/// let server = |last| Endpoint::new([10, 0, 0, last].into(), 80);
/// let mut list = DestinationList::default();
/// list.add(server(1), Weight(1));
/// list.add(server(2), Weight(1));
/// assert_eq!(list.iter().next().unwrap().endpoint, server(2), "the last one added");
/// list.remove(&server(1));
/// list.add(server(1), Weight(1));
/// assert_eq!(list.iter().next().unwrap().endpoint, server(1), "not where it was");
/// ```
#[derive(Clone, Debug, Default)]
pub struct DestinationList {
    /// By when they were added: the list from its tail to its head.
    by_age: BTreeMap<u64, Destination>,
    ages: BTreeMap<Endpoint, u64>,
}

impl DestinationList {
    /// Adds a destination at the head; one that is there already is left as it is.
    pub fn add(&mut self, endpoint: Endpoint, weight: Weight) {
        let age = self.by_age.last_key_value().map_or(0, |(latest, _)| latest + 1);
        if let Entry::Vacant(place) = self.ages.entry(endpoint) {
            place.insert(age);
            self.by_age.insert(age, Destination { endpoint, weight, last_weight: weight });
        }
    }

    /// Changes a destination's weight; its place in the list stays.
    pub fn set_weight(&mut self, endpoint: &Endpoint, weight: Weight) {
        let age = self.ages.get(endpoint);
        if let Some(destination) = age.and_then(|age| self.by_age.get_mut(age)) {
            destination.weight = weight;
            if weight.0 > 0 {
                destination.last_weight = weight;
            }
        }
    }

    /// Deletes a destination.
    pub fn remove(&mut self, endpoint: &Endpoint) {
        if let Some(age) = self.ages.remove(endpoint) {
            self.by_age.remove(&age);
        }
    }

    /// The destination of that endpoint.
    #[must_use]
    pub fn find(&self, endpoint: &Endpoint) -> Option<&Destination> {
        self.by_age.get(self.ages.get(endpoint)?)
    }

    /// The destinations, head of the list first.
    pub fn iter(&self) -> impl Iterator<Item = &Destination> {
        self.by_age.values().rev()
    }

    /// The members that a table of this kind is built of: `mh` fills by the last
    /// weight above 0, `sh` by the weight of the moment.
    #[must_use]
    pub fn members(&self, kind: TableKind) -> Vec<Member> {
        let weight = |destination: &Destination| match kind {
            TableKind::IpvsSh { .. } => destination.weight,
            TableKind::IpvsMh { .. }
            | TableKind::Maglev { .. }
            | TableKind::Rendezvous { .. }
            | TableKind::Ring { .. } => destination.last_weight,
        };
        self.iter().map(|destination| Member::new(destination.endpoint, weight(destination))).collect()
    }
}

/// An address as the kernel's schedulers fold it: IPv6 to the XOR of its four words.
pub(super) fn fold(address: IpAddr) -> u32 {
    match address {
        IpAddr::V4(address) => address.to_bits(),
        IpAddr::V6(address) => {
            let bits = address.to_bits();
            (bits >> 96) as u32 ^ (bits >> 64) as u32 ^ (bits >> 32) as u32 ^ bits as u32
        }
    }
}

/// Who takes a flow that hashes to `slot`: the member there, or where that one
/// takes none and the fallback is on, the first that does on the kernel's tour.
///
/// `slot(offset)` is where the flow falls with that offset added to its hash;
/// `takes` says which members take new flows. Also how many slots were looked at.
pub(super) fn choose(
    slots: &[u16],
    fallback: bool,
    slot: impl Fn(u32) -> u32,
    takes: impl Fn(u16) -> bool,
) -> (Option<u16>, u32) {
    let holder = |slot: u32| slots.get(slot as usize).copied().filter(|holder| *holder != super::NONE);
    let first = slot(0);
    match holder(first) {
        None => return (None, 1),
        Some(holder) if takes(holder) => return (Some(holder), 1),
        Some(_) if !fallback => return (None, 1),
        Some(_) => {}
    }
    let size = u32::try_from(slots.len()).expect("a table has at most MAX_SIZE slots");
    for offset in 0..size {
        // An empty slot ends the tour.
        let Some(holder) = holder(slot((offset + first) % size)) else { return (None, offset + 2) };
        if takes(holder) {
            return (Some(holder), offset + 2);
        }
    }
    (None, size + 1)
}

#[cfg(test)]
mod tests;
