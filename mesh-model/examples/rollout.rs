//! A rollout over a fleet of four clusters, with a controller that restarts in the middle.
//!
//! ```text
//!  propose ──> canary a-1 ──ready, soak──> waits ──approval──> a-2, a-3 ──> b-1 ──> complete
//!                                  └ restart from its text
//! ```
//!
//! Run it: `cargo run -p mesh-model --example rollout`

#![expect(clippy::disallowed_macros, reason = "an example talks to people")]

use std::time::Duration;

use mesh_model::access_point::{RolloutPolicy, Stage, TargetSelection};
use mesh_model::api::PlacementLevel;
use mesh_model::fleet::{Fleet, Target};
use mesh_model::render::Revision;
use mesh_model::rollout::{Approval, Phase, Proposal, Rollout, TargetHealth, TargetReport};
use mesh_model::time::{Time, WallTime};

fn fleet() -> Result<Fleet, Box<dyn std::error::Error>> {
    let object = |kind: &str, name: &str, spec: &str| {
        format!(
            "{{ apiVersion: overspill.dev/v1alpha1, kind: {kind}, metadata: {{ name: {name} }}, spec: {spec} }}"
        )
    };
    let mut zones = Vec::new();
    for zone in ["a", "b"] {
        zones.push(serde_saphyr::from_str(&object("AvailabilityZone", zone, "{ region: west }"))?);
    }
    let mut clusters = Vec::new();
    for (cluster, zone) in [("a-1", "a"), ("a-2", "a"), ("a-3", "a"), ("b-1", "b")] {
        clusters.push(serde_saphyr::from_str(&object("Cluster", cluster, &format!("{{ zone: {zone} }}")))?);
    }
    Ok(Fleet::new(zones, clusters)?)
}

fn policy() -> Result<RolloutPolicy, Box<dyn std::error::Error>> {
    let soak = Duration::from_secs(60);
    let canary = TargetSelection { names: Some(vec!["a-1".parse()?]), ..TargetSelection::default() };
    let zone = TargetSelection { zones: Some(vec!["a".parse()?]), ..TargetSelection::default() };
    let one = "1".parse()?;
    let canary = Stage { name: "canary".parse()?, targets: canary, max_concurrency: one, soak, pause: true };
    let max_concurrency = "100%".parse()?;
    let zone = Stage { name: "zone-a".parse()?, targets: zone, max_concurrency, soak, pause: false };
    Ok(RolloutPolicy { stages: vec![canary, zone], four_eyes: true, ..RolloutPolicy::default() })
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let fleet = fleet()?;
    let targets: Vec<Target<'_>> = fleet.targets(PlacementLevel::Cluster).collect();
    let mut now = Time::from_secs(100);
    let mut wall: WallTime = "2026-11-26T09:00:00Z".parse()?;
    let (revision, difference) = (Revision([1; 32]), Revision([2; 32]));
    let mut rollout = Rollout::new(policy()?);
    rollout.handle_targets(now, wall, &targets, &[]);
    rollout.handle_revision(now, wall, Proposal { revision, difference, author: "ann".parse()? });
    loop {
        while let Some(apply) = rollout.poll_transmit() {
            println!("{now} {} is given the revision, and is ready", apply.target);
            let report =
                TargetReport { applied: Some(apply.revision), health: TargetHealth::Ready, since: now };
            rollout.handle_target_report(now, wall, &apply.target, report);
        }
        while let Some(event) = rollout.poll_event() {
            println!("{now} {event:?}");
        }
        match rollout.state().phase {
            Phase::Settled => break,
            Phase::Waiting => {
                // what was kept is all that a new process needs; its clock starts anew
                let kept = serde_json::to_string(rollout.state())?;
                now = Time::ZERO;
                rollout = Rollout::restore(policy()?, serde_json::from_str(&kept)?, &targets, now);
                let by_author = Approval { hash: difference, by: "ann".parse()? };
                let refusal = rollout.handle_approval(now, wall, by_author).expect_err("two are asked for");
                println!("{now} {refusal}");
                rollout.handle_approval(now, wall, Approval { hash: difference, by: "bob".parse()? })?;
            }
            Phase::Progressing | Phase::RolledBack | Phase::RollingBack | Phase::Stopped => {
                let Some(due) = rollout.poll_timeout() else { continue };
                wall = wall + (due - now);
                now = due;
                rollout.handle_timeout(now, wall);
            }
        }
    }
    assert_eq!(rollout.state().completed, Some(revision));
    Ok(())
}
