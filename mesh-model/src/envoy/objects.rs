//! An access point's objects as the views that a gateway is made of, and what hosts are.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use serde_json::Value;

use super::{Feature, GatewayInput, HostEndpoints, Proxy, RateLimit, Unsupported, policy};
use crate::access_point::AccessPointId;
use crate::name::Name;
use crate::rules::{Clash, Rule, Together, together};
use crate::template::view::{
    AuthorizationPolicy, DestinationRule, Gateway, MutualTlsMode, PeerAuthentication, Service, ServiceEntry,
    Subset, TrafficPolicy, View, VirtualService, WorkloadEntry, of,
};
use crate::template::{TemplateId, TemplateKind};
use crate::traffic::full_host;

/// Istio's own namespace, which is the root where a mesh names no other.
const ROOT: &str = "istio-system";

/// An object's view and which object it is.
pub(super) type Named<V> = (TemplateId, V);

/// Everything of one access point.
pub(super) struct Input<'a> {
    pub(super) access_point: AccessPointId,
    /// Whether its namespace is the mesh's root, whose policies are for the workloads of all.
    pub(super) is_root: bool,
    /// The gateway's own namespace, if that is known.
    viewer: Option<Name>,
    pub(super) vips: Vec<IpAddr>,
    pub(super) endpoints: &'a [HostEndpoints],
    pub(super) rate_limit: Option<RateLimit>,
    pub(super) objects: Vec<(TemplateId, &'a Value)>,
    pub(super) services: Vec<Named<Service>>,
    /// Those that select the proxy.
    pub(super) gateways: Vec<Named<Gateway>>,
    /// The Gateways that select other workloads.
    pub(super) passed_over: Vec<TemplateId>,
    pub(super) virtual_services: Vec<Named<VirtualService>>,
    pub(super) destination_rules: Vec<Named<DestinationRule>>,
    pub(super) entries: Vec<Named<ServiceEntry>>,
    pub(super) workloads: Vec<Named<WorkloadEntry>>,
    pub(super) policies: Vec<Named<AuthorizationPolicy>>,
    pub(super) peer_authentications: Vec<Named<PeerAuthentication>>,
}

/// A port of a host, and what is behind it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Called {
    /// In full.
    pub(super) host: String,
    pub(super) port: u32,
    pub(super) subset: Option<String>,
}

/// What a host is.
pub(super) enum Backing<'a> {
    /// A Service of this access point.
    Own(&'a Service),
    /// A ServiceEntry of this access point.
    Entry(&'a TemplateId, &'a ServiceEntry),
    /// Somebody else's service, of which only the endpoints are known.
    Other,
}

/// What is asked of a rule where several are put together.
fn rule(of: &Named<DestinationRule>) -> Rule<'_, &Named<DestinationRule>> {
    Rule {
        of,
        host: &of.1.host,
        has_policy: of.1.traffic_policy.is_some(),
        subsets: of.1.subsets.iter().map(|one| one.name.as_str()).collect(),
        export_to: of.1.export_to.iter().map(String::as_str).collect(),
    }
}

impl<'a> Input<'a> {
    /// Reads the objects of which the proxy serves what selects it.
    pub(super) fn read(proxy: &Proxy, given: &GatewayInput<'a>) -> Result<Self, Vec<Unsupported>> {
        let mut objects: Vec<(TemplateId, &'a Value)> = Vec::new();
        for object in given.objects {
            let text = |pointer: &str| object.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
            if let Ok(kind) = text("/kind").parse::<TemplateKind>() {
                objects.push((TemplateId { kind, name: text("/metadata/name").into() }, object));
            }
        }
        let mut faults = Vec::new();
        let mut known = BTreeSet::new();
        for (id, _) in objects.iter().filter(|(id, _)| !known.insert(id.clone())) {
            faults.push(Unsupported {
                access_point: given.access_point.clone(),
                object: Some(id.clone()),
                path: String::new(),
                feature: Feature::TwoObjects,
            });
        }
        let selects = |(_, gateway): &Named<Gateway>| {
            gateway.selector.iter().all(|(key, value)| proxy.labels.get(key) == Some(value))
        };
        let (gateways, others): (Vec<_>, Vec<_>) =
            views::<Gateway>(given, &objects, &mut faults).into_iter().partition(selects);
        let input = Self {
            access_point: given.access_point.clone(),
            is_root: given.access_point.namespace
                == *proxy.root_namespace.as_ref().map_or(ROOT, Name::as_str),
            viewer: proxy.namespace.clone(),
            vips: given.vips.clone(),
            endpoints: given.endpoints,
            rate_limit: given.rate_limit,
            services: views(given, &objects, &mut faults),
            gateways,
            passed_over: others.into_iter().map(|(id, _)| id).collect(),
            virtual_services: views(given, &objects, &mut faults),
            destination_rules: views(given, &objects, &mut faults),
            entries: views(given, &objects, &mut faults),
            workloads: views(given, &objects, &mut faults),
            policies: views(given, &objects, &mut faults),
            peer_authentications: views(given, &objects, &mut faults),
            objects,
        };
        if faults.is_empty() { Ok(input) } else { Err(faults) }
    }

    /// A host in full: one without a dot is a Service of the namespace.
    pub(super) fn full_host(&self, host: &str) -> String {
        full_host(host, &self.access_point.namespace)
    }

    /// What a host is.
    pub(super) fn backing(&self, host: &str) -> Backing<'_> {
        let own = self.services.iter().find(|(id, _)| self.full_host(&id.name) == host);
        let entry = self.entries.iter().find(|(_, entry)| entry.hosts.iter().any(|one| one == host));
        match (own, entry) {
            (Some((_, service)), _) => Backing::Own(service),
            (None, Some((id, entry))) => Backing::Entry(id, entry),
            (None, None) => Backing::Other,
        }
    }

