//! The README's instruction counts in one command, in about a minute:
//! `cargo run --release -p benches --example instructions` (needs valgrind).
//!
//! Noise does not touch these numbers. Each case runs by itself under callgrind
//! with N and with 2 N repetitions; the difference divided by N is one operation
//! and a few instructions of loop. To look into one case:
//! `valgrind --tool=callgrind target/release/examples/instructions path/hit 20000`,
//! with a size after the count if that matters: `small`, `full` or `tenfold`.
//! `instructions -- growth` counts what ten times as much takes, in some minutes.

use std::process::{Command, exit};

use benches::{Case, Scale};

fn main() {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    let outcome = match arguments.as_slice() {
        [] => print_table(),
        [word] if word == "growth" => print_growth(),
        [name, rest @ ..] => {
            let count = rest.first().and_then(|count| count.parse().ok()).unwrap_or(1_000);
            let scale = rest.get(1).map_or(Ok(Scale::Small), |word| scale(word));
            scale.and_then(|scale| find(name).map(|case| _ = (case.prepare)(scale)(count)))
        }
    };
    if let Err(message) = outcome {
        eprintln!("{message}");
        exit(2);
    }
}

const GROUPS: [(&str, &[Case]); 7] = [
    ("path", benches::path::CASES),
    ("tables", benches::tables::CASES),
    ("connections", benches::connections::CASES),
    ("queue", benches::queue::CASES),
    ("simulated", benches::simulated::CASES),
    ("node", benches::node::CASES),
    ("mesh", benches::mesh::CASES),
];

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
        let ours = instructions(name)?;
        let operation = name.rsplit_once('/').map_or(name, |(operation, _)| operation);
        let mut beside = Vec::new();
        for peer in peers {
            let theirs = instructions(&format!("{operation}/{peer}"))?;
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

/// How many instructions one operation of a case takes.
fn instructions(name: &str) -> Result<u64, String> {
    find(name)?;
    let count = if name.starts_with("mesh/") { FEW } else { COUNT };
    Ok((counted(name, 2 * count, "small")?.saturating_sub(counted(name, count, "small")?)) / count)
}

/// The instructions of a whole run of so many repetitions on data of a size.
fn counted(name: &str, count: u64, size: &str) -> Result<u64, String> {
    let own = std::env::current_exe().map_err(|error| format!("cannot find this program: {error}"))?;
    let run = Command::new("valgrind")
        .args(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
        .arg(own)
        .args([name, &count.to_string(), size])
        .output()
        .map_err(|error| format!("cannot run valgrind ({error}); on Debian: apt-get install valgrind"))?;
    let said = String::from_utf8_lossy(&run.stderr);
    let total = said.lines().find_map(|line| line.split_once("Collected : "));
    total
        .and_then(|(_, number)| number.trim().parse().ok())
        .ok_or_else(|| format!("valgrind counted nothing for {name}:\n{said}"))
}

fn scale(word: &str) -> Result<Scale, String> {
    match word {
        "small" => Ok(Scale::Small),
        "full" => Ok(Scale::Full),
        "tenfold" => Ok(Scale::Tenfold),
        _ => Err(format!("no size {word:?}; there are small, full and tenfold")),
    }
}

/// By `group/name`; the group `path` need not be said.
fn find(name: &str) -> Result<&'static Case, String> {
    let named = GROUPS.into_iter().find_map(|(group, cases)| {
        cases
            .iter()
            .find(|case| name == format!("{group}/{}", case.name) || group == "path" && name == case.name)
    });
    named.ok_or_else(|| {
        let all = GROUPS
            .into_iter()
            .flat_map(|(group, cases)| cases.iter().map(move |case| format!("\n  {group}/{}", case.name)));
        format!("no case {name:?}; there are:{}", all.collect::<String>())
    })
}
