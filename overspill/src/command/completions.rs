//! `completions SHELL`: what a shell needs to complete our command line.

use std::io::Write;

use clap::CommandFactory;

use super::Stop;
use crate::cli::{Cli, Completions};
use crate::output::Output;

pub(super) fn run(arguments: &Completions, out: &mut Output) -> Result<(), Stop> {
    // into memory first: the generator panics where a pipe is closed
    let mut script = Vec::new();
    clap_complete::generate(arguments.shell, &mut Cli::command(), "overspill", &mut script);
    Ok(out.write_all(&script)?)
}
