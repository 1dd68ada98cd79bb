//! Gateway configuration: from rendered objects to what Envoy takes.
//!
//! [`configure`] is a pure function of what the access points of one gateway
//! receive: it gives listeners, routes, clusters and endpoints as JSON of the
//! v3 API, and the secrets that they ask for. Two ideas. Isolation: a listener
//! binds its access point's VIP and serves its hosts and nobody else's; two
//! access points share no route table, no cluster and no rule. No silence: the
//! objects are walked beside the list of what is supported ([`coverage`]), and
//! what is not is a fault by name, so that a field never means nothing. A fault is
//! its own access point's alone: the others are configured as if it were not there.
//!
//! Which access points a gateway has is placement's, the objects are
//! [`render`](crate::render)'s, sending and ordering are [`xds`](crate::xds)'s.
//! Sources: envoyproxy/envoy `api/envoy`; Istio's own translation of its kinds.

mod access;
mod balance;
mod bound;
mod cluster;
mod coverage;
mod endpoint;
mod listener;
mod objects;
mod operator;
mod pattern;
mod policy;
mod route;
mod text;
mod tls;
mod unsupported;
mod value;

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use serde::Serialize;
use serde_json::Value;

use crate::access_point::AccessPointId;
use crate::labels::Labels;
use crate::locality::Locality;
use crate::template::TemplateId;
use crate::units::Share;

pub use coverage::is_supported;
pub use operator::COMMANDS;
pub use unsupported::{Feature, Unsupported};

use objects::Input;

/// The gateway that is configured, and what its platform adds to every listener.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Proxy {
    /// Where it is.
    pub locality: Locality,
    /// The labels of its pods, all of them: a Gateway whose `selector` they do not match is another
    /// gateway's and not served here (one without a selector is everybody's), rules select by them, and
    /// `failoverPriority` compares them.
    pub labels: Labels,
    /// Whether each request is written to standard output as a line of JSON.
    pub access_log: bool,
    /// Where traces go; none where left out.
    pub tracing: Option<Tracing>,
}

/// Where traces go, over OTLP.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tracing {
    /// The cluster of the collector in the gateway's bootstrap.
    pub collector: String,
    /// The share of requests that are traced.
    pub sampling: Share,
}

/// What a gateway serves for one access point.
#[derive(Clone, Debug)]
pub struct GatewayInput<'a> {
    /// The access point.
    pub access_point: AccessPointId,
    /// Its virtual addresses, at least one; no other has them with the same ports.
    pub vips: Vec<IpAddr>,
    /// Its objects as rendered for the gateway's target.
    pub objects: &'a [Value],
    /// The endpoints of the services that it calls.
    pub endpoints: &'a [HostEndpoints],
    /// The most requests that one gateway lets through on each plain port and for each server with TLS;
    /// no limit where left out. Ports of bytes have none, and one for these alone is a fault.
    pub rate_limit: Option<RateLimit>,
}

/// A bucket of requests: filled by `requests` each interval, `burst` at most in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RateLimit {
    /// So many each interval.
    pub requests: u32,
    /// The interval, at least 50 ms, which is Envoy's own bound; a shorter one is a fault.
    pub interval: Duration,
    /// So many at once.
    pub burst: u32,
}

/// The endpoints of one port of a host: of a ServiceEntry of the access point the pods that its
/// `workloadSelector` selects, for its other endpoints are objects; nothing is asked for one without.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostEndpoints {
    /// The host, in full.
    pub host: String,
    /// The service's port.
    pub port: u32,
    /// The endpoints.
    pub endpoints: Vec<Endpoint>,
}

/// One endpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoint {
    /// Its address.
    pub address: SocketAddr,
    /// Where it is.
    pub locality: Locality,
    /// Its labels.
    pub labels: Labels,
    /// Its weight among those of its locality, at least 1.
    pub weight: u32,
    /// Whether it is ready.
    pub is_healthy: bool,
}

/// Everything of one gateway, by name; JSON of Envoy's v3 API without `@type` at the top.
///
/// ```
/// use mesh_model::access_point::AccessPointId;
/// use mesh_model::envoy::{GatewayInput, Proxy, configure};
/// use serde_json::json;
///
/// let gateway = json!({
///     "apiVersion": "networking.istio.io/v1", "kind": "Gateway", "metadata": { "name": "web" },
///     "spec": { "servers": [{
///         "port": { "number": 80, "name": "http", "protocol": "HTTP" },
///         "hosts": ["shop.example.com"], "tls": { "httpsRedirect": true },
///     }] },
/// });
/// let id = AccessPointId { namespace: "shop".parse()?, name: "web".parse()? };
/// let input = GatewayInput {
///     access_point: id,
///     vips: vec!["203.0.113.10".parse()?],
///     objects: &[gateway],
///     endpoints: &[],
///     rate_limit: None,
/// };
/// let config = configure(&Proxy::default(), &[input]).whole().unwrap();
/// let address = &config.listeners["shop/web:80"]["address"]["socket_address"];
/// assert_eq!((&address["address"], &address["port_value"]), (&json!("203.0.113.10"), &json!(80)));
/// assert_eq!(config.routes["shop/web:80"]["virtual_hosts"][0]["require_tls"], "ALL");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct EnvoyConfig {
    /// `envoy.config.listener.v3.Listener`.
    pub listeners: BTreeMap<String, Value>,
    /// `envoy.config.route.v3.RouteConfiguration`.
    pub routes: BTreeMap<String, Value>,
    /// `envoy.config.cluster.v3.Cluster`.
    pub clusters: BTreeMap<String, Value>,
    /// `envoy.config.endpoint.v3.ClusterLoadAssignment`.
    pub endpoints: BTreeMap<String, Value>,
    /// The names of the secrets that listeners and clusters ask for by SDS.
    pub secrets: BTreeSet<String>,
}

