//! What Istio's admission refuses of a Gateway, rule by rule.

use std::collections::BTreeSet;
use std::net::IpAddr;

use serde_json::Value;

use crate::access_point::AccessPoint;
use crate::lint::objects::is_overridden;
use crate::lint::{Code, Report, inside};
use crate::name::Name;
use crate::nearest::{did_you_mean, nearest, quoted};
use crate::patch::Pointer;
use crate::template::Template;

/// The protocols of ports, in lower case, as Istio compares them.
const PROTOCOLS: [&str; 12] = [
    "grpc",
    "grpc-web",
    "http",
    "http2",
    "http_proxy",
    "https",
    "mongo",
    "mysql",
    "redis",
    "tcp",
    "tls",
    "udp",
];
/// What begins the path of a Unix socket.
const UNIX: &str = "unix://";
/// The most characters of a host.
const MAX_HOST: usize = 255;

/// Where something is refused, why, and what to do.
type Refusals<'a> = dyn FnMut(Pointer, String, &str) + 'a;

pub(in crate::lint) fn check(access_point: &AccessPoint, gateway: &Template, report: &mut Report) {
    if is_overridden(access_point, gateway) {
        return;
    }
    let refused: &mut Refusals<'_> = &mut |at: Pointer, message: String, fix: &str| {
        let path = inside(access_point, &gateway.id, &at);
        report.of(&access_point.id, Code::GatewayRefused, path, message, fix);
    };
    let at = Pointer::default().then("spec").then("servers");
    let servers = gateway.object.pointer("/spec/servers").and_then(Value::as_array);
    let servers = servers.map(Vec::as_slice).unwrap_or_default();
    if servers.is_empty() {
        let message = "a Gateway without a server serves nothing".to_owned();
        refused(Pointer::default().then("spec"), message, "write its servers");
    }
    let mut names = BTreeSet::new();
    for (position, one) in servers.iter().enumerate() {
        let at = at.then(&position.to_string());
        server(one, &at, refused);
        let name = one.pointer("/port/name").and_then(Value::as_str);
        if let Some(name) = name.filter(|name| !name.is_empty() && !names.insert(*name)) {
            let message = format!("two servers have a port named {}", quoted(name));
            refused(at.then("port").then("name"), message, "give each server's port a name of its own");
        }
    }
}

fn server(server: &Value, at: &Pointer, refused: &mut Refusals<'_>) {
    hosts(server, &at.then("hosts"), refused);
    let bind = text(server, "bind");
    if !bind.is_empty() && !bind.starts_with(UNIX) && bind.parse::<IpAddr>().is_err() {
        let message = format!("{} is no address", quoted(bind));
        refused(at.then("bind"), message, "write an IP address, or leave it out for all");
    }
    if let Some(port) = server.get("port").filter(|port| port.is_object()) {
        self::port(port, bind, &at.then("port"), refused);
    }
    let protocol = server.pointer("/port/protocol").and_then(Value::as_str).map(str::to_ascii_lowercase);
    let is_encrypted = matches!(protocol.as_deref(), Some("https" | "tls"));
    let is_http = matches!(protocol.as_deref(), Some("grpc" | "grpc-web" | "http" | "http2" | "http_proxy"));
    let is_known = protocol.as_deref().is_some_and(|protocol| PROTOCOLS.contains(&protocol));
    match server.get("tls").filter(|tls| !tls.is_null()) {
        None if is_encrypted => {
            let message = "HTTPS and TLS need to know who ends the encryption".to_owned();
            refused(at.clone(), message, "write tls with its mode, such as SIMPLE with a credentialName");
        }
        None => {}
        Some(tls) => {
            let at = at.then("tls");
            certificate(tls, &at, refused);
            // httpsRedirect stands there, too
            let passes = matches!(text(tls, "mode"), "" | "PASSTHROUGH" | "AUTO_PASSTHROUGH");
            let has_files = ["caCertificates", "privateKey", "serverCertificate"];
            let is_plain = is_http && passes && !has_files.into_iter().any(|field| is_given(tls, field));
            if is_known && !is_encrypted && !is_plain {
                let message = "a port whose protocol is neither HTTPS nor TLS ends no TLS".to_owned();
                let fix = "write protocol: HTTPS or TLS, or nothing but httpsRedirect in tls of an HTTP port";
                refused(at, message, fix);
            }
        }
    }
}

fn port(port: &Value, bind: &str, at: &Pointer, refused: &mut Refusals<'_>) {
    let protocol = port.get("protocol").and_then(Value::as_str).map(str::to_ascii_lowercase);
    if let Some(protocol) = protocol.as_deref().filter(|protocol| !PROTOCOLS.contains(protocol)) {
        let near = nearest(protocol, PROTOCOLS.iter().copied()).map(str::to_ascii_uppercase);
        let message = format!("{} is no protocol{}", quoted(protocol), did_you_mean(near.as_deref()));
        let fix = "write HTTP, HTTPS, HTTP2, GRPC, TCP or TLS";
        refused(at.then("protocol"), message, fix);
    }
    let number = port.get("number").and_then(Value::as_u64);
    let is_socket = bind.starts_with(UNIX);
    match number {
        Some(0) if is_socket => {}
        Some(number) if is_socket => {
            let message = format!("a Unix socket has no port {number}");
            refused(at.then("number"), message, "write number: 0, or an address in bind");
        }
        Some(number) if !(1..=u64::from(u16::MAX)).contains(&number) => {
            refused(at.then("number"), format!("{number} is no port"), "write a number from 1 to 65535");
        }
        _ => {}
    }
    if port.get("name").is_some_and(|name| name == "") {
        refused(at.then("name"), "a port without a name".to_owned(), "name it, such as `https`");
    }
    if port.get("targetPort").and_then(Value::as_u64).is_some_and(|number| number > 0) {
        let message = "a Gateway's port has no targetPort".to_owned();
        refused(at.then("targetPort"), message, "take it away; the gateway's Service has one");
    }
}

