//! The README's figures in one command, in about two minutes:
//! `cargo run --release -p benches --example figures`. Words after `--` choose
//! among the groups: `figures -- path connections`.
//!
//! A time is the best of as many rounds as fit a third of a second: on a busy
//! machine the best is what the code can do, and a ratio to a peer of the same
//! run is worth more than either. What is counted (slots, bytes) is exact. The
//! floors and aims stand here, so that the table says itself what falls short.

use std::time::Duration;

use benches::{Case, Scale, connections, mesh, movement, node, path, queue, simulated, tables};
use lb_core::Family;
use lb_core::table::TableKind;

/// For one case, its preparation not included.
const BUDGET: Duration = Duration::from_millis(350);
/// Key sets of a median.
const SETS: u32 = 50;
const MAGLEV: TableKind = TableKind::Maglev { size: tables::SLOTS };
const RENDEZVOUS: TableKind = TableKind::Rendezvous { size: tables::SLOTS };
/// The kernel's size next to ours.
const IPVS: TableKind = TableKind::IpvsMh { size: 65_521, family: Family::V4 };

/// What is asked of a figure.
#[derive(Clone, Copy)]
enum Goal {
    AtMost { floor: f64, aim: f64 },
    AtLeast { floor: f64, aim: f64 },
    None,
}

fn main() {
    println!("| what | measured | floor | aim | | beside it |");
    println!("|---|--:|--:|--:|---|---|");
    let wanted: Vec<_> = std::env::args().skip(1).collect();
    for (group, rows) in GROUPS {
        if wanted.is_empty() || wanted.iter().any(|name| name == group) {
            rows();
        }
    }
}

/// What may be asked for by name.
const GROUPS: [(&str, fn()); 9] = [
    ("tables", table_times),
    ("movement", table_contract),
    ("connections", connection_figures),
    ("path", path_times),
    ("queue", queue_rates),
    ("simulated", simulated_rate),
    ("node", node_times),
    ("mesh", mesh_times),
    ("growth", mesh_growth),
];

fn simulated_rate() {
    let rate = 1e3 / simulated::CASES[0].best(BUDGET, 100_000);
    row("packets through the simulated path", rate, "M/s", Goal::AtLeast { floor: 2.0, aim: 4.0 }, "");
}

fn node_times() {
    let each = Timing { cases: node::CASES, operations: node::DESTINATIONS, scale: 1.0, unit: "ns" };
    let what = |what| format!("a node of 1,000 x 100, for each destination: {what}");
    each.alone(&what("the kernel's tables from the configuration"), "desired", Goal::None, "");
    each.alone(&what("plan from an empty kernel"), "plan-from-empty", Goal::None, "");
    each.alone(&what("plan when nothing is to do"), "plan-unchanged", Goal::None, "");
    each.alone(&what("a write as netlink"), "encode", Goal::None, "");
    each.alone(&what("a listing from netlink"), "decode", Goal::None, "");
}

