//! A run's result for people: what was lost and why, how fast traffic moved,
//! who was busiest, what was expected. It fits 80 columns.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::path::Path;
use std::time::Duration;

use comfy_table::CellAlignment::{Left, Right};
use sim::run::{RunResult, Shift};
use sim::scenario::ExpectationResult;

use crate::numbers::{clock, grouped, measured, milliseconds, percent, rough_percent, span};
use crate::output::{colour, lines, table};

pub(super) fn print(
    result: &RunResult,
    title: &str,
    took: Duration,
    replay: &str,
    folder: Option<&Path>,
    out: &mut impl Write,
) -> io::Result<()> {
    writeln!(out, "{}: {title}", result.scenario)?;
    writeln!(
        out,
        "seed {}; {} simulated in {:.1} s, {} events, {} packets\n",
        result.seed,
        span(result.simulated_s),
        took.as_secs_f64(),
        grouped(result.events),
        grouped(result.packets)
    )?;
    out.write_all(counts(result).as_bytes())?;
    if !result.shifts.is_empty() {
        write!(out, "\n{}", shifts(&result.shifts))?;
    }
    write!(out, "\n{}", zones(result))?;
    let paint = colour(&io::stdout());
    if !result.expect.is_empty() {
        write!(out, "\n{}", expectations(&result.expect, paint))?;
    }
    for violation in &result.violations {
        let (red, end) = if paint { ("\x1b[1;31m", "\x1b[0m") } else { ("", "") };
        writeln!(out, "\n{red}broken invariant{end} at {}: {}", clock(violation.t_s), violation.what)?;
        writeln!(out, "  this is a bug of ours; please report it with: {}", violation.replay)?;
    }
    writeln!(out, "\ndigest  {}", result.digest)?;
    writeln!(out, "replay  {replay}")?;
    match folder {
        Some(folder) => {
            writeln!(out, "files   {}: report.html, events.jsonl, series.parquet", folder.display())
        }
        None => Ok(()),
    }
}

/// Requests, latency and connections.
fn counts(result: &RunResult) -> String {
    let requests = &result.requests;
    let connections = &result.connections;
    let availability = result.availability.map_or_else(|| "none".to_owned(), percent);
    let mut text = format!(
        "availability  {availability} of {} requests: {} failed, {} retried, {} open at the end\n",
        grouped(requests.total),
        grouped(requests.failed),
        grouped(requests.retried),
        grouped(requests.open_at_end)
    );
    text += &causes("  lost by", &requests.failed_by);
    let latency = &result.latency_ms;
    let quantiles = [
        ("mean", latency.mean),
        ("50%", latency.p50),
        ("90%", latency.p90),
        ("99%", latency.p99),
        ("99.9%", latency.p999),
    ];
    let told =
        quantiles.iter().filter_map(|(name, value)| Some(format!("{name} {}", milliseconds((*value)?))));
    let told: Vec<_> = told.collect();
    if !told.is_empty() {
        text += &format!("latency       {}\n", told.join(", "));
    }
    text += &format!(
        "connections   {}: {} broken, {} open at the end\n",
        grouped(connections.opened),
        grouped(connections.broken),
        grouped(connections.open_at_end)
    );
    text + &causes("  broken by", &connections.broken_by)
}

/// Counts by cause, the greatest first, over as many lines as they need.
fn causes(label: &str, counts: &BTreeMap<String, u64>) -> String {
    let mut sorted: Vec<_> = counts.iter().filter(|(_, count)| **count > 0).collect();
    sorted.sort_by_key(|(_, count)| std::cmp::Reverse(**count));
    let mut text = String::new();
    let mut line = format!("{label:14}");
    for (position, (cause, count)) in sorted.iter().enumerate() {
        let more = if position + 1 < sorted.len() { ", " } else { "" };
        let word = format!("{} {}{more}", cause.replace('_', " "), grouped(**count));
        if line.len() + word.trim_end().len() > 80 {
            text += line.trim_end();
            text += "\n";
            line = " ".repeat(14);
        }
        line += &word;
    }
    if sorted.is_empty() { String::new() } else { text + line.trim_end() + "\n" }
}

fn shifts(shifts: &[Shift]) -> String {
    let header = [
        ("TRAFFIC MOVED", Left),
        ("AT", Right),
        ("TO", Left),
        ("DETECTED", Right),
        ("50%", Right),
        ("99%", Right),
    ];
    let mut table = table(&header);
    for shift in shifts {
        let after = |value: Option<f64>| measured(value, "s");
        let to = match &shift.to[..] {
            [] => "nowhere".to_owned(),
            [one] => one.clone(),
            more => format!("{} zones", more.len()),
        };
        let [detected, t50, t99] = [shift.detected_s, shift.t50_s, shift.t99_s].map(after);
        table.add_row([format!("from {}", shift.from), clock(shift.at_s), to, detected, t50, t99]);
    }
    lines(&table)
}

fn zones(result: &RunResult) -> String {
    let worst = result.zones.iter().map(|zone| zone.utilisation_max).fold(0.0, f64::max);
    let total: u64 = result.zones.iter().map(|zone| zone.requests).sum();
    let mut table = table(&[
        ("ZONE", Left),
        ("REQUESTS", Right),
        ("SHARE", Right),
        ("WORST UTILISATION", Right),
        ("", Left),
    ]);
    for zone in &result.zones {
        let share = if total == 0 { 0.0 } else { zone.requests as f64 / total as f64 };
        #[allow(clippy::cast_sign_loss, reason = "utilisation is not negative")]
        let bar = "#".repeat((zone.utilisation_max.clamp(0.0, 1.5) * 20.0).round() as usize);
        let note = if result.zones.len() > 1 && zone.utilisation_max >= worst {
            format!("{bar} worst")
        } else {
            bar
        };
        table.add_row([
            zone.zone.clone(),
            grouped(zone.requests),
            rough_percent(share),
            rough_percent(zone.utilisation_max),
            note,
        ]);
    }
    lines(&table)
}

fn expectations(expect: &[ExpectationResult], paint: bool) -> String {
    let failed = expect.iter().filter(|expectation| !expectation.pass).count();
    let mut text = match (failed, expect.len()) {
        (0, 1) => "expected: it holds\n".to_owned(),
        (0, all) => format!("expected: all {all} hold\n"),
        (_, 1) => "expected: it does not hold\n".to_owned(),
        (1, all) => format!("expected: 1 of {all} does not hold\n"),
        (failed, all) => format!("expected: {failed} of {all} do not hold\n"),
    };
    let width = expect.iter().map(|expectation| expectation.text.len()).max().unwrap_or(0).min(52);
    for expectation in expect {
        let (word, start) = if expectation.pass { ("pass", "\x1b[32m") } else { ("FAIL", "\x1b[1;31m") };
        let (start, end) = if paint { (start, "\x1b[0m") } else { ("", "") };
        let got = measured(expectation.measured, expectation.unit);
        text += &format!("  {start}{word}{end}  {:width$}  got {got}\n", expectation.text);
    }
    text
}

#[cfg(test)]
mod tests;
