//! The report of a run: one page that needs nothing else, not even a script.
//!
//! [`render`] is a pure function of what the run gave. Charts are SVG drawn by
//! [`chart`]; [`curves`] collects what they show while the run goes on; the page
//! around them is a template. Colours follow the reader's light or dark mode,
//! and it prints.

mod chart;
mod curves;

use minijinja::syntax::SyntaxConfig;
use minijinja::value::{Serde, Value};
use minijinja::{AutoEscape, Environment, context};
use serde::Serialize;
use sim::run::RunResult;
use sim::scenario::Scenario;

use crate::numbers::{clock, grouped, measured, milliseconds, percent, rough_percent, span};
use chart::{Chart, Line, Shape};
pub(crate) use curves::Curves;

/// Everything that a page tells.
#[derive(Debug)]
pub(crate) struct Report<'a> {
    pub(crate) result: &'a RunResult,
    pub(crate) scenario: &'a Scenario,
    /// The scenario as it was run.
    pub(crate) text: &'a str,
    pub(crate) curves: &'a Curves,
    /// The command that gives the run again.
    pub(crate) replay: &'a str,
    /// Ours.
    pub(crate) version: &'a str,
}

/// A figure at the top.
#[derive(Debug, Serialize)]
struct Tile {
    name: &'static str,
    value: String,
    note: String,
}

/// One zone's row.
#[derive(Debug, Serialize)]
struct ZoneRow {
    name: String,
    colour: String,
    requests: String,
    share: String,
    utilisation: String,
    /// Length of the bar in percent.
    bar: f64,
    over: bool,
}

/// A cause and how often.
#[derive(Debug, Serialize)]
struct CauseRow {
    cause: String,
    count: String,
}

/// One expectation's row.
#[derive(Debug, Serialize)]
struct ExpectRow<'a> {
    text: &'a str,
    pass: bool,
    got: String,
}

/// One shift's row.
#[derive(Debug, Serialize)]
struct ShiftRow {
    at: String,
    from: String,
    to: String,
    times: [String; 3],
}

/// The page as HTML.
pub(crate) fn render(report: &Report<'_>) -> String {
    let mut environment = Environment::new();
    let syntax = SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).build();
    environment.set_syntax(syntax.expect("the delimiters are the usual ones"));
    environment.set_auto_escape_callback(|_| AutoEscape::Html);
    let result = report.result;
    let failed = result.expect.iter().filter(|expectation| !expectation.pass).count();
    let charts: Vec<Value> = charts(report)
        .iter()
        .map(|chart| {
            context! {
                title => chart.title,
                note => chart.note,
                svg => Value::from_safe_string(chart.svg()),
                legend => Serde(chart.legend()),
            }
        })
        .collect();
    let page = context! {
        title => report.scenario.title.as_str(),
        result => Serde(result),
        passed => result.passed(),
        failed => failed,
        tiles => Serde(tiles(result)),
        charts => charts,
        markers => Serde(report.curves.markers()),
        markers_left_out => report.curves.left_out(),
        shifts => Serde(shifts(result)),
        zones => Serde(zones(report)),
        lost => Serde(causes(&result.requests.failed_by)),
        broken => Serde(causes(&result.connections.broken_by)),
        expect => Serde(expect(result)),
        simulated => span(result.simulated_s),
        events => grouped(result.events),
        packets => grouped(result.packets),
        replay => report.replay,
        version => report.version,
        text => report.text,
    };
    environment
        .render_str(include_str!("report/report.html"), page)
        .expect("the template is right: a test renders it")
}

fn tiles(result: &RunResult) -> Vec<Tile> {
    let slowest = |of: fn(&sim::run::Shift) -> Option<f64>| {
        let all: Option<Vec<f64>> = result.shifts.iter().map(of).collect();
        measured(all.and_then(|all| all.into_iter().reduce(f64::max)), "s")
    };
    let worst =
        result.zones.iter().max_by(|left, right| left.utilisation_max.total_cmp(&right.utilisation_max));
    let tile = |name, value, note| Tile { name, value, note };
    let mut tiles = vec![
        tile(
            "Availability",
            result.availability.map_or_else(|| "none".to_owned(), percent),
            format!("of {} requests", grouped(result.requests.total)),
        ),
        tile(
            "Requests lost",
            grouped(result.requests.failed),
            format!("{} tried again", grouped(result.requests.retried)),
        ),
        tile(
            "Connections broken",
            grouped(result.connections.broken),
            format!("of {}", grouped(result.connections.opened)),
        ),
    ];
    if !result.shifts.is_empty() {
        let half = slowest(|shift| shift.t50_s);
        tiles.push(tile("Detected after", slowest(|shift| shift.detected_s), "from the event on".to_owned()));
        tiles.push(tile("99% shifted after", slowest(|shift| shift.t99_s), format!("half after {half}")));
    }
    tiles.push(tile(
        "Worst utilisation",
        worst.map_or_else(|| "none".to_owned(), |zone| rough_percent(zone.utilisation_max)),
        worst.map_or_else(String::new, |zone| format!("in {}, over 10 s", zone.zone)),
    ));
    if let (Some(median), Some(slow)) = (result.latency_ms.p50, result.latency_ms.p99) {
        tiles.push(tile("Latency, 99%", milliseconds(slow), format!("median {}", milliseconds(median))));
    }
    tiles
}

