//! One rule of a policy as Envoy has it: what is called, and who calls.

use serde_json::{Value, json};

use crate::envoy::Scope;
use crate::envoy::value::{starred, typed};
use crate::template::TemplateId;
use crate::template::view::{AuthorizationRule, RuleCondition};

/// A rule's permissions and principals, all of which must hold.
pub(super) fn rule_of(
    scope: &mut Scope<'_>,
    id: &TemplateId,
    number: usize,
    rule: &AuthorizationRule,
    is_http: bool,
) -> Value {
    let at = format!("/spec/rules/{number}");
    let mut sources = Vec::new();
    for (position, from) in rule.from.iter().enumerate() {
        let at = format!("{at}/from/{position}/source");
        let one = &from.source;
        let mut parts = Vec::new();
        for (field, blocks, is_not) in [
            ("ipBlocks", &one.ip_blocks, false),
            ("remoteIpBlocks", &one.remote_ip_blocks, false),
            ("notIpBlocks", &one.not_ip_blocks, true),
            ("notRemoteIpBlocks", &one.not_remote_ip_blocks, true),
        ] {
            let blocks = addresses(scope, id, &format!("{at}/{field}"), blocks);
            parts.extend(
                any_of(blocks, "or_ids", "ids")
                    .map(|any| if is_not { json!({ "not_id": any }) } else { any }),
            );
        }
        sources.push(all_of(parts, "and_ids", "ids"));
    }
    let mut operations = Vec::new();
    for (position, to) in rule.to.iter().enumerate() {
        let at = format!("{at}/to/{position}/operation");
        let one = &to.operation;
        let http = [&one.hosts, &one.methods, &one.paths, &one.not_hosts, &one.not_methods, &one.not_paths];
        if !is_http && http.iter().any(|list| !list.is_empty()) {
            scope.value(id, &at, "hosts, methods or paths", "a port without HTTP has none; write ports");
        }
        let mut parts = Vec::new();
        for (field, texts, is_not) in [
            ("hosts", &one.hosts, false),
            ("methods", &one.methods, false),
            ("paths", &one.paths, false),
            ("ports", &one.ports, false),
            ("notHosts", &one.not_hosts, true),
            ("notMethods", &one.not_methods, true),
            ("notPaths", &one.not_paths, true),
            ("notPorts", &one.not_ports, true),
        ] {
            let permissions = permissions(scope, id, &format!("{at}/{field}"), field, texts);
            let any = any_of(permissions, "or_rules", "rules");
            parts.extend(any.map(|any| if is_not { json!({ "not_rule": any }) } else { any }));
        }
        operations.push(all_of(parts, "and_rules", "rules"));
    }
    let (mut ids, mut rules) = (Vec::new(), Vec::new());
    ids.extend(any_of(sources, "or_ids", "ids"));
    rules.extend(any_of(operations, "or_rules", "rules"));
    for (position, when) in rule.when.iter().enumerate() {
        condition(scope, id, &format!("{at}/when/{position}"), when, is_http, &mut ids, &mut rules);
    }
    json!({
        "permissions": [all_of(rules, "and_rules", "rules")],
        "principals": [all_of(ids, "and_ids", "ids")],
    })
}

/// A condition, which is about the caller or about the request.
fn condition(
    scope: &mut Scope<'_>,
    id: &TemplateId,
    at: &str,
    when: &RuleCondition,
    is_http: bool,
    ids: &mut Vec<Value>,
    rules: &mut Vec<Value>,
) {
    let header = when.key.strip_prefix("request.headers[").and_then(|rest| rest.strip_suffix(']'));
    for (field, values, is_not) in [("values", &when.values, false), ("notValues", &when.not_values, true)] {
        let at = format!("{at}/{field}");
        if values.is_empty() {
            continue;
        }
        match (when.key.as_str(), header) {
            ("source.ip" | "remote.ip", _) => {
                let any = any_of(addresses(scope, id, &at, values), "or_ids", "ids");
                ids.extend(any.map(|any| if is_not { json!({ "not_id": any }) } else { any }));
            }
            ("destination.port", _) => {
                let any = any_of(permissions(scope, id, &at, "ports", values), "or_rules", "rules");
                rules.extend(any.map(|any| if is_not { json!({ "not_rule": any }) } else { any }));
            }
            // which Envoy has by one name
            (_, Some(name)) if is_http && [":authority", "host"].contains(&&*name.to_ascii_lowercase()) => {
                let any = any_of(permissions(scope, id, &at, "hosts", values), "or_rules", "rules");
                rules.extend(any.map(|any| if is_not { json!({ "not_rule": any }) } else { any }));
            }
            (_, Some(name)) if is_http => {
                let one =
                    |text: &String| json!({ "header": { "name": name, "string_match": starred(text) } });
                let any = any_of(values.iter().map(one).collect(), "or_rules", "rules");
                rules.extend(any.map(|any| if is_not { json!({ "not_rule": any }) } else { any }));
            }
            (key, _) => {
                let right =
                    "write source.ip, remote.ip, destination.port, or with HTTP request.headers[NAME]";
                scope.value(id, &at, key, right);
            }
        }
    }
}

