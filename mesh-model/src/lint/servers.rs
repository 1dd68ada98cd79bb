//! What Istio's admission refuses of a Gateway and CRD schemas let pass, what it takes and then leaves out, and
//! published names that no server has.
//!
//! Where an override changes the Gateway, what it becomes is not judged by its template. What Istio merely
//! warns of (ciphers, certificates beside PASSTHROUGH) is no refusal and not told here.
//!
//! Sources: istio/istio `pkg/config/validation/validation.go` (`ValidateGateway`, `validateServer`,
//! `validateServerPort`, `validateServerBind`, `validateTLSOptions`), `pkg/config/validation/agent/validation.go`
//! (`ValidateNamespaceSlashWildcardHostname`), `pkg/config/protocol/instance.go`; `pilot/pkg/model/gateway.go`,
//! which leaves out a server of TLS whose host another has on the same port.

mod refused;

use std::collections::BTreeMap;

use serde_json::Value;

use super::claims::may_share_pods;
use super::objects::{is_overridden, pointer};
use super::served::ServedHosts;
use super::{Code, Report, inside, spec};
use crate::access_point::AccessPoint;
use crate::template::{Template, TemplateKind};

pub(super) use refused::check;

/// The Gateways of an access point that no override changes.
pub(super) fn plain_gateways(access_point: &AccessPoint) -> impl Iterator<Item = &Template> {
    let gateways = access_point.templates.iter().filter(|one| one.id.kind == TemplateKind::Gateway);
    gateways.filter(|gateway| !is_overridden(access_point, gateway))
}

pub(super) fn servers(gateway: &Template) -> impl Iterator<Item = (usize, &Value)> {
    gateway.object.pointer("/spec/servers").and_then(Value::as_array).into_iter().flatten().enumerate()
}

/// A server's hosts without the namespaces before them.
pub(super) fn hosts(server: &Value) -> impl Iterator<Item = (usize, &str)> {
    let hosts = server.get("hosts").and_then(Value::as_array).into_iter().flatten().enumerate();
    hosts.filter_map(|(position, host)| {
        let host = host.as_str()?;
        Some((position, host.split_once('/').map_or(host, |(_, host)| host)))
    })
}

/// Servers of TLS on one port that have a host in common: by the name in a greeting one alone can be chosen,
/// and of the other Istio takes nothing.
pub(super) fn tls_twice(access_point: &AccessPoint, report: &mut Report) {
    type Place<'a> = (&'a str, u64, &'a str);
    let mut owners: BTreeMap<Place<'_>, Vec<(&Template, usize)>> = BTreeMap::new();
    for gateway in plain_gateways(access_point) {
        for (number, server) in servers(gateway) {
            let protocol = server.pointer("/port/protocol").and_then(Value::as_str).unwrap_or_default();
            let is_tls = protocol.eq_ignore_ascii_case("https") || protocol.eq_ignore_ascii_case("tls");
            let Some(port) = server.pointer("/port/number").and_then(Value::as_u64).filter(|_| is_tls) else {
                continue;
            };
            let bind = server.get("bind").and_then(Value::as_str).unwrap_or_default();
            for (position, host) in hosts(server) {
                let known = owners.entry((bind, port, host)).or_default();
                let first = known.iter().find(|(other, of)| {
                    (*of != number || other.id != gateway.id) && may_share_pods(other, gateway)
                });
                if let Some((other, of)) = first {
                    let at = ["spec", "servers", &number.to_string(), "hosts", &position.to_string()];
                    let path = inside(access_point, &gateway.id, &pointer(&at));
                    let message = format!(
                        "server {of} of {} serves {host} on port {port} by TLS already, and Istio leaves this server out",
                        other.id
                    );
                    let fix = "put the host into one server of TLS on this port";
                    report.of(&access_point.id, Code::TlsServerIgnored, path, message, fix);
                }
                known.push((gateway, number));
            }
        }
    }
}

/// Published names that lead to Gateways of which none has them; without a Gateway they lead to Services.
pub(super) fn published(access_point: &AccessPoint, report: &mut Report) {
    let gateways = || access_point.templates.iter().filter(|one| one.id.kind == TemplateKind::Gateway);
    if gateways().next().is_none() || gateways().any(|gateway| is_overridden(access_point, gateway)) {
        return;
    }
    let mut served = ServedHosts::default();
    let all = gateways().flat_map(servers).flat_map(|(_, server)| hosts(server));
    all.for_each(|(_, host)| served.add(host, &access_point.id.namespace));
    for (position, name) in access_point.names.iter().enumerate() {
        let fqdn = &name.fqdn;
        if !served.has(fqdn.as_str()) {
            let path = spec("names").item(position).field("fqdn");
            let message = format!(
                "{fqdn} is published, and no server of a Gateway has this host: whoever follows the name is turned away"
            );
            let fix = "add the host to a server, or take the name away";
            report.of(&access_point.id, Code::NameNotServed, path, message, fix);
        }
    }
}
