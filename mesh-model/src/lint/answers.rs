//! Published names that a gateway answers with nothing: their server is there, and no routes come to it.
//!
//! An HTTP server without routes for a host answers 404; one that passes TLS on, or of plain TCP, ends the connection.
//! Routes come from a VirtualService that names the Gateway, has the host, is of a namespace that the server takes
//! routes of, and has routes of the server's kind. Any access point's will do, where its targets receive them: so
//! the routes of all forms are gathered, and names that no form of their own answers are held against them in the
//! end. Where the one that publishes the name has no routes at a Gateway, they are taken to be elsewhere. Plain TCP
//! is routed by port, whatever the hosts, and what overrides make of others' routes on targets that are not known
//! nobody can say.
//!
//! Sources: istio/api `virtual_service.proto` (`gateways`: without any, or with `mesh`, sidecars follow it; `tls`,
//! `tcp`), `gateway.proto` (`hosts`), istio/istio `pilot/pkg/networking/core/gateway.go`
//! (`buildGatewayHTTPRouteConfig`, `createGatewayTCPFilterChainOpts`).

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::forms::{On, Sites, names};
use super::objects::is_overridden;
use super::served::{ByHost, ServedHosts, Takes};
use super::servers::servers;
use super::{Code, Report, spec};
use crate::access_point::AccessPoint;
use crate::fleet::Target;
use crate::name::Name;
use crate::template::view::gateway_name;
use crate::template::{Template, TemplateId, TemplateKind};

/// Sections of a VirtualService.
const SECTIONS: [&str; 3] = ["http", "tls", "tcp"];
/// Routes of plain TCP, which are for any host.
const ANY_HOST: &str = "tcp, any host";

/// The routes of all forms at Gateways, and the names that are asked for.
#[derive(Default)]
pub(super) struct Answers {
    /// By the `namespace/name` of the Gateways that they name.
    routes: BTreeMap<String, Routes>,
    asked: BTreeMap<AskedName, On>,
    /// The access points, by their numbers, of which an override changes routes where no target is known.
    changed: BTreeSet<usize>,
}

/// The namespaces and sections of routes, by their hosts, and the clusters that receive them.
type Routes = ByHost<BTreeMap<(Name, &'static str), On>>;

/// A name that no routes of its own access point answer.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct AskedName {
    /// The access point's number.
    by: usize,
    /// Among its names.
    position: usize,
    /// Whether it has routes at a Gateway at all.
    is_at_gateway: bool,
    servers: Vec<AskedServer>,
}

/// A server that has the name.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct AskedServer {
    gateway: TemplateId,
    /// The Gateway's `namespace/name`.
    full_name: String,
    /// The section of which it takes routes.
    needs: &'static str,
    /// Whose routes it takes.
    takes: Vec<Takes>,
    /// What the access point's own routes come to.
    own: Answer,
}

