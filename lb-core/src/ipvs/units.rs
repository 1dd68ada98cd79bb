//! Units: how many destinations stand for one backend, and which.
//!
//! The kernel's `mh` divides weights by their greatest common divisor and takes
//! that many slots in a row, so a weight that goes from 100 to 99 among a
//! hundred equals moves 54 % of the table and starves 18 of them. So we give
//! it no weights: a backend is several destinations of weight 1 on distinct
//! ports, its *units*, which a tunnel never shows to anyone, and a weight is
//! how many of them take flows. What one step moves is then one unit's slots.
//!
//! Three rules keep the table from moving for other reasons. The **median**
//! weight (the lower one of two) is a fixed number of units, so that a single
//! weight among three or more changes nothing that the others have. A lighter
//! backend has **as many units as the median**, of which fewer take flows, but
//! one at least unless it is 0: its weight changes no table, and is no finer
//! than one unit. And units
//! are added **in rounds** (everyone's first, everyone's second, ...), so that
//! the last, incomplete turn of the kernel's filling is shared by all: in the
//! order of addresses some of a hundred backends had 22 % too much, with 10
//! units each; in rounds the shares are those of single destinations, between
//! 2.3 % too little and 0.2 % too much. With one unit each the order is by
//! address and port.

use alloc::collections::BTreeSet;
use alloc::vec::Vec;

use crate::identity::{Endpoint, Weight};

/// Units of the median backend where a flow that falls on a parked one goes on
/// to another: what a step moves is exactly the unit's slots.
pub(super) const WITH_FALLBACK: u32 = 8;
/// Without the fallback a step makes another table, which moves other slots
/// too: of a hundred backends at most 0.81 % in any step of any, with 8 units 1.25 %.
pub(super) const WITHOUT_FALLBACK: u32 = 16;

/// How far apart the ports of one backend's units are: nearly 65,535 divided by
/// the golden ratio, without a common divisor.
///
/// The kernel hashes the *sum* of address and port, so neighbouring addresses
/// on neighbouring ports would walk the table alike. Multiples of this number
/// are far from each other and from 0: with 16 units no two walks are alike
/// among some 2,000 addresses in a row.
const STRIDE: u32 = 40_501;

/// The units of one backend.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Units {
    /// Their endpoints, the backend's own first.
    pub(super) endpoints: Vec<Endpoint>,
    /// How many of them take flows.
    pub(super) serving: usize,
}

/// One backend, as far as its units depend on it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Share {
    pub(super) endpoint: Endpoint,
    /// The weight that the configuration gives it.
    pub(super) full: Weight,
    /// The weight that it has now.
    pub(super) now: Weight,
}

/// The units of all backends of a service, in the order of `shares`.
///
/// `median` is how many the median backend has at best, `room` how many all
/// have together; only where the backends themselves are more is there no room.
pub(super) fn units(shares: &[Share], median: u32, room: u32) -> Vec<Units> {
    let scale = Scale::new(shares, median, room);
    let mut taken: BTreeSet<Endpoint> = shares.iter().map(|share| share.endpoint).collect();
    let mut order: Vec<usize> = (0..shares.len()).collect();
    order.sort_unstable_by_key(|place| shares[*place].endpoint);
    let mut units: Vec<Option<Units>> = shares.iter().map(|_| None).collect();
    for place in order {
        let share = &shares[place];
        let present = scale.present(share.full);
        let serving = scale.serving(share).min(present) as usize;
        units[place] = Some(Units { endpoints: endpoints(share.endpoint, present, &mut taken), serving });
    }
    units.into_iter().map(|units| units.expect("every place is in the order")).collect()
}

/// How many units of each backend take flows, for a scheduler that is given weights.
pub(super) fn weights(shares: &[Share], median: u32, room: u32) -> Vec<u32> {
    let scale = Scale::new(shares, median, room);
    shares.iter().map(|share| scale.serving(share).min(scale.present(share.full))).collect()
}

/// How a weight becomes a number of units.
#[derive(Clone, Copy, Debug)]
enum Scale {
    /// So many for the weight `of`.
    Median { units: u32, of: u32 },
    /// The heavy would need more than there is room for: each has one, and what
    /// is left is shared by weight.
    Rest { left: u32, total: u64 },
}

impl Scale {
    fn new(shares: &[Share], median: u32, room: u32) -> Self {
        let mut weights: Vec<u32> = shares.iter().map(|share| u32::from(share.full.0)).collect();
        weights.retain(|weight| *weight > 0);
        weights.sort_unstable();
        let Some(&of) = weights.get(weights.len().saturating_sub(1) / 2) else {
            return Self::Median { units: 1, of: 1 };
        };
        let fits = |units: &u32| {
            let scale = Self::Median { units: *units, of };
            shares.iter().map(|share| u64::from(scale.present(share.full))).sum::<u64>() <= u64::from(room)
        };
        if let Some(units) = (1..=median).rev().find(fits) {
            return Self::Median { units, of };
        }
        let all = u32::try_from(shares.len()).unwrap_or(u32::MAX);
        let total = weights.iter().map(|weight| u64::from(*weight)).sum();
        Self::Rest { left: room.saturating_sub(all), total }
    }

    /// Units of a backend of that weight, whether or not they take flows.
    fn present(self, full: Weight) -> u32 {
        let full = u32::from(full.0);
        match self {
            Self::Median { units, of } if full <= of => units,
            Self::Median { units, of } => rounded(full, units, of),
            Self::Rest { left, total } => 1 + portion(full, left, total),
        }
    }

    /// Units that take flows at weight `now`: at least one unless that is 0.
    fn serving(self, share: &Share) -> u32 {
        let now = u32::from(share.now.0);
        match self {
            _ if now == 0 => 0,
            Self::Median { units, of } => rounded(now, units, of).max(1),
            Self::Rest { .. } => {
                rounded(now, self.present(share.full), u32::from(share.full.0.max(1))).max(1)
            }
        }
    }
}

/// `weight * units / of`, to the nearest.
const fn rounded(weight: u32, units: u32, of: u32) -> u32 {
    let product = weight as u64 * units as u64;
    ((product * 2 + of as u64) / (of as u64 * 2)) as u32 // a weight is a u16, units are at most the table's slots
}

/// `weight * left / total`, rounded down, so that all together never are more than `left`.
const fn portion(weight: u32, left: u32, total: u64) -> u32 {
    (weight as u64 * left as u64 / total) as u32
}

/// The endpoints of one backend's units; ports that are taken are passed over.
fn endpoints(first: Endpoint, count: u32, taken: &mut BTreeSet<Endpoint>) -> Vec<Endpoint> {
    let mut endpoints = alloc::vec![first];
    let candidates =
        (1..u32::from(u16::MAX)).map(|step| Endpoint::new(first.address, port(first.port, step)));
    for candidate in candidates {
        if endpoints.len() >= count as usize {
            break;
        }
        if taken.insert(candidate) {
            endpoints.push(candidate);
        }
    }
    endpoints
}

/// The port `step` strides after `first`, among 1 to 65,535; each comes once in 65,535 steps.
fn port(first: u16, step: u32) -> u16 {
    let ports = u32::from(u16::MAX);
    let place =
        (u64::from(first) + u64::from(ports) - 1 + u64::from(step) * u64::from(STRIDE)) % u64::from(ports);
    u16::try_from(place + 1).expect("a remainder of 65,535, and one")
}

#[cfg(test)]
mod tests;
