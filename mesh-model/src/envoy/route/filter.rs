//! What filters do with the requests of a route: pages of other origins, faults that are made.

use serde_json::{Value, json};

use crate::envoy::Scope;
use crate::envoy::objects::Input;
use crate::envoy::value::{duration, fraction, put, string_match, typed};
use crate::template::TemplateId;
use crate::template::view::{CorsPolicy, HttpFault, HttpRoute, Percent};

const CORS: &str = "envoy.filters.http.cors";
const CORS_POLICY: &str = "envoy.extensions.filters.http.cors.v3.CorsPolicy";
const FAULT: &str = "envoy.filters.http.fault";

/// The filters that routes of an access point fill, in the order in which they stand.
pub(in crate::envoy) fn filters(input: &Input<'_>) -> Vec<Value> {
    let routes = || input.virtual_services.iter().flat_map(|(_, service)| &service.http);
    let fault = routes().any(|route| route.fault.is_some()).then(|| {
        json!({ "name": FAULT, "typed_config": typed("envoy.extensions.filters.http.fault.v3.HTTPFault", json!({})) })
    });
    let cors = routes().any(|route| route.cors_policy.is_some()).then(|| {
        json!({ "name": CORS, "typed_config": typed("envoy.extensions.filters.http.cors.v3.Cors", json!({})) })
    });
    fault.into_iter().chain(cors).collect()
}

/// Fills them for a route.
pub(super) fn fill(scope: &mut Scope<'_>, id: &TemplateId, at: &str, route: &HttpRoute, envoy: &mut Value) {
    if let Some(policy) = &route.cors_policy {
        envoy["typed_per_filter_config"][CORS] = cors(scope, id, &format!("{at}/corsPolicy"), policy);
    }
    if let Some(wanted) = &route.fault {
        envoy["typed_per_filter_config"][FAULT] = fault(scope, id, &format!("{at}/fault"), wanted);
    }
}

fn cors(scope: &mut Scope<'_>, id: &TemplateId, at: &str, policy: &CorsPolicy) -> Value {
    let origins: Vec<Value> = policy.allow_origins.iter().filter_map(string_match).collect();
    let mut cors = json!({ "allow_origin_string_match": origins });
    for (name, list) in [
        ("allow_methods", &policy.allow_methods),
        ("allow_headers", &policy.allow_headers),
        ("expose_headers", &policy.expose_headers),
    ] {
        put(&mut cors, name, (!list.is_empty()).then(|| list.join(",")));
    }
    if let Some(text) = &policy.max_age {
        // in whole seconds, as browsers are told
        let Some(time) = duration(text) else { return typed(CORS_POLICY, cors) };
        match time.strip_suffix('s').and_then(|time| time.parse::<u64>().ok()) {
            Some(seconds) => cors["max_age"] = json!(seconds.to_string()),
            None => scope.value(id, format!("{at}/maxAge"), text, "write whole seconds or more, such as 10m"),
        }
    }
    put(&mut cors, "allow_credentials", policy.allow_credentials);
    match policy.unmatched_preflights.as_deref() {
        None | Some("UNSPECIFIED" | "FORWARD") => {}
        Some("IGNORE") => cors["forward_not_matching_preflights"] = json!(false),
        Some(other) => {
            scope.value(id, format!("{at}/unmatchedPreflights"), other, "write FORWARD or IGNORE");
        }
    }
    typed(CORS_POLICY, cors)
}

/// The statuses of gRPC, each by its number.
const GRPC: [&str; 17] = [
    "OK",
    "CANCELLED",
    "UNKNOWN",
    "INVALID_ARGUMENT",
    "DEADLINE_EXCEEDED",
    "NOT_FOUND",
    "ALREADY_EXISTS",
    "PERMISSION_DENIED",
    "RESOURCE_EXHAUSTED",
    "FAILED_PRECONDITION",
    "ABORTED",
    "OUT_OF_RANGE",
    "UNIMPLEMENTED",
    "INTERNAL",
    "UNAVAILABLE",
    "DATA_LOSS",
    "UNAUTHENTICATED",
];

fn fault(scope: &mut Scope<'_>, id: &TemplateId, at: &str, wanted: &HttpFault) -> Value {
    // as in Istio nothing happens to any request where nothing is said of how many
    let share = |percentage: Option<Percent>| fraction(percentage.map_or(0.0, |one| one.value));
    let mut fault = json!({});
    if let Some(delay) = &wanted.delay {
        let text = delay.fixed_delay.as_deref().unwrap_or_default();
        match duration(text) {
            Some(time) => {
                fault["delay"] = json!({ "fixed_delay": time, "percentage": share(delay.percentage) });
            }
            None if delay.fixed_delay.is_some() => {}
            None => scope.value(id, format!("{at}/delay/fixedDelay"), text, "write a duration such as 5s"),
        }
    }
    if let Some(abort) = &wanted.abort {
        let http = abort.http_status.filter(|status| (200..600).contains(status));
        let grpc = abort.grpc_status.as_deref().map(|name| GRPC.iter().position(|one| *one == name));
        match http {
            _ if abort.grpc_status.is_some() => match grpc.flatten() {
                Some(status) if abort.http_status.is_none() => {
                    fault["abort"] = json!({ "grpc_status": status, "percentage": share(abort.percentage) });
                }
                Some(_) => {
                    let right = "write httpStatus or grpcStatus";
                    scope.value(id, format!("{at}/abort"), "httpStatus and grpcStatus", right);
                }
                None => {
                    let found = abort.grpc_status.as_deref().unwrap_or_default();
                    let right = "write a status of gRPC by its name, such as UNAVAILABLE";
                    scope.value(id, format!("{at}/abort/grpcStatus"), found, right);
                }
            },
            Some(status) => {
                fault["abort"] = json!({ "http_status": status, "percentage": share(abort.percentage) });
            }
            None => {
                let found = abort.http_status.map(|status| status.to_string()).unwrap_or_default();
                scope.value(id, format!("{at}/abort/httpStatus"), &found, "write a status from 200 to 599");
            }
        }
    }
    typed("envoy.extensions.filters.http.fault.v3.HTTPFault", fault)
}
