//! What one access point's routes lead to, and whether those who follow them see it.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::{Code, FleetFacts, Report, inside};
use crate::access_point::AccessPoint;
use crate::labels::Labels;
use crate::name::Name;
use crate::nearest::{did_you_mean, nearest};
use crate::patch::Pointer;
use crate::template::{Template, TemplateKind};
use crate::traffic::full_host;
use crate::visibility::{ExportTo, destinations, has_gateway, hosts_of, sidecar_for};

/// The hosts of the mesh that are known, with their namespaces and who sees them.
pub(super) struct Hosts<'a> {
    by_name: BTreeMap<String, (&'a Name, ExportTo)>,
    /// Whether these are all.
    is_all: bool,
    /// Who sees what says nothing.
    mesh: ExportTo,
}

impl<'a> Hosts<'a> {
    pub(super) fn of(access_points: &'a [AccessPoint], facts: Option<&'a FleetFacts>) -> Self {
        let mesh = facts.map(|facts| &facts.default_export).cloned().unwrap_or_default();
        let mut ordered: Vec<&AccessPoint> = access_points.iter().collect();
        ordered.sort_by_key(|access_point| &access_point.id);
        let mut by_name: BTreeMap<String, (&Name, ExportTo)> = BTreeMap::new();
        for access_point in ordered {
            let namespace = &access_point.id.namespace;
            for template in &access_point.templates {
                if matches!(template.id.kind, TemplateKind::Service | TemplateKind::ServiceEntry) {
                    let export = ExportTo::of(&template.object).unwrap_or_default();
                    let hosts = hosts_of(template.id.kind, &template.object, namespace);
                    by_name.extend(hosts.into_iter().map(|host| (host, (namespace, export.clone()))));
                }
            }
        }
        let services = facts.and_then(|facts| facts.services.as_ref());
        for (host, service) in services.into_iter().flatten() {
            by_name.entry(host.clone()).or_insert_with(|| (&service.namespace, service.export.clone()));
        }
        Self { by_name, is_all: services.is_some(), mesh }
    }
}

/// Hosts that routes lead to and those who follow the routes do not see.
pub(super) fn check(
    access_point: &AccessPoint,
    known: &Hosts<'_>,
    facts: Option<&FleetFacts>,
    report: &mut Report,
) {
    let owner = &access_point.id.namespace;
    undeclared(access_point, known, report);
    for template in access_point.templates.iter().filter(|one| one.id.kind == TemplateKind::VirtualService) {
        let place =
            |field: &str| inside(access_point, &template.id, &Pointer::default().then("spec").then(field));
        unasked(access_point, template, facts, report);
        let viewers = viewers(access_point, template, facts);
        let export = ExportTo::of(&template.object).unwrap_or_default();
        for viewer in viewers.iter().filter(|viewer| !export.or(&known.mesh).shows(owner, viewer)) {
            let message =
                format!("these routes are hidden from the gateways, which run in namespace {viewer}");
            let fix = "add that namespace to exportTo";
            report.of(&access_point.id, Code::HiddenHost, place("exportTo"), message, fix);
        }
        for host in destinations(&template.object, owner) {
            hidden_rules(access_point, &host, &viewers, &known.mesh, report);
            let Some((of, export)) = known.by_name.get(&host) else { continue };
            for viewer in viewers.iter().filter(|viewer| !export.or(&known.mesh).shows(of, viewer)) {
                let message =
                    format!("{host} is hidden from namespace {viewer}, so requests to it find no cluster");
                let fix = "add that namespace to the exportTo of the host";
                report.of(&access_point.id, Code::HiddenHost, place("http"), message, fix);
            }
        }
    }
}

/// Hosts of the own namespace that routes lead to, or rules are for, and nothing declares. Where not all
/// services are known, one that is not here may well be; unless it is nearly the name of a Service of the
/// access point that no route leads to.
fn undeclared(access_point: &AccessPoint, known: &Hosts<'_>, report: &mut Report) {
    let owner = &access_point.id.namespace;
    let suffix = full_host("", owner);
    let of = |kind: TemplateKind| access_point.templates.iter().filter(move |one| one.id.kind == kind);
    let routed: BTreeSet<String> =
        of(TemplateKind::VirtualService).flat_map(|template| destinations(&template.object, owner)).collect();
    let idle = of(TemplateKind::Service).map(|template| &*template.id.name);
    let idle: Vec<&str> = idle.filter(|name| !routed.contains(&full_host(name, owner))).collect();
    let routes = of(TemplateKind::VirtualService).map(|template| {
        let hosts: Vec<String> = destinations(&template.object, owner).into_iter().collect();
        (template, "http", hosts)
    });
    let rules = of(TemplateKind::DestinationRule)
        .filter(|_| known.is_all)
        .map(|template| (template, "host", hosts_of(template.id.kind, &template.object, owner)));
    for (template, field, hosts) in routes.chain(rules) {
        for host in hosts.iter().filter(|host| !host.starts_with('*') && !known.by_name.contains_key(*host)) {
            let Some(name) = host.strip_suffix(suffix.as_str()) else { continue };
            let near = if known.is_all {
                nearest(name, known.by_name.keys().filter_map(|host| host.strip_suffix(suffix.as_str())))
            } else {
                nearest(name, idle.iter().copied())
            };
            if !known.is_all && near.is_none() {
                continue;
            }
            let at = Pointer::default().then("spec").then(field);
            let path = inside(access_point, &template.id, &at);
            let message = format!("nothing declares {host}{}", did_you_mean(near));
            let fix = "correct the host, or declare its Service";
            report.of(&access_point.id, Code::UnknownHost, path, message, fix);
        }
    }
}

