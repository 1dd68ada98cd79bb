//! The README's instruction counts in one command, in about a minute:
//! `cargo run --release -p benches --example instructions` (needs valgrind).
//!
//! Noise does not touch these numbers. Each case runs by itself under callgrind
//! with N and with 2 N repetitions; the difference divided by N is one operation
//! and a few instructions of loop. To look into one case:
//! `valgrind --tool=callgrind target/release/examples/instructions path/hit 20000`.

use std::process::{Command, exit};

use benches::{Case, Scale};

fn main() {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    let outcome = match arguments.as_slice() {
        [] => print_table(),
        [name, count @ ..] => {
            let count = count.first().and_then(|count| count.parse().ok()).unwrap_or(1_000);
            find(name).map(|case| _ = (case.prepare)(Scale::Small)(count))
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
const ROWS: [(&str, &[&str]); 27] = [
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

/// How many instructions one operation of a case takes.
fn instructions(name: &str) -> Result<u64, String> {
    find(name)?;
    let count = if name.starts_with("mesh/") { FEW } else { COUNT };
    Ok((counted(name, 2 * count)?.saturating_sub(counted(name, count)?)) / count)
}

/// The instructions of a whole run of so many repetitions.
fn counted(name: &str, count: u64) -> Result<u64, String> {
    let own = std::env::current_exe().map_err(|error| format!("cannot find this program: {error}"))?;
    let run = Command::new("valgrind")
        .args(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
        .arg(own)
        .args([name, &count.to_string()])
        .output()
        .map_err(|error| format!("cannot run valgrind ({error}); on Debian: apt-get install valgrind"))?;
    let said = String::from_utf8_lossy(&run.stderr);
    let total = said.lines().find_map(|line| line.split_once("Collected : "));
    total
        .and_then(|(_, number)| number.trim().parse().ok())
        .ok_or_else(|| format!("valgrind counted nothing for {name}:\n{said}"))
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
