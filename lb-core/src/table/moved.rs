//! How many slots lie elsewhere in another table, and how many had to.

use super::{Member, NONE, Table};
use crate::hash::FlowHash;

/// What a change of tables moves.
///
/// ```
/// use lb_core::table::{Member, Table, TableKind};
/// use lb_core::{Endpoint, HashKey, Weight};
///
/// let member = |last| Member::new(Endpoint::new([10, 1, 0, last].into(), 443), Weight(1));
/// let (kind, key) = (TableKind::Rendezvous { size: 1 << 12 }, HashKey::new([7; 16]));
/// let old = Table::build(kind, &key, &[member(1), member(2), member(3), member(4)])?;
/// let new = old.update(&[member(1), member(2), member(3)])?;
/// let moved = old.moved(&new);
/// assert_eq!(moved.slots, old.slot_counts()[3], "its own and no other");
/// assert!((moved.ideal_fraction - 0.25).abs() < 1e-12);
/// # Ok::<(), lb_core::table::TableError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Moved {
    /// Slots whose holder is another endpoint, or nobody, or was nobody.
    pub slots: u32,
    /// Of so many that were compared.
    pub of: u32,
    /// The least fraction that any table could move: what the shares by weight gain, added up.
    pub ideal_fraction: f64,
}

impl Moved {
    /// The fraction of slots that moved, 0..=1.
    #[must_use]
    pub fn fraction(&self) -> f64 {
        f64::from(self.slots) / f64::from(self.of.max(1))
    }
}

impl Table {
    /// What moves if `new` takes this table's place.
    ///
    /// Tables of different sizes are compared at as many evenly spaced hashes
    /// as the larger has slots.
    #[must_use]
    pub fn moved(&self, new: &Self) -> Moved {
        let of = self.slots().len().max(new.slots().len());
        let holder = |table: &Self, slot: usize| {
            let hash = ((slot as u128 * 2 + 1) << 63) / of as u128;
            let holder = table.slots()[table.slot(FlowHash(hash as u64)) as usize];
            (holder != NONE).then(|| table.members()[usize::from(holder)].endpoint)
        };
        let slots = (0..of).filter(|&slot| holder(self, slot) != holder(new, slot)).count();
        let ideal_fraction = ideal_fraction(self.members(), new.members());
        Moved { slots: slots as u32, of: of as u32, ideal_fraction }
    }
}

/// The sum of what each member's share by weight gains; all if one side has no weight.
fn ideal_fraction(old: &[Member], new: &[Member]) -> f64 {
    let total = |members: &[Member]| members.iter().map(|member| f64::from(member.weight.0)).sum::<f64>();
    let (old_total, new_total) = (total(old), total(new));
    if old_total == 0.0 || new_total == 0.0 {
        return if old_total == new_total { 0.0 } else { 1.0 };
    }
    let mut by_endpoint = old.to_vec();
    by_endpoint.sort_unstable();
    let gain = |member: &Member| {
        let found = by_endpoint.binary_search_by_key(&member.endpoint, |old| old.endpoint);
        let old_share = found.map_or(0.0, |index| f64::from(by_endpoint[index].weight.0) / old_total);
        (f64::from(member.weight.0) / new_total - old_share).max(0.0)
    };
    new.iter().map(gain).sum()
}
