//! From what a person wrote to a checked question; the policy's rules are those of Istio's own validation.

use serde_json::{Value, json};

use super::{Endpoints, HostCounts, Locality, LocalityFile, Question, assign};
use crate::api::{FieldPath, SpecError, check_version};
use crate::nearest::quoted;
use crate::template::view::{LocalityFailover, LocalityLbSetting, TrafficPolicy, ZoneAwareLbSetting};
use crate::template::{SchemaProblem, Schemas, TemplateKind};

/// Envoy's own factor.
const FACTOR: u32 = 140;
/// Envoy's own threshold, which holds without outlier detection.
const PANIC_THRESHOLD: u32 = 50;
/// The labels of places that Istio refuses beside `failover`; that of the network is none of them.
const PLACES: [&str; 3] =
    ["topology.kubernetes.io/region", "topology.kubernetes.io/zone", "topology.istio.io/subzone"];
/// The most weight: a thousandfold of what any mesh has, and sums stay exact.
const MAX_WEIGHT: u32 = 1_000_000;

/// What is wrong with a policy, or with counts.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LocalityProblem {
    /// More hosts of a kind than there are.
    #[error("{parts} are healthy, degraded or excluded, of {hosts} hosts; write at most as many")]
    Counts {
        /// All three together.
        parts: u64,
        /// How many there are.
        hosts: u32,
    },
    /// Weights and failover in one setting.
    #[error("distribute and failover exclude each other in Istio; write one")]
    DistributeAndFailover,
    /// From a region to itself.
    #[error("a region cannot take over from itself; write another")]
    FailoverToItself,
    /// The proxy would divide requests among zones by where its fellows are, which a question does not say.
    #[error(
        "with {hosts} healthy hosts in the first priority the proxies divide requests among its zones by where they are themselves, which no file says; write a minClusterSize above {hosts} for an answer, which leaves zones aside"
    )]
    AmongZones {
        /// The healthy hosts there.
        hosts: u32,
    },
    /// Labels of places beside rules of regions.
    #[error("failover and the label {} of a place exclude each other in Istio; write one", quoted(label))]
    FailoverAndTopology {
        /// The label.
        label: String,
    },
    /// Labels of places in a setting that looks at places by itself.
    #[error(
        "{} is of a place, and the zone-aware setting looks at regions and zones by itself; leave it out",
        quoted(label)
    )]
    LabelOfPlace {
        /// As written.
        label: String,
    },
    /// Both settings of places.
    #[error("localityLbSetting and zoneAwareLbSetting exclude each other in Istio; write one")]
    LocalityAndZoneAware,
    /// Two localities of which one is in the other.
    #[error("{} is in {}, or the same; write localities that do not overlap", quoted(one), quoted(other))]
    Overlap {
        /// One.
        one: String,
        /// The other.
        other: String,
    },
    /// The policy has another form than Istio's.
    #[error(transparent)]
    Policy(SchemaProblem),
    /// Out of range.
    #[error("{found} is out of range; write {least} to {most}")]
    Range {
        /// As written.
        found: u32,
        /// The least.
        least: u32,
        /// The most.
        most: u32,
    },
    /// A region with more than a region.
    #[error("{} is no region; write its name alone, without `/` and `*`", quoted(found))]
    Region {
        /// As written.
        found: String,
    },
    /// The policy cannot be read, although its schema accepts it.
    #[error("no trafficPolicy: {message}")]
    View {
        /// The reader's words.
        message: String,
    },
    /// Weights that are no whole.
    #[error("the weights are {sum} together; write 100 in all, each from 1 to 100")]
    Weights {
        /// The sum.
        sum: u64,
    },
}

pub(super) fn question(file: LocalityFile) -> Result<Question, SpecError> {
    let top = FieldPath::default();
    check_version(file.version)?;
    let at = top.field("policy");
    let policy = policy(file.policy, &at)?;
    settings(&policy, &at.field("loadBalancer"))?;
    let factor = file.overprovisioning_factor.unwrap_or(FACTOR);
    in_range(factor, 100, 10_000, &top.field("overprovisioningFactor"))?;
    // Istio sets Envoy's threshold whenever there is outlier detection
    let implied = policy.outlier_detection.as_ref().map(|one| one.min_health_percent.unwrap_or(0));
    let threshold = file.panic_threshold.or(implied).unwrap_or(PANIC_THRESHOLD);
    in_range(threshold, 0, 100, &top.field("panicThreshold"))?;
    let mut endpoints = Vec::with_capacity(file.endpoints.len());
    for (position, one) in file.endpoints.into_iter().enumerate() {
        let here = top.field("endpoints").item(position);
        let rest = one.hosts.saturating_sub(one.degraded).saturating_sub(one.excluded);
        let healthy = one.healthy.unwrap_or(rest);
        let parts = u64::from(healthy) + u64::from(one.degraded) + u64::from(one.excluded);
        if parts > u64::from(one.hosts) {
            return Err(here.field("hosts").wrong(LocalityProblem::Counts { parts, hosts: one.hosts }));
        }
        let weight = one.weight.unwrap_or(1);
        in_range(weight, 1, MAX_WEIGHT, &here.field("weight"))?;
        endpoints.push(Endpoints {
            locality: Locality::new(&one.locality),
            counts: HostCounts { hosts: one.hosts, healthy, degraded: one.degraded, excluded: one.excluded },
            weight,
            labels: one.labels,
        });
    }
    let question = Question {
        from: Locality::new(&file.from),
        proxy_labels: file.proxy_labels,
        policy,
        overprovisioning_factor: factor,
        panic_threshold: threshold,
        endpoints,
    };
    if let Some(hosts) = question.divided_among_zones() {
        let at = at.field("loadBalancer").field("zoneAwareLbSetting").field("minClusterSize");
        return Err(at.wrong(LocalityProblem::AmongZones { hosts }));
    }
    Ok(question)
}

