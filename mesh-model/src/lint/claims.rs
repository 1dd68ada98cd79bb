//! What two access points claim: objects, hosts, addresses.
//!
//! Objects and hosts are claimed by what targets receive, not by what a template
//! says: an override may bring a host, or take it away. So each access point's
//! claims are gathered from its forms, with the targets of each, and two clash
//! where they have a target in common. Without a fleet any two may meet.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use serde_json::Value;

use super::forms::{On, Place, Sites, listed, names};
use super::objects::{is_overridden, pointer};
use super::{Code, FleetFacts, Report, inside, spec};
use crate::access_point::{AccessPoint, Sharing};
use crate::fleet::Target;
use crate::name::Name;
use crate::template::{Template, TemplateId, TemplateKind};
use crate::vip::{Port, Protocol};
use crate::visibility::{ExportTo, has_gateway, hosts_of};

/// What the objects of one access point claim, and on which targets.
pub(super) struct Claims<'a> {
    access_point: &'a AccessPoint,
    objects: BTreeMap<TemplateId, On>,
    gateways: BTreeMap<(HostPort, Pods, Place), On>,
    mesh: BTreeMap<(String, ExportTo, Place), On>,
}

/// A host of a Gateway and the port that it is served on.
type HostPort = (String, Option<u64>);
/// The labels of the pods that serve a Gateway; all pods if `None`.
pub(super) type Pods = Option<BTreeMap<String, String>>;

impl<'a> Claims<'a> {
    pub(super) const fn new(access_point: &'a AccessPoint) -> Self {
        Self { access_point, objects: BTreeMap::new(), gateways: BTreeMap::new(), mesh: BTreeMap::new() }
    }

