//! Equal tables are built once and shared.
//!
//! A fleet's nodes, and a node's services, often have the same members; a
//! table is immutable, so they may hold the same one. The owner of the
//! directors owns the cache: there is no global one.

use alloc::collections::BTreeMap;
use alloc::sync::{Arc, Weak};

use super::{Digest, Member, Table, TableError, TableKind};
use crate::hash::HashKey;

/// Tables by their digest, for as long as somebody holds them.
///
/// ```
/// use std::sync::Arc;
/// use lb_core::table::{Member, TableCache, TableKind};
/// use lb_core::{Endpoint, HashKey, Weight};
///
/// let mut tables = TableCache::default();
/// let members = [Member::new(Endpoint::new([10, 1, 0, 5].into(), 443), Weight(1))];
/// let kind = TableKind::Maglev { size: 251 };
/// let one = tables.build_or_share(kind, &HashKey::new([7; 16]), &members, None)?;
/// let two = tables.build_or_share(kind, &HashKey::new([7; 16]), &members, None)?;
/// assert!(Arc::ptr_eq(&one, &two));
/// # Ok::<(), lb_core::table::TableError>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct TableCache {
    tables: BTreeMap<Digest, Weak<Table>>,
    /// When the map is this long, those that nobody holds are thrown out.
    sweep_at: usize,
}

impl TableCache {
    /// The table of these members: one that somebody has already, else one
    /// updated from `base` if that is of the same kind and key, else a new one.
    ///
    /// # Errors
    ///
    /// As [`Table::build`].
    pub fn build_or_share(
        &mut self,
        kind: TableKind,
        key: &HashKey,
        members: &[Member],
        base: Option<&Table>,
    ) -> Result<Arc<Table>, TableError> {
        let digest = Table::digest_of(kind, key, members)?;
        if let Some(table) = self.tables.get(&digest).and_then(Weak::upgrade) {
            return Ok(table);
        }
        let base = base.filter(|base| base.kind() == kind && base.has_key(key));
        let table = Arc::new(match base {
            Some(base) => base.update(members)?,
            None => Table::build(kind, key, members)?,
        });
        if self.tables.len() >= self.sweep_at.max(64) {
            self.tables.retain(|_, table| table.strong_count() > 0);
            self.sweep_at = 2 * self.tables.len();
        }
        self.tables.insert(digest, Arc::downgrade(&table));
        Ok(table)
    }
}
