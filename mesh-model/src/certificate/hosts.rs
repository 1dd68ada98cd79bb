//! Which credentials Gateways name, and for which hosts.
//!
//! From rendered objects: the hosts of every server that ends TLS with the
//! certificate of a secret. A host that no authority can sign for is told by its
//! place and holds nobody else. Sources: istio/api `gateway.proto`; RFC 5280
//! section 4.2.1.6 and RFC 6125 for names; RFC 8555 section 8.3 for stars.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::{AskedIssuer, Credential, CredentialProblem, NamedBy, ParseCredentialError, Wanted};
use crate::access_point::AccessPointId;
use crate::name::{Fqdn, Name, ParseFqdnError};
use crate::nearest::quoted;
use crate::patch::Pointer;
use crate::provision::{Authority, Issuer};
use crate::template::view::{self, Gateway, Server, ServerTls, TlsMode};
use crate::template::{TemplateId, TemplateKind};
use crate::visibility::covers;

/// The credentials that Gateways name, and the hosts that no certificate can be had for.
///
/// ```
/// use mesh_model::access_point::AccessPointId;
/// use mesh_model::api::CaSpec;
/// use mesh_model::certificate::{Credential, GatewayHosts};
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
///     "tls": { "mode": "SIMPLE", "credentialName": "shop-tls" },
/// }] } });
/// let shop = AccessPointId { namespace: "retail".parse()?, name: "shop".parse()? };
/// let mut found = GatewayHosts::default();
/// found.add(&shop, &issuer.name, Some(&issuer), [&gateway]);
/// let credential = Credential::new("retail".parse()?, "shop-tls")?;
/// assert_eq!(found.credentials[&credential].hosts, ["shop.example.com".parse()?].into());
/// assert_eq!(found.faults[0].path.to_string(), "/spec/servers/0/hosts/1");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GatewayHosts {
    /// For [`Certificates::handle_desired`](super::Certificates::handle_desired).
    pub credentials: BTreeMap<Credential, Wanted>,
    /// What no certificate can be had for, in the order of the objects.
    pub faults: Vec<GatewayFault>,
    /// What is served without a certificate of ours, as it is written but for `namespace/`: in plain text, passed
    /// through, by a secret of somebody else's. Who is only sent to TLS is not served.
    pub(super) without: BTreeSet<String>,
}

/// A part of a Gateway that no certificate can be had for.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{named_by}: {}: {problem}", quoted(found))]
pub struct GatewayFault {
    /// The Gateway.
    pub named_by: NamedBy,
    /// Where it says so.
    pub path: Pointer,
    /// As written.
    pub found: String,
    /// Why.
    pub problem: GatewayProblem,
}

