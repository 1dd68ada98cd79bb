//! What one peer has heard, and what it has yet to hear (the Adj-RIB-Out of RFC 4271 section 3.2).
//!
//! A change only marks its prefix. Marks of one kind lie side by side, so that
//! a message takes a run of them from the front: withdrawals first, then the
//! routes that say the same. What changes back before it was told is not told.

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::sync::Arc;
use alloc::vec::Vec;

use ipnet::IpNet;

use super::routes::Route;
use crate::bgp::identity::{Families, Family};

/// The routes of one peer while its session is up.
#[derive(Clone, Debug, Default)]
pub(super) struct RibOut {
    /// What it has heard and not heard withdrawn; `None` where that is to be told again whatever it was.
    told: BTreeMap<IpNet, Option<Arc<Route>>>,
    pending: BTreeMap<IpNet, Change>,
    /// The same by change.
    queue: BTreeSet<(Change, IpNet)>,
    /// How many of them are of IPv4.
    queued_v4: usize,
    /// Families whose End-of-RIB is not sent.
    end_of_rib: Families,
    /// Families that the peer wants to hear again, once it has heard what is on its way.
    refresh: Families,
}

/// What is to be told of a prefix; withdrawals come first.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Change {
    Withdraw,
    Announce(Arc<Route>),
}

/// What to tell next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// A run of prefixes of one family with the same change.
    Routes(Family, Change),
    /// That a family is told.
    EndOfRib(Family),
}

impl RibOut {
    /// A peer that has heard nothing; each of these families ends with an End-of-RIB.
    pub(super) fn new(families: Families) -> Self {
        Self { end_of_rib: families, ..Self::default() }
    }

    /// The prefix shall have this route, or none.
    pub(super) fn want(&mut self, prefix: IpNet, route: Option<&Arc<Route>>) {
        let told = self.told.get(&prefix);
        let change = match (told, route) {
            (Some(Some(told)), Some(route)) if told == route => None,
            (_, Some(route)) => Some(Change::Announce(Arc::clone(route))),
            (Some(_), None) => Some(Change::Withdraw),
            (None, None) => None,
        };
        self.mark(prefix, change);
    }

    /// All routes of a family shall be told again.
    pub(super) fn forget(&mut self, family: Family) {
        let told = self.told.iter_mut().filter(|(prefix, _)| Family::of(prefix) == family);
        told.for_each(|(_, route)| *route = None);
    }

    /// The peer wants to hear a family again. That is only noted: however often a peer asks, it costs no
    /// more than what it reads.
    pub(super) const fn refresh(&mut self, family: Family) {
        self.refresh.insert(family);
    }

    /// Begins to tell the families again that the peer asked for, if it has heard all else of them.
    pub(super) fn begin_refresh(&mut self) {
        let refresh = self.refresh;
        for family in refresh.iter().filter(|family| self.queued(*family) == 0).collect::<Vec<_>>() {
            self.refresh = self.refresh.without(family);
            let told = self.told.iter_mut().filter(|(prefix, _)| Family::of(prefix) == family);
            let again: Vec<_> = told.filter_map(|(prefix, route)| Some((*prefix, route.take()?))).collect();
            for (prefix, route) in again {
                self.mark(prefix, Some(Change::Announce(route)));
            }
        }
    }

    fn mark(&mut self, prefix: IpNet, change: Option<Change>) {
        let is_v4 = Family::of(&prefix) == Family::Ipv4;
        let before = match &change {
            Some(change) => self.pending.insert(prefix, change.clone()),
            None => self.pending.remove(&prefix),
        };
        if let Some(before) = before {
            self.queue.remove(&(before, prefix));
            self.queued_v4 -= usize::from(is_v4);
        }
        if let Some(change) = change {
            self.queue.insert((change, prefix));
            self.queued_v4 += usize::from(is_v4);
        }
    }

    /// What is to be told next; `may_end` says whether an End-of-RIB may be.
    pub(super) fn next(&self, may_end: bool) -> Option<Next> {
        let done = |family: &Family| self.queued(*family) == 0;
        if let Some(family) = self.end_of_rib.iter().find(done).filter(|_| may_end) {
            return Some(Next::EndOfRib(family));
        }
        self.queue.first().map(|(change, prefix)| Next::Routes(Family::of(prefix), change.clone()))
    }

    /// Takes prefixes of this run as long as their octets fit, and counts them as told.
    pub(super) fn take(&mut self, family: Family, change: &Change, mut room: usize) -> Vec<IpNet> {
        let mut run = Vec::new();
        while let Some((next, prefix)) = self.queue.first() {
            let (prefix, octets) = (*prefix, 1 + usize::from(prefix.prefix_len()).div_ceil(8));
            if next != change || Family::of(&prefix) != family || octets > room {
                break;
            }
            room -= octets;
            self.mark(prefix, None);
            match change {
                Change::Withdraw => self.told.remove(&prefix),
                Change::Announce(route) => self.told.insert(prefix, Some(Arc::clone(route))),
            };
            run.push(prefix);
        }
        run
    }

    pub(super) fn end_of_rib_sent(&mut self, family: Family) {
        self.end_of_rib = self.end_of_rib.without(family);
    }

    /// Whether an End-of-RIB is still to be sent.
    pub(super) const fn has_end_of_rib(&self) -> bool {
        !self.end_of_rib.is_empty()
    }

    pub(super) fn told(&self) -> usize {
        self.told.len()
    }

    pub(super) fn pending(&self) -> usize {
        self.pending.len()
    }

    fn queued(&self, family: Family) -> usize {
        match family {
            Family::Ipv4 => self.queued_v4,
            Family::Ipv6 => self.queue.len() - self.queued_v4,
        }
    }
}

#[cfg(test)]
mod tests;
