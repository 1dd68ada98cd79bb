//! The scheduler: which backend a new flow gets.
//!
//! A [`Scheduler`] is a service's table with what leads into it and out of it:
//! which of the flow's fields are hashed, which slot's member is which of the
//! service's backends, and, for the kernel's kinds, who takes new flows at all.
//! It is a value; a change of the backends makes a new one, from the old one
//! where that is less to do. How tables are filled is [`table`](crate::table)'s
//! work, what becomes of flows that have a backend already the
//! [`director`](crate::director)'s.

use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;

use crate::config::{BackendConfig, BackendState, SchedulerKind, ServiceConfig};
use crate::flow::{FlowKey, HashFields};
use crate::hash::{FlowHash, HashKey};
use crate::identity::{Endpoint, Family, Weight};
use crate::table::ipvs::DestinationList;
use crate::table::{Member, MemberIndex, Table, TableCache, TableError, TableKind, ipvs, ipvs_mh, ipvs_sh};

/// A service's way from a new flow to a backend.
///
/// ```
/// use lb_core::config::{Config, LbFile};
/// use lb_core::scheduler::Scheduler;
/// use lb_core::table::TableCache;
/// use lb_core::{FlowKey, Protocol};
///
/// let file: LbFile = serde_saphyr::from_str(
///     r#"
/// hashKey: "0123456789abcdef0123456789abcdef"
/// services:
///   - vip: 203.0.113.10
///     port: 443
///     protocol: tcp
///     backends: [{ address: 10.1.0.5, state: drain }, { address: 10.1.0.6 }]
/// "#,
/// )?;
/// let config = Config::try_from(file)?;
/// let mut tables = TableCache::default();
/// let scheduler = Scheduler::new(&config.services[0], config.hash_key, &mut tables, None)?;
///
/// let vip = ([203, 0, 113, 10].into(), 443);
/// let flow = FlowKey::v4(Protocol::TCP, ([192, 0, 2, 1].into(), 40_000), vip);
/// assert_eq!(scheduler.schedule(&flow), Some(1), "who drains gets no new flow");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Scheduler {
    kind: SchedulerKind,
    key: HashKey,
    fields: HashFields,
    table: Arc<Table>,
    /// By the table's members.
    holders: Vec<Holder>,
}

/// A member of the table as the service knows it.
#[derive(Clone, Copy, Debug)]
struct Holder {
    /// Which of the service's backends it is.
    backend: u32,
    /// Whether it takes new flows; only the kernel's tables have members that do not.
    takes: bool,
}

/// How a flow came to its backend, or to none.
///
/// Prints as `hash 1f..., slot 17 of 65537: 10.1.0.5:443`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ScheduleTrace {
    /// The flow's hash; the kernel's kinds hash in a way of their own.
    pub hash: Option<FlowHash>,
    /// The slot it falls into; for a ring the sample that is nearest below.
    pub slot: u32,
    /// How many slots there are.
    pub size: u32,
    /// Who holds that slot; for a ring, who holds the flow's very place.
    pub holder: Option<Endpoint>,
    /// How many slots were looked at: more than one on a kernel's fallback tour.
    pub looked_at: u32,
    /// Who gets the flow.
    pub backend: Option<Endpoint>,
}

impl Scheduler {
    /// The scheduler of a service; equal tables are shared through `tables`.
    ///
    /// `base` is a scheduler of the same service, whose table is a start.
    /// Which backends hold slots is said at [`SchedulerKind`] and [`BackendState`].
    ///
    /// # Errors
    ///
    /// [`TableError`]: what the kind and the backends cannot have.
    pub fn new(
        service: &ServiceConfig,
        key: HashKey,
        tables: &mut TableCache,
        base: Option<&Self>,
    ) -> Result<Self, TableError> {
        let ServiceConfig { address, scheduler: kind, hash_fields: fields, backends, .. } = service;
        let (kind, family) = (*kind, Family::of(address.address));
        let table_kind = table_kind(kind, family);
        let members =
            if kind.is_ipvs() { kernel_list(backends).members(table_kind) } else { own_members(backends) };
        let table = tables.build_or_share(table_kind, &key, &members, base.map(|base| &*base.table))?;
        let mut by_endpoint: Vec<_> = (0_u32..).zip(backends).collect();
        by_endpoint.sort_unstable_by_key(|(_, backend)| backend.endpoint);
        let holder = |member: &Member| {
            let found = by_endpoint.binary_search_by_key(&member.endpoint, |(_, backend)| backend.endpoint);
            let (place, backend) = by_endpoint[found.expect("every member was made from a backend")];
            let takes = backend.state == BackendState::Active && backend.weight.0 > 0;
            Holder { backend: place, takes }
        };
        let holders = table.members().iter().map(holder).collect();
        Ok(Self { kind, key, fields: *fields, table, holders })
    }

    /// Which of the service's backends a new flow gets, by its place in their list.
    ///
    /// `None` if there is none: no backend holds slots or, with a kernel's kind,
    /// the one that does takes no flows.
    #[must_use]
    #[inline]
    pub fn schedule(&self, flow: &FlowKey) -> Option<usize> {
        let member = match self.kind {
            SchedulerKind::Maglev { .. } | SchedulerKind::Rendezvous { .. } | SchedulerKind::Ring { .. } => {
                self.table.lookup(self.key.hash_flow(flow, self.fields))?.0
            }
            SchedulerKind::IpvsMh { .. } | SchedulerKind::IpvsSh { .. } => self.kernel_choice(flow).0?.into(),
        };
        Some(self.holders[member as usize].backend as usize)
    }

