//! Which services are called across zones: those that access points put there.
//!
//! Only these: every other zone holds an entry for each, and a mesh of 10,000
//! services that each zone knew ten times over would be the incident again.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::LeftOutReason;
use crate::api::PlacementLevel;
use crate::fleet::Fleet;
use crate::labels::Labels;
use crate::name::Name;
use crate::render::Rendering;
use crate::template::TemplateKind;
use crate::template::view::{self, ServicePort};
use crate::traffic::full_host;
use crate::visibility::{ExportTo, hosts_of};

/// A service and the zones that have it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exposed {
    /// Its namespace.
    pub namespace: Name,
    /// Its name.
    pub name: Box<str>,
    /// Its ports of TCP, by number; a gateway passes no other on.
    pub ports: BTreeMap<u16, ExposedPort>,
    /// Who sees it.
    pub export: ExportTo,
    /// The zones, and in each the clusters, that have it.
    pub places: BTreeMap<Name, BTreeSet<Name>>,
    /// The zones where a DestinationRule of its own says how it is called.
    pub ruled: BTreeMap<Name, Ruled>,
}

/// What the DestinationRules that a zone's control plane reads say of a service.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ruled {
    /// Why endpoints in other zones cannot be added there, if that is so.
    pub against: Option<LeftOutReason>,
    /// The subsets, by name.
    pub subsets: BTreeMap<String, Subset>,
}

/// A part of a service's endpoints.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subset {
    /// The labels by which its endpoints are found.
    pub labels: Labels,
    /// The namespace of its rule.
    pub namespace: Name,
    /// Who sees its rule.
    pub export: ExportTo,
}

/// A port of a service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExposedPort {
    /// Its name, which an endpoint is matched by; made of the number where the Service gives none.
    pub name: String,
    /// Whether the Service gives none: then no endpoint of an entry is found where the Service itself is.
    pub is_nameless: bool,
    /// What is spoken: `HTTP`, `HTTP2`, `GRPC`, `HTTPS`, `TLS`, `MONGO` or `TCP`.
    pub protocol: &'static str,
}

impl Exposed {
    /// The services among what targets receive, by namespace and name.
    ///
    /// Headless ones and those that stand for another name are called as they
    /// are and not exposed, nor are ports of UDP and SCTP. Where a service differs
    /// between targets, the first target by name counts. Targets that the fleet
    /// does not have are passed over.
    #[must_use]
    pub fn of(renderings: &[Rendering], fleet: &Fleet) -> Vec<Self> {
        let mut ordered: Vec<&Rendering> = renderings.iter().collect();
        ordered.sort_by_key(|rendering| &rendering.target);
        let place = |rendering: &&Rendering| {
            let name = rendering.target.as_str();
            let find = |level| fleet.target(level, name);
            find(PlacementLevel::Cluster).or_else(|| find(PlacementLevel::Zone))
        };
        let mut services: BTreeMap<(Name, Box<str>), Self> = BTreeMap::new();
        let mut rules: BTreeMap<String, BTreeMap<Name, Ruled>> = BTreeMap::new();
        for rendering in ordered {
            let Some(target) = place(&rendering) else { continue };
            for object in &rendering.objects {
                let Some((kind, namespace)) = kind_and_namespace(object) else { continue };
                // what a remote has of them nobody reads
                if kind == TemplateKind::DestinationRule && target.cluster.is_gateway {
                    for host in hosts_of(kind, object, &namespace) {
                        let zones = rules.entry(host).or_default();
                        zones.entry(target.zone.name.clone()).or_default().add(object, &namespace);
                    }
                }
                let Some(service) =
                    (kind == TemplateKind::Service).then(|| Self::new(object, namespace)).flatten()
                else {
                    continue;
                };
                let key = (service.namespace.clone(), service.name.clone());
                let places = &mut services.entry(key).or_insert(service).places;
                places.entry(target.zone.name.clone()).or_default().insert(target.cluster.name.clone());
            }
        }
        for service in services.values_mut() {
            service.ruled = rules.remove(&service.host()).unwrap_or_default();
        }
        services.into_values().collect()
    }

    /// The name by which it is called everywhere.
    #[must_use]
    pub fn host(&self) -> String {
        full_host(&self.name, &self.namespace)
    }

