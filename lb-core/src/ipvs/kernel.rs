//! A model of the kernel's side: what commands do, in what they can be relied on.
//!
//! For tests, and for a simulator's nodes. It knows what `ip_vs_ctl.c` (Linux
//! 6.12) does with services and destinations: a destination is added at the
//! head of the list, keeps its last weight above 0, and when deleted waits in a
//! "trash" for connections that still refer to it, from which it comes back to
//! them if it is added again; `expire_nodest_conn` decides whether they wait or
//! end. The tables are [`table`](crate::table)'s, so what a kernel does with a
//! client is known without one. Not modelled: time (the trash is emptied after
//! two minutes without connections), persistence, lower thresholds.

use alloc::collections::BTreeMap;
use alloc::vec::Vec;
use core::net::IpAddr;

use super::command::Command;
use super::destination::KernelDestination;
use super::service::{KernelService, ServiceFlags, ServiceKey};
use super::state::{Observed, ObservedDestination, ObservedService};
use crate::hash::HashKey;
use crate::identity::{Endpoint, Weight};
use crate::table::ipvs::DestinationList;
use crate::table::{Table, TableError, TableKind, ipvs, ipvs_mh, ipvs_sh};

/// An answer of the kernel that is not "done".
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KernelError {
    /// `EEXIST`: the service or destination is there already.
    #[error("it exists already")]
    Exists,
    /// `ESRCH`: there is no such service.
    #[error("there is no such service")]
    NoService,
    /// `ENOENT`: the service has no such destination.
    #[error("there is no such destination")]
    NoDestination,
    /// `ERANGE`: the lower threshold is above the upper.
    #[error("the lower threshold is above the upper")]
    Threshold,
    /// `EINVAL` or `ERANGE`: a weight or a threshold is more than a signed number holds.
    #[error("a weight or a threshold is above 2147483647")]
    TooLarge,
    /// More destinations than `mh` has slots: the kernel takes them, and leaves the table as it was.
    #[error("the table has fewer slots than there are destinations")]
    TableFull,
}

/// A client as the kernel's schedulers know it.
pub type Client = (IpAddr, u16);

/// A kernel with IPVS.
///
/// ```
/// use lb_core::ipvs::{Command, Kernel, KernelDestination, Standing};
/// use lb_core::ipvs::{Family, ForwardMethod, KernelService, ServiceFlags, ServiceKey, Tunnel};
/// use lb_core::Endpoint;
///
/// let key = ServiceKey::Mark { family: Family::V4, mark: 7 };
/// let service = KernelService::new("mh", ServiceFlags::SCHEDULER_2, Family::V4);
/// let endpoint = Endpoint::new([10, 1, 0, 5].into(), 443);
/// let forward = ForwardMethod::Tunnel(Tunnel::Ipip);
/// let destination = KernelDestination::new(endpoint, forward, Standing::Serving);
///
/// let mut kernel = Kernel::default();
/// kernel.apply(&Command::AddService { key, service: service.into() })?;
/// kernel.apply(&Command::AddDestination { key, destination })?;
/// let client = ([192, 0, 2, 1].into(), 40_000);
/// assert_eq!(kernel.handle_packet(&key, client), Some(endpoint));
/// kernel.apply(&Command::DeleteDestination { key, endpoint })?;
/// assert_eq!(kernel.handle_packet(&key, client), None);
/// # Ok::<(), lb_core::ipvs::KernelError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Kernel {
    services: BTreeMap<ServiceKey, Service>,
    expire_nodest_conn: bool,
    mh_slots: u32,
    sh_buckets: u32,
}

#[derive(Clone, Debug)]
struct Service {
    service: KernelService,
    /// Order and last weights.
    list: DestinationList,
    destinations: BTreeMap<Endpoint, KernelDestination>,
    connections: BTreeMap<Client, Endpoint>,
}

impl Default for Kernel {
    /// As a distribution builds it (4,093 slots, 256 buckets), `expire_nodest_conn` set.
    fn default() -> Self {
        Self::new(4_093, 256)
    }
}

impl Kernel {
    /// A kernel compiled with these table sizes, with no services and `expire_nodest_conn` set.
    #[must_use]
    pub const fn new(mh_slots: u32, sh_buckets: u32) -> Self {
        Self { services: BTreeMap::new(), expire_nodest_conn: true, mh_slots, sh_buckets }
    }

