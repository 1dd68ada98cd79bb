//! What gateways can do, as a list, and the walk that finds what they cannot.
//!
//! A path is fields with `/` between; `-` is an item of a list, `*` any key.
//! Each line of the list is read by some part of this module, or is somebody
//! else's: what selects pods and says who sees an object.

use serde_json::Value;

use super::objects::Input;
use super::{Feature, Proxy, Unsupported, access, text};
use crate::template::TemplateKind;

/// How an endpoint is chosen and called; the same for a host, a subset and a port.
pub(super) const TRAFFIC_POLICY: &[&str] = &[
    "connectionPool/http/http1MaxPendingRequests",
    "connectionPool/http/http2MaxRequests",
    "connectionPool/http/idleTimeout",
    "connectionPool/http/maxConcurrentStreams",
    "connectionPool/http/maxRequestsPerConnection",
    "connectionPool/http/maxRetries",
    "connectionPool/tcp/connectTimeout",
    "connectionPool/tcp/idleTimeout",
    "connectionPool/tcp/maxConnections",
    "connectionPool/tcp/maxConnectionDuration",
    "connectionPool/tcp/tcpKeepalive/interval",
    "connectionPool/tcp/tcpKeepalive/probes",
    "connectionPool/tcp/tcpKeepalive/time",
    "loadBalancer/consistentHash/httpCookie/name",
    "loadBalancer/consistentHash/httpCookie/path",
    "loadBalancer/consistentHash/httpCookie/ttl",
    "loadBalancer/consistentHash/httpHeaderName",
    "loadBalancer/consistentHash/httpQueryParameterName",
    "loadBalancer/consistentHash/maglev/tableSize",
    "loadBalancer/consistentHash/ringHash/minimumRingSize",
    "loadBalancer/consistentHash/useSourceIp",
    "loadBalancer/localityLbSetting/distribute/-/from",
    "loadBalancer/localityLbSetting/distribute/-/to/*",
    "loadBalancer/localityLbSetting/enabled",
    "loadBalancer/localityLbSetting/failover/-/from",
    "loadBalancer/localityLbSetting/failover/-/to",
    "loadBalancer/localityLbSetting/failoverPriority/-",
    "loadBalancer/simple",
    "loadBalancer/warmup/aggression",
    "loadBalancer/warmup/duration",
    "loadBalancer/warmup/minimumPercent",
    "loadBalancer/zoneAwareLbSetting/enabled",
    "loadBalancer/zoneAwareLbSetting/failover/-/from",
    "loadBalancer/zoneAwareLbSetting/failover/-/to",
    "loadBalancer/zoneAwareLbSetting/failoverPriority/-",
    "loadBalancer/zoneAwareLbSetting/minClusterSize",
    "outlierDetection/baseEjectionTime",
    "outlierDetection/consecutive5xxErrors",
    "outlierDetection/consecutiveGatewayErrors",
    "outlierDetection/consecutiveLocalOriginFailures",
    "outlierDetection/interval",
    "outlierDetection/maxEjectionPercent",
    "outlierDetection/minHealthPercent",
    "outlierDetection/splitExternalLocalOriginErrors",
    "tls/credentialName",
    "tls/insecureSkipVerify",
    "tls/mode",
    "tls/sni",
    "tls/subjectAltNames/-",
];

/// What a port has not, but its host.
pub(super) const OF_HOSTS: &[&str] = &["retryBudget/minRetryConcurrency", "retryBudget/percent"];

const DESTINATION_RULE: &[&str] = &["exportTo/-", "host", "subsets/-/labels/*", "subsets/-/name"];

pub(super) const GATEWAY: &[&str] = &[
    "selector/*",
    "servers/-/hosts/-",
    "servers/-/name",
    "servers/-/port/name",
    "servers/-/port/number",
    "servers/-/port/protocol",
    "servers/-/tls/cipherSuites/-",
    "servers/-/tls/credentialName",
    "servers/-/tls/credentialNames/-",
    "servers/-/tls/httpsRedirect",
    "servers/-/tls/maxProtocolVersion",
    "servers/-/tls/minProtocolVersion",
    "servers/-/tls/mode",
    "servers/-/tls/subjectAltNames/-",
];

/// A text that is exactly so, begins so, or matches.
const TEXTS: [&str; 3] = ["exact", "prefix", "regex"];

