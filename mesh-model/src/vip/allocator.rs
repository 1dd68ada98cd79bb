//! The allocator: claims in, addresses or a reason out.
//!
//! Pools are tried by priority, then by name; in a pool an owner's own resting
//! addresses come first, then those of its circle, then the lowest free one.

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use super::book::Book;
use super::circle::Terms;
use super::{Claim, ClaimKey, Held, RecordProblem, Records, Refusal, Released, Tried, Unfit};
use crate::access_point::{Sharing, TargetSelection};
use crate::api::{IpFamily, VipScope};
use crate::fleet::Target;
use crate::name::Name;
use crate::nearest::nearest;
use crate::provision::VipPool;
use crate::time::WallTime;

/// How long an address rests whose pool is gone: what pools have that do not say.
const QUARANTINE: Duration = Duration::from_secs(3_600);

/// Who has which address.
///
/// ```
/// use std::collections::BTreeSet;
/// use mesh_model::access_point::{Sharing, VipRequest};
/// use mesh_model::api::{self, VipScope};
/// use mesh_model::provision::VipPool;
/// use mesh_model::vip::{Allocator, Claim, Records};
///
/// let pool: api::VipPool = serde_saphyr::from_str(
///     "{ apiVersion: overspill.dev/v1alpha1, kind: VipPool, metadata: { name: public }, spec: { addresses: [203.0.113.0/29] } }",
/// )?;
/// let (mut allocator, problems) = Allocator::new(vec![VipPool::try_from(pool)?], Records::default());
/// assert!(problems.is_empty());
///
/// let request = VipRequest {
///     pool: None, scope: VipScope::All, sharing: Sharing::Exclusive,
///     isolation_group: None, families: vec![], addresses: vec![],
/// };
/// let claim = |key: &str| Claim {
///     key: key.parse().unwrap(), request: request.clone(), ports: BTreeSet::new(), labels: Default::default(),
/// };
/// let now = "2026-11-26T00:00:00Z".parse()?;
/// let first = allocator.claim(now, &claim("payments/checkout"), &[])?;
/// assert_eq!(first.addresses, ["203.0.113.0".parse::<std::net::IpAddr>()?]);
/// assert_ne!(allocator.claim(now, &claim("search/web"), &[])?.addresses, first.addresses);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Allocator {
    pools: Vec<VipPool>,
    pub(super) book: Book,
}

impl Allocator {
    /// An allocator that knows who holds what; there is none that does not.
    ///
    /// Nothing recorded is moved or dropped, in whatever order it comes: what is
    /// odd about it is reported. A record without an address is of nothing.
    #[must_use]
    pub fn new(pools: Vec<VipPool>, records: Records) -> (Self, Vec<RecordProblem>) {
        let mut new = Self { pools: Vec::new(), book: Book::default() };
        let mut problems = BTreeSet::new();
        let (mut held, mut released) = (records.held, records.released);
        held.retain(|record| !record.addresses.is_empty());
        held.sort();
        held.dedup();
        for record in held {
            let record = match new.book.held.remove(&record.owner) {
                None => record,
                Some(first) => {
                    let both = merged(first, record);
                    let (owner, addresses) = (both.owner.clone(), both.addresses.clone());
                    problems.retain(|known| !matches!(known, RecordProblem::Repeated { owner: other, .. } if *other == owner));
                    problems.insert(RecordProblem::Repeated { owner, addresses });
                    both
                }
            };
            new.book.enter(record);
        }
        released.sort();
        for record in released {
            new.book.rest(record);
        }
        problems.extend(new.book.conflicts());
        problems.extend(new.handle_pools(pools));
        (new, problems.into_iter().collect())
    }

    /// Puts other pools in place; who holds addresses keeps them. What no pool has any more is reported.
    pub fn handle_pools(&mut self, mut pools: Vec<VipPool>) -> Vec<RecordProblem> {
        pools.sort_by(|left, right| {
            (-i64::from(left.priority), &left.name).cmp(&(-i64::from(right.priority), &right.name))
        });
        self.pools = pools;
        let mut problems = Vec::new();
        for held in self.book.held.values() {
            let (owner, name) = (held.owner.clone(), held.pool.clone());
            match self.pool(&held.pool) {
                None => problems.push(RecordProblem::UnknownPool { owner, pool: name }),
                Some(pool) => {
                    let outside = held.addresses.iter().filter(|address| !has(pool, **address));
                    problems.extend(outside.map(|address| RecordProblem::Outside {
                        owner: owner.clone(),
                        address: *address,
                        pool: name.clone(),
                    }));
                }
            }
        }
        problems
    }

