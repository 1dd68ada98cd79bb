//! Published names that a gateway answers with nothing: their server is there, and no routes come to it.
//!
//! An HTTP server without routes for a host answers 404; one that passes TLS on, or of plain TCP, ends the connection.
//! Routes come from a VirtualService that names the Gateway, has the host, is of a namespace that the server takes
//! routes of, and has routes of the server's kind. Any access point's will do; where the one that publishes
//! the name has no routes at a Gateway, they are taken to be elsewhere. Plain TCP is routed by port,
//! whatever the hosts, and what overrides make of others' routes is not known here.
//!
//! Sources: istio/api `virtual_service.proto` (`gateways`: without any, or with `mesh`, sidecars follow it; `tls`,
//! `tcp`), `gateway.proto` (`hosts`), istio/istio `pilot/pkg/networking/core/gateway.go`
//! (`buildGatewayHTTPRouteConfig`, `createGatewayTCPFilterChainOpts`).

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::objects::is_overridden;
use super::served::ServedHosts;
use super::servers::servers;
use super::{Code, Report, spec};
use crate::access_point::{AccessPoint, AccessPointId};
use crate::name::Name;
use crate::template::view::gateway_name;
use crate::template::{Template, TemplateId, TemplateKind};

/// The VirtualServices of all access points by the `namespace/name` of the Gateways that they name.
pub(super) struct Routes<'a> {
    by_gateway: BTreeMap<String, Vec<(&'a AccessPointId, &'a Template)>>,
    /// The access points of which overrides change a VirtualService.
    changed: BTreeSet<&'a AccessPointId>,
}

impl<'a> Routes<'a> {
    pub(super) fn of(access_points: &'a [AccessPoint]) -> Self {
        let mut all = Self { by_gateway: BTreeMap::new(), changed: BTreeSet::new() };
        for access_point in access_points {
            let id = &access_point.id;
            for template in of(access_point, TemplateKind::VirtualService) {
                if is_overridden(access_point, template) {
                    all.changed.insert(id);
                }
                for gateway in gateways(template) {
                    let named = gateway_name(gateway, &id.namespace);
                    all.by_gateway.entry(named).or_default().push((id, template));
                }
            }
        }
        all
    }
}

/// Looks for names that nothing answers, at a form of an access point.
pub(super) fn check(form: &AccessPoint, all: &Routes<'_>, report: &mut Report) {
    let own: Vec<&Template> = of(form, TemplateKind::VirtualService).collect();
    let is_changed = |kind| of(form, kind).any(|one| is_overridden(form, one));
    let is_changed_elsewhere = all.changed.iter().any(|id| **id != form.id);
    let is_changed_here = is_changed(TemplateKind::Gateway) || is_changed(TemplateKind::VirtualService);
    if own.is_empty() || is_changed_here || is_changed_elsewhere {
        return;
    }
    let is_at_gateway = own.iter().any(|one| gateways(one).next().is_some());
    let servers: Vec<Asked<'_>> = of(form, TemplateKind::Gateway)
        .flat_map(|gateway| servers(gateway).map(move |(_, server)| Asked::new(form, gateway, server)))
        .collect();
    let others = servers.iter().flat_map(|asked| all.by_gateway.get(&asked.full_name).into_iter().flatten());
    let others: BTreeSet<(&AccessPointId, &TemplateId)> =
        others.filter(|(id, _)| **id != form.id).map(|(id, one)| (*id, &one.id)).collect();
    let others = all.by_gateway.values().flatten().filter(|(id, one)| others.contains(&(*id, &one.id)));
    let routes = own.iter().map(|one| Route::new(&form.id, one));
    let routes: Vec<Route<'_>> = routes.chain(others.map(|(id, one)| Route::new(id, one))).collect();
    for (position, name) in form.names.iter().enumerate() {
        let fqdn = name.fqdn.as_str();
        let asked = servers.iter().filter(|asked| !asked.only_redirects && asked.hosts.has(fqdn));
        let answer = |asked: &Asked<'_>| {
            let answers = routes.iter().map(|route| asked.answer(route, fqdn));
            answers.max().unwrap_or(Answer::OtherHost)
        };
        // where no server has it, or all send elsewhere, nothing is to be said here
        let nearest = asked.map(|asked| (answer(asked), &asked.gateway.id)).max();
        let is_elsewhere = |nearest| nearest == Answer::OtherHost && !is_at_gateway;
        let is_wrong = |nearest| nearest != Answer::Given && !is_elsewhere(nearest);
        let Some((nearest, gateway)) = nearest.filter(|(nearest, _)| is_wrong(*nearest)) else { continue };
        let message = format!(
            "{fqdn} is published and served by {gateway}, {}: whoever follows the name finds nothing",
            nearest.words()
        );
        let path = spec("names").item(position).field("fqdn");
        report.of(&form.id, Code::NameWithoutRoute, path, message, nearest.fix());
    }
}

fn of(access_point: &AccessPoint, kind: TemplateKind) -> impl Iterator<Item = &Template> {
    access_point.templates.iter().filter(move |one| one.id.kind == kind)
}

