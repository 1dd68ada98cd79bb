//! Encryption on both sides of a gateway; keys and authorities come by SDS, under Istio's names.

use serde_json::{Value, json};

use super::Scope;
use super::objects::{Backing, Called};
use super::value::{ads, put, typed};
use crate::certificate::Credential;
use crate::template::TemplateId;
use crate::template::view::{ClientTls, ClientTlsMode, ServerTls, TlsMode};

/// The gateway's own certificate in the mesh, and the mesh's authority.
const MESH: (&str, &str) = ("default", "ROOTCA");
/// The authorities that the machine trusts.
const SYSTEM: &str = "file-root:system";

/// How a server's clients are spoken to.
pub(super) fn downstream(
    scope: &mut Scope<'_>,
    gateway: &TemplateId,
    at: &str,
    tls: &ServerTls,
    is_http: bool,
) -> Value {
    let mut common = json!({ "tls_params": parameters(scope, gateway, at, tls) });
    if is_http {
        common["alpn_protocols"] = json!(["h2", "http/1.1"]);
    }
    let authority = match tls.mode {
        TlsMode::IstioMutual => {
            common["tls_certificate_sds_secret_configs"] = json!([secret(scope, MESH.0.to_owned())]);
            Some(MESH.1.to_owned())
        }
        TlsMode::AutoPassthrough
        | TlsMode::Mutual
        | TlsMode::OptionalMutual
        | TlsMode::Passthrough
        | TlsMode::Simple => {
            let names = credentials(scope, gateway, at, tls);
            // clients' authorities are the team's, and lie beside the secret that it wrote
            let first = names.first().map(|one| format!("{}-cacert", one.whole().resource()));
            let secrets: Vec<Value> = names.iter().map(|one| secret(scope, one.resource())).collect();
            common["tls_certificate_sds_secret_configs"] = json!(secrets);
            first.filter(|_| matches!(tls.mode, TlsMode::Mutual | TlsMode::OptionalMutual))
        }
    };
    let wants_client = authority.is_some();
    if let Some(authority) = authority {
        let names: Vec<Value> =
            tls.subject_alt_names.iter().flat_map(|name| alternative_names(name)).collect();
        let mut inner = json!({});
        if !names.is_empty() {
            inner["match_typed_subject_alt_names"] = json!(names);
        }
        if tls.mode == TlsMode::OptionalMutual {
            inner["trust_chain_verification"] = json!("VERIFY_TRUST_CHAIN");
        }
        common["combined_validation_context"] = json!({
            "default_validation_context": inner,
            "validation_context_sds_secret_config": secret(scope, authority),
        });
    }
    let must = matches!(tls.mode, TlsMode::Mutual | TlsMode::IstioMutual) && wants_client;
    let context = json!({ "common_tls_context": common, "require_client_certificate": must });
    let message = "envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext";
    json!({ "name": "envoy.transport_sockets.tls", "typed_config": typed(message, context) })
}

/// Versions and ciphers.
fn parameters(scope: &mut Scope<'_>, gateway: &TemplateId, at: &str, tls: &ServerTls) -> Value {
    let mut parameters = json!({});
    for (field, name, version) in [
        ("minProtocolVersion", "tls_minimum_protocol_version", &tls.min_protocol_version),
        ("maxProtocolVersion", "tls_maximum_protocol_version", &tls.max_protocol_version),
    ] {
        let known = version.as_deref().and_then(|version| match version {
            "TLSV1_0" => Some("TLSv1_0"),
            "TLSV1_1" => Some("TLSv1_1"),
            "TLSV1_2" => Some("TLSv1_2"),
            "TLSV1_3" => Some("TLSv1_3"),
            "TLS_AUTO" => Some("TLS_AUTO"),
            _ => None,
        });
        match (version, known) {
            (Some(version), None) => {
                scope.value(gateway, format!("{at}/{field}"), version, "write TLSV1_0 to TLSV1_3")
            }
            (None | Some(_), known) => put(&mut parameters, name, known),
        }
    }
    let order = |version: Option<&String>, default: &str| {
        let text = version.map_or(default, String::as_str);
        // Envoy's choice for a server is from 1.2 to 1.3
        if text == "TLS_AUTO" { default.to_owned() } else { text.to_owned() }
    };
    let least = order(tls.min_protocol_version.as_ref(), "TLSV1_2");
    if least > order(tls.max_protocol_version.as_ref(), "TLSV1_3") {
        let right =
            "no version is left; write a maxProtocolVersion of the least, TLSV1_2 by itself, or above";
        scope.value(gateway, format!("{at}/maxProtocolVersion"), &least, right);
    }
    if !tls.cipher_suites.is_empty() {
        parameters["cipher_suites"] = json!(tls.cipher_suites);
    }
    parameters
}

/// The names of a server's certificates; only the access point's own namespace has any for it.
fn credentials(scope: &mut Scope<'_>, gateway: &TemplateId, at: &str, tls: &ServerTls) -> Vec<Credential> {
    let names: Vec<&String> = tls.credential_name.iter().chain(&tls.credential_names).collect();
    if names.is_empty() {
        scope.value(
            gateway,
            format!("{at}/credentialName"),
            "",
            "write the name of the secret with the certificate",
        );
    }
    let mut found = Vec::new();
    for name in names {
        found.extend(credential(scope, gateway, &format!("{at}/credentialName"), name));
    }
    found
}

