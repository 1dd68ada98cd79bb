//! Clusters: the called ports of hosts, with limits, ejection and encryption.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::endpoint::{self, Discovery};
use super::objects::{Backing, Called};
use super::route::cluster_name;
use super::value::{ads, duration, put, typed};
use super::{Feature, HostEndpoints, Scope, balance, tls};
use crate::rules::Clash;
use crate::template::view::{ConnectionPool, OutlierDetection};

/// Istio's own time to connect.
const CONNECT_TIMEOUT: &str = "10s";

/// Makes the clusters of everything that is called, and their endpoints.
pub(super) fn clusters(scope: &mut Scope<'_>, called: &BTreeSet<Called>) {
    for one in called {
        let name = cluster_name(scope, one);
        let policy = scope.input.policy(one);
        let rule = scope.input.said_by(one).cloned();
        told_twice(scope, &one.host);
        let is_http2 = speaks_http2(scope, one);
        let mut cluster = json!({ "name": name });
        balance::balance(scope, rule.as_ref(), &policy, &mut cluster);
        pool(policy.connection_pool.as_ref(), is_http2, &mut cluster);
        if let Some(budget) = policy.retry_budget {
            // counted by what is under way, in place of maxRetries
            cluster["circuit_breakers"]["thresholds"][0]["retry_budget"] = json!({
                "budget_percent": { "value": budget.percent.unwrap_or(20.0).clamp(0.0, 100.0) },
                "min_retry_concurrency": budget.min_retry_concurrency.unwrap_or(3),
            });
        }
        ejection(policy.outlier_detection.as_ref(), &mut cluster);
        let socket = tls::upstream(scope, one, policy.tls.as_ref(), is_http2);
        put(&mut cluster, "transport_socket", socket);
        let (discovery, assignment) = endpoint::assignment(scope, one, &name, &policy);
        let weighted = assignment.is_weighted;
        if weighted {
            cluster["common_lb_config"]["locality_weighted_lb_config"] = json!({});
        }
        match discovery {
            Discovery::Names => {
                cluster["type"] = json!("STRICT_DNS");
                // Envoy's own choice takes addresses of IPv6 wherever a name has some, reachable or not
                cluster["dns_lookup_family"] = json!("V4_PREFERRED");
                cluster["respect_dns_ttl"] = json!(true);
                cluster["load_assignment"] = assignment.value;
            }
            Discovery::Service => {
                cluster["type"] = json!("EDS");
                cluster["eds_cluster_config"] = json!({ "eds_config": ads(), "service_name": name });
                scope.config.endpoints.insert(name.clone(), assignment.value);
            }
        }
        scope.config.clusters.insert(name, cluster);
    }
}

/// What rules of a host say one beside another, of which Istio would drop the younger's.
fn told_twice(scope: &mut Scope<'_>, host: &str) {
    let input = scope.input;
    for clash in input.rules(host).map(|rules| rules.clashes).unwrap_or_default() {
        let is_apart = clash.is_apart();
        let Clash { of: (id, _), at, other: (other, _) } = clash;
        let (host, other) = (host.to_owned(), other.clone());
        let feature =
            if is_apart { Feature::SeenApart { host, other } } else { Feature::SaidTwice { host, other } };
        scope.fault(id, at.to_string(), feature);
    }
}

/// Whether a port's name or protocol says HTTP/2.
fn speaks_http2(scope: &Scope<'_>, called: &Called) -> bool {
    let says = |text: &str| {
        let text = text.to_ascii_lowercase();
        ["http2", "grpc", "h2c", "kubernetes.io/h2c"]
            .iter()
            .any(|one| text == *one || text.starts_with(&format!("{one}-")))
    };
    // as in Istio
    let by = |name: Option<&str>, protocol: Option<&str>| protocol.or(name).is_some_and(says);
    match scope.input.backing(&called.host) {
        Backing::Own(service) => {
            let port = service.ports.iter().find(|one| u32::from(one.port) == called.port);
            port.is_some_and(|port| by(port.name.as_deref(), port.app_protocol.as_deref()))
        }
        Backing::Entry(_, entry) => {
            entry.ports.iter().any(|port| port.number == called.port && says(&port.protocol))
        }
        Backing::Other => {
            let is_it = |one: &&HostEndpoints| one.host == called.host && one.port == called.port;
            let mut told = scope.input.endpoints.iter().filter(is_it);
            told.any(|one| by(one.port_name.as_deref(), one.app_protocol.as_deref()))
        }
    }
}

