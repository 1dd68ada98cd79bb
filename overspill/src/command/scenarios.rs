//! `scenarios`, `scenarios show NAME`: what is compiled in, and one to start from.

use std::io::Write;

use comfy_table::CellAlignment::Left;
use serde::Serialize;
use sim::scenario::{ScenarioFile, embedded};

use super::Stop;
use super::run::embedded_named;
use crate::cli::{Scenarios, ScenariosAction};
use crate::output::{Format, Output, lines, table};

/// One line of the list.
#[derive(Debug, Serialize)]
struct Listed {
    name: &'static str,
    title: String,
}

pub(super) fn run(arguments: &Scenarios, out: &mut Output) -> Result<(), Stop> {
    match &arguments.action {
        None => list(out),
        Some(ScenariosAction::Show { name }) => {
            let scenario = embedded_named(name).map_err(Stop::Usage)?;
            match out.format() {
                Format::Json => {
                    let file: ScenarioFile = files::Source::new(scenario.name, scenario.text).parse()?;
                    out.json(&file)?;
                }
                Format::Text => out.write_all(scenario.text.as_bytes())?,
            }
            Ok(())
        }
    }
}

fn list(out: &mut Output) -> Result<(), Stop> {
    let mut listed = Vec::new();
    for scenario in embedded() {
        let file: ScenarioFile = files::Source::new(scenario.name, scenario.text).parse()?;
        listed.push(Listed { name: scenario.name, title: file.title });
    }
    match out.format() {
        Format::Json => out.json(&listed)?,
        Format::Text => {
            let mut table = table(&[("NAME", Left), ("WHAT IT SHOWS", Left)]);
            for scenario in &listed {
                table.add_row([scenario.name, &scenario.title]);
            }
            out.write_all(lines(&table).as_bytes())?;
        }
    }
    Ok(())
}
