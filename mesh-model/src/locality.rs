//! Locality: where requests go, by priority and locality, given health and policy.
//!
//! Two systems decide, one after the other, and both are here as their code has
//! it: Istio's control plane turns a DestinationRule's traffic policy into
//! priorities and weights of localities ([`assign()`]); Envoy turns health into a
//! load for each priority ([`loads`]), in whole percent, and divides it inside
//! a priority. Where Envoy's documents and code differ, the code is followed.
//! Choosing a host is the proxy's business and not decided here.
//!
//! Sources: istio/istio `pilot/pkg/networking/core/loadbalancer`, its
//! validation; envoyproxy/envoy `load_balancer_impl.cc`, `locality_wrr.cc`.

mod assign;
mod check;
mod divide;
mod file;
mod load;

use serde::Serialize;

use crate::api::SpecError;
use crate::labels::Labels;
use crate::template::view::TrafficPolicy;

pub(crate) use assign::matches;
pub use assign::{Assignment, Group, assign};
pub use check::LocalityProblem;
pub use divide::divide;
pub use file::{EndpointsSpec, LocalityFile};
pub use load::{HostCounts, PriorityLoad, loads};

/// Region, zone and subzone; what is not known is empty.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Locality {
    /// The region.
    pub region: Box<str>,
    /// The zone in it.
    pub zone: Box<str>,
    /// The subzone in that.
    pub subzone: Box<str>,
}

impl Locality {
    /// From `region/zone/subzone`; what is left out is empty, what is more belongs to the subzone.
    #[must_use]
    pub fn new(text: &str) -> Self {
        let mut parts = text.splitn(3, '/').map(Box::from);
        let mut next = || parts.next().unwrap_or_default();
        Self { region: next(), zone: next(), subzone: next() }
    }
}

impl std::fmt::Display for Locality {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.region)?;
        if !self.zone.is_empty() || !self.subzone.is_empty() {
            write!(f, "/{}", self.zone)?;
        }
        if self.subzone.is_empty() { Ok(()) } else { write!(f, "/{}", self.subzone) }
    }
}

/// A question: who asks, by which policy, of which endpoints; complete and checked.
///
/// ```
/// use mesh_model::locality::{LocalityFile, Question};
///
/// let file: LocalityFile = serde_saphyr::from_str("
/// from: us-west/zone-1
/// policy: { outlierDetection: { consecutive5xxErrors: 5 } }
/// endpoints:
///   - { locality: us-west/zone-1, hosts: 10, healthy: 5 }
///   - { locality: us-east/zone-1, hosts: 10, healthy: 10 }
/// ")?;
/// let answer = Question::try_from(file)?.answer();
/// let loads: Vec<u32> = answer.priorities.iter().map(|priority| priority.load).collect();
/// assert_eq!(loads, [70, 30], "140 times the half that is healthy");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Question {
    /// Where the proxy is.
    pub from: Locality,
    /// The proxy's labels.
    pub proxy_labels: Labels,
    /// What its DestinationRule says.
    pub policy: TrafficPolicy,
    /// Percent by which the healthy are trusted with more than their part; 140 is Envoy's.
    pub overprovisioning_factor: u32,
    /// Percent of available hosts below which health is ignored; 0 is never.
    pub panic_threshold: u32,
    /// The endpoints by locality.
    pub endpoints: Vec<Endpoints>,
}

/// The endpoints of one locality that have the same labels.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoints {
    /// Where they are.
    pub locality: Locality,
    /// How many there are, and how they are.
    pub counts: HostCounts,
    /// Their weight among localities.
    pub weight: u32,
    /// Their labels.
    pub labels: Labels,
}

/// Where requests go.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Answer {
    /// The priorities from 0.
    pub priorities: Vec<PriorityLoad>,
    /// The localities in the order of the question.
    pub localities: Vec<LocalityShareOf>,
}

/// What one locality gets.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct LocalityShareOf {
    /// `region/zone/subzone`.
    pub locality: String,
    /// Its priority; 0 is the first.
    pub priority: u32,
    /// Its weight inside the priority; 0 where the policy gives it nothing.
    pub weight: u32,
    /// The fraction of all requests, 0 to 1.
    pub share: f64,
}

impl Question {
    /// The healthy hosts of the first priority, if Envoy divides requests among its zones by a zone-aware setting.
    ///
    /// Then each zone's part depends on how many proxies are in which zone, which
    /// a question does not say; [`answer`](Self::answer) gives all hosts of the
    /// priority equal parts, as Envoy does below `minClusterSize` and wherever it
    /// is not told of its fellows. A file is refused rather than answered so.
    /// Source: `earlyExitNonLocalityRouting` in envoyproxy/envoy `load_balancer_impl.cc`.
    #[must_use]
    pub fn divided_among_zones(&self) -> Option<u32> {
        let setting = self.policy.load_balancer.as_ref()?.zone_aware_lb_setting.as_ref()?;
        if !setting.is_enabled() {
            return None;
        }
        let assignment = assign(&self.policy, &self.from, &self.proxy_labels, &self.endpoints);
        let first = assignment
            .served(&self.endpoints)
            .filter(|(group, one)| group.priority == 0 && one.counts.hosts > 0);
        let mut healthy = 0_u32;
        let mut zones = std::collections::BTreeSet::new();
        for (_, one) in first {
            healthy = healthy.saturating_add(one.counts.healthy);
            zones.insert(&one.locality);
        }
        (zones.len() > 1 && healthy >= setting.min_hosts()).then_some(healthy)
    }

    /// Where requests go.
    #[must_use]
    pub fn answer(&self) -> Answer {
        let assignment = assign(&self.policy, &self.from, &self.proxy_labels, &self.endpoints);
        let priorities = 1 + assignment.groups.iter().map(|group| group.priority).max().unwrap_or(0);
        let mut counts = vec![HostCounts::default(); priorities as usize];
        for (group, endpoints) in assignment.served(&self.endpoints) {
            counts[group.priority as usize] = counts[group.priority as usize].plus(endpoints.counts);
        }
        let loads = loads(&counts, self.overprovisioning_factor, self.panic_threshold);
        let shares = divide(&assignment, &self.endpoints, &loads, self.overprovisioning_factor);
        let localities = self.endpoints.iter().zip(&assignment.groups).zip(shares);
        let locality = |((endpoints, group), share): ((&Endpoints, &Group), f64)| LocalityShareOf {
            locality: endpoints.locality.to_string(),
            priority: group.priority,
            weight: group.weight,
            share,
        };
        Answer { localities: localities.map(locality).collect(), priorities: loads }
    }
}

impl TryFrom<LocalityFile> for Question {
    type Error = SpecError;

    fn try_from(file: LocalityFile) -> Result<Self, SpecError> {
        check::question(file)
    }
}

#[cfg(test)]
mod tests;
