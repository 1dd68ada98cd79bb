//! The objects: gateway, entrance to istiod, mutual TLS, and an entry for each service of other zones.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::subsets::{Covered, covered};
use super::{EAST_WEST_LABEL, Exposed, ExposedPort, LeftOut, LeftOutReason, Member, Mesh, PASS_PORT, Subset};
use crate::labels::Labels;
use crate::name::Name;
use crate::service::ADDRESSES_ANNOTATION;
use crate::traffic::{ENTRANCE_LABEL, entrance_label};

/// The name of the gateway's Service and pods, as Istio's samples have it.
pub(super) const GATEWAY: &str = "istio-eastwestgateway";
/// What its pods have in the label `istio`.
pub(super) const GATEWAY_ROLE: &str = "eastwestgateway";
/// The label and field of a network.
const NETWORK_LABEL: &str = "topology.istio.io/network";
const REGION_LABEL: &str = "topology.kubernetes.io/region";
/// Ports of istiod: configuration over mTLS, and its webhook.
const ISTIOD: [(u16, &str, u16); 2] = [(15_012, "tls-istiod", 15_012), (15_017, "tls-istiodwebhook", 443)];

/// What the primary of a zone has whatever services there are.
pub(super) fn primary(member: &Member<'_>, mesh: &Mesh) -> Vec<Value> {
    let mut objects = vec![
        namespace(member, mesh, Map::new()),
        strict(member, mesh),
        service(member, mesh),
        pass(member, mesh),
    ];
    if !member.remotes.is_empty() {
        objects.extend(istiod(member, mesh));
    }
    objects
}

/// The namespace of Istio in a remote, controlled by the primary.
pub(super) fn remote_namespace(member: &Member<'_>, mesh: &Mesh) -> Value {
    let controller = json!(member.primary.name);
    namespace(
        member,
        mesh,
        Map::from_iter([("topology.istio.io/controlPlaneClusters".to_owned(), controller)]),
    )
}

fn namespace(member: &Member<'_>, mesh: &Mesh, annotations: Map<String, Value>) -> Value {
    let mut object = json!({
        "apiVersion": "v1",
        "kind": "Namespace",
        "metadata": { "name": mesh.namespace, "labels": {
            EAST_WEST_LABEL: member.zone.name,
            NETWORK_LABEL: member.primary.network,
        } },
    });
    if !annotations.is_empty() {
        object["metadata"]["annotations"] = Value::Object(annotations);
    }
    object
}

/// A part of an object's frame that all have.
fn metadata(member: &Member<'_>, namespace: &str, name: &str) -> Value {
    json!({ "name": name, "namespace": namespace, "labels": { EAST_WEST_LABEL: member.zone.name } })
}

/// Mutual TLS for everybody; it stands in the root namespace and selects nobody, so it is the mesh's.
fn strict(member: &Member<'_>, mesh: &Mesh) -> Value {
    json!({
        "apiVersion": "security.istio.io/v1",
        "kind": "PeerAuthentication",
        "metadata": metadata(member, mesh.namespace.as_str(), "default"),
        "spec": { "mtls": { "mode": "STRICT" } },
    })
}

fn service(member: &Member<'_>, mesh: &Mesh) -> Value {
    let mut metadata = metadata(member, mesh.namespace.as_str(), GATEWAY);
    let labels = [
        ("app", json!(GATEWAY)),
        ("istio", json!(GATEWAY_ROLE)),
        (NETWORK_LABEL, json!(member.primary.network)),
    ];
    for (key, value) in labels {
        metadata["labels"][key] = value;
    }
    let addresses: Vec<String> = member.zone.east_west.iter().map(ToString::to_string).collect();
    metadata["annotations"] = json!({ ADDRESSES_ANNOTATION: addresses.join(",") });
    let port = |number: u16, name: &str| json!({ "name": name, "port": number, "targetPort": number, "protocol": "TCP" });
    let mut ports = vec![port(15_021, "status-port"), port(PASS_PORT, "tls")];
    if !member.remotes.is_empty() {
        ports.extend(ISTIOD.map(|(number, name, _)| port(number, name)));
    }
    let families =
        [addresses.iter().any(|text| !text.contains(':')), addresses.iter().any(|text| text.contains(':'))];
    let policy = if families == [true, true] { "RequireDualStack" } else { "SingleStack" };
    json!({
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": metadata,
        "spec": {
            "type": "LoadBalancer",
            "ipFamilyPolicy": policy,
            "selector": { "app": GATEWAY, "istio": GATEWAY_ROLE },
            "ports": ports,
        },
    })
}