pub(super) const VIRTUAL_SERVICE: &[&str] = &[
    "exportTo/-",
    "gateways/-",
    "hosts/-",
    "http/-/corsPolicy/allowCredentials",
    "http/-/corsPolicy/allowHeaders/-",
    "http/-/corsPolicy/allowMethods/-",
    "http/-/corsPolicy/allowOrigins/-/exact",
    "http/-/corsPolicy/allowOrigins/-/prefix",
    "http/-/corsPolicy/allowOrigins/-/regex",
    "http/-/corsPolicy/exposeHeaders/-",
    "http/-/corsPolicy/maxAge",
    "http/-/corsPolicy/unmatchedPreflights",
    "http/-/directResponse/body/string",
    "http/-/directResponse/status",
    "http/-/fault/abort/grpcStatus",
    "http/-/fault/abort/httpStatus",
    "http/-/fault/abort/percentage/value",
    "http/-/fault/delay/fixedDelay",
    "http/-/fault/delay/percentage/value",
    "http/-/match/-/gateways/-",
    "http/-/match/-/ignoreUriCase",
    "http/-/match/-/name",
    "http/-/match/-/port",
    "http/-/mirrorPercentage/value",
    "http/-/mirrors/-/percentage/value",
    "http/-/name",
    "http/-/redirect/authority",
    "http/-/redirect/derivePort",
    "http/-/redirect/port",
    "http/-/redirect/prefixRewrite",
    "http/-/redirect/redirectCode",
    "http/-/redirect/scheme",
    "http/-/redirect/uri",
    "http/-/retries/attempts",
    "http/-/retries/backoff",
    "http/-/retries/perTryTimeout",
    "http/-/retries/retryIgnorePreviousHosts",
    "http/-/retries/retryOn",
    "http/-/retries/retryRemoteLocalities",
    "http/-/rewrite/authority",
    "http/-/rewrite/uri",
    "http/-/rewrite/uriRegexRewrite/match",
    "http/-/rewrite/uriRegexRewrite/rewrite",
    "http/-/route/-/weight",
    "http/-/timeout",
    "tcp/-/match/-/gateways/-",
    "tcp/-/match/-/port",
    "tcp/-/route/-/weight",
    "tls/-/match/-/gateways/-",
    "tls/-/match/-/port",
    "tls/-/match/-/sniHosts/-",
    "tls/-/route/-/weight",
];

/// Where a destination stands in a VirtualService.
const DESTINATIONS: [&str; 5] = [
    "http/-/mirror",
    "http/-/mirrors/-/destination",
    "http/-/route/-/destination",
    "tcp/-/route/-/destination",
    "tls/-/route/-/destination",
];

/// Where changes of headers stand.
const HEADERS: [&str; 2] = ["http/-/headers", "http/-/route/-/headers"];

pub(super) const AUTHORIZATION_POLICY: &[&str] = &[
    "action",
    "rules/-/from/-/source/ipBlocks/-",
    "rules/-/from/-/source/notIpBlocks/-",
    "rules/-/from/-/source/notRemoteIpBlocks/-",
    "rules/-/from/-/source/remoteIpBlocks/-",
    "rules/-/to/-/operation/hosts/-",
    "rules/-/to/-/operation/methods/-",
    "rules/-/to/-/operation/notHosts/-",
    "rules/-/to/-/operation/notMethods/-",
    "rules/-/to/-/operation/notPaths/-",
    "rules/-/to/-/operation/notPorts/-",
    "rules/-/to/-/operation/paths/-",
    "rules/-/to/-/operation/ports/-",
    "rules/-/when/-/key",
    "rules/-/when/-/notValues/-",
    "rules/-/when/-/values/-",
    "selector/matchLabels/*",
];

/// Whether gateways can do what a field says; `path` as the list has it, or the way to one.
#[must_use]
pub fn is_supported(kind: TemplateKind, path: &str) -> bool {
    let listed = |list: &[&str]| list.iter().any(|pattern| reaches(pattern, path));
    let below = |at: &str| path.strip_prefix(at).map(|rest| rest.strip_prefix('/').unwrap_or(rest));
    match kind {
        TemplateKind::AuthorizationPolicy => listed(AUTHORIZATION_POLICY),
        TemplateKind::DestinationRule => {
            let policies = ["subsets/-/trafficPolicy", "trafficPolicy"];
            let policy = |rest: &str| {
                let port = rest.strip_prefix("portLevelSettings").map(|rest| rest.trim_start_matches("/-"));
                match port.map(|rest| rest.strip_prefix('/').unwrap_or(rest)) {
                    Some(rest) => {
                        reaches("port/number", rest) || TRAFFIC_POLICY.iter().any(|one| reaches(one, rest))
                    }
                    None => TRAFFIC_POLICY.iter().chain(OF_HOSTS).any(|one| reaches(one, rest)),
                }
            };
            listed(DESTINATION_RULE) || policies.iter().any(|at| below(at).is_some_and(policy))
        }
        TemplateKind::Gateway => listed(GATEWAY),
        TemplateKind::VirtualService => {
            let destination =
                |rest: &str| ["host", "port/number", "subset"].iter().any(|one| reaches(one, rest));
            let changes = |rest: &str| {
                let parts = ["add/*", "remove/-", "set/*"];
                ["request", "response"]
                    .iter()
                    .any(|side| parts.iter().any(|part| reaches(&format!("{side}/{part}"), rest)))
            };
            let text = |rest: &str| {
                let plain = [
                    "authority",
                    "method",
                    "scheme",
                    "uri",
                    "headers/*",
                    "queryParams/*",
                    "withoutHeaders/*",
                ];
                plain.iter().any(|one| TEXTS.iter().any(|text| reaches(&format!("{one}/{text}"), rest)))
            };
            listed(VIRTUAL_SERVICE)
                || DESTINATIONS.iter().any(|at| below(at).is_some_and(destination))
                || HEADERS.iter().any(|at| below(at).is_some_and(changes))
                || below("http/-/match/-").is_some_and(text)
        }
        // these are about pods and endpoints, of which the whole is looked at
        TemplateKind::PeerAuthentication
        | TemplateKind::Service
        | TemplateKind::ServiceEntry
        | TemplateKind::WorkloadEntry => true,
    }
}