    /// Adds what the objects claim that these targets receive.
    pub(super) fn gather(&mut self, form: &AccessPoint, on: &[Target<'_>], facts: Option<&FleetFacts>) {
        // what an override makes of it on targets that are not known, nobody can say
        for template in form.templates.iter().filter(|one| !is_overridden(form, one)) {
            self.objects.entry(template.id.clone()).or_default().extend(names(on));
            match template.id.kind {
                TemplateKind::Gateway => {
                    for claim in gateway_hosts(template) {
                        self.gateways.entry(claim).or_default().extend(names(on));
                    }
                }
                TemplateKind::VirtualService => {
                    for claim in mesh_hosts(template, &form.id.namespace, facts) {
                        self.mesh.entry(claim).or_default().extend(names(on));
                    }
                }
                TemplateKind::AuthorizationPolicy
                | TemplateKind::DestinationRule
                | TemplateKind::PeerAuthentication
                | TemplateKind::Service
                | TemplateKind::ServiceEntry
                | TemplateKind::WorkloadEntry => {}
            }
        }
    }
}

/// The hosts of a Gateway's servers.
fn gateway_hosts(template: &Template) -> impl Iterator<Item = (HostPort, Pods, Place)> {
    let pods = pods(template);
    super::servers::servers(template).flat_map(move |(number, server)| {
        let port = server.pointer("/port/number").and_then(Value::as_u64);
        let at = pointer(&["spec", "servers", &number.to_string(), "hosts"]);
        let hosts = super::servers::hosts(server).filter(|(_, host)| *host != "*");
        let pods = pods.clone();
        hosts.map(move |(position, host)| {
            let place = (template.id.clone(), at.then(&position.to_string()));
            ((host.to_owned(), port), pods.clone(), place)
        })
    })
}

/// The hosts whose routes a VirtualService has for sidecars, with those who see it.
fn mesh_hosts(
    template: &Template,
    namespace: &Name,
    facts: Option<&FleetFacts>,
) -> Vec<(String, ExportTo, Place)> {
    let mesh = facts.map(|facts| &facts.default_export).cloned().unwrap_or_default();
    let list = template.object.pointer("/spec/gateways").and_then(Value::as_array);
    let is_for_mesh =
        !has_gateway(&template.object) || list.into_iter().flatten().any(|gateway| gateway == "mesh");
    let export = ExportTo::of(&template.object).unwrap_or_default().or(&mesh).clone();
    let hosts = hosts_of(template.id.kind, &template.object, namespace).into_iter().enumerate();
    let claim = |(position, host): (usize, String)| {
        let place = (template.id.clone(), pointer(&["spec", "hosts", &position.to_string()]));
        (host, export.clone(), place)
    };
    hosts.filter(|_| is_for_mesh).map(claim).collect()
}

pub(super) fn pods(template: &Template) -> Pods {
    let selector = template.object.pointer("/spec/selector").and_then(Value::as_object)?;
    let label = |(key, value): (&String, &Value)| Some((key.clone(), value.as_str()?.to_owned()));
    Some(selector.iter().filter_map(label).collect())
}

/// Whether one pod can have the labels of both Gateways' selectors: a public and an inner one have not.
pub(super) fn may_share_pods(one: &Template, other: &Template) -> bool {
    share_pods(&pods(one), &pods(other))
}

/// Whether one pod can have both's labels.
pub(super) fn share_pods(one: &Pods, other: &Pods) -> bool {
    let (Some(one), Some(other)) = (one, other) else { return true };
    one.iter().all(|(key, value)| other.get(key).is_none_or(|theirs| theirs == value))
}

/// The targets that two have in common; `None` if they never meet.
fn common(one: &On, other: &On, has_targets: bool) -> Option<On> {
    let common: On = one.intersection(other).cloned().collect();
    (!has_targets || !common.is_empty()).then_some(common)
}

pub(super) fn check(mut claims: Vec<Claims<'_>>, sites: &mut Sites<'_>, report: &mut Report) {
    claims.sort_by_key(|claims| &claims.access_point.id);
    if sites.has_targets() {
        objects(&claims, report);
    }
    let mut twice = Twice::default();
    at_gateways(&claims, sites.has_targets(), &mut twice);
    in_mesh(&claims, sites.has_targets(), &mut twice);
    for ((number, (template, place), host, owner), on) in twice {
        let (access_point, owner) = (claims[number].access_point, &claims[owner].access_point.id);
        let message = format!("{host} is already served by {owner}; which of the two answers is undefined");
        let fix = "agree on one owner, or place them on different targets";
        let (path, message) = sites.written_at(access_point, &on, (&template, &place), message);
        report.of(&access_point.id, Code::HostClaimedTwice, path, message, fix);
    }
    let ordered: Vec<&AccessPoint> = claims.iter().map(|claims| claims.access_point).collect();
    addresses(&ordered, report);
}

/// Objects that two of one namespace write: the first access point is their owner.
fn objects(claims: &[Claims<'_>], report: &mut Report) {
    let mut owners: BTreeMap<(&Name, &TemplateId), Vec<(&AccessPoint, &On)>> = BTreeMap::new();
    for one in claims {
        let id = &one.access_point.id;
        for (object, on) in &one.objects {
            let known = owners.entry((&id.namespace, object)).or_default();
            for (owner, theirs) in known.iter() {
                let Some(common) = common(on, theirs, true) else { continue };
                let path = inside(one.access_point, object, &pointer(&["metadata", "name"]));
                let message = format!(
                    "on {}: {object} is written by {}, too, and a namespace has one object of a name: each undoes what the other writes",
                    listed(&common),
                    owner.id
                );
                let fix = "give one of the two another name, or place them on different targets";
                report.of(id, Code::ObjectWrittenTwice, path, message, fix);
            }
            known.push((one.access_point, on));
        }
    }
}

/// Who says again, and where, what somebody has already, by number; and the targets that have both.
type Twice = BTreeMap<(usize, Place, String, usize), On>;

/// Hosts of Gateways: the first access point that serves one on a target's port is its owner.
fn at_gateways(claims: &[Claims<'_>], has_targets: bool, twice: &mut Twice) {
    let mut owners: BTreeMap<&HostPort, Vec<(usize, &Pods, &On)>> = BTreeMap::new();
    for (number, one) in claims.iter().enumerate() {
        for ((host, pods, place), on) in &one.gateways {
            let known = owners.entry(host).or_default();
            let others =
                known.iter().filter(|(owner, theirs, _)| *owner != number && share_pods(theirs, pods));
            let mut met =
                others.filter_map(|(owner, _, theirs)| Some((*owner, common(on, theirs, has_targets)?)));
            if let Some((owner, common)) = met.next() {
                twice.entry((number, place.clone(), host.0.clone(), owner)).or_default().extend(common);
            }
            known.push((number, pods, on));
        }
    }
}

/// Hosts of VirtualServices for sidecars, where one namespace sees both.
fn in_mesh(claims: &[Claims<'_>], has_targets: bool, twice: &mut Twice) {
    let mut owners: BTreeMap<&String, Vec<(usize, &TemplateId, &ExportTo, &On)>> = BTreeMap::new();
    for (number, one) in claims.iter().enumerate() {
        let namespace = &one.access_point.id.namespace;
        for ((host, export, place), on) in &one.mesh {
            let known = owners.entry(host).or_default();
            let sees_both = |(other, template, theirs, _): &&(usize, &TemplateId, &ExportTo, &On)| {
                let owner = &claims[*other].access_point.id.namespace;
                (*other, *template) != (number, &place.0) && export.meets(namespace, theirs, owner)
            };
            let others = known.iter().filter(sees_both);
            let mut met =
                others.filter_map(|(owner, _, _, theirs)| Some((*owner, common(on, theirs, has_targets)?)));
            if let Some((owner, common)) = met.next() {
                twice.entry((number, place.clone(), host.clone(), owner)).or_default().extend(common);
            }
            known.push((number, &place.0, export, on));
        }
    }
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
