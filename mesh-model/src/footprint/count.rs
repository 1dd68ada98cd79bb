//! Counting: what proxies of a cluster see, of what is rendered there and of the mesh.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::file::ENDPOINTS;
use super::own::server_port;
use super::{Counts, MeshService, ProxyClass, Services};
use crate::name::Name;
use crate::render::Rendering;
use crate::template::TemplateKind;
use crate::visibility::{ExportTo, Sidecar, destinations, has_gateway, hosts_of};

/// The rendered objects of one cluster, by what is counted of them.
pub(super) struct Objects<'a> {
    /// Services and hosts of ServiceEntries, as they will be.
    own: BTreeMap<String, MeshService>,
    /// Subsets by the host of their DestinationRule, with who sees the rule.
    subsets: Vec<(String, Name, ExportTo, u64)>,
    /// VirtualServices.
    routes: Vec<Routes>,
    /// Gateways.
    gateways: Vec<(Name, &'a Value)>,
    /// The selectors of those that pass TLS on by name.
    passing: Vec<Option<&'a Value>>,
    /// Namespaces with workloads.
    namespaces: BTreeSet<Name>,
}

struct Routes {
    namespace: Name,
    export: ExportTo,
    is_for_gateways: bool,
    is_for_mesh: bool,
    /// Virtual hosts times routes.
    routes: u64,
    refers_to: BTreeSet<String>,
}

/// The mesh as proxies look through it, which many do from end to end.
pub(super) struct Mesh<'a> {
    /// In order of host.
    services: Vec<Listed<'a>>,
    /// Owners and to whom they show things: far fewer than services, so each is asked once for a viewer.
    audiences: Vec<(&'a Name, &'a ExportTo)>,
    /// Lists of ports, which many services have in common.
    ports: Vec<&'a [u16]>,
}

/// A service of the mesh, with what every proxy asks of it beside it: services lie far apart in memory.
struct Listed<'a> {
    host: &'a str,
    service: &'a MeshService,
    size: Size,
    audience: usize,
    ports: usize,
    /// Whether anything rendered needs it.
    is_needed: bool,
}

/// What is counted of a service.
#[derive(Clone, Copy)]
struct Size {
    ports: u32,
    passed: u32,
    endpoints: u32,
}

impl Size {
    fn of(service: &MeshService) -> Self {
        let few = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
        Self { ports: few(service.ports.len()), passed: few(service.passed), endpoints: service.endpoints }
    }
}

impl<'a> Mesh<'a> {
    pub(super) fn of(services: &'a Services, needed: &BTreeSet<&str>) -> Self {
        let (mut audiences, mut ports) = (Numbers::default(), Numbers::default());
        let list = |(host, service): (&'a String, &'a MeshService)| Listed {
            host,
            service,
            size: Size::of(service),
            audience: audiences.of((&service.namespace, service.export.or(&services.default_export))),
            ports: ports.of(service.ports.as_slice()),
            is_needed: needed.contains(host.as_str()),
        };
        let services = services.services.iter().map(list).collect();
        Self { services, audiences: audiences.in_order(), ports: ports.in_order() }
    }

    /// Where a host is.
    fn position(&self, host: &str) -> Option<usize> {
        self.services.binary_search_by(|one| one.host.cmp(host)).ok()
    }
}

/// Numbers of things of which there are few, each again and again.
struct Numbers<T>(BTreeMap<T, usize>);

impl<T> Default for Numbers<T> {
    fn default() -> Self {
        Self(BTreeMap::new())
    }
}

impl<T: Ord> Numbers<T> {
    fn of(&mut self, thing: T) -> usize {
        let next = self.0.len();
        *self.0.entry(thing).or_insert(next)
    }

    fn in_order(self) -> Vec<T> {
        let mut all: Vec<(T, usize)> = self.0.into_iter().collect();
        all.sort_unstable_by_key(|(_, number)| *number);
        all.into_iter().map(|(thing, _)| thing).collect()
    }
}

/// A class of proxies.
pub(super) struct Viewer<'a> {
    pub(super) class: ProxyClass,
    pub(super) namespace: Name,
    /// Whether it passes TLS on by name, and has clusters twice for it.
    pub(super) is_east_west: bool,
    sidecar: Option<&'a Sidecar>,
    /// What its routes refer to.
    refers_to: BTreeSet<&'a str>,
    /// Subsets by host, as far as it sees their rules.
    subsets: BTreeMap<&'a str, u64>,
    /// What it sees of the mesh, without what is rendered in its cluster, by position.
    seen: Vec<usize>,
}

