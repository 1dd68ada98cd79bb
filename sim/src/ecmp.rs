//! How a router spreads flows over equal-cost next hops.
//!
//! This is environment, not a decision of ours: the simulator models the three
//! ways that hardware does it. A device hashes with a salt of its own; devices
//! with the same salt polarise. A [`EcmpGroup`] is a value: for the first two
//! kinds a pure function of its members, for the resilient one of its history
//! of members too, because that is its point. Which members are alive is the
//! owner's word.
//!
//! Sources: RFC 2991 and RFC 2992 (mod-N, hash-threshold and what each
//! disrupts), the Linux kernel's documentation of resilient next-hop groups.

use lb_core::{FlowHash, FlowKey, HashFields, HashKey};

/// How flows are spread.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum EcmpKind {
    /// The hash space is cut into equal regions in member order: losing one member moves between a
    /// quarter and a half of the flows.
    HashThreshold,
    /// Hash modulo members: losing one of N moves 1 - 1/N of the flows.
    ModN,
    /// A table of buckets: losing a member moves its own flows only, gaining one moves its share.
    Resilient {
        /// Buckets in the table; at least one.
        buckets: u32,
    },
}

/// What one device does with the flows of one prefix.
///
/// ```
/// use core::net::Ipv4Addr;
/// use lb_core::{FlowKey, HashKey, Protocol};
/// use sim::ecmp::{EcmpGroup, EcmpKind};
///
/// let salt = HashKey::new([7; 16]);
/// let group = EcmpGroup::new(EcmpKind::Resilient { buckets: 256 }, salt, &["a", "b", "c"]);
/// let flow = FlowKey::v4(
///     Protocol::TCP,
///     (Ipv4Addr::new(192, 0, 2, 1), 40_000),
///     (Ipv4Addr::new(203, 0, 113, 10), 443),
/// );
/// let before = *group.next_hop(&flow).unwrap();
/// let others: Vec<&str> = ["a", "b", "c"].into_iter().filter(|member| *member != before).collect();
/// let smaller = group.with_members(&others[..1]);
/// assert_eq!(smaller.next_hop(&flow), Some(&others[0]));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EcmpGroup<M> {
    kind: EcmpKind,
    salt: HashKey,
    /// Sorted, without repetition.
    members: Vec<M>,
    /// Resilient: the member of each bucket.
    buckets: Vec<M>,
}

impl<M: Copy + Ord> EcmpGroup<M> {
    /// A group that hashes the whole 5-tuple; the order of `members` is irrelevant.
    #[must_use]
    pub fn new(kind: EcmpKind, salt: HashKey, members: &[M]) -> Self {
        let empty = Self { kind, salt, members: Vec::new(), buckets: Vec::new() };
        empty.with_members(members)
    }

    /// The group after its members have changed.
    #[must_use]
    pub fn with_members(&self, members: &[M]) -> Self {
        let mut members = members.to_vec();
        members.sort_unstable();
        members.dedup();
        let buckets = match self.kind {
            EcmpKind::HashThreshold | EcmpKind::ModN => Vec::new(),
            EcmpKind::Resilient { buckets } => refill(&self.buckets, buckets.max(1) as usize, &members),
        };
        Self { kind: self.kind, salt: self.salt, members, buckets }
    }

    /// The members, sorted.
    #[must_use]
    pub fn members(&self) -> &[M] {
        &self.members
    }

    /// The device's own hash of a flow.
    #[must_use]
    pub fn hash(&self, flow: &FlowKey) -> FlowHash {
        self.salt.hash_flow(flow, HashFields::ALL)
    }

    /// Where a flow goes; `None` without members.
    #[must_use]
    pub fn next_hop(&self, flow: &FlowKey) -> Option<&M> {
        self.next_hop_of(self.hash(flow))
    }

    /// Where a flow of that hash goes; `None` without members.
    #[must_use]
    pub fn next_hop_of(&self, hash: FlowHash) -> Option<&M> {
        match self.kind {
            EcmpKind::HashThreshold => self.members.get(region(hash, self.members.len())),
            EcmpKind::ModN => {
                let index = hash.0.checked_rem(self.members.len() as u64)?;
                self.members.get(usize::try_from(index).ok()?)
            }
            EcmpKind::Resilient { .. } => self.buckets.get(region(hash, self.buckets.len())),
        }
    }
}

/// Which of `count` equal regions of the hash space a hash lies in.
fn region(hash: FlowHash, count: usize) -> usize {
    usize::try_from((u128::from(hash.0) * count as u128) >> 64).expect("less than count")
}

/// The bucket table after a change of members, from the one before.
///
/// Buckets of the lost are handed to those who hold fewest; a newcomer takes as many as it is owed
/// from those who hold more than they are owed; all other buckets stay. Afterwards any two members
/// differ by at most one bucket.
fn refill<M: Copy + Ord>(old: &[M], size: usize, members: &[M]) -> Vec<M> {
    if members.is_empty() {
        return Vec::new();
    }
    let holder = |bucket: usize| members.binary_search(old.get(bucket)?).ok();
    let mut wanted = quotas(&held(size, members.len(), holder), size);
    let mut buckets = Vec::with_capacity(size);
    for bucket in 0..size {
        let kept = holder(bucket).filter(|&member| wanted[member] > 0);
        if let Some(member) = kept {
            wanted[member] -= 1;
        }
        buckets.push(kept);
    }
    // Round robin, so that neighbouring flows of a lost member go to different ones.
    let mut next = 0;
    let mut hand_out = || {
        while wanted[next] == 0 {
            next = (next + 1) % members.len();
        }
        wanted[next] -= 1;
        let member = next;
        next = (next + 1) % members.len();
        member
    };
    buckets.into_iter().map(|kept| members[kept.unwrap_or_else(&mut hand_out)]).collect()
}

fn held(size: usize, members: usize, holder: impl Fn(usize) -> Option<usize>) -> Vec<usize> {
    let mut held = vec![0; members];
    (0..size).filter_map(holder).for_each(|member| held[member] += 1);
    held
}

/// How many buckets each member is owed: equal shares, the odd ones to those who hold most already.
fn quotas(held: &[usize], size: usize) -> Vec<usize> {
    let share = size / held.len();
    let mut by_holding: Vec<usize> = (0..held.len()).collect();
    by_holding.sort_by_key(|&member| core::cmp::Reverse(held[member]));
    let mut quotas = vec![share; held.len()];
    for &member in &by_holding[..size % held.len()] {
        quotas[member] += 1;
    }
    quotas
}

#[cfg(test)]
mod tests;
