//! Certificates reach a real Envoy over delta ADS from the session of `mesh_model`: what was pushed is
//! served, a new one takes its place, and a connection that stands stays. And what an Envoy does with a listener whose
//! certificate does not come, because of which the session does not send such a one.

use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::time::{Duration, Instant};

use mesh_model::envoy::{EnvoyConfig, GatewayInput, Proxy, configure};
use mesh_model::xds::{Protocol, Snapshot};
use serde_json::{Value, json};

use crate::ads::{self, Server};
use crate::authority::Authority;
use crate::gateway::{self, Gateway, free};
use crate::{client, delta, envoy, id, objects};

#[test]
fn a_pushed_certificate_is_served_and_the_next_one_drops_no_connection() {
    let Some(envoy) = envoy() else { return };
    let (authority, at) = (Authority::new("public"), free("127.0.79.1"));
    let host = "shop.example.com";
    let objects = objects(&format!(
        "
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: {{ name: edge }}
spec: {{ servers: [{{ port: {{ number: {}, name: a, protocol: HTTPS }}, hosts: [{host}], tls: {{ mode: SIMPLE, credentialName: a }} }}] }}
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {{ name: pages }}
spec: {{ hosts: [{host}], gateways: [edge], http: [{{ directResponse: {{ status: 200, body: {{ string: page }} }} }}] }}
",
        at.port()
    ));
    let input = GatewayInput {
        access_point: id("shop/edge"),
        vips: vec![at.ip()],
        objects: &objects,
        endpoints: &[],
        rate_limit: None,
    };
    let config = configure(&Proxy::default(), &[input]).whole().unwrap();
    let name = config.secrets.first().unwrap().clone();
    // listeners are in the bootstrap, secrets come from the server
    let (server, address) = Server::listen("127.0.79.8:0", delta::CODEC);
    let mut bootstrap = gateway::bootstrap(&config);
    let managed = ads::bootstrap(address, Protocol::Delta);
    bootstrap["dynamic_resources"]["ads_config"] = managed["dynamic_resources"]["ads_config"].clone();
    let clusters = bootstrap["static_resources"]["clusters"].as_array_mut().unwrap();
    clusters.retain(|one| one["name"] != "xds");
    clusters.push(managed["static_resources"]["clusters"][0].clone());
    let push = |signed: &crate::authority::Signed| {
        let secrets = [(name.clone(), signed.secret(&name))];
        server.lock().unwrap().want(Arc::new(Snapshot::new(&EnvoyConfig::default(), secrets)));
    };
    let (first, second) = (authority.sign(&[host]), authority.sign(&[host]));
    push(&first);
    let gateway = Gateway::with(&envoy, bootstrap);
    let shown = || {
        let mut stream = authority.connect(at, host, None);
        let response = client::kept(&mut stream, "GET /", host, "").unwrap();
        assert_eq!(response.status, 200);
        let certificate = stream.conn.peer_certificates().unwrap()[0].clone();
        (stream, certificate)
    };
    let (mut held, certificate) = shown();
    assert_eq!(certificate, first.parsed().0[0]);
    push(&second);
    let until = Instant::now() + Duration::from_secs(20);
    while shown().1 != second.parsed().0[0] {
        assert!(Instant::now() < until, "the new certificate does not come");
        std::thread::sleep(Duration::from_millis(20));
    }
    let response = client::kept(&mut held, "GET /again", host, "").unwrap();
    assert_eq!(response.status, 200, "the connection stands");
    assert_eq!(held.conn.peer_certificates().unwrap()[0], first.parsed().0[0]);
    assert_eq!(gateway.stat("listener_manager.total_listeners_draining"), json!(0).as_u64().unwrap());
}

/// A listener that answers with a text, once it has its secret if it asks for one.
fn answering(at: SocketAddr, text: &str, secret: Option<&str>) -> Value {
    const OF: &str = "type.googleapis.com/envoy.";
    let routes = json!([{ "match": { "prefix": "/" }, "direct_response": { "status": 200, "body": { "inline_string": text } } }]);
    let mut chain = json!({ "filters": [{ "name": "http", "typed_config": {
        "@type": format!("{OF}extensions.filters.network.http_connection_manager.v3.HttpConnectionManager"), "stat_prefix": "a",
        "route_config": { "virtual_hosts": [{ "name": "all", "domains": ["*"], "routes": routes }] },
        "http_filters": [{ "name": "router", "typed_config": { "@type": format!("{OF}extensions.filters.http.router.v3.Router") } }] } }] });
    if let Some(name) = secret {
        let asks = json!({ "name": name, "sds_config": { "ads": {}, "resource_api_version": "V3", "initial_fetch_timeout": "0s" } });
        chain["transport_socket"] = json!({ "name": "tls", "typed_config": {
            "@type": format!("{OF}extensions.transport_sockets.tls.v3.DownstreamTlsContext"),
            "common_tls_context": { "tls_certificate_sds_secret_configs": [asks] } } });
    }
    json!({ "@type": format!("{OF}config.listener.v3.Listener"), "name": at.to_string(), "filter_chains": [chain],
        "address": { "socket_address": { "address": at.ip(), "port_value": at.port() } } })
}

#[test]
fn a_starting_envoy_opens_nothing_while_one_listener_waits_and_a_running_one_serves_on() {
    let Some(envoy) = envoy() else { return };
    let (one, other) = (free("127.0.79.11"), free("127.0.79.11"));
    // a management server that never says anything
    let silent = TcpListener::bind("127.0.79.8:0").unwrap();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("listeners.json");
    let write = |listeners: &[Value]| {
        let new = folder.path().join("new");
        std::fs::write(&new, json!({ "resources": listeners }).to_string()).unwrap();
        std::fs::rename(new, &file).unwrap();
    };
    let mut bootstrap = ads::bootstrap(silent.local_addr().unwrap(), Protocol::Delta);
    bootstrap["dynamic_resources"]["lds_config"] =
        json!({ "path_config_source": { "path": file }, "resource_api_version": "V3" });
    bootstrap["dynamic_resources"].as_object_mut().unwrap().remove("cds_config");

    write(&[answering(one, "first", None), answering(other, "", Some("missing"))]);
    let starting = Gateway::starting(&envoy, bootstrap.clone());
    let until = Instant::now() + Duration::from_secs(20);
    while starting.stat("listener_manager.listener_added") < 2 {
        assert!(Instant::now() < until, "it was not told of its listeners");
        std::thread::sleep(Duration::from_millis(20));
    }
    std::thread::sleep(Duration::from_secs(2));
    assert!(TcpStream::connect(one).is_err(), "nor the one that lacks nothing");
    drop(starting);

    write(&[answering(one, "first", None), answering(other, "before", None)]);
    let _running = Gateway::with(&envoy, bootstrap);
    write(&[answering(one, "second", None), answering(other, "", Some("missing"))]);
    let until = Instant::now() + Duration::from_secs(20);
    while client::get(one, "a", "/").body != "second" {
        assert!(Instant::now() < until, "the other is not changed");
        std::thread::sleep(Duration::from_millis(20));
    }
    assert_eq!(client::get(other, "a", "/").body, "before", "its last form serves on");
}