fn mesh_times() {
    let ms = Timing { cases: mesh::CASES, operations: 1, scale: 1e-6, unit: "ms" };
    let us = Timing { operations: 100, scale: 1e-3, unit: "us", ..ms };
    ms.alone("render 100 targets x 7 objects, each field explained", "render", at_most(100.0, 20.0), "");
    ms.alone("the same, traffic steered", "render-steered", at_most(200.0, 40.0), "");
    ms.alone("compare two such renderings", "compare", Goal::None, "");
    ms.alone("place an access point in 1,000 clusters", "placement", Goal::None, "");
    us.alone("an object of 100 routes made a document", "document", Goal::None, "");
    us.row("JSON patch of five operations on it, writers noted", "patch", Goal::None);
    us.row("merge patch of three fields, writers noted", "merge", Goal::None);
    us.row("what differs between two objects", "diff", Goal::None);
    ms.alone("lint 10 access points on 26 targets each", "lint", Goal::None, "");
    us.alone("reconcile 100 objects of a target, nothing to do", "reconcile", Goal::None, "");
    us.alone("rollout of 1,000 targets: a report", "rollout-report", at_most(1_000.0, 100.0), "");
    us.alone("rollout of 1,000 targets: a revision", "rollout-revision", at_most(1_000.0, 300.0), "");
    us.alone("status of 1,000 x 100 targets: one change", "status-change", at_most(1_000.0, 10.0), "");
    ms.alone("status of 1,000 x 100 targets: rebuilt", "status-rebuild", at_most(2_000.0, 500.0), "");
    us.alone("200,000 records: one name changes", "names-change", at_most(50_000.0, 100.0), "");
    ms.alone("200,000 records: planned in one call", "names-once", Goal::None, "");
    ms.alone("10,000 claims of addresses: read again", "vip-replay", Goal::None, "");
    ms.alone("10,000 claims of addresses: planned, one is new", "vip-plan", Goal::None, "");
    ms.alone("1,000 hosts: all certificates", "certificates", Goal::None, "");
    us.alone("1,000 hosts: one host more", "certificates-one-more", Goal::None, "");
    let footprint = at_most(1_000.0, 200.0);
    ms.alone("footprint of 10,000 services x 100 gateways", "footprint", footprint, "");
    ms.alone("smallest scopes of 1,000 access points", "visibility", Goal::None, "");
    ms.alone("Envoy's configuration of 1,000 access points", "envoy", Goal::None, "");
    ms.alone("its versions for xDS", "xds-snapshot", Goal::None, "");
    us.alone("xDS: one of 1,000 endpoints' changes pushed", "xds-change", Goal::None, "");
    ms.alone("calls between 9 zones, 8,000 services in 3 of them each", "east-west", Goal::None, "");
    let arithmetic = Goal::AtLeast { floor: 1.0, aim: 2.0 };
    for (what, name, goal) in [
        ("loads of 3 priorities", "locality-loads", arithmetic),
        ("a whole answer over 9 localities", "locality-answer", Goal::None),
    ] {
        let rate = 1e3 / of_name(mesh::CASES, name).best(BUDGET, 10_000);
        row(&format!("locality: {what}"), rate, "M/s", goal, "");
    }
}

/// How much longer ten times as much takes; what is logarithmic hardly does, n log n is 12 to 14 times.
fn mesh_growth() {
    println!("\n| ten times as much of | takes | ten times as much | |");
    println!("|---|--:|--:|---|");
    let rows = [
        ("targets: render", "render", 1),
        ("targets: render, traffic steered", "render-steered", 1),
        ("targets: compare", "compare", 1),
        ("clusters: place", "placement", 1),
        ("routes: made a document", "document", 100),
        ("routes: JSON patch", "patch/overspill", 100),
        ("routes: merge patch", "merge/overspill", 100),
        ("routes: difference", "diff/overspill", 100),
        ("access points: lint", "lint", 1),
        ("objects: reconcile", "reconcile", 10),
        ("targets: a report in a rollout", "rollout-report", 100),
        ("targets: a revision in a rollout", "rollout-revision", 10),
        ("access points: one status changes", "status-change", 1_000),
        ("access points: all statuses", "status-rebuild", 1),
        ("records: one name changes", "names-change", 100),
        ("records: planned in one call", "names-once", 1),
        ("claims: read again", "vip-replay", 1),
        ("claims: planned", "vip-plan", 1),
        ("hosts: all certificates", "certificates", 1),
        ("hosts: one host more", "certificates-one-more", 1),
        ("services: footprint", "footprint", 1),
        ("access points: smallest scopes", "visibility", 1),
        ("access points: Envoy's configuration", "envoy", 1),
        ("access points: versions for xDS", "xds-snapshot", 1),
        ("access points: one change pushed", "xds-change", 100),
        ("services: calls between zones", "east-west", 1),
    ];
    for (what, name, operations) in rows {
        let case = of_name(mesh::CASES, name);
        let [once, tenfold] =
            [Scale::Full, Scale::Tenfold].map(|scale| case.best_at(scale, BUDGET, operations) * 1e-6);
        println!("| {what} | {once:.3} ms | {tenfold:.3} ms | {:.1} x |", tenfold / once);
    }
}

