//! How large checkout's gateways become in an unscoped mesh of 8,000 services, and scoped.
//!
//! `cargo run -p mesh-model --example footprint`
#![allow(clippy::disallowed_macros, reason = "an example talks to people")]

use std::error::Error;

use mesh_model::api::PlacementLevel;
use mesh_model::footprint::{NamespaceSpec, ServiceSpec, Services, ServicesFile, predict};
use mesh_model::render::render_steered;
use mesh_model::template::Schemas;
use mesh_model::visibility::{Export, ExportTo, Uses, smallest};

#[path = "support/checkout.rs"]
mod checkout;

fn main() -> Result<(), Box<dyn Error>> {
    let fleet = checkout::fleet()?;
    let access_point = checkout::access_point()?;
    let target = fleet.target(PlacementLevel::Cluster, "slc-a-1").ok_or("the example has this cluster")?;
    let rendering = render_steered(&access_point, &target, &fleet, &Schemas::embedded());

    let mesh = ExportTo::default();
    let uses = Uses { access_points: &[access_point], gateways: None, calls: &[], mesh: &mesh };
    let scopes = smallest(uses);
    for object in scopes.sidecar_objects() {
        println!("{object:#}");
    }
    let egress = scopes.sidecars.into_iter().map(|(namespace, hosts)| {
        let sidecar_egress = Some(hosts.into_iter().collect());
        (namespace, NamespaceSpec { sidecar_egress, ..NamespaceSpec::default() })
    });
    let unscoped = ServicesFile { services: services(8_000, &[])?, ..ServicesFile::default() };
    let scoped = ServicesFile {
        services: services(8_000, &[Export::Own])?,
        namespaces: egress.collect(),
        ..ServicesFile::default()
    };
    for (title, file) in [("unscoped", unscoped), ("scoped", scoped)] {
        let footprint = predict(std::slice::from_ref(&rendering), &Services::try_from(file)?, &fleet);
        println!("{title}: {} services to hide", footprint.hide.len());
        println!("{:#}", serde_json::to_value(&footprint.proxies)?);
    }
    Ok(())
}

/// Services of two ports each, in a hundred namespaces.
fn services(count: usize, export: &[Export]) -> Result<Vec<ServiceSpec>, Box<dyn Error>> {
    let service = |at: usize| {
        Ok(ServiceSpec {
            name: format!("s{at}").parse()?,
            namespace: format!("team-{}", at % 100).parse()?,
            ports: vec![8080, 9090],
            endpoints: None,
            export_to: export.to_vec(),
        })
    };
    (0..count).map(service).collect()
}
