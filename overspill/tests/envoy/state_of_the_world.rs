//! The xDS session of `mesh_model` and a real Envoy, over ADS by state of the world: a cluster that
//! stops being wanted while the Envoy waits for its endpoints holds nothing up.

use std::collections::BTreeMap;
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use mesh_model::envoy::EnvoyConfig;
use mesh_model::time::Time;
use mesh_model::xds::{Debounce, Event, Kind, Protocol, Request, Response, Session, Snapshot};
use serde_json::{Value, json};

use crate::gateway::Gateway;
use crate::grpc::{field, fields};
use crate::{delta, envoy, grpc};

const RESOURCES: &str = include_str!("data/resources.json");

/// The session, the connection on which it speaks, and whether the Envoy has what is wanted.
struct Server {
    session: Session,
    stream: Option<(TcpStream, u32)>,
    is_in_step: bool,
    now: Time,
}

impl Server {
    fn pump(&mut self) {
        while let Some((stream, number)) = &mut self.stream {
            let Some(answer) = self.session.poll_transmit() else { break };
            let _ = grpc::send(stream, *number, &response(&answer));
        }
        let events = std::iter::from_fn(|| self.session.poll_event());
        self.is_in_step |= events.fold(false, |_, event| event == Event::InStep);
    }

    /// Wants these clusters from now on, with their endpoints.
    fn want(&mut self, names: &[&str]) {
        let mut config = EnvoyConfig::default();
        for name in names {
            let (cluster, _) = resource(Kind::Cluster, name);
            let name = cluster["name"].as_str().unwrap().to_owned();
            config.endpoints.insert(name.clone(), resource(Kind::Endpoints, &name).0);
            config.clusters.insert(name, cluster);
        }
        self.is_in_step = false;
        self.session.handle_snapshot(self.now, Arc::new(Snapshot::new(&config, [])));
        self.now = self.session.poll_timeout().unwrap_or(self.now);
        self.session.handle_timeout(self.now);
        self.pump();
    }
}

/// A resource as JSON and as protobuf; what is known of `b` serves as `c`, too.
fn resource(kind: Kind, name: &str) -> (Value, Vec<u8>) {
    let all: BTreeMap<String, Value> = serde_json::from_str(RESOURCES).unwrap();
    let key = name.replace('c', "b");
    // but "changed" is no name
    let key = if all.contains_key(name) { name.to_owned() } else { key };
    let known = &all[&if kind == Kind::Endpoints { format!("endpoints of {key}") } else { key }];
    let (mut body, mut hex) = (known["body"].to_string(), known["protobuf"].as_str().unwrap().to_owned());
    if name == "c" {
        // a text of one letter is its length and the letter
        (body, hex) = (body.replace("\"b\"", "\"c\""), hex.replace("0162", "0163"));
    }
    let byte = |at: usize| u8::from_str_radix(&hex[at..at + 2], 16).unwrap();
    (serde_json::from_str(&body).unwrap(), (0..hex.len()).step_by(2).map(byte).collect())
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

fn serve(listener: &TcpListener, server: &Mutex<Server>) -> std::io::Result<()> {
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
        server.session.handle_request(now, request(&message));
        server.pump();
    }
}

fn wait(server: &Mutex<Server>, what: &str) {
    let until = Instant::now() + Duration::from_secs(20);
    while !server.lock().unwrap().is_in_step {
        assert!(Instant::now() < until, "not in step: {what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// One thing is wanted and had, a second is sent, and a third is wanted before the Envoy says a word.
fn check(envoy: &Path, history: [&str; 3]) {
    let debounce = Debounce { quiet: Duration::from_millis(1), most: Duration::from_millis(1) };
    let server = Arc::new(Mutex::new(Server {
        session: Session::new(Protocol::StateOfTheWorld, debounce),
        stream: None,
        is_in_step: false,
        now: Time::ZERO,
    }));
    let listener = TcpListener::bind("127.0.79.5:0").unwrap();
    let mut bootstrap = delta::bootstrap(listener.local_addr().unwrap());
    bootstrap["dynamic_resources"]["ads_config"]["api_type"] = json!("GRPC");
    server.lock().unwrap().want(&history[..1]);
    let shared = Arc::clone(&server);
    std::thread::spawn(move || serve(&listener, &shared));
    let gateway = Gateway::with(envoy, bootstrap);
    wait(&server, history[0]);
    let mut locked = server.lock().unwrap();
    locked.want(&history[1..2]);
    locked.want(&history[2..]);
    drop(locked);
    wait(&server, &history.join(", then "));
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
