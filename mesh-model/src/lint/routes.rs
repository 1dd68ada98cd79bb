//! Rules of a VirtualService that no request reaches as they are written.
//!
//! The first rule that matches takes a request, so one that would match whatever
//! a later one does leaves it nothing. What is compared is text and prefix, no
//! regular expression: where two conditions merely overlap, nothing is said.
//!
//! Sources: istio/istio `pkg/config/analysis/msg/messages.yaml` (IST0101, IST0112, IST0130, IST0131),
//! `pilot/pkg/networking/core/route/route.go`, which takes the listener's port where a destination has none.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::objects::{is_overridden, pointer};
use super::{Code, FleetFacts, Report, inside};
use crate::access_point::AccessPoint;
use crate::nearest::{did_you_mean, nearest};
use crate::template::{Template, TemplateKind};
use crate::traffic::full_host;
use crate::visibility::hosts_of;

/// What of a condition takes no request and lets none pass.
const NO_CONDITION: [&str; 2] = ["name", "statPrefix"];

/// The objects of an access point that routes lead to, by their hosts.
pub(super) struct Own<'a> {
    services: BTreeMap<String, &'a Template>,
    rules: BTreeMap<String, Vec<&'a Template>>,
}

impl<'a> Own<'a> {
    pub(super) fn of(access_point: &'a AccessPoint) -> Self {
        let namespace = &access_point.id.namespace;
        let (mut services, mut rules): (BTreeMap<_, _>, BTreeMap<String, Vec<&Template>>) =
            Default::default();
        for template in &access_point.templates {
            let hosts = hosts_of(template.id.kind, &template.object, namespace);
            match template.id.kind {
                TemplateKind::Service => services.extend(hosts.into_iter().map(|host| (host, template))),
                TemplateKind::DestinationRule => {
                    hosts.into_iter().for_each(|host| rules.entry(host).or_default().push(template));
                }
                TemplateKind::AuthorizationPolicy
                | TemplateKind::Gateway
                | TemplateKind::PeerAuthentication
                | TemplateKind::ServiceEntry
                | TemplateKind::VirtualService
                | TemplateKind::WorkloadEntry => {}
            }
        }
        Self { services, rules }
    }
}

pub(super) fn check(
    access_point: &AccessPoint,
    template: &Template,
    own: &Own<'_>,
    facts: Option<&FleetFacts>,
    report: &mut Report,
) {
    for section in ["http", "tls", "tcp"] {
        let rules = template.object.pointer(&format!("/spec/{section}")).and_then(Value::as_array);
        let rules = rules.map(Vec::as_slice).unwrap_or_default();
        unreachable(access_point, template, section, rules, report);
        for (position, rule) in rules.iter().enumerate() {
            let list = rule.get("route").and_then(Value::as_array);
            for (number, one) in list.into_iter().flatten().enumerate() {
                let at =
                    ["spec", section, &position.to_string(), "route", &number.to_string(), "destination"];
                let value = &one["destination"];
                let destination = Destination { access_point, template, own, value, at };
                // with traffic a rendering says so, where there is one
                if access_point.traffic.is_none() || facts.is_none() {
                    destination.subset(report);
                }
                destination.port(facts, report);
            }
        }
    }
}

/// Rules and conditions that come after what takes all of theirs.
fn unreachable(
    access_point: &AccessPoint,
    template: &Template,
    section: &str,
    rules: &[Value],
    report: &mut Report,
) {
    let mut before: Vec<(usize, Condition<'_>)> = Vec::new();
    for (position, rule) in rules.iter().enumerate() {
        let conditions = conditions(rule);
        let taker = |one: &Condition<'_>| {
            before.iter().find(|(_, other)| takes(other, one)).map(|(position, _)| *position)
        };
        let takers: Vec<Option<usize>> = conditions.iter().map(taker).collect();
        let mut add = |steps: &[&str], message: String| {
            let path = inside(access_point, &template.id, &pointer(steps));
            let fix = "write what is narrower first, or take it away";
            report.of(&access_point.id, Code::UnreachableRoute, path, message, fix);
        };
        let here = position.to_string();
        if takers.iter().all(Option::is_some) {
            let first = takers.iter().flatten().min().copied().unwrap_or_default();
            let message =
                format!("no request comes to this rule: {section}[{first}] takes all that it is for");
            add(&["spec", section, &here], message);
        } else {
            for (number, first) in takers.iter().enumerate().filter_map(|(at, first)| Some((at, (*first)?))) {
                let message = format!(
                    "no request comes by this condition: {section}[{first}] takes all that it is for"
                );
                add(&["spec", section, &here, "match", &number.to_string()], message);
            }
        }
        // what the routes of a delegate do not match goes on to the next rule
        if rule.get("delegate").is_none_or(Value::is_null) {
            before.extend(conditions.into_iter().map(|one| (position, one)));
        }
    }
}

/// The fields of which all must hold.
type Condition<'a> = BTreeMap<&'a str, &'a Value>;

/// The conditions of a rule, of which one is enough; a rule without has one that always holds.
fn conditions(rule: &Value) -> Vec<Condition<'_>> {
    let list = rule.get("match").and_then(Value::as_array).filter(|list| !list.is_empty());
    let Some(list) = list else { return vec![Condition::new()] };
    let counts = |(key, value): &(&String, &Value)| !value.is_null() && !NO_CONDITION.contains(&key.as_str());
    let condition = |one| {
        let fields = Value::as_object(one).into_iter().flatten().filter(counts);
        fields.map(|(key, value)| (key.as_str(), value)).collect()
    };
    list.iter().map(condition).collect()
}

