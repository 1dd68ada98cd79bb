//! What DestinationRules say of balancing and failover, and what of it never comes to pass.
//!
//! Sources: istio/api `destination_rule.proto` (`localityLbSetting`, `outlierDetection`), istio/istio
//! `pilot/pkg/networking/core/loadbalancer/loadbalancer.go`.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::objects::pointer;
use super::placed::targets;
use super::{Code, FleetFacts, Report, inside};
use crate::access_point::AccessPoint;
use crate::fleet::Target;
use crate::locality::{Locality, matches};
use crate::name::Name;
use crate::nearest::{did_you_mean, nearest};
use crate::patch::Pointer;
use crate::template::{Template, TemplateKind};
use crate::traffic::full_host;
use crate::visibility::ExportTo;

/// Istio's limit of ejection in percent where a rule says nothing.
const MAX_EJECTION: u64 = 10;

/// Looks at the policies of a rule, on these targets.
pub(super) fn check(
    access_point: &AccessPoint,
    rule: &Template,
    on: &[Target<'_>],
    facts: Option<&FleetFacts>,
    report: &mut Report,
) {
    for policy in policies(rule, access_point) {
        failover(access_point, &policy, facts, report);
        distribute(access_point, &policy, on, report);
        facts.iter().for_each(|facts| named_regions(access_point, &policy, facts, report));
    }
}

/// A policy of a rule or of one of its subsets, as it holds.
struct Policy<'a> {
    template: &'a Template,
    at: Pointer,
    /// Where its balancing is written.
    place: Pointer,
    setting: Option<Setting<'a>>,
    outlier: Option<(&'a Value, Pointer)>,
    /// Whether `traffic` makes it fail over.
    is_steered: bool,
}

/// A setting of localities that is in force, and its name.
#[derive(Clone, Copy)]
struct Setting<'a> {
    name: &'static str,
    value: &'a Value,
}

impl<'a> Setting<'a> {
    /// Istio looks at the younger of the two first, and then at no other.
    fn of(balancer: &'a Value) -> Option<Self> {
        let given = |name| Some(Self { name, value: balancer.get(name).filter(|value| !value.is_null())? });
        let setting = given("zoneAwareLbSetting").or_else(|| given("localityLbSetting"))?;
        (setting.value["enabled"] != false).then_some(setting)
    }

    fn has(&self, field: &str) -> bool {
        self.value.get(field).and_then(Value::as_array).is_some_and(|list| !list.is_empty())
    }
}

fn policies<'a>(template: &'a Template, access_point: &AccessPoint) -> Vec<Policy<'a>> {
    let spec = &template.object["spec"];
    let namespace = &access_point.id.namespace;
    let is_own = || {
        let host = spec["host"].as_str().map(|host| full_host(host, namespace));
        let mut services = access_point.templates.iter().filter(|one| one.id.kind == TemplateKind::Service);
        services.any(|one| Some(full_host(&one.id.name, namespace)) == host)
    };
    let is_steered = access_point.traffic.as_ref().is_some_and(|traffic| traffic.failover) && is_own();
    let given = |policy: &'a Value, field: &str| policy.get(field).filter(|value| !value.is_null());
    let of = |policy: &'a Value, at: Pointer| {
        let outlier = [(policy, at.clone()), (&spec["trafficPolicy"], pointer(&["spec", "trafficPolicy"]))];
        let outlier = outlier
            .into_iter()
            .find_map(|(policy, at)| Some((given(policy, "outlierDetection")?, at.then("outlierDetection"))));
        // a subset without a word of balancing has its host's
        let balancer = given(policy, "loadBalancer").map(|balancer| (balancer, &at));
        let host = pointer(&["spec", "trafficPolicy"]);
        let (balancer, place) = balancer
            .or_else(|| Some((given(&spec["trafficPolicy"], "loadBalancer")?, &host)))
            .unwrap_or((&Value::Null, &at));
        Policy { template, place: place.clone(), at, setting: Setting::of(balancer), outlier, is_steered }
    };
    // nothing of the host's policy holds for a port with settings of its own
    let of_port = |policy: &'a Value, at: Pointer| Policy {
        template,
        setting: policy.get("loadBalancer").and_then(Setting::of),
        outlier: given(policy, "outlierDetection").map(|outlier| (outlier, at.then("outlierDetection"))),
        place: at.clone(),
        at,
        is_steered: false,
    };
    let ports = |policy: &'a Value, at: &Pointer| -> Vec<Policy<'a>> {
        let list = policy.get("portLevelSettings").and_then(Value::as_array).into_iter().flatten();
        let at = at.then("portLevelSettings");
        list.enumerate().map(|(position, one)| of_port(one, at.then(&position.to_string()))).collect()
    };
    let subsets = spec.get("subsets").and_then(Value::as_array).into_iter().flatten().enumerate();
    let subsets = subsets.filter_map(|(position, subset)| {
        let at = pointer(&["spec", "subsets", &position.to_string(), "trafficPolicy"]);
        Some((given(subset, "trafficPolicy")?, at))
    });
    let all = [(&spec["trafficPolicy"], pointer(&["spec", "trafficPolicy"]))].into_iter().chain(subsets);
    all.flat_map(|(policy, at)| {
        let ports = ports(policy, &at);
        [of(policy, at)].into_iter().chain(ports)
    })
    .collect()
}