/// Why no certificate can be had.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum GatewayProblem {
    /// No secret of the access point's namespace.
    #[error(transparent)]
    Credential(#[from] ParseCredentialError),
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
    /// Adds the objects of an access point, of which only Gateways name credentials, and the issuer that it
    /// asks for, as far as there is one.
    ///
    /// For what is to be ordered give it what targets have now and what they are to receive, of all targets: the old
    /// Gateway needs its credential until the last target has the new one. What they are to receive is what
    /// [`render`](crate::render::render) makes, for [`render_certified`](crate::render::render_certified) leaves out
    /// hosts that failed, and what nobody asks for is not ordered. A secret that we added is told by its
    /// [`whole`](Credential::whole).
    pub fn add<'a>(
        &mut self,
        access_point: &AccessPointId,
        issuer: &Name,
        known: Option<&Issuer>,
        objects: impl IntoIterator<Item = &'a Value>,
    ) {
        for object in objects {
            // a Gateway that cannot be read was refused when it was rendered
            if let Ok(gateway) = view::of::<Gateway>(object) {
                let name = object.pointer("/metadata/name").and_then(Value::as_str).unwrap_or_default();
                let gateway_id = TemplateId { kind: TemplateKind::Gateway, name: name.into() };
                let named_by = NamedBy { access_point: access_point.clone(), gateway: gateway_id };
                let servers = Pointer::default().then("spec").then("servers");
                for (position, server) in gateway.servers.iter().enumerate() {
                    let at = servers.then(&position.to_string());
                    self.add_server(&named_by, (issuer, known), server, &at);
                }
            }
        }
    }

    /// The credentials that cannot be ordered as they are asked for, and why.
    pub fn refused(&self) -> impl Iterator<Item = (&Credential, CredentialProblem)> {
        self.credentials.iter().filter_map(|(credential, wanted)| Some((credential, wanted.issuer().err()?)))
    }

    fn add_server(
        &mut self,
        named_by: &NamedBy,
        (name, known): (&Name, Option<&Issuer>),
        server: &Server,
        at: &Pointer,
    ) {
        let own = server.tls.as_ref().filter(|tls| is_ended_with_own(tls.mode));
        let credentials = own.map(|tls| self.credentials_of(named_by, tls, &at.then("tls")));
        let credentials = credentials.unwrap_or_default();
        if credentials.is_empty() {
            // or it has files of somebody else's, and would never serve what is ordered
            if server.tls.as_ref().is_none_or(|tls| own.is_some() || !tls.https_redirect) {
                self.without.extend(server.hosts.iter().map(|text| host_text(text).to_ascii_lowercase()));
            }
            return;
        }
        let hosts = at.then("hosts");
        let (mut good, mut unprovable) = (Vec::new(), Vec::new());
        for (number, text) in server.hosts.iter().enumerate() {
            match host(text) {
                Ok(host) => {
                    if host.is_wildcard() && known.is_some_and(asks_gateways) {
                        let at = hosts.then(&number.to_string());
                        self.fault(named_by, at, text, GatewayProblem::Wildcard);
                        unprovable.push(host.clone());
                    }
                    good.push(host);
                }
                Err(problem) => self.fault(named_by, hosts.then(&number.to_string()), text, problem),
            }
        }
        if good.is_empty() {
            return;
        }
        let asked =
            known.map_or(AskedIssuer::Missing, |known| AskedIssuer::Known { max_names: known.max_names });
        for credential in credentials {
            let wanted = self.credentials.entry(credential).or_default();
            wanted.hosts.extend(good.iter().cloned());
            wanted.unprovable.extend(unprovable.iter().cloned());
            wanted.is_proved_at_gateways |= known.is_some_and(asks_gateways);
            wanted.issuers.insert(name.clone(), asked);
            wanted.named_by.insert(named_by.clone());
        }
    }

    fn credentials_of(&mut self, named_by: &NamedBy, tls: &ServerTls, at: &Pointer) -> Vec<Credential> {
        let one = tls.credential_name.iter().map(|name| (at.then("credentialName"), name));
        let several = tls
            .credential_names
            .iter()
            .enumerate()
            .map(|(position, name)| (at.then("credentialNames").then(&position.to_string()), name));
        let mut found = Vec::new();
        for (at, name) in one.chain(several) {
            match Credential::new(named_by.access_point.namespace.clone(), name) {
                Ok(credential) => found.push(credential.whole()),
                Err(problem) => self.fault(named_by, at, name, problem.into()),
            }
        }
        found
    }

    /// Whether a host is served without a certificate of ours.
    pub(super) fn serves_without(&self, host: &Fqdn) -> bool {
        self.without.iter().any(|pattern| covers(pattern, host.as_str()))
    }

    fn fault(&mut self, named_by: &NamedBy, path: Pointer, found: &str, problem: GatewayProblem) {
        self.faults.push(GatewayFault { named_by: named_by.clone(), path, found: found.to_owned(), problem });
    }
}

/// Whether a gateway ends TLS with a certificate that is not the mesh's.
pub(super) const fn is_ended_with_own(mode: TlsMode) -> bool {
    match mode {
        TlsMode::Mutual | TlsMode::OptionalMutual | TlsMode::Simple => true,
        TlsMode::AutoPassthrough | TlsMode::IstioMutual | TlsMode::Passthrough => false,
    }
}

/// Whether an authority asks the gateways of a host for proof.
const fn asks_gateways(issuer: &Issuer) -> bool {
    match &issuer.authority {
        Authority::Acme(acme) => acme.dns_provider.is_none(),
        Authority::Ca(_) => false,
    }
}

/// A host as a certificate can name it; who may be routed to (`namespace/`) is not its business.
pub(super) fn host(text: &str) -> Result<Fqdn, GatewayProblem> {
    let text = host_text(text);
    if text == "*" {
        return Err(GatewayProblem::Every);
    }
    let host: Fqdn = text.parse()?;
    if host.as_str().contains('_') {
        return Err(GatewayProblem::Underscore);
    }
    Ok(host)
}

fn host_text(text: &str) -> &str {
    text.split_once('/').map_or(text, |(_, host)| host)
}
