//! All claims of all access points at once: who gets what, who keeps, who goes.
//!
//! Holders first, then those that ask for certain addresses, then the rest by
//! name: the result is the same whatever the order of the input. What nobody
//! claims any more is released, unless the claims were not read to the end.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use serde::Serialize;

use super::{Allocator, Claim, ClaimKey, Held, RecordProblem, Records, Refusal, Released};
use crate::fleet::Target;
use crate::name::Name;
use crate::provision::VipPool;
use crate::time::WallTime;

/// A claim, and the targets that its addresses are to lead to.
#[derive(Clone, Debug)]
pub struct Asked<'a> {
    /// The claim.
    pub claim: Claim,
    /// Its target, or all of its access point; none if they are not known.
    pub targets: Vec<Target<'a>>,
}

/// What is to be done, and what is to be written down.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct VipPlan {
    /// Who has which addresses, by owner.
    pub assigned: Vec<Assignment>,
    /// Who gets none, by owner.
    pub refused: Vec<Refused>,
    /// The records of those who have addresses, as the next plan's file takes them in `held`.
    pub held: Vec<Held>,
    /// What rests from now on, or still; what the next plan's file takes in `released`.
    pub released: Vec<Released>,
    /// What is odd about the records.
    #[serde(serialize_with = "texts")]
    pub problems: Vec<RecordProblem>,
    /// How full the pools are, in the order in which they are tried.
    pub pools: Vec<PoolUse>,
}

/// Who has which addresses.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Assignment {
    /// Who.
    pub owner: ClaimKey,
    /// The pool that they came from.
    pub pool: Name,
    /// The addresses.
    pub addresses: Vec<IpAddr>,
    /// Whether it had not all of them before.
    pub is_new: bool,
}

/// Who gets none.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Refused {
    /// Who.
    pub owner: ClaimKey,
    /// Why.
    #[serde(serialize_with = "text")]
    pub reason: Refusal,
    /// What it holds and keeps nevertheless.
    pub keeps: Vec<IpAddr>,
}

/// How full a pool is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PoolUse {
    /// The pool.
    pub pool: Name,
    /// Its addresses, each counted once whoever shares it.
    pub held: usize,
    /// Those that nobody holds and that rest.
    pub resting: usize,
}

/// Decides all claims at once.
///
/// `is_complete` says whether all claims are there: where a list was read in
/// part, nothing is released.
#[must_use]
pub fn plan(
    pools: Vec<VipPool>,
    mut asked: Vec<Asked<'_>>,
    records: Records,
    is_complete: bool,
    now: WallTime,
) -> VipPlan {
    let (mut allocator, problems) = Allocator::new(pools, records);
    allocator.forget(now);
    let before: BTreeMap<ClaimKey, Vec<IpAddr>> =
        allocator.records().held.into_iter().map(|held| (held.owner, held.addresses)).collect();
    if is_complete {
        let claimed: BTreeSet<&ClaimKey> = asked.iter().map(|asked| &asked.claim.key).collect();
        for key in before.keys().filter(|key| !claimed.contains(key)) {
            allocator.release(now, key);
        }
    }
    asked.sort_by_cached_key(|asked| {
        let claim = &asked.claim;
        (!before.contains_key(&claim.key), claim.request.addresses.is_empty(), claim.key.clone())
    });
    let mut refused = Vec::new();
    for Asked { claim, targets } in asked {
        if let Err(reason) = allocator.claim(now, &claim, &targets) {
            let keeps = before.get(&claim.key).cloned().unwrap_or_default();
            refused.push(Refused { owner: claim.key, reason, keeps });
        }
    }
    refused.sort_by(|left, right| left.owner.cmp(&right.owner));
    let records = allocator.records();
    let pools = uses(allocator.pools(), &records);
    let assigned = records.held.iter().map(|held| Assignment {
        is_new: before.get(&held.owner) != Some(&held.addresses),
        owner: held.owner.clone(),
        pool: held.pool.clone(),
        addresses: held.addresses.clone(),
    });
    let assigned = assigned.collect();
    VipPlan { assigned, refused, held: records.held, released: records.released, problems, pools }
}

fn uses(pools: &[VipPool], records: &Records) -> Vec<PoolUse> {
    let mut by_pool: BTreeMap<&Name, (BTreeSet<IpAddr>, BTreeSet<IpAddr>)> = BTreeMap::new();
    for held in &records.held {
        by_pool.entry(&held.pool).or_default().0.extend(&held.addresses);
    }
    for released in &records.released {
        by_pool.entry(&released.held.pool).or_default().1.extend(&released.held.addresses);
    }
    let one = |pool: &VipPool| {
        let (held, resting) = by_pool.remove(&pool.name).unwrap_or_default();
        PoolUse { pool: pool.name.clone(), held: held.len(), resting: resting.difference(&held).count() }
    };
    pools.iter().map(one).collect()
}

fn text<S: serde::Serializer>(value: &impl std::fmt::Display, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(value)
}

fn texts<S: serde::Serializer>(values: &[RecordProblem], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(values.iter().map(ToString::to_string))
}
