//! What `envoy::configure` makes is what Envoy takes: every field of it is one that Envoy knows.

use std::path::Path;
use std::process::Command;

use files::Source;
use mesh_model::access_point::AccessPoint;
use mesh_model::api::{self, PlacementLevel};
use mesh_model::envoy::{Endpoint, GatewayInput, HostEndpoints, Proxy, RateLimit, Tracing, configure};
use mesh_model::fleet::Fleet;
use mesh_model::locality::Locality;
use mesh_model::render::render;
use mesh_model::template::Schemas;
use serde_json::{Value, json};

use crate::gateway::{bootstrap, secrets_from_files};
use crate::{envoy, gateway_of, id, networking, objects};

pub(crate) const EVERYTHING: &str = include_str!("../../../mesh-model/src/envoy/tests/everything.yaml");
/// Patterns that are taken, one a line; the tests of the patterns say that they are.
const PATTERNS: &str = include_str!("../../../mesh-model/src/envoy/pattern/taken.txt");
const CHECKOUT: &str = include_str!("../../../examples/checkout/access-point.yaml");
const FLEET: &str = include_str!("../../../examples/checkout/fleet.yaml");

pub(crate) fn endpoints(host: &str, port: u32) -> HostEndpoints {
    let one = |number: u8, zone: &str, version: &str| Endpoint {
        address: format!("10.1.0.{number}:8080").parse().unwrap(),
        locality: Locality::new(zone),
        labels: [("version".to_owned(), version.to_owned())].into(),
        weight: 1,
        is_healthy: number != 2,
    };
    let endpoints =
        vec![one(1, "us-west/slc-a", "v1"), one(2, "us-west/slc-b", "v2"), one(3, "us-south/phx-a", "v2")];
    HostEndpoints { host: host.to_owned(), port, port_name: None, app_protocol: None, endpoints }
}

pub(crate) fn proxy() -> Proxy {
    Proxy {
        locality: Locality::new("us-west/slc-a"),
        labels: [("istio".to_owned(), "ingressgateway".to_owned())].into(),
        namespace: Some(id("istio-system/gateway").namespace),
        root_namespace: None,
        access_log: true,
        tracing: Some(Tracing { collector: "collector".to_owned(), sampling: "1%".parse().unwrap() }),
    }
}

fn input<'a>(
    name: &str,
    vips: &[&str],
    objects: &'a [Value],
    endpoints: &'a [HostEndpoints],
) -> GatewayInput<'a> {
    GatewayInput {
        access_point: id(name),
        vips: vips.iter().map(|vip| vip.parse().unwrap()).collect(),
        objects,
        endpoints,
        rate_limit: Some(RateLimit {
            requests: 100,
            interval: std::time::Duration::from_secs(1),
            burst: 200,
        }),
    }
}

/// What Envoy says of a configuration; empty if it takes it.
pub(crate) fn refused(envoy: &Path, bootstrap: &Value) -> String {
    let folder = tempfile::tempdir().unwrap();
    let mut bootstrap = bootstrap.clone();
    secrets_from_files(&mut bootstrap, &[], folder.path());
    let file = folder.path().join("bootstrap.json");
    std::fs::write(&file, serde_json::to_vec(&bootstrap).unwrap()).unwrap();
    let ran = Command::new(envoy)
        .args(["--mode", "validate", "--use-dynamic-base-id", "--log-level", "error", "-c"])
        .arg(&file)
        .output()
        .unwrap();
    if ran.status.success() { String::new() } else { String::from_utf8_lossy(&ran.stderr).into_owned() }
}

#[test]
fn envoy_takes_everything_that_is_supported() {
    let Some(envoy) = envoy() else { return };
    let objects = objects(EVERYTHING);
    let host = "web.shop.svc.cluster.local";
    let endpoints = [endpoints(host, 80), endpoints(host, 90), endpoints(host, 5432)];
    let config =
        configure(&proxy(), &[input("shop/edge", &["203.0.113.10", "2001:db8::10"], &objects, &endpoints)]);
    let bootstrap = bootstrap(&config.whole().unwrap());
    assert_eq!(refused(&envoy, &bootstrap), "");
    // what it is asked is strict: a field that it does not know is told
    let mut wrong = bootstrap;
    wrong["static_resources"]["clusters"][0]["conect_timeout"] = json!("1s");
    assert!(refused(&envoy, &wrong).contains("conect_timeout"));
}

#[test]
fn envoy_takes_the_example() {
    let Some(envoy) = envoy() else { return };
    let (mut zones, mut clusters) = (Vec::new(), Vec::new());
    for document in Source::new("fleet", FLEET).documents() {
        zones.extend(document.parse::<api::AvailabilityZone>());
        clusters.extend(document.parse::<api::Cluster>());
    }
    let fleet = Fleet::new(zones, clusters).unwrap();
    let access_point: api::FederatedAccessPoint = Source::new("access point", CHECKOUT).parse().unwrap();
    let access_point = AccessPoint::try_from(access_point).unwrap();
    let target = fleet.target(PlacementLevel::Cluster, "slc-a-1").unwrap();
    let objects = render(&access_point, &target, &Schemas::embedded()).objects;
    let endpoints = [endpoints("checkout.payments.svc.cluster.local", 8080)];
    let input = input("payments/checkout", &["203.0.113.10"], &objects, &endpoints);
    assert_eq!(refused(&envoy, &bootstrap(&configure(&proxy(), &[input]).whole().unwrap())), "");
}

/// One VirtualService of one route, with a change.
fn route(change: &str) -> Vec<Value> {
    let spec = format!("{{ hosts: [shop.example.com], gateways: [edge], http: {change} }}");
    objects(
        &(gateway_of("edge", 80, "HTTP", "shop.example.com") + &networking("VirtualService", "shop", &spec)),
    )
}

#[test]
fn envoy_takes_every_command_cipher_and_pattern_of_the_lists() {
    let Some(envoy) = envoy() else { return };
    let taken = |objects: &[Value]| {
        let input = GatewayInput { rate_limit: None, ..input("shop/edge", &["203.0.113.10"], objects, &[]) };
        let config = configure(&proxy(), &[input]).whole().unwrap_or_else(|faults| panic!("{faults:#?}"));
        refused(&envoy, &bootstrap(&config))
    };
    let names = mesh_model::envoy::COMMANDS.iter().map(|name| format!("%{name}%"));
    let values: Vec<String> =
        names.chain(["%REQ(x-a?:path):8%", "%RESP(server)%", "%%"].map(Into::into)).collect();
    let set: serde_json::Map<String, Value> =
        values.iter().enumerate().map(|(number, value)| (format!("x-{number}"), json!(value))).collect();
    let headers = json!({ "request": { "set": set }, "response": { "set": set } });
    let matches: Vec<Value> = PATTERNS.lines().map(|regex| json!({ "uri": { "regex": regex } })).collect();
    let http = json!([{ "match": matches, "headers": headers, "directResponse": { "status": 200 } }]);
    assert_eq!(taken(&route(&http.to_string())), "");
}
