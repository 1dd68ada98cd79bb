//! Which subsets of a service an entrance of another zone stands for.
//!
//! A proxy names the subset that it calls in the TLS greeting
//! (`outbound_.80_.v1_.HOST`), and the gateway passes on what it knows by that
//! name; what pods these are is for its zone to say. So an endpoint bears the
//! labels by which the calling zone finds each subset that both zones have, and
//! never those of one that the other zone lacks, whose calls it would cut off.
//! Labels that contradict each other (`version: v1`, `version: v2`) need an endpoint
//! each, of one address: Envoy takes the first for calls to no subset.
//!
//! Source: istio/istio `pilot/pkg/networking/core/gateway.go` (chains of `AUTO_PASSTHROUGH`),
//! `pilot/pkg/xds/endpoints/endpoint_builder.go` (endpoints of a subset).

use std::collections::BTreeMap;

use super::exposed::Subset;
use crate::labels::Labels;

/// What an entrance stands for.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Covered<'a> {
    /// The labels of each endpoint; one at least.
    pub(super) endpoints: Vec<Labels>,
    /// The subsets that it does not stand for, though nothing in their labels speaks against it.
    pub(super) missing: Vec<&'a str>,
}

/// The endpoints of an entrance whose labels are `own`, for subsets of which its zone has some.
///
/// # Errors
///
/// A subset that the zone lacks and that any endpoint is in.
pub(super) fn covered<'a>(
    subsets: &'a BTreeMap<String, Subset>,
    is_there: impl Fn(&str) -> bool,
    own: &Labels,
) -> Result<Covered<'a>, &'a str> {
    // those that choose among zones by labels of entrances are not for every entrance
    let possible = subsets.iter().filter(|(_, subset)| joined(own, subset).is_some());
    let (there, away): (Vec<_>, Vec<_>) = possible.partition(|(name, _)| is_there(name));
    if let Some((name, _)) = away.iter().find(|(_, subset)| is_in(own, subset)) {
        return Err(name);
    }
    let mut missing: Vec<&str> = away.iter().map(|(name, _)| name.as_str()).collect();
    let with = |labels: &Labels, subset: &Subset| {
        joined(labels, subset).filter(|labels| !away.iter().any(|(_, away)| is_in(labels, away)))
    };
    let mut endpoints: Vec<Labels> = Vec::new();
    for (name, subset) in there {
        if is_in(own, subset) || endpoints.iter().any(|labels| is_in(labels, subset)) {
            continue;
        }
        if let Some((labels, more)) =
            endpoints.iter_mut().find_map(|labels| with(labels, subset).map(|more| (labels, more)))
        {
            *labels = more;
        } else if let Some(labels) = with(own, subset) {
            endpoints.push(labels);
        } else {
            missing.push(name);
        }
    }
    if endpoints.is_empty() {
        endpoints.push(own.clone());
    }
    missing.sort_unstable();
    Ok(Covered { endpoints, missing })
}

/// Whether an endpoint of these labels is in a subset.
fn is_in(labels: &Labels, subset: &Subset) -> bool {
    subset.labels.iter().all(|(key, value)| labels.get(key) == Some(value))
}

/// The labels with those of a subset; `None` if they contradict each other.
fn joined(labels: &Labels, subset: &Subset) -> Option<Labels> {
    let is_other = |(key, value): (&String, &String)| labels.get(key).is_some_and(|own| own != value);
    if subset.labels.iter().any(is_other) {
        return None;
    }
    Some(labels.iter().chain(&subset.labels).map(|(key, value)| (key.clone(), value.clone())).collect())
}
