//! What a node writes to its kernel as backends come and go, and what that moves.
//!
//! ```text
//! configuration, health's offers --desired--> Desired --+
//!                                                       +--plan--> commands --> kernel
//! kernel --dump--> Observed ----------------------------+
//! ```
//!
//! The kernel here is the model; a real one is asked by `lb-netlink`.
//!
//! Run with `cargo run -p lb-core --example ipvs`.

use std::error::Error;

use lb_core::Weight;
use lb_core::config::{BackendState, Config, LbFile};
use lb_core::health::Offer;
use lb_core::ipvs::{Desired, Grain, Kernel, Ownership, Repair, desired, plan};

const FILE: &str = r#"
services:
  - vip: 203.0.113.10
    port: 443
    protocol: tcp
    scheduler: { kind: ipvs-mh, port: true, fallback: true }
    backends:
      - { address: 10.1.0.5, weight: 100 }
      - { address: 10.1.0.6, weight: 100 }
      - { address: 10.1.0.7, weight: 100 }
"#;

fn main() -> Result<(), Box<dyn Error>> {
    use BackendState::{Active, Down, Drain};
    let config = Config::try_from(serde_saphyr::from_str::<LbFile>(FILE)?)?;
    let service = &config.services[0];
    let ours = Ownership { prefixes: vec!["203.0.113.0/24".parse()?], marks: None };
    let mut kernel = Kernel::default();
    for (what, grain, offers) in [
        ("start", Grain::Whole, [(Active, 100), (Active, 100), (Active, 100)]),
        ("restart", Grain::Whole, [(Active, 100), (Active, 100), (Active, 100)]),
        ("10.1.0.6 drains", Grain::Whole, [(Active, 100), (Drain, 100), (Active, 100)]),
        ("10.1.0.6 is down", Grain::Whole, [(Active, 100), (Down, 100), (Active, 100)]),
        (
            "10.1.0.6 is back: the order is repaired",
            Grain::Whole,
            [(Active, 100), (Active, 100), (Active, 100)],
        ),
        ("a slow start is configured: units", Grain::Fine, [(Active, 100), (Active, 100), (Active, 100)]),
        ("10.1.0.7 at half its weight", Grain::Fine, [(Active, 100), (Active, 100), (Active, 50)]),
    ] {
        let offers = offers.map(|(traffic, weight)| Offer { traffic, weight: Weight(weight) });
        let (key, wanted) = desired(service, &offers, grain)?;
        let slots = |kernel: &Kernel| -> Result<Vec<_>, Box<dyn Error>> {
            let slots = kernel.slots(&key)?.unwrap_or_default();
            Ok(slots.into_iter().map(|holder| holder.map(|endpoint| endpoint.address)).collect())
        };
        let before = slots(&kernel)?;
        let wanted = Desired { services: [(key, wanted)].into() };
        let commands = plan(&kernel.observed(), &wanted, &ours, Repair::Now).commands;
        for command in &commands {
            kernel.apply(command)?;
        }
        let after = slots(&kernel)?;
        let moved = before.iter().zip(&after).filter(|(before, after)| before != after).count();
        println!("{what}: {} writes, {moved} of {} slots of the table moved", commands.len(), after.len());
        for command in commands.iter().take(7) {
            println!("    {command}");
        }
    }
    Ok(())
}
