//! Istio's Gateway: ports, hosts and TLS of a gateway.
//!
//! Source: istio/api `networking/v1alpha3/gateway.proto`.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::View;
use crate::name::Name;
use crate::template::TemplateKind;

/// What a Gateway says.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Gateway {
    /// The labels of the gateway pods that serve it.
    pub selector: BTreeMap<String, String>,
    /// The ports.
    pub servers: Vec<Server>,
}

impl View for Gateway {
    const KIND: TemplateKind = TemplateKind::Gateway;
}

/// One port and its hosts.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Server {
    /// The port.
    pub port: ServerPort,
    /// `host`, or `namespace/host`; `*` alone or first in a host.
    pub hosts: Vec<String>,
    /// How it is encrypted; not at all if `None`.
    pub tls: Option<ServerTls>,
    /// The address to bind; all if `None`.
    pub bind: Option<String>,
    /// Its name, for telemetry.
    pub name: Option<String>,
}

/// A port.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ServerPort {
    /// Its number.
    pub number: u32,
    /// `HTTP`, `HTTPS`, `GRPC`, `HTTP2`, `MONGO`, `TCP` or `TLS`.
    pub protocol: String,
    /// Its name.
    pub name: String,
}

/// How a port is encrypted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ServerTls {
    /// Who ends it, and who must have a certificate.
    pub mode: TlsMode,
    /// Whether plain HTTP is sent to HTTPS.
    pub https_redirect: bool,
    /// The secret with the certificate.
    pub credential_name: Option<String>,
    /// The secrets, where there are two.
    pub credential_names: Vec<String>,
    /// Names that a client's certificate may have.
    pub subject_alt_names: Vec<String>,
    /// `TLSV1_0` to `TLSV1_3`.
    pub min_protocol_version: Option<String>,
    /// The same.
    pub max_protocol_version: Option<String>,
    /// OpenSSL's names.
    pub cipher_suites: Vec<String>,
}

/// Who ends TLS, and who must have a certificate.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum TlsMode {
    /// The workload ends it; the name in the hello is the destination.
    AutoPassthrough,
    /// The gateway ends it, with the mesh's own certificates.
    IstioMutual,
    /// The gateway ends it; clients must have certificates.
    Mutual,
    /// The gateway ends it; clients may have certificates.
    OptionalMutual,
    /// The workload ends it; the name in the hello chooses the route.
    #[default]
    Passthrough,
    /// The gateway ends it.
    Simple,
}

/// `namespace/name` of a Gateway that a VirtualService of this namespace names in one of the ways that Istio takes:
/// `name`, `./name`, `namespace/name`, `name.namespace.svc...` (`pilot/pkg/model/context.go`, `resolveGatewayName`).
pub(crate) fn gateway_name(gateway: &str, namespace: &Name) -> String {
    let mut labels = gateway.split('.');
    match (gateway.split_once('/'), labels.next(), labels.next()) {
        (Some((".", name)), ..) => format!("{namespace}/{name}"),
        (Some(_), ..) => gateway.to_owned(),
        (None, Some(name), Some(theirs)) => format!("{theirs}/{name}"),
        (None, ..) => format!("{namespace}/{gateway}"),
    }
}
