//! Tables: from a flow's hash to a member.
//!
//! A [`Table`] is an immutable value, a function of (kind, key, members) and of
//! nothing else: no history, and for our own kinds no order either. Its
//! [`Digest`] names that triple, so equal members share one table
//! ([`TableCache`]) and two nodes can tell in 16 bytes that they agree. What a
//! kind promises, it declares ([`TableKind::contract`]), and one test checks
//! every declaration. Which backends are members, and the kernel's ways with
//! unavailable ones, is [`scheduler`](crate::scheduler)'s work.
//!
//! [`maglev`]'s idea is from Eisenbud et al., "Maglev: A Fast and Reliable
//! Software Network Load Balancer" (NSDI 2016); [`rendezvous`] from Thaler and
//! Ravishankar (1998); [`ring`] from Karger et al. (1997); [`ipvs_mh`] and
//! [`ipvs_sh`] model Linux.

use alloc::boxed::Box;
use alloc::vec;
use alloc::vec::Vec;

use crate::hash::{FlowHash, HashKey};
use crate::identity::{Endpoint, Family, Weight};

pub mod cache;
pub mod contract;
pub mod digest;
pub mod ipvs;
pub mod ipvs_mh;
pub mod ipvs_sh;
pub mod maglev;
mod mix;
mod moved;
pub mod quota;
pub mod rendezvous;
pub mod ring;
mod walk;

#[cfg(test)]
mod tests;

pub use cache::TableCache;
pub use contract::Contract;
pub use digest::Digest;
pub use moved::Moved;

/// A slot that nobody holds, in [`Table::slots`].
pub const NONE: u16 = u16::MAX;

/// The most members of one table: a slot names its holder in 16 bits.
pub const MAX_MEMBERS: usize = NONE as usize;

/// The most slots of one table: 32 MiB.
pub const MAX_SIZE: u32 = 1 << 24;

/// One who holds slots, and its share relative to the others'.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Member {
    /// The name that all nodes agree on.
    pub endpoint: Endpoint,
    /// Its share; 0 holds no slot in our own kinds.
    pub weight: Weight,
}

impl Member {
    /// A member from its two parts.
    #[must_use]
    pub const fn new(endpoint: Endpoint, weight: Weight) -> Self {
        Self { endpoint, weight }
    }
}

/// A member's place in [`Table::members`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MemberIndex(pub u32);

/// How a table is filled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TableKind {
    /// Exact quotas, little movement: [`maglev`].
    Maglev {
        /// Slots, `1..=MAX_SIZE`; any number, a prime is not needed.
        size: u32,
    },
    /// No movement beyond the member's own slots, statistical shares: [`rendezvous`].
    Rendezvous {
        /// Slots, `1..=MAX_SIZE`.
        size: u32,
    },
    /// Hashed points on a circle: [`ring`].
    Ring {
        /// Points per unit of weight, at least 1.
        points: u32,
    },
    /// The Linux scheduler `mh`: [`ipvs_mh`].
    IpvsMh {
        /// Slots: one of [`ipvs_mh::SIZES`].
        size: u32,
        /// The service's, by which destinations of either are hashed.
        family: Family,
    },
    /// The Linux scheduler `sh`: [`ipvs_sh`].
    IpvsSh {
        /// Slots: a power of two, 2^4 to 2^20.
        size: u32,
    },
}

/// Why there is no such table; all are the configuration's fault.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TableError {
    /// One endpoint is named twice.
    #[error("endpoint {endpoint} is listed twice")]
    DuplicateEndpoint {
        /// The endpoint.
        endpoint: Endpoint,
    },
    /// The kernel has no table of that size.
    #[error("the kernel has no table of {size} slots")]
    NotKernelSize {
        /// The size asked for.
        size: u32,
    },
    /// No slots (or points), or more than are allowed.
    #[error("table size {size} is not within 1..={max}")]
    SizeOutOfRange {
        /// The size asked for.
        size: u32,
        /// The largest allowed.
        max: u32,
    },
    /// The ring would have too many points; lower the points or the weights.
    #[error("{total} points on the ring are more than {max}; lower the points or the weights")]
    TooManyPoints {
        /// Points of all members together.
        total: u64,
        /// The most allowed.
        max: u64,
    },
    /// Not every member can have a slot; a larger table can help up to [`MAX_MEMBERS`].
    #[error("{members} members do not fit a table for at most {limit}")]
    TooManyMembers {
        /// Members with a weight above 0 (for the kernel's kinds: all).
        members: usize,
        /// The most that this table takes.
        limit: usize,
    },
}