    /// Tells what [`schedule`](Self::schedule) says, and how it comes to it.
    #[must_use]
    pub fn explain(&self, flow: &FlowKey) -> ScheduleTrace {
        let slots = self.table.slots();
        let size = u32::try_from(slots.len()).expect("a table has at most MAX_SIZE slots");
        let endpoint =
            |member: u16| self.table.members().get(usize::from(member)).map(|member| member.endpoint);
        if self.kind.is_ipvs() {
            let (member, looked_at) = self.kernel_choice(flow);
            let slot = self.kernel_slot(flow, 0);
            let holder = slots.get(slot as usize).copied().and_then(endpoint);
            let backend = member.and_then(endpoint);
            return ScheduleTrace { hash: None, slot, size, holder, looked_at, backend };
        }
        let hash = self.key.hash_flow(flow, self.fields);
        // not the slot's holder: between two samples of a ring there can be points
        let backend = self.table.lookup(hash).and_then(|MemberIndex(member)| endpoint(member as u16));
        let slot = self.table.slot(hash);
        ScheduleTrace { hash: Some(hash), slot, size, holder: backend, looked_at: 1, backend }
    }

    /// The table.
    #[must_use]
    pub const fn table(&self) -> &Arc<Table> {
        &self.table
    }

    /// Who holds each slot, as a place in the service's list of backends.
    #[must_use]
    pub fn slots_by_backend(&self) -> Vec<Option<usize>> {
        let backend = |member: &u16| Some(self.holders.get(usize::from(*member))?.backend as usize);
        self.table.slots().iter().map(backend).collect()
    }

    /// What the kernel hashes of a flow: the source, and its port if told so.
    fn kernel_client(&self, flow: &FlowKey) -> (core::net::IpAddr, u16) {
        let with_port = match self.kind {
            SchedulerKind::IpvsMh { port, .. } | SchedulerKind::IpvsSh { port, .. } => port,
            SchedulerKind::Maglev { .. } | SchedulerKind::Rendezvous { .. } | SchedulerKind::Ring { .. } => {
                false
            }
        };
        (flow.source(), if with_port { flow.source_port() } else { 0 })
    }

    /// Where the kernel looks for a flow's holder, on its fallback's tour at that offset.
    fn kernel_slot(&self, flow: &FlowKey, offset: u32) -> u32 {
        let (address, port) = self.kernel_client(flow);
        match self.table.kind() {
            TableKind::IpvsSh { size } => ipvs_sh::slot(size, address, port, offset),
            TableKind::IpvsMh { size, .. }
            | TableKind::Maglev { size }
            | TableKind::Rendezvous { size }
            | TableKind::Ring { points: size } => ipvs_mh::slot(size, address, port, offset),
        }
    }

    fn kernel_choice(&self, flow: &FlowKey) -> (Option<u16>, u32) {
        let fallback = match self.kind {
            SchedulerKind::IpvsMh { fallback, .. } | SchedulerKind::IpvsSh { fallback, .. } => fallback,
            SchedulerKind::Maglev { .. } | SchedulerKind::Rendezvous { .. } | SchedulerKind::Ring { .. } => {
                false
            }
        };
        let takes = |member: u16| self.holders[usize::from(member)].takes;
        ipvs::choose(self.table.slots(), fallback, |offset| self.kernel_slot(flow, offset), takes)
    }
}

/// The table that a scheduler looks into.
const fn table_kind(kind: SchedulerKind, family: Family) -> TableKind {
    match kind {
        SchedulerKind::Maglev { table_size } => TableKind::Maglev { size: table_size },
        SchedulerKind::Rendezvous { table_size } => TableKind::Rendezvous { size: table_size },
        SchedulerKind::Ring { points } => TableKind::Ring { points },
        SchedulerKind::IpvsMh { table_size, .. } => TableKind::IpvsMh { size: table_size, family },
        SchedulerKind::IpvsSh { table_size, .. } => TableKind::IpvsSh { size: table_size },
    }
}

/// Our own kinds: who is active and has a weight.
fn own_members(backends: &[BackendConfig]) -> Vec<Member> {
    let active = backends.iter().filter(|backend| backend.state == BackendState::Active);
    active.map(|backend| Member::new(backend.endpoint, backend.weight)).collect()
}

/// The kernel's list after the backends were added in order, the draining then
/// set to weight 0 (they keep their slots) and those that are down deleted.
fn kernel_list(backends: &[BackendConfig]) -> DestinationList {
    let mut list = DestinationList::default();
    for backend in backends {
        list.add(backend.endpoint, backend.weight);
    }
    for backend in backends {
        match backend.state {
            BackendState::Active => {}
            BackendState::Drain => list.set_weight(&backend.endpoint, Weight(0)),
            BackendState::Down => list.remove(&backend.endpoint),
        }
    }
    list
}

impl fmt::Display for ScheduleTrace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(FlowHash(hash)) = self.hash {
            write!(f, "hash {hash:016x}, ")?;
        }
        write!(f, "slot {} of {}: ", self.slot, self.size)?;
        match (self.holder, self.backend) {
            (None, None) => f.write_str("empty"),
            (Some(holder), Some(backend)) if holder == backend => write!(f, "{backend}"),
            (Some(holder), None) => write!(f, "{holder} takes no new flows"),
            (_, Some(backend)) => {
                write!(f, "its holder takes no new flows, fallback after {} looks: {backend}", self.looked_at)
            }
        }
    }
}

#[cfg(test)]
mod tests;
