//! The xDS session of `mesh_model` and a real Envoy, over delta ADS: what is sent arrives in an order
//! in which requests are served throughout, and one bad cluster stops nobody else.

use std::collections::BTreeMap;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use mesh_model::envoy::EnvoyConfig;
use mesh_model::time::Time;
use mesh_model::xds::{Debounce, Event, Protocol, Session, Snapshot};
use serde_json::{Value, json};

use crate::backend::Backend;
use crate::gateway::Gateway;
use crate::{client, envoy, grpc};

const RESOURCES: &str = include_str!("data/resources.json");
const SITE: &str = "127.0.79.3:15010";

/// The session, the connection on which it speaks, and what it told.
pub(crate) struct Server {
    pub(crate) session: Session,
    stream: Option<(TcpStream, u32)>,
    resources: BTreeMap<String, Value>,
    told: Vec<Event>,
    now: Time,
}

impl Server {
    pub(crate) fn new() -> Arc<Mutex<Self>> {
        let debounce = Debounce { quiet: Duration::from_millis(1), most: Duration::from_millis(1) };
        Arc::new(Mutex::new(Self {
            session: Session::new(Protocol::Delta, debounce),
            stream: None,
            resources: serde_json::from_str(RESOURCES).unwrap(),
            told: Vec::new(),
            now: Time::ZERO,
        }))
    }

    /// Says what there is to say.
    fn pump(&mut self) {
        while let Some((stream, number)) = &mut self.stream {
            let Some(response) = self.session.poll_transmit() else { break };
            let protobuf = |body: &Value| {
                if body.get("tls_certificate").is_some() {
                    return grpc::secret(body);
                }
                let known = self.resources.values().find(|one| one["body"] == *body).unwrap();
                let hex = known["protobuf"].as_str().unwrap();
                (0..hex.len())
                    .step_by(2)
                    .map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap())
                    .collect()
            };
            let _ = grpc::send(stream, *number, &grpc::response(&response, protobuf));
        }
        self.told.extend(std::iter::from_fn(|| self.session.poll_event()));
    }

    fn snapshot(&self, names: &[&str]) -> Arc<Snapshot> {
        let mut config = EnvoyConfig::default();
        for name in names {
            let one = &self.resources[*name];
            let body = one["body"].clone();
            let (of, field) = match one["kind"].as_str().unwrap() {
                "Cluster" => (&mut config.clusters, "name"),
                "Endpoints" => (&mut config.endpoints, "cluster_name"),
                "Listener" => (&mut config.listeners, "name"),
                _ => (&mut config.routes, "name"),
            };
            of.insert(body[field].as_str().unwrap().to_owned(), body);
        }
        Arc::new(Snapshot::new(&config, []))
    }
}

/// Serves one Envoy.
pub(crate) fn serve(listener: &TcpListener, server: &Mutex<Server>) -> std::io::Result<()> {
    let (mut stream, _) = listener.accept()?;
    grpc::greet(&mut stream)?;
    let mut buffer = Vec::new();
    loop {
        let (number, message) = grpc::receive(&mut stream, &mut buffer)?;
        let mut server = server.lock().unwrap();
        if server.stream.is_none() {
            server.stream = Some((stream.try_clone()?, number));
        }
        let now = server.now;
        server.session.handle_request(now, grpc::request(&message));
        server.pump();
    }
}

