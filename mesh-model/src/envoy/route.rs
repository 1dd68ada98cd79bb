//! Route tables: hosts and paths to clusters, redirects and answers.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::listener::MAX_ANSWER;
use super::objects::{Called, Named};
use super::value::{duration, fraction, put, string_match};
use super::{Feature, Scope, access, balance};
use crate::template::TemplateId;
use crate::template::view::{
    Destination, HeaderChanges, HeaderOperations, HttpMatch, HttpRetry, HttpRoute, RouteDestination,
    VirtualService,
};

/// What Istio retries where nothing is said.
const RETRY_ON: &str = "connect-failure,refused-stream,unavailable,cancelled,retriable-status-codes";

/// What Envoy can try again after; of others it would say nothing.
const RETRY_CONDITIONS: [&str; 16] = [
    "5xx",
    "cancelled",
    "connect-failure",
    "deadline-exceeded",
    "envoy-ratelimited",
    "gateway-error",
    "http3-post-connect-failure",
    "internal",
    "refused-stream",
    "reset",
    "reset-before-request",
    "resource-exhausted",
    "retriable-4xx",
    "retriable-headers",
    "retriable-status-codes",
    "unavailable",
];

/// A server that has a route table, and where requests came in.
pub(super) struct Served<'a> {
    /// The Gateway's name.
    pub(super) gateway: &'a str,
    /// The hosts, without namespaces.
    pub(super) hosts: Vec<String>,
    pub(super) port: u32,
}

impl Served<'_> {
    /// Whether a list of Gateways names this one; the namespace must be the access point's.
    pub(super) fn is_named(&self, scope: &Scope<'_>, gateways: &[String]) -> bool {
        let full = format!("{}/{}", scope.input.access_point.namespace, self.gateway);
        gateways.iter().any(|one| one == self.gateway || *one == full)
    }

    /// The host that both the server and a VirtualService's host mean: the narrower of the two.
    pub(super) fn shared(&self, host: &str) -> Option<String> {
        let covers = |wide: &str, narrow: &str| {
            wide == narrow
                || wide
                    .strip_prefix('*')
                    .is_some_and(|suffix| narrow.len() > suffix.len() && narrow.ends_with(suffix))
        };
        self.hosts.iter().find_map(|own| {
            if covers(own, host) {
                return Some(host.to_owned());
            }
            covers(host, own).then(|| own.clone())
        })
    }
}

/// The virtual hosts of a server.
pub(super) fn virtual_hosts(
    scope: &mut Scope<'_>,
    served: &Served<'_>,
    called: &mut BTreeSet<Called>,
) -> BTreeMap<String, Vec<Value>> {
    let mut hosts: BTreeMap<String, Vec<Value>> = BTreeMap::new();
    let input = scope.input;
    for (id, service) in &input.virtual_services {
        if !served.is_named(scope, &service.gateways) {
            continue;
        }
        let shared: BTreeSet<String> = service.hosts.iter().filter_map(|host| served.shared(host)).collect();
        if shared.is_empty() {
            continue;
        }
        let routes = routes(scope, served, (id, service), called);
        for host in shared {
            hosts.entry(host).or_default().extend(routes.clone());
        }
    }
    for routes in hosts.values_mut() {
        // as in Istio: what takes all is of no object's order, or it would hide the other objects' routes
        routes.sort_by_key(|route| route["match"] == json!({ "prefix": "/" }));
    }
    hosts
}

fn routes(
    scope: &mut Scope<'_>,
    served: &Served<'_>,
    (id, service): (&TemplateId, &VirtualService),
    called: &mut BTreeSet<Called>,
) -> Vec<Value> {
    let mut routes = Vec::new();
    for (number, route) in service.http.iter().enumerate() {
        let at = format!("/spec/http/{number}");
        let any = [HttpMatch::default()];
        let matches = if route.matches.is_empty() { &any[..] } else { &route.matches[..] };
        for (position, wanted) in matches.iter().enumerate() {
            let is_here = wanted.port.is_none_or(|port| port == served.port)
                && (wanted.gateways.is_empty() || served.is_named(scope, &wanted.gateways));
            if !is_here {
                continue;
            }
            let mut envoy = json!({ "match": match_of(wanted) });
            put(&mut envoy, "name", route.name.clone());
            action(scope, id, &at, route, wanted, &mut envoy, called);
            headers(scope, id, &at, route.headers.as_ref(), &mut envoy);
            access::of_route(scope, id, &at, route, &mut envoy);
            routes.push(envoy);
            let takes_all = *wanted == HttpMatch::default() && position + 1 == matches.len();
            if takes_all {
                return routes;
            }
        }
    }
    routes
}

