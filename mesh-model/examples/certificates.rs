//! Certificates: hosts in, orders out; one host fails and holds nobody else.
//!
//! ```text
//! hosts of Gateways ──> Certificates ──order──> authority
//!                            ^   └──store, push──> secrets, gateways
//!                            └── results, dates
//! ```
//!
//! A thousand hosts, of which one cannot be proved to be ours: it is split off,
//! the others are served. The authority, the store and the gateways are this
//! program; the clock is a number that it sets.
//! Run it with `cargo run -p mesh-model --example certificates`.
#![allow(clippy::disallowed_macros, reason = "the crate does no I/O, a program may")]

use std::collections::BTreeSet;
use std::time::Duration;

use mesh_model::api::CaSpec;
use mesh_model::certificate::{Certificates, Event, Issued, OrderFailure, Transmit};
use mesh_model::name::Fqdn;
use mesh_model::provision::{Authority, Issuer};
use mesh_model::time::{Time, WallTime};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let issuer = Issuer {
        name: "corp".parse()?,
        authority: Authority::Ca(CaSpec { secret: "root".parse()? }),
        lifetime: Duration::from_secs(90 * 86_400),
        max_names: 100,
    };
    let (now, wall): (Time, WallTime) = (Time::ZERO, "2026-11-26T00:00:00Z".parse()?);
    let hosts: BTreeSet<Fqdn> =
        (0..1_000).map(|number| format!("host-{number}.example.com").parse()).collect::<Result<_, _>>()?;
    let lost: Fqdn = "host-500.example.com".parse()?;

    let mut certificates = Certificates::new(&issuer, 7, Vec::new());
    certificates.handle_desired(now, wall, &hosts);
    let mut orders = 0;
    while let Some(transmit) = certificates.poll_transmit() {
        match transmit {
            Transmit::Order { id, hosts } => {
                orders += 1;
                let result = if hosts.contains(&lost) {
                    Err(OrderFailure::Hosts { failed: [(lost.clone(), "no such record".to_owned())].into() })
                } else {
                    let not_after = wall + issuer.lifetime;
                    Ok(Issued { hosts, serial: format!("{orders:x}"), not_before: wall, not_after })
                };
                certificates.handle_order_result(now, wall, id, result);
            }
            Transmit::Store { id, issued } => certificates.handle_stored(now, wall, id, &issued.serial),
            Transmit::Push { id, serial } => certificates.handle_pushed(now, wall, id, &serial),
            Transmit::Delete { .. } | Transmit::Revoke { .. } => unreachable!("nothing was there before"),
        }
        while let Some(event) = certificates.poll_event() {
            if let Event::OrderFailed { id, failure } = event {
                println!("{id}: {failure}");
            }
        }
    }
    let served = hosts.iter().filter(|host| certificates.serving(wall, host).is_some()).count();
    println!("{orders} orders, {served} of {} hosts are served", hosts.len());
    assert_eq!((orders, served), (11, 999));
    println!(
        "the next look is at {}",
        certificates.poll_timeout().ok_or("it waits for the one that failed")?
    );
    Ok(())
}
