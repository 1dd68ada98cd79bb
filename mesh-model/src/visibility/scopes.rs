//! The least that must be seen, from what access points and workloads refer to.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::{Export, ExportTo, NAMESPACE_LABEL};
use crate::access_point::AccessPoint;
use crate::name::Name;
use crate::patch::Pointer;
use crate::template::{TemplateId, TemplateKind};
use crate::traffic::full_host;

/// Who refers to what.
#[derive(Clone, Copy, Debug)]
pub struct Uses<'a> {
    /// The access points.
    pub access_points: &'a [AccessPoint],
    /// Where gateways run; each in its access point's namespace if `None`.
    pub gateways: Option<&'a Name>,
    /// What workloads call beyond their own namespace.
    pub calls: &'a [Call],
    /// What the mesh says of objects that say nothing.
    pub mesh: &'a ExportTo,
}

/// A workload's call.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Call {
    /// The caller's namespace.
    pub from: Name,
    /// The host, in full.
    pub host: String,
}

/// The least that must be seen.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Scopes {
    /// Each object that can say who sees it.
    pub objects: Vec<ObjectScope>,
    /// For each namespace the hosts of a Sidecar for all of its workloads: `namespace/host`.
    pub sidecars: BTreeMap<Name, BTreeSet<String>>,
    /// The namespaces that the control plane must look at.
    pub namespaces: BTreeSet<Name>,
}

/// Who has to see an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ObjectScope {
    /// Its namespace.
    pub namespace: Name,
    /// Its kind and name.
    pub object: TemplateId,
    /// Who sees it now.
    pub before: ExportTo,
    /// Who has to, of those who do; the same as before where that would be nobody and is not possible.
    pub after: ExportTo,
}

impl Scopes {
    /// The `discoverySelectors` of the mesh's configuration.
    #[must_use]
    pub fn discovery_selectors(&self) -> Value {
        let names: Vec<&str> = self.namespaces.iter().map(Name::as_str).collect();
        json!([{ "matchExpressions": [{ "key": NAMESPACE_LABEL, "operator": "In", "values": names }] }])
    }

    /// The Sidecars as objects, by namespace.
    pub fn sidecar_objects(&self) -> impl Iterator<Item = Value> {
        self.sidecars.iter().map(|(namespace, hosts)| {
            json!({
                "apiVersion": "networking.istio.io/v1",
                "kind": "Sidecar",
                "metadata": { "name": "default", "namespace": namespace.as_str() },
                "spec": { "egress": [{ "hosts": hosts }] },
            })
        })
    }
}

/// The least that must be seen: nothing that was not seen before, and of that all that is referred to.
#[must_use]
pub fn smallest(uses: Uses<'_>) -> Scopes {
    let viewers = viewers(uses);
    let mut scopes = Scopes::default();
    let mut owners: BTreeMap<String, &Name> = BTreeMap::new();
    for access_point in uses.access_points {
        let owner = &access_point.id.namespace;
        scopes.namespaces.extend([owner, uses.gateways.unwrap_or(owner)].map(Name::clone));
        for template in &access_point.templates {
            let hosts = hosts_of(template.id.kind, &template.object, owner);
            if matches!(template.id.kind, TemplateKind::Service | TemplateKind::ServiceEntry) {
                owners.extend(hosts.iter().map(|host| (host.clone(), owner)));
            }
            if template.id.kind == TemplateKind::Service || template.id.kind.has_export_to() {
                let mut seen: BTreeSet<&Name> =
                    hosts.iter().filter_map(|host| viewers.get(host)).flatten().copied().collect();
                if template.id.kind == TemplateKind::VirtualService && has_gateway(&template.object) {
                    seen.insert(uses.gateways.unwrap_or(owner));
                }
                scopes.objects.extend(scope(uses.mesh, owner, template, &seen));
            }
        }
    }
    for (host, viewers) in &viewers {
        for viewer in viewers.iter().filter(|viewer| Some(**viewer) != uses.gateways) {
            let hosts = scopes.sidecars.entry((*viewer).clone()).or_insert_with(|| ["./*".to_owned()].into());
            match owners.get(host).map(|owner| (*owner).clone()).or_else(|| namespace_of(host)) {
                Some(owner) if owner == **viewer => {}
                Some(owner) => {
                    hosts.insert(format!("{owner}/{host}"));
                    scopes.namespaces.insert(owner);
                }
                None => {
                    hosts.insert(format!("*/{host}"));
                }
            }
        }
        scopes.namespaces.extend(viewers.iter().map(|viewer| (*viewer).clone()));
    }
    scopes
}

