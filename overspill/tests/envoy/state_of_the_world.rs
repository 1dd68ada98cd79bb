//! The xDS session of `mesh_model` and a real Envoy, over ADS by state of the world: a cluster that
//! stops being wanted while the Envoy waits for its endpoints holds nothing up.

use std::path::Path;
use std::sync::Arc;

use mesh_model::envoy::EnvoyConfig;
use mesh_model::xds::{Event, Kind, Protocol, Request, Response, Snapshot};
use serde_json::{Value, json};

use crate::ads::{self, Codec, Server, wait};
use crate::envoy;
use crate::gateway::Gateway;
use crate::grpc::{field, fields};

const CODEC: Codec = Codec { protocol: Protocol::StateOfTheWorld, request, response };

/// Wants this cluster from now on, with its endpoints.
fn want(server: &mut Server, name: &str) {
    let mut config = EnvoyConfig::default();
    let (cluster, _) = resource(Kind::Cluster, name);
    let name = cluster["name"].as_str().unwrap().to_owned();
    config.endpoints.insert(name.clone(), resource(Kind::Endpoints, &name).0);
    config.clusters.insert(name, cluster);
    server.want(Arc::new(Snapshot::new(&config, [])));
}

/// A resource as JSON and as protobuf; what is known of `b` serves as `c`, too.
fn resource(kind: Kind, name: &str) -> (Value, Vec<u8>) {
    let all = ads::resources();
    let key = name.replace('c', "b");
    // but "changed" is no name
    let key = if all.contains_key(name) { name.to_owned() } else { key };
    let known = &all[&if kind == Kind::Endpoints { format!("endpoints of {key}") } else { key }];
    let (mut body, mut hex) = (known["body"].to_string(), known["protobuf"].as_str().unwrap().to_owned());
    if name == "c" {
        // a text of one letter is its length and the letter
        (body, hex) = (body.replace("\"b\"", "\"c\""), hex.replace("0162", "0163"));
    }
    (serde_json::from_str(&body).unwrap(), ads::bytes(&hex))
}

/// A `DiscoveryRequest`.
fn request(bytes: &[u8]) -> Request {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let all = fields(bytes);
    let of = |number: u64| all.iter().filter(move |(of, _)| *of == number).map(|(_, value)| *value);
    let url = of(4).map(text).next().unwrap_or_default();
    Request {
        version: of(1).map(text).next().unwrap_or_default(),
        subscribe: of(3).map(text).collect(),
        nonce: of(5).map(text).next().unwrap_or_default(),
        error: of(6).map(text).next(),
        ..Request::first(Kind::ALL.into_iter().find(|kind| kind.type_url() == url).unwrap())
    }
}

/// A `DiscoveryResponse`.
fn response(response: &Response) -> Vec<u8> {
    let url = response.kind.type_url().as_bytes();
    let mut bytes = field(1, response.version.as_bytes());
    for one in &response.resources {
        let known = ["a", "a, changed", "b", "c"].map(|name| {
            resource(
                response.kind,
                name.get(..if response.kind == Kind::Endpoints { 1 } else { name.len() }).unwrap(),
            )
        });
        let known = known.into_iter().find(|(body, _)| *body == *one.body).map(|(_, protobuf)| protobuf);
        // endpoints that there are none of are a name
        let protobuf = known.unwrap_or_else(|| {
            assert_eq!(*one.body, json!({ "cluster_name": one.name }));
            field(1, one.name.as_bytes())
        });
        bytes.extend(field(2, &[field(1, url), field(2, &protobuf)].concat()));
    }
    bytes.extend(field(4, url));
    bytes.extend(field(5, response.nonce.as_bytes()));
    bytes
}

/// One thing is wanted and had, a second is sent, and a third is wanted before the Envoy says a word.
fn check(envoy: &Path, history: [&str; 3]) {
    let (server, address) = Server::listen("127.0.79.5:0", CODEC);
    want(&mut server.lock().unwrap(), history[0]);
    let gateway = Gateway::with(envoy, ads::bootstrap(address, Protocol::StateOfTheWorld));
    let in_step = |event: &Event| *event == Event::InStep;
    wait(&server, in_step);
    let mut locked = server.lock().unwrap();
    want(&mut locked, history[1]);
    want(&mut locked, history[2]);
    drop(locked);
    wait(&server, in_step);
    assert_eq!(gateway.stat("cluster_manager.warming_clusters"), 0, "{history:?}");
    assert_eq!(gateway.stat("cluster_manager.active_clusters"), 2, "{history:?}: one, and the server's");
    assert_eq!(gateway.stat("cluster.c.membership_total"), 1, "{history:?}");
    assert_eq!(gateway.stat("cluster_manager.cds.update_rejected"), 0);
}

#[test]
fn a_cluster_that_stops_being_wanted_while_it_is_waited_for_holds_nothing_up() {
    let Some(envoy) = envoy() else { return };
    check(&envoy, ["a", "b", "c"]);
    check(&envoy, ["a", "a, changed", "c"]);
}