/// At least one host, each `host` or `namespace/host`.
fn hosts(server: &Value, at: &Pointer, refused: &mut Refusals<'_>) {
    let Some(hosts) = server.get("hosts").and_then(Value::as_array) else { return };
    if hosts.is_empty() {
        let message = "a server without a host serves nobody".to_owned();
        refused(at.clone(), message, "write its hosts, or `*` for all");
    }
    for (position, host) in hosts.iter().enumerate() {
        let Some(text) = host.as_str() else { continue };
        let (namespace, host) =
            text.split_once('/').map_or((None, text), |(namespace, host)| (Some(namespace), host));
        let at = at.then(&position.to_string());
        if let Some(namespace) = namespace
            && !matches!(namespace, "*" | ".")
            && namespace.parse::<Name>().is_err()
        {
            let message = format!("{} is no namespace", quoted(namespace));
            refused(
                at.clone(),
                message,
                "write namespace/host, with `*` for any namespace and `.` for its own",
            );
        }
        if let Some((message, fix)) = host_problem(host) {
            refused(at, message, fix);
        }
    }
}

/// What is wrong with a host: it has dots, is not an IPv6 address, and a star is a whole first label.
fn host_problem(host: &str) -> Option<(String, &'static str)> {
    if host == "*" {
        return None;
    }
    if host.contains(':') {
        return Some((
            format!("{} is no host: a port stands in `port`", quoted(host)),
            "write the host alone",
        ));
    }
    if !host.contains('.') {
        let message = format!("{} is a short name, which no client asks a gateway for", quoted(host));
        return Some((message, "write the full name, or `*` for all"));
    }
    let rest = host.strip_prefix("*.").unwrap_or(host);
    let rest = rest.strip_suffix('.').unwrap_or(rest);
    let is_label = |label: &str| {
        let is_inner = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
        !label.is_empty()
            && label.len() <= 63
            && label.bytes().all(is_inner)
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    let top_is_number =
        rest.rsplit('.').next().is_some_and(|top| top.bytes().all(|byte| byte.is_ascii_digit()));
    let is_name = host.len() <= MAX_HOST && rest.split('.').all(is_label) && !top_is_number;
    let is_host = is_name || host.parse::<IpAddr>().is_ok();
    (!is_host).then(|| {
        let message = format!("{} is no host", quoted(host));
        (message, "write a DNS name, with `*.` before it for all below, or an IPv4 address")
    })
}

/// A server that ends TLS has a certificate from somewhere, and what the mesh makes is not given.
fn certificate(tls: &Value, at: &Pointer, refused: &mut Refusals<'_>) {
    let mode = text(tls, "mode");
    let is_given = |field: &str| is_given(tls, field);
    let by_name = ["credentialName", "credentialNames"].into_iter().any(is_given);
    match mode {
        "ISTIO_MUTUAL" => {
            let others = ["serverCertificate", "privateKey", "caCertificates", "tlsCertificates"];
            let others = others.into_iter().chain(["credentialName", "credentialNames"]);
            for field in others.filter(|field| is_given(field)) {
                let message = format!("mode ISTIO_MUTUAL has the mesh's certificates and no {field}");
                refused(at.then(field), message, "take it away, or write mode: MUTUAL");
            }
        }
        "SIMPLE" | "MUTUAL" | "OPTIONAL_MUTUAL" if !by_name => {
            let has = |one: &Value| {
                ["serverCertificate", "privateKey"].into_iter().all(|field| self::is_given(one, field))
            };
            let list = tls.get("tlsCertificates").and_then(Value::as_array).filter(|list| !list.is_empty());
            if !list.map_or_else(|| has(tls), |list| list.iter().all(has)) {
                let message = format!("mode {mode} without a certificate: there is no credentialName");
                refused(at.clone(), message, "write credentialName, the secret of the certificate");
            }
            if mode != "SIMPLE" && !is_given("caCertificates") {
                let message = format!("mode {mode} without those whose certificates callers may have");
                refused(
                    at.clone(),
                    message,
                    "write caCertificates, or a credentialName whose secret has them",
                );
            }
            if mode == "SIMPLE" && is_given("caCrl") {
                let message = "mode SIMPLE asks for no certificate that could have been revoked".to_owned();
                refused(at.then("caCrl"), message, "take it away, or write mode: MUTUAL");
            }
        }
        _ => {}
    }
}

fn text<'a>(object: &'a Value, field: &str) -> &'a str {
    object.get(field).and_then(Value::as_str).unwrap_or_default()
}

fn is_given(object: &Value, field: &str) -> bool {
    match object.get(field) {
        Some(Value::String(text)) => !text.is_empty(),
        Some(Value::Array(items)) => !items.is_empty(),
        _ => false,
    }
}
