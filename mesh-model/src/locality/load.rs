//! How much each priority gets, in Envoy's whole percent.
//!
//! Healthy hosts come before degraded ones in all priorities, what is lost in
//! rounding goes to the first that has any, and where nothing is left all are
//! taken by their number. Source: `LoadBalancerBase` in envoyproxy/envoy
//! `load_balancer_impl.cc`.

use serde::Serialize;

/// How many hosts there are, and how they are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct HostCounts {
    /// All of them.
    pub hosts: u32,
    /// Those that are healthy; no degraded ones.
    pub healthy: u32,
    /// Those that are degraded.
    pub degraded: u32,
    /// Those that do not count.
    pub excluded: u32,
}

impl HostCounts {
    /// Both together.
    #[must_use]
    pub const fn plus(self, other: Self) -> Self {
        Self {
            hosts: self.hosts.saturating_add(other.hosts),
            healthy: self.healthy.saturating_add(other.healthy),
            degraded: self.degraded.saturating_add(other.degraded),
            excluded: self.excluded.saturating_add(other.excluded),
        }
    }

    /// Those that count.
    #[must_use]
    pub const fn counted(self) -> u32 {
        self.hosts.saturating_sub(self.excluded)
    }

    /// `factor` percent of a part of those that count, 100 at most.
    fn availability(self, part: u32, factor: u32) -> u32 {
        match u64::from(self.counted()) {
            0 => 0,
            counted => {
                let percent = u64::from(factor) * u64::from(part) / counted;
                u32::try_from(percent.min(100)).expect("100 at most")
            }
        }
    }

    /// Whether too few are available to look at health, as Envoy computes it: in floating point.
    fn is_in_panic(self, threshold: u32) -> bool {
        let percent = |part: u32| match self.counted() {
            0 => 0.0,
            counted => 100.0 * f64::from(part) / f64::from(counted),
        };
        percent(self.healthy) + percent(self.degraded) < f64::from(threshold)
    }
}

/// What one priority gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct PriorityLoad {
    /// The priority; 0 is the first.
    pub priority: u32,
    /// Percent of all requests for its healthy hosts; for all of its hosts in panic.
    pub load: u32,
    /// Percent of all requests for its degraded hosts.
    pub degraded_load: u32,
    /// Whether health is ignored in it.
    pub panic: bool,
}

/// What each priority gets; all loads together are 100.
///
/// ```
/// use mesh_model::locality::{HostCounts, loads};
///
/// let of = |hosts, healthy| HostCounts { hosts, healthy, ..HostCounts::default() };
/// let loads = loads(&[of(4, 2), of(4, 2)], 140, 50);
/// assert_eq!([loads[0].load, loads[1].load], [70, 30]);
/// ```
#[must_use]
pub fn loads(priorities: &[HostCounts], factor: u32, panic_threshold: u32) -> Vec<PriorityLoad> {
    let health: Vec<u32> = priorities.iter().map(|one| one.availability(one.healthy, factor)).collect();
    let degraded: Vec<u32> = priorities.iter().map(|one| one.availability(one.degraded, factor)).collect();
    let total = health.iter().chain(&degraded).fold(0_u32, |sum, one| sum.saturating_add(*one)).min(100);
    // where all is well together, a bad priority alone is no reason to ignore health
    let panics: Vec<bool> =
        priorities.iter().map(|one| total != 100 && one.is_in_panic(panic_threshold)).collect();
    let is_total_panic = panics.iter().all(|panic| *panic);
    let load = if is_total_panic && (total > 0 || panic_threshold > 0) {
        by_number(priorities)
    } else if total == 0 {
        // nobody is there to answer, or too few for a whole percent: then Envoy has no loads, and its
        // choice falls on the first priority
        first_of_all(priorities.len())
    } else {
        by_health(&health, &degraded, total)
    };
    let one =
        |((priority, (load, degraded_load)), panic)| PriorityLoad { priority, load, degraded_load, panic };
    (0..).zip(load).zip(panics).map(one).collect()
}

/// All requests to the first priority.
fn first_of_all(priorities: usize) -> Vec<(u32, u32)> {
    (0..priorities).map(|priority| (if priority == 0 { 100 } else { 0 }, 0)).collect()
}

/// In total panic: by the number of hosts, excluded or not.
fn by_number(priorities: &[HostCounts]) -> Vec<(u32, u32)> {
    let total: u64 = priorities.iter().map(|one| u64::from(one.hosts)).sum();
    if total == 0 {
        return first_of_all(priorities.len());
    }
    let percent = |one: &HostCounts| u32::try_from(100 * u64::from(one.hosts) / total).expect("100 at most");
    let mut loads: Vec<u32> = priorities.iter().map(percent).collect();
    let rest = 100 - loads.iter().sum::<u32>();
    let first = priorities.iter().position(|one| one.hosts > 0).expect("the total is not zero");
    loads[first] += rest;
    loads.into_iter().map(|load| (load, 0)).collect()
}

/// Healthy hosts in order of priority, then degraded ones; the rounding goes to the first that has any.
fn by_health(health: &[u32], degraded: &[u32], total: u32) -> Vec<(u32, u32)> {
    let mut left = 100;
    let mut take = |availability: &[u32]| -> Vec<u32> {
        let load = |one: &u32| {
            let load = left.min(one * 100 / total);
            left -= load;
            load
        };
        availability.iter().map(load).collect()
    };
    let (mut loads, mut degraded_loads) = (take(health), take(degraded));
    let first = |availability: &[u32]| availability.iter().position(|one| *one > 0);
    if let Some(first) = first(health) {
        loads[first] += left;
    } else if let Some(first) = first(degraded) {
        degraded_loads[first] += left;
    }
    loads.into_iter().zip(degraded_loads).collect()
}