fn table_times() {
    let cases = tables::CASES;
    let build = Timing { cases, operations: 1, scale: 1e-6, unit: "ms" };
    build.row("build, 1,000 backends, 65,537 slots: `maglev`", "build", at_most(1.8, 1.0));
    build.row("after one weight changed: `maglev`", "update", at_most(1.8, 0.3));
    let lookup = Timing { cases, operations: 20_000, scale: 1.0, unit: "ns" };
    lookup.row("hash and look-up, 13 bytes: `maglev`", "lookup-13", at_most(15.0, 10.0));
    lookup.row("hash and look-up, 37 bytes: `maglev`", "lookup-37", at_most(25.0, 15.0));
}

fn table_contract() {
    let beside = |kernel: f64| format!("`ipvs_mh` {kernel:.2}");
    let removed = "one of 100 removed, others' slots moved, %";
    let kernel = beside(movement::by_removal(IPVS, SETS));
    row(&format!("{removed}: `maglev`"), movement::by_removal(MAGLEV, SETS), "", at_most(0.6, 0.6), &kernel);
    let moved = movement::by_removal(RENDEZVOUS, SETS);
    row(&format!("{removed}: `rendezvous`"), moved, "", at_most(0.0, 0.0), &kernel);
    for (weight, floor) in [(99, 0.12), (50, 1.0), (200, 1.7)] {
        let what = format!("one of 100 weighs {weight} instead of 100, slots moved, %: `maglev`");
        let kernel = beside(movement::by_weight(IPVS, SETS, weight));
        row(&what, movement::by_weight(MAGLEV, SETS, weight), "", at_most(floor, floor), &kernel);
    }
    let off = f64::from(movement::off_quota(MAGLEV, SETS));
    row("any backend against its quota, slots: `maglev`", off, "", at_most(1.0, 1.0), "");
}

fn connection_figures() {
    let [v4, v6] = connections::bytes_per_flow(Scale::Full);
    row("connection table, IPv4 flow, all in", v4, "B", at_most(64.0, 48.0), "");
    row("connection table, IPv6 flow, all in", v6, "B", at_most(64.0, 64.0), "");
    let hit = Timing { cases: connections::CASES, operations: 1 << 14, scale: 1.0, unit: "ns" };
    hit.row("hit among 1 M IPv4 flows", "hit-v4", at_most(100.0, 60.0));
    hit.row("hit among 1 M IPv6 flows", "hit-v6", at_most(100.0, 60.0));
    // A whole filling, so that an emptier table is not taken for a faster one.
    let insert = Timing { operations: 1 << 20, ..hit };
    insert.row("insert, from empty to 1 M IPv4 flows", "insert-v4", at_most(150.0, 100.0));
    insert.row("insert, from empty to 1 M IPv6 flows", "insert-v6", at_most(150.0, 100.0));
}

fn path_times() {
    let timing = Timing { cases: path::CASES, operations: 1 << 14, scale: 1.0, unit: "ns" };
    let katran = |figure| format!("Katran {figure} (another run)");
    timing.alone("path: hit, 1 flow", "hit", at_most(60.0, 40.0), &katran("76"));
    timing.alone("path: hit, 1 IPv6 flow", "hit-v6", Goal::None, "");
    timing.alone("path: hit, 1 M flows", "hit-1M", at_most(150.0, 90.0), &katran("306"));
    timing.alone("path: hit, 1 M flows, batches of 32", "hit-1M-batch", at_most(150.0, 90.0), "");
    let new = Timing { operations: path::NEW_FLOWS, ..timing };
    new.alone("path: new flow, from none to 0.5 M", "new", at_most(150.0, 100.0), &katran("88"));
    timing.alone("path: new flow, the oldest evicted", "new-evicting", Goal::None, "");
}

