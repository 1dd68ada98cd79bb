//! A Service from its first address to its last: claim, load balancing, status, withdrawal.
//!
//! ```text
//!  Service ──> claim ──> allocator ──> LB services ──> status
//!     └─ deleted: name ──(30 s)──> address ──> finalizer
//! ```
//!
//! Kubernetes, the name server and the load balancers are this program.
//! Run it with `cargo run -p mesh-model --example service`.
#![allow(clippy::disallowed_macros, reason = "the crate does no I/O, a program may")]

use std::collections::BTreeSet;
use std::error::Error;
use std::time::Duration;

use mesh_model::names::DrainTransmit;
use mesh_model::provision::VipPool;
use mesh_model::service::{LbServices, Observed, Settings, Withdrawals, claims, configure, publish};
use mesh_model::time::{Time, WallTime};
use mesh_model::vip::{Allocator, Records};
use serde_json::json;

fn main() -> Result<(), Box<dyn Error>> {
    let (target, settings) = ("slc-a-1".parse()?, Settings::default());
    let wall: WallTime = "2026-11-26T09:00:00Z".parse()?;
    let pool: mesh_model::api::VipPool = serde_saphyr::from_str(
        "{ apiVersion: overspill.dev/v1alpha1, kind: VipPool, metadata: { name: public }, spec: { addresses: [203.0.113.0/24] } }",
    )?;
    let (mut allocator, _) = Allocator::new(vec![VipPool::try_from(pool)?], Records::default());

    let mut service = json!({ "apiVersion": "v1", "kind": "Service", "metadata": { "name": "dns", "namespace": "core" },
        "spec": { "type": "LoadBalancer", "ports": [{ "port": 53, "protocol": "UDP" }] } });
    let slices = [
        json!({ "metadata": { "namespace": "core", "labels": { "kubernetes.io/service-name": "dns" } },
        "ports": [{ "port": 53 }], "endpoints": [
            { "addresses": ["10.1.0.5"], "conditions": { "ready": true } },
            { "addresses": ["10.1.0.6"], "conditions": { "ready": false, "serving": true, "terminating": true } },
        ] }),
    ];
    let services = [service.clone()];
    let observed = Observed {
        target: &target,
        access_points: Some(&[]),
        services: Some(&services),
        slices: Some(&slices),
        pods: None,
        nodes: None,
        gateways: Some(&[]),
    };
    let asked = claims(&observed, &settings);
    let held = allocator.claim(wall, &asked.claims[0], &[])?;
    let plan =
        configure(&asked, std::slice::from_ref(&held), &observed, &settings, &LbServices::new(), |_| false);
    println!("load balancers: {:#}", plan.file());
    while let Some(command) = publish(&service, &settings, Some(&held.addresses), None)? {
        println!("write: {}", serde_json::to_string(&command)?);
        match command {
            mesh_model::service::ServiceCommand::SetFinalizers { finalizers, .. } => {
                service["metadata"]["finalizers"] = json!(finalizers);
            }
            mesh_model::service::ServiceCommand::SetIngress { ingress, .. } => {
                service["status"] = json!({ "loadBalancer": { "ingress": ingress } });
            }
        }
    }

    let mut now = Time::ZERO;
    let mut withdrawals = Withdrawals::default();
    withdrawals.handle_wanted(now, &[held.owner.clone()].into(), true);
    withdrawals.handle_published(now, &held.owner, Some(Duration::from_secs(30)));
    withdrawals.handle_wanted(now, &BTreeSet::new(), true);
    loop {
        while let Some(step) = withdrawals.poll_transmit() {
            println!("{now}: {:?} of {}", step.what, step.key);
            match step.what {
                DrainTransmit::WithdrawNames => withdrawals.handle_published(now, &step.key, None),
                DrainTransmit::WithdrawVip => withdrawals.handle_vip(now, &step.key, false),
                DrainTransmit::AnnounceVip | DrainTransmit::PublishNames => {
                    unreachable!("it does not come back")
                }
            }
        }
        let Some(next) = withdrawals.poll_timeout() else { break };
        now = next;
        withdrawals.handle_timeout(now);
    }
    for key in withdrawals.gone() {
        println!("{now}: released {} of {key}", allocator.release(wall, key).len());
    }
    Ok(())
}
