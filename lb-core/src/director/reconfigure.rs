//! Replacing what a director serves, as one value.
//!
//! Everything that can fail (building tables) is done before anything is
//! changed; then the new services take the old ones' place in one step. Ids are
//! kept by name: a service by its address, a backend by service and endpoint;
//! so connections stay where they are. What a backend that is gone leaves
//! behind is dealt with packet by packet, by `plan`.

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::vec::Vec;
use core::net::IpAddr;

use thiserror::Error;

use super::Director;
use super::registry::{Backend, Backends, Service, ServiceIndex};
use crate::config::{self, BackendState, Config, ConfigDiff, Profile, ServiceAddress, ServiceConfig};
use crate::connection::{ConnectionTable, Machine};
use crate::encapsulation::{Identification, SourceSpread, Tunnel, TunnelOptions};
use crate::fragment::FragmentTable;
use crate::hash::HashKey;
use crate::icmp::IcmpBudgets;
use crate::identity::{Endpoint, ServiceId, Weight};
use crate::scheduler::Scheduler;
use crate::table::{TableCache, TableError};
use crate::time::Time;

/// Why a configuration cannot be put to work; the old one goes on.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum DirectorError {
    /// The connection and fragment tables are made once; restart the node to give them other limits.
    #[error("connections, fragments and profile cannot change while the node runs; restart it")]
    NeedsRestart,
    /// A service's table cannot be built.
    #[error("service {service}: {error}")]
    Table {
        /// The service.
        service: ServiceAddress,
        /// What is wrong with its table.
        error: TableError,
    },
    /// The service has no such backend.
    #[error("service {service} has no backend {endpoint}")]
    UnknownBackend {
        /// The service.
        service: ServiceAddress,
        /// The backend that was named.
        endpoint: Endpoint,
    },
    /// There is no such service.
    #[error("there is no service {service}")]
    UnknownService {
        /// The service that was named.
        service: ServiceAddress,
    },
}

impl Director {
    /// A director that serves `config`; equal tables are shared through `tables`.
    ///
    /// The connection and fragment tables are seeded from the fleet's hash key,
    /// which no stranger knows. Where the configuration has none (it may leave
    /// it out if the kernel's kinds alone are used), use
    /// [`with_seed`](Self::with_seed).
    ///
    /// # Errors
    ///
    /// [`DirectorError::Table`] if a service's table cannot be built.
    pub fn new(config: Config, tables: &mut TableCache) -> Result<Self, DirectorError> {
        let seed = config.hash_key;
        Self::with_seed(config, seed, tables)
    }

    /// As [`new`](Self::new), with a secret of the node's own for the tables
    /// whose keys strangers choose.
    ///
    /// # Errors
    ///
    /// [`DirectorError::Table`] if a service's table cannot be built.
    pub fn with_seed(config: Config, seed: HashKey, tables: &mut TableCache) -> Result<Self, DirectorError> {
        let machine = match config.profile {
            Profile::Own => Machine::Own,
            Profile::Ipvs(_) => Machine::Ipvs,
        };
        let fragments = config.fragments;
        let empty = Config { services: Vec::new(), ..config.clone() };
        let mut director = Self {
            connections: ConnectionTable::new(config.connections, machine, seed),
            config: empty,
            services: Vec::new(),
            next_service: 0,
            index: ServiceIndex::default(),
            backends: Backends::default(),
            fragments: FragmentTable::new(fragments.max as usize, fragments.timeout, seed),
            icmp_budgets: IcmpBudgets::new(&config.icmp, seed),
            seed,
            counters: super::NodeCounters::default(),
            observations: super::Observations::default(),
            quotable: super::Quotable::default(),
        };
        director.set_config(Time::ZERO, config, tables)?;
        Ok(director)
    }