/// Who refers to each host.
fn viewers(uses: Uses<'_>) -> BTreeMap<String, BTreeSet<&Name>> {
    let mut viewers: BTreeMap<String, BTreeSet<&Name>> = BTreeMap::new();
    for access_point in uses.access_points {
        let owner = &access_point.id.namespace;
        for template in &access_point.templates {
            let object = &template.object;
            match template.id.kind {
                TemplateKind::VirtualService => {
                    let by = if has_gateway(object) { uses.gateways.unwrap_or(owner) } else { owner };
                    for host in destinations(object, owner) {
                        viewers.entry(host).or_default().extend([by, owner]);
                    }
                }
                // its own workloads may always call what a namespace has
                TemplateKind::Service | TemplateKind::ServiceEntry => {
                    for host in hosts_of(template.id.kind, object, owner) {
                        viewers.entry(host).or_default().insert(owner);
                    }
                }
                TemplateKind::AuthorizationPolicy
                | TemplateKind::DestinationRule
                | TemplateKind::Gateway
                | TemplateKind::PeerAuthentication
                | TemplateKind::WorkloadEntry => {}
            }
        }
    }
    for call in uses.calls {
        viewers.entry(call.host.clone()).or_default().insert(&call.from);
    }
    viewers
}

/// Who has to see an object that can say it; `None` if what it says cannot be read.
fn scope(
    mesh: &ExportTo,
    owner: &Name,
    template: &crate::template::Template,
    viewers: &BTreeSet<&Name>,
) -> Option<ObjectScope> {
    let before = ExportTo::of(&template.object).ok()?;
    let is_seen = |viewer: &&&Name| before.or(mesh).shows(owner, viewer);
    let item = |viewer: &&Name| match *viewer {
        viewer if viewer == owner => Export::Own,
        viewer => Export::Namespace(viewer.clone()),
    };
    let with_own: BTreeSet<&Name> = viewers.iter().copied().chain([owner]).collect();
    let after: ExportTo = with_own.iter().filter(is_seen).map(item).collect();
    let is_service = matches!(template.id.kind, TemplateKind::Service | TemplateKind::ServiceEntry);
    let is_seen = after.iter().next().is_some();
    let after = match (is_seen, is_service) {
        (true, _) => after,
        (false, true) => ExportTo::from_iter([Export::Nobody]),
        (false, false) => before.clone(),
    };
    Some(ObjectScope { namespace: owner.clone(), object: template.id.clone(), before, after })
}

/// The hosts that an object is about.
pub(crate) fn hosts_of(kind: TemplateKind, object: &Value, namespace: &Name) -> Vec<String> {
    let text = |pointer: &str| object.pointer(pointer).and_then(Value::as_str);
    match kind {
        TemplateKind::Service => {
            text("/metadata/name").map(|name| full_host(name, namespace)).into_iter().collect()
        }
        TemplateKind::DestinationRule => {
            text("/spec/host").map(|host| full_host(host, namespace)).into_iter().collect()
        }
        TemplateKind::ServiceEntry | TemplateKind::VirtualService => {
            let hosts = object.pointer("/spec/hosts").and_then(Value::as_array);
            let hosts = hosts.into_iter().flatten().filter_map(Value::as_str);
            hosts.map(|host| full_host(host, namespace)).collect()
        }
        TemplateKind::AuthorizationPolicy
        | TemplateKind::Gateway
        | TemplateKind::PeerAuthentication
        | TemplateKind::WorkloadEntry => Vec::new(),
    }
}

/// The hosts that a VirtualService leads to, copies included.
pub(crate) fn destinations(object: &Value, namespace: &Name) -> BTreeSet<String> {
    destinations_at(object, namespace).into_iter().map(|(_, host)| host).collect()
}

/// The same, each where it is written, in the order of the object.
pub(crate) fn destinations_at(object: &Value, namespace: &Name) -> Vec<(Pointer, String)> {
    let mut hosts = Vec::new();
    for section in ["http", "tls", "tcp"] {
        let routes = object.pointer(&format!("/spec/{section}")).and_then(Value::as_array);
        let at = Pointer::default().then("spec").then(section);
        for (position, route) in routes.into_iter().flatten().enumerate() {
            let at = at.then(&position.to_string());
            let mut add = |at: Pointer, destination: Option<&Value>| {
                let host = destination.and_then(|destination| destination.get("host")?.as_str());
                hosts.extend(host.map(|host| (at.then("host"), full_host(host, namespace))));
            };
            for field in ["route", "mirrors"] {
                let list = route.get(field).and_then(Value::as_array).into_iter().flatten().enumerate();
                for (number, one) in list {
                    let at = at.then(field).then(&number.to_string()).then("destination");
                    add(at, one.get("destination"));
                }
            }
            add(at.then("mirror"), route.get("mirror"));
        }
    }
    hosts
}

/// Whether a VirtualService holds at a gateway.
pub(crate) fn has_gateway(object: &Value) -> bool {
    let gateways = object.pointer("/spec/gateways").and_then(Value::as_array);
    gateways.into_iter().flatten().any(|gateway| gateway != "mesh")
}

/// The namespace of a Service's full host.
fn namespace_of(host: &str) -> Option<Name> {
    host.strip_suffix(".svc.cluster.local")?.split_once('.')?.1.parse().ok()
}
