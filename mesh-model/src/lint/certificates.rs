//! Hosts of Gateways that no certificate will name, though the access point asks an authority for them.
//!
//! An authority that is not there is found where it is asked for; a Gateway that an override changes is not
//! judged by its template.

use serde_json::Value;

use super::objects::pointer;
use super::servers::{plain_gateways, servers};
use super::{Code, FleetFacts, Report, inside};
use crate::access_point::AccessPoint;
use crate::certificate::{Credential, CredentialProblem, GatewayHosts, NamedBy};
use crate::patch::Pointer;

pub(super) fn check(access_points: &[AccessPoint], facts: &FleetFacts, report: &mut Report) {
    let mut found = GatewayHosts::default();
    for access_point in access_points {
        let Some(issuer) = &access_point.issuer else { continue };
        let known = facts.issuers.iter().find(|one| one.name == *issuer);
        let gateways = plain_gateways(access_point).map(|gateway| &gateway.object);
        found.add(&access_point.id, issuer, known, gateways);
    }
    let owner = |named_by: &NamedBy| access_points.iter().find(|one| one.id == named_by.access_point);
    for fault in &found.faults {
        let Some(access_point) = owner(&fault.named_by) else { continue };
        let path = inside(access_point, &fault.named_by.gateway, &fault.path);
        let message = format!("no certificate will name `{}`: {}", fault.found, fault.problem);
        let fix = "see the message; where its secret is somebody else's to fill, use an access point without `certificates`";
        report.of(&access_point.id, Code::HostWithoutCertificate, path, message, fix);
    }
    for (credential, problem) in found.refused() {
        let named_by = match &problem {
            CredentialProblem::Issuers { named_by, .. } => named_by,
            CredentialProblem::NoIssuer { .. } => continue,
        };
        for one in named_by {
            let Some(access_point) = owner(one) else { continue };
            if let Some(place) = place(access_point, one, credential) {
                let path = inside(access_point, &one.gateway, &place);
                let message = format!("no certificate is ordered for {credential}: it is {problem}");
                let fix = "see the message; hosts that have a certificate keep it until then, none joins";
                report.of(&access_point.id, Code::CertificateNotOrdered, path, message, fix);
            }
        }
    }
}

/// Where a Gateway first names a credential.
fn place(access_point: &AccessPoint, named_by: &NamedBy, credential: &Credential) -> Option<Pointer> {
    let gateway = plain_gateways(access_point).find(|one| one.id == named_by.gateway)?;
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
