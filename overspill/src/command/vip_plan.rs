//! `vip-plan POOLS CLAIMS`: the planner of addresses by itself.

use std::io::{self, Write};
use std::time::{SystemTime, UNIX_EPOCH};

use comfy_table::CellAlignment::{Left, Right};
use mesh_model::fleet::Fleet;
use mesh_model::time::WallTime;
use mesh_model::vip::{Asked, ClaimsFile, Records, Unclaimed, VipPlan, plan};

use super::{Stop, checked, read_apart};
use crate::cli::{self, Kind};
use crate::numbers::{counted, grouped};
use crate::objects::Objects;
use crate::output::{Format, Output, lines, table, wrapped};
use crate::progress::Progress;
use files::{Fault, Source};

/// What is claimed, what is recorded, and what becomes of what nobody claims.
pub(super) type Claims<'a> = (Vec<Asked<'a>>, Records, Unclaimed);

pub(super) fn run(arguments: &cli::VipPlan, out: &mut Output) -> Result<(), Stop> {
    read_apart(("POOLS", &arguments.pools), [("CLAIMS", arguments.claims.as_path())])?;
    let planning = Progress::new(0, "{spinner} planning, {elapsed}");
    let objects = Objects::read([arguments.pools.as_path()]).map_err(Stop::Faults)?;
    if objects.pools.is_empty() {
        let file = arguments.pools.display();
        return Err(Stop::Usage(format!("no VipPool is in {file}; name the file of the pools")));
    }
    let fleet = objects.fleet()?;
    let source = Source::read(&arguments.claims)?;
    let (asked, records, unclaimed) = claims(&source, &fleet)?;
    let now = arguments.now.unwrap_or_else(now);
    let plan = plan(objects.pools, asked, records, unclaimed, now);
    drop(planning);
    match out.format() {
        Format::Json => out.json(&plan)?,
        Format::Text => show(&plan, out)?,
    }
    if plan.refused.is_empty() && plan.held_back.is_empty() { Ok(()) } else { Err(Stop::AnswerIsNo) }
}

/// Reads a file of claims completely; targets are looked up if the fleet has a cluster.
pub(super) fn claims<'a>(source: &Source, fleet: &'a Fleet) -> Result<Claims<'a>, Fault> {
    checked(source, Kind::Claims, |file: ClaimsFile| {
        let asked = file.claims(fleet)?;
        Ok((asked, file.records(), file.unclaimed()))
    })
}

/// The clock's date; one before 1970 is 1970.
pub(super) fn now() -> WallTime {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    WallTime::from_unix_seconds(i64::try_from(since.as_secs()).unwrap_or(i64::MAX))
}

fn show(plan: &VipPlan, out: &mut Output) -> io::Result<()> {
    if !plan.assigned.is_empty() {
        let mut assigned = table(&[("OWNER", Left), ("POOL", Left), ("ADDRESSES", Left), ("", Left)]);
        for one in &plan.assigned {
            let addresses: Vec<String> = one.addresses.iter().map(ToString::to_string).collect();
            let new = if one.is_new { "new" } else { "" };
            assigned.add_row([
                one.owner.to_string(),
                one.pool.to_string(),
                addresses.join(" "),
                new.to_owned(),
            ]);
        }
        writeln!(out, "{}", lines(&assigned))?;
    }
    if !plan.released.is_empty() {
        let mut released =
            table(&[("RESTS UNTIL", Left), ("POOL", Left), ("ADDRESSES", Left), ("WAS OF", Left)]);
        for one in &plan.released {
            let addresses: Vec<String> = one.held.addresses.iter().map(ToString::to_string).collect();
            released.add_row([
                one.until.to_string(),
                one.held.pool.to_string(),
                addresses.join(" "),
                one.held.owner.to_string(),
            ]);
        }
        writeln!(out, "{}", lines(&released))?;
    }
    let mut pools = table(&[("POOL", Left), ("HELD", Right), ("RESTING", Right)]);
    for one in &plan.pools {
        pools.add_row([one.pool.to_string(), grouped(one.held as u64), grouped(one.resting as u64)]);
    }
    writeln!(out, "{}", lines(&pools))?;
    let new = plan.assigned.iter().filter(|one| one.is_new).count();
    let (kept, refused) = (plan.assigned.len() - new, plan.refused.len());
    writeln!(
        out,
        "{} new, {} kept, {} refused",
        grouped(new as u64),
        grouped(kept as u64),
        grouped(refused as u64)
    )?;
    for one in &plan.refused {
        write!(out, "{}", wrapped(&format!("refused: {}: {}", one.owner, one.reason), ""))?;
    }
    held_back(plan, out)?;
    plan.problems
        .iter()
        .try_for_each(|problem| write!(out, "{}", wrapped(&format!("warning: {problem}"), "")))
}

fn held_back(plan: &VipPlan, out: &mut Output) -> io::Result<()> {
    let (Some(hash), false) = (plan.hash, plan.held_back.is_empty()) else { return Ok(()) };
    let held = counted(plan.held_back.len(), "release");
    let told = format!("held back: {held}, more than maxReleases of the pool lets go without an approval:");
    write!(out, "{}", wrapped(&told, ""))?;
    for release in &plan.held_back {
        let addresses: Vec<String> = release.addresses.iter().map(ToString::to_string).collect();
        writeln!(out, "  {} of {}", addresses.join(" "), release.owner)?;
    }
    writeln!(out, "these releases, and no others, are approved by this line in CLAIMS:")?;
    writeln!(out, "  approved: {hash}")
}
