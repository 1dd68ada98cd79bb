//! Where requests go and how: VirtualService, DestinationRule.
//!
//! Sources: istio/api `networking/v1alpha3/virtual_service.proto`,
//! `destination_rule.proto`. How a destination is called is in `connection`.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::View;
use super::connection::{ClientTls, ConnectionPool, ConsistentHash, PortTrafficPolicy};
use super::http::{
    CorsPolicy, DirectResponse, HeaderChanges, HttpFault, HttpMirror, HttpRedirect, HttpRetry, HttpRewrite,
    Percent,
};
use crate::template::TemplateKind;

/// What a VirtualService says.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct VirtualService {
    /// Its hosts.
    pub hosts: Vec<String>,
    /// Where it holds: Gateways as `namespace/name` or `name`, and `mesh` for sidecars; `mesh` if empty.
    pub gateways: Vec<String>,
    /// Routes of HTTP; the first that matches is taken.
    pub http: Vec<HttpRoute>,
    /// Routes of TLS that is passed through.
    pub tls: Vec<TlsRoute>,
    /// Routes of TCP.
    pub tcp: Vec<TcpRoute>,
    /// Who sees it.
    pub export_to: Vec<String>,
}

impl View for VirtualService {
    const KIND: TemplateKind = TemplateKind::VirtualService;
}

/// One route of HTTP.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct HttpRoute {
    /// Its name.
    pub name: Option<String>,
    /// The requests that it takes, any of these; all if empty.
    #[serde(rename = "match")]
    pub matches: Vec<HttpMatch>,
    /// Where they go.
    pub route: Vec<RouteDestination>,
    /// An answer that sends them elsewhere.
    pub redirect: Option<HttpRedirect>,
    /// An answer without a backend.
    pub direct_response: Option<DirectResponse>,
    /// A change of path or authority.
    pub rewrite: Option<HttpRewrite>,
    /// How long an answer may take.
    pub timeout: Option<String>,
    /// How often it is tried again.
    pub retries: Option<HttpRetry>,
    /// Where copies go.
    pub mirrors: Vec<HttpMirror>,
    /// The older form of one mirror.
    pub mirror: Option<Destination>,
    /// How many requests that one copies; all if `None`.
    pub mirror_percentage: Option<Percent>,
    /// Changes of headers.
    pub headers: Option<HeaderChanges>,
    /// Which pages of other origins may read answers.
    pub cors_policy: Option<CorsPolicy>,
    /// Faults that are made.
    pub fault: Option<HttpFault>,
}

/// What a request must be; all that is given must hold.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct HttpMatch {
    /// Its path.
    pub uri: Option<StringMatch>,
    /// Its method.
    pub method: Option<StringMatch>,
    /// Its authority.
    pub authority: Option<StringMatch>,
    /// Its headers.
    pub headers: BTreeMap<String, StringMatch>,
    /// Its scheme.
    pub scheme: Option<StringMatch>,
    /// Headers that it must not have so.
    pub without_headers: BTreeMap<String, StringMatch>,
    /// The values of its query.
    pub query_params: BTreeMap<String, StringMatch>,
    /// The port that it came to.
    pub port: Option<u32>,
    /// The Gateways that it came through.
    pub gateways: Vec<String>,
    /// Whether the case of the path matters not.
    pub ignore_uri_case: bool,
}

/// What a text must be; one of the three, or anything.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct StringMatch {
    /// This text.
    pub exact: Option<String>,
    /// A text that begins so.
    pub prefix: Option<String>,
    /// A text of which the whole matches (RE2).
    pub regex: Option<String>,
}

/// One route of TLS that is passed through.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct TlsRoute {
    /// The connections that it takes, any of these.
    #[serde(rename = "match")]
    pub matches: Vec<TlsMatch>,
    /// Where they go.
    pub route: Vec<RouteDestination>,
}

/// What a connection's first message must be; all that is given must hold.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct TlsMatch {
    /// Names in it, any of these; `*` alone or first.
    pub sni_hosts: Vec<String>,
    /// The port that it came to.
    pub port: Option<u32>,
    /// The Gateways that it came through.
    pub gateways: Vec<String>,
}

/// One route of TCP.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct TcpRoute {
    /// The connections that it takes, any of these; all if empty.
    #[serde(rename = "match")]
    pub matches: Vec<TcpMatch>,
    /// Where they go.
    pub route: Vec<RouteDestination>,
}

/// What a connection must be; all that is given must hold.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct TcpMatch {
    /// The port that it came to.
    pub port: Option<u32>,
    /// The Gateways that it came through.
    pub gateways: Vec<String>,
}

/// One destination of a route.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct RouteDestination {
    /// The host.
    pub destination: Destination,
    /// Its share, relative to the others'; all where it is alone, else 0 if `None`.
    pub weight: Option<u32>,
    /// Changes of headers.
    pub headers: Option<HeaderChanges>,
}

/// A host, and perhaps a part of its endpoints.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Destination {
    /// The host; a short name is of the VirtualService's namespace.
    pub host: String,
    /// The DestinationRule's subset.
    pub subset: Option<String>,
    /// The port; left out where the host has one.
    pub port: Option<PortSelector>,
}

/// A port by its number.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct PortSelector {
    /// The number.
    pub number: u32,
}

