//! Checks from text: what each kind becomes, and what is refused with which words.

use core::time::Duration;
use std::format;
use std::string::{String, ToString};

use super::*;
use crate::health::HealthError;

fn check(text: &str) -> Result<Check, HealthError> {
    let file: CheckFile = serde_saphyr::from_str(text).expect("the text parses");
    Check::try_from(file)
}

fn plain(kind: CheckKind) -> Check {
    Check { kind, port: None, via: Via::Plain }
}

fn http(path: &str) -> HttpCheck {
    HttpCheck {
        method: "GET".into(),
        path: path.into(),
        host: None,
        proxy: false,
        status: StatusCodes::default(),
        receive: String::new(),
        contains: String::new(),
    }
}

#[test]
fn every_kind_has_its_defaults() {
    let tls = Tls { verify: true, server_name: None, authorities: None, client: None };
    let dns = DnsCheck { name: "example.com".into(), record: DnsRecord::A, answer: None };
    let radius = RadiusCheck {
        user: "probe".into(),
        password: Secret::new("p".into()),
        secret: Secret::new("s".into()),
        reply: RadiusReply::Accept,
    };
    let table = [
        ("{ kind: icmp }", CheckKind::Icmp, 1),
        ("{ kind: tcp }", CheckKind::Tcp(Exchange::default()), 10),
        ("{ kind: tcp-tls }", CheckKind::TcpTls(Exchange::default(), tls.clone()), 10),
        ("{ kind: udp }", CheckKind::Udp(Exchange::default()), 5),
        ("{ kind: http }", CheckKind::Http(http("/")), 5),
        ("{ kind: https }", CheckKind::Https(http("/"), tls), 5),
        ("{ kind: dns, name: example.com. }", CheckKind::Dns(dns), 3),
        ("{ kind: radius, user: probe, password: p, secret: s }", CheckKind::Radius(radius), 3),
    ];
    for (text, kind, timeout) in table {
        assert_eq!(kind.name().default_timeout(), Duration::from_secs(timeout), "{text}");
        assert!(text.contains(kind.name().as_str()));
        assert_eq!(check(text), Ok(plain(kind)), "{text}");
    }
}

#[test]
fn every_parameter_arrives() {
    let got = check(
        r#"{ kind: https, port: 8443, via: tunnel, method: HEAD, path: "/a?b=c", host: shop.example.com,
             proxy: true, code: 0, receive: ok, contains: healthy, tlsVerify: false,
             serverName: shop.example.com, tlsCertificate: /etc/probe.pem, tlsKey: /etc/probe.key }"#,
    );
    let http = HttpCheck {
        method: "HEAD".into(),
        path: "/a?b=c".into(),
        host: Some("shop.example.com".into()),
        proxy: true,
        status: StatusCodes::one(0).expect("any"),
        receive: "ok".into(),
        contains: "healthy".into(),
    };
    let client = TlsClient { certificate: "/etc/probe.pem".into(), key: "/etc/probe.key".into() };
    let server_name = Some("shop.example.com".into());
    let tls = Tls { verify: false, server_name, authorities: None, client: Some(client) };
    assert_eq!(got, Ok(Check { kind: CheckKind::Https(http, tls), port: Some(8443), via: Via::Tunnel }));

    let got = check("{ kind: tcp-tls, tlsCa: /etc/ca.pem, sendHex: 00 }");
    let tls = Tls { verify: true, server_name: None, authorities: Some("/etc/ca.pem".into()), client: None };
    let exchange = Exchange { send: [0].into(), receive: AnswerStart::default() };
    assert_eq!(got, Ok(plain(CheckKind::TcpTls(exchange, tls))));
}

