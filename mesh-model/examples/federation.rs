//! What is written to a cluster: what is new, what somebody changed under us, what is somebody else's.
//!
//! `cargo run -p mesh-model --example federation`
#![allow(clippy::disallowed_macros, reason = "an example talks to people")]

use std::error::Error;

use mesh_model::api::PlacementLevel;
use mesh_model::federation::{TargetPlan, WriteCommand, reconcile, withdraw};
use mesh_model::render::render_steered;
use mesh_model::template::Schemas;
use serde_json::{Value, json};

#[path = "support/checkout.rs"]
mod checkout;

fn main() -> Result<(), Box<dyn Error>> {
    let (fleet, access_point) = (checkout::fleet()?, checkout::access_point()?);
    let target = fleet.target(PlacementLevel::Cluster, "slc-a-1").ok_or("the example has this cluster")?;
    let rendering = render_steered(&access_point, &target, &fleet, &Schemas::embedded());
    let id = &access_point.id;

    let first = reconcile(id, &rendering, Some(&[]));
    show("an empty cluster", &first);
    let mut live: Vec<Value> = first.commands.iter().filter_map(written).collect();
    show("the same again", &reconcile(id, &rendering, Some(&live)));
    show("a cluster that cannot be read", &reconcile(id, &rendering, None));

    // The API server gave the Service an address; somebody changed a timeout; somebody else owns a name.
    for object in &mut live {
        match object["kind"].as_str() {
            Some("Service") => object["spec"]["clusterIP"] = json!("10.96.0.7"),
            Some("VirtualService") => object["spec"]["http"][0]["timeout"] = json!("9s"),
            Some("PeerAuthentication") => object["metadata"]["labels"] = json!({ "team": "security" }),
            _ => {}
        }
    }
    show("what others did", &reconcile(id, &rendering, Some(&live)));
    show("the access point is gone", &withdraw(id, &rendering.target, Some(&live)));
    Ok(())
}

fn written(command: &WriteCommand) -> Option<Value> {
    match command {
        WriteCommand::Create { object } | WriteCommand::Update { object } => Some(object.clone()),
        WriteCommand::Delete { .. } => None,
    }
}

fn show(what: &str, plan: &TargetPlan) {
    println!("{what}: {} writes", plan.commands.len());
    for command in &plan.commands {
        match command {
            WriteCommand::Create { object } => println!("  create {}", name(object)),
            WriteCommand::Update { object } => println!("  update {}", name(object)),
            WriteCommand::Delete { object, .. } => println!("  delete {} {}", object.kind, object.name),
        }
    }
    for drift in &plan.drift {
        println!("  drift of {} {} at {}", drift.object.kind, drift.object.name, drift.path);
    }
    for conflict in &plan.conflicts {
        println!("  left alone: {} {}, not ours", conflict.object.kind, conflict.object.name);
    }
}

fn name(object: &Value) -> String {
    format!("{} {}", object["kind"], object["metadata"]["name"]).replace('"', "")
}
