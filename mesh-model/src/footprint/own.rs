//! Gateways that this project configures itself: by access point, whatever is exported.
//!
//! Each access point has listeners and clusters of its own, of which it shares none with another
//! ([`envoy`](crate::envoy)): a service to which ten access points lead is in ten clusters.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::file::ENDPOINTS;
use super::{Counts, Services};
use crate::name::Name;
use crate::render::{OWNER_LABEL, Rendering};
use crate::template::TemplateKind;
use crate::traffic::full_host;
use crate::visibility::has_gateway;

/// A host, a port of it (0 for its only one) and a subset.
type Called<'a> = (String, u64, &'a str);

/// What the gateways of a cluster hold in one namespace.
pub(super) fn counts(renderings: &[&Rendering], services: &Services, namespace: &Name) -> Counts {
    let mut counts = Counts::default();
    let (mut ports, mut clusters) = (BTreeSet::new(), BTreeSet::new());
    let mut entries: BTreeMap<String, u64> = BTreeMap::new();
    let objects = || renderings.iter().flat_map(|rendering| &rendering.objects);
    for object in objects() {
        let text = |pointer: &str| object.pointer(pointer).and_then(Value::as_str);
        let list = |pointer: &str| object.pointer(pointer).and_then(Value::as_array).into_iter().flatten();
        let Some(owner) = text("/metadata/namespace").and_then(|name| name.parse::<Name>().ok()) else {
            continue;
        };
        let labels = object.pointer("/metadata/labels");
        let access_point = labels.and_then(|labels| labels.get(OWNER_LABEL)).and_then(Value::as_str);
        let access_point = (owner.clone(), access_point.unwrap_or_default());
        let is_here = services.gateway_namespace.is_some() || owner == *namespace;
        match text("/kind").and_then(|kind| kind.parse().ok()) {
            Some(TemplateKind::Gateway) if is_here => {
                for server in list("/spec/servers") {
                    match server_port(server) {
                        Some(port) => {
                            counts.listeners += u64::from(ports.insert((access_point.clone(), port)))
                        }
                        None => counts.listeners += 1,
                    }
                }
            }
            Some(TemplateKind::VirtualService) if is_here && has_gateway(object) => {
                let hosts = (list("/spec/hosts").count() as u64).max(1);
                for route in
                    ["http", "tls", "tcp"].iter().flat_map(|section| list(&format!("/spec/{section}")))
                {
                    counts.routes += hosts;
                    clusters.extend(called(route, &owner).into_iter().map(|one| (access_point.clone(), one)));
                }
            }
            Some(TemplateKind::ServiceEntry) => {
                for host in list("/spec/hosts").filter_map(Value::as_str) {
                    entries.insert(full_host(host, &owner), list("/spec/endpoints").count() as u64);
                }
            }
            _ => {}
        }
    }
    counts.clusters = clusters.len() as u64;
    let endpoints = |host: &str| {
        let written = entries.get(host).copied().filter(|count| *count > 0);
        let known = services.services.get(host).map_or(ENDPOINTS, |service| service.endpoints);
        written.unwrap_or_else(|| u64::from(known))
    };
    counts.endpoints = clusters.iter().map(|(_, (host, ..))| endpoints(host)).sum();
    counts
}

/// The port of a server that is plain, which shares its listener with others of the port; `None` for
/// one with TLS, which has a chain of its own.
pub(super) fn server_port(server: &Value) -> Option<u64> {
    let tls = server.get("tls").filter(|tls| tls.get("httpsRedirect") != Some(&Value::Bool(true)));
    server.pointer("/port/number").and_then(Value::as_u64).filter(|_| tls.is_none())
}

/// What a route leads to, copies included.
fn called<'a>(route: &'a Value, namespace: &Name) -> Vec<Called<'a>> {
    let list = |field: &str| route.get(field).and_then(Value::as_array).into_iter().flatten();
    let destinations = list("route").chain(list("mirrors")).filter_map(|one| one.get("destination"));
    let one = |to: &'a Value| {
        let port = to.pointer("/port/number").and_then(Value::as_u64).unwrap_or_default();
        let subset = to.get("subset").and_then(Value::as_str).unwrap_or_default();
        Some((full_host(to.get("host")?.as_str()?, namespace), port, subset))
    };
    destinations.chain(route.get("mirror")).filter_map(one).collect()
}