impl Answers {
    /// Adds the routes of a form of an access point, by its number, and names of it that they do not answer.
    pub(super) fn gather(&mut self, number: usize, form: &AccessPoint, on: &[Target<'_>]) {
        for template in of(form, TemplateKind::VirtualService) {
            if is_overridden(form, template) {
                self.changed.insert(number);
            }
            self.add(template, &form.id.namespace, on);
        }
        let is_changed = of(form, TemplateKind::Gateway).any(|one| is_overridden(form, one));
        let own: Vec<Route<'_>> =
            of(form, TemplateKind::VirtualService).map(|one| Route::new(&form.id.namespace, one)).collect();
        if own.is_empty() || is_changed || self.changed.contains(&number) {
            return;
        }
        let is_at_gateway = own.iter().any(|one| gateways(one.template).next().is_some());
        let servers: Vec<Asked<'_>> = of(form, TemplateKind::Gateway)
            .flat_map(|gateway| {
                servers(gateway).filter_map(move |(_, server)| Asked::new(form, gateway, server))
            })
            .collect();
        for (position, name) in form.names.iter().enumerate() {
            let fqdn = name.fqdn.as_str();
            let asked = || servers.iter().filter(|asked| asked.hosts.has(fqdn));
            // most names are answered by routes of their own, which are looked up
            let takes_own = |asked: &Asked<'_>| asked.hosts.meets(fqdn, &form.id.namespace);
            if asked().any(|asked| takes_own(asked) && self.is_given(asked, fqdn, form, on)) {
                continue;
            }
            let servers: Vec<AskedServer> = asked().map(|asked| asked.server(&own, fqdn)).collect();
            // where no server has it, or all send elsewhere, nothing is to be said here
            if !servers.is_empty() {
                let asked = AskedName { by: number, position, is_at_gateway, servers };
                self.asked.entry(asked).or_default().extend(names(on));
            }
        }
    }

    fn add(&mut self, template: &Template, namespace: &Name, on: &[Target<'_>]) {
        for gateway in gateways(template) {
            let routes = self.routes.entry(gateway_name(gateway, namespace)).or_default();
            for section in sections(template) {
                for host in texts(&template.object, "/spec/hosts") {
                    routes.of(host).entry((namespace.clone(), section)).or_default().extend(names(on));
                }
                if section == "tcp" {
                    routes.of("*").entry((namespace.clone(), ANY_HOST)).or_default().extend(names(on));
                }
            }
        }
    }

    /// Whether routes of the own namespace answer on all of these targets.
    fn is_given(&self, asked: &Asked<'_>, fqdn: &str, form: &AccessPoint, on: &[Target<'_>]) -> bool {
        let Some(routes) = self.routes.get(&asked.full_name) else { return false };
        let section = if asked.needs == "tcp" { ANY_HOST } else { asked.needs };
        let key = (form.id.namespace.clone(), section);
        let mut found = routes.meeting(fqdn).filter_map(|routes| routes.get(&key));
        found.any(|theirs| on.iter().all(|target| theirs.contains(&target.cluster.name)))
    }

    /// Tells the names that nothing answers.
    pub(super) fn check(&self, access_points: &[AccessPoint], sites: &mut Sites<'_>, report: &mut Report) {
        let is_open = |by: usize| !sites.has_targets() && self.changed.iter().any(|number| *number != by);
        let asked: Vec<(&AskedName, &On)> =
            self.asked.iter().filter(|(asked, _)| !is_open(asked.by)).collect();
        for (asked, on) in asked {
            let access_point = &access_points[asked.by];
            let fqdn = access_point.names[asked.position].fqdn.as_str();
            let clusters: Vec<Option<&Name>> =
                if on.is_empty() { vec![None] } else { on.iter().map(Some).collect() };
            let mut wrong: BTreeMap<(Answer, &TemplateId), On> = BTreeMap::new();
            for cluster in clusters {
                let answer = |server: &AskedServer| server.own.max(self.others(server, fqdn, cluster));
                let answers = asked.servers.iter().map(|server| (answer(server), &server.gateway));
                let nearest = answers.max().expect("a server has it");
                let is_elsewhere = nearest.0 == Answer::OtherHost && !asked.is_at_gateway;
                if nearest.0 != Answer::Given && !is_elsewhere {
                    wrong.entry(nearest).or_default().extend(cluster.cloned());
                }
            }
            for ((nearest, gateway), on) in wrong {
                let message = format!(
                    "{fqdn} is published and served by {gateway}, {}: whoever follows the name finds nothing",
                    nearest.words()
                );
                let path = spec("names").item(asked.position).field("fqdn");
                let told = (Code::NameWithoutRoute, message, nearest.fix());
                sites.tell_of((access_point, path), &on, told, report);
            }
        }
    }

    /// What the routes come to that a cluster receives, of all access points.
    fn others(&self, server: &AskedServer, fqdn: &str, cluster: Option<&Name>) -> Answer {
        let Some(routes) = self.routes.get(&server.full_name) else { return Answer::OtherHost };
        let here = routes.meeting(fqdn).flatten();
        let here = here.filter(|(_, on)| cluster.is_none_or(|cluster| on.contains(cluster)));
        let answer = |((namespace, section), _): (&(Name, &'static str), &On)| {
            let is_taken = || server.takes.iter().any(|takes| takes.takes(namespace));
            match (*section, server.needs) {
                (ANY_HOST, needs) if needs != "tcp" => Answer::OtherHost,
                _ if !is_taken() => Answer::OtherNamespace,
                (section, needs) if section == needs || section == ANY_HOST => Answer::Given,
                (_, needs) => Answer::OtherKind { needs },
            }
        };
        here.map(answer).max().unwrap_or(Answer::OtherHost)
    }
}

fn of(access_point: &AccessPoint, kind: TemplateKind) -> impl Iterator<Item = &Template> {
    access_point.templates.iter().filter(move |one| one.id.kind == kind)
}

fn gateways(template: &Template) -> impl Iterator<Item = &str> {
    let list = template.object.pointer("/spec/gateways").and_then(Value::as_array);
    list.into_iter().flatten().filter_map(Value::as_str).filter(|gateway| *gateway != "mesh")
}

fn texts<'a>(object: &'a Value, list: &str) -> impl Iterator<Item = &'a str> {
    object.pointer(list).and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str)
}

