//! Any access point in any fleet, as its gateways and sidecars would have it.
//!
//! Lint, footprint, visibility and Envoy's configuration read rendered objects
//! through typed views, and objects are whatever people write. What must hold:
//! no panic; a finding says something; computed scopes show nothing that was
//! hidden; a configuration is whole (each route leads to a cluster that is
//! there) and on its own addresses only; and a proxy that takes what it is sent
//! comes to have all of it.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use mesh_model::access_point::AccessPoint;
use mesh_model::envoy::{Endpoint, EnvoyConfig, GatewayInput, HostEndpoints, Proxy, configure};
use mesh_model::fleet::Fleet;
use mesh_model::footprint::{Services, ServicesFile, predict};
use mesh_model::labels::Labels;
use mesh_model::lint::{FleetFacts, lint};
use mesh_model::locality::Locality;
use mesh_model::render::{Rendering, render_steered};
use mesh_model::template::Schemas;
use mesh_model::time::Time;
use mesh_model::visibility::{Export, ExportTo, Uses, smallest};
use mesh_model::xds::{Debounce, Event, Kind, Protocol, Request, Session, Snapshot};
use serde_json::Value;

use crate::mesh_objects::{access_point_and_fleet, placed};

/// Reads `bytes` as documents: an access point, then zones and clusters.
pub fn check(bytes: &[u8]) {
    let Some((access_point, fleet)) = access_point_and_fleet(bytes) else { return };
    let schemas = Schemas::embedded();
    let renderings: Vec<Rendering> = placed(&access_point, &fleet)
        .iter()
        .take(2)
        .map(|target| render_steered(&access_point, target, &fleet, &schemas))
        .collect();
    linted(&access_point, &fleet, &schemas);
    scoped(&access_point);
    let services = Services::try_from(ServicesFile::default()).expect("no service is a mesh");
    let footprint = predict(&renderings, &services, &fleet);
    assert!(footprint.proxies.iter().all(|proxy| proxy.memory_bytes > 0));
    for rendering in &renderings {
        configured(&access_point, rendering);
    }
}

fn linted(access_point: &AccessPoint, fleet: &Fleet, schemas: &Schemas) {
    let facts = FleetFacts { fleet: fleet.clone(), ..FleetFacts::default() };
    let access_points = std::slice::from_ref(access_point);
    for facts in [None, Some(&facts)] {
        for finding in lint(access_points, facts, schemas) {
            assert!(!finding.message.is_empty() && !finding.fix.is_empty(), "{finding:?}");
        }
    }
}

/// Who sees an object after its scope was computed saw it before.
fn scoped(access_point: &AccessPoint) {
    let mesh = ExportTo::default();
    let uses =
        Uses { access_points: std::slice::from_ref(access_point), gateways: None, calls: &[], mesh: &mesh };
    for scope in smallest(uses).objects {
        let named = scope.after.iter().filter_map(|export| match export {
            Export::Namespace(name) => Some(name.clone()),
            _ => None,
        });
        let viewers: BTreeSet<_> =
            named.chain([scope.namespace.clone(), "elsewhere".parse().expect("a name")]).collect();
        for viewer in viewers {
            let [before, after] =
                [&scope.before, &scope.after].map(|one| one.shows(&scope.namespace, &viewer));
            assert!(before || !after, "{viewer} is shown what was hidden: {scope:?}");
        }
    }
}

fn configured(access_point: &AccessPoint, rendering: &Rendering) {
    let endpoints = endpoints(access_point);
    let vip: IpAddr = "203.0.113.10".parse().expect("an address");
    let input = GatewayInput {
        access_point: access_point.id.clone(),
        vips: vec![vip],
        objects: &rendering.objects,
        endpoints: &endpoints,
        rate_limit: None,
    };
    // whom the Gateways of the corpus select
    let labels = Labels::from([("istio".to_owned(), "ingressgateway".to_owned())]);
    // a policy without a selector is the gateway's, too
    let namespace = Some(access_point.id.namespace.clone());
    match configure(&Proxy { labels, namespace, ..Proxy::default() }, &[input]).whole() {
        Err(faults) => {
            assert!(!faults.is_empty() && faults.iter().all(|fault| !fault.to_string().is_empty()))
        }
        Ok(config) => {
            let address = |value: &Value| {
                value.pointer("/address/socket_address/address") == Some(&Value::from("203.0.113.10"))
            };
            assert!(config.listeners.values().all(address), "another's address: {:?}", config.listeners);
            config.routes.values().for_each(|route| led(route, &config));
            pushed(&config, Protocol::Delta);
            pushed(&config, Protocol::StateOfTheWorld);
        }
    }
}

