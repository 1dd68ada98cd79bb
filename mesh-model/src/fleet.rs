//! The fleet as a checked value: zones, clusters, and what an access point can aim at.
//!
//! [`Fleet::new`] puts objects together and refuses what does not fit: a
//! cluster in a zone that is not there, two gateway clusters in one zone. It is
//! ordered by name throughout, so that whatever the order of files, decisions
//! are the same. Which targets an access point has is
//! [`placement`](crate::placement)'s to say.

use std::collections::BTreeMap;
use std::net::IpAddr;

use crate::api::{self, FieldPath, PlacementLevel, Problem, Reachability, Reference, SpecError};
use crate::istio::IstioVersion;
use crate::labels::{Labels, check_marks};
use crate::name::Name;
use crate::nearest::nearest;
use crate::units::{ByteSize, Rate};

/// All zones and clusters.
///
/// ```
/// use mesh_model::api::{AvailabilityZone, Cluster, PlacementLevel};
/// use mesh_model::fleet::Fleet;
///
/// let frame = |kind: &str, rest: &str| format!("{{ apiVersion: overspill.dev/v1alpha1, kind: {kind}, {rest} }}");
/// let zone: AvailabilityZone = serde_saphyr::from_str(&frame(
///     "AvailabilityZone",
///     "metadata: { name: slc-a }, spec: { region: us-west }",
/// ))?;
/// let cluster: Cluster = serde_saphyr::from_str(&frame(
///     "Cluster",
///     "metadata: { name: slc-a-1 }, spec: { zone: slc-a, gateway: true }",
/// ))?;
/// let fleet = Fleet::new(vec![zone], vec![cluster])?;
/// let target = fleet.target(PlacementLevel::Zone, "slc-a").unwrap();
/// assert_eq!((target.name().as_str(), target.cluster.name.as_str()), ("slc-a", "slc-a-1"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Fleet {
    zones: BTreeMap<Name, Zone>,
    clusters: BTreeMap<Name, Cluster>,
}

/// A zone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Zone {
    /// Its name.
    pub name: Name,
    /// Its region.
    pub region: Name,
    /// Its labels.
    pub labels: Labels,
    /// Whether all access points are to be off it.
    pub drain: bool,
    /// Its gateway cluster, if it has one.
    pub gateway: Option<Name>,
    /// The addresses of its east-west gateway, one of each family at most; none if it takes no part in calls between zones.
    pub east_west: Vec<IpAddr>,
}

/// A cluster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cluster {
    /// Its name.
    pub name: Name,
    /// Its zone.
    pub zone: Name,
    /// Its labels.
    pub labels: Labels,
    /// Whether it is the gateway cluster of its zone.
    pub is_gateway: bool,
    /// Istio's network.
    pub network: Name,
    /// The oldest Istio there, if that is known.
    pub istio: Option<IstioVersion>,
    /// The requests that it can bear, if that is known.
    pub capacity: Option<Rate>,
    /// The requests that it carries now, if that is known.
    pub load: Option<Rate>,
    /// The memory that one gateway may use, if there is a budget.
    pub gateway_memory: Option<ByteSize>,
    /// The memory that one sidecar may use, if there is a budget.
    pub sidecar_memory: Option<ByteSize>,
    /// Whether all access points are to be off it.
    pub drain: bool,
    /// Whether it answers.
    pub reachability: Reachability,
}

/// Something that an access point's objects go to: a cluster, or a zone by its gateway cluster.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Target<'a> {
    /// What it is.
    pub level: PlacementLevel,
    /// Its zone.
    pub zone: &'a Zone,
    /// The cluster that the objects go to.
    pub cluster: &'a Cluster,
}

impl<'a> Target<'a> {
    /// Its name: the cluster's or the zone's, by level.
    #[must_use]
    pub const fn name(&self) -> &'a Name {
        match self.level {
            PlacementLevel::Cluster => &self.cluster.name,
            PlacementLevel::Zone => &self.zone.name,
        }
    }

    /// The value of one of its labels: the cluster's, or else the zone's.
    #[must_use]
    pub fn label(&self, key: &str) -> Option<&'a str> {
        self.cluster.labels.get(key).or_else(|| self.zone.labels.get(key)).map(String::as_str)
    }

    /// Whether an operator wants traffic off it.
    #[must_use]
    pub const fn is_drained(&self) -> bool {
        self.zone.drain || self.cluster.drain
    }
}

