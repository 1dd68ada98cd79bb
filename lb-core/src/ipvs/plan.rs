//! The plan: from what the kernel holds to what it is to hold, by the fewest writes.
//!
//! Nothing is written that is right, so a restarted agent that finds its own
//! tables writes nothing. Only services that are owned are touched; others are
//! listed. What is left is a question of order, for two reasons. The kernel's
//! tables depend on the order of adding, which only deleting and adding anew
//! can change ([`order`]); and between the first write and the last the service
//! goes on serving. So: new destinations before old ones go, more before less,
//! and whatever is deleted only to be added anew is added by the next write,
//! while `expire_nodest_conn` is 0, so that its connections wait for it. It is 0
//! from the first write on: a deletion while it is 1 has the kernel (5.9 and
//! newer) go through all connections a moment later and end those that have no
//! destination just then, which would be those between a delete and its add. So
//! where there is something to repair, flows of the dead end after the repair. A
//! new service has no scheduler until its destinations are there.
//!
//! Only a weight above 0 gives a destination slots, so one that is to be parked
//! is added with weight 1 and a limit of one connection, and set to 0 by the next
//! write: no more than one new flow can slip in.
//!
//! A plan may end anywhere: observed again, a new one leads to the same table.
//!
//! # Repairing an order
//!
//! Meanwhile new flows (and only they: who has a connection keeps it, though its
//! packets are lost between the two writes) meet tables in between. One of the
//! middle of N backends comes back (computed anew by the tests of `desired`):
//!
//! | N x units | writes | slots elsewhere meanwhile: mean, worst |
//! |---|---|---|
//! | 10 x 1 | 9 | 5.1 %, 11.3 % |
//! | 100 x 1 | 99 | 3.1 %, 4.9 % |
//! | 400 x 1 | 399 | 6.3 %, 8.6 % |
//! | 10 x 8 | 142 | 8.1 %, 13.2 % |
//! | 100 x 8 | 1,492 | 15.0 %, 20.9 % |
//!
//! A deleted destination waits on a list that every addition searches from its
//! head, for two minutes at least. A pair finds its own at once and leaves
//! nothing there, so a repair costs the same however often it is done; only
//! what is deleted for good makes the list longer.
//!
//! Where many services are to be repaired at once, [`Repair::Later`] makes them
//! serve first.

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::ops::RangeInclusive;

use ipnet::IpNet;

use super::command::Command;
use super::service::ServiceKey;
use super::state::{Desired, DesiredService, Observed};

mod order;
mod service;

/// What of the kernel's is ours to change.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ownership {
    /// Services whose VIP is in one of these.
    pub prefixes: Vec<IpNet>,
    /// Services by firewall mark, if the agent has marks of its own.
    pub marks: Option<RangeInclusive<u32>>,
}

impl Ownership {
    /// Whether a service is ours.
    #[must_use]
    pub fn owns(&self, key: &ServiceKey) -> bool {
        match key {
            ServiceKey::Address(address) => {
                self.prefixes.iter().any(|prefix| prefix.contains(&address.address))
            }
            ServiceKey::Mark { mark, .. } => self.marks.as_ref().is_some_and(|marks| marks.contains(mark)),
        }
    }
}

/// When a wrong order of destinations is put right.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Repair {
    /// In this plan.
    #[default]
    Now,
    /// In another: this one makes every destination serve as it should, and
    /// says which services are [`misordered`](Plan::misordered). Until then
    /// this node and others may place a new flow differently, which matters if
    /// one of them fails.
    Later,
}

/// What is to be written, and what is not.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Plan {
    /// The writes, in order.
    pub commands: Vec<Command>,
    /// Services that the kernel holds and that are not ours: left alone.
    pub foreign: Vec<ServiceKey>,
    /// Services that are wanted and are not ours to write: left out.
    pub outside: Vec<ServiceKey>,
    /// Services whose order is left wrong; none with [`Repair::Now`].
    pub misordered: Vec<ServiceKey>,
    /// Destinations that no longer hold slots and wait for their last
    /// connection, to be deleted by a later plan.
    pub leaving: usize,
}

