//! The table of what was expected and what was found.

use std::fmt::Write as _;

use super::protocol::{Event, Transcript};

/// Widths at most, so that a long sentence does not widen all lines.
const WIDEST: [usize; 3] = [34, 48, 64];

/// All rows, columns as wide as they need to be.
pub(super) fn render(transcript: &Transcript) -> String {
    let head = ["scenario", "expected", "got"];
    let cells = |row: &super::protocol::Row| [row.scenario.clone(), row.expected.clone(), row.got.clone()];
    let mut widths = head.map(str::len);
    for row in transcript.rows() {
        for ((width, cell), widest) in widths.iter_mut().zip(cells(row)).zip(WIDEST) {
            *width = (*width).max(cell.chars().count()).min(widest);
        }
    }
    let [first, second, third] = widths;
    let mut text = format!("\n  {:first$}  {:second$}  {:third$}   time\n", head[0], head[1], head[2]);
    for row in transcript.rows() {
        let mark = if row.pass { ' ' } else { '!' };
        let [scenario, expected, got] = cells(row);
        let _ = writeln!(
            text,
            "{mark} {scenario:first$}  {expected:second$}  {got:third$}  {:4.1} s",
            row.seconds
        );
    }
    text
}

/// The figures as rows of the README; empty if there are none.
pub(super) fn figures(transcript: &Transcript) -> String {
    let mut text = String::new();
    for event in transcript.events() {
        if let Event::Figure { cells } = event {
            let _ = writeln!(text, "| {} |", cells.join(" | "));
        }
    }
    text
}

#[cfg(test)]
mod tests;