/// The Gateway that passes TLS on to whatever service of the mesh is named in its greeting.
fn pass(member: &Member<'_>, mesh: &Mesh) -> Value {
    json!({
        "apiVersion": "networking.istio.io/v1",
        "kind": "Gateway",
        "metadata": metadata(member, mesh.namespace.as_str(), "cross-network-gateway"),
        "spec": {
            "selector": { "istio": GATEWAY_ROLE },
            "servers": [{
                "port": { "number": PASS_PORT, "name": "tls", "protocol": "TLS" },
                "tls": { "mode": "AUTO_PASSTHROUGH" },
                "hosts": ["*.local"],
            }],
        },
    })
}

/// The entrance of the remotes to istiod; its names alone, so that nothing else is let in by it.
fn istiod(member: &Member<'_>, mesh: &Mesh) -> [Value; 2] {
    let name = "istiod-gateway";
    let hosts = json!([
        format!("istiod.{}.svc", mesh.namespace),
        format!("istiod.{}.svc.cluster.local", mesh.namespace)
    ]);
    let servers: Vec<Value> = ISTIOD
        .iter()
        .map(|(number, name, _)| {
            json!({
                "port": { "number": number, "name": name, "protocol": "TLS" },
                "tls": { "mode": "PASSTHROUGH" },
                "hosts": hosts,
            })
        })
        .collect();
    let routes: Vec<Value> = ISTIOD
        .iter()
        .map(|(number, _, port)| {
            let host = format!("istiod.{}.svc.cluster.local", mesh.namespace);
            json!({
                "match": [{ "port": number, "sniHosts": hosts }],
                "route": [{ "destination": { "host": host, "port": { "number": port } } }],
            })
        })
        .collect();
    [
        json!({
            "apiVersion": "networking.istio.io/v1",
            "kind": "Gateway",
            "metadata": metadata(member, mesh.namespace.as_str(), name),
            "spec": { "selector": { "istio": GATEWAY_ROLE }, "servers": servers },
        }),
        json!({
            "apiVersion": "networking.istio.io/v1",
            "kind": "VirtualService",
            "metadata": metadata(member, mesh.namespace.as_str(), "istiod"),
            "spec": {
                "hosts": hosts,
                "gateways": [name],
                "exportTo": ["."],
                "tls": routes,
            },
        }),
    ]
}