fn queue_rates() {
    for (pending, operations, floor, aim) in
        [("1k", 1 << 14, 15.0, 30.0), ("16k", 1 << 16, 14.0, 25.0), ("1M", 1 << 20, 2.0, 5.0)]
    {
        let rate = |case: &Case| 1e3 / case.best(BUDGET, operations);
        let measured = of(queue::CASES, &format!("hold-{pending}"));
        let (ours, peers) = measured.split_first().expect("ours comes first");
        let ours = rate(ours);
        let beside = peers.iter().map(|peer| {
            let theirs = rate(peer);
            format!("{} {theirs:.1} ({:.1} x)", candidate(peer), ours / theirs)
        });
        let beside = beside.collect::<Vec<_>>().join(", ");
        let what = format!("event queue, hold of {pending}");
        row(&what, ours, "M/s", Goal::AtLeast { floor, aim }, &beside);
    }
}

/// How a group of cases is measured.
#[derive(Clone, Copy)]
struct Timing {
    cases: &'static [Case],
    /// Of one round.
    operations: u32,
    /// From nanoseconds to `unit`.
    scale: f64,
    unit: &'static str,
}

impl Timing {
    /// A row of an operation's first candidate, the others beside it with their ratios.
    fn row(&self, what: &str, operation: &str, goal: Goal) {
        let cases = of(self.cases, operation);
        let (ours, others) = cases.split_first().expect("ours comes first");
        let ours = self.measure(ours);
        let beside = others.iter().map(|other| {
            let theirs = self.measure(other);
            let digits = digits(theirs);
            format!("{} {theirs:.digits$} ({:.1} x)", candidate(other), theirs / ours)
        });
        row(what, ours, self.unit, goal, &beside.collect::<Vec<_>>().join(", "));
    }

    /// A row of one case that has no candidates beside it.
    fn alone(&self, what: &str, name: &str, goal: Goal, beside: &str) {
        row(what, self.measure(of_name(self.cases, name)), self.unit, goal, beside);
    }

    fn measure(&self, case: &Case) -> f64 {
        case.best(BUDGET, self.operations) * self.scale
    }
}

/// The cases of one operation, ours first.
fn of(cases: &[Case], operation: &str) -> Vec<Case> {
    let is_of = |case: &&Case| case.name.split_once('/').is_some_and(|(before, _)| before == operation);
    cases.iter().filter(is_of).copied().collect()
}

fn of_name<'a>(cases: &'a [Case], name: &str) -> &'a Case {
    cases.iter().find(|case| case.name == name).expect("a case of that name")
}

fn candidate(case: &Case) -> &'static str {
    case.name.rsplit('/').next().unwrap_or_default()
}

const fn at_most(floor: f64, aim: f64) -> Goal {
    Goal::AtMost { floor, aim }
}

fn row(what: &str, measured: f64, unit: &str, goal: Goal, beside: &str) {
    let word = |floor: bool, aim: bool| match (floor, aim) {
        (_, true) => "aim",
        (true, false) => "floor",
        (false, false) => "**short**",
    };
    let (floor, aim, reached) = match goal {
        Goal::AtMost { floor, aim } => (Some(floor), Some(aim), word(measured <= floor, measured <= aim)),
        Goal::AtLeast { floor, aim } => (Some(floor), Some(aim), word(measured >= floor, measured >= aim)),
        Goal::None => (None, None, ""),
    };
    let number = |number: Option<f64>| number.map(|number| number.to_string()).unwrap_or_default();
    let digits = digits(measured);
    println!(
        "| {what} | {measured:.digits$} {unit} | {} | {} | {reached} | {beside} |",
        number(floor),
        number(aim)
    );
}

/// Digits after the point that mean something.
fn digits(number: f64) -> usize {
    match number {
        ..10.0 => 2,
        10.0..100.0 => 1,
        _ => 0,
    }
}
