//! `validate`: closed forms and published figures beside what the simulator gives.

use std::io::Write;

use serde::Serialize;
use sim::statistics::Interval;
use sim::validate::{Check, Effort, Expected};

use super::Stop;
use crate::cli::Validate;
use crate::numbers::{grouped, rough_percent};
use crate::output::{Format, Output, colour};
use crate::progress::Progress;

/// The JSON document.
#[derive(Debug, Serialize)]
struct Document<'a> {
    pass: bool,
    checks: &'a [Check],
}

const PROGRESS: &str = "{bar:30} {pos} of {len} groups of checks, {elapsed}";

pub(super) fn run(arguments: &Validate, out: &mut Output) -> Result<(), Stop> {
    let effort = if arguments.quick { Effort::QUICK } else { Effort::FULL };
    let progress = Progress::new(sim::validate::group_count() as u64, PROGRESS);
    let checks = sim::validate::run(effort, &mut |at| progress.update(at.done as u64));
    drop(progress);
    let pass = checks.iter().all(|check| check.pass);
    match out.format() {
        Format::Json => out.json(&Document { pass, checks: &checks })?,
        Format::Text => out.write_all(text(&checks, colour(&std::io::stdout())).as_bytes())?,
    }
    if pass { Ok(()) } else { Err(Stop::AnswerIsNo) }
}

/// Two lines a check: what, then the numbers. A table would not fit 80 columns.
fn text(checks: &[Check], paint: bool) -> String {
    let mut text = String::new();
    for check in checks {
        let (word, start) = if check.pass { ("pass", "\x1b[32m") } else { ("FAIL", "\x1b[1;31m") };
        let (start, end) = if paint { (start, "\x1b[0m") } else { ("", "") };
        let interval = check.interval.map_or_else(String::new, |Interval { low, high }| {
            format!(" (99%: {} to {})", number(low), number(high))
        });
        text += &format!("{start}{word}{end}  {:3}  {}\n", check.id, check.what);
        text +=
            &format!("      expected {}, got {}{interval}\n", expected(check.expected), number(check.got));
    }
    let failed = checks.iter().filter(|check| !check.pass).count();
    let verdict = match failed {
        0 => format!("all {} checks agree with their references", checks.len()),
        _ => format!("{failed} of {} checks do not agree with their references", checks.len()),
    };
    text + "\n99%: the confidence interval of a mean over runs\n" + &verdict + "\n"
}

fn expected(expected: Expected) -> String {
    match expected {
        Expected::Between { low, high } => format!("{} to {}", number(low), number(high)),
        Expected::Exactly { value } => format!("exactly {}", number(value)),
        Expected::Near { value, tolerance, .. } => {
            format!("{} +-{}", number(value), rough_percent(tolerance))
        }
    }
}

/// As many digits as matter; counts in full.
fn number(value: f64) -> String {
    if value >= 0.0 && value.fract() == 0.0 && value < 1e15 {
        return grouped(value as u64);
    }
    let decimals = match value.abs() {
        size if size >= 1000.0 => 1,
        size if size >= 10.0 => 3,
        size if size >= 0.1 => 5,
        _ => 6,
    };
    format!("{value:.decimals$}")
}
