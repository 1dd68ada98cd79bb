//! The README's instruction counts in one command, in about a minute:
//! `cargo run --release -p benches --example instructions` (needs valgrind).
//!
//! Noise does not touch these numbers. Each case runs by itself under callgrind
//! with N and with 2 N repetitions; the difference divided by N is one operation
//! and a few instructions of loop. To look into one case:
//! `valgrind --tool=callgrind target/release/examples/instructions path/hit 20000`,
//! with a size after the count if that matters: `small`, `full` or `tenfold`.
//! `instructions -- growth` counts what ten times as much takes, in some minutes.

use std::process::exit;

use benches::instructions::{counted, for_one, run};

fn main() {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    let outcome = match arguments.as_slice() {
        [] => print_table(),
        [word] if word == "growth" => print_growth(),
        case => run(case),
    };
    if let Err(message) = outcome {
        eprintln!("{message}");
        exit(2);
    }
}

/// What the table shows: a case of ours, and the peers' beside it.
const ROWS: [(&str, &[&str]); 29] = [
    ("path/parse", &[]),
    ("path/hash", &[]),
    ("path/encapsulate", &[]),
    ("path/hit", &[]),
    ("path/hit-v6", &[]),
    ("path/hit-1M-batch", &[]),
    ("path/new", &[]),
    ("tables/lookup-13/maglev", &["maglev-hash", "hashring", "anchorhash", "pingora-ketama"]),
    ("tables/lookup-37/maglev", &["maglev-hash", "hashring", "anchorhash", "pingora-ketama"]),
    ("connections/hit-v4/overspill", &["hashbrown", "dashmap", "papaya", "quick_cache"]),
    ("connections/hit-v6/overspill", &["hashbrown", "dashmap", "papaya", "quick_cache"]),
    ("connections/insert-v4/overspill", &["hashbrown", "dashmap", "papaya", "quick_cache"]),
    ("connections/insert-v6/overspill", &["hashbrown", "dashmap", "papaya", "quick_cache"]),
    ("queue/hold-1k/overspill", &["std", "simulacra"]),
    ("simulated/packets", &[]),
    ("node/plan-from-empty", &[]),
    ("node/plan-unchanged", &[]),
    ("node/encode", &[]),
    ("node/decode", &[]),
    ("mesh/render", &[]),
    ("mesh/patch/overspill", &["json-patch"]),
    ("mesh/merge/overspill", &["json-patch"]),
    ("mesh/diff/overspill", &["json-patch"]),
    ("mesh/rollout-report", &[]),
    ("mesh/status-change", &[]),
    ("mesh/status-change-100", &[]),
    ("mesh/status-change-10000", &[]),
    ("mesh/names-change", &[]),
    ("mesh/names-once", &[]),
];

/// Repetitions: whole fillings of the small tables, so that growth is counted too.
const COUNT: u64 = 1 << 16;
/// The same where an operation is about many things: targets, routes, names.
const FEW: u64 = 1 << 6;

fn print_table() -> Result<(), String> {
    println!("| instructions for one operation | ours | beside it |");
    println!("|---|--:|---|");
    for (name, peers) in ROWS {
        let ours = in_table(name)?;
        let operation = name.rsplit_once('/').map_or(name, |(operation, _)| operation);
        let mut beside = Vec::new();
        for peer in peers {
            let theirs = in_table(&format!("{operation}/{peer}"))?;
            beside.push(format!("{peer} {theirs} ({:.1} x)", theirs as f64 / ours as f64));
        }
        println!("| {name} | {ours} | {} |", beside.join(", "));
    }
    Ok(())
}

/// What grows, and is prepared quickly enough to be counted ten times as large.
const GROWING: [&str; 16] = [
    "render",
    "render-steered",
    "compare",
    "placement",
    "patch/overspill",
    "merge/overspill",
    "diff/overspill",
    "document",
    "reconcile",
    "rollout-report",
    "rollout-revision",
    "certificates",
    "certificates-one-more",
    "vip-replay",
    "footprint",
    "east-west",
];

fn print_growth() -> Result<(), String> {
    println!("| instructions for one operation | once | ten times as much | |");
    println!("|---|--:|--:|--:|");
    for name in GROWING {
        let name = format!("mesh/{name}");
        let [once, tenfold] = ["full", "tenfold"].map(|size| {
            // one is not enough: the first makes room for those that follow
            let [two, four] = [2, 4].map(|count| counted(&name, count, size));
            Ok::<u64, String>(four?.saturating_sub(two?) / 2)
        });
        let (once, tenfold) = (once?, tenfold?);
        println!("| {name} | {once} | {tenfold} | {:.1} x |", tenfold as f64 / once as f64);
    }
    Ok(())
}

/// How many instructions one operation of a case takes, on little data.
fn in_table(name: &str) -> Result<u64, String> {
    for_one(name, if name.starts_with("mesh/") { FEW } else { COUNT }, "small")
}
