//! AuthorizationPolicies that never match: a bar that bars nothing, though it looks like one.
//!
//! Sources: istio/api `authorization_policy.proto` (`rules`: where none is set nothing ever matches, which is for ALLOW
//! the way to allow nothing), istio/istio `pilot/pkg/security/authz/matcher/string.go` (a star is one at the beginning or
//! the end alone, else it is a character like others) and `path.go` (`{*}`, `{**}`).

use serde_json::Value;

use super::objects::{is_overridden, pointer};
use super::{Code, Report, inside};
use crate::access_point::AccessPoint;
use crate::patch::Pointer;
use crate::template::Template;

/// What of an operation and of a source is compared as text with a star; namespaces take stars anywhere.
const OPERATION: [&str; 6] = ["hosts", "notHosts", "methods", "notMethods", "paths", "notPaths"];
const SOURCE: [&str; 2] = ["principals", "notPrincipals"];

pub(super) fn check(access_point: &AccessPoint, policy: &Template, report: &mut Report) {
    if is_overridden(access_point, policy) {
        return;
    }
    let mut tell = |at: &Pointer, message: String, fix: &str| {
        let path = inside(access_point, &policy.id, at);
        report.of(&access_point.id, Code::PolicyNeverMatches, path, message, fix);
    };
    let spec = &policy.object["spec"];
    let rules = spec["rules"].as_array().map(Vec::as_slice).unwrap_or_default();
    let action = spec["action"].as_str().unwrap_or("ALLOW");
    if rules.is_empty() && action != "ALLOW" {
        let place = if spec.get("rules").is_some() { "rules" } else { "action" };
        let message = format!("a policy without rules matches no request, so this {action} does nothing");
        tell(&pointer(&["spec", place]), message, "write rules; one that is for every request is `{}`");
    }
    for (number, rule) in rules.iter().enumerate() {
        let at = pointer(&["spec", "rules", &number.to_string()]);
        for (list, part, fields) in [("to", "operation", &OPERATION[..]), ("from", "source", &SOURCE[..])] {
            for (position, one) in rule[list].as_array().into_iter().flatten().enumerate() {
                let at = at.then(list).then(&position.to_string()).then(part);
                for field in fields {
                    patterns(&one[part][*field], field, &at.then(field), &mut tell);
                }
            }
        }
    }
}

/// Patterns with a star that is none.
fn patterns(list: &Value, field: &str, at: &Pointer, tell: &mut dyn FnMut(&Pointer, String, &str)) {
    for (position, text) in list.as_array().into_iter().flatten().enumerate() {
        let Some(text) = text.as_str() else { continue };
        let is_template = field.to_ascii_lowercase().ends_with("paths") && text.contains('{');
        if is_template || !has_plain_star(text) {
            continue;
        }
        let effect =
            if field.starts_with("not") { "this leaves nothing out" } else { "this matches nothing" };
        let message = format!(
            "in `{text}` a star stands for itself: Istio takes one as a wildcard at the beginning or at the end alone, so {effect}"
        );
        let fix = match field {
            "paths" | "notPaths" => {
                "write a prefix (`/admin*`) or a suffix (`*/admin`), or a template in which `{*}` is one part of a path and a last `{**}` the rest"
            }
            _ => "write a prefix, a suffix, or the whole text",
        };
        tell(&at.then(&position.to_string()), message, fix);
    }
}

/// Whether a star is neither at the one end nor at the other.
fn has_plain_star(text: &str) -> bool {
    let rest = text.strip_prefix('*').or_else(|| text.strip_suffix('*')).unwrap_or(text);
    rest.contains('*')
}