/// Failover that nothing triggers, or that cannot get far.
fn failover(
    access_point: &AccessPoint,
    policy: &Policy<'_>,
    facts: Option<&FleetFacts>,
    report: &mut Report,
) {
    let written = policy.setting.filter(|setting| setting.has("failover") || setting.has("failoverPriority"));
    if written.is_none() && !policy.is_steered {
        return;
    }
    let here = |place: &Pointer| inside(access_point, &policy.template.id, place);
    let Some((outlier, at)) = &policy.outlier else {
        let at = written.map_or_else(
            || policy.at.clone(),
            |setting| policy.place.then("loadBalancer").then(setting.name),
        );
        let message =
            "failover without outlierDetection: no host is ever taken for ill, so nothing fails over";
        let fix = "add outlierDetection with maxEjectionPercent: 100";
        return report.of(
            &access_point.id,
            Code::FailoverWithoutOutlierDetection,
            here(&at),
            message.into(),
            fix,
        );
    };
    if ejects_nobody(outlier) {
        let message = "outlierDetection that is switched off (consecutive5xxErrors: 0): no host is ever taken for ill, so nothing fails over";
        let fix = "leave consecutive5xxErrors out, which is 5, or write a number";
        return report.of(
            &access_point.id,
            Code::FailoverWithoutOutlierDetection,
            here(&at.then("consecutive5xxErrors")),
            message.into(),
            fix,
        );
    }
    let most = outlier.get("maxEjectionPercent").and_then(Value::as_u64).unwrap_or(MAX_EJECTION);
    let (region, share) = local_share(access_point, facts);
    if most < share {
        let message = format!(
            "{share}% of the hosts are in {region} and at most {most}% may be ejected, so its requests never all go elsewhere"
        );
        let fix = "write maxEjectionPercent: 100";
        report.of(&access_point.id, Code::EjectionBelowLocalShare, here(at), message, fix);
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
    let Some(setting) = policy.setting.filter(|_| !known.is_empty()) else { return };
    let at = policy.place.then("loadBalancer").then(setting.name);
    let mut named: Vec<(Pointer, &str)> = Vec::new();
    for field in ["failover", "distribute"] {
        let list = setting.value.get(field).and_then(Value::as_array).into_iter().flatten();
        for (position, one) in list.enumerate() {
            let at = at.then(field).then(&position.to_string());
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
            let path = inside(access_point, &policy.template.id, &at);
            let fix = "name a region of the fleet's zones";
            report.of(&access_point.id, Code::UnknownRegion, path, message, fix);
        }
    }
}

/// Rules of one host: Istio adds their subsets up and takes the policy of the one that was made first.
pub(super) fn one_policy(access_point: &AccessPoint, report: &mut Report) {
    let mut first: BTreeMap<(String, ExportTo), &Template> = BTreeMap::new();
    let has = |template: &Template, field: &str| {
        template.object["spec"].get(field).is_some_and(|value| !value.is_null())
    };
    let rules = access_point.templates.iter().filter(|one| one.id.kind == TemplateKind::DestinationRule);
    for rule in rules.filter(|one| has(one, "trafficPolicy") && !has(one, "workloadSelector")) {
        let Some(host) = rule.object.pointer("/spec/host").and_then(Value::as_str) else { continue };
        let export = ExportTo::of(&rule.object).unwrap_or_default();
        let key = (full_host(host, &access_point.id.namespace), export);
        let Some(other) = first.get(&key) else {
            first.insert(key, rule);
            continue;
        };
        let message = format!(
            "{} has a policy for {}, too: of the two Istio takes that of the older rule, and this one's may never hold",
            other.id, key.0
        );
        let path = inside(access_point, &rule.id, &pointer(&["spec", "trafficPolicy"]));
        let fix = "merge the two rules; subsets may stay apart";
        report.of(&access_point.id, Code::PolicyIgnored, path, message, fix);
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
    let rules = policy.setting.and_then(|setting| setting.value.get("distribute")).and_then(Value::as_array);
    let Some(rules) = rules.filter(|rules| !rules.is_empty()) else { return };
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
        let at = policy.place.then("loadBalancer").then("localityLbSetting").then("distribute");
        let path = inside(access_point, &policy.template.id, &at);
        let fix = "add a rule for each, or one from `*`";
        report.of(&access_point.id, Code::DistributeWithoutFrom, path, message, fix);
    }
}