/// Which member gets which hash: slots, filled once and named by a digest.
///
/// Immutable: a change of members makes another table, by
/// [`update`](Self::update) or [`build`](Self::build) with the same outcome;
/// share it behind an `Arc`, best through a [`TableCache`]. What each kind
/// promises about order, shares and movement is in [`contract`].
///
/// ```
/// use lb_core::table::{Member, Table, TableKind};
/// use lb_core::{Endpoint, FlowHash, HashKey, Weight};
///
/// let key = HashKey::new(*b"0123456789abcdef");
/// let member = |last, weight| {
///     Member::new(Endpoint::new([10, 1, 0, last].into(), 443), Weight(weight))
/// };
/// let kind = TableKind::Maglev { size: 251 };
/// let table = Table::build(kind, &key, &[member(5, 100), member(6, 50)])?;
/// let again = Table::build(kind, &key, &[member(6, 50), member(5, 100)])?;
/// assert_eq!(table.slots(), again.slots());
/// assert_eq!(table.digest(), again.digest());
/// assert_eq!(table.slot_counts(), [167, 84]);
/// assert!(table.lookup(FlowHash(42)).is_some());
///
/// let without = table.update(&[member(6, 50)])?;
/// assert_eq!(without.slot_counts(), [251]);
/// # Ok::<(), lb_core::table::TableError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Table {
    kind: TableKind,
    key: HashKey,
    digest: Digest,
    members: Box<[Member]>,
    filling: Filling,
}

/// The slots, with what each kind needs beside them.
#[derive(Clone, Debug)]
enum Filling {
    Maglev(maglev::Maglev),
    Rendezvous(rendezvous::Rendezvous),
    Ring(ring::Ring),
    Slots(Box<[u16]>),
}

impl Table {
    /// Builds from nothing.
    ///
    /// Our own kinds ignore the order of `members` and drop those of weight 0.
    /// The kernel's kinds read `members` as the kernel's destination list from
    /// its head ([`ipvs::DestinationList::members`]) and ignore `key`.
    ///
    /// # Errors
    ///
    /// [`TableError`]: what `kind` and `members` cannot have.
    pub fn build(kind: TableKind, key: &HashKey, members: &[Member]) -> Result<Self, TableError> {
        let members = canonical(kind, members)?;
        let digest = Digest::of(kind, key, &members);
        let filling = match kind {
            TableKind::Maglev { size } => Filling::Maglev(maglev::build(size, key, &members)),
            TableKind::Rendezvous { size } => Filling::Rendezvous(rendezvous::build(size, key, &members)),
            TableKind::Ring { points } => Filling::Ring(ring::Ring::build(points, key, &members)),
            TableKind::IpvsMh { size, family } => Filling::Slots(ipvs_mh::build(size, family, &members)),
            TableKind::IpvsSh { size } => Filling::Slots(ipvs_sh::build(size, &members)),
        };
        Ok(Self { kind, key: *key, digest, members, filling })
    }

    /// The table of `members`, same kind and key: the bytes of
    /// [`build`](Self::build), for less work if it is [`maglev`] and little changed.
    ///
    /// Never for much more: what a repair may cost beyond a build is less than half a build.
    ///
    /// # Errors
    ///
    /// As [`build`](Self::build).
    pub fn update(&self, members: &[Member]) -> Result<Self, TableError> {
        let kind = self.kind;
        let members = canonical(kind, members)?;
        let filling = match &self.filling {
            Filling::Maglev(base) => {
                Filling::Maglev(maglev::update(base, &self.key, &self.members, &members))
            }
            Filling::Rendezvous(_) | Filling::Ring(_) | Filling::Slots(_) => {
                return Self::build(kind, &self.key, &members);
            }
        };
        let digest = Digest::of(kind, &self.key, &members);
        Ok(Self { kind, key: self.key, digest, members, filling })
    }

    /// The digest that the table of these members has, without building it.
    ///
    /// # Errors
    ///
    /// As [`build`](Self::build).
    pub fn digest_of(kind: TableKind, key: &HashKey, members: &[Member]) -> Result<Digest, TableError> {
        Ok(Digest::of(kind, key, &canonical(kind, members)?))
    }

    /// Whether it was built with this key.
    #[must_use]
    pub fn has_key(&self, key: &HashKey) -> bool {
        self.key == *key
    }

    /// How it was filled.
    #[must_use]
    pub const fn kind(&self) -> TableKind {
        self.kind
    }

    /// The name of (kind, key, members); equal digests mean equal slots.
    #[must_use]
    pub const fn digest(&self) -> Digest {
        self.digest
    }

    /// The members that slots refer to: for our own kinds those with a weight,
    /// sorted by endpoint; for the kernel's in list order.
    #[must_use]
    pub const fn members(&self) -> &[Member] {
        &self.members
    }