/// The services of other zones, as this one calls them; what it does not call is told.
pub(super) fn entries(
    member: &Member<'_>,
    members: &[Member<'_>],
    mesh: &Mesh,
    exposed: &[Exposed],
    left_out: &mut Vec<LeftOut>,
) -> Vec<Value> {
    let here = &member.zone.name;
    let mut ordered: Vec<&Exposed> = exposed.iter().collect();
    ordered.sort_by_key(|service| (&service.namespace, &service.name));
    let mut objects = Vec::new();
    for service in ordered {
        if members.len() > 1 && service.places.contains_key(here) {
            objects.extend(passed_subsets(member, service, mesh));
        }
        let others = members.iter().filter(|other| other.zone.name != *here && !other.is_drained());
        let others: Vec<(&Member<'_>, usize)> =
            others.filter_map(|other| Some((other, service.places.get(&other.zone.name)?.len()))).collect();
        if others.is_empty() {
            continue;
        }
        let mut leave_out =
            |reason| left_out.push(LeftOut { zone: here.clone(), host: service.host(), reason });
        if !service.export.shows(&service.namespace, &mesh.namespace) {
            leave_out(LeftOutReason::Hidden(mesh.namespace.clone()));
            continue;
        }
        let rule = service.ruled.get(here);
        if let Some(reason) = rule.and_then(|rule| rule.against.clone()) {
            leave_out(reason);
            continue;
        }
        // where Kubernetes has the Service its ports are asked for, and one without a name has no endpoint of an entry
        let is_heard = |port: &ExposedPort| !(port.is_nameless && service.places.contains_key(here));
        for (number, _) in service.ports.iter().filter(|(_, port)| !is_heard(port)) {
            leave_out(LeftOutReason::NamelessPort(*number));
        }
        let ports: Vec<(u16, &ExposedPort)> = service
            .ports
            .iter()
            .filter(|(_, port)| is_heard(port))
            .map(|(number, port)| (*number, port))
            .collect();
        let none = BTreeMap::new();
        let subsets = rule.map_or(&none, |rule| &rule.subsets);
        let entrances = others.into_iter().map(|other| entrance(other, service, subsets, &mut leave_out));
        let entrances: Vec<Entrance<'_>> = entrances.flatten().collect();
        let endpoints: Vec<Value> = entrances.iter().map(|entrance| entrance.endpoint(&ports)).collect();
        if ports.is_empty() || endpoints.is_empty() {
            continue;
        }
        // where the zone has nothing of the service, its namespace need not be, and nothing is there to add to
        let is_here = rule.is_some() || service.places.contains_key(here);
        let namespace = if is_here { &service.namespace } else { &mesh.namespace };
        objects.push(entry(member, service, namespace, &ports, &endpoints));
        if rule.is_none() {
            objects.push(keep_home(member, service, namespace));
        }
    }
    objects
}

/// The gateway of another zone, as an endpoint of a service.
struct Entrance<'a> {
    other: &'a Member<'a>,
    /// It counts for as many as there are clusters behind it.
    clusters: usize,
    labels: Labels,
}

/// The endpoints that another zone's gateway is: one, or as many as its subsets need.
fn entrance<'a>(
    (other, clusters): (&'a Member<'a>, usize),
    service: &Exposed,
    subsets: &BTreeMap<String, Subset>,
    leave_out: &mut impl FnMut(LeftOutReason),
) -> Vec<Entrance<'a>> {
    let zone = || other.zone.name.clone();
    let rule = service.ruled.get(&other.zone.name);
    let is_there = |name: &str| rule.is_some_and(|rule| rule.subsets.contains_key(name));
    match covered(subsets, is_there, &entrance_labels(other)) {
        Ok(Covered { endpoints, missing }) => {
            for subset in missing {
                leave_out(LeftOutReason::NoSubset { subset: subset.into(), zone: zone() });
            }
            endpoints.into_iter().map(|labels| Entrance { other, clusters, labels }).collect()
        }
        Err(subset) => {
            leave_out(LeftOutReason::CutSubset { subset: subset.into(), zone: zone() });
            Vec::new()
        }
    }
}

/// The labels of an entrance, whatever the service.
fn entrance_labels(other: &Member<'_>) -> Labels {
    let label = |key: &str, value: &str| (key.to_owned(), value.to_owned());
    Labels::from([
        // without it a proxy speaks plain text to an endpoint that is no pod
        label("security.istio.io/tlsMode", "istio"),
        label(NETWORK_LABEL, other.primary.network.as_str()),
        label(REGION_LABEL, other.zone.region.as_str()),
        // by which an order of regions puts it behind others, and a drained zone before its own pods
        label(ENTRANCE_LABEL, "true"),
        label(&entrance_label(&other.zone.region), "true"),
    ])
}

