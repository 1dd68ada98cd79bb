//! What each locality gets of its priority's load.
//!
//! By locality weights, each lowered by what is not available beyond the
//! overprovisioning, or by hosts where weights do not count; in panic by all
//! hosts. Source: envoyproxy/envoy `locality_wrr.cc`; the choice of hosts before it.

use super::{Assignment, Endpoints, Group, PriorityLoad};

/// The fraction of all requests of each of the endpoints, in their order.
#[must_use]
pub fn divide(
    assignment: &Assignment,
    endpoints: &[Endpoints],
    loads: &[PriorityLoad],
    factor: u32,
) -> Vec<f64> {
    let mut shares = vec![0.0; endpoints.len()];
    for load in loads {
        let is_member = |at: &usize| {
            assignment.groups[*at].priority == load.priority && assignment.groups[*at].weight > 0
        };
        let members: Vec<usize> = (0..endpoints.len()).filter(is_member).collect();
        let mut add = |percent: u32, part: &dyn Fn(&Endpoints) -> u32| {
            let size = |at: &usize| {
                let (group, one) = (&assignment.groups[*at], &endpoints[*at]);
                // in panic hosts are taken from all, before weights are looked at
                if assignment.is_weighted && !load.panic {
                    effective(group, one, part(one), factor)
                } else {
                    f64::from(part(one))
                }
            };
            let total: f64 = members.iter().map(size).sum();
            if total > 0.0 {
                for at in &members {
                    shares[*at] += f64::from(percent) / 100.0 * size(at) / total;
                }
            }
        };
        if load.panic {
            // in panic Envoy takes from all hosts, whichever kind the load was for
            add(load.load + load.degraded_load, &|one| one.counts.hosts);
        } else {
            add(load.load, &|one| one.counts.healthy);
            add(load.degraded_load, &|one| one.counts.degraded);
        }
    }
    shares
}

/// A locality's weight, lowered by what is not available.
fn effective(group: &Group, endpoints: &Endpoints, available: u32, factor: u32) -> f64 {
    match endpoints.counts.counted() {
        0 => 0.0,
        counted => {
            let ratio = f64::from(factor) / 100.0 * (f64::from(available) / f64::from(counted));
            f64::from(group.weight) * ratio.min(1.0)
        }
    }
}
