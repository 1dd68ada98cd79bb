//! Tests of traces: what arrives at a collector (a real HTTP server of the test's own, which decodes requests by
//! OpenTelemetry's published schema), what is sent again, what is counted, and that no collector can hold anybody up.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{IpAddr, SocketAddr, TcpListener};
use std::sync::mpsc::{Receiver, channel};
use std::time::Instant;

use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTracePartialSuccess, ExportTraceServiceRequest, ExportTraceServiceResponse,
};
use opentelemetry_proto::tonic::common::v1::{KeyValue as Attribute, any_value::Value};
use opentelemetry_proto::tonic::trace::v1::span::SpanKind;
use opentelemetry_proto::tonic::trace::v1::status::StatusCode;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, Span as Sent};
use prost::Message;
use tracing_subscriber::Registry;
use tracing_subscriber::layer::SubscriberExt;

use super::deliver::Complaints;
use super::*;

/// What a collector was sent: the head of the request and its content.
struct Taken {
    head: Vec<String>,
    content: ExportTraceServiceRequest,
}

/// A collector that gives these answers, one after the other, and then no more.
fn collector(answers: Vec<(&'static str, Vec<u8>)>) -> (SocketAddr, Receiver<Taken>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let (sender, taken) = channel();
    thread::spawn(move || {
        for (status, body) in answers {
            let (mut stream, _) = listener.accept().unwrap();
            let mut reader = BufReader::new(stream.try_clone().unwrap());
            let head: Vec<String> =
                reader.by_ref().lines().map(Result::unwrap).take_while(|line| !line.is_empty()).collect();
            let length = head
                .iter()
                .find_map(|line| line.to_lowercase().strip_prefix("content-length: ")?.parse().ok());
            let mut content = vec![0; length.unwrap()];
            reader.read_exact(&mut content).unwrap();
            let content = ExportTraceServiceRequest::decode(content.as_slice()).unwrap();
            sender.send(Taken { head, content }).unwrap();
            write!(stream, "HTTP/1.1 {status}\r\nContent-Length: {}\r\n\r\n", body.len()).unwrap();
            stream.write_all(&body).unwrap();
        }
    });
    (address, taken)
}

const OK: (&str, Vec<u8>) = ("200 OK", Vec::new());

/// Quick enough for a test; the times of attempts are long, for the machine may be busy.
fn pace() -> Pace {
    Pace {
        linger: Duration::from_millis(20),
        request: Duration::from_secs(20),
        pauses: vec![Duration::from_millis(10); 2],
        farewell: Duration::from_secs(20),
    }
}

fn with(layer: impl Layer<Registry> + Send + Sync, work: impl FnOnce()) {
    tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), work);
}

fn wait_for(what: impl Fn() -> bool) {
    let start = Instant::now();
    while !what() {
        assert!(start.elapsed() < Duration::from_secs(20), "waited in vain");
        thread::sleep(Duration::from_millis(2));
    }
}

fn words(attributes: &[Attribute]) -> BTreeMap<&str, String> {
    let word = |attribute: &Attribute| match attribute.value.clone().unwrap().value.unwrap() {
        Value::StringValue(text) => text,
        Value::IntValue(number) => number.to_string(),
        Value::BoolValue(truth) => truth.to_string(),
        other => panic!("{other:?} is no attribute of ours"),
    };
    attributes.iter().map(|attribute| (attribute.key.as_str(), word(attribute))).collect()
}

fn spans(resources: &[ResourceSpans]) -> BTreeMap<String, Sent> {
    let scopes = resources.iter().flat_map(|resource| &resource.scope_spans);
    let spans = scopes.flat_map(|scope| &scope.spans);
    spans.map(|span| (span.name.clone(), span.clone())).collect()
}

#[test]
fn spans_arrive_with_their_names_attributes_and_events() {
    let (address, taken) = collector(vec![OK]);
    let (layer, exporter) = layer(address, "10.1.1.2");
    let delivery = exporter.start_at(pace()).unwrap();
    with(layer, || {
        let reload = spans::reload();
        spans::generation(&reload, 7);
        // it has ended by then
        let reloaded = spans::cause(&reload);
        drop(reload);
        let reconcile = spans::reconcile(2, 9);
        spans::caused_by(&reconcile, &reloaded);
        spans::written(&reconcile, 4);
        spans::failed(&reconcile, "kernel", "no space left");
        let session = spans::session("bgp", IpAddr::from([10, 1, 1, 1]));
        spans::state(&session, "OpenConfirm", "bgp 10.1.1.1: OpenSent -> OpenConfirm");
        // not ours, and below what is traced
        drop(tracing::info_span!(target: "hyper", "of_a_library"));
        drop(tracing::debug_span!("detail"));
    });
    let Taken { head, content } = taken.recv().unwrap();
    assert_eq!(head[0], "POST /v1/traces HTTP/1.1");
    assert!(head.contains(&"content-type: application/x-protobuf".to_owned()), "{head:?}");
    wait_for(|| delivery.counts().delivered() == 3);

    let resource = words(&content.resource_spans[0].resource.as_ref().unwrap().attributes);
    assert_eq!(resource["service.name"], "lb-agent");
    assert_eq!(resource["service.instance.id"], "10.1.1.2");
    let spans = spans(&content.resource_spans);
    assert_eq!(spans.keys().collect::<Vec<_>>(), ["bgp session", "reconcile", "reload"]);
    let (reload, reconcile, session) = (&spans["reload"], &spans["reconcile"], &spans["bgp session"]);
    assert_eq!(words(&reload.attributes)["lb_agent.config.generation"], "7");
    assert_eq!((reload.trace_id.len(), reload.span_id.len(), reload.parent_span_id.len()), (16, 8, 0));
    assert_eq!((&reconcile.trace_id, &reconcile.parent_span_id), (&reload.trace_id, &reload.span_id));
    assert!(reload.start_time_unix_nano > 0 && reload.start_time_unix_nano <= reload.end_time_unix_nano);
    let attributes = words(&reconcile.attributes);
    assert_eq!(attributes["lb_agent.kernel.writes"], "9");
    assert_eq!(attributes["lb_agent.kernel.writes_done"], "4");
    assert_eq!(attributes["error.type"], "kernel");
    let status = reconcile.status.clone().unwrap();
    assert_eq!((status.code(), status.message.as_str()), (StatusCode::Error, "no space left"));
    assert_eq!(session.kind(), SpanKind::Client);
    let attributes = words(&session.attributes);
    assert_eq!(attributes["network.protocol.name"], "bgp");
    assert_eq!(attributes["network.peer.address"], "10.1.1.1");
    assert_eq!(attributes["network.type"], "ipv4");
    assert_eq!(attributes["lb_agent.session.state"], "OpenConfirm");
    assert_eq!(session.events[0].name, "bgp 10.1.1.1: OpenSent -> OpenConfirm");
}