/// Whether whatever the narrow one matches is matched by the wide one.
fn takes(wide: &Condition<'_>, narrow: &Condition<'_>) -> bool {
    let ignores_case = |one: &Condition<'_>| one.get("ignoreUriCase").is_some_and(|value| **value == true);
    wide.iter().all(|(key, value)| match *key {
        "uri" => match wide_prefix(value) {
            // every path begins so
            Some("/") => true,
            Some(prefix) if !ignores_case(wide) && !ignores_case(narrow) => {
                let uri = narrow.get("uri").copied();
                let text = uri.and_then(|uri| uri.get("prefix").or_else(|| uri.get("exact")));
                text.and_then(Value::as_str).is_some_and(|text| text.starts_with(prefix))
            }
            _ => narrow.get("uri") == Some(value) && ignores_case(wide) == ignores_case(narrow),
        },
        "ignoreUriCase" => true,
        _ => narrow.get(key) == Some(value),
    })
}

fn wide_prefix(uri: &Value) -> Option<&str> {
    uri.get("prefix").and_then(Value::as_str)
}

/// Where a route leads.
struct Destination<'a> {
    access_point: &'a AccessPoint,
    template: &'a Template,
    own: &'a Own<'a>,
    value: &'a Value,
    at: [&'a str; 6],
}

impl Destination<'_> {
    fn of(&self, kind: TemplateKind) -> impl Iterator<Item = &Template> {
        self.access_point.templates.iter().filter(move |one| one.id.kind == kind)
    }

    fn host(&self) -> Option<String> {
        self.value
            .get("host")
            .and_then(Value::as_str)
            .map(|host| full_host(host, &self.access_point.id.namespace))
    }

    fn report(&self, code: Code, field: Option<&str>, message: String, fix: &str, report: &mut Report) {
        let at = field.into_iter().fold(pointer(&self.at), |at, field| at.then(field));
        let path = inside(self.access_point, &self.template.id, &at);
        report.of(&self.access_point.id, code, path, message, fix);
    }

    /// A subset that none of the host's rules here has; a host without a rule here may have one elsewhere.
    fn subset(&self, report: &mut Report) {
        let (Some(host), Some(subset)) = (self.host(), self.value.get("subset").and_then(Value::as_str))
        else {
            return;
        };
        let rules = self.own.rules.get(&host).map(Vec::as_slice).unwrap_or_default();
        if rules.is_empty() || rules.iter().any(|rule| is_overridden(self.access_point, rule)) {
            return;
        }
        let subsets =
            rules.iter().filter_map(|rule| rule.object.pointer("/spec/subsets")?.as_array()).flatten();
        let known: BTreeSet<&str> = subsets.filter_map(|one| one.get("name")?.as_str()).collect();
        if !known.contains(subset) {
            let near = did_you_mean(nearest(subset, known.iter().copied()));
            let message = format!(
                "no DestinationRule of {host} has a subset `{subset}`, so requests find no cluster{near}"
            );
            self.report(
                Code::UnknownSubset,
                Some("subset"),
                message,
                "add the subset, or name one that is there",
                report,
            );
        }
    }

    /// A port that the Service does not have; or none, where a gateway sends to the port of its own number
    /// unless the Service has but one.
    fn port(&self, facts: Option<&FleetFacts>, report: &mut Report) {
        let Some(host) = self.host() else { return };
        let namespace = &self.access_point.id.namespace;
        let service = self.own.services.get(&host).copied();
        let of_mesh = || facts?.services.as_ref()?.get(&host);
        let ports = match service {
            Some(service) if is_overridden(self.access_point, service) => return,
            Some(service) => numbers(service, "/spec/ports", "/port"),
            None => match of_mesh() {
                Some(service) => service.ports.iter().map(|port| u64::from(*port)).collect(),
                None => return,
            },
        };
        let list: Vec<String> = ports.iter().map(ToString::to_string).collect();
        if self.value.get("port").is_some_and(|value| !value.is_null()) {
            let number = self.value.pointer("/port/number").and_then(Value::as_u64);
            if let Some(number) = number.filter(|number| !ports.is_empty() && !ports.contains(number)) {
                let message = format!(
                    "{host} has no port {number}, so requests find no cluster; it has {}",
                    list.join(", ")
                );
                let fix = "write a port of the Service (`port`, not `targetPort`)";
                self.report(Code::UnknownPort, Some("port"), message, fix, report);
            }
            return;
        }
        if ports.len() < 2 {
            return;
        }
        let named = self.template.object.pointer("/spec/gateways").and_then(Value::as_array);
        let is_named = |gateway: &&Template| {
            let full = format!("{namespace}/{}", gateway.id.name);
            named.into_iter().flatten().any(|one| *one == *gateway.id.name || *one == full)
        };
        let gateways = self.of(TemplateKind::Gateway).filter(is_named);
        let gateways = gateways.filter(|gateway| !is_overridden(self.access_point, gateway));
        let served: BTreeSet<u64> =
            gateways.flat_map(|one| numbers(one, "/spec/servers", "/port/number")).collect();
        if let Some(number) = served.difference(&ports).next() {
            let message = format!(
                "{host} has the ports {} and none is chosen, so what comes to the Gateway's port {number} is sent to a port {number} that is not there",
                list.join(", ")
            );
            self.report(
                Code::PortNotChosen,
                None,
                message,
                "write the destination's port: { number: ... }",
                report,
            );
        }
    }
}

/// The numbers in a list of ports.
fn numbers(template: &Template, list: &str, field: &str) -> BTreeSet<u64> {
    let list = template.object.pointer(list).and_then(Value::as_array);
    list.into_iter().flatten().filter_map(|one| one.pointer(field)?.as_u64()).collect()
}
