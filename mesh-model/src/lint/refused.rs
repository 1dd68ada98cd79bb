//! What Istio's admission refuses of objects other than Gateways, and CRD schemas let pass.
//!
//! Where an override changes the object, what it becomes is not judged by its template.
//!
//! Sources: istio/istio `pkg/config/validation/validation.go` (`ValidateVirtualService`, `validateHTTPRouteConflict`,
//! `validateHTTPRetry`, `validateExportTo`, `ValidateAuthorizationPolicy`, `validateWorkloadEntry`),
//! `pkg/config/visibility`, `pkg/config/validation/agent/validation.go` (`ValidateIPSubnet`).

use std::collections::BTreeMap;
use std::net::IpAddr;

use serde_json::Value;

use super::objects::{is_overridden, pointer};
use super::{Code, Report, inside};
use crate::access_point::AccessPoint;
use crate::name::Name;
use crate::nearest::quoted;
use crate::patch::Pointer;
use crate::template::{Template, TemplateKind};
use crate::visibility::Export;

/// What takes away or replaces the answer of a route that leads nowhere, and excludes it.
const CONFLICTS: [(&str, [&str; 4]); 2] = [
    ("redirect", ["route", "fault", "rewrite", "directResponse"]),
    ("directResponse", ["route", "fault", "rewrite", "redirect"]),
];
/// Lists of blocks of addresses of a source.
const BLOCKS: [&str; 4] = ["ipBlocks", "notIpBlocks", "remoteIpBlocks", "notRemoteIpBlocks"];

/// Where something is refused, why, and what to do.
type Refusals<'a> = dyn FnMut(Pointer, String, &str) + 'a;

pub(super) fn check(access_point: &AccessPoint, template: &Template, report: &mut Report) {
    if is_overridden(access_point, template) {
        return;
    }
    let refused: &mut Refusals<'_> = &mut |at: Pointer, message: String, fix: &str| {
        let path = inside(access_point, &template.id, &at);
        report.of(&access_point.id, Code::ObjectRefused, path, message, fix);
    };
    let (spec, owner) = (&template.object["spec"], &access_point.id.namespace);
    match template.id.kind {
        TemplateKind::VirtualService => {
            export_to(spec, owner, template.id.kind, refused);
            delegate(spec, refused);
            for (number, route) in list(spec, "http").enumerate() {
                http(route, &pointer(&["spec", "http", &number.to_string()]), refused);
            }
        }
        TemplateKind::DestinationRule => {
            export_to(spec, owner, template.id.kind, refused);
            selected(spec, owner, refused);
        }
        TemplateKind::ServiceEntry => export_to(spec, owner, template.id.kind, refused),
        TemplateKind::AuthorizationPolicy => blocks(spec, refused),
        TemplateKind::Gateway
        | TemplateKind::PeerAuthentication
        | TemplateKind::Service
        | TemplateKind::WorkloadEntry => {}
    }
}

fn list<'a>(object: &'a Value, field: &str) -> impl Iterator<Item = &'a Value> {
    object.get(field).and_then(Value::as_array).into_iter().flatten()
}

/// Whether a field says anything: an empty list or text is read as none.
fn is_given(object: &Value, field: &str) -> bool {
    object.get(field).is_some_and(|value| match value {
        Value::Null => false,
        Value::Array(all) => !all.is_empty(),
        Value::String(text) => !text.is_empty(),
        Value::Bool(_) | Value::Number(_) | Value::Object(_) => true,
    })
}

/// Routes without a host are for others to lead to, who say at which Gateway.
fn delegate(spec: &Value, refused: &mut Refusals<'_>) {
    if is_given(spec, "hosts") {
        return;
    }
    for field in ["gateways", "tls", "tcp"].into_iter().filter(|field| is_given(spec, field)) {
        let message =
            format!("a VirtualService without hosts is one that others delegate to, and has no {field}");
        refused(pointer(&["spec", field]), message, "write its hosts, or take this away");
    }
}

