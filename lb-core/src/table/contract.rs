//! What each kind of table promises, as a value that one test checks.
//!
//! A promise holds for all members, weights and keys, except where it is about
//! chance: then for all but one case in millions.

use alloc::vec::Vec;

use super::{Member, TableKind, ipvs_mh, ipvs_sh, quota};

/// What a kind of table promises.
///
/// ```
/// use lb_core::Family;
/// use lb_core::table::TableKind;
/// use lb_core::table::contract::{Movement, Shares};
///
/// let promised = TableKind::Maglev { size: 65_537 }.contract();
/// assert!(promised.order_independent);
/// assert_eq!((promised.shares, promised.movement), (Shares::Exact, Movement::Little));
/// assert!(!TableKind::IpvsMh { size: 4093, family: Family::V4 }.contract().order_independent);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Contract {
    /// Whether members in any order give the same bytes. The kernel's kinds depend on it.
    pub order_independent: bool,
    /// Whether each member with a weight holds a slot, while slots are as many as members.
    pub nobody_starves: bool,
    /// How near each member's slots come to its share.
    pub shares: Shares,
    /// What moves when members change.
    pub movement: Movement,
}

/// How near each member's slots come to its share.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shares {
    /// Exactly its quota: one slot, and of the rest by weight with the largest remainders rounded up.
    Exact,
    /// Random about its share, with this many independent draws for each member's share of the mean:
    /// the slots themselves, or the points of a ring.
    Random(Draws),
    /// Whole turns: within one of its own turns of what all turns' lengths give it. Turns are the
    /// kernel's reduced weights, so the share itself can be far from the weight's.
    Turns,
}

/// What is drawn at random.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Draws {
    /// Each slot: the deviation is the square root of the member's expected slots.
    Slots,
    /// So many points for each unit of weight: a member's share deviates by one part in the square root of its points.
    Points(u32),
}

/// What moves when members change, beside the slots that must.
///
/// A slot must move that changes to or from a member that joined, left or changed its weight.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Movement {
    /// Nothing else, but for one slot of each member that [`starved`](super::Table::starved) before or after.
    OwnSlots,
    /// At most 1 % of all slots, when one of at least a hundred members of like weights, with at least
    /// a hundred slots each, joins, leaves, or changes its weight by up to the factor two: the price
    /// of exact shares. Typically a third of that.
    Little,
    /// Anything up to all slots.
    Unbounded,
}

impl TableKind {
    /// What tables of this kind promise.
    #[must_use]
    pub const fn contract(self) -> Contract {
        let (shares, movement) = match self {
            Self::Maglev { .. } => (Shares::Exact, Movement::Little),
            Self::Rendezvous { .. } => (Shares::Random(Draws::Slots), Movement::OwnSlots),
            Self::Ring { points } => (Shares::Random(Draws::Points(points)), Movement::OwnSlots),
            Self::IpvsMh { .. } | Self::IpvsSh { .. } => (Shares::Turns, Movement::Unbounded),
        };
        let is_own = match self {
            Self::Maglev { .. } | Self::Rendezvous { .. } | Self::Ring { .. } => true,
            Self::IpvsMh { .. } | Self::IpvsSh { .. } => false,
        };
        let nobody_starves = match self {
            Self::Maglev { .. } | Self::Rendezvous { .. } => true,
            // a point or two may own a stretch that no sample falls into
            Self::Ring { .. } | Self::IpvsMh { .. } | Self::IpvsSh { .. } => false,
        };
        Contract { order_independent: is_own, nobody_starves, shares, movement }
    }

    /// How many slots each of a table's members may hold, least and most, as its
    /// [`contract`](Self::contract) says; for random shares within six deviations.
    #[must_use]
    #[allow(clippy::cast_precision_loss, reason = "far fewer than 2^52 slots and units of weight")]
    pub fn expected_slots(self, size: u32, members: &[Member]) -> Vec<(u32, u32)> {
        let around = |mean: f64, slack: f64| {
            let least = if mean > slack { mean - slack } else { 0.0 };
            // truncation is towards the least; the most is rounded up by the 1
            (least as u32, (mean + slack) as u32 + 1)
        };
        let total: f64 = members.iter().map(|member| f64::from(member.weight.0)).sum();
        let mean = |member: &Member| f64::from(size) * f64::from(member.weight.0) / total;
        match self.contract().shares {
            Shares::Exact => quota::quotas(size, members).into_iter().map(|quota| (quota, quota)).collect(),
            Shares::Random(draws) => {
                let bounds = members.iter().map(|member| {
                    let draws = match draws {
                        Draws::Slots => mean(member),
                        Draws::Points(points) => f64::from(member.weight.0) * f64::from(points),
                    };
                    around(mean(member), mean(member) * SIX / square_root(draws) + SIX * SIX)
                });
                bounds.collect()
            }
            Shares::Turns => {
                let turns: Vec<u32> = match self {
                    Self::IpvsMh { size, .. } => ipvs_mh::turns(size, members),
                    Self::IpvsSh { .. }
                    | Self::Maglev { .. }
                    | Self::Rendezvous { .. }
                    | Self::Ring { .. } => members.iter().map(ipvs_sh::turns).collect(),
                };
                let all: f64 = turns.iter().map(|&turns| f64::from(turns)).sum();
                let share = |&turns: &u32| around(f64::from(size) * f64::from(turns) / all, f64::from(turns));
                turns.iter().map(share).collect()
            }
        }
    }
}

/// So many deviations happen to one in a thousand million; the tail of few draws is longer, so the
/// bounds have as many slots more.
const SIX: f64 = 6.0;

/// By Newton's method: `core` has none.
fn square_root(number: f64) -> f64 {
    let mut root = if number > 1.0 { number } else { 1.0 };
    for _ in 0..64 {
        root = f64::midpoint(root, number / root);
    }
    root
}

#[cfg(test)]
mod tests;
