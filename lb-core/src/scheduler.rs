//! The scheduler: which backend a new flow gets.
#![allow(missing_docs, reason = "filled in by the tables' commit")]
use alloc::collections::BTreeMap;
use alloc::sync::Arc;
use alloc::vec::Vec;

use crate::config::{BackendConfig, BackendState, SchedulerKind};
use crate::table::{Digest, Member, Table, TableError, TableKind};
use crate::{FlowKey, HashFields, HashKey};

#[derive(Debug, Default)]
pub struct TableCache(BTreeMap<Digest, Arc<Table>>);

impl TableCache {
    pub fn build_or_share(
        &mut self,
        kind: TableKind,
        key: &HashKey,
        members: &[Member],
    ) -> Result<Arc<Table>, TableError> {
        let table = Arc::new(Table::build(kind, key, members)?);
        Ok(self.0.entry(table.digest()).or_insert(table).clone())
    }
}

#[derive(Clone, Debug)]
pub struct Scheduler {
    key: HashKey,
    fields: HashFields,
    table: Arc<Table>,
    places: Vec<usize>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScheduleTrace {
    pub slot: u32,
}

impl core::fmt::Display for ScheduleTrace {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "slot {}", self.slot)
    }
}

impl Scheduler {
    pub fn new(
        kind: SchedulerKind,
        key: HashKey,
        fields: HashFields,
        backends: &[BackendConfig],
        tables: &mut TableCache,
        _base: Option<&Self>,
    ) -> Result<Self, TableError> {
        let kind = match kind {
            SchedulerKind::Maglev { table_size }
            | SchedulerKind::Rendezvous { table_size }
            | SchedulerKind::IpvsMh { table_size, .. }
            | SchedulerKind::IpvsSh { table_size, .. } => TableKind::Maglev { size: table_size },
            SchedulerKind::Ring { .. } => TableKind::Maglev { size: 65_537 },
        };
        let members: Vec<_> = backends
            .iter()
            .filter(|backend| backend.state == BackendState::Active && backend.weight.0 > 0)
            .map(|backend| Member::new(backend.endpoint, backend.weight))
            .collect();
        let table = tables.build_or_share(kind, &key, &members)?;
        let place = |member: &Member| backends.iter().position(|backend| backend.endpoint == member.endpoint);
        let places = table.members().iter().filter_map(place).collect();
        Ok(Self { key, fields, table, places })
    }

    pub fn schedule(&self, flow: &FlowKey) -> Option<usize> {
        let member = self.table.lookup(self.key.hash_flow(flow, self.fields))?;
        Some(self.places[member.0 as usize])
    }

    pub fn explain(&self, flow: &FlowKey) -> ScheduleTrace {
        ScheduleTrace { slot: self.table.slot(self.key.hash_flow(flow, self.fields)) }
    }
}
