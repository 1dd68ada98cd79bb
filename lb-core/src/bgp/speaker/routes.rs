//! The set of routes: prefixes, and what they say, each different thing once.
//!
//! Ten thousand VIPs mostly say the same, so prefixes and peers' lists share it.

use alloc::collections::BTreeMap;
use alloc::sync::Arc;
use alloc::vec::Vec;

use ipnet::IpNet;

use crate::bgp::identity::{Community, LargeCommunity};

/// What a route says of itself; the rest is the [`Export`](crate::bgp::Export) of each peer.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Route {
    /// `MULTI_EXIT_DISC`; the peer's where `None`.
    pub med: Option<u32>,
    /// `LOCAL_PREF`, to internal peers; the peer's where `None`.
    pub local_pref: Option<u32>,
    /// How much longer its path is made, on top of the peer's, up to 32.
    pub prepend: u8,
    /// Communities, on top of the peer's; the first 64 count.
    pub communities: Vec<Community>,
    /// Large communities, on top of the peer's; the first 64 count.
    pub large_communities: Vec<LargeCommunity>,
    /// It goes away soon (RFC 8326): told before a drain, so that traffic leaves first.
    pub graceful_shutdown: bool,
}

/// All routes that are announced.
#[derive(Clone, Debug, Default)]
pub(super) struct Routes {
    by_prefix: BTreeMap<IpNet, Arc<Route>>,
    /// Each distinct one, and how many prefixes have it.
    distinct: BTreeMap<Arc<Route>, usize>,
}

impl Routes {
    /// Gives a prefix a route; shared, or `None` if it had that already.
    pub(super) fn insert(&mut self, prefix: IpNet, route: Route) -> Option<Arc<Route>> {
        if self.by_prefix.get(&prefix).is_some_and(|before| **before == route) {
            return None;
        }
        let route = match self.distinct.get_key_value(&route) {
            Some((shared, _)) => Arc::clone(shared),
            None => Arc::new(route),
        };
        *self.distinct.entry(Arc::clone(&route)).or_default() += 1;
        let before = self.by_prefix.insert(prefix, Arc::clone(&route));
        self.release(before);
        Some(route)
    }

    /// Takes a prefix's route; whether it had one.
    pub(super) fn remove(&mut self, prefix: &IpNet) -> bool {
        let before = self.by_prefix.remove(prefix);
        let had = before.is_some();
        self.release(before);
        had
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&IpNet, &Arc<Route>)> {
        self.by_prefix.iter()
    }

    /// One prefix less has this route; one without any is forgotten.
    fn release(&mut self, route: Option<Arc<Route>>) {
        let Some(route) = route else { return };
        if let Some(uses) = self.distinct.get_mut(&route) {
            *uses -= 1;
            if *uses == 0 {
                self.distinct.remove(&route);
            }
        }
    }
}
