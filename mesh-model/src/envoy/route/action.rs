//! What becomes of a request that a route takes: an answer, a redirect, a call.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::destination::{destination, destinations};
use super::retry::retries;
use crate::envoy::listener::MAX_ANSWER;
use crate::envoy::objects::Called;
use crate::envoy::value::{duration, fraction, put};
use crate::envoy::{Feature, Scope, pattern};
use crate::template::TemplateId;
use crate::template::view::{HttpMatch, HttpRoute};

pub(super) fn action(
    scope: &mut Scope<'_>,
    id: &TemplateId,
    at: &str,
    route: &HttpRoute,
    wanted: &HttpMatch,
    envoy: &mut Value,
    called: &mut BTreeSet<Called>,
) {
    no_call(scope, id, at, route);
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

/// Who else would answer, and what for, would be dropped where a route answers by itself; Istio refuses it, too. A
/// time limit or a copy of a call that is not made is no harm (istio/istio `validateHTTPRoute`).
fn no_call(scope: &mut Scope<'_>, id: &TemplateId, at: &str, route: &HttpRoute) {
    let (answer, is_redirected_too) = match (&route.direct_response, &route.redirect) {
        (Some(_), redirect) => ("directResponse", redirect.is_some()),
        (None, Some(_)) => ("redirect", false),
        (None, None) => return,
    };
    for (field, is_there) in [
        ("redirect", is_redirected_too),
        ("rewrite", route.rewrite.is_some()),
        ("route", !route.route.is_empty()),
    ] {
        if is_there {
            scope.fault(id, format!("{at}/{field}"), Feature::Beside { answer });
        }
    }
}

fn redirect(scope: &mut Scope<'_>, id: &TemplateId, at: &str, route: &HttpRoute) -> Value {
    let wanted = route.redirect.clone().unwrap_or_default();
    if wanted.uri.is_some() && wanted.prefix_rewrite.is_some() {
        scope.value(id, format!("{at}/redirect"), "uri and prefixRewrite", "write one of them");
    }
    if let Some(scheme) = wanted.scheme.as_deref().filter(|scheme| !["http", "https"].contains(scheme)) {
        scope.value(id, format!("{at}/redirect/scheme"), scheme, "write http or https");
    }
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
    envoy["timeout"] = json!(duration(route.timeout.as_deref().unwrap_or("0s")));
    put(&mut envoy, "retry_policy", retries(scope, id, at, route.retries.as_ref()));
    if let Some(rewrite) = &route.rewrite {
        put(&mut envoy, "host_rewrite_literal", rewrite.authority.clone());
        let is_prefix = wanted.uri.as_ref().is_none_or(|uri| uri.prefix.is_some());
        match &rewrite.uri {
            Some(uri) if is_prefix => envoy["prefix_rewrite"] = json!(uri),
            // a match that is not of a prefix is rewritten whole
            Some(uri) => {
                // a `\` would name a group
                let uri = uri.replace('\\', r"\\");
                envoy["regex_rewrite"] = json!({ "pattern": { "regex": "^/.*$" }, "substitution": uri });
            }
            None => {}
        }
        if rewrite.uri.is_some() && rewrite.uri_regex_rewrite.is_some() {
            scope.value(id, format!("{at}/rewrite"), "uri and uriRegexRewrite", "write one of them");
        }
        if let Some(regex) = &rewrite.uri_regex_rewrite {
            if !names_groups(&regex.rewrite, pattern::groups(&regex.pattern)) {
                let right = "after `\\` write the number of a group of the pattern, or a second `\\`";
                scope.value(id, format!("{at}/rewrite/uriRegexRewrite/rewrite"), &regex.rewrite, right);
            }
            envoy["regex_rewrite"] =
                json!({ "pattern": pattern::matcher(&regex.pattern), "substitution": regex.rewrite });
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

/// Whether what a match becomes names only groups that the pattern has; RE2 would leave the path as it is.
fn names_groups(rewrite: &str, groups: usize) -> bool {
    let mut letters = rewrite.chars();
    while let Some(letter) = letters.next() {
        if letter != '\\' {
            continue;
        }
        let is_good = match letters.next() {
            Some('\\') => true,
            Some(digit) => digit.to_digit(10).is_some_and(|number| number as usize <= groups),
            None => false,
        };
        if !is_good {
            return false;
        }
    }
    true
}
