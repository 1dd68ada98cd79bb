//! Whether those who are to follow an access point's routes and rules see them; what these lead to is asked of
//! [`hosts`](super::hosts).

use std::collections::BTreeSet;

use serde_json::Value;

use super::hosts::{Hosts, Leads};
use super::objects::{is_overridden, pointer};
use super::{Code, FleetFacts, Report, inside};
use crate::access_point::AccessPoint;
use crate::fleet::Target;
use crate::labels::Labels;
use crate::name::Name;
use crate::template::{Template, TemplateKind};
use crate::traffic::full_host;
use crate::visibility::{ExportTo, destinations, destinations_at, has_gateway, hosts_of, sidecar_for};

/// Looks at routes of a form, and asks for the hosts that they lead to.
pub(super) fn check(
    form: &AccessPoint,
    on: &[Target<'_>],
    facts: Option<&FleetFacts>,
    hosts: &mut Hosts<'_>,
    report: &mut Report,
) {
    let owner = &form.id.namespace;
    hosts.declare(form, on);
    hosts.leave_idle(idle(form), on);
    // what an override makes of it on targets that are not known, nobody can say
    let of = |kind: TemplateKind| {
        let all = form.templates.iter().filter(move |one| one.id.kind == kind);
        all.filter(|one| !is_overridden(form, one))
    };
    for template in of(TemplateKind::VirtualService) {
        unasked(form, template, facts, report);
        let viewers = viewers(form, template, facts);
        let export = ExportTo::of(&template.object).unwrap_or_default();
        for viewer in viewers.iter().filter(|viewer| !export.or(hosts.mesh()).shows(owner, viewer)) {
            let message =
                format!("these routes are hidden from the gateways, which run in namespace {viewer}");
            let fix = "add that namespace to exportTo";
            let path = inside(form, &template.id, &pointer(&["spec", "exportTo"]));
            report.of(&form.id, Code::HiddenHost, path, message, fix);
        }
        let mut told = BTreeSet::new();
        for (at, host) in destinations_at(&template.object, owner) {
            // who sees a host is said of the host, so the first route to it is enough
            let is_first = told.insert(host.clone());
            if is_first {
                hidden_rules(form, &host, &viewers, hosts.mesh(), report);
            }
            let viewers = viewers.iter().filter(|_| is_first).map(|viewer| (*viewer).clone()).collect();
            hosts.ask((template.id.clone(), at), Leads { host, viewers }, on);
        }
    }
    let is_all = hosts.is_all();
    for template in of(TemplateKind::DestinationRule).filter(|_| is_all) {
        for host in hosts_of(template.id.kind, &template.object, owner) {
            let place = (template.id.clone(), pointer(&["spec", "host"]));
            hosts.ask(place, Leads { host, viewers: BTreeSet::new() }, on);
        }
    }
}

/// The names of Services that no route leads to.
fn idle(form: &AccessPoint) -> impl Iterator<Item = &str> {
    let owner = &form.id.namespace;
    let of = |kind: TemplateKind| form.templates.iter().filter(move |one| one.id.kind == kind);
    let routed: BTreeSet<String> =
        of(TemplateKind::VirtualService).flat_map(|template| destinations(&template.object, owner)).collect();
    let names = of(TemplateKind::Service).map(|template| &*template.id.name);
    names.filter(move |name| !routed.contains(&full_host(name, owner)))
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
