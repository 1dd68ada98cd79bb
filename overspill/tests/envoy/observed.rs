//! What a gateway tells of the requests that pass it: lines of its log, spans of traces.

use std::net::TcpListener;
use std::sync::mpsc;
use std::time::Duration;

use mesh_model::envoy::Tracing;
use serde_json::json;

use crate::backend::Backend;
use crate::gateway::Site;
use crate::{client, envoy, grpc};

#[test]
fn a_request_is_a_line_of_the_log() {
    let Some(envoy) = envoy() else { return };
    let web = Backend::new("web");
    let routes = "[{ rewrite: { uri: /inner }, match: [{ uri: { prefix: /shop } }], route: [{ destination: { host: web } }] }]";
    let mut site = Site::plain(routes, &[("web", &[web.address])]);
    site.proxy.access_log = true;
    site.add(
        "
apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: { name: seen }
spec: { action: AUDIT, rules: [{ to: [{ operation: { paths: ['*/admin'] } }] }] }
",
    );
    let gateway = site.start(&envoy);
    let mut stream = client::connect(site.at);
    let client = stream.local_addr().unwrap().to_string();
    // what is audited goes on
    let response = client::exchange(
        &mut stream,
        "GET /shop/admin?x=1",
        "shop.example.com",
        "X-Forwarded-For: 10.9.9.9\r\n",
    );
    assert_eq!(response.unwrap().backend(), "web");
    assert_eq!(client::get(site.at, "shop.example.com", "/nothing").status, 404);
    let lines = gateway.requests(2);
    let (first, second) = (&lines[0], &lines[1]);
    for (field, expected) in [
        ("client", json!(client)),
        ("vip", json!(site.at.to_string())),
        ("authority", json!("shop.example.com")),
        ("method", json!("GET")),
        ("path", json!("/shop/admin?x=1")),
        ("status", json!(200)),
        ("flags", json!("-")),
        ("cluster", json!("shop/edge|80||web.shop.svc.cluster.local")),
        ("endpoint", json!(web.address.to_string())),
        ("audit", json!(true)),
    ] {
        assert_eq!(first[field], expected, "{field} of {first}");
    }
    assert_eq!(
        (&second["status"], &second["flags"], &second["audit"]),
        (&json!(404), &json!("NR"), &json!(false))
    );
    assert!(first["duration_ms"].is_u64() && first["time"].as_str().unwrap().ends_with('Z'), "{first}");
}

#[test]
fn a_trace_goes_on_at_the_backend_and_its_span_is_collected() {
    let Some(envoy) = envoy() else { return };
    let web = Backend::new("web");
    let mut site = Site::plain("[{ route: [{ destination: { host: web } }] }]", &[("web", &[web.address])]);
    site.proxy.tracing =
        Some(Tracing { collector: "collector".to_owned(), sampling: "100%".parse().unwrap() });
    let listener = TcpListener::bind("127.0.79.7:0").unwrap();
    let address = listener.local_addr().unwrap();
    let (told, spans) = mpsc::channel();
    std::thread::spawn(move || {
        let (mut stream, _) = listener.accept()?;
        grpc::greet(&mut stream)?;
        let mut buffer = Vec::new();
        loop {
            let (_, message) = grpc::receive(&mut stream, &mut buffer)?;
            let _ = told.send(message);
        }
        #[allow(unreachable_code, reason = "it tells the type of errors")]
        Ok::<(), std::io::Error>(())
    });
    let _gateway = site.traced(&envoy, address);
    // the client's own trace is taken up
    let trace = "0af7651916cd43dd8448eb211c80319c";
    let headers = format!("traceparent: 00-{trace}-b7ad6b7169203331-01\r\n");
    assert_eq!(client::ask(site.at, "GET /x", "shop.example.com", &headers).status, 200);
    let seen = &web.seen()[0];
    let parent = seen.lines().find_map(|line| line.strip_prefix("traceparent: ")).unwrap();
    let parts: Vec<&str> = parent.split('-').collect();
    assert_eq!((parts[1], parts[3]), (trace, "01"), "{seen}");
    assert_ne!(parts[2], "b7ad6b7169203331", "the gateway's own span is the parent now");
    let span = spans.recv_timeout(Duration::from_secs(30)).unwrap();
    let has = |wanted: &[u8]| span.windows(wanted.len()).any(|part| part == wanted);
    let bytes = |hex: &str| -> Vec<u8> {
        (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap()).collect()
    };
    assert!(has(b"shop/edge"), "the service is the access point");
    assert!(has(&bytes(trace)) && has(&bytes(parts[2])) && has(&bytes("b7ad6b7169203331")));
}