    /// Carries out one command.
    ///
    /// # Errors
    ///
    /// [`KernelError`]: the kernel's answer; nothing is changed then, except by
    /// [`KernelError::TableFull`].
    pub fn apply(&mut self, command: &Command) -> Result<(), KernelError> {
        match command {
            Command::AddService { key, service } => self.add_service(*key, service),
            Command::SetService { key, service } => {
                self.service_mut(key)?.service = (**service).clone();
                Ok(())
            }
            Command::DeleteService { key } => {
                self.services.remove(key).map(|_| ()).ok_or(KernelError::NoService)
            }
            Command::AddDestination { key, destination } => self.add(key, *destination),
            Command::SetDestination { key, destination } => self.set(key, *destination),
            Command::DeleteDestination { key, endpoint } => self.delete(key, endpoint),
            Command::SetExpireNodestConn { value } => {
                self.expire_nodest_conn = *value;
                Ok(())
            }
        }
    }

    /// What a dump shows, turned round.
    #[must_use]
    pub fn observed(&self) -> Observed {
        let services = self.services.iter().map(|(key, service)| (*key, service.observed())).collect();
        Observed { services }
    }

    /// Whether `expire_nodest_conn` is set.
    #[must_use]
    pub const fn expire_nodest_conn(&self) -> bool {
        self.expire_nodest_conn
    }

    /// Who holds each slot of a service's table; `None` for a scheduler without one.
    ///
    /// # Errors
    ///
    /// [`TableError`]: what no table can have.
    pub fn slots(&self, key: &ServiceKey) -> Result<Option<Vec<Option<Endpoint>>>, TableError> {
        let Some((service, kind)) = self.table_kind(key) else { return Ok(None) };
        let table = service.table(kind)?;
        let holder = |member: &u16| table.members().get(usize::from(*member)).map(|member| member.endpoint);
        Ok(Some(table.slots().iter().map(holder).collect()))
    }

    /// Where a packet of a client goes: to its connection's destination, or to
    /// the one that the scheduler gives it, which it then keeps.
    ///
    /// `None` is a packet refused or dropped: nobody takes the flow, or its
    /// destination was deleted (and the next packet is a new flow's if
    /// `expire_nodest_conn` is set).
    pub fn handle_packet(&mut self, key: &ServiceKey, client: Client) -> Option<Endpoint> {
        let kept = self.services.get(key)?.connections.get(&client).copied();
        let endpoint = match kept {
            Some(endpoint) => endpoint,
            None => self.schedule(key, client)?,
        };
        let expires = self.expire_nodest_conn;
        let service = self.services.get_mut(key)?;
        if service.destinations.contains_key(&endpoint) {
            service.connections.insert(client, endpoint);
            return Some(endpoint);
        }
        if expires {
            service.connections.remove(&client);
        }
        None
    }

    /// Where the scheduler sends a client's new flow.
    #[must_use]
    pub fn schedule(&self, key: &ServiceKey, client: Client) -> Option<Endpoint> {
        let (service, kind) = self.table_kind(key)?;
        let table = service.table(kind).ok()?;
        let flags = service.service.flags;
        let (address, port) = client;
        let port = if flags.contains(ServiceFlags::SCHEDULER_2) { port } else { 0 };
        let slot = |offset| match kind {
            TableKind::IpvsSh { size } => ipvs_sh::slot(size, address, port, offset),
            TableKind::IpvsMh { size, .. }
            | TableKind::Maglev { size }
            | TableKind::Rendezvous { size }
            | TableKind::Ring { points: size } => ipvs_mh::slot(size, address, port, offset),
        };
        let endpoint = |member: u16| table.members()[usize::from(member)].endpoint;
        let takes = |member| service.takes(&endpoint(member));
        let fallback = flags.contains(ServiceFlags::SCHEDULER_1);
        ipvs::choose(table.slots(), fallback, slot, takes).0.map(endpoint)
    }

    /// Ends all connections of a service, as time would.
    pub fn end_connections(&mut self, key: &ServiceKey) {
        if let Some(service) = self.services.get_mut(key) {
            service.connections.clear();
        }
    }