fn charts<'a>(report: &Report<'a>) -> Vec<Chart<'a>> {
    let curves = report.curves;
    let markers = curves.clusters(report.result.simulated_s);
    let chart = |title, note, unit, lines, stacked| Chart {
        title,
        note,
        unit,
        lines,
        stacked,
        markers: markers.clone(),
        length_s: report.result.simulated_s,
        reference: None,
    };
    let zones = |metric| zone_lines(report, metric);
    let fleet = |name: &str, metric, class: &str, shape| {
        let points = curves.of(metric, "").to_vec();
        Line { name: name.to_owned(), class: class.to_owned(), colour: String::new(), shape, points }
    };
    let load = chart(
        "Load",
        "Requests per second that each zone's gateways took, stacked.",
        "/s",
        zones("requests_per_s"),
        true,
    );
    let errors = chart(
        "Errors",
        "Requests given up and connections broken, per second.",
        "/s",
        vec![
            fleet("requests failed", "failed_per_s", "bad", Shape::Area),
            fleet("connections broken", "broken_per_s", "warn", Shape::Line),
        ],
        false,
    );
    let latency = chart(
        "Latency",
        "Of the requests that succeeded, from when a request was meant to be sent.",
        " ms",
        vec![
            fleet("99%", "latency_p99_ms", "warn", Shape::Line),
            fleet("median", "latency_p50_ms", "main", Shape::Line),
        ],
        false,
    );
    let mut utilisation = chart(
        "Utilisation",
        "The share of each zone's servers that is busy.",
        "%",
        zones("utilisation"),
        false,
    );
    for line in &mut utilisation.lines {
        line.shape = Shape::Line;
        line.points.iter_mut().for_each(|point| point.1 *= 100.0);
    }
    utilisation.reference = Some(100.0);
    vec![load, errors, latency, utilisation]
}

fn zone_lines(report: &Report<'_>, metric: &str) -> Vec<Line> {
    let zones = report.scenario.zones.iter().enumerate();
    zones
        .map(|(index, zone)| Line {
            name: zone.name.clone(),
            class: String::new(),
            colour: colour(report.scenario, index),
            shape: Shape::Area,
            points: report.curves.of(metric, &zone.name).to_vec(),
        })
        .collect()
}

/// One hue for a data center, one lightness for a zone of it.
fn colour(scenario: &Scenario, zone: usize) -> String {
    const HUES: [u32; 8] = [212, 152, 32, 275, 340, 185, 55, 5];
    let center = scenario.zones[zone].data_center;
    let place = scenario.zones[..zone].iter().filter(|other| other.data_center == center).count();
    format!("hsl({} 52% {}%)", HUES[center % HUES.len()], 38 + 13 * (place % 4))
}

fn zones(report: &Report<'_>) -> Vec<ZoneRow> {
    let total: u64 = report.result.zones.iter().map(|zone| zone.requests).sum();
    let rows = report.result.zones.iter().enumerate();
    rows.map(|(index, zone)| ZoneRow {
        name: zone.zone.clone(),
        colour: colour(report.scenario, index),
        requests: grouped(zone.requests),
        share: rough_percent(if total == 0 { 0.0 } else { zone.requests as f64 / total as f64 }),
        utilisation: rough_percent(zone.utilisation_max),
        bar: (zone.utilisation_max * 1000.0).round().clamp(0.0, 1000.0) / 10.0,
        over: zone.utilisation_max > 0.9,
    })
    .collect()
}

fn causes(counts: &std::collections::BTreeMap<String, u64>) -> Vec<CauseRow> {
    let mut sorted: Vec<_> = counts.iter().filter(|(_, count)| **count > 0).collect();
    sorted.sort_by_key(|(_, count)| std::cmp::Reverse(**count));
    sorted
        .iter()
        .map(|(cause, count)| CauseRow { cause: cause.replace('_', " "), count: grouped(**count) })
        .collect()
}

fn expect(result: &RunResult) -> Vec<ExpectRow<'_>> {
    let rows = result.expect.iter();
    rows.map(|row| ExpectRow { text: &row.text, pass: row.pass, got: measured(row.measured, row.unit) })
        .collect()
}

fn shifts(result: &RunResult) -> Vec<ShiftRow> {
    let rows = result.shifts.iter();
    rows.map(|shift| ShiftRow {
        at: clock(shift.at_s),
        from: shift.from.clone(),
        to: if shift.to.is_empty() { "nowhere".to_owned() } else { shift.to.join(", ") },
        times: [shift.detected_s, shift.t50_s, shift.t99_s].map(|time| measured(time, "s")),
    })
    .collect()
}

#[cfg(test)]
mod tests;
