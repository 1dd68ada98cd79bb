//! Aliases that lead back to themselves: no resolver ever finds an address by them.
//!
//! A name's plan sees that name alone, so its [`Planner`](super::Planner) asks
//! here afterwards, of all aliases as they are to be. Each has one successor, so
//! that going on from a name ends or comes round; whatever was passed once is
//! not passed again, and all of it costs a look at each.

use std::collections::{BTreeMap, BTreeSet};

use crate::name::Fqdn;

/// How many names there are in the circle of each name that is in one, of those that `starts` lead to.
pub(super) fn circles<'a>(
    aliases: &'a BTreeMap<Fqdn, Fqdn>,
    starts: impl IntoIterator<Item = &'a Fqdn>,
) -> BTreeMap<Fqdn, usize> {
    let mut circles = BTreeMap::new();
    let mut passed: BTreeSet<&Fqdn> = BTreeSet::new();
    for start in starts {
        let mut way: Vec<&Fqdn> = Vec::new();
        let mut at = Some(start).filter(|start| aliases.contains_key(*start));
        while let Some(name) = at.filter(|name| passed.insert(name)) {
            way.push(name);
            at = aliases.get(name);
        }
        // what was passed on this way closes a circle; what was passed before was looked at then
        let closes = at.and_then(|at| way.iter().position(|name| *name == at));
        let Some(first) = closes else { continue };
        let circle = &way[first..];
        circles.extend(circle.iter().map(|name| ((*name).clone(), circle.len())));
    }
    circles
}
