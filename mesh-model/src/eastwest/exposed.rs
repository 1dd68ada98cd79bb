//! Which services are called across zones: those that access points put there.
//!
//! Only these: every other zone holds an entry for each, and a mesh of 10,000
//! services that each zone knew ten times over would be the incident again.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::LeftOutReason;
use crate::api::PlacementLevel;
use crate::fleet::Fleet;
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
    /// The zones where a DestinationRule of its own says how it is called; there other zones'
    /// endpoints are added only if that rule can bear them.
    pub ruled: BTreeMap<Name, Option<LeftOutReason>>,
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
        let mut rules: BTreeMap<String, BTreeMap<Name, Option<LeftOutReason>>> = BTreeMap::new();
        for rendering in ordered {
            let Some(target) = place(&rendering) else { continue };
            for object in &rendering.objects {
                let Some((kind, namespace)) = kind_and_namespace(object) else { continue };
                if kind == TemplateKind::DestinationRule {
                    for host in hosts_of(kind, object, &namespace) {
                        let zones = rules.entry(host).or_default();
                        let verdict = zones.entry(target.zone.name.clone()).or_default();
                        *verdict = verdict.or_else(|| verdict_of(object));
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
            // what cannot be read shows nobody anything new
            export: ExportTo::of(object)
                .unwrap_or_else(|_| ExportTo::parse(["."]).expect("the own namespace can be written")),
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

/// What a rule says against endpoints in other zones.
fn verdict_of(rule: &Value) -> Option<LeftOutReason> {
    let top = rule.pointer("/spec/trafficPolicy");
    let mode = top.and_then(|policy| policy.pointer("/tls/mode")).and_then(Value::as_str);
    if mode.is_some_and(|mode| mode != "ISTIO_MUTUAL") {
        return Some(LeftOutReason::OtherTls);
    }
    let ejects =
        |policy: Option<&Value>| policy.is_some_and(|policy| policy.get("outlierDetection").is_some());
    let subsets = rule.pointer("/spec/subsets").and_then(Value::as_array);
    let all = subsets.is_some_and(|subsets| {
        !subsets.is_empty() && subsets.iter().all(|subset| ejects(subset.get("trafficPolicy")))
    });
    (!ejects(top) && !all).then_some(LeftOutReason::NoOutlierDetection)
}

fn kind_and_namespace(object: &Value) -> Option<(TemplateKind, Name)> {
    let text = |pointer: &str| object.pointer(pointer).and_then(Value::as_str);
    Some((text("/kind")?.parse().ok()?, text("/metadata/namespace")?.parse().ok()?))
}
