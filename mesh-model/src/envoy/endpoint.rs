//! Endpoints of clusters by locality, with the priorities that `locality` gives them.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::objects::{Backing, Called, Input, Named};
use super::value::socket_address;
use super::{Endpoint, Feature, HostEndpoints, Scope};
use crate::labels::Labels;
use crate::locality::{Endpoints, HostCounts, Locality, assign};
use crate::template::TemplateId;
use crate::template::view::{Service, ServiceEntry, TrafficPolicy, WorkloadEntry};

/// How a cluster learns its endpoints.
pub(super) enum Discovery {
    /// It resolves names itself.
    Names,
    /// It is told.
    Service,
}

/// The endpoints of a cluster.
pub(super) struct Assigned {
    pub(super) value: Value,
    /// Whether weights of localities count.
    pub(super) is_weighted: bool,
}

/// An endpoint, whoever told of it.
struct One {
    address: String,
    port: u32,
    locality: Locality,
    labels: Labels,
    weight: u32,
    is_healthy: bool,
}

pub(super) fn assignment(
    scope: &mut Scope<'_>,
    called: &Called,
    name: &str,
    policy: &TrafficPolicy,
) -> (Discovery, Assigned) {
    let wanted = scope.input.subset_labels(called).unwrap_or_default();
    let (discovery, mut all) = found(scope, called);
    all.retain(|one| wanted.iter().all(|(key, value)| one.labels.get(key) == Some(value)));
    // one group is what one priority and one weight are given to
    let mut groups: BTreeMap<(Locality, Labels), Vec<One>> = BTreeMap::new();
    let balancer = policy.load_balancer.as_ref();
    let by_labels =
        balancer.and_then(|one| one.locality_lb_setting.as_ref()).map(|one| &one.failover_priority);
    let by_regions =
        balancer.and_then(|one| one.zone_aware_lb_setting.as_ref()).map(|one| &one.failover_priority);
    let keys: Vec<&str> = by_labels
        .into_iter()
        .chain(by_regions)
        .flatten()
        .map(|one| one.split_once('=').map_or(one.as_str(), |(key, _)| key))
        .collect();
    for one in all {
        let labels = one.labels.iter().filter(|(key, _)| keys.contains(&key.as_str()));
        let labels = labels.map(|(key, value)| (key.clone(), value.clone())).collect();
        groups.entry((one.locality.clone(), labels)).or_default().push(one);
    }
    let endpoints: Vec<Endpoints> = groups
        .iter()
        .map(|((locality, labels), members)| Endpoints {
            locality: locality.clone(),
            counts: HostCounts::default(),
            // Istio's weight of a locality is that of its endpoints
            weight: members.iter().fold(0, |sum: u32, one| sum.saturating_add(one.weight)),
            labels: labels.clone(),
        })
        .collect();
    let assignment = assign(policy, &scope.proxy.locality, &scope.proxy.labels, &endpoints);
    let localities: Vec<Value> = groups
        .into_iter()
        .zip(&assignment.groups)
        .filter(|(_, group)| group.weight > 0)
        .map(|(((locality, _), members), group)| {
            let mut value = json!({
                "locality": place(&locality),
                "lb_endpoints": members.iter().map(endpoint).collect::<Vec<Value>>(),
                "priority": group.priority,
            });
            if assignment.is_weighted {
                value["load_balancing_weight"] = json!(group.weight);
            }
            value
        })
        .collect();
    let value = json!({ "cluster_name": name, "endpoints": localities });
    (discovery, Assigned { value, is_weighted: assignment.is_weighted })
}

fn found(scope: &mut Scope<'_>, called: &Called) -> (Discovery, Vec<One>) {
    let input = scope.input;
    if let Backing::Entry(id, entry) = input.backing(&called.host) {
        return of_entry(scope, id, entry, called);
    }
    let all: Vec<One> = told(input, called).flat_map(|host| host.endpoints.iter().map(of_told)).collect();
    if all.is_empty() {
        no_name(scope, called);
    }
    (Discovery::Service, all)
}

