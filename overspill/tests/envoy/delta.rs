//! The xDS session of `mesh_model` and a real Envoy, over delta ADS: what is sent arrives in an order
//! in which requests are served throughout, and one bad cluster stops nobody else.

use std::net::{SocketAddr, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use mesh_model::envoy::EnvoyConfig;
use mesh_model::xds::{Event, Protocol, Response, Snapshot};

use crate::ads::{self, Codec, Server, wait};
use crate::backend::Backend;
use crate::gateway::Gateway;
use crate::{client, envoy, grpc};

const SITE: &str = "127.0.79.3:15010";

pub(crate) const CODEC: Codec = Codec { protocol: Protocol::Delta, request: grpc::request, response };

/// A `DeltaDiscoveryResponse` of resources that are known, and of secrets.
fn response(response: &Response) -> Vec<u8> {
    let known = ads::resources();
    grpc::response(response, |body| {
        if body.get("tls_certificate").is_some() {
            return grpc::secret(body);
        }
        let known = known.values().find(|one| one["body"] == *body).unwrap();
        ads::bytes(known["protobuf"].as_str().unwrap())
    })
}

/// Wants these resources from now on.
fn change(server: &Mutex<Server>, names: &[&str]) {
    let (known, mut config) = (ads::resources(), EnvoyConfig::default());
    for name in names {
        let one = &known[*name];
        let body = one["body"].clone();
        let (of, field) = match one["kind"].as_str().unwrap() {
            "Cluster" => (&mut config.clusters, "name"),
            "Endpoints" => (&mut config.endpoints, "cluster_name"),
            "Listener" => (&mut config.listeners, "name"),
            _ => (&mut config.routes, "name"),
        };
        of.insert(body[field].as_str().unwrap().to_owned(), body);
    }
    server.lock().unwrap().want(Arc::new(Snapshot::new(&config, [])));
}

#[test]
fn what_is_wanted_is_served_throughout_and_one_bad_cluster_stops_nobody_else() {
    let Some(envoy) = envoy() else { return };
    let (_a, _b) = (Backend::at("127.0.79.6:15011", "a"), Backend::at("127.0.79.6:15012", "b"));
    let (server, address) = Server::listen("127.0.79.4:0", CODEC);
    change(&server, &["a", "endpoints of a", "listener one", "one to a"]);
    let gateway = Gateway::with(&envoy, ads::bootstrap(address, Protocol::Delta));
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