fn pool(pool: Option<&ConnectionPool>, is_http2: bool, cluster: &mut Value) {
    let default = ConnectionPool::default();
    let pool = pool.unwrap_or(&default);
    let connect = time(pool.tcp.connect_timeout.as_ref());
    cluster["connect_timeout"] = json!(connect.unwrap_or_else(|| CONNECT_TIMEOUT.to_owned()));
    if let Some(keepalive) = &pool.tcp.tcp_keepalive {
        let seconds = |text: Option<String>| {
            text.and_then(|text| text.trim_end_matches('s').split('.').next()?.parse::<u32>().ok())
        };
        let mut probes = json!({});
        put(&mut probes, "keepalive_probes", keepalive.probes);
        put(&mut probes, "keepalive_time", seconds(time(keepalive.time.as_ref())));
        put(&mut probes, "keepalive_interval", seconds(time(keepalive.interval.as_ref())));
        cluster["upstream_connection_options"] = json!({ "tcp_keepalive": probes });
    }
    // 0 is no limit of Istio's but a word for its default
    let said = |limit: Option<u32>| limit.filter(|limit| *limit > 0);
    // without a word there is no limit, as in Istio; Envoy's own is 1,024
    let most = |limit: Option<u32>| said(limit).unwrap_or(u32::MAX);
    cluster["circuit_breakers"] = json!({ "thresholds": [{
        "max_connections": most(pool.tcp.max_connections),
        "max_pending_requests": most(pool.http.http1_max_pending_requests),
        "max_requests": most(pool.http.http2_max_requests),
        "max_retries": most(pool.http.max_retries),
        "track_remaining": true,
    }] });
    let mut common = json!({});
    let idle = pool.http.idle_timeout.as_ref().or(pool.tcp.idle_timeout.as_ref());
    put(&mut common, "idle_timeout", time(idle));
    put(&mut common, "max_connection_duration", time(pool.tcp.max_connection_duration.as_ref()));
    put(&mut common, "max_requests_per_connection", said(pool.http.max_requests_per_connection));
    let mut protocol = json!({});
    if is_http2 {
        put(&mut protocol, "max_concurrent_streams", said(pool.http.max_concurrent_streams));
    }
    let protocols = if is_http2 {
        json!({ "http2_protocol_options": protocol })
    } else {
        json!({ "http_protocol_options": {} })
    };
    let options = json!({ "common_http_protocol_options": common, "explicit_http_config": protocols });
    const OPTIONS: &str = "envoy.extensions.upstreams.http.v3.HttpProtocolOptions";
    cluster["typed_extension_protocol_options"] = json!({ OPTIONS: typed(OPTIONS, options) });
}

fn ejection(outlier: Option<&OutlierDetection>, cluster: &mut Value) {
    let Some(outlier) = outlier else { return };
    let mut detection = json!({ "enforcing_success_rate": 0 });
    put(&mut detection, "interval", time(outlier.interval.as_ref()));
    put(&mut detection, "base_ejection_time", time(outlier.base_ejection_time.as_ref()));
    let most = outlier.max_ejection_percent.filter(|most| *most > 0);
    put(&mut detection, "max_ejection_percent", most);
    for (count, name, enforced) in [
        (outlier.consecutive5xx_errors, "consecutive_5xx", "enforcing_consecutive_5xx"),
        (
            outlier.consecutive_gateway_errors,
            "consecutive_gateway_failure",
            "enforcing_consecutive_gateway_failure",
        ),
        (
            outlier.consecutive_local_origin_failures,
            "consecutive_local_origin_failure",
            "enforcing_consecutive_local_origin_failure",
        ),
    ] {
        // 0 turns a count off, which Envoy says by enforcing it never
        if let Some(count) = count {
            put(&mut detection, name, (count > 0).then_some(count));
            detection[enforced] = json!(if count > 0 { 100 } else { 0 });
        }
    }
    if outlier.split_external_local_origin_errors {
        detection["split_external_local_origin_errors"] = json!(true);
        // as the rate above, which counts what is counted apart no more
        detection["enforcing_local_origin_success_rate"] = json!(0);
    }
    cluster["outlier_detection"] = detection;
    // with outlier detection Istio turns panic off unless it is asked for
    let panic = outlier.min_health_percent.unwrap_or(0);
    cluster["common_lb_config"]["healthy_panic_threshold"] = json!({ "value": panic });
}

/// A time as Envoy has it; one that is none is told where the objects' texts are looked at.
fn time(text: Option<&String>) -> Option<String> {
    duration(text?)
}