impl Plan {
    /// Whether nothing is to be written.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.commands.is_empty()
    }
}

/// The writes that make the kernel hold what is desired.
///
/// ```
/// use lb_core::ipvs::{Desired, DesiredService, Kernel, KernelDestination, KernelService, Ownership};
/// use lb_core::ipvs::{Family, ForwardMethod, Repair, ServiceFlags, ServiceKey, Standing, Tunnel, plan};
/// use lb_core::table::TableKind;
/// use lb_core::Endpoint;
///
/// let key = ServiceKey::Address("203.0.113.10:443/tcp".parse()?);
/// let destination = |last| {
///     let endpoint = Endpoint::new([10, 1, 0, last].into(), 443);
///     KernelDestination::new(endpoint, ForwardMethod::Tunnel(Tunnel::Ipip), Standing::Serving)
/// };
/// let service = DesiredService {
///     service: KernelService::new("mh", ServiceFlags::SCHEDULER_2, Family::V4),
///     table: TableKind::IpvsMh { size: 4_093, family: Family::V4 },
///     destinations: vec![destination(5), destination(6)],
/// };
/// let desired = Desired { services: [(key, service)].into() };
/// let ours = Ownership { prefixes: vec!["203.0.113.0/24".parse()?], marks: None };
///
/// let mut kernel = Kernel::default();
/// for command in plan(&kernel.observed(), &desired, &ours, Repair::Now).commands {
///     kernel.apply(&command)?;
/// }
/// assert!(plan(&kernel.observed(), &desired, &ours, Repair::Now).is_empty());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use]
pub fn plan(observed: &Observed, desired: &Desired, ownership: &Ownership, repair: Repair) -> Plan {
    let is_foreign = |key: &&ServiceKey| !ownership.owns(key);
    let mut plan = Plan {
        foreign: observed.services.keys().filter(is_foreign).copied().collect(),
        outside: desired.services.keys().filter(is_foreign).copied().collect(),
        ..Plan::default()
    };
    let ours = || desired.services.iter().filter(|(key, _)| ownership.owns(key));
    let mut changes = Vec::new();
    for (key, service) in ours() {
        if let Some(observed) = observed.services.get(key) {
            changes.push(service::change(*key, observed, service, repair));
        }
    }
    let has_pairs = changes.iter().any(|change| change.has_pairs);
    if has_pairs {
        plan.commands.push(Command::SetExpireNodestConn { value: false });
    }
    for change in &mut changes {
        plan.commands.append(&mut change.first);
    }
    for (key, service) in ours().filter(|(key, _)| !observed.services.contains_key(key)) {
        add_service(*key, service, &mut plan.commands);
    }
    let (paired, plain): (Vec<_>, Vec<_>) = changes.iter_mut().partition(|change| change.has_pairs);
    for change in plain.into_iter().chain(paired) {
        plan.commands.append(&mut change.middle);
    }
    if has_pairs {
        plan.commands.push(Command::SetExpireNodestConn { value: true });
    }
    for mut change in changes {
        plan.commands.append(&mut change.last);
        plan.leaving += change.leaving;
        plan.misordered.extend(change.is_misordered.then_some(change.key));
    }
    let gone = observed.services.keys().filter(|key| !desired.services.contains_key(key));
    for key in gone.filter(|key| ownership.owns(key)) {
        plan.commands.push(Command::DeleteService { key: *key });
    }
    plan
}

/// A service that is not there yet, and its destinations in order.
///
/// The scheduler comes last: the kernel fills the whole table anew at each
/// addition, and a flow that met a table half filled would go where it does not
/// belong, and stay there.
fn add_service(key: ServiceKey, service: &DesiredService, commands: &mut Vec<Command>) {
    let settings = Box::new(service.service.clone());
    let is_filled_first = service.destinations.len() > 1;
    let first = if is_filled_first { Box::new(settings.unscheduled()) } else { settings.clone() };
    commands.push(Command::AddService { key, service: first });
    for destination in &service.destinations {
        service::add(key, service.table, destination, commands);
    }
    if is_filled_first {
        commands.push(Command::SetService { key, service: settings });
    }
}

#[cfg(test)]
mod tests;
