//! What a rule and one of its subsets say together of one port.
//!
//! At each level a port's own settings stand in place of all that is written beside them, and what they
//! leave out is left to defaults. The rule is read first; then each field that the subset has is put over the
//! rule's, or, where the subset has settings of its own for the port, these are all that holds.
//!
//! Source: istio/istio `pilot/pkg/networking/util` (`MergeSubsetTrafficPolicy`).

use crate::template::view::TrafficPolicy;

/// What holds for a port of a host or of one of its subsets.
pub(super) fn of_port(
    rule: Option<&TrafficPolicy>,
    subset: Option<&TrafficPolicy>,
    port: u32,
) -> TrafficPolicy {
    let (outer, _) = rule.map(|policy| at(policy, port)).unwrap_or_default();
    let Some(subset) = subset else { return outer };
    let (inner, is_all) = at(subset, port);
    TrafficPolicy {
        load_balancer: over(inner.load_balancer, outer.load_balancer, is_all),
        outlier_detection: over(inner.outlier_detection, outer.outlier_detection, is_all),
        connection_pool: over(inner.connection_pool, outer.connection_pool, is_all),
        tls: over(inner.tls, outer.tls, is_all),
        // which a port has not, so nothing of a port stands in its place
        retry_budget: inner.retry_budget.or(outer.retry_budget),
        port_level_settings: Vec::new(),
    }
}

fn over<T>(inner: Option<T>, outer: Option<T>, is_all: bool) -> Option<T> {
    if is_all { inner } else { inner.or(outer) }
}

/// A policy's words about a port, and whether they are the port's own.
fn at(policy: &TrafficPolicy, port: u32) -> (TrafficPolicy, bool) {
    let own = policy.port_level_settings.iter().find(|one| one.port.number == port).cloned();
    let whole = TrafficPolicy { port_level_settings: Vec::new(), ..policy.clone() };
    match own {
        Some(own) => {
            let policy = TrafficPolicy {
                load_balancer: own.load_balancer,
                outlier_detection: own.outlier_detection,
                connection_pool: own.connection_pool,
                tls: own.tls,
                ..whole
            };
            (policy, true)
        }
        None => (whole, false),
    }
}
