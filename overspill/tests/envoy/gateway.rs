//! A running gateway: an Envoy with everything in its bootstrap that a management server would
//! send, secrets in files beside it; killed with the value.

use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command};
use std::time::{Duration, Instant};

use mesh_model::envoy::{Endpoint, EnvoyConfig, GatewayInput, HostEndpoints, Proxy, RateLimit, configure};
use mesh_model::locality::Locality;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::{client, id, objects};

pub(crate) struct Gateway {
    child: Child,
    folder: TempDir,
}

impl Gateway {
    /// Starts it and waits until it is ready.
    pub(crate) fn start(envoy: &Path, config: &EnvoyConfig, secrets: &[(&str, Value)]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut bootstrap = bootstrap(config);
        // nothing is asked of a management server here, and Envoy would wait for one
        bootstrap.as_object_mut().unwrap().remove("dynamic_resources");
        secrets_from_files(&mut bootstrap, secrets, folder.path());
        Self::run(envoy, bootstrap, folder)
    }

    /// The same with a bootstrap.
    pub(crate) fn with(envoy: &Path, bootstrap: Value) -> Self {
        Self::run(envoy, bootstrap, tempfile::tempdir().unwrap())
    }

    /// The same, and nobody waits until it is ready.
    pub(crate) fn starting(envoy: &Path, bootstrap: Value) -> Self {
        Self::spawn(envoy, bootstrap, tempfile::tempdir().unwrap())
    }

    fn spawn(envoy: &Path, mut bootstrap: Value, folder: TempDir) -> Self {
        bootstrap["admin"] =
            json!({ "address": { "socket_address": { "address": "127.0.79.9", "port_value": 0 } } });
        let file = folder.path().join("bootstrap.json");
        std::fs::write(&file, serde_json::to_vec(&bootstrap).unwrap()).unwrap();
        let child = Command::new(envoy)
            .args(["--concurrency", "1", "--use-dynamic-base-id", "--log-level", "error", "-c"])
            .arg(&file)
            .arg("--admin-address-path")
            .arg(folder.path().join("admin"))
            .stdout(std::fs::File::create(folder.path().join("requests")).unwrap())
            .stderr(std::fs::File::create(folder.path().join("log")).unwrap())
            .spawn()
            .unwrap();
        Self { child, folder }
    }

    fn run(envoy: &Path, bootstrap: Value, folder: TempDir) -> Self {
        let gateway = Self::spawn(envoy, bootstrap, folder);
        let until = Instant::now() + Duration::from_secs(30);
        let is_ready = |admin| {
            std::net::TcpStream::connect(admin).is_ok() && client::get(admin, "admin", "/ready").status == 200
        };
        while !gateway.admin().is_some_and(is_ready) {
            let log = || std::fs::read_to_string(gateway.folder.path().join("log")).unwrap_or_default();
            assert!(Instant::now() < until, "Envoy is not ready: {}", log());
            std::thread::sleep(Duration::from_millis(20));
        }
        gateway
    }

    fn admin(&self) -> Option<SocketAddr> {
        std::fs::read_to_string(self.folder.path().join("admin")).ok()?.parse().ok()
    }