/// The sections of which a VirtualService has routes.
fn sections(template: &Template) -> impl Iterator<Item = &'static str> {
    let is_given = |section: &&str| {
        let list = template.object.get("spec").and_then(|spec| spec.get(*section)?.as_array());
        list.is_some_and(|list| !list.is_empty())
    };
    SECTIONS.into_iter().filter(is_given)
}

/// A server that is asked for names.
struct Asked<'a> {
    gateway: &'a Template,
    /// The Gateway's `namespace/name`.
    full_name: String,
    hosts: ServedHosts,
    /// The section of a VirtualService of which it takes routes.
    needs: &'static str,
}

/// Routes of the access point that asks.
struct Route<'a> {
    namespace: &'a Name,
    template: &'a Template,
    hosts: ServedHosts,
}

impl<'a> Route<'a> {
    fn new(namespace: &'a Name, template: &'a Template) -> Self {
        Self { namespace, template, hosts: hosts(&template.object, "/spec/hosts", namespace) }
    }
}

fn hosts(object: &Value, list: &str, namespace: &Name) -> ServedHosts {
    let mut hosts = ServedHosts::default();
    texts(object, list).for_each(|host| hosts.add(host, namespace));
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
    /// A server that needs routes: one that sends on to HTTPS, or to another zone by name, has none.
    fn new(form: &'a AccessPoint, gateway: &'a Template, server: &Value) -> Option<Self> {
        let namespace = &form.id.namespace;
        let only_redirects = server.pointer("/tls/httpsRedirect").is_some_and(|redirect| *redirect == true);
        let needs = needed(server).filter(|_| !only_redirects)?;
        let full_name = format!("{namespace}/{}", gateway.id.name);
        Some(Self { gateway, full_name, hosts: hosts(server, "/hosts", namespace), needs })
    }

    /// What is to be known of it in the end, for a name.
    fn server(&self, own: &[Route<'_>], fqdn: &str) -> AskedServer {
        AskedServer {
            gateway: self.gateway.id.clone(),
            full_name: self.full_name.clone(),
            needs: self.needs,
            takes: self.hosts.takes(fqdn).cloned().collect(),
            own: own.iter().map(|route| self.answer(route, fqdn)).max().unwrap_or(Answer::OtherHost),
        }
    }

    fn answer(&self, Route { namespace, template, hosts }: &Route<'_>, fqdn: &str) -> Answer {
        let is_named = |one: &str| gateway_name(one, namespace) == self.full_name;
        // of a name for all below it, routes of some of these will do; streams are routed by port
        if self.needs != "tcp" && !hosts.meets(fqdn, namespace) {
            Answer::OtherHost
        } else if !gateways(template).any(is_named) {
            Answer::OtherGateway
        } else if !self.hosts.meets(fqdn, namespace) {
            Answer::OtherNamespace
        } else if sections(template).any(|section| section == self.needs) {
            Answer::Given
        } else {
            Answer::OtherKind { needs: self.needs }
        }
    }
}

/// The section of a VirtualService of which a server takes routes; none for one that needs no routes.
fn needed(server: &Value) -> Option<&'static str> {
    let protocol = server.pointer("/port/protocol").and_then(Value::as_str).unwrap_or_default();
    let mode = server.pointer("/tls/mode").and_then(Value::as_str).unwrap_or_default();
    match (protocol.to_ascii_uppercase().as_str(), mode) {
        (_, "AUTO_PASSTHROUGH") => None,
        ("HTTPS" | "TLS", "PASSTHROUGH") => Some("tls"),
        ("HTTP" | "HTTP2" | "HTTPS" | "GRPC" | "GRPC-WEB" | "HTTP_PROXY", _) => Some("http"),
        _ => Some("tcp"),
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
