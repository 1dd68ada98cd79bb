//! `schema KIND`: the JSON Schema of a kind of file, for editors and generators.

use lb_core::config::LbFile;
use sim::scenario::ScenarioFile;

use super::Stop;
use crate::cli::{Kind, Schema};
use crate::output::Output;

pub(super) fn run(arguments: &Schema, out: &mut Output) -> Result<(), Stop> {
    let schema = match arguments.kind {
        Kind::Lb => schemars::schema_for!(LbFile),
        Kind::Scenario => ScenarioFile::schema(),
    };
    // it is JSON in every format
    Ok(out.json(&schema)?)
}