    fn table_kind(&self, key: &ServiceKey) -> Option<(&Service, TableKind)> {
        let service = self.services.get(key)?;
        match service.service.scheduler.as_str() {
            "mh" => Some((service, TableKind::IpvsMh { size: self.mh_slots, family: key.family() })),
            "sh" => Some((service, TableKind::IpvsSh { size: self.sh_buckets })),
            _ => None,
        }
    }

    fn service_mut(&mut self, key: &ServiceKey) -> Result<&mut Service, KernelError> {
        self.services.get_mut(key).ok_or(KernelError::NoService)
    }

    fn add_service(&mut self, key: ServiceKey, service: &KernelService) -> Result<(), KernelError> {
        if self.services.contains_key(&key) {
            return Err(KernelError::Exists);
        }
        let list = DestinationList::default();
        let (destinations, connections) = (BTreeMap::new(), BTreeMap::new());
        self.services.insert(key, Service { service: service.clone(), list, destinations, connections });
        Ok(())
    }

    fn add(&mut self, key: &ServiceKey, destination: KernelDestination) -> Result<(), KernelError> {
        let slots = self.mh_slots as usize;
        let service = self.service_mut(key)?;
        if service.destinations.contains_key(&destination.endpoint) {
            return Err(KernelError::Exists);
        }
        check_numbers(&destination)?;
        service.list.add(destination.endpoint, weight(&destination));
        service.destinations.insert(destination.endpoint, destination);
        let is_full = service.service.scheduler == "mh" && service.destinations.len() > slots;
        if is_full { Err(KernelError::TableFull) } else { Ok(()) }
    }

    fn set(&mut self, key: &ServiceKey, destination: KernelDestination) -> Result<(), KernelError> {
        let service = self.service_mut(key)?;
        if !service.destinations.contains_key(&destination.endpoint) {
            return Err(KernelError::NoDestination);
        }
        check_numbers(&destination)?;
        service.list.set_weight(&destination.endpoint, weight(&destination));
        service.destinations.insert(destination.endpoint, destination);
        Ok(())
    }

    fn delete(&mut self, key: &ServiceKey, endpoint: &Endpoint) -> Result<(), KernelError> {
        let expires = self.expire_nodest_conn;
        let service = self.service_mut(key)?;
        service.destinations.remove(endpoint).ok_or(KernelError::NoDestination)?;
        service.list.remove(endpoint);
        if expires {
            service.connections.retain(|_, holder| holder != endpoint);
        }
        Ok(())
    }
}

impl Service {
    fn table(&self, kind: TableKind) -> Result<Table, TableError> {
        Table::build(kind, &HashKey::new([0; 16]), &self.list.members(kind))
    }

    /// Whether a destination takes a new flow: the kernel counts connections when one is made.
    fn takes(&self, endpoint: &Endpoint) -> bool {
        let KernelDestination { weight, upper_threshold, .. } = self.destinations[endpoint];
        let connections = || self.connections.values().filter(|holder| *holder == endpoint).count();
        weight > 0 && (upper_threshold == 0 || connections() < upper_threshold as usize)
    }

    fn observed(&self) -> ObservedService {
        let mut connections: BTreeMap<&Endpoint, u64> = BTreeMap::new();
        for endpoint in self.connections.values() {
            *connections.entry(endpoint).or_default() += 1;
        }
        let observe = |endpoint: &Endpoint| ObservedDestination {
            destination: self.destinations[endpoint],
            connections: Some(connections.get(endpoint).copied().unwrap_or(0)),
        };
        let newest_first: Vec<_> = self.list.iter().map(|listed| observe(&listed.endpoint)).collect();
        ObservedService::from_dump(self.service.clone(), newest_first.into_iter())
    }
}

fn check_numbers(destination: &KernelDestination) -> Result<(), KernelError> {
    let numbers = [destination.weight, destination.upper_threshold, destination.lower_threshold];
    if numbers.iter().any(|number| *number > i32::MAX.cast_unsigned()) {
        return Err(KernelError::TooLarge);
    }
    if destination.lower_threshold > destination.upper_threshold {
        return Err(KernelError::Threshold);
    }
    Ok(())
}

/// The schedulers' models know weights up to 65,535.
fn weight(destination: &KernelDestination) -> Weight {
    Weight(u16::try_from(destination.weight).unwrap_or(u16::MAX))
}

#[cfg(test)]
mod tests;
