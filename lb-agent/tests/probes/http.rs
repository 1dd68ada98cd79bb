//! HTTP and HTTPS against nginx, and answers that no server of good will gives.

use std::fs;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::thread;

use lb_agent::probe::{AnswerFault, CertificateFault, Failure, HttpFault, Phase, TlsFault};
use lb_core::health::StatusCodes;

use crate::support::{Authority, PATIENCE, Server, expect, folder, free, program, run, silent};

/// One process that answers HTTP and, on another port, HTTPS.
struct Nginx {
    server: Server,
    tls: SocketAddr,
    authority: Authority,
}

fn nginx() -> Option<Nginx> {
    let program = program("nginx")?;
    let (folder, plain, tls, authority) = (folder(), free(), free(), Authority::new());
    let (certificate, key) = authority.sign("nginx", &["shop.example.test", "127.0.0.1"], |_| {});
    let locations = r#"
        default_type text/plain;
        location = /healthz { return 200 "status: healthy\nbuild 7\n"; }
        location = /long { root html; limit_rate 1k; }
        location = /large { root html; }
        location = /moved { return 302 /healthz; }
        location = /down { return 503 "down\n"; }
        location = /host { return 200 "$host $request_method $http_user_agent\n"; }
        location = /reset { return 444; }"#;
    let configuration = format!(
        "worker_processes 1; daemon off; master_process off; pid pid; error_log stderr;
         events {{}}
         http {{
             access_log off; client_body_temp_path t; proxy_temp_path t; fastcgi_temp_path t;
             uwsgi_temp_path t; scgi_temp_path t;
             server {{ listen {plain}; {locations} }}
             server {{ listen {tls} ssl; ssl_certificate {certificate}; ssl_certificate_key {key}; {locations} }}
         }}"
    );
    fs::create_dir(folder.path().join("html")).expect("the folder is ours");
    fs::write(folder.path().join("html/long"), "x".repeat(10_000)).expect("the folder is ours");
    let large = format!("{}needle{}", "hay ".repeat(10_000), "hay ".repeat(20_000));
    fs::write(folder.path().join("html/large"), large).expect("the folder is ours");
    fs::write(folder.path().join("nginx.conf"), configuration).expect("the folder is ours");
    let path = folder.path().to_owned();
    let arguments = ["-p".as_ref(), path.as_os_str(), "-c".as_ref(), "nginx.conf".as_ref()];
    let server = Server::start(&program, arguments, folder, plain).listening();
    Some(Nginx { server, tls, authority })
}

fn status(got: u16, wanted: &str) -> Failure {
    let wanted: StatusCodes = wanted.parse().expect("codes");
    HttpFault::Status { got, wanted }.into()
}

