//! Aliases that lead back to themselves: no resolver ever finds an address by them.
//!
//! A name's plan sees that name alone, so its [`Planner`](super::Planner) asks
//! here afterwards, of all aliases as they are to be, others' among them. Each
//! has one successor, so that going on from a name ends or comes round; whatever
//! was passed once is not passed again, and all of it costs a look at each.
//!
//! A name that has no records may be answered by a star ([`There`]), and so an alias
//! may lead to one without naming it.

use std::cell::OnceCell;
use std::collections::{BTreeMap, BTreeSet};

use super::wildcard::There;
use crate::name::Fqdn;

/// Which names are aliases of which, as they are to be.
#[derive(Clone, Debug, Default)]
pub(super) struct Aliases {
    to: BTreeMap<Fqdn, Fqdn>,
    /// Those of which nobody has asked yet whether they are in a circle.
    changed: BTreeSet<Fqdn>,
    /// Whether a name went since then.
    is_any_gone: bool,
    /// Names in circles, and how many there are in each one's.
    circles: BTreeMap<Fqdn, usize>,
}

impl Aliases {
    /// What a name is to be an alias of, if it is to be one.
    pub(super) fn note(&mut self, name: &Fqdn, to: Option<&Fqdn>) {
        if self.to.get(name) == to {
            return;
        }
        match to {
            None => drop(self.to.remove(name)),
            Some(to) => {
                self.to.insert(name.clone(), to.clone());
                self.changed.insert(name.clone());
            }
        }
    }

    /// A name has no records any more, so that a star may answer for it.
    pub(super) fn handle_gone(&mut self) {
        self.is_any_gone = true;
    }

    /// Finds the circles anew among all names that are there, and returns those that are in none any more.
    pub(super) fn look<V>(&mut self, names: &BTreeMap<Fqdn, V>) -> Vec<Fqdn> {
        let mut changed = std::mem::take(&mut self.changed);
        if std::mem::take(&mut self.is_any_gone) {
            changed.extend(self.stars().cloned());
        }
        let circles = self.circles(changed.iter().chain(self.circles.keys()), names);
        let before = std::mem::replace(&mut self.circles, circles);
        before.into_keys().filter(|name| !self.circles.contains_key(name)).collect()
    }

    /// Each name in a circle, what it is an alias of, and how many there are in its circle.
    pub(super) fn in_circles(&self) -> impl Iterator<Item = (&Fqdn, &Fqdn, usize)> {
        self.circles.iter().filter_map(|(name, length)| Some((name, self.to.get(name)?, *length)))
    }

    /// How many names there are in the circle of each name that is in one, of those that `starts` lead to.
    fn circles<'a, V>(
        &'a self,
        starts: impl Iterator<Item = &'a Fqdn>,
        names: &BTreeMap<Fqdn, V>,
    ) -> BTreeMap<Fqdn, usize> {
        let there = OnceCell::new();
        let answering = |name: &Fqdn| -> Option<&'a Fqdn> {
            let own = |name: &Fqdn| self.to.get_key_value(name).map(|(own, _)| own);
            if names.contains_key(name) || self.to.contains_key(name) || self.stars().next().is_none() {
                return own(name);
            }
            own(&there.get_or_init(|| There::of(names.keys())).star(name)?)
        };
        let mut circles = BTreeMap::new();
        let mut passed: BTreeSet<&Fqdn> = BTreeSet::new();
        for start in starts {
            let mut way: Vec<&Fqdn> = Vec::new();
            let mut at = Some(start).filter(|start| self.to.contains_key(*start));
            while let Some(name) = at.filter(|name| passed.insert(name)) {
                way.push(name);
                at = self.to.get(name).and_then(answering);
            }
            // what was passed on this way closes a circle; what was passed before was looked at then
            let closes = at.and_then(|at| way.iter().position(|name| *name == at));
            let Some(first) = closes else { continue };
            let circle = &way[first..];
            circles.extend(circle.iter().map(|name| ((*name).clone(), circle.len())));
        }
        circles
    }

    /// The stars among the aliases, which are the first of all names.
    fn stars(&self) -> impl Iterator<Item = &Fqdn> {
        self.to.keys().take_while(|name| name.is_wildcard())
    }
}