/// An object of the fleet that does not fit with the others.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{object}: {error}")]
pub struct FleetError {
    /// The object.
    pub object: Reference,
    /// What is wrong with it.
    pub error: Box<SpecError>,
}

impl Fleet {
    /// Puts zones and clusters together.
    ///
    /// # Errors
    ///
    /// An object that cannot be, or does not fit with the others; the first by
    /// kind, then in the order given.
    pub fn new(zones: Vec<api::AvailabilityZone>, clusters: Vec<api::Cluster>) -> Result<Self, FleetError> {
        let mut fleet = Self::default();
        for object in zones {
            let reference = object.reference();
            fleet.add_zone(object).map_err(|error| FleetError { object: reference, error: error.into() })?;
        }
        for object in clusters {
            let reference = object.reference();
            fleet
                .add_cluster(object)
                .map_err(|error| FleetError { object: reference, error: error.into() })?;
        }
        Ok(fleet)
    }

    /// The zones by name.
    pub fn zones(&self) -> impl ExactSizeIterator<Item = &Zone> {
        self.zones.values()
    }

    /// The clusters by name.
    pub fn clusters(&self) -> impl ExactSizeIterator<Item = &Cluster> {
        self.clusters.values()
    }

    /// The zone of this name.
    #[must_use]
    pub fn zone(&self, name: &str) -> Option<&Zone> {
        self.zones.get(name)
    }

    /// The cluster of this name.
    #[must_use]
    pub fn cluster(&self, name: &str) -> Option<&Cluster> {
        self.clusters.get(name)
    }

    /// The requests that clusters carry now; `None` if that is known of none of them.
    #[must_use]
    pub fn loads(&self) -> Option<BTreeMap<Name, Rate>> {
        let known = self.clusters.values().filter_map(|cluster| Some((cluster.name.clone(), cluster.load?)));
        let loads: BTreeMap<Name, Rate> = known.collect();
        (!loads.is_empty()).then_some(loads)
    }

    /// Whether a region has a cluster that takes traffic.
    #[must_use]
    pub fn serves(&self, region: &Name) -> bool {
        self.zones.values().any(|zone| zone.region == *region && self.is_serving(zone))
    }

    /// Whether a zone has a cluster that takes traffic.
    #[must_use]
    pub fn is_serving(&self, zone: &Zone) -> bool {
        !zone.drain && self.clusters.values().any(|cluster| cluster.zone == zone.name && !cluster.drain)
    }

    /// Whether a zone is drained, or one of its clusters.
    #[must_use]
    pub fn has_drain(&self, zone: &Zone) -> bool {
        zone.drain || self.clusters.values().any(|cluster| cluster.zone == zone.name && cluster.drain)
    }

    /// The same fleet with one of its zones drained.
    #[must_use]
    pub fn with_zone_drained(&self, name: &Name) -> Self {
        let mut fleet = self.clone();
        if let Some(zone) = fleet.zones.get_mut(name) {
            zone.drain = true;
        }
        fleet
    }

    /// The same fleet with what only an earlier one has, drained: nothing goes to a cluster that is gone.
    #[must_use]
    pub fn with_gone_drained(&self, earlier: &Self) -> Self {
        let mut fleet = self.clone();
        for (name, zone) in &earlier.zones {
            fleet.zones.entry(name.clone()).or_insert_with(|| Zone { drain: true, ..zone.clone() });
        }
        for (name, cluster) in &earlier.clusters {
            fleet.clusters.entry(name.clone()).or_insert_with(|| Cluster { drain: true, ..cluster.clone() });
        }
        fleet
    }

