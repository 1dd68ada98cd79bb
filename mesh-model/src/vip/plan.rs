//! All claims of all access points at once: who gets what, who keeps, who goes.
//!
//! Holders first, then those that ask for certain addresses, then the rest by
//! name: the result is the same whatever the order of the input. What nobody
//! claims any more is released, unless the claims were not read to the end, or
//! so much of a pool would go that somebody has to approve it. An access point
//! that claims for all targets what it holds for each, or the other way round,
//! keeps what it has, as with any other change of a request.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use serde::Serialize;

use super::allocator::family;
use super::{Allocator, Claim, ClaimKey, Held, RecordProblem, Records, Refusal, Released};
use crate::api::IpFamily;
use crate::fleet::Target;
use crate::name::Name;
use crate::provision::{VipPool, max_at_once};
use crate::render::Revision;
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
    /// Who does not get what it asks for, by owner.
    pub refused: Vec<Refused>,
    /// Who keeps what nobody claims, until that is approved: too many of a pool would go at once.
    pub held_back: Vec<Release>,
    /// How many are released for want of a claim, held back or not.
    pub releases: usize,
    /// What approves those that are held back and no others, once they are approved, too; `None` if none needs it.
    /// Where only some of them were made, those that are left have another, or are few enough to need none.
    pub hash: Option<Revision>,
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

/// Who does not get what it asks for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Refused {
    /// Who.
    pub owner: ClaimKey,
    /// Why.
    #[serde(serialize_with = "text")]
    pub reason: Refusal,
    /// What it holds and keeps nevertheless; what else it asks for it is given where only a family of addresses is
    /// too scarce.
    pub keeps: Vec<IpAddr>,
}

/// Whose addresses nobody claims any more.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Release {
    /// Who holds them.
    pub owner: ClaimKey,
    /// The pool that they came from.
    pub pool: Name,
    /// The addresses.
    pub addresses: Vec<IpAddr>,
}

/// What becomes of addresses that nobody claims.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unclaimed {
    /// They stay: not all claims are there.
    Keep,
    /// They are released: all claims are there.
    Release {
        /// The hash of releases that somebody approved.
        approved: Option<Revision>,
    },
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
/// Where a list of claims was read in part, nothing may be released: see [`Unclaimed`]. More releases of a pool than
/// [its bound](VipPool::max_releases) are held back whole.
#[must_use]
pub fn plan(
    pools: Vec<VipPool>,
    mut asked: Vec<Asked<'_>>,
    records: Records,
    unclaimed: Unclaimed,
    now: WallTime,
) -> VipPlan {
    let (mut allocator, problems) = Allocator::new(pools, records);
    allocator.forget(now);
    let holders = allocator.records().held;
    let Releases { made, held_back, hash } = releases(allocator.pools(), &holders, &asked, unclaimed);
    let releases = made.len() + held_back.len();
    for release in made {
        allocator.release(now, &release.owner);
    }
    let before: BTreeMap<ClaimKey, Vec<IpAddr>> =
        holders.into_iter().map(|held| (held.owner, held.addresses)).collect();
    asked.sort_by_cached_key(|asked| {
        let claim = &asked.claim;
        (!before.contains_key(&claim.key), claim.request.addresses.is_empty(), claim.key.clone())
    });
    let mut refused = Vec::new();
    for Asked { claim, targets } in asked {
        if let Err(reason) = allocator.claim(now, &claim, &targets) {
            let keeps = before.get(&claim.key).cloned().unwrap_or_default();
            if let Some(rest) = without_more_families(&claim, &keeps) {
                // refused for the same reason, unless that is a family that its pool has too little of
                drop(allocator.claim(now, &rest, &targets));
            }
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
    VipPlan {
        assigned,
        refused,
        held_back,
        releases,
        hash,
        held: records.held,
        released: records.released,
        problems,
        pools,
    }
}

/// What nobody claims any more.
#[derive(Default)]
struct Releases {
    made: Vec<Release>,
    held_back: Vec<Release>,
    hash: Option<Revision>,
}

fn releases(pools: &[VipPool], holders: &[Held], asked: &[Asked<'_>], unclaimed: Unclaimed) -> Releases {
    let Unclaimed::Release { approved } = unclaimed else { return Releases::default() };
    let holding: BTreeSet<&ClaimKey> = holders.iter().map(|held| &held.owner).collect();
    let claimed: BTreeSet<&ClaimKey> = asked.iter().map(|asked| &asked.claim.key).collect();
    // who claims anew for all targets, or for one, still claims what it holds otherwise
    let new = claimed.iter().filter(|key| !holding.contains(*key));
    let otherwise: BTreeSet<_> = new.map(|key| (&key.owner, key.target.is_none())).collect();
    let is_claimed =
        |key: &ClaimKey| claimed.contains(key) || otherwise.contains(&(&key.owner, key.target.is_some()));
    let gone: Vec<&Held> = holders.iter().filter(|held| !is_claimed(&held.owner)).collect();
    let release = |held: &&Held| Release {
        owner: held.owner.clone(),
        pool: held.pool.clone(),
        addresses: held.addresses.clone(),
    };
    let is_too_many = |name: &Name| {
        let pool = pools.iter().find(|pool| pool.name == *name);
        let max = pool.map_or_else(max_at_once, |pool| pool.max_releases);
        let of = |held: &[&Held]| held.iter().filter(|held| held.pool == *name).count();
        of(&gone) > max.at_once(of(&holders.iter().collect::<Vec<_>>()))
    };
    let names: BTreeSet<&Name> = gone.iter().map(|held| &held.pool).collect();
    let held: BTreeSet<Name> = names.into_iter().filter(|name| is_too_many(name)).cloned().collect();
    let (waiting, made): (Vec<Release>, Vec<Release>) =
        gone.iter().map(release).partition(|release| held.contains(&release.pool));
    // what does not wait is made meanwhile, and is no part of what is approved
    let hash = (!waiting.is_empty()).then(|| Revision::of_json(&waiting));
    if approved == hash {
        return Releases { made: [made, waiting].concat(), held_back: Vec::new(), hash };
    }
    Releases { made, held_back: waiting, hash }
}

/// What a holder asks for beside families that it has not, where it names none: `None` if it names some or has nothing.
fn without_more_families(claim: &Claim, has: &[IpAddr]) -> Option<Claim> {
    let is_any = claim.request.families.is_empty() && !has.is_empty();
    is_any.then(|| {
        let mut claim = claim.clone();
        let families: BTreeSet<IpFamily> = has.iter().map(|address| family(*address)).collect();
        claim.request.families = families.into_iter().collect();
        claim
    })
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
