//! What one access point's routes lead to, and whether those who follow them see it.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::objects::pointer;
use super::{Code, FleetFacts, Report, inside};
use crate::access_point::AccessPoint;
use crate::labels::Labels;
use crate::name::Name;
use crate::nearest::{did_you_mean, nearest};
use crate::template::{Template, TemplateKind};
use crate::traffic::full_host;
use crate::visibility::{ExportTo, destinations, destinations_at, has_gateway, hosts_of, sidecar_for};

/// What the full name of a Service ends with.
const CLUSTER_DOMAIN: &str = ".svc.cluster.local";

/// The hosts of the mesh that are known, with their namespaces and who sees them.
pub(super) struct Hosts<'a> {
    by_name: BTreeMap<String, (&'a Name, ExportTo)>,
    /// What the names of Services end with, by namespaces of which one is known.
    namespaces: BTreeSet<String>,
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
        let rest = |host: &String| host.split_once('.').map(|(_, rest)| rest.to_owned());
        let namespaces = by_name.keys().filter_map(rest).collect();
        Self { by_name, namespaces, is_all: services.is_some(), mesh }
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
        unasked(access_point, template, facts, report);
        let viewers = viewers(access_point, template, facts);
        let export = ExportTo::of(&template.object).unwrap_or_default();
        for viewer in viewers.iter().filter(|viewer| !export.or(&known.mesh).shows(owner, viewer)) {
            let message =
                format!("these routes are hidden from the gateways, which run in namespace {viewer}");
            let fix = "add that namespace to exportTo";
            let path = inside(access_point, &template.id, &pointer(&["spec", "exportTo"]));
            report.of(&access_point.id, Code::HiddenHost, path, message, fix);
        }
        let mut told = BTreeSet::new();
        for (at, host) in destinations_at(&template.object, owner) {
            // who sees a host is said of the host, so the first route to it is enough
            if !told.insert(host.clone()) {
                continue;
            }
            hidden_rules(access_point, &host, &viewers, &known.mesh, report);
            let Some((of, export)) = known.by_name.get(&host) else { continue };
            for viewer in viewers.iter().filter(|viewer| !export.or(&known.mesh).shows(of, viewer)) {
                let message =
                    format!("{host} is hidden from namespace {viewer}, so requests to it find no cluster");
                let fix = "add that namespace to the exportTo of the host";
                let path = inside(access_point, &template.id, &at);
                report.of(&access_point.id, Code::HiddenHost, path, message, fix);
            }
        }
    }
}

/// Hosts that routes lead to, or rules are for, and nothing declares: of each namespace of which something is known,
/// where all services are. Where they are not, one of the own namespace that is not here may well be; unless it is nearly the name of a
/// Service of the access point that no route leads to.
fn undeclared(access_point: &AccessPoint, known: &Hosts<'_>, report: &mut Report) {
    let owner = &access_point.id.namespace;
    let own = full_host("", owner);
    let of = |kind: TemplateKind| access_point.templates.iter().filter(move |one| one.id.kind == kind);
    let routed: BTreeSet<String> =
        of(TemplateKind::VirtualService).flat_map(|template| destinations(&template.object, owner)).collect();
    let idle = of(TemplateKind::Service).map(|template| &*template.id.name);
    let idle: Vec<&str> = idle.filter(|name| !routed.contains(&full_host(name, owner))).collect();
    let routes =
        of(TemplateKind::VirtualService).map(|template| (template, destinations_at(&template.object, owner)));
    let rules = of(TemplateKind::DestinationRule).filter(|_| known.is_all).map(|template| {
        let hosts = hosts_of(template.id.kind, &template.object, owner).into_iter();
        (template, hosts.map(|host| (pointer(&["spec", "host"]), host)).collect())
    });
    for (template, hosts) in routes.chain(rules) {
        let is_missing = |host: &str| !host.starts_with('*') && !known.by_name.contains_key(host);
        for (at, host) in hosts.iter().filter(|(_, host)| is_missing(host)) {
            // one that is not of the cluster may be anywhere
            let Some((name, rest)) = host.split_once('.').filter(|_| host.ends_with(CLUSTER_DOMAIN)) else {
                continue;
            };
            let beside = |other: &'_ String| other.split_once('.').is_some_and(|(_, theirs)| theirs == rest);
            let near = if known.is_all {
                let names = known.by_name.keys().filter(|other| beside(other));
                nearest(name, names.filter_map(|other| Some(other.split_once('.')?.0)))
            } else {
                nearest(name, idle.iter().copied())
            };
            let is_own = host.ends_with(own.as_str());
            let is_listed = known.namespaces.contains(rest);
            let is_told = if known.is_all { is_own || is_listed } else { is_own && near.is_some() };
            if !is_told {
                continue;
            }
            let path = inside(access_point, &template.id, at);
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
            let at = pointer(&["spec", "hosts", &position.to_string()]);
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
            let path = inside(access_point, &template.id, &pointer(&["spec", "exportTo"]));
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
