//! What `traffic: { local: 99%, remote: 1% }` becomes, and what it means as home fails.
//!
//! `cargo run -p mesh-model --example traffic`
#![allow(clippy::disallowed_macros, reason = "an example talks to people")]

use std::collections::BTreeMap;
use std::error::Error;

use mesh_model::access_point::AccessPoint;
use mesh_model::api::{FederatedAccessPoint, PlacementLevel};
use mesh_model::fleet::Fleet;
use mesh_model::name::Name;
use mesh_model::render::render_steered;
use mesh_model::template::Schemas;
use mesh_model::traffic::{Loads, RegionState, drain_check, local_share, region_loads};
use mesh_model::units::Rate;

const FLEET: &str = include_str!("../../examples/checkout/fleet.yaml");
const ACCESS_POINT: &str = include_str!("../../examples/checkout/access-point.yaml");

fn main() -> Result<(), Box<dyn Error>> {
    let access_point: FederatedAccessPoint = serde_saphyr::from_str(ACCESS_POINT)?;
    let access_point = AccessPoint::try_from(access_point)?;
    let traffic = access_point.traffic.as_ref().ok_or("the example has a policy of traffic")?;
    let calm = fleet(false)?;
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

    let drained = fleet(true)?;
    for each in [3_000, 14_000] {
        let loads: Loads =
            drained.clusters().map(|cluster| (cluster.name.clone(), Rate::per_second(each))).collect();
        match drain_check(&drained, &loads) {
            Ok(()) => println!("slc-a can be drained at {each}/s in each cluster"),
            Err(overload) => println!("slc-a cannot be drained at {each}/s in each cluster: {overload}"),
        }
    }
    Ok(())
}

/// The example's fleet, with or without zone slc-a.
fn fleet(drain: bool) -> Result<Fleet, Box<dyn Error>> {
    let (mut zones, mut clusters) = (Vec::new(), Vec::new());
    for text in FLEET.split("\n---\n") {
        if text.contains("kind: AvailabilityZone") {
            let mut zone: mesh_model::api::AvailabilityZone = serde_saphyr::from_str(text)?;
            zone.spec.drain = drain && zone.metadata.name == "slc-a";
            zones.push(zone);
        } else if text.contains("kind: Cluster") {
            clusters.push(serde_saphyr::from_str(text)?);
        }
    }
    Ok(Fleet::new(zones, clusters)?)
}

/// Regions of 100 hosts and 1,000 requests per second each; the first is as healthy as said.
fn regions(names: &[Name], healthy: u32) -> BTreeMap<Name, RegionState> {
    let state = |position: usize| RegionState {
        demand: Rate::per_second(1_000),
        hosts: 100,
        healthy: if position == 0 { healthy } else { 100 },
        capacity: None,
    };
    names.iter().enumerate().map(|(position, name)| (name.clone(), state(position))).collect()
}
