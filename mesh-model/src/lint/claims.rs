//! What two access points claim, and what one hides from another.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use serde_json::Value;

use super::facts::targets;
use super::{Code, FleetFacts, Report, inside, spec};
use crate::access_point::{AccessPoint, Sharing};
use crate::labels::Labels;
use crate::name::Name;
use crate::nearest::{did_you_mean, nearest};
use crate::patch::Pointer;
use crate::template::{Template, TemplateKind};
use crate::traffic::full_host;
use crate::vip::{Port, Protocol};
use crate::visibility::{ExportTo, destinations, has_gateway, hosts_of, sidecar_for};

pub(super) fn check(access_points: &[AccessPoint], facts: Option<&FleetFacts>, report: &mut Report) {
    let mut ordered: Vec<&AccessPoint> = access_points.iter().collect();
    ordered.sort_by_key(|access_point| &access_point.id);
    let targets: Option<Vec<BTreeSet<&Name>>> = facts.map(|facts| {
        let names = |one: &&AccessPoint| targets(one, facts).iter().map(|target| target.name()).collect();
        ordered.iter().map(names).collect()
    });
    // without facts two access points may meet
    let meet =
        |one: usize, other: usize| targets.as_ref().is_none_or(|all| !all[one].is_disjoint(&all[other]));
    gateway_hosts(&ordered, meet, report);
    mesh_hosts(&ordered, facts, report);
    addresses(&ordered, report);
    hidden(&ordered, facts, report);
}

/// A host of a Gateway and the port that it is served on.
type HostPort = (String, Option<u64>);

/// Hosts of Gateways: the first access point that serves one on a target's port is its owner.
fn gateway_hosts(ordered: &[&AccessPoint], meet: impl Fn(usize, usize) -> bool, report: &mut Report) {
    let mut owners: BTreeMap<HostPort, Vec<(usize, &Template)>> = BTreeMap::new();
    for (number, access_point) in ordered.iter().enumerate() {
        for template in access_point.templates.iter().filter(|one| one.id.kind == TemplateKind::Gateway) {
            let servers = template.object.pointer("/spec/servers").and_then(Value::as_array);
            for (server, one) in servers.into_iter().flatten().enumerate() {
                let port = one.pointer("/port/number").and_then(Value::as_u64);
                let hosts = one.get("hosts").and_then(Value::as_array).into_iter().flatten().enumerate();
                for (position, host) in hosts {
                    let host = host.as_str().map(|host| host.split_once('/').map_or(host, |(_, host)| host));
                    let Some(host) = host.filter(|host| *host != "*") else { continue };
                    let known = owners.entry((host.to_owned(), port)).or_default();
                    let is_owner = |(owner, theirs): &&(usize, &Template)| {
                        *owner != number && meet(*owner, number) && may_share_pods(theirs, template)
                    };
                    if let Some((owner, _)) = known.iter().find(is_owner) {
                        let at = ["spec", "servers", &server.to_string(), "hosts", &position.to_string()];
                        claimed(access_point, template, &at, host, ordered[*owner], report);
                    }
                    known.push((number, template));
                }
            }
        }
    }
}

/// Whether one pod can have the labels of both Gateways' selectors: a public and an inner one have not.
pub(super) fn may_share_pods(one: &Template, other: &Template) -> bool {
    let selector = |template: &'_ Template| {
        template.object.pointer("/spec/selector").and_then(Value::as_object).cloned()
    };
    let (Some(one), Some(other)) = (selector(one), selector(other)) else { return true };
    one.iter().all(|(key, value)| other.get(key).is_none_or(|theirs| theirs == value))
}

