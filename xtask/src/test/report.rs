//! The table at the end of a run.

use std::fmt::Write as _;

use super::{Outcome, Record};

/// Steps, outcomes and times; the last line counts them: `N passed, N failed`.
pub(super) fn render(records: &[Record]) -> String {
    let width = records.iter().map(|record| record.name.len()).max().unwrap_or(0);
    let mut text = String::from("\n");
    let (mut passed, mut failed) = (0, 0);
    for record in records {
        let (word, remark) = match &record.outcome {
            Outcome::Passed(remark) => ("ok", remark),
            Outcome::Failed(remark) => ("FAILED", remark),
            Outcome::Skipped(remark) => ("skipped", remark),
        };
        match record.outcome {
            Outcome::Passed(_) => passed += 1,
            Outcome::Failed(_) => failed += 1,
            Outcome::Skipped(_) => {}
        }
        let seconds = record.took.as_secs_f64();
        let line = format!("{:width$}  {word:7} {seconds:7.1} s  {remark}", record.name);
        writeln!(text, "{}", line.trim_end()).expect("a string takes all");
    }
    let total: f64 = records.iter().map(|record| record.took.as_secs_f64()).sum();
    let skipped = records.len() - passed - failed;
    writeln!(text, "{:width$}  {:7} {total:7.1} s\n", "total", "").expect("a string takes all");
    if skipped > 0 {
        writeln!(text, "{skipped} skipped: see above for what to install").expect("a string takes all");
    }
    writeln!(text, "{passed} passed, {failed} failed").expect("a string takes all");
    text
}

#[cfg(test)]
mod tests;