    /// Who holds each slot, as an index into [`members`](Self::members), or [`NONE`].
    ///
    /// For [`ring`], 65,536 evenly spaced samples of the circle.
    #[must_use]
    pub const fn slots(&self) -> &[u16] {
        match &self.filling {
            Filling::Maglev(maglev) => &maglev.slots,
            Filling::Rendezvous(rendezvous) => &rendezvous.slots,
            Filling::Ring(ring) => &ring.slots,
            Filling::Slots(slots) => slots,
        }
    }

    /// How many slots each member holds, by [`members`](Self::members).
    #[must_use]
    pub fn slot_counts(&self) -> Vec<u32> {
        let mut counts = vec![0; self.members.len()];
        for &holder in self.slots() {
            if let Some(count) = counts.get_mut(usize::from(holder)) {
                *count += 1;
            }
        }
        counts
    }

    /// How many members hold a slot only because chance left them none: [`rendezvous`]'s exception.
    #[must_use]
    pub const fn starved(&self) -> usize {
        match &self.filling {
            Filling::Rendezvous(rendezvous) => rendezvous.starved,
            Filling::Maglev(_) | Filling::Ring(_) | Filling::Slots(_) => 0,
        }
    }

    /// The slot of a hash: equal stretches of the hash's range, in order.
    #[must_use]
    pub fn slot(&self, hash: FlowHash) -> u32 {
        let wide = u128::from(hash.0) * self.slots().len() as u128;
        u32::try_from(wide >> 64).expect("below the number of slots, which is at most MAX_SIZE")
    }

    /// Who gets a flow of this hash; nobody if there are no members.
    ///
    /// The kernel's kinds place flows by hashes of their own, which are
    /// [`scheduler`](crate::scheduler)'s to ask.
    #[must_use]
    #[inline]
    pub fn lookup(&self, hash: FlowHash) -> Option<MemberIndex> {
        let holder = match &self.filling {
            Filling::Ring(ring) => return ring.holder(hash.0).map(|holder| MemberIndex(holder.into())),
            Filling::Maglev(_) | Filling::Rendezvous(_) | Filling::Slots(_) => {
                self.slots()[self.slot(hash) as usize]
            }
        };
        (holder != NONE).then_some(MemberIndex(u32::from(holder)))
    }
}

/// Checks what is common to all tables and puts own kinds' members in order.
fn canonical(kind: TableKind, members: &[Member]) -> Result<Box<[Member]>, TableError> {
    let (size, max) = match kind {
        TableKind::Maglev { size }
        | TableKind::Rendezvous { size }
        | TableKind::IpvsMh { size, .. }
        | TableKind::IpvsSh { size } => (size, MAX_SIZE),
        TableKind::Ring { points } => (points, u32::MAX),
    };
    if size == 0 || size > max {
        return Err(TableError::SizeOutOfRange { size, max });
    }
    let is_kernels = match kind {
        TableKind::IpvsMh { .. } | TableKind::IpvsSh { .. } => true,
        TableKind::Maglev { .. } | TableKind::Rendezvous { .. } | TableKind::Ring { .. } => false,
    };
    let mut sorted = members.to_vec();
    sorted.sort_unstable();
    if let Some(pair) = sorted.windows(2).find(|pair| pair[0].endpoint == pair[1].endpoint) {
        return Err(TableError::DuplicateEndpoint { endpoint: pair[0].endpoint });
    }
    let mut canonical = if is_kernels { members.to_vec() } else { sorted };
    canonical.retain(|member| is_kernels || member.weight.0 > 0);
    check_members(kind, &canonical)?;
    Ok(canonical.into_boxed_slice())
}

/// Checks whether the table can hold the members.
fn check_members(kind: TableKind, members: &[Member]) -> Result<(), TableError> {
    let limit = match kind {
        TableKind::IpvsMh { size, .. } if !ipvs_mh::SIZES.contains(&size) => {
            return Err(TableError::NotKernelSize { size });
        }
        TableKind::IpvsSh { size } if !size.is_power_of_two() || !(1 << 4..=1 << 20).contains(&size) => {
            return Err(TableError::NotKernelSize { size });
        }
        TableKind::Ring { points } => {
            let weights: u64 = members.iter().map(|member| u64::from(member.weight.0)).sum();
            let total = weights * u64::from(points);
            if total > ring::MAX_POINTS {
                return Err(TableError::TooManyPoints { total, max: ring::MAX_POINTS });
            }
            MAX_MEMBERS
        }
        // The kernel lets a list be longer than `sh`'s table: the last ones get no bucket.
        TableKind::IpvsSh { .. } => MAX_MEMBERS,
        TableKind::Maglev { size } | TableKind::Rendezvous { size } | TableKind::IpvsMh { size, .. } => {
            MAX_MEMBERS.min(size as usize)
        }
    };
    if members.len() > limit {
        return Err(TableError::TooManyMembers { members: members.len(), limit });
    }
    Ok(())
}
