//! What `traffic: { local: 99%, remote: 1% }` becomes, and what it means as home fails.
//!
//! `cargo run -p mesh-model --example traffic`
#![allow(clippy::disallowed_macros, reason = "an example talks to people")]

use std::collections::BTreeMap;
use std::error::Error;

use mesh_model::api::PlacementLevel;
use mesh_model::name::Name;
use mesh_model::render::render_steered;
use mesh_model::template::Schemas;
use mesh_model::traffic::{Loads, RegionState, Steered, drain_check, local_share, region_loads};
use mesh_model::units::Rate;

#[path = "support/checkout.rs"]
mod checkout;

fn main() -> Result<(), Box<dyn Error>> {
    let access_point = checkout::access_point()?;
    let traffic = access_point.traffic.as_ref().ok_or("the example has a policy of traffic")?;
    let calm = checkout::fleet()?;
    let target = calm.target(PlacementLevel::Cluster, "slc-a-1").ok_or("the example has this cluster")?;
    let rendering = render_steered(&access_point, &target, &calm, &Schemas::embedded());
    let of = |kind: &str| rendering.objects.iter().find(|object| object["kind"] == kind);
    println!("{:#}", of("VirtualService").ok_or("rendered")?["spec"]["http"][0]["route"]);
    println!("{:#}", of("DestinationRule").ok_or("rendered")?["spec"]["subsets"]);

    println!("healthy at home  share at home  load of a host there  of a host in us-south");
    for healthy in [100, 75, 50, 25, 10, 0] {
        let share = local_share(traffic.local, healthy, 100);
        let loads = region_loads(traffic, &regions(&traffic.regions, healthy));
        let factor = |region: &str| loads.get(region).map_or(0.0, |load| load.factor);
        println!("{healthy:>13} %  {share:>13}  {:>20.2}  {:>21.2}", factor("us-west"), factor("us-south"));
    }

    let drained = checkout::fleet_with(|zone| zone == "slc-a")?;
    for each in [3_000, 14_000] {
        let loads: Loads =
            drained.clusters().map(|cluster| (cluster.name.clone(), Rate::per_second(each))).collect();
        match drain_check(Steered { fleet: &drained, access_points: &[] }, &loads) {
            Ok(()) => println!("slc-a can be drained at {each}/s in each cluster"),
            Err(overload) => println!("slc-a cannot be drained at {each}/s in each cluster: {overload}"),
        }
    }
    Ok(())
}

/// Regions of 100 hosts and 1,000 requests per second each; the first is as healthy as said.
fn regions(names: &[Name], healthy: u32) -> BTreeMap<Name, RegionState> {
    let state = |position: usize| RegionState {
        demand: Rate::per_second(1_000),
        hosts: 100,
        healthy: if position == 0 { healthy } else { 100 },
        capacity: None,
        has_zone_aware: true,
        has_entrances: false,
    };
    names.iter().enumerate().map(|(position, name)| (name.clone(), state(position))).collect()
}