impl Entrance<'_> {
    fn endpoint(&self, ports: &[(u16, &ExposedPort)]) -> Value {
        let Self { other, clusters, labels } = self;
        let ports: Map<String, Value> =
            ports.iter().map(|(_, port)| (port.name.clone(), json!(PASS_PORT))).collect();
        json!({
            "address": other.address(),
            "ports": ports,
            "network": other.primary.network,
            "locality": format!("{}/{}", other.zone.region, other.zone.name),
            "weight": clusters,
            "labels": labels,
        })
    }
}

fn entry(
    member: &Member<'_>,
    service: &Exposed,
    namespace: &Name,
    ports: &[(u16, &ExposedPort)],
    endpoints: &[Value],
) -> Value {
    let port = |(number, port): &(u16, &ExposedPort)| json!({ "number": number, "name": port.name, "protocol": port.protocol });
    let mut object = json!({
        "apiVersion": "networking.istio.io/v1",
        "kind": "ServiceEntry",
        "metadata": metadata(member, namespace.as_str(), &name_of(service)),
        "spec": {
            "hosts": [service.host()],
            "location": "MESH_INTERNAL",
            "resolution": "STATIC",
            "ports": ports.iter().map(port).collect::<Vec<_>>(),
            "endpoints": endpoints,
        },
    });
    export(&mut object, service);
    object
}

/// Calls stay in the zone's network while it can answer them, then in the region.
fn keep_home(member: &Member<'_>, service: &Exposed, namespace: &Name) -> Value {
    let mut object = json!({
        "apiVersion": "networking.istio.io/v1",
        "kind": "DestinationRule",
        "metadata": metadata(member, namespace.as_str(), &name_of(service)),
        "spec": {
            "host": service.host(),
            "trafficPolicy": {
                "tls": { "mode": "ISTIO_MUTUAL" },
                "loadBalancer": { "localityLbSetting": { "failoverPriority": [NETWORK_LABEL, REGION_LABEL] } },
                // without it priorities mean nothing; and below 100 percent a dead zone would keep its calls
                "outlierDetection": { "consecutive5xxErrors": 5, "interval": "10s", "baseEjectionTime": "30s", "maxEjectionPercent": 100 },
            },
        },
    });
    export(&mut object, service);
    object
}

/// What the zone's gateway passes on by the names of subsets, where it does not see the rule that has them.
///
/// It lies beside the gateway and is seen from there alone.
fn passed_subsets(member: &Member<'_>, service: &Exposed, mesh: &Mesh) -> Option<Value> {
    let subsets = &service.ruled.get(&member.zone.name)?.subsets;
    if subsets.values().all(|subset| subset.is_seen_from(&mesh.namespace, &service.namespace)) {
        return None;
    }
    let subset = |(name, subset): (&String, &Subset)| json!({ "name": name, "labels": subset.labels });
    Some(json!({
        "apiVersion": "networking.istio.io/v1",
        "kind": "DestinationRule",
        "metadata": metadata(member, mesh.namespace.as_str(), &format!("{}.subsets", name_of(service))),
        "spec": {
            "host": service.host(),
            "exportTo": ["."],
            "subsets": subsets.iter().map(subset).collect::<Vec<_>>(),
        },
    }))
}

/// Nobody sees more of a service in another zone than in its own.
fn export(object: &mut Value, service: &Exposed) {
    // who is let see it are those of the service's own namespace, wherever the object lies
    let is_there = object["metadata"]["namespace"] == service.namespace.as_str();
    let whole = |who: String| if who == "." && !is_there { service.namespace.to_string() } else { who };
    let export: Vec<String> = service.export.iter().map(|who| whole(who.to_string())).collect();
    if !export.is_empty() {
        object["spec"]["exportTo"] = json!(export);
    }
}

/// A name for which no other service asks: labels have no dots.
fn name_of(service: &Exposed) -> String {
    format!("east-west.{}.{}", service.namespace, service.name)
}
