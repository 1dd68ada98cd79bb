//! Certificates: Gateways in, orders out; one host fails and holds nobody else.
//!
//! ```text
//! Gateways ──> GatewayHosts ──> Certificates ──order, prove──> authority
//!    ^                           ^   │  └──store, push──> secrets, gateways
//!    └───── lacking, divide ─────│───┘
//!                                └── results, dates
//! ```
//!
//! A Gateway of ten servers, each with a credential of its own for a hundred
//! hosts; one of the thousand cannot be proved to be ours. The others of its
//! credential go on without it and the Gateway leaves it out, the other credentials never hear of it. The
//! authority, the store and the gateways are this program; the clock is a number
//! that it sets. Run it with `cargo run -p mesh-model --example certificates`.
#![allow(clippy::disallowed_macros, reason = "the crate does no I/O, a program may")]

use std::time::Duration;

use mesh_model::access_point::AccessPointId;
use mesh_model::api::CaSpec;
use mesh_model::certificate::{Certificates, Event, GatewayHosts, Issued, OrderFailure, Transmit};
use mesh_model::name::Fqdn;
use mesh_model::patch::{Document, Origin, apply};
use mesh_model::provision::{Authority, Issuer};
use mesh_model::time::{Time, WallTime};
use serde_json::{Value, json};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let issuer = Issuer {
        name: "corp".parse()?,
        authority: Authority::Ca(CaSpec { secret: "root".parse()? }),
        lifetime: Duration::from_secs(90 * 86_400),
        max_names: 100,
    };
    let (now, wall): (Time, WallTime) = (Time::ZERO, "2026-11-26T00:00:00Z".parse()?);
    let shop = AccessPointId { namespace: "retail".parse()?, name: "shop".parse()? };
    let mut found = GatewayHosts::default();
    found.add(&shop, &issuer.name, Some(&issuer), [&gateway()]);
    let lost: Fqdn = "host-50.app-5.example.com".parse()?;

    let mut certificates = Certificates::new(7, Vec::new());
    certificates.handle_desired(now, wall, &found.credentials);
    let mut orders = 0;
    while let Some(transmit) = certificates.poll_transmit() {
        match transmit {
            Transmit::Order { credential, issuer: from, hosts } => {
                orders += 1;
                let result = if hosts.contains(&lost) {
                    Err(OrderFailure::Hosts { failed: [(lost.clone(), "no such record".to_owned())].into() })
                } else {
                    let (serial, not_after) = (format!("{orders:x}"), wall + issuer.lifetime);
                    Ok(Issued { issuer: from, hosts, serial, not_before: wall, not_after })
                };
                certificates.handle_order_result(now, wall, &credential, result);
            }
            Transmit::Store { credential, issued } => {
                certificates.handle_stored(now, wall, &credential, &issued.serial);
            }
            Transmit::Push { credential, serial } => {
                certificates.handle_pushed(now, wall, &credential, &serial);
            }
            Transmit::Delete { .. } | Transmit::Prove { .. } | Transmit::Revoke { .. } => {
                unreachable!("nothing was there before, and no time has passed")
            }
        }
        while let Some(event) = certificates.poll_event() {
            if let Event::OrderFailed { credential, failure } = event {
                println!("{credential}: {failure}");
            }
        }
    }
    // the Gateway need not wait: it is used without the host that failed
    let live = GatewayHosts::default();
    assert_eq!(certificates.lacking(wall, &found, &live).count(), 0);
    let mut gateway = Document::new(gateway(), Origin(0));
    let operations = certificates.divide(wall, &shop.namespace, gateway.value()).ok_or("999 are served")?;
    apply(&mut gateway, &operations, Origin(1))?;
    let served = hosts_of(gateway.value());
    println!("{orders} orders; {} hosts are served, {lost} is not", served.len());
    assert_eq!((orders, served.len(), served.contains(&lost.as_str())), (11, 999, false));
    println!(
        "it is tried again, or looked at, at {}",
        certificates.poll_timeout().ok_or("a host has failed")?
    );
    Ok(())
}

fn hosts_of(gateway: &Value) -> Vec<&str> {
    let servers = gateway["spec"]["servers"].as_array().into_iter().flatten();
    servers
        .flat_map(|server| server["hosts"].as_array().into_iter().flatten().filter_map(Value::as_str))
        .collect()
}

fn gateway() -> Value {
    let server = |app: u32| {
        let hosts: Vec<String> = (0..100).map(|host| format!("host-{host}.app-{app}.example.com")).collect();
        json!({
            "port": { "number": 443, "name": format!("https-{app}"), "protocol": "HTTPS" },
            "hosts": hosts,
            "tls": { "mode": "SIMPLE", "credentialName": format!("app-{app}") },
        })
    };
    let servers: Vec<Value> = (0..10).map(server).collect();
    json!({ "kind": "Gateway", "metadata": { "name": "shop" }, "spec": { "servers": servers } })
}