/// What the gateway is told of a port of a host.
fn told<'a>(input: &'a Input<'_>, called: &'a Called) -> impl Iterator<Item = &'a HostEndpoints> {
    input.endpoints.iter().filter(|one| one.host == called.host && one.port == called.port)
}

fn of_told(endpoint: &Endpoint) -> One {
    One {
        address: endpoint.address.ip().to_string(),
        port: u32::from(endpoint.address.port()),
        locality: endpoint.locality.clone(),
        labels: endpoint.labels.clone(),
        weight: endpoint.weight.max(1),
        is_healthy: endpoint.is_healthy,
    }
}

/// A Service that is another name has no endpoints, ever, and calls to it would all fail.
fn no_name(scope: &mut Scope<'_>, called: &Called) {
    let input = scope.input;
    let is_it = |(id, service): &&Named<Service>| {
        service.service_type.as_deref() == Some("ExternalName") && input.full_host(&id.name) == called.host
    };
    if let Some((id, _)) = input.services.iter().find(is_it) {
        let right = "a gateway follows no other name; write a ServiceEntry of resolution DNS for that name, and lead routes to it";
        scope.value(id, "/spec/type", "ExternalName", right);
    }
}

/// The endpoints of a ServiceEntry: its own list, or the WorkloadEntries and pods that it selects.
fn of_entry(
    scope: &mut Scope<'_>,
    id: &TemplateId,
    entry: &ServiceEntry,
    called: &Called,
) -> (Discovery, Vec<One>) {
    let input = scope.input;
    let port = entry.ports.iter().find(|one| one.number == called.port);
    let port = port.expect("a port is called only if the host has it");
    let one = |workload: &WorkloadEntry| {
        let own = workload.ports.get(&port.name).copied();
        Some(One {
            address: workload.address.clone()?,
            port: own.or(port.target_port).unwrap_or(port.number),
            locality: Locality::new(workload.locality.as_deref().unwrap_or_default()),
            labels: workload.labels.clone(),
            weight: workload.weight.unwrap_or(1).max(1),
            is_healthy: true,
        })
    };
    let mut all: Vec<One> = entry.endpoints.iter().filter_map(one).collect();
    if let Some(selector) = &entry.workload_selector {
        let selected = input.workloads.iter().filter(|(_, workload)| {
            selector.labels.iter().all(|(key, value)| workload.labels.get(key) == Some(value))
        });
        all.extend(selected.filter_map(|(_, workload)| one(workload)));
        // pods that it selects are told of; who tells of a WorkloadEntry, too, means the same one
        let known: BTreeSet<(String, u32)> = all.iter().map(|one| (one.address.clone(), one.port)).collect();
        let pods = told(input, called).flat_map(|host| host.endpoints.iter().map(of_told));
        all.extend(pods.filter(|one| !known.contains(&(one.address.clone(), one.port))));
    }
    match entry.resolution.as_deref() {
        Some("STATIC") => {
            if let Some(name) = all.iter().find(|one| one.address.parse::<std::net::IpAddr>().is_err()) {
                scope.value(
                    id,
                    "/spec/endpoints",
                    &name.address.clone(),
                    "resolution STATIC takes addresses only",
                );
            }
            (Discovery::Service, all)
        }
        Some("DNS") => {
            if all.is_empty() {
                all.push(One {
                    address: called.host.clone(),
                    port: port.target_port.unwrap_or(port.number),
                    locality: Locality::default(),
                    labels: Labels::new(),
                    weight: 1,
                    is_healthy: true,
                });
            }
            (Discovery::Names, all)
        }
        other => {
            scope.fault(
                id,
                "/spec/resolution",
                Feature::Value {
                    found: crate::nearest::quoted(other.unwrap_or("NONE")),
                    right: "a gateway must know where to call; write STATIC or DNS",
                },
            );
            (Discovery::Service, all)
        }
    }
}

fn place(locality: &Locality) -> Value {
    json!({ "region": locality.region, "zone": locality.zone, "sub_zone": locality.subzone })
}

fn endpoint(one: &One) -> Value {
    json!({
        "endpoint": { "address": socket_address(&one.address, one.port) },
        "health_status": if one.is_healthy { "HEALTHY" } else { "UNHEALTHY" },
        "load_balancing_weight": one.weight,
    })
}
