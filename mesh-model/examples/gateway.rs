//! Checkout's gateway: from its rendered objects to Envoy's configuration, and in which order a proxy gets it.
//!
//! `cargo run -p mesh-model --example gateway`
#![allow(clippy::disallowed_macros, reason = "an example talks to people")]

use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use mesh_model::api::PlacementLevel;
use mesh_model::envoy::{Endpoint, GatewayInput, HostEndpoints, Proxy, configure};
use mesh_model::labels::Labels;
use mesh_model::locality::Locality;
use mesh_model::render::render_steered;
use mesh_model::template::Schemas;
use mesh_model::time::Time;
use mesh_model::xds::{Debounce, Kind, Protocol, Request, Session, Snapshot};

#[path = "support/checkout.rs"]
mod checkout;

fn main() -> Result<(), Box<dyn Error>> {
    let (fleet, access_point) = (checkout::fleet()?, checkout::access_point()?);
    let target = fleet.target(PlacementLevel::Cluster, "slc-a-1").ok_or("the example has this cluster")?;
    let rendering = render_steered(&access_point, &target, &fleet, &Schemas::embedded());

    let endpoint = |address: &str, locality: &str| -> Result<Endpoint, Box<dyn Error>> {
        let locality = Locality::new(locality);
        Ok(Endpoint {
            address: address.parse()?,
            locality,
            labels: Labels::default(),
            weight: 1,
            is_healthy: true,
        })
    };
    let endpoints = [HostEndpoints {
        host: "checkout.payments.svc.cluster.local".to_owned(),
        port: 8080,
        port_name: Some("http".to_owned()),
        app_protocol: None,
        endpoints: vec![
            endpoint("10.20.0.5:8080", "us-west/slc-a")?,
            endpoint("10.40.0.5:8080", "us-south/phx-a")?,
        ],
    }];
    let input = GatewayInput {
        access_point: access_point.id.clone(),
        vips: vec!["203.0.113.10".parse()?],
        objects: &rendering.objects,
        endpoints: &endpoints,
        rate_limit: None,
    };
    // as its pods have them: a Gateway names by them who serves it
    let labels = Labels::from([("istio".to_owned(), "ingressgateway".to_owned())]);
    let namespace = Some("istio-system".parse()?);
    let proxy = Proxy { locality: Locality::new("us-west/slc-a"), labels, namespace, ..Proxy::default() };
    let config = configure(&proxy, &[input]).whole().map_err(|unsupported| format!("{unsupported:#?}"))?;
    for (kind, count) in [
        ("listeners", config.listeners.len()),
        ("routes", config.routes.len()),
        ("clusters", config.clusters.len()),
        ("endpoints", config.endpoints.len()),
        ("secrets", config.secrets.len()),
    ] {
        println!("{count:>3} {kind}");
    }

    // A proxy asks in this order; what it gets refers only to what it has.
    let debounce = Debounce { quiet: Duration::from_millis(100), most: Duration::from_secs(10) };
    let mut session = Session::new(Protocol::Delta, debounce);
    session.handle_snapshot(Time::ZERO, Arc::new(Snapshot::new(&config, [])));
    for kind in [Kind::Cluster, Kind::Endpoints, Kind::Listener, Kind::Route] {
        let mut first = Request::first(kind);
        first.subscribe = match kind {
            Kind::Route => config.routes.keys().cloned().collect(),
            Kind::Endpoints => config.endpoints.keys().cloned().collect(),
            Kind::Cluster | Kind::Listener | Kind::Secret => Vec::new(),
        };
        session.handle_request(Time::ZERO, first);
    }
    while let Some(response) = session.poll_transmit() {
        println!("sent {:?}: {} resources", response.kind, response.resources.len());
        session.handle_request(Time::ZERO, Request::acknowledges(&response));
    }
    Ok(())
}
