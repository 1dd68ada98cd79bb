//! Who may share an address with whom.
//!
//! Those of one circle may: one key, one isolation group, and one target,
//! because an address is announced where its target is. And then only where
//! their ports differ.

use std::collections::BTreeSet;

use super::{Claim, ClaimKey, Held, Port, Unshared};
use crate::access_point::Sharing;
use crate::name::Name;

/// Those who agreed to share.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Circle {
    key: Name,
    isolation_group: Option<Name>,
    target: Option<Name>,
}

/// On which terms somebody is at an address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Terms<'a> {
    owner: &'a ClaimKey,
    circle: Option<Circle>,
    ports: &'a BTreeSet<Port>,
}

impl<'a> Terms<'a> {
    /// Of a claim.
    pub(super) fn of_claim(claim: &'a Claim) -> Self {
        let key = match &claim.request.sharing {
            Sharing::Exclusive => None,
            Sharing::Key(key) => Some(key),
        };
        Self::of(key, claim.request.isolation_group.as_ref(), &claim.key, &claim.ports)
    }

    /// Of a holder.
    pub(super) fn of_holder(held: &'a Held) -> Self {
        Self::of(held.sharing_key.as_ref(), held.isolation_group.as_ref(), &held.owner, &held.ports)
    }

    fn of(key: Option<&Name>, group: Option<&Name>, owner: &'a ClaimKey, ports: &'a BTreeSet<Port>) -> Self {
        let circle = key.map(|key| Circle {
            key: key.clone(),
            isolation_group: group.cloned(),
            target: owner.target.clone(),
        });
        Self { owner, circle, ports }
    }

    /// The circle, if there is one.
    pub(super) const fn circle(&self) -> Option<&Circle> {
        self.circle.as_ref()
    }

    /// Why both may not be at one address; `None` if they may.
    pub(super) fn quarrel(&self, other: &Self) -> Option<Unshared> {
        let nobody = |terms: &Self| Unshared::NoKey { owner: terms.owner.clone() };
        let Some(own) = &self.circle else { return Some(nobody(self)) };
        let Some(theirs) = &other.circle else { return Some(nobody(other)) };
        if own.key != theirs.key {
            return Some(Unshared::Keys { one: own.key.clone(), other: theirs.key.clone() });
        }
        if own.isolation_group != theirs.isolation_group {
            let [one, other] = [own, theirs].map(|circle| circle.isolation_group.clone());
            return Some(Unshared::Groups { one, other });
        }
        if own.target != theirs.target {
            return Some(Unshared::Targets);
        }
        // who names no port may mean all of them
        if let Some(terms) = [self, other].into_iter().find(|terms| terms.ports.is_empty()) {
            return Some(Unshared::NoPorts { owner: terms.owner.clone() });
        }
        self.ports.intersection(other.ports).next().map(|port| Unshared::Port { port: *port })
    }
}
