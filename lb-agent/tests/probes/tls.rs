//! TCP with TLS against `openssl s_server`: certificates of every age, versions, and clients that must show one.

use lb_agent::probe::{AnswerFault, CertificateFault, Failure, Phase, TlsFault};
use rcgen::date_time_ymd;

use crate::support::{Authority, PATIENCE, Server, expect, folder, free, program, run, silent};

/// A server that sends every line back reversed.
fn openssl((certificate, key): &(String, String), more: &[&str]) -> Option<Server> {
    let (program, address) = (program("openssl")?, free());
    let accept = address.to_string();
    let mut arguments =
        vec!["s_server", "-accept", &accept, "-cert", certificate, "-key", key, "-rev", "-quiet"];
    arguments.extend(more);
    Some(Server::start(&program, arguments, folder(), address).listening())
}

fn check(rest: &str) -> String {
    format!(r#"{{"kind": "tcp-tls", "send": "ping\n", "receive": "gnip\n", {rest}}}"#)
}

#[tokio::test]
async fn openssl_up_and_lying() {
    let authority = Authority::new();
    let good = authority.sign("good", &["db.example.test"], |_| {});
    let Some(server) = openssl(&good, &[]) else { return };
    let ca = format!(r#""tlsCa": "{}", "serverName": "db.example.test""#, authority.file());
    let mere = format!(r#"{{"kind": "tcp-tls", {ca}}}"#);
    let table: [(&str, Result<(), Failure>); 5] = [
        (&mere, Ok(())),
        (&check(&ca), Ok(())),
        (&check(r#""tlsVerify": false"#), Ok(())),
        (&check(&ca).replace("gnip", "gnop"), Err(AnswerFault::Differs { at: 2 }.into())),
        // What the system trusts does not hold the test's authority.
        (
            r#"{"kind": "tcp-tls", "serverName": "db.example.test"}"#,
            Err(TlsFault::Certificate(CertificateFault::UnknownAuthority).into()),
        ),
    ];
    expect(server.address, &table).await;
}

#[tokio::test]
async fn certificates_must_be_of_today_and_of_the_name() {
    let authority = Authority::new();
    let ca = format!(r#""tlsCa": "{}""#, authority.file());
    let old = authority.sign("old", &["127.0.0.1"], |parameters| {
        parameters.not_before = date_time_ymd(2000, 1, 1);
        parameters.not_after = date_time_ymd(2001, 1, 1);
    });
    let future = authority.sign("future", &["127.0.0.1"], |parameters| {
        parameters.not_before = date_time_ymd(2100, 1, 1);
        parameters.not_after = date_time_ymd(2101, 1, 1);
    });
    let other = authority.sign("other", &["127.0.0.2"], |_| {});
    let table = [
        (old, CertificateFault::Expired),
        (future, CertificateFault::NotYetValid),
        (other, CertificateFault::WrongName),
    ];
    for (certificate, fault) in table {
        let Some(server) = openssl(&certificate, &[]) else { return };
        let fault = Err(TlsFault::Certificate(fault).into());
        let anyhow = check(r#""tlsVerify": false"#);
        expect(server.address, &[(&check(&ca), fault), (&anyhow, Ok(()))]).await;
    }
}

#[tokio::test]
async fn a_client_may_have_to_show_a_certificate() {
    let authority = Authority::new();
    let server = authority.sign("server", &["127.0.0.1"], |_| {});
    let ca = authority.file();
    let must_show = ["-Verify", "1", "-CAfile", &ca, "-verify_return_error"];
    let (certificate, key) = authority.sign("client", &["probe.example.test"], |_| {});
    let shown = format!(r#""tlsCa": "{ca}", "tlsCertificate": "{certificate}", "tlsKey": "{key}""#);
    let hidden = format!(r#""tlsCa": "{ca}""#);
    for version in ["-tls1_2", "-tls1_3"] {
        let more = [&must_show[..], &[version]].concat();
        let Some(server) = openssl(&server, &more) else { return };
        let report = run(&check(&shown), server.address, PATIENCE).await;
        assert_eq!(report.result, Ok(()), "{version}");
        let report = run(&check(&hidden), server.address, PATIENCE).await;
        // The server closes with our line unread, so that a reset may overtake its alert.
        let is_told = matches!(report.result, Err(Failure::Tls(TlsFault::Alert(_)) | Failure::Reset { .. }));
        assert!(is_told, "{version}: {report:?}");
    }
}

#[tokio::test]
async fn down_and_slow() {
    let any = check(r#""tlsVerify": false"#);
    expect(free(), &[(&any, Err(Failure::Refused { phase: Phase::Connect }))]).await;
    let (_listener, slow) = silent();
    expect(slow, &[(&any, Err(Failure::Timeout { phase: Phase::Tls }))]).await;
}
