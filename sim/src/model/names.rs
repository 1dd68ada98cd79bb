//! The name service: which zones it names, and with what weight.
//!
//! Which zones are named is `lb-core`'s decision, [`name_weights`]; here is kept
//! what it is asked with, and answers are drawn, as a name service does.

use lb_core::health::{NameTarget, name_weights};

use crate::random::Stream;

/// The name service's knowledge of the zones.
#[derive(Debug)]
pub(super) struct Names {
    zones: Vec<NameTarget>,
    /// Weights that answers go by.
    published: Vec<u32>,
    total: u64,
}

impl Names {
    /// All zones stand.
    pub(super) fn new(weights: impl Iterator<Item = u32>) -> Self {
        let zones = weights.map(|weight| NameTarget { weight, stands: true, disabled: false }).collect();
        let mut names = Self { zones, published: Vec::new(), total: 0 };
        names.publish();
        names
    }

    /// What the zone's service machine says.
    pub(super) fn set_stands(&mut self, zone: u16, stands: bool) {
        self.zones[usize::from(zone)].stands = stands;
    }

    /// What an operator says.
    pub(super) fn set_disabled(&mut self, zone: u16, disabled: bool) {
        self.zones[usize::from(zone)].disabled = disabled;
    }

    /// What an operator says.
    pub(super) fn set_weight(&mut self, zone: u16, weight: u32) {
        self.zones[usize::from(zone)].weight = weight;
    }

    /// Answers go by what was said so far; returns the zones whose naming changed.
    pub(super) fn publish(&mut self) -> Vec<u16> {
        let next = name_weights(&self.zones);
        let was_named = |index: usize| self.published.get(index).is_some_and(|weight| *weight > 0);
        let changed =
            (0..next.len()).filter(|&index| (next[index] > 0) != was_named(index)).map(|index| index as u16);
        let changed = changed.collect();
        self.total = next.iter().map(|weight| u64::from(*weight)).sum();
        self.published = next;
        changed
    }

    /// Whether answers name a zone.
    pub(super) fn is_published(&self, zone: u16) -> bool {
        self.published[usize::from(zone)] > 0
    }

    /// The zones that answers name.
    pub(super) fn named(&self) -> impl Iterator<Item = u16> {
        (0..).zip(&self.published).filter(|(_, weight)| **weight > 0).map(|(zone, _)| zone)
    }

    /// One answer: a zone drawn by weight; `None` if no zone is named.
    pub(super) fn answer(&self, stream: &mut Stream) -> Option<u16> {
        if self.total == 0 {
            return None;
        }
        let mut drawn = stream.below(self.total);
        for (zone, weight) in (0..).zip(&self.published) {
            match drawn.checked_sub(u64::from(*weight)) {
                None => return Some(zone),
                Some(rest) => drawn = rest,
            }
        }
        None
    }
}
