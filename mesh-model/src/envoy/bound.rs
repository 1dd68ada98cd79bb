//! What of VirtualServices no server of the gateway takes, although somebody wrote it for one.
//!
//! A Gateway that is not there, a port that no server has, bytes where only requests are read: Istio and Envoy
//! drop such a route without a word, and the next one answers. What may be for sidecars (`mesh`), or for a
//! Gateway of other workloads whose servers are not looked at, is no fault.

use super::Scope;
use super::objects::{Input, Named};
use super::unsupported::Feature;
use crate::template::TemplateId;
use crate::template::view::{Gateway, Server, TlsMode, VirtualService, gateway_name};

/// The sidecars.
const MESH: &str = "mesh";

/// Tells what no server takes.
pub(super) fn unbound(scope: &mut Scope<'_>) {
    let input = scope.input;
    for (id, service) in &input.virtual_services {
        for (position, name) in service.gateways.iter().enumerate() {
            known(scope, id, &format!("/spec/gateways/{position}"), name);
        }
        for (number, route) in service.http.iter().enumerate() {
            for (position, wanted) in route.matches.iter().enumerate() {
                let at = format!("/spec/http/{number}/match/{position}");
                is_met(scope, (id, service), &at, &wanted.gateways, wanted.port);
            }
        }
        for (number, route) in service.tls.iter().enumerate() {
            let wanted: Vec<_> =
                route.matches.iter().map(|one| (one.gateways.as_slice(), one.port)).collect();
            stream(scope, (id, service), ("tls", number), &wanted, is_encrypted);
        }
        for (number, route) in service.tcp.iter().enumerate() {
            let wanted: Vec<_> =
                route.matches.iter().map(|one| (one.gateways.as_slice(), one.port)).collect();
            stream(scope, (id, service), ("tcp", number), &wanted, is_of_bytes);
        }
    }
}

/// Whether a Gateway is there, at this gateway or at another.
fn known(scope: &mut Scope<'_>, id: &TemplateId, at: &str, name: &str) -> bool {
    let is_known = name == MESH || is_passed_over(scope.input, name) || gateway(scope.input, name).is_some();
    if !is_known {
        scope.value(id, at, name, "write a Gateway of the access point, or mesh");
    }
    is_known
}

/// Whether a match can be met by its Gateways and its port; what keeps it from that is told.
fn is_met(
    scope: &mut Scope<'_>,
    (id, service): (&TemplateId, &VirtualService),
    at: &str,
    gateways: &[String],
    port: Option<u32>,
) -> bool {
    let faults = scope.faults.len();
    let namespace = &scope.input.access_point.namespace;
    let full = |name: &String| gateway_name(name, namespace);
    let of_service: Vec<String> = service.gateways.iter().map(full).collect();
    for (position, name) in gateways.iter().enumerate() {
        let at = format!("{at}/gateways/{position}");
        let is_ours = known(scope, id, &at, name) && name != MESH;
        if is_ours && !of_service.contains(&full(name)) {
            let right = "the VirtualService is not bound to it; name it in gateways of the spec, too";
            scope.value(id, at, name, right);
        }
    }
    if let Some(port) = port
        && !is_taken(scope.input, service, gateways, |server| server.port.number == port)
    {
        let right = "no server of its Gateways has this port; write one of theirs, or leave it out";
        scope.value(id, format!("{at}/port"), &port.to_string(), right);
    }
    scope.faults.len() == faults
}

/// A route of bytes needs a server that carries some, by one of its matches.
fn stream(
    scope: &mut Scope<'_>,
    (id, service): (&TemplateId, &VirtualService),
    (section, number): (&'static str, usize),
    matches: &[(&[String], Option<u32>)],
    carries: fn(&Server) -> bool,
) {
    let mut are_met = true;
    for (position, (gateways, port)) in matches.iter().enumerate() {
        let at = format!("/spec/{section}/{number}/match/{position}");
        are_met &= is_met(scope, (id, service), &at, gateways, *port);
    }
    let any = [(&[][..], None)];
    let matches = if matches.is_empty() { &any[..] } else { matches };
    let is_here = |(gateways, port): &(&[String], Option<u32>)| {
        let takes = |server: &Server| carries(server) && port.is_none_or(|port| server.port.number == port);
        is_taken(scope.input, service, gateways, takes)
    };
    if are_met && !matches.iter().any(is_here) {
        scope.fault(id, format!("/spec/{section}/{number}"), Feature::NoServer { section });
    }
}

/// Whether a server takes it, of the Gateways that a match names, or else its VirtualService; or perhaps
/// somebody else does, of whom nothing is known here.
fn is_taken(
    input: &Input<'_>,
    service: &VirtualService,
    gateways: &[String],
    takes: impl Fn(&Server) -> bool,
) -> bool {
    let named = if gateways.is_empty() { &service.gateways } else { gateways };
    named.is_empty()
        || named.iter().any(|name| match gateway(input, name) {
            Some((_, gateway)) => gateway.servers.iter().any(&takes),
            // sidecars, another gateway's, or one that is not there, which is told already
            None => true,
        })
}

/// A Gateway that is served here.
fn gateway<'a>(input: &'a Input<'_>, name: &str) -> Option<&'a Named<Gateway>> {
    let namespace = &input.access_point.namespace;
    let full = gateway_name(name, namespace);
    input.gateways.iter().find(|(id, _)| full == format!("{namespace}/{}", id.name))
}

fn is_passed_over(input: &Input<'_>, name: &str) -> bool {
    let namespace = &input.access_point.namespace;
    let full = gateway_name(name, namespace);
    input.passed_over.iter().any(|id| full == format!("{namespace}/{}", id.name))
}

/// Whether a server may be one for routes of `tls`.
fn is_encrypted(server: &Server) -> bool {
    server.tls.as_ref().is_some_and(|tls| !tls.https_redirect)
}

/// Whether a server carries bytes for routes of `tcp`: those of a plain port, or of TLS that ends here.
fn is_of_bytes(server: &Server) -> bool {
    let is_read = server.tls.as_ref().is_none_or(|tls| tls.mode != TlsMode::Passthrough);
    match server.port.protocol.to_ascii_uppercase().as_str() {
        "TCP" => true,
        "TLS" => is_read,
        _ => false,
    }
}