    /// The lines of its log of requests, once there are so many; Envoy writes them within some seconds.
    pub(crate) fn requests(&self, count: usize) -> Vec<Value> {
        let until = Instant::now() + Duration::from_secs(20);
        loop {
            let text = std::fs::read_to_string(self.folder.path().join("requests")).unwrap();
            let lines: Vec<&str> = text.split_inclusive('\n').filter(|line| line.ends_with('\n')).collect();
            if lines.len() >= count {
                return lines.iter().map(|line| serde_json::from_str(line).unwrap()).collect();
            }
            assert!(Instant::now() < until, "not logged: {text}");
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// A counter or gauge, by its name or the end of it, summed up; 0 while nobody answers yet.
    pub(crate) fn stat(&self, name: &str) -> u64 {
        let admin = self.admin().filter(|admin| std::net::TcpStream::connect(admin).is_ok());
        let Some(admin) = admin else { return 0 };
        let all = client::get(admin, "admin", "/stats").body;
        let lines = all.lines().filter_map(|line| line.rsplit_once(": "));
        lines.filter(|(of, _)| of.ends_with(name)).filter_map(|(_, value)| value.parse::<u64>().ok()).sum()
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A port that is free at an address.
pub(crate) fn free(address: &str) -> SocketAddr {
    std::net::TcpListener::bind((address, 0)).unwrap().local_addr().unwrap()
}

/// A site of one access point, `shop/edge`, on an address of its own.
pub(crate) struct Site {
    pub(crate) at: SocketAddr,
    pub(crate) proxy: Proxy,
    pub(crate) rate_limit: Option<RateLimit>,
    objects: Vec<Value>,
    endpoints: Vec<HostEndpoints>,
}

impl Site {
    /// The host `shop.example.com` by plain HTTP, with these routes of HTTP, and services whose
    /// pods take plain calls: `name` with port 80 and these backends.
    pub(crate) fn plain(http: &str, services: &[(&str, &[SocketAddr])]) -> Self {
        let at = free("127.0.79.1");
        let mut site = Self {
            at,
            proxy: Proxy {
                locality: Locality::new("us-west/slc-a"),
                namespace: Some(id("shop/edge").namespace),
                ..Proxy::default()
            },
            rate_limit: None,
            objects: Vec::new(),
            endpoints: Vec::new(),
        };
        let port = at.port();
        site.add(&format!(
            "
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: {{ name: edge }}
spec: {{ servers: [{{ port: {{ number: {port}, name: http, protocol: HTTP }}, hosts: [shop.example.com] }}] }}
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {{ name: shop }}
spec:
  hosts: [shop.example.com]
  gateways: [edge]
  http: {http}
"
        ));
        for (name, backends) in services {
            site.service(name, backends);
        }
        site
    }

    /// Adds objects.
    pub(crate) fn add(&mut self, text: &str) {
        self.objects.extend(objects(text));
    }

    /// Adds a service whose pods take plain calls; backend `n` is of version `vn`, in zone `n`.
    pub(crate) fn service(&mut self, name: &str, backends: &[SocketAddr]) {
        self.add(&format!(
            "
apiVersion: v1
kind: Service
metadata: {{ name: {name} }}
spec: {{ selector: {{ app: {name} }}, ports: [{{ name: http, port: 80 }}] }}
---
apiVersion: security.istio.io/v1
kind: PeerAuthentication
metadata: {{ name: {name} }}
spec: {{ selector: {{ matchLabels: {{ app: {name} }} }}, mtls: {{ mode: DISABLE }} }}
"
        ));
        self.endpoints(&format!("{name}.shop.svc.cluster.local"), 80, backends);
    }

    /// Tells endpoints of a host; number `n` is of version `vn`.
    pub(crate) fn endpoints(&mut self, host: &str, port: u32, backends: &[SocketAddr]) {
        const ZONES: [&str; 3] = ["us-west/slc-a", "us-south/phx-a", "us-north/rno-a"];
        let one = |(number, address): (usize, &SocketAddr)| Endpoint {
            address: *address,
            locality: Locality::new(ZONES[number]),
            labels: [("version".to_owned(), format!("v{}", number + 1))].into(),
            weight: 1,
            is_healthy: true,
        };
        let endpoints = backends.iter().enumerate().map(one).collect();
        let (host, port_name) = (host.to_owned(), Some("http".to_owned()));
        self.endpoints.push(HostEndpoints { host, port, port_name, app_protocol: None, endpoints });
    }

    /// Has the last host that was told of be of a protocol.
    pub(crate) fn speaks(&mut self, app_protocol: &str) {
        self.endpoints.last_mut().unwrap().app_protocol = Some(app_protocol.to_owned());
    }

    pub(crate) fn config(&self) -> EnvoyConfig {
        let input = GatewayInput {
            access_point: id("shop/edge"),
            vips: vec![self.at.ip()],
            objects: &self.objects,
            endpoints: &self.endpoints,
            rate_limit: self.rate_limit,
        };
        configure(&self.proxy, &[input]).whole().unwrap_or_else(|faults| panic!("{faults:#?}"))
    }

    /// Starts it with a collector of traces.
    pub(crate) fn traced(&self, envoy: &Path, collector: SocketAddr) -> Gateway {
        let mut bootstrap = bootstrap(&self.config());
        bootstrap.as_object_mut().unwrap().remove("dynamic_resources");
        let clusters = bootstrap["static_resources"]["clusters"].as_array_mut().unwrap();
        let cluster = clusters.iter_mut().find(|one| one["name"] == "collector").unwrap();
        let (address, port) = (collector.ip(), collector.port());
        let endpoint = json!({ "endpoint": { "address": { "socket_address": { "address": address, "port_value": port } } } });
        cluster["load_assignment"] =
            json!({ "cluster_name": "collector", "endpoints": [{ "lb_endpoints": [endpoint] }] });
        Gateway::with(envoy, bootstrap)
    }

    pub(crate) fn start(&self, envoy: &Path) -> Gateway {
        Gateway::start(envoy, &self.config(), &[])
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

/// A bootstrap with everything in it that a management server would send.
pub(crate) fn bootstrap(config: &EnvoyConfig) -> Value {
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

/// Takes secrets from files instead of SDS over ADS: an empty one where none is given.
/// (Envoy 1.40 falls over where it validates secrets of a management server.)
pub(crate) fn secrets_from_files(value: &mut Value, secrets: &[(&str, Value)], folder: &Path) {
    match value {
        Value::Array(items) => {
            items.iter_mut().for_each(|item| secrets_from_files(item, secrets, folder));
        }
        Value::Object(members) => {
            let name = members.get("name").and_then(Value::as_str).unwrap_or_default().to_owned();
            if let Some(config) = members.get_mut("sds_config") {
                assert_eq!(
                    *config,
                    json!({ "ads": {}, "resource_api_version": "V3", "initial_fetch_timeout": "0s" })
                );
                let found: Vec<Value> =
                    secrets.iter().filter(|(of, _)| *of == name).map(|(_, one)| one.clone()).collect();
                let mut resources = json!({ "resources": found });
                if let Some(secret) = resources["resources"].get_mut(0) {
                    secret["@type"] =
                        json!("type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.Secret");
                }
                let file = folder.join(format!("{}.json", name.replace(['/', ':'], "_")));
                std::fs::write(&file, serde_json::to_vec(&resources).unwrap()).unwrap();
                *config = json!({ "path_config_source": { "path": file }, "resource_api_version": "V3" });
            }
            members.values_mut().for_each(|member| secrets_from_files(member, secrets, folder));
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}
