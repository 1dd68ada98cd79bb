//! How large each proxy's configuration will be, before anything is pushed.
//!
//! A proxy holds a cluster for each port of each service that it sees, and one
//! more for each subset; an east-west gateway has those of TCP inside the mesh
//! twice. That, not traffic, is what fills its memory. [`predict`] counts what each class of
//! proxies sees by the rules of [`visibility`](crate::visibility), turns it into
//! bytes by a model that was fitted to measurements ([`SizeModel`]), compares that
//! with the budgets of the fleet, and says which services to hide.
//!
//! It errs on the large side: what a proxy might hold is counted as held. What
//! istiod needs for it, and how often it is pushed, is not predicted.

mod count;
mod file;
mod model;
mod own;

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use crate::fleet::{Cluster, Fleet};
use crate::name::Name;
use crate::render::Rendering;

pub use file::{Discovery, GatewayConfig, MeshService, NamespaceSpec, ServiceSpec, Services, ServicesFile};
pub use model::{Counts, SizeModel};

use count::{Mesh, Objects};

/// What proxies will hold.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Footprint {
    /// The classes of proxies: by cluster, gateways first, then by namespace.
    pub proxies: Vec<ProxySize>,
    /// The services that no longer seen would bring proxies into their budgets, those apart that
    /// [no hiding brings there](ProxySize::is_beyond_hiding): `namespace/name` of services that nothing rendered refers to.
    pub hide: Vec<String>,
}

/// Which proxies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum ProxyClass {
    /// The gateways of a cluster in one namespace.
    Gateway,
    /// The sidecars of a namespace in a cluster.
    Sidecar,
}

/// What one proxy of a class holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ProxySize {
    /// The class.
    pub class: ProxyClass,
    /// For gateways: the cluster that they are in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gateway: Option<Name>,
    /// The cluster.
    pub cluster: Name,
    /// The namespace of the proxies.
    pub namespace: Name,
    /// Whether they are an east-west gateway, which passes TLS on by name.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub east_west: bool,
    /// Counted parts of the configuration.
    #[serde(flatten)]
    pub counts: Counts,
    /// Bytes of the configuration on the wire.
    pub config_bytes: u64,
    /// Bytes of memory.
    pub memory_bytes: u64,
    /// Bytes of memory that it may have, if there is a budget.
    pub budget_bytes: Option<u64>,
    /// Whether it needs more.
    pub over: bool,
    /// Bytes of memory that a proxy over its budget needs at least: when all is hidden that nothing rendered refers to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub least_bytes: Option<u64>,
}

impl ProxySize {
    /// Whether it is over its budget, and whatever is hidden stays so: the proxy needs more memory, or other access points less.
    #[must_use]
    pub fn is_beyond_hiding(&self) -> bool {
        self.over && self.least_bytes > self.budget_bytes
    }
}

impl Footprint {
    /// Whether a proxy is over its budget; what is pushed all the same makes it unusable.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.proxies.iter().any(|proxy| proxy.over)
    }
}

