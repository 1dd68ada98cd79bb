//! What a holder has after it asked anew: what it had, and families that it had not.
//!
//! Nothing that is held moves. A request for anything else than more is refused,
//! and so is one to share with somebody who does not agree to it.

use std::collections::BTreeSet;
use std::net::IpAddr;

use super::allocator::{Allocator, check, families, family, has, held_by};
use super::circle::Terms;
use super::{Claim, Held, Refusal, Tried, Unfit};
use crate::api::IpFamily;
use crate::fleet::Target;
use crate::provision::VipPool;

impl Allocator {
    /// What a holder has after it asked anew: what it had, and families that it had not.
    pub(super) fn renewed(
        &self,
        mut held: Held,
        claim: &Claim,
        targets: &[Target<'_>],
    ) -> Result<Held, Refusal> {
        let request = &claim.request;
        let has: BTreeSet<IpAddr> = held.addresses.iter().copied().collect();
        let families: BTreeSet<IpFamily> = has.iter().map(|address| family(*address)).collect();
        let wanted: BTreeSet<IpFamily> = request.families.iter().copied().collect();
        let fits = request.pool.as_ref().is_none_or(|pool| *pool == held.pool)
            && (request.addresses.is_empty()
                || request.addresses.iter().copied().collect::<BTreeSet<_>>() == has)
            && (wanted.is_empty() || families.is_subset(&wanted));
        if !fits {
            self.check_pool(claim)?;
            return Err(Refusal::Changed { held: held.addresses });
        }
        let (old, new) = (Terms::of_holder(&held), Terms::of_claim(claim));
        if old != new {
            for address in &held.addresses {
                // who is there against the records' own terms is known, and no reason to refuse more
                if let Some((other, why)) = self.book.stranger(*address, &claim.key, &new) {
                    let (address, by, why) = (*address, other.owner.clone(), Box::new(why));
                    return Err(match self.book.rest_of(other, address) {
                        Some(until) => Refusal::Rests { address, by, until, why },
                        None => Refusal::Terms { address, by, why },
                    });
                }
            }
        }
        if let Some(pool) = self.pool_of_more(&held, &families, claim, targets)? {
            for family in self::families(pool, claim).into_iter().filter(|family| !families.contains(family))
            {
                let address = self.one_more(pool, family, &held, claim);
                let unfit =
                    |reason| Refusal::NoPool { tried: vec![Tried { pool: held.pool.clone(), reason }] };
                held.addresses.push(address.map_err(unfit)?);
            }
        }
        Ok(held_by(claim, held.pool, held.addresses))
    }

    /// The pool that gives a holder what it lacks, if there is one and it may.
    ///
    /// What was asked for in so many words is refused without; who asks for whatever its pool has keeps what it
    /// has, of a pool that is gone or no longer for it.
    fn pool_of_more(
        &self,
        held: &Held,
        families: &BTreeSet<IpFamily>,
        claim: &Claim,
        targets: &[Target<'_>],
    ) -> Result<Option<&VipPool>, Refusal> {
        let request = &claim.request;
        let lacks_none = request.families.iter().all(|family| families.contains(family));
        if !request.addresses.is_empty() || (!request.families.is_empty() && lacks_none) {
            return Ok(None);
        }
        let Some(pool) = self.pool(&held.pool) else {
            let gone = || Refusal::UnknownPool { name: held.pool.clone(), nearest: None };
            return if lacks_none { Ok(None) } else { Err(gone()) };
        };
        match check(pool, claim, targets) {
            Ok(()) => Ok(Some(pool)),
            Err(_) if lacks_none => Ok(None),
            Err(reason) => Err(Refusal::NoPool { tried: vec![Tried { pool: held.pool.clone(), reason }] }),
        }
    }

    /// An address of one more family: that of one who shares with the holder, or else the lowest free.
    fn one_more(
        &self,
        pool: &VipPool,
        family: IpFamily,
        held: &Held,
        claim: &Claim,
    ) -> Result<IpAddr, Unfit> {
        let terms = Terms::of_claim(claim);
        let beside = |shared: IpAddr| {
            let tenants = self.book.tenants.get(&shared).into_iter().flatten();
            let others =
                tenants.filter(|other| **other != held.owner).filter_map(|key| self.book.held.get(key));
            let others = others.filter(move |other| other.addresses.contains(&shared));
            others.flat_map(|other| other.addresses.iter().copied())
        };
        let beside = held.addresses.iter().copied().flat_map(beside).find(|address| {
            self::family(*address) == family
                && has(pool, *address)
                && self.book.stranger(*address, &claim.key, &terms).is_none()
        });
        beside.map_or_else(|| self.lowest_free(pool, family), Ok)
    }
}