/// Hosts of VirtualServices for sidecars, where one namespace sees both.
fn mesh_hosts(ordered: &[&AccessPoint], facts: Option<&FleetFacts>, report: &mut Report) {
    let mesh = facts.map(|facts| &facts.default_export).cloned().unwrap_or_default();
    let mut owners: BTreeMap<String, Vec<(&AccessPoint, &Template, ExportTo)>> = BTreeMap::new();
    for access_point in ordered {
        let namespace = &access_point.id.namespace;
        for template in
            access_point.templates.iter().filter(|one| one.id.kind == TemplateKind::VirtualService)
        {
            let list = template.object.pointer("/spec/gateways").and_then(Value::as_array);
            let is_for_mesh =
                !has_gateway(&template.object) || list.into_iter().flatten().any(|gateway| gateway == "mesh");
            let export = ExportTo::of(&template.object).unwrap_or_default().or(&mesh).clone();
            for (position, host) in
                hosts_of(template.id.kind, &template.object, namespace).into_iter().enumerate()
            {
                if !is_for_mesh {
                    continue;
                }
                let known = owners.entry(host.clone()).or_default();
                let sees_both = |(other, _, theirs): &&(&AccessPoint, &Template, ExportTo)| {
                    let owner = &other.id.namespace;
                    export.shows(namespace, owner) || theirs.shows(owner, namespace)
                };
                if let Some((owner, ..)) = known.iter().find(sees_both) {
                    let at = ["spec", "hosts", &position.to_string()];
                    claimed(access_point, template, &at, &host, owner, report);
                }
                known.push((access_point, template, export.clone()));
            }
        }
    }
}

fn claimed(
    access_point: &AccessPoint,
    template: &Template,
    at: &[&str],
    host: &str,
    owner: &AccessPoint,
    report: &mut Report,
) {
    let at = at.iter().fold(Pointer::default(), |pointer, step| pointer.then(step));
    let path = inside(access_point, &template.id, &at);
    let message = format!("{host} is already served by {}; which of the two answers is undefined", owner.id);
    let fix = "agree on one owner, or place them on different targets";
    report.of(&access_point.id, Code::HostClaimedTwice, path, message, fix);
}

/// Addresses that two demand without having agreed to share.
fn addresses(ordered: &[&AccessPoint], report: &mut Report) {
    let mut owners: BTreeMap<IpAddr, &AccessPoint> = BTreeMap::new();
    for access_point in ordered {
        let Some(vip) = &access_point.vip else { continue };
        for (position, address) in vip.addresses.iter().enumerate() {
            let Some(owner) = owners.get(address) else {
                owners.insert(*address, access_point);
                continue;
            };
            let agreed = owner.vip.as_ref().is_some_and(|other| {
                let is_shared = matches!((&vip.sharing, &other.sharing), (Sharing::Key(one), Sharing::Key(two)) if one == two);
                is_shared && vip.isolation_group == other.isolation_group
            });
            let common = ports(owner).intersection(&ports(access_point)).next().copied();
            if let Some(port) = common.filter(|_| agreed) {
                let path = spec("vip").field("addresses").item(position);
                let message = format!(
                    "{address} is shared with {}, which serves {port} there, too: only one of the two can have it",
                    owner.id
                );
                let fix = "serve other ports, or write another address";
                report.of(&access_point.id, Code::VipClaimedTwice, path, message, fix);
            }
            if !agreed {
                let path = spec("vip").field("addresses").item(position);
                let message = format!(
                    "{address} is demanded by {}, too, and the two have not agreed to share it",
                    owner.id
                );
                let fix = "write another address, or one sharingKey and isolationGroup in both";
                report.of(&access_point.id, Code::VipClaimedTwice, path, message, fix);
            }
        }
    }
}

/// The ports that an access point serves at its address: its Gateways', or its Services' if it has none.
fn ports(access_point: &AccessPoint) -> BTreeSet<Port> {
    let of = |kind: TemplateKind| access_point.templates.iter().filter(move |one| one.id.kind == kind);
    let list = |template: &'_ Template, pointer: &str| -> Vec<Value> {
        template.object.pointer(pointer).and_then(Value::as_array).cloned().unwrap_or_default()
    };
    let number = |port: &Value| port.as_u64().and_then(|number| u16::try_from(number).ok());
    let tcp = |number: u16| Port { protocol: Protocol::Tcp, number };
    let servers = of(TemplateKind::Gateway).flat_map(|template| list(template, "/spec/servers"));
    let gateways: BTreeSet<Port> =
        servers.filter_map(|server| Some(tcp(number(server.pointer("/port/number")?)?))).collect();
    if !gateways.is_empty() {
        return gateways;
    }
    let services = of(TemplateKind::Service).flat_map(|template| list(template, "/spec/ports"));
    services
        .filter_map(|port| {
            let protocol = port.get("protocol").and_then(Value::as_str).unwrap_or("TCP");
            format!("{}/{protocol}", number(port.get("port")?)?).parse().ok()
        })
        .collect()
}

