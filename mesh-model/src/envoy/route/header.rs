//! Changes of headers, of routes and of single destinations.

use serde_json::{Value, json};

use crate::envoy::Scope;
use crate::template::TemplateId;
use crate::template::view::{HeaderChanges, HeaderOperations};

pub(super) fn headers(
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