/// What proxies will hold when these renderings are in place, in a mesh of these services.
///
/// Renderings whose target the fleet does not have are counted under its name, without a budget.
///
/// ```
/// use mesh_model::fleet::Fleet;
/// use mesh_model::footprint::{Services, ServicesFile, predict};
/// use mesh_model::render::Rendering;
/// use serde_json::json;
///
/// let file: ServicesFile = serde_saphyr::from_str("
/// services:
///   - { name: cart, namespace: shop, ports: [80, 443] }
///   - { name: ledger, namespace: pay, ports: [80], exportTo: ['.'] }
/// ")?;
/// let gateway = json!({ "kind": "Gateway", "metadata": { "name": "web", "namespace": "shop" },
///     "spec": { "servers": [{ "port": { "number": 443 } }] } });
/// let rendering = Rendering { target: "slc-a-1".parse()?, objects: vec![gateway], errors: vec![], trace: vec![] };
/// let footprint = predict(&[rendering], &Services::try_from(file)?, &Fleet::default());
/// assert_eq!(footprint.proxies[0].counts.clusters, 2, "two ports of cart; ledger is pay's alone");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use]
pub fn predict(renderings: &[Rendering], services: &Services, fleet: &Fleet) -> Footprint {
    let mut footprint = Footprint::default();
    // by the service's position: many proxies hide the same ones
    let mut hide = vec![false; services.services.len()];
    let clusters: Vec<_> = by_cluster(renderings, fleet)
        .into_iter()
        .map(|(name, renderings)| (name, Objects::of(&renderings, services), renderings))
        .collect();
    let needed: BTreeSet<&str> = clusters.iter().flat_map(|(_, objects, _)| objects.needed()).collect();
    let mesh = Mesh::of(services, &needed);
    for (name, objects, renderings) in &clusters {
        let cluster = fleet.cluster(name.as_str());
        for viewer in objects.viewers(services, &mesh) {
            let (class, namespace) = (viewer.class, viewer.namespace.clone());
            let budget_bytes = budget(class, cluster);
            let is_own = class == ProxyClass::Gateway && services.gateway_config == GatewayConfig::Overspill;
            let counts = if is_own {
                own::counts(renderings, services, &namespace)
            } else {
                objects.counts(&viewer, services, &mesh)
            };
            let size = services.model.size(counts);
            let over = budget_bytes.is_some_and(|budget| size.memory_bytes > budget);
            let least_bytes = budget_bytes.filter(|_| over).map(|budget| {
                // what is exported is nothing to a gateway of our own
                let candidates = if is_own { Vec::new() } else { viewer.unneeded(services, &mesh) };
                let (positions, least) = to_hide(candidates, size.memory_bytes, budget);
                positions.into_iter().for_each(|position| hide[position] = true);
                least
            });
            footprint.proxies.push(ProxySize {
                class,
                gateway: (class == ProxyClass::Gateway).then(|| name.clone()),
                cluster: name.clone(),
                namespace,
                east_west: viewer.is_east_west,
                counts,
                config_bytes: size.config_bytes,
                memory_bytes: size.memory_bytes,
                budget_bytes,
                over,
                least_bytes,
            });
        }
    }
    let hidden = services.services.iter().zip(hide).filter(|(_, is_hidden)| *is_hidden);
    footprint.hide = hidden.map(|((host, service), _)| short_name(host, service)).collect();
    footprint.hide.sort();
    footprint
}

/// The renderings by the cluster that they go to.
fn by_cluster<'a>(renderings: &'a [Rendering], fleet: &Fleet) -> BTreeMap<Name, Vec<&'a Rendering>> {
    let mut clusters: BTreeMap<Name, Vec<&Rendering>> = BTreeMap::new();
    for rendering in renderings {
        let name = rendering.target.as_str();
        let gateway = || fleet.zone(name).and_then(|zone| zone.gateway.clone());
        let cluster = if fleet.cluster(name).is_some() { None } else { gateway() };
        clusters.entry(cluster.unwrap_or_else(|| rendering.target.clone())).or_default().push(rendering);
    }
    clusters
}

fn budget(class: ProxyClass, cluster: Option<&Cluster>) -> Option<u64> {
    let budget = match class {
        ProxyClass::Gateway => cluster?.gateway_memory,
        ProxyClass::Sidecar => cluster?.sidecar_memory,
    };
    budget.map(crate::units::ByteSize::as_bytes)
}

/// The services that bring a proxy into its budget, and what it needs when all are hidden that may be.
///
/// They are the largest, as many as it takes; none where all together are too few.
fn to_hide(mut candidates: Vec<(usize, u64)>, bytes: u64, budget: u64) -> (Vec<usize>, u64) {
    let least = candidates.iter().fold(bytes, |left, (_, freed)| left.saturating_sub(*freed));
    if least > budget {
        return (Vec::new(), least);
    }
    // stable: equal ones stay in order of name
    candidates.sort_by_key(|(_, bytes)| std::cmp::Reverse(*bytes));
    let mut left = bytes;
    let needed = candidates.into_iter().take_while(|(_, freed)| {
        let is_needed = left > budget;
        left = left.saturating_sub(*freed);
        is_needed
    });
    (needed.map(|(position, _)| position).collect(), least)
}

/// `namespace/name` of a service.
fn short_name(host: &str, service: &MeshService) -> String {
    let name = host.split_once('.').map_or(host, |(name, _)| name);
    format!("{}/{name}", service.namespace)
}

#[cfg(test)]
mod tests;