    /// Replaces the configuration and says what that changed.
    ///
    /// All or nothing: after an error the old one goes on untouched. Flows stay
    /// with their backends while those are in service; flows of a backend that
    /// is gone or down are re-chosen with their next packet.
    ///
    /// # Errors
    ///
    /// [`DirectorError::Table`] if a table cannot be built, and
    /// [`DirectorError::NeedsRestart`] if the limits of a table or the profile differ.
    ///
    /// ```
    /// use lb_core::Time;
    /// use lb_core::config::{BackendState, Config, LbFile};
    /// use lb_core::director::{Director, DirectorError};
    /// use lb_core::table::TableCache;
    ///
    /// let file: LbFile = serde_saphyr::from_str(
    ///     r#"
    /// hashKey: "000102030405060708090a0b0c0d0e0f"
    /// services:
    ///   - { vip: 203.0.113.10, port: 443, protocol: tcp, backends: [{ address: 10.1.0.5 }] }
    /// "#,
    /// )?;
    /// let mut tables = TableCache::default();
    /// let mut config = Config::try_from(file)?;
    /// let mut director = Director::new(config.clone(), &mut tables)?;
    ///
    /// config.services[0].backends[0].state = BackendState::Drain;
    /// let changes = director.set_config(Time::ZERO, config.clone(), &mut tables)?;
    /// assert_eq!(changes.changed.len(), 1);
    ///
    /// config.connections.max += 1;
    /// let refused = director.set_config(Time::ZERO, config, &mut tables);
    /// assert_eq!(refused, Err(DirectorError::NeedsRestart));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn set_config(
        &mut self,
        now: Time,
        config: Config,
        tables: &mut TableCache,
    ) -> Result<ConfigDiff, DirectorError> {
        let diff = config::diff(&self.config, &config);
        if diff.connections || diff.fragments || diff.profile {
            return Err(DirectorError::NeedsRestart);
        }
        let places: BTreeMap<ServiceAddress, usize> =
            self.services.iter().enumerate().map(|(place, old)| (old.address, place)).collect();
        let mut schedulers = Vec::with_capacity(config.services.len());
        for service in &config.services {
            let base = places.get(&service.address).map(|place| &self.services[*place].scheduler);
            schedulers.push(build_scheduler(&config, service, base, tables)?);
        }
        // Nothing fails from here on.
        self.connections.handle_timeout(now);
        let old = core::mem::take(&mut self.services);
        let named = self.connections.backends_of_events().chain(self.observations.backends()).collect();
        self.backends
            .reclaim(|id| self.connections.len_of(id).total() > 0 || BTreeSet::contains(&named, &id));
        let known = self.backends.by_name();
        self.backends.retire_all();
        for (service, scheduler) in config.services.iter().zip(schedulers) {
            let before = places.get(&service.address).map(|place| &old[*place]);
            let id = before.map_or_else(|| self.new_service_id(), |before| before.id);
            let backends = service.backends.iter().map(|backend| {
                let known = known.get(&(service.address, backend.endpoint)).copied();
                self.backends.configure(known, service.address, *backend, &self.seed)
            });
            let backends = backends.collect();
            let tunnel = tunnel_of(&config, service);
            self.services.push(Service {
                id,
                address: service.address,
                scheduler,
                spreads: needs_hash(service),
                tunnel,
                backends,
                counters: before.map(|before| before.counters).unwrap_or_default(),
            });
        }
        self.index = ServiceIndex::new(config.services.iter().map(|service| &service.address));
        self.quotable = super::Quotable::new(&self.services, &self.backends);
        if diff.icmp {
            self.icmp_budgets = IcmpBudgets::new(&config.icmp, self.seed);
        }
        self.counters.generation = config.generation;
        self.config = config;
        Ok(diff)
    }

    /// Sets one backend's state and weight: health's or the operator's word.
    ///
    /// The effect is that of a configuration with these values, and
    /// [`config`](Self::config) shows them from then on; the generation stays.
    /// Nothing is rebuilt if nothing differs.
    ///
    /// # Errors
    ///
    /// [`DirectorError::UnknownService`], [`DirectorError::UnknownBackend`], or
    /// [`DirectorError::Table`]; nothing is changed then.
    pub fn set_backend(
        &mut self,
        service: ServiceAddress,
        endpoint: Endpoint,
        state: BackendState,
        weight: Weight,
        tables: &mut TableCache,
    ) -> Result<(), DirectorError> {
        let place = self.services.iter().position(|candidate| candidate.address == service);
        let place = place.ok_or(DirectorError::UnknownService { service })?;
        let backends = &self.config.services[place].backends;
        let number = backends.iter().position(|backend| backend.endpoint == endpoint);
        let number = number.ok_or(DirectorError::UnknownBackend { service, endpoint })?;
        if (backends[number].state, backends[number].weight) == (state, weight) {
            return Ok(());
        }
        let mut changed = self.config.services[place].clone();
        changed.backends[number].state = state;
        changed.backends[number].weight = weight;
        let base = &self.services[place].scheduler;
        let scheduler = build_scheduler(&self.config, &changed, Some(base), tables)?;
        let backend = changed.backends[number];
        let known = Some(self.services[place].backends[number]);
        self.backends.configure(known, service, backend, &self.seed);
        self.services[place].scheduler = scheduler;
        self.config.services[place] = changed;
        Ok(())
    }

    /// Ids are never used twice: an entry of a service that is gone must not become another's.
    fn new_service_id(&mut self) -> ServiceId {
        let id = ServiceId(self.next_service);
        self.next_service += 1;
        id
    }
}