#[tokio::test]
async fn nginx_up_and_lying() {
    let Some(nginx) = nginx() else { return };
    let table = [
        (r#"{"kind": "http", "path": "/healthz"}"#, Ok(())),
        (r#"{"kind": "http", "path": "/healthz", "receive": "status: h"}"#, Ok(())),
        (
            r#"{"kind": "http", "path": "/healthz", "receive": "status: x"}"#,
            Err(AnswerFault::Differs { at: 8 }.into()),
        ),
        (r#"{"kind": "http", "path": "/healthz", "contains": "build 7"}"#, Ok(())),
        (
            r#"{"kind": "http", "path": "/healthz", "contains": "build 8"}"#,
            Err(HttpFault::Lacks { looked_at: 24 }.into()),
        ),
        (
            r#"{"kind": "http", "path": "/large", "contains": "straw"}"#,
            Err(HttpFault::Lacks { looked_at: 65_536 }.into()),
        ),
        (r#"{"kind": "http", "path": "/large", "receive": "hay", "contains": " needlehay"}"#, Ok(())),
        (r#"{"kind": "http", "path": "/missing"}"#, Err(status(404, "200"))),
        (r#"{"kind": "http", "path": "/missing", "code": "200-299, 404"}"#, Ok(())),
        (r#"{"kind": "http", "path": "/moved", "code": "200-299"}"#, Err(status(302, "200-299"))),
        (r#"{"kind": "http", "path": "/moved", "code": 302}"#, Ok(())),
        (r#"{"kind": "http", "path": "/down"}"#, Err(status(503, "200"))),
        (r#"{"kind": "http", "path": "/down", "code": 0, "receive": "down"}"#, Ok(())),
        (r#"{"kind": "http", "path": "/healthz", "method": "HEAD"}"#, Ok(())),
        (
            r#"{"kind": "http", "path": "/healthz", "method": "HEAD", "receive": "s"}"#,
            Err(AnswerFault::Short { got: 0, wanted: 1 }.into()),
        ),
        (r#"{"kind": "http", "path": "/host", "receive": "127.0.0.1 GET lb-agent/"}"#, Ok(())),
        (
            r#"{"kind": "http", "path": "/host", "host": "shop.example.test", "method": "OPTIONS", "receive": "shop.example.test OPTIONS"}"#,
            Ok(()),
        ),
        (
            r#"{"kind": "http", "path": "/host", "host": "shop.example.test", "proxy": true, "receive": "shop.example.test"}"#,
            Ok(()),
        ),
        (r#"{"kind": "http", "path": "/reset"}"#, Err(Failure::Closed { phase: Phase::Answer })),
        (
            r#"{"kind": "http", "path": "/long", "receive": "x", "contains": "y"}"#,
            Err(Failure::Timeout { phase: Phase::Body }),
        ),
    ];
    expect(nginx.server.address, &table).await;

    // Without TLS to the port with it: nginx says so in HTTP.
    expect(nginx.tls, &[(r#"{"kind": "http", "path": "/healthz"}"#, Err(status(400, "200")))]).await;
    // The other way round.
    let tls = [(r#"{"kind": "https", "tlsVerify": false}"#, Err(TlsFault::NoTls.into()))];
    expect(nginx.server.address, &tls).await;
}

#[tokio::test]
async fn nginx_over_tls() {
    let Some(nginx) = nginx() else { return };
    let ca = nginx.authority.file();
    let (stranger, double) = (Authority::named("stranger"), Authority::new());
    let (other, double) = (stranger.file(), double.file());
    let fault = |fault| Err(TlsFault::Certificate(fault).into());
    let check =
        |rest: &str| format!(r#"{{"kind": "https", "path": "/healthz", "receive": "status", {rest}}}"#);
    let with = |ca: &str, rest: &str| check(&format!(r#""tlsCa": "{ca}"{rest}"#));
    let table = [
        (with(&ca, ""), Ok(())),
        (with(&ca, r#", "serverName": "shop.example.test""#), Ok(())),
        (with(&ca, r#", "serverName": "mail.example.test""#), fault(CertificateFault::WrongName)),
        (with(&other, ""), fault(CertificateFault::UnknownAuthority)),
        // Of the same name, but with another key.
        (with(&double, ""), fault(CertificateFault::BadSignature)),
        (check(r#""tlsVerify": false, "serverName": "mail.example.test""#), Ok(())),
        (with(&ca, r#", "code": 204"#), Err(status(200, "204"))),
    ];
    for (check, result) in table {
        let report = run(&check, nginx.tls, PATIENCE).await;
        assert_eq!(report.result, result, "{check}");
        let timings = report.timings;
        assert!(
            timings.connect.is_some() && timings.tls.is_some() == !matches!(result, Err(Failure::Tls(_)))
        );
        let parts: std::time::Duration =
            [timings.connect, timings.tls, timings.answer].into_iter().flatten().sum();
        assert!(timings.total >= parts, "{timings:?}");
    }
}

#[tokio::test]
async fn down_slow_and_another_protocol() {
    for kind in [r#"{"kind": "http"}"#, r#"{"kind": "https", "tlsVerify": false}"#] {
        let refused = Err(Failure::Refused { phase: Phase::Connect });
        expect(free(), &[(kind, refused)]).await;
    }
    let (_listener, slow) = silent();
    let table = [
        (r#"{"kind": "http"}"#, Err(Failure::Timeout { phase: Phase::Answer })),
        (r#"{"kind": "https", "tlsVerify": false}"#, Err(Failure::Timeout { phase: Phase::Tls })),
    ];
    expect(slow, &table).await;

    let (listener, lying) = silent();
    let answers = [
        "220 mail.example ESMTP\r\n",
        "HTTP/1.1 2000 OK\r\n\r\n",
        "HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhealt",
    ];
    let server = thread::spawn(move || {
        use std::io::{Read, Write};
        for answer in answers {
            let (mut stream, _) = listener.accept().unwrap();
            let _ = stream.read(&mut [0; 1_024]).unwrap();
            stream.write_all(answer.as_bytes()).unwrap();
        }
    });
    for _ in 0..2 {
        let report = run(r#"{"kind": "http"}"#, lying, PATIENCE).await;
        assert!(matches!(report.result, Err(Failure::Http(HttpFault::NoHttp { .. }))), "{report:?}");
    }
    // A body that ends before its length.
    let report = run(r#"{"kind": "http", "contains": "y"}"#, lying, PATIENCE).await;
    assert_eq!(report.result, Err(Failure::Closed { phase: Phase::Body }));
    server.join().unwrap();
}

/// Answers one connection with the same octets over and over, until the other side has had enough;
/// how many it took.
fn endless(first: &'static str, again: &'static str) -> (SocketAddr, thread::JoinHandle<usize>) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
    let address = listener.local_addr().expect("it is bound");
    let server = thread::spawn(move || {
        let (mut stream, _) = listener.accept().expect("the check connects");
        let asked = stream.read(&mut [0; 1_024]).expect("the check asks");
        assert!(asked > 0, "who answers before that speaks no HTTP");
        let mut taken = 0;
        let mut piece = first;
        // a bound of the test's own, far over what any buffer of the kernel holds
        while taken < 64 << 20 && stream.write_all(piece.as_bytes()).is_ok() {
            taken += piece.len();
            piece = again;
        }
        taken
    });
    (address, server)
}

#[tokio::test]
async fn who_speaks_before_it_is_asked_speaks_no_http() {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
    let address = listener.local_addr().expect("it is bound");
    let server = thread::spawn(move || {
        let (mut stream, _) = listener.accept().expect("the check connects");
        stream.write_all(b"220 mail.example ESMTP\r\n").expect("the check is there");
        let _ = stream.read(&mut [0; 1_024]);
    });
    let report = run(r#"{"kind": "http"}"#, address, PATIENCE).await;
    let reason = match report.result {
        Err(Failure::Http(HttpFault::NoHttp { reason })) => reason,
        other => panic!("{other:?}"),
    };
    assert!(reason.contains("message") || reason.contains("HTTP"), "says what came: {reason}");
    server.join().expect("it ends");
}

#[tokio::test]
async fn an_answer_without_an_end_is_judged_by_its_beginning() {
    let no_http =
        |result: &Result<(), Failure>| matches!(result, Err(Failure::Http(HttpFault::NoHttp { .. })));
    let lacks = |result: &Result<(), Failure>| *result == Err(HttpFault::Lacks { looked_at: 65_536 }.into());
    type Expected<'a> = &'a dyn Fn(&Result<(), Failure>) -> bool;
    let table: [(&str, &str, Expected<'_>); 3] = [
        // Headers, one header, a body.
        ("HTTP/1.1 200 OK\r\n", "X-More: more of it\r\n", &no_http),
        ("HTTP/1.1 200 OK\r\nX-Long: ", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", &no_http),
        ("HTTP/1.1 200 OK\r\n\r\n", "hay hay hay hay hay hay hay hay hay hay hay hay hay ", &lacks),
    ];
    for (first, again, expected) in table {
        let (address, server) = endless(first, again);
        let report = run(r#"{"kind": "http", "contains": "needle"}"#, address, PATIENCE).await;
        assert!(expected(&report.result), "{first:?}: {:?}", report.result);
        let taken = server.join().expect("it ends when the check does");
        assert!(taken < 64 << 20, "{first:?}: {taken} bytes");
    }
}