/// Hosts that routes lead to and those who follow the routes do not see.
fn hidden(ordered: &[&AccessPoint], facts: Option<&FleetFacts>, report: &mut Report) {
    let mesh = facts.map(|facts| &facts.default_export).cloned().unwrap_or_default();
    let mut known: BTreeMap<String, (&Name, ExportTo)> = BTreeMap::new();
    for access_point in ordered {
        let namespace = &access_point.id.namespace;
        for template in &access_point.templates {
            if matches!(template.id.kind, TemplateKind::Service | TemplateKind::ServiceEntry) {
                let export = ExportTo::of(&template.object).unwrap_or_default();
                let hosts = hosts_of(template.id.kind, &template.object, namespace);
                known.extend(hosts.into_iter().map(|host| (host, (namespace, export.clone()))));
            }
        }
    }
    for (host, service) in facts.and_then(|facts| facts.services.as_ref()).into_iter().flatten() {
        known.entry(host.clone()).or_insert_with(|| (&service.namespace, service.export.clone()));
    }
    for access_point in ordered {
        let owner = &access_point.id.namespace;
        undeclared(access_point, &known, facts.is_some_and(|facts| facts.services.is_some()), report);
        for template in
            access_point.templates.iter().filter(|one| one.id.kind == TemplateKind::VirtualService)
        {
            let place = |field: &str| {
                inside(access_point, &template.id, &Pointer::default().then("spec").then(field))
            };
            unasked(access_point, template, facts, report);
            let viewers = viewers(access_point, template, facts);
            let export = ExportTo::of(&template.object).unwrap_or_default();
            for viewer in viewers.iter().filter(|viewer| !export.or(&mesh).shows(owner, viewer)) {
                let message =
                    format!("these routes are hidden from the gateways, which run in namespace {viewer}");
                let fix = "add that namespace to exportTo";
                report.of(&access_point.id, Code::HiddenHost, place("exportTo"), message, fix);
            }
            for host in destinations(&template.object, owner) {
                hidden_rules(access_point, &host, &viewers, &mesh, report);
                let Some((of, export)) = known.get(&host) else { continue };
                for viewer in viewers.iter().filter(|viewer| !export.or(&mesh).shows(of, viewer)) {
                    let message = format!(
                        "{host} is hidden from namespace {viewer}, so requests to it find no cluster"
                    );
                    let fix = "add that namespace to the exportTo of the host";
                    report.of(&access_point.id, Code::HiddenHost, place("http"), message, fix);
                }
            }
        }
    }
}

/// Hosts of the own namespace that routes lead to, or rules are for, and nothing declares. Where not all
/// services are known, one that is not here may well be; unless it is nearly the name of a Service of the
/// access point that no route leads to.
fn undeclared(
    access_point: &AccessPoint,
    known: &BTreeMap<String, (&Name, ExportTo)>,
    is_all: bool,
    report: &mut Report,
) {
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
        .filter(|_| is_all)
        .map(|template| (template, "host", hosts_of(template.id.kind, &template.object, owner)));
    for (template, field, hosts) in routes.chain(rules) {
        for host in hosts.iter().filter(|host| !host.starts_with('*') && !known.contains_key(*host)) {
            let Some(name) = host.strip_suffix(suffix.as_str()) else { continue };
            let near = if is_all {
                nearest(name, known.keys().filter_map(|host| host.strip_suffix(suffix.as_str())))
            } else {
                nearest(name, idle.iter().copied())
            };
            if !is_all && near.is_none() {
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
