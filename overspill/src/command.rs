//! The commands: each reads its input, asks the libraries and prints.

mod check;
mod completions;
mod forward;
mod man;
mod schema;

use std::io;
use std::path::Path;

use lb_core::config::{Config, LbFile};

use crate::cli::Command;
use crate::input::{Fault, Source};
use crate::output::Output;

/// Why a command ended early.
#[derive(Debug)]
pub(crate) enum Stop {
    /// The input is at fault.
    Faults(Vec<Fault>),
    /// The command line asks for something that is not there.
    Usage(String),
    /// The answer could not be written.
    Write(io::Error),
}

impl From<Fault> for Stop {
    fn from(fault: Fault) -> Self {
        Self::Faults(vec![fault])
    }
}

impl From<io::Error> for Stop {
    fn from(error: io::Error) -> Self {
        Self::Write(error)
    }
}

/// Does what was asked.
pub(crate) fn run(command: Command, out: &mut Output) -> Result<(), Stop> {
    match command {
        Command::Check(arguments) => check::run(&arguments, out),
        Command::Completions(arguments) => completions::run(&arguments, out),
        Command::Forward(arguments) => forward::run(&arguments, out),
        Command::Man(arguments) => man::run(&arguments, out),
        Command::Schema(arguments) => schema::run(&arguments, out),
    }
}

/// Reads an LB file completely.
fn lb_config(path: &Path) -> Result<Config, Fault> {
    lb_config_of(&Source::read(path)?)
}

/// Reads an LB file's text completely.
fn lb_config_of(source: &Source) -> Result<Config, Fault> {
    let file: LbFile = source.parse()?;
    Config::try_from(file).map_err(|error| source.fault(&error.path.to_string(), error.problem.to_string()))
}
