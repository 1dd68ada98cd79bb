//! The services file: what else is in the mesh, as a person or an export writes it, for [`predict`](super::predict)
//! and for [`lint`](crate::lint::lint).

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::SizeModel;
use crate::access_point::{AccessPoint, PlacementRule};
use crate::api::{FieldPath, LabelSelectorSpec, Problem, SpecError, check_version, repeated};
use crate::labels::{Labels, Selector, check_labels};
use crate::name::Name;
use crate::placement::Workload;
use crate::template::TemplateKind;
use crate::traffic::full_host;
use crate::visibility::{DiscoverySelectors, Export, ExportTo, GatewayPods, Sidecar};

/// The mesh around the access points.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ServicesFile {
    /// Version of this format: 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<u32>,
    /// Threads of each proxy, at least 1. Default: 2.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub workers: Option<u16>,
    /// Whether proxies speak mutual TLS with circuit breakers and outlier detection, as a mesh does. Default: true.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mutual_tls: Option<bool>,
    /// Where gateways run. Default: each in the namespace of its access point.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gateway_namespace: Option<Name>,
    /// Who configures gateways. Default: istio.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gateway_config: Option<GatewayConfig>,
    /// The namespace whose Sidecar holds for all that have none. Default: istio-system.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub root_namespace: Option<Name>,
    /// Whether gateways get only clusters that their routes refer to (`PILOT_FILTER_GATEWAY_CLUSTER_CONFIG`).
    /// Default: false, as Istio's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub filter_gateway_clusters: Option<bool>,
    /// Who sees services that say nothing. Default: all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub default_export_to: Vec<Export>,
    /// The namespaces that the control plane looks at: those that one of these matches. Default: all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub discovery_selectors: Vec<LabelSelectorSpec>,
    /// What is known of namespaces.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub namespaces: BTreeMap<Name, NamespaceSpec>,
    /// The gateways' pods, which a Gateway's selector is held against by `lint`; unknown where left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gateways: Option<Vec<GatewayPods>>,
    /// The services.
    pub services: Vec<ServiceSpec>,
}

/// Who configures gateways.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum GatewayConfig {
    /// istiod, which gives them all that is exported to them, each once.
    #[default]
    Istio,
    /// This project, which gives each access point listeners and clusters of its own, and of these only
    /// what its routes refer to.
    Overspill,
}

/// What is known of a namespace.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NamespaceSpec {
    /// Its labels.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: Labels,
    /// The egress hosts of its Sidecar, `namespace/host`; it has none where left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sidecar_egress: Option<Vec<String>>,
}

/// A service.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ServiceSpec {
    /// Its name.
    pub name: Name,
    /// Its namespace.
    pub namespace: Name,
    /// Its ports from 1, each once.
    pub ports: Vec<u16>,
    /// Its endpoints. Default: 10.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub endpoints: Option<u32>,
    /// Who sees it. Default: as the mesh says.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub export_to: Vec<Export>,
}

/// The mesh around the access points, checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Services {
    /// Bytes for what is counted.
    pub model: SizeModel,
    /// Where gateways run; each in the namespace of its access point if `None`.
    pub gateway_namespace: Option<Name>,
    /// Who configures gateways.
    pub gateway_config: GatewayConfig,
    /// The namespace whose Sidecar holds for all that have none.
    pub root_namespace: Name,
    /// Whether gateways get only clusters that their routes refer to.
    pub filter_gateway_clusters: bool,
    /// Who sees services that say nothing.
    pub default_export: ExportTo,
    /// The services by host, of namespaces that the control plane looks at.
    pub services: BTreeMap<String, MeshService>,
    /// Which namespaces those are.
    pub discovery: Discovery,
    /// Endpoints of Services that access points render, by host, as far as they are known otherwise.
    pub endpoints: BTreeMap<String, u32>,
    /// The gateways' pods, if they are known.
    pub gateways: Option<Vec<GatewayPods>>,
    /// The Sidecars by namespace.
    pub sidecars: BTreeMap<Name, Sidecar>,
}

/// A service of the mesh.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MeshService {
    /// Its namespace.
    pub namespace: Name,
    /// Its ports.
    pub ports: Vec<u16>,
    /// How many of them an east-west gateway passes on: those of TCP, of services inside the mesh.
    pub passed: usize,
    /// Its endpoints.
    pub endpoints: u32,
    /// Who sees it.
    pub export: ExportTo,
}

/// Istio's own namespace.
const ROOT: &str = "istio-system";

/// Which namespaces the control plane looks at, as far as their labels are known.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Discovery {
    /// What it looks for.
    pub selectors: DiscoverySelectors,
    /// The labels of namespaces, beside their names.
    pub labels: BTreeMap<Name, Labels>,
}

impl Discovery {
    /// Whether it looks at a namespace; one of which nothing is known has its name for a label.
    #[must_use]
    pub fn admits(&self, namespace: &Name) -> bool {
        let none = Labels::new();
        self.selectors.admit(namespace, self.labels.get(namespace).unwrap_or(&none))
    }
}

