//! HTTP on a port: tables of routes, the filters that every request passes, log and traces.

use std::time::Duration;

use serde_json::{Value, json};

use crate::envoy::value::{ads, in_seconds, typed};
use crate::envoy::{RateLimit, Scope, access};

/// The largest body of an answer that is the gateway's own.
pub(in crate::envoy) const MAX_ANSWER: usize = 1 << 20;

pub(super) fn virtual_host(host: &str, routes: Vec<Value>, redirects: bool) -> Value {
    let mut virtual_host = json!({ "name": host, "domains": [host], "routes": routes });
    if redirects {
        virtual_host["require_tls"] = json!("ALL");
    }
    virtual_host
}

pub(super) fn route_table(name: &str, virtual_hosts: Vec<Value>) -> Value {
    json!({
        "name": name,
        "virtual_hosts": virtual_hosts,
        "ignore_port_in_host_matching": true,
        // a table is right when its clusters are there, which the order of sending sees to
        "validate_clusters": false,
        // as large as Istio lets an answer be; Envoy's own is 4 KiB
        "max_direct_response_body_size_bytes": MAX_ANSWER,
    })
}

pub(super) fn http_filter(scope: &mut Scope<'_>, routes: &str) -> Value {
    let mut filters = access::http_filters(scope);
    filters.extend(rate_limit(scope));
    filters.extend(crate::envoy::route::filters(scope.input));
    let router = typed("envoy.extensions.filters.http.router.v3.Router", json!({}));
    filters.push(json!({ "name": "envoy.filters.http.router", "typed_config": router }));
    let mut manager = json!({
        "stat_prefix": routes,
        "rds": { "route_config_name": routes, "config_source": ads() },
        "http_filters": filters,
        // the connection's peer is the client: nobody else's word is taken for its address
        "use_remote_address": true,
        // who the client is by its certificate, and nothing that it says itself
        "forward_client_cert_details": "SANITIZE_SET",
        "set_current_client_cert_details": { "subject": true, "cert": true, "dns": true, "uri": true },
        // rules and routes must see the path that the destination sees
        "normalize_path": true,
        "merge_slashes": true,
        "path_with_escaped_slashes_action": "UNESCAPE_AND_REDIRECT",
        "strip_any_host_port": true,
        "upgrade_configs": [{ "upgrade_type": "websocket" }],
    });
    if scope.proxy.access_log {
        manager["access_log"] = json!([access_log()]);
    }
    if let Some(tracing) = &scope.proxy.tracing {
        let collector = json!({ "envoy_grpc": { "cluster_name": tracing.collector }, "timeout": "0.25s" });
        let provider = json!({ "grpc_service": collector, "service_name": scope.own("") });
        let percent = f64::from(tracing.sampling.as_millionths()) / 10_000.0;
        manager["tracing"] = json!({
            "random_sampling": { "value": percent },
            "provider": {
                "name": "envoy.tracers.opentelemetry",
                "typed_config": typed("envoy.config.trace.v3.OpenTelemetryConfig", provider),
            },
        });
    }
    let message = "envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager";
    json!({ "name": "envoy.filters.network.http_connection_manager", "typed_config": typed(message, manager) })
}

fn access_log() -> Value {
    let fields = [
        ("time", "%START_TIME%"),
        ("client", "%DOWNSTREAM_DIRECT_REMOTE_ADDRESS%"),
        ("vip", "%DOWNSTREAM_LOCAL_ADDRESS%"),
        ("authority", "%REQ(:AUTHORITY)%"),
        ("method", "%REQ(:METHOD)%"),
        ("path", "%REQ(X-ENVOY-ORIGINAL-PATH?:PATH)%"),
        ("status", "%RESPONSE_CODE%"),
        ("flags", "%RESPONSE_FLAGS%"),
        ("duration_ms", "%DURATION%"),
        ("cluster", "%UPSTREAM_CLUSTER%"),
        ("endpoint", "%UPSTREAM_HOST%"),
        ("trace", "%TRACE_ID%"),
        // set by rules that only look
        ("audit", "%DYNAMIC_METADATA(envoy.common:access_log_hint)%"),
    ];
    let format: Value = fields.into_iter().map(|(name, value)| (name.to_owned(), json!(value))).collect();
    let config = json!({ "log_format": { "json_format": format } });
    let message = "envoy.extensions.access_loggers.stream.v3.StdoutAccessLog";
    json!({ "name": "envoy.access_loggers.stdout", "typed_config": typed(message, config) })
}

fn rate_limit(scope: &Scope<'_>) -> Option<Value> {
    let limit = scope.input.rate_limit?;
    let all = json!({ "default_value": { "numerator": 100, "denominator": "HUNDRED" } });
    let config = json!({
        "stat_prefix": "rate_limit",
        "token_bucket": {
            "max_tokens": limit.burst,
            "tokens_per_fill": limit.requests,
            "fill_interval": in_seconds(limit.interval.as_nanos()),
        },
        "filter_enabled": all,
        "filter_enforced": all,
    });
    let message = "envoy.extensions.filters.http.local_ratelimit.v3.LocalRateLimit";
    Some(json!({ "name": "envoy.filters.http.local_ratelimit", "typed_config": typed(message, config) }))
}

/// Whether Envoy has such a bucket.
pub(super) fn has_bucket(limit: &RateLimit) -> bool {
    limit.requests > 0 && limit.burst > 0 && limit.interval >= Duration::from_millis(50)
}