fn http(route: &Value, at: &Pointer, refused: &mut Refusals<'_>) {
    // the second pair of the two is the first once more
    let conflict = CONFLICTS.iter().find_map(|(field, others)| {
        let other = others.iter().find(|other| is_given(route, other))?;
        is_given(route, field).then_some((*field, *other))
    });
    if let Some((field, other)) = conflict {
        let message = format!("a rule has {field} or {other}, not both");
        refused(at.then(field), message, "take one of them away, or write two rules");
    }
    let Some(retries) = route.get("retries").filter(|retries| retries.is_object()) else { return };
    let attempts = retries.get("attempts").and_then(Value::as_i64).unwrap_or(0);
    let at = at.then("retries");
    if attempts < 0 {
        let message = format!("{attempts} attempts are not possible");
        refused(at.then("attempts"), message, "write attempts: 0 for none, or a number above it");
    }
    let policy = ["perTryTimeout", "retryOn", "retryRemoteLocalities"].into_iter();
    if let Some(field) = policy.filter(|field| is_given(retries, field)).find(|_| attempts == 0) {
        let message = format!("without attempts nothing is retried, and there is no {field}");
        refused(at.then(field), message, "write attempts, or take this away");
    }
}

/// A namespace, `.` or `*`, each once and the last alone; `~` for a ServiceEntry.
fn export_to(spec: &Value, owner: &Name, kind: TemplateKind, refused: &mut Refusals<'_>) {
    let items: Vec<&str> = list(spec, "exportTo").filter_map(Value::as_str).collect();
    let mut known: BTreeMap<Export, &str> = BTreeMap::new();
    for (position, item) in items.iter().enumerate() {
        let at = pointer(&["spec", "exportTo", &position.to_string()]);
        let fix = "write `*` alone for all, or `.` for the own namespace and names of others";
        let export = match item.parse::<Export>() {
            // the own namespace by either name
            Ok(Export::Own) => Export::Namespace(owner.clone()),
            Ok(export) => export,
            Err(_) => {
                refused(at, format!("{} is no namespace", quoted(item)), fix);
                continue;
            }
        };
        if export == Export::Nobody && kind != TemplateKind::ServiceEntry {
            refused(at, "`~` is possible for a ServiceEntry alone".to_owned(), fix);
        } else if matches!(export, Export::All | Export::Nobody) && items.len() > 1 {
            refused(at, format!("`{item}` stands alone"), fix);
        } else if let Some(first) = known.get(&export) {
            let message = match first {
                first if first == item => format!("`{item}` is there already"),
                first => format!("`{item}` is there already, as `{first}`: both are the own namespace"),
            };
            refused(at, message, fix);
        } else {
            known.insert(export, item);
        }
    }
}

/// A rule for some of the callers is for those of the own namespace.
fn selected(spec: &Value, owner: &Name, refused: &mut Refusals<'_>) {
    if !is_given(spec, "workloadSelector") {
        return;
    }
    let is_foreign = |item: &&str| *item != "." && *item != owner.as_str();
    if let Some(item) = list(spec, "exportTo").filter_map(Value::as_str).find(is_foreign) {
        let message =
            format!("a rule with a workloadSelector is for the own namespace alone, not for `{item}`");
        refused(
            pointer(&["spec", "exportTo"]),
            message,
            "write `.` alone, or take the workloadSelector away",
        );
    }
}

/// Addresses, and blocks of them.
fn blocks(spec: &Value, refused: &mut Refusals<'_>) {
    for (number, rule) in list(spec, "rules").enumerate() {
        for (position, from) in list(rule, "from").enumerate() {
            let source = &from["source"];
            for field in BLOCKS {
                for (item, text) in list(source, field).enumerate() {
                    let Some(text) = text.as_str().filter(|text| !is_block(text)) else { continue };
                    let place = [number, position, item].map(|number| number.to_string());
                    let at = ["spec", "rules", &place[0], "from", &place[1], "source", field, &place[2]];
                    let message = format!("{} is no address and no block of addresses", quoted(text));
                    refused(pointer(&at), message, "write an address, or a block such as 10.0.0.0/8");
                }
            }
        }
    }
}

fn is_block(text: &str) -> bool {
    let Some((address, length)) = text.split_once('/') else { return text.parse::<IpAddr>().is_ok() };
    let most = match address.parse::<IpAddr>() {
        Ok(IpAddr::V4(_)) => 32,
        Ok(IpAddr::V6(_)) => 128,
        Err(_) => return false,
    };
    length.parse::<u8>().is_ok_and(|length| length <= most)
}
