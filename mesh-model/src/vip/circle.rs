//! Who may share an address with whom.
//!
//! Those of one circle may: one key, one isolation group, and one target,
//! because an address is announced where its target is. And then only where
//! their ports differ.

use std::collections::BTreeSet;

use super::{Claim, ClaimKey, Held, Port};
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

    fn of(key: Option<&Name>, group: Option<&Name>, of: &ClaimKey, ports: &'a BTreeSet<Port>) -> Self {
        let circle = key.map(|key| Circle {
            key: key.clone(),
            isolation_group: group.cloned(),
            target: of.target.clone(),
        });
        Self { circle, ports }
    }

    /// The circle, if there is one.
    pub(super) const fn circle(&self) -> Option<&Circle> {
        self.circle.as_ref()
    }

    /// Whether both may be at one address. Who names no port may mean all of them.
    pub(super) fn agree(&self, other: &Self) -> bool {
        self.circle.is_some()
            && self.circle == other.circle
            && !self.ports.is_empty()
            && !other.ports.is_empty()
            && self.ports.is_disjoint(other.ports)
    }
}
