//! What two access points claim.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use serde_json::Value;

use super::placed::targets;
use super::{Code, FleetFacts, Report, inside, spec};
use crate::access_point::{AccessPoint, Sharing};
use crate::name::Name;
use crate::patch::Pointer;
use crate::template::{Template, TemplateKind};
use crate::vip::{Port, Protocol};
use crate::visibility::{ExportTo, has_gateway, hosts_of};

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
