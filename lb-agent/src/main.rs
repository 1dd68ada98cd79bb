//! The command `lb-agent`: the daemon of an L4 node, and what its backends need.
//!
//! This file reads the command line and turns the result into an exit status;
//! [`cli`] declares what can be typed.
#![forbid(unsafe_code)]

mod cli;
mod dsr;

use std::process::ExitCode;

use clap::Parser;

use cli::{Cli, Command};

fn main() -> ExitCode {
    match Cli::parse().command {
        Command::Dsr(arguments) => dsr::run(&arguments),
    }
}
