//! Certificates reach a real Envoy over delta ADS from the session of `mesh_model`: what was pushed is
//! served, a new one takes its place, and a connection that stands stays.

use std::sync::Arc;
use std::time::{Duration, Instant};

use mesh_model::envoy::{EnvoyConfig, GatewayInput, Proxy, configure};
use mesh_model::xds::{Protocol, Snapshot};
use serde_json::json;

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
