//! What can be seen in the objects of one access point.

use std::collections::BTreeMap;

use serde_json::Value;

use super::served::ServedHosts;
use super::{
    Code, FleetFacts, Report, balance, entries, inside, mtls, paths, pods, policies, refused, routes, servers,
};
use crate::access_point::AccessPoint;
use crate::fleet::Target;
use crate::overrides::{Action, Rule};
use crate::patch::Pointer;
use crate::template::view::gateway_name;
use crate::template::{Schemas, Template, TemplateKind};

/// What to do about what no server would take.
pub(super) const SCHEMA_FIX: &str = "write what the schema asks for";

/// Looks at the objects of an access point as they are on these targets.
pub(super) fn check(
    access_point: &AccessPoint,
    on: &[Target<'_>],
    facts: Option<&FleetFacts>,
    schemas: &Schemas,
    report: &mut Report,
) {
    servers::tls_twice(access_point, report);
    servers::published(access_point, report);
    mtls::check(access_point, report);
    pods::check(access_point, facts, report);
    entries::check(access_point, report);
    balance::check(access_point, on, facts, report);
    let (served, own) = (served(access_point), routes::Own::of(access_point));
    for template in &access_point.templates {
        for finding in schemas.check(template) {
            let is_warning = finding.problem.is_warning();
            let code = if is_warning { Code::UnknownField } else { Code::SchemaViolation };
            let fix = if is_warning {
                "correct the name; a field that the cluster's version knows may stay"
            } else {
                SCHEMA_FIX
            };
            let path = inside(access_point, &template.id, &finding.path);
            report.of(&access_point.id, code, path, finding.problem.to_string(), fix);
        }
        refused::check(access_point, template, report);
        match template.id.kind {
            TemplateKind::Gateway => servers::check(access_point, template, report),
            TemplateKind::VirtualService => {
                weights(access_point, template, report);
                unserved(access_point, template, &served, report);
                routes::check(access_point, template, &own, facts, report);
            }
            TemplateKind::AuthorizationPolicy => {
                paths::check(access_point, template, report);
                policies::check(access_point, template, report);
            }
            TemplateKind::DestinationRule
            | TemplateKind::PeerAuthentication
            | TemplateKind::Service
            | TemplateKind::ServiceEntry
            | TemplateKind::WorkloadEntry => {}
        }
    }
}

/// Whether an override changes more than its marks somewhere: where no target is known, what it becomes cannot be
/// judged. (Annotations of a Service say who sees it.)
pub(super) fn is_overridden(access_point: &AccessPoint, template: &Template) -> bool {
    let touches = |rule: &Rule| {
        let is_mark = match rule.action {
            Action::Labels(_) => true,
            Action::Annotations(_) => template.id.kind != TemplateKind::Service,
            Action::Delete | Action::Merge(_) | Action::Patch(_) => false,
        };
        !is_mark && rule.concerns(&template.id)
    };
    access_point.overrides.iter().any(|one| one.rules.iter().any(touches))
}

pub(super) fn pointer(steps: &[&str]) -> Pointer {
    steps.iter().fold(Pointer::default(), |pointer, step| pointer.then(step))
}

/// Weights that are no percents.
fn weights(access_point: &AccessPoint, template: &Template, report: &mut Report) {
    for section in ["http", "tls", "tcp"] {
        let routes = template.object.pointer(&format!("/spec/{section}")).and_then(Value::as_array);
        for (position, route) in routes.into_iter().flatten().enumerate() {
            let list = route.get("route").and_then(Value::as_array);
            let Some(list) = list.filter(|list| list.len() > 1) else { continue };
            let sum: u64 =
                list.iter().map(|one| one.get("weight").and_then(Value::as_u64).unwrap_or(0)).sum();
            if sum != 100 {
                let at = pointer(&["spec", section, &position.to_string(), "route"]);
                let path = inside(access_point, &template.id, &at);
                let message =
                    format!("the weights are {sum} together, so each is another share than it looks like");
                let fix = "write weights that are 100 together";
                report.of(&access_point.id, Code::WeightSum, path, message, fix);
            }
        }
    }
}

/// The hosts of an access point's Gateways, by their `namespace/name`.
fn served(access_point: &AccessPoint) -> BTreeMap<String, ServedHosts> {
    let namespace = &access_point.id.namespace;
    let mut all: BTreeMap<String, ServedHosts> = BTreeMap::new();
    for gateway in access_point.templates.iter().filter(|one| one.id.kind == TemplateKind::Gateway) {
        let served = all.entry(format!("{namespace}/{}", gateway.id.name)).or_default();
        let hosts = servers::servers(gateway).flat_map(|(_, server)| texts(server, "/hosts"));
        hosts.for_each(|host| served.add(host, namespace));
    }
    all
}

fn texts<'a>(object: &'a Value, pointer: &str) -> impl Iterator<Item = &'a str> {
    object.pointer(pointer).and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str)
}

/// Hosts of routes at Gateways of the access point of which none has them.
fn unserved(
    access_point: &AccessPoint,
    template: &Template,
    served: &BTreeMap<String, ServedHosts>,
    report: &mut Report,
) {
    let namespace = &access_point.id.namespace;
    let named: Vec<&str> = texts(&template.object, "/spec/gateways").collect();
    let full_name = |gateway: &&str| (*gateway != "mesh").then(|| gateway_name(gateway, namespace));
    let servers: Option<Vec<&ServedHosts>> =
        named.iter().map(|gateway| served.get(&full_name(gateway)?)).collect();
    // sidecars, and Gateways that are not known here, may have what these have not
    let Some(servers) = servers.filter(|servers| !servers.is_empty()) else { return };
    for (position, host) in texts(&template.object, "/spec/hosts").enumerate() {
        if !servers.iter().any(|served| served.meets(host, namespace)) {
            let path =
                inside(access_point, &template.id, &pointer(&["spec", "hosts", &position.to_string()]));
            let message = format!(
                "no server of {} has the host {host}, so no request reaches these routes",
                named.join(", ")
            );
            let fix = "add the host to a server, or take it away here";
            report.of(&access_point.id, Code::UnservedHost, path, message, fix);
        }
    }
}
