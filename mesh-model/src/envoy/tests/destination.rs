//! Tests of where calls go: the ports that a host has and how it is spoken to.

use serde_json::json;

use super::{endpoints, input, proxy, simple};
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
