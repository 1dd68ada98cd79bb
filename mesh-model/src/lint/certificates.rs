//! Hosts of Gateways that no certificate will name, though the access point asks an authority for them.
//!
//! What is judged is what targets receive. An authority that is not there is found where it is asked for; a Gateway
//! that an override changes on targets that are not known is not judged by its template.

use serde_json::Value;

use super::objects::pointer;
use super::served::ServedHosts;
use super::servers::{hosts, plain_gateways, servers};
use super::{Code, FleetFacts, Report, inside, spec};
use crate::access_point::AccessPoint;
use crate::certificate::{Credential, CredentialProblem, GatewayHosts, NamedBy};
use crate::patch::Pointer;
use crate::provision::Authority;

/// Adds the credentials that the objects of a form name, and tells of hosts that none can be had for.
pub(super) fn gather(form: &AccessPoint, facts: &FleetFacts, all: &mut GatewayHosts, report: &mut Report) {
    let Some(issuer) = &form.issuer else { return };
    let known = facts.issuers.iter().find(|one| one.name == *issuer);
    let is_asked_by_http = known.is_some_and(|issuer| match &issuer.authority {
        Authority::Acme(acme) => acme.dns_provider.is_none(),
        Authority::Ca(_) => false,
    });
    if is_asked_by_http {
        unproved(form, report);
    }
    let first = all.faults.len();
    all.add(&form.id, issuer, known, plain_gateways(form).map(|gateway| &gateway.object));
    for fault in all.faults.drain(first..) {
        let path = inside(form, &fault.named_by.gateway, &fault.path);
        let message = format!("no certificate will name `{}`: {}", fault.found, fault.problem);
        let fix = "see the message; where its secret is somebody else's to fill, use an access point without `certificates`";
        report.of(&form.id, Code::HostWithoutCertificate, path, message, fix);
    }
}

/// Hosts whose authority asks for proof on port 80, where no server of HTTP has them (RFC 8555, section 8.3).
fn unproved(form: &AccessPoint, report: &mut Report) {
    let is_plain = |server: &&Value| {
        let protocol = server.pointer("/port/protocol").and_then(Value::as_str).unwrap_or_default();
        server.pointer("/port/number").is_some_and(|number| *number == 80)
            && matches!(protocol.to_ascii_uppercase().as_str(), "HTTP" | "HTTP2" | "GRPC")
    };
    let mut asked = ServedHosts::default();
    let plain = plain_gateways(form).flat_map(servers).map(|(_, server)| server).filter(is_plain);
    plain.flat_map(hosts).for_each(|(_, host)| asked.add(host, &form.id.namespace));
    for gateway in plain_gateways(form) {
        let is_ordered = |server: &Value| {
            let mode = server.pointer("/tls/mode").and_then(Value::as_str).unwrap_or_default();
            let by = ["/tls/credentialName", "/tls/credentialNames"];
            matches!(mode, "SIMPLE" | "MUTUAL" | "OPTIONAL_MUTUAL")
                && by.iter().any(|by| server.pointer(by).is_some())
        };
        for (number, server) in servers(gateway).filter(|(_, server)| is_ordered(server)) {
            for (position, host) in
                hosts(server).filter(|(_, host)| !host.starts_with('*') && !asked.has(host))
            {
                let at = pointer(&["spec", "servers", &number.to_string(), "hosts", &position.to_string()]);
                let path = inside(form, &gateway.id, &at);
                let message = format!(
                    "no certificate will name `{host}`: the authority asks for proof on port 80 (http-01), and no server of HTTP has the host there"
                );
                let fix = "add a server of HTTP on port 80 with the host, or give the Issuer a dnsProvider";
                report.of(&form.id, Code::HostWithoutCertificate, path, message, fix);
            }
        }
    }
}

/// Credentials that are not ordered as they are asked for.
pub(super) fn check(access_points: &[AccessPoint], found: &GatewayHosts, report: &mut Report) {
    for (credential, problem) in found.refused() {
        let named_by = match &problem {
            CredentialProblem::Issuers { named_by, .. } => named_by,
            CredentialProblem::NoIssuer { .. } => continue,
        };
        for one in named_by {
            let Some(access_point) = access_points.iter().find(|other| other.id == one.access_point) else {
                continue;
            };
            // one that no template names is an override's
            let path = place(access_point, one, credential).map_or_else(
                || spec("certificates").field("issuer"),
                |place| inside(access_point, &one.gateway, &place),
            );
            let message = format!("no certificate is ordered for {credential}: it is {problem}");
            let fix = "see the message; hosts that have a certificate keep it until then, none joins";
            report.of(&access_point.id, Code::CertificateNotOrdered, path, message, fix);
        }
    }
}

/// Where the template of a Gateway first names a credential.
fn place(access_point: &AccessPoint, named_by: &NamedBy, credential: &Credential) -> Option<Pointer> {
    let gateway = access_point.templates.iter().find(|one| one.id == named_by.gateway)?;
    servers(gateway).find_map(|(number, server)| {
        let number = number.to_string();
        let tls = pointer(&["spec", "servers", &number, "tls"]);
        let is_it = |name: &Value| name.as_str() == Some(credential.name());
        if server.pointer("/tls/credentialName").is_some_and(is_it) {
            return Some(tls.then("credentialName"));
        }
        let names = server.pointer("/tls/credentialNames").and_then(Value::as_array)?;
        let position = names.iter().position(is_it)?;
        Some(tls.then("credentialNames").then(&position.to_string()))
    })
}
