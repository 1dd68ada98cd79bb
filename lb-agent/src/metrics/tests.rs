//! Tests of the metrics: what a scrape holds, over a real socket, and what is no scrape.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};

use super::*;
use crate::status::{Backend, ConfigStatus, Counted, Flows, KernelStatus, LeftOut, Service, Session, Vip};
use crate::traces::Counts;

fn status() -> Status {
    let backend = Backend {
        backend: "10.1.0.5:443".into(),
        state: "up".into(),
        cause: "check answered".into(),
        last_failure: None,
        probe_s: None,
        traffic: "active".into(),
        weight: 50,
        full_weight: 100,
        drained: false,
        path_dead: false,
        flows: Flows { active: 5, ..Flows::default() },
        counted: Counted { connections: u64::from(u32::MAX) + 7, bytes: 1 << 50, ..Counted::default() },
    };
    let service = Service {
        service: "203.0.113.10:443/tcp".into(),
        state: "up".into(),
        in_service: Some(0.5),
        table_digest: Some("00ff".into()),
        backends: vec![backend],
    };
    let session = Session {
        protocol: "bgp".into(),
        peer: "10.0.0.1".into(),
        state: "Established".into(),
        up: true,
        since_s: 1.0,
        last_error: None,
        routes: 2,
    };
    Status {
        version: "0.1.0".into(),
        uptime_s: 12.5,
        state: "running".into(),
        config: ConfigStatus { path: "node.yaml".into(), generation: 7, age_s: 3.0, refused: None },
        kernel: KernelStatus {
            programmed: true,
            writes: 9,
            listing_age_s: Some(0.5),
            ..KernelStatus::default()
        },
        vips: vec![Vip {
            vip: [203, 0, 113, 10].into(),
            announced: true,
            state: "announced".into(),
            programmed: true,
        }],
        services: vec![service],
        sessions: vec![session],
        left_out: LeftOut { bfd_packets: 3, events: 4 },
    }
}

#[test]
fn a_scrape_holds_everything_and_counts_in_64_bits() {
    let mut metrics = Metrics::new(Some(Counts::default()));
    metrics.probe("203.0.113.10:443/tcp", "success", Duration::from_millis(3));
    metrics.reload(false);
    let text = metrics.text(status()).unwrap();
    for line in [
        "lb_agent_build_info{version=\"0.1.0\"} 1",
        "lb_agent_config_generation 7.0",
        "lb_agent_config_refused 0.0",
        "lb_agent_config_reloads_total{result=\"refused\"} 1",
        "lb_agent_config_reloads_total{result=\"taken\"} 0",
        "lb_agent_kernel_writes_total 9",
        "lb_agent_kernel_listing_age_seconds 0.5",
        "lb_agent_backend_active_connections{service=\"203.0.113.10:443/tcp\",backend=\"10.1.0.5:443\"} 5.0",
        "lb_agent_vip_announced{vip=\"203.0.113.10\"} 1.0",
        "lb_agent_table_digest_info{service=\"203.0.113.10:443/tcp\",table_digest=\"00ff\"} 1",
        "lb_agent_backend_connections_total{service=\"203.0.113.10:443/tcp\",backend=\"10.1.0.5:443\"} 4294967302",
        "lb_agent_backend_bytes_total{service=\"203.0.113.10:443/tcp\",backend=\"10.1.0.5:443\"} 1125899906842624",
        "lb_agent_backend_weight{service=\"203.0.113.10:443/tcp\",backend=\"10.1.0.5:443\"} 50.0",
        "lb_agent_probe_duration_seconds_count{service=\"203.0.113.10:443/tcp\",result=\"success\"} 1",
        "lb_agent_session_up{protocol=\"bgp\",peer=\"10.0.0.1\"} 1.0",
        "lb_agent_trace_spans_total{result=\"delivered\"} 0",
        "lb_agent_trace_spans_total{result=\"dropped\"} 0",
        "lb_agent_trace_spans_total{result=\"lost\"} 0",
        "lb_agent_bfd_packets_discarded_total 3",
        "lb_agent_session_events_lost_total 4",
        "lb_agent_session_routes{protocol=\"bgp\",peer=\"10.0.0.1\"} 2.0",
    ] {
        assert!(text.lines().any(|found| found == line), "{line}\nis not in\n{text}");
    }
    assert!(text.ends_with("# EOF\n"));
    metrics.retain(&BTreeSet::new());
    assert!(!metrics.text(status()).unwrap().contains("probe_duration_seconds_count"));
}

#[test]
fn before_the_first_listing_there_are_no_counts_of_now() {
    let mut unread = status();
    unread.kernel.listing_age_s = None;
    let text = Metrics::new(None).text(unread).unwrap();
    assert!(!text.contains("lb_agent_backend_active_connections{"), "{text}");
    assert!(!text.contains("lb_agent_kernel_listing_age_seconds"), "{text}");
}

fn get(address: SocketAddr, request: &str) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

#[tokio::test]
async fn metrics_are_served_and_nothing_else() {
    let mut server = MetricsServer::listen("127.0.0.1:0".parse().unwrap()).unwrap();
    let address = server.address();
    let serving = tokio::spawn(async move {
        loop {
            let scrape = server.scrape().await;
            let _ = scrape.send("text\n# EOF\n".into());
        }
    });
    let ask = |request: &'static str| tokio::task::spawn_blocking(move || get(address, request));
    let answer = ask("GET /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200") && answer.ends_with("text\n# EOF\n"), "{answer}");
    assert!(answer.contains("content-type: application/openmetrics-text"), "{answer}");
    let answer = ask("GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 404"), "{answer}");
    let answer = ask("DELETE /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 405"), "{answer}");
    serving.abort();
}

mod alerts;