#[test]
fn every_record_type_has_an_answer_of_its_own() {
    let address = |text: &str| DnsAnswer::Address(text.parse().expect("an address"));
    let table = [
        (DnsRecord::A, "192.0.2.1", address("192.0.2.1")),
        (DnsRecord::Aaaa, "2001:db8::1", address("2001:db8::1")),
        (DnsRecord::Cname, "a.example.", DnsAnswer::Name("a.example".into())),
        (DnsRecord::Mx, "mail.example", DnsAnswer::Name("mail.example".into())),
        (DnsRecord::Ns, "ns.example", DnsAnswer::Name("ns.example".into())),
        (DnsRecord::Soa, "ns.example", DnsAnswer::Name("ns.example".into())),
        (DnsRecord::Txt, "v=spf1 -all", DnsAnswer::Text("v=spf1 -all".into())),
    ];
    for (record, answer, expected) in table {
        let text = format!("{{ kind: dns, name: ., record: {record}, answer: \"{answer}\" }}");
        let dns = DnsCheck { name: ".".into(), record, answer: Some(expected) };
        assert_eq!(check(&text), Ok(plain(CheckKind::Dns(dns))), "{text}");
    }
}

#[test]
fn status_codes_are_lists_of_ranges() {
    let codes = |text: &str| match check(&format!("{{ kind: http, code: {text} }}")).expect(text).kind {
        CheckKind::Http(http) => http.status,
        other => panic!("{other:?}"),
    };
    let table: [(&str, &[u16], &[u16]); 5] = [
        ("200", &[200], &[201, 199]),
        ("\"204\"", &[204], &[200]),
        ("200-299", &[200, 299], &[199, 300]),
        ("\"200 - 204,401\"", &[200, 204, 401], &[205, 400]),
        ("0", &[100, 599], &[99, 600]),
    ];
    for (text, success, failure) in table {
        let codes = codes(text);
        assert!(success.iter().all(|code| codes.contains(*code)), "{text}");
        assert!(!failure.iter().any(|code| codes.contains(*code)), "{text}");
        assert_eq!(codes.to_string().parse(), Ok(codes), "{text}");
    }
    let right = r#"write codes from 100 to 599, such as 200 or "200-299, 401", or 0 for any"#;
    let many = format!("\"{}200\"", "200,".repeat(16));
    for (text, wrong) in [
        ("99", format!("99 is no status; {right}")),
        ("600", format!("600 is no status; {right}")),
        ("70000", format!("70000 is no status; {right}")),
        ("200-600", format!("600 is no status; {right}")),
        ("\"0, 200\"", format!("0 is no status; {right}")),
        ("\"+200\"", format!("no list of codes; {right}")),
        ("-200", format!("no list of codes; {right}")),
        ("ok", format!("no list of codes; {right}")),
        ("\"\"", format!("no list of codes; {right}")),
        ("299-200", "299-200 holds no code; write the lower code first".into()),
        (&many, "too many codes; write at most 16 codes and ranges".into()),
        ("[200]", String::new()),
    ] {
        let text = format!("{{ kind: http, code: {text} }}");
        let error = serde_saphyr::from_str::<CheckFile>(&text).expect_err(&text).to_string();
        assert!(error.contains(&wrong), "{text}: {error}");
    }
}