fn gateways(template: &Template) -> impl Iterator<Item = &str> {
    let list = template.object.pointer("/spec/gateways").and_then(Value::as_array);
    list.into_iter().flatten().filter_map(Value::as_str).filter(|gateway| *gateway != "mesh")
}

/// A server that is asked for names.
struct Asked<'a> {
    gateway: &'a Template,
    /// The Gateway's `namespace/name`.
    full_name: String,
    hosts: ServedHosts,
    only_redirects: bool,
    /// The sections of a VirtualService of which it takes routes; none if it needs no routes.
    needs: &'static [&'static str],
}

/// Routes that may answer.
struct Route<'a> {
    id: &'a AccessPointId,
    template: &'a Template,
    hosts: ServedHosts,
}

impl<'a> Route<'a> {
    fn new(id: &'a AccessPointId, template: &'a Template) -> Self {
        Self { id, template, hosts: hosts(&template.object, "/spec/hosts", &id.namespace) }
    }
}

fn hosts(object: &Value, list: &str, namespace: &Name) -> ServedHosts {
    let mut hosts = ServedHosts::default();
    let list = object.pointer(list).and_then(Value::as_array).into_iter().flatten();
    list.filter_map(Value::as_str).for_each(|host| hosts.add(host, namespace));
    hosts
}

/// How near routes come to answering; the last is the nearest.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Answer {
    /// They are for other hosts.
    OtherHost,
    /// They are for the host, and not at this Gateway.
    OtherGateway,
    /// They are of a namespace whose routes the server does not take.
    OtherNamespace,
    /// They are routes of HTTP where the server needs others, or the other way round.
    OtherKind {
        needs: &'static str,
    },
    Given,
}

impl<'a> Asked<'a> {
    fn new(form: &'a AccessPoint, gateway: &'a Template, server: &Value) -> Self {
        let namespace = &form.id.namespace;
        Self {
            gateway,
            full_name: format!("{namespace}/{}", gateway.id.name),
            hosts: hosts(server, "/hosts", namespace),
            only_redirects: server.pointer("/tls/httpsRedirect").is_some_and(|redirect| *redirect == true),
            needs: needed(server),
        }
    }

    fn answer(&self, Route { id, template, hosts }: &Route<'_>, fqdn: &str) -> Answer {
        let is_named = |one: &str| gateway_name(one, &id.namespace) == self.full_name;
        let is_given = |section: &&&str| {
            let list = template.object.pointer("/spec").and_then(|spec| spec.get(**section)?.as_array());
            list.is_some_and(|list| !list.is_empty())
        };
        // of a name for all below it, routes of some of these will do; streams are routed by port
        if self.needs != ["tcp"] && !hosts.meets(fqdn, &id.namespace) {
            Answer::OtherHost
        } else if !gateways(template).any(is_named) {
            Answer::OtherGateway
        } else if !self.hosts.meets(fqdn, &id.namespace) {
            Answer::OtherNamespace
        } else {
            match self.needs.first() {
                Some(needs) if self.needs.iter().find(is_given).is_none() => Answer::OtherKind { needs },
                _ => Answer::Given,
            }
        }
    }
}

/// The sections of a VirtualService of which a server takes routes; none for one that needs no routes.
fn needed(server: &Value) -> &'static [&'static str] {
    let protocol = server.pointer("/port/protocol").and_then(Value::as_str).unwrap_or_default();
    let mode = server.pointer("/tls/mode").and_then(Value::as_str).unwrap_or_default();
    match (protocol.to_ascii_uppercase().as_str(), mode) {
        (_, "AUTO_PASSTHROUGH") => &[],
        ("HTTPS" | "TLS", "PASSTHROUGH") => &["tls"],
        ("HTTP" | "HTTP2" | "HTTPS" | "GRPC" | "GRPC-WEB" | "HTTP_PROXY", _) => &["http"],
        _ => &["tcp"],
    }
}

impl Answer {
    fn words(self) -> String {
        match self {
            Self::OtherHost => "and no VirtualService has this host".to_owned(),
            Self::OtherGateway => {
                "and no VirtualService with this host names that Gateway, without which sidecars alone follow it".to_owned()
            }
            Self::OtherNamespace => {
                "and its server takes no routes of the namespace that has them (`namespace/host`)".to_owned()
            }
            Self::OtherKind { needs } => {
                format!("and its server takes routes in `{needs}` alone, of which the VirtualService has none")
            }
            Self::Given => String::new(),
        }
    }

    const fn fix(self) -> &'static str {
        match self {
            Self::OtherHost => "add the host to a VirtualService at this Gateway, or take the name away",
            Self::OtherGateway => "name the Gateway in `gateways` of the VirtualService",
            Self::OtherNamespace => "write the host without a namespace, or with that of the routes",
            Self::OtherKind { .. } => "write such routes, or let the server end TLS (mode: SIMPLE)",
            Self::Given => "",
        }
    }
}
