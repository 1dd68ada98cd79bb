//! What the federated control plane decides, for the largest fleet that it is meant for.
//!
//! Dimensions stand in the names of [`CASES`] and in each function's first line;
//! the access point is `examples/checkout`'s. A case's data grows with
//! [`Scale::Tenfold`](crate::Scale::Tenfold), so that what is worse than linear is seen. JSON patches
//! have a peer, the crate `json-patch`; the rest has none in Rust: no other
//! crate renders, places, rolls out or names for a fleet as a library.

mod fixtures;
mod fleetwide;
mod machines;
mod objects;
mod zones;

use crate::{Case, Work, timed};

/// All cases; an operation is what the name says, done once.
pub const CASES: &[Case] = &[
    Case::new("render", objects::rendering),
    Case::new("render-steered", objects::steering),
    Case::new("compare", objects::comparing),
    Case::new("placement", objects::placing),
    Case::new("document", objects::reading),
    Case::new("patch/overspill", objects::patching),
    Case::new("patch/json-patch", objects::patching_by_json_patch),
    Case::new("merge/overspill", objects::merging),
    Case::new("merge/json-patch", objects::merging_by_json_patch),
    Case::new("diff/overspill", objects::differing),
    Case::new("diff/json-patch", objects::differing_by_json_patch),
    Case::new("lint", objects::linting),
    Case::new("reconcile", objects::reconciling),
    Case::new("rollout-report", machines::reporting),
    Case::new("rollout-revision", machines::proposing),
    Case::new("status-change", machines::changing),
    Case::new("status-change-100", machines::changing_one_of_100),
    Case::new("status-change-10000", machines::changing_one_of_10000),
    Case::new("status-rebuild", machines::rebuilding),
    Case::new("certificates", machines::certifying),
    Case::new("certificates-one-more", machines::certifying_one_more),
    Case::new("names-change", fleetwide::renaming),
    Case::new("names-once", fleetwide::naming),
    Case::new("vip-replay", fleetwide::replaying),
    Case::new("vip-plan", fleetwide::allocating),
    Case::new("footprint", fleetwide::predicting),
    Case::new("visibility", fleetwide::scoping),
    Case::new("locality-loads", fleetwide::loading),
    Case::new("locality-answer", fleetwide::answering),
    Case::new("envoy", fleetwide::configuring),
    Case::new("xds-snapshot", fleetwide::hashing),
    Case::new("xds-change", machines::pushing),
    Case::new("east-west", zones::planning),
];

/// So many times the same, whose parts need no preparation of their own.
fn repeated(mut operation: impl FnMut() + 'static) -> Work {
    Box::new(move |count| timed(|| (0..count).for_each(|_| operation())))
}

/// The same, where each needs something that is made and dropped outside of the measured time.
fn prepared<T, R>(
    mut prepare: impl FnMut() -> T + 'static,
    mut operation: impl FnMut(T) -> R + 'static,
) -> Work {
    Box::new(move |count| {
        let each = |_| {
            let input = prepare();
            let mut output = None;
            let took = timed(|| output = Some(operation(input)));
            drop(output);
            took
        };
        (0..count).map(each).sum()
    })
}
