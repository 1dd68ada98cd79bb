//! The services and backends of a director, and how a packet finds its service.
//!
//! Services stand in a dense list that each configuration makes anew; a hashed
//! index leads from (VIP, port, protocol) to a place in it. Backends stand in
//! slots whose numbers are their [`BackendId`]s: a connection entry leads to its
//! backend with one look. A slot is used again only when no connection refers
//! to it, so an old entry never means a new backend.

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::vec::Vec;
use core::net::IpAddr;

use hashbrown::HashTable;

use super::counters::{BackendCounters, ServiceCounters};
use super::path_mtu::PathMtu;
use crate::config::{BackendState, Forward, ServiceAddress};
use crate::encapsulation::{Identification, Tunnel};
use crate::flow::{Addresses, FlowKey, Protocol};
use crate::identity::{BackendId, Endpoint, ServiceId, Weight};
use crate::scheduler::Scheduler;

/// One service at work.
#[derive(Clone, Debug)]
pub struct Service {
    pub(super) id: ServiceId,
    pub(super) address: ServiceAddress,
    pub(super) scheduler: Scheduler,
    pub(super) tunnel: Tunnel,
    /// Whether the tunnel wants a flow's hash for each packet, not only for new flows.
    pub(super) spreads: bool,
    /// In the configuration's order, which is the scheduler's.
    pub(super) backends: Vec<BackendId>,
    pub(super) counters: ServiceCounters,
}

impl Service {
    /// Its id on this node.
    #[must_use]
    pub const fn id(&self) -> ServiceId {
        self.id
    }

    /// VIP, port and protocol.
    #[must_use]
    pub const fn address(&self) -> ServiceAddress {
        self.address
    }

    /// The table and how flows are hashed into it.
    #[must_use]
    pub const fn scheduler(&self) -> &Scheduler {
        &self.scheduler
    }

    /// Its backends, in the configuration's order.
    #[must_use]
    pub fn backends(&self) -> &[BackendId] {
        &self.backends
    }

    /// What it was asked so far.
    #[must_use]
    pub const fn counters(&self) -> &ServiceCounters {
        &self.counters
    }
}

/// One backend of one service at work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Backend {
    pub(super) service: ServiceAddress,
    pub(super) endpoint: Endpoint,
    pub(super) weight: Weight,
    pub(super) state: BackendState,
    pub(super) configured: bool,
    pub(super) counters: BackendCounters,
    /// Of the outer packets to it: RFC 6864 asks for unique numbers per destination.
    pub(super) identification: Identification,
    pub(super) path_mtu: Option<PathMtu>,
}

impl Backend {
    /// The service it belongs to.
    #[must_use]
    pub const fn service(&self) -> ServiceAddress {
        self.service
    }

    /// Where it answers.
    #[must_use]
    pub const fn endpoint(&self) -> Endpoint {
        self.endpoint
    }

    /// Its weight.
    #[must_use]
    pub const fn weight(&self) -> Weight {
        self.weight
    }

    /// Its state; `Down` if the configuration no longer has it.
    #[must_use]
    pub const fn state(&self) -> BackendState {
        if self.configured { self.state } else { BackendState::Down }
    }

    /// What it was sent so far.
    #[must_use]
    pub const fn counters(&self) -> &BackendCounters {
        &self.counters
    }
}

/// Finds the service of a packet, and whether an address is a VIP at all.
#[derive(Clone, Debug, Default)]
pub(super) struct ServiceIndex {
    services: HashTable<(ServiceAddress, usize)>,
    /// The service of lowest port for each VIP and protocol: it stands for all
    /// of them where a packet carries no port.
    portless: BTreeMap<(IpAddr, Protocol), usize>,
}

impl ServiceIndex {
    pub(super) fn new<'a>(services: impl Iterator<Item = &'a ServiceAddress>) -> Self {
        let mut index = Self::default();
        let mut lowest: BTreeMap<(IpAddr, Protocol), (u16, usize)> = BTreeMap::new();
        for (place, address) in services.enumerate() {
            let hash = spread_service(address.address, address.port, address.protocol);
            index.services.insert_unique(hash, (*address, place), |(address, _)| {
                spread_service(address.address, address.port, address.protocol)
            });
            let entry = lowest.entry((address.address, address.protocol)).or_insert((address.port, place));
            *entry = (*entry).min((address.port, place));
        }
        index.portless = lowest.into_iter().map(|(key, (_, place))| (key, place)).collect();
        index
    }

    /// The place of the service that a flow is for.
    #[inline]
    pub(super) fn find(&self, flow: &FlowKey) -> Option<usize> {
        let (port, protocol) = (flow.destination_port(), flow.protocol());
        let destination = flow.destination();
        let hash = spread_service(destination, port, protocol);
        let same = |(address, _): &(ServiceAddress, usize)| {
            address.port == port && address.protocol == protocol && address.address == destination
        };
        self.services.find(hash, same).map(|(_, place)| *place)
    }

    /// The place of the service that stands for a VIP's services of one protocol.
    pub(super) fn find_portless(&self, destination: IpAddr, protocol: Protocol) -> Option<usize> {
        self.portless.get(&(destination, protocol)).copied()
    }

    /// Whether any service has this address.
    pub(super) fn is_vip(&self, address: IpAddr) -> bool {
        let first = (address, Protocol(0));
        self.portless.range(first..).next().is_some_and(|((vip, _), _)| *vip == address)
    }
}

