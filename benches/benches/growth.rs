//! That operations which are to cost the same however much there is do so, in instructions.
//!
//! They are counted (`benches::instructions`), so no busy machine hides or
//! feigns growth: what looks at all targets of an access point for the news of
//! one would take tens of times as much among a hundred times as many. Skipped
//! without valgrind, unless `CI=true`.

use std::process::{Command, ExitCode};

use benches::instructions::{for_one, run};

/// The same operation among few and among many, by the names of their cases.
const CONSTANT: [(&str, &str, &str); 1] =
    [("the news of one target of 100 and of 10,000", "mesh/status-change-100", "mesh/status-change-10000")];
/// What many may take of what few take: tables for looking up are as deep or nearly.
const MOST: f64 = 1.25;
/// Repetitions.
const COUNT: u64 = 1 << 8;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let [_, count, _] = arguments.as_slice()
        && count.parse::<u64>().is_ok()
    {
        return outcome(run(&arguments));
    }
    let mut filters = arguments.iter().filter(|argument| !argument.starts_with("--"));
    if !filters.all(|filter| "mesh/growth".contains(filter.as_str())) {
        return ExitCode::SUCCESS;
    }
    let is_there = Command::new("valgrind").arg("--version").output().is_ok();
    if !is_there && std::env::var_os("CI").is_none_or(|value| value != "true") {
        println!("growth is skipped: valgrind is missing; on Debian: apt-get install valgrind");
        return ExitCode::SUCCESS;
    }
    outcome(CONSTANT.into_iter().try_for_each(check))
}

fn check((what, few, many): (&str, &str, &str)) -> Result<(), String> {
    let [few, many] = [few, many].map(|name| for_one(name, COUNT, "small"));
    let (few, many) = (few?, many?);
    let ratio = many as f64 / few as f64;
    println!("{what}: {few} and {many} instructions, {ratio:.2} x");
    if ratio > MOST {
        return Err(format!("{what}: {ratio:.2} x, which may be {MOST} x at most"));
    }
    Ok(())
}

fn outcome(result: Result<(), String>) -> ExitCode {
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("{message}");
            ExitCode::FAILURE
        }
    }
}
