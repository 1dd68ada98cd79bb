//! Where home is for a target, and what is away.

use serde_json::{Map, Value, json};

use crate::access_point::Traffic;
use crate::api::PlacementLevel;
use crate::fleet::{Fleet, Target};
use crate::istio::IstioVersion;
use crate::name::Name;
use crate::units::Share;

/// The label by which endpoints say their region.
pub(super) const REGION_LABEL: &str = "topology.kubernetes.io/region";
/// The label of all entrances, which no pod has.
pub(crate) const ENTRANCE_LABEL: &str = "overspill.dev/entrance";

/// The label of a region's entrances, which no pod has: by it a region is put behind others.
pub(crate) fn entrance_label(region: &Name) -> String {
    // a region's name may be as long as the part of a key after the slash
    format!("{region}.region.overspill.dev/entrance")
}

/// The most regions away that whole percents can be divided between.
const MAX_AWAY: usize = 100;

/// The regions of one target's traffic.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Places {
    /// The region whose hosts come first: the target's own, or the first in order
    /// that is not drained where the whole of that one is.
    pub home: Name,
    /// The other regions of the policy that are in the fleet and not wholly drained: in its
    /// order, beginning after home, in a circle.
    pub away: Vec<Name>,
    /// The share of `home` while it is healthy.
    pub local: Share,
    /// Whether the local share spills over.
    pub failover: bool,
    /// Whether it spills to the first of `away` before all others: Istio's zone-aware setting says so, which
    /// the target must be known to have, and which prefers the region of the proxies, so that it must be home.
    pub is_ordered: bool,
    /// The regions of the fleet that serve and that the policy does not name, in the fleet's order.
    pub others: Vec<Name>,
    /// Those of `away` and `others` that are reached by entrances alone: by their label each has a place of
    /// its own behind those that have none, whatever the target's Istio.
    pub marked: Vec<Name>,
    /// Whether the pods of the target's own zone come after all entrances, in whatever cluster they are: the
    /// zone is drained, and what is not of it has an entrance.
    pub is_left: bool,
}

impl Places {
    /// The regions as a target sees them.
    #[must_use]
    pub fn of(traffic: &Traffic, target: &Target<'_>, fleet: &Fleet) -> Self {
        let own = &target.zone.region;
        let mut serving: Vec<&Name> = Vec::new();
        for zone in fleet.zones().filter(|zone| fleet.serves(&zone.region)) {
            if !serving.contains(&&zone.region) {
                serving.push(&zone.region);
            }
        }
        let has_zone_aware = target.cluster.istio.is_some_and(IstioVersion::has_zone_aware);
        let has_entrance = |region: &Name| {
            let mut zones = fleet.zones().filter(|zone| zone.region == *region && fleet.is_serving(zone));
            !target.zone.east_west.is_empty() && zones.all(|zone| !zone.east_west.is_empty())
        };
        // at the level of clusters each has its own Service, whose pods are taken out
        let is_left =
            target.level == PlacementLevel::Zone && target.zone.drain && !target.zone.east_west.is_empty();
        let places = Self::new(traffic, own, has_zone_aware && !is_left, &serving, has_entrance);
        Self { is_left, ..places }
    }

    /// The regions as seen from one, of those that serve.
    pub(super) fn new(
        traffic: &Traffic,
        own: &Name,
        has_zone_aware: bool,
        serving: &[&Name],
        has_entrance: impl Fn(&Name) -> bool,
    ) -> Self {
        let serves = |region: &Name| serving.contains(&region);
        let first = traffic.regions.iter().find(|region| serves(region));
        let home = if serves(own) { own } else { first.unwrap_or(own) }.clone();
        let after = traffic.regions.iter().position(|region| *region == home).map_or(0, |at| at + 1);
        let (before, after) = traffic.regions.split_at(after);
        let away = after.iter().chain(before).filter(|region| **region != home && serves(region));
        let away: Vec<Name> = away.take(MAX_AWAY).cloned().collect();
        let is_other = |region: &&&Name| ***region != home && !away.contains(region);
        let others: Vec<Name> = serving.iter().filter(is_other).map(|region| (*region).clone()).collect();
        let marked = away.iter().chain(&others).filter(|region| has_entrance(region)).cloned().collect();
        // what goes nowhere else stays
        let local = if away.is_empty() { Share::ALL } else { traffic.local };
        let failover = traffic.failover;
        let is_ordered = has_zone_aware && home == *own && failover && !away.is_empty();
        Self { home, away, local, failover, is_ordered, others, marked, is_left: false }
    }

