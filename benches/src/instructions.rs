//! How many instructions an operation takes: a case in a process of its own, under callgrind.
//!
//! Noise does not touch these numbers. Each case runs with N and with 2 N
//! repetitions; the difference divided by N is one operation and a few
//! instructions of loop. The process is this program again, so whoever counts
//! gives its arguments to [`run`] if they are not its own.

use std::process::Command;

use crate::{Case, Scale, connections, mesh, node, path, queue, simulated, tables};

const GROUPS: [(&str, &[Case]); 7] = [
    ("path", path::CASES),
    ("tables", tables::CASES),
    ("connections", connections::CASES),
    ("queue", queue::CASES),
    ("simulated", simulated::CASES),
    ("node", node::CASES),
    ("mesh", mesh::CASES),
];

/// Runs a case: its name, how many times, and the size of its data.
///
/// # Errors
/// Says what there is of what was asked for.
pub fn run(arguments: &[String]) -> Result<(), String> {
    let [name, rest @ ..] = arguments else { return Err("name a case".to_owned()) };
    let count = rest.first().and_then(|count| count.parse().ok()).unwrap_or(1_000);
    let scale = rest.get(1).map_or(Ok(Scale::Small), |word| scale(word))?;
    (find(name)?.prepare)(scale)(count);
    Ok(())
}

/// The instructions of one operation of a case, by running `count` more of them.
///
/// # Errors
/// There is no such case, or no valgrind.
pub fn for_one(name: &str, count: u64, size: &str) -> Result<u64, String> {
    find(name)?;
    Ok(counted(name, 2 * count, size)?.saturating_sub(counted(name, count, size)?) / count)
}

/// The instructions of a whole run of so many repetitions on data of a size.
///
/// # Errors
/// There is no valgrind, or the run failed.
pub fn counted(name: &str, count: u64, size: &str) -> Result<u64, String> {
    let own = std::env::current_exe().map_err(|error| format!("cannot find this program: {error}"))?;
    let run = Command::new("valgrind")
        .args(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
        .arg(own)
        .args([name, &count.to_string(), size])
        .output()
        .map_err(|error| format!("cannot run valgrind ({error}); on Debian: apt-get install valgrind"))?;
    let said = String::from_utf8_lossy(&run.stderr);
    let total =
        said.lines().find_map(|line| line.split_once("Collected : ")).filter(|_| run.status.success());
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
