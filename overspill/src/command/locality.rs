//! `locality FILE`: where requests go, given health and a policy of localities.

use std::io::Write;

use comfy_table::CellAlignment::{Left, Right};
use mesh_model::locality::{Answer, LocalityFile, Question};

use super::{Stop, checked};
use crate::cli::{Kind, Locality};
use crate::output::{Format, Output, lines, table};
use files::{Fault, Source};

pub(super) fn run(arguments: &Locality, out: &mut Output) -> Result<(), Stop> {
    let answer = question(&Source::read(&arguments.file)?)?.answer();
    match out.format() {
        Format::Json => out.json(&answer)?,
        Format::Text => show(&answer, out)?,
    }
    Ok(())
}

/// Reads a locality file completely.
pub(super) fn question(source: &Source) -> Result<Question, Fault> {
    checked(source, Kind::Locality, |file: LocalityFile| Question::try_from(file))
}

fn show(answer: &Answer, out: &mut Output) -> std::io::Result<()> {
    let mut priorities = table(&[("PRIORITY", Right), ("LOAD", Right), ("DEGRADED", Right), ("PANIC", Left)]);
    for priority in &answer.priorities {
        let panic = if priority.panic { "yes: all hosts, healthy or not" } else { "no" };
        priorities.add_row([
            priority.priority.to_string(),
            format!("{}%", priority.load),
            format!("{}%", priority.degraded_load),
            panic.to_owned(),
        ]);
    }
    out.write_all(lines(&priorities).as_bytes())?;
    writeln!(out)?;
    let mut localities =
        table(&[("LOCALITY", Left), ("PRIORITY", Right), ("WEIGHT", Right), ("SHARE", Right)]);
    for locality in &answer.localities {
        localities.add_row([
            locality.locality.clone(),
            locality.priority.to_string(),
            locality.weight.to_string(),
            format!("{:.2}%", 100.0 * locality.share),
        ]);
    }
    out.write_all(lines(&localities).as_bytes())
}