fn match_of(wanted: &HttpMatch) -> Value {
    let mut envoy = json!({});
    let uri = wanted.uri.clone().unwrap_or_default();
    match (uri.exact, uri.prefix, uri.regex) {
        (Some(path), _, _) => envoy["path"] = json!(path),
        (_, Some(prefix), _) => envoy["prefix"] = json!(prefix),
        (_, _, Some(regex)) => envoy["safe_regex"] = json!({ "regex": regex }),
        (None, None, None) => envoy["prefix"] = json!("/"),
    }
    if wanted.ignore_uri_case {
        envoy["case_sensitive"] = json!(false);
    }
    let header = |name: &str, text: &crate::template::view::StringMatch, is_not: bool| {
        let mut header = match string_match(text) {
            Some(matcher) => json!({ "name": name, "string_match": matcher }),
            None => json!({ "name": name, "present_match": true }),
        };
        if is_not {
            header["invert_match"] = json!(true);
        }
        header
    };
    let pseudo =
        [(":method", &wanted.method), (":authority", &wanted.authority), (":scheme", &wanted.scheme)];
    let mut headers: Vec<Value> =
        pseudo.into_iter().filter_map(|(name, text)| Some(header(name, text.as_ref()?, false))).collect();
    headers.extend(wanted.headers.iter().map(|(name, text)| header(name, text, false)));
    headers.extend(wanted.without_headers.iter().map(|(name, text)| header(name, text, true)));
    if !headers.is_empty() {
        envoy["headers"] = json!(headers);
    }
    let parameter = |(name, text): (&String, _)| match string_match(text) {
        Some(matcher) => json!({ "name": name, "string_match": matcher }),
        None => json!({ "name": name, "present_match": true }),
    };
    let parameters: Vec<Value> = wanted.query_params.iter().map(parameter).collect();
    if !parameters.is_empty() {
        envoy["query_parameters"] = json!(parameters);
    }
    envoy
}

fn action(
    scope: &mut Scope<'_>,
    id: &TemplateId,
    at: &str,
    route: &HttpRoute,
    wanted: &HttpMatch,
    envoy: &mut Value,
    called: &mut BTreeSet<Called>,
) {
    if let Some(answer) = &route.direct_response {
        if !(200..600).contains(&answer.status) {
            let right = "write a status from 200 to 599";
            scope.value(id, format!("{at}/directResponse/status"), &answer.status.to_string(), right);
        }
        envoy["direct_response"] = json!({ "status": answer.status });
        if let Some(text) = answer.body.as_ref().and_then(|body| body.string.clone()) {
            if text.len() > MAX_ANSWER {
                let found = format!("a body of {} bytes", text.len());
                scope.value(id, format!("{at}/directResponse/body/string"), &found, "write at most 1 MiB");
            }
            envoy["direct_response"]["body"] = json!({ "inline_string": text });
        }
    } else if route.redirect.is_some() {
        envoy["redirect"] = redirect(scope, id, at, route);
    } else {
        envoy["route"] = forward(scope, id, at, route, wanted, called);
    }
}

