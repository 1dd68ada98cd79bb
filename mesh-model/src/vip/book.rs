//! The books: who is at which address, kept so that every question is quick.
//!
//! Holdings and rests are the records; all else is an index over them. Nothing
//! is decided here.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use super::circle::{Circle, Terms};
use super::runs::Runs;
use super::{ClaimKey, Held, Port, RecordProblem, Released, Unshared};
use crate::time::WallTime;

/// Holdings and rests.
#[derive(Clone, Debug, Default)]
pub(super) struct Book {
    /// Who holds what.
    pub(super) held: BTreeMap<ClaimKey, Held>,
    /// What rests.
    pub(super) released: BTreeMap<(ClaimKey, IpAddr), Released>,
    /// Who holds an address or lets it rest.
    pub(super) tenants: BTreeMap<IpAddr, BTreeSet<ClaimKey>>,
    /// The addresses that have tenants.
    pub(super) taken: Runs,
    /// What those of a circle hold.
    pub(super) circles: BTreeMap<Circle, Shared>,
    /// When rests end.
    pub(super) expiry: BTreeSet<(WallTime, ClaimKey, IpAddr)>,
}

/// The addresses of a circle.
#[derive(Clone, Debug, Default)]
pub(super) struct Shared {
    addresses: BTreeSet<IpAddr>,
    /// Where somebody of the circle serves a port.
    ports: BTreeMap<Port, BTreeSet<IpAddr>>,
}

impl Shared {
    /// The addresses where a newcomer may have room: those where the most taken of its ports is not taken.
    ///
    /// Where one of them is taken everywhere nobody has to look at any.
    pub(super) fn candidates(&self, ports: &BTreeSet<Port>) -> impl Iterator<Item = &IpAddr> {
        const NONE: &BTreeSet<IpAddr> = &BTreeSet::new();
        let taken = ports.iter().filter_map(|port| self.ports.get(port)).max_by_key(|taken| taken.len());
        let taken = taken.unwrap_or(NONE);
        let is_room = taken.len() < self.addresses.len();
        is_room.then(|| self.addresses.difference(taken)).into_iter().flatten()
    }

    fn enter(&mut self, address: IpAddr, ports: &BTreeSet<Port>) {
        self.addresses.insert(address);
        for port in ports {
            self.ports.entry(*port).or_default().insert(address);
        }
    }

    /// Takes a port of one who leaves, unless another is there with it.
    fn leave(&mut self, address: IpAddr, port: Port) {
        let Some(taken) = self.ports.get_mut(&port) else { return };
        taken.remove(&address);
        if taken.is_empty() {
            self.ports.remove(&port);
        }
    }
}

impl Book {
    /// Ends rests that are over.
    pub(super) fn forget(&mut self, now: WallTime) {
        while let Some((until, key, address)) = self.expiry.first().cloned()
            && until <= now
        {
            self.wake(&key, address);
        }
    }

    /// The first other who is at an address, or lets it rest, on terms that do not agree, and why they do not.
    pub(super) fn stranger(
        &self,
        address: IpAddr,
        key: &ClaimKey,
        terms: &Terms<'_>,
    ) -> Option<(&Held, Unshared)> {
        let tenants = self.tenants.get(&address)?.iter().filter(|other| *other != key);
        let records = tenants.flat_map(|other| {
            let held = self.held.get(other).filter(|held| held.addresses.contains(&address));
            let rest = self.released.get(&(other.clone(), address)).map(|rest| &rest.held);
            [held, rest].into_iter().flatten()
        });
        records.into_iter().find_map(|held| Some((held, Terms::of_holder(held).quarrel(terms)?)))
    }

    /// Until when an address rests for whom [`stranger`](Self::stranger) found there; `None` if it is held.
    pub(super) fn rest_of(&self, stranger: &Held, address: IpAddr) -> Option<WallTime> {
        let rest = self.released.get(&(stranger.owner.clone(), address));
        rest.filter(|rest| rest.held == *stranger).map(|rest| rest.until)
    }

