//! What regions carry under a policy of traffic, given their health.
//!
//! The question is put to [`locality`](crate::locality) with the very settings
//! that are written into the subsets, so what is promised is what is configured.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::Places;
use super::places::{REGION_LABEL, entrance_label};
use crate::access_point::Traffic;
use crate::labels::Labels;
use crate::locality::{Endpoints, HostCounts, Locality, Question};
use crate::name::Name;
use crate::template::view::TrafficPolicy;
use crate::units::{Rate, Share};

/// Envoy's overprovisioning factor in percent, which Istio leaves as it is.
const FACTOR: u64 = 140;

/// How a region is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RegionState {
    /// The requests that begin there.
    pub demand: Rate,
    /// The hosts there; 0 after a drain.
    pub hosts: u32,
    /// Those that are healthy.
    pub healthy: u32,
    /// What its clusters can bear together, if that is known.
    pub capacity: Option<Rate>,
    /// Whether all of its clusters are known to have Istio's zone-aware setting, by which what begins there
    /// spills in the order of regions ([`IstioVersion::has_zone_aware`](crate::istio::IstioVersion::has_zone_aware)).
    pub has_zone_aware: bool,
    /// Whether all of its zones have an east-west entrance, by which alone others reach them: then it has a
    /// place of its own in their order, whatever their Istio.
    pub has_entrances: bool,
}

/// What a region carries.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RegionLoad {
    /// Requests per second that reach its hosts.
    pub requests: f64,
    /// What its healthy hosts carry on average, relative to what they do while all are healthy; 0 where
    /// none is. Where zones of the region fail unevenly and weigh, one host carries up to 1.4 times that.
    pub factor: f64,
    /// Whether it is more than the capacity, as far as that is known.
    pub is_over: bool,
}

/// The share of all requests that stays in the home region, `w x min(100, 140 x healthy / hosts) / 100`,
/// while the others are well.
///
/// Beside what Istio's `distribute` does with the same 99 and 1, and what a host that is left bears of what
/// it did before:
///
/// | home is healthy | local share | a host bears | `distribute` | a host bears |
/// |---|---|---|---|---|
/// | 100 % | 99.00 % | 1.00 | 99.00 % | 1.00 |
/// | 75 % | 99.00 % | 1.33 | 99.00 % | 1.33 |
/// | 71 % | 98.01 % | 1.39 | 98.99 % | 1.41 |
/// | 50 % | 69.30 % | 1.40 | 98.58 % | 1.99 |
/// | 25 % | 34.65 % | 1.40 | 97.19 % | 3.93 |
/// | 10 % | 13.86 % | 1.40 | 93.27 % | 9.42 |
/// | 1 % | 0.99 % | 1.00 | 58.09 % | 58.68 |
/// | 0 % | 0.00 % | - | 0.00 % | - |
///
/// Degraded hosts change nothing of it, nor does a threshold of panic, while the others are well.
///
/// ```
/// use mesh_model::traffic::local_share;
///
/// let local = "99%".parse()?;
/// let of_100 = [100, 75, 50, 25, 0].map(|healthy| local_share(local, healthy, 100).to_string());
/// assert_eq!(of_100, ["99%", "99%", "69.3%", "34.65%", "0%"]);
/// # Ok::<(), mesh_model::units::ParseUnitError>(())
/// ```
#[must_use]
pub fn local_share(local: Share, healthy: u32, hosts: u32) -> Share {
    let percent = (FACTOR * u64::from(healthy)).checked_div(u64::from(hosts)).unwrap_or(0).min(100);
    local.part(u32::try_from(percent).expect("100 at most"))
}

/// What each region carries when all of them have this policy; no region is drained but by having no hosts.
#[must_use]
pub fn region_loads(traffic: &Traffic, regions: &BTreeMap<Name, RegionState>) -> BTreeMap<Name, RegionLoad> {
    let now = requests(traffic, regions);
    let healthy =
        regions.iter().map(|(name, state)| (name.clone(), RegionState { healthy: state.hosts, ..*state }));
    let normal = requests(traffic, &healthy.collect());
    let load = |(name, state): (&Name, &RegionState)| {
        let (requests, normal) = (now[name], normal[name]);
        let of_host = |requests: f64, hosts: u32| if hosts == 0 { 0.0 } else { requests / f64::from(hosts) };
        let before = of_host(normal, state.hosts);
        let factor = if before > 0.0 { of_host(requests, state.healthy) / before } else { 0.0 };
        // a hair, for sums of fractions
        let is_over =
            state.capacity.is_some_and(|most| requests > most.as_per_second() as f64 * (1.0 + 1e-9));
        (name.clone(), RegionLoad { requests, factor, is_over })
    };
    regions.iter().map(load).collect()
}

fn requests(traffic: &Traffic, regions: &BTreeMap<Name, RegionState>) -> BTreeMap<Name, f64> {
    let mut requests: BTreeMap<Name, f64> = regions.keys().map(|name| (name.clone(), 0.0)).collect();
    let serving: Vec<&Name> =
        regions.iter().filter(|(_, state)| state.hosts > 0).map(|(name, _)| name).collect();
    for (from, state) in regions {
        let has_entrance = |region: &Name| state.has_entrances && regions[region].has_entrances;
        let places = Places::new(traffic, from, state.has_zone_aware, &serving, has_entrance);
        let local = f64::from(places.local.as_millionths()) / 1e6;
        for (weight, setting) in [(local, places.home_setting()), (1.0 - local, places.away_setting())] {
            if weight <= 0.0 {
                continue;
            }
            for (name, share) in regions.keys().zip(shares(from, &setting, regions)) {
                *requests.get_mut(name).expect("all regions are in it") +=
                    state.demand.as_per_second() as f64 * weight * share;
            }
        }
    }
    requests
}

/// The share of each region under a setting.
fn shares(from: &Name, setting: &Value, regions: &BTreeMap<Name, RegionState>) -> Vec<f64> {
    let policy = json!({ "outlierDetection": {}, "loadBalancer": setting });
    let policy: TrafficPolicy = serde_json::from_value(policy).expect("our own setting, as its view has it");
    let label = |region: &Name| Labels::from([(REGION_LABEL.to_owned(), region.to_string())]);
    let mark = |region: &Name| {
        let is_entrance = region != from && regions[region].has_entrances && regions[from].has_entrances;
        is_entrance.then(|| (entrance_label(region), "true".to_owned()))
    };
    let endpoints = regions.iter().map(|(name, state)| Endpoints {
        locality: Locality::new(name.as_str()),
        counts: HostCounts {
            hosts: state.hosts,
            healthy: state.healthy.min(state.hosts),
            degraded: 0,
            excluded: 0,
        },
        weight: state.hosts.max(1),
        labels: label(name).into_iter().chain(mark(name)).collect(),
    });
    let question = Question {
        from: Locality::new(from.as_str()),
        proxy_labels: label(from),
        policy,
        overprovisioning_factor: u32::try_from(FACTOR).expect("it is 140"),
        panic_threshold: 0,
        endpoints: endpoints.collect(),
    };
    question.answer().localities.into_iter().map(|one| one.share).collect()
}