fn redirect(scope: &mut Scope<'_>, id: &TemplateId, at: &str, route: &HttpRoute) -> Value {
    let wanted = route.redirect.clone().unwrap_or_default();
    let mut redirect = json!({});
    put(&mut redirect, "path_redirect", wanted.uri);
    put(&mut redirect, "prefix_rewrite", wanted.prefix_rewrite);
    put(&mut redirect, "host_redirect", wanted.authority);
    put(&mut redirect, "scheme_redirect", wanted.scheme);
    put(&mut redirect, "port_redirect", wanted.port);
    match wanted.derive_port.as_deref() {
        // what Envoy does by itself: a port stays only where the scheme does
        None | Some("FROM_PROTOCOL_DEFAULT") => {}
        Some(other) => scope.value(
            id,
            format!("{at}/redirect/derivePort"),
            other,
            "write FROM_PROTOCOL_DEFAULT, or a port",
        ),
    }
    let code = match wanted.redirect_code {
        None | Some(301) => "MOVED_PERMANENTLY",
        Some(302) => "FOUND",
        Some(303) => "SEE_OTHER",
        Some(307) => "TEMPORARY_REDIRECT",
        Some(308) => "PERMANENT_REDIRECT",
        Some(other) => {
            scope.value(
                id,
                format!("{at}/redirect/redirectCode"),
                &other.to_string(),
                "write 301, 302, 303, 307 or 308",
            );
            "MOVED_PERMANENTLY"
        }
    };
    redirect["response_code"] = json!(code);
    redirect
}

fn forward(
    scope: &mut Scope<'_>,
    id: &TemplateId,
    at: &str,
    route: &HttpRoute,
    wanted: &HttpMatch,
    called: &mut BTreeSet<Called>,
) -> Value {
    let mut envoy = destinations(scope, id, at, &route.route, called, true);
    let timeout = route.timeout.as_deref().map_or_else(|| Some("0s".to_owned()), duration);
    match timeout {
        Some(timeout) => envoy["timeout"] = json!(timeout),
        None => scope.value(
            id,
            format!("{at}/timeout"),
            route.timeout.as_deref().unwrap_or_default(),
            "write a duration such as 5s",
        ),
    }
    put(&mut envoy, "retry_policy", retries(scope, id, at, route.retries.as_ref()));
    if let Some(rewrite) = &route.rewrite {
        put(&mut envoy, "host_rewrite_literal", rewrite.authority.clone());
        let is_prefix = wanted.uri.as_ref().is_none_or(|uri| uri.prefix.is_some());
        match &rewrite.uri {
            Some(uri) if is_prefix => envoy["prefix_rewrite"] = json!(uri),
            // a match that is not of a prefix is rewritten whole
            Some(uri) => {
                envoy["regex_rewrite"] = json!({ "pattern": { "regex": "^/.*$" }, "substitution": uri })
            }
            None => {}
        }
        if rewrite.uri.is_some() && rewrite.uri_regex_rewrite.is_some() {
            scope.value(id, format!("{at}/rewrite"), "uri and uriRegexRewrite", "write one of them");
        }
        if let Some(regex) = &rewrite.uri_regex_rewrite {
            envoy["regex_rewrite"] =
                json!({ "pattern": { "regex": regex.pattern }, "substitution": regex.rewrite });
        }
    }
    let mut mirrors = Vec::new();
    let old = route.mirror.as_ref().map(|to| (format!("{at}/mirror"), to, route.mirror_percentage));
    let new = route.mirrors.iter().enumerate().map(|(position, one)| {
        (format!("{at}/mirrors/{position}/destination"), &one.destination, one.percentage)
    });
    for (at, to, percentage) in old.into_iter().chain(new) {
        let cluster = destination(scope, id, &at, to, called);
        let percent = percentage.map_or(100.0, |one| one.value);
        mirrors
            .push(json!({ "cluster": cluster, "runtime_fraction": { "default_value": fraction(percent) } }));
    }
    if !mirrors.is_empty() {
        envoy["request_mirror_policies"] = json!(mirrors);
    }
    envoy
}

