//! What DestinationRules say of balancing and failover, and what of it never comes to pass.
//!
//! Rules of one host are as one ([`rules`](crate::rules)): a subset in one has the policy that another has for the host.
//!
//! Sources: istio/api `destination_rule.proto` (`localityLbSetting`, `outlierDetection`), istio/istio
//! `pilot/pkg/networking/core/loadbalancer/loadbalancer.go`.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::objects::pointer;
use super::placed::targets;
use super::{Code, FleetFacts, Report, inside};
use crate::access_point::AccessPoint;
use crate::api::FieldPath;
use crate::fleet::Target;
use crate::locality::{Locality, matches};
use crate::name::Name;
use crate::nearest::{did_you_mean, nearest};
use crate::patch::Pointer;
use crate::rules::{Rule, Together, together};
use crate::template::{Template, TemplateKind};
use crate::traffic::full_host;
use crate::visibility::ExportTo;

/// Istio's limit of ejection in percent where a rule says nothing.
const MAX_EJECTION: u64 = 10;

/// Looks at the policies of all rules, on these targets.
pub(super) fn check(
    access_point: &AccessPoint,
    on: &[Target<'_>],
    facts: Option<&FleetFacts>,
    report: &mut Report,
) {
    for (host, rules) in of_hosts(access_point) {
        let is_steered = is_steered(access_point, &host);
        let Some(together) = put_together(&rules, &host, &access_point.id.namespace) else { continue };
        ignored(access_point, &host, &together, report);
        let says = together.policy.unwrap_or(together.first);
        for policy in rules.iter().flat_map(|rule| policies(rule, says, is_steered)) {
            failover(access_point, &policy, facts, report);
            distribute(access_point, &policy, on, report);
            facts.iter().for_each(|facts| named_regions(access_point, &policy, facts, report));
        }
    }
}

/// Rules that Istio puts together, each with their host in full: those of one host that the same namespaces see.
/// One for some workloads alone stands by itself.
fn of_hosts(access_point: &AccessPoint) -> Vec<(String, Vec<&Template>)> {
    let mut shared: BTreeMap<(String, ExportTo), Vec<&Template>> = BTreeMap::new();
    let mut all = Vec::new();
    for rule in access_point.templates.iter().filter(|one| one.id.kind == TemplateKind::DestinationRule) {
        let Some(host) = rule.object.pointer("/spec/host").and_then(Value::as_str) else { continue };
        let host = full_host(host, &access_point.id.namespace);
        let selector = rule.object.pointer("/spec/workloadSelector");
        if selector.is_some_and(|selector| !selector.is_null()) {
            all.push((host, vec![rule]));
        } else {
            let export = ExportTo::of(&rule.object).unwrap_or_default();
            shared.entry((host, export)).or_default().push(rule);
        }
    }
    all.extend(shared.into_iter().map(|((host, _), rules)| (host, rules)));
    all
}

/// Rules of one host that the same namespaces see, as one.
fn put_together<'a>(
    rules: &[&'a Template],
    host: &'a str,
    namespace: &Name,
) -> Option<Together<'a, &'a Template>> {
    // of their subsets each rule is asked itself
    let rule = |of: &&'a Template| {
        let has_policy = Written::of_host(of).is_some();
        Rule { of: *of, host, has_policy, subsets: Vec::new(), export_to: Vec::new() }
    };
    together(rules.iter().map(rule), host, namespace)
}

/// Whether `traffic` makes a host fail over: that of a Service of the access point.
fn is_steered(access_point: &AccessPoint, host: &str) -> bool {
    let mut services = access_point.templates.iter().filter(|one| one.id.kind == TemplateKind::Service);
    access_point.traffic.as_ref().is_some_and(|traffic| traffic.failover)
        && services.any(|one| full_host(&one.id.name, &access_point.id.namespace) == host)
}

/// Policies of which Istio takes another's: it adds the subsets of rules up, and takes the policy of the older one.
fn ignored(access_point: &AccessPoint, host: &str, together: &Together<'_, &Template>, report: &mut Report) {
    for clash in &together.clashes {
        let message = format!(
            "{} has a policy for {host}, too: of the two Istio takes that of the older rule, and this one's may never hold",
            clash.other.id
        );
        let path = inside(access_point, &clash.of.id, &clash.at);
        let fix = "merge the two rules; subsets may stay apart";
        report.of(&access_point.id, Code::PolicyIgnored, path, message, fix);
    }
}

/// Something that a rule says, and where.
#[derive(Clone)]
struct Written<'a> {
    value: &'a Value,
    rule: &'a Template,
    at: Pointer,
}

impl<'a> Written<'a> {
    /// What a rule says of its whole host.
    fn of_host(rule: &'a Template) -> Option<Self> {
        let spec = rule.object.get("spec")?;
        Self { value: spec, rule, at: pointer(&["spec"]) }.given("trafficPolicy")
    }

