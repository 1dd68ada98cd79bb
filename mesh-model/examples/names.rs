//! Names: the records of a provider, and how long a plan takes over 200,000 of them.
//!
//! ```text
//! access points, targets, health ──> Planner ──> changes, and deletions that wait
//! records of the provider ──────────>
//! ```
//!
//! A target falls ill and its address leaves the record; a list that was read in
//! part would delete what it must not, and waits. Then a provider with 200,000
//! records, of which one changes. The figures are the machine's clock.
//! Run it with `cargo run --release -p mesh-model --example names`.
#![allow(
    clippy::disallowed_macros,
    clippy::disallowed_methods,
    reason = "the crate does no I/O and asks no clock, a program may"
)]

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use mesh_model::labels::{Labels, Selector};
use mesh_model::name::Fqdn;
use mesh_model::names::{Answer, Change, Health, Member, Planner, Record, Wanted, plan};
use mesh_model::provision::NameProvider;
use mesh_model::units::Amount;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let provider = NameProvider {
        name: "corp".parse()?,
        domains: vec!["example.com".parse()?],
        owner: "fleet-1".parse()?,
        max_deletions: Amount::Share("10%".parse()?),
        namespaces: None,
        selector: Selector::default(),
        reservations: BTreeMap::new(),
        min_healthy: "50%".parse()?,
    };
    leave_a_name(&provider)?;

    for names in [5_000_usize, 50_000] {
        let all: Vec<Wanted> =
            (0..names).map(|number| wanted(number, Health::Healthy)).collect::<Result<_, _>>()?;
        let created = plan(&all, &[], &provider, None);
        let records: Vec<Record> = created.changes.into_iter().filter_map(created_record).collect();
        let count = records.len();
        let start = Instant::now();
        let mut planner = Planner::new(provider.clone(), records);
        for one in all {
            planner.handle_wanted(&one.name.clone(), vec![one]);
        }
        assert!(planner.plan(None).changes.is_empty(), "all is as it should be");
        let whole = start.elapsed();

        let changed = wanted(names / 2, Health::Unhealthy)?;
        let start = Instant::now();
        planner.handle_wanted(&changed.name.clone(), vec![changed]);
        let changes = planner.plan(None).changes.len();
        println!(
            "{count} records: read and planned in {whole:.1?}, one name changed ({changes} changes) in {:.1?}",
            start.elapsed()
        );
        assert_eq!(changes, 4, "two records and their marks");
    }
    Ok(())
}

fn leave_a_name(provider: &NameProvider) -> Result<(), Box<dyn std::error::Error>> {
    let healthy = plan(&[wanted(1, Health::Healthy)?], &[], provider, None);
    let records: Vec<Record> = healthy.changes.into_iter().filter_map(created_record).collect();
    let ill = plan(&[wanted(1, Health::Unhealthy)?], &records, provider, None);
    for change in &ill.changes {
        if let Change::Update { old, record } = change {
            println!("{} {}: {:?} -> {:?}", record.name, record.kind, old.values, record.values);
        }
    }
    let nothing = plan(&[], &records, provider, None);
    println!(
        "{} deletions wait for the approval of {:?}",
        nothing.held_back.len(),
        nothing.hash.map(|hash| hash.to_string())
    );
    assert!(nothing.changes.is_empty() && !nothing.held_back.is_empty());
    Ok(())
}

/// A name on two targets in two families, which is four records with the marks; the second target is as told.
fn wanted(number: usize, second: Health) -> Result<Wanted, Box<dyn std::error::Error>> {
    let name: Fqdn = format!("app-{number}.example.com").parse()?;
    let member = |target: &str, last: usize, health: Health| -> Result<Member, Box<dyn std::error::Error>> {
        let (high, low) = (number / 250, number % 250);
        let addresses = vec![
            format!("10.{last}.{high}.{low}").parse()?,
            format!("2001:db8::{last}:{high}:{low}").parse()?,
        ];
        let owner = format!("team/app-{number}@{target}").parse()?;
        Ok(Member { owner, addresses, weight: 1, health, is_drained: false })
    };
    let members = vec![member("slc-a", 1, Health::Healthy)?, member("phx-a", 2, second)?];
    Ok(Wanted { name, ttl: Duration::from_secs(30), labels: Labels::new(), answer: Answer::Members(members) })
}

fn created_record(change: Change) -> Option<Record> {
    match change {
        Change::Create { record } => Some(record),
        Change::Delete { .. } | Change::Update { .. } => None,
    }
}
