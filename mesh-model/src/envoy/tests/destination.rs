//! Tests of where calls go: the ports that a host has and how it is spoken to.

use serde_json::{Value, json};

use super::{endpoints, input, proxy, refused, simple};
use crate::envoy::{HostEndpoints, configure};

#[test]
fn the_protocol_of_a_service_of_another_namespace_is_told_with_its_endpoints() {
    let host = "pay.other.svc.cluster.local";
    let to = json!([{ "destination": { "host": host } }]);
    let objects = simple("a.example.com", &[("2/spec/http/0/route", to)]);
    for (port_name, app_protocol, is_http2) in [
        (None, None, false),
        (Some("http"), None, false),
        (Some("grpc-pay"), None, true),
        (Some("GRPC"), None, true),
        (Some("grpcish"), None, false),
        (Some("pay"), Some("kubernetes.io/h2c"), true),
        (Some("pay"), Some("http2"), true),
        // the name counts less
        (Some("grpc-pay"), Some("http"), false),
    ] {
        let [port_name, app_protocol] = [port_name, app_protocol].map(|text| text.map(str::to_owned));
        let told = [HostEndpoints { port_name, app_protocol, ..endpoints(host, 9000) }];
        let config = configure(&proxy(), &[input("shop/edge", "203.0.113.10", &objects, &told)]).whole();
        let cluster = &config.unwrap().clusters[&format!("shop/edge|9000||{host}")];
        let (_, options) =
            cluster["typed_extension_protocol_options"].as_object().unwrap().iter().next().unwrap();
        let options = &options["explicit_http_config"];
        assert_eq!(options.get("http2_protocol_options").is_some(), is_http2, "{told:?}");
        assert_eq!(options.get("http_protocol_options").is_some(), !is_http2, "{told:?}");
    }
}

#[test]
fn a_destination_names_one_of_the_ports_that_its_host_has() {
    let line = |ports: &[u32], port: Value| {
        let ports: Vec<Value> =
            ports.iter().map(|port| json!({ "name": format!("p{port}"), "port": port })).collect();
        let lines = refused(&simple(
            "a.example.com",
            &[("0/spec/ports", json!(ports)), ("2/spec/http/0/route/0/destination/port", port)],
        ));
        lines.join(" ").split_once("/destination: ").unwrap().1.to_owned()
    };
    let host = "host web.shop.svc.cluster.local";
    for (ports, port, expected) in [
        (&[9090, 8080][..], Value::Null, "has ports 8080 and 9090"),
        (&[9090, 8080, 80], Value::Null, "has ports 80, 8080 and 9090"),
        (&[9090, 8080], json!({ "number": 81 }), "has no port 81, but 8080 and 9090"),
        (&[80], json!({ "number": 81 }), "has no port 81, but 80"),
    ] {
        assert_eq!(line(ports, port), format!("{host} {expected}; write one of them as port.number"));
    }
}
