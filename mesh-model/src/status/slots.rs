//! A number for each target, and the order in which news of targets grows too old.
//!
//! The idea: what is kept by number is found, taken out and put in at one place, whatever else there
//! is. Numbers of targets that left are given to those that come.

use std::hash::{BuildHasherDefault, DefaultHasher};

use hashbrown::HashMap;

use crate::name::Name;
use crate::time::Time;

/// Values by number, and numbers by name.
#[derive(Clone, Debug)]
pub(super) struct Slots<T> {
    /// For look-up only. The names are those of a fleet, not a stranger's choice, so the hash needs no seed.
    slots: HashMap<Name, usize, BuildHasherDefault<DefaultHasher>>,
    entries: Vec<Option<(Name, Option<T>)>>,
    free: Vec<usize>,
}

impl<T> Default for Slots<T> {
    fn default() -> Self {
        Self { slots: HashMap::default(), entries: Vec::new(), free: Vec::new() }
    }
}

impl<T> Slots<T> {
    pub(super) fn len(&self) -> usize {
        self.slots.len()
    }

    pub(super) fn slot(&self, name: &Name) -> Option<usize> {
        self.slots.get(name).copied()
    }

    /// The slot of a name, a free one if it has none.
    pub(super) fn take(&mut self, name: &Name) -> usize {
        if let Some(slot) = self.slot(name) {
            return slot;
        }
        let slot = self.free.pop().unwrap_or_else(|| {
            self.entries.push(None);
            self.entries.len() - 1
        });
        self.entries[slot] = Some((name.clone(), None));
        self.slots.insert(name.clone(), slot);
        slot
    }

    /// Takes the value of a slot out, to be put back.
    pub(super) fn lift(&mut self, slot: usize) -> Option<T> {
        self.entries[slot].as_mut()?.1.take()
    }

    pub(super) fn put(&mut self, slot: usize, value: T) {
        if let Some((_, there)) = &mut self.entries[slot] {
            *there = Some(value);
        }
    }

    pub(super) fn name(&self, slot: usize) -> Option<&Name> {
        self.entries.get(slot)?.as_ref().map(|(name, _)| name)
    }

    pub(super) fn get(&self, slot: usize) -> Option<(&Name, &T)> {
        let (name, value) = self.entries.get(slot)?.as_ref()?;
        Some((name, value.as_ref()?))
    }

    /// Frees the slot of a name.
    pub(super) fn remove(&mut self, name: &Name) -> Option<(usize, T)> {
        let slot = self.slots.remove(name)?;
        self.free.push(slot);
        let (_, value) = self.entries[slot].take()?;
        Some((slot, value?))
    }

    /// All of them in the order of their names.
    pub(super) fn by_name(&self) -> Vec<(&Name, &T)> {
        let all = self.entries.iter().flatten();
        let mut all: Vec<(&Name, &T)> =
            all.filter_map(|(name, value)| Some((name, value.as_ref()?))).collect();
        all.sort_by_key(|(name, _)| *name);
        all
    }
}

/// Slots in the order in which their news is too old: a list in both directions.
#[derive(Clone, Debug, Default)]
pub(super) struct Heard {
    links: Vec<Option<Link>>,
    first: Option<usize>,
    last: Option<usize>,
}

#[derive(Clone, Copy, Debug)]
struct Link {
    due: Time,
    before: Option<usize>,
    after: Option<usize>,
}

impl Heard {
    /// Whose news is too old first, and when.
    pub(super) fn first(&self) -> Option<(usize, Time)> {
        let first = self.first?;
        Some((first, self.links[first]?.due))
    }

    /// Puts a slot in that is not in it. Time goes on, so its place is the last; if it did not, it is looked for from there.
    pub(super) fn insert(&mut self, slot: usize, due: Time) {
        if self.links.len() <= slot {
            self.links.resize(slot + 1, None);
        }
        let mut before = self.last;
        while let Some(link) = before.and_then(|at| self.links[at]).filter(|link| link.due > due) {
            before = link.before;
        }
        let after = match before {
            Some(at) => self.links[at].and_then(|link| link.after),
            None => self.first,
        };
        self.links[slot] = Some(Link { due, before, after });
        self.join(before, Some(slot));
        self.join(Some(slot), after);
    }

    /// Takes a slot out, if it is in it.
    pub(super) fn remove(&mut self, slot: usize) {
        if let Some(link) = self.links.get_mut(slot).and_then(Option::take) {
            self.join(link.before, link.after);
        }
    }

    /// Makes two follow each other; none is the end.
    fn join(&mut self, before: Option<usize>, after: Option<usize>) {
        match before.and_then(|at| self.links[at].as_mut()) {
            Some(link) => link.after = after,
            None => self.first = after,
        }
        match after.and_then(|at| self.links[at].as_mut()) {
            Some(link) => link.before = before,
            None => self.last = before,
        }
    }
}
