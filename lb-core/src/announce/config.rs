//! How VIPs are announced: checked values.

use alloc::collections::BTreeMap;
use alloc::vec::Vec;
use core::net::IpAddr;
use core::time::Duration;

use ipnet::IpNet;

use super::damping::Damping;
use crate::bgp::Route;

/// How a node announces its VIPs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AnnounceConfig {
    /// When a VIP of several services stands.
    pub policy: Policy,
    /// How flapping VIPs are held back; `None` for not at all.
    pub damping: Option<Damping>,
    /// From the withdrawal to the drain: for what the network still sends here.
    pub drain_delay: Duration,
    /// What all routes say of themselves.
    pub route: Route,
    /// What is otherwise for single VIPs.
    pub vips: BTreeMap<IpAddr, VipConfig>,
    /// Shorter prefixes that are announced for the VIPs in them.
    pub aggregates: Vec<Aggregate>,
}

/// When a VIP of several services stands.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize,
)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum Policy {
    /// All of them must stand: where a service fails on one node alone, and
    /// another node serves all.
    All,
    /// One suffices: where nodes share their backends, a service that is down
    /// is down everywhere, and must not take the others with it.
    #[default]
    Any,
}

/// What is otherwise for one VIP.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct VipConfig {
    /// When it stands; as for all where `None`.
    pub policy: Option<Policy>,
    /// What its route says of itself; as for all where `None`.
    pub route: Option<Route>,
    /// Never announced: it is served for those who have a route of their own.
    pub silent: bool,
}

/// A prefix that is announced while a VIP in it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Aggregate {
    /// The prefix, shorter than a host's.
    pub prefix: IpNet,
    /// Announce it alone, without the VIPs in it: for routers with small
    /// tables. It attracts traffic to every VIP in it while one of them stands.
    pub only: bool,
}

impl Default for AnnounceConfig {
    fn default() -> Self {
        Self {
            policy: Policy::default(),
            damping: Some(Damping::default()),
            drain_delay: Duration::from_secs(5),
            route: Route::default(),
            vips: BTreeMap::new(),
            aggregates: Vec::new(),
        }
    }
}

impl AnnounceConfig {
    /// When this VIP stands.
    pub(super) fn policy_of(&self, vip: IpAddr) -> Policy {
        self.vips.get(&vip).and_then(|own| own.policy).unwrap_or(self.policy)
    }

    /// The prefixes that stand for this VIP: its own, the aggregates, or none.
    pub(super) fn prefixes_of(&self, vip: IpAddr) -> impl Iterator<Item = IpNet> {
        let silent = self.vips.get(&vip).is_some_and(|own| own.silent);
        let around = move |aggregate: &&Aggregate| !silent && aggregate.prefix.contains(&vip);
        let hidden = silent || self.aggregates.iter().filter(around).any(|aggregate| aggregate.only);
        let aggregates = self.aggregates.iter().filter(around).map(|aggregate| aggregate.prefix);
        (!hidden).then(|| IpNet::from(vip)).into_iter().chain(aggregates)
    }

    /// What the route of a prefix says of itself.
    pub(super) fn route_of(&self, prefix: &IpNet) -> Route {
        let own = (prefix.prefix_len() == prefix.max_prefix_len()).then(|| self.vips.get(&prefix.addr()));
        own.flatten().and_then(|own| own.route.clone()).unwrap_or_else(|| self.route.clone())
    }
}
