//! Tests of where endpoints come from: what the gateway is told, objects, and hosts that have none.

use serde_json::{Value, json};

use super::{configured, id, input, proxy, refused, simple, web};
use crate::envoy::{Endpoint, GatewayInput, HostEndpoints, configure};
use crate::labels::Labels;
use crate::locality::Locality;

const HOST: &str = "ledger.example.com";

/// A route to a ServiceEntry of one port, and a WorkloadEntry that its selector takes.
fn ledger(entry: Value) -> Vec<Value> {
    let mut objects =
        simple("a.example.com", &[("2/spec/http/0/route", json!([{ "destination": { "host": HOST } }]))]);
    let object = |kind: &str, name: &str, mut spec: Value, more: Value| {
        spec.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        json!({ "apiVersion": "networking.istio.io/v1", "kind": kind, "metadata": { "name": name }, "spec": spec })
    };
    let port = json!([{ "number": 80, "name": "http", "protocol": "HTTP", "targetPort": 8080 }]);
    let spec = json!({ "hosts": [HOST], "ports": port, "resolution": "STATIC", "location": "MESH_INTERNAL" });
    objects.push(object("ServiceEntry", "ledger", spec, entry));
    let spec = json!({ "address": "10.1.0.1", "labels": { "app": "ledger" } });
    objects.push(object("WorkloadEntry", "ledger-1", spec, json!({})));
    objects
}

fn addresses(objects: &[Value]) -> Vec<String> {
    let one = |address: &str| Endpoint {
        address: address.parse().unwrap(),
        locality: Locality::new("us-west/slc-a"),
        labels: Labels::new(),
        weight: 1,
        is_healthy: true,
    };
    // the WorkloadEntry is told of once more, for whoever selects sees it, too
    let told = ["10.1.0.1:8080", "10.1.0.2:8080"].map(one).into();
    let endpoints = [HostEndpoints {
        host: HOST.to_owned(),
        port: 80,
        port_name: None,
        app_protocol: None,
        endpoints: told,
    }];
    let vips = vec!["203.0.113.10".parse().unwrap()];
    let access_point = id("shop/edge");
    let input = GatewayInput { access_point, vips, objects, endpoints: &endpoints, rate_limit: None };
    let config = configure(&proxy(), &[input]).whole().unwrap();
    let localities =
        config.endpoints[&format!("shop/edge|80||{HOST}")]["endpoints"].as_array().unwrap().clone();
    let of = |locality: &Value| locality["lb_endpoints"].as_array().unwrap().clone();
    let address = |one: Value| {
        let address = &one["endpoint"]["address"]["socket_address"];
        format!("{}:{}", address["address"].as_str().unwrap(), address["port_value"])
    };
    let mut all: Vec<String> = localities.iter().flat_map(of).map(address).collect();
    all.sort();
    all
}

#[test]
fn pods_that_an_entry_selects_are_its_endpoints_beside_workload_entries() {
    let selector = json!({ "workloadSelector": { "labels": { "app": "ledger" } } });
    assert_eq!(addresses(&ledger(selector)), ["10.1.0.1:8080", "10.1.0.2:8080"]);
    let own = json!({ "endpoints": [{ "address": "10.1.0.9" }] });
    assert_eq!(addresses(&ledger(own)), ["10.1.0.9:8080"], "it selects nobody");
}

#[test]
fn a_service_that_is_another_name_is_told_where_it_is_called() {
    let named = |port: Value| {
        let mut objects = simple("a.example.com", &[("0/spec/type", json!("ExternalName"))]);
        objects[0]["spec"]["externalName"] = json!("shop.example.net");
        objects[0]["spec"]["ports"] = json!([{ "port": port }]);
        objects
    };
    let line = "shop/edge: Service/web/spec/type: `ExternalName` is not possible here; a gateway follows no other name; write a ServiceEntry of resolution DNS for that name, and lead routes to it";
    assert_eq!(refused(&named(json!(8443))), [line]);
    // and where nobody has an endpoint to tell of
    let nobody = [HostEndpoints {
        host: "web.shop.svc.cluster.local".to_owned(),
        port: 8443,
        port_name: None,
        app_protocol: None,
        endpoints: Vec::new(),
    }];
    let objects = named(json!(8443));
    let found = configure(&proxy(), &[input("shop/edge", "203.0.113.10", &objects, &nobody)]);
    assert_eq!(found.refused[&id("shop/edge")][0].to_string(), line);
    // somebody knows what is behind the name
    assert!(web().iter().any(|one| one.port == 80) && configured(&named(json!(80))).is_ok());
    let mut objects = named(json!(8443));
    objects[2]["spec"]["http"] = json!([{ "directResponse": { "status": 200 } }]);
    assert!(configured(&objects).is_ok(), "nobody calls it");
}