    fn given(&self, field: &str) -> Option<Self> {
        let value = self.value.get(field).filter(|value| !value.is_null())?;
        Some(Self { value, at: self.at.then(field), ..*self })
    }

    /// The elements of a list.
    fn list(&self, field: &str) -> Vec<Self> {
        let Some(list) = self.given(field) else { return Vec::new() };
        let values = list.value.as_array().into_iter().flatten().enumerate();
        values
            .map(|(position, value)| Self { value, at: list.at.then(&position.to_string()), ..list })
            .collect()
    }

    /// The setting of localities that is in force: Istio looks at the younger of the two first, and then at no other.
    fn setting(&self) -> Option<Self> {
        let setting = self.given("zoneAwareLbSetting").or_else(|| self.given("localityLbSetting"))?;
        (setting.value["enabled"] != false).then_some(setting)
    }

    fn has(&self, field: &str) -> bool {
        self.value.get(field).and_then(Value::as_array).is_some_and(|list| !list.is_empty())
    }

    fn path(&self, access_point: &AccessPoint) -> FieldPath {
        inside(access_point, &self.rule.id, &self.at)
    }
}

/// A policy of a host or of one of its subsets, as it holds.
struct Policy<'a> {
    /// Its own words.
    own: Written<'a>,
    /// The setting of localities that is in force.
    setting: Option<Written<'a>>,
    outlier: Option<Written<'a>>,
    /// Whether `traffic` makes it fail over.
    is_steered: bool,
}

/// What a rule says of its host and of subsets, where another of the host's rules, or this one, has the host's policy.
fn policies<'a>(rule: &'a Template, says: &'a Template, is_steered: bool) -> Vec<Policy<'a>> {
    let of_host = Written::of_host(says);
    let alone = |own: Written<'a>, is_steered| Policy {
        setting: own.given("loadBalancer").and_then(|balancer| balancer.setting()),
        outlier: own.given("outlierDetection"),
        own,
        is_steered,
    };
    // a subset without a word of either has its host's
    let of_subset = |own: Written<'a>| {
        let field = |name: &str| own.given(name).or_else(|| of_host.as_ref()?.given(name));
        let setting = field("loadBalancer").and_then(|balancer| balancer.setting());
        Policy { setting, outlier: field("outlierDetection"), own, is_steered }
    };
    let spec = Written { value: &rule.object["spec"], rule, at: pointer(&["spec"]) };
    // where no rule says a word of the host, the first would have to
    let unsaid = || Written { value: &Value::Null, rule, at: spec.at.then("trafficPolicy") };
    let whole = Written::of_host(rule).or_else(|| (says.id == rule.id).then(unsaid));
    let subsets = spec.list("subsets").into_iter().filter_map(|subset| subset.given("trafficPolicy"));
    // nothing of the host's policy holds for a port with settings of its own
    let ports = |own: &Written<'a>| own.list("portLevelSettings").into_iter();
    let of_ports = whole.iter().flat_map(ports).chain(subsets.clone().flat_map(|own| ports(&own)));
    let mut all: Vec<_> = of_ports.map(|own| alone(own, false)).collect();
    all.extend(whole.clone().map(|own| alone(own, is_steered)));
    all.extend(subsets.map(of_subset));
    all
}

/// Failover that nothing triggers, or that cannot get far.
fn failover(
    access_point: &AccessPoint,
    policy: &Policy<'_>,
    facts: Option<&FleetFacts>,
    report: &mut Report,
) {
    let has_failover = |setting: &&Written<'_>| setting.has("failover") || setting.has("failoverPriority");
    let written = policy.setting.as_ref().filter(has_failover);
    if written.is_none() && !policy.is_steered {
        return;
    }
    let id = &access_point.id;
    let Some(outlier) = &policy.outlier else {
        let path = written.unwrap_or(&policy.own).path(access_point);
        let message =
            "failover without outlierDetection: no host is ever taken for ill, so nothing fails over";
        let fix = "add outlierDetection with maxEjectionPercent: 100";
        return report.of(id, Code::FailoverWithoutOutlierDetection, path, message.into(), fix);
    };
    if ejects_nobody(outlier.value) {
        let message = "outlierDetection that is switched off (consecutive5xxErrors: 0): no host is ever taken for ill, so nothing fails over";
        let fix = "leave consecutive5xxErrors out, which is 5, or write a number";
        let path = inside(access_point, &outlier.rule.id, &outlier.at.then("consecutive5xxErrors"));
        return report.of(id, Code::FailoverWithoutOutlierDetection, path, message.into(), fix);
    }
    let most = outlier.value.get("maxEjectionPercent").and_then(Value::as_u64).unwrap_or(MAX_EJECTION);
    let (region, share) = local_share(access_point, facts);
    if most < share {
        let message = format!(
            "{share}% of the hosts are in {region} and at most {most}% may be ejected, so its requests never all go elsewhere"
        );
        let fix = "write maxEjectionPercent: 100";
        report.of(id, Code::EjectionBelowLocalShare, outlier.path(access_point), message, fix);
    }
}