/// Whether a pattern is this path, or begins with it.
fn reaches(pattern: &str, path: &str) -> bool {
    let mut steps = pattern.split('/');
    path.is_empty()
        || path.split('/').all(|step| steps.next().is_some_and(|wanted| wanted == step || wanted == "*"))
}

/// Finds what gateways cannot do.
pub(super) fn walk(proxy: &Proxy, input: &Input<'_>, faults: &mut Vec<Unsupported>) {
    for (id, object) in &input.objects {
        let is_ours = match id.kind {
            TemplateKind::AuthorizationPolicy => access::is_enforced(proxy, input, id),
            TemplateKind::Gateway => !input.passed_over.contains(id),
            TemplateKind::DestinationRule
            | TemplateKind::PeerAuthentication
            | TemplateKind::Service
            | TemplateKind::ServiceEntry
            | TemplateKind::VirtualService
            | TemplateKind::WorkloadEntry => true,
        };
        if let Some(spec) = object.get("spec").filter(|_| is_ours) {
            let mut found = Vec::new();
            unsupported(id.kind, spec, &mut (String::new(), "/spec".to_owned()), &mut found);
            let fault = |path: String| Unsupported {
                access_point: input.access_point.clone(),
                object: Some(id.clone()),
                feature: instead(id.kind, &path).map_or(Feature::Field, |right| Feature::Instead { right }),
                path,
            };
            faults.extend(found.into_iter().map(fault));
            text::walk(input, id, spec, faults);
        }
    }
}

/// The pointers to the first fields on each way that are not supported.
fn unsupported(kind: TemplateKind, value: &Value, at: &mut (String, String), found: &mut Vec<String>) {
    let lengths = (at.0.len(), at.1.len());
    let mut step = |at: &mut (String, String), pattern: &str, pointer: &str, value: &Value| {
        if !at.0.is_empty() {
            at.0.push('/');
        }
        at.0 += pattern;
        at.1 = format!("{}/{pointer}", at.1);
        if is_supported(kind, &at.0) {
            unsupported(kind, value, at, found);
        } else {
            found.push(at.1.clone());
        }
        at.0.truncate(lengths.0);
        at.1.truncate(lengths.1);
    };
    match value {
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                step(at, "-", &index.to_string(), item);
            }
        }
        Value::Object(members) => {
            for (key, member) in members {
                let escaped = key.replace('~', "~0").replace('/', "~1");
                // a key with a slash must not look like two steps
                step(at, &escaped, &escaped, member);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// What to write in place of what people expect to be possible.
fn instead(kind: TemplateKind, path: &str) -> Option<&'static str> {
    let field = path.rsplit('/').next()?;
    match (kind, field) {
        // Istio merges the routes of another object, perhaps another team's, and drops without a word what is
        // no subset; here each is one access point's, whose own templates are all that there is
        (TemplateKind::VirtualService, "delegate") => {
            Some("write the routes of the delegate here, each with a narrower match")
        }
        (TemplateKind::VirtualService, "sourceLabels" | "sourceNamespace") => {
            Some("only a sidecar knows whose call it is; match a header, or bind the routes to mesh alone")
        }
        (TemplateKind::Gateway, "bind") => Some("the address is the access point's own"),
        (TemplateKind::Gateway, "caCertificates" | "privateKey" | "serverCertificate") => {
            Some("there are no files of the access point; write the secret as credentialName")
        }
        (TemplateKind::AuthorizationPolicy, "provider") => Some("write action ALLOW, DENY or AUDIT"),
        _ => None,
    }
}