fn permissions(
    scope: &mut Scope<'_>,
    id: &TemplateId,
    at: &str,
    field: &str,
    texts: &[String],
) -> Vec<Value> {
    let mut found = Vec::new();
    for (position, text) in texts.iter().enumerate() {
        let at = format!("{at}/{position}");
        found.push(match field {
            "hosts" | "notHosts" => {
                found.extend(host(scope, id, &at, text));
                continue;
            }
            "methods" | "notMethods" => {
                json!({ "header": { "name": ":method", "string_match": starred(text) } })
            }
            "paths" | "notPaths" => {
                if text.contains(['{', '}']) {
                    found.extend(template(scope, id, &at, text));
                    continue;
                }
                json!({ "url_path": { "path": starred(text) } })
            }
            _ => {
                let Some(port) = text.parse::<u16>().ok().filter(|port| *port > 0) else {
                    scope.value(id, &at, text, "write a port");
                    continue;
                };
                json!({ "destination_port": port })
            }
        });
    }
    found
}

/// A request's host. Its port is gone before rules are asked (and a `:*` that means any says nothing): a rule
/// with a port would never match, so that a DENY would deny nobody.
fn host(scope: &mut Scope<'_>, id: &TemplateId, at: &str, text: &str) -> Option<Value> {
    // an address of IPv6 has colons of its own, in brackets
    let inside = if text.starts_with('[') { text.len() } else { 0 };
    let end = text.rfind(']').map_or(inside, |at| at + 1);
    let (host, port) = match text[end..].find(':') {
        Some(colon) => text.split_at(end + colon),
        None => (text, ""),
    };
    if host.is_empty() || !["", ":*"].contains(&port) {
        let right = "a request's host is compared without its port; write the host alone, and a port of the gateway as ports";
        scope.value(id, at, text, right);
        return None;
    }
    let mut matcher = starred(host);
    if matcher.get("safe_regex").is_none() {
        matcher["ignore_case"] = json!(true);
    }
    Some(json!({ "header": { "name": ":authority", "string_match": matcher } }))
}

fn addresses(scope: &mut Scope<'_>, id: &TemplateId, at: &str, blocks: &[String]) -> Vec<Value> {
    let mut found = Vec::new();
    for (position, block) in blocks.iter().enumerate() {
        let parsed =
            block.parse::<ipnet::IpNet>().or_else(|_| block.parse::<std::net::IpAddr>().map(Into::into));
        match parsed {
            Ok(prefix) => found.push(json!({
                "direct_remote_ip": {
                    "address_prefix": prefix.network().to_string(),
                    "prefix_len": prefix.prefix_len(),
                },
            })),
            Err(_) => scope.value(id, format!("{at}/{position}"), block, "write an address or a prefix"),
        }
    }
    found
}

/// One of these; `None` where nothing is said.
fn any_of(mut parts: Vec<Value>, or: &str, inner: &str) -> Option<Value> {
    match parts.len() {
        0 => None,
        1 => parts.pop(),
        _ => Some(json!({ or: { inner: parts } })),
    }
}

/// All of these; anything where nothing is said.
fn all_of(mut parts: Vec<Value>, and: &str, inner: &str) -> Value {
    match parts.len() {
        0 => json!({ "any": true }),
        1 => parts.pop().expect("there is one"),
        _ => json!({ and: { inner: parts } }),
    }
}

/// A path with `{*}` for one step of it and `{**}`, as the last, for any.
fn template(scope: &mut Scope<'_>, id: &TemplateId, at: &str, text: &str) -> Option<Value> {
    let plain = text.replace("{**}", "").replace("{*}", "");
    let steps: Vec<&str> = text.split('/').collect();
    let is_whole = |step: &&str| !step.contains('{') || ["{*}", "{**}"].contains(step);
    let is_last = text.find("{**}").is_none_or(|at| at + "{**}".len() == text.len());
    if plain.contains(['{', '}', '*']) || !text.starts_with('/') || !steps.iter().all(is_whole) || !is_last {
        scope.value(id, at, text, "write `{*}` for a whole step of a path, or `{**}` as the last one");
        return None;
    }
    if !is_plain(&plain) || text.contains("//") || text.len() > 255 {
        // Envoy 1.40 does not refuse what is none, but ends
        let right =
            "a path with `{*}` has only letters, digits and -._~%!$&'()+,;:@=, no empty step, 255 bytes";
        scope.value(id, at, text, right);
        return None;
    }
    let message = "envoy.extensions.path.match.uri_template.v3.UriTemplateMatchConfig";
    let path = text.replace("{**}", "**").replace("{*}", "*");
    Some(json!({ "uri_template": {
        "name": "envoy.path.match.uri_template.uri_template_matcher",
        "typed_config": typed(message, json!({ "path_template": path })),
    } }))
}

/// Whether a path is of the letters that may stand in one as they are (RFC 3986, `pchar`), of numbers of
/// bytes, and of slashes.
fn is_plain(path: &str) -> bool {
    let mut bytes = path.bytes();
    while let Some(byte) = bytes.next() {
        let is_number = |byte: Option<u8>| byte.is_some_and(|byte| byte.is_ascii_hexdigit());
        let is_good = match byte {
            b'%' => is_number(bytes.next()) && is_number(bytes.next()),
            _ => byte.is_ascii_alphanumeric() || b"/-._~!$&'()+,;:@=".contains(&byte),
        };
        if !is_good {
            return false;
        }
    }
    true
}
