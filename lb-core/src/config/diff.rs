//! What differs between two configurations, service by service.
//!
//! Pure comparison of values; what a change costs in connections is the
//! director's to say.

use alloc::collections::BTreeMap;
use alloc::vec::Vec;

use super::{BackendConfig, Config, ServiceAddress, ServiceConfig};
use crate::identity::Endpoint;

/// What a new configuration changes; empty if nothing.
///
/// A value to show or to log; [`diff`] makes it, and so does
/// [`Director::set_config`](crate::director::Director::set_config).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ConfigDiff {
    /// The node's addresses differ.
    pub node: bool,
    /// The hash key differs: every own table changes.
    pub hash_key: bool,
    /// The connection limits differ.
    pub connections: bool,
    /// The fragment limits differ.
    pub fragments: bool,
    /// The rates of ICMP messages differ.
    pub icmp: bool,
    /// The profile differs.
    pub profile: bool,
    /// Services only in the new one, in its order.
    pub added: Vec<ServiceAddress>,
    /// Services only in the old one, in its order.
    pub removed: Vec<ServiceAddress>,
    /// Services in both that differ, in the new one's order.
    pub changed: Vec<ServiceDiff>,
}

/// What changes in one service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServiceDiff {
    /// The service.
    pub service: ServiceAddress,
    /// The hashed fields differ.
    pub hash_fields: bool,
    /// The table kind or its parameters differ.
    pub scheduler: bool,
    /// The tunnel (format, spreading or MTU) differs.
    pub forward: bool,
    /// The backends that stay are in another order, which matters to the `ipvs-*` kinds.
    pub reordered: bool,
    /// Backends only in the new one, in its order.
    pub added: Vec<Endpoint>,
    /// Backends only in the old one, in its order.
    pub removed: Vec<Endpoint>,
    /// Backends in both whose weight or state differs, in the new one's order.
    pub changed: Vec<BackendChange>,
}

/// One backend before and after.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BackendChange {
    /// As it was.
    pub old: BackendConfig,
    /// As it will be; same endpoint.
    pub new: BackendConfig,
}

impl ConfigDiff {
    /// Whether nothing differs (the generation does not count).
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// What `new` changes against `old`; the generation is not compared.
///
/// ```
/// use lb_core::config::{BackendState, Config, LbFile, diff};
///
/// let file: LbFile = serde_saphyr::from_str(
///     r#"
/// hashKey: "000102030405060708090a0b0c0d0e0f"
/// services:
///   - vip: 203.0.113.10
///     port: 443
///     protocol: tcp
///     backends: [{ address: 10.1.0.5 }, { address: 10.1.0.6 }]
/// "#,
/// )?;
/// let old = Config::try_from(file)?;
/// let mut new = Config { generation: 2, ..old.clone() };
/// assert!(diff(&old, &new).is_empty(), "a number is no change");
///
/// new.services[0].backends[1].state = BackendState::Drain;
/// let changes = diff(&old, &new);
/// let [service] = &changes.changed[..] else { panic!("{changes:?}") };
/// assert_eq!(service.service.to_string(), "203.0.113.10:443/tcp");
/// assert_eq!(service.changed[0].new.state, BackendState::Drain);
/// assert!(service.added.is_empty() && service.removed.is_empty());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use]
pub fn diff(old: &Config, new: &Config) -> ConfigDiff {
    let before = by_key(&old.services, |service| service.address);
    let after = by_key(&new.services, |service| service.address);
    let mut diff = ConfigDiff {
        node: old.node != new.node,
        hash_key: old.hash_key != new.hash_key,
        connections: old.connections != new.connections,
        fragments: old.fragments != new.fragments,
        icmp: old.icmp != new.icmp,
        profile: old.profile != new.profile,
        added: Vec::new(),
        removed: only_in(&old.services, |service| service.address, &after),
        changed: Vec::new(),
    };
    for service in &new.services {
        match before.get(&service.address) {
            Some(old) if *old != service => diff.changed.push(service_diff(old, service)),
            Some(_) => {}
            None => diff.added.push(service.address),
        }
    }
    diff
}

fn service_diff(old: &ServiceConfig, new: &ServiceConfig) -> ServiceDiff {
    let before = by_key(&old.backends, |backend| backend.endpoint);
    let after = by_key(&new.backends, |backend| backend.endpoint);
    let staying = |backends: &[BackendConfig]| {
        let both = |endpoint: &Endpoint| before.contains_key(endpoint) && after.contains_key(endpoint);
        backends.iter().map(|backend| backend.endpoint).filter(both).collect::<Vec<_>>()
    };
    let change = |new: &BackendConfig| {
        let old = **before.get(&new.endpoint)?;
        (old != *new).then_some(BackendChange { old, new: *new })
    };
    ServiceDiff {
        service: new.address,
        hash_fields: old.hash_fields != new.hash_fields,
        scheduler: old.scheduler != new.scheduler,
        forward: (old.forward, old.spread, old.mtu) != (new.forward, new.spread, new.mtu),
        reordered: staying(&old.backends) != staying(&new.backends),
        added: only_in(&new.backends, |backend| backend.endpoint, &before),
        removed: only_in(&old.backends, |backend| backend.endpoint, &after),
        changed: new.backends.iter().filter_map(change).collect(),
    }
}

fn by_key<T, K: Ord>(items: &[T], key: impl Fn(&T) -> K) -> BTreeMap<K, &T> {
    items.iter().map(|item| (key(item), item)).collect()
}

fn only_in<T, K: Ord>(items: &[T], key: impl Fn(&T) -> K, other: &BTreeMap<K, &T>) -> Vec<K> {
    items.iter().map(key).filter(|key| !other.contains_key(key)).collect()
}
