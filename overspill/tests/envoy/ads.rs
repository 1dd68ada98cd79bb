//! A management server for one Envoy: the session of `mesh_model::xds` on one connection of ADS, what it
//! told, and the bytes of the protocol that it speaks. What is wanted and known is for the tests to say.

use std::collections::BTreeMap;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use mesh_model::time::Time;
use mesh_model::xds::{Debounce, Event, Protocol, Request, Response, Session, Snapshot};
use serde_json::{Value, json};

use crate::grpc;

/// The messages of a protocol.
#[derive(Clone, Copy)]
pub(crate) struct Codec {
    pub(crate) protocol: Protocol,
    pub(crate) request: fn(&[u8]) -> Request,
    pub(crate) response: fn(&Response) -> Vec<u8>,
}

/// The session, the connection on which it speaks, and what it told.
pub(crate) struct Server {
    session: Session,
    codec: Codec,
    stream: Option<(TcpStream, u32)>,
    pub(crate) told: Vec<Event>,
    now: Time,
}

impl Server {
    /// One that the Envoy of a bootstrap with this address speaks with, on a thread of its own.
    pub(crate) fn listen(at: &str, codec: Codec) -> (Arc<Mutex<Self>>, SocketAddr) {
        let debounce = Debounce { quiet: Duration::from_millis(1), most: Duration::from_millis(1) };
        let server = Arc::new(Mutex::new(Self {
            session: Session::new(codec.protocol, debounce),
            codec,
            stream: None,
            told: Vec::new(),
            now: Time::ZERO,
        }));
        let listener = TcpListener::bind(at).unwrap();
        let address = listener.local_addr().unwrap();
        let shared = Arc::clone(&server);
        std::thread::spawn(move || serve(&listener, &shared));
        (server, address)
    }

    /// Says what there is to say.
    fn pump(&mut self) {
        while let Some((stream, number)) = &mut self.stream {
            let Some(response) = self.session.poll_transmit() else { break };
            let _ = grpc::send(stream, *number, &(self.codec.response)(&response));
        }
        self.told.extend(std::iter::from_fn(|| self.session.poll_event()));
    }

    /// Wants something else from now on.
    pub(crate) fn want(&mut self, snapshot: Arc<Snapshot>) {
        self.told.clear();
        self.session.handle_snapshot(self.now, snapshot);
        self.now = self.session.poll_timeout().unwrap_or(self.now);
        self.session.handle_timeout(self.now);
        self.pump();
    }
}

/// Serves one Envoy.
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
        let (now, request) = (server.now, (server.codec.request)(&message));
        server.session.handle_request(now, request);
        server.pump();
    }
}

/// Waits for an event.
#[track_caller]
pub(crate) fn wait(server: &Mutex<Server>, is_it: impl Fn(&Event) -> bool) -> Event {
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

/// The resources of `data/resources.json`: each as JSON and as protobuf.
pub(crate) fn resources() -> BTreeMap<String, Value> {
    serde_json::from_str(include_str!("data/resources.json")).unwrap()
}

/// Bytes of hexadecimal digits.
pub(crate) fn bytes(hex: &str) -> Vec<u8> {
    (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap()).collect()
}

/// What an Envoy begins with that asks this server for clusters and listeners.
pub(crate) fn bootstrap(server: SocketAddr, protocol: Protocol) -> Value {
    const OPTIONS: &str = "envoy.extensions.upstreams.http.v3.HttpProtocolOptions";
    let api_type = match protocol {
        Protocol::Delta => "DELTA_GRPC",
        Protocol::StateOfTheWorld => "GRPC",
    };
    let ads = json!({ "ads": {}, "resource_api_version": "V3", "initial_fetch_timeout": "0s" });
    let endpoint = json!({ "endpoint": { "address": { "socket_address": { "address": server.ip(), "port_value": server.port() } } } });
    json!({
        "node": { "id": "gateway", "cluster": "gateways" },
        "dynamic_resources": {
            "ads_config": { "api_type": api_type, "transport_api_version": "V3", "grpc_services": [{ "envoy_grpc": { "cluster_name": "xds" } }] },
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
