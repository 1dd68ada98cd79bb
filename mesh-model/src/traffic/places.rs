//! Where home is for a target, and what is away.

use serde_json::{Map, Value, json};

use crate::access_point::Traffic;
use crate::fleet::{Fleet, Target};
use crate::istio::IstioVersion;
use crate::name::Name;
use crate::units::Share;

/// The label by which endpoints say their region.
pub(super) const REGION_LABEL: &str = "topology.kubernetes.io/region";
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
}

impl Places {
    /// The regions as a target sees them.
    #[must_use]
    pub fn of(traffic: &Traffic, target: &Target<'_>, fleet: &Fleet) -> Self {
        let own = &target.zone.region;
        let serves = |region: &Name| !is_off(fleet, region);
        let first = traffic.regions.iter().find(|region| serves(region));
        let home = if serves(own) { own } else { first.unwrap_or(own) }.clone();
        let can_order = home == *own && target.cluster.istio.is_some_and(IstioVersion::has_zone_aware);
        Self::new(traffic, home, can_order, serves)
    }

    /// The regions as seen from a home, of those that serve; `can_order` says whether they can be put in order.
    pub(super) fn new(
        traffic: &Traffic,
        home: Name,
        can_order: bool,
        serves: impl Fn(&Name) -> bool,
    ) -> Self {
        let after = traffic.regions.iter().position(|region| *region == home).map_or(0, |at| at + 1);
        let (before, after) = traffic.regions.split_at(after);
        let others = after.iter().chain(before).filter(|region| **region != home && serves(region));
        let away: Vec<Name> = others.take(MAX_AWAY).cloned().collect();
        // what goes nowhere else stays
        let local = if away.is_empty() { Share::ALL } else { traffic.local };
        let failover = traffic.failover;
        let is_ordered = can_order && failover && !away.is_empty();
        Self { home, away, local, failover, is_ordered }
    }

    /// What the subset that prefers home has in its `loadBalancer`.
    #[must_use]
    pub fn home_setting(&self) -> Value {
        match self.away.first() {
            Some(second) if self.is_ordered => in_order(&self.home, second),
            _ if self.failover => prefer(&self.home),
            _ => only(std::slice::from_ref(&self.home)),
        }
    }

    /// What the subset that prefers another region has in its `loadBalancer`.
    ///
    /// With failover it is the next of the policy after home, in a circle: so each
    /// region is somebody's and none is everybody's, and its share is spilled as
    /// that one's health falls, which keeps the mean of its survivors at 1.4 there too.
    /// Behind it the others are one tier in any case, for the setting that knows an
    /// order of regions begins with the proxy's own. Without failover, all others in
    /// equal parts; the first get what is left over.
    #[must_use]
    pub fn away_setting(&self) -> Value {
        match self.away.first() {
            Some(next) if self.failover => prefer(next),
            _ => only(&self.away),
        }
    }

    /// The regions in the order in which the local share is spilled to them.
    pub(super) fn tiers(&self, fleet: &Fleet) -> Vec<Vec<Name>> {
        let mut tiers = vec![vec![self.home.clone()]];
        if self.failover {
            let mut rest = self.away.clone();
            // the label knows nothing of the policy's list
            for zone in fleet.zones() {
                let is_new = zone.region != self.home && !rest.contains(&zone.region);
                if is_new && !is_off(fleet, &zone.region) {
                    rest.push(zone.region.clone());
                }
            }
            // Istio's order has three places; who has none of the first two shares the third
            let beyond = if self.is_ordered { rest.split_off(1) } else { Vec::new() };
            tiers.extend([rest, beyond].into_iter().filter(|tier| !tier.is_empty()));
        }
        tiers
    }

    /// The regions of the policy that the local share spills to in no order among them, although the policy
    /// has one; worth a warning.
    #[must_use]
    pub fn unordered(&self, fleet: &Fleet) -> Vec<Name> {
        let tiers = self.tiers(fleet).into_iter().filter(|tier| tier.len() > 1);
        let unordered = tiers.flatten().filter(|region| self.away.contains(region));
        // one alone shares its place with regions that the policy does not order
        Some(unordered.collect::<Vec<Name>>()).filter(|regions| regions.len() > 1).unwrap_or_default()
    }
}

/// The hosts of the proxy's own region first, then those of a second, then all others; zones do not count.
///
/// Zones of the first would be divided by Envoy from so many healthy hosts on as no region has.
fn in_order(own: &Name, second: &Name) -> Value {
    let failover = json!([{ "from": own, "to": second }]);
    json!({ "zoneAwareLbSetting": { "enabled": true, "failover": failover, "minClusterSize": u32::MAX } })
}

/// The hosts of a region first, then all others.
fn prefer(region: &Name) -> Value {
    // a fixed value, so that a proxy without the label is not taken for one from nowhere
    json!({ "localityLbSetting": { "failoverPriority": [format!("{REGION_LABEL}={region}")] } })
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

/// Whether a region has no cluster that takes traffic.
fn is_off(fleet: &Fleet, region: &Name) -> bool {
    fleet.clusters().all(|cluster| {
        let zone = fleet.zone(cluster.zone.as_str());
        zone.is_none_or(|zone| zone.region != *region || zone.drain) || cluster.drain
    })
}
