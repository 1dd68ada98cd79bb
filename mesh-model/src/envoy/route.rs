//! Route tables: hosts and paths to clusters, redirects and answers.

mod action;
mod destination;
mod filter;
mod header;
mod retry;

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::objects::Called;
use super::value::{put, string_match};
use super::{Scope, access, pattern};
use crate::template::TemplateId;
use crate::template::view::{HttpMatch, VirtualService, gateway_name};
use action::action;
use header::headers;

pub(super) use destination::{cluster_name, destinations, resolve};
pub(super) use filter::filters;

/// A server that has a route table, and where requests came in.
pub(super) struct Served<'a> {
    /// The Gateway's name.
    pub(super) gateway: &'a str,
    /// The hosts to which the access point's namespace may bind routes, without namespaces.
    pub(super) hosts: Vec<String>,
    pub(super) port: u32,
}

impl Served<'_> {
    /// Whether a list of Gateways names this one; the namespace must be the access point's.
    pub(super) fn is_named(&self, scope: &Scope<'_>, gateways: &[String]) -> bool {
        let namespace = &scope.input.access_point.namespace;
        let full = format!("{namespace}/{}", self.gateway);
        gateways.iter().any(|one| gateway_name(one, namespace) == full)
    }

    /// The hosts that both the server and a VirtualService's host mean: of each pair the narrower.
    pub(super) fn shared(&self, host: &str) -> BTreeSet<String> {
        // names are the same in either case, and Envoy refuses one that it has twice
        let host = host.to_ascii_lowercase();
        let narrower = |own: &String| {
            if covers(own, &host) {
                return Some(host.clone());
            }
            covers(&host, own).then(|| own.clone())
        };
        self.hosts.iter().filter_map(narrower).collect()
    }
}

/// Whether a name is another, or a wildcard that the other is in; both in lower case.
pub(super) fn covers(wide: &str, narrow: &str) -> bool {
    let is_in = |suffix: &str| narrow.len() > suffix.len() && narrow.ends_with(suffix);
    wide == narrow || wide.strip_prefix('*').is_some_and(is_in)
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
        let shared: BTreeSet<String> = service.hosts.iter().flat_map(|host| served.shared(host)).collect();
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
            if wanted.ignore_uri_case && wanted.uri.as_ref().is_some_and(|uri| uri.regex.is_some()) {
                let right = "a pattern says so itself; write (?i) at its start";
                scope.value(id, format!("{at}/match/{position}/ignoreUriCase"), "true", right);
            }
            let mut envoy = json!({ "match": match_of(wanted) });
            put(&mut envoy, "name", route.name.clone());
            action(scope, id, &at, route, wanted, &mut envoy, called);
            headers(scope, id, &at, route.headers.as_ref(), &mut envoy);
            access::of_route(scope, id, &at, route, &mut envoy);
            filter::fill(scope, id, &at, route, &mut envoy);
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
        (_, _, Some(regex)) => envoy["safe_regex"] = pattern::matcher(&regex),
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
            if header.get("string_match").is_some() {
                // who lacks a header has no such value of it; Envoy would match neither way
                header["treat_missing_header_as_empty"] = json!(true);
            }
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