    fn new(object: &Value, namespace: Name) -> Option<Self> {
        let name = object.pointer("/metadata/name")?.as_str()?.into();
        let service: view::Service = view::of(object).ok()?;
        let is_headless = service.cluster_ip.as_deref() == Some("None");
        if is_headless || service.service_type.as_deref() == Some("ExternalName") {
            return None;
        }
        let is_tcp = |port: &&ServicePort| port.protocol.as_deref().is_none_or(|protocol| protocol == "TCP");
        let ports: BTreeMap<u16, ExposedPort> =
            service.ports.iter().filter(is_tcp).map(|port| (port.port, ExposedPort::of(port))).collect();
        (!ports.is_empty()).then(|| Self {
            namespace,
            name,
            ports,
            export: export_of(object),
            places: BTreeMap::new(),
            ruled: BTreeMap::new(),
        })
    }
}

impl ExposedPort {
    fn of(port: &ServicePort) -> Self {
        let given = port.name.clone().filter(|name| !name.is_empty());
        let is_nameless = given.is_none();
        let name = given.unwrap_or_else(|| format!("tcp-{}", port.port));
        let said = port.app_protocol.as_deref().unwrap_or(&name);
        let prefix = said.split_once('-').map_or(said, |(prefix, _)| prefix).to_ascii_lowercase();
        let protocol = match prefix.as_str() {
            "http" => "HTTP",
            "http2" | "kubernetes.io/h2c" => "HTTP2",
            "grpc" => "GRPC",
            "https" => "HTTPS",
            "tls" => "TLS",
            "mongo" => "MONGO",
            _ => "TCP",
        };
        Self { name, is_nameless, protocol }
    }
}

impl Ruled {
    fn add(&mut self, rule: &Value, namespace: &Name) {
        self.against = self.against.take().or_else(|| against(rule));
        let subset = |subset: &Value| {
            let labels = subset.get("labels").and_then(Value::as_object).into_iter().flatten();
            let labels = labels.filter_map(|(key, value)| Some((key.clone(), value.as_str()?.to_owned())));
            let export = export_of(rule);
            let subset_of = Subset { labels: labels.collect(), namespace: namespace.clone(), export };
            Some((subset.get("name")?.as_str()?.to_owned(), subset_of))
        };
        self.subsets.extend(subsets_of(rule).filter_map(subset));
    }
}

impl Subset {
    /// Whether a gateway sees it: of rules it reads those of its own namespace and of the service's.
    pub(super) fn is_seen_from(&self, gateway: &Name, service: &Name) -> bool {
        (self.namespace == *gateway || self.namespace == *service)
            && self.export.shows(&self.namespace, gateway)
    }
}

/// Who sees an object; what cannot be read shows nobody anything new.
fn export_of(object: &Value) -> ExportTo {
    ExportTo::of(object).unwrap_or_else(|_| ExportTo::parse(["."]).expect("the own namespace can be written"))
}

fn subsets_of(rule: &Value) -> impl Iterator<Item = &Value> {
    rule.pointer("/spec/subsets").and_then(Value::as_array).into_iter().flatten()
}

/// What a rule says against endpoints in other zones.
fn against(rule: &Value) -> Option<LeftOutReason> {
    let top = rule.pointer("/spec/trafficPolicy");
    let policies: Vec<&Value> =
        top.into_iter().chain(subsets_of(rule).filter_map(|subset| subset.get("trafficPolicy"))).collect();
    // which have nothing of the policy that they stand in
    let ports: Vec<&Value> = policies
        .iter()
        .filter_map(|policy| policy.get("portLevelSettings").and_then(Value::as_array))
        .flatten()
        .collect();
    let is_other = |policy: &&Value| {
        policy.pointer("/tls/mode").and_then(Value::as_str).is_some_and(|mode| mode != "ISTIO_MUTUAL")
    };
    if policies.iter().chain(&ports).any(is_other) {
        return Some(LeftOutReason::OtherTls);
    }
    let ejects = |policy: &Value| policy.get("outlierDetection").is_some();
    let has_subsets = subsets_of(rule).next().is_some();
    let all = has_subsets && subsets_of(rule).all(|subset| subset.get("trafficPolicy").is_some_and(ejects));
    let is_safe = (top.is_some_and(ejects) || all) && ports.into_iter().all(ejects);
    (!is_safe).then_some(LeftOutReason::NoOutlierDetection)
}

fn kind_and_namespace(object: &Value) -> Option<(TemplateKind, Name)> {
    let text = |pointer: &str| object.pointer(pointer).and_then(Value::as_str);
    Some((text("/kind")?.parse().ok()?, text("/metadata/namespace")?.parse().ok()?))
}