#[test]
fn what_cannot_be_is_named() {
    let table = [
        ("{ kind: icmp, port: 1 }", "check.port: not a parameter of `icmp`; its own are: []"),
        (
            "{ kind: tcp, path: / }",
            "check.path: not a parameter of `tcp`; its own are: \
             [\"port\", \"via\", \"send\", \"sendHex\", \"receive\", \"receiveHex\"]",
        ),
        ("{ kind: tcp, port: 0 }", "check.port: 0 is too small; write 1 or more"),
        (
            "{ kind: https, tlsVerify: false, tlsCa: /etc/ca.pem }",
            "check.tlsCa: of no use with tlsVerify: false; remove one of the two",
        ),
        (
            "{ kind: https, tlsKey: /etc/probe.key }",
            "check.tlsKey: written without tlsCertificate; a certificate of one's own needs both",
        ),
        (
            "{ kind: tcp-tls, tlsCertificate: a }",
            "check.tlsCertificate: written without tlsKey; a certificate of one's own needs both",
        ),
        (r#"{ kind: tcp-tls, tlsCa: "" }"#, "check.tlsCa: empty; write at least one character"),
        (
            "{ kind: http, path: healthz }",
            "check.path: no path; write one that starts with / and has no blanks, such as /healthz",
        ),
        (
            r#"{ kind: http, path: "/ HTTP/1.1\r\nHost: evil" }"#,
            "check.path: no path; write one that starts with / and has no blanks, such as /healthz",
        ),
        (
            r#"{ kind: http, method: "GET /" }"#,
            "check.method: no HTTP method; write a word such as GET or HEAD",
        ),
        (
            r#"{ kind: http, host: "a\r\nb: c" }"#,
            "check.host: no name of a host; write one such as www.example.com, at most 253 characters",
        ),
        ("{ kind: dns }", "check.name: missing; the check cannot do without it"),
        (
            "{ kind: dns, name: a..b }",
            "check.name: no name of a host; write one such as www.example.com, at most 253 characters",
        ),
        (
            "{ kind: dns, name: a.example, record: AAAA, answer: 10.0.0.1 }",
            "check.answer: not an address that a record of type AAAA holds; \
             write one of the other family, or change record",
        ),
        (
            "{ kind: dns, name: a.example, answer: a.example }",
            "check.answer: not an address that a record of type A holds; \
             write one of the other family, or change record",
        ),
        (
            "{ kind: dns, name: a.example, record: MX, answer: 10 a.example }",
            "check.answer: no name of a host; write one such as www.example.com, at most 253 characters",
        ),
        ("{ kind: radius, user: u, password: p }", "check.secret: missing; the check cannot do without it"),
        (
            r#"{ kind: radius, user: u, password: p, secret: "" }"#,
            "check.secret: empty; write at least one character",
        ),
    ];
    for (text, expected) in table {
        let error = check(text).expect_err(text);
        assert_eq!(error.to_string(), expected, "{text}");
    }
}

#[test]
fn bytes_are_texts_or_hexadecimal() {
    let exchange = |lines: &str| match check(&format!("{{ kind: udp, {lines} }}")).expect(lines).kind {
        CheckKind::Udp(exchange) => exchange,
        other => panic!("{other:?}"),
    };
    let binary = exchange(r#"sendHex: "00 ff 80fe", receiveHex: "C328""#);
    assert_eq!((&binary.send[..], binary.receive.len()), (&[0, 0xff, 0x80, 0xfe][..], 2));
    assert!(binary.receive.matches(b"\xc3\x28\0") && !binary.receive.matches(b"\xc3"));
    let mixed = exchange(r#"send: "é", receiveHex: """#);
    assert_eq!((mixed.send.as_slice(), mixed.receive.is_empty()), ("é".as_bytes(), true));
    // digits alone are a text still, leading zeros and exponents too
    assert_eq!(exchange("sendHex: 0011").send, [0, 0x11]);
    assert_eq!(exchange("sendHex: 1e10").send, [0x1e, 0x10]);
}

#[test]
fn hexadecimal_is_strict() {
    let right = r#"write two hexadecimal digits for each byte, in quotes, such as "16 03 01 ff""#;
    let right_pattern =
        r#"write two hexadecimal digits for each byte, X for any digit, in quotes, such as "16 03 0X XX""#;
    for (field, value, wrong) in [
        ("sendHex", "\"0\"", "a byte has only one digit"),
        ("sendHex", "\"0 0\"", "a byte has only one digit"),
        ("receiveHex", "\"00 123\"", "a byte has only one digit"),
        ("sendHex", "\"0x00\"", "other characters than hexadecimal digits and blanks"),
        ("receiveHex", "\"0x00\"", "other characters than hexadecimal digits, X and blanks"),
        ("sendHex", "\"16 XX\"", "other characters than hexadecimal digits and blanks"),
        ("receiveHex", "\"16 YY\"", "other characters than hexadecimal digits, X and blanks"),
        ("sendHex", "\"00\\t11\"", "other characters than hexadecimal digits and blanks"),
        ("sendHex", "\"é\"", "other characters than hexadecimal digits and blanks"),
        ("receiveHex", "[22]", ""),
    ] {
        let text = format!("{{ kind: tcp, {field}: {value} }}");
        let error = serde_saphyr::from_str::<CheckFile>(&text).expect_err(value).to_string();
        let is_told = error.contains(right) || error.contains(right_pattern);
        assert!(error.contains(wrong) && (wrong.is_empty() || is_told), "{value}: {error}");
    }
    assert_eq!(
        check(r#"{ kind: tcp, send: a, sendHex: "00" }"#).expect_err("both").to_string(),
        "check.sendHex: already written as send; remove one of the two"
    );
    assert!(check(r#"{ kind: http, receiveHex: "00" }"#).is_err(), "a body is a text");
}

#[test]
fn a_digit_may_be_anything() {
    let exchange =
        |hex: &str| match check(&format!("{{ kind: udp, receiveHex: \"{hex}\" }}")).expect(hex).kind {
            CheckKind::Udp(exchange) => exchange.receive,
            other => panic!("{other:?}"),
        };
    let table: [(&str, &[u8], Option<usize>); 6] = [
        ("16 03 0X XX", &[0x16, 3, 1, 0xff], None),
        ("16 03 0X XX", &[0x16, 3, 0x11, 0xff], Some(2)),
        ("X6", &[0x26], None),
        ("X6", &[0x62], Some(0)),
        ("XX01", &[0, 2, 3], Some(1)),
        ("XX01", &[], None),
    ];
    for (hex, answer, differs_at) in table {
        let pattern = exchange(hex);
        assert_eq!(pattern.first_difference(answer), differs_at, "{hex} {answer:?}");
        let whole = answer.len() >= pattern.len();
        assert_eq!(pattern.matches(answer), whole && differs_at.is_none(), "{hex} {answer:?}");
    }
}

#[test]
fn texts_are_bounded() {
    let long = "x".repeat(1_401);
    let hex = "00".repeat(1_401);
    for text in [
        format!("{{ kind: udp, send: {long} }}"),
        format!("{{ kind: tcp, receive: {long} }}"),
        format!("{{ kind: tcp, sendHex: \"{hex}\" }}"),
        format!("{{ kind: tcp, receiveHex: \"{hex}\" }}"),
    ] {
        assert!(
            check(&text).expect_err("too long").to_string().ends_with("too long; write at most 1400 bytes")
        );
    }
    let label = "a".repeat(64);
    assert!(check(&format!("{{ kind: dns, name: {label}.example }}")).is_err());
}

#[test]
fn unknown_fields_and_kinds_are_errors() {
    for text in
        ["{ kind: tcp, retries: 3 }", "{ kind: smtp }", "{ port: 1 }", "{ kind: http, tls_verify: true }"]
    {
        assert!(serde_saphyr::from_str::<CheckFile>(text).is_err(), "{text}");
    }
}

#[test]
fn a_file_is_written_back_as_it_was_read() {
    for text in [
        "{ kind: radius, user: u, password: p, secret: s, reply: any }",
        r#"{ kind: udp, sendHex: "00 11", receiveHex: "1e10" }"#,
        r#"{ kind: udp, receiveHex: "1X XX" }"#,
        r#"{ kind: http, code: "200-299, 401" }"#,
        r#"{ kind: http, code: 0 }"#,
    ] {
        let file: CheckFile = serde_saphyr::from_str(text).expect("parses");
        let text = serde_saphyr::to_string(&file).expect("can be written");
        assert_eq!(serde_saphyr::from_str::<CheckFile>(&text).expect("parses"), file, "{text}");
    }
}

#[test]
fn secrets_are_not_for_logs() {
    let check = check("{ kind: radius, user: u, password: hunter2, secret: xyzzy }").expect("valid");
    let shown = format!("{check:?}");
    assert!(!shown.contains("hunter2") && !shown.contains("xyzzy"), "{shown}");
}
