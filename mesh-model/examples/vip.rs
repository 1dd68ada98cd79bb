//! Virtual addresses: who has which, and how long it takes to say so for a large fleet.
//!
//! ```text
//! claims ──> Allocator ──> addresses, or why there are none
//! records of holders ──> (there is no allocator without them)
//! ```
//!
//! A team gets an address, leaves, comes back; a restart in between changes
//! nothing. Then 1,000 access points x 100 targets are planned from nothing, and
//! again with one claim more. The clock is a number that this program sets, and
//! the machine's for the figures.
//! Run it with `cargo run --release -p mesh-model --example vip`.
#![allow(
    clippy::disallowed_macros,
    clippy::disallowed_methods,
    reason = "the crate does no I/O and asks no clock, a program may"
)]

use std::collections::BTreeSet;
use std::time::Instant;

use mesh_model::access_point::{Sharing, VipRequest};
use mesh_model::api::{self, VipScope};
use mesh_model::provision::VipPool;
use mesh_model::time::WallTime;
use mesh_model::vip::{Allocator, Asked, Claim, Records, Refusal, Unclaimed, plan};

const POOL: &str = "
apiVersion: overspill.dev/v1alpha1
kind: VipPool
metadata: { name: inside }
spec: { addresses: [10.0.0.0/8, '2001:db8::/64'], quarantine: 10m }
";

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let pool = VipPool::try_from(serde_saphyr::from_str::<api::VipPool>(POOL)?)?;
    let now = WallTime::from_unix_seconds(1_800_000_000);
    keep_and_release(&pool, now)?;

    for access_points in [100, 1_000] {
        let claims: Vec<Asked<'_>> = (0..access_points * 100)
            .map(|number| Asked {
                claim: claim(&format!("team/app-{}@cluster-{}", number / 100, number % 100)),
                targets: Vec::new(),
            })
            .collect();
        let start = Instant::now();
        let first = plan(vec![pool.clone()], claims.clone(), Records::default(), Unclaimed::Keep, now);
        let from_nothing = start.elapsed();
        assert_eq!((first.assigned.len(), first.refused.len()), (claims.len(), 0));

        let (mut allocator, _) = Allocator::new(vec![pool.clone()], Records::default());
        for asked in &claims {
            allocator.claim(now, &asked.claim, &[])?;
        }
        let records = allocator.records();
        let start = Instant::now();
        let (mut allocator, problems) = Allocator::new(vec![pool.clone()], records);
        let replayed = start.elapsed();
        assert!(problems.is_empty());
        let start = Instant::now();
        let one = allocator.claim(now, &claim("late/app"), &[])?;
        println!(
            "{} claims: planned in {from_nothing:.1?}, replayed in {replayed:.1?}, one more ({}) in {:.1?}",
            claims.len(),
            one.addresses[0],
            start.elapsed(),
        );
    }
    Ok(())
}

fn keep_and_release(pool: &VipPool, now: WallTime) -> Result<(), Refusal> {
    let (mut allocator, _) = Allocator::new(vec![pool.clone()], Records::default());
    let checkout = claim("payments/checkout");
    let held = allocator.claim(now, &checkout, &[])?;
    println!("{} has {:?}", held.owner, held.addresses);
    allocator.release(now, &checkout.key);

    // a restart: what was written down is read again
    let (mut allocator, _) = Allocator::new(vec![pool.clone()], allocator.records());
    let other = allocator.claim(now, &claim("search/web"), &[])?;
    assert_ne!(other.addresses, held.addresses, "the first one's addresses rest");
    assert_eq!(allocator.claim(now, &checkout, &[])?, held, "and come back to their owner");
    Ok(())
}

fn claim(key: &str) -> Claim {
    let key: mesh_model::vip::ClaimKey = key.parse().expect("a key by its letters");
    let request = VipRequest {
        pool: None,
        scope: if key.target.is_some() { VipScope::Target } else { VipScope::All },
        sharing: Sharing::Exclusive,
        isolation_group: None,
        families: Vec::new(),
        addresses: Vec::new(),
    };
    let ports = BTreeSet::from(["443/tcp".parse().expect("a port by its letters")]);
    Claim { key, request, ports, labels: std::collections::BTreeMap::new() }
}