/// Spreads services over the index. Not keyed: the entries are the operator's,
/// so whoever sends packets can choose look-ups but not collisions among entries.
#[inline]
fn spread_service(address: IpAddr, port: u16, protocol: Protocol) -> u64 {
    const ODD: u64 = 0x9e37_79b9_7f4a_7c15; // 2^64 / golden ratio, as in Fibonacci hashing
    let tail = u64::from(port) << 8 | u64::from(protocol.0);
    let folded = match address {
        IpAddr::V4(address) => u64::from(address.to_bits()) << 24 ^ tail,
        IpAddr::V6(address) => {
            let bits = address.to_bits();
            ((bits >> 64) as u64).wrapping_mul(ODD).rotate_left(29) ^ bits as u64 ^ tail << 40
        }
    };
    let product = folded.wrapping_mul(ODD);
    product ^ product >> 32
}

/// What the outer header of a tunnel packet of ours can say, to be found without
/// a search: strangers can send any number of errors about it.
#[derive(Clone, Debug, Default)]
pub(super) struct Quotable {
    /// Of the backends, and which of them are there.
    pub(super) addresses: BTreeMap<IpAddr, Vec<BackendId>>,
    /// Of the services whose tunnels are GUE.
    pub(super) gue_ports: BTreeSet<u16>,
}

impl Quotable {
    pub(super) fn new(services: &[Service], backends: &Backends) -> Self {
        let mut addresses: BTreeMap<IpAddr, Vec<BackendId>> = BTreeMap::new();
        for id in services.iter().flat_map(|service| &service.backends) {
            if let Some(backend) = backends.find(*id) {
                addresses.entry(backend.endpoint.address).or_default().push(*id);
            }
        }
        let port = |service: &Service| match service.tunnel.options().forward {
            Forward::Gue { port } => Some(port),
            Forward::Ipip | Forward::Gre => None,
        };
        Self { addresses, gue_ports: services.iter().filter_map(port).collect() }
    }
}

/// Backends in slots, numbered by [`BackendId`].
#[derive(Clone, Debug, Default)]
pub(super) struct Backends {
    slots: Vec<Backend>,
    free: Vec<BackendId>,
}

impl Backends {
    #[inline]
    pub(super) fn find(&self, id: BackendId) -> Option<&Backend> {
        self.slots.get(id.0 as usize)
    }

    #[inline]
    pub(super) fn find_mut(&mut self, id: BackendId) -> Option<&mut Backend> {
        self.slots.get_mut(id.0 as usize)
    }

    /// Puts a backend into a slot that nobody uses.
    pub(super) fn insert(&mut self, backend: Backend) -> BackendId {
        if let Some(id) = self.free.pop() {
            self.slots[id.0 as usize] = backend;
            return id;
        }
        let id = BackendId(u32::try_from(self.slots.len()).expect("memory ends before 2^32 backends"));
        self.slots.push(backend);
        id
    }

    /// Takes every backend out of the configuration; the next one puts those back that it has.
    pub(super) fn retire_all(&mut self) {
        for backend in &mut self.slots {
            backend.configured = false;
        }
    }

    /// Frees the slots of backends that are not configured and that nobody refers to.
    pub(super) fn reclaim(&mut self, in_use: impl Fn(BackendId) -> bool) {
        self.free.clear();
        for (number, backend) in (0_u32..).zip(&self.slots) {
            let id = BackendId(number);
            if !backend.configured && !in_use(id) {
                self.free.push(id);
            }
        }
        // The lowest is used first.
        self.free.reverse();
    }

    /// The ids of all backends by service and endpoint, those that left the
    /// configuration but still have flows included: they may come back to them.
    pub(super) fn by_name(&self) -> BTreeMap<(ServiceAddress, Endpoint), BackendId> {
        let free: BTreeSet<_> = self.free.iter().copied().collect();
        let all = (0_u32..).map(BackendId).zip(&self.slots).filter(|(id, _)| !free.contains(id));
        all.map(|(id, backend)| ((backend.service, backend.endpoint), id)).collect()
    }
}

/// The flow by which an ICMP error or a later fragment without a known flow is steered.
pub(super) const fn without_ports(protocol: Protocol, addresses: Addresses) -> FlowKey {
    FlowKey::new(protocol, addresses, 0, 0)
}