impl<'a> Objects<'a> {
    pub(super) fn of(renderings: &[&'a Rendering], services: &Services) -> Self {
        let mut objects = Self {
            own: BTreeMap::new(),
            subsets: Vec::new(),
            routes: Vec::new(),
            gateways: Vec::new(),
            passing: Vec::new(),
            namespaces: BTreeSet::new(),
        };
        let mut entries = Vec::new();
        for object in renderings.iter().flat_map(|rendering| &rendering.objects) {
            let text = |pointer: &str| object.pointer(pointer).and_then(Value::as_str);
            let kind = text("/kind").and_then(|kind| kind.parse::<TemplateKind>().ok());
            let namespace = text("/metadata/namespace").and_then(|name| name.parse::<Name>().ok());
            match (kind, namespace) {
                (Some(TemplateKind::ServiceEntry), Some(namespace)) => entries.push((object, namespace)),
                (Some(kind), Some(namespace)) => objects.add(kind, object, namespace, services),
                _ => {}
            }
        }
        // after the services, whose endpoints they add to
        for (object, namespace) in entries {
            objects.entry(object, namespace, services);
        }
        objects
    }

    fn add(&mut self, kind: TemplateKind, object: &'a Value, namespace: Name, services: &Services) {
        // what cannot be read is taken for seen
        let export = ExportTo::of(object).unwrap_or_default();
        let list = |pointer: &str| object.pointer(pointer).and_then(Value::as_array).into_iter().flatten();
        self.namespaces.insert(namespace.clone());
        match kind {
            TemplateKind::Service => {
                let passed = list("/spec/ports").filter(|port| is_tcp(port)).count();
                for host in hosts_of(kind, object, &namespace) {
                    let known = services.services.get(&host).map(|known| known.endpoints);
                    let known = known.or_else(|| services.endpoints.get(&host).copied());
                    let endpoints = known.unwrap_or(ENDPOINTS);
                    let (namespace, export) = (namespace.clone(), export.clone());
                    let ports = ports_of(object);
                    self.own.insert(host, MeshService { namespace, ports, passed, endpoints, export });
                }
            }
            TemplateKind::ServiceEntry => self.entry(object, namespace, services),
            TemplateKind::DestinationRule => {
                let count = list("/spec/subsets").count() as u64;
                for host in hosts_of(kind, object, &namespace) {
                    self.subsets.push((host, namespace.clone(), export.clone(), count));
                }
            }
            TemplateKind::VirtualService => {
                let of = |section| list(section).count() as u64;
                let routes = of("/spec/http") + of("/spec/tls") + of("/spec/tcp");
                let is_for_gateways = has_gateway(object);
                self.routes.push(Routes {
                    export,
                    is_for_gateways,
                    is_for_mesh: !is_for_gateways || list("/spec/gateways").any(|one| one == "mesh"),
                    routes: routes.max(1) * of("/spec/hosts").max(1),
                    refers_to: destinations(object, &namespace),
                    namespace,
                });
            }
            TemplateKind::Gateway => {
                let mode = |server: &Value| server.pointer("/tls/mode") == Some(&"AUTO_PASSTHROUGH".into());
                if list("/spec/servers").any(mode) {
                    self.passing.push(object.pointer("/spec/selector"));
                }
                self.gateways.push((namespace, object));
            }
            TemplateKind::AuthorizationPolicy
            | TemplateKind::PeerAuthentication
            | TemplateKind::WorkloadEntry => {}
        }
    }

    /// A ServiceEntry: a service of its own, or more endpoints of one in its namespace.
    fn entry(&mut self, object: &Value, namespace: Name, services: &Services) {
        self.namespaces.insert(namespace.clone());
        let list = |pointer: &str| object.pointer(pointer).and_then(Value::as_array).into_iter().flatten();
        let written = u32::try_from(list("/spec/endpoints").count()).unwrap_or(u32::MAX);
        let is_internal = object.pointer("/spec/location").is_some_and(|place| place == "MESH_INTERNAL");
        let passed = list("/spec/ports").filter(|port| is_internal && is_tcp(port)).count();
        for host in hosts_of(TemplateKind::ServiceEntry, object, &namespace) {
            if let Some(own) = self.own.get_mut(&host).filter(|own| own.namespace == namespace) {
                own.endpoints = own.endpoints.saturating_add(written);
                continue;
            }
            let known = services.services.get(&host);
            let endpoints = match known.map(|known| known.endpoints) {
                Some(known) => known.saturating_add(written),
                None if written > 0 => written,
                None => ENDPOINTS,
            };
            let export = ExportTo::of(object).unwrap_or_default();
            let (namespace, ports) = (namespace.clone(), ports_of(object));
            self.own.insert(host, MeshService { namespace, ports, passed, endpoints, export });
        }
    }

    /// The classes of proxies that there are.
    pub(super) fn viewers(&'a self, services: &'a Services, mesh: &Mesh<'_>) -> Vec<Viewer<'a>> {
        let of_gateways = |(namespace, _): &(Name, &Value)| {
            services.gateway_namespace.clone().unwrap_or_else(|| namespace.clone())
        };
        let gateways: BTreeSet<(Name, bool)> =
            self.gateways.iter().map(|one| (of_gateways(one), self.is_east_west(one.1))).collect();
        let gateways =
            gateways.into_iter().map(|(namespace, passes)| (ProxyClass::Gateway, namespace, passes));
        let sidecars =
            self.namespaces.iter().map(|namespace| (ProxyClass::Sidecar, namespace.clone(), false));
        // what is rendered here takes the place of what is there
        let mut is_replaced = vec![false; mesh.services.len()];
        for position in self.own.keys().filter_map(|host| mesh.position(host)) {
            is_replaced[position] = true;
        }
        let viewer = |(class, namespace, is_east_west): (ProxyClass, Name, bool)| {
            let sees = |owner: &Name, export: &ExportTo| export.shows(owner, &namespace);
            let is_for = |routes: &&Routes| match class {
                ProxyClass::Gateway => routes.is_for_gateways,
                ProxyClass::Sidecar => routes.is_for_mesh,
            };
            let routes = self.routes.iter().filter(is_for).filter(|one| sees(&one.namespace, &one.export));
            let subsets = self.subsets.iter().filter(|(_, owner, export, _)| sees(owner, export));
            let mut viewer = Viewer {
                class,
                // gateways know no Sidecar
                sidecar: services.sidecar(&namespace).filter(|_| class == ProxyClass::Sidecar),
                refers_to: routes.flat_map(|one| one.refers_to.iter().map(String::as_str)).collect(),
                subsets: subsets.map(|(host, _, _, count)| (host.as_str(), *count)).collect(),
                is_east_west,
                seen: Vec::new(),
                namespace,
            };
            let is_shown = |(owner, export): &(&Name, &ExportTo)| export.shows(owner, &viewer.namespace);
            let is_shown: Vec<bool> = mesh.audiences.iter().map(is_shown).collect();
            let seen = mesh.services.iter().enumerate().filter(|(position, one)| {
                is_shown[one.audience]
                    && !is_replaced[*position]
                    && viewer.asks_for(services, one.host, one.service)
            });
            viewer.seen = seen.map(|(position, _)| position).collect();
            viewer
        };
        gateways.chain(sidecars).map(viewer).collect()
    }

    /// Whether the proxies of a Gateway pass TLS on: those that its selector has in common with one that does.
    fn is_east_west(&self, gateway: &Value) -> bool {
        self.passing.contains(&gateway.pointer("/spec/selector"))
    }

    /// All that a proxy holds.
    pub(super) fn counts(&self, viewer: &Viewer<'_>, services: &Services, mesh: &Mesh<'_>) -> Counts {
        let mut ports = BTreeSet::new();
        let mut counts = Counts::default();
        let mut distinct = Ports::default();
        let own = self.own.iter().filter(|(host, service)| viewer.sees(services, host, service));
        for (host, service) in own {
            counts = counts.plus(of_service(viewer, host, Size::of(service)));
            service.ports.iter().for_each(|port| distinct.insert(*port));
        }
        let mut are_seen = vec![false; mesh.ports.len()];
        for one in viewer.seen.iter().map(|position| &mesh.services[*position]) {
            counts = counts.plus(of_service(viewer, one.host, one.size));
            are_seen[one.ports] = true;
        }
        let seen = mesh.ports.iter().zip(are_seen).filter(|(_, is_seen)| *is_seen);
        seen.flat_map(|(ports, _)| *ports).for_each(|port| distinct.insert(*port));
        for one in self.routes.iter().filter(|one| one.export.shows(&one.namespace, &viewer.namespace)) {
            let holds = match viewer.class {
                ProxyClass::Gateway => one.is_for_gateways,
                ProxyClass::Sidecar => one.is_for_mesh,
            };
            counts.routes += if holds { one.routes } else { 0 };
        }
        let is_here = |(owner, object): &(Name, &Value)| {
            (services.gateway_namespace.is_some() || *owner == viewer.namespace)
                && self.is_east_west(object) == viewer.is_east_west
        };
        counts.listeners = match viewer.class {
            ProxyClass::Gateway => {
                for (_, object) in self.gateways.iter().filter(|one| is_here(one)) {
                    let servers = object.pointer("/spec/servers").and_then(Value::as_array);
                    for server in servers.into_iter().flatten() {
                        match server_port(server) {
                            Some(port) => _ = ports.insert(port),
                            None => counts.listeners += 1,
                        }
                    }
                }
                counts.listeners + ports.len() as u64
            }
            // and one for all that comes in, one for all that goes out
            ProxyClass::Sidecar => distinct.count() + 2,
        };
        counts
    }

    /// The hosts that routes refer to, or that are rendered themselves.
    pub(super) fn needed(&self) -> impl Iterator<Item = &str> {
        self.routes.iter().flat_map(|one| &one.refers_to).chain(self.own.keys()).map(String::as_str)
    }
}

impl Viewer<'_> {
    /// Services that it sees and nothing rendered needs, by their position in the mesh, with the memory of each.
    pub(super) fn unneeded(&self, services: &Services, mesh: &Mesh<'_>) -> Vec<(usize, u64)> {
        let base = services.model.size(Counts::default()).memory_bytes;
        let is_own =
            |service: &MeshService| self.class == ProxyClass::Sidecar && service.namespace == self.namespace;
        let seen = self.seen.iter().map(|position| (*position, &mesh.services[*position]));
        let unneeded = seen.filter(|(_, one)| !one.is_needed && !is_own(one.service));
        let bytes =
            |one: &Listed<'_>| services.model.size(of_service(self, one.host, one.size)).memory_bytes - base;
        unneeded.map(|(position, one)| (position, bytes(one))).collect()
    }

    /// Whether it sees a service.
    fn sees(&self, services: &Services, host: &str, service: &MeshService) -> bool {
        service.export.or(&services.default_export).shows(&service.namespace, &self.namespace)
            && self.asks_for(services, host, service)
    }

    /// Whether it takes a service that is shown to it.
    fn asks_for(&self, services: &Services, host: &str, service: &MeshService) -> bool {
        let is_filtered =
            services.filter_gateway_clusters && self.class == ProxyClass::Gateway && !self.is_east_west;
        self.sidecar.is_none_or(|sidecar| {
            // what a route that is imported leads to comes with it
            sidecar.imports(&self.namespace, &service.namespace, host) || self.refers_to.contains(host)
        }) && (!is_filtered || self.refers_to.contains(host))
    }
}

/// What a service is to a proxy that sees it.
fn of_service(viewer: &Viewer<'_>, host: &str, size: Size) -> Counts {
    let subsets = viewer.subsets.get(host).copied().unwrap_or(0);
    let ports = u64::from(size.ports);
    let passed = if viewer.is_east_west { u64::from(size.passed) * (1 + subsets) } else { 0 };
    let clusters = ports * (1 + subsets) + passed;
    let routes = if viewer.class == ProxyClass::Sidecar { ports } else { 0 };
    Counts { clusters, passed, routes, listeners: 0, endpoints: clusters * u64::from(size.endpoints) }
}

/// A set of ports as bits: many services have the same few.
struct Ports([u64; 1 << 10]);

impl Default for Ports {
    fn default() -> Self {
        Self([0; 1 << 10])
    }
}

impl Ports {
    fn insert(&mut self, port: u16) {
        self.0[usize::from(port >> 6)] |= 1 << (port & 63);
    }

    fn count(&self) -> u64 {
        self.0.iter().map(|word| u64::from(word.count_ones())).sum()
    }
}

/// The ports of a Service or ServiceEntry.
fn ports_of(object: &Value) -> Vec<u16> {
    let number = |port: &Value| ["port", "number"].iter().find_map(|field| port.get(*field)?.as_u64());
    let ports = object.pointer("/spec/ports").and_then(Value::as_array).into_iter().flatten();
    ports.filter_map(number).filter_map(|port| u16::try_from(port).ok()).collect()
}

/// Whether TLS can be spoken on a port.
fn is_tcp(port: &Value) -> bool {
    !port.get("protocol").and_then(Value::as_str).is_some_and(|protocol| ["UDP", "SCTP"].contains(&protocol))
}