/// What Istio's validation refuses.
fn settings(policy: &TrafficPolicy, path: &FieldPath) -> Result<(), SpecError> {
    let Some(balancer) = &policy.load_balancer else { return Ok(()) };
    if let Some(zone_aware) = &balancer.zone_aware_lb_setting {
        let path = path.field("zoneAwareLbSetting");
        if balancer.locality_lb_setting.is_some() {
            return Err(path.wrong(LocalityProblem::LocalityAndZoneAware));
        }
        self::zone_aware(zone_aware, &path)?;
    }
    balancer.locality_lb_setting.as_ref().map_or(Ok(()), |one| setting(one, &path.field("localityLbSetting")))
}

fn zone_aware(setting: &ZoneAwareLbSetting, path: &FieldPath) -> Result<(), SpecError> {
    let is_of_place = |one: &&String| PLACES.contains(&one.split('=').next().unwrap_or_default());
    if let Some(label) = setting.failover_priority.iter().find(is_of_place) {
        let problem = LocalityProblem::LabelOfPlace { label: label.clone() };
        return Err(path.field("failoverPriority").wrong(problem));
    }
    regions(&setting.failover, &path.field("failover"))
}

/// A policy that its schema accepts. A field that it does not know is refused, as everywhere in our own files:
/// nothing goes on from here to a server that might know it.
fn policy(value: Value, path: &FieldPath) -> Result<TrafficPolicy, SpecError> {
    let value = if value.is_null() { json!({}) } else { value };
    let rule = json!({ "spec": { "host": "any", "trafficPolicy": value } });
    let findings = Schemas::embedded().check_object(TemplateKind::DestinationRule, &rule);
    if let Some(finding) = findings.into_iter().next() {
        // after spec and trafficPolicy the way is that of the file
        let way = finding.path.steps().iter().skip(2).fold(path.clone(), |way, step| match step.parse() {
            Ok(index) => way.item(index),
            Err(_) => way.field(step),
        });
        return Err(way.wrong(LocalityProblem::Policy(finding.problem)));
    }
    serde_json::from_value(rule["spec"]["trafficPolicy"].clone())
        .map_err(|error| path.wrong(LocalityProblem::View { message: error.to_string() }))
}

fn in_range(found: u32, least: u32, most: u32, path: &FieldPath) -> Result<(), SpecError> {
    if (least..=most).contains(&found) {
        return Ok(());
    }
    Err(path.wrong(LocalityProblem::Range { found, least, most }))
}

fn setting(setting: &LocalityLbSetting, path: &FieldPath) -> Result<(), SpecError> {
    if !setting.distribute.is_empty() && !setting.failover.is_empty() {
        return Err(path.wrong(LocalityProblem::DistributeAndFailover));
    }
    // with a fixed value (`label=value`) Istio lets it pass
    let label = setting.failover_priority.iter().find(|label| PLACES.contains(&label.as_str()));
    if let Some(label) = label.filter(|_| !setting.failover.is_empty()) {
        let problem = LocalityProblem::FailoverAndTopology { label: label.clone() };
        return Err(path.field("failoverPriority").wrong(problem));
    }
    regions(&setting.failover, &path.field("failover"))?;
    let at = path.field("distribute");
    no_overlap(setting.distribute.iter().map(|rule| rule.from.as_str()).collect(), &at)?;
    for (position, rule) in setting.distribute.iter().enumerate() {
        let here = at.item(position).field("to");
        let sum: u64 = rule.to.values().map(|weight| u64::from(*weight)).sum();
        if sum != 100 || rule.to.values().any(|weight| *weight == 0) {
            return Err(here.wrong(LocalityProblem::Weights { sum }));
        }
        no_overlap(rule.to.keys().map(String::as_str).collect(), &here)?;
    }
    Ok(())
}

/// Refuses rules that are not of two regions.
fn regions(failover: &[LocalityFailover], path: &FieldPath) -> Result<(), SpecError> {
    for (position, rule) in failover.iter().enumerate() {
        let here = path.item(position);
        for (field, region) in [("from", &rule.from), ("to", &rule.to)] {
            if region.is_empty() || region.contains(['/', '*']) {
                return Err(here.field(field).wrong(LocalityProblem::Region { found: region.clone() }));
            }
        }
        if rule.from == rule.to {
            return Err(here.field("to").wrong(LocalityProblem::FailoverToItself));
        }
    }
    Ok(())
}

/// Refuses localities of which one is in another; a `*` alone stands for all others.
fn no_overlap(localities: Vec<&str>, path: &FieldPath) -> Result<(), SpecError> {
    let plain = |text: &str| Locality::new(&text.replace('*', ""));
    for (position, one) in localities.iter().enumerate() {
        for other in &localities[..position] {
            let is_star = |text: &str| text == "*";
            let overlaps = match (is_star(one), is_star(other)) {
                (true, false) | (false, true) => false,
                _ => assign::matches(one, &plain(other)) || assign::matches(other, &plain(one)),
            };
            if overlaps {
                let problem = LocalityProblem::Overlap { one: (*one).to_owned(), other: (*other).to_owned() };
                return Err(path.wrong(problem));
            }
        }
    }
    Ok(())
}
