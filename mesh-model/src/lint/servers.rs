//! What Istio's admission refuses of a Gateway's servers, and CRD schemas let pass.
//!
//! Where an override changes the Gateway, what it becomes is not judged by its template.
//!
//! Source: istio/istio `pkg/config/validation/validation.go`, `pkg/config/protocol`.

use serde_json::Value;

use super::{Code, Report, inside};
use crate::access_point::AccessPoint;
use crate::nearest::{did_you_mean, nearest, quoted};
use crate::patch::Pointer;
use crate::template::Template;

/// The protocols of ports, in lower case, as Istio compares them.
const PROTOCOLS: &[&str] = &[
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

pub(super) fn check(access_point: &AccessPoint, template: &Template, report: &mut Report) {
    let touches = |rule: &crate::overrides::Rule| {
        rule.kind == template.id.kind && rule.name.as_ref().is_none_or(|name| **name == *template.id.name)
    };
    if access_point.overrides.iter().any(|one| one.rules.iter().any(touches)) {
        return;
    }
    let servers = template.object.pointer("/spec/servers").and_then(Value::as_array);
    for (position, server) in servers.into_iter().flatten().enumerate() {
        let at = Pointer::default().then("spec").then("servers").then(&position.to_string());
        let mut refused = |at: Pointer, message: String, fix: &str| {
            let path = inside(access_point, &template.id, &at);
            report.of(&access_point.id, Code::GatewayRefused, path, message, fix);
        };
        hosts(server, &at.then("hosts"), &mut refused);
        let protocol = server.pointer("/port/protocol").and_then(Value::as_str);
        let protocol = protocol.map(str::to_ascii_lowercase);
        if let Some(protocol) = protocol.as_deref().filter(|protocol| !PROTOCOLS.contains(protocol)) {
            let near = nearest(protocol, PROTOCOLS.iter().copied()).map(str::to_ascii_uppercase);
            let message = format!("{} is no protocol{}", quoted(protocol), did_you_mean(near.as_deref()));
            let fix = "write HTTP, HTTPS, HTTP2, GRPC, TCP or TLS";
            refused(at.then("port").then("protocol"), message, fix);
        }
        let is_encrypted = matches!(protocol.as_deref(), Some("https" | "tls"));
        match server.get("tls").filter(|tls| !tls.is_null()) {
            Some(tls) => certificate(tls, &at.then("tls"), &mut refused),
            None if is_encrypted => {
                let message = "HTTPS and TLS need to know who ends the encryption".to_owned();
                refused(at, message, "write tls with its mode, such as SIMPLE with a credentialName");
            }
            None => {}
        }
    }
}

/// At least one host, each without a port.
fn hosts(server: &Value, at: &Pointer, refused: &mut impl FnMut(Pointer, String, &str)) {
    let Some(hosts) = server.get("hosts").and_then(Value::as_array) else { return };
    if hosts.is_empty() {
        refused(
            at.clone(),
            "a server without a host serves nobody".to_owned(),
            "write its hosts, or `*` for all",
        );
    }
    for (position, host) in hosts.iter().enumerate() {
        if let Some(host) = host.as_str().filter(|host| host.contains(':')) {
            let message = format!("{} is no host: a port stands in `port`", quoted(host));
            refused(at.then(&position.to_string()), message, "write the host alone");
        }
    }
}

/// A server that ends TLS has a certificate from somewhere.
fn certificate(tls: &Value, at: &Pointer, refused: &mut impl FnMut(Pointer, String, &str)) {
    let mode = tls.get("mode").and_then(Value::as_str).unwrap_or_default();
    if !matches!(mode, "SIMPLE" | "MUTUAL" | "OPTIONAL_MUTUAL") {
        return;
    }
    let is_given = |field: &str| match tls.get(field) {
        Some(Value::String(text)) => !text.is_empty(),
        Some(Value::Array(items)) => !items.is_empty(),
        _ => false,
    };
    let is_in_files = is_given("serverCertificate") && is_given("privateKey");
    if !is_in_files && !["credentialName", "credentialNames", "tlsCertificates"].into_iter().any(is_given) {
        let message = format!("mode {mode} without a certificate: there is no credentialName");
        refused(at.clone(), message, "write credentialName, the secret of the certificate");
    }
}