    /// The ports of a host.
    pub(super) fn ports(&self, host: &str) -> Vec<u32> {
        match self.backing(host) {
            Backing::Own(service) => service.ports.iter().map(|port| u32::from(port.port)).collect(),
            Backing::Entry(_, entry) => entry.ports.iter().map(|port| port.number).collect(),
            Backing::Other => {
                let of = self.endpoints.iter().filter(|one| one.host == host);
                of.map(|one| one.port).collect()
            }
        }
    }

    /// The rules of a host, put together: of those for different viewers the ones that the gateway sees.
    pub(super) fn rules(&self, host: &str) -> Option<Together<'_, &Named<DestinationRule>>> {
        let namespace = &self.access_point.namespace;
        let all = together(self.destination_rules.iter().map(rule), host, namespace)?;
        // that one alone is not exported is lint's to tell, as of routes
        if !all.clashes.iter().any(Clash::is_apart) {
            return Some(all);
        }
        let seen = self.destination_rules.iter().filter(|(_, rule)| self.sees(&rule.export_to));
        together(seen.map(rule), host, namespace)
    }

    /// Whether the gateway sees what is exported like this; it may, where its namespace is not known.
    fn sees(&self, export_to: &[String]) -> bool {
        let Some(viewer) = &self.viewer else { return true };
        let is_viewer = |to: &String| match to.as_str() {
            "*" => true,
            "." => *viewer == self.access_point.namespace,
            to => to == viewer.as_str(),
        };
        export_to.is_empty() || export_to.iter().any(is_viewer)
    }

    /// How the endpoints of a port are used.
    pub(super) fn policy(&self, called: &Called) -> TrafficPolicy {
        let Some(rules) = self.rules(&called.host) else { return TrafficPolicy::default() };
        let of_host = rules.policy.and_then(|(_, rule)| rule.traffic_policy.as_ref());
        let of_subset = subset(&rules, called).and_then(|(_, subset)| subset.traffic_policy.as_ref());
        policy::of_port(of_host, of_subset, called.port)
    }

    /// The rule that says how the endpoints of a port are used: the subset's where that says something.
    pub(super) fn said_by(&self, called: &Called) -> Option<&TemplateId> {
        let rules = self.rules(&called.host)?;
        let of_subset = subset(&rules, called).filter(|(_, subset)| subset.traffic_policy.is_some());
        let of_host = || rules.policy.unwrap_or(rules.first);
        Some(&of_subset.map_or_else(of_host, |(rule, _)| rule).0)
    }

    /// The labels of a subset; `None` if there is no such subset.
    pub(super) fn subset_labels(&self, called: &Called) -> Option<BTreeMap<String, String>> {
        if called.subset.is_none() {
            return Some(BTreeMap::new());
        }
        subset(&self.rules(&called.host)?, called).map(|(_, subset)| subset.labels.clone())
    }

    /// Whether the pods of a Service take plain calls only, by the most special that says so.
    pub(super) fn is_plain(&self, service: &Service, port: u32) -> bool {
        let target = service.ports.iter().find(|one| u32::from(one.port) == port);
        let target = target.and_then(|one| match &one.target_port {
            Some(Value::Number(number)) => Some(number.to_string()),
            Some(Value::String(_)) => None,
            _ => Some(one.port.to_string()),
        });
        let is_about = |policy: &&PeerAuthentication| {
            let selector = policy.selector.as_ref();
            selector.is_some_and(|one| {
                one.match_labels.iter().all(|(key, value)| service.selector.get(key) == Some(value))
            })
        };
        let all = || self.peer_authentications.iter().map(|(_, policy)| policy);
        let special = all().find(is_about);
        let general = all().find(|policy| policy.selector.is_none());
        let by_port = special.and_then(|one| one.port_level_mtls.get(target.as_deref()?)).map(|one| one.mode);
        let modes = [
            by_port,
            special.and_then(|one| one.mtls).map(|one| one.mode),
            general.and_then(|one| one.mtls).map(|one| one.mode),
        ];
        let said = modes.into_iter().flatten().find(|mode| *mode != MutualTlsMode::Unset);
        said == Some(MutualTlsMode::Disable)
    }
}

/// The subset that is called, and whose it is.
fn subset<'a>(
    rules: &Together<'a, &'a Named<DestinationRule>>,
    called: &Called,
) -> Option<(&'a Named<DestinationRule>, &'a Subset)> {
    let (rule, position) = *rules.subsets.get(called.subset.as_deref()?)?;
    Some((rule, &rule.1.subsets[position]))
}

/// All objects of a kind by their view.
fn views<V: View>(
    given: &GatewayInput<'_>,
    objects: &[(TemplateId, &Value)],
    faults: &mut Vec<Unsupported>,
) -> Vec<Named<V>> {
    let mut views = Vec::new();
    for (id, object) in objects.iter().filter(|(id, _)| id.kind == V::KIND) {
        match of::<V>(object) {
            Ok(view) => views.push((id.clone(), view)),
            Err(error) => faults.push(Unsupported {
                access_point: given.access_point.clone(),
                object: Some(id.clone()),
                path: "/spec".to_owned(),
                feature: Feature::Shape { message: error.to_string() },
            }),
        }
    }
    views
}