    /// Gives a claim its addresses: those that it has, and one of each family that it lacks, or else new ones in
    /// all families or none. A claim that names no family is for those of its pool, also where that gains one.
    ///
    /// `targets` are those that the addresses are to lead to: the one of the
    /// claim, or all of the access point where it wants one allocation for all.
    ///
    /// # Errors
    ///
    /// Why there are none; nothing has changed then.
    pub fn claim(&mut self, now: WallTime, claim: &Claim, targets: &[Target<'_>]) -> Result<Held, Refusal> {
        self.book.forget(now);
        let scope = claim.request.scope;
        if (scope == VipScope::All) == claim.key.target.is_some() {
            return Err(Refusal::Scope { scope });
        }
        let held = match self.book.held.get(&claim.key).cloned() {
            Some(held) => self.renewed(held, claim, targets)?,
            None => {
                let held = self.otherwise_held(&claim.key);
                if !held.is_empty() {
                    return Err(Refusal::Changed { held });
                }
                let (pool, addresses) = self.choose(claim, targets)?;
                held_by(claim, pool, addresses)
            }
        };
        if let Some(before) = self.book.held.get(&claim.key).cloned()
            && before.sharing_key.is_some()
            && !before.ports.is_subset(&held.ports)
        {
            // what was served there by its name is nobody else's for a while
            self.leave(now, &before);
        }
        self.book.withdraw(&claim.key);
        for address in &held.addresses {
            if held.ports.is_superset(self.book.resting_ports(&claim.key, *address)) {
                self.book.wake(&claim.key, *address);
            }
        }
        self.book.enter(held.clone());
        Ok(held)
    }

    /// Ends a holding: its addresses rest, then they are free. Nothing happens if there is none.
    pub fn release(&mut self, now: WallTime, key: &ClaimKey) -> Vec<Released> {
        self.book.forget(now);
        let Some(held) = self.book.held.get(key).cloned() else { return Vec::new() };
        let released = self.leave(now, &held);
        self.book.withdraw(key);
        released
    }

    /// What a claim holds.
    #[must_use]
    pub fn held(&self, key: &ClaimKey) -> Option<&Held> {
        self.book.held.get(key)
    }

    /// All that has to be written down, by owner.
    #[must_use]
    pub fn records(&self) -> Records {
        Records {
            held: self.book.held.values().cloned().collect(),
            released: self.book.released.values().cloned().collect(),
        }
    }

    /// The pools in the order in which they are tried.
    #[must_use]
    pub fn pools(&self) -> &[VipPool] {
        &self.pools
    }

    /// Ends rests that are over.
    pub(super) fn forget(&mut self, now: WallTime) {
        self.book.forget(now);
    }

    pub(super) fn pool(&self, name: &Name) -> Option<&VipPool> {
        self.pools.iter().find(|pool| pool.name == *name)
    }

    /// What the access point of a claim holds for all targets where the claim is for one, or the other way round.
    fn otherwise_held(&self, key: &ClaimKey) -> Vec<IpAddr> {
        let for_all = ClaimKey { owner: key.owner.clone(), target: None };
        let all = self.book.held.range(for_all..).take_while(|(other, _)| other.owner == key.owner);
        let otherwise = all.filter(|(other, _)| other.target.is_some() != key.target.is_some());
        otherwise.flat_map(|(_, held)| held.addresses.iter().copied()).collect()
    }

    /// The pool that a claim names must be there.
    pub(super) fn check_pool(&self, claim: &Claim) -> Result<(), Refusal> {
        let Some(name) = claim.request.pool.as_ref().filter(|name| self.pool(name).is_none()) else {
            return Ok(());
        };
        let names = self.pools.iter().map(|pool| pool.name.as_str());
        let nearest = nearest(name.as_str(), names).map(str::to_owned);
        Err(Refusal::UnknownPool { name: name.clone(), nearest })
    }

    /// The addresses of one who has none, and their pool.
    fn choose(&self, claim: &Claim, targets: &[Target<'_>]) -> Result<(Name, Vec<IpAddr>), Refusal> {
        self.check_pool(claim)?;
        let asked = |pool: &&VipPool| claim.request.pool.as_ref().is_none_or(|name| *name == pool.name);
        let (mut tried, mut fit) = (Vec::new(), Vec::new());
        for pool in self.pools.iter().filter(asked) {
            match check(pool, claim, targets) {
                Ok(()) => fit.push(pool),
                Err(reason) => tried.push(Tried { pool: pool.name.clone(), reason }),
            }
        }
        if let Some((pool, addresses)) = fit.iter().find_map(|pool| Some((pool, self.own(pool, claim)?))) {
            return Ok((pool.name.clone(), addresses));
        }
        for pool in fit {
            match self.choose_in(pool, claim) {
                Ok(addresses) => return Ok((pool.name.clone(), addresses)),
                Err(reason) => tried.push(Tried { pool: pool.name.clone(), reason }),
            }
        }
        Err(Refusal::NoPool { tried })
    }

    /// What a claim gets from a pool that it may use.
    fn choose_in(&self, pool: &VipPool, claim: &Claim) -> Result<Vec<IpAddr>, Unfit> {
        let terms = Terms::of_claim(claim);
        if !claim.request.addresses.is_empty() {
            for address in &claim.request.addresses {
                self.admit(*address, &claim.key, &terms)?;
            }
            return Ok(claim.request.addresses.clone());
        }
        let families = families(pool, claim);
        if let Some(addresses) = self.shared(pool, claim, &families) {
            return Ok(addresses);
        }
        families.iter().map(|family| self.lowest_free(pool, *family)).collect()
    }

    /// The addresses that the owner itself lets rest, if they are what it wants.
    fn own(&self, pool: &VipPool, claim: &Claim) -> Option<Vec<IpAddr>> {
        let terms = Terms::of_claim(claim);
        let from = (claim.key.clone(), IpAddr::V4(Ipv4Addr::UNSPECIFIED));
        let rests = self.book.released.range(from..).take_while(|((key, _), _)| *key == claim.key);
        let rests = rests.map(|((_, address), _)| *address);
        let rests: Vec<IpAddr> = rests
            .filter(|address| {
                has(pool, *address) && self.book.stranger(*address, &claim.key, &terms).is_none()
            })
            .collect();
        if !claim.request.addresses.is_empty() {
            return claim
                .request
                .addresses
                .iter()
                .all(|address| rests.contains(address))
                .then(|| claim.request.addresses.clone());
        }
        one_of_each(&families(pool, claim), &rests)
    }

    /// The addresses of one holder of the claim's circle, if all its tenants agree.
    fn shared(&self, pool: &VipPool, claim: &Claim, families: &[IpFamily]) -> Option<Vec<IpAddr>> {
        let terms = Terms::of_claim(claim);
        let candidates = self.book.circles.get(terms.circle()?)?.candidates(&claim.ports);
        candidates.into_iter().filter(|address| has(pool, **address)).find_map(|address| {
            let holders = self.book.tenants.get(address)?.iter().filter_map(|key| self.book.held.get(key));
            let mut holders = holders.filter(|held| held.addresses.contains(address));
            holders.find_map(|held| {
                let chosen = one_of_each(families, &held.addresses)?;
                let fits = |address: &IpAddr| {
                    has(pool, *address) && self.book.stranger(*address, &claim.key, &terms).is_none()
                };
                chosen.iter().all(fits).then_some(chosen)
            })
        })
    }

    pub(super) fn lowest_free(&self, pool: &VipPool, family: IpFamily) -> Result<IpAddr, Unfit> {
        let mut ranges = pool.ranges.iter().filter(|range| range.family() == family).peekable();
        if ranges.peek().is_none() {
            return Err(Unfit::Family { family });
        }
        ranges.find_map(|range| self.book.taken.lowest_free(range)).ok_or_else(|| {
            let is_here = |address: IpAddr| self::family(address) == family && has(pool, address);
            let mut rests = self.book.expiry.iter().filter(|(_, _, address)| is_here(*address));
            Unfit::Full { family, next: rests.next().map(|(until, _, _)| *until) }
        })
    }

    /// Whether an address that is asked for can be had.
    fn admit(&self, address: IpAddr, key: &ClaimKey, terms: &Terms<'_>) -> Result<(), Unfit> {
        let Some((other, why)) = self.book.stranger(address, key, terms) else { return Ok(()) };
        let by = other.owner.clone();
        Err(match self.book.rest_of(other, address) {
            Some(until) => Unfit::Resting { address, by, until },
            None => Unfit::Taken { address, by, why: Box::new(why) },
        })
    }

    /// Lets the addresses of a holding rest, as long as their pool says.
    fn leave(&mut self, now: WallTime, held: &Held) -> Vec<Released> {
        let quarantine = self.pool(&held.pool).map_or(QUARANTINE, |pool| pool.quarantine);
        if quarantine.is_zero() {
            return Vec::new();
        }
        let mut released = Vec::new();
        for address in &held.addresses {
            let held = Held { addresses: vec![*address], ..held.clone() };
            released.push(self.book.rest(Released { held, until: now + quarantine }));
        }
        released
    }
}

/// Whether a claim may use a pool at all.
pub(super) fn check(pool: &VipPool, claim: &Claim, targets: &[Target<'_>]) -> Result<(), Unfit> {
    if !pool.auto_assign && claim.request.pool.is_none() {
        return Err(Unfit::ByName);
    }
    if !pool.admits(&claim.key.owner.namespace, &claim.labels) {
        return Err(Unfit::AccessPoint);
    }
    if targets.is_empty() && pool.targets != TargetSelection::default() {
        return Err(Unfit::Target { target: None });
    }
    if let Some(target) = targets.iter().find(|target| !pool.targets.matches(target)) {
        return Err(Unfit::Target { target: Some(target.name().clone()) });
    }
    match claim.request.addresses.iter().find(|address| !has(pool, **address)) {
        Some(address) => Err(Unfit::Outside { address: *address }),
        None => Ok(()),
    }
}

/// The families that a claim gets from a pool.
pub(super) fn families(pool: &VipPool, claim: &Claim) -> Vec<IpFamily> {
    if !claim.request.families.is_empty() {
        return claim.request.families.clone();
    }
    // ranges are ascending, those of IPv4 first
    let ends = [pool.ranges.first(), pool.ranges.last()].into_iter().flatten();
    let families: BTreeSet<IpFamily> = ends.map(crate::provision::AddressRange::family).collect();
    families.into_iter().collect()
}

/// The first address of each family, if all have one.
fn one_of_each(families: &[IpFamily], addresses: &[IpAddr]) -> Option<Vec<IpAddr>> {
    let first = |wanted: &IpFamily| addresses.iter().copied().find(|address| family(*address) == *wanted);
    families.iter().map(first).collect()
}

pub(super) fn has(pool: &VipPool, address: IpAddr) -> bool {
    // ranges are ascending and do not touch: only the last that begins before can have it
    let after = pool.ranges.partition_point(|range| range.first() <= address);
    after.checked_sub(1).is_some_and(|position| pool.ranges[position].contains(address))
}

pub(super) const fn family(address: IpAddr) -> IpFamily {
    match address {
        IpAddr::V4(_) => IpFamily::Ipv4,
        IpAddr::V6(_) => IpFamily::Ipv6,
    }
}

pub(super) fn held_by(claim: &Claim, pool: Name, addresses: Vec<IpAddr>) -> Held {
    let sharing_key = match &claim.request.sharing {
        Sharing::Exclusive => None,
        Sharing::Key(key) => Some(key.clone()),
    };
    Held {
        owner: claim.key.clone(),
        pool,
        addresses,
        sharing_key,
        isolation_group: claim.request.isolation_group.clone(),
        ports: claim.ports.clone(),
    }
}

/// Two records of one owner as one: all addresses, all ports, the first's terms.
fn merged(mut first: Held, second: Held) -> Held {
    first.ports.extend(second.ports);
    for address in second.addresses {
        if !first.addresses.contains(&address) {
            first.addresses.push(address);
        }
    }
    first
}
