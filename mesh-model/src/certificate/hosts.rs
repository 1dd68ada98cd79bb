//! Which hosts of Gateways need certificates.
//!
//! From rendered objects: the hosts of every server that ends TLS with the
//! certificate of a secret. A host that no authority can sign for is told by its
//! place and holds nobody else. Sources: istio/api `gateway.proto`; RFC 5280
//! section 4.2.1.6 and RFC 6125 for names; RFC 8555 section 8.3 for stars.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::name::{Fqdn, ParseFqdnError};
use crate::nearest::quoted;
use crate::patch::Pointer;
use crate::provision::{Authority, Issuer};
use crate::template::view::{self, Gateway, TlsMode};
use crate::template::{TemplateId, TemplateKind};

/// The hosts that need certificates, and those that can have none.
///
/// ```
/// use mesh_model::api::CaSpec;
/// use mesh_model::certificate::GatewayHosts;
/// use mesh_model::provision::{Authority, Issuer};
/// use serde_json::json;
///
/// let issuer = Issuer {
///     name: "corp".parse()?,
///     authority: Authority::Ca(CaSpec { secret: "root".parse()? }),
///     lifetime: std::time::Duration::from_secs(90 * 86_400),
///     max_names: 100,
/// };
/// let gateway = json!({ "kind": "Gateway", "metadata": { "name": "shop" }, "spec": { "servers": [{
///     "port": { "number": 443, "name": "https", "protocol": "HTTPS" },
///     "hosts": ["shop.example.com", "*"],
///     "tls": { "mode": "SIMPLE", "credentialName": "shop" },
/// }] } });
/// let found = GatewayHosts::of([&gateway], &issuer);
/// assert_eq!(found.hosts, ["shop.example.com".parse()?].into());
/// assert_eq!(found.faults[0].path.to_string(), "/spec/servers/0/hosts/1");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GatewayHosts {
    /// For [`Certificates::handle_desired`](super::Certificates::handle_desired).
    pub hosts: BTreeSet<Fqdn>,
    /// The hosts of each secret that a Gateway asks for by `credentialName` or `credentialNames`.
    pub credentials: BTreeMap<String, BTreeSet<Fqdn>>,
    /// The hosts that no certificate can be had for, in the order of the objects.
    pub faults: Vec<HostFault>,
}

/// A host that no certificate can be had for.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{gateway}: {}: {problem}", quoted(host))]
pub struct HostFault {
    /// The Gateway.
    pub gateway: TemplateId,
    /// Where it says so.
    pub path: Pointer,
    /// As written.
    pub host: String,
    /// Why.
    pub problem: HostProblem,
}

/// Why no certificate can be had for a host.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HostProblem {
    /// A star alone.
    #[error("no authority signs for every host; write the hosts, or *.example.com")]
    Every,
    /// No host name.
    #[error(transparent)]
    Name(#[from] ParseFqdnError),
    /// A label of a service, not of a host.
    #[error("no authority signs for a name with `_`; write a host name")]
    Underscore,
    /// A star where the authority asks gateways for proof.
    #[error(
        "an authority proves *.example.com by DNS only; give the Issuer a dnsProvider, or write the hosts"
    )]
    Wildcard,
}

impl GatewayHosts {
    /// The hosts of these objects, of which only Gateways have any.
    pub fn of<'a>(objects: impl IntoIterator<Item = &'a Value>, issuer: &Issuer) -> Self {
        let mut found = Self::default();
        for object in objects {
            // a Gateway that cannot be read was refused when it was rendered
            if let Ok(gateway) = view::of::<Gateway>(object) {
                let name = object.pointer("/metadata/name").and_then(Value::as_str).unwrap_or_default();
                found.add(&gateway, &TemplateId { kind: TemplateKind::Gateway, name: name.into() }, issuer);
            }
        }
        found
    }

    fn add(&mut self, gateway: &Gateway, id: &TemplateId, issuer: &Issuer) {
        let servers = Pointer::default().then("spec").then("servers");
        for (position, server) in gateway.servers.iter().enumerate() {
            let Some(tls) = server.tls.as_ref().filter(|tls| is_ended_with_own(tls.mode)) else { continue };
            if tls.credential_name.is_none() && tls.credential_names.is_empty() {
                continue; // it has files of somebody else's, and would never serve what is ordered
            }
            let hosts = servers.then(&position.to_string()).then("hosts");
            for (number, text) in server.hosts.iter().enumerate() {
                match host(text, issuer) {
                    Ok(host) => {
                        for credential in tls.credential_name.iter().chain(&tls.credential_names) {
                            self.credentials.entry(credential.clone()).or_default().insert(host.clone());
                        }
                        self.hosts.insert(host);
                    }
                    Err(problem) => self.faults.push(HostFault {
                        gateway: id.clone(),
                        path: hosts.then(&number.to_string()),
                        host: text.clone(),
                        problem,
                    }),
                }
            }
        }
    }
}

/// Whether a gateway ends TLS with a certificate that is not the mesh's.
const fn is_ended_with_own(mode: TlsMode) -> bool {
    match mode {
        TlsMode::Mutual | TlsMode::OptionalMutual | TlsMode::Simple => true,
        TlsMode::AutoPassthrough | TlsMode::IstioMutual | TlsMode::Passthrough => false,
    }
}

/// A host as a certificate can name it; who may be routed to (`namespace/`) is not its business.
fn host(text: &str, issuer: &Issuer) -> Result<Fqdn, HostProblem> {
    let text = text.split_once('/').map_or(text, |(_, host)| host);
    if text == "*" {
        return Err(HostProblem::Every);
    }
    let host: Fqdn = text.parse()?;
    if host.as_str().contains('_') {
        return Err(HostProblem::Underscore);
    }
    let is_asked_by_http = matches!(&issuer.authority, Authority::Acme(acme) if acme.dns_provider.is_none());
    if host.is_wildcard() && is_asked_by_http {
        return Err(HostProblem::Wildcard);
    }
    Ok(host)
}
