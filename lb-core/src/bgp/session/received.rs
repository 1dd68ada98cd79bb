//! What a peer told: prefixes within a limit, and those kept while it restarts.
//!
//! A speaker of VIPs forwards by none of this. It counts, so that a peer that
//! leaks a full table is noticed, and helps with graceful restarts: prefixes of
//! a peer that went away for a moment are stale until it is back and has told
//! them again (RFC 4724 section 4.2).

use alloc::collections::BTreeMap;
use alloc::vec::Vec;
use core::time::Duration;

use ipnet::IpNet;

use super::timers::{earliest, is_due};
use crate::Time;
use crate::bgp::identity::{Families, Family};
use crate::bgp::message::{NextHop, Restart, Update};

/// The prefixes of one peer.
#[derive(Clone, Debug, Default)]
pub(super) struct Received {
    prefixes: BTreeMap<IpNet, Freshness>,
    ignored: u64,
    /// By when the peer must be back.
    restart_until: Option<Time>,
    /// By when it must have told its routes again.
    stale_until: Option<Time>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Freshness {
    Fresh,
    /// Told in the session before this one.
    Stale,
}

/// What an UPDATE changed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Changes {
    /// Known before, and gone.
    pub(super) withdrawn: Vec<IpNet>,
    /// Told, and remembered.
    pub(super) announced: Vec<(NextHop, Vec<IpNet>)>,
    /// Told, and over the limit: this many.
    pub(super) ignored: u64,
}

impl Received {
    /// Takes an UPDATE; of families that were not agreed on nothing counts (RFC 4760 section 6).
    pub(super) fn apply(&mut self, update: &Update, families: Families, max: usize) -> Changes {
        let agreed = |prefix: &IpNet| families.contains(Family::of(prefix));
        let mut changes = Changes::default();
        let withdrawn = update.all_withdrawn().into_iter().filter(agreed);
        changes.withdrawn = withdrawn.filter(|prefix| self.prefixes.remove(prefix).is_some()).collect();
        for (next_hop, mut prefixes) in update.all_announced() {
            prefixes.retain(|prefix| agreed(prefix) && self.remember(*prefix, max, &mut changes.ignored));
            if !prefixes.is_empty() {
                changes.announced.push((next_hop, prefixes));
            }
        }
        self.ignored += changes.ignored;
        changes
    }

    fn remember(&mut self, prefix: IpNet, max: usize, ignored: &mut u64) -> bool {
        let has_room = self.prefixes.len() < max || self.prefixes.contains_key(&prefix);
        if has_room {
            self.prefixes.insert(prefix, Freshness::Fresh);
        } else {
            *ignored += 1;
        }
        has_room
    }

    /// The peer has told all it had of a family: what it did not tell again is gone.
    pub(super) fn end_of_rib(&mut self, family: Family) -> Vec<IpNet> {
        self.remove(|prefix, freshness| freshness == Freshness::Stale && Family::of(prefix) == family)
    }

    /// The session is down. With `kept`, prefixes of these families are kept for this long; those that
    /// were stale already go, for nobody waits twice.
    pub(super) fn session_down(&mut self, now: Time, kept: Option<(Families, Duration)>) -> Vec<IpNet> {
        let families = kept.map_or(Families::NONE, |(families, _)| families);
        let gone = self.remove(|prefix, freshness| {
            freshness == Freshness::Stale || !families.contains(Family::of(prefix))
        });
        for freshness in self.prefixes.values_mut() {
            *freshness = Freshness::Stale;
        }
        self.stale_until = None;
        self.restart_until = kept.filter(|_| !self.prefixes.is_empty()).map(|(_, time)| now + time);
        gone
    }

    /// The session is up again: what the peer no longer forwards is gone, the rest waits for its
    /// End-of-RIB, for `longest` at most.
    pub(super) fn session_up(
        &mut self,
        now: Time,
        restart: Option<&Restart>,
        longest: Duration,
    ) -> Vec<IpNet> {
        self.ignored = 0;
        self.restart_until = None;
        let preserved = |family| {
            restart.and_then(|restart| restart.family(family)).is_some_and(|family| family.preserved)
        };
        let gone = self.remove(|prefix, _| !preserved(Family::of(prefix)));
        self.stale_until = (!self.prefixes.is_empty()).then(|| now + longest);
        gone
    }

    /// Gives up what has been waited for in vain.
    pub(super) fn handle_timeout(&mut self, now: Time) -> Vec<IpNet> {
        if !is_due(self.restart_until, now) && !is_due(self.stale_until, now) {
            return Vec::new();
        }
        (self.restart_until, self.stale_until) = (None, None);
        self.remove(|_, freshness| freshness == Freshness::Stale)
    }

    pub(super) fn poll_timeout(&self) -> Option<Time> {
        earliest([self.restart_until, self.stale_until])
    }

    pub(super) fn len(&self) -> usize {
        self.prefixes.len()
    }

    pub(super) fn stale(&self) -> usize {
        self.prefixes.values().filter(|freshness| **freshness == Freshness::Stale).count()
    }

    pub(super) const fn ignored(&self) -> u64 {
        self.ignored
    }

    fn remove(&mut self, mut gone: impl FnMut(&IpNet, Freshness) -> bool) -> Vec<IpNet> {
        let removed: Vec<IpNet> = self
            .prefixes
            .iter()
            .filter(|(prefix, freshness)| gone(prefix, **freshness))
            .map(|(prefix, _)| *prefix)
            .collect();
        for prefix in &removed {
            self.prefixes.remove(prefix);
        }
        removed
    }
}

#[cfg(test)]
mod tests;