/// What a gateway is configured with, and for whom it is not.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Configured {
    /// Of all access points that are not refused; what it would be if only they were asked for.
    pub config: EnvoyConfig,
    /// Those that are refused, each with everything that was found, in order of object and field.
    pub refused: BTreeMap<AccessPointId, Vec<Unsupported>>,
    /// The Gateways of the others that select other workloads than this gateway: not served here, and no
    /// fault, for they may be served elsewhere.
    pub passed_over: BTreeMap<AccessPointId, Vec<TemplateId>>,
}

impl Configured {
    /// The configuration where it must be of all or of none.
    ///
    /// # Errors
    ///
    /// Everything that was found, in order of access point, object and field.
    pub fn whole(self) -> Result<EnvoyConfig, Vec<Unsupported>> {
        if self.refused.is_empty() {
            return Ok(self.config);
        }
        Err(self.refused.into_values().flatten().collect())
    }
}

impl EnvoyConfig {
    /// Adds what another access point needs; no two have a name in common but of secrets.
    fn extend(&mut self, other: Self) {
        self.listeners.extend(other.listeners);
        self.routes.extend(other.routes);
        self.clusters.extend(other.clusters);
        self.endpoints.extend(other.endpoints);
        self.secrets.extend(other.secrets);
    }
}

/// What is asked of the gateway for one access point, and the faults that were found.
struct Scope<'a> {
    proxy: &'a Proxy,
    input: &'a Input<'a>,
    config: &'a mut EnvoyConfig,
    faults: &'a mut Vec<Unsupported>,
}

impl Scope<'_> {
    fn fault(&mut self, object: &TemplateId, path: impl Into<String>, feature: Feature) {
        let access_point = self.input.access_point.clone();
        self.faults.push(Unsupported {
            access_point,
            object: Some(object.clone()),
            path: path.into(),
            feature,
        });
    }

    fn value(&mut self, object: &TemplateId, path: impl Into<String>, found: &str, right: &'static str) {
        self.fault(object, path, Feature::Value { found: crate::nearest::quoted(found), right });
    }

    /// The text of a name that no other access point has.
    fn own(&self, rest: &str) -> String {
        format!("{}{rest}", self.input.access_point)
    }
}

/// Configures a gateway for its access points: for all that are sound, whatever is wrong with others.
///
/// A part of an access point is not what was meant, so one at fault gets nothing, holds no address, and
/// takes nothing from the others: their configuration is, byte by byte, what it would be without it.
/// Where two want the same port of the same address, the one that comes first in `inputs` has it; give
/// those that serve already before the new ones, and the older before the younger.
///
/// This is a function of its arguments and remembers nothing. So that one at fault goes on serving what it
/// served, keep the input by which each access point was last configured; where one is refused, ask again
/// with that in its place and at the front, or without it where it never served.
#[must_use]
pub fn configure(proxy: &Proxy, inputs: &[GatewayInput<'_>]) -> Configured {
    let mut all = Configured::default();
    let (mut known, mut taken) = (BTreeSet::new(), BTreeMap::new());
    for given in inputs {
        let id = &given.access_point;
        let one = if known.insert(id) {
            one(proxy, given, &taken)
        } else {
            Err(vec![Unsupported::whole(id, Feature::Twice)])
        };
        match one {
            Ok(One { config, addresses, passed_over }) => {
                taken.extend(addresses.into_iter().map(|address| (address, id.clone())));
                all.config.extend(config);
                if !passed_over.is_empty() {
                    all.passed_over.insert(id.clone(), passed_over);
                }
            }
            Err(mut faults) => {
                let found = all.refused.entry(id.clone()).or_default();
                found.append(&mut faults);
                found.sort();
                found.dedup();
            }
        }
    }
    all
}

/// What one access point needs.
struct One {
    config: EnvoyConfig,
    /// Where it listens.
    addresses: BTreeSet<SocketAddr>,
    passed_over: Vec<TemplateId>,
}

fn one(
    proxy: &Proxy,
    given: &GatewayInput<'_>,
    taken: &BTreeMap<SocketAddr, AccessPointId>,
) -> Result<One, Vec<Unsupported>> {
    let input = Input::read(proxy, given)?;
    let (mut config, mut faults) = (EnvoyConfig::default(), Vec::new());
    coverage::walk(proxy, &input, &mut faults);
    let mut scope = Scope { proxy, input: &input, config: &mut config, faults: &mut faults };
    let addresses = listener::addresses(&mut scope, taken);
    let called = listener::listeners(&mut scope);
    cluster::clusters(&mut scope, &called);
    if faults.is_empty() {
        Ok(One { config, addresses, passed_over: input.passed_over })
    } else {
        Err(faults)
    }
}

/// The resource by which SDS gives a certificate and its key, both PEM.
#[must_use]
pub fn certificate(name: &str, chain: &str, key: &str) -> Value {
    serde_json::json!({
        "name": name,
        "tls_certificate": {
            "certificate_chain": { "inline_string": chain },
            "private_key": { "inline_string": key },
        },
    })
}

/// The resource by which SDS gives authorities, PEM.
#[must_use]
pub fn authorities(name: &str, certificates: &str) -> Value {
    serde_json::json!({
        "name": name,
        "validation_context": { "trusted_ca": { "inline_string": certificates } },
    })
}

#[cfg(test)]
mod tests;