    /// What the subset that prefers home has in its `loadBalancer`.
    #[must_use]
    pub fn home_setting(&self) -> Value {
        match self.away.first() {
            Some(second) if self.is_ordered => in_order(&self.home, second, &self.behind(2)),
            _ if self.failover => self.prefer(&self.home),
            _ => only(std::slice::from_ref(&self.home)),
        }
    }

    /// What the subset that prefers another region has in its `loadBalancer`.
    ///
    /// With failover it is the next of the policy after home, in a circle: so each
    /// region is somebody's and none is everybody's, and its share is spilled as
    /// that one's health falls, which keeps the mean of its survivors at 1.4 there too.
    /// Behind it come home and all that is not marked, then the marked ones in order. The
    /// setting that knows an order of regions is not for it: it begins with the proxy's own. Without
    /// failover, all others in equal parts; the first get what is left over.
    #[must_use]
    pub fn away_setting(&self) -> Value {
        match self.away.first() {
            Some(next) if self.failover => self.prefer(next),
            _ => only(&self.away),
        }
    }

    /// All regions beyond home in order, those of the policy first.
    fn beyond(&self) -> impl Iterator<Item = &Name> {
        self.away.iter().chain(&self.others)
    }

    /// The marked regions beyond home but for the first so many, which have their place without a mark.
    fn behind(&self, places: usize) -> Vec<&Name> {
        self.beyond().skip(places).filter(|region| self.marked.contains(region)).collect()
    }

    /// The hosts of a region first, then all others, the marked ones in their order.
    fn prefer(&self, region: &Name) -> Value {
        let mut labels: Vec<String> =
            self.is_left.then(|| format!("{ENTRANCE_LABEL}=true")).into_iter().collect();
        labels.extend(unmarked(&self.behind(1)));
        // a fixed value, so that a proxy without the label is not taken for one from nowhere
        labels.push(format!("{REGION_LABEL}={region}"));
        json!({ "localityLbSetting": { "failoverPriority": labels } })
    }

    /// The regions in the order in which the local share is spilled to them.
    pub(super) fn tiers(&self) -> Vec<Vec<Name>> {
        let mut tiers = vec![vec![self.home.clone()]];
        if self.failover {
            let mut rest = self.beyond().cloned();
            if self.is_ordered {
                tiers.push(rest.by_ref().take(1).collect());
            }
            // one place for whoever has no mark
            let first: Vec<Name> = rest.by_ref().take(1).collect();
            let (marked, plain): (Vec<Name>, Vec<Name>) =
                rest.partition(|region| self.marked.contains(region));
            tiers.push([first, plain].concat());
            tiers.extend(marked.into_iter().map(|region| vec![region]));
            tiers.retain(|tier| !tier.is_empty());
        }
        tiers
    }

    /// The regions of the policy that the local share spills to in no order among them, although the policy
    /// has one; worth a warning.
    #[must_use]
    pub fn unordered(&self) -> Vec<Name> {
        let tiers = self.tiers().into_iter().filter(|tier| tier.len() > 1);
        let unordered = tiers.flatten().filter(|region| self.away.contains(region));
        // one alone shares its place with regions that the policy does not order
        Some(unordered.collect::<Vec<Name>>()).filter(|regions| regions.len() > 1).unwrap_or_default()
    }
}

/// The hosts of the proxy's own region first, then those of a second, then all others, the marked ones in their
/// order; zones do not count.
///
/// Zones of the first would be divided by Envoy from so many healthy hosts on as no region has.
fn in_order(own: &Name, second: &Name, behind: &[&Name]) -> Value {
    let failover = json!([{ "from": own, "to": second }]);
    let mut setting = json!({ "enabled": true, "failover": failover, "minClusterSize": u32::MAX });
    if !behind.is_empty() {
        setting["failoverPriority"] = json!(unmarked(behind));
    }
    json!({ "zoneAwareLbSetting": setting })
}

/// What hosts are to have no mark of, the last region first: the sooner one differs, the later is its place.
fn unmarked(behind: &[&Name]) -> Vec<String> {
    behind.iter().rev().map(|region| format!("{}=", entrance_label(region))).collect()
}

/// The hosts of these regions and no others, in equal parts.
fn only(regions: &[Name]) -> Value {
    let count = regions.len().max(1);
    let part = |position: usize| 100 / count + usize::from(position < 100 % count);
    let to = regions.iter().enumerate();
    let to: Map<String, Value> =
        to.map(|(position, region)| (format!("{region}/*"), json!(part(position)))).collect();
    // `*`, for the proxies that read it are all in one target
    json!({ "localityLbSetting": { "distribute": [{ "from": "*", "to": to }] } })
}
