//! Priorities and weights of localities, as Istio's control plane gives them.
//!
//! A zone-aware setting (Istio 1.31) is looked at first and alone: the own region
//! before the one that takes over before all others, each with all of its zones,
//! which it leaves to the proxy. Else one of three: `distribute` gives weights and
//! removes what it does not name; outlier detection allows failover by labels, by
//! distance, or both; else all localities are equal. Source:
//! `ApplyLocalityLoadBalancer` and `ApplyZoneAwareLoadBalancer` in istio/istio
//! `loadbalancer.go`, and the tests beside it.

use super::{Endpoints, Locality};
use crate::labels::Labels;
use crate::template::view::{LocalityFailover, LocalityShare, TrafficPolicy, ZoneAwareLbSetting};

/// The label of the network, whose mismatch alone comes after everything in the own network.
const NETWORK: &str = "topology.istio.io/network";

/// What the control plane makes of endpoints.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Assignment {
    /// For each of the endpoints, in their order.
    pub groups: Vec<Group>,
    /// Whether weights count inside a priority; else hosts do.
    pub is_weighted: bool,
}

/// What the control plane makes of the endpoints of one locality.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Group {
    /// Their priority; 0 is the first, and none is left out.
    pub priority: u32,
    /// Their weight; 0 where they were removed.
    pub weight: u32,
}

impl Assignment {
    /// The endpoints that were not removed.
    pub(super) fn served<'a>(
        &'a self,
        endpoints: &'a [Endpoints],
    ) -> impl Iterator<Item = (&'a Group, &'a Endpoints)> {
        self.groups.iter().zip(endpoints).filter(|(group, _)| group.weight > 0)
    }
}

/// Gives priorities and weights to endpoints, as seen from a proxy.
#[must_use]
pub fn assign(
    policy: &TrafficPolicy,
    from: &Locality,
    proxy_labels: &Labels,
    endpoints: &[Endpoints],
) -> Assignment {
    let balancer = policy.load_balancer.as_ref();
    if let Some(setting) = balancer.and_then(|one| one.zone_aware_lb_setting.as_ref()) {
        return zone_aware(setting, from, proxy_labels, endpoints);
    }
    let setting = balancer.and_then(|one| one.locality_lb_setting.as_ref());
    let equal = || endpoints.iter().map(|one| Group { priority: 0, weight: one.weight }).collect::<Vec<_>>();
    let default = Default::default();
    let is_off = setting.is_some_and(|setting| setting.enabled == Some(false));
    let setting = setting.unwrap_or(&default);
    if is_off {
        return Assignment { groups: equal(), is_weighted: false };
    }
    if !setting.distribute.is_empty() {
        let rule = setting.distribute.iter().find(|rule| matches(&rule.from, from));
        let groups = rule.map_or_else(equal, |rule| distribute(rule, endpoints));
        return Assignment { groups, is_weighted: true };
    }
    // without outlier detection Envoy would never leave the first priority
    if policy.outlier_detection.is_none() {
        return Assignment { groups: equal(), is_weighted: false };
    }
    let by_label = |one: &Endpoints| label_priority(&setting.failover_priority, proxy_labels, &one.labels);
    let by_distance = |one: &Endpoints| distance_priority(&setting.failover, from, &one.locality);
    let has_labels = !setting.failover_priority.is_empty();
    let priorities: Vec<u32> = match (has_labels, setting.failover.is_empty()) {
        (false, _) => endpoints.iter().map(by_distance).collect(),
        (true, true) => endpoints.iter().map(by_label).collect(),
        (true, false) => endpoints.iter().map(|one| by_label(one) * 5 + by_distance(one)).collect(),
    };
    let is_weighted = has_labels || !setting.failover.is_empty();
    Assignment { groups: numbered(&priorities, endpoints), is_weighted }
}

/// Regions in order, labels before them; weights of localities do not count, and nothing waits for
/// outlier detection.
fn zone_aware(
    setting: &ZoneAwareLbSetting,
    from: &Locality,
    proxy_labels: &Labels,
    endpoints: &[Endpoints],
) -> Assignment {
    let priority = |one: &Endpoints| match setting.is_enabled() {
        // of all settings it is this one that counts, and it says that nothing does
        false => 0,
        true => {
            let by_label = label_priority(&setting.failover_priority, proxy_labels, &one.labels);
            by_label * 3 + region_priority(&setting.failover, from, &one.locality)
        }
    };
    let priorities: Vec<u32> = endpoints.iter().map(priority).collect();
    Assignment { groups: numbered(&priorities, endpoints), is_weighted: false }
}