#[test]
fn a_full_queue_drops_and_counts_and_holds_nobody_up() {
    // nobody listens on a port that was free a moment ago, and nothing takes from the queue
    let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let (layer, exporter) = layer(address, "x");
    let counts = exporter.counts();
    with(layer, || {
        for _ in 0..QUEUE + 500 {
            drop(spans::reload());
        }
    });
    assert_eq!(counts.dropped(), 500);
    // then all that waited is tried, given up and counted
    let pace = Pace { pauses: Vec::new(), ..pace() };
    let delivery = exporter.start_at(pace).unwrap();
    wait_for(|| counts.lost() == QUEUE as u64);
    drop(delivery);
    assert_eq!((counts.delivered(), counts.dropped(), counts.lost()), (0, 500, QUEUE as u64));
}

#[test]
fn what_is_asked_for_again_is_sent_again_and_what_is_refused_is_not() {
    let rejected = ExportTraceServiceResponse {
        partial_success: Some(ExportTracePartialSuccess { rejected_spans: 1, error_message: "odd".into() }),
    };
    // (the answers in turn, what becomes of two spans: delivered and lost)
    let table = [
        (vec![OK], (2, 0)),
        (
            vec![
                ("503 Service Unavailable", Vec::new()),
                ("429 Too Many Requests\r\nRetry-After: 0", Vec::new()),
                OK,
            ],
            (2, 0),
        ),
        (vec![("502 Bad Gateway", Vec::new()); 3], (0, 2)),
        (vec![("400 Bad Request", Vec::new())], (0, 2)),
        (vec![("404 Not Found", Vec::new())], (0, 2)),
        (vec![("200 OK", rejected.encode_to_vec())], (1, 1)),
        (vec![("200 OK", b"<html>".to_vec())], (0, 2)),
    ];
    for (answers, expected) in table {
        let (number, what) = (answers.len(), format!("{answers:?}"));
        let (address, taken) = collector(answers);
        let (layer, exporter) = layer(address, "x");
        with(layer, || (0..2).for_each(|_| drop(spans::reload())));
        let delivery = exporter.start_at(pace()).unwrap();
        let counts = delivery.counts();
        wait_for(|| counts.delivered() + counts.lost() == 2);
        assert_eq!((counts.delivered(), counts.lost()), expected, "{what}");
        let requests: Vec<_> = taken.iter().take(number).map(|taken| taken.content).collect();
        assert!(requests.windows(2).all(|two| two[0] == two[1]), "{what}: it is the same request");
        assert_eq!(requests.len(), number, "{what}");
    }
}

#[test]
fn the_end_delivers_what_is_there() {
    let (address, taken) = collector(vec![OK]);
    let (layer, exporter) = layer(address, "x");
    let delivery = exporter.start_at(Pace { linger: Duration::from_secs(3_600), ..pace() }).unwrap();
    let counts = delivery.counts();
    with(layer, || drop(spans::shutdown(true)));
    drop(delivery);
    assert_eq!(counts.delivered(), 1);
    assert_eq!(spans(&taken.recv().unwrap().content.resource_spans).keys().collect::<Vec<_>>(), ["shutdown"]);
}

#[test]
fn the_end_waits_for_no_collector_that_is_silent() {
    // it accepts (the kernel does) and never answers
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let (layer, exporter) = layer(silent.local_addr().unwrap(), "x");
    let delivery = exporter.start().unwrap();
    let counts = delivery.counts();
    with(layer, || drop(spans::reload()));
    let start = Instant::now();
    drop(delivery);
    assert!(start.elapsed() < Pace::default().request, "{:?}", start.elapsed());
    assert_eq!((counts.delivered(), counts.lost()), (0, 1));
}

#[test]
fn trouble_is_said_once_a_minute() {
    let start = tokio::time::Instant::now();
    let mut complaints = Complaints::default();
    // (seconds, whether delivery fails, spans that are missing so far, whether it is said)
    for (seconds, fails, missing, said) in [
        (0, false, 0, false),
        (1, true, 0, true),
        (2, true, 5, false),
        (60, true, 9, false),
        (61, true, 9, true),
        (122, false, 9, false),
        (123, false, 10, true),
        (124, true, 10, false),
        (190, false, 10, false),
    ] {
        let now = start + Duration::from_secs(seconds);
        assert_eq!(complaints.is_due(now, fails, missing), said, "at {seconds} s");
    }
}