/// One cluster, or several by weight.
pub(super) fn destinations(
    scope: &mut Scope<'_>,
    id: &TemplateId,
    at: &str,
    route: &[RouteDestination],
    called: &mut BTreeSet<Called>,
    is_http: bool,
) -> Value {
    if route.is_empty() {
        scope.value(id, format!("{at}/route"), "", "write at least one destination");
    }
    let mut hashes = Vec::new();
    let mut clusters = Vec::new();
    for (position, one) in route.iter().enumerate() {
        let at = format!("{at}/route/{position}");
        let cluster = destination(scope, id, &format!("{at}/destination"), &one.destination, called);
        if let Some(to) = resolve(scope, &one.destination) {
            for hash in balance::hash_policy(scope, &to) {
                if !hashes.contains(&hash) {
                    hashes.push(hash);
                }
            }
        }
        let weight = one.weight.unwrap_or_else(|| u32::from(route.len() == 1));
        let mut share = json!({ "name": cluster, "weight": weight });
        headers(scope, id, &at, one.headers.as_ref(), &mut share);
        clusters.push(share);
    }
    let is_simple = clusters.len() == 1 && route.first().is_some_and(|one| one.headers.is_none());
    let mut envoy = if is_simple {
        json!({ "cluster": clusters[0]["name"] })
    } else {
        if clusters.iter().all(|one| one["weight"] == 0) {
            scope.value(id, format!("{at}/route"), "all weights are 0", "write a weight over 0");
        }
        // a part without weight gets nothing, and Envoy for TCP takes no 0
        clusters.retain(|one| one["weight"] != 0);
        json!({ "weighted_clusters": { "clusters": clusters } })
    };
    if is_http && !hashes.is_empty() {
        envoy["hash_policy"] = json!(hashes);
    } else if !hashes.is_empty() {
        if hashes.iter().any(|hash| hash.get("connection_properties").is_none()) {
            let right =
                "a port without HTTP has only the client's address; write useSourceIp in the DestinationRule";
            scope.value(id, format!("{at}/route"), "a hash of headers, cookies or queries", right);
        }
        envoy["hash_policy"] = json!([{ "source_ip": {} }]);
    }
    envoy
}

/// The cluster of a destination, which is noted as called.
fn destination(
    scope: &mut Scope<'_>,
    id: &TemplateId,
    at: &str,
    to: &Destination,
    called: &mut BTreeSet<Called>,
) -> String {
    let host = scope.input.full_host(&to.host);
    let Some(found) = resolve(scope, to) else {
        let port = to.port.map_or(0, |port| port.number);
        scope.fault(id, at, Feature::UnknownHost { host, port });
        return String::new();
    };
    if scope.input.subset_labels(&found).is_none() {
        let subset = found.subset.clone().unwrap_or_default();
        scope.fault(id, format!("{at}/subset"), Feature::UnknownSubset { host, subset });
    }
    let name = cluster_name(scope, &found);
    called.insert(found);
    name
}

/// The port of a host that a destination means, if the host is known and has it.
pub(super) fn resolve(scope: &Scope<'_>, to: &Destination) -> Option<Called> {
    let host = scope.input.full_host(&to.host);
    let ports = scope.input.ports(&host);
    let port = match (to.port, &ports[..]) {
        (Some(port), _) => port.number,
        (None, [only]) => *only,
        (None, _) => return None,
    };
    ports.contains(&port).then(|| Called { host, port, subset: to.subset.clone() })
}

/// The name of a cluster: it is the access point's own, so that nobody else's rules touch it.
pub(super) fn cluster_name(scope: &Scope<'_>, called: &Called) -> String {
    let subset = called.subset.as_deref().unwrap_or_default();
    scope.own(&format!("|{}|{subset}|{}", called.port, called.host))
}