/// Whether a rule's `region/zone/subzone`, with `*` and what is left out for any, names a locality.
pub(crate) fn matches(rule: &str, locality: &Locality) -> bool {
    let rule = Locality::new(rule);
    let is = |rule: &str, part: &str| rule == "*" || rule == part;
    let is_or_empty = |rule: &str, part: &str| rule.is_empty() || is(rule, part);
    is(&rule.region, &locality.region)
        && is_or_empty(&rule.zone, &locality.zone)
        && is_or_empty(&rule.subzone, &locality.subzone)
}

/// Weights by rule: each named part is divided by the weights of the localities in it, rounded up.
fn distribute(rule: &LocalityShare, endpoints: &[Endpoints]) -> Vec<Group> {
    let mut weights = vec![0_u32; endpoints.len()];
    let mut is_named = vec![false; endpoints.len()];
    // `*` names what no other does
    let (stars, others): (Vec<_>, Vec<_>) = rule.to.iter().partition(|(to, _)| to.starts_with('*'));
    for (to, share) in others.into_iter().chain(stars) {
        let of: Vec<usize> = (0..endpoints.len())
            .filter(|at| !is_named[*at] && matches(to, &endpoints[*at].locality))
            .collect();
        let total: u64 = of.iter().map(|at| u64::from(endpoints[*at].weight)).sum();
        for at in of {
            is_named[at] = true;
            let weight = (u64::from(endpoints[at].weight) * u64::from(*share)).div_ceil(total.max(1));
            weights[at] = u32::try_from(weight).unwrap_or(u32::MAX);
        }
    }
    weights.into_iter().map(|weight| Group { priority: 0, weight }).collect()
}

/// 0 where all labels match, else the more the earlier the first that does not.
fn label_priority(wanted: &[String], proxy: &Labels, labels: &Labels) -> u32 {
    // Istio does nothing for a proxy without labels
    if proxy.is_empty() {
        return 0;
    }
    let count = |number: usize| u32::try_from(number).unwrap_or(u32::MAX / 16);
    // Istio keeps one fixed value for each label, the last; what has more than one `=` fixes none
    let fixed = |key: &str| {
        wanted
            .iter()
            .rev()
            .find_map(|one| one.split_once('=').filter(|(of, value)| *of == key && !value.contains('=')))
    };
    let is_match = |one: &String| {
        let key = one.split('=').next().unwrap_or_default();
        let value = fixed(key).map(|(_, value)| value);
        let wanted = value.or_else(|| proxy.get(key).map(String::as_str)).unwrap_or_default();
        wanted == labels.get(key).map(String::as_str).unwrap_or_default()
    };
    let first_mismatch = |wanted: &[String]| wanted.iter().position(|one| !is_match(one));
    match wanted {
        [network, rest @ ..] if network == NETWORK && !is_match(network) => {
            let inner = first_mismatch(rest).map_or(0, |at| count(rest.len() - at));
            count(wanted.len()) + inner
        }
        _ => first_mismatch(wanted).map_or(0, |at| count(wanted.len() - at)),
    }
}

/// The distance, 0 to 3; a named region takes over before others, which are 4.
fn distance_priority(failover: &[LocalityFailover], from: &Locality, to: &Locality) -> u32 {
    if from.region == to.region {
        return match (from.zone == to.zone, from.subzone == to.subzone) {
            (true, true) => 0,
            (true, false) => 1,
            (false, _) => 2,
        };
    }
    if takes_over(failover, from).is_some_and(|region| *region != *to.region) { 4 } else { 3 }
}

/// 0 for the own region, 1 for the one that takes over from it, 2 for all others.
fn region_priority(failover: &[LocalityFailover], from: &Locality, to: &Locality) -> u32 {
    if from.region == to.region {
        return 0;
    }
    if takes_over(failover, from).is_some_and(|region| *region == *to.region) { 1 } else { 2 }
}

/// The region that takes over from the proxy's own: the first rule for that one decides, later ones are
/// not looked at.
fn takes_over<'a>(failover: &'a [LocalityFailover], from: &Locality) -> Option<&'a str> {
    failover.iter().find(|rule| *rule.from == *from.region).map(|rule| rule.to.as_str())
}

/// Groups in the same order, numbered from 0 without gaps.
fn numbered(priorities: &[u32], endpoints: &[Endpoints]) -> Vec<Group> {
    let groups = without_gaps(priorities).into_iter().zip(endpoints);
    groups.map(|(priority, one)| Group { priority, weight: one.weight }).collect()
}

/// The same order, numbered from 0 without gaps.
fn without_gaps(priorities: &[u32]) -> Vec<u32> {
    let mut distinct = priorities.to_vec();
    distinct.sort_unstable();
    distinct.dedup();
    let place = |priority: &u32| distinct.binary_search(priority).expect("it is one of them");
    priorities.iter().map(|priority| u32::try_from(place(priority)).unwrap_or(u32::MAX)).collect()
}
