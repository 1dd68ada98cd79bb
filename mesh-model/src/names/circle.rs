//! Aliases that lead back to themselves: no resolver ever finds an address by them.
//!
//! A name's plan sees that name alone, so its [`Planner`](super::Planner) asks
//! here afterwards, of all aliases as they are to be, others' among them. Each
//! has one successor, so that going on from a name ends or comes round; whatever
//! was passed once is not passed again, and all of it costs a look at each.
//!
//! A name that has no records is answered by the nearest star above it (RFC 4592
//! section 3.3.1), and so an alias may lead to one without naming it.

use std::cell::OnceCell;
use std::collections::{BTreeMap, BTreeSet};

use crate::name::Fqdn;

/// Which names are aliases of which, as they are to be.
#[derive(Clone, Debug, Default)]
pub(super) struct Aliases {
    to: BTreeMap<Fqdn, Fqdn>,
    /// Those of which nobody has asked yet whether they are in a circle.
    changed: BTreeSet<Fqdn>,
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
    pub(super) fn handle_gone<V>(&mut self, name: &Fqdn, there: &There<'_, V>) {
        let star = self.answering(name, there).cloned();
        self.changed.extend(star);
    }

    /// Finds the circles anew, and returns those that are in none any more.
    pub(super) fn look<V>(&mut self, there: &There<'_, V>) -> Vec<Fqdn> {
        let changed = std::mem::take(&mut self.changed);
        let circles = self.circles(changed.iter().chain(self.circles.keys()), there);
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
        there: &There<'_, V>,
    ) -> BTreeMap<Fqdn, usize> {
        let mut circles = BTreeMap::new();
        let mut passed: BTreeSet<&Fqdn> = BTreeSet::new();
        for start in starts {
            let mut way: Vec<&Fqdn> = Vec::new();
            let mut at = Some(start).filter(|start| self.to.contains_key(*start));
            while let Some(name) = at.filter(|name| passed.insert(name)) {
                way.push(name);
                at = self.to.get(name).and_then(|to| self.answering(to, there));
            }
            // what was passed on this way closes a circle; what was passed before was looked at then
            let closes = at.and_then(|at| way.iter().position(|name| *name == at));
            let Some(first) = closes else { continue };
            let circle = &way[first..];
            circles.extend(circle.iter().map(|name| ((*name).clone(), circle.len())));
        }
        circles
    }

    /// The alias that answers for a name: its own, or that of the nearest star above it.
    fn answering<V>(&self, name: &Fqdn, there: &There<'_, V>) -> Option<&Fqdn> {
        let own = |name: &Fqdn| self.to.get_key_value(name).map(|(own, _)| own);
        // stars are the first of all names
        let has_stars = self.to.first_key_value().is_some_and(|(first, _)| first.is_wildcard());
        let is_known = |name: &Fqdn| there.0.contains_key(name) || self.to.contains_key(name);
        if !has_stars || is_known(name) {
            return own(name);
        }
        let (place, star) = above(name).enumerate().find_map(|(place, (star, above))| {
            // no star further above answers for what is below a name
            (is_known(&star) || is_known(&above)).then(|| (place, own(&star)))
        })?;
        let star = star?;
        // nor does one for a name that is there for those below it alone, or for what is below that
        let between = std::iter::once(name.clone()).chain(above(name).map(|(_, above)| above).take(place));
        (!between.into_iter().any(|name| there.has_below(&name))).then_some(star)
    }
}

/// The names that have records, or are to have some.
pub(super) struct There<'a, V>(&'a BTreeMap<Fqdn, V>, OnceCell<BTreeSet<&'a str>>);

impl<'a, V> There<'a, V> {
    pub(super) const fn new(names: &'a BTreeMap<Fqdn, V>) -> Self {
        Self(names, OnceCell::new())
    }

    /// Whether a name lies below this one, which therefore is there without records (RFC 4592 section 2.2.2).
    fn has_below(&self, name: &Fqdn) -> bool {
        let all = || self.0.keys().flat_map(|name| parents(name.as_str())).collect();
        self.1.get_or_init(all).contains(name.as_str())
    }
}

/// The names above a name, the nearest first, each after the star that is below it.
fn above(name: &Fqdn) -> impl Iterator<Item = (Fqdn, Fqdn)> {
    parents(name.as_str()).map(|parent| {
        let star = Fqdn::made_of_names(["*.", parent].concat());
        (star, Fqdn::made_of_names(parent.to_owned()))
    })
}

/// The names above a name, the nearest first.
pub(super) fn parents(name: &str) -> impl Iterator<Item = &str> {
    let parents = std::iter::successors(Some(name), |name| name.split_once('.').map(|(_, up)| up));
    parents.skip(1).take_while(|parent| parent.contains('.'))
}
