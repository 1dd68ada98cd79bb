//! How a destination is called: connections, encryption, the choice by hash.
//!
//! Source: istio/api `networking/v1alpha3/destination_rule.proto`.

use serde::Deserialize;

use super::{LoadBalancerSettings, OutlierDetection, PortSelector};

/// How many connections and requests there may be.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ConnectionPool {
    /// Of TCP, which HTTP goes over too.
    pub tcp: TcpPool,
    /// Of HTTP.
    pub http: HttpPool,
}

/// Limits of TCP connections; a field that is `None` has Istio's default.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct TcpPool {
    /// The most connections; 2^32 - 1.
    pub max_connections: Option<u32>,
    /// How long a connection may take; `10s`.
    pub connect_timeout: Option<String>,
    /// How long a connection may be idle, of HTTP where that says nothing itself; `1h`.
    pub idle_timeout: Option<String>,
    /// How long a connection may live.
    pub max_connection_duration: Option<String>,
    /// How it is found out that the other side is gone.
    pub tcp_keepalive: Option<TcpKeepalive>,
}

/// Probes of a silent connection; a field that is `None` is the kernel's.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct TcpKeepalive {
    /// How many.
    pub probes: Option<u32>,
    /// After how long.
    pub time: Option<String>,
    /// How far apart.
    pub interval: Option<String>,
}

/// Limits of HTTP; a field that is `None` has Istio's default.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct HttpPool {
    /// The most requests that wait for a connection; 2^32 - 1.
    pub http1_max_pending_requests: Option<u32>,
    /// The most requests at once; 2^32 - 1.
    pub http2_max_requests: Option<u32>,
    /// The most requests of one connection; no limit.
    pub max_requests_per_connection: Option<u32>,
    /// The most retries at once; 2^32 - 1.
    pub max_retries: Option<u32>,
    /// How long a connection may be without requests; `1h`.
    pub idle_timeout: Option<String>,
    /// The most requests at once on one connection of HTTP/2.
    pub max_concurrent_streams: Option<u32>,
}

/// How calls are encrypted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ClientTls {
    /// Whether, and with whose certificate.
    pub mode: ClientTlsMode,
    /// The secret with certificate and authorities.
    pub credential_name: Option<String>,
    /// Names that the other side's certificate may have; its host if empty.
    pub subject_alt_names: Vec<String>,
    /// The name that is asked for.
    pub sni: Option<String>,
    /// Whether any certificate will do.
    pub insecure_skip_verify: Option<bool>,
}

/// Whether calls are encrypted, and with whose certificate.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum ClientTlsMode {
    /// They are not.
    #[default]
    Disable,
    /// With the mesh's certificate.
    IstioMutual,
    /// With a certificate of one's own.
    Mutual,
    /// Without one.
    Simple,
}

/// By what a hash chooses; one of them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ConsistentHash {
    /// A header.
    pub http_header_name: Option<String>,
    /// A cookie, which is made where it is missing.
    pub http_cookie: Option<HashCookie>,
    /// The client's address.
    pub use_source_ip: Option<bool>,
    /// A value of the query.
    pub http_query_parameter_name: Option<String>,
    /// On a ring.
    pub ring_hash: Option<RingHash>,
    /// With Maglev.
    pub maglev: Option<MaglevHash>,
}

/// A cookie to hash.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct HashCookie {
    /// Its name.
    pub name: String,
    /// Its path.
    pub path: Option<String>,
    /// How long a new one lives; none is made if `None`.
    pub ttl: Option<String>,
}

/// A ring.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct RingHash {
    /// Its least size; 1,024.
    pub minimum_ring_size: Option<u64>,
}

/// A table of Maglev.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct MaglevHash {
    /// Its size, a prime number; 65,537.
    pub table_size: Option<u64>,
}

/// How the endpoints of one port are used; nothing of the host's policy is kept there.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct PortTrafficPolicy {
    /// The port.
    pub port: PortSelector,
    /// How one is chosen.
    pub load_balancer: Option<LoadBalancerSettings>,
    /// When one is ejected.
    pub outlier_detection: Option<OutlierDetection>,
    /// How many connections and requests there may be.
    pub connection_pool: Option<ConnectionPool>,
    /// How calls are encrypted.
    pub tls: Option<ClientTls>,
}