impl Backends {
    /// Puts a backend of the configuration into its slot, the one it has or a new one.
    fn configure(
        &mut self,
        known: Option<crate::BackendId>,
        service: ServiceAddress,
        backend: config::BackendConfig,
        seed: &HashKey,
    ) -> crate::BackendId {
        if let Some((id, slot)) = known.and_then(|id| self.find_mut(id).map(|slot| (id, slot))) {
            slot.weight = backend.weight;
            slot.state = backend.state;
            slot.configured = true;
            return id;
        }
        self.insert(Backend {
            service,
            endpoint: backend.endpoint,
            weight: backend.weight,
            state: backend.state,
            configured: true,
            counters: super::BackendCounters::default(),
            identification: first_identification(backend.endpoint.address, seed),
            path_mtu: None,
        })
    }
}

/// Where the identifications of a backend's outer packets begin: nobody but
/// this node can foresee it.
fn first_identification(backend: IpAddr, seed: &HashKey) -> Identification {
    let hash = match backend {
        IpAddr::V4(address) => seed.hash_bytes(&address.octets()),
        IpAddr::V6(address) => seed.hash_bytes(&address.octets()),
    };
    Identification::starting_at(hash as u32)
}

/// Builds a service's scheduler, from the one at work where that is less to do.
fn build_scheduler(
    config: &Config,
    service: &ServiceConfig,
    base: Option<&Scheduler>,
    tables: &mut TableCache,
) -> Result<Scheduler, DirectorError> {
    Scheduler::new(service, config.hash_key, tables, base)
        .map_err(|error| DirectorError::Table { service: service.address, error })
}

/// The tunnel that a service's configuration describes.
fn tunnel_of(config: &Config, service: &ServiceConfig) -> Tunnel {
    let path_mtu_discovery = match config.profile {
        Profile::Own => true,
        Profile::Ipvs(options) => options.pmtu_disc,
    };
    let spread = if service.spread { SourceSpread::unowned() } else { SourceSpread::OFF };
    let usual = TunnelOptions::new(service.forward, config.node.v4, config.node.v6, service.mtu);
    Tunnel::new(TunnelOptions { path_mtu_discovery, spread, ..usual })
}

/// Whether the outer header carries a flow's entropy: a port, an address or a flow label.
fn needs_hash(service: &ServiceConfig) -> bool {
    let over_ipv6 = service.backends.iter().any(|backend| backend.endpoint.address.is_ipv6());
    service.spread || over_ipv6 || matches!(service.forward, config::Forward::Gue { .. })
}
