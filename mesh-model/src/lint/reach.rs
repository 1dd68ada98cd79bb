//! Whether those who are to follow an access point's routes and rules see them; what these lead to is asked of
//! [`hosts`](super::hosts).

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::hosts::{Hosts, Leads};
use super::objects::{is_overridden, pointer};
use super::{Code, FleetFacts, Report, inside};
use crate::access_point::AccessPoint;
use crate::fleet::Target;
use crate::labels::Labels;
use crate::name::Name;
use crate::template::view::gateway_name;
use crate::template::{Template, TemplateKind};
use crate::traffic::full_host;
use crate::visibility::{Export, ExportTo, destinations, destinations_at, hosts_of, sidecar_for};

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
    let mesh = hosts.mesh().clone();
    let (rules, gateways) = (Rules::of(form, &mesh), gateways(form, facts));
    for template in of(TemplateKind::VirtualService) {
        unasked(form, template, facts, report);
        let export = ExportTo::of(&template.object).unwrap_or_default();
        let export = export.or(&mesh);
        let followers = Followers::of(template, export, owner, &gateways);
        for gateways in followers.gateways.iter().filter(|gateways| !export.shows(owner, gateways)) {
            let message =
                format!("these routes are hidden from the gateways, which run in namespace {gateways}");
            let fix = "add that namespace to exportTo";
            let path = inside(form, &template.id, &pointer(&["spec", "exportTo"]));
            report.of(&form.id, Code::HiddenHost, path, message, fix);
        }
        let mut told = BTreeSet::new();
        for (at, host) in destinations_at(&template.object, owner) {
            // who sees a host is said of the host, so the first route to it is enough
            let is_first = told.insert(host.clone());
            if is_first {
                rules.hidden(form, &host, &followers, report);
            }
            let viewers = if is_first { followers.all() } else { BTreeSet::new() };
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
    let Some(sidecar) = sidecar.filter(|_| is_for_mesh(template)) else { return };
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

/// The DestinationRules of a form by their hosts, with who sees them.
struct Rules<'a>(BTreeMap<String, Vec<(&'a Template, ExportTo)>>);

impl<'a> Rules<'a> {
    fn of(form: &'a AccessPoint, mesh: &ExportTo) -> Self {
        let mut rules: BTreeMap<String, Vec<(&Template, ExportTo)>> = BTreeMap::new();
        for template in form.templates.iter().filter(|one| one.id.kind == TemplateKind::DestinationRule) {
            // where nobody knows what an override makes of it, it may be for all
            let export = match is_overridden(form, template) {
                true => ExportTo::from_iter([Export::All]),
                false => ExportTo::of(&template.object).unwrap_or_default().or(mesh).clone(),
            };
            for host in hosts_of(template.id.kind, &template.object, &form.id.namespace) {
                rules.entry(host).or_default().push((template, export.clone()));
            }
        }
        Self(rules)
    }

    /// Tells rules of a host of which those who follow a route to it see none: of several, each may be for others.
    fn hidden(&self, form: &AccessPoint, host: &str, followers: &Followers<'_>, report: &mut Report) {
        let owner = &form.id.namespace;
        let Some(rules) = self.0.get(host) else { return };
        let own = followers.sidecars.iter().copied().filter(|viewer| *viewer == owner);
        let viewers: BTreeSet<&Name> = followers.gateways.iter().copied().chain(own).collect();
        let is_hidden = |viewer: &&Name| !rules.iter().any(|(_, export)| export.shows(owner, viewer));
        for viewer in viewers.into_iter().filter(is_hidden) {
            for (template, _) in rules {
                let path = inside(form, &template.id, &pointer(&["spec", "exportTo"]));
                let message = format!(
                    "the rule of {host} is hidden from namespace {viewer}: no policy and no subset of it holds there"
                );
                let fix = "add that namespace to exportTo";
                report.of(&form.id, Code::HiddenHost, path, message, fix);
            }
        }
    }
}

/// The namespaces of the proxies that follow a VirtualService.
struct Followers<'a> {
    /// Of the gateways that serve its Gateways, where they are known.
    gateways: BTreeSet<&'a Name>,
    /// Of sidecars, as far as the routes say for whose they are; those of the own namespace where they are for all.
    sidecars: BTreeSet<&'a Name>,
}

impl<'a> Followers<'a> {
    fn of(template: &Template, export: &'a ExportTo, owner: &'a Name, gateways: &Gateways<'a>) -> Self {
        let named = export.iter().filter_map(|one| match one {
            Export::Namespace(name) => Some(name),
            Export::All | Export::Nobody | Export::Own => None,
        });
        let sidecars = named.chain([owner]).filter(|viewer| export.shows(owner, viewer));
        let sidecars = sidecars.filter(|_| is_for_mesh(template)).collect();
        let list = template.object.pointer("/spec/gateways").and_then(Value::as_array);
        let list = list.into_iter().flatten().filter_map(Value::as_str).filter(|gateway| *gateway != "mesh");
        let serving = list.filter_map(|gateway| gateways.get(&gateway_name(gateway, owner)));
        Self { gateways: serving.flatten().copied().collect(), sidecars }
    }

    fn all(&self) -> BTreeSet<Name> {
        self.gateways.union(&self.sidecars).map(|name| (*name).clone()).collect()
    }
}

/// The namespaces of the gateways that serve the Gateways of a form, by `namespace/name`; none where they are not known.
type Gateways<'a> = BTreeMap<String, BTreeSet<&'a Name>>;

fn gateways<'a>(form: &AccessPoint, facts: Option<&'a FleetFacts>) -> Gateways<'a> {
    let pods = facts.and_then(|facts| facts.gateways.as_ref());
    let serving = |gateway: &Template| {
        let pods = pods.into_iter().flatten().filter(|pods| pods.serve(&gateway.object));
        pods.map(|pods| &pods.namespace).collect()
    };
    let all = form.templates.iter().filter(|one| one.id.kind == TemplateKind::Gateway);
    all.map(|gateway| (format!("{}/{}", form.id.namespace, gateway.id.name), serving(gateway))).collect()
}

/// Whether sidecars follow a VirtualService.
fn is_for_mesh(template: &Template) -> bool {
    let list = template.object.pointer("/spec/gateways").and_then(Value::as_array);
    list.is_none_or(|list| list.is_empty() || list.iter().any(|gateway| gateway == "mesh"))
}