    pub(super) fn conflicts(&self) -> Vec<RecordProblem> {
        let mut problems = Vec::new();
        for (address, keys) in &self.tenants {
            let holders = keys.iter().filter_map(|key| self.held.get(key));
            let holders: Vec<&Held> = holders.filter(|held| held.addresses.contains(address)).collect();
            for (position, first) in holders.iter().enumerate() {
                let terms = Terms::of_holder(first);
                let conflict = |second: &&Held| {
                    let why = terms.quarrel(&Terms::of_holder(second))?;
                    let (first, second) = (first.owner.clone(), second.owner.clone());
                    Some(RecordProblem::Conflict { address: *address, first, second, why })
                };
                problems.extend(holders[position + 1..].iter().filter_map(conflict));
            }
        }
        problems
    }

    /// Notes a holding.
    pub(super) fn enter(&mut self, held: Held) {
        for address in &held.addresses {
            self.tenants.entry(*address).or_default().insert(held.owner.clone());
            self.taken.insert(*address);
            if let Some(circle) = Terms::of_holder(&held).circle() {
                self.circles.entry(circle.clone()).or_default().enter(*address, &held.ports);
            }
        }
        self.held.insert(held.owner.clone(), held);
    }

    /// Notes the end of a holding.
    pub(super) fn withdraw(&mut self, key: &ClaimKey) {
        let Some(held) = self.held.remove(key) else { return };
        for address in &held.addresses {
            self.vacate(key, *address);
            let Some(circle) = Terms::of_holder(&held).circle().cloned() else { continue };
            let tenants = self.tenants.get(address).into_iter().flatten();
            let others = tenants.filter_map(|other| self.held.get(other)).filter(|other| {
                other.addresses.contains(address) && Terms::of_holder(other).circle() == Some(&circle)
            });
            // records may have let two in with one port
            let mut left = held.ports.clone();
            let mut is_left = true;
            for other in others {
                is_left = false;
                left.retain(|port| !other.ports.contains(port));
            }
            let Some(shared) = self.circles.get_mut(&circle) else { continue };
            left.into_iter().for_each(|port| shared.leave(*address, port));
            if is_left {
                shared.addresses.remove(address);
                if shared.addresses.is_empty() {
                    self.circles.remove(&circle);
                }
            }
        }
    }

    /// Notes a rest; one that is noted already grows, in ports and in time.
    pub(super) fn rest(&mut self, mut record: Released) -> Released {
        let addresses = std::mem::take(&mut record.held.addresses);
        for address in addresses {
            record.held.addresses = vec![address];
            let key = (record.held.owner.clone(), address);
            if let Some(known) = self.released.remove(&key) {
                self.expiry.remove(&(known.until, key.0.clone(), address));
                record.held.ports.extend(known.held.ports);
                record.until = record.until.max(known.until);
            }
            self.tenants.entry(address).or_default().insert(key.0.clone());
            self.taken.insert(address);
            self.expiry.insert((record.until, key.0.clone(), address));
            self.released.insert(key, record.clone());
        }
        record
    }

    /// Notes the end of a rest, if there is one.
    pub(super) fn wake(&mut self, key: &ClaimKey, address: IpAddr) {
        if let Some(rest) = self.released.remove(&(key.clone(), address)) {
            self.expiry.remove(&(rest.until, key.clone(), address));
            self.vacate(key, address);
        }
    }

    /// Takes a tenant from an address where it neither holds nor rests.
    fn vacate(&mut self, key: &ClaimKey, address: IpAddr) {
        let holds = self.held.get(key).is_some_and(|held| held.addresses.contains(&address));
        if holds || self.released.contains_key(&(key.clone(), address)) {
            return;
        }
        let Some(tenants) = self.tenants.get_mut(&address) else { return };
        tenants.remove(key);
        if tenants.is_empty() {
            self.tenants.remove(&address);
            self.taken.remove(address);
        }
    }

    pub(super) fn resting_ports(&self, key: &ClaimKey, address: IpAddr) -> &BTreeSet<Port> {
        const NONE: &BTreeSet<Port> = &BTreeSet::new();
        self.released.get(&(key.clone(), address)).map_or(NONE, |rest| &rest.held.ports)
    }
}
