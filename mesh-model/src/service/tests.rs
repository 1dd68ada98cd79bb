//! Tests of the service controller: who asks for what, what load balancers do then, what a Service is told,
//! how an owner leaves; and that what was not read changes nothing.

mod properties;
mod status;
mod tables;

use serde_json::json;

use super::*;
use crate::access_point::AccessPoint;
use crate::vip::Held;

pub(super) fn target() -> Name {
    "slc-a-1".parse().unwrap()
}

/// An access point that asks for an address, with these fields of `vip`.
pub(super) fn access_point(name: &str, vip: &str) -> AccessPoint {
    let text = format!(
        "{{ apiVersion: overspill.dev/v1alpha1, kind: FederatedAccessPoint, metadata: {{ name: {name}, namespace: shop }}, spec: {{ placement: {{ selector: {{}} }}, vip: {vip},
           templates: [{{ apiVersion: v1, kind: Service, metadata: {{ name: {name} }}, spec: {{ ports: [{{ port: 80 }}] }} }}] }} }}"
    );
    AccessPoint::try_from(serde_saphyr::from_str::<crate::api::FederatedAccessPoint>(&text).unwrap()).unwrap()
}

/// A Service of type LoadBalancer in `shop`, with these fields of its spec beside.
pub(super) fn service(name: &str, spec: Value) -> Value {
    let mut object = json!({ "apiVersion": "v1", "kind": "Service",
        "metadata": { "name": name, "namespace": "shop", "resourceVersion": "7" }, "spec": { "type": "LoadBalancer" } });
    for (field, value) in spec.as_object().unwrap() {
        object["spec"][field] = value.clone();
    }
    object
}

/// The same with the mark of an access point.
pub(super) fn of(owner: &str, mut service: Value) -> Value {
    service["metadata"]["labels"] = json!({ crate::render::OWNER_LABEL: owner });
    service
}

/// A Gateway of an access point for these ports.
pub(super) fn gateway(owner: &str, ports: &[u16]) -> Value {
    let servers: Vec<Value> = ports.iter().map(|port| json!({ "port": { "number": port } })).collect();
    of(
        owner,
        json!({ "apiVersion": "networking.istio.io/v1", "kind": "Gateway", "metadata": { "name": owner, "namespace": "shop" },
        "spec": { "selector": { "istio": "ingressgateway" }, "servers": servers } }),
    )
}

/// A slice of a Service's endpoints: address, conditions, node.
pub(super) fn slice(service: &str, port: u16, endpoints: &[(&str, Value, &str)]) -> Value {
    let one = |(address, conditions, node): &(&str, Value, &str)| json!({ "addresses": [address], "conditions": conditions, "nodeName": node });
    json!({ "metadata": { "name": format!("{service}-x"), "namespace": "shop", "labels": { "kubernetes.io/service-name": service } },
        "ports": [{ "name": "", "port": port }], "endpoints": endpoints.iter().map(one).collect::<Vec<_>>() })
}

pub(super) fn pod(address: &str, condition: Condition) -> GatewayPod {
    let labels = [("istio".to_owned(), "ingressgateway".to_owned())].into();
    GatewayPod { labels, addresses: vec![address.parse().unwrap()], condition }
}

pub(super) fn held(key: &str, addresses: &[&str]) -> Held {
    Held {
        owner: key.parse().unwrap(),
        pool: "public".parse().unwrap(),
        addresses: addresses.iter().map(|text| text.parse().unwrap()).collect(),
        sharing_key: None,
        isolation_group: None,
        ports: Default::default(),
    }
}

/// All that is read of a target, to be changed by a test.
#[derive(Clone, Debug, Default)]
pub(super) struct World {
    pub(super) access_points: Vec<AccessPoint>,
    pub(super) services: Vec<Value>,
    pub(super) slices: Vec<Value>,
    pub(super) pods: Vec<GatewayPod>,
    pub(super) nodes: Vec<Node>,
    pub(super) gateways: Vec<Value>,
}

impl World {
    pub(super) fn observed<'a>(&'a self, target: &'a Name) -> Observed<'a> {
        Observed {
            target,
            access_points: Some(&self.access_points),
            services: Some(&self.services),
            slices: Some(&self.slices),
            pods: Some(&self.pods),
            nodes: Some(&self.nodes),
            gateways: Some(&self.gateways),
        }
    }

    pub(super) fn claims(&self) -> Claims {
        claims(&self.observed(&target()), &Settings::default())
    }

    pub(super) fn plan(&self, held: &[Held], settings: &Settings) -> LbPlan {
        let target = target();
        let observed = self.observed(&target);
        let claims = claims(&observed, settings);
        configure(&claims, held, &observed, settings, &LbServices::new(), |_| false)
    }
}

/// The backends of each service as `VIP:PORT ADDRESS xWEIGHT STATE`.
pub(super) fn lines(plan: &LbPlan) -> Vec<String> {
    let mut lines = Vec::new();
    for service in plan.services.values().flatten() {
        let backend = |one: &LbBackend| {
            let state = if one.state == BackendState::Active { "" } else { " drain" };
            let weight = if one.weight == 1 { String::new() } else { format!("x{}", one.weight) };
            format!("{}{weight}{state}", one.address)
        };
        let backends: Vec<String> = service.backends.iter().map(backend).collect();
        lines.push(format!("{}:{} {}", service.vip, service.port, backends.join(", ")));
    }
    lines
}

pub(super) fn problems(found: &[ServiceProblem]) -> Vec<String> {
    found.iter().map(ToString::to_string).collect()
}