/// Waits for an event.
fn wait(server: &Mutex<Server>, is_it: impl Fn(&Event) -> bool) -> Event {
    let until = Instant::now() + Duration::from_secs(20);
    loop {
        let mut locked = server.lock().unwrap();
        if let Some(at) = locked.told.iter().position(&is_it) {
            return locked.told.remove(at);
        }
        assert!(Instant::now() < until, "told: {:?}", locked.told);
        drop(locked);
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// Wants other resources from now on.
fn change(server: &Mutex<Server>, names: &[&str]) {
    let snapshot = server.lock().unwrap().snapshot(names);
    want(server, snapshot);
}

/// Wants something else from now on.
pub(crate) fn want(server: &Mutex<Server>, snapshot: Arc<Snapshot>) {
    let mut server = server.lock().unwrap();
    let now = server.now;
    server.told.clear();
    server.session.handle_snapshot(now, snapshot);
    server.now = server.session.poll_timeout().unwrap_or(now);
    let now = server.now;
    server.session.handle_timeout(now);
    server.pump();
}

pub(crate) fn bootstrap(server: SocketAddr) -> Value {
    const OPTIONS: &str = "envoy.extensions.upstreams.http.v3.HttpProtocolOptions";
    let ads = json!({ "ads": {}, "resource_api_version": "V3", "initial_fetch_timeout": "0s" });
    let endpoint = json!({ "endpoint": { "address": { "socket_address": { "address": server.ip(), "port_value": server.port() } } } });
    json!({
        "node": { "id": "gateway", "cluster": "gateways" },
        "dynamic_resources": {
            "ads_config": { "api_type": "DELTA_GRPC", "transport_api_version": "V3", "grpc_services": [{ "envoy_grpc": { "cluster_name": "xds" } }] },
            "cds_config": ads, "lds_config": ads,
        },
        "static_resources": { "clusters": [{
            "name": "xds", "type": "STATIC", "connect_timeout": "1s",
            "load_assignment": { "cluster_name": "xds", "endpoints": [{ "lb_endpoints": [endpoint] }] },
            "typed_extension_protocol_options": { OPTIONS: {
                "@type": format!("type.googleapis.com/{OPTIONS}"), "explicit_http_config": { "http2_protocol_options": {} },
            } },
        }] },
    })
}

#[test]
fn what_is_wanted_is_served_throughout_and_one_bad_cluster_stops_nobody_else() {
    let Some(envoy) = envoy() else { return };
    let (_a, _b) = (Backend::at("127.0.79.6:15011", "a"), Backend::at("127.0.79.6:15012", "b"));
    let server = Server::new();
    let listener = TcpListener::bind("127.0.79.4:0").unwrap();
    let address = listener.local_addr().unwrap();
    change(&server, &["a", "endpoints of a", "listener one", "one to a"]);
    let shared = Arc::clone(&server);
    std::thread::spawn(move || serve(&listener, &shared));
    let gateway = Gateway::with(&envoy, bootstrap(address));
    let site: SocketAddr = SITE.parse().unwrap();
    let in_step = || wait(&server, |event| *event == Event::InStep);
    let backend = || client::get(site, "any.example.com", "/").backend().to_owned();
    // it is in step before all of it is asked for, so the page itself is waited for
    let until = Instant::now() + Duration::from_secs(20);
    while TcpStream::connect(site).is_err() {
        assert!(Instant::now() < until, "told: {:?}", server.lock().unwrap().told);
        std::thread::sleep(Duration::from_millis(10));
    }
    assert_eq!(backend(), "a");
    // a cluster that changed waits for its endpoints, although they did not change
    change(&server, &["a, changed", "endpoints of a", "listener one", "one to a"]);
    in_step();
    assert_eq!(backend(), "a");
    assert_eq!(gateway.stat("cluster_manager.warming_clusters"), 0);
    // a bad one among good ones is found, and the others serve
    change(
        &server,
        &["a, changed", "endpoints of a", "bad", "b", "endpoints of b", "listener one", "one to b"],
    );
    let refused = wait(&server, |event| matches!(event, Event::Refused { .. }));
    assert!(matches!(&refused, Event::Refused { names, .. } if names == &["bad"]), "{refused:?}");
    let until = Instant::now() + Duration::from_secs(20);
    while backend() != "b" {
        assert!(Instant::now() < until, "the route to b does not come");
    }
    // another listener takes the address of the old one, and what nobody wants is gone
    change(&server, &["b", "endpoints of b", "listener two", "two to b"]);
    in_step();
    assert_eq!(backend(), "b");
    assert_eq!(gateway.stat("cluster_manager.active_clusters"), 2, "b, and the management server's");
    assert_eq!(gateway.stat("listener_manager.lds.update_rejected"), 0);
}