/// Routes for sidecars whose hosts the Sidecar of their own namespace does not ask for. (What routes
/// lead to comes with them.)
fn unasked(access_point: &AccessPoint, template: &Template, facts: Option<&FleetFacts>, report: &mut Report) {
    let Some(facts) = facts else { return };
    let owner = &access_point.id.namespace;
    let sidecar = sidecar_for(&facts.sidecars, owner, &Labels::new(), &facts.root_namespace);
    let list = template.object.pointer("/spec/gateways").and_then(Value::as_array);
    let is_for_mesh = list.is_none_or(|list| list.is_empty() || list.iter().any(|gateway| gateway == "mesh"));
    let Some(sidecar) = sidecar.filter(|_| is_for_mesh) else { return };
    for (position, host) in hosts_of(template.id.kind, &template.object, owner).into_iter().enumerate() {
        if !sidecar.imports(owner, owner, &host) {
            let at = ["spec", "hosts", &position.to_string()];
            let at = at.iter().fold(Pointer::default(), |pointer, step| pointer.then(step));
            let path = inside(access_point, &template.id, &at);
            let message = format!(
                "the Sidecar {} of namespace {} does not ask for {host}, so workloads of {owner} do not follow these routes",
                sidecar.name, sidecar.namespace
            );
            let fix = "add the host to the Sidecar's egress";
            report.of(&access_point.id, Code::HiddenHost, path, message, fix);
        }
    }
}

/// DestinationRules of a host whose subsets and policies those who follow a route to it do not see.
fn hidden_rules(
    access_point: &AccessPoint,
    host: &str,
    viewers: &BTreeSet<&Name>,
    mesh: &ExportTo,
    report: &mut Report,
) {
    let owner = &access_point.id.namespace;
    let is_of = |template: &&Template| {
        template.id.kind == TemplateKind::DestinationRule
            && hosts_of(template.id.kind, &template.object, owner).iter().any(|of| of == host)
    };
    for template in access_point.templates.iter().filter(is_of) {
        let export = ExportTo::of(&template.object).unwrap_or_default();
        for viewer in viewers.iter().filter(|viewer| !export.or(mesh).shows(owner, viewer)) {
            let at = Pointer::default().then("spec").then("exportTo");
            let path = inside(access_point, &template.id, &at);
            let message = format!(
                "the rule of {host} is hidden from namespace {viewer}: no policy and no subset of it holds there"
            );
            let fix = "add that namespace to exportTo";
            report.of(&access_point.id, Code::HiddenHost, path, message, fix);
        }
    }
}

/// The namespaces of the proxies that follow a VirtualService: those of the gateways that serve its
/// Gateways, where they are known, and its own for sidecars.
fn viewers<'a>(
    access_point: &'a AccessPoint,
    template: &Template,
    facts: Option<&'a FleetFacts>,
) -> BTreeSet<&'a Name> {
    let owner = &access_point.id.namespace;
    let pods = facts.and_then(|facts| facts.gateways.as_ref());
    let (true, Some(pods)) = (has_gateway(&template.object), pods) else { return [owner].into() };
    let list = template.object.pointer("/spec/gateways").and_then(Value::as_array);
    let is_named = |name: &str| {
        let full = format!("{owner}/{name}");
        list.into_iter().flatten().any(|gateway| gateway == name || *gateway == full)
    };
    let gateways = access_point
        .templates
        .iter()
        .filter(|one| one.id.kind == TemplateKind::Gateway && is_named(&one.id.name));
    let mut viewers = BTreeSet::new();
    for gateway in gateways {
        viewers.extend(pods.iter().filter(|pods| pods.serve(&gateway.object)).map(|pods| &pods.namespace));
    }
    viewers
}