/// What a DestinationRule says.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct DestinationRule {
    /// The host.
    pub host: String,
    /// How its endpoints are used.
    pub traffic_policy: Option<TrafficPolicy>,
    /// Parts of its endpoints.
    pub subsets: Vec<Subset>,
    /// Who sees it.
    pub export_to: Vec<String>,
    /// The callers that it is for.
    pub workload_selector: Option<super::PolicySelector>,
}

impl View for DestinationRule {
    const KIND: TemplateKind = TemplateKind::DestinationRule;
}

/// A part of a host's endpoints.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Subset {
    /// Its name.
    pub name: String,
    /// Their labels.
    pub labels: BTreeMap<String, String>,
    /// How they are used, where it differs.
    pub traffic_policy: Option<TrafficPolicy>,
}

/// How endpoints are used.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct TrafficPolicy {
    /// How one is chosen.
    pub load_balancer: Option<LoadBalancerSettings>,
    /// When one is ejected.
    pub outlier_detection: Option<OutlierDetection>,
    /// How many connections and requests there may be.
    pub connection_pool: Option<ConnectionPool>,
    /// How calls are encrypted.
    pub tls: Option<ClientTls>,
    /// How many requests may be tried again at once, by how many there are.
    pub retry_budget: Option<RetryBudget>,
    /// What differs for single ports.
    pub port_level_settings: Vec<PortTrafficPolicy>,
}

/// How many requests may be tried again at once; in place of `maxRetries`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct RetryBudget {
    /// Percent of the requests under way; 20.
    pub percent: Option<f64>,
    /// So many in any case; 3.
    pub min_retry_concurrency: Option<u32>,
}

/// How an endpoint is chosen.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct LoadBalancerSettings {
    /// `ROUND_ROBIN`, `LEAST_REQUEST`, `RANDOM`, `PASSTHROUGH`.
    pub simple: Option<String>,
    /// By a hash.
    pub consistent_hash: Option<ConsistentHash>,
    /// By distance.
    pub locality_lb_setting: Option<LocalityLbSetting>,
    /// By region, with the zones of one left to the proxy; since Istio 1.31, and in place of the one above.
    pub zone_aware_lb_setting: Option<ZoneAwareLbSetting>,
    /// How slowly a new one is warmed up; not at all if `None`.
    pub warmup: Option<Warmup>,
}

/// How a new endpoint's share grows.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Warmup {
    /// For how long.
    pub duration: String,
    /// The percentage of its share that it begins with; 10.
    pub minimum_percent: Option<f64>,
    /// How much faster it grows in the beginning, at least 1, which is evenly.
    pub aggression: Option<f64>,
}

/// How distance counts.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct LocalityLbSetting {
    /// Shares by locality.
    pub distribute: Vec<LocalityShare>,
    /// Which region takes over from which.
    pub failover: Vec<LocalityFailover>,
    /// Labels by which endpoints are near, `key` or `key=value`.
    pub failover_priority: Vec<String>,
    /// Whether distance counts at all.
    pub enabled: Option<bool>,
}

/// How regions count, where the proxy itself divides requests among the zones of its own.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ZoneAwareLbSetting {
    /// Whether regions and zones count at all; true.
    pub enabled: Option<bool>,
    /// Which region takes over from which.
    pub failover: Vec<LocalityFailover>,
    /// Labels by which endpoints are near, `key` or `key=value`; none of places.
    pub failover_priority: Vec<String>,
    /// With fewer healthy hosts in the first priority zones do not count; 6.
    pub min_cluster_size: Option<u32>,
}

impl ZoneAwareLbSetting {
    /// Whether it counts.
    #[must_use]
    pub fn is_enabled(&self) -> bool {
        self.enabled != Some(false)
    }

    /// The healthy hosts from which on zones count: what is written, or else Envoy's default.
    #[must_use]
    pub fn min_hosts(&self) -> u32 {
        self.min_cluster_size.unwrap_or(6)
    }
}

/// Shares of the requests from one locality.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct LocalityShare {
    /// `region/zone/subzone`, `*` in the end for any.
    pub from: String,
    /// Percent by locality, 100 in all.
    pub to: BTreeMap<String, u32>,
}

/// Which region takes over from which.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct LocalityFailover {
    /// The region that fails.
    pub from: String,
    /// The region that takes over.
    pub to: String,
}

/// When an endpoint is ejected; a field that is `None` has Istio's default.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct OutlierDetection {
    /// So many failures after another; 5.
    pub consecutive5xx_errors: Option<u32>,
    /// So many failures of the gateway kind after another; off.
    pub consecutive_gateway_errors: Option<u32>,
    /// How often it is looked; `10s`.
    pub interval: Option<String>,
    /// For how long, times the number of ejections; `30s`.
    pub base_ejection_time: Option<String>,
    /// The percentage of *all* endpoints of the host that may be ejected; 10.
    pub max_ejection_percent: Option<u32>,
    /// The percentage of healthy endpoints below which health is ignored; 0, which is never.
    pub min_health_percent: Option<u32>,
    /// So many failures to connect after another; 5.
    pub consecutive_local_origin_failures: Option<u32>,
    /// Whether failures to connect are counted apart; false.
    pub split_external_local_origin_errors: bool,
}
