//! Which routes to add, replace and remove: a function of what is there and what is wanted.
//!
//! Removals come last, so that a destination that two routes serve is never
//! without one. Leaves alone: every route that is not ours.

use std::collections::{BTreeMap, BTreeSet};

use super::{Key, Route};
use crate::network::Command;

/// What to do about routes, and what cannot be done.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Plan {
    /// In order.
    pub commands: Vec<Command>,
    /// Wanted routes whose place somebody else's route has.
    pub conflicts: Vec<Conflict>,
}

/// A wanted route that is not added, because it would replace one that is not ours.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "route {wanted}: another program (protocol {}) has a route to {} with this metric in this table; \
     choose another metric or remove it: ip route del {present}",
    .present.origin, .present.destination
)]
pub struct Conflict {
    /// What is wanted.
    pub wanted: Box<Route>,
    /// What is there.
    pub present: Box<Route>,
}

/// The commands after which the wanted routes are there and, of ours, no others.
///
/// `owned` says whether an observed route is ours to replace or remove. A route
/// of somebody else that does what is wanted is left as it is.
///
/// ```
/// use lb_netlink::Origin;
/// use lb_netlink::route::{self, NextHop, Route};
///
/// let via = |gateway: &str| gateway.parse().map(|gateway| vec![NextHop::gateway(gateway)]);
/// let old = Route::new("10.9.0.0/16".parse()?, via("10.0.0.1")?);
/// let new = Route::new("10.9.0.0/16".parse()?, via("10.0.0.2")?);
/// let plan = route::plan(&[old], &[new], |route| route.origin == Origin::OVERSPILL);
/// assert_eq!(plan.commands[0].to_string(), "ip route replace 10.9.0.0/16 via 10.0.0.2 proto 79");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use]
pub fn plan(observed: &[Route], wanted: &[Route], owned: impl Fn(&Route) -> bool) -> Plan {
    let mut plan = Plan::default();
    let present = by_key(observed);
    let mut keys = BTreeSet::new();
    for route in wanted.iter().filter(|route| keys.insert(route.key())) {
        let there = present.get(&route.key()).map(Vec::as_slice).unwrap_or_default();
        if there.iter().any(|other| route.is_done_by(other)) {
            continue;
        }
        match there.iter().find(|other| !owned(other)) {
            Some(present) => plan
                .conflicts
                .push(Conflict { wanted: Box::new(route.clone()), present: Box::new((*present).clone()) }),
            None if there.is_empty() => plan.commands.push(Command::AddRoute(route.clone())),
            None => plan.commands.push(Command::ReplaceRoute(route.clone())),
        }
    }
    let surplus = observed.iter().filter(|route| owned(route) && !keys.contains(&route.key()));
    plan.commands.extend(surplus.cloned().map(Command::RemoveRoute));
    plan
}

fn by_key(routes: &[Route]) -> BTreeMap<Key, Vec<&Route>> {
    let mut by_key: BTreeMap<Key, Vec<&Route>> = BTreeMap::new();
    for route in routes {
        by_key.entry(route.key()).or_default().push(route);
    }
    by_key
}
