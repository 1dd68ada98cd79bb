//! From an access point to what each cluster receives: placement, rendering, where a field came from, a diff.
//!
//! `cargo run -p mesh-model --example render`
#![allow(clippy::disallowed_macros, reason = "an example talks to people")]

use std::collections::BTreeSet;
use std::error::Error;

use mesh_model::access_point::AccessPoint;
use mesh_model::api::{FederatedAccessPoint, PlacementLevel};
use mesh_model::fleet::Fleet;
use mesh_model::placement::{Evidence, Outcome, place, targets};
use mesh_model::render::{Rendering, Revision, compare, render};
use mesh_model::template::Schemas;

#[path = "support/checkout.rs"]
mod checkout;

fn main() -> Result<(), Box<dyn Error>> {
    let (fleet, workload) = (checkout::fleet()?, checkout::workload()?);
    let access_point = checkout::access_point()?;

    // Where it is to be, and why. rno-c-3 has been a target: it stays until the workload has left.
    let current = BTreeSet::from(["rno-c-3".parse()?]);
    let evidence =
        Evidence { fleet: &fleet, is_complete: true, workload: Some(&workload), current: &current };
    let decisions = place(&access_point.placement, evidence);
    for decision in decisions.iter().filter(|decision| decision.outcome != Outcome::Skip) {
        println!("{}: {:?}, because {}", decision.target, decision.outcome, decision.reason);
    }

    // What one of them receives, and who wrote a field of it.
    let schemas = Schemas::embedded();
    let of = |access_point: &AccessPoint, fleet: &Fleet| -> Vec<Rendering> {
        let targets = targets(&decisions, PlacementLevel::Cluster, fleet);
        targets.map(|target| render(access_point, &target, &schemas)).collect()
    };
    let before = of(&access_point, &fleet);
    let first = before.first().ok_or("the workload is somewhere")?;
    println!("\n{} receives {} objects", first.target, first.objects.len());
    for entry in first.trace.iter().filter(|entry| entry.path.to_string().ends_with("/http2MaxRequests")) {
        println!("{} {}: {}", entry.object, entry.path, entry.from);
    }

    // What an edit would alter everywhere; its hash is what somebody approves.
    let edited = checkout::ACCESS_POINT.replace("timeout: 2s", "timeout: 3s");
    let edited: FederatedAccessPoint = serde_saphyr::from_str(&edited)?;
    let edited = AccessPoint::try_from(edited)?;
    let after = of(&edited, &fleet);
    let difference = compare(&before, &after);
    println!(
        "\nrevision {} becomes {}",
        Revision::of_access_point(&access_point),
        Revision::of_access_point(&edited)
    );
    println!("approving {} alters {} targets:", difference.hash, difference.targets.len());
    for change in &difference.targets[0].changed {
        for operation in &change.patch {
            println!("{} {}", change.object, operation.to_value());
        }
    }
    Ok(())
}