impl Services {
    /// Takes from the workloads that access points follow how many endpoints the Services have that they
    /// render: all replicas that are wanted, for where clusters are one network every proxy has them all.
    pub fn follow(&mut self, access_points: &[AccessPoint], workloads: &[Workload]) {
        for access_point in access_points {
            let PlacementRule::Follow(name) = &access_point.placement.rule else { continue };
            let namespace = &access_point.id.namespace;
            let is_it = |one: &&Workload| one.name == *name && one.namespace == *namespace;
            let Some(workload) = workloads.iter().find(is_it) else { continue };
            let replicas = workload.clusters().map(|cluster| workload.wanted(cluster));
            let replicas = replicas.fold(0, u32::saturating_add);
            let services = access_point.templates.iter().filter(|one| one.id.kind == TemplateKind::Service);
            let hosts = services.map(|service| full_host(&service.id.name, namespace));
            self.endpoints.extend(hosts.map(|host| (host, replicas)));
        }
    }

    /// The Sidecar for all workloads of a namespace, if there is one: its own, or the root namespace's.
    #[must_use]
    pub fn sidecar(&self, namespace: &Name) -> Option<&Sidecar> {
        self.sidecars.get(namespace).or_else(|| self.sidecars.get(&self.root_namespace))
    }
}

/// Endpoints of a service of which nothing is known.
pub(super) const ENDPOINTS: u32 = 10;

impl TryFrom<ServicesFile> for Services {
    type Error = SpecError;

    fn try_from(file: ServicesFile) -> Result<Self, SpecError> {
        let top = FieldPath::default();
        check_version(file.version)?;
        let at = top.field("discoverySelectors");
        let selectors = file.discovery_selectors.into_iter().enumerate();
        let selectors = selectors.map(|(position, spec)| Selector::check(spec, &at.item(position)));
        let selectors = DiscoverySelectors(selectors.collect::<Result<_, SpecError>>()?);
        let mut sidecars = BTreeMap::new();
        for (name, namespace) in &file.namespaces {
            let at = top.field("namespaces").field(name.as_str());
            check_labels(&namespace.labels, &at.field("labels"))?;
            let Some(hosts) = &namespace.sidecar_egress else { continue };
            if hosts.is_empty() {
                return Err(at.field("sidecarEgress").wrong(Problem::Empty));
            }
            let sidecar = Sidecar::new(name.clone(), hosts.iter().map(String::as_str));
            let sidecar = sidecar.map_err(|error| at.field("sidecarEgress").wrong(error))?;
            sidecars.insert(name.clone(), sidecar);
        }
        check_gateways(file.gateways.as_deref(), &top.field("gateways"))?;
        let labels = file.namespaces.into_iter().map(|(name, namespace)| (name, namespace.labels));
        let discovery = Discovery { selectors, labels: labels.collect() };
        let mut services = BTreeMap::new();
        let mut hosts: BTreeMap<String, usize> = BTreeMap::new();
        for (position, spec) in file.services.into_iter().enumerate() {
            let host = full_host(spec.name.as_str(), &spec.namespace);
            check_ports(&spec.ports, &top.field("services").item(position).field("ports"))?;
            if let Some(first) = hosts.insert(host.clone(), position) {
                let at = top.field("services").item(position).field("name");
                return Err(at.wrong(Problem::Duplicate { name: spec.name.to_string(), first }));
            }
            if discovery.admits(&spec.namespace) {
                let service = MeshService {
                    passed: spec.ports.len(),
                    ports: spec.ports,
                    endpoints: spec.endpoints.unwrap_or(ENDPOINTS),
                    export: spec.export_to.into_iter().collect(),
                    namespace: spec.namespace,
                };
                services.insert(host, service);
            }
        }
        if file.workers == Some(0) {
            return Err(top.field("workers").wrong(Problem::Zero { found: "0".to_owned() }));
        }
        let model = if file.mutual_tls.unwrap_or(true) { SizeModel::FULL } else { SizeModel::PLAIN };
        Ok(Self {
            model: model.with_workers(u64::from(file.workers.unwrap_or(2))),
            gateway_namespace: file.gateway_namespace,
            gateway_config: file.gateway_config.unwrap_or_default(),
            root_namespace: file.root_namespace.unwrap_or_else(|| ROOT.parse().expect("it is a name")),
            filter_gateway_clusters: file.filter_gateway_clusters.unwrap_or(false),
            default_export: file.default_export_to.into_iter().collect(),
            gateways: file.gateways,
            services,
            discovery,
            endpoints: BTreeMap::new(),
            sidecars,
        })
    }
}

/// Gateways are at least one, with labels that can be.
fn check_gateways(gateways: Option<&[GatewayPods]>, path: &FieldPath) -> Result<(), SpecError> {
    if gateways.is_some_and(<[GatewayPods]>::is_empty) {
        return Err(path.wrong(Problem::Empty));
    }
    let mut all = gateways.into_iter().flatten().enumerate();
    all.try_for_each(|(position, pods)| check_labels(&pods.labels, &path.item(position).field("labels")))
}

/// Ports are numbers that something can listen on, each once.
fn check_ports(ports: &[u16], path: &FieldPath) -> Result<(), SpecError> {
    if let Some(position) = ports.iter().position(|port| *port == 0) {
        return Err(path.item(position).wrong(Problem::Port));
    }
    if let Some((position, first)) = repeated(ports) {
        let name = ports[first].to_string();
        return Err(path.item(position).wrong(Problem::Duplicate { name, first }));
    }
    Ok(())
}
