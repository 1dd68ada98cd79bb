//! Hosts of Gateways that no certificate will name, though the access point asks an authority for them.
//!
//! What is judged is what targets receive. An authority that is not there is found where it is asked for; a Gateway
//! that an override changes on targets that are not known is not judged by its template. Who is to answer an authority
//! that asks on port 80 is looked for by [`proofs`](super::proofs).

use serde_json::Value;

use super::objects::pointer;
use super::servers::{plain_gateways, servers};
use super::{Code, FleetFacts, Report, inside, spec};
use crate::access_point::AccessPoint;
use crate::certificate::{Credential, CredentialProblem, GatewayHosts, NamedBy};
use crate::patch::Pointer;

/// Adds the credentials that the objects of a form name, and tells of hosts that none can be had for.
pub(super) fn gather(form: &AccessPoint, facts: &FleetFacts, all: &mut GatewayHosts, report: &mut Report) {
    let Some(issuer) = &form.issuer else { return };
    let known = facts.issuers.iter().find(|one| one.name == *issuer);
    let first = all.faults.len();
    all.add(&form.id, issuer, known, plain_gateways(form).map(|gateway| &gateway.object));
    for fault in all.faults.drain(first..) {
        let path = inside(form, &fault.named_by.gateway, &fault.path);
        let message = format!("no certificate will name `{}`: {}", fault.found, fault.problem);
        let fix = "see the message; where its secret is somebody else's to fill, use an access point without `certificates`";
        report.of(&form.id, Code::HostWithoutCertificate, path, message, fix);
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