/// Endpoints of the access point's own Services, by what their templates say.
fn endpoints(access_point: &AccessPoint) -> Vec<HostEndpoints> {
    let services = access_point.templates.iter().map(|template| &template.object);
    let services = services.filter(|object| object["kind"] == "Service");
    let of = |object: &Value| {
        let host = format!(
            "{}.{}.svc.cluster.local",
            object["metadata"]["name"].as_str()?,
            access_point.id.namespace
        );
        let port = u32::try_from(object.pointer("/spec/ports/0/port")?.as_u64()?).ok()?;
        let endpoint = Endpoint {
            address: "10.1.0.1:8080".parse().ok()?,
            locality: Locality::new("us-west/slc-a"),
            labels: Default::default(),
            weight: 1,
            is_healthy: true,
        };
        let text = |pointer: &str| object.pointer(pointer).and_then(Value::as_str).map(str::to_owned);
        let (port_name, app_protocol) = (text("/spec/ports/0/name"), text("/spec/ports/0/appProtocol"));
        Some(HostEndpoints { host, port, port_name, app_protocol, endpoints: vec![endpoint] })
    };
    services.filter_map(of).collect()
}

/// Every cluster that a part of a configuration names is there.
fn led(value: &Value, config: &EnvoyConfig) {
    match value {
        Value::Array(items) => items.iter().for_each(|item| led(item, config)),
        Value::Object(members) => {
            for (key, member) in members {
                match member.as_str() {
                    Some(cluster) if key == "cluster" => {
                        assert!(config.clusters.contains_key(cluster), "no cluster {cluster}");
                    }
                    _ => led(member, config),
                }
            }
        }
        Value::Bool(_) | Value::Null | Value::Number(_) | Value::String(_) => {}
    }
}

/// A proxy that asks for what it is told of and takes it all ends in step.
fn pushed(config: &EnvoyConfig, protocol: Protocol) {
    let secrets = config.secrets.iter().map(|name| (name.clone(), Value::Null));
    let snapshot = Arc::new(Snapshot::new(config, secrets));
    let mut session = Session::new(protocol, Debounce { quiet: Duration::ZERO, most: Duration::ZERO });
    session.handle_snapshot(Time::ZERO, Arc::clone(&snapshot));
    let names = |kind: Kind| -> Vec<String> { snapshot.of(kind).map(|one| one.name.clone()).collect() };
    for kind in Kind::ALL.into_iter().filter(|kind| kind.is_whole() || !names(*kind).is_empty()) {
        let subscribe = if kind.is_whole() { Vec::new() } else { names(kind) };
        session.handle_request(Time::ZERO, Request { subscribe, ..Request::first(kind) });
    }
    let mut sent = BTreeSet::new();
    let mut messages = 0;
    while let Some(response) = session.poll_transmit() {
        messages += 1;
        assert!(messages <= 20, "it goes on and on");
        let kind = response.kind;
        sent.extend(response.resources.iter().map(|resource| (kind, resource.name.clone())));
        let subscribe = if protocol == Protocol::Delta || kind.is_whole() { Vec::new() } else { names(kind) };
        session.handle_request(Time::ZERO, Request { subscribe, ..Request::acknowledges(&response) });
    }
    let all: BTreeSet<_> = Kind::ALL
        .into_iter()
        .flat_map(|kind| names(kind).into_iter().map(move |name| (kind, name)))
        .collect();
    assert_eq!(sent, all);
    assert!(std::iter::from_fn(|| session.poll_event()).any(|event| event == Event::InStep));
}
