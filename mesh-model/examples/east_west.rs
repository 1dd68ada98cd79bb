//! Calls between zones: what each cluster of two zones is to have, and what it costs their gateways.
//!
//! ```text
//!  zone slc-a: slc-a-1 (primary), slc-a-2       zone lvs-a: lvs-a-1 (primary)
//!       cart in both ── 198.51.100.2:15443 ──────────> cart
//!       cart        <────────────── 198.51.100.1:15443 ── cart
//! ```
//!
//! Run it with `cargo run -p mesh-model --example east_west`.
#![allow(clippy::disallowed_macros, reason = "the crate does no I/O, a program may")]

use std::error::Error;

use mesh_model::eastwest::{ClusterPlan, Exposed, Mesh, Role, plan};
use mesh_model::fleet::Fleet;
use mesh_model::footprint::{Services, ServicesFile, predict};
use mesh_model::render::Rendering;
use serde::de::DeserializeOwned;
use serde_json::json;

fn main() -> Result<(), Box<dyn Error>> {
    let fleet = Fleet::new(
        vec![
            object(
                "AvailabilityZone",
                "slc-a",
                "{ region: us-west, eastWest: { addresses: [198.51.100.1] } }",
            )?,
            object(
                "AvailabilityZone",
                "lvs-a",
                "{ region: us-east, eastWest: { addresses: [198.51.100.2] } }",
            )?,
        ],
        vec![
            object("Cluster", "slc-a-1", "{ zone: slc-a, gateway: true }")?,
            object("Cluster", "slc-a-2", "{ zone: slc-a }")?,
            object("Cluster", "lvs-a-1", "{ zone: lvs-a, gateway: true }")?,
        ],
    )?;
    let cart = json!({ "apiVersion": "v1", "kind": "Service", "metadata": { "name": "cart", "namespace": "shop" },
        "spec": { "ports": [{ "name": "http", "port": 80 }], "selector": { "app": "cart" } } });
    let on = |target: &str| -> Result<Rendering, Box<dyn Error>> {
        Ok(Rendering { target: target.parse()?, objects: vec![cart.clone()], errors: vec![], trace: vec![] })
    };
    let mut renderings = vec![on("slc-a-1")?, on("slc-a-2")?, on("lvs-a-1")?];

    let east_west = plan(&fleet, &Mesh::default(), &Exposed::of(&renderings, &fleet))
        .map_err(|errors| errors.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))?;
    for cluster in &east_west.clusters {
        print(cluster);
    }

    renderings.extend(east_west.renderings());
    let services = Services::try_from(ServicesFile::default())?;
    for proxy in predict(&renderings, &services, &fleet).proxies.iter().filter(|proxy| proxy.east_west) {
        let counts = proxy.counts;
        println!(
            "{}: the gateway holds {} clusters, {} of them to pass TLS on",
            proxy.cluster, counts.clusters, counts.passed
        );
    }
    Ok(())
}

fn print(cluster: &ClusterPlan) {
    match &cluster.role {
        Role::Primary { remotes } => {
            println!("{} controls {} and {remotes:?}:", cluster.cluster, cluster.zone)
        }
        Role::Remote { primary, address } => println!("{} asks {primary} at {address}:", cluster.cluster),
    }
    for object in &cluster.objects {
        println!("  {} {}", object["kind"], object["metadata"]["name"]);
        for endpoint in object["spec"]["endpoints"].as_array().into_iter().flatten() {
            println!("    {} in {}", endpoint["address"], endpoint["locality"]);
        }
    }
}

fn object<T: DeserializeOwned>(kind: &str, name: &str, spec: &str) -> Result<T, serde_saphyr::Error> {
    serde_saphyr::from_str(&format!(
        "{{ apiVersion: overspill.dev/v1alpha1, kind: {kind}, metadata: {{ name: {name} }}, spec: {spec} }}"
    ))
}