fn retries(scope: &mut Scope<'_>, id: &TemplateId, at: &str, retry: Option<&HttpRetry>) -> Option<Value> {
    let default = HttpRetry { attempts: 2, ..HttpRetry::default() };
    let retry = retry.unwrap_or(&default);
    if retry.attempts == 0 {
        return None;
    }
    let mut policy = json!({ "num_retries": retry.attempts });
    let (mut conditions, mut statuses) = (Vec::new(), Vec::new());
    let said = retry.retry_on.as_deref().unwrap_or(RETRY_ON);
    for word in said.split(',').map(str::trim).filter(|word| !word.is_empty()) {
        match word.parse::<u16>() {
            Ok(status) if (100..600).contains(&status) => statuses.push(status),
            Err(_) if RETRY_CONDITIONS.contains(&word) => conditions.push(word),
            _ => scope.value(
                id,
                format!("{at}/retries/retryOn"),
                word,
                "write conditions that Envoy has, or statuses",
            ),
        }
    }
    if retry.retry_on.is_none() {
        statuses.push(503);
    }
    if !statuses.is_empty() && !conditions.contains(&"retriable-status-codes") {
        conditions.push("retriable-status-codes");
    }
    policy["retry_on"] = json!(conditions.join(","));
    if !statuses.is_empty() {
        policy["retriable_status_codes"] = json!(statuses);
    }
    for (field, name, text) in [
        ("perTryTimeout", "per_try_timeout", &retry.per_try_timeout),
        ("backoff", "retry_back_off", &retry.backoff),
    ] {
        let Some(text) = text else { continue };
        match duration(text) {
            Some(time) if name == "retry_back_off" => policy[name] = json!({ "base_interval": time }),
            Some(time) => policy[name] = json!(time),
            None => scope.value(id, format!("{at}/retries/{field}"), text, "write a duration such as 500ms"),
        }
    }
    if retry.retry_ignore_previous_hosts != Some(false) {
        let message = "envoy.extensions.retry.host.previous_hosts.v3.PreviousHostsPredicate";
        policy["retry_host_predicate"] = json!([{ "name": "envoy.retry_host_predicates.previous_hosts", "typed_config": super::value::typed(message, json!({})) }]);
        policy["host_selection_retry_max_attempts"] = json!("5");
    }
    if retry.retry_remote_localities == Some(true) {
        let message = "envoy.extensions.retry.priority.previous_priorities.v3.PreviousPrioritiesConfig";
        policy["retry_priority"] = json!({
            "name": "envoy.retry_priorities.previous_priorities",
            "typed_config": super::value::typed(message, json!({ "update_frequency": 1 })),
        });
    }
    Some(policy)
}

fn headers(
    scope: &mut Scope<'_>,
    id: &TemplateId,
    at: &str,
    changes: Option<&HeaderChanges>,
    envoy: &mut Value,
) {
    let Some(changes) = changes else { return };
    for (side, operations) in [("request", &changes.request), ("response", &changes.response)] {
        side_headers(scope, id, &format!("{at}/headers/{side}"), side, operations, envoy);
    }
}

fn side_headers(
    scope: &mut Scope<'_>,
    id: &TemplateId,
    at: &str,
    side: &str,
    changes: &HeaderOperations,
    envoy: &mut Value,
) {
    let mut options = Vec::new();
    for (part, headers, action) in [
        ("set", &changes.set, "OVERWRITE_IF_EXISTS_OR_ADD"),
        ("add", &changes.add, "APPEND_IF_EXISTS_OR_ADD"),
    ] {
        for (name, value) in headers {
            if is_address(name) {
                scope.value(
                    id,
                    format!("{at}/{part}/{name}"),
                    name,
                    "Envoy changes no such header; write rewrite.authority",
                );
                continue;
            }
            options.push(json!({ "header": { "key": name, "value": value }, "append_action": action }));
        }
    }
    for (position, name) in changes.remove.iter().enumerate().filter(|(_, name)| is_address(name)) {
        scope.value(id, format!("{at}/remove/{position}"), name, "no request is without it");
    }
    if !options.is_empty() {
        envoy[format!("{side}_headers_to_add")] = json!(options);
    }
    if !changes.remove.is_empty() {
        envoy[format!("{side}_headers_to_remove")] = json!(changes.remove);
    }
}

/// Whether a header says where a request goes, which Envoy does not let be changed so.
fn is_address(name: &str) -> bool {
    name.starts_with(':') || name.eq_ignore_ascii_case("host")
}

/// VirtualServices that are bound to a Gateway which is not there serve nothing.
pub(super) fn unbound(scope: &mut Scope<'_>) {
    let input = scope.input;
    let known = |one: &String| {
        let namespace = input.access_point.namespace.as_str();
        let name = one.strip_prefix(namespace).and_then(|rest| rest.strip_prefix('/')).unwrap_or(one);
        one == "mesh" || input.gateways.iter().any(|(id, _)| *id.name == *name)
    };
    let wrong: Vec<(TemplateId, usize, String)> = input
        .virtual_services
        .iter()
        .flat_map(|(id, service): &Named<VirtualService>| {
            let gateways = service.gateways.iter().enumerate();
            gateways.filter(|(_, one)| !known(one)).map(|(at, one)| (id.clone(), at, one.clone()))
        })
        .collect();
    for (id, position, name) in wrong {
        scope.value(
            &id,
            format!("/spec/gateways/{position}"),
            &name,
            "write a Gateway of the access point, or mesh",
        );
    }
}