/// Whether a detection counts nothing: what it counts by default is switched off, and nothing else is on.
fn ejects_nobody(outlier: &Value) -> bool {
    let count = |field: &str| outlier.get(field).and_then(Value::as_u64);
    let is_on = |field: &str| count(field).is_some_and(|count| count > 0);
    let splits = outlier["splitExternalLocalOriginErrors"] == true;
    // a count of errors of the connection is 5 by default, where these are told apart
    let local = splits && count("consecutiveLocalOriginFailures") != Some(0);
    count("consecutive5xxErrors") == Some(0) && !is_on("consecutiveGatewayErrors") && !local
}

/// Regions of a setting of localities that the fleet does not have.
fn named_regions(access_point: &AccessPoint, policy: &Policy<'_>, facts: &FleetFacts, report: &mut Report) {
    let known: BTreeSet<&str> = facts.fleet.zones().map(|zone| zone.region.as_str()).collect();
    let Some(setting) = policy.setting.as_ref().filter(|_| !known.is_empty()) else { return };
    let mut named: Vec<(Pointer, &str)> = Vec::new();
    for field in ["failover", "distribute"] {
        let list = setting.value.get(field).and_then(Value::as_array).into_iter().flatten();
        for (position, one) in list.enumerate() {
            let at = setting.at.then(field).then(&position.to_string());
            let texts = ["from", "to"].map(|end| Some((at.then(end), one.get(end)?.as_str()?)));
            named.extend(texts.into_iter().flatten());
            let shares = one.get("to").and_then(Value::as_object).into_iter().flatten();
            named.extend(shares.map(|(locality, _)| (at.then("to").then(locality), locality.as_str())));
        }
    }
    for (at, locality) in named {
        let region = locality.split('/').next().unwrap_or_default();
        if region != "*" && !known.contains(region) {
            let near = did_you_mean(nearest(region, known.iter().copied()));
            let message = format!("no zone of the fleet is in region {region}{near}");
            let path = inside(access_point, &setting.rule.id, &at);
            let fix = "name a region of the fleet's zones";
            report.of(&access_point.id, Code::UnknownRegion, path, message, fix);
        }
    }
}

/// The largest part of the hosts that are in one region, in percent, rounded up: by what is
/// followed, else by even regions.
fn local_share(access_point: &AccessPoint, facts: Option<&FleetFacts>) -> (String, u64) {
    let mut regions: BTreeMap<&Name, u64> = BTreeMap::new();
    if let Some(facts) = facts {
        for target in targets(access_point, facts) {
            let replicas = super::facts::replicas(access_point, facts, target.cluster);
            *regions.entry(&target.zone.region).or_default() += u64::from(replicas);
        }
    }
    let total: u64 = regions.values().sum();
    match regions.into_iter().max_by_key(|(name, hosts)| (*hosts, std::cmp::Reverse(*name))) {
        Some((name, hosts)) if total > 0 => (name.to_string(), (100 * hosts).div_ceil(total)),
        _ => {
            let count = access_point.traffic.as_ref().map_or(2, |traffic| traffic.regions.len().max(2));
            ("one region".to_owned(), 100_u64.div_ceil(count as u64))
        }
    }
}

/// `distribute` that says nothing of a target.
fn distribute(access_point: &AccessPoint, policy: &Policy<'_>, on: &[Target<'_>], report: &mut Report) {
    let Some(distribute) = policy.setting.as_ref().and_then(|setting| setting.given("distribute")) else {
        return;
    };
    let Some(rules) = distribute.value.as_array().filter(|rules| !rules.is_empty()) else { return };
    let is_named = |locality: &Locality| {
        rules.iter().any(|rule| rule["from"].as_str().is_some_and(|from| matches(from, locality)))
    };
    let missing: BTreeSet<String> = on
        .iter()
        .map(|target| Locality::new(&format!("{}/{}", target.zone.region, target.zone.name)))
        .filter(|locality| !is_named(locality))
        .map(|locality| locality.to_string())
        .collect();
    if !missing.is_empty() {
        let missing: Vec<String> = missing.into_iter().collect();
        let message = format!(
            "no `from` names {}: requests from there are spread over all localities",
            missing.join(", ")
        );
        let path = distribute.path(access_point);
        let fix = "add a rule for each, or one from `*`";
        report.of(&access_point.id, Code::DistributeWithoutFrom, path, message, fix);
    }
}
