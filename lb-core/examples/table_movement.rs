//! How many slots move when members change, for each kind of table.
//!
//! Medians over key sets (50 unless an argument says otherwise; 1 if built
//! without optimisation, which only shows that it runs), in per cent of all slots:
//!
//! ```text
//! cargo run --release -p lb-core --example table_movement [KEY SETS]
//! ```
//!
//! A key set is one hash key and one set of endpoints. The first table changes
//! one member of many; the second repeats Figure 12 of the Maglev paper
//! (remove k of 1,000), whose own population moves about twice as much.

use std::net::Ipv4Addr;

use lb_core::table::{Member, Table, TableKind};
use lb_core::{Endpoint, Family, HashKey, Weight};

const MAGLEV: TableKind = TableKind::Maglev { size: 65_537 };
const RENDEZVOUS: TableKind = TableKind::Rendezvous { size: 65_537 };
const RING: TableKind = TableKind::Ring { points: 2 };
const KERNEL: TableKind = TableKind::IpvsMh { size: 65_521, family: Family::V4 };
const KERNEL_DEFAULT: TableKind = TableKind::IpvsMh { size: 4_093, family: Family::V4 };
/// Key sets where no argument says how many.
const KEY_SETS: u32 = if cfg!(debug_assertions) { 1 } else { 50 };

fn main() {
    let key_sets = std::env::args().nth(1).and_then(|argument| argument.parse().ok()).unwrap_or(KEY_SETS);
    println!("one of N members of weight 100: slots moved, % of all (median of {key_sets} key sets)\n");
    println!(
        "{:30} {:>5} {:>9} {:>7} {:>7} {:>7} {:>7} {:>9}",
        "", "N", "removed", "-> 99", "-> 50", "-> 200", "added", "off quota"
    );
    for members in [10, 100, 1_000] {
        for kind in [MAGLEV, RENDEZVOUS, RING, KERNEL, KERNEL_DEFAULT] {
            if kind != MAGLEV && members > 100 {
                continue;
            }
            one_of(kind, members, key_sets);
        }
        let ideal = |share: f64| 100.0 * share / f64::from(members);
        println!("{:30} {members:>5} {:>9.3}\n", "(every table: own share)", ideal(1.0));
    }
    println!("k of 1,000 members removed, maglev with 65,537 slots: changed (of which needless), %\n");
    for removed in [1, 5, 10, 20, 50] {
        let changes = (0..key_sets).map(|set| {
            let before = members_of(set, 1_000);
            let after: Vec<Member> = before
                .iter()
                .enumerate()
                .filter(|(place, _)| place * 7 % 1_000 >= removed)
                .map(|(_, member)| *member)
                .collect();
            compare(MAGLEV, set, &before, &after)
        });
        let (moved, needless): (Vec<f64>, Vec<f64>) =
            changes.map(|change| (change.moved, change.needless)).unzip();
        println!("k = {removed:<3} {:6.3} ({:.3})", median(moved), median(needless));
    }
    println!("\none of N removed, maglev with 65,537 slots: changed, %\n");
    for members in [3, 10, 100, 500] {
        let changes = (0..key_sets).map(|set| {
            let before = members_of(set, members);
            compare(MAGLEV, set, &before, &before[1..]).moved
        });
        println!(
            "N = {members:<4} {:6.3} (ideal {:.3})",
            median(changes.collect()),
            100.0 / f64::from(members)
        );
    }
}

/// Slots that moved, in per cent of all.
struct Change {
    moved: f64,
    /// Neither from nor to a member that left, joined or changed its weight.
    needless: f64,
}

fn one_of(kind: TableKind, count: u32, key_sets: u32) {
    let changed = |weight: u16| {
        let change = |set| {
            let before = members_of(set, count);
            let mut after = before.clone();
            after[(set as usize * 7) % count as usize].weight = Weight(weight);
            compare(kind, set, &before, &after).moved
        };
        median((0..key_sets).map(change).collect())
    };
    let needless = |change: &dyn Fn(&mut Vec<Member>, u32)| {
        let change = |set| {
            let before = members_of(set, count);
            let mut after = before.clone();
            change(&mut after, set);
            compare(kind, set, &before, &after).needless
        };
        median((0..key_sets).map(change).collect())
    };
    let removed = needless(&|members, set| {
        members.remove((set as usize * 7) % count as usize);
    });
    let added = needless(&|members, set| members.push(member(set, count)));
    let off = (0..key_sets.min(10)).map(|set| off_quota(kind, set, count)).max().unwrap_or(0);
    println!(
        "{:30} {count:>5} {:>9} {:7.3} {:7.3} {:7.3} {:>7} {off:>9}",
        format!("{kind:?}"),
        format!("+{removed:.3}"),
        changed(99),
        changed(50),
        changed(200),
        format!("+{added:.3}"),
    );
}

/// The farthest that any member's slots are from its quota.
fn off_quota(kind: TableKind, set: u32, count: u32) -> u32 {
    let table = build(kind, set, &members_of(set, count));
    let quotas = lb_core::table::quota::quotas(table.slots().len() as u32, table.members());
    table.slot_counts().into_iter().zip(quotas).map(|(slots, quota)| slots.abs_diff(quota)).max().unwrap_or(0)
}

fn compare(kind: TableKind, set: u32, before: &[Member], after: &[Member]) -> Change {
    let (old, new) = (build(kind, set, before), build(kind, set, after));
    let holder = |table: &Table, slot: usize| table.members()[usize::from(table.slots()[slot])];
    let stays = |member: Member| before.contains(&member) && after.contains(&member);
    let moves: Vec<(Member, Member)> = (0..old.slots().len())
        .map(|slot| (holder(&old, slot), holder(&new, slot)))
        .filter(|(from, to)| from.endpoint != to.endpoint)
        .collect();
    let needless = moves.iter().filter(|(from, to)| stays(*from) && stays(*to)).count();
    let percent = |slots: usize| 100.0 * slots as f64 / old.slots().len() as f64;
    Change { moved: percent(moves.len()), needless: percent(needless) }
}

fn build(kind: TableKind, set: u32, members: &[Member]) -> Table {
    let mut key = [0; 16];
    key[..4].copy_from_slice(&set.to_be_bytes());
    Table::build(kind, &HashKey::new(key), members).expect("the members fit")
}

fn members_of(set: u32, count: u32) -> Vec<Member> {
    (0..count).map(|place| member(set, place)).collect()
}

fn member(set: u32, place: u32) -> Member {
    let address = Ipv4Addr::from(0x0a00_0000 + set * 65_536 + place * 3);
    Member::new(Endpoint::new(address.into(), 443), Weight(100))
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    if values.len() % 2 == 1 { values[middle] } else { f64::midpoint(values[middle - 1], values[middle]) }
}