/// The name of a secret of the access point's namespace.
fn credential(scope: &mut Scope<'_>, object: &TemplateId, at: &str, name: &str) -> Option<Credential> {
    let namespace = scope.input.access_point.namespace.clone();
    let credential = Credential::new(namespace, name);
    if credential.is_err() {
        scope.value(
            object,
            at,
            name,
            "write a secret of the access point's own namespace, by its name alone",
        );
    }
    credential.ok()
}

/// How a destination is spoken to; `None` for without encryption.
pub(super) fn upstream(
    scope: &mut Scope<'_>,
    called: &Called,
    tls: Option<&ClientTls>,
    is_http2: bool,
) -> Option<Value> {
    let (mode, tls) = match tls {
        Some(tls) => (tls.mode, tls.clone()),
        None => (by_default(scope, called), ClientTls::default()),
    };
    let mut common = json!({});
    let sni = tls.sni.clone();
    let (sni, names, authority) = match mode {
        ClientTlsMode::Disable => return None,
        ClientTlsMode::IstioMutual => {
            common["alpn_protocols"] = if is_http2 { json!(["istio", "h2"]) } else { json!(["istio"]) };
            common["tls_certificate_sds_secret_configs"] = json!([secret(scope, MESH.0.to_owned())]);
            let subset = called.subset.as_deref().unwrap_or_default();
            let name = format!("outbound_.{}_.{subset}_.{}", called.port, called.host);
            (sni.unwrap_or(name), tls.subject_alt_names.clone(), MESH.1.to_owned())
        }
        ClientTlsMode::Mutual | ClientTlsMode::Simple => {
            let name = own_credential(scope, called, mode, &tls);
            if let Some(name) = name.as_ref().filter(|_| mode == ClientTlsMode::Mutual) {
                common["tls_certificate_sds_secret_configs"] = json!([secret(scope, name.clone())]);
            }
            if is_http2 {
                common["alpn_protocols"] = json!(["h2"]);
            }
            let names = if tls.subject_alt_names.is_empty() {
                expected_names(scope, called)
            } else {
                tls.subject_alt_names.clone()
            };
            let authority = name.map_or_else(|| SYSTEM.to_owned(), |name| format!("{name}-cacert"));
            (sni.unwrap_or_else(|| called.host.clone()), names, authority)
        }
    };
    if tls.insecure_skip_verify != Some(true) {
        let matchers: Vec<Value> = names.iter().flat_map(|name| alternative_names(name)).collect();
        let mut inner = json!({});
        if !matchers.is_empty() {
            inner["match_typed_subject_alt_names"] = json!(matchers);
        }
        common["combined_validation_context"] = json!({
            "default_validation_context": inner,
            "validation_context_sds_secret_config": secret(scope, authority),
        });
    }
    let context = json!({ "common_tls_context": common, "sni": sni });
    let message = "envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext";
    Some(json!({ "name": "envoy.transport_sockets.tls", "typed_config": typed(message, context) }))
}

/// The secret that a rule names, which it must for a certificate of the client's own.
fn own_credential(
    scope: &mut Scope<'_>,
    called: &Called,
    mode: ClientTlsMode,
    tls: &ClientTls,
) -> Option<String> {
    const AT: &str = "/spec/trafficPolicy/tls/credentialName";
    let rule = scope.input.said_by(called).cloned().expect("only a rule says so");
    let name = tls.credential_name.as_ref().and_then(|name| credential(scope, &rule, AT, name));
    let name = name.map(|credential| credential.resource());
    if mode == ClientTlsMode::Mutual && name.is_none() {
        scope.value(&rule, AT, "", "write the secret with the client's certificate");
    }
    name
}

/// Inside of the mesh calls are encrypted, unless the pods say that they take plain ones only.
fn by_default(scope: &Scope<'_>, called: &Called) -> ClientTlsMode {
    match scope.input.backing(&called.host) {
        Backing::Own(service) if scope.input.is_plain(service, called.port) => ClientTlsMode::Disable,
        Backing::Own(_) | Backing::Other => ClientTlsMode::IstioMutual,
        Backing::Entry(_, entry) if entry.location.as_deref() == Some("MESH_INTERNAL") => {
            ClientTlsMode::IstioMutual
        }
        Backing::Entry(..) => ClientTlsMode::Disable,
    }
}

/// The names that the other side may have where the rule says none.
fn expected_names(scope: &Scope<'_>, called: &Called) -> Vec<String> {
    match scope.input.backing(&called.host) {
        Backing::Entry(_, entry) if !entry.subject_alt_names.is_empty() => entry.subject_alt_names.clone(),
        Backing::Entry(..) | Backing::Other | Backing::Own(_) => vec![called.host.clone()],
    }
}

/// A name that a certificate may have, as identity or as host.
fn alternative_names(name: &str) -> Vec<Value> {
    let kinds: &[&str] = if name.contains("://") { &["URI"] } else { &["DNS"] };
    kinds.iter().map(|kind| json!({ "san_type": kind, "matcher": { "exact": name } })).collect()
}

/// Asks for a secret by SDS.
fn secret(scope: &mut Scope<'_>, name: String) -> Value {
    let asked = json!({ "name": name, "sds_config": ads() });
    scope.config.secrets.insert(name);
    asked
}