    /// All that can be a target at a level, by name; a zone without a gateway cluster cannot.
    pub fn targets(&self, level: PlacementLevel) -> impl Iterator<Item = Target<'_>> {
        let names: Vec<&Name> = match level {
            PlacementLevel::Cluster => self.clusters.keys().collect(),
            PlacementLevel::Zone => self.zones.keys().collect(),
        };
        names.into_iter().filter_map(move |name| self.target(level, name.as_str()))
    }

    /// The target of this name; `None` if there is none, or a zone has no gateway cluster.
    #[must_use]
    pub fn target(&self, level: PlacementLevel, name: &str) -> Option<Target<'_>> {
        let cluster = match level {
            PlacementLevel::Cluster => self.cluster(name)?,
            PlacementLevel::Zone => self.cluster(self.zone(name)?.gateway.as_ref()?.as_str())?,
        };
        let zone = self.zones.get(&cluster.zone).expect("a cluster is added only to a zone that is there");
        Some(Target { level, zone, cluster })
    }

    fn add_zone(&mut self, object: api::AvailabilityZone) -> Result<(), SpecError> {
        let top = FieldPath::default();
        platform_metadata(&object.metadata, &top)?;
        let name = object.metadata.name;
        if self.zones.contains_key(&name) {
            let name = name.to_string();
            return Err(top.field("metadata").field("name").wrong(Problem::NameTaken { name }));
        }
        let at = top.field("spec").field("eastWest").field("addresses");
        let zone = Zone {
            name: name.clone(),
            east_west: object.spec.east_west.map_or(Ok(Vec::new()), |spec| entrance(spec.addresses, &at))?,
            region: object.spec.region,
            labels: object.metadata.labels,
            drain: object.spec.drain,
            gateway: None,
        };
        self.zones.insert(name, zone);
        Ok(())
    }

    fn add_cluster(&mut self, object: api::Cluster) -> Result<(), SpecError> {
        let top = FieldPath::default();
        platform_metadata(&object.metadata, &top)?;
        let (name, spec) = (object.metadata.name, object.spec);
        if self.clusters.contains_key(&name) {
            let name = name.to_string();
            return Err(top.field("metadata").field("name").wrong(Problem::NameTaken { name }));
        }
        let at = top.field("spec");
        let Some(zone) = self.zones.get_mut(&spec.zone) else {
            let names = self.zones.keys().map(Name::as_str);
            let nearest = nearest(spec.zone.as_str(), names).map(str::to_owned);
            let problem = Problem::Unknown { what: "zone", name: spec.zone.to_string(), nearest };
            return Err(at.field("zone").wrong(problem));
        };
        if spec.gateway {
            if let Some(first) = &zone.gateway {
                let first = first.to_string();
                return Err(at.field("gateway").wrong(Problem::SecondGateway { first }));
            }
            zone.gateway = Some(name.clone());
        }
        let memory = spec.proxy_memory.unwrap_or_default();
        let status = object.status.unwrap_or_default();
        let cluster = Cluster {
            name: name.clone(),
            network: spec.network.unwrap_or_else(|| spec.zone.clone()),
            zone: spec.zone,
            labels: object.metadata.labels,
            istio: spec.istio,
            is_gateway: spec.gateway,
            capacity: spec.capacity.unwrap_or_default().requests,
            gateway_memory: memory.gateway,
            sidecar_memory: memory.sidecar,
            drain: spec.drain,
            load: status.requests,
            reachability: status.reachability,
        };
        self.clusters.insert(name, cluster);
        Ok(())
    }
}

/// Addresses of an entrance: at least one, each once, none that means a network or nobody.
fn entrance(addresses: Vec<IpAddr>, path: &FieldPath) -> Result<Vec<IpAddr>, SpecError> {
    if addresses.is_empty() {
        return Err(path.wrong(Problem::Empty));
    }
    for (position, address) in addresses.iter().enumerate() {
        let at = path.item(position);
        let name = address.to_string();
        if address.is_unspecified() || address.is_loopback() || address.is_multicast() {
            return Err(at.wrong(Problem::NoHost { found: name }));
        }
        if let Some(first) = addresses.iter().position(|other| other == address).filter(|at| *at < position) {
            return Err(at.wrong(Problem::Duplicate { name, first }));
        }
        // the gateway's Service can be given no more
        if addresses[..position].iter().any(|other| other.is_ipv4() == address.is_ipv4()) {
            return Err(at.wrong(Problem::SecondOfFamily { found: name }));
        }
    }
    Ok(addresses)
}

/// What must hold of the metadata of the platform's objects.
pub(crate) fn platform_metadata(metadata: &api::Metadata, top: &FieldPath) -> Result<(), SpecError> {
    let at = top.field("metadata");
    if metadata.namespace.is_some() {
        return Err(at.field("namespace").wrong(Problem::Namespace { wanted: false }));
    }
    check_marks(&metadata.labels, &metadata.annotations, &at)
}

#[cfg(test)]
pub(crate) mod tests;
